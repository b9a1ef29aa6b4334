"""Two tasks: their masks, their losses, their mixing, their heads."""

import json
import math
import random

import pytest
import torch
from transformers import CodeGenConfig, CodeGenForCausalLM

from helpers.gpu.logits import using_head
from helpers.multitask import (CODE, PLAN, alternate, code_examples,
                               code_prompt, direct, generated_tokens,
                               of_same_problem,
                               plan_examples, plan_first, plan_head,
                               plan_prompt, student_plans, train_two_tasks)
from helpers.plans import Plan
from helpers.problems import load_problems
from helpers.profiles import ROOT
from helpers.prompts import LABEL, cut_section
from helpers.teachers.checkpoint import load_model
from helpers.teachers.decoding import complete
from helpers.training import (IGNORED, accumulate, add_lora, encode_for,
                              predict, task_loss, train, trained_tokens)
from repeated import same_losses, same_weights

STUDENT = "data/mini/models/plan-student"
T5 = "data/mini/models/plan-student-t5"
PROBLEMS = load_problems("mini-apps", "train", limit=6)
CODES = code_examples(PROBLEMS)
PLANS = plan_examples(PROBLEMS, [
    Plan(p.task_id, "backward", i, 0, f"1. Read n.\n2. Print {i}.\n")
    for p in PROBLEMS for i in range(2)])
REAL = ROOT.parent / "shared" / "data" / "apps_sample.jsonl"


