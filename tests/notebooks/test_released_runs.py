"""What notebook 07 printed about EKT's released runs, computed once more.

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

TRIES = (1, 5, 10, 20, 50, 100)
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


@pytest.fixture(scope="module")
def runs():
    with open(ROOT / "data" / "ekt_gsm8k_test_counts.csv") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1319 and set(NAMES.values()) < set(rows[0])
    return {run: [int(row[run]) for row in rows] for run in NAMES.values()}


@pytest.fixture(scope="module")
def printed():
    """All text that the cells of sections 6 to 8 printed, one string each."""
    path, = (ROOT / "notebooks").glob("07_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    heads = [cell.source.partition("\n")[0] for cell in cells]
    first = next(i for i, head in enumerate(heads) if head[:5] == "## 6.")
    return ["".join(output.get("text", "") for output in cell.outputs)
            for cell in cells[first:heads.index("## Exercises")]
            if cell.cell_type == "code"]


def the(printed, start):
    """The lines of the output that begins with ``start``, its head left out.
    """
    text, = (text for text in printed if text.startswith(start))
    return text.splitlines()[1:]


def scores(counts, k):
    """pass@k of each problem in percent."""
    table = [100 * (1 - math.comb(100 - c, k) / math.comb(100, k))
             for c in range(101)]
    return [table[c] for c in counts]


def test_the_table_of_means_is_that_of_the_counts(runs, printed):
    seen = set()
    for line in the(printed, "pass@k in %  "):
        run, *values = line.split()
        assert values == [f"{fmean(scores(runs[run], k)):.2f}"
                          for k in TRIES], run
        seen.add(run)
    assert seen == set(runs)


def test_the_table_of_intervals_is_that_of_the_counts(runs, printed):
    seen = set()
    for line in the(printed, "95 % intervals in %"):
        name, ends = line[:20].strip(), re.findall(r"[\d.]+", line[20:])
        for k, low, high in zip(TRIES, ends[::2], ends[1::2], strict=True):
            values = scores(runs[NAMES[name]], k)
            half = 1.96 * pstdev(values) / len(values) ** 0.5
            close = 0.12 * half + 0.01
            assert float(low) == pytest.approx(fmean(values) - half,
                                               abs=close), (name, k)
            assert float(high) == pytest.approx(fmean(values) + half,
                                                abs=close), (name, k)
        seen.add(name)
    assert seen == set(NAMES)


ROW = re.compile(r"  (.+?) +- (.+?) +([-+][\d.]+) \[ *([-+][\d.]+), "
                 r"*([-+][\d.]+)\]  (\w+) +(\w+)")


def verdict(z, level):
    edge = NormalDist().inv_cdf((1 + level) / 2)
    return "ahead" if z > edge else "behind" if z < -edge else "open"


@pytest.mark.parametrize("k", [1, 100])
def test_the_chosen_comparisons_are_those_of_the_counts(runs, printed, k):
    text, = (text for text in printed if f"(points at k = {k}, 95 %" in text)
    rows = [ROW.fullmatch(line) for line in text.splitlines()
            if line.startswith("  ")]
    assert len(rows) == 17 and all(rows)
    for row in rows:
        a, b, mean, low, high, plain, corrected = row.groups()
        gain = [x - y for x, y in zip(scores(runs[NAMES[a]], k),
                                      scores(runs[NAMES[b]], k))]
        assert mean == f"{fmean(gain):+.2f}", row.group()
        error = pstdev(gain) / len(gain) ** 0.5
        close = 0.25 * error + 0.01
        assert float(low) == pytest.approx(fmean(gain) - 1.96 * error,
                                           abs=close), row.group()
        assert float(high) == pytest.approx(fmean(gain) + 1.96 * error,
                                            abs=close), row.group()
        z = fmean(gain) / error
        assert plain == verdict(z, 0.95), row.group()
        assert corrected == verdict(z, 1 - 0.05 / 34), row.group()


def test_the_printed_crossings_are_those_of_the_means(runs, printed):
    found = re.findall(r"^(.+) overtakes (.+) at k = (\d+), 95 %: (\d+) to "
                       r"(?:beyond )?(\d+) ", "\n".join(printed),
                       re.MULTILINE)
    assert len(found) == 5
    for b, a, k, low, high in found:
        at = [fmean(scores(runs[NAMES[b]], k)) > fmean(scores(
            runs[NAMES[a]], k)) for k in range(1, 101)]
        assert at.index(True) + 1 == int(k)
        assert int(low) < int(k) < int(high)


def test_the_table_of_solved_problems_is_that_of_the_counts(runs, printed):
    lines = the(printed, "solved of 1,319")
    assert len(lines) == 6
    for line in lines:
        name, numbers = line[:18].strip(), line[18:].split()
        teacher = {"Codex": "few-shot/codex",
                   "2.7B": "few-shot/gpt-neo-2.7b"}[name.split()[1]]
        pairs = list(zip(runs[NAMES[name]], runs[teacher]))
        alone = [s for s, t in pairs if s and not t]
        assert list(map(int, numbers)) == [
            sum(s > 0 and t > 0 for s, t in pairs),
            sum(t > 0 and not s for s, t in pairs), len(alone),
            alone.count(1), alone.count(2), sum(3 <= s <= 9 for s in alone),
            sum(s >= 10 for s in alone)]
