"""Distillation: its divergence, its teacher's logits, its objective."""

from dataclasses import replace

import pytest
import torch

from helpers.distillation import (distil, distillation_loss, teacher_logits,
                                  with_exemplars)
from helpers.filtering import Example
from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.teachers.checkpoint import load_model
from helpers.training import (add_lora, collate, completion_loss, encode,
                              plain, train)
from helpers.workshop.ekt_runs import TASK
from helpers.workshop.pools import MODELS

EXAMPLES = [Example(f"t/{i}", f"# Ann starts with {n} pens. On Monday Ann "
                    f"finds {i + 2}. How many pens does Ann have in the end?"
                    "\n", f"start = {n}\nmonday = start + {i + 2}\n"
                    "answer = monday\n") for i, n in enumerate((12, 7, 31))]


@pytest.fixture(scope="module")
def student():
    return load_model(f"{MODELS}/student")


def test_the_divergence_is_torch_s_and_has_a_direction():
    torch.manual_seed(0)
    student, teacher = torch.randn(7, 5), torch.randn(7, 5)
    for t in (1.0, 3.0):
        wanted = torch.nn.functional.kl_div(
            (student / t).log_softmax(-1), (teacher / t).log_softmax(-1),
            log_target=True, reduction="batchmean")
        assert distillation_loss(student, teacher, t) == pytest.approx(
            wanted.item(), abs=1e-6)
    assert distillation_loss(teacher, teacher) == pytest.approx(0, abs=1e-6)
    assert distillation_loss(student, teacher) != pytest.approx(
        distillation_loss(teacher, student).item(), abs=1e-3)
    # GPT-J's vocabulary is padded beyond GPT-Neo's: the rest is cut off.
    wider = torch.cat([teacher, torch.full((7, 3), 9.0)], -1)
    assert distillation_loss(student, wider) == pytest.approx(
        distillation_loss(student, teacher).item(), abs=1e-6)
    with pytest.raises(ValueError, match="7 tokens and the teacher 6"):
        distillation_loss(student, teacher[1:])


def test_the_teacher_predicts_the_student_s_tokens_below_exemplars(student):
    """Row by row: the logits are those that predict the completion."""
    shown = EXEMPLARS[TASK]
    seen = [encode(student.tokenizer, with_exemplars(e, shown))
            for e in EXAMPLES]
    told = teacher_logits(student, seen)
    wanted = []
    for example in EXAMPLES:            # one at a time, without any padding
        question = example.prompt.removeprefix("# ").strip()
        prompt = student.tokenizer(few_shot_prompt(question, shown))
        ids = prompt["input_ids"] + encode(
            student.tokenizer, replace(example, prompt=""))[0]
        with torch.no_grad():
            logits = student.model(torch.tensor(
                [ids], device=student.model.device)).logits[0]
        wanted.append(logits[len(prompt["input_ids"]) - 1:-1])
    assert torch.allclose(told, torch.cat(wanted), atol=1e-4)


def test_who_follows_itself_has_nothing_to_pay(student):
    encoded = [encode(student.tokenizer, e) for e in EXAMPLES]
    ids, labels, mask = (part.to(student.model.device) for part in collate(
        encoded, student.tokenizer.eos_token_id))
    logits = student.model(input_ids=ids, attention_mask=mask).logits
    usual = completion_loss(logits, labels).item()
    numbers = [0, 1, 2]
    for weights in ((1.0, 1.0), (1.0, 4.0), (0.0, 1.0)):
        objective = distil(student, EXAMPLES, weights=weights)
        assert objective(logits, labels, numbers).item() == pytest.approx(
            weights[0] * usual, abs=1e-5)
    below = distil(student, EXAMPLES, EXEMPLARS[TASK])
    assert below(logits, labels, numbers).item() > usual + 0.01


def test_a_checkpoint_of_another_objective_is_refused(tmp_path, student):
    def short(objective, stop):
        lm = add_lora(load_model(f"{MODELS}/student"), 2)
        return train(lm, EXAMPLES, 2, 1, 1e-3, tmp_path / "c.pt",
                     objective=objective, stop_after=stop, progress=False)
    short(plain, 2)
    with pytest.raises(ValueError, match="other data or settings"):
        short(distil(student, EXAMPLES), None)
    assert len(short(plain, None)) == 6
