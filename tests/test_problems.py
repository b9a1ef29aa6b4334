"""Problems are read exactly, and what cannot be read is named."""

import gzip
import json
import os
import threading
from pathlib import Path

import numpy
import pytest

from helpers import hub
from helpers.mini.stories import make_benchmark
from helpers.problems import (NAMED, READERS, Problem, by_task_id,
                              load_problems, read_answer)
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
    ("{broken", "not JSON"), ("[1]", "lacks"),
    ('{"question": "?"}', "it has no answer"),
    ('{"question": "?", "answer": null}', "its answer is None, not a text"),
    ('{"question": "?", "answer": "#### 1", "task_id": ' + "7" * 5000 + "}",
     "its task_id has more than 640 digits"),
    ('{"question": "?", "answer": "12"}', "####")])
def test_a_malformed_line_is_named(tmp_path, line, why):
    good = {"question": "?", "answer": "#### 1"}
    path = write(tmp_path / "data.jsonl", [good, good])
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ValueError, match=f"data.jsonl, line 3 .*{why}"):
        load_problems("gsm8k", path=path)


@pytest.mark.parametrize("row, kind", [
    ("[1]", "list"), ("7", "int"), ("null", "NoneType"), ('"a"', "str")])
@pytest.mark.parametrize("name", ["gsm8k", "mbpp", "apps"])
def test_a_row_is_an_object(tmp_path, name, row, kind):
    path = tmp_path / "data.json"
    path.write_text(f"[{row}]")
    with pytest.raises(ValueError, match=f"entry 1 .*it is a {kind} and "
                       "lacks the fields of an object"):
        load_problems(name, path=path)


@pytest.mark.parametrize("limit", [-1, 2.5, "3", True])
def test_a_limit_is_a_count(limit):
    with pytest.raises(ValueError, match="limit counts problems"):
        load_problems("mini-gsm", limit=limit)
    assert len(load_problems("mini-gsm", limit=numpy.int64(2))) == 2


@pytest.mark.parametrize("field, value, why", [
    *(("test_list", tests, "test_list holds") for tests in (
        "assert f(1) == 1", {"assert f(1) == 1": 1}, [1], [], None, 3)),
    ("code", None, "code is None, not a text"),
    ("test_imports", [None], "setup is None, not a text"),
    ("test_imports", "import math", "test_imports holds a text that is not")])
def test_a_malformed_field_of_mbpp_is_named(tmp_path, field, value, why):
    path = write(tmp_path / "mbpp.jsonl", [{
        "task_id": 2, "text": "?", "code": "def f(x): pass",
        "test_list": ["assert f(1)"], field: value}])
    with pytest.raises(ValueError, match=f"mbpp.jsonl, line 1 is not a mbpp "
                       f"problem: (its )?{why}"):
        load_problems("mbpp", path=path)


def test_imports_and_setup_of_mbpp_are_both_taken(tmp_path):
    path = write(tmp_path / "mbpp.jsonl", [{
        "task_id": 2, "text": "?", "code": "def f(x): pass", "test_list": [
            "assert f(1)"], "test_setup_code": "x = math.pi",
        "test_imports": ["import math"]}])
    assert load_problems("mbpp", path=path)[0].setup == (
        "import math\nx = math.pi")


def test_a_number_that_comes_twice_is_refused_with_both_lines(tmp_path):
    path = write(tmp_path / "apps.jsonl", [
        apps_row(0), apps_row(5, difficulty="competition"), apps_row(5)])
    with pytest.raises(ValueError, match="apps.jsonl, line 3 has the same "
                       "task_id as .*apps.jsonl, line 2, 'apps/test/5'"):
        load_problems("apps", path=path)
    assert len(load_problems("apps", path=path, limit=2)) == 2
    assert len(load_problems("apps", path=path, difficulty="interview")) == 2
    write(path, [apps_row(5, split="test"), apps_row(5, split="train")])
    assert [p.task_id for p in load_problems("apps", path=path)] == [
        "apps/test/5", "apps/train/5"]


@pytest.mark.parametrize("name, own, task_id", [
    ("humaneval", "HumanEval/0", "HumanEval/0"), ("humaneval", 4,
                                                  "HumanEval/4"),
    ("humaneval", " mine 1", " mine 1"), ("mbpp", "Mbpp/2", "Mbpp/2"),
    ("mbpp", 2, "Mbpp/2"), ("mbpp-sanitized", "2", "Mbpp/2"),
    ("apps", "a/1", "a/1"), ("apps", "0007", "apps/test/7"),
    ("gsm8k", None, "gsm8k/test/0"), ("gsm8k", "mine/7", "mine/7"),
    ("gsm8k", 7, "gsm8k/test/7"), ("mini-apps", "x", "x"),
    ("mini-gsm", None, "mini-gsm/test/0")])
