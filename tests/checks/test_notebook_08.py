"""The checks of notebook 08 know right from wrong."""

import random
import time

import numpy as np
import pytest

from marking import assert_told_why
from helpers.checks.notebook_08 import check_08_1, check_08_2
from helpers.scale.cost import estimate
from helpers.teachers.retry import with_retry


def stub(*arguments):
    ...


def retry(again=lambda status: status == 429 or status >= 500,
          waits=lambda pause, tried, wanted: max(wanted, pause * 2 ** tried),
          counts=lambda tries: tries, gives=lambda answer: answer[2],
          end=RuntimeError, asleep=lambda sleep, seconds: sleep(seconds)):
    """A retry with one thing changed."""
    def with_a_slip(ask, tries=6, pause=1.0, sleep=time.sleep):
        for tried in range(counts(tries)):
            answer = ask()
            if answer[0] == 200:
                return gives(answer)
            if not again(answer[0]):
                raise end(answer[0])
            if tried + 1 < counts(tries):
                asleep(sleep, waits(pause, tried, float(
                    answer[1].get("Retry-After", 0))))
        if end:
            raise end("given up")
        return answer[2]
    return with_a_slip


def never_looks(ask, tries, pause, sleep):
    sleep(pause)
    return ask()[2]


def until_it_works(ask, tries, pause, sleep):
    while (answer := ask())[0] != 200:
        sleep(pause)
    return answer[2]


def patient(ask, tries, pause, sleep):
    while True:
        status, headers, body = ask()
        if status == 200:
            return body
        if status != 429 and status < 500:
            raise RuntimeError(status)
        sleep(pause)


def swallowed(ask, tries, pause, sleep):
    for tried in range(tries):
        status, headers, body = ask()
        if status == 200:
            return body
        if status != 429 and status < 500:
            raise RuntimeError(status)
        sleep(max(float(headers.get("Retry-After", 0)), pause * 2 ** tried))


def three(*slips):
    """Right but for the change of one number."""
    def changed(problems, n, prompt, new, choices, speeds):
        given = {"problems": problems, "n": n, "prompt_tokens": prompt,
                 "new_tokens": new, "choices": choices, "speeds": speeds}
        for name, change in slips:
            given[name] = change(given)
        return estimate(**given)
    return changed


def in_calls(calls, at_least=1):
    """A solution that counts the calls of a problem in this way."""
    def estimate(problems, n, prompt, new, choices, speeds):
        read = problems * max(at_least, calls(n, choices)) * prompt
        return (read, problems * n * new,
                read / speeds[0] + problems * n * new / speeds[1])
    return estimate


class ServerError(RuntimeError):
    """A subclass is right, too."""


def raises_at_the_last(ask, tries=6, pause=1.0, sleep=time.sleep):
    asked = []

    def last():
        asked.append(ask())
        if len(asked) == tries:
            raise RuntimeError("given up")
        return asked[-1]
    return with_retry(last, tries, pause, sleep)


def heeds_429_alone(ask, tries=6, pause=1.0, sleep=time.sleep):
    def without():
        status, headers, body = ask()
        return status, headers if status == 429 else {}, body
    return with_retry(without, tries, pause, sleep)


def accepts_all_below_300(ask, tries=6, pause=1.0, sleep=time.sleep):
    def ok():
        status, headers, body = ask()
        return 200 if status < 300 else status, headers, body
    return with_retry(ok, tries, pause, sleep)


