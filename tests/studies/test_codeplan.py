"""CodePLAN's rivals: their runs are whole, and notebook 06 says what they say.
"""

import json
import math
import re
from dataclasses import asdict, replace
from itertools import combinations
from statistics import fmean

import nbformat
import pytest

from helpers.mini.reading import task_facts
from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.studies import codeplan
from helpers.studies.claims import ABLATION_CLAIMS, MAIN_CLAIMS
from helpers.studies.ekt import SEEDS
from helpers.studies.results import load_plan_standing
from helpers.studies.runs import read_lines
from helpers.workshop import campaign

PROFILE = get_profile("mini")
EXAM = load_problems(codeplan.TASK)
CLAIMS = MAIN_CLAIMS + ABLATION_CLAIMS


def lines(name, study="codeplan"):
    file = PROFILE.shipped / f"{study}.jsonl"
    rows = map(json.loads, file.read_text().splitlines())
    return [row for row in rows if row["name"] == name]


@pytest.mark.parametrize("name", sorted(codeplan.RIVALS))
def test_shipped_runs_are_complete_and_of_today(name):
    rival = codeplan.RIVALS[name]
    about = {"name": name, "rival": asdict(rival),
             "made_with": campaign.marks(codeplan.TASK, model=rival.model,
                                         teacher=codeplan.TEACHER)}
    runs = campaign.known(read_lines(PROFILE.shipped / "codeplan.jsonl"),
                          about)
    assert [run["seed"] for run in runs] == list(SEEDS)
    for run in runs:
        for right, shown in zip(run["counts"], run["shown"], strict=True):
            assert 0 <= right <= shown <= rival.n
        assert len(run["counts"]) == len(run["greedy"]) == len(EXAM)
        assert run["tokens"] >= rival.n * len(EXAM)
        # Nothing beside the code for who learns code alone.
        assert bool(run.get("beside")) is bool(
            rival.beside and rival.updates)
        parts = ["plan-first"][:rival.plans] + ["plan-first, plan head"][
            :rival.plans * rival.head]
        for part in parts:
            assert len(run[part]["plans"]) == len(EXAM)
            assert run[part]["codes"] == rival.codes
            for plans in run[part]["plans"]:
                assert len(plans) == rival.plans
                assert all(0 <= right <= shown <= rival.codes
                           for shown, right in plans)
    standing = load_plan_standing(PROFILE, name)
    assert standing.n == rival.n


def test_all_see_the_same_programs():
    """But for those who learn from the teacher's, or from fewer problems."""
    for name, rival in codeplan.RIVALS.items():
        seen = {run["codes"] for run in lines(name)}
        if rival.updates and rival.programs == "reference":
            assert seen == {sum(len(p.solutions) for p in load_problems(
                codeplan.TASK, "train", limit=rival.problems))}, name


def test_the_rates_are_those_that_dev_chose():
    for rival in codeplan.TUNED:
        scores = {run["rate"]: sum(run["counts"]) for run in lines(
            f"dev-{rival.name}", "learning-rates")}
        assert set(scores) == set(codeplan.DEV_RATES)
        assert rival.rate == max(scores, key=scores.get), scores


# ---- what notebook 06 says ----

@pytest.fixture(scope="module")
def printed():
    path, = (ROOT / "notebooks").glob("06_*.ipynb")
    return "\n".join(
        output.text for cell in nbformat.read(path, 4).cells
        for output in cell.get("outputs", ())
        if output.output_type == "stream")


def chosen(plans, codes, how, n=None):
    """The mean over all choices of n plans of what the best one gives."""
    key = (lambda p: p[1]) if how == "oracle" else (lambda p: p[0])
    value = ((lambda p: p[1] / max(p[0], 1)) if how == "examples twice"
             else (lambda p: p[1] / codes))
    found = []
    for some in combinations(plans, n or len(plans)):
        top = max(map(key, some))
        found.append(fmean(value(p) for p in some
                           if how == "random" or key(p) == top))
    return fmean(found)


def values(name, k, level="", part="plan-first", n=None):
    """For each seed the scores of all problems, without our evaluation."""
    where = [i for i, p in enumerate(EXAM) if level in ("", p.difficulty)]
    table = []
    for run in lines(name):
        total = run["rival"]["n"]
        if k == 0:
            row = run["greedy"]
        elif isinstance(k, str):
            row = [chosen(plans, run[part]["codes"], k, n)
                   for plans in run[part]["plans"]]
        else:
            row = [1 - math.comb(total - c, k) / math.comb(total, k)
                   for c in run["counts"]]
        table.append([row[i] for i in where])
    return table


def percent(table):
    return 100 * fmean(map(fmean, table))


SAID = re.compile(r"([+-][\d.]+) \[([+-][\d.]+), ([+-][\d.]+)\] (\S+); "
                  r"([\d.]+)% against ([\d.]+)%, ahead with (\d) of 5 seeds")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.text)
