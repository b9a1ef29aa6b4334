"""What servers are documented to say, over HTTP: never a failure as a sample.

The servers are real ones on loopback whose replies follow a script; their
samples come from a recording.
"""

import json
import re
import time

import pytest

from helpers.problems import load_problems
from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.sampling import read_samples, sample
from helpers.teachers import load_teacher
from helpers.teachers.endpoint import Endpoint
from helpers.teachers.failures import (EndpointError, asked_to_wait,
                                       explained, fewer_choices)
from helpers.teachers.loopback import ScriptedServer
from helpers.teachers.recording import Recording
from helpers.teachers.replies import choices_of, without_thinking
from helpers.teachers.server import key_for

PROGRAM = "answer = 1\n"


@pytest.fixture(scope="module")
def recording():
    return Recording("data/mini/results/samples/teacher-train.jsonl.gz")


@pytest.fixture(scope="module")
def prompts():
    return {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
            for p in load_problems("mini-gsm", "train", limit=6)}


@pytest.fixture
def serve(recording):
    started = []

    def start(script=(), answer=None):
        server = ScriptedServer(recording, script)
        if answer:
            ours = server.answer
            server.answer = lambda asked: answer(asked) or ours(asked)
        started.append(server)
        return server
    yield start
    for server in started:
        server.stop()


def endpoint(server, raw=True, **options):
    url = server.url if raw else server.url.removesuffix("/completions")
    return Endpoint(url, "m", **{"pause": 0.01, "timeout": 30,
                                 "concurrency": 2, **options})


def draw(lm, prompts, n=2, **options):
    return sample(lm, prompts, n=n, progress=False, max_new_tokens=64,
                  **options)


def chat(*choices, **usage):
    return 200, {}, {"choices": list(choices), "usage": usage}


def message(content, reason="stop", **more):
    return {"message": {"content": content, **more}, "finish_reason": reason}


def test_prompts_longer_than_wanted_go_whole_and_that_is_said(
        serve, prompts, capsys):
    """No tokenizer is here to shorten them by."""
    server = serve()
    lm = endpoint(server)
    draw(lm, prompts, max_prompt_tokens=2000)
    assert capsys.readouterr() == ("", "")
    long = {task: "#" * 4000 + "\n" + text for task, text in prompts.items()}
    lm, seen = endpoint(serve(answer=lambda asked: seen.append(
        asked["prompt"]) or chat({"text": PROGRAM, "finish_reason": "stop"}))
        ), []
    for n in (1, 2):
        draw(lm, {**long, "short": "# Two?\n"}, n, max_prompt_tokens=900)
    assert set(long.values()) < set(seen)
    said = "".join(capsys.readouterr())
    assert said.count("6 of 7 prompts have more than about 900 tokens") == 1
    assert "sent whole" in said


# ----------------------------------------------------- what is no sample

LOST = {
    "refusal": (message(None, refusal="I cannot help with that"), "refuses"),
    "tool call": (message(None, "tool_calls", tool_calls=[{"id": "1"}]),
                  "calls a tool"),
    "filter": (message("t = ", "content_filter"), "a filter"),
    "gemini's filter": (message("t = ", "SAFETY"), "a filter"),
    "no tokens left": (message("", "length"), "thinking; raise max_new"),
    "thoughts apart": (message(None, "length", reasoning_content="Let me"),
                       "thinking; raise max_new"),
    "thoughts of openrouter": (message("", "stop", reasoning="So, 2 + 2"),
                               "thinking; raise max_new"),
    "unfinished thought": (message("<think>```python\nanswer = 3\n```",
                                   "length"), "thinking; raise max_new"),
    "thought to its end, no more": (message("<think>x</think>\n", "length"),
                                    "thinking; raise max_new"),
    "nothing": (message(None), "without a text")}


@pytest.mark.parametrize("name", LOST)
def test_what_is_no_answer_is_told_and_not_recorded(serve, prompts, capsys,
                                                    tmp_path, name):
    choice, why = LOST[name]
    first, *_ = prompts
    server = serve([chat(message(PROGRAM), choice)])
    cache = tmp_path / "cache.jsonl"
    lm = endpoint(server, raw=False)
    found = draw(lm, {first: prompts[first]}, cache=cache)
    assert [s.completion for s in found] == [PROGRAM]
    assert read_samples(cache) == found and lm.lost.total() == 1
    assert re.search(f"answers that are no samples: 1, .*{why}",
                     capsys.readouterr().out)
    # Nothing of it is asked for again before somebody runs it again.
    assert len(server.seen) == 1
    assert len(draw(endpoint(server, raw=False), {first: prompts[first]},
                    cache=cache)) == 2


