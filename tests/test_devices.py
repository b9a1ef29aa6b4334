"""The card and its memory: what is decided, without a card at hand."""

import re
import weakref

import nbformat
import pytest
import torch

from helpers import profiles
from helpers.gpu.memory import dtype_for, free
from helpers.prompts import as_messages, from_reply, zero_shot_prompt
from helpers.sampling import read_samples, sample
from helpers.teachers import checkpoint
from helpers.teachers.checkpoint import load_model
from helpers.teachers.decoding import complete

PROMPTS = {f"t/{i}": zero_shot_prompt(
    f"Ann starts with {i + 5} shells. On Monday Ann finds 4. How many shells "
    "does Ann have in the end?") for i in range(3)}


@pytest.fixture(scope="module")
def teacher():
    return load_model("data/mini/models/teacher")


@pytest.mark.parametrize("card, parameters, kind, wanted", [
    (None, 7e9, "qwen2", torch.float32),            # a CPU
    ((7, 5), 7e9, "qwen2", torch.float16),          # a T4
    ((7, 0), 7e9, "gptj", torch.float16),
    ((8, 0), 7e9, "qwen2", torch.bfloat16),         # an A100
    ((9, 0), 7e9, "gpt_neo", torch.bfloat16),
    ((12, 0), 7e9, "qwen2", torch.bfloat16),        # no text comparison
    ((7, 5), 7e8, "t5", torch.float32),
    ((9, 0), 7e8, "t5", torch.float32),
    ((9, 0), 7e8, "codet5p", torch.float32),
    ((7, 5), 3e5, "llama", torch.float32)])         # the mini models
def test_the_dtype_goes_by_capability(card, parameters, kind, wanted):
    assert dtype_for(card, parameters, kind) == wanted


def test_the_library_is_never_asked_whether_it_supports_bfloat16():
    """On a T4 it says yes, and emulates it."""
    asked = [path.name for path in (profiles.ROOT / "helpers").rglob("*.py")
             if "is_bf16_supported" in path.read_text()]
    assert not asked


def test_auto_goes_by_the_memory_of_the_card(monkeypatch):
    for gib, name in ((0.0, "mini"), (7.9, "mini"), (14.6, "colab"),
                      (79.0, "colab")):
        monkeypatch.setattr(profiles, "card_gib", lambda gib=gib: gib)
        assert profiles.get_profile("auto").name == name


def test_an_unknown_value_of_a_profile_is_named():
    with pytest.raises(ValueError, match="no value 'test_sample' to change"):
        profiles.get_profile("mini", test_sample=3)


def test_a_freed_model_says_so():
    lm = load_model("data/mini/models/student")
    free(lm)
    free(lm)
    with pytest.raises(ValueError, match="was freed"):
        sample(lm, PROMPTS, n=1, progress=False)


def test_freeing_gives_the_weights_up():
    lm = load_model("data/mini/models/student")
    weight = weakref.ref(lm.model.lm_head.weight)
    assert weight() is not None
    free(lm)
    assert weight() is None


TEACHER = re.compile(r"teacher = load_teacher\(profile|lm(, \w+)? = load\(")
STUDENT = re.compile(r"load_student\(|load_model\(profile|= fresh\(")


@pytest.mark.parametrize("path", sorted(
    (profiles.ROOT / "notebooks").glob("*.ipynb")), ids=lambda p: p.stem)
def test_the_teacher_is_freed_before_a_student_is_loaded(path):
    """But for a distillation, which asks the teacher at every step."""
    resident = False
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        loads = TEACHER.search(cell.source)
        if resident and "distil(teacher" not in cell.source:
            assert not STUDENT.search(cell.source), cell.source
        resident = (resident or bool(loads)) and "free(" not in (
            cell.source[loads.end():] if loads else cell.source)


# ------------------------------------------------------- too little memory

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


# ------------------------------------------------------------- chat models

@pytest.mark.parametrize("reply, program", [
    ("t = 1\nanswer = t\n", "t = 1\nanswer = t\n"),
    ("```python\nanswer = 1\n```", "answer = 1\n"),
    ("Sure! Here it is:\n```python\nanswer = 1\n```\nIt adds.",
     "answer = 1\n"),
    ("```\nanswer = 1\n", "answer = 1\n"),           # cut off in the middle
    ("```python\n```", ""), ("a ``` b\n", "a ``` b\n"), ("", "")])
def test_a_reply_without_its_fences(reply, program):
    assert from_reply(reply) == program


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
