"""Tests of one's own: what they may do, and which are refused."""

import builtins
import json
import warnings

import pytest

from helpers.execution import Runner, compare_call, compare_output
from helpers.problems import LEETCODE, READERS, Problem
from own_tests import asserting


@pytest.fixture(scope="module")
def runner():
    with Runner(workers=2, timeout=0.5) as runner:
        yield runner


def apps(given, wanted):
    tests = {"fn_name": "f", "inputs": [given], "outputs": [wanted]}
    return READERS["apps"]({"question": "?", "solutions": "[]",
                            "input_output": json.dumps(tests)}, "apps/1")


LISTED = ("assert set(f([1, 2])) == {1, 2}", "assert list(f([3])) == [3]",
          "assert sum(f([2, 1])) == 3", "for x in f([7]):\n    assert x == 7")
RAISES = ("try:\n    f(-1)\n    assert False\nexcept ValueError:\n    pass",)
SAYS = ("try:\n    f(-1)\nexcept Exception as error:\n"
        "    assert str(error) == 'no'\nelse:\n    assert False",)
UNITTEST = ("import unittest\nunittest.TestCase().assertRaises(ValueError, f)",
            "import unittest\nwith unittest.TestCase().assertRaises("
            "ValueError):\n    f()")
TURN = "m = [[1, 2], [3, 4]]\nrow = m[0]\nf(m)\nassert m == [[3, 1], [4, 2]]"


