"""The mini world's models and problems come from their seed alone."""

import random

import pytest

from helpers.teachers.checkpoint import load_model
from helpers.workshop import pretraining, recipes


def test_a_model_is_rebuilt_from_its_seed(tmp_path, monkeypatch):
    small = recipes.Recipe("student", layers=1, width=32,
                               textbook_steps=4, internet_steps=3,
                               examples_per_step=8)
    monkeypatch.setattr(pretraining, "RECIPES", (small,))
    for name in ("one", "two"):
        folder = tmp_path / name
        if name == "two":      # interrupted after five steps
            folder.mkdir()
            tokenizer = recipes.build_tokenizer(3)
            with monkeypatch.context() as patch:
                patch.setattr(pretraining, "accumulate",
                              kill_after(5, pretraining.accumulate))
                with pytest.raises(KeyboardInterrupt):
                    pretraining.pretrain(small, tokenizer, 3, folder /
                                         "student.checkpoint", save_every=1)
        pretraining.main(["--folder", str(folder), "--seed", "3",
                          "--only", "student"])
    for file in ("model.safetensors", "tokenizer.json", "config.json"):
        assert ((tmp_path / "one/models/student" / file).read_bytes()
                == (tmp_path / "two/models/student" / file).read_bytes())
    lm = load_model(str(tmp_path / "one/models/student"))
    assert all(len(lm.tokenizer(f" {n}")["input_ids"]) == 1
               for n in range(100))
    card = (tmp_path / "one/models/student/README.md").read_text()
    assert "seed 3" in card and "tokens read" in card


def kill_after(steps, function):
    calls = []

    def killed(*arguments):
        if len(calls) == steps:
            raise KeyboardInterrupt
        calls.append(None)
        return function(*arguments)
    return killed


def test_the_shipped_benchmark_is_what_the_seed_gives(tmp_path):
    from helpers.profiles import ROOT
    pretraining.write_benchmark(tmp_path, 0)
    files = sorted(tmp_path.rglob("*.jsonl"))
    assert len(files) == 9                 # three tasks, three splits
    for path in files:
        shipped = ROOT / "data/mini/problems" / path.relative_to(tmp_path)
        assert path.read_text() == shipped.read_text()


@pytest.mark.parametrize("arguments, said", [
    (["--seed", "7"], "would take the place of the shipped one"),
    (["--folder", "theirs"], "not of `python -m helpers rebuild-mini`"),
    (["--folder", "theirs/problems/mine"], "is a file; name a folder"),
    (["--folder", "theirs/problems/mine/x"], "cannot write ")])
def test_nothing_of_others_is_replaced(tmp_path, monkeypatch, capsys,
                                       arguments, said):
    (tmp_path / "theirs" / "problems").mkdir(parents=True)
    (tmp_path / "theirs" / "problems" / "mine").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pretraining, "rebuild", None)       # never called
    assert pretraining.main([*arguments, "--only", "benchmark"]) == 2
    told = capsys.readouterr().err
    assert said in told and told.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_an_encoder_decoder_reads_how_replies_begin():
    """Question and reply stay whole; half of the replies are cut at a line."""
    rng, asked, reply = random.Random(0), "QUESTION:\n", "a\nb\nc\n"
    pairs = [pretraining.begun(rng, 0.5, asked, reply) for _ in range(300)]
    assert {read + written for read, written in pairs} == {asked + reply}
    assert {read for read, _ in pairs} == {
        asked, asked + "a\n", asked + "a\nb\n"}
    assert 0.2 < sum(read != asked for read, _ in pairs) / len(pairs) < 0.5
    assert pretraining.begun(rng, 0.0, asked, reply) == (asked, reply)


def test_who_learns_to_write_questions_learns_them_to_the_letter():
    tokenizer = load_model("data/mini/models/student").tokenizer
    pairs = [("# Ann has 2 cups.\n", "answer = 2\n"),
             ("# Ben has 3 pens.\n", "answer = 3\n")]
    ids, labels = pretraining.encode_document(tokenizer, pairs, True)
    assert labels == ids
    assert tokenizer.decode(ids[:-1]) == "\n".join(
        asked + reply for asked, reply in pairs)
    same, replies = pretraining.encode_document(tokenizer, pairs)
    assert same == ids
    assert tokenizer.decode([i for i in replies[:-1] if i >= 0]) == (
        "answer = 2\nanswer = 3\n")
