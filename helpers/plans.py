"""Plans: asked for in three ways, kept as JSON lines, scored and chosen.

*Forward* reasoning goes from the question to a plan.  *Backward* reasoning
goes from a program that is known to be right to the plan behind it, as
CodePLAN does; it may see the question as well.

Whether a plan is good is not asked of anybody.  The teacher writes programs
from it, and the judge runs them: on the example tests, by which a plan may
be chosen, and on the hidden tests, which no choice may see but an oracle's.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real

from helpers.problems import by_task_id
from helpers.prompts import cut_section, section
from helpers.sampling import sample
from helpers.tools.arguments import each_of, limits, plain_number
from helpers.tools.files import read_rows, write_rows

# How a plan is asked for, and what is shown for it.
WAYS = {"forward": ("question",), "backward": ("code",),
        "backward-with-question": ("question", "code")}
# One exemplar each, as in CodePLAN's released call; our own.
PLAN_EXEMPLARS = {
    "mini-apps": {
        "question": "Eva has n stamps. On Saturday Eva sells 5. On Tuesday "
                    "Eva doubles them. Read n, print how many stamps Eva has "
                    "in the end.\n",
        "code": "n = int(input())\nn = n * 2\nn = n - 5\nprint(n)\n",
        "plan": "1. Read n.\n2. Tuesday: times 2.\n"
                "3. Saturday: minus 5.\n4. Print it.\n",
        "backward": "1. Read n.\n2. Times 2.\n3. Minus 5.\n"
                    "4. Print it.\n"},
    "mini-apps-2": {
        "question": "Eva has n stamps. On Saturday Eva sells 5. On Tuesday "
                    "Eva doubles them. On Wednesday Eva finds 7. Read n, "
                    "print how many stamps Eva has in the end.\n",
        "code": "n = int(input())\nn = n * 2\nn = n + 7\nn = n - 5\n"
                "print(n)\n",
        "plan": "1. Start with 1 * n + 0.\n2. Tuesday: times 2, 2 * n + 0.\n"
                "3. Wednesday: plus 7, 2 * n + 7.\n"
                "4. Saturday: minus 5, 2 * n + 2.\n5. Print 2 * n + 2.\n",
        "backward": "1. Start with 1 * n + 0.\n2. Times 2, 2 * n + 0.\n"
                    "3. Plus 7, 2 * n + 7.\n4. Minus 5, 2 * n + 2.\n"
                    "5. Print 2 * n + 2.\n"},
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
    """A plan and where it came from.  Introduced in notebook 03.

    ``way``: one of :data:`WAYS`.  ``solution``: number of the program that was
    explained, -1 for forward reasoning.  ``sample_index`` tells plans of the
    same prompt apart.
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

    ``backward`` shows the code alone, as released by CodePLAN; its exemplar's
    plan is ``exemplar["backward"]`` where there is one, as a plan must not
    say what cannot be seen.  The role that the release puts in front is for
    models that chat (:func:`helpers.prompts.as_messages`).  Introduced in
    notebook 03.  Raises ``ValueError`` for an unknown way.
    """
    if way not in WAYS:
        raise ValueError(f"there is no way {way!r} to ask for a plan; choose "
                         f"one of {', '.join(WAYS)}")
    target = {"question": question, "code": code}
    text = ""
    for part in WAYS[way]:
        text += section(part, exemplar[part])
    text += section("plan", exemplar.get(way, exemplar["plan"])) + "\n"
    for part in WAYS[way]:
        text += section(part, target[part].rstrip("\n") + "\n")
    return text + section("plan")


def code_request(question, plan, exemplar):
    """The prompt for a program that follows a plan.

    Introduced in notebook 03.  Raises ``ValueError`` for no exemplar.
    """
    see_that_it_is_solved(exemplar)
    shown = (section("question", exemplar["question"])
             + section("plan", exemplar["plan"])
             + section("code", exemplar["code"]))
    return (shown + "\n" + section("question", question.rstrip("\n") + "\n")
            + section("plan", plan) + section("code"))


def own_code_request(question, exemplar):
    """The prompt for a program without a plan, as EKT asks for one.

    Introduced in notebook 03.  Raises ``ValueError`` for no exemplar.
    """
    see_that_it_is_solved(exemplar)
    return (section("question", exemplar["question"])
            + section("code", exemplar["code"]) + "\n"
            + section("question", question.rstrip("\n") + "\n")
            + section("code"))


def see_that_it_is_solved(exemplar):
    """Raises ``ValueError`` for what is no solved exemplar."""
    if not isinstance(exemplar, Mapping) or not {
            "question", "code", "plan"} <= exemplar.keys():
        raise ValueError(f"an exemplar has a question, a code and a plan, as "
                         f"those of PLAN_EXEMPLARS, not {exemplar!r:.60}")


def to_explain(problem, way, solutions=None):
    """(number, program) of what a problem's plans are asked about.

    Backward reasoning explains the first ``solutions`` reference programs,
    all of them if ``None``; forward reasoning explains none: [(-1, "")].
    Introduced in notebook 03.  Raises ``ValueError`` for an unknown way, and
    for fewer than one.
    """
    if way == "forward":
        return [(-1, "")]
    if way not in WAYS:
        raise ValueError(f"there is no way {way!r} to explain a program; "
                         f"choose one of {', '.join(WAYS)}")
    limits(solutions=solutions)
    return list(enumerate(problem.solutions[:solutions]))


def plans_of(samples):
    """A :class:`Plan` for each sample that is not empty.

    A sample's ``task_id`` is that of the problem, the way to ask and the
    number of the program, joined by "#".  Introduced in notebook 03.  Raises
    ``ValueError`` for a sample of anything else.
    """
    plans = []
    for one in each_of("samples", samples):
        found = re.fullmatch(r"(.*)#([^#]*)#(-?\d+)", getattr(
            one, "task_id", ""), re.DOTALL)
        if not found:
            raise ValueError(f"a plan's sample is of task_id#way#number, as "
                             f"notebook 03 asks, not {one!r:.60}")
        task_id, way, number = found.groups()
        if one.completion.strip():
            plans.append(Plan(task_id, way, int(number), one.sample_index,
                              one.completion))
    return plans


def elicit(lm, problems, way, exemplar, n=1, solutions=None, temperature=0.2,
           **settings):
    """``n`` plans of the teacher for each problem, or each of its solutions.

    What is explained: see :func:`to_explain`; problems without a program get
    no backward plan.  CodePLAN: temperature 0.2, one plan per solution.
    ``settings`` go to :func:`helpers.sampling.sample`.  Empty plans are left
    out.  Introduced in notebook M2.  Raises ``ValueError`` as
    :func:`to_explain` does, for no exemplar, and where a problem is there
    twice.
    """
    see_that_it_is_solved(exemplar)
    prompts = {
        f"{problem.task_id}#{way}#{number}": plan_request(
            way, problem.question, code, exemplar)
        for problem in by_task_id(problems).values()
        for number, code in to_explain(problem, way, solutions)}
    return plans_of(sample(lm, prompts, n, temperature, cut=cut_section,
                           **settings) if prompts else [])


def no_leak(plan, code):
    """Does no line of the program stand in the plan, spaces left aside?

    A plan that quotes its program is worth much to whoever copies, and says
    nothing about how to solve the problem.  Only lines with "=" or "(" count:
    "else:" may be said in words.  Introduced in notebook 03.
    """
    text = "".join(plan.split())
    for line in code.splitlines():
        line = "".join(line.split())
        if ("=" in line or "(" in line) and line in text:
            return False
    return True


def steps(plan):
    """The lines of a plan without numbers, bullets and empty lines."""
    lines = [re.sub(r"^\s*(?:\d+[.)]|[-*])?\s*", "", line).rstrip()
             for line in plan.splitlines()]
    return [line for line in lines if line]


# --------------------------------------------------------------------- files

def write_plans(path, plans):
    """Plans as JSON lines; the file is whole or the old one.

    Introduced in notebook 03.
    """
    write_rows(path, plans, Plan)


def read_plans(path):
    """The plans of a file.  Introduced in notebook 06.

    Raises ``ValueError`` naming the line that is no plan, and for a file
    that is no text or empty.
    """
    return read_rows(path, Plan, "line {number} of {name} is no plan",
                     "run notebook 03 again, or delete the line",
                     "check the path, or run notebook 03 again")


# ------------------------------------------------------ what a plan is worth

@dataclass(frozen=True)
class Score:
    """What became of the programs written from a plan.

    ``codes``: how many were written; ``examples``, ``hidden``: how many of
    them passed all example tests, all hidden tests.  Only the first may choose
    a plan; the second is the oracle.
    """

    plan: Plan
    codes: int
    examples: int
    hidden: int


def code_from_plans(lm, plans, prompt_of, n=1, temperature=0.2, **settings):
    """``n`` programs from each plan: a list of (plan, program).

    ``prompt_of(plan)`` is the prompt for a program that follows the plan: a
    teacher's from :func:`code_request`, a student's from
    :func:`helpers.multitask.code_prompt`.  ``settings`` go to
    :func:`helpers.sampling.sample`.  Introduced in notebook 03.
    """
    named = {}
    for plan in each_of("plans", plans, "Plan"):
        if not (hasattr(plan, "name") and hasattr(plan, "task_id")):
            raise ValueError(f"plans are those of elicit, plans_of or "
                             f"read_plans, not {plan!r:.60}")
        named[plan.name] = plan
    samples = sample(lm, {name: prompt_of(plan)
                          for name, plan in named.items()}, n, temperature,
                     cut=cut_section, **settings)
    return [(named[s.task_id], s.completion) for s in samples]


def shown_again(problem):
    """Are the example tests, if there are any, among the hidden ones?"""
    return bool(problem.examples) and all(
        test in problem.tests for test in problem.examples)


def judge_both(runner, problems, written, progress=True):
    """(examples passed, hidden passed) of each program, as booleans.

    ``written``: (item with a ``task_id``, program) pairs.  A program that
    fails an example test is not run on hidden tests that hold it, as APPS'
    do.  Without example tests the first of the two is False: nothing can be
    chosen by them.  Raises ``RuntimeError`` for programs that could not be
    judged, ``ValueError`` for one whose problem is not there, and as
    :func:`helpers.problems.by_task_id`.  Introduced in notebook 03.
    """
    by_id, written = by_task_id(problems), list(each_of(
        "programs", written, "(plan, program)"))
    for pair in written:
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2
                and hasattr(pair[0], "task_id")):
            raise ValueError(f"programs are judged as (plan, program), as "
                             f"code_from_plans gives them, not {pair!r:.60}")
        item, _ = pair
        if item.task_id not in by_id:
            raise ValueError(f"there is a program for {item.task_id!r} and no "
                             f"problem of that name; give all problems that "
                             f"were asked")

    def judged(pairs):
        for verdict in runner.judge_many(pairs, progress=progress):
            if verdict.status == "infrastructure":
                raise RuntimeError(f"a program could not be judged "
                                   f"({verdict.detail}); run again")
            yield verdict.status == "passed"

    first = [replace(by_id[item.task_id], tests=by_id[item.task_id].examples)
             for item, _ in written]
    shown = [i for i, problem in enumerate(first) if problem.examples]
    examples = [False] * len(written)
    for i, passed in zip(shown, judged([(first[i], written[i][1])
                                        for i in shown])):
        examples[i] = passed
    rest = [i for i, (item, _) in enumerate(written)
            if examples[i] or not shown_again(by_id[item.task_id])]
    hidden = [False] * len(written)
    for i, passed in zip(rest, judged([
            (by_id[written[i][0].task_id], written[i][1]) for i in rest])):
        hidden[i] = passed
    return list(zip(examples, hidden))


def score_plans(runner, problems, written, progress=True):
    """A :class:`Score` for each plan, in order, from its judged programs.

    Introduced in notebook M2.  Raises as :func:`judge_both`.
    """
    marks, found = judge_both(runner, problems, written, progress), {}
    for (plan, _), (examples, hidden) in zip(written, marks):
        found.setdefault(plan, []).append((examples, hidden))
    return [Score(plan, len(rows), sum(e for e, _ in rows),
                  sum(h for _, h in rows)) for plan, rows in found.items()]


def best_of(keys, values, n):
    """Expected value of the best of ``n`` things drawn without putting back.

    "Best" is the largest key; among equals one is drawn.  With N things of
    which ``above`` are better than a group and ``size`` are in it, the group
    has the best of n with probability
    (C(N - above, n) - C(N - above - size, n)) / C(N, n).
    The keys are what one may look at (example tests), the values what one
    gets (hidden tests); with the values as keys it is the oracle.  Raises
    ``ValueError`` for n outside 1..N.  Introduced in notebook M2.
    """
    total = len(keys)
    if not 1 <= n <= total:
        raise ValueError(f"n must lie between 1 and the {total} plans there "
                         f"are, not be {n}")
    expected, above = 0.0, 0
    for key in sorted(set(keys), reverse=True):
        group = [value for k, value in zip(keys, values) if k == key]
        ways = (math.comb(total - above, n)
                - math.comb(total - above - len(group), n))
        expected += ways / math.comb(total, n) * sum(group) / len(group)
        above += len(group)
    return expected


def mean_best_of(plans, keys, values, n):
    """The mean over problems of :func:`best_of` ``n`` of their plans.

    A key and a value for each of ``plans``; a problem with fewer than ``n``
    plans chooses among those it has.  Introduced in notebook 03.  Raises
    ``ValueError`` for no plans and lists of different lengths, and as
    :func:`best_of`.
    """
    plans, keys, values = (list(each_of(*pair)) for pair in (
        ("plans", plans), ("keys", keys), ("values", values)))
    odd = [one for one in values if not isinstance(one, Real)
           and not hasattr(one, "dtype")]            # numpy's yes or no
    if odd:
        raise ValueError(f"a value is a number, or whether a program passed, "
                         f"and not {odd[0]!r:.40}")
    if not plans or not len(plans) == len(keys) == len(values):
        raise ValueError(f"each plan has a key and a value, and there are "
                         f"{len(plans)} plans, {len(keys)} keys and "
                         f"{len(values)} values")
    plain_number("n", n, True, 1)
    of = {}
    for plan, key, value in zip(plans, keys, values):
        of.setdefault(plan.task_id, []).append((key, value))
    return sum(best_of(*zip(*some), min(n, len(some)))
               for some in of.values()) / len(of)


def choose(scores):
    """The plan of each problem of which the largest share of programs passes
    the example tests; the first of equals.

    A problem none of whose programs passes keeps its first plan.  Introduced
    in notebook M2.
    """
    def share(score):
        return score.examples / score.codes if score.codes else 0

    best = {}
    for score in scores:
        name = score.plan.task_id
        if name not in best or share(score) > share(best[name]):
            best[name] = score
    return [score.plan for score in best.values()]
