"""CodePLAN's claims, and what the shipped runs say to them.

A claim is that one student is ahead of another, or ahead by so much, or that
one kind of plan is worth more than another.  What is said of it is computed:
*agree* and *disagree* only if the interval over seeds and problems leaves the
claimed value out, else *undecided*.  Among many claims at 95 % each, one in
twenty would be decided by chance.  So the verdict that counts is that of a
wider interval, with which *all* claims of a study together are wrong in 5 %
of repetitions at most (Bonferroni).
"""

from dataclasses import dataclass

import numpy as np

from helpers.seeds import over_seeds, relative_gain, verdict_word
from helpers.studies.codeplan import PLAN_WORDS
from helpers.studies.results import (FRESH, load_plan_standing,
                                     plan_first_chosen)

PUBLISHED = 1.3              # "over 130 %": CodePLAN's abstract


@dataclass(frozen=True)
class Claim:
    """``one`` is ahead of ``other``.

    ``k``: of pass@k, 0 for greedy decoding; or a way to choose among the
    student's own plans (:func:`helpers.studies.results.plan_first_chosen`).
    ``against``: the same for ``other``, by default ``k``.  ``level``: the
    problems of one difficulty; "" for all.  ``ratio``: the relative gain of
    pass@1 that is claimed; without it, any difference above 0 will do.
    ``whose``: "paper" or "ours", who says so.
    """

    text: str
    one: str
    other: str
    k: int | str = 1
    against: int | str | None = None
    level: str = ""
    ratio: float | None = None
    whose: str = "paper"


@dataclass(frozen=True)
class Finding:
    """What came out: ``mean`` with its interval, in what was claimed (a
    difference of fractions, or a relative gain), ``verdict`` and why.
    """

    claim: object
    mean: float
    low: float
    high: float
    verdict: str
    why: str
    unit: str = "points"          # "%" for a relative gain

    def line(self):
        """The numbers as text."""
        return (f"{100 * self.mean:+.1f} [{100 * self.low:+.1f}, "
                f"{100 * self.high:+.1f}] {self.unit}")


def ahead(text, one, other, **more):
    """The claims at pass@1, overall and of each difficulty."""
    return tuple(Claim(f"{text}{', ' * bool(level)}{level}", one, other,
                       level=level, **more)
                 for level in ("", "introductory", "interview",
                               "competition"))


MAIN_CLAIMS = (
    *ahead("two tasks beat one", "codeplan", "fine-tuned"),
    Claim("two tasks beat one by 130 %", "codeplan", "fine-tuned",
          ratio=PUBLISHED),
    Claim("two tasks beat one at pass@5", "codeplan", "fine-tuned", 5),
    Claim("two tasks beat one at pass@100", "codeplan", "fine-tuned", 100),
    Claim("two tasks beat one, greedily", "codeplan", "fine-tuned", 0,
          whose="ours"),
)
ABLATION_CLAIMS = (
    Claim("backward plans beat forward plans", "codeplan", "forward"),
    Claim("backward plans beat chosen forward plans", "codeplan",
          "forward-chosen", whose="ours"),
    Claim("a plan chosen by example tests beats any plan", "codeplan",
          "codeplan", "examples", "random"),
    Claim("a plan for each program beats one a problem", "codeplan",
          "one-plan", whose="ours"),
    Claim("plans beside the code beat more code", "codeplan", "codes-twice",
          whose="ours"),
    Claim("plans that saw the question beat plans that did not",
          "with-question", "codeplan", whose="ours"),
    Claim("plans that saw the question beat no plans", "with-question",
          "fine-tuned", whose="ours"),
    Claim("a plan head beats one head", "plan-head", "codeplan",
          whose="ours"),
    Claim("2 : 1 beats 1 : 1", "codeplan-2-to-1", "codeplan", whose="ours"),
    Claim("plans of the same problem beat any plans", "same-problem",
          "codeplan", whose="ours"),
    Claim("two tasks beat one on the teacher's own verified programs",
          "ekt-codeplan", "ekt-fine-tuned", whose="ours"),
    Claim("two tasks beat one in an encoder-decoder", "t5-codeplan",
          "t5-fine-tuned"),
)
STUDENT_CLAIMS = MAIN_CLAIMS + ABLATION_CLAIMS


@dataclass(frozen=True)
class WorthClaim:
    """Plans asked for in the way ``one`` are worth more than those of
    ``other``.

    ``pick``: how one of five plans is chosen, "" for any plan; see
    :meth:`helpers.studies.results.PlanScores.best` and ``FRESH`` there.
    ``whose`` as in :class:`Claim`.
    """

    text: str
    one: str
    other: str
    pick: str = ""
    whose: str = "ours"


_BACK, _BOTH = "backward-warm", "backward-with-question-warm"
WORTH_CLAIMS = (
    WorthClaim("a forward plan beats no plan", "forward", "none"),
    WorthClaim("a backward plan beats no plan", "backward", "none"),
    WorthClaim("backward plans beat forward plans, as released", "backward",
               "forward", whose="paper"),
    WorthClaim("backward plans beat forward plans, asked equally often",
               _BACK, "forward", whose="paper"),
    WorthClaim("the same, with the question shown too", _BOTH, "forward"),
    WorthClaim("backward plans with the question beat those without",
               "backward-with-question", "backward"),
    *(WorthClaim(f"{PLAN_WORDS[name]}: the best of 5 beats any, {told}",
                 name, name, pick, whose) for pick, told, whose in (
          ("by example tests", "same programs", "paper"),
          (FRESH, "fresh programs", "ours"))
      for name in ("forward", _BACK, _BOTH)),
    WorthClaim("the best of 5 forward plans beats one backward plan",
               "forward", _BACK, FRESH),
    WorthClaim("the same, against one that saw the question", "forward",
               _BOTH, FRESH),
)


