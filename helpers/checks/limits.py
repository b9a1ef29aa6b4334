"""A learner's function called so that the notebook goes on, whatever it does.

It gets a limit of time and of memory, nobody to ask for input, and a place
for what it prints; then everything is as it was before, also the folder, the
environment and Python's own names.  In the main thread, which runs a
kernel's cells, a timer of the system ends it, also where it sleeps; in
another thread Python itself is told to.  Neither ends a loop that
runs inside one call of C and never looks up, such as a sum over an endless
iterator; a kernel cannot be interrupted there either.
"""

import builtins
import contextlib
import ctypes
import io
import os
import signal
import sys
import threading
import time

SECONDS = 5                   # for one call; the exercises need milliseconds
EXTRA_BYTES = 2 * 2**30       # bytes of memory that it may add
DEEP_CALLS = 10_000           # calls within calls
PATIENCE = 0.25               # seconds to tidy up before it is told again
TURNS = 25                    # sleeps that make up this time for threads
PRINTED = 200_000             # characters that are kept of what it prints
PRESSED = []                  # an entry for each Ctrl-C during a call


class OutOfTime(BaseException):
    """The call did not end in time; no ``except Exception`` catches this."""


class Printed(io.StringIO):
    """Keeps the beginning of what is printed, however much it is.

    ``log`` is a second one, or None, that gets the same: stdout and stderr
    write into one log, in the order in which they are written to.
    """

    def __init__(self, log=None):
        super().__init__()
        self.log = log

    def write(self, text):
        """Take ``text``, up to ``PRINTED`` characters in all."""
        super().write(text[:max(0, PRINTED - self.tell())])
        if self.log is not None:
            self.log.write(text)
        return len(text)

    def close(self):
        """Stay open: what was printed is still to be read."""


def within(seconds, function, arguments):
    """What the call gives; it raises what the call raises.

    Raises ``OutOfTime`` after ``seconds``, or when a timer that was set
    before would have rung.
    """
    if threading.current_thread() is not threading.main_thread():
        (found,) = in_threads([(function, arguments)], seconds)
        value, error = found or (None, OutOfTime())
        if error:
            raise error
        return value
    frames, shots, over = [], 0, False
    names = dict(builtins.__dict__)

    def call():
        frames.append(sys._getframe())
        return function(*arguments)

    def press(*given):
        PRESSED.append(True)
        return pressed(*given)

    def ring(_, frame):
        nonlocal shots
        if over:                    # to ring again would end the process
            return
        shots += 1
        signal.setitimer(signal.ITIMER_REAL, _again(shots))
        if shots > 1 and frames:
            _storm.come_over(frames[0])
        if _within_call(frame, frames):
            raise OutOfTime

    ended = threading.Event()
    threading.Thread(target=_watch, daemon=True, args=(
        ended, seconds + 4 * PATIENCE, frames)).start()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    pressed = signal.getsignal(signal.SIGINT)
    if callable(pressed):
        signal.signal(signal.SIGINT, press)
    handler = signal.signal(signal.SIGALRM, ring)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds)
    began = time.monotonic()
    if left:
        signal.setitimer(signal.ITIMER_REAL, min(seconds, left))
    try:
        return call()
    finally:
        over, _storm.over = True, None
        _give_back(names)           # what follows needs them, too
        ended.set()
        signal.setitimer(signal.ITIMER_REAL, 0)
        frames.clear()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        signal.signal(signal.SIGALRM, handler or signal.SIG_DFL)
        if pressed is not None:
            signal.signal(signal.SIGINT, pressed)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(
                1e-4, left - time.monotonic() + began), every)


def _give_back(names):
    """Python's own names mean again what they meant when these were kept."""
    space = builtins.__dict__
    space.update(names)
    for name in set(space) - set(names):
        del space[name]


def _again(shots):
    """Seconds until it is told once more: time to tidy up, then none."""
    return PATIENCE if shots == 1 else 1e-3


def _within_call(frame, frames):
    """Whether ``frame`` is below one of ``frames``, not in what follows."""
    while frame and frame not in frames:
        frame = frame.f_back
    return frame is not None


