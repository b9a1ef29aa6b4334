"""The first cell of the notebooks, as a reader's fresh session runs it.

Every cell goes through IPython, and in one test through a real kernel.  The
repository that is cloned is one made here, with its release tag; git is told
to go there in place of the published address.  Packages come and go in an
environment of the test's own, which sees those of this one.
"""

import ast
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import venv
import zipfile
from contextlib import contextmanager
from pathlib import Path

import nbformat
import pytest

import helpers
from helpers import profiles, session
from helpers.profiles import get_profile
from helpers.tools import stamping

ROOT = Path(__file__).resolve().parents[1]
PLACE = stamping.read_place(ROOT)
ADDRESS = f"https://github.com/somebody/{PLACE.name}"
CELL = stamping.Place("somebody", PLACE.name, PLACE.tag).cell()
FIND = CELL.removesuffix("\nprepare(profile)")           # and no card
CLONE = f"{PLACE.name}-{PLACE.tag}"
START = "notebooks/00_start_here.ipynb"
PLACES = (".", "notebooks", "notebooks/more", "runs/mini/notebooks")
# A shell like that of a kernel, where a cell that fails ends the session.
SHELL = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell(colors="NoColor")
sys.exit(not all(shell.run_cell(code, store_history=True).success
                 for code in json.loads(sys.argv.pop())))
