"""Figures: one look for all notebooks, readable without colour and by ear.

The colours are those of Okabe and Ito (2008), which people with a
colour-vision deficiency can tell apart.  Lines differ in dash and marker as
well and carry their name, so a grey print loses nothing.
"""

import base64
import html
import io
import re
import unicodedata
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

from helpers.tools.files import see_that_it_is, whole_file

BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"
VERMILLION, PURPLE, SKY = "#D55E00", "#CC79A7", "#56B4E9"
YELLOW, BLACK = "#F0E442", "#000000"
# Three more for systems: dark enough for a line, and apart in lightness.
WINE, OLIVE, BROWN = "#882255", "#7A7A00", "#6B3E00"
# Yellow is left out of the cycle: a line in it is hard to see on white.
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, BLACK)
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
INK, GREY, FAINT = "#222222", "#595959", "#DDDDDD"


class Look(NamedTuple):
    """How a system is drawn: what it is told by, with and without colour."""

    colour: str
    dash: object
    marker: str


# Every system looks alike in all figures.  A name belongs to the first
# system that its words fit: "EKT from a weak teacher" is EKT's.
SYSTEM_LOOKS = {
    "two tasks": (r"codeplan|two tasks?|multi ?task|plan head|one plan"
                  r"|(?<!backward )with question|forward chosen"
                  r"|same problem", Look(WINE, "-", "D")),
    "EKT": (r"ekt|student after( training)?$", Look(BLUE, "-", "o")),
    "distillation": (r"kd|distill\w*", Look(VERMILLION, "--", "s")),
    "expert iteration": (r"expert iteration", Look(GREEN, "-.", "^")),
    "fine-tuning": (r"supervised|fine ?tun\w*|codes twice|more code",
                    Look(PURPLE, (0, (5, 1)), "v")),
    "unfiltered": (r"unfiltered|no filter|without (the |a )?filter",
                   Look(ORANGE, (0, (3, 1, 1, 1)), "X")),
    "oracle": (r"oracle", Look(OLIVE, ":", "*")),
    "random": (r"random", Look(BROWN, "--", "p")),
    "example tests": (r"examples?|example tests", Look(GREEN, "-.", "h")),
    "plan first": (r"plan first|plan sampling", Look(SKY, "--", "<")),
    "teacher": (r"teachers?|codex", Look(BLACK, ":", "P")),
    "before training": (r"before|untuned|untrained|zero shot|few shot"
                        r"|prompted|student$", Look(GREY, (0, (1, 1)), ">")),
}
# No colour can be read on white and on the dark of a theme.  So what has
# colours brings its page along, as the pictures do.
PAGE = "#FFFFFF"
OWN_PAGE = f"background-color:{PAGE}; color:{INK}; padding:2px 6px"
# A question in dollars is no formula: MathJax passes over these classes.
NO_MATH = "tex2jax_ignore mathjax_ignore"


