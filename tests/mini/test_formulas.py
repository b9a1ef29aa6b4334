"""The second edition: right programs of both kinds, the dial, its tests."""

import json
import random
from dataclasses import replace

import pytest

from helpers.execution import Runner
from helpers.mini import formulas
from helpers.mini.derivations import (deeds_right, derives, formula_facts,
                                      read_derivation, read_formula_task,
                                      sums_right)
from helpers.mini.library import CODE_ONLY, EXPLAINED, draw_read, slipped
from helpers.mini.tasks import Step, question_of, told_steps
from helpers.problems import load_problems


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    """A small benchmark, through the file that a reader would load."""
    path = tmp_path_factory.mktemp("problems") / "test.jsonl"
    path.write_text("".join(
        json.dumps(row) + "\n"
        for row in formulas.make_formula_benchmark("5|test", (4, 4))))
    return load_problems("mini-apps-2", path=path)


def answer(question, n):
    """The answer by another road: the words of the question."""
    events = []
    for sentence in question.split(". ")[1:-1]:
        _, day, _, verb, what, *_ = sentence.rstrip(".").split()
        day = "End" if day == "last" else day
        sign = next((sign for sign, verbs in formulas.VERBS.items()
                     if verb in verbs), verb)
        events.append((formulas.DAYS_AND_END.index(day), sign, what))
    for _, sign, what in sorted(events):
        n = {"+": lambda: n + int(what), "-": lambda: n - int(what),
             "doubles": lambda: 2 * n, "keeps": lambda: min(n, int(what))
             }[sign]()
    return n


def test_the_benchmark_is_balanced_and_its_tests_are_right(problems):
    assert len(problems) == 32 == len({p.question for p in problems})
    facts = [formula_facts(p.question) for p in problems]
    assert all(facts.count((days, order)) == 4
               for days in range(2, 6) for order in (True, False))
    for p, (days, _) in zip(problems, facts):
        assert p.difficulty == formulas.LEVELS_OF_DAYS[days]
        assert p.tests[:1] == p.examples and len(p.tests) == 6
        assert len(set(p.solutions)) == 8
        for given, wanted in p.tests:
            assert answer(p.question, int(given)) == int(wanted) >= 0


def test_every_program_passes_and_the_order_of_the_text_does_not(problems):
    pairs = [(p, text) for p in problems for text in p.solutions]
    wrong = []
    for p in problems:
        story = read_formula_task(p.question)
        if story.told != story.events:
            wrong += [(p, formulas.showing(told_steps(story), "n"))]
    assert len(wrong) == len(problems) / 2
    with Runner() as runner:
        assert {v.status for v in runner.judge_many(
            pairs, progress=False)} == {"passed"}
        assert {v.status for v in runner.judge_many(
            wrong, progress=False)} == {"wrong"}


def test_examples_are_no_oracle(problems):
    """A forgotten limit, and a formula behind one, pass some; never all."""
    fooled = []
    for p in problems:
        steps = formulas.order_of(read_formula_task(p.question))
        rest = [step for step in steps if step.op != "min"]
        if rest == steps:
            continue
        limit, (shown, _) = str(steps[-1].number), p.examples[0]
        reached = p.examples[0][1].strip() == limit
        assert reached == (int(shown) > 5)
        fooled.append((p, f"print({limit})\n" if reached
                       else formulas.hiding(rest, "n")))
    assert len(fooled) > len(problems) / 4
    assert len({text[:5] for _, text in fooled}) == 2
    with Runner() as runner:
        shown, whole = ([v.status for v in runner.judge_many(
            pairs, progress=False)] for pairs in (
                [(replace(p, tests=p.examples), text)
                 for p, text in fooled], fooled))
    assert set(shown) == {"passed"} and set(whole) == {"wrong"}


def test_hidden_tests_tell_the_formula_from_every_other_one(problems):
    """No other times, plus or limit gives the same answers."""
    for p in problems:
        wanted = [(int(n), int(m)) for n, m in p.tests[1:]]
        found = {formulas.Formula(times, plus, limit)
                 for times in range(1, 9) for plus in range(-9, 60)
                 for limit in (None, *range(10, 61))
                 if all(formulas.Formula(times, plus, limit).value(n) == m
                        for n, m in wanted)}
        assert formulas.formula_of(formulas.order_of(
            read_formula_task(p.question))) in found
        assert len({(f.times, f.plus) for f in found}) == 1


