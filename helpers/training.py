"""A student that learns from programs: loss mask, LoRA, loop, checkpoints.

The loop is an ordinary PyTorch loop, so that nothing about what is learnt
from is hidden.  It stops and goes on exactly: batches, weights and optimiser
depend on the seed and the step alone.
"""

import hashlib
import math
import random
from dataclasses import replace

import torch
from torch.nn.functional import cross_entropy

from helpers.filtering import as_examples
from helpers.gpu.logits import (IGNORED, loss_in_pieces, too_many,
                                trained_only, using_head)
from helpers.gpu.precision import (autocast, make_scaler, memory_error, update,
                                   widen)
from helpers.progress import progress_bar
from helpers.prompts import shortened
from helpers.teachers.checkpoint import LanguageModel, fingerprint, load_model
from helpers.teachers.unloadable import (config_of, put_on,
                                         see_that_it_is_an_adapter)
from helpers.tools.arguments import (above_zero, counts, limits,
                                     plain_number, title_of)
from helpers.tools.folders import whole_folder
from helpers.tools.states import (put_back_after_errors, resume, save_state,
                                  see_that_it_fits)


def encode(tokenizer, example):
    """(ids, labels) of one example: prompt, completion, end token.

    The labels repeat the ids, but the prompt's are ``IGNORED``: the student
    learns to answer, not to ask.  The end token is trained, or the student
    would never stop.  (EKT's released code trains on question and padding
    too; notebook E1 says what that changes.)
    Introduced in notebook 05.
    """
    prompt = tokenizer(example.prompt)["input_ids"]
    completion = tokenizer(example.completion,
                           add_special_tokens=False)["input_ids"]
    completion = completion + [tokenizer.eos_token_id]
    return prompt + completion, [IGNORED] * len(prompt) + completion


def encode_all(tokenizer, example, length=0):
    """(ids, labels) with every token trained on, the question's too.

    Up to ``length`` tokens, end tokens follow as padding, and are trained
    on like the rest: EKT's released code does so with a length of 400.
    Introduced in notebook E1.
    """
    ids, _ = encode(tokenizer, example)
    ids = ids + [tokenizer.eos_token_id] * (length - len(ids))
    return ids, list(ids)


def collate(encoded, pad):
    """Right-pad (ids, labels) pairs to one length.

    Returns ids, labels and attention mask, each (batch, length).  Padding is
    never trained on and never looked at.  Introduced in notebook 05.
    """
    longest = max(len(ids) for ids, _ in encoded)
    ids = torch.full((len(encoded), longest), pad)
    labels = torch.full((len(encoded), longest), IGNORED)
    mask = torch.zeros(len(encoded), longest, dtype=torch.long)
    for row, (these, those) in enumerate(encoded):
        ids[row, :len(these)] = torch.tensor(these)
        labels[row, :len(those)] = torch.tensor(those)
        mask[row, :len(these)] = 1
    return ids, labels, mask


def masked_loss(logits, wanted, tokens=None):
    """Cross-entropy of the trained tokens, in nats per token.

    ``logits`` (rows, length, vocabulary) predict ``wanted`` (rows, length).
    The sum is divided by ``tokens``, by default the number of trained ones.
    Raises ``ValueError`` if no token is trained on.
    """
    logits, wanted = trained_only(logits, wanted)
    total = cross_entropy(logits.float(), wanted, reduction="sum")
    return total / (tokens or len(wanted))


def completion_loss(logits, labels):
    """Mean cross-entropy of the trained tokens, in nats per token.

    ``logits`` (batch, length, vocabulary), ``labels`` (batch, length).
    Position i predicts token i + 1, hence the shift by one.  Raises
    ``ValueError`` if no token is trained on.  Introduced in notebook 05.
    """
    return masked_loss(logits[:, :-1], labels[:, 1:])


def encode_for(lm, example, most=None):
    """(ids, labels) of an example for this kind of model.

    Decoder-only: one row of prompt and completion, the prompt's labels
    ``IGNORED`` (see :func:`helpers.training.encode`).  Encoder-decoder: the
    prompt for the encoder, and the completion as labels of the decoder, so
    that there is nothing to ignore.  Where a row is longer than ``most``
    tokens, the prompt keeps its first line, which names the task, and loses
    what follows.  Introduced in notebook 06.
    """
    end, both = lm.tokenizer.eos_token_id, lm.model.config.is_encoder_decoder
    if most:
        told = [] if both else encode(lm.tokenizer, example)[1]
        room = most - sum(label != IGNORED for label in told) - both
        example = replace(example, prompt=shortened(
            lm.tokenizer, example.prompt, room))
    if both:
        ids = lm.prompt_ids(example.prompt)
        labels = lm.tokenizer(example.completion, add_special_tokens=False)[
            "input_ids"] + [end]
        return (ids[-most:], labels[:most]) if most else (ids, labels)
    ids, labels = encode(lm.tokenizer, example)
    return (ids[-most:], labels[-most:]) if most else (ids, labels)


