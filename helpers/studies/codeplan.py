"""CodePLAN's rivals: every two-task student that notebook 06 compares.

All see the same reference programs of the same training problems, in the
same order and equally often, and sit the same exam (the test problems of
``mini-apps``).  They differ in what they learn *beside* the programs.
``python -m helpers rivals`` runs them (:mod:`helpers.workshop.codeplan_runs`).

Introduced in notebook 06, section 9.
"""

from dataclasses import dataclass, replace

import numpy as np

from helpers.evaluation import middle, over_seeds, pass_at_k
from helpers.plan_scores import best_of
from helpers.studies.ekt import (  # noqa: F401
    DEV_SEED, SEEDS, Standing, standing_of)

TASK = "mini-apps"
DEV_RATES = (2e-3, 4e-3, 8e-3, 16e-3, 32e-3)


@dataclass(frozen=True)
class PlanRival:
    """One student.  Introduced in notebook 06, section 9.

    ``beside``: what the second task's examples are: "backward",
    "backward-with-question", "forward", "forward-chosen" (plans, see
    :func:`helpers.workshop.codeplan_runs.beside`), "codes" (more programs) or
    "" for none.  ``per_problem``: plans kept of each problem, 0 for all.
    ``weights``: of code and of the second task.  ``problems``: training
    problems; ``programs``: whose they are, "reference" or "verified", the
    teacher's own that pass the example tests, as in EKT; ``n``: programs per
    test problem; ``plans``: written by the student per test problem, with
    ``codes`` programs from each.
    """

    name: str
    model: str = "plan-student"
    beside: str = "backward"
    per_problem: int = 0
    weights: tuple = (1.0, 1.0)
    head: bool = False
    same_problem: bool = False
    programs: str = "reference"
    problems: int = 300
    updates: int = 120
    rate: float = 16e-3
    n: int = 10
    plans: int = 0
    codes: int = 4


FINE_TUNED = PlanRival("fine-tuned", beside="", weights=(1.0, 0.0), n=100,
                       rate=8e-3)
CODEPLAN = PlanRival("codeplan", n=100)
MAIN = (
    replace(FINE_TUNED, name="before-training", updates=0, n=20),
    replace(FINE_TUNED, plans=5),
    replace(CODEPLAN, plans=5),
    replace(CODEPLAN, name="codeplan-2-to-1", weights=(2.0, 1.0), n=20),
    PlanRival("codes-twice", beside="codes", rate=8e-3, n=20),
)
ABLATIONS = (
    PlanRival("with-question", beside="backward-with-question", plans=5),
    PlanRival("forward", beside="forward"),
    PlanRival("forward-chosen", beside="forward-chosen"),
    PlanRival("one-plan", per_problem=1),
    PlanRival("same-problem", same_problem=True),
    PlanRival("plan-head", head=True, plans=5),
)
BRIDGE = (
    replace(FINE_TUNED, name="ekt-fine-tuned", programs="verified", n=10),
    PlanRival("ekt-codeplan", programs="verified"),
)
T5 = "plan-student-t5"
FAMILY = (
    replace(FINE_TUNED, name="t5-fine-tuned", model=T5, n=10, rate=4e-3),
    PlanRival("t5-codeplan", model=T5, rate=4e-3),
    PlanRival("t5-plan-head", model=T5, head=True, rate=4e-3),
)


def map_of(name, **changes):
    """The rivals of one point of the map.

    Introduced in notebook 06, section 11.
    """
    return (replace(FINE_TUNED, name=f"fine-tuned-{name}", n=10, **changes),
            PlanRival(f"codeplan-{name}", **changes),
            PlanRival(f"with-question-{name}", n=10,
                      beside="backward-with-question", **changes))


MAP = (*map_of("1-layer", model="plan-student-1-layer"),
       *map_of("3-layers", model="plan-student-3-layers"),
       *map_of("60-problems", problems=60),
       *map_of("150-problems", problems=150)[:2])
TUNED = (replace(FINE_TUNED, n=20), replace(CODEPLAN, n=20),
         replace(FAMILY[0], n=20))
SUITES = {"main": MAIN, "ablations": ABLATIONS, "bridge": BRIDGE,
          "family": FAMILY, "map": MAP}
RIVALS = {rival.name: rival for suite in SUITES.values() for rival in suite}


# ------------------------------------------------------------ their results

