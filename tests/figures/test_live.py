"""The figure that grows while a student learns."""

import math
from statistics import fmean

import pytest

from helpers.figures import live


def test_live_losses_draw_both_tasks_or_one(tmp_path, capsys):
    both = [(1 / i, 2 / i) for i in range(1, 31)]
    axes = live.both_losses_figure(both, 60, "t").axes[0]
    assert [len(line.get_xdata()) for line in axes.lines] == [30] * 4
    assert axes.get_xlim() == (1, 60)
    assert axes.lines[1].get_ydata()[-1] == pytest.approx(
        fmean(a for a, _ in both[-10:]))
    alone = [(a, math.nan) for a, _ in both]
    assert len(live.both_losses_figure(alone, 60).axes[0].lines) == 2
    watch = live.LiveLosses(60, "two tasks", every=10)
    for i in range(1, 31):
        watch(both[:i])
    watch.close(both, tmp_path / "figures" / "x.png")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 5        # after 1, 10, 20, 30 updates, and closed
    assert "30 of 60 updates" in said[-1] and "plan from 2.00 to" in said[-1]
    assert b"two tasks" in (tmp_path / "figures" / "x.png").read_bytes()
    for every in (0, "10", 1.5):
        with pytest.raises(ValueError, match="every is a whole number"):
            live.LiveLosses(60, every=every)
    assert "plan" not in live.LiveLosses(60).words(alone)
