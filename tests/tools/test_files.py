"""Files: the old one or the new one, and what cannot be read is a sentence.
"""

import gzip
import os
import resource
import shutil
import stat

import pytest
from matplotlib.figure import Figure

from helpers.evaluation import load_counts, save_counts
from helpers.exchange import read_completions
from helpers.figures.style import show
from helpers.filtering import Example, read_examples, write_examples
from helpers.plans import read_plans
from helpers.problems import load_problems
from helpers.sampling import read_samples
from helpers.tools.files import (read_notebook, saying_where,
                                 see_that_it_can_be_written, whole_file,
                                 write_all, write_text)
from helpers.tools.folders import claim_folder, whole_folder
from helpers.tools.states import resume


def questions(path):
    return load_problems("gsm8k", path=path)


def whole_of_a_folder(path):
    with whole_folder(path):
        pass


ROWS = {"examples": lambda path: write_examples(
            path, [Example("t/0", "p", "c")]),
        "none": lambda path: write_examples(path, []),
        "counts": lambda path: save_counts(path, "a", {"t/0": 1}, 2)}


@pytest.mark.parametrize("read", [
    read_samples, read_completions, read_examples, read_plans, load_counts,
    questions])
@pytest.mark.parametrize("name, data", [
    ("latin.jsonl", '{"task_id": "é"}\n'.encode("latin-1")),
    ("wide.jsonl", '{"task_id": "e"}\n'.encode("utf-16")),
    ("marked.jsonl", '{"task_id": "e"}\n'.encode("utf-8-sig")),
    ("plain.jsonl.gz", b'{"task_id": "t"}\n'),
    ("cut.jsonl.gz", gzip.compress(b'{"task_id": "t"}\n')[:14]),
    ("spoilt.jsonl.gz", gzip.compress(b"x" * 99)[:12] + b"\xff" * 40),
    ("packed.jsonl", gzip.compress(b'{"task_id": "t"}\n')),
    ("twice.jsonl.gz", gzip.compress(gzip.compress(b'{"task_id": "t"}\n'))),
    ("deep.jsonl", b"[" * 10 ** 5), ("word.jsonl", b"a word"),
    ("none.jsonl", b""), ("none.jsonl.gz", b""), ("blank.jsonl", b"\n \n"),
    ("list.jsonl", b"[]"), ("folder", None)])
def test_what_cannot_be_read_is_one_sentence(tmp_path, read, name, data):
    path = tmp_path / name
    path.mkdir() if data is None else path.write_bytes(data)
    if read is read_samples and data == b"":
        assert read(path) == []            # nothing has been drawn yet
        return
    with pytest.raises(ValueError, match=name) as error:
        read(path)
    assert "\n" not in str(error.value) and ";" in str(error.value)
    assert data is None or path.read_bytes() == data


@pytest.mark.parametrize("text", [
    "", "[]", "{", "<<<<<<< HEAD", "null", '{"nbformat": 4}', "\udcff",
    '{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}'])
def test_a_damaged_notebook_is_named(tmp_path, text):
    path = tmp_path / "05_x.ipynb"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="05_x.ipynb is no.*; restore it"
                       ) as error:
        read_notebook(path)
    assert "\n" not in str(error.value)


def test_packed_examples_are_the_same_bytes_each_time(tmp_path):
    path, examples = tmp_path / "x.jsonl.gz", [Example("t/0", "é", "c")] * 3
    write_examples(path, examples)
    first = path.read_bytes()
    write_examples(path, examples)
    assert path.read_bytes() == first and read_examples(path) == examples


def test_two_writers_of_one_file_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "deep" / "file"
    write_text(path, "old")
    with whole_file(path) as one:
        one.write(b"one")
        with whole_file(path) as other:
            other.write(b"other")
            assert path.read_text() == "old"
        assert path.read_text() == "other"
    assert path.read_text() == "one"
    with pytest.raises(KeyboardInterrupt):
        with whole_file(path) as file:
            file.write(b"half")
            raise KeyboardInterrupt
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "\ud83d")
    assert path.read_text() == "one"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("path", [5, None, b"name", ["a"], "a\0b"])
def test_what_is_no_path_is_one_sentence(path):
    for use in (read_completions, load_counts, *ROWS.values(),
                lambda path: write_text(path, "x"), whole_of_a_folder,
                lambda path: show(Figure(), "alt", path or 5),
                lambda path: resume(path or 5, "", [], None)):
        with pytest.raises(ValueError, match="is no path of a file; "):
            use(path)


