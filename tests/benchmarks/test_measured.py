"""The files of the benchmarks hold what is said of them."""

import json
import statistics

import nbformat

import busy
import gpu
import soak
from hostile import HOSTILE
from helpers.profiles import ROOT, get_profile
from helpers.teachers.checkpoint import fingerprint
from helpers.workshop.recorder import ASKING

PROFILE = get_profile("mini")
TEACHER = ROOT / PROFILE.teacher


def test_the_benchmark_s_table_is_of_today_s_programs():
    file = ROOT / "data" / "benchmarks" / "execution.json"
    measured = json.loads(file.read_text())
    verdicts = measured["fooled"]["verdicts"]["ours"]
    assert set(verdicts) == set(HOSTILE)
    assert "passed" not in verdicts.values()
    assert measured["load"]["differ"] == 0
    assert measured["load"]["programs"] >= 2000
    assert measured["scale"]["programs"] == 131900


def test_the_sampling_benchmark_holds_what_is_said_of_it():
    measured = json.loads((ROOT / "data" / "benchmarks" / "sampling.json")
                          .read_text())
    assert measured["n"] == 100
    assert measured["model"] == f"teacher@{fingerprint(TEACHER)}"
    times = measured["ours_is_so_many_times_as_fast"]
    assert min(map(statistics.median, times.values())) >= 3


def test_the_training_benchmark_holds_what_is_said_of_it():
    measured = json.loads((ROOT / "data" / "benchmarks" / "training.json")
                          .read_text())
    assert set(measured) == {"mini", "qwen2", "vocabulary"}
    for part in measured.values():
        assert part["ratio"] >= 1.2
        assert part["ratio"] == statistics.median(part["ratios"])
        for ours, theirs in zip(part["ours"]["losses"],
                                part["SFTTrainer"]["losses"], strict=True):
            assert abs(ours - theirs) < 1e-3      # both learn the same


def test_the_card_holds_what_is_said_of_it():
    measured = json.loads((ROOT / "data" / "benchmarks" / "gpu.json")
                          .read_text())
    stages, limit = measured["stages"], measured["facts"]["limit_gib"]
    assert measured["profile"] == str(get_profile("colab"))
    assert limit == gpu.LIMIT_GIB and not any(
        "error" in row for row in stages.values())
    for name in measured["estimate"]:          # those of the notebooks
        assert stages[name]["peak_gib"] <= limit
        assert stages[name]["out_of_memory"] == 0
    assert measured["minutes"] == gpu.extrapolate(
        get_profile("colab"), stages)
    assert measured["gib"] == gpu.peaks(stages)
    assert sum(measured["minutes"][name] for name in ASKING) < 60
    assert max(measured["minutes"].values()) <= gpu.LIMIT_MINUTES
    roads = stages["beside-generate"]["roads"]
    assert roads["100"]["generate"] == "OutOfMemoryError"
    assert min(roads["100"]["ours"]) > 8000
    few = {name: statistics.median(rates) for name, rates in
           roads["32"].items() if name != "generate_batch"}
    assert all(round(few["ours"] / few[name], 1) == 1.1 and
               len(roads["32"][name]) == 4
               for name in ("generate", "generate, stop"))
    trl = stages["beside-trl"]
    assert trl["ratio"] == statistics.median(trl["ratios"])
    assert trl["ours"]["losses"][-1] < trl["SFTTrainer"]["losses"][-1]
    for found in stages["mini-rivals"]["pass_at_1"].values():
        assert abs(found["here"] - found["shipped"]) < 1e-3
    lessons = stages["mini-lessons"]
    assert lessons["device"].startswith("cuda") and lessons["exit_code"] == 0
    assert lessons["seconds"] / 60 < 4.5 and len(lessons["headlines"]) == 5
    for found in lessons["headlines"].values():
        assert found["here"] == found["shipped"]


def test_a_soak_of_few_programs_knows_them_all():
    found = soak.soak(100, busy=1, workers=2)
    assert found["programs"] == sum(found["by_status"].values()) == 100
    assert len(found["by_status"]) == 7 and found["differing"] == 0


def test_each_part_of_the_busy_benchmark_runs(tmp_path):
    small = tmp_path / "small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[
        nbformat.v4.new_code_cell("import helpers")]), small)
    found = {"sampling": busy.sampling(problems=1),
             "training": busy.training(updates=2),
             "notebook": busy.notebook(small)}
    assert set(found) == set(busy.PARTS) and min(found.values()) > 0


def test_a_part_is_timed_in_a_process_of_its_own(monkeypatch):
    monkeypatch.setattr(busy, "LIMIT", 900)
    assert busy.timed("training", "sleeping", False, [2]) > 0


def test_a_busy_machine_costs_what_is_said_of_it():
    measured = json.loads((ROOT / "data" / "benchmarks" / "busy.json")
                          .read_text())
    assert measured["facts"]["ways"]["sleeping"] == busy.CALM
    for part in busy.PARTS:
        found = measured[part]
        assert found.items() >= busy.summary(found["seconds"]).items()
        assert found["busy_to_quiet"]["sleeping"] <= 3


def test_the_soak_holds_what_is_said_of_it():
    measured = json.loads((ROOT / "data" / "benchmarks" / "soak.json")
                          .read_text())
    assert measured["programs"] >= 50_000 and measured["busy"] >= 6
    assert measured["differing"] == 0 == len(measured["differ"])
