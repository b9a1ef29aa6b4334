"""Stand-ins that know something, for rehearsals of the colab profile.

A checkpoint of :mod:`standins` is trained for a minute on made-up problems,
in the very prompts of the notebooks, by authors who slip: some of its
samples are right and some are wrong, so that there is something to keep.

    python tests/support/standin_teaching.py FOLDER
"""

import random
import shutil
import sys
import time
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

import standin_data as data
import standins
from helpers import multitask, plans, prompts
from helpers.problems import READERS
from helpers.teachers.checkpoint import load_model
from helpers.training import IGNORED, predict


def slipped(rng, numbers, slips):
    """The numbers and operations of a problem, the last one wrong or not."""
    a, first, b, second, c = numbers
    if rng.random() < slips:
        second = {"+": "-", "-": "+", "*": "+"}[second]
    return a, first, b, second, c


def gsm_pair(rng, slips, exemplars):
    """(prompt, completion) as notebooks 02, 04 and 05 have them."""
    question, numbers = data.gsm_story(rng)
    return (prompts.few_shot_prompt(question, exemplars),
            data.gsm_program(slipped(rng, numbers, slips)))


def asked_of_a_teacher(rng, slips):
    """(prompt, completion) of one of the five things asked in notebook 03.

    Who explains or follows is given something right.
    """
    numbers = data.sum_of(rng)
    question, program, plan = data.apps_texts(numbers)
    wrong = data.apps_texts(slipped(rng, numbers, slips))
    exemplar = plans.PLAN_EXEMPLARS["apps"]
    kind = rng.choice([*plans.WAYS, "follow", "own"])
    if kind in plans.WAYS:
        return plans.plan_request(kind, question, program, exemplar), wrong[2]
    if kind == "follow":
        return plans.code_request(question, plan, exemplar), wrong[1]
    return plans.own_code_request(question, exemplar), wrong[1]


def asked_of_a_student(rng, slips):
    """(prompt, completion) of one of the tasks of notebook 06."""
    numbers = data.sum_of(rng)
    question = data.apps_texts(numbers)[0]
    _, program, plan = data.apps_texts(slipped(rng, numbers, slips))
    row = data.apps_rows(0, 1)[0] | {"question": question}
    problem = READERS["apps"](row, "apps/train/0")
    if rng.random() < 0.5:
        return multitask.code_prompt(problem), program
    return multitask.plan_prompt(problem), plan


def draw(rng, role, slips, whole):
    """A training pair of a role: "teacher", "student" or "encoder".

    Unless ``whole``, a teacher's prompt comes without its exemplars, which
    are most of its length.
    """
    if role == "teacher":
        prompt, completion = (
            gsm_pair(rng, slips, prompts.EXEMPLARS["gsm8k"])
            if rng.random() < 0.4 else asked_of_a_teacher(rng, slips))
        return prompt if whole else prompt.rpartition("\n\n")[2], completion
    if role == "student" and rng.random() < 0.5:
        # Expert iteration begins with what it solves below exemplars.
        shown = whole and rng.random() < 0.5
        return gsm_pair(rng, slips,
                        prompts.EXEMPLARS["gsm8k"] if shown else ())
    return asked_of_a_student(rng, slips)


def encode(lm, prompt, completion):
    ids = lm.prompt_ids(prompt)
    told = lm.tokenizer(completion, add_special_tokens=False)["input_ids"]
    told = told + [lm.tokenizer.eos_token_id]
    if lm.model.config.is_encoder_decoder:
        return ids, told
    return ids + told, [IGNORED] * len(ids) + told


def teach(kind, folder, role, steps, slips, batch=16, rate=3e-3, seed=0):
    """Train the stand-in of ``kind`` in ``folder``; the last losses' mean.

    ``role``: "teacher" (asked in its chat template where it has one),
    "student" or "encoder".
    """
    folder = standins.build(kind, folder, seed)
    lm = load_model(str(folder), chat=kind == "qwen2-instruct")
    rng, losses = random.Random(f"{role}|{seed}"), []
    torch.manual_seed(seed)
    optimizer = torch.optim.AdamW(lm.model.parameters(), betas=(0.9, 0.98))
    lm.model.train()
    began = time.time()
    for step in range(steps):
        whole = step > 0.8 * steps
        rows = [encode(lm, *draw(rng, role, slips, whole))
                for _ in range(batch)]
        logits, wanted = predict(lm, rows)
        trained = wanted != IGNORED
        loss = cross_entropy(logits[trained], wanted[trained])
        for group in optimizer.param_groups:
            group["lr"] = rate * min(1, (step + 1) / 30,
                                     2 * (1 - step / steps))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(lm.model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        if step % 50 == 0:
            print(f"{kind} {role}: step {step}, loss {loss.item():.3f}, "
                  f"{time.time() - began:.0f} s", flush=True)
    standins.save_weights(lm.model.eval(), folder, kind)
    return sum(losses[-20:]) / 20


# What notebook runs of the profile colab load: role, steps, slips.
TAUGHT = {"Qwen/Qwen2.5-Coder-7B-Instruct": ("teacher", 650, 0.35),
          "Qwen/Qwen2.5-Coder-0.5B": ("student", 330, 0.45),
          "Salesforce/codet5-base": ("encoder", 270, 0.45)}


def main(folder):
    """All that the profile colab names, below ``folder``, in a few minutes.

    ``hub_server.py`` serves it.
    """
    folder = Path(folder)
    for name, (role, steps, slips) in TAUGHT.items():
        home = folder / "models" / name / "main"
        shutil.rmtree(home, ignore_errors=True)
        loss = teach(standins.NAMES[name], home, role, steps, slips)
        print(f"{name}: loss {loss:.3f}", flush=True)
    shutil.rmtree(folder / "datasets", ignore_errors=True)
    data.lay_data(folder)


if __name__ == "__main__":
    main(sys.argv[1])
