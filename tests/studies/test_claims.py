"""CodePLAN's study: plans chosen, costs compared, claims judged."""

from dataclasses import replace
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from helpers.seeds import over_seeds, relative_gain
from helpers.studies import claims
from helpers.studies.claims import Claim, judge_claim
from helpers.studies.results import (PlanStanding, direct_chosen, gain,
                                     plan_first_chosen, tokens_per_problem)

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
    for claim in claims.STUDENT_CLAIMS:
        for name, k in ((claim.one, claim.k), (
                claim.other, claim.against or claim.k)):
            rival = RIVALS[name]
            assert rival.plans if isinstance(k, str) else k <= rival.n
        assert claim.whose in ("paper", "ours")
    texts = [c.text for c in claims.STUDENT_CLAIMS + claims.WORTH_CLAIMS]
    assert len(set(texts)) == len(texts)


def test_paired_gains_are_over_seeds():
    one, other = standing("a", 0.6, 1), standing("b", 0.3, 2)
    assert gain(one, other) == over_seeds(one.scores(), other.scores())
    few = replace(one, counts=one.counts[:, :7]), replace(
        other, counts=other.counts[:, :7])
    assert gain(one, other, where=np.arange(40) < 7) == pytest.approx(
        gain(*few))
