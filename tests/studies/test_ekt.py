"""EKT and its rivals: their files, and what notebook 05 says of them."""

import json
import math
import re
from dataclasses import asdict

import nbformat
import pytest

from helpers.profiles import ROOT, get_profile
from helpers.studies import ekt
from helpers.studies.results import load_standing
from helpers.studies.runs import read_lines
from helpers.workshop import campaign

PROFILE = get_profile("mini")
SHIPPED = PROFILE.shipped / "ekt.jsonl"


# ---- the files of runs ----

needs_results = pytest.mark.parametrize("name", sorted(ekt.RIVALS))


@needs_results
def test_shipped_runs_are_complete_and_of_today(name):
    rival = ekt.RIVALS[name]
    about = {"name": name, "rival": asdict(rival),
             "made_with": campaign.marks("mini-gsm", model=rival.model,
                                         teacher=rival.teacher)}
    runs = campaign.known(read_lines(SHIPPED), about)
    assert [run["seed"] for run in runs] == list(ekt.SEEDS)
    for run in runs:
        assert len(run["counts"]) == 200
        assert sum(run["statuses"].values()) == 200 * rival.n
        assert sum(run["counts"]) == run["statuses"].get("passed", 0)
    standing = load_standing(PROFILE, name)
    assert standing.n == rival.n


def test_the_rates_are_those_that_dev_chose():
    for rival in ekt.TUNED:
        scores = {run["rate"]: sum(run["counts"]) for run in read_lines(
            PROFILE.shipped / "learning-rates.jsonl")
            if run["name"] == f"dev-{rival.name}"}
        assert set(scores) == set(ekt.DEV_RATES)
        assert rival.rate == max(scores, key=scores.get)


# ---- what notebook 05 says ----

def printed(begin):
    """The output of notebook 05 whose text holds ``begin``."""
    path, = (ROOT / "notebooks").glob("05_*.ipynb")
    texts = [output.text for cell in nbformat.read(path, 4).cells
             for output in cell.get("outputs", ())
             if output.output_type == "stream"]
    return next(text for text in texts if begin in text)


def by_hand(name, k):
    """Mean pass@k in percent, without our evaluation; k = 0 is greedy."""
    values = []
    for run in map(json.loads, SHIPPED.read_text().splitlines()):
        if run["name"] != name:
            continue
        n = run["rival"]["n"]
        if k == 0:
            values += [100 * c for c in run["greedy"]]
        else:
            values += [100 * (1 - math.comb(n - c, k) / math.comb(n, k))
                       for c in run["counts"]]
    return sum(values) / len(values)


def test_the_table_of_rivals_is_recomputed():
    rows = [line for line in printed("pass@100  ").splitlines()[1:] if line]
    assert [row.split()[0] for row in rows] == [r.name for r in ekt.MAIN]
    for row in rows:
        said = re.findall(r"([\d.]+)% \[", row)
        wanted = [by_hand(row.split()[0], k) for k in (1, 100, 0)]
        assert list(map(float, said)) == pytest.approx(wanted, abs=0.051)


CLAIM = re.compile(r"(pass@\d+|greedy) +([+-][\d.]+) \[ *([+-][\d.]+), "
                   r"*([+-][\d.]+)\] +(\w+)")


@pytest.mark.parametrize("begin, pairs", [
    ("small student  pass@1 ", None),
    ("student - teacher", [("ekt", "teacher-few-shot")] * 8),
    ("teacher's quality", [
        ("ekt", "ekt-weak-teacher"), ("ekt", "ekt-weak-teacher"),
        ("ekt-small-student", "ekt-weak-teacher-small-student"),
        ("ekt-small-student", "ekt-weak-teacher-small-student"),
        ("ekt", "ekt-small-student"), ("ekt", "ekt-small-student"),
        ("ekt-weak-teacher", "ekt-weak-teacher-small-student"),
        ("ekt-weak-teacher", "ekt-weak-teacher-small-student")])])
def test_the_claims_are_recomputed(begin, pairs):
    path, = (ROOT / "notebooks").glob("05_*.ipynb")
    texts = [output.text for cell in nbformat.read(path, 4).cells
             for output in cell.get("outputs", ())
             if output.output_type == "stream" and begin in output.text]
    assert texts
    for text, rival in zip(texts, ("expert-iteration", "kd")):
        found = CLAIM.findall(text)
        named = pairs or [(f"ekt{s}", f"{rival}{s}") for s in
                          ("", "", "-small-student", "-small-student")]
        assert len(found) == len(named)
        for (k, said, low, high, verdict), (a, b) in zip(found, named):
            k = 0 if k == "greedy" else int(k.removeprefix("pass@"))
            wanted = by_hand(a, k) - by_hand(b, k)
            assert float(said) == pytest.approx(wanted, abs=0.051)
            assert float(low) <= float(said) <= float(high)
            assert verdict == ("agree" if float(low) > 0 else "disagree"
                               if float(high) < 0 else "undecided")


def test_the_table_of_the_turned_distillations_is_recomputed():
    rows = [line.split() for line in
            printed("no program  wrong").splitlines()[1:] if line]
    assert [row[0] for row in rows] == [
        "ekt", "ekt-question", "ekt-padding", "kd"] + [
        r.name for r in ekt.TURNED]
    for row in rows:
        assert float(row[1].rstrip("%")) == pytest.approx(
            by_hand(row[0], 1), abs=0.051)
        assert float(row[4]) == pytest.approx(
            by_hand(row[0], 1) - by_hand("kd", 1), abs=0.051)
