"""The mask, the loss, the adapter, and a training that is interrupted."""

import random
import resource
import warnings
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file

from helpers.filtering import Example
from helpers.prompts import zero_shot_prompt
from helpers.teachers.checkpoint import load_model
from helpers.training import (IGNORED, add_lora, batches, collate,
                              completion_loss, encode, encode_all,
                              load_student, save_adapter, train)

EXAMPLES = [Example(f"t/{i}", zero_shot_prompt(f"Ann starts with {i} cups."),
                    f"start = {i}\nanswer = start\n") for i in range(10)]


@pytest.fixture
def student():
    return add_lora(load_model("data/mini/models/student"), rank=4, seed=0)


def trained_weights(lm):
    return torch.cat([w.detach().flatten() for w in lm.model.parameters()
                      if w.requires_grad])


def run(lm, **options):
    return train(lm, EXAMPLES, epochs=2, batch_size=4, peak_rate=1e-2,
                 **options)


def test_completion_and_end_are_trained_and_nothing_else(student):
    tokenizer = student.tokenizer
    encoded = [encode(tokenizer, e) for e in EXAMPLES]
    ids, labels, mask = collate(encoded, tokenizer.eos_token_id)
    for row, example in enumerate(EXAMPLES):
        trained = labels[row] != IGNORED
        text = tokenizer.decode(ids[row][trained])
        assert text == example.completion + tokenizer.eos_token
        seen = tokenizer.decode(ids[row][mask[row].bool() & ~trained])
        assert seen == example.prompt
        assert labels[row][trained].tolist() == ids[row][trained].tolist()


def test_loss_against_a_slow_computation():
    torch.manual_seed(0)
    logits = torch.randn(2, 4, 7)
    labels = torch.tensor([[IGNORED, IGNORED, 3, 5], [IGNORED, 2, 6, IGNORED]])
    terms = []
    for row in range(2):
        for place in range(1, 4):
            wanted = labels[row, place].item()
            if wanted != IGNORED:
                scores = logits[row, place - 1]
                terms.append(torch.logsumexp(scores, 0) - scores[wanted])
    assert completion_loss(logits, labels).item() == pytest.approx(
        (sum(terms) / len(terms)).item(), abs=1e-6)


def test_a_mask_that_covers_everything_is_an_error():
    with pytest.raises(ValueError, match="no token of this batch"):
        completion_loss(torch.zeros(1, 3, 5), torch.full((1, 3), IGNORED))


def test_padding_changes_neither_loss_nor_output(student):
    encoded = [encode(student.tokenizer, e) for e in EXAMPLES[:2]]
    long = encoded[0][0] * 3
    padded = collate(encoded[:1] + [(long, [IGNORED] * len(long))],
                     student.tokenizer.eos_token_id)
    alone = collate(encoded[:1], student.tokenizer.eos_token_id)
    losses = []
    for batch in (padded, alone):
        ids, labels, mask = (part.to(student.model.device) for part in batch)
        logits = student.model(input_ids=ids, attention_mask=mask).logits
        losses.append(completion_loss(logits, labels).item())
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_lora_starts_as_the_model_it_is_added_to(student):
    base = load_model("data/mini/models/student")
    ids = torch.arange(20, device=base.model.device)[None]
    assert torch.equal(student.model(input_ids=ids).logits,
                       base.model(input_ids=ids).logits)
    assert all("lora" in name for name, w in student.model.named_parameters()
               if w.requires_grad)


def test_training_learns_and_is_the_same_after_a_kill(student, tmp_path):
    losses = run(student)
    assert len(losses) == 6 and losses[-1] < losses[0]
    checkpoint = tmp_path / "deep" / "state.pt"
    broken = add_lora(load_model("data/mini/models/student"), rank=4, seed=0)
    run(broken, checkpoint=checkpoint, save_every=1, stop_after=3)
    resumed = add_lora(load_model("data/mini/models/student"), rank=4, seed=0)
    assert run(resumed, checkpoint=checkpoint) == losses
    assert torch.equal(trained_weights(resumed), trained_weights(student))
    again = add_lora(load_model("data/mini/models/student"), rank=4, seed=0)
    assert run(again, checkpoint=checkpoint) == losses      # nothing to do
    assert torch.equal(trained_weights(again), trained_weights(student))


