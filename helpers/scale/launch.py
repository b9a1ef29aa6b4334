"""One training, or one sampling, by several processes: a script.

On a machine with four GPUs, and on one with none::

    accelerate launch --num_processes 4 -m helpers.scale.launch train --out DIR
    accelerate launch --multi_gpu --num_processes 2 -m helpers.scale.launch ...

(``--multi_gpu`` means several processes; without GPUs they run on the CPU
and talk through gloo.)  Every process runs this file from top to bottom.
What it does is what notebook 06 does in one process, and the result is the
same.
"""

import argparse
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import torch

from helpers.multitask import code_examples, plan_examples
from helpers.plans import read_plans
from helpers.problems import load_problems
from helpers.profiles import ROOT, find_artefact, get_profile
from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.scale.together import sample_together, train_together
from helpers.teachers import load_teacher
from helpers.teachers.checkpoint import load_model
from helpers.tools.processes import end_processes, family
from helpers.training import add_lora, save_adapter

LAUNCH_CARD = """---
base_model: {base}
library_name: peft
---
A LoRA adapter trained on code and plan in turn by `helpers/scale/launch.py`
(notebook M7), in one process or in several.
"""


def train_command(accelerator, options):
    """Notebook 06's student, code and plan 1 : 1, into ``options.out``."""
    profile = get_profile(options.profile)
    problems = load_problems(profile.plan_dataset, "train",
                             limit=profile.plan_problems,
                             difficulty=profile.plan_difficulty)
    plans = read_plans(find_artefact(profile, "plans/backward.jsonl"))
    lm = add_lora(load_model(profile.plan_student),
                  profile.lora_rank, seed=0)
    out, began = Path(options.out), time.perf_counter()
    losses = train_together(
        accelerator, lm, code_examples(problems),
        plan_examples(problems, plans), options.updates
        or profile.plan_updates, profile.plan_batch, profile.plan_rate,
        checkpoint=out / "two-tasks.pt", save_every=options.save_every,
        rows=profile.plan_rows, most=profile.plan_length)
    if accelerator.is_main_process:
        save_adapter(lm, out / "adapter", profile.plan_student, LAUNCH_CARD)
        code, plan = losses[-1]
        print(f"{len(losses)} updates in {counted(accelerator)}, "
              f"{time.perf_counter() - began:.1f} s; losses at the end: "
              f"code {code:.4f}, plan {plan:.4f}", flush=True)


def sample_command(accelerator, options):
    """Notebook 02's teacher, few-shot, into ``options.out``."""
    profile = get_profile(options.profile)
    problems = load_problems(profile.dataset, "train",
                             limit=options.problems or profile.train_problems)
    prompts = {p.task_id: few_shot_prompt(
        p.question, EXEMPLARS[profile.dataset]) for p in problems}
    lm = load_teacher(profile.teacher, four_bit=profile.teacher_4bit,
                      chat=profile.teacher_chat)
    began = time.perf_counter()
    samples = sample_together(
        accelerator, lm, prompts, options.n or profile.train_samples,
        options.out, temperature=profile.temperature, top_p=profile.top_p,
        max_new_tokens=profile.max_new_tokens, sequences=profile.sequences,
        progress=accelerator.is_main_process)
    if accelerator.is_main_process:
        print(f"{len(samples)} samples in {counted(accelerator)}, "
              f"{time.perf_counter() - began:.1f} s", flush=True)


def counted(accelerator):
    """"1 process", "2 processes"."""
    number = accelerator.num_processes
    return f"{number} process{'es' * (number != 1)}"


def start_launch(processes, *arguments, module="helpers.scale.launch"):
    """Start ``module`` in ``processes`` processes of this machine.

    Each has a GPU of its own, or all compute on the CPU.  Returns the
    ``Popen`` of the launcher, their parent.
    """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]           # free a moment ago
    several = ["--multi_gpu"] if processes > 1 else []
    cpu = processes > torch.cuda.device_count()
    loopback = next(name for _, name in socket.if_nameindex()
                    if name.startswith("lo"))
    return subprocess.Popen(
        [sys.executable, "-m", "accelerate.commands.launch", *several,
         "--num_processes", str(processes), "--num_machines", "1",
         "--mixed_precision", "no", "--dynamo_backend", "no",
         "--main_process_ip", "127.0.0.1", "--main_process_port", str(port),
         "-m", module, *map(str, arguments)], cwd=ROOT, text=True,
        env={"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": loopback,
             **os.environ, **({"CUDA_VISIBLE_DEVICES": ""} if cpu else {})},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def launch(processes, *arguments, module="helpers.scale.launch"):
    """Run ``module`` in ``processes`` processes; what it printed.

    Raises ``RuntimeError`` with the reason if it fails; whatever happens,
    no process is left behind.  Introduced in notebook M7.
    """
    running = start_launch(processes, *arguments, module=module)
    try:
        out, err = running.communicate()
    finally:
        end_processes(family(running.pid))
    if running.returncode:
        # A progress bar may stand before it; else the first error's line.
        told = (re.findall(r"launch: (.+)", err)
                or re.findall(r"^\S*Error: .+", err, re.MULTILINE)
                or ["no reason was given"])
        raise RuntimeError(f"{processes} processes failed: {told[0]}")
    return out


def main(argv=None):
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="accelerate launch --num_processes K -m helpers.scale.launch")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in (("train", train_command), ("sample", sample_command)):
        command = commands.add_parser(name, allow_abbrev=False,
                                      help=does.__doc__.split(",")[0])
        command.set_defaults(does=does)
        command.add_argument("--out", required=True,
                             help="the folder of the results")
        command.add_argument("--profile", help="mini, colab or paper")
    train, together = commands.choices["train"], commands.choices["sample"]
    train.add_argument("--updates", type=int)
    train.add_argument("--save-every", type=int, default=25)
    together.add_argument("--problems", type=int)
    together.add_argument("--n", type=int, help="samples of each problem")
    options = parser.parse_args(argv)
    from accelerate import Accelerator
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    try:
        options.does(accelerator, options)
    except (ValueError, OSError, MemoryError, ArithmeticError) as error:
        print(f"launch: {error}", file=sys.stderr, flush=True)
        return 1
    accelerator.end_training()
    return 0


if __name__ == "__main__":
    sys.exit(main())
