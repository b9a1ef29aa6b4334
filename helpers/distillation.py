"""Knowledge distillation: the student follows the teacher's probabilities.

EKT hands on *programs*; this rival, the one in the paper's abstract, hands on
the teacher's whole distribution over the next token.  As in EKT's released
code it is trained on the same filtered pairs, with the ordinary loss beside
it.  Both models must share a tokenizer.
"""

from dataclasses import replace

import torch
from torch.nn.functional import log_softmax

from helpers.prompts import exemplar_text
from helpers.training import IGNORED, collate, completion_loss, encode


def distillation_loss(student, teacher, temperature=1.0, sharpen=1.0):
    """KL(teacher || student), the mean over tokens, in nats.

    ``student``, ``teacher``: logits (tokens, vocabulary) that predict the
    same tokens; both are divided by ``temperature``, the teacher's by
    ``sharpen`` as well.  Vocabularies that were padded to different sizes are
    cut to the smaller one.  As released, without the factor temperature
    squared.  Introduced in notebook M5.  Raises ``ValueError`` if
    the two do not predict equally many tokens.
    """
    if len(student) != len(teacher):
        raise ValueError(f"the student predicts {len(student)} tokens and "
                         f"the teacher {len(teacher)}; they need the same "
                         f"completions and the same tokenizer")
    size = min(student.shape[-1], teacher.shape[-1])
    q = log_softmax(student[:, :size].float() / temperature, -1)
    p = log_softmax(teacher[:, :size].float() / temperature / sharpen, -1)
    return (p.exp() * (p - q)).sum(-1).mean()


def with_exemplars(example, exemplars):
    """The example as a few-shot teacher sees it: same completion.

    Introduced in notebook M5.
    """
    return replace(example, prompt=exemplar_text(exemplars)
                   + example.prompt)


@torch.no_grad()
def teacher_logits(lm, encoded):
    """The teacher's logits (tokens, vocabulary) for all trained tokens.

    ``encoded``: (ids, labels) pairs; a row's tokens follow those of the row
    before.  Introduced in notebook M5.
    """
    ids, labels, mask = collate(encoded, lm.tokenizer.eos_token_id)
    device = lm.model.device
    logits = lm.model(input_ids=ids.to(device),
                      attention_mask=mask.to(device)).logits
    return logits[:, :-1][(labels[:, 1:] != IGNORED).to(device)]


def distil(teacher, examples, exemplars=(), weights=(1.0, 1.0),
           temperature=1.0, sharpen=1.0, encode=encode):
    """The objective for :func:`helpers.training.train`: both losses, weighed.

    ``weights``: of the cross-entropy and of the divergence, 1 : 1 as
    released.  With ``exemplars`` the teacher sees them above each question;
    EKT's released code gives it the bare question.  ``examples`` are those
    that ``train`` gets, in the same order.  Padding that ``train`` counts is
    left out of the divergence, as released.  Introduced in notebook M5.
    """
    seen = [encode(teacher.tokenizer, with_exemplars(example, exemplars))
            for example in examples]
    cross_entropy, divergence = weights
    end = teacher.tokenizer.eos_token_id

    def objective(logits, labels, numbers):
        told = teacher_logits(teacher, [seen[i] for i in numbers])
        wanted = labels[:, 1:]
        padding = (wanted == end).cumsum(-1) - (wanted == end).long() > 0
        own = logits[:, :-1][(wanted != IGNORED) & ~padding]
        follow = distillation_loss(own, told.to(own.device), temperature,
                                   sharpen)
        if not cross_entropy:
            return divergence * follow
        return (cross_entropy * completion_loss(logits, labels)
                + divergence * follow)

    objective.title = (f"distillation from {teacher.name}, {len(exemplars)} "
                       f"exemplars, {weights}, {temperature}, {sharpen}")
    return objective
