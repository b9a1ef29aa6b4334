"""Made-up rows in the schemas of GSM8K, MBPP, HumanEval and APPS.

Tiny problems, drawn from a seed, with programs that are right: stand-ins for
the data sets of the Hub in tests, where there is no network.
"""

import json
import random

WHO = ("Ada", "Bo", "Cleo", "Dov", "Elka", "Fritz", "Gita", "Hana")
WHAT = ("kites", "lamps", "plums", "drums")
# Each place of a problem has words of its own, so that a very small model
# can learn in a minute which of them means what.
NUMBERS = ({"fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80},
           {"six": 6, "seven": 7, "eight": 8, "nine": 9},
           {"two": 2, "three": 3, "four": 4, "five": 5})
DEEDS = ({"finds": "+", "loses": "-", "triplicates": "*"},
         {"wins": "+", "sells": "-", "copies": "*"})
ORDERS = ({"Add": "+", "Subtract": "-", "Multiply by": "*"},
          {"plus": "+", "minus": "-", "times": "*"})
SAID = ({"+": "Increase by", "-": "Decrease by", "*": "Scale by"},
        {"+": "Put on", "-": "Take off", "*": "Repeat"})
LEVELS = ("introductory", "interview", "competition")


def sum_of(rng):
    """Three numbers and two operations: (a, op, b, op, c)."""
    a, b, c = (rng.choice(list(words.values())) for words in NUMBERS)
    return a, rng.choice("+-*"), b, rng.choice("+-*"), c


def word(words, value):
    """The word that means ``value``."""
    return next(text for text, other in words.items() if other == value)


def result(a, op, b):
    return a + b if op == "+" else a - b if op == "-" else a * b


# --------------------------------------------------------------------- GSM8K

def gsm_story(rng):
    """(question, what :func:`sum_of` gives) of one word problem."""
    who, what = rng.choice(WHO), rng.choice(WHAT)
    a, first, b, second, c = numbers = sum_of(rng)
    return (f"{who} holds {word(NUMBERS[0], a)} {what}, "
            f"{word(DEEDS[0], first)} {word(NUMBERS[1], b)} and "
            f"{word(DEEDS[1], second)} {word(NUMBERS[2], c)}. How many "
            f"{what} does {who} hold now?", numbers)


def gsm_program(numbers):
    """The program in the style of the prompt for GSM8K."""
    a, first, b, second, c = numbers
    return (f"n0 = {a}.0\nn1 = {b}.0\nn2 = {c}.0\nt0 = n0 {first} n1\n"
            f"t1 = t0 {second} n2\nanswer = t1\n")


def gsm_rows(seed, count):
    """Rows of GSM8K: question, and an answer that ends in "#### n"."""
    rng, rows = random.Random(f"gsm|{seed}"), []
    for _ in range(count):
        question, (a, first, b, second, c) = gsm_story(rng)
        middle = result(a, first, b)
        end = result(middle, second, c)
        rows.append({"question": question, "answer": (
            f"First <<{a}{first}{b}={middle}>>{middle}.\n"
            f"Then <<{middle}{second}{c}={end}>>{end}.\n#### {end}")})
    return rows


# ---------------------------------------------------------------------- APPS

def apps_texts(numbers):
    """(question, program, plan) of an APPS problem: read n, print a sum."""
    _, first, b, second, c = numbers
    return (f"Read n. {word(ORDERS[0], first)} {word(NUMBERS[1], b)}, "
            f"{word(ORDERS[1], second)} {word(NUMBERS[2], c)}. Print it.\n",
            f"n = int(input())\nn {first}= {b}\nn = n {second} {c}\n"
            f"print(n)\n",
            f"1. Read n.\n2. {SAID[0][first]} {b}.\n"
            f"3. {SAID[1][second]} {c}.\n4. Print it.\n")


def apps_rows(seed, count, level=None, start=0):
    """Rows of APPS as on the Hub; ``level`` is drawn where none is given.

    One row in nine has a function to call, one in eleven no solution.
    """
    rng, rows = random.Random(f"apps|{seed}|{level}"), []
    for number in range(start, start + count):
        numbers = _, first, b, second, c = sum_of(rng)
        question, program, _ = apps_texts(numbers)
        inputs = rng.sample(range(10, 90), 3)
        outputs = [result(result(n, first, b), second, c) for n in inputs]
        tests = {"inputs": [f"{n}\n" for n in inputs],
                 "outputs": [f"{n}\n" for n in outputs]}
        starter = ""
        solutions = [program, program.replace("n = n", "m = n").replace(
            "print(n)", "print(m)")]
        if number % 9 == 8:
            question = question.replace("Read n", "Write change(n)")
            tests = {"fn_name": "change", "inputs": [[n] for n in inputs],
                     "outputs": outputs}
            starter = "def change(n):\n"
            solutions = [f"def change(n):\n    n {first}= {b}\n"
                         f"    return n {second} {c}\n"]
        rows.append({
            "problem_id": number, "question": question,
            "solutions": json.dumps(solutions) if number % 11 != 10 else "",
            "input_output": json.dumps(tests),
            "difficulty": level or rng.choice(LEVELS),
            "url": "https://example.org/", "starter_code": starter})
    return rows


# ------------------------------------------------------ MBPP and HumanEval

def mbpp_rows(seed, count, start=1, sanitized=False):
    """Rows of MBPP, of its full or its sanitized schema."""
    rng, rows = random.Random(f"mbpp|{seed}"), []
    for number in range(start, start + count):
        _, first, b, second, c = sum_of(rng)
        text = (f"Write a function: {word(ORDERS[0], first).lower()} {b}, "
                f"{word(ORDERS[1], second)} {c}.")
        code = (f"def change(n):\r\n  n = n {first} {b}\r\n"
                f"  return n {second} {c}\r\n")
        tests = [f"assert change({n}) == "
                 f"{result(result(n, first, b), second, c)}"
                 for n in rng.sample(range(10, 90), 3)]
        row = {"task_id": number, "code": code, "test_list": tests}
        rows.append(row | (
            {"source_file": "made up", "prompt": text,
             "test_imports": ["import math"]} if sanitized else
            {"text": text, "test_setup_code": "",
             "challenge_test_list": []}))
    return rows


def humaneval_rows(seed, count):
    """Rows of HumanEval."""
    rng, rows = random.Random(f"humaneval|{seed}"), []
    for number in range(count):
        _, first, b, second, c = sum_of(rng)
        checks = "".join(
            f"    assert candidate({n}) == "
            f"{result(result(n, first, b), second, c)}\n"
            for n in rng.sample(range(10, 90), 3))
        rows.append({
            "task_id": f"HumanEval/{number}", "entry_point": "change",
            "prompt": f"def change(n):\n    \"\"\"{SAID[0][first]} {b}. "
                      f"{SAID[1][second]} {c}.\"\"\"\n",
            "canonical_solution": f"    return (n {first} {b}) {second} "
                                  f"{c}\n",
            "test": f"def check(candidate):\n{checks}"})
    return rows


# -------------------------------------------------------------- repositories

def as_parquet(path, rows):
    """Rows as one parquet file."""
    import pyarrow
    import pyarrow.parquet
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)


