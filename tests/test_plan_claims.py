"""Notebook 06's arithmetic: plans chosen, bills compared, claims judged."""

import math
from dataclasses import replace
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from helpers.evaluation import over_seeds, relative_gain
from helpers.figures import charts, live
from helpers.mini.reading import task_facts
from helpers.mini.tasks import DIFFICULTIES, SPLITS
from helpers.problems import load_problems
from helpers.studies import claims
from helpers.studies.claims import Claim, judge_claim
from helpers.studies.results import (PlanStanding, direct_chosen,
                                     gain, plan_first_chosen,
                                     tokens_per_problem)

LEVELS = ["introductory", "competition"] * 20


def standing(name, rate, seed=0, n=20, seeds=5, plans=None, problems=40):
    """Counts drawn at random: each problem is right at about ``rate``."""
    rng = np.random.default_rng(seed)
    ease = np.clip(rate + 0.1 * np.random.default_rng(9).normal(
        size=problems), 0.01, 0.99)
    counts = rng.binomial(n, ease, size=(seeds, problems))
    shown = np.minimum(n, counts + rng.binomial(1, 0.3, counts.shape))
    run = {"tokens": 40 * n * problems}
    if plans:
        run["plan-first"] = {"codes": 4, "tokens": 90 * problems,
                             "plans": [plans] * problems}
    return PlanStanding(name, n, counts, counts > n * rng.random(
        counts.shape), [run] * seeds, shown)


# ---- choosing ----

def by_hand(plans, n, key, value):
    """The best of every choice of ``n`` plans; equals share."""
    found = []
    for some in combinations(plans, n):
        top = max(map(key, some))
        found.append(fmean(value(p) for p in some if key(p) == top))
    return fmean(found)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_a_chosen_plan_is_the_best_of_all_choices(n):
    plans = [(4, 3), (4, 1), (0, 0), (2, 2)]
    s = standing("x", 0.5, plans=plans)
    shown, right = (lambda p: p[0]), (lambda p: p[1] / 4)
    sure = lambda p: p[1] / max(p[0], 1)                       # noqa: E731
    for how, key, value in (("examples", shown, right),
                            ("examples twice", shown, sure),
                            ("oracle", right, right)):
        table = plan_first_chosen(s, how, plans=n)
        assert table.shape == (5, 40)
        assert table == pytest.approx(by_hand(plans, n, key, value))
    assert plan_first_chosen(s, "random") == pytest.approx(6 / 16)
    with pytest.raises(ValueError, match="random, examples"):
        plan_first_chosen(s, "luck")
    with pytest.raises(ValueError, match="the 4 plans"):
        plan_first_chosen(s, "oracle", plans=5)
    assert tokens_per_problem(s) == 40
    assert tokens_per_problem(s, "plan-first") == 90


def test_direct_programs_are_chosen_by_example_tests():
    """Against all ways to draw m programs of which e pass, c are right."""
    n, e, c = 6, 3, 2
    s = PlanStanding("x", n, np.array([[c, 0]]), None, [], np.array([[e, 0]]))
    programs = [(i < e, i < c) for i in range(n)]
    for m in (1, 2, 4, 6):
        found = []
        for some in combinations(programs, m):
            passing = [right for shown, right in some if shown]
            found.append(fmean(passing) if passing else 0)
        assert direct_chosen(s, m)[0] == pytest.approx([fmean(found), 0])


# ---- claims ----

def test_the_relative_gain_is_that_of_the_means_and_covers_the_truth():
    one, other = standing("a", 0.6, 1), standing("b", 0.3, 2)
    ratio, low, high = relative_gain(one, other)
    assert ratio == pytest.approx(one.counts.sum() / other.counts.sum() - 1)
    assert low < 1 < high and high - low < 1
    first = np.arange(40) < 20
    assert relative_gain(one, other, first)[0] == pytest.approx(
        one.counts[:, first].sum() / other.counts[:, first].sum() - 1)
    wide = relative_gain(one, other, level=0.999)
    assert wide[1] < low and wide[2] > high
    assert relative_gain(one, one) == (0, 0, 0)


