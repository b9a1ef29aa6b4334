"""Functions: the program that is called, and the tests that call it.

Used by ``child.py``, in two forked processes: :func:`serve` in the one with
the program, :func:`examine` in the one with the tests.
"""

import builtins
import json
import math
import os
import re
import sys
from collections import OrderedDict, deque

import plain
from reports import ASK, RESULT, describe, load, module

MOST_ITEMS = 10_000             # of an iterator that cross
HOLDERS = list, dict, deque, set, bytearray        # what a call may change
PARTED = list, dict, deque, tuple        # what may hold these
STRANGE = re.compile(r'\{"other": "(?!Other")([^"]*)')


def messages():
    """Yields what arrives on the pipe ASK, a line at a time."""
    read, join, chunks = os.read, bytes.join, [b""]
    while True:
        while b"\n" not in chunks[-1]:
            chunk = read(ASK, 1 << 16)
            if not chunk:
                return
            chunks.append(chunk)
        line, _, rest = join(b"", chunks).partition(b"\n")
        chunks = [rest]
        yield json.loads(line)


def serve(program, preamble, setup, report):
    """Mode "calls": loads the program, then evaluates what it is asked.

    Yields reports: that it is loaded, then a value for each message, which
    is ["eval", expression], ["call", name, arguments, named ones] or
    ["apply", name, arguments, named ones, number of a Solution, what
    :func:`numbered` tells of the arguments].  What is applied sends the
    value, the arguments as they are now, which of them the value is, and
    what is told of all three.  The text of an error is what
    :func:`error_told` tells.
    """
    encode, decode, any_error, shows = (plain.pack, plain.unpack,
                                        BaseException, describe)
    memory_error, evaluate, texts = MemoryError, eval, json.dumps
    told, solutions, most = error_told, {}, MOST_ITEMS
    join, number_all = rejoined, numbered
    namespace, run = module("solution"), load
    for text in (preamble, program, setup):
        failed = run(text, namespace, report)
        if failed:
            yield failed
            return
    yield report("ran", "loaded")
    for message in messages():
        try:
            if message[0] == "eval":
                said = encode(evaluate(message[1], namespace), most)
            else:
                name, arguments, named = message[1:4]
                arguments, named = (decode(texts(arguments)),
                                    decode(texts(named)))
                number = message[4] if message[0] == "apply" else None
                if message[0] == "apply":
                    arguments, named = join((arguments, named),
                                            iter(message[5]), one := {})
                if number is not None and number not in solutions:
                    solutions[number] = namespace["Solution"]()
                function = (
                    getattr(solutions[number], name) if number is not None
                    else namespace[name] if name in namespace
                    else getattr(namespace["Solution"](), name))
                value = function(*arguments, **named)
                if message[0] == "apply":
                    same = [i for i, each in enumerate(arguments)
                            if each is value] or [None]
                    value = None if same[0] is not None else value
                    value = [value, arguments, named, same[0], number_all(
                        (arguments, named, value), one)]
                said = encode(value, most)
            said = report("ran", "plain", said)
        except memory_error:
            said = report.out_of_memory
        except any_error as error:
            said = report("error", "", told(error), shows(error))
        yield said


def parts_of(value, known=isinstance, mapping=dict, ordered=OrderedDict,
             kinds=PARTED):
    """What a container holds, in the order in which it crosses."""
    if known(value, mapping):
        return (ordered if type(value) is ordered else mapping).values(value)
    for kind in kinds:
        if known(value, kind):
            return kind.__iter__(value)
    return ()


def numbered(value, one):
    """A number for each container in a value, from the outside in; for a
    list that is there twice the same.

    ``one``: the containers by number that are known, to which it adds.
    """
    numbers, seen = [], {id(each): number for number, each in one.items()}

    def visit(value, known=isinstance, holders=HOLDERS, parts=parts_of):
        if known(value, holders):
            numbers.append(seen.setdefault(id(value), len(seen)))
            one.setdefault(numbers[-1], value)
        for part in parts(value):
            visit(part)

    visit(value)
    return numbers


def rejoined(value, numbers, one, known=isinstance, holders=HOLDERS,
           parts=parts_of, mapping=dict, fixed=tuple, following=next):
    """A value that crossed, its containers again those that they were.

    ``numbers``: an iterator over those of :func:`numbered`; ``one``: the
    containers by number, which get what there is now in their copies.
    """
    if not known(value, holders):
        if not known(value, fixed):
            return value
        return getattr(value, "_make", fixed)(
            [rejoined(part, numbers, one) for part in parts(value)])
    number = following(numbers)
    old = one.setdefault(number, value)
    if not any(known(old, kind) and known(value, kind) for kind in holders):
        old = one[number] = value        # forged
    held = [rejoined(part, numbers, one) for part in parts(value)]
    if known(value, mapping):
        held = mapping(zip(value, held))
    elif not held:                       # a set or a bytearray, or empty
        held = value[:] if known(value, bytearray) else [*value]
    if known(value, (list, bytearray)):
        old[:] = held
    else:
        old.clear()
        (old.extend if known(value, deque) else old.update)(held)
    return old


def standard_error(error, kind=type, own=frozenset(
        each for each in vars(builtins).values()
        if isinstance(each, type) and issubclass(each, BaseException)),
        line_of=type.__dict__["__mro__"].__get__,
        name_of=type.__dict__["__name__"].__get__):
    """The name of the nearest class of an error that is Python's own."""
    for each in line_of(kind(error)):
        if each in own:
            return name_of(each)
    return "Exception"


