"""How a program is read and run, and how what came out is told.

Used in the forked process, see ``child.py``.
"""

import builtins
import re
import sys
from resource import RLIMIT_AS, RUSAGE_SELF, getrlimit, getrusage

PROGRAM = "<program>"      # the name of one that has no file
RESULT, ASK = 3, 4         # pipes: to the worker, and from it
VALUE = 16                 # MiB of text that a value may have to cross
# What is no Python but a line of a program that the official scorer of APPS
# has put into a function.
IN_A_FUNCTION = ("'return' outside function",
                 "nonlocal declaration not allowed at module level")
# The first two lines may name the encoding of a file.
CODING = re.compile(r"\ufeff?(?:[ \t\f]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))?"
                    r"[ \t\f]*#[^\r\n]*?coding[:=][ \t]*([-\w.]+)")


def reporter(nonce):
    """A function that makes the line of a report; see
    ``supervision.read_report``."""
    encode, join, size = str.encode, str.join, len

    def report(status, kind="", value="", detail="", most=VALUE << 20):
        if size(value) > most:
            return report.too_large
        fields = (nonce, status, kind, encode(value).hex(),
                  encode(detail[:200], "utf-8", "replace").hex())
        return encode(join(" ", fields) + "\n")

    # Made now, as it is wanted when there is no memory to make it.
    report.out_of_memory = report("memory", detail="more memory than allowed")
    report.too_large = report("memory", detail=(
        f"a value is too large to judge (more than {VALUE} MiB as text)"))
    return report


def describe(error, kind=type, any_error=BaseException,
             name_of=type.__dict__["__name__"].__get__):
    """An error in a few words, even one that lies or raises."""
    try:
        return f"{name_of(kind(error))}: {error}"
    except any_error:
        return name_of(kind(error))


def as_file(program):
    """A script as a file has it: in the encoding that it names, or where
    that cannot be, as everywhere else, in UTF-8.  Nor can it be where no
    lines are left, as an encoding has its own way to write their ends."""
    named = CODING.match(program)
    try:
        text = program.encode(named[1] if named else "utf-8")
        if not named or text.count(b"\n") == program.count("\n"):
            return text
    except (LookupError, ValueError):    # of its own name, of its letters
        pass
    return program.encode("utf-8", "surrogatepass")


def compiled(program, name, report):
    """A program's code: (code, None), or (None, a report)."""
    try:                       # Python skips the mark of UTF-8 at the start
        source = program.removeprefix("\ufeff")
        if name != PROGRAM and CODING.match(program):
            source = as_file(program)    # what it names may be unknown
        return compile(source, name, "exec", dont_inherit=True), None
    except BaseException as error:
        if isinstance(error, MemoryError) and (     # and not: nested too deep
                getrusage(RUSAGE_SELF).ru_maxrss << 11) > getrlimit(
                    RLIMIT_AS)[0] > 0:
            return None, report.out_of_memory
        said = type(error).__name__
        if getattr(error, "msg", None) in IN_A_FUNCTION:
            said += (f": {error.msg} (the official scorer of APPS takes "
                     f"this; Python does not, nor do we)")
        return None, report("unparsable", detail=said)


def module(name):
    """The names of a module, which is new if there is none."""
    if name not in sys.modules:
        sys.modules[name] = type(sys)(name)
    return vars(sys.modules[name])


def load(program, namespace, report):
    """Runs a program with the names of its module: None or a report."""
    namespace["__builtins__"] = builtins
    memory_error, any_error, run, shows = (MemoryError, BaseException, exec,
                                           describe)
    out_of_memory = report.out_of_memory
    code, failed = compiled(program, PROGRAM, report)
    if failed:
        return failed
    try:
        run(code, namespace)
    except memory_error:
        return out_of_memory
    except any_error as error:
        return report("error", detail=shows(error))
    return None
