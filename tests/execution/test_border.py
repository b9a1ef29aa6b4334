"""What crosses between a program and its tests, and how what stays is met.

Where Python lets a right program pass and a wrong one fail, so do we, or the
verdict says why not, or the problem is refused with a sentence.
"""

import re

import pytest

from helpers.execution import Runner
from own_tests import asserting


@pytest.fixture(scope="module")
def runner():
    with Runner(workers=1, timeout=0.5) as runner:
        yield runner


FIBONACCI = ("def f():\n    a, b = 0, 1\n    while True:\n        yield a\n"
             "        a, b = b, a + b")
MEAN = ("def f():\n    t = n = 0\n    a = None\n    while True:\n"
        "        t += yield a\n        n += 1\n        a = t / n")
NODE = "class N:\n    def __init__(self, x): self.x = x\n"
PAIR = ("from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n"
        "    y: int\n    def sum(self): return self.x + self.y\n")
SKIPS = ("import unittest\nclass T(unittest.TestCase):\n    def test(self): "
         "self.assertEqual(f(1), 2)\nr = unittest.TestResult()\n"
         "T('test').run(r)\nassert r.wasSuccessful()")
EMPTY = "class E:\n    def __{}__(self): return {}\ndef f(x): return E()"


@pytest.mark.parametrize("test, program, letter", [
    # truth and comparison of what stays with the program
    ("assert f(3)", EMPTY.format("bool", "False"), "w"),
    ("assert f(3)", EMPTY.format("len", "0"), "w"),
    ("assert not f(3)", EMPTY.format("len", "0"), "p"),
    ("assert f(3)", EMPTY.format("len", "1 / 0"), "w"),
    ("assert f(3)", "class E: pass\ndef f(x): return E()", "p"),
    ("assert not f(3) == 4", "class E:\n    def __eq__(self, other): "
     "return other == 4\ndef f(x): return E()", "w"),
    ("assert f(3) != 4", "class E: pass\ndef f(x): return E()", "p"),
    ("from unittest.mock import ANY\nassert f(3) == ANY",
     "class E: pass\ndef f(x): return E()", "p"),
    ("a = f(3)\nassert a is f(4) and a == a and not a != f(3)",
     "E = object()\ndef f(x): return E", "p"),
    ("assert f(3) == f(3)", "def f(x): return object()", "w"),
    ("assert f(3) != f(3)", "class E:\n    def __eq__(self, other): return "
     "True\ndef f(x): return E()", "w"),
    ("assert next(f()) == 1 and next(f()) == 2",
     "i = iter([1, 2])\ndef f(): return i", "p"),
    ("n = f(1)\nassert f(n) == 1", NODE + "def f(x):\n    return x.x if "
     "isinstance(x, N) else N(x)", "p"),
    # iterators: an item at a time, as asked
    ("assert next(f()) == 0", FIBONACCI, "p"),
    ("from itertools import islice\nassert list(islice(f(), 5)) == "
     "[0, 1, 1, 2, 3]", FIBONACCI, "p"),
    ("assert next(f()) == 1", FIBONACCI, "w"),
    ("g = f()\nassert [next(g) for _ in range(3)] == [2, 3, 5]",
     "def f():\n    n = 2\n    while True:\n        if all(n % i for i in "
     "range(2, n)): yield n\n        n += 1", "p"),
    ("assert next(f([1, 0])) == 1", "def f(x): yield from (1 / i for i in x)",
     "p"),
    ("assert list(f([1, 0])) == [1]",
     "def f(x): yield from (1 / i for i in x)", "e"),
    ("g = f()\nassert [next(g) for _ in range(100)][99] == 1\ntry: list(g)\n"
     "except KeyError: pass\nelse: assert False", "def f():\n    yield from ["
     "1] * 200\n    raise KeyError", "p"),
    ("assert len(list(f())) == 20000 and sum(f()) == 20000",
     "def f(): yield from [1] * 20000", "p"),
    ("g = f()\nassert [next(g) for _ in range(99)] == [*range(99)] and "
     "[*g] == [*range(99, 500)]", "def f(): return iter(range(500))", "p"),
    ("g = f()\nnext(g)\nassert g.send(10) == 10 and g.send(20) == 15", MEAN,
     "p"),
    ("def both():\n    return (yield from f())\ng = both()\nnext(g)\ntry: "
     "next(g)\nexcept StopIteration as end: assert end.value == 7",
     "def f():\n    yield 1\n    return 7", "p"),
    ("assert [(k, list(g)) for k, g in f(range(99))] == [(i, [i]) for i in "
     "range(99)]", "import itertools\nf = itertools.groupby", "p"),
    ("x = f()\nassert list(x) == list(x) == [1]", "class A:\n"
     "    def __iter__(self): yield 1\ndef f(): return A()", "p"),
    ("a = [1]\ng = f(a)\nnext(g)\nassert next(g, None) is None",
     "def f(a): yield a.pop()", "p"),
    # arguments, and what a call does to them
    ("from collections import UserList\na = UserList([1])\nf(a)\n"
     "assert a == [1, 2]", "def f(a): a.append(2)", "p"),
    ("from collections import UserList\na = UserList([1])\nf(a)\n"
     "assert a == [1]", "def f(a): a.append(2)", "w"),
    ("from collections import ChainMap\nd = {}\nm = ChainMap(d, {1: 2})\n"
     "f(m)\nassert d == {1: 3} and m[1] == 3 and m.maps[0] is d",
     "def f(m): m[1] += 1", "p"),
    ("import array\na = array.array('i', [2, 1])\nf(a)\n"
     "assert a.tolist() == [1, 2]", "def f(a): a.reverse()", "p"),
    ("import array\na = array.array('i', [1])\nf(a)\n"
     "assert a.tolist() == [1]", "def f(a): a.append(2)", "w"),
    ("i = iter([1, 2, 3])\nf(i)\nassert list(i) == [2, 3]",
     "def f(i): next(i)", "p"),
    ("i = iter([1, 2, 3])\nf(i)\nassert list(i) == [2, 3]",
     "def f(i): pass", "w"),
    ("import itertools\ni = itertools.count()\nassert f(i) == 0 and "
     "next(i) == 1", "def f(i): return next(i)", "p"),
    ("i = (f(iter([x])) for x in (1, 2))\nassert f(i) == 3",
     "def f(x): return sum(x)", "p"),
    ("i = iter([1])\nassert f(i) is i", "def f(i): return i", "p"),
    # errors that are no builtins, and what they have
    ("import json\ntry:\n    f('x')\n    assert False\n"
     "except json.JSONDecodeError as e: assert e.pos == 0",
     "import json\ndef f(s): return json.loads(s)", "p"),
    ("import json\ntry: f('x')\nexcept json.JSONDecodeError: pass\n"
     "else: assert False", "def f(s): int(s)", "e"),
    ("import decimal, unittest\nwith unittest.TestCase().assertRaises("
     "decimal.InvalidOperation): f('x')",
     "import decimal\ndef f(s): return decimal.Decimal(s)", "p"),
    ("import dataclasses\ntry:\n    f()\n    assert False\n"
     "except dataclasses.FrozenInstanceError: pass", "import dataclasses\n"
     "@dataclasses.dataclass(frozen=True)\nclass P: x: int\n"
     "def f(): P(1).x = 2", "p"),
    ("import re\ntry:\n    f('(')\n    assert False\nexcept re.error: pass",
     "import re\ndef f(p): re.compile(p)", "p"),
    ("import queue\ntry:\n    f()\n    assert False\nexcept queue.Empty: "
     "pass", "import queue\ndef f(): queue.Queue().get_nowait()", "p"),
    ("try: f()\nexcept ValueError as e: assert e.code == 5 and e.n == 6",
     "class E(ValueError):\n    code = 5\n    def __init__(self): self.n = 6"
     "\ndef f(): raise E", "p"),
    ("try: f()\nexcept Exception as e: assert type(e) is ValueError and "
     "e.__notes__ == ['n']", "def f():\n    e = ValueError()\n"
     "    e.add_note('n')\n    raise e", "p"),
    ("assert isinstance(f(), map)", "def f(): return map(int, '1')", "p"),
    ("import types\nassert isinstance(f(), types.GeneratorType)",
     "def f(): return iter([1])", "w"),
    ("f(3)\nf.cache_clear()\nassert f.cache_info().currsize == 0",
     "import functools\n@functools.cache\ndef f(n): return n", "p"),
    ("try: f()\nexcept AttributeError as e: assert e.name == 'x'",
     "def f(): return (1).x", "p"),
    ("try: f()\nexcept NameError as e: assert e.name == 'x'",
     "def f(): return x", "p"),
    ("try: f()\nexcept ImportError as e: assert e.name == 'no_such'",
     "def f(): import no_such", "p"),
    # errors that would pass for an end, or for a test that is not run
    ("assert all(map(f, [1, 2]))", "def f(x): raise StopIteration", "e"),
    ("for x, y in zip(map(f, [1]), [1]): assert x == y",
     "class E(StopIteration): pass\ndef f(x): raise E", "e"),
    ("try: f(1)\nexcept StopIteration: pass\nelse: assert False",
     "def f(x): return next(iter([]))", "p"),
    (SKIPS, "import unittest\ndef f(x): raise unittest.SkipTest", "w"),
    (SKIPS, "import unittest.case as c\ndef f(x): raise c._ShouldStop", "w"),
    (SKIPS, "def f(x): return 2 * x", "p"),
    ("assert f(1).startswith('x')", "import collections\ndef f(x): return "
     "collections.namedtuple('P', 'startswith')(bool)", "e"),
    ("assert f(1).kind is int", "import collections\ndef f(x): return "
     "collections.namedtuple('P', 'kind')(int)", "p"),
    # as deep as in Python, where the program and its tests are one script
    ("assert f(996) == 996", "def f(n): return n and 1 + f(n - 1)", "p"),
    ("n = 996\nassert f(n) == n", "def f(n): return n and 1 + f(n - 1)",
     "p"),
    ("assert f(1003) == 1003", "def f(n): return n and 1 + f(n - 1)", "e"),
    ("assert f() == 1000",
     "import sys\ndef f(): return sys.getrecursionlimit()", "p"),
    # helpers of the tests, threads, an end
    ("def check(x, y):\n    assert f(x) == y\ncheck(1, 1)\ncheck(2, 4)",
     "def f(x): return x * x", "p"),
    ("def check(value): return value > 0\nassert check(f(2))",
     "def f(x): return x", "p"),
    ("def check():\n    assert f(2) == 4\ncheck()", "def f(x): return x",
     "w"),
    ("def check():\n    assert f(2) == 4", "def f(x): return x", "w"),
    ("def check(g):\n    assert g(2) == 4\ncheck(f)", "def f(x): return x",
     "w"),
    ("from concurrent.futures import ThreadPoolExecutor as P\nwith P(4) as "
     "p: assert list(p.map(f, range(9))) == list(range(9))",
     "def f(x): return x", "p"),
    ("import sys\nassert f(1) == 1\nsys.exit(0)", "def f(x): return x", "p"),
    ("assert f(" + " + ".join(["1"] * 400) + ") == 400",
     "def f(x): return x", "p"),
    ("assert f('a')" + ".replace('a', 'b')" * 300 + " == 'b'",
     "def f(x): return x", "p"),
    # types on the way
    ("t = f()\nassert t.tzinfo.key == 'Europe/Paris'", "import datetime, "
     "zoneinfo\ndef f(): return datetime.datetime(2020, 1, 1, tzinfo="
     "zoneinfo.ZoneInfo('Europe/Paris'))", "p"),
    ("t = f()\nassert t.tm_year == 1970 and t.tm_zone == 'GMT'",
     "import time\ndef f(): return time.gmtime(0)", "p")])
