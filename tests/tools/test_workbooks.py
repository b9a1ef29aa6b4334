"""Copies of the notebooks to work in: nobody's work is overwritten."""

import datetime
import re

import nbformat
import pytest

from helpers import __main__ as cli, profiles
from helpers.tools import workbooks

HERE = profiles.ROOT
TODAY = datetime.date.today().isoformat()


@pytest.fixture
def root(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    for name in ("00_a", "05_b"):
        (tmp_path / "notebooks" / f"{name}.ipynb").write_text(name)
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    return tmp_path


def command(*argv):
    return cli.main(["workbooks", *argv])


def work(root):
    return {path.name: path.read_text()
            for path in sorted((root / "work").glob("*.ipynb"))}


def test_missing_copies_are_made_and_a_learner_s_stay(root, capsys):
    assert command() == 0
    assert "in work/: 2 new." in capsys.readouterr().out
    assert work(root) == {"00_a.ipynb": "00_a", "05_b.ipynb": "05_b"}
    (root / "work" / "05_b.ipynb").write_text("my answer")
    (root / "work" / "my_own.ipynb").write_text("mine")
    for name in ("00_a", "05_b"):                # the collection is updated
        (root / "notebooks" / f"{name}.ipynb").write_text(f"{name} 2")
    before = {path: path.read_bytes()
              for path in (root / "notebooks").iterdir()}
    for said in ("1 new, 1 yours", "1 as they were, 1 yours"):
        assert command() == 0
        assert said in capsys.readouterr().out
        assert work(root) == {"00_a.ipynb": "00_a 2", "my_own.ipynb": "mine",
                              "05_b.ipynb": "my answer"}
    assert before == {path: path.read_bytes() for path in before}


def test_a_copy_asks_no_other_host_for_a_picture(root):
    """Offline it would be a broken one; its words lead to Colab as it does."""
    source = HERE / "notebooks" / "00_start_here.ipynb"
    (root / "notebooks" / source.name).write_bytes(source.read_bytes())
    assert command() == 0
    first, *rest = nbformat.read(root / "work" / source.name, 4).cells
    before = nbformat.read(source, 4).cells
    assert rest == before[1:] and before[0].source.count("![") == 1
    assert "![" not in first.source
    link, = re.findall(r"\[Open notebook 00 in Colab\](\(.*?\))",
                       first.source)
    assert link in before[0].source and "assets" not in link


def test_what_is_in_a_folder_is_copied_into_one(root, capsys):
    (root / "notebooks" / "more").mkdir()
    deeper = root / "notebooks" / "more" / "M1_c.ipynb"
    deeper.write_text("M1")
    assert command() == 0
    mine = root / "work" / "more" / "M1_c.ipynb"
    assert mine.read_text() == "M1"
    deeper.write_text("M1, second edition")
    assert command() == 0 and mine.read_text() == "M1, second edition"
    mine.write_text("my answer")
    assert command() == 0 and mine.read_text() == "my answer"
    assert command("--reset", "M1") == 0
    assert f"yours is work/more/M1_c.{TODAY}.ipynb" in capsys.readouterr().out
    assert mine.read_text() == "M1, second edition"
    mine.unlink()
    mine.parent.rename(root / "work" / "yours")
    mine.parent.write_text("a file in its place")
    assert command() == 2
    assert "cannot make the folder work/more" in capsys.readouterr().err


@pytest.mark.parametrize("note", ["", "[", "[]", '{"05_b.ipynb": 1}', None])
def test_without_its_note_everything_counts_as_the_learner_s(root, note):
    command()
    (root / "work" / workbooks.NOTE).unlink()
    if note is not None:
        (root / "work" / workbooks.NOTE).write_text(note)
    (root / "notebooks" / "05_b.ipynb").write_text("another")
    assert command() == 0
    assert work(root)["05_b.ipynb"] == "05_b"


def test_a_fresh_copy_keeps_what_was_there_under_another_name(root, capsys):
    command()
    for number, more in enumerate(("", "-2", "-3")):
        (root / "work" / "05_b.ipynb").write_text(f"answer {number}")
        capsys.readouterr()
        assert command("--reset", "05") == 0
        kept = f"05_b.{TODAY}{more}.ipynb"
        assert kept in capsys.readouterr().out
        assert work(root)["05_b.ipynb"] == "05_b"
        assert work(root)[kept] == f"answer {number}"
    assert command("--reset", "05_b", "00") == 0       # nothing to be done
    assert capsys.readouterr().out.count("as it came") == 2
    assert len(work(root)) == 5
    (root / "work" / "00_a.ipynb").unlink()
    assert command("--reset", "0") == 0
    assert work(root)["00_a.ipynb"] == "00_a"


@pytest.mark.parametrize("argv, said", [
    (["--reset"], "say which notebook"), (["--reset", "77"], "77")])
def test_what_is_not_clear_is_refused_in_a_sentence(root, capsys, argv, said):
    command()
    before = work(root)
    assert command(*argv) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
    assert work(root) == before


def test_what_is_no_notebook_is_left_alone(root, capsys):
    (root / "work").write_text("a file")
    assert command() == 2
    assert "cannot make the folder work/" in capsys.readouterr().err
    (root / "work").unlink()
    (root / "work").mkdir()
    (root / "work" / "05_b.ipynb").symlink_to(root / "somewhere.ipynb")
    for argv in ([], ["--reset", "05"]):
        assert command(*argv) == 2
        assert "leads nowhere" in capsys.readouterr().err
    assert not (root / "somewhere.ipynb").exists()


def test_links_to_another_disk_are_followed_and_never_replaced(root, capsys):
    (root / "disk").mkdir()
    (root / "work").symlink_to(root / "disk")
    assert command() == 0
    elsewhere, link = root / "elsewhere.ipynb", root / "work" / "05_b.ipynb"
    for text in (link.read_bytes(), b"mine"):
        elsewhere.write_bytes(text)
        link.unlink()
        link.symlink_to(elsewhere)
        assert command() == 0 and "1 yours" in capsys.readouterr().out
        assert link.is_symlink() and elsewhere.read_bytes() == text
        assert command("--reset", "05") == 0
        assert not link.is_symlink() and elsewhere.read_bytes() == text
    assert (root / "work").is_symlink()


def test_a_folder_that_cannot_be_written_is_told(root, capsys):
    command()
    before = work(root)
    (root / "notebooks" / "00_a.ipynb").write_text("another")
    # A folder in the note's place: also the system's root cannot write it.
    (root / "work" / workbooks.NOTE).unlink()
    (root / "work" / workbooks.NOTE).mkdir()
    capsys.readouterr()
    assert command("--reset", "00") == 2
    err = capsys.readouterr().err
    assert err.startswith("cannot write ") and "Errno" not in err
    assert workbooks.NOTE in err and err.count("\n") == 1
    assert work(root) == before          # under its own name, too


def test_help_makes_nothing(root, capsys):
    with pytest.raises(SystemExit) as end:
        command("--help")
    assert end.value.code == 0 and "--reset" in capsys.readouterr().out
    assert not (root / "work").exists()


def test_the_first_cell_finds_the_collection_from_the_copies(
        tmp_path, monkeypatch):
    """It looks through the folders above, before where Python looks."""
    path = profiles.ROOT / "notebooks" / "00_start_here.ipynb"
    source = next(cell.source for cell in nbformat.read(path, 4).cells
                  if "prepare(profile)" in cell.source)
    (tmp_path / "helpers").mkdir()
    (tmp_path / "helpers" / "session.py").touch()
    (tmp_path / workbooks.FOLDER).mkdir()
    monkeypatch.chdir(tmp_path / workbooks.FOLDER)
    space = {}
    exec(source.partition("# 2.")[0], space)
    assert space["found"][0] == str(tmp_path)


def test_git_does_not_look_at_the_copies():
    lines = (profiles.ROOT / ".gitignore").read_text().splitlines()
    assert f"{workbooks.FOLDER}/" in lines
