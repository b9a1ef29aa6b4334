"""The checks of notebook 03 know right from wrong, and say what is wrong."""

import re
from itertools import combinations, product

import pytest

from helpers.checks.notebook_03 import (CARRIED, KEYS, PICKED, SCORES, SLIPS,
                                        VALUES, check_03_1, check_03_2,
                                        check_03_3, check_03_4, over_all)
from helpers.plans import best_of, choose, plan_request, steps
from helpers.prompts import section


# ---- exercise 1 ----

def ask(question, code, exemplar, with_question, leak=False, label=True,
        exemplars=True, key=None, swap=False, turned=False, end="PLAN:\n",
        newline=True, blank="\n", target=True):
    """A solution with a slip to choose."""
    key = key or ("plan" if with_question else "backward")
    code = code + "\n" if newline else code
    parts = [("question", exemplar["question"], question + "\n"),
             ("code", exemplar["code"], code)]
    if not with_question and not leak:
        parts = parts[1:]
    if swap:
        parts = parts[::-1]
    solved = "".join(section(name, shown) for name, shown, _ in parts)
    solved += section("plan", exemplar[key]) + blank
    asked = "".join(section(name, given) for name, _, given in parts
                    if target or name != "code")
    if turned:
        return asked + "\n" + solved + end
    return (solved if exemplars else "") + asked + end


WRONG_1 = {
    "the question is shown": lambda *a: ask(*a, leak=True),
    "the solved exemplar": lambda *a: ask(*a, exemplars=False),
    "names days": lambda *a: ask(*a, key="plan"),
    "of the key \"plan\"": lambda *a: ask(*a, key="backward"),
    "both questions": lambda q, c, e, w: ask("", c, e, w),
    "code to be explained": lambda *a: ask(*a, target=False),
    "target last": lambda *a: ask(*a, turned=True),
    "before the code": lambda *a: ask(*a, swap=True),
    "must end in": lambda *a: ask(*a, end=""),
    "must end in 'PLAN:'": lambda *a: ask(*a, end="PLAN:"),
    "stuck": lambda *a: ask(*a, newline=False),
    "a blank line": lambda *a: ask(*a, blank=""),
    "compare with plan_request": lambda *a: ask(*a, blank="\n\n"),
    "as text": lambda *a: [ask(*a)],
    "nothing is returned": lambda *a: None,
    "the call failed": lambda q: q,
    "SystemExit": lambda *a: exit(),
}


# ---- exercise 2 ----

def pick(scores, key=lambda s: s.examples / s.codes if s.codes else 0,
         last=False, least=1e-9, order=list):
    """A solution with a slip to choose."""
    best = {}
    for score in scores:
        name = score.plan.task_id
        best.setdefault(name, score)
        if key(score) > key(best[name]) or (
                last and key(score) == key(best[name])):
            best[name] = score
    return order([score.plan for score in best.values()
                  if key(score) >= least])


WRONG_2 = {
    "nothing is picked": lambda s: [],
    "nothing is picked so far": lambda s: None,
    "one plan a problem": lambda s: [x.plan for x in s if x.examples],
    "no program of problem c": choose,
    "no program of problem c passes": lambda s: pick(s, least=-1),
    "hidden tests have no say": lambda s: pick(
        s, lambda x: (x.examples + x.hidden / 9) / max(x.codes, 1)),
    "take the first": lambda s: pick(s, last=True),
    "compare shares": lambda s: pick(s, lambda x: x.examples),
    "ZeroDivisionError": lambda s: pick(s, lambda x: x.examples / x.codes),
    "problem d is missing": lambda s: pick(s, least=0.6),
    "a problem's first plan": lambda s: [
        p for p in [x.plan for x in s][:2] + [s[-1].plan]],
    "in the order": lambda s: pick(s, order=lambda p: p[::-1]),
    "a list of plans": lambda s: [p.name for p in pick(s)],
    "return a list": lambda s: 3,
}


# ---- exercise 3 ----

def by_hand(keys, values, n, draws=combinations, judge=None, total=False):
    """A solution with a slip to choose."""
    found = []
    for draw in draws(range(len(keys)), n):
        top = max(keys[i] for i in draw)
        group = [values[i] for i in draw if keys[i] == top]
        found.append(judge(draw, group, keys, values) if judge
                     else sum(group) / len(group))
    return sum(found) / (1 if total else len(found))


def judged(judge):
    return lambda k, v, n: by_hand(k, v, n, judge=judge)


WRONG_3 = {
    "it takes the first": judged(lambda d, g, k, v: g[0]),
    "the best value; that": judged(lambda d, g, k, v: max(g)),
    "oracle": judged(lambda d, g, k, v: max(v[i] for i in d)),
    "smallest key": lambda k, v, n: by_hand([-x for x in k], v, n),
    "a mean of keys": judged(lambda d, g, k, v: max(k[i] for i in d)),
    "chooses nothing": judged(lambda d, g, k, v: sum(
        v[i] for i in d) / len(d)),
    "without putting back": lambda k, v, n: by_hand(
        k, v, n, lambda r, n: product(r, repeat=n)),
    "divide by the number of draws": lambda k, v, n: 7,
    "combinations": lambda k, v, n: 0.123,
    "return a number": lambda k, v, n: "0.5 or so",
    "nothing is returned so far": lambda k, v, n: None,
    "SystemExit": lambda *a: exit(),
}


# ---- exercise 4 ----

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


WRONG_4 = {
    "times 2, then": lambda plan, n: None,
    "then minus 3": all_digits,
    "a day in front": lambda plan, n: (
        None if "day" in plan else carry(plan, n)),
    "not in that of the days": lambda plan, n: (
        n * 2 + 4 if "Friday: plus 4" in plan else carry(plan, n)),
    "whole": lambda plan, n: carry(plan, float(n)),
    "division is //": lambda plan, n: carry(
        plan, n, lambda n, by: (n + 1) // by),
    "two digits": lambda plan, n: carry(plan, n) if "10." not in plan else 3,
    "gives None": lambda plan, n: carry(plan, n, strict=False),
    "0 is a result": lambda plan, n: carry(plan, n) or None,
    "TypeError": lambda plan: plan,
}


@pytest.mark.parametrize("check, wrong, message", [
    (check, wrong, message) for check, answers in (
        (check_03_1, WRONG_1), (check_03_2, WRONG_2), (check_03_3, WRONG_3),
        (check_03_4, WRONG_4)) for message, wrong in answers.items()])
def test_each_exercise_names_the_slip(check, wrong, message, capsys):
    assert check(wrong) is False
    line = capsys.readouterr().out
    assert message in line and ": not yet, " in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("check, right", [
    (check_03_1, ask),
    (check_03_1, lambda q, c, e, w: plan_request(
        "backward-with-question" if w else "backward", q, c, e)),
    (check_03_2, pick),
    (check_03_2, lambda s: tuple(pick(s))),
    (check_03_3, by_hand), (check_03_3, best_of),
    (check_03_4, carry),
    (check_03_4, replaced)])
def test_right_answers_pass_in_more_than_one_way(check, right, capsys):
    assert check(right) is True
    out = capsys.readouterr().out
    assert out.endswith(": correct\n") and out.count("\n") == 1


def test_the_checks_worlds_are_as_described():
    assert [p.task_id + str(p.sample_index) for p in pick(SCORES)] == PICKED
    for plan, n, wanted, _ in CARRIED:
        assert carry(plan, n) == wanted
    found = [best_of(KEYS, VALUES, 2)] + [
        over_all(KEYS, VALUES, 2, slip) for slip in SLIPS.values()]
    assert len({round(value, 9) for value in found}) == len(found)
