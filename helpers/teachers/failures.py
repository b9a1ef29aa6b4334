"""What the failures of a server mean: wait and try again, or stop and why.
"""

import json
import re
import socket
import ssl
from urllib.parse import urljoin, urlsplit

from helpers.teachers.errors import told_by
from helpers.teachers.waiting import asked_to_wait

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
TOO_LONG = re.compile(
    r"context|too (long|large)|max_model_len|(prompt|input|token)s?.{0,40}"
    r"exceed|too many (input |prompt )?tokens|reduce the length|"
    r"tokens.{0,40} must be (<|less)", re.IGNORECASE)
OF_A_FILTER = re.compile(
    r"content.?(filter|polic|management|exists.?risk)|moderat|safety|flagged|"
    r"blocked|invalid_prompt|inappropriate|inspection|sensitive|high.?risk|"
    r"usage polic", re.IGNORECASE)
# A 403 that is no matter of the key, a 429 that no waiting helps.
FLAGGED = re.compile(r"flagged|moderation", re.IGNORECASE)
NEVER = re.compile(r"request too large|must be reduced", re.IGNORECASE)
A_PARAMETER = re.compile(
    r"parameter|field|argument|unexpected|unsupported|not supported|extra "
    r"inputs|unrecogni[sz]ed|unknown|api key|model|temperature|top_p|"
    r"max_tokens|\bseed\b", re.IGNORECASE)
NO_JSON = "an answer that is no JSON (HTML? check the address)"


class EndpointError(RuntimeError):
    """One sentence for the reader.

    Where the server refused a request: ``code`` is its HTTP status, ``words``
    what it said and ``parameter`` what it objects to, if it says.  ``tried``:
    it failed at this request each time, and may answer others.
    """

    def __init__(self, sentence, code=None, words="", parameter=None,
                 tried=False):
        super().__init__(sentence)
        self.code, self.words, self.parameter = code, words, parameter
        self.tried = tried

    @property
    def of_a_prompt(self):
        """Whether it may be this prompt that is refused, and no other."""
        if self.code == 200 or self.code == 403 and FLAGGED.search(
                self.words):         # answers, and never with a text
            return True
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
    whether the server is well and asks for patience.  ``code``: the status of
    an answer that may hang on what was asked; None where none came.
    """

    def __init__(self, what, wait=None, everybody=False, patient=False,
                 code=None):
        super().__init__(what)
        self.wait, self.everybody = wait, everybody
        self.patient, self.code = patient, code


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
        more = (", or name the file of a certificate of one's own in the "
                "variable SSL_CERT_FILE" if isinstance(
                    reason, ssl.SSLCertVerificationError) else "")
        return EndpointError(f"cannot reach {url}: {reason}; check the "
                             f"address and the network{more}")
    return Again(f"a broken connection ({type(reason).__name__})")


def explained(url, code, data, headers, key):
    """The exception for an answer ``data`` with the HTTP status ``code``."""
    try:
        failure = json.loads(data)
    except (ValueError, RecursionError):
        failure = data.decode("utf-8", "replace")
    words, detail = told_by(failure)
    if key:
        words = words.replace(key, "(key)")
    words = words[:300].rstrip(".")
    if detail.get("code") and OF_A_FILTER.search(str(detail["code"])):
        words = f"{detail['code']}: {words}"
    spent = {"insufficient_quota", "billing_not_active"}.intersection(
        str(detail.get(name)) for name in ("code", "type"))
    if code == 429 and NEVER.search(words):
        code = 413
    if code in AGAIN and not spent:
        what = "429, too many requests" if code == 429 else f"error {code}"
        return Again(f"{what} ({words})" if words else what,
                     asked_to_wait(headers, words), code == 429,
                     code in PATIENT, code)
    if 300 <= code < 400:
        try:
            target = urlsplit(urljoin(url, headers.get("Location") or ""))
            host = target.netloc.rpartition("@")[2]
        except ValueError:
            return EndpointError(f"{url} sends requests on to an address that "
                                 f"is none; check the address")
        return EndpointError(
            f"{url} sends requests on to {target.scheme}://{host}"
            f"{target.path}; keys are not sent after it: if that is right, "
            f"give that address")
    remedy = REMEDIES.get(code, "change what it refuses, or leave a parameter "
                                "out as extra={'seed': None} does")
    if code == 404 and not re.search(r"/v\d", url):
        remedy += "; most servers want /v1 at the end of the address"
    if code in OF_A_PROMPT and TOO_LONG.search(words):
        remedy = ("shorten this prompt, or give the server a longer context "
                  "where you start it")
    elif code in OF_A_PROMPT and OF_A_FILTER.search(words) or (
            code == 403 and FLAGGED.search(words)):
        remedy = "word this prompt differently, or leave it out"
    elif "temperature" in (detail.get("param"), *re.findall(r"\w+", words)):
        remedy = ("draw with a temperature that this model takes; each sample "
                  "bears the one it was drawn with")
    return EndpointError(
        f"{url} refuses with {code} ({words or 'no reason given'}): {remedy}",
        code, words, detail.get("param"))


OF_TEXTS = (r"(completion|choice|candidate|response|sample|sequence|"
            r"generation|output)s?\b")
ABOUT_N = re.compile(
    r"\bn\b|n_cmpl|\bbest_of\b|completion choice|candidate|"
    rf"num(ber)?.?(of|return).{OF_TEXTS}|(multiple|more than (one|1)|several|"
    rf"single|only (one|1)) {OF_TEXTS}", re.IGNORECASE)
ONLY_ONE = re.compile(
    r"only one|must be 1\b|single|multiple|more than (one|1)\b|"
    r"greater than (one|1)\b|(un|not )supported|unknown|unrecogni[sz]ed|"
    r"unexpected|not (permitted|allowed)", re.IGNORECASE)


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
    if re.search(r"only one|must be 1\b|single", error.words, re.IGNORECASE):
        return 1
    return max(named, default=1 if ONLY_ONE.search(error.words) else n // 2)
