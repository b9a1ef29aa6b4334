"""Checks of the exercises of notebook 03.

A check takes what the reader wrote, tries it on a small world whose outcome
is known, prints one line and returns whether all is right.  It never raises.
"""

from itertools import combinations

from helpers.checks.report import (as_python, attempt, entries, exercise,
                                   in_words, misfit, one_number, say, shown)
from helpers.plans import Plan, Score, best_of, plan_request, steps

# ------------------------------------------- exercise 1: a backward prompt

EXEMPLAR = {
    "question": "Jon has n hats. On Sunday Jon finds 6. On Tuesday Jon halves "
                "them. Read n, print how many hats Jon has in the end.\n",
    "code": "a = int(input())\nb = a // 2\nc = b + 6\nprint(c)\n",
    "plan": "1. Read n.\n2. Tuesday: divided by 2.\n3. Sunday: plus 6.\n"
            "4. Print it.\n",
    "backward": "1. Read n.\n2. Divided by 2.\n3. Plus 6.\n4. Print it.\n"}
QUESTION = ("Uma has n rings. On Friday Uma loses 9. Read n, print how many "
            "rings Uma has in the end.")
GIVEN_CODE = "x = int(input())\nx -= 9\nprint(x)"       # no newline at its end
SHOWN = {False: "without the question", True: "with the question"}


def wrong_with(text, wanted, asked):
    """What is wrong with a backward prompt, or None."""
    if not isinstance(text, str):
        return f"this is {in_words(text)}; return the prompt as text"
    if not asked and ("Uma" in text or "QUESTION" in text):
        return ("the question is shown, and nothing but code is wanted: "
                "leave out its label, too, and the exemplar's")
    if "c = b + 6" not in text or "ivided by 2." not in text:
        return "the solved exemplar must come first, its plan included"
    if not asked and "Tuesday:" in text:
        return ("the exemplar's plan names days that nobody can see in its "
                "code; use its plan of the key \"backward\"")
    if asked and "Tuesday:" not in text:
        return ("with the question the exemplar's plan may name the days; "
                "use its plan of the key \"plan\"")
    if asked and ("Jon" not in text or "Uma" not in text):
        return "both questions, the exemplar's and the target's, are wanted"
    if "x -= 9" not in text:
        return "the code to be explained is missing"
    if text.index("x -= 9") < text.index("c = b + 6"):
        return "the exemplar comes first, the target last"
    if asked and text.index("Uma") > text.index("x -= 9"):
        return "the question comes before the code"
    if not text.endswith("PLAN:\n"):
        return ("it must end in 'PLAN:' and a newline, and the model goes on "
                "from there")
    if "print(x)PLAN" in text:
        return ("the code does not end in a newline, so the label is stuck "
                "to its last line")
    if "Print it.\n\n" not in text:
        return "a blank line ends the exemplar"
    if text != wanted:
        first = next((b for a, b in zip(text.splitlines() + [""] * 40,
                                        wanted.splitlines()) if a != b),
                     "its end")
        return f"compare with plan_request from {first!r} on"


@exercise
def check_03_1(backward_prompt):
    """Exercise 1: the prompt for backward reasoning, in both forms.

    Prints one line, returns a bool.
    """
    for asked, words in SHOWN.items():
        way = "backward-with-question" if asked else "backward"
        wanted = plan_request(way, QUESTION, GIVEN_CODE, EXEMPLAR)
        title = f"{len(wanted)} characters {words}"
        text, failed = attempt(backward_prompt, QUESTION, GIVEN_CODE,
                               dict(EXEMPLAR), asked)
        if failed:
            return say(title, failed)
        why = wrong_with(text, wanted, asked)
        if why:
            size = (f"{len(text)} characters" if isinstance(text, str)
                    else shown(text))
            return say(title, size, why)
    return say("the prompt in both forms", "both")


# ------------------------------------- exercise 2: a plan by example tests

# (problem, plan, programs, example passes, hidden passes), mixed.
ROWS = (("b", 0, 4, 2, 2), ("a", 0, 2, 1, 1), ("b", 1, 2, 2, 1),
        ("c", 0, 0, 0, 0), ("a", 1, 2, 2, 0), ("c", 1, 2, 0, 0),
        ("a", 2, 2, 2, 2), ("b", 2, 4, 3, 3), ("d", 0, 2, 1, 0))