def predict(lm, encoded):
    """``(logits, wanted)``: what the model says, and what it should say.

    ``logits`` (batch, length, vocabulary), ``wanted`` (batch, length) with
    ``IGNORED`` where nothing is asked for.  A decoder-only model's position
    i predicts token i + 1, hence the shift by one.  An encoder-decoder gets
    the wanted tokens one place later, behind a start token.  Introduced in
    notebook 06.
    """
    model, pad = lm.model, lm.tokenizer.pad_token_id
    pad = lm.tokenizer.eos_token_id if pad is None else pad
    device = model.device
    if not model.config.is_encoder_decoder:
        ids, labels, mask = collate(encoded, pad)
        logits = model(input_ids=ids.to(device),
                       attention_mask=mask.to(device)).logits
        return logits[:, :-1], labels[:, 1:].to(device)
    ids, _, mask = collate([(ids, ids) for ids, _ in encoded], pad)
    _, labels, _ = collate([(told, told) for _, told in encoded], pad)
    start = torch.full_like(labels[:, :1], model.config.decoder_start_token_id)
    before = torch.cat([start, labels[:, :-1]], dim=1)
    before[before == IGNORED] = pad
    logits = model(input_ids=ids.to(device), attention_mask=mask.to(device),
                   decoder_input_ids=before.to(device)).logits
    return logits, labels.to(device)


def task_loss(lm, encoded, tokens=None):
    """Cross-entropy of one task's examples, in nats per token of its own.

    The sum over the trained tokens is divided by ``tokens``, by default
    their number, so that long plans do not drown short programs.  A part of
    a batch is given the whole batch's number: parts then add up to the same
    gradient.  Raises ``ValueError`` if no token is trained on.  Introduced
    in notebook 06.
    """
    logits, wanted = predict(lm, encoded)
    return masked_loss(logits, wanted, tokens)


def trained_tokens(lm, encoded):
    """How many tokens of a batch are trained on.

    The first label of a decoder-only row predicts nothing and is left out.
    Introduced in notebook 06.
    """
    first = 0 if lm.model.config.is_encoder_decoder else 1
    return sum(label != IGNORED for _, labels in encoded
               for label in labels[first:])


def accumulate(lm, batch, weight, rows=None, head=None, scaler=None):
    """Add the gradient of a batch, ``rows`` at a time; its loss.

    The gradient is multiplied by ``weight`` and by the factor of the
    ``scaler``, if given; ``head`` replaces the output layer.  Logits are made
    in pieces where all would be too many (:mod:`helpers.gpu.logits`).
    """
    if not weight:
        return math.nan
    tokens, total = trained_tokens(lm, batch), 0.0
    for at in range(0, len(batch), rows or len(batch)):
        part = batch[at:at + (rows or len(batch))]
        places = len(part) * max(len(labels) for _, labels in part)
        with autocast(lm.model), using_head(lm.model, head):
            loss = loss_in_pieces(
                lm.model, lambda: predict(lm, part), tokens=tokens
            ) if too_many(lm.model, places) else task_loss(lm, part, tokens)
        scaled = scaler.scale(weight * loss) if scaler else weight * loss
        scaled.backward()
        total += loss.item()
    return total


def add_lora(lm, rank, seed=0):
    """The model with a LoRA adapter on every linear layer; it alone trains.

    A layer's weight W becomes W + (alpha / rank) B A, with A (rank, in)
    random, B (out, rank) zero, alpha = 2 rank: at first nothing changes.
    The adapter is 32 bits wide, whatever W is: peft sees to that.
    ``lm`` is changed in place and returned; an adapter that it has already
    is taken off first.  Introduced in notebook 05.
    """
    from peft import LoraConfig, PeftModel, get_peft_model
    plain_number("rank", rank, True, 1, 2 ** 16)
    torch.manual_seed(plain_number("seed", seed, True, 0, 2 ** 63))
    both = lm.model.config.is_encoder_decoder
    config = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=0.0,
                        target_modules="all-linear",
                        task_type="SEQ_2_SEQ_LM" if both else "CAUSAL_LM")
    if isinstance(lm.model, PeftModel):      # the cell is run again
        lm.model = lm.model.unload()
    lm.model = get_peft_model(lm.model, config)
    return lm


def batches(count, batch_size, epochs, seed):
    """Lists of example numbers, ``epochs`` times through in random order.

    Half an epoch is half of the lists.  Raises ``ValueError``.
    """
    counts(batch_size=batch_size)
    plain_number("epochs", epochs, False, 0, 10_000)
    plain_number("seed", seed, True)
    plan = []
    for epoch in range(math.ceil(epochs)):
        order = list(range(count))
        random.Random(f"{seed}|{epoch}").shuffle(order)
        plan += [order[at:at + batch_size]
                 for at in range(0, count, batch_size)]
    return plan[:round(epochs * math.ceil(count / batch_size))]


