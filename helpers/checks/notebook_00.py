"""Checks of the exercises in notebook 00."""

from helpers.checks.report import attempt, say
from helpers.execution import Runner
from helpers.problems import Problem

STORY = Problem(
    task_id="exercise/00/1", mode="answer", answer="21",
    question="Ann starts with 12 shells. On Friday Ann loses 3. On Monday "
             "Ann doubles them. On Sunday Ann sees 5 birds. How many shells "
             "does Ann have in the end?")
SLIPS = {18: "Friday was done before Monday", 26: "the birds were added",
         16: "the birds were taken away", 12: "nothing has happened yet",
         9: "Monday is missing", 24: "Friday is missing"}


def check_00_1(program):
    """Exercise 1: a program that the judge passes."""
    if not isinstance(program, str):
        return say("a program as text", type(program).__name__,
                   "put it between triple quotes")
    with Runner(workers=1) as runner:
        verdict = runner.judge(STORY, program)
    if verdict.status == "passed":
        return say(21, verdict.value)
    if verdict.status == "wrong":
        return say(21, verdict.value,
                   SLIPS.get(verdict.value, "go through the days again"))
    return say(21, f"verdict {verdict.status}",
               "it must run and set answer to a number")


def check_00_2(first_right):
    """Exercise 2: the first program that passed."""
    cases = ((["a", "b", "c"], ["wrong", "passed", "passed"], "b",
              "the first that passed is wanted"),
             (["a", "b"], ["error", "wrong"], None,
              "without a right program there is none to return"),
             (["a"], ["passed"], "a", "a single program may be right"),
             (["a", "b"], ["timeout", "passed"], "b",
              "only passed counts"))
    for programs, statuses, expected, why in cases:
        got, failed = attempt(first_right, list(programs), list(statuses))
        if failed:
            return say(repr(expected), failed, "the call failed")
        if got != expected:
            return say(repr(expected), repr(got), f"for {statuses}: {why}")
    return say("four choices", "all four")
