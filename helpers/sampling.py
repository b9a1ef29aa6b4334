"""n completions per prompt, from any teacher, in a file that survives a kill.

Each sample has random numbers of its own, drawn from (seed, prompt, sample
index).  So the same call gives the same samples, a run that was killed goes
on where it stopped, and asking for n = 100 after n = 20 keeps the first 20.
"""

import errno
import math
import os
from collections.abc import Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from helpers.progress import progress_bar
from helpers.prompts import cut_completion, prompt_hash
from helpers.tools.arguments import excerpt, is_path, plain_number
from helpers.tools.files import lines_of, read_rows, whole_row

try:
    import fcntl
except ImportError:        # Windows, where Runner says what to do
    fcntl = None

MOST_SAMPLES = 10 ** 6             # samples of a prompt
MOST_TOKENS = 10 ** 6              # new ones, of a sample


@dataclass(frozen=True)
class Settings:
    """How samples are drawn.

    ``cut(text)`` gives (completion, finish_reason): where a text ends.  The
    last two are for checkpoints: how many are decoded at a time, and how many
    tokens of a prompt are read; what a token is a server alone knows.
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

    @property
    def told(self):
        """Its settings, as :attr:`Settings.told` has them."""
        return self.seed, self.temperature, self.top_p, self.max_new_tokens


def read_samples(path):
    """The samples of a cache file, ``.jsonl`` or ``.jsonl.gz``, in order.

    Of a last line, a kill may leave the beginning, which is passed over; any
    other line that is no sample raises ``ValueError`` with its number, and so
    does a file that is no text.  Introduced in notebook 04.
    """
    return read_rows(path, Sample, "line {number} of {name} is no sample",
                     "choose another file, or, if this one is a cache, delete "
                     "that line to sample it again, the others are kept",
                     "check the path", unfinished=True)


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
        theirs = (row.model, *row.told)
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


def unwritable(path, error):
    """What to say where the disk does not take samples."""
    return OSError(f"cannot write the cache {path} ({error.strerror}); what "
                   f"it holds by now is kept: make room, or choose a place "
                   f"that may be written, and run again to go on")


def see_that_it_can_grow(path):
    """Raises ``OSError`` where samples cannot be appended to a file."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not os.access(path if path.exists() else path.parent, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise unwritable(path, error) from None


@contextmanager
def held(path):
    """The cache ``path`` for one call alone, until it or the process ends.

    Raises ``OSError`` where somebody else holds it: both would draw the same
    samples, and write them one after the other.  A cache that is still empty
    at the end goes.
    """
    if path is None or fcntl is None or Path(path).is_dir():
        yield
        return
    # A link that leads nowhere yet is its owner's, and stays.
    path = os.path.realpath(path)
    new = not Path(path).exists()
    if new:
        see_that_it_can_grow(path)
    while True:
        create = 0 if Path(path).exists() else os.O_CREAT
        try:
            file = os.open(path, os.O_RDONLY | create, 0o666)
        except OSError as error:
            raise unwritable(path, error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise OSError(f"another process is drawing into {path}; wait for "
                          f"it and run again, or choose another cache file"
                          ) from None
        except OSError:
            break                            # this disk knows no locks
        with suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file), os.stat(path)):
                break
        os.close(file)       # who held it has found nothing, and removed it
    try:
        yield
    finally:
        if new and not os.fstat(file).st_size:
            Path(path).unlink(missing_ok=True)
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_UN)     # also for forks of this one
        os.close(file)


def append(path, samples):
    """Write whole lines at the end of the file, and wait for the disk.

    Raises ``OSError`` where they cannot be written.
    """
    if path is None:
        return
    try:
        with open(path, "ab") as file:
            file.write(lines_of(samples).encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise unwritable(path, error) from None


def see_that_it_may_be_a_cache(path):
    """Raises ``ValueError`` for what is no path, and for a packed file."""
    if path is None:
        return
    if not is_path(path) or Path(path).exists() and not (
            Path(path).is_file() or Path(path).is_dir()):
        raise ValueError(f"cache is the path of a file that can grow, not "
                         f"{path!r:.60}")
    if Path(path).suffix == ".gz":
        raise ValueError(f"a cache grows line by line and cannot be packed; "
                         f"choose a name without .gz for it, not "
                         f"{Path(path).name}")


def drop_incomplete_line(path):
    """Cut off what a kill left of a last line, so that appending is safe.

    A last line that only lacks its end is a sample, and gets it.  Nothing
    is cut before all lines are known to be samples, and the last the
    beginning of one.  Raises ``ValueError`` as :func:`read_samples` does for
    a file that is not ours, and for a packed one, which cannot grow.
    """
    see_that_it_may_be_a_cache(path)
    if path is None or not Path(path).is_file():
        return
    data = Path(path).read_bytes()
    if data and not data.endswith(b"\n"):
        read_samples(path)                   # raises for what is not ours
        begins = data.rfind(b"\n") + 1
        try:
            if whole_row(Sample, data[begins:].decode("utf-8-sig")):
                with open(path, "ab") as file:
                    file.write(b"\n")
            else:
                os.truncate(path, begins)
        except OSError as error:
            raise unwritable(path, error) from None


def digests_of(prompts):
    """{task_id: hash of its prompt}.

    Raises ``ValueError`` for anything but texts by task_id, and for a text
    that has no bytes in UTF-8.
    """
    if not isinstance(prompts, Mapping):
        raise ValueError(f"prompts are a dictionary {{task_id: text}}, not a "
                         f"{type(prompts).__name__}")
    digests = {}
    for task, text in prompts.items():
        if not isinstance(task, str) or not isinstance(text, str):
            raise ValueError(f"task_id and prompt are texts, not "
                             f"{task!r:.40} and {text!r:.40}")
        try:
            digests[task] = prompt_hash(text)
        except UnicodeEncodeError as error:
            raise ValueError(
                f"the prompt of {task} holds half a character "
                f"({text[error.start]!r}, letter {error.start + 1}); read "
                f"its file again in the right encoding, or leave that letter "
                f"out") from None
    return digests


def check_settings(settings):
    """Raises ``ValueError`` for settings with which nothing can be drawn."""
    for name, value, good, wanted in (
            ("temperature", settings.temperature,
             0 <= settings.temperature < math.inf, "0 or more"),
            ("top_p", settings.top_p, 0 < settings.top_p <= 1,
             "above 0 and at most 1"),
            ("max_new_tokens", settings.max_new_tokens,
             settings.max_new_tokens >= 1, "1 or more"),
            ("sequences", settings.sequences, settings.sequences >= 1,
             "1 or more"),
            ("max_prompt_tokens", settings.max_prompt_tokens,
             settings.max_prompt_tokens >= 1, "1 or more")):
        if not good:
            raise ValueError(f"{name} is {wanted}, not {value}")
    if settings.max_new_tokens > MOST_TOKENS:
        raise ValueError(f"max_new_tokens is at most {MOST_TOKENS:,}, not "
                         f"{excerpt(settings.max_new_tokens)}")


def sample(lm, prompts, n, temperature=0.6, top_p=1.0, seed=0,
           max_new_tokens=150, max_prompt_tokens=756, cache=None,
           sequences=256, progress=True, cut=cut_completion):
    """``n`` completions for each of ``prompts`` {task_id: text}.

    ``lm`` is any teacher with a ``name`` and a method ``draw``: a
    checkpoint, a recording or an endpoint (:mod:`helpers.teachers`).
    Returns Samples, problem by problem in the order of ``prompts``; of a
    prompt that a server refuses there are none, and a line says so.  What
    ``cache`` (a JSONL file) holds is not sampled again; new samples are
    appended to it batch by batch, so a kill loses one batch; it is held until
    the end, and a second call that wants it is refused.  Of a
    checkpoint, at most ``sequences`` are decoded at a time, and prompts
    longer than ``max_prompt_tokens`` lose their beginning (EKT: 756); a
    server gets them whole, and a line says so.
    ``cut`` says where a completion ends.  Raises ``ValueError`` for n < 1,
    for arguments that are no numbers or texts, and for a cache of another
    run or a file that is none, before anything is drawn or written;
    ``MemoryError`` if not even one sequence fits; ``OSError`` if the cache
    cannot be written.  Introduced in notebook 02.
    """
    if plain_number("n", n, whole=True) < 1:
        raise ValueError(f"n counts samples and is at least 1, not {n}")
    if n > MOST_SAMPLES:
        raise ValueError(f"n counts samples of a prompt and is at most "
                         f"{MOST_SAMPLES:,}, not {excerpt(n)}")
    settings = Settings(
        plain_number("seed", seed, whole=True),
        plain_number("temperature", temperature, whole=False),
        plain_number("top_p", top_p, whole=False),
        plain_number("max_new_tokens", max_new_tokens, whole=True), cut,
        plain_number("sequences", sequences, whole=True),
        plain_number("max_prompt_tokens", max_prompt_tokens, whole=True))
    check_settings(settings)
    digests = digests_of(prompts)
    if not (hasattr(lm, "name") and hasattr(lm, "draw")):
        raise ValueError(f"a teacher is what load_teacher or load_model "
                         f"gives, with a name and draw, not {excerpt(lm)}")
    see_that_it_may_be_a_cache(cache)
    with held(cache):
        return _drawn(lm, prompts, n, digests, settings, cache, progress)


def _drawn(lm, prompts, n, digests, settings, cache, progress):
    """The samples, those that ``cache`` lacks drawn and appended to it."""
    drop_incomplete_line(cache)
    done = cached(cache, lm, digests, settings)
    wanted = {task: (text, [i for i in range(n) if (task, i) not in done])
              for task, text in prompts.items()}
    wanted = {task: (text, missing) for task, (text, missing)
              in wanted.items() if missing}
    missing = sum(len(indices) for _, indices in wanted.values())
    if missing and cache is not None:
        see_that_it_can_grow(cache)          # before anything is drawn
    with progress_bar(title=f"sampling {lm.name}", unit=" samples",
                      total=len(prompts) * n, shown=progress,
                      done=len(prompts) * n - missing) as bar:
        for new in lm.draw(wanted, settings):
            append(cache, new)
            done.update({(s.task_id, s.sample_index): s for s in new})
            bar.update(len(new))
    # A server may have refused a prompt, and then has said so.
    return [done[task, i] for task in prompts for i in range(n)
            if (task, i) in done]
