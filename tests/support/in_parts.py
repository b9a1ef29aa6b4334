"""What `make test` runs, in several processes at a time.

    python tests/support/in_parts.py [TEST ...] -- [NOTEBOOK ...]

NOTEBOOK is a path, or "lessons" for those of the top folder, or "notebooks"
for all.  Two parts are notebooks: those that go on from each other's results,
in order, and all others, which begin with what ships.  Five are tests: those
of the judge and others that mostly wait for other processes, those that run
whole notebooks and sessions, those of models, and the rest.  As many parts as
the memory has room for run at the same time, so that no core is idle before
the end; those that take longest go first where they meet the others.  Each
computes in one thread, as several on one core wait for each other.  One part
is seen as it runs; of the others it is told when they have ended, and which
failed at the end.

With the lessons alone, the tests of WITH_ALL are left out: they run whole
notebooks once more, train what the studies rest on, or install for Colab.
"""

import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
WAITING = ("tools", "scale", "benchmarks", "test_light.py",
           "test_exchange.py")
SESSIONS = "notebooks", "test_session.py"
MODELS = ("gpu", "teachers", "workshop", "test_distillation.py",
          "test_expert_iteration.py", "test_hub.py", "test_multitask.py",
          "test_sampling.py", "test_training.py")
MANY = {"lessons": "*.ipynb", "notebooks": "**/*.ipynb"}
# Samples of 02 and 03 are read by M2 and M4, and M9 finds the students that 06
# has trained.
CHAIN = ("02", "03", "04", "05", "06", "07", "M2", "M4", "M9")
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider",
          "--durations=10", "--durations-min=1"]
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=1800"]
WITH_ALL = ("tests/notebooks/test_served_teacher.py",
            "tests/notebooks/test_rehearsal.py::test_a_notebook_runs_in",
            "tests/marking/test_bundles.py::test_nbgrader_gives_full",
            "tests/marking/test_bundles.py::test_the_student_s_bundle_runs",
            "tests/workshop/test_gates.py",
            "tests/workshop/test_shipped_runs.py",
            "tests/test_session.py::test_a_torchao_that_peft_refuses",
            "tests/test_session.py::test_bitsandbytes_is_installed_only")
NEED = 5 << 28             # bytes of memory that a part may take
SEEN, WAIT = "tests of the judge", "other tests that wait"
CHAINED, LEARNS = "the chain of notebooks", "tests of models"
LONG = SEEN, WAIT, CHAINED, LEARNS
GIVES_WAY = 5              # the niceness of all other parts


def parts_of(tests, notebooks):
    """{name: arguments} of the processes, in the order of their start.

    "tests" and "notebooks" stand for all of them, "lessons" for some.
    """
    whole = [str(path.relative_to(ROOT)) for path in sorted(
        (ROOT / "tests").iterdir()) if path.name.startswith("test_")
        or path.is_dir() and any(path.rglob("test_*.py"))]
    left_out = [f"--deselect={name}" for name in WITH_ALL] if (
        "tests" in tests and "notebooks" not in notebooks) else []
    tests = [name for given in tests for name in (
        whole if given == "tests" else [given])]
    notebooks = [name for given in notebooks for name in notebooks_of(given)]

    def room(test):
        name = "".join(Path(test.partition("::")[0]).parts[1:2])
        return ("judge" if name == "execution"
                else "waits" if name in WAITING else "runs" if name in SESSIONS
                else "models" if name in MODELS else "rest")

    chain = [name for name in notebooks if Path(name).name.startswith(CHAIN)]
    others = [name for name in notebooks if name not in chain]
    parts = {CHAINED: [*NBVAL, *chain] if chain else [],
             SEEN: [n for n in tests if room(n) == "judge"],
             WAIT: [n for n in tests if room(n) == "waits"],
             "tests of sessions": [n for n in tests if room(n) == "runs"],
             LEARNS: [n for n in tests if room(n) == "models"],
             "all other tests": [n for n in tests if room(n) == "rest"],
             "the other notebooks": [*NBVAL, *others] if others else []}
    return {name: arguments + (left_out if "tests" in name else [])
            for name, arguments in parts.items() if arguments}


def notebooks_of(given):
    """The paths that are meant; lessons first, then the folders below."""
    if given not in MANY:
        return [given]
    paths = [path.relative_to(ROOT) for path in sorted(
        (ROOT / "notebooks").glob(MANY[given]))
        if ".ipynb_checkpoints" not in path.parts]
    return [str(path) for path in sorted(
        paths, key=lambda path: (len(path.parts), path))]


def memory():
    """Bytes that are free, in a container too."""
    free = psutil.virtual_memory().available
    try:
        return min(free, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):        # no such file, or "max"
        return free


def start(name, arguments, log):
    """A process for a part; all but one write into ``log``."""
    with log.open("w") as file:
        there = {} if name == SEEN else {"stdout": file, "stderr": file}
        return subprocess.Popen(
            [*PYTEST, *arguments], cwd=ROOT, **there,
            env={"OMP_NUM_THREADS": "1", **os.environ},
            preexec_fn=None if name in LONG else partial(os.nice, GIVES_WAY))


def main(arguments):
    """Run them; the number of parts that failed."""
    at = arguments.index("--")
    parts = parts_of(arguments[:at], arguments[at + 1:])
    coming, running, ended, failed = list(parts), {}, [], []
    most = max(2, memory() // NEED)
    with tempfile.TemporaryDirectory() as folder:
        logs = {name: Path(folder, f"{number}.txt")
                for number, name in enumerate(parts)}
        try:
            while coming or running:
                while coming and len(running) < most:
                    name = coming.pop(0)
                    running[name] = start(name, parts[name], logs[name])
                for name, process in list(running.items()):
                    if process.poll() is not None:
                        del running[name]
                        ended += [name] if name != SEEN else []
                        failed += [name] if process.returncode else []
                if SEEN not in running:
                    for name in ended:
                        print(f"\n{name}:\n{logs[name].read_text()}",
                              flush=True)
                    ended.clear()
                time.sleep(0.1)
        finally:
            for process in running.values():
                process.terminate()
    print("failed: " + ", ".join(failed) if failed else "all passed")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
