"""A checkpoint as a teacher: loaded, named by its weights, sampled from."""

import hashlib
import json
import math
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from tqdm import tqdm

from helpers.gpu import memory
from helpers.gpu.attention import attention_for
from helpers.profiles import ROOT
from helpers.prompts import from_reply, prompt_hash, truncate_left
from helpers.sampling import Sample
from helpers.teachers.chat import in_template, thought_of
from helpers.teachers.decoding import (complete, pad, random_numbers,
                                       read_all)
from helpers.teachers.downloads import announce, here
from helpers.teachers.families import find_way
from helpers.teachers.replies import without_thinking
from helpers.teachers.sharing import allow_sharing, may_share
from helpers.teachers.unloadable import refuse_holes, why
from helpers.tools.arguments import see_that_it_is_a_path

# Two texts of different lengths, on which a model's decoding is tried.
TRIAL = ("def add(a, b):\n    return a + b\n", "answer = 3 * 4\n")
# With so few samples of each prompt a CPU, too, is faster with prompts of all
# lengths in one batch than with those of one length, whose samples share the
# prompt's keys.  Measured with the mini world's models, for 1 to 20 samples:
# 0.4 times the time for 1, 0.7 for 8, 1.2 for 20.
FEW = 8


@dataclass
class LanguageModel:
    """A checkpoint ready to sample from; ``name`` bears its fingerprint.

    ``chat`` wraps every prompt in the template of the tokenizer, with which a
    chat model was trained.
    """

    name: str
    model: torch.nn.Module
    tokenizer: object
    chat: bool = False

    def prompt_ids(self, text, most=None):
        """The token ids of a prompt, the last ``most`` of its text.

        An encoder is told where the text ends, as it was in training; who
        continues a text must not be.  A mark of the beginning that a
        tokenizer sets before every text stays where the text is cut.
        """
        if self.chat:
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            kept = text if not most or len(ids) <= most else (
                self.tokenizer.decode(truncate_left(ids, most)))
            return self.tokenizer(in_template(self.tokenizer, kept),
                                  add_special_tokens=False)["input_ids"]
        ids, end = self.tokenizer(text)["input_ids"], [
            self.tokenizer.eos_token_id]
        empty = self.tokenizer("")["input_ids"]
        if self.model.config.is_encoder_decoder:
            ids = ids + end * (ids[-1:] != end and end != [None])
        elif ids[-1:] == end and empty[-1:] == end and len(ids) > 1:
            ids, empty = ids[:-1], empty[:-1]
        ids = ids or [self.tokenizer.bos_token_id
                      if self.tokenizer.bos_token_id is not None
                      else self.pad_token]       # a text begins with something
        if not most or len(ids) <= most:
            return ids
        begin = next((i for i, pair in enumerate(zip(ids, empty))
                      if pair[0] != pair[1]), min(len(ids), len(empty)))
        begin = min(begin, most - 1)
        return ids[:begin] + truncate_left(ids, most - begin)

    @cached_property
    def end_tokens(self):
        """Ids that end a text: the tokenizer's, and the model's own.

        A chat model may end with its turn's mark or with the text's.
        """
        told = getattr(self.model, "generation_config", None)
        told = getattr(told, "eos_token_id", None)
        own = told if isinstance(told, list) else [told]
        return sorted({self.tokenizer.eos_token_id, *own} - {None})

    @property
    def pad_token(self):
        """An id to fill rows up with: an end's, or what the model has."""
        return next(i for i in (self.tokenizer.eos_token_id, *self.end_tokens,
                                self.tokenizer.pad_token_id, 0)
                    if i is not None)

    @property
    def first_token(self):
        """The id that a decoder must begin with, a language's, or None."""
        told = getattr(self.model, "generation_config", None)
        return (getattr(told, "forced_bos_token_id", None)
                if self.model.config.is_encoder_decoder else None)

    @cached_property
    def newline_tokens(self):
        """Ids of the tokens that hold a newline, where a line may end."""
        texts = self.tokenizer.batch_decode(
            [[i] for i in range(len(self.tokenizer))])
        return torch.tensor([i for i, text in enumerate(texts)
                             if "\n" in text])

    @cached_property
    def way(self):
        """How this model is sampled: :class:`helpers.teachers.families.Way`.

        Raises ``ValueError`` for a model that cannot be.
        """
        end = self.pad_token
        tried = [self.tokenizer(text)["input_ids"] for text in TRIAL]
        for ids in tried:
            self.refuse_strangers(ids)
        return find_way(
            self.model, lambda prompts: read_all(self.model, prompts, end),
            tried, end)

    def refuse_strangers(self, ids):
        """``ValueError`` for token ids that the model has no rows for."""
        rows = self.model.get_input_embeddings().weight.shape[0]
        if max(ids) >= rows > 1:          # a packed table has other rows
            raise ValueError(f"the tokenizer of {self.name} writes token "
                             f"{max(ids)}, and the model has {rows}; they do "
                             f"not belong together")

    def cost(self, prompts, n, max_new_tokens):
        """What sampling ``n`` for each of ``prompts`` would take, beforehand.

        A dict: calls (completions), prompt_tokens, new_tokens (at most) and
        seconds (about, from a short trial on the longest prompt).
        """
        lengths = {text: len(self.prompt_ids(text))
                   for text in prompts.values()}
        longest = max(lengths, key=lengths.get)
        ids = torch.tensor([self.prompt_ids(longest)]).to(self.model.device)
        rows, steps = 64, 8
        began = time.perf_counter()
        complete(self, ids, torch.rand(rows, steps), 1.0, 1.0)
        rate = rows * steps / (time.perf_counter() - began)
        calls = len(prompts) * n
        return {"calls": calls, "prompt_tokens": sum(lengths.values()),
                "new_tokens": calls * max_new_tokens,
                "seconds": calls * max_new_tokens / rate}

    def draw(self, wanted, settings):
        """Yields lists of Samples, a batch at a time.

        ``wanted`` {task_id: (prompt, missing sample indices)}.  Each prompt
        is read once for all its samples.  Where a batch does not fit into
        memory it is halved, as are all that follow.  Raises ``MemoryError``
        if not even one sequence fits.
        """
        cut, sequences = settings.cut, settings.sequences
        if self.chat:
            opened, told = thought_of(self.tokenizer), False

            def cut(text):
                return settings.cut(from_reply(
                    without_thinking(opened + text)[0]))
        device, end = self.model.device, self.pad_token
        few = FEW if device.type == "cpu" else math.inf
        work = batches_of(self, wanted, sequences, settings.max_prompt_tokens,
                          mixed=few if self.way.padded else 0)
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
                            right=self.model.config.is_encoder_decoder)
            try:
                texts = complete(self, ids.to(device), uniform,
                                 settings.temperature, settings.top_p, cut,
                                 None if mask is None else mask.to(device))
            except torch.OutOfMemoryError:
                texts = None         # the error holds on to what was made
            except (IndexError, RuntimeError) as error:
                room = getattr(self.model.config.get_text_config(),
                               "max_position_embeddings", None)
                if room is None or room >= (
                        ids.shape[1] + settings.max_new_tokens):
                    raise
                raise ValueError(
                    f"{self.name} has places for {room} tokens, and prompt "
                    f"and completion of {rows[0][0]} may have {ids.shape[1]} "
                    f"and {settings.max_new_tokens}; lower max_prompt_tokens "
                    f"or max_new_tokens ({type(error).__name__})") from None
            if texts is None:
                sequences = len(rows) // 2
                memory.empty_cache()
                if not sequences:
                    raise MemoryError(
                        f"not even one completion of {rows[0][0]} fits into "
                        f"the memory of the card; free other models, or "
                        f"lower max_prompt_tokens and max_new_tokens; the "
                        f"samples drawn so far are kept")
                tqdm.write(f"out of memory with {len(rows)} sequences at a "
                           f"time; going on with {sequences}")
                work.insert(0, batch)
                continue
            if self.chat and not told and ("", "length") in texts:
                told = True
                tqdm.write(f"some completions of {self.name} are empty: all "
                           f"{settings.max_new_tokens} tokens went into "
                           f"thinking; raise max_new_tokens, or take a "
                           f"teacher that does not think first")
            yield [Sample(task, i, *settings.told, text, reason, self.name,
                          digests[task])
                   for (task, i), (text, reason) in zip(rows, texts)]