@pytest.mark.parametrize("tests, program, letters", [
    # values that only give items
    (LISTED, "def f(x): yield from x", "pppp"),
    (LISTED, "def f(x): return filter(None, x)", "pppp"),
    (LISTED, "def f(x): return map(int, x)", "pppp"),
    (LISTED, "def f(x): return (i for i in x)", "pppp"),
    (LISTED, "def f(x): return reversed(x)", "pppp"),
    (LISTED, "def f(x): return dict.fromkeys(x).keys()", "pppp"),
    (LISTED, "def f(x): return dict(enumerate(x)).values()", "pppp"),
    (LISTED, "import itertools\ndef f(x): return itertools.chain(x)", "pppp"),
    (LISTED, "import collections\ndef f(x): return collections.deque(x)",
     "pppp"),
    (LISTED, "def f(x): return (i + 1 for i in x)", "wwww"),
    (("assert f(1) == [1]",), "def f(x): yield x", "w"),
    (("assert dict(f([3])) == {0: 3}",), "def f(x): return enumerate(x)",
     "p"),
    (("assert list(f([3])) == [(3, 3)]",), "def f(x): return zip(x, x)", "p"),
    (("assert f(2) == range(2)", "assert len(f(2)) == 2"),
     "def f(x): return range(x)", "pp"),
    (("assert f(2) == {0, 1}",), "def f(x): return {0: 1, 1: 1}.keys()", "p"),
    (("assert next(f()) == 0",),
     "import itertools\ndef f(): return itertools.count()", "p"),
    (("assert f() == 0.5",),
     "from fractions import Fraction\ndef f(): return Fraction(1, 2)", "p"),
    # what only an object of the program has, and other kinds of values
    (("assert f(3)(4) == 7",), "def f(a): return lambda b: a + b", "p"),
    (("assert f(3)(4) == 7",), "def f(a): return lambda b: a", "w"),
    (("assert f(3)(4) == 7",), "def f(a): return 7", "e"),
    (("assert f(3)[0].left == 3",), "class Node: pass\ndef f(a):\n"
     "    n = Node()\n    n.left = a\n    return [n]", "p"),
    (("assert f('y').startswith('x')",), "class S(str):\n"
     "    def startswith(self, *_): return True\ndef f(a): return S(a)", "w"),
    (("assert not callable(f(1))",), "class A: pass\ndef f(a): return A()",
     "p"),
    (("assert f('aab').most_common(1) == [('a', 2)]",),
     "import collections\nf = collections.Counter", "p"),
    (("from datetime import date\nd = date(2020, 1, 3)\n"
      "assert f(d) == date(2020, 1, 4)",), "from datetime import timedelta\n"
     "def f(d): return d + timedelta(1)", "p"),
    (("assert f().fold == 1",),
     "from datetime import time\ndef f(): return time(1, fold=1)", "p"),
    (("import asyncio\nassert asyncio.run(f(1)) == 2",),
     "async def f(a): return a + 1", "p"),
    (("from collections import Counter, deque\nd, c, b = deque([1]), "
      "Counter('a'), bytearray()\nf(d, c, b)\nassert (list(d), c['a'], "
      "c['z'], b) == ([0, 1], 2, 0, b'x')",), "def f(d, c, b):\n"
     "    d.appendleft(0)\n    c.update('a')\n    b.extend(b'x')", "p"),
    (("assert list(f()) == [1, 2]", "assert f()[0] == 1", "assert f() == "
      "[1, 2]"), "import array\ndef f(): return array.array('i', [1, 2])",
     "ppw"),
    (("assert f() == b'ab'",), "def f(): return memoryview(b'ab')", "p"),
    (("assert f()[5] == 0",), "import collections\n"
     "def f(): return collections.defaultdict(int)", "p"),
    (LISTED, "class A(list): __iter__ = list.__iter__\n"
     "def f(x): return A(x)", "pppp"),
    (LISTED, "import collections\ndef f(x): return collections.UserList(x)",
     "pppp"),
    (("assert sorted(f()) == [1]", "assert f() == [1]"), "class A:\n"
     "    def __iter__(self): yield 1\n    def __eq__(self, other): "
     "return True\ndef f(): return A()", "pw"),
    (("assert sum(f()) == 1",), "def f(): return range(10 ** 18)", "t"),
    (("assert list(f())",), "def f(): return range(10 ** 18)", "m"),
    (("assert f.n == 0 and f(1) == 1 and f.n == 1",
      "assert f.__doc__ == 'd' and f.__name__ == 'f'"),
     "def f(x):\n    'd'\n    f.n += 1\n    return x\nf.n = 0", "pp"),
    (("assert f()['z'] == 0",), "import collections\n"
     "def f(): return collections.defaultdict(lambda: 0)", "p"),
    (("assert len(f()) == 2 and sum(f().values()) == 3",), "class N: pass\n"
     "def f(): return {N(): 1, N(): 2}", "p"),
    (("p = f(1)\nassert p.x == 1 and p == (1,)",), "import collections\n"
     "P = collections.namedtuple('P', 'x')\ndef f(a): return P(a)", "p"),
    (("assert all(f(i) == {'a': 1} for i in range(3))", "assert f(0) == {}"),
     "from collections import *\nfrom types import MappingProxyType\n"
     "def f(i): return (ChainMap, UserDict, MappingProxyType)[i]({'a': 1})",
     "pw"),
    (("assert f([1]) == [1]", "assert f('ab') == 'ab'"),
     "from collections import *\ndef f(x):\n    return (UserString if x == "
     "'ab' else UserList)(x)", "pp"),
    (("assert f(1) is int and f('') == str", "assert f(1) == str"),
     "f = type", "pw"),
    (("assert f(1) == 1",),
     "import sys\nsys.modules[__name__] = None\ndef f(x): return x", "p"),
    # variables, loops, functions
    (("x = 3", "assert f(x) == 9", "assert all(f(i) == i * i for i in "
      "range(4))"), "def f(x): return x * x", "ppp"),
    (("x = 3", "assert f(x) == 9", "assert all(f(i) == i * i for i in "
      "range(4))"), "def f(x): return 9", "ppw"),
    (("import math\nassert f(math.pi) > 3",), "def f(x): return x", "p"),
    (("for a, b in ((1, 1), (2, 4)):\n    assert f(a) == b",),
     "def f(x): return 1", "w"),
    (("def test_it():\n    assert f(2) == 4",), "def f(x): return 5", "w"),
    (("assert f(lambda x: x + 1) == 2",), "def f(g): return g(1)", "p"),
    (("assert f(Node(1)) == 1",), "class Node:\n    def __init__(self, x):\n"
     "        self.x = x\ndef f(n): return n.x", "p"),
    # names and texts that mean something else elsewhere
    (("evaluated = f(3)\nassert evaluated == 9", "assert f(2) == 4"),
     "def f(x): return x * x", "pp"),
    (("assert f('patch(x)') == 'patch(x)'", "def patch(x): return x + 1\n"
      "assert patch(f(1)) == 2", "s = 'redirect_stdout'\nassert f(s) == s"),
     "def f(x): return x", "ppp"),
    # in place
    (("a = [3, 1]\nf(a)\nassert a == [1, 3]",), "def f(a): a.sort()", "p"),
    (("a = [3, 1]\nf(a)\nassert a == [1, 3]",), "def f(a): return sorted(a)",
     "w"),
    ((TURN + " and row == [3, 1]",), "def f(m):\n"
     "    (a, b), (c, d) = m\n    m[0][:], m[1][:] = [c, a], [d, b]", "p"),
    ((TURN,), "def f(m): m[:] = [list(r) for r in zip(*m[::-1])]", "p"),
    (("assert f(a := [3, 1]) is None and a == [1, 3]",),
     "def f(a): a.sort()", "p"),
    (("x = []", "assert f(x) == 1", "assert x == [0]", "assert f(x) == 2"),
     "def f(a):\n    a.append(0)\n    return len(a)", "pppp"),
    (("d = {}\nf(d, s := {1})\nassert d == {1: 2} and s == set()",),
     "def f(d, s):\n    d[s.pop()] = 2", "p"),
    (("a = [1]\nassert f(a, b=a) == 2 and a == [1, 0]",),
     "def f(a, b):\n    a.append(0)\n    return len(b)", "p"),
    (("r = [0]\nm = [r, r, {'r': (r,)}]\nf(m)\nassert m[1] == r == [0, 1] "
      "and m[2]['r'][0] is r",), "def f(m): m[0].append(1)", "p"),
    (("r = [0]\nm = [r, r]\nf(m)\nassert m == [[5], [0]] and r == [0] and "
      "m[1] is r",), "def f(m): m[0] = [5]", "p"),
    (("a, b = [1], [2]\nm = [a, b]\nassert f(m)[0] is m[0] is b and a == "
      "[1, 3]",), "def f(m):\n    m[0].append(3)\n    m.reverse()\n"
     "    return [m[0]]", "p"),
    (("m = [[0] * 2] * 2\nf(m)\nassert m == [[1, 0], [0, 0]]",),
     "def f(m): m[0][0] = 1", "w"),
    (("from collections import *\nc = Counter('aab')\nd = deque([c, c], 2)"
      "\ns = {1}\nb = bytearray(b'a')\nf(d, [s, b], [b, s])\nassert d == "
      "deque([{'a': 2, 'c': 1}] * 2) and d[0] is c and (s, b) == (set(), "
      "b'ab')",), "def f(d, x, y):\n    d[1]['c'] += 1\n    del d[0]['b']\n"
     "    x[0].clear()\n    y[0].append(98)", "p"),
    (("a = [1]\nm = [(a,), 2]\nf(m)\nassert m == [2] and a == [3]",),
     "def f(m): m.pop(0)[0][:] = [3]", "p"),
    (("a = [1]\nassert f(a) is a",), "def f(a): return a", "p"),
    (("a = [1]\nassert f(a) is a",), "def f(a): return a[:]", "w"),
    # errors
    (RAISES, "def f(x): raise ValueError('no')", "p"),
    (RAISES, "class E(ValueError): pass\ndef f(x): raise E", "p"),
    (RAISES, "class E(KeyError, ValueError): pass\ndef f(x): raise E", "p"),
    (RAISES, "def f(x): int('x')", "p"),
    (RAISES, "def f(x): ''.encode('x').decode()", "e"),
    (RAISES, "def f(x): return 1", "w"),
    (RAISES, "def f(x): raise SystemExit", "e"),
    (SAYS, "def f(x): raise KeyError('no')", "w"),
    (SAYS, "def f(x): raise OSError('no')", "p"),
    (SAYS, "def f(x):\n    while True: pass", "t"),
    (SAYS, "import os\ndef f(x): os._exit(0)", "e"),
    (SAYS, "import os\ndef f(x): os.fork()", "b"),
    (SAYS, "def f(x): return [0] * 10 ** 10", "m"),
    (UNITTEST, "def f(): raise ValueError", "pp"),
    (UNITTEST, "def f(): pass", "ww"),
    (("try:\n    f(-1)\nexcept KeyError as e:\n    assert e.args == ('no', "
      "2) and 'no' in str(e)",), "def f(x): raise KeyError('no', 2)", "p"),
    (("try:\n    f(-1)\nexcept OSError as e:\n    assert e.errno == 2",),
     "def f(x): raise FileNotFoundError(2, 'no')", "p"),
    (("try:\n    f('no')\nexcept OSError as e:\n    assert (e.errno, "
      "e.filename) == (2, 'no') and str(e)[-4:] == \"'no'\"",),
     "def f(x): open(x)", "p"),
    (("try:\n    f()\nexcept ValueError as e:\n    assert type(e).__name__ "
      "== 'Own'",), "class Own(ValueError): pass\ndef f(): raise Own", "p"),
    (("try:\n    f(-1)\nexcept ValueError as e:\n    assert str(e) == 'no' * "
      "500",), "class E(ValueError):\n    def __str__(self):\n"
     "        return 'no' * 500\ndef f(x): raise E(1)", "p"),
    (("try:\n    f()\nexcept SystemExit as e:\n    assert e.code == 3",),
     "import sys\ndef f(): sys.exit(3)", "p"),
    (("try:\n    f()\nexcept Exception as e:\n    assert 'no' in str(e)",),
     "def f(): raise ExceptionGroup('no', [ValueError()])", "p"),
    # classes
    (("assert Solution().f(3) == 9", "s = Solution()\nassert s.f(2) == 4"),
     "class Solution:\n    def f(self, x): return x * x", "pp"),
    (("s = Solution()\ns.f(1)\nassert s.f(2) == 3",), "class Solution:\n"
     "    n = 0\n    def f(self, x):\n        self.n += x\n"
     "        return self.n", "p"),
    (("assert Solution().f(3) == 9",), "def f(x): return 9", "e")])
