"""A program as a script: from its first line to Python's own end.

Used by ``child.py``, in the forked process.
"""

import atexit
import gc
import io
import os
import sys
from collections import defaultdict
from functools import partial
from operator import length_hint
from sys import getrefcount
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from audit import BY_NUMBER
from reports import RESULT, compiled, describe

# What may have last words at the end, and the words without which a script
# has no such thing, but for streams (:func:`streams_in_use`): its own objects
# then need not be taken down one by one.
LINGERING = io.IOBase, GeneratorType, CoroutineType, AsyncGeneratorType
HIDING = ("open", "IO", "File", "yield", "async", "weakref", "exec", "eval",
          "import_")
# Words of scripts for which nothing but Python's own end will do: what they
# say last depends on how much of it is left.
LATE = "__del__", "contextvar", "ContextVar"
HOLDING = list, tuple, set, dict         # what may hold such a thing
STREAMS = "stdin", "stdout", "stderr"
# Whether a script may end with all of Python, and begin without our frames.
# Audit hooks go before the last objects do, so not where they are the only
# lock.
WHOLE = True
LOADED = {}                # how many names modules have before a script
MOST_FRAMES = 2 ** 31 - 1  # that Python lets a script ask for
# Calls of functions in C below a script that Python counts as frames.
CALLS = 4 if sys.version_info < (3, 12) else 0


class Ran(AttributeError):
    """A script has run; ``__context__`` is what it raised, or None."""


RAN = Ran()


class Running(io.IOBase):
    """Runs a script where there is no frame of ours, and hears how it ended.

    Its ``close``, which is C, calls ``flush``, which :func:`ready` sets, and
    then sets an attribute, whatever ``flush`` has raised.
    """

    def __setattr__(self, name, value, ran=RAN):
        self.__dict__.clear()            # it closes once more when it goes
        raise ran.with_traceback(None)


class Start(SystemExit):
    """Takes a script to where it starts: below all frames of ours.

    Python, when it comes to the end, asks what ended it for its ``code``;
    that runs the script.  As it raises :class:`Ran`, Python asks once more,
    and the answer, after ``finish``, is an exit code.
    """

    running = Running()
    code = property(defaultdict(running.close).__getitem__)

    def __getattr__(self, name, ran=RAN):
        return self.finish(ran)


def ready(code, ends):
    """A :class:`Start` of this code, as ``__main__``."""
    start = Start()
    start.finish = ends
    start.running.__dict__["flush"] = partial(
        exec, code, vars(sys.modules["__main__"]))
    return start


def run_here(code, any_error=BaseException, run=exec, ran=RAN):
    """Runs a script above our frames: what it raised is noted in RAN."""
    try:
        run(code, vars(sys.modules["__main__"]))
    except any_error as error:
        error.__traceback__ = error.__traceback__.tb_next    # not ours
        ran.__context__ = error


def run_script(program, report):
    """Mode "stdio": as ``python program.py < input`` would run it.

    Gives a report where it is not Python.  Else it raises :class:`Start`,
    which nobody may stop, or where the script may not end with all of Python
    it runs it here and now; in both cases :func:`finish` ends the process.
    Its frame holds nothing of the script, as it may outlive it.
    """
    name = getattr(sys.modules["__main__"], "__file__", "program.py")
    code, failed = compiled(program, name, report)
    if failed:
        return failed
    ends = partial(finish, report, any([word in program for word in HIDING]),
                   any([word in program for word in LATE]), WHOLE,
                   partial(take_down, gc.isenabled), streams_in_use())
    leave_frames(None if WHOLE else 1)
    if WHOLE:
        raise ready(code, ends)
    run_here(code)
    ends(RAN)


def leave_frames(more):
    """Makes up for what is below a program: it may recurse, and is told that
    it may, as deep as on its own.

    ``more``: how many frames of ours there will be above those of now, None
    where there will be none at all.
    """
    ours, frame = CALLS, sys._getframe()
    if more is not None:
        ours = more
        while frame := frame.f_back:
            ours += 1
    put, limits = sys.setrecursionlimit, [sys.getrecursionlimit()]

    def getrecursionlimit():
        return limits[-1]

    def setrecursionlimit(limit, /):
        put(limit + ours if 0 < limit <= MOST_FRAMES - ours else limit)
        limits.append(limit)

    if ours:
        setrecursionlimit(limits[-1])
        sys.getrecursionlimit = getrecursionlimit
        sys.setrecursionlimit = setrecursionlimit


def exits_well(said, kind=type, below=issubclass, integer=int,
               least=-2 ** 63, most=2 ** 63 - 1):
    """Whether Python ends with exit code 0 where ``sys.exit`` says this.

    ``sys.exit((0,))`` is 0 as well, by an error that cannot be told from
    ``sys.exit(0)``'s; before Python 3.12 it is 1 where nothing caught it.
    """
    if said is None:
        return True
    if not below(kind(said), integer):
        return False
    said = integer.__index__(said)       # whatever its class makes of it
    return least <= said <= most and not said & 255


