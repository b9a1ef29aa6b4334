"""One run of one of CodePLAN's rivals: plans, training, exam.

A seed stands for the teacher's plans, the start of the adapter, the order of
the batches and the samples of the exam.  The models are the same in all
runs.  :mod:`helpers.workshop.campaign` runs all of them.
"""

import time
from dataclasses import replace
from functools import cache

from helpers.execution import Runner
from helpers.multitask import (code_examples, direct, generated_tokens,
                               plan_examples, plan_first, plan_head,
                               train_two_tasks)
from helpers.plans import (PLAN_EXEMPLARS, Plan, choose, code_from_plans,
                           code_request, elicit, judge_both, own_code_request,
                           score_plans)
from helpers.problems import load_problems
from helpers.prompts import cut_section
from helpers.sampling import sample
from helpers.studies.codeplan import ASKED, NO_PLAN, TASK, TEACHER
from helpers.teachers.checkpoint import LanguageModel, load_model
from helpers.training import add_lora
from helpers.workshop.pools import MODELS, passes_by_problem, pool

SAMPLING = {"sequences": 800, "progress": False}
MEASURED = 120       # training problems whose plans are scored


@cache
def teacher(name=TEACHER):
    """The teacher, loaded once a process."""
    return load_model(f"{MODELS}/{name}")


def training_problems(programs, seed, limit=None):
    """The training problems, with whose ``programs`` as solutions.

    "verified": in EKT's setting there are no reference programs; the teacher
    writes ten for each problem, and the different ones that pass the example
    tests are kept, four at most.  Problems without one are left out.
    """
    problems = load_problems(TASK, "train", limit=limit)
    if programs == "reference":
        return problems
    prompts = {p.task_id: own_code_request(p.question, PLAN_EXEMPLARS[TASK])
               for p in load_problems(TASK, "train")}
    with pool(f"{TASK}-own-programs", TEACHER, seed) as path:
        samples = sample(teacher(), prompts, 10, 0.6, seed=seed,
                         max_new_tokens=64, cut=cut_section, cache=path,
                         **SAMPLING)
    with Runner(workers=1) as runner:
        return verified(runner, problems, samples)


def verified(runner, problems, samples):
    """The problems with those of ``samples`` as solutions that pass.

    Four different ones that pass the example tests at most; problems without
    one are left out.
    """
    ours = {p.task_id: [] for p in problems}
    samples = [s for s in samples if s.task_id in ours]
    marks = judge_both(runner, problems, [
        (s, s.completion) for s in samples], False)
    for s, (shown, _) in zip(samples, marks):
        if shown and s.completion not in ours[s.task_id]:
            ours[s.task_id].append(s.completion)
    return [replace(p, solutions=tuple(ours[p.task_id][:4]))
            for p in problems if ours[p.task_id]]


def pool_of_plans(name, seed, programs="reference"):
    """The teacher's plans of all training problems, asked for as ``name``."""
    way, n, temperature, solutions = ASKED[name]
    problems = training_problems(programs, seed)
    what = name if programs == "reference" else f"{name}-{programs}"
    with pool(f"{TASK}-{what}", TEACHER, seed) as path:
        return elicit(teacher(), problems, way, PLAN_EXEMPLARS[TASK], n,
                      solutions, temperature, seed=seed, max_new_tokens=96,
                      cache=path, **SAMPLING)


def scored(name, seed, problems):
    """The plans of ``problems`` with two programs each, judged.

    For :data:`NO_PLAN` the teacher writes two programs from the question.
    """
    by_id, exemplar = {p.task_id: p for p in problems}, PLAN_EXEMPLARS[TASK]
    settings = {"seed": seed, "max_new_tokens": 64, **SAMPLING}
    if name == NO_PLAN:
        samples = sample(
            teacher(), {p.task_id: own_code_request(p.question, exemplar)
                        for p in problems}, 2, 0.2, cut=cut_section,
            **settings)
        written = [(Plan(s.task_id, name, -1, 0, ""), s.completion)
                   for s in samples]
    else:
        plans = [p for p in pool_of_plans(name, seed) if p.task_id in by_id]
        with pool(f"{TASK}-{name}-codes", TEACHER, seed) as path:
            written = code_from_plans(
                teacher(), plans, lambda plan: code_request(
                    by_id[plan.task_id].question, plan.text, exemplar),
                2, 0.2, cache=path, **settings)
    with Runner(workers=1) as runner:
        return score_plans(runner, problems, written, progress=False)


