"""Figures: one look for all notebooks, readable without colour and by ear.

The colours are those of Okabe and Ito (2008), which people with a
colour-vision deficiency can tell apart.  Lines differ in dash and marker as
well and carry their name, so a grey print loses nothing.
"""

import base64
import html
import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullLocator

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILLION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"
YELLOW, BLACK = "#F0E442", "#000000"
# Yellow is left out of the cycle: a line in it is hard to see on white.
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, FAINT = "#222222", "#DDDDDD"


def new_figure(xlabel, ylabel, title="", size=(6.6, 3.8)):
    """``(figure, axes)`` in the look of this collection; size in inches.

    The figure does not belong to pyplot: it needs no display, is not shown
    twice, and is freed with the variable.  Introduced in notebook 07,
    section 4.
    """
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(xlabel, color=INK)
    axes.set_ylabel(ylabel, color=INK)
    axes.set_title(title, color=INK, fontsize=11, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK, labelsize=9)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)
    return figure, axes


def png(figure, alt):
    """The figure as PNG bytes, with ``alt`` as its description.

    The same figure gives the same bytes.  Introduced in notebook 07,
    section 4.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110,
                   metadata={"Description": alt, "Software": None})
    return buffer.getvalue()


def show(figure, alt, path=None):
    """Display ``figure`` in a notebook, and save it as PNG to ``path``.

    ``alt`` says what the figure shows to those who do not see it.  One
    representation is sent, ``image/png``, which every viewer of notebooks
    draws, with ``alt`` in the output's metadata, where nbconvert takes the
    ``alt`` of its ``<img>`` from; ``text/plain`` repeats it for consoles.
    (HTML with the image inside would carry ``alt`` in JupyterLab too, which
    ignores the metadata; it would double the size of a notebook, and not
    every viewer shows such images.)  Raises ``ValueError`` without a text.
    Introduced in notebook 07, section 4.
    """
    if not alt.strip():
        raise ValueError("a figure needs an alt text: one sentence that says "
                         "what it shows")
    data = png(figure, alt)
    if path is not None:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_bytes(data)
    from IPython.display import display
    display(Picture(data, alt))


class Picture:
    """PNG bytes that display as a picture in a notebook, else as words.

    Introduced in notebook 07, section 4.
    """

    def __init__(self, data, alt):
        self.data, self.alt = data, alt

    def __repr__(self):
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        return ({"image/png": base64.b64encode(self.data).decode(),
                 "text/plain": self.alt}, {"image/png": {"alt": self.alt}})


def spread(heights, gap):
    """``heights`` moved apart until neighbours are ``gap`` away or more.

    Introduced in notebook 07, section 4.
    """
    order = np.argsort(heights, kind="stable")
    placed = np.array(heights, dtype=float)[order]
    for _ in range(200):
        push = np.maximum(gap - np.diff(placed), 0) / 2
        placed[:-1] -= push
        placed[1:] += push
    result = np.empty_like(placed)
    result[order] = placed
    return result


def label_lines(axes, labels, ends):
    """Write each label to the right of its line's end ``(x, y, colour)``.

    Labels that would overlap are moved apart and tied to their line.
    Introduced in notebook 07, section 4.
    """
    low, high = axes.get_ylim()
    heights = spread([y for _, y, _ in ends], (high - low) * 0.065)
    for label, (x, y, colour), height in zip(labels, ends, heights):
        axes.annotate(
            label, (x, y), xytext=(1.05, (height - low) / (high - low)),
            textcoords="axes fraction", va="center", fontsize=9, color=INK,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 1.2,
                        "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 3})


def pass_at_k_figure(curves, title="", size=(6.6, 3.8)):
    """pass@k against k: a line and a band of 95 % intervals for each system.

    ``curves``: ``{label: (ks, mean, low, high)}``, fractions; drawn in
    percent, k on a log axis.  Introduced in notebook 07, section 4.
    """
    figure, axes = new_figure("k, completions that one may try (log scale)",
                              "pass@k (%), bands: 95 %", title, size)
    axes.set_xscale("log")
    ends, largest = [], 1
    for i, (ks, mean, low, high) in enumerate(curves.values()):
        colour = CYCLE[i % len(CYCLE)]
        axes.fill_between(ks, 100 * np.asarray(low), 100 * np.asarray(high),
                          color=colour, alpha=0.18, linewidth=0)
        axes.plot(ks, 100 * np.asarray(mean), color=colour, linewidth=1.8,
                  linestyle=DASHES[i % len(DASHES)])
        ticks = [j for j, k in enumerate(ks) if k in (1, 2, 5, 10, 20, 50,
                                                      100, ks[-1])]
        axes.plot(np.asarray(ks)[ticks], 100 * np.asarray(mean)[ticks],
                  color=colour, linestyle="", markersize=5,
                  marker=MARKERS[i % len(MARKERS)])
        ends.append((ks[-1], 100 * mean[-1], colour))
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
    notebook 04, section 3.
    """
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
        share = f" ({count / counts[0]:.0%})" if counts[0] else ""
        axes.text(count, place, f" {count:,}{share}", va="center",
                  fontsize=9, color=INK)
    return figure


