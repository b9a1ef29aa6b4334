"""The processes in which programs run, and the layers around them.

Used by ``helpers.execution.modes``.
"""

import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

WORKER = Path(__file__).parent / "inside" / "worker.py"
POLITE = 0.5               # seconds in which a worker may end by itself
MOST = 2 << 20             # seconds that the system waits at a time


@dataclass(frozen=True)
class Layer:
    """One layer of isolation."""

    name: str
    active: bool
    stops: str


@dataclass(frozen=True)
class Limits:
    """What a program may use.

    ``timeout``: CPU seconds, for each run of a script and for each call;
    ``memory_mb``: MiB.
    """

    timeout: float = 1.0
    memory_mb: int = 256


# The layers that a worker has to report, and those that are always there.
ALWAYS = {
    "separate process": "seeing the expected answer, crashing this notebook",
    "limits": "endless loops, memory bombs, huge files, floods of output",
    "audit hook": "files, processes and sockets, used through Python"}
OPTIONAL = {
    "process namespace": "processes left behind, signals to others",
    "network namespace": "any connection to another machine",
    "user namespace": "reading the memory of this notebook",
    "private scratch": "files left behind, a disk filled up",
    "no privileges": "what only an administrator may do",
    "Landlock": "reading and writing your files, however it is tried",
    "seccomp": "new processes and sockets, and most attacks on the kernel"}
# Any of these layers does, also where a program gets past the audit hook.
KEPT_BY = {"your files": {"Landlock"},
           "the network": {"network namespace", "seccomp"}}


def describe_layers(reported):
    """All layers, with those active that a worker reported (their names)."""
    return tuple(Layer(name, name in ALWAYS or name in reported, stops)
                 for name, stops in (ALWAYS | OPTIONAL).items())


class WorkerLost(Exception):
    """The worker process ended or stopped answering."""


class Worker:
    """One warm worker process; used by one thread at a time."""

    def __init__(self):
        # Without links, as a program sees it: the temporary folder is one on
        # macOS.
        self.scratch = os.path.realpath(tempfile.mkdtemp(prefix="scratch-"))
        self.buffer, self.helper = b"", None
        try:      # -s -S -P, an empty environment: nothing of this session's
            self.process = subprocess.Popen(
                [sys.executable, "-s", "-S", "-P", str(WORKER), self.scratch],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, start_new_session=True,
                # What is looked up late is looked up anew in each fork.
                env={"PYTHONHASHSEED": "0", "LD_BIND_NOW": "1"})
        except OSError:
            os.rmdir(self.scratch)
            raise
        try:
            self.layers = self.receive(120)
        except BaseException:
            self.stop()
            raise

    def referee(self):
        """A second worker, for the tests that the first must not see."""
        if self.helper is None:
            self.helper = Worker()
        return self.helper

    def send(self, text):
        """Sends a line.  Raises :class:`WorkerLost`."""
        try:
            self.process.stdin.write(text.encode() + b"\n")
            self.process.stdin.flush()
        except (OSError, ValueError):
            raise WorkerLost from None

    def receive(self, patience):
        """What the next line from the worker says, within so many seconds.

        Raises :class:`WorkerLost`.
        """
        until, source = time.monotonic() + patience, self.process.stdout
        chunks, poll = [self.buffer], select.poll()
        poll.register(source, select.POLLIN)
        while b"\n" not in chunks[-1]:
            left = max(0, until - time.monotonic())
            chunk = (os.read(source.fileno(), 1 << 16)
                     if poll.poll(left * 1000) else b"")
            if not chunk:
                raise WorkerLost
            chunks.append(chunk)
        line, _, self.buffer = b"".join(chunks).partition(b"\n")
        try:
            return json.loads(line)
        except ValueError:
            raise WorkerLost from None

    def ask(self, mode, programs, limits, **more):
        """Sends a request; the outcomes follow by :meth:`outcome`."""
        self.patience = min(100 + 60 * limits.timeout, MOST)
        self.send(json.dumps({
            "mode": mode, "programs": programs, "seconds": limits.timeout,
            "mb": limits.memory_mb, **more}))

    def outcome(self):
        """The next outcome, [status, kind, text, detail, seconds].

        Raises :class:`WorkerLost`, also where this machine was to blame.
        """
        outcome = self.receive(self.patience)
        if outcome[0] == "infrastructure":
            raise WorkerLost(outcome[3])
        return outcome

    def stop(self):
        """Ends the worker and all its programs, and removes its folder."""
        if self.helper:
            self.helper.stop()
        try:                               # it ends its own, if it still can
            self.process.stdin.close()
            self.process.wait(POLITE)
        except (OSError, subprocess.TimeoutExpired):
            pass
        self.process.kill()
        self.process.wait()
        until = time.monotonic() + 1       # the last of them closes the pipe
        try:
            while time.monotonic() < until:
                self.receive(until - time.monotonic())
        except (WorkerLost, OSError, ValueError):
            pass
        shutil.rmtree(self.scratch, ignore_errors=True)
