"""The teacher's plans over several seeds: what they are worth.

``python -m helpers rivals plans`` asks for them and has code written from each
(:func:`helpers.workshop.codeplan_runs.measure_plans`); this module reads the
files and takes means.  The worth of a plan is the share of its programs that
pass all hidden tests; a problem without any plan counts as 0.

Introduced in notebook 03, section 6.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from helpers.evaluation import over_seeds, verdict_word
from helpers.studies.run_files import read_runs
from helpers.plan_scores import best_of

# How one may choose among plans, by what is known of a plan's programs.
CHOICES = {"at random": lambda examples, hidden: 0,
           "by example tests": lambda examples, hidden: examples,
           "oracle": lambda examples, hidden: hidden}
# The choice by example tests, judged by programs that had no say in it.
FRESH = "by tests, fresh programs"


@dataclass(frozen=True)
class PlanScores:
    """The plans of one way to ask.  Introduced in notebook 03, section 6.

    ``plans``: for each seed, for each problem a list of (example passes,
    hidden passes), a pair for each plan, out of ``codes`` programs.
    """

    name: str
    codes: int
    plans: tuple

    def best(self, n, choice="at random"):
        """Mean worth of the best of ``n`` plans, (seeds, problems).

        ``choice``: one of :data:`CHOICES`.  A problem with fewer plans
        chooses among those it has.
        """
        key = CHOICES[choice]
        table = np.zeros((len(self.plans), len(self.plans[0])))
        for seed, problems in enumerate(self.plans):
            for problem, pairs in enumerate(problems):
                if pairs:
                    table[seed, problem] = best_of(
                        [key(*pair) for pair in pairs],
                        [hidden / self.codes for _, hidden in pairs],
                        min(n, len(pairs)))
        return table

    def worth(self):
        """Mean worth of a plan, (seeds, problems)."""
        return self.best(1)

    def fresh(self, n):
        """Best of ``n`` by example tests, judged by a program that had no
        say in the choice, (seeds, problems).

        For two programs a plan: one of them chooses, the other one counts,
        in all ways to deal out the roles.  Raises ``ValueError`` for
        another number of programs.
        """
        if self.codes != 2:
            raise ValueError(f"one program chooses and one counts, so a plan "
                             f"needs two, not {self.codes}")
        table = np.zeros((len(self.plans), len(self.plans[0])))
        for seed, problems in enumerate(self.plans):
            for problem, pairs in enumerate(problems):
                deals = [zip(*deal) for deal in product(
                    *(roles(*pair) for pair in pairs))] if pairs else []
                for keys, values in deals:
                    table[seed, problem] += best_of(
                        keys, values, min(n, len(pairs))) / len(deals)
        return table


def roles(examples, hidden):
    """The ways to let one of two programs choose and the other one count.

    ``examples``, ``hidden``: how many of the two pass.  One that passes the
    hidden tests passes the example tests, too.  Introduced in notebook 03,
    section 7.
    """
    shown = [1] * examples + [0] * (2 - examples)
    right = [1] * hidden + [0] * (2 - hidden)
    return {(shown[0], right[1]), (shown[1], right[0])}


def load_plan_scores(profile, name):
    """The :class:`PlanScores` of one way to ask, from the file of its runs.

    Introduced in notebook 03, section 6.  Raises ``FileNotFoundError`` as
    :func:`helpers.profiles.find_artefact` does, and ``ValueError`` for a
    broken file.
    """
    def taken(facts, runs):
        codes, = {run["codes"] for run in runs}
        plans = tuple([[(int(examples), int(hidden))
                        for examples, hidden in pairs]
                       for pairs in run["plans"]] for run in runs)
        for count in (count for problems in plans for pairs in problems
                      for pair in pairs for count in pair):
            if not 0 <= count <= codes:
                raise ValueError(f"{count} of {codes} programs")
        if len({len(problems) for problems in plans}) != 1:
            raise ValueError("its seeds have different problems")
        return PlanScores(name, codes, plans)
    return read_runs(profile, f"plans-{name}", taken)


def plan_judgement(one, other):
    """("agree", "disagree" or "undecided", mean, low, high).

    With "a plan of ``one`` is worth more than one of ``other``": two tables
    (seeds, problems), compared seed by seed and problem by problem.
    Introduced in notebook 03, section 6.
    """
    mean, low, high = over_seeds(one, other)
    return verdict_word(low, high), mean, low, high


def best_curve(scores, choice, ns):
    """Arrays (mean, low, high) of the best of n plans, a value for each n.

    ``choice``: one of :data:`CHOICES`, or :data:`FRESH`.  Introduced in
    notebook 03, section 7.
    """
    tables = [scores.fresh(n) if choice == FRESH else scores.best(n, choice)
              for n in ns]
    return np.array([over_seeds(t, resamples=2000) for t in tables]).T
