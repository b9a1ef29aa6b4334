"""A teacher that answers from a file of samples that were drawn before.

It needs no model, no network and no key, and it says the same every time.
It knows an answer by the hash of its prompt, so it never answers a prompt
that was not asked.
"""

from dataclasses import replace
from functools import cached_property

from helpers.profiles import ROOT
from helpers.prompts import prompt_hash
from helpers.sampling import read_samples


def no_logits(teacher):
    """What a teacher that gives texts alone says to who wants its weights."""
    raise AttributeError(
        f"{teacher.name} gives texts, no probabilities of tokens: this step "
        f"needs a checkpoint as its teacher; name a folder or a model on the "
        f"Hugging Face Hub in the profile")


class Recording:
    """The samples of one model in ``path``, a cache file of ``sample``.

    ``path`` is a ``.jsonl`` or ``.jsonl.gz`` file below the repository or
    anywhere.  ``name`` is that of the model that was recorded, so that its
    caches go on to be valid.  Raises ``FileNotFoundError``, and ``ValueError``
    for a file that is no recording of one model with one choice of settings.
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
        made = {(s.model, s.seed, s.temperature, s.top_p, s.max_new_tokens)
                for s in samples}
        if len(made) != 1:
            raise ValueError(
                f"{self.path.name} holds samples of {len(made)} models or "
                f"settings; a recording is a cache file of one call of sample")
        (self.name, *self.told), = made
        self.samples = {(s.prompt_hash, s.sample_index): s for s in samples}

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
        names = "seed", "temperature", "top_p", "max_new_tokens"
        for name, was, now in zip(names, self.told, settings.told):
            if was != now:
                raise ValueError(
                    f"{self.path.name} was recorded with {name} = {was}, not "
                    f"{now}; {self.remedy()}")
        found = []
        for task, (text, indices) in wanted.items():
            digest = prompt_hash(text)
            there = self.recorded.get(digest, 0)
            for index in indices:
                if (digest, index) not in self.samples:
                    what = (f"{there} samples for the prompt of {task}, but "
                            f"not number {index + 1}" if there else
                            f"no answer to the prompt of {task}: it was not "
                            f"asked, or it has changed since")
                    raise ValueError(f"{self.path.name} holds {what}; "
                                     f"{self.remedy()}")
                found.append(replace(self.samples[digest, index],
                                     task_id=task))
        yield found

    def remedy(self):
        """What to do where the recording has no answer."""
        return (f"ask as it was recorded, or record anew: a live teacher "
                f"({self.name} made this one) and another cache file")

    def cost(self, prompts, n, max_new_tokens):
        """Nothing: what is recorded is paid.  Keys as in sampling.cost."""
        return {"calls": len(prompts) * n, "prompt_tokens": 0,
                "new_tokens": 0, "seconds": 0.0, "dollars": 0.0}
