"""Every cell of a notebook under nbval runs twice in a row.

A reader runs a cell again, to see it once more or since it was stopped.  The
second output is that of the first run: what is on stdout, text and HTML; of
figures only that they are there.  A cell tagged ``nbval-ignore-output`` says
another thing each time, a clock or what was left to do, and has to run
through.  The notebooks run in a copy of the repository, so that a reader's
``runs/`` is neither used nor changed.
"""

from functools import partial

from nbval import plugin

from helpers.tools.cleaning import without_bars
from rehearse import ROOT, copy_repository

ANOTHER = "nbval-ignore-output"


def run_twice(cell):
    """What nbval does with a ``cell``, done again; the second run counts too.

    Nothing may be on stderr, which Jupyter shows as a red box.
    """
    runs = []
    for _ in range(2):
        type(cell).runtest(cell)
        red = "".join(output.text for output in cell.test_outputs
                      if output.get("name") == "stderr")
        if red:
            cell.raise_cell_error("This is on stderr, a red box for the "
                                  "reader", red)
        runs.append(cell.test_outputs)
    if ANOTHER not in cell.cell.metadata.get("tags", []) and not (
            cell.compare_outputs(*reversed(runs))):
        cell.raise_cell_error("Run again, the cell says something else",
                              "\n".join(cell.comparison_traceback))


def compare(cell, test, reference, skip=None):
    """nbval's comparison of what a reader sees when the cell has ended."""
    return type(cell).compare_outputs(cell, seen(test), seen(reference), skip)


def seen(outputs):
    """``outputs`` without bars that are gone and the words of figures.

    A figure that is drawn anew reaches nbval as it was at first.
    """
    kept = []
    for output in outputs:
        output = output.copy()
        if "text" in output:
            output.text = without_bars(output.text)
        if "image/png" in output.get("data", {}):
            output.data = {"image/png": ""}
        if output.get("text", "-"):
            kept.append(output)
    return kept


def in_a_copy(notebook, folder):
    """nbval's start of a kernel for ``notebook``; ours in a copy, ``folder``.
    """
    if not notebook.path.is_relative_to(ROOT / "notebooks"):
        return type(notebook).setup(notebook)
    if not (folder / "notebooks").exists():
        copy_repository(folder)
    start, plugin.RunningKernel = plugin.RunningKernel, partial(
        elsewhere, plugin.RunningKernel,
        str(folder / notebook.path.parent.relative_to(ROOT)))
    try:
        type(notebook).setup(notebook)
    finally:
        plugin.RunningKernel = start


def elsewhere(start, folder, name, cwd, **options):
    """A kernel whose working directory is not ``cwd``."""
    return start(name, cwd=folder, **options)
