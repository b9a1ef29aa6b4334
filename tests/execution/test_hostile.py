"""Nothing fakes a pass, nothing escapes, nothing survives.

The programs are in ``hostile.py``.  They run twice: against the whole judge,
and against one without its audit hook, where the kernel alone has to hold.
"""

import contextlib
import os
import random
import socket
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from changed_worker import NO_HOOK, NO_LANDLOCK, changed_worker
from hostile import (EXPECTED, FUNCTION_PAIR, FUNCTION_TEST, HOSTILE,
                     HOSTILE_FUNCTIONS, HOSTILE_SCRIPTS, NEWER, SCRIPT_INPUT,
                     SCRIPT_OUTPUT, forge)
from helpers.execution import (STATUSES, Runner, compare, runner as judge,
                               workers)
from helpers.execution.verdicts import read_outcome
from helpers.problems import Problem

PROBLEM = Problem("test/0", "?", answer=EXPECTED)
SCRIPT = Problem("test/1", "?", "stdio",
                 tests=((SCRIPT_INPUT, SCRIPT_OUTPUT),))
FUNCTION = Problem("test/2", "?", "calls", entry_point="solution",
                   tests=(FUNCTION_TEST,))
PAIR = Problem("test/4", "?", "calls", entry_point="solution",
               tests=(FUNCTION_PAIR,))
LIMITS = {"workers": 2, "timeout": 0.4, "memory_mb": 64}


@pytest.fixture(scope="module")
def runner():
    with Runner(**LIMITS) as runner:
        yield runner


@pytest.fixture(scope="module")
def patient():
    """For what ends by itself, however slow the machine is."""
    with Runner(**LIMITS | {"timeout": 4}) as runner:
        yield runner


@pytest.fixture(scope="module")
def hookless(tmp_path_factory):
    """The judge without its audit hook; skips without kernel layers."""
    folder = tmp_path_factory.mktemp("hookless")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workers, "WORKER", changed_worker(folder, NO_HOOK))
        patch.setattr(judge, "CANARIES", judge.CANARIES[:-1])
        with Runner(**LIMITS) as runner:
            missing = [layer.name for layer in runner.layers
                       if not layer.active]
            if missing:
                pytest.skip(f"no {', '.join(missing)} on this system")
            yield runner


def programs_left():
    """Processes below this one that are no worker and no tool of Python."""
    left = []
    for process in psutil.Process().children(recursive=True):
        try:
            words = " ".join(process.cmdline())
        except psutil.NoSuchProcess:     # it has just ended
            continue
        if "/worker.py" not in words and "_tracker" not in words:
            left.append(process)
    return left


def left_behind():
    """Files that a hostile program has made where it should not."""
    places = ("/tmp", "/dev/shm", os.path.dirname(os.__file__),
              tempfile.gettempdir())
    return [path for place in map(Path, places)
            for path in place.glob("*hostile-victim*")]


def judge_all(runner, problem, corpus):
    verdicts = list(runner.judge_many(
        [(problem, textwrap.dedent(text)) for _, text, _ in corpus.values()],
        progress=False))
    return dict(zip(corpus, verdicts))


def judge_each(runner, patient, problem, corpus):
    """Judges impatiently what may well be late, and patiently the rest."""
    late = {name: one for name, one in corpus.items() if "timeout" in one[2]}
    return judge_all(runner, problem, late) | judge_all(
        patient, problem, {name: one for name, one in corpus.items()
                           if name not in late})


def the_judge_is_as_new(runner):
    """No process and no file is left, and the next program is judged."""
    after = list(runner.judge_many(
        [(PROBLEM, f"answer = {EXPECTED} + {i} * 1") for i in range(20)]))
    assert [v.status for v in after] == ["passed"] + ["wrong"] * 19
    for worker in runner.running:
        assert os.listdir(worker.scratch) == []
    deadline = time.monotonic() + 5
    while programs_left() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert programs_left() == []
    assert not left_behind()


def test_hostile_programs_never_pass(runner, patient):
    assert sum(kind == "fakes" for kind, _, _ in HOSTILE.values()) >= 60
    me = psutil.Process()
    before = me.memory_info().rss
    every = HOSTILE | NEWER
    got = judge_each(runner, patient, PROBLEM, every)
    assert {name: verdict for name, verdict in got.items()
            if verdict.status not in every[name][2].split()} == {}
    # Not under the released criterion either.
    assert not any(compare(verdict.value, EXPECTED, "published")
                   for verdict in got.values())
    the_judge_is_as_new(runner)
    assert me.memory_info().rss - before < 30 << 20