@pytest.mark.parametrize("choice", [
    message("", "error"), {**message("t = "), "error": {"message": "broke"}},
    {"error": {"code": 502, "message": "provider"}, "message": {}}])
def test_an_error_within_an_answer_is_asked_again(serve, prompts, choice):
    first, *_ = prompts
    server = serve([chat(message(PROGRAM), choice), chat(choice, choice)])
    found = draw(endpoint(server, raw=False), {first: prompts[first]})
    assert [s.finish_reason for s in found] == ["stop"] * 2
    assert len(server.seen) == 3                  # one came, the other later


def test_a_model_that_only_thinks_is_stopped(serve, prompts):
    server = serve(answer=lambda asked: chat(*[
        message("", "length")] * asked["n"]))
    with pytest.raises(EndpointError, match="raise max_new_tokens.*0 of 120"):
        draw(endpoint(server, raw=False, choices=4), prompts, n=20)
    assert len(server.seen) < 8                   # it is paid by the token


THOUGHTS = [
    ("<think>\nanswer = 5\n</think>\n\nanswer = 1\n", PROGRAM),
    ("answer = 5, no ...\n</think>\nanswer = 1\n", PROGRAM),
    ("<thinking>a</thinking>answer = 1\n", PROGRAM),
    ("[THINK]```python\nx\n```[/THINK]answer = 1\n", PROGRAM),
    ("<seed:think>a</seed:think>answer = 1\n", PROGRAM),
    ("◁think▷ hm ◁/think▷answer = 1\n", PROGRAM),
    ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant"
     "<|channel|>final<|message|>answer = 1\n", PROGRAM),
    ("<think>a</think>\n```python\nanswer = 1\n```", PROGRAM),
    ("t = '<think>'\nanswer = 1\n", "t = '<think>'\nanswer = 1\n")]


@pytest.mark.parametrize("reply, program", THOUGHTS)
def test_thinking_is_cut_off(serve, prompts, reply, program):
    first, *_ = prompts
    server = serve([chat(message(reply, reasoning_content="apart"))])
    one, = draw(endpoint(server, raw=False), {first: prompts[first]}, n=1)
    assert one.completion == program
    # Also where a reasoning model is asked to continue a bare text.
    server = serve([(200, {}, {"choices": [
        {"text": reply, "finish_reason": "stop"}]})])
    one, = draw(endpoint(server), {first: prompts[first]}, n=1)
    assert one.completion.endswith(program.splitlines(True)[-1])
    assert "5" not in one.completion


def test_a_text_that_thinks_nowhere_stays_as_it_is():
    for text in ("", "\nx = 1\n", "if a <think> b", "# [THINK] is a mark\n"):
        assert without_thinking(text) == (text, False)


@pytest.mark.parametrize("said, ours", [
    ("eos_token", "stop"), ("STOP", "stop"), ("end_turn", "stop"),
    ("max_tokens", "length"), ("MAX_TOKENS", "length"), (None, "length")])
def test_words_of_other_servers_for_an_end(serve, prompts, said, ours):
    first, *_ = prompts
    server = serve([(200, {}, {"choices": [
        {"text": "t = 1", "finish_reason": said}]})])
    one, = draw(endpoint(server), {first: prompts[first]}, n=1)
    assert one.finish_reason == ours


def test_a_content_in_parts():
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "5"}]},
             {"type": "text", "text": "answer"}, " = 1\n"]
    one, = choices_of({"choices": [message(parts)]}, raw=False)
    assert one.text == PROGRAM and not one.lost


# ------------------------------------------------------ n, as much as it takes

def refusing(most, words, param=None):
    def answer(asked):
        if asked["n"] > most:
            return 400, {}, {"error": {"message": words, "param": param}}
    return answer


@pytest.mark.parametrize("most, words, requests", [
    (1, "Only one completion choice is allowed", 2),
    (1, "n_cmpl cannot be greater than the number of slots (1)", 2),
    (1, "n must be 1 when using greedy sampling, got 8.", 2),
    (2, "n_cmpl must be in the range [1, 2]", 2),
    (4, "Invalid 'n': integer above maximum value. Expected a value <= 4", 2),
    (3, "the value of n is too large", 3),
    (1, "bad request", 2)])
def test_n_is_what_the_server_takes(serve, prompts, most, words, requests):
    server = serve(answer=refusing(most, words))
    lm = endpoint(server, concurrency=1)
    found = draw(lm, prompts, n=8)
    assert len(found) == 48 and 1 <= lm.choices <= most
    refused = [status for _, status in server.seen].count(400)
    assert refused == requests - 1              # learnt once, for all
    assert len({(s.task_id, s.sample_index) for s in found}) == 48


