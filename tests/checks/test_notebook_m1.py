"""The checks of notebook M1 know right from wrong."""

from marking import rejected
from helpers.checks.notebook_m1 import PROGRAMS, check_m1_1, check_m1_2
from helpers.execution import Runner
from helpers.problems import Problem


def test_exercise_1_has_the_verdicts_of_the_judge():
    problem = Problem("check/0", "?", answer="10")
    with Runner(timeout=0.3) as runner:
        got = runner.judge_many([(problem, program)
                                 for program, _, _ in PROGRAMS.values()])
        assert [v.status for v in got] == [
            status for _, status, _ in PROGRAMS.values()]


def test_exercise_1_refuses(capsys):
    right = {key: status for key, (_, status, _) in PROGRAMS.items()}
    rejected(check_m1_1, [
        right | {"B": "passed"}, right | {"D": "passed"},
        right | {"E": "error"}, right | {"F": "passed"},
        right | {"C": "wrong"}, right | {"G": "timeout"},
        right | {"A": "right"}, right | {"A": None}, {"A": "passed"}, None],
        capsys)


def test_exercise_2_refuses(capsys):
    right = {"5 4 3 2 1": "1 2 3 4 5", "first\nsecond": "second\nfirst",
             "123456789": "123456790"}
    assert check_m1_2(right) is True
    capsys.readouterr()
    rejected(check_m1_2, [
        None, {"5 4 3 2 1": "1"}, right | {"123456789": None},
        right | {"5 4 3 2 1": "5 4 3 2 1 "}, right | {"5 4 3 2 1": "5 4 3"},
        right | {"first\nsecond": "first second"},
        right | {"123456789": "123556789"}, right | {"123456789": 123456790}],
        capsys)
