"""Evaluation: counts, pass@k with its interval, and paired comparisons.

A pass@k is a fraction between 0 and 1.  Intervals are percentile bootstraps
over problems: "what if the test set had held other problems of the same kind?"
They have no width when all problems scored alike; then the test set was too
small or too uniform to tell, it did not make sure.

A count is a whole number from 0 to ``n``, the completions drawn for that
problem.  ``counts`` is everywhere a sequence with one number per problem, or
a dictionary ``{task_id: count}``, or a Series of pandas with such an index.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from helpers.tools.arguments import (each_of, excerpt, plain_number,
                                     see_that_it_is_a_path, whole_numbers)
from helpers.tools.files import reading, write_text


def pass_at_k(n, c, k):
    """The unbiased estimate of pass@k from ``c`` right out of ``n``.

    ``1 - C(n-c, k) / C(n, k)``: the chance that k of the n completions,
    drawn without putting back, hold one that is right (Chen et al. 2021,
    arXiv 2107.03374; EKT uses it).  Integers or arrays that broadcast; a
    float for integers, else an array.  Raises ``ValueError`` for k > n,
    c > n, negatives and what is no whole number.  Introduced in notebook
    07.
    """
    n, c, k = checked(n, c, k)
    all_wrong = np.ones(n.shape)
    for i in range(k.max(initial=0)):
        # i wrong ones have been drawn: n - c - i wrong ones are left of n - i
        draw_wrong = np.maximum(n - c - i, 0) / np.maximum(n - i, 1)
        all_wrong = all_wrong * np.where(i < k, draw_wrong, 1.0)
    return 1.0 - all_wrong if all_wrong.ndim else float(1.0 - all_wrong)


def mean_pass_at_k(counts, n, k):
    """pass@k averaged over the problems, for one k.

    Raises as :func:`pass_at_k`, and for several k, which
    :func:`pass_at_k_curve` takes.
    """
    return float(np.mean(of_each(counts, n, k)))


def of_each(counts, n, k):
    """The pass@k of each problem, an array; ``k`` is the same for all."""
    if whole_numbers("k", k).ndim:
        raise ValueError(f"here k is one number for all problems, not "
                         f"{excerpt(k)}; pass_at_k_curve takes several")
    return pass_at_k(n, as_array(counts), k)


# ------------------------------------------------------------ intervals

def bootstrap_means(values, resamples=10_000, seed=0):
    """Means of ``resamples`` test sets drawn from these problems with repeats.

    ``values``: (problems,) or (problems, columns); returns (resamples,) or
    (resamples, columns).  The columns of a problem are drawn together.
    Raises as :func:`resampler`.  Introduced in notebook 07.
    """
    # Problems with equal scores are interchangeable, so it is enough to
    # draw how often each distinct score comes up.
    rows, repeats = np.unique(values, axis=0, return_counts=True)
    problems = len(values)
    draws = resampler(resamples, seed).multinomial(
        problems, repeats / problems, size=resamples)
    return draws @ rows / problems


def resampler(resamples, seed):
    """The random numbers for so many test sets.

    Raises ``ValueError`` for less than one, for more than ten million,
    which no memory holds, and for a seed below 0.
    """
    plain_number("resamples", resamples, True, 1, 10_000_000)
    if seed is not None:
        plain_number("seed", seed, True, 0)
    return np.random.default_rng(seed)


def middle(means, level=0.95):
    """The two ends of the middle ``level`` of ``means``, along axis 0.

    Raises ``ValueError`` for a level outside 0..1.  Introduced in notebook
    07.
    """
    level = plain_number("level", level, False)
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, for instance "
                         f"0.95, not {level}")
    return np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)


def pass_at_k_interval(counts, n, k, level=0.95, resamples=10_000, seed=0):
    """``(low, high)``: bootstrap interval of the mean pass@k.

    Raises as :func:`pass_at_k`.  Introduced in notebook M8.
    """
    per_problem = of_each(counts, n, k)
    low, high = middle(bootstrap_means(per_problem, resamples, seed), level)
    return float(low), float(high)


def pass_at_k_curve(counts, n, ks, level=0.95, resamples=10_000, seed=0):
    """Arrays ``(mean, low, high)``, one value per k in ``ks``.

    The same resampled test sets serve every k.  Raises as :func:`pass_at_k`.
    Introduced in notebook E2.
    """
    per_problem = pass_at_k(n, as_array(counts)[:, None],
                            whole_numbers("k", ks))
    low, high = middle(bootstrap_means(per_problem, resamples, seed), level)
    return per_problem.mean(axis=0), low, high


# ----------------------------------------------------- paired comparison

def paired_curve(counts_a, counts_b, n, ks, level=0.95, resamples=10_000,
                 seed=0):
    """Arrays ``(difference, low, high)`` of pass@k, a minus b, per k.

    Each problem is its own control: what makes it hard is hard for both and
    drops out.  Raises as :func:`same_problems` and :func:`pass_at_k`.
    """
    a, b = same_problems(counts_a, counts_b)
    ks = whole_numbers("k", ks)
    gain = pass_at_k(n, a[:, None], ks) - pass_at_k(n, b[:, None], ks)
    low, high = middle(bootstrap_means(gain, resamples, seed), level)
    return gain.mean(axis=0), low, high


def paired_interval(counts_a, counts_b, n, k, level=0.95, resamples=10_000,
                    seed=0):
    """``(low, high)`` of the mean difference of pass@k, a minus b.

    What :func:`paired_curve` gives for one k.  Raises as
    :func:`same_problems` and :func:`pass_at_k`.  Introduced in notebook 07.
    """
    a, b = same_problems(counts_a, counts_b)
    gain = of_each(a, n, k) - of_each(b, n, k)
    low, high = middle(bootstrap_means(gain, resamples, seed), level)
    return float(low), float(high)


def _at(ks):
    """Sorted ks in words; only neighbours are joined to a range."""
    runs = []
    for k in ks:
        if runs and k == runs[-1][1] + 1:
            runs[-1][1] = k
        else:
            runs.append([k, k])
    if len(runs) == 1 and runs[0][0] == 1 < runs[0][1]:
        return f"k <= {runs[0][1]}"
    return "k = " + ", ".join(
        f"{a}" if a == b else f"{a}, {b}" if b == a + 1 else f"{a} to {b}"
        for a, b in runs)


def every_k(n):
    """1, 2, ..., n as an array.

    Raises ``ValueError`` for n below 1 and above a million.
    """
    return np.arange(1, plain_number("n", n, True, 1, 10 ** 6) + 1)


def beats_sentence(student_counts, teacher_counts, n, ks=None,
                   student="the student", teacher="its teacher", level=0.95):
    """One sentence: where the student leads, the teacher leads, or neither.

    A side leads at k when the paired interval there holds no zero.  A claim
    "k <= K" tests k = 1, 2, ... in order up to the first failure, so many k
    do not make it easier.  ``ks`` is 1..n unless given.  Raises as
    :func:`paired_curve`.  Introduced in notebook E2.
    """
    ks = np.unique(every_k(n) if ks is None else whole_numbers(
        "k", ks if hasattr(ks, "ndim") or not hasattr(ks, "__iter__")
        else list(ks))).tolist()
    both = same_problems(student_counts, teacher_counts)
    _, low, high = paired_curve(*both, n, ks, level)
    # Rounding can move a difference of exactly zero by 1e-17 or so.
    ahead = [k for k, end in zip(ks, low) if end > 1e-12]
    behind = [k for k, end in zip(ks, high) if end < -1e-12]
    neither = [k for k in ks if k not in ahead and k not in behind]
    text = f"{student} beats {teacher} at {_at(ahead) if ahead else 'no k'}"
    text += f"; {teacher} leads at {_at(behind)}" if behind else ""
    text += f"; undecided at {_at(neither)}" if neither else ""
    return (f"{text[0].upper()}{text[1:]} ({level:.0%} paired intervals, "
            f"{len(both[0])} problems).")


# ------------------------------------------------------------- crossing

def crossing(counts_a, counts_b, n, level=0.95, resamples=10_000, seed=0):
    """``(k, low, high, never)``: the first k at which b is ahead of a.

    ``low`` and ``high`` are the interval of that k over resampled problems.
    ``n + 1`` stands for "not up to k = n": a test set in which b never gets
    ahead counts as a late crossing rather than being left out, and ``never``
    is the share of such test sets.  Raises as :func:`same_problems` and
    :func:`pass_at_k`.  Introduced in notebook M8.
    """
    a, b = same_problems(counts_a, counts_b)
    ks = every_k(n)
    lead = pass_at_k(n, b[:, None], ks) - pass_at_k(n, a[:, None], ks)
    # The first row is the test set as it was.
    leads = np.vstack([lead.mean(axis=0),
                       bootstrap_means(lead, resamples, seed)])
    # Rounding can move a lead of exactly zero by 1e-17 or so.
    ahead = leads > 1e-12
    first = np.where(ahead.any(axis=1), ahead.argmax(axis=1) + 1, n + 1)
    low, high = middle(first[1:], level)
    return (int(first[0]), math.floor(low), math.ceil(high),
            float(np.mean(first[1:] > n)))


# ----------------------------------------------------- counts and their files

def checked(n, c, k):
    """``n``, ``c`` and ``k`` as integer arrays of one common shape.

    Raises ``ValueError`` when a value is not a whole number or does not fit
    the others.
    """
    three = [whole_numbers(*pair) for pair in zip("nck", (n, c, k))]
    try:
        n, c, k = np.broadcast_arrays(*three)
    except ValueError:
        shapes = ", ".join(str(value.shape) for value in three)
        raise ValueError(f"n, c and k do not fit each other: they have the "
                         f"shapes {shapes}") from None
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

    Raises ``ValueError`` when there is none, or something else than one
    number per problem in an order.
    """
    values = getattr(counts, "values", None)
    values = values() if callable(values) else counts    # pandas has an array
    listed = not isinstance(values, (str, bytes, set, frozenset)) and (
        hasattr(values, "__iter__") and getattr(values, "ndim", 1) == 1)
    array = whole_numbers("c", list(values) if listed else 0)
    if array.ndim != 1:
        raise ValueError(f"counts are a list with a number per problem, or "
                         f"{{task_id: number}}, not {excerpt(values)}")
    if not array.size:
        raise ValueError("there are no counts, so there is nothing to "
                         "average; evaluate at least one problem")
    return array


