"""A problem's samples side by side: verdict first, differing lines marked.

The page needs no script, no widget and no network: radio buttons and CSS
sort and filter, and where a viewer drops them, all cards are there, in
order.  Nothing on it has an id, so that any number of them can stand on one
page, and the same samples always give the same page.
"""

import html
import textwrap
from dataclasses import dataclass
from difflib import SequenceMatcher

from helpers.figures.style import (FAINT, GREEN, INK, NO_MATH, PAGE,
                                   VERMILLION, visible)
from helpers.tools.arguments import each_of, plain_number

MOST_LINES, MOST_COLUMNS, MOST_WORDS = 60, 300, 120
MARK = "#FFF0B3"               # behind a line that differs; INK is read on it
COLOURS = f"background-color:{PAGE}; color:{INK}"
# Which cards are hidden, and by which of their numbers they are in order.
RULES = """<style>
.samples-of-one:has(input[value="passed"]:checked) .sample-failed,
.samples-of-one:has(input[value="failed"]:checked) .sample-passed
{display:none}
.samples-of-one .sample-card {order:var(--by-verdict)}
.samples-of-one:has(input[value="index"]:checked) .sample-card
{order:var(--by-index)}
</style>"""


@dataclass(frozen=True)
class Card:
    """One sample: its number, its verdict in words, its lines.

    ``place``: where it stands in order of the numbers; ``lines`` and
    ``plan``: (whether it differs, the line); ``missing``: how many lines of
    the first card it lacks.
    """

    number: int
    place: int
    passed: bool | None
    verdict: str
    lines: list
    plan: list
    missing: int


def show_samples(problem, samples, verdicts=None, plans=None, limit=6):
    """Display a problem's question and its samples side by side.

    ``problem``: a Problem, or a question.  ``samples``: Sample records, or
    completions as text; ``verdicts``: one each (a Verdict, a status, or
    True and False); ``plans``: one each (a Plan, a text, or None).  At most
    ``limit`` samples are shown, the first of those that passed and of the
    others in turn, so that both are seen.  A line that is not in the first
    shown sample that passed (or in the first one, if none did) is marked
    with "≠".  Outside a notebook the same is printed as text.

    Raises ``ValueError`` where there are fewer or more verdicts or plans
    than samples, and for a limit below 1.
    """
    from IPython.display import display
    display(Samples(problem, samples, verdicts, plans, limit))


