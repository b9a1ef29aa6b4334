"""What is shipped fits together, and the READMEs say what is in the files."""

import gzip
import json
import re
import shutil

import pytest

from helpers.evaluation import load_counts, mean_pass_at_k, paired_interval
from helpers.filtering import read_examples
from helpers.problems import load_problems
from helpers.profiles import ROOT, find_artefact, get_profile
from helpers.sampling import read_samples
from helpers.studies.runs import STUDIES
from helpers.teachers.checkpoint import fingerprint
from helpers.workshop import shipping
from helpers.workshop.shipping import (BEGIN_MARK, END_MARK, SHIPPED_PAIRS,
                                       SYSTEMS, result_block, ship,
                                       short_block)

PROFILE = get_profile("mini")
SHIPPED = PROFILE.shipped
TEACHER, STUDENT = ROOT / PROFILE.teacher, ROOT / PROFILE.student
WEIGHTS = {"teacher-few-shot": TEACHER, "student-zero-shot": STUDENT,
           "student-few-shot": STUDENT,
           "student-after-EKT": SHIPPED / "ekt-student"}


@pytest.fixture(scope="module")
def results():
    return {name: load_counts(SHIPPED / "counts" / f"{name}.json")
            for name in SYSTEMS}


@pytest.mark.parametrize("name, written", [
    ("README.md", short_block), ("data/README.md", result_block)])
def test_the_readme_says_what_the_files_say(name, written):
    readme = (ROOT / name).read_text()
    block = readme[readme.index(BEGIN_MARK):]
    block = block[:block.index(END_MARK) + len(END_MARK)]
    assert block == written(SHIPPED)


def test_data_s_readme_names_every_file_of_a_study_and_its_links_lead():
    readme = (ROOT / "data" / "README.md").read_text()
    for study in STUDIES:
        assert (SHIPPED / f"{study}.jsonl").exists()
        assert f"`{study}.jsonl`" in readme
    for link in re.findall(r"\]\(([^):]+)\)", readme):
        assert (ROOT / "data" / link).exists(), link


def test_counts_belong_to_the_shipped_weights_and_problems(results):
    tasks = [p.task_id for p in load_problems("mini-gsm")]
    for name, result in results.items():
        assert result.facts["model"] == fingerprint(WEIGHTS[name])
        assert list(result.counts) == tasks
        assert result.n == 100 and result.facts["temperature"] == 0.6


def test_the_mini_world_is_as_hard_as_it_should_be(results):
    def score(name, k):
        return mean_pass_at_k(results[name].counts, 100, k)
    assert len(results["teacher-few-shot"].counts) >= 200
    assert 0.20 <= score("teacher-few-shot", 1) <= 0.60
    assert score("teacher-few-shot", 100) >= 0.85
    for student in ("student-zero-shot", "student-few-shot"):
        assert score(student, 1) > 0.02
        low, high = paired_interval(results["teacher-few-shot"].counts,
                                    results[student].counts, 100, 1)
        assert low > 0.05                 # clearly weaker


def test_one_can_start_at_any_notebook(tmp_path, monkeypatch):
    """Without runs/, each notebook finds what an earlier one would write."""
    monkeypatch.setattr(type(PROFILE), "runs", tmp_path)
    samples = read_samples(find_artefact(PROFILE,
                                         "samples/teacher-train.jsonl"))
    assert len(samples) == PROFILE.train_problems * PROFILE.train_samples
    assert samples[0].model == f"teacher@{fingerprint(TEACHER)}"
    by_task = {}
    for sample in samples:
        by_task.setdefault(sample.task_id, set()).add(sample.completion)
    for name in SHIPPED_PAIRS:
        for example in read_examples(find_artefact(PROFILE,
                                                   f"pairs/{name}.jsonl")):
            assert example.completion in by_task[example.task_id]
    assert find_artefact(PROFILE, "ekt-student").is_dir()
    with pytest.raises(FileNotFoundError, match="nothing.json"):
        find_artefact(PROFILE, "nothing.json")


def test_results_of_a_changed_profile_are_not_shipped():
    with pytest.raises(ValueError, match="runs/mini-epochs-2/.*not shipped"):
        ship(get_profile("mini", epochs=2))


@pytest.fixture
def run_folder(tmp_path, monkeypatch):
    """A run that made what is shipped, and a ship that writes nothing."""
    folder = tmp_path / "mini"
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns(
        *(f"{study}.jsonl" for study in STUDIES)))
    for path in folder.glob("samples/*.gz"):
        path.with_suffix("").write_bytes(gzip.decompress(path.read_bytes()))
    (folder / "figures").mkdir()
    (folder / "pass-at-k.png").rename(folder / "figures" / "07-pass-at-k.png")
    monkeypatch.setattr(type(PROFILE), "runs", folder)
    monkeypatch.setattr(shipping, "write_all", lambda texts: written.append(
        texts))
    written = []
    return folder, written


def test_what_was_made_again_is_shipped_again(run_folder):
    _, written = run_folder
    assert shipping.main([]) == 0
    texts, = written
    left_out = {SHIPPED / "samples" / "weak-teacher.jsonl.gz"}  # not drawn
    assert set(texts) == {path for path in SHIPPED.rglob("*")
                          if path.is_file()} - left_out | {
        ROOT / "README.md", ROOT / "data" / "README.md"}
    for path, data in texts.items():
        if path.name != "summary.json":                # says when and where
            data = data.encode() if isinstance(data, str) else data
            assert data == path.read_bytes(), path


@pytest.mark.parametrize("name", [
    "samples/teacher-hot.jsonl", "pairs/unfiltered.jsonl",
    "counts/student-few-shot.json", "plans/backward.jsonl", "summary.json",
    "ekt-student/adapter_model.safetensors", "figures/07-pass-at-k.png"])
@pytest.mark.parametrize("spoil", [
    lambda path: path.write_bytes(b"garbage\n"),
    lambda path: path.unlink()], ids=["spoilt", "missing"])
def test_nothing_is_shipped_of_a_run_that_is_not_whole(
        run_folder, capsys, name, spoil):
    folder, written = run_folder
    spoil(folder / name)
    assert shipping.main([]) == 2
    told = capsys.readouterr().err
    assert name.rpartition("/")[2] in told and "nothing was shipped" in told
    assert told.count("\n") == 1 and not written


def test_a_run_of_some_notebooks_is_not_shipped(run_folder, capsys):
    folder, written = run_folder
    summary = json.loads((folder / "summary.json").read_text())
    summary["notebooks"] = [row for row in summary["notebooks"]
                            if row["notebook"][0] != "E"]
    (folder / "summary.json").write_text(json.dumps(summary))
    assert shipping.main([]) == 2 and not written
    told = capsys.readouterr().err
    assert "(E1_ekt_claims is missing)" in told and told.count("\n") == 1


def test_shipped_weights_stay_small():
    size = sum(path.stat().st_size for path in SHIPPED.parent.rglob("*")
               if path.is_file())
    assert size < 18e6       # fourteen models, the runs of all studies
