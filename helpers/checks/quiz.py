"""The quiz at the end of a lesson: questions as data, answers told why.

``data/quiz/04.json`` holds the questions of notebook 04; each option says
what somebody has in mind who chooses it, and ``cell`` is the notebook's cell
that answers the question.
"""

import json
import textwrap
from dataclasses import dataclass

from helpers.profiles import ROOT

OPTION_LETTERS = "abcd"
BANK = ROOT / "data" / "quiz"


@dataclass(frozen=True)
class Option:
    """One answer: its text, whether it is right, and why one chooses it."""

    text: str
    right: bool
    why: str


@dataclass(frozen=True)
class Question:
    """``cell`` is the id of the cell that answers it; ``exit``: see quiz."""

    id: str
    question: str
    options: tuple
    cell: str
    exit: bool


def questions(number):
    """All questions of a lesson, "04" say, each a ``Question``.

    Raises ``ValueError`` with the file and the question for what is none:
    a field too many or too few, no option or two that are right, an id twice.
    """
    path = BANK / f"{number}.json"
    try:
        rows = json.loads(path.read_text("utf-8"))
        found = [Question(**row | {"options": tuple(
            Option(**option) for option in row["options"])}) for row in rows]
        if not found:
            raise ValueError("there is none in it")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path.name} of the quiz bank is no list of "
                         f"questions: {error}") from error
    for one in found:
        texts = [one.id, one.question, one.cell, *(
            text for option in one.options for text in (
                option.text, option.why))]
        odd = ("a text that is empty or no text" if not all(
                   isinstance(text, str) and text.strip() for text in texts)
               else f"{len(one.options)} options, and not 2 to 4"
               if not 2 <= len(one.options) <= len(OPTION_LETTERS)
               else "not one option that is right" if [
                   option.right for option in one.options].count(True) != 1
               else "the id of another question" if [
                   other.id for other in found].count(one.id) > 1 else "")
        if odd:
            raise ValueError(f"{path.name} of the quiz bank: question "
                             f"{one.id!r} has {odd}")
    return found


def quiz(number, my_answers=()):
    """Ask the three questions at the end of lesson ``number``, "04" or 4.

    ``my_answers`` are letters, "" or None where there is none yet; what is
    answered is told to be right or not, and why.
    """
    number = str(number).strip().zfill(2)
    if not (BANK / f"{number}.json").is_file():
        known = ", ".join(sorted(path.stem for path in BANK.glob("*.json")))
        print(f"there is no quiz {number!r}; there are {known}")
        return
    asked = [one for one in questions(number) if one.exit]
    if not hasattr(my_answers, "__iter__"):
        my_answers = [my_answers]
    answers = ["" if letter is None or letter is ... else
               str(letter).strip().lower() for letter in my_answers]
    answers += [""] * (len(asked) - len(answers))
    for i, (one, letter) in enumerate(zip(asked, answers)):
        print(_wrapped(f"{i + 1}. ", one.question))
        for sign, option in zip(OPTION_LETTERS, one.options):
            print(_wrapped(f"   {sign}) ", option.text))
        print(_told(one, letter), end="\n\n")


def _told(question, letter):
    """What is said about the answer ``letter`` to ``question``."""
    letters = OPTION_LETTERS[:len(question.options)]
    if not letter:
        return f"   your answer: none yet; write {', '.join(letters)}"
    if letter not in letters or len(letter) > 1:
        return _wrapped("   ", f"your answer is {letter!r}: write one of "
                        f"{', '.join(letters)}")
    option = question.options[letters.index(letter)]
    right = "right" if option.right else "wrong"
    return _wrapped("   ", f"{letter} is {right}: {option.why}")


def _wrapped(begin, text):
    return textwrap.fill(" ".join(text.split()), 79, initial_indent=begin,
                         subsequent_indent=" " * len(begin))
