"""Where the tasks live on the Hugging Face Hub, and three roads to APPS.

Used by ``helpers.problems``.
"""

import errno
import os
import re
from itertools import chain

# Repository, configuration and splits of a task.
MBPP = "google-research-datasets/mbpp"
HUB = {
    "gsm8k": ("openai/gsm8k", "main", ("train", "test")),
    "mbpp": (MBPP, "full", ("train", "validation", "test", "prompt")),
    "mbpp-sanitized": (MBPP, "sanitized",
                       ("train", "validation", "test", "prompt")),
    "humaneval": ("openai/openai_humaneval", None, ("test",)),
    "apps": ("codeparrot/apps", None, ("train", "test")),
}
# The version of each that is read: a branch, a tag, or a commit, which alone
# never changes: PINS["gsm8k"] = "<forty digits>".  That of APPS is a commit
# of whichever road is to be taken; None leaves each road its own branch.
PINS = {"gsm8k": "main", "mbpp": "main", "mbpp-sanitized": "main",
        "humaneval": "main", "apps": None}
# APPS comes with a loading script, which `datasets` >= 4 refuses; these
# files are read in its place.  A {level} may be "all".  Without that folder
# the parquet files have every problem twice, in "all" and in its level.
APPS = "hf://datasets/codeparrot/apps"
ROADS = (("json", "/{split}.jsonl"),
         ("parquet", "@refs/convert/parquet/{level}/{split}/*.parquet"),
         ("parquet", "@refs/pr/5/{level}/{split}-*.parquet"))
BRANCH = re.compile(r"^@refs/(convert/parquet|pr/\d+)")
SIZES = {"train": {"all": 5000, "introductory": 2639, "interview": 2000,
                   "competition": 361},
         "test": {"all": 5000, "introductory": 1000, "interview": 3000,
                  "competition": 1000}}
INSTEAD = "or give a downloaded JSONL file as path"
OTHER = "check the name, the network or a proxy"
# What went wrong, by the classes of an error and of those behind it (they
# have other homes in other versions), and what to do.  The first that fits.
REASONS = (
    (("OfflineModeIsEnabled",), "the variable HF_HUB_OFFLINE keeps it from "
     "the network; take it away and restart the kernel"),
    (("GatedRepoError",), "it is gated: accept its licence on its page of "
     "the Hub and log in with `hf auth login`, or choose another"),
    (("RevisionNotFoundError",), "the Hub has no such version of it; check "
     "the revision"),
    (("RepositoryNotFoundError",), "the Hub has nothing of that name, or it "
     "is private; check the spelling"),
    (("RemoteProtocolError", "ReadError", "ReadTimeout",
      "ChunkedEncodingError", "ConsistencyError", "IncompleteRead"),
     "the download broke off; try again, nothing of a broken file is kept"),
    (("HfHubHTTPError", "HTTPStatusError"), "the Hub answers with an error; "
     "try again later"),
    (("ConnectError", "ConnectTimeout", "ConnectionError", "ProxyError",
      "LocalEntryNotFoundError", "gaierror", "TimeoutException"),
     "the Hub cannot be reached; check the network or a proxy"),
    (("ArrowInvalid", "JSONDecodeError", "SafetensorError",
      "UnpicklingError"), "a file arrived damaged"))


# No room, no right to write, a file in the place of a folder.
NO_PLACE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOTDIR,
            errno.EACCES, errno.EPERM, errno.EEXIST}


def reason(error, repository=None):
    """Why something of the Hub could not be loaded, and what to do.

    A clause without a full stop, also where ``error`` is none of the
    network's.  ``repository`` ("owner/name") lets it name the folder of the
    cache that holds a damaged file.
    """
    names, texts, disk = {}, "", ""
    while error is not None and len(names) < 99:
        names[id(error)] = [kind.__name__ for kind in type(error).__mro__]
        texts += str(error)
        if isinstance(error, OSError) and error.errno in NO_PLACE and (
                error.filename or error.errno == errno.ENOSPC):
            disk = disk or os.strerror(error.errno)
        error = next((e for e in (error.__cause__, error.__context__)
                      if e is not None and id(e) not in names), None)
    found = {name for some in names.values() for name in some}
    # datasets has one class for three of these, and sets them apart in words
    if "DatasetNotFoundError" in found:
        found.add("GatedRepoError" if "gated" in texts else
                  "RevisionNotFoundError" if "evision '" in texts else
                  "RepositoryNotFoundError")
    if disk:
        return (f"it cannot be kept on this machine ({disk}): make room, or "
                f"name a folder that may be written in the variable HF_HOME")
    for classes, text in REASONS:
        if found.intersection(classes):
            break
    else:
        return f"{next(iter(names.values()))[0]}; {OTHER}"
    if "damaged" in text and repository:
        folder = "*--" + repository.replace("/", "--")
        text += (f"; delete the folder {folder} of the cache "
                 f"({os.environ.get('HF_HOME', '~/.cache/huggingface')}/hub) "
                 f"and try again")
    return text


