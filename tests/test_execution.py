"""The judge: nothing fakes a pass, nothing survives, verdicts are right."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from fractions import Fraction
from pathlib import Path

import psutil
import pytest

from helpers import execution, workers
from helpers.execution import (Runner, Verdict, compare,
                               explain_disagreement)
from helpers.problems import Problem
from helpers.profiles import ROOT

EXPECTED = "731846259"     # a number that no program can come upon
PROBLEM = Problem("test/0", "?", answer=EXPECTED)

# name: (program, verdicts it may get)
HOSTILE = {
    "always equal": ("""
class Any:
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __float__(self): return 0.0
answer = Any()""", "wrong"),
    "int that lies": ("""
class Lie(int):
    def __eq__(self, other): return True
    def __repr__(self): return "731846259"
    def __sub__(self, other): return 0
answer = Lie(1)""", "wrong"),
    "float that lies": ("""
class Lie(float):
    __eq__ = __le__ = __lt__ = lambda self, other: True
    __abs__ = lambda self: 0.0
answer = Lie(1)""", "wrong"),
    "str that lies": ("""
class Lie(str):
    __eq__ = lambda self, other: True
answer = Lie("1")""", "wrong"),
    "class that lies about its class": ("""
class Lie:
    __class__ = property(lambda self: int)
    def __int__(self): return 1
    __index__ = __int__
answer = Lie()""", "wrong"),
    "text": ("answer = '731846259'", "wrong"),
    "bool": ("answer = True", "wrong"),
    "nan": ("answer = float('nan')", "wrong"),
    "infinity": ("answer = float('inf')", "wrong"),
    "huge int": ("answer = 10 ** 100000", "wrong"),
    "huge text": ("answer = 'x' * 10 ** 7", "wrong"),
    "list": ("answer = [731846259]", "wrong"),
    "exit code 0": ("import os\nos._exit(0)", "error"),
    "sys.exit": ("import sys\nsys.exit()", "error"),
    "exit by a signal": ("import signal\nsignal.raise_signal(9)", "error"),
    "other builtins": ("""
import builtins
builtins.type = lambda x: int
builtins.repr = lambda x: "731846259"
builtins.isinstance = lambda *a: True
builtins.str = builtins.int = builtins.float = lambda *a: 731846259
answer = 1""", "wrong"),
    "other json": ("""
import json, os
json.dumps = lambda *a, **k: '["passed", "int", "731846259", "", 0]'
os.write = os._exit = print
class Any: pass
answer = Any()""", "wrong"),
    "verdict on every descriptor": ("""
import os
for line in (b'["passed", "int", "731846259", "", 0.0]\\n', b'passed\\n'):
    for fd in range(100):
        try:
            os.write(fd, line)
        except OSError:
            pass
os._exit(0)""", "error"),
    "verdict printed": ("""
print('["passed", "", "", "", 0.0]', flush=True)
print("passed")""", "error"),
    "forged by a frame walk": ("""
import os, sys
frame = sys._getframe()
while frame:
    nonce = frame.f_locals.get("nonce", "")
    for status in ("passed", "infrastructure"):
        line = " ".join((nonce, status, "int", "", ""))
        os.write(3, line.encode() + b"\\n")
    frame = frame.f_back
os._exit(0)""", "error"),
    "frame walk for the answer": ("""
import sys
answer, frame = None, sys._getframe()
while frame:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if name in ("expected", "problem", "target", "result", "verdict"):
            answer = value
    frame = frame.f_back""", "wrong"),
    "garbage collector": ("""
import gc
answer = [o for o in gc.get_objects() if type(o) is dict
          and "expected" in o]""", "blocked wrong"),
    "endless loop": ("while True: pass", "timeout"),
    "loop that catches all": ("""
