"""A teacher behind a real server, with everything that can go wrong.

The server is ``transformers serve`` with the mini teacher on loopback.  The
troubles are made by a proxy that stands before it.
"""

import dataclasses
import gzip
import json
import logging
import pickle
import signal
import subprocess
import sys
import threading
import time
import types
from collections import Counter
from email.utils import formatdate

import pytest

from helpers.problems import load_problems
from helpers.prompts import EXEMPLARS, few_shot_prompt, zero_shot_prompt
from helpers.sampling import read_samples, sample
from helpers.teachers import load_teacher
from helpers.teachers.checkpoint import load_model
from helpers.teachers.endpoint import Endpoint
from helpers.teachers.failures import EndpointError, asked_to_wait, explained
from helpers.teachers.server import key_for

from serving import MISSING, ROOT, Proxy, Server

pytestmark = pytest.mark.skipif(
    bool(MISSING), reason=f"transformers serve needs {', '.join(MISSING)}; "
    "install with the extra [test]")
KEY = "sk-not-for-other-eyes"
SHORT = {f"t/{i}": zero_shot_prompt(
    f"Ann starts with {i + 5} shells. On Monday Ann finds 4. How many shells "
    "does Ann have in the end?") for i in range(4)}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("served"))
    try:
        yield server.start()
    finally:
        server.kill()


@pytest.fixture
def proxy(server):
    if server.process.poll() is not None:
        server.start()
    proxy = Proxy(server.url, shares=True)
    yield proxy
    proxy.close()


@pytest.fixture(scope="module")
def teacher():
    return load_model("data/mini/models/teacher")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in ("OPENAI_API_KEY", "TEACHER_API_KEY", "PORTAL_KEY"):
        monkeypatch.delenv(name, raising=False)


def endpoint(server, at, raw=True, **options):
    url = at.url + ("/completions" if raw else "")
    return Endpoint(url, server.model, **{
        "pause": 0.01, "timeout": 60, "concurrency": 3, **options})


def draw(lm, cache=None, prompts=SHORT, n=2, **options):
    return sample(lm, prompts, n=n, cache=cache, progress=False,
                  **{"max_new_tokens": 24, **options})


# ------------------------------------------------------- what a server says

@pytest.mark.parametrize("raw", [True, False], ids=["completions", "chat"])
def test_greedy_answers_are_those_of_the_checkpoint(server, teacher, raw):
    problems = load_problems("mini-gsm", split="test", limit=6)
    prompts = {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
               for p in problems}
    options = {"prompts": prompts, "n": 1, "temperature": 0,
               "max_new_tokens": 64}
    lm = endpoint(server, server, raw)
    assert [(s.completion, s.finish_reason) for s in draw(lm, **options)] == [
        (s.completion, s.finish_reason) for s in draw(teacher, **options)]
    assert lm.used["requests"] == lm.used["choices"] == 6
    # Its own counts, to the token: the prompts, and an end token each.
    assert lm.used["prompt_tokens"] == sum(
        len(teacher.prompt_ids(text)) for text in prompts.values())


def test_samples_are_distributed_as_those_of_the_checkpoint(server, teacher):
    prompt = {"t/0": SHORT["t/0"]}
    options = {"prompts": prompt, "temperature": 1.0, "top_p": 0.9,
               "max_new_tokens": 8}
    n, most = 100, 3000
    lm = endpoint(server, server, concurrency=1)
    ours = Counter(s.completion for s in draw(lm, n=n, **options))
    theirs = Counter(s.completion for s in draw(teacher, n=most, **options))
    often = [{text} for text, _ in theirs.most_common(4)]
    for texts in (*often, {*theirs, *ours}.difference(*often)):
        share = sum(theirs[text] for text in texts) / most
        wide = 4 * (share * (1 - share) / n) ** 0.5
        assert abs(sum(ours[text] for text in texts) / n - share) < wide
    # This server gives one choice at a time; the rest was asked for again.
    assert lm.used["requests"] == lm.used["choices"] == n


