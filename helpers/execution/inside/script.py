"""A program as a script: from its first line to Python's own end.

Used by ``child.py``, in the forked process.
"""

import atexit
import gc
import io
import sys
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from reports import compiled, describe

# What may have last words at the end, and the words without which a script
# has no such thing: its own objects then need not be taken down one by one.
LINGERING = io.IOBase, GeneratorType, CoroutineType, AsyncGeneratorType
HIDING = ("open", "IO", "File", "yield", "async", "weakref", "exec", "eval",
          "import_")
# Words of scripts for which nothing but Python's own end will do: what they
# say last depends on how much of it is left.
LATE = "__del__", "contextvar", "ContextVar"
HOLDING = list, tuple, set, dict         # what may hold such a thing
STREAMS = "stdin", "stdout", "stderr"
# Whether a script may end with all of Python.  Audit hooks go before the last
# objects do, so not where they are the only lock.
WHOLE_END = True
LOADED = {}                # how many names modules have before a script
MOST_FRAMES = 2 ** 31 - 1  # that Python lets a script ask for


def run_script(program, report):
    """Mode "stdio": as ``python program.py < input`` would run it.

    Gives a report, or raises ``SystemExit``, which nobody may stop: then the
    interpreter itself ends, and its exit code is the report.
    """
    ended, whole = SystemExit, WHOLE_END
    ends, takes_down, lives_on = end_python, take_down, lingering
    hides = any([word in program for word in HIDING])
    late = any([word in program for word in LATE])
    leave_frames()
    failed = run_main(program, report)
    failed = ends(report) or failed
    if late and whole and not failed:
        raise ended
    if (hides or late) and not failed:
        takes_down()
        if whole and lives_on():
            raise ended
    return failed or report("ran", "output")


def leave_frames():
    """Makes up for our frames below a script: it may recurse, and is told
    that it may, as deep as on its own."""
    ours, frame = 1, sys._getframe()     # run_main comes in between
    while frame := frame.f_back:
        ours += 1
    put, limits = sys.setrecursionlimit, [sys.getrecursionlimit()]

    def getrecursionlimit():
        return limits[-1]

    def setrecursionlimit(limit, /):
        put(limit + ours if 0 < limit <= MOST_FRAMES - ours else limit)
        limits.append(limit)

    setrecursionlimit(limits[-1])
    sys.getrecursionlimit = getrecursionlimit
    sys.setrecursionlimit = setrecursionlimit


def exits_well(said, kind=type, below=issubclass, integer=int,
               least=-2 ** 63, most=2 ** 63 - 1):
    """Whether Python ends with exit code 0 where ``sys.exit`` says this."""
    if said is None:
        return True
    if not below(kind(said), integer):
        return False
    said = integer.__index__(said)       # whatever its class makes of it
    return least <= said <= most and not said & 255


def run_main(program, report):
    """Runs the script: None or a report.  Keeps nothing of it alive."""
    memory_error, exit_error, any_error = MemoryError, SystemExit, Exception
    every_error, run, well = BaseException, exec, exits_well
    kind, shows, standard = type, describe, sys.excepthook
    out_of_memory = report.out_of_memory
    main = vars(sys.modules["__main__"])
    code, failed = compiled(program, main.get("__file__", "program.py"),
                            report)
    if failed:
        return failed
    try:
        run(code, main)
        return None
    except exit_error as error:
        if well(error.code):
            return None
        return report("error", detail=shows(error))
    except memory_error:
        return out_of_memory
    except every_error as error:
        failed, raised = report("error", detail=shows(error)), error
    if sys.excepthook is not standard:
        try:                             # it may have its own way to leave
            raised.__traceback__ = raised.__traceback__.tb_next    # not ours
            sys.excepthook(kind(raised), raised, raised.__traceback__)
        except any_error:
            pass
    return failed


def end_python(report, modules=sys.modules, last=atexit._run_exitfuncs,
               fields=vars(sys), shows=describe, any_error=BaseException):
    """What the interpreter does at its end: None or a report.

    Other threads, atexit, and what is still to be written.
    """
    try:
        if "threading" in modules:
            modules["threading"]._shutdown()
        last()
        flush(fields.get("stdout"))
    except any_error as error:
        return report("error", detail=f"at its end: {shows(error)}")
    if fields.get("stdout") is not fields.get("__stdout__"):
        last_flush()
    return None


def take_down(modules=sys.modules, collect=gc.collect, fields=vars(sys),
              enabled=gc.isenabled):
    """The script's own objects go, and say their last words.

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


def flush(stream, get=getattr):
    """Writes what a stream has not yet written, if it is one."""
    if stream is not None and not get(stream, "closed", False):
        stream.flush()


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
              modules=sys.modules, before=LOADED, size=len, names=vars,
              some=any, mapping=dict):
    """Whether something lives on that Python would only now take down: in
    a module that is new or has new names, or in a list or so of it."""
    for name, module in modules.copy().items():
        owned = names(module) if below(kind(module), module_kind) else {}
        if size(owned) == before.get(name):
            continue
        for name, thing in owned.copy().items():
            held = [thing]
            if below(kind(thing), holding):
                held += thing.values() if below(kind(thing),
                                                mapping) else thing
            if name.strip("_") not in streams and some(
                    [speaks(kind(each)) for each in held]):
                return True
    return False
