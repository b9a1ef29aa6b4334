"""n completions per prompt, with temperature, shared prompts and a seed each.

Each sample has random numbers of its own, drawn from (seed, prompt, sample
index).  So the same call gives the same samples, a run that was killed goes
on where it stopped, and asking for n = 100 after n = 20 keeps the first 20.
"""

import hashlib
import time

import torch
from tqdm import tqdm
from transformers.cache_utils import (Cache, DynamicLayer,
                                      EncoderDecoderCache)

from .prompts import cut_completion, prompt_hash, truncate_left
from .samples import Sample, append, cached, drop_incomplete_line


class RoomyLayer(DynamicLayer):
    """Keys and values of one layer in a buffer with room to grow.

    The library's own layer copies everything that was read so far to add one
    token.  With a prompt that is long and a model that is small, a good part
    of the time goes into that copying.  Introduced in notebook 02, section 3.
    """

    room = None

    def update(self, keys, values, *args, **kwargs):
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
        old, new = self.get_seq_length(), keys.shape[-2]
        fits = (self.room is not None and old + new <= self.room[0].shape[-2]
                and keys.shape[0] == self.room[0].shape[0])
        if not fits:
            shape = (*keys.shape[:2], old + new + 64, keys.shape[-1])
            self.room = keys.new_empty(shape), values.new_empty(shape)
            if old:
                self.room[0][:, :, :old] = self.keys
                self.room[1][:, :, :old] = self.values
        self.room[0][:, :, old:old + new] = keys
        self.room[1][:, :, old:old + new] = values
        self.keys = self.room[0][:, :, :old + new]
        self.values = self.room[1][:, :, :old + new]
        return self.keys, self.values


def pick(logits, uniform, temperature, top_p=1.0):
    """One token per row.

    ``logits`` (rows, vocabulary), ``uniform`` (rows,) in [0, 1).  Divides by
    the temperature, keeps the likeliest tokens that together have
    probability ``top_p``, and draws by the inverse of the cumulative
    distribution.  Temperature 0 takes the likeliest token.
    Introduced in notebook 02, section 3.
    """
    if temperature == 0:
        return logits.argmax(-1)
    probs = torch.softmax(logits.float() / temperature, dim=-1)
    if top_p < 1:
        ranked, order = probs.sort(dim=-1, descending=True)
        before = ranked.cumsum(-1) - ranked
        probs = torch.zeros_like(probs).scatter(
            -1, order, ranked.masked_fill(before >= top_p, 0))
    edges = probs.cumsum(-1)
    edges = edges / edges[:, -1:]
    token = torch.searchsorted(edges, uniform[:, None], right=True)
    return token[:, 0].clamp(max=logits.shape[-1] - 1)


class Reading:
    """What a model has read of its prompts, and its words so far.

    Introduced in notebook 02, section 3.  A decoder-only model keeps keys
    and values of prompt and completion in one cache.  An encoder-decoder
    reads the prompt in its encoder, whose ``states`` the decoder looks at
    through a second cache (notebook 06, section 8).  Both caches have a row
    for each sequence.
    """

    def __init__(self, model, ids):
        self.model, self.states = model, None
        self.caches = [Cache(layer_class_to_replicate=RoomyLayer)]
        self.cache, options = self.caches[0], {"logits_to_keep": 1}
        if model.config.is_encoder_decoder:
            self.caches.append(Cache(layer_class_to_replicate=RoomyLayer))
            self.cache, options = EncoderDecoderCache(*self.caches), {}
            self.states = model.get_encoder()(input_ids=ids)[0]
            ids = torch.full_like(ids[:, :1],
                                  model.config.decoder_start_token_id)
        self.logits = self.next(ids, **options)

    def next(self, ids, **options):
        """Logits (rows, vocabulary) after ``ids`` (rows, length)."""
        inputs = {"input_ids": ids}
        if self.states is not None:
            inputs = {"decoder_input_ids": ids,
                      "encoder_outputs": (self.states,)}
        return self.model(**inputs, past_key_values=self.cache,
                          use_cache=True, **options).logits[:, -1]

    def repeat(self, n):
        """Every row n times, one after the other."""
        for cache in self.caches:
            cache.batch_repeat_interleave(n)
        self.logits = self.logits.repeat_interleave(n, dim=0)
        if self.states is not None:
            self.states = self.states.repeat_interleave(n, dim=0)

    def keep(self, rows):
        """Go on with these rows only."""
        for cache in self.caches:
            cache.batch_select_indices(rows)
        if self.states is not None:
            self.states = self.states[rows]


