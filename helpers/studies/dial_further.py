"""What else may move the outcome along the dial, one change at a time.

The further students (:data:`helpers.studies.dial.FURTHER`) have another base,
another family, another loss, all weights, ten epochs, the teacher's programs,
or a hundred tries.  Each is compared with ordinary fine-tuning that was
changed in the same way, where it can be, by the same paired interval over the
same problems.  They were not named beforehand as the primary outcome was: an
exploration.
"""

import numpy as np

from helpers.evaluation import pass_at_k
from helpers.seeds import over_seeds, verdict_word
from helpers.studies.dial import BASES, DIAL_SHARES, FURTHER, name_of
from helpers.studies.dial_results import Runs
from helpers.studies.plan_tables import percents
from helpers.studies.results import read_runs

# What is changed, in the words of a table.
CHANGED_WORDS = {"base": "a third base", "family": "an encoder-decoder",
           "weights": "all weights, no adapter", "length": "ten epochs",
           "bridge": "the teacher's own programs"}
OF_LOSS = {"two-to-one": "loss of code counts twice",
           "one-to-two": "loss of plans counts twice",
           "plan-head": "a plan head"}
AT_K = (1, 5, 100)


def load_further(profile):
    """{suite: {(kind, share): :class:`~.dial_results.Runs`}}, every base's.

    Kinds are called as in the main study, "planner", say.  Raises as
    :func:`helpers.studies.results.read_runs`.
    """
    found = {}
    for suite, (kinds, shares, bases, _) in FURTHER.items():
        for share in shares:
            for kind in kinds:
                word = kind.name
                for main in ("fine-tuned", "two-tasks", "planner"):
                    word = main if word.startswith(main) else word
                found.setdefault(suite, {})[word, share] = Runs(
                    word, share, [run for base in bases for run in read_runs(
                        profile, "dial", name_of(kind.name, share, base))])
    return found


def with_seeds(runs, seeds):
    """The runs that have one of ``seeds``."""
    return Runs(runs.kind, runs.share, [
        run for run in runs.runs if run["seed"] in seeds])


def further_pairs(found, further):
    """What is compared: (changed, what, share, table, baseline's table).

    ``found``: the main study, :func:`~.dial_results.load_along`; ``further``:
    :func:`load_further`.
    """
    pairs = []
    for suite, words in CHANGED_WORDS.items():
        some = further[suite]
        for share in FURTHER[suite][1]:
            base = some["fine-tuned", share].direct()
            if ("two-tasks", share) in some:
                pairs.append((words, "two tasks", share,
                              some["two-tasks", share].direct(), base))
            pairs.append((words, "plan first", share,
                          some["planner", share].one_plan(), base))
    _, shares, _, seeds = FURTHER["loss"]
    for kind, words in OF_LOSS.items():
        for share in shares:
            base = with_seeds(found["fine-tuned", share], seeds)
            pairs.append((words, "two tasks", share,
                          further["loss"][kind, share].direct(),
                          base.direct()))
    for share in FURTHER["hundred"][1]:
        one = by_tries(further["hundred"], share)
        for words in ("two tasks", "plan first"):
            for k in AT_K[1:]:
                pairs.append((f"pass@{k}", words, share,
                              one[words][k], one["fine-tuned"][k]))
    return pairs


def further_rows(found, further):
    """A row for each comparison of :func:`further_pairs`, judged together.

    Each verdict is at a level with which all hold together at 95 %
    (Bonferroni); the column "judged" has that interval.
    """
    pairs, rows = further_pairs(found, further), []
    for changed, what, share, one, other in pairs:
        wide = over_seeds(one, other, 1 - 0.05 / len(pairs))[1:]
        rows.append({
            "change": changed, "student": what,
            "where": f"dial {share:g}, {len(one)} runs",
            "solved, %": f"{100 * one.mean():.1f} against "
                         f"{100 * other.mean():.1f}",
            "points [95 %]": percents(one, other),
            "judged": "[{:+.1f}, {:+.1f}]".format(
                *(100 * end for end in wide)), "ahead?": verdict_word(*wide)})
    return rows


def unplanned_rows(further):
    """The planner asked for its program at once, at dial 0, at 95 %."""
    return [{"change": CHANGED_WORDS[suite],
             "planner without a plan, points [95 %]": percents(
                 further[suite]["planner", 0.0].direct(),
                 further[suite]["fine-tuned", 0.0].direct())}
            for suite in ("weights", "length", "base", "family")]


def change_of_gain(found, further, suite, share):
    """How a change moved the gain of plan first: points [95 %], in words.

    Paired by base, seed and problem.
    """
    def gain(some, seeds):
        planner, base = (with_seeds(some[kind, share], seeds)
                         for kind in ("planner", "fine-tuned"))
        return planner.one_plan() - base.direct()
    seeds = FURTHER[suite][3]
    return percents(gain(further[suite], seeds), gain(found, seeds))


