"""Running programs that nobody has checked, and saying what came out.

A program runs in a process of its own that never sees the expected answer; it
sends plain data back, and this side compares.

    with Runner() as runner:
        verdict = runner.judge(problem, "answer = 6 * 7")
"""

import hashlib
import os
import sys
import threading
import warnings
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from helpers.execution import modes
from helpers.execution.cache import Outcomes
from helpers.execution.faults import (as_judged, check_problem, checked_pair,
                                      told)
from helpers.execution.verdicts import COMPARATORS, read_outcome
from helpers.execution.workers import (KEPT_BY, Limits, Worker, WorkerLost,
                                       describe_layers)
from helpers.problems import Problem, each_of
from helpers.progress import progress_bar
from helpers.tools.arguments import plain_number

VERSION = 12               # part of the cache key: raise it with the worker
BATCH = 16                 # programs handed to a worker at a time

# The self-test: program, verdict if 42 is expected, CPU seconds.
CANARIES = (
    ("answer = 84 / 2", "passed", None),
    ("answer = 6 * 8", "wrong", None),
    ("class Any:\n    def __eq__(self, other):\n        return True\n"
     "answer = Any()", "wrong", None),
    ("while True:\n    pass", "timeout", 0.02),
    ("import os\nos._exit(0)", "error", None),
    ("answer = bytearray({} << 21)", "memory", None),
    ("import os\nos.fork()", "blocked", None))
# ... and one right and one wrong program for each of the other modes.
CANARY_PROBLEMS = (
    (Problem("canary/stdio", "", "stdio", tests=(("6 7\n", "42\n"),)),
     "a, b = map(int, input().split())\nprint(a {} b)"),
    (Problem("canary/calls", "", "calls", tests=("assert f(6, 7) == 42",),
             entry_point="f"), "def f(a, b):\n    return a {} b"))


