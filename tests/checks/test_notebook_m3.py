"""The check of notebook M3 knows right from wrong, and says what is wrong."""

import ast
import json

import pytest

from helpers.checks.notebook_m3 import ROWS, check_m3_1
from helpers.problems import load_problems, unpack_apps


def unpack(row, read=lambda text: json.loads(text or "null", parse_int=str),
           pair=lambda tests: list(zip(tests.get("inputs", []),
                                       tests.get("outputs", []))),
           name=lambda tests: tests.get("fn_name", ""), solutions=None):
    """A solution with a slip to choose."""
    tests = read(row["input_output"]) or {}
    return ((solutions or read)(row["solutions"]) or [], pair(tests),
            name(tests))


def with_whole_numbers(row):
    """Another solution: Python's own reader of literals, and no limit."""
    import sys
    before = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        tests = ast.literal_eval(row["input_output"] or "{}")
        solutions = ast.literal_eval(row["solutions"] or "[]")
    finally:
        sys.set_int_max_str_digits(before)
    pairs = [[a, b] for a, b in zip(tests.get("inputs", ()),
                                    tests.get("outputs", ()))]
    return [solutions, pairs, tests.get("fn_name") or ""]


WRONG = {
    "an empty text is no JSON": lambda row: unpack(
        row, lambda text: json.loads(text, parse_int=str)),
    "parse_int": lambda row: unpack(
        row, lambda text: json.loads(text or "null")),
    "use get": lambda row: unpack(row, name=lambda tests: tests["fn_name"]),
    "still text": lambda row: unpack(row, solutions=str),
    "the solutions should be": lambda row: unpack(
        row, solutions=lambda text: json.loads(text or "[0]")[:1]),
    "not the dictionary": lambda row: unpack(row, pair=lambda tests: tests),
    "zip the two lists": lambda row: unpack(row, pair=lambda tests: (
        tests.get("inputs", []), tests.get("outputs", []))),
    "the tests should be": lambda row: unpack(row, pair=lambda tests: list(
        zip(tests.get("inputs", []), tests.get("outputs", [])))[:1]),
    "list(...) makes them a list": lambda row: unpack(
        row, pair=lambda tests: zip(tests.get("inputs", []),
                                    tests.get("outputs", []))),
    "is the text \"\"": lambda row: unpack(
        row, name=lambda tests: tests.get("fn_name")),
    "see fn_name": lambda row: unpack(row, name=lambda tests: ""),
    "the programs, the tests": lambda row: unpack(row)[:2],
    "nothing is returned so far": lambda row: None,
}


@pytest.mark.parametrize("message", WRONG)
def test_each_exercise_names_the_slip(message, capsys):
    assert check_m3_1(WRONG[message]) is False
    line = capsys.readouterr().out
    assert message in line and ": not yet, " in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("right", [unpack, unpack_apps,
                                   with_whole_numbers])
def test_right_answers_pass_in_more_than_one_way(right, capsys):
    assert check_m3_1(right) is True
    assert capsys.readouterr().out.endswith(": correct\n")


def test_the_rows_are_read_so_by_the_collection(tmp_path):
    path = tmp_path / "apps.jsonl"
    path.write_text("".join(json.dumps({
        "problem_id": i, "question": "Go.", "starter_code": "", "url": "",
        "difficulty": "introductory"} | row) + "\n"
        for i, (row, _) in enumerate(ROWS)))
    for problem, (_, (solutions, tests, name)) in zip(load_problems(
            "apps", "train", path=path), ROWS):
        assert list(problem.solutions) == solutions
        assert [tuple(pair) for pair in problem.tests] == tests
        assert problem.entry_point == name
