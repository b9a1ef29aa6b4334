"""Checks of the exercises in notebook 07.

Each check prints one line and returns True or False; it never raises on a
wrong or unfinished answer.
"""

from math import comb

import numpy as np

from helpers.checks.report import (as_python, attempt, entries, exercise,
                                   misfit, near_miss, one_number, say, shown,
                                   two)
from helpers.evaluation import (bootstrap_means, middle, paired_interval,
                                pass_at_k)

ARRAY = "return an array with a number for each problem"
CASES = ((5, (0, 1, 2, 5), 3), (100, (0, 1, 5, 50, 100), 10),
         (20, (7, 0, 20), 1), (5, (2, 3, 1), 4), (100, (1, 2), 100),
         (2000, (0, 3, 1000, 1999), 1000))


def _numbers(value, count, wanted):
    """The numbers of an array or a list, or why they are none."""
    found, failed = entries(value, wanted)
    if not failed and len(found) != count:
        failed = misfit(value, f"{wanted}: {count:,}, not {len(found):,}")
    for i, entry in enumerate(found if not failed else ()):
        found[i], failed = one_number(entry, wanted)
        if failed:
            break
    return found, failed


# What a wrong formula gives, and the sentence for whoever wrote it.
_SLIPS = (
    (lambda n, c, k: 1 - (1 - c / n) ** k,
     "these are draws with putting back: the same completion may be drawn "
     "twice, so the value is too low"),
    (lambda n, c, k: comb(n - c, k) / comb(n, k),
     "this is the chance that all k are wrong; one minus it is wanted"),
    (lambda n, c, k: c / n,
     "this is pass@1 whatever k is; k must come in"),
    (lambda n, c, k: 1 - comb(n - c, k - 1) / comb(n, k - 1),
     "this is the value for k - 1, one draw is missing"),
    (lambda n, c, k: 1 - comb(n - c, k + 1) / max(comb(n, k + 1), 1),
     "this is the value for k + 1, there is a draw too many"),
    (lambda n, c, k: 1 - comb(n - c - 1, k - 1) / comb(n - 1, k - 1)
     if c < n else 1,
     "the first draw is left out: it is wrong with chance (n - c) / n"),
    (lambda n, c, k: comb(c, k) / comb(n, k),
     "this is the chance that all k are right; one right one is enough"),
    (lambda n, c, k: min(1, c * k / n),
     "this adds the chances of the k draws; multiply the chances that they "
     "are wrong"),
)


@exercise
def check_07_1(estimate):
    """Exercise 1: ``estimate(n, c, k)``, unbiased pass@k of each count."""
    for n, counts, k in CASES:
        right = [1 - comb(n - c, k) / comb(n, k) for c in counts]
        expected = (f"pass@{k} = " + ", ".join(f"{x:.4f}" for x in right)
                    + f" for {counts} right out of {n}")
        value, failed = attempt(estimate, n, np.array(counts), k)
        if failed and failed.kind:
            return say(expected, failed, _raised(failed, n))
        numbers, failed = (None, failed) if failed else _numbers(
            value, len(counts), ARRAY)
        if failed:
            return say(expected, failed, _too_large(n))
        got = ", ".join(f"{x:.4f}" for x in numbers)
        if not np.allclose(numbers, right, rtol=0, atol=1e-7):
            fitting = [why for slip, why in _SLIPS if np.allclose(
                numbers, [slip(n, c, k) for c in counts], rtol=0, atol=1e-7)]
            return say(expected, got, fitting[0] if fitting else near_miss(
                numbers, right) or _too_large(n)
                       or "multiply the chances that the next draw is wrong, "
                       "too")
        if not isinstance(value, np.ndarray):
            return say(expected, shown(value), "the numbers are right; return "
                       "them as an array, later cells take its mean")
    return say("the unbiased estimate", f"it in {len(CASES)} cases")


def _too_large(n):
    """What to say of numbers that are wrong only where n is large."""
    return ("right for small n, but binomials of 2,000 have 600 digits, which "
            "no fixed number of bits holds; multiply k chances instead"
            if n > 1000 else None)


def _raised(failed, n):
    if failed.kind in ("TypeError", "ValueError") and "array" in failed.got:
        return ("c is an array, a count for each problem; math.comb and if "
                "take one number at a time")
    return _too_large(n)


