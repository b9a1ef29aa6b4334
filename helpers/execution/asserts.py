"""Assert statements as tests: what is asked of the program, and what not.

Used by ``helpers.execution``.
"""

import ast
import builtins
import re
import sys
import warnings
from collections import Counter, OrderedDict, deque
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache

# What tests find without an import; ``evaluated`` and the others are ours.
PLAIN = set().union(*map(dir, (
    str, int, float, complex, bytearray, list, tuple, dict, set, frozenset,
    range, deque, Counter, OrderedDict, datetime, timedelta, Fraction,
    (x for x in ()), (lambda: 0))))      # what plain data has, by name
OFFERED = {"math", "sys", "evaluated", "Solution", "__name__", "__builtins__"}
DISPLAYS = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp,
            ast.SetComp)
PARAMETERS = tuple(                      # of a type, from Python 3.12 on
    getattr(ast, name) for name in ("TypeVar", "ParamSpec", "TypeVarTuple")
    if hasattr(ast, name))
CONTAINERS = {"list", "dict", "set", "bytearray", "deque", "Counter",
              "defaultdict", "OrderedDict"}
STREAM = re.compile(r"\bredirect_std|^sys\.std(in|out) =|"
                    r"\bpatch\(.*std(in|out)")


@lru_cache(maxsize=256)
def as_questions(tests, entry_point, setup=""):
    """Assert statements, with the calls in them turned into questions.

    ``assert f(3) == 4`` becomes ``assert evaluated('f(3)') == 4``: the text
    of the call goes to the process with the program, the rest stays; with it
    goes what only an object of the program has: ``f(3)(4)``, ``f(3).left``.
    A call that uses names of the tests themselves (a variable, one of a loop)
    or a container of the setup, which it may change, stays, and meets a
    stand-in for ``f`` that sends its arguments.
    A function ``check(candidate)``, as in HumanEval, is called with that
    stand-in, and functions ``test_...()`` without arguments are called.
    Raises ``ValueError`` for tests that are not Python.
    """
    trees = [parsed(test, "a test of this problem") for test in tests]
    own = set().union(containers(parsed(setup, "the setup of this problem")),
                      *map(bound, trees))

    def ask(node):
        if asks(node, entry_point) and not (
                used(node) - bound(node) | named(node)) & own:
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
    for tree in trees:
        tree.body = [ask(node) if isinstance(node, ast.Assert) else node
                     for node in tree.body]
        text = ast.unparse(ast.fix_missing_locations(tree))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                if node.name == "check":
                    text += f"\ncheck({entry_point})"
                elif node.name.startswith("test") and not any(
                        vars(node.args).values()):
                    text += f"\n{node.name}()"
        prepared.append(text)
    return prepared


