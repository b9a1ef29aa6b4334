"""The files of the studies: JSON lines, a run a line.

A line begins with the system's ``name`` and the ``seed`` of the run (where a
learning rate is chosen, also the ``rate``), then ``made_with``: models with
a fingerprint of their weights, and a fingerprint of the problems; then the
settings, ``rival``, what came out, and ``ran``: command, commit, versions,
machine and date (:mod:`helpers.workshop.provenance`, also on runs older than
that record).  All lines of a file have the same fields, null where a run has
nothing to say, so that it is a table:

    pandas.read_json("data/mini/results/ekt.jsonl", lines=True)
    datasets.load_dataset("json", data_files="data/mini/results/ekt.jsonl")

``python -m helpers rivals`` writes them (:mod:`helpers.workshop.campaign`).
"""

import json
from functools import lru_cache

from helpers.studies import codeplan, dial, ekt
from helpers.tools.files import write_text

# The systems of each study, in the order of its file.
STUDIES = {
    "ekt": tuple(ekt.RIVALS),
    "codeplan": tuple(codeplan.RIVALS),
    "plans": tuple(f"plans-{name}" for name in
                   (codeplan.NO_PLAN, *codeplan.ASKED)),
    "learning-rates": tuple(f"dev-{rival.name}" for rival in
                            (*ekt.TUNED, *codeplan.TUNED, *dial.TUNED)),
    "dial": tuple(learner.name for learner in (
        *dial.learners(), *(learner for learner, _ in dial.further()))),
    "yield": tuple(f"yield-{t}" for t in ekt.TEMPERATURES)}


def which(row):
    """What tells a run from the others of its system."""
    return row.get("rate", 0.0), row["seed"]


def in_order(study, rows):
    """The lines in the order of the study's systems, then by their seeds."""
    names = [*STUDIES[study], *sorted({row["name"] for row in rows})]
    return sorted(rows, key=lambda row: (names.index(row["name"]),
                                         which(row)))


def read_lines(path):
    """The lines of a file of runs, without their nulls; none of no file.

    Raises ``ValueError`` naming the line that is no run.
    """
    if not path.exists():
        return []
    return list(rows_of(path.read_text("utf-8"), path.name))


@lru_cache(maxsize=8)         # a notebook asks for the systems one by one
def rows_of(text, name):
    """The runs in the ``text`` of the file ``name``, not to be changed."""
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            row = without_nulls(json.loads(line))
            which(row), row["name"]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise ValueError(
                f"line {number} of {name} is no run: {line[:60]!r}; "
                f"delete that line and run what is missing with `python -m "
                f"helpers rivals`") from None
        rows.append(row)
    return tuple(rows)


def write_lines(path, rows):
    """Write the lines of a study; the file is whole or the old one."""
    write_text(path, lines_text(path.stem, rows))


def lines_text(study, rows):
    """The text of the file of a study that has these lines."""
    return "".join(json.dumps(row) + "\n"
                   for row in filled(in_order(study, rows)))


def without_nulls(value):
    """A line with those fields alone that a run has something to say to."""
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(part) for key, part in value.items()
            if part is not None}


def filled(rows):
    """The lines with the same fields each, also within their fields."""
    keys = dict.fromkeys(key for row in rows for key in row)
    rows = [{key: row.get(key) for key in keys} for row in rows]
    for key in keys:
        inside = [row for row in rows if isinstance(row[key], dict)]
        for row, whole in zip(inside, filled([row[key] for row in inside])):
            row[key] = whole
    return rows


def read_study(profile, study):
    """The lines of a study: those of ``runs/`` before those shipped.

    That is settled for a whole system at a time.  Who has run one anew has all
    its runs from ``runs/<profile>/results/``, be they fewer, and those of all
    other systems as they were shipped; runs of one system from two places are
    never mixed.  Raises ``ValueError`` as :func:`read_lines`.
    """
    found = {}
    for folder in (profile.shipped, profile.runs / "results"):
        here = {}
        for row in read_lines(folder / f"{study}.jsonl"):
            here.setdefault(row["name"], []).append(row)
        found |= here
    return in_order(study, [row for rows in found.values() for row in rows])