def scores():
    """150 scores in [0, 1] of problems of mixed difficulty."""
    counts = np.random.default_rng(7).binomial(
        20, np.random.default_rng(8).beta(0.5, 2.0, size=150))
    return pass_at_k(20, counts, 5)


@exercise
def check_07_2(means):
    """Exercise 2: ``means(values, resamples, seed)``, bootstrap means."""
    values, resamples = scores(), 4000
    error = values.std() / len(values) ** 0.5
    expected = (f"{resamples:,} means around {values.mean():.3f}, with a "
                f"standard deviation of {error:.3f}")
    wanted = "return a mean for each of the resampled test sets"
    found = []
    for seed in (0, 0, 1):
        value, failed = attempt(means, values.copy(), resamples, seed,
                                seconds=20)
        numbers, failed = (None, failed) if failed else _numbers(
            value, resamples, wanted)
        if failed:
            return say(expected, failed)
        found.append(np.array(numbers))
    width, mean = found[0].std(), found[0].mean()
    got = f"means around {mean:.3f}, with {width:.3f}"
    why = None
    if width < 1e-9:
        why = ("all your test sets have the same mean; draw problems with "
               "putting back, so that some come twice and some not at all")
    elif abs(mean / values.mean() - len(values)) < 1:
        why = "these are sums; divide by the number of problems"
    elif abs(mean - values.mean()) > 6 * width / resamples ** 0.5:
        why = "they lie around another value than the mean of the scores"
    elif width > 5 * error:
        why = ("these are single problems; draw as many as there are, and "
               "take their mean")
    elif width > 1.2 * error:
        why = (f"the resampled test sets are too small: each has as many "
               f"problems as the real one, {len(values)} here")
    elif width < 0.85 * error:
        why = ("they differ too little: draw exactly as many problems as "
               "there are, each with the same chance")
    elif not np.array_equal(found[0], found[1]):
        why = ("two calls with the same seed differ; make the generator "
               "inside, by np.random.default_rng(seed)")
    elif np.array_equal(found[0], found[2]):
        why = "another seed gives the same means; seed must come in"
    if why:
        return say(expected, got, why)
    value, failed = attempt(means, values[:20].copy(), seconds=20)
    numbers, failed = (None, failed) if failed else _numbers(
        value, 10_000, wanted)
    if failed:
        return say("10,000 means where nothing else is asked for", failed,
                   "keep the defaults resamples=10_000, seed=0")
    return of_two_problems(means) or say("bootstrap means", f"them, {got}")


def of_two_problems(means):
    """The example of exercise 2, by itself: each mean of the scores 0 and 1
    is 0, 0.5 or 1; None where that comes out right.
    """
    title = "400 means of the scores 0 and 1, each of them 0, 0.5 or 1"
    value, failed = attempt(means, np.array([0, 1]), 400, 0, seconds=20)
    numbers, failed = (None, failed) if failed else _numbers(
        value, 400, "return a mean for each of the resampled test sets")
    if failed:
        return say(title, failed)
    kinds = {round(2 * number, 9) for number in numbers}
    if kinds == {0, 1, 2}:
        return None
    got = ", ".join(f"{kind / 2:.4g}" for kind in sorted(kinds)[:4])
    return say(title, f"{got}{', ...' * (len(kinds) > 4)}",
               "each is the mean of problems that were drawn, and no number "
               "of a curve" if kinds - {0, 1, 2} else "each problem has the "
               "same chance with each draw, the first and the last, too")


def two_systems():
    """Counts of two systems on the same 150 problems, out of 20, and a k."""
    rng = np.random.default_rng(5)
    chance = rng.beta(0.5, 1.0, size=150)
    return (rng.binomial(20, np.minimum(1.3 * chance, 1)),
            rng.binomial(20, chance), 20, 2)


