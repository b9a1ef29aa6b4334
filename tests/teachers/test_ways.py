"""Models of every kind: sampled as ``generate`` would, or refused."""

import pytest
import torch
from transformers import (AutoConfig, AutoModelForCausalLM,
                          AutoModelForSeq2SeqLM)

from helpers.sampling import sample
from helpers.teachers import checkpoint
from helpers.teachers.checkpoint import LanguageModel, load_tokenizer
from helpers.teachers.decoding import continued
from helpers.teachers.families import Way

TOKENIZER = load_tokenizer("data/mini/models/teacher")
SIZES = dict(vocab_size=len(TOKENIZER), hidden_size=32, intermediate_size=48,
             num_hidden_layers=2, num_attention_heads=4,
             num_key_value_heads=2, max_position_embeddings=256)
HEADS = dict(SIZES, num_key_value_heads=4)
EXPERTS = dict(n_routed_experts=4, num_experts_per_tok=2, n_group=1,
               topk_group=1, moe_intermediate_size=16)
WINDOW = dict(sliding_window=9, head_dim=8,
              layer_types=["sliding_attention", "full_attention"])
FEW = dict(num_local_experts=4, num_experts_per_tok=2)
STATE = dict(mamba_n_heads=8, mamba_d_head=8, mamba_d_state=8, mamba_expand=2)
GATED = dict(linear_num_key_heads=2, linear_num_value_heads=4,
             linear_key_head_dim=8, linear_value_head_dim=8, head_dim=8,
             layer_types=["linear_attention", "full_attention"])
OLD = dict(vocab_size=len(TOKENIZER), hidden_size=32, num_hidden_layers=2,
           num_attention_heads=4)
SEQ2SEQ = dict(vocab_size=len(TOKENIZER), d_model=32, d_ff=48, d_kv=8,
               num_heads=4, num_layers=2, num_decoder_layers=2,
               decoder_start_token_id=0)
# Keys and values are all that these keep: our decoding.
OURS = {
    "llama": SIZES, "bloom": OLD, "gpt_neox": SIZES, "t5": SEQ2SEQ,
    "mistral": dict(SIZES, sliding_window=9),
    "gemma2": dict(SIZES, sliding_window=9, head_dim=8),
    "qwen2": dict(SIZES, sliding_window=9, use_sliding_window=True,
                  max_window_layers=1),
    "mixtral": dict(SIZES, **FEW), "granite": SIZES,
    "gemma3_text": dict(SIZES, **WINDOW),
    "gpt_oss": dict(SIZES, **FEW, **WINDOW),
    # from some length on, all positions are told in another way
    "phi3": dict(SIZES, original_max_position_embeddings=24, rope_parameters={
        "rope_type": "longrope", "rope_theta": 1e4, "short_factor": [1.0] * 4,
        "long_factor": [3.0] * 4, "original_max_position_embeddings": 24}),
    "qwen3_moe": dict(SIZES, head_dim=8, num_experts=4,
                      num_experts_per_tok=2, moe_intermediate_size=16),
    "deepseek_v3": dict(HEADS, **EXPERTS, kv_lora_rank=8, q_lora_rank=8,
                        qk_rope_head_dim=4, qk_nope_head_dim=8,
                        v_head_dim=12, first_k_dense_replace=1)}
# A state elsewhere, or of another kind: the library's.
LIBRARY = {
    "mamba": dict(OLD, state_size=8),
    # looks through a window that only the library's cache has
    "moshi": dict(SIZES, num_key_value_heads=4, sliding_window=20),
    "mamba2": dict(OLD, num_heads=8, head_dim=8, state_size=8, n_groups=2),
    "falcon_mamba": dict(OLD, state_size=8),
    "granitemoehybrid": dict(
        SIZES, **FEW, **STATE, shared_intermediate_size=16,
        layer_types=["mamba", "attention"]),
    "bamba": dict(SIZES, **STATE, attn_layer_indices=[1]),
    "jamba": dict(SIZES, attn_layer_period=2, attn_layer_offset=1,
                  num_experts=4, mamba_d_state=8, mamba_dt_rank=4,
                  use_mamba_kernels=False),
    "nemotron_h": dict(SIZES, num_hidden_layers=3,
                       hybrid_override_pattern="M*-", head_dim=8, n_groups=2,
                       mamba_num_heads=8, mamba_head_dim=8, ssm_state_size=8),
    "rwkv": OLD, "recurrent_gemma": dict(
        SIZES, num_hidden_layers=3, lru_width=32, attention_window_size=9,
        head_dim=8),
    "qwen3_next": dict(SIZES, **GATED, num_experts=4, num_experts_per_tok=2,
                       moe_intermediate_size=16,
                       shared_expert_intermediate_size=16),
    "lfm2": dict(SIZES, layer_types=["conv", "full_attention"]),
    "falcon_h1": dict(SIZES, mamba_d_ssm=64, mamba_n_heads=8, mamba_d_head=8,
                      mamba_d_state=8),
    "switch_transformers": dict(SEQ2SEQ, num_experts=4, expert_capacity=64)}
PROMPTS = {"short": "# Ann has 3 pens.\n", "long": (
    "# Ann starts with 9 shells. On Monday Ann finds 4. How many?\n")}


def build(family, sizes):
    """A small model of random weights, which are large enough to matter."""
    torch.manual_seed(0)
    kind = (AutoModelForSeq2SeqLM if sizes is SEQ2SEQ or "d_kv" in sizes
            else AutoModelForCausalLM)
    model = kind.from_config(AutoConfig.for_model(
        family, **sizes, bos_token_id=1, eos_token_id=None,
        pad_token_id=0)).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(4)
    # a setting that generate would follow and no sample must
    model.generation_config.repetition_penalty = 1.5
    return LanguageModel(family, model, TOKENIZER)


