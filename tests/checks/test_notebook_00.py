"""The checks of notebook 00 know right from wrong."""

import pytest

from marking import assert_told_why
from helpers.checks.notebook_00 import check_00_1, check_00_2


def stub(*arguments):
    ...


WRONG = [
    (check_00_1, "start = 12\nanswer = start * 2", "Friday is missing"),
    (check_00_1, "answer = (12 - 3) * 2", "before Monday"),
    (check_00_1, "start = 12\n", "set answer"),
    (check_00_1, "import os; os._exit(0)", "set answer"),
    (check_00_1, 21, "triple quotes"),
    (check_00_2, stub, "first that passed"),
    (check_00_2, lambda p, s: p[0], "first that passed"),
    (check_00_2, lambda p, s: p[s.index("passed")], "failed"),
    (check_00_2, lambda p, s: [x for x, y in zip(p, s) if y == "passed"][-1:],
     "first that passed"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


def test_other_right_answers_pass():
    assert check_00_1("answer = 12 * 2 - 3")
