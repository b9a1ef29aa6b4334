"""Checks of the exercises in notebook 02.

A check takes what the reader wrote, tries it on cases whose outcome is known,
prints one line and returns whether all is right.
"""

import torch

from helpers import prompts
from helpers.checks.report import (attempt, entries, exercise, misfit, say,
                                   shown, two)

SOLVED = (("Ann has 2 cups and buys 3. How many?",
           "start = 2\nanswer = start + 3\n"),
          ("Ben has 8 keys and loses half. How many?",
           "start = 8\nanswer = start / 2\n"))
TO_ANSWER = "Cara has 5 pens and finds 4. How many?"


@exercise
def check_02_1(few_shot_prompt):
    """Exercise 1: solved questions, then the question.

    Prints one line, returns a bool.
    """
    title = "two solved questions and then the question"
    got, failed = attempt(few_shot_prompt, TO_ANSWER, list(SOLVED))
    if failed:
        return say(title, failed)
    if not isinstance(got, str):
        return say(title, misfit(got, "return one text"))
    if got != prompts.few_shot_prompt(TO_ANSWER, SOLVED):
        return say(title, shown(got, 40), slip_in_prompt(got))
    for solved, why in (((*SOLVED[::-1], *SOLVED[:1]), "all exemplars are "
                         "shown, however many there are"),
                        ((), "without exemplars the question stands alone")):
        other = f"{len(solved)} solved questions and then the question"
        got, failed = attempt(few_shot_prompt, TO_ANSWER, list(solved))
        if failed:
            return say(other, failed, why if failed.kind else None)
        if got != prompts.few_shot_prompt(TO_ANSWER, solved):
            return say(other, shown(got, 40), why)
    return say(title, "that text")


def slip_in_prompt(text):
    """What is wrong with a prompt that is not as it should be."""
    for number, parts in enumerate(SOLVED, 1):
        for part, what in zip(parts, ("question", "program")):
            if part.strip() not in text:
                return f"the {what} of exemplar {number} is not in it"
    if TO_ANSWER not in text:
        return "the question that is to be answered is not in it"
    if not text.rstrip().endswith(TO_ANSWER):
        return ("the question has to stand last, for the model goes on where "
                "the text ends")
    if text.index(SOLVED[0][0]) > text.index(SOLVED[1][0]):
        return "the exemplars are not in the order in which they were given"
    if text.count(TO_ANSWER) > 1:
        return "the question stands in it more than once"
    if any(f"# {asked}" not in text for asked in
           (SOLVED[0][0], SOLVED[1][0], TO_ANSWER)):
        return ("a question is written as a comment, which zero_shot_prompt "
                "does")
    if not text.endswith("\n"):
        return ("the last line has no end, so the model would go on with the "
                "question instead of answering it")
    if any(f"{program}\n#" not in text for _, program in SOLVED):
        return "each program is followed by one blank line, and then by `# `"
    return ("nothing else is in it: no other line, space or blank line than "
            "those of the example")


# Probabilities of three tokens; pick gets their logarithms.
ODDS = torch.tensor([[0.2, 0.5, 0.3]])
BY_CHANCE = ("the token is the first, in the order of the vocabulary, up to "
             "which the probabilities add up to more than `uniform`")
PICKED = (
    (0.0, 1.0, 0.1, 1, "at temperature 0 the likeliest token is taken, and "
     "nothing is divided by 0"),
    (1.0, 1.0, 0.1, 0, BY_CHANCE),
    (1.0, 1.0, 0.6, 1, BY_CHANCE),
    (1.0, 1.0, 0.9, 2, BY_CHANCE),
    (0.5, 1.0, 0.15, 1, "below 1 a temperature makes likely tokens likelier: "
     "logits are divided by it, before the softmax"),
    (2.0, 1.0, 0.22, 0, "above 1 a temperature makes unlikely tokens "
     "likelier: logits are divided by it, before the softmax"),
    (1.0, 0.7, 0.01, 1, "with top_p = 0.7 the tokens with 0.5 and 0.3 are "
     "kept, and never the one with 0.2"),
    (1.0, 0.7, 0.7, 2, "with top_p = 0.7 the token that crosses the line "
     "still belongs to those that are kept"),
    (1.0, 0.4, 0.99, 1, "what top_p keeps has to add up to 1 again: divide "
     "by the sum of what is left"))


@exercise
def check_02_2(pick):
    """Exercise 2: one token a row, by temperature, top-p and chance.

    Prints one line, returns a bool.
    """
    for temperature, top_p, uniform, wanted, why in PICKED:
        title = (f"token {wanted} at temperature = {temperature}, "
                 f"top_p = {top_p}, uniform = {uniform}")
        got, failed = attempt(pick, ODDS.log(), torch.tensor([uniform]),
                              temperature, top_p)
        tokens, failed = (None, failed) if failed else token_ids(got, 1)
        if failed:
            return say(title, failed)
        if tokens != [wanted]:
            return say(title, f"token {tokens[0]}", why)
    return many_rows(pick)


