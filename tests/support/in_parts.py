"""What `make test` runs, in three processes at a time.

    python tests/support/in_parts.py [TEST ...] -- [NOTEBOOK ...]

The notebooks, the tests that mostly wait for other processes, and all others:
each leaves a part of two cores unused.  What the first two say comes when they
have ended; a part that failed is named at the end.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WAITING = ("execution", "tools", "scale", "benchmarks", "notebooks",
           "test_session.py", "test_light.py", "test_exchange.py")
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider",
          "--durations=10", "--durations-min=1"]
NBVAL = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=1800"]


def parts_of(tests, notebooks):
    """{name: arguments} of the processes; "tests" stands for all of them."""
    whole = [str(path.relative_to(ROOT)) for path in sorted(
        (ROOT / "tests").iterdir()) if path.name.startswith("test_")
        or path.is_dir() and any(path.rglob("test_*.py"))]
    tests = [name for given in tests for name in (
        whole if given == "tests" else [given])]
    waiting = [name for name in tests
               if Path(name).parts[1:] and Path(name).parts[1] in WAITING]
    parts = {"the notebooks": [*NBVAL, *notebooks] if notebooks else [],
             "tests that wait": waiting,
             "all other tests": [t for t in tests if t not in waiting]}
    return {name: arguments for name, arguments in parts.items() if arguments}


def main(arguments):
    """Run them; the number of parts that failed."""
    at = arguments.index("--")
    parts, running = parts_of(arguments[:at], arguments[at + 1:]), {}
    last = list(parts)[-1]
    with tempfile.TemporaryDirectory() as folder:
        try:
            for number, (name, given) in enumerate(parts.items()):
                log = Path(folder, f"{number}.txt")
                with log.open("w") as file:
                    running[name] = log, subprocess.Popen(
                        [*PYTEST, *given], cwd=ROOT,
                        **({} if name == last else {
                            "stdout": file, "stderr": file}))
            failed = []
            for name in reversed(parts):
                log, process = running[name]
                if process.wait():
                    failed.append(name)
                print(f"\n{name}:\n{log.read_text()}" if name != last else "",
                      flush=True)
        finally:
            for _, process in running.values():
                process.terminate()
    print("failed: " + ", ".join(failed) if failed else "all passed")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
