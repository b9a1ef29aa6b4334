"""The rivals: their losses, their loop, their files, and what is said of them.
"""

import fcntl
import json
import math
import re
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
import torch

from helpers.distillation import (distil, distillation_loss, teacher_logits,
                                  with_exemplars)
from helpers.evaluation import over_seeds
from helpers.execution.verdicts import Verdict
from helpers.expert_iteration import expert_iteration
from helpers.filtering import Example
from helpers.mini.reading import days_in_order
from helpers.problems import Problem, load_problems
from helpers.profiles import ROOT, get_profile
from helpers.prompts import EXEMPLARS, few_shot_prompt, zero_shot_prompt
from helpers.studies import ekt
from helpers.studies.results import load_standing, read_runs
from helpers.studies.runs import STUDIES, read_lines, read_study, write_lines
from helpers.teachers.checkpoint import load_model
from helpers.training import (IGNORED, add_lora, batches, collate,
                              completion_loss, encode, encode_all, plain,
                              train)
from helpers.workshop import campaign
from helpers.workshop.ekt_runs import TASK, make_pairs
from helpers.workshop.pools import MODELS

PROFILE = get_profile("mini")
SHIPPED = PROFILE.shipped / "ekt.jsonl"
EXAMPLES = [Example(f"t/{i}", f"# Ann starts with {n} pens. On Monday Ann "
                    f"finds {i + 2}. How many pens does Ann have in the end?"
                    "\n", f"start = {n}\nmonday = start + {i + 2}\n"
                    "answer = monday\n") for i, n in enumerate((12, 7, 31))]


@pytest.fixture(scope="module")
def student():
    return load_model(f"{MODELS}/student")


# ---- distillation ----

def test_the_divergence_is_torch_s_and_has_a_direction():
    torch.manual_seed(0)
    student, teacher = torch.randn(7, 5), torch.randn(7, 5)
    for t in (1.0, 3.0):
        wanted = torch.nn.functional.kl_div(
            (student / t).log_softmax(-1), (teacher / t).log_softmax(-1),
            log_target=True, reduction="batchmean")
        assert distillation_loss(student, teacher, t) == pytest.approx(
            wanted.item(), abs=1e-6)
    assert distillation_loss(teacher, teacher) == pytest.approx(0, abs=1e-6)
    assert distillation_loss(student, teacher) != pytest.approx(
        distillation_loss(teacher, student).item(), abs=1e-3)
    # GPT-J's vocabulary is padded beyond GPT-Neo's: the rest is cut off.
    wider = torch.cat([teacher, torch.full((7, 3), 9.0)], -1)
    assert distillation_loss(student, wider) == pytest.approx(
        distillation_loss(student, teacher).item(), abs=1e-6)
    with pytest.raises(ValueError, match="7 tokens and the teacher 6"):
        distillation_loss(student, teacher[1:])


def test_the_teacher_predicts_the_student_s_tokens_below_exemplars(student):
    """Row by row: the logits are those that predict the completion."""
    shown = EXEMPLARS[TASK]
    seen = [encode(student.tokenizer, with_exemplars(e, shown))
            for e in EXAMPLES]
    told = teacher_logits(student, seen)
    wanted = []
    for example in EXAMPLES:            # one at a time, without any padding
        question = example.prompt.removeprefix("# ").strip()
        prompt = student.tokenizer(few_shot_prompt(question, shown))
        ids = prompt["input_ids"] + encode(
            student.tokenizer, replace(example, prompt=""))[0]
        with torch.no_grad():
            logits = student.model(torch.tensor([ids])).logits[0]
        wanted.append(logits[len(prompt["input_ids"]) - 1:-1])
    assert torch.allclose(told, torch.cat(wanted), atol=1e-4)


def test_who_follows_itself_has_nothing_to_pay(student):
    encoded = [encode(student.tokenizer, e) for e in EXAMPLES]
    ids, labels, mask = collate(encoded, student.tokenizer.eos_token_id)
    logits = student.model(input_ids=ids, attention_mask=mask).logits
    usual = completion_loss(logits, labels).item()
    numbers = [0, 1, 2]
    for weights in ((1.0, 1.0), (1.0, 4.0), (0.0, 1.0)):
        objective = distil(student, EXAMPLES, weights=weights)
        assert objective(logits, labels, numbers).item() == pytest.approx(
            weights[0] * usual, abs=1e-5)
    below = distil(student, EXAMPLES, EXEMPLARS[TASK])
    assert below(logits, labels, numbers).item() > usual + 0.01