class _Storm:
    """Raises wherever the interpreter looks up.

    A loop around ``try`` and a bare ``except`` has few places where nothing
    catches, and a timer hardly ever comes upon one.  The interpreter looks
    up for signals and for pending calls at every turn of a loop, too; as a
    pending call stands here whether this object is true.
    """

    over = None

    def come_over(self, frame):
        """Raise in what ``frame`` calls, until it has ended."""
        self.over = frame
        ctypes.pythonapi.Py_AddPendingCall(ctypes.pythonapi.PyObject_IsTrue,
                                           ctypes.py_object(self))

    def __bool__(self):
        if self.over and _within_call(sys._getframe(), [self.over]):
            self.come_over(self.over)
            raise OutOfTime
        return False


_storm = _Storm()               # which a pending call may still look at


def _watch(ended, seconds, frames):
    """End a call that took the timer for itself, by ``signal.alarm``, say."""
    while not ended.wait(seconds):
        for frame in frames[:1]:
            _storm.come_over(frame)
        seconds = PATIENCE


def in_threads(calls, seconds, release=lambda: None):
    """Make ``calls``, pairs (function, arguments), all at the same time.

    Returns for each (value, None), (None, error), or None for one that
    nothing could end: it sleeps on, and keeps nobody up.  ``release`` is
    called when the time is over.
    """
    found, names = [None] * len(calls), dict(builtins.__dict__)

    def run(i, function, arguments):
        try:
            found[i] = function(*arguments), None
        except BaseException as error:
            found[i] = None, error

    threads = [threading.Thread(target=run, args=(i, *call), daemon=True)
               for i, call in enumerate(calls)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + seconds
    try:
        for thread in threads:
            thread.join(max(0, until - time.monotonic()))
    finally:                                  # also after Ctrl-C
        _give_back(names)
        release()
        # Each sleep ends when this thread gets its turn.  Those released need
        # turns, too, and on a busy machine all of them come late.
        for _ in range(TURNS):
            if any(map(threading.Thread.is_alive, threads)):
                time.sleep(PATIENCE / TURNS)
        until = time.monotonic() + 2
        while any(map(threading.Thread.is_alive, threads)) and (
                time.monotonic() < until):
            for thread in threads:
                if thread.is_alive():
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(thread.ident),
                        ctypes.py_object(OutOfTime))
            time.sleep(1e-3)
    return list(found)


@contextlib.contextmanager
def alone():
    """No input, limited memory; gives the ``Printed`` of what is printed.

    That is stdout; its ``log`` has stderr, too.
    """
    printed, depth = Printed(Printed()), sys.getrecursionlimit()
    asked, typed, deeper = builtins.input, sys.stdin, sys.setrecursionlimit
    leave, abort, home = os._exit, os.abort, os.getpid()

    def not_the_kernel(end):
        # A process that was forked does end: it would be a second kernel.
        def ends(*given, **named):
            return (sys.exit if os.getpid() == home else end)(*given, **named)
        return ends

    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(
            Printed(printed.log)), _little_memory(), _same_place():
        builtins.input, sys.stdin = _nobody, io.StringIO()
        os._exit, os.abort = not_the_kernel(leave), not_the_kernel(abort)
        # Beyond some depth it is the stack that ends, and with it the kernel.
        sys.setrecursionlimit = lambda limit: deeper(min(limit, DEEP_CALLS))
        try:
            yield printed
        finally:
            if os.getpid() != home:
                leave(1)
            builtins.input, sys.stdin = asked, typed
            os._exit, os.abort = leave, abort
            sys.setrecursionlimit = deeper
            deeper(depth)


@contextlib.contextmanager
def _same_place():
    """The folder and the environment are afterwards what they were."""
    environment = dict(os.environ)
    try:
        folder = os.getcwd()
    except OSError:                     # somebody removed it
        folder = os.curdir
    try:
        yield
    finally:
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        with contextlib.suppress(OSError):
            os.chdir(folder)


def _nobody(*_):
    raise EOFError("nobody answers here; what is needed comes as arguments")


@contextlib.contextmanager
def _little_memory():
    """At most ``EXTRA_BYTES`` more, where the system can be asked for that."""
    try:
        import resource
        with open("/proc/self/statm", encoding="ascii") as file:
            pages = int(file.read().split()[0])
        soft, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = pages * resource.getpagesize() + EXTRA_BYTES
        if soft != resource.RLIM_INFINITY:
            most = min(most, soft)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    except (ImportError, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
