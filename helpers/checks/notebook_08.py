"""Checks of the exercises in notebook 08."""

import math
from functools import partial

from helpers.checks.report import (NO_RETURN, Failure, attempt, entries,
                                   exercise, misfit, one_number, say, shown)

# ------------------------------------------------- exercise 1: trying again

ENDLESS = 20                  # requests after which nobody is asked any more
TRIED, PAUSED = 4, 0.5        # what the check passes as tries and pause
NO_ANSWER = {201: "no answer", 204: "no answer"}
# Not 408, 409 and 425: some clients try these again, with good reason.
STAY = 300, 302, 304, 308, 402, 405, 406, 410, 413, 422, 428, 431, 451, 499
LOADS = (503, {}, "loading")
WANTED = "return the body of the answer, a text"


class EndlessRetry(BaseException):
    """No ``except Exception`` of the learner's catches this."""


class Part:
    """A function that is shown by its name, and is its own copy."""

    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        return self.function(*arguments)

    def __repr__(self):
        return self.function.__name__

    def __deepcopy__(self, memo):
        return self


class Served:
    """Replies of a script to a learner's ``ask``, and its ``sleep``."""

    def __init__(self, replies):
        self.replies, self.asked, self.slept = replies, 0, []

    def ask(self):
        """The next reply; the last one for ever."""
        if self.asked >= ENDLESS:
            raise EndlessRetry
        self.asked += 1
        return self.replies[min(self.asked, len(self.replies)) - 1]

    def sleep(self, seconds):
        """Notes ``seconds`` and does not wait."""
        self.slept.append(seconds)


def tried_with(with_retry, replies, nothing=None, tries=TRIED, pause=PAUSED):
    """(the :class:`Served`, what came back, ``Failure`` or None)."""
    served = Served(replies)
    value, failed = attempt(with_retry, Part(served.ask), tries, pause,
                            Part(served.sleep), nothing=nothing)
    return served, value, failed


@exercise
def check_08_1(with_retry):
    """Exercise 1: what is tried again, how often, and after which wait."""
    return (answered(with_retry) or passing(with_retry)
            or refused(with_retry)
            or given_up(with_retry) or waited(with_retry)
            or waited_longer(with_retry) or by_name(with_retry)
            or say("every wait and every end as described", "that"))


def answered(with_retry):
    """What a server does that first says 429, then 500, then 200."""
    title = "the answer 'ok' after 429, 500 and 200"
    served, value, failed = tried_with(
        with_retry, [(429, {}, "slow"), (500, {}, "oops"), (200, {}, "ok")],
        NO_RETURN)
    if failed and failed.kind == "EndlessRetry":
        return say(title, f"more than {ENDLESS} requests", "it never looks "
                   "at the status")
    if failed:
        why = {1: "a 429 passes: wait, and try again", 2: "a failure of the "
               "server (500) passes, too: try every 5xx again"}
        return say(title, failed, why.get(served.asked)
                   if "RuntimeError" in failed.kinds else None)
    whole = isinstance(value, tuple) and len(value) == 3
    text = value[2] if whole else value
    text = text if isinstance(text, str) else ""
    if text in ("slow", "oops"):
        return say(title, shown(value), "a refusal is returned as if it were "
                   "an answer")
    if whole and text == "ok":
        return say(title, shown(value), "return the body alone")
    if not isinstance(value, str) or value != "ok":
        return say(title, misfit(value, WANTED))
    if served.asked != 3:
        return say(title, f"{served.asked} requests", "after a 200 nothing "
                   "more is asked")
    if not served.slept:
        return say(title, "no call of sleep", "it asks again at once: call "
                   "the argument `sleep` with the seconds before each try")
    return None


def passing(with_retry):
    """All failures of the server pass, not those alone that one knows."""
    for status in (502, 503, 504, 529, 599):
        title = f"the answer 'ok' after {status} and 200"
        _, value, failed = tried_with(
            with_retry, [(status, {}, "oops"), (200, {}, "ok")], NO_RETURN)
        if failed or not isinstance(value, str) or value != "ok":
            return say(title, failed or shown(value), "try every 5xx again, "
                       "that is 500 to 599")
    return None


def by_name(with_retry):
    """It is called as the next cell does it, by ``pause`` alone."""
    served = Served([(200, {}, "ok")])
    value, failed = attempt(partial(with_retry, pause=PAUSED),
                            Part(served.ask), nothing=NO_RETURN)
    if failed or not isinstance(value, str) or value != "ok":
        return say(f"the answer 'ok' of with_retry(ask, pause={PAUSED})",
                   failed or shown(value), "keep the names and the defaults "
                   "tries=6, pause=1.0, sleep=time.sleep")
    return None


