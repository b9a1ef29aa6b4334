"""Checks of the exercises in notebook M7."""

import math
import threading

import torch

from helpers.checks.limits import alone, in_threads
from helpers.checks.report import (attempt, call_of, entries, exercise,
                                   failure, listen, one_number, say,
                                   shown, unreturned)

# --------------------------------------- exercise 1: one loss, many processes

# The sum of the losses and the trained tokens of each process's share; the
# last one got nothing of this batch.
SHARES = ((24.0, 20), (45.0, 90), (0.0, 0))
SLIPS = {
    "each process divides by its own tokens, so that its few tokens weigh as "
    "much as another's many": lambda x, n, k, all_n: x / n,
    "that is the mean of the processes' means: few tokens weigh as much as "
    "many": lambda x, n, k, all_n: x / n / k,
    "the sum is never divided": lambda x, n, k, all_n: x,
    "divided by the number of processes; wanted is the number of tokens":
        lambda x, n, k, all_n: x / k,
    "that is right where gradients are averaged over processes; here they "
    "are added up": lambda x, n, k, all_n: x * k / all_n}


class Meeting:
    """What lets threads play processes: they add up a number together."""

    def __init__(self, processes):
        self.brought = [0.0] * processes
        self.barrier = threading.Barrier(processes)

    def adder(self, process):
        """The ``all_sum`` of a process."""
        def all_sum(value):
            self.brought[process] = float(
                value.detach() if isinstance(value, torch.Tensor) else value)
            self.barrier.wait()
            total = sum(self.brought)
            self.barrier.wait()
            return total
        return all_sum


def everywhere(function, leaves):
    """What each process returns, as (value, failure) pairs; what was printed.

    One that waits for another that has gone home fails.
    """
    meeting = Meeting(len(SHARES))
    calls = [(leaf, tokens, meeting.adder(process)) for process, (
        leaf, (_, tokens)) in enumerate(zip(leaves, SHARES))]

    def run(leaf, *arguments):
        with torch.enable_grad():       # which each thread has for itself
            return function(leaf * 1, *arguments)

    with alone() as printed:
        listen(f"{call_of(function, calls[0][:2])} and the others", printed)
        found = in_threads([(run, call) for call in calls], 3,
                           meeting.barrier.abort)
    return [pair and (pair[0], pair[1] and failure(
        pair[1], function, call[:2], 3))
        for pair, call in zip(found, calls)], printed


@exercise
def check_m7_1(process_loss):
    """Exercise 1: the loss that each of several processes goes back from.

    Names the mistakes that are found.
    """
    leaves = [torch.tensor(x, requires_grad=True) for x, _ in SHARES]
    tokens = sum(n for _, n in SHARES)
    right = [x / tokens for x, _ in SHARES]
    title = "losses of " + ", ".join(f"{x:.4f}" for x in right)
    if not callable(process_loss):
        return say(title, attempt(process_loss)[1])
    found, printed = everywhere(process_loss, leaves)
    if any(pair is None for pair in found):
        return say(title, None, "a process does not end")
    failures = [failed for _, failed in found if failed]
    alone_in_it = [failed for failed in failures
                   if failed.kind != "BrokenBarrierError"]
    if failures and not alone_in_it:
        return say(title, "a process that waits for ever", "all must call "
                   "all_sum equally often, also one without a token")
    if failures:
        return say(title, alone_in_it[0], "one process has no token here; "
                   "divide by the tokens of all"
                   if alone_in_it[0].kind == "ZeroDivisionError" else None)
    values = [value for value, _ in found]
    if all(value is None for value in values):
        return say(title, unreturned(printed))
    numbers = []
    for value in values:
        number, failed = one_number(value, "one number is wanted from each",
                                    finite=False)
        if failed:
            return say(title, failed)
        numbers.append(number)
    got = "losses of " + ", ".join(f"{x:.4f}" for x in numbers)
    if not nearly(numbers, right):
        return say(title, got, slip_in(numbers))
    try:
        gradients = [torch.autograd.grad(value, leaf)[0].item()
                     for value, leaf in zip(values, leaves)]
    except (RuntimeError, TypeError, AttributeError):
        gradients = None
    if not gradients or not nearly(gradients, [1 / tokens] * len(leaves)):
        return say(title, "numbers without the right gradient", "return "
                   "`total` divided by something: it carries the gradient")
    return say(title, got)


