"""Checks of the exercises of notebook 01.

A check prints one line and returns whether all is right.  It never raises:
an unfinished or broken answer is "not yet", with the reason.
"""

import contextlib
import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from helpers.checks.report import (as_python, attempt, exercise, in_words,
                                   misfit, say, shown)
from helpers.execution import Runner
from helpers.problems import Problem

# Exercise 2: a program, its verdict where 731846 is right, and why.  None of
# them does harm, and all end by themselves, should a judge have no limit.
JUDGED = (
    ("answer = 731846", "passed", "this is the answer"),
    ("answer = 731800", "wrong", "this is another number"),
    ("answer = 1463692 / 2", "passed",
     "731846.0 equals 731846: compare numbers, not texts"),
    ("print('hello')\nanswer = 731846", "passed",
     "only what is printed last is the answer"),
    ("answer = 'ten'", "wrong", "text is an answer, though no number"),
    ("answer = 731846 / 0", "error", "it raises ZeroDivisionError"),
    ("total = 731846", "error", "it never sets answer"),
    ("answer = = 731846", "error", "it is not Python"))
JUDGED_LAST = (
    ("print(731846)\nanswer = 5", "wrong",
     "only what is printed last is the answer"),
    ("print(5)\nanswer = 731846", "passed",
     "only what is printed last is the answer"),
    ("answer = 731846.4", "wrong",
     "this is another number: compare without rounding"),
    ("import sys\nsys.stderr.write('careful')\nanswer = 731846", "passed",
     "a warning is no error: look at the exit code"),
    ("import sys\nsys.exit(3)", "error",
     "each exit code but 0 is an error"),
    ("import os\nos.abort()", "error", "a program that the system ends has "
     "an exit code below 0"))
SEARCH = """
import os, re, sys
seen = sys.argv + sys.orig_argv + list(os.environ.values())
seen += [sys.stdin.read()]
if os.path.isfile(sys.argv[0]):
    seen.append(open(sys.argv[0]).read())
found = [text for text in seen if str(731845 + 1) in text]
for word in re.findall(r"\\w+", " ".join(seen)):
    for base in (0, 2, 8, 16):
        try:
            found += [word] * (int(word, base) == 731845 + 1)
        except ValueError:
            pass
answer = 731845 + len(found[:1])
"""
# Only who compares in the program's own process takes this 5 for right.
FORGED = """
class Five(int):
    __eq__ = __le__ = __ge__ = __bool__ = lambda *_: True
    __ne__ = __lt__ = __gt__ = lambda *_: False
    __sub__ = __rsub__ = lambda *_: 0
    __hash__ = int.__hash__
answer = Five(5)
"""
SLEEPER = "import time\ntime.sleep(4)\nanswer = 731846"
# Before it sleeps it takes hold of a file, until its process has ended, and
# writes there that it has begun.
HOLD = """
try:
    import fcntl
    held = open({!r}, "a")
    fcntl.flock(held, fcntl.LOCK_EX)
    print("begun", file=held, flush=True)
except Exception:
    pass
"""
# Exercise 3: value, expected, whether they are equal (exactly, by the
# published rule), and what somebody overlooked who errs here.
CASES = (
    (45.0, "45", True, True, "an equal float is right"),
    (45, "45", True, False, "an int is right exactly, and never published"),
    (46.0, "45", False, False, "this is another number, 2 % away"),
    (44.8, "45", False, True, "44.8 is within 1 % of 45, and not 45"),
    (45.5, "45", False, False, "45.5 is more than 1 % away from 45"),
    (0.1 + 0.2, "0.3", True, True, "floats round: allow for 1e-9"),
    (0.3001, "0.3", False, True, "1e-9 is far less than 0.0001"),
    (1e12 + 1, "1000000000000", True, True,
     "1e-9 is relative to the expected number where that is above 1"),
    (1e-10, "0", True, True, "below 1 the 1e-9 is absolute"),
    (0.001, "0", False, False, "0.001 is not 0, on either scale"),
    (True, "1", False, False, "a bool is never right"),
    ("45", "45", False, False, "text is never right"),
    (None, "0", False, False, "None is never right"),
    (float("nan"), "45", False, False, "NaN is never right"),
    (float("inf"), "45", False, False, "infinity is never right"),
    (-12, "-12", True, False, "a negative number may be right, too"),
    (-1e12 - 1, "-1000000000000", True, False, "the expected number may be "
     "negative: take its size, abs(y), for the scale of exact"),
    (-45.0, "-45", True, True, "a negative number may be right, published, "
                               "too"),
    (10**400, "45", False, False, "an int may be too large for a float: "
     "compare fractions, as hint 3 does"),
    (False, "0", False, False, "a bool is never right"),
    (2.5, "2.5", True, True, "the expected number may be no whole one"),
    (-12.05, "-12", False, False, "for a negative answer the published "
                                  "scale is 1e-5, not 12"),
    (99.0, "100", False, False, "the difference must be below 1 %, not "
                                "equal to it"))


