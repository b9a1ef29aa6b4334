"""What the models of ``mini-apps``, second edition, must be able to do.

A comparison of students says something only where these hold.  A base must
carry out steps that a comment spells out, and must not find the formula of a
long story at once; a teacher must recover a derivation where its parts are
shown, and only there.  Each function measures one thing on fresh stories.
"""

import random

import torch

from helpers.mini.derivations import steps_of
from helpers.mini.formulas import (derivation, draw_formula_story, formula_of,
                                   hiding, order_of, showing)
from helpers.mini.tasks import question_of
from helpers.plans import PLAN_EXEMPLARS, elicit
from helpers.problems import Problem
from helpers.prompts import cut_section, section
from helpers.sampling import sample
from helpers.studies.dial import DIAL_TASK
from helpers.training import collate
from helpers.workshop.codeplan_runs import SAMPLING
from helpers.workshop.dial_runs import PLAN_TOKENS, whole

SMALL_AND_LARGE = (1, 4, 17, 58, 143)          # inputs of the gates' tests


def fresh_problems(seed, steps, shuffled, count, program=hiding):
    """``count`` problems of one kind, with one reference program each."""
    rng, found = random.Random(f"{seed}|{steps}|{shuffled}"), []
    for number in range(count):
        story = draw_formula_story(rng, steps, shuffled)
        order = order_of(story)
        formula = formula_of(order)
        tests = tuple((f"{n}\n", f"{formula.value(n)}\n")
                      for n in SMALL_AND_LARGE)
        found.append(Problem(
            f"gate/{steps}/{shuffled}/{number}", question_of(story), "stdio",
            tests=tests, examples=tests[:2],
            solutions=(program(order, "n"),)))
    return found


@torch.no_grad()
def carried_on(lm, problems):
    """How often the running formula is right, for each step in turn.

    The base reads question and commented program as they should be, and is
    asked for each comment's formula; all tokens of it must be right.
    ``problems`` have one number of steps.
    """
    rows, marks = [], []
    for problem in problems:
        order = steps_of(problem.question)
        begun = section("question", problem.question + "\n") + section("code")
        text = begun + showing(order, "x", comments=True)
        read = lm.tokenizer(text, return_offsets_mapping=True)
        at, places = len(begun), []
        for note in derivation(order)[1:-1]:
            at = text.index(f"# {note}", at) + len("# ")
            first, at = at + note.index(",") + 1, at + len(note)
            places.append([i for i, (begin, end) in enumerate(
                read["offset_mapping"]) if first <= begin and end <= at])
        rows.append((read["input_ids"], places))
    ids, _, mask = (part.to(lm.model.device) for part in collate(
        [(row, row) for row, _ in rows], lm.tokenizer.eos_token_id))
    best = lm.model(input_ids=ids, attention_mask=mask).logits.argmax(-1)
    for row, said, (_, places) in zip(ids, best, rows):
        marks.append([all(said[i - 1] == row[i] for i in some)
                      for some in places])
    return [sum(column) / len(marks) for column in zip(*marks)]


def solved(runner, lm, problems, begun):
    """The share of problems that the greedy program solves.

    ``begun`` is how the program begins ("n = int(input())\\nprint(" asks
    for a formula).
    """
    prompts = {p.task_id: section("question", p.question + "\n")
               + section("code") + begun for p in problems}
    written = sample(lm, prompts, 1, 0, max_new_tokens=160, cut=cut_section,
                     **SAMPLING)
    marks = list(runner.judge_many([
        (p, begun + s.completion) for p, s in zip(problems, written)],
        progress=False))
    return sum(verdict.status == "passed" for verdict in marks) / len(marks)


def recovered(lm, way, problems):
    """The share of the teacher's greedy plans that are whole derivations.

    ``way`` as in :func:`helpers.plans.elicit`, with a program each.
    """
    plans = elicit(lm, problems, way, PLAN_EXEMPLARS[DIAL_TASK], 1, None, 0,
                   max_new_tokens=PLAN_TOKENS, **SAMPLING)
    return sum(whole(problems, plans)) / len(problems)
