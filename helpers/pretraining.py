"""Rebuild the mini world from its seed: problems, tokenizer, four models.

    python -m helpers rebuild-mini [--seed 0] [--folder data/mini]

The teacher and the student see the same kind of corpus, first a *textbook*
(one question at a time, right answers), then the *internet* of the mini
world (documents of one to four questions, every style, careless authors,
chat).  The student is smaller and reads less.  As only replies are trained
on, a model learns to answer and not to invent questions.
"""

import argparse
import json
import platform
import random
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import torch
from tokenizers import (Tokenizer, decoders, models, pre_tokenizers,
                        trainers)
from tqdm import tqdm
from transformers import (LlamaConfig, LlamaForCausalLM,
                          PreTrainedTokenizerFast)

from . import mini_world
from .profiles import ROOT
from .training import IGNORED, collate, completion_loss, resume, save_state

END = "<|endoftext|>"
SPLITS = {   # problems of each number of steps; the corpus has none of seven
    "train": {2: 60, 3: 70, 4: 80, 5: 80, 6: 60, 7: 50},
    "dev": {2: 15, 3: 18, 4: 20, 5: 20, 6: 15, 7: 12},
    "test": {2: 30, 3: 35, 4: 40, 5: 40, 6: 30, 7: 25},
}
TEXTBOOK = dict(styles={"days": 0.5, "running": 0.5}, errors=(0.02,),
                weeks={0: 1.0})
INTERNET = dict(styles=mini_world.STYLES, errors=mini_world.ERRORS)


@dataclass(frozen=True)
class Recipe:
    """The size of one model and how long it reads."""

    name: str
    layers: int
    width: int
    textbook_steps: int
    internet_steps: int
    heads: int = 4
    key_value_heads: int = 2
    examples_per_step: int = 64
    peak_rate: float = 2e-3


TEACHER = Recipe("teacher", layers=3, width=128, textbook_steps=1000,
                 internet_steps=800)
STUDENT = Recipe("student", layers=2, width=96, textbook_steps=600,
                 internet_steps=400)
# A second pair, to see what the teacher's quality and the student's size do.
WEAK_TEACHER = Recipe("weak-teacher", layers=2, width=128,
                      textbook_steps=500, internet_steps=400)
SMALL_STUDENT = Recipe("small-student", layers=2, width=64,
                       textbook_steps=600, internet_steps=400)
RECIPES = (TEACHER, STUDENT, WEAK_TEACHER, SMALL_STUDENT)


def build_tokenizer(seed, vocabulary=640):
    """A byte-level BPE tokenizer; the numbers 0-99 are one token each."""
    rng = random.Random(seed)
    texts = [mini_world.join(mini_world.draw_document(rng, 2, **INTERNET))
             for _ in range(2000)]
    texts += [" " + " ".join(map(str, range(100)))] * 400
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END], show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=END, eos_token=END, pad_token=END,
        clean_up_tokenization_spaces=False)


def build_model(recipe, vocabulary, seed):
    """A Llama of the recipe's size with random weights.

    Weights start at a standard deviation of 1 / sqrt(width), and the rotary
    base is 100, not 10,000: texts are short.  Both let so small a model
    learn to copy within minutes.  (Llama, because ``AutoTokenizer`` gives a
    model of this type the tokenizer that was saved with it; for some other
    types it takes the type's own, which splits numbers in another way.)
    """
    torch.manual_seed(seed)
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=recipe.width,
        intermediate_size=3 * recipe.width,
        num_hidden_layers=recipe.layers, num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.key_value_heads, rope_theta=100.0,
        max_position_embeddings=1024, tie_word_embeddings=True,
        attention_bias=True,
        initializer_range=recipe.width ** -0.5, bos_token_id=0,
        eos_token_id=0, pad_token_id=0))


def encode_document(tokenizer, pairs):
    """(ids, labels) of a document; only replies and the end are trained."""
    ids, labels = [], []
    for number, (question, reply) in enumerate(pairs):
        asked = ("\n" if number else "") + question
        asked, told = tokenizer([asked, reply])["input_ids"]
        ids += asked + told
        labels += [IGNORED] * len(asked) + told
    end = tokenizer.eos_token_id
    return ids + [end], labels + [end]


