"""EKT's systems: their files, and what notebooks E1 and 05 say of them."""

import html
import json
import math
import re
from dataclasses import asdict

import nbformat
import pytest

from helpers.profiles import ROOT, get_profile
from helpers.seeds import over_seeds, verdict_word
from helpers.studies import ekt
from helpers.studies.ekt_claims import (ABSTRACT, EKT_CLAIMS, TITLES,
                                        ekt_findings, ekt_headline, tries)
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


def test_teachers_fail_in_the_ways_that_they_have_read():
    """Spoilt programs stand in the weak teacher's corpus alone."""
    ways = {name: {status for run in load_standing(PROFILE, name).runs
                   for status, count in run["statuses"].items() if count > 9}
            for name in ("teacher-few-shot", "weak-teacher-few-shot")}
    assert ways["teacher-few-shot"] == {"passed", "wrong"}
    assert ways["weak-teacher-few-shot"] == {
        "passed", "wrong", "unparsable", "error", "timeout"}


# ---- what notebooks E1 and 05 say ----

def cells_of(pattern):
    """{cell id: what it printed and the rows of its tables}."""
    path, = (ROOT / "notebooks").glob(pattern)
    found = {}
    for cell in nbformat.read(path, 4).cells:
        outputs = cell.get("outputs", ())
        text = "".join(output.get("text", "") for output in outputs)
        page = "".join(output.get("data", {}).get("text/html", "")
                       for output in outputs)
        rows = [[html.unescape(re.sub(r"<[^>]+>", "", entry)) for entry in
                 re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)]
                for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL)]
        found[cell.id] = text, rows[1:]
    return found


@pytest.fixture(scope="module")
def evidence():
    return cells_of("evidence/E1_*.ipynb")


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


def first_number(entry):
    return float(re.match(r"[+-]?[\d.]+", entry)[0])


NAME_OF = {text: name for name, text in TITLES.items()}


def test_every_system_has_one_name():
    assert TITLES.keys() == ekt.RIVALS.keys()
    assert len(NAME_OF) == len(TITLES)


def test_the_table_of_systems_is_recomputed(evidence):
    _, rows = evidence["e1-011"]
    assert [NAME_OF[row[0]] for row in rows] == [r.name for r in ekt.MAIN]
    for text, *said in rows:
        assert list(map(first_number, said)) == pytest.approx(
            [by_hand(NAME_OF[text], k) for k in (1, 100, 0)], abs=0.051)


def test_the_rates_shown_are_those_that_were_tried(evidence):
    _, rows = evidence["e1-023"]
    assert len(rows) == len(ekt.TUNED)
    for rival, row in zip(ekt.TUNED, rows):
        assert len(row) == 1 + len(ekt.DEV_RATES) + 1
        best = max(range(5), key=lambda i: float(row[1 + i]))
        assert float(row[-1]) == rival.rate == ekt.DEV_RATES[best]


def test_the_claims_are_recomputed(evidence):
    _, rows = evidence["e1-026"]
    assert len(rows) == len(EKT_CLAIMS)
    for one, (text, at, points, alone, corrected) in zip(EKT_CLAIMS, rows):
        assert (text, at) == (one.text, tries(one.k))
        mean, low, high = map(float, re.findall(r"[+-][\d.]+", points))
        wanted = by_hand(one.one, one.k) - by_hand(one.other, one.k)
        assert mean == pytest.approx(wanted, abs=0.051)
        # Rounded ends may fall on zero; the sign is then not told.
        said = ("agree" if low > 0 else "disagree" if high < 0
                else "undecided")
        assert alone == said or 0 in (low, high)
        assert corrected in (alone, "undecided")


def test_the_corrected_level_is_that_of_bonferroni():
    """Against an interval that is computed by hand, at its level."""
    for plain, corrected in ekt_findings(PROFILE, EKT_CLAIMS[:4]):
        tables = [load_standing(PROFILE, name).scores(plain.claim.k)
                  for name in (plain.claim.one, plain.claim.other)]
        assert (plain.low, plain.high) == over_seeds(*tables)[1:]
        _, low, high = over_seeds(*tables, level=1 - 0.05 / 4)
        assert (corrected.low, corrected.high) == (low, high)
        assert corrected.verdict == verdict_word(low, high)


