"""A lesson is an hour of a person, who writes its core; the frame of all."""

import ast
import importlib
import re

import nbformat
import pytest

from helpers.checks import quiz
from helpers.tools import course, reading
from test_lint import PATHS, SOLUTION, bare, code_cells, markdown, tags

LESSONS = [course.path_of(one) for one in course.LESSONS]
HEADER = ("goal", "for you", "time", "memory", "hardware")
SOURCE = re.compile(r"<!-- source (\S+) -->\s*```python\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
EXERCISE = re.compile(r"\*\*Exercise (\d): [^*]+\*\* \*Difficulty")

lessons = pytest.mark.parametrize("path", LESSONS, ids=lambda p: p.stem[:2])
notebooks = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem[:2])


def read(path):
    return nbformat.read(path, as_version=4)


def prose(notebook):
    return "\n".join(markdown(notebook))


@lessons
def test_a_lesson_is_an_hour_for_a_person(path):
    notebook = read(path)
    assert len(code_cells(notebook)) <= 30
    assert reading.count_words(prose(notebook)) <= 1900
    minutes = (reading.reading_minutes(notebook.cells)
               + reading.doing_minutes(notebook.cells))
    assert minutes <= 62.5              # "60" in steps of five


@notebooks
def test_the_header_has_a_column_for_what_was_measured(path):
    head = markdown(read(path))[0]
    columns = re.search(r"(?m)^\| \| mini \|( colab \|)?$", head)
    for row in HEADER:
        found = re.search(rf"(?m)^\| {row} \| \S[^|]+ \|(.*)$", head)
        assert bool(found[1]) == bool(columns[1]), row
    measured = course.card_column(path.stem.partition("_")[0])
    assert bool(columns[1]) == bool(measured)
    for row in ("time", "memory", "hardware") if measured else ():
        assert f"| {measured[row]} |" in head


@notebooks
def test_the_frame(path):
    texts, notebook = markdown(read(path)), read(path)
    assert texts[1].startswith("## What you will be able to do")
    headings = re.findall(r"(?m)^## (.*)$", prose(notebook))[1:]
    numbered = [each for each in headings if re.match(r"\d+\. ", each)]
    assert [each.split(".")[0] for each in numbered] == [
        str(i + 1) for i in range(len(numbered))]
    rest = headings[len(numbered):]
    assert headings == numbered + rest
    assert rest == (["Recap", "Exit quiz", "Next"] if path in LESSONS
                    else ["Recap", "Next"])
    assert LINK.search(texts[-1])
    for section in reading.sections(notebook.cells)[2:2 + len(numbered)]:
        assert re.search(r"\*About \d+ minutes?\.\*", section[0].source)


@lessons
def test_a_guess_is_written_down_and_comes_back(path):
    notebook = read(path)
    assert "**Predict before you run.**" in prose(notebook)
    guess, = (cell for cell in code_cells(notebook) if "guess" in tags(cell))
    assert re.match(r"my_guess = None +# e\.g\. ", guess.source)
    code = "\n".join(cell.source for cell in code_cells(notebook))
    assert re.search(r"guessed\(\s*my_guess,", code)


@lessons
def test_the_way_on_is_the_next_lesson(path):
    last = markdown(read(path))[-1]
    following = LESSONS[LESSONS.index(path) + 1:][:1]
    assert all(each.name in LINK.findall(last) for each in following)


@notebooks
def test_links_lead_somewhere(path):
    for text in markdown(read(path)):
        for link in LINK.findall(re.sub(r"```.*?```", "", text,
                                        flags=re.DOTALL)):
            target = link.partition("#")[0]
            if target and not re.match(r"https?:", link):
                assert (path.parent / target).exists(), link


@notebooks
def test_an_exercise_has_all_its_parts(path):
    """Task with minutes, stub, a check, three hints and a solution."""
    cells = read(path).cells
    numbers = []
    for i, cell in enumerate(cells):
        if cell.cell_type != "code" or "exercise" not in tags(cell):
            continue
        task, check, folds = cells[i - 1], cells[i + 1], cells[i + 2]
        numbers += EXERCISE.findall(task.source)
        level = reading.DIFFICULTY.search(task.source)
        assert level and ", " in level[0] and "minutes" in level[0]
        assert "check_" in check.source
        if level[2] == "core":
            assert "yours(" in check.source, check.source
        assert len(SOLUTION.findall(folds.source)) == 1
        for hint in ("Hint 1", "Hint 2", "Hint 3"):
            assert f"<summary>{hint}" in folds.source
    assert numbers == [str(i + 1) for i in range(len(numbers))]
    if path in LESSONS:
        assert len(numbers) >= 2


@notebooks
def test_a_solution_from_the_package_is_the_package_s(path):
    for name, block in SOURCE.findall(prose(read(path))):
        module, _, function = name.rpartition(".")
        theirs = importlib.import_module(module)
        tree = ast.parse(open(theirs.__file__, encoding="utf-8").read())
        wanted, = (node for node in tree.body
                   if getattr(node, "name", None) == function)
        shown = [node for node in ast.parse(block).body
                 if getattr(node, "name", None) == function]
        assert [bare(node) for node in shown] == [bare(wanted)], name


@notebooks
def test_no_output_gives_a_solution_away(path):
    notebook = read(path)
    printed = "\n".join(
        "".join(output.get("text", "")) + "".join(
            output.get("data", {}).get("text/plain", ""))
        for cell in code_cells(notebook) for output in cell.outputs)
    for text in SOLUTION.findall(prose(notebook)):
        block = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
        lines = [line.strip() for line in block.splitlines()]
        hits = [line for line in lines if len(line) > 20 and line in printed]
        assert len(hits) < 2, hits


@lessons
def test_the_quiz_is_complete(path):
    number = path.name[:2]
    asked = quiz.questions(number)
    assert [one.id for one in asked] == [
        f"{number}-{i + 1}" for i in range(5)]
    assert sum(one.exit for one in asked) == 3
    cells = {cell.id for cell in read(path).cells}
    right = set()
    for one in asked:
        assert one.cell in cells, f"{one.id}: no cell {one.cell}"
        assert 3 <= len(one.options) <= 4
        which, = (i for i, option in enumerate(one.options) if option.right)
        right.add(which)
        assert len({option.text for option in one.options}) == len(
            one.options)
        for text in (one.question, *(text for option in one.options
                                     for text in (option.text, option.why))):
            assert 0 < len(text) <= 300
    assert len(right) > 1               # not always the same letter
    code = "\n".join(cell.source for cell in code_cells(read(path)))
    assert f'quiz("{number}", my_answers)' in code
