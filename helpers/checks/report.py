"""What the checks of all exercises share: one line, and never a traceback.

Below the line stands the beginning of what the answer printed in the last
call in which it printed, so that ``print`` helps to find a mistake.

A check is a function of the learner's answer, decorated with
:func:`exercise`, that returns what :func:`say` makes.  It calls the answer by
:func:`attempt` and reads what comes back by :func:`one_number` or
:func:`entries`; each gives a pair, (value, None) or (None, a ``Failure``).
"""

import builtins
import functools
import inspect
import linecache
import math
import re
import reprlib
import sysconfig
import types
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

from helpers.checks import limits

OURS = (str(Path(__file__).parents[1]), "<frozen", *{
    sysconfig.get_path(name) for name in (
        "stdlib", "platstdlib", "purelib", "platlib")})
WHOLE_CHECK = 60              # seconds, should anything else go on for ever
LOOKED_AT = 10_000            # entries of an answer that are looked at
SHOWN_LINES = 20              # of what an answer prints
COLUMNS = 79
NO_RETURN = "nothing is returned so far"
IN_WORDS = {
    str: "text", bool: "True or False", list: "a list", tuple: "a tuple",
    set: "a set", frozenset: "a set", dict: "a dictionary", bytes: "bytes",
    int: "a whole number", float: "a number", complex: "a complex number",
    type(None): "nothing", type(...): "nothing",
    types.GeneratorType: "a generator: use return, not yield",
    types.CoroutineType: "a coroutine: leave out async",
    type: "a class: it is not called",
    types.FunctionType: "a function: it is not called",
    types.BuiltinFunctionType: "a function: it is not called"}


@dataclass(frozen=True)
class Failure:
    """Why there is no value to go on with.

    ``got`` and ``why`` are parts of the line; ``kind`` is the name of the
    exception, if the learner's code raised one, and ``kinds`` has those of
    its parents, too.
    """

    got: str
    why: str
    kind: str = ""
    kinds: tuple = ()


@dataclass(frozen=True)
class Told:
    """The line of a check, and whether all is right."""

    line: str
    right: bool


def say(expected, got, why=None):
    """What a check tells; all is right if there is no ``why``.

    ``got`` may be a ``Failure``: its own reason follows ``why``.
    """
    if isinstance(got, Failure):
        why = "; ".join(filter(None, (why, got.why)))
        got = got.got
    verdict = f"not yet, {why}" if why else "correct"
    return Told(" ".join(f"expected {expected}, got {got}: {verdict}".split()),
                why is None)


def exercise(check):
    """The check as learners call it: it prints its line and returns a bool.

    Below the line is what the answer printed.

    With ``mark=True``, for a grader, it raises ``AssertionError`` with that
    line where the answer is not right.
    """
    @functools.wraps(check)
    def run(answer, mark=False):
        _calls.clear()
        _lazy.clear()
        pressed = len(limits.PRESSED)
        try:
            told = limits.within(WHOLE_CHECK, check, (answer,))
        except BaseException as error:      # sys.exit() in __repr__, say
            if by_hand(error, pressed):
                raise
            told = say("an answer that can be looked at", failure(error))
        if mark and not told.right:
            raise AssertionError(told.line)
        print(told.line, *what_was_printed(), sep="\n")
        return told.right
    del run.__wrapped__                     # its signature has ``mark``
    return run


# ------------------------------------------------- what the answer prints

_lazy = []                    # functions that returned iterators
_calls = []                   # of this check: (the call in short, [Printed])


def listen(call, printed):
    """Keep what is ``printed`` in ``call``; "" goes on with the last one."""
    if call or not _calls:
        _calls.append((call, []))
    _calls[-1][1].append(printed)


def what_was_printed():
    """The lines below that of the check: the last call that printed."""
    for call, parts in reversed(_calls):
        text = "".join(part.log.getvalue() for part in parts)
        if text.strip():
            break
    else:
        return []
    lines = text.rstrip().split("\n")
    # What a terminal overwrites, as a bar does, is not seen there, either.
    short = [_cut("  " + "".join(
        sign if sign.isprintable() else "?" for sign in
        line.rstrip("\r").rpartition("\r")[2].expandtabs()), COLUMNS)
        for line in lines[:SHOWN_LINES]]
    if len(lines) > SHOWN_LINES or len(text) >= limits.PRINTED:
        short.append("  (and so on; only the beginning is shown)")
    return [_cut(f"printed by {call}", COLUMNS - 1) + ":", *short]


# ------------------------------------------------------- calling the answer

