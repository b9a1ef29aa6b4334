"""EKT's released record: what is asked of it, and what it answers.

Twelve runs, right completions of 100 for each of 1,319 problems of GSM8K
(:func:`helpers.studies.ekt.load_released`).  A run is ``method/teacher/
student``, or ``few-shot/model``.  The tables are lists of dictionaries, a row
each, as :func:`helpers.figures.tables.show_table` takes them.
"""

from dataclasses import dataclass

import numpy as np

from helpers.evaluation import (crossing, mean_pass_at_k, middle,
                                paired_curve, pass_at_k, pass_at_k_interval,
                                same_problems)
from helpers.studies.ekt import RELEASED_N

RUN_WORDS = {"ekt": "EKT", "kd": "KD", "codex": "Codex", "gpt-j-6b": "GPT-J",
             "gpt-neo-2.7b": "2.7B", "gpt-neo-1.3b": "1.3B",
             "gpt-neo-125m": "125M"}
BOTH_ENDS = (1, 100)               # the two k of each comparison
LEVEL = 0.95
# Runs at T = 0 with one completion: right ones, read off the released logs.
GREEDY = {"few-shot/gpt-neo-1.3b": 18, "ekt/codex/gpt-neo-1.3b": 247,
          "ekt/gpt-j-6b/gpt-neo-1.3b": 24, "ekt/gpt-j-6b/gpt-neo-125m": 15,
          "ekt/gpt-neo-2.7b/gpt-neo-1.3b": 15,
          "ekt/gpt-neo-2.7b/gpt-neo-125m": 4}
RELEASED_PROBLEMS = 1319


def short(run):
    """The name of a run for tables: "EKT GPT-J → 1.3B"."""
    method, *models = (RUN_WORDS.get(part, part) for part in run.split("/"))
    return f"{method} {' → '.join(models)}"


def in_percent(value, k, sign=""):
    """A fraction in percent: two decimals at k = 1, where most are below 1."""
    return f"{100 * value:{sign}.{digits(k)}f}"


def digits(k):
    """Decimals that are printed of a percentage of pass@k."""
    return 2 if k == 1 else 1


def bracket(mean, low, high, k, sign=""):
    """ "1.98 [1.42, 2.61]", from fractions."""
    mean, low, high = (in_percent(x, k, sign) for x in (mean, low, high))
    return f"{mean} [{low}, {high}]"


def scores_at(runs, k):
    """{short name: (mean, low, high)} of pass@k of all runs, fractions."""
    return {short(run): (mean_pass_at_k(counts, RELEASED_N, k),
                         *pass_at_k_interval(counts, RELEASED_N, k))
            for run, counts in runs.items()}


def score_rows(runs, ks=(1, 10, 100)):
    """The table of all runs: pass@k in percent with its 95 % interval."""
    columns = {k: scores_at(runs, k) for k in ks}
    return [{"run": short(run)} | {
        f"pass@{k} in %": bracket(*columns[k][short(run)], k) for k in ks}
        for run in runs]


# ----------------------------------------------- comparisons, chosen before

def pairs_asked(runs):
    """{question: [(run, another)]}, with every pair that the record holds."""
    base, J, NEO = "few-shot/gpt-neo-1.3b", "gpt-j-6b", "gpt-neo-2.7b"

    def ekt(teacher, size):
        return f"ekt/{teacher}/gpt-neo-{size}"

    return {
        "Is EKT ahead of distillation?": [
            (run.replace("kd/", "ekt/"), run) for run in runs
            if run.startswith("kd/")],
        "Does the next better teacher help?": [
            (ekt(better, size), ekt(worse, size))
            for better, worse in (("codex", J), (J, NEO))
            for size in ("1.3b", "125m")],
        "Does the larger student do better?": [
            (ekt(teacher, "1.3b"), ekt(teacher, "125m"))
            for teacher in ("codex", J, NEO)],
        "Is the tuned 1.3B ahead of itself, untuned and few-shot?": [
            (run, base) for run in runs
            if run.endswith("1.3b") and run != base],
        "Is the student ahead of its teacher 2.7B?": [
            (ekt(NEO, size), f"few-shot/{NEO}") for size in ("1.3b", "125m")]}


