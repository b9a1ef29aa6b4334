"""Samples: their distribution, their cache, and what a kill does to them."""

import errno
import gzip
import json
import os
import subprocess
import sys
from collections import Counter
from types import SimpleNamespace

import numpy
import pytest

import sampling as roads
from helpers.prompts import prompt_hash, zero_shot_prompt
from helpers.sampling import (Sample, drop_incomplete_line, held,
                              read_samples, sample)
from helpers.teachers import checkpoint
from helpers.teachers.checkpoint import load_model
from helpers.teachers.decoding import complete
from helpers.tools.files import lines_of


@pytest.fixture(scope="module")
def teacher():
    return load_model("data/mini/models/teacher")


PROMPTS = {f"t/{i}": zero_shot_prompt(
    f"Ann starts with {i + 5} shells. On Monday Ann finds 4. How many shells "
    "does Ann have in the end?") for i in range(3)}


def draw(lm, cache=None, n=4, prompts=PROMPTS, max_new_tokens=24, **options):
    return sample(lm, prompts, n=n, max_new_tokens=max_new_tokens,
                  cache=cache, progress=False, **options)


def excess(one, two):
    """Pearson's chi-square of two samples of texts, in deviations too high.

    Texts that are seen fewer than 10 times in all count as one.
    """
    counts, other = Counter(one), Counter(two)
    both = counts + other
    rare = {text for text in both if both[text] < 10}
    cells = [(counts[text], other[text]) for text in both if text not in rare]
    cells.append((sum(counts[text] for text in rare),
                  sum(other[text] for text in rare)))
    square = sum((a * len(two) - b * len(one)) ** 2 / (
        len(one) * len(two) * (a + b)) for a, b in cells if a + b)
    free = len(cells) - 1
    return (square - free) / (2 * free) ** 0.5


def test_samples_have_the_distribution_of_generate(teacher):
    """The benchmark's roads draw the same texts equally often."""
    text, n, most = PROMPTS["t/1"], 3000, 12
    library = roads.generate(teacher, text, n, most)
    assert len(set(library)) > 30
    assert abs(excess(roads.ours(teacher, text, n, most), library)) < 4
    stopped = roads.generate(teacher, text, n, most, seed=1, stop=True)
    assert abs(excess(stopped, library)) < 4
    warmer = [s.completion for s in sample(
        teacher, {"t/1": text}, n=n, max_new_tokens=most, temperature=0.8,
        progress=False)]
    assert excess(warmer, library) > 4


def test_a_sample_depends_on_seed_prompt_and_index_alone(teacher):
    together = draw(teacher, n=6)
    fewer = draw(teacher, n=2, sequences=1)
    assert [s for s in together if s.sample_index < 2] == fewer
    other = draw(teacher, n=6, seed=1)
    assert [s.completion for s in other] != [s.completion for s in together]