while True:
    try:
        while True: pass
    except BaseException: pass""", "timeout"),
    "loop that ignores signals": ("""
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass""", "timeout"),
    "one long step": ("answer = 3 ** 10 ** 9", "timeout memory"),
    "sleep": ("import time\ntime.sleep(1000)", "timeout"),
    "stopped": ("import signal\nsignal.raise_signal(19)", "timeout"),
    "memory bomb": ("x = [0] * 10 ** 9\nanswer = 1", "memory"),
    "slow memory bomb": ("""
x = []
while True: x.append(' ' * 10 ** 6)""", "memory timeout"),
    "memory bomb that catches all": ("""
x = []
while True:
    try: x.append(' ' * 10 ** 7)
    except MemoryError: pass""", "timeout"),
    "endless output": ("while True: print('x' * 10000)", "timeout"),
    "recursion": ("def f(): f()\nf()", "error"),
    "deep recursion": ("""
import sys
sys.setrecursionlimit(10 ** 9)
def f(): f()
f()""", "error timeout memory"),
    "fork": ("import os\nos.fork()\nanswer = 1", "blocked"),
    "posix fork": ("import posix\nposix.fork()\nanswer = 1", "blocked"),
    "fork bomb": ("import os\nwhile True:\n    os.fork()", "blocked"),
    "shell": ("import os\nanswer = os.system('true')", "blocked"),
    "subprocess": ("import subprocess\nsubprocess.run(['true'])", "blocked"),
    "network": ("import socket\nsocket.socket()", "blocked"),
    "foreign code": ("import ctypes\nctypes.CDLL(None)", "blocked"),
    "password file": ("answer = open('/etc/passwd').read()", "blocked"),
    "the parent's memory": ("open('/proc/1/mem', 'rb')", "blocked"),
    "around a corner": (
        "import sys\nopen(sys.path[-1] + '/../../../etc/passwd')", "blocked"),
    "removes a file": ("import os\nos.remove('/tmp/x')", "blocked"),
    "signal to the judge": (
        "import os\nos.kill(os.getppid(), 9)", "blocked"),
    "thread that goes on": ("""
import threading
def more():
    global answer
    while True: answer = 731846259.5
threading.Thread(target=more).start()
answer = 1""", "wrong"),
    "atexit": ("""
import atexit
atexit.register(lambda: print("passed"))
answer = 1""", "wrong"),
    "error that lies": ("""
class Passed(Exception):
    def __str__(self): return "passed"
raise Passed""", "error"),
    "error that raises": ("""
class Bad(BaseException):
    def __str__(self): raise self
    __repr__ = __str__
