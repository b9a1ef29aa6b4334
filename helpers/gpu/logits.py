"""The output layer: another one, or one that never builds all logits.

A model of the Qwen2 family chooses among 151,936 tokens.  The logits of 16
rows of 400 tokens are 3.6 GiB in float32, and their gradient is as large:
more than such a student weighs.  Only completions are trained on, so only
their logits are needed, and those a piece at a time.
"""

from contextlib import contextmanager

import torch
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

IGNORED = -100          # the label of a token that is not trained on
SMALL = 2 ** 23         # as many logits are made at once, and simply
ROOM = 2 ** 25          # of more, so many at a time: 128 MiB in float32
# Their logits are what the output layer gives, with nothing after it.
FAMILIES = ("codegen", "gpt_neo", "gptj", "llama", "qwen2", "t5")


@contextmanager
def using_head(model, head):
    """Within the block the model's output layer is ``head``, if given.

    Introduced in notebook M6.
    """
    own = model.get_output_embeddings()
    if head is not None:
        model.set_output_embeddings(head)
    try:
        yield
    finally:
        model.set_output_embeddings(own)


def too_many(model, places):
    """Whether to make only the logits that count, and those in pieces.

    ``places`` is rows times length, padding included.  Where all logits are
    few, as in the mini world, they are made at once, the plain way that the
    notebooks show.  So does any model of another family than
    :data:`FAMILIES`.
    """
    vocabulary = model.get_output_embeddings().weight.shape[0]
    return (places * vocabulary > SMALL
            and model.config.model_type in FAMILIES)


def trained_only(predicted, wanted):
    """``predicted`` and ``wanted`` at the places that are trained on.

    ``predicted`` (rows, length, size), ``wanted`` (rows, length); returns
    (tokens, size) and (tokens,).  Raises ``ValueError`` if no token is
    trained on: a mask that covers everything looks like training and teaches
    nothing.
    """
    trained = wanted != IGNORED
    if not trained.any():
        raise ValueError("no token of this batch is trained on; look at the "
                         "labels: the prompt must not cover the completion")
    return predicted[trained], wanted[trained]


def loss_in_pieces(model, predict, head=None, tokens=None):
    """Cross-entropy of a batch, in nats per token, with few logits at a time.

    ``predict()`` runs the model and returns (logits, labels) that predict
    the same tokens; here its logits are the hidden states (rows, length,
    width), as the output layer is set aside meanwhile.  That layer, or
    ``head``, is then applied to the places that are trained on, at most
    ``ROOM`` logits at a time; if that takes several pieces, the way back
    makes each anew instead of keeping it.  The sum is divided by ``tokens``,
    by default their number.
    Raises ``ValueError`` if no token is trained on.
    """
    head = head or model.get_output_embeddings()
    with using_head(model, torch.nn.Identity()):
        hidden, wanted = trained_only(*predict())
    size = max(1, ROOM // head.weight.shape[0])
    if len(wanted) <= size:
        total = piece(head, hidden, wanted)
    else:
        total = sum(checkpoint(piece, head, hidden[at:at + size],
                               wanted[at:at + size], use_reentrant=False,
                               preserve_rng_state=False)
                    for at in range(0, len(wanted), size))
    return total / (tokens or len(wanted))


def piece(head, hidden, wanted):
    """The summed cross-entropy of a piece: (tokens, width) and (tokens,)."""
    return cross_entropy(head(hidden).float(), wanted, reduction="sum")
