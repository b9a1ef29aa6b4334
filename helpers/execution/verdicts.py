"""Verdicts on programs, and the comparisons that they rest on.

Pure functions on plain data; ``helpers.execution`` runs the programs and
offers these names too.
"""

import math
import re
from dataclasses import dataclass
from fractions import Fraction

STATUSES = ("passed wrong error timeout memory blocked unparsable "
            "infrastructure").split()
# By either name: what a number and what an output is compared with.
COMPARATORS = {"exact": ("exact", "strict"), "strict": ("exact", "strict"),
               "published": ("published", "apps"),
               "apps": ("published", "apps")}
LETTERS = {status[0]: status for status in STATUSES}
FAILURES = frozenset(STATUSES[2:])       # what a worker may report, or "ran"
# Digits can be read in one way only: else a long row of them, and no number
# after all, takes the time of its length squared.
DECIMAL = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[-+]?[0-9]+)?",
                     re.IGNORECASE)
# A decimal fraction, as programs write it: one with an exponent alone has its
# sign, or it were a name, or a number in another notation.
FRACTION = re.compile(r"[-+]?([0-9]+\.[0-9]*(e[-+]?[0-9]+)?|"
                      r"\.[0-9]+(e[-+]?[0-9]+)?|[0-9]+e[-+][0-9]+)",
                      re.IGNORECASE)
CLOSE = 1e-6               # for a decimal fraction, relative above 1
# What Python's own methods take for blanks and ends of lines, and files not.
SEPARATORS = re.compile("[\x0b\x0c\x1c-\x1f]")
LINE_ENDS, NO_BLANKS = re.compile("\r\n?|\n"), re.compile("[^ \t\x0b\x0c]+")


@dataclass(frozen=True)
class Verdict:
    """What became of one program.

    ``status``: passed, wrong, error (it raised, or set no answer), timeout,
    memory, blocked (it tried something forbidden), unparsable (not Python),
    infrastructure (we failed, not the program; never count it as wrong).
    ``value`` is the answer as plain data (int, float, bool, str) or None,
    ``detail`` says why in a few words, ``seconds`` is CPU time (of the longest
    test).  ``tests`` has a status per test of a problem with tests;
    ``accepted_by`` names the comparators under which the program passes.
    Raises ``ValueError`` for another status: counted, it would be wrong.
    """

    status: str
    value: object = None
    detail: str = ""
    seconds: float = 0.0
    tests: tuple = ()
    accepted_by: tuple = ()

    def __post_init__(self):
        if self.status not in STATUSES:
            raise ValueError(f"the status of a verdict is one of "
                             f"{', '.join(STATUSES)}, and not "
                             f"{self.status!r:.40}")


def compare(value, expected, comparator="exact"):
    """Whether an answer counts as right.

    ``value`` is plain data from a program, ``expected`` a number as text.
    "exact": an int or a float equal to the expected number, up to 1e-9
    relative (absolute below 1), because floats round: 0.1 + 0.2 is 0.3.
    "published": EKT's released check (its ``execution.py``): a float within
    1 %, an int never.  Its scale has no absolute value, so for a negative
    expected answer the tolerance is 1e-7, practically none.
    bool, str, None, NaN and infinity are never right.  Raises ``ValueError``
    where ``expected`` is no number.  Introduced in notebook 01.
    """
    if type(value) not in (int, float) or value - value != 0:
        return False
    if comparator == "published":
        y = float(expected)
        return (type(value) is float
                and abs(value - y) / max(y, 1e-5) < 0.01)
    y = Fraction(expected)
    return abs(Fraction(value) - y) <= Fraction(1, 10**9) * max(1, abs(y))


def same_token(token, wanted):
    """Whether a word of an output is the expected one.

    Equal text; or a decimal fraction is expected and the number differs by
    at most 1e-6, relative above 1.  Integers have to be equal, and so has
    what is no number in plain digits.  Introduced in notebook M1.
    """
    if token == wanted:
        return True
    if not (FRACTION.fullmatch(wanted) and DECIMAL.fullmatch(token)):
        return False
    return near(float(token), float(wanted))


def near(value, y):
    """Whether two numbers are so near that one is the other, rounded."""
    try:
        return math.isfinite(y) and abs(value - y) <= CLOSE * max(1, abs(y))
    except OverflowError:                # an int beyond all floats
        return False


