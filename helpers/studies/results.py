"""The results of the studies: read from their files, and summed up.

``python -m helpers rivals`` runs the systems of :mod:`helpers.studies.ekt`
and :mod:`helpers.studies.codeplan` and has the teacher's plans scored; this
module reads the files and takes means, over seeds and problems.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from helpers.evaluation import pass_at_k
from helpers.seeds import over_seeds, verdict_word
from helpers.plans import best_of
from helpers.studies.ekt import TEMPERATURES
from helpers.studies.runs import read_study


def read_runs(profile, study, name, take=list):
    """What ``take`` makes of the runs of a system, a list of dictionaries.

    ``study`` and ``name`` are those of :data:`helpers.studies.runs.STUDIES`;
    the runs are ordered by seed, or by rate.  Introduced in notebook E1.
    Raises ``FileNotFoundError`` where there are none, and ``ValueError`` for
    a broken file, also where ``take`` finds it so.
    """
    runs = [run for run in read_study(profile, study) if run["name"] == name]
    if not runs:
        raise FileNotFoundError(
            f"there is no run of {name} in {study}.jsonl, neither in runs/"
            f"{profile.folder}/results/ nor in data/{profile.name}/results/; "
            f"make them with `python -m helpers rivals {name}`")
    try:
        return take(runs)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"the runs of {name} in {study}.jsonl are not whole "
                         f"({error}); delete their lines and run `python -m "
                         f"helpers rivals {name}`") from None


def load_yields(profile):
    """{temperature: (seeds, problems)}: right ones of 20 teacher samples.

    For each training problem.  Introduced in notebook 02.  Raises as
    :func:`read_runs`.
    """
    return {t: read_runs(profile, "yield", f"yield-{t}", lambda runs:
                         np.array([run["counts"] for run in runs]))
            for t in TEMPERATURES}


@dataclass(frozen=True)
class Standing:
    """What came out for one rival: a run for each seed.

    ``counts``: (seeds, problems), right ones out of ``n``; ``greedy``: the
    same, out of one at temperature 0; ``runs``: the lines of the file.
    """

    name: str
    n: int
    counts: np.ndarray
    greedy: np.ndarray
    runs: list

    def scores(self, k=1):
        """pass@k, (seeds, problems); k = 0 stands for greedy decoding."""
        return self.greedy if k == 0 else pass_at_k(self.n, self.counts, k)


def load_standing(profile, name):
    """The :class:`Standing` of one of EKT's rivals.

    Introduced in notebook 05.  Raises as :func:`read_runs`.
    """
    return read_runs(profile, "ekt", name, lambda runs: standing_of(
        Standing, runs, "counts", "greedy"))


def standing_of(kind, runs, *parts):
    """A ``kind`` of :class:`Standing` whose tables are ``parts`` of each run.

    Raises ``ValueError`` or ``KeyError`` for runs that do not fit together.
    """
    tables = {part: np.array([run[part] for run in runs]) for part in parts}
    n, = {run["rival"]["n"] for run in runs}
    pass_at_k(n, tables["counts"], 1)
    return kind(name=runs[0]["name"], n=n, runs=runs, **tables)


def score(standing, k=1):
    """``(mean, low, high)`` of a rival's pass@k; k = 0 is greedy.

    The ends are kept between 0 and 1.
    Introduced in notebook 05.
    """
    mean, low, high = over_seeds(standing.scores(k))
    return mean, max(low, 0.0), min(high, 1.0)


def gain(one, other, k=1, where=None):
    """``(mean, low, high)`` of pass@k, ``one`` minus ``other``, paired.

    ``where``: problems to look at, a boolean array.  Introduced in notebook
    05.
    """
    chosen = slice(None) if where is None else where
    return over_seeds(one.scores(k)[:, chosen], other.scores(k)[:, chosen])


# Words of a side that an interval decides, and of one that it does not.
DECIDED = ("ahead", "behind", "undecided")


def against_teacher(profile, ks=(0, 1, 5, 10, 20, 50, 100)):
    """The student after EKT minus its few-shot teacher, at each of ``ks``.

    ``{"k = 1, T = 0.6": (mean, low, high)}``, fractions, over seeds and
    problems; k = 0 is greedy.  Introduced in notebook 07.
    """
    student, teacher = (load_standing(profile, name)
                        for name in ("ekt", "teacher-few-shot"))
    return {f"k = {k}, T = 0.6" if k else "greedy, T = 0":
            gain(student, teacher, k) for k in ks}


def sides(rows):
    """Where intervals lie: "ahead at k = 1, 5; undecided at k = 10, greedy".

    ``rows`` as :func:`against_teacher` gives them.  Introduced in notebook
    07.
    """
    found = {side: [] for side in DECIDED}
    for name, (_, low, high) in rows.items():
        side = DECIDED[0 if low > 0 else 1 if high < 0 else 2]
        found[side].append(name.partition(",")[0].removeprefix("k = "))
    said = []
    for side, at in found.items():
        numbers = sorted((one for one in at if one.isdecimal()), key=int)
        words = sorted(one for one in at if not one.isdecimal())
        k = [f"k = {', '.join(numbers)}"] if numbers else []
        said += [f"{side} at {', '.join(k + words)}"] if at else []
    return "; ".join(said)


def judgement(one, other):
    """("agree", "disagree" or "undecided", mean, low, high).

    With "``one`` is ahead of ``other``": two tables (seeds, problems),
    compared seed by seed and problem by problem.  Introduced in notebook 03.
    """
    mean, low, high = over_seeds(one, other)
    return verdict_word(low, high), mean, low, high


# How one may choose among plans, by what is known of a plan's programs.
CHOICES = {"at random": lambda examples, hidden: 0,
           "by example tests": lambda examples, hidden: examples,
           "oracle": lambda examples, hidden: hidden}
# The choice by example tests, judged by programs that had no say in it.
FRESH = "by tests, fresh programs"


@dataclass(frozen=True)
class PlanScores:
    """The plans of one way to ask.

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

    def passed(self):
        """Programs that pass the example tests, and the hidden ones: sums."""
        pairs = [pair for problems in self.plans for plans in problems
                 for pair in plans]
        return tuple(map(sum, zip(*pairs)))

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
    hidden tests passes the example tests, too.
    """
    shown = [1] * examples + [0] * (2 - examples)
    right = [1] * hidden + [0] * (2 - hidden)
    return {(shown[0], right[1]), (shown[1], right[0])}


def load_plan_scores(profile, name):
    """The :class:`PlanScores` of one way to ask.

    Introduced in notebook 03.  Raises as :func:`read_runs`.
    """
    def taken(runs):
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
    return read_runs(profile, "plans", f"plans-{name}", taken)


def best_curve(scores, choice, ns):
    """Arrays (mean, low, high) of the best of n plans, a value for each n.

    ``choice``: one of :data:`CHOICES`, or :data:`FRESH`.  Introduced in
    notebook M2.
    """
    tables = [scores.fresh(n) if choice == FRESH else scores.best(n, choice)
              for n in ns]
    return np.array([over_seeds(t) for t in tables]).T


@dataclass(frozen=True)
class PlanStanding(Standing):
    """What came out for one student: a run for each seed.

    ``counts`` are programs that passed the hidden tests; ``shown``, (seeds,
    problems): those out of ``n`` that passed the example tests.
    """

    shown: np.ndarray


def load_plan_standing(profile, name):
    """The :class:`PlanStanding` of one of CodePLAN's rivals.

    Introduced in notebook M6.  Raises as :func:`read_runs`.
    """
    return read_runs(profile, "codeplan", name, lambda runs: standing_of(
        PlanStanding, runs, "counts", "shown", "greedy"))


def direct_chosen(standing, m):
    """(seeds, problems): one of ``m`` direct programs, by example tests.

    One that passes them is drawn, and counts if it passes the hidden tests.
    With e of n programs passing the examples and c the hidden tests, that is
    pass@m of e, times c / e.
    """
    found = pass_at_k(standing.n, standing.shown, m)
    return found * standing.counts / np.maximum(standing.shown, 1)


def plan_first_chosen(standing, how, part="plan-first", plans=None):
    """(seeds, problems): a program from the student's chosen plan.

    ``how``: "random", "examples" (the plan with most programs that pass the
    example tests, one of its programs at random), "examples twice" (also the
    program is one that passes them), or "oracle" (the plan with most
    programs that pass the hidden tests).  ``plans``: how many may be chosen
    among, drawn from those there are; all if ``None``.  Raises
    ``ValueError`` for another ``how``, or for more plans than there are.
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
    for one direct program.
    """
    problems = standing.counts.shape[1]
    spent = [run["tokens"] / standing.n if part is None
             else run[part]["tokens"] for run in standing.runs]
    return sum(spent) / len(spent) / problems
