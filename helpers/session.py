"""A session made ready: what is missing added, what clashes removed.

The first cell of every notebook finds or clones the repository, puts it on
``sys.path`` and calls :func:`prepare`.  Until then it needs the standard
library only.
"""

import importlib
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import traceback
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from helpers import SPINNING
from helpers.profiles import ROOT, get_profile  # noqa: F401

DISTRIBUTION = "reasoning-distillation-notebooks"
EXTRA = "notebooks"             # of its packages; without it, the judge alone
# From 0.19 on, peft refuses an older torchao whenever LoRA is added to plain
# layers, though nothing here uses torchao.  Colab ships such a pair.
PEFT, TORCHAO = (0, 19), (0, 16)
# A module that was imported before its package changed may remember it.
STALE = {"torchao": ("peft", "torchao"),
         "bitsandbytes": ("peft", "transformers")}
# No cell needs the one; the other is added below, where it is needed.
NOT_NEEDED = ("jupyterlab", "bitsandbytes")
_restart = []                   # why, once it is needed
HALFWAY = ("restart the kernel and run this cell again: the import of torch "
           "was stopped halfway, and Python cannot take it up")


def prepare(profile, gpu=None):
    """Make this session fit for ``profile`` and print the session card.

    On Colab it uninstalls a torchao that peft refuses; elsewhere the
    environment is yours, and it only says so.  It installs bitsandbytes where
    it is missing, the profile's teacher has 4 bits and there is a GPU
    (``gpu``; None: look).  Nothing else is installed, and torch and numpy keep
    their versions.  Run again, it changes nothing.  Raises ``RuntimeError``
    with one sentence where a package is missing or too old, where pip fails,
    where the session must be restarted, and for such a torchao outside Colab.
    What would make the run slow or poor is one line below the card.  From
    here on a cell that is stopped says so in a sentence.
    """
    if sys.version_info < (3, 11):
        raise RuntimeError(
            f"these notebooks need Python 3.11 or newer, and this kernel is "
            f"{platform.python_version()}: choose another one, or open them "
            f"with `make lab`")
    if other := _stranger():
        raise RuntimeError(
            f"restart the session: {other} was imported, and it hides the "
            f"module of these notebooks that has the same name")
    if lacks := lacking():
        raise RuntimeError(
            f"this environment lacks {', '.join(lacks)}; on Colab choose the "
            f"latest runtime version, elsewhere open the notebooks with "
            f"`make lab`, or `pip install '.[{EXTRA}]'` in the repository")
    _import_torch()
    if gpu is None:
        import torch
        gpu = torch.cuda.is_available()
    for package, arguments in needed(profile, gpu).items():
        command = shlex.join(["pip", *arguments])
        if package == "torchao" and not on_colab():
            raise RuntimeError(
                f"peft {installed('peft')} refuses torchao "
                f"{installed('torchao')}; torchao is not used here: run "
                f"`{command}`, or update it, and restart the kernel")
        print(command, flush=True)
        _pip(arguments, command)
        if bool(installed(package)) != (arguments[0] == "install"):
            raise RuntimeError(f"`{command}` changed nothing; run it by hand "
                               f"and restart the kernel")
        if any(name in sys.modules for name in STALE[package]):
            _restart.append(f"{package} was {arguments[0]}ed")
    if _restart:
        raise RuntimeError(
            f"restart the session (on Colab: Runtime, Restart session) and "
            f"run the notebook from its top: {' and '.join(_restart)} after "
            f"this session had imported what depends on it")
    ipython = sys.modules.get("IPython")
    if shell := ipython and ipython.get_ipython():
        shell.set_custom_exc((KeyboardInterrupt,), _stopped)
    print(session_card(profile))
    for line in _notices(profile, gpu):
        print(line)


def _import_torch():
    """Import torch; say so where that was stopped, now or before."""
    try:
        if HALFWAY not in _restart:
            import torch  # noqa: F401
            return
    except KeyboardInterrupt:
        _restart.append(HALFWAY)
    raise RuntimeError(HALFWAY) from None


def lacking():
    """The requirements of pyproject.toml that are not met here."""
    return [text for name, text in _requirements().items()
            if name not in NOT_NEEDED and release(installed(name) or "0")
            < release(text.removeprefix(name))]


def needed(profile, gpu):
    """What pip has to do: {package: its arguments}, empty if nothing."""
    todo = {}
    torchao, peft = installed("torchao"), installed("peft")
    if (torchao and peft and release(peft) >= PEFT
            and release(torchao) < TORCHAO):
        todo["torchao"] = ["uninstall", "-y", "torchao"]
    if profile.teacher_4bit and gpu and not installed("bitsandbytes"):
        # With these two named, pip looks for a bitsandbytes that suits them.
        keep = [f"{name}=={installed(name)}" for name in ("torch", "numpy")]
        todo["bitsandbytes"] = [
            "install", _requirements()["bitsandbytes"], *keep]
    return todo


