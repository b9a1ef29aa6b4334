"""The processes in which programs run, and the layers around them.

Used by ``helpers.execution``.  Introduced in notebook 01, section 3.
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

WORKER = Path(__file__).with_name("execution_worker.py")


@dataclass(frozen=True)
class Layer:
    """One layer of isolation.  Introduced in notebook 01, section 6."""

    name: str
    active: bool
    stops: str


# Layers and what each one stops: those that the worker reports, those that
# are always there, and those that are not there yet.
OPTIONAL = {
    "network namespace": "any connection to another machine",
    "process namespace": "processes left behind, signals to others",
    "user namespace": "reading the memory of this notebook",
    "no privileges": "what only an administrator may do"}
ALWAYS = {
    "separate process": "seeing the expected answer, crashing this notebook",
    "limits": "endless loops, memory bombs, huge files, floods of output",
    "audit hook": "files, processes and sockets, used through Python"}
MISSING = {
    "Landlock": "files of yours, if a program gets around the audit hook",
    "seccomp": "an attack on the kernel itself"}


def describe_layers(reported):
    """All layers, with those active that a worker reported (their names).

    Introduced in notebook 01, section 6.
    """
    return tuple(Layer(name, name in ALWAYS or name in reported, stops)
                 for name, stops in (ALWAYS | OPTIONAL | MISSING).items())


class WorkerLost(Exception):
    """The worker process ended or stopped answering."""


class Worker:
    """One warm worker process; used by one thread at a time."""

    def __init__(self):
        self.scratch = tempfile.mkdtemp(prefix="scratch-")
        self.buffer = b""
        try:      # -s -S -P, an empty environment: nothing of this session's
            self.process = subprocess.Popen(
                [sys.executable, "-s", "-S", "-P", str(WORKER), self.scratch],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, start_new_session=True,
                env={"PYTHONHASHSEED": "0"})
        except OSError:
            os.rmdir(self.scratch)
            raise
        try:
            self.layers = self.receive(60)
        except BaseException:
            self.stop()
            raise

    def receive(self, patience):
        """The next line from the worker; it has ``patience`` seconds."""
        until, source = time.monotonic() + patience, self.process.stdout
        poll = select.poll()
        poll.register(source, select.POLLIN)
        while b"\n" not in self.buffer:
            left = max(0, until - time.monotonic())
            chunk = (os.read(source.fileno(), 1 << 16)
                     if poll.poll(left * 1000) else b"")
            if not chunk:
                raise WorkerLost
            self.buffer += chunk
        line, _, self.buffer = self.buffer.partition(b"\n")
        return json.loads(line)

    def run(self, programs, timeout, memory_mb):
        """Yields an outcome per program.  Raises :class:`WorkerLost`."""
        try:
            request = json.dumps([programs, timeout, memory_mb]) + "\n"
            self.process.stdin.write(request.encode())
            self.process.stdin.flush()
            for _ in programs:
                yield self.receive(4 * timeout + 30)
        except (OSError, ValueError):
            raise WorkerLost from None

    def stop(self):
        """Ends the worker and all its programs, and removes its folder."""
        self.process.kill()
        self.process.wait()
        until = time.monotonic() + 1       # the last of them closes the pipe
        try:
            while time.monotonic() < until:
                self.receive(until - time.monotonic())
        except (WorkerLost, OSError, ValueError):
            pass
        shutil.rmtree(self.scratch, ignore_errors=True)
