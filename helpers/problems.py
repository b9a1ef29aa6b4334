"""Problems of all tasks in one record, read from JSONL files or the Hub.

The file schemas are those of the Hugging Face Hub, so a downloaded file and
those in ``data/mini/problems/`` read alike.
"""

import json
import re
from dataclasses import dataclass
from itertools import islice
from numbers import Integral

from helpers.hub import HUB, hub_rows
from helpers.profiles import ROOT
from helpers.tools.files import reading

ANSWER_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
LEVELS = ("introductory", "interview", "competition")    # of APPS
# No limit of Python's on the digits of an int is lower (the usual one is
# 4300), and no integer of a test has more than the second number of them.
DIGITS_READ, DIGITS_MOST = 640, 100_000
# What the sites offer whose problems call a function, and what solutions of
# theirs take for granted; the official scorer of APPS has much the same.
# Python's own names keep their meaning (the pow of math takes no modulus),
# and so do those of collections (typing has a Counter, too).
LEETCODE = """
import bisect, collections, fractions, functools, heapq, itertools, math
import operator, random, re, string, sys
from typing import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
del pow
"""
MINI = {"mini-gsm": ("train", "dev", "test"),
        "mini-apps": ("train", "dev", "test"),
        "mini-apps-2": ("train", "dev", "test")}


@dataclass(frozen=True)
class Problem:
    """One problem of any task.  Introduced in notebook 01, section 4.

    ``mode`` says how a program is judged: "answer" (its global ``answer`` is
    compared with ``answer``, a number kept as text), "calls" (functions are
    called) or "stdio" (text in, text out).  ``tests`` holds assert statements
    (MBPP, HumanEval) or (input, output) pairs (APPS); ``examples`` the pairs
    that the question itself shows.
    """

    task_id: str
    question: str
    mode: str = "answer"
    answer: str | None = None
    tests: tuple = ()
    examples: tuple = ()
    solutions: tuple = ()
    preamble: str = ""        # code to run before the program (APPS)
    setup: str = ""           # code to run after it, for the tests (MBPP)
    starter: str = ""         # code that the program must continue
    entry_point: str = ""     # the function that the tests call
    difficulty: str = ""


def read_answer(text):
    """The final answer of a GSM8K solution: what follows ``####``.

    Commas are removed, signs are kept, and the number stays text, so that
    nothing is rounded: "-1,200" becomes "-1200".  Raises ``ValueError`` if
    there is none.  Introduced in notebook 01, section 1.
    """
    before, mark, after = text.rpartition("####")
    number = after.strip().replace(",", "")
    if not mark or not ANSWER_NUMBER.fullmatch(number):
        raise ValueError("its answer does not end in '#### <number>'")
    return number


def _gsm(row, task_id):
    return Problem(task_id, row["question"], answer=read_answer(row["answer"]))


def _mbpp(row, task_id):
    # Two schemas: in the sanitized one the question is "prompt", and
    # "test_imports" is a list of lines.
    code = "\n".join(row["code"].splitlines())
    tests = row["test_list"]
    if isinstance(tests, (str, dict)) or not all(
            isinstance(test, str) for test in tests):
        raise ValueError(f"test_list holds {tests!r:.60}, not a list of "
                         f"assert statements")
    tests = tuple(tests)
    imports = "\n".join(_unpacked(row, "test_imports", tuple))
    # In "assert math.isclose(f(2), 4)" f is called, and not isclose: the
    # first name that the reference defines.
    called = [name for name in re.findall(r"(\w+)\s*\(", tests[0])
              if re.search(rf"\b(def|class)\s+{name}\b|^{name}\s*=", code,
                           re.MULTILINE)]
    return Problem(task_id, row["text"] if "text" in row else row["prompt"],
                   "calls", tests=tests, solutions=(code,),
                   setup=row.get("test_setup_code") or imports,
                   entry_point=called[0] if called else "")


def _humaneval(row, task_id):
    return Problem(task_id, row["prompt"], "calls", tests=(row["test"],),
                   solutions=(row["canonical_solution"],),
                   starter=row["prompt"], entry_point=row["entry_point"])


def _whole(text):
    """An integer of JSON, also one that has more digits than int() reads."""
    if len(text) <= DIGITS_READ:
        return int(text)
    if len(text) > DIGITS_MOST:
        raise ValueError(f"it holds an integer of {len(text)} digits, and "
                         f"at most {DIGITS_MOST} are read; leave this row out")
    if text[0] == "-":
        return -_whole(text[1:])
    half = len(text) // 2
    return _whole(text[:-half]) * 10 ** half + _whole(text[-half:])


def _unpacked(row, field, kind, whole=_whole, decimal=float):
    """What a field holds: as JSON text, as itself, or nothing at all."""
    value = row.get(field)
    if isinstance(value, str):
        value = json.loads(value or "null", parse_int=whole,
                           parse_float=decimal)
    if value is None:
        return kind()
    if isinstance(value, str) or isinstance(value, dict) != (kind is dict):
        raise ValueError(f"{field} holds a {type(value).__name__} in the "
                         f"place of a {kind.__name__}")
    return kind(value)


def _pairs(tests):
    # An input without an output cannot be judged: zip leaves it out.
    return tuple(zip(tests.get("inputs") or (), tests.get("outputs") or ()))