def hub_rows(name, split, difficulty=None):
    """Yields (place, index, row) for each row of a task on the Hub.

    The rows of APPS, 1.3 GB in its test split, are fetched as they are asked
    for, by the first of :data:`ROADS` that leads there.  A ``difficulty``
    saves fetching where it can: rows of other levels may still come along.

    Raises ``ConnectionError`` where the Hub cannot be reached or falls silent,
    ``ImportError`` where `datasets` is not installed, and ``ValueError`` where
    the files of APPS hold a problem twice.
    """
    if name == "apps":
        yield from _apps_rows(split, difficulty)
        return
    load_dataset = _library()
    repository, configuration, _ = HUB[name]
    try:
        check_pin(repository, PINS[name])
        rows = load_dataset(repository, configuration, split=split,
                            revision=PINS[name])
    except Exception as error:        # a dozen classes, all mean "not there"
        raise ConnectionError(
            f"cannot load {name} from the Hub ({repository}, "
            f"{PINS[name]}): {reason(error, repository)}; {INSTEAD}"
        ) from None
    for index, row in enumerate(rows):
        yield f"{name} on the Hub, row {index}", index, row


def _library():
    """``load_dataset`` of the package that reads the Hub.

    The judge and pass@k do without that package, so it may be missing.
    """
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise ImportError(f"reading from the Hub needs the package "
                          f"{error.name or 'datasets'}: pip install datasets, "
                          f"{INSTEAD}") from None
    return load_dataset


def check_pin(repository, revision):
    """Raises an error where a data set has no such version.

    Older versions of `datasets` take another one from the cache then, without
    a word.  Without a network the cache is all there is, and is believed.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import RevisionNotFoundError
    if revision != "main":
        try:
            HfApi().dataset_info(repository, revision=revision)
        except RevisionNotFoundError:
            raise
        except Exception:
            pass


def _apps_rows(split, difficulty):
    """Yields (place, index, row) and counts, as far as rows are asked for."""
    files, size, rows = _open_apps(split, difficulty)
    numbers = set()
    while True:
        index = len(numbers)
        try:
            row = next(rows, None)
        except Exception as error:
            raise ConnectionError(
                f"{files} cannot be read on at row {index}: "
                f"{reason(error, 'codeparrot/apps')}; {INSTEAD}") from None
        if row is None:
            break
        number = row.get("problem_id", index)
        if index == size or number in numbers:
            raise ValueError(
                f"{files} should hold {size} problems, each once, and row "
                f"{index} is problem {number} too many; give a downloaded "
                f"JSONL file as path, or take the rows before it by limit")
        numbers.add(number)
        yield f"{files}, row {index}", index, row
    if index < size:
        raise ConnectionError(f"{files} ended after {index} of {size} rows; "
                              f"try again, {INSTEAD}")


def _open_apps(split, difficulty):
    """Files, how many rows they should have, and the rows, by any road."""
    load_dataset = _library()
    # For one level the parquet files come first: by the raw file of the test
    # split, the first introductory problem is a gigabyte away.
    roads = (sorted(ROADS, key=lambda road: "{level}" not in road[1])
             if difficulty else ROADS)
    failures, whys = [], []
    for kind, files in roads:
        level = (difficulty if "{level}" in files else None) or "all"
        if PINS["apps"]:              # in the place of the road's branch
            files = f"@{PINS['apps']}{BRANCH.sub('', files)}"
        files = APPS + files.format(split=split, level=level)
        try:
            rows = iter(load_dataset(kind, data_files=files, split="train",
                                     streaming=True))
            first = next(rows)        # only now something is fetched
        except Exception as error:    # a dozen classes, all mean "not there"
            failures.append(f"{files} ({type(error).__name__})")
            whys.append(reason(error, "codeparrot/apps"))
        else:
            return files, SIZES[split][level], chain([first], rows)
    why = next((w for w in whys if not w.endswith(OTHER)), whys[0])
    raise ConnectionError(f"cannot load apps from the Hub by "
                          f"{', '.join(failures)}: {why}; {INSTEAD}")
