"""Counts: how many of a problem's completions are right, and their files.

A count is a whole number from 0 to ``n``, the completions drawn for that
problem.  ``counts`` is everywhere a sequence with one number per problem, or
a dictionary ``{task_id: count}``; the statistics on them are in
:mod:`helpers.evaluation`.
"""

import csv
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.profiles import ROOT

RELEASED = ROOT / "data" / "ekt_gsm8k_test_counts.csv"
RELEASED_N = 100              # completions per problem in that file


def checked(n, c, k):
    """``n``, ``c`` and ``k`` as integer arrays of one common shape.

    Raises ``ValueError`` when a value is not a whole number or does not fit
    the others.  Introduced in notebook 07, section 1.
    """
    n, c, k = np.broadcast_arrays(n, c, k)
    for name, value in (("n", n), ("c", c), ("k", k)):
        if value.size and (value.dtype.kind not in "iuf"
                           or not np.isfinite(value).all()
                           or np.any(value != np.round(value))):
            raise ValueError(f"{name} must hold whole numbers, and it holds "
                             f"{value.flat[0]!r:.40}")
    n, c, k = (value.astype(np.int64) for value in (n, c, k))
    if np.any(k < 1):
        raise ValueError(f"k must be at least 1, not {k.min()}")
    if np.any(c < 0):
        raise ValueError(f"a count of right completions cannot be negative, "
                         f"and one is {c.min()}")
    if np.any(k > n):
        raise ValueError(
            f"pass@{k[k > n][0]} needs at least {k[k > n][0]} completions "
            f"per problem and there are {n[k > n][0]}; draw more or ask for "
            f"a smaller k")
    if np.any(c > n):
        raise ValueError(f"{c[c > n][0]} right completions out of "
                         f"{n[c > n][0]} cannot be; check that n belongs to "
                         f"these counts")
    return n, c, k


def as_array(counts):
    """``counts`` as an array, one number per problem.

    Raises ``ValueError`` when there is none.  Introduced in notebook 07,
    section 1.
    """
    values = counts.values() if hasattr(counts, "values") else counts
    array = np.asarray(list(values))
    if not array.size:
        raise ValueError("there are no counts, so there is nothing to "
                         "average; evaluate at least one problem")
    return array


def same_problems(counts_a, counts_b):
    """Both as arrays, in the same order of problems.

    Dictionaries are matched by task_id, sequences by position.  Raises
    ``ValueError`` when they are about different problems.  Introduced in
    notebook 07, section 5.
    """
    if hasattr(counts_a, "keys") and hasattr(counts_b, "keys"):
        odd = sorted(counts_a.keys() ^ counts_b.keys(), key=str)
        if odd:
            raise ValueError(
                f"a paired comparison needs the same problems on both sides, "
                f"and {odd[0]} is only on one ({len(odd)} such)")
        counts_b = [counts_b[task_id] for task_id in counts_a]
    a, b = as_array(counts_a), as_array(counts_b)
    if len(a) != len(b):
        raise ValueError(f"a paired comparison needs the same problems on "
                         f"both sides, not {len(a)} and {len(b)}")
    return a, b


def count_passed(samples, verdicts):
    """``({task_id: right completions}, n)`` from samples and their verdicts.

    Raises ``ValueError`` when the two do not match one to one, a sample
    comes twice, problems have unequal numbers of completions, or a verdict
    is "infrastructure": that program was not judged, and counting it as
    wrong would be untrue.  Introduced in notebook 07, section 2.
    """
    samples, verdicts = list(samples), list(verdicts)
    if len(samples) != len(verdicts):
        raise ValueError(f"there are {len(samples)} samples and "
                         f"{len(verdicts)} verdicts; judge every sample once")
    passed = {}                              # task_id -> {sample index: bool}
    for one, verdict in zip(samples, verdicts):
        name = f"sample {one.sample_index} of {one.task_id}"
        if verdict.status == "infrastructure":
            raise ValueError(f"{name} was not judged ({verdict.detail}); "
                             f"judge again, finished verdicts are kept")
        of_task = passed.setdefault(one.task_id, {})
        if one.sample_index in of_task:
            raise ValueError(f"{name} comes twice; read each sample once")
        of_task[one.sample_index] = verdict.status == "passed"
    drawn = {task_id: len(of_task) for task_id, of_task in passed.items()}
    n = max(drawn.values(), default=0)
    if any(number != n for number in drawn.values()):
        few = min(drawn, key=drawn.get)
        raise ValueError(f"every problem needs the same number of "
                         f"completions, and {few} has {drawn[few]} where "
                         f"others have {n}; finish the sampling first")
    return {task_id: sum(of_task.values())
            for task_id, of_task in passed.items()}, n


@dataclass(frozen=True)
class Counts:
    """One evaluation: ``counts[task_id]`` right ones out of ``n``.

    ``facts``: what it was made with (temperature, comparator, ...).
    Introduced in notebook 07, section 2.
    """

    name: str
    n: int
    counts: dict
    facts: dict = field(default_factory=dict)


def save_counts(path, name, counts, n, **facts):
    """Write one evaluation as JSON: all of it or nothing.

    Raises as :func:`checked`.  Introduced in notebook 07, section 2.
    """
    path, values = Path(path), as_array(counts)
    checked(n, values, 1)
    record = {"name": name, "n": int(n), "task_ids": list(counts),
              "counts": [int(c) for c in values], **facts}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with open(part, "w", encoding="utf-8") as file:
        json.dump(record, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def load_counts(path):
    """The :class:`Counts` that :func:`save_counts` wrote.

    Raises ``FileNotFoundError``, or ``ValueError`` for a broken file.
    Introduced in notebook 07, section 2.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there are no counts {path.name}; run "
                                f"section 2 of notebook 07 to make them")
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        name, n, task_ids, values = map(
            facts.pop, ("name", "n", "task_ids", "counts"))
        if not len(set(task_ids)) == len(task_ids) == len(values):
            raise ValueError("task_ids and counts do not match one to one")
        checked(n, as_array(values), 1)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise ValueError(
            f"{path.name} is not a whole file of counts ({error}); delete it "
            f"and run section 2 of notebook 07 again") from None
    return Counts(name, n, dict(zip(task_ids, values)), facts)


def load_released(path=RELEASED):
    """``{run: counts}`` of EKT's twelve released GSM8K test runs.

    Arrays of 1,319 problems, right ones out of ``RELEASED_N`` at T = 0.6,
    from the authors' raw outputs (zhangir-azerbayev/ETK, MIT).  Raises
    ``ValueError`` for a broken file.  Introduced in notebook 07, section 6.
    """
    try:
        with open(path, newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
        table = np.array(rows, dtype=int)[:, 1:]
        checked(RELEASED_N, table, 1)
    except (ValueError, IndexError) as error:
        raise ValueError(f"{Path(path).name} is not the table of released "
                         f"counts ({error}); restore it with git") from None
    return dict(zip(header[1:], table.T))
