"""What is shipped fits together, and the README says what is in the files."""

import pytest

from helpers.evaluation import load_counts, mean_pass_at_k, paired_interval
from helpers.filtering import read_examples
from helpers.problems import load_problems
from helpers.profiles import ROOT, find_artefact, get_profile
from helpers.sampling import read_samples
from helpers.teachers.checkpoint import fingerprint
from helpers.workshop.shipping import BEGIN, END, PAIRS, SYSTEMS, result_block

PROFILE = get_profile("mini")
SHIPPED = PROFILE.shipped
WEIGHTS = {"teacher-few-shot": "teacher", "student-zero-shot": "student",
           "student-few-shot": "student", "student-after-EKT": "ekt-student"}


@pytest.fixture(scope="module")
def results():
    return {name: load_counts(SHIPPED / "counts" / f"{name}.json")
            for name in SYSTEMS}


def test_the_readme_says_what_the_files_say():
    readme = (ROOT / "README.md").read_text()
    block = readme[readme.index(BEGIN):readme.index(END) + len(END)]
    assert block == result_block(SHIPPED)


def test_counts_belong_to_the_shipped_weights_and_problems(results):
    tasks = [p.task_id for p in load_problems("mini-gsm")]
    for name, result in results.items():
        assert result.facts["model"] == fingerprint(SHIPPED / WEIGHTS[name])
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
    assert samples[0].model == (
        f"teacher@{fingerprint(SHIPPED / 'teacher')}")
    by_task = {}
    for sample in samples:
        by_task.setdefault(sample.task_id, set()).add(sample.completion)
    for name in PAIRS:
        for example in read_examples(find_artefact(PROFILE,
                                                   f"pairs/{name}.jsonl")):
            assert example.completion in by_task[example.task_id]
    assert find_artefact(PROFILE, "ekt-student").is_dir()
    with pytest.raises(FileNotFoundError, match="nothing.json"):
        find_artefact(PROFILE, "nothing.json")


def test_shipped_weights_stay_small():
    size = sum(path.stat().st_size for path in SHIPPED.rglob("*")
               if path.is_file())
    assert size < 15e6       # nine models, the results of all rivals
