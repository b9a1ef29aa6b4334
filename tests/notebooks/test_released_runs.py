"""What notebook E2 printed about EKT's released runs, computed once more.

The committed outputs are parsed and each number is recomputed from the table
of counts, without :mod:`helpers.evaluation`: fractions of binomials for the
means, the normal approximation for intervals.
"""

import csv
import math
import re
from statistics import NormalDist, fmean, pstdev

import nbformat
import pytest

from helpers.profiles import ROOT

NAMES = {
    "EKT Codex → 1.3B": "ekt/codex/gpt-neo-1.3b",
    "EKT Codex → 125M": "ekt/codex/gpt-neo-125m",
    "EKT GPT-J → 1.3B": "ekt/gpt-j-6b/gpt-neo-1.3b",
    "EKT GPT-J → 125M": "ekt/gpt-j-6b/gpt-neo-125m",
    "EKT 2.7B → 1.3B": "ekt/gpt-neo-2.7b/gpt-neo-1.3b",
    "EKT 2.7B → 125M": "ekt/gpt-neo-2.7b/gpt-neo-125m",
    "few-shot Codex": "few-shot/codex",
    "few-shot 1.3B": "few-shot/gpt-neo-1.3b",
    "few-shot 2.7B": "few-shot/gpt-neo-2.7b",
    "KD GPT-J → 1.3B": "kd/gpt-j-6b/gpt-neo-1.3b",
    "KD 2.7B → 1.3B": "kd/gpt-neo-2.7b/gpt-neo-1.3b",
    "KD 2.7B → 125M": "kd/gpt-neo-2.7b/gpt-neo-125m"}
CELL = re.compile(r"<t([dh])[^>]*>(.*?)</t\1>", re.DOTALL)


