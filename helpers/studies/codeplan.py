"""CodePLAN's study: every two-task student that is compared.

All see the same reference programs of the same training problems, in the
same order and equally often, and sit the same exam (the test problems of
``mini-apps``).  They differ in what they learn *beside* the programs.
``python -m helpers rivals`` runs them
(:mod:`helpers.workshop.codeplan_runs`).
"""

from dataclasses import dataclass, replace

TASK, TEACHER = "mini-apps", "plan-teacher"
DEV_RATES = (2e-3, 4e-3, 8e-3, 16e-3, 32e-3)
# What the teacher is asked for: way, plans per prompt, temperature, and how
# many of the solutions are explained.
ASKED = {
    "forward": ("forward", 5, 0.6, None),
    "backward": ("backward", 1, 0.2, None),
    "backward-with-question": ("backward-with-question", 1, 0.2, None),
    "backward-warm": ("backward", 5, 0.6, 1),
    "backward-with-question-warm": ("backward-with-question", 5, 0.6, 1),
}
NO_PLAN = "none"     # the same exemplar, question and temperature, no plan


@dataclass(frozen=True)
class PlanRival:
    """One student.

    ``beside``: what the second task's examples are: "backward",
    "backward-with-question", "forward", "forward-chosen" (plans, see
    ``second_task`` in workshop/codeplan_runs), "codes" (more programs) or ""
    for none.  ``per_problem``: plans kept of each problem, 0 for all.
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
    """The rivals of one point of the map."""
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
# How figures and tables call the students, and the plans.
STUDENT_WORDS = {
    "before-training": "student before training",
    "fine-tuned": "ordinary fine-tuning",
    "codeplan": "two tasks (CodePLAN)",
    "codeplan-2-to-1": "two tasks, 2 : 1",
    "codes-twice": "control: more code",
    "with-question": "two tasks, plans that saw the question",
    "forward": "two tasks, forward plans",
    "forward-chosen": "two tasks, chosen forward plans",
    "one-plan": "two tasks, one plan a problem",
    "same-problem": "two tasks, plans of the same problem",
    "plan-head": "two tasks, a plan head",
    "ekt-fine-tuned": "ordinary fine-tuning on verified programs",
    "ekt-codeplan": "two tasks on verified programs",
    "t5-fine-tuned": "ordinary fine-tuning, encoder-decoder",
    "t5-codeplan": "two tasks, encoder-decoder",
    "t5-plan-head": "two tasks, a plan head, encoder-decoder",
}
PLAN_WORDS = {
    NO_PLAN: "no plan",
    "forward": "forward plans",
    "forward-chosen": "chosen forward plans",
    "backward": "backward plans",
    "backward-with-question": "backward plans that saw the question",
    "backward-warm": "backward plans, warm",
    "backward-with-question-warm":
        "backward plans that saw the question, warm",
}
RIVALS = {rival.name: rival for suite in SUITES.values() for rival in suite}
