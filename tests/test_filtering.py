"""Filters, the funnel, and the files of training pairs."""

import json
import random

import pytest

from helpers.execution import Verdict
from helpers.filtering import (Example, by_problem, first_correct, funnel,
                               k_distinct, read_examples, unfiltered,
                               write_examples)
from helpers.problems import Problem
from helpers.programs import LONGEST_PROGRAM, canonical, spelling
from helpers.sampling import Sample

PROBLEMS = [Problem(task_id=f"t/{i}", question=f"Question {i}?",
                    mode="answer", answer="3") for i in range(3)]


def judged(*rows):
    """Pairs from ``(problem number, sample index, program, status)``."""
    return [(Sample(task_id=f"t/{i}", sample_index=index, seed=0,
                    temperature=0.6, top_p=1.0, max_new_tokens=64,
                    completion=program,
                    finish_reason="stop", model="m", prompt_hash="0"),
             Verdict(status, None, "why", 0.0))
            for i, index, program, status in rows]


# Problem 0 has two right programs in three spellings, given out of order;
# problem 1 has none that is right; problem 2 has not been sampled.
MIXED = judged(
    (0, 5, "answer = 1 + 2\n", "passed"),
    (0, 0, "answer = 4\n", "wrong"),
    (0, 4, "answer = 1 +  2  # same\n", "passed"),
    (0, 2, "answer = 3\n", "passed"),
    (0, 1, "answer = = 3\n", "unparsable"),
    (0, 3, "answer = 1 / 0\n", "error"),
    (1, 1, "while True: pass\n", "timeout"),
    (1, 0, "answer = 2\n", "wrong"))


def test_first_correct_is_the_lowest_sample_index_whatever_the_order():
    expected = [Example("t/0", "# Question 0?\n", "answer = 3\n")]
    assert first_correct(PROBLEMS, MIXED) == expected
    assert first_correct(PROBLEMS, MIXED[::-1]) == expected


def test_first_correct_leaves_held_out_problems_aside():
    assert first_correct(PROBLEMS[1:], MIXED) == []
    assert first_correct([], MIXED) == first_correct(PROBLEMS, []) == []


def test_k_distinct_counts_spellings_once_and_keeps_the_first():
    def kept(k):
        return [e.completion for e in k_distinct(PROBLEMS, MIXED, k)]
    both = ["answer = 3\n", "answer = 1 +  2  # same\n"]
    assert kept(1) == both[:1]
    assert kept(2) == kept(99) == kept(None) == both
    with pytest.raises(ValueError, match="1 or more, not 0"):
        kept(0)


def test_unfiltered_keeps_wrong_ones():
    assert [(e.task_id, e.completion) for e in
            unfiltered(PROBLEMS, MIXED, k=2)] == [
        ("t/0", "answer = 4\n"), ("t/0", "answer = = 3\n"),
        ("t/1", "answer = 2\n"), ("t/1", "while True: pass\n")]


def test_funnel_counts_samples_and_problems_and_only_narrows():
    rows = funnel(PROBLEMS, MIXED)
    assert rows == [("sampled", 8, 2), ("parsed", 7, 2), ("ran", 5, 2),
                    ("right", 3, 1), ("distinct", 2, 1), ("kept", 1, 1),
                    ("none right", 2, 2)]


def test_funnel_agrees_with_the_filters_on_random_verdicts():
    rng = random.Random(3)
    status = ("passed", "wrong", "error", "unparsable", "memory", "blocked")
    mixed = judged(*((i, j, f"answer = {rng.randrange(4)}", rng.choice(status))
                     for i in range(3) for j in range(9)))
    rows = {name: count for name, count, _ in funnel(PROBLEMS, mixed)}
    assert rows["kept"] == len(first_correct(PROBLEMS, mixed))
    assert rows["distinct"] == len(k_distinct(PROBLEMS, mixed))
    counts = [rows[name] for name in
              ("sampled", "parsed", "ran", "right", "distinct", "kept")]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("use", [
    by_problem, lambda j: first_correct(PROBLEMS, j),
    lambda j: k_distinct(PROBLEMS, j), lambda j: unfiltered(PROBLEMS, j),
    lambda j: funnel(PROBLEMS, j)])
