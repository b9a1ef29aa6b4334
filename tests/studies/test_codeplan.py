"""CodePLAN's rivals: their runs are whole, and notebooks say what they say."""

import html
import json
import math
import re
from dataclasses import asdict, replace
from itertools import combinations, product
from statistics import fmean

import nbformat
import numpy as np
import pytest

from helpers.mini.reading import task_facts
from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.studies import codeplan
from helpers.seeds import over_seeds, relative_gain, verdict_word
from helpers.studies.claims import (STUDENT_CLAIMS, WORTH_CLAIMS, claim_words,
                                    common_level)
from helpers.studies.ekt import SEEDS
from helpers.studies.plan_tables import grid_of_gains
from helpers.studies.results import FRESH, load_plan_standing
from helpers.studies.runs import read_lines
from helpers.workshop import campaign

PROFILE = get_profile("mini")
NAMES = {words: name for name, words in codeplan.STUDENT_WORDS.items()}
EXAM = load_problems(codeplan.TASK)


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


# ---- what the notebooks say ----

def outputs(name):
    """All outputs of the notebook whose file begins with ``name``."""
    path, = (ROOT / "notebooks").rglob(f"{name}_*.ipynb")
    return [output for cell in nbformat.read(path, 4).cells
            for output in cell.get("outputs", ())]


def printed(name):
    return "\n".join(output.text for output in outputs(name)
                     if output.output_type == "stream")


def alts(name):
    return [output.data["text/plain"] for output in outputs(name)
            if "image/png" in output.get("data", {})]