class Samples:
    """What is shown of a problem and of its samples."""

    def __init__(self, problem, samples, verdicts=None, plans=None, limit=6):
        samples = list(each_of("samples", samples, "texts or Samples"))
        self.judged = verdicts is not None
        verdicts = one_each("verdicts", verdicts, samples)
        plans = one_each("plans", plans, samples)
        if plain_number("limit", limit, True) < 1:
            raise ValueError(f"limit is at least 1, not {limit}")
        self.name = visible(getattr(problem, "task_id", ""))
        self.question = visible(getattr(problem, "question", problem))
        self.answer = getattr(problem, "answer", None)
        self.total = len(samples)
        passes = [has_passed(verdict) for verdict in verdicts]
        numbers = [getattr(sample, "sample_index", at)
                   for at, sample in enumerate(samples)]
        chosen = both_kinds(passes, limit)
        by_number = sorted(chosen, key=lambda at: numbers[at])
        # Those that passed come first; within a kind, in the order given.
        chosen.sort(key=lambda at: not passes[at])
        codes = {at: shown_lines(getattr(samples[at], "completion",
                                         samples[at])) for at in chosen}
        steps = {at: [] if plans[at] is None else
                 shown_lines(getattr(plans[at], "text", plans[at]))
                 for at in chosen}
        self.cards = []
        for at in chosen:
            lines, missing = compared(codes[at], codes[chosen[0]])
            plan, _ = compared(steps[at], steps[chosen[0]])
            self.cards.append(Card(numbers[at], by_number.index(at),
                                   passes[at], in_a_line(verdicts[at]),
                                   lines, plan, missing))
        self.first = self.cards[0].number if self.cards else None

    def heading(self):
        """What is seen, in a line."""
        shown = (f"{self.total}" if len(self.cards) == self.total else
                 f"{len(self.cards)} of {self.total}")
        return (f"{shown} sample{'' if shown == '1' else 's'}"
                + (f"; ≠ marks lines that are not in sample {self.first}"
                   if len(self.cards) > 1 else ""))

    def __repr__(self):
        parts = [self.name] if self.name else []
        parts += [part for line in self.question.rstrip("\n").split("\n")
                  for part in textwrap.wrap(line, 79) or [""]]
        if self.answer is not None:
            parts.append(f"Expected answer: {visible(self.answer)}")
        parts.append(f"({self.heading()})")
        for card in self.cards:
            parts += ["", title(card)]
            if card.plan:
                parts += ["  plan:", *in_text(card.plan), "  program:"]
            parts += in_text(card.lines)
            if card.missing:
                parts.append(f"  {lacks(card, self.first)}")
        return "\n".join(parts)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.page(), "text/plain": repr(self)}

    def page(self):
        """The question, two rows of buttons, and the cards, as HTML."""
        question = html.escape(self.question.rstrip("\n"))
        name = f"<b>{html.escape(self.name)}</b><br>" if self.name else ""
        answer = ("" if self.answer is None else "<br>Expected answer: "
                  f"<b>{html.escape(visible(self.answer))}</b>")
        # method="dialog": the Enter key sends nothing anywhere.  A form of
        # its own keeps the buttons apart from those of other outputs.
        return (f'{RULES}\n<form method="dialog" class="samples-of-one '
                f'{NO_MATH}" style="{COLOURS}; max-width:900px; '
                f'box-sizing:border-box; padding:6px; margin:0; '
                f'font-size:14px; line-height:1.4">\n'
                f'<div style="white-space:pre-wrap; '
                f'overflow-wrap:anywhere">{name}{question}{answer}</div>\n'
                f'{self.buttons()}<div style="margin:6px 0">'
                f'{html.escape(self.heading())}</div>\n'
                f'<div style="display:grid; gap:8px; grid-template-columns:'
                f'repeat(auto-fill,minmax(min(100%,270px),1fr))">\n'
                + "\n".join(self.card_page(card, place)
                            for place, card in enumerate(self.cards))
                + "\n</div>\n</form>")

    def buttons(self):
        """Two rows of radio buttons; none where nothing was judged."""
        if not self.judged:
            return ""
        right = sum(bool(card.passed) for card in self.cards)
        wrong = len(self.cards) - right
        return "".join(
            f'<div role="radiogroup" aria-label="{group}" style="{COLOURS}; '
            f'margin-top:4px">{group}: ' + " ".join(
                f'<label style="display:inline-block; margin-right:9px">'
                f'<input type="radio" name="{group}" value="{value}"'
                f'{" checked" if not at else ""}> {words}</label>'
                for at, (value, words) in enumerate(choices)) + "</div>\n"
            for group, choices in (
                ("show", (("all", f"all ({right + wrong})"),
                          ("passed", f"passed ({right})"),
                          ("failed", f"not passed ({wrong})"))),
                ("sort by", (("verdict", "verdict"), ("index", "number")))))

    def card_page(self, card, place):
        """A card as HTML; ``place``: where it stands in order of verdicts."""
        kind = "passed" if card.passed else "failed"
        edge = (FAINT if card.passed is None else
                GREEN if card.passed else VERMILLION)
        parts = [f"<b>{html.escape(title(card))}</b>"]
        if card.plan:
            parts += ["<div>plan</div>", in_page(card.plan),
                      "<div>program</div>"]
        parts.append(in_page(card.lines))
        if card.missing:
            parts.append(f"<div>{html.escape(lacks(card, self.first))}</div>")
        inside = "\n".join(parts)
        return (f'<div class="sample-card sample-{kind}" style="{COLOURS}; '
                f'--by-verdict:{place}; --by-index:{card.place}; min-width:0; '
                f'border:1px solid {FAINT}; border-left:5px solid {edge}; '
                f'padding:4px 8px; overflow-wrap:anywhere">\n{inside}\n'
                f'</div>')


