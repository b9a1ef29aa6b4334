"""The checks of notebook 06 know right from wrong."""

import random

import pytest
import torch
from torch.nn.functional import cross_entropy

from marking import assert_told_why
from helpers import multitask, training
from helpers.checks.notebook_06 import (check_06_1, check_06_2, check_06_3,
                                        what_is_equal)
from helpers.training import predict


def stub(*arguments):
    ...


def loss(made):
    """A solution of exercise 1: ``made`` of token losses and their mask."""
    def task_loss(lm, encoded, tokens=None):
        logits, wanted = predict(lm, encoded)
        each = cross_entropy(logits.transpose(1, 2), wanted,
                             ignore_index=-100, reduction="none")
        return made(each, wanted != -100, tokens)
    return task_loss


def by_hand(lm, encoded, tokens=None):
    """Each row by itself, without padding, from log-probabilities."""
    total = count = 0
    for row in encoded:
        logits, wanted = predict(lm, [row])
        chosen = torch.log_softmax(logits[0], -1)
        for place, token in enumerate(wanted[0].tolist()):
            if token != -100:
                total, count = total - chosen[place, token], count + 1
    return total / (tokens or count)


def shifted_twice(lm, encoded, tokens=None):
    logits, wanted = predict(lm, encoded)
    return cross_entropy(logits[:, :-1].transpose(1, 2), wanted[:, 1:])


def order(own=True, whole=True, shuffled=True, anew=True, drawn=True,
          seeded=True, guard=True, count=None, size=None, items=False,
          refill_once=False):
    """A solution of exercise 2 with slips to choose."""
    def alternate(codes, plans, updates, batch_size, seed):
        rng = random.Random(seed) if seeded else random
        other = random.Random(f"{seed}|plans") if own else rng
        epoch, queue = list(range(len(codes))), []
        for update in range(count or updates):
            while len(queue) < (batch_size if whole else 1):
                if shuffled and (anew or not update):
                    rng.shuffle(epoch)
                queue = queue + epoch
                if refill_once:
                    break
            chosen, queue = queue[:batch_size], queue[batch_size:]
            others = [other.choice(range(len(plans))) if drawn
                      else i % len(plans) for i in chosen[:size]
                      ] if plans or not guard else []
            yield ([codes[i] for i in chosen] if items else chosen), others
    return alternate


def plans_by(draw):
    """A solution of exercise 2 whose plans are drawn in another way."""
    def alternate(codes, plans, updates, batch_size, seed):
        rng, queue = random.Random(f"{seed}|plans"), []
        for chosen, _ in order()(codes, [], updates, batch_size, seed):
            while plans and len(queue) < len(chosen):
                queue += draw(rng, len(plans), len(chosen))
            yield chosen, queue[:len(chosen)]
            del queue[:len(chosen)]
    return alternate


def in_turns(rng, plans, _):
    return rng.sample(range(plans), plans)


def without_token_0(lm, encoded, tokens=None):
    logits, wanted = predict(lm, encoded)
    on = wanted > 0
    return cross_entropy(logits[on], wanted[on], reduction="sum") / (
        tokens or on.sum())


def gone_back(lm, encoded, tokens=None):
    value = training.task_loss(lm, encoded, tokens)
    value.backward()
    return value


def drawn_codes(codes, plans, updates, batch_size, seed):
    rng = random.Random(seed)
    return [([rng.randrange(len(codes)) for _ in range(batch_size)],
             [rng.randrange(len(plans)) for _ in range(batch_size)])
            for _ in range(updates)]


def facts(order=lambda a, b: a == b, updates=len, read=None):
    """A solution of exercise 3 with slips to choose."""
    def what_is_equal(one, other):
        a, b = ([chosen for chosen, _ in each] for each in (one, other))
        sizes = [sum(map(len, sum(map(list, each), [])))
                 for each in (one, other)]
        return (order(a, b), updates(one) == updates(other),
                read(one, other) if read else sizes[0] / sizes[1])
    return what_is_equal


def codes_alone(one, other):
    a, b = (sum(len(chosen) for chosen, _ in each) for each in (one, other))
    return a / b