class Runner:
    """Judges programs in isolated processes; use it with ``with``.

    ``workers``: processes (default: one per core); ``timeout``: CPU seconds
    per program (EKT: 1 s), for a problem with tests per test; on a machine
    much slower than usual it is stretched.  ``memory_mb``: MiB per program;
    ``comparator``: "exact" (or "strict") is ours, "published" (or "apps")
    those that the papers used, see :func:`compare` and
    :func:`compare_output`; ``cache``: a JSONL file that keeps what came out
    of each program, so that a killed run goes on where it stopped.

    On entering, programs of known verdict are judged; if one comes out
    otherwise, ``RuntimeError`` is raised, as is on Windows.  ``layers`` lists
    what isolation is active and what is missing.  Raises ``ValueError`` for a
    bad argument or a corrupt line.  Introduced in notebook 01.
    """

    def __init__(self, workers=None, timeout=1.0, memory_mb=256,
                 comparator="exact", cache=None):
        if not hasattr(os, "fork"):
            raise RuntimeError("this system cannot isolate programs; use "
                               "WSL (on Windows) or Colab")
        if not isinstance(comparator, str) or comparator not in COMPARATORS:
            raise ValueError(f"there is no comparator {comparator!r}; choose "
                             f"one of {', '.join(COMPARATORS)}")
        cores = (os.cpu_count() if not hasattr(os, "sched_getaffinity")
                 else len(os.sched_getaffinity(0)))
        self.workers = plain_number(
            "workers", cores if workers is None else workers, True, 1, 1000)
        self.limits = Limits(
            plain_number("timeout", timeout, False, 0.001, 86_400),
            plain_number("memory_mb", memory_mb, True, 1, 2 ** 20))
        self.comparator, self.layers = comparator, ()
        self.cache, self.outcomes = cache, Outcomes(cache)
        self.running, self.open = [], False
        self.lock = threading.RLock()
        self.taken = (None,) * 4         # the last problem, see take()

    def __enter__(self):
        if self.cache and not self.outcomes.file:      # a second time
            self.outcomes = Outcomes(self.cache)
        self.idle, self.open = SimpleQueue(), True
        self.threads = ThreadPoolExecutor(self.workers, "judge")
        try:
            for _ in range(self.workers):
                self.idle.put(worker := self.start())
        except BaseException:        # an interrupt too must leave nothing
            self.close()
            raise
        self.layers = describe_layers(worker.layers)
        if bare := [what for what, kept in KEPT_BY.items()
                    if not kept & set(worker.layers)]:
            warnings.warn(f"only Python's audit hook keeps programs from "
                          f"{' and '.join(bare)} here: run those of strangers "
                          f"in a virtual machine or container", stacklevel=2)
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
        self.outcomes.close()

    def start(self, instead_of=None):
        """A new worker that has passed the self-test.

        Raises ``RuntimeError`` where there is none to be had, and
        :class:`WorkerLost` when closing.
        """
        try:
            with self.lock:
                if not self.open:
                    raise WorkerLost
                if instead_of in self.running:
                    instead_of.stop()
                    self.running.remove(instead_of)
                self.running.append(worker := Worker())
            self.self_test(worker)
            return worker
        except (WorkerLost, OSError):
            if not self.open:
                raise WorkerLost from None
            raise RuntimeError(
                "a worker process does not start or does not last, so "
                "nothing is scored; check free memory, disk and processes"
                ) from None

    def self_test(self, worker):
        """Judges the canaries on a worker.  Raises ``RuntimeError``."""
        tests = [(Problem("canary", "", answer="42"), program, status,
                  Limits(seconds or self.limits.timeout,
                         self.limits.memory_mb))
                 for program, status, seconds in CANARIES]
        tests += [(problem, program.format(sign), status, self.limits)
                  for problem, program in CANARY_PROBLEMS
                  for sign, status in (("*", "passed"), ("+", "wrong"))]
        for problem, program, status, limits in tests:
            if status == "memory" and sys.platform != "linux":
                continue                 # macOS has no such limit
            program = program.format(self.limits.memory_mb)
            outcome, = self.outcomes_of(worker, problem, [program], limits)
            verdict = read_outcome(problem, outcome, self.comparator)
            if verdict.status != status:
                raise RuntimeError(
                    f"the judge's self-test failed, so nothing is scored: "
                    f"{program!r} came out as {verdict.status} "
                    f"({verdict.detail}) instead of {status}")

    def outcomes_of(self, worker, problem, programs, limits):
        """Yields the outcomes of programs for one problem, or, where only
        the answer counts, for any."""
        if problem.mode == "answer":
            yield from modes.answers(worker, programs, limits)
        else:
            judge = modes.script if problem.mode == "stdio" else \
                modes.calls
            for program in programs:
                yield judge(worker, program, problem, limits)

    def run_batch(self, problem, programs, given_up):
        """Outcomes of a batch; a lost worker is replaced, then retried.

        Once the event ``given_up`` is set nobody waits for the rest of it.
        """
        worker, outcomes, lost = self.idle.get(), [], 0
        together = len(programs)         # until one of them loses a worker
        try:
            while len(outcomes) < len(programs):
                begin = len(outcomes)
                try:
                    for outcome in self.outcomes_of(
                            worker, problem, programs[begin:begin + together],
                            self.limits):
                        outcomes.append(outcome)
                        lost = 0
                        if given_up.is_set() and len(outcomes) < len(
                                programs):   # it is still at the others
                            worker = self.start(instead_of=worker)
                            return outcomes
                except WorkerLost as why:
                    lost, together = lost + 1, 1
                    if lost == 2:
                        outcomes.append(["infrastructure", "", "", str(why)
                                         or "its worker was lost twice", 0.0])
                        lost = 0
                    worker = self.start(instead_of=worker)
        except BaseException:        # it may be in the middle of an answer
            worker.process.kill()
            raise
        finally:
            self.idle.put(worker)
        return outcomes

    def judge(self, problem, program):
        """The :class:`Verdict` on one program."""
        return next(self.judge_many([(problem, program)], progress=False))

    def judge_many(self, pairs, progress=True):
        """Yields a :class:`Verdict` per (problem, program), in order.

        The same program is run once.  Memory stays flat: ``pairs`` may be a
        generator.  Raises ``ValueError`` for a problem without an answer or
        tests, and for what is no problem and no program.
        """
        if not self.open:
            raise RuntimeError("the judge is not running; use it inside "
                               "'with Runner() as runner:'")
        self.outcomes.forget_failures()
        waiting, futures = deque(), deque()     # both in order
        batch, asked, of = {}, {}, None
        given_up = threading.Event()

        def submit():
            if not self.open:            # it was closed meanwhile
                raise RuntimeError("the judge was stopped; judge what is "
                                   "left inside 'with Runner() as runner:'")
            futures.append((list(batch), self.threads.submit(
                self.run_batch, of, list(batch.values()), given_up)))
            batch.clear()

        def verdicts(most):
            """Yields what can be told; waits while too much is open."""
            while waiting:
                problem, key = waiting[0]
                if asked[key] is None:
                    if len(waiting) <= most:
                        return
                    if batch and not futures:
                        submit()
                    keys, future = futures.popleft()
                    found = dict(zip(keys, future.result()))
                    self.outcomes.put(found)
                    asked.update(found)
                    continue
                waiting.popleft()
                outcome = asked[key]
                if not any(key == other for _, other in waiting):
                    asked.pop(key, None)
                bar.update()
                yield read_outcome(problem, outcome, self.comparator)

        total = len(pairs) if hasattr(pairs, "__len__") else None
        bar = progress_bar(title="judged", total=total, unit=" programs",
                           shown=progress)
        try:
            for pair in each_of("programs", pairs, "(problem, program)"):
                problem, program = checked_pair(pair)
                problem, tests = self.take(problem)
                key = self.key(problem, program, tests)
                waiting.append((problem, key))
                if key not in asked and key in self.outcomes:
                    asked[key] = self.outcomes[key]    # before it is gone
                elif key not in asked:
                    alone = problem.mode != "answer"
                    if batch and alone:
                        submit()
                    asked[key], batch[key], of = None, program, problem
                    if alone or len(batch) == BATCH:
                        submit()
                yield from verdicts(4 * BATCH * self.workers)
            yield from verdicts(0)
        finally:
            given_up.set()
            for _, future in futures:
                future.cancel()
            bar.close()

    def take(self, problem):
        """A problem as it is now, and a digest of its tests.

        What it holds may change later on, in a list of tests, say: then it
        is a copy that is judged.  Raises ``ValueError`` for a problem that
        cannot be judged.
        """
        last, taken, tests, text = self.taken
        if problem is last and (taken is problem or told(problem) == text):
            return taken, tests
        check_problem(problem)
        text = told(problem)
        tests = hashlib.sha256(text.encode()).hexdigest()
        taken = as_judged(problem)
        self.taken = problem, taken, tests, text if taken is not problem \
            else None
        return taken, tests

    def key(self, problem, program, tests):
        """Names a run by all that its outcome depends on."""
        what = (program, problem.mode, tests, self.limits.timeout,
                self.limits.memory_mb, VERSION, sys.version_info[:2])
        return hashlib.sha256(repr(what).encode()).digest()[:16]