raise Bad""", "error"),
    "no answer": ("x = 1", "error"),
    "deleted answer": ("answer = 1\ndel answer", "error"),
    "not Python": ("answer = = 1", "unparsable"),
    "null byte": ("answer = 1\0", "unparsable"),
    "half a character": ("answer = '\ud800'", "unparsable"),
    "deep nesting": ("answer = " + "(" * 5000 + ")" * 5000, "unparsable"),
}


@pytest.fixture(scope="module")
def runner():
    with Runner(workers=2, timeout=0.3, memory_mb=128) as runner:
        yield runner


def children():
    return [p for p in psutil.Process().children(recursive=True)
            if any("execution_worker" in part or "worker.py" in part
                   for part in p.cmdline())]


def test_hostile_programs_never_pass(runner):
    assert len(HOSTILE) >= 50
    programs = [textwrap.dedent(p) for p, _ in HOSTILE.values()]
    verdicts = list(runner.judge_many([(PROBLEM, p) for p in programs]))
    got = dict(zip(HOSTILE, verdicts))
    assert {name: v for name, v in got.items()
            if v.status not in HOSTILE[name][1].split()} == {}
    # Under the released criterion neither.
    assert not any(compare(v.value, EXPECTED, "published") for v in verdicts)
    # The programs after them are judged as ever, by a machine that is clean.
    after = list(runner.judge_many(
        [(PROBLEM, f"answer = {EXPECTED} + {i} * 1") for i in range(20)]))
    assert [v.status for v in after] == ["passed"] + ["wrong"] * 19
    for worker in runner.running:
        assert os.listdir(worker.scratch) == []
    # What is left is two workers, of at most two processes each, as soon as
    # the last program's process has been taken down.
    deadline = time.monotonic() + 5
    while len(children()) > 4 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(children()) <= 4


def test_the_kernel_holds_what_the_audit_hook_lets_through(
        tmp_path, monkeypatch):
    """Without the hook: daemons end, the network and signals stay inside."""
    source = workers.WORKER.read_text()
    loose = source.replace('FORBIDDEN = tuple("""', 'FORBIDDEN = ()\n_ = ("""')
    loose = loose.replace('paths = ("open", ', 'paths = ("none", ')
    assert loose.count("FORBIDDEN = ()") == 1 and "none" in loose
    path = tmp_path / "loose_worker.py"
    path.write_text(loose)
    monkeypatch.setattr(workers, "WORKER", path)
    monkeypatch.setattr(execution, "CANARIES", execution.CANARIES[:-1])
    mark = str(time.time_ns())
    daemon = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        mark = {mark}
        os.execv({sys.executable!r}, ["x", "-c", "import time;"
                                      "time.sleep(99)", "{mark}"])
    os._exit(0)
time.sleep(.2)
answer = 1"""
    with Runner(workers=1, timeout=0.3) as runner:
        active = {layer.name for layer in runner.layers if layer.active}
        if "process namespace" not in active:
            pytest.skip("this kernel refuses new namespaces here")
        runner.judge(PROBLEM, daemon)
        assert not [p for p in psutil.process_iter(["cmdline"])
                    if mark in (p.info["cmdline"] or ())]
        for act in ("import socket\nsocket.create_connection(('127.0.0.1', "
                    "9), .1)",
                    f"import os\nos.kill({os.getpid()}, 0)",
                    f"open('/proc/{os.getpid()}/mem', 'rb')",
                    f"open('/proc/{os.getpid()}/environ').read()"):
            assert runner.judge(PROBLEM, act).status == "error", act
        # A blow against the worker itself does not reach it.
        assert runner.judge(PROBLEM, "import os\nos.kill(os.getppid(), 9)\n"
                            f"answer = {EXPECTED}").status == "passed"


def test_the_expected_answer_is_nowhere_in_the_child(runner):
    """Neither in memory, arguments, environment nor open files."""
    program = """
import os, sys
text = " ".join(sys.argv) + repr(dict(os.environ)) + os.getcwd()
seen = set()
stack = [sys.modules, sys._getframe()]
frame = sys._getframe()
while frame:
    stack += [frame.f_globals, frame.f_locals]
    frame = frame.f_back
while stack and len(seen) < 200000:
    item = stack.pop()
    if id(item) in seen: continue
    seen.add(id(item))
    if isinstance(item, dict): stack += list(item.values())
    elif isinstance(item, (list, tuple, set)): stack += list(item)
    elif isinstance(item, type(sys)): stack.append(vars(item))
    elif isinstance(item, (str, bytes, int)): text += str(item)
answer = ("731846" + "259") in text.replace('"731846" + "259"', "")
"""
    verdict = runner.judge(PROBLEM, program)
    assert verdict.value is False and verdict.status == "wrong", verdict


@pytest.mark.parametrize("program, value", [
    ("answer = 12", 12), ("answer = 24 / 2", 12.0), ("answer = -1.5e3", -1500),
    ("answer = None", None), ("answer = 'a b'", "a b"),
    ("answer = ''", ""), ("answer = False", False),
    ("import math\nanswer = math.floor(12.9)", 12),
    ("import random, fractions, datetime, dataclasses\n"
     "@dataclasses.dataclass\nclass A:\n    x: int\nanswer = A(3).x", 3),
    ("if __name__ == '__main__':\n    answer = 1", 1),
    ("with open('notes', 'w') as f:\n    f.write('7')\n"
     "answer = int(open('notes').read())", 7),
    ("print('x' * 10 ** 6)\nanswer = 2", 2),
    ("answer = 2 ** 4000", 2 ** 4000)])
def test_honest_programs_give_their_value(runner, program, value):
    verdict = runner.judge(PROBLEM, program)
    assert verdict.value == value and type(verdict.value) is type(value) \
        or value == -1500 == verdict.value
    assert verdict.status == "wrong" and 0 < verdict.seconds < 1


def test_exact_compares_numbers_only():
    for value, expected, right in (
            (6, "6", True), (6.0, "6", True), (0.1 + 0.2, "0.3", True),
            (5.9999, "6", False), (-1200, "-1200", True), (1200, "-1200", 0),
            (10 ** 400, "6", False), (6, "6.5", False), (1e300, "1", False),
            (float(10 ** 15), str(10 ** 15), True), (0.0, "0", True),
            (10 ** 18, str(10 ** 18), True), (True, "1", False),
            ("6", "6", False), (None, "0", False), (float("nan"), "0", 0),
            (float("inf"), "1", False), (-0.0, "0", True)):
        assert compare(value, expected) == bool(right), (value, expected)


def test_published_is_the_released_check():
    """Against the formula, on a grid around positive, zero and negative."""
    for y in (-250, -1, 0, 1, 3, 250, 10 ** 6):
        for shift in (0, 1e-9, 1e-6, .002, .009, .011, .1, 1):
            for value in (y + shift, y * (1 + shift), float(y), y):
                right = (isinstance(value, float) and
                         abs(value - y) / max(y, 1e-5) < 0.01)
                assert compare(value, str(y), "published") == right
    assert not compare(250, "250", "published")
    assert compare(248.0, "250", "published")
    assert not compare(-248.0, "-250", "published")
    assert compare(-250.0, "-250", "published")
    assert not compare(True, "1", "published")


def test_disagreements_have_reasons():
    for value, expected, reason in (
            (5, "5", "an int"), (152.0, "153", "another number"),
            (44.8, "45", "rounds"), (5.0, "5", "none"), (7.0, "5", "none")):
        assert reason in explain_disagreement(value, expected)


def test_order_and_duplicates(runner):
    problems = [Problem(str(i), "?", answer=str(i)) for i in range(300)]
    pairs = [(p, f"answer = {p.answer}" if i % 3 else "answer = 7")
             for i, p in enumerate(problems)]
    verdicts = runner.judge_many(iter(pairs))
    assert next(verdicts).value == 7
    expected = [float(Fraction(p.answer)) if i % 3 else 7
                for i, p in enumerate(problems)]
    assert [7] + [v.value for v in verdicts] == expected


def test_a_lost_worker_is_not_a_wrong_answer(monkeypatch, tmp_path):
    cache = tmp_path / "cache.jsonl"
    with Runner(workers=1, cache=cache) as runner:
        runner.running[0].process.kill()
        assert runner.judge(PROBLEM, f"answer = {EXPECTED}").status == "passed"
        true_run = workers.Worker.run

        def run(self, programs, *limits):
            for program in programs:
                if "lost" in program:
                    self.process.kill()
                yield from true_run(self, [program], *limits)

        monkeypatch.setattr(workers.Worker, "run", run)
        got = runner.judge_many([(PROBLEM, "answer = 1"), (PROBLEM, "lost"),
                                 (PROBLEM, "answer = 2")])
        assert [v.status for v in got] == ["wrong", "infrastructure", "wrong"]
        monkeypatch.undo()           # it was not kept, so it is tried again
        assert runner.judge(PROBLEM, "lost").status == "error"
    assert "infrastructure" not in cache.read_text()


def test_a_failing_canary_scores_nothing(monkeypatch):
    before = set(children())
    monkeypatch.setattr(execution, "CANARIES",
                        (("answer = 41.0", "passed", None),))
    with pytest.raises(RuntimeError, match="self-test failed.*came out as "
                       "wrong"):
        Runner(workers=1).__enter__()
    assert set(children()) <= before


def test_without_processes_it_says_what_to_do(monkeypatch):
    monkeypatch.delattr(os, "fork")
    with pytest.raises(RuntimeError, match="WSL"):
        Runner()


def test_a_broken_interpreter_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(RuntimeError, match="nothing is scored"):
        Runner(workers=1).__enter__()


def test_bad_arguments_are_refused(runner):
    with pytest.raises(ValueError, match="exact, published"):
        Runner(comparator="close")
    with pytest.raises(ValueError, match="above 0"):
        Runner(workers=0)
    with pytest.raises(ValueError, match="judged by stdio"):
        runner.judge(Problem("a/1", "?", "stdio"), "print(1)")
    with pytest.raises(RuntimeError, match="with Runner"):
        Runner().judge(PROBLEM, "answer = 1")


def test_the_cache_is_used_across_problems_and_comparators(tmp_path):
    cache = tmp_path / "cache.jsonl"
    with Runner(workers=1, cache=cache) as runner:
        first = runner.judge(PROBLEM, "answer = 12.0")
    assert first.status == "wrong" and EXPECTED not in cache.read_text()
    size = cache.stat().st_size
    twelve = Problem("test/1", "?", answer="12")
    with Runner(workers=1, cache=cache, comparator="published") as runner:
        assert runner.judge(twelve, "answer = 12.0") == Verdict(
            "passed", 12.0, "", first.seconds)
        assert cache.stat().st_size == size
    with Runner(workers=1, cache=cache, timeout=0.5) as runner:
        runner.judge(twelve, "answer = 12.0")
    assert cache.stat().st_size > size       # other limits, another run


def test_a_damaged_cache(tmp_path):
    cache = tmp_path / "cache.jsonl"
    with Runner(workers=1, cache=cache) as runner:
        list(runner.judge_many([(PROBLEM, f"answer = {i}")
                                for i in range(5)]))
    whole = cache.read_text()
    cache.write_text(whole[:-10])            # cut short by a kill
    Runner(cache=cache)
    assert cache.read_text().count("\n") == 4
    lines = whole.splitlines()
    for bad in ("{broken", "[1]", '{"key": "a"}', '{"key": 1, "outcome": 1}'):
        cache.write_text("\n".join([lines[0], bad] + lines[1:]) + "\n")
        with pytest.raises(ValueError, match="cache.jsonl, line 2 .*delete"):
            Runner(cache=cache)
    with pytest.raises(OSError, match="cannot write the cache"):
        Runner(cache=tmp_path / "none" / "cache.jsonl")


def test_it_works_from_threads(runner):
    got = {}

    def judge(number):
        got[number] = [v.value for v in runner.judge_many(
            [(PROBLEM, f"answer = {number} + {i}") for i in range(30)])]

    threads = [threading.Thread(target=judge, args=(n * 100,))
               for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == {n * 100: [n * 100 + i for i in range(30)]
                   for n in range(4)}


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupt_leaves_no_process(tmp_path, how):
    """Ctrl-C ends all within a second; so does killing the notebook."""
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from helpers.execution import Runner
        from helpers.problems import Problem
        with Runner(workers=2, timeout=30) as runner:
            print("ready", flush=True)
            for verdict in runner.judge_many(
                    (Problem(str(i), "?", answer="1"),
                     f"import time\\ntime.sleep(1000 + {{i}})")
                    for i in range(100)):
                pass
        """))
    process = subprocess.Popen([sys.executable, str(script)],
                               stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    process.stdout.readline()
    time.sleep(0.3)
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) >= 4
    folders = [Path(word) for one in family for word in one.cmdline()
               if Path(word).name.startswith("scratch-")]
    process.send_signal(how)
    process.wait(timeout=5)
    gone, alive = psutil.wait_procs(family, timeout=2)
    for one in alive:
        one.kill()
    assert not alive
    assert folders and not any(folder.exists() for folder in folders)
