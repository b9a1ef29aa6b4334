"""The second edition of ``mini-apps``: programs that may hide their steps.

A story tells of a number n that is not known before the program runs:

    Uma has n eggs. On Friday Uma loses 3. On Monday Uma doubles them. On
    Tuesday Uma finds 7. At last Uma keeps 30 at most. Read n, print how many
    eggs Uma has in the end.

Some people hand in every step, others the formula that is left of them:

    n = int(input())                n = int(input())
    n = n * 2                       print(min(2 * n + 4, 30))
    n = n + 7
    n = n - 3
    n = min(n, 30)
    print(n)

Which share of a problem's programs shows its steps is a *dial*
(:func:`turned`), over the same problems and tests.  A plan is the derivation
of the formula, one line a day (:func:`write_derivation`).

The one example tells little, as those of programming sites.  It is a small
input, of half of the problems 0, which does not show how often the n things
were doubled; a program that forgets the limit passes.  Or it is so large that
the answer is the limit, and any formula passes.  The hidden tests tell the
formula from every other one.
"""

import json
import random
from dataclasses import dataclass, replace

from helpers.mini.stories import DAYS, ITEMS, NAMES, VERBS, Event, Story
from helpers.mini.tasks import Step, question_of, told_steps

# Problems of each split for every number of days: told in order, and not.
FORMULA_SPLITS = {"train": (57, 19), "dev": (18, 6), "test": (38, 12)}
LEVELS_OF_DAYS = {2: "introductory", 3: "interview", 4: "interview",
                  5: "competition"}
LIMITED = 0.4                 # of the stories set a limit, behind all days
LIMITS = (20, 30, 40, 50)
EXAMPLE_AT_LIMIT = 0.5        # of those that have one
DAYS_AND_END = (*DAYS, "End")         # of a step, by its day
AT_LAST = len(DAYS)
# A formula is times * n + plus, at most a limit; none has larger numbers.
MOST_TIMES, MOST_PLUS = 4, 40
# Inputs of the example, where it is not 0, and of the hidden tests.
SMALL_INPUTS, LARGE_INPUTS = range(1, 6), range(6, 200)
HIDDEN_TESTS = 5
# The people who hand in programs, by the name of their variable; "a" takes a
# new letter for each step.
PEOPLE = "nxta"
DEEDS = {"+": "plus", "-": "minus", "*": "times", "min": "at most"}


@dataclass(frozen=True)
class Formula:
    """``times * n + plus``, and ``limit`` at most if that is no None."""

    times: int = 1
    plus: int = 0
    limit: int | None = None

    def after(self, step):
        """The formula behind one more :class:`Step`, of + - * min."""
        times, plus, limit = self.times, self.plus, self.limit
        op, number = step.op, step.number
        if op == "min":
            return Formula(times, plus, min(number, limit or number))
        if op == "*":
            return Formula(times * number, plus * number,
                           limit and limit * number)
        number = number if op == "+" else -number
        return Formula(times, plus + number, limit and limit + number)

    def value(self, n):
        """What it makes of the number ``n``."""
        value = self.times * n + self.plus
        return value if self.limit is None else min(value, self.limit)

    @property
    def usual(self):
        """Is it as small as those of the benchmark, and never below zero?"""
        return self.times <= MOST_TIMES and 0 <= self.plus <= MOST_PLUS

    def __str__(self):
        limit = "" if self.limit is None else f" up to {self.limit}"
        return f"{self.times} * n + {self.plus}{limit}"


def formulas(steps):
    """The formula at the start and behind each of ``steps``."""
    found = [Formula()]
    for step in steps:
        found.append(found[-1].after(step))
    return found


def formula_of(steps):
    """The formula that is left of ``steps``."""
    return formulas(steps)[-1]


# -------------------------------------------------------------- the stories

def order_of(story):
    """The :class:`Step` list of a story in the order of the days."""
    return [Step(event.day, event.op, event.number)
            for event in story.events]


