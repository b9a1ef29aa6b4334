"""The checks of notebook 05 know right from wrong."""

import math
from itertools import product

import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div, pad

from marking import assert_told_why
from helpers.checks.notebook_05 import (check_05_1, check_05_2, check_05_3,
                                        known_slips, two_models)
from helpers.distillation import distillation_loss
from helpers.training import completion_loss


def stub(*arguments):
    ...


def in_place_merge(weight, a, b, alpha, rank):
    weight += alpha / rank * (b @ a)
    return weight


def distil(shift=True, early=True, forward=True, masked=True, apart=True,
           weights=(1, 1), mean=None, told=None, spoil=None):
    """A solution of exercise 05_3 with slips to choose; five are the stub's.

    ``mean(each, mask)`` is another mean of the divergence, ``told(logits,
    labels)`` another cross-entropy, ``spoil`` is done to the inputs first.
    """
    def distil_step(student, teacher, labels):
        if spoil:
            spoil(student, teacher, labels)
        if shift:
            student, teacher = student[:, :-1], teacher[:, :-1]
            labels = labels[:, 1:]
        if apart:
            teacher = teacher.detach()
        mask, size = labels != -100, student.shape[-1]
        p = (teacher[..., :size] if early else teacher).log_softmax(-1)
        p, q = p[..., :size], student.log_softmax(-1)
        if not forward:
            p, q = q, p
        each = (p.exp() * (p - q)).sum(-1)
        follow = (mean(each, mask) if mean else
                  each[mask].mean() if masked else each.mean())
        one = (told or cross_entropy)(student[mask], labels[mask])
        return weights[0] * one + weights[1] * follow
    return distil_step


def turned(student, teacher, labels):
    """The shift the wrong way."""
    return distil(shift=False)(student[:, 1:], teacher[:, 1:], labels[:, :-1])


def half_shifted(student, teacher, labels):
    """The shift in the cross-entropy alone."""
    return (completion_loss(student, labels)
            + distil(shift=False, weights=(0, 1))(student, teacher, labels))


def by_kl_div(reduction, back=False):
    def distil_step(student, teacher, labels):
        kept, size = labels[:, 1:] != -100, student.shape[-1]
        q = student[:, :-1][kept].log_softmax(-1)
        p = teacher[:, :-1][kept][:, :size].detach().log_softmax(-1)
        follow = kl_div(*(p, q) if back else (q, p), log_target=True,
                        reduction=reduction)
        return completion_loss(student, labels) + follow
    return distil_step


def padded(student, teacher, labels):
    more = teacher.shape[-1] - student.shape[-1]
    return completion_loss(student, labels) + distil(weights=(0, 1))(
        pad(student, (0, more)), teacher, labels)


def impossible(student, teacher, labels):
    """The extra words made impossible, and not left out."""
    more = teacher.shape[-1] - student.shape[-1]
    return distil()(pad(student, (0, more), value=-math.inf),
                    pad(teacher[..., :-more], (0, more), value=-math.inf),
                    labels)


def detached(student, teacher, labels):
    """The right value, and nothing that learns from the divergence."""
    return completion_loss(student, labels) + distil(weights=(0, 1))(
        student.detach(), teacher, labels)


def module_step(student, teacher, labels):
    trained = labels[:, 1:] != -100
    return completion_loss(student, labels) + distillation_loss(
        student[:, :-1][trained], teacher[:, :-1][trained].detach())


STUB = dict(shift=False, early=False, forward=False, masked=False,
            apart=False)