def test_headline_text_and_readmes_say_the_same(evidence):
    said = ekt_headline(ekt_findings(PROFILE))
    assert f"HEADLINE: {said}\n" in evidence["e1-070"][0]
    for readme in ("README.md", "data/README.md"):
        assert said in (ROOT / readme).read_text("utf-8")
    _, rows = evidence["e1-026"]
    verdicts = {(text, at): word for text, at, _, _, word in rows}
    for text, ks in ABSTRACT:
        for k in ks:
            assert f"{tries(k)} {verdicts[text, tries(k)]}" in said
    count = sum(word == "agree" for word in verdicts.values())
    assert f"it is {count} of 25" in evidence["e1-027"][0]


def test_the_table_of_the_turned_distillations_is_recomputed(evidence):
    _, rows = evidence["e1-036"]
    assert [NAME_OF[row[0]] for row in rows] == [
        "ekt", "ekt-question", "ekt-padding", "kd"] + [
        r.name for r in ekt.TURNED]
    right, nothing = {}, {}
    for text, passed, unparsable, _, against in rows:
        name = NAME_OF[text]
        right[name], nothing[name] = float(passed), float(unparsable)
        assert right[name] == pytest.approx(by_hand(name, 1), abs=0.051)
        assert first_number(against) == pytest.approx(
            by_hand(name, 1) - by_hand("kd", 1), abs=0.051)
    # What the text below the table says.
    assert nothing["kd-exemplars"] < nothing["kd"] / 5
    assert abs(right["kd-exemplars"] - right["kd"]) < 3
    assert (right["kd-divergence-only"] < right["kd-1-to-4"] < right["kd"]
            < right["kd-4-to-1"])
    assert right["kd-unfiltered"] < right["kd"]
    assert max(right["kd-renamed"], right["kd-renamed-exemplars"]) < 1
    assert right["ekt-renamed"] > 5 and nothing["kd-renamed"] > 50


def test_the_table_of_masks_is_recomputed(evidence):
    _, rows = evidence["e1-073"]
    masks = []
    for said, (base, tail) in zip(zip(*(row[1:] for row in rows)), (
            ("student", ""), ("reading-student", "-reading-student")),
            strict=True):
        scores = {name: by_hand(name + tail, 1) for name in (
            "ekt", "ekt-question", "ekt-padding", "kd", "kd-question")}
        masks.append(list(map(first_number, said)))
        assert masks[-1] == pytest.approx([
            by_hand(f"{base}-zero-shot", 1), scores["ekt"],
            *(scores[name] - scores["ekt"] for name in (
                "ekt-question", "ekt-padding", "kd")),
            scores["kd-question"] - scores["kd"]], abs=0.051)
    # What the text below it says.
    assert masks[0][2] < -15 and abs(masks[1][2]) < 2 < -masks[1][3]
    assert masks[1][5] < -5


def test_the_table_of_what_else_moves_the_result_is_recomputed(evidence):
    _, rows = evidence["e1-047"]
    found = {}
    for text, pairs, _, change in rows:
        name = NAME_OF.get(f"EKT, {text}") or NAME_OF[text]
        found[name] = first_number(change)
        assert int(pairs) == load_standing(PROFILE, name).runs[0]["examples"]
        assert found[name] == pytest.approx(
            by_hand(name, 1) - by_hand("ekt", 1), abs=0.051)
    # What the text around it says.
    assert max(found, key=found.get) == "ekt-in-order"
    assert found["ekt-published-check"] < found["ekt-200-problems"] < 0
    ends = [list(map(float, re.findall(r"[+-][\d.]+(?=[,\]])", line)))
            for line in evidence["e1-049"][0].splitlines()]
    assert len(ends) == 3 and all(low < 0 < high for low, high in ends)


def test_lesson_05_says_what_the_five_seeds_say():
    path, = (ROOT / "notebooks").glob("05_*.ipynb")
    guess, = (cell.source for cell in nbformat.read(path, 4).cells
              if cell.id == "05-003")
    assert re.findall(r"(\d+) %", guess) == [
        f"{by_hand(name, 0):.0f}" for name in (
            "student-zero-shot", "teacher-few-shot")]
    warm, greedy = cells_of("05_*.ipynb")["05-134"][0].splitlines()
    for line, k in ((warm, 1), (greedy, 0)):
        mean, low, high = map(float, re.findall(r"[+-][\d.]+", line))
        assert mean == pytest.approx(
            by_hand("ekt", k) - by_hand("teacher-few-shot", k), abs=0.051)
        # The title and the text say who is ahead, or that nobody is.
        assert low > 0 if k else low < 0 < high