@torch.inference_mode()
def complete(lm, ids, uniform, temperature, top_p, cut=cut_completion):
    """Continue prompts of one length; returns a (text, finish_reason) a row.

    ``ids`` (prompts, length); ``uniform`` (prompts * n, most new tokens),
    prompt-major.  Each prompt is read once and shared by its n samples.
    Rows that are done leave the batch when they are a quarter of it.
    ``cut`` says where a text ends (:func:`helpers.prompts.cut_completion`).
    Introduced in notebook 02, section 3.
    """
    tokenizer = lm.tokenizer
    rows, most = uniform.shape
    reading = Reading(lm.model, ids)
    reading.repeat(rows // ids.shape[0])
    logits = reading.logits
    ends = torch.zeros(rows, dtype=torch.bool)
    tokens = torch.full((rows, most), tokenizer.eos_token_id)
    live = torch.arange(rows)                    # row of each batch place
    for step in range(most):
        new = pick(logits, uniform[live, step].to(logits.device),
                   temperature, top_p)
        tokens[live, step] = new.cpu()
        ends[live] |= finished(lm, tokens[live, :step + 1], cut) & ~ends[live]
        going = ~ends[live]
        if not going.any() or step + 1 == most:
            break
        if going.sum() <= 0.75 * len(live):
            keep = going.nonzero()[:, 0]
            reading.keep(keep.to(new.device))
            live, new = live[keep], new[keep.to(new.device)]
        logits = reading.next(new[:, None])
    return [close(tokenizer, row, cut) for row in tokens.tolist()]


def finished(lm, tokens, cut=cut_completion):
    """Which rows (rows, length) have ended: end token, or a cut.

    Introduced in notebook 02, section 3.
    """
    done = tokens[:, -1] == lm.tokenizer.eos_token_id
    breaks = torch.isin(tokens[:, -1], lm.newline_tokens)
    for row in breaks.nonzero()[:, 0].tolist():
        text = decode(lm.tokenizer, tokens[row])
        done[row] = cut(text)[1] == "stop"
    return done


def close(tokenizer, row, cut=cut_completion):
    """The text of the token ids ``row`` up to its end, and why it ended.

    Introduced in notebook 02, section 3.
    """
    if tokenizer.eos_token_id in row:
        text = decode(tokenizer, row[:row.index(tokenizer.eos_token_id)])
        if not text.endswith("\n"):
            text += "\n"
        return cut(text)[0], "stop"
    return cut(decode(tokenizer, row))


def decode(tokenizer, ids):
    """The text of ``ids``, letter for letter.

    Introduced in notebook 02, section 3.
    """
    return tokenizer.decode(ids, clean_up_tokenization_spaces=False)


def random_numbers(seed, digest, indices, most):
    """Uniform numbers (len(indices), most), a row for each sample index.

    Introduced in notebook 02, section 3.
    """
    rows = []
    for index in indices:
        name = hashlib.sha256(f"{seed}|{digest}|{index}".encode()).digest()
        source = torch.Generator().manual_seed(
            int.from_bytes(name[:7], "big"))
        rows.append(torch.rand(most, generator=source))
    return torch.stack(rows)


def cost(lm, prompts, n, max_new_tokens):
    """What sampling would take, before it is done.

    Returns a dict: calls (completions), prompt_tokens, new_tokens (at most)
    and seconds (about, from a short trial on the longest prompt).
    Introduced in notebook 02, section 2.
    """
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

    Returns Samples, problem by problem in the order of ``prompts``.  What
    ``cache`` (a JSONL file) holds is not sampled again; new samples are
    appended to it batch by batch, so a kill loses one batch.  At most
    ``sequences`` are decoded at a time.  Prompts longer than
    ``max_prompt_tokens`` lose their beginning (EKT: 756).  ``cut`` says
    where a completion ends.
    Introduced in notebook 02, section 4.
    """
    if n < 1:
        raise ValueError(f"n counts samples and is at least 1, not {n}")
    digests = {task: prompt_hash(text) for task, text in prompts.items()}
    drop_incomplete_line(cache)
    done = cached(cache, lm, digests, seed, temperature, top_p,
                  max_new_tokens)
    groups = {}      # prompts of one length that lack as many samples
    for task, text in prompts.items():
        missing = [i for i in range(n) if (task, i) not in done]
        ids = truncate_left(lm.prompt_ids(text), max_prompt_tokens)
        for at in range(0, len(missing), sequences):
            part = missing[at:at + sequences]
            groups.setdefault((len(ids), len(part)), []).append(
                (task, ids, part))
    bar = tqdm(total=len(prompts) * n, desc=f"sampling {lm.name}",
               unit=" samples", disable=not progress,
               initial=len(prompts) * n - sum(
                   len(part) for g in groups.values() for _, _, part in g))
    for (_, count), work in sorted(groups.items()):
        step = max(1, sequences // count)
        for at in range(0, len(work), step):
            batch = work[at:at + step]
            uniform = torch.cat([
                random_numbers(seed, digests[task], part, max_new_tokens)
                for task, _, part in batch])
            ids = torch.tensor([ids for _, ids, _ in batch])
            texts = complete(lm, ids.to(lm.model.device), uniform,
                             temperature, top_p, cut)
            rows = [(task, i) for task, _, part in batch for i in part]
            new = [Sample(task, i, seed, temperature, top_p, max_new_tokens,
                          text, reason, lm.name, digests[task])
                   for (task, i), (text, reason) in zip(rows, texts)]
            append(cache, new)
            done.update({(s.task_id, s.sample_index): s for s in new})
            bar.update(len(new))
    bar.close()
    return [done[task, i] for task in prompts for i in range(n)]
