"""Attention for a card without FlashAttention, where heads share keys.

In Qwen2 several heads look at the same keys.  Without FlashAttention (a T4
has none) PyTorch's other fast kernel wants a copy of the keys for each head,
and the library either makes it, at every token and in every layer, or falls
back to a slow formula that makes it in 32 bits.  Where one token is added,
neither is needed: the heads that share keys can be its places.
"""

import torch

GROUPED = "sdpa_grouped"


def grouped(module, query, key, value, attention_mask, scaling=None,
            is_causal=None, dropout=0.0, **_):
    """Attention as transformers asks for it; (output, None).

    ``query`` (rows, heads, length, size), ``key`` and ``value`` (rows, fewer
    heads, more, size); the output is (rows, length, heads, size).
    """
    rows, heads, length, size = query.shape
    share = heads // key.shape[1]
    if length == 1:
        query = query.reshape(rows, key.shape[1], share, size)
    else:
        key, value = (part.repeat_interleave(share, dim=1)
                      for part in (key, value))
    if is_causal is None:
        is_causal = getattr(module, "is_causal", True)
    found = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=attention_mask, dropout_p=dropout,
        scale=scaling,
        is_causal=is_causal and length > 1 and attention_mask is None)
    found = found.reshape(rows, heads, length, size)
    return found.transpose(1, 2).contiguous(), None


def attention_for(card, config):
    """The name of the attention for a model, or None: the library's choice.

    ``card`` is a :func:`helpers.gpu.memory.capability`; ``config`` the
    model's.
    """
    shared = (getattr(config, "num_key_value_heads", None) or 0) < (
        getattr(config, "num_attention_heads", 0))
    if card is None or card >= (8, 0) or not shared or (
            config.model_type != "qwen2"):
        return None
    from transformers import AttentionInterface, AttentionMaskInterface
    from transformers.masking_utils import sdpa_mask
    AttentionInterface.register(GROUPED, grouped)
    AttentionMaskInterface.register(GROUPED, sdpa_mask)
    return GROUPED
