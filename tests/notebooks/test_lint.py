"""How every notebook is made: rules that a reader feels.

The notebooks themselves are executed by nbval (``make test``).
"""

import ast
import functools
import re
import statistics
from pathlib import Path

import nbformat
import pytest

from contrast import hard_to_read

ROOT = Path(__file__).resolve().parents[2]
PATHS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb")
               if ".ipynb_checkpoints" not in path.parts)
LESSONS = [path for path in PATHS if path.parent.name == "notebooks"]
HELPERS = ROOT / "helpers"
MODULES = {".".join(path.relative_to(HELPERS).with_suffix("").parts): path
           for path in sorted(HELPERS.rglob("*.py"))}
INTRODUCED = re.compile(r"Introduced in notebook (\d\d|[ME]\d)")
FENCE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
FOLD = re.compile(r"<details>.*?</details>", re.DOTALL)
SOLUTION = re.compile(
    r"<details>\s*<summary>[^<]*solution[^<]*</summary>(?:(?!</details>).)*?"
    r"```python\n.*?```.*?</details>", re.DOTALL | re.IGNORECASE)

notebooks = pytest.mark.parametrize(
    "notebook", [nbformat.read(path, as_version=4) for path in PATHS] or [
        pytest.param(None, marks=pytest.mark.skip("no notebooks yet"))],
    ids=[path.stem for path in PATHS] or ["none"])
needs_notebooks = pytest.mark.skipif(not PATHS, reason="no notebooks yet")


def code_cells(notebook):
    return [cell for cell in notebook.cells
            if cell.cell_type == "code" and cell.source.strip()]


def markdown(notebook):
    return [cell.source for cell in notebook.cells
            if cell.cell_type == "markdown"]


def tags(cell):
    return cell.metadata.get("tags", [])


def output_texts(cell):
    """All text of a cell's outputs, images left out."""
    for output in cell.outputs:
        yield output.get("text", "")
        yield "\n".join(output.get("traceback", []))
        for kind, data in output.get("data", {}).items():
            if kind.startswith("text/"):
                yield re.sub(r"data:image/[^\"']+", "", data)


def tree_of(cell):
    return ast.parse(re.sub(r"^\s*[%!].*$", "pass", cell.source,
                            flags=re.MULTILINE))


# ---- notebooks ----

@notebooks
def test_executed_in_order_with_outputs(notebook):
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(
        range(1, len(cells) + 1)), "run `make notebooks`"
    assert any(cell.outputs for cell in cells)
    for cell in cells:
        for output in cell.outputs:
            if output.output_type == "error":
                assert "raises-exception" in tags(cell), output.evalue


@notebooks
def test_no_noise(notebook):
    assert "widgets" not in notebook.metadata
    for cell in notebook.cells:
        texts = [cell.source]
        if cell.cell_type == "code":
            outputs = list(output_texts(cell))
            assert not any("Warning" in text for text in outputs), cell.source
            assert not any("widget" in kind for output in cell.outputs
                           for kind in output.get("data", {})), cell.source
            assert not any(output.get("name") == "stderr"
                           for output in cell.outputs), "make notebooks"
            assert "execution" not in cell.metadata, "make notebooks"
            assert not re.search(r"tqdm\.(auto|notebook)", cell.source)
            texts += outputs
        for text in texts:
            path = re.search(r"(/root/|/home/|/Users/|/tmp/)\S*", text)
            assert not path, f"absolute path {path.group()}"


@notebooks
def test_cells_are_short(notebook):
    lengths = [len(cell.source.splitlines()) for cell in code_cells(notebook)]
    assert statistics.median(lengths) <= 8
    assert max(lengths) <= 30
    for cell in code_cells(notebook):
        for line in cell.source.splitlines():
            assert len(line) <= 79, line
    texts = markdown(notebook)
    assert len(texts) >= len(lengths)
    for text in texts:
        prose = re.sub(r"```.*?```", "", FOLD.sub("", text), flags=re.DOTALL)
        prose = re.sub(r"^\s*\|.*$", "", prose, flags=re.MULTILINE)
        assert len(prose.split()) <= 120, prose