@pytest.mark.parametrize("problem, corpus", [
    (SCRIPT, HOSTILE_SCRIPTS), (FUNCTION, HOSTILE_FUNCTIONS),
    (PAIR, HOSTILE_FUNCTIONS)])
def test_hostile_scripts_and_functions_never_pass(runner, patient, problem,
                                                  corpus):
    got = judge_each(runner, patient, problem, corpus)
    assert {name: verdict for name, verdict in got.items()
            if verdict.status not in corpus[name][2].split()
            or "strict" in verdict.accepted_by} == {}
    the_judge_is_as_new(runner)


def test_what_is_there_is_neither_read_nor_changed(runner, tmp_path):
    """What is not there tells its own error; this must not let more pass."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    file, place, new = map(repr, map(str, (
        secret, tmp_path, tmp_path / "new")))
    acts = (
        f"open({file})", f"open({file}, 'w')", f"open({file}, 'r+')",
        f"open({new}, 'w')", f"open({new}, 'x')", f"os.open({file}, 0)",
        f"os.open({place}, 0)", f"os.remove({file})", f"os.mkdir({new})",
        f"os.rename({file}, 'x')", f"os.rename('program.py', {new})",
        f"os.link({file}, 'x')", f"os.symlink('x', {new})",
        f"os.truncate({file}, 0)", f"os.chmod({file}, 0)",
        f"os.utime({file})", f"os.listdir({place})", f"os.scandir({place})",
        f"os.chdir({place})", f"os.rmdir({place})",
        f"shutil.rmtree({place})", f"shutil.copy({file}, 'x')",
        f"shutil.copy('program.py', {new})", f"shutil.move({file}, 'x')",
        f"tempfile.mkdtemp(dir={place})", f"pathlib.Path({new}).touch()",
        *((f"pathlib.Path({file}).copy('x')",      # new in Python 3.14
           f"pathlib.Path('program.py').copy({new})",
           f"pathlib.Path({file}).move('x')")
          if hasattr(Path, "copy") else ()))
    for act in acts:
        verdict = runner.judge(
            SCRIPT, f"import os, pathlib, shutil, tempfile\n{act}")
        assert verdict.status == "blocked", (act, verdict)
    assert secret.read_text() == "the secret"
    assert os.listdir(tmp_path) == ["secret.txt"]


def test_the_kernel_alone_holds(hookless):
    corpus = {name: hostile for name, hostile in (HOSTILE | NEWER).items()
              if hostile[0] != "limits"}
    for problem, programs in ((PROBLEM, corpus), (SCRIPT, HOSTILE_SCRIPTS),
                              (FUNCTION, HOSTILE_FUNCTIONS)):
        got = judge_all(hookless, problem, programs)
        assert {name: verdict for name, verdict in got.items() if
                verdict.status in ("passed", "infrastructure")} == {}
    assert not left_behind()
    the_judge_is_as_new(hookless)


def test_no_way_out_without_the_hook(hookless, tmp_path, monkeypatch):
    """Real files, sockets and processes of ours, none of them reached."""
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    monkeypatch.setenv("SECRET", "the secret")
    home = os.path.expanduser("~")
    local = str(tmp_path / "s")[:100]
    servers = [socket.create_server(("127.0.0.1", 0)),
               socket.socket(socket.AF_UNIX)]
    if socket.has_ipv6:
        servers.append(socket.create_server(("::1", 0),
                                            family=socket.AF_INET6))
    servers[1].bind(local)
    servers[1].listen()
    port = servers[0].getsockname()[1]
    acts = {
        "reads a file": f"answer = open({str(secret)!r}).read()",
        "reads it by number": f"import os\nfd = os.open({str(secret)!r}, 0)\n"
        "answer = os.read(fd, 99)",
        "lists a folder": f"import os\nanswer = os.listdir({home!r})",
        "writes a file": f"open({str(tmp_path / 'new')!r}, 'w')",
        "changes a file": f"open({str(secret)!r}, 'a').write('x')",
        "deletes a file": f"import os\nos.remove({str(secret)!r})",
        "renames a file": f"import os\nos.rename({str(secret)!r}, 'x')",
        "links a file": f"import os\nos.link({str(secret)!r}, 'x')\n"
        "answer = open('x').read()",
        "through a link": f"import os\nos.symlink({str(secret)!r}, 'x')\n"
        "answer = open('x').read()",
        "memory of ours": f"open('/proc/{os.getpid()}/mem', 'rb')",
        "environment of ours": f"open('/proc/{os.getpid()}/environ').read()",
        "environment": "import os\nos.environ['SECRET']",
        "IPv4": "import socket\nsocket.create_connection(('127.0.0.1', "
        f"{port}), 1)",
        "IPv6": "import socket\nsocket.create_connection(('::1', "
        f"{servers[-1].getsockname()[1]}), 1)",
        "unix socket": "import socket\ns = socket.socket(socket.AF_UNIX)\n"
        f"s.connect({local!r})",
        "a socket at all": "import socket\nsocket.socket()",
        "signal": f"import os, signal\nos.kill({os.getpid()}, 0)",
        "signal to the judge": "import os\nos.kill(os.getppid(), 9)",
        "fork": "import os\nos.fork()",
        "posix fork": "import posix\nposix.fork()",
        "another program": f"import os\nos.execv({sys.executable!r}, ['x'])",
        "subprocess": "import subprocess\n"
        f"subprocess.run([{sys.executable!r}, '-V'])",
        "shared memory": "from multiprocessing import shared_memory as s\n"
        "s.SharedMemory(create=True, size=9)",
        "limits of others": "import os, resource\nresource.prlimit("
        "os.getppid(), resource.RLIMIT_CPU, (1, 1))",
        "priority of others": "import os\nos.setpriority(0, os.getppid(), 9)",
        "new namespaces": "import ctypes\nif ctypes.CDLL(None).unshare("
        "1 << 28):\n    raise OSError",
        "tracing": "import ctypes\nif ctypes.CDLL(None).ptrace(16, "
        "1, 0, 0) == -1:\n    raise OSError"}
    try:
        for name, act in acts.items():
            verdict = hookless.judge(PROBLEM, act + "\nanswer = 1")
            assert verdict.status == "error", (name, verdict)
    finally:
        for server in servers:
            server.close()
    assert secret.read_text() == "the secret"
    assert sorted(os.listdir(tmp_path)) == ["s", "secret.txt"]
    the_judge_is_as_new(hookless)


@pytest.mark.parametrize("call", [
    "wait4(-1, None, 1, None)", "setsid()", "prctl(3, 0, 0, 0, 0)",
    "prctl(22, 2, None, 0, 0)", "kill(0, 0)", "recv(3, b'x', 1, 64)",
    "recvmsg(3, b'x' * 99, 64)", "send(3, b'x', 1, 0)",
    "sendmsg(3, b'x' * 99, 0)", "vfork()"])
def test_a_program_cannot_do_what_the_fork_server_does(hookless, call):
    """It inherits a filter that lets these through, and adds a second."""
    verdict = hookless.judge(PROBLEM, f"""
