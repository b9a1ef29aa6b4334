"""Marks: what the answers of a submission are worth, and why not more.

What an answer could still do, in the isolation that is asked for: see the
arguments of the check and of the hidden cases and answer these alone (a
teacher sees it in the source); use its 20 seconds of processor and its
gigabyte of memory; attack the kernel through the system calls that are left.
The judge of notebook 01 is the weak place: there an answer has to start
programs, so it may start this Python, in the same namespaces, without files
of ours, without network, and all of it ends with the answer.  What an answer
cannot do is to form its verdict: that is made here, from values.
"""

import contextlib
import inspect
import io
from dataclasses import dataclass, field

from helpers.checks import limits, notebook_01, report
from helpers.marking.hidden import hidden_miss
from helpers.marking.sandbox import Answer, Keeper, NotIsolated
from helpers.marking.submissions import read_submission
from helpers.problems import Problem

CALL_PATIENCE = 20             # seconds of the clock for a call, at least
LOADING = 60                   # ... for the cells of an answer
STARTS_PROGRAMS = "simple_judge"
# What answers find imported.
WITHOUT_TORCH = ("numpy", *(f"helpers.{name}" for name in (
    "profiles", "problems", "prompts", "programs", "progress", "sampling",
    "exchange", "plans", "filtering", "evaluation", "seeds", "execution",
    "mini.stories", "mini.reading", "mini.tasks", "teachers.failures",
    "teachers.retry", "scale.cost", "scale.bill", "studies.ekt",
    "studies.released", "studies.results")))
WITH_TORCH = (*WITHOUT_TORCH, "torch", "transformers", *(
    f"helpers.{name}" for name in (
        "training", "loop", "distillation", "expert_iteration", "multitask",
    "teachers.decoding", "teachers.checkpoint", "teachers.sharing",
    "gpu.logits", "gpu.precision")))


@dataclass(frozen=True)
class Mark:
    """What came out of one exercise; ``told`` says why points are missing."""

    exercise: str
    title: str
    importance: str
    points: int
    out_of: int
    told: str = ""


@dataclass(frozen=True)
class Marked:
    """What came out of one submission.

    ``refused`` says why there are no marks, "" where there are; ``odd`` is
    for the teacher to look at.
    """

    file: str
    notebook: str = ""
    marks: tuple = ()
    told: tuple = ()
    odd: tuple = ()
    refused: str = field(default="")

    def total(self, importance=None):
        """(points, out of), of the core or extra exercises, or of all."""
        chosen = [mark for mark in self.marks
                  if importance in (None, mark.importance)]
        return (sum(mark.points for mark in chosen),
                sum(mark.out_of for mark in chosen))


class Marking:
    """Marks submissions; use it with ``with``, as it keeps processes."""

    def __init__(self, exercises):
        self.exercises, self.keepers = exercises, {}

    def __enter__(self):
        self.stack = contextlib.ExitStack()
        return self

    def __exit__(self, *_):
        self.stack.close()

    def keeper(self, exercise):
        """The process that forks answers to this exercise.

        Raises ``NotIsolated`` where answers cannot be isolated.
        """
        starts = exercise.name == STARTS_PROGRAMS
        module = inspect.getsource(inspect.getmodule(
            exercise.check_function()))
        heavy = any(word in module + exercise.stub + exercise.solution
                    for word in ("import torch", "helpers.training",
                                 "helpers.multitask", "helpers.distillation",
                                 "helpers.expert_iteration"))
        if (heavy, starts) not in self.keepers:
            self.keepers[heavy, starts] = self.stack.enter_context(
                Keeper(WITH_TORCH if heavy else WITHOUT_TORCH, starts))
        return self.keepers[heavy, starts]

    def submission(self, path):
        """The ``Marked`` of a file, whatever is in it.

        Raises ``NotIsolated`` as :meth:`keeper`.
        """
        try:
            found = read_submission(path, self.exercises)
        except ValueError as error:
            return Marked(path.name, refused=str(error))
        marks = [self.mark(exercise, found.answers[exercise.number])
                 for exercise in self.exercises[found.notebook]]
        return Marked(path.name, found.notebook, tuple(marks), found.told,
                      found.odd)

    def mark(self, exercise, found):
        """The ``Mark`` of what was handed in for an exercise."""
        why = None
        if found.source:
            why = self.miss(exercise, found.source)
        told = " ".join([*(f"{each};" for each in found.told), why or ""]
                        if found.source else found.told).strip(" ;")
        right = bool(found.source) and why is None
        return Mark(exercise.number, exercise.title, exercise.importance,
                    exercise.points if right else 0, exercise.points, told)

    def miss(self, exercise, source):
        """Why an answer gets no points, in a sentence; None if it does."""
        keeper = self.keeper(exercise)
        check = exercise.check_function()
        banned = [exercise.ours] if exercise.ours else []
        answer = Answer(keeper, source, exercise.name, banned)
        try:
            with patient(), fooling(keeper), contextlib.redirect_stdout(
                    io.StringIO()):
                limits.within(LOADING, answer.__enter__, ())
                check(answer.value, mark=True)
                return hidden_miss(exercise, answer.value,
                                   solution_of(exercise))
        except AssertionError as error:
            return one_line(error)
        except (KeyboardInterrupt, NotIsolated):
            raise
        except BaseException as error:
            return one_line(report.failure(error, seconds=LOADING))
        finally:
            answer.__exit__()


def one_line(told):
    """An error, or a ``Failure``, as one sentence of decent length."""
    if isinstance(told, report.Failure):
        told = f"{told.got}: {told.why}"
    text = " ".join(str(told).split())
    return text if len(text) <= 500 else text[:497] + "..."


def solution_of(exercise):
    """The value of the folded solution, which is our own text."""
    space = {"__name__": "solution"}
    exec(exercise.solution, space)
    return space[exercise.name]


@contextlib.contextmanager
def patient():
    """More time for each call: a machine that marks may be busy."""
    usual = limits.SECONDS, report.WHOLE_CHECK
    limits.SECONDS, report.WHOLE_CHECK = CALL_PATIENCE, 10 * CALL_PATIENCE
    try:
        yield
    finally:
        limits.SECONDS, report.WHOLE_CHECK = usual


@contextlib.contextmanager
def fooling(keeper):
    """Notebook 01's naive checker believes tricks: let it do so in there."""
    def fooled(answers, trick):
        count = 0
        for each in answers:
            with Answer(keeper, inspect.getsource(notebook_01.naive_check),
                        "naive_check") as naive:
                try:
                    count += limits.within(CALL_PATIENCE, naive.value, (
                        Problem(each, "?", answer=each), trick)) is True
                except limits.OutOfTime:
                    return "it does not end in the naive checker"
                except Exception as error:
                    return one_line(report.failure(error))
        return count
    usual, notebook_01.fooled = notebook_01.fooled, fooled
    try:
        yield
    finally:
        notebook_01.fooled = usual
