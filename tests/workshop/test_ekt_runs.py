"""One run of a rival: its training pairs, and that it repeats itself."""

from dataclasses import replace
from types import SimpleNamespace

from helpers.execution.verdicts import Verdict
from helpers.mini.reading import days_in_order
from helpers.problems import Problem, load_problems
from helpers.prompts import zero_shot_prompt
from helpers.studies import ekt
from helpers.workshop.ekt_runs import TASK, make_pairs


def sampled(task, index, text, right, value=3):
    return (SimpleNamespace(task_id=task, sample_index=index,
                            completion=text),
            Verdict("passed" if right else "wrong", value))


def test_reference_programs_are_right_and_in_order():
    problems = load_problems(TASK, "dev")
    for problem, example in zip(problems,
                                make_pairs("reference", problems, ())):
        scope = {}
        exec(example.completion, scope)
        assert scope["answer"] == int(problem.answer)
        assert days_in_order(example.completion)
        assert example.prompt == zero_shot_prompt(problem.question)
    assert not days_in_order("start = 1\nsunday = start\nmonday = sunday\n")


def test_the_filters_of_the_caveats_differ_as_their_names_say():
    story = ("Ann starts with 4 pens. On Sunday Ann finds 4. On Monday Ann "
             "sells 2. How many pens does Ann have in the end?")
    problem = Problem("t/0", story, answer="6")
    texts = ("t = 4\nt = t + 2\nanswer = t\n",                 # lucky
             "start = 4\nsunday = start + 4\nmonday = sunday - 2\n"
             "answer = monday\n",                              # Sunday first
             "start = 4.0\nmonday = start - 2\nsunday = monday + 4\n"
             "answer = sunday\n")                              # a float
    judged = [sampled("t/0", i, text, True, value)
              for i, (text, value) in enumerate(zip(texts, (6, 6, 6.0)))]
    kept = {kind: make_pairs(kind, [problem], judged)[0].completion
            for kind in ("first-correct", "follows", "in-order",
                         "published-check")}
    assert kept == {"first-correct": texts[0], "follows": texts[1],
                    "in-order": texts[0], "published-check": texts[2]}


def test_a_run_is_the_same_when_run_again(monkeypatch):
    from helpers.workshop import ekt_runs
    whole = load_problems
    monkeypatch.setattr(ekt_runs, "load_problems", lambda *a, **o:
                        whole(*a, **{"limit": 12, **o}))
    rival = replace(ekt.SUPERVISED, problems=12, updates=3, n=4)
    first, again = (ekt_runs.run_rival(rival, 3) for _ in range(2))
    first.pop("seconds"), again.pop("seconds")
    assert first == again and first["examples"] == first["in_order"] == 12
    assert len(first["counts"]) == 12 and max(first["counts"]) <= 4
    assert sum(first["statuses"].values()) == 48
    other = ekt_runs.run_rival(rival, 4)
    assert other["counts"] != first["counts"]
