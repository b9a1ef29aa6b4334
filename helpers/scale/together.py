"""Several processes, one result: training and sampling on several GPUs.

Each process takes its share of every batch, or of the prompts.  What comes
out is what one process would have made.  ``accelerator`` is accelerate's
``Accelerator``: it knows how many processes there are and adds up tensors
over them.
"""

import hashlib
import math
from functools import partial
from pathlib import Path

import torch

from helpers.filtering import as_examples
from helpers.multitask import alternate, check_tasks
from helpers.sampling import (drop_incomplete_line, lines_of, read_samples,
                              sample)
from helpers.tools.files import write_text
from helpers.training import accumulate, encode_for, fit, trained_tokens


# ------------------------------------------------------------- one training

def own_share(items, process, processes):
    """What this process takes of a list: every ``processes``-th item.

    Together the shares are the list; their lengths differ by one at most,
    and the last ones are empty where there are few items.  Introduced in
    notebook M7.
    """
    return items[process::processes]


def accumulate_share(lm, batch, weight, process, processes, rows=None,
                     scaler=None):
    """Add the gradient of this process's share of a batch; its loss.

    Both are divided by the trained tokens of the *whole* batch, so that the
    sum over the processes is what one process would have.  A share without
    a token adds nothing.  Introduced in notebook M7.
    """
    if not weight:
        return math.nan
    mine = own_share(batch, process, processes)
    part = trained_tokens(lm, mine) / trained_tokens(lm, batch)
    if not part:
        return 0.0
    return part * accumulate(lm, mine, weight * part, rows, scaler=scaler)


def add_up(accelerator, weights, told):
    """Sum gradients and the numbers ``told`` over all processes.

    Afterwards every process has the same gradients; returns the sums of
    ``told``.  All of it goes in one message.
    """
    for weight in weights:
        if weight.grad is None:              # an empty share
            weight.grad = torch.zeros_like(weight)
    gradients = [weight.grad for weight in weights]
    message = torch.cat([g.flatten().float() for g in gradients]
                        + [torch.tensor(told, device=gradients[0].device)])
    message = accelerator.reduce(message, reduction="sum")
    sizes = [g.numel() for g in gradients] + [len(told)]
    *sums, told = message.split(sizes)
    for gradient, total in zip(gradients, sums):
        gradient.copy_(total.view_as(gradient))
    return tuple(told.tolist())


def same_everywhere(accelerator, *facts):
    """Raise ``ValueError`` unless all processes bring the same ``facts``.

    A machine with older data or no checkpoint would spoil the sum, and nobody
    would see it.
    """
    digest = hashlib.sha256(repr(facts).encode()).digest()
    mine = torch.tensor([int.from_bytes(digest[:6], "big")],
                        device=accelerator.device)
    everyone = accelerator.gather(mine)
    odd = [i for i, x in enumerate(everyone.tolist()) if x != everyone[0]]
    if odd:
        raise ValueError(
            f"process {odd[0]} has other data, settings or checkpoints than "
            f"process 0; all machines need the same repository, and an "
            f"--out folder that all of them can read")


def train_together(accelerator, lm, codes, plans, updates, batch_size,
                   peak_rate, weights=(1.0, 1.0), seed=0, checkpoint=None,
                   save_every=25, rows=None, most=None, progress=True):
    """:func:`helpers.multitask.train_two_tasks`, by several processes.

    Every process has all examples and draws the same batches; it computes on
    its share of them, the gradients are summed, and each makes the same
    update.  (A model with dropout drops other units then.)  Only the main
    process writes ``checkpoint``, all read it. Returns the list of (code,
    plan) losses.  Raises ``ValueError`` and ``MemoryError`` as there, and
    ``ValueError`` where processes differ in what they were given.
    """
    codes, plans = map(as_examples, (codes, plans))
    check_tasks(codes, plans, weights, updates, batch_size, rows, most)
    process, processes = accelerator.process_index, accelerator.num_processes
    encoded = [[encode_for(lm, example, most) for example in examples]
               for examples in (codes, plans)]
    trained = [w for w in lm.model.parameters() if w.requires_grad]
    plan = list(alternate(codes or plans, plans, updates, batch_size, seed))
    main = accelerator.is_main_process

    def gradients(step, scaler):
        return add_up(accelerator, trained, [
            accumulate_share(lm, [part[i] for i in chosen] if weight else [],
                             weight, process, processes, rows, scaler)
            for part, chosen, weight in zip(encoded, plan[step], weights)])

    return fit(
        lm, trained, updates, peak_rate, gradients,
        (batch_size, weights, seed, encoded), rows or batch_size,
        "lower profile.plan_rows, which changes nothing else, or give it "
        "more processes", checkpoint=checkpoint, save_every=save_every,
        # Each process drops other units; the first, those that one would.
        weight_decay=0.05, seed=f"{seed}|{process}" if process else seed,
        progress=progress and main, words=("two tasks", " updates"),
        agree=partial(same_everywhere, accelerator), saves=main)


# ------------------------------------------------------------- one sampling

def left(prompts, n, rows):
    """The task_ids of ``prompts`` that lack some of their n samples."""
    have = {(row.task_id, row.sample_index) for row in rows}
    return [task for task in prompts
            if any((task, i) not in have for i in range(n))]


def written(folder):
    """All samples that lie in the files of ``folder``, each once."""
    rows = [row for path in sorted(Path(folder).glob("*.jsonl"))
            for row in read_samples(path)]
    return list({(r.task_id, r.sample_index): r for r in rows}.values())


def sample_together(accelerator, lm, prompts, n, folder, **settings):
    """:func:`helpers.sampling.sample`, by several processes; the samples.

    What ``folder`` lacks is split evenly among those who are there now, be
    they as many as last time or not.  Each process appends to a file of its
    own; at the end the main process joins them in ``samples.jsonl``.  A
    process that is killed loses one batch.  Other processes return None.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    if accelerator.is_main_process:          # what a kill left of a line
        for path in folder.glob("*.jsonl"):
            drop_incomplete_line(path)
    accelerator.wait_for_everyone()
    wanted = left(prompts, n, written(folder))
    # Nobody may write before all have read, or they split different lists.
    accelerator.wait_for_everyone()
    process = accelerator.process_index
    mine = own_share(wanted, process, accelerator.num_processes)
    own = folder / f"process-{process:03}.jsonl"
    if mine or own.exists():         # also looks through an older file
        sample(lm, {task: prompts[task] for task in mine}, n, cache=own,
               **settings)
    accelerator.wait_for_everyone()
    if not accelerator.is_main_process:
        return None
    joined = folder / "samples.jsonl"
    order = {task: number for number, task in enumerate(prompts)}
    rows = sorted(written(folder), key=lambda row: (
        order.get(row.task_id, len(order)), row.sample_index))
    write_text(joined, lines_of(rows))
    # Nothing is missing; this looks through what the others have written.
    return sample(lm, prompts, n, cache=joined, **settings)
