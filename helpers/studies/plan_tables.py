"""CodePLAN's study in rows and curves: what its evidence shows by one call.

Rows are dictionaries, one for each line of a table; curves and grids are
what the charts draw.  Means and intervals are over seeds and problems.
"""

from dataclasses import asdict

import numpy as np

from helpers.seeds import over_seeds
from helpers.studies.codeplan import (ASKED, CODEPLAN, PLAN_WORDS,
                                      STUDENT_WORDS, T5, TUNED)
from helpers.studies.results import (CHOICES, FRESH, best_curve,
                                     direct_chosen, gain,
                                     load_plan_standing, plan_first_chosen,
                                     read_runs, tokens_per_problem)

# The settings of a student, as tables call them.
SETTINGS = {"model": "model", "beside": "beside the programs",
            "per_problem": "plans a problem", "weights": "weights",
            "head": "plan head", "same_problem": "plan of the same problem",
            "programs": "programs", "problems": "problems",
            "updates": "updates", "rate": "rate"}
# How a program is chosen, and its (seeds, problems) table.
CHOSEN_BY = {"direct, one": lambda s: s.scores(),
         "a plan at random": lambda s: plan_first_chosen(s, "random"),
         "plan by examples": lambda s: plan_first_chosen(s, "examples"),
         "plan, program by examples": lambda s: plan_first_chosen(
             s, "examples twice")}
POINTS = {"-1-layer": "1 layer", "": "2 layers, 300 problems",
          "-3-layers": "3 layers", "-60-problems": "60 problems",
          "-150-problems": "150 problems"}
_TAUGHT = ("fine-tuned", "codeplan", "with-question")


def percents(table, against=None):
    """"28.2 [23.0, 33.5]": per cent, or points against another table."""
    return _in_brackets(over_seeds(table, against),
                        "" if against is None else "+")


def _in_brackets(found, sign=""):
    mean, low, high = (f"{100 * value:{sign}.1f}" for value in found)
    return f"{mean} [{low}, {high}]"


# --------------------------------------------------------------- the students

def setting_rows(rivals):
    """What each student does otherwise than CodePLAN's usual one.

    "in the files" is its name in ``codeplan.jsonl`` of the results.
    """
    usual = asdict(CODEPLAN)
    others = [asdict(rival) for rival in rivals
              if rival.name != CODEPLAN.name]
    rows = []
    for rival in (usual, *others):
        rows.append({
            "student": STUDENT_WORDS[rival["name"]],
            "settings": "; ".join(
                f"{words}: {_word(key, rival[key])}"
                for key, words in SETTINGS.items()
                if rival is usual or rival[key] != usual[key]),
            "in the files": rival["name"]})
    return rows


