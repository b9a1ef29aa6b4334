"""The card and its memory: what is decided, without a card at hand."""

import weakref

import pytest
import torch

from helpers import profiles
from helpers.gpu.memory import dtype_for, free
from helpers.prompts import zero_shot_prompt
from helpers.sampling import sample
from helpers.teachers.checkpoint import load_model

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
