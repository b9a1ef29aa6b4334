"""The judge: its verdicts, its cache, and what happens when things break.

Hostile programs are in test_hostile.py, tests of functions and scripts in
test_modes.py.
"""

import itertools
import json
import random
import resource
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

from changed_worker import changed_worker
from helpers.execution import (Runner, Verdict, cache as outcomes, compare,
                               explain_disagreement, runner as judge, workers)
from helpers.execution.inside import sums as sums_module
from helpers.problems import Problem
from helpers.profiles import ROOT

EXPECTED = "731846259"     # a number that no program can come upon
PROBLEM = Problem("test/0", "?", answer=EXPECTED)


@pytest.fixture(scope="module")
def runner():
    with Runner(workers=2, timeout=0.3, memory_mb=128) as runner:
        yield runner


def children():
    return [p for p in psutil.Process().children(recursive=True)
            if "worker.py" in " ".join(p.cmdline())]


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """Starts a Runner whose workers run a changed text of a module."""
    def start(name, *changes, **arguments):
        monkeypatch.setattr(workers, "WORKER", changed_worker(
            tmp_path, {name: changes}))
        return Runner(workers=1, **arguments)
    return start


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


def test_sums_that_share_a_process_come_out_as_alone(runner):
    """Programs that do nothing but sums are run many in a process."""
    sums = ["answer = {} + 2", "x = {}\ny = x * 3\nanswer = y / 2",
            "x = {}\nx -= 1\nanswer = -x", "answer = {} / 0",
            "answer = (-8) ** 0.5 * {}", "answer = 2.0 ** 9999 + {}",
            "total = {}", "'text'\nanswer = {}", "answer = 1e999 - {}",
            "answer = round({} / 3, 1)", "answer = int('{}')",
            "answer = max({}, 3) % 0", "answer = 1 << -{}",
            "answer = 7 ** {} ** 3", "answer = +{} // 1.5 # why"]
    others = ["answer = x + {}", "answer = [{}]", "answer = True + {}",
              "import math\nanswer = math.pi + {}", "print({})\nanswer = 1",
              "round = {}\nanswer = round(2)", "answer = '{}'",
              "for i in range({}): answer = i", "answer = 3 ** 10 ** {}7",
              "answer = {} +", "answer = 1 << 10 ** 12 + {}", "x += {}",
              "a = b = {}\nanswer = a + b", "answer = lambda: {}",
              "answer = __builtins__ == {}", "x: int = {}\nanswer = x"]
    programs = [p.format(i + 5) for i in range(3) for p in sums + others]
    random.Random(0).shuffle(programs)
    alone = [runner.judge(PROBLEM, program) for program in programs]
    with Runner(workers=2, timeout=0.3, memory_mb=128) as fresh:
        together = list(fresh.judge_many(
            [(PROBLEM, program) for program in programs]))
    for program, one, other in zip(programs, alone, together):
        assert (one.status, repr(one.value), one.detail) == (
            other.status, repr(other.value), other.detail), program
    assert len({verdict.status for verdict in alone}) == 5
    assert sum(bool(sums_of(p.format(7))) for p in sums) >= 12
    for program in ("answer = x", "answer = print", "answer = __name__ * 9",
                    "x = y = 3", "a, b = 1, 2", "answer = (1).real",
                    "answer = abs.__self__", "answer = int(x=3)",
                    "answer = [1][0]", "answer = f'{1}'", "del x",
                    "answer = (x := 3)", "answer = int(*[3])",
                    "round = 3\nanswer = round(3)", "import os",
                    "answer = eval('1')", "if 1: answer = 1"):
        assert not sums_of(program), program


def sums_of(program):
    """Whether a program may share its process."""
    try:
        return sums_module.arithmetic(program)
    except SyntaxError:
        return None


# ---- when things break ----

def test_a_lost_worker_is_not_a_wrong_answer(monkeypatch, tmp_path):
    cache = tmp_path / "cache.jsonl"
    with Runner(workers=1, cache=cache) as runner:
        runner.running[0].process.kill()
        assert runner.judge(PROBLEM, f"answer = {EXPECTED}").status == "passed"
        true_ask = workers.Worker.ask

        def ask(self, mode, programs, limits, **more):
            if any("lost" in program for program in programs):
                self.process.kill()
                self.process.wait()     # a busy machine takes its time
            true_ask(self, mode, programs, limits, **more)

        monkeypatch.setattr(workers.Worker, "ask", ask)
        for problem in (PROBLEM, Problem("t/1", "?", "stdio",
                                         tests=(("", "1"),))):
            assert runner.judge(problem, "lost").status == "infrastructure"
        assert runner.judge(PROBLEM, "answer = 1").status == "wrong"
        monkeypatch.undo()           # it was not kept, so it is tried again
        assert runner.judge(PROBLEM, "lost").status == "error"
    assert "infrastructure" not in cache.read_text()


