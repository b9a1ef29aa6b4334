"""Problems are read exactly, and what cannot be read is named."""

import gzip
import json

import pytest

from helpers.mini_world import make_benchmark
from helpers.problems import load_problems, read_answer
from helpers.profiles import ROOT

DATA = ROOT.parent / "shared" / "data"


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("text, number", [
    ("She has 1+1 = 2.\n#### 2", "2"), ("#### 1,234,567", "1234567"),
    ("####-1,200 ", "-1200"), ("#### 0.50", "0.50"),
    ("a #### b\n#### 7", "7")])
def test_answers_keep_their_digits_and_lose_their_commas(text, number):
    assert read_answer(text) == number


@pytest.mark.parametrize("text", [
    "2", "#### ", "#### ,", "#### $5", "#### 5 apples", "#### 1.", "#### --1",
    "#### nan", "####\n"])
def test_an_answer_without_a_number_is_refused(text):
    with pytest.raises(ValueError, match="####"):
        read_answer(text)


def test_mini_gsm_reads_like_gsm8k(tmp_path):
    path = write(tmp_path / "test.jsonl", make_benchmark(5, {2: 4, 3: 2}))
    problems = load_problems("mini-gsm", path=path)
    assert [p.task_id for p in problems] == [
        f"mini-gsm/test/{i}" for i in range(6)]
    assert all(p.mode == "answer" and "How many" in p.question
               and p.answer == str(int(p.answer)) for p in problems)
    assert load_problems("mini-gsm", path=path, limit=2) == problems[:2]


@pytest.mark.parametrize("line, why", [
    ("{broken", "not JSON"), ('{"question": "?"}', "lacks"), ("[1]", "lacks"),
    ('{"question": "?", "answer": "12"}', "####")])
def test_a_malformed_line_is_named(tmp_path, line, why):
    good = {"question": "?", "answer": "#### 1"}
    path = write(tmp_path / "data.jsonl", [good, good])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ValueError, match=f"data.jsonl, line 3 .*{why}"):
        load_problems("gsm8k", path=path)


def test_unknown_names_and_splits_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no task 'gsm'.*mini-gsm"):
        load_problems("gsm")
    with pytest.raises(ValueError, match="no split 'dev'.*train, test"):
        load_problems("gsm8k", split="dev")
    with pytest.raises(FileNotFoundError, match="no file"):
        load_problems("gsm8k", path=tmp_path / "none.jsonl")


def test_the_hub_out_of_reach_is_one_sentence(monkeypatch):
    datasets = pytest.importorskip("datasets")

    def fail(*args, **kwargs):
        assert args == ("openai/gsm8k", "main")
        raise OSError("many\nlines")

    monkeypatch.setattr(datasets, "load_dataset", fail)
    with pytest.raises(ConnectionError, match="cannot load gsm8k") as caught:
        load_problems("gsm8k")
    assert "\n" not in str(caught.value)


def test_humaneval_is_read_from_its_packed_file(tmp_path):
    row = {"task_id": "HumanEval/3", "prompt": "def f():\n",
           "canonical_solution": "    return 1\n", "entry_point": "f",
           "test": "def check(candidate):\n    assert candidate() == 1\n"}
    path = tmp_path / "HumanEval.jsonl.gz"
    with gzip.open(path, "wt") as file:
        file.write(json.dumps(row) + "\n")
    problem, = load_problems("humaneval", path=path)
    assert (problem.task_id, problem.mode, problem.entry_point) == (
        "humaneval/test/3", "calls", "f")


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
def test_real_mbpp_and_apps_are_read():
    mbpp = load_problems("mbpp", path=DATA / "mbpp.jsonl")
    assert len(mbpp) == 974 and mbpp[0].task_id == "mbpp/test/1"
    assert all(p.tests and p.entry_point and "\r" not in p.solutions[0]
               for p in mbpp)
    assert all(f"def {p.entry_point}" in p.solutions[0] for p in mbpp)
    apps = load_problems("apps", path=DATA / "apps_sample.jsonl")
    assert len(apps) == 10
    assert {p.mode for p in apps} <= {"stdio", "calls"}
    assert all(p.tests and len(p.tests[0]) == 2 for p in apps)
