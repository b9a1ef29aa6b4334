"""The checks of notebook 04 know right from wrong."""

import ast
import re

import pytest

from helpers.checks.notebook_04 import check_04_1, check_04_2
from helpers.execution import STATUSES
from helpers.filtering import (Example, by_problem, first_correct, k_distinct,
                               make_example)
from helpers.mini.reading import days_in_order
from helpers.mini.stories import DAYS
from helpers.programs import canonical
from marking import assert_told_why


def stub(*arguments):
    ...


def keep(problems, judged, status=("passed",), take=slice(1), in_order=True,
         spelled=str, prompt=None, empty=()):
    """A solution of exercise 1 with a slip to choose."""
    examples = []
    for problem in problems:
        pairs = by_problem(judged).get(problem.task_id, empty)
        if not in_order:
            pairs = [p for p in judged if p[0].task_id == problem.task_id]
        right = [sample for sample, verdict in pairs
                 if verdict.status in status]
        for sample in right[take]:
            example = make_example(problem, sample)
            examples.append(Example(
                example.task_id, prompt or example.prompt,
                spelled(example.completion)))
    return examples


def in_a_hurry(problems, judged):
    for problem in problems:
        for sample, verdict in by_problem(judged).get(problem.task_id, []):
            if verdict.status == "passed":
                return [make_example(problem, sample)]


def unguarded(problems, judged):
    grouped = by_problem(judged)
    return [make_example(problem, sample) for problem in problems
            for sample, verdict in grouped[problem.task_id][:1]]


DAY = re.compile(r"^(\w+) =", re.MULTILINE)


def days(program, pattern=DAY):
    return [word for word in pattern.findall(program)
            if word.capitalize() in DAYS]


def number(word):
    return DAYS.index(word.capitalize())


def ascending(words):
    return words == sorted(words, key=number)


def by_its_ends(program):
    found = [number(day) for day in days(program)]
    return not found or found[0] <= found[-1]


WRONG = [
    (check_04_1, stub, "nothing is kept yet"),
    (check_04_1, lambda p, j: [], "nothing is kept yet"),
    (check_04_1, lambda p, j: keep(p, j, status=("passed", "wrong")),
     "without a right sample gives no pair"),
    (check_04_1, lambda p, j: [make_example(p[0], j[-1][0]),
                               *keep(p, j)[1:]], "whose answer is wrong"),
    (check_04_1, lambda p, j: keep(p, j, status=set(STATUSES) - {"wrong"}),
     "error or timeout"),
    (check_04_1, lambda p, j: keep(p, j, status=("passed", "memory")),
     "that failed"),
    (check_04_1, lambda p, j: keep(p, j, take=slice(None)),
     "stop after the first"),
    (check_04_1, lambda p, j: k_distinct(p[:1], j), "go on with the next"),
    (check_04_1, in_a_hurry, "go on with the next"),
    (check_04_1, lambda p, j: keep(p, j, in_order=False), "later sample"),
    (check_04_1, lambda p, j: keep(p, j, take=slice(-1, None)),
     "later sample"),
    (check_04_1, lambda p, j: keep(p, j)[::-1], "order of the problems"),
    (check_04_1, lambda p, j: keep(p, j, spelled=canonical),
     "letter for letter"),
    (check_04_1, lambda p, j: keep(p, j, prompt="# Solve this.\n"),
     "the question alone"),
    (check_04_1, lambda p, j: [e.completion for e in keep(p, j)],
     "make_example makes one"),
    (check_04_1, unguarded, "no sample at all"),
    (check_04_2, stub, "nothing is returned"),
    (check_04_2, lambda text: True, "Sunday comes last"),
    (check_04_2, lambda text: sorted(days(text)) == days(text),
     "Monday comes before Friday"),
    (check_04_2, by_its_ends, "compare all days"),
    (check_04_2, lambda text: ascending(days(text)[:2]), "first two alone"),
    (check_04_2, lambda text: days(text) != [] and days_in_order(text),
     "a program without days"),
    (check_04_2, lambda text: ascending(days(text, re.compile(
        r"^([a-z]+)", re.MULTILINE))), "is no day"),
    (check_04_2, lambda text: ascending(days(text, re.compile(
        r"\b[a-z]+\b"))), "days that are assigned"),
    (check_04_2, lambda text: "yes", "return True or False"),
    (check_04_2, lambda text: sorted({*days(text)}, key=number) == days(text),
     "no step back"),
    (check_04_2, lambda text: ast.parse(text) and days_in_order(text),
     "a sample may be no Python"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


@pytest.mark.parametrize("check, answer", [
    (check_04_1, first_correct), (check_04_1, keep),
    (check_04_1, lambda p, j: k_distinct(p, j, 1)),
    (check_04_1, lambda p, j: tuple(keep(p, j))),
    (check_04_2, days_in_order),
    (check_04_2, lambda text: ascending(days(text)))])
def test_ours_and_other_right_answers_pass(check, answer, capsys):
    assert check(answer), capsys.readouterr().out
