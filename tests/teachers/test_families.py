"""Every family of models that a profile names, through the very functions
that the notebooks call: small checkpoints, real classes, real tokenizers.
"""

import re
import shutil
from pathlib import Path

import pytest
import torch

import standin_data
import standins
from helpers.filtering import Example
from helpers.gpu.logits import using_head
from helpers.multitask import (code_examples, direct, plan_examples, plan_head,
                               student_plans, train_two_tasks)
from helpers.plans import PLAN_EXEMPLARS, Plan, elicit
from helpers.problems import READERS
from helpers.prompts import (EXEMPLARS as SHOWN, cut_section, few_shot_prompt,
                             zero_shot_prompt)
from helpers.sampling import sample
from helpers.teachers.checkpoint import load_model
from helpers.training import (IGNORED, add_lora, encode_for, load_student,
                              predict, save_adapter, task_loss, train)
from repeated import same_losses, same_weights

KINDS = [kind for kind in standins.KINDS if kind != "t5"]
ROWS = standin_data.gsm_rows(3, 6)
GSM = [READERS["gsm8k"](row, f"gsm8k/train/{i}")
       for i, row in enumerate(ROWS)]
APPS = [READERS["apps"](row, f"apps/train/{i}")
        for i, row in enumerate(standin_data.apps_rows(3, 6))]
PAIRS = [Example(p.task_id, zero_shot_prompt(p.question),
                 f"n0 = {i}.0\nanswer = n0\n") for i, p in enumerate(GSM)]
CODES = code_examples(APPS)
PLANS = plan_examples(APPS, [Plan(p.task_id, "backward", 0, 0,
                                  "1. Read n.\n2. Print it.\n")
                             for p in APPS])
# The linear layers of a block, and nothing else, get adapters.
ADAPTED = {
    "qwen2": "q_proj k_proj v_proj o_proj gate_proj up_proj down_proj",
    "gpt-neo": "q_proj k_proj v_proj out_proj c_fc c_proj",
    "gpt-j": "q_proj k_proj v_proj out_proj fc_in fc_out",
    "codegen": "qkv_proj out_proj fc_in fc_out",
    "codet5": "q k v o wi wo", "t5": "q k v o wi_0 wi_1 wo"}
ADAPTED["qwen2-instruct"] = ADAPTED["qwen2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("standins")


@pytest.fixture(scope="module")
def built(folder):
    """{kind: its checkpoint}, each built once."""
    return {kind: str(standins.build(kind, folder / kind))
            for kind in standins.KINDS}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def weights(lm):
    return torch.cat([w.detach().flatten() for w in lm.model.parameters()
                      if w.requires_grad])


def logits(lm, examples=PAIRS[:3]):
    with torch.inference_mode():
        return predict(lm, [encode_for(lm, e) for e in examples])[0]


# ---- what is loaded ----

def test_the_real_tokenizer_class_is_loaded_and_loses_no_letter(kind, built):
    lm = load_model(built[kind])
    names = {"gpt-neo": "GPT2Tokenizer", "gpt-j": "GPT2Tokenizer",
             "codegen": "CodeGenTokenizer", "codet5": "RobertaTokenizer"}
    assert type(lm.tokenizer).__name__ == names.get(kind, "Qwen2Tokenizer")
    text = "# é?\nif n > 1:\n\n    n  = [n,\t'x' ]  # 12.50\n\nanswer = n\n"
    ids = lm.tokenizer(text, add_special_tokens=False)["input_ids"]
    assert lm.tokenizer.decode(
        ids, clean_up_tokenization_spaces=False) == text
    newlines = set(lm.newline_tokens.tolist())
    assert sum(i in newlines for i in ids) >= 4
    rows = lm.model.get_input_embeddings().weight.shape[0]
    padded = {"qwen2": 768, "qwen2-instruct": 768, "codegen": 773}
    assert rows == padded.get(kind, len(lm.tokenizer)) >= len(lm.tokenizer)
    assert lm.tokenizer.eos_token == {
        "qwen2-instruct": "<|im_end|>", "codet5": "</s>"}.get(
            kind, "<|endoftext|>")
    assert lm.model.dtype == torch.float32 and not lm.model.training


def test_weights_that_only_pickle_holds_name_the_model_too(built, folder):
    """GPT-J, CodeGen and CodeT5 come in pytorch_model.bin."""
    other = standins.build("gpt-j", folder / "other" / "gpt-j", seed=1)
    assert not list(other.glob("*.safetensors"))
    names = {load_model(path).name for path in (built["gpt-j"], str(other))}
    assert len(names) == 2


def test_t5s_own_tokenizer_cannot_write_a_program(built):
    """Why the profiles name CodeT5: T5's pieces know no line break."""
    lm = load_model(built["t5"])
    ids = lm.tokenizer("n = 1\nprint(n)\n")["input_ids"]
    assert "\n" not in lm.tokenizer.decode(ids)
    assert len(lm.newline_tokens) == 0


# ---- sampling ----

def test_greedy_sampling_is_that_of_the_library(kind, built):
    lm = load_model(built[kind])
    for prompt in (zero_shot_prompt(GSM[0].question), "n = 1\n" * 30):
        ids = torch.tensor([lm.prompt_ids(prompt)], device=lm.model.device)
        theirs = lm.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False,
            max_new_tokens=24, repetition_penalty=1.0,
            temperature=None, top_p=None, top_k=None,
            pad_token_id=lm.tokenizer.eos_token_id)
        start = 1 if lm.model.config.is_encoder_decoder else ids.shape[1]
        row = theirs[0, start:].tolist()
        ends = [row.index(end) for end in lm.end_tokens if end in row]
        text = lm.tokenizer.decode(row[:min(ends, default=None)],
                                   clean_up_tokenization_spaces=False)
        text += "\n" * (bool(ends) and not text.endswith("\n"))
        ours, = sample(lm, {"t": prompt}, 1, temperature=0, progress=False,
                       max_new_tokens=24, cut=lambda text: (text, "length"))
        assert ours.completion == text


