"""One judgement in each of three modes: answer, stdio, calls.

Used by ``helpers.execution``.  The worker runs the program; what it may not
know, the expected values, stays on this side.  An outcome is a list
[status, kind, text, detail, seconds]; for a program with tests this side
makes one of the status "judged", with a letter per test and comparator as
its text, and no program can forge it: no worker passes that status on.
"""

import builtins
import json
import re

from helpers.execution.asserts import (as_questions, completed, setup_lines,
                                       own_state, shared_setup)
from helpers.execution.faults import as_text
from helpers.execution.inside import plain
from helpers.execution.verdicts import (FAILURES, LETTERS, compare_call,
                                        compare_output, shorten, value_of)
from helpers.execution.workers import Limits

PATIENCE_LEAST = 5         # CPU seconds that tests have at least
MANY_ASKED = 10_000        # questions of a test, which then has less time
PASSED = "p"               # every other letter is the first of its status
INT_KEY = re.compile("0|-?[1-9][0-9]{0,639}")
LOOKS_UP = re.compile(r"f_back|_getframe|(inspect\.|extract_|print_)stack"
                      r"|stacklevel")
AT_END = re.compile(r"atexit|__del__|hook|settrace|setprofile")
VETTED = set()             # preambles and setups that run by themselves
BRIEF, MOST_ALIKE = 10_000, 100          # letters of a text, keys of a hash
SIMPLE = frozenset("""
    int float complex bytes dict tuple set frozenset fraction decimal date
    datetime time timedelta other""".split())        # what pairs may give
TALKING = ("loaded", "plain", "ask", "alive")    # kinds: more may follow


def answers(worker, programs, limits):
    """Yields an outcome for each program's global ``answer``."""
    worker.ask("answer", programs, limits)
    for _ in programs:
        outcome = worker.outcome()
        yield settled(outcome, (outcome[1],) if readable(outcome) else ())


def readable(outcome):
    """Whether an answer is one that :func:`verdicts.read_outcome` reads."""
    try:
        value_of(outcome[1], outcome[2])
    except ValueError:
        return False
    return True


def script(worker, program, problem, limits):
    """The outcome of a program that reads input and prints."""
    worker.ask("stdio", [program], limits,
               inputs=[as_text(test[0]) for test in problem.tests])
    marks = Marks()
    for _, expected in problem.tests:
        outcome = settled(worker.outcome(), ("output",))
        expected = as_read(as_text(expected))
        marks.add(outcome, outcome[1] == "output" and [
            compare_output(outcome[2], expected, comparator)
            for comparator in ("strict", "apps")],
            f"{shorten(outcome[2])} instead of {shorten(expected)}")
    if marks.first and LOOKS_UP.search(program) and (
            "Landlock" not in worker.layers or AT_END.search(program)):
        marks.first += "; it looks at its callers, which are the judge's here"
    return marks.outcome()


def as_read(text):
    """An expected output as the one of a program is read: what is no text
    in it, and no text may say so in Python's way, is a mark."""
    try:
        return text.encode("utf-8", "surrogateescape").decode(
            "utf-8", "replace")
    except UnicodeEncodeError:           # half a character, which none prints
        return text


def calls(worker, program, problem, limits):
    """The outcome of a program whose functions are called.

    Tests are assert statements, which another worker runs, or pairs of
    arguments and the value that they give.  Where the program defines no
    such function but a class Solution, its method is called.  Raises
    ``ValueError`` where the preamble, the setup or the tests are broken.
    """
    vet(worker, problem, limits)
    asserts = isinstance(problem.tests[0], str)
    worker.ask("calls", [program], limits,
               preamble=preamble_for(program, problem),
               setup=shared_setup(*texts_of(problem)) if asserts
               else problem.setup)
    state = worker.outcome()
    if asserts:
        return (examine(worker, state, problem, limits)
                if state[1] == "loaded" else settled(state))
    marks = Marks()
    for arguments, expected in problem.tests:
        if state[1] in TALKING:
            worker.send(json.dumps(["call", problem.entry_point, json.loads(
                plain.pack(int_keys(arguments))), {"dict": []}]))
            state = worker.outcome()
        passes = detail = None
        # What is much longer than expected is not equal, and not read: to
        # build it could take this process hours.
        if state[1] == "plain" and len(state[2]) < 1000 + 20 * len(
                plain.pack(expected)):
            try:
                value = unpacked(state[2])
                passes = [compare_call(value, expected, comparator)
                          for comparator in ("strict", "apps")]
                detail = f"{shorten(value)} instead of {shorten(expected)}"
            except Exception:            # forged, in whatever way
                state = ["error", "alive", "", "not plain data", state[4]]
        marks.add(settled(state, TALKING), passes, detail or "another value")
    if state[1] in TALKING:
        worker.send("")
    return marks.outcome()


