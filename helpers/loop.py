"""A LoRA layer and a training loop, with nothing around them.

They are what the reader of notebook 05 writes.  :mod:`helpers.training` does
the same through peft, for every layer of a model, and may be interrupted.
"""

import torch


class LoRALinear(torch.nn.Module):
    """A frozen linear layer and a trained update: W x + alpha / rank B A x.

    ``base`` is the layer, with its bias; its weights are frozen in place.
    ``a`` is (rank, in) and random, ``b`` (out, rank) and zero, so at first
    nothing changes.  Introduced in notebook 05.
    """

    def __init__(self, base, rank, alpha):
        super().__init__()
        self.base, self.scale = base.requires_grad_(False), alpha / rank
        self.a = torch.nn.Parameter(torch.randn(rank, base.in_features))
        self.b = torch.nn.Parameter(torch.zeros(base.out_features, rank))

    def forward(self, x):
        """``x`` (..., in) to (..., out)."""
        return self.base(x) + self.scale * (x @ self.a.T) @ self.b.T


def training_loop(model, batches, loss, rates):
    """An update of ``model`` for each batch; the losses, a list of floats.

    ``batches`` are (ids, labels, mask), as
    :func:`helpers.training.collate` makes them, on the model's device;
    ``loss(logits, labels)`` is made small; ``rates`` are the learning rates,
    one a batch.  Only weights that require a gradient are trained.
    Introduced in notebook 05.
    """
    weights = [w for w in model.parameters() if w.requires_grad]
    optimizer = torch.optim.AdamW(weights, weight_decay=0.1)
    losses = []
    for (ids, labels, mask), rate in zip(batches, rates):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        logits = model(input_ids=ids, attention_mask=mask).logits
        now = loss(logits, labels)
        now.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        losses.append(now.item())
    return losses
