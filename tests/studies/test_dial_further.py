"""The further students of the dial: runs whole, tables computed again."""

import re
from dataclasses import asdict
from math import comb
from statistics import fmean

import nbformat
import numpy as np
import pytest

from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.seeds import over_seeds
from helpers.studies import dial
from helpers.studies.runs import read_lines
from helpers.workshop import campaign

PROFILE = get_profile("mini")
EXAM = load_problems(dial.DIAL_TASK, "test")
LINES = read_lines(PROFILE.shipped / "dial.jsonl")
FURTHER = dial.further()


def runs_of(name):
    return [run for run in LINES if run["name"] == name]


@pytest.mark.parametrize("learner, seeds", FURTHER,
                         ids=[one.name for one, _ in FURTHER])
def test_shipped_runs_are_complete_and_of_today(learner, seeds):
    teacher = (dial.DIAL_TEACHER if learner.way or learner.programs else "")
    runs = campaign.known(LINES, {
        "name": learner.name, "rival": asdict(learner),
        "made_with": campaign.marks(dial.DIAL_TASK, model=learner.base,
                                    teacher=teacher)})
    assert [run["seed"] for run in runs] == list(seeds)
    for run in runs:
        assert len(run["counts"]) == len(run["greedy"]) == len(EXAM)
        assert max(run["counts"]) <= learner.n
        assert {"commit", "torch", "machine", "date"} <= {*run["ran"]}
        for plans in run.get("plan-first", {}).get("plans", ()):
            assert len(plans) == learner.plans
            assert all(len(marks) == learner.codes and {*marks} <= {0, 1, 2}
                       for marks in plans)


def test_the_teacher_s_own_programs_are_fewer_than_people_s():
    for learner, _ in FURTHER:
        for run in runs_of(learner.name):
            assert ("programs" in run) is (learner.programs == "verified")
            assert 0 < run.get("programs", 1) < 1216


# ---- what the notebook says, computed in another way ----

