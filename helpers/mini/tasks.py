"""The mini world's second benchmark: programs that read their input.

``mini-apps`` tells such stories as ``mini-gsm``, of small numbers and of a
number n that is not known before the program runs:

    Ann has n shells. On Friday Ann loses 3. On Monday Ann doubles them.
    Read n, print how many shells Ann has in the end.

A problem has several reference solutions, example tests and hidden tests,
and a difficulty, in the schema of APPS.  People solve it in programs of
different looks (:data:`LOOKS`); most do not name the days, so *why* a line
comes where it does cannot be seen in the code.  A plan says it:

    1. Read n.
    2. Monday: times 2.
    3. Friday: minus 3.
    4. Print it.

The corpus (:func:`draw_document`) holds both, and texts from one to the other.
Who explains a program, or follows a plan, slips rarely; who starts from the
question slips as often as in ``mini-gsm``.
"""

import json
import random
from dataclasses import dataclass

from helpers.mini.stories import (ASIDES, DAYS, FLIPPED, ITEMS, NAMES, VERBS,
                                  WEEKS, Event, Story, apply)
from helpers.prompts import section

# Problems of each split for every number of steps, told in order and not.
SPLITS = {"train": 30, "dev": 6, "test": 15}
STEPS = (2, 3, 4, 5, 6)
DIFFICULTIES = {2: "introductory", 3: "interview", 4: "interview",
                5: "competition", 6: "competition"}
EXAMPLES, HIDDEN, SOLUTIONS = 2, 3, (3, 5)
INPUTS = range(200)
LENGTHS = {1: 0.1, 2: 0.2, 3: 0.2, 4: 0.2, 5: 0.2, 6: 0.1}    # of the corpus
# How programs look, and how often.
LOOKS = {"running": 0.35, "letters": 0.35, "named": 0.3}
WORDS = {"+": "plus", "-": "minus", "*": "times", "/": "divided by"}
# What is given and what is asked for in the corpus, how often, and how often
# a careful and a careless author slips in a line of the reply.
KINDS = {("question", "code"): (0.25, (0.30, 0.60)),
         ("question", "plan"): (0.25, (0.30, 0.60)),
         ("code", "plan"): (0.10, (0.05, 0.15)),
         ("question", "code", "plan"): (0.15, (0.05, 0.15)),
         ("question", "plan", "code"): (0.25, (0.05, 0.15))}


@dataclass(frozen=True)
class Step:
    """One line: on ``day`` (0 = Monday) ``op``, of + - * /, by ``number``."""

    day: int
    op: str
    number: int


def draw_story(rng, steps, shuffled, asides):
    """A story of small numbers, as :func:`helpers.mini.stories.draw_story`.

    Its ``start`` is n, which nobody knows.
    """
    name, told = rng.choice(NAMES), []
    for day in sorted(rng.sample(range(len(DAYS)), steps)):
        op, number = rng.choice("++--*/"), rng.randint(2, 9)
        if op in VERBS:
            what = f"{rng.choice(VERBS[op])} {number}"
        else:
            number = 2 if op == "/" else rng.choice((2, 2, 3))
            what = {"*2": "doubles them", "*3": "triples them",
                    "/2": "halves them"}[f"{op}{number}"]
        told.append(Event(day, op, number, f"On {DAYS[day]} {name} {what}."))
    events = tuple(told)
    for _ in range(asides):
        day, number = rng.randrange(len(DAYS)), rng.randint(2, 9)
        what = rng.choice(ASIDES).format(number)
        told.append(Event(day, "", number, f"On {DAYS[day]} {name} {what}."))
    if shuffled:
        rng.shuffle(told)
    else:
        told.sort(key=lambda event: event.day)
    return Story(name, rng.choice(ITEMS), "n", tuple(told), events)


def question_of(story):
    """The story as a task for a program that reads n."""
    told = " ".join(event.text for event in story.told)
    return (f"{story.name} has n {story.item}. {told} Read n, print how many "
            f"{story.item} {story.name} has in the end.")


def steps_of(story, week_start=0):
    """The :class:`Step` list of a story, in the order of the days.

    ``week_start`` is the day that comes first.
    """
    return [Step(event.day, event.op, event.number) for event in sorted(
        story.events, key=lambda e: (e.day - week_start) % len(DAYS))]


def told_steps(story):
    """In the order of the text."""
    return [Step(e.day, e.op, e.number) for e in story.told if e.op]


def carried_out(steps, n):
    """What the steps make of ``n``."""
    for step in steps:
        n = apply(n, step.op, step.number)
    return n


def result(steps, n):
    """:func:`carried_out`, or ``None`` if a quantity on the way is no whole
    number or below zero.
    """
    for step in steps:
        whole = step.op != "/" or n % step.number == 0
        n = apply(n, step.op, step.number)
        if n < 0 or not whole:
            return None
    return n


# ------------------------------------------------------- programs and plans

def write_code(rng, steps, look):
    """A program for the steps that looks like one of :data:`LOOKS`."""
    name = {"running": rng.choice("nxt"), "letters": "a", "named": "n"}[look]
    lines = [f"{name} = int(input())"]
    for number, step in enumerate(steps):
        here = {"running": name, "letters": "abcdefghij"[number + 1]}.get(
            look, DAYS[step.day].lower())
        op = "//" if step.op == "/" else step.op
        lines.append(f"{here} = {name} {op} {step.number}")
        name = here
    return "\n".join(lines + [f"print({name})"]) + "\n"