def test_a_row_keeps_the_name_that_it_has(tmp_path, name, own, task_id):
    path = write(tmp_path / "rows.jsonl", [row_of(name, own)])
    problem, = load_problems(name, path=path)
    assert problem.task_id == task_id


@pytest.mark.parametrize("own", [None, "", " ", 3.0, True, ["a"], {}])
@pytest.mark.parametrize("name", ["humaneval", "mbpp", "apps"])
def test_a_name_is_a_text_or_a_number(tmp_path, name, own):
    path = write(tmp_path / "rows.jsonl", [{
        **row_of(name, 1), NAMED.get(name, "task_id"): own}])
    with pytest.raises(ValueError, match="rows.jsonl, line 1 .* and not a "
                       "text or a whole number"):
        load_problems(name, path=path)


@pytest.mark.parametrize("name, one, other", [
    ("humaneval", "HumanEval/0", "humaneval/0"), ("mbpp", 3, "3"),
    ("mbpp", 3, "Mbpp/3"), ("mbpp", 3, "mbpp/3 "), ("apps", 3, "03"),
    ("apps", "two sum", "Two  Sum\n"), ("gsm8k", "a", "a")])
def test_names_that_differ_by_case_blanks_or_type_are_one(tmp_path, name, one,
                                                          other):
    path = write(tmp_path / "rows.jsonl", [row_of(name, one),
                                           row_of(name, other)])
    with pytest.raises(ValueError, match="line 2 has .*the same task_id as "
                       ".*line 1, .*rename or remove"):
        load_problems(name, path=path)
    assert len(load_problems(name, path=path, limit=1)) == 1


def test_two_problems_of_one_name_are_refused_where_they_would_merge():
    problem = Problem("a", "?", answer="1")
    assert list(by_task_id(iter([problem]))) == ["a"]
    with pytest.raises(ValueError, match="two problems have the task_id 'a'"):
        by_task_id([problem, problem])


def test_blank_lines_and_a_byte_order_mark_are_passed_over(tmp_path):
    path = tmp_path / "rows.jsonl"
    row = json.dumps(row_of("gsm8k", None))
    path.write_bytes(f"\ufeff\n{row}\r\n\n{row}\n\n{{".encode())
    with pytest.raises(ValueError, match="rows.jsonl, line 6 is not JSON"):
        load_problems("gsm8k", path=path)
    assert [p.task_id for p in load_problems("gsm8k", path=path, limit=2)] == [
        "gsm8k/test/0", "gsm8k/test/1"]


def test_a_pipe_is_read(tmp_path):
    os.mkfifo(pipe := tmp_path / "pipe")
    for data in ("\n" + json.dumps(row_of("gsm8k", None)) + "\n",
                 json.dumps([row_of("gsm8k", None)], indent=1)):
        writer = threading.Thread(target=pipe.write_text, args=(data,))
        writer.start()
        problem, = load_problems("gsm8k", path=pipe)
        writer.join()
        assert problem.task_id == "gsm8k/test/0"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="Linux has it")
def test_a_device_has_no_end_and_is_not_read():
    with pytest.raises(ValueError, match="/dev/full is a device"):
        load_problems("mbpp", path="/dev/full")


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
        "HumanEval/3", "calls", "f")


@pytest.mark.parametrize("packed", [
    lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
    lambda rows: json.dumps(rows, indent=1)])
def test_both_schemas_of_mbpp_are_read(tmp_path, packed):
    full = {"task_id": 2, "text": "Square.", "code": "def f(x):\r\n  return x",
            "test_list": ["assert set(f([1])) == set((1,))"],
            "test_setup_code": "one = 1", "challenge_test_list": []}
    sanitized = {"source_file": "?", "task_id": 82, "prompt": "Volume.",
                 "code": "import math\ndef help(): pass\ndef volume(r):\n"
                         "  return 4", "test_imports": ["import math"],
                 "test_list": ["assert math.isclose(volume(1), 4)"]}
    path = tmp_path / "mbpp.json"
    path.write_text(packed([full, sanitized]))
    first, second = load_problems("mbpp", path=path)
    assert (first.question, first.entry_point, first.setup) == (
        "Square.", "f", "one = 1")
    assert (second.question, second.entry_point, second.setup) == (
        "Volume.", "volume", "import math")
    assert second.task_id == "Mbpp/82"
    assert load_problems("mbpp-sanitized", path=path)[1].task_id == "Mbpp/82"


