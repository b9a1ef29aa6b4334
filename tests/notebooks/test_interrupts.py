"""A long cell that is stopped and run again ends as if it had not been.

The cells are those of the notebooks, on a real kernel in a copy of the
repository, with a small profile; they are interrupted as Jupyter's stop
button does it, at random points.
"""

import random
import shutil
import time

import nbformat
import pytest

from kernels import Kernel
from rehearse import ROOT, copy_repository

# Notebook: (values of the profile, the cells before, the long one and the
# one that uses what it made).
LONG = {
    "02": ("train_problems=24, train_samples=12",
           "02-004 02-007 02-e1 02-e1c 02-011 02-017 02-e3 02-e3c "
           "02-024", "02-048",
           "02-050"),
    "05": ("epochs=1", "05-004 05-007", "05-031", "05-036"),
}
# What a cell in between imports, which by itself would take long.
IMPORTS = ("from helpers.teachers.checkpoint import load_model\n"
           "from helpers.training import add_lora, train")
STOPS = 3


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return copy_repository(tmp_path_factory.mktemp("interrupts") / "copy")


def sources(number, values):
    path, = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    cells = {cell.id: cell.source for cell in nbformat.read(path, 4).cells}
    return {name: source.replace(
        "profile = get_profile()", f'profile = get_profile("mini", {values})')
        for name, source in cells.items()}


def results(copy):
    """What the cells left, to the byte; verdicts come in any order."""
    return {str(path.relative_to(copy)): path.read_bytes()
            for pattern in ("samples/*.jsonl", "*/adapter_model.safetensors")
            for path in (copy / "runs").rglob(pattern)}


DEEP = """import time
def deeper(n):
    return deeper(n - 1) if n else (print("there"), time.sleep(60))
"""


def test_a_stopped_cell_says_where_in_a_sentence(copy):
    """However deep in libraries it was; and what follows is not run."""
    cells = sources("05", "")
    with Kernel(cwd=str(copy / "notebooks")) as kernel:
        assert kernel.run(cells["05-004"])["error"] == ""
        found = kernel.run(f"{DEEP}\n\ndeeper(100)", stop_at="there")
        assert found["error"] == "KeyboardInterrupt"
        assert found["traceback"] == (
            "KeyboardInterrupt: stopped in line 6, `deeper(100)`. Run the "
            "cell again: what takes long goes on where it was.")
        wrong = kernel.run(f"{DEEP}\n\n1 / 0")
        assert "line 6" in wrong["traceback"]
        assert wrong["error"] == "ZeroDivisionError"


@pytest.mark.parametrize("number", LONG)
def test_a_cell_that_was_stopped_ends_as_without_a_stop(copy, number):
    values, before, long, after = LONG[number]
    cells = sources(number, values)
    with Kernel(cwd=str(copy / "notebooks")) as kernel:

        def run(name, **options):
            found = kernel.run(cells[name], **options)
            assert not found["stderr"], found["stderr"]
            return found["stdout"].rpartition("\r")[2], found["error"]

        def prepare():
            shutil.rmtree(copy / "runs", ignore_errors=True)
            for name in before.split():
                assert run(name)[1] == ""
            kernel.run(IMPORTS)

        prepare()
        began = time.monotonic()
        wanted = [run(long)]
        took = time.monotonic() - began
        wanted += [run(after), results(copy)]
        assert wanted[0][1] == "" and wanted[0][0] and wanted[2]
        rng, stopped = random.Random(number), 0
        while not stopped:           # a machine may be quicker by now
            prepare()
            for _ in range(STOPS):
                _, error = run(long, stop_after=rng.uniform(0, took / 2))
                assert error in ("", "KeyboardInterrupt")
                stopped += bool(error)
            took /= 2
        assert [run(long), run(after), results(copy)] == wanted
