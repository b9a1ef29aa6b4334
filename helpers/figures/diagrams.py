"""Six diagrams: what the lessons talk about, drawn by code.

Each function returns a figure to :func:`helpers.figures.style.show`.  A unit
of the axes is a tenth of an inch.  Kinds of boxes differ in edge and filling
and bear words, so a grey print loses nothing.
"""

from math import comb

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from helpers.figures.style import (BLUE, FAINT, GREEN, GREY, INK, PAGE,
                                   VERMILLION, WINE)
from helpers.tools.arguments import plain_number

WIDTH, FINE, NORMAL = 66, 8.5, 9.5      # width in units; sizes in points
MONO = {"family": "monospace", "size": FINE}
MODEL, DATA, BROKEN = "#E3EEF6", PAGE, (0, (4, 2))


def canvas(height):
    """``(figure, axes)`` to draw on: 6.6 inches wide, ``height`` units."""
    figure = Figure(figsize=(WIDTH / 10, height / 10))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, WIDTH), ylim=(0, height))
    axes.axis("off")
    return figure, axes


def box(axes, x, y, width, height, text, fill=DATA, edge=INK, dash="-",
        **font):
    """A box with words, from its lower left corner."""
    axes.add_patch(FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.8",
        facecolor=fill, edgecolor=edge, linestyle=dash, linewidth=1.4))
    words(axes, x + width / 2, y + height / 2, text, **font)


def words(axes, x, y, text, size=NORMAL, **how):
    how = {"ha": "center", "va": "center", "color": INK} | how
    axes.text(x, y, text, fontsize=size, **how)


def arrow(axes, start, end, colour=INK, dash="-"):
    axes.annotate("", end, start, arrowprops={
        "arrowstyle": "-|>", "color": colour, "lw": 1.5, "linestyle": dash,
        "shrinkA": 0, "shrinkB": 0})


def ekt_loop():
    """EKT: a question becomes a verified program that a student learns."""
    figure, axes = canvas(31)
    top, bottom, height = 21, 6, 7
    for x, width, text, fill in (
            (1, 13, "question\nand answer", DATA),
            (18, 13, "few-shot\nprompt", DATA),
            (35, 13, "teacher\n(large, frozen)", MODEL),
            (52, 13, "n programs\nper question", DATA)):
        box(axes, x, top, width, height, text, fill)
    for x, width, text, fill in (
            (52, 13, "judge runs it:\nright answer?", DATA),
            (31, 16, "kept: the first\nright program", DATA),
            (4, 21, "student (small) learns\nquestion → program", MODEL)):
        box(axes, x, bottom, width, height, text, fill,
            edge=GREEN if "kept" in text else INK)
    for start, end in ((14, 18), (31, 35), (48, 52)):
        arrow(axes, (start, top + 3.5), (end, top + 3.5))
    arrow(axes, (58.5, top), (58.5, bottom + height))
    arrow(axes, (52, bottom + 3.5), (47, bottom + 3.5), GREEN)
    arrow(axes, (31, bottom + 3.5), (25, bottom + 3.5), GREEN)
    words(axes, 49.5, bottom + 6.1, "right", FINE)
    arrow(axes, (58.5, bottom), (58.5, 2.8), VERMILLION, "--")
    words(axes, 57.5, 1.5, "wrong, crashed or too slow: dropped", FINE,
          ha="right")
    words(axes, 58.5, 1.5, "✗", NORMAL, color=VERMILLION)
    axes.plot([7.5, 7.5], [top, bottom + height], color=GREY, lw=1.2, ls=":")
    words(axes, 8.6, 17, "the student sees the bare question;\n"
          "the answer goes to the judge alone", FINE, ha="left")
    words(axes, 33, 29.6, "once for every training question", FINE,
          fontstyle="italic")
    return figure


PROMPT = (
    ("# Eva starts with 14 stamps. ... How many?",
     "start = 14", "tuesday = start + 9", "answer = tuesday", ""),
    ("# Ann starts with 12 shells. ... How many?",),
    ("start = 12", "monday = start - 3", "answer = monday"),
    ("", "# Tom starts with 5 hats. On ..."))
PARTS = (("exemplars", "solved questions, three in EKT;\nthey fix the format"),
         ("question", "as a comment;\nthe prompt ends here"),
         ("completion", "what the teacher writes"),
         ("cut away", "all after the line that sets answer"))