def row_of(name, own):
    """A row of any task; ``own``: the name it gives itself, if any."""
    rows = {"humaneval": {"prompt": "def f():\n", "canonical_solution": "",
                          "test": "", "entry_point": "f"},
            "mbpp": {"text": "?", "code": "", "test_list": ["assert f()"]},
            "gsm8k": {"question": "?", "answer": "#### 1"},
            "apps": {"question": "?"}}
    task = name.replace("mini-gsm", "gsm8k").replace("mini-", "").split("-")[0]
    return {**rows[task], **(
        {} if own is None else {NAMED.get(name, "task_id"): own})}


# ---- APPS ----

def apps_row(number=0, **fields):
    return {"problem_id": number, "question": f"{number}?",
            "solutions": '["print(1)"]', "difficulty": "interview", "url": "",
            "input_output": '{"inputs": ["1.10\\n"], "outputs": ["x\\n"]}',
            "starter_code": "", **fields}


def test_what_apps_lacks_is_empty_and_what_is_unpacked_stays_so():
    read = READERS["apps"]
    for nothing in ("", None, "null"):
        problem = read(apps_row(solutions=nothing, input_output=nothing,
                                starter_code=None, difficulty=None), "a/1")
        assert (problem.mode, problem.tests, problem.solutions) == (
            "stdio", (), ())
        assert problem.starter == problem.difficulty == ""
    row = apps_row(example_input_output='{"inputs": ["2"], "outputs": [3.0]}')
    for programs in ('["a", "b"]', ["a", "b"], numpy.array(["a", "b"])):
        problem = read({**row, "solutions": programs}, "a/1")
        assert problem.solutions == ("a", "b")
    assert problem.tests == (("1.10\n", "x\n"),)
    assert problem.examples == (("2", "3.0"),)       # text as it was written
    del row["solutions"], row["input_output"], row["starter_code"]
    assert read(row, "a/1").tests == read(row, "a/1").solutions == ()
    problem = read(apps_row(
        input_output='{"inputs": [[1, 2.50]], "outputs": [[3.5]], '
        '"fn_name": "f"}', starter_code="def f(a, b):"), "a/1")
    assert (problem.mode, problem.entry_point, problem.starter) == (
        "calls", "f", "def f(a, b):")
    assert problem.tests == (([1, 2.5], [3.5]),)
    assert "bisect" in problem.preamble


@pytest.mark.parametrize("field, text, why", [
    ("input_output", "{", "its input_output .* not JSON: Expecting"),
    ("input_output", "[1]", "list in the place of a dict"),
    ("solutions", '"print(1)"', "solutions holds a str"),
    ("solutions", "[3]", "one of its solutions is 3"),
    ("input_output", '{"inputs": "12", "outputs": "12"}', "inputs are a str"),
    ("input_output", '{"inputs": ["1"], "outputs": {"a": 1}}', "are a dict"),
    ("question", None, "question is None"),
    ("starter_code", 3, "starter is 3, not a text"),
    ("solutions", "[" * 10 ** 5, "nested too deeply"),
    ("input_output", '{"fn_name": "f", "inputs": [' + "7" * 10 ** 6 + "]}",
     "an integer of 1000000 digits")])
def test_a_malformed_field_of_apps_is_named(tmp_path, field, text, why):
    path = write(tmp_path / "apps.jsonl", [apps_row(), apps_row(
        1, **{field: text})])
    with pytest.raises(ValueError, match=f"apps.jsonl, line 2 .*{why}"):
        load_problems("apps", path=path)


def test_a_level_is_chosen_before_the_limit(tmp_path):
    levels = ["interview", "competition", "introductory", "competition"]
    path = write(tmp_path / "apps.jsonl", [
        apps_row(i, difficulty=level) for i, level in enumerate(levels)])
    for limit, numbers in ((None, [1, 3]), (1, [1]), (0, [])):
        assert [p.task_id for p in load_problems(
            "apps", limit=limit, path=path, difficulty="competition")] == [
            f"apps/test/{i}" for i in numbers]
    for name, level, why in (("apps", "easy", "introductory, interview"),
                             ("gsm8k", "interview", "choose none")):
        with pytest.raises(ValueError, match=f"{level}.*{why}"):
            load_problems(name, path=path, difficulty=level)


