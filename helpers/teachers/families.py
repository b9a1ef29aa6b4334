"""Which way a model is sampled: ours, the library's, or not at all.

Our decoding (:mod:`helpers.teachers.decoding`) keeps keys and values of all
that was read, and a row of them for each sequence.  Some families keep a
state elsewhere, or of another kind, and would go on from a wrong one without
a word.  Rather than from a list of names, which ends where the next family
begins, each model is tried before its first token: a few logits by us and by
``generate`` of the library, which any family has its own way through.
"""

import inspect
import re
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from transformers import (GenerationConfig, LogitsProcessor,
                          LogitsProcessorList, StoppingCriteria,
                          StoppingCriteriaList)
from transformers.cache_utils import (DynamicCache, DynamicLayer,
                                      DynamicSlidingWindowLayer)
from transformers.utils import logging

TRIAL_STEPS = 5          # tokens, the first from the prompt alone
TRIAL_LENGTHS = 12, 7    # most tokens of its two prompts
# A window, or a piece that is read at a time, is looked through by a prompt
# that is longer, if that takes no more tokens than so many.
WINDOW_SIZES = re.compile(r"window|chunk|radius|block_size")
LONGEST_TRIAL = 256
# How far our logits may be from the library's, in standard deviations of
# these: 16 bits round, and 4-bit layers have other kernels for other shapes.
NEAR = {torch.float32: 1e-3, torch.float64: 1e-3}
NEAR_IN_HALF = 0.1
# These keep keys and values, and nothing else.
KEYS_ONLY = (DynamicLayer, DynamicSlidingWindowLayer)
FOUND = {}               # what a model is made of: its way


@dataclass(frozen=True)
class Way:
    """``ours``: whether our decoding is right for a model, else the library's
    is used.  ``padded``: whether prompts of several lengths may share a batch.
    ``most``: of how many tokens, prompt and completion, both of that holds;
    None is any number.  ``cached``: whether the library keeps what was read;
    else it reads all again for each token, slowly, as its own memory fails
    for several rows.
    """

    ours: bool
    padded: bool
    cached: bool = True
    most: int = None

    def within(self, tokens):
        """Whether a text of so many tokens is short enough for our way."""
        return self.most is None or tokens <= self.most


def base_of(model):
    """The library's own model, also of one with adapters."""
    return model.get_base_model() if hasattr(model, "get_base_model") else (
        model)


def taken(model):
    """The keywords that a model's ``forward`` names, and whether it takes
    others, too."""
    names = inspect.signature(base_of(model).forward).parameters
    return set(names), any(parameter.kind is parameter.VAR_KEYWORD
                           for parameter in names.values())


def cache_name(model):
    """The keyword under which a model takes its cache: transformers 5.24
    gave most of them a shorter one, and warns of the other."""
    return "cache" if "cache" in taken(model)[0] else "past_key_values"


def start_token(model):
    """The id with which the decoder of an encoder-decoder begins."""
    model = base_of(model)
    for place in (model.generation_config, model.config):
        for name in ("decoder_start_token_id", "bos_token_id"):
            if getattr(place, name, None) is not None:
                return getattr(place, name)
    raise ValueError("no token is named with which the decoder begins")


@contextmanager
def plainly(model, most, end, cached=True):
    """Within the block ``generate`` takes the likeliest of ``most`` tokens.

    A checkpoint's own settings, such as a penalty, would be added to any that
    are given; all samples of this collection are of the model itself.
    """
    model = base_of(model)
    own = model.generation_config
    plain = GenerationConfig(max_new_tokens=most, do_sample=False,
                             pad_token_id=end, use_cache=cached)
    if model.config.is_encoder_decoder:
        plain.decoder_start_token_id = start_token(model)
    verbosity = logging.get_verbosity()
    logging.set_verbosity_error()     # advice on settings that are not ours
    try:
        model.generation_config = plain
        yield model
    finally:
        model.generation_config = own
        logging.set_verbosity(verbosity)


class Ours(LogitsProcessor):
    """Leaves the library one token to choose, the one that we pick."""

    def __init__(self, pick):
        self.pick, self.step = pick, 0

    def __call__(self, input_ids, scores):
        token = self.pick(scores, self.step)
        self.step += 1
        return torch.full_like(scores, -torch.inf).scatter(
            1, token[:, None], 0)


class Ended(StoppingCriteria):
    """Tells the library which rows are at their end.

    ``finished(tokens)`` tells it of the new tokens (rows, steps).
    """

    def __init__(self, drawn, finished):
        self.drawn, self.finished, self.done = drawn, finished, False

    def __call__(self, input_ids, scores, **_):
        new = self.finished(input_ids[:, -self.drawn.step:].cpu())
        self.done = new | self.done
        return self.done.to(input_ids.device)


def by_library(model, ids, most, end, pick, finished, cached=True):
    """Tokens (rows, steps) by ``generate``, which re-reads a repeated prompt.

    ``ids`` (rows, length) without padding; ``pick(logits, step)`` gives a
    token a row, and ``finished(tokens)`` the rows that are at their end,
    which are filled up with the token ``end``.
    """
    drawn = Ours(pick)
    with plainly(model, most, end, cached) as library:
        found = library.generate(
            ids, attention_mask=torch.ones_like(ids),
            logits_processor=LogitsProcessorList([drawn]),
            stopping_criteria=StoppingCriteriaList([Ended(drawn, finished)]))
    return found[:, -drawn.step:].cpu()