def test_a_server_that_gives_one_without_chance_gives_many_with(serve,
                                                                prompts):
    def answer(asked):
        if asked["n"] > 1 and not asked["temperature"]:
            return 400, {}, {"error": {"message": "n must be 1 when using "
                                                  "greedy sampling"}}
    server = serve(answer=answer)
    lm = endpoint(server, concurrency=1)
    assert len(draw(lm, prompts, temperature=0)) == 12
    before = len(server.seen)
    assert len(draw(lm, prompts)) == 12
    assert len(server.seen) - before == 6


def test_what_is_not_about_n_is_not_tried_with_less():
    for words in ("maximum context length is 2048 tokens", "content_filter",
                  "Unexpected fields: seed"):
        assert fewer_choices(8, EndpointError("", 400, words)) == 0
    assert fewer_choices(8, EndpointError("", 401, "n")) == 0
    assert fewer_choices(1, EndpointError("", 400, "n is too large")) == 0


# ----------------------------------------------------------------- waiting

def test_a_limit_by_the_minute_is_waited_for(serve, prompts):
    """Without Retry-After, for longer than six tries would take."""
    began = time.monotonic()
    server = serve(answer=lambda asked: (429, {}) if time.monotonic()
                   < began + 2 else None)
    lm = endpoint(server, tries=2, pause=0.1)
    assert len(draw(lm, prompts)) == 12


def test_a_model_that_loads_is_waited_for_and_not_for_ever(serve, prompts):
    server = serve([(503, {}, {"error": {"message": "Loading model"}})] * 5)
    assert len(draw(endpoint(server, tries=2), prompts)) == 12
    server = serve(answer=lambda asked: (503, {}, {
        "error": {"message": "Loading model"}}))
    with pytest.raises(EndpointError, match="Loading model"):
        draw(endpoint(server, tries=2, patience=0.5), prompts)
    # A server that is broken has its tries and no more.
    server = serve([500] * 9)
    with pytest.raises(EndpointError, match="in 2 tries"):
        draw(endpoint(server, tries=2, concurrency=1), prompts)
    assert len(server.seen) == 2