def compare_output(output, expected, comparator="strict"):
    """Whether what a program printed counts as right.

    "strict": line by line and word by word, see :func:`same_token`; spaces
    between words, tabs too, and empty lines at the end do not matter; other
    blanks of Unicode, and what it has to part lines, are part of a word.
    "apps": what the official scorer of APPS accepts (``testing_util.py``),
    see :func:`apps_accepts`.  Introduced in notebook M1.
    """
    if comparator == "apps":
        return apps_accepts(output, expected)
    lines, wanted = words_of(output), words_of(expected)
    return len(lines) == len(wanted) and all(
        len(line) == len(words) and all(map(same_token, line, words))
        for line, words in zip(lines, wanted))


def words_of(text):
    """The words of a text, line by line."""
    if text.isascii() and not SEPARATORS.search(text):
        return [line.split() for line in text.rstrip().splitlines()]
    text = text.rstrip(" \t\r\n\x0b\x0c")
    lines = LINE_ENDS.split(text) if text else []
    return [NO_BLANKS.findall(line) for line in lines]


def apps_accepts(output, expected):
    """Whether the official scorer of APPS accepts an output.

    It tries one reading after another: the same text, up to spaces around
    it and around its lines; the same lines without empty ones; one number a
    line, up to 1e-5 relative; and at last each line as a *set* of words,
    the whole as a set of lines, also with numbers rounded to three digits.
    So order, repetition and small differences are forgiven.
    Introduced in notebook M1.
    """
    lines = output.splitlines()
    tidy = "\n".join(line.strip() for line in lines).strip()
    if expected.strip() in ("\n".join(lines).strip(), tidy):
        return True
    wanted = [line.strip() for line in expected.split("\n") if line]
    if lines == wanted:
        return True
    lines = [line for line in lines if line]
    if lines == wanted:
        return True
    try:
        if len(lines) == len(wanted) and all(
                a == b or abs(a - b) <= 1e-8 + 1e-5 * abs(b) < float("inf")
                for a, b in zip([*map(float, lines)], [*map(float, wanted)])):
            return True
    except ValueError:
        pass
    lines = [line for line in lines if line.split()]
    try:
        return same_sets(lines, wanted, str) or same_sets(
            lines, wanted, lambda word: round(float(word), 3))
    except (ValueError, OverflowError):
        return False


def same_sets(lines, wanted, read):
    """Whether lines, each as a set of words, are the wanted ones as a set.

    ``read`` makes of a word what is compared.  Ends at the first line that
    is not wanted, as an output may have millions of them.
    """
    goals = {frozenset(map(read, {*line.split()})) for line in wanted}
    found = set()
    for line in lines:
        found.add(words := frozenset(map(read, {*line.split()})))
        if words not in goals:
            return False
    return found == goals


def compare_call(value, expected, comparator="strict"):
    """Whether what a function returned counts as right (pairs of APPS).

    "strict": see :func:`alike`; and the expected value may be wrapped in a
    list of one.  "apps" is the official scorer: it turns only the outermost
    tuples into lists, and reads the expected value by :func:`apps_reads`.
    """
    if comparator == "strict":
        return alike(value, expected) or bool(
            isinstance(expected, list) and len(expected) == 1
            and alike(value, expected[0]))
    expected = apps_reads(expected)
    wrapped = isinstance(expected, list) and expected
    if isinstance(value, tuple):
        value = list(value)
    if value == expected or wrapped and value == expected[0]:
        return True
    return bool(wrapped and isinstance(value, list) and value
                and isinstance(value[0], tuple)
                and [list(x) for x in value] == expected[0])


def alike(value, expected):
    """Whether a value is the expected one, up to what JSON cannot say.

    It has no tuples, so a tuple counts as a list; no keys but text, so keys
    count as what JSON writes for them (1 as "1", True as "true"); and its
    decimal fractions are rounded, so where a float is expected a number
    within 1e-6 will do, relative above 1.  At any depth; ints stay exact.
    """
    if isinstance(value, (list, tuple)) and isinstance(expected,
                                                       (list, tuple)):
        return len(value) == len(expected) and all(
            map(alike, value, expected))
    if isinstance(value, dict) and isinstance(expected, dict):
        value, expected = json_keys(value), json_keys(expected)
        return value.keys() == expected.keys() and all(
            alike(item, expected[key]) for key, item in value.items())
    if type(expected) is float and type(value) in (int, float):
        return bool(value == expected or near(value, expected)
                    or value != value and expected != expected)
    return bool(value == expected)


def json_keys(value):
    """A dictionary with its keys as JSON has them, where none coincide."""
    names = {True: "true", False: "false", None: "null"}
    keys = {}
    for key, item in value.items():
        if key is None or isinstance(key, bool):
            key = names[key]
        elif isinstance(key, float) or (isinstance(key, int)
                                        and key.bit_length() < 2000):
            key = repr(key)
        keys[key] = item
    return keys if len(keys) == len(value) else value


