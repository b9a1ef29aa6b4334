"""The checks of notebook 03 know right from wrong, and say what is wrong."""

import re

import pytest

from helpers.checks.notebook_03 import (BRANCHING, CARRIED, LEAKS, check_03_1,
                                        check_03_2, check_03_3)
from helpers.mini.reading import carry_out, plan_lines
from helpers.plans import WAYS, no_leak, plan_request, steps
from helpers.prompts import section


# ---- exercise 1 ----

def ask(way, question, code, exemplar, leak=(), exemplars=True, key=None,
        swap=False, turned=False, end="PLAN:\n", newline=True, blank="\n",
        target=True, strip=True, strict=False):
    """A solution with a slip to choose."""
    given = {"question": question, "code": code}
    if strip:
        given = {part: text.rstrip("\n") for part, text in given.items()}
    parts = [*leak, *(part for part in WAYS[way] if part not in leak)]
    if swap:
        parts = parts[::-1]
    solved = "".join(section(part, exemplar[part]) for part in parts)
    plan = (exemplar[way if way == "backward" else "plan"] if strict else
            exemplar.get(key or way, exemplar["plan"]))
    solved += section("plan", plan) + blank
    asked = "".join(section(part, given[part] + "\n" * newline)
                    for part in parts if target or part != "code")
    if turned:
        return asked + "\n" + solved + end
    return (solved if exemplars else "") + asked + end


WRONG_1 = {
    "the question is shown": lambda *a: ask(*a, leak=("question",)),
    "code is shown": lambda w, *a: ask(
        w, *a, leak=("question", "code") if "question" in WAYS[w] else ()),
    "the solved exemplar": lambda *a: ask(*a, exemplars=False),
    "names days": lambda *a: ask(*a, key="plan"),
    "of the key \"plan\"": lambda *a: ask(*a, key="backward"),
    "the code of the target": lambda *a: ask(*a, target=False),
    "the question of the target": lambda w, q, c, e: ask(w, "", c, e),
    "target last": lambda *a: ask(*a, turned=True),
    "before the code": lambda *a: ask(*a, swap=True),
    "must end in": lambda *a: ask(*a, end=""),
    "must end in 'PLAN:'": lambda *a: ask(*a, end="PLAN:"),
    "stuck": lambda *a: ask(*a, newline=False),
    "a blank line too many": lambda *a: ask(*a, strip=False),
    "a blank line ends": lambda *a: ask(*a, blank=""),
    "compare line by line": lambda *a: ask(*a, blank="\n\n"),
    "no plan of that key": lambda *a: ask(*a, strict=True),
    "as text": lambda *a: [ask(*a)],
    "nothing is returned": lambda *a: None,
    "the call failed": lambda q: q,
    "SystemExit": lambda *a: exit(),
}


# ---- exercise 2 ----

def tight(text):
    return "".join(text.split())


def leaks(plan, code, squeeze=tight, counts=lambda line: re.search(
        "[=(]", line), holds=lambda line, plan: line in plan):
    """Whether a line leaks; a solution turned round, with slips to choose."""
    return any(holds(squeeze(line), squeeze(plan))
               for line in code.splitlines() if counts(line))


WRONG_2 = {
    "in words alone": lambda plan, code: False,
    "line 2 quotes": lambda plan, code: True,
    "quotes no line": leaks,
    "anywhere in the plan": lambda plan, code: not any(
        tight(line) in map(tight, steps(plan))
        for line in code.splitlines() if "=" in line),
    "spaces do not count": lambda plan, code: not leaks(
        plan, code, squeeze=str.strip),
    "\"else:\" has neither": lambda plan, code: not leaks(
        plan, code, counts=str),
    "such as print": lambda plan, code: not leaks(plan, code) and not any(
        word in plan.split() for word in re.findall(r"[a-z]{3,}", code)
        if word == "print"),
    "a line with ( counts": lambda plan, code: not leaks(
        plan, code, counts=lambda line: "=" in line),
    "that line is not in": lambda plan, code: not leaks(
        plan, code) and " * " not in plan,
    "a tab is a space": lambda plan, code: not leaks(
        plan, code, squeeze=lambda text: text.replace(" ", "")),
    "without lines": lambda plan, code: bool(code) and not leaks(plan, code),
    "True or False": lambda plan, code: [
        line for line in code.splitlines() if line in plan],
    "nothing is returned so far": lambda plan, code: None,
    "the call failed": lambda plan: True,
}