def test_many_choices_of_one_request_and_repeatable_seeds(server, proxy):
    lm = endpoint(server, proxy)
    samples = draw(lm, n=5)
    assert [e["body"]["n"] for e in proxy.asked] == [5] * len(SHORT)
    assert [s.sample_index for s in samples] == [*range(5)] * len(SHORT)
    seeds = {e["body"]["seed"] for e in proxy.asked}
    assert len(seeds) == len(SHORT)
    draw(endpoint(server, proxy), n=5)
    assert {e["body"]["seed"] for e in proxy.asked} == seeds
    draw(endpoint(server, proxy), n=5, seed=1)
    assert len({e["body"]["seed"] for e in proxy.asked}) == 2 * len(SHORT)
    # In parts, where a request may ask for two: other seeds, same indices.
    samples = draw(endpoint(server, proxy, choices=2), n=5)
    assert sorted(e["body"]["n"] for e in proxy.asked[-12:]) == [
        1] * 4 + [2] * 8
    assert [s.sample_index for s in samples] == [*range(5)] * len(SHORT)


@pytest.mark.parametrize("choices, expected", [
    # More choices than were asked for, and one that says nothing.
    ([("answer = 1", "stop"), ("", "stop"), ("answer = 3\n", "stop")],
     [("answer = 1\n", "stop"), ("", "stop")]),
    ([("Sure!\n```python\nanswer = 2\n```\nBye", "stop"),
      ("t = 1\nanswer = t\nt = 5", "length")],
     [("answer = 2\n", "stop"), ("t = 1\nanswer = t\n", "stop")]),
    ([("t = 1\nt = ", "length"), ("t = ", "content_filter")],
     [("t = 1\nt = ", "length")])])
def test_choices_of_other_servers(server, proxy, choices, expected):
    proxy.faults = [(200, {}, json.dumps({"choices": [
        {"message": {"content": text}, "finish_reason": reason}
        for text, reason in choices]}))]
    lm = endpoint(server, proxy, raw=False)
    found = draw(lm, prompts={"t/0": SHORT["t/0"]})
    assert [(s.completion, s.finish_reason) for s in found] == expected
    # The server told no counts, so four letters are taken for a token.
    assert lm.used["prompt_tokens"] == lm.letters(SHORT["t/0"]) // 4
    assert len(proxy.seen) == 1


# --------------------------------------------------- what passes by waiting

FAULTS = {
    "429": (429, {}, '{"error": {"message": "slow down"}}'),
    "429, wait": (429, {"Retry-After": "0.2"}, "slow down"),
    "500": (500, {}, "Internal Server Error"),
    "503 in html": (503, {}, "<html>overloaded</html>"),
    "521": (521, {}, ""), "523": (523, {}, ""),
    "200 that means 500": (200, {}, '{"error": {"message": "no", "code": 5}}'),
    "no choices": (200, {}, '{"choices": []}'),
    "no answer in time": 8.0, "cut line": "half", "cut json": "half json",
    "reset": "reset"}


@pytest.mark.parametrize("name", FAULTS)
def test_a_passing_failure_costs_a_second_try(server, proxy, name):
    clean = draw(endpoint(server, proxy), temperature=0)
    before = len(proxy.seen)
    proxy.faults = [FAULTS[name]]
    late = {"timeout": 4, "concurrency": 1} if FAULTS[name] == 8.0 else {}
    lm = endpoint(server, proxy, **late)
    assert draw(lm, temperature=0) == clean
    assert len(proxy.seen) - before == len(SHORT) + 1
    # What got through was asked for once.
    assert lm.used["choices"] == 2 * len(SHORT)


def test_a_rate_limit_holds_every_request_back(server, proxy):
    proxy.faults = [(429, {"Retry-After": "0.8"}, "")]
    began = time.monotonic()
    draw(endpoint(server, proxy, concurrency=4), temperature=0,
         prompts={f"{t}{i}": p for t, p in SHORT.items() for i in range(5)})
    # Four were on their way when it was told.
    assert all(e["time"] - began > 0.8 for e in proxy.seen[4:])
    assert len(proxy.seen) == 21 and proxy.most <= 4


