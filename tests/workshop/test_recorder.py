"""What a teacher said is kept whole, described truly, and replayed."""

import gzip
import re

import pytest

from helpers.execution import Runner
from helpers.plans import PLAN_EXEMPLARS, elicit
from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.sampling import sample
from helpers.teachers import load_teacher
from helpers.teachers.recording import RECORD_TO, Recording
from helpers.workshop import recorder

PROFILE = get_profile("mini", train_problems=7)     # without earlier results
PROBLEMS = load_problems("mini-gsm", "train", limit=4)
PROMPTS = {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
           for p in PROBLEMS}
SETTINGS = ({"n": 3, "temperature": 0.6, "seed": 0},
            {"n": 2, "temperature": 0.2, "seed": 1})


def ask(teacher, prompts=PROMPTS, **asked):
    return sample(teacher, prompts, max_new_tokens=64, progress=False, **asked)


def planned(teacher):
    return elicit(teacher, load_problems("mini-apps", "train", limit=2),
                  "backward", PLAN_EXEMPLARS["mini-apps"], 1, 1,
                  max_new_tokens=96, progress=False)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(folder, what was said with each of the settings, the plans)."""
    folder = tmp_path_factory.mktemp("recorded")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RECORD_TO, str(folder))
        teacher = load_teacher(PROFILE.teacher)
        said = [ask(teacher, **asked) for asked in SETTINGS]
        ask(teacher, {"mine": "Q: none of the data set\n"}, n=1)
        plans = planned(load_teacher(PROFILE.plan_teacher))
    growing, = folder.glob("teacher@*.jsonl")
    with open(growing, "a") as file:
        file.write('{"task_id": "cut off by a ki')
    recorder.finish_recording(folder, PROFILE, "MIT")
    assert not (ROOT / "runs" / PROFILE.folder).exists()
    return folder, said, plans


def file_of(folder, model):
    path, = folder.glob(f"{model}@*.jsonl.gz")
    return path


def test_a_recording_says_all_that_was_said(recorded):
    folder, said, plans = recorded
    assert not list(folder.glob("*.jsonl"))           # all is packed
    replay = load_teacher(str(file_of(folder, "teacher")))
    assert isinstance(replay, Recording)
    for asked, before in zip(SETTINGS, said):
        assert ask(replay, **asked) == before
    assert planned(load_teacher(str(file_of(folder, "plan-teacher")))) == plans
    with pytest.raises(ValueError, match=r"recorded with seed, temperature.*"
                       r"\(0, 0.6, 1.0, 64\).*not \(2, "):
        ask(replay, n=1, temperature=0.6, seed=2)
    with pytest.raises(ValueError, match="2 samples for the prompt"):
        ask(replay, n=3, temperature=0.2, seed=1)


def test_the_card_says_what_is_in_it(recorded):
    folder, said, plans = recorded
    card = (folder / recorder.CARD).read_text()
    assert card.startswith("---\nlicense: MIT\n") and "{" not in card
    at = file_of(folder, "teacher").name
    assert (f"get_profile('mini', teacher='{folder.name}/{at}', "
            f"plan_teacher='{folder.name}/plan-teacher@") in card
    by_id = {p.task_id: p for p in PROBLEMS}
    with Runner() as runner:
        for asked, before in zip(SETTINGS, said):
            passed = [runner.judge(by_id[one.task_id], one.completion).status
                      == "passed" for one in before]
            row = (f"| programs | {asked['seed']} | {asked['temperature']} | "
                   f"1.0 | 64 | 4 | {len(before)} | "
                   f"{100 * sum(passed) / len(passed):.1f} |")
            assert row in card
    assert re.search(r"\| plans, backward \| 0 \| 0.2 \| .* \| 2 \| 2 \| 100.0"
                     r" \|", card) and len(plans) == 2
    assert re.search(r"\| of other questions \| .* \| 1 \| 1 \| - \|", card)


def test_a_second_recording_adds_to_the_first(recorded, monkeypatch):
    folder, said, _ = recorded
    before = gzip.open(file_of(folder, "teacher")).read()
    monkeypatch.setenv(RECORD_TO, str(folder))
    more = ask(load_teacher(PROFILE.teacher), n=5, temperature=0.6, seed=0)
    recorder.see_that_it_is_ours(folder)
    recorder.finish_recording(folder, PROFILE, "MIT")
    replay = load_teacher(str(file_of(folder, "teacher")))
    assert ask(replay, n=5, temperature=0.6, seed=0) == more
    assert ask(replay, **SETTINGS[1]) == said[1]
    after = gzip.open(file_of(folder, "teacher")).read()
    assert len(after.splitlines()) == len(before.splitlines()) + 2 * 4


def test_a_killed_recording_goes_on(tmp_path, monkeypatch):
    """Half a line is left; a damaged one is told, and nothing is lost."""
    monkeypatch.setenv(RECORD_TO, str(tmp_path))
    said = ask(load_teacher(PROFILE.teacher), **SETTINGS[0])
    growing, = tmp_path.glob("*.jsonl")
    whole = growing.read_bytes()
    growing.write_bytes(whole[:-40])                  # killed
    assert ask(load_teacher(PROFILE.teacher), **SETTINGS[0]) == said
    recorder.see_that_it_is_ours(tmp_path)
    growing.write_bytes(b"damaged\n" + growing.read_bytes())
    before = growing.read_bytes()
    with pytest.raises(ValueError, match="line 1 of teacher@"):
        recorder.finish_recording(tmp_path, PROFILE)
    assert growing.read_bytes() == before and len([*tmp_path.iterdir()]) == 1
    growing.write_bytes(before.removeprefix(b"damaged\n"))
    recorder.finish_recording(tmp_path, PROFILE)
    assert ask(load_teacher(str(file_of(tmp_path, "teacher"))),
               **SETTINGS[0]) == said


def test_nothing_of_others_is_touched(tmp_path, capfd):
    theirs = {"notes.txt": "mine", "README.md": "# My project\n",
              "rows.jsonl": '{"question": "?"}\n'}
    for name, text in theirs.items():
        folder = tmp_path / name.replace(".", "-")
        folder.mkdir()
        (folder / name).write_text(text)
        assert recorder.main([str(folder), "00"]) == 2
        assert name in capfd.readouterr().err
        assert (folder / name).read_text() == text
    assert recorder.main([str(folder / "rows.jsonl")]) == 2
    assert "is a file" in capfd.readouterr().err
    assert recorder.main([str(folder / "rows.jsonl" / "new"), "00"]) == 2
    assert "cannot write" in capfd.readouterr().err      # nothing was run
    assert recorder.main([str(tmp_path / "new"), "99"]) == 2
    assert "no notebook '99'" in capfd.readouterr().err
    assert not (tmp_path / "new").exists()


def test_the_licence_of_what_the_hub_does_not_have():
    for name in (PROFILE.teacher, "https://host/v1#model"):
        assert recorder.licence_of(name) == recorder.NO_LICENCE
