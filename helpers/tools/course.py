"""The list of the notebooks, and all that is generated from it.

``python -m helpers course`` writes the map in notebook 00, the tables in the
READMEs, and the minutes in every notebook: of the whole in its header, of a
section below its heading, of an exercise beside its difficulty; and in the
header what the profile ``colab`` takes, where a card has measured it.
"""

import argparse
import json
import math
import re
import sys
from dataclasses import dataclass

from helpers.profiles import ROOT
from helpers.tools.files import read_notebook, write_all
from helpers.tools.reading import (
    DIFFICULTY,
    EXERCISE,
    doing_minutes,
    reading_minutes,
    sections,
)

ABOUT = re.compile(r"(?m)^\*About [^*]*\.\*$")
HEADER = re.compile(r"<!-- minutes -->.*?<!-- /minutes -->", re.DOTALL)
TABLE = re.compile(r"(?m)^\| \| mini \|.*\n(?:\|.*\n?)+")
BETWEEN = r"<!-- {0} -->.*?<!-- /{0} -->"
CARD_RESULTS = "data/benchmarks/gpu.json"       # in no learner's bundle


@dataclass(frozen=True)
class Notebook:
    """``stem`` is its path below ``notebooks/``, without the ending."""

    stem: str
    title: str
    learn: str

    @property
    def number(self):
        """Its number: "04", "M4", "E1"."""
        return self.stem.rpartition("/")[2].partition("_")[0]


LESSONS = (
    Notebook("00_start_here", "Start here",
             "one problem, from question to verdict; one plan; the map"),
    Notebook("01_running_programs_nobody_checked",
             "Running programs nobody checked",
             "a judge of your own, how it is fooled, and what stops that"),
    Notebook("02_asking_the_teacher", "Asking the teacher",
             "few-shot prompt, temperature, n samples in a file"),
    Notebook("03_eliciting_plans", "Eliciting plans",
             "backward reasoning, what a plan is worth, choosing one"),
    Notebook("04_filtering_by_execution", "Filtering by execution",
             "the first correct program, and those right by luck"),
    Notebook("05_training_a_student", "Training a student",
             "the loss mask, LoRA, the training loop"),
    Notebook("06_two_tasks_one_student", "Two tasks, one student",
             "a loss for each task; where a plan pays, and where not"),
    Notebook("07_pass_at_k", "pass@1, pass@100",
             "the estimator, its interval, two systems compared"),
    Notebook("08_past_one_machine", "Past one machine",
             "a teacher behind a server, retries, the cost beforehand"),
)
MORE = (
    Notebook("more/M1_the_judge_in_depth", "The judge in depth",
             "scripts, functions, asserts; problems nobody can solve"),
    Notebook("more/M2_plans_in_depth", "Plans in depth",
             "plans that help and plans that mislead, plan sampling"),
    Notebook("more/M3_real_benchmarks", "Real benchmarks and their traps",
             "APPS, MBPP, HumanEval, GSM8K, and their traps"),
    Notebook("more/M4_filters_in_depth", "Filters in depth",
             "when two programs are the same; numbers from nowhere"),
    Notebook("more/M5_distillation_and_expert_iteration",
             "Distillation and expert iteration",
             "the two methods that EKT is compared with"),
    Notebook("more/M6_heads_and_plan_first", "Heads and plan first",
             "a plan head, planning before coding, encoder-decoders"),
    Notebook("more/M7_several_processes", "Several processes",
             "one training in several processes, with the same result"),
    Notebook("more/M8_intervals_in_depth", "Intervals in depth",
             "when an interval may be believed; crossings, and luck"),
    Notebook("more/M9_when_plans_help", "When plans help",
             "a third task, and planning first at equal cost"),
)
EVIDENCE = (
    Notebook("evidence/E1_ekt_claims", "EKT's claims",
             "each claim of the paper against five seeds"),
    Notebook("evidence/E2_ekt_released_record", "EKT's released record",
             "what the authors' own outputs say"),
    Notebook("evidence/E3_codeplan_claims", "CodePLAN's claims",
             "each claim of the paper against five seeds"),
    Notebook("evidence/E4_along_the_dial", "What moves the dial",
             "base, family, loss, weights, length, tries: one at a time"),
)
NOTEBOOKS = (*LESSONS, *EVIDENCE, *MORE)       # in the order of a full run


def path_of(notebook, root=ROOT):
    """The file of a ``Notebook`` of the list."""
    return root / "notebooks" / f"{notebook.stem}.ipynb"


def minutes(cells):
    """(minutes to read, minutes for the exercises), in steps of five."""
    return (max(5, 5 * round(reading_minutes(cells) / 5)),
            5 * round(doing_minutes(cells) / 5))