def test_a_checkpoint_of_another_objective_is_refused(tmp_path, student):
    def short(objective, stop):
        lm = add_lora(load_model(f"{MODELS}/student"), 2)
        return train(lm, EXAMPLES, 2, 1, 1e-3, tmp_path / "c.pt",
                     objective=objective, stop_after=stop, progress=False)
    short(plain, 2)
    with pytest.raises(ValueError, match="other data or settings"):
        short(distil(student, EXAMPLES), None)
    assert len(short(plain, None)) == 6


def test_the_masks_and_fractions_of_epochs(student):
    ids, labels = encode(student.tokenizer, EXAMPLES[0])
    everything, targets = encode_all(student.tokenizer, EXAMPLES[0], 90)
    assert everything[:len(ids)] == ids and len(everything) == 90
    assert targets == everything and IGNORED in labels
    assert set(everything[len(ids):]) == {student.tokenizer.eos_token_id}
    assert [len(batches(10, 4, e, 0)) for e in (1, 1.5, 2, 1 / 3)] == [
        3, 4, 6, 1]
    assert batches(10, 4, 1.5, 0) == batches(10, 4, 2, 0)[:4]


# ---- expert iteration and the training sets ----

def sampled(task, index, text, right, value=3):
    return (SimpleNamespace(task_id=task, sample_index=index,
                            completion=text),
            Verdict("passed" if right else "wrong", value))


def test_expert_iteration_asks_again_only_what_is_unsolved():
    problems = [Problem(f"t/{i}", "?", answer="3") for i in range(3)]
    fitted, asked = [], []

    def fit(examples):
        fitted.append({e.task_id: e.completion for e in examples})
        return f"student {len(fitted)}"

    def ask(student, some, number):
        asked.append((student, [p.task_id for p in some]))
        return [sampled(some[0].task_id, 0, f"round {number}", True)]

    first = [sampled("t/0", 0, "bad", False), sampled("t/0", 1, "a", True),
             sampled("t/0", 2, "b", True), sampled("t/1", 0, "no", False)]
    steps = list(expert_iteration(problems, first, 4, fit, ask))
    assert fitted == [{"t/0": "a"}, {"t/0": "a", "t/1": "round 1"},
                      {"t/0": "a", "t/1": "round 1", "t/2": "round 2"},
                      {"t/0": "a", "t/1": "round 1", "t/2": "round 2"}]
    assert asked == [("student 1", ["t/1", "t/2"]), ("student 2", ["t/2"])]
    assert [s.drawn for s in steps] == [4, 5, 6, 6]


def test_reference_programs_are_right_and_in_order():
    problems = load_problems(TASK, "dev")
    for problem, example in zip(problems,
                                make_pairs("reference", problems, ())):
        scope = {}
        exec(example.completion, scope)
        assert scope["answer"] == int(problem.answer)
        assert days_in_order(example.completion)
        assert example.prompt == zero_shot_prompt(problem.question)
    assert not days_in_order("start = 1\nsunday = start\nmonday = sunday\n")


def test_the_filters_of_the_caveats_differ_as_their_names_say():
    story = ("Ann starts with 4 pens. On Sunday Ann finds 4. On Monday Ann "
             "sells 2. How many pens does Ann have in the end?")
    problem = Problem("t/0", story, answer="6")
    texts = ("t = 4\nt = t + 2\nanswer = t\n",                 # lucky
             "start = 4\nsunday = start + 4\nmonday = sunday - 2\n"
             "answer = monday\n",                              # Sunday first
             "start = 4.0\nmonday = start - 2\nsunday = monday + 4\n"
             "answer = sunday\n")                              # a float
    judged = [sampled("t/0", i, text, True, value)
              for i, (text, value) in enumerate(zip(texts, (6, 6, 6.0)))]
    kept = {kind: make_pairs(kind, [problem], judged)[0].completion
            for kind in ("first-correct", "follows", "in-order",
                         "published-check")}
    assert kept == {"first-correct": texts[0], "follows": texts[1],
                    "in-order": texts[0], "published-check": texts[2]}


# ---- intervals over seeds ----