def write_plan(steps, days=True):
    """A numbered plan for the steps; without ``days`` it says no reasons."""
    lines = ["Read n."]
    for step in steps:
        words = f"{WORDS[step.op]} {step.number}."
        lines.append(f"{DAYS[step.day]}: {words}" if days
                     else words.capitalize())
    return "".join(f"{i}. {line}\n" for i, line in
                   enumerate(lines + ["Print it."], 1))


def slip(rng, steps, told, error):
    """The steps as an author writes them who errs with chance ``error``.

    Another operation, a number of another sentence, or a step left out.
    """
    written = []
    for step in steps:
        op, number = step.op, step.number
        if rng.random() < error:
            kind = rng.choice(("op", "op", "number", "skip"))
            if kind == "skip":
                continue
            if kind == "op":
                op = FLIPPED[op] if op in "+-" else rng.choice("+-")
            else:
                number = rng.choice([event.number for event in told])
        if op == "/":
            number = 2
        elif op == "*":
            number = min(max(number, 2), 3)
        written.append(Step(step.day, op, number))
    return written


# ------------------------------------------------------------ the benchmark

def draw_task(rng, steps, shuffled):
    """A story and the inputs for which nothing is cut or negative.

    Every story doubles, triples or halves once at least.  In one that is told
    out of order the order matters: who follows the text gets other numbers.
    """
    while True:
        story = draw_story(rng, steps, shuffled, rng.choice((0, 0, 1)))
        order, told = steps_of(story), told_steps(story)
        inputs = [n for n in INPUTS if result(order, n) is not None]
        if shuffled:
            inputs = [n for n in inputs if
                      carried_out(told, n) != carried_out(order, n)]
        if (len(inputs) >= EXAMPLES + HIDDEN and shuffled == (told != order)
                and any(step.op in "*/" for step in order)):
            return story, inputs


def make_row(rng, number, story, inputs):
    """One problem in the schema of APPS, its solutions all different."""
    order = steps_of(story)
    tests = [(f"{n}\n", f"{result(order, n)}\n")
             for n in rng.sample(inputs, EXAMPLES + HIDDEN)]

    def as_json(pairs):
        return json.dumps(dict(zip(("inputs", "outputs"), zip(*pairs))))

    solutions, wanted = [], rng.randint(*SOLUTIONS)
    while len(solutions) < wanted:
        look = rng.choices(*zip(*LOOKS.items()))[0]
        code = write_code(rng, order, look)
        if code not in solutions:
            solutions.append(code)
    return {"problem_id": number, "question": question_of(story),
            "solutions": json.dumps(solutions),
            "input_output": as_json(tests),
            "difficulty": DIFFICULTIES[len(order)], "url": "",
            "starter_code": "",
            "example_input_output": as_json(tests[:EXAMPLES])}


def make_benchmark(seed, each, seen):
    """``mini-apps`` rows: ``each`` problems for every number of steps, told in
    order, and as many told out of order.

    Questions in the set ``seen`` are avoided, new ones added to it.
    """
    rng, tasks = random.Random(seed), []
    for steps in STEPS:
        for shuffled in (False, True):
            for _ in range(each):
                story, inputs = draw_task(rng, steps, shuffled)
                while (question := question_of(story)) in seen:
                    story, inputs = draw_task(rng, steps, shuffled)
                seen.add(question)
                tasks.append((story, inputs))
    rng.shuffle(tasks)
    return [make_row(rng, number, story, inputs)
            for number, (story, inputs) in enumerate(tasks)]


# --------------------------------------------------------------- the corpus

def draw_document(rng, examples, slips=True, weeks=WEEKS, kinds=KINDS):
    """One author's texts of one kind: (given, reply) pairs.

    Without ``slips`` an author errs in two lines of a hundred, as in the
    textbook.  ``weeks`` as in :func:`helpers.mini.stories.draw_document`.
    """
    kind = rng.choices(list(kinds), [share for share, _ in kinds.values()])[0]
    error = rng.choice(kinds[kind][1]) if slips else 0.02
    week_start = rng.choices(*zip(*weeks.items()))[0]
    look = rng.choices(*zip(*LOOKS.items()))[0]
    pairs = []
    for _ in range(examples):
        length = rng.choices(*zip(*LENGTHS.items()))[0]
        story = draw_story(rng, length, rng.random() < 0.5,
                           rng.choice((0, 0, 1)))
        # What is given is right for whoever explains or follows it.
        meant = steps_of(story, week_start)
        from_question = len(kind) == 2 and kind[0] == "question"
        if from_question and slips and rng.random() < error / 2:
            meant = told_steps(story)
        written = slip(rng, meant, story.told, error)
        days = look == "named" or "question" in kind and (
            kind[-1] == "plan" or rng.random() < 0.5)
        texts = {
            "question": question_of(story) + "\n",
            "code": write_code(rng, written if kind[-1] == "code" else meant,
                               look),
            "plan": write_plan(written if kind[-1] == "plan" else meant,
                               days)}
        given = "".join(section(part, texts[part]) for part in kind[:-1])
        pairs.append((given + section(kind[-1]), texts[kind[-1]]))
    return pairs