"""
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
def elsewhere(monkeypatch, tmp_path):
    """Not on Colab, unless a test says so; IPython's files stay here."""
    monkeypatch.delenv("COLAB_RELEASE_TAG", raising=False)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Variables that lead git to a repository with the tag, and a later
    commit that is in no release."""
    source = collection(tmp_path_factory.mktemp("published"))
    git(source, "init", "-q")
    git(source, "add", "-A")
    git(source, "commit", "-qm", "release")
    git(source, "tag", PLACE.tag)
    (source / "later").touch()
    git(source, "add", "-A")
    git(source, "commit", "-qm", "later")
    return redirect(source)


def collection(folder):
    """A copy of what the first cell needs."""
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / START, folder / START)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "helpers", folder / "helpers",
                    ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "data").mkdir()
    (folder / "data" / "here").touch()
    return folder


def redirect(source):
    """Variables that lead git to ``source``, a folder or an address."""
    if "://" not in str(source):
        source = f"file://{source}"
    return {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_VALUE_0": ADDRESS,
            "GIT_CONFIG_KEY_0": f"url.{source}.insteadOf"}


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


def run(folder, *cells, python=sys.executable, **variables):
    """The cells in one fresh session that was started in ``folder``."""
    environment = {**os.environ, "PROFILE": "mini", **variables}
    return subprocess.run(
        [str(python), "-c", SHELL, json.dumps(cells)], cwd=folder,
        env=environment, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, timeout=300)


def sentence(done):
    """What the reader is told: the last line of a session that failed."""
    assert done.returncode == 1, done.stderr
    return done.stdout.strip().splitlines()[-1]


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


# ---- the cell ----

def test_the_cell_is_short_and_begins_with_the_standard_library():
    for path in (ROOT / "notebooks").rglob("[0-9EM]*.ipynb"):
        first = next(cell for cell in nbformat.read(path, 4).cells
                     if "nbval-ignore-output" in cell.metadata.get("tags", ()))
        assert first.source == PLACE.cell(), "run `python -m helpers stamp`"
    steps = [line for line in CELL.splitlines()
             if line and not line.startswith("#")]
    assert len(steps) <= 18 and len(CELL.splitlines()) <= 30
    assert max(map(len, CELL.splitlines())) <= 79
    assert "run this cell; there is no need to read it." in (
        CELL.splitlines()[0])
    assert CELL.endswith("\nprepare(profile)")
    assert re.search(r"^# 3\. .* or get_profile\(\".*\n"
                     r"profile = get_profile\(\)$", CELL, re.MULTILINE)
    for node in ast.walk(ast.parse(CELL)):
        names = ([alias.name for alias in node.names] if isinstance(
            node, ast.Import) else [node.module] if isinstance(
            node, ast.ImportFrom) else [])
        for name in names:
            top = name.partition(".")[0]
            assert top == "helpers" or top in sys.stdlib_module_names


def test_the_example_of_the_cell_changes_something():
    example = re.search(r'get_profile\("\w+", .*?\)', CELL).group()
    assert eval(example, {"get_profile": get_profile}).changed
    for path in [*(ROOT / "notebooks").glob("*.*"), ROOT / "README.md"]:
        for found in re.findall(r'get_profile\(\\?"(\w+)\\?", (\w+)=(\d+)\)',
                                path.read_text("utf-8")):
            name, key, value = found
            assert get_profile(name, **{key: int(value)}).changed, path.name


def test_the_cell_hides_no_module_that_another_cell_uses():
    """It may be run again in the middle."""
    sets = {node.id for node in ast.walk(ast.parse(CELL)) if isinstance(
        node, ast.Name) and isinstance(node.ctx, ast.Store)}
    for path in (ROOT / "notebooks").rglob("[0-9]*.ipynb"):
        for cell in nbformat.read(path, 4).cells:
            for name in re.findall(r"^import (\w+)|^import \w+ as (\w+)",
                                   cell.source, re.MULTILINE):
                assert not sets & set(name), path.name


# ---- finding and cloning ----

def test_in_an_empty_folder_it_clones_the_release_once(
        tmp_path, private, published):
    folder = tmp_path / "Bob's notebooks"
    folder.mkdir()
    done = run(folder, "import os, sys; path = list(sys.path)",
               "environment = dict(os.environ)", CELL, CELL,
               "print(sys.modules['helpers'].__file__)",
               "print(sys.path[0], sys.path[1:] == path, os.getcwd())",
               "import helpers; environment.update(helpers.CALM)",
               "print(os.environ == environment)", '!echo "{root}/runs"',
               python=private[0], **published)
    assert done.returncode == 0, done.stdout
    clone = folder / CLONE
    assert done.stdout.count("profile       mini") == 2
    assert done.stdout.splitlines()[-4:] == [
        str(clone / "helpers" / "__init__.py"), f"{clone} True {folder}",
        "True", f"{clone}/runs"]
    assert not (clone / "later").exists()
    log = subprocess.run(["git", "log", "--oneline"], cwd=clone,
                         capture_output=True, text=True).stdout
    assert log.count("\n") == 1                     # shallow
    # The next session needs neither git nor the network.
    done = run(folder, CELL, python=private[0], PATH="")
    assert done.returncode == 0 and "profile       mini" in done.stdout


@pytest.fixture(params=PLACES)
def place(request, tmp_path):
    """The collection, and a folder in it where a notebook is opened."""
    here = tmp_path / "repository"
    for folder in PLACES:
        (here / folder).mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / START, here / START)
    for name in ("helpers", "pyproject.toml", "data"):
        (here / name).symlink_to(ROOT / name)
    return here, here / request.param


def test_in_the_repository_it_finds_it_and_does_nothing_else(place, private):
    here, folder = place
    before = sorted(here.rglob("[!_]*"))
    done = run(folder, "import os, sys; old = dict(os.environ)",
               "path = list(sys.path)",
               FIND, FIND,
               "import helpers",
               "assert os.environ == {**old, **helpers.CALM}",
               "print(os.getcwd())",
               f"print(sys.path == [{str(here)!r}, *path])",
               "print(sys.modules['helpers'].__path__, root)",
               "print({'torch', 'numpy', 'peft'} & set(sys.modules))",
               python=private[0], PATH="")
    assert done.returncode == 0, done.stdout
    # Here the package is a link, and `root` is where the link leads.
    assert done.stdout.splitlines() == [
        str(folder.resolve()), "True",
        f"{[str(here / 'helpers')]} {ROOT}", "set()"]
    assert sorted(here.rglob("[!_]*")) == before


def test_a_real_kernel_goes_on_once_the_network_is_back(
        tmp_path, private, published):
    """It shows one sentence and this cell, and nothing of its inside."""
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import KernelManager
    folder, source = tmp_path / "empty", tmp_path / "away"
    home = published["GIT_CONFIG_KEY_0"].removeprefix("url.file://")
    home = home.removesuffix(".insteadOf")
    folder.mkdir()
    (tmp_path / "kernels" / "ours").mkdir(parents=True)
    (tmp_path / "kernels" / "ours" / "kernel.json").write_text(json.dumps({
        "display_name": "ours", "language": "python", "argv": [
            str(private[0]), "-m", "ipykernel_launcher", "-f",
            "{connection_file}"]}))
    manager = KernelManager(
        kernel_name="ours", kernel_spec_manager=KernelSpecManager(
            kernel_dirs=[str(tmp_path / "kernels")]))
    manager.start_kernel(cwd=str(folder), env={
        **os.environ, "PROFILE": "mini", **redirect(source)})
    client = manager.client()

    def execute(code):
        shown = []
        client.execute_interactive(
            code, timeout=300, output_hook=lambda message: shown.append(
                (message["msg_type"], message["content"])))
        return [content for kind, content in shown
                if kind in ("error", "stream")]
    try:
        client.start_channels()
        client.wait_for_ready(timeout=120)
        error, = execute(CELL)
        assert error["evalue"].startswith("check git, the network and ")
        frames = [line for line in error["traceback"] if "Cell" in line]
        assert len(frames) == 1 and len(error["traceback"]) <= 4
        shutil.copytree(home, source)
        for _ in range(2):
            card, = execute(CELL)
            assert "profile       mini" in card["text"]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("broken, said", [
    ({"PATH": ""}, "git"),
    (redirect("/nowhere/at-all"), "/nowhere/at-all"),
    (redirect("http://127.0.0.1:9"), "127.0.0.1"),      # nobody listens
])
def test_a_clone_that_fails_is_one_sentence(tmp_path, private, broken, said):
    folder = tmp_path / "empty"
    folder.mkdir()
    done = run(folder, CELL, python=private[0], no_proxy="*", **broken)
    assert done.returncode == 1
    told = done.stdout[done.stdout.index("AssertionError: "):]
    assert "check git, the network and" in told and said in told
    assert f"{ADDRESS} at {PLACE.tag}" in told
    assert done.stdout.count("Traceback") == 1
    assert not list(folder.iterdir())


def test_a_release_that_does_not_exist(tmp_path, private, published):
    cell = stamping.Place("somebody", PLACE.name, "v99.0").cell()
    done = run(tmp_path / "private", cell, python=private[0], **published)
    assert done.returncode == 1
    assert f"{ADDRESS} at v99.0: " in done.stdout
    assert "v99.0 not found" in done.stdout


@contextmanager
def refusing_server():
    """What GitHub answers about a repository that it does not have."""
    class Refusing(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="GitHub"')
            self.end_headers()

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_a_repository_that_does_not_exist_asks_for_no_name(
        tmp_path, private):
    """Neither in a terminal nor in a window, which nobody may see."""
    folder, ask = tmp_path / "empty", tmp_path / "ask"
    folder.mkdir()
    ask.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\nsleep 600\n")
    ask.chmod(0o755)
    with refusing_server() as address:
        told = sentence(run(
            folder, CELL, python=private[0], no_proxy="*",
            GIT_ASKPASS=str(ask), SSH_ASKPASS=str(ask), DISPLAY=":0",
            GIT_CONFIG_NOSYSTEM="1", HOME=str(tmp_path),
            **redirect(address)))
    assert told.startswith("AssertionError: check git, the network and "
                           f"{ADDRESS} at {PLACE.tag}: fatal: ")
    assert not (tmp_path / "asked").exists()


def test_an_address_that_was_never_stamped(tmp_path, private):
    cell = stamping.Place(stamping.PLACEHOLDER, PLACE.name, PLACE.tag).cell()
    assert max(map(len, cell.splitlines())) <= 79
    told = sentence(run(tmp_path / "private", cell, python=private[0],
                        PATH=""))
    assert told == ("AssertionError: never published: open this notebook in "
                    "its collection")


# ---- another package of that name ----

@pytest.fixture(params=["module", "package"])
def foreign(request):
    """A function that puts a foreign ``helpers`` into a folder."""
    def put(folder):
        if request.param == "module":
            (folder / "helpers.py").write_text("mine = 1\n")
        else:
            (folder / "helpers").mkdir()
            (folder / "helpers" / "__init__.py").write_text("mine = 1\n")
            (folder / "helpers" / "figures.py").write_text("mine = 2\n")
    return put


@pytest.mark.parametrize("imported", [False, True])
def test_another_package_named_helpers(
        tmp_path, private, published, foreign, imported):
    folder = tmp_path / "mine"
    folder.mkdir()
    foreign(folder)
    first = ["import helpers; helpers.mine"] if imported else []
    done = run(folder, *first, CELL, CELL,
               "from helpers.figures.style import new_figure",
               "print(root)", python=private[0], **published)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == str(folder / CLONE)
    # The same beside a notebook of the collection.
    foreign(folder / CLONE / "notebooks")
    done = run(folder / CLONE / "notebooks", *first, FIND, "print(root)",
               python=private[0], PATH="")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == str(folder / CLONE)


def test_a_part_of_another_package_that_was_imported_before(
        tmp_path, private, published):
    folder = tmp_path / "mine"
    (folder / "helpers").mkdir(parents=True)
    (folder / "helpers" / "__init__.py").touch()
    (folder / "helpers" / "figures.py").touch()
    told = sentence(run(folder, "import helpers.figures", CELL,
                        python=private[0], **published))
    assert "restart the session" in told
    assert str(folder / "helpers" / "figures.py") in told


# ---- installed ----

@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The collection, and the wheel that is made of it, without a network."""
    pytest.importorskip("setuptools", minversion="77")
    source = collection(tmp_path_factory.mktemp("source"))
    pip(sys.executable, "wheel", "-w", source / "wheels", source)
    return source, next((source / "wheels").glob("*.whl"))