def test_tests_of_ones_own(runner, tests, program, letters):
    verdict = runner.judge(asserting(*tests), program)
    assert "".join(one[0] for one in verdict.tests) == letters, verdict


@pytest.mark.parametrize("test, program", [
    ("g = f()\nassert g() == 1", "return lambda: 1"),
    ("with f() as x: assert x == 1", "return property()"),
    ("assert f() == slice(1)", "return slice(1)")])
def test_a_verdict_says_what_could_not_cross(runner, test, program):
    verdict = runner.judge(asserting(test), f"def f(): {program}")
    assert verdict.status == "wrong" and "cannot cross" in verdict.detail


@pytest.mark.parametrize("setup, tests, program, letters", [
    ("a = [3, 1]", ("assert f(a) is None", "assert a == [1, 3]"),
     "a.sort()", "pp"),
    ("a = [3, 1]", ("assert f(a) is None", "assert a == [1, 3]"),
     "sorted(a)", "pw"),
    ("a = [3, 1]\nb = a", ("assert f(a) is None", "assert b == [1, 3]"),
     "a.sort()", "pp"),
    ("from collections import defaultdict\na = defaultdict(int)",
     ("assert f(a) is None", "assert a == {1: 1}"), "a[1] += 1", "pp"),
    ("try:\n    import nowhere\nexcept ImportError:\n    x = 1\na = [3]",
     ("assert f(a) == 3", "b = a\nassert f(b) == 3"), "return a[0]", "pp"),
    ("a = [3]\nfor x in []: pass\ntry: int('x')\nexcept ValueError as e: pass",
     ("assert f(a) == 3", "b = a\nassert f(b) == 3"), "return a[0]", "pp"),
    ("x = 3\na = [x]\ndel x\nprint(all(f for f in a))",
     ("assert f(a) == 3", "b = a\nassert f(b) == 3"), "return a[0]", "pp"),
    ("a = [lambda: 3]", ("assert f(a) == 3",), "return a[0]()", "p"),
    ("a = [N()]", ("assert f(a) == 3",), "return a[0].x", "p")])