def fault(raised, report, kind=type, below=issubclass, shows=describe,
          well=exits_well, exit_error=SystemExit, memory_error=MemoryError,
          any_error=Exception, fields=vars(sys), standard=sys.excepthook):
    """The report on the error that has ended a script, if that is one."""
    if raised is None or below(kind(raised), exit_error) and well(
            raised.code):
        return None
    if below(kind(raised), memory_error):
        return report.out_of_memory
    failed = report("error", detail=shows(raised))
    if fields.get("excepthook") is not standard and not below(kind(raised),
                                                              exit_error):
        try:                             # it may have its own way to leave
            fields["excepthook"](kind(raised), raised, raised.__traceback__)
        except exit_error as left:
            return None if well(left.code) else failed
        except any_error:
            pass
    return failed


def end_python(report, modules=sys.modules, last=atexit._run_exitfuncs,
               fields=vars(sys), shows=describe, any_error=BaseException):
    """What the interpreter does at its end: None or a report.

    Other threads, atexit, and what is still to be written.
    """
    try:
        try:
            if "threading" in modules:
                modules["threading"]._shutdown()
        except any_error:                # an alarm, say: Python goes on
            pass
        last()
        flush(fields.get("stdout"))
        flush(fields.get("stderr"))
    except any_error as error:
        return report("error", detail=f"at its end: {shows(error)}")
    if fields.get("stdout") is not fields.get("__stdout__"):
        last_flush()
    return None


def take_down(enabled, modules=sys.modules, collect=gc.collect,
              fields=vars(sys)):
    """The script's own objects go, and say their last words.

    ``enabled`` tells whether the script lets Python collect by itself.
    Python too collects before it takes modules down: this puts in order what
    then goes together, a file before the buffer that it writes from.
    """
    if enabled():
        collect()
    for name in ("stdout", "stderr"):
        fields[name] = fields.get(f"__{name}__")
    modules.pop("__main__", None)
    collect()
    last_flush()


def last_flush(fields=vars(sys), any_error=BaseException):
    """What happens when a standard stream goes: nobody hears of errors."""
    try:
        flush(fields.get("__stdout__"))
    except any_error:
        pass


def flush(stream, get=getattr, any_error=BaseException):
    """Writes what a stream has not yet written, if it is one."""
    try:
        closed = stream is None or get(stream, "closed", False)
    except any_error:                    # Python, too, then takes it for open
        closed = False
    if not closed:
        stream.flush()


def streams_in_use(fields=vars(sys), count=getrefcount, opened=BY_NUMBER,
                   left=length_hint, any_error=Exception):
    """What changes where a script has a stream of its own on its output:
    how often what is below Python's is referred to, and how many more may be
    opened on a descriptor.  None where Python's stream lost what was below.
    """
    try:
        buffer = fields["__stdout__"].buffer
        return count(buffer), count(buffer.raw), left(opened)
    except any_error:
        return None


def name_modules(modules=sys.modules):
    """Notes how many names each module has before there is a script."""
    LOADED.update((name, len(vars(module)))
                 for name, module in modules.items())


def has_last_words(kind, kinds=LINGERING, below=issubclass, some=any,
                   line_of=type.__dict__["__mro__"].__get__,
                   fields=type.__dict__["__dict__"].__get__):
    """Whether objects of this class do something when they go; it is not
    asked itself, as it may have its own way with names."""
    return below(kind, kinds) or some(["__del__" in fields(each)
                                       for each in line_of(kind)])


def lingering(kind=type, speaks=has_last_words, below=issubclass,
              streams=STREAMS, holding=HOLDING, module_kind=type(sys),
              modules=sys.modules, before=LOADED, size=len, some=any,
              names=type(sys).__dict__["__dict__"].__get__, mapping=dict,
              text=str):
    """Whether something lives on that Python would only now take down: in
    a module that is new or has new names, or in a list or so of it.  What
    these are made of tells, and never a method of a class of the script."""
    for name, module in modules.copy().items():
        owned = below(kind(module), module_kind) and names(module) or {}
        if size(owned) == before.get(name):
            continue
        for name, thing in owned.copy().items():
            held = [thing]
            for base in holding:
                if below(kind(thing), base):
                    held += base.values(thing) if base is mapping else (
                        base.__iter__(thing))
            if not (kind(name) is text and name.strip("_") in streams) and (
                    some([speaks(kind(each)) for each in held])):
                return True
    return False


def finish(report, hides, late, whole, takes_down, before, ran, says=fault,
           ends=end_python, lives_on=lingering, uses=streams_in_use,
           tell=os.write, leave=os._exit, any_error=BaseException):
    """Ends a script that has run: its report, and the process goes.

    Returns where the interpreter itself has to end; its exit code then is
    the report.  ``hides``, ``late``: whether the script has words of HIDING,
    of LATE; ``takes_down``: :func:`take_down`; ``before``:
    :func:`streams_in_use` before it began; ``ran``: the :class:`Ran` that it
    left.
    """
    try:
        raised, ran.__context__ = ran.__context__, None
        failed = says(raised, report)
        raised = None                    # nothing of it is kept alive
        failed = ends(report) or failed
        if not failed and late and whole:
            return None
        if not failed and (hides or late or uses() != before):
            takes_down()
            if whole and lives_on():
                return None
        tell(RESULT, failed or report("ran", "output"))
    except any_error:
        leave(1)
    leave(0)
