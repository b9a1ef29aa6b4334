"""Checks of the exercises in notebook M5."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch.nn.functional import cross_entropy, pad

from helpers.checks.report import (attempt, entries, exercise, failure,
                                   in_words, misfit, say, shown)
from helpers.execution import Verdict
from helpers.expert_iteration import Round
from helpers.problems import Problem
from helpers.sampling import Sample
from helpers.training import IGNORED

# ---- exercise 1: expert iteration

QUESTIONS = ["check/0", "check/1", "check/2"]


def sample_of(task, right, index):
    """A judged sample of a problem, right or wrong."""
    return (Sample(task_id=task, sample_index=index, seed=0, temperature=0.6,
                   top_p=1.0, max_new_tokens=64,
                   completion=f"answer = {index}\n", finish_reason="stop",
                   model="check", prompt_hash="0"),
            Verdict("passed" if right else "wrong", None, "", 0.0))


@dataclass
class World:
    """Three problems; which are solved in which round is known.

    ``fit`` and ``ask`` note down in ``fits`` and ``asks`` what they are
    called with.
    """

    problems: list
    judged: list
    fits: list
    asks: list
    fit: Callable
    ask: Callable


def small_world():
    """A new :class:`World`."""
    fits, asks = [], []

    def fit(examples):              # trains nothing; a student is its name
        fits.append([one.task_id for one in examples])
        return f"student {len(fits)}"

    def ask(student, problems, number):   # check/0 is solved when asked again
        asks.append((student, [p.task_id for p in problems], number))
        return [sample_of(p.task_id, p.task_id == "check/0", number)
                for p in problems]

    return World(
        [Problem(task_id=task, question=task, mode="answer", answer="1")
         for task in QUESTIONS],
        [sample_of(task, task == "check/1", 0) for task in QUESTIONS],
        fits, asks, fit, ask)


FITS = [["check/1"], ["check/0", "check/1"], ["check/0", "check/1"]]
ASKS = [("student 1", ["check/0", "check/2"], 1),
        ("student 2", ["check/2"], 2)]


@exercise
def check_m5_1(expert_iteration):
    """Exercise 1: three rounds in a world that is known."""
    world, title = small_world(), "rounds 1, 2 and 3"
    before = list(world.judged)
    got, failed = attempt(expert_iteration, world.problems, world.judged, 3,
                          world.fit, world.ask)
    if failed:
        return say(title, failed)
    rounds, failed = entries(got, "yield a Round for each round")
    if failed:
        return say(title, failed)
    if not rounds:
        return say(title, "nothing", "yield a Round after each training")
    for one in rounds:
        if not isinstance(one, Round):
            return say(title, misfit(one, "yield Round(number, examples, "
                                     "student, drawn)"))
    numbers = [one.number for one in rounds]
    if numbers != [1, 2, 3]:
        return say(title, numbers, "`rounds` of them, counted from 1")
    if world.judged != before:
        return say("judged as it was", "a longer one", "the caller still "
                   "needs it: begin with judged = list(judged)")
    why = slip_in_rounds(world, rounds) or slip_in_one_round(expert_iteration)
    return say("the right pairs, students and questions",
               "others" if why else "them", why)


def slip_in_rounds(world, rounds):
    """Why the rounds, or what was asked in them, are wrong; or None."""
    if len(world.fits) != 3:
        return "one student is trained in each round"
    if world.fits != FITS:
        lost = world.fits[0] == FITS[0] and "check/1" not in world.fits[1]
        return ("a solved problem keeps its pair in later rounds: filter all "
                "judged samples so far" if lost else
                "the pairs of a round are first_correct(problems, judged)")
    if len(world.asks) == 3:
        return "nobody uses what is drawn after the last round: do not ask"
    if any("check/1" in asked for _, asked, _ in world.asks):
        return "solved problems are asked again; ask the unsolved ones"
    if [student for student, *_ in world.asks] != ["student 1", "student 2"]:
        return "the student of this very round is the one to ask"
    if world.asks != ASKS:
        return "ask(student, unsolved, number), the problems themselves"
    if [[one.task_id for one in r.examples] for r in rounds] != FITS or [
            r.student for r in rounds] != ["student 1", "student 2",
                                           "student 3"]:
        return "a Round holds the pairs and the student of that round"
    if [one.drawn for one in rounds] != [3, 5, 6]:
        return ("drawn counts all samples that were there when the round's "
                "student was trained")
    return None


def slip_in_one_round(expert_iteration):
    """Why a single round goes wrong; None if it does not."""
    world = small_world()
    got, failed = attempt(expert_iteration, world.problems, world.judged, 1,
                          world.fit, world.ask)
    found, failed = (None, failed) if failed else entries(got, "yield Rounds")
    if failed:
        return f"with rounds = 1: {failed.got}, {failed.why}"
    if (len(found), len(world.fits), len(world.asks)) != (1, 1, 0):
        return ("rounds says how many there are: with rounds = 1 one student "
                "is trained, and nobody is asked")
    return None


# ---- exercise 2: repair a distillation

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


def as_it_was(student, teacher, labels):
    """The value of the program that is to be repaired.

    It is told by itself: a saved notebook names no mistake of it.
    """
    return (own_loss(student, labels, 0) + followed(
        student, teacher, labels, lambda each, mask: each.mean(), 0, "after",
        turned=True)).item()


def slip_in_value(distil_step, value):
    """Why ``value`` is not the loss of :func:`two_models`; None if it is."""
    student, teacher, labels = two_models()
    if math.isclose(value, as_it_was(student, teacher, labels),
                    rel_tol=2e-5):
        return "this is the program as it was; nothing is repaired so far"
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
def check_m5_2(distil_step):
    """Exercise 2: cross-entropy and divergence, and only the student learns.

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
    """The second half of exercise 2: who learns from the loss."""
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