def pip(python, *arguments):
    done = subprocess.run(
        [str(python), "-m", "pip", *map(str, arguments), "--no-deps",
         "--no-index", "--no-build-isolation"], capture_output=True,
        text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("editable", [True, False])
def test_installed_it_may_be_opened_in_any_folder(
        tmp_path, private, built, foreign, editable):
    python, site = private
    source, wheel = built
    pip(python, "install", *(["-e", source] if editable else [wheel]))
    folder = tmp_path / "anywhere"
    folder.mkdir()
    asks = "from helpers.session import _requirements; print(_requirements())"
    done = run(folder, CELL, CELL, asks, "print(root)", python=python,
               PATH="")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-2:] == [
        str(session._requirements()), str(source if editable else site)]
    assert done.stdout.count("profile       mini") == 2
    assert ("data/ is not here" in done.stdout) != editable
    assert not list(folder.iterdir())
    foreign(folder)
    done = run(folder, FIND, "print(root)", python=python, PATH="")
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1] == str(source if editable else site)
    # In a folder of the collection it is that one.
    here = tmp_path / "other"
    here.mkdir()
    done = run(collection(here) / "notebooks", FIND, "print(root)",
               python=python, PATH="")
    assert done.stdout.splitlines()[-1] == str(here), done.stdout


