"""One run of one rival: its training pairs, its training, its exam.

A seed stands for the teacher's samples, the start of the adapter, the order
of the batches and the samples of the exam.  The models are the same in
all runs.  :mod:`helpers.workshop.campaign` runs all of them.
"""

import random
import time
from collections import Counter
from dataclasses import replace

from helpers import filtering
from helpers.distillation import distil
from helpers.evaluation import count_passed
from helpers.execution import Runner, compare
from helpers.expert_iteration import expert_iteration
from helpers.mini import stories
from helpers.mini.reading import days_in_order, follows, read_story, renamed
from helpers.problems import load_problems
from helpers.programs import spelling
from helpers.prompts import EXEMPLARS, few_shot_prompt, zero_shot_prompt
from helpers.sampling import sample
from helpers.studies.ekt import TASK
from helpers.teachers.checkpoint import LanguageModel, load_model
from helpers.training import add_lora, encode, encode_all, plain, train
from helpers.workshop.pools import MODELS, pool

POOL = 20                                # samples per training problem
PADDED = 256                             # tokens; EKT pads to 400


def ask(lm, problems, n, seed, exemplars=False, temperature=0.6, cache=None):
    """``n`` judged samples for each problem: (sample, verdict) pairs."""
    shown = EXEMPLARS[TASK]
    prompts = {p.task_id: few_shot_prompt(p.question, shown) if exemplars
               else zero_shot_prompt(p.question) for p in problems}
    samples = sample(lm, prompts, n=n, temperature=temperature, seed=seed,
                     max_new_tokens=64, sequences=800, cache=cache,
                     progress=False)
    by_id = {p.task_id: p for p in problems}
    with Runner(workers=1) as runner:
        return list(zip(samples, runner.judge_many(
            [(by_id[s.task_id], s.completion) for s in samples],
            progress=False)))


def few_shot(model, seed, temperature=0.6):
    """The model's judged few-shot samples of all training problems.

    Sampled once and kept in ``runs/``.
    """
    with pool(f"{TASK}-{temperature}", model, seed) as cache:
        return ask(load_model(f"{MODELS}/{model}"),
                   load_problems(TASK, "train"), POOL, seed, True,
                   temperature, cache)


def right_ones(judged, problems):
    """Right samples of each of ``problems``, a list of counts."""
    counts, _ = count_passed(*zip(*judged))
    return [counts[problem.task_id] for problem in problems]


def make_pairs(kind, problems, judged):
    """The training set ``kind`` from the teacher's judged samples.

    ``reference`` needs no samples: it is the story's own program.
    ``published-check`` counts as EKT's released code does (floats only, within
    1 %), ``renamed`` has variables that the models' corpus does not know,
    ``follows`` keeps the first right program that keeps up when the story's
    numbers change, ``in-order`` the first right one that names the days in
    order.
    """
    if kind == "reference":
        author, rng = stories.Author("days", 0.0), random.Random(0)
        return [filtering.Example(
            p.task_id, zero_shot_prompt(p.question), stories.write_program(
                rng, read_story(p.question), author))
            for p in problems]
    if kind == "unfiltered":
        return filtering.unfiltered(problems, judged)
    if kind.startswith("k-distinct-"):
        k = kind.removeprefix("k-distinct-")
        return filtering.k_distinct(problems, judged,
                                    None if k == "all" else int(k))
    by_id = {p.task_id: p for p in problems}
    right = {(s.task_id, s.completion): v.value for s, v in judged
             if v.status == "passed" and s.task_id in by_id}
    good = set(right)
    if kind == "published-check":
        good = {(task, text) for (task, text), value in right.items()
                if compare(value, by_id[task].answer, "published")}
    elif kind == "in-order":
        good = {(task, text) for task, text in right
                if days_in_order(text)}
    elif kind == "follows":
        with Runner(workers=1) as runner:
            good = {(task, text) for task, text in right
                    if follows(runner, by_id[task], text)}
    examples = filtering.first_correct(problems, [
        (s, v) for s, v in judged
        if v.status != "passed" or (s.task_id, s.completion) in good])
    if kind == "renamed":
        examples = [replace(e, completion=renamed(e.completion))
                    for e in examples]
    return examples


