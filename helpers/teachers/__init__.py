"""Any teacher by its name.
"""

import os

from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.teachers.address import read_address

try:
    from helpers.teachers.checkpoint import load_model
    from helpers.teachers.endpoint import Endpoint
    from helpers.teachers.recording import (RECORD_TO, Recording,
                                            keep_answers)
except ModuleNotFoundError as error:      # the judge does without these
    if (error.name or "helpers").startswith("helpers"):
        raise
    raise ImportError(f"a teacher needs the package {error.name}: pip install "
                      f"'.[notebooks]' in the repository") from None


READABLE = "data/mini/models/teacher"       # ships with the collection
SHELLS = ("Ann starts with 12 shells. On Monday Ann loses 3. On Tuesday Ann "
            "doubles them. How many shells does Ann have in the end?")


def load_teacher(name, four_bit=False, chat=False):
    """The teacher ``name``: a server, a recording or a checkpoint.

    ``"https://host/v1#model"`` is an
    :class:`~helpers.teachers.endpoint.Endpoint`, with options behind a ? (see
    :mod:`helpers.teachers.address`), a name that ends in
    ``.jsonl`` or ``.jsonl.gz`` a
    :class:`~helpers.teachers.recording.Recording`, anything else is for
    :func:`helpers.teachers.checkpoint.load_model`, and only that looks at
    ``four_bit`` and ``chat``.  While ``python -m helpers record`` runs, what
    a server or a checkpoint says is written down.  Raises
    ``FileNotFoundError`` or ``ValueError`` with what is wrong about the name.
    Introduced in notebook 08.
    """
    if not isinstance(name, (str, os.PathLike)) or not str(name).strip():
        raise ValueError(f"a teacher's name is a text: a folder, a model of "
                         f"the Hub, a recording or https://host/v1#model, "
                         f"not {name!r:.60}")
    name = str(name)
    if name.endswith((".jsonl", ".jsonl.gz")) and "://" not in name:
        return Recording(name)
    if "://" in name:
        url, model, options = read_address(name)
        teacher = Endpoint(url, model, **options)
    else:
        teacher = load_model(name, four_bit=four_bit, chat=chat)
    folder = os.environ.get(RECORD_TO)
    return keep_answers(teacher, folder) if folder else teacher


def has_weights(teacher):
    """Whether a teacher's probabilities can be read: it is a checkpoint.

    Introduced in notebook M5.
    """
    return not isinstance(teacher, (Endpoint, Recording))


def with_weights(teacher, prompt):
    """(checkpoint, prompt) for a step that reads probabilities of tokens.

    A checkpoint comes back as it is, with its ``prompt``.  A server or a
    recording has texts alone: in its place comes the teacher of the mini
    world, which ships, with a question of its world, and a sentence is
    printed.  Introduced in notebook 02.
    """
    if has_weights(teacher):
        return teacher, prompt
    print(f"{teacher.name} gives texts, no probabilities of tokens: where a "
          f"step reads weights, you see the mini world's teacher")
    return load_model(READABLE), few_shot_prompt(SHELLS, EXEMPLARS["mini-gsm"])
