"""Profiles: how one is chosen and changed, and the folder of its runs."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from helpers import profiles
from helpers.profiles import PROFILES, find_artefact, get_profile

PROFILE = get_profile("mini")


def test_auto_goes_by_the_memory_of_the_card(monkeypatch):
    for gib, name in ((0.0, "mini"), (7.9, "mini"), (14.6, "colab"),
                      (79.0, "colab")):
        monkeypatch.setattr(profiles, "card_gib", lambda gib=gib: gib)
        assert get_profile("auto").name == name


def test_an_unknown_value_of_a_profile_is_named():
    with pytest.raises(ValueError, match="no value 'test_sample' to change"):
        get_profile("mini", test_sample=3)


def test_an_unknown_profile_is_one_sentence():
    with pytest.raises(ValueError, match="choose one of mini, colab, paper"):
        get_profile("minni")
    assert get_profile("mini", test_samples=7).test_samples == 7


def test_an_unwritable_folder_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    (tmp_path / "runs").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="cannot write to runs/mini") as error:
        PROFILE.runs
    assert "\n" not in str(error.value)


def test_many_may_ask_for_the_folder_at_a_time(tmp_path, monkeypatch):
    """As the processes of `accelerate launch` do when they start."""
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: PROFILE.runs, range(400)))
    assert found == {tmp_path / "runs" / "mini"}
    assert not list((tmp_path / "runs" / "mini").iterdir())


@pytest.mark.parametrize("name, value", [
    ("epochs", -1), ("epochs", 0), ("epochs", "2"), ("epochs", 2.0),
    ("epochs", True), ("epochs", None), ("epochs", float("inf")),
    ("temperature", float("nan")), ("temperature", -0.1),
    ("temperature", "0.6"), ("temperature", [0.6]),
    ("temperature", np.array([0.1, 0.2])), ("temperature", np.bool_(True)),
    ("top_p", 0), ("top_p", 1.01), ("plan_rate", 0), ("plan_rate", 10**400),
    ("teacher", ""), ("teacher", None), ("teacher", b"x"),
    ("teacher_4bit", 1), ("plan_difficulty", 3)])
def test_an_impossible_value_is_one_sentence(name, value):
    with pytest.raises(ValueError, match=f"^{name} of a profile is ") as told:
        get_profile("mini", **{name: value})
    assert "\n" not in str(told.value) and len(str(told.value)) < 160


@pytest.mark.parametrize("changes, folder", [
    ({}, "mini"), ({"epochs": 8}, "mini"), ({"plan_difficulty": None}, "mini"),
    ({"epochs": 2}, "mini-epochs-2"), ({"epochs": np.int64(2)},
                                       "mini-epochs-2"),
    ({"epochs": 2, "test_samples": 20}, "mini-test-samples-20-epochs-2"),
    ({"temperature": 1}, "mini-temperature-1.0"),
    ({"teacher_4bit": np.bool_(True)}, "mini-teacher-4bit-true"),
    ({"plan_difficulty": "interview"}, "mini-plan-difficulty-interview")])
def test_a_changed_profile_has_a_folder_that_says_what_changed(
        changes, folder):
    profile = get_profile("mini", **changes)
    assert profile.folder == folder
    assert get_profile("mini", **dict(reversed(changes.items()))) == profile
    json.dumps(asdict(profile))              # plain data, also of numpy's


def test_no_two_settings_share_a_folder():
    numbers = {name: 11 for name, value in asdict(PROFILES["mini"]).items()
               if type(value) is int}
    changes = [{"teacher": text} for text in (
        "a/b", "a_b", "A/b", "a b", "ab", "a" * 25, "a" * 26, Path("a/c"),
        "x-epochs-2")]
    changes += [numbers, numbers | {"plan_length": 12}, {"epochs": 10**30},
                {"epochs": 10**30 + 1}, {"teacher": "x", "epochs": 2}]
    folders = [get_profile("mini", **change).folder for change in changes]
    assert len({folder.lower() for folder in folders}) == len(changes)
    for folder in folders:
        assert folder.startswith("mini-") and len(folder) < 80
        assert not set(folder) & set("/ \\:*?")


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Results of ``mini`` as shipped, and none of a run."""
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    for name in ("samples/teacher-train.jsonl.gz", "pairs/some.jsonl",
                 "plans/some.jsonl", "ekt-student/weights"):
        path = tmp_path / "data" / "mini" / "results" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("shipped")
    return tmp_path


def test_a_changed_profile_writes_its_settings_into_its_own_folder(house):
    changed = get_profile("mini", epochs=2)
    told = json.loads((changed.runs / "settings.json").read_text())
    assert told["changed"] == {"epochs": 2}
    assert told["settings"] == asdict(changed)
    state = (changed.runs / "settings.json").stat().st_mtime_ns
    assert (changed.runs / "settings.json").stat().st_mtime_ns == state
    assert not list(get_profile("mini").runs.iterdir())


def test_what_a_change_cannot_have_changed_is_found(house, capsys):
    plain, changed = get_profile("mini"), get_profile("mini", epochs=2)
    shipped = house / "data" / "mini" / "results"
    for profile in (plain, changed):
        assert find_artefact(profile, "pairs/some.jsonl") == (
            shipped / "pairs" / "some.jsonl")
    made = plain.runs / "pairs" / "some.jsonl"
    made.parent.mkdir()
    made.write_text("")
    assert find_artefact(changed, "pairs/some.jsonl") == made
    assert find_artefact(get_profile("mini", test_samples=5),
                         "ekt-student") == shipped / "ekt-student"
    assert capsys.readouterr().out == ""


def test_what_a_teacher_wrote_with_other_settings_comes_with_a_sentence(
        house, capsys):
    hot = get_profile("mini", temperature=1.0)
    found = find_artefact(hot, "samples/teacher-train.jsonl")
    assert found.read_text() == "shipped"
    said = capsys.readouterr().out
    assert "temperature=0.6 (here 1.0)" in said and said.count("\n") == 1
    assert "run notebook 02" in said
    find_artefact(hot, "plans/some.jsonl")        # are asked for greedily
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("changes, name", [
    ({"epochs": 2}, "ekt-student"), ({"max_new_tokens": 9}, "ekt-student"),
    ({"dataset": "gsm8k"}, "pairs/some.jsonl"),
    ({"epochs": 2}, "figures/one.png")])
def test_another_student_or_task_is_not_taken_for_this_one(
        house, changes, name):
    profile = get_profile("mini", **changes)
    other = get_profile("mini").runs / name
    other.parent.mkdir(exist_ok=True)
    other.write_text("")
    with pytest.raises(FileNotFoundError, match="was made with .* first"):
        find_artefact(profile, name)
    own = profile.runs / name
    own.parent.mkdir(exist_ok=True)
    own.write_text("own")
    assert find_artefact(profile, name) == own


def test_what_is_nowhere_is_one_sentence(house):
    for changes in ({}, {"epochs": 2}):
        with pytest.raises(FileNotFoundError, match="run notebook 03 first"):
            find_artefact(get_profile("mini", **changes), "plans/no.jsonl")


def test_what_is_said_of_a_server_makes_no_other_results():
    plain = get_profile("mini", teacher="https://host.example/v1#m")
    told = get_profile("mini", teacher="https://host.example/v1#m?price=1,2")
    other = get_profile("mini", teacher="https://host.example/v1#n")
    assert told.folder == plain.folder != other.folder
    assert told.teacher.endswith("?price=1,2")