def test_a_rate_limit_is_no_failure_while_others_are_answered(server, proxy):
    unlucky, refused, rest = SHORT["t/0"], [], iter(range(12))

    def limit(entry):         # an answer to others, a refusal, an answer, ...
        if entry["body"]["prompt"] != unlucky:
            number = next(rest)
            while len(refused) < number:
                time.sleep(0.02)
        elif len(refused) < 12:
            while proxy.paid <= len(refused):
                time.sleep(0.02)
            time.sleep(0.1)                   # for that answer to arrive
            refused.append(entry)
            return 429, {"Retry-After": "0"}, "slow down"

    proxy.faults = [limit] * 1000
    prompts = {"t/0": unlucky} | {f"u/{i}": SHORT["t/1"] for i in range(12)}
    draw(endpoint(server, proxy, tries=4), prompts=prompts, n=1)
    assert len(refused) == 12 and proxy.paid == 13


def test_requests_keep_a_pace_and_a_width(server, proxy):
    began = time.monotonic()
    draw(endpoint(server, proxy, concurrency=4, per_minute=120))
    assert proxy.seen[-1]["time"] - began > 0.5 * 3
    proxy.most, proxy.faults = 0, [0.3] * 4
    draw(endpoint(server, proxy, concurrency=2))
    assert proxy.most == 2


def test_retry_after_may_be_a_date():
    assert 58 < asked_to_wait({"Retry-After": formatdate(
        time.time() + 60, usegmt=True)}) <= 60
    assert asked_to_wait({"Retry-After": "1.5"}) == 1.5
    assert asked_to_wait({"Retry-After": "-5"}) == 0
    for text in ("soon", "", None, "inf", "-inf", "nan", "1e999",
                 "Fri, 31 Dec 99999 23:59:59 GMT"):
        assert asked_to_wait({"Retry-After": text}) is None


ANSWER = json.dumps({"usage": [], "choices": [
    {"text": "answer = 1\n", "finish_reason": "stop"}]}).encode()
PACKED = {"Content-Encoding": "gzip"}
ANSWERS = {      # with header lines: what the error says, None if it is read
    "html": ({}, "<html>Hello</html>",
             r"is no JSON \(HTML\? check the address"),
    "events": ({}, 'data: {"choices": []}\n\n', "is no JSON"),
    "packed, not told": ({}, gzip.compress(ANSWER), "is no JSON"),
    "told, not packed": (PACKED, ANSWER, "is no JSON"),
    "packed half": (PACKED, gzip.compress(ANSWER)[:-20], "breaks off"),
    "half": ({}, ANSWER[:20], "breaks off"), "none": ({}, "", "breaks off"),
    "deep": ({}, "[" * 100_000, "breaks off"),
    "packed": (PACKED, gzip.compress(ANSWER), None),
    "byte order mark": ({}, b"\xef\xbb\xbf" + ANSWER, None)}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_told_as_what_it_is(server, proxy, name):
    headers, data, says = ANSWERS[name]
    proxy.faults = [(200, headers, data)]
    lm = endpoint(server, proxy, tries=1)
    if not says:
        found = draw(lm, prompts={"t/0": SHORT["t/0"]}, n=1)
        assert found[0].completion == "answer = 1\n"
        return
    with pytest.raises(EndpointError, match=f"1 tries, .* answer that {says}"):
        draw(lm, prompts={"t/0": SHORT["t/0"]}, n=1)


# ---------------------------------------------- what was paid is never lost

def test_a_killed_server_costs_nothing_twice(server, proxy, tmp_path):
    cache = tmp_path / "cache.jsonl"

    def kill(entry):
        server.kill()

    proxy.faults = [None] * 4 + [kill]
    lm = endpoint(server, proxy, concurrency=1, choices=1, tries=3)
    with pytest.raises(EndpointError, match=r"no answer in 3 tries.*4 of 8 "
                       r"samples came.*run this again") as caught:
        draw(lm, cache, temperature=0)
    assert proxy.url in str(caught.value) and "\n" not in str(caught.value)
    kept = read_samples(cache)
    assert len(kept) == proxy.paid == 4
    server.start()
    again = draw(endpoint(server, proxy, concurrency=1, choices=1), cache,
                 temperature=0)
    assert read_samples(cache)[:4] == kept and len(again) == 8
    assert proxy.paid == 8
    requests = len(proxy.seen)
    assert draw(lm, cache, temperature=0) == again
    assert len(proxy.seen) == requests
    # Where all is in the file, not even a key is asked for.
    assert draw(endpoint(server, proxy, key_from="PORTAL_KEY"), cache,
                temperature=0) == again