@pytest.mark.parametrize("path", ["file/below", "x" * 300])
def test_a_place_that_cannot_be_is_one_sentence(tmp_path, path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="cannot be read .*; check the path"):
        read_completions(tmp_path / path)


def test_a_device_or_a_pipe_is_never_replaced(tmp_path):
    os.mkfifo(pipe := tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe is a device or a pipe"):
        write_text(pipe, "x")
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


def test_a_link_stays_one_and_a_mode_is_kept(tmp_path):
    target, link = tmp_path / "deep" / "target", tmp_path / "link"
    write_text(target, "old")
    target.chmod(0o640)
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink() and target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


@pytest.mark.parametrize("make", [
    lambda path: path.mkdir(),                               # a folder
    lambda path: path.parent.rmdir() or path.parent.touch()])
def test_what_cannot_be_written_is_one_sentence(tmp_path, make):
    path = tmp_path / "place" / "x.json"
    path.parent.mkdir()
    make(path)
    before = sorted(tmp_path.rglob("*"))
    for write in (lambda: write_text(path, "x"),
                  lambda: write_examples(path, []),
                  lambda: show(Figure(), "alt", path),
                  lambda: see_that_it_can_be_written(path)):
        with pytest.raises(OSError, match="^cannot write .*x.json .*; what s"
                           ) as error:
            write()
        assert "Errno" not in str(error.value)
    assert sorted(tmp_path.rglob("*")) == before


def test_what_others_say_of_a_full_disk_is_the_same_sentence(tmp_path):
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "x").write_text("x" * 10 ** 4)
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(OSError, match="^cannot write to .File too large"):
            with saying_where("to"):
                shutil.copytree(tmp_path / "from", tmp_path / "to")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)


def test_looking_changes_nothing(tmp_path):
    write_text(tmp_path / "x", "old")
    see_that_it_can_be_written(tmp_path / "x")
    see_that_it_can_be_written(tmp_path / "deep" / "down" / "x")
    with pytest.raises(OSError, match="cannot write .*x .No space left"):
        see_that_it_can_be_written(tmp_path / "x", room=10 ** 18)
    assert (tmp_path / "x").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize("write", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("name, data", [
    ("notes.txt", b"mine"), ("b.ipynb", b'{\n "cells": []\n}\n'),
    ("x.jsonl", b'{"task_id": "t/0", "sample_index": 0}\n'),
    ("list.json", b"[]"), ("x.jsonl.gz", b"none"), ("bytes", b"\xff\n")])
def test_a_file_of_another_kind_is_not_replaced(tmp_path, write, name, data):
    path = tmp_path / name
    path.write_bytes(data)
    if write is ROWS["none"] and name in ("b.ipynb", "x.jsonl"):
        return                               # one object of JSON or another
    with pytest.raises(ValueError, match=f"{name} is there already, and"):
        write(path)
    assert path.read_bytes() == data and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("write", ROWS.values(), ids=ROWS)
def test_a_file_of_the_same_kind_or_an_empty_one_is(tmp_path, write):
    (tmp_path / "x").touch()
    write(tmp_path / "x")
    write(tmp_path / "x")


def test_files_are_all_written_or_none(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    write_all({one: "a", two: b"b"})
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        for texts in ({one: "new", two: "x" * 10 ** 4},
                      {one: "x" * 10 ** 4, two: "new"}):
            with pytest.raises(OSError, match="cannot write .*File too la"):
                write_all(texts)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (one.read_text(), two.read_text()) == ("a", "b")
    assert sorted(tmp_path.iterdir()) == [one, two]


@pytest.mark.parametrize("made", ["notes", "file", "file/deep"])
def test_a_folder_of_others_is_not_claimed(tmp_path, made):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "notes" / "html").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises((ValueError, OSError), match="file; name|new or empty|"
                       "cannot write .*deep"):
        claim_folder(tmp_path / made, "site")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_of_ours_is_claimed_again(tmp_path):
    for _ in range(2):                                   # new, then ours
        claim_folder(tmp_path / "deep" / "site", "site")
        (tmp_path / "deep" / "site" / "more").touch()
    with pytest.raises(ValueError, match="not of `python -m helpers slides`"):
        claim_folder(tmp_path / "deep" / "site", "slides")
    claim_folder(tmp_path / "deep", "site", lambda folder: True)