def with_minutes(notebook):
    """Write the minutes into a notebook's cells, in place."""
    cells = notebook["cells"]
    for cell in cells:
        if cell["cell_type"] == "markdown":
            cell["source"] = DIFFICULTY.sub(lambda found: (
                f"*Difficulty {found[1]} of 5, {found[2]}, "
                f"{EXERCISE[int(found[1])]} minutes.*"), cell["source"])
    for section in sections(cells)[1:]:
        whole = max(1, round(reading_minutes(section)
                             + doing_minutes(section)))
        section[0]["source"] = ABOUT.sub(
            f"*About {whole} minute{'s' * (whole > 1)}.*",
            section[0]["source"])
    read, do = minutes(cells)
    said = f"{read + do} minutes: {read} to read, {do} for the exercises"
    for cell in cells[:4]:
        cell["source"] = HEADER.sub(
            f"<!-- minutes -->{said if do else f'{read} minutes'}"
            f"<!-- /minutes -->", cell["source"])


def card_column(number, root=ROOT):
    """What the header says of the profile ``colab``: {row: words}.

    Empty for a notebook that the card did not measure.  Source:
    ``data/benchmarks/gpu.json``, which ``tests/benchmarks/gpu.py`` writes.
    """
    path = root / CARD_RESULTS
    measured = json.loads(path.read_text()) if path.exists() else {}
    minutes = measured.get("minutes", {}).get(number)
    if minutes is None or number not in measured["gib"]:
        return {}
    card = measured["facts"]["device"].removeprefix("NVIDIA ")
    return {"": "colab", "---": "---",
            "time": f"{math.ceil(minutes)} min, {card}",
            "memory": f"{measured['gib'][number]:.1f} GiB",
            "hardware": "16 GB GPU"}


def with_card(notebook, column):
    """Put :func:`card_column` into the header's table, in place."""
    def row(line):
        cells = [cell.strip() for cell in line.split("|")[1:3]]
        if column:
            cells.append(column.get(cells[0], ""))
        return "".join(f"| {cell} ".replace("  ", " ")
                       for cell in cells) + "|\n"

    first = notebook["cells"][0]
    first["source"] = TABLE.sub(lambda found: "".join(
        map(row, found[0].splitlines())).rstrip("\n"), first["source"])


def list_of(listed, found, folder=""):
    """Lines of a Markdown table of the ``listed`` notebooks.

    ``found`` has the notebooks by stem; links begin with ``folder``.
    """
    rows = ["| notebook | what you learn | minutes |", "| --- | --- | --- |"]
    for one in listed:
        rows.append(f"| [{one.number} {one.title}]({folder}{one.stem}.ipynb) "
                    f"| {one.learn} | {sum(minutes(found[one.stem].cells))} |")
    return "\n".join(rows)


def generated(root=ROOT):
    """{path: text} of all files that hold something generated.

    Raises ``ValueError`` for a notebook that is missing or not listed.
    """
    import nbformat

    there = {path.relative_to(root / "notebooks").with_suffix("").as_posix()
             for path in (root / "notebooks").rglob("*.ipynb")
             if ".ipynb_checkpoints" not in path.parts}
    if odd := there ^ {one.stem for one in NOTEBOOKS}:
        raise ValueError(f"in the list of helpers/tools/course.py or in "
                         f"notebooks/, and not in both: {', '.join(odd)}")
    found = {one.stem: read_notebook(path_of(one, root))
             for one in NOTEBOOKS}
    for _ in range(2):                  # the map has its own minutes, too
        for cell in found[LESSONS[0].stem].cells:
            cell.source = _between("map", "\n\n".join([
                list_of(LESSONS, found),
                "**More depth:**", list_of(MORE, found),
                "**Evidence:**", list_of(EVIDENCE, found)]), cell.source)
    for one in NOTEBOOKS:
        if (root / CARD_RESULTS).exists():     # else what stands there stays
            with_card(found[one.stem], card_column(one.number, root))
        with_minutes(found[one.stem])
    texts = {path_of(one, root): nbformat.writes(found[one.stem]) + "\n"
             for one in NOTEBOOKS}
    whole = {"lessons": LESSONS, "more": MORE, "evidence": EVIDENCE}
    for path, folder in ((root / "README.md", "notebooks/"),
                         (root / "notebooks" / "README.md", "")):
        text = path.read_text("utf-8")
        for name, listed in whole.items():
            text = _between(name, list_of(listed, found, folder), text)
        texts[path] = text
    return texts


def _between(name, inside, text):
    return re.sub(BETWEEN.format(name), lambda _: (
        f"<!-- {name} -->\n\n{inside}\n\n<!-- /{name} -->"), text,
        flags=re.DOTALL)


def main(argv=(), root=ROOT):
    """``python -m helpers course``; returns the exit code."""
    argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers course", description="Write the map, the "
        "READMEs' tables and the minutes that a person needs into the "
        "notebooks and READMEs.  Outputs stay as they are.").parse_args(argv)
    try:
        texts = generated(root)
        changed = [path for path, text in texts.items()
                   if path.read_text("utf-8") != text]
        write_all({path: texts[path] for path in changed})
        for path in changed:
            print(f"written {path.relative_to(root)}")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not changed:
        print("all notebooks and READMEs are as the list says")
    return 0
