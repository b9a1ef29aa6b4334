"""Plans: how they are asked for, read back, kept, scored and chosen."""

import json
from dataclasses import replace
from itertools import combinations, product

import numpy as np
import pytest

from helpers.execution import Runner
from helpers.mini.reading import faithful, side_by_side
from helpers.plans import (PLAN_EXEMPLARS, WAYS, Plan, best_of, choose,
                           code_from_plans, code_request, elicit, judge_both,
                           mean_best_of, no_leak, own_code_request,
                           plan_request, plans_of, read_plans, score_plans,
                           steps, write_plans)
from helpers.problems import Problem, load_problems
from helpers.profiles import ROOT
from helpers.prompts import section
from helpers.teachers import checkpoint
from helpers.teachers.checkpoint import load_model

DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.exists(),
                                reason="needs ../shared/data")
PROBLEMS = load_problems("mini-apps", "train", limit=40)
EXEMPLAR = PLAN_EXEMPLARS["mini-apps"]


# ---- prompts ----

def test_only_what_a_way_shows_is_in_its_prompt():
    asked = {way: plan_request(way, "Is it so?", "print(7)", EXEMPLAR)
             for way in WAYS}
    for way, shown in WAYS.items():
        text = asked[way]
        assert text.endswith("PLAN:\n") and text.count("PLAN:\n") == 2
        for part, sign in (("question", "Is it so?"), ("code", "print(7)")):
            assert (sign in text) == (part in shown)
            assert (EXEMPLAR[part] in text) == (part in shown)
            assert text.count(section(part)) == 2 * (part in shown)
    # Code alone does not say why, so its exemplar's plan does not either.
    assert "Eva" not in asked["backward"] and "day" not in asked["backward"]
    with pytest.raises(ValueError, match="choose one of forward, backward"):
        plan_request("sideways", "?", "", EXEMPLAR)


def test_a_plan_leaks_that_quotes_a_line():
    for problem in PROBLEMS[:10]:
        code = problem.solutions[0]
        quoted = "".join(f"- Do `{line.replace(' ', '')}`.\n"
                         for line in code.splitlines())
        assert not no_leak(code, code) and not no_leak(quoted, code)
        assert no_leak("1. Read n.\n2. Times 2.\n3. Print it.\n", code)
    assert no_leak("Is it odd, or else: stop.", "if x:\n    y()\nelse:\n")


def test_a_code_request_ends_where_the_code_begins():
    text = code_request("Is it so?", "1. Say yes.\n", EXEMPLAR)
    assert text.endswith("QUESTION:\nIs it so?\nPLAN:\n1. Say yes.\nCODE:\n")
    assert text.startswith("QUESTION:\n" + EXEMPLAR["question"])


# ---- asking, and files ----

@pytest.fixture
def teller(monkeypatch):
    """A model whose answers are its random numbers, or empty; its calls."""
    lm, calls = load_model("data/mini/models/teacher"), []

    def complete(lm, ids, uniform, temperature, top_p, cut, mask=None):
        calls.append(len(uniform))
        return [("\n" if chance < 0.3 else f"1. Add {chance}.\n", "stop")
                for chance in uniform[:, 0].tolist()]

    monkeypatch.setattr(checkpoint, "complete", complete)
    return lm, calls


def test_elicit_goes_on_from_its_cache_and_drops_empty_plans(teller,
                                                             tmp_path):
    lm, calls = teller
    some = [*PROBLEMS[:2], replace(PROBLEMS[2], solutions=())]
    options = {"cache": tmp_path / "c.jsonl", "progress": False,
               "max_new_tokens": 8}
    asked = sum(len(p.solutions) for p in some)
    plans = elicit(lm, some, "backward", EXEMPLAR, 3, **options)
    assert sum(calls) == 3 * asked
    assert len(plans) == len({p.name for p in plans})
    assert asked < len(plans) < 3 * asked
    assert all(p.text.startswith("1. Add 0.") for p in plans)
    assert {p.task_id for p in plans} == {p.task_id for p in some[:2]}
    assert {p.solution for p in plans if p.task_id == some[0].task_id} == set(
        range(len(some[0].solutions)))
    # A kill in the middle of a line costs that line, and nothing else.
    kept = options["cache"].read_bytes()
    options["cache"].write_bytes(kept[:-30])
    calls.clear()
    assert elicit(lm, some, "backward", EXEMPLAR, 3, **options) == plans
    assert sum(calls) == 1 and options["cache"].read_bytes() == kept
    forward = elicit(lm, some, "forward", EXEMPLAR, 9, progress=False)
    assert {(p.task_id, p.solution) for p in forward} == {
        (p.task_id, -1) for p in some}
    assert elicit(lm, some[2:], "backward", EXEMPLAR) == []


