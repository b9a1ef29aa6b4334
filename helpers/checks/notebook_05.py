"""Checks of the exercises in notebook 05."""

import math
from itertools import product

import torch
from torch.nn.functional import cross_entropy, pad

from helpers.checks.report import (attempt, entries, exercise, failure,
                                   in_words, misfit, say, shown, two)
from helpers.training import IGNORED


@exercise
def check_05_1(reply_labels):
    """Exercise 1: train on every reply and on one end token."""
    parts, end = [([5, 6], [7]), ([8], [9, 10, 11])], 1
    ids = [5, 6, 7, 8, 9, 10, 11, 1]
    labels = [IGNORED, IGNORED, 7, IGNORED, 9, 10, 11, 1]
    got, failed = attempt(reply_labels, [(list(q), list(r))
                                         for q, r in parts], end)
    if failed:
        return say((ids, labels), failed)
    pair, failed = two(got, "two lists are wanted, (ids, labels)", entries)
    if failed:
        return say("(ids, labels)", failed)
    if pair[0] != ids:
        return say(ids, shown(pair[0]), "the ids are all parts in order, and "
                   "the end token once")
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


@exercise
def check_05_2(merge):
    """Exercise 2: one matrix for weight and adapter."""
    source = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 4, generator=source)
    a = torch.randn(2, 4, generator=source)
    b = torch.randn(3, 2, generator=source)
    x = torch.randn(5, 4, generator=source)
    before = weight.clone()
    got, failed = attempt(merge, weight, a, b, 6, 2)
    if failed:
        if torch.equal(weight, before):
            return say("a (3, 4) matrix", failed)
        return say("weight unchanged", failed, "the frozen one may be needed "
                                               "again")
    if not isinstance(got, torch.Tensor):
        return say("a (3, 4) matrix", misfit(got, "return one tensor"))
    if got.shape != weight.shape:
        return say("a (3, 4) matrix", f"the shape {tuple(got.shape)}",
                   "it must have the shape of weight")
    got = got.detach().to(weight.dtype)
    if torch.allclose(got, weight + b @ a, atol=1e-5):
        return say("W + 3 B A", "W + B A", "the factor alpha / rank is "
                   "missing")
    wanted = x @ weight.T + 6 / 2 * (x @ a.T) @ b.T
    if not torch.allclose(x @ got.T, wanted, atol=1e-4):
        return say("the layer's output", "another one", "compare with "
                   "lora_layer on some x")
    return say("the layer's output", "the same")


# ------------------------------------------- exercise 3: repair a distillation

# The known mistakes of each part, by what is said of them; None is right.
# Which logits belong to which labels, in the cross-entropy ...
TOLD = {None: 1,
        "in the cross-entropy position i predicts token i + 1: shift": 0,
        "the cross-entropy is shifted the wrong way: position i predicts "
        "token i + 1": -1}
# ... what is made of the divergence of each token and of the mask ...
MEANS = {
    None: lambda each, mask: (each * mask).sum() / mask.sum(),
    "question and padding count in the divergence; take trained tokens only":
        lambda each, mask: each.mean(),
    "the divergence leaves question and padding out of its sum, and still "
    "divides by them": lambda each, mask: (each * mask).mean(),
    "the divergence is divided by the number of texts (batchmean?), not of "
    "trained tokens": lambda each, mask: (each * mask).sum() / len(each),
    "question and padding count in the divergence, and it is divided by "
    "the number of texts": lambda each, mask: each.sum() / len(each),
    "the divergence is a mean of each text's mean; every token counts alike":
        lambda each, mask: ((each * mask).sum(1) / mask.sum(1)).mean(),
    "the divergence is a sum over tokens; take the mean":
        lambda each, mask: (each * mask).sum()}
# ... which logits belong to which labels, in the divergence ...
FOLLOWED = {None: 1,
            "in the divergence, too, position i predicts token i + 1: shift":
                0,
            "the divergence is shifted the wrong way": -1}
# ... the words that only the teacher has ...
CUTS = {None: "before",
        "the teacher's extra words are cut after the softmax, and its "
        "probabilities do not add up to 1": "after",
        "the student cannot have the teacher's extra words; cut the "
        "teacher's instead": "padded"}
# ... the direction and what kl_div does of its own accord ...
REVERSED = {None: False,
          "the divergence is the wrong way round: the teacher's "
          "probabilities weigh the logarithms": True}
SPREAD = {None: False,
          "the divergence is divided by the size of the vocabulary too "
          "(kl_div's mean does that)": True}
# ... and the weights of the two parts.
WEIGHTS = {None: (1, 1), "the divergence is missing": (1, 0),
           "the cross-entropy is missing": (0, 1),
           "both parts have the weight 1, not a half": (0.5, 0.5)}


def two_models():
    """Logits of a student and a teacher with more words, and labels."""
    source = torch.Generator().manual_seed(5)
    student = 2 * torch.randn(3, 7, 6, generator=source)
    teacher = 2 * torch.randn(3, 7, 9, generator=source)
    skip = IGNORED
    labels = torch.tensor([[skip, skip, 3, 1, 5, skip, skip],
                           [skip, skip, 4, 2, 0, 1, 5],
                           [skip, skip, skip, skip, 2, 5, skip]])
    return student, teacher, labels


