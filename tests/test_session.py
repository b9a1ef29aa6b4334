"""The first cell of the notebooks, as a reader's fresh Python runs it.

The repository that it clones is one made here, with its release tag; git is
told to go there in place of the published address.  Packages come and go in
an environment of the test's own, which sees those of this one.
"""

import ast
import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import nbformat
import pytest

from helpers import session
from helpers.profiles import get_profile
from helpers.tools import stamping

ROOT = Path(__file__).resolve().parents[1]
PLACE = stamping.read_place(ROOT)
ADDRESS = f"https://github.com/{PLACE.owner}/{PLACE.name}"
CLONE = f"{PLACE.name}-{PLACE.tag}"
START = "notebooks/00_start_here.ipynb"
CELL = next(cell.source for cell in nbformat.read(ROOT / START, 4).cells
            if cell.cell_type == "code")
LORA = """
import torch
from peft import LoraConfig, get_peft_model
get_peft_model(torch.nn.Sequential(torch.nn.Linear(2, 2)),
               LoraConfig(target_modules=["0"]))
print("LoRA works")
"""


def git(folder, *arguments):
    subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@x",
                    "-c", "commit.gpgsign=false", *arguments], cwd=folder,
                   check=True, capture_output=True)


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch):
    """Not on Colab, unless a test says so."""
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Variables that lead git to a repository with the tag, and a later
    commit that is in no release."""
    source = tmp_path_factory.mktemp("published")
    (source / "notebooks").mkdir()
    shutil.copy(ROOT / START, source / START)
    shutil.copy(ROOT / "pyproject.toml", source)
    shutil.copytree(ROOT / "helpers", source / "helpers",
                    ignore=shutil.ignore_patterns("__pycache__"))
    git(source, "init", "-q")
    git(source, "add", "-A")
    git(source, "commit", "-qm", "release")
    git(source, "tag", PLACE.tag)
    (source / "later").touch()
    git(source, "add", "-A")
    git(source, "commit", "-qm", "later")
    return redirect(source)


def redirect(source):
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": ADDRESS,
            "GIT_CONFIG_KEY_0": f"url.file://{source}.insteadOf"}


@pytest.fixture
def private(tmp_path):
    """A Python with all packages of this one but torchao, bitsandbytes and
    these notebooks; what pip does there stays there."""
    venv.create(tmp_path / "private", with_pip=False)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = tmp_path / "private" / "lib" / version / "site-packages"
    for folder in map(Path, reversed(sys.path)):
        if folder.name in ("site-packages", "dist-packages"):
            for entry in folder.iterdir():
                name = entry.name.lower()
                if not (site / entry.name).exists() and not (
                        name.startswith(("torchao", "bitsandbytes", "helpers",
                                         "reasoning_dist", "__editable"))
                        or name.endswith(".pth")):
                    (site / entry.name).symlink_to(entry)
    return tmp_path / "private" / "bin" / "python", site


def run(folder, *codes, python=sys.executable, **variables):
    """The codes in one fresh process that was started in ``folder``."""
    environment = {**os.environ, "PROFILE": "mini", **variables}
    return subprocess.run([str(python), "-c", "\n".join(codes)], cwd=folder,
                          env=environment, capture_output=True, text=True)


def sentence(done):
    """What the reader is told: the last line of a run that failed."""
    assert done.returncode == 1
    return done.stderr.strip().splitlines()[-1]


def distribution(site, name, version, requires=()):
    """An installed package with nothing in it, as pip leaves one."""
    info = site / f"{name}-{version}.dist-info"
    for file, text in contents(name, version, requires).items():
        (site / file).parent.mkdir(exist_ok=True)
        (site / file).write_text(text)
    (info / "INSTALLER").write_text("pip\n")


def contents(name, version, requires):
    info = f"{name}-{version}.dist-info"
    files = {f"{name}/__init__.py": f"__version__ = '{version}'\n",
             f"{info}/METADATA": "\n".join([
                 "Metadata-Version: 2.1", f"Name: {name}",
                 f"Version: {version}",
                 *(f"Requires-Dist: {each}" for each in requires), ""]),
             f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\n"
                              "Root-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{file},,\n" for file in (*files, f"{info}/RECORD"))
    return {**files, f"{info}/RECORD": record}


# ---- finding and cloning ----

def test_the_cell_is_short_and_begins_with_the_standard_library():
    assert len(CELL.splitlines()) <= 15
    assert max(map(len, CELL.splitlines())) <= 79
    for node in ast.walk(ast.parse(CELL)):
        names = ([alias.name for alias in node.names] if isinstance(
            node, ast.Import) else [node.module] if isinstance(
            node, ast.ImportFrom) else [])
        for name in names:
            top = name.partition(".")[0]
            assert top == "helpers" or top in sys.stdlib_module_names


def test_in_an_empty_folder_it_clones_the_release_once(
        tmp_path, private, published):
    done = run(tmp_path / "private", "import sys; old = list(sys.path)", CELL,
               CELL, "print(helpers.__file__ if 'helpers' in dir() else "
               "sys.modules['helpers'].__file__)",
               "print(set(sys.path) - set(old))",
               python=private[0], **published)
    assert done.returncode == 0, done.stderr
    clone = tmp_path / "private" / CLONE
    assert done.stdout.count("profile       mini") == 2
    assert done.stdout.splitlines()[-2:] == [
        str(clone / "helpers" / "__init__.py"), str({str(clone)})]
    assert not (clone / "later").exists()
    log = subprocess.run(["git", "log", "--oneline"], cwd=clone,
                         capture_output=True, text=True).stdout
    assert log.count("\n") == 1                     # shallow
    # The next session needs neither git nor the network.
    done = run(clone.parent, CELL, python=private[0], PATH="")
    assert done.returncode == 0 and "profile       mini" in done.stdout


@pytest.mark.parametrize("folder", [".", "notebooks", "runs/mini/notebooks"])
def test_in_the_repository_it_finds_it_and_does_nothing_else(
        tmp_path, folder, private):
    here = tmp_path / "repository"
    (here / "runs/mini/notebooks").mkdir(parents=True)
    (here / "notebooks").mkdir()
    shutil.copy(ROOT / START, here / START)
    for name in ("helpers", "pyproject.toml"):
        (here / name).symlink_to(ROOT / name)
    before = sorted(here.rglob("[!_]*"))
    done = run(here / folder, "import os, sys; old = dict(os.environ)",
               CELL.replace("prepare(profile)", ""),
               "assert os.environ == old", "print(os.getcwd())",
               "print(sys.modules['helpers'].__path__)",
               "print({'torch', 'numpy', 'peft'} & set(sys.modules))",
               python=private[0], PATH="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        str((here / folder).resolve()), str([str(here / "helpers")]), "set()"]
    assert sorted(here.rglob("[!_]*")) == before


@pytest.mark.parametrize("broken, said", [
    ({"PATH": ""}, "git"),
    (redirect("/nowhere/at-all"), "/nowhere/at-all"),
])
def test_a_clone_that_fails_is_one_sentence(tmp_path, private, broken, said):
    folder = tmp_path / "empty"
    folder.mkdir()
    done = run(folder, CELL, python=private[0], **broken)
    told = done.stderr[done.stderr.index("AssertionError: "):]
    assert "check git and the network" in told and said in told
    assert ADDRESS in told and PLACE.tag in told
    assert not list(folder.iterdir())


def test_another_package_named_helpers(tmp_path, private, published):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "helpers.py").write_text("")
    done = run(folder, "import helpers", CELL, python=private[0], **published)
    assert "restart the session" in sentence(done)
    assert str(folder / "helpers.py") in sentence(done)
    # One that was not imported yet is no obstacle.
    done = run(folder, CELL, python=private[0], **published)
    assert done.returncode == 0, done.stderr


# ---- packages ----

def test_a_torchao_that_peft_refuses(tmp_path, private):
    python, site = private
    distribution(site, "torchao", "0.10.0")
    folder = ROOT / "notebooks"
    assert "torchao" in sentence(run(folder, LORA, python=python))
    # An environment that is the reader's own is not changed.
    told = sentence(run(folder, CELL, python=python))
    assert "run `pip uninstall -y torchao`" in told
    assert (site / "torchao").exists()
    done = run(folder, CELL, CELL, LORA, python=python, COLAB_RELEASE_TAG="1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pip uninstall -y torchao\n") == 1
    assert done.stdout.endswith("LoRA works\n")


def test_a_restart_is_asked_for_until_it_happens(tmp_path, private):
    python, site = private
    distribution(site, "torchao", "0.10.0")
    twice = ["try: exec(cell)", "except RuntimeError as error: print(error)"]
    done = run(ROOT / "notebooks", "import peft", f"cell = {CELL!r}",
               *twice, *twice, python=python, COLAB_RELEASE_TAG="1")
    assert done.returncode == 0, done.stderr
    first, again = [line for line in done.stdout.splitlines()
                    if "restart the session" in line]
    assert "torchao was uninstalled" in first and again == first
    done = run(ROOT / "notebooks", CELL, python=python, COLAB_RELEASE_TAG="1")
    assert done.returncode == 0 and "pip" not in done.stdout


def test_bitsandbytes_is_installed_only_where_it_is_needed(
        tmp_path, private):
    """Nothing else changes, whatever the package asks for."""
    python, site = private
    wheels = tmp_path / "wheels"
    wheels.mkdir()

    def offer(version, *requires):
        with zipfile.ZipFile(wheels / f"bitsandbytes-{version}-py3-none-any"
                             ".whl", "w") as wheel:
            for file, text in contents("bitsandbytes", version,
                                       requires).items():
                wheel.writestr(file, text)

    def prepare(*calls):
        return run(ROOT, "from helpers.session import get_profile, prepare",
                   *(f"prepare(get_profile({name!r}), gpu={gpu})"
                     for name, gpu in calls), python=python,
                   PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels))
    packages = {entry.name for entry in site.iterdir()}
    offer("0.51.0", "torch>=99", "numpy")
    told = sentence(prepare(("colab", True)))
    assert "`pip install 'bitsandbytes" in told and "failed" in told
    offer("0.46.0", "torch>=2", "numpy")
    done = prepare(("mini", True), ("colab", False))
    assert done.returncode == 0 and "pip" not in done.stdout
    assert {entry.name for entry in site.iterdir()} == packages
    done = prepare(("colab", True), ("colab", True))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pip install 'bitsandbytes>=0.46' torch==") == 1
    assert {entry.name for entry in site.iterdir()} - packages == {
        "bitsandbytes", "bitsandbytes-0.46.0.dist-info"}


@pytest.mark.parametrize("peft, torchao, clash", [
    ("0.18.1", "0.10.0", False), ("0.19.0", "0.15.0+cu128", True),
    ("0.20.0", "0.10.0", True), ("0.21.2", "0.16.0", False),
    ("1.0", "0.9", True), ("0.20.0", None, False), (None, "0.10.0", False)])
def test_which_versions_clash(monkeypatch, peft, torchao, clash):
    monkeypatch.setattr(session, "installed", {
        "peft": peft, "torchao": torchao, "bitsandbytes": "0.50"}.get)
    assert ("torchao" in session.needed(get_profile("mini"), True)) == clash


@pytest.mark.parametrize("package, version, lacks", [
    ("transformers", "4.57.6", ["transformers>=5.0"]),
    ("numpy", "2.0.0", []), ("torch", "2.11.0+cu128", []),
    ("psutil", None, ["psutil>=5.9"]), ("jupyterlab", None, [])])
def test_an_environment_that_lacks_something(
        monkeypatch, package, version, lacks):
    there = session.installed
    monkeypatch.setattr(session, "installed", lambda name: (
        version if name == package else there(name)))
    assert session.lacking() == lacks
    if lacks:
        with pytest.raises(RuntimeError, match=f"lacks {lacks[0]}; .*Colab"):
            session.prepare(get_profile("mini"))


# ---- the address and the tag ----

def test_notebooks_and_readme_bear_the_address_and_tag_of_pyproject():
    for path, text in stamping.stamped(ROOT).items():
        assert path.read_text() == text, "run `python -m helpers stamp`"
        assert f"{PLACE.owner}/{PLACE.name}/blob/{PLACE.tag}/" in text
        assert "/blob/main/" not in text and "/tree/main" not in text


def test_a_new_address_and_version_reach_everything_but_outputs(tmp_path):
    for name in ("notebooks", "README.md", "pyproject.toml"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    project = (tmp_path / "pyproject.toml").read_text()
    owner = "an-account-with-as-many-letters-as-can-be"[:39]
    (tmp_path / "pyproject.toml").write_text(project.replace(
        f'version = "{PLACE.tag[1:]}"', 'version = "12.34.56"').replace(
        ADDRESS, f"https://github.com/{owner}/{PLACE.name}.git"))
    texts = stamping.stamped(tmp_path)
    for path, text in texts.items():
        assert PLACE.owner not in text and f"{PLACE.tag}/" not in text
        assert f"{owner}/{PLACE.name}/blob/v12.34.56/" in text
        if path.suffix == ".ipynb":
            before = nbformat.read(path, 4).cells
            after = nbformat.reads(text, 4).cells
            changed = [old.id for old, new in zip(before, after)
                       if old != new]
            assert changed == [before[0].id, before[3].id]
            assert before[3].outputs == after[3].outputs
            assert max(map(len, after[3].source.splitlines())) <= 79
        path.write_text(text)
    assert stamping.stamped(tmp_path) == texts


def test_what_cannot_be_stamped_is_left_alone(tmp_path):
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nversion = "1"\n[project.urls]\n'
        'Repository = "https://example.org/a/b"')
    with pytest.raises(ValueError, match="GitHub only"):
        stamping.stamped(tmp_path)
    notebook = nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_markdown_cell("# 09 Mine"),
        nbformat.v4.new_code_cell("print('mine')")])
    with pytest.raises(ValueError, match="first code cell of 09_mine"):
        stamping.stamp_notebook(notebook, "09_mine", PLACE)
    assert notebook.cells[1].source == "print('mine')"
