"""Running programs that nobody has checked, and saying what came out.

A program runs in a process of its own that never sees the expected answer;
it sends plain data back, and this side compares.  Introduced in notebook 01.

    with Runner() as runner:
        verdict = runner.judge(problem, "answer = 6 * 7")

Beside this file: ``verdicts`` (the comparison), ``workers`` (the processes)
and ``execution_worker.py`` (what runs in them).
"""

import hashlib
import json
import os
import sys
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from tqdm import tqdm

from helpers.problems import Problem
from helpers.verdicts import (COMPARATORS, STATUSES, Verdict, compare,
                              explain_disagreement, read_outcome)
from helpers.workers import Layer, Worker, WorkerLost, describe_layers

__all__ = ["COMPARATORS", "STATUSES", "Layer", "Runner", "Verdict", "compare",
           "explain_disagreement"]

VERSION = 1                # part of the cache key: raise it with the worker
BATCH = 8                  # programs handed to a worker at a time

# The self-test: program, verdict if 42 is expected, CPU seconds.
CANARIES = (
    ("answer = 84 / 2", "passed", None),
    ("answer = 6 * 8", "wrong", None),
    ("class Any:\n    def __eq__(self, other):\n        return True\n"
     "answer = Any()", "wrong", None),
    ("while True:\n    pass", "timeout", 0.1),
    ("import os\nos._exit(0)", "error", None),
    ("answer = bytearray({} << 20)", "memory", None),
    ("import os\nos.fork()", "blocked", None))


def read_cache(path):
    """The outcomes in a cache file, by key.

    A last line cut short by a kill is removed.  Raises ``ValueError`` naming
    a corrupt line.  Introduced in notebook 01, section 4.
    """
    data, known = path.read_bytes(), {}
    whole = data.rfind(b"\n") + 1
    if whole < len(data):
        os.truncate(path, whole)
    for number, line in enumerate(data[:whole].splitlines(), 1):
        try:
            row = json.loads(line)
            status, kind, text, detail, seconds = row["outcome"]
            known[row["key"]] = row["outcome"]
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{path}, line {number} is not a line of this "
                             f"cache; delete that line and run again"
                             ) from None
    return known