def on_colab():
    """Whether this is Google Colab."""
    return "COLAB_RELEASE_TAG" in os.environ or "google.colab" in sys.modules


def release(text):
    """The first two numbers of a version: "0.10.0+cu128" -> (0, 10)."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _stopped(shell, kind, value, tb, tb_offset=None):
    """Where a cell was stopped, in place of all frames below it.

    A training that is stopped stands a dozen calls deep in torch, and its
    traceback is hundreds of lines of code that nobody here has written.
    """
    where = "".join(f" in line {step.lineno}, `{step.line}`"
                    for step in traceback.extract_tb(tb)[1:2])
    value._render_traceback_ = lambda: [
        f"KeyboardInterrupt: stopped{where}. Run the cell again: what takes "
        f"long goes on where it was."]
    shell.showtraceback((kind, value, tb))


def _stranger():
    """The file of a module of another package ``helpers``, or None.

    The first cell makes room for ours, but what was imported before stays.
    """
    ours = Path(__file__).resolve().parent
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name.startswith("helpers.") and file and (
                ours not in Path(file).resolve().parents):
            return file


def _notices(profile, gpu):
    """What the reader should know before the next cell, one line each."""
    if profile.name in ("colab", "paper") and not gpu:
        yield (f"no GPU: the profile {profile.name} is made for one; on Colab "
               f"choose it under Runtime, Change runtime type")
    if SPINNING and not gpu:
        yield ("torch was imported before this cell, so its threads do not "
               "sleep while they wait, and beside another busy program all "
               "takes several times as long; restart the kernel and run this "
               "cell first")
    others = sorted(path.parent.name for path in (ROOT / "runs").glob(
        f"{profile.name}-*/settings.json")
        if path.parent.name != profile.folder)
    if others:
        yield (f"of another profile, and not used here: results in runs/"
               f"{', runs/'.join(others[:3])}{' ...' * (len(others) > 3)}")
    if not (ROOT / "data").is_dir():
        yield ("data/ is not here: its models and results do not come with "
               "an installed package, so open the notebook in a clone of the "
               "repository")


def _requirements():
    """{name: "name>=low"} of the notebooks, as pyproject.toml declares it.

    A package that was installed has no pyproject.toml beside it; there pip
    has written down the same, with the extra in a line's marker.
    """
    import tomllib                      # the cell must not end here, in 3.10

    file, lines = ROOT / "pyproject.toml", None
    if file.exists():
        project = tomllib.loads(file.read_text("utf-8")).get("project", {})
        if project.get("name") == DISTRIBUTION:
            lines = [*project["dependencies"],
                     *project["optional-dependencies"][EXTRA]]
    try:
        lines = lines or requires(DISTRIBUTION)
    except PackageNotFoundError:
        raise RuntimeError(
            "pyproject.toml is missing beside helpers/; take the whole "
            "repository, not a part of it") from None
    found = {}
    for line in lines:
        text, _, marker = line.partition(";")
        extra = re.search(r"extra\s*==\s*[\"']([\w-]+)", marker)
        if extra is None or extra[1] == EXTRA:
            found[re.match(r"[\w-]+", text).group()] = text.strip()
    return found


def _pip(arguments, command):
    done = subprocess.run([sys.executable, "-m", "pip", *arguments],
                          capture_output=True, text=True,
                          stdin=subprocess.DEVNULL)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        reason = next((line for line in lines if "ERROR" in line), lines[-1])
        raise RuntimeError(f"`{command}` failed, check the network and run "
                           f"this cell again: {reason}")


def installed(package):
    """The version of ``package``, or None where it is not installed."""
    importlib.invalidate_caches()       # pip may just have changed it
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def session_card(profile=None):
    """Versions and hardware of this session as text, one fact per line."""
    import torch
    lines = [f"Python        {platform.python_version()}"]
    for package in ("torch", "transformers", "peft", "datasets"):
        lines.append(f"{package:<14}{installed(package) or 'not installed'}")
    if torch.cuda.is_available():
        card = torch.cuda.get_device_properties(0)
        lines.append(f"GPU           {card.name}, capability "
                     f"{card.major}.{card.minor}, "
                     f"{card.total_memory / 2**30:.1f} GiB")
    else:
        lines.append("GPU           none, running on the CPU")
    lines.append(f"CPU cores     {os.cpu_count()}")
    lines.append(f"free disk     {shutil.disk_usage(ROOT).free / 2**30:.0f}"
                 " GiB")
    if profile:
        lines.append(f"profile       {profile.name}")
    if profile and profile.changed:
        lines.append("changed       " + ", ".join(
            f"{name}={value!r}" for name, value in profile.changed.items()))
        lines.append(f"results       runs/{profile.folder}/")
    return "\n".join(lines)
