"""Tokens one at a time: how one is picked, and many prompts at once."""

from collections import Counter

import pytest
import torch

from helpers.prompts import zero_shot_prompt
from helpers.teachers import decoding
from helpers.teachers.checkpoint import load_model
from helpers.teachers.decoding import complete, pick


@pytest.fixture(scope="module")
def teacher():
    return load_model("data/mini/models/teacher")


PROMPTS = {f"t/{i}": zero_shot_prompt(
    f"Ann starts with {i + 5} shells. On Monday Ann finds 4. How many shells "
    "does Ann have in the end?") for i in range(3)}


def test_pick_draws_with_the_softmax_probabilities():
    logits = torch.tensor([2.0, 0.5, -1.0, 0.0])
    many = 40_000
    uniform = (torch.arange(many) + 0.5) / many      # a grid, no chance
    for temperature in (0.6, 1.0):
        tokens = pick(logits.expand(many, 4), uniform, temperature)
        share = torch.bincount(tokens, minlength=4) / many
        wanted = (logits / temperature).exp()
        wanted = wanted / wanted.sum()
        assert torch.allclose(share, wanted, atol=1e-3)


def test_top_p_keeps_the_token_that_crosses_the_line():
    logits = torch.tensor([0.5, 0.3, 0.15, 0.05]).log()
    uniform = (torch.arange(1000) + 0.5) / 1000
    tokens = pick(logits.expand(1000, 4), uniform, 1.0, top_p=0.7)
    count = Counter(tokens.tolist())
    assert set(count) == {0, 1}
    assert abs(count[0] / 1000 - 0.5 / 0.8) < 2e-3


def test_pick_at_temperature_zero_is_the_likeliest():
    logits = torch.tensor([[0.1, 3.0, 1.0]])
    assert pick(logits, torch.tensor([0.99]), 0).tolist() == [1]


def test_greedy_completions_are_those_of_generate(teacher):
    ids = teacher.tokenizer(list(PROMPTS.values())[:1], return_tensors="pt")[
        "input_ids"].to(teacher.model.device)
    wanted = teacher.model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False,
        max_new_tokens=24, pad_token_id=0)
    wanted = teacher.tokenizer.decode(wanted[0, ids.shape[1]:])
    got = complete(teacher, ids, torch.rand(5, 24), 0, 1.0)
    assert len({text for text, _ in got}) == 1
    assert wanted.startswith(got[0][0].rstrip("\n"))


def test_long_prompts_are_read_a_few_at_a_time():
    lm = load_model("data/mini/models/student")
    device = lm.model.device
    ids, mask = (part.to(device) for part in decoding.pad(
        [[5, 6, 7], [8, 9], [4], [3, 2, 1]], 0))
    whole = decoding.read_prompts(lm.model, ids, mask)
    parts = decoding.read_prompts(lm.model, ids, mask, most=6)
    for reading in (whole, parts):
        reading.repeat(2)
        reading.keep(torch.tensor([0, 3, 4, 7], device=device))
        reading.logits = reading.next(
            torch.tensor([1, 2, 3, 4], device=device))
    torch.testing.assert_close(whole.logits, parts.logits)
    alone = decoding.read_prompts(
        lm.model, torch.tensor([[8, 9]], device=device))
    torch.testing.assert_close(alone.next(torch.tensor([2], device=device)),
                               whole.logits[1:2], rtol=1e-4, atol=1e-5)