@pytest.fixture(scope="module")
def runs():
    with open(ROOT / "data" / "ekt_gsm8k_test_counts.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1319 and set(NAMES.values()) < set(rows[0])
    return {run: [int(row[run]) for row in rows] for run in NAMES.values()}


@pytest.fixture(scope="module")
def outputs():
    path = ROOT / "notebooks" / "evidence" / "E2_ekt_released_record.ipynb"
    return [output for cell in nbformat.read(path, as_version=4).cells
            if cell.cell_type == "code" for output in cell.outputs]


@pytest.fixture(scope="module")
def printed(outputs):
    """All text that the cells printed."""
    return "\n".join(output.get("text", "") for output in outputs)


def table(outputs, caption):
    """The rows of the table with that caption, as lists of texts."""
    page, = (output.data["text/html"] for output in outputs
             if caption in output.get("data", {}).get("text/html", ""))
    rows = [[text for _, text in CELL.findall(row)]
            for row in page.split("<tr")[2:]]
    assert rows and all(rows)
    return rows


def scores(counts, k):
    """pass@k of each problem in percent."""
    percent = [100 * (1 - math.comb(100 - c, k) / math.comb(100, k))
               for c in range(101)]
    return [percent[c] for c in counts]


def bracket(text):
    """(mean as it is written, low, high) of "1.98 [1.42, 2.61]"."""
    mean, low, high = re.fullmatch(r"(\S+) \[(\S+), (\S+)\]", text).groups()
    return mean, float(low), float(high)


def close_to_normal(values, low, high, digits, share):
    """Whether the ends are those of the normal approximation, nearly."""
    error = pstdev(values) / len(values) ** 0.5
    about = share * error + 0.6 * 10 ** -digits
    assert low == pytest.approx(fmean(values) - 1.96 * error, abs=about)
    assert high == pytest.approx(fmean(values) + 1.96 * error, abs=about)
    return error


def test_the_table_of_runs_is_that_of_the_counts(runs, outputs):
    rows = table(outputs, "All runs, with 95 % intervals")
    assert [name for name, *_ in rows] == list(NAMES)
    for name, *cells in rows:
        for k, text in zip((1, 10, 100), cells, strict=True):
            digits = 2 if k == 1 else 1
            values = scores(runs[NAMES[name]], k)
            mean, low, high = bracket(text)
            assert mean == f"{fmean(values):.{digits}f}", (name, k)
            close_to_normal(values, low, high, digits, 0.25)


def verdict(z, level):
    edge = NormalDist().inv_cdf((1 + level) / 2)
    return "ahead" if z > edge else "behind" if z < -edge else "undecided"


@pytest.fixture(scope="module")
def corrected(runs, outputs):
    """{k: verdicts, corrected}, after each row was computed again."""
    found = {}
    for k, digits in ((1, 2), (100, 1)):
        rows = table(outputs, f"Differences at k = {k}</caption>")
        assert len(rows) == 17
        for a, b, text, plain, strict in rows:
            gain = [x - y for x, y in zip(scores(runs[NAMES[a]], k),
                                          scores(runs[NAMES[b]], k))]
            mean, low, high = bracket(text)
            assert float(mean) == pytest.approx(
                fmean(gain), abs=0.501 * 10 ** -digits)
            z = fmean(gain) / close_to_normal(gain, low, high, digits, 0.25)
            assert plain == verdict(z, 0.95), (a, b, k)
            assert strict == verdict(z, 1 - 0.05 / 34), (a, b, k)
        found[k] = rows
    return found


def test_the_verdicts_are_the_same_in_all_places(corrected, outputs, printed):
    """Tables, what is lost, the summary by question, and the headline."""
    lost = [[str(k), a, plain, b] for k, rows in corrected.items()
            for a, b, _, plain, strict in rows if plain != strict]
    page, = (output.data["text/html"] for output in outputs
             if ">at 95 %</th>" in output.get("data", {}).get("text/html", "")
             and "<caption" not in output.data["text/html"])
    assert [[text for _, text in CELL.findall(row)]
            for row in page.split("<tr")[2:]] == lost
    assert f"it is {len(lost)} verdicts" in printed
    begins = (0, 3, 7, 10, 15, 17)
    summary = table(outputs, "corrected for all comparisons")
    for (_, *cells), first, last in zip(summary, begins[:-1], begins[1:],
                                        strict=True):
        for k, cell in zip((1, 100), cells, strict=True):
            words = [row[4] for row in corrected[k][first:last]]
            assert cell == ", ".join(
                f"{words.count(each)} {each}" for each in
                ("ahead", "behind", "undecided") if each in words)
    shares = [sum(row[4] == "ahead" for row in corrected[k][first:last])
              for first, last in ((0, 3), (15, 17)) for k in (1, 100)]
    said, = re.findall(r"HEADLINE: (.*)", printed)
    assert [int(a) for a, _ in re.findall(r"(\d) of (\d)", said)] == shares


def test_the_printed_crossings_are_those_of_the_means(runs, outputs):
    rows = table(outputs, "The first k at which the run behind gets ahead")
    assert len(rows) == 6
    for a, b, first, ends, never in rows:
        at = [fmean(scores(runs[NAMES[b]], k)) > fmean(scores(
            runs[NAMES[a]], k)) for k in range(1, 101)]
        if first == "never":
            assert not any(at) and (ends, never) == ("-", "100.0")
            continue
        assert at.index(True) + 1 == int(first)
        low, high = ends.split(" to ")
        assert int(low) < int(first)
        assert high == "never" if float(never) > 2.5 else (
            int(first) < int(high))


def test_the_table_of_solved_problems_is_that_of_the_counts(runs, outputs):
    rows = table(outputs, "Problems solved at least once in 100")
    assert len(rows) == 6
    for name, both, teacher_only, student_only, luck, one, ten in rows:
        teacher = {"Codex": "few-shot/codex",
                   "2.7B": "few-shot/gpt-neo-2.7b"}[name.split()[1]]
        pairs = list(zip(runs[NAMES[name]], runs[teacher]))
        alone = [s for s, t in pairs if s and not t]
        assert list(map(int, (both, teacher_only, student_only, one, ten))
                    ) == [sum(s > 0 and t > 0 for s, t in pairs),
                          sum(t > 0 and not s for s, t in pairs),
                          len(alone), alone.count(1),
                          sum(s >= 10 for s in alone)]
        mean, low, high = bracket(luck)
        chances = [math.comb(200 - s - t, 100) / math.comb(200, 100)
                   for s, t in pairs if s + t]
        assert mean == f"{sum(chances):.1f}"
        half = 1.96 * sum(p * (1 - p) for p in chances) ** 0.5
        assert low == pytest.approx(sum(chances) - half, abs=2)
        assert high == pytest.approx(sum(chances) + half, abs=2)


def test_what_the_text_says_of_single_rows_is_so(corrected, outputs):
    strict = {(a, b): word for a, b, _, _, word in corrected[100]}
    assert strict["EKT Codex → 125M", "EKT GPT-J → 125M"] == "ahead"
    assert strict["EKT GPT-J → 1.3B", "EKT 2.7B → 1.3B"] == "undecided"
    greedy = {name: (float(cold), float(warm))
              for name, cold, warm in table(outputs, "pass@1 in %</caption>")}
    cold, warm = greedy.pop("few-shot 1.3B")
    assert cold > 3 * warm
    assert all(abs(cold - warm) < 0.4 for cold, warm in greedy.values())
