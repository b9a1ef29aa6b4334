"""An answer as its check sees it: a function whose body is elsewhere.

    with Keeper(modules) as keeper:
        with Answer(keeper, source, "first_correct") as answer:
            right = check(answer.value)

The check runs in our process, on arguments that we chose, and the verdict is
formed here; from the process of the answer come values and nothing else.
"""

import contextlib
import inspect
import json
import linecache
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from helpers.checks.limits import OutOfTime
from helpers.marking import crossing
from helpers.marking.serving import FILE, as_error
from helpers.profiles import ROOT

NEEDED_LAYERS = ("process namespace", "network namespace", "no privileges",
          "Landlock", "seccomp")
WAIT = 0.2                     # seconds between two looks at who interrupts
START_SECONDS = 300            # seconds for imports on a busy machine


class NotIsolated(RuntimeError):
    """This system cannot run answers of strangers well enough."""


class AnswerLost(Exception):
    """The process of an answer ended, or wrote what is no message."""


class Keeper:
    """The process that forks those of answers; see ``keeper.py``.

    ``modules``: what it imports before.  ``processes``: an answer may start
    some.  On entering raises ``NotIsolated`` where this system cannot
    isolate answers as the judge does.
    """

    def __init__(self, modules=(), processes=False):
        self.modules, self.processes = list(modules), processes
        self.lock, self.process = threading.Lock(), None

    def __enter__(self):
        self.scratch = tempfile.mkdtemp(prefix="answer-")
        self.control, theirs = socket.socketpair(
            socket.AF_UNIX, socket.SOCK_SEQPACKET)
        orders = {"control": theirs.fileno(), "scratch": self.scratch,
                  "root": str(ROOT), "modules": self.modules,
                  "processes": self.processes}
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-s", "-P", os.path.join(
                    os.path.dirname(__file__), "keeper.py"),
                 json.dumps(orders)], pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
                env={"HOME": self.scratch, "TMPDIR": self.scratch,
                     "PATH": os.path.dirname(sys.executable),
                     "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1",
                     "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
                     "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"})
            theirs.close()
            self.control.settimeout(START_SECONDS)
            try:
                self.layers = json.loads(self.control.recv(1 << 12) or "[]")
            except (OSError, ValueError):
                self.layers = []
            lacking = [name for name in NEEDED_LAYERS
                       if name not in self.layers]
            if lacking:
                raise NotIsolated(
                    f"this system does not isolate answers well enough to run "
                    f"those of strangers (missing: {', '.join(lacking)}): "
                    f"mark on Linux, or in a virtual machine of it, where "
                    f"notebook 01 lists these layers as active")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End it and all its answers."""
        self.control.close()
        if self.process:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def fork(self):
        """(socket to a new process, its number)."""
        ours, theirs = socket.socketpair()
        with self.lock, theirs:
            socket.send_fds(self.control, [b"fork"], [theirs.fileno()])
            pid = int(self.control.recv(64) or 0)
        if not pid:
            raise NotIsolated("no process can be had for an answer; check "
                               "free memory, then mark again")
        return ours, pid

    def end(self, pid):
        """End a process; the status with which it ended, 0 if it lived."""
        with self.lock:
            self.control.send(str(pid).encode())
            return int(self.control.recv(64) or 0)


class Conversation:
    """One process of an answer, and messages with it."""

    def __init__(self, keeper):
        self.keeper = keeper
        self.socket, self.pid = keeper.fork()
        self.socket.settimeout(WAIT)

    def recv(self, size):
        """As a socket's; each wait is short, so that a thread can end it."""
        while True:
            try:
                return self.socket.recv(size)
            except TimeoutError:
                continue
            except OSError:
                return b""

    def ask(self, message, functions):
        """What is answered; meanwhile ``functions`` are called for it.

        Raises ``AnswerLost``, and what ends a call.
        """
        self.put(message)
        while True:
            said = self.next()
            if said.get("kind") != "ask":
                return said
            self.put(call_for_answer(said, functions))

    def put(self, data):
        """Send bytes."""
        try:
            self.socket.settimeout(60)
            self.socket.sendall(struct.pack("!Q", len(data)) + data)
        except OSError:
            raise AnswerLost("its process has ended") from None
        finally:
            self.socket.settimeout(WAIT)

    def next(self):
        """The next message, a dictionary.  Raises ``AnswerLost``."""
        try:
            head = self.exactly(8)
            size = struct.unpack("!Q", head)[0]
            if size > crossing.MOST_BYTES:
                raise AnswerLost("it sends more than an answer needs")
            said = json.loads(self.exactly(size))
        except (ValueError, RecursionError):
            raise AnswerLost("what it sends is no answer") from None
        if not isinstance(said, dict):
            raise AnswerLost("what it sends is no answer")
        return said

    def exactly(self, size):
        """So many bytes; raises ``AnswerLost``, or ``OutOfTime``."""
        parts = bytearray()
        while len(parts) < size:
            part = self.recv(min(size - len(parts), 1 << 20))
            if not part:
                status = self.close()
                if os.WIFSIGNALED(status) and os.WTERMSIG(status) in (24, 9):
                    raise OutOfTime
                raise AnswerLost(
                    f"it ended its own process (status {status}), and a "
                    f"function returns and ends nothing else")
            parts += part
        return bytes(parts)

    def close(self):
        """End the process."""
        if self.pid:
            self.socket.close()
            self.pid, pid = 0, self.pid
            return self.keeper.end(pid)
        return 0


