"""Profiles: which models, data and sizes a run uses, and where it writes.

A profile changes names and sizes, never the code path: every notebook runs
the same cells under each of them.
"""

# So that an older Python gets as far as the sentence that it is too old.
from __future__ import annotations

import os
from dataclasses import dataclass, fields, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLAB_GIB = 14.5              # what the profile colab is cut to: a T4


@dataclass(frozen=True)
class Profile:
    """Names and sizes of one run.

    ``teacher`` and ``student`` are folders below the repository or names on
    the Hugging Face Hub (``owner/name@revision`` for one version); a teacher
    may also be a file of recorded samples or an endpoint
    (:func:`helpers.teachers.load_teacher`).  Counts are problems and samples
    per problem, lengths are tokens.
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
    def runs(self):
        """The folder of this profile's results, made when asked for."""
        folder = ROOT / "runs" / self.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".writable-{os.getpid()}"
            probe.write_text("")
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
        plan_rate=2e-4, plan_tokens=256, plan_rows=1),
    "paper": Profile(
        name="paper", dataset="gsm8k",
        teacher="EleutherAI/gpt-j-6B",
        student="EleutherAI/gpt-neo-1.3B",
        train_problems=6973, test_problems=1319,
        train_samples=100, test_samples=100, max_new_tokens=150,
        sequences=100, epochs=140, batch_size=32, learning_rate=1e-4,
        lora_rank=16,
        # EKT's smaller student is EleutherAI/gpt-neo-125m; CodePLAN's
        # teacher has no weights to load, and asks for a key and for money.
        plan_teacher="https://api.openai.com/v1#gpt-3.5-turbo",
        plan_student="Salesforce/codegen-350M-mono",
        plan_student_t5="Salesforce/codet5-large-ntp-py",
        plan_problems=5000, plan_updates=1560, plan_batch=32, plan_rate=2e-5,
        plan_tokens=512, plan_rows=1, plan_length=2048),
}


def get_profile(name=None, **changes):
    """The profile ``name``, or the one the variable ``PROFILE`` names.

    ``changes`` override single values: ``get_profile("mini",
    test_samples=10)``.  Without a name and without the variable it is
    ``mini``; ``auto`` is ``colab`` where there is a card with enough memory
    for it, and ``mini`` elsewhere.  Raises ``ValueError`` for an unknown name
    or value.
    """
    name = name or os.environ.get("PROFILE") or "mini"
    if name == "auto":
        name = "colab" if card_gib() >= COLAB_GIB else "mini"
    if name not in PROFILES:
        raise ValueError(f"there is no profile {name!r}; choose one of "
                         f"{', '.join(PROFILES)}, auto")
    known = [field.name for field in fields(Profile)]
    for value in changes:
        if value not in known:
            raise ValueError(f"a profile has no value {value!r} to change; "
                             f"it has {', '.join(known)}")
    return replace(PROFILES[name], **changes)


def card_gib():
    """Memory of the CUDA card in GiB, 0 without one."""
    import torch
    if not torch.cuda.is_available():
        return 0.0
    return torch.cuda.get_device_properties(0).total_memory / 2 ** 30


def find_artefact(profile, name):
    """The file or folder ``name`` of an earlier notebook.

    Introduced in notebook 04, section 1.  It is looked for in
    ``runs/<profile>/`` and then among the results that the repository ships
    (there also gzipped), so that one can start at any notebook.  The studies'
    runs are found by :func:`helpers.studies.runs.read_study`, a system at a
    time.  Raises ``FileNotFoundError``.
    """
    for folder in (profile.runs, profile.shipped):
        for path in (folder / name, folder / f"{name}.gz"):
            if path.exists():
                return path
    raise FileNotFoundError(
        f"{name} is neither in runs/{profile.name}/ nor shipped in "
        f"data/{profile.name}/results/; run the notebook that makes it "
        f"first (the README lists which)")
