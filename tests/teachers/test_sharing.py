"""A prompt's keys kept once: the same numbers as with a copy in each row."""

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from helpers.teachers.checkpoint import load_model
from helpers.teachers.decoding import Reading
from helpers.teachers.sharing import SHARED, SharedLayer, allow_sharing

SIZES = dict(vocab_size=50, hidden_size=48, intermediate_size=64,
             num_hidden_layers=2, num_attention_heads=6, head_dim=8)


def pair(family, groups):
    """One random model twice: sharing prompts, and as the library has it."""
    torch.manual_seed(0)
    models = [AutoModelForCausalLM.from_config(
        AutoConfig.for_model(family, **SIZES, num_key_value_heads=groups),
        attn_implementation=name).eval() for name in (allow_sharing(), "sdpa")]
    models[1].load_state_dict(models[0].state_dict())
    return models


@pytest.mark.parametrize("family", ["llama", "qwen2"])
@pytest.mark.parametrize("groups", [1, 2, 6])
@torch.inference_mode()
def test_every_token_has_the_logits_that_it_has_with_copies(family, groups):
    ids = torch.randint(50, (3, 9))
    shared, copied = readings = [Reading(m, ids) for m in pair(family, groups)]
    assert shared.shared and not copied.shared
    torch.testing.assert_close(shared.logits, copied.logits)
    for reading in readings:
        reading.repeat(9)
    rows = 27
    # A few go, all of the second prompt, all but two, all but one.
    two = [i for i in range(16) if i not in (1, 9)]
    for gone in ([], [0, 3], range(7, 16), [], two, [0]):
        left = torch.tensor([i for i in range(rows) if i not in gone])
        rows = len(left)
        words = torch.randint(50, (rows,))
        for reading in readings:
            reading.keep(left)
        torch.testing.assert_close(shared.next(words), copied.next(words))
    layer = shared.caches[0].layers[0]
    assert layer.prompts[0].shape[0] == len(layer.keys) == rows == 1


@torch.inference_mode()
def test_few_rows_a_prompt_and_padded_prompts():
    ids, words = torch.randint(50, (3, 9)), torch.randint(50, (6,))
    mask = torch.ones_like(ids)
    mask[1, :4] = 0
    for padding in (None, mask):
        shared, copied = [Reading(m, ids, padding) for m in pair("llama", 2)]
        assert shared.shared == (padding is None)
        for reading in (shared, copied):
            reading.repeat(2)
        torch.testing.assert_close(shared.next(words), copied.next(words))


def test_training_and_generate_know_nothing_of_it():
    ids = torch.randint(50, (2, 9))
    found = []
    for model in pair("llama", 2):
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        found.append((loss, model.model.layers[0].self_attn.k_proj.weight.grad,
                      model.generate(ids, attention_mask=torch.ones_like(ids),
                                     do_sample=False, max_new_tokens=5,
                                     pad_token_id=0)))
    for one, other in zip(*found):
        assert torch.equal(one, other)


def test_the_models_of_the_collection_share_on_a_cpu():
    lm = load_model("data/mini/models/student")
    shares = lm.model.config._attn_implementation == SHARED
    assert shares != torch.cuda.is_available()
    if not shares:                          # a card reads each row's copy
        return
    with torch.inference_mode():
        reading = Reading(lm.model, torch.tensor([[5, 6, 7]]))
        reading.repeat(100)
        reading.next(torch.randint(50, (100,)))
    for layer in reading.caches[0].layers:
        assert isinstance(layer, SharedLayer)
        assert layer.prompts[0].shape[0] == 1 and layer.keys.shape[2] == 1
