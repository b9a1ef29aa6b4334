"""Does the colab profile fit a 16 GB card, and how long does it take?

    python tests/benchmarks/gpu.py              all of it, on a CUDA card
    python tests/benchmarks/gpu.py --estimate   by calculation, without one
    python tests/benchmarks/gpu.py --small      tiny models, on the CPU

The models have the full shapes of the profile and random weights, so nothing
is downloaded: checkpoints are written to runs/benchmarks/gpu/ (16 GB) and
loaded as those of the Hub would be.  The card is held to 14.5 GiB and to the
rules of a T4: float16, no bfloat16, no FlashAttention.  Each stage runs in a
process of its own, so that its peak of memory is its own, and a stage that
fails is reported while the others go on.  What was measured is kept; the
same command goes on, and --fresh begins anew.  Two stages stand beside the
library's own roads: n = 100 beside ``generate`` and ``generate_batch``, a
LoRA step beside TRL (``training.py`` says how to get it).  The last two run
mini's lessons that sample and train, and a few of its rivals, on the card.

The results go into data/benchmarks/gpu.json, and a table is printed.  Random
weights hardly ever say that they are done: every completion has full length,
and times are upper ends.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path

import gpu_sizes
from gpu_sizes import GIB, LIMIT_GIB, LIMIT_MINUTES, STUDENT, T5, TEACHER

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "data" / "benchmarks" / "gpu.json"
RULES = (7, 5)                # the compute capability that is acted out
# Of the mini world: what depends on the device.
LESSONS = ("00", "02", "03", "05", "06")
RIVALS = ("ekt", "fine-tuned")


@dataclass(frozen=True)
class Trial:
    """How much of each stage is measured.  Lengths are tokens."""

    n: int = 100
    fewer: int = 32           # beside the library
    few_shot: int = gpu_sizes.FEW_SHOT
    zero_shot: int = gpu_sizes.ZERO_SHOT
    program: int = gpu_sizes.PROGRAM
    plan_prompts: int = 8
    shortest: int = 900       # prompts for a plan; hardly two are as long
    longest: int = 2000
    steps: int = 5
    beside: int = 64          # new tokens, beside the library
    rounds: int = 4           # the same


SHORT = Trial(n=6, fewer=2, few_shot=40, zero_shot=12, program=8,
              plan_prompts=3, shortest=20, longest=40, steps=2, beside=4,
              rounds=1)


def settings(small, name="colab"):
    """The profile to be measured, its sizes cut down where ``small``."""
    from helpers.profiles import get_profile
    changes = dict(max_new_tokens=6, plan_tokens=6, sequences=4,
                   batch_size=4, plan_batch=2, plan_length=48, lora_rank=4)
    return get_profile(name, **(changes if small else {}))


# ---- the checkpoints ----

def tokenizer(vocabulary, t5):
    """A tokenizer in which each letter is a token, with a full vocabulary.

    A prompt of n letters has n tokens.  The other entries are words of their
    own, so that what random weights say is decoded at its true cost, and has
    as many tokens when it is read again.
    """
    from itertools import islice, product
    from string import ascii_lowercase
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    special = ["<pad>", "<s>", "</s>"] if t5 else ["<|endoftext|>"]
    words = special + letters
    words += ["Ġ" + "".join(word) for word in islice(
        product(ascii_lowercase, repeat=4), vocabulary - len(words))]
    made = Tokenizer(models.BPE({word: i for i, word in enumerate(words)},
                                [], ignore_merges=True))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=made, eos_token=special[-1], pad_token=special[0])


def checkpoint(name, folder, small=False, seed=0):
    """Write a checkpoint with random weights, a layer at a time.

    The model itself is never made, so this takes no more memory than a file
    and the largest of its tensors: 5 GB.  A folder that is complete is left
    as it is.  Returns the folder's bytes.
    """
    import torch
    from safetensors.torch import save_file
    from transformers import (AutoConfig, AutoModelForCausalLM,
                              AutoModelForSeq2SeqLM)
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        fields = gpu_sizes.config(name, small)
        config = AutoConfig.for_model(**fields)
        config.dtype = "float16"
        kind = (AutoModelForSeq2SeqLM if config.is_encoder_decoder
                else AutoModelForCausalLM)
        with torch.device("meta"):
            model = kind.from_config(config)
        tied = getattr(model, "all_tied_weights_keys", None) or ()
        where = "cuda" if torch.cuda.is_available() else "cpu"
        random, files = torch.Generator(where).manual_seed(seed), {}
        shards, held = {}, 0
        for key, tensor in model.state_dict().items():
            if key in tied:
                continue
            value = torch.ones(tensor.shape, dtype=torch.float16)
            if tensor.dim() > 1:
                value = torch.randn(tensor.shape, generator=random,
                                    device=where).mul_(0.02).half().cpu()
            elif key.endswith("bias"):
                value.zero_()
            shards.setdefault(held // GIB, {})[key] = value
            held += value.numel() * 2
            for number in [n for n in shards if n < held // GIB]:
                files |= write_shard(folder, number, shards.pop(number),
                                     save_file)
        for number, tensors in shards.items():
            files |= write_shard(folder, number, tensors, save_file)
        (folder / "model.safetensors.index.json").write_text(json.dumps(
            {"metadata": {"total_size": held}, "weight_map": files}))
        config.architectures = [type(model).__name__]
        config.save_pretrained(folder)
        tokenizer(fields["vocab_size"],
                  fields["model_type"] == "t5").save_pretrained(folder)
        (folder / "complete").write_text("")
    return sum(path.stat().st_size for path in folder.iterdir())


def write_shard(folder, number, tensors, save_file):
    """Write one file of a checkpoint; {name of a tensor: file}."""
    name = f"model-{number:05d}.safetensors"
    save_file(tensors, folder / name, metadata={"format": "pt"})
    return dict.fromkeys(tensors, name)


# ---- the card ----

def take_the_card():
    """Hold the card to a T4's memory and rules; nothing on a CPU."""
    import torch
    if not torch.cuda.is_available():
        return
    from helpers.gpu import memory as device
    total = torch.cuda.get_device_properties(0).total_memory
    torch.cuda.set_per_process_memory_fraction(
        min(1.0, LIMIT_GIB * GIB / total))
    torch.backends.cuda.enable_flash_sdp(False)
    torch.backends.cuda.enable_cudnn_sdp(False)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    device.capability = lambda: RULES