SCORES = tuple(Score(Plan(name, "forward", -1, index, f"1. {name}{index}.\n"),
                     codes, examples, hidden)
               for name, index, codes, examples, hidden in ROWS)
PICKED = ["b1", "a1", "d0"]


@exercise
def check_03_2(pick_plans):
    """Exercise 2: each problem's plan that its example tests choose.

    Prints one line, returns a bool.
    """
    got, failed = attempt(pick_plans, list(SCORES),
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
    elif "c0" in found or "c1" in found:
        reason = ("no program of problem c passes its example tests; such a "
                  "problem is left out")
    elif "a2" in found:
        reason = ("the plans 1 and 2 of problem a are equal on the example "
                  "tests: take the first, hidden tests have no say")
    elif "b2" in found:
        reason = ("3 of 4 programs are more than 2 of 2, and a smaller "
                  "share; compare shares")
    elif "d0" not in found:
        reason = ("problem d is missing: one of its two programs passes the "
                  "example tests")
    elif "a0" in found or "b0" in found:
        reason = ("a problem's first plan is taken though a later one passes "
                  "its example tests more often")
    elif found != PICKED:
        reason = "the problems should be in the order of their first score"
    return say(PICKED, found, reason)


# --------------------------------- exercise 3: best of n by going through all

KEYS, VALUES = (2, 0, 2, 1, 0), (0.1, 0.2, 0.8, 0.5, 1.0)


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
def check_03_3(best_by_hand):
    """Exercise 3: best of n as a mean over all draws.

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
            "go through combinations(range(len(keys)), n), and take the "
            "mean over them"])[0])
    return say("the mean over all draws, for n = 1, 2, 3 and 5", "it")


# ------------------------------------------- exercise 4: carry a plan out

LONG = "".join(f"{i}. {text}.\n" for i, text in enumerate(
    ["Read n", *["Plus 1"] * 8, "Times 2", "Minus 12", "Print it"], 1))
# (plan, n, result, what is said if it comes out otherwise).
CARRIED = (
    ("1. Read n.\n2. Times 2.\n3. Minus 3.\n4. Print it.\n", 10, 17,
     "times 2, then minus 3"),
    ("1. Read n.\n2. Monday: times 3.\n3. Friday: plus 20.\n4. Print it.\n",
     7, 41, "a day in front of a line changes nothing"),
    ("1. Read n.\n2. Friday: plus 4.\n3. Monday: times 2.\n4. Print it.\n",
     5, 18, "do the lines in the order in which they stand, not in that of "
     "the days"),
    ("1. Read n.\n2. Divided by 2.\n3. Print it.\n", 9, 4,
     "division is //, as in the programs"),
    (LONG, 10, 24, "the number in front of a line is not part of it, also "
     "where it has two digits"),
    ("1. Read n.\n2. Plus 5.\n3. Ask Monday again.\n4. Print it.\n", 3, None,
     "a plan with a line that cannot be carried out gives None"),
    ("1. Read n.\n2. Times.\n3. Print it.\n", 3, None,
     "a plan with a line that cannot be carried out gives None"),
    ("1. Read n.\n2. Print it.\n", 0, 0, "0 is a result, not nothing"))


@exercise
def check_03_4(carry_out):
    """Exercise 4: a plan carried out without a program.

    Prints one line, returns a bool.
    """
    for plan, n, wanted, why in CARRIED:
        title = f"{wanted} for n = {n} ({' / '.join(steps(plan)[1:4])})"
        got, failed = attempt(carry_out, plan, n,
                              nothing=None if wanted is None else why)
        if failed:
            return say(title, failed, why if failed.kind else None)
        got = as_python(got)
        if got is not None and type(got) not in (int, float):
            return say(title, misfit(got, f"return a whole number, or None; "
                                          f"{why}"))
        if got != wanted or isinstance(got, float):
            same = got == wanted and isinstance(got, float)
            return say(title, repr(got),
                       "whole numbers stay whole: use //" if same else why)
    return say(f"{len(CARRIED)} plans carried out", "all")
