"""What can be read off a program without running it.

Two questions come up when programs are filtered: whether two of them are the
same but for looks, and whether one that gives the right answer also reads the
question.  The text may be anything a model wrote, so nothing here runs it.
"""

import ast
import builtins
import re
import warnings
from itertools import count

LONGEST_PROGRAM = 100_000     # characters; a longer one is not read

# ------------------------------------------- when are two programs the same?

def parse(program):
    """The syntax tree of a program that nobody checked; it is not run.

    Introduced in notebook M4.  Raises ``ValueError`` for text
    that is no program, is too long, or is nested too deeply to be read, and
    for what is no text.
    """
    if not isinstance(program, str):
        raise ValueError(f"a program is a text, and not {program!r:.40}")
    if len(program) > LONGEST_PROGRAM:
        raise ValueError(f"the program has {len(program)} characters, more "
                         f"than the {LONGEST_PROGRAM} that are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")     # "\d" in somebody's string
            return ast.parse(program)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f"the program cannot be parsed: "
                         f"{str(error) or 'nested too deeply'}") from None


def canonical(program):
    """The program in a spelling that ignores looks and variable names.

    Introduced in notebook M4.  Gone: layout, comments, bare
    strings, needless brackets, the way a number is written (``1_000`` and
    ``1000`` are one; ``12`` and ``12.0`` are two, since a criterion may ask
    for a float).  Variables become v0, v1, ... in the order in which they
    are assigned.  The order of operations stays, and so do ``answer``,
    builtins and :func:`fixed_names`.  Raises ``ValueError`` as :func:`parse`
    does.
    """
    tree = drop_bare_constants(parse(program))
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    names.sort(key=lambda node: (node.lineno, node.col_offset))
    assigned = [node.id for node in names if isinstance(node.ctx, ast.Store)]
    fixed = fixed_names(tree) | {n.id for n in names} - set(assigned)
    fresh = (f"v{i}" for i in count() if f"v{i}" not in fixed)
    new = {}
    for name in assigned:
        if name not in fixed and name not in new:
            new[name] = next(fresh)
    for node in names:
        node.id = new.get(node.id, node.id)
    return unparse(tree)


def unparse(tree):
    """The text of a syntax tree, in one plain layout.

    Introduced in notebook M4.  Raises ``ValueError`` for a tree
    too deep to be written.
    """
    try:
        return ast.unparse(tree)
    except (RecursionError, ValueError) as error:
        raise ValueError(f"the program cannot be spelled: {error}") from None


def fixed_names(tree):
    """Names that :func:`canonical` leaves alone.

    Introduced in notebook M4.  ``answer``, builtins, and words
    that stand for more than a variable: functions, parameters, attributes,
    modules.  Renaming those as well could make two programs one.
    """
    fixed = {"answer", *dir(builtins)}
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Name, ast.Constant)):
            for _, value in ast.iter_fields(node):
                for word in value if isinstance(value, list) else [value]:
                    if isinstance(word, str):
                        fixed.update(word.split("."))
    return fixed


def drop_bare_constants(tree):
    """The tree without docstrings and other lines that do nothing.

    Introduced in notebook M4.
    """
    for node in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            lines = getattr(node, field, None)
            if isinstance(lines, list):
                kept = [line for line in lines if not (
                    isinstance(line, ast.Expr)
                    and isinstance(line.value, ast.Constant))]
                needs_one = lines and not isinstance(node, ast.Module)
                setattr(node, field, kept or [ast.Pass()] * bool(needs_one))
    return tree


def spelling(program):
    """:func:`canonical`, or the program itself where that gives up."""
    try:
        return canonical(program)
    except ValueError:
        return program


# -------------------------------------------- right for the wrong reason

# Words that say a number.  A half is also a division by two.
NUMBER_WORDS = {word: (value,) for value, word in enumerate(
    "one two three four five six seven eight nine ten eleven twelve".split(),
    start=1)}
NUMBER_WORDS |= {word: (2,) for word in "twice double doubles doubled".split()}
NUMBER_WORDS |= {word: (3,) for word in
                 "thrice triple triples tripled".split()}
NUMBER_WORDS |= {word: (2, 0.5) for word in "half halves halve halved".split()}
NUMBER_WORDS |= {"quarter": (4, 0.25), "quarters": (4, 0.25), "dozen": (12,)}
NUMBERS = re.compile(r"((?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)"
                    r"(?:\.[0-9]+)?|\.[0-9]+)(\s*(?:%|percent))?|([a-z]+)")
# Numbers that a program may use without having read them (EKT's logs were
# read with the same ones).
FREE = frozenset((0, 0.5, 1, 2, 100))


def numbers_in(text):
    """The set of numbers a text names, in digits or in words.

    Introduced in notebook M4.  "1,200" is 1200 and "12.50" is 12.5;
    "20%" is 20 and also 0.2; words are one to twelve, dozen, half, quarter,
    twice, double, triple and their forms.  Raises ``ValueError`` for what is
    no text.
    """
    if not isinstance(text, str):
        raise ValueError(f"a question is a text, and not {text!r:.40}")
    found = set()
    for digits, percent, word in NUMBERS.findall(text.lower()):
        found.update(NUMBER_WORDS.get(word, ()))
        if digits:
            digits = digits.replace(",", "")
            whole = digits.isdecimal() and len(digits) <= 300
            found.add(int(digits) if whole else float(digits))
            found |= {float(digits) / 100} if percent else set()
    return found


def constants(tree):
    """The nodes of a tree's numbers, in the order of the text."""
    nodes = [node for node in ast.walk(tree)
             if isinstance(node, ast.Constant)
             and isinstance(node.value, (int, float))
             and not isinstance(node.value, bool)]
    return sorted(nodes, key=lambda node: (node.lineno, node.col_offset))


def foreign_numbers(question, program):
    """The program's numbers that the question does not have, in order.

    Introduced in notebook M4.  0, 0.5, 1, 2 and 100 are free.
    Raises ``ValueError`` as :func:`parse` does.
    """
    known = numbers_in(question) | FREE
    return [node.value for node in constants(parse(program))
            if node.value not in known]


def spurious(question, program):
    """Does the program use a number that the question does not have?

    Introduced in notebook M4.  A heuristic for programs that are
    right by luck: it accuses unjustly where a number is common knowledge
    (7 days a week), and misses luck that uses the question's numbers.
    """
    return bool(foreign_numbers(question, program))
