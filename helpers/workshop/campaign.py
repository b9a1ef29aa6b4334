"""All rivals, over several seeds: ``python -m helpers rivals``.

Those of EKT (notebook 05) and of CodePLAN (notebook 06), the teacher's plans
(notebook 03), and the students of the dial (notebook M9).  Each (rival, seed)
is one task, computed in a process with one thread and written down when it is
done, as a line of its study's file (:mod:`helpers.studies.runs`), so that a
kill loses at most the tasks that were running; the same command goes on.
"""

import argparse
import fcntl
import hashlib
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, replace
from functools import cache

from helpers.profiles import ROOT, get_profile
from helpers.progress import progress_bar
from helpers.studies import codeplan, dial, ekt
from helpers.studies.runs import (STUDIES, read_lines, which, without_nulls,
                                  write_lines)
from helpers.tools.files import see_that_it_can_be_written
from helpers.workshop.codeplan_runs import measure_plans, run_plan_rival
from helpers.workshop.dial_runs import run_learner
from helpers.workshop.ekt_runs import measure_yield, run_rival
from helpers.workshop.pools import marked
from helpers.workshop.provenance import provenance

PREFIXES = ("dev", "yield", "plans")  # systems whose names begin so


def tasks(names):
    """(study, head of the line, function, arguments) of all runs.

    The head is what a run is known by: name, seed, what it is made with, its
    settings.  ``names``: systems, or words for many of them: a notebook,
    "dial", or one of :data:`PREFIXES`.
    """
    found, names = [], {*names}
    for notebook, listed in (("notebook-05", ekt_tasks()),
                             ("notebook-06", codeplan_tasks()),
                             ("dial", dial_tasks())):
        for task in listed:
            name = task[1]["name"]
            kind = name.split("-")[0]
            words = {notebook, name, *{kind}.intersection(PREFIXES)}
            if not names or names & words:
                found.append(task)
    return found


def ekt_tasks():
    """The tasks of EKT's rivals."""
    def marks_of(rival):
        return marks(ekt.TASK, model=rival.model, teacher=rival.teacher)

    for rival in ekt.TUNED:
        rival = replace(rival, n=20)
        for rate in ekt.DEV_RATES:
            yield ("learning-rates", tuning(rival, rate, marks_of(rival)),
                   run_rival, (replace(rival, rate=rate), ekt.DEV_SEED,
                               "dev"))
    for rival in ekt.RIVALS.values():
        for seed in ekt.SEEDS:
            yield "ekt", {"name": rival.name, "seed": seed,
                          "made_with": marks_of(rival),
                          "rival": asdict(rival)}, run_rival, (rival, seed)
    for t in ekt.TEMPERATURES:
        for seed in ekt.SEEDS:
            yield "yield", {
                "name": f"yield-{t}", "seed": seed, "temperature": t,
                "made_with": marks(ekt.TASK, teacher="teacher"),
            }, measure_yield, (t, seed)


def codeplan_tasks():
    """The tasks of CodePLAN's rivals."""
    def marks_of(rival):
        return marks(codeplan.TASK, model=rival.model,
                     teacher=codeplan.TEACHER)

    for rival in codeplan.TUNED:
        for rate in codeplan.DEV_RATES:
            yield ("learning-rates", tuning(rival, rate, marks_of(rival)),
                   run_plan_rival, (replace(rival, rate=rate), ekt.DEV_SEED,
                                    "dev"))
    for name in (codeplan.NO_PLAN, *codeplan.ASKED):
        for seed in ekt.SEEDS:
            yield "plans", {
                "name": f"plans-{name}", "seed": seed, "made_with": marks(
                    codeplan.TASK, teacher=codeplan.TEACHER),
            }, measure_plans, (name, seed)
    for rival in codeplan.RIVALS.values():
        for seed in ekt.SEEDS:
            yield ("codeplan", {"name": rival.name, "seed": seed,
                                "made_with": marks_of(rival),
                                "rival": asdict(rival)},
                   run_plan_rival, (rival, seed))


def dial_tasks():
    """The tasks of the dial's students: their rates, then seed by seed."""
    def marks_of(learner):
        return marks(dial.DIAL_TASK, model=learner.base, teacher=(
            dial.DIAL_TEACHER if learner.way or learner.programs else ""))

    for kind in dial.TUNED:
        for rate in dial.TUNING_RATES[kind.name.removeprefix("dial-")]:
            for seed in dial.TUNING_SEEDS:
                learner = replace(kind, rate=rate)
                yield ("learning-rates",
                       tuning(learner, rate, marks_of(learner), seed),
                       run_learner, (learner, seed, "dev"))
    every = [(learner, dial.DIAL_SEEDS) for learner in dial.learners()]
    for seed in dial.DIAL_SEEDS:
        for learner, seeds in every + dial.further():
            if seed in seeds:
                yield ("dial", {"name": learner.name, "seed": seed,
                                "made_with": marks_of(learner),
                                "rival": asdict(learner)},
                       run_learner, (learner, seed))


