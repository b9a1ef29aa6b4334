"""Checks of the exercises in notebook M6."""

import math
from itertools import product

import torch

from helpers.checks.report import (attempt, exercise, near_miss,
                                   one_number, say)
from helpers.evaluation import pass_at_k
from helpers.plans import best_of


# -------------------------------------------- exercise 1: repair a mixed loss

def mixed_loss(codes, plans, weights):
    """The sum of both tasks' losses, each the mean over its own tokens.

    ``codes``, ``plans``: micro-batches as (mean loss, trained tokens);
    ``weights``: of code and plan.  Introduced in notebook M6.
    """
    total = 0
    for part, weight in zip((codes, plans), weights):
        if part:
            tokens = sum(count for _, count in part)
            whole = sum(loss * count for loss, count in part)
            total = total + weight * whole / tokens
    return total


def as_given(codes, plans, weights):
    """The value of the code that is to be repaired."""
    pooled = sum(count for part in (codes, plans) for _, count in part)
    return sum(weight * loss for part, weight in zip((plans, codes), weights)
               for loss, _ in part) / pooled


# What may be made of a task's micro-batches, each (mean loss, tokens).
NORMS = {
    None: lambda part, pooled: (sum(x * n for x, n in part)
                                / sum(n for _, n in part)),
    "a mean over micro-batches, not over tokens: multiply each by its tokens "
    "first": lambda part, pooled: sum(x for x, _ in part) / len(part),
    "each micro-batch is a mean already: multiply it by its tokens before "
    "you divide": lambda part, pooled: (sum(x for x, _ in part)
                                        / sum(n for _, n in part)),
    "the losses of the micro-batches are added up and never divided":
        lambda part, pooled: sum(x for x, _ in part),
    "the sum over tokens is never divided": lambda part, pooled: sum(
        x * n for x, n in part),
    "both tasks are divided by the tokens of both: long plans then drown "
    "short programs": lambda part, pooled: sum(x * n for x, n in part)
        / pooled,
    "each micro-batch is a mean already, and both tasks are divided by the "
    "tokens of both": lambda part, pooled: sum(x for x, _ in part) / pooled,
}
WEIGHED = {None: lambda a, b: (a, b),
           "the weights are swapped": lambda a, b: (b, a),
           "the weights are not used": lambda a, b: (1, 1),
           "the weights are scaled to add up to 1; they must not be":
               lambda a, b: (a / (a + b), b / (a + b)),
           "the total is halved; add the two": lambda a, b: (a / 2, b / 2)}


def micro_batches():
    """Two tasks in micro-batches (mean loss, tokens), and the weights."""
    codes, plans = ([(torch.tensor(x, requires_grad=True), n)
                     for x, n in part] for part in (
        ((0.9, 20), (0.3, 50)), ((1.7, 90), (2.4, 30), (0.6, 70))))
    return codes, plans, (2.0, 0.5)


def mixed_value(codes, plans, weights, norm=NORMS[None],
                weigh=WEIGHED[None]):
    """The mixed loss, with mistakes to choose."""
    pooled = sum(n for part in (codes, plans) for _, n in part)
    return sum(weight * norm(part, pooled) for part, weight in zip(
        (codes, plans), weigh(*weights)) if part)


@exercise
def check_m6_1(answer):
    """Exercise 1: each task by its own tokens, then the weights.

    Names the mistakes that are found.
    """
    with torch.enable_grad():
        codes, plans, weights = micro_batches()
        right = mixed_value(codes, plans, weights)
        title = f"a loss of {right.item():.4f}"
        got, failed = attempt(answer, list(codes), list(plans), weights)
        if not failed:
            value, failed = one_number(got, "one number is wanted")
        if failed:
            return say(title, failed)
        if not math.isclose(value, right.item(), rel_tol=1e-5):
            return say(title, f"{value:.4f}", slip_in_mix(value))
        leaves = [x for x, _ in codes + plans]
        wanted = torch.autograd.grad(right, leaves)
        try:
            got = torch.autograd.grad(got, leaves, allow_unused=True,
                                      materialize_grads=True)
        except (RuntimeError, TypeError, AttributeError):
            return say(title, "a number without a gradient", "it cannot be "
                       "trained with: keep the losses tensors")
        if not all(torch.allclose(a, b) for a, b in zip(got, wanted)):
            return say(title, "another gradient", "is a part detached?")
    right_alone = mixed_value(codes, [], (1.0, 0.0)).item()
    alone, failed = attempt(answer, list(codes), [], (1.0, 0.0))
    if not failed:
        alone, failed = one_number(alone, "one number is wanted")
    if failed or not math.isclose(alone, right_alone, abs_tol=1e-4):
        return say(f"{right_alone:.4f} without plans",
                   failed or f"{alone:.4f}", "weights (1, 0) and no plans "
                   "are ordinary fine-tuning, and must work")
    return say(f"a loss of {right.item():.4f}", "it")


def slip_in_mix(value):
    """What makes the value of :func:`micro_batches` the given one.

    Of the code as it was given only that: the mistakes are to be found.
    """
    codes, plans, weights = micro_batches()
    if math.isclose(value, as_given(codes, plans, weights).item(),
                    rel_tol=1e-5):
        return "that is the code as it was given; it has three mistakes"
    for (why, norm), (cause, weigh) in sorted(
            product(NORMS.items(), WEIGHED.items()),
            key=lambda pair: sum(part[0] is not None for part in pair)):
        known = mixed_value(codes, plans, weights, norm, weigh).item()
        if math.isclose(value, known, rel_tol=1e-5):
            return "; and ".join(filter(None, (cause, why)))
    return ("each task is the mean over all of its own tokens, and the total "
            "is the weighted sum of the two")


