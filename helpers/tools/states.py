"""The state of a training on disk, from which it goes on exactly."""

import os
from pathlib import Path

import torch


def save_state(path, run, weights, optimizer, losses, scaler=None):
    """Write beside the file, then rename: a kill leaves one or the other.

    ``scaler`` is the factor of the loss in float16, see
    :mod:`helpers.gpu.precision`.  Introduced in notebook 05, section 4.
    """
    state = {"run": run, "weights": [w.detach() for w in weights],
             "optimizer": optimizer.state_dict(), "losses": losses,
             "scaler": scaler.state_dict() if scaler else {}}
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, f"{path}.new")
    os.replace(f"{path}.new", path)


def resume(path, run, weights, optimizer, scaler=None):
    """Load ``path`` if it is there; the losses so far.

    Raises ``ValueError`` for a damaged file or one of another ``run``.
    Introduced in notebook 05, section 4.
    """
    if path is None or not Path(path).exists():
        return []
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:                 # whatever torch says of a broken file
        raise ValueError(f"the checkpoint {Path(path).name} is damaged; "
                         f"delete it to train from the start") from None
    if state["run"] != run:
        raise ValueError(f"the checkpoint {Path(path).name} belongs to a "
                         f"training with other data or settings; delete it "
                         f"or choose another file")
    with torch.no_grad():
        for weight, saved in zip(weights, state["weights"]):
            weight.copy_(saved)
    optimizer.load_state_dict(state["optimizer"])
    if scaler and state.get("scaler"):
        scaler.load_state_dict(state["scaler"])
    return state["losses"]
