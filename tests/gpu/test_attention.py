"""On a T4: attention without copies, compared with that of a CPU."""

import torch
from transformers import AutoConfig, AutoModelForCausalLM, DynamicCache

from helpers.gpu.attention import GROUPED, attention_for
from helpers.teachers.families import cache_name


def test_grouped_attention_is_the_same_attention():
    config = AutoConfig.for_model(
        "qwen2", vocab_size=50, hidden_size=48, intermediate_size=64,
        num_hidden_layers=2, num_attention_heads=6, num_key_value_heads=2)
    assert attention_for(None, config) is None
    assert attention_for((8, 0), config) is None
    assert attention_for((7, 5), config) == GROUPED
    config.num_key_value_heads = 6
    assert attention_for((7, 5), config) is None
    config.num_key_value_heads = 2
    torch.manual_seed(0)
    models = [AutoModelForCausalLM.from_config(config,
                                               attn_implementation=name)
              for name in ("sdpa", GROUPED)]
    models[1].load_state_dict(models[0].state_dict())
    ids = torch.randint(50, (3, 9))
    padded = torch.ones_like(ids)
    padded[1, :4] = 0
    for mask in (None, padded):
        places = {} if mask is None else {
            "position_ids": (mask.cumsum(-1) - 1).clamp(min=0)}
        texts = []
        for model in models:
            kept = {cache_name(model): DynamicCache(config=config)}
            first = model(input_ids=ids[:, :8], use_cache=True, **kept, **{
                "attention_mask": mask if mask is None else mask[:, :8]},
                **{k: v[:, :8] for k, v in places.items()})
            then = model(input_ids=ids[:, 8:], attention_mask=mask, **kept,
                         **{k: v[:, 8:] for k, v in places.items()})
            loss = model(input_ids=ids, attention_mask=mask, labels=ids).loss
            loss.backward()
            grad = model.model.layers[0].self_attn.k_proj.weight.grad
            texts.append((first.logits[:, -1], then.logits, loss, grad))
        for one, other in zip(*texts):
            torch.testing.assert_close(one, other)
