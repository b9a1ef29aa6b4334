"""A teacher behind a server that speaks OpenAI's protocol.

Samples come in whatever order the server answers, and each answer is handed
on at once, so that what was paid for is in the cache file before anything
else happens.  What is in the file is not asked for again.  Twice is paid
only what never arrived: an answer that broke off or came too late, and what
was under way when the run was stopped.

Servers differ.  ``transformers serve`` gives one choice a request, whatever
n is, and samples only where the model's generation_config.json says so.
vLLM gives all choices and reads their prompt once, follows the seed of each
request, and queues instead of refusing; unless it was started with
``--generation-config vllm`` it takes top_k and a repetition penalty from the
model's file, which ``extra={"top_k": -1, "repetition_penalty": 1.0}`` sets
aside.  OpenAI follows a seed as well as it can, and not for ever.
"""

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tqdm import tqdm

from helpers.prompts import as_messages, from_reply, prompt_hash
from helpers.sampling import Sample
from helpers.teachers.address import check_options
from helpers.teachers.chat import forms_of
from helpers.teachers.failures import TOO_LONG, Again, EndpointError
from helpers.teachers.recording import no_logits
from helpers.teachers.server import Work, key_for, post
from helpers.tools.offline import is_local

# What a key is called behind the ? of an address.
SECRET = re.compile(r"key|token|secret|password|sig|code", re.IGNORECASE)
ROLES = re.compile(r"\b(system|developer)\b|\broles?\b.*alternate",
                   re.IGNORECASE)
LETTERS_PER_TOKEN = 4      # of English and of code, roughly
MOST_LOST = 8              # answers without a text, before one that has one


