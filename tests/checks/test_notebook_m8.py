"""The checks of notebook M8: right answers pass, typical wrong ones do not.

Each wrong answer must get a reason of its own.
"""

from math import comb

import numpy as np
import pytest

from helpers.checks.notebook_m8 import (CLAIMS, check_m8_1, check_m8_2,
                                        truth_of_claims)
from helpers.evaluation import pass_at_k
from helpers.studies.ekt import load_released
from told import line


def dealt(chance, keep=lambda hits: hits):
    """Sum ``chance(hits, n)`` over the problems whose hits are kept."""
    return lambda a, b, n: sum(chance(x + y, n) for x, y in zip(a, b)
                               if keep(x + y))


def one_side(hits, n):
    return comb(2 * n - hits, n) / comb(2 * n, n)


WRONG_1 = {
    "neither solved": dealt(one_side, lambda hits: True),
    "only a or only b": dealt(lambda hits, n: 2 * one_side(hits, n)),
    "this is a share": lambda a, b, n: dealt(one_side)(a, b, n) / len(a),
    "tosses a coin": dealt(lambda hits, n: 0.5 ** hits),
    "was observed": lambda a, b, n: sum(
        x > 0 and y == 0 for x, y in zip(a, b)),
    "the other hand holds none": dealt(
        lambda hits, n: pass_at_k(2 * n, hits, n)),
    "this is rounded": lambda a, b, n: round(dealt(one_side)(a, b, n), 4),
    "how likely is it": dealt(lambda hits, n: 1 / hits),
    "it raises TypeError": lambda a, b, n: sum(a + b) / n + a["hits"],
    "one number": lambda a, b, n: [x + y for x, y in zip(a, b)],
    "no value": lambda a, b, n: None,
}


@pytest.mark.parametrize("reason, wrong", WRONG_1.items())
def test_wrong_answers_are_told_why(capsys, reason, wrong):
    result, out = line(capsys, check_m8_1, wrong)
    assert not result and reason in out


def test_other_right_counts_of_luck_pass(capsys):
    assert line(capsys, check_m8_1, dealt(one_side, lambda h: h > 0))[0]
    assert line(capsys, check_m8_1, lambda a, b, n: sum(
        comb(n, x + y) / comb(2 * n, x + y)
        for x, y in zip(a, b) if x or y))[0]


def test_the_exact_count_of_luck_is_what_shuffling_gives():
    a, b, n = [4, 0, 1, 7, 0], [1, 1, 1, 0, 0], 10
    rng, alone = np.random.default_rng(0), 0
    for x, y in zip(a, b):
        heap = np.arange(2 * n) < x + y
        for _ in range(4000):
            rng.shuffle(heap)
            alone += heap[:n].any() and not heap[n:].any()
    assert alone / 4000 == pytest.approx(
        dealt(one_side, lambda hits: hits > 0)(a, b, n), abs=0.03)


@pytest.mark.parametrize("reason, verdicts", [
    ("still to be judged", {"A": "yes"}),
    ("two values differ", {"A": "yes", "B": "yes", "C": "no", "D": "yes"}),
    ("overlap does not settle",
     {"A": "open", "B": "open", "C": "no", "D": "yes"}),
    ("may change with k",
     {"A": "yes", "B": "open", "C": "yes", "D": "yes"}),
    ("one of these three words",
     {"A": True, "B": "open", "C": "no", "D": "yes"}),
    ("one of these three words", {"A": ["yes"]}),
    ("fill in the stub", None),
])
def test_wrong_judgements_are_told_why(capsys, reason, verdicts):
    result, out = line(capsys, check_m8_2, verdicts)
    assert not result and reason in out


def test_the_claims_are_of_every_kind_and_not_a_matter_of_the_seed():
    truth = truth_of_claims()
    assert set(truth.values()) == {"yes", "no", "open"}
    runs = load_released()
    for letter, (k, a, b) in CLAIMS.items():
        gain = pass_at_k(100, runs[a], k) - pass_at_k(100, runs[b], k)
        z = gain.mean() / gain.std() * len(gain) ** 0.5
        assert abs(z) > 2.2 if truth[letter] != "open" else abs(z) < 1.5


def test_right_judgements_pass(capsys):
    assert line(capsys, check_m8_2, truth_of_claims())[0]
    assert line(capsys, check_m8_2, {
        letter: word.upper() for letter, word in truth_of_claims().items()
        })[0]