def test_plans_on_disk(tmp_path):
    path = tmp_path / "deep" / "plans.jsonl"
    plans = [Plan("a/1", "forward", -1, i, f"1. Ünfold {i}.\n")
             for i in range(3)]
    write_plans(path, plans)
    assert read_plans(path) == plans
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], lines[1][:-9], lines[2]]))
    with pytest.raises(ValueError, match="line 2 of plans.jsonl") as caught:
        read_plans(path)
    assert "\n" not in str(caught.value)


# ---- the worth of a plan ----

def test_example_and_hidden_tests_are_counted_apart():
    problem = replace(PROBLEMS[0], task_id="t", tests=(("1", "2"), ("2", "4"),
                      ("5", "10")), examples=(("1", "2"), ("2", "4")))
    codes = {"both": "print(int(input()) * 2)",
             "examples only": "n = int(input())\nprint(n * 2 if n < 3 else 0)",
             "hidden only": "n = int(input())\nprint(n * 2 if n > 3 else 0)",
             "neither": "print(", "one example": "print(2)"}
    item = Plan("t", "forward", -1, 0, "1. Go.\n")
    elsewhere = replace(problem, tests=problem.tests[2:])
    without = replace(problem, examples=())
    with Runner(workers=1) as runner:
        for problem, wanted in (
                (problem, [(True, True), (True, False), *[(False, False)] * 3
                           ]),
                (elsewhere, [(True, True), (True, False), (False, True),
                             *[(False, False)] * 2]),
                (without, [(False, True), *[(False, False)] * 4])):
            written = [(item, code) for code in codes.values()]
            assert judge_both(runner, [problem], written, False) == wanted
        other = replace(item, sample_index=1)
        scores = score_plans(runner, [elsewhere], [
            *written, (other, codes["both"])], progress=False)
    assert [(s.plan, s.codes, s.examples, s.hidden) for s in scores] == [
        (item, 5, 2, 2), (other, 1, 1, 1)]
    assert choose(scores) == [other]


def test_best_of_equals_going_through_every_draw():
    rng = np.random.default_rng(0)
    for total, n in product((1, 2, 5, 7), (1, 2, 4, 7)):
        keys = rng.integers(0, 3, total).tolist()
        values = rng.random(total).tolist()
        if n > total:
            with pytest.raises(ValueError, match="between 1 and"):
                best_of(keys, values, n)
            continue
        means = []
        for draw in combinations(range(total), n):
            top = max(keys[i] for i in draw)
            means.append(np.mean([values[i] for i in draw if keys[i] == top]))
        assert best_of(keys, values, n) == pytest.approx(np.mean(means))
    assert best_of(values, values, total) == pytest.approx(max(values))


def test_the_best_of_n_is_a_mean_over_problems():
    plans = [Plan(task, "forward", -1, i, "1. Go.\n")
             for task, i in (("a", 0), ("b", 0), ("a", 1))]
    assert mean_best_of(plans, [1, 0, 0], [True, True, False], 2) == 1.0
    assert mean_best_of(plans, [0, 0, 1], [True, True, False], 2) == 0.5
    assert mean_best_of(plans, [0, 0, 0], [True, False, False], 1) == 0.25
    assert mean_best_of(iter(plans), iter([1, 0, 0]),
                        np.array([True, True, False]), 2) == 1.0
    for keys, values, says in (
            ([0, 0], [True, True, True], "2 keys and 3 values"),
            (None, [1, 1, 1], "keys come as a list"),
            ([0, 0, 0], ["x", "y", "z"], "a value is a number, .* not 'x'")):
        with pytest.raises(ValueError, match=says):
            mean_best_of(plans, keys, values, 1)


@pytest.mark.parametrize("n", [0, 1.5, "1", None, float("nan")])
def test_the_best_is_of_a_number(n):
    with pytest.raises(ValueError, match="n is a whole number from 1 on"):
        mean_best_of([Plan("a", "backward", 0, 0, "x")], [1], [1], n)