def apps_reads(expected):
    """An expected value as the official scorer of APPS reads it.

    A dictionary, or a list that begins with one, gets int keys where it can,
    and then nothing is left of it but that dictionary, in a list.
    """
    first = expected
    if isinstance(expected, list) and expected:
        first = expected[0]
    try:
        return [{int(key): item for key, item in first.items()}]
    except (AttributeError, TypeError, ValueError):
        return expected


def shorten(value, most=40):
    """A value as Python writes it, cut where it is long."""
    try:
        text = repr(value[:most] if isinstance(value, str) else value)
    except ValueError:                   # an int of thousands of digits
        return "a giant number"
    return text if len(text) <= most else text[:most - 3] + "..."


def explain_disagreement(value, expected):
    """Why the two comparators differ on an answer, in a few words.

    "none" where they agree.  Introduced in notebook M1.
    """
    exact, published = (compare(value, expected, name)
                        for name in ("exact", "published"))
    if exact == published:
        return "none"
    if exact:
        return ("right, but an int" if type(value) is int
                else "right up to rounding, but the scale is near zero")
    if round(value) == Fraction(expected):
        return "within 1 %, and rounds to the answer"
    return "within 1 %, but another number"


def read_outcome(problem, outcome, comparator="exact"):
    """The verdict on what the worker reported about a program.

    ``outcome`` is [status, kind, text, detail, seconds] and may be forged by
    the program, so that nothing in it is believed: "passed" is only ever said
    here, after the comparison.
    """
    status, kind, text, detail, seconds = outcome
    if status == "judged":               # by us, after each test
        return read_tests(text, detail, seconds, comparator)
    if status != "ran":
        known = status in FAILURES
        return Verdict(status if known else "error", None,
                       detail if known else "a forged result", seconds,
                       (status,) * len(problem.tests) if known else ())
    value, expected = value_of(kind, text), str(problem.answer)
    accepted = tuple(name for name in ("exact", "published")
                     if compare(value, expected, name))
    comparator = COMPARATORS[comparator][0]
    if comparator in accepted:
        return Verdict("passed", value, "", seconds, (), accepted)
    if kind in ("int", "float"):
        detail = f"expected {expected}"
        if kind == "int" and comparator == "published":
            detail += " as a float"
    return Verdict("wrong", value, detail or f"answer has type {kind}",
                   seconds, (), accepted)


def check_outcome(outcome):
    """Raises ``ValueError`` for what :func:`read_outcome` cannot read."""
    status, kind, text, detail, seconds = outcome
    if not isinstance(seconds, (int, float)) or not all(
            isinstance(part, str) for part in outcome[:4]):
        raise ValueError("an outcome is four texts and seconds")
    if status == "ran":
        value_of(kind, text)
    elif status == "judged":
        strict, apps = text.split("/")
        if not 0 < len(strict) == len(apps) or not (
                LETTERS.keys() >= set(strict + apps)):
            raise ValueError("no letters of tests")
    elif status not in FAILURES - {"infrastructure"}:
        raise ValueError("no status of a program")


def value_of(kind, text):
    """An answer that crossed as the name of its type and a text, or None.

    Raises ``ValueError`` for a number that is none, which was forged.
    """
    return {"int": int, "float": float, "str": str,
            "bool": "True".__eq__}.get(kind, lambda _: None)(text)


def read_tests(text, detail, seconds, comparator):
    """The verdict on a program from the letters of its tests."""
    marks = dict(zip(("strict", "apps"), text.split("/")))
    accepted = tuple(name for name, letters in marks.items()
                     if set(letters) == {"p"})
    comparator = COMPARATORS[comparator][1]
    letters = marks[comparator]
    first = next((x for x in letters if x != "p"), "p")
    if comparator in accepted:
        detail = ""
    elif detail:
        detail = f"{letters.count('p')} of {len(letters)}; {detail}"
    return Verdict(LETTERS[first], None, detail, seconds,
                   tuple(LETTERS[x] for x in letters), accepted)


def disagreements(pairs, verdicts):
    """The verdicts that depend on the comparator.

    Yields (problem, program, verdict) where only one of the two accepts the
    program.  Introduced in notebook M1.
    """
    for (problem, program), verdict in zip(pairs, verdicts):
        if len(verdict.accepted_by) == 1:
            yield problem, program, verdict