@dataclass
class Endpoint:
    """A model on a server.

    ``url`` is the base, as ``https://host/v1``: then prompts go to
    ``/chat/completions`` as messages.  Where it ends in ``/completions`` the
    server continues the bare text.  What stands behind a ?, such as Azure's
    ``api-version``, goes along.  The key is no field: see
    :func:`helpers.teachers.server.key_for`.  ``extra`` are further parameters
    of each request, and None leaves one out that the server refuses: with
    ``{"top_k": -1, "seed": None}`` top_k is sent and no seed.  After a draw
    ``refused`` has {task_id: why} of prompts that the server refused, and
    ``lost`` {why: number} of choices that hold no text: neither is a sample.
    """

    url: str
    serves: str                 # the model's name there
    price: tuple = None         # dollars for a million tokens: prompt, new
    key_from: str = None        # the variable or secret that holds the key
    header: str = None          # that carries the key, if not Authorization
    choices: int = 100          # at most, of one request
    concurrency: int = 8        # requests at a time
    per_minute: float = None    # requests
    timeout: float = 600        # seconds for one answer
    tries: int = 6              # of one request
    patience: float = 300       # seconds with nothing but "wait" for an answer
    pause: float = 1.0          # seconds before the second try, then doubled
    extra: dict = field(default_factory=dict)
    # What the server has counted so far.
    used: dict = field(default_factory=lambda: dict.fromkeys(
        ("requests", "asked", "choices", "letters", "prompt_tokens",
         "new_tokens", "seconds"), 0), repr=False)

    def __post_init__(self):
        self.url, _, self.query = self.url.strip().partition("?")
        self.url = self.url.rstrip("/").removesuffix("/chat/completions")
        try:
            parts = urlsplit(self.url)
            parts.port                 # which may be none
        except ValueError as error:
            raise ValueError(f"this is no address of a server ({error}); "
                             f"write https://host/v1") from None
        if parts.scheme not in ("http", "https") or not parts.hostname or (
                re.search(r"\s", self.url)):
            raise ValueError(f"{parts.scheme}://{parts.hostname} is no "
                             f"address of a server; write https://host/v1")
        named = parse_qsl(self.query, keep_blank_values=True)
        if parts.username or any(SECRET.search(name) or not value
                                 for name, value in named):
            raise ValueError(
                f"the address of {parts.hostname} holds more than host and "
                f"path; a key belongs into an environment variable")
        if not self.serves:
            raise ValueError(f"which model of {self.url}? Write the address "
                             f"as {self.url}#model")
        check_options(self)
        self.raw = self.url.endswith("/completions")
        self.limit = "max_tokens"
        self.without, self.merged = set(), False     # what it refuses
        self.greedy_choices = self.choices       # some give one without chance
        self.refused, self.lost = {}, Counter()
        self.told_once = set()

    model = tokenizer = prompt_ids = property(no_logits)

    @property
    def address(self):
        """Where requests go."""
        return self.url + "/chat/completions" * (not self.raw) + (
            f"?{self.query}" if self.query else "")

    @property
    def name(self):
        """Model and server, and a mark of all that changes the answers.

        Of a server on this machine the port and the model's folder are left
        out: they change from start to start.
        """
        parts = urlsplit(self.url)
        short, host = Path(self.serves).name, parts.hostname
        where = [parts.netloc.lower(), parts.path, self.serves]
        if is_local(host):
            host, where = "localhost", ["localhost", parts.path, short]
        if self.query:
            where.append(self.query)
        mark = hashlib.sha256(json.dumps(
            [*where, self.raw or as_messages(""), self.extra],
            sort_keys=True).encode()).hexdigest()[:8]
        return f"{short}@{host}-{mark}"

    def draw(self, wanted, settings):
        """Yields lists of Samples, an answer of the server at a time.

        ``wanted`` {task_id: (prompt, missing sample indices)}.  Where an
        answer has fewer choices than were asked for, the rest is asked for
        again.  Prompts are sent whole; where some are longer than the settings
        allow, a line says so.  A prompt that the server refuses is named, and
        the rest goes on.  Raises ``EndpointError`` when something does not
        pass; the answers that are under way are waited for and handed on
        before.
        """
        if not wanted:
            return            # all is there, and no key is needed
        work = Work(self, settings, key_for(self.url, self.key_from))
        self.tell_long([text for text, _ in wanted.values()],
                       settings.max_prompt_tokens)
        for task, (text, missing) in wanted.items():
            work.add(task, text, missing)
        total, came = sum(len(m) for _, m in wanted.values()), 0
        self.refused, self.lost = {}, Counter()
        try:
            for job, answer in work.answers():
                if isinstance(answer, EndpointError):
                    self.refused[job[0]] = answer
                    continue
                new, used = self.samples(job, answer, settings)
                # It may have fewer choices than were asked for.
                work.add(*job[:2], job[2][used:])
                came += len(new)
                yield new
                if not came and self.lost.total() >= MOST_LOST:
                    break
            self.tell(came, total)
        except KeyboardInterrupt:
            for job, answer in work.left():
                yield self.samples(job, answer, settings)[0]
            raise
        except EndpointError as error:
            model = "model" in error.words.lower() and (
                error.parameter in (None, "model"))
            known = self.models(work) if model else ""
            raise EndpointError(
                f"{error}{known}. {came} of {total} samples came, and a cache "
                f"file keeps them; run this again to ask for the others only",
                error.code, error.words, error.parameter) from None
        finally:
            work.end()

    def body(self, text, n, settings, first):
        """The JSON of a request for ``n`` choices.

        The seed is another one for each prompt and first sample index, so
        that a server that follows it does not repeat itself.
        """
        seed = hashlib.sha256(f"{settings.seed}|{prompt_hash(text)}|{first}"
                              .encode()).digest()
        said = {"prompt": text} if self.raw else {
            "messages": forms_of(text)[self.merged]}
        whole = {"model": self.serves, **said, "n": n,
                 "temperature": settings.temperature,
                 "top_p": settings.top_p,
                 self.limit: settings.max_new_tokens,
                 "seed": int.from_bytes(seed[:4], "big") >> 1, **self.extra}
        return {name: value for name, value in whole.items()
                if value is not None and (name not in self.without
                                          or name in self.extra)}

    def ended(self, text, reason, cut):
        """(completion, finish_reason) of a choice, as a checkpoint has them.

        A server does not know where a completion ends for us, so it is cut
        here.
        """
        if reason == "stop" and text and not text.endswith("\n"):
            text += "\n"
        text, why = cut(text if self.raw else from_reply(text))
        return text, "stop" if reason == "stop" else why

    def samples(self, job, answer, settings):
        """(Samples of an answer, indices that it used up); it is counted.

        A choice that is lost uses its index up, one that ended in an error
        that may pass does not.
        """
        (task, text, indices), (asked, whole, found) = job, answer
        through = [choice for choice in found if not choice.passing]
        self.lost.update(choice.lost for choice in through if choice.lost)
        usage, letters = whole.get("usage"), self.letters(text)
        usage = {name: much for name, much in usage.items() if isinstance(
            much, (int, float))} if isinstance(usage, dict) else {}
        self.tell_model(whole.get("model"))
        for name, much in (
                ("requests", 1), ("asked", asked), ("letters", letters),
                ("choices", min(asked, len(found))),
                ("prompt_tokens", usage.get("prompt_tokens")
                 or letters // LETTERS_PER_TOKEN),
                ("new_tokens", usage.get("completion_tokens")
                 or sum(len(c.text) for c in found) // LETTERS_PER_TOKEN)):
            self.used[name] += much
        new = [Sample(task, index, *settings.told,
                      *self.ended(choice.text, choice.reason, settings.cut),
                      self.name, prompt_hash(text))
               for index, choice in zip(indices, through) if not choice.lost]
        return new, len(through)

    def tell(self, came, total):
        """Say what was refused and lost; raises where nothing came."""
        said = []
        if self.refused:
            task, error = next(iter(self.refused.items()))
            more = len(self.refused) - 1
            more = f" and {more} more" if more else ""
            said.append(f"without samples, as refused: {task}{more}: {error}")
        for why, number in self.lost.items():
            said.append(f"answers that are no samples: {number}, {why}")
        if said and not came:
            raise EndpointError(". ".join(said))
        for sentence in said:
            tqdm.write(f"{self.serves}: {sentence}")

    def tell_long(self, texts, most):
        """Say where prompts are longer than ``most`` tokens, as counted here.

        What a token is only the server knows, so that nobody can cut a text
        to a number of them here; how much it reads is decided where it is
        started.
        """
        long = sum(self.letters(text) / self.letters_per_token > most
                   for text in texts)
        if long:
            self.tell_once(f"{long} of {len(texts)} prompts have more than "
                           f"about {most} tokens and are sent whole; "
                           f"max_prompt_tokens shortens those of a "
                           f"checkpoint", "long")

    def tell_model(self, name):
        """Say where another model answers than the one that was asked."""
        short, asked = (str(x).rpartition("/")[2].lower() for x in (
            name or "", Path(self.serves).name))
        if short not in asked and asked not in short:
            self.tell_once(f"the answers are signed by the model {name!r:.80}",
                           "model")

    def tell_once(self, sentence, what):
        """Say something, unless ``what`` was told before."""
        if what not in self.told_once:
            self.told_once.add(what)
            tqdm.write(f"{self.serves}: {sentence}")

    def adapt(self, body, error):
        """Whether a refused ``body`` is worth sending in another form.

        Only what leaves the answers what they are is changed: a seed, or a
        value that says nothing, is left out, and a system's message goes to
        the user's, as in a chat template that refuses it.
        """
        if error.code not in (400, 422) or TOO_LONG.search(
                error.words) and not error.parameter:
            return False
        if "max_tokens" in body and "max_completion_tokens" in error.words:
            self.limit = "max_completion_tokens"   # OpenAI's newer models
            return True
        words = re.sub(r"(?i)did you mean.*", "", error.words)
        for name, plain in (("n", 1), ("top_p", 1), ("temperature", 1),
                            ("seed", body.get("seed"))):
            if body.get(name, 0) == plain and name not in self.extra and (
                    error.parameter == name
                    or re.search(rf"\b{name}\b", words)):
                self.without.add(name)
                if name == "seed":
                    self.tell_once("it takes no seed, so that these samples "
                                   "cannot be drawn again", "seed")
                return True
        if len(body.get("messages", ())) == 2 and ROLES.search(error.words):
            self.merged = True
            return True
        return False

    def choices_at(self, temperature):
        """How many choices may be asked for in one request."""
        return min(self.choices,
                   self.choices if temperature else self.greedy_choices)

    def takes(self, n, temperature):
        """Remember that ``n`` choices are taken where more were refused."""
        if temperature:
            self.choices = min(self.choices, n)
        else:
            self.greedy_choices = min(self.greedy_choices, n)

    def models(self, work):
        """A clause that names the server's models, or nothing."""
        base = self.url.removesuffix("/completions")
        try:
            rows = post(work.client, f"{base}/models", None, work.key,
                        timeout=10)["data"]
            names = [str(row["id"]) for row in rows]
        except (Again, EndpointError, KeyError, TypeError):
            return ""
        return f"; it has {', '.join(names[:10])}" if names else ""

    def cost(self, prompts, n, max_new_tokens):
        """What ``n`` samples of each of ``prompts`` would take, at most.

        A dict with the keys of a checkpoint's ``cost``, and requests,
        dollars and counted.  No request is made.  Before the first answer a
        token is taken to be four letters and the seconds are not known
        (nan).  Afterwards both follow what the server has counted: sample
        one problem first, its samples are kept.  Raises ``ValueError``
        without a price.
        """
        used, calls = self.used, len(prompts) * n
        prompt_tokens = self.prompt_tokens(prompts, n)
        new_tokens = calls * max_new_tokens
        seconds = (new_tokens * used["seconds"] / used["new_tokens"]
                   if used["new_tokens"] else math.nan)
        return {"calls": calls,
                "requests": len(prompts) * self.requests(n),
                "prompt_tokens": prompt_tokens, "new_tokens": new_tokens,
                "seconds": seconds,
                "dollars": self.dollars(prompt_tokens, new_tokens),
                "counted": used["prompt_tokens"] > 0}

    def requests(self, n):
        """How many requests ``n`` completions of a prompt take."""
        used, per = self.used, min(self.choices, n)
        if used["choices"] < used["asked"]:      # it gives fewer than asked
            per = min(per, max(1, used["choices"] // used["requests"]))
        return math.ceil(n / per)

    def prompt_tokens(self, prompts, n):
        """About how many tokens are read for ``n`` of each of ``prompts``."""
        return self.requests(n) * sum(
            math.ceil(self.letters(text) / self.letters_per_token)
            for text in prompts.values())

    @property
    def letters_per_token(self):
        """About how long a token is, by what the server has counted."""
        if not self.used["prompt_tokens"]:
            return LETTERS_PER_TOKEN
        return self.used["letters"] / self.used["prompt_tokens"]

    def dollars(self, prompt_tokens, new_tokens):
        """The price of so many tokens; of one's own machine, nothing."""
        price = self.price
        if price is None and is_local(urlsplit(self.url).hostname):
            price = 0, 0
        if price is None:
            raise ValueError(
                f"what does {self.serves} cost? Look it up and set "
                f"teacher.price = (dollars for a million prompt tokens, "
                f"dollars for a million new tokens), (0, 0) if it is free")
        return (prompt_tokens * price[0] + new_tokens * price[1]) / 1e6

    def letters(self, text):
        """The letters of a prompt as it is sent."""
        said = [text] if self.raw else [
            message["content"] for message in as_messages(text)]
        return sum(map(len, said))
