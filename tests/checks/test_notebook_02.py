"""The checks of notebook 02 know right from wrong."""

import pytest

from marking import assert_told_why
from helpers.checks.notebook_02 import check_02_1, check_02_2


def stub(*arguments):
    ...


def unsorted_nucleus(p, top_p):
    kept, total = set(), 0.0
    for i in range(len(p)):
        if total >= top_p:
            break
        kept.add(i)
        total += p[i]
    return kept


def short_nucleus(p, top_p):
    kept, total = set(), 0.0
    for i in sorted(range(len(p)), key=lambda i: -p[i]):
        total += p[i]
        if total > top_p:
            break
        kept.add(i)
    return kept


def threshold(p, top_p):
    return {i for i in range(len(p)) if p[i] >= top_p}


WRONG = [
    (check_02_1, stub, "nothing is returned"),
    (check_02_1, unsorted_nucleus, "likeliest"),
    (check_02_1, short_nucleus, "crosses the line"),
    (check_02_1, threshold, "crosses the line"),
    (check_02_2, stub, "nothing is returned"),
    (check_02_2, lambda t, n, d: len(t) * n - len(d), "counts once"),
    (check_02_2, lambda t, n, d: len(t) * n - len(set(d)), "larger n"),
    (check_02_2, lambda t, n, d: len(t) * n, "paid for"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


def test_other_right_answers_pass():
    assert check_02_2(lambda t, n, d: sum(
        (x, i) not in d for x in t for i in range(n)))
