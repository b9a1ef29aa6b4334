"""Profiles: which models, data and sizes a run uses, and where it writes.

A profile changes names and sizes, never the code path: every notebook runs
the same cells under each of them.
"""

# So that an older Python gets as far as the sentence that it is too old.
from __future__ import annotations

import hashlib
import json
import math
import operator
import os
import re
from dataclasses import asdict, dataclass, replace
from numbers import Real
from pathlib import Path
from typing import get_type_hints

ROOT = Path(__file__).resolve().parents[1]
COLAB_GIB = 14.5              # what the profile colab is cut to: a T4
_LONGEST = 60                  # characters of a folder's name before its hash


@dataclass(frozen=True)
class Profile:
    """Names and sizes of one run.

    ``teacher`` and ``student`` are folders below the repository or names on
    the Hugging Face Hub (``owner/name@revision`` for one version); a teacher
    may also be a file of recorded samples or an endpoint, with all that is to
    be said of the server (:func:`helpers.teachers.load_teacher`).  Counts are
    problems and samples per problem, lengths are tokens.
    """

    name: str
    dataset: str                  # a name that load_problems knows
    teacher: str
    student: str
    train_problems: int
    test_problems: int
    train_samples: int            # teacher samples per training problem
    test_samples: int             # n of pass@k
    max_new_tokens: int
    sequences: int                # decoded at a time
    epochs: int
    batch_size: int
    learning_rate: float
    lora_rank: int
    temperature: float = 0.6      # EKT, released configuration
    top_p: float = 1.0
    teacher_4bit: bool = False
    teacher_chat: bool = False    # asked through its chat template
    # CodePLAN's part: notebooks 03 and 06.
    plan_dataset: str = "apps"
    plan_difficulty: str | None = None      # of the problems; None: all
    plan_teacher: str = ""
    plan_student: str = ""                  # decoder-only
    plan_student_t5: str = ""               # encoder-decoder
    plan_problems: int = 40       # training problems that plans are asked for
    plan_updates: int = 120       # of the two-task student
    plan_batch: int = 16          # examples of each task in an update
    plan_rate: float = 8e-3
    plan_tokens: int = 96         # most new tokens of a plan or a program
    plan_rows: int = 16           # rows of a batch that fit into memory
    plan_length: int = 1024       # longest row of the training, in tokens

    @property
    def changed(self):
        """{name: value} of what differs from the profile of this name."""
        base = PROFILES.get(self.name, self)
        return {name: value for name, value in asdict(self).items()
                if value != getattr(base, name)}

    @property
    def folder(self):
        """The name of the folder of its results, below ``runs``.

        With ``epochs`` 2 instead of mini's 8 it is ``mini-epochs-2``: other
        settings never write into the results of the profile as it comes.
        Where the values make no short and plain name, a hash stands for them.
        What is said of a server behind the ? of its address, such as a price,
        makes no other results.
        """
        parts, plain = [self.name], True
        changed = {name: value.partition("?")[0] if "://" in str(value)
                   else value for name, value in self.changed.items()}
        for name, value in changed.items():
            said = re.sub(r"[^a-z0-9._]+", "_", str(value).lower())
            plain = plain and len(said) <= 20 and (
                said == value or isinstance(value, (int, float)))
            parts.append(f"{name.replace('_', '-')}-{said[:20]}")
        tag = "-".join(parts)
        if plain and len(tag) <= _LONGEST:
            return tag
        told = hashlib.sha256(json.dumps(changed).encode()).hexdigest()
        return f"{tag[:_LONGEST].rstrip('-._')}-{told[:8]}"

    @property
    def runs(self):
        """The folder of this profile's results, made when asked for.

        That of a changed profile says in ``settings.json`` what it is.
        """
        folder = ROOT / "runs" / self.folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".writable-{os.getpid()}"
            probe.write_text("")
            if self.changed:
                _write_settings(folder / "settings.json", {
                    "profile": self.name, "changed": self.changed,
                    "settings": asdict(self)})
            probe.unlink(missing_ok=True)     # several may look at a time
        except OSError as error:
            raise OSError(
                f"cannot write to {folder.relative_to(ROOT)}: "
                f"{error.strerror}; make it writable or run from a copy of "
                f"the repository that you own") from None
        return folder

    @property
    def shipped(self):
        """The folder of results that the repository brings along."""
        return ROOT / "data" / self.name / "results"


