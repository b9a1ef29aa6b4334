"""CodePLAN's claims, and what the runs of notebook 06 say to them.

A claim is that one student is ahead of another, or ahead by so much.  What
is said of it is computed: *agree* and *disagree* only if the 95 % interval
over seeds and problems leaves the claimed value out, else *undecided*.
"""

from dataclasses import dataclass

import numpy as np

from helpers.seeds import over_seeds, relative_gain, verdict_word
from helpers.studies.results import plan_first_chosen

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

    claim: Claim
    mean: float
    low: float
    high: float
    verdict: str
    why: str

    def line(self):
        """The numbers as text: points, or per cent for a relative gain."""
        unit = "%" if self.claim.ratio is not None else "points"
        return (f"{100 * self.mean:+.1f} [{100 * self.low:+.1f}, "
                f"{100 * self.high:+.1f}] {unit}")


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


def table_of(standing, k, where=None):
    """(seeds, problems): scores at ``k`` as in :class:`Claim`."""
    table = (plan_first_chosen(standing, k) if isinstance(k, str)
             else standing.scores(k))
    return table if where is None else table[:, where]


def judge_claim(claim, standings, levels, level=0.95):
    """The :class:`Finding` of a claim.

    ``standings``: by name; ``levels``: each problem's difficulty; ``level``
    of the interval.  Introduced in notebook 06.
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
                   why_so(claim, found, bar, [t.mean(axis=1) for t in tables])
                   )


def why_so(claim, found, bar, seeds):
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
