"""Plans: asked for in three ways, and kept as JSON lines.

*Forward* reasoning goes from the question to a plan.  *Backward* reasoning
goes from a program that is known to be right to the plan behind it, as
CodePLAN does; it may see the question as well.

Introduced in notebook 03, section 2.
"""

import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from helpers.prompts import cut_section, section
from helpers.sampling import sample

# How a plan is asked for, and what is shown for it.
WAYS = {"forward": ("question",), "backward": ("code",),
        "backward-with-question": ("question", "code")}
# One exemplar each, as in CodePLAN's released call; our own.
EXEMPLARS = {
    "mini-apps": {
        "question": "Eva has n stamps. On Saturday Eva sells 5. On Tuesday "
                    "Eva doubles them. Read n, print how many stamps Eva has "
                    "in the end.\n",
        "code": "n = int(input())\nn = n * 2\nn = n - 5\nprint(n)\n",
        "plan": "1. Read n.\n2. Tuesday: times 2.\n"
                "3. Saturday: minus 5.\n4. Print it.\n",
        "backward": "1. Read n.\n2. Times 2.\n3. Minus 5.\n"
                    "4. Print it.\n"},
    "apps": {
        "question": "A shop notes the price of each sale of a day. Print the "
                    "largest total of two sales that follow one another.\n"
                    "Input: the number of sales, at least 2, then the "
                    "prices in one line.\n",
        "code": "count = int(input())\n"
                "prices = list(map(int, input().split()))\n"
                "best = prices[0] + prices[1]\n"
                "for i in range(1, count - 1):\n"
                "    best = max(best, prices[i] + prices[i + 1])\n"
                "print(best)\n",
        "plan": "1. Read the number of sales and the list of prices.\n"
                "2. Take the sum of the first two prices as the best so "
                "far.\n"
                "3. Go through the list; for each price add the one behind "
                "it, and keep the sum if it is larger than the best.\n"
                "4. Print the best sum.\n"},
}


@dataclass(frozen=True)
class Plan:
    """A plan and where it came from.  Introduced in notebook 03, section 3.

    ``way``: one of :data:`WAYS`.  ``solution``: number of the program that
    was explained, -1 for forward reasoning.  ``sample_index`` tells plans of
    the same prompt apart.
    """

    task_id: str
    way: str
    solution: int
    sample_index: int
    text: str

    @property
    def name(self):
        """What no other plan of a run is called."""
        return (f"{self.task_id}#{self.way}#{self.solution}"
                f"#{self.sample_index}")


# ----------------------------------------------------------- asking for them

def plan_request(way, question, code, exemplar):
    """The prompt for a plan: one solved exemplar, then the target.

    ``backward`` shows the code alone, as released by CodePLAN.  Introduced
    in notebook 03, section 2.  Raises ``ValueError`` for an unknown way.
    """
    if way not in WAYS:
        raise ValueError(f"there is no way {way!r} to ask for a plan; choose "
                         f"one of {', '.join(WAYS)}")
    target = {"question": question.rstrip("\n") + "\n",
              "code": (code or "").rstrip("\n") + "\n"}
    text = ""
    for part in WAYS[way]:
        text += section(part, exemplar[part])
    text += section("plan", exemplar.get(way, exemplar["plan"])) + "\n"
    for part in WAYS[way]:
        text += section(part, target[part])
    return text + section("plan")


def code_request(question, plan, exemplar):
    """The prompt for a program that follows a plan.

    Introduced in notebook 03, section 5.
    """
    shown = (section("question", exemplar["question"])
             + section("plan", exemplar["plan"])
             + section("code", exemplar["code"]))
    return (shown + "\n" + section("question", question.rstrip("\n") + "\n")
            + section("plan", plan) + section("code"))


def own_code_request(question, exemplar):
    """The prompt for a program without a plan, as EKT asks for one.

    Introduced in notebook 03, section 8.
    """
    return (section("question", exemplar["question"])
            + section("code", exemplar["code"]) + "\n"
            + section("question", question.rstrip("\n") + "\n")
            + section("code"))


def elicit(lm, problems, way, exemplar, n=1, solutions=None, temperature=0.2,
           **settings):
    """``n`` plans of the teacher for each problem, or each of its solutions.

    Backward reasoning explains the first ``solutions`` reference programs of
    a problem, all of them if ``None``; problems without one get no plan.
    CodePLAN: temperature 0.2, one plan per solution.  ``settings`` go to
    :func:`helpers.sampling.sample`.  Empty plans are left out.  Introduced
    in notebook 03, section 3.  Raises ``ValueError`` as
    :func:`plan_request` does.
    """
    prompts, of = {}, {}
    for problem in problems:
        codes = problem.solutions[:solutions] if way != "forward" else [None]
        for number, code in enumerate(codes):
            number = -1 if code is None else number
            key = f"{problem.task_id}#{way}#{number}"
            prompts[key] = plan_request(way, problem.question, code, exemplar)
            of[key] = (problem.task_id, way, number)
    samples = sample(lm, prompts, n, temperature, cut=cut_section,
                     **settings) if prompts else []
    return [Plan(*of[s.task_id], s.sample_index, s.completion)
            for s in samples if s.completion.strip()]


def steps(plan):
    """The lines of a plan without numbers, bullets and empty lines.

    Introduced in notebook 03, section 3.
    """
    lines = [re.sub(r"^\s*(?:\d+[.)]|[-*])?\s*", "", line).rstrip()
             for line in plan.splitlines()]
    return [line for line in lines if line]


# --------------------------------------------------------------------- files

def write_plans(path, plans):
    """Plans as JSON lines; the file is whole or the old one.

    Introduced in notebook 03, section 4.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_text("".join(json.dumps(asdict(plan)) + "\n"
                           for plan in plans))
    os.replace(new, path)


def read_plans(path):
    """The plans of a file.  Introduced in notebook 03, section 4.

    Raises ``ValueError`` naming the line that is no plan.
    """
    plans = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        try:
            plans.append(Plan(**json.loads(line)))
        except (ValueError, TypeError):
            raise ValueError(f"line {number} of {Path(path).name} is no "
                             f"plan: {line[:60]!r}; run notebook 03 again, "
                             f"or delete the line") from None
    return plans
