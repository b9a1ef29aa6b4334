"""Every exercise of every notebook: its stub runs, its solution is right."""

import ast
import importlib
import re

import nbformat
import pytest

from helpers.profiles import ROOT

CALL = re.compile(r"yours\(\s*(?P<name>\w+),\s*(?P<check>check_\w+_\d)|"
                  r"^(?P<alone>check_\w+_\d)\((?P<answer>\w+)\)",
                  re.MULTILINE)


def exercises():
    """(check's name, name of the answer, stub, solution) of each exercise."""
    for path in sorted((ROOT / "notebooks").rglob("[0-9EM]*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        for stub, call, folds in zip(cells, cells[1:], cells[2:]):
            if "exercise" not in stub.metadata.get("tags", []):
                continue
            found = CALL.search(call.source)
            assert found, f"{path.stem}: no check follows {stub.source}"
            # Below it may stand what it calls.
            block, *_ = re.findall(r"```python\n(.*?)```", folds.source,
                                   re.DOTALL)
            check = found["check"] or found["alone"]
            yield pytest.param(check, found["name"] or found["answer"],
                               imports_above(cells, stub) + stub.source,
                               block, id=check)


def imports_above(cells, stub):
    """What a reader has imported on the way to an exercise."""
    above = [node for cell in cells[:cells.index(stub)]
             if cell.cell_type == "code" for node in ast.parse(
                 cell.source).body if isinstance(node, (
                     ast.Import, ast.ImportFrom))]
    return "".join(f"{ast.unparse(node)}\n" for node in above)


def defined(source, name):
    space = {}
    exec(source, space)
    return space[name]


def test_each_lesson_has_two_exercises():
    checks = [parameter.id for parameter in exercises()]
    for path in (ROOT / "notebooks").glob("[0-9]*.ipynb"):
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
