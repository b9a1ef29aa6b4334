"""Many requests to a server that speaks OpenAI's protocol.

The package ``openai`` makes each of them.  Its own retries are turned off,
since a rate limit must hold all requests back, not only the refused one.
"""

import importlib
import ipaddress
import json
import os
import queue
import random
import ssl
import sys
import threading
import time
from urllib.parse import urlsplit

from tqdm import tqdm

from helpers.teachers.errors import status_of
from helpers.teachers.failures import (NO_JSON, Again, EndpointError, broken,
                                       explained, fewer_choices)
from helpers.teachers.replies import choices_of
from helpers.tools.offline import is_local

HEADERS = {"host", "connection", "accept", "accept-encoding", "content-type",
           "content-length"}
LONGEST_WAIT = 300         # seconds; who is asked to wait longer gives up
MOST_REFUSED = 3           # prompts, before anything was answered


def key_for(url, variable=None):
    """The key for the server at ``url``, or None where it takes none.

    It is read from the environment variable ``variable``, or from the secret
    of that name on Colab, and nowhere else, so that no key is ever written
    into a notebook.  By default that is OPENAI_API_KEY for api.openai.com,
    nothing for this machine, and for every other server TEACHER_API_KEY if
    there is one: a key goes to no server that it was not made for.  With ""
    none is sent.  Raises ``EndpointError`` if a key is needed and missing, is
    no key, or would travel unencrypted; to a machine of a private network it
    does where its variable is named.
    """
    host = urlsplit(url).hostname
    if variable == "":
        return None
    named = bool(variable)
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
        if not is_private(host):
            raise EndpointError(f"the key of {variable} would travel to "
                                f"{host} unencrypted; use an address with "
                                f"https://")
        if not named:
            raise EndpointError(
                f"the key of {variable} would travel to {host} unencrypted; "
                f"use https://, or say in the teacher's name which key may "
                f"go over your private network: ?key={variable}, or ?key= "
                f"for none")
    return key or None