def learning_rate(step, steps, peak, warmup=0.1):
    """Linear warm-up over a tenth of the steps, then linear decay to 0."""
    ramp = (step + 1) / max(1, round(warmup * steps))
    return peak * min(1.0, ramp, (steps - step) / (steps * (1 - warmup)))


def plain(logits, labels, numbers):
    """The objective of ordinary fine-tuning: :func:`completion_loss`.

    ``numbers`` says which examples are in the batch; another objective may
    need to know.  Introduced in notebook M5.
    """
    return completion_loss(logits, labels)


plain.title = "completion loss"


def batch_loss(lm, encoded, numbers, objective):
    """The ``objective`` of a batch of (ids, labels), or of a part of it.

    ``numbers`` says which examples they are.  :func:`plain` needs no logits
    but those of trained tokens, so that they are made in pieces where all
    would be too many (see :mod:`helpers.gpu.logits`); other objectives get
    them all.
    """
    longest = max(len(ids) for ids, _ in encoded)
    if objective is plain and too_many(lm.model, len(encoded) * longest):
        return loss_in_pieces(lm.model, lambda: predict(lm, encoded))
    ids, labels, mask = (part.to(lm.model.device) for part in collate(
        encoded, lm.tokenizer.eos_token_id))
    logits = lm.model(input_ids=ids, attention_mask=mask).logits
    return objective(logits, labels, numbers)


def train(lm, examples, epochs, batch_size, peak_rate, checkpoint=None,
          seed=0, save_every=50, weight_decay=0.1, stop_after=None,
          objective=plain, encode=encode, progress=True, rows=None):
    """Fine-tune ``lm``'s trainable weights on ``examples``; the losses.

    AdamW, decay 0.1 and gradient norm 1 as in EKT's released
    configuration; the rate is ``peak_rate`` after warm-up.  Returns a list
    of losses in nats per trained token, one a step.  With ``checkpoint`` (a
    file) the state is saved every ``save_every`` steps and a second call
    goes on from there, to the same weights as without the break.  So it
    does after an error or an interrupt, for which the updates made are saved
    and ``lm``'s weights put back to those of the start.  ``stop_after`` ends
    early, as a kill would.  ``objective(logits, labels, numbers)`` is what is
    made small, a mean over trained tokens, and ``encode`` says which tokens
    are trained on.  ``epochs`` may be a fraction.  ``rows`` splits batches to
    save memory and changes nothing else.  Raises ``ValueError`` for no
    examples, no update, numbers that are none of their kind, or a checkpoint
    of another run or of other first weights, and ``MemoryError`` where a part
    does not fit on the card.  Introduced in notebook 05.
    """
    limits(rows=rows)
    if not (examples := as_examples(examples)):
        raise ValueError("there are no examples to train on; did the filter "
                         "keep any?  Notebook 04 shows the funnel")
    encoded = [encode(lm.tokenizer, example) for example in examples]
    plan = batches(len(encoded), batch_size, epochs, seed)
    weights = [w for w in lm.model.parameters() if w.requires_grad]
    rows = rows or batch_size

    def gradients(step, scaler):
        chosen, total = plan[step], 0.0
        tokens = [sum(label != IGNORED for label in encoded[i][1][1:])
                  for i in chosen]
        for at in range(0, len(chosen), rows):
            part = slice(at, at + rows)
            with autocast(lm.model):
                mean = batch_loss(lm, [encoded[i] for i in chosen[part]],
                                  chosen[part], objective)
            share = mean * (sum(tokens[part]) / (sum(tokens) or 1))
            scaler.scale(share).backward()
            total += share.item()
        return total

    return fit(
        lm, weights, len(plan), peak_rate, gradients,
        (epochs, batch_size, seed, title_of(objective), encoded), rows,
        f"give train fewer rows (now rows={rows}), which changes nothing "
        f"else, or lower profile.batch_size (now {batch_size}), which begins "
        f"anew", checkpoint=checkpoint, save_every=save_every,
        weight_decay=weight_decay, seed=seed, progress=progress,
        stop_after=stop_after)


