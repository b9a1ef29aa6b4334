"""Checks of the exercises of notebook M3.

A check takes what the reader wrote, tries it on a small world whose outcome
is known, prints one line and returns whether all is right.  It never raises.
"""

import json
from collections.abc import Iterator

from helpers.checks.report import (attempt, entries, exercise, in_words,
                                   misfit, say, shown)

# --------------------------------------- exercise 1: a row of APPS, unpacked

LONG = "1" + "0" * 6000
ROWS = (
    ({"solutions": json.dumps(["print(int(input()) * 2)\n", "# 2\n"]),
      "input_output": json.dumps({"inputs": ["3\n", "5\n"],
                                  "outputs": ["6\n", "10\n"]})},
     (["print(int(input()) * 2)\n", "# 2\n"], [("3\n", "6\n"),
                                               ("5\n", "10\n")], "")),
    ({"solutions": "", "input_output": json.dumps(
        {"inputs": ["1\n"], "outputs": ["1\n"]})},
     ([], [("1\n", "1\n")], "")),
    ({"solutions": json.dumps(["def f(a, b):\n    return a + b\n"]),
      "input_output": json.dumps({"fn_name": "f", "inputs": [[1, 2]],
                                  "outputs": [3]})},
     (["def f(a, b):\n    return a + b\n"], [([1, 2], 3)], "f")),
    ({"solutions": json.dumps(["print('1' + '0' * int(input()))\n"]),
      "input_output": '{"inputs": [6000], "outputs": [' + LONG + "]}"},
     (["print('1' + '0' * int(input()))\n"], [("6000", LONG)], "")),
    ({"solutions": json.dumps(["pass\n"]), "input_output": ""},
     (["pass\n"], [], "")))
EXPECTED = ("the row with two programs and two tests",
        "the row without a program", "the row with a function",
        "the row with a number of 6,001 digits", "the row without tests")


def numbers_as_text(value):
    """A value with its whole numbers as text, and tuples as lists."""
    if isinstance(value, (list, tuple)):
        return [numbers_as_text(one) for one in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return LONG if value == 10 ** 6000 else str(value)
    return value


def wrong_part(found, wanted):
    """What is wrong with (solutions, tests, function), or None."""
    solutions, tests, function = found
    if isinstance(solutions, str):
        return ("the solutions are still text: they are JSON inside a JSON "
                "string")
    if numbers_as_text(solutions) != wanted[0]:
        return f"the solutions should be {shown(wanted[0])}"
    if isinstance(tests, Iterator):
        return f"the tests are {in_words(tests)}; list(...) makes them a list"
    if isinstance(tests, dict):
        return "the tests are pairs (input, output), not the dictionary"
    sides = [numbers_as_text(side) for side in zip(*wanted[1])]
    if sides and numbers_as_text(tests) == sides:
        return "pair each input with its output: zip the two lists"
    if numbers_as_text(tests) != numbers_as_text(wanted[1]):
        return f"the tests should be {shown(wanted[1])}"
    if function is None:
        return "where no function is called, its name is the text \"\""
    if function != wanted[2]:
        return f"the function is called {wanted[2]!r}: see fn_name"


@exercise
def check_m3_1(unpack):
    """Exercise 1: programs, tests and function of a row of APPS.

    Prints one line, returns a bool.
    """
    wanted_is = "return the programs, the tests and the function's name"
    for said, (row, wanted) in zip(EXPECTED, ROWS):
        got, failed = attempt(unpack, dict(row))
        if failed:
            return say(said, failed, {
                "JSONDecodeError": "an empty text is no JSON; it stands for "
                                   "nothing",
                "ValueError": "json.loads has parse_int: let numbers stay "
                              "text",
                "KeyError": "not every row has every key: use get",
            }.get(failed.kind))
        parts, failed = entries(got, wanted_is)
        if not failed and len(parts) != 3:
            failed = misfit(got, wanted_is)
        if failed:
            return say(said, failed)
        why = wrong_part(parts, wanted)
        if why:
            return say(said, in_words(got), why)
    return say(f"{len(ROWS)} rows unpacked", "all")
