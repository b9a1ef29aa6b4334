"""Several processes: the result of one, also after a kill."""

import json
import math
import re
import time

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState

from helpers.multitask import (alternate, code_examples, plan_examples,
                               train_two_tasks)
from helpers.plans import read_plans
from helpers.problems import load_problems
from helpers.profiles import find_artefact
from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.sampling import Sample, read_samples, sample
from helpers.scale.launch import launch, main, start_launch
from helpers.scale.together import (accumulate_share, left, own_share,
                                    sample_together, train_together)
from helpers.teachers.checkpoint import load_model
from helpers.tools.processes import end_processes, family
from helpers.training import (accumulate, add_lora, encode_for, load_student,
                              trained_tokens)
from two_processes import MINI, ONE_ROW, SETTINGS, half_student

UPDATES = 16
# Sums in another order, and AdamW divides by them: what rounding does to a
# weight in UPDATES updates.  A wrong denominator does a hundred times that.
ROUNDING = 2e-5


def student():
    return add_lora(load_model(MINI.plan_student),
                    MINI.lora_rank, seed=0)


def tasks():
    problems = load_problems("mini-apps", "train", limit=MINI.plan_problems)
    plans = read_plans(find_artefact(MINI, "plans/backward.jsonl"))
    return code_examples(problems), plan_examples(problems, plans)


def weights_of(lm):
    return [w.detach() for w in lm.model.parameters() if w.requires_grad]


def gradient_of(lm):
    return torch.cat([w.grad.flatten() for w in lm.model.parameters()
                      if w.requires_grad])


def apart(ours, theirs):
    return max((a - b).abs().max().item() for a, b in zip(
        ours, theirs, strict=True))


def few_shot(problems):
    return {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
            for p in load_problems("mini-gsm", "train", limit=problems)}


@pytest.fixture(scope="module", autouse=True)
def no_card():
    """Processes and this one compute on the CPU, also where cards are.

    Two processes with one card would use the CPU, and this one the card:
    between the two last digits differ by more than sums in another order do.
    accelerate remembers the device of a training before, which is forgotten.
    """
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        patch.setattr(torch.cuda, "is_available", lambda: False)
        patch.setattr(torch.cuda, "device_count", lambda: 0)
        yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.fixture(scope="module")
def alone():
    """The training of notebook 06 in this process: losses and weights."""
    lm = student()
    losses = train_two_tasks(lm, *tasks(), UPDATES, MINI.plan_batch,
                             MINI.plan_rate, progress=False)
    return losses, weights_of(lm)


# ---- the arithmetic ----

def test_shares_are_the_whole_and_differ_by_one_at_most():
    for count in (0, 1, 5, 12):
        for processes in (1, 2, 3, 8):
            parts = [own_share(range(count), p, processes)
                     for p in range(processes)]
            assert sorted(x for part in parts for x in part) == list(
                range(count))
            assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("processes", [1, 2, 3, 7])
def test_the_shares_gradients_add_up_to_the_whole_batchs(processes):
    lm, (_, plans) = student(), tasks()
    # One long row and short ones; with seven processes two have none.
    rows = sorted((encode_for(lm, e) for e in plans), key=lambda r: len(r[0]))
    batch = [rows[-1], *rows[:4]]
    whole = accumulate(lm, batch, 2.0)
    wanted = gradient_of(lm)
    lm.model.zero_grad()
    told = [accumulate_share(lm, batch, 2.0, p, processes, rows=1)
            for p in range(processes)]
    assert sum(told) == pytest.approx(whole, rel=1e-5)
    assert torch.allclose(gradient_of(lm), wanted, atol=1e-6)
    # The mean of the shares' means is another gradient.
    lm.model.zero_grad()
    parts = [own_share(batch, p, processes) for p in range(processes)]
    for part in filter(None, parts):
        accumulate(lm, part, 2.0 / sum(map(bool, parts)))
    naive = (gradient_of(lm) - wanted).norm() / wanted.norm()
    assert naive > 0.02 or processes == 1
    assert math.isnan(accumulate_share(lm, batch, 0, 0, processes))


