"""The checks of notebook 02 know right from wrong."""

import re

import pytest
import torch

from helpers.checks.notebook_02 import check_02_1, check_02_2, check_02_3
from helpers.prompts import cut_completion, few_shot_prompt, zero_shot_prompt
from helpers.teachers.decoding import pick
from marking import assert_told_why


def stub(*arguments):
    ...


def prompt(question, solved, mark="# ", gap="\n", end="\n", last=True,
           turned=False, take=9, sign=""):
    """A solution of exercise 1 with a slip to choose."""
    pairs = list(solved)[:take][::-1 if turned else 1]
    shown = "".join(f"{mark}{asked}\n{program}{gap}"
                    for asked, program in pairs)
    asked = f"# {question}{sign}{end}"
    return shown + asked if last else asked + shown


def drawn(logits, uniform, temperature, top_p=1.0, greedy=True, scale=None,
          cut="nucleus", again=True, ranked=False, rows=True):
    """A solution of exercise 2, row by row, with a slip to choose."""
    if temperature == 0 and greedy:
        return logits.argmax(-1)
    tokens = []
    for row, number in zip(logits, uniform if rows else
                           uniform[:1].expand(len(logits))):
        scaled = scale(row, temperature) if scale else row / temperature
        probs = torch.softmax(scaled, -1).tolist()
        order = sorted(range(len(probs)), key=lambda i: -probs[i])
        kept, total = [], 0.0
        for i in order:
            if cut == "nucleus" and total >= top_p:
                break
            if cut == "short" and kept and total + probs[i] > top_p:
                break
            kept.append(i)
            total += probs[i]
        whole = total if again else 1.0
        total = 0.0
        for i in kept if ranked else sorted(kept):
            total += probs[i] / whole
            if total > number:
                break
        else:
            i = len(probs) - 1
        tokens.append(i)
    return torch.tensor(tokens)


def cut(text, pattern=r"^answer.*?\n", last=False, keep=True,
        reasons=("stop", "length")):
    """A solution of exercise 3 with a slip to choose."""
    found = list(re.finditer(pattern, text, re.MULTILINE))
    if not found:
        return text, reasons[1]
    match = found[-1 if last else 0]
    return text[:match.end() if keep else match.start()], reasons[0]


def prompt_of_two(question, solved):
    (a, b), (c, d) = solved[:2]
    return f"# {a}\n{b}\n# {c}\n{d}\n# {question}\n"


WRONG = [
    (check_02_1, stub, "nothing is returned"),
    (check_02_1, lambda q, e: zero_shot_prompt(q), "exemplar 1 is not in it"),
    (check_02_1, lambda q, e: prompt(q, e, take=1), "of exemplar 2"),
    (check_02_1, lambda q, e: prompt("", e), "is to be answered"),
    (check_02_1, lambda q, e: prompt(q, e, last=False), "stand last"),
    (check_02_1, lambda q, e: prompt(q, e, turned=True), "in the order"),
    (check_02_1, lambda q, e: prompt(q, e, mark=""), "as a comment"),
    (check_02_1, lambda q, e: prompt(q, e, gap=""), "one blank line"),
    (check_02_1, lambda q, e: prompt(q, e, end=""), "has no end"),
    (check_02_1, lambda q, e: prompt(q, e, gap="\n\n"), "one blank line"),
    (check_02_1, lambda q, e: "Go.\n" + prompt(q, e), "nothing else"),
    (check_02_1, lambda q, e: [prompt(q, e)], "return one text"),
    (check_02_1, prompt_of_two, "however many"),
    (check_02_1, lambda q, e: prompt(q, e, take=9) if e else "\n",
     "the question stands alone"),
    (check_02_2, stub, "nothing is returned"),
    (check_02_2, lambda z, u, t, p: drawn(z, u, t, p, greedy=False),
     "nothing is divided by 0"),
    (check_02_2, lambda z, u, t, p: z.argmax(-1), "more than `uniform`"),
    (check_02_2, lambda z, u, t, p: drawn(z, u, t, p, ranked=True),
     "the order of the vocabulary"),
    (check_02_2, lambda z, u, t, p: drawn(
        z, u, t, p, scale=lambda row, t: row * t), "divided by it"),
    (check_02_2, lambda z, u, t, p: drawn(
        z, u, t, p, scale=lambda row, t: row), "makes likely tokens"),
    (check_02_2, lambda z, u, t, p: drawn(z, u, t), "never the one with 0.2"),
    (check_02_2, lambda z, u, t, p: drawn(z, u, t, p, cut="short"),
     "crosses the line"),
    (check_02_2, lambda z, u, t, p: drawn(z, u, t, p, again=False),
     "add up to 1 again"),
    (check_02_2, lambda z, u, t, p: drawn(z, u, t, p, rows=False),
     "its own uniform number"),
    (check_02_2, lambda z, u, t, p: pick(z, u, t, p) if t else
     z.argmax().reshape(1), "of 64 token ids, one a row"),
    (check_02_2, lambda z, u, t, p: pick(z, u, t, p) if t else
     z.argmax().expand(len(z)) % z.shape[1], "its own likeliest"),
    (check_02_2, lambda z, u, t, p: pick(z, u, t, p)[:, None],
     "one a row"),
    (check_02_2, lambda z, u, t, p: float(pick(z, u, t, p)[0]), "one a row"),
    (check_02_3, stub, "nothing is returned"),
    (check_02_3, lambda t: cut(t)[0], "return the text and the reason"),
    (check_02_3, lambda t: cut(t, keep=False), "belongs to the program"),
    (check_02_3, lambda t: (t, "length"), "nothing after it"),
    (check_02_3, lambda t: cut(t, reasons=("length", "stop")),
     "the reason is not"),
    (check_02_3, lambda t: cut(t, pattern=r"^answer.*$"), "line end"),
    (check_02_3, lambda t: cut(t, pattern=r"^answer.*(\n|\Z)"),
     "may still become"),
    (check_02_3, lambda t: cut(t, pattern=r"answer.*?\n"), "has to begin"),
    (check_02_3, lambda t: cut(t, last=True), "first answer line"),
    (check_02_3, lambda t: cut(t, pattern=r"^ *answer.*?\n"), "spaces"),
    (check_02_3, lambda t: cut(t, pattern=r"^answer = .*?\n"),
     "a space need not follow"),
    (check_02_3, lambda t: (cut(t)[0], "stop" if t.endswith("\n") or
                            "\n\n" in t else "length"), "a whole line"),
    (check_02_3, lambda t: cut(t) if t[0] else t, "failed"),
    (check_02_3, lambda t: (t, True), "True or False"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


@pytest.mark.parametrize("check, answer", [
    (check_02_1, few_shot_prompt), (check_02_1, prompt),
    (check_02_2, pick), (check_02_2, drawn),
    (check_02_2, lambda z, u, t, p: drawn(z, u, t, p).tolist()),
    (check_02_3, cut_completion), (check_02_3, cut),
    (check_02_3, lambda text: list(cut(text)))])
def test_ours_and_other_right_answers_pass(check, answer, capsys):
    assert check(answer), capsys.readouterr().out