def new_figure(xlabel, ylabel, title="", size=(6.6, 3.8)):
    """``(figure, axes)`` in the look of this collection; size in inches.

    The figure does not belong to pyplot: it needs no display, is not shown
    twice, and is freed with the variable.  Introduced in notebook M4.
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


def system_of(name):
    """Which of :data:`SYSTEM_LOOKS` a name is of; None for any other name.

    Of a difference ("EKT - expert iteration") it is the first that counts.
    """
    first = re.split(r" (?:[-−–]|vs\.?|minus|against) ", str(name))[0]
    words = re.sub(r"[^a-z0-9]+", " ", first.lower()).strip()
    return next((system for system, (pattern, _) in SYSTEM_LOOKS.items()
                 if re.search(rf"\b(?:{pattern})(?!\w)", words)), None)


def look_of(name):
    """The :class:`Look` of a system: its colour, dash and marker.

    ``name`` is a system's or contains it, as "kd-exemplars" or "teacher,
    few-shot".  Raises ``ValueError`` for a name that is no system's.
    """
    system = system_of(name)
    if system is None:
        raise ValueError(f"{str(name)!r:.60} names no system; these have a "
                         f"colour: {', '.join(SYSTEM_LOOKS)}")
    return SYSTEM_LOOKS[system][1]


def colour_of(name):
    """The colour of a system in every figure, see :func:`look_of`."""
    return look_of(name).colour


def looks(names):
    """A :class:`Look` for each of the series of one chart.

    A system has its own; a second series of the same system has its colour
    with another dash and marker; what is no system has what is left.
    """
    known = [system_of(name) for name in names]
    own = [SYSTEM_LOOKS[system][1] if system else None for system in known]
    free = [colour for colour in CYCLE
            if colour not in {look.colour for look in own if look}] or CYCLE
    dashes, markers, given, others = [], [], [], 0
    # The first of a system chooses first, and what is no system last.
    turns = [2 if system is None else known.index(system) < at
             for at, system in enumerate(known)]
    for at in sorted(range(len(own)), key=turns.__getitem__):
        look = own[at]
        if look is None:
            look = Look(free[others % len(free)], DASHES[others % len(DASHES)],
                        MARKERS[others % len(MARKERS)])
            others += 1
        dash = not_taken(look.dash, DASHES, dashes)
        marker = not_taken(look.marker, MARKERS, markers)
        dashes.append(dash)
        markers.append(marker)
        given.append((at, Look(look.colour, dash, marker)))
    return [look for _, look in sorted(given, key=lambda pair: pair[0])]


def not_taken(wanted, choices, used):
    """``wanted``, or the choice that was used least where it is taken."""
    if wanted not in used:
        return wanted
    return min(choices, key=used.count)


def png(figure, alt):
    """The figure as PNG bytes, with ``alt`` as its description.

    The same figure gives the same bytes.
    """
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, facecolor=PAGE)
    return packed(buffer, alt)


def packed(file, alt):
    """The picture in ``file`` as PNG bytes of 256 colours, a third as large.

    So it can stand in a notebook twice, see :class:`Picture`.
    """
    image = Image.open(file).convert("RGB").quantize(
        256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    about = PngImagePlugin.PngInfo()
    about.add_itxt("Description", alt)
    buffer = io.BytesIO()
    image.save(buffer, format="png", optimize=True, pnginfo=about)
    return buffer.getvalue()


def save(data, path):
    """Write the ``data`` of a PNG; the file is whole or the old one.

    Raises ``ValueError`` where ``path`` is a file and no PNG, and ``OSError``
    where it cannot be written.
    """
    see_that_it_is(path, "a picture (PNG)",
                   lambda line: line.startswith(b"\x89PNG"))
    with whole_file(path) as file:
        file.write(data)


def show(figure, alt, path=None):
    """Display ``figure`` in a notebook, and save it as PNG to ``path``.

    ``alt`` says what the figure shows to those who do not see it.  Raises
    ``ValueError`` without a text, and as :func:`save`.
    Introduced in notebook 07.
    """
    if not hasattr(figure, "savefig"):
        raise ValueError(f"a figure is what the charts and diagrams return, "
                         f"not {figure!r:.60}")
    if not (isinstance(alt, str) and alt.strip()):
        raise ValueError("a figure needs an alt text: one sentence that says "
                         "what it shows")
    data = png(figure, alt)
    if path is not None:
        save(data, path)
    from IPython.display import display
    display(Picture(data, alt))


class Picture:
    """PNG bytes that display as a picture in a notebook, else as words.

    It is sent twice, and a viewer takes one: ``text/html`` with an ``<img>``
    that has the words as its ``alt``, which is the only way to have them in
    JupyterLab, in nbconvert's pages and in Jupyter Book (all three pass over
    the metadata of ``image/png``), and ``image/png`` for viewers and formats
    without HTML.
    """

    def __init__(self, data, alt):
        self.data, self.alt = data, alt

    def __repr__(self):
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = base64.b64encode(self.data).decode()
        return ({"text/html": picture_page(data, self.alt),
                 "image/png": data, "text/plain": self.alt},
                {"image/png": {"alt": self.alt}})


def picture_page(data, alt):
    """HTML of one picture; ``data``: PNG in base64."""
    words = " ".join(html.escape(alt).split())
    return (f'<img alt="{words}" style="max-width:100%; height:auto" '
            f'src="data:image/png;base64,{data}">')


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


def band(axes, look, xs, mean, low, high):
    """Draw a curve in its look, and its band; (its marks' look, its end).

    ``mean``, ``low`` and ``high`` are fractions, drawn in percent.  The first
    of what is returned is for further ``axes.plot``; the end is what
    :func:`label_lines` takes.
    """
    colour, dash, marker = look
    mean, low, high = (100 * np.asarray(v) for v in (mean, low, high))
    axes.fill_between(xs, low, high, color=colour, alpha=0.18, linewidth=0)
    axes.plot(xs, mean, color=colour, linewidth=1.8, linestyle=dash)
    return ({"color": colour, "linestyle": "", "markersize": 5,
             "marker": marker}, (xs[-1], mean[-1], colour))
