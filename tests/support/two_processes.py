"""What test_launch.py has two processes do, started by scale.launch."""

import sys

import torch
from accelerate import Accelerator

from helpers.multitask import code_examples, plan_examples
from helpers.plans import Plan
from helpers.problems import load_problems
from helpers.profiles import get_profile
from helpers.scale.together import (add_up, own_share, same_everywhere,
                                    sample_together, train_together)
from helpers.teachers.checkpoint import load_model
from helpers.training import add_lora

MINI = get_profile("mini")
SETTINGS = {"temperature": MINI.temperature, "progress": False,
            "max_new_tokens": MINI.max_new_tokens}
PROBLEMS = load_problems("mini-apps", "train", limit=4)
# Three updates of one row each, so that the second process never has any.
ONE_ROW = (code_examples(PROBLEMS), plan_examples(PROBLEMS, [
    Plan(p.task_id, "backward", 0, 0, "1. Read n.\n") for p in PROBLEMS]),
    3, 1, 1e-2)


def half_student():
    """A student whose frozen weights are those of a T4: float16."""
    lm = load_model(MINI.plan_student)
    lm.model.half()
    return add_lora(lm, 4, seed=0)


def main(folder):
    accelerator = Accelerator(cpu=True)
    process = accelerator.process_index
    found = {"processes": accelerator.num_processes}

    # Three weights; the second process has no gradient for one of them.
    weights = [torch.zeros(2, 3), torch.zeros(4), torch.zeros(1)]
    for number, weight in enumerate(weights):
        if (process, number) != (1, 1):
            weight.grad = torch.full_like(weight, 10.0 ** number
                                          * (process + 1))
    told = add_up(accelerator, weights, [process + 0.5, float("nan")])
    found["gradients"], found["told"] = [w.grad for w in weights], told

    same_everywhere(accelerator, "a", [1.5])
    try:
        same_everywhere(accelerator, "a", [process])
    except ValueError as error:
        found["error"] = str(error)
    found["share"] = own_share(list("abcde"), process, 2)

    found["half"] = train_together(accelerator, half_student(), *ONE_ROW,
                                   progress=False)
    prompts = torch.load(f"{folder}/prompts.pt")
    samples = sample_together(accelerator, load_model(MINI.teacher), prompts,
                              4, f"{folder}/samples", **SETTINGS)
    found["samples"] = samples and [vars(row) for row in samples]
    torch.save(found, f"{folder}/{process}.pt")

    if process == 1:                 # and the other one waits for it
        print("launch: the second process has had enough", file=sys.stderr)
        sys.exit(1)
    accelerator.wait_for_everyone()


if __name__ == "__main__":
    main(sys.argv[1])