def train_system(rival, examples, seed):
    """A fresh student of the rival, trained on ``examples``."""
    lm = load_model(f"{MODELS}/{rival.model}")
    if rival.rank:
        lm = add_lora(lm, rival.rank, seed)
    see = {"completion": encode, "question": encode_all,
           "padding": lambda tokenizer, example:
               encode_all(tokenizer, example, PADDED)}[rival.tokens]
    objective = plain
    if rival.weights[1]:
        shown = EXEMPLARS[TASK] if rival.exemplars else ()
        if rival.pairs == "renamed":
            shown = [(asked, renamed(text)) for asked, text in shown]
        objective = distil(
            load_model(f"{MODELS}/{rival.teacher}"), examples, shown,
            rival.weights, rival.temperature, rival.sharpen,
            encode if rival.tokens == "completion" else encode_all)
    batch = min(32, len(examples))
    per_epoch = -(-len(examples) // batch)
    train(lm, examples, rival.updates / per_epoch, batch, rival.rate,
          seed=seed, objective=objective, encode=see, progress=False)
    model = lm.model.merge_and_unload() if rival.rank else lm.model
    return LanguageModel(f"{rival.name}-{seed}", model.eval(), lm.tokenizer)


def exam_record(lm, problems, n, seed, exemplars=False):
    """What an exam is remembered by, as a dictionary for JSON."""
    judged = ask(lm, problems, n, seed, exemplars)
    greedy = ask(lm, problems, 1, 0, exemplars, 0)
    texts = {(s.task_id, s.completion) for s, _ in judged}
    return {"counts": right_ones(judged, problems),
            "greedy": right_ones(greedy, problems),
            "distinct": round(len(texts) / len(problems), 2),
            "statuses": dict(Counter(v.status for _, v in judged))}


def run_rival(rival, seed, split="test"):
    """Train and examine one rival with one seed; the record as a dictionary.
    """
    began = time.monotonic()
    exam = load_problems(TASK, split)
    if not rival.pairs:
        lm, record = load_model(f"{MODELS}/{rival.model}"), {}
    elif rival.rounds:
        lm, record = iterate(rival, seed, exam)
    else:
        problems = load_problems(TASK, "train", limit=rival.problems)
        judged = few_shot(rival.teacher, seed) if rival.teacher else ()
        examples = make_pairs(rival.pairs, problems, judged)
        lm = train_system(rival, examples, seed)
        record = {"examples": len(examples)}
        record["in_order"] = sum(days_in_order(e.completion)
                                 for e in examples)
    record |= exam_record(lm, exam, rival.n, seed,
                      rival.exemplars and not rival.pairs)
    return record | {"seconds": round(time.monotonic() - began)}


def iterate(rival, seed, exam):
    """Expert iteration: the last student, and the curve over rounds."""
    problems = load_problems(TASK, "train", limit=rival.problems)
    curve = []
    for step in expert_iteration(
            problems, few_shot(rival.model, seed), rival.rounds,
            lambda examples: train_system(rival, examples, seed),
            lambda lm, some, number: ask(lm, some, POOL,
                                         1000 * number + seed)):
        curve.append({"examples": len(step.examples), "drawn": step.drawn,
                      "counts": right_ones(
                          ask(step.student, exam, 20, seed), exam)})
    return step.student, {"examples": len(step.examples), "rounds": curve}


def measure_yield(temperature, seed):
    """How often the teacher is right on the training problems."""
    judged = few_shot("teacher", seed, temperature)
    grouped = filtering.by_problem(judged)
    return {"counts": right_ones(judged, load_problems(TASK, "train")),
            "distinct": [len({spelling(s.completion)
                              for s, v in pairs if v.status == "passed"})
                         for pairs in grouped.values()]}
