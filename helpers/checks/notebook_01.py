"""Checks of the exercises of notebook 01.

A check prints one line and returns whether all is right.  It never raises:
an unfinished or broken answer is "not yet", with the reason.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from helpers.checks.report import (as_python, attempt, exercise, in_words,
                                   misfit, say, shown)
from helpers.execution import STATUSES, Runner, compare_output
from helpers.problems import Problem

# Exercise 1: the programs (expected: 10), their verdicts, and why.
PROGRAMS = {
    "A": ("answer = 10 / 4 * 4", "passed", "10.0 equals 10"),
    "B": ("answer = str(10)", "wrong", "text is an answer, not a number"),
    "C": ("total = 10", "error", "it ends without an answer"),
    "D": ("answer = 10\nwhile answer:\n    pass", "timeout",
          "it must end before its answer is read"),
    "E": ("answer = 10\nprint(answer", "unparsable",
          "a bracket is open, so that not even its first line runs"),
    "F": ("import os\nos.system('echo 10')\nanswer = 10", "blocked",
          "it calls the shell before it answers"),
    "G": ("answer = [10] * 10**10", "memory",
          "the list needs 80 GB at once")}
# Exercise 4: expected outputs, and what the official scorer overlooks there.
EXPECTED = {"5 4 3 2 1": "the order of the words in a line",
            "first\nsecond": "the order of the lines",
            "123456789": "the last digits of a large number"}
# Exercise 2: value, expected, and what somebody overlooked who errs here.
CASES = (
    (45.0, "45", "an equal float is right"),
    (44.8, "45", "44.8 is within 1 % of 45"),
    (44.5, "45", "44.5 is more than 1 % away from 45"),
    (45.5, "45", "45.5 is more than 1 % away from 45"),
    (45, "45", "an int is never right"),
    (True, "1", "a bool is never right"),
    ("45.0", "45", "text is never right"),
    (None, "0", "None is never right"),
    (float("nan"), "45", "NaN is never right"),
    (0.0, "0", "zero must not be divided by"),
    (0.001, "0", "0.001 is far from 0 on a scale of 1e-5"),
    (-12.0, "-12", "an equal negative float is right"),
    (-12.05, "-12", "for a negative answer the scale is 1e-5, not 12"),
    (99.0, "100", "the difference must be below 1 %, not equal to it"))


@exercise
def check_01_1(prediction):
    """Exercise 1: ``prediction`` maps A to G to a verdict."""
    if not isinstance(prediction, dict):
        return say("a dictionary with the keys A to G", misfit(
            prediction, "keep the keys of the stub"))
    if set(prediction) != set(PROGRAMS):
        return say("a dictionary with the keys A to G", shown(
            list(prediction)), "keep the keys of the stub")
    open_ones = [key for key, said in prediction.items() if said is None]
    if open_ones:
        return say("seven verdicts", f"{7 - len(open_ones)}",
                   f"{', '.join(open_ones)} to go")
    for key, (_, verdict, why) in PROGRAMS.items():
        said = prediction[key]
        if not isinstance(said, str):
            return say(f"a verdict on {key}", misfit(
                said, "name the verdict as text, in quotes"))
        said = said.strip().lower()
        if said not in STATUSES:
            return say("one of " + " ".join(STATUSES[:-1]),
                       shown(said), f"the entry of {key} is no verdict")
        if said != verdict:
            return say(f"another verdict on {key}", said, why)
    return say("seven verdicts", "seven right ones")


@exercise
def check_01_2(published):
    """Exercise 2: ``published(value, expected)``, the released criterion."""
    for value, expected, why in CASES:
        right = (type(value) is float and abs(value - float(expected))
                 / max(float(expected), 1e-5) < 0.01)
        title = f"{right} from published({value!r}, {expected!r})"
        got, failed = attempt(published, value, expected,
                              nothing="return True or False")
        if failed:
            return say(title, failed, f"{why}; it must not raise"
                       if failed.kind else None)
        got = as_python(got)
        if not isinstance(got, bool) and not (
                type(got) is int and got in (0, 1)):
            return say(title, shown(got), f"this is {in_words(got)}; return "
                       f"True or False")
        if bool(got) != right:
            return say(title, got, why)
    return say("the released criterion", f"{len(CASES)} right verdicts")


def naive_check(problem, program):
    """The checker of notebook 01, section 2, that believes everything.

    Introduced in notebook 01.
    """
    expected, namespace = int(problem.answer), {}
    try:
        exec(program, namespace)
    except Exception:
        return False
    return namespace.get("answer") == expected


PATIENCE = 20                  # seconds for three problems
# It runs in a process of its own: a trick may end that, and not the kernel.
HARNESS = """
import sys
from helpers.checks.notebook_01 import naive_check
from helpers.problems import Problem
trick = sys.stdin.read()
for answer in sys.argv[1:]:
    right = naive_check(Problem(answer, "?", answer=answer), trick) is True
    print(f"\\nverdict {right}", file=sys.__stderr__, flush=True)
