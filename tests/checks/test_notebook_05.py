"""The checks of notebook 05 know right from wrong."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from helpers import loop, training
from helpers.checks.loops import LOOP_SLIPS, trained_with
from helpers.checks.notebook_05 import (check_05_1, check_05_2, check_05_3,
                                        check_05_4, logits_and_labels,
                                        loss_slips)
from marking import assert_told_why


def stub(*arguments):
    ...


# ---- encode

def encoded(ids=lambda q, p, end: q + p + [end],
            labels=lambda q, p, end: [-100] * len(q) + p + [end],
            first=True, later=False):
    """An answer with slips to choose."""
    def encode(tokenizer, example):
        q = tokenizer(example.prompt, add_special_tokens=first)["input_ids"]
        p = tokenizer(example.completion,
                      add_special_tokens=later)["input_ids"]
        end = tokenizer.eos_token_id
        return ids(q, p, end), labels(q, p, end)
    return encode


def every(q, p, end):
    return q + p + [end]


def masked(q, p):
    return [-100] * len(q) + p


def cuts_the_first(tokenizer, example):
    q = tokenizer(example.prompt)["input_ids"]
    p = tokenizer(example.completion)["input_ids"][1:]
    end = tokenizer.eos_token_id
    return q + p + [end], masked(q, p) + [end]


ENCODE = [
    (stub, "nothing is returned"),
    (encoded(labels=every), "the question is trained on too"),
    (encoded(ids=lambda q, p, end: q + p, labels=lambda q, p, end:
             masked(q, p)), "lack the end token"),
    (encoded(later=True), "a start token stands before the program"),
    (encoded(first=False), "the prompt lost its start token"),
    (encoded(ids=lambda q, p, end: p + [end]), "it is seen"),
    (encoded(ids=lambda q, p, end: p + q + [end]), "the ids are the prompt"),
    (encoded(labels=lambda q, p, end: masked(q, p) + [-100]),
     "the end token is masked"),
    (encoded(labels=lambda q, p, end: masked(q, p)[1:] + [end, -100]),
     "the loss does that later"),
    (encoded(labels=lambda q, p, end: q + [-100] * 4), "wrong way round"),
    (encoded(labels=lambda q, p, end: p + [end]), "10 ids need 10 labels"),
    (encoded(labels=lambda q, p, end: [0] * 10), "-100 for each token"),
    (cuts_the_first, "puts no start token"),
    (encoded(ids=lambda q, p, end: q + p + [1],
             labels=lambda q, p, end: masked(q, p) + [1]),
     "tokenizer.eos_token_id, and here that is 2"),
    (encoded(labels=lambda q, p, end: [-100] * 6 + p + [end]),
     "and so is their number"),
    (lambda tokenizer, example: tokenizer(example.prompt)["input_ids"],
     "return two lists"),
]

# ---- the loss


def summed(logits, labels):
    wanted = labels[:, 1:].flatten()
    logits = logits[:, :-1].flatten(0, 1)
    return cross_entropy(logits, wanted, reduction="sum")


def by_hand(logits, labels):
    wanted = labels[:, 1:]
    p = logits[:, :-1].log_softmax(-1).gather(
        -1, wanted.clamp(min=0)[..., None])[..., 0]
    return -p[wanted != -100].mean()


LOSS = [
    (stub, "nothing is returned"),
    (lambda a, b: cross_entropy(a.flatten(0, 1), b.flatten()), ": shift"),
    (summed, "a sum; take the mean"),
    (lambda a, b: summed(a, b) / 15, "divided by all tokens"),
    (lambda a, b: by_hand(a, b.clamp(min=0)), "is taken for a token"),
    (lambda a, b: by_hand(a.softmax(-1), b), "makes its own softmax"),
    (lambda a, b: -by_hand(a, b), "the sign is wrong"),
    (lambda a, b: by_hand(a, b) + 1, "the mean of -log p"),
    (lambda a, b: by_hand(a, b.masked_fill(b == 0, -100)),
     "0 is the number of a token"),
    (lambda a, b: summed(a, b) / 6, "another number of trained tokens"),
    (lambda a, b: by_hand(a.view(3, 6, 7), b), "failed"),
    (lambda a, b: by_hand(a, b).item(), "return a tensor"),
    (lambda a, b: by_hand(a, b).detach(), "a number without gradient"),
    (lambda a, b: by_hand(a, b)[None].expand(2), "return one number"),
]

# ---- the layer


class Layer(loop.LoRALinear):
    """The right one, for others to be wrong in one thing."""

    def update(self, x):
        return x @ self.a.T @ self.b.T


def layer(forward=None, begin=None):
    class Answer(Layer):
        def __init__(self, base, rank, alpha):
            super().__init__(base, rank, alpha)
            if begin:
                begin(self)
    if forward:
        Answer.forward = forward
    return Answer


def swapped(self):
    self.a = torch.nn.Parameter(self.a.detach().T)


def plain_tensor(self):
    del self.b
    self.b = torch.zeros(3, 2)


LAYER = [
    (stub, "nothing is returned"),
    (torch.nn.Module, "the call failed"),
    (lambda base, rank, alpha: base, "nothing is in self.a"),
    (layer(lambda self, x: None), "nothing is returned"),
    (layer(begin=plain_tensor), "no torch.nn.Parameter"),
    (layer(begin=swapped), "self.a has the shape (4, 2)"),
    (layer(begin=lambda self: self.b.data.fill_(1)), "b starts at zero"),
    (layer(begin=lambda self: self.a.data.zero_()), "neither gets a"),
    (layer(begin=lambda self: self.base.requires_grad_(True)),
     "freeze those of base"),
    (layer(lambda self, x: self.base(x) + self.update(x)), "is missing"),
    (layer(lambda self, x: self.base(x) + 6 * self.update(x)), "not alpha"),
    (layer(lambda self, x: self.base(x) + self.update(x) / 3),
     "not rank / alpha"),
    (layer(lambda self, x: self.base(x)), "the update is missing"),
    (layer(lambda self, x: self.scale * self.update(x)),
     "nothing changes; and W x is base(x)"),
    (layer(lambda self, x: self.base(x) + 2.5 * self.update(x)),
     "compare with base(x)"),
    (layer(lambda self, x: (self.base(x) + self.scale
                            * self.update(x)).detach()), "no gradient"),
    (layer(lambda self, x: self.base(x).detach() + self.scale
           * self.update(x)), "the layers below learn from"),
    (layer(lambda self, x: self.base(x) + self.scale
           * self.update(x.detach())), "no detach, and no no_grad"),
    (layer(begin=lambda self: torch.nn.init.ones_(self.a)),
     "all numbers of a are the same"),
    (layer(lambda self, x: x), "forward returns"),
    (layer(lambda self, x: self.base(x) + self.scale * (
        self.b @ (self.a @ x.T)).T), "x is (texts, length, in) here"),
    (layer(lambda self, x: self.base(x) + self.scale * self.update(x) if
           x.dim() == 2 else self.base(x)), "where x is (texts, length, in)"),
    (layer(begin=lambda self: setattr(self, "scale", self.scale // 1)),
     "// would make it 1"),
    (layer(begin=lambda self: setattr(self, "scale", 3)), "and not here"),
    (lambda base, rank, alpha: Layer(base, 2, alpha), "a is (rank, in)"),
]

# ---- the loop


def looped(zero=True, step=True, clip=True, rate=None, decay=0.1,
           keep=lambda loss: loss.item(), most=None):
    """An answer with slips to choose."""
    def training_loop(model, batches, loss, rates):
        optimizer = torch.optim.AdamW(model.parameters(), weight_decay=decay)
        losses = []
        for (ids, labels, mask), now in zip(batches[:most], rates):
            optimizer.param_groups[0]["lr"] = rate or now
            if zero:
                optimizer.zero_grad()
            one = loss(model(input_ids=ids, attention_mask=mask).logits,
                       labels)
            one.backward()
            if clip:
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            if step:
                optimizer.step()
            losses.append(keep(one))
        return losses
    return training_loop


LOOP = [
    (stub, "nothing is returned"),
    (looped(step=False), "optimizer.step() is missing"),
    (looped(zero=False), "gradients of earlier batches pile up"),
    (looped(clip=False), "is not cut to 1"),
    (looped(rate=1e-3), "what AdamW begins with"),
    (looped(rate=0.02), "the first one"),
    (looped(decay=0.01), "AdamW's own"),
    (looped(decay=0.0), "the weight decay is 0"),
    (looped(rate=0.5), "in each round: rate, zero_grad"),
    (looped(keep=lambda loss: loss), "take loss.item()"),
    (looped(keep=lambda loss: 1.0), "append the loss that is computed"),
    (looped(most=1), "where does return stand"),
    (lambda *given: looped()(*given)[-1], "return the list"),
    (lambda model, batches, loss, rates: looped()(
        model, batches, training.completion_loss, rates),
     "call the argument `loss`"),
    (looped(most=5), "however many there are"),
]
WRONG = [(check, *case) for check, cases in (
    (check_05_1, ENCODE), (check_05_2, LOSS), (check_05_3, LAYER),
    (check_05_4, LOOP)) for case in cases]


@pytest.mark.filterwarnings("ignore:The use of `x.T` on tensors")
@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


@pytest.mark.parametrize("check, answer", [
    (check_05_1, training.encode), (check_05_1, encoded()),
    (check_05_2, training.completion_loss), (check_05_2, by_hand),
    (check_05_2, lambda a, b: summed(a, b) / (b[:, 1:] != -100).sum()),
    (check_05_3, loop.LoRALinear), (check_05_3, Layer),
    (check_05_4, loop.training_loop), (check_05_4, looped()),
    (check_05_4, looped(keep=lambda loss: loss.detach()))])
def test_right_answers_pass(check, answer, capsys):
    assert check(answer) is True
    with torch.no_grad():                       # also where this is left on
        assert check(answer) is True
    assert capsys.readouterr().out.count(": correct\n") == 2


def test_the_known_slips_are_far_from_what_is_right_and_from_each_other():
    right = training.completion_loss(*logits_and_labels())
    values = [right, *loss_slips(*logits_and_labels()).values()]
    weights = [trained_with(), *(
        trained_with(**slip) for slip in LOOP_SLIPS.values())]
    for found in (values, weights):
        for i, one in enumerate(found):
            assert all((one - other).abs().max() > 1e-3
                       for other in found[i + 1:])
