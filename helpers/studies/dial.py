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
                "planner": (4e-3, 8e-3, 16e-3),
                "longer": (2e-3, 4e-3, 8e-3),
                "one-row": (4e-3, 8e-3, 16e-3, 32e-3),
                "fine-tuned-ten-epochs": (1e-3, 2e-3, 4e-3),
                "two-tasks-ten-epochs": (2e-3, 4e-3, 8e-3),
                "planner-ten-epochs": (2e-3, 4e-3, 8e-3),
                "fine-tuned-all-weights": (5e-4, 1e-3, 2e-3, 4e-3),
                "two-tasks-all-weights": (5e-4, 1e-3, 2e-3, 4e-3),
                "planner-all-weights": (5e-4, 1e-3, 2e-3, 4e-3, 8e-3),
                "fine-tuned-t5": (2e-3, 4e-3, 8e-3, 16e-3),
                "two-tasks-t5": (2e-3, 4e-3, 8e-3, 16e-3),
                "planner-t5": (2e-3, 4e-3, 8e-3, 16e-3)}


@dataclass(frozen=True)
class Learner:
    """One student at one position of the dial, of one base.

    ``beside``: what is learnt beside programs, "plans", "codes" (as many
    programs again), "row" (nothing beside, but each row has a plan and then
    its program) or "" for nothing; ``way``: how the teacher is asked for
    plans (:data:`helpers.plans.WAYS`); ``follows``: a third task, question
    and plan -> program.  ``n``: programs per test problem, directly;
    ``plans``: written by the student per test problem, with ``codes``
    programs from each.

    Where None, ``weights`` of code and plan are one each, an adapter is
    trained ("head": a layer of their own for plans beside it; "all": all
    weights and no adapter), and ``programs`` are the references
    ("verified": the teacher's own that pass the example test, as in EKT).
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
    weights: tuple | None = None
    trains: str | None = None
    programs: str | None = None


DIAL_KINDS = (
    Learner("fine-tuned", n=30),         # as many tokens as four plans have
    Learner("codes-twice", beside="codes"),
    Learner("two-tasks", beside="plans", way="backward", rate=8e-3),
    Learner("planner", beside="plans", way="backward-with-question",
            follows=True, rate=8e-3, plans=4),
)
DIAL_CONTROLS = (                        # at dial 0 only
    # As many batches as the three tasks of the planner have.
    Learner("longer", updates=450, rate=2e-3),
    Learner("one-row", beside="row", way="backward-with-question",
            rate=16e-3),
)
FINE_TUNED, TWO_TASKS, PLANNER = (
    replace(DIAL_KINDS[i], n=20) for i in (0, 2, 3))
FEWER = DIAL_SEEDS[:3]
TEN_EPOCHS = 760              # of 1,216 programs, 16 at a time


def varied(end, rates=(), **changes):
    """Main kinds with another ending of their names, and ``changes``.

    ``rates``: of ordinary fine-tuning, two tasks and the planner; their usual
    ones if empty.
    """
    kinds = (FINE_TUNED, TWO_TASKS, PLANNER)
    return tuple(replace(kind, name=f"{kind.name}-{end}", **changes,
                         rate=rate)
                 for kind, rate in zip(kinds, rates or [
                     kind.rate for kind in kinds]))


FURTHER_BASES = ("formula-student-c", "formula-student-t5")
# What else may move the outcome: {suite: (kinds, positions, bases, seeds)}.
# The rates of those that train otherwise were chosen on dev; weights, the
# plan head and verified programs have those of their kind.
FURTHER = {
    "base": ((FINE_TUNED, TWO_TASKS, PLANNER), (0.0,), FURTHER_BASES[:1],
             FEWER),
    "family": (varied("t5", (2e-3, 2e-3, 8e-3)), (0.0,), FURTHER_BASES[1:],
               FEWER),
    "loss": ((replace(TWO_TASKS, name="two-to-one", weights=(2.0, 1.0)),
              replace(TWO_TASKS, name="one-to-two", weights=(1.0, 2.0)),
              replace(TWO_TASKS, name="plan-head", trains="head")),
             (0.0,), BASES, FEWER),
    "weights": (varied("all-weights", (1e-3, 1e-3, 4e-3), trains="all"),
                (0.0,), BASES, FEWER),
    "length": (varied("ten-epochs", (2e-3, 4e-3, 8e-3),
                      updates=TEN_EPOCHS), (0.0, 1.0), BASES, FEWER),
    "bridge": (varied("verified", programs="verified")[::2], (1.0,), BASES,
               FEWER),
    # A hundred programs; the planner's from a plan of its own each.
    "hundred": ((*varied("hundred", n=100)[:2],
                 varied("hundred", n=100, plans=100, codes=1)[2]),
                (0.0, 1.0), BASES, DIAL_SEEDS[:2]),
}
# Whose rates were chosen on dev; more code has that of ordinary fine-tuning.
TUNED = tuple(replace(kind, name=f"dial-{kind.name}", share=0.5, n=20,
                      base=base)
              for kinds, base in (
                  ((*DIAL_KINDS, *DIAL_CONTROLS), BASES[0]),
                  (FURTHER["length"][0], BASES[0]),
                  (FURTHER["weights"][0], BASES[0]),
                  (FURTHER["family"][0], FURTHER_BASES[1]))
              for kind in kinds if kind.name in TUNING_RATES)


def learners():
    """Every student of the study: kind, position and base."""
    return [placed(kind, share, base) for share in DIAL_SHARES
            for kind in kinds_at(share) for base in BASES]


def further():
    """(student, its seeds) for each of :data:`FURTHER`."""
    return [(placed(kind, share, base), seeds)
            for kinds, shares, bases, seeds in FURTHER.values()
            for share in shares for kind in kinds for base in bases]


def kinds_at(share):
    """The kinds of students at a position of the dial."""
    return (*DIAL_KINDS, *(DIAL_CONTROLS if share == 0 else ()))


def placed(kind, share, base):
    """A kind of student at a position of the dial, of a base."""
    return replace(kind, name=name_of(kind.name, share, base), base=base,
                   share=share)


def name_of(kind, share, base):
    """What the file calls the runs: "planner-0.5-a", the second base's "-b".
    """
    end = base.removeprefix(BASES[0]).lstrip("-") or "a"
    return f"{kind}-{share:g}-{end}"
