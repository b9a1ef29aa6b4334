"""Try a server with the mini teacher behind it, and note what works.

    python tests/benchmarks/servers.py "vLLM" 0.32.0 ADDRESS

ADDRESS is a teacher's name as in a profile, such as
``http://localhost:8000/v1/completions#teacher?key=MY_KEY``.  The server must
serve ``data/mini/models/teacher``.  What came out replaces the row of that
name in ``data/servers.json``, and the table beside notebook 08.
"""

import json
import sys

from helpers.problems import load_problems
from helpers.prompts import EXEMPLARS, few_shot_prompt
from helpers.sampling import sample
from helpers.teachers import load_teacher
from helpers.teachers.checkpoint import load_model
from helpers.teachers.failures import EndpointError
from helpers.tools.servers import SERVERS, write_servers
from helpers.workshop.provenance import provenance

ASKED = 8                    # choices of a request
FEW = {p.task_id: few_shot_prompt(p.question, EXEMPLARS["mini-gsm"])
       for p in load_problems("mini-gsm", split="test", limit=6)}


def draw(address, prompts, n, **settings):
    """(samples, the teacher afterwards)."""
    lm = load_teacher(address)
    lm.tries = 2
    return sample(lm, prompts, n=n, progress=False,
                  **{"max_new_tokens": 64, **settings}), lm


def texts(samples):
    return [one.completion for one in samples]


def many(address, temperature):
    """How many choices come for one request that wants ``ASKED``."""
    lm = load_teacher(address)
    prompt = dict(list(FEW.items())[:1])
    samples = sample(lm, prompt, n=ASKED, progress=False, max_new_tokens=64,
                     temperature=temperature)
    assert len(samples) == ASKED
    taken = lm.choices_at(temperature)
    each = -(-ASKED // lm.used["requests"])
    if taken < ASKED:
        return f"up to {taken}"
    return "yes" if each == ASKED else f"{each} comes"


def tried(address):
    """What a server does, {entry: words}."""
    own = texts(sample(load_model("data/mini/models/teacher"), FEW, n=1,
                       temperature=0, max_new_tokens=64, progress=False))
    greedy, _ = draw(address, FEW, 1, temperature=0)
    same = sum(a == b for a, b in zip(texts(greedy), own, strict=True))
    runs = [texts(draw(address, FEW, 1, seed=7)[0]) for _ in range(2)]
    other = texts(draw(address, FEW, 1, seed=8)[0])
    seed = ("yes" if runs[0] == runs[1] != other else
            "always the same" if runs[0] == other else "no")
    try:
        draw(address.replace("#", "#not-"), FEW, 1)
        name = "answered"
    except EndpointError as error:
        name = f"refused ({error.code})"
    # 20 times the context, among prompts that fit.
    far = {"far": "# Ann has 3 shells. " * 4000}
    try:
        samples, lm = draw(address, FEW | far, 1)
        fits = [s for s in samples if s.task_id != "far"]
        assert len(fits) == len(FEW)
        long = (f"refused ({lm.refused['far'].code}), skipped"
                if lm.refused else "answered")
    except EndpointError as error:
        long = f"stops the run ({error.words[:40]})"
    return {"greedy": f"{same} of {len(own)}", "n": many(address, 0.6),
            "greedy_n": many(address, 0), "seed": seed, "name": name,
            "long": long}


def main():
    server, version, address = sys.argv[1:]
    row = {"server": server, "version": version, **tried(address),
           "ran": provenance(f"python tests/benchmarks/servers.py "
                             f"'{server}' {version} ADDRESS",
                             folders=("helpers", "tests/benchmarks"))}
    rows = json.loads(SERVERS.read_text()) if SERVERS.exists() else []
    rows = [one for one in rows if one["server"] != server] + [row]
    SERVERS.write_text(json.dumps(sorted(
        rows, key=lambda one: one["server"].lower()), indent=1) + "\n")
    print(json.dumps(row, indent=1))
    write_servers()


if __name__ == "__main__":
    main()
