"""Plan first: the student writes plans, and code from each of them.

In CodePLAN's main result the student writes code directly.  Here it plans
first, and one of its plans is chosen: at random, by the example tests, or by
an oracle.  What that costs is counted in generated tokens.

Introduced in notebook 06, section 7.
"""

from helpers.multitask import code_prompt, plan_prompt, using_head
from helpers.plans import Plan
from helpers.prompts import cut_section
from helpers.sampling import sample


def direct(lm, problems, n, temperature=0.6, top_p=0.95, **settings):
    """``n`` programs for each problem from the question alone: Samples.

    Introduced in notebook 06, section 6.
    """
    return sample(lm, {p.task_id: code_prompt(p) for p in problems}, n,
                  temperature, top_p, cut=cut_section, **settings)


def student_plans(lm, problems, n, temperature=0.6, top_p=0.95, head=None,
                  **settings):
    """``n`` plans of the student for each problem.

    All of the released code writes plans through the LM head, even where a
    ``head`` of their own was trained; with ``head`` it is used.  Introduced
    in notebook 06, section 7.
    """
    with using_head(lm.model, head):
        samples = sample(lm, {p.task_id: plan_prompt(p) for p in problems},
                         n, temperature, top_p, cut=cut_section, **settings)
    return [Plan(s.task_id, "student", -1, s.sample_index, s.completion)
            for s in samples]


def code_from_plans(lm, problems, plans, n=1, temperature=0.6, top_p=0.95,
                    **settings):
    """``n`` programs from each plan: a list of (plan, program).

    Introduced in notebook 06, section 7.
    """
    by_id = {p.task_id: p for p in problems}
    named = {plan.name: plan for plan in plans}
    samples = sample(lm, {name: code_prompt(by_id[plan.task_id], plan.text)
                          for name, plan in named.items()}, n, temperature,
                     top_p, cut=cut_section, **settings)
    return [(named[s.task_id], s.completion) for s in samples]


def generated_tokens(lm, texts):
    """How many tokens were generated for ``texts``, their ends included.

    Introduced in notebook 06, section 7.
    """
    return sum(len(ids) + 1 for ids in lm.tokenizer(
        list(texts), add_special_tokens=False)["input_ids"])
