"""What the failures of a server mean: wait and try again, or stop and why.
"""

import email.utils
import json
import math
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
NO_JSON = "an answer that is no JSON (HTML? check the address)"


class EndpointError(RuntimeError):
    """One sentence for the reader.

    Where the server refused a request: ``code`` is its HTTP status, ``words``
    what it said and ``parameter`` what it objects to, if it says.
    """

    def __init__(self, sentence, code=None, words="", parameter=None):
        super().__init__(sentence)
        self.code, self.words, self.parameter = code, words, parameter


class Again(Exception):
    """A failure that may pass.

    ``wait``: seconds that the server asks to wait, or None.  ``everybody``:
    whether that holds for all requests, as a rate limit does.
    """

    def __init__(self, what, wait=None, everybody=False):
        super().__init__(what)
        self.wait, self.everybody = wait, everybody


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
    broke = "insufficient_quota" in (detail.get("code"), detail.get("type"))
    if code in AGAIN and not broke:
        what = "429, too many requests" if code == 429 else f"error {code}"
        return Again(f"{what} ({words})" if words else what,
                     asked_to_wait(headers), code == 429)
    if 300 <= code < 400:
        target = urlsplit(urljoin(url, headers.get("Location") or ""))
        return EndpointError(
            f"{url} sends requests on to {target.scheme}://{target.hostname}"
            f"{target.path}; keys are not sent after it: if that is right, "
            f"give that address")
    remedy = REMEDIES.get(code, "change what it refuses, or leave a parameter "
                                "out as extra={'seed': None} does")
    return EndpointError(
        f"{url} refuses with {code} ({words or 'no reason given'}): {remedy}",
        code, words, detail.get("param"))


def asked_to_wait(headers):
    """The seconds of a Retry-After header, a number or a date, or None."""
    text = headers.get("Retry-After") or ""
    try:
        wait = float(text)
    except ValueError:
        try:
            when = email.utils.parsedate_to_datetime(text)
            wait = when.timestamp() - time.time()
        except (TypeError, ValueError, OverflowError):
            return None
    return max(0.0, wait) if math.isfinite(wait) else None