# ---- the roads to APPS: real files, a folder in the place of the Hub ----

LEVELS = ["interview", "competition", "introductory"]
ROWS = [apps_row(i, difficulty=level) for i, level in enumerate(LEVELS)]


def lay(folder, road, rows, level="all"):
    """Writes rows to where a road expects them."""
    datasets = pytest.importorskip("datasets")
    kind, files = hub.ROADS[road]
    path = Path(f"{folder}{files.format(split='test', level=level)}".replace(
        "*", "00000"))
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind == "json":
        return write(path, rows)
    datasets.Dataset.from_list(rows).to_parquet(path)
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "APPS", str(tmp_path / "apps"))
    monkeypatch.setitem(hub.SIZES, "test", {"all": 3, "introductory": 1})
    return tmp_path / "apps"


@pytest.mark.parametrize("road", range(3))
def test_every_road_leads_to_the_same_problems(folder, road):
    lay(folder, road, ROWS)
    problems = load_problems("apps")
    assert problems == [READERS["apps"](row, f"apps/test/{i}")
                        for i, row in enumerate(ROWS)]
    lay(folder, road, ROWS[2:], level="introductory" if road else "all")
    hub.SIZES["test"]["all"] = 1
    assert load_problems("apps", difficulty="introductory") == problems[2:]


def test_roads_are_tried_in_order_and_a_level_has_its_own(folder):
    for road in (2, 1, 0):
        lay(folder, road, [{**row, "question": str(road)} for row in ROWS])
        assert {p.question for p in load_problems("apps")} == {str(road)}
    lay(folder, 1, ROWS[2:], level="introductory")
    easy, = load_problems("apps", difficulty="introductory")
    assert easy.question == "2?"          # not from the large raw file


def test_rows_are_fetched_as_they_are_asked_for(folder):
    first = lay(folder, 2, ROWS[:2])
    first.with_name("test-00001.parquet").write_text("no parquet")
    assert len(load_problems("apps", limit=2)) == 2
    with pytest.raises(ConnectionError, match="cannot be read on at row 2"):
        load_problems("apps")


def test_too_many_and_too_few_rows_are_noticed(folder, monkeypatch):
    monkeypatch.setitem(hub.SIZES, "test", {"all": 5000})
    path = lay(folder, 0, [apps_row(i % 5000) for i in range(10_000)])
    with pytest.raises(ValueError, match="row 5000 is problem 0 too many"):
        load_problems("apps")
    assert len(load_problems("apps", limit=5000)) == 5000
    write(path, [apps_row(i) for i in range(5001)])
    with pytest.raises(ValueError, match="should hold 5000"):
        load_problems("apps")
    write(path, [apps_row(i) for i in range(4999)])
    with pytest.raises(ConnectionError, match="ended after 4999 of 5000"):
        load_problems("apps")


def test_where_no_road_leads_each_is_named(folder):
    pytest.importorskip("datasets")
    with pytest.raises(ConnectionError, match="as path") as caught:
        load_problems("apps", difficulty="introductory")
    for files in ("test.jsonl", "convert/parquet/introductory/test/*.parquet",
                  "refs/pr/5/introductory/test-*.parquet"):
        assert f"{files} (" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data")
def test_real_mbpp_and_apps_are_read():
    mbpp = load_problems("mbpp", path=DATA / "mbpp.jsonl")
    assert len(mbpp) == 974 and mbpp[0].task_id == "Mbpp/1"
    assert all(p.tests and p.entry_point and "\r" not in p.solutions[0]
               for p in mbpp)
    assert all(f"def {p.entry_point}" in p.solutions[0] for p in mbpp)
    apps = load_problems("apps", path=DATA / "apps_sample.jsonl")
    assert len(apps) == 10 and all(p.difficulty == "interview" for p in apps)
    assert load_problems("apps", path=DATA / "apps_sample.jsonl", limit=3,
                         difficulty="interview") == apps[:3]
    assert [len(p.examples) > 0 for p in apps] == [True] * 5 + [False] * 5
    assert sum(len(p.solutions) for p in apps) == 237
    assert {p.mode for p in apps} <= {"stdio", "calls"}
    assert all(p.tests and len(p.tests[0]) == 2 for p in apps)
