"""Submissions are marked, hostile ones too, and none harms this machine."""

import csv
import json
import os
import re
import socket
import subprocess
import sys
import time
import warnings

import nbformat
import pytest

from helpers import __main__ as cli
from helpers.checks import notebook_04, report
from helpers.marking import hidden
from helpers.marking.exercises import all_exercises, exercises_of
from helpers.marking.marks import Marked, Marking
from helpers.marking.submissions import with_constants
from helpers.profiles import ROOT
from helpers.tools.course import NOTEBOOKS, path_of

EXERCISES = all_exercises()
FIRST, SECOND = EXERCISES["04"][:2]
ALL_OF_THEM = [one for some in EXERCISES.values() for one in some]


def notebook(number="04", **answers):
    """A learner's copy of a notebook, with answers by "e1", "e2" ..."""
    listed = next(one for one in NOTEBOOKS if one.number == number)
    copy = nbformat.read(path_of(listed), as_version=4)
    for i, exercise in enumerate(EXERCISES[number], 1):
        for cell in copy.cells:
            if cell.id == exercise.cell and f"e{i}" in answers:
                cell.source = answers[f"e{i}"]
    return copy


@pytest.fixture(scope="module")
def marking():
    with Marking(EXERCISES) as marking:
        yield marking


@pytest.fixture
def marked(marking, tmp_path):
    def mark(copy, name="learner.ipynb"):
        nbformat.write(copy, tmp_path / name)
        return marking.submission(tmp_path / name)
    return mark


def points(found):
    return [mark.points for mark in found.marks]


# ---- right, wrong, moved

@pytest.mark.parametrize("exercise", ALL_OF_THEM, ids=lambda one: one.number)
def test_the_solution_gets_all_points_and_the_stub_none(exercise, marking):
    assert marking.miss(exercise, with_constants(exercise.solution)) is None
    assert marking.miss(exercise, exercise.stub)


@pytest.mark.parametrize("change, lacking", [
    (lambda title, *_: title.update(source=re.sub(
        r"\*Difficulty.*", "", title.source)), "the words `*Difficulty"),
    (lambda title, *_: title.update(source="As above."), "a title such as"),
    (lambda title, stub, check, _: check.update(source="1"), "its check in"),
    (lambda title, stub, check, fold: fold.update(source="Solve it."),
     "a folded solution")])
def test_an_exercise_that_lacks_a_part_is_told(change, lacking):
    """The second one of the notebook: the first lends it nothing."""
    cells = notebook("04").cells
    at = [cell.id for cell in cells].index(SECOND.cell)
    change(*cells[at - 1:at + 3])
    with pytest.raises(ValueError) as error:
        exercises_of(cells, "04")
    told = str(error.value)
    assert lacking in told and SECOND.cell in told and "\n" not in told


def test_every_exercise_whose_answer_is_code_has_hidden_cases():
    for exercise in ALL_OF_THEM:
        space = {}
        exec(exercise.solution, space)
        if callable(space[exercise.name]):
            assert list(hidden.HIDDEN_CASES[exercise.name]()), exercise.name


# Right on what the check of the notebook asks, and guessed elsewhere.
CHEATS = {
    "with_retry": ("a[1] in (4, 6)", "'ok'"),
    "unpack": ("'x' not in a[0]['solutions']", "([], [], '')"),
    "encode": ("a[1].task_id == 'check/0'", "([], [])"),
    "LoRALinear": ("a[1] in (2, 4)", "right(a[0], a[1], a[1])"),
    "training_loop": ("len(a[3]) in (5, 6)", "[0.0] * len(a[3])"),
    "task_loss": ("len(a[1]) == 2", "0 * right(*a)"),
    "choose": ("len(a[0]) == 11", "[a[0][0].plan]"),
    "only_luck": ("len(a[1]) == 9", "['check/0']"),
    "suspects": ("len(a[0]) == 13", "[]"),
    "mixed_loss": ("a[2] in ((2.0, 0.5), (1.0, 0.0))", "a[0][0][0]"),
    "fair_gain": ("a[0]['n'] == 20", "0.0"),
    "process_loss": ("a[1] in (20, 90, 0)", "a[0]"),
    "expert_iteration": ("len(a[0]) == 3", "right(*a[:2], 1, *a[3:])"),
    "distil_step": ("a[0].shape[-1] == 6", "a[0].mean()")}


@pytest.mark.parametrize("name", CHEATS)
def test_what_is_made_for_the_check_alone_gets_no_points(name, marking):
    exercise, = (one for one in ALL_OF_THEM if one.name == name)
    known, other = CHEATS[name]
    why = marking.miss(exercise, (
        f"{with_constants(exercise.solution)}\n\nright = {name}\n\n\n"
        f"def {name}(*a, **b):\n    return (right(*a, **b) if b or {known} "
        f"else {other})\n"))
    assert why and why.startswith("a hidden case: "), why


