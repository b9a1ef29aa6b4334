"""The judge, pass@k and the formats of others need two packages: installed
from the wheel beside these and nothing else, README's examples run.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_house import PROJECT, requirement
from test_readmes import blocks

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = [code for code in blocks(ROOT / "helpers" / "README.md", "python")
            if "load_teacher" not in code]


@pytest.fixture(scope="module")
def light(tmp_path_factory):
    """Runs code in a Python that has the wheel and its dependencies alone."""
    pytest.importorskip("setuptools", minversion="77")
    source = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "helpers", source / "helpers",
                    ignore=shutil.ignore_patterns("__pycache__"))
    site = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index",
         "--no-build-isolation", "--target", site, source],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name, _ in map(requirement, PROJECT["dependencies"]):
        for folder in filter(Path.is_dir, map(Path, sys.path)):
            for found in folder.glob(f"{name}*"):
                if re.match(rf"{name}([.-].*)?$", found.name) and not (
                        site / found.name).exists():
                    (site / found.name).symlink_to(found)

    def run(code):
        # Without the module site there is no site-packages.
        return subprocess.run(
            [sys.executable, "-S", "-c", code], cwd=site, text=True,
            env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True)
    return run


@pytest.mark.parametrize("code", EXAMPLES, ids=lambda code: code.split()[1])
def test_examples_run_with_what_the_wheel_brings(light, code):
    done = light(code)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) >= 2


@pytest.mark.parametrize("code, said", [
    ("from helpers.problems import load_problems\nload_problems('mini-gsm')",
     "data/ comes with a clone of the repository"),
    ("from helpers.problems import load_problems\nload_problems('gsm8k')",
     "needs the package datasets: pip install datasets"),
    ("from helpers.teachers import load_teacher\nload_teacher('a/b')",
     r"a teacher needs the package \w+: pip install .*\[notebooks\]"),
    ("from helpers.session import get_profile, prepare\n"
     "prepare(get_profile('mini'))", "lacks jupyterlab|lacks torch"),
    ("import sys\nfrom helpers.__main__ import main\nsys.exit(main(['run']))",
     "lacks the package|there are no notebooks")])
def test_what_needs_more_says_so(light, code, said):
    done = light(code)
    assert done.returncode and re.search(
        said, done.stderr.strip().splitlines()[-1]), done.stderr
