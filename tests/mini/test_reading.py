"""Questions, programs and plans read again: what follows its story."""

import random

import pytest

from helpers.execution import Verdict
from helpers.mini import stories
from helpers.mini.reading import (NOTHING, beside, carry_out, faithful,
                                  follows, plan_lines, program_lines,
                                  read_story, read_task, renamed,
                                  side_by_side, smallest_example, task_facts,
                                  variants, with_days)
from helpers.mini.tasks import DIFFICULTIES, SPLITS, steps_of, write_plan
from helpers.plans import PLAN_EXEMPLARS
from helpers.problems import Problem, load_problems
from helpers.programs import canonical


# ---- stories and programs ----

def test_read_story_reads_what_the_generator_tells():
    rng = random.Random(1)
    for _ in range(500):
        story = stories.draw_story(
            rng, rng.randint(1, 7), rng.random() < 0.5, rng.randrange(3))
        assert read_story(story.question) == story
    assert read_story("Natalia sold clips to 48 of her friends.") is None
    assert read_story(story.question + " Or not?") is None


class Executes:
    """Stands in for a ``Runner``; only for programs written here."""

    def judge(self, problem, program):
        scope = {}
        exec(program, scope)
        right = scope["answer"] == float(problem.answer)
        return Verdict("passed" if right else "wrong", None, "", 0.0)


def test_careful_programs_follow_their_story():
    rng = random.Random(2)
    for _ in range(100):
        story = stories.draw_story(rng, rng.randint(1, 7), True, 2)
        problem = Problem("t/0", story.question, "answer", str(story.answer))
        for style in ("days", "running"):
            assert follows(Executes(), problem, stories.write_program(
                rng, story, stories.Author(style, 0)))


LUCKY = ("Ann starts with 8 pens. On Monday Ann finds 4. On Friday Ann loses "
         "4. On Sunday Ann sees 9 birds. On Tuesday Ann finds 8. How many "
         "pens does Ann have in the end?")


@pytest.mark.parametrize("program, expected", [
    ("t = 8\nt = t + 4\nt = t + 8\nt = t - 4\nanswer = t", True),
    ("a = 8\nb = a - 4\nc = b + 4\nd = c + 8\nanswer = d", True),
    ("t = 8\nt = t + 8\nanswer = t", False),           # 4 - 4 left out
    ("t = 8\nt = t * 2\nanswer = t", False),           # doubled by accident
    ("t = 8\nt = t + 9\nt = t - 1\nanswer = t", False),
    ("answer = 16", False),
])
def test_follows_tells_luck_from_reading(program, expected):
    problem = Problem("t/0", LUCKY, "answer", "16")
    assert follows(Executes(), problem, program) is expected


def test_variants_change_one_number_that_counts_at_a_time():
    found = variants(LUCKY, "t = 8\nanswer = t + 4 - 4 + 8")
    assert [answer for _, answer, _ in found] == [80, 80, -48, 80]
    assert all("sees 9 birds" in question for question, _, _ in found)
    assert found[0][2] == ["t = 72\nanswer = t + 4 - 4 + 8",
                           "t = 8\nanswer = t + 4 - 4 + 72",
                           "t = 72\nanswer = t + 4 - 4 + 72"]
    assert variants("How old is Tom, who is 3?", "answer = 3") == []


def test_renaming_changes_variables_and_nothing_else():
    program = "start = 14\ntuesday = start + 9\nanswer = tuesday\n"
    assert renamed(program) == (
        "n0 = 14\nn1 = n0 + 9\nanswer = n1\n")
    assert canonical(renamed(program)) == (
        canonical(program))


def test_the_facts_of_a_question_are_those_it_was_made_from():
    for split, each in SPLITS.items():
        problems = load_problems("mini-apps", split)
        facts = [task_facts(p.question) for p in problems]
        assert all(facts.count((steps, order)) == each
                   for steps in DIFFICULTIES for order in (True, False))
        for problem, (steps, _) in zip(problems, facts):
            assert DIFFICULTIES[steps] == problem.difficulty
    assert task_facts("How many legs has a spider?") is None
    assert task_facts(problems[0].question + " Quickly.") is None


# ---- plans beside programs ----

PROBLEMS = load_problems("mini-apps", "train", limit=40)
EXEMPLAR = PLAN_EXEMPLARS["mini-apps"]


def story(problem):
    name, _, rest = problem.question.partition(" has n ")
    item, _, told = rest.partition(". ")
    return read_story(f"{name} starts with 1 {item}. "
                      f"{told.partition(' Read n, ')[0]} How many {item} does "
                      f"{name} have in the end?")


