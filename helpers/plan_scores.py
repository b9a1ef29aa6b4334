"""What a plan is worth: the code written from it, run on tests.

Whether a plan is good is not asked of anybody.  The teacher writes programs
from it, and the judge runs them: on the example tests, by which a plan may
be chosen, and on the hidden tests, which no choice may see but an oracle's.

Introduced in notebook 03, section 5.
"""

import math
from dataclasses import dataclass, replace

from helpers.plans import Plan, code_request
from helpers.prompts import cut_section
from helpers.sampling import sample


@dataclass(frozen=True)
class Score:
    """What became of the programs written from a plan.

    ``codes``: how many were written; ``examples``, ``hidden``: how many of
    them passed all example tests, all hidden tests.  Only the first may
    choose a plan; the second is the oracle.  Introduced in notebook 03,
    section 5.
    """

    plan: Plan
    codes: int
    examples: int
    hidden: int


def write_from_plans(lm, problems, plans, exemplar, n=1, temperature=0.2,
                     **settings):
    """``n`` programs from each plan: a list of (plan, program).

    Introduced in notebook 03, section 5.
    """
    questions = {p.task_id: p.question for p in problems}
    named = {plan.name: plan for plan in plans}
    samples = sample(lm, {
        name: code_request(questions[plan.task_id], plan.text, exemplar)
        for name, plan in named.items()}, n, temperature, cut=cut_section,
        **settings)
    return [(named[s.task_id], s.completion) for s in samples]


def shown_again(problem):
    """Are the example tests, if there are any, among the hidden ones?

    Introduced in notebook 03, section 5.
    """
    return bool(problem.examples) and all(
        test in problem.tests for test in problem.examples)


def judge_both(runner, problems, written, progress=True):
    """(examples passed, hidden passed) of each program, as booleans.

    ``written``: (item with a ``task_id``, program) pairs.  A program that
    fails an example test is not run on hidden tests that hold it, as APPS'
    do.  Without example tests the first of the two is False: nothing can be
    chosen by them.  Raises ``RuntimeError`` for programs that could not be
    judged.  Introduced in notebook 03, section 5.
    """
    by_id = {p.task_id: p for p in problems}

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

    Introduced in notebook 03, section 5.  Raises as :func:`judge_both`.
    """
    marks, found = judge_both(runner, problems, written, progress), {}
    for (plan, _), (examples, hidden) in zip(written, marks):
        found.setdefault(plan, []).append((examples, hidden))
    return [Score(plan, len(rows), sum(e for e, _ in rows),
                  sum(h for _, h in rows)) for plan, rows in found.items()]


# ------------------------------------------------------------------ choosing

def best_of(keys, values, n):
    """Expected value of the best of ``n`` things drawn without putting back.

    "Best" is the largest key; among equals one is drawn.  With N things of
    which ``above`` are better than a group and ``size`` are in it, the group
    has the best of n with probability
    (C(N - above, n) - C(N - above - size, n)) / C(N, n).
    The keys are what one may look at (example tests), the values what one
    gets (hidden tests); with the values as keys it is the oracle.  Raises
    ``ValueError`` for n outside 1..N.  Introduced in notebook 03, section 7.
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


def choose(scores):
    """The plan of each problem with the most programs that pass its example
    tests; the first of equals.

    Introduced in notebook 03, section 7.
    """
    best = {}
    for score in scores:
        held = best.get(score.plan.task_id)
        if held is None or score.examples * held.codes > (
                held.examples * score.codes):
            best[score.plan.task_id] = score
    return [score.plan for score in best.values()]
