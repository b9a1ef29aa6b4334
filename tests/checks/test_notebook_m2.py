"""The checks of notebook M2 know right from wrong, and say what is wrong."""

from itertools import combinations, product

import pytest

from helpers.checks.notebook_m2 import (KEYS, PICKED, SCORES, SLIPS, VALUES,
                                        check_m2_1, check_m2_2, over_all)
from helpers.plans import best_of, choose


# ---- exercise 1 ----

def pick(scores, key=lambda s: s.examples / s.codes if s.codes else 0,
         last=False, least=None, order=list):
    """A solution with a slip to choose."""
    best = {}
    for score in scores:
        name = score.plan.task_id
        best.setdefault(name, score)
        if key(score) > key(best[name]) or (
                last and key(score) == key(best[name])):
            best[name] = score
    return order([score.plan for score in best.values()
                  if least is None or key(score) >= least])


def by_product(scores):
    """Compares shares without dividing, and never replaces 0 of 0."""
    best = {}
    for score in scores:
        held = best.setdefault(score.plan.task_id, score)
        if score.examples * held.codes > held.examples * score.codes:
            best[score.plan.task_id] = score
    return [score.plan for score in best.values()]


WRONG_1 = {
    "nothing is picked": lambda s: [],
    "nothing is picked so far": lambda s: None,
    "one plan a problem": lambda s: [x.plan for x in s if x.examples],
    "the first is kept": lambda s: pick(s, least=1e-9),
    "hidden tests have no say": lambda s: pick(
        s, lambda x: (x.examples + x.hidden / 9) / max(x.codes, 1)),
    "take the first": lambda s: [
        p for p in pick(s, last=True) if p.task_id != "c"] + [s[3].plan],
    "compare shares": lambda s: pick(s, lambda x: x.examples),
    "ZeroDivisionError": lambda s: pick(s, lambda x: x.examples / x.codes),
    "problem d is missing": lambda s: [
        p for p in pick(s) if p.task_id != "d"],
    "counts 0": by_product,
    "a problem's first plan": lambda s: [
        {"b1": s[0].plan}.get(f"{p.task_id}{p.sample_index}", p)
        for p in pick(s)],
    "are equal shares": lambda s: pick(s, lambda x: (
        x.examples / x.codes if x.codes else 0, x.examples)),
    "take the first of them": lambda s: pick(s, lambda x: (
        x.examples / x.codes if x.codes else 0, -x.codes)),
    "in the order": lambda s: pick(s, order=lambda p: p[::-1]),
    "a list of plans": lambda s: [p.name for p in pick(s)],
    "return a list": lambda s: 3,
}


# ---- exercise 2 ----

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


WRONG_2 = {
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
    "keys may be below 0": lambda k, v, n: by_hand(
        [max(x, 0) for x in k], v, n),
    "combinations": lambda k, v, n: 0.123,
    "this is rounded": lambda k, v, n: round(by_hand(k, v, n), 2),
    "return a number": lambda k, v, n: "0.5 or so",
    "nothing is returned so far": lambda k, v, n: None,
    "SystemExit": lambda *a: exit(),
}


@pytest.mark.parametrize("check, wrong, message", [
    (check, wrong, message) for check, answers in (
        (check_m2_1, WRONG_1), (check_m2_2, WRONG_2))
    for message, wrong in answers.items()])
def test_each_exercise_names_the_slip(check, wrong, message, capsys):
    assert check(wrong) is False
    line = capsys.readouterr().out
    assert message in line and ": not yet, " in line
    assert line.count("\n") == 1


@pytest.mark.parametrize("check, right", [
    (check_m2_1, pick), (check_m2_1, choose),
    (check_m2_1, lambda s: tuple(pick(s))),
    (check_m2_2, by_hand), (check_m2_2, best_of)])
def test_right_answers_pass_in_more_than_one_way(check, right, capsys):
    assert check(right) is True
    out = capsys.readouterr().out
    assert out.endswith(": correct\n") and out.count("\n") == 1


def test_the_checks_worlds_are_as_described():
    assert [p.task_id + str(p.sample_index) for p in pick(SCORES)] == PICKED
    found = [best_of(KEYS, VALUES, 2)] + [
        over_all(KEYS, VALUES, 2, slip) for slip in SLIPS.values()]
    assert len({round(value, 9) for value in found}) == len(found)
