"""Checks of the exercises in notebook 07.

Each check prints one line and returns True or False; it never raises on a
wrong or unfinished answer.
"""

from copy import copy
from math import comb

import numpy as np

from helpers.checks.report import (attempt, entries, exercise, misfit,
                                    one_number, say)
from helpers.evaluation import (mean_pass_at_k, paired_interval, pass_at_k,
                                pass_at_k_interval)
from helpers.studies.ekt import RELEASED_N, load_released

# Exercise 3: "at this k, the first run is ahead of the second".  None of
# these comparisons is printed in the notebook.
CLAIMS = {
    "A": (50, "ekt/gpt-j-6b/gpt-neo-125m", "ekt/gpt-neo-2.7b/gpt-neo-125m"),
    "B": (100, "ekt/gpt-j-6b/gpt-neo-125m", "few-shot/gpt-neo-2.7b"),
    "C": (100, "ekt/gpt-neo-2.7b/gpt-neo-125m", "few-shot/gpt-neo-1.3b"),
    "D": (100, "ekt/gpt-neo-2.7b/gpt-neo-1.3b", "kd/gpt-j-6b/gpt-neo-1.3b"),
}


def _answer(function, arguments, count, wanted, hint="", **how):
    """``(numbers, None)`` that the call gives, or ``(None, (got, why))``."""
    value, failed = attempt(function, *map(copy, arguments),
                            nothing="the function returns no value", **how)
    if failed and failed.kind:
        return None, (failed, f"it raises an error{hint}")
    if not failed and count == 1:
        number, failed = one_number(value, wanted)
        numbers = [number]
    elif not failed:
        numbers, failed = entries(value, wanted)
        if not failed and len(numbers) != count:
            failed = misfit(value, f"{wanted}, not {len(numbers)}")
        for i, number in enumerate(numbers if not failed else ()):
            numbers[i], failed = one_number(number, wanted)
            if failed:
                break
    return (None, (failed,)) if failed else (numbers, None)


def _wrong(function, arguments, right, slips, otherwise, hint=""):
    """``(got, why)`` if the call does not give ``right``, else None.

    ``slips``: (wrong formula, sentence) pairs; ``otherwise`` is said if none
    of them fits.
    """
    numbers, failed = _answer(function, arguments, 1, "it must be one number, "
                              "as return gives it", hint)
    if failed or abs(numbers[0] - right) <= 1e-9:
        return failed
    fitting = (sentence for slip, sentence in slips
               if abs(numbers[0] - slip(*arguments)) < 1e-9)
    return f"{numbers[0]:.4f}", next(fitting, otherwise)


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
    (lambda n, c, k: comb(c, k) / comb(n, k),
     "this is the chance that all k are right; one right one is enough"),
)


@exercise
def check_07_1(estimate):
    """Exercise 1: ``estimate(n, c, k)`` is the unbiased pass@k."""
    cases = ((5, 2, 3), (4, 2, 2), (100, 3, 50), (20, 7, 1), (6, 0, 4),
             (6, 6, 2), (5, 3, 4), (100, 1, 100))
    for n, c, k in cases:
        right = 1 - comb(n - c, k) / comb(n, k)
        expected = f"pass@{k} = {right:.4f} for {c} right out of {n}"
        hint = (" (here fewer than k completions are wrong)"
                if n - c < k else "")
        wrong = _wrong(estimate, (n, c, k), right, _SLIPS,
                       "count the ways to draw k that are all wrong", hint)
        if wrong:
            return say(expected, *wrong)
    return say("the unbiased estimate", f"it in {len(cases)} cases")


def exam():
    """Counts of 150 problems of mixed difficulty, and their n and k."""
    rng = np.random.default_rng(7)
    counts = rng.binomial(20, rng.beta(0.5, 2.0, size=150))
    return [int(c) for c in counts], 20, 5


@exercise
def check_07_2(interval):
    """Exercise 2: ``interval(counts, n, k)`` is a 95 % bootstrap interval."""
    counts, n, k = exam()
    low, high = pass_at_k_interval(counts, n, k)
    expected = f"about ({low:.3f}, {high:.3f})"
    ends, failed = _answer(interval, (counts, n, k), 2,
                           "return two numbers, (low, high)", seconds=20)
    if failed:
        return say(expected, *failed)
    got = f"({ends[0]:.3f}, {ends[1]:.3f})"
    width, mean = ends[1] - ends[0], mean_pass_at_k(counts, n, k)
    ratio, shift = width / (high - low), abs(sum(ends) - low - high) / 2
    why = None
    if width < 0:
        why = "the ends are swapped, the low one comes first"
    elif ends[1] > 1:
        why = "give fractions between 0 and 1, not percent"
    elif _in_percent(ends, low, high):
        why = ("np.percentile counts in percent: it wants 2.5 and 97.5, or "
               "take np.quantile for 0.025 and 0.975")
    elif width < 1e-9:
        why = ("all your exams are the same; draw the problems with putting "
               "back, so that some come twice and some not at all")
    elif ratio > 1.5:
        why = ("far too wide: this is the spread of single problems or of "
               "small exams; take the mean of each resampled exam, which has "
               "as many problems as the real one")
    elif not ends[0] < mean < ends[1] or shift > 0.2 * (high - low):
        why = (f"it lies around another value than the mean pass@{k}; use "
               f"the unbiased pass@{k} of each problem")
    elif ratio < 0.75:
        why = ("too narrow: draw whole problems anew, not completions of "
               "the same problems")
    elif not 0.91 < ratio < 1.1:
        why = "not 95 %: leave 2.5 % of the means out at each end"
    return say(expected, got, why)


