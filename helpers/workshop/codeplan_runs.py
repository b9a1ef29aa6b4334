"""One run of one of CodePLAN's rivals: plans, training, exam.

A seed stands for the teacher's plans, the start of the adapter, the order of
the batches and the samples of the exam.  The models are the same in all
runs.  :mod:`helpers.workshop.campaign` runs all of them.

Introduced in notebook 06, section 9.
"""

import fcntl
import time
from dataclasses import replace
from functools import cache

from helpers.execution import Runner
from helpers.multitask import (code_examples, code_from_plans, direct,
                               generated_tokens, plan_examples, plan_head,
                               student_plans, train_two_tasks)
from helpers.plans import (EXEMPLARS, Plan, choose, elicit, judge_both,
                           own_code_request, score_plans, write_from_plans)
from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.prompts import cut_section
from helpers.sampling import sample
from helpers.studies.codeplan import TASK
from helpers.teachers.checkpoint import LanguageModel, fingerprint, load_model
from helpers.training import add_lora

FOLDER, TEACHER = "data/mini", "plan-teacher"
SAMPLING = {"sequences": 800, "progress": False}
# What the teacher is asked for: way, plans per prompt, temperature, and how
# many of the solutions are explained.
ASKED = {
    "forward": ("forward", 5, 0.6, None),
    "backward": ("backward", 1, 0.2, None),
    "backward-with-question": ("backward-with-question", 1, 0.2, None),
    "backward-warm": ("backward", 5, 0.6, 1),
    "backward-with-question-warm": ("backward-with-question", 5, 0.6, 1),
}
NO_PLAN = "none"     # the same exemplar, question and temperature, no plan
MEASURED = 120       # training problems whose plans are scored


@cache
def teacher():
    """The teacher, loaded once a process.

    Introduced in notebook 06, section 9.
    """
    return load_model(f"{FOLDER}/{TEACHER}")


def kept(name, seed):
    """A file for what a seed's rivals share; held by one process at a time.

    Introduced in notebook 06, section 9.
    """
    folder = get_profile("mini").runs / "rivals" / "pools"
    folder.mkdir(parents=True, exist_ok=True)
    mark = fingerprint(ROOT / FOLDER / TEACHER)
    path = folder / f"{TASK}-{name}-{mark}-{seed}.jsonl"
    lock = open(path.with_suffix(".lock"), "w")
    fcntl.flock(lock, fcntl.LOCK_EX)         # until it is closed
    return path, lock


def training_problems(programs, seed, limit=None):
    """The training problems, with whose ``programs`` as solutions.

    "verified": in EKT's setting there are no reference programs; the teacher
    writes ten for each problem, and the different ones that pass the example
    tests are kept, four at most.  Problems without one are left out.
    Introduced in notebook 06, section 9.
    """
    problems = load_problems(TASK, "train", limit=limit)
    if programs == "reference":
        return problems
    path, lock = kept("own-programs", seed)
    prompts = {p.task_id: own_code_request(p.question, EXEMPLARS[TASK])
               for p in load_problems(TASK, "train")}
    with lock:
        samples = sample(teacher(), prompts, 10, 0.6, seed=seed,
                         max_new_tokens=64, cut=cut_section, cache=path,
                         **SAMPLING)
    ours = {p.task_id: [] for p in problems}
    samples = [s for s in samples if s.task_id in ours]
    with Runner(workers=1) as runner:
        marks = judge_both(runner, problems, [
            (s, s.completion) for s in samples], False)
    for s, (shown, _) in zip(samples, marks):
        if shown and s.completion not in ours[s.task_id]:
            ours[s.task_id].append(s.completion)
    return [replace(p, solutions=tuple(ours[p.task_id][:4]))
            for p in problems if ours[p.task_id]]


def pool_of_plans(name, seed, programs="reference"):
    """The teacher's plans of all training problems, asked for as ``name``.

    Introduced in notebook 06, section 9.
    """
    way, n, temperature, solutions = ASKED[name]
    problems = training_problems(programs, seed)
    path, lock = kept(name if programs == "reference"
                      else f"{name}-{programs}", seed)
    with lock:
        return elicit(teacher(), problems, way, EXEMPLARS[TASK], n,
                      solutions, temperature, seed=seed, max_new_tokens=96,
                      cache=path, **SAMPLING)