def parsed(text, what):
    """The tree of a text.  Raises ``ValueError`` where it is not Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")      # of escapes, say
            compile(text, "<test>", "exec", dont_inherit=True)
            return ast.parse(text)
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        raise ValueError(f"{what} is not Python "
                         f"({getattr(error, 'msg', error)}): {text[:60]!r}"
                         ) from None


def asks(node, entry_point):
    """Whether it is a call of what the tests call, or what no plain data
    has: a call of its value, an attribute of an object or of the function,
    or an item of one of these.
    """
    while isinstance(node, ast.Subscript):       # with an item of its own
        node = node.value
    while isinstance(node, (ast.Call, ast.Attribute)):
        if isinstance(node, ast.Call):
            if calls(node.func, entry_point):
                return True
            node = node.func
            if isinstance(node, ast.Call):
                continue
        if isinstance(node, ast.Attribute) and isinstance(
                node.value, ast.Name) and node.value.id == entry_point:
            return True
        if not isinstance(node, ast.Attribute) or node.attr in PLAIN:
            return False
        node = node.value
        while isinstance(node, ast.Subscript):
            node = node.value
    return False


def calls(function, entry_point):
    """Whether it is what the tests call: ``f`` or ``Solution().f``."""
    if isinstance(function, ast.Name):
        return function.id == entry_point
    return (isinstance(function, ast.Attribute)
            and function.attr == entry_point
            and isinstance(function.value, ast.Call)
            and getattr(function.value.func, "id", "") == "Solution"
            and not function.value.args + function.value.keywords)


def containers(setup):
    """The names that a setup gives lists, dictionaries and sets of its own,
    made of nothing that only the program may have."""
    names, known = set(), OFFERED | set(vars(builtins))
    for line in setup.body:
        known |= bound(line) if isinstance(
            line, (ast.Import, ast.ImportFrom)) else set()
        if isinstance(line, ast.Assign) and used(line) <= known and (
                isinstance(line.value, DISPLAYS) or used(line.value) & names
                or getattr(getattr(line.value, "func", None), "id", "")
                in CONTAINERS) and not any(
                    isinstance(node, ast.Lambda) for node in ast.walk(line)):
            names |= bound(line)
            known |= bound(line)
    return names


def named(tree):
    """The names that an expression gives a meaning for what follows it."""
    return {node.target.id for node in ast.walk(tree)
            if isinstance(node, ast.NamedExpr)}


def used(tree):
    """The names that some code reads."""
    return {node.id for node in ast.walk(tree)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def bound(tree):
    """The names that some code gives a meaning, wherever in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef,
                               ast.ClassDef, ast.ExceptHandler)):
            names.add(node.name)
        elif isinstance(node, (ast.MatchAs, ast.MatchStar)):
            names.add(node.name)
        elif isinstance(node, ast.MatchMapping):
            names.add(node.rest)
        elif isinstance(node, PARAMETERS):
            names.add(node.name)
    return names


@lru_cache(maxsize=256)
def completed(starter):
    """A starter as code that runs: one that ends at a ``def`` gets a body."""
    for end in ("", "\n    pass", "\n        pass"):
        try:
            parsed(starter + end, "the starter of this problem")
            return starter + end
        except ValueError:
            continue
    parsed(starter, "the starter of this problem")


@lru_cache(maxsize=256)
def setup_lines(setup):
    """The statements of a setup, each as a text."""
    return [ast.unparse(line) for line in parsed(
        setup, "the setup of this problem").body]


def check_asserts(tests, entry_point, starter, setup):
    """Raises ``ValueError`` for tests that no program could pass here.

    They may use their own names, Python's, those of the starter and the
    setup, ``math`` and ``sys``, and import the standard library; what only
    the program has can stand in a call of the function, and nowhere else.
    """
    prepared = [ast.parse(text)
                for text in as_questions(tests, entry_point, setup)]
    around = [parsed(completed(starter), "the starter of this problem"),
              *map(ast.parse, setup_lines(setup))]
    known = set().union(OFFERED, {entry_point}, vars(builtins),
                        *map(bound, prepared + around))
    for tree in prepared:
        for node in ast.walk(tree):
            names = ([node.module or "."] if isinstance(node, ast.ImportFrom)
                     else [one.name for one in node.names]
                     if isinstance(node, ast.Import) else [])
            for name in names:
                if name.split(".")[0] not in sys.stdlib_module_names:
                    raise ValueError(
                        f"its tests import {name}, and the judge has the "
                        f"standard library alone; write them as assert "
                        f"statements")
        if any(STREAM.search(ast.unparse(node)) for node in ast.walk(tree)
               if isinstance(node, (ast.Assign, ast.With, ast.Import,
                                    ast.ImportFrom))):
            raise ValueError(
                "its tests put something in the place of standard input or "
                "output, and the program has those of another process; write "
                "them as pairs of an input and an output")
        unknown = set() if "*" in known else used(tree) - known
        if unknown:
            raise ValueError(
                f"its tests use {', '.join(sorted(unknown))}, which neither "
                f"they nor the setup define; only {entry_point} is asked of "
                f"the program")