def refused(with_retry):
    """What trying again does not mend."""
    known = {401: "a wrong key", 400: "a bad request", 403: "no permission",
             404: "a wrong address"}
    others = dict.fromkeys(STAY, "that it stays wrong")
    for status, words in (known | others | NO_ANSWER).items():
        title = f"an exception after one request with {status}"
        served, value, failed = tried_with(with_retry, [(status, {}, "no")])
        if not failed:
            return say(title, shown(value), f"{status} means {words}: raise, "
                       f"so that nobody takes it for an answer")
        if served.asked > 1:
            return say(title, f"{served.asked} requests", f"{status} means "
                       f"{words}, the next try ends the same way: raise at "
                       f"once")
        if "RuntimeError" not in failed.kinds:
            return say(title, failed, "raise RuntimeError")
    return None


def given_up(with_retry):
    """A server that never comes to itself."""
    title = f"an exception after {TRIED} requests (tries={TRIED})"
    served, value, failed = tried_with(with_retry, [LOADS])
    if not failed:
        return say(title, shown(value), "the last try failed as well: raise")
    if failed.kind == "EndlessRetry":
        return say(title, f"more than {ENDLESS} requests", "it never gives "
                   "up: count the tries")
    if served.asked != TRIED:
        return say(title, f"{served.asked} requests", "the first request is "
                   "a try as well" if served.asked == TRIED + 1 else
                   "`tries` counts all requests")
    if "RuntimeError" not in failed.kinds:
        return say(title, failed, "raise RuntimeError")
    if len(served.slept) >= TRIED:
        return say(title, f"{len(served.slept)} waits", "nobody asks after "
                   "the last try, so that wait is for nothing")
    title = f"the answer 'ok' of request {TRIED} (tries={TRIED})"
    _, value, failed = tried_with(
        with_retry, [LOADS] * (TRIED - 1) + [(200, {}, "ok")], NO_RETURN)
    if failed or not isinstance(value, str) or value != "ok":
        return say(title, failed or shown(value), "the last try counts, too")
    return None


def waited(with_retry):
    """How long the waits are, with and without Retry-After."""
    served, _, _ = tried_with(with_retry, [LOADS])
    right = [PAUSED * 2 ** i for i in range(TRIED - 1)]
    title = f"waits of {listed(right)} s (pause={PAUSED})"
    waits, failed = waits_of(served)
    if failed:
        return say(title, failed)
    # Half as much again, or half of it: a wait may be blurred on purpose.
    if len(waits) != len(right) or not all(
            0.5 * b <= a <= 1.5 * b for a, b in zip(waits, right)):
        same = len({round(a, 6) for a in waits}) == 1
        return say(title, f"{listed(waits)} s", "the waits stay the same: "
                   "double them each time" if same else "begin with `pause`, "
                   "and double it each time")
    for status, wanted, least, words in (
            (429, "3", 3.0, "the header Retry-After says 3 seconds, wait at "
             "least that long"),
            (429, "0", PAUSED / 2, "Retry-After is shorter than your own "
             "wait: the longer one counts"),
            (503, "3", 3.0, "Retry-After may come with any failure, here "
             "with a 503")):
        served, value, failed = tried_with(with_retry, [
            (status, {"Retry-After": wanted}, "slow"), (200, {}, "ok")])
        title = f"a wait of {max(float(wanted), PAUSED):g} s"
        if failed:
            return say(title, failed)
        waits, failed = waits_of(served)
        if failed or not waits or waits[0] < least:
            return say(title, failed or f"{listed(waits)} s", words)
    return None


def waited_longer(with_retry):
    """More tries and another pause; a last wait of 8 s, or of Retry-After."""
    for wanted, least, most, words in (
            (None, 4, 12, "`tries` and `pause` count, and each wait is twice "
             "the one before"),
            ("1", 4, 12, "Retry-After is shorter than your own wait: the "
             "longer one counts"),
            ("8", 8, 12, "the longer one of Retry-After and your own wait "
             "counts, and not their sum")):
        header = {} if wanted is None else {"Retry-After": wanted}
        served, _, failed = tried_with(
            with_retry, [LOADS] * 4 + [(503, header, "slow"), (200, {}, "ok")],
            tries=6)
        title = f"8 s before request 6 (tries=6, pause={PAUSED})" + (
            "" if wanted is None else f" with Retry-After: {wanted}")
        waits, failed = (None, failed) if failed else waits_of(served)
        if failed or len(waits) != 5 or not least <= waits[-1] <= most:
            return say(title, failed or f"waits of {listed(waits)} s", words)
    return None


