"""Several seeds: an interval over seeds and problems, and what it decides.

A table has a row for each seed, which is one training and its evaluation,
and a column for each problem of the test set.
"""

import numpy as np

from helpers.evaluation import middle
from helpers.tools.arguments import as_table


def verdict_word(low, high, bar=0.0):
    """"agree", "disagree" or "undecided" with: it is more than ``bar``.

    ``low`` and ``high`` are the ends of an interval.
    """
    return "agree" if low > bar else "disagree" if high < bar else "undecided"


def over_seeds(scores, against=None, level=0.95):
    """``(mean, low, high)`` over seeds *and* problems.

    ``scores``: (seeds, problems), each row one run on the same problems, for
    instance ``pass_at_k(n, counts, k)``.  With ``against``, a table of the
    same shape, it is the paired difference, seed by seed and problem by
    problem.  The variance is that of an analysis of variance with two random
    factors, the degrees of freedom are Satterthwaite's, see :func:`spread_of`.
    Raises ``ValueError`` for fewer than two seeds, unequal tables, or a level
    outside 0..1.  Introduced in notebook 03.
    """
    table = as_table(scores)
    if against is not None:
        other = as_table(against)
        if other.shape != table.shape:
            raise ValueError(f"a paired comparison needs the same seeds and "
                             f"problems, not tables of {table.shape} and "
                             f"{other.shape}")
        table = table - other
    mean, half = float(table.mean()), spread_of(table, level)
    return mean, mean - half, mean + half


def spread_of(table, level=0.95):
    """Half the interval of the mean of ``table`` (seeds, problems).

    Mean squares of seeds, of problems and of what is left: their sum, the
    last one taken off, estimates the variance of the mean times its size; it
    is not taken to be less than the larger of the first two, or where both
    are nothing and only the last is something, than that.
    """
    middle([0.0], level)                    # refuses a level that is none
    seeds, problems = table.shape
    if seeds < 2:
        raise ValueError("one run says nothing about other seeds; run at "
                         "least two")
    if problems < 2:
        raise ValueError("one problem says nothing about others; evaluate at "
                         "least two")
    by_seed, by_problem = table.mean(axis=1), table.mean(axis=0)
    rest = table - by_seed[:, None] - by_problem + table.mean()
    free = np.array([seeds - 1, problems - 1, (seeds - 1) * (problems - 1)])
    squares = np.array([problems * by_seed.var() * seeds,
                        seeds * by_problem.var() * problems,
                        (rest ** 2).sum()]) / free
    both = squares[0] + squares[1] - squares[2]
    larger = int(squares[1] > squares[0]) if squares[:2].any() else 2
    if both >= squares[larger] and both > 0:
        known = both ** 2 / (squares ** 2 / free).sum()
    else:
        both, known = squares[larger], free[larger]
    return float(t_quantile(level, known) * np.sqrt(both / table.size))


def t_quantile(level, freedom):
    """The t between whose -t and t a share ``level`` of Student's t lies.

    ``freedom``: degrees of freedom, 1 or more.  With t = sqrt(freedom)
    tan(angle) the density is cos(angle) to the power freedom - 1.
    """
    freedom = min(max(freedom, 1.0), 1e4)       # beyond, it is the normal one
    angles = np.linspace(0, np.pi / 2, 20_001)
    share = np.cumsum(np.cos((angles[1:] + angles[:-1]) / 2) ** (freedom - 1))
    return np.sqrt(freedom) * np.tan(np.interp(
        level, np.append(0, share / share[-1]), angles))


def relative_gain(one, other, where=None, level=0.95):
    """``(ratio, low, high)`` of pass@1, ``one`` over ``other``, less 1.

    The paper's figure: 1.3 is "130 % better".  Paired: the interval is that
    of the mean of a - ratio b, seed by seed and problem by problem, over the
    mean of b (the delta method).  ``where``: problems to look at, a boolean
    array.
    """
    chosen = slice(None) if where is None else where
    return relative(*(s.scores()[:, chosen] for s in (one, other)), level)


def relative(scores, against, level=0.95):
    """:func:`relative_gain` of two tables (seeds, problems).

    Raises ``ValueError`` where the second has no right program: nothing is
    so many times that.
    """
    below = against.mean()
    if not below > 0:
        raise ValueError("there is no ratio to runs that solve nothing; "
                         "compare points instead")
    ratio = float(scores.mean() / below)
    half = spread_of(scores - ratio * against, level) / below
    return ratio - 1, ratio - half - 1, ratio + half - 1
