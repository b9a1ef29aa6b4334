"""A recording says what the model said, or says clearly that it cannot."""

import gzip
import json

import pytest

from helpers.problems import load_problems
from helpers.prompts import EXEMPLARS, cut_completion, few_shot_prompt
from helpers.sampling import Settings, sample
from helpers.teachers import load_teacher
from helpers.teachers.checkpoint import load_model
from helpers.teachers.recording import Recording

SHIPPED = "data/mini/results/samples/teacher-train.jsonl.gz"
PROBLEMS = load_problems("mini-gsm", split="train", limit=3)
PROMPTS = {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
           for p in PROBLEMS}
AS_SHIPPED = {"temperature": 0.6, "seed": 0, "max_new_tokens": 64,
              "progress": False}


def test_the_shipped_recording_says_what_the_teacher_says(tmp_path):
    teacher = load_model("data/mini/models/teacher")
    replay = load_teacher(SHIPPED)
    assert replay.name == teacher.name
    drawn = sample(teacher, PROMPTS, n=4, **AS_SHIPPED)
    cache = tmp_path / "cache.jsonl"
    assert sample(replay, PROMPTS, n=4, cache=cache, **AS_SHIPPED) == drawn
    # One cache serves both, and each goes on where the other stopped.
    lines = cache.read_text().splitlines(keepends=True)
    cache.write_text("".join(lines[:5]) + lines[5][:20])
    assert sample(teacher, PROMPTS, n=4, cache=cache, **AS_SHIPPED) == drawn
    cache.write_text("".join(lines[:5]))
    assert sample(replay, PROMPTS, n=4, cache=cache, **AS_SHIPPED) == drawn


def test_it_costs_nothing_and_repeats_itself():
    replay = Recording(SHIPPED)
    bill = replay.cost(PROMPTS, 20, 64)
    assert bill["calls"] == 60 and bill["dollars"] == bill["seconds"] == 0
    assert sample(replay, PROMPTS, n=20, **AS_SHIPPED) == sample(
        Recording(SHIPPED), PROMPTS, n=20, **AS_SHIPPED)


def test_a_changed_prompt_is_an_error_that_names_the_task(tmp_path):
    task = PROBLEMS[1].task_id
    changed = PROMPTS | {task: PROMPTS[task] + " "}
    cache = tmp_path / "cache.jsonl"
    with pytest.raises(ValueError, match=rf"no answer to the prompt of {task}"
                       r".*changed.*record anew"):
        sample(Recording(SHIPPED), changed, n=2, cache=cache, **AS_SHIPPED)
    assert not cache.exists()


@pytest.mark.parametrize("change, says", [
    ({"n": 21}, r"20 samples for the prompt of .*, but not number 21"),
    ({"temperature": 1.0}, "with temperature = 0.6, not 1.0"),
    ({"top_p": 0.9}, "with top_p = 1.0, not 0.9"),
    ({"seed": 1}, "with seed = 0, not 1"),
    ({"max_new_tokens": 99}, "with max_new_tokens = 64, not 99")])
def test_what_was_not_recorded_is_not_invented(change, says):
    with pytest.raises(ValueError, match=says + ".*record anew"):
        sample(Recording(SHIPPED), PROMPTS, **{"n": 2, **AS_SHIPPED,
                                               **change})


def test_a_prompt_under_another_task_has_the_same_answers():
    text = PROMPTS[PROBLEMS[0].task_id]
    wanted = {"other/7": (text, [3])}
    (found,), = Recording(SHIPPED).draw(
        wanted, Settings(0, 0.6, 1.0, 64, cut_completion))
    assert (found.task_id, found.sample_index) == ("other/7", 3)


def test_who_wants_weights_is_told_to_take_a_checkpoint():
    replay = Recording(SHIPPED)
    for name in ("model", "tokenizer", "prompt_ids"):
        assert not hasattr(replay, name)
        with pytest.raises(AttributeError, match="needs a checkpoint"):
            getattr(replay, name)


@pytest.mark.parametrize("name", [None, "", " ", 3, ["gone.jsonl"]])
def test_what_is_no_name_is_not_looked_for(name):
    with pytest.raises(ValueError, match="a teacher's name is a text"):
        load_teacher(name)


def test_files_that_are_no_recording(tmp_path):
    with pytest.raises(FileNotFoundError, match="no recording gone.jsonl"):
        load_teacher("gone.jsonl")
    row = json.loads(gzip.open(Recording(SHIPPED).path).readline())
    mixed = tmp_path / "mixed.jsonl"
    mixed.write_text(json.dumps(row) + "\n"
                     + json.dumps(row | {"model": "another"}) + "\n")
    with pytest.raises(ValueError, match="samples of 2 models"):
        Recording(mixed)
    mixed.write_text("")
    with pytest.raises(ValueError, match="0 models"):
        Recording(mixed)
    mixed.write_text('{"question": "?"}\n')
    with pytest.raises(ValueError, match="line 1 of mixed.jsonl is no sample"):
        Recording(mixed)