def named_counts(counts):
    """``counts``, as a dictionary where they have names.

    Raises ``ValueError`` for a Series in which a name comes twice.
    """
    if not hasattr(counts, "items"):
        return counts
    as_array(counts)                         # refuses a table
    named = dict(counts.items())
    if len(named) != len(counts):
        raise ValueError("two counts have one name; count each problem once")
    return named


def same_problems(counts_a, counts_b):
    """Both as arrays, in the same order of problems.

    Dictionaries are matched by task_id, sequences by position.  Raises
    ``ValueError`` when they are about different problems.  Introduced in
    notebook M8.
    """
    counts_a, counts_b = map(named_counts, (counts_a, counts_b))
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
    wrong would be untrue.  Introduced in notebook 07.
    """
    samples = list(each_of("samples", samples))
    verdicts = list(each_of("verdicts", verdicts))
    if len(samples) != len(verdicts):
        raise ValueError(f"there are {len(samples)} samples and "
                         f"{len(verdicts)} verdicts; judge every sample once")
    passed = {}                              # task_id -> {sample index: bool}
    for one, verdict in zip(samples, verdicts):
        if not (hasattr(one, "task_id") and hasattr(verdict, "status")):
            raise ValueError(f"samples and their verdicts are counted, in "
                             f"this order, and not {one!r:.40} and "
                             f"{verdict!r:.40}")
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
    """

    name: str
    n: int
    counts: dict
    facts: dict = field(default_factory=dict)