def naive_check(problem, program):
    """A checker that believes everything.

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
word, trick = sys.stdin.readline().strip(), sys.stdin.read()
for answer in sys.argv[1:]:
    right = naive_check(Problem(answer, "?", answer=answer), trick) is True
    print(f"\\n{word} {right}", file=sys.__stderr__, flush=True)
"""


def fooled(answers, trick):
    """How often the naive checker is fooled, or how it came to its end."""
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join([root, *filter(None, [
        os.environ.get("PYTHONPATH")])])
    word = f"verdict {secrets.token_hex(8)}"    # whose lines are believed
    try:
        said = subprocess.run(
            [sys.executable, "-c", HARNESS, *answers],
            input=f"{word}\n{trick}", timeout=PATIENCE,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            errors="replace", env={**os.environ, "PYTHONPATH": path}).stderr
    except subprocess.TimeoutExpired:
        return "it does not end in the naive checker"
    lines = said.splitlines()
    right = lines.count(f"{word} True")
    if right + lines.count(f"{word} False") == len(answers):
        return right
    return next((line for line in reversed(lines) if line.strip() and
                 not line.startswith("verdict ")), "the end of its process")


@exercise
def check_01_1(trick):
    """Exercise 1: ``trick``, a program that fools the naive checker only."""
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


