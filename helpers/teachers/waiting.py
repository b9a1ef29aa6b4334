"""How long a server asks to wait, in all the ways in which servers say it."""

import datetime
import email.utils
import math
import re
import time

# x-ratelimit-reset-tokens, anthropic-ratelimit-requests-reset, ratelimit, ...
RESET = re.compile(r"rate-?limit.*reset|rate-?limit$", re.IGNORECASE)
LEFT = re.compile(r"(?:\br|remaining)=(\d+)")
UNTIL = re.compile(r"(?:\bt|reset)=([\d.]+)")
LONGEST_RESET = 60         # seconds
SAID = re.compile(r"(?:try again|retry|wait)\D{0,20}?("
                  r"(?:\d[\d.]*(?:ms|[smh]\b|[mh](?=\d)))+|"
                  r"\d[\d.]* ?(?:sec|min|hour)\w*)",
                  re.IGNORECASE)
UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 0.001, "s": 1, "m": 60,
         "h": 3600, "d": 86400}


def asked_to_wait(headers, words=""):
    """The seconds that a server asks to wait, or None.

    The header Retry-After says it, in seconds or as a date, or one of those
    that tell when a limit is reset, or its ``words`` ("try again in 20s").
    A reset counts as a minute at most: it is when all is given back, and
    some of it comes earlier.
    """
    told = {str(name).lower(): str(text) for name, text in headers.items()}
    wait = seconds_in(told.get("retry-after-ms", ""), "ms")
    if wait is None:
        wait = seconds_in(told.get("retry-after", ""), "s")
    if wait is not None:
        return wait
    resets = []
    for name, text in told.items():
        if not RESET.search(name):
            continue
        left = told.get(name.replace("reset", "remaining"))
        if "reset" not in name:          # limit=9, remaining=0, reset=5
            left, text = (found and found[1] for found in (
                LEFT.search(text), UNTIL.search(text)))
        if left is None or left.strip() == "0":
            resets.append(seconds_in(text or "", "s"))
    resets = [min(x, LONGEST_RESET) for x in resets if x is not None]
    if resets:
        return max(resets)
    said = SAID.search(words)
    return seconds_in(said[1], "s") if said else None


def seconds_in(text, unit):
    """"1.5", "6m0s", "20 seconds", "PT20S", a date or a time since 1970, in
    seconds from now.

    A bare number counts ``unit``.  None for what is none of them.
    """
    text = text.strip()
    short = re.sub(r"(?<=[\d\s])(s|m|h)(ec|econd|in|inute|our)s?\b", r"\1",
                   text.lower())
    short = re.sub(r"\s|^pt", "", short)
    try:
        wait = float(short.partition(",")[0])
        if wait > 1e9:                     # a clock's time, in s or in ms
            wait = wait / (1000 if wait > 1e11 else 1) - time.time()
        else:
            wait *= UNITS[unit]
    except ValueError:
        parts = re.findall(r"([\d.]+)([nuµm]s|[smhd])", short)
        try:
            if parts and "".join(map("".join, parts)) == short:
                wait = sum(float(x) * UNITS[u] for x, u in parts)
            else:
                wait = date_in(text).timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, wait) if math.isfinite(wait) else None


def date_in(text):
    """The moment that a date names, as mail writes it or as ISO 8601 does.

    Raises ``ValueError`` or ``TypeError``.
    """
    try:
        return email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError):
        when = datetime.datetime.fromisoformat(text)
        return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
