"""The judge: its verdicts, and what happens when things break.

Hostile programs are in test_hostile.py, tests of functions and scripts in
test_modes.py.
"""

import itertools
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
from helpers.execution import (Runner, cache as outcomes, runner as judge,
                               workers)
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
            if "/worker.py" in " ".join(p.cmdline())]


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


def test_order_and_duplicates(runner):
    problems = [Problem(str(i), "?", answer=str(i)) for i in range(300)]
    pairs = [(p, f"answer = {p.answer}" if i % 3 else "answer = 7")
             for i, p in enumerate(problems)]
    verdicts = runner.judge_many(iter(pairs))
    assert next(verdicts).value == 7
    expected = [float(Fraction(p.answer)) if i % 3 else 7
                for i, p in enumerate(problems)]
    assert [7] + [v.value for v in verdicts] == expected


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
        batch = ["answer = 2", "answer = 3 / 0", "lost too", "answer = 4"]
        assert [verdict.status for verdict in runner.judge_many(
            [(PROBLEM, program) for program in batch])] == [
                "wrong", "error", "infrastructure", "wrong"]
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
    ("Landlock", "libc.syscall, 446, ruleset, 0)",
     "libc.syscall, 446, 999, 0)"),
    ("seccomp", "LIBC.prctl, 22, 2,", "LIBC.prctl, 22, 99,"),
    ("seccomp", "PRCTL(22, 2,", "PRCTL(22, 99,")])
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
    slow = changed("serving.py", (
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
    slow = changed("serving.py", ("USUAL = 0.008", f"USUAL = "
                                           f"{needed / 10}"),
                   timeout=max(0.05, needed / 3))
    with slow as runner:
        assert runner.judge(PROBLEM, work).status == "wrong"


def test_a_machine_without_a_processor_to_spare(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "WORKER", changed_worker(tmp_path, {
        "supervision.py": [("STARVED = 60", "STARVED = -8.8")],
        "serving.py": [("USUAL = 0.008", "USUAL = 9")]}))     # not stretched
    starved = Runner(workers=1, timeout=0.3)
    monkeypatch.setattr(judge, "CANARIES", judge.CANARIES[:3])
    with starved as runner:          # after 0.2 s instead of 69
        verdict = runner.judge(PROBLEM, "while True: pass")
        assert (verdict.status, verdict.detail) == (
            "infrastructure", "it got no processor time")


def test_a_full_disk_is_not_the_program_s_fault(changed):
    full = changed("serving.py",
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


@pytest.mark.parametrize("change, says", [
    ({"comparator": "close"}, "exact, strict, published"),
    ({"comparator": ["exact"]}, "exact, strict, published"),
    *(({"workers": value}, "workers is a whole number from 1 to 1,000, not")
      for value in (0, -1, 1.5, "2", True, 10 ** 6)),
    *(({"timeout": value}, "timeout is a number from 0.001 to 86,400, not")
      for value in (0, -1.0, float("nan"), float("inf"), "1", None)),
    *(({"memory_mb": value}, "memory_mb is a whole number from 1 to")
      for value in (0, 1.5, float("nan"), "256", 10 ** 30)),
    ({"cache": 5}, "cache is the path of a file, not 5")])
def test_bad_arguments_are_refused(change, says):
    with pytest.raises(ValueError, match=says) as error:
        Runner(**change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("pairs, says", [
    (None, "list of .problem, program., not None"),
    ([PROBLEM], "judged as .problem, program., not Problem"),
    ([(PROBLEM,)], "judged as .problem, program."),
    ({PROBLEM: "answer = 1"}, "judged as .problem, program."),
    ([({"task_id": "a"}, "answer = 1")], "Problem of helpers.problems"),
    ([(None, "answer = 1")], "Problem of helpers.problems"),
    *(([(PROBLEM, program)], "a program for .* is a text, not")
      for program in (None, b"answer = 1", 1, ["answer = 1"]))])
def test_what_is_no_problem_and_no_program_is_refused(runner, pairs, says):
    with pytest.raises(ValueError, match=says) as error:
        list(runner.judge_many(pairs, progress=False))
    assert "\n" not in str(error.value)
    assert runner.judge(PROBLEM, "answer = 1").status == "wrong"


def test_a_runner_judges_inside_with():
    with pytest.raises(RuntimeError, match="with Runner"):
        Runner().judge(PROBLEM, "answer = 1")


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
    # Four batches for each worker wait at most, and one is being filled.
    assert len(drawn) <= 50 + (4 * runner.workers + 1) * judge.BATCH
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


def test_ctrl_c_in_a_notebook(tmp_path):
    """The stop button of Jupyter: it waits for no program, as these take
    longer than anybody has, and nothing is left."""
    from jupyter_client.manager import start_new_kernel
    manager, client = start_new_kernel(cwd=str(ROOT))
    try:
        kernel = psutil.Process(manager.provisioner.pid)
        sent = client.execute(textwrap.dedent("""
            from helpers.execution import Runner
            from helpers.problems import Problem
            pairs = [(Problem(str(i), "?", answer="1"),
                      f"import time\\ntime.sleep(10 ** 6 + {i})")
                     for i in range(100)]
            with Runner(workers=2, timeout=86_400) as runner:
                print("ready", flush=True)
                verdicts = list(runner.judge_many(pairs))
            """))
        # What is printed, and not the code that comes back with the word.
        while client.get_iopub_msg(timeout=60)["content"].get(
                "text") != "ready\n":
            pass
        until = time.monotonic() + 30
        while len(family := kernel.children(recursive=True)) < 4:
            assert time.monotonic() < until
            time.sleep(0.1)
        time.sleep(0.5)
        manager.interrupt_kernel()
        # Answers to the questions whether it is ready may come before.
        while (reply := client.get_shell_msg(timeout=60))[
                "parent_header"]["msg_id"] != sent:
            pass
        assert reply["content"]["ename"] == "KeyboardInterrupt"
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


def test_nobody_waits_for_what_was_given_up(runner):
    """As after Ctrl-C: a batch that is running ends after one program."""
    given_up, problem = threading.Event(), Problem("t/0", "?", answer="7")
    given_up.set()
    done = runner.run_batch(problem, ["print()"] * 16, given_up)
    assert len(done) == 1
    assert runner.judge(problem, "answer = 7").status == "passed"