def test_a_program_for_no_problem_is_named():
    written = [(Plan("b", "backward", 0, 0, "x"), "print(1)")]
    with pytest.raises(ValueError, match="program for 'b' and no problem"):
        score_plans(None, [Problem("a", "q")], iter(written))


def test_what_has_no_best_is_refused():
    with pytest.raises(ValueError, match="0 plans"):
        mean_best_of([], [], [], 1)


@pytest.mark.parametrize("way, solutions, words", [
    ("fordward", 1, "no way 'fordward'"),
    *(("backward", n, "solutions is a whole number from 1 on")
      for n in (-1, 0, 1.5, "1", float("nan")))])
def test_what_explains_nothing_is_refused(way, solutions, words):
    bare = Problem("a", "q", mode="stdio", tests=(("1", "1"),))
    with pytest.raises(ValueError, match=words):
        elicit(None, [bare], way, PLAN_EXEMPLARS["mini-apps"],
               solutions=solutions)


@pytest.mark.parametrize("call, says", [
    (lambda: elicit(None, PROBLEMS[:1], "backward", {}), "an exemplar has"),
    (lambda: code_request("q", "p", None), "an exemplar has a question"),
    (lambda: own_code_request("q", {"question": "q"}), "an exemplar has"),
    (lambda: elicit(None, PROBLEMS[0], "forward", EXEMPLAR), "come as a list"),
    (lambda: elicit(None, PROBLEMS[:1] * 2, "forward", EXEMPLAR), "two prob"),
    (lambda: plans_of([Plan("a", "forward", -1, 0, "x")]), "a plan's sample"),
    (lambda: plans_of(["a#forward#0"]), "a plan's sample is of task_id#way"),
    (lambda: plans_of(None), "samples come as a list"),
    (lambda: code_from_plans(None, None, str), "plans come as a list"),
    (lambda: code_from_plans(None, ["x"], str), "plans are those of elicit"),
    (lambda: judge_both(None, PROBLEMS, ["x"]), "judged as .plan, program"),
    (lambda: judge_both(None, PROBLEMS, [("a", "b")]), "as .plan, program")])
def test_what_is_no_plan_or_exemplar_is_told(call, says):
    with pytest.raises(ValueError, match=says) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_a_part_of_a_prompt_is_a_text():
    with pytest.raises(ValueError, match="under PLAN stands a text"):
        code_request("q", None, PLAN_EXEMPLARS["mini-apps"])


# ---- real problems ----

@needs_data
def test_real_problems_of_apps_go_all_the_way(tmp_path):
    """Prompts, plans on disk, programs, judge; references as programs."""
    path = DATA / "apps_sample.jsonl"
    problems = [replace(p, task_id=f"apps/{i}") for i, p in enumerate(
        load_problems("apps", "train", path=path))]
    exemplar, written, plans = PLAN_EXEMPLARS["apps"], [], []
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(problems) == len(rows) == 10
    for problem, row in zip(problems, rows):
        code = problem.solutions[0]
        for way, shown in WAYS.items():
            text = plan_request(way, problem.question, code, exemplar)
            assert (problem.question.strip() in text) == ("question" in shown)
            assert (code.strip() in text) == ("code" in shown)
            assert text.endswith("\nPLAN:\n")
        # Five of them come with plans of CodePLAN's own teacher.
        texts = json.loads(row["teacher_plans"] or "[]") or ["1. Go.\n"] * 4
        for i, text in enumerate(texts[:4]):
            plan = Plan(problem.task_id, "backward", i, 0, text)
            assert steps(plan.text) and "1." not in steps(plan.text)[0]
            asked = code_request(problem.question, plan.text, exemplar)
            assert asked.rstrip().endswith("CODE:") and text in asked
            assert side_by_side(code, {"plan": text})
            assert faithful(code, text) is None
            plans.append(plan)
            written.append((plan, problem.solutions[i]))
    write_plans(tmp_path / "plans.jsonl", plans)
    assert read_plans(tmp_path / "plans.jsonl") == plans
    with Runner(workers=1, timeout=4) as runner:
        some = [replace(p, tests=p.tests[::12] + p.examples)
                for p in problems]
        scores = score_plans(runner, some, written, progress=False)
    shown = {p.task_id: bool(p.examples) for p in problems}
    assert len(scores) == len(plans)
    passed = [s for s in scores if s.hidden]
    assert len({s.plan.task_id for s in passed}) == 10
    for score in passed:
        assert score.examples == shown[score.plan.task_id]
