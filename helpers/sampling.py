"""n completions per prompt, from any teacher, in a file that survives a kill.

Each sample has random numbers of its own, drawn from (seed, prompt, sample
index).  So the same call gives the same samples, a run that was killed goes
on where it stopped, and asking for n = 100 after n = 20 keeps the first 20.
"""

import time

import torch
from tqdm import tqdm

from helpers.teachers.decoding import complete, pad, random_numbers
from helpers.gpu.memory import empty_cache
from helpers.prompts import cut_completion, from_reply, prompt_hash
from helpers.samples import (Sample, Settings, append, cached,
                             drop_incomplete_line)


def cost(lm, prompts, n, max_new_tokens):
    """What sampling would take, before it is done.

    Returns a dict: calls (completions), prompt_tokens, new_tokens (at most)
    and seconds (about, from a short trial on the longest prompt).  A teacher
    that is no checkpoint makes its own estimate (``lm.cost``), which may
    include money.  Introduced in notebook 02, section 2.
    """
    if hasattr(lm, "cost"):
        return lm.cost(prompts, n, max_new_tokens)
    lengths = {text: len(lm.prompt_ids(text)) for text in prompts.values()}
    longest = max(lengths, key=lengths.get)
    ids = torch.tensor([lm.prompt_ids(longest)])
    rows, steps = 64, 8
    began = time.perf_counter()
    complete(lm, ids.to(lm.model.device), torch.rand(rows, steps), 1.0, 1.0)
    rate = rows * steps / (time.perf_counter() - began)
    calls = len(prompts) * n
    return {"calls": calls, "prompt_tokens": sum(lengths.values()),
            "new_tokens": calls * max_new_tokens,
            "seconds": calls * max_new_tokens / rate}


def sample(lm, prompts, n, temperature=0.6, top_p=1.0, seed=0,
           max_new_tokens=150, max_prompt_tokens=756, cache=None,
           sequences=256, progress=True, cut=cut_completion):
    """``n`` completions for each of ``prompts`` {task_id: text}.

    ``lm`` is a checkpoint, or any teacher with a ``name`` and a method
    ``draw`` (:mod:`helpers.teachers.recording`,
    :mod:`helpers.teachers.endpoint`).  Returns Samples, problem by problem in
    the order of ``prompts``.  What ``cache`` (a JSONL file) holds is not
    sampled again; new samples are appended to it batch by batch, so a kill
    loses one batch.  Of a checkpoint, at most ``sequences`` are decoded at a
    time, and prompts longer than ``max_prompt_tokens`` lose their beginning
    (EKT: 756).  ``cut`` says where a completion ends.  Raises ``ValueError``
    for n < 1 or a cache of another run, ``MemoryError`` if not even one
    sequence fits. Introduced in notebook 02, section 4.
    """
    if n < 1:
        raise ValueError(f"n counts samples and is at least 1, not {n}")
    settings = Settings(seed, temperature, top_p, max_new_tokens, cut)
    digests = {task: prompt_hash(text) for task, text in prompts.items()}
    drop_incomplete_line(cache)
    done = cached(cache, lm, digests, settings)
    wanted = {task: (text, [i for i in range(n) if (task, i) not in done])
              for task, text in prompts.items()}
    wanted = {task: (text, missing) for task, (text, missing)
              in wanted.items() if missing}
    missing = sum(len(indices) for _, indices in wanted.values())
    draws = (lm.draw(wanted, settings) if hasattr(lm, "draw") else
             draw(lm, wanted, settings, sequences, max_prompt_tokens))
    with tqdm(total=len(prompts) * n, desc=f"sampling {lm.name}",
              unit=" samples", disable=not progress,
              initial=len(prompts) * n - missing) as bar:
        for new in draws:
            append(cache, new)
            done.update({(s.task_id, s.sample_index): s for s in new})
            bar.update(len(new))
    return [done[task, i] for task in prompts for i in range(n)]


def draw(lm, wanted, settings, sequences=256, max_prompt_tokens=756):
    """Yields lists of Samples of a checkpoint, a batch at a time.

    ``wanted`` {task_id: (prompt, missing sample indices)}.  Each prompt is
    read once for all its samples.  Where a batch does not fit into memory it
    is halved, as are all that follow.  Introduced in notebook 02, section 4.
    """
    cut = settings.cut
    if lm.chat:
        def cut(text):
            return settings.cut(from_reply(text))
    device, end = lm.model.device, lm.tokenizer.eos_token_id
    work = batches(lm, wanted, sequences, max_prompt_tokens,
                   mixed=device.type != "cpu")
    while work:
        batch = work.pop(0)
        rows = [(task, i) for task, _, part in batch for i in part]
        if len(rows) > sequences:
            work[:0] = halves(batch)
            continue
        digests = {task: prompt_hash(wanted[task][0])
                   for task, _, _ in batch}
        uniform = torch.cat([
            random_numbers(settings.seed, digests[task], part,
                           settings.max_new_tokens)
            for task, _, part in batch])
        ids, mask = pad([ids for _, ids, _ in batch], end,
                        right=lm.model.config.is_encoder_decoder)
        try:
            texts = complete(lm, ids.to(device), uniform,
                             settings.temperature, settings.top_p, cut,
                             None if mask is None else mask.to(device))
        except torch.OutOfMemoryError:
            texts = None             # the error holds on to what was made
        if texts is None:
            sequences = len(rows) // 2
            empty_cache()
            if not sequences:
                raise MemoryError(
                    f"not even one completion of {rows[0][0]} fits into the "
                    f"memory of the card; free other models, or lower "
                    f"max_prompt_tokens and max_new_tokens; the samples "
                    f"drawn so far are kept")
            tqdm.write(f"out of memory with {len(rows)} sequences at a "
                       f"time; going on with {sequences}")
            work.insert(0, batch)
            continue
        yield [Sample(task, i, *settings.told, text, reason, lm.name,
                      digests[task])
               for (task, i), (text, reason) in zip(rows, texts)]


def batches(lm, wanted, sequences, max_prompt_tokens, mixed):
    """Lists of (task_id, prompt ids, sample indices) to decode together.

    Prompts that lack as many samples share a batch.  On a CPU, where every
    token costs, only prompts of one length do.  A card takes nearly as long
    for a few rows as for many, so there lengths are ``mixed`` and padded,
    the longest first: if memory is short, one learns it at once.
    Introduced in notebook 02, section 4.
    """
    groups = {}
    for task, (text, missing) in wanted.items():
        ids = lm.prompt_ids(text, max_prompt_tokens)
        for at in range(0, len(missing), sequences):
            part = missing[at:at + sequences]
            groups.setdefault((0 if mixed else len(ids), len(part)),
                              []).append((task, ids, part))
    found = []
    for (_, count), rows in sorted(groups.items()):
        rows.sort(key=lambda row: -len(row[1]))       # where they are mixed
        step = max(1, sequences // count)
        found += [rows[at:at + step] for at in range(0, len(rows), step)]
    return found


def halves(batch):
    """A batch in two: its prompts, or the samples of its only one.

    Introduced in notebook 02, section 4.
    """
    if len(batch) > 1:
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]
    (task, ids, part), = batch
    middle = len(part) // 2
    return [[(task, ids, part[:middle])], [(task, ids, part[middle:])]]
