"""LoRA training beside TRL's SFTTrainer: tokens per second, and why.

    python tests/benchmarks/training.py [--only mini|qwen2|vocabulary]
                                  [--threads N] [--save]

The same model, adapter, batches, rates of learning and precision (float32)
for both, in turns within one process; TRL keeps its default optimiser and
its logging every ten steps, and makes no checkpoints of activations, as ours
makes none.  Counted are real tokens, padding left out, from the end of the
first update to the end of the last.

mini        the student and the data of notebook 05, exactly
qwen2       a model of Qwen2's shape, 20 million random weights, same data
vocabulary  the same with 151,936 tokens to choose from, few rows

Both spend nearly all their time in the same matrix products.  SFTTrainer
loses time at the output layer: on a CPU it applies it to every place, those
of prompts and padding too, does so again on the way back, and computes the
entropy and the accuracy of each for its log (stages loss and backward of the
table); and a little between updates.  Ours applies it once, and where the
vocabulary is large to completions only.  On a GPU SFTTrainer, too, picks the
places that count, so that a CPU's ratio says nothing about one
(``gpu.py``, stage beside-trl).  There, in float16, a batch whose gradients
overflow is done again by ours and dropped by SFTTrainer, so that ours takes
longer for as many updates and has learnt more.

TRL is no dependency of this repository.  It goes into a place of its own:

    pip install --no-deps --target runs/benchmarks/trl trl==1.16.0

It needs datasets, pandas and psutil beside what is here.  With --save the
results go into data/benchmarks/training.json.  A GPU is used if there is one.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import time
import warnings
from functools import partial
from importlib import metadata
from pathlib import Path

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
ROOT = Path(__file__).resolve().parents[2]
PLACE = ROOT / "runs" / "benchmarks" / "trl"
RESULTS = ROOT / "data" / "benchmarks" / "training.json"
sys.path[:0] = [str(ROOT), str(PLACE)]

import torch  # noqa: E402
from torch.optim.optimizer import (  # noqa: E402
    register_optimizer_step_post_hook, register_optimizer_step_pre_hook)

from helpers.filtering import read_examples  # noqa: E402
from helpers.gpu.precision import computes_in  # noqa: E402
from helpers.profiles import find_artefact, get_profile  # noqa: E402
from helpers.teachers.checkpoint import LanguageModel, load_model  # noqa: E402
from helpers.training import (IGNORED, add_lora, batches, encode,  # noqa: E402
                              learning_rate, train)
from helpers.workshop.provenance import commit_now  # noqa: E402

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
RATE, RANK, DECAY = 4e-3, 16, 0.1
# name: (rounds, updates, rows of a batch, parameters of the model)
PARTS = {"mini": (7, 20, 32), "qwen2": (5, 5, 8), "vocabulary": (3, 5, 4)}
SHAPES = {
    "qwen2": dict(hidden_size=384, num_hidden_layers=8, vocab_size=8192,
                  intermediate_size=1536, num_attention_heads=6,
                  num_key_value_heads=2),
    "vocabulary": dict(hidden_size=128, num_hidden_layers=4,
                       vocab_size=151936, intermediate_size=512,
                       num_attention_heads=4, num_key_value_heads=2)}
STAGES = ("forward", "loss", "backward", "clip", "optimiser", "between")


def student(name):
    """The model of a part with a fresh adapter, the same each time."""
    lm = load_model("data/mini/models/student")
    if name != "mini":
        from transformers import Qwen2Config, Qwen2ForCausalLM
        torch.manual_seed(0)
        model = Qwen2ForCausalLM(Qwen2Config(
            **SHAPES[name], tie_word_embeddings=True,
            bos_token_id=0, eos_token_id=lm.tokenizer.eos_token_id))
        lm = LanguageModel(name, model.to(DEVICE), lm.tokenizer)
    return add_lora(lm, RANK, seed=0)


# ---- the clock ----

def now():
    """Seconds: of the processor for one thread, else of the clock.

    One thread's time on the processor is that of the clock on a machine
    where nothing else runs, and others' work hardly changes it.
    """
    alone = DEVICE == "cpu" and torch.get_num_threads() == 1
    return time.process_time() if alone else time.perf_counter()


class Clock:
    """Marks the stages of every update, from the outside, for both alike."""

    def __init__(self, model):
        self.marks, self.undo = [], []
        inner = model.get_base_model()
        self.undo += [
            inner.model.register_forward_pre_hook(self.at("between")).remove,
            inner.model.register_forward_hook(self.at("forward")).remove,
            register_optimizer_step_pre_hook(self.at("clip")).remove,
            register_optimizer_step_post_hook(self.at("optimiser")).remove]
        real = torch.Tensor.backward

        def backward(*given, **named):
            self.at("loss")()
            real(*given, **named)
            self.at("backward")()

        torch.Tensor.backward = backward
        self.undo.append(lambda: setattr(torch.Tensor, "backward", real))

    def at(self, stage):
        def mark(*_, **__):
            if DEVICE == "cuda":
                torch.cuda.synchronize()
            self.marks.append((stage, now()))
        return mark

    def stop(self):
        """Seconds after the first update, those of each stage, and how many
        backward passes led to no update: gradients that left float16."""
        for undo in self.undo:
            undo()
        ends = [i for i, (stage, _) in enumerate(self.marks)
                if stage == "optimiser"]
        counted = self.marks[ends[0]:ends[-1] + 1]
        stages = dict.fromkeys(STAGES, 0.0)
        for (_, before), (stage, after) in zip(counted, counted[1:]):
            stages[stage] += after - before
        lost = sum(stage == "backward" for stage, _ in self.marks) - len(ends)
        return counted[-1][1] - counted[0][1], stages, lost


# ---- the two sides ----

def ours(lm, examples, epochs, rows):
    clock = Clock(lm.model)
    losses = train(lm, examples, epochs, rows, RATE, seed=0,
                   weight_decay=DECAY, progress=False)
    return *clock.stop(), losses


def theirs(lm, examples, epochs, rows):
    """SFTTrainer; the rows come encoded and in our order."""
    from datasets import Dataset
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer
    encoded = [encode(lm.tokenizer, example) for example in examples]
    plan = batches(len(examples), rows, epochs, 0)
    data = Dataset.from_list([
        {"input_ids": encoded[i][0], "labels": encoded[i][1]}
        for chosen in plan for i in chosen])

    class SameRate(SFTTrainer):
        """Our rate of learning, so that the losses can be compared."""

        def create_scheduler(self, num_training_steps, optimizer=None):
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,
                lambda step: learning_rate(step, len(plan), 1.0)
                if step < len(plan) else 0.0)
            return self.lr_scheduler

    lm.tokenizer.pad_token = lm.tokenizer.eos_token
    trainer = SameRate(
        lm.model, train_dataset=data, processing_class=lm.tokenizer,
        args=SFTConfig(
            output_dir=str(PLACE.parent / "output"), num_train_epochs=1,
            per_device_train_batch_size=rows, learning_rate=RATE,
            weight_decay=DECAY, max_grad_norm=1.0, max_length=None,
            train_sampling_strategy="sequential", bf16=False,
            fp16=computes_in(lm.model) == torch.float16,
            gradient_checkpointing=False, report_to="none",
            save_strategy="no", disable_tqdm=True, use_cpu=DEVICE == "cpu",
            logging_steps=min(10, len(plan)),
            dataset_kwargs={"skip_prepare_dataset": True}))
    trainer.remove_callback(PrinterCallback)     # only the screen misses it
    clock = Clock(trainer.model)
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history
              if "loss" in entry]
    return *clock.stop(), losses


SIDES = {"ours": ours, "SFTTrainer": theirs}


def part(name):
    """What :func:`compare` takes, for one of :data:`PARTS`."""
    rounds, updates, rows = PARTS[name]
    kept = read_examples(find_artefact(get_profile("mini"),
                                       "pairs/first-correct.jsonl"))
    count = min(len(kept) // rows, updates) * rows
    return (partial(student, name), kept[:count], updates * rows / count,
            rows, rounds)


def compare(student, examples, epochs, rows, rounds):
    """Both sides in turns; the record for JSON.

    ``student()`` loads the model with a fresh adapter.
    """
    lm, count = student(), len(examples)
    plan = batches(count, rows, epochs, 0)
    encoded = [encode(lm.tokenizer, example) for example in examples]
    counted = [encoded[i] for chosen in plan[1:] for i in chosen]
    read = sum(len(ids) for ids, _ in counted)
    learnt = sum(label != IGNORED for _, labels in counted
                 for label in labels)
    seconds = {side: [] for side in SIDES}
    stages = {side: [] for side in SIDES}
    losses, lost = {}, {}
    for turn in range(rounds + 1):         # the first warms up
        for side in list(SIDES)[::1 if turn % 2 else -1]:
            taken, parts, lost[side], losses[side] = SIDES[side](
                student(), examples, epochs, rows)
            if turn:
                seconds[side].append(taken)
                stages[side].append(parts)
    own, size = losses["ours"], min(10, len(plan))      # as theirs come
    losses["ours"] = [sum(own[at:at + size]) / size
                      for at in range(0, len(own) - size + 1, size)]
    ratios = [b / a for a, b in zip(seconds["ours"], seconds["SFTTrainer"])]
    record = {
        "parameters": sum(w.numel() for w in lm.model.parameters()),
        "trained_parameters": sum(w.numel() for w in lm.model.parameters()
                                  if w.requires_grad),
        "rows": rows, "updates": len(plan), "rounds": rounds,
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios]}
    for side in SIDES:
        middle = statistics.median(seconds[side])
        record[side] = {
            "tokens_per_second": round(read / middle),
            "trained_tokens_per_second": round(learnt / middle),
            "milliseconds_per_update": {
                stage: round(1000 * statistics.median(
                    parts[stage] for parts in stages[side])
                    / (len(plan) - 1), 2) for stage in STAGES},
            "backward_without_update": lost[side],
            "losses": [round(loss, 4) for loss in losses[side]]}
    return record


def show(name, record):
    print(f"\n{name}: {record['parameters']:,} parameters, {record['rows']} "
          f"rows, {record['updates']} updates, {record['rounds']} rounds")
    print(f"{'':12}{'tokens/s':>9}{'trained/s':>10}  " + "".join(
        f"{stage:>10}" for stage in STAGES) + "   (ms an update)")
    for side in SIDES:
        row = record[side]
        print(f"{side:12}{row['tokens_per_second']:>9,}"
              f"{row['trained_tokens_per_second']:>10,}  " + "".join(
                  f"{row['milliseconds_per_update'][stage]:>10.2f}"
                  for stage in STAGES))
        print(f"{'':12}mean losses, ten updates each at most: " + " ".join(
            f"{loss:.4f}" for loss in row["losses"][:6]))
    print(f"ours is {record['ratio']:.2f} times as quick; by round: "
          f"{' '.join(map(str, record['ratios']))}")


def facts(load):
    model = ""
    if os.path.exists("/proc/cpuinfo"):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines
                      if line.startswith("model name")), "")
    return {"date": datetime.date.today().isoformat(), "cpu": model,
            "commit": commit_now(("helpers", "tests/benchmarks")),
            "cores": os.cpu_count(), "threads": torch.get_num_threads(),
            "device": (torch.cuda.get_device_name() if DEVICE == "cuda"
                       else "CPU"),
            "system": platform.system(), "python": platform.python_version(),
            "seconds_of": ("the processor" if DEVICE == "cpu"
                           and torch.get_num_threads() == 1 else "the clock"),
            "load_before": load, "load_after": round(os.getloadavg()[0], 1),
            "packages": {package: metadata.version(package) for package in (
                "torch", "transformers", "peft", "accelerate", "datasets",
                "trl")},
            "command": " ".join(["python", "tests/benchmarks/training.py",
                                 *sys.argv[1:]])}


def main():
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--threads", type=int, metavar="N",
                        help="torch's threads for both, by default its own "
                        "choice; with 1 the processor's time is taken, which "
                        "is steady where others are at work")
    parser.add_argument("--save", action="store_true",
                        help=f"write {RESULTS.relative_to(ROOT)}")
    options = parser.parse_args()
    try:
        import trl  # noqa: F401
    except ImportError as error:
        sys.exit(f"{error}; pip install --no-deps --target "
                 f"{PLACE.relative_to(ROOT)} trl==1.16.0")
    warnings.simplefilter("ignore", FutureWarning)
    if options.threads:
        torch.set_num_threads(options.threads)
    load = round(os.getloadavg()[0], 1)
    if load > 0.5 * os.cpu_count():
        print(f"others are at work on this machine (load {load}); --threads "
              f"1 is steadier, a quiet machine is best")
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in [options.only] if options.only else PARTS:
        record = compare(*part(name))
        show(name, record)
        results[name] = record | {"facts": facts(load)}
        if options.save:
            RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True)
                               + "\n")


if __name__ == "__main__":
    main()