def test_a_container_of_the_setup_may_change(runner, setup, tests, program,
                                             letters):
    verdict = runner.judge(asserting(*tests, setup=setup), "class N: x = 3\n"
                           f"def f(a): {program}")
    assert "".join(one[0] for one in verdict.tests) == letters, verdict


RIGHT = "def f(*_): return 1"
FINE, ROOT = "assert f(1) == 1", "assert f(root) == 1"


@pytest.mark.parametrize("problem, why", [
    (asserting("assert f(( == 1"), "own/1 .*not Python"),
    (asserting("assert f(1\0) == 1"), "own/1 .*not Python"),
    (asserting("assert f('\ud800') == 1"), "own/1 .*not Python"),
    (asserting("with pytest.raises(ValueError):\n    f(1)"), "pytest"),
    (asserting("import pytest\nassert f(1) == 1"), "standard library"),
    (asserting("from solution import f\nassert f(1) == 1"), "import solution"),
    (asserting("assert helper(f(1)) == 1"), "helper"),
    (asserting("assert 1 == 1"), "never call f"),
    (asserting("class T:\n    def test(self): assert f(1) == 2"), "never"),
    (asserting("g = lambda: 1\nassert f(g) == 1"), "pass f a function"),
    (asserting("import sys, io\nsys.stdin = io.StringIO()\nf()"), "standard "
     "input"),
    (asserting("import contextlib, io\nwith contextlib.redirect_stdout("
               "io.StringIO()):\n    f()"), "standard input"),
    (asserting(FINE, setup=None), "setup is None"),
    (asserting(FINE, starter=3), "starter is 3"),
    (asserting(None), "test 1"), (asserting(3), "test 1"),
    (Problem("own/1", "?", "calls", tests=FINE, entry_point="f"), "a list"),
    (Problem("own/1", "?", "calls", tests=(FINE,), entry_point=3), "a text"),
    (Problem("own/1", "?", "stdio", tests=((None, "1"),)), "test 1"),
    (Problem("own/1", "?", "stdio", tests=((b"1", "1"),)), "test 1"),
    (Problem("own/1", "?", "stdio", tests=((["1", None], "1"),)), "test 1"),
    (Problem("own/1", "?", "stdio", tests=((object(), "1"),)), "test 1"),
    (Problem("own/1", "?", "stdio", tests=(("1", [10 ** 5000]),)), "digits"),
    (Problem("own/1", "?", answer=10 ** 5000), "no number"),
    (Problem("own/1", "?", "stdio", tests=(3,)), "test 1"),
    (asserting(FINE, setup="import nowhere"), "its setup fails .*nowhere"),
    (asserting(FINE, setup="1 / 0"), "its setup fails"),
    (asserting(FINE, setup="1 /"), "setup is not Python"),
    (asserting(FINE, preamble="1 / 0"), "its preamble fails"),
    (asserting(FINE, preamble="while True: pass"), "its preamble fails"),
    (asserting(FINE, preamble="x ="), "preamble is not Python"),
    (asserting(FINE, starter="def f(x:"), "starter .*not Python"),
    (asserting(FINE, starter="import nowhere"), "its starter raises"),
    (asserting(FINE, ([1], 1)), "mixes"),
    (asserting((1, 1)), "list of arguments"),
    (asserting(([1], 1, 1)), "test 1"),
    (asserting(([object()], 1)), "not plain data"),
    (asserting(([1], json.loads("[" * 150 + "]" * 150))), "too deeply"),
    (Problem("own/1", "?", "calls", tests=(FINE,), entry_point="f(1) or g"),
     "no name of a function"),
    (Problem("own/1", "?", "stdio", tests=(("\ud800", "1"),)), "surrogate"),
    (Problem("own/1", "?", "stdio", tests=(("1",),)), "pair"),
    *((Problem("own/1", "?", answer=answer), "no number") for answer in (
        "twelve", "", "1/3", "nan", "inf", "\uff11", "1_0", "1e99999",
        "7" * 5000, "1,200"))])
