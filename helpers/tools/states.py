"""The state of a training: on disk, gone on from, put back after an error."""

import hashlib
from contextlib import contextmanager
from pathlib import Path

import torch

from helpers.tools.arguments import see_that_it_is_a_path
from helpers.tools.files import see_that_it_can_be_written, whole_file


def save_state(path, run, weights, optimizer, losses, scaler=None, starts=()):
    """Save a training's state; a kill leaves the old file or the new one.

    ``scaler`` is the factor of the loss in float16, see
    :mod:`helpers.gpu.precision`; ``starts`` is what :func:`resume` gave.
    """
    state = {"run": run, "weights": [w.detach() for w in weights],
             "optimizer": optimizer.state_dict(), "losses": losses,
             "scaler": scaler.state_dict() if scaler else {},
             "starts": list(starts)}
    with whole_file(path) as file:
        torch.save(state, file)


def see_that_it_fits(path, weights):
    """Raises ``OSError`` where :func:`save_state` could not write ``path``."""
    # Each weight, and the two means of it that AdamW keeps.
    see_that_it_can_be_written(path, room=12 * sum(
        weight.numel() for weight in weights))


def resume(path, run, weights, optimizer, scaler=None):
    """Load ``path`` if it is there: (losses so far, marks of the starts).

    ``weights`` are those that the training begins with; they become as wide as
    the saved ones.  Raises ``ValueError`` for a folder, a damaged file, one
    that holds something else, or one of another ``run`` or other first
    weights.  A file's own weights are none other: who runs a finished
    training again has these.
    """
    start = mark(weights)
    if path is None:
        return [], [start]
    see_that_it_is_a_path(path)
    if not Path(path).exists():
        return [], [start]
    if not Path(path).is_file():
        raise ValueError(f"a checkpoint is a file, and {path} is a folder or "
                         f"a device; choose another path")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:                 # whatever torch says of a broken file
        raise ValueError(f"the checkpoint {Path(path).name} is damaged; "
                         f"delete it to train from the start, or choose "
                         f"another file if it is something else") from None
    if not isinstance(state, dict) or not {
            "run", "weights", "optimizer", "losses"} <= state.keys():
        raise ValueError(f"{Path(path).name} is no checkpoint of a training "
                         f"here; choose another file")
    starts = state.get("starts", [])
    if state["run"] != run or not (start in starts or are_equal(
            weights, state["weights"])):
        raise ValueError(f"the checkpoint {Path(path).name} belongs to a "
                         f"training with other data or settings; delete it "
                         f"or choose another file")
    for weight, saved in zip(weights, state["weights"]):
        weight.data = saved.to(weight.device)
    optimizer.load_state_dict(state["optimizer"])
    if scaler and state.get("scaler"):
        scaler.load_state_dict(state["scaler"])
    return state["losses"], list(dict.fromkeys([*starts, start]))


def mark(weights):
    """Sixteen hexadecimal digits of values, however wide they are."""
    digest = hashlib.sha256()
    for weight in weights:
        digest.update(weight.detach().float().cpu().contiguous().numpy())
    return digest.hexdigest()[:16]


def are_equal(weights, saved):
    """Whether ``weights`` are the ``saved`` ones, perhaps in fewer bits."""
    return all(torch.equal(weight.detach().cpu(), other.to(weight.dtype))
               for weight, other in zip(weights, saved, strict=True))


@contextmanager
def put_back_after_errors(model, weights):
    """An error or interrupt within the block undoes what it did to weights.

    So a cell that was stopped may be run again: it goes on from its
    checkpoint, or begins with the same ``weights``.  In any case ``model`` is
    in evaluation mode afterwards.
    """
    kept = [weight.detach().to("cpu", copy=True) for weight in weights]
    try:
        yield
    except BaseException:
        for weight, first in zip(weights, kept):
            weight.data, weight.grad = first.to(weight.device), None
        raise
    finally:
        model.eval()
