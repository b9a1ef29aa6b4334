"""Profiles: how one is chosen and changed, and the folder of its runs."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from helpers import profiles
from helpers.profiles import get_profile

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
