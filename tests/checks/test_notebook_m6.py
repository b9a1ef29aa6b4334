"""The checks of notebook M6 know right from wrong."""

from itertools import product

import pytest
import torch

from marking import assert_told_why
from helpers.checks.notebook_m6 import (check_m6_1, check_m6_2, fair_gain,
                                        gain_with, mixed_loss)
from helpers.evaluation import pass_at_k
from helpers.plans import best_of


def stub(*arguments):
    ...


def mix(swapped=False, weigh=True, counted=True, own=True, half=False,
        guard=True, value=lambda loss: loss):
    """A solution of exercise 1 with slips to choose; three are the stub's."""
    def mixed_loss(codes, plans, weights):
        everything = sum(n for part in (codes, plans) for _, n in part)
        total = 0
        for part, weight in zip((plans, codes) if swapped
                                else (codes, plans), weights):
            if not part and guard:
                continue
            tokens = sum(n for _, n in part) if own else everything
            each = [value(loss) * (n if counted else 1) for loss, n in part]
            total = total + (weight if weigh else 1) * sum(each) / tokens
        return total / 2 if half else total
    return mixed_loss


def mean_of_means(codes, plans, weights):
    return sum(w * sum(x for x, _ in part) / len(part)
               for part, w in zip((codes, plans), weights) if w)


def gain(up=False, m=None, oracle=False, sure=True, choose=True, any_=False,
         sign=1, total=False, guard=True):
    """A solution of exercise 2 with slips to choose."""
    def fair_gain(direct, planned):
        n, gains = direct["n"], []
        tries = m or int(planned["tokens"] * n // direct["tokens"]) + up
        for (e, c), plans in zip(direct["counts"], planned["plans"]):
            share = c / (max(e, 1) if guard else e)
            one = best_of(
                [right if oracle else shown for shown, right in plans],
                [right / (planned["codes"] if any_ else max(shown, 1))
                 for shown, right in plans], len(plans))
            other = (c / n if not choose else pass_at_k(n, e, tries) * (
                share if sure else 1))
            gains.append(sign * (one - other))
        return sum(gains) / (1 if total else len(gains))
    return fair_gain


WRONG = [
    (check_m6_1, stub, "nothing is returned"),
    (check_m6_1, mix(swapped=True), "weights are swapped"),
    (check_m6_1, mix(counted=False), "multiply it by its tokens before"),
    (check_m6_1, mix(own=False), "drown"),
    (check_m6_1, mix(own=False, counted=False), "a mean already, and both"),
    (check_m6_1, mean_of_means, "a mean over micro-batches"),
    (check_m6_1, mix(weigh=False), "weights are not used"),
    (check_m6_1, mix(half=True), "is halved"),
    (check_m6_1, lambda c, p, w: mix()(c, p, [x / sum(w) for x in w]),
     "add up to 1"),
    (check_m6_1, mix(value=lambda loss: loss.item()), "keep the losses"),
    (check_m6_1, mix(value=lambda loss: loss.detach()), "keep the losses"),
    (check_m6_1, mix(guard=False), "must work"),
    (check_m6_1, lambda c, p, w: mix()(c, p, w) + 1, "weighted sum of the"),
    (check_m6_1, lambda c, p, w: (mix()(c, p, w), 0), "one number"),
    (check_m6_1, lambda c: c, "failed"),
    (check_m6_2, stub, "nothing is returned"),
    (check_m6_2, gain(up=True), "round down"),
    (check_m6_2, gain(m=12), "pays for its plans"),
    (check_m6_2, gain(m=20), "whatever they cost"),
    (check_m6_2, gain(oracle=True), "that is the oracle"),
    (check_m6_2, gain(sure=False), "times c / e"),
    (check_m6_2, gain(choose=False), "as many as the tokens allow"),
    (check_m6_2, gain(any_=True), "not any of its programs"),
    (check_m6_2, gain(sign=-1), "the sign is turned"),
    (check_m6_2, gain(total=True), "take the mean"),
    (check_m6_2, gain(guard=False), "examples of one problem"),
    (check_m6_2, gain(up=True, any_=True), "round down; and take one"),
    (check_m6_2, lambda d, p: gain()(d, p) + 1, "one problem by hand"),
    (check_m6_2, lambda d, p: "many", "one number"),
    (check_m6_2, lambda d, p: round(gain()(d, p), 4), "this is rounded"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


@pytest.mark.parametrize("repaired", list(product((0, 1), repeat=3)))
def test_no_partial_repair_of_the_mix_is_accepted(repaired, capsys):
    swap, count, own = repaired
    answer = mix(swapped=not swap, counted=bool(count), own=bool(own))
    assert check_m6_1(answer) is all(repaired)
    printed = capsys.readouterr().out
    assert "weighted sum of the" not in printed   # each is known by its value
    if not any(repaired):         # saved outputs must not give it away
        assert "as it was given; it has three mistakes" in printed
        assert "swapped" not in printed and "mean" not in printed
    else:
        assert ("swapped" in printed) is (not swap)


def test_right_answers_pass(capsys):
    for answer in (mixed_loss, mix(), lambda c, p, w: sum(
            w * sum(x * n for x, n in part) / sum(n for _, n in part)
            for part, w in zip((c, p), w) if part)):
        assert check_m6_1(answer)
        with torch.no_grad():                   # also where this is left on
            assert check_m6_1(answer)
    assert check_m6_2(gain()) and check_m6_2(fair_gain)
    assert check_m6_2(lambda direct, planned: torch.tensor(
        gain_with(), dtype=torch.float64))
    assert capsys.readouterr().out.count(": correct\n") == 9
