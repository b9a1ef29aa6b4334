"""The checks of notebooks 00, 02 and 05 know right from wrong."""

import pytest
import torch

from helpers.checks_00 import check_00_1, check_00_2
from helpers.checks_02 import check_02_1, check_02_2
from helpers.checks_05 import check_05_1, check_05_2



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


def in_place_merge(weight, a, b, alpha, rank):
    weight += alpha / rank * (b @ a)
    return weight


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
    (check_02_1, stub, "nothing is returned"),
    (check_02_1, unsorted_nucleus, "likeliest"),
    (check_02_1, short_nucleus, "crosses the line"),
    (check_02_1, threshold, "crosses the line"),
    (check_02_2, stub, "nothing is returned"),
    (check_02_2, lambda t, n, d: len(t) * n - len(d), "counts once"),
    (check_02_2, lambda t, n, d: len(t) * n - len(set(d)), "larger n"),
    (check_02_2, lambda t, n, d: len(t) * n, "paid for"),
    (check_05_1, stub, "nothing is returned"),
    (check_05_1, lambda parts, end: (
        [5, 6, 7, 8, 9, 10, 11, 1], [5, 6, 7, 8, 9, 10, 11, 1]),
     "trained on too"),
    (check_05_1, lambda parts, end: (
        [5, 6, 7, 8, 9, 10, 11, 1],
        [-100, -100, 7, -100, 9, 10, 11, -100]), "never stops"),
    (check_05_1, lambda parts, end: (
        sum((q + r + [end] for q, r in parts), []), []), "end token once"),
    (check_05_2, stub, "nothing is returned"),
    (check_05_2, lambda w, a, b, alpha, rank: w + b @ a, "alpha / rank"),
    (check_05_2, lambda w, a, b, alpha, rank: w + 3 * (a.T @ b.T).T * 2,
     "compare"),
    (check_05_2, lambda w, a, b, alpha, rank: b @ a.T, "failed"),
    (check_05_2, in_place_merge, "may be needed again"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert check(answer) is False
    printed = capsys.readouterr().out
    assert "not yet" in printed and message in printed
    assert printed.count("\n") == 1


def test_other_right_answers_pass():
    assert check_00_1("answer = 12 * 2 - 3")
    assert check_02_2(lambda t, n, d: sum(
        (x, i) not in d for x in t for i in range(n)))
    assert check_05_2(lambda w, a, b, alpha, rank: torch.add(
        w, b @ a, alpha=alpha / rank))
