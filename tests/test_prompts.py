"""Prompts, and what is cut off their answers."""

import pytest

from helpers.prompts import (EXEMPLARS, cut_completion, cut_section,
                             few_shot_prompt, from_reply, truncate_left)


def test_few_shot_prompt_ends_with_the_question_alone():
    prompt = few_shot_prompt("Why?", EXEMPLARS["gsm8k"])
    assert prompt.endswith("\n\n# Why?\n")
    assert prompt.count("\n\n") == prompt.count("answer = ") == 3


@pytest.mark.parametrize("question", [None, 3, ["Why?"], b"Why?",
                                      {"question": "Why?"}])
def test_a_question_is_a_text(question):
    with pytest.raises(ValueError, match="a question is a text, problem.qu"):
        few_shot_prompt(question, EXEMPLARS["gsm8k"])


def test_the_exemplars_are_right():
    expected = {"mini-gsm": (18, 12, 14), "gsm8k": (22, 20, 32)}
    for name, answers in expected.items():
        for (_, program), answer in zip(EXEMPLARS[name], answers):
            scope = {}
            exec(program, scope)
            assert scope["answer"] == answer


@pytest.mark.parametrize("text, cut, reason", [
    ("t = 1\nanswer = t\nt = 2\nanswer = 3\n", "t = 1\nanswer = t\n", "stop"),
    ("answer = 1", "answer = 1", "length"),
    ("my_answer = 1\n", "my_answer = 1\n", "length"),
    ("  answer = 1\nanswer = 2\n", "  answer = 1\nanswer = 2\n", "stop"),
    ("", "", "length")])
def test_cut_completion(text, cut, reason):
    assert cut_completion(text) == (cut, reason)


def test_left_truncation_keeps_the_question():
    assert truncate_left([1, 2, 3, 4], 2) == [3, 4]


@pytest.mark.parametrize("reply, program", [
    ("t = 1\nanswer = t\n", "t = 1\nanswer = t\n"),
    ("```python\nanswer = 1\n```", "answer = 1\n"),
    ("Sure! Here it is:\n```python\nanswer = 1\n```\nIt adds.",
     "answer = 1\n"),
    ("```\nanswer = 1\n", "answer = 1\n"),           # cut off in the middle
    ("```python\n```", ""), ("a ``` b\n", "a ``` b\n"), ("", "")])
def test_a_reply_without_its_fences(reply, program):
    assert from_reply(reply) == program


@pytest.mark.parametrize("text, kept, reason", [
    ("1. Go.\n\nQUESTION:\nx\n", "1. Go.\n", "stop"),
    ("1. Go.\nCODE:\nx\n", "1. Go.\n", "stop"),
    ("1. My PLAN: go.\n", "1. My PLAN: go.\n", "length"),
    ("PLAN:\n", "\n", "stop")])
def test_a_section_ends_where_another_begins(text, kept, reason):
    assert cut_section(text) == (kept, reason)