def test_the_dial_changes_programs_and_nothing_else(problems):
    for share, shown in ((0, 0), (0.25, 1), (0.5, 2), (1, 4)):
        for p in problems:
            found = formulas.turned(p, share)
            assert replace(found, solutions=p.solutions) == p
            assert len(found.solutions) == 4 == len({
                text[0] for text in found.solutions})       # four people
            assert sum(map(formulas.shows_steps, found.solutions)) == shown
    # In between, some problems have one more than others.
    many = [sum(map(formulas.shows_steps, formulas.turned(p, 0.4).solutions))
            for p in problems]
    assert {*many} == {1, 2}
    with pytest.raises(ValueError, match="between 0 and 1"):
        formulas.turned(p, 1.5)
    with pytest.raises(ValueError, match="lacks programs"):
        formulas.turned(replace(p, solutions=p.solutions[:3]), 0.5)


def test_derivations_are_those_of_the_program_beside_them():
    rng = random.Random(1)
    for _ in range(200):
        story = formulas.draw_formula_story(rng, rng.randint(1, 5),
                                            rng.random() < 0.5)
        assert read_formula_task(question_of(story)) == story
        steps = formulas.order_of(story)
        for days in (True, False):
            plan = formulas.write_derivation(steps, days)
            assert derives(plan, steps) and ("day:" in plan) is days
        last = read_derivation(plan)[2]
        assert all(last.value(n) == answer(question_of(story), n)
                   for n in (0, 3, 21, 150))
        simple = formulas.simplest_steps(last)
        assert formulas.formula_of(simple) == last
        assert formulas.hiding(simple, "n") == formulas.hiding(steps, "n")
    assert read_formula_task("Ann has n pens. On Monday Ann sings. Read n, "
                             "print how many pens Ann has in the end.") is None


STEPS = [Step(0, "*", 2), Step(1, "+", 7), Step(4, "-", 3),
         Step(7, "min", 30)]
PLAN = ("1. Start with 1 * n + 0.\n2. Monday: times 2, 2 * n + 0.\n"
        "3. Tuesday: plus 7, 2 * n + 7.\n"
        "4. Friday: minus 3, 2 * n + 4.\n"
        "5. End: at most 30, 2 * n + 4 up to 30.\n"
        "6. Print 2 * n + 4 up to 30.\n")


@pytest.mark.parametrize("old, new, deeds, sums", [
    ("", "", "1111", "11111"),
    ("Tuesday", "Sunday", "1011", "11111"),
    ("Tuesday: p", "P", "1111", "11111"),
    ("plus 7,", "plus 8,", "1011", "10111"),
    ("2 * n + 7.", "2 * n + 8.", "1111", "10011"),
    ("up to 30.\n6", "up to 28.\n6", "1111", "11100"),
    ("6. Print 2", "6. Print 1", "1111", "11110"),
    ("3. Tuesday: plus 7, 2 * n + 7.\n", "", "1000", "11011"),
    ("6.", "6. Sunday: plus 1, 2 * n + 5 up to 31.\n7.", "11110", "111110"),
    ("Start with", "Read", None, None)])
def test_each_line_of_a_derivation_is_checked(old, new, deeds, sums):
    plan = PLAN.replace(old, new, 1)
    found = [marks and "".join(str(int(mark)) for mark in marks)
             for marks in (deeds_right(plan, STEPS), sums_right(plan))]
    if old.startswith("3."):               # one fewer: all later ones differ
        assert found[0] == "1000" and "0" in found[1]
    else:
        assert found == [deeds, sums]
    assert derives(plan, STEPS) is ("0" not in f"{deeds}{sums}"
                                    and deeds is not None)


def test_benchmark_and_corpus_depend_on_the_seed_alone():
    one, two = (formulas.make_formula_benchmark("7|dev", (1, 1))
                for _ in range(2))
    assert one == two != formulas.make_formula_benchmark("8|dev", (1, 1))
    for kinds in (CODE_ONLY, EXPLAINED):
        a, b = ([draw_read(random.Random(s), 2, True, kinds)
                 for s in range(50)] for _ in range(2))
        assert a == b


def test_who_explains_slips_less_and_a_formula_alone_hides_the_days():
    def wrong(kind):
        marks = []
        for seed in range(300):
            (given, plan), = draw_read(random.Random(seed), 1, True,
                                       {kind: EXPLAINED[kind]})
            story = read_formula_task(given.split("\n")[1])
            marks.append(not derives(plan, formulas.order_of(story)))
        return sum(marks)
    assert wrong(("question", "plan")) > 3 * wrong(
        ("question", "code", "plan")) > 0
    kind = ("code", "plan")
    for seed in range(100):
        (given, plan), = draw_read(random.Random(seed), 1, False,
                                   {kind: EXPLAINED[kind]})
        assert "day:" not in plan and read_derivation(plan)
        if not formulas.shows_steps(given.partition("CODE:\n")[2]
                                    .partition("PLAN:")[0]):
            assert len(read_derivation(plan)[1]) <= 3
    rng = random.Random(4)
    assert slipped(rng, STEPS, 0) == STEPS
    assert sum(slipped(rng, STEPS, 0.3) != STEPS for _ in range(99)) > 50
