"""The mini world read back: its stories, its programs, its plans.

A question of either benchmark is turned into the ``Story`` that it tells,
:func:`read_story` and :func:`read_task`.  A plan is compared with a program
line by line: both are put into the same few words ("times 2").  What is none
of the mini world's is shown without marks, or answered by None.
"""

import re
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import zip_longest
from operator import add, floordiv, mul, sub
from random import Random

from helpers.mini.stories import DAYS, VERBS, Event, Story
from helpers.mini.tasks import INPUTS, WORDS, result, steps_of, write_code
from helpers.plans import steps
from helpers.programs import constants, parse, unparse

# ---------------------------------------------------------------- questions

START = re.compile(r"(\w+) starts with (\d+) (\w+)\. ")
SENTENCE = re.compile(r"On (\w+) \w+ (\w+) (them|\d+)( \w+)?\.")
TASK_TEXT = re.compile(r"(\w+) has n (\w+)\. (.*) Read n, print how many "
                       r"\2 \1 has in the end\.", re.DOTALL)
CHANGES = {verb: op for op, verbs in VERBS.items() for verb in verbs}
MULTIPLES = {"doubles": ("*", 2), "triples": ("*", 3), "halves": ("/", 2)}
SHIFT = 64            # even after six halvings, the most that a story has


def read_story(question):
    """The ``Story`` that a mini-world question tells; ``None`` for others.

    Introduced in notebook 02.
    """
    start, told = START.match(question), []
    if not start:
        return None
    for match in SENTENCE.finditer(question):
        day, verb, number, noun = match.groups()
        op = "" if noun else CHANGES.get(verb, "")       # "sees 5 birds"
        if number == "them":
            op, number = MULTIPLES.get(verb, ("", 0))
        if day in DAYS:
            told.append(Event(DAYS.index(day), op, int(number),
                              match.group()))
    events = sorted((event for event in told if event.op),
                    key=lambda event: event.day)
    name, number, item = start.groups()
    story = Story(name, item, int(number), tuple(told), tuple(events))
    return story if story.question == question else None


def read_task(question):
    """The ``Story`` of a ``mini-apps`` question; ``None`` for others.

    Its ``start`` is 1 in the place of n, which nobody knows.
    """
    found = TASK_TEXT.fullmatch(question.strip())
    return found and read_story(
        f"{found[1]} starts with 1 {found[2]}. {found[3]} How many "
        f"{found[2]} does {found[1]} have in the end?")


def task_facts(question):
    """``(steps, in order)`` of a question of ``mini-apps``; else ``None``.

    How many sentences change the quantity, and whether the story tells them
    in the order of the week.  Introduced in notebook E3.
    """
    story = read_task(question)
    if not story:
        return None
    told = [(e.day, e.op, e.number) for e in story.told if e.op]
    return len(told), told == [(e.day, e.op, e.number)
                               for e in story.events]


# ----------------------------------------------------------------- programs

def days_in_order(program):
    """Do the days that the program assigns come in the order of the week?

    Monday first, as in the benchmark.  A program can give the right answer and
    not be in order, where sums do not care.  Introduced in notebook 00.
    """
    days = [DAYS.index(word.capitalize()) for word in
            re.findall(r"^(\w+) =", program, re.MULTILINE)
            if word.capitalize() in DAYS]
    return days == sorted(days)


def renamed(program):
    """The same flat program with other variables: n0, n1, ..., answer.

    As in EKT's exemplars, in whose format its teacher would not write unless
    shown.  Introduced in notebook E1.
    """
    names = [name for name in re.findall(r"^(\w+) =", program, re.MULTILINE)
             if name != "answer"]
    new = {name: f"n{i}" for i, name in enumerate(dict.fromkeys(names))}
    return re.sub(r"[a-z]\w*", lambda match: new.get(match[0], match[0]),
                  program)


def variants(question, program):
    """The story with one number changed, and the program changed likewise.

    Introduced in notebook M4.  For each number in digits that
    the answer depends on: ``(question, answer, programs)``, the new question
    and its true answer (int), and the program with that number changed
    wherever it could have been meant: at each place on its own, and at all
    of them.  No programs if it is nowhere.  Empty for questions that are not
    of the mini world.  Raises ``ValueError`` as :func:`parse` does.
    """
    story, found = read_story(question), []
    for match in re.finditer(r"\d+", question) if story else ():
        number = int(match.group())
        changed = (question[:match.start()] + str(number + SHIFT)
                   + question[match.end():])
        answer = read_story(changed).answer
        if answer == story.answer:           # a sentence that does not count
            continue
        places = [i for i, node in enumerate(constants(parse(program)))
                  if node.value == number]
        programs = []
        for chosen in [[place] for place in places] + [places] * (
                len(places) > 1):
            tree = parse(program)
            for place in chosen:
                constants(tree)[place].value += SHIFT
            programs.append(unparse(tree))
        found.append((changed, answer, programs))
    return found


def follows(runner, problem, program):
    """Does the program still answer when the story's numbers change?

    Introduced in notebook M4.  ``runner`` is a ``Runner``.  True
    also if there is nothing to change (see :func:`variants`).  Raises
    ``RuntimeError`` if a program could not be judged.
    """
    for question, answer, programs in variants(problem.question, program):
        changed = replace(problem, question=question, answer=str(answer))
        found = {runner.judge(changed, text).status for text in programs}
        if "infrastructure" in found:
            raise RuntimeError(f"{problem.task_id} could not be judged: the "
                               f"machine failed, not the program; run again")
        if "passed" not in found:
            return False
    return True


def with_days(question):
    """The right program for a question of ``mini-apps``, a variable a day.

    None for a question that is no story of the mini world.  Introduced in
    notebook M2.
    """
    story = read_task(question)
    return story and write_code(Random(0), steps_of(story), "named")