@notebooks
def test_every_image_has_alt_text(notebook):
    for cell in notebook.cells:
        text = cell.source if cell.cell_type == "markdown" else ""
        assert "![](" not in text
        tagged = re.findall(r"<img[^>]*>", text)
        for output in cell.get("outputs", []):
            tagged += re.findall(
                r"<img[^>]*>", output.get("data", {}).get("text/html", ""))
            for kind in output.get("data", {}):
                if kind.startswith("image/"):
                    about = output.metadata.get(kind, {})
                    assert about.get("alt", "").strip(), cell.source
        for tag in tagged:
            assert re.search(r"alt=[\"'][^\"']", tag), tag


@notebooks
def test_what_has_colours_can_be_read_in_both_themes(notebook):
    for cell in code_cells(notebook):
        for output in cell.outputs:
            page = output.get("data", {}).get("text/html", "")
            assert hard_to_read(page) == [], cell.source
    for text in markdown(notebook):
        assert hard_to_read(FENCE.sub("", text)) == [], text


@needs_notebooks
def test_first_code_cell_is_the_same_everywhere():
    cells = [next(cell for cell in code_cells(nbformat.read(path, 4))
                  if "guess" not in tags(cell)) for path in PATHS]
    assert all(cell.metadata.jupyter.source_hidden for cell in cells)
    first = {cell.source for cell in cells}
    assert len(first) == 1
    lines = first.pop().splitlines()
    assert len(lines) <= 30 and lines[-1] == "prepare(profile)"
    assert lines[0] == (
        "# @title Set-up: run this cell; there is no need to read it.")
    # How another profile is chosen is seen where it is chosen.
    assert lines[-2] == "profile = get_profile()"
    assert re.match(r"# 3\..* or get_profile\(\"", lines[-3])


@notebooks
def test_no_cell_knows_where_it_is_run(notebook):
    """On Colab the notebook is not in the repository."""
    for cell in code_cells(notebook)[1:]:
        for node in ast.walk(tree_of(cell)):
            if isinstance(node, ast.Constant) and "../" in str(node.value):
                raise AssertionError(f"start from ROOT: {node.value}")


@notebooks
def test_no_import_is_made_twice_or_hides_another(notebook):
    """But in exercises, which stand alone; the first cell belongs to all."""
    seen = {}
    for place, cell in enumerate(code_cells(notebook)):
        if "exercise" in tags(cell):
            continue
        for node in ast.walk(tree_of(cell)):
            if not isinstance(node, (ast.Import, ast.ImportFrom)):
                continue
            for alias in node.names:
                what = getattr(node, "module", None), alias.name
                name = alias.asname or alias.name
                before = seen.setdefault(name, (place, what))
                assert before in ((0, what), (place, what)), (
                    f"{name} was imported in a cell above: {cell.source}")


@needs_notebooks
def test_files_are_small_and_numbered_once():
    numbers = [path.name[:3] for path in PATHS]
    assert len(set(numbers)) == len(numbers)
    for path in PATHS:
        assert re.fullmatch(r"(\d\d|[EM]\d)_[a-z0-9_]+", path.stem)
        assert path.stat().st_size < 1_000_000


TEACHER = re.compile(r"teacher = load_teacher\(profile|lm(, \w+)? = load\(")
STUDENT = re.compile(r"load_student\(|load_model\(profile|= fresh\(")


@pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)
def test_the_teacher_is_freed_before_a_student_is_loaded(path):
    """But for a distillation, which asks the teacher at every step."""
    resident = False
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "code":
            continue
        loads = TEACHER.search(cell.source)
        if resident and "distil(teacher" not in cell.source:
            assert not STUDENT.search(cell.source), cell.source
        resident = (resident or bool(loads)) and "free(" not in (
            cell.source[loads.end():] if loads else cell.source)


# ---- modules ----

def public(path):
    """Public functions and classes at the top level of a module."""
    return [node for node in ast.parse(path.read_text()).body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef))
            and not node.name.startswith("_")]


@functools.cache
def shown():
    """{(module, name): its notebooks}, of all that is shown.

    A notebook shows what it imports or writes out; what is written out counts
    for the module that has a definition of that name ("*").
    """
    found = {}
    for path in PATHS:
        known = {}
        for cell in code_cells(nbformat.read(path, as_version=4)):
            for node in ast.walk(tree_of(cell)):
                if isinstance(node, ast.ImportFrom) and (
                        node.module or "").startswith("helpers."):
                    known |= {name.name: node.module[len("helpers."):]
                              for name in node.names}
                if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                    known.setdefault(node.name, "*")
                name = getattr(node, "name", getattr(node, "id", None))
                if name in known:
                    found.setdefault((known[name], name), set()).add(
                        path.name[:2])
    return found