def test_a_broken_machine_is_not_a_wrong_program(use):
    with pytest.raises(RuntimeError, match="1 samples could not.*t/1, sam"):
        use(MIXED + judged((1, 7, "answer = 3\n", "infrastructure")))


@pytest.mark.parametrize("given", [
    "text", [None], MIXED[0], [pair[::-1] for pair in MIXED],
    [pair[0] for pair in MIXED], [(*MIXED[0], 1)], None, 3])
def test_what_are_no_pairs_is_refused(given):
    with pytest.raises(ValueError, match=r"pairs \(sample, verdict\), as zip|"
                       r"a list of \(sample, verdict\)"):
        by_problem(given)
    assert by_problem(map(list, MIXED)) == by_problem(MIXED)


@pytest.mark.parametrize("k", ["2", 1.5, [1], float("nan"), True])
def test_how_many_to_keep_is_a_number(k):
    with pytest.raises(ValueError, match="k is a whole number, not"):
        unfiltered(PROBLEMS, MIXED, k)


@pytest.mark.parametrize("keep", [k_distinct, unfiltered])
@pytest.mark.parametrize("k", [0, -1])
def test_no_number_of_programs_to_keep(keep, k):
    with pytest.raises(ValueError, match="1 or more, not"):
        keep(PROBLEMS, MIXED, k)
    assert keep(PROBLEMS, MIXED, None)


HOSTILE = {
    "brackets": "(" * 5000 + ")" * 5000,
    "signs": "answer = " + "-" * 50_000 + "1",
    "attributes": "answer = a" + ".b" * 30_000,
    "sum": "answer = 1" + " + 1" * 20_000,
    "lambdas": "lambda: " * 5000 + "1",
    "null byte": "answer = 3\0",
    "not a program": "I think Ann has 3 shells.",
    "surrogate": "answer = '\ud800'",
    "digits": "answer = " + "9" * 5000,
    "hex digits": "answer = 0x" + "f" * 5000,
    "long": "x = 1\n" * LONGEST_PROGRAM,
}


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE)
def test_hostile_programs_give_a_sentence_or_themselves(program):
    with pytest.raises(ValueError, match="^the program "):
        canonical(program)
    assert spelling(program) == program
    pairs = judged((0, 0, program, "passed"), (0, 1, "answer = 3", "passed"))
    assert len(k_distinct(PROBLEMS, pairs)) == 2


# ------------------------------------------------------------------ on disk

def test_examples_survive_the_disk(tmp_path):
    path = tmp_path / "pairs" / "x.jsonl"
    examples = [Example("t/0", "# Ünïcode\u2028?\n", "answer = 'é'\n")] * 2
    write_examples(path, examples)
    write_examples(path, examples)
    assert read_examples(path) == examples
    assert [file.name for file in path.parent.iterdir()] == ["x.jsonl"]


@pytest.mark.parametrize("rows", [
    [Example("t/0", "p", object())], [Example("t/0", None, "c")],
    [Example("t/0", "p", "c"), ("t/0", "p", "c")], [{"task_id": "t/0"}],
    [MIXED[0][0]], None, "text", Example("t/0", "p", "c")])
def test_what_could_not_be_read_again_is_not_written(tmp_path, rows):
    path = tmp_path / "x.jsonl"
    write_examples(path, [Example("t/0", "p", "c")])
    with pytest.raises(ValueError, match="is no|nothing was w|list of Exam"):
        write_examples(path, rows)
    assert read_examples(path) == [Example("t/0", "p", "c")]


@pytest.mark.parametrize("line", [
    '{"task_id": "t', "[]", "3", "", '{"task_id": "t/0", "prompt": "p"}',
    json.dumps({"task_id": "t/0", "prompt": "p", "completion": 3})])
def test_a_corrupt_line_is_named(tmp_path, line):
    path = tmp_path / "x.jsonl"
    write_examples(path, [Example("t/0", "p", "c")])
    with open(path, "a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(ValueError, match="x.jsonl, line 2 is not a training"):
        read_examples(path)
