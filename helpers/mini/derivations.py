"""Derivations read back: what follows from what, line by line.

A plan of ``mini-apps``, second edition, says what each day makes of a
formula.  Each of its lines can be wrong in two ways: it says another deed
than the story, or its formula does not follow from the line before.
"""

import re
from dataclasses import dataclass

from helpers.mini.formulas import (AT_LAST, DAYS_AND_END, DEEDS, Formula,
                                   order_of)
from helpers.mini.stories import DAYS, VERBS, Event, Story
from helpers.mini.tasks import Step, question_of
from helpers.plans import steps as lines_of

TASK_TOLD = re.compile(r"(\w+) has n (\w+)\. (.*) Read n, print how many "
                  r"\2 \1 has in the end\.", re.DOTALL)
DEED_TOLD = re.compile(r"(?:On|At) (\w+) \w+ (\w+) (them|\d+)( at most)?\.")
OPS = ({verb: op for op, verbs in VERBS.items() for verb in verbs}
       | {"doubles": "*", "keeps": "min"})
TIMES_TOLD = (*DAYS, "last")
FORMULA_TOLD = r"(\d+) \* n \+ (\d+)(?: up to (\d+))?\."
OF_WORDS = {words: op for op, words in DEEDS.items()}
DERIVED = re.compile(rf"(?:({'|'.join(DAYS_AND_END)}): )?"
                     rf"({'|'.join(OF_WORDS)}) (\d+), {FORMULA_TOLD}",
                     re.IGNORECASE)
START_LINE, PRINT_LINE = (re.compile(rf"{word} {FORMULA_TOLD}")
                    for word in ("Start with", "Print"))


def read_formula_task(question):
    """The ``Story`` that a question tells; ``None`` for others.

    Its ``start`` is n, which nobody knows.
    """
    found = TASK_TOLD.fullmatch(question.strip())
    if not found:
        return None
    told = []
    for match in DEED_TOLD.finditer(found[3]):
        day, verb, number, _ = match.groups()
        if day not in TIMES_TOLD or verb not in OPS:
            return None
        told.append(Event(TIMES_TOLD.index(day), OPS[verb],
                          2 if number == "them" else int(number),
                          match.group()))
    events = tuple(sorted(told, key=lambda event: event.day))
    story = Story(found[1], found[2], "n", tuple(told), events)
    return story if question_of(story) == question.strip() else None


def steps_of(question):
    """The :class:`Step` list of a question, in the order of the days."""
    return order_of(read_formula_task(question))


def formula_facts(question):
    """``(days, in order)`` of a question; ``None`` for others."""
    story = read_formula_task(question)
    return story and (sum(event.day != AT_LAST for event in story.told),
                      story.told == story.events)


@dataclass(frozen=True)
class Line:
    """One line of a derivation: the day, if it is named, deed and formula.

    ``step`` has day -1 where none is named.
    """

    step: Step
    formula: Formula


def formula_in(numbers):
    """The :class:`Formula` of three groups of a match."""
    times, plus, limit = numbers
    return Formula(int(times), int(plus),
                   None if limit is None else int(limit))


def read_derivation(plan):
    """(first formula, list of :class:`Line`, last formula), or ``None``.

    ``None`` for a plan that has another form.
    """
    texts = lines_of(plan)
    if len(texts) < 2:
        return None
    first = START_LINE.fullmatch(texts[0])
    last = PRINT_LINE.fullmatch(texts[-1])
    inner = [DERIVED.fullmatch(text) for text in texts[1:-1]]
    if not (first and last and all(inner)):
        return None
    lines = []
    for match in inner:
        day, words, number, *formula = match.groups()
        lines.append(Line(
            Step(DAYS_AND_END.index(day.capitalize()) if day else -1,
                 OF_WORDS[words.lower()], int(number)),
            formula_in(formula)))
    return formula_in(first.groups()), lines, formula_in(last.groups())


def sums_right(plan):
    """For each line behind the first: does its formula follow?

    From the deed that it states and the formula of the line before, right or
    wrong; the last line repeats a formula.  ``None`` for a plan of another
    form.
    """
    found = read_derivation(plan)
    if found is None:
        return None
    before, lines, last = found
    marks = []
    for line in lines:
        marks.append(line.formula == before.after(line.step))
        before = line.formula
    return [*marks, last == before]


def deeds_right(plan, steps):
    """For each of ``steps``: does the plan's line say the same?

    A day that is not named is not missed.  ``None`` for a plan of another
    form.  A plan with more lines than there are steps has one more mark,
    False.
    """
    found = read_derivation(plan)
    if found is None:
        return None
    said = [line.step for line in found[1]]
    marks = [i < len(said) and said[i] in (step, Step(-1, step.op,
                                                      step.number))
             for i, step in enumerate(steps)]
    return marks + [False] * (len(said) > len(steps))


def derives(plan, steps):
    """Is the plan the derivation of ``steps``, without a wrong line?

    False also for a plan of another form.
    """
    found = read_derivation(plan)
    return bool(found and found[0] == Formula()
                and all(sums_right(plan)) and all(deeds_right(plan, steps)))
