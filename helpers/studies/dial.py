"""CodePLAN's second study: what plans are worth, and to whom.

People hand in programs that show their steps, or the formula that is left of
them.  The *dial* is the share of a problem's programs that show their steps,
over the same problems and tests (``mini-apps-2``).  At each position students
learn from the same programs, and differ in what they learn beside them.
``python -m helpers rivals dial`` runs them
(:mod:`helpers.workshop.dial_runs`).

The primary outcome was named before the runs: pass@1 of ``planner``, who
writes one plan first, minus pass@1 of ``fine-tuned``, who writes programs
directly, at dial 0 and T = 0.6.
"""

from dataclasses import dataclass, replace

DIAL_TASK, DIAL_TEACHER = "mini-apps-2", "formula-teacher"
DIAL_SHARES = (0.0, 0.5, 1.0)
BASES = ("formula-student", "formula-student-b")
DIAL_SEEDS = (1, 2, 3, 4, 5)
TUNING_SEEDS = (101, 102)     # of the dev runs, used for nothing else
TUNING_RATES = {"fine-tuned": (2e-3, 4e-3, 8e-3, 16e-3),
                "two-tasks": (4e-3, 8e-3, 16e-3),
                "planner": (4e-3, 8e-3, 16e-3)}


@dataclass(frozen=True)
class Learner:
    """One student at one position of the dial, of one base.

    ``beside``: what is learnt beside programs, "plans", "codes" (as many
    programs again) or "" for nothing; ``way``: how the teacher is asked for
    plans (:data:`helpers.plans.WAYS`); ``follows``: a third task, question
    and plan -> program.  ``n``: programs per test problem, directly;
    ``plans``: written by the student per test problem, with ``codes``
    programs from each.
    """

    name: str
    base: str = BASES[0]
    share: float = 0.0
    beside: str = ""
    way: str = ""
    follows: bool = False
    updates: int = 150
    rate: float = 4e-3
    n: int = 20
    plans: int = 0
    codes: int = 2


DIAL_KINDS = (
    Learner("fine-tuned", n=30),         # as many tokens as four plans have
    Learner("codes-twice", beside="codes"),
    Learner("two-tasks", beside="plans", way="backward", rate=8e-3),
    Learner("planner", beside="plans", way="backward-with-question",
            follows=True, rate=8e-3, plans=4),
)
# Whose rates were chosen on dev; more code has that of ordinary fine-tuning.
TUNED = tuple(replace(kind, name=f"dial-{kind.name}", share=0.5, n=20)
              for kind in DIAL_KINDS if kind.name in TUNING_RATES)


def learners():
    """Every student of the study: kind, position and base."""
    return [replace(kind, name=name_of(kind.name, share, base), base=base,
                    share=share)
            for share in DIAL_SHARES for kind in DIAL_KINDS for base in BASES]


def name_of(kind, share, base):
    """What the file calls the runs: "planner-0.5-a", the second base's "-b".
    """
    return f"{kind}-{share:g}-{'ab'[BASES.index(base)]}"
