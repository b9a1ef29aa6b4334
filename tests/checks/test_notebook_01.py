"""The checks of notebook 01 know right from wrong."""

import contextlib
import io
import multiprocessing
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from fractions import Fraction

import pytest

from marking import assert_told_why, rejected
from helpers.checks.notebook_01 import (check_01_1, check_01_2, check_01_3,
                                        naive_check, simple_judge)
from helpers.execution import compare
from helpers.problems import Problem


def test_exercise_1_refuses(capsys):
    rejected(check_01_1, [
        "answer = 58", "answer = None", "answer = problem.answer",
        "class A:\n    __eq__ = lambda a, b: True\nanswer = A()",
        "answer = open('x')", "while True: pass", "answer = = 1",
        "import sys\nsys.exit()", 58], capsys)


def test_exercise_1_believes_no_forged_verdicts(capsys):
    forged = ("import os, sys\nfor _ in range(3):\n    print('\\nverdict "
              "True', file=sys.__stderr__, flush=True)\nos._exit(0)")
    assert_told_why(check_01_1, forged, "it must not end the checker", capsys)
    assert check_01_1("import sys\nanswer = sys._getframe(1).f_locals["
                      "'expected']"), capsys.readouterr().out


def test_the_naive_checker_is_as_naive_as_the_lesson_says():
    problem = Problem("check/0", "?", answer="10")
    assert naive_check(problem, "answer = 10.0")
    assert not naive_check(problem, "answer = 11")
    assert not naive_check(problem, "answer = 1 / 0")


def with_python(text, seconds=60, **more):
    return subprocess.run([sys.executable, "-c", text], capture_output=True,
                          text=True, timeout=seconds, **more)


def last_number(done):
    return float((done.stdout.split() or ["nan"])[-1])


def in_this_process(problem, program, seconds):
    space = {}
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(program, space)
        value = space["answer"]
    except Exception:
        return "error"
    same = isinstance(value, (int, float)) and value == int(problem.answer)
    return "passed" if same else "wrong"


def without_limit(problem, program, seconds):
    return of_output()(problem, program, 60)


def of_text(problem, program, seconds):
    try:
        done = with_python(program + "\nprint(answer)", seconds, input="")
    except subprocess.TimeoutExpired:
        return "timeout"
    if done.returncode:
        return "error"
    return "passed" if done.stdout.split()[-1] == problem.answer else "wrong"


def whole_output(problem, program, seconds):
    done = with_python(program + "\nprint(answer)", seconds, input="")
    if done.returncode:
        return "error"
    try:
        right = float(done.stdout) == float(problem.answer)
    except ValueError:
        return "wrong"
    return "passed" if right else "wrong"


def compares_inside(problem, program, seconds):
    text = (f"{program}\nsame = type(answer) is not str and answer == "
            f"{problem.answer}\nprint('passed' if same else 'wrong')")
    try:
        done = with_python(text, seconds, input="")
    except subprocess.TimeoutExpired:
        return "timeout"
    return (done.stdout.split() or ["error"])[-1]


def hands_it_over(problem, program, seconds):
    try:
        done = with_python(program + "\nprint(answer)", seconds,
                           input=problem.answer)
    except subprocess.TimeoutExpired:
        return "timeout"
    if done.returncode:
        return "error"
    try:
        return ("passed" if last_number(done) == float(problem.answer)
                else "wrong")
    except ValueError:
        return "wrong"


def that_raises(problem, program, seconds):
    done = with_python(program + "\nprint(answer)", seconds, input="")
    if done.returncode:
        return "error"
    return ("passed" if last_number(done) == float(problem.answer)
            else "wrong")


def of_output(read=last_number, code=lambda done: done.returncode):
    """A judge that reads an output or an exit code in its own way."""
    def judge(problem, program, seconds=10):
        done = with_python(program + "\nprint(answer)", seconds, input="")
        if code(done):
            return "error"
        try:
            right = read(done) == float(problem.answer)
        except ValueError:
            return "wrong"
        return "passed" if right else "wrong"
    return judge


def no_exit_code(problem, program, seconds):
    done = with_python(program + "\nprint(answer)", seconds, input="")
    try:
        right = last_number(done) == float(problem.answer)
    except ValueError:
        return "wrong"
    return "passed" if right else "wrong"