def library_logits(model, prompt, end, rows=1, cached=True):
    """(tokens (steps,), logits (steps, vocabulary)) that ``generate`` has.

    Of the last of so many equal ``rows``.
    """
    ids = torch.tensor([prompt] * rows, device=model.device)
    with plainly(model, TRIAL_STEPS, end, cached) as library:
        found = library.generate(
            ids, attention_mask=torch.ones_like(ids), output_logits=True,
            return_dict_in_generate=True)
    return (found.sequences[-1, -TRIAL_STEPS:],
            torch.stack(found.logits)[:, -1].float())


def our_logits(read, prompts, tokens):
    """Logits (prompts, steps, vocabulary) of our decoding, fed ``tokens``.

    ``read(prompts)`` gives a :class:`helpers.teachers.decoding.Reading`.  Its
    rows are repeated and some let go, as in sampling.
    """
    rows, n = len(prompts), 8
    reading = read(prompts)
    reading.repeat(n)
    found = [reading.logits[::n]]
    for step in range(TRIAL_STEPS - 1):
        fed = tokens[:, step].repeat_interleave(n)
        found.append(reading.next(fed)[::n])
        if step == 0:
            left = torch.arange(rows, device=fed.device) * n
            reading.keep(torch.stack([left, left + 1], 1).flatten())
            n = 2
    return torch.stack(found, 1).float()


def same_logits(ours, theirs, dtype):
    """Whether logits are the same but for rounding."""
    there = theirs.isfinite()
    if ours.shape != theirs.shape or not torch.equal(there, ours.isfinite()):
        return False
    apart = torch.where(there, ours - theirs, 0).square().mean(-1).sqrt()
    size = torch.where(there, theirs, 0).std(-1)
    return bool((apart <= NEAR.get(dtype, NEAR_IN_HALF) * size).all())


def turning_point(config):
    """The tokens from which positions are told in another way, or None.

    So it is with the rotations of Phi 3 and 4: all keys are then made anew,
    and those of the longest text in a batch decide for all.
    """
    config = config.get_text_config(decoder=True)
    told = getattr(config, "rope_parameters", None) or {}
    kinds = [told] + [part for part in told.values() if isinstance(part, dict)]
    if any(part.get("rope_type") in ("longrope", "dynamic")
           for part in kinds):
        known = [place.get("original_max_position_embeddings")
                 for place in (*kinds, vars(config))]
        return min(filter(None, [
            *known, getattr(config, "max_position_embeddings", None)]),
            default=0)
    return None


def trial_length(config):
    """How many tokens the longer of the two prompts has."""
    found = [TRIAL_LENGTHS[0]]
    config = config.get_text_config(decoder=True)
    for name, value in config.to_dict().items():
        for size in value if isinstance(value, list) else [value]:
            if WINDOW_SIZES.search(name) and isinstance(size, int):
                found.append(size + 5)
    room = getattr(config, "max_position_embeddings", None) or LONGEST_TRIAL
    return max(size for size in found if size == found[0] or size
               <= min(LONGEST_TRIAL, room - TRIAL_STEPS))


def keeps_only_keys(model):
    """Whether the library's own cache for a model has plain layers only."""
    model = base_of(model)
    if getattr(model, "_is_stateful", False):
        return False
    config = model.config.get_text_config(decoder=True)
    return all(type(layer) in KEYS_ONLY
               for layer in DynamicCache(config=config).layers)


def find_way(model, read, prompts, end):
    """The :class:`Way` of a model, by a trial of a few tokens.

    It rests on how the model is made and not on its weights, so one of a kind
    is tried.

    ``prompts``: two lists of token ids, of different lengths; ``read`` as in
    :func:`our_logits`; ``end``: the id to fill up with.  Raises
    ``ValueError`` where not even the library can sample from the model.
    """
    base = base_of(model)
    kind = (type(model), type(base), base.config.to_json_string(), base.dtype,
            base.device.type, getattr(base, "is_quantized", False))
    if kind not in FOUND:
        FOUND[kind] = try_both(model, read, prompts, end)
    return FOUND[kind]


@torch.inference_mode()
def try_both(model, read, prompts, end):
    """The :class:`Way` of a model, which :func:`find_way` keeps."""
    config = base_of(model).config
    lengths = trial_length(config), TRIAL_LENGTHS[1]
    prompts = [(ids * most)[:most] for ids, most in zip(prompts, lengths)]
    short = turning_point(config)
    training = model.training
    model.eval()
    try:
        told = [library_logits(model, ids, end) for ids in prompts]
        tokens, theirs = (torch.stack(part) for part in zip(*told))

        def right(rows):
            try:
                ours = our_logits(read, prompts[rows], tokens[rows])
            except torch.OutOfMemoryError:
                raise
            except Exception:        # the library goes another way, then
                return False
            return same_logits(ours, theirs[rows], model.dtype)
        if keeps_only_keys(model) and right(slice(0, 1)):
            return Way(True, right(slice(0, 2)), most=short)
        for cached in (True, False):
            _, several = library_logits(model, prompts[0], end, 3, cached)
            if same_logits(several, theirs[0], model.dtype):
                return Way(False, False, cached)
        raise ValueError("several rows are not what each is alone")
    except torch.OutOfMemoryError:
        raise
    except Exception as error:       # of a model that is made otherwise
        first = (str(error).strip() or type(error).__name__).splitlines()
        raise ValueError(
            f"models of the family {base_of(model).config.model_type!r} "
            f"cannot be sampled from; choose a model of another family "
            f"({type(error).__name__}: {first[0][:200]})") from None
    finally:
        model.train(training)
