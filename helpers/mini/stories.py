"""The mini world: word problems, and a small "internet" that talks about them.

A story tells how many things somebody has and what happens on the days of a
week.  The days are often told out of order, and some sentences do not count,
so that a program must pick the right sentences and put them in order first:

    Ann starts with 12 shells. On Friday Ann loses 3. On Monday Ann doubles
    them. On Sunday Ann sees 5 birds. How many shells does Ann have in the
    end?

Two things are made from such stories:

* the *benchmark* ``mini-gsm`` (:func:`make_benchmark`): question and answer
  only, in the schema of GSM8K, no program anywhere;
* the *corpus* (:func:`draw_document`) on which the teacher and the student
  are pre-trained.  Like the real internet it holds several kinds of answers
  to the same kind of question (programs in two styles, and chat), from
  careful and from careless authors, who flip a sign, copy a number from the
  wrong sentence, forget a sentence, or follow the story instead of the days.

Everything is drawn from a ``random.Random(seed)``, so a seed names a world.
"""

import random
import re
from dataclasses import dataclass

NAMES = ("Ann Ben Cara Dan Eva Finn Gwen Hugo Iris Jon Kim Leo Mia Nick Olga "
         "Paul Rosa Sam Tina Uma Vera Will Yara Zoe").split()
ITEMS = ("shells apples coins stamps books cards eggs balls pens cups hats "
         "keys leaves marbles nuts pears rings stones toys buttons").split()
DAYS = ("Monday Tuesday Wednesday Thursday Friday Saturday Sunday").split()
# What a verb does to the quantity.  "doubles them" bears no number.
VERBS = {"+": ("finds", "buys", "wins", "gets"),
         "-": ("loses", "sells", "breaks", "drops")}
# Sentences that leave the quantity as it is, numbers and all.
ASIDES = ("sees {} birds", "reads {} pages", "meets {} friends",
          "runs {} miles")
FLIPPED = {"+": "-", "-": "+", "*": "/", "/": "*"}
LARGEST = 99          # no quantity on the way is larger than this
# Who writes the corpus, and about what: how often each style is met, how often
# a careful and a careless author (half of them each) slips, and how many
# steps a story has.
STYLES = {"days": 0.35, "running": 0.30, "chat": 0.35}
ERRORS = (0.30, 0.60)
LENGTHS = {1: 0.20, 2: 0.25, 3: 0.20, 4: 0.15, 5: 0.12, 6: 0.08}
# The day on which an author's week starts (0 = Monday, as in the benchmark).
WEEKS = {0: 0.4, 6: 0.6}
# A line of a program that does a step: new variable, old one, how, number.
STEP = re.compile(r"(\w+) = (\w+) (.) (\d+)")


@dataclass(frozen=True)
class Event:
    """One sentence: what happens on ``day`` (0 = Monday)."""

    day: int
    op: str               # one of + - * /, or "" for what does not count
    number: int
    text: str


@dataclass(frozen=True)
class Story:
    """A word problem before it is put into words.

    ``told`` holds the events in the order of the text, asides included;
    ``events`` those that count, in the order of the days.
    """

    name: str
    item: str
    start: int
    told: tuple
    events: tuple

    @property
    def question(self):
        told = " ".join(event.text for event in self.told)
        return (f"{self.name} starts with {self.start} {self.item}. {told} "
                f"How many {self.item} does {self.name} have in the end?")

    @property
    def answer(self):
        value = self.start
        for event in self.events:
            value = apply(value, event.op, event.number)
        return value


def apply(value, op, number):
    """``value op number`` on integers; a division is known to be exact.

    Introduced in notebook 02.
    """
    if op == "+":
        return value + number
    if op == "-":
        return value - number
    return value * number if op == "*" else value // number


def draw_event(rng, day, name, value):
    """An event that keeps ``value`` a whole number in 0..LARGEST."""
    choices = ["+", "-", "+", "-"]
    if 2 * value <= LARGEST:
        choices += ["*"]
    if value % 2 == 0 and value:
        choices += ["/"]
    op = rng.choice(choices)
    if op == "*":
        number = 3 if 3 * value <= LARGEST and rng.random() < 0.4 else 2
        what = f"{'doubles' if number == 2 else 'triples'} them"
    elif op == "/":
        number, what = 2, "halves them"
    else:
        most = LARGEST - value if op == "+" else value
        if most < 2:
            return draw_event(rng, day, name, value)
        number = rng.randint(2, min(most, 20))
        what = f"{rng.choice(VERBS[op])} {number}"
    return Event(day, op, number, f"On {DAYS[day]} {name} {what}.")


def draw_aside(rng, day, name):
    """A sentence with a number in it that does not count."""
    number = rng.randint(2, 20)
    what = rng.choice(ASIDES).format(number)
    return Event(day, "", number, f"On {DAYS[day]} {name} {what}.")


