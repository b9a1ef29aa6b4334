"""Checks of the exercises in notebook 05.

What holds a state (a tokenizer, a layer, a model) is real and small here,
and is not compared with what it was before the call: to be trained is what
it is for.
"""

import math

import torch
from torch.nn.functional import cross_entropy

from helpers.checks.loops import (LOOP_SLIPS, RATES, flat, kept,
                                  small_batches, small_model, trained_with)
from helpers.checks.report import (attempt, entries, exercise, misfit,
                                   one_number, say, shown, two)
from helpers.filtering import Example
from helpers.loop import training_loop
from helpers.training import IGNORED, completion_loss, masked_loss


# ---- exercise 1: encode

EXAMPLE = Example("check/0", "Ann has 3 cups ?", "answer = 3")
BOS, EOS, ASKED_IDS, PROGRAM_IDS = 0, 1, [2, 3, 4, 5, 6], [7, 8, 4]


# Without a start token, and with another end token.
WITHOUT_START = Example("check/0", "3 cups Ann has ?", "Ann has 3")
SECOND_WORDS = "Ann has </s> 3 cups ? answer <unk>"


def small_tokenizer(words="<s> </s> Ann has 3 cups ? answer = <unk>"):
    """A tokenizer of these words that puts "<s>", if any, before a text."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast
    core = Tokenizer(models.WordLevel(
        {word: i for i, word in enumerate(words.split())}, "<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    begin = {"bos_token": "<s>"} if "<s>" in words else {}
    if begin:
        core.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", BOS)])
    return kept(PreTrainedTokenizerFast)(
        tokenizer_object=core, eos_token="</s>", **begin)


@exercise
def check_05_1(encode):
    """Exercise 1: ids and labels of an example."""
    ids = [BOS, *ASKED_IDS, *PROGRAM_IDS, EOS]
    labels = [IGNORED] * 6 + [*PROGRAM_IDS, EOS]
    title = f"ids {ids} and labels {labels}"
    pair, failed = encoded_by(encode, small_tokenizer(), EXAMPLE)
    if failed:
        return say(title, failed)
    why = slip_in_ids(pair[0], ids) or slip_in_labels(*pair, labels)
    return another_tokenizer(encode, title) if why is None else say(
        title, f"ids {shown(pair[0])} and labels {shown(pair[1])}", why)


def encoded_by(encode, *given):
    """([ids, labels], None), or (None, ``Failure``)."""
    got, failed = attempt(encode, *given)
    return (None, failed) if failed else two(
        got, "return two lists, (ids, labels)", entries)


def another_tokenizer(encode, right):
    """The second half of exercise 1: a tokenizer with no start token."""
    ids = [3, 4, 0, 1, 5, 0, 1, 3, 2]
    labels = [IGNORED] * 5 + ids[5:]
    title = f"ids {ids} and labels {labels} of another tokenizer"
    pair, failed = encoded_by(encode, small_tokenizer(
        SECOND_WORDS), WITHOUT_START)
    if failed or pair == [ids, labels]:
        return say(title, failed) if failed else say(right, "both")
    return say(
        title, f"ids {shown(pair[0])} and labels {shown(pair[1])}",
        "this tokenizer puts no start token before a text: what is cut off "
        "is a token of the text; use add_special_tokens=False" if pair[0] in (
            ids[:5] + ids[6:], ids[1:], ids[1:5] + ids[6:]) else
        "the end token is tokenizer.eos_token_id, and here that is 2"
        if pair[0] == [*ids[:-1], EOS] else
        "ids and labels are the tokenizer's, and so is their number")


def slip_in_ids(found, ids):
    """Why ``found`` are not the ``ids``; None if they are."""
    if found == ids:
        return None
    if found == ids[:-1]:
        return ("the ids lack the end token: the student would never learn "
                "to stop")
    if found == [*ids[:6], BOS, *ids[6:]]:
        return ("a start token stands before the program: it goes on, so "
                "use add_special_tokens=False there")
    if found == ids[1:]:
        return ("the prompt lost its start token: it is what the student "
                "sees when it is asked, so leave its tokens as they come")
    if found == ids[6:]:
        return "the question belongs to the ids too: it is seen"
    return "the ids are the prompt's, the program's, and one end token"


def slip_in_labels(ids, found, labels):
    """Why ``found`` are not the ``labels``; None if they are."""
    if found == labels:
        return None
    if found == ids:
        return "the question is trained on too: its labels are -100"
    if len(found) != len(ids):
        return f"{len(ids)} ids need {len(ids)} labels"
    if found == [*labels[:-1], IGNORED]:
        return ("the end token is masked: it must be trained on, or the "
                "student never stops")
    if found == [*labels[1:], IGNORED]:
        return "the labels are shifted: the loss does that later"
    if found == [*ids[:6], *[IGNORED] * 4]:
        return "the wrong way round: the question is masked, not the program"
    return "-100 for each token of the question, all others as they are"


# ---- exercise 2: the loss of the completion

def logits_and_labels():
    """Logits of three rows of six tokens, and labels with holes."""
    source = torch.Generator().manual_seed(5)
    logits = 2 * torch.randn(3, 6, 7, generator=source)
    labels = torch.full((3, 6), IGNORED)
    labels[0, 2:5] = torch.tensor([3, 1, 6])
    labels[1, 4:] = torch.tensor([4, 6])
    labels[2, 3] = 6
    return logits, labels


def plain_loss(logits, labels, **more):
    """The mean over all places whose label is not -100, without a shift."""
    return cross_entropy(logits.flatten(0, 1), labels.flatten(), **more)


def loss_slips(logits, labels):
    """{what is wrong: the value that it gives}."""
    a, b = logits[:, :-1], labels[:, 1:]
    return {
        "position i predicts token i + 1: shift": plain_loss(logits, labels),
        "shifted the wrong way: position i predicts token i + 1":
            plain_loss(logits[:, 1:], labels[:, :-1]),
        "a sum; take the mean over the trained tokens":
            plain_loss(a, b, reduction="sum"),
        "divided by all tokens; divide by those that are trained on":
            plain_loss(a, b, reduction="sum") / b.numel(),
        "a mean of each row's mean; every token counts alike": sum(
            plain_loss(a[i:i + 1], b[i:i + 1]) for i in range(3)) / 3,
        "-100 is taken for a token; leave those places out":
            plain_loss(a, b.clamp(min=0)),
        "cross_entropy takes logits and makes its own softmax":
            plain_loss(a.softmax(-1), b),
        "the sign is wrong: a loss is the negative logarithm":
            -plain_loss(a, b)}


@exercise
def check_05_2(completion_loss):
    """Exercise 2: shifted, masked, a mean over trained tokens."""
    with torch.enable_grad():
        logits, labels = logits_and_labels()
        right = plain_loss(logits[:, :-1], labels[:, 1:]).item()
        title = f"a loss of {right:.4f}"
        leaf = logits.requires_grad_()
        got, failed = attempt(completion_loss, leaf * 1, labels)
        if failed:
            return say(title, failed)
        if not isinstance(got, torch.Tensor):
            return say(title, misfit(got, "return a tensor, or nothing can "
                                     "be trained with it"))
        value, failed = one_number(got, "return one number, a mean", False)
        if failed:
            return say(title, failed)
        if not math.isclose(value, right, rel_tol=1e-4):
            why = next((why for why, slip in loss_slips(
                logits.detach(), labels).items()
                if math.isclose(value, slip, rel_tol=1e-4)),
                "the mean of -log p(right token) over the trained tokens")
            return say(title, f"{value:.4f}", why)
        if not got.requires_grad:
            return say(title, "a number without gradient", "keep it a "
                       "tensor: nothing can be trained with it")
        return other_labels(completion_loss) or say(title, f"{value:.4f}")


def other_labels(completion_loss):
    """What is told where token 0 is trained on; None if that is right."""
    source = torch.Generator().manual_seed(6)
    logits = 2 * torch.randn(2, 5, 4, generator=source)
    labels = torch.tensor([[2, 0, 3, 0, IGNORED], [IGNORED, 1, 2, 0, 0]])
    right = plain_loss(logits[:, :-1], labels[:, 1:]).item()
    title = f"a loss of {right:.4f} for labels {labels.tolist()}"
    got, failed = attempt(completion_loss, logits, labels)
    value, failed = (None, failed) if failed else one_number(
        got, "return one number, a mean", False)
    if failed or math.isclose(value, right, rel_tol=1e-4):
        return say(title, failed) if failed else None
    without = plain_loss(logits[:, :-1], labels[:, 1:].masked_fill(
        labels[:, 1:] == 0, IGNORED)).item()
    return say(title, f"{value:.4f}", "0 is the number of a token, too: "
               "leave out -100 alone" if math.isclose(
                   value, without, rel_tol=1e-4) else "another number of "
               "trained tokens, or another shape, comes out wrong")


# ---- exercise 3: a LoRA layer

RANK, ALPHA = 2, 6


@exercise
def check_05_3(LoRALinear):
    """Exercise 3: frozen layer plus alpha / rank B A x."""
    with torch.enable_grad():
        torch.manual_seed(5)
        base = kept(torch.nn.Linear)(4, 3)
        x = torch.randn(5, 4, requires_grad=True)
        title = "W x + alpha / rank B A x"
        layer, failed = attempt(LoRALinear, base, RANK, ALPHA)
        if failed:
            return say(title, failed)
        if not isinstance(layer, torch.nn.Module):
            return say(title, misfit(layer, "write a class that is a "
                                     "torch.nn.Module"))
        why = slip_in_weights(layer)
        if why:
            return say("weights a (2, 4) and b (3, 2)", "others", why)
        first, failed = output_of(layer, x)
        if failed:
            return say(title, failed)
        if not torch.allclose(first, base(x), atol=1e-5):
            return say("W x at first", "another output", "b starts at zero, "
                       "so that nothing changes; and W x is base(x)")
        with torch.no_grad():
            layer.a.copy_(torch.randn(RANK, 4))
            layer.b.copy_(torch.randn(3, RANK))
        got, failed = output_of(layer, x)
        if failed:
            return say(title, failed)
        why = slip_in_update(base, layer, x, got)
        if why:
            return say(title, "another output", why)
        return another_layer(LoRALinear) or say(title, "it")


def another_layer(LoRALinear):
    """What is told of other sizes, and of an x of texts; None if right."""
    rank, alpha = 4, 6
    base, x = kept(torch.nn.Linear)(6, 5, bias=False), torch.randn(2, 3, 6)
    title = f"W x + alpha / rank B A x for rank {rank}, alpha {alpha}"
    layer, failed = attempt(LoRALinear, base, rank, alpha)
    if failed:
        return say(title, failed)
    if [layer.a.shape, layer.b.shape] != [(rank, 6), (5, rank)]:
        return say(f"weights a ({rank}, 6) and b (5, {rank})", "others",
                   "a is (rank, in), b is (out, rank)")
    layer.b.data.copy_(torch.randn(5, rank))
    for given, shape in ((x[0], "(rows, in)"), (x, "(texts, length, in)")):
        update = given @ layer.a.T @ layer.b.T
        got, failed = output_of(layer, given)
        if failed:
            return say(title, failed, f"x is {shape} here, as in a model: "
                       f"x @ a.T works for both")
        right, whole = (base(given) + scale * update
                        for scale in (alpha / rank, alpha // rank))
        if not torch.allclose(got, right, atol=1e-4):
            return say(title, "another output", "6 / 4 is 1.5, and // would "
                       "make it 1" if torch.allclose(got, whole, atol=1e-4)
                       else f"it is right for rank {RANK}, alpha {ALPHA}, and "
                       f"not here, where x is {shape}")
    return None


def output_of(layer, x):
    """``(output, None)`` with a row for each of x, or a Failure."""
    got, failed = attempt(layer.forward, x)
    if failed:
        return None, failed
    if not isinstance(got, torch.Tensor) or got.shape != (
            *x.shape[:-1], layer.b.shape[0]):
        return None, misfit(got, "forward returns (rows, out), one tensor")
    return got, None


def slip_in_weights(layer):
    """Why the weights of a new layer are not those wanted; or None."""
    for name, shape, words in (("a", (RANK, 4), "(rank, in)"),
                               ("b", (3, RANK), "(out, rank)")):
        weight = getattr(layer, name, None)
        if weight is None:
            return f"nothing is in self.{name} so far, shape {words}"
        if not isinstance(weight, torch.nn.Parameter):
            return (f"self.{name} is no torch.nn.Parameter, so that no "
                    f"optimiser would find it")
        if weight.shape != shape:
            return f"self.{name} has the shape {tuple(weight.shape)}, {words}"
    if layer.b.any():
        return "b starts at zero, so that nothing changes at first"
    if not layer.a.any():
        return ("a is zero like b: then neither gets a gradient, ever; make "
                "a random")
    if (layer.a == layer.a[0, 0]).all():
        return "all numbers of a are the same: make a random"
    trained = {name for name, weight in layer.named_parameters()
               if weight.requires_grad}
    if trained != {"a", "b"}:
        return (f"a and b alone are trained, and here {len(trained)} weights "
                f"are: freeze those of base")
    return None


def slip_in_update(base, layer, x, got):
    """Why the output with a and b that are not zero is wrong; or None."""
    update = x @ layer.a.T @ layer.b.T
    frozen, scale = base(x), ALPHA / RANK
    for why, slip in (
            ("the factor alpha / rank is missing", frozen + update),
            ("the factor is alpha / rank, not alpha",
             frozen + ALPHA * update),
            ("the factor is alpha / rank, not rank / alpha",
             frozen + update / scale),
            ("the factor is for B A x alone", scale * (frozen + update)),
            ("the frozen layer is missing", scale * update),
            ("the update is missing", frozen),
            ("the bias of base is missing: call base(x)",
             frozen - base.bias + scale * update)):
        if torch.allclose(got, slip, atol=1e-4):
            return why
    if not torch.allclose(got, frozen + scale * update, atol=1e-4):
        return "compare with base(x) + alpha / rank * (x @ a.T) @ b.T"
    *own, below = torch.autograd.grad(
        got.sum(), (layer.a, layer.b, x), allow_unused=True
    ) if got.requires_grad else [None] * 3
    if any(grad is None for grad in own):
        return "no gradient reaches a and b: use them as they are"
    whole = (base.weight + scale * layer.b @ layer.a).sum(0).expand_as(x)
    if below is None or not torch.allclose(below, whole, atol=1e-4):
        return ("the output is right, and the gradient of x is not, which the "
                "layers below learn from: no detach, and no no_grad")
    return None


# ---- exercise 4: the loop

@exercise
def check_05_4(training_loop):
    """Exercise 4: an update a batch; names the first slip that is found."""
    with torch.enable_grad():
        model, title = small_model(), f"{len(RATES)} losses"
        got, failed = attempt(training_loop, model, small_batches(),
                              completion_loss, list(RATES))
        if failed:
            return say(title, failed)
        if isinstance(got, (list, tuple)) and any(
                isinstance(loss, torch.Tensor) and loss.requires_grad
                for loss in got):
            return say(title, "tensors", "each keeps all that its batch "
                       "computed in memory: take loss.item()")
        losses, failed = entries(got, "return the list of losses")
        if failed:
            return say(title, failed)
        if len(losses) != len(RATES):
            return say(title, f"{len(losses)}", "one loss for each batch; "
                       "where does return stand?")
        for loss in losses:
            _, failed = one_number(loss, "a loss is a number")
            if failed:
                return say(title, failed)
        return say_of_loop(training_loop, model, losses)


def say_of_loop(answer, model, losses):
    """What is told of the weights and losses of a loop that ran."""
    title, found, right = "the weights of our loop", flat(model), trained_with
    if not torch.allclose(found, right(), atol=1e-5):
        why = next((why for why, slip in LOOP_SLIPS.items()
                    if torch.allclose(found, right(**slip), atol=1e-5)),
                   "in each round: rate, zero_grad, loss, backward, clip, "
                   "step, with AdamW and weight_decay=0.1")
        return say(title, "others", why)
    wanted = training_loop(small_model(), small_batches(), completion_loss,
                           RATES)
    if not torch.allclose(torch.tensor([float(x) for x in losses]),
                          torch.tensor(wanted), atol=1e-4):
        return say("the losses before each update", shown(losses),
                   "append the loss that is computed in the round")
    return with_another_loss(answer) or say(title, "the same")


def with_another_loss(answer):
    """What is told of more batches and a loss without the shift, or None."""
    model, rates = small_model(), [*RATES, 0.01]
    batches = small_batches(number=len(rates))
    wanted = training_loop(small_model(), batches, masked_loss, rates)
    got, failed = attempt(answer, model, batches, masked_loss, rates)
    losses, failed = (None, failed) if failed else entries(
        got, "return the list of losses")
    title = f"losses {shown([round(x, 3) for x in wanted])} of another loss"
    if failed or len(losses) != len(rates):
        return say(title, failed or f"{len(losses)} losses", None if failed
                   else "one loss for each batch, however many there are")
    if torch.allclose(torch.tensor([float(x) for x in losses]),
                      torch.tensor(wanted), atol=1e-4):
        return None
    return say(title, shown([round(float(x), 3) for x in losses]), "call the "
               "argument `loss` with logits and labels, and no other function")