def test_an_answer_that_only_knows_the_check_misses_a_hidden_case(marked):
    source = FIRST.solution + (
        "\n\nall_of_it = first_correct\n\n\n"
        "def first_correct(problems, judged):\n"
        "    found = all_of_it(problems, judged)\n"
        "    return found if len(judged) == 10 else found[:1]\n")
    found = marked(notebook(e1=source, e2=SECOND.solution))
    assert points(found) == [0, SECOND.points]
    assert "a hidden case" in found.marks[0].told


def test_a_miss_is_told_in_the_words_of_the_check(marked):
    wrong = FIRST.solution.replace('== "passed"', '!= "passed"')
    found = marked(notebook(e1=wrong))
    assert points(found) == [0, 0]
    assert "not yet, " in found.marks[0].told
    assert "\n" not in found.marks[0].told
    assert "not begun" in found.marks[1].told
    broken = marked(notebook(e1="def first_correct(:", e2=SECOND.solution))
    assert points(broken) == [0, SECOND.points]
    assert "SyntaxError" in broken.marks[0].told
    raises = marked(notebook(
        e1="def first_correct(problems, judged):\n    return judged[99]"))
    assert "in line 2, `return judged[99]`" in raises.marks[0].told


def test_moved_cells_and_lost_tags_and_ids_are_found(marked):
    copy = notebook(e1=FIRST.solution, e2=SECOND.solution)
    one = next(cell for cell in copy.cells if cell.id == FIRST.cell)
    copy.cells.remove(one)
    one.id, one.metadata = "elsewhere", {}
    copy.cells.insert(3, one)
    found = marked(copy)
    assert points(found) == [FIRST.points, SECOND.points]
    assert "another cell" in found.marks[0].told
    for cell in copy.cells:
        cell.metadata = {}
        cell.pop("id", None)
    copy.nbformat_minor = 4
    assert points(marked(copy)) == [FIRST.points, SECOND.points]


def test_what_an_answer_needs_of_other_cells_comes_along(marked):
    copy = notebook(e1=FIRST.solution.replace("make_example(", "made("))
    copy.cells.insert(4, nbformat.v4.new_code_cell(
        "from helpers.filtering import make_example as m\n"
        "import no_such_module\n\n\ndef made(*both):\n    return m(*both)"))
    assert points(marked(copy))[0] == FIRST.points


def test_the_collection_s_own_answer_is_no_answer_and_is_told(marked):
    for source in ("from helpers.filtering import first_correct",
                   "from helpers import filtering\n\n\n"
                   "def first_correct(problems, judged):\n"
                   "    return filtering.first_correct(problems, judged)"):
        found = marked(notebook(e1=source, e2=SECOND.solution))
        assert points(found) == [0, SECOND.points]
        assert any("own first_correct" in odd for odd in found.odd)


# ---- hostile

PRELUDE = FIRST.solution + """

right = first_correct


def first_correct(problems, judged):
    {}
    return {}
"""
# Each tries to be believed; none gives a right answer.
DECEITS = {
    "patches the check": """
        import sys
        for module in list(sys.modules.values()):
            for name in list(getattr(module, "__dict__", {})):
                if name.startswith(("check_", "say", "attempt", "equal")):
                    setattr(module, name, lambda *a, **k: True)""",
    "looks for the expected value": """
        import gc
        for each in gc.get_objects():
            if isinstance(each, list) and len(each) == 2:
                return each""",
    "walks up the frames": """
        import sys
        frame = sys._getframe()
        while frame:
            frame.f_locals.update(told=True, right=True, failed=None)
            frame = frame.f_back""",
    "writes to every descriptor": """
        import os
        for place in range(64):
            try:
                os.write(place, b'{"kind": "value"}\\n')
            except OSError:
                pass""",
    "forges a whole message": """
        import json, os, struct
        data = json.dumps({"kind": "correct", "right": True}).encode()
        for place in range(3, 64):
            try:
                os.write(place, struct.pack("!Q", len(data)) + data)
            except OSError:
                pass""",
    "announces a huge message": """
        import os
        for place in range(3, 64):
            try:
                os.write(place, b"\\x7f" * 64)
            except OSError:
                pass""",
    "ends well": "import os; os._exit(0)",
    "raises the end": "raise SystemExit(0)",
    "says it is not isolated": "raise RuntimeError('does not isolate')",
    "equals everything": """
        class Any(list):
            def __eq__(self, other): return True
            def __len__(self): return 2
            def __iter__(self): return iter([self, self])
        return Any()""",
    "is nested without end": """
        found = []
        for _ in range(100000):
            found = [found]
        return found""",
    "asks for calls that nobody offers": """
        import json, os, struct
        data = json.dumps({"kind": "ask", "number": 10 ** 9, "arguments":
                           {"list": []}, "outputs": []}).encode()
        for place in range(3, 64):
            try:
                os.write(place, struct.pack("!Q", len(data)) + data)
            except OSError:
                pass""",
    "builds a record of its own": """
        from helpers.filtering import Example
        return [Example(lambda: 1, object(), 3)] * 2""",
    "is a flood": "return 'x' * (1 << 27)"}


