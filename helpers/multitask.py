"""Two tasks, one student: code and plan, in batches that alternate.

CodePLAN trains one model on two tasks, question -> code and question ->
plan, told apart by a prefix.  Nothing else differs between the tasks but,
if one likes, the output layer.  Decoder-only students (CodeGen in the paper)
and encoder-decoders (CodeT5) go through the same functions.

Introduced in notebook 06, section 1.
"""

import copy
import hashlib
import math
import random

import torch
from tqdm import tqdm

from helpers.checkpoints import resume, save_state
from helpers.filtering import Example
from helpers.gpu.logits import loss_in_pieces, too_many, using_head
from helpers.gpu.precision import (autocast, make_scaler, memory_error, update,
                                   widen)
from helpers.prompts import section
from helpers.training import (IGNORED, collate, encode, learning_rate,
                              seed_dropout)

CODE, PLAN = "[GEN_CODE]", "[GEN_PLAN]"     # plain text, as released
FORMATS = {"stdio": "Use standard input.\n", "calls": "Write the function.\n",
           "answer": "Set the variable answer.\n"}


# ----------------------------------------------------------------- the tasks
def asked(problem):
    """The question, the code to continue and the form of the answer.

    Introduced in notebook 06, section 1.
    """
    starter = f"{problem.starter}\n" if problem.starter else ""
    return section("question", f"{problem.question}\n{starter}"
                   f"{FORMATS[problem.mode]}")


def plan_prompt(problem):
    """What a student is asked for a plan with.

    Introduced in notebook 06, section 1.
    """
    return f"{PLAN}\n{asked(problem)}{section('plan')}"


def code_prompt(problem, plan=None):
    """What a student is asked for code with; a ``plan`` may be given.

    Introduced in notebook 06, section 1.
    """
    given = "" if plan is None else section("plan", plan)
    return f"{CODE}\n{asked(problem)}{given}{section('code')}"


def code_examples(problems):
    """An ``Example`` for each reference solution, in order.

    Introduced in notebook 06, section 1.
    """
    return [Example(p.task_id, code_prompt(p), end_line(text))
            for p in problems for text in p.solutions]


def plan_examples(problems, plans):
    """An ``Example`` for each of ``plans`` (see :mod:`helpers.plans`).

    Plans of other problems are left out.  Introduced in notebook 06,
    section 1.
    """
    prompts = {p.task_id: plan_prompt(p) for p in problems}
    return [Example(plan.task_id, prompts[plan.task_id], plan.text)
            for plan in plans if plan.task_id in prompts]


def end_line(text):
    """``text`` with a newline at its end.

    Introduced in notebook 06, section 1.
    """
    return text.rstrip("\n") + "\n"


# ---------------------------------------------------------- what is learnt

def encode_for(lm, example, most=None):
    """(ids, labels) of an example for this kind of model.

    Decoder-only: one row of prompt and completion, the prompt's labels
    ``IGNORED`` (see :func:`helpers.training.encode`).  Encoder-decoder: the
    prompt for the encoder, and the completion as labels of the decoder, so
    that there is nothing to ignore.  Rows longer than ``most`` tokens lose
    the beginning of the prompt.  Introduced in notebook 06, section 2.
    """
    end = lm.tokenizer.eos_token_id
    if lm.model.config.is_encoder_decoder:
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
    notebook 06, section 2.
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


def task_loss(lm, encoded, head=None, tokens=None):
    """Cross-entropy of one task's examples, in nats per token of its own.

    The sum over the trained tokens is divided by ``tokens``, by default
    their number, so that long plans do not drown short programs.  A part of
    a batch is given the whole batch's number: parts then add up to the same
    gradient.  ``head`` replaces the output layer.  Raises ``ValueError`` if
    no token is trained on.  Introduced in notebook 06, section 3.
    """
    with using_head(lm.model, head):
        logits, wanted = predict(lm, encoded)
    trained = wanted != IGNORED
    if not trained.any():
        raise ValueError("no token of this batch is trained on; look at the "
                         "labels: the prompt must not cover the completion")
    total = torch.nn.functional.cross_entropy(
        logits[trained].float(), wanted[trained], reduction="sum")
    return total / (tokens or int(trained.sum()))


def trained_tokens(lm, encoded):
    """How many tokens of a batch are trained on.

    The first label of a decoder-only row predicts nothing and is left out.
    Introduced in notebook 06, section 3.
    """
    first = 0 if lm.model.config.is_encoder_decoder else 1
    return sum(label != IGNORED for _, labels in encoded
               for label in labels[first:])


# ------------------------------------------------------------ the plan head

def plan_head(lm):
    """A second output layer for plans, at first a copy of the LM head.

    It is trained in full, as it starts with no adapter; the LM head stays
    as it is.  Introduced in notebook 06, section 5.
    """
    head = copy.deepcopy(lm.model.get_output_embeddings())
    return head.requires_grad_(True)


# --------------------------------------------------------------- the mixing

