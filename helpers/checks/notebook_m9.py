"""Checks of the exercises in notebook M9, when plans help."""

from math import comb

from helpers.checks.report import (attempt, entries, exercise, misfit,
                                   near_miss, one_number, say)
from helpers.filtering import Example
from helpers.multitask import code_prompt, end_line, plan_prompt
from helpers.plans import Plan
from helpers.problems import Problem
from helpers.studies.dial_results import chosen_right

# ------------------------------------------- exercise 1: a plan is followed

PROBLEMS = [
    Problem("m9/0", "Uma has n eggs. On Monday Uma doubles them.", "stdio",
            solutions=("x = int(input())\nprint(x * 2)\n",
                       "n = int(input())\nprint(2 * n)")),
    Problem("m9/1", "Ben has n caps. On Friday Ben finds 3.", "stdio",
            solutions=("n = int(input())\nprint(n + 3)\n",))]
PLANS = [Plan("m9/1", "backward", 0, 0, "1. Print 1 * n + 3.\n"),
         Plan("m9/0", "backward", 1, 0, "1. Print 2 * n + 0.\n"),
         Plan("m9/0", "backward", 0, 0, "1. Times 2.\n2. Print 2 * n.\n"),
         Plan("m9/9", "backward", 0, 0, "1. Of another problem.\n")]


# A plan from the question alone, of the problem with two programs.
UNSEEN = [Plan("m9/0", "forward", -1, 0, "1. Print it twice.\n")]


def _made(prompt, completion, plans=PLANS):
    """Examples of all plans that have a problem, with slips to choose."""
    by_id = {p.task_id: p for p in PROBLEMS}
    return [Example(plan.task_id, prompt(by_id[plan.task_id], plan),
                    completion(by_id[plan.task_id], plan))
            for plan in plans if plan.task_id in by_id]


def _code(problem, plan):
    return end_line(problem.solutions[max(plan.solution, 0)])


def _asked(problem, plan):
    return code_prompt(problem, plan.text)


# What answers are told that are made like this.
FOLLOWED = (
    (_asked, lambda p, plan: end_line(p.solutions[0]),
     "this is always the problem's first program; plan.solution says which "
     "one the plan explains"),
    (_asked, lambda p, plan: plan.text,
     "the completion is the plan; here the plan is given, and the program "
     "is learnt"),
    (lambda p, plan: code_prompt(p), _code,
     "the plan does not stand in the prompt; code_prompt takes it as its "
     "second argument"),
    (lambda p, plan: plan_prompt(p), lambda p, plan: plan.text,
     "these are the examples of the task question -> plan"),
    (lambda p, plan: plan_prompt(p), _code,
     "the prompt asks for a plan; it must ask for code"),
    (_asked, lambda p, plan: p.solutions[plan.solution],
     "a program ends with a newline; end_line sees to that"))


@exercise
def check_m9_1(follow_examples):
    """Exercise 1: question and plan -> program, for each plan."""
    right = _made(_asked, _code)
    expected = f"{len(right)} examples, question and plan -> program"
    found, failed = _examples(follow_examples, PLANS)
    if failed:
        return say(expected, failed)
    if found == right:
        one, failed = _examples(follow_examples, UNSEEN)
        if failed or one != _made(_asked, _code, UNSEEN):
            return say("the first program of two for a plan whose solution "
                       "is -1", failed or "another", "such a plan explains "
                       "no program; [-1] would be the last")
        none, failed = _examples(follow_examples, [])
        if failed or none:
            return say("no example without a plan", failed or len(none),
                       "of no plan there is none")
        return say(expected, "them")
    if len(found) != len(right):
        return say(expected, f"{len(found)}", "one for each plan whose "
                   "problem is there, as often as there are plans")
    if sorted(map(repr, found)) == sorted(map(repr, right)):
        return say(expected, "them in another order", "keep the order of "
                   "the plans")
    why = next((why for prompt, completion, why in FOLLOWED
                if found == _made(prompt, completion)),
               "compare one prompt and its completion with the text above")
    return say(expected, "others", why)


def _examples(follow_examples, plans):
    """(the examples, None), or (None, ``Failure``)."""
    value, failed = attempt(follow_examples, list(PROBLEMS), list(plans))
    found, failed = (None, failed) if failed else entries(
        value, "return a list of examples")
    if not failed and not all(isinstance(one, Example) for one in found):
        failed = misfit(found, "each entry is an Example(task_id, prompt, "
                               "completion)")
    return found, failed


# --------------------------------------- exercise 2: a choice at equal cost

CASES = ((10, 4, 3, 5), (20, 7, 7, 4), (6, 0, 0, 3), (8, 8, 2, 1),
         (30, 3, 1, 30), (12, 9, 0, 12))
CHANCES = (
    (lambda n, e, c, m: 1 - comb(n - e, m) / comb(n, m),
     "this is the chance that some program passes the example; not every "
     "one that does is right"),
    (lambda n, e, c, m: 1 - comb(n - c, m) / comb(n, m),
     "this is pass@k, which an oracle would reach; the choice sees the "
     "example alone"),
    (lambda n, e, c, m: c / e if e else 0,
     "this leaves out that none of the drawn ones may pass the example"),
    (lambda n, e, c, m: (1 - comb(n - e, m) / comb(n, m)) * c / n,
     "the program that is kept is drawn from the passing ones, not from "
     "all n"),
    (lambda n, e, c, m: (1 - (1 - e / n) ** m) * c / max(e, 1),
     "the tries are drawn without putting back"),
    (lambda n, e, c, m: c / n, "this is pass@1, without any choice"))


@exercise
def check_m9_2(answer):
    """Exercise 2: ``answer(n, passing, right, tries)``, a chance."""
    for case in CASES:
        wanted = chosen_right(*case)
        told = f"{wanted:.4f} for n, passing, right, tries = {case}"
        value, failed = attempt(answer, *case)
        if not failed:
            value, failed = one_number(value, "one number is wanted")
        if failed:
            return say(told, failed, None if failed.kind != "ZeroDivisionError"
                       else "no program may pass")
        if abs(value - wanted) > 1e-9:
            why = next((why for slip, why in CHANCES
                        if abs(value - slip(*case)) < 1e-9),
                       near_miss([value], [wanted]) or "the chance that some "
                       "drawn program passes the example, times the share of "
                       "these that are right")
            return say(told, f"{value:.4f}", why)
    return say("the chance of a right choice", f"it in {len(CASES)} cases")