def test_a_program_cannot_make_itself_our_failure(runner):
    """Then it would not count, and the average would be without it."""
    for program in ("import signal\nsignal.raise_signal(9)",
                    "import signal\nsignal.raise_signal(19)",
                    "import time\ntime.sleep(100)",
                    "import os, time\nwhile True:\n    os.write(3, b'x')\n"
                    "    time.sleep(0.01)"):
        assert runner.judge(PROBLEM, program).status in ("error", "timeout")


@pytest.mark.parametrize("layer, call, refused", [
    ("Landlock", "LIBC.syscall(446, LANDLOCK, 0)",
     "LIBC.syscall(446, 999, 0)"),
    ("seccomp", "LIBC.prctl(22, 2,", "LIBC.prctl(22, 99,")])
def test_a_layer_that_the_kernel_refuses_is_missing(changed, layer, call,
                                                    refused):
    with Runner(workers=1) as runner:
        if layer not in {one.name for one in runner.layers if one.active}:
            pytest.skip(f"no {layer} on this system")
    with changed("isolation.py", (call, refused)) as runner:
        active = {one.name for one in runner.layers if one.active}
        assert layer not in active and "limits" in active
        assert runner.judge(PROBLEM, f"answer = {EXPECTED}").status == "passed"


def test_a_machine_that_slows_down_is_to_blame_itself(changed, monkeypatch):
    slow = changed("worker.py", (
        "    PACE_AT_START = pace(", "    PACE_AT_START = 0.01 * pace("),
        timeout=0.2)
    monkeypatch.setattr(judge, "CANARIES", judge.CANARIES[:3])
    with slow as runner:
        verdict = runner.judge(PROBLEM, "while True: pass")
        assert verdict.status == "infrastructure", verdict
        assert "slower" in verdict.detail
        assert runner.judge(PROBLEM, "answer = 1").status == "wrong"


def test_a_machine_that_is_always_slow_gives_more_time(changed):
    """Ten times slower: a second is ten seconds of its processor."""
    work = "for i in range(100000): pass\nanswer = 1"
    probe = Runner(workers=1)
    with probe as runner:
        needed = runner.judge(PROBLEM, work).seconds
    slow = changed("worker.py", ("USUAL = 0.008", f"USUAL = "
                                           f"{needed / 10}"),
                   timeout=max(0.05, needed / 3))
    with slow as runner:
        assert runner.judge(PROBLEM, work).status == "wrong"


def test_a_machine_without_a_processor_to_spare(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "WORKER", changed_worker(tmp_path, {
        "supervision.py": [("STARVED = 60", "STARVED = -8.8")],
        "worker.py": [("USUAL = 0.008", "USUAL = 9")]}))     # not stretched
    starved = Runner(workers=1, timeout=0.3)
    monkeypatch.setattr(judge, "CANARIES", judge.CANARIES[:3])
    with starved as runner:          # after 0.2 s instead of 69
        verdict = runner.judge(PROBLEM, "while True: pass")
        assert (verdict.status, verdict.detail) == (
            "infrastructure", "it got no processor time")


def test_a_full_disk_is_not_the_program_s_fault(changed):
    full = changed("worker.py",
                   ('elif outcome[0] == "error" and "private scratch" not in '
                    'LAYERS', 'elif outcome[0] == "error"'),
                   ("< 1 << 20", "< 1 << 60"))
    try:
        full.__enter__()
    except RuntimeError as error:        # a canary raises, and sees the disk
        assert "nothing is scored" in str(error)
    else:
        full.close()
        raise AssertionError("a full disk was not noticed")


def test_a_cache_on_a_full_disk_costs_no_verdict(tmp_path):
    """A file that may have 2,000 bytes stands for the full disk."""
    cache = tmp_path / "cache.jsonl"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    pairs = [(PROBLEM, f"answer = {i}") for i in range(60)]
    with Runner(workers=1, cache=cache) as runner:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        try:
            with pytest.warns(UserWarning, match="cannot write the cache"):
                verdicts = list(runner.judge_many(pairs))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [v.value for v in verdicts] == list(range(60))
    kept = cache.read_text().splitlines()
    assert 8 <= len(kept) < 60 and all(map(json.loads, kept))
    with Runner(workers=1, cache=cache) as runner:      # there is room again
        assert list(runner.judge_many(pairs))[59].value == 59
    assert len(cache.read_text().splitlines()) == 60


def everybody(process):
    return [process, *process.children(recursive=True)]