def tables():
    path = ROOT / "notebooks/evidence/E4_along_the_dial.ipynb"
    for cell in nbformat.read(path, 4).cells:
        for output in cell.get("outputs", ()):
            html = output.get("data", {}).get("text/html", "")
            rows = [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(
                r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
                for row in re.findall(r"<tr.*?</tr>", html, re.DOTALL)]
            if rows:
                yield [dict(zip(rows[0], row)) for row in rows[1:]]


def table_with(*heads):
    """The rows of all tables with these heads."""
    return [row for rows in tables() if {*heads} <= {*rows[0]}
            for row in rows]


def passing(n, right, k):
    """One minus the share of k-sets without a right one."""
    return 1 - comb(n - right, k) / comb(n, k)


def scores(run, what, k):
    """The pass@k of a run for each problem."""
    if what != "plan first":
        return [passing(run["rival"]["n"], c, k) for c in run["counts"]]
    found = []
    for plans in run["plan-first"]["plans"]:
        marks = [mark == 2 for some in plans for mark in some]
        found.append(fmean(marks) if k == 1 else
                     passing(len(marks), sum(marks), k))
    return found


def score_table(kind, suite, share, what, k=1, seeds=None, bases=None):
    _, _, own_bases, own_seeds = (dial.FURTHER[suite] if suite else
                                  ((), (), dial.BASES, dial.DIAL_SEEDS))
    return np.array([scores(run, what, k)
                     for base in bases or own_bases
                     for run in runs_of(dial.name_of(kind, share, base))
                     if run["seed"] in (seeds or own_seeds)])


ENDS = {"a third base": ("base", ""),
        "an encoder-decoder": ("family", "-t5"),
        "all weights, no adapter": ("weights", "-all-weights"),
        "ten epochs": ("length", "-ten-epochs"),
        "the teacher's own programs": ("bridge", "-verified")}
LOSSES = {"loss of code counts twice": "two-to-one",
          "loss of plans counts twice": "one-to-two",
          "a plan head": "plan-head"}
KINDS = {"two tasks": "two-tasks", "plan first": "planner"}


def pair_of(row):
    """(table, baseline's table) of a row of the notebook's long table."""
    changed, what = row["change"].replace("&#x27;", "'"), row["student"]
    share = float(row["where"].split()[1].rstrip(","))
    if changed in LOSSES:
        seeds = dial.FURTHER["loss"][3]
        return (score_table(LOSSES[changed], "loss", share, what),
                score_table("fine-tuned", "", share, "", seeds=seeds))
    k = int(changed.removeprefix("pass@")) if "pass@" in changed else 1
    suite, end = ENDS.get(changed, ("hundred", "-hundred"))
    return (score_table(KINDS[what] + end, suite, share, what, k),
            score_table("fine-tuned" + end, suite, share, "", k))


def test_every_comparison_is_recomputed():
    rows = table_with("change", "student", "ahead?")
    assert len(rows) == 22 == len({
        (row["change"], row["student"], row["where"]) for row in rows})
    for row in rows:
        one, other = pair_of(row)
        assert len(one) == len(other) == int(row["where"].split()[2])
        assert row["solved, %"] == (f"{100 * one.mean():.1f} against "
                                    f"{100 * other.mean():.1f}")
        gain, low, high = map(float, re.findall(r"[-+]\d+\.\d",
                                                row["points [95 %]"]))
        ends = over_seeds(one - other)
        for said, right in zip((gain, low, high), ends):
            assert abs(said - 100 * right) < 0.051
        wide = over_seeds(one - other, level=1 - 0.05 / len(rows))[1:]
        assert re.findall(r"[-+]\d+\.\d", row["judged"]) == [
            f"{100 * end:+.1f}" for end in wide]
        assert row["ahead?"] == ("agree" if wide[0] > 0 else
                                 "disagree" if wide[1] < 0 else "undecided")


def test_pass_at_k_is_recomputed():
    rows = table_with("student", "pass@100, %")
    assert len(rows) == 6
    for row in rows:
        kind = {"ordinary fine-tuning": "fine-tuned", **KINDS}[row["student"]]
        share, what = float(row["dial"]), row["student"]
        for k in (1, 5, 100):
            table = score_table(f"{kind}-hundred", "hundred", share, what, k)
            assert row[f"pass@{k}, %"] == f"{100 * table.mean():.1f}"
        greedy = [fmean(run["plan-first"]["greedy"] if what == "plan first"
                        else run["greedy"])
                  for base in dial.BASES for run in runs_of(
                      dial.name_of(f"{kind}-hundred", share, base))]
        assert row["greedy, %"] == f"{100 * fmean(greedy):.1f}"


def test_the_table_by_stories_is_recomputed():
    """Days counted and their order read off the questions by a regex."""
    week = ("Monday Tuesday Wednesday Thursday Friday Saturday "
            "Sunday").split()
    told = [[week.index(day) for day in re.findall(r"On (\w+day)",
                                                   p.question)]
            for p in EXAM]
    rows = table_with("days", "told", "problems")
    assert sum(int(row["problems"]) for row in rows) == len(EXAM)
    for row in rows:
        numbers = [i for i, days in enumerate(told)
                   if len(days) == int(row["days"]) and (
                       days == sorted(days)) is (row["told"] == "in order")]
        assert len(numbers) == int(row["problems"])
        for share in dial.DIAL_SHARES:
            one, other = (score_table(kind, "", share, what)[:, numbers]
                          .mean() for kind, what in (
                              ("fine-tuned", ""), ("planner", "plan first")))
            said = row[f"dial {share:g}"].replace("&gt;", ">")
            assert said == f"{100 * one:.0f} -> {100 * other:.0f}"
        plans = np.array([run["plan-first"]["right"] for base in dial.BASES
                          for run in runs_of(dial.name_of("planner", 0.0,
                                                          base))]) / 4
        assert row["whole plans, dial 0"] == (
            f"{100 * plans[:, numbers].mean():.0f}")


def test_plans_written_and_followed_are_recomputed():
    rows = table_with("whole plans, %", "their programs right, %")
    for row, bases in zip(rows, (dial.BASES, *(
            dial.FURTHER[suite][2] for suite in ("base", "family"))),
            strict=True):
        runs = [run for base in bases for run in LINES
                if run["rival"]["base"] == base and run["name"].startswith(
                    ("planner-0-", "planner-t5-0-"))]
        right = [n for run in runs for n in run["plan-first"]["right"]]
        followed = [fmean(mark == 2 for some in plans for mark in some)
                    for run in runs for n, plans in zip(
                        run["plan-first"]["right"],
                        run["plan-first"]["plans"]) if n == 4]
        assert row["whole plans, %"] == f"{100 * fmean(right) / 4:.1f}"
        assert row["problems with whole plans only"] == str(len(followed))
        assert row["their programs right, %"] == f"{100 * fmean(followed):.1f}"


def test_tries_at_equal_tokens_are_recomputed():
    for row in table_with("tokens of a try with a plan", "tries"):
        share = float(row["dial"])
        base, planner = ([run for letter in dial.BASES for run in runs_of(
            dial.name_of(f"{kind}-hundred", share, letter))]
            for kind in ("fine-tuned", "planner"))
        cost = sum(run["plan-first"]["plan_tokens"]
                   + run["plan-first"]["code_tokens"] for run in planner)
        times = cost / sum(run["tokens"] for run in base)
        assert row["tokens of a try with a plan"] == f"{times:.1f} times"
        assert row["tries"] == str(round(100 / times))
        for column, kind, what, k in (
                ("plan first, %", "planner", "plan first",
                 int(row["tries"])),
                ("100 programs, %", "fine-tuned", "", 100)):
            table = score_table(f"{kind}-hundred", "hundred", share, what, k)
            assert row[column] == f"{100 * table.mean():.1f}"
