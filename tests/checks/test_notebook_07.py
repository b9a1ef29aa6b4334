"""The checks of notebook 07: right answers pass, typical wrong ones do not.

Each wrong answer must get a reason of its own.
"""

from math import comb

import numpy as np
import pytest

from helpers.checks.notebook_07 import (check_07_1, check_07_2, check_07_3,
                                        two_systems)
from helpers.evaluation import (bootstrap_means, middle, paired_interval,
                                pass_at_k)
from told import line


# ---- pass@k ----

def by_factors(n, c, k):
    wrong = np.ones(len(c))
    for i in range(k):
        wrong *= np.maximum(n - c - i, 0) / (n - i)
    return 1 - wrong


RIGHT_1 = (
    pass_at_k, by_factors,
    lambda n, c, k: np.array([1 - comb(n - x, k) / comb(n, k) for x in c]),
    # The factors turned round, one for each wrong completion.
    lambda n, c, k: np.array([
        1 - np.prod(1 - k / np.arange(n - x + 1, n + 1)) if n - x >= k
        else 1.0 for x in c]))


def in_floats(n, c, k):
    """Binomials as products of floats: infinity over infinity for 2,000."""
    def choose(m):
        top = np.cumprod(np.arange(m - k + 1, m + 1, dtype=float))[-1]
        return top / np.cumprod(np.arange(1, k + 1, dtype=float))[-1]
    with np.errstate(all="ignore"):
        return np.array([1 - choose(n - x) / choose(n) if n - x >= k else 1.0
                         for x in c])


def in_64_bits(n, c, k):
    """Binomials of n over 1,000 that wrap round, right below."""
    if n < 1000:
        return by_factors(n, c, k)
    return 1 - np.zeros(len(c)) + 0.25


WRONG_1 = {
    "putting back": lambda n, c, k: 1 - (1 - c / n) ** k,
    "one minus it": lambda n, c, k: 1 - by_factors(n, c, k),
    "k must come in": lambda n, c, k: c / n,
    "one draw is missing": lambda n, c, k: by_factors(n, c, k - 1),
    "a draw too many": lambda n, c, k: by_factors(n, c, k + 1),
    "the first draw is left out": lambda n, c, k: 1 - (
        1 - by_factors(n, c, k)) * n / np.maximum(n - c, 1),
    "this is rounded": lambda n, c, k: by_factors(n, c, k).round(4),
    "these are per cent": lambda n, c, k: 100 * by_factors(n, c, k),
    "all k are right": lambda n, c, k: np.array(
        [comb(x, k) / comb(n, k) for x in c]),
    "adds the chances": lambda n, c, k: np.minimum(1, c * k / n),
    "one number at a time": lambda n, c, k: (
        1 - comb(n - c, k) / comb(n, k)),
    "600 digits": in_64_bits,
    "600 digits, which no fixed number of bits holds": in_floats,
    "as an array": lambda n, c, k: list(by_factors(n, c, k)),
    "return an array": lambda n, c, k: by_factors(n, c, k).mean(),
    "next draw is wrong": lambda n, c, k: np.sqrt(c / n),
    "nothing is returned": lambda n, c, k: None,
}


# ---- bootstrap ----

def drawn(size=None, put_back=True, finish=lambda means: means,
          seeded=True):
    def means(values, resamples=10_000, seed=0):
        rng = np.random.default_rng(seed if seeded else None)
        return finish(np.array([
            rng.choice(values, size or len(values), put_back).mean()
            for _ in range(resamples)]))
    return means


def at_once(values, resamples=10_000, seed=0):
    rng = np.random.default_rng(seed)
    which = rng.integers(len(values), size=(resamples, len(values)))
    return values[which].mean(axis=1)


RIGHT_2 = (bootstrap_means, at_once, drawn(),
           drawn(finish=lambda means: means.tolist()))
