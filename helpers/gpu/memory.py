"""The device: what a card computes in, and its memory."""

import gc

import torch

SMALL = 100_000_000     # parameters; below, 16 bits save nothing worth having


def capability():
    """The CUDA compute capability (major, minor) of the card, or None."""
    if not torch.cuda.is_available():
        return None
    return torch.cuda.get_device_capability()


def dtype_for(card, parameters, model_type=""):
    """In which numbers a model of so many ``parameters`` is kept.

    ``card`` is a :func:`capability`.  32 bits on a CPU, for small models, and
    for T5, whose activations leave the range of float16.  Else 16 bits:
    bfloat16 where the card computes in it, from 8.0 on, and float16 below. A
    T4 (7.5) says that it supports bfloat16, but emulates it, slowly.
    """
    if card is None or parameters < SMALL or "t5" in model_type:
        return torch.float32
    return torch.bfloat16 if card >= (8, 0) else torch.float16


def free(*models):
    """Give up the weights of language models, and the memory they took.

    A 16 GB card does not hold a teacher and a student in training side by
    side.  A model that was freed must be loaded again before it is used;
    freeing it twice is harmless.  Introduced in notebook M5.
    """
    for lm in models:
        if "model" in vars(lm):       # a teacher on a server has none here
            lm.model = Freed()
    empty_cache()


class Freed:
    """What is left of a model that was freed: a sentence for who uses it."""

    def __getattr__(self, name):
        raise ValueError("this model was freed to make room for another; "
                         "run the cell that loads it again")


def empty_cache():
    """Hand unused blocks of memory back to the card."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