def call_for_answer(said, functions):
    """Call a function of the check, as the answer asked for."""
    try:
        number = said["number"]
        arguments = crossing.Reader(crossing.read_arrays(
            said["outputs"])).read(said["arguments"])
        function = functions[int(number)]
    except Exception:
        raise AnswerLost("what it sends is no answer") from None
    try:
        reply = "value", function(*arguments)
    except OutOfTime:
        raise
    except BaseException as error:
        base = next(kind.__name__ for kind in type(error).__mro__
                    if kind.__module__ == "builtins")
        reply = "raise", (type(error).__name__, base, str(error))
    return crossing.pack_arguments(reply, functions, [])


class Answer:
    """A learner's answer; ``value`` is what its check takes.

    ``source`` is Python, ``name`` what is defined by it, ``banned`` dotted
    names of the collection's own answers, which are not at hand over there.
    Raises what the source raises.
    """

    def __init__(self, keeper, source, name, banned=()):
        self.keeper, self.open, self.local = keeper, [], threading.local()
        self.source, self.name, self.banned = source, name, tuple(banned)
        linecache.cache[FILE] = (len(source), None,
                                 source.splitlines(True), FILE)

    def __enter__(self):
        said = self.conversation().loaded
        self.value = (self.stand_in(said) if said["kind"] == "function"
                      else self.read(said, []))
        return self

    def __exit__(self, *_):
        for each in self.open:
            each.close()
        linecache.cache.pop(FILE, None)

    def conversation(self):
        """That of this thread: in each the answer has a process."""
        talk = getattr(self.local, "talk", None)
        if talk is None or not talk.pid:
            self.local.talk = talk = Conversation(self.keeper)
            self.open.append(talk)
            talk.loaded = self.said(talk, ("load", self.source, self.name,
                                           self.banned), [], [])
        return talk

    def said(self, talk, message, functions, leaves):
        """The reply to a message.  Raises what the answer raised."""
        data = crossing.pack_arguments(message, functions, leaves)
        try:
            said = talk.ask(data, functions)
        except BaseException:
            talk.close()                    # it is in the middle of a call
            raise
        print(str(said.get("printed", ""))[:crossing.MOST_BYTES], end="")
        if said.get("kind") == "error":
            raise_at(said)
        return said

    def call(self, arguments, named, kind="apply", first=(), weights=()):
        """The value of a call of the answer, or of a layer that it made."""
        functions, leaves = [], []
        talk = self.conversation()
        said = self.said(talk, (kind, *first, arguments, named), functions,
                         leaves)
        value = self.read(said, [*leaves, *weights])
        try:
            for number, state in dict(said.get("changed") or {}).items():
                renew_argument(arguments[int(number)], state)
        except Exception:
            raise AnswerLost("what it sends is no answer") from None
        return value

    def read(self, said, leaves):
        """The value in a message; its gradients lead back to ``leaves``."""
        talk = self.local.talk
        try:
            outputs = crossing.read_arrays(said["outputs"])
            if outputs:
                outputs = with_gradients(outputs, leaves, lambda wanted:
                                         self.gradients(talk, said["graph"],
                                                        wanted))
            layers = [self.layer(talk, said["first"] + i, state)
                      for i, state in enumerate(said["modules"])]
            return crossing.Reader(outputs, layers).read(said["value"])
        except Exception as error:
            talk.close()
            raise AnswerLost(f"what it sends is no answer ({error!s:.60})"
                       ) from None

    def gradients(self, talk, graph, wanted):
        """Those of the leaves of an earlier call, None where there is none."""
        said = self.said(talk, ("gradient", graph, [
            crossing.array_of(each) for each in wanted]), [], [])
        return [None if each is None else crossing.read_arrays([each])[0]
                for each in said["values"]]

    def stand_in(self, said):
        """A function that hands on its calls."""
        def answer(*arguments, **named):
            return self.call(arguments, named)
        name = str(said.get("name", ""))
        answer.__name__ = name if name.isidentifier() else self.name
        names = [str(each) for each in said.get("parameters", ())][:50]
        if all(map(str.isidentifier, names)):
            with contextlib.suppress(ValueError):
                answer.__signature__ = inspect.Signature([
                    inspect.Parameter(each, inspect.Parameter.
                                      POSITIONAL_OR_KEYWORD)
                    for each in names])
        return answer

    def layer(self, talk, number, state):
        """A layer with the weights of one that the answer made."""
        from helpers.marking.layers import LayerElsewhere
        return LayerElsewhere(state, lambda layer, arguments: self.call(
            arguments, {}, "forward", (number, "forward", layer.state()),
            layer.trained()))


def with_gradients(outputs, leaves, ask):
    """Tensors that lead back to ``leaves`` by asking over there."""
    from helpers.marking.layers import connected
    return connected(outputs, leaves, ask)


def raise_at(said):
    """Raise the error of an answer, as if at the line where it happened."""
    error = as_error(said.get("name"), said.get("base"),
                     str(said.get("text", "")))
    line = said.get("line")
    if isinstance(line, int) and 0 < line < 10_000:
        exec(compile("\n" * (line - 1) + "raise error", FILE, "exec"),
             {"error": error})
    raise error


def renew_argument(old, state):
    """Give an argument the contents that it has over there."""
    outputs = crossing.read_arrays(state["outputs"])
    if hasattr(old, "named_parameters"):
        from helpers.marking.layers import refill
        return refill(old, state["modules"][0])
    new = crossing.Reader(outputs, [None] * len(state["modules"])).read(
        state["value"])
    if isinstance(old, list):
        old[:] = new
    elif isinstance(old, (dict, set)):
        old.clear()
        old.update(new)
    elif hasattr(old, "shape") and old.shape == new.shape:
        getattr(old, "data", old)[...] = new
    return None
