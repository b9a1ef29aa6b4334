"""Real problems and real programs: GSM8K and what GPT-J wrote for it."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from helpers.execution import Runner, compare, explain_disagreement
from helpers.execution.inside.sums import arithmetic
from helpers.filtering import first_correct, funnel
from helpers.problems import load_problems
from helpers.profiles import ROOT
from helpers.programs import spurious
from helpers.sampling import Sample

DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.skipif(not DATA.exists(),
                                reason="needs ../shared/data")


@pytest.fixture(scope="module")
def train():
    return load_problems("gsm8k", "train", path=DATA / "gsm8k_train.jsonl")


def test_gsm8k_is_read_exactly(train):
    test = load_problems("gsm8k", "test", path=DATA / "gsm8k_test.jsonl")
    assert (len(train), len(test)) == (7473, 1319)
    for problems, name, negative, commas in ((train, "train", 3, 79),
                                             (test, "test", 2, 14)):
        lines = (DATA / f"gsm8k_{name}.jsonl").read_text().splitlines()
        ends = [json.loads(line)["answer"].split("#### ")[1]
                for line in lines]
        assert sum("," in end for end in ends) == commas
        assert sum(p.answer.startswith("-") for p in problems) == negative
        assert [f"{int(p.answer):,}".replace(",", "") for p in problems] == [
            end.replace(",", "") for end in ends]


@pytest.fixture(scope="module")
def judged(train):
    """The 839 recorded programs as samples, with our verdicts on them."""
    lines = (DATA / "gsm8k_train_gptj_programs.jsonl").read_text()
    rows = [json.loads(line) for line in lines.splitlines()]
    pairs = [(train[row["row"]], row["program"]) for row in rows
             if row["program"] is not None]
    with Runner(comparator="published") as runner:
        verdicts = list(runner.judge_many(pairs, progress=False))
    samples = [Sample(problem.task_id, 0, 0, 0.6, 1.0, 150, program, "stop",
                      "gpt-j-6b", "") for problem, program in pairs]
    return [p for p, _ in pairs], list(zip(samples, verdicts))


def test_real_programs_go_through_the_filter(judged):
    """The same road as the mini teacher's: judge, filter, training pairs."""
    problems, pairs = judged
    rows = {stage: (left, solved)
            for stage, left, solved in funnel(problems, pairs)}
    for stage in ("sampled", "parsed", "ran", "right", "kept"):
        assert rows[stage] == (839, 839)
    kept = first_correct(problems, pairs)
    assert [e.completion for e in kept] == [s.completion for s, _ in pairs]
    assert kept[0].prompt == f"# {problems[0].question}\n"
    exact = [(sample, replace(verdict, status="passed" if compare(
        verdict.value, problem.answer) else "wrong"))
        for problem, (sample, verdict) in zip(problems, pairs)]
    assert len(first_correct(problems, exact)) == 773
    # Right by luck: they use numbers that the question does not have.
    accused = sum(spurious(problem.question, sample.completion)
                  for problem, (sample, _) in zip(problems, pairs))
    assert accused == 207


def test_real_programs_are_sums(judged):
    """So they may share a process when judged."""
    assert all(arithmetic(sample.completion) for sample, _ in judged[1])


def test_every_disagreement_with_the_authors_is_explained(judged, capsys):
    """The authors judged all 839 programs right, by their own check."""
    problems, rows = judged
    verdicts = [verdict for _, verdict in rows]
    reasons, examples = Counter(), {}
    for problem, verdict in zip(problems, verdicts):
        reason = explain_disagreement(verdict.value, problem.answer)
        reasons[reason] += 1
        examples.setdefault(reason, (verdict.value, problem.answer))
    published = sum(v.status == "passed" for v in verdicts)
    exact = sum(compare(v.value, p.answer)
                for p, v in zip(problems, verdicts))
    with capsys.disabled():
        print(f"\n{len(problems)} GPT-J programs, judged right by their "
              f"authors: published {published}, exact {exact}")
        for reason, count in reasons.most_common():
            value, expected = examples[reason]
            print(f"  {count:4d}  {reason:40s} e.g. {value!r} for {expected}")
    assert len(problems) == 839
    # We agree with the authors wherever we use their criterion ...
    assert {v.status for v in verdicts} == {"passed"}
    # ... and the exact one differs for its 1 % only, never for a type, a
    # sign or a row that does not belong to its program.
    assert exact + sum(count for reason, count in reasons.items()
                       if reason.startswith("within 1 %")) == published
    assert (published, exact) == (839, 773)
    assert sorted(reasons.values()) == [22, 44, 773]
