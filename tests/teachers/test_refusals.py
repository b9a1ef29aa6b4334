"""What servers refuse, and in which words: gone on with, or said in one.

As in ``test_replies.py``: a server on loopback that follows a script.
"""

import json
import re
import time

import pytest

from helpers.sampling import sample
from helpers.teachers import load_teacher
from helpers.teachers.endpoint import Endpoint
from helpers.teachers.errors import status_of, told_by
from helpers.teachers.failures import (EndpointError, asked_to_wait,
                                       explained, fewer_choices)
from helpers.teachers.loopback import ScriptedServer
from helpers.teachers.replies import choices_of, ending
from helpers.teachers.server import connect

PROMPTS = {f"t/{i}": f"# question {i}\n" for i in range(6)}
PROGRAM = "answer = 1\n"


@pytest.fixture
def serve():
    """A server that answers as ``answer(asked)`` does, or with a program."""
    started = []

    def start(answer):
        server = ScriptedServer(None)

        def said(asked):
            server.asked.append(asked)
            return answer(asked) or (200, {}, {"choices": [
                message(PROGRAM) for _ in range(asked.get("n", 1))]})
        server.answer, server.asked = said, []
        started.append(server)
        return server
    yield start
    for server in started:
        server.stop()


def message(content, reason="stop", **more):
    return {"finish_reason": reason, "message": {"content": content, **more}}


def endpoint(server, **options):
    return Endpoint(server.url.removesuffix("/completions"), "m", **{
        "pause": 0.01, "timeout": 30, "concurrency": 2, "tries": 2, **options})


def draw(lm, prompts=PROMPTS, n=2, **options):
    return sample(lm, prompts, n=n, progress=False, max_new_tokens=64,
                  **options)


def refused(words, status=400, **more):
    return status, {}, {"error": {"message": words, **more}}


def if_sent(name, reply):
    return lambda asked: reply if name in asked else None


