"""What a run notes down: a row per notebook, and what it depends on."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field, replace

from helpers.tools.files import read_notebook, write_text

_hashes = {}                    # {(path, state): hash of what is in it}


@dataclass(frozen=True)
class Row:
    """One notebook's line in the table: wall seconds, peak megabytes.

    ``status`` is ``done``, ``failed`` or ``stopped``; ``key`` is the hash of
    the code and data that the notebook depends on.  ``files`` are the results
    that were there when it ended, {path from the runs folder: hash of the
    contents}, and ``wrote`` those of them that it wrote.
    """

    notebook: str
    seconds: float
    peak_mb: int
    headline: str
    status: str
    key: str = ""
    files: dict = field(default_factory=dict)
    wrote: tuple = ()


def notebook_key(path, profile, root):
    """Hash of all that the results of the notebook ``path`` depend on.

    That is the profile's name, the helpers and the shipped data under
    ``root``, the studies' runs that were made here, and the code of this
    notebook and of the lessons before it (those of ``more/`` and
    ``evidence/`` come after all lessons); prose does not count.
    """
    digest = hashlib.sha256(profile.encode())
    for folder, pattern in (("helpers", "**/*"), (f"data/{profile}", "**/*"),
                            (f"runs/{profile}/results", "*.jsonl")):
        for file in sorted((root / folder).glob(pattern)):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(root)).encode())
                digest.update(file.read_bytes())
    lessons = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    for other in dict.fromkeys([*lessons, path]):
        if other.name <= path.name:
            cells = read_notebook(other).cells
            code = [c.source for c in cells if c.cell_type == "code"]
            digest.update(json.dumps([other.name, code]).encode())
    return digest.hexdigest()


def results_in(runs):
    """{path: (time of change, bytes)} of the results of the folder ``runs``.

    Paths count from there.  Those of changed profiles of the same name, which
    have folders beside it, belong to it.  What this module writes itself does
    not count, nor the studies' runs, which no notebook writes.
    """
    found = {}
    for folder in (runs, *sorted(runs.parent.glob(f"{runs.name}-*"))):
        for file in folder.rglob("*"):
            inside = file.relative_to(folder)
            if (not inside.name.startswith(".") and file.is_file()
                    and inside.parts[0] not in (
                        "notebooks", "logs", "results", "summary.json")):
                stat = file.stat()
                found[os.path.relpath(file, runs)] = (stat.st_mtime_ns,
                                                      stat.st_size)
    return found


def with_results(row, runs, before, rows):
    """The row of a notebook that has ended, with what its results contain.

    ``before`` is :func:`results_in` of its start.  It wrote what was changed
    since, and what it wrote in its run of then (``rows``) and found again.
    """
    after, old = results_in(runs), rows.get(row.notebook)
    wrote = tuple(sorted(
        name for name, state in after.items() if before.get(name) != state
        or old and name in old.wrote))
    return replace(row, wrote=wrote, files={
        name: _contents(runs / name, state)
        for name, state in sorted(after.items())
        if name in wrote or not name.startswith("..")})


def _contents(path, state):
    """The hash of what a file contains, computed once for each ``state``."""
    known = _hashes.get((path, state))
    if known is None:
        with open(path, "rb") as file:
            known = hashlib.file_digest(file, "sha256").hexdigest()
        _hashes[path, state] = known
    return known


def headline_of(notebook):
    """The last ``HEADLINE: ...`` that a cell printed, or nothing."""
    found = [line for cell in notebook.cells if cell.cell_type == "code"
             for output in cell.get("outputs", [])
             if output.output_type == "stream"
             for line in output.text.splitlines()
             if line.startswith("HEADLINE:")]
    return found[-1].partition(":")[2].strip() if found else ""


def read_summary(runs):
    """The rows of ``summary.json`` in the folder ``runs``, by notebook.

    None of them when the file is not there or not readable: the notebooks are
    then executed again.
    """
    try:
        rows = json.loads((runs / "summary.json").read_text("utf-8"))
        return {row["notebook"]: Row(**{**row, "files": dict(row["files"]),
                                        "wrote": tuple(row["wrote"])})
                for row in rows["notebooks"]}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def write_row(runs, profile, row):
    """Put ``row`` into ``summary.json`` of the folder ``runs``."""
    rows = read_summary(runs) | {row.notebook: row}
    notebooks = [asdict(rows[name]) for name in sorted(rows)]
    text = json.dumps({"profile": profile, "notebooks": notebooks}, indent=1)
    write_text(runs / "summary.json", text + "\n")


def finished_row(rows, name, key, runs):
    """The row of a notebook that need not be executed again, or ``None``.

    That is so when it ended well, nothing that it depends on has changed
    since, and its executed copy and all results of then are still there and
    contain what they did, whoever may have changed them.  Where a later
    notebook writes a file too, what it contains is for that one to say.
    """
    row = rows.get(name)
    if row is None or row.status != "done" or row.key != key:
        return None
    there = results_in(runs)
    later = {file for other in rows.values() if other.notebook > name
             for file in other.wrote}
    if not (runs / "notebooks" / f"{name}.ipynb").is_file():
        return None
    for file, contents in row.files.items():
        if file not in there or file not in later and contents != _contents(
                runs / file, there[file]):
            return None
    return replace(row, status="cached")