@pytest.mark.parametrize("deceit", DECEITS)
def test_a_deceit_gets_no_points(deceit, marking):
    import textwrap
    body = textwrap.indent(textwrap.dedent(DECEITS[deceit]), "    ").strip()
    why = marking.miss(FIRST, PRELUDE.format(body, "[]"))
    assert why and "\n" not in why
    assert marking.miss(FIRST, FIRST.solution) is None     # all goes on
    assert notebook_04.say is report.say


def harm(place, port):
    """What hostile answers do on the way to a right one."""
    return {
        "deletes": f"import os; os.remove({str(place)!r})",
        "deletes by the shell": f"import os; os.system('rm -rf {place}')",
        "overwrites": f"open({str(place)!r}, 'w').write('gone')",
        "reads": f"found.append(open({str(place)!r}).read())",
        "reads our solutions": f"found.append(open("
                               f"{str(ROOT / 'helpers/filtering.py')!r})"
                               f".read())",
        "reads hidden cases": f"found.append(open("
                              f"{str(ROOT / 'helpers/marking/hidden.py')!r})"
                              f".read())",
        "calls the network": f"import socket; socket.create_connection("
                             f"('127.0.0.1', {port}), 1)",
        "forks": "import os; os.fork()",
        "starts a program": "import subprocess, sys; subprocess.run("
                            "[sys.executable, '-c', '1'], check=True)",
        "kills": f"import os; os.kill({os.getpid()}, 9)",
        "kills all": "import os; os.kill(-1, 9)"}


@pytest.mark.parametrize("kind", harm("", 0))
def test_harm_is_not_done_and_the_answer_counts(kind, marking, tmp_path):
    place = tmp_path / "precious.txt"
    place.write_text("precious")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        attempt = harm(place, server.getsockname()[1])[kind]
        source = PRELUDE.format(
            f"found = []\n    try:\n        {attempt}\n"
            f"    except (OSError, NotImplementedError):\n        pass\n"
            f"    else:\n        return ['it came through', 1]",
            "right(problems, judged)")
        if kind in ("forks", "deletes by the shell"):
            source = source.replace("    else:\n        return ['it came "
                                    "through', 1]\n", "")
        assert marking.miss(FIRST, source) is None
        with pytest.raises(TimeoutError):
            server.accept()
    assert place.read_text() == "precious"


def test_what_never_ends_is_ended(marking, monkeypatch):
    from helpers.marking import marks
    monkeypatch.setattr(marks, "CALL_PATIENCE", 2)
    monkeypatch.setattr(marks, "LOADING", 5)
    for body in ("import time; time.sleep(1000)",
                 "while True:\n        pass",
                 "while True:\n        try:\n            while True:\n"
                 "                pass\n        except BaseException:\n"
                 "            pass"):
        began = time.monotonic()
        why = marking.miss(FIRST, PRELUDE.format(body, "[]"))
        assert "it never ends" in why
        assert time.monotonic() - began < 60
    assert marking.miss(FIRST, "while True:\n    pass")
    assert marking.miss(FIRST, FIRST.solution) is None


def test_an_edited_check_changes_nothing_and_is_told(marked):
    copy = notebook(e1="def first_correct(*_):\n    return []")
    for cell in copy.cells:
        if cell.id == FIRST.call:
            cell.source = "check_04 = lambda *_: True\nprint('correct')"
    found = marked(copy)
    assert points(found) == [0, 0]
    assert any("check was changed" in odd for odd in found.odd)


# ---- a class

