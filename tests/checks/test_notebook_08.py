"""The checks of notebook 08 know right from wrong."""

import pytest
import torch

from marking import assert_told_why
from helpers.checks.notebook_08 import check_08_1, check_08_2, check_08_3


def stub(*arguments):
    ...


def loss(total, tokens, all_sum):
    return total / all_sum(tokens)


def only_if_any(total, tokens, all_sum):
    return total / all_sum(tokens) if tokens else total


def detached(total, tokens, all_sum):
    return all_sum(total) * 0 + total.item() / all_sum(tokens)


def money(problems, n, prompt, new, prices):
    once = problems * (prompt * prices[0] + n * new * prices[1]) / 1e6
    return once, once + problems * (n - 1) * prompt * prices[0] / 1e6


def wrong_money(**changes):
    def two_bills(problems, n, prompt, new, prices):
        given = {"problems": problems, "n": n, "prompt": prompt, "new": new,
                 "prices": prices}
        return money(**{k: changes[k](given) if k in changes else v
                        for k, v in given.items()})
    return two_bills


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
    (check_08_1, stub, "nothing is returned"),
    (check_08_1, lambda x, n, s: x / n, "tokens of all"),
    (check_08_1, lambda x, n, s: x / max(n, 1), "its own tokens"),
    (check_08_1, lambda x, n, s: x / max(n, 1) / s(1), "mean of the pro"),
    (check_08_1, lambda x, n, s: x, "never divided"),
    (check_08_1, lambda x, n, s: x / s(1), "number of processes; wanted"),
    (check_08_1, lambda x, n, s: x * s(1) / s(n), "averaged"),
    (check_08_1, lambda x, n, s: x / s(n) + 1, "its own sum, divided"),
    (check_08_1, lambda x, n, s: s(x) / s(n), "its own sum, divided"),
    (check_08_1, only_if_any, "all must call all_sum equally often"),
    (check_08_1, detached, "carries the gradient"),
    (check_08_1, lambda x, n, s: (x, n), "one number is wanted"),
    (check_08_1, lambda x: x, "failed"),
    (check_08_2, stub, "nothing is returned"),
    (check_08_2, lambda *a: money(*a)[::-1], "other way round"),
    (check_08_2, lambda *a: money(*a)[:1] * 2, "n calls read"),
    (check_08_2, lambda *a: money(*a)[1:] * 2, "reads its prompt once"),
    (check_08_2, lambda p, n, q, w, x: money(p, 1, n * q, w, x)[:1] * 2,
     "tokens read times"),
    (check_08_2, wrong_money(new=lambda g: g["new"] / g["n"]), "all are paid"),
    (check_08_2, lambda *a: [1e6 * x for x in money(*a)], "of a million"),
    (check_08_2, lambda *a: [1e3 * x for x in money(*a)], "of a thousand"),
    (check_08_2, wrong_money(prices=lambda g: g["prices"][::-1]), "swapped"),
    (check_08_2, wrong_money(prompt=lambda g: 0), "nobody reads"),
    (check_08_2, lambda *a: money(*a)[0], "two numbers"),
    (check_08_2, lambda p: p, "failed"),
    (check_08_3, stub, "nothing is returned"),
    (check_08_3, lambda t, d, p, k: t[p::k], "done again"),
    (check_08_3, lambda t, d, p, k: [x for x in t if x not in d],
     "two processes"),
    (check_08_3, loses_the_rest, "nobody's"),
    (check_08_3, lambda t, d, p, k: [x for x in t[p::k] if x not in d],
     "uneven"),
    (check_08_3, lambda t, d, p, k: 7, "a list of tasks"),
    (check_08_3, lambda t, d, p, k: ["another"], "a list of tasks"),
    (check_08_3, lambda t: t, "failed"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


def test_right_answers_pass(capsys):
    def twice(total, tokens, all_sum):         # also counted is fine
        processes = all_sum(1)
        return total / (processes * all_sum(tokens) / processes)

    for answer in (loss, twice):
        assert check_08_1(answer)
        with torch.no_grad():                  # also where this is left on
            assert check_08_1(answer)
    assert check_08_2(money)
    assert check_08_2(lambda *a: torch.tensor(money(*a), dtype=torch.float64))
    for answer in (todo, in_blocks):
        assert check_08_3(answer)
    assert capsys.readouterr().out.count(": correct\n") == 8
