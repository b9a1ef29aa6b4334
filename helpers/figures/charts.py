"""Figures of notebook 06: a grid of gains, and scores against their cost.

Introduced in notebook 06, section 7.
"""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

from helpers.figures.style import (BLUE, CYCLE, DASHES, INK, MARKERS,
                                   VERMILLION, label_lines, new_figure)


def budget_figure(curves, title=""):
    """What is solved against what is spent: a line and a band each.

    ``curves``: ``{label: (tokens, mean, low, high)}``, sequences; tokens
    generated per problem, on a log axis, and fractions, drawn in percent.
    Introduced in notebook 06, section 7.
    """
    figure, axes = new_figure("generated tokens per problem (log scale)",
                              "problems solved (%), bands: 95 %", title,
                              size=(7.4, 4.2))
    axes.set_xscale("log")
    ends = []
    for i, (tokens, mean, low, high) in enumerate(curves.values()):
        colour = CYCLE[i % len(CYCLE)]
        mean, low, high = (100 * np.asarray(v) for v in (mean, low, high))
        axes.fill_between(tokens, low, high, color=colour, alpha=0.15,
                          linewidth=0)
        axes.plot(tokens, mean, color=colour, linewidth=1.8,
                  linestyle=DASHES[i % len(DASHES)],
                  marker=MARKERS[i % len(MARKERS)], markersize=4.5)
        ends.append((tokens[-1], mean[-1], colour))
    low, high = (end(t for tokens, *_ in curves.values() for t in tokens)
                 for end in (min, max))
    marks = [m for m in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000,
                         20_000, 50_000) if low / 1.6 <= m <= high * 1.6]
    axes.set_xticks(marks, [f"{m:,}" for m in marks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    label_lines(axes, list(curves), ends)
    return figure


def grid_figure(table, rows, columns, xlabel, ylabel, title=""):
    """A grid of gains: ``table`` is ``{(row, column): (mean, low, high)}``.

    Fractions, printed in percentage points with their interval, in bold
    where it leaves 0 out; blue is a gain, orange a loss.  Introduced in
    notebook 06, section 11.
    """
    figure, axes = new_figure(xlabel, ylabel, title,
                              size=(1.6 + 1.15 * len(columns),
                                    1.1 + 0.62 * len(rows)))
    means = np.array([[100 * table[row, column][0] for column in columns]
                      for row in rows])
    most = max(np.abs(means).max(), 1e-9)
    colours = LinearSegmentedColormap.from_list(
        "gain", [VERMILLION, "#FFFFFF", BLUE])
    axes.imshow(means, cmap=colours, norm=TwoSlopeNorm(0, -most, most),
                aspect="auto", alpha=0.55)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            mean, low, high = (100 * v for v in table[row, column])
            sure = low > 0 or high < 0
            axes.text(j, i, f"{mean:+.1f}\n[{low:+.1f}, {high:+.1f}]",
                      ha="center", va="center", fontsize=8.5, color=INK,
                      fontweight="bold" if sure else "normal")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure
