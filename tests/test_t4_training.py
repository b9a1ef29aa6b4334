"""Training where numbers are 16 bits wide and memory is short.

A CPU computes in float16 too, slowly: the code that a T4 runs is run here.
"""

import math

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (
    AutoModelForCausalLM, AutoModelForSeq2SeqLM, CodeGenConfig, GPTJConfig,
    GPTNeoConfig, LlamaConfig, Qwen2Config, T5Config)

from helpers import training
from helpers.distillation import distil
from helpers.filtering import Example
from helpers.gpu import logits, memory, precision
from helpers.multitask import (code_examples, plan_examples, plan_head,
                               student_plans, train_two_tasks)
from helpers.plans import Plan
from helpers.problems import load_problems
from helpers.prompts import zero_shot_prompt
from helpers.teachers.checkpoint import LanguageModel, load_model
from helpers.training import (accumulate, add_lora, encode, encode_for,
                              load_student, save_adapter, train)

STUDENT, PLAN_STUDENT = "data/mini/student", "data/mini/plan-student"
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
        lm.model(input_ids=torch.arange(9)[None])
    assert seen == {dtype}           # base and adapter alike


@pytest.mark.parametrize("capability", [T4, A100, None])
def test_t5_is_trained_in_32_bits_everywhere(card, capability):
    card(capability)
    lm = adapted("data/mini/plan-student-t5")
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


# ---- few logits at a time ----

SMALL = dict(vocab_size=300, bos_token_id=0, eos_token_id=0, pad_token_id=0)
ROWS = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
            intermediate_size=64, num_key_value_heads=2)
FAMILIES = {
    "qwen2": Qwen2Config(**SMALL, **ROWS),
    "qwen2-tied": Qwen2Config(**SMALL, **ROWS, tie_word_embeddings=True),
    "llama": LlamaConfig(**SMALL, **ROWS),
    "gpt_neo": GPTNeoConfig(**SMALL, hidden_size=32, num_layers=2,
                            num_heads=4, max_position_embeddings=128,
                            attention_types=[[["global", "local"], 1]]),
    "gptj": GPTJConfig(**SMALL, n_embd=32, n_layer=2, n_head=4, rotary_dim=4,
                       n_positions=128),
    "codegen": CodeGenConfig(**SMALL, n_embd=32, n_layer=2, n_head=4,
                             rotary_dim=4, n_positions=128),
    "t5": T5Config(**SMALL, d_model=32, d_kv=8, d_ff=64, num_layers=2,
                   num_heads=4, decoder_start_token_id=0),
}


class Ends:
    """As much of a tokenizer as a batch of numbers needs."""

    eos_token_id = pad_token_id = 0


def random_model(config, seed=0):
    torch.manual_seed(seed)
    kind = (AutoModelForSeq2SeqLM if config.is_encoder_decoder
            else AutoModelForCausalLM)
    return add_lora(LanguageModel("random", kind.from_config(config).eval(),
                                  Ends()),
                    rank=4)


def random_batch(lm, vocabulary=300, lengths=(9, 30, 17)):
    generator = torch.Generator().manual_seed(1)
    rows = [torch.randint(1, vocabulary, (n,), generator=generator).tolist()
            for n in lengths]
    if lm.model.config.is_encoder_decoder:
        return [(row, row[:6]) for row in rows]
    return [(row, [-100] * 5 + row[5:]) for row in rows]


def measured(lm, work):
    """(loss, gradient) of work(), from no gradient."""
    lm.model.zero_grad()
    loss = work()
    return loss, torch.cat([w.grad.flatten() for w in trained(lm)])


@pytest.mark.parametrize("family", FAMILIES)
def test_pieces_add_up_in_every_family(family, monkeypatch):
    lm = random_model(FAMILIES[family])
    with torch.no_grad():            # so that A, too, has a gradient
        for weight in trained(lm):
            weight.normal_(std=0.1)
    batch, head = random_batch(lm), plan_head(lm)
    with torch.no_grad():
        head.weight.mul_(1.1)

    def both():
        found = []
        for layer in (None, head):
            head.zero_grad()
            found += measured(lm, lambda: accumulate(
                lm, batch, 0.7, rows=2, head=layer))
            found.append(head.weight.grad)
        if not lm.model.config.is_encoder_decoder:
            found += measured(lm, lambda: objective_of(lm, batch))
        return found

    whole = both()
    monkeypatch.setattr(logits, "SMALL", 0)
    in_one = both()                  # of the places that count
    monkeypatch.setattr(logits, "ROOM", 7 * 300)        # seven tokens
    calls, real = [], logits.piece
    monkeypatch.setattr(logits, "piece", lambda *given: calls.append(
        len(given[1])) or real(*given))
    pieces = both()
    assert max(calls) == 7 and len(calls) > 4
    for one, other in [*zip(whole, pieces, strict=True),
                       *zip(whole, in_one, strict=True)]:
        if torch.is_tensor(one):
            assert one.abs().max() > 1e-4
            assert torch.allclose(one, other, atol=1e-6)
        else:
            assert one == other if one is None else (
                other == pytest.approx(one, rel=1e-5))
    own = lm.model.get_output_embeddings()
    assert isinstance(own, torch.nn.Linear)


def objective_of(lm, batch):
    loss = training.batch_loss(lm, batch, range(len(batch)), training.plain)
    loss.backward()
    return loss.item()


class Largest(TorchDispatchMode):
    """The most numbers that one tensor had, views included."""

    def __init__(self):
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, call, types, args=(), kwargs=None):
        out = call(*args, **(kwargs or {}))
        for value in out if isinstance(out, (tuple, list)) else (out,):
            if torch.is_tensor(value):
                self.numbers = max(self.numbers, value.numel())
        return out