def aligned(logits, labels, shift):
    """Logits and labels such that position i predicts token i + ``shift``."""
    if shift == 1:
        return logits[:, :-1], labels[:, 1:]
    return (logits[:, 1:], labels[:, :-1]) if shift else (logits, labels)


def own_loss(student, labels, shift=1):
    """The cross-entropy."""
    logits, wanted = aligned(student, labels, shift)
    return cross_entropy(logits.flatten(0, 1), wanted.flatten())


def followed(student, teacher, labels, mean=MEANS[None], shift=1,
             cut="before", turned=False, spread=False):
    """The divergence, with mistakes to choose."""
    (q, wanted), (p, _) = (aligned(logits, labels, shift)
                           for logits in (student, teacher))
    if cut == "padded":
        q = pad(q, (0, p.shape[-1] - q.shape[-1]))
    elif cut == "before":
        p = p[..., :q.shape[-1]]
    size = q.shape[-1]
    p, q = p.log_softmax(-1)[..., :size], q.log_softmax(-1)
    if turned:
        p, q = q, p
    each = (p.exp() * (p - q)).sum(-1)
    return mean(each, wanted != IGNORED) / (size if spread else 1)


def known_slips(student, teacher, labels):
    """``[(value, reasons)]`` of all known mistakes, the fewest first."""
    first = {why: own_loss(student, labels, shift).item()
             for why, shift in TOLD.items()}
    second = [([why for why, _ in chosen], followed(
        student, teacher, labels, *(choice for _, choice in chosen)).item())
        for chosen in product(*(part.items() for part in (
            MEANS, FOLLOWED, CUTS, REVERSED, SPREAD)))]
    values = [(a * one + b * two, [why for why in (cause, *causes, weighed)
                                   if why])
              for (cause, one), (causes, two), (weighed, (a, b)) in product(
                  first.items(), second, WEIGHTS.items())]
    return sorted(values, key=lambda pair: len(pair[1]))


def slip_in_value(distil_step, value):
    """Why ``value`` is not the loss of :func:`two_models`; None if it is."""
    student, teacher, labels = two_models()
    if not math.isfinite(value):
        return ("somewhere 0 meets an infinite logarithm: use log_softmax, "
                "and cut words instead of making them impossible")
    for known, reasons in known_slips(student, teacher, labels):
        if math.isclose(value, known, rel_tol=2e-5):
            return reasons[0] if reasons else None
    same, failed = attempt(distil_step, student.clone(), student.clone(),
                           labels.clone())
    alone = own_loss(student, labels).item()
    if failed or not math.isclose(float(same), alone, rel_tol=1e-4):
        return ("with the student as its own teacher the cross-entropy "
                "should be left, and it is not")
    return "the cross-entropy is right, and the divergence is not"


@exercise
def check_05_3(distil_step):
    """Exercise 3: cross-entropy and divergence, and only the student learns.

    Names the first mistake that is found.
    """
    with torch.enable_grad():
        inputs = two_models()
        right = (own_loss(inputs[0], inputs[2]) + followed(*inputs)).item()
        title, given = f"a loss of {right:.4f}", [x.clone() for x in inputs]
        got, failed = attempt(distil_step, *given)
        if failed:
            return say(title, failed)
        if not isinstance(got, torch.Tensor):
            return say(title, shown(got), f"this is {in_words(got)}; return "
                       f"one tensor, or nothing can be trained with it")
        if got.dim():
            return say(title, f"a tensor of shape {tuple(got.shape)}",
                       "one number is wanted, a mean over tokens")
        try:
            value = float(got)
        except (RuntimeError, TypeError, ValueError) as error:
            return say(title, failure(error).got, "one number is wanted")
        why = slip_in_value(distil_step, value)
        if why:
            return say(title, f"{value:.4f}", why)
        return check_gradients(distil_step, f"{title} that trains the student")


def check_gradients(distil_step, title):
    """The second half of exercise 3: who learns from the loss."""
    student, teacher, labels = two_models()
    leaves = student.requires_grad_(), teacher.requires_grad_()
    wanted, = torch.autograd.grad(
        own_loss(student, labels) + followed(student, teacher, labels),
        student)
    loss, failed = attempt(distil_step, student * 1, teacher * 1, labels)
    if failed:
        return say(title, failed)
    try:
        got = torch.autograd.grad(loss, leaves, allow_unused=True,
                                  materialize_grads=True)
    except RuntimeError as error:
        return say(title, failure(error).got, "it cannot be trained with: "
                   "keep what comes from the student a tensor")
    if got[1].any():
        return say(title, "one that trains the teacher", "its logits are "
                   "the target and get no gradient: detach them")
    if not torch.allclose(got[0], wanted, atol=1e-5):
        return say(title, "another gradient", "the value is right; is a part "
                   "of the student's side detached?")
    return say(title, "the same")
