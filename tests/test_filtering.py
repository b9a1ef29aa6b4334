"""Filters, the funnel, program spellings and lucky programs."""

import gzip
import json
import random

import pytest

from helpers.evaluation import load_counts
from helpers.execution import Verdict
from helpers.filtering import (Example, by_problem, first_correct, funnel,
                               k_distinct, read_examples, unfiltered,
                               write_examples)
from helpers.mini import stories
from helpers.mini.reading import follows, read_story, renamed, variants
from helpers.plans import read_plans
from helpers.problems import Problem, load_problems
from helpers.programs import (LONGEST, canonical, foreign_numbers, numbers_in,
                              spelling, spurious)
from helpers.sampling import Sample, read_samples
from helpers.tools.files import whole_file, write_text

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


# ---------------------------------------------------------------- spellings

SAME = "start = 1000\nmonday = start * 2\nanswer = monday - 3\n"


@pytest.mark.parametrize("other", [
    SAME.replace("start", "t").replace("monday", "friday"),
    SAME.replace("1000", "1_000"),
    SAME.replace("1000", "0x3e8"),
    SAME.replace("start * 2", "(start*2)  # doubled"),
    "'''Ann's shells.'''\n" + SAME.replace("\n", "\n\n"),
    "start = 1000; monday = start \\\n * 2; answer = (monday\n - 3)",
    SAME.replace("start", "v1").replace("monday", "v0"),
    SAME.replace("start", "größe"),
])
def test_same_program_in_another_spelling(other):
    assert canonical(other) == canonical(SAME)


@pytest.mark.parametrize("other", [
    SAME.replace("start * 2", "2 * start"),
    "start = 1000\nmonday = start - 3\nanswer = monday * 2\n",
    SAME.replace("1000", "1000.0"),
    SAME.replace("monday - 3", "start - 3"),
    SAME.replace("monday", "start"),                  # one variable, not two
    SAME.replace("answer", "result"),
    SAME.replace("- 3", "- 4"),
])
def test_different_programs_stay_different(other):
    assert canonical(other) != canonical(SAME)


@pytest.mark.parametrize("one, two", [
    ("max = max(1, 2)", "min = min(1, 2)"),
    ("import math\nanswer = math.floor(2.5)",
     "import math\nanswer = math.ceil(2.5)"),
    ("def f(a, b):\n    return a - b\nanswer = f(a=5, b=3)",
     "def f(b, a):\n    return a - b\nanswer = f(b=5, a=3)"),
    ("x = 1\nanswer = x + v0", "v0 = 1\nanswer = v0 + v0"),
    ("class A:\n    x = 1\n    y = 2\nanswer = A.x",
     "class A:\n    y = 1\n    x = 2\nanswer = A.x"),
])
def test_renaming_never_makes_two_programs_one(one, two):
    assert canonical(one) != canonical(two)


def test_canonical_is_a_program_that_does_the_same():
    rng = random.Random(5)
    for _ in range(200):
        story = stories.draw_story(rng, rng.randint(1, 5), True, 1)
        style = rng.choice(("days", "running"))
        program = stories.write_program(
            rng, story, stories.Author(style, 0.3))
        before, after, text = {}, {}, canonical(program)
        exec(program, before)
        exec(text, after)
        assert before["answer"] == after["answer"]
        assert canonical(text) == text


def test_docstrings_go_and_bodies_stay_valid():
    program = "def f():\n    '''Nothing.'''\nif 1:\n    ...\nanswer = 3\n"
    compile(canonical(program), "x", "exec")
    assert canonical(program) == canonical(program.replace("Nothing", "No"))


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
    "long": "x = 1\n" * LONGEST,
}


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE)
def test_hostile_programs_give_a_sentence_or_themselves(program):
    with pytest.raises(ValueError, match="^the program "):
        canonical(program)
    assert spelling(program) == program
    pairs = judged((0, 0, program, "passed"), (0, 1, "answer = 3", "passed"))
    assert len(k_distinct(PROBLEMS, pairs)) == 2


def test_odd_strings_do_not_warn(recwarn):
    canonical("answer = len('\\d')")
    assert not recwarn.list


# ----------------------------------------------------------- lucky programs

@pytest.mark.parametrize("text, numbers", [
    ("Ann has 1,200 shells and 12.50 dollars.", {1200, 12.5}),
    ("She doubles them, then half of a dozen", {2, 0.5, 12}),
    ("It costs 20% more than the three, or 15 percent",
     {20, 0.2, 3, 15, 0.15}),
    ("1,2,3", {1, 2, 3}), ("$.75", {0.75}), ("nothing here", set()),
    ("someone at noon", set()), ("9" * 6000, {float("inf")}),
])
def test_numbers_in(text, numbers):
    assert numbers_in(text) == numbers


def test_foreign_numbers():
    question = "Ann starts with 12 shells. On Monday Ann triples them."
    assert foreign_numbers(question, "t = 12.0\nanswer = t * 3 / 100") == []
    assert foreign_numbers(question, "t = 30\nanswer = t + 6 + 30") == [
        30, 6, 30]
    assert spurious(question, "answer = 36")
    assert not spurious(question, "answer = 12 * 3 + True")
    assert not spurious("Eat 2 of 12.", "answer = 12 - 2")
    with pytest.raises(ValueError, match="cannot be parsed"):
        spurious(question, "36 of them")


def test_read_story_reads_what_the_generator_tells():
    rng = random.Random(1)
    for _ in range(500):
        story = stories.draw_story(
            rng, rng.randint(1, 7), rng.random() < 0.5, rng.randrange(3))
        assert read_story(story.question) == story
    assert read_story("Natalia sold clips to 48 of her friends.") is None
    assert read_story(story.question + " Or not?") is None