WRONG = [
    (check_08_1, stub, "nothing is returned"),
    (check_08_1, never_looks, "a refusal is returned as if"),
    (check_08_1, retry(again=lambda s: False), "a 429 passes"),
    (check_08_1, retry(again=lambda s: s == 429), "try every 5xx again"),
    (check_08_1, retry(again=lambda s: s in (429, 500), asleep=lambda s, x: 0),
     "asks again at once"),
    (check_08_1, retry(again=lambda s: s in (429, 500, 503)),
     "that is 500 to 599"),
    (check_08_1, raises_at_the_last, "the last try counts"),
    (check_08_1, lambda ask, tries, pause, sleep: with_retry(
        ask, tries, pause, sleep), "keep the names and the defaults"),
    (check_08_1, heeds_429_alone, "here with a 503"),
    (check_08_1, retry(gives=lambda a: a), "return the body alone"),
    (check_08_1, retry(gives=lambda a: a[0]), "a text"),
    (check_08_1, retry(again=lambda s: s != 401), "a bad request, the next"),
    (check_08_1, retry(again=lambda s: s not in (400, 401, 403, 404)),
     "300 means that it stays wrong"),
    (check_08_1, retry(again=lambda s: s in (422, 429) or s >= 500),
     "422 means that it stays"),
    (check_08_1, until_it_works, "a wrong key, the next try"),
    (check_08_1, retry(end=ValueError), "raise RuntimeError"),
    (check_08_1, patient, "count the tries"),
    (check_08_1, retry(counts=lambda t: t + 1), "first request is a try"),
    (check_08_1, retry(counts=lambda t: t - 1), "counts all requests"),
    (check_08_1, swallowed, "the last try failed as well"),
    (check_08_1, retry(waits=lambda p, t, w: max(p, w)), "stay the same"),
    (check_08_1, retry(waits=lambda p, t, w: max(w, 1 + t)), "and double it"),
    (check_08_1, retry(waits=lambda p, t, w: p * 2 ** t), "says 3 seconds"),
    (check_08_1, lambda ask, tries, pause, sleep: with_retry(
        ask, tries, pause, lambda x: sleep("soon")), "sleep wants seconds"),
    (check_08_1, retry(waits=lambda p, t, w: w + p * 2 ** t), "not their sum"),
    (check_08_1, retry(waits=lambda p, t, w: w or p * 2 ** t),
     "shorter than your own"),
    (check_08_1, retry(waits=lambda p, t, w: max(w, p * (t + 1))),
     "twice the one before"),
    (check_08_1, lambda ask, tries=6, pause=1.0, sleep=time.sleep: with_retry(
        ask, 4, 0.5, sleep), "`tries` and `pause` count"),
    (check_08_1, accepts_all_below_300, "201 means no answer"),
    (check_08_1, lambda ask: ask, "failed"),
    (check_08_2, stub, "nothing is returned"),
    (check_08_2, three(("choices", lambda g: 1)), "for each completion"),
    (check_08_2, three(("choices", lambda g: g["n"])), "for each problem"),
    (check_08_2, three(("choices", lambda g: 4)), "round up, not down"),
    (check_08_2, lambda p, n, q, w, c, s: (
        p * n / c * q, p * n * w, p * n / c * q / s[0] + p * n * w / s[1]),
     "round up"),
    (check_08_2, three(("speeds", lambda g: g["speeds"][::-1])), "swapped"),
    (check_08_2, three(("speeds", lambda g: [1 / x for x in g["speeds"]])),
     "divide by them"),
    (check_08_2, lambda *a: (*estimate(*a)[:2], estimate(*a)[1] / a[5][1]),
     "reading takes time"),
    (check_08_2, lambda *a: (*estimate(*a)[:2], estimate(*a)[0] / a[5][0]),
     "writing takes time"),
    (check_08_2, lambda *a: (estimate(*a)[1], estimate(*a)[0],
                             estimate(*a)[2]), "the other way round"),
    (check_08_2, in_calls(lambda n, each: n // each + 1), "calls of 3 take 2"),
    (check_08_2, in_calls(lambda n, each: round(n / each)),
     "calls of 3 take 3"),
    (check_08_2, in_calls(lambda n, each: -(-n // each) or 1, at_least=2),
     "calls of 8 take 1"),
    (check_08_2, lambda *a: estimate(*a)[:2], "three numbers"),
    (check_08_2, lambda p: p, "failed"),
]


@pytest.mark.parametrize("check, answer, message", WRONG)
def test_a_wrong_answer_is_told_why(check, answer, message, capsys):
    assert_told_why(check, answer, message, capsys)


def test_right_answers_pass(capsys):
    def blurred(pause, tried, wanted):        # so that not all come at once
        return max(wanted, pause * 2 ** tried * random.uniform(0.6, 1.4))

    for answer in (with_retry, retry(), retry(waits=blurred),
                   retry(end=ServerError),
                   retry(again=lambda s: s in (408, 409, 425, 429)
                         or s >= 500)):
        assert check_08_1(answer)
    assert check_08_2(estimate)
    assert check_08_2(lambda *a: np.array(estimate(*a)))
    assert capsys.readouterr().out.count(": correct\n") == 7
