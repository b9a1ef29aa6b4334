"""Filtering: from judged samples to the pairs that a student learns from.

EKT keeps a sample if its program gives the right answer, and of those the
first one per problem.  This module has that filter, two rivals, the table
that says where samples are lost, and the training pairs on disk.

Everywhere ``judged`` is a list of pairs ``(sample, verdict)``, in any order.
A verdict "infrastructure" says something about our machine and nothing about
the program, so it is refused and never counted as wrong.
"""

from collections import defaultdict
from dataclasses import dataclass

from helpers.problems import by_task_id
from helpers.programs import spelling
from helpers.prompts import zero_shot_prompt
from helpers.tools.arguments import each_of, plain_number
from helpers.tools.files import read_rows, write_rows


@dataclass(frozen=True)
class Example:
    """One training pair.  Introduced in notebook 06.

    ``prompt`` is what the student sees (the question alone, as in EKT),
    ``completion`` the teacher's program, letter for letter.
    """

    task_id: str
    prompt: str
    completion: str


def make_example(problem, sample):
    """The training pair of a problem and a sample."""
    return Example(problem.task_id, zero_shot_prompt(problem.question),
                   sample.completion)


def as_examples(examples):
    """Training pairs as a list.  Raises ``ValueError`` for anything else."""
    found = list(each_of("examples", examples, "Example"))
    for one in found:
        if not (isinstance(getattr(one, "prompt", None), str)
                and isinstance(getattr(one, "completion", None), str)):
            raise ValueError(f"examples are those that make_example makes or "
                             f"read_examples reads, with the texts prompt "
                             f"and completion, not {one!r:.60}")
    return found


def by_problem(judged):
    """``{task_id: [(sample, verdict), ...]}``, each list in sample order.

    Introduced in notebook 04.  Raises ``RuntimeError`` if any
    verdict is "infrastructure": those programs have not been judged; and
    ``ValueError`` for what is no such pair.
    """
    grouped, failed = defaultdict(list), []
    for pair in each_of("judged samples", judged, "(sample, verdict)"):
        if not (isinstance(pair, (tuple, list)) and len(pair) == 2
                and hasattr(pair[0], "task_id")
                and hasattr(pair[1], "status")):
            raise ValueError(f"judged samples are pairs (sample, verdict), as "
                             f"zip(samples, verdicts) gives them, and not "
                             f"{pair!r:.60}")
        sample, verdict = pair
        grouped[sample.task_id].append((sample, verdict))
        if verdict.status == "infrastructure":
            failed.append(f"{sample.task_id}, sample {sample.sample_index}: "
                          f"{verdict.detail or 'no detail'}")
    if failed:
        raise RuntimeError(
            f"{len(failed)} samples could not be judged (first: {failed[0]});"
            f" that is no verdict about the program, so judge them again")
    for pairs in grouped.values():
        pairs.sort(key=lambda pair: pair[0].sample_index)
    return dict(grouped)


# -------------------------------------------------------------- the filters

def first_correct(problems, judged):
    """EKT's filter: the first correct sample of each problem, if any.

    Introduced in notebook 04.  Source: EKT's released code
    (``gold_code = bodies[passed_lst.index(True)]``).  Returns a list of
    ``Example`` in the order of ``problems``; samples of other problems are
    left aside.  Raises as :func:`by_problem` and :func:`by_task_id` do.
    """
    grouped, examples = by_problem(judged), []
    for task_id, problem in by_task_id(problems).items():
        for sample, verdict in grouped.get(task_id, []):
            if verdict.status == "passed":
                examples.append(make_example(problem, sample))
                break
    return examples


def k_distinct(problems, judged, k=None):
    """Up to ``k`` different correct programs per problem; all if ``None``.

    Introduced in notebook 04.  Not in EKT; the idea is that of
    Ni et al. (2205.14318) and RFT (2308.01825).  Two programs are the same
    if :func:`canonical` spells them the same; the first of them is kept, as
    the teacher wrote it.  Raises ``ValueError`` for ``k`` below 1, and as
    :func:`first_correct` does.
    """
    if k is not None and k < 1:
        raise ValueError(f"k is how many programs to keep per problem, "
                         f"1 or more, not {k}")
    grouped, examples = by_problem(judged), []
    for task_id, problem in by_task_id(problems).items():
        different = {}
        for sample, verdict in grouped.get(task_id, []):
            if verdict.status == "passed":
                different.setdefault(spelling(sample.completion), sample)
        for sample in list(different.values())[:k]:
            examples.append(make_example(problem, sample))
    return examples


def unfiltered(problems, judged, k=1):
    """The first ``k`` samples of each problem, right or not.

    Introduced in notebook 04: the rival that shows what the
    filter is worth.  Raises as :func:`k_distinct` does.
    """
    if k is not None and plain_number("k", k, True) < 1:
        raise ValueError(f"k is how many programs to keep per problem, "
                         f"1 or more, not {k}")
    grouped = by_problem(judged)
    return [make_example(problem, sample)
            for task_id, problem in by_task_id(problems).items()
            for sample, _ in grouped.get(task_id, [])[:k]]


def funnel(problems, judged):
    """Where the samples go: rows ``(stage, samples, problems)``.

    Introduced in notebook 04.  The stages are sampled, parsed,
    ran (finished, right or wrong), right, distinct and kept (first-correct);
    ``problems`` counts those with at least one sample in that stage.  The
    last row, "none right", has the samples spent on problems without any
    correct one, and the number of these problems.  Raises as
    :func:`first_correct` does.
    """
    grouped, table = by_problem(judged), []
    for task_id in by_task_id(problems):
        pairs = grouped.get(task_id, [])
        statuses = [verdict.status for _, verdict in pairs]
        right = [sample.completion for sample, verdict in pairs
                 if verdict.status == "passed"]
        table.append((len(pairs), len(pairs) - statuses.count("unparsable"),
                      len(right) + statuses.count("wrong"), len(right),
                      len(set(map(spelling, right))), min(1, len(right)),
                      0 if right else len(pairs)))
    names = ("sampled", "parsed", "ran", "right", "distinct", "kept")
    rows = [(name, sum(row[i] for row in table),
             sum(row[i] > 0 for row in table))
            for i, name in enumerate(names)]
    return rows + [("none right", sum(row[6] for row in table),
                    sum(row[3] == 0 for row in table))]


# ------------------------------------------------------------------- on disk

def write_examples(path, examples):
    """Write training pairs, one JSON object per line, all or nothing.

    Introduced in notebook 04.
    """
    write_rows(path, examples, Example)


def read_examples(path):
    """The training pairs of a file that :func:`write_examples` wrote.

    Introduced in notebook 04.  Raises ``ValueError`` that names
    the first line which is no training pair, and for a file that is no text
    or empty.
    """
    return read_rows(path, Example,
                     "{name}, line {number} is not a training pair",
                     "choose another file, or, if notebook 04 made it, delete "
                     "it and run notebook 04 again",
                     "check the path, or run notebook 04 again")
