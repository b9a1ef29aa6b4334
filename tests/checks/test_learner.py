"""What the learner wrote is used once it is right, and never before."""

import json

import pytest

from helpers.checks import quiz as quizzes
from helpers.checks.learner import guessed, yours
from helpers.checks.notebook_00 import check_00_2
from helpers.checks.notebook_04 import JUDGED, PROBLEMS, check_04_1
from helpers.filtering import first_correct


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


def test_what_comes_one_by_one_is_a_list_for_the_cells_below(capsys):
    def ours(problems, judged):
        return list(first_correct(problems, judged))

    def lazy(problems, judged):
        yield from first_correct(problems, judged)

    for mine in (lazy, lambda *both: map(str.strip, [])):
        found = yours(mine, check_04_1, ours)
        assert type(found(PROBLEMS, JUDGED)) is list
        assert yours(found, check_04_1, ours) is found or found is ours
    assert yours(lazy, check_04_1, lazy) is lazy      # so is the collection's
    assert capsys.readouterr().out.count(": correct") == 3


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


@pytest.mark.parametrize("number, answers, said", [
    ("99", None, "your answer: none yet"), (99, [None, ...], "none yet"),
    ("99", 3, "your answer is '3'"), (99, "b", "b is right"),
    (4, "", "there is no quiz '04'; there are 99")])
def test_an_odd_call_of_the_quiz_is_told(number, answers, said, bank, capsys):
    quizzes.quiz(number, answers)
    assert said in capsys.readouterr().out
