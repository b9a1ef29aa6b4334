"""Figures: one look for all notebooks, readable without colour and by ear.

The colours are those of Okabe and Ito (2008), which people with a
colour-vision deficiency can tell apart.  Lines differ in dash and marker as
well and carry their name, so a grey print loses nothing.
"""

import base64
import io
import unicodedata
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILLION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"
YELLOW, BLACK = "#F0E442", "#000000"
# Yellow is left out of the cycle: a line in it is hard to see on white.
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, GREY, FAINT = "#222222", "#595959", "#DDDDDD"
# No colour can be read on white and on the dark of a theme.  So what has
# colours brings its page along, as the pictures do.
PAGE = "#FFFFFF"
OWN_PAGE = f"background-color:{PAGE}; color:{INK}; padding:2px 6px"
# A question in dollars is no formula: MathJax passes over these classes.
NO_MATH = "tex2jax_ignore mathjax_ignore"


def new_figure(xlabel, ylabel, title="", size=(6.6, 3.8)):
    """``(figure, axes)`` in the look of this collection; size in inches.

    The figure does not belong to pyplot: it needs no display, is not shown
    twice, and is freed with the variable.  Introduced in notebook 04.
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

    The same figure gives the same bytes.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor=PAGE,
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
    Introduced in notebook 07.
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
    """PNG bytes that display as a picture in a notebook, else as words."""

    def __init__(self, data, alt):
        self.data, self.alt = data, alt

    def __repr__(self):
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        return ({"image/png": base64.b64encode(self.data).decode(),
                 "text/plain": self.alt}, {"image/png": {"alt": self.alt}})


def visible(text):
    """``text`` with what cannot be seen spelled out: ESC is ``\\x1b``.

    So a completion neither steers a terminal nor turns a line around, and
    what is no character at all (half a surrogate pair) can be saved.  Line
    ends become ``\\n``, tabs four blanks.
    """
    text = str(text).replace("\r\n", "\n").expandtabs(4)
    return "".join(
        char if char == "\n" or unicodedata.category(char)[0] != "C"
        and char not in "\u2028\u2029"
        else char.encode("unicode_escape").decode() for char in text)


def spread(heights, gap):
    """``heights`` moved apart until neighbours are ``gap`` away or more."""
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
    """
    low, high = axes.get_ylim()
    heights = spread([y for _, y, _ in ends], (high - low) * 0.065)
    for label, (x, y, colour), height in zip(labels, ends, heights):
        axes.annotate(
            label, (x, y), xytext=(1.05, (height - low) / (high - low)),
            textcoords="axes fraction", va="center", fontsize=9, color=INK,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 1.2,
                        "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 3})


def running_mean(values, window=10):
    """The mean of each value and of up to ``window`` - 1 before it."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    first = np.maximum(ends - window, 0)
    return (sums[ends] - sums[first]) / (ends - first)


def band(axes, number, xs, mean, low, high):
    """Draw curve ``number`` and its band; (its marks' look, its end).

    ``mean``, ``low`` and ``high`` are fractions, drawn in percent.  The look
    is for further ``axes.plot``; the end is what :func:`label_lines` takes.
    """
    colour = CYCLE[number % len(CYCLE)]
    mean, low, high = (100 * np.asarray(v) for v in (mean, low, high))
    axes.fill_between(xs, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(xs, mean, color=colour, linewidth=1.8,
              linestyle=DASHES[number % len(DASHES)])
    return ({"color": colour, "linestyle": "", "markersize": 5,
             "marker": MARKERS[number % len(MARKERS)]},
            (xs[-1], mean[-1], colour))