def test_answers_under_way_are_kept_when_another_request_fails(
        server, proxy, tmp_path):
    cache = tmp_path / "cache.jsonl"
    refuse = 402, {}, '{"error": {"message": "no money left"}}'
    proxy.faults = [0.5, 0.5, refuse]         # two are still being answered
    with pytest.raises(EndpointError, match="no money left.*"
                       "4 of 8 samples came"):
        draw(endpoint(server, proxy), cache)
    assert len(read_samples(cache)) == proxy.paid == 4
    assert len(proxy.seen) == 3               # and nothing new was asked


def test_ctrl_c_stops_at_once_and_keeps_what_came(server, proxy, tmp_path):
    cache = tmp_path / "cache.jsonl"
    proxy.faults = [None, None, 30.0, 30.0]
    pressed = []

    def press():
        while not cache.exists() or cache.read_text().count("\n") < 4:
            time.sleep(0.05)
        pressed.append(time.monotonic())
        signal.raise_signal(signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        draw(endpoint(server, proxy, concurrency=2), cache)
    assert time.monotonic() - pressed[0] < 5
    assert len(read_samples(cache)) == 4


# ------------------------------------------------------- what does not pass

@pytest.mark.parametrize("status, text, says", [
    (401, '{"error": {"message": "Incorrect API key: ' + KEY + '"}}',
     r"401 \(Incorrect API key: \(key\)\): the key is missing or wrong"),
    (403, '{"detail": "not yours"}', "403 .not yours.: the key does not open"),
    (402, "", "402 .no reason given.: the account is empty"),
    (429, '{"error": {"message": "m", "code": "insufficient_quota"}}',
     "the account is used up"),
    (422, '{"detail": "Unexpected fields: seed"}', "leave a parameter"),
    (307, "", "sends requests on to https://elsewhere.invalid/v1;"),
    (200, "[1]", "no answer in 2 tries, the last time an answer that is no")])
def test_one_sentence_and_no_key_in_it(server, proxy, monkeypatch, tmp_path,
                                       capfd, status, text, says):
    monkeypatch.setenv("PORTAL_KEY", KEY + "\n")
    target = {"Location": "https://elsewhere.invalid/v1?k=1"}
    proxy.faults = [(status, target, text)] * 20
    lm = endpoint(server, proxy, key_from="PORTAL_KEY", concurrency=1,
                  tries=2)
    with pytest.raises(EndpointError, match=says) as caught:
        draw(lm, tmp_path / "cache.jsonl")
    assert len(proxy.seen) == (2 if status in (200, 422) else 1)
    assert proxy.seen[0]["headers"]["Authorization"] == f"Bearer {KEY}"
    said = capfd.readouterr()
    for shown in (str(caught.value), repr(lm), str(vars(lm)), lm.name,
                  repr(dataclasses.asdict(lm)), said.out, said.err):
        assert KEY not in shown
    assert KEY.encode() not in pickle.dumps(lm)
    assert "\n" not in str(caught.value) and not any(tmp_path.iterdir())


@pytest.mark.parametrize("headers, says", [
    ({"Location": "/login?key=1"}, "on to https://host.example/login;"),
    ({"Location": "//elsewhere.example/v1"}, "https://elsewhere.example/v1;"),
    ({}, "on to https://host.example/v1/completions;")])
def test_where_a_redirect_leads(headers, says):
    url = "https://host.example/v1/completions"
    assert says in str(explained(url, 302, b"", headers, None))


def test_an_unknown_model_is_answered_with_the_models(server, proxy):
    real = endpoint(server, proxy, concurrency=1)
    real.serves = "another"
    with pytest.raises(EndpointError, match="Server is pinned to"):
        draw(real)
    proxy.faults = [(404, {}, '{"error": {"message": "no such model"}}'),
                    (200, {}, '{"data": [{"id": "one"}, {"id": "two"}]}')]
    with pytest.raises(EndpointError, match="404.*it has one, two. 0 of 8"):
        draw(real)
    assert proxy.seen[-1]["path"] == "/v1/models"


def test_parameters_that_a_server_refuses(server, proxy):
    proxy.faults = [(400, {}, json.dumps({"error": {
        "message": "n must be at most 1", "param": "n"}}))]
    lm = endpoint(server, proxy, concurrency=1)
    assert len(draw(lm)) == 8 and proxy.paid == 8
    assert [e["body"]["n"] for e in proxy.asked] == [2] + [1] * 8
    proxy.faults = [(400, {}, json.dumps({"error": {
        "message": "Unsupported parameter: 'max_tokens' is not supported "
        "with this model. Use 'max_completion_tokens' instead.",
        "param": "max_tokens"}}))]
    lm = endpoint(server, proxy, raw=False, concurrency=1,
                  extra={"seed": None, "frequency_penalty": 0.0})
    draw(lm, n=1)
    bodies = [e["body"] for e in proxy.asked[-4:]]
    assert all(b["max_completion_tokens"] == 24 and "max_tokens" not in b
               and "seed" not in b and b["frequency_penalty"] == 0
               for b in bodies)


def test_a_long_wait_and_a_dead_address_are_told(server, proxy):
    proxy.faults = [(429, {"Retry-After": "4000"}, "")]
    with pytest.raises(EndpointError, match="asks to wait 4000 seconds"):
        draw(endpoint(server, proxy, concurrency=1))
    proxy.close()
    with pytest.raises(EndpointError, match="2 tries.*nobody listens"):
        draw(endpoint(server, proxy, tries=2))


def test_an_address_outside_is_told_at_once(refused):
    began = time.monotonic()
    with pytest.raises(EndpointError, match="cannot reach.*offline"):
        draw(Endpoint("https://192.0.2.1/v1", "m"))
    assert time.monotonic() - began < 5


# --------------------------------------------------------------------- keys

def test_a_key_goes_only_where_it_belongs(monkeypatch):
    openai, other = "https://api.openai.com/v1", "https://host.example/v1"
    local = "http://127.0.0.1:8000/v1"
    assert key_for(other) is None and key_for(local) is None
    with pytest.raises(EndpointError, match="OPENAI_API_KEY.*never into"):
        key_for(openai)
    monkeypatch.setenv("OPENAI_API_KEY", "one")
    monkeypatch.setenv("TEACHER_API_KEY", "two")
    assert key_for(openai) == "one" and key_for(other) == "two"
    monkeypatch.setenv("PORTAL_KEY", "three")
    assert key_for(local) is None and key_for(local, "PORTAL_KEY") == "three"
    with pytest.raises(EndpointError, match="unencrypted"):
        key_for("http://host.example/v1")
    monkeypatch.setenv("TEACHER_API_KEY", "one\nof-two")
    with pytest.raises(EndpointError, match="is no key") as caught:
        key_for(other)
    assert "of-two" not in str(caught.value)
    monkeypatch.delenv("TEACHER_API_KEY")
    assert key_for("http://host.example/v1") is None


@pytest.mark.parametrize("variable", [None, "PORTAL_KEY"])
def test_nothing_of_the_environment_goes_along(server, proxy, monkeypatch,
                                               caplog, variable):
    """The client would send all of it to any server, through any proxy."""
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID"):
        monkeypatch.setenv(f"OPENAI_{name}", "sk-for-openai-only")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "\n".join(
        f"{name}: sk-for-openai-only" for name in ("authorization", "X-Key")))
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("PORTAL_KEY", KEY)
    monkeypatch.delenv("NO_PROXY")
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    caplog.set_level(logging.DEBUG)
    proxy.faults = [(200, {"Set-Cookie": "a=b"}, ANSWER)] * 2
    draw(endpoint(server, proxy, key_from=variable, concurrency=1), n=1,
         prompts={"t/0": SHORT["t/0"], "t/1": SHORT["t/1"]})
    for entry in proxy.seen:
        headers = {n.lower(): v for n, v in entry["headers"].items()}
        assert "sk-for-openai-only" not in str(headers)
        assert headers.pop("authorization", None) == (
            f"Bearer {KEY}" if variable else None)
        assert headers["user-agent"] == "reasoning-distillation-notebooks"
        assert set(headers) <= {
            "host", "connection", "accept", "accept-encoding", "user-agent",
            "content-type", "content-length"}
    assert len(proxy.seen) == 2 and KEY not in caplog.text


def test_who_asks_no_server_does_not_load_the_client():
    code = ("import sys, helpers.teachers.endpoint\n"
            "print('openai' in sys.modules)")
    done = subprocess.run([sys.executable, "-c", code], text=True,
                          cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == "False\n"


def test_colabs_secrets_are_asked(monkeypatch):
    def get(name):
        if name != "OPENAI_API_KEY":
            raise LookupError(name)
        return KEY
    userdata = types.ModuleType("google.colab.userdata")
    userdata.get = get
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("c"))
    monkeypatch.setitem(sys.modules, "google.colab.userdata", userdata)
    assert key_for("https://api.openai.com/v1") == KEY
    assert key_for("https://host.example/v1") is None
    with pytest.raises(EndpointError, match="wants a key"):
        key_for("https://host.example/v1", "NOT_THERE")


# --------------------------------------------------------- names and prices

def test_the_cost_is_told_before_the_first_request(server, proxy, teacher):
    lm = endpoint(server, proxy, price=(0.5, 1.5))
    guess = lm.cost(SHORT, 5, 24)
    assert not proxy.seen and not guess["counted"]
    assert guess["calls"] == 20 and guess["requests"] == 4
    assert guess["seconds"] != guess["seconds"]           # not known yet
    assert guess["dollars"] == pytest.approx(
        (guess["prompt_tokens"] * 0.5 + 20 * 24 * 1.5) / 1e6)
    draw(lm, n=5)
    known = lm.cost(SHORT, 5, 24)
    exact = sum(len(teacher.prompt_ids(text)) for text in SHORT.values())
    assert known["counted"] and known["seconds"] > 0
    assert exact <= known["prompt_tokens"] <= exact + len(SHORT)
    assert lm.used["prompt_tokens"] == exact       # once for five choices
    assert lm.dollars(lm.used["prompt_tokens"],
                      lm.used["new_tokens"]) <= known["dollars"]
    # A server that gives one choice at a time reads the prompt each time.
    single = endpoint(server, server)
    draw(single, n=2)
    assert single.cost(SHORT, 5, 24)["requests"] == 20