@dataclass(frozen=True)
class Comparison:
    """``one`` minus ``other`` at ``k``, fractions, with a paired interval.

    ``verdict``: "ahead", "behind" or "undecided", of ``one`` at 95 %;
    ``corrected``: the same after Bonferroni's correction.
    """

    question: str
    one: str
    other: str
    k: int
    mean: float
    low: float
    high: float
    verdict: str
    corrected: str


def corrected_level(count, level=LEVEL):
    """Bonferroni: the level of each of ``count`` intervals."""
    return 1 - (1 - level) / count


def compare_released(runs):
    """All :class:`Comparison` of :func:`pairs_asked`, at both ends."""
    asked = [(question, *pair) for question, pairs in pairs_asked(runs).items()
             for pair in pairs]
    strict, found = corrected_level(len(BOTH_ENDS) * len(asked)), []
    for question, one, other in asked:
        gain, low, high = paired_curve(runs[one], runs[other], RELEASED_N,
                                       BOTH_ENDS)
        # So far in the tails, more resamples: of 40,000, 30 lie beyond each.
        _, *wide = paired_curve(runs[one], runs[other], RELEASED_N, BOTH_ENDS,
                                level=strict, resamples=40_000)
        for i, k in enumerate(BOTH_ENDS):
            found.append(Comparison(
                question, one, other, k, gain[i], low[i], high[i],
                verdict_at(low[i], high[i], k),
                verdict_at(wide[0][i], wide[1][i], k)))
    return sorted(found, key=lambda one: BOTH_ENDS.index(one.k))


def verdict_at(low, high, k):
    """The verdict that an interval gives, by the digits that are printed."""
    low, high = (round(100 * end, digits(k)) for end in (low, high))
    return "ahead" if low > 0 else "behind" if high < 0 else "undecided"


def comparison_rows(found, k):
    """The table of the comparisons at ``k``."""
    return [{"first run": short(one.one), "second run": short(one.other),
             "first - second, points": bracket(one.mean, one.low, one.high,
                                               k, "+"),
             "at 95 %": one.verdict, "corrected": one.corrected}
            for one in found if one.k == k]


def lost_rows(found):
    """The verdicts that the correction takes away."""
    return [{"k": one.k, "first run": short(one.one), "at 95 %": one.verdict,
             "second run": short(one.other)}
            for one in found if one.verdict != one.corrected]


def verdict_rows(found):
    """For each question and k: how many pairs are what, corrected."""
    rows = []
    for question in dict.fromkeys(one.question for one in found):
        row = {"question": question}
        for k in BOTH_ENDS:
            words = [one.corrected for one in found
                     if one.question == question and one.k == k]
            row[f"k = {k}"] = ", ".join(
                f"{words.count(each)} {each}" for each in
                ("ahead", "behind", "undecided") if each in words)
        rows.append(row)
    return rows


def headline(found):
    """The two claims of the abstract that the record can answer, corrected."""
    def share(question, k):
        words = [one.corrected for one in found
                 if one.question == question and one.k == k]
        return f"{words.count('ahead')} of {len(words)}"

    rival, teacher = ("Is EKT ahead of distillation?",
                      "Is the student ahead of its teacher 2.7B?")
    return (f"released runs, {len(found)} comparisons, corrected: EKT ahead "
            f"of distillation in {share(rival, 1)} pairs at k = 1 and "
            f"{share(rival, 100)} at k = 100; students ahead of their "
            f"teacher in {share(teacher, 1)} at k = 1 and "
            f"{share(teacher, 100)} at k = 100")


# ----------------------------------------------------- crossings, and luck

