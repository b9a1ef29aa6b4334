"""What a program finds, as ``python program.py < input`` has it.

Used by ``child.py`` and ``forkserver.py``: standard streams of the right kind,
the builtins that ``site`` adds, threads whose stacks fit into the limit of
memory, and asyncio without a socket.
"""

import builtins
import io
import os
import sys
from operator import index

import _thread
from _frozen_importlib_external import SourceFileLoader

TRUE_SIZE, STACKS, STACK_SIZES = _thread.stack_size, (), [0]
FITTED = PIPES = None


def stream(place, mode, name):
    """A standard stream as Python itself opens it on a pipe."""
    raw = io.FileIO(place, mode, closefd=False)
    raw.name = name
    buffer = (io.BufferedReader if mode == "r" else io.BufferedWriter)(raw)
    text = io.TextIOWrapper(buffer, "utf-8", "surrogateescape", newline="\n")
    text.mode = mode
    return text


def streams():
    """Standard input and output, opened on what they are by now."""
    return stream(0, "r", "<stdin>"), stream(1, "w", "<stdout>")


def streams_on_pipes():
    """The same, made before there is a program with pipes of its own.

    A stream asks only once whether one can go back in it, and so it is made
    on a pipe; later it finds another one in its place.
    """
    null = os.dup(0)
    for place, end in enumerate(os.pipe()):
        os.dup2(end, place)
        os.close(end)
    both = streams()
    for place in (0, 1):
        os.dup2(null, place)
    os.close(null)
    return both


def become_script(folder):
    """What only a script has: streams on pipes, a file, a path to it.

    Its module is new: one made before the fork is never collected there.
    """
    global PIPES
    sys.__stdin__ = sys.stdin = PIPES[0]
    sys.__stdout__ = sys.stdout = PIPES[1]
    PIPES = None                         # the last reference writes it all
    main = sys.modules["__main__"] = type(sys)("__main__")
    place = f"{folder}/program.py"
    if sys.version_info < (3, 14):       # later on only where it is asked for
        main.__annotations__ = {}
    main.__builtins__ = builtins
    main.__file__, main.__cached__ = place, None
    main.__loader__ = SourceFileLoader("__main__", place)
    sys.path.insert(0, folder)


def add_builtins():
    """What ``site`` adds, which -S leaves out."""
    import site                          # only its ``main`` looks for paths
    for add in (site.setquit, site.setcopyright, site.sethelper):
        add()
    del sys.modules["site"]


def stack_size(size=0, /):
    """The stack of new threads in bytes; sets it, and gives the old.

    A stack counts as memory here, used or not.  A program that asks for
    half a gigabyte gets a quarter of its memory, and is told that it got
    what it asked for; recursion in Python needs none of it.
    """
    usual, most = STACKS
    TRUE_SIZE(size)                      # or it raises, as elsewhere
    size = index(size)
    TRUE_SIZE(min(size, most) if size else usual)
    STACK_SIZES.append(size)
    return STACK_SIZES[-2]


def fit_stacks(memory_mb):
    """Makes the stacks of threads fit into so many MiB of a program."""
    global FITTED, STACKS
    if memory_mb == FITTED:
        return
    FITTED = memory_mb
    STACKS = [max(1, memory_mb // part) << 20 for part in (128, 4)]
    TRUE_SIZE(STACKS[0])


class End:
    """One end of a pipe, with what asyncio asks of a socket."""

    def __init__(self, place):
        self.place = place

    def fileno(self):
        return self.place

    def setblocking(self, blocking):
        os.set_blocking(self.place, blocking)

    def recv(self, size):
        return os.read(self.place, size)

    def send(self, data):
        return os.write(self.place, data)

    def close(self):
        os.close(self.place)


def make_self_pipe(loop):
    """An event loop wakes itself up by a pair of sockets; here by a pipe."""
    loop._ssock, loop._csock = map(End, os.pipe())
    loop._ssock.setblocking(False)
    loop._csock.setblocking(False)
    loop._internal_fds += 1
    loop._add_reader(loop._ssock.fileno(), loop._read_from_self)


def without_sockets(events):
    """Gives the loops of asyncio :func:`make_self_pipe`."""
    events.BaseSelectorEventLoop._make_self_pipe = make_self_pipe


def without_temporary_files(util):
    """Python 3.14 looks for a folder of such files before it is known what
    ``multiprocessing`` has to do; outside of here it finds one."""
    util._has_writeable_tempdir = lambda: True


def without_kernel_copies(system):
    """``Path.copy`` of Python 3.14 asks the kernel to copy, and only where
    that has no such call does it read and write."""
    system._ficlone = system._copy_file_range = system._sendfile = None


CHANGED = {"asyncio.selector_events": without_sockets,
           "pathlib._os": without_kernel_copies,
           "multiprocessing.util": without_temporary_files}


class Finder:
    """Lets the modules of CHANGED be found, and changed once they ran."""

    @staticmethod
    def find_spec(name, path=None, target=None, changed=CHANGED):
        """The module's spec, or None for every other module."""
        if name not in changed:
            return None
        from importlib.machinery import PathFinder
        spec = PathFinder.find_spec(name, path)
        run = spec.loader.exec_module

        def exec_module(module):
            run(module)
            changed[name](module)

        spec.loader.exec_module = exec_module
        return spec


def furnish():
    """What needs to be done only once, before programs are forked."""
    global PIPES
    sys.set_int_max_str_digits(0)        # answers have thousands of digits
    sys.argv = ["program.py"]
    sys.orig_argv = [sys.executable, "program.py"]
    _thread.stack_size = stack_size
    if "threading" in sys.modules:
        sys.modules["threading"].stack_size = stack_size
    add_builtins()
    PIPES = streams_on_pipes()
    sys.stdin, sys.stdout = sys.__stdin__, sys.__stdout__ = streams()
    sys.meta_path.insert(0, Finder)
