"""Verdicts on programs, and the comparison with the expected answer.

Pure functions on plain data; ``helpers.execution`` runs the programs and
offers these names too.  Introduced in notebook 01.
"""

from dataclasses import dataclass
from fractions import Fraction

STATUSES = ("passed wrong error timeout memory blocked unparsable "
            "infrastructure").split()
COMPARATORS = ("exact", "published")


@dataclass(frozen=True)
class Verdict:
    """What became of one program.  Introduced in notebook 01, section 4.

    ``status``: passed, wrong, error (it raised, or set no answer), timeout,
    memory, blocked (it tried something forbidden), unparsable (not Python),
    infrastructure (we failed, not the program; never count it as wrong).
    ``value`` is the answer as plain data (int, float, bool, str) or None,
    ``detail`` says why in a few words, ``seconds`` is CPU time.
    """

    status: str
    value: object = None
    detail: str = ""
    seconds: float = 0.0


def compare(value, expected, comparator="exact"):
    """Whether an answer counts as right.

    ``value`` is plain data from a program, ``expected`` a number as text.
    "exact": an int or a float equal to the expected number, up to 1e-9
    relative (absolute below 1), because floats round: 0.1 + 0.2 is 0.3.
    "published": EKT's released check (its ``execution.py``): a float within
    1 %, an int never.  Its scale has no absolute value, so for a negative
    expected answer the tolerance is 1e-7, practically none.
    bool, str, None, NaN and infinity are never right.  Raises ``ValueError``
    where ``expected`` is no number.  Introduced in notebook 01, section 5.
    """
    if type(value) not in (int, float) or value - value != 0:
        return False
    if comparator == "published":
        y = float(expected)
        return (type(value) is float
                and abs(value - y) / max(y, 1e-5) < 0.01)
    y = Fraction(expected)
    return abs(Fraction(value) - y) <= Fraction(1, 10**9) * max(1, abs(y))


def explain_disagreement(value, expected):
    """Why the two comparators differ on an answer, in a few words.

    "none" where they agree.  Introduced in notebook 01, section 5.
    """
    exact, published = (compare(value, expected, c) for c in COMPARATORS)
    if exact == published:
        return "none"
    if exact:
        return ("right, but an int" if type(value) is int
                else "right up to rounding, but the scale is near zero")
    if round(value) == Fraction(expected):
        return "within 1 %, and rounds to the answer"
    return "within 1 %, but another number"


def read_outcome(problem, outcome, comparator):
    """The verdict on what the worker reported about a program.

    ``outcome`` is [status, type, text, detail, seconds] and may be forged by
    the program, so that nothing in it is believed: "passed" is only ever
    said here, after the comparison.  Introduced in notebook 01, section 4.
    """
    status, kind, text, detail, seconds = outcome
    if status != "ran":
        known = status in STATUSES[2:]
        return Verdict(status if known else "error", None,
                       detail if known else "a forged result", seconds)
    try:
        value = {"int": int, "float": float, "str": str,
                 "bool": "True".__eq__}.get(kind, lambda _: None)(text)
    except ValueError:
        return Verdict("error", None, "a forged result", seconds)
    if compare(value, problem.answer, comparator):
        return Verdict("passed", value, "", seconds)
    if kind in ("int", "float"):
        detail = f"expected {problem.answer}"
        if kind == "int" and comparator == "published":
            detail += " as a float"
    return Verdict("wrong", value, detail or f"answer has type {kind}",
                   seconds)