def test_the_claims_are_recomputed(printed, claim):
    begin = f"{claim.text} ({claim.whose}): "
    verdict, line = printed.partition(begin)[2].splitlines()[:2]
    mean, low, high, unit, one, other, leads = SAID.search(line).groups()
    mean, low, high = map(float, (mean, low, high))
    against = claim.k if claim.against is None else claim.against
    a = values(claim.one, claim.k, claim.level)
    b = values(claim.other, against, claim.level)
    assert float(one) == pytest.approx(percent(a), abs=0.051)
    assert float(other) == pytest.approx(percent(b), abs=0.051)
    assert int(leads) == sum(fmean(x) > fmean(y) for x, y in zip(a, b))
    if claim.ratio is None:
        bar, wanted = 0, percent(a) - percent(b)
        assert unit == "points"
    else:
        bar, wanted = 100 * claim.ratio, 100 * (percent(a) / percent(b) - 1)
        assert unit == "%"
    assert mean == pytest.approx(wanted, abs=0.051)
    assert low <= mean <= high
    # Rounded ends may fall on the bar itself; the sign is then not told.
    said = ("AGREE" if low > bar else "DISAGREE" if high < bar
            else "UNDECIDED")
    assert verdict == said or bar in (low, high)


def test_the_table_of_plans_is_recomputed(printed):
    names = ("fine-tuned", "codeplan", "with-question", "plan-head")
    for way, k in (("direct, one", 1), ("a plan at random", "random"),
                   ("plan by examples", "examples"),
                   ("plan, program by examples", "examples twice"),
                   ("plan by oracle", "oracle")):
        line, = re.findall(rf"^{way}  .*$", printed, re.MULTILINE)
        said = re.findall(r"([\d.]+) \[", line)
        assert list(map(float, said)) == pytest.approx(
            [percent(values(name, k)) for name in names], abs=0.051)


def test_the_fair_comparison_is_recomputed(printed):
    for name in ("fine-tuned", "codeplan", "with-question", "plan-head"):
        runs = lines(name)
        n = runs[0]["rival"]["n"]
        one = fmean(run["tokens"] / n for run in runs)
        all_plans = fmean(run["plan-first"]["tokens"] for run in runs)
        plans = max(p for p in range(1, 6) if p * all_plans / 5 <= n * one)
        tries = int(plans * all_plans / 5 // one)
        assert re.search(rf"^{name} +plans: {plans}, direct programs for the "
                         rf"same tokens: {tries}$", printed, re.MULTILINE)
        first, direct, gain, low, high = map(float, re.search(
            rf"^{name} +plan first +([\d.]+), direct +([\d.]+), difference "
            r"+([-\d.]+) \[ *([-\d.]+), *([-\d.]+)\]", printed,
            re.MULTILINE).groups())
        assert first == pytest.approx(percent(values(
            name, "examples twice", n=plans)), abs=0.051)
        found = [
            (1 - math.comb(n - e, tries) / math.comb(n, tries)) * c
            / max(e, 1) for run in runs
            for c, e in zip(run["counts"], run["shown"])]
        assert direct == pytest.approx(100 * fmean(found), abs=0.051)
        assert gain == pytest.approx(first - direct, abs=0.11)
        assert low <= gain <= high


def test_the_table_of_the_map_is_recomputed(printed):
    table = printed[printed.index("pass@1, %"):].splitlines()[1:6]
    points = ("-1-layer", "", "-3-layers", "-60-problems", "-150-problems")
    for line, point in zip(table, points):
        said = list(map(float, re.findall(r"([\d.]+) \[", line)))
        names = [f"{name}{point}" for name in (
            "fine-tuned", "codeplan", "with-question")]
        assert said == pytest.approx([
            percent(values(name, 1)) for name in names
            if name in codeplan.RIVALS], abs=0.051)


def test_the_grid_is_that_of_the_runs():
    """The alt text of the map has the gains that the runs give."""
    path, = (ROOT / "notebooks").glob("06_*.ipynb")
    alt, = (output.data["text/plain"] for cell in nbformat.read(path, 4).cells
            for output in cell.get("outputs", ())
            if "A grid of gains" in output.get("data", {}).get(
                "text/plain", ""))
    facts = [task_facts(p.question) for p in EXAM]
    for row, numbers in re.findall(r"([\w-]+, [\w ]+order): ([-+\d, ]+)",
                                   alt):
        name, order = row.split(", ")
        a, b = values(name, 1), values("fine-tuned", 1)
        gains = [[x - y for x, y in zip(*rows)] for rows in zip(a, b)]
        wanted = [100 * fmean(
            g for row_of in gains for g, fact in zip(row_of, facts)
            if fact in ((steps, order == "in order"),
                        (steps or fact[0], order == "in order")))
            for steps in (*sorted({steps for steps, _ in facts}), None)]
        assert [int(x) for x in numbers.split(", ") if x.strip()] == (
            pytest.approx(wanted, abs=0.51))


def test_the_control_reads_as_much_as_the_two_tasks():
    """codes-twice differs from codeplan in what stands beside, and in the
    rate, which dev chose for code alone."""
    two, twice, alone = (codeplan.RIVALS[name] for name in (
        "codeplan", "codes-twice", "fine-tuned"))
    assert twice.rate == alone.rate
    assert replace(twice, name="codeplan", beside="backward", n=100,
                   plans=5, rate=two.rate) == two
    assert replace(alone, name="codeplan", beside="backward",
                   weights=(1.0, 1.0), rate=two.rate) == two