def test_over_seeds_covers_what_seeds_and_problems_add():
    rng, held = np.random.default_rng(5), 0
    for i in range(100):
        truth = rng.normal(0.5, 0.2, 60) + rng.normal(0, 0.05, 5)[:, None]
        mean, low, high = over_seeds(truth, resamples=500, seed=i)
        assert mean == pytest.approx(truth.mean())
        held += low <= 0.5 <= high
    assert 88 <= held <= 100
    one = np.tile(rng.random(50), (3, 1))
    assert over_seeds(one, one) == (0, 0, 0)
    mean, low, high = over_seeds(one + 0.1, one)    # paired: no spread
    assert low == pytest.approx(0.1) and high == pytest.approx(0.1)
    with pytest.raises(ValueError, match="one run says nothing"):
        over_seeds(one[:1])
    with pytest.raises(ValueError, match="the same seeds and problems"):
        over_seeds(one, one[:2])


# ---- the command and its files ----

def test_a_killed_campaign_goes_on_and_old_settings_are_run_anew(
        tmp_path, monkeypatch, capsys):
    about = {"name": "ekt", "made_with": {"x": "1"}, "rival": asdict(ekt.EKT)}
    file = tmp_path / "ekt.jsonl"
    for seed in (1, 0, 10):
        campaign.keep(tmp_path, "ekt", about | {"seed": seed},
                      {"counts": [seed]})
    rows = read_lines(file)
    assert [row["seed"] for row in rows] == [0, 1, 10]
    assert campaign.known(rows, about) == rows
    assert [row["counts"] for row in campaign.known(
        rows, about | {"seed": 10})] == [[10]]
    other = about | {"rival": asdict(replace(ekt.EKT, rate=1.0))}
    assert campaign.known(rows, other) == []
    # A run with other settings takes the place of all that had the old ones;
    # another system's stay.
    campaign.keep(tmp_path, "ekt", about | {"name": "kd", "seed": 0}, {})
    campaign.keep(tmp_path, "ekt", other | {"seed": 1}, {"counts": [7]})
    assert [(row["name"], row["seed"], row.get("counts"))
            for row in read_lines(file)] == [("ekt", 1, [7]), ("kd", 0, None)]
    with pytest.raises(SystemExit, match="2"):
        campaign.main(["no-such-rival"])
    assert "no-such-rival" in capsys.readouterr().err


def double(number, seed):
    if number < 0:
        raise RuntimeError("the seventh run fails")
    return {"counts": [2 * number + seed]}


