"""Assert statements as tests: what is asked of the program, and what not.

Used by ``helpers.execution``.
"""

import ast
import builtins
import re
import symtable
import sys
import threading
import warnings
from collections import Counter, OrderedDict, deque
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache, wraps

# What tests find without an import; ``_evaluated_`` and the others are ours.
PLAIN = set().union(*map(dir, (
    str, int, float, complex, bytearray, list, tuple, dict, set, frozenset,
    range, deque, Counter, OrderedDict, datetime, timedelta, Fraction,
    (x for x in ()), (lambda: 0))))      # what plain data has, by name
OFFERED = {"math", "sys", "_evaluated_", "Solution", "__name__",
           "__builtins__"}
ASSIGNS = ast.Assign, ast.AnnAssign, ast.AugAssign
PARAMETERS = tuple(                      # of a type, from Python 3.12 on
    getattr(ast, name) for name in ("TypeVar", "ParamSpec", "TypeVarTuple")
    if hasattr(ast, name))
STREAM = re.compile(r"\bredirect_std|^sys\.std(in|out) =|"
                    r"\bpatch\(.*std(in|out)")


PATCH = re.compile(r"\bpatch(\.\w+)?\(|\bmonkeypatch\b")
# What tests may use that is not the program's, or of the function's stand-in.
STATE = {"the seed of random": r"\bseed\(",
         "the environment": r"\b(environ|putenv|getenv)\b",
         "files": r"\bopen\(|\.(read|write)_(text|bytes)\(|\btempfile\.",
         "the context of decimal": r"\b([gs]et|local)context\(",
         "the limit on recursion": r"\bsetrecursionlimit\(",
         "warnings": r"\bwarnings\.", "inspect": r"\binspect\.",
         "the cause of an error": r"__(cause|context|traceback)__",
         "the errors of a group": r"\bexcept\*|\bExceptionGroup\b",
         "an error thrown into a generator": r"\.throw\(",
         "what they set in a module": r"\bsetattr\(|\bbuiltins\.\w+ ="}
DEEP = 10_000              # frames that the longest of sums may need here
FRAMES = threading.RLock()


def deeply(function):
    """Reads Python with all the frames that it needs, one at a time.

    Raises ``ValueError`` where that is not enough.
    """
    @wraps(function)
    def deep(*args):
        with FRAMES:
            limit = sys.getrecursionlimit()
            sys.setrecursionlimit(max(limit, DEEP))
            try:
                return function(*args)
            except RecursionError:
                raise ValueError("its tests, its setup or its starter are "
                                 "nested too deeply") from None
            finally:
                sys.setrecursionlimit(limit)

    return deep


@lru_cache(maxsize=256)
@deeply
def as_questions(tests, entry_point, setup="", starter=""):
    """Assert statements, with the calls in them turned into questions.

    ``assert f(3) == 4`` becomes ``assert _evaluated_('f(3)') == 4``: the text
    of the call goes to the process with the program, the rest stays; with it
    goes what only an object of the program has: ``f(3)(4)``, ``f(3).left``.
    A call that uses names of the tests themselves (a variable, one of a loop)
    stays, and meets a stand-in for ``f`` that sends its arguments.  With one
    that uses variables of the setup or the starter go their values.
    A function ``check(candidate)``, as in HumanEval, is called with that
    stand-in, and functions ``test_...()`` without arguments are called,
    where the tests do not do so themselves.
    Raises ``ValueError`` for tests that are not Python.
    """
    trees = [parsed(test, "a test of this problem") for test in tests]
    own = set().union(*map(bound, trees))
    called = set().union(*map(used, trees))
    given = (variables(setup, "the setup of this problem") | variables(
        completed(starter), "the starter of this problem")) - {entry_point}

    def ask(node):
        if asks(node, entry_point):
            names = used(node) - bound(node) | named(node)
            if not names & own:
                return ast.Call(ast.Name("_evaluated_", ast.Load()), [
                    ast.Constant(text) for text in (
                        ast.unparse(node), *sorted(names & given))], [])
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.AST):
                setattr(node, name, ask(value))
            elif isinstance(value, list):
                setattr(node, name, [ask(item) if isinstance(item, ast.AST)
                                     else item for item in value])
        return node

    prepared = []
    for tree in trees:
        tree.body = [ask(node) if isinstance(node, ast.Assert)
                     or on_function(node, entry_point) else node
                     for node in tree.body]
        text = ast.unparse(ast.fix_missing_locations(tree))
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name not in called:
                takes = arity(node.args)
                if node.name == "check" and takes in ("", "one"):
                    text += f"\ncheck({entry_point if takes else ''})"
                elif node.name.startswith("test") and not takes:
                    text += f"\n{node.name}()"
        prepared.append(text)
    return prepared


def arity(args):
    """What a function wants: "" for nothing, "one", or "more"."""
    wanted = len(args.posonlyargs + args.args) - len(args.defaults)
    if wanted < 1:
        some = wanted or args.posonlyargs or args.args or args.vararg
        return "one" if some else "more" if args.kwonlyargs else ""
    return "one" if wanted == 1 and None not in args.kw_defaults else "more"


def variables(code, what):
    """The names that the lines of some code give a value, one another."""
    return set().union(*(bound(line) for line in parsed(code, what).body
                         if not isinstance(line, (
                             ast.Import, ast.ImportFrom, ast.FunctionDef,
                             ast.AsyncFunctionDef, ast.ClassDef))))