def test_a_price_is_asked_for():
    lm = Endpoint("https://host.example/v1", "m")
    with pytest.raises(ValueError, match="teacher.price = "):
        lm.cost(SHORT, 1, 8)
    lm.price = 1, 2
    assert lm.cost(SHORT, 1, 8)["dollars"] > 0
    assert Endpoint("http://localhost:1/v1", "m").cost(SHORT, 1, 8)[
        "dollars"] == 0


def test_names_keep_answers_apart(server, proxy, tmp_path):
    base = "https://host.example/v1"
    names = {load_teacher(name).name for name in (
        f"{base}#a/m", f"{base}#b/m", f"{base}/completions#a/m",
        "https://other.example/v1#a/m")}
    names.add(Endpoint(base, "a/m", extra={"top_k": 1}).name)
    assert len(names) == 5
    assert load_teacher(f"{base}/chat/completions#a/m").name in names
    assert all(name.startswith("m@") and "/" not in name for name in names)
    # A server on this machine may come back at another port.
    assert (Endpoint("http://127.0.0.1:1/v1", "/a/m").name
            == Endpoint("http://localhost:2/v1", "/b/m").name)
    cache = tmp_path / "cache.jsonl"
    draw(endpoint(server, proxy), cache, n=1)
    with pytest.raises(ValueError, match="choose another cache file"):
        draw(endpoint(server, proxy, raw=False), cache, n=1)


def test_addresses_that_are_none():
    for name, says in (("https://host/v1", "which model of https://host/v1"),
                       ("ftp://host/v1#m", "no address of a server"),
                       ("https://me:secret@host/v1#m", "environment"),
                       ("https://host/v1?key=secret#m", "environment")):
        with pytest.raises(ValueError, match=says) as caught:
            load_teacher(name)
        assert "secret" not in str(caught.value)
    with pytest.raises(ValueError, match="concurrency is a whole number"):
        Endpoint("https://host/v1", "m", concurrency=0)
    with pytest.raises(AttributeError, match="needs a checkpoint"):
        Endpoint("https://host/v1", "m").model
