"""A teacher that answers from a file of samples that were drawn before.

It needs no model, no network and no key, and it says the same every time.
It knows an answer by the hash of its prompt, so it never answers a prompt
that was not asked.  ``python -m helpers record`` makes one
(:mod:`helpers.workshop.recorder`), and so does ``sample`` with a cache.
"""

import re
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from helpers.profiles import ROOT
from helpers.prompts import prompt_hash
from helpers.sampling import append, drop_incomplete_line, read_samples

RECORD_TO = "RECORD_TEACHERS_TO"    # a variable: the folder to record into
SETTING_NAMES = ("seed", "temperature", "top_p", "max_new_tokens")


def no_logits(teacher):
    """What a teacher that gives texts alone says to who wants its weights."""
    raise AttributeError(
        f"{teacher.name} gives texts, no probabilities of tokens: this step "
        f"needs a checkpoint as its teacher; name a folder or a model on the "
        f"Hugging Face Hub in the profile")


def keep_answers(teacher, folder):
    """From now on what ``teacher`` says is also written to ``folder``.

    Each model has a file there, ``NAME.jsonl``, with lines as in a cache.
    Returns the teacher.
    """
    draw = teacher.draw
    path = Path(folder) / f"{file_name(teacher.name)}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    drop_incomplete_line(path)           # of a recording that was killed

    def draw_and_keep(wanted, settings):
        for new in draw(wanted, settings):
            append(path, new)
            yield new

    teacher.draw = draw_and_keep
    return teacher


def file_name(model):
    """The name of a model as the name of a file."""
    return re.sub(r"[^\w.@+-]+", "-", model).strip("-.") or "model"


class Recording:
    """The samples of one model in ``path``, lines as in a cache file.

    ``path`` is a ``.jsonl`` or ``.jsonl.gz`` file below the repository or
    anywhere; it may hold samples of several settings.  ``name`` is that of
    the model that was recorded, so that its caches go on to be valid.  Raises
    ``FileNotFoundError``, and ``ValueError`` for a file that is no recording
    of one model.
    """

    model = tokenizer = prompt_ids = property(no_logits)

    def __init__(self, path):
        self.path = ROOT / path
        if not self.path.is_file():
            raise FileNotFoundError(
                f"there is no recording {path}; draw samples from a live "
                f"teacher with cache={str(path)!r} to make one")
        # A kill leaves half a line in a cache file; it is passed over.
        samples = read_samples(self.path)
        made = {s.model for s in samples}
        if len(made) != 1:
            raise ValueError(
                f"{self.path.name} holds samples of {len(made)} models; a "
                f"recording is of one")
        self.name, = made
        self.samples, self.told = {}, {}     # all, and by their settings
        for one in samples:
            key = one.prompt_hash, one.sample_index
            self.samples.setdefault(key, one)
            self.told.setdefault(one.told, {}).setdefault(key, one)

    def __repr__(self):
        return f"Recording({self.path.name!r}: {self.name})"

    @cached_property
    def recorded(self):
        """{prompt hash: number of its samples}."""
        counts = {}
        for digest, _ in self.samples:
            counts[digest] = counts.get(digest, 0) + 1
        return counts

    def draw(self, wanted, settings):
        """Yields one list: the recorded Samples of all that is ``wanted``.

        ``wanted`` {task_id: (prompt, sample indices)}.  Raises
        ``ValueError`` if anything of it was not recorded, before anything is
        written.
        """
        if not wanted:
            return
        there = self.told.get(settings.told)
        if there is None:
            raise ValueError(f"{self.path.name} {self.otherwise(settings)}; "
                             f"{self.remedy()}")
        found = []
        for task, (text, indices) in wanted.items():
            digest = prompt_hash(text)
            for index in indices:
                if (digest, index) not in there:
                    count = sum(key == digest for key, _ in there)
                    what = (f"{count} samples for the prompt of {task}, but "
                            f"not number {index + 1}" if count else
                            f"no answer to the prompt of {task}: it was not "
                            f"asked, or it has changed since")
                    raise ValueError(f"{self.path.name} holds {what}; "
                                     f"{self.remedy()}")
                found.append(replace(there[digest, index], task_id=task))
        yield found

    def otherwise(self, settings):
        """With what settings the samples were drawn, where not with these."""
        if len(self.told) > 1:
            made = "; ".join(map(str, self.told))
            return (f"was recorded with {', '.join(SETTING_NAMES)} = {made}, "
                    f"not {settings.told}")
        told, = self.told
        name, was, now = next(row for row in zip(
            SETTING_NAMES, told, settings.told) if row[1] != row[2])
        return f"was recorded with {name} = {was}, not {now}"

    def remedy(self):
        """What to do where the recording has no answer."""
        return (f"ask as it was recorded, or record anew: a live teacher "
                f"({self.name} made this one) and another cache file")

    def cost(self, prompts, n, max_new_tokens):
        """Nothing: what is recorded is paid.  Keys as in sampling.cost."""
        return {"calls": len(prompts) * n, "prompt_tokens": 0,
                "new_tokens": 0, "seconds": 0.0, "dollars": 0.0}