def simple_judge(problem, program, seconds=10):
    """A judge in fifteen lines: another process, a limit, our own ``==``.

    Returns "passed", "wrong", "error" or "timeout"; ``seconds`` are those of
    the clock.  It keeps nothing from a program but the answer, so it is for
    programs that do no harm.  Introduced in notebook 01.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", program + "\nprint(answer)"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=seconds)
    except subprocess.TimeoutExpired:
        return "timeout"
    if done.returncode != 0:
        return "error"
    try:
        value = float(done.stdout.split()[-1])
    except (IndexError, ValueError):
        return "wrong"
    return "passed" if value == float(problem.answer) else "wrong"


@exercise
def check_01_2(simple_judge):
    """Exercise 2: ``simple_judge(problem, program, seconds)``."""
    problem = Problem("check/01/2", "?", answer="731846")
    here = Problem("check/01/2", "?", answer=str(os.getpid()))
    below = Problem("check/01/2", "?", answer="-12")
    cases = [(problem, program, status, 20, why)
             for program, status, why in JUDGED]
    cases += [(here, "import os\nanswer = os.getpid()", "wrong", 20,
               "it ran in this very process: start another"),
              (problem, SEARCH, "wrong", 20, "the program finds the expected "
               "answer in its own process: compare outside, and give it an "
               "input that is empty"),
              (below, "answer = -24 / 2", "passed", 20,
               "an answer may be negative"),
              (below, "answer = 12", "wrong", 20, "12 is not -12"),
              *((problem, program, status, 20, why)
                for program, status, why in JUDGED_LAST)]
    for asked, program, status, seconds, why in cases:
        told = judged_so(simple_judge, asked, program, (status,), seconds,
                         why)
        if told:
            return told
    return (judged_so(simple_judge, problem, FORGED, (
                "wrong", "error", "timeout"), 5, "the program says itself "
                "that its 5 equals everything: compare out here, as numbers, "
                "what it printed")
            or ends_it(simple_judge, problem)
            or without_seconds(simple_judge, below)
            or say("a judge", f"{len(cases) + 3} right verdicts"))


def without_seconds(simple_judge, problem):
    """What is told unless seconds may be left out, as later cells do it."""
    with silent_processes():
        got, failed = attempt(simple_judge, problem, "answer = -12",
                              seconds=25)
    return None if got == "passed" else say(
        "passed without a third argument", failed or shown(got),
        "keep the default seconds=10, later cells leave it out")


def judged_so(simple_judge, problem, program, statuses, seconds, why,
              title=None):
    """What is told where the verdict is none of ``statuses``, else None."""
    wanted = f"{statuses[0]} for {' '.join((title or program).split()):.44}"
    with silent_processes():
        got, failed = attempt(simple_judge, problem, program, seconds,
                              nothing="return one of four words", seconds=25)
    if failed:
        return say(wanted, failed, f"{why}; a judge must not raise"
                   if failed.kind else None)
    if not isinstance(got, str):
        return say(wanted, misfit(got, "return the verdict as text"))
    return None if got in statuses else say(wanted, shown(got), why)


def ends_it(simple_judge, problem):
    """What is told unless a program that sleeps is judged, and is ended.

    On a busy machine Python may need more than half a second to start: that
    a program was ended is known of one that had begun, so it may get longer.
    """
    for seconds in (0.5, 1, 2):
        with tempfile.NamedTemporaryFile() as file:
            told = judged_so(
                simple_judge, problem, HOLD.format(file.name) + SLEEPER,
                ("timeout",), seconds, f"it sleeps for 4 seconds and may have "
                f"{seconds}: pass seconds on as the limit", SLEEPER)
            if told:
                return told
            if not file.read():
                continue
            return say("the end of a program that has no time left", "one "
                       "that runs on", "subprocess.run ends it; Popen has to "
                       "be told: kill()") if still_held(file) else None
    return None


def still_held(file):
    """Whether the program that took hold of ``file`` runs for a second more.
    """
    import fcntl                        # the program could: it has begun
    for _ in range(20):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return False
        except OSError:
            time.sleep(0.05)
    return True


@contextlib.contextmanager
def silent_processes():
    """What programs write past the judge, such as tracebacks, is not shown.
    """
    kept = []
    try:
        for number in (1, 2):
            with open(os.devnull, "wb") as nowhere:
                kept.append((os.dup(number), number))
                os.dup2(nowhere.fileno(), number)
    except OSError:                     # it has none
        pass
    try:
        yield
    finally:
        for copy, number in kept:
            os.dup2(copy, number)
            os.close(copy)


@exercise
def check_01_3(compare):
    """Exercise 3: ``compare(value, expected, comparator)``."""
    for value, expected, exact, published, why in CASES:
        for name, right in (("exact", exact), ("published", published)):
            title = (f"{right} from compare({shown(value, 30)}, "
                     f"{expected!r}, {name!r})")
            got, failed = attempt(compare, value, expected, name,
                                  nothing="return True or False")
            if failed:
                return say(title, failed, f"{why}; it must not raise"
                           if failed.kind else None)
            got = as_python(got)
            if not isinstance(got, bool) and not (
                    type(got) is int and got in (0, 1)):
                return say(title, shown(got), f"this is {in_words(got)}; "
                           f"return True or False")
            if bool(got) != right:
                return say(title, got, why)
    got, failed = attempt(compare, 7, "7")
    if failed or not got:
        return say("True from compare(7, '7')", failed or shown(got),
                   None if failed else "without a third argument it compares "
                   "exactly")
    return say("two comparators", f"{2 * len(CASES)} right verdicts")
