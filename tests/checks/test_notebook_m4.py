"""The checks of notebook M4 know right from wrong."""

import re
from collections import Counter

import pytest

from helpers.checks.notebook_m4 import (GUILTY, check_m4_1, check_m4_2,
                                        check_m4_3, kept_pairs)
from helpers.execution import STATUSES
from helpers.filtering import (Example, by_problem, first_correct, k_distinct,
                               make_example)
from helpers.mini.reading import read_story
from helpers.programs import canonical, parse, spurious


def test_right_answers_to_exercise_1_pass():
    assert check_m4_1(k_distinct)
    assert check_m4_1(lambda p, j, k=None: keep(p, j, k))
    assert check_m4_1(lambda p, j, k=None: iter(keep(p, j, k)))


def keep(problems, judged, k, same=canonical, status=("passed",),
         overwrite=False, spelled=False, in_order=True):
    """A solution of exercise 1 with a slip to choose."""
    examples = []
    for problem in problems:
        different = {}
        pairs = (by_problem(judged).get(problem.task_id, []) if in_order else
                 [p for p in judged if p[0].task_id == problem.task_id])
        for sample, verdict in pairs:
            key = same(sample.completion)
            if verdict.status in status and (overwrite
                                             or key not in different):
                different[key] = sample
        for key, sample in list(different.items())[:k]:
            example = make_example(problem, sample)
            examples.append(Example(example.task_id, example.prompt, key)
                            if spelled else example)
    return examples


def seen_at_all(problems, judged, k=None):
    """Like ``keep``, and remembers programs from problem to problem."""
    found = {}
    for problem in problems:
        for one in keep([problem], judged, None):
            found.setdefault(canonical(one.completion), one)
    return keep(problems, judged, k) if k else list(found.values())


def next_to_it(problems, judged, k=None):
    """Like ``keep``, and compares a program with the one before it."""
    if k or len(problems) > 2:
        return keep(problems, judged, k)
    return [make_example(problem, sample) for problem in problems
            for sample, _ in by_problem(judged)[problem.task_id]]


WRONG_1 = {
    "two problems may have": seen_at_all,
    "not with the one before": next_to_it,
    "a program with a wrong answer": lambda p, j, k: keep(
        p, j, k, status=("passed", "wrong")),
    "such as error or timeout": lambda p, j, k: keep(
        p, j, k, status=set(STATUSES) - {"wrong"}),
    "without a limit, too": lambda p, j, k: keep(p, j, k)[::k and 1 or -1],
    "keep the default k=None": lambda p, j, k: keep(p, j, k),
    "in the order of their samples": lambda p, j, k=None: keep(
        p, j, k or 3),
    "41 pairs where": lambda p, j, k=None: keep(p, j, k or 30),
    "in two spellings": lambda p, j, k: keep(p, j, k, same=str.strip),
    "as the teacher wrote it": lambda p, j, k: keep(p, j, k, spelled=True),
    "keep the first, and": lambda p, j, k: keep(p, j, k, overwrite=True),
    "lowest sample index": lambda p, j, k: keep(p, j, k, in_order=False),
    "a limit per problem": lambda p, j, k: keep(p, j, None)[:k],
    "3 programs of one problem": lambda p, j, k: keep(p, j, None),
    "order of the problems": lambda p, j, k: keep(p, j, k)[::-1],
    "without a limit all": lambda p, j, k: keep(p, j, k or 1),
    "without a limit": lambda p, j, k: keep(p, j, min(k, 9)),
    "a list of training pairs": lambda p, j, k: [
        e.completion for e in keep(p, j, k)],
    "nothing is kept": lambda p, j, k: None,
    "SystemExit": lambda p, j, k: exit(),
}


def lucky(problems, judged, status=("passed",), some=all, empty=False):
    """A solution of exercise 2 with a slip to choose."""
    found = []
    for problem in problems:
        right = [sample.completion for sample, verdict
                 in by_problem(judged).get(problem.task_id, [])
                 if verdict.status in status]
        if (right or empty) and some(spurious(problem.question, program)
                                     for program in right):
            found.append(problem.task_id)
    return found


WRONG_2 = {
    "all() of nothing": lambda p, j: lucky(p, j, empty=True),
    "check/3 has no right program": lambda p, j: lucky(
        p, j, status=set(STATUSES) - {"wrong"}),
    "not just one": lambda p, j: lucky(p, j, some=any),
    "is a wrong one": lambda p, j: [*lucky(p, j), "check/2"],
    "nothing is found": lambda p, j: lucky(p, j, status=("passed", "wrong")),
    "task_ids, and nothing else": lambda p, j: [
        e for e in first_correct(p, j)],
    "each problem once": lambda p, j: lucky(p, j) * 2,
    "return a list": lambda p, j: 3,
}