def test_a_verdict_is_said_only_if_the_interval_leaves_the_claim_out():
    standings = {"a": standing("a", 0.6, 1), "b": standing("b", 0.3, 2),
                 "c": standing("c", 0.6, 3), "d": standing(
                     "d", 0.5, plans=[(4, 4), (0, 0)])}
    cases = [(Claim("x", "a", "b"), "agree", "leaves 0 out"),
             (Claim("x", "b", "a"), "disagree", "leaves 0 out"),
             (Claim("x", "a", "c"), "undecided", "holds 0"),
             (Claim("x", "a", "b", ratio=0.5), "agree", "above 50 %"),
             (Claim("x", "a", "b", ratio=1.3), "disagree", "by less"),
             (Claim("x", "a", "c", ratio=1.3), "disagree", "for sure"),
             (Claim("x", "b", "a", ratio=1.3), "disagree", "; worse"),
             (Claim("x", "a", "b", ratio=1.0), "undecided", "holds 100"),
             (Claim("x", "a", "b", 0), "agree", "5 of 5 seeds"),
             (Claim("x", "a", "b", level="competition"), "agree", "%"),
             (Claim("x", "d", "d", "examples", "random"), "agree",
              "100.0% against 50.0%")]
    for claim, verdict, why in cases:
        found = judge_claim(claim, standings, LEVELS)
        assert (found.verdict, why in found.why) == (verdict, True), found
        assert found.low <= found.mean <= found.high
        assert ("points" in found.line()) is (claim.ratio is None)
    found = judge_claim(cases[9][0], standings, LEVELS)
    where = np.array(LEVELS) == "competition"
    assert found.mean == gain(standings["a"], standings["b"],
                              where=where)[0]
    strict = judge_claim(cases[0][0], standings, LEVELS, 0.999)
    assert strict.low < judge_claim(cases[0][0], standings, LEVELS).low


def test_the_claims_name_rivals_that_were_run():
    from helpers.studies.codeplan import RIVALS
    for claim in claims.MAIN_CLAIMS + claims.ABLATION_CLAIMS:
        for name, k in ((claim.one, claim.k), (
                claim.other, claim.against or claim.k)):
            rival = RIVALS[name]
            assert rival.plans if isinstance(k, str) else k <= rival.n
        assert claim.whose in ("paper", "ours")
    texts = [c.text for c in claims.MAIN_CLAIMS
             + claims.ABLATION_CLAIMS]
    assert len(set(texts)) == len(texts)


# ---- what a question is like ----

def test_the_facts_of_a_question_are_those_it_was_made_from():
    for split, each in SPLITS.items():
        problems = load_problems("mini-apps", split)
        facts = [task_facts(p.question) for p in problems]
        assert all(facts.count((steps, order)) == each
                   for steps in DIFFICULTIES for order in (True, False))
        for problem, (steps, _) in zip(problems, facts):
            assert DIFFICULTIES[steps] == problem.difficulty
    assert task_facts("How many legs has a spider?") is None
    assert task_facts(problems[0].question + " Quickly.") is None


# ---- figures ----

def test_live_losses_draw_both_tasks_or_one(tmp_path, capsys):
    both = [(1 / i, 2 / i) for i in range(1, 31)]
    axes = live.both_losses_figure(both, 60, "t").axes[0]
    assert [len(line.get_xdata()) for line in axes.lines] == [30] * 4
    assert axes.get_xlim() == (1, 60)
    assert axes.lines[1].get_ydata()[-1] == pytest.approx(
        fmean(a for a, _ in both[-10:]))
    alone = [(a, math.nan) for a, _ in both]
    assert len(live.both_losses_figure(alone, 60).axes[0].lines) == 2
    watch = live.LiveLosses(60, "two tasks", every=10)
    for i in range(1, 31):
        watch(both[:i])
    watch.close(both, tmp_path / "figures" / "x.png")
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 5        # after 1, 10, 20, 30 updates, and closed
    assert "30 of 60 updates" in said[-1] and "plan from 2.00 to" in said[-1]
    assert b"two tasks" in (tmp_path / "figures" / "x.png").read_bytes()
    assert "plan" not in live.LiveLosses(60).words(alone)


def test_a_grid_prints_each_gain_and_is_bold_where_it_is_sure():
    table = {("a", 2): (0.05, 0.01, 0.09), ("a", 3): (-0.02, -0.05, 0.01)}
    axes = charts.grid_figure(table, ["a"], [2, 3], "steps",
                                    "").axes[0]
    found = {t.get_text(): t.get_fontweight() for t in axes.texts}
    assert found == {"+5.0\n[+1.0, +9.0]": "bold",
                     "-2.0\n[-5.0, +1.0]": "normal"}


def test_budgets_are_drawn_in_percent_and_differ_without_colour():
    curves = {name: ([40, 400], [a, 2 * a], [0, a], [a, 3 * a])
              for name, a in (("direct", 0.2), ("plan first", 0.3))}
    axes = charts.budget_figure(curves).axes[0]
    one, two = axes.lines[:2]
    assert list(one.get_ydata()) == [20, 40] and axes.get_xscale() == "log"
    assert one.get_marker() != two.get_marker()
    assert one.get_linestyle() != two.get_linestyle()
    assert [t.get_text() for t in axes.texts] == list(curves)


def test_paired_gains_are_over_seeds():
    one, other = standing("a", 0.6, 1), standing("b", 0.3, 2)
    assert gain(one, other) == over_seeds(one.scores(), other.scores())
    few = replace(one, counts=one.counts[:, :7]), replace(
        other, counts=other.counts[:, :7])
    assert gain(one, other, where=np.arange(40) < 7) == pytest.approx(
        gain(*few))
