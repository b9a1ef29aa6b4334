"""How large the models are, and what a profile needs, by calculation.

Used by ``gpu.py``, which measures the same.  Shapes are those of
the models' config.json; everything else follows from them and from a few
assumptions about a card, each named where it is made.  Memory is in GiB,
times are in seconds.
"""

from dataclasses import dataclass

GIB = 2 ** 30
LIMIT_GIB, LIMIT_MINUTES = 14.5, 30
TEACHER = "Qwen/Qwen2.5-Coder-7B-Instruct"
STUDENT = "Qwen/Qwen2.5-Coder-0.5B"
T5 = "Salesforce/codet5-base"

# Source: the models' config.json, field by field.
CONFIGS = {
    TEACHER: {
        "model_type": "qwen2", "vocab_size": 152064, "hidden_size": 3584,
        "intermediate_size": 18944, "num_hidden_layers": 28,
        "num_attention_heads": 28, "num_key_value_heads": 4,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
        "rope_theta": 1e6, "tie_word_embeddings": False},
    STUDENT: {
        "model_type": "qwen2", "vocab_size": 151936, "hidden_size": 896,
        "intermediate_size": 4864, "num_hidden_layers": 24,
        "num_attention_heads": 14, "num_key_value_heads": 2,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
        "rope_theta": 1e6, "tie_word_embeddings": True},
    T5: {
        "model_type": "t5", "vocab_size": 32100, "d_model": 768, "d_kv": 64,
        "d_ff": 3072, "num_layers": 12, "num_decoder_layers": 12,
        "num_heads": 12, "relative_attention_num_buckets": 32,
        "feed_forward_proj": "relu", "tie_word_embeddings": True,
        "decoder_start_token_id": 0, "pad_token_id": 0, "bos_token_id": 1,
        "eos_token_id": 2},
    # Of the profile paper.
    "EleutherAI/gpt-j-6B": {
        "model_type": "gptj", "vocab_size": 50400, "hidden_size": 4096,
        "num_hidden_layers": 28, "num_attention_heads": 16,
        "n_positions": 2048, "rotary_dim": 64, "tie_word_embeddings": False},
    "EleutherAI/gpt-neo-1.3B": {
        "model_type": "gpt_neo", "vocab_size": 50257, "hidden_size": 2048,
        "num_hidden_layers": 24, "num_attention_heads": 16,
        "max_position_embeddings": 2048,
        "attention_types": [[["global", "local"], 12]],
        "tie_word_embeddings": True},
    "Salesforce/codegen-350M-mono": {
        "model_type": "codegen", "vocab_size": 51200, "hidden_size": 1024,
        "num_hidden_layers": 20, "num_attention_heads": 16,
        "n_positions": 2048, "n_ctx": 2048, "rotary_dim": 32,
        "tie_word_embeddings": False},
    "Qwen/Qwen2.5-Coder-32B-Instruct": {
        "model_type": "qwen2", "vocab_size": 152064, "hidden_size": 5120,
        "intermediate_size": 27648, "num_hidden_layers": 64,
        "num_attention_heads": 40, "num_key_value_heads": 8,
        "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
        "rope_theta": 1e6, "tie_word_embeddings": False},
}
CONFIGS["Salesforce/codet5-large-ntp-py"] = CONFIGS[T5] | {
    "d_model": 1024, "d_ff": 4096, "num_layers": 24, "num_decoder_layers": 24,
    "num_heads": 16}
