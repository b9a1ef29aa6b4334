"""Checks of the exercises in notebook 06."""

import math
import random
from types import SimpleNamespace

import torch
from torch.nn.functional import cross_entropy

from helpers.checks.report import (attempt, entries, exercise, misfit,
                                   one_number, say, two)
from helpers.training import IGNORED, predict

# -------------------------------------------- exercise 1: a task's own tokens

# Two rows of unequal length: (ids, labels), 3 and 6 tokens trained on.
ENCODED = [([2, 3, 4, 5, 1], [IGNORED, IGNORED, 4, 5, 1]),
           ([6, 7, 8, 9, 10, 11, 3, 1], [IGNORED, IGNORED, 8, 9, 10, 11, 3,
                                         1])]
OTHER_ROWS = [([5, 4, 0, 1], [IGNORED, IGNORED, 0, 1]),
          ([3, 0, 2], [IGNORED, 0, 2])]
OWN, OF_THE_WHOLE = 9, 36
LOSSES = {
    None: lambda sums, wanted: sums.sum() / OWN,
    "a sum; divide it by the number of trained tokens":
        lambda sums, wanted: sums.sum(),
    "divided by all positions: prompt and padding are not trained on":
        lambda sums, wanted: sums.sum() / wanted.numel(),
    "divided by the rows: it is a mean over tokens":
        lambda sums, wanted: sums.sum() / len(wanted),
    "a mean of the rows' means: tokens of short rows count for more":
        lambda sums, wanted: (sums.sum(1) / (wanted != IGNORED).sum(1)).mean(),
    "the sign is turned": lambda sums, wanted: -sums.sum() / OWN}


class SmallStudent(SimpleNamespace):
    """A model and a tokenizer, as ``predict`` uses them; not to be copied."""

    def __deepcopy__(self, memo):
        return self


def small_student(seed=0):
    """A decoder-only model of random weights, the same each time."""
    from transformers import LlamaConfig, LlamaForCausalLM
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(LlamaConfig(
            vocab_size=12, hidden_size=16, intermediate_size=16,
            num_hidden_layers=1, num_attention_heads=2,
            initializer_range=1.0, max_position_embeddings=16,
            bos_token_id=0, eos_token_id=1)).eval()
    return SmallStudent(model=model, tokenizer=SimpleNamespace(
        pad_token_id=None, eos_token_id=1))


@exercise
def check_06_1(answer):
    """Exercise 1: the mean over a task's own trained tokens.

    Names the mistakes that are found.
    """
    lm = small_student()
    with torch.enable_grad():
        logits, wanted = predict(lm, ENCODED)
        sums = cross_entropy(logits.transpose(1, 2), wanted,
                             ignore_index=IGNORED, reduction="none")
        right = sums.sum().item() / OWN
        got, failed = attempt(answer, lm, list(ENCODED))
        if not failed:
            value, failed = one_number(got, "one number is wanted")
        title = f"a loss of {right:.4f}"
        if failed:
            return say(title, failed)
        if not math.isclose(value, right, rel_tol=1e-4):
            return say(title, f"{value:.4f}", slip_in_loss(
                value, logits, sums.detach(), wanted))
        why = no_gradient(got)
        if why:
            return say(title, *why)
        part, failed = attempt(answer, lm, list(ENCODED), OF_THE_WHOLE)
        if not failed:
            value, failed = one_number(part, "one number is wanted")
            why = no_gradient(part)
    title = f"{right * OWN / OF_THE_WHOLE:.4f} with tokens={OF_THE_WHOLE}"
    if failed:
        return say(title, failed)
    if math.isclose(value, right * OWN / OF_THE_WHOLE, rel_tol=1e-4):
        if why:
            return say(title, *why)
        return other_tokens(answer, lm) or say(f"a loss of {right:.4f}", "it")
    why = ("tokens is not used: where it is given, divide by it"
           if math.isclose(value, right, rel_tol=1e-4) else
           "the mean is divided once more: divide the sum"
           if math.isclose(value, right / OF_THE_WHOLE, rel_tol=1e-4) else
           "the sum is divided by tokens, and by nothing else")
    return say(title, f"{value:.4f}", why)


def no_gradient(loss):
    """(what came, why that is wrong) unless one can go back from ``loss``."""
    if not getattr(loss, "requires_grad", False):
        return "a number without a gradient", ("it cannot be trained with: "
                                               "keep the loss a tensor")
    try:
        loss.backward()
    except RuntimeError as error:
        return "a loss whose backward() fails", (
            "it was called before: leave that to who trains"
            if "second time" in str(error) else str(error).partition("\n")[0])
    return None