def nearly(ours, theirs):
    """Whether two lists hold the same numbers, up to rounding."""
    return all(math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-9)
               for a, b in zip(ours, theirs, strict=True))


def slip_in(numbers):
    """What makes the losses of :data:`SHARES` the given ones."""
    tokens = sum(n for _, n in SHARES)
    for why, wrong in SLIPS.items():
        known = [wrong(x, max(n, 1), len(SHARES), tokens) for x, n in SHARES]
        if nearly(numbers, known):
            return why
    return "each process: its own sum, divided by the tokens of all"


# ----------------------------------------- exercise 2: what is left, and whose

ALL_TASKS = [f"task-{number}" for number in range(11)]
DONE = {"task-0", "task-2", "task-4", "task-6", "task-8", "task-9"}


def tasks_of(process):
    """``ALL_TASKS`` as a process of its own has them.

    Texts are hashed in another way in each process, so that a set of them
    has another order there; here the hashes are set.
    """
    class Task(str):
        def __hash__(self):
            number = int(self.rpartition("-")[2]) + 1
            return number * (1, 30, 7, 24, 11, 19, 5, 3)[process] % 31
    return [Task(task) for task in ALL_TASKS]


@exercise
def check_m7_2(todo):
    """Exercise 2: what each process has to do after a kill."""
    for processes, done in ((1, set()), (3, set()), (8, set()), (2, DONE),
                            (3, DONE),
                            (8, DONE), (2, set(ALL_TASKS))):
        left = [task for task in ALL_TASKS if task not in done]
        title = (f"{len(left)} tasks, each with one of {processes} "
                 f"process{'es' * (processes > 1)}")
        shares = []
        for process in range(processes):
            tasks = tasks_of(process)
            got, failed = attempt(todo, tasks, {
                task for task in tasks if str(task) in done}, process,
                processes)
            if not failed:
                share, failed = entries(got, "a list of tasks is wanted",
                                        ordered=False)
            if failed:
                return say(title, failed)
            if any(not isinstance(task, str) or task not in ALL_TASKS
                   for task in share):
                return say(title, shown(got), "a list of tasks is wanted")
            shares.append([str(task) for task in share])
        why = slip_in_shares(shares, left, done)
        if why and in_one_process(todo, left, done, processes):
            why = ("right in one process only: each has another order of a "
                   "set of texts, so go through the list")
        if why:
            sizes = ", ".join(str(len(share)) for share in shares)
            return say(title, f"shares of {sizes}", why)
    return say("each task that is left with one process", "that")


def in_one_process(todo, left, done, processes):
    """Whether the shares are right where all are of one process."""
    shares = [attempt(todo, list(ALL_TASKS), set(done), process, processes)
              for process in range(processes)]
    return not any(failed for _, failed in shares) and not slip_in_shares(
        [list(share) for share, _ in shares], left, done)


def slip_in_shares(shares, left, done):
    """Why ``shares`` are no even division of ``left``; None if they are."""
    given = [task for share in shares for task in share]
    if set(given) & done:
        return "a task that is done is done again, and paid again"
    if len(set(given)) < len(given):
        return "a task is given to two processes"
    if set(given) < set(left):
        return "a task is nobody's; mind what a division leaves over"
    sizes = [len(share) for share in shares]
    if max(sizes) - min(sizes) > 1 and not done:
        return ("uneven: blocks that are rounded up leave too little for the "
                "last ones; deal the tasks out one by one")
    if max(sizes) - min(sizes) > 1:
        return ("uneven: take out what is done first, then divide, or the "
                "process that was killed has all the rest to itself")
    return None
