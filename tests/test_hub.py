"""Every road to the Hub, by the real client, against a Hub on the loopback.

The client runs in a process of its own, since where the Hub is and where its
files are kept must be said before the libraries are loaded.
"""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading

import pytest

import standin_data
import standins
from helpers import hub as hub_module
from helpers.problems import READERS
from helpers.profiles import ROOT
from helpers.tools.offline import refusals
from hub_server import Hub, commit_of

pytest.importorskip("datasets")

CLIENT = """
import json, sys, time
real = time.sleep                # a client that waits between its tries
time.sleep = lambda seconds: real(min(seconds, 0.01))
import datasets
datasets.config.STREAMING_READ_MAX_RETRIES = 1
datasets.disable_progress_bars()
from helpers import hub
from helpers.teachers.checkpoint import load_model
from helpers.problems import load_problems
for line in sys.stdin:
    try:
        answer = {"value": eval(line)}
    except Exception as error:
        answer = {"error": type(error).__name__, "text": str(error)}
    print("ANSWER " + json.dumps(answer), flush=True)
"""
GSM, APPS = "openai/gsm8k", "codeparrot/apps"
SIZES = {"train": (263, 200, 36), "test": (100, 300, 100)}


class Client:
    """A Python that asks the Hub at ``url``; its cache is ``home``."""

    def __init__(self, url, home):
        self.home = home
        home.mkdir(exist_ok=True)
        environment = dict(os.environ, HF_ENDPOINT=url, HF_HOME=str(home),
                           OMP_NUM_THREADS="1", REFUSE_NETWORK_LOG=str(
                               home / "refused.log"),
                           HF_UPDATE_DOWNLOAD_COUNTS="0")
        for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE",
                     "TRANSFORMERS_OFFLINE", "HF_TOKEN", "HF_HUB_CACHE",
                     "HF_DATASETS_CACHE"):
            environment.pop(name, None)
        paths = environment.get("PYTHONPATH", "").split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *paths])
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT], cwd=ROOT, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)

    def ask(self, expression):
        """What ``expression`` is worth there, as JSON keeps it.

        ``said`` are the lines that were printed meanwhile.
        """
        self.said = []
        self.process.stdin.write(expression + "\n")
        self.process.stdin.flush()
        timer = threading.Timer(180, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                if line.startswith("ANSWER "):
                    return json.loads(line.removeprefix("ANSWER "))
                self.said.append(line)
        finally:
            timer.cancel()
        raise RuntimeError(f"the client ended, asked for {expression}")

    def value(self, expression):
        answer = self.ask(expression)
        assert "value" in answer, answer
        return answer["value"]

    def error(self, expression):
        """The sentence of the error; it is one line."""
        answer = self.ask(expression)
        assert answer.get("error") in ("ConnectionError",
                                       "FileNotFoundError"), answer
        assert "\n" not in answer["text"] and len(answer["text"]) < 700
        return answer["text"]

    def close(self):
        """End it; nothing but the Hub's own name was asked for."""
        self.process.stdin.close()
        self.process.wait(30)
        assert all("datasets-server.127.0.0.1" in line
                   for line in refusals(self.home / "refused.log"))


def ids(name, **options):
    return f"[p.task_id for p in load_problems({name!r}, **{options})]"


def questions(name, **options):
    return f"[p.question for p in load_problems({name!r}, **{options})]"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """What the Hub serves: data sets, two of their versions, two models."""
    folder = tmp_path_factory.mktemp("hub")
    standin_data.lay_data(folder, apps=500)
    gsm = folder / "datasets" / GSM
    shutil.copytree(gsm / "main", gsm / "v1")
    standin_data.as_parquet(
        gsm / "v1" / "main" / "test-00000-of-00001.parquet",
        standin_data.gsm_rows("old", 3))
    for name, kind in standins.NAMES.items():
        standins.build(kind, folder / "models" / name / "main")
    qwen = folder / "models" / "Qwen" / "Qwen2.5-Coder-0.5B"
    standins.build("qwen2", qwen / "v1", seed=5)
    return folder


@pytest.fixture(scope="module")
def served(folder, tmp_path_factory):
    """(Hub, client) for the whole file."""
    with Hub(folder) as hub:
        client = Client(hub.url, tmp_path_factory.mktemp("home"))
        levels = {s: dict(zip(standin_data.LEVELS, n)) | {"all": sum(n)}
                  for s, n in SIZES.items()}
        client.value(f"hub.SIZES.update({levels})")
        yield hub, client
        client.close()


@pytest.fixture
def client(served):
    yield served[1]
    served[0].faults.clear()
    served[0].gated.clear()
    served[1].value("hub.PINS.update(gsm8k='main', apps=None)")
    served[1].value(f"setattr(hub, 'APPS', 'hf://datasets/{APPS}')")
    served[1].value(f"hub.HUB.update(gsm8k=({GSM!r}, 'main', ('train', "
                    f"'test')))")


@pytest.fixture
def hub(served):
    return served[0]


# ---- data sets ----

@pytest.mark.parametrize("number", [errno.ENOSPC, errno.ENOTDIR,
                                    errno.EACCES])
def test_a_place_that_takes_no_file_is_no_matter_of_the_network(number):
    error = RuntimeError("deep in a library")
    error.__cause__ = OSError(number, os.strerror(number), "/cache/token")
    assert "HF_HOME" in hub_module.reason(error, "a/b")
    other = OSError(number + 1000, "the line")
    assert "HF_HOME" not in hub_module.reason(other, "a/b")


def test_every_data_set_of_the_profiles_is_read(client):
    first = standin_data.gsm_rows(0, 400)
    assert client.value(questions("gsm8k", split="train")) == [
        row["question"] for row in first]
    assert client.value("[p.answer for p in load_problems('gsm8k')][:3]") == [
        READERS["gsm8k"](row, "").answer
        for row in standin_data.gsm_rows(1, 3)]
    for name, split, numbers in (
            ("mbpp", "test", range(11, 511)), ("mbpp", "prompt",
                                               range(1, 11)),
            ("mbpp-sanitized", "train", range(601, 975)),
            ("humaneval", "test", range(164))):
        known = "HumanEval" if name == "humaneval" else "Mbpp"
        assert client.value(ids(name, split=split)) == [
            f"{known}/{i}" for i in numbers]


def test_three_roads_lead_to_the_same_problems_of_apps(client, folder):
    """A commit belongs to one branch, and so chooses the road."""
    home, rows = folder / "datasets" / APPS, []
    for level, count in zip(standin_data.LEVELS, SIZES["test"]):
        rows += standin_data.apps_rows("0test", count, level, len(rows))
    for branch in sorted(home.iterdir()):
        client.value(f"hub.PINS.update(apps={commit_of(branch)!r})")
        for level in (None, "introductory", "competition"):
            wanted = [f"apps/test/{row['problem_id']}" for row in rows
                      if level in (None, row["difficulty"])]
            assert client.value(ids("apps", difficulty=level)) == wanted
    client.value("hub.PINS.update(apps=None)")
    assert client.value(questions("apps")) == [r["question"] for r in rows]


def test_a_pin_is_honoured_and_a_missing_version_is_named(client, folder):
    old = [row["question"] for row in standin_data.gsm_rows("old", 3)]
    new = [row["question"] for row in standin_data.gsm_rows(1, 120)]
    commit = commit_of(folder / "datasets" / GSM / "v1")
    for pin, wanted in (("v1", old), ("main", new), (commit, old)):
        client.value(f"hub.PINS.update(gsm8k={pin!r})")
        assert client.value(questions("gsm8k")) == wanted
    client.value("hub.PINS.update(gsm8k='v9', apps='v9')")
    assert "no such version of it; check the revision" in client.error(
        ids("gsm8k"))
    for level in (None, "interview"):
        text = client.error(ids("apps", difficulty=level))
        assert "no such version of it" in text and "as path" in text


def test_a_download_that_breaks_is_taken_up_or_told(client, hub, folder):
    def repository(name):
        shutil.copytree(folder / "datasets" / GSM,
                        folder / "datasets" / "me" / name)
        client.value(f"hub.HUB.update(gsm8k=('me/{name}', 'main', "
                     f"('train', 'test')))")

    usual = [row["question"] for row in standin_data.gsm_rows(1, 120)]
    repository("once")                    # then the client tries again
    hub.faults = {"test-00000": ["cut"]}
    assert client.value(questions("gsm8k")) == usual
    assert hub.faults == {"test-00000": []}
    for kind, why in (("cut", "the download broke off; try again"),
                      ("refuse", "the download broke off; try again"),
                      ("busy", "the Hub answers with an error; try again")):
        repository(kind)                  # for good
        hub.faults = {"test-00000": [kind] * 99}
        assert why in client.error(ids("gsm8k"))
        hub.faults.clear()
        assert client.value(questions("gsm8k")) == usual
    repository("change")                  # other bytes than were sent
    hub.faults = {"test-00000": ["change"]}
    text = client.error(ids("gsm8k"))
    assert "a file arrived damaged; delete the folder *--me--change" in text
    cache = text.partition("of the cache (")[2].partition(")")[0]
    for broken in client.value(
            f"[str(p) for p in __import__('pathlib').Path({cache!r})"
            f".glob('*--me--change')]"):
        shutil.rmtree(broken)
    assert client.value(questions("gsm8k")) == usual


def test_apps_that_breaks_off_between_rows_is_told(client, hub, folder):
    """One road is broken from the start: the next is taken."""
    hub.faults = {"main/test.jsonl": ["busy"] * 99}
    assert len(client.value(ids("apps"))) == 500
    hub.faults = {"codeparrot/apps/resolve": ["cut"] * 999}
    text = client.error(ids("apps"))
    assert "the download broke off" in text and "test.jsonl (" in text
    hub.faults.clear()
    assert len(client.value(ids("apps", limit=7))) == 7


def test_a_gated_repository_says_what_to_do(client, hub, folder):
    shutil.copytree(folder / "datasets" / GSM,
                    folder / "datasets" / "me" / "gated")
    standins.build("codet5", folder / "models" / "me" / "gated" / "main")
    hub.gated.add("me/gated")
    client.value("setattr(hub, 'APPS', 'hf://datasets/me/gated')")
    client.value("hub.HUB.update(gsm8k=('me/gated', 'main', ('test',)))")
    for load in (ids("gsm8k"), ids("apps"), "load_model('me/gated')"):
        assert ("it is gated: accept its licence on its page of the Hub and "
                "log in with `hf auth login`, or choose another"
                ) in client.error(load)


# ---- models ----

def test_a_model_of_each_family_is_loaded_by_its_name(client, folder):
    for name in standins.NAMES:
        commit = commit_of(folder / "models" / name / "main")
        assert client.value(f"load_model({name!r}).name") == (
            f"{name.split('/')[1]}@{commit[:8]}")


def test_a_pin_of_a_model_loads_other_weights_under_another_name(
        client, folder):
    name = "Qwen/Qwen2.5-Coder-0.5B"
    commit = commit_of(folder / "models" / name / "v1")
    found = [client.value(
        f"(lambda lm: (lm.name, lm.model.get_input_embeddings().weight"
        f".sum().item()))(load_model({name + pin!r}))")
        for pin in ("", "@main", "@v1", f"@{commit}")]
    assert found[0] == found[1] != found[2] == found[3]
    assert found[2][0] == f"Qwen2.5-Coder-0.5B@{commit[:8]}"


def test_what_is_fetched_is_told_with_its_size_once(client, hub, folder):
    weights = standins.build("qwen2-instruct", folder / "models/me/big/main")
    size = sum(path.stat().st_size for path in weights.glob("*.safetensors"))
    assert len(list(weights.glob("*.safetensors"))) > 1
    ask = "load_model('me/big')"
    client.value(f"{ask}.name")
    assert client.said == [
        f"fetching me/big from the Hugging Face Hub, {size / 1e6:,.1f} MB, "
        f"once; it is kept in {client.home / 'hub'}\n"]
    client.value(f"{ask}.name")
    assert client.said == []


def test_what_is_wrong_with_a_model_is_one_sentence(client, hub, folder):
    models = folder / "models"
    standins.build("gpt-neo", models / "me" / "broken" / "main")
    hub.faults = {"me/broken/resolve/": ["cut"] * 99}
    assert "the download broke off; try again" in client.error(
        "load_model('me/broken')")
    hub.faults.clear()
    assert client.value("load_model('me/broken').name").startswith("broken@")
    assert "has nothing of that name" in client.error("load_model('me/none')")
    assert "no such version of it" in client.error(
        "load_model('me/broken@v9')")
    standins.build("gpt-neo", models / "me" / "damaged" / "main")
    hub.faults = {"damaged/resolve/main/model.safetensors": ["change"],
                  "model.safetensors": ["change"]}
    assert "delete the folder *--me--damaged" in client.error(
        "load_model('me/damaged')")


# ---- no network ----

def test_without_a_network_the_cache_serves_and_the_rest_is_told(
        folder, tmp_path):
    small = tmp_path / "small"
    for name in (GSM, "google-research-datasets/mbpp"):
        shutil.copytree(folder / "datasets" / name,
                        small / "datasets" / name)
    for name in ("Qwen/Qwen2.5-Coder-0.5B", "EleutherAI/gpt-j-6B"):
        shutil.copytree(folder / "models" / name, small / "models" / name)
    with Hub(small) as hub:
        client = Client(hub.url, tmp_path / "home")
        there = (ids("gsm8k"), "load_model('Qwen/Qwen2.5-Coder-0.5B').name")
        before = [client.value(load) for load in there]
    assert [client.value(load) for load in there] == before
    for load in (ids("mbpp"), ids("apps"),
                 "load_model('EleutherAI/gpt-j-6B')"):
        assert "cannot be reached; check the network or a proxy" in (
            client.error(load))
    client.close()