def _word(key, value):
    """A setting's value, as a reader calls it."""
    if key == "model":
        return "encoder-decoder" if value == T5 else "decoder"
    if key == "beside":
        return PLAN_WORDS.get(value) or {"": "nothing", "codes":
                                         "more programs"}[value]
    if key == "per_problem":
        return str(value or "all")
    if isinstance(value, tuple):
        return " : ".join(f"{part:g}" for part in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def rate_rows(profile):
    """pass@1 on the dev problems for each learning rate, and the one used."""
    rows = []
    for rival in TUNED:
        runs = read_runs(profile, "learning-rates", f"dev-{rival.name}")
        found = {run["rate"]: sum(run["counts"]) / rival.n
                 / len(run["counts"]) for run in runs}
        rows.append({"student": STUDENT_WORDS[rival.name]} | {
            f"{rate:g}": f"{100 * score:.1f}%"
            for rate, score in sorted(found.items())} | {
                "used": f"{rival.rate:g}"})
    return rows


def fit_rows(standings):
    """The code loss of the last twenty updates, beside pass@1."""
    rows = []
    for name, s in standings.items():
        fits = [run["losses"][0] for run in s.runs if "losses" in run]
        if fits:
            rows.append({"student": STUDENT_WORDS[name],
                         "code loss, nats per token":
                         f"{sum(fits) / len(fits):.3f}",
                         "pass@1, %": 100 * s.scores().mean()})
    return rows


# --------------------------------------------------------- planning first

def plan_first_rows(planners):
    """Problems solved by each road, in per cent, a column a student."""
    return [{"solved, %": road} | {
        STUDENT_WORDS[name]: percents(table(s))
        for name, s in planners.items()}
        for road, table in CHOSEN_BY.items()]


def oracle_adds(planners):
    """{student, in words: points that an oracle's choice of a plan adds to
    that by example tests}.
    """
    return {STUDENT_WORDS[name]: 100 * float((plan_first_chosen(s, "oracle")
                               - plan_first_chosen(s, "examples")).mean())
            for name, s in planners.items()}


def at_equal_cost(s):
    """(plans, direct programs) for the same number of generated tokens.

    The most plans that cost no more than all direct programs that were
    drawn, and how many direct programs those tokens buy.
    """
    plans = len(s.runs[0]["plan-first"]["plans"][0])
    each = tokens_per_problem(s, "plan-first") / plans
    most = max(p for p in range(1, plans + 1)
               if p * each <= s.n * tokens_per_problem(s))
    return most, int(most * each // tokens_per_problem(s))


def equal_cost_rows(planners):
    """Planning first against direct sampling of the same cost."""
    rows = []
    for name, s in planners.items():
        plans, tries = at_equal_cost(s)
        first = plan_first_chosen(s, "examples twice", plans=plans)
        direct = direct_chosen(s, tries)
        rows.append({
            "student": STUDENT_WORDS[name], "plans": plans,
            "direct programs": tries,
            "plan first, %": 100 * first.mean(),
            "direct, %": 100 * direct.mean(),
            "difference, points": percents(first, direct)})
    return rows


def budget_curves(planners):
    """{label: (tokens, mean, low, high)}, a line for each student and road."""
    curves = {}
    for name, s in planners.items():
        tries = [m for m in (1, 2, 5, 10, 20, 50, 100) if m <= s.n]
        plans = range(1, len(s.runs[0]["plan-first"]["plans"][0]) + 1)
        one = tokens_per_problem(s)
        each = tokens_per_problem(s, "plan-first") / len(plans)
        words = STUDENT_WORDS[name]
        curves[f"{words}, direct"] = ([m * one for m in tries], *zip(*(
            over_seeds(direct_chosen(s, m)) for m in tries)))
        curves[f"{words}, plan first"] = ([p * each for p in plans], *zip(*(
            over_seeds(plan_first_chosen(s, "examples twice", plans=p))
            for p in plans)))
    return curves


def head_rows(s):
    """Plans written through either output layer, and chosen in two ways."""
    return [{"plans through": head, "chosen": way, "solved, %": percents(
        plan_first_chosen(s, way, part))}
        for part, head in (("plan-first", "the LM head"),
                           ("plan-first, plan head", "the plan head"))
        for way in ("random", "examples twice")]


# --------------------------------------------------- where plans help

def grid_of_gains(standings, facts, base="fine-tuned"):
    """{(row, steps): gain}, by steps and order of the story.

    ``facts``: (steps, in order) of each problem.
    """
    table = {}
    for name in ("codeplan", "with-question"):
        for order, told in ((True, "in order"), (False, "out of order")):
            row = f"{STUDENT_WORDS[name]}, {told}"
            for steps in [*sorted({s for s, _ in facts}), "all"]:
                where = np.array([told_so == order and steps in (s, "all")
                                  for s, told_so in facts])
                table[row, steps] = gain(standings[name], standings[base],
                                         where=where)
    return table


def point_rows(profile):
    """pass@1 and the gain by the student's depth and the amount of data."""
    rows = []
    for point, label in POINTS.items():
        for name in _TAUGHT:
            try:
                s = load_plan_standing(profile, name + point)
            except FileNotFoundError:          # not run at every point
                continue
            base = load_plan_standing(profile, _TAUGHT[0] + point)
            rows.append({
                "base and data": label, "student": STUDENT_WORDS[name],
                "pass@1, %": 100 * s.scores().mean(), "gain, points": None
                if name == _TAUGHT[0] else _in_brackets(gain(s, base), "+")})
    return rows


# --------------------------------------------------- what a plan is worth

def asked_rows(scores):
    """How often and how warmly each way was asked, and its plans' worth.

    ``scores``: :class:`helpers.studies.results.PlanScores` by name.
    """
    rows = []
    for name, s in scores.items():
        sizes = [len(plans) for run in s.plans for plans in run]
        temperature = ASKED[name][2] if name in ASKED else None
        rows.append({"way": PLAN_WORDS[name], "temperature": temperature,
                     "plans a problem": sum(sizes) / len(sizes)
                     if name in ASKED else None,
                     "right programs, %": percents(s.worth())})
    return rows


def part_rows(scores, parts):
    """Worth of the plans, in per cent, on parts of the problems.

    ``parts``: {label: a boolean for each problem}.
    """
    return [{"problems": label, "number": int(sum(chosen))} | {
        PLAN_WORDS[name]: 100 * s.worth()[:, np.array(chosen)].mean()
        for name, s in scores.items()} for label, chosen in parts.items()]


def choice_rows(scores, n=5):
    """Worth of the best of ``n`` plans by each way to choose, in per cent."""
    return [{"plans": PLAN_WORDS[name]} | {
        line: 100 * best_curve(s, line, (n,))[0][0]
        for line in (*CHOICES, FRESH)} for name, s in scores.items()]
