"""EKT's claims, and what the runs of its systems say to them.

All that notebook E1 and the READMEs say of a claim comes from here, so that
they say the same.  Verdicts are those after Bonferroni's correction: each
comparison has an interval of a level at which *all* of them together are
wrong in 5 % of cases at most.
"""

from helpers.studies.claims import Claim, judge_claim
from helpers.studies.results import load_standing

# What a system is called where a reader sees it.
TITLES = {
    "teacher-few-shot": "teacher, few-shot",
    "teacher-zero-shot": "teacher, zero-shot",
    "student-few-shot": "student before training, few-shot",
    "student-zero-shot": "student before training",
    "weak-teacher-few-shot": "weak teacher, few-shot",
    "small-student-zero-shot": "small student before training",
    "ekt": "EKT",
    "kd": "distillation",
    "expert-iteration": "expert iteration",
    "supervised": "supervised on reference programs",
    "unfiltered": "unfiltered: first sample, right or wrong",
    "ekt-2-distinct": "EKT, 2 distinct programs a problem",
    "ekt-4-distinct": "EKT, 4 distinct programs a problem",
    "ekt-all-distinct": "EKT, all distinct programs",
    "ekt-weak-teacher": "EKT, weak teacher",
    "ekt-small-student": "EKT, small student",
    "ekt-weak-teacher-small-student": "EKT, weak teacher, small student",
    "kd-small-student": "distillation, small student",
    "expert-iteration-small-student": "expert iteration, small student",
    "kd-exemplars": "distillation, teacher sees exemplars",
    "kd-divergence-only": "distillation, KL alone (0 : 1)",
    "kd-1-to-4": "distillation, 1 : 4",
    "kd-4-to-1": "distillation, 4 : 1",
    "kd-temperature-2": "distillation, T = 2 in the KL",
    "kd-temperature-4": "distillation, T = 4 in the KL",
    "kd-unfiltered": "distillation, no filter",
    "kd-question": "distillation, loss on question too",
    "kd-padding": "distillation, loss on padding too",
    "kd-sharp": "distillation, teacher at T = 0.3",
    "kd-sharp-exemplars": "distillation, teacher at T = 0.3, exemplars",
    "ekt-renamed": "EKT, unknown format",
    "kd-renamed": "distillation, unknown format",
    "kd-renamed-exemplars": "distillation, unknown format, exemplars",
    "ekt-question": "EKT, loss on question too",
    "ekt-padding": "EKT, loss on padding too",
    "ekt-published-check": "EKT, published check (floats only)",
    "ekt-follows": "EKT, programs that follow their story",
    "ekt-in-order": "EKT, programs with the days in order",
    "ekt-50-problems": "EKT, 50 training problems",
    "ekt-200-problems": "EKT, 200 training problems",
    "ekt-all-weights": "EKT, all weights trained, no LoRA",
    "ekt-24-updates": "EKT, 24 updates",
    "ekt-192-updates": "EKT, 192 updates",
    "reading-student-zero-shot": "reading student before training",
    "ekt-reading-student": "EKT, reading student",
    "ekt-question-reading-student": "EKT, reading student, loss on question "
                                    "too",
    "ekt-padding-reading-student": "EKT, reading student, loss on padding "
                                   "too",
    "kd-reading-student": "distillation, reading student",
    "kd-question-reading-student": "distillation, reading student, loss on "
                                   "question too",
}


def both_ends(text, one, other):
    """The claim that ``one`` is ahead, at pass@1 and at pass@100."""
    return Claim(text, one, other, 1), Claim(text, one, other, 100)


EKT_CLAIMS = (
    *both_ends("beats expert iteration", "ekt", "expert-iteration"),
    *both_ends("beats expert iteration, small student", "ekt-small-student",
               "expert-iteration-small-student"),
    *both_ends("beats distillation", "ekt", "kd"),
    *both_ends("beats distillation, small student", "ekt-small-student",
               "kd-small-student"),
    *(Claim("student beats its teacher", "ekt", "teacher-few-shot", k)
      for k in (1, 2, 5, 10, 20, 50, 100, 0)),
    *both_ends("better teacher, better student", "ekt", "ekt-weak-teacher"),
    *both_ends("better teacher, better small student", "ekt-small-student",
               "ekt-weak-teacher-small-student"),
    *both_ends("larger student is better", "ekt", "ekt-small-student"),
    *both_ends("larger student is better, weak teacher", "ekt-weak-teacher",
               "ekt-weak-teacher-small-student"),
    Claim("more updates cost variety: 24 beat 192", "ekt-24-updates",
          "ekt-192-updates", 100),
)
# The claims of the abstract, of which the headline speaks.
ABSTRACT = (("beats expert iteration", (1, 100)),
            ("beats distillation", (1, 100)),
            ("student beats its teacher", (1, 100, 0)))


def tries(k):
    """k in words, as :class:`helpers.studies.claims.Claim` has it."""
    return "greedy" if k == 0 else f"pass@{k}"


def ekt_findings(profile, claims=EKT_CLAIMS):
    """[(finding at 95 %, finding after correction)], a pair for each claim.

    The second has the wider interval, whose level is 1 - 0.05 / number of
    ``claims``.  Introduced in notebook E1.  Raises as
    :func:`helpers.studies.results.load_standing`.
    """
    names = {name for one in claims for name in (one.one, one.other)}
    standings = {name: load_standing(profile, name) for name in names}
    level = 1 - 0.05 / len(claims)
    return [(judge_claim(one, standings, ()),
             judge_claim(one, standings, (), level)) for one in claims]


def claim_rows(found):
    """Rows of a table: claim, at, points [95 %], alone, corrected.

    ``found`` as :func:`ekt_findings` returns it.  Introduced in notebook E1.
    """
    return [{"claim": plain.claim.text, "at": tries(plain.claim.k),
             "points": plain.line().removesuffix(" points"),
             "alone": plain.verdict, "corrected": corrected.verdict}
            for plain, corrected in found]


def ekt_headline(found):
    """One sentence with the verdicts on the abstract's claims.

    ``found`` as :func:`ekt_findings` returns it, for :data:`EKT_CLAIMS`.
    Introduced in notebook E1.
    """
    said = {(one.claim.text, one.claim.k): one.verdict for _, one in found}
    parts = [f"{text}: " + ", ".join(f"{tries(k)} {said[text, k]}"
                                     for k in ks) for text, ks in ABSTRACT]
    return (f"EKT's claims, five seeds, {len(found)} comparisons corrected "
            f"together (Bonferroni): " + "; ".join(parts))