def whole(text):
    return text, "length"


def greedy(lm, text, most=12):
    ids = torch.tensor([lm.prompt_ids(text)])
    found = lm.model.generate(
        ids, attention_mask=torch.ones_like(ids), do_sample=False,
        max_new_tokens=most, repetition_penalty=1.0, eos_token_id=None,
        pad_token_id=0)
    row = found[0, -most:].tolist()
    end = row.index(TOKENIZER.eos_token_id) if (
        TOKENIZER.eos_token_id in row) else most
    return TOKENIZER.decode(row[:end], clean_up_tokenization_spaces=False)


@pytest.mark.parametrize("family", [*OURS, *LIBRARY])
def test_greedy_samples_are_those_of_generate(family, monkeypatch):
    lm = build(family, {**OURS, **LIBRARY}[family])
    drawn = sample(lm, PROMPTS, 2, temperature=0, max_new_tokens=12,
                   progress=False, cut=whole)
    for row in drawn:
        assert row.completion.rstrip("\n") == greedy(
            lm, PROMPTS[row.task_id]).rstrip("\n")
    assert lm.way.ours == (family in OURS)
    # random numbers are a row's own, on either way, padded or alone
    options = dict(temperature=1.0, max_new_tokens=12, progress=False,
                   cut=whole)
    alone = sample(lm, PROMPTS, 3, **options)
    assert len({row.completion for row in alone}) > 3
    assert sample(lm, PROMPTS, 3, sequences=2, **options) == alone
    sliced = checkpoint.batches_of
    monkeypatch.setattr(
        checkpoint, "batches_of",
        lambda *them, mixed: sliced(*them, mixed=True))
    assert sample(lm, PROMPTS, 3, **options) == alone


def test_the_way_hangs_on_no_weights_and_is_tried_in_eval_mode():
    lm = build("llama", dict(SIZES, attention_dropout=0.5))
    lm.model.train()
    assert lm.way == Way(True, True) and lm.model.training
    assert lm.model.generation_config.repetition_penalty == 1.5


def test_a_first_token_that_is_fixed_is_first():
    """A language, say; generate takes it from the checkpoint, too."""
    lm = build("bart", dict(
        vocab_size=len(TOKENIZER), d_model=32, encoder_layers=2, d_kv=8,
        decoder_layers=2, encoder_attention_heads=4, encoder_ffn_dim=48,
        decoder_attention_heads=4, decoder_ffn_dim=48, init_std=0.2,
        decoder_start_token_id=0))
    lm.model.generation_config.forced_bos_token_id = 5
    lm.model.generation_config.forced_eos_token_id = None    # of the length
    drawn = sample(lm, PROMPTS, 2, temperature=0, max_new_tokens=12,
                   progress=False, cut=whole)
    first = TOKENIZER.decode([5])
    assert {row.completion for row in drawn} == {
        greedy(lm, text) for text in PROMPTS.values()}
    assert all(row.completion.startswith(first) for row in drawn)


def test_places_for_tokens_that_end_are_one_sentence():
    lm = build("gpt2", dict(vocab_size=len(TOKENIZER), n_embd=32, n_layer=2,
                            n_head=4, n_positions=32))
    with pytest.raises(ValueError, match="has places for 32 tokens") as told:
        sample(lm, PROMPTS, 2, max_new_tokens=40, progress=False)
    assert "\n" not in str(told.value)
    assert len(sample(lm, {"empty": ""}, 2, max_new_tokens=4, cut=whole,
                      progress=False)) == 2


def test_marks_of_a_beginning_stay_and_of_an_end_go():
    class Marking:
        bos_token_id, eos_token_id, pad_token_id = 1, 2, None

        def __call__(self, text, **_):
            return {"input_ids": [1, *map(ord, text), 2]}
    lm = LanguageModel("m", build("llama", SIZES).model, Marking())
    assert lm.prompt_ids("abc") == [1, 97, 98, 99]
    assert lm.prompt_ids("abc", 3) == [1, 98, 99]
    assert lm.prompt_ids("") == [1]


@pytest.mark.parametrize("pieces, text", [
    (["▁▁▁▁", "x"], "    x"), (["▁x"], "x"), (["x"], "x"),
    (["▁", "▁▁", "x"], "   x")])
def test_a_line_that_is_set_in_stays_so(pieces, text):
    class Pieces(list):
        def decode(self, ids, **_):
            return "".join(self[i] for i in ids).replace("▁", " ")[
                self[ids[0]].startswith("▁"):]

        def convert_ids_to_tokens(self, ids):
            return [self[i] for i in ids]
    assert continued(Pieces(pieces), [*range(len(pieces)), 99]) == text


def test_what_not_even_the_library_samples_is_refused_by_name(tmp_path):
    class Odd(type(build("llama", SIZES).model)):
        def generate(self, *_, **__):
            raise NotImplementedError("no generation\nfor this one")
    model = Odd(AutoConfig.for_model("llama", **SIZES)).eval()
    cache = tmp_path / "samples.jsonl"
    with pytest.raises(ValueError, match="family 'llama' cannot be") as told:
        sample(LanguageModel("odd", model, TOKENIZER), PROMPTS, 2,
               cache=cache, progress=False)
    assert "\n" not in str(told.value) and not cache.exists()