def draw_steps(rng, days, limited):
    """Steps on ``days``, and a limit at the end if ``limited``, or ``None``.

    ``None`` where a formula on the way is not :attr:`Formula.usual`, or where
    a small input would reach every limit.
    """
    steps = []
    for day in days:
        op = rng.choice("++--*")
        steps.append(Step(day, op, 2 if op == "*" else rng.randint(1, 9)))
    found = formulas(steps)
    if not all(formula.usual for formula in found):
        return None
    if limited:
        reached = max(map(found[-1].value, SMALL_INPUTS))
        fits = [limit for limit in LIMITS if limit > reached]
        if not fits:
            return None
        steps.append(Step(AT_LAST, "min", rng.choice(fits)))
    return steps


def draw_formula_story(rng, days, shuffled):
    """A story of so many days; ``shuffled``: told out of order.

    Where it is, the order matters: who follows the text gets another formula.
    One day is always told in order.
    """
    shuffled = shuffled and days > 1
    while True:
        order, limited = None, rng.random() < LIMITED
        while order is None:
            order = draw_steps(
                rng, sorted(rng.sample(range(len(DAYS)), days)), limited)
        name, told = rng.choice(NAMES), []
        for step in order:
            what = "doubles them" if step.op == "*" else ""
            if step.op in VERBS:
                what = f"{rng.choice(VERBS[step.op])} {step.number}"
            told.append(Event(
                step.day, step.op, step.number,
                f"On {DAYS_AND_END[step.day]} {name} {what}." if what else
                f"At last {name} keeps {step.number} at most."))
        events = tuple(told)
        if shuffled:
            told = told[:days]
            rng.shuffle(told)
        story = Story(name, rng.choice(ITEMS), "n",
                      (*told, *events[len(told):]), events)
        if not shuffled or formula_of(told_steps(story)) != formula_of(order):
            return story


# ------------------------------------------------------- programs and plans

def expression(formula, name):
    """The formula as people write it, of the variable ``name``."""
    text = name
    if formula.times > 1:
        text = (f"{name} * {formula.times}" if name == "x" else
                f"{formula.times} * {name}")
    if formula.plus:
        text += f" {'+' if formula.plus > 0 else '-'} {abs(formula.plus)}"
    return (text if formula.limit is None else
            f"min({text}, {formula.limit})")


def hiding(steps, person):
    """The program of one of :data:`PEOPLE` who simplifies first."""
    return (f"{person} = int(input())\n"
            f"print({expression(formula_of(steps), person)})\n")


def headed(steps, program):
    """``program`` below a comment that derives its formula."""
    return "".join(f"# {line}\n" for line in derivation(steps)) + program


def showing(steps, person, comments=False):
    """The program of one of :data:`PEOPLE` who writes down every step.

    With ``comments`` it says above each line what the plan says.
    """
    lines, name = [f"{person} = int(input())"], person
    for step, note in zip(steps, derivation(steps)[1:]):
        if comments:
            lines.append(f"# {note}")
        here = chr(ord(name) + 1) if person == "a" else name
        lines.append(f"{here} = min({name}, {step.number})"
                     if step.op == "min" else
                     f"{here} = {name} {step.op} {step.number}")
        name = here
    return "\n".join(lines + [f"print({name})"]) + "\n"


def shows_steps(program):
    """Does a program of the benchmark show its steps?"""
    return len(program.splitlines()) > 2


def derivation(steps, days=True):
    """The lines of a plan, without numbers; without ``days``, no reasons."""
    found = formulas(steps)
    lines = [f"Start with {found[0]}."]
    for step, formula in zip(steps, found[1:]):
        deed = f"{DEEDS[step.op]} {step.number}, {formula}."
        lines.append(f"{DAYS_AND_END[step.day]}: {deed}" if days
                     else deed[0].upper() + deed[1:])
    return [*lines, f"Print {found[-1]}."]


def write_derivation(steps, days=True):
    """The plan for the steps: what each day makes of the formula."""
    return "".join(f"{i}. {line}\n" for i, line in
                   enumerate(derivation(steps, days), 1))


