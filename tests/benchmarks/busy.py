"""Quiet and beside one busy process, with and without sleeping threads.

    python tests/benchmarks/busy.py [--only NAME] [--rounds N] [--save]

sampling   100 samples of the mini teacher for each of 10 problems
training   20 updates of notebook 05's student
notebook   notebook 00, with the start of its kernel

Each is timed by itself in a fresh process, in turns: as the collection sets
OpenMP's threads, which sleep soon when they have to wait (``helpers.CALM``),
and as OpenMP has them, which spin; on a quiet machine, and beside one process
that computes all the time.  The clock starts when models are loaded, but that
of the notebook, which is what a reader waits for.  What takes longer than
``LIMIT`` seconds is ended there.  With --save the results go into
data/benchmarks/busy.json; the machine must be quiet otherwise.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path

from noise import busy_processes

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "data" / "benchmarks" / "busy.json"
sys.path.insert(0, str(ROOT))

from helpers import CALM  # noqa: E402
from helpers.workshop.provenance import commit_now  # noqa: E402

# What OpenMP takes where nobody says anything: GNU's turns, LLVM's and
# Intel's milliseconds.
SPINNING = {"GOMP_SPINCOUNT": "300000", "KMP_BLOCKTIME": "200"}
WAYS = {"sleeping": CALM, "spinning": SPINNING}
LIMIT = 60


def sampling(problems=10):
    """Seconds for 100 samples of the mini teacher for each of some problems.
    """
    from helpers.problems import load_problems
    from helpers.prompts import EXEMPLARS, few_shot_prompt
    from helpers.sampling import sample
    from helpers.teachers import load_teacher
    lm = load_teacher("data/mini/models/teacher")
    prompts = {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
               for p in load_problems("mini-gsm", limit=problems)}
    began = time.perf_counter()
    sample(lm, prompts, n=100, max_new_tokens=64, sequences=400,
           progress=False)
    return time.perf_counter() - began


def training(updates=20):
    """Seconds for so many updates of notebook 05's student."""
    from helpers.filtering import read_examples
    from helpers.profiles import find_artefact, get_profile
    from helpers.teachers.checkpoint import load_model
    from helpers.training import add_lora, train
    profile = get_profile("mini")
    lm = add_lora(load_model(profile.student), profile.lora_rank, seed=0)
    examples = read_examples(
        find_artefact(profile, "pairs/first-correct.jsonl"))
    began = time.perf_counter()
    train(lm, examples, 2, profile.batch_size, profile.learning_rate,
          stop_after=updates, progress=False)
    return time.perf_counter() - began


def notebook(path=ROOT / "notebooks" / "00_start_here.ipynb"):
    """Seconds for a notebook in an empty place."""
    from helpers.tools.kernel import execute_notebook
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        execute_notebook(path, Path(folder) / path.name,
                         {**os.environ, "PROFILE": "mini"}, guarded=False)
        return time.perf_counter() - began


PARTS = {"sampling": sampling, "training": training, "notebook": notebook}


def timed(part, way, busy, size=()):
    """Seconds of a part in a process of its own; None: over the limit.

    ``size`` holds a number, another than that of the benchmark.
    """
    environment = {name: value for name, value in os.environ.items()
                   if name != "OMP_WAIT_POLICY"}
    command = [sys.executable, __file__, "--alone", part, *map(str, size)]
    try:
        with busy_processes(1 if busy else 0):
            done = subprocess.run(
                command, env={**environment, **WAYS[way]}, timeout=LIMIT,
                capture_output=True, text=True)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        raise RuntimeError(f"{part} failed: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


def measure(part, rounds):
    """{way: {"quiet" or "busy": seconds of each round}}, in turns."""
    found = {way: {"quiet": [], "busy": []} for way in WAYS}
    for turn in range(rounds):
        for busy in (False, True):
            for way in list(WAYS)[::1 if turn % 2 else -1]:
                place = found[way]["busy" if busy else "quiet"]
                if None in place:              # once is enough
                    continue
                place.append(timed(part, way, busy))
                print(f"{part:9} {way:9} {'busy' if busy else 'quiet':6}"
                      f"{place[-1] and round(place[-1], 2)}", flush=True)
    return found


def summary(found):
    """The ratios of medians that are spoken of; None: over the limit."""
    def middle(way, kind):
        times = found[way][kind]
        return None if None in times else statistics.median(times)

    def ratio(a, b):
        a, b = middle(*a), middle(*b)
        return None if a is None or b is None else round(a / b, 3)

    return {
        "busy_to_quiet": {way: ratio((way, "busy"), (way, "quiet"))
                          for way in WAYS},
        "quiet_sleeping_to_spinning": ratio(("sleeping", "quiet"),
                                            ("spinning", "quiet"))}


def main():
    parser = argparse.ArgumentParser(
        allow_abbrev=False, description=__doc__.split("\n")[0])
    parser.add_argument("--only", choices=PARTS, help="one part")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--save", action="store_true",
                        help=f"write {RESULTS.relative_to(ROOT)}")
    parser.add_argument("--alone", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("size", nargs="*", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(PARTS[options.alone](*options.size))
        return
    results, load = {}, os.getloadavg()[0]
    for part in [options.only] if options.only else PARTS:
        found = measure(part, options.rounds)
        results[part] = {"seconds": found, **summary(found)}
        print(part, summary(found), flush=True)
    results["facts"] = {
        "date": datetime.date.today().isoformat(), "cores": os.cpu_count(),
        "commit": commit_now(("helpers", "tests/benchmarks")),
        "system": platform.system(), "python": platform.python_version(),
        "torch": metadata.version("torch"), "load_before": round(load, 2),
        "limit_seconds": LIMIT, "ways": WAYS,
        "command": " ".join(["python", "tests/benchmarks/busy.py",
                             *sys.argv[1:]])}
    if options.save:
        RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True)
                           + "\n")


if __name__ == "__main__":
    main()