class Executes:
    """Stands in for a ``Runner``; only for programs written here."""

    def judge(self, problem, program):
        scope = {}
        exec(program, scope)
        right = scope["answer"] == float(problem.answer)
        return Verdict("passed" if right else "wrong", None, "", 0.0)


def test_careful_programs_follow_their_story():
    rng = random.Random(2)
    for _ in range(100):
        story = stories.draw_story(rng, rng.randint(1, 7), True, 2)
        problem = Problem("t/0", story.question, "answer", str(story.answer))
        for style in ("days", "running"):
            assert follows(Executes(), problem, stories.write_program(
                rng, story, stories.Author(style, 0)))


LUCKY = ("Ann starts with 8 pens. On Monday Ann finds 4. On Friday Ann loses "
         "4. On Sunday Ann sees 9 birds. On Tuesday Ann finds 8. How many "
         "pens does Ann have in the end?")


@pytest.mark.parametrize("program, expected", [
    ("t = 8\nt = t + 4\nt = t + 8\nt = t - 4\nanswer = t", True),
    ("a = 8\nb = a - 4\nc = b + 4\nd = c + 8\nanswer = d", True),
    ("t = 8\nt = t + 8\nanswer = t", False),           # 4 - 4 left out
    ("t = 8\nt = t * 2\nanswer = t", False),           # doubled by accident
    ("t = 8\nt = t + 9\nt = t - 1\nanswer = t", False),
    ("answer = 16", False),
])
def test_follows_tells_luck_from_reading(program, expected):
    problem = Problem("t/0", LUCKY, "answer", "16")
    assert follows(Executes(), problem, program) is expected


def test_variants_change_one_number_that_counts_at_a_time():
    found = variants(LUCKY, "t = 8\nanswer = t + 4 - 4 + 8")
    assert [answer for _, answer, _ in found] == [80, 80, -48, 80]
    assert all("sees 9 birds" in question for question, _, _ in found)
    assert found[0][2] == ["t = 72\nanswer = t + 4 - 4 + 8",
                           "t = 8\nanswer = t + 4 - 4 + 72",
                           "t = 72\nanswer = t + 4 - 4 + 72"]
    assert variants("How old is Tom, who is 3?", "answer = 3") == []


# ------------------------------------------------------------------ on disk

def test_examples_survive_the_disk(tmp_path):
    path = tmp_path / "pairs" / "x.jsonl"
    examples = [Example("t/0", "# Ünïcode\u2028?\n", "answer = 'é'\n")] * 2
    write_examples(path, examples)
    write_examples(path, examples)
    assert read_examples(path) == examples
    assert [file.name for file in path.parent.iterdir()] == ["x.jsonl"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "x.jsonl"
    write_examples(path, [Example("t/0", "p", "c")])
    with pytest.raises(TypeError):
        write_examples(path, [Example("t/0", "p", object())])
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


def questions(path):
    return load_problems("gsm8k", path=path)


@pytest.mark.parametrize("read", [read_samples, read_examples, read_plans,
                                  load_counts, questions])
@pytest.mark.parametrize("name, data", [
    ("latin.jsonl", '{"task_id": "é"}\n'.encode("latin-1")),
    ("wide.jsonl", '{"task_id": "e"}\n'.encode("utf-16")),
    ("marked.jsonl", '{"task_id": "e"}\n'.encode("utf-8-sig")),
    ("plain.jsonl.gz", b'{"task_id": "t"}\n'),
    ("cut.jsonl.gz", gzip.compress(b'{"task_id": "t"}\n')[:14]),
    ("spoilt.jsonl.gz", gzip.compress(b"x" * 99)[:12] + b"\xff" * 40),
    ("packed.jsonl", gzip.compress(b'{"task_id": "t"}\n')),
    ("deep.jsonl", b"[" * 10 ** 5), ("word.jsonl", b"a word"),
    ("none.jsonl", b""), ("none.jsonl.gz", b""), ("folder", None)])
def test_what_cannot_be_read_is_one_sentence(tmp_path, read, name, data):
    path = tmp_path / name
    path.mkdir() if data is None else path.write_bytes(data)
    if read is read_samples and data == b"":
        assert read(path) == []            # nothing has been drawn yet
        return
    with pytest.raises(ValueError, match=name) as error:
        read(path)
    assert "\n" not in str(error.value) and ";" in str(error.value)
    assert data is None or path.read_bytes() == data


def test_packed_examples_are_the_same_bytes_each_time(tmp_path):
    path, examples = tmp_path / "x.jsonl.gz", [Example("t/0", "é", "c")] * 3
    write_examples(path, examples)
    first = path.read_bytes()
    write_examples(path, examples)
    assert path.read_bytes() == first and read_examples(path) == examples


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "deep" / "file"
    write_text(path, "old")
    with whole_file(path) as one:
        one.write(b"one")
        with whole_file(path) as other:
            other.write(b"other")
            assert path.read_text() == "old"
        assert path.read_text() == "other"
    assert path.read_text() == "one"
    with pytest.raises(KeyboardInterrupt):
        with whole_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud83d")
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


def test_renaming_changes_variables_and_nothing_else():
    program = "start = 14\ntuesday = start + 9\nanswer = tuesday\n"
    assert renamed(program) == (
        "n0 = 14\nn1 = n0 + 9\nanswer = n1\n")
    assert canonical(renamed(program)) == (
        canonical(program))
