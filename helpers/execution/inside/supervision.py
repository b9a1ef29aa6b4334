"""Watching one program: what it says, the time it uses, whether it sleeps.

Used by ``worker.py``, in the worker's process.
"""

import os
import select
import time

OUTPUT = 4 << 20           # bytes of output, or of a value; more is a flood
SHORT = 1 << 14            # bytes of a report without such a value
SAYS = ("ran", "error", "memory", "blocked", "unparsable")   # of itself
TICK = 0.05                # seconds between two looks at a program
STARVED = 60               # seconds without a processor, then we give up


class NobodyAsks(Exception):
    """The other side has gone; ``args``: the process that still runs."""


class Run:
    """One program that is running, and our ends of its pipes.

    ``feed`` goes to its standard input, or to its pipe ASK; ``pending`` is
    what is still to be fed; ``output``, its standard output, is None where
    that does not count; ``text`` is what came from there.  A report has at
    most ``most`` bytes; ``begun`` tells by a byte that the program started.
    """

    def __init__(self, pid, nonce, result, begun, feed, output, pending,
                 most):
        self.pid, self.nonce, self.result = pid, nonce, result
        self.begun, self.most = begun, most
        self.feed, self.pending = feed, pending
        self.output, self.text = output, bytearray()

    def close_feed(self):
        if self.feed >= 0:
            os.close(self.feed)
        self.feed = -1


def cpu_seconds(pid):
    """CPU time that a process has used; 0 where the system does not tell
    (then the limit in whole seconds that it set itself is the limit)."""
    try:
        return time.clock_gettime((~pid << 3) | 2)     # Linux only
    except (OSError, OverflowError):
        return 0.0


def asleep(pid):
    """Whether all threads of a process wait for something else than a
    processor or a disk.  Where that cannot be known, True."""
    try:
        handle = os.pidfd_open(pid)      # its number outside our namespace
        try:
            with open(f"/proc/self/fdinfo/{handle}") as file:
                known = next(line.split()[1] for line in file
                             if line.startswith("Pid:"))
        finally:
            os.close(handle)
        states = []
        for thread in os.listdir(f"/proc/{known}/task"):
            with open(f"/proc/{known}/task/{thread}/stat") as file:
                states.append(file.read().rpartition(")")[2].split()[0])
        return not {"R", "D"} & set(states)
    except (OSError, AttributeError, StopIteration):
        return True


def watch(run, seconds, asker):
    """Feeds and reads a program until it reports, ends, or is late.

    ``asker`` is the pipe of the other side; if it closes, nobody asks.
    Returns the bytes of its report and why it is late, or None.  Only CPU
    time makes late, or sleep: a program that waits for a processor, on a
    busy or suspended machine, does not lose any time.
    """
    data, used = bytearray(), cpu_seconds(run.pid)
    slept, patience = 0.0, 4 * seconds + 1
    looked = begun = time.monotonic()
    poll = select.poll()
    poll.register(run.result, select.POLLIN)
    poll.register(asker, 0)              # tells only that it has closed
    if run.output is not None:
        poll.register(run.output, select.POLLIN)
    if run.pending:
        poll.register(run.feed, select.POLLOUT)
    while len(data) < run.most and not data.endswith(b"\n"):
        left = seconds - cpu_seconds(run.pid) + used
        if left <= 0:
            return data, "more CPU time than allowed"
        ready = dict(poll.poll(1000 * min(left, TICK) + 1))
        if asker in ready:
            raise NobodyAsks(run.pid)
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
        if now - looked >= TICK:
            if asleep(run.pid):
                slept += min(now - looked, 2 * TICK)   # however late we are
            looked = now
            if slept > patience:
                return data, "still waiting at the end"
            if now - begun > STARVED + 30 * seconds:
                return data, "starved"
    return data, None


def feed(run, poll):
    """Writes what the pipe takes of what is to be fed."""
    try:
        run.pending = run.pending[os.write(run.feed, run.pending[:1 << 16]):]
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