def plan_rows(some):
    """Whether students write whole plans, and follow them, at dial 0.

    ``some``: {words: suite}.
    """
    rows = []
    for words, suite in some.items():
        runs = suite["planner", 0.0]
        whole = runs.table(lambda run: run["plan-first"]["right"])
        most = len(runs.runs[0]["plan-first"]["plans"][0])
        followed = runs.one_plan()[whole == most]
        rows.append({
            "student": words,
            "whole plans, %": f"{100 * whole.mean() / most:.1f}",
            "problems with whole plans only": len(followed),
            "their programs right, %": f"{100 * followed.mean():.1f}"})
    return rows


def equal_rows(further):
    """A hundred direct programs beside plans for as many tokens."""
    rows = []
    for share in FURTHER["hundred"][1]:
        base, planner = (further["hundred"][kind, share]
                         for kind in ("fine-tuned", "planner"))
        times = planner.tokens()[1] / base.tokens()[0]
        k = round(100 / times)
        rows.append({
            "dial": f"{share:g}", "tokens of a try with a plan":
            f"{times:.1f} times", "tries": k,
            "plan first, %": f"{100 * planned_at(planner, k).mean():.1f}",
            "100 programs, %": f"{100 * base.direct(100).mean():.1f}"})
    return rows


def planned_at(planner, k):
    """pass@k of a program from each of k plans: (runs, problems)."""
    plans = len(planner.runs[0]["plan-first"]["plans"][0])
    return np.array([pass_at_k(plans, row, k) for row in planner.table(
        lambda run: [sum(mark == 2 for marks in plans for mark in marks)
                     for plans in run["plan-first"]["plans"]]).astype(int)])


def by_tries(some, share):
    """{student: {k: table of pass@k}} of the suite "hundred".

    The planner's k programs come from k plans.
    """
    return {"fine-tuned": {k: some["fine-tuned", share].direct(k)
                           for k in AT_K},
            "two tasks": {k: some["two-tasks", share].direct(k)
                          for k in AT_K},
            "plan first": {k: planned_at(some["planner", share], k)
                           for k in AT_K}}


def greedy_rows(further):
    """Greedy programs beside samples at T = 0.6, by position of the dial."""
    rows, some = [], further["hundred"]
    for share in FURTHER["hundred"][1]:
        one = by_tries(some, share)
        for words, kind in (("ordinary fine-tuning", "fine-tuned"),
                            ("two tasks", "two-tasks"),
                            ("plan first", "planner")):
            runs = some[kind, share]
            best = (runs.table(lambda run: run["plan-first"]["greedy"])
                    if kind == "planner" else runs.direct(0))
            drawn = one[kind.replace("two-tasks", "two tasks")
                        .replace("planner", "plan first")]
            rows.append({"dial": f"{share:g}", "student": words,
                         "greedy, %": f"{100 * best.mean():.1f}",
                         **{f"pass@{k}, %": f"{100 * drawn[k].mean():.1f}"
                            for k in AT_K}})
    return rows


def story_rows(found, facts):
    """pass@1 by the days of a story and their order, along the dial.

    ``found``: :func:`~.dial_results.load_along`; ``facts``: (days, told in
    order) of each test problem, :func:`helpers.mini.derivations.formula_facts`
    says them.  In each cell ordinary fine-tuning, then plan first.
    """
    of = {}
    for number, fact in enumerate(facts):
        of.setdefault(fact, []).append(number)
    rows = []
    for days, in_order in sorted(of, key=lambda fact: (not fact[1], fact[0])):
        numbers = of[days, in_order]
        row = {"days": days, "told": "in order" if in_order else "mixed",
               "problems": len(numbers)}
        for share in DIAL_SHARES:
            one, other = (table[:, numbers].mean() for table in (
                found["fine-tuned", share].direct(),
                found["planner", share].one_plan()))
            row[f"dial {share:g}"] = (f"{100 * one:.0f} -> "
                                      f"{100 * other:.0f}")
        runs = found["planner", 0.0]
        whole = runs.table(lambda run: run["plan-first"]["right"])
        row["whole plans, dial 0"] = "{:.0f}".format(
            100 * whole[:, numbers].mean() / len(
                runs.runs[0]["plan-first"]["plans"][0]))
        rows.append(row)
    return rows


def gains_by_base(found, further, share=0.0):
    """{base: (gain of plan first in points, low, high)}, each by itself."""
    gains = {}
    for base in (*BASES, *FURTHER["base"][2], *FURTHER["family"][2]):
        runs = (found if base in BASES else further[
            "base" if base in FURTHER["base"][2] else "family"])
        one, other = (Runs(kind, share, [
            run for run in runs[kind, share].runs
            if run["rival"]["base"] == base])
            for kind in ("planner", "fine-tuned"))
        gains[base] = over_seeds(one.one_plan(), other.direct())
    return gains
