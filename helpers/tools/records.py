"""What a run notes down: a row per notebook, and what it depends on."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace

import nbformat

from helpers.tools.files import write_text


@dataclass(frozen=True)
class Row:
    """One notebook's line in the table: wall seconds, peak megabytes.

    ``status`` is ``done``, ``failed`` or ``stopped``; ``key`` is the hash of
    all that the notebook depends on, ``files`` the results that lay in the
    runs folder when it ended.
    """

    notebook: str
    seconds: float
    peak_mb: int
    headline: str
    status: str
    key: str = ""
    files: tuple = ()


def notebook_key(path, profile, root):
    """Hash of all that the results of the notebook ``path`` depend on.

    That is the profile's name, the helpers and the shipped data under
    ``root``, and the code of this notebook and of those before it; prose does
    not count.
    """
    digest = hashlib.sha256(profile.encode())
    for folder in ("helpers", f"data/{profile}"):
        for file in sorted((root / folder).rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(str(file.relative_to(root)).encode())
                digest.update(file.read_bytes())
    for other in sorted(path.parent.glob("*.ipynb")):
        if other.name <= path.name:
            cells = nbformat.read(other, as_version=4).cells
            code = [c.source for c in cells if c.cell_type == "code"]
            digest.update(json.dumps([other.name, code]).encode())
    return digest.hexdigest()


def results_in(runs):
    """Relative paths of the results under the folder ``runs``.

    What this module writes there itself does not count.
    """
    names = (file.relative_to(runs) for file in runs.rglob("*")
             if file.is_file())
    return tuple(sorted(
        str(name) for name in names
        if name.parts[0] not in ("notebooks", "logs", "summary.json")
        and not name.name.startswith(".")))


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
        return {row["notebook"]: Row(**{**row, "files": tuple(row["files"])})
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
    since, and its executed copy and all results of then are still there.
    """
    row = rows.get(name)
    if row is None or row.status != "done" or row.key != key:
        return None
    files = (f"notebooks/{name}.ipynb", *row.files)
    if not all((runs / file).is_file() for file in files):
        return None
    return replace(row, status="cached")