def scored(name, seed, problems):
    """The plans of ``problems`` with two programs each, judged.

    For :data:`NO_PLAN` the teacher writes two programs from the question.
    Introduced in notebook 06, section 9.
    """
    ours, exemplar = {p.task_id for p in problems}, EXEMPLARS[TASK]
    settings = {"seed": seed, "max_new_tokens": 64, **SAMPLING}
    if name == NO_PLAN:
        samples = sample(
            teacher(), {p.task_id: own_code_request(p.question, exemplar)
                        for p in problems}, 2, 0.2, cut=cut_section,
            **settings)
        written = [(Plan(s.task_id, name, -1, 0, ""), s.completion)
                   for s in samples]
    else:
        plans = [p for p in pool_of_plans(name, seed) if p.task_id in ours]
        path, lock = kept(f"{name}-codes", seed)
        with lock:
            written = write_from_plans(teacher(), problems, plans, exemplar,
                                       2, 0.2, cache=path, **settings)
    with Runner(workers=1) as runner:
        return score_plans(runner, problems, written, progress=False)


def beside(rival, problems, seed):
    """The second task's examples.  Introduced in notebook 06, section 9.

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
        kept_so_far, some = {}, []
        for plan in plans:
            kept_so_far[plan.task_id] = kept_so_far.get(plan.task_id, 0) + 1
            if kept_so_far[plan.task_id] <= rival.per_problem:
                some.append(plan)
        plans = some
    return plan_examples(problems, plans)


def teach(rival, seed):
    """A fresh student of the rival, trained; (student, plan head, record).

    Introduced in notebook 06, section 9.
    """
    lm = load_model(f"{FOLDER}/{rival.model}")
    if not rival.updates:
        return lm, None, {}
    problems = training_problems(rival.programs, seed, rival.problems)
    codes, others = code_examples(problems), beside(rival, problems, seed)
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
    """Example and hidden passes of each problem, two lists of counts.

    Introduced in notebook 06, section 9.
    """
    shown = {p.task_id: 0 for p in problems}
    hidden = dict(shown)
    for item, (example, right) in zip(items, marks):
        shown[item.task_id] += example
        hidden[item.task_id] += right
    return list(shown.values()), list(hidden.values())


def run_plan_rival(rival, seed, split="test"):
    """Train and examine one student with one seed; the record for JSON.

    Introduced in notebook 06, section 9.
    """
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
            record["plan-first"] = plan_first(lm, runner, rival, exam, seed)
            if head is not None:
                record["plan-first, plan head"] = plan_first(
                    lm, runner, rival, exam, seed, head)
    return record | {"seconds": round(time.monotonic() - began)}


def plan_first(lm, runner, rival, exam, seed, head=None):
    """Plans of the student, programs from each, and what they cost.

    ``plans``: for each problem a list of (example passes, hidden passes)
    of a plan's programs.  Introduced in notebook 06, section 9.
    """
    plans = student_plans(lm, exam, rival.plans, head=head, seed=seed,
                          max_new_tokens=96, **SAMPLING)
    written = code_from_plans(lm, exam, plans, rival.codes, seed=seed,
                              max_new_tokens=64, **SAMPLING)
    found = {p.task_id: [] for p in exam}
    for score in score_plans(runner, exam, written, progress=False):
        found[score.plan.task_id].append((score.examples, score.hidden))
    return {"plans": list(found.values()), "codes": rival.codes,
            "tokens": generated_tokens(lm, [p.text for p in plans]
                                       + [text for _, text in written])}


def measure_plans(name, seed):
    """The worth of the teacher's plans of the first training problems.

    For each problem a list of (example passes, hidden passes) of two
    programs.  Introduced in notebook 03, section 6.
    """
    problems = load_problems(TASK, "train", limit=MEASURED)
    found = {p.task_id: [] for p in problems}
    for score in scored(name, seed, problems):
        found[score.plan.task_id].append((score.examples, score.hidden))
    return {"plans": list(found.values()), "codes": 2}