def simplest_steps(formula):
    """The steps that a formula shows to who knows nothing else.

    A program that hides its steps can be explained by these alone: times,
    plus, at most.
    """
    steps = []
    if formula.times > 1:
        steps.append(Step(0, "*", formula.times))
    if formula.plus:
        steps.append(Step(0, "+", formula.plus))
    if formula.limit is not None:
        steps.append(Step(AT_LAST, "min", formula.limit))
    return steps


# ------------------------------------------------------------ the benchmark

def turned(problem, share):
    """The problem with one program of each person, as the dial says.

    ``share`` (0 to 1) of them show their steps; where that is no whole number
    of people, some problems have one more than others.  Who shows the steps
    at a smaller share does so at a larger one.  Raises ``ValueError`` for a
    share outside 0..1, and for a problem that has not both programs of all.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of programs that show their steps lies "
                         f"between 0 and 1, not at {share!r}")
    shown = [text for text in problem.solutions if shows_steps(text)]
    hidden = [text for text in problem.solutions if not shows_steps(text)]
    if len(shown) != len(hidden):
        raise ValueError(f"{problem.task_id} lacks programs that show their "
                         f"steps, or such that hide them; the dial is for "
                         f"problems of the mini world's second edition")
    part = random.Random(problem.task_id).random()
    many = int(share * len(shown) + part)
    return replace(problem, solutions=(*shown[:many], *hidden[many:]))


def hidden_inputs(rng, formula, shown):
    """Inputs that tell the formula from all others, in any order.

    At least two below its limit, if it has one: behind it all formulas are
    alike.
    """
    free = [n for n in (*SMALL_INPUTS, *LARGE_INPUTS) if n not in shown]
    below = [n for n in free
             if formula.limit is None or formula.value(n) < formula.limit]
    above = [n for n in free if n not in below]
    if not above:
        return rng.sample(LARGE_INPUTS, HIDDEN_TESTS)
    found = rng.sample(below, 2) + rng.sample(above, HIDDEN_TESTS - 2)
    rng.shuffle(found)
    return found


def formula_row(rng, number, story):
    """One problem in the schema of APPS, with both programs of everybody."""
    order = order_of(story)
    days = sum(step.day != AT_LAST for step in order)
    formula, people = formula_of(order), rng.sample(PEOPLE, len(PEOPLE))
    shown = [rng.choice((0, rng.choice(SMALL_INPUTS)))]
    at_limit = [n for n in LARGE_INPUTS if formula.value(n) == formula.limit]
    if at_limit and rng.random() < EXAMPLE_AT_LIMIT:
        shown = [rng.choice(at_limit)]
    inputs = shown + hidden_inputs(rng, formula, shown)
    tests = [(f"{n}\n", f"{formula.value(n)}\n") for n in inputs]

    def as_json(pairs):
        return json.dumps(dict(zip(("inputs", "outputs"), zip(*pairs))))

    return {"problem_id": number, "question": question_of(story),
            "solutions": json.dumps(
                [showing(order, person) for person in people]
                + [hiding(order, person) for person in people]),
            "input_output": as_json(tests),
            "difficulty": LEVELS_OF_DAYS[days], "url": "",
            "starter_code": "",
            "example_input_output": as_json(tests[:1])}


def make_formula_benchmark(seed, each, seen=None):
    """Rows of APPS' schema.

    ``each``: how many of every number of days are told in order, how many
    are not.
    Questions in the set ``seen`` are avoided, new ones added to it.
    """
    rng, told = random.Random(seed), []
    seen = set() if seen is None else seen
    for days in LEVELS_OF_DAYS:
        for shuffled, count in zip((False, True), each):
            for _ in range(count):
                story = draw_formula_story(rng, days, shuffled)
                while question_of(story) in seen:
                    story = draw_formula_story(rng, days, shuffled)
                seen.add(question_of(story))
                told.append(story)
    rng.shuffle(told)
    return [formula_row(rng, number, story)
            for number, story in enumerate(told)]
