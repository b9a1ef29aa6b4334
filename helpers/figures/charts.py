"""The charts of the lessons: curves, funnels, bars, intervals, grids."""

import html
from collections.abc import Mapping

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm
from matplotlib.ticker import FuncFormatter, NullLocator

from helpers.figures.style import (BLUE, GREY, INK, OWN_PAGE, PAGE,
                                   VERMILLION, band, label_lines, look_of,
                                   looks, new_figure, system_of)
from helpers.tools.arguments import each_of, excerpt


def are_numbers(values, count=None):
    """Whether they are a row of numbers: ``count`` of them, or some."""
    try:
        array = np.asarray(values)
    except ValueError:                       # rows of several lengths
        return False
    return (array.dtype.kind in "iufb" and array.ndim == 1
            and len(array) == (len(array) if count is None else count) > 0)


def are_curves(curves):
    """Whether they are ``{label: (xs, mean, low, high)}``, of one length."""
    return bool(isinstance(curves, Mapping) and curves) and all(
        hasattr(curve, "__len__") and len(curve) == 4
        and not isinstance(curve, Mapping)
        and are_numbers(curve[0])
        and all(are_numbers(part, len(curve[0])) for part in curve[1:])
        for curve in curves.values())


def see_that(fits, wanted, given):
    """Raises ``ValueError``, which says what is ``wanted``, unless it fits."""
    if not fits:
        raise ValueError(f"{wanted}, not {excerpt(given)}")


