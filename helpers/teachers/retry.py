"""One request, tried again where that helps: the idea in a dozen lines.

:mod:`helpers.teachers.server` does the same for many requests at a time, and
lets a rate limit hold all of them back.
"""

import time

from helpers.teachers.failures import asked_to_wait


def with_retry(ask, tries=6, pause=1.0, sleep=time.sleep):
    """What ``ask()`` answers in the end: the body of its first 200.

    ``ask()`` makes one request and returns (status, headers, body).  After
    a 429 or a 5xx it is asked again, up to ``tries`` times in all; before
    that ``sleep(seconds)`` gets ``pause`` seconds, then twice as many each
    time, or what the header Retry-After wants if that is longer.  Raises
    ``RuntimeError`` for any other status at once, and after the last try.
    Introduced in notebook 08.
    """
    for tried in range(1, tries + 1):
        status, headers, body = ask()
        if status == 200:
            return body
        if tried == tries or not (status == 429 or status >= 500):
            raise RuntimeError(f"{status} at try {tried}: {body}")
        wanted = asked_to_wait(headers) or 0
        sleep(max(wanted, pause * 2 ** (tried - 1)))