@dataclass(frozen=True)
class PlanStanding(Standing):
    """What came out for one student: a run for each seed.

    ``counts`` are programs that passed the hidden tests; ``shown``, (seeds,
    problems): those out of ``n`` that passed the example tests.  Introduced
    in notebook 06, section 9.
    """

    shown: np.ndarray


def load_plan_standing(profile, name):
    """The :class:`PlanStanding` of a rival, from the file of its runs.

    Introduced in notebook 06, section 9.  Raises ``FileNotFoundError`` as
    :func:`helpers.profiles.find_artefact` does, and ``ValueError`` for a
    broken file.
    """
    return standing_of(PlanStanding, profile, name, "counts", "shown",
                       "greedy")


def relative_gain(one, other, where=None, level=0.95):
    """``(ratio, low, high)`` of pass@1, ``one`` over ``other``, less 1.

    The paper's figure: 1.3 is "130 % better".  Paired: seeds and problems
    are drawn as in :func:`helpers.evaluation.over_seeds`, the same ones for
    both, and seeds are moved apart likewise.  ``where``: problems to look
    at, a boolean array.  Introduced in notebook 06, section 10.
    """
    chosen = slice(None) if where is None else where
    tables = [s.scores()[:, chosen] for s in (one, other)]
    rng, (seeds, problems) = np.random.default_rng(0), tables[0].shape
    which = rng.multinomial(seeds, np.full(seeds, 1 / seeds), 10_000)
    what = rng.multinomial(problems, np.full(problems, 1 / problems), 10_000)
    means = []
    for table in tables:
        usual = table.mean(axis=0)
        apart = usual + (table - usual) * np.sqrt(seeds / (seeds - 1))
        means.append(((which @ apart) * what).sum(axis=1))
    ratios = means[0] / np.maximum(means[1], 1e-9)
    low, high = middle(ratios, level)
    return (float(tables[0].mean() / max(tables[1].mean(), 1e-9)) - 1,
            float(low) - 1, float(high) - 1)


def plan_gain(one, other, k=1, where=None):
    """``(mean, low, high)`` of pass@k, ``one`` minus ``other``, paired.

    ``where``: problems to look at, a boolean array.  Introduced in notebook
    06, section 9.
    """
    chosen = slice(None) if where is None else where
    return over_seeds(one.scores(k)[:, chosen], other.scores(k)[:, chosen])


# ------------------------------------------------------- choosing a program

def direct_chosen(standing, m):
    """(seeds, problems): one of ``m`` direct programs, by example tests.

    One that passes them is drawn, and counts if it passes the hidden tests.
    With e of n programs passing the examples and c the hidden tests, that is
    pass@m of e, times c / e.  Introduced in notebook 06, section 7.
    """
    found = pass_at_k(standing.n, standing.shown, m)
    return found * standing.counts / np.maximum(standing.shown, 1)


def plan_first_chosen(standing, how, part="plan-first", plans=None):
    """(seeds, problems): a program from the student's chosen plan.

    ``how``: "random", "examples" (the plan with most programs that pass the
    example tests, one of its programs at random), "examples twice" (also the
    program is one that passes them), or "oracle" (the plan with most
    programs that pass the hidden tests).  ``plans``: how many may be chosen
    among, drawn from those there are; all if ``None``.  Introduced in
    notebook 06, section 7.  Raises ``ValueError`` for another ``how``, or
    for more plans than there are.
    """
    table = []
    for run in standing.runs:
        codes, row = run[part]["codes"], []
        for written in run[part]["plans"]:
            n = len(written) if plans is None else plans
            examples = [shown for shown, _ in written]
            worth = [right / codes for _, right in written]
            if how == "random":
                row.append(sum(worth) / len(worth))
            elif how == "examples":
                row.append(best_of(examples, worth, n))
            elif how == "examples twice":
                row.append(best_of(examples, [
                    right / max(shown, 1) for shown, right in written], n))
            elif how == "oracle":
                row.append(best_of(worth, worth, n))
            else:
                raise ValueError(f"a plan is chosen by random, examples, "
                                 f"examples twice or oracle, not {how!r}")
        table.append(row)
    return np.array(table)


def tokens_per_problem(standing, part=None):
    """Generated tokens of an exam per problem, the mean over seeds.

    ``part``: "plan-first" for all plans and programs of that road; ``None``
    for one direct program.  Introduced in notebook 06, section 7.
    """
    problems = standing.counts.shape[1]
    spent = [run["tokens"] / standing.n if part is None
             else run[part]["tokens"] for run in standing.runs]
    return sum(spent) / len(spent) / problems
