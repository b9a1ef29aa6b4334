"""Expert iteration: a student that learns from its own verified programs.

There is no teacher.  The student solves what it can, is trained on that, and
tries the rest again; EKT's third rival.
"""

from dataclasses import dataclass

from helpers.filtering import first_correct
from helpers.teachers.checkpoint import LanguageModel


@dataclass(frozen=True)
class Round:
    """One round: what was trained on, and the student that came out.

    ``drawn``: completions sampled so far.
    """

    number: int
    examples: list
    student: LanguageModel
    drawn: int


def expert_iteration(problems, judged, rounds, fit, ask):
    """Yields a :class:`Round` after each training, as released by EKT.

    ``judged``: the student's own samples and their verdicts, to begin with.
    ``fit(examples)`` trains a *fresh* base student; ``ask(student,
    problems, number)`` has it sample and returns judged samples.  Only
    problems without a right program are asked again, and each keeps the
    first one.  Introduced in notebook M5.  Raises
    ``RuntimeError`` as :func:`helpers.filtering.by_problem` does.
    """
    judged = list(judged)
    for number in range(1, rounds + 1):
        examples = first_correct(problems, judged)
        student = fit(examples)
        yield Round(number, examples, student, len(judged))
        solved = {example.task_id for example in examples}
        unsolved = [p for p in problems if p.task_id not in solved]
        if unsolved and number < rounds:
            judged += ask(student, unsolved, number)
