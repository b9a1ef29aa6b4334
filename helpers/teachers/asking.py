"""Many requests to one server: a few at a time, in step with its limits.
"""

import queue
import random
import threading
import time

from tqdm import tqdm

from helpers.prompts import from_reply, prompt_hash
from helpers.sampling import Sample
from helpers.teachers.posting import Again, EndpointError, key_for, post

LONGEST_WAIT = 300         # seconds; who is asked to wait longer gives up
LETTERS_PER_TOKEN = 4      # of English and of code, roughly


class Gate:
    """Where all workers pass before each request: pace, pauses, the end.

    Introduced in notebook 08, section 2.  ``per_minute`` requests pass at
    most; None sets no pace.
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


def choices_of(answer, raw):
    """The (text, finish_reason) of each choice in the server's ``answer``.

    A choice without text is an answer too, and was paid.  Raises ``Again``
    for what is no completion.  Introduced in notebook 08, section 2.
    """
    try:
        found = [((choice["text"] if raw else choice["message"]["content"])
                  or "", choice.get("finish_reason"))
                 for choice in answer["choices"]]
    except (KeyError, TypeError, AttributeError):
        raise Again("an answer that is no completion") from None
    if not found or not all(isinstance(text, str) for text, _ in found):
        raise Again("an answer without a text")
    return found


def ended(text, reason, raw, cut):
    """(completion, finish_reason) of a choice, as a checkpoint gives them.

    A server does not know where a completion ends for us, so it is cut here.
    Introduced in notebook 08, section 2.
    """
    if reason == "content_filter":
        return text, reason
    if reason == "stop" and text and not text.endswith("\n"):
        text += "\n"
    text, why = cut(text if raw else from_reply(text))
    return text, "stop" if reason == "stop" else why


def ask(endpoint, gate, key, text, indices, settings):
    """(choices asked for, the server's answer, its choices), or None.

    Tries until there is an answer: waits longer each time, and at least as
    long as the server asks.  A rate limit is no failed try as long as others
    are answered.  None if the gate was closed.  Raises ``EndpointError``
    after ``endpoint.tries``, and for what trying again does not mend.
    Introduced in notebook 08, section 2.
    """
    tried, answers = 0, gate.answers
    while gate.enter():
        tried += 1
        n = min(len(indices), endpoint.choices)
        body = endpoint.body(text, n, settings, indices[0])
        try:
            answer = post(endpoint.address, body, key, endpoint.timeout)
            found = choices_of(answer, endpoint.raw)
            gate.answers += 1
            return n, answer, found
        except EndpointError as error:
            if not endpoint.adapt(body, error) or tried == endpoint.tries:
                raise
        except Again as error:
            if error.everybody and gate.answers > answers:
                tried, answers = 1, gate.answers
            wait = min(60, endpoint.pause * 2 ** (tried - 1))
            wait *= random.uniform(0.5, 1.5)       # not all at one time
            # Some servers ask for less than it takes.
            wait = max(wait, error.wait or 0)
            if tried >= endpoint.tries or wait > LONGEST_WAIT:
                more = ("" if wait <= LONGEST_WAIT else
                        f", which asks to wait {wait:.0f} seconds")
                raise EndpointError(
                    f"{endpoint.address} gave no answer in {tried} tries, "
                    f"the last time {error}{more}") from None
            if tried == 3:
                tqdm.write(f"{endpoint.address}: {error}, three times; "
                           f"waiting and trying again")
            if error.everybody:
                gate.pause(wait)
            else:
                gate.closed.wait(wait)
    return None


class Work:
    """The requests of one draw, and threads that make them.

    Introduced in notebook 08, section 2.
    """

    def __init__(self, endpoint, settings):
        self.endpoint, self.settings = endpoint, settings
        self.key = key_for(endpoint.url, endpoint.key_from)
        self.gate = Gate(endpoint.per_minute)
        self.jobs, self.done, self.open = queue.Queue(), queue.Queue(), 0

    def add(self, task, text, indices):
        """Ask for the samples ``indices`` of a prompt."""
        for at in range(0, len(indices), self.endpoint.choices):
            part = indices[at:at + self.endpoint.choices]
            self.jobs.put((task, text, part))
            self.open += 1

    def run(self):
        """What a thread does: one request after the other."""
        while (job := self.jobs.get()) is not None:
            try:
                answer = ask(self.endpoint, self.gate, self.key, *job[1:],
                             self.settings)
            except Exception as error:      # for the main thread to raise
                answer = error
                self.gate.closed.set()      # no new requests
            self.done.put((job, answer))

    def answers(self):
        """Yields lists of Samples until all came, or raises."""
        for _ in range(self.endpoint.concurrency):
            # A daemon does not hold Python back after Ctrl-C.
            threading.Thread(target=self.run, daemon=True).start()
        failure, last = None, time.monotonic()
        while self.open:
            try:      # with a limit, or Windows would not hear Ctrl-C
                job, answer = self.done.get(timeout=0.5)
            except queue.Empty:
                continue
            self.open -= 1
            now = time.monotonic()
            self.endpoint.used["seconds"] += now - last
            last = now
            if isinstance(answer, Exception):
                failure = failure or answer
            elif answer:
                yield self.samples(job, answer)
        if failure:
            raise failure

    def left(self):
        """Yields what has come and was not fetched yet; does not wait."""
        while not self.done.empty():
            job, answer = self.done.get()
            if answer and not isinstance(answer, Exception):
                yield self.samples(job, answer)

    def end(self):
        """Let the threads go home."""
        self.gate.closed.set()
        for _ in range(self.endpoint.concurrency):
            self.jobs.put(None)

    def samples(self, job, answer):
        """The Samples of an answer; asks for those that it lacks."""
        (task, text, indices), (asked, whole, found) = job, answer
        lm, usage = self.endpoint, whole.get("usage") or {}
        letters = lm.letters(text)
        for name, much in (
                ("requests", 1), ("asked", asked), ("letters", letters),
                ("choices", min(asked, len(found))),
                ("prompt_tokens", usage.get("prompt_tokens")
                 or letters // LETTERS_PER_TOKEN),
                ("new_tokens", usage.get("completion_tokens")
                 or sum(len(t) for t, _ in found) // LETTERS_PER_TOKEN)):
            lm.used[name] += much
        self.add(task, text, indices[len(found):])
        return [Sample(task, index, *self.settings.told,
                       *ended(told, reason, lm.raw, self.settings.cut),
                       lm.name, prompt_hash(text))
                for index, (told, reason) in zip(indices, found)]
