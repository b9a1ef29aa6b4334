"""The quiz bank for a class: ``python -m helpers quiz``.

All questions of ``data/quiz/`` as Moodle XML or as GIFT, which Moodle imports,
or as plain text to print.  With each option goes the misconception behind it.
"""

import argparse
import html
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

from helpers.checks import quiz
from helpers.checks.quiz import OPTION_LETTERS, questions
from helpers.profiles import ROOT
from helpers.tools.files import read_notebook, see_that_it_is, write_text

HEADING = re.compile(r"(?m)^## (?:(\d+)\.|(.+))")
# `code`, and $formula$; "5 $ or 6 $" is none.
IN_BACKTICKS = re.compile(r"`([^`]+)`")
IN_DOLLARS = re.compile(r"\$(?=\S)([^$\n]*[^$\s])\$(?!\d)")
NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def lessons():
    """The numbers of the lessons that have questions, in order."""
    return sorted(path.stem for path in quiz.BANK.glob("*.json"))


def place(number, cell, root=ROOT):
    """Where a cell stands, in words: "notebook 04, section 3"."""
    found = None
    for path in (root / "notebooks").glob(f"{number}_*.ipynb"):
        for one in read_notebook(path).cells:
            for section, title in HEADING.findall(one.source):
                if one.cell_type == "markdown":
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


def to_xml(by_lesson):
    """{lesson: its questions} as one file of Moodle XML.

    As :func:`to_gift`; a text is HTML in which `code` and $formulas$ are
    shown as such.
    """
    quiz = ElementTree.Element("quiz")
    for number, asked in by_lesson.items():
        category = ElementTree.SubElement(quiz, "question", type="category")
        _text(category, "category", f"$course$/top/lesson {number}")
        for one in asked:
            question = ElementTree.SubElement(quiz, "question",
                                              type="multichoice")
            _text(question, "name", one.id)
            _text(question, "questiontext", _html(one.question), "html")
            _text(question, "generalfeedback",
                  _html(f"See {place(number, one.cell)}."), "html")
            for tag, value in (("defaultgrade", "1"), ("single", "true"),
                               ("shuffleanswers", "true"),
                               ("answernumbering", "abc")):
                ElementTree.SubElement(question, tag).text = value
            for option in one.options:
                answer = _text(question, "answer", _html(option.text), "html",
                               fraction="100" if option.right else "0")
                _text(answer, "feedback", _html(option.why), "html")
    ElementTree.indent(quiz)
    return ('<?xml version="1.0" encoding="UTF-8"?>\n'
            + ElementTree.tostring(quiz, "unicode") + "\n")


def _text(parent, tag, text, form=None, **more):
    """A new element of ``parent`` that holds ``text`` as Moodle wants it."""
    new = ElementTree.SubElement(parent, tag, **(
        {"format": form} if form else {}), **more)
    ElementTree.SubElement(new, "text").text = NO_XML.sub("\ufffd", text)
    return new


def _html(text):
    """A text of the bank as HTML: code as code, formulas for MathJax."""
    parts = IN_BACKTICKS.split(text)
    for i, part in enumerate(parts):
        safe = html.escape(part, quote=False)
        parts[i] = (IN_DOLLARS.sub(r"\\(\1\\)", safe) if i % 2 == 0 else
                    f"<pre><code>{safe}</code></pre>" if "\n" in part else
                    f"<code>{safe}</code>")
    return "".join(parts)


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


EXPORTS = {"gift": to_gift, "text": to_text, "xml": to_xml}
# How such a file begins.
FIRST = {"gift": rb"\$CATEGORY: \$course\$/top/lesson ", "text": rb"Lesson \d",
         "xml": rb"<\?xml [^>]*>\s*<quiz>"}


def main(argv=()):
    """``python -m helpers quiz``; returns the exit code."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers quiz", description="Write the quiz bank: five "
        "questions a lesson, each option with the misconception behind it.")
    parser.add_argument("lesson", nargs="*", help="numbers such as 04; all "
                        "if there are none")
    parser.add_argument("--format", choices=EXPORTS, default="gift",
                        help="gift: for Moodle's import (the default); xml: "
                        "the same, with code and formulas shown as such; "
                        "text: to print, the answers at each lesson's end")
    parser.add_argument("--output", type=Path, help="a file, in the place of "
                        "the terminal")
    options = parser.parse_args(argv)
    try:
        if unknown := sorted(set(options.lesson) - set(lessons())):
            raise ValueError(
                f"there are no questions to {', '.join(unknown)}; "
                f"data/quiz/ has {', '.join(lessons()) or 'none'}")
        asked = {number: questions(number)
                 for number in options.lesson or lessons()}
        export = EXPORTS[options.format]
        written = (export(asked) if export is to_xml else
                   "\n".join(export(*each) for each in asked.items()))
        if options.output:
            see_that_it_is(options.output, f"a bank in this format "
                           f"({options.format})", lambda data: re.match(
                               FIRST[options.format], data))
            write_text(options.output, written)
            print(f"written {options.output}: the questions to "
                  f"{', '.join(asked)}")
        else:
            print(written, end="")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0
