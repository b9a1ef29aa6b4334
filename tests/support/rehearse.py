"""A rehearsal of the colab profile: its notebooks, on a CPU, in minutes.

    python tests/support/rehearse.py [--folder FOLDER] [--new] [NOTEBOOK ...]

The Hub is a server on this machine (``hub_server.py`` beside this), which
has small stand-ins of the models under their true names, taught for a minute,
and made-up data sets, of which GSM8K has 48 problems to train on.  All else
is real: the notebooks, the command line, the client of the Hub, 4 bits, the
other sizes of the profile.  The run happens in a
copy of the repository, so that nothing made up is taken for a result.
What was computed is kept: the same command goes on.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[2]
PROBLEMS = 48, 24         # of GSM8K's two splits, where the Hub has 7473, 1319
LEFT_OUT = ("runs", "work", ".git", ".venv*", "__pycache__", "build",
            "*.egg-info", ".pytest_cache", ".ipynb_checkpoints")


def copy_repository(target):
    """The repository in ``target``, with the results that are there kept."""
    shutil.copytree(ROOT, target, dirs_exist_ok=True,
                    ignore=shutil.ignore_patterns(*LEFT_OUT))
    return target


def environment(url, folder, log):
    """For a run whose Hub is at ``url`` and whose network is this machine."""
    from helpers.tools import offline
    there = offline.offline_environment(log=log)
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE",
                 "TRANSFORMERS_OFFLINE"):
        del there[name]
    return there | {"HF_ENDPOINT": url, "HF_HOME": str(folder / "client"),
                    "HF_HUB_DISABLE_XET": "1",
                    "HF_UPDATE_DOWNLOAD_COUNTS": "0"}


def rehearse(folder, notebooks=(), profile="colab", lay=None):
    """Run notebooks of a profile with the Hub in ``folder``/hub.

    ``lay(folder)`` makes the Hub where there is none.  Returns the command's
    exit code, and the addresses outside this machine that were asked for.
    """
    from helpers.tools import offline
    from hub_server import Hub
    folder = Path(folder).resolve()
    hub, log = folder / "hub", folder / "refused.log"
    if not (hub / "complete").exists():
        shutil.rmtree(hub, ignore_errors=True)
        (lay or taught)(hub)
        (hub / "complete").write_text("")
    copy = copy_repository(folder / "copy")
    log.unlink(missing_ok=True)
    with Hub(hub) as server:
        done = subprocess.run(
            [sys.executable, "-m", "helpers", "run", "--profile", profile,
             *notebooks], cwd=copy, env=environment(server.url, folder, log)
            | {"PROFILE": profile})
    # `datasets` asks this of the host of HF_ENDPOINT, and goes on without.
    return done.returncode, [line for line in offline.refusals(log)
                             if "datasets-server." not in line]


RULE = re.compile(r"-+(?:  +-+)+")
# A dash, a zero in any form, none: what is no finding.
NOTHING = re.compile(r"[-–]|[-+−]?0+(?:\.0+)?(?: ?%)?|nan|None|no rows")
OF_NONE = re.compile(r"(?<![\d.,])0 of 0\b|\bnan\b|\(no rows\)")


def empty_rows(path):
    """[(cell id, line)] of an executed notebook that say nothing.

    A table without rows, or none of whose rows holds more than zeros and
    dashes; "0 of 0"; nan.  Such lines stand where a cell is about the mini
    world only and runs in another profile.
    """
    found = []
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            text = output.get("text", "") + output.get("data", {}).get(
                "text/plain", "")
            found += [(cell.id, line) for block in re.split(r"\n\s*\n", text)
                      for line in says_nothing(block.splitlines())]
    return found


def says_nothing(lines):
    """Those of ``lines``, an output's, that say nothing; of a table its
    head."""
    found = [line for line in lines if OF_NONE.search(line)]
    at = next((i for i, line in enumerate(lines)
               if RULE.fullmatch(line.strip())), None)
    if at is not None:
        rows = [re.split("  +", row.strip())[1:] for row in lines[at + 1:]]
        if all(NOTHING.fullmatch(cell) for row in rows for cell in row):
            found.append(lines[max(0, at - 1)])
    return found


def taught(folder):
    """The Hub of the stand-ins, with few problems: two cores are enough."""
    import standin_data
    import standin_teaching
    import standins
    for name, (role, *how) in standin_teaching.TAUGHT.items():
        standin_teaching.teach(standins.NAMES[name],
                               folder / "models" / name / "main", role, *how)
    standin_data.lay_data(folder, gsm=PROBLEMS)


def main():
    sys.path.insert(0, str(ROOT))      # its own folder is there already
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK")
    parser.add_argument("--folder", type=Path,
                        default=ROOT / "runs" / "rehearsal",
                        help="for the Hub, the copy and its results")
    parser.add_argument("--new", action="store_true",
                        help="begin with an empty folder")
    options = parser.parse_args()
    if options.new:
        shutil.rmtree(options.folder, ignore_errors=True)
    code, refused = rehearse(options.folder, options.notebooks)
    for line in refused:
        print(f"it wanted to leave this machine: {line}")
    empty = [(path.name, *each) for path in sorted((
        options.folder / "copy/runs/colab/notebooks").rglob("*.ipynb"))
        for each in empty_rows(path)]
    for name, cell, line in empty:
        print(f"says nothing in colab: {name}, cell {cell}: {line}")
    return code or int(bool(refused or empty))


if __name__ == "__main__":
    sys.exit(main())