WRONG_2 = {
    "putting back": drawn(put_back=False),
    "too small": drawn(size=30),
    "single problems": drawn(size=1),
    "differ too little": drawn(size=600),
    "these are sums": drawn(finish=lambda means: 150 * means),
    "another value than the mean": drawn(finish=lambda means: means / 2),
    "another value than the mean of the scores": lambda values, resamples=10,
        seed=0: np.median(values[np.random.default_rng(seed).integers(
            len(values), size=(resamples, len(values)))], axis=1),
    "same seed differ": drawn(seeded=False),
    "seed must come in": lambda values, resamples=10_000, seed=0: at_once(
        values, resamples),
    "no number of a curve": lambda values, resamples=10_000, seed=0: (
        np.random.default_rng(seed).normal(
            values.mean(), values.std() / len(values) ** 0.5, resamples)),
    "the last, too": lambda values, resamples=10_000, seed=0: values[
        np.random.default_rng(seed).integers(
            len(values) - 1, size=(resamples, len(values)))].mean(1),
    "keep the defaults": lambda values, resamples, seed: at_once(
        values, resamples, seed),
    "4,000, not 2": lambda values, resamples=10_000, seed=0: np.quantile(
        at_once(values, resamples, seed), [0.025, 0.975]),
    "a mean for each": lambda values, resamples=10_000, seed=0: at_once(
        values, resamples, seed).mean(),
    "nothing is returned": lambda values, resamples=10_000, seed=0: None,
}


# ---- the paired interval ----

def ends(a, b, n, k, level=0.95):
    return middle(bootstrap_means(pass_at_k(n, a, k) - pass_at_k(n, b, k)),
                  level)


def apart(a, b, n, k, level=0.95):
    return middle(bootstrap_means(pass_at_k(n, a, k))
                  - bootstrap_means(pass_at_k(n, b, k), seed=1), level)


def of_ends(a, b, n, k, level=0.95):
    (low_a, high_a), (low_b, high_b) = (middle(
        bootstrap_means(pass_at_k(n, c, k)), level) for c in (a, b))
    return low_a - high_b, high_a - low_b


def normal(a, b, n, k, level=0.95):
    gain = pass_at_k(n, a, k) - pass_at_k(n, b, k)
    half = (1.96 if level == 0.95 else 1.2816) * gain.std() / len(
        gain) ** 0.5
    return gain.mean() - half, gain.mean() + half


def turned_round(a, b, n, k, level=0.95):
    gain = (pass_at_k(n, a, k) - pass_at_k(n, b, k)).mean()
    low, high = ends(a, b, n, k, level)
    return 2 * gain - high, 2 * gain - low


RIGHT_3 = (paired_interval, ends,
           lambda *given: list(ends(*given)))
WRONG_3 = {
    "ends are swapped": lambda *given: ends(*given)[::-1],
    "b minus a": lambda a, b, *more: ends(b, a, *more),
    "not percent": lambda *given: 100 * ends(*given),
    "resampled apart": apart,
    "ends of two intervals": of_ends,
    "k = 2 must come in": lambda a, b, n, k, level=0.95: ends(
        a, b, n, 1, level),
    "one system": lambda a, b, n, k, level=0.95: middle(
        bootstrap_means(pass_at_k(n, a, k)), level),
    "single problems": lambda a, b, n, k, level=0.95: middle(
        pass_at_k(n, a, k) - pass_at_k(n, b, k), level),
    "not 95 %": lambda a, b, n, k, level=0.95: ends(a, b, n, k, 0.9),
    "level must come in": lambda a, b, n, k, level=0.95: ends(a, b, n, k),
    "no curve around": normal,
    "below 0": turned_round,
    "whatever is drawn": lambda *given: ends(*given) + 1e-3,
    "another value": lambda *given: ends(*given) + 0.05,
    "two numbers": lambda *given: 0.5,
    "nothing is returned": lambda *given: None,
}


@pytest.mark.parametrize("check, right", [
    (check, right) for check, answers in (
        (check_07_1, RIGHT_1), (check_07_2, RIGHT_2), (check_07_3, RIGHT_3))
    for right in answers])
def test_right_answers_pass(capsys, check, right):
    assert line(capsys, check, right)[0]


@pytest.mark.parametrize("check, wrong, reason", [
    (check, wrong, reason)
    for check, answers in ((check_07_1, WRONG_1), (check_07_2, WRONG_2),
                           (check_07_3, WRONG_3))
    for reason, wrong in answers.items()])
def test_wrong_answers_are_told_why(capsys, check, wrong, reason):
    result, out = line(capsys, check, wrong)
    assert not result and reason in out


def test_pairing_matters_for_the_two_systems_of_the_check():
    low, high = paired_interval(*two_systems())
    wide = apart(*two_systems())
    assert (wide[1] - wide[0]) / (high - low) > 1.5