def waits_of(served):
    """(the seconds of all waits, None), or (None, ``Failure``)."""
    waits = []
    for seconds in served.slept:
        number, failed = one_number(seconds, "sleep wants seconds")
        if failed:
            return None, failed
        waits.append(number)
    return waits, None


def listed(numbers):
    """"0.5, 1, 2"."""
    return ", ".join(f"{x:g}" for x in numbers) or "no"


# ---------------------------------------------- exercise 2: cost beforehand

PLANNED = (50, 8, 400, 120, 3, (2000, 500))
# n completions in so many choices a call, and the calls that are needed.
ROUNDED = ((6, 3, 2), (7, 3, 3), (1, 8, 1), (5, 1, 5))
SLIPS = {
    "each call reads its prompt once, and ceil(n / choices) calls are needed "
    "for a problem; you read it once for each completion": {"calls": "n"},
    "each call reads its prompt once, and ceil(n / choices) calls are needed "
    "for a problem; you read it once for each problem": {"calls": "one"},
    "8 completions in threes take 3 calls: round up": {"calls": "part"},
    "8 completions in threes take 3 calls: round up, not down":
        {"calls": "down"},
    "all n completions of a problem are written": {"writes": 1},
    "the speeds are swapped: read first, written second": {"swap": True},
    "speeds are tokens a second: divide by them": {"times": True},
    "reading takes time, too": {"read": 0}, "writing takes time, too":
        {"write": 0}}


def planned(problems, n, prompt, new, choices, speeds, calls="up", writes=None,
            swap=False, times=False, read=1, write=1):
    """What exercise 2 asks for, with mistakes to choose."""
    each = {"up": math.ceil(n / choices), "n": n, "one": 1,
            "part": n / choices, "down": n // choices}[calls]
    tokens = problems * each * prompt, problems * (writes or n) * new
    first, second = reversed(speeds) if swap else speeds
    parts = ((tokens[0] * first, tokens[1] * second) if times else
             (tokens[0] / first, tokens[1] / second))
    return (*tokens, read * parts[0] + write * parts[1])


def three_numbers(estimate, *case):
    """(the three numbers of a case, None), or (None, ``Failure``)."""
    got, failed = attempt(estimate, *case)
    if not failed:
        three, failed = entries(got, "three numbers are wanted")
    if not failed and len(three) != 3:
        failed = Failure(shown(got), "three numbers are wanted: tokens read, "
                         "tokens written, seconds")
    numbers = []
    for entry in three if not failed else ():
        number, failed = one_number(entry, "three numbers are wanted")
        if failed:
            break
        numbers.append(number)
    return numbers, failed


def calls_counted(estimate):
    """What is told of other calls a problem; None if all are right."""
    for n, choices, calls in ROUNDED:
        case = (3, n, 30, 10, choices, (90, 20))
        right = planned(*case)
        title = f"{in_numbers(right)} for {case}"
        numbers, failed = three_numbers(estimate, *case)
        if failed or not same_numbers(numbers, right):
            return say(title, failed or in_numbers(numbers), f"{n} "
                       f"completions in calls of {choices} take {calls}: "
                       f"round up, and add nothing where it comes out even")
    return None


@exercise
def check_08_2(estimate):
    """Exercise 2: tokens and seconds of a sampling, before it is run."""
    right = planned(*PLANNED)
    title = in_numbers(right)
    numbers, failed = three_numbers(estimate, *PLANNED)
    if failed:
        return say(title, failed)
    if same_numbers(numbers, right):
        return calls_counted(estimate) or say(title, in_numbers(numbers))
    if same_numbers(numbers, (right[1], right[0], right[2])):
        return say(title, in_numbers(numbers), "read and written are the "
                   "other way round")
    for why, slips in SLIPS.items():
        if same_numbers(numbers, planned(*PLANNED, **slips)):
            return say(title, in_numbers(numbers), why)
    return say(title, in_numbers(numbers), "tokens read by their speed, plus "
               "tokens written by theirs")


def in_numbers(numbers):
    """The three numbers in words."""
    return "{:,.0f} read, {:,.0f} written, {:,.1f} s".format(*numbers)


def same_numbers(ours, theirs):
    """Whether the numbers are the same, up to rounding."""
    return all(math.isclose(a, b, rel_tol=1e-6)
               for a, b in zip(ours, theirs, strict=True))
