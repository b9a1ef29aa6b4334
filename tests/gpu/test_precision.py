"""Training where numbers are 16 bits wide and memory is short.

A CPU computes in float16 too, slowly: the code that a T4 runs is run here.
"""

import math

import pytest
import torch

from helpers import training
from helpers.filtering import Example
from helpers.gpu import memory, precision
from helpers.multitask import (code_examples, plan_examples, plan_head,
                               student_plans, train_two_tasks)
from helpers.plans import Plan
from helpers.problems import load_problems
from helpers.prompts import zero_shot_prompt
from helpers.teachers.checkpoint import load_model
from helpers.training import (accumulate, add_lora, encode_for, load_student,
                              save_adapter, train)

STUDENT = "data/mini/models/student"
PLAN_STUDENT = "data/mini/models/plan-student"
EXAMPLES = [Example(f"t/{i}", zero_shot_prompt(f"Ann starts with {i} cups."),
                    f"start = {i}\nanswer = start\n") for i in range(8)]
PROBLEMS = load_problems("mini-apps", "train", limit=4)
CODES = code_examples(PROBLEMS)
PLANS = plan_examples(PROBLEMS, [Plan(p.task_id, "backward", 0, 0,
                                      "1. Read n.\n") for p in PROBLEMS])
T4, A100 = (7, 5), (8, 0)


@pytest.fixture
def card(monkeypatch):
    """Lets models load as on a card of a capability, whatever their size."""
    def choose(capability):
        real = memory.DTYPE_FOR
        monkeypatch.setattr(memory, "dtype_for", lambda _, count, kind="":
                            real(capability, 10 ** 9, kind))
    monkeypatch.setattr(memory, "DTYPE_FOR", memory.dtype_for,
                        raising=False)
    return choose


def adapted(name=STUDENT):
    return add_lora(load_model(name), rank=4, seed=0)


def trained(lm):
    return [w for w in lm.model.parameters() if w.requires_grad]


def flat(lm):
    return torch.cat([w.detach().flatten() for w in trained(lm)])


def run(lm, **options):
    return train(lm, EXAMPLES, 2, 4, 1e-2, progress=False, **options)


def run_two(lm, **options):
    return train_two_tasks(lm, CODES, PLANS, 4, 3, 1e-2, progress=False,
                           save_every=1, **options)


def scaler_from(monkeypatch, factor):
    """Begin with another factor of the loss."""
    monkeypatch.setattr(training, "make_scaler", lambda model: torch.amp.
                        GradScaler("cpu", init_scale=factor))


# ---- 16 bits ----

@pytest.mark.parametrize("capability, dtype", [
    (T4, torch.float16), (A100, torch.bfloat16), (None, torch.float32)])
def test_adapters_are_32_bits_wide_on_every_card(card, capability, dtype):
    card(capability)
    lm = adapted()
    assert {w.dtype for w in trained(lm)} == {torch.float32}
    assert {w.dtype for w in lm.model.parameters()
            if not w.requires_grad} == {dtype}
    narrow = None if dtype == torch.float32 else dtype
    assert precision.computes_in(lm.model) == narrow
    assert precision.make_scaler(lm.model).is_enabled() == (
        dtype == torch.float16)
    seen = set()
    with precision.autocast(lm.model):
        for module in lm.model.modules():
            if isinstance(module, torch.nn.Linear):
                module.register_forward_hook(
                    lambda _, inputs, out: seen.add(out.dtype))
        lm.model(input_ids=torch.arange(9, device=lm.model.device)[None])
    assert seen == {dtype}           # base and adapter alike


@pytest.mark.parametrize("capability", [T4, A100, None])
def test_t5_is_trained_in_32_bits_everywhere(card, capability):
    card(capability)
    lm = adapted("data/mini/models/plan-student-t5")
    assert {w.dtype for w in lm.model.parameters()} == {torch.float32}
    assert precision.computes_in(lm.model) is None
    assert not precision.make_scaler(lm.model).is_enabled()


