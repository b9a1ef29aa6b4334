"""Notebook 04: its cells equal the modules, and its checks can say no."""

import ast
import inspect
import re
from pathlib import Path

import nbformat
import pytest

from helpers import filtering, programs
from helpers.checks_04 import check_04_1, check_04_2
from helpers.filtering import (
    Example, by_problem, canonical, first_correct, k_distinct, make_example,
    spurious)

NOTEBOOK = (Path(__file__).parents[1] / "notebooks"
            / "04_filtering_by_execution.ipynb")
CELLS = nbformat.read(NOTEBOOK, as_version=4).cells


def solution(number):
    """The namespace of the folded solution of an exercise."""
    texts = [cell.source for cell in CELLS if cell.cell_type == "markdown"]
    start = next(i for i, text in enumerate(texts)
                 if f"**Exercise {number}:" in text)
    fold = next(text for text in texts[start:]
                if "<summary>Solution" in text)
    blocks = re.findall(r"```python\n(.*?)```", fold, re.DOTALL)
    assert len(blocks) == 1
    space = {}
    exec(blocks[0], space)
    return space


def stub(name):
    """The exercise's function as the reader finds it."""
    cell = next(cell for cell in CELLS if cell.cell_type == "code"
                and cell.source.startswith(f"def {name}("))
    space = {}
    exec(cell.source, space)
    return space[name]


def bare(function):
    """A function's AST without its docstring."""
    body = function.body
    if isinstance(body[0], ast.Expr):
        function.body = body[1:]
    return ast.dump(function)


@pytest.mark.parametrize("function", [
    filtering.first_correct, programs.canonical, programs.follows])
def test_what_the_notebook_shows_is_what_the_module_runs(function):
    source = inspect.getsource(function)
    shown = [node for cell in CELLS if cell.cell_type == "code"
             for node in ast.parse(cell.source).body
             if isinstance(node, ast.FunctionDef)
             and node.name == function.__name__]
    assert len(shown) == 1
    assert bare(shown[0]) == bare(ast.parse(source).body[0])


def test_the_solutions_pass_and_the_stubs_are_not_yet(capsys):
    assert check_04_1(solution(1)["keep_distinct"])
    assert check_04_2(solution(2)["only_luck"])
    assert capsys.readouterr().out.count("correct") == 2
    assert not check_04_1(stub("keep_distinct"))
    assert not check_04_2(stub("only_luck"))
    assert capsys.readouterr().out.count("not yet") == 2


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
