"""All rivals, over several seeds: ``python -m helpers rivals``.

Those of EKT (notebook 05) and of CodePLAN (notebook 06), and the teacher's
plans (notebook 03).  Each (rival, seed) is one task, computed in a process
with one thread and written down when it is done, so that a kill loses at most
the tasks that were running; the same command goes on.

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

from helpers.profiles import ROOT, get_profile
from helpers.studies import codeplan, ekt
from helpers.teachers.checkpoint import fingerprint
from helpers.tools.files import write_text
from helpers.workshop.codeplan_runs import (ASKED, NO_PLAN, TEACHER,
                                            measure_plans, run_plan_rival)
from helpers.workshop.ekt_runs import FOLDER, TASK, measure_yield, run_rival

TEMPERATURES = (0.2, 0.6, 1.0)     # of the teacher
KINDS = ("dev", "yield", "plans")  # files whose names begin so


def tasks(names):
    """(file, its head, run, function, arguments) of all to be computed.

    ``names``: files, or words for many of them: a notebook, or one of
    :data:`KINDS`.  Introduced in notebook 05, section 8.
    """
    found, names = [], {*names}
    for notebook, listed in (("notebook-05", ekt_tasks()),
                             ("notebook-06", codeplan_tasks())):
        for task in listed:
            kind = task[0].split("-")[0]
            words = {notebook, task[0], *{kind}.intersection(KINDS)}
            if not names or names & words:
                found.append(task)
    return found


def ekt_tasks():
    """The tasks of EKT's rivals.  Introduced in notebook 05, section 8."""
    for rival in ekt.TUNED:
        about = {"made_with": marks(TASK, rival.model, rival.teacher),
                 "rival": asdict(replace(rival, rate=0.0, n=20))}
        for rate in ekt.DEV_RATES:
            yield (f"dev-{rival.name}", about, str(rate), run_rival, (
                replace(rival, rate=rate, n=20), ekt.DEV_SEED, "dev"))
    for rival in ekt.RIVALS.values():
        about = {"made_with": marks(TASK, rival.model, rival.teacher),
                 "rival": asdict(rival)}
        for seed in ekt.SEEDS:
            yield rival.name, about, str(seed), run_rival, (rival, seed)
    for t in TEMPERATURES:
        for seed in ekt.SEEDS:
            yield (f"yield-{t}", {"made_with": marks(TASK, "teacher")},
                   str(seed), measure_yield, (t, seed))


def codeplan_tasks():
    """The tasks of CodePLAN's rivals.  Introduced in notebook 06, section 9.
    """
    task = codeplan.TASK
    for rival in codeplan.TUNED:
        about = {"made_with": marks(task, rival.model, TEACHER),
                 "rival": asdict(replace(rival, rate=0.0))}
        for rate in codeplan.DEV_RATES:
            yield (f"dev-{rival.name}", about, str(rate), run_plan_rival, (
                replace(rival, rate=rate), ekt.DEV_SEED, "dev"))
    for name in (NO_PLAN, *ASKED):
        for seed in ekt.SEEDS:
            yield (f"plans-{name}", {"made_with": marks(task, TEACHER)},
                   str(seed), measure_plans, (name, seed))
    for rival in codeplan.RIVALS.values():
        about = {"made_with": marks(task, rival.model, TEACHER),
                 "rival": asdict(rival)}
        for seed in ekt.SEEDS:
            yield rival.name, about, str(seed), run_plan_rival, (rival, seed)


@cache          # 200 runs depend on the same few files
def marks(task, *models):
    """What results depend on beside a rival: weights and problems.

    Introduced in notebook 05, section 8.
    """
    folder = ROOT / FOLDER
    text = b"".join(path.read_bytes()
                    for path in sorted((folder / task).glob("*.jsonl")))
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
        "the experiments of notebooks 03, 05 and 06, in the mini world.")
    parser.add_argument("names", nargs="*", help="rivals, or 'dev', 'yield', "
                        "'plans', 'notebook-05', 'notebook-06'; all if none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args(arguments)
    for name in options.names:
        if not tasks([name]):
            parser.error(f"there is no rival {name!r}; ekt.py and codeplan.py "
                         f"in helpers/studies/ list them")
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
    return [task for task in tasks(names)
            if task[2] not in known(folder, *task[:2])]


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
