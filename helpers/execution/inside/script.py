"""A program as a script: from its first line to Python's own end.

Used by ``child.py``, in the forked process.
"""

import atexit
import builtins
import gc
import io
import os
import sys
from types import AsyncGeneratorType, CoroutineType, GeneratorType

from reports import compiled, describe

# What may have last words at the end, and the words without which a script
# has no such thing: its own objects then need not be taken down one by one.
LINGERING = io.IOBase, GeneratorType, CoroutineType, AsyncGeneratorType
HIDING = ("open", "IO", "__del__", "yield", "async", "weakref", "exec",
          "eval", "import_")
STREAMS = "stdin", "stdout", "stderr"
PY_EXIT = None             # the end of an interpreter, where ctypes has it


def run_script(program, report):
    """Mode "stdio": as ``python program.py < input`` would run it.

    Gives a report, or ends the process as Python would.
    """
    leave, end = os._exit, PY_EXIT
    ends, takes_down, lives_on = end_python, take_down, lingering
    hides = any([word in program for word in HIDING])
    failed = run_main(program, report)
    failed = ends(report) or failed
    if hides and not failed:
        takes_down()
        if end is not None and lives_on():
            end(0)                       # its exit code is the report
            leave(1)
    return failed or report("ran", "output")


def run_main(program, report):
    """Runs the script: None or a report.  Keeps nothing of it alive."""
    memory_error, exit_error, any_error = MemoryError, SystemExit, Exception
    every_error, is_a, integer, run = BaseException, isinstance, int, exec
    kind, shows, standard = type, describe, sys.excepthook
    out_of_memory = report.out_of_memory
    main = vars(sys.modules["__main__"])
    code, failed = compiled(program, main.get("__file__", "program.py"),
                            report)
    if failed:
        return failed
    main["__builtins__"], main["__annotations__"] = builtins, {}
    try:
        run(code, main)
    except exit_error as error:
        said = error.code
        if said is None or is_a(said, integer) and not said & 255:
            return None
        return report("error", detail=shows(error))
    except memory_error:
        return out_of_memory
    except every_error as error:
        failed = report("error", detail=shows(error))
        if sys.excepthook is not standard:
            try:                         # it may have its own way to leave
                sys.excepthook(kind(error), error, error.__traceback__)
            except any_error:
                pass
        return failed
    return None


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


def take_down(modules=sys.modules, collect=gc.collect, fields=vars(sys)):
    """The script's own objects go, and say their last words."""
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


def lingering(kind=type, has=hasattr, below=issubclass, streams=STREAMS,
              kinds=LINGERING, owners=(vars(builtins), vars(sys))):
    """Whether something lives on that Python would only now take down."""
    return any([name.strip("_") not in streams and (
        below(kind(thing), kinds) or has(kind(thing), "__del__"))
        for owner in owners for name, thing in owner.items()])
