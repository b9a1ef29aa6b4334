"""The rehearsal of the colab profile works; all of it takes minutes, so here
it is notebook 00 alone, with stand-ins that were taught nothing."""

import json
import re

import nbformat
import pytest

import rehearse
from test_lint import PATHS

MODELS = ("Qwen/Qwen2.5-Coder-7B-Instruct", "Qwen/Qwen2.5-Coder-0.5B")


def test_a_notebook_runs_in_the_colab_profile(tmp_path):
    def lay(folder):
        import standin_data
        import standins
        for name in MODELS:
            standins.build(standins.NAMES[name],
                           folder / "models" / name / "main")
        standin_data.lay_data(folder, gsm=(4, 4), apps=50)
    code, refused = rehearse.rehearse(tmp_path, ["00"], lay=lay)
    assert (code, refused) == (0, [])
    runs = tmp_path / "copy" / "runs" / "colab"
    row, = json.loads((runs / "summary.json").read_text())["notebooks"]
    assert row["status"] == "done" and "of 8 programs" in row["headline"]
    text = (runs / "notebooks" / "00_start_here.ipynb").read_text()
    assert MODELS[0] in text            # it said which teacher it loaded
    assert rehearse.empty_rows(
        runs / "notebooks" / "00_start_here.ipynb") == []
    fetched = list((tmp_path / "client" / "hub").glob("models--*"))
    assert [path.name for path in fetched] == [
        "models--" + MODELS[0].replace("/", "--")]


@pytest.mark.parametrize("text, empty", [
    ("filter  pairs  lost\n------  -----  ----\n", True),
    ("filter  pairs  lost\n------  -----  ----\nEKT         0     -\n", True),
    ("filter  pairs  lost\n------  -----  ----\nEKT        47     0\n",
     False),
    ("plans\nname  share\n----  -----\nA      0.0 %\nB      0.00\n", True),
    ("a  b\n-  -\n1  0\n\na  b\n-  -\n1  2\n", True),
    ("name  says\n----  ----\nA     none kept\n", False),
    ("0 of 0 kept programs do not keep up\n", True),
    ("10 of 10 plans\n", False), ("0 of 8 programs\n", False),
    ("pairs\n(no rows)\n", True), ("mean nan\n", True)])
def test_rows_that_say_nothing_are_found(text, empty, tmp_path):
    cell = nbformat.v4.new_code_cell("", outputs=[
        nbformat.v4.new_output("stream", name="stdout", text=text)])
    path = tmp_path / "one.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    assert bool(rehearse.empty_rows(path)) == empty


SHIPPED = re.compile(r"you skipped|brings along|\bship(s|ped)?\b",
                     re.IGNORECASE)


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem[:2])
def test_what_ships_is_said_to_be_of_the_mini_world(path):
    """Nothing of colab or paper ships, so no sentence may promise it."""
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            for text in re.split(r"\n\n|(?<=[.:;]) (?=[A-Z])", re.sub(
                    r"(?<!\n)\n(?!\n)", " ", cell.source)):
                assert not SHIPPED.search(text) or "mini" in text, text