def score():
    """Programs of every kind: first the runner, then (program, status)."""
    kinds = (f"answer = {EXPECTED}", "answer = {}", "while True: x = {}",
             "import time\ntime.sleep(99 + {})", "answer = 1 / 0, {}",
             "x = {}\nfor i in range(300000): x += i\nanswer = x",
             "answer = [{}] * 10 ** 9", "import time\ntime.sleep(0.3)\n"
             "answer = {}", "import os\nos.fork() + {}")
    programs = [kind.format(i) for i in range(4) for kind in kinds]
    with Runner(workers=2, timeout=0.3) as runner:
        yield runner
        for program, verdict in zip(programs, runner.judge_many(
                [(PROBLEM, program) for program in programs])):
            yield program, verdict.status


@pytest.fixture(scope="module")
def quiet():
    return list(score())[1:]


@pytest.mark.parametrize("trouble", ["load", "suspended"])
def test_verdicts_do_not_depend_on_load(trouble, quiet):
    """The same on a machine that is idle, busy, or asleep for a while."""
    noisy = score()
    runner = next(noisy)
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"])
            for _ in range(6 if trouble == "load" else 0)]
    stop = threading.Event()

    def suspend():
        """A laptop that is closed for longer than any patience, twice."""
        while trouble == "suspended" and not stop.wait(1.0):
            asleep = [one for worker in runner.running
                      for one in everybody(psutil.Process(
                          worker.process.pid))]
            for one in asleep:
                one.suspend()
            time.sleep(3.0)
            for one in asleep:
                one.resume()
            if stop.wait(1.0):
                return

    thread = threading.Thread(target=suspend)
    thread.start()
    try:
        assert list(noisy) == quiet
    finally:
        stop.set()
        thread.join()
        for one in busy:
            one.kill()
            one.wait()
    assert len({status for _, status in quiet}) == 6


def test_a_failing_canary_scores_nothing(monkeypatch):
    before = set(children())
    monkeypatch.setattr(judge, "CANARIES",
                        (("answer = 41.0", "passed", None),))
    with pytest.raises(RuntimeError, match="self-test failed.*came out as "
                       "wrong"):
        Runner(workers=1).__enter__()
    assert set(children()) <= before


def test_on_windows_it_says_what_to_do():
    """No fork, no fcntl and no resource there: one sentence all the same."""
    code = textwrap.dedent(f"""
        import os, sys
        sys.path.insert(0, {str(ROOT)!r})
        del os.fork
        for name in ("fcntl", "resource", "pwd", "grp", "termios"):
            sys.modules[name] = None
        from helpers.execution import Runner
        Runner()
        """)
    done = subprocess.run([sys.executable, "-c", code], text=True,
                          capture_output=True)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("RuntimeError: ") and "WSL" in last, last


def test_a_broken_interpreter_is_one_sentence(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(RuntimeError, match="nothing is scored"):
        Runner(workers=1).__enter__()


def test_bad_arguments_are_refused(runner):
    with pytest.raises(ValueError, match="exact, strict, published"):
        Runner(comparator="close")
    with pytest.raises(ValueError, match="above 0"):
        Runner(workers=0)
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
            "passed", 12.0, "", first.seconds, (), ("exact", "published"))
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


