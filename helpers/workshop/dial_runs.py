"""One run of one student of the dial: plans, training, exam.

A seed stands for the teacher's plans, the start of the adapter, the order of
the batches and the samples of the exam.  The plans of a seed and a position
of the dial are shared by the students of both bases.
:mod:`helpers.workshop.campaign` runs all of them.
"""

import time

from helpers.execution import Runner
from helpers.filtering import Example
from helpers.mini.derivations import derives, steps_of
from helpers.mini.formulas import turned
from helpers.multitask import (code_examples, direct, end_line,
                               follow_examples, generated_tokens,
                               plan_examples, plan_first, plan_head,
                               plan_prompt, train_two_tasks)
from helpers.plans import (PLAN_EXEMPLARS, elicit, judge_both,
                           own_code_request)
from helpers.problems import load_problems
from helpers.prompts import cut_section, section
from helpers.sampling import sample
from helpers.studies.dial import DIAL_TASK, DIAL_TEACHER
from helpers.teachers.checkpoint import LanguageModel, load_model
from helpers.training import add_lora
from helpers.workshop.codeplan_runs import (SAMPLING, tally, teacher,
                                            verified)
from helpers.workshop.pools import MODELS, passes_by_problem, pool

PLAN_TOKENS, CODE_TOKENS, BATCH_ROWS = 130, 80, 16


def problems_at(share, split="train"):
    """The problems with the programs that the dial's position gives them."""
    return [turned(p, share) for p in load_problems(DIAL_TASK, split)]


def training_problems(learner, seed):
    """The training problems with the programs that a learner reads.

    "verified": the teacher writes ten for each problem, and the different
    ones that pass the example test are kept, four at most.  Problems without
    one are left out.  Nearly all of them show their steps, also where it is
    asked with a program that hides them: the dial has no other position.
    """
    problems = problems_at(learner.share)
    if not learner.programs:
        return problems
    with pool(f"{DIAL_TASK}-own", DIAL_TEACHER, seed) as path:
        samples = sample(teacher(DIAL_TEACHER), {
            p.task_id: own_code_request(p.question,
                                        PLAN_EXEMPLARS[DIAL_TASK])
            for p in problems}, 10, 0.6, seed=seed, cut=cut_section,
            max_new_tokens=CODE_TOKENS, cache=path, **SAMPLING)
    with Runner(workers=1) as runner:
        return verified(runner, problems, samples)


def plans_at(way, share, seed, problems, programs=None):
    """The teacher's plans, one for each program of ``problems``."""
    what = f"{DIAL_TASK}-{way}-{share:g}" + f"-{programs}" * bool(programs)
    with pool(what, DIAL_TEACHER, seed) as path:
        return elicit(teacher(DIAL_TEACHER), problems, way,
                      PLAN_EXEMPLARS[DIAL_TASK], 1, None, 0.2, seed=seed,
                      max_new_tokens=PLAN_TOKENS, cache=path, **SAMPLING)


def teach_learner(learner, seed):
    """(student, record): a fresh student of the learner's base, trained."""
    problems = training_problems(learner, seed)
    codes, beside, follow, record = code_examples(problems), [], [], {}
    if learner.programs:
        record["programs"] = len(codes)
    if learner.beside == "codes":
        beside = codes
    if learner.way:
        plans = plans_at(learner.way, learner.share, seed, problems,
                         learner.programs)
        if learner.beside == "row":
            codes = row_examples(problems, plans)
        else:
            beside = plan_examples(problems, plans)
        follow = follow_examples(problems, plans) if learner.follows else []
        record["taught"] = {"plans": len(plans), "right": sum(
            whole(problems, plans))}
    lm = load_model(f"{MODELS}/{learner.base}")
    if learner.trains != "all":
        add_lora(lm, 16, seed)
    head = plan_head(lm) if learner.trains == "head" else None
    losses = train_two_tasks(
        lm, codes, beside, learner.updates, BATCH_ROWS, learner.rate,
        learner.weights or (1.0, 1.0 if beside else 0.0), head, seed=seed,
        progress=False, follow=follow)[-20:]
    record["losses"] = [
        round(sum(told[i] for told in losses) / len(losses), 4)
        for i in range(2 + bool(follow)) if i == 0 or beside]
    model = (lm.model if learner.trains == "all"
             else lm.model.merge_and_unload())
    return LanguageModel(f"{learner.name}-{seed}", model.eval(),
                         lm.tokenizer), record