# --------------------------------------------- exercise 2: a fair comparison

def fair_gain(direct, planned):
    """What planning first gains over direct sampling of the same cost.

    The mean over problems of a difference of fractions.  ``direct``: "n"
    programs a problem, the "tokens" of all, "counts", (examples passed,
    hidden tests passed) of each problem.  ``planned``: for each problem a
    list of such pairs, a pair a plan ("plans"), of "codes" programs each, and
    their "tokens".  Introduced in notebook M6.
    """
    n, gains = direct["n"], []
    m = int(planned["tokens"] * n // direct["tokens"])
    for (e, c), plans in zip(direct["counts"], planned["plans"]):
        first = best_of([shown for shown, _ in plans],
                        [right / max(shown, 1) for shown, right in plans],
                        len(plans))
        gains.append(first - pass_at_k(n, e, m) * c / max(e, 1))
    return sum(gains) / len(gains)


DIRECT = {"n": 20, "tokens": 20 * 5 * 41, "counts": [
    (12, 10), (3, 2), (0, 0), (17, 15), (1, 0)]}
PLANNED = {"codes": 4, "tokens": 5 * 644, "plans": [
    [(4, 4), (4, 2), (1, 0)], [(0, 0), (2, 2), (2, 1)],
    [(0, 0), (0, 0), (1, 1)], [(4, 4), (3, 3), (4, 0)],
    [(1, 0), (0, 0), (1, 1)]]}
TRIES = {
    None: lambda ratio: math.floor(ratio),
    "more tokens than planning took: round down":
        lambda ratio: math.ceil(ratio),
    "as many programs, but planning also pays for its plans":
        lambda ratio: 12,
    "all direct programs are used, whatever they cost": lambda ratio: 20}
DIRECTLY = {
    None: lambda n, e, c, m: pass_at_k(n, e, m) * c / max(e, 1),
    "pass@m takes any right program: that is an oracle for direct sampling":
        lambda n, e, c, m: pass_at_k(n, c, m),
    "a program that passes the examples need not be right: times c / e":
        lambda n, e, c, m: pass_at_k(n, e, m),
    "the direct program is not chosen: draw as many as the tokens allow":
        lambda n, e, c, m: c / n}
FIRST = {
    None: lambda plans, codes: best_of(
        [e for e, _ in plans], [c / max(e, 1) for e, c in plans], len(plans)),
    "take one of the plan's programs that pass the examples, not any of its "
    "programs": lambda plans, codes: best_of(
        [e for e, _ in plans], [c / codes for _, c in plans], len(plans)),
    "the plan is chosen by hidden tests: that is the oracle":
        lambda plans, codes: best_of(
            [c for _, c in plans], [c / max(e, 1) for e, c in plans],
            len(plans)),
    "the plan is not chosen": lambda plans, codes: sum(
        c / max(e, 1) for e, c in plans) / len(plans),
    "among equal plans one is drawn, not the first taken (best_of does it)":
        lambda plans, codes: next(c / max(e, 1) for e, c in plans
                                  if e == max(e for e, _ in plans))}
SIGNS = {None: 1, "the sign is turned: planning minus direct": -1,
         "a sum over problems; take the mean": len(DIRECT["counts"])}


def gain_with(tries=TRIES[None], directly=DIRECTLY[None], first=FIRST[None],
              sign=1):
    """Planning minus direct sampling, with mistakes to choose."""
    n, problems = DIRECT["n"], len(DIRECT["counts"])
    m = tries(PLANNED["tokens"] * n / DIRECT["tokens"])
    return sign * sum(
        first(plans, PLANNED["codes"]) - directly(n, e, c, m)
        for (e, c), plans in zip(DIRECT["counts"], PLANNED["plans"])
    ) / problems


@exercise
def check_m6_2(answer):
    """Exercise 2: what planning gains over direct sampling of equal cost.

    Names the mistakes that are found.
    """
    right = gain_with()
    title = f"a gain of {right:+.4f}"
    copies = [{key: list(value) if isinstance(value, list) else value
               for key, value in part.items()} for part in (DIRECT, PLANNED)]
    got, failed = attempt(answer, *copies)
    if not failed:
        value, failed = one_number(got, "one number is wanted")
    if failed:
        return say(title, failed, "no program passes the examples of one "
                   "problem" if failed.kind == "ZeroDivisionError" else None)
    if math.isclose(value, right, abs_tol=1e-9):
        return say(title, f"{value:+.4f}")
    for parts in sorted(product(*(part.items() for part in (
            TRIES, DIRECTLY, FIRST, SIGNS))),
            key=lambda parts: sum(why is not None for why, _ in parts)):
        if math.isclose(value, gain_with(*(p for _, p in parts)),
                        abs_tol=1e-9):
            return say(title, f"{value:+.4f}",
                       "; and ".join(why for why, _ in parts if why))
    return say(title, f"{value:+.4f}", near_miss([value], [right])
               or "compute one problem by hand")
