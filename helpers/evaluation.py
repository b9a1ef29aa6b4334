"""Evaluation: pass@k from counts, with intervals and paired comparisons.

A pass@k is a fraction between 0 and 1.  Intervals are percentile bootstraps
over problems: "what if the exam had held other problems of the same kind?"
They have no width when all problems scored alike; then the exam was too
small or too uniform to tell, it did not make sure.
"""

import math

import numpy as np

# The data side of this module is in a file of its own; these names belong to
# both.
from helpers.counts import (  # noqa: F401
    RELEASED_N, Counts, as_array, checked, count_passed, load_counts,
    load_released, same_problems, save_counts)


def pass_at_k(n, c, k):
    """The unbiased estimate of pass@k from ``c`` right out of ``n``.

    ``1 - C(n-c, k) / C(n, k)``: the chance that k of the n completions,
    drawn without putting back, hold one that is right (Chen et al. 2021,
    arXiv 2107.03374; EKT uses it).  Integers or arrays that broadcast; a
    float for integers, else an array.  Raises ``ValueError`` for k > n,
    c > n and negatives.  Introduced in notebook 07, section 1.
    """
    n, c, k = checked(n, c, k)
    all_wrong = np.ones(n.shape)
    for i in range(k.max(initial=0)):
        # i wrong ones have been drawn: n - c - i wrong ones are left of n - i
        draw_wrong = np.maximum(n - c - i, 0) / np.maximum(n - i, 1)
        all_wrong = all_wrong * np.where(i < k, draw_wrong, 1.0)
    return 1.0 - all_wrong if all_wrong.ndim else float(1.0 - all_wrong)


def mean_pass_at_k(counts, n, k):
    """pass@k averaged over the problems.  Raises as :func:`pass_at_k`.

    Introduced in notebook 07, section 1.
    """
    return float(np.mean(pass_at_k(n, as_array(counts), k)))


# ------------------------------------------------------------ intervals

def bootstrap_means(values, resamples=10_000, seed=0):
    """Means of ``resamples`` exams drawn from these problems with repeats.

    ``values``: (problems,) or (problems, columns); returns (resamples,) or
    (resamples, columns).  The columns of a problem are drawn together.
    Introduced in notebook 07, section 3.
    """
    # Problems with equal scores are interchangeable, so it is enough to
    # draw how often each distinct score comes up.
    rows, repeats = np.unique(values, axis=0, return_counts=True)
    problems = len(values)
    draws = np.random.default_rng(seed).multinomial(
        problems, repeats / problems, size=resamples)
    return draws @ rows / problems


