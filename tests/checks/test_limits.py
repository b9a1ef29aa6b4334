"""A learner's function is called so that everything goes on, whatever it does.

Each way not to end is tried in the main thread, where a kernel runs its
cells, and in another one.
"""

import builtins
import itertools
import os
import resource
import signal
import sys
import threading
import time

import pytest

from helpers.checks import limits
from helpers.checks.report import attempt


ENOUGH = 60            # seconds for what ends by itself, on a busy machine too


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(limits, "SECONDS", 0.3)
    monkeypatch.setattr(limits, "PATIENCE", 0.05)


def loop():
    while True:
        pass


def catches():
    while True:
        try:
            sum(range(100))
        except Exception:
            pass


def catches_all():
    while True:
        try:
            time.sleep(0.01)
        except:  # noqa: E722
            pass


def catches_all_twice():
    while True:
        try:
            catches_all()
        except BaseException:
            continue


def goes_on_at_last():
    while True:
        try:
            pass
        finally:
            continue


def prints():
    while True:
        print("again " * 1000)


def takes_the_timer():
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.alarm(0)
    while True:
        pass


def blocks_the_timer():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    loop()


ENDLESS = [takes_the_timer, blocks_the_timer, loop, catches, catches_all,
           catches_all_twice, goes_on_at_last, prints]


def state():
    return (signal.getsignal(signal.SIGALRM),
            signal.getitimer(signal.ITIMER_REAL), sys.getrecursionlimit(),
            resource.getrlimit(resource.RLIMIT_AS), builtins.input,
            sys.stdin, sys.stdout, sys.stderr, sys.setrecursionlimit,
            os._exit, os.abort, signal.pthread_sigmask(signal.SIG_BLOCK, ()))


@pytest.fixture
def unchanged():
    before = state()
    yield
    assert state() == before


def in_a_thread(call):
    found = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.parametrize("endless", ENDLESS)
def test_what_never_ends_is_ended(endless, unchanged, capsys):
    value, failed = attempt(endless)
    assert value is None and failed.got == "no end within 0.3 seconds"
    assert "stopped in line " in failed.why
    assert f"of {endless.__name__}()" in failed.why
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("endless", [loop, catches, goes_on_at_last])
def test_in_another_thread_it_is_ended_too(endless, unchanged):
    value, failed = in_a_thread(lambda: attempt(endless))
    assert value is None and failed.got == "no end within 0.3 seconds"
    assert "stopped in line " in failed.why


def test_sleep_is_ended_and_elsewhere_left_alone(unchanged, monkeypatch):
    assert "time.sleep(1e9)" in attempt(lambda: time.sleep(1e9))[1].why
    clock = time.monotonic()
    assert in_a_thread(lambda: attempt(lambda: time.sleep(20)))[1]
    assert time.monotonic() - clock < 15          # nobody waits for it


