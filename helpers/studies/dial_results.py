"""What came out along the dial: read from its file, summed up and judged.

A table has a row for each run and a column for each problem.  The runs are
those of both bases, so a row stands for a base, a seed of the teacher's
plans, and a seed of the training; with two bases, an interval over such rows
says little about a third one.
"""

from dataclasses import dataclass
from math import comb
from statistics import fmean

import numpy as np

from helpers.evaluation import pass_at_k
from helpers.seeds import over_seeds, relative, verdict_word
from helpers.studies.dial import BASES, DIAL_SHARES, kinds_at, name_of
from helpers.studies.results import read_runs


@dataclass(frozen=True)
class Runs:
    """The runs of one kind of student at one position of the dial."""

    kind: str
    share: float
    runs: list

    def table(self, value):
        """(runs, problems): ``value(run)`` is a list over problems."""
        return np.array([value(run) for run in self.runs], float)

    def direct(self, k=1):
        """pass@k of programs written from the question; k = 0: greedy."""
        if k == 0:
            return self.table(lambda run: run["greedy"])
        return np.array([pass_at_k(run["rival"]["n"],
                                   np.array(run["counts"]), k)
                         for run in self.runs])

    def one_plan(self):
        """pass@1 of one program from one random plan."""
        return self.table(lambda run: [
            fmean([mark == 2 for marks in plans for mark in marks] or [0])
            for plans in run["plan-first"]["plans"]])

    def best_plan(self, key=1):
        """One program from each plan; one that passes the example is kept.

        Where several pass, one of them at random.  ``key`` 2 keeps one that
        passes the hidden tests, which is the oracle.  The mean over the
        programs of a plan that could have been the one.
        """
        def of_problem(plans, codes):
            rows = [[marks[i] for marks in plans] for i in range(codes)]
            return fmean([fmean([mark == 2 for mark in row if mark >= key]
                                or [0]) for row in rows])
        return self.table(lambda run: [
            of_problem(plans, run["plan-first"]["codes"])
            for plans in run["plan-first"]["plans"]])

    def best_program(self, tries):
        """One of ``tries`` direct programs that pass the example test."""
        return self.table(lambda run: [
            chosen_right(run["rival"]["n"], passing, right, tries)
            for passing, right in zip(run["shown"], run["counts"])])

    def tokens(self):
        """Generated tokens of a direct program, of a plan and its program."""
        direct = planned = 0.0
        for run in self.runs:
            problems = len(run["counts"])
            direct += run["tokens"] / run["rival"]["n"] / problems
            first = run.get("plan-first")
            if first:
                plans = sum(map(len, first["plans"]))
                planned += (first["plan_tokens"] + first["code_tokens"]
                            / first["codes"]) / plans
        return direct / len(self.runs), planned / len(self.runs)


def chosen_right(n, passing, right, tries):
    """The chance that one of ``tries`` programs, chosen by tests, is right.

    Of ``n`` programs ``passing`` pass the example tests, and ``right`` of
    these all tests.  Some of ``tries`` drawn ones passes with probability
    1 - C(n - passing, tries) / C(n, tries); the one that is handed in is
    right in ``right`` of ``passing`` cases.  Introduced in notebook M9.
    """
    if not passing:
        return 0.0
    none = comb(n - passing, tries) / comb(n, tries)
    return (1 - none) * right / passing


def load_along(profile):
    """{(kind, share): :class:`Runs`}, the runs of both bases.

    Introduced in notebook M9.  Raises as
    :func:`helpers.studies.results.read_runs`.
    """
    return {(kind, share): Runs(kind, share, [
        run for base in BASES
        for run in read_runs(profile, "dial", name_of(kind, share, base))])
        for share in DIAL_SHARES
        for kind in (one.name for one in kinds_at(share))}


