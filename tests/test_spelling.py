"""Spelling, by codespell: READMEs, code, and what notebooks say."""

import re
import subprocess
import sys

import nbformat
import pytest

from helpers.profiles import ROOT

# A colour of Okabe and Ito; a class of Python's `ast`; a slip in a test.
NAMES = "vermillion,notin,choise"
PATHS = sorted((ROOT / "notebooks").rglob("*.ipynb"))


def misspelt(*arguments, text=None):
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", "-L", NAMES, *arguments],
        cwd=ROOT, input=text, text=True, capture_output=True)
    assert done.returncode in (0, 65), done.stderr
    return done.stdout.splitlines()


def test_code_and_readmes():
    written = [str(path) for path in ROOT.glob("*.md")]
    assert misspelt("helpers", "tests", *written, *map(str, (
        ROOT / "notebooks").rglob("*.md"))) == []
    assert misspelt("-", text="a sen" + "tance\n")   # it does look


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook(path):
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells)
    assert misspelt("-", text=re.sub(r"\(data:[^)]*\)", "", text)) == []
