"""Plans beside the programs that they explain, line by line.

A plan of the mini world can be read back: its lines and those of a program
are put into the same few words ("times 2") and compared.  The viewer shows
plans of all tasks; a program that it cannot read is shown without marks.

Introduced in notebook 03, section 4.
"""

import re
from difflib import SequenceMatcher
from itertools import zip_longest
from random import Random

from helpers.mini.tasks import WORDS, steps_of, write_code
from helpers.mini.stories import DAYS
from helpers.plans import steps
from helpers.programs import read_story

NOTHING = "(nothing)"
PLAN_LINE = re.compile(rf"(?:({'|'.join(DAYS)}):)?\s*(.*?)\.?")
CODE_LINE = re.compile(
    r"(?P<new>\w+) = (?:(?P<read>int\(input\(\)\))"
    r"|(?P<old>\w+) (?P<op>[-+*]|//) (?P<number>\d+))"
    r"|(?P<same>\w+) (?P<short>[-+*]|//)= (?P<by>\d+)"
    r"|print\((?P<printed>\w+)\)")
TASK = re.compile(r"(\w+) has n (\w+)\. (.*) Read n, print how many \2 \1 has "
                  r"in the end\.", re.DOTALL)


def plan_lines(plan):
    """(day, deed) of each line of a plan; a day that is not named is "".

    "2. Monday: times 2." is ("Monday", "times 2").  Introduced in
    notebook 03, section 4.
    """
    rows = [PLAN_LINE.fullmatch(line).groups() for line in steps(plan)]
    return [(day or "", deed.lower()) for day, deed in rows]


def program_lines(code):
    """(day, deed) of each line of a program, as a plan would put it.

    The day is known where a variable bears its name.  None in the place of
    the list if there is no line, or one that is no step of the mini world or
    does not go on from the line before.  Introduced in notebook 03, section 4.
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


def with_days(question):
    """The right program for a question of ``mini-apps``, a variable a day.

    None for a question that is no story of the mini world.  Introduced in
    notebook 03, section 4.
    """
    found = TASK.fullmatch(question.strip())
    story = found and read_story(
        f"{found[1]} starts with 1 {found[2]}. {found[3]} How many "
        f"{found[2]} does {found[1]} have in the end?")
    return story and write_code(Random(0), steps_of(story), "named")


def beside(code, plan):
    """Rows [line of the program, line of the plan, does it deviate?].

    A line deviates that does something else, comes elsewhere, is missing, is
    one too many, or names another day than the program.  Introduced in
    notebook 03, section 4.
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

    Introduced in notebook 03, section 4.
    """
    if program_lines(code) is None:
        return None
    return not any(deviates for _, _, deviates in beside(code, plan))


def side_by_side(code, plans, width=34):
    """A program and plans about it in columns, as text.

    ``plans``: {title: plan}.  "!" marks a line that deviates; a line that
    the program does not have stands beside nothing.  Lines longer than
    ``width`` are cut.  Introduced in notebook 03, section 4.
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