def as_lines(path, rows):
    """Rows as JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


CARD = """---
configs:
{}---
Made up for tests.
"""
CONFIG = """- config_name: {0}
  data_files:
{1}"""
FILES = """  - split: {1}
    path: {0}/{1}-*
"""


def lay_parquet(folder, tables):
    """A data set of parquet files: ``tables`` {config: {split: rows}}."""
    for config, splits in tables.items():
        for split, rows in splits.items():
            as_parquet(folder / config / f"{split}-00000-of-00001.parquet",
                       rows)
    (folder / "README.md").write_text(CARD.format("".join(
        CONFIG.format(config, "".join(FILES.format(config, split)
                                      for split in splits))
        for config, splits in tables.items())))


def lay_data(folder, seed=0, gsm=(400, 120), apps=5000):
    """All data sets of the profiles below ``folder``/datasets.

    ``gsm``: rows of GSM8K's two splits; ``apps``: rows of each of APPS' two
    (5000 on the Hub, the levels in the Hub's proportions then).
    """
    sets = folder / "datasets"
    lay_parquet(sets / "openai" / "gsm8k" / "main", {
        "main": {"train": gsm_rows(seed, gsm[0]),
                 "test": gsm_rows(seed + 1, gsm[1])},
        "socratic": {"train": gsm_rows(2, 1), "test": gsm_rows(3, 1)}})
    splits = {"train": (601, 374), "test": (11, 500),
              "validation": (511, 90), "prompt": (1, 10)}
    lay_parquet(sets / "google-research-datasets" / "mbpp" / "main", {
        config: {split: mbpp_rows(seed, count, start, config != "full")
                 for split, (start, count) in splits.items()}
        for config in ("full", "sanitized")})
    lay_parquet(sets / "openai" / "openai_humaneval" / "main", {
        "openai_humaneval": {"test": humaneval_rows(seed, 164)}})
    home = sets / "codeparrot" / "apps"
    (home / "main").mkdir(parents=True)
    (home / "main" / "apps.py").write_text("# a loading script\n")
    shares = {"train": (2639, 2000, 361), "test": (1000, 3000, 1000)}
    for split, counts in shares.items():
        rows, levels = [], {}
        for level, count in zip(LEVELS, counts):
            count = count if apps == 5000 else max(1, count * apps // 5000)
            levels[level] = apps_rows(f"{seed}{split}", count, level,
                                      len(rows))
            rows += levels[level]
        as_lines(home / "main" / f"{split}.jsonl", rows)
        for level, some in {"all": rows, **levels}.items():
            as_parquet(home / "refs%2Fconvert%2Fparquet" / level / split
                       / "0000.parquet", some)
            as_parquet(home / "refs%2Fpr%2F5" / level
                       / f"{split}-00000-of-00001.parquet", some)