def test_two_processes_may_share_a_cache(tmp_path):
    cache = tmp_path / "cache.jsonl"
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from helpers.execution import Runner
        from helpers.problems import Problem
        with Runner(workers=1, cache={str(cache)!r}) as runner:
            for verdict in runner.judge_many(
                    (Problem(str(i), "?", answer="1"), f"answer = {{i}}")
                    for i in range(100)):
                pass
        """)
    both = [subprocess.Popen([sys.executable, "-c", script],
                             stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    rows = [json.loads(line) for line in cache.read_text().splitlines()]
    assert len({row["key"] for row in rows}) == 100
    Runner(cache=cache).close()


def test_a_runner_may_be_used_again(tmp_path):
    runner = Runner(workers=1, cache=tmp_path / "cache.jsonl")
    for _ in range(2):
        with runner:
            assert runner.judge(PROBLEM, "answer = 3").value == 3
    assert (tmp_path / "cache.jsonl").read_text().count("\n") == 1


def test_memory_stays_flat(runner):
    """Nothing is asked for ahead of time and little is kept."""
    drawn = []

    def endless():
        for i in itertools.count():
            drawn.append(i)
            yield PROBLEM, f"answer = {i}"

    verdicts = runner.judge_many(endless(), progress=False)
    assert [v.value for v in itertools.islice(verdicts, 50)] == list(range(50))
    assert len(drawn) < 150
    verdicts.close()
    kept = outcomes.Outcomes()
    for i in range(3 * outcomes.WINDOW):
        kept.put({bytes(i): ["ran", "int", "1", "", 0.0]})
    assert len(kept.recent) == outcomes.WINDOW
    flood = Problem("t/2", "?", "stdio", tests=(("", "1"),))
    before = psutil.Process().memory_info().rss
    for i in range(20):
        assert runner.judge(flood, f"while True: print('{i}' * 10 ** 5)"
                            ).status == "error"
    assert psutil.Process().memory_info().rss - before < 40 << 20


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


def still_running(family):
    """Those that have not ended after two seconds, which are then killed.

    A zombie has ended: whoever has inherited it has not yet looked.
    """
    def ended(one):
        try:
            return one.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    until = time.monotonic() + 2
    while not all(map(ended, family)) and time.monotonic() < until:
        time.sleep(0.02)
    alive = [one for one in family if not ended(one)]
    for one in alive:
        one.kill()
    return alive


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
    assert not still_running(family)
    assert folders and not any(folder.exists() for folder in folders)


def test_a_killed_scoring_goes_on_where_it_stopped(tmp_path):
    cache = tmp_path / "cache.jsonl"
    pairs = [(PROBLEM, f"answer = {i}") for i in range(1000)]
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        from helpers.execution import Runner
        from helpers.problems import Problem
        problem = Problem("test/0", "?", answer="{EXPECTED}")
        with Runner(cache={str(cache)!r}) as runner:
            for verdict in runner.judge_many(
                    [(problem, f"answer = {{i}}") for i in range(1000)]):
                pass
        """)
    process = subprocess.Popen([sys.executable, "-c", script],
                               stderr=subprocess.DEVNULL)
    while not cache.exists() or cache.read_bytes().count(b"\n") < 100:
        time.sleep(0.01)
    process.kill()
    process.wait()
    done = cache.read_bytes().count(b"\n")
    assert 100 <= done < 1000
    with Runner(cache=cache) as runner:
        ran = []
        true_batch = runner.run_batch
        runner.run_batch = lambda problem, programs: (
            ran.extend(programs), true_batch(problem, programs))[1]
        assert [v.value for v in runner.judge_many(pairs)] == list(range(1000))
        assert 1000 - done <= len(ran) <= 1000 - done + 1
        ran.clear()
        assert [v.value for v in runner.judge_many(pairs)] == list(range(1000))
        assert not ran


def test_ctrl_c_in_a_notebook(tmp_path):
    """The stop button of Jupyter: within a second, and nothing is left."""
    from jupyter_client.manager import start_new_kernel
    manager, client = start_new_kernel(cwd=str(ROOT))
    try:
        kernel = psutil.Process(manager.provisioner.pid)
        client.execute(textwrap.dedent("""
            from helpers.execution import Runner
            from helpers.problems import Problem
            pairs = [(Problem(str(i), "?", answer="1"),
                      f"import time\\ntime.sleep(1000 + {i})")
                     for i in range(100)]
            with Runner(workers=2, timeout=30) as runner:
                print("ready", flush=True)
                verdicts = list(runner.judge_many(pairs))
            """))
        said = {"msg_type": ""}          # the code itself is echoed, too
        while said["msg_type"] != "stream" or "ready" not in str(
                said["content"]):
            said = client.get_iopub_msg(timeout=60)
        time.sleep(0.5)
        family = kernel.children(recursive=True)
        assert len(family) >= 4
        asked = time.monotonic()
        manager.interrupt_kernel()
        reply = {"msg_type": ""}         # others answer other questions
        while reply["msg_type"] != "execute_reply":
            reply = client.get_shell_msg(timeout=10)
        reply = reply["content"]
        assert reply["ename"] == "KeyboardInterrupt"
        assert time.monotonic() - asked < 1.5
        assert not still_running(family)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_under_xdist(tmp_path):
    pytest.importorskip("xdist")
    path = tmp_path / "test_in_workers.py"
    path.write_text(textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        import pytest
        from helpers.execution import Runner
        from helpers.problems import Problem

        @pytest.mark.parametrize("number", range(4))
        def test_judge(number):
            with Runner(workers=1) as runner:
                assert runner.judge(Problem("a", "?", answer=str(number)),
                                    f"answer = {{number}}").status == "passed"
        """))
    done = subprocess.run([sys.executable, "-m", "pytest", "-n", "2", "-q",
                           str(path)], capture_output=True, text=True)
    assert "4 passed" in done.stdout, done.stdout


def test_an_outcome_that_is_about_to_be_forgotten_is_still_told(monkeypatch):
    """Without a cache file only the last few thousand are kept in memory."""
    from helpers.execution import cache
    monkeypatch.setattr(cache, "WINDOW", 200)
    numbers = [i if i % 3 else max(0, i - 150 - i % 350)
               for i in range(2000)]
    problem = Problem("t/0", "?", answer="7")
    with Runner(workers=2) as runner:
        found = [v.value for v in runner.judge_many(
            ((problem, f"answer = {n}\n") for n in numbers), progress=False)]
    assert found == numbers
