"""The cache of the judge: shared, damaged, full, and a kill in the middle."""

import json
import os
import resource
import subprocess
import sys
import textwrap
import time
from collections import namedtuple
from decimal import Decimal
from functools import partial

import numpy as np
import pytest

from helpers.execution import Runner, Verdict, cache as outcomes
from helpers.problems import Problem
from helpers.profiles import ROOT

EXPECTED = "731846259"     # a number that no program can come upon
PROBLEM = Problem("test/0", "?", answer=EXPECTED)


@pytest.mark.parametrize("outcome", [
    "null", "[]", "[null, null, null, null, null]", '"ran01"',
    '["ran", "int", "1", "", null]', '["ran", "int", "one", "", 0.1]',
    '["ran", "int", null, "", 0.1]', '["judged", "", "pp", "", 0.1]',
    '["judged", "", "px/py", "", 0.1]', '["kept", "", "", "", 0.1]',
    '["judged", "", "p/", "", 0.1]', '["judged", "", "pp/p", "", 0.1]',
    '["infrastructure", "", "", "", 0.1]'])
def test_a_line_that_no_verdict_can_be_read_from_is_named(tmp_path, outcome):
    cache = tmp_path / "cache.jsonl"
    text = f'{{"key": "00", "outcome": {outcome}}}\n'
    cache.write_text(text)
    with pytest.raises(ValueError, match="cache.jsonl, line 1 is not a line"):
        Runner(workers=1, cache=cache)
    assert cache.read_text() == text


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


@pytest.mark.parametrize("first, second", [
    (("3", "9"), ("4", "17")), ((np.int64(3), np.int64(9)),
                                (np.int64(4), np.int64(17))),
    ((3, Decimal(9)), (3, Decimal(10))), ((["3"], 9), (["4"], 17))])
def test_two_problems_are_not_one(first, second):
    """Numbers of other kinds too tell one from another."""
    with Runner(workers=1) as runner:
        verdicts = [runner.judge(Problem("own/1", "?", "stdio", tests=tests),
                                 "n = int(input())\nprint(n * n)").status
                    for tests in ((first,), (second,), [first], [second])]
    assert verdicts == ["passed", "wrong"] * 2


def test_a_number_of_numpy_is_expected_as_python_s_own():
    for order in ((0.3, np.float64(0.3)), (np.float64(0.3), 0.3)):
        with Runner(workers=1) as runner:
            for expected in order:
                problem = Problem("own/1", "?", "calls", entry_point="f",
                                  tests=(([1], expected),))
                assert runner.judge(problem, "def f(x): return 0.1 + 0.2"
                                    ).status == "passed"


def test_what_changes_in_place_is_another_problem():
    """As it is when it is handed over, also where it waits its turn."""
    pair, more = [[3], 9], ["n = int(input())", "print(n * n)"]
    lines, asserts = ["3", "9"], ["assert f(3) == 9"]
    point = namedtuple("Point", "x y")(1, 2)
    with Runner(workers=1) as runner:
        for problem, program, change, back in (
                (Problem("own/1", "?", "stdio", tests=[lines]),
                 "\n".join(more), partial(lines.__setitem__, 1, "10"),
                 partial(lines.__setitem__, 1, "9")),
                (Problem("own/2", "?", "calls", tests=(pair,),
                         entry_point="f"), "def f(x): return x * x",
                 partial(pair[0].__setitem__, 0, 4),
                 partial(pair[0].__setitem__, 0, 3)),
                (Problem("own/3", "?", "calls", tests=asserts,
                         entry_point="f"), "def f(x): return x * x",
                 partial(asserts.__setitem__, 0, "assert f(3) == 8"),
                 partial(asserts.__setitem__, 0, "assert f(3) == 9"))):
            def pairs():
                for turn in (lambda: None, change, back):
                    turn()
                    yield problem, program

            assert [verdict.status for verdict in runner.judge_many(
                pairs(), progress=False)] == ["passed", "wrong", "passed"]
        lines[1] = None
        with pytest.raises(ValueError, match="own/1 .*test 1"):
            runner.judge(Problem("own/1", "?", "stdio", tests=[lines]), "")
        problem = Problem("own/4", "?", "calls", tests=(([point], 3),),
                          entry_point="f")
        assert runner.judge(problem, "sum_of = sum\ndef f(p): return "
                            "sum_of(p)").status == "passed"


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
        runner.run_batch = lambda problem, programs, *more: (
            ran.extend(programs), true_batch(problem, programs, *more))[1]
        assert [v.value for v in runner.judge_many(pairs)] == list(range(1000))
        assert 1000 - done <= len(ran) <= 1000 - done + 1
        ran.clear()
        assert [v.value for v in runner.judge_many(pairs)] == list(range(1000))
        assert not ran


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


OUTCOME = b'{"key": "0a", "outcome": ["ran", "int", "1", "", 0.1]}\n'


def test_a_device_or_a_pipe_is_no_cache(tmp_path):
    os.mkfifo(pipe := tmp_path / "pipe")
    for place in (pipe, "/dev/full", "/dev/zero", "/dev/null"):
        with pytest.raises(ValueError, match="a device or a pipe"):
            outcomes.Outcomes(place)


@pytest.mark.parametrize("name, data", [
    ("cache.jsonl.gz", b""), ("config.json", b'{"model": "mine"}'),
    ("notes.md", b"# mine\n\nall of it"), ("word", b"mine"),
    ("mixed.jsonl", OUTCOME + b'{"task_id": "t'),
    ("other.jsonl", b'{"outcome": [1, 2, 3, 4, 5], "key": "0a"}'),
    ("packed.jsonl", b"\x1f\x8b\x08\x00\xff"),
    ("deep.jsonl", b"[" * 10 ** 5 + b"\n")])
def test_a_file_that_is_no_cache_is_left_as_it_is(tmp_path, name, data):
    cache = tmp_path / name
    cache.write_bytes(data)
    with pytest.raises(ValueError, match=name) as error:
        outcomes.Outcomes(cache)
    assert "\n" not in str(error.value) and cache.read_bytes() == data


def test_a_kill_may_cut_a_line_of_the_cache_anywhere(tmp_path):
    cache = tmp_path / "cache.jsonl"
    for whole in (b"", OUTCOME):
        for end in range(len(OUTCOME)):
            cache.write_bytes(whole + OUTCOME[:end])
            outcomes.Outcomes(cache).close()
            assert cache.read_bytes() == whole
