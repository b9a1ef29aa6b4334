"""The file in which samples are kept: one JSON line each, safe to interrupt.
"""

import gzip
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Settings:
    """How samples are drawn.  Introduced in notebook 02, section 4.

    ``cut(text)`` gives (completion, finish_reason): where a text ends.
    """

    seed: int
    temperature: float
    top_p: float
    max_new_tokens: int
    cut: object

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