class Runner:
    """Judges programs in isolated processes; use it with ``with``.

    ``workers``: processes (default: one per core); ``timeout``: CPU seconds
    per program (EKT: 1 s); ``memory_mb``: MiB per program; ``comparator``:
    see :func:`compare`; ``cache``: a JSONL file that keeps what came out of
    each program, so that a killed run goes on where it stopped.

    On entering, programs of known verdict are judged first; if one comes out
    otherwise, ``RuntimeError`` is raised, as is on Windows.  ``layers`` then
    lists what isolation is active and what is missing.  Raises
    ``ValueError`` for a bad argument or a corrupt cache line.
    Introduced in notebook 01, section 3.
    """

    def __init__(self, workers=None, timeout=1.0, memory_mb=256,
                 comparator="exact", cache=None):
        if not hasattr(os, "fork"):
            raise RuntimeError("this system cannot isolate programs; use "
                               "WSL (on Windows) or Colab")
        if comparator not in COMPARATORS:
            raise ValueError(f"there is no comparator {comparator!r}; choose "
                             f"one of {', '.join(COMPARATORS)}")
        cores = (len(os.sched_getaffinity(0))
                 if hasattr(os, "sched_getaffinity") else os.cpu_count())
        self.workers = cores if workers is None else workers
        if min(self.workers, timeout, memory_mb) <= 0:
            raise ValueError("workers, timeout and memory_mb must be above 0")
        self.timeout, self.memory_mb = timeout, memory_mb
        self.comparator, self.cache = comparator, cache and Path(cache)
        self.layers, self.known, self.failed = (), {}, []
        self.running, self.open = [], False
        self.lock = threading.RLock()
        if self.cache:
            try:
                self.cache.open("ab").close()
            except OSError as error:
                raise OSError(f"cannot write the cache {cache} "
                              f"({error.strerror}); choose another place"
                              ) from None
            self.known = read_cache(self.cache)

    def __enter__(self):
        self.idle, self.open = SimpleQueue(), True
        self.threads = ThreadPoolExecutor(self.workers, "judge")
        try:
            for _ in range(self.workers):
                worker = self.start()
                self.self_test(worker)
                self.idle.put(worker)
        except (WorkerLost, OSError):
            self.close()
            raise RuntimeError(
                "a worker process does not start or does not last, so "
                "nothing is scored; check free memory and processes"
                ) from None
        except BaseException:        # an interrupt too must leave nothing
            self.close()
            raise
        self.layers = describe_layers(worker.layers)
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Stops all workers within a second; harmless if done twice."""
        with self.lock:
            self.open = False
            for worker in self.running:
                worker.stop()
            self.running.clear()
        if hasattr(self, "threads"):
            self.threads.shutdown(cancel_futures=True)

    def start(self, instead_of=None):
        """A new worker.  Raises :class:`WorkerLost` when closing."""
        with self.lock:
            if not self.open:
                raise WorkerLost
            if instead_of in self.running:
                instead_of.stop()
                self.running.remove(instead_of)
            self.running.append(Worker())
            return self.running[-1]

    def self_test(self, worker):
        """Judges the canaries on a worker.  Raises ``RuntimeError``."""
        for program, status, timeout in CANARIES:
            if status == "memory" and sys.platform != "linux":
                continue                 # macOS has no such limit
            outcome, = worker.run([program.format(self.memory_mb)],
                                  timeout or self.timeout, self.memory_mb)
            verdict = read_outcome(Problem("canary", "", answer="42"),
                                   outcome, self.comparator)
            if verdict.status != status:
                raise RuntimeError(
                    f"the judge's self-test failed, so nothing is scored: "
                    f"{program!r} came out as {verdict.status} "
                    f"({verdict.detail}) instead of {status}")

    def run_batch(self, programs):
        """Outcomes of a batch; a lost worker is replaced, then retried."""
        worker, outcomes, lost = self.idle.get(), [], 0
        try:
            while len(outcomes) < len(programs):
                try:
                    for outcome in worker.run(programs[len(outcomes):],
                                              self.timeout, self.memory_mb):
                        outcomes.append(outcome)
                        lost = 0
                except WorkerLost:
                    worker = self.start(instead_of=worker)
                    lost += 1
                    if lost == 2:
                        outcomes.append(["infrastructure", "", "",
                                         "its worker was lost twice", 0.0])
                        lost = 0
        finally:
            self.idle.put(worker)
        return outcomes

    def judge(self, problem, program):
        """The :class:`Verdict` on one program."""
        return next(self.judge_many([(problem, program)], progress=False))

    def judge_many(self, pairs, progress=True):
        """Yields a :class:`Verdict` per (problem, program), in order.

        The same program is run once.  Memory stays flat: ``pairs`` may be a
        generator.  Raises ``ValueError`` for a mode that is not supported.
        """
        if not self.open:
            raise RuntimeError("the judge is not running; use it inside "
                               "'with Runner() as runner:'")
        for key in self.failed:
            self.known.pop(key, None)
        self.failed.clear()
        waiting, futures = deque(), deque()     # both in order
        batch, asked = {}, set()

        def submit():
            futures.append((list(batch), self.threads.submit(
                self.run_batch, list(batch.values()))))
            batch.clear()

        def verdicts(most):
            """Yields what can be told; waits while too much is open."""
            while waiting:
                problem, key = waiting[0]
                if key not in self.known:
                    if len(waiting) <= most:
                        return
                    if batch and not futures:
                        submit()
                    keys, future = futures.popleft()
                    self.remember(keys, future.result())
                    asked.difference_update(keys)
                    continue
                waiting.popleft()
                bar.update()
                yield read_outcome(problem, self.known[key], self.comparator)

        total = len(pairs) if hasattr(pairs, "__len__") else None
        bar = tqdm(total=total, desc="judged", unit=" programs", delay=1,
                   disable=not progress, leave=False, mininterval=0.5)
        try:
            for problem, program in pairs:
                if problem.mode != "answer":
                    raise ValueError(
                        f"{problem.task_id} is judged by {problem.mode}; "
                        f"this judge reads a global answer only so far")
                key = self.key(program)
                waiting.append((problem, key))
                if key not in self.known and key not in asked:
                    asked.add(key)
                    batch[key] = program
                    if len(batch) == BATCH:
                        submit()
                yield from verdicts(4 * BATCH * self.workers)
            yield from verdicts(0)
        finally:
            for _, future in futures:
                future.cancel()
            bar.close()

    def key(self, program):
        """Names a run by all that its outcome depends on."""
        what = (program, "answer", self.timeout, self.memory_mb, VERSION,
                sys.version_info[:2])
        return hashlib.sha256(repr(what).encode()).hexdigest()[:32]

    def remember(self, keys, outcomes):
        """Keeps outcomes, also on disk unless the fault was ours."""
        lines = []
        for key, outcome in zip(keys, outcomes):
            self.known[key] = outcome
            if outcome[0] == "infrastructure":
                self.failed.append(key)
            else:
                lines.append(json.dumps({"key": key, "outcome": outcome}))
        if self.cache and lines:
            with self.lock, self.cache.open("a") as file:
                file.write("\n".join(lines) + "\n")