PROFILES = {
    "mini": Profile(
        name="mini", dataset="mini-gsm",
        teacher="data/mini/models/teacher",
        student="data/mini/models/student",
        train_problems=400, test_problems=200,
        train_samples=20, test_samples=100, max_new_tokens=64,
        sequences=400, epochs=8, batch_size=32, learning_rate=4e-3,
        lora_rank=16, plan_dataset="mini-apps",
        plan_teacher="data/mini/models/plan-teacher",
        plan_student="data/mini/models/plan-student",
        plan_student_t5="data/mini/models/plan-student-t5"),
    "colab": Profile(
        name="colab", dataset="gsm8k",
        teacher="Qwen/Qwen2.5-Coder-7B-Instruct",
        student="Qwen/Qwen2.5-Coder-0.5B",
        train_problems=200, test_problems=50,
        train_samples=8, test_samples=20, max_new_tokens=150,
        # Sizes for a T4: python tests/benchmarks/gpu.py --estimate
        sequences=48, epochs=3, batch_size=8, learning_rate=2e-4,
        lora_rank=16, teacher_4bit=True, teacher_chat=True,
        plan_difficulty="introductory",
        plan_teacher="Qwen/Qwen2.5-Coder-7B-Instruct",
        plan_student="Qwen/Qwen2.5-Coder-0.5B",
        plan_student_t5="Salesforce/codet5-base", plan_updates=60,
        plan_rate=2e-4, plan_tokens=256, plan_rows=1, plan_length=1280),
    "paper": Profile(
        name="paper", dataset="gsm8k",
        teacher="EleutherAI/gpt-j-6B",
        student="EleutherAI/gpt-neo-1.3B",
        train_problems=6973, test_problems=1319,
        train_samples=100, test_samples=100, max_new_tokens=150,
        sequences=100, epochs=140, batch_size=32, learning_rate=1e-4,
        lora_rank=16,
        # EKT's smaller student is EleutherAI/gpt-neo-125m.  CodePLAN asked
        # gpt-3.5-turbo, which was shut down in October 2026; in its place
        # stands a model with open weights, on a vLLM server of one's own.
        plan_teacher="http://localhost:8000/v1#Qwen/"
                     "Qwen2.5-Coder-32B-Instruct?concurrency=16",
        plan_student="Salesforce/codegen-350M-mono",
        plan_student_t5="Salesforce/codet5-large-ntp-py",
        plan_problems=5000, plan_updates=1560, plan_batch=32, plan_rate=2e-5,
        plan_tokens=512, plan_rows=1, plan_length=2048),
}


# What a later notebook reads: {name or folder: (the notebook that makes it,
# the settings that it is made with)}.
_ASKED = ("dataset", "teacher", "train_problems", "train_samples",
         "max_new_tokens", "temperature", "top_p", "teacher_4bit",
         "teacher_chat")
_ASKED_HOT = ("dataset", "teacher", "train_problems", "max_new_tokens",
              "teacher_4bit", "teacher_chat")
_PLANNED = ("plan_dataset", "plan_difficulty", "plan_teacher", "plan_problems",
           "plan_tokens", "teacher_4bit", "teacher_chat")
_TRAINED = (*_ASKED, "student", "epochs", "batch_size", "learning_rate",
           "lora_rank")
MADE_WITH = {"samples/teacher-train.jsonl": ("02", _ASKED),
             "samples/teacher-hot.jsonl": ("02", _ASKED_HOT),
             "plans": ("03", _PLANNED), "pairs": ("04", _ASKED),
             "ekt-student": ("05", _TRAINED),
             "counts": ("07", (*_TRAINED, "test_problems", "test_samples"))}
# The lessons that one needs, before it.
_BEFORE = {"04": ("02",), "05": ("02", "04"), "07": ("02", "04", "05")}
# What a teacher wrote is of use to a student with other settings, as long as
# the problems are the same; a student with other settings is another one.
_LENT = ("samples/teacher-train.jsonl", "samples/teacher-hot.jsonl", "plans",
         "pairs")