def _apps(row, task_id):
    fields = "input_output", "example_input_output"
    # What is read and printed is text: 1.10 keeps its zero, and an integer
    # of thousands of digits is never built.
    tests, examples = (_unpacked(row, field, dict, str, str)
                       for field in fields)
    function = tests.get("fn_name") or ""
    if function:                         # but here values are compared
        tests, examples = (_unpacked(row, field, dict) for field in fields)
    return Problem(task_id, row["question"], "calls" if function else "stdio",
                   tests=_pairs(tests), examples=_pairs(examples),
                   solutions=_unpacked(row, "solutions", tuple),
                   starter=row.get("starter_code") or "",
                   entry_point=function,
                   preamble=LEETCODE if function else "",
                   difficulty=row.get("difficulty") or "")


READERS = {"mini-gsm": _gsm, "gsm8k": _gsm, "mbpp": _mbpp,
           "mbpp-sanitized": _mbpp, "humaneval": _humaneval, "apps": _apps,
           "mini-apps": _apps, "mini-apps-2": _apps}
# The tasks whose rows carry an identity; elsewhere it is the row's position.
NAMED = {"mbpp": "task_id", "mbpp-sanitized": "task_id",
         "humaneval": "task_id", "apps": "problem_id"}


def load_problems(name, split="test", limit=None, path=None,
                  difficulty=None):
    """The problems of a task, as a list of :class:`Problem`.

    ``name`` is one of mini-gsm, mini-apps, gsm8k, mbpp, mbpp-sanitized,
    apps, humaneval; ``limit`` keeps the first so many; ``difficulty`` keeps
    those of APPS of one level, before that; ``path`` reads a file in the
    Hub's schema, JSONL (also ``.jsonl.gz``) or one JSON list, instead of the
    task's own place: ``data/mini/problems/`` for the mini tasks, the Hub for
    the others, see :func:`helpers.hub.hub_rows`.
    ``task_id`` is "<name>/<split>/<row from 0>", or the data's own number,
    and its own split where a row names one.

    Raises ``ValueError`` for an unknown name, split or difficulty, a limit
    below 0, for a malformed row, which it names by file and line, for a file
    that is no text or empty, and where the Hub or a file has a problem
    twice; ``FileNotFoundError`` for a missing file;
    ``ConnectionError`` where the Hub cannot be reached.  Introduced in
    notebook 01, section 1.
    """
    if name not in READERS:
        raise ValueError(f"there is no task {name!r}; choose one of "
                         f"{', '.join(READERS)}")
    known = MINI.get(name) or HUB[name][2]
    if path is None and split not in known:
        raise ValueError(f"{name} has no split {split!r}; choose one of "
                         f"{', '.join(known)}")
    levels = LEVELS if READERS[name] is _apps else ()
    if difficulty is not None and difficulty not in levels:
        raise ValueError(f"{name} has no difficulty {difficulty!r}; choose "
                         f"{', '.join(levels) or 'none'}")
    if limit is not None and (not isinstance(limit, Integral) or limit < 0):
        raise ValueError(f"limit counts problems and is 0 or more, or None "
                         f"for all of them, not {limit!r:.40}")
    if path is None and name in MINI:
        path = ROOT / "data/mini/problems" / name / f"{split}.jsonl"
    rows = (hub_rows(name, split, difficulty) if path is None
            else _file_rows(path))
    problems = ((row[0], _problem(name, split, difficulty, *row))
                for row in rows)
    problems = ((place, problem) for place, problem in problems if problem)
    return list(islice(_once(problems, path is not None), limit))


def _problem(name, split, difficulty, place, index, row):
    """The problem that a row is, or None where it is of another level."""
    try:
        if difficulty is not None and row["difficulty"] != difficulty:
            return None
        number = index
        if name in NAMED:
            # A file of several splits has a number once in each.
            number, split = row[NAMED[name]], row.get("split") or split
        task_id = f"{name}/{split}/{str(number).split('/')[-1]}"
        return READERS[name](row, task_id)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{place} is not a {name} problem: it lacks or "
                         f"misuses {error}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is not a {name} problem: "
                         f"{error}") from None


def _once(rows, check):
    """The problems of (place, problem) rows; ``check`` refuses one twice."""
    places = {}
    for place, problem in rows:
        first = places.setdefault(problem.task_id, place)
        if check and first != place:
            raise ValueError(
                f"{place} has the same number as {first}, so that both are "
                f"{problem.task_id}; remove one of them")
        yield problem


def _file_rows(path):
    """Yields (place, index, row) for each row of a file."""
    remedy = "check the path or leave it out to use the task's own place"
    index = None
    with reading(path, remedy) as file:
        start = file.read(1)
        file.seek(0)
        if start == "[":                 # one list, as sanitized-mbpp.json
            for index, row in enumerate(_read(file.read(), path)):
                yield f"{path}, entry {index + 1}", index, row
        else:
            for index, line in enumerate(file):
                place = f"{path}, line {index + 1}"
                yield place, index, _read(line, place)
    if index is None:
        raise ValueError(f"{path} holds no problem; {remedy}")


def _read(text, place):
    try:
        return json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{place} is not JSON: "
                         f"{getattr(error, 'msg', error)}; "
                         f"fetch the file again") from None