def test_samples_are_cached_go_on_and_depend_on_their_seed(
        kind, built, tmp_path):
    chat = kind == "qwen2-instruct"
    lm = load_model(built[kind], chat=chat)
    asked = {p.task_id: few_shot_prompt(p.question, SHOWN["gsm8k"])
             for p in GSM[:2]}
    options = dict(temperature=0.8, max_new_tokens=8, progress=False,
                   max_prompt_tokens=300)
    some = sample(lm, asked, 2, cache=tmp_path / "a.jsonl", **options)
    more = sample(lm, asked, 4, cache=tmp_path / "a.jsonl", **options)
    assert more == sample(lm, asked, 4, sequences=3, **options)
    assert [s for s in more if s.sample_index < 2] == some
    assert len({s.completion for s in more}) > 4
    assert ("-chat" in lm.name) == chat
    assert more != sample(lm, asked, 4, seed=1, **options)


def test_the_instruct_model_is_asked_in_its_template(built):
    lm = load_model(built["qwen2-instruct"], chat=True)
    text = lm.tokenizer.decode(lm.prompt_ids("# Two and two?\n"))
    assert text.startswith("<|im_start|>system\n")
    assert "<|im_start|>user\n# Two and two?" in text
    assert text.endswith("<|im_end|>\n<|im_start|>assistant\n")
    # a mark of the template is one token, and the base model ends otherwise
    assert lm.prompt_ids("x")[0] == lm.tokenizer.convert_tokens_to_ids(
        "<|im_start|>")
    with pytest.raises(ValueError, match="no chat template"):
        load_model(built["gpt-neo"], chat=True)


def test_plans_are_elicited(kind, built):
    lm = load_model(built[kind], chat=kind == "qwen2-instruct")
    for way in ("forward", "backward-with-question"):
        plans = elicit(lm, APPS[:2], way, PLAN_EXEMPLARS["apps"], 2, 1, 0.9,
                       max_new_tokens=12, max_prompt_tokens=400,
                       progress=False)
        assert plans and {p.task_id for p in plans} <= {
            p.task_id for p in APPS[:2]}
        assert all(cut_section(p.text)[0] == p.text for p in plans
                   if p.text.endswith("\n"))


def test_four_bits_on_the_processor(built):
    """NF4 by bitsandbytes: the blocks' layers, not the head."""
    pytest.importorskip("bitsandbytes")
    lm = load_model(built["qwen2-instruct"], four_bit=True, chat=True)
    kinds = {name.split(".")[-1]: type(part).__name__
             for name, part in lm.model.named_modules()}
    assert {kinds[name] for name in ADAPTED["qwen2"].split()} == {
        "Linear4bit"}
    assert kinds["lm_head"] == "Linear" and "-nf4" in lm.name
    drawn = sample(lm, {"t": "# Two and two?\n"}, 3, max_new_tokens=6,
                   progress=False)
    assert len({s.completion for s in drawn}) == 3
    whole = load_model(built["qwen2-instruct"], chat=True)
    ids = torch.tensor([whole.prompt_ids("# Two and two?\n")],
                       device=whole.model.device)
    with torch.inference_mode():
        exact, rough = (m.model(ids).logits.float() for m in (whole, lm))
    assert not torch.equal(exact, rough)
    assert torch.nn.functional.cosine_similarity(
        exact.flatten(), rough.flatten(), dim=0) > 0.9


# ---- training ----