def common_level(claims):
    """The level of each interval with which all ``claims`` hold at 95 %."""
    return 1 - 0.05 / len(claims)


def table_of(standing, k, where=None):
    """(seeds, problems): scores at ``k`` as in :class:`Claim`."""
    table = (plan_first_chosen(standing, k) if isinstance(k, str)
             else standing.scores(k))
    return table if where is None else table[:, where]


def judge_claim(claim, standings, levels, level=0.95):
    """The :class:`Finding` of a :class:`Claim`.

    ``standings``: by name; ``levels``: each problem's difficulty; ``level``
    of the interval.  Introduced in notebook E3.
    """
    where = np.array(levels) == claim.level if claim.level else None
    one, other = standings[claim.one], standings[claim.other]
    against = claim.k if claim.against is None else claim.against
    tables = (table_of(one, claim.k, where), table_of(other, against, where))
    if claim.ratio is None:
        bar, found = 0.0, over_seeds(*tables, level=level)
    else:
        bar, found = claim.ratio, relative_gain(one, other, where, level)
    _, low, high = found
    return Finding(claim, *found, verdict_word(low, high, bar),
                   why_so(found, bar, [t.mean(axis=1) for t in tables]),
                   "points" if claim.ratio is None else "%")


def why_so(found, bar, seeds):
    """Why that is the verdict, in words.

    ``seeds``: for both students the score with each seed.
    """
    _, low, high = found
    leads = sum(a > b for a, b in zip(*seeds))
    text = (f"{100 * seeds[0].mean():.1f}% against "
            f"{100 * seeds[1].mean():.1f}%, ahead with {leads} of "
            f"{len(seeds[0])} seeds")
    if bar and low > bar:
        return f"{text}; the whole interval is above {100 * bar:.0f} %"
    if bar and high < bar:
        return text + ("; better, but by less" if low > 0 else
                       "; not even better for sure" if high > 0 else
                       "; worse")
    if low <= bar <= high:
        return f"{text}; the interval holds {100 * bar:.0f}"
    return f"{text}; the interval leaves 0 out"


def verdict_words(profile):
    """What is said of CodePLAN's main claim, after correction, in words."""
    standings = {name: load_plan_standing(profile, name)
                 for name in ("codeplan", "fine-tuned")}
    level = common_level(STUDENT_CLAIMS)
    verdicts = [f'"{claim.text}": '
                f'{judge_claim(claim, standings, (), level).verdict}'
                for claim in MAIN_CLAIMS if claim.text in (
                    "two tasks beat one", "two tasks beat one by 130 %")]
    return (f"corrected for {len(STUDENT_CLAIMS)} claims: "
            f"{', '.join(verdicts)}")


def claim_words(profile):
    """CodePLAN's main claim in one line: scores, difference, verdicts.

    The difference with its 95 % interval, and the verdicts after correction
    for all :data:`STUDENT_CLAIMS`.  Introduced in notebook 06.
    """
    one, other = (load_plan_standing(profile, name).scores()
                  for name in ("codeplan", "fine-tuned"))
    mean, low, high = (100 * value for value in over_seeds(one, other))
    return (f"pass@1 with plans {one.mean():.1%}, code alone "
            f"{other.mean():.1%}, paired {mean:+.1f} [{low:+.1f}, "
            f"{high:+.1f}] points, five seeds; {verdict_words(profile)}")


def judge_worth(claim, scores, level=0.95):
    """The :class:`Finding` of a :class:`WorthClaim`.

    ``scores``: :class:`helpers.studies.results.PlanScores` by name; ``level``
    of the interval.
    """
    one = scores[claim.one]
    tables = (one.worth() if not claim.pick else one.fresh(5)
              if claim.pick == FRESH else one.best(5, claim.pick),
              scores[claim.other].worth())
    found = over_seeds(*tables, level=level)
    return Finding(claim, *found, verdict_word(*found[1:]),
                   why_so(found, 0.0, [t.mean(axis=1) for t in tables]))


def verdict_rows(claims, judge, among):
    """A row for each claim, with its verdict before and after correction.

    ``judge(claim, level)`` gives a :class:`Finding`; ``among`` are all claims
    of the study, for which is corrected.  Introduced in notebook E3.
    """
    rows = []
    for claim in claims:
        alone, all_together = (judge(claim, level)
                               for level in (0.95, common_level(among)))
        scores = alone.why.partition(", ahead")[0]
        rows.append({
            "claim": claim.text, "whose": claim.whose,
            "difference [95 %]": alone.line(), "scores": scores,
            "seeds ahead": alone.why.partition("with ")[2][:1],
            "at 95 %": alone.verdict,
            f"all {len(among)}": all_together.verdict})
    return rows
