"""What is wrong with a problem, before a program is blamed for it.

Used by ``helpers.execution``.  Each fault is one sentence that begins with
the task.
"""

import keyword
import re
from dataclasses import replace
from numbers import Number

from helpers.execution import asserts
from helpers.execution.inside import plain
from helpers.problems import text_fault
from helpers.tools.arguments import excerpt

MODES = ("answer", "stdio", "calls")
DECIMAL = re.compile(r"\s*[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)"
                     r"(e[-+]?[0-9]{1,3})?\s*", re.IGNORECASE)
DIGITS = 4000              # of an answer; Python reads little more


def as_text(lines):
    """An input or output of APPS as text; some are lists of lines."""
    if isinstance(lines, (list, tuple)):
        return "\n".join(map(str, lines))
    return str(lines)


def checked_pair(pair):
    """A problem and the text of a program.

    Raises ``ValueError`` for anything else, such as a row of a file.
    """
    try:
        problem, program = pair
    except (TypeError, ValueError):
        raise ValueError(f"a program is judged as (problem, program), not "
                         f"{excerpt(pair)}") from None
    if not hasattr(problem, "mode") or not hasattr(problem, "tests"):
        raise ValueError(f"a problem is a Problem of helpers.problems, which "
                         f"load_problems reads, not {excerpt(problem)}")
    if not isinstance(program, str):
        raise ValueError(f"a program for {problem.task_id} is a text, not "
                         f"{excerpt(program)}")
    return problem, program


def check_problem(problem):
    """Raises ``ValueError`` for a problem that cannot be judged."""
    why = fault(problem)
    if why:
        raise ValueError(f"{problem.task_id} {why}")


def fault(problem):
    """Why a problem cannot be judged, after its name; None if it can."""
    no_text = text_fault(problem)
    if no_text:
        return f"cannot be judged: {no_text}"
    if problem.mode not in MODES:
        return (f"has the mode {problem.mode!r}; choose one of "
                f"{', '.join(MODES)}")
    if problem.mode == "answer":
        return answer_fault(problem.answer)
    if not problem.tests:
        return "has no tests to judge by"
    if problem.mode == "stdio":
        return script_fault(problem.tests)
    if not problem.entry_point:
        return "does not say which function its tests call"
    if not problem.entry_point.isidentifier() or keyword.iskeyword(
            problem.entry_point):
        return (f"calls {problem.entry_point!r}, which is no name of a "
                f"function")
    return calls_fault(problem)


def told(problem):
    """All of a problem that an outcome depends on, as text: each value as
    it is judged.  None where it has changed to what cannot be judged."""
    if problem.mode == "answer":
        return "answer"
    try:
        tests = problem.tests
        if problem.mode == "stdio":
            tests = [[*map(as_text, test)] for test in tests]
        return plain.pack((tests, problem.preamble, problem.setup,
                           problem.starter, problem.entry_point))
    except (TypeError, ValueError, RecursionError):
        return None


def as_judged(problem):
    """A problem whose tests nobody can change, plain data or texts.

    Itself where that is so already.
    """
    if problem.mode == "answer" or type(problem.tests) is tuple and all(
            type(test) is str or problem.mode == "stdio"
            and type(test) is tuple and all(type(one) is str for one in test)
            for test in problem.tests):
        return problem
    if problem.mode == "stdio":
        return replace(problem, tests=tuple(
            tuple(map(as_text, test)) for test in problem.tests))
    return replace(problem, tests=tuple(plain.unpack(plain.pack(
        list(problem.tests)))))


def answer_fault(answer):
    """What is wrong with the number that is expected."""
    if answer is None:
        return "has no answer to judge by"
    try:
        text = str(answer)
    except ValueError:
        text = "an int of thousands of digits"
    if not DECIMAL.fullmatch(text) or len(text) > DIGITS:
        short = text if len(text) <= 40 else text[:37] + "..."
        return (f"has the answer {short!r}, which is no number that can be "
                f"compared; write it like 12, -3 or 0.5")
    return None


def is_written(one, lines=True):
    """Whether an input or an output is text, a number, or lines of these."""
    if lines and isinstance(one, (list, tuple)):
        return all(is_written(line, False) for line in one)
    return isinstance(one, (str, Number)) and not isinstance(one, bool)


def script_fault(tests):
    """What is wrong with pairs of an input and an output."""
    for number, test in enumerate(tests, 1):
        if not isinstance(test, (list, tuple)) or len(test) != 2:
            return f"has no (input, output) pair as its test {number}"
        if not all(map(is_written, test)):
            return f"has no text and no lines of it in its test {number}"
        try:
            given, _ = map(as_text, test)
        except ValueError:
            return (f"has an integer of more digits in its test {number} "
                    f"than Python writes; give it as text")
        try:
            given.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            return (f"has half a character (a lone surrogate) in the input "
                    f"of its test {number}, which no file can hold")
    return None


def calls_fault(problem):
    """What is wrong with assert statements, or with arguments and values."""
    tests = problem.tests
    asserting = [isinstance(test, str) for test in tests]
    try:
        for text, what in ((problem.preamble, "its preamble"),
                           (problem.setup, "its setup")):
            asserts.parsed(text, what)
        if all(asserting):
            asserts.check_asserts(tuple(tests), problem.entry_point,
                                  problem.starter, problem.setup)
    except ValueError as why:
        return f"cannot be judged: {why}"
    if any(asserting):
        return None if all(asserting) else (
            "mixes assert statements with pairs of arguments and values")
    for number, test in enumerate(tests, 1):
        if not isinstance(test, (list, tuple)) or len(test) != 2 or not (
                isinstance(test[0], (list, tuple))):
            return (f"has no pair of a list of arguments and a value as its "
                    f"test {number}")
        try:
            text = plain.pack(((test,),))
        except RecursionError:
            return f"has lists nested too deeply in its test {number}"
        if '{"other": ' in text:
            return (f"has something in its test {number} that is not plain "
                    f"data (numbers, text, lists, dictionaries)")
    return None
