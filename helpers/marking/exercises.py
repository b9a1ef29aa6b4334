"""The exercises of the collection, read from its notebooks.

The notebooks are the one source of what is marked, bundled and exported: the
stub is the cell with the tag ``exercise``, the solution what is folded below.
"""

import ast
import functools
import importlib
import re
from dataclasses import dataclass

from helpers.profiles import ROOT
from helpers.tools.course import NOTEBOOKS, path_of
from helpers.tools.files import read_notebook
from helpers.tools.reading import DIFFICULTY

TAG = "exercise"
CALL = re.compile(
    r"^(?:\w+ = yours\(\s*(?P<name>\w+),\s*(?P<check>check_\w+_\d+)"
    r"(?:,\s*(?P<ours>[\w.]+))?|(?P<alone>check_\w+_\d+)\((?P<answer>\w+)\))",
    re.MULTILINE)
TITLE = re.compile(r"\*\*Exercise (\d+): ([^*]+?)[.?]?\*\*")
SOLUTION = re.compile(r"<details><summary>Solution</summary>.*?</details>\n?",
                      re.DOTALL)
PYTHON_BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Exercise:
    """``number`` is "04.1"; ``name`` is what the learner defines.

    ``cell`` and ``call`` are the ids of the stub's cell and of the next one,
    which checks; ``ours`` is the dotted name of the collection's own answer,
    "" where the exercise is no function of it; ``points`` follow difficulty.
    """

    number: str
    notebook: str
    title: str
    difficulty: int
    importance: str
    name: str
    check: str
    ours: str
    cell: str
    call: str
    stub: str
    solution: str

    @property
    def points(self):
        """What a right answer is worth: its difficulty, 1 to 5."""
        return self.difficulty

    def check_function(self):
        """The check, a function of the answer."""
        return getattr(importlib.import_module(self.module), self.check)

    @property
    def module(self):
        """The module of the check."""
        return "helpers.checks." + self.check.rpartition("_")[0].replace(
            "check_", "notebook_")


def exercises_of(cells, notebook):
    """The exercises in the ``cells`` of the notebook of that number.

    Raises ``ValueError`` with what an exercise lacks: each has a title and a
    difficulty above its stub, and below it its check and its folded solution.
    """
    found, told = [], ""
    for i, cell in enumerate(cells):
        if cell.cell_type == "markdown" and TITLE.search(cell.source):
            told = cell.source
        if TAG not in cell.metadata.get("tags", ()):
            continue
        below = [each.source for each in cells[i + 1:i + 3]] + ["", ""]
        fold = SOLUTION.search(below[1])
        parts = {
            "a title such as `**Exercise 1: a name**` above it":
                TITLE.search(told),
            "the words `*Difficulty 2 of 5, core.*` behind its title":
                DIFFICULTY.search(told),
            "the call of its check in the cell below it":
                CALL.search(below[0]),
            "a folded solution in Python below its check":
                fold and PYTHON_BLOCK.search(fold[0])}
        if lacking := [what for what, part in parts.items() if not part]:
            raise ValueError(f"notebook {notebook}: the exercise in the cell "
                             f"{cell.id!r} lacks {lacking[0]}")
        (number, title), (difficulty, importance), _, (solution,) = (
            part.groups() for part in parts.values())
        called = parts["the call of its check in the cell below it"]
        ours = called["ours"] and whole_name(
            called["ours"], [each.source for each in cells[:i + 2]
                             if each.cell_type == "code"])
        found.append(Exercise(
            f"{notebook}.{number}", notebook, " ".join(title.split()),
            int(difficulty), importance, called["name"] or called["answer"],
            called["check"] or called["alone"], ours or "", cell.id,
            cells[i + 1].id, cell.source, solution))
        told = ""
    return found


@functools.cache
def own_sources(number, root=ROOT):
    """The sources of the code cells of a notebook, as it is handed out."""
    notebook = next(one for one in NOTEBOOKS if one.number == number)
    return frozenset(
        cell.source for cell in read_notebook(path_of(notebook, root)).cells
        if cell.cell_type == "code" and TAG not in cell.metadata.get(
            "tags", ()))


def whole_name(dotted, sources):
    """``filtering.first_correct`` with all that stands before it."""
    first, _, rest = dotted.partition(".")
    for source in reversed(sources):
        for node in ast.walk(tree_of(source)):
            for alias in getattr(node, "names", ()):
                if not isinstance(alias, ast.alias):
                    continue
                if isinstance(node, ast.ImportFrom) and (
                        alias.asname or alias.name) == first:
                    return ".".join(filter(None, (node.module, alias.name,
                                                  rest)))
                if isinstance(node, ast.Import) and alias.asname == first:
                    return f"{alias.name}.{rest}"
    return dotted


def tree_of(source):
    """The tree of a cell, empty where it is no Python."""
    try:
        return ast.parse(plain_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])


def plain_python(source):
    """A cell without the lines that only IPython knows, ``%time`` say."""
    return re.sub(r"(?m)^(\s*)[%!].*$", r"\1pass", source)


def all_exercises(root=ROOT):
    """{number of a notebook: its exercises} of those that have some."""
    found = {}
    for notebook in NOTEBOOKS:
        path = path_of(notebook, root)
        if path.exists():
            cells = read_notebook(path).cells
            if some := exercises_of(cells, notebook.number):
                found[notebook.number] = some
    return found