@pytest.mark.parametrize("headers, words, seconds", [
    ({"retry-after-ms": "1500"}, "", 1.5), ({"Retry-After": "7.5s"}, "", 7.5),
    ({"x-ratelimit-reset-requests": "1m2.5s"}, "", 60),
    ({"x-ratelimit-reset-requests": "20ms",
      "x-ratelimit-reset-tokens": "12s",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-remaining-tokens": "0"}, "", 12),
    ({"x-ratelimit-reset-requests": "8s", "x-ratelimit-reset-tokens": "50s",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-remaining-tokens": "900"}, "", 8),
    ({"x-ratelimit-reset": "30"}, "", 30),
    ({"x-ratelimit-reset": str(time.time() + 3600)}, "", 60),
    ({"x-ratelimit-reset": str(1000 * (time.time() + 3600))}, "", 60),
    ({}, "Please try again in 20s. Visit", 20),
    ({}, "Please retry after 12 seconds.", 12),
    ({}, "Please try again in 1m0.5s.", 60.5),
    ({"Retry-After": "2", "x-ratelimit-reset": "30"}, "try again in 9s", 2),
    ({}, "slow down, 3 requests at a time", None)])
def test_how_long_servers_ask_to_wait(headers, words, seconds):
    assert asked_to_wait(headers, words) == seconds


# ------------------------------------------------------- one refused prompt

REFUSALS = {
    "context length": (400, {"message": "This model's maximum context length "
                             "is 2048 tokens", "param": "messages"}),
    "content filter": (400, {"message": "The response was filtered",
                             "code": "content_filter"}),
    "too large": (413, {"message": "payload"}),
    "no reason": (400, {"message": "Bad Request"})}


@pytest.mark.parametrize("name", REFUSALS)
def test_one_refused_prompt_is_named_and_the_rest_goes_on(
        serve, prompts, tmp_path, capsys, name):
    status, error = REFUSALS[name]
    bad = list(prompts)[2]

    def answer(asked):
        if asked["prompt"] == prompts[bad]:
            return status, {}, {"error": error}
    lm, cache = endpoint(serve(answer=answer)), tmp_path / "cache.jsonl"
    found = draw(lm, prompts, cache=cache)
    assert {s.task_id for s in found} == set(prompts) - {bad}
    assert len(found) == len(read_samples(cache)) == 10
    assert list(lm.refused) == [bad]
    out = capsys.readouterr().out
    assert f"without samples, as refused: {bad}: " in out
    assert str(status) in out
    # A rerun asks for it again, and for nothing else.
    again = endpoint(serve())
    assert len(draw(again, prompts, cache=cache)) == 12
    assert again.used["requests"] == 1


def test_if_every_prompt_is_refused_it_is_the_request(serve, prompts):
    server = serve([400] * 99)
    with pytest.raises(EndpointError, match="the script says 400.*0 of 12"):
        draw(endpoint(server, concurrency=1), prompts, n=2)
    assert len(server.seen) <= 8                # two forms of three prompts
    server = serve([400] * 99)
    with pytest.raises(EndpointError, match="as refused: mini-gsm"):
        draw(endpoint(server), {"mini-gsm/train/0": "a"}, n=1)


@pytest.mark.parametrize("status, error", [
    (401, {"message": "wrong key"}), (404, {"message": "no such model"}),
    (400, {"message": "Unsupported value", "param": "temperature"}),
    (422, "Unexpected fields: top_k"), (400, {"message": "API key invalid"})])
def test_what_holds_for_every_prompt_stops_at_once(serve, prompts, status,
                                                   error):
    server = serve([None] + [(status, {}, {"error": error})] * 9)
    with pytest.raises(EndpointError, match="2 of 12 samples came"):
        draw(endpoint(server, concurrency=1), prompts)
    assert len(server.seen) <= 3                # one asks for the models


# ------------------------------------------------------------ all in a name

def test_a_name_says_all_of_a_server(monkeypatch):
    lm = load_teacher('https://host.example/v1#a/m?choices=8&price=0.5,1.5&'
                      'per_minute=10&key=PORTAL_KEY&concurrency=3&'
                      'extra={"top_k": -1}')
    assert (lm.serves, lm.choices, lm.price, lm.per_minute, lm.key_from,
            lm.concurrency, lm.extra) == (
        "a/m", 8, (0.5, 1.5), 10, "PORTAL_KEY", 3, {"top_k": -1})
    plain = load_teacher("https://host.example/v1#a/m")
    # What does not change the answers does not change the cache.
    assert load_teacher("https://host.example/v1#a/m?choices=8").name == (
        plain.name) != lm.name
    assert lm.cost({"t": "abcd"}, 1, 100)["dollars"] > 0


@pytest.mark.parametrize("told, words", [
    ("choise=8", "nothing that can be said.*choices"), ("choices=", "read"),
    ("price=1", "price=0.5,1.5"), ("extra=[]", "top_k"),
    ("choices=0", "choices is a whole number from 1"),
    ("concurrency=99999", "from 1 to 1,000, not 99999"),
    ("per_minute=nan", "per_minute is a number"), ("timeout=0", "timeout is"),
    ("timeout=-1", "timeout is"), ("pause=inf", "pause is"),
    ("price=-1,-2", "price is a number from 0"), ("price=nan,1", "price is"),
    ("key=sk-abc123", "the name of the environment"),
    ("key=hf_abc123", "the name of the environment"),
    ("key=my key", "the name of the environment")])
def test_a_name_that_says_nothing_is_refused(told, words):
    with pytest.raises(ValueError, match=words) as refusal:
        load_teacher(f"https://host.example/v1#m?{told}")
    assert "abc123" not in str(refusal.value)


def test_keys_for_any_server_that_is_named(monkeypatch):
    monkeypatch.setenv("TEACHER_API_KEY", "one")
    monkeypatch.setenv("PORTAL_KEY", "two")
    lan, local = "http://10.1.2.3:8000/v1", "http://localhost:8000/v1"
    assert key_for(local, "PORTAL_KEY") == "two" and key_for(local) is None
    with pytest.raises(EndpointError, match="key=TEACHER_API_KEY, or "):
        key_for(lan)
    assert key_for(lan, "") is None and key_for(lan, "PORTAL_KEY") == "two"
    assert key_for("http://gpu-box/v1", "PORTAL_KEY") == "two"
    assert key_for("http://gpu.lan/v1", "PORTAL_KEY") == "two"
    for public in ("http://host.example/v1", "http://8.8.8.8/v1"):
        with pytest.raises(EndpointError, match="unencrypted"):
            key_for(public, "PORTAL_KEY")


def test_a_filters_code_is_told():
    error = explained("u", 400, json.dumps({"error": {
        "message": "m", "code": "content_filter"}}).encode(), {}, None)
    assert error.of_a_prompt and "content_filter" in str(error)