def save_counts(path, name, counts, n, **facts):
    """Write one evaluation, ``{task_id: count}``, as JSON: all or nothing.

    Raises as :func:`checked`, and ``ValueError`` for task_ids that are no
    texts and facts that JSON cannot hold.  Introduced in notebook 07.
    """
    counts, n = named_counts(counts), plain_number("n", n, True, 1)
    values = as_array(counts)
    checked(n, values, 1)
    if not all(isinstance(task_id, str) for task_id in counts):
        raise ValueError("counts are saved by task_id: {task_id: number}")
    if "task_ids" in facts:
        raise ValueError("task_ids are those of the counts, and no fact "
                         "beside them")
    record = {"name": name, "n": n, "task_ids": list(counts),
              "counts": values.tolist(), **facts}
    try:                                     # numbers of numpy become plain
        text = json.dumps(record, default=lambda value: value.tolist())
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"a fact about these counts cannot be saved as JSON "
                         f"({error}); nothing was written") from None
    write_text(path, text)


def load_counts(path):
    """The :class:`Counts` that :func:`save_counts` wrote.

    Raises ``FileNotFoundError``, or ``ValueError`` for a broken file.
    Introduced in notebook M8.
    """
    see_that_it_is_a_path(path)
    path = Path(path)
    try:
        with reading(path, "run notebook 07 to make it") as file:
            facts = json.load(file)
        if not isinstance(facts, dict):
            raise ValueError(f"a {type(facts).__name__} in the place of an "
                             f"object")
        lacks = {"name", "n", "task_ids", "counts"} - facts.keys()
        if lacks:
            raise ValueError(f"{min(lacks)} is missing")
        name, n, task_ids, values = map(
            facts.pop, ("name", "n", "task_ids", "counts"))
        if not (isinstance(task_ids, list) and isinstance(values, list)
                and len(set(task_ids)) == len(task_ids) == len(values)):
            raise ValueError("task_ids and counts do not match one to one")
        checked(plain_number("n", n, True), as_array(values), 1)
    except (ValueError, TypeError, AttributeError,
            RecursionError) as error:
        raise ValueError(
            f"{path.name} is not a whole file of counts ({error}); choose "
            f"another file, or, if notebook 07 made it, delete it and run "
            f"notebook 07 again") from None
    return Counts(name, n, dict(zip(task_ids, values)), facts)


def find_counts(folders, name, n, task_ids, **facts):
    """``{task_id: count}`` of the evaluation ``name``, or None.

    The first of ``folders`` counts that has it in ``counts/``, made with this
    ``n``, these problems and ``facts`` (temperature, fingerprint of the
    weights, ...).  Raises as :func:`load_counts`.  Introduced in notebook 07.
    """
    for folder in each_of("folders", folders):
        see_that_it_is_a_path(folder)
        path = Path(folder) / "counts" / f"{name}.json"
        if path.exists():
            old = load_counts(path)
            if (old.n, list(old.counts), old.facts) == (n, list(task_ids),
                                                        facts):
                return old.counts
    return None