def error_told(error, pack=plain.pack, any_error=BaseException, text=str,
               kind=type, own_name=type.__dict__["__name__"].__get__,
               place=OSError.filename.__get__, known=isinstance, os_error=
               OSError):
    """An error as text: the class that Python has for it, its message, its
    arguments, as far as they cross, and what its own class is called."""
    name, own = standard_error(error), own_name(kind(error))
    try:
        arguments = list(error.args)
        if known(error, os_error) and place(error) is not None:
            arguments.append(place(error))         # which is no argument
        return pack([name, text(error), arguments, own])
    except any_error:
        return pack([name, None, [], own])


class NoValue(Exception):
    """The program under test raised; what a test sees is a subclass, of the
    same kind as the error."""


class Lost(BaseException):
    """The program has ended, or broke a limit: no test may catch that."""


class Refused(BaseException):
    """The tests cannot be run, whatever the program does."""


def raised(text, detail):
    """The error that a test sees where the program raised one.

    ``text``: see :func:`error_told`, or forged; ``detail``: in words.
    """
    try:
        name, message, arguments, own = plain.unpack(text)
        kind = getattr(builtins, name, None)
    except Exception:
        kind, message, arguments, own = None, None, [], ""
    if not isinstance(message, str):
        message = detail.partition(": ")[2]
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        kind = Exception
    # Its own class first: that fills in its attributes.
    both = type(own if isinstance(own, str) and own.isidentifier()
                else kind.__name__, (NoValue,) if issubclass(NoValue, kind)
                else (kind, NoValue), {})
    try:
        error = both(*arguments)
        same = str(error) == message
    except Exception:                    # some classes want what they want
        same = False
    if not same:                         # the message counts
        try:
            error = both.__new__(both)
            error.args = (message,)
        except TypeError:                # a group without its errors
            error = NoValue(message)
    error.detail = detail
    return error


class Program:
    """The program as the tests see it: what they call, they ask for."""

    def __init__(self, report):
        self.report, self.answers = report, messages()
        self.asked, self.lost, self.strange = 0, None, ""

    def ask(self, *message):
        """The value that a message is answered with."""
        os.write(RESULT, self.report("ran", "ask", json.dumps(message)))
        status, kind, text, detail, _ = next(self.answers)
        self.asked += 1
        if (status, kind) == ("error", "alive"):
            raise raised(text, detail)
        try:
            if (status, kind) == ("ran", "plain"):
                found = STRANGE.search(text)
                self.strange = found[1] if found else self.strange
                return plain.unpack(text)
            self.lost = status if status != "ran" else "error", detail
        except Exception:                # forged, in whatever way
            self.lost = "error", "not plain data"
        raise Lost

    def apply(self, name, solution, arguments, named):
        """Calls a function with arguments, which may change in place."""
        sent = [plain.pack(each, MOST_ITEMS) for each in (arguments, named)]
        strange = STRANGE.search("".join(sent))
        if strange:
            raise Refused(f"they pass {name} a {strange[1]}, which cannot "
                          f"cross from one process to another; write it into "
                          f"the call, in an assert of its own")
        answer = self.ask("apply", name, *map(json.loads, sent), solution,
                          numbered((arguments, named), one := {}))
        try:
            value, after, after_named, same, numbers = answer
            *_, value = rejoined((after, after_named, value), iter(numbers),
                               one)
            return value if same is None else arguments[same]
        except Exception:
            self.lost = "error", "not plain data"
            raise Lost from None

    def function(self, name, solution=None):
        """A stand-in for a function, or for a method of a Solution."""
        def call(*arguments, **named):
            return self.apply(name, solution, arguments, named)

        call.__name__ = call.__qualname__ = name
        return call

    def solutions(self):
        """A stand-in for the class Solution, its methods by any name."""
        program, made = self, []

        class Solution:
            def __init__(self):
                made.append(self)
                self._number = len(made)

            def __getattr__(self, name):
                if name[:2] == "__":
                    raise AttributeError(name)
                return program.function(name, self._number)

        return Solution


def examine(tests, names, starter, setup, report):
    """Mode "tests": runs trusted tests, asking for the values of calls.

    This is the other process: it has the tests and not the program.  Yields
    a report for each question, and at the end one with a letter per test,
    or one that says why the tests cannot be run.
    """
    program = Program(report)
    namespace = {"__name__": "tests", "math": math, "sys": sys,
                 "Solution": program.solutions(),
                 "evaluated": lambda source: program.ask("eval", source)}
    letters, first = "", ""
    try:
        try:
            exec(starter, namespace)
        except Exception as error:
            raise Refused(f"its starter raises {describe(error)}") from None
        for line in setup:               # some of it may need the program
            try:
                exec(line, namespace)
            except Exception:
                pass
        namespace.update((name, program.function(name)) for name in names)
        for number, test in enumerate(tests, 1):
            letter, why = letter_of(test, namespace, program)
            letters += letter
            if why and not first:
                first = f"test {number}: {why}"
        if not program.asked:
            raise Refused(f"they never call {names[0]}")
    except Refused as why:
        yield report("ran", "refused", "", str(why))
    else:
        yield report("ran", "end", letters, first)


def letter_of(test, namespace, program):
    """Runs one test: its letter, and why where it does not pass."""
    program.lost, program.strange, letter = None, "", ""
    try:
        exec(test, namespace)
        letter, why = "p", ""
    except NoValue as error:
        letter, why = "e", error.detail
    except AssertionError:
        letter, why = "w", "not as expected"
    except Lost:
        pass
    except MemoryError:                  # a range made a list, say
        letter, why = "m", "more memory than allowed"
    except Exception as error:
        letter, why = "w", describe(error)
    if letter == "w" and program.strange and "cannot cross" not in why:
        why += (f"; a {program.strange} of the program cannot cross from one "
                f"process to another")
    if program.lost:                     # whatever the test made of it
        letter, why = program.lost[0][0], program.lost[1]
    return letter, why