@pytest.fixture(scope="module")
def tables():
    """The tables of E3: {their headings: their rows}."""
    found = {}
    for output in outputs("E3"):
        page = output.get("data", {}).get("text/html", "")
        rows = [[html.unescape(cell) for cell in re.findall(
            r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
            for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
        if rows and len(rows) > 1:
            found.setdefault(tuple(rows[0]), []).extend(rows[1:])
    return found


def table_with(tables, *columns):
    """The rows of the tables that have these columns, as dictionaries."""
    return {row[0]: dict(zip(head, row)) for head, rows in tables.items()
            if set(columns) <= set(head) for row in rows}


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


SAID = re.compile(r"([+-][\d.]+) \[([+-][\d.]+), ([+-][\d.]+)\] (\S+)")


@pytest.mark.parametrize("claim", STUDENT_CLAIMS, ids=lambda claim: claim.text)
def test_the_claims_are_recomputed(tables, claim):
    row = table_with(tables, "claim", "all 20")[claim.text]
    against = claim.k if claim.against is None else claim.against
    a = values(claim.one, claim.k, claim.level)
    b = values(claim.other, against, claim.level)
    assert row["scores"] == f"{percent(a):.1f}% against {percent(b):.1f}%"
    assert row["whose"] == claim.whose
    assert int(row["seeds ahead"]) == sum(
        fmean(x) > fmean(y) for x, y in zip(a, b))
    mean, low, high, unit = SAID.fullmatch(row["difference [95 %]"]).groups()
    mean, low, high = map(float, (mean, low, high))
    if claim.ratio is None:
        bar, wanted = 0, percent(a) - percent(b)
        assert unit == "points"
    else:
        bar, wanted = 100 * claim.ratio, 100 * (percent(a) / percent(b) - 1)
        assert unit == "%"
    assert mean == pytest.approx(wanted, abs=0.051)
    assert low <= mean <= high
    # Rounded ends may fall on the bar itself; the sign is then not told.
    assert row["at 95 %"] == verdict_word(low, high, bar) or bar in (low, high)
    if claim.ratio is None:
        _, low, high = over_seeds(a, b, level=common_level(STUDENT_CLAIMS))
    else:
        class Scored:
            def __init__(self, table):
                self.scores = lambda: np.array(table)
        _, low, high = relative_gain(Scored(a), Scored(b),
                                     level=common_level(STUDENT_CLAIMS))
    assert row["all 20"] == verdict_word(low, high, claim.ratio or 0)


def worth(name, pick):
    """(seeds, problems) of the worth of a plan, any or the best of five."""
    table = []
    for run in lines(f"plans-{name}", "plans"):
        table.append([])
        for plans in run["plans"]:
            deals = [[(e, h / run["codes"]) for e, h in plans]]
            if pick == FRESH:      # one program chooses, the other counts
                deals = product(*(
                    [(e > i, h > 1 - i) for i in (0, 1)] for e, h in plans))
            means = []
            for pairs in deals:
                top = max((key for key, _ in pairs), default=0)
                means.append(fmean([value for key, value in pairs
                                    if not pick or key == top] or [0]))
            table[-1].append(fmean(means))
    return table


@pytest.mark.parametrize("claim", WORTH_CLAIMS, ids=lambda claim: claim.text)
def test_the_claims_on_plans_are_recomputed(tables, claim):
    row = table_with(tables, "claim", "all 14")[claim.text]
    a, b = worth(claim.one, claim.pick), worth(claim.other, "")
    assert row["scores"] == f"{percent(a):.1f}% against {percent(b):.1f}%"
    mean, low, high, _ = SAID.fullmatch(row["difference [95 %]"]).groups()
    assert float(mean) == pytest.approx(percent(a) - percent(b), abs=0.051)
    for column, level in (("at 95 %", 0.95),
                          ("all 14", common_level(WORTH_CLAIMS))):
        assert row[column] == verdict_word(*over_seeds(a, b, level=level)[1:])


def test_one_verdict_stands_in_headline_text_and_readme(tables):
    """What the prose of 06 and E3 says of the claim is what is computed."""
    words = claim_words(PROFILE)
    for name in ("06", "E3"):
        assert f"HEADLINE: {words}\n" in printed(name) + "\n"
    assert words.partition("paired ")[2].partition(" points")[0] in (
        ROOT / "README.md").read_text()
    rows = table_with(tables, "claim", "all 20")
    decided = {name: row["all 20"] for name, row in rows.items()
               if row["all 20"] != "undecided"}
    assert decided == {
        "two tasks beat one": "disagree",
        "two tasks beat one by 130 %": "disagree",
        "a plan chosen by example tests beats any plan": "agree"}
    for name, verdict in list(decided.items())[:2]:
        assert f'"{name}": {verdict}' in words
    assert rows["plans that saw the question beat no plans"][
        "at 95 %"] == "undecided"
    for name, said in (
            ("06", "gain in neither world"),
            ("E3", "It is *worse* than ordinary fine-tuning at pass@1 and")):
        path, = (ROOT / "notebooks").rglob(f"{name}_*.ipynb")
        assert said in "\n".join(
            cell.source for cell in nbformat.read(path, 4).cells)


def test_the_table_of_plans_is_recomputed(tables):
    names = ("fine-tuned", "codeplan", "with-question", "plan-head")
    rows = table_with(tables, "solved, %", "two tasks, a plan head")
    for way, k in (("direct, one", 1), ("a plan at random", "random"),
                   ("plan by examples", "examples"),
                   ("plan, program by examples", "examples twice")):
        for name in names:
            words = codeplan.STUDENT_WORDS[name]
            said = float(rows[way][words].partition(" [")[0])
            assert said == pytest.approx(percent(values(name, k)), abs=0.051)
    for name in names:
        adds = percent(values(name, "oracle")) - percent(
            values(name, "examples"))
        assert (f"{codeplan.STUDENT_WORDS[name]}: an oracle's choice of a "
                f"plan adds {adds:.1f} ") in printed("E3")


def test_the_fair_comparison_is_recomputed(tables):
    rows = table_with(tables, "direct programs", "plan first, %")
    for name in ("fine-tuned", "codeplan", "with-question", "plan-head"):
        runs = lines(name)
        n = runs[0]["rival"]["n"]
        one = fmean(run["tokens"] / n for run in runs)
        all_plans = fmean(run["plan-first"]["tokens"] for run in runs)
        plans = max(p for p in range(1, 6) if p * all_plans / 5 <= n * one)
        tries = int(plans * all_plans / 5 // one)
        row = rows[codeplan.STUDENT_WORDS[name]]
        assert (row["plans"], row["direct programs"]) == (
            str(plans), str(tries))
        first, direct = (float(row[key]) for key in (
            "plan first, %", "direct, %"))
        assert first == pytest.approx(percent(values(
            name, "examples twice", n=plans)), abs=0.051)
        found = [
            (1 - math.comb(n - e, tries) / math.comb(n, tries)) * c
            / max(e, 1) for run in runs
            for c, e in zip(run["counts"], run["shown"])]
        assert direct == pytest.approx(100 * fmean(found), abs=0.051)
        gain, low, high = map(float, re.findall(
            r"[-+]?[\d.]+", row["difference, points"]))
        assert gain == pytest.approx(first - direct, abs=0.11)
        assert low <= gain <= high


def test_the_table_of_the_map_is_recomputed(tables):
    points = {"1 layer": "-1-layer", "2 layers, 300 problems": "",
              "3 layers": "-3-layers", "60 problems": "-60-problems",
              "150 problems": "-150-problems"}
    head, = (head for head in tables if "base and data" in head)
    found = {(row[0], NAMES[row[1]]): row[2:] for row in tables[head]}
    assert set(found) == {
        (label, name) for label, point in points.items()
        for name in ("fine-tuned", "codeplan", "with-question")
        if f"{name}{point}" in codeplan.RIVALS}
    for (label, name), (score, gain) in found.items():
        wanted = percent(values(f"{name}{points[label]}", 1))
        assert float(score) == pytest.approx(wanted, abs=0.051)
        if name == "fine-tuned":
            assert gain == ""
            continue
        base = percent(values(f"fine-tuned{points[label]}", 1))
        assert float(gain.partition(" [")[0]) == pytest.approx(
            wanted - base, abs=0.051)


def test_the_grid_is_that_of_the_runs():
    """The alt text of the map has the gains that the runs give."""
    alt, = (alt for alt in alts("E3") if "A grid of gains" in alt)
    facts = [task_facts(p.question) for p in EXAM]
    found = re.findall(r"([^;.]+order): ([-+\d, ]+)", alt)
    assert len(found) == 4
    for row, numbers in found:
        words, _, order = row.strip().rpartition(", ")
        a, b = values(NAMES[words], 1), values("fine-tuned", 1)
        gains = [[x - y for x, y in zip(*rows)] for rows in zip(a, b)]
        wanted = [100 * fmean(
            g for row_of in gains for g, fact in zip(row_of, facts)
            if fact in ((steps, order == "in order"),
                        (steps or fact[0], order == "in order")))
            for steps in (*sorted({steps for steps, _ in facts}), None)]
        assert [int(x) for x in numbers.split(", ") if x.strip()] == (
            pytest.approx(wanted, abs=0.51))


def test_one_cell_of_the_grid_leaves_zero_out():
    """As its title, and the text below it, have it."""
    standings = {name: load_plan_standing(PROFILE, name)
                 for name in ("fine-tuned", "codeplan", "with-question")}
    grid = grid_of_gains(standings, [task_facts(p.question) for p in EXAM])
    assert [cell for cell, (_, low, high) in grid.items()
            if low > 0 or high < 0] == [
                ("two tasks (CodePLAN), out of order", "all")]


def test_tables_call_students_and_plans_by_words(tables):
    """A name of the files stands where a table says that it is one."""
    coded = {name for name in (*codeplan.RIVALS, *codeplan.ASKED)
             if "-" in name or name == "codeplan"}
    for head, rows in tables.items():
        for row in ([*head], *rows):
            for column, cell in zip(head, row):
                said = re.split(r"[,:] ", cell)[0]
                assert said not in coded or column == "in the files", cell
    rows = table_with(tables, "student", "in the files")
    assert {row["in the files"]: words for words, row in rows.items()} == (
        codeplan.STUDENT_WORDS)


def test_the_table_of_fits_is_recomputed(tables):
    rows = table_with(tables, "student", "code loss, nats per token")
    assert set(rows) == set(NAMES) - {"student before training"}
    for words, row in rows.items():
        runs = lines(NAMES[words])
        assert float(row["code loss, nats per token"]) == pytest.approx(
            fmean(run["losses"][0] for run in runs), abs=0.00051)
        assert float(row["pass@1, %"]) == pytest.approx(
            percent(values(NAMES[words], 1)), abs=0.051)


def test_planning_first_in_m6_is_what_e3_says():
    """By seed there, over all seeds here: the same cost, the same sign."""
    said, = re.findall(r"HEADLINE: planning first gains ([-+][\d.]+) points",
                       printed("M6"))
    found = []
    for run in lines("codeplan"):
        n = run["rival"]["n"]
        m = run["plan-first"]["tokens"] * n // run["tokens"]
        found += [chosen(plans, run["plan-first"]["codes"], "examples twice")
                  - (1 - math.comb(n - e, m) / math.comb(n, m)) * c / max(e, 1)
                  for plans, c, e in zip(run["plan-first"]["plans"],
                                         run["counts"], run["shown"])]
    assert float(said) == pytest.approx(100 * fmean(found), abs=0.051)


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
