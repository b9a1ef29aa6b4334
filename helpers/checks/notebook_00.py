"""Checks of the exercises in notebook 00."""

import ast

from helpers.checks.report import (as_python, attempt, equal, exercise,
                                   in_words, misfit, say, shown)
from helpers.execution import STATUSES, Runner
from helpers.problems import Problem

STORY = Problem(
    task_id="exercise/00/1", mode="answer", answer="21",
    question="Ann starts with 12 shells. On Friday Ann loses 3. On Monday "
             "Ann doubles them. On Sunday Ann sees 5 birds. How many shells "
             "does Ann have in the end?")
SLIPS = {18: "Friday was done before Monday", 26: "the birds were added",
         16: "the birds were taken away", 12: "nothing has happened yet",
         9: "Monday is missing", 24: "Friday is missing"}
# What a program is told that has no answer to compare.
NO_ANSWER = {
    "error": "it must run and set answer to a number",
    "timeout": "it must come to an end by itself",
    "memory": "a few numbers are enough",
    "blocked": "a program of sums has no need of that",
    "unparsable": "it is no Python as a whole",
    "infrastructure": "this machine failed, not your program: run the cell "
                      "again"}
# Exercise 3: lines of a program, whether their days are in order, and why.
WEEK_CASES = (
    ("monday = start + 2\nfriday = start - 1", True,
     "Monday comes before Friday, whatever the alphabet says"),
    ("sunday = start + 4\nmonday = sunday - 18", False,
     "the week begins on Monday, so Sunday comes last"),
    ("friday = start - 3\nmonday = friday * 2", False,
     "Friday comes after Monday"),
    ("tuesday = start + 9\nthursday = start - 5", True,
     "Tuesday comes before Thursday, whatever the alphabet says"),
    ("monday = start + 2\ntuesday = monday * 3\nsunday = tuesday - monday",
     True, "a day counts where it is assigned, left of =, not where it is "
           "used"),
    ("monday = start + 1\nsaturday = monday + 1\nthursday = saturday + 1",
     False, "all days count, not the first two alone"),
    ("\n".join(f"{day} = start + 1" for day in (
        "monday", "tuesday", "wednesday", "thursday", "friday", "saturday",
        "sunday")), True, "this is the whole week, from Monday to Sunday"),
    ("wednesday = start + 1\ntuesday = wednesday * 2", False,
     "Wednesday comes after Tuesday"),
    ("tuesday = start + 1\ntuesday = tuesday * 2", True,
     "a day that comes twice in a row is no step back"),
    ("sunday_birds = 5\nmonday = start * 2", True,
     "sunday_birds is no day, only part of its name is"),
    ("start = 12\nanswer = start", True,
     "without a day nothing is out of order"))


def first_right(programs, statuses):
    """The first program that passed, or None.  Introduced in notebook 00."""
    for program, status in zip(programs, statuses):
        if status == "passed":
            return program
    return None


@exercise
def check_00_1(program):
    """Exercise 1: a program that the judge passes."""
    if not isinstance(program, str):
        return say("a program as text", misfit(
            program, "put the program between triple quotes"))
    with Runner(workers=1) as runner:
        verdict = runner.judge(STORY, program)
    if verdict.status == "passed":
        return say(21, verdict.value)
    if verdict.status != "wrong":
        detail = " ".join((verdict.detail or "").split())
        why = NO_ANSWER[verdict.status]
        if verdict.status == "unparsable":
            why += f": {place_of_error(program)}"
        elif "print(" in program and "without setting" in detail:
            why += "; printing it is not enough"
        return say(21, f"verdict {verdict.status} ({detail:.80})", why)
    value, kind = verdict.value, verdict.detail.removeprefix(
        "answer has type ")
    if kind == "NoneType":
        return say(21, "the answer None", "answer must be a number; print(), "
                   "for one, gives back None")
    if kind == "str":
        return say(21, shown(value), "this is text: leave out the quotes"
                   if value.strip().lstrip("+-").replace(".", "", 1)
                   .isdecimal() else "this is text; answer must be a number")
    if kind != verdict.detail:
        return say(21, f"an answer of type {kind}" if value is None
                   else shown(value), f"answer must be a number, and it has "
                   f"type {kind}")
    return say(21, shown(value), SLIPS.get(value, "go through the days again"))


def place_of_error(program):
    """Where a text stops being Python, as text."""
    try:
        ast.parse(program)
    except SyntaxError as error:
        return f"line {error.lineno}, {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return str(error)
    return "a construct that nothing can run"


@exercise
def check_00_2(first_right):
    """Exercise 2: the first program that passed."""
    failed_ones = [one for one in STATUSES if one != "passed"]
    cases = ((["a", "b", "c"], ["wrong", "passed", "passed"], "b",
              "the first that passed is wanted"),
             (["a", "b"], ["error", "wrong"], None,
              "without a right program there is none to return"),
             (["a"], ["passed"], "a", "a single program may be right"),
             (["a", "b"], ["timeout", "passed"], "b",
              "only passed counts"),
             ([], [], None, "of no program none is right"),
             (failed_ones, failed_ones, None, "only passed counts"),
             ([*failed_ones, "f", "g"], [*failed_ones, "passed", "passed"],
              "f", "there may be more than two or three programs"))
    for programs, statuses, expected, why in cases:
        why = f"for {statuses}: {why}"
        got, failed = attempt(first_right, list(programs), list(statuses),
                              nothing=why if expected else None)
        if failed:
            return say(repr(expected), failed)
        got = as_python(got)
        if not isinstance(got, str) and got is not None:
            return say(repr(expected), misfit(got, why))
        if not equal(got, expected):
            return say(repr(expected), shown(got), why)
    return say(f"{len(cases)} choices", "all of them")


@exercise
def check_00_3(days_in_order):
    """Exercise 3: are a program's days in the order of the week?"""
    for lines, right, why in WEEK_CASES:
        program = lines if "answer" in lines else (
            f"start = 12\n{lines}\nanswer = "
            f"{lines.splitlines()[-1].split()[0]}\n")
        days = ", ".join(line.split()[0] for line in lines.splitlines()
                         ) if program != lines else "no day"
        wanted = f"{right} for a program of {days}"
        got, failed = attempt(days_in_order, program,
                              nothing="return True or False")
        if failed:
            return say(wanted, failed)
        got = as_python(got)
        if not isinstance(got, bool):
            return say(wanted, shown(got), f"this is {in_words(got)}; return "
                       f"True or False")
        if got != right:
            return say(wanted, got, why)
    return say(f"{len(WEEK_CASES)} programs", "all of them told apart")