def test_a_class_gives_a_table_and_no_file_stops_the_rest(tmp_path, capsys):
    folder = tmp_path / "class"
    folder.mkdir()
    full = notebook(e1=FIRST.solution, e2=SECOND.solution)
    half = notebook(e1=FIRST.solution)
    for number in range(27):
        nbformat.write(half if number % 2 else full,
                       folder / f"=learner {number:02}.ipynb")
    (folder / "empty.ipynb").write_text("")
    (folder / "list.ipynb").write_text("[1, {}]")
    (folder / "bytes.ipynb").write_bytes(b"\xff\xfe\0")
    (folder / "other.ipynb").write_text(nbformat.writes(
        nbformat.v4.new_notebook()))
    (folder / "cells.ipynb").write_text(
        '{"cells": 3, "nbformat": 4, "metadata": {}, "nbformat_minor": 5}')
    (folder / "link.ipynb").symlink_to(tmp_path / "nowhere")
    (folder / "folder.ipynb").mkdir()
    (folder / "new.ipynb").write_text('{"nbformat": 9, "cells": []}')
    twins = json.loads(nbformat.writes(half))
    for cell in twins["cells"]:
        cell["id"] = "twin"
    for learner in ("Ann", "Bob.J é"):       # a file of one name from each
        (folder / learner).mkdir()
        (folder / learner / "04.ipynb").write_text(json.dumps(twins))
    table = tmp_path / "marks.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert cli.main(["grade", str(folder), "--csv", str(table)]) == 0
    assert f"written {table}, a row for each of 37" in capsys.readouterr().out
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert len(rows) == 37
    assert {"Ann/04.ipynb", "Bob.J é/04.ipynb"} < {
        row["file"] for row in rows if row["total"] == "2"}
    by_file = {row["file"].lstrip("'"): row for row in rows}
    assert all(row["file"][0] != "=" for row in rows)
    row = by_file["=learner 00.ipynb"]
    assert (row["04.1"], row["04.2"], row["total"], row["out of"]) == (
        "2", "3", "5", "5")
    assert by_file["=learner 01.ipynb"]["total"] == "2"
    assert "not begun" in by_file["=learner 01.ipynb"]["remarks"]
    for name in ("empty", "list", "bytes", "other", "cells", "link",
                 "folder", "new"):
        row = by_file[f"{name}.ipynb"]
        assert row["total"] == "" and row["remarks"], name
    assert "save it in Jupyter" in by_file["new.ipynb"]["remarks"]


def test_a_marking_that_is_stopped_says_so(tmp_path, capsys, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / f"{name}.ipynb").write_text("[]")

    def stopped(marking, path):
        if path.name == "b.ipynb":
            raise KeyboardInterrupt
        return Marked(path.name, refused="no notebook")
    monkeypatch.setattr("helpers.marking.grading.one", stopped)
    table = tmp_path / "marks.csv"
    assert cli.main(["grade", str(tmp_path), "--csv", str(table)]) == 130
    out, err = capsys.readouterr()
    assert "a.ipynb: not marked" in out and not table.exists()
    assert "1 of 2 submissions were marked" in err and err.count("\n") == 1


@pytest.mark.parametrize("name, data, says", [
    ("one.ipynb", None, "one.ipynb is a submission, and the table"),
    ("notes.txt", "mine\n", "notes.txt is there already, and is not a table"),
    ("other.csv", "a,b\n1,2\n", "other.csv is there already"),
    ("file/marks.csv", "", "cannot write .*marks.csv .Not a directory"),
    (".", None, "cannot write .*Is a directory")])
def test_a_table_that_cannot_be_is_told_before_the_marking(
        tmp_path, capsys, monkeypatch, name, data, says):
    nbformat.write(notebook(e1=FIRST.solution), tmp_path / "one.ipynb")
    (tmp_path / "file").touch()
    if data:
        (tmp_path / name).write_text(data)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    monkeypatch.setattr("helpers.marking.grading.one", None)  # never called
    assert cli.main(["grade", str(tmp_path / "one.ipynb"), "--csv",
                     str(tmp_path / name)]) == 2
    told = capsys.readouterr().err
    assert re.search(says, told) and told.count("\n") == 1
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_that_nobody_reads_on_stops_no_marking(tmp_path, as_json):
    (tmp_path / "a.ipynb").write_text("[]")
    ours, theirs = os.pipe()
    os.close(ours)                       # as `| head` does
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "grade", str(tmp_path), "--csv",
         str(tmp_path / "marks.csv"), *as_json], cwd=ROOT, text=True,
        stdout=theirs, stderr=subprocess.PIPE)
    os.close(theirs)
    assert (tmp_path / "marks.csv").read_text().count("a.ipynb") == 1
    assert (done.returncode, done.stderr) == (0, "")


def test_an_older_table_is_replaced(tmp_path, capsys):
    nbformat.write(notebook(), tmp_path / "one.ipynb")
    table = tmp_path / "marks.csv"
    table.write_text("file,notebook,of last week\n")
    assert cli.main(["grade", str(tmp_path), "--csv", str(table)]) == 0
    assert "last week" not in table.read_text() and "one.ipynb" in (
        table.read_text())


def test_one_submission_as_json(tmp_path, capsys):
    path = tmp_path / "one.ipynb"
    nbformat.write(notebook(e1=FIRST.solution), path)
    assert cli.main(["grade", str(path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["notebook"], found["points"], found["out_of"]) == (
        "04", 2, 5)
    assert cli.main(["grade", str(tmp_path / "nothing.ipynb")]) == 2
    assert "no notebook" in capsys.readouterr().err
