"""Rebuild the mini world from its seed: problems, tokenizers, models.

    python -m helpers rebuild-mini [--seed 0] [--folder data/mini]

Problems go to ``FOLDER/problems/``, models to ``FOLDER/models/``.

The teacher and the student see the same kind of corpus, first a *textbook*
(one question at a time, right answers), then the *internet* of the mini
world (documents of one to four questions, every style, careless authors,
chat).  The student is smaller and reads less.  As only replies are trained
on, a model learns to answer and not to invent questions; one student learns
both (``Recipe.questions``).

Each benchmark has models of its own.  Those of ``mini-apps`` read about plans
as well (:mod:`helpers.mini.tasks`); one of its students is an encoder-decoder,
as CodeT5 is.  Those of ``mini-apps-2`` read code, and its teacher explanations
of code, too (:mod:`helpers.mini.library`).
"""

import argparse
import json
import random
import sys
import time
from functools import cache
from pathlib import Path

import torch

from helpers.filtering import Example
from helpers.mini import formulas, library, stories, tasks
from helpers.profiles import ROOT
from helpers.progress import progress_bar
from helpers.teachers.checkpoint import LanguageModel
from helpers.tools.files import write_text
from helpers.tools.folders import claim_folder, whole_folder
from helpers.tools.states import resume, save_state, see_that_it_fits
from helpers.training import IGNORED, accumulate, encode_for
from helpers.workshop.provenance import provenance
from helpers.workshop.recipes import (CORPORA, GSM_SPLITS, INTERNET, RECIPES,
                                      TEXTBOOK, build_model, build_tokenizer)