@pytest.mark.parametrize("function, kind", [
    (lambda: os._exit(1), "SystemExit"), (lambda: os.abort(), "SystemExit"),
    (lambda: sys.exit(), "SystemExit"), (lambda: exit(3), "SystemExit"),
    (lambda: [0] * 10**12, "MemoryError"),
    (lambda: "a" * 10**11, "MemoryError"),
    (lambda: input("how many? "), "EOFError"),
    (lambda: sys.setrecursionlimit(10**9) or deeper(), "RecursionError"),
    (lambda: deeper(), "RecursionError"),
    (lambda: next(iter(())), "StopIteration"),
    (lambda: raised(KeyboardInterrupt), "KeyboardInterrupt"),
    (lambda: 1 // 0, "ZeroDivisionError")])
def test_what_ends_badly_is_a_failure(function, kind, unchanged, capsys):
    value, failed = attempt(function, seconds=ENOUGH)
    assert value is None and failed.kind == kind
    assert failed.got.startswith(kind) and "in line" in failed.why
    assert capsys.readouterr() == ("", "")


def raised(error):
    raise error


def deeper(*arguments):
    return deeper(*arguments)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc for memory")
def test_a_list_without_end_is_out_of_memory_soon(monkeypatch, unchanged):
    monkeypatch.setattr(limits, "EXTRA_BYTES", 2**28)
    assert attempt(lambda: list(itertools.count()),
                   seconds=ENOUGH)[1].kind == "MemoryError"
    assert attempt(lambda: bytes(2**20), seconds=ENOUGH)[0]


def forks(leaves):
    child = os.fork()
    if not child:
        leaves()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("leaves, code", [
    (lambda: os._exit(7), 7), (lambda: sys.exit(3), 1),
    (lambda: raised(ValueError), 1), (lambda: None, 1)])
def test_a_process_that_was_forked_never_comes_back(leaves, code, unchanged):
    """Else it would run the rest of these tests a second time."""
    home = os.getpid()
    found = attempt(forks, leaves, seconds=ENOUGH)
    assert os.getpid() == home and found == (code, None)


def loses_its_place():
    os.chdir("/")
    os.environ.clear()
    os.environ["LOST"] = "1"


def takes_names():
    builtins.len = builtins.max = builtins.next = None
    builtins.more = 5
    raise ValueError


@pytest.mark.parametrize("where", [lambda call: call(), in_a_thread])
def test_place_and_names_are_given_back(where, unchanged):
    before = os.getcwd(), dict(os.environ), dict(vars(builtins))
    assert where(lambda: attempt(loses_its_place, nothing=None,
                                 seconds=ENOUGH)) == (None, None)
    assert where(lambda: attempt(takes_names, seconds=ENOUGH))[1]
    assert (os.getcwd(), dict(os.environ), dict(vars(builtins))) == before


def test_nothing_is_read_from_the_keyboard(unchanged):
    assert attempt(lambda: sys.stdin.read(), seconds=ENOUGH) == ("", None)


def test_calls_may_be_nested_and_the_outer_limit_holds(unchanged):
    began = time.monotonic()

    def patient():
        return attempt(loop, seconds=30)
    value, failed = attempt(patient)
    assert time.monotonic() - began < 10
    assert failed or value[1].got.startswith("no end within")
    assert attempt(lambda: attempt(lambda: 5, seconds=ENOUGH)[0] + 1,
                   seconds=ENOUGH) == (6, None)


def test_a_timer_of_somebody_else_still_rings(unchanged):
    rung = []
    before = signal.signal(signal.SIGALRM, lambda *_: rung.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 2)
        assert attempt(lambda: 5, seconds=ENOUGH) == (5, None)
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 2
        assert attempt(loop, seconds=ENOUGH)[1]
        until = time.monotonic() + 5
        while not rung and time.monotonic() < until:
            time.sleep(0.01)
        assert rung == [1]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize("where", [lambda call: call(), in_a_thread])
def test_stopping_by_hand_stops(where, unchanged):
    """Ctrl-C goes to the main thread, which waits or computes."""
    main = threading.main_thread().ident

    def interrupted():
        signal.pthread_kill(main, signal.SIGINT)
        loop()
    with pytest.raises(KeyboardInterrupt):
        attempt(interrupted, seconds=5)


def test_the_random_numbers_of_the_learner_are_left_alone():
    import random
    random.seed(1)
    state = random.getstate()
    attempt(catches_all)
    assert random.getstate() == state


def test_each_of_several_threads_is_told_how_it_ended():
    meeting = threading.Barrier(2)
    found = limits.in_threads(
        [(lambda: 1, ()), (loop, ()), (meeting.wait, ()), (os.strerror, (2,))],
        0.3, release=meeting.abort)
    assert found[0] == (1, None) and found[3] == (os.strerror(2), None)
    assert isinstance(found[1][1], limits.OutOfTime)
    assert isinstance(found[2][1], threading.BrokenBarrierError)