def smallest_example(question):
    """((input, output),): one example test, and a weak one; else ().

    Of a question of ``mini-apps``, for the smallest number with which nothing
    goes below zero, as somebody writes who thinks of no test for long.  Where
    that is 0, doubling makes no difference.  Introduced in notebook 03.
    """
    story = read_task(question)
    if not story:
        return ()
    order = steps_of(story)
    n = next(n for n in INPUTS if result(order, n) is not None)
    return ((f"{n}\n", f"{result(order, n)}\n"),)


# ------------------------------------------------ plans beside programs

NOTHING = "(nothing)"
PLAN_LINE = re.compile(rf"(?:({'|'.join(DAYS)}):)?\s*(.*?)\.?")
CODE_LINE = re.compile(
    r"(?P<new>\w+) = (?:(?P<read>int\(input\(\)\))"
    r"|(?P<old>\w+) (?P<op>[-+*]|//) (?P<number>\d+))"
    r"|(?P<same>\w+) (?P<short>[-+*]|//)= (?P<by>\d+)"
    r"|print\((?P<printed>\w+)\)")
OPERATIONS = {"plus": add, "minus": sub, "times": mul,
              "divided by": floordiv}


def plan_lines(plan):
    """(day, deed) of each line of a plan; a day that is not named is "".

    "2. Monday: times 2." is ("Monday", "times 2").  Introduced in
    notebook 03.
    """
    rows = [PLAN_LINE.fullmatch(line).groups() for line in steps(plan)]
    return [(day or "", deed.lower()) for day, deed in rows]


def carry_out(plan, n):
    """What somebody prints who follows the plan with the number ``n``.

    None for a plan with a line that says something else.  The lines are
    followed from top to bottom, whatever their days say.  Introduced in
    notebook 03.
    """
    for _, deed in plan_lines(plan):
        words, _, number = deed.rpartition(" ")
        if deed in ("read n", "print it"):
            continue
        if words not in OPERATIONS or not number.isdecimal():
            return None
        n = OPERATIONS[words](n, int(number))
    return n


def program_lines(code):
    """(day, deed) of each line of a program, as a plan would put it.

    The day is known where a variable bears its name.  None in the place of
    the list if there is no line, or one that is no step of the mini world or
    does not go on from the line before.  Introduced in notebook M2.
    """
    rows, last = [], None
    for line in filter(str.strip, code.splitlines()):
        found = CODE_LINE.fullmatch(line.strip())
        if not found:
            return None
        part = found.groupdict()
        if part["read"]:
            old, new, deed = None, part["new"], "read n"
        elif part["printed"]:
            old, new, deed = part["printed"], "", "print it"
        else:
            old, new = part["old"] or part["same"], part["new"] or part["same"]
            sign = part["op"] or part["short"]
            deed = (f"{WORDS['/' if sign == '//' else sign]} "
                    f"{part['number'] or part['by']}")
        if old != last:
            return None
        day = new.capitalize()
        rows.append((day if day in DAYS else "", deed))
        last = new
    return rows or None


def beside(code, plan):
    """Rows [line of the program, line of the plan, does it deviate?].

    A line deviates that does something else, comes elsewhere, is missing, is
    one too many, or names another day than the program.
    """
    shown = [line for line in code.splitlines() if line.strip()]
    texts = [line.strip() for line in plan.splitlines() if steps(line)]
    wanted, found = program_lines(code), plan_lines(plan)
    if wanted is None:
        return [[a, b, False] for a, b in zip_longest(shown, texts,
                                                      fillvalue="")]
    rows = []
    for kind, a, b, c, d in SequenceMatcher(
            None, [deed for _, deed in wanted], [deed for _, deed in found],
            autojunk=False).get_opcodes():
        for i, j in zip_longest(range(a, b), range(c, d)):
            days = kind == "equal" and {wanted[i][0], found[j][0]} - {""}
            rows.append(["" if i is None else shown[i],
                         NOTHING if j is None else texts[j],
                         kind != "equal" or len(days) == 2])
    return rows


def faithful(code, plan):
    """Does no line of the plan deviate?  None where that cannot be told.

    Introduced in notebook M2.
    """
    if program_lines(code) is None:
        return None
    return not any(deviates for _, _, deviates in beside(code, plan))


def side_by_side(code, plans, width=34):
    """A program and plans about it in columns, as text.

    ``plans``: {title: plan}.  "!" marks a line that deviates; a line that
    the program does not have stands beside nothing.  Lines longer than
    ``width`` are cut.  Introduced in notebook M2.
    """
    shown = [line for line in code.splitlines() if line.strip()]
    columns = [["program"], *([f"  {title}"] for title in plans)]
    # What each plan has before the program's line i, and beside it.
    groups = []
    for plan in plans.values():
        parts = [[]]
        for line, text, deviates in beside(code, plan):
            parts[-1].append(f"{'! ' if deviates else '  '}{text}")
            if line:
                parts.append([])
        groups.append(parts)
    for i in range(len(shown) + 1):
        last = i == len(shown)
        depth = max([len(parts[i]) for parts in groups] + [not last])
        program = [] if last else [shown[i]]
        columns[0] += [""] * (depth - len(program)) + program
        for column, parts in zip(columns[1:], groups):
            column += [""] * (depth - len(parts[i])) + parts[i]
    widths = [min(width, max(map(len, column))) for column in columns]
    lines = []
    for row in zip(*columns):
        cut = [cell if len(cell) <= width else cell[:width - 3] + "..."
               for cell in row]
        lines.append("  ".join(map(str.ljust, cut, widths)).rstrip())
    return "\n".join(lines)