def second_task(rival, problems, seed):
    """The second task's examples.

    ``forward-chosen`` keeps, of a problem's forward plans, the one with most
    programs that pass the example tests.
    """
    if not rival.beside:
        return []
    if rival.beside == "codes":
        return code_examples(problems)
    if rival.beside == "forward-chosen":
        plans = choose(scored("forward", seed, problems))
    else:
        plans = pool_of_plans(rival.beside, seed, rival.programs)
    if rival.per_problem:
        kept, some = {}, []
        for plan in plans:
            kept[plan.task_id] = kept.get(plan.task_id, 0) + 1
            if kept[plan.task_id] <= rival.per_problem:
                some.append(plan)
        plans = some
    return plan_examples(problems, plans)


def teach(rival, seed):
    """A fresh student of the rival, trained; (student, plan head, record)."""
    lm = load_model(f"{MODELS}/{rival.model}")
    if not rival.updates:
        return lm, None, {}
    problems = training_problems(rival.programs, seed, rival.problems)
    codes, others = code_examples(problems), second_task(rival, problems, seed)
    lm = add_lora(lm, 16, seed)
    head = plan_head(lm) if rival.head else None
    losses = train_two_tasks(
        lm, codes, others, rival.updates, 16, rival.rate, rival.weights,
        head, rival.same_problem, seed, progress=False)
    model = lm.model.merge_and_unload().eval()
    last = losses[-20:]
    return LanguageModel(f"{rival.name}-{seed}", model, lm.tokenizer), head, {
        "codes": len(codes), "beside": len(others),
        "losses": [round(sum(pair[i] for pair in last) / len(last), 4)
                   if rival.weights[i] else None for i in (0, 1)]}


def tally(problems, items, marks):
    """Example and hidden passes of each problem, two lists of counts."""
    found = passes_by_problem(problems, zip(items, marks))
    return tuple([sum(mark[part] for mark in some) for some in found]
                 for part in (0, 1))


def run_plan_rival(rival, seed, split="test"):
    """Train and examine one student with one seed; the record for JSON."""
    began = time.monotonic()
    exam = load_problems(TASK, split)
    lm, head, record = teach(rival, seed)
    samples = direct(lm, exam, rival.n, seed=seed, max_new_tokens=64,
                     **SAMPLING)
    greedy = direct(lm, exam, 1, 0, max_new_tokens=64, **SAMPLING)
    with Runner(workers=1) as runner:
        marks, best = (judge_both(runner, exam, [(s, s.completion)
                                                 for s in items], False)
                       for items in (samples, greedy))
        shown, counts = tally(exam, samples, marks)
        record |= {"counts": counts, "shown": shown,
                   "greedy": tally(exam, greedy, best)[1],
                   "tokens": generated_tokens(lm, [
                       s.completion for s in samples])}
        if rival.plans:
            record["plan-first"] = scores_of_plans(lm, runner, rival,
                                                   exam, seed)
            if head is not None:
                record["plan-first, plan head"] = scores_of_plans(
                    lm, runner, rival, exam, seed, head)
    return record | {"seconds": round(time.monotonic() - began)}


def scores_of_plans(lm, runner, rival, exam, seed, head=None):
    """Plans of the student, programs from each, and what they cost.

    ``plans``: for each problem a list of (example passes, hidden passes) of a
    plan's programs.
    """
    written = plan_first(lm, exam, rival.plans, rival.codes, head=head,
                         seed=seed, max_new_tokens=96, code_tokens=64,
                         **SAMPLING)
    plans = dict.fromkeys(plan for plan, _ in written)
    scores = score_plans(runner, exam, written, progress=False)
    return {"plans": passes(exam, scores), "codes": rival.codes,
            "tokens": generated_tokens(lm, [p.text for p in plans]
                                       + [text for _, text in written])}


def measure_plans(name, seed):
    """The worth of the teacher's plans of the first training problems.

    For each problem a list of (example passes, hidden passes) of two programs.
    """
    problems = load_problems(TASK, "train", limit=MEASURED)
    return {"plans": passes(problems, scored(name, seed, problems)),
            "codes": 2}


def passes(problems, scores):
    """For each problem (example passes, hidden passes) of each plan."""
    return passes_by_problem(problems, (
        (score.plan, (score.examples, score.hidden)) for score in scores))