def test_every_reference_program_is_read_as_the_right_plan():
    for p in PROBLEMS:
        days = with_days(p.question)
        found = program_lines(days)
        assert all(day for day, _ in found[1:-1])
        for code in p.solutions:
            assert [deed for _, deed in program_lines(code)] == [
                deed for _, deed in found]
            for named in (True, False):
                plan = write_plan(steps_of(story(p)), named)
                assert faithful(code, plan) and faithful(days, plan)
    assert with_days("How many legs has a hen?") is None
    assert plan_lines(EXEMPLAR["plan"])[1:3] == [("Tuesday", "times 2"),
                                                 ("Saturday", "minus 5")]


CODE = "a = int(input())\nb = a * 2\nc = b - 3\nprint(c)\n"
DAYS = "n = int(input())\nfriday = n * 2\nsunday = friday - 3\nprint(sunday)\n"
GOOD = "1. Read n.\n2. Friday: times 2.\n3. Sunday: minus 3.\n"


@pytest.mark.parametrize("code, plan, marked", [
    (CODE, GOOD + "4. Print it.\n", []),
    (DAYS, GOOD + "4. Print it.", []),
    (DAYS, GOOD.replace("Friday", "Monday") + "- print it", [1]),
    (CODE, GOOD.replace("Friday", "Monday") + "- print it", []),
    (CODE, GOOD.replace("times", "plus") + "4. Print it.", [1]),
    (CODE, GOOD.replace("3.\n", "30.\n") + "4. Print it.", [2]),
    (CODE, GOOD, [3]),
    (CODE, GOOD + "4. Plus 9.\n5. Print it.", [3]),
    (CODE.replace("b = a * 2\nc = b - 3\nprint(c)",
                  "a *= 2\na -= 3\nprint(a)"),
     GOOD + "4. Print it.\n", []),
    (CODE.replace("*", "//"), GOOD.replace("times", "divided by")
     + "4. Print it.\n", []),
    (CODE, "", [0, 1, 2, 3])])
def test_lines_that_deviate_are_marked(code, plan, marked):
    rows = beside(code, plan)
    assert [i for i, row in enumerate(rows) if row[2]] == marked
    assert faithful(code, plan) is not bool(marked)
    assert side_by_side(code, {"plan": plan}).count("! ") == len(marked)


def test_a_missing_line_is_shown_as_missing_and_a_later_one_stays():
    rows = beside(CODE, "1. Read n.\n2. Minus 3.\n3. Print it.\n")
    assert rows[1] == ["b = a * 2", NOTHING, True]
    assert [row[2] for row in rows] == [False, True, False, False]


def test_columns_keep_each_plan_in_its_own_order():
    swapped = "1. Read n.\n2. Minus 3.\n3. Times 2.\n4. Print it.\n5. Rest.\n"
    shown = side_by_side(CODE, {"good": GOOD + "4. Print it.",
                                "swapped": swapped}).splitlines()
    head, *rows = shown
    at = [head.index(title) - 2 for title in ("good", "swapped")]
    cells = [(row[:at[0]].strip(), row[at[0]:at[1]].rstrip(),
              row[at[1]:].rstrip()) for row in rows]
    assert [code for code, _, _ in cells if code] == CODE.splitlines()
    assert [plan for _, plan, _ in cells if plan] == [
        f"  {line}" for line in (GOOD + "4. Print it.").splitlines()]
    assert [plan[2:] for _, _, plan in cells if plan
            if NOTHING not in plan] == swapped.splitlines()
    assert sum(plan.startswith("!") for _, _, plan in cells) == 3


@pytest.mark.parametrize("code", [
    "", "x = 1 if y else 2\n", "a = int(input())\nb = c * 2\nprint(b)\n",
    "def f(a):\n    return a\n", "a = int(input())\nb = a ** 2\n",
    "a = int(input())\na = int(input())\nprint(a)\n"])
def test_what_cannot_be_read_is_shown_without_marks(code):
    assert program_lines(code) is None and faithful(code, GOOD) is None
    assert "!" not in side_by_side(code, {"plan": GOOD})


# ---- plans carried out, and a weak example ----

def test_a_right_plan_passes_the_tests_of_its_problem():
    for problem in load_problems("mini-apps", "train", limit=30):
        story = read_task(problem.question)
        for days in (True, False):
            plan = write_plan(steps_of(story), days)
            for n, wanted in problem.tests:
                assert f"{carry_out(plan, int(n))}\n" == wanted
        # The example is one more test, of a number not above those.
        (n, wanted), = smallest_example(problem.question)
        assert f"{carry_out(plan, int(n))}\n" == wanted
        assert int(n) <= min(int(given) for given, _ in problem.tests)
    assert carry_out("1. Read n.\n2. Think.\n", 3) is None
    assert carry_out("1. Times two.\n", 3) is None
    assert smallest_example("How many clips?") == ()
