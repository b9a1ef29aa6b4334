"""n = 100 completions of one prompt: ours beside the library's own roads.

    python tests/benchmarks/sampling.py [--model NAME] [--four-bit] [--n N]
                                  [--new-tokens N] [--rounds N] [--save]

ours            teachers.decoding.complete: the prompt is read once, rows that
                have ended leave the batch.
generate        model.generate(num_return_sequences=n), until every row has
                written its end token or all its tokens.
generate, stop  the same, and a row also ends with its answer line.
generate_batch  the library's continuous batching, n requests.

All draw from the same distribution (tests/test_sampling.py) and take turns.
What is counted are the tokens that are kept: up to the end of the answer
line.  Seconds are wall time; a round of each before the first is not
counted.  With --save the results go into data/benchmarks/sampling.json.  On
a machine with a card everything runs on the card.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import sys
import time
from importlib import metadata
from pathlib import Path

import torch
from transformers import (GenerationConfig, StoppingCriteria,
                          StoppingCriteriaList)

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from helpers.problems import load_problems  # noqa: E402
from helpers.prompts import (EXEMPLARS, cut_completion, few_shot_prompt)  # noqa: E402
from helpers.teachers.checkpoint import load_model  # noqa: E402
from helpers.teachers.decoding import complete, random_numbers  # noqa: E402
from helpers.workshop.provenance import commit_now  # noqa: E402

RESULTS = ROOT / "data" / "benchmarks" / "sampling.json"
TEMPERATURE = 0.6
PROMPTS = 4
PAGES = None      # of generate_batch: as many as the memory holds


class AnswerLine(StoppingCriteria):
    """A row ends when its text holds a whole answer line."""

    def __init__(self, lm, start):
        self.lm, self.start = lm, start
        self.ended = None

    def __call__(self, ids, scores, **kwargs):
        if self.ended is None:
            self.ended = torch.zeros(len(ids), dtype=torch.bool)
        breaks = torch.isin(ids[:, -1].cpu(), self.lm.newline_tokens)
        for row in (breaks & ~self.ended).nonzero()[:, 0].tolist():
            text = self.lm.tokenizer.decode(ids[row, self.start:])
            self.ended[row] = cut_completion(text)[1] == "stop"
        return self.ended.to(ids.device)


def settings(lm, most, **more):
    end = lm.tokenizer.eos_token_id
    return dict(max_new_tokens=most, do_sample=True, temperature=TEMPERATURE,
                top_k=0, top_p=1.0, pad_token_id=end, eos_token_id=end,
                **more)


def ours(lm, text, n, most, seed=0):
    ids = torch.tensor([lm.prompt_ids(text)], device=lm.model.device)
    numbers = random_numbers(seed, text, range(n), most)
    return [kept for kept, _ in complete(lm, ids, numbers, TEMPERATURE, 1.0)]


@torch.inference_mode()
def generate(lm, text, n, most, seed=0, stop=False):
    torch.manual_seed(seed)
    ids = torch.tensor([lm.prompt_ids(text)], device=lm.model.device)
    more = {"stopping_criteria": StoppingCriteriaList(
        [AnswerLine(lm, ids.shape[1])])} if stop else {}
    rows = lm.model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids),
        num_return_sequences=n, **settings(lm, most, **more))
    texts = lm.tokenizer.batch_decode(rows[:, ids.shape[1]:],
                                      skip_special_tokens=True)
    return [cut_completion(kept)[0] for kept in texts]


def generate_and_stop(lm, text, n, most, seed=0):
    return generate(lm, text, n, most, seed, stop=True)


def generate_batch(lm, text, n, most, seed=0):
    torch.manual_seed(seed)
    own = lm.model.config._attn_implementation    # continuous batching knows
    lm.model.set_attn_implementation("sdpa")      # the library's alone
    try:
        outputs = lm.model.generate_batch(
            inputs=[lm.prompt_ids(text)] * n, progress_bar=False,
            generation_config=GenerationConfig(**settings(lm, most)),
            continuous_batching_config=PAGES)
    finally:
        lm.model.set_attn_implementation(own)
    texts = lm.tokenizer.batch_decode(
        [row.generated_tokens for row in outputs.values()],
        skip_special_tokens=True)
    return [cut_completion(kept)[0] for kept in texts]


ROADS = {"ours": ours, "generate": generate,
         "generate, stop": generate_and_stop,
         "generate_batch": generate_batch}


def measure(lm, texts, n, most, rounds):
    """{road: [kept tokens per second, one a round]}, in turns.

    For a road that fails, for want of memory say, the name of the error.
    """
    rates = {name: [] for name in ROADS}
    for turn in range(rounds + 1):
        for name, road in ROADS.items():
            if isinstance(rates[name], str):
                continue
            # The slowest road on a CPU by far: one prompt says enough.
            some = texts[:1] if name == "generate_batch" else texts
            began = time.perf_counter()
            try:
                done = [road(lm, text, n, most, turn) for text in some]
            except Exception as error:
                rates[name] = type(error).__name__
                print(f"{name}: {rates[name]}: {error}"[:300], flush=True)
                continue
            if lm.model.device.type == "cuda":
                torch.cuda.synchronize()
            seconds = time.perf_counter() - began
            tokens = sum(len(ids) for rows in done
                         for ids in lm.tokenizer(rows)["input_ids"])
            if turn:
                rates[name].append(tokens / seconds)
                print(f"round {turn}: {name:15} {tokens / seconds:9,.0f} "
                      f"tokens/s", flush=True)
    return rates


def main():
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="data/mini/models/teacher")
    parser.add_argument("--four-bit", action="store_true")
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--new-tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--save", action="store_true")
    options = parser.parse_args()
    lm = load_model(options.model, four_bit=options.four_bit)
    texts = [few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
             for p in load_problems("mini-gsm", "test", limit=PROMPTS)]
    rates = measure(lm, texts, options.n, options.new_tokens, options.rounds)
    rates = {name: found for name, found in rates.items()
             if isinstance(found, list)}
    base = statistics.median(rates["ours"])
    device = (torch.cuda.get_device_name() if torch.cuda.is_available()
              else f"CPU, {os.cpu_count()} cores")
    result = {
        "command": "python tests/benchmarks/sampling.py "
                   + " ".join(sys.argv[1:]).strip(),
        "date": datetime.date.today().isoformat(),
        "commit": commit_now(("helpers", "tests/benchmarks")),
        "device": device, "model": lm.name, "n": options.n,
        "prompts": len(texts),
        "prompt_tokens": [len(lm.prompt_ids(text)) for text in texts],
        "max_new_tokens": options.new_tokens, "temperature": TEMPERATURE,
        "versions": {"python": platform.python_version(), **{
            name: metadata.version(name)
            for name in ("torch", "transformers")}},
        "tokens_per_second": {name: [round(x, 1) for x in found]
                              for name, found in rates.items()},
        "ours_is_so_many_times_as_fast": {
            name: [round(a / b, 2) for a, b in zip(rates["ours"], found)]
            for name, found in rates.items() if name != "ours"}}
    print(f"\n{device}; median of {options.rounds} rounds")
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:15} {rate:9,.0f} tokens/s   ours is "
              f"{base / rate:5.1f} times as fast")
    if options.save:
        RESULTS.write_text(json.dumps(result, indent=1) + "\n")
        print("written to", RESULTS.relative_to(ROOT))


if __name__ == "__main__":
    main()