def attempt(function, *arguments, nothing=NO_RETURN, seconds=None):
    """``(value, None)`` of the learner's function, or ``(None, Failure)``.

    It is a failure, too, if an argument was changed, and if nothing was
    returned, of which ``nothing`` is then said; None where that may be.
    """
    if not callable(function):
        return None, Failure(shown(function), f"write a function; this is "
                             f"{in_words(function)}")
    before = [_copy(value) for value in arguments]
    pressed = len(limits.PRESSED)
    try:
        with limits.alone() as printed:
            listen("" if _ours(function) else call_of(function, before),
                   printed)
            value = limits.within(seconds or limits.SECONDS, function,
                                  arguments)
    except BaseException as error:
        if by_hand(error, pressed):
            raise
        return None, failure(error, function, before,
                             seconds or limits.SECONDS)
    if inspect.iscoroutine(value):
        value.close()           # or a warning says that nobody waited for it
    if isinstance(value, Iterator):
        _lazy.append(function)
    for number, (old, new) in enumerate(zip(before, arguments)):
        if not equal(old, new):
            name = _names(function, len(arguments))[number]
            return None, Failure(
                f"{name} changed by the call", f"the caller still needs "
                f"{name} as it was: work on a copy")
    if (value is None or value is ...) and nothing:
        return None, unreturned(printed, nothing)
    return value, None


def by_hand(error, pressed):
    """Whether somebody stopped the cell, who had ``pressed`` so often before.

    ``raise KeyboardInterrupt`` in an answer is an error as any other.
    """
    return isinstance(error, KeyboardInterrupt) and (
        len(limits.PRESSED) > pressed)


def gave_iterator(function):
    """Whether it returned what can be gone through once, in this check."""
    return any(each is function for each in _lazy)


def unreturned(printed, nothing=NO_RETURN):
    """The ``Failure`` of a call that only ``printed`` something, if that."""
    said = _first_line(printed)
    return Failure("None", f"nothing is returned, it prints {said!r}: "
                   f"return that instead" if said else nothing)


def failure(error, function=None, arguments=(), seconds=0):
    """The ``Failure`` that an exception of the learner's code is."""
    kind, where = type(error).__name__, _line_of(error)
    call = ("" if function is None or _ours(function) else
            call_of(function, arguments))
    where = (f" {where} of {call}" if where and call else
             f" {where.rstrip(',')}" if where else f": {call}" * bool(call))
    if isinstance(error, limits.OutOfTime):
        got = f"no end within {seconds or WHOLE_CHECK} seconds"
        return Failure(got, f"it never ends, or takes far too long; it was "
                       f"stopped{where}")
    message = _text(error)
    got = f"{kind}: {message}" if message else kind
    why = f"the call failed{where}"
    if isinstance(error, SystemExit):
        why += "; a function returns and ends nothing else"
    elif isinstance(error, MemoryError):
        why += "; it asks for more memory than there is room for"
    elif isinstance(error, TypeError) and "not callable" in message:
        why += _covered(function)
    if isinstance(error, TypeError) and not _line_of(error):
        kind = ""               # called with arguments that it does not take
    return Failure(got, why, kind, tuple(
        each.__name__ for each in type(error).__mro__))


def _covered(function):
    """What to do where the notebook gave a name of Python's another value."""
    names = getattr(getattr(function, "__code__", None), "co_names", ())
    space = getattr(function, "__globals__", {})
    return "".join(
        f"; {name} is {shown(space[name], 20)} in your notebook, give that "
        f"another name and get {name} back by `del {name}`" for name in names
        if callable(getattr(builtins, name, None)) and name in space
        and not callable(space[name]))


def _text(error):
    """The message of an exception: its first line, cut."""
    try:
        return _cut((str(error).splitlines() or [""])[0], 80)
    except Exception:
        return ""


def _first_line(printed):
    return _cut((printed.getvalue().strip().splitlines() or [""])[0], 40)


def _cut(text, most):
    return text if len(text) <= most else text[:most - 3] + "..."


def _line_of(error):
    """"in line 3, `x = d[0]`,": the last line of the learner's own code."""
    place, step = "", error.__traceback__
    while step:
        code = step.tb_frame.f_code
        if not code.co_filename.startswith(OURS):
            text = linecache.getline(code.co_filename, step.tb_lineno,
                                     step.tb_frame.f_globals).strip()
            place = f"in line {step.tb_lineno}" + (
                f", `{_cut(text, 60)}`," if text else "")
        step = step.tb_next
    return place


def _ours(function):
    return getattr(function, "__module__", "") == __name__


def call_of(function, arguments):
    """"f([1, 2], 3)": the call in short."""
    name = getattr(function, "__name__", "the function")
    inside = ", ".join(shown(value, 40) for value in arguments)
    return f"{name}({_cut(inside, 160)})"


