"""Spellings of a program, and numbers from nowhere."""

import random

import pytest

from helpers.mini import stories
from helpers.programs import canonical, foreign_numbers, numbers_in, spurious

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


def test_odd_strings_do_not_warn(recwarn):
    canonical("answer = len('\\d')")
    assert not recwarn.list


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


@pytest.mark.parametrize("call, says", [
    (lambda odd: canonical(odd), "a program is a text"),
    (lambda odd: foreign_numbers("3 hats", odd), "a program is a text"),
    (lambda odd: spurious(odd, "answer = 3"), "a question is a text")])
@pytest.mark.parametrize("odd", [None, 3, b"x = 3", ["x = 3"]])
def test_what_is_no_text_is_told(call, says, odd):
    with pytest.raises(ValueError, match=says):
        call(odd)
