"""Two tasks, one student: code and plan, in batches that alternate.

CodePLAN trains one model on two tasks, question -> code and question ->
plan, told apart by a prefix.  Nothing else differs between the tasks but,
if one likes, the output layer.  Decoder-only students (CodeGen in the paper)
and encoder-decoders (CodeT5) go through the same functions.

In CodePLAN's main result the student then writes code directly.  It may also
plan first, and one of its plans is chosen: at random, by the example tests,
or by an oracle.  What that costs is counted in generated tokens.
"""

import copy
import random

from helpers.filtering import Example, as_examples
from helpers.gpu.logits import using_head
from helpers.plans import Plan, code_from_plans
from helpers.problems import by_task_id
from helpers.prompts import cut_section, section, shortened
from helpers.sampling import sample
from helpers.tools.arguments import (counts, each_of, excerpt, limits,
                                     plain_number)
from helpers.training import accumulate, encode_for, fit

CODE, PLAN = "[GEN_CODE]", "[GEN_PLAN]"     # plain text, as released
MOST_ASKED = 1024            # tokens of a prompt; what training keeps, too
FORMATS = {"stdio": "Use standard input.\n", "calls": "Write the function.\n",
           "answer": "Set the variable answer.\n"}


# ----------------------------------------------------------------- the tasks
def asked(problem):
    """The question, the code to continue and the form of the answer."""
    starter = f"{problem.starter}\n" if problem.starter else ""
    return section("question", f"{problem.question}\n{starter}"
                   f"{FORMATS[problem.mode]}")


def plan_prompt(problem):
    """What a student is asked for a plan with."""
    return f"{PLAN}\n{asked(problem)}{section('plan')}"


def code_prompt(problem, plan=None):
    """What a student is asked for code with; a ``plan`` may be given.

    Introduced in notebook M6.
    """
    given = "" if plan is None else section("plan", plan)
    return f"{CODE}\n{asked(problem)}{given}{section('code')}"


def code_examples(problems):
    """An ``Example`` for each reference solution, in order.

    Introduced in notebook 06.
    """
    return [Example(p.task_id, code_prompt(p), end_line(text))
            for p in each_of("problems", problems) for text in p.solutions]


def plan_examples(problems, plans):
    """An ``Example`` for each of ``plans`` (see :mod:`helpers.plans`).

    Plans of other problems are left out.  Introduced in notebook 06.
    """
    prompts = {task_id: plan_prompt(p)
               for task_id, p in by_task_id(problems).items()}
    return [Example(plan.task_id, prompts[plan.task_id], plan.text)
            for plan in each_of("plans", plans, "Plan")
            if plan.task_id in prompts]


def follow_examples(problems, plans):
    """An ``Example`` for each of ``plans``: question and plan -> program.

    The program is the one that the plan explains; a plan from the question
    alone has the problem's first.  Plans of other problems are left out.
    Introduced in notebook 06.
    """
    by_id = by_task_id(problems)
    return [Example(plan.task_id,
                    code_prompt(by_id[plan.task_id], plan.text),
                    end_line(by_id[plan.task_id].solutions[
                        max(plan.solution, 0)]))
            for plan in plans if plan.task_id in by_id]


def end_line(text):
    """``text`` with a newline at its end.

    Introduced in notebook M6.
    """
    return text.rstrip("\n") + "\n"


# ------------------------------------------------------------ the plan head

def plan_head(lm):
    """A second output layer for plans, at first a copy of the LM head.

    It is trained in full, as it starts with no adapter; the LM head stays
    as it is.  Introduced in notebook M6.
    """
    head = copy.deepcopy(lm.model.get_output_embeddings())
    return head.requires_grad_(True)


# --------------------------------------------------------------- the mixing

