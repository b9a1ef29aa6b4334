"""Intervals over seeds and problems hold what they say they hold."""

import numpy as np
import pytest

from helpers.seeds import over_seeds, relative, t_quantile


@pytest.mark.parametrize("scores", [
    [0.1, 0.2], [], [[], []], "ab", None, [[1, 2], [1]], [["a"], ["b"]],
    [[float("nan")], [1]], np.zeros((2, 3, 4))])
def test_scores_are_a_table(scores):
    with pytest.raises(ValueError, match="a row per seed") as error:
        over_seeds(scores)
    assert "\n" not in str(error.value)


# Standard deviations of seeds, of problems, and of what is left.
@pytest.mark.parametrize("seeds, problems, rest", [
    (0.05, 0.0, 0.3), (0.0, 0.2, 0.3), (0.05, 0.2, 0.3), (0.02, 0.3, 0.4),
    (0.05, 0.2, 0.0)])
def test_over_seeds_covers_what_seeds_and_problems_add(seeds, problems, rest):
    """95 % of the intervals hold the truth, which is 0.5, in 1,000 worlds."""
    rng, held = np.random.default_rng(5), 0
    for _ in range(1000):
        table = (0.5 + rng.normal(0, seeds, 5)[:, None]
                 + rng.normal(0, problems, 60)
                 + rng.normal(0, rest, (5, 60)))
        mean, low, high = over_seeds(table)
        assert mean == pytest.approx(table.mean())
        held += low <= 0.5 <= high
    assert 930 <= held <= 985


def test_where_seeds_and_problems_agree_on_the_mean_the_rest_is_left():
    """Two runs that solved one problem each, another one: not certain."""
    mean, low, high = over_seeds([[1, 0], [0, 1]])
    assert low < mean < high
    assert over_seeds([[1, 1], [1, 1]]) == (1, 1, 1)


def test_nothing_is_so_many_times_as_nothing():
    with pytest.raises(ValueError, match="no ratio"):
        relative(np.ones((2, 3)), np.zeros((2, 3)))


def test_an_interval_by_hand():
    """Mean squares 2/3 of seeds, 1/6 of problems, 1/6 left: together 2/3,
    with (2/3)^2 / (4/9 / 1 + 1/36 / 2 + 1/36 / 2) = 0.9 degrees of freedom,
    taken as 1: t = 12.706."""
    mean, low, high = over_seeds([[1, 1, 1], [0, 1, 0]])
    assert mean == pytest.approx(2 / 3)
    assert (high - low) / 2 == pytest.approx(
        12.706 * (2 / 3 / 6) ** 0.5, rel=1e-4)
    assert low + high == pytest.approx(2 * mean)


@pytest.mark.parametrize("freedom, level, t", [
    (1, 0.95, 12.7062), (4, 0.95, 2.7764), (4, 0.99, 4.6041),
    (29, 0.95, 2.0452), (1e9, 0.95, 1.9600), (7.5, 0.9, 1.8764)])
def test_student_s_t_is_that_of_the_tables(freedom, level, t):
    assert t_quantile(level, freedom) == pytest.approx(t, rel=1e-3)


def test_over_seeds_without_a_spread_and_with_too_little():
    rng = np.random.default_rng(5)
    one = np.tile(rng.random(50), (3, 1))
    assert over_seeds(one, one) == (0, 0, 0)
    mean, low, high = over_seeds(one + 0.1, one)    # paired: no spread
    assert low == pytest.approx(0.1) and high == pytest.approx(0.1)
    with pytest.raises(ValueError, match="one run says nothing"):
        over_seeds(one[:1])
    with pytest.raises(ValueError, match="the same seeds and problems"):
        over_seeds(one, one[:2])
