"""Expert iteration: what is asked again, and what is learnt from."""

from types import SimpleNamespace

from helpers.execution.verdicts import Verdict
from helpers.expert_iteration import expert_iteration
from helpers.problems import Problem


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
