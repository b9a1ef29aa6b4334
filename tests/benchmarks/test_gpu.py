"""The benchmark of a card, as far as it goes without one.

Its sums are compared with the models that transformers makes of the same
configurations, and its stages run for real, on tiny models.
"""

import json
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import (AutoConfig, AutoModelForCausalLM,
                          AutoModelForSeq2SeqLM, ContinuousBatchingConfig,
                          DynamicCache)

import gpu
import gpu_sizes
import sampling
from gpu_sizes import GIB, STUDENT, T5, TEACHER
from helpers.profiles import get_profile
from helpers.teachers.families import cache_name


def model_of(name, small=False, device="meta"):
    config = AutoConfig.for_model(**gpu_sizes.config(name, small))
    kind = (AutoModelForSeq2SeqLM if config.is_encoder_decoder
            else AutoModelForCausalLM)
    with torch.device(device):
        return kind.from_config(config)


# ---- the sums ----

@pytest.mark.parametrize("name, published", [
    (TEACHER, 7_615_616_512), (STUDENT, 494_032_768), (T5, 222_882_048),
    ("EleutherAI/gpt-j-6B", 6_050_882_784),
    ("EleutherAI/gpt-neo-1.3B", 1_315_575_808),
    ("Salesforce/codegen-350M-mono", 356_712_448),
    ("Qwen/Qwen2.5-Coder-32B-Instruct", 32_763_876_352),
    ("Salesforce/codet5-large-ntp-py", 737_639_424)])
def test_counts_are_those_of_the_library(name, published):
    model, found = model_of(name), gpu_sizes.size(name)
    head = model.get_output_embeddings()
    linear = [m for m in model.modules()
              if isinstance(m, torch.nn.Linear) and m is not head]
    assert found.parameters == model.num_parameters() == published
    assert found.linear == sum(m.weight.numel() for m in linear)
    assert found.adapter == sum(m.in_features + m.out_features
                                for m in linear)


def test_a_cache_takes_what_the_sums_say(monkeypatch):
    small = {**gpu_sizes.CONFIGS, STUDENT: gpu_sizes.config(STUDENT, True)}
    monkeypatch.setattr(gpu_sizes, "CONFIGS", small)
    model, cache = model_of(STUDENT, device="cpu").half(), DynamicCache()
    model(input_ids=torch.ones(3, 7, dtype=torch.long),
          **{cache_name(model): cache})
    bytes_ = sum(2 * part.numel() for layer in cache.layers
                 for part in (layer.keys, layer.values))
    assert bytes_ == 3 * 7 * gpu_sizes.size(STUDENT).token_bytes


def test_more_rows_take_more_memory_and_less_time():
    colab = get_profile("colab")
    twice = replace(colab, sequences=2 * colab.sequences)
    stages = ("teacher-sampling", "plan-elicitation")
    for stage in stages:
        parts = [gpu_sizes.estimate(p)[stage] for p in (colab, twice)]
        assert parts[1]["cache"] == 2 * parts[0]["cache"]
        assert parts[1]["weights"] == parts[0]["weights"]
    assert (gpu_sizes.minutes(twice)["05"] < gpu_sizes.minutes(colab)["05"])
    # 4 bits: half a byte, a scale of 4 bytes for each 64, the rest in 16.
    four = (gpu_sizes.size(TEACHER).linear * (1 / 2 + 1 / 16)
            + (152064 * 3584 * 2 + 28 * (3584 * 3 + 1024) + 3584) * 2) / GIB
    assert gpu_sizes.weights(TEACHER, True) == pytest.approx(four)


def test_the_colab_profile_is_cut_to_a_t4():
    colab = get_profile("colab")
    for stage, parts in gpu_sizes.estimate(colab).items():
        assert sum(parts.values()) < gpu_sizes.LIMIT_GIB, stage
    slow = gpu_sizes.SLOW
    alone = gpu_sizes.Draw(STUDENT, 1, 1, 1, 1000)
    assert 1000 / gpu_sizes.draw_seconds(alone, slow, 1) < 24.4   # public
    for card in (gpu_sizes.Card(), slow):
        for notebook, minutes in gpu_sizes.minutes(colab, card).items():
            assert minutes < gpu_sizes.LIMIT_MINUTES, notebook
    # The sums can also say no.
    large = replace(colab, batch_size=32, train_samples=100)
    assert sum(gpu_sizes.estimate(large)["distillation"].values()) > 14.5
    assert gpu_sizes.minutes(large)["02"] > 30