def prompt_anatomy():
    """A few-shot prompt, its completion, and where that is cut."""
    line = 2.05
    figure, axes = canvas(29)
    y = axes.get_ylim()[1] - 1.2
    looks = ((DATA, "-", INK), (DATA, "-", INK), (MODEL, "-", INK),
             (DATA, BROKEN, GREY))
    for lines, (name, meaning), (fill, dash, ink) in zip(PROMPT, PARTS,
                                                         looks):
        shown = [text for text in lines if text]
        height = line * len(shown) + 1.4
        box(axes, 1, y - height, 41, height, "", fill, ink, dash)
        for at, text in enumerate(shown):
            words(axes, 2, y - 0.7 - line * (at + 0.5), text, ha="left",
                  color=ink, **MONO)
        if name == "exemplars":
            words(axes, 40.5, y - height + 1.3, "× 3", NORMAL, ha="right")
        words(axes, 44, y - height / 2 + 0.2, name, NORMAL, ha="left",
              va="bottom", fontweight="bold")
        words(axes, 44, y - height / 2, meaning, FINE, ha="left", va="top")
        y -= height + 0.9
        if name == "completion":
            axes.plot([0.5, 42.5], [y + 0.45] * 2, color=VERMILLION, lw=2,
                      ls="--")
    return figure


TOKENS = ("#", "How", "many", "?", "↵", "answer", "=", "9", "↵", "END")
GIVEN = 5                       # tokens of the prompt


def loss_mask():
    """Which tokens the loss is on: the completion's, shifted by one."""
    figure, axes = canvas(25)
    width, left = 5.55, 10
    upper, lower, height = 16, 6, 3.6
    for at, token in enumerate(TOKENS):
        x = left + width * at
        trained = at >= GIVEN
        box(axes, x + 0.3, upper, width - 0.6, height, token,
            MODEL if trained else DATA, **MONO)
        box(axes, x + 0.3, lower, width - 0.6, height,
            token if trained else "-100", MODEL if trained else FAINT,
            dash="-" if trained else BROKEN,
            edge=INK if trained else GREY, **MONO)
        if at + 1 < len(TOKENS):
            middle = x + width / 2
            told = at + 1 >= GIVEN
            arrow(axes, (middle, upper - 0.2),
                  (middle + width - (0 if told else 0.4), lower + height),
                  BLUE if told else GREY, "-" if told else ":")
    words(axes, 1, upper + height / 2, "the model\nreads", NORMAL, ha="left")
    words(axes, 1, (upper + lower + height) / 2, "position t\npredicts\n"
          "token t + 1", FINE, ha="left")
    words(axes, 1, lower + height / 2, "labels", NORMAL, ha="left")
    for begin, end, text in ((0, GIVEN, "prompt: read, never trained on"),
                             (GIVEN, len(TOKENS), "completion: trained on")):
        ends = left + width * begin + 0.4, left + width * end - 0.4
        axes.plot(ends, [21.3] * 2, color=INK, lw=1.2)
        words(axes, sum(ends) / 2, 22.9, text, NORMAL)
    words(axes, left, 3.6, "-100: no loss here.  The first loss (solid) is of "
          "the prompt's last token,\nwhich predicts the first token of the "
          "completion; the last one is that it ends.", FINE,
          ha="left")
    return figure


def two_tasks():
    """CodePLAN: one body, two tasks by their prefix, two losses."""
    figure, axes = canvas(32)
    code, plan, height = 21, 8, 7
    box(axes, 22, plan - 1, 11, code + height - plan + 2,
        "one body:\nboth tasks\ntrain the\nsame weights", MODEL)
    box(axes, 37, code, 10, height, "LM head", MODEL)
    box(axes, 37, plan, 10, height, "a plan head,\nif wanted", dash=BROKEN,
        edge=GREY)
    for y, prefix, target, weight, edge, dash in (
            (code, "[GEN_CODE]", "code", "w_1", BLUE, "-"),
            (plan, "[GEN_PLAN]", "plan", "w_2", WINE, BROKEN)):
        box(axes, 1, y, 17, height, "", edge=edge, dash=dash)
        words(axes, 9.5, y + 4.7, prefix, family="monospace", size=NORMAL,
              fontweight="bold")
        words(axes, 9.5, y + 2.2, "+ question", family="monospace",
              size=FINE)
        box(axes, 51, y, 14, height, "", edge=edge, dash=dash)
        words(axes, 58, y + 4.7, f"loss on the {target}", NORMAL)
        words(axes, 58, y + 2.2, rf"${weight}\, L_{{\mathrm{{{target}}}}}$",
              11)
        for start, end in ((18, 22), (33, 37), (47, 51)):
            own = edge if start < 33 or y == code else GREY
            arrow(axes, (start, y + height / 2), (end, y + height / 2), own,
                  dash)
    # Without a head of their own, plans leave by the LM head.
    arrow(axes, (33, 16.5), (40, code), WINE, BROKEN)
    arrow(axes, (45, code), (54, plan + height), WINE, BROKEN)
    words(axes, 33, 3.2, r"$L = w_1\, L_{\mathrm{code}} + "
          r"w_2\, L_{\mathrm{plan}}$", 12.5)
    words(axes, 33, 30.6, "the prefix tells the tasks apart; only code is "
          "judged", FINE, fontstyle="italic")
    return figure


# Of ten problems, the share of samples that are right.
RIGHT = (0.9, 0.1, 0.0, 1.0, 0.4, 0.2, 0.7, 0.0, 0.5, 0.2)


