"""Known programs under a load: does every one get its verdict?

    python tests/benchmarks/soak.py --programs 50000 --busy 6 [--save]

Judges programs whose verdicts are known, in all three modes, while ``busy``
other processes compute.  Prints how many verdicts differ and which, and
exits with 1 if any does.  With --save the numbers go into
data/benchmarks/soak.json.
"""

import argparse
import datetime
import json
import os
import platform
import sys
import time
from collections import Counter
from pathlib import Path

from noise import busy_processes

ROOT = next(folder for folder in Path(__file__).resolve().parents
            if (folder / "helpers").is_dir())
sys.path.insert(0, str(ROOT))

from helpers.execution import Runner  # noqa: E402
from helpers.problems import Problem  # noqa: E402
from helpers.workshop.provenance import commit_now  # noqa: E402

ANSWER = Problem("soak/answer", "?", answer="12")
SCRIPT = Problem("soak/script", "?", "stdio", tests=(
    ("3 4\n", "12\n"), ("5 5\n", "25\n")))
ASSERTS = Problem("soak/asserts", "?", "calls", entry_point="f", tests=(
    "assert f(3, 4) == 12", "x = [5]\nassert f(x[0], 5) == 25"))
PAIRS = Problem("soak/pairs", "?", "calls", entry_point="f", tests=(
    ([3, 4], 12), ([5, 5], [25])))
FUNCTION = "def f(a, b):\n    return a {} b  # {{}}"
# One turn: problem, program with a place for its number, verdict.
KNOWN = (
    (ANSWER, "answer = 3 * 4 + 0 * {}", "passed"),
    (ANSWER, "answer = 13 + {}", "wrong"),
    (ANSWER, "import math\nanswer = math.prod([3, 4]) + 0 * {}", "passed"),
    (ANSWER, "x = [{}]\nanswer = x[0] + 13", "wrong"),
    (ANSWER, "answer = unknown + {}", "error"),
    (ANSWER, "answer = {} +", "unparsable"),
    (SCRIPT, "a, b = map(int, input().split())\nprint(a * b)  # {}",
     "passed"),
    (SCRIPT, "import sys\nout = open(1, 'w')\na, b = map(int, "
     "sys.stdin.buffer.read().split())\nout.write(str(a * b))  # {}",
     "passed"),
    (SCRIPT, "a, b = map(int, input().split())\nprint(a + b)  # {}",
     "wrong"),
    (ASSERTS, FUNCTION.format("*"), "passed"),
    (ASSERTS, FUNCTION.format("+"), "wrong"),
    (PAIRS, FUNCTION.format("*"), "passed"),
    (PAIRS, FUNCTION.format("-"), "wrong"))
SELDOM = (                                # once in fifty turns
    (ANSWER, "while True: pass  # {}", "timeout"),
    (ANSWER, "import os\nos._exit(0 * {})", "error"),
    (ANSWER, "import os\nos.fork()  # {}", "blocked"),
    (ANSWER, "answer = [{}] * 10 ** 10", "memory"),
    (SCRIPT, "while True: print(input())  # {}", "error"))


def known(programs):
    """Yields (problem, program, verdict), so many of them."""
    made = 0
    for turn in range(programs):
        for problem, text, status in KNOWN + (
                SELDOM if turn % 50 == 0 else ()):
            if made == programs:
                return
            made += 1
            yield problem, text.format(turn), status


def soak(programs, busy, workers):
    """Judges them under load: a dictionary of what came out."""
    rows = list(known(programs))
    differ, begin, loads = [], time.perf_counter(), []
    with busy_processes(busy), Runner(workers=workers, timeout=0.5) as runner:
        verdicts = runner.judge_many(
            [(problem, program) for problem, program, _ in rows])
        for (problem, program, status), verdict in zip(rows, verdicts):
            if verdict.status != status:
                differ.append([problem.task_id, program, status,
                               verdict.status, verdict.detail])
            if len(loads) < (time.perf_counter() - begin) / 10:
                loads.append(os.getloadavg()[0])
    return {"programs": len(rows), "busy": busy, "workers": workers,
            "by_status": Counter(status for _, _, status in rows),
            "differ": differ[:20], "differing": len(differ),
            "seconds": round(time.perf_counter() - begin, 1),
            "load": {"least": min(loads), "most": max(loads)}}


def main():
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.split("\n")[0])
    parser.add_argument("--programs", type=int, default=50_000)
    parser.add_argument("--busy", type=int, default=6)
    parser.add_argument("--workers", type=int, default=4)
    parser.add_argument("--save", action="store_true")
    wanted = parser.parse_args()
    found = soak(wanted.programs, wanted.busy, wanted.workers)
    print(f"{found['differing']} of {found['programs']} verdicts differ")
    for row in found["differ"]:
        print(" ", row)
    if wanted.save:
        found["facts"] = {
            "date": datetime.date.today().isoformat(),
            "commit": commit_now(("helpers", "tests/benchmarks")),
            "python": platform.python_version(),
            "system": platform.system(), "cores": os.cpu_count(),
            "command": " ".join(["python tests/benchmarks/soak.py",
                                 *sys.argv[1:]])}
        place = ROOT / "data" / "benchmarks" / "soak.json"
        place.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    sys.exit(found["differing"] > 0)


if __name__ == "__main__":
    main()
