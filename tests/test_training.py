"""The mask, the loss, the adapter, and a training that is interrupted."""

import pytest
import torch

from helpers.filtering import Example
from helpers.mini import stories
from helpers.prompts import zero_shot_prompt
from helpers.teachers.checkpoint import load_model
from helpers.training import (IGNORED, add_lora, collate, completion_loss,
                              encode, load_student, save_adapter, train)
from helpers.workshop import pretraining, recipes

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
    losses = [completion_loss(student.model(
        input_ids=ids, attention_mask=mask).logits, labels).item()
        for ids, labels, mask in (padded, alone)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)


def test_lora_starts_as_the_model_it_is_added_to(student):
    base = load_model("data/mini/models/student")
    ids = torch.arange(20)[None]
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


def test_a_checkpoint_of_another_run_or_a_broken_one(student, tmp_path):
    checkpoint = tmp_path / "state.pt"
    run(student, checkpoint=checkpoint)
    with pytest.raises(ValueError, match="other data or settings"):
        train(student, EXAMPLES[:5], 2, 4, 1e-2, checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    with pytest.raises(ValueError, match="state.pt is damaged; delete it"):
        run(student, checkpoint=checkpoint)


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
    ids = torch.arange(20)[None]
    wanted = student.model(input_ids=ids).logits
    ours = load_student("data/mini/models/student", tmp_path / "adapter")
    assert torch.allclose(ours.model(input_ids=ids).logits, wanted, atol=1e-4)
    theirs = PeftModel.from_pretrained(
        load_model("data/mini/models/student").model,
        str(tmp_path / "adapter"))
    assert torch.allclose(theirs(input_ids=ids).logits, wanted, atol=1e-5)
    with pytest.raises(FileNotFoundError, match="notebook 05"):
        load_student("data/mini/models/student", tmp_path / "nothing")


# ------------------------------------------------- the mini world's models

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
                patch.setattr(pretraining, "predict",
                              kill_after(5, pretraining.predict))
                with pytest.raises(KeyboardInterrupt):
                    pretraining.pretrain(small, tokenizer, 3, folder /
                                         "student.checkpoint", save_every=1)
        pretraining.main(["--folder", str(folder), "--seed", "3",
                          "--only", "student"])
    for file in ("model.safetensors", "tokenizer.json", "config.json"):
        assert ((tmp_path / "one/student" / file).read_bytes()
                == (tmp_path / "two/student" / file).read_bytes())
    lm = load_model(str(tmp_path / "one" / "student"))
    assert all(len(lm.tokenizer(f" {n}")["input_ids"]) == 1
               for n in range(100))
    card = (tmp_path / "one/student/README.md").read_text()
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
    assert len(files) == 6                   # two tasks, three splits
    for path in files:
        shipped = ROOT / "data/mini/problems" / path.relative_to(tmp_path)
        assert path.read_text() == shipped.read_text()


def test_answers_of_stories_by_another_road():
    """The answer, recomputed from the words of the question."""
    import random
    words = {"doubles": (2, "*"), "triples": (3, "*"), "halves": (2, "/")}
    rng = random.Random(1)
    for _ in range(300):
        story = stories.draw_story(rng, rng.randint(1, 7), True, 2)
        first, *told = story.question.split(". ")[:-1]
        value, events = int(first.split()[3]), []
        for sentence in told:
            _, day, _, verb, what, *_ = sentence.split()
            place = stories.DAYS.index(day)
            if verb in words:
                events.append((place, *words[verb]))
            for sign, verbs in stories.VERBS.items():
                if verb in verbs:
                    events.append((place, int(what), sign))
        for _, number, sign in sorted(events):
            assert sign != "/" or value % 2 == 0
            value = int(eval(f"{value} {sign} {number}"))
            assert 0 <= value <= stories.LARGEST
        assert value == story.answer
        assert len(events) == len(story.events)


def test_a_careful_author_is_right_and_a_careless_one_is_not_always():
    import random
    rng = random.Random(2)
    right = {0.0: 0, 0.3: 0}
    for _ in range(300):
        story = stories.draw_story(rng, 3, True, 1)
        for error in right:
            scope = {}
            exec(stories.write_program(
                rng, story, stories.Author("days", error)), scope)
            right[error] += scope["answer"] == story.answer
    assert right[0.0] == 300
    assert 60 < right[0.3] < 200