def started(program, seconds, kill=True, **more):
    """What a program prints by ``Popen``, or None if time is over."""
    process = subprocess.Popen(
        [sys.executable, "-c", program + "\nprint(answer)"], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **more)
    try:
        return process.communicate(timeout=seconds)[0], process.returncode
    except subprocess.TimeoutExpired:
        if kill:
            process.kill()
            process.communicate()
        return None, 0


def of_printed(out, code, answer):
    if out is None:
        return "timeout"
    if code:
        return "error"
    try:
        return ("passed" if float(out.split()[-1]) == float(answer)
                else "wrong")
    except (IndexError, ValueError):
        return "wrong"


def never_kills(problem, program, seconds=10):
    return of_printed(*started(program, seconds, False), problem.answer)


def never_kills_and_starts_late(problem, program, seconds=10):
    """As on a busy machine: time is over before the program has begun."""
    late = "import time\ntime.sleep(0.7)\n" if seconds < 5 else ""
    return never_kills(problem, late + program, seconds)


def its_errors_shown(problem, program, seconds=10):
    return of_printed(*started(program, seconds), problem.answer)


def by_fork(problem, program, seconds=10):
    """Another right judge: a fork of this process runs the program."""
    def run(end):
        sys.stdin = io.StringIO()
        sys.argv = sys.orig_argv = [""]
        space, out = {}, io.StringIO()
        try:
            with contextlib.redirect_stdout(out):
                exec(program + "\nprint(answer)", space)
        except BaseException:
            end.send((out.getvalue(), 1))
        else:
            end.send((out.getvalue(), 0))
    fork = multiprocessing.get_context("fork")
    ours, theirs = fork.Pipe()
    process = fork.Process(target=run, args=(theirs,))
    process.start()
    theirs.close()
    try:
        done = ours.recv() if ours.poll(seconds) else (None, 0)
    except EOFError:                        # it ended without a word
        done = "", 1
    finally:
        process.kill()
        process.join()
    return of_printed(*done, problem.answer)