def other_tokens(answer, lm):
    """The third part of exercise 1: other rows, in which the token 0 is
    trained on; None where that comes out right.
    """
    with torch.enable_grad():
        logits, wanted = predict(lm, OTHER_ROWS)
        right, without = (cross_entropy(
            logits.transpose(1, 2), labels, ignore_index=IGNORED).item()
            for labels in (wanted, wanted.masked_fill(wanted == 0, IGNORED)))
        got, failed = attempt(answer, lm, list(OTHER_ROWS))
    value, failed = (None, failed) if failed else one_number(
        got, "one number is wanted")
    title = f"a loss of {right:.4f} for other rows"
    if failed:
        return say(title, failed)
    if math.isclose(value, right, rel_tol=1e-4):
        return None
    return say(title, f"{value:.4f}", "0 is the number of a token, too: leave "
               f"out {IGNORED} alone" if math.isclose(
                   value, without, rel_tol=1e-4) else "divide by the number "
               "of tokens that are trained on in these rows")


def slip_in_loss(value, logits, sums, wanted):
    """What makes the loss of ``ENCODED`` the given one."""
    for why, made in LOSSES.items():
        if math.isclose(value, made(sums, wanted).item(), rel_tol=1e-4):
            return why
    twice = cross_entropy(logits[:, :-1].transpose(1, 2), wanted[:, 1:],
                          ignore_index=IGNORED)
    if math.isclose(value, twice.item(), rel_tol=1e-4):
        return "shifted twice: predict has done it, once is enough"
    return ("the cross-entropy of logits and wanted where wanted is not "
            f"{IGNORED}, summed, over the number of such tokens")


# ------------------------------------------------- exercise 2: the batches

CODES = [f"code {number}" for number in range(10)]
PLANS = [f"plan {number}" for number in range(7)]
FEW_CODES = CODES[:3]              # fewer than an update has
UPDATES, CODES_EACH = 12, 4
UPDATE_FORM = ("each update is a pair of lists: numbers of codes, numbers "
               "of plans")


@exercise
def check_06_2(answer):
    """Exercise 2: the order of codes and plans, update by update.

    Names the mistakes that are found.
    """
    title = f"{UPDATES} updates of {CODES_EACH} codes and {CODES_EACH} plans"
    found, failed = updates_of(answer, PLANS, 3)
    if failed:
        return say(title, failed)
    why = slip_in_order(found)
    if why:
        return say(title, shorter(found), why)
    again, failed = updates_of(answer, PLANS, 3, salt=1)
    other, failed = (None, failed) if failed else updates_of(
        answer, PLANS, 4)
    if failed:
        return say(title, failed)
    if again != found:
        return say("the same batches for the same seed", "others",
                   "draw from random.Random(...) that is made of the seed")
    for at, what in enumerate(("codes", "plans")):
        if [each[at] for each in other] == [each[at] for each in found]:
            return say("other batches for another seed", f"the same {what}",
                       "the seed is not used" if other == found else
                       f"the seed decides all, the {what}, too")
    alone, failed = updates_of(answer, [], 3)
    if failed:
        return say("codes alone where there are no plans", failed,
                   "without plans it is ordinary fine-tuning, and each "
                   "update has an empty list of plans")
    if any(others for _, others in alone):
        return say("no plans where there are none", shorter(alone),
                   "each update then has an empty list of plans")
    fewer, failed = updates_of(answer, PLANS[:3], 3)
    if failed:
        return say(title, failed)
    codes, *others = ([chosen for chosen, _ in each]
                      for each in (found, alone, fewer))
    if others != [codes, codes]:
        return say("the same codes in the same order, whatever the plans",
                   "another order", "drawing a plan moves the order of the "
                   "codes: give each its own source of random numbers")
    few, failed = updates_of(answer, PLANS, 3, codes=FEW_CODES)
    why = None if failed else slip_in_order(few, FEW_CODES)
    if failed or why:
        return say(f"{UPDATES} updates of {CODES_EACH} out of "
                   f"{len(FEW_CODES)} codes", failed or shorter(few), why or
                   "an update may be longer than an epoch")
    if len({number for updates in (found, other, few)
            for _, others in updates for number in others}) < len(PLANS):
        return say(title, "some plans never", "plans are drawn from all of "
                   "them")
    return say(title, "them")


def updates_of(answer, plans, seed, salt=0, codes=CODES):
    """What the answer yields, as a list of pairs of lists, or why not.

    ``salt`` is the seed of Python's own random numbers meanwhile: whoever
    draws from these gets others in another call.
    """
    state = random.getstate()
    random.seed(salt)
    try:
        got, failed = attempt(answer, list(codes), list(plans), UPDATES,
                              CODES_EACH, seed)
        rows, failed = (None, failed) if failed else entries(got, UPDATE_FORM)
    finally:
        random.setstate(state)
    for at, row in enumerate(rows or ()):
        rows[at], failed = two(row, UPDATE_FORM, entries)
        if failed:
            return None, failed
        for number in rows[at][0] + rows[at][1]:
            if type(number) is not int:
                return None, misfit(number, "numbers of examples are wanted, "
                                    "whole numbers from 0", "an entry")
    return rows, failed


def shorter(found):
    return f"{str(found[:2])[1:-1]} ..." if found else "none"


