"""n completions per prompt, from any teacher, in a file that survives a kill.

Each sample has random numbers of its own, drawn from (seed, prompt, sample
index).  So the same call gives the same samples, a run that was killed goes
on where it stopped, and asking for n = 100 after n = 20 keeps the first 20.
"""

import gzip
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from helpers.prompts import cut_completion, prompt_hash

@dataclass(frozen=True)
class Settings:
    """How samples are drawn.  Introduced in notebook 02, section 4.

    ``cut(text)`` gives (completion, finish_reason): where a text ends.  The
    last two are for checkpoints: how many are decoded at a time, and how
    many tokens of a prompt are read.
    """

    seed: int
    temperature: float
    top_p: float
    max_new_tokens: int
    cut: object
    sequences: int = 256
    max_prompt_tokens: int = 756

    @property
    def told(self):
        """What a line of the cache tells of them, in its order."""
        return self.seed, self.temperature, self.top_p, self.max_new_tokens


@dataclass(frozen=True)
class Sample:
    """One completion and where it came from: a line of the cache.

    ``task_id`` and ``completion`` are the names that other evaluators read.
    Introduced in notebook 02, section 4.
    """

    task_id: str
    sample_index: int
    seed: int
    temperature: float
    top_p: float
    max_new_tokens: int
    completion: str
    finish_reason: str            # "stop" or "length"
    model: str
    prompt_hash: str


def read_samples(path):
    """The samples of a cache file, ``.jsonl`` or ``.jsonl.gz``, in order.

    An incomplete last line, which a kill leaves behind, is passed over; any
    other line that is no sample raises ``ValueError`` with its number.
    Introduced in notebook 02, section 4.
    """
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as file:
        lines = file.read().split("\n")
    samples = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            samples.append(Sample(**json.loads(line)))
        except (ValueError, TypeError):
            raise ValueError(
                f"line {number} of {Path(path).name} is no sample: "
                f"{line[:60]!r}; delete that line to sample it again, the "
                f"others are kept") from None
    return samples


def cached(path, lm, digests, settings):
    """{(task_id, sample_index): Sample} of this run's cache file.

    Raises ``ValueError`` for a line that another model or prompt or other
    settings made: mixing them would spoil every count.
    """
    found = {}
    if path is None or not Path(path).exists():
        return found
    ours = (lm.name, *settings.told)
    for number, row in enumerate(read_samples(path), start=1):
        theirs = (row.model, row.seed, row.temperature, row.top_p,
                  row.max_new_tokens)
        digest = digests.get(row.task_id, row.prompt_hash)
        if theirs != ours or row.prompt_hash != digest:
            what = ("another prompt" if theirs == ours else
                    f"model, seed, temperature, top_p, tokens = {theirs}")
            raise ValueError(
                f"line {number} of {Path(path).name} was made with {what}, "
                f"not {'this one' if theirs == ours else ours}; choose "
                f"another cache file or delete this one")
        found[row.task_id, row.sample_index] = row
    return found


def lines_of(samples):
    """The text of a cache file that holds ``samples``."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in samples)


def append(path, samples):
    """Write whole lines at the end of the file, and wait for the disk."""
    if path is None:
        return
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        file.write(lines_of(samples).encode())
        file.flush()
        os.fsync(file.fileno())


def drop_incomplete_line(path):
    """Cut off what a kill left of a last line, so that appending is safe."""
    if path is None or not Path(path).exists():
        return
    with open(path, "r+b") as file:
        if not file.seek(0, os.SEEK_END):
            return
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)


def sample(lm, prompts, n, temperature=0.6, top_p=1.0, seed=0,
           max_new_tokens=150, max_prompt_tokens=756, cache=None,
           sequences=256, progress=True, cut=cut_completion):
    """``n`` completions for each of ``prompts`` {task_id: text}.

    ``lm`` is any teacher with a ``name`` and a method ``draw``: a
    checkpoint, a recording or an endpoint (:mod:`helpers.teachers`).
    Returns Samples, problem by problem in the order of ``prompts``.  What
    ``cache`` (a JSONL file) holds is not sampled again; new samples are
    appended to it batch by batch, so a kill loses one batch.  Of a
    checkpoint, at most ``sequences`` are decoded at a time, and prompts
    longer than ``max_prompt_tokens`` lose their beginning (EKT: 756).
    ``cut`` says where a completion ends.  Raises ``ValueError`` for n < 1 or
    a cache of another run, ``MemoryError`` if not even one sequence fits.
    Introduced in notebook 02, section 4.
    """
    if n < 1:
        raise ValueError(f"n counts samples and is at least 1, not {n}")
    settings = Settings(seed, temperature, top_p, max_new_tokens, cut,
                        sequences, max_prompt_tokens)
    digests = {task: prompt_hash(text) for task, text in prompts.items()}
    drop_incomplete_line(cache)
    done = cached(cache, lm, digests, settings)
    wanted = {task: (text, [i for i in range(n) if (task, i) not in done])
              for task, text in prompts.items()}
    wanted = {task: (text, missing) for task, (text, missing)
              in wanted.items() if missing}
    missing = sum(len(indices) for _, indices in wanted.values())
    with tqdm(total=len(prompts) * n, desc=f"sampling {lm.name}",
              unit=" samples", disable=not progress,
              initial=len(prompts) * n - missing) as bar:
        for new in lm.draw(wanted, settings):
            append(cache, new)
            done.update({(s.task_id, s.sample_index): s for s in new})
            bar.update(len(new))
    return [done[task, i] for task in prompts for i in range(n)]