def _names(function, number):
    """The names of the first parameters, as far as they have names."""
    try:
        known = [each.name for each in inspect.signature(
            function).parameters.values() if each.kind in (
                each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        known = []
    return (known + ["an argument"] * number)[:number]


def _copy(value):
    """A copy to compare with later; itself where it has none."""
    try:
        return deepcopy(value)
    except Exception:
        return value


def equal(old, new):
    """Whether two values of one type are equal, also the tensors in them."""
    if old is new:
        return True
    if type(old) is not type(new):
        return False
    if isinstance(old, (list, tuple)):
        return len(old) == len(new) and all(map(equal, old, new))
    if isinstance(old, dict):
        return list(old) == list(new) and all(
            equal(old[key], new[key]) for key in old)
    try:
        found = old == new
        return bool(found.all() if hasattr(found, "all") else found)
    except Exception:
        return True


# ------------------------------------------------- reading what comes back

_SHORT = reprlib.Repr()
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxset = _SHORT.maxdict = 12
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def shown(value, most=60):
    """``value`` in one short line, whatever it is."""
    value = as_python(value)
    shape = getattr(value, "shape", None)
    try:
        text = (" ".join(_SHORT.repr(value).split()) if shape is None else
                f"{in_words(value)} of shape {tuple(shape)}")
    except Exception:
        text = f"a {type(value).__name__}"
    text = re.sub(r" at 0x[0-9a-f]+", "", text)
    return _cut(text, most)


def as_python(value):
    """One number of a library as Python's own; all else as it is."""
    if getattr(value, "shape", None) == () and hasattr(value, "item"):
        return value.item()
    return value


def in_words(value):
    """What kind of thing a value is: "text", "a list"."""
    value = as_python(value)
    if isinstance(value, (set, frozenset, dict)) or type(value) in IN_WORDS:
        return next(said for kind, said in IN_WORDS.items()
                    if isinstance(value, kind))
    name = {"ndarray": "array"}.get(type(value).__name__,
                                    type(value).__name__)
    return f"{'an' if name[0] in 'AEIOUaeiou' else 'a'} {name}"


def misfit(value, wanted, what="this"):
    """The ``Failure`` of a value (or ``what`` of it) of the wrong kind."""
    if value is None or value is ...:
        return Failure("None", f"{NO_RETURN}; {wanted}")
    return Failure(shown(value), f"{what} is {in_words(value)}; {wanted}")


def one_number(value, wanted="return a number", finite=True):
    """The value as a float, or why it is none; NaN and infinity are none."""
    number = as_python(value)
    try:
        if isinstance(number, str) and math.isfinite(float(number)):
            wanted += ", without quotes"
    except ValueError:
        pass
    # Fraction and Decimal are numbers, too, True and False are not.
    if isinstance(number, bool) or not (
            isinstance(number, Real) or type(number).__name__ == "Decimal"):
        return None, misfit(value, wanted)
    try:
        number = float(number)
    except (OverflowError, ValueError):
        number = math.inf
    if finite and not math.isfinite(number):
        return None, Failure(shown(value), "no number to compare with: "
                             "somewhere it is divided by zero, or overflows")
    return number, None


def near_miss(got, right):
    """What is told of numbers that are right but rounded, or in per cent.

    Both are lists; None where it is something else that is wrong.
    """
    if any(right) and all(math.isclose(a, 100 * b, rel_tol=1e-9)
                          for a, b in zip(got, right)):
        return "these are per cent; give the number itself"
    if any(all(a == round(a, places) and abs(a - b) < 0.501 * 10 ** -places
               for a, b in zip(got, right)) for places in range(2, 9)):
        return "this is rounded: return it as it is computed"
    return None


def entries(value, wanted, ordered=True):
    """The entries of a list, tuple, array or generator, as a list.

    ``wanted`` says what to return instead; a set has no order (``ordered``).
    """
    value = as_python(value)
    if isinstance(value, (str, bytes, dict)) or value is None or (
            ordered and isinstance(value, (set, frozenset))):
        return None, misfit(value, wanted)
    if not hasattr(value, "__iter__") and not hasattr(value, "__getitem__"):
        return None, misfit(value, wanted)
    found, failed = attempt(lambda: _taken(value))
    if failed:
        return None, failed
    if len(found) > LOOKED_AT:
        return None, Failure(f"more than {LOOKED_AT:,} entries",
                             f"it never ends, or nearly so; {wanted}")
    return found, None


def two(value, wanted, read):
    """The two entries of a value, each ``read(entry, wanted)``, as a list."""
    found, failed = entries(value, wanted)
    if not failed and len(found) != 2:
        failed = misfit(value, f"{wanted}, not {len(found)}")
    for i, entry in enumerate(found if not failed else ()):
        found[i], failed = read(entry, wanted)
        if failed:
            break
    return found, failed


def _taken(value):
    """The first entries, by a loop that can be interrupted."""
    found = []
    for entry in value:
        found.append(as_python(entry))
        if len(found) > LOOKED_AT:
            break
    return found
