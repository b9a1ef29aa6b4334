"""One update of the weights, in the numbers that the card is quick in.

A student's frozen weights are loaded in 32 or 16 bits (see
:func:`helpers.gpu.memory.dtype_for`); what is trained is in 32 bits always, as
small updates vanish in 16.  In 16 bits the forward pass runs under autocast.
float16, all that a T4 has, ends at 65,504 and loses what is below 6e-8:
there the loss is multiplied by a large factor, so that small gradients
survive, and the gradient is divided by it before it is used.
"""

from contextlib import contextmanager

import torch

from helpers.gpu.memory import empty_cache

HALF = (torch.float16, torch.bfloat16)


def widen(weights):
    """Put the trained ``weights`` into 32 bits, in place.

    peft has done so with adapters; a plan head begins as a copy of a layer
    that may be 16 bits wide.
    """
    for weight in weights:
        if weight.dtype in HALF:
            weight.data = weight.data.float()


def computes_in(model):
    """The 16-bit type that training computes in, or None for 32 bits.

    It is the type of the frozen weights, so that the choice is made once,
    when the model is loaded; T5 comes in 32 bits and stays there.
    """
    found = {weight.dtype for weight in model.parameters()
             if not weight.requires_grad}
    return next((dtype for dtype in HALF if dtype in found), None)


@contextmanager
def autocast(model):
    """Within the block ``model`` computes in :func:`computes_in` its type.

    peft would make the inputs of adapters 32 bits wide first and autocast
    narrow again, once a layer: the same numbers, but a copy of every input
    that is kept for the way back.
    """
    dtype = computes_in(model)
    if dtype is None:
        yield
        return
    from peft.helpers import disable_input_dtype_casting
    with torch.autocast(model.device.type, dtype):
        with disable_input_dtype_casting(model):
            yield


def make_scaler(model):
    """The factor of the loss: 65,536 in float16, at first, and none else."""
    return torch.amp.GradScaler(
        model.device.type, enabled=computes_in(model) == torch.float16)


def update(optimizer, scaler, rate, gradients):
    """One update at the learning ``rate``; what ``gradients()`` returned.

    ``gradients()`` adds the gradient of the loss, multiplied by the scaler's
    factor, to the weights.  Its norm is cut to 1.  Where the gradient
    overflowed, the scaler has halved its factor and the batch is done again:
    no batch is lost, and an update is always an update.  Returns None, with
    all weights as they were, if the memory of the card was too small for
    ``gradients``.  Raises ``FloatingPointError`` if no factor helps and
    ``MemoryError`` if the optimiser itself does not fit.
    """
    weights = [w for group in optimizer.param_groups for w in group["params"]]
    for group in optimizer.param_groups:
        group["lr"] = rate
    while True:
        optimizer.zero_grad()
        told = unless_full(gradients)
        if told is None:
            optimizer.zero_grad()
            empty_cache()
            return None
        scaler.unscale_(optimizer)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        factor = scaler.get_scale()
        if unless_full(lambda: scaler.step(optimizer) or True) is None:
            raise MemoryError("the card's memory is too small for the state "
                              "of the optimiser; train fewer weights: lower "
                              "profile.lora_rank")
        scaler.update()
        if scaler.get_scale() >= factor:
            return told
        if factor < 1:
            raise FloatingPointError(
                "the loss or its gradient is not a number in float16, "
                "whatever it is scaled by; lower the learning rate, or train "
                "a model that is loaded in 32 bits")


def unless_full(work):
    """What ``work()`` returns, or None if the card's memory ran out in it.

    The error itself must be gone before anything else is done: its traceback
    holds on to all that the failed forward pass had made.
    """
    try:
        return work()
    except torch.OutOfMemoryError:
        return None


def memory_error(step, what, knobs, checkpoint):
    """The sentence for a training that does not fit, as an error to raise.

    ``what`` was done at a time; ``knobs`` says what to turn.
    """
    kept = (f"; the {step} updates before it are kept, and a second call "
            f"goes on from there" if checkpoint and step else "")
    return MemoryError(f"the card's memory is too small for {what} in "
                       f"update {step + 1}; {knobs}{kept}")