def preamble_for(program, problem):
    """The preamble, but for a function of the name that is asked for.

    What the sites import holds a gcd, and Python a max, and a program that
    defines none would pass by it.  Where it has one of its own, it may be
    made of the other; so may the method of a class Solution, where that is
    what is asked.
    """
    name, asserts = problem.entry_point, isinstance(problem.tests[0], str)
    if re.search(rf"(?m)^((async +)?def|class) +{name}\b|^{name} *=(?!=)",
                 program) or any("Solution" in text for text in (
                     problem.tests if asserts else [program])):
        return problem.preamble
    if hasattr(builtins, name):
        return (f"{problem.preamble}\ndef {name}(*_, **__):\n    raise "
                f"NameError(\"name '{name}' is not defined\")")
    return problem.preamble and (
        f"{problem.preamble}\nglobals().pop({name!r}, None)")


def unpacked(text):
    """The value that a program says it returned, built in this process.

    Raises ``ValueError`` and others for what no value of a pair packs to,
    and for what would take the time of its length squared: keys with one
    hash, as no honest program has many of them, and giant fractions.
    """
    if len(text) > BRIEF:
        check_keys(json.loads(text))
    return plain.unpack(text)


def check_keys(item):
    """Raises ``ValueError`` for parts of a text that take long to build."""
    if isinstance(item, list):
        for each in item:
            if isinstance(each, (list, dict)):
                check_keys(each)
    elif isinstance(item, dict):
        (tag, inside), = item.items()
        if tag not in SIMPLE:
            raise ValueError(f"no value of a pair is a {tag}")
        if tag == "fraction" and len(inside[0]) * len(inside[1]) > 10 ** 9:
            raise ValueError("a giant fraction")
        check_keys(inside)               # a key may hold a set
        if tag in ("set", "frozenset", "dict"):
            keys = [plain.unpack(json.dumps(
                each[0] if tag == "dict" else each)) for each in inside]
            if len(keys) - len({*map(hash, keys)}) > MOST_ALIKE:
                raise ValueError("many keys have one hash")


def int_keys(value):
    """Arguments, with the int keys that JSON had to write as text.

    A dictionary gets them back, at any depth, where all its keys are an int
    as Python writes it; so nothing is lost.  What ``int`` may not read, as
    it has thousands of digits, stays text.
    """
    if isinstance(value, (list, tuple)):
        return type(value)(map(int_keys, value))     # plain, see as_judged
    if isinstance(value, dict):
        number = int if value and all(
            isinstance(key, str) and INT_KEY.fullmatch(key)
            for key in value) else (lambda key: key)
        return {number(key): int_keys(item) for key, item in value.items()}
    return value


def vet(worker, problem, limits):
    """Runs what a problem brings along, without any program.

    Raises ``ValueError`` where it fails.  A setup may use what only the
    program has, so a name that is missing is no fault of it.
    """
    both = problem.preamble, problem.setup
    if both in VETTED or not any(both):
        return
    patient = Limits(max(5, 5 * limits.timeout), max(256, limits.memory_mb))
    for name, setup in (("preamble", ""), ("setup", problem.setup)):
        worker.ask("calls", [""], patient, preamble=problem.preamble,
                   setup=setup)
        state = worker.outcome()
        if state[1] == "loaded":
            worker.send("")
        elif name == "preamble" or state[0] != "error" or not state[
                3].startswith(("NameError", "AttributeError")):
            raise ValueError(f"{problem.task_id} cannot be judged: its "
                             f"{name} fails ({state[3] or state[0]})")
    if len(VETTED) >= 1000:
        VETTED.clear()
    VETTED.add(both)