import ctypes, errno
library = ctypes.CDLL(None, use_errno=True)
answer = library.{call} == -1 and ctypes.get_errno() == errno.ENOSYS""")
    assert verdict.value is True, verdict


LEAVES = """
import builtins, math, os, resource, signal, sys, threading, time
builtins.left = math.left = sys.left = sys.modules["left"] = "left"
os.environ["LEFT"] = "left"
open("left", "w").write("left")
sys.stdin.read(1), print("left", end="")
sys.stdin = sys.__stdin__ = sys.stdout = None
resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))
signal.setitimer(signal.ITIMER_REAL, 9)
signal.signal(signal.SIGUSR1, lambda *_: None)
threading.Thread(target=time.sleep, args=(9,), daemon=True).start()
builtins.len, answer = abs, 1"""
FINDS = """
import builtins, math, os, resource, signal, sys, threading
found = [hasattr(builtins, "left"), hasattr(math, "left"), len("") != 0,
         hasattr(sys, "left"), "left" in sys.modules, "LEFT" in os.environ,
         {*os.listdir(".")} - {"program.py"},
         sys.stdin.read() not in ("", "7"),
         resource.getrlimit(resource.RLIMIT_NOFILE) != (32, 32),
         signal.getitimer(signal.ITIMER_REAL) != (0, 0),
         signal.getsignal(signal.SIGUSR1) != signal.SIG_DFL,
         threading.active_count() != 1, "LEAVES" in globals()]
