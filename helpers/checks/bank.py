"""The quiz bank for a class: ``python -m helpers quiz``.

All questions of ``data/quiz/`` as GIFT, which Moodle imports, or as plain
text to print.  With each option goes the misconception behind it.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from helpers.checks import quiz
from helpers.checks.quiz import OPTION_LETTERS, questions
from helpers.profiles import ROOT

HEADING = re.compile(r"(?m)^## (?:(\d+)\.|(.+))")


def lessons():
    """The numbers of the lessons that have questions, in order."""
    return sorted(path.stem for path in quiz.BANK.glob("*.json"))


def place(number, cell, root=ROOT):
    """Where a cell stands, in words: "notebook 04, section 3"."""
    found = None
    for path in (root / "notebooks").glob(f"{number}_*.ipynb"):
        for one in json.loads(path.read_text("utf-8"))["cells"]:
            for section, title in HEADING.findall("".join(one["source"])):
                if one["cell_type"] == "markdown":
                    found = f"section {section}" if section else repr(title)
            if one.get("id") == cell:
                return f"notebook {number}, {found or 'its beginning'}"
    raise ValueError(f"data/quiz/{number}.json names the cell {cell!r}, and "
                     f"notebook {number} has none of that id")


def to_gift(number, asked):
    """The questions ``asked`` of a lesson in Moodle's GIFT format.

    Each is a category ``lesson NN``; feedback of an option is its ``why``,
    that of the question the section that answers it.
    """
    parts = [f"$CATEGORY: $course$/top/lesson {number}"]
    for one in asked:
        lines = [f"::{_gift(one.id)}::[plain]{_gift(one.question)} {{"]
        for option in one.options:
            text = _gift(option.text)
            # A wrong answer that begins with % would be read as its weight.
            sign = ("=" if option.right else
                    "~%0%" if text.startswith("%") else "~")
            lines.append(f"  {sign}{text}#{_gift(option.why)}")
        lines.append(f"  ####{_gift('See ' + place(number, one.cell))}.")
        parts.append("\n".join([*lines, "}"]))
    return "\n\n".join(parts) + "\n"


def _gift(text):
    """Text of one line in which nothing means anything to GIFT."""
    return re.sub(r"([\\~=#{}:])", r"\\\1", " ".join(text.split()))


def to_text(number, asked):
    """The questions of a lesson, and behind them the answers, as text."""
    lines = [f"Lesson {number}", ""]
    for one in asked:
        lines += [f"{one.id}  {' '.join(one.question.split())}"]
        lines += [f"  {sign}) {' '.join(option.text.split())}" for sign, option
                  in zip(OPTION_LETTERS, one.options)]
        lines.append("")
    lines += [f"Answers to lesson {number}", ""]
    for one in asked:
        right = OPTION_LETTERS[[option.right
                                for option in one.options].index(True)]
        lines.append(f"{one.id}  {right}, {place(number, one.cell)}")
        lines += [f"  {sign}) {' '.join(option.why.split())}" for sign, option
                  in zip(OPTION_LETTERS, one.options)]
        lines.append("")
    return "\n".join(lines)


EXPORTS = {"gift": to_gift, "text": to_text}


def main(argv=()):
    """``python -m helpers quiz``; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m helpers quiz", description="Write the quiz bank: five "
        "questions a lesson, each option with the misconception behind it.")
    parser.add_argument("lesson", nargs="*", help="numbers such as 04; all "
                        "if there are none")
    parser.add_argument("--format", choices=EXPORTS, default="gift",
                        help="gift: for Moodle's import (the default); text: "
                        "to print, the answers at each lesson's end")
    parser.add_argument("--output", type=Path, help="a file, in the place of "
                        "the terminal")
    options = parser.parse_args(argv)
    try:
        if unknown := sorted(set(options.lesson) - set(lessons())):
            raise ValueError(
                f"there are no questions to {', '.join(unknown)}; "
                f"data/quiz/ has {', '.join(lessons()) or 'none'}")
        written = "\n".join(EXPORTS[options.format](number, questions(number))
                            for number in options.lesson or lessons())
        if options.output:
            options.output.write_text(written, "utf-8")
        else:
            print(written, end="")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0
