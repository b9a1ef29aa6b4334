"""The collection as a course folder for nbgrader 0.9.

Each notebook with exercises is an assignment: ``source/04/04_....ipynb``.
Solutions stand between BEGIN SOLUTION and END SOLUTION below the stub, which
learners keep; the check follows as a test cell that asserts and has points.
"""

import nbformat

from helpers.marking.exercises import SOLUTION, all_exercises
from helpers.tools.course import NOTEBOOKS, path_of
from helpers.tools.files import read_notebook

CONFIG = """\
c = get_config()
c.CourseDirectory.course_id = "reasoning-distillation"
# Learners find the stub of each exercise above this line.
c.ClearSolutions.code_stub = {"python": "# the cell is yours"}
c.ExecutePreprocessor.timeout = 600
"""
README = """\
# A course for nbgrader

`source/` has an assignment for each notebook with exercises; `helpers/` and
`data/` lie beside it, where the notebooks' first cell finds them. In this
folder, with nbgrader installed beside what `pyproject.toml` lists:

```bash
nbgrader generate_assignment 04 --create
nbgrader autograde 04
nbgrader generate_feedback 04
```

Submissions belong in `submitted/NAME/04/`. nbgrader runs them as they are,
without isolation: use a container.
"""


def course_files(shared, root):
    """{path: bytes} of the course; ``shared`` is what learners need, too."""
    files = {name: data for name, data in shared.items()
             if not name.startswith("notebooks/")}
    exercises = all_exercises(root)
    for notebook in NOTEBOOKS:
        if notebook.number in exercises:
            source = read_notebook(path_of(notebook, root))
            name = notebook.stem.rpartition("/")[2]
            files[f"source/{notebook.number}/{name}.ipynb"] = (
                nbformat.writes(assignment(
                    source, exercises[notebook.number])) + "\n").encode()
    files["nbgrader_config.py"] = CONFIG.encode()
    files["README.md"] = README.encode()
    return files


def assignment(notebook, exercises):
    """The source version of a notebook, in place."""
    by_cell, cells = {one.cell: one for one in exercises}, []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = SOLUTION.sub("", cell.source).rstrip("\n")
        else:
            cell.outputs, cell.execution_count = [], None
        cells.append(cell)
        if cell.id in by_cell:
            one = by_cell[cell.id]
            cell.source = (f"{one.stub}\n\n\n### BEGIN SOLUTION\n"
                           f"{one.solution.rstrip()}\n### END SOLUTION")
            cell.metadata["nbgrader"] = graded(one, "answer", solution=True)
            cells.append(test_cell(one))
    notebook.cells = cells
    return notebook


def test_cell(one):
    """The cell that asserts: the check of the exercise, with its points."""
    cell = nbformat.v4.new_code_cell(
        f"# {one.points} point{'s' * (one.points > 1)}\n"
        f"from {one.module} import {one.check}\n\n"
        f"{one.check}({one.name}, mark=True)", id=f"{one.cell}-test"[-64:])
    cell.metadata["nbgrader"] = graded(
        one, "test", grade=True, locked=True) | {"points": one.points}
    return cell


def graded(one, part, grade=False, solution=False, locked=False):
    """nbgrader's metadata of a cell."""
    return {"schema_version": 3, "grade": grade, "solution": solution,
            "locked": locked, "task": False,
            "grade_id": f"{part}-{one.number.replace('.', '-')}"}