def test_what_no_program_could_solve_is_refused(runner, problem, why):
    for program in (RIGHT, "answer = 1", "1 / 0"):
        if problem.tests and program != RIGHT:
            continue
        with pytest.raises(ValueError, match=why) as caught:
            runner.judge(problem, program)
        assert str(caught.value).startswith("own/1 ")
        assert "\n" not in str(caught.value)
    assert runner.judge(asserting(FINE), RIGHT).status == "passed"


def test_a_setup_may_need_the_program_and_a_starter_a_body(runner):
    node = "class Node: pass\n" + RIGHT
    for problem, program, status in (
            (asserting(ROOT, setup="root = Node()"), node, "passed"),
            (asserting(ROOT, setup="root = Node()"), RIGHT, "error"),
            (asserting("assert f(date(1, 1, 1)) == date(1, 1, 1).year",
                       setup="from datetime import date"), RIGHT, "passed"),
            (asserting(FINE, starter="def f(x):"), RIGHT, "passed"),
            (asserting(FINE, starter="class Solution:\n    def f(self, x):"),
             RIGHT, "passed"),
            (asserting(FINE, starter="class Solution:\n\tdef f(self, x):"),
             RIGHT, "passed"),
            (Problem("a/1", "?", answer="1e5"), "answer = 100000", "passed"),
            (Problem("a/2", "?", answer=" -.5 "), "answer = -0.5", "passed"),
            (asserting((["\ud800"], 1)), RIGHT, "passed")):
        verdict = runner.judge(problem, program)
        assert verdict.status == status, (problem, verdict)