def test_a_part_of_the_repository_is_not_enough(monkeypatch, tmp_path):
    monkeypatch.setattr(session, "ROOT", tmp_path)
    monkeypatch.setattr(session, "DISTRIBUTION", "no-such-distribution")
    with pytest.raises(RuntimeError, match="the whole repository"):
        session.lacking()


def test_an_old_python_is_told_so(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(RuntimeError, match="Python 3.11"):
        session.prepare(get_profile("mini"))


@pytest.mark.parametrize("name, gpu, lines", [
    ("mini", False, 0), ("mini", True, 0), ("colab", False, 1),
    ("paper", False, 1), ("paper", True, 0)])
def test_a_profile_that_needs_a_gpu_says_so(
        monkeypatch, capsys, name, gpu, lines):
    monkeypatch.setattr(session, "needed", lambda *_: {})
    session.prepare(get_profile(name), gpu=gpu)
    card, *after = capsys.readouterr().out.split(f"profile       {name}\n")
    assert after[0].count("\n") == lines
    assert after[0].startswith(f"no GPU: the profile {name}" * lines)


# ---- threads that wait ----

WAITING = {"OMP_WAIT_POLICY", *helpers.CALM}
TORCH = "import torch, helpers; print(helpers.SPINNING)"


@pytest.mark.parametrize("told, code, spins, spinning", [
    ({}, "import helpers, torch", "3000", None),
    ({}, "import helpers.scale.launch", "3000", None),
    # Before the collection, torch has its own way, and that is said.
    ({}, TORCH, "300000", "True"),
    # What the reader has set stays, and needs no word.
    ({"OMP_WAIT_POLICY": "PASSIVE"}, TORCH, "0", "False"),
    ({"GOMP_SPINCOUNT": "77"}, "import helpers, torch", "77", None),
    ({"KMP_BLOCKTIME": "3"}, "import helpers, torch", "3000", None)])
def test_threads_that_wait_go_to_sleep_soon(told, code, spins, spinning):
    """OpenMP itself says, when torch loads it, how long its threads spin."""
    environment = {name: value for name, value in os.environ.items()
                   if name not in WAITING}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, text=True,
        capture_output=True, env={**environment, **told,
                                  "OMP_DISPLAY_ENV": "VERBOSE"})
    assert done.returncode == 0, done.stderr
    found = re.search(r"GOMP_SPINCOUNT = '(\d+)'", done.stderr)
    if not found:
        pytest.skip("this torch was built with another OpenMP than GNU's")
    assert found[1] == spins
    assert spinning in (None, done.stdout.strip())


