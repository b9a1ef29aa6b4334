"""Honest scripts are judged as Python itself runs them."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from changed_worker import NO_LANDLOCK, changed_worker
from honest import HONEST, REFUSED
from helpers.execution import Runner, workers
from helpers.problems import Problem

ENCODING = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)", re.MULTILINE)


@pytest.fixture(scope="module")
def runner():
    with Runner(workers=2, timeout=4) as runner:
        yield runner


def really(program, given, folder):
    """What ``python program.py < input`` does: (exit code, output)."""
    declared = ENCODING.search(program[:200])
    try:
        text = program.encode(declared[1] if declared and program[
            0] != "\ufeff" else "utf-8")
    except LookupError:                  # an encoding that nobody knows
        text = program.encode()
    if declared and text.count(b"\n") != program.count("\n"):
        text = program.encode()          # which leaves no lines
    (folder / "program.py").write_bytes(text)
    done = subprocess.run(
        [sys.executable, "program.py"], cwd=folder, capture_output=True,
        input=given.encode("utf-8", "surrogateescape"), timeout=60,
        env={"LC_ALL": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"})
    return done.returncode, done.stdout.decode("utf-8", "replace")


def test_the_corpus_is_large():
    assert len(HONEST) >= 60


@pytest.mark.parametrize("name", HONEST)
def test_a_script_is_judged_as_python_runs_it(runner, tmp_path, name):
    program, given = HONEST[name]
    code, printed = really(program, given, tmp_path)
    problem = Problem("honest/1", "?", "stdio", tests=((given, printed),))
    verdict = runner.judge(problem, program)
    assert (verdict.status == "passed") == (code == 0), (verdict, code)
    assert (verdict.status == "wrong") <= (code == 0), verdict
    other = Problem("honest/2", "?", "stdio",
                    tests=((given, printed + "\nmore"),))
    assert runner.judge(other, program).status != "passed"


def test_a_script_whose_end_has_callers_is_told(runner):
    program = ("import atexit, sys\n"
               "atexit.register(lambda: print(sys._getframe().f_back))")
    problem = Problem("honest/5", "?", "stdio", tests=(("", "None"),))
    verdict = runner.judge(problem, program)
    assert verdict.status == "wrong" and "callers" in verdict.detail


def test_without_landlock_a_script_has_callers_and_is_told(tmp_path,
                                                           monkeypatch):
    monkeypatch.setattr(workers, "WORKER",
                        changed_worker(tmp_path, NO_LANDLOCK))
    problem = Problem("honest/4", "?", "stdio", tests=(("3\n", "1"),))
    with Runner(workers=1) as runner:
        verdict = runner.judge(
            problem, "import inspect\nprint(len(inspect.stack()))")
        assert verdict.status == "wrong" and "callers" in verdict.detail
        for name in ("recursion to the last frame", "atexit", "an error",
                     "an excepthook that looks at the trace",
                     "open(1) beside a function", "what may be collected",
                     "another stream of the same kind", "asyncio",
                     "all that os offers", "all that futures offer"):
            program, given = HONEST[name]
            code, printed = really(program, given, tmp_path)
            verdict = runner.judge(replace(problem, tests=((
                given, printed),)), program)
            assert (verdict.status == "passed") == (code == 0), verdict


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_offered_is_named(runner, name):
    program, status, why = REFUSED[name]
    problem = Problem("honest/3", "?", "stdio", tests=(("", "1"),))
    verdict = runner.judge(problem, program)
    assert verdict.status == status and why in verdict.detail, verdict
