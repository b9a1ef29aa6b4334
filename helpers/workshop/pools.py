"""What the runs of all rivals share: models, and samples drawn once."""

import fcntl
from contextlib import contextmanager

from helpers.profiles import ROOT, get_profile
from helpers.teachers.checkpoint import fingerprint

MODELS = "data/mini/models"


def marked(model):
    """A model's name and a fingerprint of its weights."""
    return f"{model}@{fingerprint(ROOT / MODELS / model)}"


@contextmanager
def pool(what, model, seed):
    """A cache file for samples of ``model`` that a seed's rivals share.

    ``what`` they are is part of its name.  It is held by one process at a
    time: the first one samples, the others read.
    """
    folder = get_profile("mini").runs / "results" / "pools"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{what}-{marked(model)}-{seed}.jsonl"
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)         # until it is closed
        yield path


def passes_by_problem(problems, pairs):
    """For each problem the list of what belongs to it, in their order.

    ``pairs``: (something with a ``task_id``, value).
    """
    found = {problem.task_id: [] for problem in problems}
    for item, value in pairs:
        found[item.task_id].append(value)
    return list(found.values())
