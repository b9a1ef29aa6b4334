"""The checks of notebook M7 know right from wrong."""

import pytest
import torch

from marking import assert_told_why
from helpers.checks.notebook_m7 import check_m7_1, check_m7_2


def stub(*arguments):
    ...


def loss(total, tokens, all_sum):
    return total / all_sum(tokens)


def only_if_any(total, tokens, all_sum):
    return total / all_sum(tokens) if tokens else total


def detached(total, tokens, all_sum):
    return all_sum(total) * 0 + total.item() / all_sum(tokens)


def todo(tasks, done, process, processes):
    return [t for t in tasks if t not in done][process::processes]


def in_blocks(tasks, done, process, processes):
    left = [t for t in tasks if t not in done]
    cuts = [len(left) * i // processes for i in range(processes + 1)]
    return left[cuts[process]:cuts[process + 1]]


def loses_the_rest(tasks, done, process, processes):
    left = [t for t in tasks if t not in done]
    size = len(left) // processes
    return left[process * size:(process + 1) * size]


WRONG = [
    (check_m7_1, stub, "nothing is returned"),
    (check_m7_1, lambda x, n, s: x / n, "tokens of all"),
    (check_m7_1, lambda x, n, s: x / max(n, 1), "its own tokens"),
    (check_m7_1, lambda x, n, s: x / max(n, 1) / s(1), "mean of the pro"),
    (check_m7_1, lambda x, n, s: x, "never divided"),
    (check_m7_1, lambda x, n, s: x / s(1), "number of processes; wanted"),
    (check_m7_1, lambda x, n, s: x * s(1) / s(n), "averaged"),
    (check_m7_1, lambda x, n, s: x / s(n) + 1, "its own sum, divided"),
    (check_m7_1, lambda x, n, s: s(x) / s(n), "its own sum, divided"),
    (check_m7_1, only_if_any, "all must call all_sum equally often"),
    (check_m7_1, detached, "carries the gradient"),
    (check_m7_1, lambda x, n, s: (x, n), "one number is wanted"),
    (check_m7_1, lambda x: x, "failed"),
    (check_m7_2, stub, "nothing is returned"),
    (check_m7_2, lambda t, d, p, k: t[p::k], "done again"),
    (check_m7_2, lambda t, d, p, k: [x for x in t if x not in d],
     "two processes"),
    (check_m7_2, loses_the_rest, "nobody's"),
    (check_m7_2, lambda t, d, p, k: [x for x in t[p::k] if x not in d],
     "uneven"),
    (check_m7_2, lambda t, d, p, k: (lambda left, size: left[
        p * size:(p + 1) * size])([x for x in t if x not in d], -(
            -(len(t) - len(d)) // k)), "blocks that are rounded up"),
    (check_m7_2, lambda t, d, p, k: 7, "a list of tasks"),
    (check_m7_2, lambda t, d, p, k: ["another"], "a list of tasks"),
    (check_m7_2, lambda t, d, p, k: list(set(t) - set(d))[p::k],
     "another order of a set"),
    (check_m7_2, lambda t, d, p, k: [
        x for i, x in enumerate({*t} - d) if i % k == p],
     "go through the list"),
    (check_m7_2, lambda t, d, p, k: [
        x for x in t if x not in d and hash(x) % k == p], "not yet"),
    (check_m7_2, lambda t: t, "failed"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


def test_right_answers_pass(capsys):
    def twice(total, tokens, all_sum):         # also counted is fine
        processes = all_sum(1)
        return total / (processes * all_sum(tokens) / processes)

    for answer in (loss, twice):
        assert check_m7_1(answer)
        with torch.no_grad():                  # also where this is left on
            assert check_m7_1(answer)
    for answer in (todo, in_blocks, lambda t, d, p, k: sorted(
            set(t) - d)[p::k], lambda t, d, p, k: iter(todo(t, d, p, k))):
        assert check_m7_2(answer)
    assert capsys.readouterr().out.count(": correct\n") == 8
