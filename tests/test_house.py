"""The house: dependencies that agree, files that are there and short."""

import ast
import re
import stat
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
HELPERS = ROOT / "helpers"
MODULES = {".".join(path.relative_to(HELPERS).with_suffix("").parts): path
           for path in sorted(HELPERS.rglob("*.py"))}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


# ---- dependencies ----

def requirement(line):
    """(name, range) of a pip or conda requirement, markers dropped."""
    text = line.partition("#")[0].partition(";")[0].strip(" -\"',")
    name, low = re.fullmatch(r"([\w.-]+?)(>=[\d.]+)?", text).groups()
    return {"pytorch": "torch"}.get(name, name), low


def declared():
    extras = PROJECT["optional-dependencies"].values()
    lines = [*PROJECT["dependencies"], *(x for extra in extras for x in extra)]
    return dict(map(requirement, lines))


def pinned(name):
    lines = (ROOT / name).read_text().lower().splitlines()
    return dict(line.split("==") for line in lines
                if not line.startswith("#"))


def test_conda_and_pip_agree():
    text = (ROOT / "environment.yml").read_text()
    block = text[text.index("dependencies:"):]
    lines = re.findall(r"^ +- (?!pip:?$)(.+)$", block, re.MULTILINE)
    conda = dict(map(requirement, lines))
    assert conda.pop("python") == PROJECT["requires-python"]
    assert conda == declared()


def test_every_dependency_has_its_reason():
    for name in ("pyproject.toml", "environment.yml"):
        lines = (ROOT / name).read_text().splitlines()
        for before, line in zip(lines, lines[1:]):
            if re.match(r"\s+(- |\")[\w-]+>=", line) and "python>" not in line:
                assert "  # " in line or before.strip().startswith("#"), line


def version(text):
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def test_ranges_admit_what_colab_ships_and_ci_pins():
    ranges = declared()
    assert version(ranges["torch"]) <= (2, 11)      # Colab's, not tested here
    assert version(PROJECT["requires-python"]) <= (3, 11)
    for file in ("constraints-ci.txt", "constraints-colab.txt"):
        pins = pinned(file)
        for name, low in ranges.items():
            assert low and "==" not in low, f"{name} needs a lower bound only"
            assert version(low) <= version(pins[name]), (file, name)


def test_the_lowest_versions_of_the_libraries_of_models_are_tested():
    """CI installs Colab's, so no bound may be lower than these."""
    assert "CONSTRAINTS=constraints-colab.txt" in (
        ROOT / ".ci" / "run").read_text()
    pins = pinned("constraints-colab.txt")
    for name in ("transformers", "datasets", "peft", "accelerate",
                 "bitsandbytes"):
        assert version(declared()[name])[:2] == version(pins[name])[:2], name


def test_the_file_of_lowest_versions_has_those_of_pyproject():
    """All that `make test` installs, so that the file cannot fall behind."""
    site = dict(map(requirement, PROJECT["optional-dependencies"]["site"]))
    lowest = {name: version(low) for name, low in declared().items()
              if name not in site}
    pins = pinned("constraints-lowest.txt")
    assert {name: version(pin)[:len(lowest.get(name, ()))]
            for name, pin in pins.items()} == lowest
    for name, pin in pins.items():      # 2.0.0 is the lowest of >=2.0
        assert not any(version(pin)[len(lowest[name]):]), name


def test_what_is_imported_is_declared():
    # Brought along by a declared package, for good.
    brought = {"nbformat": "jupyterlab", "nbclient": "jupyterlab",
               "jupyter_client": "jupyterlab", "ipykernel": "jupyterlab",
               "IPython": "jupyterlab", "nbconvert": "jupyterlab",
               "pygments": "jupyterlab", "PIL": "matplotlib",
               "tokenizers": "transformers",
               "safetensors": "transformers",
               "huggingface_hub": "transformers", "accelerate": "peft"}
    known = declared()
    sources = {file.name: file.read_text() for file in sorted(
        (ROOT / "helpers").rglob("[!_]*.py"))}
    for file in sorted((ROOT / "notebooks").glob("*.ipynb")):
        sources[file.name] = "\n".join(
            cell.source for cell in nbformat.read(file, 4).cells
            if cell.cell_type == "code")
    for file, source in sources.items():
        source = re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)
        for node in ast.walk(ast.parse(source)):
            names = ([alias.name for alias in node.names]
                     if isinstance(node, ast.Import) else [node.module]
                     if isinstance(node, ast.ImportFrom) and not node.level
                     else [])
            for top in {name.partition(".")[0] for name in names}:
                # A worker's modules know each other by short names.
                if (top in sys.stdlib_module_names or top == "helpers"
                        or f"{top}.py" in sources):
                    continue
                assert brought.get(top, top) in known, f"{file}: {top}"


# ---- files ----

def test_ci_runs_all_of_make_test_and_readme_names_both_commands():
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & stat.S_IXUSR
    assert "set -euo pipefail" in script.read_text()
    assert "\nmake test EVIDENCE=1\n" in script.read_text()
    assert "constraints-colab.txt" in script.read_text()
    named = re.findall(r"\btests/[\w./]+", script.read_text())
    assert named and all((ROOT / name).exists() for name in named)
    recipe = (ROOT / "Makefile").read_text().partition("\ntest: ")[2]
    assert recipe.index("ruff check") < recipe.index("pytest")
    readme = ROOT / "README.md"
    if not readme.exists():
        pytest.skip("README.md is not there")
    for command in ("make run", "make test"):
        assert command in readme.read_text()


@pytest.mark.parametrize("module", MODULES)
def test_modules_are_short(module):
    lines = MODULES[module].read_text().splitlines()
    assert len(lines) <= 450
    for number, line in enumerate(lines, start=1):
        assert len(line) <= 79, f"{module}, line {number}"


def test_no_command_takes_a_shortened_flag():
    for folder in ("helpers", "tests"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Call) and isinstance(
                        node.func, ast.Attribute) and node.func.attr in (
                        "ArgumentParser", "add_parser"):
                    assert "allow_abbrev=False" in ast.unparse(node), path
