"""Every exercise of every notebook: its stub runs, its solution is right."""

import importlib
import re

import nbformat
import pytest

from helpers.profiles import ROOT

CALL = re.compile(r"^(check_(\d\d)_\d)\((\w+)\)", re.MULTILINE)


def exercises():
    """(check's name, name of the answer, stub, solution) of each exercise."""
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        stub = call = None
        for cell in nbformat.read(path, as_version=4).cells:
            if "exercise" in cell.metadata.get("tags", []):
                stub = cell.source
            elif cell.cell_type == "code" and CALL.search(cell.source):
                call = CALL.search(cell.source)
            elif "<summary>Solution" in cell.source:
                block, = re.findall(r"```python\n(.*?)```", cell.source,
                                    re.DOTALL)
                yield pytest.param(call[1], call[3], stub, block, id=call[1])


def defined(source, name):
    space = {}
    exec(source, space)
    return space[name]


def test_each_notebook_has_two_exercises():
    checks = [parameter.id for parameter in exercises()]
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        number = path.name[:2]
        assert sum(f"check_{number}" in check for check in checks) >= 2
    assert len(set(checks)) == len(checks)


@pytest.mark.parametrize("check, name, stub, solution", list(exercises()))
def test_the_stub_is_not_yet_and_the_solution_is_correct(
        check, name, stub, solution, capsys):
    module = check[:-2].replace("check_", "notebook_")
    check = getattr(importlib.import_module(f"helpers.checks.{module}"), check)
    assert check(defined(stub, name)) is False
    assert ": not yet, " in capsys.readouterr().out
    assert check(defined(solution, name)) is True
    out = capsys.readouterr().out
    assert out.endswith(": correct\n") and out.count("\n") == 1