def sync():
    import torch
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def timed(function, *values, **options):
    """(seconds, what the function returned)."""
    sync()
    began = time.perf_counter()
    value = function(*values, **options)
    sync()
    return time.perf_counter() - began, value


def held():
    """GiB of the card in tensors now; None without a card."""
    import torch
    if not torch.cuda.is_available():
        return None
    return round(torch.cuda.memory_allocated() / GIB, 3)


def memory():
    """What a stage took of the card; empty without one.

    ``peak`` is tensors, ``reserved`` what the allocator asked for, ``whole``
    all that the card gave, CUDA's own part and other programs included.
    """
    import torch
    if not torch.cuda.is_available():
        return {}
    free, total = torch.cuda.mem_get_info()
    stats = torch.cuda.memory_stats()
    return {"peak_gib": round(stats["allocated_bytes.all.peak"] / GIB, 2),
            "reserved_gib": round(stats["reserved_bytes.all.peak"] / GIB, 2),
            "whole_gib": round((total - free) / GIB, 2),
            "out_of_memory": stats["num_ooms"]}


# ---- the stages ----

def load(name, scratch, **options):
    from helpers.teachers.checkpoint import load_model
    return load_model(str(Path(scratch) / Path(name).name), **options)


def draw(lm, profile, lengths, n, new, **options):
    """Sample prompts of these lengths; what it took."""
    from helpers.sampling import sample
    prompts = {f"trial/{i}": "x" * (length - 1) + chr(97 + i % 26)
               for i, length in enumerate(lengths)}
    sample(lm, prompts, n=1, max_new_tokens=2, progress=False)   # warm up
    seconds, found = timed(
        sample, lm, prompts, n=n, temperature=profile.temperature, top_p=1.0,
        max_new_tokens=new, progress=False, **options)
    whole = sum(s.finish_reason == "length" for s in found)
    return {"seconds": round(seconds, 2), "completions": len(found),
            "tokens_a_second": round(len(found) * new / seconds, 1),
            "full_length": whole, **memory()}


