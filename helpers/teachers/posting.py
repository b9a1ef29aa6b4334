"""One question to a server that speaks OpenAI's protocol, and its troubles.

The standard library does the talking.  The package ``openai`` would retry
each request by itself, while here a rate limit must hold all requests back,
and an answer that breaks off must be asked for again; with its retries
turned off, one POST would be left of it.  The HTTP client that transformers
brings along is another one from version to version (httpx, then httpx2).
"""

import email.utils
import http.client
import importlib
import json
import os
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

from helpers.tools.offline import is_local

# Passing failures; 529 and 52x are what overloaded servers and the proxies
# in front of them say.
AGAIN = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}


class EndpointError(RuntimeError):
    """One sentence for the reader.  Introduced in notebook 08, section 2.

    Where the server refused a request: ``code`` is its HTTP status,
    ``words`` what it said and ``parameter`` what it objects to, if it says.
    """

    def __init__(self, sentence, code=None, words="", parameter=None):
        super().__init__(sentence)
        self.code, self.words, self.parameter = code, words, parameter


class Again(Exception):
    """A failure that may pass.  Introduced in notebook 08, section 2.

    ``wait``: seconds that the server asks to wait, or None.  ``everybody``:
    whether that holds for all requests, as a rate limit does.
    """

    def __init__(self, what, wait=None, everybody=False):
        super().__init__(what)
        self.wait, self.everybody = wait, everybody


def key_for(url, variable=None):
    """The key for the server at ``url``, or None where it takes none.

    It is read from the environment variable ``variable``, or from the
    secret of that name on Colab, and nowhere else, so that no key is ever
    written into a notebook.  By default that is OPENAI_API_KEY for
    api.openai.com, nothing for this machine, and for every other server
    TEACHER_API_KEY if there is one: a key goes to no server that it was not
    made for.  Raises ``EndpointError`` if a key is needed and missing, is no
    key, or would travel unencrypted.  Introduced in notebook 08, section 1.
    """
    host = urlsplit(url).hostname
    needed = bool(variable) or host == "api.openai.com"
    if not variable and is_local(host):
        return None
    variable = variable or ("OPENAI_API_KEY" if needed else "TEACHER_API_KEY")
    key = (os.environ.get(variable) or secret(variable) or "").strip()
    if not key and needed:
        raise EndpointError(
            f"{host} wants a key: before you start, put it into the "
            f"environment variable {variable}, or on Colab into the secrets "
            f"under that name with access for this notebook; never into a "
            f"cell")
    # The HTTP library would print a key that it cannot send.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise EndpointError(f"what {variable} holds is no key: it has spaces "
                            f"or letters that no key has; copy it again")
    if key and urlsplit(url).scheme != "https" and not is_local(host):
        raise EndpointError(f"the key of {variable} would travel to {host} "
                            f"unencrypted; use an address with https://")
    return key or None


def secret(name):
    """The secret ``name`` of Colab, or None, also when not on Colab.

    Introduced in notebook 08, section 1.
    """
    if "google.colab" not in sys.modules:
        return None
    try:
        return importlib.import_module("google.colab.userdata").get(name)
    except Exception:      # not there, no access, no answer: kinds of Colab
        return None


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect is an error: a key must not follow it to another server.

    Introduced in notebook 08, section 2.
    """

    def redirect_request(self, *arguments):
        return None


def post(url, body, key=None, timeout=600):
    """The server's answer (a dict) to the JSON ``body``; a GET if it is None.

    Raises ``Again`` for what may pass (rate limits, failures of the server
    or the line, no answer within ``timeout`` seconds, an answer that breaks
    off) and ``EndpointError`` for what will not.
    Introduced in notebook 08, section 2.
    """
    request = urllib.request.Request(
        url, None if body is None else json.dumps(body).encode(),
        {"Content-Type": "application/json", "Accept": "application/json",
         "User-Agent": "reasoning-distillation-notebooks"})
    if key:
        request.add_unredirected_header("Authorization", f"Bearer {key}")
    # A proxy stands between this machine and others, not before itself.
    proxies = {} if is_local(urlsplit(url).hostname) else None
    opener = urllib.request.build_opener(
        NoRedirect, urllib.request.ProxyHandler(proxies))
    try:
        with opener.open(request, timeout=timeout) as answer:
            text = answer.read()
    except urllib.error.HTTPError as error:
        raise explained(url, error.code, told(error), error.headers,
                        key) from None
    except (OSError, http.client.HTTPException) as error:
        raise broken(url, error, timeout) from None
    try:
        found = json.loads(text)
    except ValueError:
        raise Again("an answer that breaks off") from None
    failure = found.get("error") if isinstance(found, dict) else None
    if failure:                       # some servers say 200 and mean 500
        code = failure.get("code") if isinstance(failure, dict) else None
        code = code if isinstance(code, int) and code >= 400 else 500
        raise explained(url, code, found, {}, key)
    return found


def broken(url, error, timeout):
    """The exception for a connection that failed with ``error``.

    Introduced in notebook 08, section 2.
    """
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return Again(f"no answer within {timeout:g} seconds")
    if isinstance(reason, ConnectionRefusedError):
        return Again("nobody listens there")
    if isinstance(error, http.client.IncompleteRead):
        return Again("an answer that breaks off")
    if isinstance(reason, ConnectionError):
        return Again("a broken connection")
    name = (isinstance(reason, socket.gaierror)
            and reason.errno != socket.EAI_AGAIN)
    if name or isinstance(reason, ssl.SSLCertVerificationError) or (
            isinstance(reason, OSError) and not reason.errno):
        return EndpointError(f"cannot reach {url}: {reason}; check the "
                             f"address and the network")
    return Again(f"a broken connection ({type(reason).__name__})")


def told(error):
    """The JSON that came with an HTTP error, or its text.

    Introduced in notebook 08, section 2.
    """
    try:
        text = error.read(20_000).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException):
        return ""
    try:
        return json.loads(text)
    except ValueError:
        return text


def explained(url, code, found, headers, key):
    """The exception for an answer with the HTTP status ``code``.

    Introduced in notebook 08, section 2.
    """
    failure = found
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
        target = urlsplit(headers.get("Location") or "")
        return EndpointError(
            f"{url} sends requests on to {target.scheme}://{target.hostname}"
            f"{target.path}; keys are not sent after it: if that is right, "
            f"give that address")
    remedy = {
        401: "the key is missing or wrong; check the environment variable or "
             "the secret that holds it",
        402: "the account is empty; the samples so far are kept",
        403: "the key does not open this model or this server",
        404: "no such address or model",
        429: "the account is used up; the samples so far are kept",
    }.get(code, "change what it refuses, or leave a parameter out "
               "as extra={'seed': None} does")
    return EndpointError(
        f"{url} refuses with {code} ({words or 'no reason given'}): {remedy}",
        code, words, detail.get("param"))


def asked_to_wait(headers):
    """The seconds of a Retry-After header, a number or a date, or None.

    Introduced in notebook 08, section 2.
    """
    text = headers.get("Retry-After")
    try:
        return max(0.0, float(text))
    except (TypeError, ValueError):
        pass
    try:
        when = email.utils.parsedate_to_datetime(text).timestamp()
        return max(0.0, when - time.time())
    except (TypeError, ValueError, AttributeError):
        return None