# ---- processes ----

@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """What two_processes.py found, and the samples of one process."""
    folder = tmp_path_factory.mktemp("two")
    prompts = few_shot(9)
    one = sample(load_model(MINI.teacher), prompts, 4, **SETTINGS)
    # What three processes had left when they were killed.
    (folder / "samples").mkdir()
    for process, rows in enumerate((one[:4], one[4:6], [])):
        (folder / "samples" / f"process-{process:03}.jsonl").write_text(
            "".join(json.dumps(vars(row)) + "\n" for row in rows)
            + '{"task_id": "mini-g' * (process == 2))
    torch.save(prompts, folder / "prompts.pt")
    # One of them fails at the end: the other one is not left waiting.
    with pytest.raises(RuntimeError, match="2 processes failed: the second "
                       "process has had enough"):
        launch(2, folder, module="tests.support.two_processes")
    found = [torch.load(folder / f"{p}.pt") for p in (0, 1)]
    return folder / "samples", prompts, one, found


def test_sums_are_those_of_all_and_who_differs_is_found(two):
    *_, both = two
    for found in both:
        assert found["processes"] == 2
        assert [g.unique().tolist() for g in found["gradients"]] == [
            [3.0], [10.0], [300.0]]
        assert found["told"][0] == 2.0 and math.isnan(found["told"][1])
        assert "process 1 has other data" in found["error"]
    assert [found["share"] for found in both] == [list("ace"), list("bd")]


def test_float16_and_empty_shares(two):
    """What a T4 does, where the second process has no row at all."""
    *_, both = two
    alone = train_two_tasks(half_student(), *ONE_ROW, progress=False)
    for found in both:
        for ours, theirs in zip(found["half"], alone, strict=True):
            assert ours == pytest.approx(theirs, abs=1e-4)


def test_two_processes_killed_and_resumed_train_what_one_trains(
        tmp_path, alone, capsys):
    arguments = ("train", "--profile", "mini", "--updates", UPDATES,
                 "--save-every", 2, "--out", tmp_path)
    state = tmp_path / "two-tasks.pt"
    running, until = start_launch(2, *arguments), time.monotonic() + 300
    while not state.exists() and running.poll() is None:
        assert time.monotonic() < until
        time.sleep(0.005)
    end_processes(family(running.pid))
    _, err = running.communicate()
    assert state.exists(), err
    first = torch.load(state)["losses"]
    assert 2 <= len(first) < UPDATES           # killed in the middle
    said = launch(2, *arguments)
    assert f"{UPDATES} updates in 2 processes" in said
    losses, weights = alone
    kept = torch.load(state)
    assert kept["losses"][:len(first)] == first      # not trained again
    for ours, theirs in zip(kept["losses"], losses, strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)
    assert apart(kept["weights"], weights) < ROUNDING
    # The adapter is one that every other notebook can load.
    lm = load_student(MINI.plan_student, tmp_path / "adapter")
    assert lm.name.startswith("adapter@")
    # The same script in one process finds nothing left to do.
    before = state.read_bytes()
    assert main([*map(str, arguments)]) == 0
    assert f"{UPDATES} updates in 1 process" in capsys.readouterr().out
    assert state.read_bytes() == before
    assert main(["train", "--updates", "9", "--out", str(tmp_path)]) == 1
    assert re.match(r"launch: the checkpoint two-tasks.pt belongs to a .*\n$",
                    capsys.readouterr().err)


