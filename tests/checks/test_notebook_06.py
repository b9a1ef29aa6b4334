"""The checks of notebook 06 know right from wrong."""

from itertools import product

import pytest
import torch

from marking import assert_told_why
from helpers.checks.notebook_06 import (check_06_1, check_06_2, check_06_3,
                                        gain_with, rows_of)
from helpers.evaluation import pass_at_k
from helpers.plans import best_of


def stub(*arguments):
    ...


def batch(codes, plans, end, pad, prompts=False, padding=False, ends=True,
          left=False, parts=None, stop=True):
    """A solution of exercise 1 with slips to choose."""
    examples = parts(codes, plans) if parts else [*codes, *plans]
    most = max(len(a) + len(b) for a, b in examples) + stop
    ids, labels = [], []
    for prompt, told in examples:
        row = prompt + told + [end] * stop
        label = [*(prompt if prompts else [-100] * len(prompt)), *told,
                 *([end if ends else -100] * stop)]
        fill = [pad] * (most - len(row))
        hide = fill if padding else [-100] * len(fill)
        ids.append(fill + row if left else row + fill)
        labels.append(hide + label if left else label + hide)
    return ids, labels


def wrong_1(**slips):
    return lambda *inputs: batch(*inputs, **slips)


def apart(codes, plans, end, pad):
    """Each task padded to its own longest row."""
    one, two = (rows_of(part, [], end, pad) for part in (codes, plans))
    return one[0] + two[0], one[1] + two[1]


def by_id(codes, plans, end, pad):
    """The labels of padding found by the pad token's id."""
    ids, labels = batch(codes, plans, end, pad)
    return ids, [[-100 if i == pad else label for i, label in zip(*rows)]
                 for rows in zip(ids, labels)]


def tensors(*inputs):
    return tuple(torch.tensor(part) for part in rows_of(*inputs))


def mix(swapped=False, weigh=True, counted=True, own=True, half=False,
        guard=True, value=lambda loss: loss):
    """A solution of exercise 2 with slips to choose; three are the stub's."""
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
    """A solution of exercise 3 with slips to choose."""
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
    (check_06_1, stub, "nothing is returned"),
    (check_06_1, wrong_1(prompts=True), "prompts are trained on too"),
    (check_06_1, wrong_1(prompts=True, padding=True), "every token"),
    (check_06_1, wrong_1(padding=True), "one end token"),
    (check_06_1, wrong_1(ends=False), "the end token is not trained"),
    (check_06_1, by_id, "cannot be told by its id"),
    (check_06_1, wrong_1(stop=False), "behind its completion"),
    (check_06_1, wrong_1(left=True), "pad at the right"),
    (check_06_1, apart, "pad all rows"),
    (check_06_1, wrong_1(parts=lambda a, b: [*b, *a]), "codes come first"),
    (check_06_1, wrong_1(parts=lambda a, b: a), "3 rows"),
    (check_06_1, lambda *x: rows_of(*x)[0], "two lists of rows"),
    (check_06_1, lambda *x: (rows_of(*x)[0], [[1]]), "needs a label"),
    (check_06_1, lambda codes: codes, "failed"),
    (check_06_2, stub, "nothing is returned"),
    (check_06_2, mix(swapped=True), "weights are swapped"),
    (check_06_2, mix(counted=False), "multiply it by its tokens before"),
    (check_06_2, mix(own=False), "drown"),
    (check_06_2, mix(own=False, counted=False), "a mean already, and both"),
    (check_06_2, mean_of_means, "a mean over micro-batches"),
    (check_06_2, mix(weigh=False), "weights are not used"),
    (check_06_2, mix(half=True), "is halved"),
    (check_06_2, lambda c, p, w: mix()(c, p, [x / sum(w) for x in w]),
     "add up to 1"),
    (check_06_2, mix(value=lambda loss: loss.item()), "keep the losses"),
    (check_06_2, mix(value=lambda loss: loss.detach()), "keep the losses"),
    (check_06_2, mix(guard=False), "must work"),
    (check_06_2, lambda c, p, w: mix()(c, p, w) + 1, "weighted sum of the"),
    (check_06_2, lambda c, p, w: (mix()(c, p, w), 0), "one number"),
    (check_06_2, lambda c: c, "failed"),
    (check_06_3, stub, "nothing is returned"),
    (check_06_3, gain(up=True), "round down"),
    (check_06_3, gain(m=12), "pays for its plans"),
    (check_06_3, gain(m=20), "whatever they cost"),
    (check_06_3, gain(oracle=True), "that is the oracle"),
    (check_06_3, gain(sure=False), "times c / e"),
    (check_06_3, gain(choose=False), "as many as the tokens allow"),
    (check_06_3, gain(any_=True), "not any of its programs"),
    (check_06_3, gain(sign=-1), "the sign is turned"),
    (check_06_3, gain(total=True), "take the mean"),
    (check_06_3, gain(guard=False), "examples of one problem"),
    (check_06_3, gain(up=True, any_=True), "round down; and take one"),
    (check_06_3, lambda d, p: gain()(d, p) + 1, "one problem by hand"),
    (check_06_3, lambda d, p: "many", "one number"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


@pytest.mark.parametrize("repaired", list(product((0, 1), repeat=3)))
def test_no_partial_repair_of_the_mix_is_accepted(repaired, capsys):
    swap, count, own = repaired
    answer = mix(swapped=not swap, counted=bool(count), own=bool(own))
    assert check_06_2(answer) is all(repaired)
    printed = capsys.readouterr().out
    assert "weighted sum of the" not in printed   # each is known by its value
    assert ("swapped" in printed) is (not swap)


def test_right_answers_pass(capsys):
    for answer in (rows_of, batch, tensors):
        assert check_06_1(answer)
    for answer in (mix(), lambda c, p, w: sum(
            w * sum(x * n for x, n in part) / sum(n for _, n in part)
            for part, w in zip((c, p), w) if part)):
        assert check_06_2(answer)
        with torch.no_grad():                   # also where this is left on
            assert check_06_2(answer)
    assert check_06_3(gain())
    assert check_06_3(lambda direct, planned: torch.tensor(
        gain_with(), dtype=torch.float64))
    assert capsys.readouterr().out.count(": correct\n") == 9