answer = [each for each in found if each]"""


def test_a_later_program_sees_nothing_of_an_earlier_one():
    script = Problem("test/7", "?", "stdio", tests=(("7", "[]"),))
    with Runner(workers=1, timeout=4) as runner:
        for _ in range(2):
            assert runner.judge(PROBLEM, LEAVES).status == "wrong"
            assert runner.judge(script, LEAVES).status == "wrong"
            assert runner.judge(PROBLEM, FINDS + "\nanswer = str(answer)"
                                ).value == "[]"
            assert runner.judge(script, FINDS + "\nprint(answer)"
                                ).status == "passed"


def test_a_full_scratch_folder_is_the_program_s_own(hookless):
    flood = ("for i in range(10 ** 6):\n"
             "    open(str(i), 'w').write('x' * 10 ** 6)")
    assert hookless.judge(PROBLEM, flood).status in ("error", "timeout")
    the_judge_is_as_new(hookless)


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
found = ("731846" + "259") in text.replace('"731846" + "259"', "")
"""
    verdict = runner.judge(PROBLEM, program + "answer = found")
    assert verdict.value is False and verdict.status == "wrong", verdict
    tested = Problem("test/3", "?", "calls", entry_point="f", tests=(
        "assert f(1) is False", f"assert f(2) != {EXPECTED}"))
    function = "def f(x):\n" + textwrap.indent(program, "    ")
    verdict = runner.judge(tested, function + "    return found")
    assert verdict.status == "passed", verdict


def test_a_raw_memory_search_finds_no_expected_value(tmp_path, monkeypatch):
    """All bytes of the process, in each mode, with hook and Landlock off."""
    monkeypatch.setattr(workers, "WORKER", changed_worker(
        tmp_path, NO_HOOK | NO_LANDLOCK))
    monkeypatch.setattr(judge, "CANARIES", judge.CANARIES[:3])
    search = """
import ctypes
def found(*_):
    hits = 0
    for line in open("/proc/self/maps"):
        place, mode, *_, name = line.split()
        if mode[0] != "r" or name[:2] == "[v": continue
        low, high = (int(x, 16) for x in place.split("-"))
        data, at = ctypes.string_at(low, high - low), -1
        while (at := data.find(b"731846", at + 1)) >= 0:
            hits += data[at + 6:at + 9] == b"259"
    return hits
"""
    digits = "known = str(int('731846') * 1000 + 259)\n"
    with Runner(workers=1, timeout=5, memory_mb=512) as runner:
        if not runner.judge(PROBLEM, digits + search + "answer = found()"
                            ).value:
            pytest.skip("the memory of a process cannot be read here")
        assert runner.judge(PROBLEM, search + "answer = found()").value == 0
        script = Problem("test/5", "?", "stdio",
                         tests=(("", "0"), ("", EXPECTED)))
        assert runner.judge(script, search + "print(found())").tests == (
            "passed", "wrong")
        for tests in (("assert found() == 0", f"assert found() != {EXPECTED}"),
                      (([], 0), ([1], [0]), ([2], int(EXPECTED)))):
            function = Problem("test/6", "?", "calls", tests=tests,
                               entry_point="found")
            assert runner.judge(function, search).tests[:2] == (
                "passed", "passed")


# ---- where the hook is the only lock ----

HOOK_ALONE = {"worker.py": [("    layers, nonce = isolation.enter(scratch), ",
                             "    layers, nonce = [], ")]}
# What gets around the hook needs the kernel, as notebook 01 says.
THROUGH = {"past the audit hook", "pair of sockets past the audit hook",
           "a socket to the kernel past the audit hook", "priority",
           "password file by the library", "another user", "another root",
           "its own session", "a descriptor for events", "a new terminal",
           "more time for itself", "memory as a file",
           "more memory for itself"}


def warned(changes):
    """Expects that a judge says what only its hook keeps, and no more."""
    if not changes:
        return contextlib.nullcontext()
    bare = "your files" if changes is NO_LANDLOCK else (
        "your files and the network")
    return pytest.warns(UserWarning, match=f"from {bare} here")


@pytest.mark.parametrize("changes", [HOOK_ALONE, NO_LANDLOCK],
                         ids=["hook alone", "no Landlock"])
def test_the_hook_alone_holds(tmp_path, monkeypatch, changes):
    """As on macOS, and as on an old kernel: nothing passes or stays."""
    monkeypatch.setattr(workers, "WORKER", changed_worker(tmp_path, changes))
    corpus = {name: one for name, one in (HOSTILE | NEWER).items()
              if one[0] == "escapes" and name not in THROUGH}
    with warned(changes), Runner(**LIMITS | {"timeout": 2}) as runner:
        got = judge_all(runner, PROBLEM, corpus)
        assert {name: verdict for name, verdict in got.items()
                if verdict.status not in ("blocked", "error", "wrong")
                or "blocked" == corpus[name][2] != verdict.status} == {}
        assert not left_behind()
        assert runner.judge(PROBLEM, "import ctypes").status == "blocked"
        if sys.version_info >= (3, 13):  # it would see the frame of the hook
            verdict = runner.judge(
                PROBLEM, "import signal\nsignal.signal(signal.SIGUSR1, print)")
            assert "cannot watch it" in verdict.detail, verdict