def row_examples(problems, plans):
    """An ``Example`` for each of ``plans``: question -> plan and program."""
    prompts = {p.task_id: plan_prompt(p) for p in problems}
    return [Example(one.task_id, prompts[one.task_id],
                    end_line(plan.text) + section("code") + one.completion)
            for plan, one in zip(plans, follow_examples(problems, plans),
                                 strict=True)]


def in_one_row(lm, problems, n, temperature, **settings):
    """``n`` plans, each with its program behind it: Samples."""
    return sample(lm, {p.task_id: plan_prompt(p) for p in problems}, n,
                  temperature, 0.95, cut=cut_row, **settings)


def cut_row(text):
    """A plan and its program, as :func:`helpers.prompts.cut_section` does."""
    plan, label, rest = text.partition(section("code"))
    if not label:
        return text, "length"
    code, reason = cut_section(rest)
    return plan + label + code, reason


def written_program(learner, completion):
    """The program in what a learner wrote from the question."""
    return (completion.partition(section("code"))[2]
            if learner.beside == "row" else completion)


def whole(problems, plans):
    """For each plan: is it the derivation of its problem's formula?"""
    steps = {p.task_id: steps_of(p.question) for p in problems}
    return [derives(plan.text, steps[plan.task_id]) for plan in plans]


def run_learner(learner, seed, split="test"):
    """Train and examine one student with one seed; the record for JSON."""
    began = time.monotonic()
    exam = load_problems(DIAL_TASK, split)
    lm, record = teach_learner(learner, seed)
    with Runner(workers=1) as runner:
        for name, n, temperature in (("direct", learner.n, 0.6),
                                     ("greedy", 1, 0)):
            written = (in_one_row if learner.beside == "row" else direct)(
                lm, exam, n, temperature, seed=seed, max_new_tokens=CODE_TOKENS
                + PLAN_TOKENS * (learner.beside == "row"), **SAMPLING)
            shown, counts = tally(exam, written, judge_both(
                runner, exam, [(s, written_program(learner, s.completion))
                               for s in written], False))
            record |= {"greedy": counts} if name == "greedy" else {
                "shown": shown, "counts": counts,
                "tokens": generated_tokens(lm, [
                    s.completion for s in written])}
        if learner.plans:
            record["plan-first"] = marks_of_plans(
                lm, runner, learner, exam, seed)
    return record | {"seconds": round(time.monotonic() - began)}


def marks_of_plans(lm, runner, learner, exam, seed):
    """The student's plans, programs from each, and what they cost.

    ``plans``: for each problem, for each plan a mark of each program: 0
    wrong, 1 passes the example tests alone, 2 passes all.  ``right``: plans
    that are whole derivations.  ``greedy``: passes of the greedy program of
    the greedy plan.
    """
    def write(n, codes, temperature):
        return plan_first(lm, exam, n, codes, temperature, seed=seed,
                          max_new_tokens=PLAN_TOKENS, code_tokens=CODE_TOKENS,
                          **SAMPLING)

    best = write(1, 1, 0)
    greedy = tally(exam, [plan for plan, _ in best],
                   judge_both(runner, exam, best, False))[1]
    written = write(learner.plans, learner.codes, 0.6)
    plans = list(dict.fromkeys(plan for plan, _ in written))
    marks, of = judge_both(runner, exam, written, False), {}
    for (plan, _), (example, hidden) in zip(written, marks):
        of.setdefault(plan.name, []).append(2 if hidden else int(example))
    right = whole(exam, plans)
    return {"plans": passes_by_problem(exam, (
                (plan, of.get(plan.name, [0] * learner.codes))
                for plan in plans)),
            "codes": learner.codes, "greedy": greedy,
            "right": [sum(some) for some in passes_by_problem(
                exam, zip(plans, right))],
            "plan_tokens": generated_tokens(lm, [p.text for p in plans]),
            "code_tokens": generated_tokens(lm, [t for _, t in written])}
