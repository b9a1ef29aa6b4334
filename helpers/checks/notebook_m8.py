"""Checks of the exercises in notebook M8, intervals in depth.

Each check prints one line and returns True or False; it never raises on a
wrong or unfinished answer.
"""

from copy import copy
from math import comb

from helpers.checks.report import (attempt, exercise, misfit, near_miss,
                                   one_number, say)
from helpers.evaluation import paired_interval, pass_at_k
from helpers.studies.ekt import RELEASED_N, load_released

# Exercise 2: "at this k, the first run is ahead of the second".  None of
# these comparisons is printed in a notebook.
CLAIMS = {
    "A": (50, "ekt/gpt-j-6b/gpt-neo-125m", "ekt/gpt-neo-2.7b/gpt-neo-125m"),
    "B": (100, "ekt/gpt-j-6b/gpt-neo-125m", "few-shot/gpt-neo-2.7b"),
    "C": (100, "ekt/gpt-neo-2.7b/gpt-neo-125m", "few-shot/gpt-neo-1.3b"),
    "D": (100, "ekt/gpt-neo-2.7b/gpt-neo-1.3b", "kd/gpt-j-6b/gpt-neo-1.3b"),
}


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
def check_m8_1(by_luck):
    """Exercise 1: ``by_luck(a, b, n)``, problems solved by a alone by luck.

    The expected number when the 2n tries of each problem are shuffled and
    dealt anew.
    """
    cases = (([2, 0, 1], [1, 0, 0], 10), ([6, 1], [5, 0], 10),
             ([0, 3, 1, 0, 7], [0, 0, 1, 2, 20], 20))
    for a, b, n in cases:
        right = _dealt(a, b, n)
        expected = f"{right:.4f} for a = {a}, b = {b}, n = {n}"
        value, failed = attempt(by_luck, copy(a), copy(b), n,
                                nothing="the function returns no value")
        if failed and failed.kind:
            return say(expected, failed, "it raises an error")
        number, failed = (None, failed) if failed else one_number(
            value, "it must be one number, as return gives it")
        if failed:
            return say(expected, failed)
        if abs(number - right) > 1e-9:
            fitting = (why for slip, why in _MISDEALS
                       if abs(number - slip(a, b, n)) < 1e-9)
            return say(expected, f"{number:.4f}", next(
                fitting, near_miss([number], [right]) or "for each problem "
                "with a hit: how likely is it that b's n of the 2n tries hold "
                "none of the hits?"))
    return say("the expected number of problems", f"it in {len(cases)} cases")


def truth_of_claims():
    """What paired intervals say of each claim: "yes", "no" or "open"."""
    runs, truth = load_released(), {}
    for letter, (k, a, b) in CLAIMS.items():
        low, high = paired_interval(runs[a], runs[b], RELEASED_N, k)
        truth[letter] = "yes" if low > 0 else "no" if high < 0 else "open"
    return truth


@exercise
def check_m8_2(verdicts):
    """Exercise 2: ``verdicts`` maps each claim to "yes", "no" or "open"."""
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
