"""One request that is tried again, against a real server on loopback."""

import json
import urllib.error
import urllib.request

import pytest

from helpers.teachers.loopback import ScriptedServer
from helpers.teachers.recording import Recording
from helpers.teachers.retry import with_retry
from helpers.teachers.endpoint import Endpoint
from helpers.problems import load_problems
from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.sampling import sample


@pytest.fixture(scope="module")
def recording():
    return Recording("data/mini/results/samples/teacher-train.jsonl.gz")


@pytest.fixture
def server(recording):
    server = ScriptedServer(recording)
    yield server
    server.stop()


def prompts(count):
    return {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
            for p in load_problems("mini-gsm", "train", limit=count)}


def asking(server, prompt, n=1):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask():
        request = urllib.request.Request(server.url, json.dumps(
            {"prompt": prompt, "n": n}).encode())
        try:
            with opener.open(request, timeout=30) as answer:
                return answer.status, answer.headers, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()
    return ask


def test_what_passes_is_tried_again(server, recording):
    server.script = [(429, {"Retry-After": "0.4"}), 500, (503, {}, b"loads")]
    (task, prompt), = prompts(1).items()
    body = with_retry(asking(server, prompt, n=2), pause=0.05)
    kept = [s.completion for s in recording.samples.values()
            if s.task_id == task]
    assert [c["text"] for c in body["choices"]] == kept[:2]
    times, statuses = zip(*server.seen)
    assert statuses == (429, 500, 503, 200)
    # As long as it was told, then twice and four times the pause.
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert gaps[0] >= 0.4 and gaps[1] >= 0.1 and gaps[2] >= 0.2
    body = with_retry(asking(server, prompt))
    assert body["choices"][0]["text"] == kept[2]


@pytest.mark.parametrize("script, requests", [
    ([400], 1), ([401, 500], 1), ([429, 404], 2), ([500] * 9, 3)])
def test_what_does_not_pass_is_raised(server, script, requests):
    server.script = script
    with pytest.raises(RuntimeError, match=f"at try {requests}: "):
        with_retry(asking(server, "any"), tries=3, pause=0.01)
    assert len(server.seen) == requests


def test_a_recording_is_asked_as_any_server_is(server, recording):
    few = prompts(3)
    lm = Endpoint(server.url, "any", pause=0.01)
    server.script = [500, None, 429]
    asked = sample(lm, few, n=2, max_new_tokens=64, progress=False)
    told = sample(recording, few, n=2, max_new_tokens=64, progress=False)
    assert [s.completion for s in asked] == [s.completion for s in told]
    assert [status for _, status in server.seen].count(200) == 3
