"""What the failures of a server mean: wait and try again, or stop and why.
"""

import email.utils
import json
import math
import re
import socket
import ssl
import time
from urllib.parse import urljoin, urlsplit

# Passing failures; 529 and 52x are what overloaded servers and the proxies
# in front of them say.
AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529}
REMEDIES = {
    401: "the key is missing or wrong; check the environment variable or the "
         "secret that holds it",
    402: "the account is empty; the samples so far are kept",
    403: "the key does not open this model or this server",
    404: "no such address or model",
    429: "the account is used up; the samples so far are kept",
}
# A server that says these asks for patience: it counts by the minute, or
# still loads its model.
PATIENT = {429, 503, 529}
# Which refusals may be about one prompt, and what they then say.
OF_A_PROMPT = {400, 413, 422}
TOO_LONG = re.compile(r"context|too (long|large)|max_model_len|"
                      r"(prompt|input|token)s?.{0,40}exceed", re.IGNORECASE)
OF_A_FILTER = re.compile(r"content.?(filter|polic|management)|moderat|safety|"
                    r"flagged|blocked|invalid_prompt", re.IGNORECASE)
A_PARAMETER = re.compile(
    r"parameter|field|argument|unexpected|unsupported|not supported|extra "
    r"inputs|unrecogni[sz]ed|unknown|api key|model", re.IGNORECASE)
NO_JSON = "an answer that is no JSON (HTML? check the address)"


class EndpointError(RuntimeError):
    """One sentence for the reader.

    Where the server refused a request: ``code`` is its HTTP status, ``words``
    what it said and ``parameter`` what it objects to, if it says.
    """

    def __init__(self, sentence, code=None, words="", parameter=None):
        super().__init__(sentence)
        self.code, self.words, self.parameter = code, words, parameter

    @property
    def of_a_prompt(self):
        """Whether it may be this prompt that is refused, and no other."""
        if self.code not in OF_A_PROMPT:
            return False
        if TOO_LONG.search(self.words) or OF_A_FILTER.search(self.words):
            return True
        return (self.parameter in (None, "messages", "prompt", "input")
                and not A_PARAMETER.search(self.words))


class Again(Exception):
    """A failure that may pass.

    ``wait``: seconds that the server asks to wait, or None.  ``everybody``:
    whether that holds for all requests, as a rate limit does.  ``patient``:
    whether the server is well and asks for patience.
    """

    def __init__(self, what, wait=None, everybody=False, patient=False):
        super().__init__(what)
        self.wait, self.everybody = wait, everybody
        self.patient = patient


def broken(url, error):
    """The exception for a connection that failed with ``error``."""
    cause = reason = error.__cause__               # of httpx or of httpx2
    while reason and not isinstance(reason, OSError):
        reason = reason.__context__
    reason, kind = reason or cause, type(cause).__name__
    if isinstance(reason, ConnectionRefusedError):
        return Again("nobody listens there")
    if "complete message body" in str(reason):
        return Again("an answer that breaks off")
    if kind == "DecodingError":
        return Again(NO_JSON)
    if isinstance(reason, ConnectionError) or kind == "RemoteProtocolError":
        return Again("a broken connection")
    if kind == "ProxyError" or isinstance(
            reason, ssl.SSLCertVerificationError) or (
            isinstance(reason, socket.gaierror)
            and reason.errno != socket.EAI_AGAIN) or (
            isinstance(reason, OSError) and not reason.errno):
        return EndpointError(f"cannot reach {url}: {reason}; check the "
                             f"address and the network")
    return Again(f"a broken connection ({type(reason).__name__})")


