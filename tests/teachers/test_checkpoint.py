"""A teacher with weights: how it is loaded, named, asked and made to fit."""

import json
from pathlib import Path

import pytest
import torch

from helpers.profiles import ROOT
from helpers.prompts import as_messages, zero_shot_prompt
from helpers.sampling import read_samples, sample
from helpers.teachers import checkpoint
from helpers.teachers.checkpoint import LanguageModel, load_model
from helpers.teachers.decoding import complete

PROMPTS = {f"t/{i}": zero_shot_prompt(
    f"Ann starts with {i + 5} shells. On Monday Ann finds 4. How many shells "
    "does Ann have in the end?") for i in range(3)}


@pytest.fixture(scope="module")
def teacher():
    return load_model("data/mini/models/teacher")


def draw(lm, cache=None, n=4, prompts=PROMPTS, **options):
    return sample(lm, prompts, n=n, max_new_tokens=24, cache=cache,
                  progress=False, **options)


def test_another_architecture_and_tokenizer(tmp_path):
    """GPT-Neo, as in EKT: learned positions, token 0 is not the end."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import (GPTNeoConfig, GPTNeoForCausalLM,
                              PreTrainedTokenizerFast)
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    core = Tokenizer(models.BPE({c: i for i, c in enumerate(
        letters + ["<|endoftext|>"])}, []))
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core,
                                        eos_token="<|endoftext|>")
    torch.manual_seed(0)
    GPTNeoForCausalLM(GPTNeoConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_layers=2, num_heads=4,
        attention_types=[[["global", "local"], 1]], window_size=8,
        intermediate_size=64, max_position_embeddings=256,
        eos_token_id=256, bos_token_id=256)).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    lm = load_model(str(tmp_path))
    rows = draw(lm, n=3)
    ids = tokenizer(PROMPTS["t/0"], return_tensors="pt")["input_ids"].to(
        lm.model.device)
    greedy = draw(lm, n=1, temperature=0)[0].completion
    wanted = lm.model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False,
        max_new_tokens=24, pad_token_id=256)[0, ids.shape[1]:]
    assert len(rows) == 9
    assert tokenizer.decode(wanted).startswith(greedy.rstrip("\n"))


def test_a_missing_or_broken_checkpoint_is_one_sentence(tmp_path):
    with pytest.raises(FileNotFoundError, match="it is no folder here"):
        load_model("data/mini/models/nobody")
    folder = tmp_path / "teacher"
    folder.mkdir()
    for path in (ROOT / "data/mini/models/teacher").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])
    with pytest.raises(FileNotFoundError, match="rebuild-mini") as error:
        load_model(str(folder))
    assert "\n" not in str(error.value)


def copied(folder):
    folder.mkdir()
    for path in (ROOT / "data/mini/models/teacher").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def told(folder, **config):
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))


def an_adapter(folder):
    (folder / "config.json").unlink()
    (folder / "adapter_config.json").write_text(
        '{"base_model_name_or_path": "some/base"}')


def with_code(folder):
    told(folder, model_type="odd", auto_map={"AutoConfig": "odd.Odd"})
    (folder / "odd.py").write_text("raise SystemExit('it ran')")


def without_a_head(folder):
    told(folder, tie_word_embeddings=False)


@pytest.mark.parametrize("change, says", [
    (an_adapter, "an adapter of some/base; load it with .*load_student"),
    (with_code, "code of its own, which is not run"),
    (without_a_head, "no weights for a part of it.*lm_head"),
    (lambda folder: told(folder, model_type="vit"), "no model that continues"),
    (lambda folder: told(folder, model_type="qwen99"), "newer than"),
    (lambda folder: (folder / "m.gguf").touch() or (
        folder / "config.json").unlink(), "GGUF.*serve it")])
def test_what_is_no_checkpoint_of_ours_is_named(tmp_path, change, says,
                                                monkeypatch):
    """Without a question, which would wait for an answer in a kernel."""
    monkeypatch.setattr("builtins.input", lambda *_: 1 / 0)
    folder = copied(tmp_path / "odd")
    change(folder)
    with pytest.raises(FileNotFoundError, match=says) as error:
        load_model(str(folder))
    assert "\n" not in str(error.value)


def test_a_tokenizer_of_another_model_is_named(tmp_path):
    lm = load_model("data/mini/models/teacher")
    lm.model.resize_token_embeddings(300)
    with pytest.raises(ValueError, match="do not belong together"):
        draw(lm)


def test_the_name_tells_the_weights(teacher, tmp_path):
    for path in (ROOT / "data/mini/models/teacher").iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    copy = load_model(str(tmp_path))
    assert copy.name.split("@")[1] == teacher.name.split("@")[1]
    with torch.no_grad():
        next(copy.model.parameters()).add_(1)
    copy.model.save_pretrained(tmp_path)
    changed = load_model(str(tmp_path))
    assert isinstance(changed, LanguageModel)
    assert changed.name.split("@")[1] != teacher.name.split("@")[1]


def test_cost_is_told_before(teacher):
    bill = teacher.cost(PROMPTS, 10, 24)
    assert bill["calls"] == 30 and bill["new_tokens"] == 720
    assert bill["prompt_tokens"] == sum(
        len(teacher.tokenizer(p)["input_ids"]) for p in PROMPTS.values())
    assert bill["seconds"] > 0


# ---- prompts of several lengths ----

MANY = {**PROMPTS, **{f"long/{i}": zero_shot_prompt(
    "On Friday Bob reads 7 pages. " * (i + 1) + "Bob starts with 9 pens. On "
    "Monday Bob loses 4. How many pens does Bob have in the end?")
    for i in range(3)}}


@pytest.mark.parametrize("name", ["teacher", "plan-student-t5"])
def test_padded_prompts_are_read_as_if_alone(name, monkeypatch):
    """Prompts of all lengths share a batch: on a card always, on a CPU where
    each has few samples."""
    lm = load_model(f"data/mini/models/{name}")
    calls, sliced = [], checkpoint.batches_of

    def noted(*arguments, **options):
        found = sliced(*arguments, **options)
        calls.append([len(ids) for batch in found[:1] for _, ids, _ in batch])
        return found
    monkeypatch.setattr(checkpoint, "batches_of", noted)
    mixed = draw(lm, prompts=MANY, n=5)
    assert len(set(calls[0])) > 3 and calls[0] == sorted(calls[0])[::-1]
    assert draw(lm, prompts=MANY, n=5, sequences=12) == mixed
    monkeypatch.setattr(checkpoint, "FEW", 4)
    assert draw(lm, prompts=MANY, n=5) == mixed
    assert len(set(calls[-1])) == 1


# ---- too little memory ----

def small_card(rows):
    """As :func:`complete` on a card that holds so many sequences."""
    sizes = []

    def decode(lm, ids, uniform, *rest):
        sizes.append(len(uniform))
        if len(uniform) > rows:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return complete(lm, ids, uniform, *rest)
    return decode, sizes


def test_sampling_halves_what_does_not_fit(teacher, tmp_path, monkeypatch,
                                           capsys):
    whole = sample(teacher, PROMPTS, n=8, max_new_tokens=24, progress=False)
    decode, sizes = small_card(rows=6)
    monkeypatch.setattr(checkpoint, "complete", decode)
    cache = tmp_path / "samples.jsonl"
    assert sample(teacher, PROMPTS, n=8, max_new_tokens=24, cache=cache,
                  progress=False) == whole
    assert sum(size > 6 for size in sizes) == 2      # 24 and 8; then never
    assert sum(size for size in sizes if size <= 6) == 24
    assert len(read_samples(cache)) == 24
    assert "going on with 4" in capsys.readouterr().out


def test_nothing_fits_is_one_sentence_and_loses_nothing(
        teacher, tmp_path, monkeypatch):
    cache = tmp_path / "samples.jsonl"
    first = dict(list(PROMPTS.items())[:1])
    sample(teacher, first, n=2, max_new_tokens=24, cache=cache,
           progress=False)
    before = cache.read_bytes()
    monkeypatch.setattr(checkpoint, "complete", small_card(rows=0)[0])
    with pytest.raises(MemoryError, match="not even one completion") as told:
        sample(teacher, PROMPTS, n=2, max_new_tokens=24, cache=cache,
               progress=False)
    assert "\n" not in str(told.value)
    assert cache.read_bytes() == before


def test_a_model_that_does_not_fit_is_one_sentence(monkeypatch):
    from transformers import AutoModelForCausalLM

    def full(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory.")
    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", full)
    with pytest.raises(MemoryError, match="free other models"):
        load_model("data/mini/models/student")


# ---- chat models ----

def test_a_chat_model_sees_its_template(teacher, tmp_path):
    teacher.model.save_pretrained(tmp_path)
    teacher.tokenizer.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="has no chat template"):
        load_model(str(tmp_path), chat=True)
    teacher.tokenizer.chat_template = (
        "{{ messages[1]['content'] }}{% if add_generation_prompt %}"
        "# Go.\n{% endif %}")
    teacher.tokenizer.save_pretrained(tmp_path)
    teacher.tokenizer.chat_template = None
    lm = load_model(str(tmp_path), chat=True)
    text = PROMPTS["t/0"]
    assert as_messages(text)[1]["content"] == text
    assert lm.prompt_ids(text) == teacher.prompt_ids(text + "# Go.\n")
    # What is cut is the text, not the template around it.
    cut = lm.tokenizer.decode(lm.prompt_ids(text, most=9))
    assert cut.endswith("# Go.\n")
    assert cut == lm.tokenizer.decode(teacher.prompt_ids(text)[-9:]
                                      + teacher.prompt_ids("# Go.\n"))
    assert lm.name.endswith("-chat")
    assert lm.name.split("-chat")[0] == f"{tmp_path.name}@" + (
        teacher.name.split("@")[1])
    assert len(sample(lm, PROMPTS, n=2, max_new_tokens=8,
                      progress=False)) == 6


def test_four_bits_load_on_a_cpu_too():
    pytest.importorskip("bitsandbytes")
    lm = load_model("data/mini/models/teacher", four_bit=True)
    kinds = {type(layer).__name__ for layer in lm.model.modules()}
    assert "Linear4bit" in kinds and lm.name.endswith("-nf4")
    rows = sample(lm, PROMPTS, n=2, max_new_tokens=24, progress=False)
    assert any("start" in row.completion for row in rows)


@pytest.mark.parametrize("name", [None, "", 3, b"data", ["a", "b"]])
def test_what_is_no_name_of_a_model_is_one_sentence(name):
    with pytest.raises(ValueError, match="is no path of a file; give a text"):
        load_model(name)


def test_a_path_is_a_name_too(teacher):
    assert load_model(Path("data/mini/models/teacher")).name == teacher.name
    with pytest.raises(FileNotFoundError) as error:
        load_model(Path("data/mini/models/nobody"))
    assert "\n" not in str(error.value)


def test_four_bits_without_bitsandbytes_is_one_sentence(monkeypatch):
    import importlib.util
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install bitsandbytes"):
        load_model("data/mini/models/teacher", four_bit=True)


def test_every_end_mark_of_a_model_ends_a_text(teacher):
    """Qwen's chat models end with one of two."""
    from helpers.teachers.checkpoint import LanguageModel
    from helpers.teachers.decoding import close
    lm = LanguageModel("two ends", teacher.model, teacher.tokenizer)
    row, = teacher.tokenizer(["a = 3\nb = 7\n"])["input_ids"]
    assert close(lm, row) == ("a = 3\nb = 7\n", "length")
    other = row[-2]                                  # the 7
    config = teacher.model.generation_config
    before, config.eos_token_id = config.eos_token_id, [
        teacher.tokenizer.eos_token_id, other]
    try:
        lm = LanguageModel("two ends", teacher.model, teacher.tokenizer)
        assert close(lm, row) == ("a = 3\nb =\n", "stop")
    finally:
        config.eos_token_id = before