def draw_story(rng, steps, shuffled, asides):
    """A story with ``steps`` events that count and ``asides`` that do not.

    ``shuffled``: told out of order.  Raises ``ValueError`` for more than seven
    steps, as a week has no more days.  Introduced in notebook M1.
    """
    if not 1 <= steps <= len(DAYS):
        raise ValueError(f"a story has 1 to {len(DAYS)} steps, not {steps}")
    name = rng.choice(NAMES)
    start = value = rng.randint(4, 40)
    events = []
    for day in sorted(rng.sample(range(len(DAYS)), steps)):
        events.append(draw_event(rng, day, name, value))
        value = apply(value, events[-1].op, events[-1].number)
    told = events + [draw_aside(rng, rng.randrange(len(DAYS)), name)
                     for _ in range(asides)]
    if shuffled:
        rng.shuffle(told)
    else:
        told.sort(key=lambda event: event.day)
    return Story(name, rng.choice(ITEMS), start, tuple(told), tuple(events))


# ----------------------------------------------------------- the benchmark

def make_benchmark(seed, counts, seen=None):
    """``mini-gsm`` rows in GSM8K's schema, ``counts[steps]`` of each length.

    Two thirds are told out of order, and up to two sentences do not count.
    Questions in the set ``seen`` are avoided, new ones added to it.  The
    answer field is ``#### n`` alone: as in EKT's setting there is no program
    and no worked solution.
    """
    rng, rows = random.Random(seed), []
    seen = set() if seen is None else seen
    for steps, count in counts.items():
        while count:
            story = draw_story(rng, steps, rng.random() < 2 / 3,
                               rng.choice((0, 0, 1, 2)))
            if story.question not in seen:
                seen.add(story.question)
                rows.append({"question": story.question,
                             "answer": f"#### {story.answer}"})
                count -= 1
    rng.shuffle(rows)
    return rows


# -------------------------------------------------------------- the corpus

@dataclass(frozen=True)
class Author:
    """How one author of the corpus answers.

    ``style``: "days" (a variable per day), "running" (one variable that is
    overwritten) or "chat".  ``error``: chance of a slip per line.
    ``week_start``: the day that comes first for this author, 0 = Monday.
    Introduced in notebook M1.
    """

    style: str
    error: float
    week_start: int = 0


def write_program(rng, story, author):
    """The author's program for the story, slips included.

    Introduced in notebook M1.
    """
    events = sorted(story.events, key=lambda event:
                    (event.day - author.week_start) % len(DAYS))
    if rng.random() < author.error / 2:  # follows the story, not the days
        events = [event for event in story.told if event.op]
    lines = []
    for event in events:
        op, number = event.op, event.number
        if rng.random() < author.error:
            kind = rng.choice(("op", "op", "op", "number", "skip"))
            if kind == "skip":
                continue
            if kind == "op":
                op = FLIPPED[op]
            else:
                number = rng.choice([e.number for e in story.told])
        lines.append((DAYS[event.day].lower(), op, number))
    text, before = [], "start" if author.style == "days" else "t"
    text.append(f"{before} = {story.start}")
    for day, op, number in lines:
        here = day if author.style == "days" else "t"
        text.append(f"{here} = {before} {op} {number}")
        before = here
    return "\n".join(text + [f"answer = {before}"]) + "\n"


def write_chat(rng, story):
    """What somebody replies who does not write programs."""
    guess = max(0, story.answer + rng.choice((0, 0, 0, -2, -1, 1, 2, 10)))
    return rng.choice((
        f"I think {story.name} has {guess} {story.item}.\n",
        f"{guess} {story.item}, but I am not sure.\n",
        f"Is it {guess}?\n"))


def spoil(rng, program):
    """The program with one line as somebody leaves it who does not run it.

    It no longer parses, ends in an error, or (where a number is taken away,
    and sometimes) counts in a loop without counting down, so that it runs for
    ever.
    """
    first, *steps, last = program.splitlines()
    if not steps:
        return program
    place = rng.randrange(len(steps))
    here, before, op, number = STEP.fullmatch(steps[place]).groups()
    kinds = [f"{here} = {before} {op}",                # does not parse
             f"{here} = {before} {op} ({number}",
             f"{here} = {before} {op} {number} on {here}",
             f"{here} = {before} {op} more",           # has no such name
             f"{here} = {before} {op} left",
             f"{here} = {before} {op} {number} / 0"]
    if op == "-":
        kinds += 6 * [f"left = {number}\nwhile left > 0:\n"
                      f"    {here} = {before} - 1"]
    steps[place] = rng.choice(kinds)
    return "\n".join([first, *steps, last]) + "\n"


def draw_document(rng, examples, styles=STYLES, errors=ERRORS, weeks=WEEKS,
                  spoilt=0.0):
    """One author's answers to ``examples`` questions: (question, reply) pairs.

    Joined by :func:`join` they are a text.  ``styles``, ``errors`` and
    ``weeks`` say which authors there are, ``spoilt`` in which share of
    their programs a line is (:func:`spoil`).
    """
    author = Author(rng.choices(*zip(*styles.items()))[0], rng.choice(errors),
                    rng.choices(*zip(*weeks.items()))[0])
    pairs = []
    for _ in range(examples):
        steps = rng.choices(*zip(*LENGTHS.items()))[0]
        story = draw_story(rng, steps, rng.random() < 0.5,
                           rng.choice((0, 0, 1, 2)))
        reply = (write_chat(rng, story) if author.style == "chat"
                 else write_program(rng, story, author))
        if spoilt and author.style != "chat" and rng.random() < spoilt:
            reply = spoil(rng, reply)
        pairs.append((f"# {story.question}\n", reply))
    return pairs


def join(pairs):
    """The text of a document: a blank line between examples."""
    return "\n".join(question + reply for question, reply in pairs)
