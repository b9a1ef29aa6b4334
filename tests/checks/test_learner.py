"""What the learner wrote is used once it is right, and never before."""

import json

import pytest

from helpers.checks import quiz as quizzes
from helpers.checks.learner import guessed, yours
from helpers.checks.notebook_00 import check_00_2


def first_right(programs, statuses):
    return dict(reversed(list(zip(statuses, programs)))).get("passed")


@pytest.mark.parametrize("mine, right", [
    (first_right, True), (lambda programs, statuses: programs[0], False),
    (lambda: None, False), (None, False), (..., False)])
def test_the_notebook_goes_on_with_what_is_right(mine, right, capsys):
    def ours(programs, statuses):
        """Never asked here."""

    found = yours(mine, check_00_2, ours)
    assert found is (mine if right else ours)
    first = capsys.readouterr().out
    assert yours(found, check_00_2, ours) is found      # the cell again
    assert capsys.readouterr().out == first
    check, said = first.splitlines()
    assert check.endswith(": correct") is right
    assert said.startswith("from here on: your ours" if right else
                           "from here on: the collection's ours")


def test_a_cell_that_is_run_again_says_the_same(capsys):
    def ours(programs, statuses):
        """Never asked here."""

    name = yours(lambda programs, statuses: None, check_00_2, ours)
    first = capsys.readouterr().out
    assert yours(name, check_00_2, ours) is ours
    assert capsys.readouterr().out == first and "not yet" in first
    assert yours(first_right, check_00_2, ours) is first_right


@pytest.mark.parametrize("guess, value, said", [
    (None, 26.64, "you wrote no guess down; it is 26.6%"),
    (3, 2, "you guessed 3%; it is 2%"),
    ("half", 0.5, "you guessed half%; it is 0.5%")])
def test_a_guess_stands_beside_what_came_out(guess, value, said, capsys):
    guessed(guess, value)
    assert capsys.readouterr().out == said + "\n"


@pytest.fixture
def bank(tmp_path, monkeypatch):
    monkeypatch.setattr(quizzes, "BANK", tmp_path)
    rows = [{"id": f"99-{i}", "question": f"What is {i}?", "cell": "c",
             "exit": i < 3, "options": [
                 {"text": "no", "right": False, "why": "it is not"},
                 {"text": "yes", "right": True, "why": "it is"}]}
            for i in range(5)]
    (tmp_path / "99.json").write_text(json.dumps(rows))


def test_a_quiz_tells_nothing_before_it_is_answered(bank, capsys):
    quizzes.quiz("99", ["", "", ""])
    out = capsys.readouterr().out
    assert out.count("What is") == 3 and "it is" not in out


def test_a_quiz_says_why(bank, capsys):
    quizzes.quiz("99", [" B", "a", "e"])
    out = capsys.readouterr().out
    assert "b is right: it is\n" in out and "a is wrong: it is not" in out
    assert "your answer is 'e': write one of a, b" in out
    quizzes.quiz("99")
    quizzes.quiz("99", "ab")
