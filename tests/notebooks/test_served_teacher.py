"""The lessons with a teacher behind a server, in small sizes.

The server is real HTTP before the mini world's own models, with a price in
its address.
"""

import json
import re
import shutil
import subprocess
import sys

import nbformat
import pytest

from answering import Answering
from helpers.profiles import get_profile
from helpers.teachers.recording import RECORD_TO
from helpers.tools import offline
from helpers.workshop.recorder import finish_recording
from rehearse import ROOT, copy_repository

SIZES = ("train_problems=10, train_samples=5, test_problems=10, "
         "test_samples=5, epochs=1, plan_problems=4")
PLACE = "profile = get_profile()"
LESSONS = ("02", "03", "04", "05", "07")
# What follows these cells is the same for every teacher: the dial's plans are
# the mini world's, and distillation is tested elsewhere.
ASKS_UNTIL = {"03_eliciting_plans.ipynb": "03-064",
              "more/M5_distillation_and_expert_iteration.ipynb": "m5-018"}


def text_of(path):
    """All that an executed notebook printed."""
    return "\n".join(
        "".join(output.get("text", "")) + output.get("data", {}).get(
            "text/plain", "") for cell in nbformat.read(path, 4).cells
        if cell.cell_type == "code" for output in cell.outputs)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """({notebook: what it printed}, {model: choices served}, the copy, the
    line of its set-up cells)."""
    copy = copy_repository(tmp_path_factory.mktemp("served") / "copy")
    server = Answering()
    said = "?price=2,10&choices=20"
    served = (f"profile = get_profile('mini', {SIZES}, "
              f"teacher='{server.url}#teacher{said}', "
              f"plan_teacher='{server.url}#plan-teacher{said}')")
    set_up(copy, PLACE, served)
    for path, last in ASKS_UNTIL.items():
        notebook = nbformat.read(copy / "notebooks" / path, 4)
        ids = [cell.id for cell in notebook.cells]
        notebook.cells = notebook.cells[:ids.index(last) + 1]
        nbformat.write(notebook, copy / "notebooks" / path)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "helpers", "run", *LESSONS, "M5"],
            cwd=copy, env=offline.offline_environment() | {
                "PROFILE": "mini", RECORD_TO: str(copy / "recorded")},
            text=True, capture_output=True)
    finally:
        server.stop()
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return printed_in(copy), server.asked, copy, served


def set_up(copy, old, new):
    """Other words in the set-up cell of every notebook."""
    for path in (copy / "notebooks").rglob("*.ipynb"):
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")


def printed_in(copy):
    """{notebook: what it printed}, of those that ran."""
    folder = copy / "runs" / "mini"
    rows = json.loads((folder / "summary.json").read_text())["notebooks"]
    assert [row["status"] for row in rows] == ["done"] * len(rows)
    return {path.name[:2]: text_of(path)
            for path in (folder / "notebooks").rglob("*.ipynb")}


def test_weights_are_read_of_the_mini_teacher_and_it_is_said(ran):
    printed, *_ = ran
    for number in ("02", "M5"):
        assert printed[number].count("teacher@127.0.0.1") or (
            printed[number].count("teacher@localhost"))
    assert "gives texts, no probabilities" in printed["02"]
    assert "the same program as in section 2: True" in printed["02"]
    assert "has no weights here" in printed["M5"]
    assert "gives the right token" in printed["M5"]


@pytest.mark.parametrize("number", ["02", "03", "07"])
def test_the_cost_is_told_in_dollars_before_the_first_call(ran, number):
    printed, *_ = ran
    assert re.search(r"cost: at most [\d,]+ samples.*: \$\d", printed[number])


def test_what_was_asked_is_not_more_than_was_said(ran):
    printed, asked, *_ = ran
    told = {number: [int(text.replace(",", "")) for text in re.findall(
        r"cost: at most ([\d,]+) samples", printed[number])]
        for number in ("02", "03", "07")}
    # Of 07's lines the second is the teacher's; four problems are asked once
    # more in 02, to be cut off.
    teacher = told["02"][0] + told["07"][1] + 4 * 3 + 1
    assert 0 < asked["teacher"] <= teacher
    assert 0 < asked["plan-teacher"] <= told["03"][0]


def test_a_student_learns_from_what_the_server_wrote(ran):
    printed, *_ = ran
    assert re.search(r"HEADLINE: kept \d+ of 10 problems from 50 samples",
                     printed["04"])
    assert "greedy pass@1 on 10 problems" in printed["05"]
    assert re.search(r"teacher few-shot +10 problems x 5 programs, drawn and",
                     printed["07"])


def test_a_class_replays_what_the_server_said(ran):
    """With no server, and no results of the run that was recorded."""
    printed, _, copy, served = ran
    folder = copy / "recorded"
    names = dict(re.findall(r"(teacher|plan_teacher)='([^']+)'", served))
    finish_recording(folder, get_profile("mini", **names), "MIT")
    paths = {role: next(folder.glob(f"{name}@*.jsonl.gz")) for role, name in (
        ("teacher", "teacher"), ("plan_teacher", "plan-teacher"))}
    replayed = served
    for role, path in paths.items():
        replayed = replayed.replace(names[role], str(path))
    set_up(copy, served, replayed)
    shutil.rmtree(copy / "runs")
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "run", "02", "03"], cwd=copy,
        env=offline.offline_environment() | {"PROFILE": "mini"}, text=True,
        capture_output=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    again = printed_in(copy)
    for number in ("02", "03"):
        assert headline(again[number]) == headline(printed[number])
    assert "$0.00" in again["02"] or "nothing" in again["02"]


def headline(text):
    line, = re.findall(r"HEADLINE: (.*)", text)
    return line


def test_every_notebook_has_the_line_that_is_changed_here():
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        if not path.name.startswith("."):
            assert PLACE in path.read_text("utf-8"), path.name
