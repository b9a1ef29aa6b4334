"""Hidden cases that need a stage: a server, a model, a world, processes.

A case is settings alone.  A play builds from them, each time anew, what the
answer is called with, calls it, and returns what is compared with what the
solution does in the same play.
"""

SEED = 20_241


# ------------------------------------------------------------ a server refuses

def _servers():
    yield [(503, {}, "loads"), (429, {"Retry-After": "7"}, "slow"),
           (200, {}, "a b")], 5, 0.25
    yield [(502, {}, "bad gateway")], 3, 2.0
    yield [(418, {}, "teapot")], 4, 1.0
    yield [(429, {}, "1"), (500, {}, "2"), (504, {}, "3"),
           (200, {}, "last")], 4, 1.0
    yield [(200, {}, "first")], 1, 1.0


def _ask_server(with_retry, replies, tries, pause):
    from helpers.checks.notebook_08 import Part, Served
    served = Served(replies)
    try:
        value = with_retry(Part(served.ask), tries, pause, Part(served.sleep))
    except RuntimeError:
        value = "RuntimeError"
    return value, served.asked, served.slept


def same_waits(got, wanted):
    """Whether replies and tries agree; a wait may be blurred on purpose."""
    return tuple(got[:2]) == tuple(wanted[:2]) and (
        len(got[2]) == len(wanted[2])) and all(
        0.5 * b <= a <= 1.5 * b for a, b in zip(got[2], wanted[2]))


# ---------------------------------------------------------- another tokenizer

def _tokenizers():
    yield "n = 4 + b </s> say <unk>", False, "say 4", "n = 4 + b"
    yield "<s> b </s> = n 1 a <unk>", True, "a b b n", "b = 1"


def _tokenize(encode, words, starts, prompt, completion):
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast
    from helpers.checks.notebook_05 import Example
    ids = {word: i for i, word in enumerate(words.split())}
    core = Tokenizer(models.WordLevel(ids, "<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if starts:
        core.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", ids["<s>"])])
    return encode(PreTrainedTokenizerFast(
        tokenizer_object=core, eos_token="</s>"),
        Example("hidden/0", prompt, completion))


# ---------------------------------------------------------- layers and losses

def _layers():
    yield 5, 4, 3, 12, True
    yield 3, 6, 1, 0.5, False


def _adapt(layer_of, wide, out, rank, alpha, bias):
    import torch
    source = torch.Generator().manual_seed(SEED)
    x, a, b, weight = (torch.randn(*shape, generator=source) for shape in (
        (4, wide), (rank, wide), (out, rank), (out, wide)))
    base = torch.nn.Linear(wide, out, bias=bias)
    with torch.no_grad():
        base.weight.copy_(weight)
        if bias:
            base.bias.copy_(weight[:, 0])
    layer = layer_of(base, rank, alpha)
    first = layer.forward(x)
    with torch.no_grad():
        layer.a.copy_(a)
        layer.b.copy_(b)
    return first, layer.forward(x)


def _rates():
    yield SEED, (0.01, 0.05)
    yield SEED + 1, (0.03, 0.03, 0.002)


def _train(training_loop, seed, rates):
    from helpers.checks.loops import (completion_loss, flat, small_batches,
                                      small_model)
    model = small_model(seed)
    losses = training_loop(model, small_batches(seed, len(rates)),
                           completion_loss, list(rates))
    return [float(loss) for loss in losses], flat(model)


def _encoded():
    skip = -100
    yield [([2, 9, 4, 1], [skip, skip, 4, 1]),
           ([3, 5, 5, 6, 7, 1], [skip, skip, skip, 6, 7, 1]),
           ([8, 1], [skip, 1])], 15


def _of_a_task(task_loss, encoded, tokens):
    from helpers.checks.notebook_06 import small_student
    lm = small_student(SEED)
    return task_loss(lm, list(encoded)), task_loss(lm, list(encoded), tokens)


def _vocabularies():
    yield 5, 2
    yield 8, 0


def _distil(distil_step, words, more):
    import torch
    source = torch.Generator().manual_seed(SEED)
    student = 2 * torch.randn(2, 6, words, generator=source)
    teacher = 2 * torch.randn(2, 6, words + more, generator=source)
    labels = torch.randint(0, words, (2, 6), generator=source)
    labels[0, :3] = labels[1, 0] = labels[1, 4:] = -100
    leaf = student.requires_grad_()
    loss = distil_step(leaf * 1, teacher, labels)
    return (loss, *torch.autograd.grad(loss, leaf))


# ------------------------------------------------------- rounds and processes

def _worlds():
    yield 4, {"check/2": 0, "check/0": 1, "check/3": 2}, 4
    yield 2, {"check/1": 1}, 2


def _iterate(expert_iteration, size, solved, rounds):
    """``solved``: by the student of which round, 0 for the first samples."""
    from helpers.checks.notebook_m5 import sample_of
    from helpers.problems import Problem
    problems = [Problem(f"check/{i}", f"{i}?", mode="answer", answer="1")
                for i in range(size)]
    fits, asks = [], []

    def fit(examples):
        fits.append([one.task_id for one in examples])
        return f"student {len(fits)}"

    def ask(student, unsolved, number):
        asks.append([student, [p.task_id for p in unsolved], number])
        return [sample_of(p.task_id, solved.get(p.task_id) == number, number)
                for p in unsolved]

    judged = [sample_of(p.task_id, solved.get(p.task_id) == 0, 0)
              for p in problems]
    found = [[one.number, [each.task_id for each in one.examples],
              one.student, one.drawn] for one in expert_iteration(
                  problems, judged, rounds, fit, ask)]
    return found, fits, asks


def _shares():
    yield 12.0, 30, 70
    yield 3.5, 7, 0
    yield 0.0, 0, 41


def _share(process_loss, total, tokens, others):
    import torch

    def all_sum(value):
        return float(value) + others

    return process_loss(torch.tensor(total, requires_grad=True), tokens,
                        all_sum)


# {name of the answer: its cases, and the play}.
STAGED = {"with_retry": (_servers, _ask_server),
          "encode": (_tokenizers, _tokenize),
          "LoRALinear": (_layers, _adapt),
          "training_loop": (_rates, _train),
          "task_loss": (_encoded, _of_a_task),
          "distil_step": (_vocabularies, _distil),
          "expert_iteration": (_worlds, _iterate),
          "process_loss": (_shares, _share)}
