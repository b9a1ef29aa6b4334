"""One judgement in each of three modes: answer, stdio, calls.

Used by ``helpers.execution``.  The worker runs the program; what it may not
know, the expected values, stays on this side.  An outcome is a list
[status, kind, text, detail, seconds]; for a program with tests this side
makes one of the status "judged", with a letter per test and comparator as
its text, and no program can forge it: no worker passes that status on.
Introduced in notebook 01, section 6.
"""

import ast
import json
import re
from functools import lru_cache

from helpers.execution.inside import plain
from helpers.execution.verdicts import compare_call, compare_output, shorten
from helpers.execution.workers import Limits

PASSED = "p"               # every other letter is the first of its status
TALKING = ("loaded", "plain", "ask", "alive")    # kinds: more may follow


def answers(worker, programs, limits):
    """Yields an outcome for each program's global ``answer``."""
    worker.ask("answer", programs, limits)
    for _ in programs:
        yield worker.outcome()


def as_text(lines):
    """An input or output of APPS as text; some are lists of lines."""
    if isinstance(lines, (list, tuple)):
        return "\n".join(map(str, lines))
    return str(lines)


def script(worker, program, problem, limits):
    """The outcome of a program that reads input and prints."""
    worker.ask("stdio", [program], limits,
               inputs=[as_text(test[0]) for test in problem.tests])
    marks = Marks()
    for _, expected in problem.tests:
        outcome = worker.outcome()
        expected = as_text(expected)
        marks.add(outcome, outcome[1] == "output" and [
            compare_output(outcome[2], expected, comparator)
            for comparator in ("strict", "apps")],
            f"{shorten(outcome[2])} instead of {shorten(expected)}")
    return marks.outcome()


def calls(worker, program, problem, limits):
    """The outcome of a program whose functions are called.

    Tests are assert statements, which another worker runs, or pairs of
    arguments and the value that they give.  Where the program defines no
    such function but a class Solution, its method is called.
    """
    asserts = (prepare(problem.tests, problem.entry_point)
               if isinstance(problem.tests[0], str) else None)
    worker.ask("calls", [program], limits, preamble=problem.preamble,
               setup=problem.setup)
    state = worker.outcome()
    if asserts:
        return (examine(worker, state, asserts, problem, limits)
                if state[1] == "loaded" else state)
    marks = Marks()
    for arguments, expected in problem.tests:
        if state[1] in TALKING:
            worker.send(json.dumps(["call", problem.entry_point, json.loads(
                plain.encode(int_keys(arguments))), {"dict": []}]))
            state = worker.outcome()
        passes = detail = None
        # What is much longer than expected is not equal, and not read: to
        # build it could take this process hours.
        if state[1] == "plain" and len(state[2]) < 1000 + 20 * len(
                plain.encode(expected)):
            try:
                value = plain.decode(state[2])
                passes = [compare_call(value, int_keys(expected), comparator)
                          for comparator in ("strict", "apps")]
                detail = f"{shorten(value)} instead of {shorten(expected)}"
            except Exception:            # forged, in whatever way
                state = ["error", "alive", "", "not plain data", state[4]]
        marks.add(state, passes, detail or "another value")
    if state[1] in TALKING:
        worker.send("")
    return marks.outcome()


def int_keys(value):
    """A list whose first entry is a dictionary gets its int keys back.

    JSON knows only text as a key; the official scorer of APPS does the same.
    What ``int`` cannot read, as it has thousands of digits, stays text.
    """
    if (isinstance(value, list) and value and isinstance(value[0], dict)
            and all(re.fullmatch("-?[0-9]{1,640}", key)
                    for key in value[0])):
        return [{int(key): item for key, item in value[0].items()}]
    return value


def examine(worker, state, asserts, problem, limits):
    """Runs assert statements in a second worker, which asks the first.

    The first one has the program and is asked for the value of each call;
    the second has the tests and never sees the program.
    """
    referee = worker.referee()
    patient = Limits(max(5, 5 * limits.timeout), max(1024, limits.memory_mb))
    referee.ask("tests", [asserts], patient, names=[problem.entry_point],
                starter=problem.starter)
    seconds, ended = state[4], None
    question = referee.outcome()
    while question[1] == "ask":
        if ended is None:
            worker.send(question[2])
            state = worker.outcome()
            seconds = max(seconds, state[4])
            if state[1] not in TALKING:
                ended = state
        referee.send(json.dumps(ended or state))
        question = referee.outcome()
    if ended is None:
        worker.send("")
    if question[1] != "end":             # a value that broke the tests
        return ["error", "", "", f"its tests came to no end: {question[3]}",
                seconds]
    letters = question[2]
    return ["judged", "", f"{letters}/{letters}", question[3], seconds]


@lru_cache(maxsize=256)
def prepare(tests, entry_point):
    """Assert statements, with the calls in them turned into questions.

    ``assert f(3) == 4`` becomes ``assert evaluated('f(3)') == 4``: the text
    of the call goes to the process with the program, the rest stays.  A
    function ``check(candidate)``, as in HumanEval, is called with a stand-in
    that passes its arguments on.  Raises ``ValueError`` for tests that are
    not Python.
    """
    def ask(node):
        if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
                and node.func.id == entry_point):
            return ast.Call(ast.Name("evaluated", ast.Load()),
                            [ast.Constant(ast.unparse(node))], [])
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                setattr(node, name, ask(value))
            elif isinstance(value, list):
                setattr(node, name, [ask(item) if isinstance(item, ast.AST)
                                     else item for item in value])
        return node

    prepared = []
    for test in tests:
        try:
            tree = ast.parse(test)
        except SyntaxError as error:
            raise ValueError(f"a test of this problem is not Python "
                             f"({error.msg}): {test[:60]!r}") from None
        tree.body = [ask(node) if isinstance(node, ast.Assert) else node
                     for node in tree.body]
        text = ast.unparse(ast.fix_missing_locations(tree))
        if any(isinstance(node, ast.FunctionDef) and node.name == "check"
               for node in tree.body):
            text += f"\ncheck({entry_point})"
        prepared.append(text)
    return prepared


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
