"""The cost against sums by hand, and against a clock."""

import time

import pytest

from helpers.multitask import generated_tokens
from helpers.problems import load_problems
from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.sampling import sample
from helpers.scale.cost import (Cost, cost_of, cost_row, duration, estimate,
                                show_cost, speeds_of)
from helpers.teachers.checkpoint import load_model


def test_ekts_setting_by_hand():
    """7,473 problems, 100 samples, 150 tokens, prompts of 500."""
    one = cost_of(7473, 100, 500, 150, choices=100)
    assert one == Cost(7473, 3_736_500, 112_095_000)
    each = cost_of(7473, 100, 500, 150)
    assert each.calls == 747_300 and each.new_tokens == one.new_tokens
    assert each.prompt_tokens == 373_650_000
    # 8 choices at a time: 13 calls a problem, the last one for four.
    assert cost_of(7473, 100, 500, 150, choices=8).calls == 97_149


def test_seconds_by_hand():
    # 8 completions in threes: 3 calls a problem, of 400 tokens each.
    assert estimate(50, 8, 400, 120, 3, (2000, 500)) == (
        60_000, 48_000, 30 + 96)


def test_money_by_token_and_by_the_hour():
    paid = cost_of(10, 3, 100, 50, prices=(2.0, 10.0))
    assert paid.money == pytest.approx((3000 * 2 + 1500 * 10) / 1e6)
    assert paid.hours is None
    own = cost_of(10, 3, 100, 50, choices=3, speeds=(1000, 10), gpus=4,
               gpu_hour=3.6)
    # 1,000 tokens read in 1 s, 1,500 written in 150 s.
    assert own.gpu_hours == pytest.approx(151 / 3600)
    assert own.hours == pytest.approx(151 / 3600 / 4)
    assert own.money == pytest.approx(0.151)     # four cards, not four times
    assert cost_of(10, 3, 100, 50, speeds=(1000, 10)).money is None


@pytest.mark.parametrize("wrong, message", [
    ({"n": 0}, "at least 1"), ({"gpus": 0, "speeds": (1, 1)}, "at least 1"),
    ({"prompt_tokens": -1}, "not negative"),
    ({"problems": "9"}, "problems is a number, not '9'"),
    ({"n": None}, "n is a number, not None"),
    ({"n": float("inf")}, "n has an end"),
    ({"choices": float("nan")}, "choices has an end"),
    ({"new_tokens": [1]}, "new_tokens is a number"),
    ({"prices": 2}, "prices are a pair"), ({"speeds": "12"}, "speeds are a"),
    ({"prices": (1, "2")}, "prices is a number, not '2'"),
    ({"prices": (1, -1)}, "not negative"), ({"speeds": (0, 1)}, "above 0"),
    ({"prices": (1, 1), "gpu_hour": 2, "speeds": (1, 1)}, "either"),
    ({"gpu_hour": 2}, "needs speeds")])
def test_what_makes_no_sense_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        cost_of(**{"problems": 1, "n": 1, "prompt_tokens": 1, "new_tokens": 1,
                **wrong})


@pytest.mark.parametrize("wrong, says", [
    ({"runs": None}, "runs come as a list"), ({"runs": [3]}, "a run is"),
    ({"runs": [(1, 2)]}, "a run is"),
    ({"runs": [(1, "2", 3)]}, "new tokens is a number, not '2'"),
    ({"asked": {"a": "text"}}, "a call is"), ({"asked": 3}, "calls come as"),
    ({"asked": [({"a": "text"}, "2")]}, "n is a whole number"),
    ({"most": "9"}, "max_new_tokens is a whole number"),
    ({"most": 0}, "max_new_tokens is a whole number from 1")])
def test_runs_and_calls_are_told_what_to_be(wrong, says, capsys):
    with pytest.raises(ValueError, match=says):
        if "runs" in wrong:
            speeds_of(wrong["runs"])
        else:
            show_cost(None, wrong.get("asked", []), wrong.get("most", 9))
    assert not capsys.readouterr().out


def test_speeds_are_found_again():
    runs = [(a, b, a / 8000 + b / 250) for a, b in (
        (10_000, 100), (500, 4000), (3000, 900))]
    assert speeds_of(runs) == pytest.approx((8000, 250))
    for same in (runs[:1], [runs[0], tuple(2 * x for x in runs[0])], [],
                 [(1000, 1, 1.0), (1000, 1000, 0.1)]):
        with pytest.raises(ValueError, match="tell reading from writing"):
            speeds_of(same)


def test_a_real_run_takes_what_was_predicted():
    """Within a factor of three, on a machine that others may use too."""
    lm = load_model("data/mini/models/teacher")
    prompts = {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
               for p in load_problems("mini-gsm", "train", limit=48)}

    def run(count, n, most):
        some = dict(list(prompts.items())[:count])
        began = time.perf_counter()
        rows = sample(lm, some, n, max_new_tokens=most, progress=False)
        seconds = time.perf_counter() - began
        return (sum(len(lm.prompt_ids(text)) for text in some.values()),
                generated_tokens(lm, [row.completion for row in rows]),
                seconds)

    run(4, 2, 8)                                  # the first call is slow
    speeds = speeds_of([run(48, 1, 1), run(8, 16, 64)])
    read, new, seconds = run(24, 16, 64)
    told = cost_of(24, 16, read / 24, new / 24 / 16, choices=16, speeds=speeds)
    assert told.calls == 24
    assert told.new_tokens == pytest.approx(new)
    assert seconds / 3 < 3600 * told.hours < 3 * seconds


def test_hours_and_rows_are_readable():
    assert [duration(x) for x in (0.001, 0.01, 0.3, 5, 100, 1e6)] == [
        "3.6 s", "36 s", "18 min", "5 h", "4.17 days", "41,667 days"]
    assert cost_row("EKT", cost_of(7473, 100, 500, 150, choices=100,
                                   prices=(0.5, 1.5))) == {
        "run": "EKT", "calls": "7,473", "M tokens read": "3.7",
        "M tokens written": "112.1", "dollars": "170.01"}
    assert cost_row("", cost_of(1, 1, 100, 100, speeds=(100, 10)))[
        "time"] == "11 s"
