"""Watching one program: what it says, the time it uses, whether it sleeps.

Used by ``serving.py``, in the worker's process.
"""

import marshal
import os
import select
import sys
import time

from _socket import SCM_RIGHTS, SOL_SOCKET

OUTPUT = 4 << 20           # bytes of output; more is a flood
SHORT = 1 << 14            # bytes of a report without such a value
SAYS = ("ran", "error", "memory", "blocked", "unparsable")   # of itself
TICK = 0.05                # seconds between two looks at a program
SOON = 0.005               # ... and until the first look at a script
STARVED = 60               # seconds without a processor, then we give up


class NobodyAsks(Exception):
    """The other side has gone."""


class ForkServer:
    """The process that forks the programs, as the worker sees it.

    ``pid``: its number here; ``door``: the socket to it.  Raises ``EOFError``
    where it has gone.
    """

    def __init__(self, pid, door):
        self.pid, self.door = pid, door
        self.list = f"/proc/{pid}/task/{pid}/children"

    def order(self, *what, places=()):
        """Has a program forked, which finds these descriptors from 3 on."""
        text = marshal.dumps(what)
        text = len(text).to_bytes(4, "little") + text
        rights = b"".join([place.to_bytes(4, sys.byteorder)
                           for place in places])
        sent = self.door.sendmsg([text], [(SOL_SOCKET, SCM_RIGHTS, rights)]
                                 if places else [])
        if sent < len(text):
            self.door.sendall(text[sent:])

    def answer(self):
        """What it answers, some small thing."""
        answer = self.door.recv(1 << 12)
        if not answer:
            raise EOFError("the fork server has gone")
        return marshal.loads(answer)

    def children(self):
        """The processes that it has, by their numbers here; None where the
        system does not tell."""
        try:
            place = os.open(self.list, os.O_RDONLY)
        except OSError:
            return None
        numbers = os.read(place, 1 << 16)
        os.close(place)
        return [int(number) for number in numbers.split()]

    def end(self):
        """Ends a program and all it left behind: exit code, CPU seconds."""
        self.door.send(b"e")
        ended = self.answer()
        left = self.children()
        while left or left is None:
            self.order("sweep", left or [])
            self.answer()
            left = self.children() or []
        return ended


class Run:
    """One program that is running, and our ends of its pipes.

    ``feed`` goes to its standard input, or to its pipe ASK; ``pending`` is
    what is still to be fed; ``output``, its standard output, is None where
    that does not count; ``text`` is what came from there.  A report has at
    most ``most`` bytes; ``begun`` tells by a byte that the program started.
    ``pid`` is None as long as it is not known; ``seen``: it has been watched
    before.
    """

    def __init__(self, server, nonce, result, begun, feed, output, pending,
                 most):
        self.server, self.nonce, self.result = server, nonce, result
        self.begun, self.most = begun, most
        self.pid, self.seen = None, False
        self.feed, self.pending = feed, pending
        self.output, self.text = output, bytearray()

    def close_feed(self):
        if self.feed is not None:
            os.close(self.feed)
        self.feed = None


def cpu_seconds(run):
    """CPU time that a program has used; 0 where the system does not tell
    (then the limit in whole seconds that it set itself is the limit)."""
    if run.pid is None:
        found = run.server.children()
        if found == []:                  # it is still to be forked
            return 0.0
        run.pid = found and found[0]
    try:
        return time.clock_gettime((~run.pid << 3) | 2)     # Linux only
    except (OSError, OverflowError, TypeError):
        run.server.door.send(b"t")       # it has another number for it
        return run.server.answer()


def asleep(run):
    """Whether all threads of a process wait for something else than a
    processor or a disk.  Where that cannot be known, True."""
    if run.pid is None and run.server.children() == []:
        return False                     # it is still to be forked
    try:
        states = []
        for thread in os.listdir(f"/proc/{run.pid}/task"):
            with open(f"/proc/{run.pid}/task/{thread}/stat") as file:
                states.append(file.read().rpartition(")")[2].split()[0])
        return not {"R", "D"} & set(states)
    except OSError:
        return True


def watch(run, seconds, asker):
    """Feeds and reads a program until it reports, ends, or is late.

    ``asker`` is the pipe of the other side; if it closes, nobody asks.
    Returns the bytes of its report and why it is late, or None.  Only CPU
    time makes late, or sleep: a program that waits for a processor, on a
    busy or suspended machine, does not lose any time.
    """
    data, used = bytearray(), cpu_seconds(run) if run.seen else 0.0
    run.seen, slept, patience = True, 0.0, 4 * seconds + 1
    # What a quick script prints can wait until it ends: one sleep, not two.
    unread = run.output
    pause = min(seconds, TICK if unread is None else SOON)
    looked = begun = time.monotonic()
    poll = select.poll()
    poll.register(run.result, select.POLLIN)
    poll.register(asker, 0)              # tells only that it has closed
    if run.pending:
        poll.register(run.feed, select.POLLOUT)
    while len(data) < run.most and not data.endswith(b"\n"):
        ready = dict(poll.poll(1000 * pause + 1))
        if asker in ready:
            raise NobodyAsks
        if run.feed in ready:
            feed(run, poll)
        if run.output in ready:
            run.text += (chunk := os.read(run.output, 1 << 16))
            if not chunk:
                poll.unregister(run.output)
            if len(run.text) > OUTPUT:
                return data, "more output than allowed"
        if run.result in ready:
            data += (chunk := os.read(run.result, 1 << 16))
            if not chunk:
                break
        now = time.monotonic()
        if now - looked >= pause:
            if unread is not None:
                poll.register(unread, select.POLLIN)
                unread, pause = None, min(seconds, TICK)
                continue
            left = seconds - cpu_seconds(run) + used
            if left <= 0:
                return data, "more CPU time than allowed"
            if asleep(run):
                slept += min(now - looked, 2 * TICK)   # however late we are
            looked, pause = now, min(left, TICK)
            if slept > patience:
                return data, "still waiting at the end"
            if now - begun > STARVED + 30 * seconds:
                return data, "starved"
    return data, None


def feed(run, poll):
    """Writes what the pipe takes of what is to be fed."""
    try:                                 # a view: a slice is no copy
        run.pending = memoryview(run.pending)[
            os.write(run.feed, run.pending[:1 << 16]):]
    except BlockingIOError:
        return
    except OSError:                      # it does not read any more
        run.pending = b""
    if not run.pending:
        poll.unregister(run.feed)
        if run.output is not None:       # a script: the end of its input
            run.close_feed()


def read_report(run, data):
    """The fields of a report, or None where it is none of ours."""
    fields = data.decode("ascii", "replace").rstrip("\n").split(" ")
    if len(fields) == 5 and fields[0] == run.nonce and fields[1] in SAYS:
        try:
            value, detail = (bytes.fromhex(field).decode()
                             for field in fields[3:])
            return [fields[1], fields[2][:20], value, detail[:200]]
        except ValueError:
            pass
    return None


def memory_kills():
    """How often this machine has killed a process for want of memory."""
    try:
        with open("/proc/vmstat") as file:
            return next(int(line.split()[1]) for line in file
                        if line.startswith("oom_kill "))
    except (OSError, StopIteration):
        return 0
