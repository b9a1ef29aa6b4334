"""The checks of notebook 00 know right from wrong."""

import re

import numpy as np
import pytest

from marking import assert_told_why
from helpers.checks.notebook_00 import (check_00_1, check_00_2, check_00_3,
                                        first_right)
from helpers.mini.reading import days_in_order

WEEK = "monday tuesday wednesday thursday friday saturday sunday".split()


def stub(*arguments):
    ...


def assigned(program):
    return [line.split(" =")[0] for line in program.splitlines()
            if line.split(" =")[0] in WEEK]


def by_sets(program, follows=int.__le__):
    """Another right answer: no day comes before one that it follows."""
    days = [WEEK.index(day) for day in assigned(program)]
    return all(map(follows, days, days[1:]))


def ascending(days):
    return days == sorted(days, key=WEEK.index)


def sunday_first(program):
    days = [(WEEK.index(day) + 1) % 7 for day in assigned(program)]
    return days == sorted(days)


def all_mentions(program):
    days = [WEEK.index(day) for day in re.findall(r"\w+", program)
            if day in WEEK]
    return days == sorted(days)


def first_two(program):
    days = [WEEK.index(day) for day in assigned(program)[:2]]
    return days == sorted(days)


def without(day):
    """An answer whose list of days lacks one."""
    week = [one for one in WEEK if one != day]

    def days_in_order(program):
        days = [week.index(one) for one in assigned(program) if one in week]
        return days == sorted(days)
    return days_in_order


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
    (check_00_2, lambda p, s: (p + [None])[s.index("passed") if "passed" in s
                                           else len(p[0]) + 1],
     "failed"),
    (check_00_2, lambda p, s: next((x for x, y in zip(p, s) if y not in (
        "wrong", "error", "timeout")), None), "only passed counts"),
    (check_00_2, lambda p, s: first_right(p[:3], s[:3]), "more than two"),
    (check_00_3, lambda program: by_sets(program, int.__lt__), "step back"),
    (check_00_3, lambda program: ascending([
        day for line in program.splitlines() for day in WEEK
        if line.startswith(day)]), "sunday_birds is no day"),
    (check_00_3, stub, "return True or False"),
    (check_00_3, lambda program: True, "so Sunday comes last"),
    (check_00_3, sunday_first, "so Sunday comes last"),
    (check_00_3, lambda program: assigned(program) == sorted(
        assigned(program)), "whatever the alphabet says"),
    (check_00_3, all_mentions, "where it is assigned"),
    (check_00_3, first_two, "not the first two alone"),
    (check_00_3, without("wednesday"), "after Tuesday"),
    (check_00_3, without("tuesday"), "after Tuesday"),
    (check_00_3, lambda program: assigned(program)[0] != ""
     and days_in_order(program), "failed"),
    (check_00_3, lambda program: assigned(program), "this is a list"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


def test_right_answers_pass():
    assert check_00_1("answer = 12 * 2 - 3")
    assert check_00_2(first_right)
    assert check_00_2(lambda p, s: first_right(np.array(p), s))
    assert check_00_3(days_in_order) and check_00_3(by_sets)
