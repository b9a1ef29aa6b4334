"""The files of the studies' runs, and what is reckoned from them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from helpers.profiles import Profile, get_profile
from helpers.studies.results import (FRESH, PlanScores, against_teacher,
                                     best_curve, judgement, load_plan_scores,
                                     load_standing, read_runs, sides)
from helpers.studies.runs import STUDIES, read_lines, read_study, write_lines

RUNS = [{"name": "plans-x", "seed": seed, "codes": 2,
         "plans": [[[2, 1], [0, 0]], [[1, 1]], []]} for seed in (10, 2)]


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """Where the files of runs are looked for."""
    monkeypatch.setattr(Profile, "runs", tmp_path)
    (tmp_path / "results").mkdir()
    return lambda runs: (tmp_path / "results" / "plans.jsonl").write_text(
        runs if isinstance(runs, str) else "".join(
            json.dumps(run) + "\n" for run in runs))


def test_scores_are_read_and_a_broken_file_is_one_sentence(shelf):
    shelf(RUNS)
    scores = load_plan_scores(get_profile("mini"), "x")
    assert scores == PlanScores("x", 2, (
        [[(2, 1), (0, 0)], [(1, 1)], []],) * 2)
    broken = json.loads(json.dumps(RUNS))
    broken[1]["plans"][1][0] = [1, 3]
    fewer = json.loads(json.dumps(RUNS))
    fewer[1]["plans"].pop()
    bare = [{"name": "plans-x", "seed": 1, "codes": 2}]
    for text, error, said in (
            (broken, ValueError, "rivals plans-x`$"),
            (fewer, ValueError, "rivals plans-x`$"),
            (bare, ValueError, "rivals plans-x`$"),
            ("{", ValueError, "line 1 of plans.jsonl.* rivals`$"),
            ("[]", ValueError, "line 1 of plans.jsonl.* rivals`$"),
            ([], FileNotFoundError, "rivals plans-x`$")):
        shelf(text)
        with pytest.raises(error, match=said) as caught:
            load_plan_scores(get_profile("mini"), "x")
        assert "\n" not in str(caught.value)


def test_worth_and_choices_by_hand():
    scores = PlanScores("x", 2, ([[(0, 2), (2, 1), (2, 0)], [(1, 1)], []],
                                 [[(2, 2)] * 3, [], [(1, 0), (0, 0)]]))
    assert scores.worth().tolist() == [[0.5, 0.5, 0], [1, 0, 0]]
    assert scores.passed() == (12, 10)
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
    word = judgement(scores.best(3, "oracle") + 1, scores.worth())[0]
    assert word == "agree"
    assert judgement(scores.worth(), scores.worth() + 1)[0] == "disagree"
    assert judgement(scores.worth(), scores.worth())[0] == "undecided"


PROFILE = get_profile("mini")


def test_a_broken_file_of_runs_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    (tmp_path / "results").mkdir()
    file = tmp_path / "results" / "ekt.jsonl"
    file.write_text('{"name": "ekt", "seed": 0}\n')
    with pytest.raises(ValueError, match="rivals ekt`$") as error:
        load_standing(PROFILE, "ekt")
    assert "\n" not in str(error.value)
    file.write_text('{"name": "ekt", "seed": 0}\n{"name": "ek')
    with pytest.raises(ValueError, match="line 2 of ekt.jsonl") as error:
        load_standing(PROFILE, "ekt")
    assert "\n" not in str(error.value)


def test_a_system_that_was_run_anew_is_read_from_runs_and_no_other(
        tmp_path, monkeypatch):
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    before = read_study(PROFILE, "ekt")
    anew = [row | {"seconds": -1} for row in before
            if row["name"] == "kd" and row["seed"] < 2]
    write_lines(tmp_path / "results" / "ekt.jsonl", anew)
    assert read_runs(PROFILE, "ekt", "kd") == anew
    assert [row for row in read_study(PROFILE, "ekt")] == [
        row for old in before for row in (
            [old] if old["name"] != "kd" else
            [new for new in anew if new["seed"] == old["seed"]])]
    with pytest.raises(FileNotFoundError, match="rivals nobody`$"):
        read_runs(PROFILE, "ekt", "nobody")


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_s_file_is_a_table(study, tmp_path):
    """For pandas and for `datasets`; every system is there, in order."""
    import datasets
    import pandas
    path = PROFILE.shipped / f"{study}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(dict.fromkeys(row["name"] for row in lines)) == [
        *STUDIES[study]]
    table = datasets.load_dataset("json", data_files=str(path),
                                  cache_dir=tmp_path / "cache")["train"]
    frame = pandas.read_json(path, lines=True)
    assert table.column_names == list(frame) == list(lines[0])
    assert list(table) == lines and len(frame) == len(lines)
    # Read and written again, it is the same file.
    write_lines(tmp_path / path.name, read_lines(path))
    assert (tmp_path / path.name).read_text() == path.read_text()


def test_the_student_against_its_teacher_at_each_k():
    rows = against_teacher(PROFILE, ks=(0, 1, 100))
    student, teacher = (load_standing(PROFILE, name)
                        for name in ("ekt", "teacher-few-shot"))
    means = [(student.greedy - teacher.greedy).mean(),
             (student.counts - teacher.counts).mean() / 100,
             ((student.counts > 0) * 1 - (teacher.counts > 0)).mean()]
    assert list(rows) == ["greedy, T = 0", "k = 1, T = 0.6",
                          "k = 100, T = 0.6"]
    for (mean, low, high), right in zip(rows.values(), means):
        assert mean == pytest.approx(right) and low < mean < high


def test_where_intervals_lie_is_said_in_words():
    up, down, open_ = (0.2, 0.1, 0.3), (-0.2, -0.3, -0.1), (0.0, -0.1, 0.1)
    assert sides({"greedy, T = 0": open_, "k = 1, T = 0.6": up,
                  "k = 5, T = 0.6": up, "k = 10, T = 0.6": open_,
                  "k = 100, T = 0.6": down}) == (
        "ahead at k = 1, 5; behind at k = 100; undecided at k = 10, greedy")
    assert sides({"greedy, T = 0": up}) == "ahead at greedy"
    assert sides({}) == ""