def alternate(codes, plans, updates, batch_size, seed, same_problem=False):
    """Yields (numbers of codes, numbers of plans) for each update.

    Codes come in shuffled epochs.  Plans are drawn at random from all, as
    released, or with ``same_problem`` from those of the code's own problem
    where it has any.  The order of the codes depends on the seed alone, so
    that ordinary fine-tuning sees the same codes in the same order.
    Introduced in notebook 06, section 4.
    """
    order, draw = random.Random(f"{seed}|codes"), random.Random(f"{seed}|plan")
    of = {}
    for number, plan in enumerate(plans):
        of.setdefault(plan.task_id, []).append(number)
    everything, queue = range(len(plans)), []
    for _ in range(updates):
        while len(queue) < batch_size:
            epoch = list(range(len(codes)))
            order.shuffle(epoch)
            queue += epoch
        chosen, queue = queue[:batch_size], queue[batch_size:]
        yield chosen, [draw.choice(
            of.get(codes[i].task_id, everything) if same_problem
            else everything) for i in chosen] if plans else []


def train_two_tasks(lm, codes, plans, updates, batch_size, peak_rate,
                    weights=(1.0, 1.0), head=None, same_problem=False,
                    seed=0, checkpoint=None, save_every=25, rows=None,
                    most=None, progress=True, watch=None):
    """Train on code and plan in turn; the list of (code, plan) losses.

    Each update adds the gradient of a batch of code and of a batch of plans,
    each loss divided by its own tokens and multiplied by its weight: two
    halves of one accumulation, as released.  A weight of 0 leaves a task
    out (its loss is NaN); (1, 0) is ordinary fine-tuning.  ``head`` (see
    :func:`plan_head`) serves plans only.  ``rows`` splits batches to save
    memory and changes nothing else; ``most`` is the longest row in tokens.
    ``watch(losses)`` is called after each update.  With ``checkpoint`` a
    second call goes on where the first stopped.  Introduced in notebook 06,
    section 4.  Raises ``ValueError`` for no examples, no weight, or a
    checkpoint of another run; ``MemoryError`` where a part does not fit.
    """
    tasks = [(examples, weight) for examples, weight in
             ((codes, weights[0]), (plans, weights[1])) if weight]
    if not tasks or not all(examples for examples, _ in tasks):
        raise ValueError("a task with a weight above 0 needs examples, and "
                         "one task must have such a weight; notebook 03 "
                         "makes the plans")
    encoded = [[encode_for(lm, example, most) for example in examples]
               for examples in (codes, plans)]
    trained = [w for w in lm.model.parameters() if w.requires_grad]
    trained += list(head.parameters()) if head is not None else []
    widen(trained)
    optimizer = torch.optim.AdamW(trained, weight_decay=0.05)   # released
    scaler = make_scaler(lm.model)
    run = hashlib.sha256(repr((
        lm.name, updates, batch_size, peak_rate, weights, head is not None,
        same_problem, seed, encoded)).encode()).hexdigest()
    losses, told = resume(checkpoint, run, trained, optimizer, scaler), ()
    lm.model.train()
    bar = tqdm(total=updates, initial=len(losses), desc="two tasks",
               unit=" updates", disable=not progress)
    for step, numbers in enumerate(alternate(
            codes, plans, updates, batch_size, seed, same_problem)):
        if step < len(losses):
            continue
        seed_dropout(seed, step)
        batches = [[encoded[task][i] for i in chosen]
                   for task, chosen in enumerate(numbers)]
        told = update(
            optimizer, scaler, learning_rate(step, updates, peak_rate),
            lambda: [accumulate(lm, batch, weight, rows, layer, scaler)
                     for batch, weight, layer in zip(batches, weights,
                                                     (None, head))])
        if told is None:
            break
        losses.append(tuple(told))
        bar.update()
        bar.set_postfix(code=f"{told[0]:.3f}", plan=f"{told[1]:.3f}")
        if watch:
            watch(losses)
        if checkpoint and (step + 1) % save_every == 0:
            save_state(checkpoint, run, trained, optimizer, losses, scaler)
    bar.close()
    if checkpoint:
        save_state(checkpoint, run, trained, optimizer, losses, scaler)
    lm.model.eval()
    if head is not None:              # as wide as the one it stands in for
        head.to(lm.model.get_output_embeddings().weight.dtype)
    if told is None:
        rows = rows or batch_size
        raise memory_error(
            len(losses), f"{rows} rows at a time", f"lower profile.plan_rows "
            f"(now {rows}), which changes nothing else, or profile."
            f"plan_length (now {most}), which begins anew", checkpoint)
    return losses


def accumulate(lm, batch, weight, rows=None, head=None, scaler=None):
    """Add the gradient of a batch, ``rows`` at a time; its loss.

    The gradient is multiplied by ``weight`` and by the factor of the
    ``scaler``, if given.  Logits are made in pieces where all would be too
    many (:mod:`helpers.gpu.logits`).  Introduced in notebook 06, section 4.
    """
    if not weight:
        return math.nan
    tokens, total = trained_tokens(lm, batch), 0.0
    for at in range(0, len(batch), rows or len(batch)):
        part = batch[at:at + (rows or len(batch))]
        places = len(part) * max(len(labels) for _, labels in part)
        with autocast(lm.model):
            loss = loss_in_pieces(
                lm.model, lambda: predict(lm, part), head, tokens
            ) if too_many(lm.model, places) else task_loss(
                lm, part, head, tokens)
        scaled = scaler.scale(weight * loss) if scaler else weight * loss
        scaled.backward()
        total += loss.item()
    return total
