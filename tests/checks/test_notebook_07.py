"""The checks of notebook 07: right answers pass, typical wrong ones do not.

Each wrong answer must get a reason of its own.
"""

from math import comb, factorial

import numpy as np
import pytest

from helpers.checks.notebook_07 import (check_07_1, check_07_2, check_07_3,
                                        check_07_4, exam, truth_of_claims)
from helpers.evaluation import pass_at_k
from helpers.studies.ekt import load_released


def line(capsys, check, answer):
    """The verdict of a check and the one line that it printed."""
    result = check(answer)
    out = capsys.readouterr().out
    assert out.count("\n") == 1 and out.startswith("expected ")
    assert out.endswith(": correct\n") if result else ": not yet, " in out
    return result, out


WRONG_1 = {
    "putting back": lambda n, c, k: 1 - (1 - c / n) ** k,
    "one minus it": lambda n, c, k: comb(n - c, k) / comb(n, k),
    "k must come in": lambda n, c, k: c / n,
    "one draw is missing":
        lambda n, c, k: 1 - comb(n - c, k - 1) / comb(n, k - 1),
    "all k are right": lambda n, c, k: comb(c, k) / comb(n, k),
    "fewer than k": lambda n, c, k: 1 - (
        factorial(n - c) * factorial(n - k)
        / (factorial(n) * factorial(n - c - k))),
    "one number": lambda n, c, k: [0.9, 0.1],
    "no value": lambda n, c, k: None,
    "ways to draw": lambda n, c, k: min(1.0, c * k / n),
}


def test_other_right_estimators_pass(capsys):
    assert line(capsys, check_07_1, pass_at_k)[0]
    assert line(capsys, check_07_1, lambda n, c, k: (
        1 - np.prod(1 - k / np.arange(n - c + 1, n + 1))
        if n - c >= k else 1.0))[0]


def bootstrap(values_of, ends=(0.025, 0.975), size=None, replace=True):
    def interval(counts, n, k):
        rng = np.random.default_rng(5)
        values = values_of(n, np.array(counts), k)
        means = [rng.choice(values, size or len(values), replace).mean()
                 for _ in range(2000)]
        return tuple(np.quantile(means, ends))
    return interval


def resample_completions(counts, n, k):
    rng = np.random.default_rng(5)
    means = [pass_at_k(n, rng.binomial(n, np.array(counts) / n), k).mean()
             for _ in range(500)]
    return np.quantile(means, [0.025, 0.975]) + (
        pass_at_k(n, np.array(counts), k).mean() - np.mean(means))


WRONG_2 = {
    "all your exams are the same": bootstrap(pass_at_k, replace=False),
    "spread of single problems": lambda counts, n, k: np.quantile(
        pass_at_k(n, np.array(counts), k), [0.025, 0.975]),
    "ends are swapped": bootstrap(pass_at_k, (0.975, 0.025)),
    "leave 2.5 %": bootstrap(pass_at_k, (0.05, 0.95)),
    "whole problems anew": resample_completions,
    "another value than the mean": bootstrap(lambda n, c, k: c / n),
    "not percent": bootstrap(lambda n, c, k: 100 * pass_at_k(n, c, k)),
    "two numbers": lambda counts, n, k: 0.5,
    "it raises": lambda counts, n, k: counts["a"],
    "no value": lambda counts, n, k: None,
}


def test_too_small_resampled_exams_are_refused(capsys):
    small = bootstrap(pass_at_k, size=30)
    assert "small exams" in line(capsys, check_07_2, small)[1]


def test_a_normal_interval_passes_as_well(capsys):
    def normal(counts, n, k):
        values = pass_at_k(n, np.array(counts), k)
        half = 1.96 * values.std() / len(values) ** 0.5
        return values.mean() - half, values.mean() + half
    assert line(capsys, check_07_2, normal)[0]
    counts, n, k = exam()
    assert all(0 <= c <= n for c in counts) and k <= n


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
    result, out = line(capsys, check_07_3, verdicts)
    assert not result and reason in out


def test_the_claims_are_of_every_kind_and_not_a_matter_of_the_seed():
    truth = truth_of_claims()
    assert set(truth.values()) == {"yes", "no", "open"}
    runs = load_released()
    from helpers.checks.notebook_07 import CLAIMS
    for letter, (k, a, b) in CLAIMS.items():
        gain = pass_at_k(100, runs[a], k) - pass_at_k(100, runs[b], k)
        z = gain.mean() / gain.std() * len(gain) ** 0.5
        assert abs(z) > 2.2 if truth[letter] != "open" else abs(z) < 1.5


def dealt(chance, keep=lambda hits: hits):
    """Sum ``chance(hits, n)`` over the problems whose hits are kept."""
    return lambda a, b, n: sum(chance(x + y, n) for x, y in zip(a, b)
                               if keep(x + y))


def one_side(hits, n):
    return comb(2 * n - hits, n) / comb(2 * n, n)


WRONG_4 = {
    "neither solved": dealt(one_side, lambda hits: True),
    "only a or only b": dealt(lambda hits, n: 2 * one_side(hits, n)),
    "this is a share": lambda a, b, n: dealt(one_side)(a, b, n) / len(a),
    "tosses a coin": dealt(lambda hits, n: 0.5 ** hits),
    "was observed": lambda a, b, n: sum(
        x > 0 and y == 0 for x, y in zip(a, b)),
    "the other hand holds none": dealt(
        lambda hits, n: pass_at_k(2 * n, hits, n)),
    "how likely is it": dealt(lambda hits, n: 1 / hits),
    "it raises TypeError": lambda a, b, n: sum(a + b) / n + a["hits"],
    "one number": lambda a, b, n: [x + y for x, y in zip(a, b)],
    "no value": lambda a, b, n: None,
}


@pytest.mark.parametrize("check, wrong, reason", [
    (check, wrong, reason)
    for check, answers in ((check_07_1, WRONG_1), (check_07_2, WRONG_2),
                           (check_07_4, WRONG_4))
    for reason, wrong in answers.items()])
def test_wrong_answers_are_told_why(capsys, check, wrong, reason):
    result, out = line(capsys, check, wrong)
    assert not result and reason in out


def test_other_right_counts_of_luck_pass(capsys):
    assert line(capsys, check_07_4, dealt(one_side, lambda h: h > 0))[0]
    assert line(capsys, check_07_4, lambda a, b, n: sum(
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
