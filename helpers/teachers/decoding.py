"""Decoding: tokens one after the other, for many rows at a time.

Each row has random numbers of its own, so what it becomes does not depend on
the rows beside it.
"""

import hashlib

import torch
from transformers.cache_utils import Cache, EncoderDecoderCache

from helpers.prompts import cut_completion
from helpers.teachers.families import (by_library, cache_name,
                                       start_token, taken)
from helpers.teachers.sharing import SHARED, RoomyLayer, SharedLayer


def pick(logits, uniform, temperature, top_p=1.0):
    """One token per row.

    ``logits`` (rows, vocabulary), ``uniform`` (rows,) in [0, 1).  Divides by
    the temperature, keeps the likeliest tokens that together have
    probability ``top_p``, and draws by the inverse of the cumulative
    distribution.  Temperature 0 takes the likeliest token.
    Introduced in notebook 02.
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

    A decoder-only model keeps keys and values of prompt and completion in one
    cache.  An encoder-decoder reads the prompt in its encoder, whose
    ``states`` the decoder looks at through a second cache (notebook 06,
    section 8).  Both caches have a row for each sequence.  ``mask`` (rows,
    length) is 0 where a prompt is padded, or None if none is.
    """

    def __init__(self, model, ids, mask=None):
        self.model, self.states, self.mask = model, None, mask
        self.names, self.open = taken(model)
        self.kept = cache_name(model)
        # Padded prompts have lengths of their own and are not shared.
        self.shared = (mask is None
                       and model.config._attn_implementation == SHARED)
        self.caches = [Cache(layer_class_to_replicate=SharedLayer
                             if self.shared else RoomyLayer)]
        self.cache = self.caches[0]
        options = {"logits_to_keep": 1} if self.takes("logits_to_keep") else {}
        if model.config.is_encoder_decoder:
            self.caches.append(Cache(layer_class_to_replicate=RoomyLayer))
            self.cache, options = EncoderDecoderCache(*self.caches), {}
            self.states = model.get_encoder()(
                input_ids=ids, attention_mask=mask)[0]
            ids = torch.full_like(ids[:, :1], start_token(model))
        self.logits = self.read(ids, **options)

    def takes(self, name):
        """Whether the model takes a keyword."""
        return self.open or name in self.names

    def read(self, ids, **options):
        """Logits (rows, vocabulary) after ``ids`` (rows, length)."""
        inputs = {"input_ids": ids}
        if self.shared:
            options["prompt_layers"] = self.caches[0].layers
        if self.mask is not None:
            options["attention_mask"] = self.mask
        if self.states is not None:
            inputs = {"decoder_input_ids": ids,
                      "encoder_outputs": (self.states,)}
        elif self.mask is not None and self.takes("position_ids"):
            # padding takes no place in a text
            places = (self.mask.cumsum(-1) - 1).clamp(min=0)
            inputs["position_ids"] = places[:, -ids.shape[1]:]
        return self.model(**inputs, **{self.kept: self.cache},
                          use_cache=True, **options).logits[:, -1]

    def next(self, tokens):
        """Logits (rows, vocabulary) after one more token (rows,) each."""
        if self.mask is not None and self.states is None:
            self.mask = torch.cat([self.mask, torch.ones_like(
                self.mask[:, :1])], dim=1)
        return self.read(tokens[:, None])

    def repeat(self, n):
        """Every row n times, one after the other."""
        for cache in self.caches:
            cache.batch_repeat_interleave(n)
        self.logits = self.logits.repeat_interleave(n, dim=0)
        if self.states is not None:
            self.states = self.states.repeat_interleave(n, dim=0)
        if self.mask is not None:
            self.mask = self.mask.repeat_interleave(n, dim=0)

    def keep(self, rows):
        """Go on with these rows only."""
        for cache in self.caches:
            cache.batch_select_indices(rows)
        if self.states is not None:
            self.states = self.states[rows]
        if self.mask is not None:
            self.mask = self.mask[rows]

    def join(self, others):
        """Take the rows of ``others``, of one length with ours, behind ours.
        """
        every = [self, *others]
        for number, cache in enumerate(self.caches):
            for i, layer in enumerate(cache.layers):
                parts = [r.caches[number].layers[i] for r in every]
                layer.keys = torch.cat([part.keys for part in parts])
                layer.values = torch.cat([part.values for part in parts])
                for part in parts[1:]:             # as memory is short
                    part.keys = part.values = part.room = None
        self.logits = torch.cat([r.logits for r in every])
        self.mask = torch.cat([r.mask for r in every])
        if self.states is not None:
            self.states = torch.cat([r.states for r in every])