# Hooks go before these are let go of: a script that ends with all of Python
# then has a moment without one.
LAST_WORDS = """
import codecs, os, signal, sys, warnings
class A:
    def __call__(self, *_): pass
    def __del__(self, open=os.open, flags=os.O_CREAT | os.O_WRONLY):
        try: open("/tmp/hostile-victim-29", flags)
        except BaseException: pass
"""
KEPT = {
    "a handler of errors": "codecs.register_error('x', A())",
    "a search for codecs": "codecs.register(A())",
    "before a fork": "os.register_at_fork(before=A())",
    "a filter of warnings": "warnings.filters.append(A())",
    "a hook of its own": "sys.addaudithook(A())",
    "an end by a signal": """codecs.register(A())
def leave(*_): raise SystemExit
signal.signal(signal.SIGALRM, leave)
signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)""",
}


@pytest.mark.parametrize("changes", [HOOK_ALONE, NO_LANDLOCK, {}],
                         ids=["hook alone", "no Landlock", "all"])
def test_last_words_get_past_no_lock(tmp_path, monkeypatch, changes):
    monkeypatch.setattr(workers, "WORKER", changed_worker(tmp_path, changes))
    with warned(changes), Runner(**LIMITS) as runner:
        for words in KEPT.values():
            for problem in (SCRIPT, PROBLEM):
                runner.judge(problem, f"{LAST_WORDS}{words}\nanswer = 7\n"
                                      "print(answer)")
        assert not left_behind()


# ---- whatever a program reports ----

def test_no_report_of_a_program_ends_the_scoring(tmp_path):
    """Forged reports of every kind, in every mode: a verdict each, kept."""
    rng, texts = random.Random(0), (
        "", "p/p", "731846258", "nan", "-1e999", "[7", "{}", "True", "e",
        "\0", '{"float": "0x1p99999"}', '["call", "f", [], {}]', "\uff11",
        "7" * 5000)
    statuses = ("ran", "error", "memory", "blocked", "unparsable", "timeout",
                "passed", "wrong", "judged", "infrastructure", "", "x")
    kinds = ("int", "float", "str", "bool", "NoneType", "other", "output",
             "loaded", "plain", "ask", "end", "alive", "refused", "together",
             "tests", "", "x")
    cases = [(status, kind) for status in statuses[:6] for kind in kinds]
    cases += [(rng.choice(statuses), rng.choice(kinds)) for _ in range(60)]
    forged = [forge(status, kind, rng.choice(texts), rng.choice(texts))
              for status, kind in cases]
    forged += [f"def solution(*_):\n{textwrap.indent(text, '    ')}"
               for text in forged[::2]]
    pairs = [(problem, text) for problem in (PROBLEM, SCRIPT, FUNCTION, PAIR)
             for text in forged]
    cache = tmp_path / "cache.jsonl"
    with Runner(cache=cache, **LIMITS) as runner:
        verdicts = list(runner.judge_many(pairs, progress=False))
        again = list(runner.judge_many(pairs, progress=False))
    assert len(verdicts) == len(pairs)
    assert {verdict.status for verdict in verdicts} <= {
        "wrong", "error", "memory", "blocked", "unparsable", "timeout"}
    assert verdicts == again
    assert "infrastructure" not in cache.read_text()


@pytest.mark.parametrize("mode, tests", [
    ("answer", ()), ("stdio", (("", "7"),)), ("calls", ("assert f(1) == 7",)),
    ("calls", (([1], 7),))])
def test_nothing_that_a_worker_says_raises(mode, tests):
    """The border itself: outcomes of any kind, in any order."""
    rng = random.Random(1)

    class Said:
        def ask(self, *_, **__):
            pass

        send = ask

        def referee(self):
            return Said()

        def outcome(self):
            return [rng.choice(("ran", "error", "timeout", "judged", "x")),
                    rng.choice(("int", "float", "str", "plain", "loaded",
                                "output", "end", "x", "")),
                    rng.choice(("", "7", "7e", "nan", "p", "[", "\uff11")),
                    "", 0.0]

    problem = Problem("fuzz/1", "?", mode, answer="7", tests=tests,
                      entry_point="f")
    runner = Runner()
    for _ in range(3000):
        try:
            outcomes = [*runner.outcomes_of(Said(), problem, ["x"],
                                            runner.limits)]
        except ValueError as why:        # tests that end before a question
            assert tests[0] == "assert f(1) == 7" and "before" in str(why)
            continue
        for outcome in outcomes:
            verdict = read_outcome(problem, outcome)
            assert verdict.status in STATUSES
            assert len(verdict.tests) in (0, len(problem.tests))
