"""The gates: may students of ``mini-apps``, second edition, be compared?"""

import pytest

from helpers.execution import Runner
from helpers.mini.formulas import showing
from helpers.profiles import ROOT
from helpers.teachers.checkpoint import load_model
from helpers.workshop.gates import (carried_on, fresh_problems, recovered,
                                    solved)

MODELS = ROOT / "data/mini/models"
BASES = ("formula-student", "formula-student-b")


@pytest.fixture(scope="module")
def bases():
    return {name: load_model(str(MODELS / name)) for name in BASES}


@pytest.fixture(scope="module")
def teacher():
    return load_model(str(MODELS / "formula-teacher"))


@pytest.mark.parametrize("name", BASES)
def test_a_base_carries_out_the_steps_that_comments_spell_out(bases, name):
    shares = carried_on(bases[name], fresh_problems("gate", 4, False, 100))
    assert min(shares[:2]) > 0.9, shares


@pytest.mark.parametrize("name", BASES)
def test_a_base_does_not_find_the_formula_of_a_long_story_at_once(
        bases, name):
    with Runner() as runner:
        for steps in (3, 4, 5):
            problems = [p for shuffled in (False, True) for p in
                        fresh_problems("gate", steps, shuffled, 50)]
            assert solved(runner, bases[name], problems,
                          "n = int(input())\nprint(") < 0.2


def test_code_alone_tells_the_steps_only_where_it_shows_them(teacher):
    def share(way, program):
        problems = [p for shuffled in (False, True) for p in
                    fresh_problems("gate", 4, shuffled, 50, program)]
        return recovered(teacher, way, problems)[0]

    hidden, shown = (share("backward", showing_or_not) for
                     showing_or_not in (fresh_problems.__defaults__[0],
                                        showing))
    assert hidden < 0.1 and shown > 0.7