WRONG = [
    (check_06_1, stub, "nothing is returned"),
    (check_06_1, loss(lambda each, on, t: each.sum()), "a sum; divide"),
    (check_06_1, loss(lambda each, on, t: each.mean()), "all positions"),
    (check_06_1, loss(lambda each, on, t: each.sum() / len(each)),
     "divided by the rows"),
    (check_06_1, loss(lambda each, on, t: (each.sum(1) / on.sum(1)).mean()),
     "mean of the rows' means"),
    (check_06_1, loss(lambda each, on, t: -each.sum() / on.sum()),
     "the sign is turned"),
    (check_06_1, shifted_twice, "shifted twice"),
    (check_06_1, loss(lambda each, on, t: each.sum() / on.sum() + 1),
     "the cross-entropy of logits"),
    (check_06_1, loss(lambda each, on, t: (each.sum() / on.sum()).item()),
     "keep the loss a tensor"),
    (check_06_1, loss(lambda each, on, t: (each.sum() / on.sum()).detach()),
     "keep the loss a tensor"),
    (check_06_1, loss(lambda each, on, t: each.sum() / on.sum()),
     "tokens is not used"),
    (check_06_1, loss(lambda each, on, t: each.sum() / on.sum() / (t or 1)),
     "divided once more"),
    (check_06_1, loss(lambda each, on, t: each.sum() / (t or on.sum())
                      * (2 if t else 1)), "by nothing else"),
    (check_06_1, loss(lambda each, on, t: each.sum() / (t or 9)),
     "trained on in these rows"),
    (check_06_1, without_token_0, "0 is the number of a token"),
    (check_06_1, lambda lm, encoded: 1.0, "not yet"),
    (check_06_1, gone_back, "leave that to who trains"),
    (check_06_1, loss(lambda each, on, t: (each.sum() / t).detach() if t else
                      each.sum() / on.sum()), "keep the loss a tensor"),
    (check_06_2, stub, "nothing is returned"),
    (check_06_2, order(count=11), "12 updates are wanted"),
    (check_06_2, order(whole=False), "where an epoch ends"),
    (check_06_2, order(size=3), "one drawn for each code"),
    (check_06_2, order(items=True), "numbers of examples are wanted"),
    (check_06_2, drawn_codes, "codes come in epochs"),
    (check_06_2, order(shuffled=False), "are not shuffled"),
    (check_06_2, order(anew=False), "shuffled anew"),
    (check_06_2, order(drawn=False), "drawn at random"),
    (check_06_2, plans_by(lambda rng, n, size: rng.sample(
        range(n), min(n, size))), "comes twice now and then"),
    (check_06_2, plans_by(lambda rng, n, size: rng.choices(
        range(n - 1), k=size)), "drawn from all of them"),
    (check_06_2, plans_by(in_turns), "only codes come in epochs"),
    (check_06_2, order(whole=True, refill_once=True), "each update has 4"),
    (check_06_2, order(seeded=False), "the same batches for the same seed"),
    (check_06_2, lambda c, p, u, b, seed: order()(c, p, u, b, 0),
     "the seed is not used"),
    (check_06_2, order(own=False), "its own source of random numbers"),
    (check_06_2, plans_by(lambda rng, n, size: [rng.randrange(n)] * size),
     "all plans of an update are the same"),
    (check_06_2, lambda c, p, u, b, seed: [
        (chosen, others) for (chosen, _), (_, others) in zip(
            order()(c, p, u, b, 0), order()(c, p, u, b, seed))],
     "the codes, too"),
    (check_06_2, lambda c, p, u, b, seed: [
        (chosen, others) for (chosen, _), (_, others) in zip(
            order()(c, p, u, b, seed), order()(c, p, u, b, 0))],
     "the plans, too"),
    (check_06_2, order(guard=False), "an empty list of plans"),
    (check_06_2, lambda *a: [(1, 2, 3)], "a pair of lists"),
    (check_06_2, lambda *a: order()(a[0], a[1] or a[0], *a[2:]),
     "no plans where there are none"),
    (check_06_3, stub, "nothing is returned"),
    (check_06_3, facts(order=lambda a, b: sorted(sum(a, [])) == sorted(
        sum(b, []))), "in another order are not equal"),
    (check_06_3, lambda a, b: (a == b, len(a) == len(b), codes_alone(a, b)),
     "the plans do not belong to the order"),
    (check_06_3, facts(read=codes_alone), "plans are read, too"),
    (check_06_3, facts(read=lambda a, b: 1 / what_is_equal(a, b)[2]),
     "turned round"),
    (check_06_3, facts(read=lambda a, b: 7.0), "of all updates"),
    (check_06_3, facts(read=lambda a, b: len(sum(map(list, a[0]), [])) * len(
        a) / len(sum(map(list, b[0]), [])) / len(b)), "a short last update"),
    (check_06_3, facts(updates=lambda each: sum(
        len(chosen) for chosen, _ in each)), "lists of the same length"),
    (check_06_3, facts(updates=lambda each: 0), "lists of the same length"),
    (check_06_3, lambda a, b: (True, True), "three values"),
    (check_06_3, lambda a, b: ("yes", True, 2.0), "True or False"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


def test_right_answers_pass(capsys):
    random.seed(5)
    before = random.getstate()
    for answer in (training.task_loss, by_hand, loss(
            lambda each, on, tokens: each.sum() / (tokens or on.sum()))):
        assert check_06_1(answer)
        with torch.no_grad():                   # also where this is left on
            assert check_06_1(answer)
    for answer in (multitask.alternate, order(),
                   lambda *given: list(order()(*given))):
        assert check_06_2(answer)
    for answer in (what_is_equal, facts(), lambda one, other: list(
            facts()(one, other))):
        assert check_06_3(answer)
    assert capsys.readouterr().out.count(": correct\n") == 12
    assert random.getstate() == before          # a check leaves no trace