def is_private(host):
    """Whether ``host`` is an address or a name of a private network."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith((
            ".local", ".lan", ".internal", ".home.arpa"))


def secret(name):
    """The secret ``name`` of Colab, or None, also when not on Colab."""
    if "google.colab" not in sys.modules:
        return None
    try:
        return importlib.import_module("google.colab.userdata").get(name)
    except Exception:      # not there, no access, no answer: kinds of Colab
        return None


def connect(url, key=None, timeout=600, header=None):
    """An ``openai`` client for the server at ``url``.

    ``timeout`` are the seconds it waits for an answer, to its end, and
    ``header`` carries the key in the place of Authorization.  Raises
    ``EndpointError`` where proxies or certificates are named wrongly.
    """
    import openai      # takes a second, which other teachers need not pay

    # The client's HTTP library, which has another name in other versions.
    library = importlib.import_module(next(
        kind.__module__.partition(".")[0]
        for kind in openai.DefaultHttpxClient.__mro__
        if kind.__name__ == "Client"))

    def only_ours(request):
        # The client adds what it finds in the environment, such as an
        # organization or headers with keys, whatever server it speaks to.
        for name in set(request.headers) - HEADERS:
            del request.headers[name]
        request.headers["User-Agent"] = "reasoning-distillation-notebooks"
        if key and header:
            request.headers[header] = key
        elif key:
            request.headers["Authorization"] = f"Bearer {key}"

    class InTime(library.SyncByteStream):
        """The bytes of an answer, which may come one by one for ever."""

        def __init__(self, stream):
            self.stream, self.end = stream, time.monotonic() + timeout

        def __iter__(self):
            for part in self.stream:
                if time.monotonic() > self.end:
                    raise library.ReadTimeout("not to its end in time")
                yield part

        def close(self):
            self.stream.close()

    def in_time(response):
        response.stream = InTime(response.stream)

    # A key must not follow a redirect to another server, and a proxy stands
    # between this machine and others, not before itself.
    local, trusted = is_local(urlsplit(url).hostname), True
    try:
        if local and url.startswith("https") and "SSL_CERT_FILE" in os.environ:
            trusted = ssl.create_default_context(
                cafile=os.environ["SSL_CERT_FILE"])
        http = openai.DefaultHttpxClient(
            follow_redirects=False, trust_env=not local, verify=trusted,
            event_hooks={"request": [only_ours], "response": [in_time]})
        return openai.OpenAI(base_url=url, api_key="see only_ours",
                             max_retries=0, timeout=timeout, http_client=http)
    except Exception as error:       # of many kinds
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise EndpointError(
            f"nothing can be sent to {url} ({first[:200]}); look at the "
            f"variables that name a proxy (such as HTTPS_PROXY, ALL_PROXY) "
            f"or a file of certificates (SSL_CERT_FILE)") from None


def post(client, url, body, key=None, **options):
    """The server's answer, read as JSON, to ``body``; a GET if it is None.

    Raises ``Again`` for what may pass (rate limits, failures of the server or
    the line, no answer in time, an answer that breaks off) and
    ``EndpointError`` for what will not.
    """
    import openai

    try:      # bytes, and not the client's types: servers leave parts out
        if body is None:
            data = client.get(url, cast_to=bytes, options=options)
        else:
            data = client.post(url, cast_to=bytes, body=body, options=options)
    except openai.APIStatusError as error:
        raise explained(url, error.status_code, error.response.content,
                        error.response.headers, key) from None
    except openai.APITimeoutError:
        raise Again(f"no answer within {client.timeout:g} seconds") from None
    except openai.APIConnectionError as error:
        raise broken(url, error) from None
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        whole = data.strip()[:1] not in b"{["
        raise Again(NO_JSON if whole else "an answer that breaks off"
                    ) from None
    code = status_of(found)           # some servers say 200 and mean 500
    if code:
        raise explained(url, code, data, {}, key)
    return found


class Gate:
    """Where all workers pass before each request: pace, pauses, the end.

    ``per_minute`` requests pass at most; None sets no pace.
    """

    def __init__(self, per_minute=None):
        self.gap = 60 / per_minute if per_minute else 0
        self.opens, self.lock = time.monotonic(), threading.Lock()
        self.closed = threading.Event()
        self.answers = 0            # that came through it

    def enter(self):
        """Wait for one's turn; False once the gate is closed for good."""
        while not self.closed.is_set():
            with self.lock:
                wait = self.opens - time.monotonic()
                if wait <= 0:
                    self.opens = time.monotonic() + self.gap
                    return True
            self.closed.wait(wait)
        return False

    def pause(self, seconds):
        """Let nobody pass for ``seconds``."""
        with self.lock:
            self.opens = max(self.opens, time.monotonic() + seconds)