def slip_in_order(found, codes=CODES):
    """Why these batches are not the wanted ones; None if they are."""
    flat = [number for chosen, _ in found for number in chosen]
    drawn = [number for _, others in found for number in others]
    if len(found) != UPDATES:
        return f"{UPDATES} updates are wanted, not {len(found)}"
    if any(len(chosen) != CODES_EACH for chosen, _ in found):
        return (f"each update has {CODES_EACH} codes: where an epoch ends, go "
                f"on with the next one")
    if any(len(others) != CODES_EACH for _, others in found):
        return f"each update has {CODES_EACH} plans, one drawn for each code"
    if set(flat) - set(range(len(codes))) or set(drawn) - set(
            range(len(PLANS))):
        return "a number that no example has: count from 0"
    epochs = in_epochs(flat, len(codes))
    if any(sorted(epoch) != list(range(len(codes))) for epoch in epochs):
        return "codes come in epochs: each once before any comes again"
    if all(epoch == sorted(epoch) for epoch in epochs) or (
            len(codes) > 5 and epochs[0] == sorted(epochs[0])):
        return "the codes are not shuffled"
    if all(epoch == epochs[0] for epoch in epochs) or (
            len(codes) > 5 and epochs[0] == epochs[1]):
        return "each epoch is shuffled anew"
    if all(len(set(others)) == 1 for _, others in found):
        return ("one plan is drawn for each code, and here all plans of an "
                "update are the same")
    steps = {(b - a) % len(PLANS) for a, b in zip(drawn, drawn[1:])}
    if len(steps) == 1 or drawn == [i % len(PLANS) for i in flat]:
        return "plans are drawn at random, not taken in turn"
    # Each of the two happens by chance once in a million times, or less.
    if all(len(set(others)) == len(others) for _, others in found) or all(
            len(set(epoch)) == len(epoch)
            for epoch in in_epochs(drawn, len(PLANS))):
        return ("each plan is drawn from all, so that one comes twice now and "
                "then; only codes come in epochs")
    return None


def in_epochs(numbers, size):
    """The whole epochs of so many numbers."""
    return [numbers[at:at + size]
            for at in range(0, len(numbers) - size + 1, size)]


# --------------------------------------------------- exercise 3: what is equal

def what_is_equal(one, other):
    """(same codes in the same order, as many updates, times as much read).

    ``one`` and ``other`` are trainings: a list of updates, each a pair of
    lists, numbers of codes and of plans.  Introduced in notebook 06.
    """
    codes = [[chosen for chosen, _ in training] for training in (one, other)]
    read = [sum(len(chosen) + len(others) for chosen, others in training)
            for training in (one, other)]
    return codes[0] == codes[1], len(one) == len(other), read[0] / read[1]


TWO = [([0, 2], [5, 5]), ([1, 3], [4, 0])]
ALONE = [(chosen, []) for chosen, _ in TWO]
TRAININGS = {
    "code alone": ALONE,
    "another order": [([2, 0], []), ([1, 3], [])],
    "updates the other way round": ALONE[::-1],
    "an update more": [*ALONE, ([0, 2], [])],
    "larger updates": [([0, 2, 4], []), ([1, 3, 5], [])],
    "a short last update": [([0, 2], []), ([1], [])],
    "programs in the place of plans": [([0, 2], [1, 1]), ([1, 3], [0, 2])]}
FACTS = ("the order of the codes", "the updates", "what is read")


@exercise
def check_06_3(answer):
    """Exercise 3: what two trainings share, and what they do not.

    Names the mistakes that are found.
    """
    for name, other in TRAININGS.items():
        right = what_is_equal(TWO, other)
        title = f"{right} for two tasks against {name}"
        got, failed = attempt(answer, [*TWO], [*other])
        facts, failed = (None, failed) if failed else entries(
            got, "return three values")
        if not failed and len(facts) != 3:
            failed = misfit(got, "return three values")
        if failed:
            return say(title, failed)
        for at in (0, 1):
            if facts[at] not in (True, False):
                return say(title, misfit(facts[at], "the first two are True "
                                         "or False", "an entry"))
        times, failed = one_number(facts[2], "the third one is a number")
        if failed:
            return say(title, failed)
        why = slip_in_facts([bool(facts[0]), bool(facts[1]), times], other)
        if why:
            return say(title, (bool(facts[0]), bool(facts[1]),
                               round(times, 2)), why)
    return say(f"what is equal in {len(TRAININGS)} comparisons", "it")


def slip_in_facts(facts, other):
    """Which of the three facts is wrong, and why; None if none is."""
    order, updates, times = what_is_equal(TWO, other)
    if facts[0] != order:
        return ("the plans do not belong to the order of the codes"
                if facts[0] == (TWO == other) else
                "the same codes in another order are not equal")
    if facts[1] != updates:
        return "as many updates means lists of the same length"
    if math.isclose(facts[2], times, rel_tol=1e-3):
        return None
    if math.isclose(facts[2], 1 / times, rel_tol=1e-3):
        return "turned round: what the first reads over what the other reads"
    codes = [sum(len(chosen) for chosen, _ in training)
             for training in (TWO, other)]
    return ("plans are read, too" if math.isclose(
        facts[2], codes[0] / codes[1], rel_tol=1e-3) else
        "count the examples of all updates, codes and plans")