@pytest.mark.parametrize("capability", [T4, A100])
def test_16_bits_learn_what_32_learn(card, capability):
    wide, wide_two = run(adapted()), run_two(adapted(PLAN_STUDENT))
    card(capability)
    lm, both = adapted(), adapted(PLAN_STUDENT)
    before = [w.clone() for w in lm.model.parameters() if not w.requires_grad]
    assert run(lm) == pytest.approx(wide, rel=0.02)
    assert wide[-1] < 0.5 * wide[0]
    for pair, other in zip(run_two(both), wide_two):
        assert pair == pytest.approx(other, rel=0.02)
    assert all(map(torch.equal, before, [
        w for w in lm.model.parameters() if not w.requires_grad]))


def test_scaled_gradients_are_those_of_32_bits(card):
    """And without a factor the smallest would be gone."""
    def gradient(factor):
        lm = adapted()
        scaler = torch.amp.GradScaler("cpu", init_scale=factor)
        batch = [encode_for(lm, e) for e in EXAMPLES]
        accumulate(lm, batch, 1e-4, scaler=scaler)     # a small gradient
        return torch.cat([w.grad.flatten() for w in trained(lm)]) / factor
    exact = gradient(1.0)
    card(T4)
    scaled, bare = gradient(2.0 ** 16), gradient(1.0)
    assert (scaled - exact).norm() < 0.02 * exact.norm()
    assert (bare - exact).norm() > 3 * (scaled - exact).norm()
    assert (bare == 0).sum() > (exact == 0).sum()


@pytest.mark.parametrize("go", [run, run_two])
def test_a_batch_whose_gradient_overflows_is_done_again(card, monkeypatch, go):
    card(T4)
    name = STUDENT if go is run else PLAN_STUDENT
    steps, real = [], torch.optim.AdamW.step

    def step(self, *rest, **options):
        steps.append(self.param_groups[0]["lr"])
        return real(self, *rest, **options)

    monkeypatch.setattr(torch.optim.AdamW, "step", step)
    usual, high = adapted(name), adapted(name)
    losses, rates = go(usual), steps[:]
    steps.clear()
    scaler_from(monkeypatch, 2.0 ** 30)
    again = go(high)
    assert steps == rates and len(steps) == len(again) == 4
    for one, other in zip(losses, again):
        assert one == pytest.approx(other, rel=0.02)
    assert torch.allclose(flat(usual), flat(high), atol=2e-3)


class Killed(Exception):
    pass


def kill(losses):
    if len(losses) == 2:
        raise Killed


@pytest.mark.parametrize("go", [run, run_two])
def test_a_killed_training_goes_on_with_its_factor(card, monkeypatch, go,
                                                   tmp_path):
    card(T4)
    scaler_from(monkeypatch, 2.0 ** 30)
    name = STUDENT if go is run else PLAN_STUDENT
    path, whole, resumed = tmp_path / "state.pt", adapted(name), adapted(name)
    losses = go(whole)
    if go is run:
        go(adapted(name), checkpoint=path, stop_after=2)
    else:
        with pytest.raises(Killed):
            go(adapted(name), checkpoint=path, watch=kill)
    state = torch.load(path)
    assert len(state["losses"]) in (1, 2)
    assert 1 < state["scaler"]["scale"] < 2.0 ** 30
    scaler_from(monkeypatch, 2.0 ** 34)         # forgotten: it is loaded
    assert go(resumed, checkpoint=path) == losses
    assert torch.equal(flat(resumed), flat(whole))


def test_a_loss_that_is_no_number_is_one_sentence(card):
    card(T4)
    lm = adapted()
    with torch.no_grad():
        lm.model.get_input_embeddings().weight.fill_(math.nan)
    with pytest.raises(FloatingPointError, match="not a number in float16"):
        run(lm)


