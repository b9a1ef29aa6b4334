"""Notebook 04: its cells equal the modules, and its checks can say no."""


import pytest

from helpers.checks_04 import check_04_1, check_04_2
from helpers.filtering import (
    Example, by_problem, canonical, first_correct, k_distinct, make_example,
    spurious)


def test_the_module_solves_exercise_1():
    assert check_04_1(k_distinct)


def keep(problems, judged, k, same=canonical, status=("passed",),
         overwrite=False, spelled=False, in_order=True):
    """A solution of exercise 1 with a slip to choose."""
    examples = []
    for problem in problems:
        different = {}
        pairs = (by_problem(judged).get(problem.task_id, []) if in_order else
                 [p for p in judged if p[0].task_id == problem.task_id])
        for sample, verdict in pairs:
            key = same(sample.completion)
            if verdict.status in status and (overwrite
                                             or key not in different):
                different[key] = sample
        for key, sample in list(different.items())[:k]:
            example = make_example(problem, sample)
            examples.append(Example(example.task_id, example.prompt, key)
                            if spelled else example)
    return examples


WRONG_1 = {
    "a program with a wrong answer": lambda p, j, k: keep(
        p, j, k, status=("passed", "wrong")),
    "in two spellings": lambda p, j, k: keep(p, j, k, same=str.strip),
    "as the teacher wrote it": lambda p, j, k: keep(p, j, k, spelled=True),
    "keep the first, and": lambda p, j, k: keep(p, j, k, overwrite=True),
    "lowest sample index": lambda p, j, k: keep(p, j, k, in_order=False),
    "a limit per problem": lambda p, j, k: keep(p, j, None)[:k],
    "3 programs of one problem": lambda p, j, k: keep(p, j, None),
    "order of the problems": lambda p, j, k: keep(p, j, k)[::-1],
    "without a limit all": lambda p, j, k: keep(p, j, k or 1),
    "without a limit": lambda p, j, k: keep(p, j, min(k, 9)),
    "a list of training pairs": lambda p, j, k: [
        e.completion for e in keep(p, j, k)],
    "nothing is kept": lambda p, j, k: None,
    "SystemExit": lambda p, j, k: exit(),
}


@pytest.mark.parametrize("message", WRONG_1)
def test_exercise_1_names_the_slip(message, capsys):
    assert check_04_1(WRONG_1[message]) is False
    line = capsys.readouterr().out
    assert message in line and ": not yet, " in line
    assert line.count("\n") == 1


def lucky(problems, judged, status=("passed",), some=all, empty=False):
    """A solution of exercise 2 with a slip to choose."""
    found = []
    for problem in problems:
        right = [sample.completion for sample, verdict
                 in by_problem(judged).get(problem.task_id, [])
                 if verdict.status in status]
        if (right or empty) and some(spurious(problem.question, program)
                                     for program in right):
            found.append(problem.task_id)
    return found


WRONG_2 = {
    "all() of nothing": lambda p, j: lucky(p, j, empty=True),
    "not just one": lambda p, j: lucky(p, j, some=any),
    "is a wrong one": lambda p, j: [*lucky(p, j), "check/2"],
    "nothing is found": lambda p, j: lucky(p, j, status=("passed", "wrong")),
    "task_ids, and nothing else": lambda p, j: [
        e for e in first_correct(p, j)],
    "each problem once": lambda p, j: lucky(p, j) * 2,
    "return a list": lambda p, j: 3,
}


@pytest.mark.parametrize("message", WRONG_2)
def test_exercise_2_names_the_slip(message, capsys):
    assert check_04_2(WRONG_2[message]) is False
    line = capsys.readouterr().out
    assert message in line and ": not yet, " in line
    assert line.count("\n") == 1
