"""Bundles hold what they are said to hold, and run."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest

from helpers import __main__ as cli
from helpers.marking.bundling import instructor_files, student_files
from helpers.marking.exercises import all_exercises
from helpers.profiles import ROOT

EXERCISES = [one for some in all_exercises().values() for one in some]


def test_learners_get_hints_and_no_solutions():
    files = student_files(ROOT)
    text = b"\n".join(data for name, data in files.items()
                      if name.endswith((".ipynb", ".md"))).decode()
    assert "<summary>Hint 1</summary>" in text
    assert "Solution</summary>" not in text
    assert "<!-- source" not in text
    assert not [name for name in files if re.search(
        r"marking|teaching|data/benchmarks|MARKING|solutions/|__pycache__",
        name)]
    assert "pytest" not in files["environment.yml"].decode()
    assert "pytorch" in files["environment.yml"].decode()
    assert "](teaching/" not in text and "](../tests/" not in text
    for one in EXERCISES:                 # each is still an exercise
        stem = next(name for name in files if name.endswith(".ipynb")
                    and f"/{one.notebook}_" in name)
        assert json.dumps(one.stub.splitlines()[0])[1:-1] in files[
            stem].decode()


def test_instructors_get_solutions_in_place_cases_and_points():
    files = instructor_files(ROOT)
    for one in EXERCISES:
        name = next(name for name in files if name.startswith("solutions/")
                    and name.endswith(".ipynb")
                    and f"/{one.notebook}_" in name)
        cell = next(cell for cell in nbformat.reads(
            files[name].decode(), 4).cells if cell.id == one.cell)
        assert cell.source == one.solution.rstrip("\n") and not cell.outputs
        assert f"| {one.number} | {one.title} | {one.importance} | " in files[
            "MARKING.md"].decode()
    assert "helpers/marking/hidden.py" in files
    assert b"collection's own functions" in files["README.md"]


@pytest.mark.parametrize("kind, name, says", [
    ("student", "notes.txt", "is there already, and is not a bundle"),
    ("instructor", "file/x.zip", "cannot write"),
    ("nbgrader", ".", "holds file, which is no part")])
def test_nothing_of_others_is_written_over(tmp_path, capsys, kind, name, says):
    for mine in ("file", "notes.txt"):
        (tmp_path / mine).write_text("mine")
    assert cli.main(["bundle", kind, "--output", str(tmp_path / name)]) == 2
    told = capsys.readouterr().err
    assert says in told and told.count("\n") == 1
    assert [path.read_text() for path in tmp_path.iterdir()] == ["mine"] * 2


def test_the_student_s_bundle_runs(tmp_path, capsys):
    target = tmp_path / "x.zip"
    assert cli.main(["bundle", "student", "--output", str(target)]) == 0
    first = target.read_bytes()
    assert cli.main(["bundle", "student", "--output", str(target)]) == 0
    assert target.read_bytes() == first
    capsys.readouterr()
    zipfile.ZipFile(target).extractall(tmp_path)
    folder = tmp_path / "student-bundle"

    def command(*argv):
        return subprocess.run(
            [sys.executable, "-m", "helpers", *argv], cwd=folder, text=True,
            capture_output=True, timeout=900)
    ran = command("run", "00")
    assert ran.returncode == 0, ran.stderr
    assert (folder / "runs/mini/notebooks/00_start_here.ipynb").exists()
    refused = command("grade", "x.ipynb")
    assert refused.returncode == 2
    assert "no part of this copy" in refused.stderr


# ---- nbgrader

# It runs a notebook from its beginning for each learner: a short one.
ASSIGNMENT = "M8"


def gradebook_total(course, student):
    """{grade id: points} of a student, as nbgrader has them."""
    from nbgrader.api import Gradebook
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        found = book.find_submission(ASSIGNMENT, student)
        return {grade.name: grade.score for notebook in found.notebooks
                for grade in notebook.grades}


@pytest.mark.skipif(not importlib.util.find_spec("nbgrader"),
                    reason="nbgrader is not installed: `make test` brings it")
def test_nbgrader_gives_full_none_and_partial_marks(tmp_path, capsys):
    course = tmp_path / "course"
    assert cli.main(["bundle", "nbgrader", "--output", str(course)]) == 0
    capsys.readouterr()

    # It calls alembic by its name.
    path = os.pathsep.join([os.path.dirname(sys.executable),
                            os.environ.get("PATH", "")])

    def nbgrader(*argv):
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *argv], cwd=course, text=True,
            capture_output=True, timeout=900,
            env=os.environ | {"PATH": path})
        assert done.returncode == 0, done.stderr[-3000:]
    nbgrader("generate_assignment", ASSIGNMENT, "--create")
    path, = (course / "release" / ASSIGNMENT).glob("*.ipynb")
    released = nbformat.read(path, as_version=4)
    some = all_exercises()[ASSIGNMENT]
    for one in some:
        cell = next(cell for cell in released.cells
                    if cell.metadata.get("nbgrader", {}).get("grade_id")
                    == f"answer-{one.number.replace('.', '-')}")
        assert one.stub in cell.source
        assert one.solution.strip() not in cell.source
    right = {"all": 2, "none": 0, "some": 1}
    for student, count in right.items():
        for one in some[:count]:
            for cell in released.cells:
                if cell.metadata.get("nbgrader", {}).get("grade_id") == (
                        f"answer-{one.number.replace('.', '-')}"):
                    cell.source = one.solution
        folder = course / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        nbformat.write(released, folder / path.name)
        released = nbformat.read(path, as_version=4)
    nbgrader("autograde", ASSIGNMENT)
    for student, count in right.items():
        found = gradebook_total(course, student)
        assert found == {
            f"test-{one.number.replace('.', '-')}":
            one.points if number < count else 0
            for number, one in enumerate(some)}
