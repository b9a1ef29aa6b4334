"""Files: the old one or the new one, and what cannot be read is a sentence.
"""

import gzip
import os
import stat

import pytest

from helpers.evaluation import load_counts
from helpers.exchange import read_completions
from helpers.filtering import Example, read_examples, write_examples
from helpers.plans import read_plans
from helpers.problems import load_problems
from helpers.sampling import read_samples
from helpers.tools.files import whole_file, write_text


def questions(path):
    return load_problems("gsm8k", path=path)


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
    with pytest.raises(ValueError, match="is no path of a file; check the"):
        read_completions(path)


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
