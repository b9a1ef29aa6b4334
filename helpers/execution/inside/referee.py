"""The tests that call functions of a program, which is not here.

Used by ``child.py``, in the forked process with the tests; the one with the
program has ``calls.py``.
"""

import builtins
import json
import math
import os
import re
import sys
from _thread import RLock

import plain
from border import Border, Unknown
from calls import LACKING, MOST_ITEMS, messages, numbered, rejoined
from reports import RESULT, describe

STRANGE = re.compile(r'\{"(?:other|items|as)": \["([^"]*)')


RAISED = "_judged"         # what the error of a program has, to be told
# How a test says that it minds errors: else one that only ends a loop (of
# ``map(f, ...)``, say) were none.
MINDS = re.compile("StopIteration|except|[Rr]aises|suppress")


class Lost(BaseException):
    """The program has ended, or broke a limit: no test may catch that."""


class Refused(BaseException):
    """The tests cannot be run, whatever the program does."""


def classes_told(line, names):
    """The nearest of an error's classes that are here too: of Python or of
    the modules that tests have imported, or of ``names``, those of the
    starter and the setup.  None by which unittest skips a test."""
    found = []
    for module, name in line:
        if module.partition(".")[0] == "unittest":
            continue
        place = names if module == "solution" else vars(
            sys.modules[module]) if module.partition(".")[0] in (
                sys.stdlib_module_names) and module in sys.modules else vars(
                    builtins) if module == "builtins" else {}
        kind = place.get(name)
        if isinstance(kind, type) and issubclass(
                kind, BaseException) and not any(
                issubclass(nearer, kind) for nearer in found):
            found.append(kind)
    return found or [Exception]


def raised(text, detail, names):
    """The error that a test sees where the program raised one.

    ``text``: see :func:`error_told`, or forged; ``detail``: in words;
    ``names``: see :func:`classes_told`.
    """
    try:
        line, message, arguments, fields = plain.unpack(text)
        kinds, own = classes_told(line, names), line[0][1].rpartition(".")[2]
        fields = {name: plain.unpack(json.dumps(field))
                  for name, field in json.loads(fields).items()}
    except Exception:
        kinds, message, arguments, own, fields = [Exception], None, [], "", {}
    if not isinstance(message, str):
        message = detail.partition(": ")[2]
    kind = kinds[0]
    try:
        if own.isidentifier() and (kinds[1:] or own != kind.__name__):
            kind = type(own, (*kinds,), {})
    except Exception:                    # forged: no class has all of these
        pass
    try:
        error = kind(*arguments)
        same = str(error) == message
    except Exception:                    # some classes want what they want
        same = False
    try:
        if not same:                     # the message counts
            error = kind.__new__(kind)
            error.args = (message,)
        for name in fields.keys() & set(LACKING):    # some are not in vars()
            setattr(error, name, fields[name])
        vars(error).update(fields)
    except Exception:                    # a group without its errors
        error = Exception(message)
    setattr(error, RAISED, detail)
    return error


