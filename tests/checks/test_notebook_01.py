"""Notebook 01: its cells equal the modules, and its checks can say no."""

import re


from helpers.checks.notebook_01 import (PROGRAMS, check_01_1, check_01_2,
                                        check_01_3, check_01_4, naive_check)
from helpers.execution import Runner
from helpers.problems import Problem


def rejected(check, answers, capsys):
    """Every wrong answer is refused in one line, each with its own."""
    reasons = set()
    for answer in answers:
        assert check(answer) is False
        out = capsys.readouterr().out
        assert re.fullmatch(r"expected .*, got .*: not yet, .*\n", out), out
        reasons.add(out)
    assert len(reasons) == len(answers)


def test_exercise_1_has_the_verdicts_of_the_judge():
    problem = Problem("check/0", "?", answer="10")
    with Runner(timeout=0.3) as runner:
        got = runner.judge_many([(problem, program)
                                 for program, _, _ in PROGRAMS.values()])
        assert [v.status for v in got] == [
            status for _, status, _ in PROGRAMS.values()]


def test_exercise_1_refuses(capsys):
    right = {key: status for key, (_, status, _) in PROGRAMS.items()}
    rejected(check_01_1, [
        right | {"B": "passed"}, right | {"D": "passed"},
        right | {"E": "error"}, right | {"F": "passed"},
        right | {"C": "wrong"}, right | {"G": "timeout"},
        right | {"A": "right"}, right | {"A": None}, {"A": "passed"}, None],
        capsys)


def test_exercise_2_refuses(capsys):
    def any_number(value, expected):
        y = float(expected)
        return (isinstance(value, (int, float))
                and abs(value - y) / max(y, 1e-5) < 0.01)

    def repaired_scale(value, expected):
        y = float(expected)
        return (type(value) is float
                and abs(value - y) / max(abs(y), 1e-5) < 0.01)

    def no_scale(value, expected):
        return type(value) is float and abs(value - float(expected)) < 0.01

    def no_zero(value, expected):
        y = float(expected)
        return type(value) is float and abs(value - y) / y < 0.01

    def one_sided(value, expected):
        y = float(expected)
        return type(value) is float and (y - value) / max(y, 1e-5) < 0.01

    def too_wide(value, expected):
        y = float(expected)
        return (type(value) is float
                and abs(value - y) / max(y, 1e-5) <= 0.01)

    def text(value, expected):
        return abs(value - expected) < 0.01

    rejected(check_01_2, [any_number, repaired_scale, no_scale, no_zero,
                          one_sided, too_wide, text, None], capsys)


def test_exercise_3_refuses(capsys):
    rejected(check_01_3, [
        "answer = 58", "answer = None", "answer = problem.answer",
        "class A:\n    __eq__ = lambda a, b: True\nanswer = A()",
        "answer = open('x')", "while True: pass", "answer = = 1",
        "import sys\nsys.exit()", 58], capsys)


def test_the_naive_checker_is_as_naive_as_the_lesson_says():
    problem = Problem("check/0", "?", answer="10")
    assert naive_check(problem, "answer = 10.0")
    assert not naive_check(problem, "answer = 11")
    assert not naive_check(problem, "answer = 1 / 0")


def test_exercise_4_refuses(capsys):
    right = {"5 4 3 2 1": "1 2 3 4 5", "first\nsecond": "second\nfirst",
             "123456789": "123456790"}
    assert check_01_4(right) is True
    capsys.readouterr()
    rejected(check_01_4, [
        None, {"5 4 3 2 1": "1"}, right | {"123456789": None},
        right | {"5 4 3 2 1": "5 4 3 2 1 "}, right | {"5 4 3 2 1": "5 4 3"},
        right | {"first\nsecond": "first second"},
        right | {"123456789": "123556789"}, right | {"123456789": 123456790}],
        capsys)