def by_os_fork(problem, program, seconds=10):
    """The same by hand; it has time enough for all but the sleeper."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.close(ours)
            os.dup2(theirs, 1)
            sys.stdout, sys.stdin = os.fdopen(1, "w"), io.StringIO()
            sys.argv = sys.orig_argv = [""]
            exec(program + "\nprint(answer)", {})
            sys.stdout.flush()
            code = 0
        finally:
            os._exit(code)
    os.close(theirs)
    with open(ours) as file:
        ready, _, _ = select.select([file], [], [], seconds)
        if not ready:
            os.kill(child, signal.SIGKILL)
        out = file.read() if ready else None
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return of_printed(out, code, problem.answer)


def compares_in_hex(problem, program, seconds=10):
    return compares_inside(Problem("", "", answer=hex(int(problem.answer))),
                           program, seconds)


def its_digits(problem, program, seconds=10):
    out, code = started(program, seconds, stderr=subprocess.DEVNULL)
    digits = re.findall(r"[0-9]+\.?[0-9]*", out or "")
    return of_printed(out and (digits or ["none"])[-1], code, problem.answer)


@pytest.mark.parametrize("judge, message", [
    (never_kills, "Popen has to be told: kill()"),
    (never_kills_and_starts_late, "Popen has to be told: kill()"),
    (compares_in_hex, "compare outside"),
    (lambda problem, program, seconds: simple_judge(
        problem, program, seconds), "keep the default seconds=10"),
    (its_digits, "may be negative"),
    (in_this_process, "it ran in this very process"),
    (without_limit, "pass seconds on as the limit"),
    (of_text, "compare numbers, not texts"),
    (whole_output, "only what is printed last"),
    (compares_inside, "compare outside"),
    (hands_it_over, "an input that is empty"),
    (that_raises, "a judge must not raise"),
    (no_exit_code, "it raises ZeroDivisionError"),
    (of_output(lambda done: round(last_number(done))), "without rounding"),
    (of_output(lambda done: float((re.findall(
        r"-?[0-9.]+", done.stdout) or ["nan"])[0])), "what is printed last"),
    (of_output(code=lambda done: done.stderr), "a warning is no error"),
    (of_output(code=lambda done: done.returncode == 1), "each exit code"),
    (of_output(code=lambda done: done.returncode > 0), "below 0"),
    (lambda problem, program, seconds: True, "return the verdict as text"),
    (lambda problem, program, seconds: ..., "one of four words")])
def test_a_wrong_judge_is_told_why(judge, message, capsys):
    assert_told_why(check_01_2, judge, message, capsys)


def from_a_file(problem, program, seconds=10):
    """Another right judge: the program is a file, the answer comes by repr."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "program.py")
        with open(path, "w") as file:
            file.write(program + "\nprint('\\n' + repr(answer))\n")
        process = subprocess.Popen(
            [sys.executable, path], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            out, _ = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return "timeout"
    if process.returncode:
        return "error"
    try:
        value = Fraction(out.splitlines()[-1])
    except ValueError:
        return "wrong"
    return "passed" if value == Fraction(problem.answer) else "wrong"


@pytest.mark.parametrize("judge", [
    simple_judge, from_a_file, its_errors_shown, by_fork, by_os_fork])
def test_right_judges_pass_and_nothing_else_is_seen(judge, capfd):
    home = os.getpid()
    right = check_01_2(judge)
    assert os.getpid() == home
    out, err = capfd.readouterr()
    assert right, out
    assert err == "" and out.count("\n") == 1


def test_a_program_that_equals_everything_is_not_believed(capsys):
    def inside(problem, program, seconds):
        if "Five" not in program:
            return simple_judge(problem, program, seconds)
        return compares_inside(problem, program, seconds)
    assert_told_why(check_01_2, inside, "compare out here", capsys)


def by_floats(value, expected, comparator="exact"):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    y = float(expected)
    if comparator == "published":
        return isinstance(value, float) and abs(value - y) < 0.01 * max(
            y, 1e-5)
    return abs(value - y) <= 1e-9 * max(1.0, abs(y)) < float("inf")


def test_right_comparisons_pass():
    def by_guarded_floats(value, *more):
        return abs(value or 0) < 1e300 and by_floats(value, *more) if (
            not isinstance(value, str)) else False
    assert check_01_3(compare) and check_01_3(by_guarded_floats)


def test_an_int_that_no_float_holds_is_told(capsys):
    assert_told_why(check_01_3, by_floats, "too large for a float", capsys)


def published(formula):
    """A comparison that is right exactly and has a ``formula`` else."""
    return lambda value, expected, comparator="exact": (
        formula(value, float(expected)) if comparator == "published"
        else compare(value, expected))


def exact(formula):
    """A comparison that is right as published and has a ``formula`` else."""
    return lambda value, expected, comparator="exact": (
        type(value) in (int, float) and value - value == 0
        and formula(value, float(expected)) if comparator == "exact"
        else compare(value, expected, comparator))


def test_exercise_3_refuses(capsys):
    rejected(check_01_3, [
        published(lambda value, y: isinstance(value, (int, float))
                  and abs(value - y) / max(y, 1e-5) < 0.01),
        published(lambda value, y: type(value) is float
                  and abs(value - y) / max(abs(y), 1e-5) < 0.01),
        published(lambda value, y: type(value) is float
                  and abs(value - y) < 0.01),
        published(lambda value, y: type(value) is float
                  and abs(value - y) / y < 0.01),
        published(lambda value, y: type(value) is float
                  and (y - value) / max(y, 1e-5) < 0.01),
        published(lambda value, y: type(value) is float
                  and abs(value - y) / max(y, 1e-5) <= 0.01),
        exact(lambda value, y: value == y),
        exact(lambda value, y: abs(value - y) <= 1e-9),
        exact(lambda value, y: abs(value - y) <= 1e-3),
        exact(lambda value, y: abs(value - y) <= 1e-9 * abs(y)),
        exact(lambda value, y: abs(value - y) <= 1e-9 * max(1, y)),
        published(lambda value, y: type(value) is float and value > 0
                  and abs(value - y) / max(y, 1e-5) < 0.01),
        lambda value, expected, comparator="exact": value == expected,
        None], capsys)
