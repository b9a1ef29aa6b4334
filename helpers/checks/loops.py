"""A small model, batches for it, and loops with the slips of learners.

For exercise 4 of notebook 05.  The model is not compared with what it was
before the call: to be trained is what it is for.
"""

import torch

from helpers.training import IGNORED, collate, completion_loss


def kept(kind):
    """A subclass of ``kind`` whose copy is itself."""
    return type(kind.__name__, (kind,), {
        "__deepcopy__": lambda self, memo: self})


RATES = [0.02, 0.04, 0.03, 0.02, 0.01]


def small_model(seed=5):
    """A Llama of one layer and 12 words, the same each time."""
    from transformers import LlamaConfig, LlamaForCausalLM
    torch.manual_seed(seed)
    return kept(LlamaForCausalLM)(LlamaConfig(
        vocab_size=12, hidden_size=8, intermediate_size=16,
        num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
        max_position_embeddings=16, tie_word_embeddings=False))


def small_batches(seed=5, number=len(RATES)):
    """Batches of (ids, labels, mask)."""
    source = torch.Generator().manual_seed(seed)

    def row(length):
        ids = torch.randint(2, 12, (length,), generator=source).tolist()
        return ids, [IGNORED] * 2 + ids[2:]
    return [collate([row(5), row(8)], 1) for _ in range(number)]


def trained_with(zero=True, step=True, clip=True, rate=None, decay=0.1):
    """The weights after a loop with slips to choose, as one tensor."""
    model = small_model()
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=decay)
    for (ids, labels, mask), now in zip(small_batches(), RATES):
        optimizer.param_groups[0]["lr"] = rate or now
        if zero:
            optimizer.zero_grad()
        completion_loss(model(input_ids=ids, attention_mask=mask).logits,
                        labels).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        if step:
            optimizer.step()
    return flat(model)


def flat(model):
    """All weights of a model as one tensor."""
    return torch.cat([w.detach().flatten() for w in model.parameters()])


LOOP_SLIPS = {
    "the weights are as before: optimizer.step() is missing, or "
    "zero_grad() stands right before it": {"step": False},
    "the gradients of earlier batches pile up: optimizer.zero_grad() in "
    "each round": {"zero": False},
    "the norm of the gradient is not cut to 1, between backward() and "
    "step()": {"clip": False},
    "the rate stays what AdamW begins with: set it in each round":
        {"rate": 1e-3},
    "the rate stays the first one: set it in each round": {"rate": RATES[0]},
    "the weight decay is AdamW's own; wanted is 0.1": {"decay": 0.01},
    "the weight decay is 0; wanted is 0.1": {"decay": 0.0}}
