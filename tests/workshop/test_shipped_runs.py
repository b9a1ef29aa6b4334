"""Shipped runs come out again, each made from its own record alone.

On another processor last digits differ, so that a sample may; what is
compared is the number of right programs of the first test problems.
"""

import math

import pytest

from helpers.execution import Runner
from helpers.multitask import direct
from helpers.plans import judge_both
from helpers.problems import load_problems
from helpers.profiles import get_profile
from helpers.studies.codeplan import TASK, PlanRival
from helpers.studies.dial import DIAL_TASK, Learner
from helpers.studies.ekt import Rival
from helpers.studies.results import read_runs
from helpers.workshop import codeplan_runs, dial_runs, ekt_runs
from helpers.workshop.pools import MODELS, marked

FEW = 12


def first_run(study, name, seed):
    run, = (run for run in read_runs(get_profile("mini"), study, name)
            if run["seed"] == seed)
    return run


def again(lm, task, run, tokens):
    problems = load_problems(task, "test", limit=FEW)
    written = direct(lm, problems, run["rival"]["n"], seed=run["seed"],
                     max_new_tokens=tokens, sequences=400, progress=False)
    with Runner(workers=1) as runner:
        marks = judge_both(runner, problems, [
            (s, s.completion) for s in written], False)
    return codeplan_runs.tally(problems, written, marks)[1]


def are_alike(one, other, n):
    """Within two standard errors of two draws from the same programs; these
    share their random numbers, so that they are much closer."""
    shares = [(a + b) / 2 / n for a, b in zip(one, other, strict=True)]
    error = math.sqrt(sum(2 * n * p * (1 - p) for p in shares))
    return abs(sum(one) - sum(other)) <= 2 * error + 1


def test_what_is_alike():
    assert are_alike([80, 30, 0], [78, 33, 0], 100)
    assert not are_alike([80, 30, 0], [60, 25, 0], 100)


def test_a_student_of_the_dial_is_trained_again():
    run = first_run("dial", "fine-tuned-0-a", 1)
    learner = Learner(**run["rival"])
    assert run["made_with"]["model"] == marked(learner.base)
    lm, record = dial_runs.teach_learner(learner, run["seed"])
    assert record["losses"] == pytest.approx(run["losses"], rel=0.05)
    found = again(lm, DIAL_TASK, run, dial_runs.CODE_TOKENS)
    assert are_alike(found, run["counts"][:FEW], learner.n)


def test_a_student_of_codeplan_s_study_is_asked_again():
    run = first_run("codeplan", "before-training", 0)
    lm, *_ = codeplan_runs.teach(PlanRival(**run["rival"]), run["seed"])
    assert run["made_with"]["model"] == lm.name
    found = again(lm, TASK, run, 64)
    assert are_alike(found, run["counts"][:FEW], run["rival"]["n"])


def test_a_student_of_ekt_s_study_is_asked_again():
    run = first_run("ekt", "student-zero-shot", 0)
    rival = Rival(**run["rival"])
    assert run["made_with"]["model"] == marked(rival.model)
    lm = ekt_runs.load_model(f"{MODELS}/{rival.model}")
    problems = load_problems(ekt_runs.TASK, "test", limit=FEW)
    found = ekt_runs.exam_record(lm, problems, rival.n, run["seed"],
                                 rival.exemplars)["counts"]
    assert are_alike(found, run["counts"][:FEW], rival.n)