LINE = re.compile(r"(\w+) = (?:(\w+) ([-+*/]) )?([\d.]+)$", re.MULTILINE)


def steps(program, text=False):
    """Another way to read the pairs: line by line."""
    return [(sign or "=", number if text else float(number))
            for _, _, sign, number in LINE.findall(program)]


def accuse(problems, examples, told="events", start=True, read=steps,
           gather=Counter, parsed=True, elsewhere=False, by_id=True,
           only=lambda pair: pair):
    """A solution of exercise 3 with a slip to choose."""
    found, questions = [], {p.task_id: p.question for p in problems}
    for problem, example in zip([*problems, *problems], examples):
        story = read_story(questions[example.task_id] if by_id
                           else problem.question)
        if story is None:
            found += [example.task_id] * elsewhere
            continue
        pairs = [("=", story.start)] * start + [
            (e.op, e.number) for e in getattr(story, told)]
        mine = [pair for pair in read(example.completion)
                if start or pair[0] != "="]
        try:
            tree = parse(example.completion) if parsed else "not looked at"
        except ValueError:
            tree = None
        if not tree or gather(map(only, pairs)) != gather(map(only, mine)):
            found.append(example.task_id)
    return found


def foreign(problems, examples):
    questions = {p.task_id: p.question for p in problems}
    return [e.task_id for e in examples if e.task_id != "story/11"
            and spurious(questions[e.task_id], e.completion)]


def unguarded(problems, examples):
    return [parse(e.completion) for e in examples]


WRONG_3 = {
    "nothing is found": lambda p, e: [],
    "nothing is found; story/1": lambda p, e: None,
    "story/0 is accused; its program is honest: sentences": lambda p, e:
        accuse(p, e, told="told"),
    "story/2 is accused; its program is honest: the names": lambda p, e: [
        *accuse(p, e), "story/2"],
    "the order of the operations": lambda p, e: accuse(p, e, gather=list),
    "even honest programs": lambda p, e: accuse(p, e, by_id=False),
    "mind the start": lambda p, e: [x.task_id for x in e],
    "compare numbers, not text": lambda p, e: accuse(
        p, e, read=lambda program: steps(program, text=True),
        only=lambda pair: (pair[0], str(pair[1]))),
    "no story of the mini world (`read_story`": lambda p, e: accuse(
        p, e, elsewhere=True),
    "leaves out two sentences": foreign,
    "flips three signs": lambda p, e: accuse(p, e, only=lambda x: x[1]),
    "adds 8 where": lambda p, e: [
        x for x in accuse(p, e) if x != "story/4"],
    "starts with 10": lambda p, e: accuse(p, e, start=False),
    "2 three times": lambda p, e: accuse(
        p, e, only=lambda x: x if x[0] == "=" else x[0]),
    "count, do not just look": lambda p, e: accuse(p, e, gather=set),
    "cannot be parsed, and that": lambda p, e: accuse(p, e, parsed=False),
    "must not stop the search": unguarded,
    "read_story gives None": lambda p, e: [
        read_story(x.question).start for x in p],
    "task_ids, and nothing else": lambda p, e: e,
    "nothing else": lambda p, e: "story/1",
    "name each pair once": lambda p, e: accuse(p, e) * 2,
    "return a list of task_ids": lambda p, e: 3,
    "SystemExit": lambda p, e: exit(),
    "TypeError": lambda p: p,
}


@pytest.mark.parametrize("check, wrong, message", [
    (check, wrong, message)
    for check, answers in ((check_m4_1, WRONG_1), (check_m4_2, WRONG_2),
                           (check_m4_3, WRONG_3))
    for message, wrong in answers.items()])
def test_each_exercise_names_the_slip(check, wrong, message, capsys):
    assert check(wrong) is False
    line = capsys.readouterr().out
    assert message in line and ": not yet, " in line
    assert line.count("\n") == 1


def test_exercise_3_takes_another_way_and_any_order(capsys):
    assert check_m4_3(accuse)
    assert check_m4_3(lambda p, e: tuple(accuse(p, e)[::-1]))
    assert check_m4_3(lambda p, e: set(accuse(p, e)))
    assert capsys.readouterr().out.count(": correct\n") == 3


def test_the_programs_of_exercise_3_are_right_and_as_described():
    problems, examples = kept_pairs()
    answers = {p.task_id: p.answer for p in problems}
    assert len(examples) == 12 and len(problems) == 13
    assert sum(read_story(p.question) is None for p in problems) == 1
    for example in examples:
        if example.task_id != "story/11":       # the one that does not parse
            space = {}
            exec(example.completion, space)
            assert space["answer"] == int(answers[example.task_id])
    assert sorted(accuse(problems, examples)) == sorted(
        f"story/{i}" for i in GUILTY)