def alternate(codes, plans, updates, batch_size, seed):
    """Yields (numbers of codes, numbers of plans) for each update.

    Codes come in shuffled epochs, plans are drawn at random from all, as
    released.  The order of the codes depends on the seed alone, so that
    ordinary fine-tuning sees the same codes in the same order.  Introduced
    in notebook 06.
    """
    order, draw = random.Random(f"{seed}|codes"), random.Random(f"{seed}|plan")
    queue = []
    for _ in range(updates):
        while len(queue) < batch_size:
            epoch = list(range(len(codes)))
            order.shuffle(epoch)
            queue += epoch
        chosen, queue = queue[:batch_size], queue[batch_size:]
        yield chosen, [draw.randrange(len(plans)) for _ in chosen
                       ] if plans else []


def of_same_problem(codes, plans, numbers, seed):
    """``numbers`` of :func:`alternate`, with plans of each code's problem.

    Where a problem has none, its plan is drawn from all.
    """
    draw, of = random.Random(f"{seed}|plan"), {}
    for number, plan in enumerate(plans):
        of.setdefault(plan.task_id, []).append(number)
    everything = range(len(plans))
    for chosen, _ in numbers:
        yield chosen, [draw.choice(of.get(codes[i].task_id, everything))
                       for i in chosen]


def check_tasks(codes, plans, weights, updates, batch_size, rows, most):
    """Raises ``ValueError`` unless there is something to train on.

    The arguments are those of :func:`train_two_tasks`.
    """
    counts(updates=updates, batch_size=batch_size)
    limits(rows=rows, most=most)
    if not isinstance(weights, (tuple, list)) or len(weights) != 2:
        raise ValueError(f"weights are two, of code and of plan, not "
                         f"{excerpt(weights)}")
    for weight in weights:
        plain_number("a weight", weight, False, 0, 1e6)
    if not any(weights) or any(
            weight and not examples
            for examples, weight in zip((codes, plans), weights)):
        raise ValueError("a task with a weight above 0 needs examples, and "
                         "one task must have such a weight; notebook 03 "
                         "makes the plans")


def train_two_tasks(lm, codes, plans, updates, batch_size, peak_rate,
                    weights=(1.0, 1.0), head=None, same_problem=False,
                    seed=0, checkpoint=None, save_every=25, rows=None,
                    most=None, progress=True, watch=None, follow=()):
    """Train on code and plan in turn; the list of (code, plan) losses.

    Each update adds the gradient of a batch of code and of a batch of plans,
    each loss divided by its own tokens and multiplied by its weight: two
    halves of one accumulation, as released.  A weight of 0 leaves a task
    out (its loss is NaN); (1, 0) is ordinary fine-tuning.  ``follow``
    (:func:`follow_examples`) is a third task that the release has not, with
    weight 1; then losses are (code, plan, follow).  ``head`` (see
    :func:`plan_head`) serves plans only.  ``rows`` splits batches to save
    memory and changes nothing else; ``most`` is the longest row in tokens.
    ``watch(losses)`` is called after each update.  With ``checkpoint`` a
    second call goes on where the first stopped.  Introduced in notebook 06.
    Raises ``ValueError`` for no examples, no weight, numbers that are none of
    their kind, or a checkpoint of another run; ``MemoryError`` where a part
    does not fit.
    """
    codes, plans, follow = map(as_examples, (codes, plans, follow or ()))
    check_tasks(codes, plans, weights, updates, batch_size, rows, most)
    plain_number("seed", seed, True)
    parts = [codes, plans, *([follow] if follow else [])]
    weights = (*weights, *([1.0] if follow else []))
    encoded = [[encode_for(lm, example, most) for example in examples]
               for examples in parts]
    trained = [w for w in lm.model.parameters() if w.requires_grad]
    trained += list(head.parameters()) if head is not None else []
    # Without code, whose order is drawn does not matter.
    plan, shown = list(alternate(codes or plans, plans, updates, batch_size,
                                 seed)), rows or batch_size
    if same_problem and codes and plans:
        plan = list(of_same_problem(codes, plans, plan, seed))
    if follow:
        third = alternate(codes or plans, follow, updates, batch_size,
                          f"{seed}|follow")
        plan = [(*two, numbers) for two, (_, numbers) in zip(plan, third)]

    def gradients(step, scaler):
        return tuple(
            accumulate(lm, [part[i] for i in chosen] if weight else [],
                       weight, rows, layer, scaler)
            for part, chosen, weight, layer in zip(
                encoded, plan[step], weights, (None, head, None)))

    losses = fit(
        lm, trained, updates, peak_rate, gradients,
        (batch_size, weights, head is not None, same_problem, seed, encoded),
        shown, f"lower profile.plan_rows (now {shown}), which changes "
        f"nothing else, or profile.plan_length (now {most}), which begins "
        f"anew", checkpoint=checkpoint, save_every=save_every,
        weight_decay=0.05, seed=seed, progress=progress,      # as released
        words=("two tasks", " updates", "code", "plan",
               *(["follow"] if follow else [])), watch=watch)
    if head is not None:              # as wide as the one it stands in for
        head.to(lm.model.get_output_embeddings().weight.dtype)
    return losses