def get_profile(name=None, **changes):
    """The profile ``name``, or the one the variable ``PROFILE`` names.

    ``changes`` override single values: ``get_profile("mini",
    test_samples=10)``; the results then have a folder of their own
    (:attr:`Profile.folder`).  Without a name and without the variable it is
    ``mini``; ``auto`` is ``colab`` where there is a card with enough memory
    for it, and ``mini`` elsewhere.  Raises ``ValueError`` for an unknown name
    or value, and for a value of the wrong type or out of its range.
    """
    name = name or os.environ.get("PROFILE") or "mini"
    if name == "auto":
        name = "colab" if card_gib() >= COLAB_GIB else "mini"
    if not isinstance(name, str) or name not in PROFILES:
        raise ValueError(f"there is no profile {name!r}; choose one of "
                         f"{', '.join(PROFILES)}, auto")
    kinds = get_type_hints(Profile)
    for value in changes:
        if value not in kinds:
            raise ValueError(f"a profile has no value {value!r} to change; "
                             f"it has {', '.join(kinds)}")
    return replace(PROFILES[name], **{
        key: _checked(key, kinds[key], value)
        for key, value in changes.items()})


def _checked(name, kind, value):
    """``value`` as plain data of the type ``kind``; numpy's numbers too."""
    wanted = {int: "a whole number from 1", float: "a number above 0",
              bool: "True or False", str: "text"}.get(kind, "text or None")
    if name == "temperature":
        wanted = "a number from 0"
    elif name == "top_p":
        wanted = "a number above 0, at most 1"
    try:
        if kind in (int, float):
            found = operator.index(value) if kind is int else float(value)
            least = found >= 0 if name == "temperature" else found > 0
            right = (least and math.isfinite(found)
                     and isinstance(value, Real) and not isinstance(
                         value, bool) and (name != "top_p" or found <= 1))
        elif kind is bool:
            found = bool(value)
            right = type(value).__name__.strip("_") == "bool"
        else:
            found = value if value is None else os.fspath(value)
            right = (found is None and kind is not str) or (
                isinstance(found, str) and found.strip())
    except (TypeError, ValueError, OverflowError):
        right = False
    if not right:
        raise ValueError(f"{name} of a profile is {wanted}, and not "
                         f"{repr(value)[:60]}")
    return found


def _write_settings(path, settings):
    """Write ``settings`` unless they stand there; a kill leaves no half."""
    text = json.dumps(settings, indent=1) + "\n"
    if not path.exists() or path.read_text("utf-8") != text:
        new = path.with_name(f".settings-{os.getpid()}.new")
        new.write_text(text, "utf-8")
        os.replace(new, path)


def card_gib():
    """Memory of the CUDA card in GiB, 0 without one."""
    import torch
    if not torch.cuda.is_available():
        return 0.0
    return torch.cuda.get_device_properties(0).total_memory / 2 ** 30


def find_artefact(profile, name):
    """The file or folder ``name`` of an earlier notebook.

    Introduced in notebook 04.  It is looked for in the folder of
    the profile and then among the results that the repository ships (there
    also gzipped), so that one can start at any notebook.  A changed profile
    looks in its own folder, then in that of the unchanged one, then among
    those shipped; what its changes may have changed comes from there only if
    a teacher wrote it, and a sentence is printed.  The studies' runs are found
    by :func:`helpers.studies.runs.read_study`, a system at a time.  Raises
    ``FileNotFoundError``.
    """
    places = [profile.runs, profile.shipped]
    if profile.changed:
        places.insert(1, ROOT / "runs" / profile.name)
    part = name if name in MADE_WITH else name.partition("/")[0]
    maker, settings = MADE_WITH.get(part, (None, tuple(profile.changed)))
    run = (f"run notebook {maker}" if maker else
           "run the notebook that makes it") + " first"
    if maker and not profile.changed:
        chain = " ".join((*_BEFORE.get(maker, ()), maker))
        run += (f", on this machine; `!cd {{root}} && python -m helpers run "
                f"--profile {profile.name} {chain}` makes all that it needs")
    for folder in places:
        path = next((path for path in (folder / name, folder / f"{name}.gz")
                     if path.exists()), None)
        if path:
            break
    else:
        looked = " nor ".join(f"in {os.path.relpath(place, ROOT)}/"
                              for place in places)
        raise FileNotFoundError(f"{name} is neither {looked}; {run}")
    other = [key for key in profile.changed if key in settings]
    if folder != places[0] and other:
        base = PROFILES[profile.name]
        told = f"{os.path.relpath(path, ROOT)} was made with " + ", ".join(
            f"{key}={getattr(base, key)!r} (here {profile.changed[key]!r})"
            for key in other)
        if part not in _LENT or {"dataset", "plan_dataset"} & {*other}:
            raise FileNotFoundError(f"{told}; {run}, with this profile")
        print(f"{told}; for one of your own {run}, with this profile")
    return path