def one_each(what, given, samples):
    """What is given for each sample, as a list; None each for nothing."""
    given = ([None] * len(samples) if given is None
             else list(each_of(what, given)))
    if len(given) != len(samples):
        raise ValueError(f"{len(samples)} samples need as many {what}, not "
                         f"{len(given)}")
    return given


def has_passed(verdict):
    """Whether a verdict says so; None where there is none."""
    if verdict is None:
        return None
    status = getattr(verdict, "status", verdict)
    return status == "passed" if isinstance(status, str) else bool(status)


def in_a_line(verdict):
    """A verdict in a few words: its status, its value, why."""
    if verdict is None:
        return ""
    status = getattr(verdict, "status", verdict)
    if not isinstance(status, str):
        status = "passed" if status else "not passed"
    value = getattr(verdict, "value", None)
    parts = [status, "" if value is None else f"answer {value}",
             getattr(verdict, "detail", "")]
    return ", ".join(clipped(" ".join(visible(part).split()), MOST_WORDS)
                     for part in parts if part)


def both_kinds(passes, limit):
    """Which samples are shown: ``limit`` of them, of both kinds in turn."""
    seen, order = {}, []
    for at, passed in enumerate(passes):
        kind = bool(passed)
        seen[kind] = seen.get(kind, 0) + 1
        order.append((seen[kind], at))
    return sorted(at for _, at in sorted(order)[:limit])


def clipped(text, most):
    return text if len(text) <= most else text[:most - 1] + "…"


def shown_lines(text):
    """The lines of a completion or plan, made visible and not too many."""
    lines = [line.rstrip() for line in visible(text).strip("\n").split("\n")]
    more = len(lines) - MOST_LINES
    return [clipped(line, MOST_COLUMNS) for line in lines[:MOST_LINES]] + (
        [f"({more} more lines)"] if more > 0 else [])


def compared(lines, others):
    """([(whether it differs, line)], how many of ``others`` are missing)."""
    differs, missing = [True] * len(lines), len(others)
    for block in SequenceMatcher(None, others, lines,
                                 autojunk=False).get_matching_blocks():
        differs[block.b:block.b + block.size] = [False] * block.size
        missing -= block.size
    # A line in the place of another is marked; only what has none is told.
    missing = max(0, missing - sum(differs))
    return list(zip(differs, lines)), missing


def title(card):
    """A card's first line: which sample, and what became of it."""
    sign = {True: "✓ ", False: "✗ ", None: ""}[card.passed]
    return f"{sign}sample {card.number}" + (
        f": {card.verdict}" if card.verdict else "")


def lacks(card, first):
    lines = "line" if card.missing == 1 else "lines"
    return f"({card.missing} {lines} of sample {first} missing)"


def in_text(lines):
    return [f"  {'≠' if differs else ' '} {line}".rstrip()
            for differs, line in lines]


def in_page(lines):
    """Lines as HTML that wraps; one that differs is marked, with a sign."""
    written = "\n".join(
        f'<mark style="background-color:{MARK}; color:{INK}">≠ '
        f'{html.escape(line)}</mark>' if differs else f"  {html.escape(line)}"
        for differs, line in lines)
    return (f'<pre style="{COLOURS}; white-space:pre-wrap; '
            f'overflow-wrap:anywhere; margin:4px 0; padding:0; border:0; '
            f'font-size:12px; line-height:1.4">{written}</pre>')