class Program:
    """The program as the tests see it: what they call, they ask for."""

    def __init__(self, report):
        self.report, self.answers = report, messages()
        self.asked, self.lost, self.strange, self.number = 0, None, "", 0
        self.stopped = ""                # by a StopIteration, in words
        self.names, self.lock = {}, RLock()
        self.border = Border(self.draw, MOST_ITEMS, True)

    def ask(self, *message):
        """The value that a message is answered with."""
        with self.lock:                  # tests may have threads
            self.asked += 1
            while True:
                os.write(RESULT, self.report("ran", "ask", json.dumps(
                    message), str(self.number)))
                status, kind, text, detail, _ = next(self.answers)
                if (status, kind) == ("error", "alive"):
                    error = raised(text, detail, self.names)
                    if isinstance(error, StopIteration):
                        self.stopped = detail
                    raise error
                try:
                    if (status, kind) == ("ran", "plain"):
                        found = STRANGE.search(text)
                        self.strange = found[1] if found else self.strange
                        return plain.unpack(text, self.border)
                    if (status, kind) != ("ran", "ask"):
                        self.lost = (status if status != "ran" else "error",
                                     detail)
                        raise Lost
                    _, number, anew = json.loads(text)
                    iterator = self.border.kept[number]
                except Exception:        # forged, in whatever way
                    self.lost = "error", "not plain data"
                    raise Lost from None
                message = self.item(iterator, anew)

    def item(self, iterator, anew):
        """The next item of an iterator of the tests, as a message."""
        try:
            item = self.border.keep(iter(iterator)) if anew else next(
                iterator)
            return "item", True, self.packed("an iterator", item)
        except StopIteration as end:
            return "item", False, self.packed("an iterator", end.value)

    def draw(self, number, sent, anew, some):
        """Items of an iterator of the program, see :class:`border.Border`."""
        return self.ask("draw", number, self.packed("an iterator", sent),
                        anew, some)

    def packed(self, name, value):
        """A value for the program.  Raises :class:`Refused`."""
        try:
            text = plain.pack(value, self.border)
        except RecursionError:
            raise Refused(f"they pass {name} lists in themselves or nested "
                          f"more than {plain.DEEPEST} deep, which cannot "
                          f"cross from one process to another") from None
        strange = STRANGE.search(text)
        if strange:
            raise Refused(f"they pass {name} a {strange[1]}, which cannot "
                          f"cross from one process to another; write it into "
                          f"the call, in an assert of its own")
        return json.loads(text)

    def evaluate(self, source, names):
        """An expression, with the values of some names where they cross;
        the program has its own of the others."""
        crossing = {}
        for name, value in names.items():
            try:
                strange = STRANGE.search(plain.pack(value, self.border))
            except RecursionError:
                strange = " list of lists"
            if not strange:
                crossing[name] = value
            else:
                self.strange = strange[1]
        if not crossing:
            return self.ask("eval", source)
        return self.changing("within", source, [*crossing.values()],
                             {}, [*crossing])

    def apply(self, name, solution, arguments, named):
        """Calls a function with arguments, which may change in place."""
        return self.changing("apply", name, arguments, named, solution)

    def changing(self, kind, name, arguments, named, more):
        """What the program answers and does to what it is given."""
        answer = self.ask(
            kind, name, self.packed(name, arguments),
            self.packed(name, named), more,
            numbered((arguments, named), one := {}))
        try:
            value, after, after_named, same, numbers, left = answer
            *_, value, _ = rejoined((after, after_named, value, left),
                                    iter(numbers), one)
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
                 "Solution": program.solutions()}

    def evaluated(source, *used):
        """The value of an expression, which uses variables of the setup."""
        return program.evaluate(source, {
            name: namespace[name] for name in used if name in namespace})

    namespace["_evaluated_"] = evaluated
    letters, first = "", ""
    try:
        try:
            exec(starter, namespace)
        except BaseException as error:
            raise Refused(f"its starter raises {describe(error)}") from None
        for line in setup:               # some of it may need the program
            try:
                exec(line, namespace)
            except Exception:
                pass
        program.names = dict(namespace)
        namespace.update((name, program.function(name)) for name in names)
        for program.number, test in enumerate(tests, 1):
            letter, why = letter_of(test, namespace, program)
            letters += letter
            if why and not first:
                first = f"test {program.number}: {why}"
        if not program.asked:
            raise Refused(f"they never call {names[0]}")
    except Refused as why:
        yield report("ran", "refused", "", str(why))
    else:
        yield report("ran", "end", letters, first)


def letter_of(test, namespace, program):
    """Runs one test: its letter, and why where it does not pass."""
    program.lost, program.strange, program.stopped = None, "", ""
    letter = ""
    try:
        exec(test, namespace)
        letter, why = "p", ""
        if program.stopped and not MINDS.search(test):
            letter, why = "e", program.stopped
    except Lost:
        pass
    except Refused:
        raise
    except Unknown as error:
        letter, why = "w", str(error)
    except BaseException as error:
        letter, why = "w", describe(error)
        if RAISED in vars(error):        # the program's
            letter, why = "e", getattr(error, RAISED)
        elif isinstance(error, AssertionError):
            why = "not as expected"
        elif isinstance(error, MemoryError):       # a range made a list, say
            letter, why = "m", "more memory than allowed"
        elif isinstance(error, SystemExit) and error.code in (None, 0):
            letter, why = "p", ""        # the tests' own end, as in a script
    if letter == "w" and program.strange and "cannot cross" not in why:
        why += (f"; a {program.strange} of the program cannot cross from one "
                f"process to another")
    if program.lost:                     # whatever the test made of it
        letter, why = program.lost[0][0], program.lost[1]
    return letter, why