def test_what_crosses_is_as_in_python(runner, test, program, letter):
    verdict = runner.judge(asserting(test), program)
    assert verdict.tests[0][0] == letter, verdict


@pytest.mark.parametrize("test, program, words", [
    ("d = f()\nassert d['x'] == 5", "from collections import defaultdict\n"
     "def f(): return defaultdict(lambda: 5)", "defaultdict .*cannot cross"),
    ("d = f()\nassert d.first() == 5", "class D(list):\n    def first(self): "
     "return 5\ndef f(): return D()", "a D .*cannot cross"),
    ("p = f()\nassert p.x == 1 and p.sum() == 3", PAIR + "def f(): return P("
     "1, 2)", "a P .*cannot cross"),
    ("try: f()\nexcept ExceptionGroup as e: assert len(e.exceptions) == 1",
     "def f(): raise ExceptionGroup('g', [ValueError()])", "of a group"),
    ("g = f()\nnext(g)\nassert g.throw(ValueError) == 2", "def f():\n"
     "    try: yield 1\n    except ValueError: yield 2", "thrown into"),
    ("t = f()\nassert t.tzname() == 'Here'", "from datetime import *\ndef "
     "f(): return datetime(1, 1, 2, tzinfo=timezone(timedelta(0), 'Here'))",
     "timezone .*cannot cross"),
    ("assert list(f())", "import itertools\ndef f(): return "
     "itertools.count()", "no more than 100000 items"),
    ("import random\nrandom.seed(1)\nassert f() == 18", "import random\n"
     "def f(): return random.random()", "the seed of random"),
    ("open('t.txt', 'w').write('x')\nassert f('t.txt') == 'x'",
     "def f(p): return open(p).read()", "use files"),
    ("try: f()\nexcept ValueError as e: assert e.__cause__", "def f(): "
     "raise ValueError from KeyError()", "the cause of an error"),
    ("import inspect\nassert f(1, 2) == 1\nassert len(inspect.signature(f)"
     ".parameters) == 2 and inspect.getsource(f)",
     "def f(a, b): return 1", "inspect"),
    ("a = f()\nassert a[0] is a", "def f():\n    a = []\n    a.append(a)\n"
     "    return a", "nested too deeply"),
    ("import os\nos.environ['A'] = 'b'\nassert f() == 'b'",
     "import os\ndef f(): return os.environ['A']", "the environment"),
    ("import decimal\ndecimal.getcontext().prec = 3\nassert str(f()) == "
     "'0.333'", "from decimal import Decimal\ndef f(): return Decimal(1) / 3",
     "the context of decimal"),
    ("import sys\nsys.setrecursionlimit(5000)\nassert f(3000) == 3000",
     "def f(n): return n and 1 + f(n - 1)", "the limit on recursion")])