# ---- exercise 3 ----

def carry(plan, n, divide=lambda n, by: n // by, strict=True):
    """A solution with a slip to choose."""
    for line in steps(plan):
        *words, last = line.split(": ")[-1].rstrip(".").lower().split()
        if words in (["read"], ["print"]):
            continue
        if words == ["times"]:
            n *= int(last)
        elif words == ["divided", "by"]:
            n = divide(n, int(last))
        elif words == ["plus"]:
            n += int(last)
        elif words == ["minus"]:
            n -= int(last)
        elif strict:
            return None
    return n


def replaced(plan, n):
    """Another solution: each line becomes an expression."""
    for line in plan.splitlines()[1:-1]:
        text = re.sub(r"^[0-9]+\. (\w+day: )?", "", line).lower()
        for words, sign in (("times", "*"), ("divided by", "//"),
                            ("plus", "+"), ("minus", "-")):
            text = text.replace(words, sign)
        try:
            n = eval(f"{n} {text.rstrip('.')}")
        except SyntaxError:
            return None
    return n


def all_digits(plan, n):
    """Takes all digits of a line for its number."""
    for line in plan.splitlines():
        number = int("".join(filter(str.isdigit, line)) or 0)
        n = (n + number if "lus" in line else n - number if "inus" in line
             else n * 2 if "imes" in line else n)
    return n


def by_words(plan, n, find=re.match, idle=r"(read n|print it)$"):
    """A solution that looks for words and numbers, with slips to choose."""
    for _, deed in plan_lines(plan):
        found = find(r"(plus|minus|times|divided by) (\d+)", deed)
        if re.match(idle, deed):
            continue
        if not found:
            return None
        n = {"plus": int.__add__, "minus": int.__sub__, "times": int.__mul__,
             "divided by": int.__floordiv__}[found[1]](n, int(found[2]))
    return n


WRONG_3 = {
    "and nothing else": by_words,
    "only `read n`": lambda plan, n: by_words(
        plan, n, re.fullmatch, "read|print"),
    "times 2, then": lambda plan, n: None,
    "then minus 3": all_digits,
    "a day in front": lambda plan, n: (
        None if "day" in plan else carry(plan, n)),
    "not in that of the days": lambda plan, n: (
        n * 2 + 4 if "Friday: plus 4" in plan else carry(plan, n)),
    "whole": lambda plan, n: carry(plan, float(n)),
    "division is //": lambda plan, n: carry(
        plan, n, lambda n, by: (n + 1) // by),
    "also below 0": lambda plan, n: carry(
        plan, n, lambda n, by: int(n / by)),
    "n may be below": lambda plan, n: carry(plan, abs(n)),
    "two digits": lambda plan, n: carry(plan, n) if "10." not in plan else 3,
    "gives None": lambda plan, n: carry(plan, n, strict=False),
    "0 is a result": lambda plan, n: carry(plan, n) or None,
    "TypeError": lambda plan: plan,
}


@pytest.mark.parametrize("check, wrong, message", [
    (check, wrong, message) for check, answers in (
        (check_03_1, WRONG_1), (check_03_2, WRONG_2), (check_03_3, WRONG_3))
    for message, wrong in answers.items()])
def test_each_exercise_names_the_slip(check, wrong, message, capsys):
    assert check(wrong) is False
    line = capsys.readouterr().out
    assert message in line and ": not yet, " in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("check, right", [
    (check_03_1, ask), (check_03_1, plan_request),
    (check_03_2, no_leak),
    (check_03_2, lambda plan, code: not leaks(plan, code)),
    (check_03_3, carry_out), (check_03_3, carry), (check_03_3, replaced),
    (check_03_3, lambda plan, n: by_words(plan, n, re.fullmatch))])
def test_right_answers_pass_in_more_than_one_way(check, right, capsys):
    assert check(right) is True
    out = capsys.readouterr().out
    assert out.endswith(": correct\n") and out.count("\n") == 1


def test_the_checks_worlds_are_as_described():
    for plan, n, wanted, _ in CARRIED:
        assert carry(plan, n) == wanted
    for plan, wanted, _ in LEAKS:
        assert leaks(plan, BRANCHING) is not wanted
