"""The files of the studies' runs, and what is reckoned from them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.profiles import get_profile
from helpers.studies import results
from helpers.studies.results import (FRESH, PlanScores, best_curve,
                                     load_plan_scores, load_standing,
                                     plan_judgement)

RUNS = {str(seed): {"codes": 2, "plans": [[[2, 1], [0, 0]], [[1, 1]], []]}
        for seed in (10, 2)}


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """Where the files of runs are looked for."""
    monkeypatch.setattr(results, "find_artefact",
                        lambda profile, name: tmp_path / name)
    (tmp_path / "rivals").mkdir()
    return lambda runs: (tmp_path / "rivals" / "plans-x.json").write_text(
        json.dumps({"runs": runs}) if isinstance(runs, dict) else runs)


def test_scores_are_read_and_a_broken_file_is_one_sentence(shelf):
    shelf(RUNS)
    scores = load_plan_scores(get_profile("mini"), "x")
    assert scores == PlanScores("x", 2, (
        [[(2, 1), (0, 0)], [(1, 1)], []],) * 2)
    broken = json.loads(json.dumps(RUNS))
    broken["2"]["plans"][1][0] = [1, 3]
    fewer = json.loads(json.dumps(RUNS))
    fewer["2"]["plans"].pop()
    for text in (broken, fewer, "{", "[]", {}, {"1": {"codes": 2}}):
        shelf(text)
        with pytest.raises(ValueError, match="rivals plans-x`") as caught:
            load_plan_scores(get_profile("mini"), "x")
        assert "\n" not in str(caught.value)


def test_worth_and_choices_by_hand():
    scores = PlanScores("x", 2, ([[(0, 2), (2, 1), (2, 0)], [(1, 1)], []],
                                 [[(2, 2)] * 3, [], [(1, 0), (0, 0)]]))
    assert scores.worth().tolist() == [[0.5, 0.5, 0], [1, 0, 0]]
    assert scores.best(3, "by example tests")[0].tolist() == [0.25, 0.5, 0]
    assert scores.best(3, "oracle")[0].tolist() == [1, 0.5, 0]
    # Two plans with one of two programs right each: the choice by one
    # program finds nothing that holds for the other.
    luck = PlanScores("x", 2, ([[(1, 1), (1, 1)], [(2, 2), (0, 0)]],) * 2)
    assert luck.best(2, "by example tests")[0].tolist() == [0.5, 1]
    assert luck.fresh(2)[0].tolist() == [0.25, 1]
    assert (luck.fresh(1) == luck.worth()).all()
    assert best_curve(luck, FRESH, (1, 2))[0].tolist() == [0.5, 0.625]
    with pytest.raises(ValueError, match="needs two, not 3"):
        replace(luck, codes=3).fresh(1)
    mean, low, high = best_curve(scores, "oracle", (1, 2, 3))
    assert (np.diff(mean) >= 0).all() and (low <= mean).all()
    assert (mean <= high).all()
    word = plan_judgement(scores.best(3, "oracle") + 1, scores.worth())[0]
    assert word == "agree"
    assert plan_judgement(scores.worth(), scores.worth() + 1)[0] == "disagree"
    assert plan_judgement(scores.worth(), scores.worth())[0] == "undecided"


PROFILE = get_profile("mini")


def test_a_broken_file_of_runs_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    (tmp_path / "rivals").mkdir()
    (tmp_path / "rivals" / "ekt.json").write_text('{"runs": {"0": {}}}')
    with pytest.raises(ValueError, match="rivals ekt`$") as error:
        load_standing(PROFILE, "ekt")
    assert "\n" not in str(error.value)
