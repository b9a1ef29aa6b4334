"""Every result that ships says with what command, when, and at which commit
it was made, or which commit held it first; and these commits exist."""

import csv
import json
import re
import subprocess
from datetime import datetime
from functools import cache

import pytest

from helpers.profiles import ROOT, get_profile
from helpers.studies.runs import STUDIES, read_lines
from helpers.workshop import provenance

DATA = ROOT / "data"
SHIPPED = get_profile("mini").shipped
MADE = re.compile(r"^\| made \| commit (.+?), .+, (\d+ \w+ \d{4}) \|$", re.M)
KEPT = re.compile(r"^\| kept \| first in commit (\w+), (\d+ \w+ \d{4}), says "
                  r"the history \|$", re.M)


def read(path):
    return json.loads(path.read_text("utf-8"))


def lines_of_studies():
    return [(f"{study}.jsonl, {row['name']}, seed {row['seed']}",
             row.get("ran", {})) for study in STUDIES
            for row in read_lines(SHIPPED / f"{study}.jsonl")]


def benchmarks():
    """(where, record) of each part that was measured by itself."""
    for path in sorted((DATA / "benchmarks").glob("*.json")):
        whole = read(path)
        if "stages" in whole:                # on a card
            found = {name: stage.get("ran", {})
                     for name, stage in whole["stages"].items()}
        elif "command" in whole:
            found = {"": whole}
        elif "facts" in whole:
            found = {"": whole["facts"]}
        else:
            found = {name: part["facts"] for name, part in whole.items()}
        for name, record in found.items():
            yield f"{path.name} {name}", record
    for row in read(DATA / "servers.json"):
        yield f"servers.json {row['server']}", row.get("ran", {})


def models():
    for card in sorted(SHIPPED.parent.glob("models/*/README.md")):
        text = card.read_text("utf-8")
        made, kept = MADE.search(text), KEPT.search(text)
        command = re.search(r"`(python -m .+?)`", text.replace("\n", " "))
        yield f"card of {card.parent.name}", {
            "command": command[1],
            **({"commit": made[1], "date": made[2]} if made else {}),
            **({"kept_in": kept[1], "date": kept[2], "from": "the history"}
               if kept else {})}


def records():
    return [*lines_of_studies(), *benchmarks(), *models(),
            ("summary.json", read(SHIPPED / "summary.json")["ran"])]


def day(text):
    for form in ("%d %B %Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            pass
    raise ValueError(f"no date: {text!r}")


def test_every_result_says_how_and_when_it_was_made_and_at_which_commit():
    found = records()
    assert len(found) > 800
    for where, record in found:
        assert record.get("command", "").startswith(("python ", "make ")), (
            where)
        assert bool(record.get("commit")) != bool(record.get("kept_in")), (
            where)
        assert ("from" in record) == ("kept_in" in record), where
        assert day(record["date"]), where
    for where, record in lines_of_studies():
        assert record["command"] == (
            f"python -m helpers rivals {where.split(', ')[1]}")


def git(*words):
    return subprocess.run(["git", "-C", str(ROOT), *words], text=True,
                          capture_output=True)


@pytest.fixture
def history():
    try:
        found = git("rev-parse", "--is-shallow-repository")
    except OSError:
        pytest.skip("there is no git here")
    if found.returncode or git(
            "rev-parse", "--show-toplevel").stdout.strip() != str(ROOT):
        pytest.skip("this is no git checkout")
    if found.stdout.strip() == "true":
        pytest.skip("this clone is shallow: it has not the whole history")


def test_the_commits_that_are_named_exist_and_were_made_by_then(history):
    dates = {}
    for where, record in records():
        name = record.get("commit") or record["kept_in"]
        name = name.removesuffix(" and changes")
        if name not in dates:
            found = git("show", "-s", "--format=%cs", f"{name}^{{commit}}")
            assert found.returncode == 0, f"{where}: {found.stderr}"
            assert git("merge-base", "--is-ancestor", name,
                       "HEAD").returncode == 0, where
            dates[name] = day(found.stdout.strip())
        if "pinned" in record:              # the commit's day and versions
            assert day(record["date"]) == dates[name], where
            pins = git("show", f"{name}:constraints-ci.txt").stdout
            for package, version in record["pinned"].items():
                assert f"\n{package}=={version}\n" in pins, where
        elif "commit" in record:            # made on that commit, or later
            assert day(record["date"]) >= dates[name], where


def test_a_run_of_the_history_is_in_its_commit_and_not_before_it(history):
    def text(commit, study, name):
        return "".join(git("show", f"{commit}:data/mini/{place}").stdout
                       for place in (f"rivals/{name}.json",
                                     f"results/{study}.jsonl"))
    text, runs = cache(text), 0
    for study in STUDIES:
        for row in read_lines(SHIPPED / f"{study}.jsonl"):
            if commit := row["ran"].get("kept_in"):
                found = json.dumps(row["counts" if "counts" in row
                                       else "plans"])
                assert found in text(commit, study, row["name"])
                assert found not in text(f"{commit}^", study, row["name"])
                runs += 1
    assert runs > 300


def test_the_released_counts_name_commit_and_file_of_each_run():
    source = read(DATA / "ekt_gsm8k_test_counts.json")
    with open(DATA / "ekt_gsm8k_test_counts.csv", encoding="utf-8") as file:
        runs = next(csv.reader(file))[1:]
    assert sorted(source["files"]) == sorted(runs)
    assert len(set(source["files"].values())) == len(runs)
    assert re.fullmatch("[0-9a-f]{40}", source["commit"])


def test_a_result_made_now_says_so_and_an_archive_has_no_commit(monkeypatch):
    now = provenance.provenance("python -m helpers rivals ekt", "one thread")
    assert now["command"].endswith("rivals ekt") and day(now["date"])
    assert {"commit", "python", "torch", "transformers", "peft"} <= {*now}
    assert " cores, one thread" in now["machine"]

    def no_git(*words, **options):
        raise FileNotFoundError("git")
    monkeypatch.setattr(provenance.subprocess, "run", no_git)
    assert provenance.commit_now() == "no commit"