@exercise
def check_07_3(interval):
    """Exercise 3: ``interval(a, b, n, k, level)``, a paired one."""
    a, b, n, k = two_systems()
    low, high = paired_interval(a, b, n, k)
    expected = f"about ({low:.3f}, {high:.3f})"
    ends, failed = _ends(interval, a, b, n, k)
    if failed:
        return say(expected, failed)
    got = f"({ends[0]:.3f}, {ends[1]:.3f})"
    why = _why_not(ends, low, high, (a, b, n, k))
    if why:
        return say(expected, got, why)
    strict = paired_interval(a, b, n, k, level=0.8)
    ends, failed = _ends(interval, a, b, n, k, 0.8)
    expected = "about ({:.3f}, {:.3f}) at level 0.8".format(*strict)
    if failed:
        return say(expected, failed)
    got = f"({ends[0]:.3f}, {ends[1]:.3f})"
    if not 0.88 < (ends[1] - ends[0]) / (strict[1] - strict[0]) < 1.14:
        return say(expected, got, "level must come in: it is the share of "
                   "the means between the ends")
    return of_few_problems(interval) or say(
        "paired intervals", f"{got} at level 0.8")


def of_few_problems(interval):
    """Two cases of exercise 3 whose ends are known: b is a; and a solves one
    problem of ten that b does not.  None where both come out right.
    """
    zeros, one = np.zeros(10, int), np.array([0, 0, 0, 0, 0, 0, 3, 0, 0, 0])
    for a, wanted, why in (
            (zeros, (0, 0), "nothing differs, whatever is drawn"),
            (one, (0, 0.3), "a is never behind, so no mean that is drawn is "
             "below 0: take the ends of these means, and no curve around "
             "their middle")):
        ends, failed = _ends(interval, a, zeros, 3, 1)
        title = f"({wanted[0]}, {wanted[1]}) for a = {a.tolist()}, b all 0"
        if failed:
            return say(title, failed)
        if not np.allclose(ends, wanted, atol=1e-6):
            return say(title, f"({ends[0]:.3f}, {ends[1]:.3f})", why)
    return None


def _ends(interval, *arguments):
    """(low, high) that the call gives, or why there are none."""
    value, failed = attempt(interval, *map(np.copy, arguments[:2]),
                            *arguments[2:], seconds=20)
    if failed:
        return None, failed
    return two(as_python(value), "return two numbers, (low, high)",
               one_number)


def _why_not(ends, low, high, case):
    """Why ``ends`` are not (low, high), or None if they are, nearly."""
    a, b, n, k = case
    one, other = pass_at_k(n, a, k), pass_at_k(n, b, k)
    (low_a, high_a), (low_b, high_b) = (
        middle(bootstrap_means(values)) for values in (one, other))
    tries = middle(bootstrap_means((a - b) / n))
    near = 0.05 * (high - low)

    def like(first, last):
        return abs(ends[0] - first) < near and abs(ends[1] - last) < near

    ratio = (ends[1] - ends[0]) / (high - low)
    if ratio < 0:
        return "the ends are swapped, the low one comes first"
    if max(map(abs, ends)) > 1:
        return "give fractions between -1 and 1, not percent"
    if like(-high, -low):
        return "this is b minus a; a minus b is wanted"
    if like(low, high):
        return None
    error = (high - low) / 3.92
    below = [((low + high) / 2 - end) / error for end in ends]
    # 0.025 and 0.975 taken for percent: 3.5 and 2.3 standard errors below.
    if 2.8 < below[0] < 4.5 and 2.1 < below[1] < 2.6:
        return ("np.percentile counts in percent: it wants 2.5 and 97.5, or "
                "take middle(means, level)")
    if like(low_a - high_b, high_a - low_b) or like(low_a - low_b,
                                                    high_a - high_b):
        return ("these are differences of the ends of two intervals; take "
                "the difference problem by problem, and bootstrap that")
    if like(*tries):
        return f"this is the difference of pass@1; k = {k} must come in"
    if like(low_a, high_a) or like(low_b, high_b):
        return "this is the interval of one system, not of a difference"
    apart = np.hypot(high_a - low_a, high_b - low_b) / (high - low)
    if abs(ratio / apart - 1) < 0.08:
        return ("too wide: the two were resampled apart; both solved the same "
                "problems, so draw a problem's two scores together")
    if ratio > 2.5:
        return ("far too wide: this is the spread of single problems; take "
                "the means that bootstrap_means returns")
    if abs(sum(ends) - low - high) > 4 * near:
        return "it lies around another value than the mean difference"
    return ("not 95 %: leave 2.5 % of the means out at each end, by "
            "middle(means, level)")