def draw_batch(recipe, tokenizer, step, seed):
    """The batch of a step: ids, labels, mask.

    All its documents have the same number of examples, so that little is
    padding.  Depends on the seed and the step alone.
    """
    rng = random.Random(f"{seed}|{recipe.name}|{step}")
    if step < recipe.textbook_steps:
        examples, source = 1, TEXTBOOK
    else:
        examples, source = rng.choice((1, 1, 2, 3, 4)), INTERNET
    documents = [mini_world.draw_document(rng, examples, **source)
                 for _ in range(recipe.examples_per_step // examples)]
    return collate([encode_document(tokenizer, d) for d in documents],
                   tokenizer.eos_token_id)


def rate(recipe, step):
    """Warm-up over 100 steps; constant; linear decay over the last half."""
    steps = recipe.textbook_steps + recipe.internet_steps
    left = min(1.0, 2 * (steps - step) / steps)
    return recipe.peak_rate * min(1.0, (step + 1) / 100) * max(left, 0.05)


def pretrain(recipe, tokenizer, seed, checkpoint, save_every=100):
    """Train a model of the recipe from scratch.

    Returns (model, log): the log has (loss, tokens, seconds) of every step,
    those before an interruption included.
    """
    # Weights that are never used shrink towards numbers so small that the
    # processor takes a slow path for them; zero serves as well.
    torch.set_flush_denormal(True)
    model = build_model(recipe, len(tokenizer), seed)
    weights = list(model.parameters())
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.98),
                                  weight_decay=0.01)
    run = repr((recipe, seed))
    log = resume(checkpoint, run, weights, optimizer)
    steps = recipe.textbook_steps + recipe.internet_steps
    bar = tqdm(range(len(log), steps), initial=len(log), total=steps,
               desc=f"pre-training the {recipe.name}", unit=" steps")
    for step in bar:
        began = time.perf_counter()
        ids, labels, mask = draw_batch(recipe, tokenizer, step, seed)
        logits = model(input_ids=ids, attention_mask=mask).logits
        loss = completion_loss(logits, labels)
        for group in optimizer.param_groups:
            group["lr"] = rate(recipe, step)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        log.append((loss.item(), int(mask.sum()),
                    time.perf_counter() - began))
        bar.set_postfix(loss=f"{loss.item():.3f}")
        if (step + 1) % save_every == 0:
            save_state(checkpoint, run, weights, optimizer, log)
    return model.eval(), log


CARD = """---
license: mit
library_name: transformers
---
# {name} of the mini world

A {kind} of {parameters:,} parameters ({layers} layers, width {width}), made
by `python -m helpers rebuild-mini --seed {seed}` for the notebooks of this
repository. It is of no use outside them.

| | |
| --- | --- |
| corpus | `helpers/mini_world.py`, seed {seed} |
| steps | {textbook} of textbook, then {internet} of internet |
| errors per line | textbook {textbook_errors}, internet {internet_errors} |
| tokens read | {tokens:,} (padding not counted) |
| loss, mean of the last 50 steps | {loss:.3f} nats per reply token |
| time | {minutes:.0f} minutes on {threads} CPU threads |
| versions | Python {python}, torch {torch}, transformers {transformers} |
| licence | MIT, as the repository |

Only replies are trained on, not questions.
"""


def write_card(folder, recipe, seed, model, log):
    losses, tokens, seconds = zip(*log)
    parameters = sum(w.numel() for w in model.parameters())
    (folder / "README.md").write_text(CARD.format(
        name=recipe.name, kind=type(model).__name__, parameters=parameters,
        layers=recipe.layers, width=recipe.width, seed=seed,
        textbook=recipe.textbook_steps, internet=recipe.internet_steps,
        textbook_errors=TEXTBOOK["errors"], internet_errors=INTERNET["errors"],
        tokens=sum(tokens), loss=sum(losses[-50:]) / len(losses[-50:]),
        minutes=sum(seconds) / 60,
        threads=torch.get_num_threads(), python=platform.python_version(),
        torch=version("torch"), transformers=version("transformers")))


def write_benchmark(folder, seed):
    """mini-gsm's three splits; no question is in two of them."""
    folder.mkdir(parents=True, exist_ok=True)
    seen = set()
    for number, (split, counts) in enumerate(SPLITS.items()):
        rows = mini_world.make_benchmark(f"{seed}|{split}", counts, seen)
        (folder / f"{split}.jsonl").write_text(
            "".join(json.dumps(row) + "\n" for row in rows))


def main(arguments=None):
    """Rebuild what is named, the benchmark and all models by default."""
    parser = argparse.ArgumentParser(prog="python -m helpers rebuild-mini")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", default=str(ROOT / "data" / "mini"))
    parser.add_argument("--only", choices=(
        "benchmark", *(recipe.name for recipe in RECIPES)))
    options = parser.parse_args(arguments)
    folder, seed = Path(options.folder), options.seed
    if options.only in (None, "benchmark"):
        write_benchmark(folder / "mini-gsm", seed)
    tokenizer = build_tokenizer(seed)
    for recipe in RECIPES:
        if options.only not in (None, recipe.name):
            continue
        target = folder / recipe.name
        checkpoint = folder / f"{recipe.name}.checkpoint"
        model, log = pretrain(recipe, tokenizer, seed, checkpoint)
        target.mkdir(parents=True, exist_ok=True)
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)
        write_card(target, recipe, seed, model, log)
        checkpoint.unlink(missing_ok=True)
        print(f"wrote {target.name}")