def test_the_command_runs_what_is_missing_and_keeps_what_is_done(
        tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")     # the command sets it
    about = {"name": "yield-0.5", "made_with": {"x": "1"}}
    planned = [("yield", about | {"seed": seed}, double, (10, seed))
               for seed in range(6)]
    monkeypatch.setattr(campaign, "tasks", lambda names: planned)
    campaign.main(["--jobs", "2"])
    file = tmp_path / "results" / "yield.jsonl"
    assert read_lines(file) == [about | {"seed": s, "counts": [20 + s]}
                                for s in range(6)]
    planned[0] = (*planned[0][:3], (99, 0))                  # done already
    planned += [("yield", about | {"seed": 6}, double, (10, 6)),
                ("yield", about | {"seed": 7}, double, (-1, 7))]
    with pytest.raises(RuntimeError, match="seventh"):
        campaign.main(["--jobs", "1"])
    assert [row["counts"] for row in read_lines(file)] == [
        [20 + s] for s in range(7)]
    with open(tmp_path / "results" / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(SystemExit, match="2"):
            campaign.main([])
    assert "being run already" in capsys.readouterr().err


def test_workers_end_with_a_killed_parent():
    code = ("import multiprocessing, os, sys, time\n"
            "from concurrent.futures import ProcessPoolExecutor\n"
            "from helpers.workshop.campaign import start_worker\n"
            "if __name__ == '__main__':\n"
            "    pool = ProcessPoolExecutor(1, initializer=start_worker,\n"
            "        initargs=(os.getpid(),),\n"
            "        mp_context=multiprocessing.get_context('spawn'))\n"
            "    print(pool.submit(os.getpid).result(), flush=True)\n"
            "    time.sleep(60)\n")
    path = ROOT / "tests" / "__parent__.py"
    path.write_text(code)
    try:
        parent = subprocess.Popen([sys.executable, str(path)], cwd=ROOT,
                                  stdout=subprocess.PIPE, text=True)
        worker = int(parent.stdout.readline())
        parent.kill()
        ended = threading.Event()
        for _ in range(100):
            try:
                state = open(f"/proc/{worker}/stat").read().split(")")[1]
            except OSError:
                break
            if state.split()[0] == "Z":
                break
            ended.wait(0.1)
        else:
            pytest.fail("the worker goes on without its parent")
    finally:
        path.unlink()


def test_a_run_is_the_same_when_run_again(monkeypatch):
    from helpers.workshop import ekt_runs
    whole = load_problems
    monkeypatch.setattr(ekt_runs, "load_problems", lambda *a, **o:
                        whole(*a, **{"limit": 12, **o}))
    rival = replace(ekt.SUPERVISED, problems=12, updates=3, n=4)
    first, again = (ekt_runs.run_rival(rival, 3) for _ in range(2))
    first.pop("seconds"), again.pop("seconds")
    assert first == again and first["examples"] == first["in_order"] == 12
    assert len(first["counts"]) == 12 and max(first["counts"]) <= 4
    assert sum(first["statuses"].values()) == 48
    other = ekt_runs.run_rival(rival, 4)
    assert other["counts"] != first["counts"]


def test_a_broken_file_of_runs_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    (tmp_path / "results").mkdir()
    file = tmp_path / "results" / "ekt.jsonl"
    file.write_text('{"name": "ekt", "seed": 0}\n')
    with pytest.raises(ValueError, match="rivals ekt`$") as error:
        load_standing(PROFILE, "ekt")
    assert "\n" not in str(error.value)
    file.write_text('{"name": "ekt", "seed": 0}\n{"name": "ek')
    with pytest.raises(ValueError, match="line 2 of ekt.jsonl") as error:
        load_standing(PROFILE, "ekt")
    assert "\n" not in str(error.value)


def test_a_system_that_was_run_anew_is_read_from_runs_and_no_other(
        tmp_path, monkeypatch):
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    before = read_study(PROFILE, "ekt")
    anew = [row | {"seconds": -1} for row in before
            if row["name"] == "kd" and row["seed"] < 2]
    write_lines(tmp_path / "results" / "ekt.jsonl", anew)
    assert read_runs(PROFILE, "ekt", "kd") == anew
    assert [row for row in read_study(PROFILE, "ekt")] == [
        row for old in before for row in (
            [old] if old["name"] != "kd" else
            [new for new in anew if new["seed"] == old["seed"]])]
    with pytest.raises(FileNotFoundError, match="rivals nobody`$"):
        read_runs(PROFILE, "ekt", "nobody")


@pytest.mark.parametrize("study", STUDIES)
def test_a_study_s_file_is_a_table(study, tmp_path):
    """For pandas and for `datasets`; every system is there, in order."""
    import datasets
    import pandas
    path = PROFILE.shipped / f"{study}.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert list(dict.fromkeys(row["name"] for row in lines)) == [
        *STUDIES[study]]
    table = datasets.load_dataset("json", data_files=str(path),
                                  cache_dir=tmp_path / "cache")["train"]
    frame = pandas.read_json(path, lines=True)
    assert table.column_names == list(frame) == list(lines[0])
    assert list(table) == lines and len(frame) == len(lines)
    # Read and written again, it is the same file.
    write_lines(tmp_path / path.name, read_lines(path))
    assert (tmp_path / path.name).read_text() == path.read_text()


def test_what_is_shipped_need_not_be_run_again():
    assert campaign.missing(PROFILE.shipped, []) == []


needs_results = pytest.mark.parametrize("name", sorted(ekt.RIVALS))


@needs_results
def test_shipped_runs_are_complete_and_of_today(name):
    rival = ekt.RIVALS[name]
    about = {"name": name, "rival": asdict(rival),
             "made_with": campaign.marks("mini-gsm", model=rival.model,
                                         teacher=rival.teacher)}
    runs = campaign.known(read_lines(SHIPPED), about)
    assert [run["seed"] for run in runs] == list(ekt.SEEDS)
    for run in runs:
        assert len(run["counts"]) == 200
        assert sum(run["statuses"].values()) == 200 * rival.n
        assert sum(run["counts"]) == run["statuses"].get("passed", 0)
    standing = load_standing(PROFILE, name)
    assert standing.n == rival.n


def test_the_rates_are_those_that_dev_chose():
    for rival in ekt.TUNED:
        scores = {run["rate"]: sum(run["counts"]) for run in read_lines(
            PROFILE.shipped / "learning-rates.jsonl")
            if run["name"] == f"dev-{rival.name}"}
        assert set(scores) == set(ekt.DEV_RATES)
        assert rival.rate == max(scores, key=scores.get)


# ---- what notebook 05 says ----

def printed(begin):
    """The output of notebook 05 whose text holds ``begin``."""
    path, = (ROOT / "notebooks").glob("05_*.ipynb")
    texts = [output.text for cell in nbformat.read(path, 4).cells
             for output in cell.get("outputs", ())
             if output.output_type == "stream"]
    return next(text for text in texts if begin in text)


def by_hand(name, k):
    """Mean pass@k in percent, without our evaluation; k = 0 is greedy."""
    values = []
    for run in map(json.loads, SHIPPED.read_text().splitlines()):
        if run["name"] != name:
            continue
        n = run["rival"]["n"]
        if k == 0:
            values += [100 * c for c in run["greedy"]]
        else:
            values += [100 * (1 - math.comb(n - c, k) / math.comb(n, k))
                       for c in run["counts"]]
    return sum(values) / len(values)


def test_the_table_of_rivals_is_recomputed():
    rows = [line for line in printed("pass@100  ").splitlines()[1:] if line]
    assert [row.split()[0] for row in rows] == [r.name for r in ekt.MAIN]
    for row in rows:
        said = re.findall(r"([\d.]+)% \[", row)
        wanted = [by_hand(row.split()[0], k) for k in (1, 100, 0)]
        assert list(map(float, said)) == pytest.approx(wanted, abs=0.051)


CLAIM = re.compile(r"(pass@\d+|greedy) +([+-][\d.]+) \[ *([+-][\d.]+), "
                   r"*([+-][\d.]+)\] +(\w+)")


@pytest.mark.parametrize("begin, pairs", [
    ("small student  pass@1 ", None),
    ("student - teacher", [("ekt", "teacher-few-shot")] * 8),
    ("teacher's quality", [
        ("ekt", "ekt-weak-teacher"), ("ekt", "ekt-weak-teacher"),
        ("ekt-small-student", "ekt-weak-teacher-small-student"),
        ("ekt-small-student", "ekt-weak-teacher-small-student"),
        ("ekt", "ekt-small-student"), ("ekt", "ekt-small-student"),
        ("ekt-weak-teacher", "ekt-weak-teacher-small-student"),
        ("ekt-weak-teacher", "ekt-weak-teacher-small-student")])])
def test_the_claims_are_recomputed(begin, pairs):
    path, = (ROOT / "notebooks").glob("05_*.ipynb")
    texts = [output.text for cell in nbformat.read(path, 4).cells
             for output in cell.get("outputs", ())
             if output.output_type == "stream" and begin in output.text]
    assert texts
    for text, rival in zip(texts, ("expert-iteration", "kd")):
        found = CLAIM.findall(text)
        named = pairs or [(f"ekt{s}", f"{rival}{s}") for s in
                          ("", "", "-small-student", "-small-student")]
        assert len(found) == len(named)
        for (k, said, low, high, verdict), (a, b) in zip(found, named):
            k = 0 if k == "greedy" else int(k.removeprefix("pass@"))
            wanted = by_hand(a, k) - by_hand(b, k)
            assert float(said) == pytest.approx(wanted, abs=0.051)
            assert float(low) <= float(said) <= float(high)
            assert verdict == ("agree" if float(low) > 0 else "disagree"
                               if float(high) < 0 else "undecided")


def test_the_table_of_the_turned_distillations_is_recomputed():
    rows = [line.split() for line in
            printed("no program  wrong").splitlines()[1:] if line]
    assert [row[0] for row in rows] == [
        "ekt", "ekt-question", "ekt-padding", "kd"] + [
        r.name for r in ekt.TURNED]
    for row in rows:
        assert float(row[1].rstrip("%")) == pytest.approx(
            by_hand(row[0], 1), abs=0.051)
        assert float(row[4]) == pytest.approx(
            by_hand(row[0], 1) - by_hand("kd", 1), abs=0.051)


@pytest.mark.parametrize("paper", ["EKT", "CodePLAN"])
def test_the_readme_s_tables_point_to_sections_that_exist(paper):
    readme = (ROOT / "README.md").read_text()
    table = readme[readme.index(f"## {paper}, from paper"):]
    table = table[:table.index("\n## ", 5)]
    rows = [line.split("|")[-2] for line in table.splitlines()
            if line.startswith("| ")][2:]
    assert len(rows) >= 15
    for row in rows:
        found = re.findall(
            r"(\d\d) sections? (\d+(?:, \d+(?!\d| section))*)", row)
        assert found, row
        for number, sections in found:
            path, = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
            heads = re.findall(r"^## (\d+)\.", "\n".join(
                cell.source for cell in nbformat.read(path, 4).cells
                if cell.cell_type == "markdown"), re.MULTILINE)
            for section in re.findall(r"\d+", sections):
                assert section in heads, f"{number} section {section}"