def teacher_sampling(profile, trial, scratch):
    """n completions of one few-shot prompt, as notebooks 02 and 07 ask."""
    seconds, lm = timed(load, TEACHER, scratch,
                        four_bit=profile.teacher_4bit)
    return {"load_seconds": round(seconds, 1), "weights_gib": held(),
            **draw(lm, profile, [trial.few_shot], trial.n,
                   profile.max_new_tokens, sequences=profile.sequences)}


def teacher_sampling_at_once(profile, trial, scratch):
    """The same with all n at a time, whatever the profile says."""
    return teacher_sampling(replace(profile, sequences=trial.n), trial,
                            scratch)


def plan_elicitation(profile, trial, scratch):
    """One plan for each of some prompts of APPS' length, as notebook 03."""
    lm = load(TEACHER, scratch, four_bit=profile.teacher_4bit)
    span = trial.longest - trial.shortest
    lengths = [trial.shortest + span * i // (trial.plan_prompts - 1)
               for i in range(trial.plan_prompts)]
    return draw(lm, profile, lengths, 1, profile.plan_tokens,
                max_prompt_tokens=2000, sequences=profile.sequences)


def student_sampling(profile, trial, scratch):
    """n completions of one bare question, as notebooks 05 and 07 ask."""
    seconds, lm = timed(load, STUDENT, scratch)
    return {"load_seconds": round(seconds, 1), "weights_gib": held(),
            **draw(lm, profile, [trial.zero_shot], trial.n,
                   profile.max_new_tokens, sequences=profile.sequences)}


def examples(trial, count, prompt, completion):
    from helpers.filtering import Example
    return [Example(f"trial/{i}", "q" * prompt,
                    "a" * (completion - 1 - i % 3))
            for i in range(count)]


def knobs(function, profile, **wanted):
    """Those of the settings that the function has a word for."""
    from inspect import signature
    there = signature(function).parameters
    return {key: getattr(profile, value) for key, value in wanted.items()
            if key in there and hasattr(profile, value)}


def training(profile, trial, scratch, teacher=None):
    """LoRA steps of EKT's student, as notebook 05; with distillation."""
    from helpers.distillation import distil
    from helpers.training import add_lora, plain, train
    lm = add_lora(load(STUDENT, scratch), profile.lora_rank)
    pairs = examples(trial, profile.batch_size, trial.zero_shot,
                     trial.program)
    goal = plain if teacher is None else distil(teacher, pairs)
    options = dict(batch_size=profile.batch_size, objective=goal,
                   peak_rate=profile.learning_rate, progress=False,
                   **knobs(train, profile, rows="rows"))
    train(lm, pairs, 1, **options)                               # warm up
    seconds, losses = timed(train, lm, pairs, trial.steps, **options)
    tokens = profile.batch_size * (trial.zero_shot + trial.program)
    return told(seconds, losses, trial.steps, tokens)


def told(seconds, losses, steps, tokens):
    """Seconds a step, and whether the losses are numbers."""
    import math
    flat = [x for loss in losses
            for x in (loss if isinstance(loss, tuple) else (loss,))]
    return {"seconds": round(seconds, 2), "steps": steps,
            "step_seconds": round(seconds / steps, 3),
            "tokens_a_second": round(steps * tokens / seconds, 1),
            "losses_finite": all(map(math.isfinite, flat)), **memory()}


def student_training(profile, trial, scratch):
    return training(profile, trial, scratch)


def distillation(profile, trial, scratch):
    """The one stage in which both models are on the card."""
    teacher = load(TEACHER, scratch, four_bit=profile.teacher_4bit)
    return training(profile, trial, scratch, teacher)