def read_prompts(model, ids, mask=None, most=4096):
    """A :class:`Reading` of prompts (rows, length).

    Of padded prompts, ``most`` tokens are read at a time: what a model works
    with while it reads is many times what it keeps.
    """
    if mask is None:
        return Reading(model, ids)
    rows = max(1, most // ids.shape[1])
    first, *others = (Reading(model, *part) for part in
                      zip(ids.split(rows), mask.split(rows)))
    if others:
        first.join(others)
    return first


def read_all(model, prompts, end):
    """A :class:`Reading` of prompts, lists of token ids of any lengths."""
    ids, mask = pad(prompts, end, right=model.config.is_encoder_decoder)
    return read_prompts(model, ids.to(model.device),
                        None if mask is None else mask.to(model.device))


def pad(prompts, end, right=False):
    """Prompts of any lengths as one tensor, ``(ids, mask)``.

    Both (prompts, longest).  A decoder-only model goes on at the right end, so
    its prompts are padded on the left; an encoder's on the ``right``. The mask
    is None where nothing is padded.
    """
    longest = max(map(len, prompts))
    ids = torch.full((len(prompts), longest), end)
    mask = torch.zeros_like(ids)
    for row, known in enumerate(prompts):
        place = slice(len(known)) if right else slice(longest - len(known),
                                                      longest)
        ids[row, place], mask[row, place] = torch.tensor(known), 1
    return ids, None if mask.all() else mask


@torch.inference_mode()
def complete(lm, ids, uniform, temperature, top_p, cut=cut_completion,
             mask=None):
    """Continue prompts; returns a (text, finish_reason) a row.

    ``ids`` and ``mask`` (prompts, length), see :func:`pad`; ``uniform``
    (prompts * n, most new tokens), prompt-major.  Each prompt is read once and
    shared by its n samples.  Rows that are done leave the batch when they are
    a quarter of it.  ``cut`` says where a text ends
    (:func:`helpers.prompts.cut_completion`).  A model that our decoding is
    not right for is left to the library, with the same random numbers.
    """
    rows, most = uniform.shape
    ours = lm.way.ours and lm.way.within(ids.shape[1] + most)
    if mask is not None and not (ours and lm.way.padded):
        return [done for row, seen, numbers in zip(
            ids, mask, uniform.split(rows // ids.shape[0]))
            for done in complete(lm, row[None, seen.bool()], numbers,
                                 temperature, top_p, cut)]
    def chosen(logits, numbers, step):
        """The next tokens; the first may be fixed, as a language is."""
        if step == 0 and lm.first_token is not None:
            return torch.full_like(logits[:, 0], lm.first_token,
                                   dtype=torch.long)
        return pick(logits, numbers.to(logits.device).contiguous(),
                    temperature, top_p)
    if not ours:
        tokens = by_library(
            lm.model, ids.repeat_interleave(rows // ids.shape[0], dim=0), most,
            lm.pad_token,
            lambda logits, step: chosen(logits, uniform[:, step], step),
            lambda tokens: finished(lm, tokens, cut), lm.way.cached)
        return [close(lm, row, cut) for row in tokens.tolist()]
    reading = read_prompts(lm.model, ids, mask)
    reading.repeat(rows // ids.shape[0])
    logits = reading.logits
    ends = torch.zeros(rows, dtype=torch.bool)
    tokens = torch.full((rows, most), lm.pad_token)
    live = torch.arange(rows)                    # row of each batch place
    for step in range(most):
        new = chosen(logits, uniform[live, step], step)
        tokens[live, step] = new.cpu()
        ends[live] |= finished(lm, tokens[live, :step + 1], cut) & ~ends[live]
        going = ~ends[live]
        if not going.any() or step + 1 == most:
            break
        if going.sum() <= 0.75 * len(live):
            keep = going.nonzero()[:, 0]
            reading.keep(keep.to(new.device))
            live, new = live[keep], new[keep.to(new.device)]
        logits = reading.next(new)
    return [close(lm, row, cut) for row in tokens.tolist()]


def finished(lm, tokens, cut=cut_completion):
    """Which rows (rows, length) have ended: end token, or a cut."""
    done = torch.isin(tokens[:, -1], torch.tensor(lm.end_tokens))
    breaks = torch.isin(tokens[:, -1], lm.newline_tokens)
    for row in breaks.nonzero()[:, 0].tolist():
        text = continued(lm.tokenizer, unmarked(lm, tokens[row].tolist()))
        done[row] = cut(text)[1] == "stop"
    return done


def close(lm, row, cut=cut_completion):
    """The text of the token ids ``row`` up to its end, and why it ended."""
    row = unmarked(lm, row)
    ends = [row.index(token) for token in lm.end_tokens if token in row]
    if ends:
        text = continued(lm.tokenizer, row[:min(ends)])
        if not text.endswith("\n"):
            text += "\n"
        return cut(text)[0], "stop"
    return cut(continued(lm.tokenizer, row))


def unmarked(lm, row):
    """The token ids ``row`` without marks that a decoder begins with.

    Those of BART and CodeT5 write the mark of a beginning, or a language.
    """
    if not lm.model.config.is_encoder_decoder:
        return row
    marks = {lm.tokenizer.bos_token_id}
    if lm.first_token is not None:
        marks.update(lm.tokenizer.all_special_ids)
    marks -= set(lm.end_tokens)
    first = next((i for i, token in enumerate(row) if token not in marks),
                 len(row))
    return row[first:]


def decode(tokenizer, ids):
    """The text of ``ids``, letter for letter.

    Introduced in notebook M6.
    """
    return tokenizer.decode(ids, clean_up_tokenization_spaces=False)


def continued(tokenizer, ids):
    """The text of ``ids`` as it continues another.

    Tokenizers of SentencePiece's kind take a space away from what begins a
    text; of a line that is set in, it belongs to the program.  A model may
    have more tokens than its tokenizer, and those have no text.
    """
    known = len(tokenizer)
    ids = [token for token in ids if token < known]
    text = decode(tokenizer, ids)
    pieces = "".join(map(str, tokenizer.convert_ids_to_tokens(ids[:3])))
    spaces = len(pieces) - len(pieces.lstrip("▁"))
    if spaces > 1:
        text = " " * (spaces - len(text) + len(text.lstrip(" "))) + text
    return text


def random_numbers(seed, digest, indices, most):
    """Uniform numbers (len(indices), most), a row for each sample index."""
    rows = []
    for index in indices:
        name = hashlib.sha256(f"{seed}|{digest}|{index}".encode()).digest()
        source = torch.Generator().manual_seed(
            int.from_bytes(name[:7], "big"))
        rows.append(torch.rand(most, generator=source))
    return torch.stack(rows)
