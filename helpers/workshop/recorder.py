"""Record a real teacher once, so that a class replays it.

    python -m helpers record FOLDER --profile colab [NOTEBOOK ...]

runs the notebooks that ask a teacher, with a GPU or a key, and keeps all that
the teacher says: a file ``FOLDER/MODEL.jsonl.gz`` for each model, and
``FOLDER/README.md``, a card as data sets on the Hub have it.  Such a file is a
teacher for any profile (:class:`helpers.teachers.recording.Recording`), with
no GPU, no key and no network.  A killed recording goes on with the same
command; one that is finished can be added to.
"""

import argparse
import gzip
import hashlib
import os
import re
import subprocess
import sys
from collections import defaultdict
from datetime import date
from importlib.metadata import version
from pathlib import Path

from helpers.execution import Runner
from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.sampling import read_samples
from helpers.teachers.checkpoint import commit
from helpers.teachers.recording import RECORD_TO, SETTING_NAMES, file_name
from helpers.tools.files import (lines_of, see_that_it_can_be_written,
                                 whole_file, write_text)

ASKING = ("00", "02", "03", "07")         # the lessons that ask a teacher
CARD = "README.md"
RECORDED = "<!-- recorded by python -m helpers record -->"
NO_LICENCE = "not known: ask whoever published the model"
CARD_TEXT = """---
license: {licence}
task_categories:
- text-generation
configs:
- config_name: default
  data_files: "*.jsonl.gz"
---

{mark}

# What a teacher said

Recorded on {date} with `{command}`
and transformers {transformers}. A line is a sample: task, number, settings,
completion, and the hash of its prompt. No prompt and no question is in here.
To replay it, put this folder into the top of the collection, and write into
the set-up cell of a notebook:

```python
profile = get_profile({profile!r}, {changes})
```

| model | asked as | commit | licence | samples | prompts | their hash |
| --- | --- | --- | --- | --- | --- | --- |
{models}

Right are programs that pass all tests; of plans those count that are not
empty. The hash is that of all prompts' hashes, sorted.

| model | what | {told} | prompts | samples | yield, % |
| --- | --- | {dashes} | --- | --- | --- |
{rows}
"""


def main(argv=None):
    """Record, pack and describe; returns the exit code of the run."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers record", description="Run the notebooks that "
        "ask a teacher, and keep what it says in FOLDER, for replaying.")
    parser.add_argument("folder", type=Path, metavar="FOLDER",
                        help="new, empty, or an earlier recording")
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK",
                        default=[],
                        help=f"{' '.join(ASKING)} if none")
    parser.add_argument("--profile", help="mini (the default), colab or paper")
    parser.add_argument("--licence", metavar="TEXT",
                        help="of the models, where the Hub does not say")
    options = parser.parse_args(argv)
    folder = options.folder.resolve()
    try:
        profile = get_profile(options.profile)
        see_that_it_is_ours(folder)
        see_that_it_can_be_written(folder / CARD)
    except (ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    code = subprocess.run(
        [sys.executable, "-m", "helpers", "run", "--profile", profile.name,
         *(options.notebooks or ASKING)], cwd=ROOT,
        env={**os.environ, RECORD_TO: str(folder)}).returncode
    if code == 0:
        try:
            finish_recording(folder, profile, options.licence)
            print(f"recorded: {folder / CARD}")
        except (ValueError, OSError) as error:
            print(f"there is no card yet: {error}", file=sys.stderr)
            code = 1
    if code and folder.exists():
        print(f"what the teacher said so far is kept in {folder}; the same "
              f"command goes on", file=sys.stderr)
    return code


def see_that_it_is_ours(folder):
    """Raises ``ValueError`` for a folder that holds something else."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder")
    for path in folder.iterdir():
        if path.name.startswith("."):     # of the system, or of a kill
            continue
        if path.name == CARD and RECORDED in path.read_text(
                "utf-8", "replace"):
            continue
        if path.name.endswith((".jsonl", ".jsonl.gz")):
            read_samples(path)            # or says what is wrong
            continue
        raise ValueError(f"{folder} holds {path.name}, which is no part of a "
                         f"recording; name a new folder")


def finish_recording(folder, profile, licence=None):
    """Pack what was recorded, and write the card.

    What a notebook took from the caches of an earlier run was not said now,
    and is added from there.  Raises ``ValueError`` for a file of the folder
    that holds something else; then nothing is changed.
    """
    said = {path.name.partition(".jsonl")[0]: {}
            for path in folder.glob("*.jsonl*")}
    recorded = [folder / f"{name}{end}" for name in sorted(said)
                for end in (".jsonl.gz", ".jsonl")]
    for samples in [*map(read_samples, filter(Path.exists, recorded)),
                    *map(samples_in, caches(profile))]:
        for one in samples:
            if (name := file_name(one.model)) in said:
                said[name].setdefault(key_of(one), one)
    found = {name: [kept[key] for key in sorted(kept)]
             for name, kept in sorted(said.items()) if kept}
    for name, samples in found.items():
        with whole_file(folder / f"{name}.jsonl.gz") as file:
            file.write(gzip.compress(lines_of(samples).encode(), mtime=0))
        (folder / f"{name}.jsonl").unlink(missing_ok=True)
    asked = {name: sources_of(profile, name) for name in found}
    write_text(folder / CARD, card(folder, profile, found, asked, licence))


