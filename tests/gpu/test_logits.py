"""A batch in pieces: few logits at a time, few rows, and the same result."""

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import (AutoModelForCausalLM, AutoModelForSeq2SeqLM,
                          CodeGenConfig, GPTJConfig, GPTNeoConfig, LlamaConfig,
                          Qwen2Config, T5Config)

from helpers import training
from helpers.distillation import distil
from helpers.filtering import Example
from helpers.gpu import logits, precision
from helpers.multitask import plan_head
from helpers.prompts import zero_shot_prompt
from helpers.teachers.checkpoint import LanguageModel, load_model
from helpers.training import accumulate, add_lora, encode, train

STUDENT = "data/mini/models/student"
EXAMPLES = [Example(f"t/{i}", zero_shot_prompt(f"Ann starts with {i} cups."),
                    f"start = {i}\nanswer = start\n") for i in range(8)]


def adapted(name=STUDENT):
    return add_lora(load_model(name), rank=4, seed=0)


def trained(lm):
    return [w for w in lm.model.parameters() if w.requires_grad]


def flat(lm):
    return torch.cat([w.detach().flatten() for w in trained(lm)])


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
        model = load_model(f"data/mini/models/{name}").model
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


# ---- few rows at a time ----

def test_rows_change_neither_losses_nor_weights():
    teacher = load_model("data/mini/models/teacher")
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