def two_tasks(profile, trial, scratch, name=STUDENT):
    """Updates of code and plan in turn, as notebook 06; longest rows."""
    from helpers.multitask import train_two_tasks
    from helpers.training import add_lora
    lm = add_lora(load(name, scratch), profile.lora_rank)
    answer = min(gpu_sizes.APPS_CODE, profile.plan_length // 3)
    rows = examples(trial, profile.plan_batch,
                    profile.plan_length - answer - 1, answer)
    options = dict(batch_size=profile.plan_batch,
                   peak_rate=profile.plan_rate, rows=profile.plan_rows,
                   most=profile.plan_length, progress=False)
    train_two_tasks(lm, rows, rows, 1, **options)                # warm up
    seconds, losses = timed(train_two_tasks, lm, rows, rows, trial.steps,
                            **options)
    return told(seconds, losses, trial.steps,
                2 * profile.plan_batch * profile.plan_length)


def two_tasks_t5(profile, trial, scratch):
    """The same for the encoder-decoder, in 32 bits, and its sampling."""
    found = two_tasks(profile, trial, scratch, T5)
    from helpers.gpu.memory import empty_cache
    empty_cache()
    lm = load(T5, scratch)
    drawn = draw(lm, profile, [min(512, trial.longest)] * 2, 4,
                 profile.plan_tokens, sequences=profile.sequences)
    return {**found, "sampling_tokens_a_second": drawn["tokens_a_second"],
            **memory()}


def hand_over(profile, trial, scratch):
    """The teacher samples and is freed; then the student is trained."""
    import torch
    from helpers.gpu.memory import free
    lm = load(TEACHER, scratch, four_bit=profile.teacher_4bit)
    draw(lm, profile, [trial.few_shot], 2, 4, sequences=2)
    before = held()
    free(lm)
    after = held()
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    return {"teacher_gib": before, "after_free_gib": after,
            **training(profile, trial, scratch)}


def beside_generate(profile, trial, scratch):
    """Completions of the teacher beside the library's own two roads.

    All roads get all rows at a time.  generate_batch sizes its memory by the
    whole card, so that under a limit it says little.
    """
    import sampling
    from helpers.problems import load_problems
    from helpers.prompts import EXEMPLARS, few_shot_prompt
    lm = load(TEACHER, scratch, four_bit=profile.teacher_4bit)
    problem, = load_problems("mini-gsm", "test", limit=1)
    text = few_shot_prompt(problem.question, EXEMPLARS["mini-gsm"])
    text = text[-trial.few_shot:]
    seconds, rates = timed(lambda: {
        n: sampling.measure(lm, [text], n, trial.beside, trial.rounds)
        for n in (trial.n, trial.fewer)})
    return {"seconds": round(seconds, 2),
            "prompt_tokens": len(lm.prompt_ids(text)),
            "new_tokens": trial.beside,
            "tokens_a_second": round(max(rates[trial.n]["ours"]), 1),
            "roads": {n: {name: found if isinstance(found, str) else
                          [round(x, 1) for x in found]
                          for name, found in roads.items()}
                      for n, roads in rates.items()}, **memory()}


def beside_trl(profile, trial, scratch):
    """LoRA steps of EKT's student beside TRL's SFTTrainer."""
    import training as beside
    from helpers.training import add_lora

    def student():
        return add_lora(load(STUDENT, scratch), profile.lora_rank, seed=0)
    pairs = examples(trial, trial.steps * profile.batch_size,
                     trial.zero_shot, trial.program)
    seconds, found = timed(beside.compare, student, pairs, 1,
                           profile.batch_size, rounds=3)
    return {"seconds": round(seconds, 2),
            "tokens_a_second": found["ours"]["tokens_per_second"],
            **found, **memory()}


def copy_of_the_repository(scratch):
    """In the repository itself, samples that a CPU drew would be taken from
    their caches."""
    copy = Path(scratch) / "mini-world"
    if not copy.exists():
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(
            "runs", ".git", ".venv", "__pycache__"))
    return copy