def test_all_weights_can_be_trained_and_are_widened(card):
    card(T4)
    lm = load_model(STUDENT)
    losses = train(lm, EXAMPLES, 2, 4, 1e-3, progress=False)
    assert {w.dtype for w in lm.model.parameters()} == {torch.float32}
    assert losses[-1] < losses[0]


def test_a_plan_head_is_trained_wide_and_used_narrow(card):
    card(T4)
    lm = adapted(PLAN_STUDENT)
    head = plan_head(lm)
    before, widths = head.weight.detach().clone(), set()
    run_two(lm, head=head, watch=lambda _: widths.add(head.weight.dtype))
    assert widths == {torch.float32} and head.weight.dtype == torch.float16
    assert not torch.equal(head.weight, before)
    student_plans(lm, PROBLEMS[:1], 1, 0, head=head, max_new_tokens=4,
                  progress=False)


def test_an_adapter_merges_into_16_bits(card, tmp_path):
    card(T4)
    lm = adapted()
    run(lm)
    save_adapter(lm, tmp_path / "adapter", base=STUDENT)
    narrow = load_student(STUDENT, tmp_path / "adapter").model
    card(None)
    wide = load_student(STUDENT, tmp_path / "adapter").model
    plain = load_model(STUDENT).model
    assert {w.dtype for w in narrow.parameters()} == {torch.float16}
    moved = 0.0
    for one, other, start in zip(narrow.parameters(), wide.parameters(),
                                 plain.parameters()):
        assert torch.allclose(one.float(), other, rtol=1e-3, atol=3e-4)
        moved = max(moved, (other - start).abs().max().item())
    assert moved > 0.01              # far above what rounding does


# ---- memory that runs out ----

def fail_at(lm, number, error=torch.OutOfMemoryError):
    """The model's forward raises at its call ``number``; how to end that."""
    real, calls = lm.model.forward, []

    def forward(*given, **named):
        calls.append(1)
        if len(calls) == number:
            raise error("CUDA out of memory. Tried to allocate 3.62 GiB.")
        return real(*given, **named)

    lm.model.forward = forward
    return lambda: setattr(lm.model, "forward", real)


@pytest.mark.parametrize("go, name, knob", [
    (run, STUDENT, r"fewer rows \(now rows=2\).*profile.batch_size \(now 4"),
    (run_two, PLAN_STUDENT, r"profile.plan_rows \(now 2\).*profile."
                            r"plan_length \(now 300\)")])
def test_out_of_memory_names_the_knob_and_keeps_the_steps(go, name, knob,
                                                          tmp_path):
    options = {"rows": 2} | ({"most": 300} if go is run_two else {})
    path, whole, lm = tmp_path / "state.pt", adapted(name), adapted(name)
    losses = go(whole, **options)
    after = fail_at(lm, 6 if go is run else 10)
    with pytest.raises(MemoryError, match=knob) as found:
        go(lm, checkpoint=path, **options)
    kept = len(torch.load(path)["losses"])
    assert kept == 2 and f"the {kept} updates before" in str(found.value)
    assert "in update 3" in str(found.value)
    # No traceback holds on to the tensors of the failed forward pass.
    assert found.value.__context__ is None
    assert not lm.model.training
    assert all(w.grad is None for w in trained(lm))
    after()
    fresh = adapted(name)
    assert go(fresh, checkpoint=path, **options) == losses
    assert torch.equal(flat(fresh), flat(whole))
    assert go(lm, **options) == losses          # its weights were put back
    fewer = adapted(name)                       # the knob turned: same run
    assert len(go(fewer, checkpoint=path, **options | {"rows": 1})) == 4


def test_an_optimiser_that_does_not_fit_is_one_sentence(monkeypatch,
                                                        tmp_path):
    def full(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory.")
    monkeypatch.setattr(torch.optim.AdamW, "step", full)
    with pytest.raises(MemoryError, match="lower profile.lora_rank"):
        run(adapted(), checkpoint=tmp_path / "state.pt")
    assert not (tmp_path / "state.pt").exists()  # half an update is none
