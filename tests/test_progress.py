"""Progress bars below a cell, on a real kernel, and in a script."""

import os
import pty
import subprocess
import sys
import termios

import pytest
from jupyter_client import KernelManager
from jupyter_client.kernelspec import KernelSpecManager

from helpers.tools.cleaning import without_bars

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


class Kernel:
    """A kernel of this interpreter, and what it shows below a cell."""

    def __init__(self):
        self.manager = KernelManager(
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[]))
        self.manager.start_kernel()
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code, interrupt_at=None):
        """{stream: text} of a cell, interrupted when a text has come."""
        found, sent = {"stdout": "", "stderr": "", "error": ""}, False

        def see(message):
            nonlocal sent
            kind, content = message["msg_type"], message["content"]
            if kind == "stream":
                found[content["name"]] += content["text"]
            if kind == "error":
                found["error"] = content["ename"]
            if interrupt_at and interrupt_at in found["stdout"] and not sent:
                sent = True
                self.manager.interrupt_kernel()     # Jupyter's stop button
        self.client.execute_interactive(code, output_hook=see, timeout=60)
        return found


@pytest.fixture(scope="module")
def kernel():
    one = Kernel()
    one.run(BAR)
    yield one
    one.client.stop_channels()
    one.manager.shutdown_kernel(now=True)


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
    found = kernel.run(stopped, interrupt_at="first")
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