# The same architectures for a trial on a CPU: seconds, not hours.
SMALL = {
    "qwen2": {"vocab_size": 512, "hidden_size": 64, "intermediate_size": 128,
              "num_hidden_layers": 2, "num_attention_heads": 4,
              "num_key_value_heads": 2},
    "t5": {"vocab_size": 512, "d_model": 64, "d_kv": 16, "d_ff": 128,
           "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4},
}


def config(name, small=False):
    """The fields of a model's configuration, at full or small size."""
    fields = CONFIGS[name]
    return {**fields, **(SMALL[fields["model_type"]] if small else {})}


@dataclass(frozen=True)
class Size:
    """Counts of one model.

    ``linear`` are the weights that 4 bits apply to and LoRA sits on, and
    ``other`` the rest: embeddings, output layer, norms, biases.
    ``adapter`` counts a LoRA adapter's numbers for each unit of rank.
    """

    linear: int
    other: int
    layers: int
    width: int
    heads: int
    kv_heads: int
    head: int               # numbers in a head
    inner: int
    vocabulary: int
    adapter: int

    @property
    def parameters(self):
        return self.linear + self.other

    @property
    def token_bytes(self):
        """Keys and values of one token, two bytes a number."""
        return 2 * 2 * self.layers * self.kv_heads * self.head


def size(name):
    """The :class:`Size` of one of :data:`CONFIGS`."""
    c = CONFIGS[name]
    v = c["vocab_size"]
    if c["model_type"] == "t5":
        d, ff, inner = c["d_model"], c["d_ff"], c["num_heads"] * c["d_kv"]
        n = c["num_layers"]
        # An encoder layer has one attention, a decoder layer two.
        linear = n * (3 * 4 * d * inner + 2 * 2 * d * ff)
        norms = n * 5 * d + 2 * d
        bias = 2 * c["relative_attention_num_buckets"] * c["num_heads"]
        return Size(linear, v * d + norms + bias, 2 * n, d, c["num_heads"],
                    c["num_heads"], c["d_kv"], ff, v,
                    n * (12 * (d + inner) + 4 * (d + ff)))
    d, n = c["hidden_size"], c["num_hidden_layers"]
    head = d // c["num_attention_heads"]
    if c["model_type"] != "qwen2":
        # GPT-J and CodeGen: a norm a layer, a head with a bias; GPT-Neo: two
        # norms, positions, a bias behind the attention.  All: four times as
        # wide inside, with biases.
        neo = c["model_type"] == "gpt_neo"
        other = (v * d + 2048 * d + n * 10 * d + 2 * d if neo else
                 2 * v * d + v + n * 7 * d + 2 * d)
        adapter = n * d * (16 if c["model_type"] == "codegen" else 18)
        return Size(12 * n * d * d, other, n, d, c["num_attention_heads"],
                    c["num_attention_heads"], head, 4 * d, v, adapter)
    ff = c["intermediate_size"]
    kv = c["num_key_value_heads"] * head
    linear = n * (2 * d * d + 2 * d * kv + 3 * d * ff)
    tables = v * d * (1 if c["tie_word_embeddings"] else 2)
    other = tables + n * (d + 2 * kv + 2 * d) + d
    adapter = n * (2 * (d + d) + 2 * (d + kv) + 3 * (d + ff))
    return Size(linear, other, n, d, c["num_attention_heads"],
                c["num_key_value_heads"], head, ff, v, adapter)


# ------------------------------------------------------------------- memory

def weights(name, four_bit=False, width=2):
    """GiB of the weights, ``width`` bytes a number.

    NF4 has half a byte a number and a scale of four bytes for each 64.
    """
    s = size(name)
    each = 0.5 + 4 / 64 if four_bit else width
    return (s.linear * each + s.other * width) / GIB


def sampling_memory(name, rows, prompt, new, four_bit=False, width=2,
                    grouped=True):
    """GiB by part while ``rows`` sequences are decoded.

    ``prompt`` and ``new`` are tokens.  Each row has keys and values of its
    own, with room for 64 tokens more than there are (``RoomyLayer``).  At
    most 4096 tokens of prompts are read at a time.  Without ``grouped``
    (:mod:`helpers.gpu.attention`) a card that has no FlashAttention runs
    grouped-query attention by the plain formula: scores in float32 while a
    prompt is read, and keys and values of one layer for every head while
    words are added, in 16 and in 32 bits.  (Read in PyTorch's and
    transformers' sources; what is measured decides.)
    """
    s = size(name)
    length = prompt + new
    reading = max(prompt, 4096) * (3 * s.inner + 8 * s.width) * 2
    adding = 0
    if s.heads > s.kv_heads and not grouped:
        reading += s.heads * prompt ** 2 * 4 * 3
        adding = rows * s.heads * s.head * length * 2 * (2 + 4)
    unpacked = s.width * s.inner * 2 if four_bit else 0
    logits = rows * s.vocabulary * (2 + 3 * 4)
    return {"weights": weights(name, four_bit, width),
            "cache": rows * (length + 64) * s.token_bytes / GIB,
            "activations": (max(reading, adding) + unpacked) / GIB,
            "logits": logits / GIB}


def training_memory(name, rows, length, rank, told, width=2, chunk=1024):
    """GiB by part of a LoRA step on ``rows`` rows of ``length`` tokens.

    The base weights have ``width`` bytes a number, the adapter, its
    gradient and AdamW's two moments four each.  A layer keeps for the way
    back about 16 numbers for each of its width and 6 for each of its inner
    width, and the attention keeps its weights (no FlashAttention: one
    number for each pair of tokens and head).  Logits are made for ``told``
    trained tokens of a row, ``chunk`` at a time (None: all at once), in
    float32, with their softmax and gradient.
    """
    s, told = size(name), rows * told
    kept = s.layers * rows * length * (16 * s.width + 6 * s.inner) * width
    scores = s.layers * rows * s.heads * length ** 2 * width
    most = min(told, chunk or told)
    return {"weights": weights(name, width=width),
            "adapter": 16 * rank * s.adapter / GIB,
            "activations": (kept + scores) / GIB,
            "logits": most * s.vocabulary * 4 * 3 / GIB}


# Tokens of the texts of the real data sets: assumptions, by the tokenizer
# of the Qwen models, to be corrected by the first run on the real data.
FEW_SHOT, ZERO_SHOT, PROGRAM = 756, 120, 90    # GSM8K; EKT's cap, and usual
APPS_ASKED, APPS_CODE, APPS_PLAN = 1200, 250, 160
APPS_SOLUTIONS = 3                             # of a problem, notebook 03


def planner(profile):
    """(name, is it behind a server, its options) of who writes plans."""
    if "://" not in profile.plan_teacher:
        return profile.plan_teacher, False, {}
    from helpers.teachers.address import read_address
    _, name, options = read_address(profile.plan_teacher)
    return name, True, options


def estimate(profile):
    """{stage: GiB by part} of the stages that ``gpu.py`` measures."""
    four_bit, rows = profile.teacher_4bit, profile.sequences
    rank, batch = profile.lora_rank, profile.batch_size
    teacher, student, plan_student, t5 = (
        profile.teacher, profile.student, profile.plan_student,
        profile.plan_student_t5)
    plan_teacher, served, options = planner(profile)
    plan_rows = min(profile.plan_rows, profile.plan_batch)
    length = ZERO_SHOT + PROGRAM
    ekt = training_memory(student, batch, length, rank, PROGRAM)
    kd = dict(ekt)
    # Of both models: logits, their logarithms, and what is made of them.
    kd["logits"] = batch * PROGRAM * size(student).vocabulary * 4 * 6 / GIB
    kd["weights"] += weights(teacher, four_bit)
    return {
        **{stage: sampling_memory(teacher, count, FEW_SHOT,
                                  profile.max_new_tokens, four_bit=four_bit)
           for stage, count in (("teacher-sampling", min(100, rows)),
                                ("teacher-sampling-at-once", 100))},
        "plan-server" if served else "plan-elicitation": sampling_memory(
            plan_teacher, options.get("concurrency", rows), 2000,
            profile.plan_tokens, four_bit=four_bit),
        "student-sampling": sampling_memory(
            student, min(100, rows), FEW_SHOT, profile.max_new_tokens),
        "student-training": ekt,
        "distillation": kd,
        "two-tasks": training_memory(
            plan_student, plan_rows, profile.plan_length, rank,
            APPS_CODE),
        "two-tasks-t5": training_memory(
            t5, plan_rows, profile.plan_length, rank,
            APPS_CODE, width=4),
        "hand-over": ekt,
    }


# --------------------------------------------------------------------- work

@dataclass(frozen=True)
class Draw:
    """``prompts`` prompts with ``n`` completions each; lengths in tokens."""

    who: str
    prompts: int
    n: int
    prompt: int
    new: int


@dataclass(frozen=True)
class Fit:
    """``updates`` of ``rows`` rows of ``length`` tokens each."""

    who: str
    updates: int
    rows: int
    length: int


def work(profile):
    """{notebook: Draws, Fits and names to load}: what its cells ask for.

    Read off the cells of the notebooks that use a model of the profile;
    what the mini world does there is left out, it takes a minute or two.
    Completions are counted in full length: the longest of a batch ends it.
    """
    p = profile
    most, plan = p.max_new_tokens, p.plan_tokens
    kept = round(0.8 * p.train_problems)       # a teacher solves most
    steps = -(-kept // p.batch_size)
    ask = APPS_ASKED + APPS_CODE
    length = ZERO_SHOT + PROGRAM
    backward = p.plan_problems * APPS_SOLUTIONS
    plans = p.plan_problems + 2 * backward
    row = min(p.plan_length, APPS_ASKED + APPS_CODE)
    two = p.plan_batch * 2
    return {
        "00": [TEACHER, Draw(TEACHER, 1, 5, 400, most)],
        "02": [TEACHER, Draw(TEACHER, 1, 64, FEW_SHOT, 8),
               Draw(TEACHER, 1, 1, FEW_SHOT, most),
               # A loop without a cache: it reads all for each of its tokens.
               *[Draw(TEACHER, 1, 1, FEW_SHOT, 1)] * (3 * most),
               Draw(TEACHER, 4, 3, FEW_SHOT, most),
               *[Draw(TEACHER, min(40, p.train_problems), 20, FEW_SHOT,
                      most)] * 3,
               Draw(TEACHER, p.train_problems, p.train_samples, FEW_SHOT,
                    most)],
        "03": [TEACHER, Draw(TEACHER, plans, 1, ask, plan),
               Draw(TEACHER, 4 * p.plan_problems, 2, ask, plan),
               Draw(TEACHER, p.plan_problems, 5, ask, plan),
               Draw(TEACHER, 5 * p.plan_problems, 1, ask, plan)],
        "05": [*[STUDENT] * 7,
               *[Fit(STUDENT, steps, p.batch_size, length)] * 2,
               Fit(STUDENT, round(p.epochs * steps), p.batch_size, length),
               *[Draw(STUDENT, p.test_problems, 1, ZERO_SHOT, most)] * 3],
        "M5": [TEACHER, *[STUDENT] * 5,
               # Distillation: the teacher reads what the student does.
               *[Fit(STUDENT, round(p.epochs * steps / 4), p.batch_size,
                     length)] * 4,
               Fit("reading", 100 + round(p.epochs * steps / 4),
                   p.batch_size, length),
               *[Draw(STUDENT, 50, 10, ZERO_SHOT, most)] * 4,
               Draw(STUDENT, 80, 10, FEW_SHOT, most),
               Draw(STUDENT, 60, 10, ZERO_SHOT, most)],
        "06": [*[STUDENT] * 5, *[Fit(STUDENT, 10, 8, row)] * 2,
               Fit(STUDENT, p.plan_updates // 3, two, row),
               Fit(STUDENT, p.plan_updates // 3, p.plan_batch, row),
               *[Draw(STUDENT, 40, 8, APPS_ASKED, plan)] * 2],
        "M6": [STUDENT, *[STUDENT] * 8, T5, T5, TEACHER,
               Fit(STUDENT, 50, 8, row), Fit(STUDENT, 15, two, row),
               *[Fit(STUDENT, p.plan_updates // 2, two, row)] * 2,
               Fit(T5, 20, two, row),
               *[Draw(STUDENT, 20, 1, APPS_ASKED, plan)] * 2,
               *[Draw(STUDENT, 20, 4, APPS_ASKED, plan)] * 5,
               Draw(STUDENT, 20, 16, APPS_ASKED, plan),
               Draw(STUDENT, 80, 2, APPS_ASKED + APPS_PLAN, plan),
               *[Draw(STUDENT, 80, 1, APPS_ASKED + APPS_PLAN, plan)] * 4,
               *[Draw(STUDENT, 20, 4, APPS_ASKED + APPS_PLAN, plan)] * 3,
               Draw(TEACHER, 20, 1, ask, plan),
               *[Draw(T5, 40, 4, 512, plan)] * 2],
        "07": [TEACHER, *[STUDENT] * 4,
               Draw(TEACHER, p.test_problems, p.test_samples, FEW_SHOT,
                    most),
               *[Draw(STUDENT, p.test_problems, p.test_samples, ZERO_SHOT,
                      most)] * 2,
               Draw(STUDENT, p.test_problems, p.test_samples, FEW_SHOT,
                    most)],
    }


def batch_rows(draw, sequences, mixed):
    """How many rows of a :class:`Draw` are decoded together.

    Prompts of any length share a batch (``batches_of`` in
    teachers/checkpoint).
    Where they do not (``mixed`` false), real prompts, of which hardly two
    are as long, are decoded one by one.
    """
    return min(sequences, draw.n * (draw.prompts if mixed else 1))


# ----------------------------------------------------------------- the card

@dataclass(frozen=True)
class Card:
    """What a card is assumed to do; no number of it was measured here.

    ``bandwidth`` bytes a second and ``half``, ``single`` operations a second
    are what programs reach, about 0.7 and 0.35 of the data sheet; ``layer``
    is the time in which Python starts the kernels of a layer; ``download``
    bytes a second for weights, from the Hub or a disk.
    """

    name: str = "T4, assumed"
    bandwidth: float = 0.7 * 320e9
    half: float = 0.35 * 65e12
    single: float = 0.6 * 8.1e12
    layer: float = 1.2e-3
    download: float = 100e6
    fused: int = 64               # rows for which bitsandbytes multiplies
                                  # 4-bit weights without unpacking them
    grouped: bool = True          # see sampling_memory


# The slow end of what is public: a 0.5B model alone writes 24.4 tokens a
# second, that is 41 ms for its 24 layers; and weights at half the speed.
SLOW = Card("T4, slow end", layer=1.7e-3, download=50e6)


def draw_seconds(draw, card, sequences, mixed=True, four_bit=True):
    """Time of a :class:`Draw`: prompts are read once, then words added."""
    s, width = size(draw.who), 4 if draw.who == T5 else 2
    four_bit = four_bit and draw.who == TEACHER
    speed = card.single if draw.who == T5 else card.half
    rows = batch_rows(draw, sequences, mixed)
    batches = -(-draw.prompts * draw.n // rows)
    read = draw.prompts * draw.prompt * 2 * s.linear / speed
    each = (0.5625 if rows <= card.fused else 4.5625) if four_bit else width
    moved = s.linear * each + s.vocabulary * s.width * width
    moved += rows * (draw.prompt + draw.new) * s.token_bytes
    if s.heads > s.kv_heads and not card.grouped:
        # Keys and values for every head, in 16 and in 32 bits, written and
        # read: attention by the plain formula.
        moved += (rows * (draw.prompt + draw.new) * s.layers * s.heads
                  * s.head * 2 * 2 * (2 + 4))
    step = max(moved / card.bandwidth, rows * 2 * s.parameters / speed)
    layers = s.layers // 2 if draw.who == T5 else s.layers
    return read + batches * draw.new * (step + layers * card.layer)


def fit_seconds(fit, card, at_a_time=None):
    """Time of a :class:`Fit`: forward, and backward twice as long."""
    if fit.who == "reading":                   # the teacher, forward alone
        return (fit.updates * fit.rows * fit.length * 2
                * size(TEACHER).parameters / card.half
                + fit.updates * size(TEACHER).linear * 4.5 / card.bandwidth)
    s = size(fit.who)
    speed = card.single if fit.who == T5 else card.half
    parts = -(-fit.rows // (at_a_time or fit.rows))
    # The base weights get no gradient: two thirds of a full step.
    work = 4 * s.parameters * fit.rows * fit.length / speed
    return fit.updates * max(work, parts * s.layers * 4 * card.layer)


def load_seconds(name, card):
    """Time to bring a checkpoint, 16 bits a number, to the card."""
    return size(name).parameters * 2 / card.download


def minutes(profile, card=Card(), mixed=True):
    """{notebook: minutes} of a profile on an assumed card.

    The download of the teacher is in every notebook that needs it (on Colab
    each starts with an empty disk).  A student is read again from the cache,
    twenty times as fast.
    """
    found = {}
    for notebook, jobs in work(profile).items():
        seconds, here = 0.0, set()
        for job in jobs:
            if isinstance(job, Draw):
                seconds += draw_seconds(job, card, profile.sequences, mixed,
                                        profile.teacher_4bit)
            elif isinstance(job, Fit):
                rows = (profile.plan_rows if notebook in ("06", "M6")
                        else profile.batch_size)
                seconds += fit_seconds(job, card, rows)
            else:
                again = 20 if job in here else 1
                seconds += load_seconds(job, card) / again
                here.add(job)
        found[notebook] = seconds / 60
    return found