def tuning(rival, rate, made_with, seed=ekt.DEV_SEED):
    """The head of a run that helps to choose the rate of ``rival``."""
    settings = asdict(rival)
    settings.pop("rate")               # the one that is being chosen
    return {"name": f"dev-{rival.name}", "seed": seed, "rate": rate,
            "made_with": made_with, "rival": settings}


@cache          # 200 runs depend on the same few files
def marks(task, **models):
    """What results depend on beside settings: weights and problems.

    ``models``: by what they are for, "" for none.
    """
    text = b"".join(
        path.read_bytes() for path in
        sorted((ROOT / "data/mini/problems" / task).glob("*.jsonl")))
    return ({role: marked(name) for role, name in models.items() if name}
            | {"problems": hashlib.sha256(text).hexdigest()[:8]})


def known(rows, head):
    """Those of the lines ``rows`` that begin with ``head``, or a part of it.

    A run that was made with other settings is none of them.
    """
    wanted = without_nulls(json.loads(json.dumps(head)))
    return [row for row in rows if all(
        row.get(key) == value for key, value in wanted.items())]


def keep(folder, study, head, record):
    """Add one run to the file of its study; what others wrote there stays.

    But for runs of this system that were made with other settings, and for an
    older one in its place.
    """
    path = folder / f"{study}.jsonl"
    rows = read_lines(path)
    made = {key: value for key, value in head.items()
            if key not in ("seed", "rate")}
    rows = [*(row for row in rows if row["name"] != head["name"]),
            *(row for row in known(rows, made) if which(row) != which(head)),
            head | record | {"ran": provenance(
                f"python -m helpers rivals {head['name']}",
                "one thread a run")}]
    write_lines(path, rows)


def start_worker(parent):
    """One thread, no warnings, and an end when ``parent`` has ended."""
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
    """Run what is missing of the experiments."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers rivals", description="Run what is missing of "
        "the experiments that the notebooks show, in the mini world.")
    parser.add_argument("names", nargs="*", help="rivals, or 'dev', 'yield', "
                        "'plans', 'notebook-05', 'notebook-06', 'dial'; all "
                        "if none")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        parser.error(f"--jobs counts processes and is at least 1, not "
                     f"{options.jobs}")
    for name in options.names:
        if not tasks([name]):
            parser.error(f"there is no rival {name!r}; ekt.py and codeplan.py "
                         f"in helpers/studies/ list them")
    try:
        folder = get_profile("mini").runs / "results"
        see_that_it_can_be_written(folder / ".lock")
        folder.mkdir(exist_ok=True)
    except OSError as error:
        parser.error(str(error))
    with open(folder / ".lock", "w") as alone:
        try:
            fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            parser.error("the rivals are being run already; wait for that, "
                         "or stop it: what is finished is kept")
        try:
            todo = missing(folder, options.names)
        except ValueError as error:           # the file holds something else
            parser.error(str(error))
        compute(folder, todo, options.jobs)


def missing(folder, names):
    """The tasks that are still to be computed."""
    rows = {study: read_lines(folder / f"{study}.jsonl")
            for study in STUDIES}
    return [task for task in tasks(names)
            if not known(rows[task[0]], task[1])]


def compute(folder, todo, jobs):
    """Compute ``todo`` in ``jobs`` processes; each run is kept when done."""
    os.environ["OMP_NUM_THREADS"] = "1"       # of the processes to come
    bar = progress_bar(title="rivals", total=len(todo), unit=" runs")
    with bar, ProcessPoolExecutor(
            jobs, initializer=start_worker, initargs=(os.getpid(),),
            mp_context=multiprocessing.get_context("spawn")) as workers:
        # Ctrl-C is for this process alone: what it starts inherits this.
        usual = signal.signal(signal.SIGINT, signal.SIG_IGN)
        waiting = {workers.submit(function, *values): (study, head)
                   for study, head, function, values in todo}
        try:
            signal.signal(signal.SIGINT, usual)
            for done in as_completed(waiting):
                keep(folder, *waiting[done], done.result())
                bar.update()
                head = waiting[done][1]
                bar.set_postfix_str(
                    f"{head['name']} {head.get('rate', head['seed'])}")
        except KeyboardInterrupt:
            bar.close()
            for worker in multiprocessing.active_children():
                worker.kill()
            print("stopped; the finished runs are kept, and the same command "
                  "goes on", flush=True)
            sys.exit(130)
        except Exception:     # the rest would be computed and thrown away
            workers.shutdown(wait=False, cancel_futures=True)
            raise