# -------------------------------------------------------------- plan first

def direct(lm, problems, n, temperature=0.6, top_p=0.95, **settings):
    """``n`` programs for each problem from the question alone: Samples.

    A long prompt keeps its first line, the task, as in training.  Introduced
    in notebook 06.
    """
    return sample(lm, in_room(lm, code_prompt, problems, settings), n,
                  temperature, top_p, cut=cut_section, **settings)


def in_room(lm, prompt, problems, settings):
    """{task_id: prompt(problem)}, each in settings' ``max_prompt_tokens``."""
    most = settings.setdefault("max_prompt_tokens", MOST_ASKED)
    return {task_id: shortened(lm.tokenizer, prompt(p), most)
            for task_id, p in by_task_id(problems).items()}


def student_plans(lm, problems, n, temperature=0.6, top_p=0.95, head=None,
                  **settings):
    """``n`` plans of the student for each problem.

    All of the released code writes plans through the LM head, even where a
    ``head`` of their own was trained; with ``head`` it is used.  Introduced
    in notebook M6.
    """
    with using_head(lm.model, head):
        samples = sample(lm, in_room(lm, plan_prompt, problems, settings), n,
                         temperature, top_p, cut=cut_section, **settings)
    return [Plan(s.task_id, "student", -1, s.sample_index, s.completion)
            for s in samples]


def plan_first(lm, problems, plans, codes=1, temperature=0.6, top_p=0.95,
               head=None, code_tokens=None, **settings):
    """(plan, program) pairs: the student plans, then writes from its plans.

    ``plans`` for each problem, and ``codes`` programs from each plan, which
    stands beside the question.  ``settings`` go to
    :func:`helpers.sampling.sample`; ``code_tokens`` stands in for their
    ``max_new_tokens`` where programs are written.  Introduced in notebook 06.
    """
    by_id = by_task_id(problems)
    written = student_plans(lm, problems, plans, temperature, top_p, head,
                            **settings)
    if code_tokens:
        settings["max_new_tokens"] = code_tokens
    most = settings.setdefault("max_prompt_tokens", MOST_ASKED)
    return code_from_plans(
        lm, written, lambda plan: shortened(
            lm.tokenizer, code_prompt(by_id[plan.task_id], plan.text), most),
        codes, temperature, top_p=top_p, **settings)


def generated_tokens(lm, texts):
    """How many tokens were generated for ``texts``, their ends included.

    ``texts`` is a list.  Introduced in notebook M6.
    """
    if isinstance(texts, str):
        raise ValueError("texts is a list of them, not one text")
    texts = list(each_of("texts", texts))
    odd = [text for text in texts if not isinstance(text, str)]
    if odd:
        raise ValueError(f"texts is a list of them, and not {odd[0]!r:.40}")
    return sum(len(ids) + 1 for ids in lm.tokenizer(
        texts, add_special_tokens=False)["input_ids"]) if texts else 0