def middle(means, level=0.95):
    """The two ends of the middle ``level`` of ``means``, along axis 0.

    Raises ``ValueError`` for a level outside 0..1.  Introduced in notebook
    07, section 3.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, for instance "
                         f"0.95, not {level}")
    return np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)


def pass_at_k_interval(counts, n, k, level=0.95, resamples=10_000, seed=0):
    """``(low, high)``: bootstrap interval of the mean pass@k.

    Raises as :func:`pass_at_k`.  Introduced in notebook 07, section 3.
    """
    per_problem = pass_at_k(n, as_array(counts), k)
    low, high = middle(bootstrap_means(per_problem, resamples, seed), level)
    return float(low), float(high)


def pass_at_k_curve(counts, n, ks, level=0.95, resamples=10_000, seed=0):
    """Arrays ``(mean, low, high)``, one value per k in ``ks``.

    The same resampled exams serve every k.  Raises as :func:`pass_at_k`.
    Introduced in notebook 07, section 4.
    """
    per_problem = pass_at_k(n, as_array(counts)[:, None], np.asarray(ks))
    low, high = middle(bootstrap_means(per_problem, resamples, seed), level)
    return per_problem.mean(axis=0), low, high


# ----------------------------------------------------- paired comparison

def paired_curve(counts_a, counts_b, n, ks, level=0.95, resamples=10_000,
                 seed=0):
    """Arrays ``(difference, low, high)`` of pass@k, a minus b, per k.

    Each problem is its own control: what makes it hard is hard for both and
    drops out.  Raises as :func:`same_problems` and :func:`pass_at_k`.
    Introduced in notebook 07, section 5.
    """
    a, b = same_problems(counts_a, counts_b)
    ks = np.asarray(ks)
    gain = pass_at_k(n, a[:, None], ks) - pass_at_k(n, b[:, None], ks)
    low, high = middle(bootstrap_means(gain, resamples, seed), level)
    return gain.mean(axis=0), low, high


def paired_interval(counts_a, counts_b, n, k, level=0.95, resamples=10_000,
                    seed=0):
    """``(low, high)`` of the mean difference of pass@k, a minus b.

    :func:`paired_curve` for one k.  Introduced in notebook 07, section 5.
    """
    _, low, high = paired_curve(counts_a, counts_b, n, [k], level, resamples,
                                seed)
    return float(low[0]), float(high[0])


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


def beats_sentence(student_counts, teacher_counts, n, ks=None,
                   student="the student", teacher="its teacher", level=0.95):
    """One sentence: where the student leads, the teacher leads, or neither.

    A side leads at k when the paired interval there holds no zero.  A claim
    "k <= K" tests k = 1, 2, ... in order up to the first failure, so many k
    do not make it easier.  ``ks`` is 1..n unless given.  Raises as
    :func:`paired_curve`.  Introduced in notebook 07, section 5.
    """
    ks = sorted(set(range(1, n + 1) if ks is None else map(int, ks)))
    _, low, high = paired_curve(student_counts, teacher_counts, n, ks, level)
    # Rounding can move a difference of exactly zero by 1e-17 or so.
    ahead = [k for k, end in zip(ks, low) if end > 1e-12]
    behind = [k for k, end in zip(ks, high) if end < -1e-12]
    neither = [k for k in ks if k not in ahead and k not in behind]
    text = f"{student} beats {teacher} at {_at(ahead) if ahead else 'no k'}"
    text += f"; {teacher} leads at {_at(behind)}" if behind else ""
    text += f"; undecided at {_at(neither)}" if neither else ""
    return (f"{text[0].upper()}{text[1:]} ({level:.0%} paired intervals, "
            f"{len(student_counts)} problems).")


# ------------------------------------------------------- several seeds

def verdict_word(low, high, bar=0.0):
    """"agree", "disagree" or "undecided" with: it is more than ``bar``.

    ``low`` and ``high`` are the ends of an interval.  Introduced in notebook
    05, section 9.
    """
    return "agree" if low > bar else "disagree" if high < bar else "undecided"


def over_seeds(scores, against=None, level=0.95, resamples=10_000, seed=0):
    """``(mean, low, high)`` over seeds *and* problems.

    ``scores``: (seeds, problems), each row one run on the same problems, for
    instance ``pass_at_k(n, counts, k)``.  With ``against``, a table of the
    same shape, it is the paired difference, seed by seed and problem by
    problem.  Both directions are resampled at once.  A bootstrap of S seeds
    is too narrow by the factor sqrt((S - 1) / S), so seeds are first moved
    apart by as much.  Raises ``ValueError`` for fewer than two seeds or
    unequal tables.  Introduced in notebook 05, section 8.
    """
    table = np.asarray(scores, dtype=float)
    if against is not None:
        if np.shape(against) != table.shape:
            raise ValueError(f"a paired comparison needs the same seeds and "
                             f"problems, not tables of {table.shape} and "
                             f"{np.shape(against)}")
        table = table - against
    seeds, problems = table.shape
    if seeds < 2:
        raise ValueError("one run says nothing about other seeds; run at "
                         "least two")
    usual = table.mean(axis=0)
    apart = usual + (table - usual) * np.sqrt(seeds / (seeds - 1))
    rng = np.random.default_rng(seed)
    which = rng.multinomial(seeds, np.full(seeds, 1 / seeds), resamples)
    what = rng.multinomial(problems, np.full(problems, 1 / problems),
                           resamples)
    means = ((which @ apart) * what).sum(axis=1) / seeds / problems
    low, high = middle(means, level)
    return float(table.mean()), float(low), float(high)


# ------------------------------------------------------------- crossing

def crossing(counts_a, counts_b, n, level=0.95, resamples=10_000, seed=0):
    """``(k, low, high, never)``: the first k at which b is ahead of a.

    ``low`` and ``high`` are the interval of that k over resampled problems.
    ``n + 1`` stands for "not up to k = n": an exam in which b never gets
    ahead counts as a late crossing rather than being left out, and ``never``
    is the share of such exams.  Raises as :func:`same_problems` and
    :func:`pass_at_k`.  Introduced in notebook 07, section 8.
    """
    a, b = same_problems(counts_a, counts_b)
    ks = np.arange(1, n + 1)
    lead = pass_at_k(n, b[:, None], ks) - pass_at_k(n, a[:, None], ks)
    # The first row is the exam as it was.
    exams = np.vstack([lead.mean(axis=0),
                       bootstrap_means(lead, resamples, seed)])
    # Rounding can move a lead of exactly zero by 1e-17 or so.
    ahead = exams > 1e-12
    first = np.where(ahead.any(axis=1), ahead.argmax(axis=1) + 1, n + 1)
    low, high = middle(first[1:], level)
    return (int(first[0]), math.floor(low), math.ceil(high),
            float(np.mean(first[1:] > n)))
