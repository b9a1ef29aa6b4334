"""Checks of the exercises of notebook M2.

A check takes what the reader wrote, tries it on a small world whose outcome
is known, prints one line and returns whether all is right.  It never raises.
"""

from itertools import combinations

from helpers.checks.report import (attempt, entries, exercise, in_words,
                                   near_miss, one_number, say, shown)
from helpers.plans import Plan, Score, best_of

# ------------------------------------- exercise 1: a plan by example tests

# (problem, plan, programs, example passes, hidden passes), mixed.
ROWS = (("b", 0, 4, 2, 2), ("a", 0, 2, 1, 1), ("b", 1, 2, 2, 1),
        ("c", 0, 0, 0, 0), ("a", 1, 2, 2, 0), ("c", 1, 2, 0, 0),
        ("a", 2, 2, 2, 2), ("b", 2, 4, 3, 3), ("d", 0, 2, 1, 0),
        ("e", 0, 0, 0, 0), ("e", 1, 4, 1, 0))
EQUAL_ROWS = (("z", 0, 4, 2, 1), ("y", 0, 2, 1, 0), ("z", 1, 6, 3, 3),
              ("z", 2, 2, 1, 1), ("y", 1, 4, 2, 2), ("y", 2, 3, 1, 3),
              ("x", 0, 0, 0, 0), ("w", 0, 2, 1, 1), ("w", 1, 3, 3, 0),
              ("w", 2, 1, 1, 1), ("x", 1, 0, 0, 0))
FIRST_OF_EQUALS = ["z0", "y0", "x0", "w1"]
SCORES, EQUALS = (tuple(
    Score(Plan(name, "forward", -1, index, f"1. {name}{index}.\n"),
          codes, examples, hidden)
    for name, index, codes, examples, hidden in rows)
    for rows in (ROWS, EQUAL_ROWS))
PICKED = ["b1", "a1", "c0", "d0", "e1"]


@exercise
def check_m2_1(choose):
    """Exercise 1: each problem's plan that its example tests choose.

    Prints one line, returns a bool.
    """
    got, failed = attempt(choose, list(SCORES),
                          nothing="nothing is picked so far")
    if not failed:
        plans, failed = entries(got, "return a list of plans")
    if failed:
        return say(PICKED, failed, "a plan from which no program was written "
                   "has no share; count it as 0"
                   if failed.kind == "ZeroDivisionError" else None)
    other = [plan for plan in plans if not isinstance(plan, Plan)]
    if other:
        return say(PICKED, shown(other[0]), "return a list of plans, and "
                   f"this entry is {in_words(other[0])}" + (
                       ": its plan is wanted" if isinstance(other[0], Score)
                       else ""))
    found = [f"{plan.task_id}{plan.sample_index}" for plan in plans]
    reason = None
    if not found:
        reason = "nothing is picked so far"
    elif len(found) > len({name[0] for name in found}):
        reason = "one plan a problem is wanted"
    elif "c0" not in found:
        reason = ("no program of problem c passes its example tests; all of "
                  "its plans are equal, and the first is kept")
    elif "a2" in found:
        reason = ("the plans 1 and 2 of problem a are equal on the example "
                  "tests: take the first, hidden tests have no say")
    elif "b2" in found:
        reason = ("3 of 4 programs are more than 2 of 2, and a smaller "
                  "share; compare shares")
    elif "d0" not in found:
        reason = ("problem d is missing: one of its two programs passes the "
                  "example tests")
    elif "e0" in found:
        reason = ("a plan from which no program was written counts 0, and "
                  "plan 1 of problem e has a program that passes")
    elif "a0" in found or "b0" in found:
        reason = ("a problem's first plan is taken though a later one passes "
                  "its example tests more often")
    elif found != PICKED:
        reason = "the problems should be in the order of their first score"
    return (None if reason else of_equal_shares(choose)) or say(
        PICKED, found, reason)


