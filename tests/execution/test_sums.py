"""Programs that do nothing but sums share a process."""

import random

import pytest

from helpers.execution import Runner
from helpers.execution.inside import sums as sums_module
from helpers.problems import Problem

EXPECTED = "731846259"     # a number that no program can come upon
PROBLEM = Problem("test/0", "?", answer=EXPECTED)


@pytest.fixture(scope="module")
def runner():
    with Runner(workers=2, timeout=0.3, memory_mb=128) as runner:
        yield runner


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
    commented = [f"{p}  # [it's] {{}}: \"@\"" for p in sums]
    assert all(sums_module.may_be_sums(program) for program in
               programs + commented if sums_of(program))
    assert not any(map(sums_module.may_be_sums, (
        "answer = [1][0]", "# sums\nanswer = 'x'", "x: int = 1")))
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