def offered(module):
    """The names by which notebooks import what a module defines."""
    parts = module.split(".")
    return {module, ".".join(parts[:-1]), "*"} if parts[1:] else {module, "*"}


@needs_notebooks
@pytest.mark.parametrize("module", MODULES)
def test_a_pointer_leads_to_where_the_notebook_shows_the_name(module):
    for node in public(MODULES[module]):
        text = " ".join((ast.get_docstring(node) or "").split())
        for place in INTRODUCED.findall(text):
            there = set().union(*(shown().get((name, node.name), ())
                                  for name in offered(module)))
            assert place in there, (
                f"{module}.{node.name} is shown in {sorted(there)}, not in "
                f"notebook {place}")


def bare(node):
    """The function or class as text, docstrings left out."""
    node = ast.parse(ast.unparse(node)).body[0]
    for inner in ast.walk(node):
        if isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
            if ast.get_docstring(inner) is not None:
                inner.body = inner.body[1:] or [ast.Pass()]
    return ast.dump(node)


@functools.cache
def in_modules():
    """{name: [(module, its definition as text)]}."""
    found = {}
    for module, path in MODULES.items():
        if not module.startswith(("checks", "__main__")):
            for node in public(path):
                found.setdefault(node.name, []).append((module, bare(node)))
    return found


@notebooks
def test_functions_written_out_equal_the_module(notebook):
    theirs = in_modules()
    for cell in code_cells(notebook):
        if "exercise" in tags(cell):
            continue
        for node in tree_of(cell).body:
            name = getattr(node, "name", None)
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and (
                    name in theirs):
                where = [module for module, _ in theirs[name]]
                assert bare(node) in [text for _, text in theirs[name]], (
                    f"{name} differs from helpers.{' and '.join(where)}")


def test_the_core_of_each_lesson_is_written_out():
    core = {
        "01": {"compare"}, "02": {"few_shot_prompt", "pick",
                                  "cut_completion"},
        "03": {"plan_request", "no_leak", "carry_out"},
        "M2": {"choose", "best_of"}, "M3": {"unpack"},
        "04": {"first_correct", "days_in_order", "own_filter"},
        "M4": {"canonical", "follows", "k_distinct"},
        "05": {"encode", "completion_loss", "LoRALinear", "training_loop"},
        "M5": {"distillation_loss", "distil", "expert_iteration"},
        "06": {"task_loss", "alternate", "what_is_equal"},
        "M6": {"encode_for", "predict", "plan_head", "mixed_loss"},
        "07": {"pass_at_k", "bootstrap_means", "paired_interval"},
        "M8": {"crossing"},
        "08": {"with_retry", "estimate"},
        "M7": {"own_share", "accumulate_share"}}
    for path in PATHS:
        shown = {getattr(node, "name", None)
                 for cell in code_cells(nbformat.read(path, as_version=4))
                 for node in tree_of(cell).body}
        assert core.get(path.name[:2], set()) <= shown, path.name


# Numbers that a reader changes in a cell before; here they have a name.
NAMED_BEFORE = {"02-i1": "20", "07-522": "of 200", "08-050": "100|400"}


@pytest.mark.parametrize("name", NAMED_BEFORE)
def test_a_number_that_another_cell_sets_is_called_by_its_name(name):
    source, = (cell.source for path in LESSONS
               for cell in nbformat.read(path, 4).cells if cell.id == name)
    assert not re.search(rf"\b({NAMED_BEFORE[name]})\b", source)


def test_m9_trains_by_itself_what_06_trains():
    """In ``make test`` it finds the students of 06 and goes on from there."""
    found = []
    for name in ("06_*.ipynb", "M9_*.ipynb"):
        path, = (ROOT / "notebooks").rglob(name)
        tree = ast.parse("\n".join(
            cell.source for cell in nbformat.read(path, 4).cells
            if "def student_at" in cell.source))
        body = [node for node in ast.walk(tree) if isinstance(
            node, ast.FunctionDef)][0].body
        found.append([ast.dump(node) for node in body
                      if "lm.name = " not in ast.unparse(node)])
    assert found[0] == found[1] and len(found[0]) == 5