def loss_figure(losses, title="", window=20):
    """Training loss per update, faint, and its running mean, bold.

    ``losses``: a sequence in nats per token, one value per update;
    ``window``: updates that the running mean looks back on.  Introduced in
    notebook 05, section 4.
    """
    losses = np.asarray(losses, dtype=float)
    figure, axes = new_figure("update", "loss (nats per token)", title)
    updates = np.arange(1, len(losses) + 1)
    sums = np.concatenate([[0], np.cumsum(losses)])
    first = np.maximum(updates - window, 0)
    axes.plot(updates, losses, color=SKY, linewidth=0.8)
    axes.plot(updates, (sums[updates] - sums[first]) / (updates - first),
              color=BLUE, linewidth=2)
    axes.annotate(f"each update (thin), mean of the last {window} (thick)",
                  (0.98, 0.95), xycoords="axes fraction", ha="right",
                  va="top", fontsize=9, color=INK)
    axes.set_ylim(bottom=0)
    return figure


def bars_figure(groups, table, xlabel, ylabel, title=""):
    """Grouped bars: ``table`` is ``{series: [one value per group]}``.

    Series differ in colour and hatching.  Introduced in notebook 02,
    section 3.
    """
    figure, axes = new_figure(xlabel, ylabel, title, size=(6.6, 3.2))
    places, width = np.arange(len(groups)), 0.8 / len(table)
    hatches = ("", "//", "..", "xx")
    for i, (series, values) in enumerate(table.items()):
        axes.bar(places + (i + 0.5) * width - 0.4, values, width,
                 label=series, color=CYCLE[i % len(CYCLE)], edgecolor="white",
                 hatch=hatches[i % len(hatches)])
    axes.set_xticks(places, groups)
    axes.grid(axis="x", visible=False)
    axes.legend(frameon=False, fontsize=9)
    return figure


def interval_figure(rows, xlabel, title="", zero=False, groups=None):
    """A dot and its interval per row: ``{label: (mean, low, high)}``.

    Fractions, drawn in percent with the first row on top and the numbers at
    the right; with ``zero``, differences in percentage points beside a line
    at 0.  ``groups``, one name per row: where the name changes, so do colour
    and marker, and a gap is left.  Raises ``ValueError`` without rows.
    Introduced in notebook 07, section 6.
    """
    if not rows:
        raise ValueError("an interval figure needs at least one row")
    groups = list(groups or [""] * len(rows))
    kinds = list(dict.fromkeys(groups))
    gaps = [0, *(1 if a == b else 1.7 for a, b in zip(groups, groups[1:]))]
    places = np.cumsum(gaps)
    figure, axes = new_figure(xlabel, "", title,
                              size=(7.6, 1.0 + 0.25 * places[-1]))
    sign = "+" if zero else ""
    for group, place, values in zip(groups, places, rows.values()):
        mean, low, high = (100 * float(value) for value in values)
        look = kinds.index(group) % len(CYCLE)
        axes.plot([low, high], [place, place], color=CYCLE[look], lw=2.2)
        axes.plot([mean], [place], color=CYCLE[look], marker=MARKERS[look],
                  markersize=5.5, clip_on=False)
        axes.text(1.02, place, f"{mean:{sign}.2f} [{low:{sign}.2f}, "
                  f"{high:{sign}.2f}]", transform=axes.get_yaxis_transform(),
                  va="center", fontsize=8, color=INK)
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
    only are grey, padding is a dot.  Introduced in notebook 05, section 2.
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
                spans.append(f'<span style="color:#666666">{text}</span>')
        rows.append(f'<p style="font-family:monospace">'
                    f'{"<wbr>".join(spans)}</p>')
    display(HTML("\n".join(rows)))