def texts_of(problem):
    """What :mod:`asserts` makes questions of."""
    return (tuple(problem.tests), problem.entry_point, problem.setup,
            problem.starter)


def examine(worker, state, problem, limits):
    """Runs assert statements in a second worker, which asks the first.

    The first one has the program and is asked for the value of each call;
    the second has the tests and never sees the program.  A test that goes on
    and on is ended with the program that makes it do so.  Raises
    ``ValueError`` where the tests cannot be run, whatever the program does.
    """
    referee = worker.referee()
    patient = Limits(max(PATIENCE_LEAST, 5 * limits.timeout),
                     max(1024, limits.memory_mb))
    referee.ask("tests", [as_questions(*texts_of(problem))],
                patient, names=[problem.entry_point],
                setup=setup_lines(problem.setup),
                starter=completed(problem.starter))
    ended, count, number = None, 0, ""
    question, seconds = referee.outcome(), state[4]
    while question[1] == "ask":
        if question[3] != number:        # another test
            number, count, before = question[3], 0, question[4] + state[4]
        count += 1
        spent = question[4] + state[4] - before
        if spent > patient.timeout * (1 if count > MANY_ASKED else 20):
            if ended:                    # nothing else ends it
                referee.send("")
                return ended
            worker.send("")
            ended = ["timeout", "", "", f"{count} calls and items of this "
                     f"test took {spent:.0f} s", seconds]
        if ended is None:
            worker.send(question[2])
            state = worker.outcome()
            seconds = max(seconds, state[4])
            if state[1] not in TALKING:
                ended = settled(state)
        referee.send(json.dumps(ended or state))
        question = referee.outcome()
    if ended is None:
        worker.send("")
    if question[1] == "refused":
        raise ValueError(f"{problem.task_id} cannot be judged: its tests "
                         f"cannot run, as {question[3]}")
    letters = question[2]
    if question[1] != "end" or len(letters) != len(problem.tests) or not (
            LETTERS.keys() >= set(letters)):      # a value that broke them
        if not count:                    # nobody has asked the program
            raise ValueError(f"{problem.task_id} cannot be judged: its "
                             f"starter, its setup or its tests come to no "
                             f"end before they call {problem.entry_point} "
                             f"({question[3]})")
        late = question[0] in ("timeout", "memory")
        return [question[0] if late else "error", "", "",
                f"its tests came to no end: {question[3]}", seconds]
    detail, uses = question[3], own_state(problem.tests)
    if uses and {"w", "e"} & set(letters):
        detail += (f"; its tests use {uses}, in another process than the "
                   f"program's")
    return ["judged", "", f"{letters}/{letters}", detail, seconds]


def settled(outcome, kinds=()):
    """An outcome that is one of a failure, or of one of these kinds.

    Whatever else a worker passes on was forged by its program.
    """
    if outcome[0] in FAILURES or outcome[0] == "ran" and outcome[1] in kinds:
        return outcome
    return ["error", "", "", "a forged result", outcome[4]]


class Marks:
    """Collects what came out of each test of one program."""

    def __init__(self):
        self.strict = self.apps = self.first = ""
        self.seconds = 0.0

    def add(self, outcome, passes, detail):
        """A test's outcome, and if it ran, whether it passes by each."""
        letter = outcome[0][0] if outcome[0] != "ran" else "w"
        strict, apps = passes or (False, False)
        self.strict += PASSED if strict else letter
        self.apps += PASSED if apps else letter
        self.seconds = max(self.seconds, outcome[4])
        if not strict and not self.first:
            detail = detail if outcome[0] == "ran" else outcome[3]
            self.first = f"test {len(self.strict)}: {detail}"

    def outcome(self):
        return ["judged", "", f"{self.strict}/{self.apps}", self.first,
                round(self.seconds, 6)]