def crossing_rows(runs, pairs):
    """When the second run of each pair overtakes the first.

    "never, in %": the share of resampled test sets in which it does not, up
    to k = 100.
    """
    rows = []
    for one, other in pairs:
        k, low, high, never = crossing(runs[one], runs[other], RELEASED_N)
        first, last = (str(end) if end <= RELEASED_N else "never"
                       for end in (k, high))
        rows.append({"ahead at k = 1": short(one),
                     "overtaken by": short(other), "at k": first,
                     "95 %": "-" if low > RELEASED_N else f"{low} to {last}",
                     "never, in %": 100 * never})
    return rows


def crossing_pairs(runs):
    """The pairs that change sides, or might, between k = 1 and 100."""
    base, teacher = "few-shot/gpt-neo-1.3b", "few-shot/gpt-neo-2.7b"
    return [*((run, base) for run in runs
              if run.startswith("ekt/") and run.endswith("1.3b")),
            *((run, teacher) for run in runs if run.startswith(
                "ekt/gpt-neo-2.7b/")),
            ("ekt/gpt-j-6b/gpt-neo-1.3b", "ekt/gpt-j-6b/gpt-neo-125m")]


def duels(runs):
    """(student, its teacher's few-shot run), where both were released."""
    return [(run, f"few-shot/{teacher}")
            for teacher in ("gpt-neo-2.7b", "codex") for run in runs
            if f"/{teacher}/" in run]


def by_luck(a, b, n):
    """How many problems ``a`` alone would solve on average, by luck.

    ``a``, ``b``: counts of two systems, ``n`` tries each.  The tries of a
    problem are one heap, shuffled and dealt anew, n to each side.
    """
    a, b = same_problems(a, b)
    heap = a + b
    return float(np.sum(1 - pass_at_k(2 * n, heap[heap > 0], n)))


def solved_rows(runs, resamples=2000, seed=0):
    """Who solved what at least once, and what luck alone would give.

    "by luck": were student and teacher the same system, the tries of each
    problem could be shuffled and dealt anew; the mean number of problems
    that only the student would then have solved, and 95 % of the numbers.
    """
    rng, rows = np.random.default_rng(seed), []
    for student, teacher in duels(runs):
        s, t = runs[student], runs[teacher]
        alone, heap = s[(s > 0) & (t == 0)], s + t
        hand = rng.hypergeometric(heap, 2 * RELEASED_N - heap, RELEASED_N,
                                  size=(resamples, len(heap)))
        low, high = middle(((hand > 0) & (hand == heap)).sum(axis=1))
        rows.append({
            "student": short(student), "both": int(((s > 0) & (t > 0)).sum()),
            "teacher only": int(((t > 0) & (s == 0)).sum()),
            "student only": len(alone), "by luck":
            f"{by_luck(s, t, RELEASED_N):.1f} [{low:.0f}, {high:.0f}]",
            "with 1 hit": int((alone == 1).sum()),
            "with 10 or more": int((alone >= 10).sum())})
    return rows


def greedy_rows(runs):
    """pass@1 of the greedy runs beside that at T = 0.6, in percent."""
    return [{"run": short(run),
             "greedy, T = 0": f"{100 * right / RELEASED_PROBLEMS:.2f}",
             "at T = 0.6": in_percent(mean_pass_at_k(runs[run], RELEASED_N, 1),
                                   1)}
            for run, right in GREEDY.items()]


def greedy_gain(one, other, resamples=10_000):
    """(mean, low, high) of the difference of two greedy runs, fractions.

    Only totals were released, so the two are resampled apart: not paired.
    """
    shares = [GREEDY[run] / RELEASED_PROBLEMS for run in (one, other)]
    draws = [np.random.default_rng(seed).binomial(
        RELEASED_PROBLEMS, share, resamples) / RELEASED_PROBLEMS
        for seed, share in enumerate(shares)]
    return (shares[0] - shares[1], *middle(draws[0] - draws[1]))