def fingerprint(folder):
    """Eight hexadecimal digits of the weights in ``folder``.

    A model that was trained anew must not be answered from an old cache.
    Where there is no such folder, as for a model on the Hub, its name and,
    once it has been loaded, its commit stand for the weights; of a server
    without what stands behind the ? of its address, such as a price.
    """
    folder = Path(folder)
    digest = hashlib.sha256()
    if not folder.is_dir():
        name = str(folder).removeprefix(f"{ROOT}/").partition("?")[0]
        digest.update(f"{name} {commit(*name.split('@'))}".encode())
    for path in sorted([*folder.glob("*.safetensors"),
                        *folder.glob("pytorch_model*.bin")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


def load_model(name, four_bit=False, chat=False):
    """The language model ``name`` with its tokenizer.

    ``name`` is a folder below the repository or a name on the Hugging Face
    Hub, of a decoder-only model or an encoder-decoder; a name on the Hub may
    say which version: ``owner/name@revision``.  Numbers are as wide as
    :func:`helpers.gpu.memory.dtype_for` says; ``four_bit`` loads NF4 weights
    by bitsandbytes, and computes in that type.  ``chat`` puts prompts into the
    tokenizer's chat template.  What must be fetched first is told with its
    size.  Raises ``FileNotFoundError`` for a missing or broken checkpoint,
    ``MemoryError`` where it does not fit, ``ValueError`` for what is no name
    and for a chat without template, and ``ImportError`` without bitsandbytes.
    Introduced in notebook 05.
    """
    from transformers import (AutoConfig, AutoModelForCausalLM,
                              AutoModelForSeq2SeqLM)
    see_that_it_is_a_path(name)
    folder, options, name = ROOT / name, {}, str(name)
    local = folder.is_dir()
    source, _, revision = (str(folder), "", "") if local else (
        name.partition("@"))
    # Nobody is asked whether to run a model's own code: it is not run.
    pin = {**pin_of(revision), "trust_remote_code": False}
    announce(None if local else source, **pin_of(revision))
    try:
        tokenizer = load_tokenizer(source, **pin)
        config = AutoConfig.from_pretrained(source, **pin)
        kind = (AutoModelForSeq2SeqLM if config.is_encoder_decoder
                else AutoModelForCausalLM)
        card = memory.capability()
        size = count(kind, config) if card else 0     # a CPU does not ask
        dtype = memory.dtype_for(card, size, config.model_type)
        if four_bit:
            options["quantization_config"] = four_bits(dtype)
        if card:
            options["device_map"] = {"": torch.cuda.current_device()}
        # Else the library takes sdpa wherever a model has it.  Qwen2's eager
        # attention overflows in float16.
        if attention := attention_for(card, config):
            options["attn_implementation"] = attention
        elif not card and may_share(config):
            options["attn_implementation"] = allow_sharing()
        model = refuse_holes(*kind.from_pretrained(
            source, dtype=dtype, output_loading_info=True, **options, **pin))
    except torch.OutOfMemoryError:
        raise MemoryError(
            f"the model {name!r} does not fit into what is left of the "
            f"card's memory; free other models (helpers.gpu.memory.free) or "
            f"restart the kernel, or load it in 4 bits") from None
    except ImportError as error:
        first = " ".join(str(error).split())
        raise ImportError(f"cannot load the model {name!r}: {first[:300]}"
                          ) from None
    except Exception as error:       # the libraries raise many kinds
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise FileNotFoundError(
            f"cannot load the model {name!r}: "
            f"{why(error, name, folder, source)} ({first[:200]})") from None
    if chat and not tokenizer.chat_template:
        raise ValueError(f"the model {name!r} has no chat template; load it "
                         f"with chat=False, or take one trained to chat")
    if chat:
        in_template(tokenizer, TRIAL[0])      # which may refuse it
    mark = fingerprint(folder) if local else commit(source, revision)[:8]
    marks = mark + "-nf4" * four_bit + "-chat" * chat
    return LanguageModel(f"{Path(source).name}@{marks}", model.eval(),
                         tokenizer, chat)


def pin_of(revision):
    """The version of a model, as the libraries take it."""
    return {"revision": revision} if revision else {}


def commit(source, revision=""):
    """The commit that a model of the Hub was loaded from, of forty digits.

    The cache's folders tell it.
    """
    path = here(source, "config.json", revision=revision or None)
    return path.parent.name if path else "hub"


def load_tokenizer(source, **pin):
    """The tokenizer of a checkpoint, also of one written years ago.

    The library of today refuses the list of special tokens in the file that
    older ones wrote, as beside CodeT5; their texts it takes.
    """
    from transformers import AutoTokenizer
    from transformers.utils import cached_file
    try:
        return AutoTokenizer.from_pretrained(source, **pin)
    except TypeError:
        path = cached_file(source, "special_tokens_map.json", **pin)
        listed = json.loads(Path(path).read_text("utf-8")).get(
            "additional_special_tokens", [])
        texts = [token["content"] for token in listed]
        return AutoTokenizer.from_pretrained(
            source, additional_special_tokens=texts, **pin)


def count(kind, config):
    """How many parameters a model of this ``config`` has; nothing is made."""
    with torch.device("meta"):
        return kind.from_config(config).num_parameters()


def four_bits(dtype):
    """NF4 for the weights of the linear layers, which compute in ``dtype``.

    Raises ``ImportError``.
    """
    from importlib.util import find_spec
    if find_spec("bitsandbytes") is None:
        raise ImportError("the 4 bits of this teacher need bitsandbytes; "
                          "`pip install bitsandbytes`, or choose a profile "
                          "without teacher_4bit")
    from transformers import BitsAndBytesConfig
    return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4",
                              bnb_4bit_compute_dtype=dtype)


def batches_of(lm, wanted, sequences, max_prompt_tokens, mixed):
    """Lists of (task_id, prompt ids, sample indices) to decode together.

    Prompts that lack as many samples share a batch.  Where these are no more
    than ``mixed``, lengths are mixed and padded, the longest first: if memory
    is short, one learns it at once.  A card takes nearly as long for a few
    rows as for many.  On a CPU many samples of a prompt are faster where only
    prompts of one length share a batch.
    """
    groups = {}
    for task, (text, missing) in wanted.items():
        ids = lm.prompt_ids(text, max_prompt_tokens)
        lm.refuse_strangers(ids)
        for at in range(0, len(missing), sequences):
            part = missing[at:at + sequences]
            length = 0 if len(part) <= mixed else len(ids)
            groups.setdefault((length, len(part)), []).append(
                (task, ids, part))
    found = []
    for (_, count), rows in sorted(groups.items()):
        rows.sort(key=lambda row: -len(row[1]))       # where they are mixed
        step = max(1, sequences // count)
        found += [rows[at:at + step] for at in range(0, len(rows), step)]
    return found


def halves(batch):
    """A batch in two: its prompts, or the samples of its only one."""
    if len(batch) > 1:
        middle = len(batch) // 2
        return [batch[:middle], batch[middle:]]
    (task, ids, part), = batch
    middle = len(part) // 2
    return [[(task, ids, part[:middle])], [(task, ids, part[middle:])]]
