"""The dial: its runs are whole, and notebooks say what they say."""

import functools
import json
import math
import re
from dataclasses import asdict
from statistics import fmean

import nbformat
import numpy as np
import pytest

from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.seeds import over_seeds
from helpers.studies import dial, dial_results
from helpers.studies.runs import read_lines
from helpers.workshop import campaign

PROFILE = get_profile("mini")
EXAM, TRAIN = (load_problems(dial.DIAL_TASK, split)
               for split in ("test", "train"))
LEARNERS = dial.learners()


@functools.cache
def lines_of(study):
    file = PROFILE.shipped / f"{study}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()]


def lines(name, study="dial"):
    return [row for row in lines_of(study) if row["name"] == name]


def of(kind, share):
    """The runs of a kind at one position, those of the first base first."""
    return [run for base in dial.BASES
            for run in lines(dial.name_of(kind, share, base))]


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: one.name)
def test_shipped_runs_are_complete_and_of_today(learner):
    teacher = dial.DIAL_TEACHER if learner.way else ""
    about = {"name": learner.name, "rival": asdict(learner),
             "made_with": campaign.marks(dial.DIAL_TASK, model=learner.base,
                                         teacher=teacher)}
    runs = campaign.known(read_lines(PROFILE.shipped / "dial.jsonl"), about)
    assert [run["seed"] for run in runs] == list(dial.DIAL_SEEDS)
    for run in runs:
        assert len(run["counts"]) == len(run["greedy"]) == len(EXAM)
        for right, shown in zip(run["counts"], run["shown"], strict=True):
            assert 0 <= right <= shown <= learner.n
        assert run["counts"] != run["shown"]    # examples are no oracle
        assert run["ran"]["command"].endswith(learner.name)
        assert {"commit", "torch", "machine", "date"} <= {*run["ran"]}
        assert ("plan-first" in run) is bool(learner.plans)
        for plans in run.get("plan-first", {}).get("plans", ()):
            assert len(plans) == learner.plans
            assert all(len(marks) == learner.codes and {*marks} <= {0, 1, 2}
                       for marks in plans)


def test_plans_come_from_a_teacher_that_slips():
    """One for each of a problem's four programs, and not all are right."""
    for kind in ("two-tasks", "planner"):
        for share in dial.DIAL_SHARES:
            for run in of(kind, share):
                assert 0 < run["taught"]["right"] < run["taught"]["plans"]
                assert run["taught"]["plans"] <= 4 * len(TRAIN)


def test_the_rates_of_the_dial_are_those_that_dev_chose():
    for learner in dial.TUNED:
        scores = {}
        for run in lines(f"dev-{learner.name}", "learning-rates"):
            first = run.get("plan-first") or {}
            plans = first.get("plans")
            right = (fmean(fmean(m == 2 for marks in some for m in marks)
                           for some in plans) if plans
                     else fmean(run["counts"]) / learner.n)
            scores.setdefault(run["rate"], []).append(right)
        assert {*scores} == {*dial.TUNING_RATES[
            learner.name.removeprefix("dial-")]}
        assert {len(some) for some in scores.values()} == {
            len(dial.TUNING_SEEDS)}
        assert learner.rate == max(scores, key=lambda rate: fmean(
            scores[rate])), scores


# ---- computed in another way ----

def direct_scores(kind, share):
    return np.array([[count / run["rival"]["n"] for count in run["counts"]]
                     for run in of(kind, share)])


def planned_scores(kind, share, best=False):
    """From all ways to take one program of each plan."""
    table = []
    for run in of(kind, share):
        row = []
        for plans in run["plan-first"]["plans"]:
            if not best:
                marks = [mark for some in plans for mark in some]
                row.append(sum(mark == 2 for mark in marks) / len(marks))
                continue
            some = []
            for tried in zip(*plans):
                passing = [mark for mark in tried if mark]
                some.append(sum(mark == 2 for mark in passing)
                            / max(len(passing), 1))
            row.append(sum(some) / len(some))
        table.append(row)
    return np.array(table)


def test_scores_are_recomputed():
    found = dial_results.load_along(PROFILE)
    for share in dial.DIAL_SHARES:
        base, planner = found["fine-tuned", share], found["planner", share]
        assert np.allclose(base.direct(), direct_scores("fine-tuned", share))
        assert np.allclose(planner.one_plan(),
                           planned_scores("planner", share))
        assert np.allclose(planner.best_plan(),
                           planned_scores("planner", share, True))
        assert (planner.best_plan(2) >= planner.best_plan() - 1e-9).all()
        tries = dial_results.equal_tries(base, planner)
        assert 1 < tries <= base.runs[0]["rival"]["n"]
        # As many tokens, within one program.
        direct, planned = base.tokens()[0], planner.tokens()[1]
        assert abs(tries * direct - 4 * planned) <= direct or (
            tries == base.runs[0]["rival"]["n"])


# ---- what the notebooks say ----

def outputs(name):
    path, = (ROOT / "notebooks").rglob(f"{name}_*.ipynb")
    return [output for cell in nbformat.read(path, 4).cells
            for output in cell.get("outputs", ())]


def alt_of(name, words):
    alt, = (output.data["text/plain"] for output in outputs(name)
            if "image/png" in output.get("data", {})
            and words in output.data["text/plain"])
    return alt


@pytest.mark.parametrize("name", ["06", "M9"])
def test_the_figure_of_the_dial_is_recomputed(name):
    """Each relative gain and its ends, by the delta method written anew."""
    alt = alt_of(name, "relative to ordinary fine-tuning")
    found = re.findall(r"(?:steps\. |; )([a-z][^:;]*?): "
                       r"((?:[^;]*?at \d+ %,? ?)+)", alt)
    assert {words for words, _ in found} == set(dial_results.DRAWN)
    for words, numbers in found:
        for gain, low, high, at in re.findall(
                r"([-+]\d+) \[([-+]\d+), ([-+]\d+)\] at (\d+) %", numbers):
            share = int(at) / 100
            one = (direct_scores("two-tasks", share) if "two" in words else
                   planned_scores("planner", share, "sampling" in words))
            other = direct_scores("fine-tuned", share)
            ratio = one.mean() / other.mean()
            _, a, b = over_seeds(one - ratio * other)
            half = (b - a) / 2 / other.mean()
            for said, right in ((gain, ratio - 1), (low, ratio - half - 1),
                                (high, ratio + half - 1)):
                assert math.isclose(int(said), 100 * right, abs_tol=0.51)


def test_the_gain_of_each_base_is_recomputed():
    said = "".join(output.text for output in outputs("M9")
                   if output.output_type == "stream")
    found = re.findall(r"(first|second) base: plan first, dial 0 %: "
                       r"([-+]\d+) % \[([-+]\d+), ([-+]\d+)\]", said)
    assert [base for base, *_ in found] == ["first", "second"]
    for (_, *ends), rows in zip(found, (slice(5), slice(5, None))):
        one = planned_scores("planner", 0.0, False)[rows]
        other = direct_scores("fine-tuned", 0.0)[rows]
        ratio = one.mean() / other.mean()
        _, a, b = over_seeds(one - ratio * other)
        half = (b - a) / 2 / other.mean()
        for end, right in zip(ends, (ratio, ratio - half, ratio + half)):
            assert math.isclose(int(end), 100 * (right - 1), abs_tol=0.51)


def test_one_verdict_on_the_dial_stands_everywhere():
    words = dial_results.headline(PROFILE)
    for name in ("06", "M9"):
        said = "\n".join(output.text for output in outputs(name)
                         if output.output_type == "stream")
        assert f"DIAL: {words}\n" in said + "\n"
