"""Who may import whom: the table of rooms, held by every file of helpers/.

A module may import what its row names, its own room, and the libraries.
The most exact row counts: ``execution.inside`` before ``execution``.
"""

import ast
from pathlib import Path

import pytest

HELPERS = Path(__file__).resolve().parents[1] / "helpers"
LESSONS = ("problems", "hub", "prompts", "sampling", "exchange", "plans",
           "programs", "filtering", "loop", "training", "distillation",
           "expert_iteration", "multitask", "evaluation", "seeds")
TABLE = {
    "__init__": (), "__main__": (),
    "profiles": (), "prompts": (), "programs": (), "gpu": (),
    "figures": ("tools.files", "tools.arguments"),
    "loop": (),
    "progress": (),               # below every room that has long work
    "execution.inside": (),
    "tools": ("profiles", "progress", "figures"),
    "hub": ("profiles",),
    "session": ("__init__", "profiles"),
    "problems": ("profiles", "hub", "tools.files", "tools.arguments"),
    "sampling": ("prompts", "progress", "tools.files", "tools.arguments"),
    "teachers": ("prompts", "sampling", "gpu", "hub", "profiles",
                 "tools.offline", "tools.arguments"),
    "execution": ("problems", "progress", "tools.arguments"),
    "exchange": ("problems",),
    "plans": ("problems", "prompts", "sampling", "tools.files",
              "tools.arguments"),
    "filtering": ("problems", "prompts", "programs", "tools.files",
                  "tools.arguments"),
    "training": ("filtering", "gpu", "progress", "prompts",
                 "teachers.checkpoint", "teachers.unloadable", "tools.states",
                 "tools.folders", "tools.arguments"),
    "distillation": ("training", "filtering", "prompts"),
    "expert_iteration": ("training", "filtering", "teachers.checkpoint"),
    "multitask": ("training", "filtering", "plans", "problems", "prompts",
                  "sampling", "gpu", "tools.arguments"),
    "evaluation": ("tools.files", "tools.arguments"),
    "seeds": ("evaluation", "tools.arguments"),
    "mini": ("prompts", "plans", "programs"),
    "studies": ("evaluation", "seeds", "plans", "profiles", "mini.reading",
                "tools.files"),
    "scale": (*LESSONS, "profiles", "gpu", "teachers", "tools"),
    "checks": (*LESSONS, "profiles", "execution", "mini", "studies",
               "tools.files"),
    "marking": ("profiles", "problems", "checks", "execution.inside.plain",
                "tools"),
    "workshop": (*LESSONS, "profiles", "progress", "gpu", "figures",
                 "execution", "teachers", "mini", "studies", "scale", "tools"),
}


def modules():
    """{dotted name below helpers: path}; a room is named by itself."""
    found = {}
    for path in sorted(HELPERS.rglob("*.py")):
        parts = path.relative_to(HELPERS).with_suffix("").parts
        if parts[-1] == "__init__" and len(parts) > 1:
            parts = parts[:-1]
        if "guard" not in parts:
            found[".".join(parts)] = path
    return found


MODULES = modules()


def imported(module):
    """What of ours a module imports, also within functions, by its name."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, f"{module}: write helpers.… in full"
            base = node.module or ""
            if base.split(".")[0] != "helpers":
                continue
            base = base.removeprefix("helpers").removeprefix(".")
            for alias in node.names:
                whole = f"{base}.{alias.name}".strip(".")
                yield whole if whole in MODULES else base or "__init__"
        elif isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("helpers.")
                        for alias in node.names
                        if alias.name.startswith("helpers."))


def row(module):
    """The most exact row of the table for a module."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if ".".join(parts[:length]) in TABLE:
            return ".".join(parts[:length])
    raise AssertionError(f"{module} is in no room of the table")


def within(module, room):
    return module == room or module.startswith(room + ".")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_what_its_room_may(module):
    room = row(module)
    if module == "__main__":       # hands on to a command, by its name
        assert not list(imported(module))
    for name in imported(module):
        assert name in MODULES, f"{module} imports {name}, which is not there"
        allowed = within(name, room) or any(
            within(name, other) for other in TABLE[room])
        if room == "execution":
            allowed = allowed and name not in (
                "execution.inside.worker", "execution.inside.child")
        if room == "workshop":
            allowed = allowed and name not in ("tools.run", "tools.kernel")
        assert allowed, f"{module} ({room}) may not import {name}"


def test_no_module_imports_itself_in_the_end():
    edges = {module: set(imported(module)) for module in MODULES}

    def reaches(module):
        found, todo = set(), [module]
        while todo:
            for name in edges[todo.pop()] - found:
                found.add(name)
                todo.append(name)
        return found
    for module in MODULES:
        # A room's __init__ offers its own modules, and these know it not.
        assert module not in reaches(module), f"{module} is in a circle"


def test_every_row_of_the_table_is_a_room_that_is_there():
    for room, others in TABLE.items():
        for name in (room, *others):
            assert name in MODULES or name == "tools.files", name


def defined(module):
    """The public names that a module defines at its top level."""
    for node in ast.parse(MODULES[module].read_text("utf-8")).body:
        targets = (node.targets if isinstance(node, ast.Assign) else
                   [node.target] if isinstance(node, ast.AnnAssign) else [])
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        yield from (name.id for target in targets
                    for name in ast.walk(target)
                    if isinstance(name, ast.Name))


def test_no_name_stands_for_two_things_in_two_rooms():
    """``main`` is each command's; within a room, modules may be parallel."""
    rooms = {}
    for module in MODULES:
        for name in defined(module):
            if not name.startswith("_") and name != "main":
                rooms.setdefault(name, set()).add(module.split(".")[0])
    assert {name: found for name, found in rooms.items()
            if len(found) > 1} == {}