def test_a_killed_run_goes_on(teacher, tmp_path, monkeypatch):
    whole = draw(teacher, tmp_path / "whole.jsonl")
    cache = tmp_path / "killed.jsonl"
    calls = []

    def die(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return complete(*arguments)

    monkeypatch.setattr(checkpoint, "complete", die)
    with pytest.raises(KeyboardInterrupt):
        draw(teacher, cache, sequences=4)
    assert len(read_samples(cache)) == 4
    with open(cache, "ab") as file:                 # a line cut in half
        file.write(b'{"task_id": "t/1", "sample_in')
    monkeypatch.setattr(checkpoint, "complete", complete)
    assert draw(teacher, cache) == whole
    lines = sorted(cache.read_text().splitlines())
    assert lines == sorted((tmp_path / "whole.jsonl").read_text()
                           .splitlines())


def test_a_full_cache_needs_no_model(teacher, tmp_path, monkeypatch):
    cache = tmp_path / "samples.jsonl"
    whole = draw(teacher, cache)
    monkeypatch.setattr(checkpoint, "complete", None)
    assert draw(teacher, cache) == whole
    assert draw(teacher, cache, n=2) == [s for s in whole
                                         if s.sample_index < 2]


def test_a_line_of_the_cache_is_what_evaluators_read(teacher, tmp_path):
    draw(teacher, tmp_path / "samples.jsonl", n=1)
    row = json.loads((tmp_path / "samples.jsonl").read_text()
                     .splitlines()[0])
    assert {"task_id", "completion", "sample_index", "seed", "finish_reason",
            "model", "prompt_hash"} <= set(row)


@pytest.mark.parametrize("spoil, message", [
    (lambda line: "{broken", "line 2 of samples.jsonl is no sample"),
    (lambda line: json.dumps({"task_id": 1}), "line 2 of samples.jsonl"),
    (lambda line: "[]", "line 2 of samples.jsonl"),
    (lambda line: line.replace('"seed": 0', '"seed": 7'), "made with model"),
    (lambda line: line.replace("teacher@", "other@"), "made with model"),
    (lambda line: line.replace('"max_new_tokens": 24', '"max_new_tokens": 9'),
     "made with model"),
    (lambda line: line.replace('"prompt_hash": "', '"prompt_hash": "x'),
     "made with another prompt")])
def test_a_corrupt_or_foreign_line_is_named(teacher, tmp_path, spoil,
                                            message):
    cache = tmp_path / "samples.jsonl"
    draw(teacher, cache)
    lines = cache.read_text().splitlines()
    lines[1] = spoil(lines[1])
    text = "\n".join(lines) + "\n"
    cache.write_text(text)
    with pytest.raises(ValueError, match="line 2") as error:
        draw(teacher, cache)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert cache.read_text() == text                # nothing is lost


# -------------------------------------- files and arguments that are not ours

class Told:
    """A teacher that says its own task; ``asked`` counts its samples."""

    name, asked = "told@0", 0

    def draw(self, wanted, settings):
        for task, (text, indices) in wanted.items():
            self.asked += len(indices)
            yield [Sample(task, i, *settings.told, f"# {task}\n", "stop",
                          self.name, prompt_hash(text)) for i in indices]


ROW = Sample("t/\"1", 3, 0, 0.6, 1.0, 24, "é\\\"\n", "stop", "told@0", "0")
LINE = lines_of([ROW])


@pytest.mark.parametrize("name, data, says", [
    ("samples.jsonl.gz", gzip.compress(LINE.encode()), "without .gz"),
    ("packed.jsonl", gzip.compress(LINE.encode()), "not text in UTF-8"),
    ("other.jsonl", LINE.encode("utf-16"), "not text in UTF-8"),
    ("config.json", b'{"model": "mine"}', "line 1 of config.json is no samp"),
    ("notes.md", b"# mine\n\nall of it", "line 1 of notes.md is no sample"),
    ("word", b"mine", "line 1 of word is no sample"),
    ("rows.jsonl", b'{"task_id": 1}\n{"task_id": 2', "line 1 of rows.jsonl"),
    ("mixed.jsonl", LINE.encode() + b'{"a": 1}', "line 2 of mixed.jsonl"),
    ("typed.jsonl", LINE.replace(": 3,", ': "3",').encode(),
     "sample_index is of type str, not int"),
    ("deep.jsonl", b"[" * 10 ** 5 + b"\n", "too deeply"),
    ("folder", None, "is a folder")])
def test_a_file_that_is_no_cache_is_left_as_it_is(tmp_path, name, data, says):
    cache, lm = tmp_path / name, Told()
    cache.mkdir() if data is None else cache.write_bytes(data)
    with pytest.raises(ValueError) as error:
        draw(lm, cache)
    assert says in str(error.value) and "\n" not in str(error.value)
    assert lm.asked == 0 and list(tmp_path.iterdir()) == [cache]
    assert data is None or cache.read_bytes() == data


def test_a_kill_may_cut_a_line_anywhere(tmp_path):
    cache = tmp_path / "cache.jsonl"
    for whole in ("", LINE):
        for end in range(len(LINE)):
            # A line that only lacks its end is whole.
            kept = whole + LINE * (end == len(LINE) - 1)
            cache.write_text(whole + LINE[:end])
            packed = tmp_path / "cache.jsonl.gz"
            packed.write_bytes(gzip.compress(cache.read_bytes()))
            assert read_samples(cache) == read_samples(packed) == (
                [ROW] * kept.count("\n"))
            drop_incomplete_line(cache)
            assert cache.read_text() == kept


def test_two_at_once_do_not_draw_into_one_file(tmp_path):
    cache = tmp_path / "deep" / "cache.jsonl"
    with held(cache):
        with pytest.raises(OSError, match="another process is drawing into "
                           ".*cache.jsonl; wait"):
            draw(lm := Told(), cache)
        assert lm.asked == 0
    assert not cache.exists()                    # it was left empty
    holder = subprocess.Popen(
        [sys.executable, "-c", "import time\nfrom helpers.sampling import "
         f"held\nwith held({str(cache)!r}): print(flush=True); "
         "time.sleep(99)"], stdout=subprocess.PIPE)
    holder.stdout.readline()
    with pytest.raises(OSError, match="another process"):
        draw(lm, cache)
    holder.kill()
    holder.wait()
    drawn = draw(lm, cache)
    with pytest.raises(KeyboardInterrupt):       # an error lets go, too
        with held(cache):
            raise KeyboardInterrupt
    assert draw(lm, cache) == drawn == read_samples(cache)


def test_a_link_that_leads_nowhere_yet_stays(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    (cache := tmp_path / "cache.jsonl").symlink_to(disk / "samples.jsonl")
    with pytest.raises(KeyboardInterrupt):
        with held(cache):
            raise KeyboardInterrupt              # before the first sample
    assert cache.is_symlink() and not any(disk.iterdir())
    assert draw(Told(), cache) == read_samples(disk / "samples.jsonl")


@pytest.mark.parametrize("lm", [None, "told@0", {"name": "told"},
                                SimpleNamespace(name="told")])
def test_what_is_no_teacher_is_not_asked(tmp_path, lm):
    with pytest.raises(ValueError, match="a teacher is what load_teacher"):
        draw(lm, tmp_path / "cache.jsonl")
    assert not list(tmp_path.iterdir())


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    cache = tmp_path / "cache.jsonl"
    rows = draw(Told(), cache, n=numpy.int64(2), seed=numpy.int64(3),
                temperature=numpy.float32(0.5), top_p=numpy.float64(1))
    assert read_samples(cache) == rows and len(rows) == 6
    assert draw(Told(), cache, n=2, seed=3, temperature=0.5) == rows


@pytest.mark.parametrize("change, says", [
    ({"prompts": list(PROMPTS.values())}, "dictionary .*, not a list"),
    ({"prompts": {0: "text"}}, "texts, not 0"),
    ({"prompts": {"t/0": None}}, "texts, not 't/0' and None"),
    ({"prompts": {"t/0": "ok \ud83d"}}, "prompt of t/0 .*letter 4"),
    ({"seed": "0"}, "seed is a whole number, not '0'"),
    ({"seed": numpy.float64(1)}, "seed is a whole number"),
    ({"temperature": None}, "temperature is a number, not None"),
    ({"temperature": numpy.ones(2)}, "temperature is a number"),
    ({"top_p": True}, "top_p is a number, not True"),
    ({"temperature": float("nan")}, "temperature is 0 or more, not nan"),
    ({"temperature": -0.1}, "temperature is 0 or more, not -0.1"),
    ({"temperature": float("inf")}, "temperature is 0 or more, not inf"),
    ({"top_p": 0}, "top_p is above 0 and at most 1, not 0"),
    ({"top_p": 1.01}, "top_p is above 0"),
    ({"max_new_tokens": 0}, "max_new_tokens is 1 or more, not 0"),
    ({"max_new_tokens": 10 ** 12}, "max_new_tokens is at most 1,000,000, n"),
    ({"sequences": 0}, "sequences is 1 or more, not 0"),
    ({"n": 1.5}, "n is a whole number, not 1.5")])
def test_other_arguments_are_refused_before_the_draw(tmp_path, change, says):
    lm, cache = Told(), tmp_path / "cache.jsonl"
    with pytest.raises(ValueError, match=says) as error:
        draw(lm, cache, **change)
    assert "\n" not in str(error.value)
    assert lm.asked == 0 and not cache.exists()


def test_a_full_disk_is_one_sentence_and_keeps_what_was_drawn(
        tmp_path, monkeypatch):
    cache, calls = tmp_path / "cache.jsonl", []

    def full(file):
        calls.append(file)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left.*kept.*again") as error:
        draw(Told(), cache)
    assert "\n" not in str(error.value) and len(read_samples(cache)) >= 4
    lm = Told()
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="cannot write the cache"):
        draw(lm, tmp_path / "file" / "cache.jsonl")
    assert lm.asked == 0


def test_n_must_be_positive(teacher):
    with pytest.raises(ValueError, match="at least 1"):
        draw(teacher, n=0)
