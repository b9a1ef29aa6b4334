"""Problems of all tasks in one record, read from JSONL files or the Hub.

Introduced in notebook 01, section 1.  The file schemas are those of the
Hugging Face Hub, so a downloaded file and ``data/mini/`` read alike.
"""

import gzip
import json
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from helpers.profiles import ROOT

NUMBER = re.compile(r"-?\d+(\.\d+)?")
# Where a task lives on the Hub: repository or file, configuration, splits.
HUB = {
    "gsm8k": ("openai/gsm8k", "main", ("train", "test")),
    "mbpp": ("google-research-datasets/mbpp", "full",
             ("train", "validation", "test", "prompt")),
    "humaneval": ("openai/openai_humaneval", None, ("test",)),
    # A script dataset, which `datasets` >= 4 refuses: read its raw files.
    "apps": ("json", None, ("train", "test")),
}
# What the sites offer whose problems call a function, and what solutions of
# theirs take for granted; the official scorer of APPS has much the same.
LEETCODE = """
import bisect, collections, fractions, functools, heapq, itertools, math
import operator, random, re, string, sys
from collections import *
from functools import *
from heapq import *
from itertools import *
from math import *
from typing import *
"""
MINI = {"mini-gsm": ("train", "dev", "test"),
        "mini-apps": ("train", "dev", "test")}


@dataclass(frozen=True)
class Problem:
    """One problem of any task.  Introduced in notebook 01, section 1.

    ``mode`` says how a program is judged: "answer" (its global ``answer``
    is compared with ``answer``, a number kept as text), "calls" (functions
    are called) or "stdio" (text in, text out).  ``tests`` holds assert
    statements (MBPP, HumanEval) or (input, output) pairs (APPS);
    ``examples`` the pairs that the question itself shows.
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
    if not mark or not NUMBER.fullmatch(number):
        raise ValueError("its answer does not end in '#### <number>'")
    return number


def _gsm(row, task_id):
    return Problem(task_id, row["question"], answer=read_answer(row["answer"]))


def _mbpp(row, task_id):
    called = re.search(r"assert\s+\(*(?:\w+\()?(\w+)\s*\(",
                       row["test_list"][0])
    return Problem(task_id, row["text"], "calls",
                   tests=tuple(row["test_list"]),
                   solutions=("\n".join(row["code"].splitlines()),),
                   setup=row.get("test_setup_code", ""),
                   entry_point=called[1] if called else "")


def _humaneval(row, task_id):
    return Problem(task_id, row["prompt"], "calls", tests=(row["test"],),
                   solutions=(row["canonical_solution"],),
                   starter=row["prompt"], entry_point=row["entry_point"])


def _apps(row, task_id):
    def pairs(text):
        tests = json.loads(text) if text else {}
        return tuple(zip(tests.get("inputs", ()), tests.get("outputs", ())))

    function = json.loads(row["input_output"] or "{}").get("fn_name", "")
    return Problem(task_id, row["question"], "calls" if function else "stdio",
                   tests=pairs(row["input_output"]),
                   examples=pairs(row.get("example_input_output", "")),
                   solutions=tuple(json.loads(row["solutions"] or "[]")),
                   starter=row.get("starter_code", ""), entry_point=function,
                   preamble=LEETCODE if function else "",
                   difficulty=row.get("difficulty", ""))


READERS = {"mini-gsm": _gsm, "gsm8k": _gsm, "mbpp": _mbpp,
           "humaneval": _humaneval, "apps": _apps, "mini-apps": _apps}
# The tasks whose rows carry an identity; elsewhere it is the row's position.
NAMED = {"mbpp": "task_id", "humaneval": "task_id", "apps": "problem_id"}


def load_problems(name, split="test", limit=None, path=None):
    """The problems of a task, as a list of :class:`Problem`.

    ``name`` is one of mini-gsm, mini-apps, gsm8k, mbpp, apps, humaneval;
    ``limit`` keeps the first so many; ``path`` reads a JSONL file (or
    ``.jsonl.gz``) in the Hub's schema instead of the task's own place:
    ``data/mini/`` for the mini tasks, the Hub for the others.
    ``task_id`` is "<name>/<split>/<row from 0>", or the data's own number.

    Raises ``ValueError`` for an unknown name or split and for a malformed
    row, which it names by file and line; ``FileNotFoundError`` for a missing
    file; ``ConnectionError`` where the Hub cannot be reached.  Introduced in
    notebook 01, section 1.
    """
    if name not in READERS:
        raise ValueError(f"there is no task {name!r}; choose one of "
                         f"{', '.join(READERS)}")
    known = MINI.get(name) or HUB[name][2]
    if path is None and split not in known:
        raise ValueError(f"{name} has no split {split!r}; choose one of "
                         f"{', '.join(known)}")
    if path is None and name in MINI:
        path = ROOT / "data" / "mini" / name / f"{split}.jsonl"
        if name == "mini-apps" and not path.exists():
            raise FileNotFoundError("mini-apps is not here yet; it arrives "
                                    "with notebook 03")
    rows = _hub_rows(name, split) if path is None else _file_rows(path)
    problems = []
    for place, index, row in islice(rows, limit):
        try:
            number = row[NAMED[name]] if name in NAMED else index
            task_id = f"{name}/{split}/{str(number).split('/')[-1]}"
            problems.append(READERS[name](row, task_id))
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"{place} is not a {name} problem: it lacks or "
                             f"misuses {error}") from None
        except ValueError as error:
            raise ValueError(f"{place} is not a {name} problem: "
                             f"{error}") from None
    return problems


def _file_rows(path):
    """Yields (place, index, row) for each line of a JSONL file."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}; check the path or "
                                f"leave it out to use the task's own place")
    reader = gzip.open if path.suffix == ".gz" else open
    with reader(path, "rt", encoding="utf-8") as file:
        for index, line in enumerate(file):
            place = f"{path}, line {index + 1}"
            try:
                yield place, index, json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{place} is not JSON: {error.msg}; "
                                 f"fetch the file again") from None


def _hub_rows(name, split):
    """Yields (place, index, row) for each row of a task on the Hub."""
    from datasets import load_dataset
    repository, configuration, _ = HUB[name]
    try:
        if repository == "json":      # the test split of APPS has 1.2 GB
            rows = load_dataset("json", split="train", streaming=True,
                                data_files="hf://datasets/codeparrot/apps/"
                                f"{split}.jsonl")
        else:
            rows = load_dataset(repository, configuration, split=split)
    except Exception as error:        # a dozen classes, all mean "not there"
        raise ConnectionError(
            f"cannot load {name} from the Hub "
            f"({type(error).__name__}); check the network or a proxy, or "
            f"give a downloaded JSONL file as path") from None
    for index, row in enumerate(rows):
        yield f"{name} on the Hub, row {index}", index, row