class Optimizer:
    """AdamW, or Muon for the matrices within layers and AdamW for the rest.

    Muon (Jordan et al. 2024) turns a matrix's momentum into the nearest
    orthogonal matrix, so that all its directions are learnt at one pace.
    """

    def __init__(self, recipe, model):
        inner, rest = [], []
        for name, weight in model.named_parameters():
            is_matrix = weight.ndim == 2 and not any(
                part in name for part in ("embed", "shared", "relative"))
            matrix = recipe.muon_rate and is_matrix
            (inner if matrix else rest).append(weight)
        self.parts = [torch.optim.AdamW(rest, betas=(0.9, 0.98),
                                        weight_decay=0.01)]
        self.rates = [recipe.peak_rate]
        if inner:
            self.parts.append(torch.optim.Muon(
                inner, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"))
            self.rates.append(recipe.muon_rate)

    def step(self, share):
        """One update at this share of the peak rates; gradients are gone."""
        for part, rate in zip(self.parts, self.rates):
            for group in part.param_groups:
                group["lr"] = share * rate
            part.step()
            part.zero_grad()

    def state_dict(self):
        return {str(i): part.state_dict()
                for i, part in enumerate(self.parts)}

    def load_state_dict(self, state):
        for i, part in enumerate(self.parts):
            part.load_state_dict(state[str(i)])


def encode_document(tokenizer, pairs, questions=False):
    """(ids, labels) of a document; replies and the end are trained, and the
    questions if they are asked for."""
    ids, labels = [], []
    for number, (question, reply) in enumerate(pairs):
        asked = ("\n" if number else "") + question
        asked, told = tokenizer([asked, reply])["input_ids"]
        ids += asked + told
        labels += (asked if questions else [IGNORED] * len(asked)) + told
    end = tokenizer.eos_token_id
    return ids + [end], labels + [end]


def draw_batch(recipe, lm, step, seed):
    """The documents of a step, encoded: (ids, labels) pairs.

    All have the same number of examples, so that little is padding.
    Depends on the seed and the step alone.
    """
    rng = random.Random(f"{seed}|{recipe.documents or recipe.name}|{step}")
    draw, textbook, internet = CORPORA[recipe.corpus or recipe.world]
    if step < recipe.textbook_steps:
        examples, source = 1, textbook
    else:
        examples, source = rng.choice((1, 1, 2, 3, 4)), internet
    if recipe.family == "t5":         # it reads one text and writes one
        examples = 1
    documents = [draw(rng, examples, **source)
                 for _ in range(recipe.examples_per_step // examples)]
    if recipe.family == "t5":
        return [encode_for(lm, Example("", *begun(rng, recipe.begun, *pair)))
                for pair, in documents]
    return [encode_document(lm.tokenizer, d, recipe.questions)
            for d in documents]


def begun(rng, share, question, reply):
    """(what is read, what is written): in this ``share`` of cases the first
    lines of the reply stand behind the question, as many as it happens."""
    lines = reply.splitlines(keepends=True)
    if not share or rng.random() >= share:
        return question, reply
    cut = rng.randrange(len(lines))
    return question + "".join(lines[:cut]), "".join(lines[cut:])


def rate_share(recipe, step):
    """Of the peak rate: warm-up over 100 steps; 1; decay over the last half.
    """
    steps = recipe.textbook_steps + recipe.internet_steps
    left = min(1.0, 2 * (steps - step) / steps)
    return min(1.0, (step + 1) / 100) * max(left, 0.05)


def pretrain(recipe, tokenizer, seed, checkpoint, save_every=100):
    """Train a model of the recipe from scratch.

    Returns (model, log): the log has (loss, tokens, seconds) of every step,
    those before an interruption included.
    """
    # Weights that are never used shrink towards numbers so small that the
    # processor takes a slow path for them; zero serves as well.
    torch.set_flush_denormal(True)
    model = build_model(recipe, len(tokenizer), seed + recipe.start)
    lm = LanguageModel(recipe.name, model, tokenizer)
    weights = list(model.parameters())
    optimizer = Optimizer(recipe, model)
    run = repr((recipe, seed))
    log, starts = resume(checkpoint, run, weights, optimizer)
    steps = recipe.textbook_steps + recipe.internet_steps
    if len(log) < steps:
        see_that_it_fits(checkpoint, weights)
    bar = progress_bar(range(len(log), steps),
                       f"pre-training the {recipe.name}", total=steps,
                       done=len(log))
    for step in bar:
        began = time.perf_counter()
        encoded = draw_batch(recipe, lm, step, seed)
        if recipe.rows:          # neighbours of one length: little padding
            encoded.sort(key=lambda pair: (len(pair[0]), len(pair[1])))
        loss = accumulate(lm, encoded, 1.0, recipe.rows)
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step(rate_share(recipe, step))
        log.append((loss, sum(len(ids) for ids, _ in encoded),
                    time.perf_counter() - began))
        bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
        if (step + 1) % save_every == 0:
            save_state(checkpoint, run, weights, optimizer, log,
                       starts=starts)
    return model.eval(), log


MODEL_CARD = """---
license: mit
library_name: transformers
---
# {name} of the mini world

A {kind} of {parameters:,} parameters ({layers} layers, width {width}), made
by `python -m helpers rebuild-mini --seed {seed}` for the notebooks of this
repository. It is of no use outside them.

| | |
| --- | --- |
| corpus | {corpus}, seed {seed} |
| steps | {textbook} of textbook, then {internet} of internet |
| errors per line | textbook {textbook_errors}, internet {internet_errors} |
| tokens read | {tokens:,} (padding not counted) |
| loss, mean of the last 50 steps | {loss:.3f} nats per {counted} |
| time | {minutes:.0f} minutes on {threads} CPU threads |
| versions | Python {python}, torch {torch}, transformers {transformers} |
| made | commit {commit}, {machine}, {date} |
| licence | MIT, as the repository |

{trained}
"""


def write_card(folder, recipe, seed, model, log):
    losses, tokens, seconds = zip(*log)
    draw, _, internet = CORPORA[recipe.corpus or recipe.world]
    source = draw.__module__.replace(".", "/")

    def all_of(kinds):
        return tuple(sorted({error for _, both in kinds.values()
                             for error in both}))
    errors = {"mini-gsm": (TEXTBOOK["errors"], INTERNET["errors"]),
              "mini-apps": ((0.02,), all_of(tasks.KINDS)),
              "mini-apps-2": ((library.TEXTBOOK_ERROR,), all_of(
                  internet.get("kinds", library.CODE_ONLY)))}[recipe.world]
    parameters = sum(w.numel() for w in model.parameters())
    made = provenance(f"python -m helpers rebuild-mini --seed {seed}")
    (folder / "README.md").write_text(MODEL_CARD.format(
        name=recipe.name, kind=type(model).__name__, parameters=parameters,
        layers=recipe.layers, width=recipe.width, seed=seed,
        textbook=recipe.textbook_steps, internet=recipe.internet_steps,
        corpus=f"`{source}.py`" + f", {recipe.corpus}" * bool(recipe.corpus),
        counted="token" if recipe.questions else "reply token", trained=(
            "Trained on questions and replies." if recipe.questions else
            "Only replies are trained on, not questions."),
        textbook_errors=errors[0], internet_errors=errors[1],
        tokens=sum(tokens), loss=sum(losses[-50:]) / len(losses[-50:]),
        minutes=sum(seconds) / 60,
        threads=torch.get_num_threads(), **{name: made[name] for name in (
            "python", "torch", "transformers", "commit", "machine",
            "date")}))


def write_benchmark(folder, seed):
    """The splits of all benchmarks; no question is in two of them."""
    made = {"mini-gsm": (GSM_SPLITS, stories.make_benchmark),
            "mini-apps": (tasks.SPLITS, tasks.make_benchmark),
            "mini-apps-2": (formulas.FORMULA_SPLITS,
                            formulas.make_formula_benchmark)}
    for name, (splits, make) in made.items():
        seen = set()
        for split, counts in splits.items():
            rows = make(f"{seed}|{split}", counts, seen)
            write_text(folder / name / f"{split}.jsonl",
                       "".join(json.dumps(row) + "\n" for row in rows))


SHIPPED = ROOT / "data" / "mini"
MODEL_FILES = ("config.json", "generation_config.json", "model.safetensors",
               "special_tokens_map.json", "tokenizer.json",
               "tokenizer_config.json", "README.md")


def main(arguments=None):
    """Rebuild what is named, the benchmark and all models by default."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False, prog="python -m helpers rebuild-mini")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", default=str(SHIPPED))
    parser.add_argument("--only", choices=(
        "benchmark", *(recipe.name for recipe in RECIPES)))
    options = parser.parse_args(arguments)
    folder, seed = Path(options.folder), options.seed
    try:
        see_that_it_may_be_rebuilt(folder, seed)
        rebuild(folder, seed, options.only)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def see_that_it_may_be_rebuilt(folder, seed):
    """Raises ``ValueError`` for a folder that holds another's files, or the
    shipped ones of another seed, and ``OSError`` as :func:`claim_folder`."""
    if folder.resolve() != SHIPPED.resolve():
        claim_folder(folder, "rebuild-mini", lambda folder: any(
            (folder / f"{recipe.name}.checkpoint").is_file()
            for recipe in RECIPES))
    elif seed:
        raise ValueError(f"the mini world of seed {seed} would take the place "
                         f"of the shipped one, which is of seed 0; name a "
                         f"new folder for it with --folder")


def rebuild(folder, seed, only=None):
    """Write problems and models, or what is named, below ``folder``."""
    if only in (None, "benchmark"):
        write_benchmark(folder / "problems", seed)
    tokenizer_of = cache(lambda world: build_tokenizer(seed, world))
    for recipe in RECIPES:
        if only not in (None, recipe.name):
            continue
        target = folder / "models" / recipe.name
        tokenizer = tokenizer_of(recipe.world)
        checkpoint = folder / f"{recipe.name}.checkpoint"
        model, log = pretrain(recipe, tokenizer, seed, checkpoint)
        if recipe.world != "mini-gsm":        # half the size, as released
            model.half()                      # models often are
        with whole_folder(target, MODEL_FILES) as new:
            model.save_pretrained(new)
            tokenizer.save_pretrained(new)
            write_card(new, recipe, seed, model, log)
        checkpoint.unlink(missing_ok=True)
        print(f"wrote {target.name}")