@pytest.mark.parametrize("kind", standins.KINDS)
def test_adapters_sit_on_the_layers_of_the_blocks(kind, built):
    lm = add_lora(load_model(built[kind]), rank=2)
    found = {name.rpartition(".lora_A")[0].rpartition(".")[2]
             for name, _ in lm.model.named_parameters() if "lora_A" in name}
    assert found == set(ADAPTED[kind].split())
    learnt = [name for name, w in lm.model.named_parameters()
              if w.requires_grad]
    assert learnt and all("lora_" in name for name in learnt)
    blocks = [name for name, part in lm.model.base_model.model.named_modules()
              if isinstance(part, torch.nn.Linear) and "lora_" not in name]
    per_block = len(learnt) // 2
    assert per_block == sum(name.endswith("base_layer") for name in blocks)


def test_a_student_is_trained_saved_merged_and_resumed(
        kind, built, tmp_path):
    def fresh():
        return add_lora(load_model(built[kind]), rank=2, seed=0)

    def run(lm, **options):
        if lm.model.config.is_encoder_decoder:     # trained in notebook 06
            return train_two_tasks(lm, CODES[:6], PLANS[:6], 3, 2, 1e-2,
                                   progress=False, **options)
        return train(lm, PAIRS, 1, 2, 1e-2, progress=False, **options)

    def killed(losses):
        if len(losses) == 2:
            raise KeyboardInterrupt
    student = fresh()
    start = logits(student)
    losses = run(student, checkpoint=tmp_path / "whole.pt")
    assert len(losses) == 3
    after = logits(student)
    assert (after - start).abs().max() > 1e-3
    # a second call does nothing, and comes to the same weights
    again = fresh()
    assert same_losses(run(again, checkpoint=tmp_path / "whole.pt"), losses)
    assert same_weights(weights(again), weights(student))
    # a run that was killed after two steps goes on as if it had not been
    part, resumed = {"checkpoint": tmp_path / "part.pt"}, fresh()
    if resumed.model.config.is_encoder_decoder:
        with pytest.raises(KeyboardInterrupt):
            run(fresh(), save_every=1, watch=killed, **part)
    else:
        assert same_losses(run(fresh(), stop_after=2, **part), losses[:2])
    assert same_losses(run(resumed, **part), losses)
    assert same_weights(weights(resumed), weights(student))
    # saved, loaded, merged: the same model
    save_adapter(student, tmp_path / "adapter", base=built[kind])
    merged = load_student(built[kind], tmp_path / "adapter")
    assert torch.allclose(logits(merged), after, atol=1e-4)
    assert not any("lora" in name for name, _ in
                   merged.model.named_parameters())
    assert sample(merged, {"t": PAIRS[0].prompt}, 2, max_new_tokens=5,
                  progress=False)
    # the merged model is a checkpoint as the base was
    merged.model.save_pretrained(tmp_path / "merged")
    for path in Path(built[kind]).iterdir():
        if re.search("token|vocab|merges", path.name):
            shutil.copy(path, tmp_path / "merged")
    reloaded = load_model(str(tmp_path / "merged"))
    assert torch.allclose(logits(reloaded), after, atol=1e-4)


def test_what_is_trained_ends_with_the_end_that_sampling_looks_for(
        kind, built):
    lm = load_model(built[kind])
    for example in (CODES[0], PLANS[0]):
        ids, labels = encode_for(lm, example)
        told = [i for i in labels if i != IGNORED]
        assert told[-1] == lm.tokenizer.eos_token_id
        assert lm.tokenizer.decode(
            told[:-1], clean_up_tokenization_spaces=False) == (
            example.completion)
        assert lm.prompt_ids(example.prompt) == (
            ids if lm.model.config.is_encoder_decoder
            else ids[:len(ids) - len(told)])


def test_two_tasks_and_a_plan_head(kind, built):
    lm = add_lora(load_model(built[kind]), rank=2)
    head = plan_head(lm)
    batch = [encode_for(lm, e) for e in PLANS[:3]]
    with torch.no_grad():
        own = task_loss(lm, batch).item()
        with using_head(lm.model, head):
            other = task_loss(lm, batch).item()
    assert own == pytest.approx(other, abs=1e-6)
    kept = lm.model.get_output_embeddings().weight.detach().clone()
    assert head.weight.data_ptr() != (
        lm.model.get_output_embeddings().weight.data_ptr())
    losses = train_two_tasks(lm, CODES[:6], PLANS[:6], 3, 3, 1e-2,
                             head=head, rows=2, progress=False)
    assert all(0 < loss < 20 for pair in losses for loss in pair)
    assert torch.equal(lm.model.get_output_embeddings().weight, kept)
    assert not torch.equal(head.weight, kept)
    settings = dict(max_new_tokens=6, progress=False)
    assert len(student_plans(lm, APPS[:2], 2, head=head, **settings)) == 4
    assert len(direct(lm, APPS[:2], 2, **settings)) == 4