def test_the_naive_mean_would_be_found(alone):
    """Two processes whose means are averaged: what the test above forbids."""
    lm, (codes, plans) = student(), tasks()
    _, weights = alone
    encoded = [[encode_for(lm, e) for e in part] for part in (codes, plans)]
    uneven = 0
    for numbers in alternate(codes, plans, UPDATES, MINI.plan_batch, 0):
        for task, chosen in enumerate(numbers):
            batch = [encoded[task][i] for i in chosen]
            tokens = [trained_tokens(lm, own_share(batch, p, 2))
                      for p in (0, 1)]
            uneven = max(uneven, max(tokens) / min(tokens))
    assert uneven > 1.1
    from helpers.scale import together
    told = []

    def naive(lm, batch, weight, process, processes, rows, scaler):
        losses = [accumulate(lm, own_share(batch, p, 2), weight / 2, rows,
                             scaler=scaler) for p in (0, 1)]
        told.append(sum(losses) / 2)
        return told[-1]

    kept, together.accumulate_share = together.accumulate_share, naive
    try:
        train_together(Accelerator(cpu=True), lm, codes, plans, UPDATES,
                       MINI.plan_batch, MINI.plan_rate, progress=False)
    finally:
        together.accumulate_share = kept
    assert apart(weights_of(lm), weights) > 20 * ROUNDING


def test_one_process_is_the_training_of_notebook_06(tmp_path, alone):
    lm = student()
    losses = train_together(Accelerator(cpu=True), lm, *tasks(), UPDATES,
                            MINI.plan_batch, MINI.plan_rate, rows=5,
                            progress=False)
    for ours, theirs in zip(losses, alone[0], strict=True):
        assert ours == pytest.approx(theirs, abs=1e-5)
    assert apart(weights_of(lm), alone[1]) < ROUNDING


@pytest.mark.parametrize("codes, change, words", [
    (True, {"updates": 0}, "updates is a whole"),
    (True, {"weights": (-1.0, 1.0)}, "a weight is a number from 0"),
    (True, {"weights": 2}, "weights are two"),
    (False, {}, "needs examples")])
def test_what_trains_nothing_is_refused_as_by_one_process(
        codes, change, words):
    code, plan = tasks()
    with pytest.raises(ValueError, match=words):
        train_together(Accelerator(cpu=True), student(), code if codes else [],
                       plan, **{"updates": 1, "batch_size": 2,
                                "peak_rate": 1e-3, **change})


def test_here_too_plans_alone_need_no_code():
    _, plans = tasks()
    (code, plan), = train_together(
        Accelerator(cpu=True), student(), [], plans, 1, 2, 1e-3, (0, 1),
        progress=False)
    assert math.isnan(code) and plan > 0


# ---- sampling ----

def test_samples_of_two_processes_are_those_of_one(two, capsys):
    folder, prompts, one, (first, second) = two
    assert [Sample(**row) for row in first["samples"]] == one
    assert second["samples"] is None         # the main process has them
    assert read_samples(folder / "samples.jsonl") == one
    mine = [{row.task_id for row in read_samples(
        folder / f"process-{process:03}.jsonl")} for process in (0, 1)]
    names = list(prompts)                    # the first one was complete
    assert mine == [{names[0], *names[1::2]}, {names[1], *names[2::2]}]
    # Again, by one process: nothing is drawn, nothing is written.
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    options = ["sample", "--profile", "mini", "--problems", "9", "--out",
               str(folder), "--n"]
    assert main([*options, "4"]) == 0
    assert "36 samples in 1 process" in capsys.readouterr().out
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_samples_with_other_settings_are_refused_and_kept(two):
    folder, prompts, *_ = two
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    with pytest.raises(ValueError, match="was made with"):
        sample_together(Accelerator(cpu=True), load_model(MINI.teacher),
                        prompts, 4, folder, **SETTINGS | {"temperature": 1})
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before


def test_what_is_left_is_what_lacks_a_sample():
    lm, prompts = load_model(MINI.teacher), few_shot(3)
    rows = sample(lm, prompts, 2, max_new_tokens=4, progress=False)
    names = list(prompts)
    assert left(prompts, 2, rows) == []
    assert left(prompts, 3, rows) == names
    assert left(prompts, 2, rows[1:]) == names[:1]
    assert left(prompts, 1, rows[1:]) == names[:1]
    assert left(prompts, 2, []) == names