def key_of(one):
    """What a sample is known by; the order of a recording."""
    return *one.told, one.task_id, one.prompt_hash, one.sample_index


def caches(profile):
    """The files below the profile's results that may hold samples.

    A profile without results gets no folder for them by this.
    """
    return sorted(path for path in (ROOT / "runs" / profile.folder).rglob(
        "*.jsonl") if path.name != "verdicts.jsonl")


def samples_in(path):
    """The samples in a file; none if it holds something else."""
    try:
        return read_samples(path)
    except ValueError:
        return []


def sources_of(profile, name):
    """(as what a model was asked, its commit) for the name of its file."""
    for asked in dict.fromkeys((profile.teacher, profile.plan_teacher)):
        bare = asked.partition("?")[0]
        last = file_name(bare.rpartition("#")[2] if "://" in asked
                         else Path(bare.partition("@")[0]).name)
        if name.partition("@")[0] == last:
            source, _, revision = bare.partition("@")
            there = "" if "://" in bare else commit(source, revision)
            return bare, (there if re.fullmatch(r"[0-9a-f]{40}", there)
                          else "-")
    return "-", "-"


# ------------------------------------------------------------------- the card

def card(folder, profile, found, asked, licence=None):
    """The text of the card.  ``found``: {name of a file: its samples}."""
    changes = {role: f"{folder.name}/{name}.jsonl.gz"
               for role in ("teacher", "plan_teacher") for name in found
               if asked[name][0] == getattr(profile, role).partition("?")[0]}
    models, rows = [], []
    for name, samples in found.items():
        hashes = sorted({one.prompt_hash for one in samples})
        source, at = asked[name]
        models.append((samples[0].model, f"`{source}`", at,
                       licence or licence_of(source), len(samples),
                       len(hashes), hashlib.sha256(
                           "".join(hashes).encode()).hexdigest()[:12]))
        rows += [(samples[0].model, *row)
                 for row in yields(profile, samples)]
    licences = {row[3] for row in models}
    return CARD_TEXT.format(
        mark=RECORDED, licence="other" if len(licences) > 1
        or NO_LICENCE in licences else licences.pop(),
        date=f"{date.today():%d %B %Y}",
        command=f"python -m helpers record {folder.name} --profile "
                f"{profile.name}", transformers=version("transformers"),
        profile=profile.name, changes=", ".join(
            f"{role}={path!r}" for role, path in changes.items()),
        models="\n".join(map(row_of, models)), told=" | ".join(SETTING_NAMES),
        dashes=" | ".join("---" for _ in SETTING_NAMES),
        rows="\n".join(map(row_of, rows)))


def row_of(cells):
    return f"| {' | '.join(map(str, cells))} |"


def kind_of(one, by_id):
    """What a sample is, by the form of its ``task_id``."""
    task, *rest = one.task_id.split("#")
    if task not in by_id:
        return "of other questions"
    kind = {2: "plans", 3: "programs of plans"}.get(len(rest), "programs")
    return f"{kind}, {rest[0]}" if rest else kind


def yields(profile, samples):
    """Rows of the card: what, its settings, prompts, samples, yield in %."""
    # A split that was not asked about, APPS' test set say, is not fetched.
    asked = {tuple(one.task_id.split("/")[:2]) for one in samples}
    by_id = {p.task_id: p for name, difficulty in (
        (profile.dataset, None), (profile.plan_dataset,
                                  profile.plan_difficulty))
        for split in ("train", "dev", "test") if (name, split) in asked
        for p in load_problems(name, split, difficulty=difficulty)}
    groups = defaultdict(list)
    for one in samples:
        groups[kind_of(one, by_id), one.told].append(one)
    with Runner() as runner:
        for (kind, told), some in sorted(groups.items()):
            yield (kind, *told, len({one.task_id for one in some}), len(some),
                   useful(runner, by_id, kind, some))


def useful(runner, by_id, kind, samples):
    """How many of the samples are of use, in percent; "-" if unknown."""
    if kind.startswith("of other"):
        return "-"
    if kind.startswith("plans"):
        good = [bool(one.completion.strip()) for one in samples]
    else:
        good = [verdict.status == "passed" for verdict in runner.judge_many(
            [(by_id[one.task_id.partition("#")[0]], one.completion)
             for one in samples], progress=False)]
    return f"{100 * sum(good) / len(good):.1f}"


def licence_of(source):
    """The licence that the Hub has for a model, or that it is not known."""
    try:
        from huggingface_hub import model_info
        found = model_info(source.partition("@")[0]).card_data
        return (found or {}).get("license") or NO_LICENCE
    except Exception:           # a folder, a server, no network: many classes
        return NO_LICENCE
