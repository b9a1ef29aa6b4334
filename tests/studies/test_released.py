"""EKT's released record: names, verdicts by printed digits, and luck.

What comes out of all of it is computed again in
``tests/notebooks/test_released_runs.py``, from the notebook's outputs.
"""

from math import comb

import numpy as np
import pytest

from helpers.studies.ekt import load_released
from helpers.studies.released import (GREEDY, Comparison, bracket, by_luck,
                                      corrected_level, greedy_gain, headline,
                                      pairs_asked, short, solved_rows,
                                      verdict_at, verdict_rows)

RUNS = load_released()


def test_every_question_has_all_its_pairs_and_no_pair_comes_twice():
    asked = pairs_asked(RUNS)
    assert [len(pairs) for pairs in asked.values()] == [3, 4, 3, 5, 2]
    pairs = [pair for group in asked.values() for pair in group]
    assert len(set(pairs)) == 17
    assert {run for pair in pairs for run in pair} == set(RUNS) - {
        "few-shot/codex"}
    kd = [run for run in RUNS if run.startswith("kd/")]
    assert asked["Is EKT ahead of distillation?"] == [
        (run.replace("kd", "ekt"), run) for run in kd]
    assert len({short(run) for run in RUNS}) == len(RUNS)


@pytest.mark.parametrize("low, high, k, verdict", [
    (0.0003, 0.01, 1, "ahead"), (0.0003, 0.01, 100, "undecided"),
    (0.00004, 0.01, 1, "undecided"), (-0.01, -0.0003, 1, "behind"),
    (-0.01, -0.0003, 100, "undecided"), (-0.01, 0.01, 1, "undecided"),
    (0.0, 0.0, 1, "undecided")])
def test_a_verdict_follows_from_the_digits_that_are_printed(low, high, k,
                                                            verdict):
    assert verdict_at(low, high, k) == verdict
    shown = bracket(low, low, high, k, "+").partition("[")[2].rstrip("]")
    ends = [float(end) for end in shown.split(", ")]
    assert (verdict == "ahead") == (ends[0] > 0)
    assert (verdict == "behind") == (ends[1] < 0)


def test_the_correction_shares_out_the_permitted_error():
    assert corrected_level(1) == pytest.approx(0.95)
    assert corrected_level(50) == pytest.approx(0.999)


def made(words):
    return [Comparison(question, "ekt/codex/gpt-neo-1.3b",
                       "few-shot/gpt-neo-1.3b", k, 0, 0, 0, "ahead", word)
            for question, k, word in words]


def test_summary_and_headline_count_what_is_corrected():
    kd, teacher = ("Is EKT ahead of distillation?",
                   "Is the student ahead of its teacher 2.7B?")
    found = made([(kd, 1, "ahead"), (kd, 1, "undecided"), (kd, 100, "behind"),
                  (kd, 100, "undecided"), (teacher, 1, "ahead"),
                  (teacher, 100, "undecided")])
    assert verdict_rows(found) == [
        {"question": kd, "k = 1": "1 ahead, 1 undecided",
         "k = 100": "1 behind, 1 undecided"},
        {"question": teacher, "k = 1": "1 ahead", "k = 100": "1 undecided"}]
    said = headline(found)
    assert "6 comparisons" in said and "in 1 of 2 pairs at k = 1" in said
    assert "0 of 2 at k = 100" in said and said.endswith("0 of 1 at k = 100")


def test_luck_is_what_shuffling_gives():
    a, b, n = np.array([4, 0, 1, 7, 0]), np.array([1, 1, 1, 0, 0]), 10
    rng, alone = np.random.default_rng(0), 0
    for x, y in zip(a, b):
        heap = np.arange(2 * n) < x + y
        for _ in range(4000):
            rng.shuffle(heap)
            alone += heap[:n].any() and not heap[n:].any()
    assert alone / 4000 == pytest.approx(by_luck(a, b, n), abs=0.03)
    assert by_luck([2, 0], [1, 0], 10) == pytest.approx(
        comb(10, 3) / comb(20, 3))
    assert by_luck([0], [0], 5) == 0
    with pytest.raises(ValueError, match="same problems"):
        by_luck([1], [1, 2], 5)


def test_by_luck_lies_in_the_middle_of_what_is_dealt():
    for row in solved_rows(RUNS, resamples=200):
        mean, low, high = row["by luck"].replace("[", "").replace(
            ",", "").rstrip("]").split()
        assert float(low) < float(mean) < float(high)


def test_greedy_totals_are_compared_unpaired():
    one, base = "ekt/codex/gpt-neo-1.3b", "few-shot/gpt-neo-1.3b"
    mean, low, high = greedy_gain(one, base)
    p, q = (GREEDY[run] / 1319 for run in (one, base))
    half = 1.96 * ((p * (1 - p) + q * (1 - q)) / 1319) ** 0.5
    assert mean == pytest.approx(p - q)
    assert low == pytest.approx(mean - half, abs=0.1 * half)
    assert high == pytest.approx(mean + half, abs=0.1 * half)