def test_a_limit_is_told_in_the_verdict(runner, test, program, words):
    verdict = runner.judge(asserting(test), program)
    assert verdict.status in ("wrong", "error")
    assert re.search(words, verdict.detail), verdict


@pytest.mark.parametrize("problem, why", [
    (asserting("f(2) == 4"), "assert nothing"),
    (asserting("def check(g): return g(2) == 4"), "assert nothing"),
    (asserting("assert (f(2) == 4, 'm')"), "assert a tuple"),
    (asserting("a = [1]\na.append(a)\nassert f(a) == 2"), "in themselves"),
    (asserting("a = []\nfor _ in range(150): a = [a]\nassert f(a) == 2"),
     "more than 100 deep"),
    (asserting("f.k = 3\nassert f() == 3"), "an attribute of f"),
    (asserting("import io\ns = io.StringIO()\nf(s)\nassert s.getvalue()"),
     "pass f a StringIO"),
    (asserting("a = memoryview(bytearray(1))\nf(a)\nassert a[0] == 1"),
     "pass f a memoryview"),
    (asserting("from collections import defaultdict\na = defaultdict(lambda:"
               " 1)\nassert f(a) == 1"), "pass f a defaultdict"),
    (asserting("class A(list): pass\na = A()\nassert f(a) == 1"),
     "pass f a A"),
    (asserting("from unittest.mock import patch\nwith patch('builtins.input',"
               " return_value='7'):\n    assert f() == 7"), "patch something"),
    (asserting("assert f(1) == 1", starter="import sys\nsys.exit()\n"
               "def f(x):"), "its starter raises SystemExit")])
