"""From a question to the text that a model continues, and back.

A teacher is shown a few solved questions first (few-shot); a student is
given the question alone (zero-shot).  Both continue the text with a program,
of which everything after the line that sets ``answer`` is cut away.
"""

import hashlib
import re

# Exemplars of our own.  Each set is in the style that its models should
# answer in: the mini world's day variables, and for GSM8K the flat style of
# EKT's released prompt (numbers as n0, n1, ..., one operation per line, a
# last line that sets the answer), which is that of another data set.
EXEMPLARS = {
    "mini-gsm": (
        ("Eva starts with 14 stamps. On Tuesday Eva finds 9. On Saturday Eva "
         "sells 5. How many stamps does Eva have in the end?",
         "start = 14\n"
         "tuesday = start + 9\n"
         "saturday = tuesday - 5\n"
         "answer = saturday\n"),
        ("Jon starts with 8 hats. On Friday Jon loses 4. On Monday Jon "
         "doubles them. On Thursday Jon reads 11 pages. How many hats does "
         "Jon have in the end?",
         "start = 8\n"
         "monday = start * 2\n"
         "friday = monday - 4\n"
         "answer = friday\n"),
        ("Tina starts with 31 pens. On Sunday Tina halves them. On Wednesday "
         "Tina gets 3. On Thursday Tina drops 6. How many pens does Tina have "
         "in the end?",
         "start = 31\n"
         "wednesday = start + 3\n"
         "thursday = wednesday - 6\n"
         "sunday = thursday / 2\n"
         "answer = sunday\n"),
    ),
    "gsm8k": (
        ("A baker fills 4 trays with 15 rolls each and sells 38 rolls before "
         "noon. How many rolls are left?",
         "n0 = 4.0\nn1 = 15.0\nn2 = 38.0\n"
         "t0 = n0 * n1\nt1 = t0 - n2\nanswer = t1\n"),
        ("Two pumps empty a tank of 900 litres. One moves 20 litres a minute "
         "and the other 25 litres a minute. How many minutes do they need "
         "together?",
         "n0 = 900.0\nn1 = 20.0\nn2 = 25.0\n"
         "t0 = n1 + n2\nt1 = n0 / t0\nanswer = t1\n"),
        ("A coat costs 80 dollars and is sold with 15 percent off. Nora pays "
         "with a 100 dollar note. How much change does she get?",
         "n0 = 80.0\nn1 = 15.0\nn2 = 100.0\n"
         "t0 = n1 / 100.0\nt1 = n0 * t0\nt2 = n0 - t1\n"
         "t3 = n2 - t2\nanswer = t3\n"),
    ),
}

ANSWER_LINE = re.compile(r"^answer.*?\n", re.MULTILINE)


def zero_shot_prompt(question):
    """The question as a comment, and nothing else.

    This is what a student sees, in training and in use (EKT, released
    evaluation).  Introduced in notebook 02.  Raises ``ValueError`` for what
    is no text, such as a whole problem.
    """
    if not isinstance(question, str):
        raise ValueError(f"a question is a text, problem.question say, and "
                         f"not {question!r:.40}")
    return f"# {question}\n"


def exemplar_text(exemplars):
    """Solved ``exemplars``, (question, program) pairs, as one text.

    A blank line ends each, as in EKT's released prompt; three are used
    there.
    """
    return "".join(zero_shot_prompt(asked) + program + "\n"
                   for asked, program in exemplars)


def few_shot_prompt(question, exemplars):
    """The solved ``exemplars``, then the question.

    Introduced in notebook 02.
    """
    return exemplar_text(exemplars) + zero_shot_prompt(question)


def cut_completion(text):
    """``text`` up to the end of the first line that starts with ``answer``.

    Returns (completion, finish_reason).  Without such a line the text stays
    whole and the reason is ``"length"``: the model did not come to an end.
    A model that stopped by itself right behind ``answer = ...`` has written
    no newline; one is added, so that equal programs are equal texts.
    EKT cuts with the same rule.  Introduced in notebook 02.
    """
    match = ANSWER_LINE.search(text)
    if match:
        return text[:match.end()], "stop"
    return text, "length"


def shortened(tokenizer, prompt, most):
    """``prompt`` in ``most`` tokens: its first line, and its end.

    The first line says which task is wanted, the end asks; what is left out
    follows the first line.  Where there is no room for both, nothing is.
    """
    if len(tokenizer(prompt)["input_ids"]) <= most:
        return prompt
    head, _, rest = prompt.partition("\n")
    ids = tokenizer(rest, add_special_tokens=False)["input_ids"]
    room = min(len(ids), most)
    while room > 0:
        text = f"{head}\n{tokenizer.decode(ids[-room:])}"
        over = len(tokenizer(text)["input_ids"]) - most
        if over <= 0:
            return text
        room -= over
    return prompt


def truncate_left(ids, most):
    """The last ``most`` of the token ``ids``.

    A prompt that is too long loses its beginning, so the exemplars go first
    and the question stays.  EKT keeps 756 tokens.
    Introduced in notebook 02.
    """
    return ids[max(0, len(ids) - most):]           # of 0, none


def prompt_hash(text):
    """Twelve hexadecimal digits that name a prompt text.

    A cached sample bears it, so that a changed prompt is never answered from
    an old cache.  Introduced in notebook 06.
    """
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def section(label, text=""):
    """A labelled part of a text; the label alone asks for the part.

    Introduced in notebook 03.  Raises ``ValueError`` for what is no text.
    """
    if not isinstance(text, str):
        raise ValueError(f"under {label.upper()} stands a text, and not "
                         f"{text!r:.40}")
    return f"{label.upper()}:\n{text}"


LABEL = re.compile(r"^(?:QUESTION|CODE|PLAN):", re.MULTILINE)


def cut_section(text):
    """``text`` up to the line in which another labelled part begins.

    Returns (completion, finish_reason) as :func:`cut_completion` does.  What
    is kept ends with one newline.  Introduced in notebook 03.
    """
    match = LABEL.search(text)
    if match:
        return text[:match.start()].rstrip("\n") + "\n", "stop"
    return text, "length"


ROLE = ("You continue texts. You are given the beginning of a text. Reply "
        "with what comes next, in the same form, and with nothing else.")
FENCE = re.compile(r"^```.*\n", re.MULTILINE)


def as_messages(text):
    """A prompt as messages, for a model that was trained to chat.

    A chat model answers rather than continues.  So that one prompt serves all
    teachers, it is told to continue.
    """
    return [{"role": "system", "content": ROLE},
            {"role": "user", "content": text}]


def from_reply(text):
    """What a chat model's reply ``text`` continues the prompt with.

    Code within a fence of three backticks stands alone, whatever is said
    around it.
    """
    opened = FENCE.search(text)
    if not opened:
        return text
    inside = text[opened.end():]
    closed = inside.find("\n```")
    if inside.startswith("```"):
        return ""
    return inside if closed < 0 else inside[:closed + 1]
