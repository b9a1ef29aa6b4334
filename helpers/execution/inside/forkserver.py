"""The fork server: a small warm process, a fork of it for each program.

Used by ``worker.py``.  What a fork costs is memory: each page that a process
holds is entered in a table once more, and each page that it or its fork
writes to is copied, be it for a reference that is counted.  So this process
does nothing but fork and wait; the worker beside it does all the rest.
"""

import gc
import os
import resource
import sys
from functools import partial
from marshal import dumps, loads
from os import closerange, dup2, fork, kill, wait4
from signal import SIGKILL
from time import clock_gettime

import _socket

import audit
import child
import habitat
import isolation
import script
from child import start
from isolation import confine, limit

PLACES = 7                 # descriptors 0 to 6 are for pipes of a program,
DOOR, SIGN = 20, 21        # and these are ours, which no program gets
SIZE = 1 << 12             # bytes of an order that arrive at once
# CPython keeps objects of one size in blocks of so many bytes, the first
# object behind a head.  MOST: where another Python does otherwise.
BLOCK, HEAD, MOST = 1 << 14, 48, 1000


def main(door, scratch, layers, nonce):
    """Serves the worker at the other end of the socket ``door``.

    ``layers`` are those that are set up; its first message tells those that
    hold, and the bytes of memory of a program that does nothing.
    """
    global ALONE, BASE
    ALONE = "process namespace" in layers
    sys.dont_write_bytecode = True
    os.dup2(door.detach(), DOOR, False)
    os.dup2(1, SIGN, False)              # closes when this process ends
    null = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1, 2):
        os.dup2(null, place)
    os.closerange(3, DOOR)
    door = _socket.socket(fileno=DOOR)
    os.setsid()                          # no signal to our group leaves us
    os.chdir(scratch)
    size = -1
    if os.path.exists("/proc/self/statm"):         # out of reach later on
        size = os.open("/proc/self/statm", os.O_RDONLY)
    layers = layers_that_hold(layers, scratch)
    if "Landlock" not in layers:
        audit.watch_alone()
        script.WHOLE = False
    habitat.furnish()
    child.get_ready(nonce, scratch)
    pack()
    BASE = 0
    if size >= 0:
        BASE = int(os.read(size, 99).split()[0]) * resource.getpagesize()
        os.close(size)
    door.send(dumps((layers, BASE)))
    serve(door)


def serve(door):
    """Takes orders, a program each, and then that it has to end."""
    memory = None
    while data := door.recvmsg(SIZE, 64)[0]:       # its pipes come at 3, 4 ...
        size = 4 + int.from_bytes(data[:4], "little")
        while len(data) < size:
            if not (more := door.recv(size - len(data))):
                return
            data += more
        mode, *order = loads(data[4:size])
        if mode == "sweep":
            sweep(*order)
            door.send(dumps(None))
            continue
        if order[0] != memory:
            memory = order[0]
            habitat.fit_stacks(memory - BASE >> 20)
        pid = fork()
        if pid == 0:
            door.detach()                # or it is closed when Python ends
            begin(mode, *order)
        closerange(3, PLACES)
        word = data[size:] or door.recv(1)
        while word == b"t":              # how long has it run?
            door.send(dumps(cpu_seconds(pid)))
            word = door.recv(1)
        door.send(dumps(end(pid)))
        if not word:                     # the worker has gone
            return


def pack():
    """Packs memory, so that a program's first objects lie on few pages.

    Only these are copied then.  What is free elsewhere is filled up, size by
    size, until a new block of memory begins.  No name leads to what fills it,
    so that no program walks over it.
    """
    gc.collect()
    if isolation.LIBC:
        if hasattr(isolation.LIBC, "malloc_trim"):
            isolation.LIBC.malloc_trim(0)
        filling = []
        for make in (object, float, *[partial(bytes, size)
                                      for size in range(1, 480, 16)]):
            for _ in range(MOST):
                filling.append(make())
                if id(filling[-1]) % BLOCK == HEAD:
                    break
        filling.append(filling)          # frozen, it is never collected
    gc.freeze()


def begin(mode, memory, seconds, program, extra, leave=os._exit,
          starts=script.Start, any_error=BaseException):
    """The fork, from its first moment: what is not inherited, then the
    program, in a mode of ``child.py``.

    ``memory`` in bytes, ``seconds`` of CPU: its limits.
    """
    try:
        talks = mode in ("calls", "tests")
        begun = 4 + talks
        if not ALONE:
            os.setsid()
            if isolation.LIBC:
                isolation.LIBC.prctl(1, SIGKILL, 0, 0, 0)
        if mode == "stdio":
            dup2(begun + 1, 0)
            dup2(begun + 2, 1)
        limit(seconds, memory)
        confine()
        if not script.WHOLE:             # nor may a program do as we did
            isolation.LIBC = isolation.PRCTL = None
        closerange(begun + 1, SIGN + 1)
        start(mode, program, extra, begun)
        leave(0)
    except starts:                       # below all of this, see script.py
        raise
    except any_error:
        leave(1)


def end(pid):
    """Ends a program: how it ended, for ``waitstatus_to_exitcode``, and its
    CPU seconds.

    What it has left behind in our process namespace is for :func:`sweep`.
    """
    try:
        kill(pid, SIGKILL)
        if not ALONE:
            os.killpg(pid, SIGKILL)
    except OSError:
        pass
    _, status, used = wait4(pid, 0)
    return status, used[0] + used[1]     # user's and system's


def sweep(left):
    """Ends and reaps what a program has left behind: our children, by the
    worker's numbers, which are ours only where we have no namespace."""
    try:
        if ALONE:
            kill(-1, SIGKILL)
            while True:                  # until there are no more
                wait4(-1, 0)
        for pid in left:
            kill(pid, SIGKILL)
            wait4(pid, 0)
    except OSError:
        pass


def cpu_seconds(pid):
    """CPU time that a process has used; 0 where the system does not tell
    (then the limit in whole seconds that it set itself is the limit)."""
    try:
        return clock_gettime((~pid << 3) | 2)     # Linux only
    except (OSError, OverflowError):
        return 0.0


def layers_that_hold(layers, scratch):
    """Gives up what this process does not need: the layers that are set up
    then, and that a probe does not get through."""
    layers = layers + isolation.drop_rights(scratch, ALONE)
    isolation.limit_forever()
    while True:
        source, pipe = os.pipe()
        pid = fork()
        if pid == 0:
            try:
                limit(60, 1 << 40)
                confine()
                os.write(pipe, dumps(isolation.probe(scratch)))
            finally:
                os._exit(0)
        os.close(pipe)
        possible = os.read(source, 1 << 16)
        os.close(source)
        wait4(pid, 0)
        if possible or isolation.FILTER is None:
            break
        isolation.FILTER = None          # which the kernel has refused
        layers.remove("seccomp")
    leaks = {"read files": "Landlock", "write files": "Landlock",
             "use the network": "network namespace",
             "start processes": "seccomp"}
    broken = {leaks[act] for act in loads(possible)}
    return [layer for layer in layers if layer not in broken]
