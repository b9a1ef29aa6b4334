"""The second benchmark: right solutions, honest tests, and its corpus."""

import json
import random
import re
from dataclasses import replace

import pytest

from helpers.execution import Runner
from helpers.mini import stories, tasks
from helpers.mini.reading import read_story
from helpers.problems import load_problems

SPLITS = {split: load_problems("mini-apps", split)
          for split in tasks.SPLITS}


def story_of(problem):
    """The story, read off the question by another road than the world's."""
    name, _, rest = problem.question.partition(" has n ")
    item, _, rest = rest.partition(". ")
    told = rest.partition(" Read n, ")[0]
    return read_story(f"{name} starts with 1 {item}. {told} How many {item} "
                      f"does {name} have in the end?")


def test_the_benchmark_is_in_the_schema_of_apps_and_balanced():
    seen = set()
    for split, problems in SPLITS.items():
        each = tasks.SPLITS[split]
        assert len(problems) == each * 10
        levels = [p.difficulty for p in problems]
        assert [levels.count(level) // each for level in (
            "introductory", "interview", "competition")] == [2, 4, 4]
        for p in problems:
            assert p.mode == "stdio" and p.question not in seen
            assert len(p.examples) == 2 and len(p.tests) == 5
            assert p.tests[:2] == p.examples
            assert 3 <= len(p.solutions) == len(set(p.solutions))
            seen.add(p.question)


def test_answers_agree_with_an_independent_reading_of_the_question():
    for p in SPLITS["test"]:
        story = story_of(p)
        for given, wanted in p.tests:
            value = int(given)
            for event in sorted((e for e in story.told if e.op),
                                key=lambda e: e.day):
                value = {"+": value + event.number, "-": value - event.number,
                         "*": value * event.number,
                         "/": value / event.number}[event.op]
                assert value == int(value) >= 0
            assert int(value) == int(wanted)


def test_every_solution_passes_and_a_shuffled_one_fails():
    problems = SPLITS["test"]
    pairs = [(p, text) for p in problems for text in p.solutions]
    wrong = []
    for p in problems:
        story = story_of(p)
        told = [e for e in story.told if e.op]
        if told != sorted(told, key=lambda e: e.day):
            steps = [tasks.Step(e.day, e.op, e.number) for e in told]
            wrong.append((p, tasks.write_code(random.Random(0), steps,
                                                  "letters")))
    assert len(wrong) == len(problems) / 2
    with Runner() as runner:
        assert {v.status for v in runner.judge_many(
            pairs, progress=False)} == {"passed"}
        found = [v.status for v in runner.judge_many(wrong, progress=False)]
    assert set(found) == {"wrong"}


def test_plans_and_programs_say_the_same_steps():
    rng = random.Random(1)
    for _ in range(200):
        story = tasks.draw_story(rng, rng.randint(1, 7), True, 1)
        steps = tasks.steps_of(story)
        assert [s.day for s in steps] == sorted(s.day for s in steps)
        plan = tasks.write_plan(steps)
        assert re.findall(r"(\w+day):", plan) == [
            stories.DAYS[s.day] for s in steps]
        assert "day" not in tasks.write_plan(steps, days=False)
        for look in tasks.LOOKS:
            code = tasks.write_code(rng, steps, look)
            n, printed = 64 * 81, []
            exec(code, {"input": lambda: str(n), "print": printed.append})
            value = n
            for step in steps:
                value = stories.apply(value, step.op, step.number)
            assert printed == [value]


def test_the_benchmark_and_the_corpus_depend_on_the_seed_alone():
    one, two = (tasks.make_benchmark("7|test", 1, set())
                for _ in range(2))
    assert one == two != tasks.make_benchmark("8|test", 1, set())
    rows = [json.dumps(row) for row in one]
    assert len(set(rows)) == 10
    for slips in (True, False):
        a, b = ([tasks.draw_document(random.Random(s), 2, slips)
                 for s in range(50)] for _ in range(2))
        assert a == b


def test_explanations_slip_less_than_plans_from_questions():
    def slips(kind):
        share, errors = tasks.KINDS[kind]
        wrong = 0
        for seed in range(400):
            rng = random.Random(seed)
            (given, reply), = tasks.draw_document(
                rng, 1, weeks={0: 1.0}, kinds={kind: (share, errors)})
            question = re.search(r"QUESTION:\n(.*)\n", given)[1]
            problem = replace(SPLITS["dev"][0], question=question)
            wrong += reply != tasks.write_plan(
                tasks.steps_of(story_of(problem)))
        return wrong
    assert slips(("question", "plan")) > 2 * slips(
        ("question", "code", "plan")) > 0


def test_an_unknown_level_is_one_sentence():
    with pytest.raises(ValueError, match="introductory"):
        load_problems("mini-apps", difficulty="easy")