def _in_percent(ends, low, high):
    """Whether 0.025 and 0.975 were taken for percent.

    These are the ends of another interval, in the lower tail: 3.5 and 2.3
    standard errors below the mean.
    """
    error = (high - low) / 3.92
    below = [((low + high) / 2 - end) / error for end in ends]
    return 2.8 < below[0] < 4.5 and 2.1 < below[1] < 2.6


def truth_of_claims():
    """What paired intervals say of each claim: "yes", "no" or "open"."""
    runs, truth = load_released(), {}
    for letter, (k, a, b) in CLAIMS.items():
        low, high = paired_interval(runs[a], runs[b], RELEASED_N, k)
        truth[letter] = "yes" if low > 0 else "no" if high < 0 else "open"
    return truth


@exercise
def check_07_3(verdicts):
    """Exercise 3: ``verdicts`` maps each claim to "yes", "no" or "open"."""
    words = ("yes", "no", "open")
    if not isinstance(verdicts, dict):
        return say("a dictionary with keys A to D", misfit(
            verdicts, "fill in the stub"))
    for letter, right in truth_of_claims().items():
        k, a, b = CLAIMS[letter]
        got = verdicts.get(letter)
        if got is None or got is ...:
            return say(f"a verdict on {letter}", "none",
                       f"{letter} is still to be judged")
        if not isinstance(got, str) or got.strip().lower() not in words:
            return say(f"yes, no or open for {letter}", misfit(
                got, "use one of these three words, as text"))
        got = got.strip().lower()
        if got == right:
            continue
        if right == "open":
            why = ("the two values differ, but the paired interval of their "
                   "difference holds zero")
        elif got == "open":
            why = ("the paired interval of the difference holds no zero; that "
                   "two separate intervals overlap does not settle it")
        else:
            why = (f"look at k = {k}: which side is ahead may change "
                   f"with k")
        # The right word is not given away.
        return say(f"what the paired interval says of {letter}", got, why)
    return say("what the paired intervals say", "it for all four claims")


def _chances(a, b, n):
    """Per problem: the chance that all its hits lie in the first hand."""
    return [comb(n, x + y) / comb(2 * n, x + y) for x, y in zip(a, b)]


# Wrong ways to count by luck, and the sentence for each.
_MISDEALS = (
    (lambda a, b, n: sum(_chances(a, b, n)),
     "a problem that neither solved cannot be solved by one side only; count "
     "those with a hit"),
    (lambda a, b, n: 2 * _dealt(a, b, n),
     "these are the problems that only a or only b solves; only a's are "
     "wanted"),
    (lambda a, b, n: _dealt(a, b, n) / len(a),
     "this is a share; give the expected number of problems"),
    (lambda a, b, n: sum(0.5 ** (x + y) for x, y in zip(a, b) if x + y),
     "this tosses a coin for each hit; a hand holds exactly n tries, so "
     "every hit that a got makes the next one a little less likely"),
    (lambda a, b, n: sum(x > 0 == y for x, y in zip(a, b)),
     "this is the number that was observed; what would dealing anew give on "
     "average?"),
    (lambda a, b, n: sum(pass_at_k(2 * n, x + y, n) for x, y in zip(a, b)),
     "this counts the problems of which a hand holds a hit; count those of "
     "which the other hand holds none"),
)


def _dealt(a, b, n):
    return sum(chance for chance, x, y in zip(_chances(a, b, n), a, b)
               if x + y)


@exercise
def check_07_4(by_luck):
    """Exercise 4: ``by_luck(a, b, n)``, problems solved by a alone by luck.

    The expected number when the 2n tries of each problem are shuffled and
    dealt anew.
    """
    cases = (([2, 0, 1], [1, 0, 0], 10), ([6, 1], [5, 0], 10),
             ([0, 3, 1, 0, 7], [0, 0, 1, 2, 20], 20))
    for a, b, n in cases:
        right = _dealt(a, b, n)
        expected = f"{right:.4f} for a = {a}, b = {b}, n = {n}"
        wrong = _wrong(by_luck, (a, b, n), right, _MISDEALS,
                       "for each problem with a hit: how likely is it that "
                       "b's n of the 2n tries hold none of the hits?")
        if wrong:
            return say(expected, *wrong)
    return say("the expected number of problems", f"it in {len(cases)} cases")