def test_what_paper_needs_is_computed():
    """The README's number is the largest stage, and fits its card."""
    paper = get_profile("paper")
    stages = {name: sum(parts.values())
              for name, parts in gpu_sizes.estimate(paper).items()}
    cache = gpu_sizes.estimate(paper)["teacher-sampling"]["cache"]
    assert 41 < cache < 42                       # GPT-J, 100 rows
    readme = (gpu.ROOT / "notebooks/README.md").read_text("utf-8")
    row, = (line for line in readme.splitlines() if line.startswith(
        "| `paper` |"))
    for stage in ("plan-server", "teacher-sampling"):
        assert f"{stages[stage]:.0f} GiB" in row
    assert max(stages.values()) == stages["plan-server"] < 80e9 / GIB
    assert "80 GB" in row and "gpt-3.5-turbo" in row


# ---- the stages ----

@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gpu")
    for name in (TEACHER, STUDENT, T5):
        gpu.checkpoint(name, folder / Path(name).name, small=True)
    return folder


def test_checkpoints_load_whole_and_are_written_once(scratch):
    from bitsandbytes.nn import Linear4bit
    folder = scratch / Path(TEACHER).name
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    gpu.checkpoint(TEACHER, folder, small=True)
    assert before == {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    lm = gpu.load(TEACHER, scratch, four_bit=True)
    four = [m for m in lm.model.modules() if isinstance(m, Linear4bit)]
    assert len(four) == 2 * 7
    assert len(lm.prompt_ids("x" * 75)) == 75
    plain = gpu.load(TEACHER, scratch).model
    wanted = model_of(TEACHER, small=True)
    assert ({key: w.shape for key, w in plain.state_dict().items()}
            == {key: w.shape for key, w in wanted.state_dict().items()})
    assert 0.015 < plain.get_output_embeddings().weight.std() < 0.025


@pytest.mark.parametrize("name", [
    name for name in gpu.STAGES if not name.startswith("mini-")])
def test_every_stage_runs(name, scratch, monkeypatch):
    if name == "beside-trl":
        pytest.importorskip("trl")
    # Where it may take all memory, most of its time is for what is not used.
    monkeypatch.setattr(sampling, "PAGES", ContinuousBatchingConfig(
        num_blocks=16, max_batch_tokens=512))
    profile = gpu.settings(small=True)
    found = gpu.STAGES[name](profile, gpu.SHORT, scratch)
    assert found["tokens_a_second"] > 0 and found["seconds"] > 0
    if "steps" in found:
        assert found["losses_finite"] and found["steps"] == gpu.SHORT.steps
    elif name == "beside-generate":
        assert all(min(rates) > 0 for roads in found["roads"].values()
                   for rates in roads.values())
    elif name == "beside-trl":
        assert found["updates"] == gpu.SHORT.steps
        for ours, theirs in zip(found["ours"]["losses"],
                                found["SFTTrainer"]["losses"], strict=True):
            assert abs(ours - theirs) < 1e-3
    else:
        wanted = (gpu.SHORT.n if "sampling" in name
                  else gpu.SHORT.plan_prompts)
        assert found["completions"] == wanted


def test_what_was_measured_is_kept_and_a_failure_is_told(
        scratch, monkeypatch, capsys):
    ran, row = [], {"tokens_a_second": 10.0, "load_seconds": 60.0,
                    "sampling_tokens_a_second": 10.0, "peak_gib": 5.0}

    def started(name, options, folder):
        ran.append(name)
        if name == "distillation" and len(ran) <= len(gpu.STAGES):
            return {"error": "exit code 1: it broke"}
        return dict(row)
    monkeypatch.setattr(gpu, "started", started)
    options = Namespace(small=True, fresh=False, only=None)
    assert gpu.run_all(options, scratch) == 1
    assert "it broke" in capsys.readouterr().out
    assert ran == list(gpu.STAGES)
    assert gpu.run_all(options, scratch) == 0
    assert ran[len(gpu.STAGES):] == ["distillation"]
    text = capsys.readouterr().out
    assert "| teacher-sampling | 5.0 |" in text
    # Notebook 00: the teacher is loaded (60 s) and draws 5 short samples.
    minutes = json.loads((scratch / "gpu.json").read_text())["minutes"]
    assert minutes["00"] == round((60 + 5 * 6 / 10) / 60, 1)


def test_a_stage_in_a_process_of_its_own(scratch, tmp_path):
    options = Namespace(small=True, folder=scratch, limit=600)
    (scratch / "small").symlink_to(scratch, target_is_directory=True)
    found = gpu.started("student-sampling", options, scratch)
    assert found["completions"] == gpu.SHORT.n
    found = gpu.started("no such stage", options, scratch)
    assert "KeyError" in found["error"]
    options.limit = 0.1
    found = gpu.started("student-sampling", options, scratch)
    assert found == {"error": "stopped after 0.1 seconds"}