def test_no_tensor_holds_the_logits_of_a_large_vocabulary(monkeypatch):
    """Qwen's 151,936 tokens: neither forward nor back, nor kept between."""
    size = 151936
    lm = random_model(Qwen2Config(**SMALL | {"vocab_size": size}, **ROWS
                                  | {"hidden_size": 16}))
    batch = random_batch(lm, size, (100, 120))
    monkeypatch.setattr(logits, "SMALL", 20 * size)
    monkeypatch.setattr(logits, "ROOM", 20 * size)
    found = {}
    for family in ((), logits.FAMILIES):       # at once, then in pieces
        monkeypatch.setattr(logits, "FAMILIES", family)
        kept = []
        with Largest() as largest, torch.autograd.graph.saved_tensors_hooks(
                lambda t: kept.append(t.numel()) or t, lambda t: t):
            told = measured(lm, lambda: accumulate(lm, batch, 1.0))
            again = measured(lm, lambda: objective_of(lm, batch))
        assert torch.allclose(told[1], again[1], atol=1e-7)
        found[bool(family)] = (largest.numbers, max(kept), *told)
    assert found[False][0] == 2 * 120 * size
    assert found[True][0] == 20 * size        # the output layer has 16 * size
    assert found[True][1] <= 16 * size        # logits are not kept at all
    assert found[True][2] == pytest.approx(found[False][2], rel=1e-6)
    assert torch.allclose(found[True][3], found[False][3], atol=1e-7)


def test_the_mini_world_makes_its_logits_at_once():
    """Or its shipped results would change in their last bits."""
    for name in ("student", "plan-student", "plan-student-t5"):
        model = load_model(f"data/mini/{name}").model
        assert not logits.too_many(model, 32 * 256)    # of a padded rival
    assert logits.too_many(random_model(
        Qwen2Config(**SMALL | {"vocab_size": 151936}, **ROWS)).model, 16 * 400)


def test_a_batch_without_a_trained_token_is_an_error(monkeypatch):
    monkeypatch.setattr(logits, "SMALL", 0)
    lm = random_model(FAMILIES["qwen2"])
    with pytest.raises(ValueError, match="no token of this batch"):
        training.batch_loss(lm, [([1, 2, 3], [-100] * 3)], [0],
                            training.plain)


def kept_by_a_layer(dtype):
    """Bytes that a layer as wide as the colab student's keeps a token."""
    shape = dict(hidden_size=896, intermediate_size=4864,
                 num_attention_heads=14, num_key_value_heads=2)
    found = []
    for layers in (1, 2):
        model = AutoModelForCausalLM.from_config(Qwen2Config(
            **SMALL, **shape, num_hidden_layers=layers), dtype=dtype)
        lm = add_lora(LanguageModel("wide", model, Ends()), rank=16)
        own = {w.untyped_storage().data_ptr() for w in model.parameters()}
        storages, alive = {}, []

        def keep(tensor):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                storages[storage.data_ptr()] = storage.nbytes()
                alive.append(tensor)          # or its address is used again
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda t: t):
            with precision.autocast(lm.model), logits.using_head(
                    lm.model, torch.nn.Identity()):
                hidden = lm.model(input_ids=torch.ones(
                    2, 40, dtype=torch.long)).logits
        assert hidden.requires_grad
        found.append(sum(storages.values()) / 80)
    return found[1] - found[0]


def test_a_batch_of_the_colab_student_fits_on_a_t4():
    """Qwen2.5-Coder-0.5B, 16 rows of 400 tokens; in 32 bits they would not.

    What is not counted, at most 2 GiB: the pieces of logits, and what the
    way back makes of one layer.
    """
    places, layers, weights = 16 * 400, 24, 494e6
    room = (14.5 - 2) * 2 ** 30
    narrow = kept_by_a_layer(torch.float16)
    assert places * layers * narrow + 2 * weights < room
    wide = kept_by_a_layer(torch.float32)
    assert places * layers * wide + 4 * weights > room


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


# ---- parts of a batch ----

def test_rows_change_neither_losses_nor_weights():
    teacher = load_model("data/mini/teacher")
    long = [Example(e.task_id, e.prompt, e.completion * (1 + i % 3))
            for i, e in enumerate(EXAMPLES)]         # parts of unequal weight
    for objective in (training.plain, distil(teacher, long)):
        whole, parts = adapted(), adapted()
        settings = dict(objective=objective, progress=False)
        losses = train(whole, long, 2, 5, 1e-2, **settings)
        assert train(parts, long, 2, 5, 1e-2, rows=2, **settings) == (
            pytest.approx(losses, rel=1e-3))
        assert torch.allclose(flat(whole), flat(parts), atol=1e-3)


def test_a_part_weighs_by_its_tokens():
    """The gradient of parts is that of the batch, to the last digits."""
    lm = adapted()
    batch = [encode(lm.tokenizer, Example("", "Q", "x = 1\n" * n))
             for n in (1, 2, 9)]
    whole = measured(lm, lambda: objective_of(lm, batch))
    seen = {}

    def stop(optimizer, scaler, rate, gradients):
        seen["found"] = measured(lm, gradients)

    training.update, real = stop, training.update
    try:
        with pytest.raises(MemoryError):
            train(lm, [Example("", "Q", "x = 1\n" * n) for n in (1, 2, 9)],
                  1, 3, 1e-2, rows=1, progress=False)
    finally:
        training.update = real
    assert seen["found"][0] == pytest.approx(whole[0], rel=1e-5)
    assert torch.allclose(seen["found"][1], whole[1], atol=1e-6)