BAD_VALUE = [
    (distil(shift=False), "in the cross-entropy position i predicts"),
    (half_shifted, "in the divergence, too, position i"),
    (turned, "the wrong way: position i"),
    (distil(early=False), "cut after the softmax"),
    (padded, "cannot have the teacher's extra words"),
    (impossible, "infinite logarithm"),
    (distil(forward=False), "the wrong way round"),
    (by_kl_div("batchmean", back=True), "the wrong way round"),
    (distil(masked=False), "question and padding count"),
    (distil(mean=lambda d, m: (d * m).mean()), "still divides by them"),
    (distil(mean=lambda d, m: (d * m).sum() / len(d)), "number of texts (b"),
    (distil(mean=lambda d, m: d.sum() / len(d)), "and it is divided by the"),
    (distil(mean=lambda d, m: ((d * m).sum(1) / m.sum(1)).mean()),
     "every token counts alike"),
    (by_kl_div("sum"), "a sum over tokens"),
    (distil(mean=lambda d, m: d[m].mean() / 6), "size of the vocabulary"),
    (distil(weights=(1, 0)), "the divergence is missing"),
    (distil(weights=(0, 1)), "the cross-entropy is missing"),
    (distil(weights=(0.5, 0.5)), "not a half"),
    (distil(weights=(1, 3)), "the cross-entropy is right, and"),
    (distil(weights=(3, 1)), "should be left"),
    (distil(told=lambda a, b: cross_entropy(a, b, reduction="sum")),
     "should be left"),
    (distil(apart=False), "detach them"),
    (detached, "student's side detached"),
    (torch.no_grad()(distil()), "cannot be trained with"),
    (distil(spoil=lambda s, t, y: y.clamp_(min=0)), "labels changed"),
    (distil(spoil=lambda s, t, y: t.data.zero_()), "teacher changed"),
    (distil(spoil=lambda s, t, y: s.resize_(1)), "not yet"),
    (lambda s, t, y: distil()(s, t, y).item(), "one tensor"),
    (lambda s, t, y: (distil()(s, t, y), 0), "one tensor"),
    (lambda s, t, y: distil()(s, t, y)[None], "a mean over tokens"),
    (distil(mean=lambda d, m: d[m]), "a mean over tokens"),
    (lambda s, t, y: torch.tensor(1j), "one number"),
    (lambda s, t, y: torch.empty((), device="meta"), "one number"),
    (lambda s, t, y: distil()(s, t[:, :, :3], y), "failed"),
    (lambda s, t, y: exit("so\nmany\nlines"), "failed"),
    (lambda s: s, "failed"),
    (stub, "nothing is returned"),
]


@pytest.mark.parametrize("answer, message", BAD_VALUE)
def test_a_wrong_distillation_is_told_why(answer, message, capsys):
    assert check_05_3(answer) is False
    printed = capsys.readouterr().out
    assert ": not yet, " in printed and message in printed
    assert printed.startswith("expected ") and printed.count("\n") == 1


@pytest.mark.parametrize("repaired", list(product((0, 1), repeat=5)))
def test_no_partial_repair_is_accepted(repaired, capsys):
    answer = distil(**{slip: bool(one) for slip, one in zip(STUB, repaired)})
    assert check_05_3(answer) is all(repaired)
    printed = capsys.readouterr().out
    for words in ("should be left", "divergence is not"):
        assert words not in printed            # each is known by its value
    assert printed.count("\n") == 1


def test_right_distillations_pass(capsys):
    for answer in (distil(), module_step, by_kl_div("batchmean"), distil(
            told=lambda a, b: -a.log_softmax(-1)[range(len(b)), b].mean())):
        assert check_05_3(answer)
        with torch.no_grad():                   # also where this is left on
            assert check_05_3(answer)
    assert capsys.readouterr().out.count(": correct\n") == 8


def test_the_known_slips_are_far_from_the_right_value():
    (right, none), *others = known_slips(*two_models())
    assert none == [] and right == pytest.approx(
        module_step(*two_models()).item())
    assert all(reasons and abs(value - right) > 1e-3
               for value, reasons in others)


WRONG = [
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
    assert_told_why(check, answer, message, capsys)


def test_other_right_answers_pass():
    assert check_05_2(lambda w, a, b, alpha, rank: torch.add(
        w, b @ a, alpha=alpha / rank))
