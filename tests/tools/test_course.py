"""One list of the notebooks, and what is generated from it."""

import errno
import os

import nbformat
import pytest

from helpers.profiles import ROOT
from helpers.tools import course, reading, stamping

new = nbformat.v4


def test_the_files_are_as_the_list_says():
    """`python -m helpers course` would change nothing."""
    for path, text in course.generated().items():
        assert path.read_text("utf-8") == text, (
            f"{path.name}: run `python -m helpers course`")


@pytest.mark.parametrize("one", course.NOTEBOOKS, ids=lambda one: one.number)
def test_the_title_is_that_of_the_list(one):
    cells = nbformat.read(course.path_of(one), 4).cells
    assert cells[0].source.splitlines()[0] == f"# {one.number} {one.title}"


def test_minutes_by_hand():
    """300 words, 3 code lines, 4 printed ones, a figure: 2 min, 21, 12, 60 s;
    folds, comments and what is fenced are nothing."""
    picture = new.new_output("display_data", {"image/png": "", "text/plain": (
        "a\nb")})
    cells = [
        new.new_markdown_cell("word " * 300 + "<!-- a b c -->\n```\nx\n```"
                              "<details><summary>Hint</summary>b</details>"),
        new.new_code_cell("a = 1\n\nb = 2\nc", outputs=[
            new.new_output("stream", text="1\n2\n3\n4\n"), picture])]
    assert reading.reading_minutes(cells) == pytest.approx(2 + 93 / 60)
    assert reading.doing_minutes(cells) == 0


def lesson():
    return new.new_notebook(cells=[
        new.new_markdown_cell("# 04 Title\n<!-- minutes -->?"
                              "<!-- /minutes -->"),
        new.new_markdown_cell("## 1. First\n\n*About ? minutes.*\n"
                              + "word " * 450),
        new.new_markdown_cell("**Exercise 1.** *Difficulty 3 of 5, core.*"),
        new.new_markdown_cell("## 2. Second\n\n*About 77 minutes.*"),
    ])


def test_minutes_are_written_where_they_belong_and_twice_is_once():
    notebook = lesson()
    for _ in range(2):
        course.with_minutes(notebook)
        header, first, exercise, second = (
            cell.source for cell in notebook.cells)
        assert header.endswith("<!-- minutes -->15 minutes: 5 to read, 10 for "
                               "the exercises<!-- /minutes -->")
        assert "*About 13 minutes.*" in first
        assert "*Difficulty 3 of 5, core, 10 minutes.*" in exercise
        assert "*About 1 minute.*" in second


@pytest.mark.parametrize("module, made", [
    (course, "generated"), (stamping, "stamped")])
def test_all_files_are_written_or_none(module, made, tmp_path, monkeypatch,
                                       capsys):
    texts = {tmp_path / name: "new" for name in ("a", "b", "c")}
    for path in texts:
        path.write_text("old")
    monkeypatch.setattr(module, made, lambda _: texts)
    calls = []

    def full(file):
        calls.append(file)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    assert module.main([], tmp_path) == 2
    told = capsys.readouterr().err
    assert "cannot write" in told and told.count("\n") == 1
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a": "old", "b": "old", "c": "old"}


def test_a_notebook_that_is_not_listed_is_named(tmp_path):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "99_odd.ipynb").write_text("")
    with pytest.raises(ValueError, match="99_odd"):
        course.generated(tmp_path)


def test_what_was_measured_stays_where_the_measures_are_not(tmp_path):
    """In a learner's bundle, say, which has no benchmarks."""
    for name in ("README.md", "notebooks"):
        (tmp_path / name).symlink_to(ROOT / name)
    texts = course.generated(tmp_path)
    assert {path.relative_to(tmp_path): text for path, text in texts.items()
            } == {path.relative_to(ROOT): text for path, text in
                  course.generated(ROOT).items()}
