"""All rivals, over several seeds: ``python -m helpers rivals``.

Each (rival, seed) is one task, computed in a process with one thread and
written down when it is done, so that a kill loses at most the tasks that
were running; the same command goes on.

Introduced in notebook 05, section 8.
"""

import argparse
import fcntl
import hashlib
import json
import multiprocessing
import os
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from functools import cache

from tqdm import tqdm

from . import rivals
from .experiments import FOLDER, TASK, measure_yield, run_rival
from .models import fingerprint
from .profiles import ROOT, get_profile
from .records import write_text

TEMPERATURES = (0.2, 0.6, 1.0)     # of the teacher


def tasks(names):
    """(file, seed, function, arguments) of all that is to be computed.

    Introduced in notebook 05, section 8.
    """
    found = []
    for rival in rivals.TUNED:
        if not names or "dev" in names:
            found += [(f"dev-{rival.name}", str(rate), run_rival, (replace(
                rival, rate=rate, n=20), rivals.DEV_SEED, "dev"))
                for rate in rivals.DEV_RATES]
    for rival in rivals.RIVALS.values():
        if not names or rival.name in names:
            found += [(rival.name, str(seed), run_rival, (rival, seed))
                      for seed in rivals.SEEDS]
    for t in TEMPERATURES:
        if not names or "yield" in names:
            found += [(f"yield-{t}", str(seed), measure_yield, (t, seed))
                      for seed in rivals.SEEDS]
    return found


@cache          # 200 runs depend on the same few files
def marks(*models):
    """What results depend on beside a rival: weights and problems.

    Introduced in notebook 05, section 8.
    """
    folder = ROOT / FOLDER
    text = b"".join(path.read_bytes()
                    for path in sorted((folder / TASK).glob("*.jsonl")))
    return ({name: fingerprint(folder / name) for name in models if name}
            | {"problems": hashlib.sha256(text).hexdigest()[:8]})


def keep(folder, name, about, run, record):
    """Add one run to the file ``name``; what others wrote there stays.

    Introduced in notebook 05, section 8.
    """
    path = folder / f"{name}.json"
    runs = known(folder, name, about)
    runs[run] = record
    lines = ",\n".join(f"  {json.dumps(key)}: {json.dumps(runs[key])}"
                       for key in sorted(runs, key=float))
    head = json.dumps({"name": name, **about})[1:-1]
    write_text(path, f"{{{head},\n \"runs\": {{\n{lines}\n}}}}\n")


def known(folder, name, about):
    """The runs of a file, none if they were made with other settings.

    Introduced in notebook 05, section 8.
    """
    path = folder / f"{name}.json"
    if not path.exists():
        return {}
    facts = json.loads(path.read_text())
    same = all(facts.get(key) == value for key, value in
               json.loads(json.dumps(about)).items())
    return facts["runs"] if same else {}


def start_worker(parent):
    """One thread, no warnings, and an end when ``parent`` has ended.

    Introduced in notebook 05, section 8.
    """
    import torch
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    warnings.simplefilter("ignore")

    def watch():              # a killed parent cannot tell its workers
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def main(arguments=None):
    """Run what is missing of the experiments.

    Introduced in notebook 05, section 8.
    """
    parser = argparse.ArgumentParser(
        prog="python -m helpers rivals", description="Run what is missing of "
        "the experiments of notebook 05, section 8, in the mini world.")
    parser.add_argument("names", nargs="*", help="rivals; all if none, also "
                        "'yield' and 'dev'")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    for name in {*options.names} - {*rivals.RIVALS, "yield", "dev"}:
        parser.error(f"there is no rival {name!r}; helpers/rivals.py lists "
                     f"them")
    folder = get_profile("mini").runs / "rivals"
    folder.mkdir(exist_ok=True)
    with open(folder / ".lock", "w") as alone:
        try:
            fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            parser.error("the rivals are being run already; wait for that, "
                         "or stop it: what is finished is kept")
        compute(folder, missing(folder, options.names), options.jobs)


def missing(folder, names):
    """What is still to be computed: (file, its head, run, function, values).

    Introduced in notebook 05, section 8.
    """
    todo = []
    for name, run, function, values in tasks(names):
        about = {"made_with": marks("teacher")}
        if function is run_rival:
            rival = values[0]
            if name.startswith("dev-"):         # all rates in one file
                rival = replace(rival, rate=0.0)
            about = {"made_with": marks(rival.model, rival.teacher),
                     "rival": asdict(rival)}
        if run not in known(folder, name, about):
            todo.append((name, about, run, function, values))
    return todo


def compute(folder, todo, jobs):
    """Compute ``todo`` in ``jobs`` processes; each run is kept when done.

    Introduced in notebook 05, section 8.
    """
    os.environ["OMP_NUM_THREADS"] = "1"       # of the processes to come
    bar = tqdm(total=len(todo), unit=" runs", desc="rivals")
    with ProcessPoolExecutor(
            jobs, initializer=start_worker, initargs=(os.getpid(),),
            mp_context=multiprocessing.get_context("spawn")) as workers:
        waiting = {workers.submit(function, *values): (name, about, run)
                   for name, about, run, function, values in todo}
        try:
            for done in as_completed(waiting):
                keep(folder, *waiting[done], done.result())
                bar.update()
                bar.set_postfix_str(" ".join(waiting[done][::2]))
        except KeyboardInterrupt:
            bar.close()
            print("stopped; the finished runs are kept, and the same command "
                  "goes on", flush=True)
            os._exit(130)     # the workers see it and end
        except Exception:     # the rest would be computed and thrown away
            workers.shutdown(wait=False, cancel_futures=True)
            raise
    bar.close()