"""


def fooled(answers, trick):
    """How often the naive checker is fooled, or how it came to its end."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [
        os.environ.get("PYTHONPATH")])])
    try:
        said = subprocess.run(
            [sys.executable, "-c", HARNESS, *answers], input=trick,
            timeout=PATIENCE, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE, text=True,
            errors="replace", env={**os.environ, "PYTHONPATH": path}).stderr
    except subprocess.TimeoutExpired:
        return "it does not end in the naive checker"
    lines = said.splitlines()
    right = lines.count("verdict True")
    if right + lines.count("verdict False") == len(answers):
        return right
    return (said.strip().splitlines() or ["the end of its process"])[-1]


@exercise
def check_01_3(trick):
    """Exercise 3: ``trick``, a program that fools the naive checker only."""
    wanted = "naive: 3 of 3, judge: 0 of 3"
    if not isinstance(trick, str):
        return say("a program as text", misfit(
            trick, "put the program between triple quotes"))
    for word, why in (("__eq__", "find a way without __eq__"),
                      ("problem", "find a way without the problem"),
                      ("open", "find a way without a file")):
        if re.search(rf"(?<!\w){word}(?!\w)", trick):
            return say(wanted, f"a program with {word}", why)
    answers = ("731846", "-12", "58")
    problems = [Problem(f"check/{answer}", "?", answer=answer)
                for answer in answers]
    with Runner(workers=1) as runner:
        ours = [runner.judge(problem, trick) for problem in problems]
    if ours[0].status in ("timeout", "memory", "unparsable"):
        return say(wanted, f"{ours[0].status} ({ours[0].detail:.60})",
                   "it does not even end well")
    naive = fooled(answers, trick)
    if isinstance(naive, str):
        return say(wanted, f"{naive:.60}", "it must not end the checker")
    passed = sum(verdict.status == "passed" for verdict in ours)
    got = f"naive: {naive} of 3, judge: {passed} of 3"
    if naive == 0:
        return say(wanted, got, "the naive checker is not fooled")
    if naive < 3:
        return say(wanted, got, "it knows one answer, not any answer")
    if passed:
        return say(wanted, got, "the judge is fooled; please tell us how")
    return say(wanted, got)


@exercise
def check_01_4(fakes):
    """Exercise 4: ``fakes``, wrong outputs that the official scorer accepts.
    """
    title = "a dictionary with the three expected outputs as keys"
    if not isinstance(fakes, dict):
        return say(title, misfit(fakes, "keep the keys of the stub"))
    if set(fakes) != set(EXPECTED):
        return say(title, shown(list(fakes)), "keep the keys of the stub")
    for expected, hint in EXPECTED.items():
        fake = fakes[expected]
        wanted = f"a wrong output that passes for {expected!r}"
        if fake is None:
            return say(wanted, None, "write it as text")
        if not isinstance(fake, str):
            return say(wanted, misfit(fake, "write it as text"))
        if compare_output(fake, expected, "strict"):
            return say(wanted, shown(fake), "that one is right")
        if not compare_output(fake, expected, "apps"):
            return say(wanted, shown(fake),
                       f"the official scorer refuses it; think of {hint}")
    return say("three wrong outputs that pass", "three")