MISTRAL = [{"loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]


@pytest.mark.parametrize("name, reply", [
    ("seed", refused("Unsupported parameter: 'seed'", param="seed")),
    ("seed", (422, {}, {"detail": MISTRAL})),
    ("seed", (422, {}, {"object": "error", "message": {"detail": MISTRAL}})),
    ("top_p", refused("`temperature` and `top_p` cannot both be specified")),
    ("max_tokens", refused("Use 'max_completion_tokens' instead.")),
    ("n", refused("property 'n' is unsupported, did you mean 'seed'?"))])
def test_what_says_nothing_is_left_out(serve, capsys, name, reply):
    server = serve(if_sent(name, reply))
    assert len(draw(endpoint(server))) == 12
    told = "takes no seed" in capsys.readouterr().out
    assert told == (name == "seed")
    # Two ask at once, and either may have asked before the other was told;
    # of two choices, one is tried before their number is left out.
    most = 4 if name == "n" else 2
    assert 1 <= sum(name in asked for asked in server.asked) <= most


def test_what_changes_the_samples_is_not_left_out(serve):
    server = serve(if_sent("temperature", refused(
        "'temperature' does not support 0.6 with this model")))
    with pytest.raises(EndpointError, match="a temperature that this model"):
        draw(endpoint(server))
    assert len(server.asked) <= 2
    server = serve(if_sent("temperature", refused(
        "Unsupported parameter: 'temperature'", param="temperature")))
    assert len(draw(endpoint(server), temperature=1)) == 12


@pytest.mark.parametrize("words", [
    "'messages[0].role' does not support 'system' with this model",
    "System role not supported", "Conversation roles must alternate user/",
    "Developer instruction is not enabled for models/gemma-3"])
def test_a_system_message_goes_to_the_user_where_it_is_refused(serve, words):
    server = serve(lambda asked: (400, {}, [{"error": {"message": words}}])
                   if asked["messages"][0]["role"] == "system" else None)
    assert len(draw(endpoint(server))) == 12
    alone = [a["messages"][0] for a in server.asked if len(a["messages"]) == 1]
    assert len(alone) == len(PROMPTS) and len(server.asked) <= len(alone) + 2
    assert all(m["role"] == "user" and "# question" in m["content"]
               for m in alone)


@pytest.mark.parametrize("words", [
    "multiple completions are not supported", "num_return_sequences must be 1",
    "more than one response is not supported", "n is not supported"])
def test_one_choice_in_every_wording(words):
    assert fewer_choices(8, EndpointError("", 400, words)) == 1


# ------------------------------------------------- one prompt, and no other

@pytest.mark.parametrize("reply", [
    (200, {}, {"choices": []}), (200, {}, {"choices": None}),
    (500, {}, {}), refused("input was flagged by moderation", 403),
    refused("Request too large: tokens must be reduced", 429),
    refused("Please reduce the length of the messages of this model"),
    refused("Too many input tokens for this model"),
    refused("Provider returned error", metadata={
        "raw": '{"message": "context length of this model"}'})])
@pytest.mark.parametrize("concurrency", [1, 2])
def test_one_prompt_that_fails_each_time_stops_no_other(
        serve, capsys, reply, concurrency):
    server = serve(lambda asked: reply if PROMPTS["t/2"] in str(
        asked["messages"][-1]["content"]) else None)
    lm = endpoint(server, concurrency=concurrency)
    assert {s.task_id for s in draw(lm)} == set(PROMPTS) - {"t/2"}
    assert list(lm.refused) == ["t/2"]
    assert "without samples, as refused: t/2" in capsys.readouterr().out


def test_a_server_that_breaks_in_the_middle_is_not_asked_for_all(serve):
    def answer(asked):
        if len(server.asked) > 2:
            return 500, {}, {}
    server = serve(answer)
    with pytest.raises(EndpointError, match="4 of 12 samples came"):
        draw(endpoint(server, concurrency=1))
    assert len(server.asked) <= 6


# ----------------------------------------------------------- words and codes

@pytest.mark.parametrize("said, end", [
    ("abort", "error"), ("insufficient_system_resource", "error"),
    ("sensitive", "filter"), ("content_filter: SAFETY", "filter"),
    ("refusal", "refusal"), ("COMPLETE", "stop"), ("incomplete", None),
    ("FINISH_REASON_STOP", "stop"), ("max_output_tokens", "length"),
    ("model_context_window_exceeded", "length"), ("tool_calls", None)])
def test_words_for_an_end(said, end):
    assert ending(said) == end


@pytest.mark.parametrize("content, text", [
    ({"type": "text", "text": PROGRAM}, PROGRAM),
    ([{"type": "output_text", "text": PROGRAM}], PROGRAM),
    ([{"type": "refusal", "refusal": "no"}], ""), ([], ""),
    ("<thought>5</thought>" + PROGRAM, PROGRAM),
    ("<|channel>thought\n5<channel|>" + PROGRAM, PROGRAM),
    ("<think>5</think>\n<answer>" + PROGRAM + "</answer>", PROGRAM),
    ("<|begin_of_thought|>" + PROGRAM, "")])
def test_contents_of_other_servers(content, text):
    one, = choices_of({"choices": [message(content)]}, raw=False)
    assert one.text == text and bool(one.lost) == (not text)


@pytest.mark.parametrize("failure, code, words", [
    ({"error": "overloaded"}, 500, "overloaded"), ({"error": 429}, 429, "429"),
    ({"error": [{"message": "m"}]}, 500, "m"),
    ({"error": {"code": "429", "message": "m"}}, 429, "m"),
    ({"error": {"type": "authentication_error", "message": "m"}}, 401, "m"),
    ([{"error": {"status": "RESOURCE_EXHAUSTED", "message": "m"}}], 429, "m"),
    ({"object": "error", "message": "m", "code": 400}, 400, "m"),
    ({"success": False, "errors": [{"code": 7003, "message": "m"}]}, 500, "m"),
    ({"choices": [], "error": None}, 0, ""),
    ({"choices": [1], "message": "m"}, 0, "m")])
def test_errors_of_every_form(failure, code, words):
    assert status_of(failure) == code
    assert not words or told_by(failure)[0] == words


def test_a_page_of_html_is_told_as_its_words():
    page = b"<html><head><title>x</title></head><body><p>No &amp; no</body>"
    error = explained("https://host", 404, page, {}, None)
    assert "404 (No & no)" in str(error) and "/v1" in str(error)


@pytest.mark.parametrize("headers, words, seconds", [
    ({"Retry-After": "PT20S"}, "", 20), ({"Retry-After": "5, 5"}, "", 5),
    ({"Retry-After": "1m 30s"}, "", 90), ({"Retry-After": "2 minutes"}, "",
                                          120),
    ({"X-RateLimit-Reset-Tokens-Minute": "11.5"}, "", 11.5),
    ({"RateLimit": "limit=9, remaining=0, reset=5"}, "", 5),
    ({"RateLimit": '"default";r=3;t=50'}, "", None),
    ({}, "try again in 850ms", 0.85), ({}, "Retry after 1 minute", 60)])
def test_more_ways_to_ask_for_patience(headers, words, seconds):
    assert asked_to_wait(headers, words) == seconds


def test_a_moment_of_iso_8601():
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 30))
    assert 27 < asked_to_wait({"anthropic-ratelimit-tokens-reset": when}) < 31