class Stopped(KeyboardInterrupt):
    """The reader's hand on the stop button."""


@contextmanager
def stopped_at(place, step, monkeypatch):
    """Interrupt update number ``step``: before, within or after it is made."""
    real, calls = torch.optim.AdamW.step, []

    def interrupted(self, *given, **named):
        calls.append(None)
        if len(calls) <= step:
            return real(self, *given, **named)
        if place != "before":
            real(self, *given, **named)
        if place == "within":            # some weights have moved, some not
            with torch.no_grad():
                self.param_groups[0]["params"][0].fill_(7.0)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", interrupted)
        with pytest.raises(Stopped):
            yield


@pytest.mark.parametrize("place", ["before", "within", "after"])
@pytest.mark.parametrize("save_every", [2, 50, None])
def test_a_cell_that_was_stopped_may_be_run_again(
        student, tmp_path, monkeypatch, place, save_every):
    """The same model in memory, stopped twice: as if never stopped."""
    start = trained_weights(student)
    losses = run(student)
    wanted = trained_weights(student)
    for first, second in random.Random(place).sample(
            [(a, b) for a in range(6) for b in range(6)], 2):
        path = save_every and tmp_path / f"{first}-{second}.pt"
        options = {"checkpoint": path, "save_every": save_every or 50}
        lm = add_lora(load_model("data/mini/models/student"), rank=4, seed=0)
        with stopped_at(place, first, monkeypatch):
            run(lm, **options)
        assert torch.equal(trained_weights(lm), start)
        assert not lm.model.training
        kept = len(torch.load(path)["losses"]) if (
            path and path.exists()) else 0
        if path and place == "before":
            assert kept == first                  # no update is lost
        if second < 6 - kept:
            with stopped_at(place, second, monkeypatch):
                run(lm, **options)
            assert torch.equal(trained_weights(lm), start)
        assert run(lm, **options) == losses
        assert torch.equal(trained_weights(lm), wanted)


def test_a_finished_cell_may_be_run_again_and_other_starts_are_refused(
        student, tmp_path, monkeypatch):
    options = {"checkpoint": tmp_path / "state.pt"}
    losses = run(student, **options)
    wanted = trained_weights(student)
    before = options["checkpoint"].read_bytes()
    assert run(student, **options) == losses         # from its own weights
    assert torch.equal(trained_weights(student), wanted)
    student = add_lora(student, rank=4, seed=0)      # the cell above it, too
    assert run(student, **options) == losses
    assert torch.equal(trained_weights(student), wanted)
    assert options["checkpoint"].read_bytes() == before
    other = add_lora(load_model("data/mini/models/student"), rank=4, seed=1)
    theirs = trained_weights(other)
    with pytest.raises(ValueError, match="other data or settings"):
        run(other, **options)
    assert torch.equal(trained_weights(other), theirs)
    # Ended early, gone on with in memory, stopped, and run again.
    lm = add_lora(load_model("data/mini/models/student"), rank=4, seed=0)
    options = {"checkpoint": tmp_path / "other.pt"}
    run(lm, stop_after=2, **options)
    with stopped_at("before", 2, monkeypatch):
        run(lm, **options)
    assert run(lm, **options) == losses
    assert torch.equal(trained_weights(lm), wanted)


def test_an_adapter_takes_the_place_of_another(student):
    start = trained_weights(student)
    run(student)
    lm = student
    for again in (student, lm):            # under either name, without a word
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            lm = add_lora(again, rank=4, seed=0)
        assert torch.equal(trained_weights(lm), start)
    base = load_model("data/mini/models/student")
    ids = torch.arange(20, device=base.model.device)[None]
    assert torch.equal(lm.model(input_ids=ids).logits,
                       base.model(input_ids=ids).logits)
    assert not any(name.count("base_layer") > 1
                   for name, _ in lm.model.named_parameters())