def mini_lessons(profile, trial, scratch):
    """The mini world's lessons that sample and train, and what they say."""
    copy = copy_of_the_repository(scratch)
    seconds, code = timed(command, copy, "run", "--profile", "mini",
                          *(LESSONS[:1] if trial is SHORT else LESSONS))
    rows = json.loads((copy / "runs/mini/summary.json").read_text())
    shipped = {row["notebook"]: row["headline"] for row in json.loads(
        (ROOT / "data/mini/results/summary.json").read_text())["notebooks"]}
    return {"device": device_of_mini(), "exit_code": code,
            "seconds": round(seconds, 1), "headlines": {
        row["notebook"]: {"seconds": row["seconds"], "here": row["headline"],
                          "shipped": shipped.get(row["notebook"])}
        for row in rows["notebooks"]}}


def mini_rivals(profile, trial, scratch):
    """pass@1 of some of the mini world's rivals, every seed."""
    copy = copy_of_the_repository(scratch)
    names = ["plans-none"] if trial is SHORT else RIVALS
    seconds, code = timed(command, copy, "rivals", "--jobs",
                          str(max(1, min(10, os.cpu_count() // 2))), *names)
    return {"device": device_of_mini(), "seconds": round(seconds, 1),
            "exit_code": code, "pass_at_1": {
        name: {"here": solved(copy / "runs/mini/results", name),
               "shipped": solved(ROOT / "data/mini/results", name)}
        for name in names}}


def device_of_mini():
    """Where the mini world's models are when they have been loaded."""
    from helpers.teachers.checkpoint import load_model
    return str(load_model("data/mini/models/student").model.device)


def command(folder, *words):
    """Run `python -m helpers ...` in a folder; its exit code."""
    path = os.pathsep.join(filter(None, [str(folder),
                                         os.environ.get("PYTHONPATH")]))
    return subprocess.run([sys.executable, "-m", "helpers", *words],
                          cwd=folder, env={**os.environ, "PYTHONPATH": path}
                          ).returncode


def solved(folder, name):
    """pass@1 of a rival, the mean over seeds and problems."""
    from helpers.studies.runs import read_lines
    runs = [run for study in ("ekt", "codeplan")
            for run in read_lines(folder / f"{study}.jsonl")
            if run["name"] == name]
    return round(sum(sum(run["counts"]) / run["rival"]["n"]
                     / len(run["counts"]) for run in runs) / len(runs),
                 4) if runs else None


STAGES = {function.__name__.replace("_", "-"): function for function in (
    teacher_sampling, teacher_sampling_at_once, plan_elicitation,
    student_sampling, student_training, distillation, two_tasks,
    two_tasks_t5, hand_over, beside_generate, beside_trl, mini_lessons,
    mini_rivals)}
OF_MINI = ("mini-lessons", "mini-rivals")     # these need no large model


# ---- what it comes to ----

def extrapolate(profile, stages):
    """{notebook: minutes} in the profile's sizes, at the measured speeds.

    Empty while a stage that counts is missing.  Weights come from the disk
    that was measured; a first download comes on top.
    """
    def rate(stage, key="tokens_a_second"):
        return stages[stage][key]
    try:
        slower = (1 / rate("distillation") - 1 / rate("student-training"))
        fits = {STUDENT: rate("student-training"), T5: rate("two-tasks-t5"),
                "two": rate("two-tasks"), "reading": 1 / max(slower, 1e-9)}
        draws = {TEACHER: rate("teacher-sampling"),
                 STUDENT: rate("student-sampling"),
                 T5: rate("two-tasks-t5", "sampling_tokens_a_second"),
                 "plan": rate("plan-elicitation")}
        loads = {TEACHER: rate("teacher-sampling", "load_seconds"),
                 STUDENT: rate("student-sampling", "load_seconds")}
    except KeyError:
        return {}
    found = {}
    for notebook, jobs in gpu_sizes.work(profile).items():
        seconds = 0.0
        for job in jobs:
            if isinstance(job, gpu_sizes.Draw):
                lone = job.who == TEACHER and job.new == profile.plan_tokens
                seconds += (job.prompts * job.n * job.new
                            / draws["plan" if lone else job.who])
            elif isinstance(job, gpu_sizes.Fit):
                two = job.who == STUDENT and notebook in ("06", "M6")
                seconds += (job.updates * job.rows * job.length
                            / fits["two" if two else job.who])
            else:
                seconds += loads.get(job, loads[STUDENT])
        found[notebook] = round(seconds / 60, 1)
    return found


# The stages whose memory a notebook needs; of several, the largest.
NEEDS = {"00": ["teacher-sampling"], "02": ["teacher-sampling"],
         "03": ["plan-elicitation"], "05": ["student-training"],
         "06": ["two-tasks"], "07": ["teacher-sampling", "student-sampling"],
         "M5": ["distillation"],
         "M6": ["two-tasks", "two-tasks-t5", "plan-elicitation"]}


def peaks(stages):
    """{notebook: GiB} of the card in tensors, where all was measured."""
    return {notebook: max(stages[name]["peak_gib"] for name in names)
            for notebook, names in NEEDS.items()
            if all("peak_gib" in stages.get(name, {}) for name in names)}


def facts(small):
    import torch
    found = {"date": datetime.date.today().isoformat(),
             "python": platform.python_version(), "small": small,
             "packages": {name: metadata.version(name) for name in (
                 "torch", "transformers", "peft", "bitsandbytes")}}
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        found |= {"device": card.name,
                  "capability": f"{card.major}.{card.minor}",
                  "device_gib": round(card.total_memory / GIB, 2),
                  "cuda": torch.version.cuda, "limit_gib": LIMIT_GIB,
                  "rules": "float16, no bfloat16, no FlashAttention, as "
                           "capability {}.{}".format(*RULES)}
    else:
        found["device"] = "CPU"
    return found


def table(results):
    """The measured stages as a Markdown table."""
    there = results["facts"]
    lines = [f"Measured on: {there['device']}"
             + (f", held to {LIMIT_GIB} GiB; {there['rules']}"
                if "rules" in there else ", tiny models"), "",
             "| stage | peak GiB | expected GiB | seconds a step | tokens a "
             "second | |", "|---|---|---|---|---|---|"]
    for name, row in results["stages"].items():
        expected = results["estimate"].get(name)
        cells = [row.get("peak_gib"), expected, row.get("step_seconds"),
                 row.get("tokens_a_second"), row.get("error")
                 or ("out of memory once, then halved"
                     if row.get("out_of_memory") else "")]
        lines.append(f"| {name} | " + " | ".join(
            "-" if cell is None else str(cell) for cell in cells) + " |")
    if results["minutes"]:
        lines += ["", "| notebook | minutes in the colab profile |",
                  "|---|---|"]
        lines += [f"| {name} | {value} |"
                  for name, value in results["minutes"].items()]
    return "\n".join(lines)


def print_estimate(profile):
    """What is expected of a T4, without any card."""
    print(f"{'stage':24}{'weights':>9}{'cache':>8}{'adapter':>9}"
          f"{'activations':>13}{'logits':>8}{'GiB':>7}")
    for name, parts in gpu_sizes.estimate(profile).items():
        whole = sum(parts.values())
        print(f"{name:24}{parts['weights']:9.2f}{parts.get('cache', 0):8.2f}"
              f"{parts.get('adapter', 0):9.2f}"
              f"{parts.get('activations', 0):13.2f}"
              f"{parts.get('logits', 0):8.2f}{whole:7.2f}"
              + ("  TOO MUCH" if whole > LIMIT_GIB
                 and profile.name == "colab" else ""))
    ways = {f"{'grouped' if grouped else 'plain'} attention, prompts of "
            f"{'any' if mixed else 'one'} length together":
            gpu_sizes.minutes(profile, gpu_sizes.Card(grouped=grouped), mixed)
            for grouped in (True, False) for mixed in (True, False)}
    ways[f"the first of these, on a {gpu_sizes.SLOW.name}"] = (
        gpu_sizes.minutes(profile, gpu_sizes.SLOW))
    if profile.name != "colab":
        return
    print(f"\nminutes of a notebook, on a {gpu_sizes.Card().name} (limit "
          f"{LIMIT_MINUTES})")
    for way, found in ways.items():
        print(f"{way:58}" + "".join(f"{name}: {value:5.1f}  "
                                    for name, value in found.items()))


# ---- all of it ----

def one_stage(name, small, scratch, target):
    """In a process of its own: run a stage and write what was measured."""
    take_the_card()
    profile, trial = settings(small), SHORT if small else Trial()
    for model in () if name in OF_MINI else (TEACHER, STUDENT, T5):
        checkpoint(model, Path(scratch) / Path(model).name, small)
    found = STAGES[name](profile, trial, scratch)
    Path(target).write_text(json.dumps(found))


def main():
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.splitlines()[0])
    parser.add_argument("--estimate", action="store_true",
                        help="by calculation alone")
    parser.add_argument("--profile", default="colab", choices=["colab",
                        "paper"], help="whose memory is computed")
    parser.add_argument("--small", action="store_true",
                        help="tiny models, also without a card")
    parser.add_argument("--fresh", action="store_true",
                        help="measure again what was measured before")
    parser.add_argument("--only", choices=STAGES, action="append",
                        help="one stage; may be given again")
    parser.add_argument("--folder", type=Path,
                        default=ROOT / "runs" / "benchmarks" / "gpu",
                        help="for checkpoints, 16 GB")
    parser.add_argument("--limit", type=float, default=3600,
                        metavar="SECONDS", help="for one stage")
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--target", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.estimate:
        return print_estimate(settings(False, options.profile))
    import torch
    if not options.small and not torch.cuda.is_available():
        parser.error("there is no CUDA card here; see --estimate and --small")
    scratch = options.folder / ("small" if options.small else "full")
    scratch.mkdir(parents=True, exist_ok=True)
    if options.stage:
        return one_stage(options.stage, options.small, scratch,
                         options.target)
    return run_all(options, scratch)


def run_all(options, scratch):
    """Every stage that is missing, one after the other; the exit code."""
    from helpers.workshop.provenance import commit_now
    path = scratch / "gpu.json" if options.small else RESULTS
    results = json.loads(path.read_text()) if path.exists() else {}
    here, profile = facts(options.small), settings(options.small)
    old = {**results.get("facts", {}), "date": here["date"]}
    stages = results.get("stages", {})
    if options.fresh or old != here or results.get("profile") != str(profile):
        stages = {}
    for name in options.only or STAGES:
        if "error" in stages.get(name, {"error": "not run"}):
            print(f"---- {name} ----", flush=True)
            stages[name] = started(name, options, scratch) | {"ran": {
                "command": " ".join(["python", "tests/benchmarks/gpu.py",
                                     *sys.argv[1:]]),
                "commit": commit_now(("helpers", "tests/benchmarks")),
                "date": here["date"]}}
            print(json.dumps(stages[name]), flush=True)
            results = {
                "facts": here, "profile": str(profile), "stages": stages,
                "estimate": {} if options.small else {
                    key: round(sum(parts.values()), 2) for key, parts in
                    gpu_sizes.estimate(profile).items()},
                "minutes": extrapolate(profile, stages),
                "gib": peaks(stages)}
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(results, indent=1) + "\n")
    print("\n" + table(results))
    print(f"\nwritten: {path}")
    return int(any("error" in row for row in stages.values()))


def started(name, options, scratch):
    """Run one stage in a process; its numbers, or what went wrong."""
    target = scratch / "stage.json"
    target.unlink(missing_ok=True)
    try:
        done = subprocess.run(
            [sys.executable, __file__, "--stage", name, "--target",
             str(target), "--folder", str(options.folder)]
            + ["--small"] * options.small, text=True, stderr=subprocess.PIPE,
            cwd=ROOT, timeout=options.limit)
    except subprocess.TimeoutExpired:
        return {"error": f"stopped after {options.limit:g} seconds"}
    if done.returncode == 0 and target.exists():
        return json.loads(target.read_text())
    print(done.stderr[-3000:], file=sys.stderr)
    lines = done.stderr.strip().splitlines() or ["no message"]
    return {"error": f"exit code {done.returncode}: {lines[-1][:300]}"}


if __name__ == "__main__":
    sys.exit(main())
