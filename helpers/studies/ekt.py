"""EKT's study: every system that is compared, one line each.

All sit the same exam (the test problems of ``mini-gsm``), all that are
trained see the same training problems, and all get the same number of
updates unless a line says otherwise.  ``python -m helpers rivals`` runs them
(:mod:`helpers.workshop.ekt_runs`); the learning rates were chosen on the dev
problems, in the same way for each method (:data:`DEV_RATES`).
"""

import csv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from helpers.evaluation import checked
from helpers.profiles import ROOT
from helpers.tools.files import reading

TASK = "mini-gsm"
SEEDS = (0, 1, 2, 3, 4)
DEV_SEED = 100           # of the runs that choose the learning rates
DEV_RATES = (1e-3, 2e-3, 4e-3, 8e-3, 16e-3)
TEMPERATURES = (0.2, 0.6, 1.0)     # of the teacher, when its yield is measured


@dataclass(frozen=True)
class Rival:
    """One system.

    ``pairs``: the training set (see
    :func:`helpers.workshop.ekt_runs.make_pairs`), "" for a system that is only
    prompted.  ``weights``: of cross-entropy and divergence; ``exemplars``:
    whether the teacher of a distillation, or a prompted system, sees them.
    ``rounds``: of expert iteration, 0 for others.  ``n``: completions per test
    problem.
    """

    name: str
    model: str = "student"        # who is examined
    teacher: str = "teacher"
    pairs: str = "first-correct"
    problems: int = 400           # training problems
    updates: int = 96
    rate: float = 4e-3
    rank: int = 16                # of LoRA; 0: all weights are trained
    tokens: str = "completion"    # that the loss is on; question, padding
    weights: tuple = (1.0, 0.0)
    temperature: float = 1.0      # of the divergence
    sharpen: float = 1.0          # the teacher's own temperature
    exemplars: bool = False
    rounds: int = 0
    n: int = 100


def prompted(name, model, exemplars):
    """A system that is only asked."""
    return Rival(name, model, "", "", problems=0, updates=0, rate=0.0, rank=0,
                 exemplars=exemplars)


EKT = Rival("ekt")
KD = Rival("kd", weights=(1.0, 1.0), rate=8e-3)
EXPERT = Rival("expert-iteration", teacher="", rounds=4, rate=1e-3)
SUPERVISED = Rival("supervised", teacher="", pairs="reference", rate=8e-3)
UNFILTERED = Rival("unfiltered", pairs="unfiltered", rate=16e-3)
EKT_ALL_WEIGHTS = replace(EKT, name="ekt-all-weights", rank=0)
EKT_QUESTION = replace(EKT, name="ekt-question", tokens="question", rate=8e-3)
# Of a student whose base has learnt to write questions, too, as language
# models have: what a loss on them costs where it teaches nothing new.
READING = replace(EKT, name="ekt-reading-student", model="reading-student",
                  rate=2e-3, n=20)
READING_QUESTION = replace(READING, name="ekt-question-reading-student",
                           tokens="question", rate=8e-3)
TUNED = (EKT, KD, EXPERT, SUPERVISED, UNFILTERED, EKT_ALL_WEIGHTS,
         EKT_QUESTION, READING, READING_QUESTION)