class Work:
    """The requests of one draw, and threads that make them."""

    def __init__(self, endpoint, settings, key):
        self.endpoint, self.settings, self.key = endpoint, settings, key
        self.client = connect(endpoint.url, key, endpoint.timeout,
                              endpoint.header)
        self.gate = Gate(endpoint.per_minute)
        self.jobs, self.done, self.open = queue.Queue(), queue.Queue(), 0
        self.told = False           # that it waits
        self.refused, self.failure = set(), None     # tasks; what ends it
        self.heard = 0       # answers, when a request last failed each time

    def add(self, task, text, indices):
        """Ask for the samples ``indices`` of a prompt."""
        for at in range(0, len(indices), self.endpoint.choices):
            part = indices[at:at + self.endpoint.choices]
            self.jobs.put((task, text, part))
            self.open += 1

    def ask(self, text, indices):
        """(choices asked for, the server's answer, its texts), or None.

        Tries until there is an answer: waits longer each time, and at least
        as long as the server asks.  A rate limit, or a model that loads, is
        no failed try as long as others are answered, and for
        ``endpoint.patience`` seconds without an answer.  A refused ``n`` is
        asked for in smaller parts.  None if the gate was closed.  Raises
        ``EndpointError`` after ``endpoint.tries``, and for what trying again
        does not mend.
        """
        lm, gate = self.endpoint, self.gate
        tried, answers, began = 0, gate.answers, time.monotonic()
        most = len(indices)
        while gate.enter():
            tried += 1
            n = min(most, lm.choices_at(self.settings.temperature))
            body = lm.body(text, n, self.settings, indices[0])
            try:
                answer = post(self.client, lm.address, body, self.key)
                found = choices_of(answer, lm.raw)
                gate.answers += 1
                if most < len(indices) and n == most:
                    lm.takes(n, self.settings.temperature)
                return n, answer, found
            except EndpointError as error:
                fewer = fewer_choices(n, error)
                if lm.adapt(body, error):
                    tried -= 1          # each form is changed once
                elif fewer:
                    most, tried = fewer, tried - 1
                else:
                    raise
            except Again as error:
                if error.everybody and gate.answers > answers:
                    tried, answers = 1, gate.answers
                    began = time.monotonic()
                wait = min(60, lm.pause * 2 ** (tried - 1))
                wait *= random.uniform(0.5, 1.5)       # not all at one time
                # Some servers ask for less than it takes.
                wait = max(wait, error.wait or 0)
                waiting = (error.patient and time.monotonic() + wait
                           < began + lm.patience)
                if tried >= lm.tries and not waiting or wait > LONGEST_WAIT:
                    more = ("" if wait <= LONGEST_WAIT else
                            f", which asks to wait {wait:.0f} seconds")
                    raise EndpointError(
                        f"{lm.address} gave no answer in {tried} tries, the "
                        f"last time {error}{more}",
                        error.code if error.code == 200 else None,
                        tried=bool(error.code) and not error.everybody
                    ) from None
                if tried == 3 and not self.told:
                    self.told = True
                    tqdm.write(f"{lm.address}: {error}, three times; waiting "
                               f"and trying again")
                if error.everybody:
                    gate.pause(wait)
                else:
                    gate.closed.wait(wait)
        return None

    def run(self):
        """What a thread does: one request after the other.

        As long as no prompt was answered, ``MOST_REFUSED`` refused ones end
        it: then it is the request that is wrong.  The thread that hears of
        the last one says so, before it could ask for another.  A request at
        which the server fails each time is passed over if others were
        answered since the last such.
        """
        while (job := self.jobs.get()) is not None:
            try:
                answer = self.ask(*job[1:])
            except Exception as error:      # for the main thread to raise
                answer, of_all = error, not getattr(error, "of_a_prompt",
                                                    False)
                if of_all and getattr(error, "tried", False):
                    of_all = self.gate.answers <= self.heard
                    self.heard = self.gate.answers
                if not of_all:
                    self.refused.add(job[0])
                    of_all = (len(self.refused) >= MOST_REFUSED
                              and not self.gate.answers)
                if of_all:
                    self.failure = self.failure or error
                    self.gate.closed.set()      # no new requests
            self.done.put((job, answer))

    def answers(self):
        """Yields (job, answer) until all came, or raises.

        A job is (task, prompt, sample indices), an answer that of ``ask``, or
        the ``EndpointError`` of a prompt that is refused.
        """
        for _ in range(self.endpoint.concurrency):
            # A daemon does not hold Python back after Ctrl-C.
            threading.Thread(target=self.run, daemon=True).start()
        last = time.monotonic()
        while self.open:
            try:      # with a limit, or Windows would not hear Ctrl-C
                job, answer = self.done.get(timeout=0.5)
            except queue.Empty:
                continue
            self.open -= 1
            now = time.monotonic()
            self.endpoint.used["seconds"] += now - last
            last = now
            # What ends it is raised when all that is under way has come.
            if answer and (not isinstance(answer, Exception) or
                           job[0] in self.refused
                           and answer is not self.failure):
                yield job, answer
        if self.failure:
            raise self.failure

    def left(self):
        """Yields what has come and was not fetched yet; does not wait."""
        while not self.done.empty():
            job, answer = self.done.get()
            if answer and not isinstance(answer, Exception):
                yield job, answer

    def end(self):
        """Let the threads go home."""
        self.gate.closed.set()
        for _ in range(self.endpoint.concurrency):
            self.jobs.put(None)
        if not self.open:          # nothing is under way
            self.client.close()