def pass_at_k_figure(curves, title="", size=(6.6, 3.8)):
    """pass@k against k: a line and a band of 95 % intervals for each system.

    ``curves``: ``{label: (ks, mean, low, high)}``, fractions; drawn in
    percent, k on a log axis.  Introduced in notebook 07.
    """
    see_that(are_curves(curves), "curves are {label: (ks, mean, low, high)}, "
             "as pass_at_k_curve gives the last three", curves)
    figure, axes = new_figure("k, completions that one may try (log scale)",
                              "pass@k (%), bands: 95 %", title, size)
    axes.set_xscale("log")
    ends, largest = [], 1
    for own, (ks, mean, low, high) in zip(looks(curves), curves.values()):
        look, end = band(axes, own, ks, mean, low, high)
        ticks = [j for j, k in enumerate(ks) if k in (1, 2, 5, 10, 20, 50,
                                                      100, ks[-1])]
        axes.plot(np.asarray(ks)[ticks], 100 * np.asarray(mean)[ticks],
                  **look)
        ends.append(end)
        largest = max(largest, ks[-1])
    marks = [k for k in (1, 2, 5, 10, 20, 50, 100, 200, 500) if k <= largest]
    axes.set_xticks(marks, [str(k) for k in marks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(0, min(axes.get_ylim()[1], 103))
    label_lines(axes, list(curves), ends)
    return figure


def funnel_figure(rows, title=""):
    """Horizontal bars that narrow: ``rows`` are ``(stage, count)``.

    Each bar bears its count and its share of the first one.  Introduced in
    notebook 04.
    """
    rows = list(each_of("rows", rows, "(stage, count)"))
    see_that(rows and all(isinstance(row, (tuple, list)) and len(row) == 2
                          and isinstance(row[0], str)
                          and are_numbers(row[1:]) for row in rows),
             "rows are pairs (stage, count), one at least", rows)
    stages, counts = zip(*rows)
    figure, axes = new_figure("count", "", title,
                              size=(6.6, 0.8 + 0.42 * len(rows)))
    places = np.arange(len(rows))
    axes.barh(places, counts, color=BLUE, height=0.66)
    axes.set_yticks(places, stages)
    axes.invert_yaxis()
    axes.grid(axis="y", visible=False)
    axes.set_xlim(0, 1.22 * max(max(counts), 1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    for place, count in zip(places, counts):
        share = f" ({count / counts[0]:.1%})" if counts[0] else ""
        axes.text(count, place, f" {count:,}{share}", va="center",
                  fontsize=9, color=INK)
    return figure


def bars_figure(groups, table, xlabel, ylabel, title=""):
    """Grouped bars: ``table`` is ``{series: [one value per group]}``.

    Series differ in colour and hatching.  Introduced in notebook 02.
    """
    groups = list(each_of("groups", groups, "names"))
    see_that(bool(isinstance(table, Mapping) and table) and all(
        are_numbers(values, len(groups)) for values in table.values()),
        f"a table is {{series: a number for each of {len(groups)} groups}}",
        table)
    figure, axes = new_figure(xlabel, ylabel, title, size=(6.6, 3.2))
    places, width = np.arange(len(groups)), 0.8 / len(table)
    hatches = ("", "//", "..", "xx")
    for i, (look, series) in enumerate(zip(looks(table), table)):
        axes.bar(places + (i + 0.5) * width - 0.4, table[series], width,
                 label=series, color=look.colour, edgecolor="white",
                 hatch=hatches[i % len(hatches)])
    axes.set_xticks(places, groups)
    axes.grid(axis="x", visible=False)
    axes.legend(frameon=False, fontsize=9)
    return figure


def interval_figure(rows, xlabel, title="", zero=False, groups=None):
    """A dot and its interval per row: ``{label: (mean, low, high)}``.

    Fractions, drawn in percent with the first row on top and the numbers at
    the right; with ``zero``, differences in percentage points beside a line
    at 0.  A row whose label names a system has that system's colour and
    marker, see :func:`helpers.figures.style.look_of`.  ``groups``, one name
    per row: where the name changes, a gap is left and the name stands in it;
    rows that name no system have a colour and marker for each group.  Raises
    ``ValueError`` without rows.  Introduced in notebook 07.
    """
    if isinstance(rows, Mapping) and not rows:
        raise ValueError("an interval figure needs at least one row")
    see_that(isinstance(rows, Mapping) and all(
        are_numbers(row, 3) for row in rows.values()),
        "rows are {label: (mean, low, high)}, fractions", rows)
    groups = list(each_of("groups", groups or [""] * len(rows), "names"))
    see_that(len(groups) == len(rows), f"groups are {len(rows)} names, one "
             f"for each row", groups)
    begins = [at for at, group in enumerate(groups)
              if at == 0 or group != groups[at - 1]]
    # A name above one row that repeats the row's label says nothing new.
    named = [at for at in begins
             if groups[at] and groups[at] != list(rows)[at]]
    gaps = [1.9 if at in named else 1.4 if at in begins else 1
            for at in range(len(rows))]
    places = np.cumsum([0.9 if 0 in named else 0, *gaps[1:]])
    figure, axes = new_figure(xlabel, "", title,
                              size=(7.6, 1.0 + 0.25 * places[-1]))
    kinds = [label if system_of(label) else group
             for label, group in zip(rows, groups)]
    distinct = list(dict.fromkeys(kinds))
    look_by_kind = dict(zip(distinct, looks(distinct)))
    sign = "+" if zero else ""
    for label, kind, place in zip(rows, kinds, places):
        mean, low, high = (100 * float(value) for value in rows[label])
        colour, _, marker = look_by_kind[kind]
        if system_of(label):           # all of one system look alike here
            colour, _, marker = look_of(label)
        axes.plot([low, high], [place, place], color=colour, lw=2.2)
        axes.plot([mean], [place], color=colour, marker=marker,
                  markersize=5.5, clip_on=False)
        axes.text(1.02, place, f"{mean:{sign}.1f} [{low:{sign}.1f}, "
                  f"{high:{sign}.1f}]", transform=axes.get_yaxis_transform(),
                  va="center", fontsize=8, color=INK)
    for at in named:
        axes.text(0.008, places[at] - 0.9, groups[at], va="center",
                  transform=axes.get_yaxis_transform(), fontsize=8.5,
                  fontstyle="italic", color=INK,
                  bbox={"facecolor": PAGE, "edgecolor": "none", "pad": 1})
    if zero:
        axes.axvline(0, color=INK, linewidth=1, zorder=1)
    else:
        axes.set_xlim(left=max(axes.get_xlim()[0], 0))
    axes.set_yticks(places, list(rows))
    axes.set_ylim(places[-1] + 0.6, -0.6)
    axes.grid(axis="y", visible=False)
    return figure


def show_tokens(tokenizer, ids, labels, mask):
    """A batch as text in which one sees what is trained on.

    ``ids``, ``labels``, ``mask``: (batch, length), as ``collate`` returns
    them.  Trained tokens are blue, bold and underlined, tokens that are seen
    only are grey, padding is a dot.  Introduced in notebook 05.
    """
    from IPython.display import HTML, display
    rows = []
    for row in range(len(ids)):
        spans = []
        for token, label, seen in zip(ids[row].tolist(), labels[row].tolist(),
                                      mask[row].tolist()):
            text = html.escape(tokenizer.decode([token]))
            text = text.replace("\n", "↵").replace(" ", "&nbsp;")
            if not seen:
                spans.append("·")
            elif label >= 0:
                spans.append(f'<b><u style="color:{BLUE}">{text}</u></b>')
            else:
                spans.append(f'<span style="color:{GREY}">{text}</span>')
        rows.append(f'<p style="{OWN_PAGE}; font-family:monospace">'
                    f'{"<wbr>".join(spans)}</p>')
    display(HTML("\n".join(rows)))


def budget_figure(curves, title=""):
    """What is solved against what is spent: a line and a band each.

    ``curves``: ``{label: (tokens, mean, low, high)}``, sequences; tokens
    generated per problem, on a log axis, and fractions, drawn in percent.
    Introduced in notebook E3.
    """
    see_that(are_curves(curves), "curves are {label: (tokens, mean, low, "
             "high)}, of one length", curves)
    figure, axes = new_figure("generated tokens per problem (log scale)",
                              "problems solved (%), bands: 95 %", title,
                              size=(7.4, 4.2))
    axes.set_xscale("log")
    ends = []
    for own, (tokens, mean, low, high) in zip(looks(curves),
                                              curves.values()):
        look, end = band(axes, own, tokens, mean, low, high)
        axes.plot(tokens, 100 * np.asarray(mean), **look)
        ends.append(end)
    low, high = (end(t for tokens, *_ in curves.values() for t in tokens)
                 for end in (min, max))
    marks = [m for m in (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000,
                         20_000, 50_000) if low / 1.6 <= m <= high * 1.6]
    axes.set_xticks(marks, [f"{m:,}" for m in marks])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    label_lines(axes, list(curves), ends)
    return figure


def dial_figure(curves, line=None, title=""):
    """Gains over a baseline against a share: a line and intervals each.

    ``curves``: ``{label: {share: (gain, low, high)}}``, relative gains and
    shares as fractions, drawn in percent.  ``line``: a pair of a gain and its
    words, drawn across.  Introduced in notebook M9.
    """
    see_that(bool(isinstance(curves, Mapping) and curves) and all(
        bool(isinstance(gains, Mapping) and gains)
        and are_numbers(list(gains))
        and all(are_numbers(gain, 3) for gain in gains.values())
        for gains in curves.values()),
        "curves are {label: {share: (gain, low, high)}}", curves)
    see_that(not line or isinstance(line, (tuple, list)) and len(line) == 2
             and are_numbers(line[:1]) and isinstance(line[1], str),
             "line is a pair of a gain and its words", line)
    figure, axes = new_figure("programs that show their steps (%)",
                              "gain in pass@1 (% of the baseline's)", title,
                              size=(7.6, 4.2))
    ends = []
    for place, ((_, gains), own) in enumerate(zip(curves.items(),
                                                  looks(curves))):
        shares = 100 * np.array(list(gains)) + 1.2 * (
            place - (len(curves) - 1) / 2)
        mean, low, high = 100 * np.array(list(gains.values())).T
        axes.errorbar(shares, mean, [mean - low, high - mean],
                      color=own.colour, linestyle=own.dash,
                      marker=own.marker, markersize=5.5, linewidth=1.8,
                      elinewidth=1.2, capsize=2.5)
        ends.append((shares[-1], mean[-1], own.colour))
    axes.axhline(0, color=INK, linewidth=0.9)
    labels = list(curves)
    if line:
        axes.axhline(100 * line[0], color=GREY, linewidth=1.2, linestyle=":")
        labels.append(line[1])
        ends.append((axes.get_xlim()[1], 100 * line[0], GREY))
    axes.set_xticks([100 * share for share in next(iter(curves.values()))])
    label_lines(axes, labels, ends)
    return figure


def grid_figure(table, rows, columns, xlabel, ylabel, title=""):
    """A grid of gains: ``table`` is ``{(row, column): (mean, low, high)}``.

    Fractions, printed in percentage points with their interval, in bold
    where it leaves 0 out; blue is a gain, orange a loss.  Introduced in
    notebook E3.
    """
    rows, columns = (list(each_of(*pair, "names")) for pair in (
        ("rows", rows), ("columns", columns)))
    see_that(isinstance(table, Mapping) and rows and columns and all(
        are_numbers(table.get((row, column)), 3)
        for row in rows for column in columns),
        "a table is {(row, column): (mean, low, high)}, of each pair", table)
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