def explained(url, code, data, headers, key):
    """The exception for an answer ``data`` with the HTTP status ``code``."""
    try:
        failure = json.loads(data)
    except (ValueError, RecursionError):
        failure = data.decode("utf-8", "replace")
    for name in ("error", "detail", "message"):     # OpenAI, FastAPI, others
        if isinstance(failure, dict) and failure.get(name):
            failure = failure[name]
            break
    detail = failure if isinstance(failure, dict) else {}
    words = " ".join(str(detail.get("message") or failure or "").split())
    if key:
        words = words.replace(key, "(key)")
    words = words[:300].rstrip(".")
    if detail.get("code") and OF_A_FILTER.search(str(detail["code"])):
        words = f"{detail['code']}: {words}"
    broke = "insufficient_quota" in (detail.get("code"), detail.get("type"))
    if code in AGAIN and not broke:
        what = "429, too many requests" if code == 429 else f"error {code}"
        return Again(f"{what} ({words})" if words else what,
                     asked_to_wait(headers, words), code == 429,
                     code in PATIENT)
    if 300 <= code < 400:
        target = urlsplit(urljoin(url, headers.get("Location") or ""))
        return EndpointError(
            f"{url} sends requests on to {target.scheme}://{target.hostname}"
            f"{target.path}; keys are not sent after it: if that is right, "
            f"give that address")
    remedy = REMEDIES.get(code, "change what it refuses, or leave a parameter "
                                "out as extra={'seed': None} does")
    if code in OF_A_PROMPT and TOO_LONG.search(words):
        remedy = ("shorten this prompt, or give the server a longer context "
                  "where you start it")
    elif code in OF_A_PROMPT and OF_A_FILTER.search(words):
        remedy = "word this prompt differently, or leave it out"
    return EndpointError(
        f"{url} refuses with {code} ({words or 'no reason given'}): {remedy}",
        code, words, detail.get("param"))


ABOUT_N = re.compile(r"\bn\b|n_cmpl|\bbest_of\b|completion choice|"
                     r"candidate|number of (choices|completions)",
                     re.IGNORECASE)


def fewer_choices(n, error):
    """How many choices to ask for after a refusal of ``n``; 0: it is not n.

    That is what the refusal names as the most, half of ``n`` where it only
    says that n is too large, and 1 where it may be anything.
    """
    if n < 2 or error.code not in OF_A_PROMPT:
        return 0
    about = error.parameter in ("n", "best_of") or ABOUT_N.search(error.words)
    if not about:
        clear = TOO_LONG.search(error.words) or OF_A_FILTER.search(error.words)
        return 1 if error.of_a_prompt and not clear else 0
    named = [int(x) for x in re.findall(r"(?<![\d.])\d+(?![\d.]\d)",
                                        error.words) if 0 < int(x) < n]
    if re.search(r"only one|must be 1\b|single", error.words,
                 re.IGNORECASE):
        return 1
    return max(named, default=n // 2)


RESETS = ("x-ratelimit-reset-requests", "x-ratelimit-reset-tokens",
          "x-ratelimit-reset", "ratelimit-reset")
LONGEST_RESET = 60         # seconds
SAID = re.compile(r"(?:try again|retry|wait)\D{0,20}?("
                  r"(?:\d[\d.]*(?:ms|[smh]))+|\d[\d.]*(?= ?sec))",
                  re.IGNORECASE)
UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}


def asked_to_wait(headers, words=""):
    """The seconds that a server asks to wait, or None.

    The header Retry-After says it, in seconds or as a date, or one of those
    that tell when a limit is reset, or its ``words`` ("try again in 20s").
    A reset counts as a minute at most: it is when all is given back, and
    some of it comes earlier.
    """
    wait = seconds_in(headers.get("retry-after-ms") or "", "ms")
    if wait is None:
        wait = seconds_in(headers.get("Retry-After") or "", "s")
    if wait is not None:
        return wait
    resets = []
    for name in RESETS:
        left = headers.get(name.replace("reset", "remaining"))
        if left is None or str(left).strip() == "0":
            resets.append(seconds_in(headers.get(name) or "", "s"))
    resets = [min(x, LONGEST_RESET) for x in resets if x is not None]
    if resets:
        return max(resets)
    said = SAID.search(words)
    return seconds_in(said[1], "s") if said else None


def seconds_in(text, unit):
    """"1.5", "6m0s", "20ms", a date or a time since 1970, in seconds from now.

    A bare number counts ``unit``.  None for what is none of them.
    """
    text = str(text).strip().lower()
    try:
        wait = float(text)
        if wait > 1e9:                     # a clock's time, in s or in ms
            wait = wait / (1000 if wait > 1e11 else 1) - time.time()
        else:
            wait *= UNITS[unit]
    except ValueError:
        parts = re.findall(r"([\d.]+)(ms|[smhd])", text)
        try:
            if parts and "".join(map("".join, parts)) == text:
                wait = sum(float(x) * UNITS[u] for x, u in parts)
            else:
                when = email.utils.parsedate_to_datetime(text)
                wait = when.timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, wait) if math.isfinite(wait) else None
