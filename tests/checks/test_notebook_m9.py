"""The checks of notebook M9: right answers pass, wrong ones are told why."""

from fractions import Fraction
from itertools import combinations

import pytest

from helpers.checks.notebook_m9 import check_m9_1, check_m9_2
from helpers.filtering import Example
from helpers.multitask import (code_prompt, end_line, follow_examples,
                               plan_examples, plan_prompt)
from helpers.plans import Plan
from helpers.studies.dial_results import chosen_right
from told import line


def in_a_loop(problems, plans):
    for plan in plans:
        for problem in problems:
            if problem.task_id == plan.task_id:
                yield Example(plan.task_id, code_prompt(problem, plan.text),
                              problem.solutions[max(plan.solution, 0)]
                              .rstrip() + "\n")


def made(prompt, completion):
    """An answer that makes its examples in this way."""
    def answer(problems, plans):
        by_id = {p.task_id: p for p in problems}
        return [Example(plan.task_id, prompt(by_id[plan.task_id], plan),
                        completion(by_id[plan.task_id], plan))
                for plan in plans if plan.task_id in by_id]
    return answer


def asked(problem, plan):
    return code_prompt(problem, plan.text)


def program(problem, plan):
    return end_line(problem.solutions[max(plan.solution, 0)])


WRONG_1 = {
    "[-1] would be the last": made(
        asked, lambda p, plan: end_line(p.solutions[plan.solution])),
    "of no plan there is none": lambda problems, plans: follow_examples(
        problems, plans or [Plan("m9/0", "forward", 0, 0, "1. Go.\n")]),
    "always the problem's first": made(
        asked, lambda p, plan: end_line(p.solutions[0])),
    "the completion is the plan": made(asked, lambda p, plan: plan.text),
    "does not stand in the prompt": made(lambda p, plan: code_prompt(p),
                                         program),
    "question -> plan": plan_examples,
    "must ask for code": made(lambda p, plan: plan_prompt(p), program),
    "ends with a newline": made(
        asked, lambda p, plan: p.solutions[max(plan.solution, 0)]),
    "in another order": lambda *given: follow_examples(*given)[::-1],
    "as often as there are plans": lambda problems, plans: list(
        {e.task_id: e for e in follow_examples(problems, plans)}.values()),
    "each entry is an Example": lambda *given: [
        e.prompt for e in follow_examples(*given)],
    "got KeyError": lambda problems, plans: [
        {p.task_id: p for p in problems}[plan.task_id] for plan in plans],
    "nothing is returned": lambda problems, plans: None,
    "compare one prompt": made(lambda p, plan: asked(p, plan).lower(),
                               program),
}


@pytest.mark.parametrize("reason, wrong", WRONG_1.items())
def test_wrong_examples_are_told_why(capsys, reason, wrong):
    result, out = line(capsys, check_m9_1, wrong)
    assert not result and reason in out


def test_right_examples_pass(capsys):
    assert line(capsys, check_m9_1, follow_examples)[0]
    assert line(capsys, check_m9_1, lambda *given: list(in_a_loop(*given)))[0]
    assert line(capsys, check_m9_1, in_a_loop)[0]


def drawn(n, passing, right, tries):
    """The same chance, counted over all hands."""
    marks = [2] * right + [1] * (passing - right) + [0] * (n - passing)
    hands = list(combinations(marks, tries))
    return float(sum(Fraction(sum(m == 2 for m in hand),
                              max(1, sum(m > 0 for m in hand)))
                     for hand in hands) / len(hands))


WRONG_2 = {
    "not every one that does is right": lambda n, e, c, m: drawn(n, e, e, m),
    "an oracle": lambda n, e, c, m: drawn(n, c, c, m),
    "none of the drawn ones": lambda n, e, c, m: c / e if e else 0,
    "not from all n": lambda n, e, c, m: drawn(n, e, e, m) * c / n,
    "without putting back": lambda n, e, c, m: (
        1 - (1 - e / n) ** m) * c / max(e, 1),
    "this is pass@1": lambda n, e, c, m: c / n,
    "no program may pass": lambda n, e, c, m: drawn(n, e, e, m) * c / e,
    "one number": lambda n, e, c, m: [drawn(n, e, c, m)],
    "this is rounded": lambda *case: round(chosen_right(*case), 4),
    "these are per cent": lambda *case: 100 * chosen_right(*case),
    "nothing is returned": lambda n, e, c, m: None,
}


@pytest.mark.parametrize("reason, wrong", WRONG_2.items())
def test_wrong_chances_are_told_why(capsys, reason, wrong):
    def quick(n, *rest):
        return (chosen_right(n, *rest) if n == 30 and "oracle" in reason
                else wrong(n, *rest))
    result, out = line(capsys, check_m9_2, wrong if "drawn" not in
                       wrong.__code__.co_names else quick)
    assert not result and reason in out


def test_right_chances_pass(capsys):
    assert line(capsys, check_m9_2, chosen_right)[0]
    assert line(capsys, check_m9_2, lambda n, *rest: drawn(n, *rest)
                if n < 30 else chosen_right(n, *rest))[0]


def test_the_chance_is_that_of_all_hands():
    for case in ((10, 4, 3, 5), (6, 0, 0, 3), (8, 8, 2, 1), (9, 5, 2, 9)):
        assert chosen_right(*case) == pytest.approx(drawn(*case))