@pytest.fixture(scope="module")
def codegen(tmp_path_factory):
    """A CodeGen of random weights, with the repository's tokenizer."""
    folder = tmp_path_factory.mktemp("codegen")
    tokenizer = load_model(STUDENT).tokenizer
    torch.manual_seed(0)
    CodeGenForCausalLM(CodeGenConfig(
        vocab_size=len(tokenizer), n_positions=512, n_embd=32, n_layer=2,
        n_head=4, rotary_dim=4, bos_token_id=0, eos_token_id=0)
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(params=["llama", "codegen", "t5"])
def lm(request, codegen):
    """A student of each family, as it is loaded for training."""
    return load_model({"llama": STUDENT, "codegen": codegen,
                       "t5": T5}[request.param])


def adapted(name=STUDENT):
    return add_lora(load_model(name), rank=2, seed=0)


def weights_of(lm):
    return torch.cat([w.detach().flatten() for w in lm.model.parameters()
                      if w.requires_grad])


def gradient_of(lm):
    return torch.cat([w.grad.flatten() for w in lm.model.parameters()
                      if w.requires_grad])


# ---- prompts and masks ----

def test_the_tasks_differ_in_their_prefix_and_a_label():
    problem = PROBLEMS[0]
    code, plan = code_prompt(problem), plan_prompt(problem)
    assert code.startswith(CODE) and plan.startswith(PLAN)
    assert code.removeprefix(CODE).removesuffix("CODE:\n") == (
        plan.removeprefix(PLAN).removesuffix("PLAN:\n"))
    assert problem.question in code and "standard input" in code
    planned = code_prompt(problem, "1. Think.\n")
    assert planned == code.replace("CODE:\n", "PLAN:\n1. Think.\nCODE:\n")
    assert len(CODES) == sum(len(p.solutions) for p in PROBLEMS)
    assert plan_examples(PROBLEMS[:1], [Plan("no/1", "forward", -1, 0, "x")
                                        ]) == []


def test_completion_and_end_are_trained_in_both_tasks_and_nothing_else(lm):
    tokenizer, end = lm.tokenizer, lm.tokenizer.eos_token
    for examples, prefix in ((CODES, CODE), (PLANS, PLAN)):
        chosen = [examples[0], examples[5], examples[-1]]
        encoded = [encode_for(lm, e) for e in chosen]
        logits, wanted = predict(lm, encoded)
        assert logits.shape[:2] == wanted.shape
        for example, (ids, labels), row in zip(chosen, encoded, wanted):
            trained = [label for label in labels if label != IGNORED]
            assert row[row != IGNORED].tolist() == trained
            assert tokenizer.decode(trained) == example.completion + end
            seen = ids if lm.model.config.is_encoder_decoder else [
                i for i, label in zip(ids, labels) if label == IGNORED]
            text = tokenizer.decode(seen).removesuffix(end)
            assert text == example.prompt and text.startswith(prefix)
        assert trained_tokens(lm, encoded) == (wanted != IGNORED).sum()


def test_the_loss_is_that_of_transformers(lm):
    """One row at a time, so that no padding is in theirs either."""
    for example in (CODES[0], PLANS[3]):
        ids, labels = encode_for(lm, example)
        with torch.no_grad():
            theirs = lm.model(**{
                name: torch.tensor([row], device=lm.model.device) for name, row
                in (("input_ids", ids), ("labels", labels))}).loss.item()
            ours = task_loss(lm, [(ids, labels)]).item()
        assert ours == pytest.approx(theirs, abs=1e-5)


def test_padding_and_rows_change_neither_loss_nor_gradient(lm):
    batch = [encode_for(lm, e) for e in (*CODES[:4], PLANS[0])]
    tokens, found = trained_tokens(lm, batch), []
    for rows in (None, 2, 1):
        lm.model.zero_grad()
        found.append((accumulate(lm, batch, 0.5, rows), gradient_of(lm)))
    alone = sum(task_loss(lm, [row]).item() * trained_tokens(lm, [row])
                for row in batch) / tokens
    for loss, gradient in found:
        assert loss == pytest.approx(alone, rel=1e-4)
        assert torch.allclose(gradient, found[0][1], atol=1e-5)
    assert found[0][1].abs().max() > 1e-3


def test_a_batch_without_a_trained_token_is_an_error():
    lm = load_model(STUDENT)
    ids, labels = encode_for(lm, CODES[0])
    with pytest.raises(ValueError, match="no token of this batch"):
        task_loss(lm, [(ids, [IGNORED] * len(labels))])


# ---- the mixing ----

def test_the_codes_come_alike_whatever_else_is_learnt():
    def codes(plans, seed=3):
        return [chosen for chosen, _ in alternate(CODES, plans, 20, 8, seed)]
    alone = codes([])
    assert alone == codes(PLANS) == codes(PLANS[:1]) == codes(CODES)
    assert alone == [chosen for chosen, _ in of_same_problem(
        CODES, PLANS, alternate(CODES, PLANS, 20, 8, 3), 3)]
    assert alone != codes([], seed=4)
    flat, whole = sum(alone, []), range(len(CODES))
    for epoch in range(20 * 8 // len(CODES)):
        at = epoch * len(CODES)
        assert sorted(flat[at:at + len(CODES)]) == list(whole)
    assert all(others == [] for _, others in alternate(CODES, [], 3, 8, 0))


def test_plans_are_of_the_same_problem_or_of_any():
    mixed = list(alternate(CODES, PLANS, 30, 8, 0))
    own = list(of_same_problem(CODES, PLANS, mixed, 0))
    for numbers, same in ((own, True), (mixed, False)):
        pairs = [(CODES[i].task_id, PLANS[j].task_id)
                 for chosen, others in numbers
                 for i, j in zip(chosen, others, strict=True)]
        alike = sum(a == b for a, b in pairs) / len(pairs)
        assert alike == 1 if same else 0.08 < alike < 0.3      # one in six
        assert {b for _, b in pairs} == {p.task_id for p in PROBLEMS}
    drawn = {j for _, others in mixed for j in others}
    assert drawn == set(range(len(PLANS)))
    # A problem without a plan of its own gets one of another problem.
    few = list(of_same_problem(CODES, PLANS[:2], mixed[:5], 0))
    assert all(len(others) == 8 for _, others in few)


def test_a_weight_of_zero_leaves_the_task_out():
    settings = dict(updates=4, batch_size=3, peak_rate=1e-2, progress=False)
    mixed, alone, both = adapted(), adapted(), adapted()
    losses = train_two_tasks(mixed, CODES, PLANS, weights=(1, 0), **settings)
    only = train_two_tasks(alone, CODES, [], weights=(1, 0), **settings)
    assert [a for a, _ in losses] == [a for a, _ in only]
    assert all(math.isnan(b) for _, b in losses)
    assert torch.equal(weights_of(mixed), weights_of(alone))
    train_two_tasks(both, CODES, PLANS, **settings)
    assert not torch.equal(weights_of(both), weights_of(alone))
    for codes, plans, weights in (([], PLANS, (1, 1)), (CODES, [], (1, 1)),
                                  (CODES, PLANS, (0, 0))):
        with pytest.raises(ValueError, match="weight above 0 needs"):
            train_two_tasks(both, codes, plans, weights=weights, **settings)


def test_one_task_alone_is_an_update_of_ordinary_training():
    """The first step equals that of notebook 05's loop."""
    ours, theirs = adapted(), adapted()
    chosen, _ = next(alternate(CODES, [], 1, 4, 0))
    train_two_tasks(ours, CODES, [], 1, 4, 1e-2, (1, 0), progress=False)
    train(theirs, [CODES[i] for i in chosen], 1, 4, 1e-2, progress=False,
          weight_decay=0.05)
    assert torch.allclose(weights_of(ours), weights_of(theirs), atol=1e-6)


def test_both_losses_fall_and_each_is_its_own():
    lm, seen = adapted(), []
    losses = train_two_tasks(lm, CODES[:4], PLANS[:4], 30, 4, 2e-2,
                             progress=False,
                             watch=lambda so_far: seen.append(len(so_far)))
    assert seen == list(range(1, 31))
    for task in (0, 1):
        assert losses[-1][task] < 0.5 * losses[0][task]
    fresh = adapted()
    first = next(alternate(CODES[:4], PLANS[:4], 30, 4, 0))
    for task, examples in enumerate((CODES, PLANS)):
        batch = [encode_for(fresh, examples[i]) for i in first[task]]
        assert task_loss(fresh, batch).item() == pytest.approx(
            losses[0][task], rel=1e-4)


@pytest.mark.parametrize("name", [STUDENT, T5])
def test_a_killed_training_goes_on_to_the_same_weights(name, tmp_path):
    class Killed(Exception):
        pass

    def kill(losses):
        if len(losses) == 4:
            raise Killed

    def run(checkpoint=None, watch=None, **changes):
        lm = adapted(name)
        head = plan_head(lm)
        losses = train_two_tasks(
            lm, CODES, PLANS, 6, 3, 1e-2, head=head, checkpoint=checkpoint,
            save_every=2, watch=watch, progress=False, **changes)
        return losses, weights_of(lm), head.weight.detach()

    path = tmp_path / "two.pt"
    whole = run()
    with pytest.raises(Killed):
        run(path, kill)
    resumed = run(path)
    again = run(path, kill)              # done: no update, nothing watched
    for other in (resumed, again):
        assert same_losses(other[0], whole[0])
        assert same_weights(other[1], whole[1])
        assert same_weights(other[2], whole[2])
    for changes in ({"weights": (2, 1)}, {"seed": 1}, {"same_problem": True}):
        with pytest.raises(ValueError, match="other data or settings"):
            run(path, **changes)


@pytest.mark.parametrize("name, width", [
    (STUDENT, torch.float32), (STUDENT, torch.float16), (T5, torch.float32)])
@pytest.mark.parametrize("file", ["two.pt", None])
def test_a_cell_that_was_stopped_or_done_may_be_run_again(
        name, width, file, tmp_path):
    """Student and head stay in memory; on a T4 the head is 16 bits wide."""
    def fresh():
        lm = load_model(name)
        lm.model.to(width)
        lm = add_lora(lm, rank=2, seed=0)
        return lm, plan_head(lm)

    def run(lm, head, checkpoint=None, watch=None):
        losses = train_two_tasks(
            lm, CODES, PLANS, 5, 3, 1e-2, head=head, checkpoint=checkpoint,
            save_every=2, watch=watch, progress=False)
        return losses, weights_of(lm), head.weight.detach().clone()

    wanted = run(*fresh())
    lm, head = fresh()
    start = weights_of(lm), head.weight.detach().clone()
    path = file and tmp_path / file
    for number in sorted(random.Random(name).sample(range(1, 5), 2)):
        def stop(losses):
            if len(losses) == number:
                raise KeyboardInterrupt
        with pytest.raises(KeyboardInterrupt):
            run(lm, head, path, stop)
        assert not path or len(torch.load(path)["losses"]) == number
        assert torch.equal(weights_of(lm), start[0])
        assert torch.equal(head.weight, start[1])
        assert head.weight.dtype == width
    for _ in range(2 if path else 1):         # to the end, and once more
        losses, *weights = run(lm, head, path)
        assert same_losses(losses, wanted[0])
        assert all(map(same_weights, weights, wanted[1:]))


# ---- the plan head ----

def plan_loss(lm, batch, head=None):
    with using_head(lm.model, head):
        return task_loss(lm, batch).item()


@pytest.mark.parametrize("name", [STUDENT, T5])
def test_the_plan_head_starts_as_a_copy_and_plans_alone_move_it(name):
    lm = adapted(name)
    own = lm.model.get_output_embeddings()
    head, before = plan_head(lm), own.weight.detach().clone()
    assert torch.equal(head.weight, own.weight)
    assert head.weight.data_ptr() != own.weight.data_ptr()
    batch = [encode_for(lm, e) for e in PLANS[:3]]
    assert plan_loss(lm, batch, head) == plan_loss(lm, batch)
    settings = dict(batch_size=3, peak_rate=1e-2, head=head, progress=False)
    train_two_tasks(lm, CODES, PLANS, 3, weights=(1, 0), **settings)
    assert torch.equal(head.weight, before)      # codes go past it
    train_two_tasks(lm, CODES, PLANS, 3, weights=(1, 1), **settings)
    assert not torch.equal(head.weight, before)
    assert lm.model.get_output_embeddings() is own
    assert torch.equal(own.weight, before)
    assert plan_loss(lm, batch, head) != plan_loss(lm, batch)


def test_the_lm_head_is_back_after_an_error():
    lm = load_model(STUDENT)
    own, head = lm.model.get_output_embeddings(), plan_head(lm)
    with pytest.raises(ZeroDivisionError):
        with using_head(lm.model, head):
            assert lm.model.get_output_embeddings() is head
            raise ZeroDivisionError
    assert lm.model.get_output_embeddings() is own


def test_plans_are_written_through_the_head_that_is_given():
    lm = load_model(STUDENT)
    head = plan_head(lm)
    with torch.no_grad():
        head.weight.zero_()                  # now the first token is likeliest
    settings = dict(n=1, temperature=0, max_new_tokens=8, progress=False)
    usual = student_plans(lm, PROBLEMS[:2], **settings)
    other = student_plans(lm, PROBLEMS[:2], head=head, **settings)
    assert [p.text for p in usual] != [p.text for p in other]
    assert student_plans(lm, PROBLEMS[:2], **settings) == usual


def test_who_plans_first_writes_each_program_from_one_of_its_plans(lm):
    """Greedy, against ``generate`` on the plan's own prompt."""
    written = plan_first(lm, PROBLEMS[:2], 2, 2, 0, max_new_tokens=30,
                         code_tokens=12, progress=False)
    plans = student_plans(lm, PROBLEMS[:2], 2, 0, max_new_tokens=30,
                          progress=False)
    assert [plan for plan, _ in written] == [
        plan for plan in plans for _ in range(2)]
    for plan, program in written:
        problem, = (p for p in PROBLEMS if p.task_id == plan.task_id)
        ids = torch.tensor([lm.prompt_ids(code_prompt(problem, plan.text))],
                           device=lm.model.device)
        row = lm.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False,
            max_new_tokens=12, pad_token_id=lm.tokenizer.eos_token_id)[0]
        row = row[1 if lm.model.config.is_encoder_decoder
                  else ids.shape[1]:]
        text = lm.tokenizer.decode(row, skip_special_tokens=True)
        assert program == cut_section(text)[0]


# ---- sampling from every family ----

def test_greedy_completions_are_those_of_generate(lm):
    end = lm.tokenizer.eos_token_id
    for prompt in (code_prompt(PROBLEMS[0]), plan_prompt(PROBLEMS[1])):
        ids = torch.tensor([lm.prompt_ids(prompt)], device=lm.model.device)
        (ours, _), = complete(lm, ids, torch.zeros(1, 40), 0, 1.0,
                              cut=cut_section)
        row = lm.model.generate(
            ids, attention_mask=torch.ones_like(ids), do_sample=False,
            max_new_tokens=40, pad_token_id=end)[0].tolist()
        row = row[1:] if lm.model.config.is_encoder_decoder else (
            row[ids.shape[1]:])
        text = lm.tokenizer.decode(row[:row.index(end)] if end in row
                                   else row)
        if LABEL.search(text):
            text = text[:LABEL.search(text).start()]
        assert ours.rstrip("\n") == text.rstrip("\n")


def test_samples_of_a_family_depend_on_their_prompt_alone(lm):
    """Not on what else is in the batch, nor on how many are drawn."""
    settings = dict(max_new_tokens=20, progress=False)
    three = direct(lm, PROBLEMS[:3], 4, **settings)
    one = direct(lm, PROBLEMS[1:2], 2, **settings)
    assert [s.completion for s in one] == [
        s.completion for s in three[4:6]]
    assert len({s.completion for s in three}) > 1


# ---- real problems and real plans ----

@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data")
def test_real_problems_are_a_batch_of_both_tasks(lm):
    """Truncated rows lose the prompt's text after its first line, no more."""
    problems = load_problems("apps", path=REAL)
    rows = [json.loads(line) for line in REAL.read_text().splitlines()]
    plans = [Plan(p.task_id, "backward", i, 0, text)
             for p, row in zip(problems, rows)
             for i, text in enumerate(json.loads(row["teacher_plans"]
                                                 or "[]"))]
    assert len(problems) == 10 and len({p.task_id for p in plans}) == 5
    codes, others = code_examples(problems), plan_examples(problems, plans)
    assert len(codes) == sum(len(p.solutions) for p in problems) > 100
    assert len(others) == len(plans) > 80
    rng, short = random.Random(0), lm.model.config.is_encoder_decoder
    for examples in (codes, others):
        rest = [len(encode_for(lm, e)[1]) if short else sum(
            label != IGNORED for label in encode_for(lm, e)[1])
            for e in examples]
        fitting = [e for e, tokens in zip(examples, rest) if tokens < 400]
        batch = []
        for example in rng.sample(fitting, 4):
            ids, labels = encode_for(lm, example, 500)
            whole, _ = encode_for(lm, example)
            task = example.prompt.split("\n")[0]
            assert len(ids) <= 500 and ids[-300:] == whole[-300:][-len(ids):]
            assert lm.tokenizer.decode(ids).startswith(task)
            trained = [label for label in labels if label != IGNORED]
            assert lm.tokenizer.decode(trained) == (
                example.completion + lm.tokenizer.eos_token)
            batch.append((ids, labels))
        assert any(len(encode_for(lm, e)[0]) > 500 for e in fitting)
        with torch.no_grad():
            assert math.isfinite(task_loss(lm, batch).item())


@pytest.mark.parametrize("change, words", [
    ({"updates": -1}, "updates is a whole"), ({"rows": -1}, "rows is a"),
    ({"batch_size": 0}, "batch_size is"), ({"most": 0}, "most is a whole"),
    ({"updates": None}, "updates is a whole"),
    ({"weights": (1.0, 1.0, 1.0)}, "weights are two"),
    ({"weights": 1.0}, "weights are two"),
    ({"weights": iter([1.0, 1.0])}, "weights are two"),
    ({"weights": {1.0, 0.5}}, "weights are two"),
    ({"weights": (float("nan"), 1.0)}, "a weight is a number from 0"),
    ({"weights": (-1.0, 1.0)}, "a weight is a number from 0"),
    ({"weights": (0.0, 0.0)}, "one task must have"),
    ({"peak_rate": float("inf")}, "peak_rate is above 0")])
def test_numbers_that_are_none_are_refused(change, words):
    lm = add_lora(load_model(STUDENT), rank=2)
    with pytest.raises(ValueError, match=words):
        train_two_tasks(lm, CODES, PLANS, **{
            "updates": 1, "batch_size": 2, "peak_rate": 1e-3, **change})


@pytest.mark.parametrize("follow", [(), CODES])
def test_plans_alone_need_no_code(follow):
    """And are those that are drawn where there is some."""
    losses = [train_two_tasks(add_lora(load_model(STUDENT), rank=2), codes,
                              PLANS, 2, 2, 1e-3, (0.0, 1.0), progress=False,
                              follow=follow) for codes in (CODES, [])]
    with_code, without = ([rest for _, *rest in found] for found in losses)
    assert with_code == without
    assert all(math.isnan(code) for code, *_ in losses[1])


@pytest.mark.parametrize("texts", ["a text", None, 3, ["a", None], [["a"]]])
def test_what_are_no_texts_has_no_tokens(texts):
    student = load_model(STUDENT)
    with pytest.raises(ValueError, match="texts is a list|texts come as a l"):
        generated_tokens(student, texts)
    assert generated_tokens(student, []) == 0


@pytest.mark.parametrize("call, says", [
    (lambda: code_examples(None), "problems come as a list"),
    (lambda: plan_examples(PROBLEMS, 3), "plans come as a list of Plan")])
def test_what_is_no_list_makes_no_examples(call, says):
    with pytest.raises(ValueError, match=says):
        call()