@lru_cache(maxsize=256)
@deeply
def shared_setup(tests, entry_point, setup, starter):
    """The part of a setup that the program's process has to have.

    A variable that no call of the tests and no other line needs is none of
    its business, as it may be what is expected: its line is left out, or,
    where that may change another one, the variable is gone afterwards.
    """
    needed = set()
    for test in as_questions(tests, entry_point, setup, starter):
        for node in ast.walk(ast.parse(test)):
            if isinstance(node, ast.Call) and getattr(
                    node.func, "id", "") == "_evaluated_":
                needed |= used(ast.parse(node.args[0].value))
    own = variables(setup, "the setup of this problem")
    lines = parsed(setup, "the setup of this problem").body
    kept = {line for line in lines if not isinstance(line, ASSIGNS)}
    needed = needed.union(*map(used, kept)) & own
    while more := {line for line in lines if line not in kept
                   and may_change(line) & needed}:
        kept |= more
        needed = needed.union(*map(used, more)) & own
    kept = "\n".join(ast.unparse(line) for line in lines if line in kept)
    gone = {each.get_name() for each in symtable.symtable(
        kept, "<setup>", "exec").get_symbols() if each.is_assigned()}
    return "\n".join([kept] + [          # set first, as it may not be there
        f"{name} = None; del {name}" for name in sorted(gone & own - needed)])


def may_change(line):
    """The names of which an assignment may change the value: what it sets,
    a part of it included, and all that it uses where it calls something."""
    calls = any(isinstance(node, ast.Call) for node in ast.walk(line))
    targets = getattr(line, "targets", None) or [line.target]
    return bound(line).union(*map(used, targets), used(line) if calls else ())


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


def on_function(node, entry_point):
    """Whether a line is a call of what a function has: f.cache_clear()."""
    function = getattr(getattr(node, "value", None), "func", None)
    return (isinstance(node, ast.Expr) and isinstance(
        function, ast.Attribute)
            and getattr(function.value, "id", "") == entry_point)


def calls(function, entry_point):
    """Whether it is what the tests call: ``f`` or ``Solution().f``."""
    if isinstance(function, ast.Name):
        return function.id == entry_point
    return (isinstance(function, ast.Attribute)
            and function.attr == entry_point
            and isinstance(function.value, ast.Call)
            and getattr(function.value.func, "id", "") == "Solution"
            and not function.value.args + function.value.keywords)


def named(tree):
    """The names that an expression gives a meaning for what follows it."""
    return {node.target.id for node in ast.walk(tree)
            if isinstance(node, ast.NamedExpr)}


def used(tree):
    """The names that some code reads, or deletes."""
    return {node.id for node in ast.walk(tree) if isinstance(
        node, ast.Name) and not isinstance(node.ctx, ast.Store)}


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
    return names - {None}


@lru_cache(maxsize=256)
def completed(starter):
    """A starter as code that runs: one that ends at a ``def`` gets a body."""
    for end in ("", "\n    pass", "\n        pass", "\n\t\tpass"):
        try:
            parsed(starter + end, "the starter of this problem")
            return starter + end
        except ValueError:
            continue
    parsed(starter, "the starter of this problem")


@lru_cache(maxsize=256)
@deeply
def setup_lines(setup):
    """The statements of a setup, each as a text."""
    return [ast.unparse(line) for line in parsed(
        setup, "the setup of this problem").body]


class Wordless(ast.NodeTransformer):
    """Code with all its texts left empty: what it does, not what it says."""

    def visit_Constant(self, node):
        return ast.Constant("") if isinstance(node.value, str) else node


def own_state(tests):
    """What tests use that is their own process's alone, in words."""
    return ", ".join(what for what, sign in STATE.items()
                     if any(re.search(sign, test) for test in tests))


def asserting(tree):
    """Whether some code fails where something is not so."""
    return any(isinstance(node, (ast.Assert, ast.Raise)) or isinstance(
        node, (ast.Name, ast.Attribute)) and re.match(
            "assert|fail|_?exit", getattr(node, "attr", "") or getattr(
                node, "id", "")) for node in ast.walk(tree))


def always_true(tree):
    """Whether some code asserts a tuple, which is true as it is there."""
    return any(isinstance(node, ast.Assert) and isinstance(
        node.test, ast.Tuple) and node.test.elts for node in ast.walk(tree))


@deeply
def check_asserts(tests, entry_point, starter, setup):
    """Raises ``ValueError`` for tests that no program could pass here.

    They may use their own names, Python's, those of the starter and the
    setup, ``math`` and ``sys``, and import the standard library; what only
    the program has can stand in a call of the function, and nowhere else.
    """
    prepared = [ast.parse(text)
                for text in as_questions(tests, entry_point, setup, starter)]
    around = [parsed(completed(starter), "the starter of this problem"),
              *map(ast.parse, setup_lines(setup))]
    known = set().union(OFFERED, {entry_point}, vars(builtins),
                        *map(bound, prepared + around))
    functions = {entry_point} | {node.name for tree in prepared for node in
                                 ast.walk(tree) if hasattr(node, "args")
                                 and hasattr(node, "name")}
    for tree in prepared:
        if always_true(tree):
            raise ValueError("its tests assert a tuple, which is always "
                             "true; leave out its brackets")
        tree = Wordless().visit(tree)
        if "patch" not in functions and PATCH.search(ast.unparse(tree)):
            raise ValueError("its tests patch something, which is in another "
                             "process than the program")
        if any(isinstance(node, ast.Attribute) and not isinstance(
                node.ctx, ast.Load) and getattr(node.value, "id", "")
               == entry_point for node in ast.walk(tree)):
            raise ValueError(f"its tests set an attribute of {entry_point}, "
                             f"which is in another process")
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
    if not any(map(asserting, prepared + around)):
        raise ValueError("its tests assert nothing; write them as assert "
                         "statements")
