"""Checks of the exercises in notebook 05."""

import torch

from .checking import attempt, say
from .training import IGNORED


def check_05_1(reply_labels):
    """Exercise 1: train on every reply and on one end token.

    Introduced in notebook 05, section 5.
    """
    parts, end = [([5, 6], [7]), ([8], [9, 10, 11])], 1
    ids = [5, 6, 7, 8, 9, 10, 11, 1]
    labels = [IGNORED, IGNORED, 7, IGNORED, 9, 10, 11, 1]
    got, failed = attempt(reply_labels, [(list(q), list(r))
                                         for q, r in parts], end)
    if failed:
        return say((ids, labels), failed, "the call failed")
    if got is None:
        return say((ids, labels), None, "nothing is returned so far")
    pair, failed = attempt(lambda: tuple(list(part) for part in got))
    if failed or len(pair) != 2:
        return say("(ids, labels)", got, "two lists are wanted")
    if pair[0] != ids:
        return say(ids, pair[0], "the ids are all parts in order, and the "
                   "end token once")
    if len(pair[1]) != len(ids):
        return say(f"{len(ids)} labels", f"{len(pair[1])} labels",
                   "each token needs a label")
    if pair[1] == ids:
        return say(labels, pair[1], "the questions are trained on too")
    if pair[1][-1] != end:
        return say(labels, pair[1], "the end token must be trained, or the "
                   "student never stops")
    if pair[1] != labels:
        return say(labels, pair[1], "questions are -100, replies are "
                   "themselves")
    return say("the mask of both replies", "it")


def check_05_2(merge):
    """Exercise 2: one matrix for weight and adapter.

    Introduced in notebook 05, section 5.
    """
    source = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 4, generator=source)
    a = torch.randn(2, 4, generator=source)
    b = torch.randn(3, 2, generator=source)
    x = torch.randn(5, 4, generator=source)
    before = weight.clone()
    got, failed = attempt(merge, weight, a, b, 6, 2)
    if failed:
        return say("a (3, 4) matrix", failed, "the call failed")
    if got is None:
        return say("a (3, 4) matrix", None, "nothing is returned so far")
    if not isinstance(got, torch.Tensor) or got.shape != weight.shape:
        return say("a (3, 4) matrix", getattr(got, "shape", type(got)),
                   "it must have the shape of weight")
    if not torch.equal(weight, before):
        return say("weight unchanged", "weight changed", "return a new "
                   "matrix: the frozen one may be needed again")
    if torch.allclose(got, weight + b @ a, atol=1e-5):
        return say("W + 3 B A", "W + B A", "the factor alpha / rank is "
                   "missing")
    wanted = x @ weight.T + 6 / 2 * (x @ a.T) @ b.T
    if not torch.allclose(x @ got.T, wanted, atol=1e-4):
        return say("the layer's output", "another one", "compare with "
                   "lora_layer on some x")
    return say("the layer's output", "the same")