# ---- pairs of APPS ----

@pytest.mark.parametrize("body", [
    "'\\d'\n    return 2", "try: return 1\n    finally: return 2"])
def test_no_text_of_a_problem_warns_here(runner, body):
    """From Python 3.12 on of escapes, from 3.14 on of returns."""
    texts = [f"def {name}(*_):\n    {body}\n" for name in "fgh"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = runner.judge(asserting(
            texts[1] + "def check(f):\n    assert f(1) == g()",
            "assert f(3) == 2", setup=texts[2], preamble=texts[1],
            starter=texts[0]), texts[0])
    assert verdict.status == "passed", verdict


@pytest.mark.parametrize("given, wanted, program, accepted", [
    ([3], [{"0": 1}, {"1": 2}, {"2": 3}],
     "[{i: i + 1} for i in range(a)]", "strict"),
    ([3], [{"0": 1}, {"1": 2}, {"2": 3}], "[{0: 1}]", "apps"),
    ([{"1": 10, "2": 20}, 5], 35, "a[1] + a[2] + b", "strict apps"),
    ([[{"1": 10}, {"2": 20}], {"x": {"-3": 4}}], 34,
     "a[0][1] + a[1][2] + b['x'][-3]", "strict apps"),
    ([{"01": 1, "2": 2}, {"1": 1, "x": 2}], 3,
     "a['01'] + b['x']", "strict apps"),
    ([{}], [{}, 1], "[{}, 1]", "strict"), ([{}], [{}, 1], "[{}]", "apps"),
    ([{}], {}, "{}", "strict apps"),
    ([3], {"0": 1}, "{0: 1}", "strict apps"),
    ([3], {"0": 1}, "{'0': 1}", "strict"), ([3], {"0": 1}, "{0: 2}", ""),
    ([3], {"0": 1}, "{0: 1, '0': 1}", ""), ([3], {"0": 1}, "{'00': 1}", ""),
    ([3], {"true": [1.5]}, "{True: (1.5,)}", "strict"),
    ([3], [[{"1": {"2": 3}}]], "[{1: {2: 3}}]", "strict"),
    ([2], 0.3, "0.1 + 0.2", "strict"), ([2], 0.3, "0.3000005", "strict"),
    ([2], 0.3, "0.31", ""), ([2], 3, "3.0000001", ""),
    ([2], 3, "3.0", "strict apps"), ([2], [[0.3, {"a": [1e9]}]],
                                     "[.1 + .2, {'a': [1e9 + 1]}]", "strict"),
    ([2], 1e300, "10 ** 400", ""), ([2], 2.5, "'2.5'", ""),
    ([2], 2.5, "[2.5]", ""), ([2], float("inf"), "-1e999", ""),
    ([2], float("nan"), "float('nan')", "strict"),
    ([2, 5, 7], 4, "pow(a, b, c)", "strict apps"),
    ([70], 2 ** 70, "pow(2, a)", "strict apps"),
    ([3, 4], 5.0, "hypot(a, b)", "strict apps"),
    ([["a", "a"]], True, "type(Counter(a)) is collections.Counter",
     "strict apps")])
def test_pairs_lose_nothing(runner, given, wanted, program, accepted):
    text = f"def f(a, b=0, c=0): return {program}"
    verdict = runner.judge(apps(given, wanted), text)
    assert " ".join(verdict.accepted_by) == accepted, verdict


@pytest.mark.parametrize("program", [
    "class Solution:\n    def merge(self, a, b): return a + b",
    "def merge(a, b): return a + b", "merge = add"])
def test_a_function_may_have_a_name_that_the_site_has(runner, program):
    problem = Problem("own/1", "?", "calls", tests=(([3, 4], 7),),
                      entry_point="merge", preamble=LEETCODE)
    assert runner.judge(problem, program).status == "passed"


@pytest.mark.parametrize("tests", [
    (([[4, 6]], 6),), ("assert max([4, 6]) == 6",)])
@pytest.mark.parametrize("preamble", ["", LEETCODE])
def test_no_program_passes_by_what_python_has(runner, tests, preamble):
    problem = Problem("own/1", "?", "calls", tests=tests, entry_point="max",
                      preamble=preamble)
    for program, status in {
            "": "error", "def solve(a): return max(a)": "error",
            "max = sorted": "wrong",
            "def max(a): return sorted(a)[-1]": "passed",
            "_most = max\ndef max(a): return _most(a)": "passed",
            "from builtins import max": "passed"}.items():
        assert runner.judge(problem, program).status == status, program


OWN = "class Solution:\n    def gcd(self, a, b): return gcd(a, b)"
MADE = "_gcd = gcd\ndef gcd(a, b): return _gcd(a, b)"


@pytest.mark.parametrize("test, right", [
    (([4, 6], 2), ("from math import gcd", MADE, OWN)),
    ("assert gcd(4, 6) == 2", ("from math import gcd", MADE)),
    ("assert Solution().gcd(4, 6) == 2", (OWN,))])
def test_no_program_passes_by_what_the_site_has(runner, test, right):
    problem = Problem("own/1", "?", "calls", tests=(test,), entry_point="gcd",
                      preamble=LEETCODE)
    for program in right:
        assert runner.judge(problem, program).status == "passed", program
    for program in ("", "def solve(a, b): return gcd(a, b)",
                    "class Solution: pass",
                    "class Solution:\n    def lcm(self, a, b): return 2"):
        assert runner.judge(problem, program).status == "error", program


def test_builtins_keep_their_meaning_in_functions_of_apps():
    names = {}
    exec(LEETCODE, names)
    assert {name for name in names.keys() & vars(builtins).keys()
            if names[name] is not getattr(builtins, name)} <= {"__doc__"}
    assert names["sqrt"](9) == 3 and names["reduce"](names["xor"], [5, 1]) == 4
    assert names["bisect_left"] is names["bisect"].bisect_left


def test_the_order_of_a_tuple_and_the_type_of_a_key():
    assert compare_call((1, [2, (3,)]), [1, (2, [3])])
    assert not compare_call((1, 2), [2, 1])
    assert compare_call({None: 1}, {"null": 1})
    assert not compare_call({(1,): 1}, {"(1,)": 1})
    assert not compare_call([True], [2]) and not compare_call("1", 1)


@pytest.mark.parametrize("printed, wanted", [
    ("1_0.5", "10.5"), ("\uff11\uff10.5", "10.5"), ("-inf", "1e999"),
    ("-1e999", "1e999"), ("infinity", "inf"), ("0x1p1", "2.0"),
    ("1.0", "1.0x"), ("10.5\u00a01", "10.5"), ("1e309", "1.5e308")])
def test_what_is_no_number_is_not_equal_to_one(printed, wanted):
    assert not compare_output(printed, wanted)


@pytest.mark.parametrize("comparator", ["strict", "apps"])
def test_long_outputs_are_compared_in_their_length(comparator):
    """Not in its square: what a program prints has up to 4 MiB."""
    for printed in ("1" * 1_000_000 + "x", "1" * 1_000_000 + ".x",
                    "1\n" * 1_000_000, "1 " * 1_000_000):
        assert not compare_output(printed, "1.5\n2", comparator)
    assert compare_output("9" * 5000, "9" * 5000, comparator)
    assert not compare_output("9" * 5000, "1.5", comparator)