def test_a_checkpoint_of_another_run_or_a_broken_one(student, tmp_path):
    checkpoint = tmp_path / "state.pt"
    run(student, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="other data or settings"):
        train(student, EXAMPLES[:5], 2, 4, 1e-2, checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ValueError, match="state.pt is damaged; delete it"):
        run(student, checkpoint=checkpoint)
    for other in ({"a": torch.ones(2)}, torch.ones(2), [1]):
        torch.save(other, checkpoint)
        before = checkpoint.read_bytes()
        with pytest.raises(ValueError, match="state.pt is no checkpoint of"):
            run(student, checkpoint=checkpoint)
        assert checkpoint.read_bytes() == before
    with pytest.raises(ValueError, match="a checkpoint is a file, and"):
        run(student, checkpoint=tmp_path)


def test_a_checkpoint_that_cannot_be_written_is_told_before_an_update(
        student, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr("helpers.training.update", None)     # never called
    with pytest.raises(OSError, match="cannot write .*state.pt .*; what st"):
        run(student, checkpoint=tmp_path / "file" / "state.pt")
    free = SimpleNamespace(free=1000)
    monkeypatch.setattr("shutil.disk_usage", lambda _: free)
    with pytest.raises(OSError, match="state.pt .No space left"):
        run(student, checkpoint=tmp_path / "state.pt")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("made", ["file", "link", "notes", "adapter"])
def test_only_an_adapter_is_replaced(student, tmp_path, made):
    folder, notes = tmp_path / "adapter", tmp_path / "adapter.new"
    notes.mkdir()
    (notes / "notes.txt").write_text("mine")
    folder.write_text("mine") if made == "file" else folder.symlink_to(
        notes) if made == "link" else folder.mkdir()
    if made == "adapter":
        (folder / "adapter_config.json").write_text("{}")
    if made in ("notes", "adapter"):
        (folder / "notes.txt").write_text("mine")
    before = sorted(map(str, tmp_path.rglob("*")))
    with pytest.raises(ValueError, match="; choose a"):
        save_adapter(student, folder, base="x")
    assert sorted(map(str, tmp_path.rglob("*"))) == before
    assert (notes / "notes.txt").read_text() == "mine"


def test_an_adapter_is_written_whole_or_the_old_one_stays(
        student, tmp_path, monkeypatch):
    folder = tmp_path / "adapter"
    folder.mkdir()                                   # empty: may be replaced
    save_adapter(student, folder, base="first")
    save_adapter(student, folder, base="second")
    assert '"second"' in (folder / "adapter_config.json").read_text()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        with pytest.raises(OSError, match="cannot write .*adapter .File too"):
            save_adapter(student, folder, base="third")
        with pytest.raises(OSError, match="cannot write .*state .File too"):
            run(student, checkpoint=tmp_path / "state", stop_after=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert '"second"' in (folder / "adapter_config.json").read_text()
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("change, words", [
    ({"rows": -1}, "rows is a whole"), ({"rows": 0}, "rows is a whole"),
    ({"batch_size": 0}, "batch_size is"), ({"batch_size": 2.5}, "batch_size"),
    ({"epochs": -1}, "epochs is"), ({"epochs": 0}, "updates is a whole"),
    ({"epochs": .01}, "updates is a whole"),
    ({"save_every": 0}, "save_every is"), ({"batch_size": None}, "batch_size"),
    ({"peak_rate": float("nan")}, "peak_rate is above 0"),
    ({"peak_rate": -1e-3}, "peak_rate is above 0"),
    ({"peak_rate": "1e-3"}, "peak_rate is a number"),
    ({"weight_decay": -1}, "weight_decay is a number from 0"),
    ({"weight_decay": "0"}, "weight_decay is a number"),
    ({"examples": None}, "come as a list of Example"),
    ({"examples": EXAMPLES[0]}, "come as a list of Example"),
    ({"examples": [("p", "c")]}, "the texts prompt and completion, not"),
    ({"examples": [Example("t", None, "c")]}, "the texts prompt and compl"),
    ({"examples": iter([])}, "no examples to train on"),
    ({"checkpoint": 5}, "5 is no path"), ({"checkpoint": ""}, "is no path"),
    ({"objective": lambda *_: 0}, "an objective is a function with a title")])
def test_what_would_train_nothing_or_ruin_weights_is_refused(
        student, change, words):
    start = trained_weights(student)
    with pytest.raises(ValueError, match=words):
        train(student, **{"examples": EXAMPLES[:4], "epochs": 1,
                          "batch_size": 2, "peak_rate": 1e-3, **change})
    assert torch.equal(trained_weights(student), start)


def test_to_stop_after_nothing_is_to_train_nothing(student):
    assert run(student, stop_after=0) == []


def test_no_examples_is_one_sentence(student):
    with pytest.raises(ValueError, match="no examples to train on"):
        train(student, [], 1, 4, 1e-2)


def test_the_adapter_is_read_by_peft_and_merges_exactly(student, tmp_path):
    from peft import PeftModel
    run(student)
    save_adapter(student, tmp_path / "adapter",
                 base="data/mini/models/student")
    assert "data/mini/models/student" in (
        tmp_path / "adapter" / "adapter_config.json").read_text()
    ids = torch.arange(20, device=student.model.device)[None]
    wanted = student.model(input_ids=ids).logits
    ours = load_student("data/mini/models/student", tmp_path / "adapter")
    assert torch.allclose(ours.model(input_ids=ids).logits, wanted, atol=1e-4)
    theirs = PeftModel.from_pretrained(
        load_model("data/mini/models/student").model,
        str(tmp_path / "adapter"))
    assert torch.allclose(theirs(input_ids=ids).logits, wanted, atol=1e-5)
    with pytest.raises(FileNotFoundError, match="notebook 05"):
        load_student("data/mini/models/student", tmp_path / "nothing")


@pytest.mark.parametrize("made, says", [
    ("half", "it is damaged"), ("{}", "it is damaged"),
    ("teacher", "it belongs to data/mini/models/student; load that"),
    ("fewer layers", "it belongs to data/mini/models/student; load that")])
def test_an_adapter_that_does_not_fit_is_one_sentence(student, tmp_path, made,
                                                      says):
    save_adapter(student, folder := tmp_path / "adapter",
                 Path("data/mini/models/student"))
    weights = folder / "adapter_model.safetensors"
    if made == "half":
        weights.write_bytes(weights.read_bytes()[:9999])
    if made == "{}":
        (folder / "adapter_config.json").write_text("{}")
    if made == "fewer layers":       # the library would warn, and go on
        tensors = load_file(weights)
        save_file({name: tensor for name, tensor in tensors.items()
                   if ".layers.0." in name}, weights)
    base = "teacher" if made == "teacher" else "student"
    with pytest.raises(ValueError, match=f"adapter cannot be put on.*{says}"
                       ) as error:
        load_student(f"data/mini/models/{base}", folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("rank", [0, 1.5, "4", None, 10 ** 9])
def test_what_is_no_adapter_is_refused(tmp_path, rank):
    lm = load_model("data/mini/models/student")
    with pytest.raises(ValueError, match="rank is a whole number from 1"):
        add_lora(lm, rank)
    with pytest.raises(ValueError, match="no adapter that could be saved"):
        save_adapter(lm, tmp_path / "adapter", "x")
    assert not list(tmp_path.iterdir())


def test_the_masks_and_fractions_of_epochs(student):
    ids, labels = encode(student.tokenizer, EXAMPLES[0])
    everything, targets = encode_all(student.tokenizer, EXAMPLES[0], 90)
    assert everything[:len(ids)] == ids and len(everything) == 90
    assert targets == everything and IGNORED in labels
    assert set(everything[len(ids):]) == {student.tokenizer.eos_token_id}
    assert [len(batches(10, 4, e, 0)) for e in (1, 1.5, 2, 1 / 3)] == [
        3, 4, 6, 1]
    assert batches(10, 4, 1.5, 0) == batches(10, 4, 2, 0)[:4]
    for wrong, says in (((4, 0, 1, 0), "batch_size is"),
                        ((4, "2", 1, 0), "batch_size is"),
                        ((4, 2, 1e30, 0), "epochs is a number from 0"),
                        ((4, 2, None, 0), "epochs is a number"),
                        ((4, 2, 1, [0]), "seed is a whole number")):
        with pytest.raises(ValueError, match=says):
            batches(*wrong)