def of_equal_shares(choose):
    """What is told where shares are equal, and counts are not; None if the
    first plan is taken there.
    """
    title = f"{FIRST_OF_EQUALS} in another world"
    got, failed = attempt(choose, list(EQUALS), nothing="nothing is picked")
    plans, failed = (None, failed) if failed else entries(
        got, "return a list of plans")
    if failed:
        return say(title, failed)
    found = [f"{plan.task_id}{plan.sample_index}" for plan in plans]
    return None if found == FIRST_OF_EQUALS else say(
        title, found, "1 of 2, 2 of 4 and 3 of 6 are equal shares: take the "
        "first of them, and keep the order in which problems come")


# --------------------------------- exercise 2: best of n by going through all

KEYS, VALUES = (2, 0, 2, 1, 0), (0.1, 0.2, 0.8, 0.5, 1.0)

OTHER_KEYS = (((-3, -1, -1, -2), (0.4, 1.0, 0.3, 0.1), 2),
          ((4, 4, 4), (0.0, 1.0, 0.5), 2))


def over_all(keys, values, n, judge):
    """Mean of ``judge`` over all draws of n of the pairs (key, value)."""
    draws = list(combinations(list(zip(keys, values)), n))
    return sum(map(judge, draws)) / len(draws)


SLIPS = {
    "among plans with equal keys it takes the first; each of them should "
    "count alike": lambda draw: max(draw, key=lambda pair: pair[0])[1],
    "among plans with equal keys it takes the best value; that is looking "
    "at the hidden tests": lambda draw: max(draw)[1],
    "it takes the best value there is, whatever the keys say: that is the "
    "oracle": lambda draw: max(value for _, value in draw),
    "it takes the plan with the smallest key": lambda draw: sum(
        v for k, v in draw if k == min(draw)[0]) / sum(
        k == min(draw)[0] for k, _ in draw),
    "it returns a mean of keys; the values are what one gets":
        lambda draw: max(draw)[0],
    "it takes the mean of all n values, and chooses nothing":
        lambda draw: sum(value for _, value in draw) / len(draw)}


@exercise
def check_m2_2(best_by_hand):
    """Exercise 2: best of n as a mean over all draws.

    Prints one line, returns a bool.
    """
    for n in (2, 1, 3, 5):
        wanted = best_of(KEYS, VALUES, n)
        title = f"{wanted:.4f} for n = {n}"
        got, failed = attempt(best_by_hand, list(KEYS), list(VALUES), n)
        if not failed:
            got, failed = one_number(got)
        if failed:
            return say(title, failed)
        if abs(got - wanted) < 1e-9:
            continue
        why = [text for text, judge in SLIPS.items()
               if abs(over_all(KEYS, VALUES, n, judge) - got) < 1e-9]
        draws = [(a, b) for a in zip(KEYS, VALUES) for b in zip(KEYS, VALUES)]
        again = sum(sum(v for k, v in draw if k == max(draw)[0]) / sum(
            k == max(draw)[0] for k, _ in draw) for draw in draws)
        if n == 2 and abs(again / len(draws) - got) < 1e-9:
            why = ["a plan is drawn twice; draw without putting back"]
        if abs(got - round(got)) < 1e-9 and got > 1:
            why = ["it is a sum; divide by the number of draws"]
        return say(title, f"{got:.4f}", (why or [
            near_miss([got], [wanted]) or "go through "
            "combinations(range(len(keys)), n), and take the mean over "
            "them"])[0])
    for keys, values, n in OTHER_KEYS:
        wanted = best_of(keys, values, n)
        title = f"{wanted:.4f} for keys {keys}, values {values}, n = {n}"
        got, failed = attempt(best_by_hand, list(keys), list(values), n)
        if not failed:
            got, failed = one_number(got)
        if failed or abs(got - wanted) > 1e-9:
            return say(title, failed or f"{got:.4f}", "keys may be below 0, "
                       "and all of them equal; only which is larger counts")
    return say("the mean over all draws, for n = 1, 2, 3 and 5", "it")