def equal_tries(baseline, planner, plans=4):
    """How many direct programs cost the tokens of ``plans`` plans.

    At most as many as were written.
    """
    tries = round(plans * planner.tokens()[1] / baseline.tokens()[0])
    return min(tries, *(run["rival"]["n"] for run in baseline.runs))


CONTROLS = {"codes-twice": "control: more code",
            "longer": "control: three times the updates",
            "one-row": "plan and program in one row"}


def outcomes(found, share):
    """What is compared at one position: {words: (table, baseline's)}.

    ``found`` as :func:`load_along` gives it.  The last one is at equal
    generated tokens.
    """
    base, planner = found["fine-tuned", share], found["planner", share]
    direct = base.direct()
    more = {words: (found[kind, share].direct(), direct)
            for kind, words in CONTROLS.items() if (kind, share) in found}
    return {
        "two tasks, as released": (
            found["two-tasks", share].direct(), direct),
        **more,
        "planner without a plan": (planner.direct(), direct),
        "plan first": (planner.one_plan(), direct),
        "plan sampling, best of 4": (planner.best_plan(), direct),
        "plan sampling, equal tokens": (
            planner.best_plan(),
            base.best_program(equal_tries(base, planner)))}


PRIMARY = ("plan first", 0.0)
# Those of the figure, and the paper's line.
DRAWN = ("two tasks, as released", "plan first", "plan sampling, best of 4")


def curves(found):
    """{words: {share: (relative gain, low, high)}}, for the figure."""
    return {words: {share: relative(*outcomes(found, share)[words])
                    for share in DIAL_SHARES} for words in DRAWN}


def curve_words(drawn):
    """What the figure of :func:`curves` shows, for those who do not see it."""
    return ("Gain in pass@1 in percent, relative to ordinary fine-tuning, by "
            "the share of programs that show their steps. " + "; ".join(
                f"{words}: " + ", ".join(
                    f"{100 * gain:+.0f} [{100 * low:+.0f}, {100 * high:+.0f}] "
                    f"at {100 * share:.0f} %"
                    for share, (gain, low, high) in gains.items())
                for words, gains in drawn.items()))


def dial_rows(found):
    """A row for each comparison: words, dial, gain, verdicts.

    The primary outcome is judged at 95 %, all others at a level with which
    they hold together at 95 % (Bonferroni).
    """
    rows, tables = [], {
        (words, share): pair for share in DIAL_SHARES
        for words, pair in outcomes(found, share).items()}
    level = 1 - 0.05 / (len(tables) - 1)
    for (words, share), (one, other) in tables.items():
        mean, low, high = over_seeds(one, other)
        wide = over_seeds(one, other, 0.95 if (words, share) == PRIMARY
                          else level)[1:]
        rows.append({
            "what": words, "dial": share,
            "pass@1, %": f"{100 * one.mean():.1f}",
            "against, %": f"{100 * other.mean():.1f}",
            "points [95 %]": f"{100 * mean:+.1f} [{100 * low:+.1f}, "
                             f"{100 * high:+.1f}]",
            "ahead?": verdict_word(*wide)})
    return rows


def headline(profile):
    """What came out at both ends of the dial, in words."""
    found = load_along(profile)
    verdict = {(row["what"], row["dial"]): row["ahead?"]
               for row in dial_rows(found)}
    said = []
    for share, where in ((0.0, "programs hide their steps"),
                         (1.0, "programs show them")):
        both = outcomes(found, share)
        one, other = both["plan first"]
        gain, low, high = (100 * x for x in relative(one, other))
        two = both["two tasks, as released"][0]
        said.append(
            f"{where}: ordinary fine-tuning {100 * other.mean():.1f}%, two "
            f"tasks {100 * two.mean():.1f}%, plan first "
            f"{100 * one.mean():.1f}% ({gain:+.0f} [{low:+.0f}, {high:+.0f}]"
            f" %, \"ahead\": {verdict['plan first', share]})")
    return "; ".join(said)
