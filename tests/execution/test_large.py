"""Large inputs and values: they cross in their time, or are named."""

import os
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest

from helpers.execution import Runner, modes
from helpers.execution.inside import plain
from helpers.execution.inside.supervision import feed
from helpers.problems import Problem


def test_a_large_input_is_fed_in_its_time():
    """A view of it moves on: once what was left was copied each time."""
    source, pipe = os.pipe()
    os.set_blocking(pipe, False)
    run = SimpleNamespace(feed=pipe, pending=b"x" * (50 << 20), output=None)
    begin, size = time.process_time(), 0
    while run.pending:
        feed(run, SimpleNamespace(unregister=os.close))
        size += len(os.read(source, 1 << 16))
    while chunk := os.read(source, 1 << 16):
        size += len(chunk)
    os.close(source)
    assert size == 50 << 20 and time.process_time() - begin < 1


@pytest.mark.parametrize("test, program", [
    ("assert len(f(600_000)) == 600_000", "def f(n): return [*range(n)]"),
    ("assert len(f(800_000)) == 800_000", "def f(n): return '\\xe9' * n"),
    ("x = [*range(600_000)]\nassert f(x) == 600_000",
     "def f(x): return len(x)"),
    (([600_000], [*range(600_000)]), "def f(n): return [*range(n)]")])
def test_large_values_cross(test, program):
    with Runner(workers=1, timeout=8) as runner:
        verdict = runner.judge(Problem(
            "calls/6", "?", "calls", tests=(test,), entry_point="f"), program)
    assert verdict.status == "passed", verdict


@pytest.mark.parametrize("test, program", [
    ("assert f(9) != 7", "def f(n): return 'x' * (17 << 20)"),
    ("try: f(9)\nexcept BaseException: pass\nassert 1",
     "def f(n): return 'x' * (17 << 20)"),
    (([9], "x" * (17 << 20)), "def f(n): return 'x' * (17 << 20)")])
def test_values_that_are_too_large_are_named(test, program):
    problem = Problem("calls/7", "?", "calls", tests=(test,) * 2,
                      entry_point="f")
    with Runner(workers=1, timeout=8) as runner:
        verdict = runner.judge(problem, program)
        assert verdict.status == "memory", verdict
        assert "too large to judge (more than 16 MiB" in verdict.detail
        assert runner.judge(replace(problem, tests=("assert f(1) == 7",)),
                            "def f(x): return 7").status == "passed"


def test_what_tests_themselves_have_that_is_too_large_is_their_fault():
    large = Problem("calls/8", "?", "calls", entry_point="f", tests=(
        "x = 'x' * (17 << 20)\nassert f(x) == 7",))
    with Runner(workers=1, timeout=8) as runner:
        with pytest.raises(ValueError, match="calls/8 cannot.*too large"):
            runner.judge(large, "def f(x): return 7")


def test_a_forged_value_is_not_built_for_long():
    """In our own process: what hashes alike takes the square of its time."""
    alike = ",".join(str((2 ** 61 - 1) * i) for i in range(50_000))
    pairs = ",".join(f"[{(2 ** 61 - 1) * i},1]" for i in range(50_000))
    giant = "0x" + "7" * 10 ** 6
    for text in (f'{{"set":[{alike}]}}', f'{{"dict":[{pairs}]}}',
                 f'[{{"tuple":[{{"frozenset":[{alike}]}}]}}]',
                 f'{{"set":[{{"frozenset":[{alike}]}}]}}',
                 f'{{"pairs":[{pairs}]}}', f'{{"keys":[{alike}]}}',
                 f'{{"fraction":["{giant}","{giant}1"]}}'):
        begin = time.process_time()
        with pytest.raises((ValueError, TypeError)):
            modes.unpacked(text)
        assert time.process_time() - begin < 2
    for value in ({*range(9999)}, {i: str(i) for i in range(9999)},
                  [{frozenset([i]): (i,)} for i in range(999)]):
        assert modes.unpacked(plain.pack(value)) == value
