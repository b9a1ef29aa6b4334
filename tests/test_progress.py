"""Progress bars below a cell, on a real kernel, and in a script."""

import os
import pty
import subprocess
import sys
import termios

import pytest

from helpers.tools.cleaning import without_bars
from kernels import Kernel

BAR = """
import time
from helpers.progress import progress_bar
def work(seconds, title):
    with progress_bar(title=title, total=seconds * 10) as bar:
        for _ in range(seconds * 10):
            time.sleep(0.1)
            bar.update()
def pieces(title):
    for piece in progress_bar(range(100), title):
        yield piece
"""


@pytest.fixture(scope="module")
def kernel():
    with Kernel() as one:
        one.run(BAR)
        yield one


def test_a_bar_stands_on_stdout_and_is_gone_at_the_end(kernel):
    found = kernel.run("print('before')\nwork(2, 'judged')\nprint('after')")
    assert not found["stderr"] and not found["error"]
    assert "judged" in found["stdout"] and "%|" in found["stdout"]
    assert found["stdout"].count("\n") == 2        # it never left its line
    assert without_bars(found["stdout"]) == "before\nafter\n"


def test_what_is_quick_shows_no_bar(kernel):
    assert kernel.run("work(0, 'quick')")["stdout"] == ""


@pytest.mark.parametrize("stopped", [
    "work(60, 'first')",
    # The generator lives on in the traceback, and its bar with it.
    "steps = pieces('first')\nfor _ in steps: time.sleep(0.1)"])
def test_after_an_interrupt_the_next_bar_has_one_line(kernel, stopped):
    found = kernel.run(stopped, stop_at="first")
    assert found["error"] == "KeyboardInterrupt" and not found["stderr"]
    found = kernel.run("work(2, 'second')")
    assert "second" in found["stdout"] and "first" not in found["stdout"]
    assert "\n" not in found["stdout"] and "\x1b" not in found["stdout"]
    assert without_bars(found["stdout"]) == ""


def test_what_a_script_prints_may_be_piped():
    ours, theirs = pty.openpty()                   # a terminal for stderr
    termios.tcsetwinsize(theirs, (24, 80))
    done = subprocess.run(
        [sys.executable, "-c", BAR + "work(2, 'judged')\nprint('result')"],
        stdout=subprocess.PIPE, stderr=theirs, text=True)
    assert done.stdout == "result\n"
    os.set_blocking(ours, False)
    assert b"judged" in os.read(ours, 10_000)
    os.close(theirs)
    os.close(ours)