def many_rows(pick):
    """The second half of exercise 2: rows of their own, beside ours."""
    source = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(64, 50, generator=source)
    uniform = torch.rand(64, generator=source)
    for temperature, top_p in ((0.0, 0.9), (1.5, 1.0), (0.8, 0.9)):
        title = "64 tokens, picked for each row by itself" + (
            ", at temperature = 0" if not temperature else "")
        got, failed = attempt(pick, logits, uniform, temperature, top_p)
        tokens, failed = (None, failed) if failed else token_ids(got, 64)
        if failed:
            return say(title, failed)
        ours = (logits.argmax(-1).tolist() if not temperature else
                [picked(row, number, temperature, top_p) for row, number in
                 zip(logits, uniform.tolist())])
        same = sum(a == b for a, b in zip(tokens, ours))
        if same < 63:              # a sum may be rounded in another way
            return say(title, f"{same} of them", "each row has its own "
                       "uniform number and its own sums, along the last "
                       "dimension" if temperature else "each row has its "
                       "own likeliest token, along the last dimension")
    return say(title, f"{same} of them" if same < 64 else "them all")


def picked(logits, uniform, temperature, top_p):
    """The token of one row, added up one by one."""
    chances = torch.softmax(logits.double() / temperature, -1).tolist()
    kept, total = set(), 0.0
    for token in sorted(range(len(chances)), key=lambda i: -chances[i]):
        if total >= top_p:
            break
        kept.add(token)
        total += chances[token]
    reached = 0.0
    for token in sorted(kept):
        reached += chances[token] / total
        if reached > uniform:
            return token
    return max(kept)


def token_ids(got, rows):
    """``(ids, None)``, one whole number a row, or ``(None, Failure)``."""
    wanted = f"return a tensor of {rows} token ids, one a row"
    shape = getattr(got, "shape", None)
    if shape is not None and tuple(shape) != (rows,):
        return None, misfit(got, wanted)
    tokens, failed = entries(got, wanted)
    if not failed and (len(tokens) != rows or any(
            isinstance(token, bool) or not isinstance(token, int)
            for token in tokens)):
        failed = misfit(got, wanted)
    return tokens, failed


CUT_TEXTS = (
    ("start = 3\nanswer = start\n\n# Next question\n",
     "start = 3\nanswer = start\n", "stop",
     "the answer line still belongs to the program, with its line end, and "
     "nothing after it does"),
    ("start = 3\nmonday = start +", "start = 3\nmonday = start +", "length",
     "without an answer line the text stays as it is, and the reason is "
     "'length'"),
    ("start = 3\nanswer = 1", "start = 3\nanswer = 1", "length",
     "a line that has not ended may still become `answer = 12`"),
    ("my_answer = 3\nanswer = my_answer\n# x\n",
     "my_answer = 3\nanswer = my_answer\n", "stop",
     "the line has to begin with the word answer"),
    ("answer = 2\nanswer = 3\n", "answer = 2\n", "stop",
     "the first answer line ends the program"),
    ("if a:\n    answer = 3\nanswer = 4\n# x\n",
     "if a:\n    answer = 3\nanswer = 4\n", "stop",
     "a line that begins with spaces does not begin with the word answer"),
    ("start=2\nanswer=start\n# x\n", "start=2\nanswer=start\n", "stop",
     "the line begins with the word answer, and a space need not follow"),
    ("start = 3\nmonday = start + 2\n", "start = 3\nmonday = start + 2\n",
     "length", "it ends in a whole line, and that is no answer line"),
    ("", "", "length", "an empty text has no answer line"))


@exercise
def check_02_3(cut_completion):
    """Exercise 3: where a completion ends, and why.

    Prints one line, returns a bool.
    """
    wanted = "return the text and the reason"
    for text, kept, reason, why in CUT_TEXTS:
        title = f"{(kept, reason)!r}"
        got, failed = attempt(cut_completion, text)
        pair, failed = (None, failed) if failed else two(got, wanted, a_text)
        if failed:
            return say(title, failed)
        if pair != [kept, reason]:
            if pair[0] == kept and {pair[1], reason} == {"stop", "length"}:
                why = (f"the text is right, the reason is not: {why}")
            return say(title, shown(tuple(pair), 70), f"for {text!r}: {why}")
    return say(f"{len(CUT_TEXTS)} pairs", "all of them")


def a_text(entry, wanted):
    """``(entry, None)`` for a text, else ``(None, Failure)``."""
    if isinstance(entry, str):
        return entry, None
    return None, misfit(entry, wanted, "an entry")