MAIN = (
    prompted("teacher-few-shot", "teacher", True),
    prompted("teacher-zero-shot", "teacher", False),
    prompted("student-few-shot", "student", True),
    prompted("student-zero-shot", "student", False),
    EKT, KD, EXPERT, SUPERVISED, UNFILTERED,
    replace(EKT, name="ekt-2-distinct", pairs="k-distinct-2"),
    replace(EKT, name="ekt-4-distinct", pairs="k-distinct-4"),
    replace(EKT, name="ekt-all-distinct", pairs="k-distinct-all"),
)
# Two teachers, two students.
PAIRS = (
    prompted("weak-teacher-few-shot", "weak-teacher", True),
    prompted("small-student-zero-shot", "small-student", False),
    replace(EKT, name="ekt-weak-teacher", teacher="weak-teacher"),
    replace(EKT, name="ekt-small-student", model="small-student"),
    replace(EKT, name="ekt-weak-teacher-small-student",
            teacher="weak-teacher", model="small-student"),
    replace(KD, name="kd-small-student", model="small-student"),
    replace(EXPERT, name="expert-iteration-small-student",
            model="small-student"),
)
# Distillation with one thing turned at a time.  The last three are in a format
# that the teacher does not write unless it is shown.
RENAMED = replace(KD, pairs="renamed")
KD_20 = replace(KD, n=20)             # where pass@100 is not asked for
TURNED = (
    replace(KD, name="kd-exemplars", exemplars=True),
    replace(KD, name="kd-divergence-only", weights=(0.0, 1.0)),
    replace(KD_20, name="kd-1-to-4", weights=(1.0, 4.0)),
    replace(KD_20, name="kd-4-to-1", weights=(4.0, 1.0)),
    replace(KD_20, name="kd-temperature-2", temperature=2.0),
    replace(KD_20, name="kd-temperature-4", temperature=4.0),
    replace(KD, name="kd-unfiltered", pairs="unfiltered"),
    replace(KD, name="kd-question", tokens="question"),
    replace(KD, name="kd-padding", tokens="padding"),
    replace(KD_20, name="kd-sharp", sharpen=0.3),
    replace(KD_20, name="kd-sharp-exemplars", sharpen=0.3, exemplars=True),
    replace(RENAMED, name="ekt-renamed", weights=(1.0, 0.0), rate=EKT.rate),
    replace(RENAMED, name="kd-renamed"),
    replace(RENAMED, name="kd-renamed-exemplars", exemplars=True),
)
# What else moves the result.
EKT_20 = replace(EKT, n=20)
CAVEATS = (
    EKT_QUESTION,
    replace(EKT_QUESTION, name="ekt-padding", tokens="padding"),
    replace(EKT_20, name="ekt-published-check", pairs="published-check"),
    replace(EKT_20, name="ekt-follows", pairs="follows"),
    replace(EKT_20, name="ekt-in-order", pairs="in-order"),
    replace(EKT_20, name="ekt-50-problems", problems=50),
    replace(EKT_20, name="ekt-200-problems", problems=200),
    replace(EKT_ALL_WEIGHTS, n=20),
    replace(EKT, name="ekt-24-updates", updates=24),
    replace(EKT, name="ekt-192-updates", updates=192),
)
# The masks once more, of a base that has learnt to write questions.
MASKS = (
    replace(prompted("reading-student-zero-shot", "reading-student", False),
            n=20),
    READING, READING_QUESTION,
    replace(READING_QUESTION, name="ekt-padding-reading-student",
            tokens="padding"),
    replace(KD_20, name="kd-reading-student", model="reading-student"),
    replace(KD_20, name="kd-question-reading-student",
            model="reading-student", tokens="question"),
)
SUITES = {"main": MAIN, "pairs": PAIRS, "turned": TURNED, "caveats": CAVEATS,
          "masks": MASKS}
RIVALS = {rival.name: rival for suite in SUITES.values() for rival in suite}


# ------------------------------------------------- the paper's own runs

RELEASED = ROOT / "data" / "ekt_gsm8k_test_counts.csv"
RELEASED_N = 100              # completions per problem in that file


def load_released(path=RELEASED):
    """``{run: counts}`` of EKT's twelve released GSM8K test runs.

    Arrays of 1,319 problems, right ones out of ``RELEASED_N`` at T = 0.6,
    from the authors' raw outputs (zhangir-azerbayev/ETK, MIT).  Raises
    ``ValueError`` for a broken file.  Introduced in notebook E2.
    """
    try:
        with reading(path, "restore it with git") as file:
            header, *rows = csv.reader(file)
        table = np.array(rows, dtype=int)[:, 1:]
        checked(RELEASED_N, table, 1)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{Path(path).name} is not the table of released "
                         f"counts ({error}); restore it with git") from None
    return dict(zip(header[1:], table.T))