# --------------------------------------------------------------- the address

def test_azures_address_and_header(serve, monkeypatch):
    monkeypatch.setenv("PORTAL_KEY", "sk-1")
    server, seen = serve(lambda asked: None), []
    reply = server.reply
    monkeypatch.setattr(server, "reply", lambda client: (
        seen.append((client.path, client.headers)), reply(client)))
    where = server.url.replace(
        "/v1/completions", "/deployments/d/chat/completions?api-version=1")
    lm = load_teacher(f"{where}#d?key=PORTAL_KEY&header=api-key")
    assert len(draw(lm)) == 12
    path, headers = seen[0]
    assert path == "/deployments/d/chat/completions?api-version=1"
    assert headers["api-key"] == "sk-1" and "Authorization" not in headers
    for query in ("api_key=sk-1", "api-version=1&sig=a", "sk-1", "a=b&sk-1="):
        with pytest.raises(ValueError, match="environment variable"):
            Endpoint(f"https://host/v1?{query}", "m")
    Endpoint("https://host/v1?api-version=1&route=decoder", "m")
    for odd in ("http://[::1", "https://h:x/v1", "https://a b/v1"):
        with pytest.raises(ValueError, match="no address of a server"):
            Endpoint(odd, "m")


def test_proxies_and_certificates_that_are_none(serve, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    with pytest.raises(EndpointError, match="SSL_CERT_FILE") as told:
        connect("https://host.example/v1")
    assert "\n" not in str(told.value)
    assert len(draw(endpoint(serve(lambda asked: None)))) == 12


def test_an_answer_that_trickles_is_given_up(serve, monkeypatch):
    server = serve(lambda asked: None)

    def reply(client):
        client.send_response(200)
        client.send_header("Content-Length", "9999")
        client.end_headers()
        for _ in range(40):
            try:
                client.wfile.write(b" ")
            except OSError:                 # it was given up
                return
            time.sleep(0.1)
    monkeypatch.setattr(server, "reply", reply)
    began = time.monotonic()
    with pytest.raises(EndpointError, match="no answer within 0.5 seconds"):
        draw(endpoint(server, timeout=0.5, tries=1), {"t": "# a\n"})
    assert time.monotonic() - began < 3


def test_usage_that_is_none_and_a_model_that_is_another(serve, capsys):
    server = serve(lambda asked: (200, {}, {
        "model": "org/guard", "usage": {"prompt_tokens": "5"}, "choices": [
            message(PROGRAM)] * asked["n"]}))
    lm = Endpoint(server.url.removesuffix("/completions"), "coder")
    assert len(draw(lm)) == 12 and lm.used["prompt_tokens"] > 0
    out = capsys.readouterr().out
    assert len(re.findall("signed by the model 'org/guard'", out)) == 1
    assert json.dumps(lm.used)