def test_what_cannot_be_judged_is_refused_by_name(runner, problem, why):
    with pytest.raises(ValueError, match=f"^own/1 .*{why}"):
        runner.judge(problem, "def f(*_): return 1")


def test_what_never_ends(monkeypatch):
    loops = asserting("x = 10\nwhile x != 1: x = f(x)\nassert x == 1",
                      "assert f(1) == 1")
    half = "def f(x): return x // 2 if x % 2 == 0 else 3 * x + 1"
    monkeypatch.setattr("helpers.execution.modes.MANY_ASKED", 100)
    monkeypatch.setattr("helpers.execution.modes.PATIENCE_LEAST", 0.2)
    with Runner(workers=1, timeout=0.04) as runner:
        assert runner.judge(loops, half).tests == ("passed", "wrong")
        for test in ("while f(1) == 1: pass", "while True:\n"
                     "    try: f(1)\n    except: pass"):
            verdict = runner.judge(asserting(test + "\nassert False"),
                                   "def f(x): return x")
            assert verdict.status == "timeout", verdict
            assert "calls and items" in verdict.detail
        starter = "while 1: pass\ndef f(x):"
        with pytest.raises(ValueError, match="^own/1 .*before they call f"):
            runner.judge(asserting("assert f(1) == 1", starter=starter),
                         "def f(x): return 1")
        assert runner.judge(loops, half).tests == ("passed", "wrong")