def bootstrap(resamples=2000, seed=0):
    """The bootstrap: problems drawn again, the statistic each time.

    The numbers are computed: ``resamples`` sets of ten problems with
    replacement, their means, and the interval of the middle 95 %.  Raises
    ``ValueError`` for fewer than the three that are drawn in full.
    """
    plain_number("resamples", resamples, True, 3, 10 ** 6)
    plain_number("seed", seed, True, 0)
    scores = np.array(RIGHT)
    drawn = np.random.default_rng(seed).integers(
        len(scores), size=(resamples, len(scores)))
    means = 100 * scores[drawn].mean(axis=1)
    low, high = np.percentile(means, (2.5, 97.5))
    figure, axes = canvas(44)
    rows = [("problems,\nsamples right", range(len(scores)),
             100 * scores.mean())] + [
        (f"resample {at + 1}", np.sort(drawn[at]), means[at])
        for at in range(3)]
    for (name, problems, mean), y in zip(rows, (37.8, 30.6, 26.6, 22.6)):
        height = 3 if y < 37 else 5
        words(axes, 1, y + height / 2, name, NORMAL, ha="left")
        for at, problem in enumerate(problems):
            again = at and problems[at - 1] == problem
            box(axes, 13 + 3.9 * at, y, 3.3, height, str(problem + 1) + (
                "" if y < 37 else f"\n{scores[problem]:.0%}"),
                FAINT if again else DATA, size=FINE if y < 37 else 7.5)
        arrow(axes, (52.3, y + height / 2), (55.3, y + height / 2))
        words(axes, 60.6, y + height / 2, f"mean {mean:.1f} %", NORMAL)
    words(axes, 13, 35.5, "↓ as many are drawn again, with replacement; grey: "
          "drawn once more", FINE, ha="left")
    words(axes, 13, 20.9, f"⋮ {resamples:,} resamples, a mean of each",
          FINE, ha="left")
    below = figure.add_axes((13 / WIDTH, 4.6 / 44, 39 / WIDTH, 13.5 / 44))
    below.hist(means, bins=np.arange(2.5, 90, 3), color=GREY,
               edgecolor=PAGE)
    for end in (low, high):
        below.axvline(end, color=VERMILLION, lw=1.8, ls="--")
    below.axvline(100 * scores.mean(), color=BLUE, lw=1.8)
    below.set(xlim=(0, 85), yticks=[])
    below.set_xlabel("mean of a resample (%)", fontsize=NORMAL, color=INK)
    below.tick_params(labelsize=FINE, colors=INK)
    below.spines[["top", "right", "left"]].set_visible(False)
    words(axes, 53.5, 14.3, f"solid: {100 * scores.mean():.1f} %,\n"
          "the score", FINE, ha="left")
    words(axes, 53.5, 8.6, f"dashed: {low:.1f} to\n{high:.1f} %, the\n"
          "middle 95 %", FINE, ha="left")
    return figure


def draws(n=10, right=3, k=4):
    """pass@k: of ``n`` draws ``right`` are right, ``k`` of them are tried.

    The share of all choices of ``k`` that hold a right one, computed; up to
    12 draws, 1 to ``n`` - ``k`` of them right, fit the picture; raises
    ``ValueError`` for other numbers.
    """
    plain_number("n", n, True, 2, 12)
    plain_number("k", k, True, 1, n - 1)
    plain_number("right", right, True, 1, n - k)
    choices, without = comb(n, k), comb(n - right, k)
    figure, axes = canvas(33)
    left, step = 12.5, min(4.5, 45 / n)

    def row(y, name, chosen):
        words(axes, 1, y + 1.6, name, NORMAL, ha="left")
        for at in range(n):
            passed = at < right
            taken = at in chosen
            box(axes, left + step * at, y, step - 1.2, 3.2,
                "✓" if passed else "✗", MODEL if passed and taken else DATA,
                (GREEN if passed else VERMILLION) if taken else FAINT,
                "-" if taken else ":", size=11,
                color=INK if taken else "#8C8C8C")

    row(27.5, f"n = {n} draws", range(n))
    words(axes, left, 25.4, f"c = {right} are right (✓), n - c = "
          f"{n - right} wrong (✗); now try only k = {k} of them:", FINE,
          ha="left")
    lucky = [right - 1, *range(n - k + 1, n)]
    row(20, "a choice", lucky)
    row(15.5, "another", list(range(right, right + k)))
    end = left + step * n - 0.4
    words(axes, end + 0.6, 17.1, "none right", FINE, ha="left")
    words(axes, end + 0.6, 21.6, "one right", FINE, ha="left")
    words(axes, 33, 9.6, r"$\mathrm{pass@}k = 1 - \binom{n-c}{k}\,/\,"
          rf"\binom{{n}}{{k}} = 1 - \frac{{{without}}}{{{choices}}} = "
          rf"{100 * (1 - without / choices):.1f}\,\%$", 14)
    words(axes, 33, 3.6, f"{choices} choices of {k}; {without} hold no right "
          f"program; in the other {choices - without} at least one is right",
          FINE)
    return figure
