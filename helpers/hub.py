"""Where the tasks live on the Hugging Face Hub, and three roads to APPS.

Used by ``helpers.problems``.  Introduced in notebook 03, section 9.
"""

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
# APPS comes with a loading script, which `datasets` >= 4 refuses; these
# files are read in its place.  A {level} may be "all".  Without that folder
# the parquet files have every problem twice, in "all" and in its level.
APPS = "hf://datasets/codeparrot/apps"
ROADS = (("json", "/{split}.jsonl"),
         ("parquet", "@refs/convert/parquet/{level}/{split}/*.parquet"),
         ("parquet", "@refs/pr/5/{level}/{split}-*.parquet"))
SIZES = {"train": {"all": 5000, "introductory": 2639, "interview": 2000,
                   "competition": 361},
         "test": {"all": 5000, "introductory": 1000, "interview": 3000,
                  "competition": 1000}}
INSTEAD = ("check the network or a proxy, or give a downloaded JSONL file "
           "as path")


def hub_rows(name, split, difficulty=None):
    """Yields (place, index, row) for each row of a task on the Hub.

    The rows of APPS, 1.3 GB in its test split, are fetched as they are asked
    for, by the first of :data:`ROADS` that leads there.  A ``difficulty``
    saves fetching where it can: rows of other levels may still come along.

    Raises ``ConnectionError`` where the Hub cannot be reached or falls
    silent, and ``ValueError`` where the files of APPS hold a problem twice.
    Introduced in notebook 03, section 9.
    """
    if name == "apps":
        yield from _apps_rows(split, difficulty)
        return
    from datasets import load_dataset
    repository, configuration, _ = HUB[name]
    try:
        rows = load_dataset(repository, configuration, split=split)
    except Exception as error:        # a dozen classes, all mean "not there"
        raise ConnectionError(
            f"cannot load {name} from the Hub ({type(error).__name__}); "
            f"{INSTEAD}") from None
    for index, row in enumerate(rows):
        yield f"{name} on the Hub, row {index}", index, row


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
                f"{files} cannot be read on at row {index} "
                f"({type(error).__name__}); {INSTEAD}") from None
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
                              f"{INSTEAD}")


def _open_apps(split, difficulty):
    """Files, how many rows they should have, and the rows, by any road."""
    from datasets import load_dataset
    # For one level the parquet files come first: by the raw file of the test
    # split, the first introductory problem is a gigabyte away.
    roads = (sorted(ROADS, key=lambda road: "{level}" not in road[1])
             if difficulty else ROADS)
    failures = []
    for kind, files in roads:
        level = (difficulty if "{level}" in files else None) or "all"
        files = APPS + files.format(split=split, level=level)
        try:
            rows = iter(load_dataset(kind, data_files=files, split="train",
                                     streaming=True))
            first = next(rows)        # only now something is fetched
        except Exception as error:    # a dozen classes, all mean "not there"
            failures.append(f"{files} ({type(error).__name__})")
        else:
            return files, SIZES[split][level], chain([first], rows)
    raise ConnectionError(f"cannot load apps from the Hub by "
                          f"{', '.join(failures)}; {INSTEAD}")
