"""The checks of notebook M5 know right from wrong."""

import math
from itertools import product

import pytest
import torch
from torch.nn.functional import cross_entropy, kl_div, pad

from marking import assert_told_why
from helpers.checks.notebook_m5 import (check_m5_1, check_m5_2, known_slips,
                                        two_models)
from helpers.distillation import distillation_loss
from helpers.expert_iteration import Round, expert_iteration
from helpers.filtering import first_correct
from helpers.training import completion_loss


def stub(*arguments):
    ...


def distil(shift=True, early=True, forward=True, masked=True, apart=True,
           weights=(1, 1), mean=None, told=None, spoil=None):
    """A solution of exercise 2 with slips to choose; five are the stub's.

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
    (distil(**STUB), "as it was; nothing is repaired so far"),
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
    assert check_m5_2(answer) is False
    printed = capsys.readouterr().out
    assert ": not yet, " in printed and message in printed
    assert printed.startswith("expected ") and printed.count("\n") == 1


@pytest.mark.parametrize("repaired", list(product((0, 1), repeat=5)))
def test_no_partial_repair_is_accepted(repaired, capsys):
    answer = distil(**{slip: bool(one) for slip, one in zip(STUB, repaired)})
    assert check_m5_2(answer) is all(repaired)
    printed = capsys.readouterr().out
    for words in ("should be left", "divergence is not"):
        assert words not in printed            # each is known by its value
    assert printed.count("\n") == 1


def test_right_distillations_pass(capsys):
    for answer in (distil(), module_step, by_kl_div("batchmean"), distil(
            told=lambda a, b: -a.log_softmax(-1)[range(len(b)), b].mean())):
        assert check_m5_2(answer)
        with torch.no_grad():                   # also where this is left on
            assert check_m5_2(answer)
    assert capsys.readouterr().out.count(": correct\n") == 8


def test_the_known_slips_are_far_from_the_right_value():
    (right, none), *others = known_slips(*two_models())
    assert none == [] and right == pytest.approx(
        module_step(*two_models()).item())
    assert all(reasons and abs(value - right) > 1e-3
               for value, reasons in others)


# ---- expert iteration

def iterated(first=first_correct, again=False, last=False, copy=list,
             who=lambda student: student, count=lambda judged, before:
             len(judged), fresh_only=False, start=1):
    """An answer of exercise 1 with slips to choose."""
    def expert_iteration(problems, judged, rounds, fit, ask):
        judged, before = copy(judged), 0
        for number in range(start, rounds + start):
            seen = judged[before:] if fresh_only else judged
            examples = first(problems, seen)
            student = fit(examples)
            drawn, before = count(judged, before), len(judged)
            yield Round(number, examples, student, drawn)
            solved = {one.task_id for one in first(problems, judged)}
            left = problems if again else [
                p for p in problems if p.task_id not in solved]
            if left and (last or number < rounds):
                judged += ask(who(student), left, number)
    return expert_iteration


EXPERT = [
    (stub, "nothing is returned"),
    (iterated(fresh_only=True), "keeps its pair in later rounds"),
    (iterated(again=True), "solved problems are asked again"),
    (iterated(last=True), "after the last round"),
    (iterated(who=lambda student: "base"), "the student of this very round"),
    (iterated(copy=lambda judged: judged), "the caller still needs it"),
    (iterated(count=lambda judged, before: len(judged) - before),
     "drawn counts all samples"),
    (iterated(first=lambda problems, judged: []), "are first_correct"),
    (iterated(start=0), "counted from 1"),
    (lambda p, j, rounds, fit, ask: iterated()(p, j, 1, fit, ask),
     "counted from 1"),
    (lambda p, j, rounds, fit, ask: iterated()(p, j, 3, fit, ask),
     "with rounds = 1 one student"),
    (lambda p, j, rounds, fit, ask: [], "yield a Round after each"),
    (lambda p, j, rounds, fit, ask: [fit([])] * 3, "yield Round(number"),
]


@pytest.mark.parametrize("answer, message", EXPERT)
def test_a_wrong_expert_iteration_is_told_why(answer, message, capsys):
    assert_told_why(check_m5_1, answer, message, capsys)


def test_right_expert_iterations_pass():
    assert check_m5_1(expert_iteration) and check_m5_1(iterated())
    assert check_m5_1(lambda *given: list(expert_iteration(*given)))