def test_a_session_whose_threads_spin_is_told_so(monkeypatch, capsys):
    monkeypatch.setattr(session, "needed", lambda *_: {})
    monkeypatch.setattr(session, "SPINNING", True)
    for gpu, lines in ((False, 1), (True, 0)):
        session.prepare(get_profile("mini"), gpu=gpu)
        said = capsys.readouterr().out
        assert said.count("restart the kernel and run this") == lines


def test_a_profile_of_the_environment_is_warned_of_too(monkeypatch):
    monkeypatch.setenv("PROFILE", "colab")
    told, = session._notices(get_profile(), gpu=False)
    assert told.startswith("no GPU: the profile colab")
    assert not list(session._notices(get_profile("mini"), gpu=False))


def test_the_card_says_what_was_changed_and_where_results_go(
        tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "ROOT", tmp_path)
    monkeypatch.setattr(session, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    plain, changed = get_profile("mini"), get_profile("mini", epochs=2)
    assert session.session_card(plain).endswith("\nprofile       mini")
    assert session.session_card(changed).endswith(
        "\nprofile       mini\nchanged       epochs=2\n"
        "results       runs/mini-epochs-2/")
    assert not list(session._notices(plain, gpu=False))
    changed.runs
    told, = session._notices(plain, gpu=False)
    assert "not used here: results in runs/mini-epochs-2" in told
    assert not list(session._notices(changed, gpu=False))


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
    twice = ["try: exec(cell)\nexcept RuntimeError as error: print(error)"]
    done = run(ROOT / "notebooks", "import peft", f"cell = {CELL!r}",
               *twice, *twice, python=python, COLAB_RELEASE_TAG="1")
    assert done.returncode == 0, done.stderr
    first, again = [line for line in done.stdout.splitlines()
                    if "restart the session" in line]
    assert "torchao was uninstalled" in first and again == first
    done = run(ROOT / "notebooks", CELL, python=python, COLAB_RELEASE_TAG="1")
    assert done.returncode == 0 and "pip" not in done.stdout


def test_an_import_that_was_stopped_asks_for_a_restart(tmp_path):
    """torch cannot be imported again, once it was stopped halfway."""
    (tmp_path / "torch.py").write_text("raise KeyboardInterrupt")
    twice = ["try: exec(cell)\nexcept RuntimeError as error: print(error)"]
    done = run(ROOT / "notebooks", f"import sys\nsys.path[:0] = "
               f"[{str(tmp_path)!r}]", f"cell = {CELL!r}", *twice,
               "sys.modules['torch'] = 'a half'", *twice)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [session.HALFWAY] * 2


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
    offer("0.50.0", "torch>=2", "numpy")
    done = prepare(("mini", True), ("colab", False))
    assert done.returncode == 0 and "pip" not in done.stdout
    assert {entry.name for entry in site.iterdir()} == packages
    done = prepare(("colab", True), ("colab", True))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("pip install 'bitsandbytes>=0.50' torch==") == 1
    assert {entry.name for entry in site.iterdir()} - packages == {
        "bitsandbytes", "bitsandbytes-0.50.0.dist-info"}


@pytest.mark.parametrize("peft, torchao, clash", [
    ("0.18.1", "0.10.0", False), ("0.19.0", "0.15.0+cu128", True),
    ("0.20.0", "0.10.0", True), ("0.21.2", "0.16.0", False),
    ("1.0", "0.9", True), ("0.20.0", None, False), (None, "0.10.0", False)])
def test_which_versions_clash(monkeypatch, peft, torchao, clash):
    monkeypatch.setattr(session, "installed", {
        "peft": peft, "torchao": torchao, "bitsandbytes": "0.50"}.get)
    assert ("torchao" in session.needed(get_profile("mini"), True)) == clash


@pytest.mark.parametrize("package, version, lacks", [
    ("transformers", "4.57.6", ["transformers>=5.15"]),
    ("numpy", "2.0.0", []), ("torch", "2.11.0+cu128", []),
    ("psutil", None, ["psutil>=5.9.4"]), ("jupyterlab", None, [])])
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
    address = f"https://github.com/{PLACE.owner}/{PLACE.name}"
    owner = "an-account-with-as-many-letters-as-can-be"[:39]
    (tmp_path / "pyproject.toml").write_text(project.replace(
        f'version = "{PLACE.tag[1:]}"', 'version = "12.34.56"').replace(
        address, f"https://github.com/{owner}/{PLACE.name}.git"))
    texts = stamping.stamped(tmp_path)
    for path, text in texts.items():
        assert PLACE.owner not in text and f"{PLACE.tag}/" not in text
        assert f"{owner}/{PLACE.name}/blob/v12.34.56/" in text
        if path.suffix == ".ipynb":
            before = nbformat.read(path, 4).cells
            after = nbformat.reads(text, 4).cells
            changed = [(old, new) for old, new in zip(before, after)
                       if old != new]
            badge, first, *last = [new for _, new in changed]
            assert badge == after[0] and last in ([], after[-1:])
            assert first.source.startswith("# @title Set-up")
            assert all(old.get("outputs") == new.get("outputs")
                       for old, new in changed)
            assert max(map(len, first.source.splitlines())) <= 79
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


@pytest.mark.parametrize("remote, proposed", [
    ("https://github.com/ada/notebooks.git", "https://github.com/ada/"),
    ("git@github.com:ada/notebooks.git", "https://github.com/ada/notebooks"),
    ("ssh://git@github.com/ada/notebooks", "https://github.com/ada/note"),
    ("https://token@github.com/ada/notebooks", "https://github.com/ada/note"),
    ("https://example.org/ada/notebooks", "https://github.com/owner/name"),
    (None, "https://github.com/owner/name")])
def test_stamp_proposes_the_address_of_origin(
        tmp_path, capsys, remote, proposed):
    collection(tmp_path)
    file = tmp_path / "pyproject.toml"
    file.write_text(file.read_text().replace(
        f"github.com/{PLACE.owner}/", f"github.com/{stamping.PLACEHOLDER}/"))
    git(tmp_path, "init", "-q")
    if remote:
        git(tmp_path, "remote", "add", "origin", remote)
    assert stamping.main(root=tmp_path) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert f'Repository = "{proposed}' in told and ".git" not in told
    assert "token" not in told
    file.write_text(file.read_text().replace(stamping.PLACEHOLDER, "ada"))
    assert stamping.main(root=tmp_path) == 0
    assert "Repository" not in capsys.readouterr().out


@pytest.mark.parametrize("file, text, said", [
    ("pyproject.toml", "[", "pyproject.toml"), ("pyproject.toml", "", "vers"),
    ("pyproject.toml", "[project]\nversion = '1'", "GitHub only"),
    ("pyproject.toml", None, "no file"),
    ("pyproject.toml", "# \udcff", "pyproject.toml is not text in UTF-8"),
    ("pyproject.toml", "[project]\nversion = '1 \"'", "letters, digits"),
    ("pyproject.toml", "[project]\nversion = '1'\nurls = 'x'", "GitHub only"),
    ("pyproject.toml", "[project]\nversion = '1'\nurls.Repository = 3",
     "GitHub only"), ("README.md", "\udcff", "README.md is not text"),
    (START, "{", "00_start_here"), (START, '{"cells": []}', "00_start_here"),
    (START, None, "no notebooks"), ("README.md", None, "README.md")])
def test_stamp_says_what_is_wrong(tmp_path, capsys, file, text, said):
    collection(tmp_path)
    (tmp_path / file).unlink()
    if text is not None:
        (tmp_path / file).write_text(text, "utf-8", "surrogateescape")
    assert stamping.main(root=tmp_path) == 2
    told = capsys.readouterr()
    assert said in told.err and told.err.count("\n") == 1 and not told.out


def test_stamp_obeys_help(capsys):
    from helpers.__main__ import main
    before = {path: path.read_bytes()
              for path in (ROOT / "notebooks").glob("*.ipynb")}
    for option, code in (("--help", 0), ("-h", 0), ("--no-such-option", 2)):
        with pytest.raises(SystemExit) as end:
            main(["stamp", option])
        assert end.value.code == code
    assert "pyproject.toml" in capsys.readouterr().out
    assert before == {path: path.read_bytes() for path in before}


def test_notebooks_in_a_subfolder_are_stamped_too(tmp_path):
    collection(tmp_path)
    (tmp_path / "notebooks" / "more").mkdir()
    shutil.copy(tmp_path / START, tmp_path / "notebooks/more/09_x.ipynb")
    (tmp_path / "notebooks" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "notebooks/.ipynb_checkpoints/00_x.ipynb").write_text("{")
    texts = stamping.stamped(tmp_path)
    text = texts[tmp_path / "notebooks/more/09_x.ipynb"]
    assert "/notebooks/more/09_x.ipynb)" in text
    assert "Open notebook 09 in Colab" in text
    # The front page leads to the lessons alone.
    assert "[09](https://colab" not in texts[tmp_path / "README.md"]
    assert len(texts) == 3