def fit(lm, weights, steps, peak_rate, gradients, settings, rows, knobs, *,
        checkpoint, save_every, weight_decay, seed, progress,
        words=("training", " steps", "loss"), stop_after=None, watch=None,
        agree=None, saves=True):
    """The loop of every training here: ``steps`` updates of ``weights``.

    ``gradients(step, scaler)`` adds the gradients of a step, multiplied by the
    scaler's factor, and returns its loss or a tuple of losses; a list of these
    is returned.  ``words`` are the bar's: title, unit, a name for each loss.
    A ``checkpoint`` of other ``settings`` or other first weights is refused.
    One that cannot be written is an ``OSError`` before the first update.
    After an error or interrupt it holds all updates made, and ``weights`` are
    what they were.  ``seed`` is that of dropout. ``agree(run, starts,
    losses)`` is called before the first update, ``watch(losses)`` after each.
    Where not ``saves``, the checkpoint is only read.  ``rows`` and ``knobs``
    are for the sentence of the ``MemoryError``: so many did not fit, and what
    may be turned.  Raises ``ValueError`` for no update and for no rate.
    """
    title, unit, *names = words
    counts(updates=steps, save_every=save_every, rows=rows)
    above_zero("peak_rate", peak_rate)
    plain_number("weight_decay", weight_decay, False, 0)
    last = steps if stop_after is None else stop_after
    run = hashlib.sha256(repr((lm.name, steps, peak_rate, weight_decay,
                               settings)).encode()).hexdigest()
    optimizer = torch.optim.AdamW(weights, weight_decay=weight_decay)
    scaler = make_scaler(lm.model)
    # Begins it, also in a process that has no share of the first batch.
    scaler.scale(torch.zeros(1, device=lm.model.device))

    def save():
        # An interrupt within an update leaves some weights moved and others
        # not; then the optimiser has counted one update more than there are.
        made = max((int(state["step"]) for state in
                    optimizer.state.values()), default=0)
        if checkpoint and saves and saved < len(losses) == made:
            save_state(checkpoint, run, weights, optimizer, losses, scaler,
                       starts)
        return len(losses)

    with put_back_after_errors(lm.model, weights):
        losses, starts = resume(checkpoint, run, weights, optimizer, scaler)
        saved = len(losses)
        widen(weights)
        if checkpoint and saves and saved < steps:
            see_that_it_fits(checkpoint, weights)
        if agree:
            agree(run, starts, losses)
        lm.model.train()
        with progress_bar(title=title, total=steps, done=saved, unit=unit,
                          shown=progress) as bar:
            try:
                for step in range(saved, min(steps, last)):
                    seed_dropout(seed, step)
                    told = update(optimizer, scaler,
                                  learning_rate(step, steps, peak_rate),
                                  lambda: gradients(step, scaler))
                    if told is None:
                        raise memory_error(step, f"{rows} rows at a time",
                                           knobs, checkpoint)
                    losses.append(told)
                    bar.set_postfix({
                        name: f"{loss:.3f}" for name, loss in zip(
                            names, told if isinstance(told, tuple)
                            else [told])}, refresh=False)
                    bar.update()
                    if watch:
                        watch(losses)
                    if (step + 1) % save_every == 0:
                        saved = save()
            finally:
                save()
    return losses


def seed_dropout(seed, step):
    """What a model drops in a step depends on the seed and the step alone.

    CodeT5 drops a tenth of its numbers in training; a run that goes on after a
    break must drop the same.
    """
    torch.manual_seed(random.Random(f"{seed}|{step}").getrandbits(48))


ADAPTER_CARD = """---
base_model: {base}
library_name: peft
---
A LoRA adapter for the student of the repository's notebooks, trained in
notebook 05 on programs of the teacher that gave the right answer.
"""
ADAPTER_FILES = ("adapter_config.json", "adapter_model.safetensors",
                 "README.md")


def save_adapter(lm, folder, base, card=ADAPTER_CARD):
    """Save the adapter in peft's format; ``base`` is what it belongs to.

    ``card`` is the text of its README, with a place for ``{base}``.  The
    folder is complete or not there.  Raises ``ValueError`` where ``folder``
    holds anything but an adapter, and ``OSError`` where it cannot be
    written.  Introduced in notebook 05.
    """
    config = config_of(lm.model)
    config.base_model_name_or_path = str(base)
    # A set is written in any order; the same training, the same file.
    config.target_modules = sorted(config.target_modules)
    with whole_folder(folder, ADAPTER_FILES) as new:
        # Nothing was added to the vocabulary; peft would look for the base's
        # configuration, on the Hub too, and warn where it finds none.
        lm.model.save_pretrained(new, save_embedding_layers=False)
        (new / "README.md").write_text(card.format(base=base))


def load_student(base, adapter):
    """The model ``base`` with the saved ``adapter`` merged into its weights.

    The sum is as wide as the base; in 16 bits it is rounded, as the base's
    own weights are.  Introduced in notebook 05.  Raises
    ``FileNotFoundError`` for no adapter, ``ValueError`` for another model's.
    """
    adapter, lm = see_that_it_is_an_adapter(adapter), load_model(base)
    model = put_on(lm.model, adapter)
    return LanguageModel(f"{adapter.name}@{fingerprint(adapter)}",
                         model.merge_and_unload().eval(), lm.tokenizer)