GROW = "def f(a):\n    a.append(9)\n    return a"


@pytest.mark.parametrize("setup, start", [
    ("a = [0] * 3", "[0, 0, 0]"), ("a, b = [1], [2]", "[1]"),
    ("a = sorted([2, 1])", "[1, 2]"), ("a: list = [1]", "[1]"),
    ("a = 'x y'.split()", "['x', 'y']"),
    ("import json\na = json.loads('[1]')", "[1]"), ("a = [1]", "[1]"),
    ("a = [1]\na += [2]", "[1, 2]"), ("for a in [[1]]: pass", "[1]")])
def test_a_call_changes_what_the_setup_has(runner, setup, start):
    tests = f"assert f(a) == {start} + [9]", f"assert a == {start}"
    starter = setup + "\ndef f(a):"
    for problem in (asserting(*tests, setup=setup),
                    asserting(*tests, starter=starter)):
        verdict = runner.judge(problem, setup + "\n" + GROW)
        assert verdict.tests == ("passed", "wrong"), (problem, verdict)
        verdict = runner.judge(problem, "def f(a): return a + [9]")
        assert verdict.tests == ("passed",) * 2


@pytest.mark.parametrize("setup, test, program, status", [
    ("import random\nn = random.random()", "assert f(n) == 2 * n",
     "return 2 * x", "passed"),
    ("import uuid\nt = str(uuid.uuid4())", "assert f(t) == t[::-1]",
     "return x[::-1]", "passed"),
    ("expected = 9", "assert f(3) == expected", "return expected", "error"),
    ("a, expected = 3, 9", "assert f(a) == expected", "return expected",
     "error"),
    ("a = [2, 1]\nexpected = sorted(a)", "assert f(a) == expected",
     "return expected", "error"),
    ("a = [2, 1]\nexpected = sorted(a)", "assert f(a) == expected",
     "return sorted(x)", "passed"),
    ("n = N(3)\nn.x = 4\nm = n.y()", "assert f(n) == 5", "return x.x",
     "passed")])
def test_what_the_setup_has(runner, setup, test, program, status):
    verdict = runner.judge(asserting(test, setup=setup), NODE + "    def y("
                           f"self): self.x += 1\ndef f(x): {program}")
    assert verdict.status == status, verdict


def test_an_error_of_the_starter_can_be_expected(runner):
    own = "class Own(Exception): pass\n"
    problem = asserting("try:\n    f()\n    assert False\nexcept Own: pass",
                        starter=own + "def f():")
    assert runner.judge(problem, own + "def f(): raise Own").status == (
        "passed")
    assert runner.judge(problem, "def f(): raise KeyError").status == "error"
