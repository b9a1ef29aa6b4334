"""The models of the mini world before they are trained: sizes, tokenizers.

:mod:`helpers.workshop.pretraining` trains them.
"""

import random
from dataclasses import dataclass, replace

import torch
from tokenizers import (Tokenizer, decoders, models, pre_tokenizers,
                        trainers)
from transformers import (LlamaConfig, LlamaForCausalLM,
                          PreTrainedTokenizerFast, T5Config,
                          T5ForConditionalGeneration)

from helpers.mini import library, stories, tasks

END_OF_TEXT = "<|endoftext|>"
# Problems of each number of steps; the corpus has none of seven.
GSM_SPLITS = {
    "train": {2: 60, 3: 70, 4: 80, 5: 80, 6: 60, 7: 50},
    "dev": {2: 15, 3: 18, 4: 20, 5: 20, 6: 15, 7: 12},
    "test": {2: 30, 3: 35, 4: 40, 5: 40, 6: 30, 7: 25},
}
TEXTBOOK = dict(styles={"days": 0.5, "running": 0.5}, errors=(0.02,),
                weeks={0: 1.0})
INTERNET = dict(styles=stories.STYLES, errors=stories.ERRORS)
SPOILT = dict(INTERNET, spoilt=0.3)
EXPLAINED_TEXTS = dict(kinds=library.EXPLAINED,
                       lengths=library.LENGTHS_EXPLAINED,
                       hasty=library.HASTY)
# For each corpus: who draws documents, and the arguments for both kinds.
CORPORA = {
    "mini-gsm": (stories.draw_document, TEXTBOOK, INTERNET),
    "mini-gsm-spoilt": (stories.draw_document, TEXTBOOK, SPOILT),
    "mini-apps": (tasks.draw_document,
                  dict(slips=False, weeks={0: 1.0}), {}),
    "mini-apps-2": (library.draw_read, dict(slips=False), {}),
    "mini-apps-2-explained": (
        library.draw_read, dict(slips=False, **EXPLAINED_TEXTS),
        EXPLAINED_TEXTS),
}
# Of what the tokenizer of each benchmark is made; all its models share it.
TOKENIZED = {"mini-gsm": (stories.draw_document, INTERNET),
             "mini-apps": (tasks.draw_document, {}),
             "mini-apps-2": (library.draw_read,
                             dict(kinds=library.EXPLAINED))}


@dataclass(frozen=True)
class Recipe:
    """The size of one model and how long it reads."""

    name: str
    layers: int
    width: int
    textbook_steps: int
    internet_steps: int
    heads: int = 4
    key_value_heads: int = 2
    examples_per_step: int = 64
    peak_rate: float = 2e-3
    world: str = "mini-gsm"
    corpus: str = ""              # that of its world if empty
    documents: str = ""           # whose it reads; its own if empty
    start: int = 0                # added to the seed of its first weights
    rows: int = 0                 # read at a time, by length; 0: the batch
    family: str = "llama"         # or "t5": layers of each of its halves
    muon_rate: float = 0.0        # of the matrices within layers, 0: AdamW
    begun: float = 0.0            # t5: replies of which it reads first lines
    questions: bool = False       # it learns to write the questions, too


GSM_TEACHER = Recipe("teacher", layers=3, width=128, textbook_steps=1000,
                 internet_steps=800)
GSM_STUDENT = Recipe("student", layers=2, width=96, textbook_steps=600,
                 internet_steps=400)
# A second pair, to see what the teacher's quality and the student's size do.
# The internet of this teacher has programs in it with a line spoilt.
WEAK_TEACHER = Recipe("weak-teacher", layers=2, width=128,
                      textbook_steps=500, internet_steps=400,
                      corpus="mini-gsm-spoilt")
SMALL_STUDENT = Recipe("small-student", layers=2, width=64,
                       textbook_steps=600, internet_steps=400)
# A student that has learnt to write questions as well as replies, as language
# models of the real world have; most tokens are those of questions, so that it
# takes longer.
READING_STUDENT = replace(GSM_STUDENT, name="reading-student", questions=True,
                          textbook_steps=900, internet_steps=600)
# The models of mini-apps: students of three depths, and of two families.
# Their corpus holds five kinds of texts where the other holds one; Muon learns
# it in about two thirds of the steps.
PLAN_TEACHER = Recipe("plan-teacher", layers=2, width=96,
                      textbook_steps=1000, internet_steps=400,
                      examples_per_step=48, peak_rate=4e-3, muon_rate=6e-3,
                      world="mini-apps", documents="plan-student")
PLAN_STUDENT = replace(PLAN_TEACHER, name="plan-student", width=64,
                       textbook_steps=600, internet_steps=300, documents="")
# Those of its second edition: students that have read code, and a teacher
# that has read explanations, too.
FORMULA_TEACHER = replace(PLAN_TEACHER, name="formula-teacher",
                          textbook_steps=1200, internet_steps=600,
                          world="mini-apps-2", documents="", rows=16,
                          corpus="mini-apps-2-explained")
FORMULA_STUDENT = replace(PLAN_STUDENT, name="formula-student",
                          world="mini-apps-2", rows=16)
RECIPES = (GSM_TEACHER, GSM_STUDENT, WEAK_TEACHER, SMALL_STUDENT,
           READING_STUDENT,
           PLAN_TEACHER, PLAN_STUDENT,
           replace(PLAN_STUDENT, name="plan-student-1-layer", layers=1),
           replace(PLAN_STUDENT, name="plan-student-3-layers", layers=3),
           replace(PLAN_STUDENT, name="plan-student-t5", family="t5"),
           FORMULA_TEACHER, FORMULA_STUDENT,
           # The same student with other first weights and documents.
           *(replace(FORMULA_STUDENT, name=f"formula-student-{letter}",
                     start=start)
             for start, letter in enumerate("bc", 1)),
           # It must learn to copy from what it reads as well as from what it
           # writes.
           replace(FORMULA_STUDENT, name="formula-student-t5", family="t5",
                   textbook_steps=900, begun=0.5))


def build_tokenizer(seed, world="mini-gsm", vocabulary=640):
    """A byte-level BPE tokenizer; the numbers 0-99 are one token each."""
    rng = random.Random(seed)
    draw, internet = TOKENIZED[world]
    texts = [stories.join(draw(rng, 2, **internet)) for _ in range(2000)]
    texts += [" " + " ".join(map(str, range(100)))] * 400
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    core.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=[END_OF_TEXT],
        show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return PreTrainedTokenizerFast(
        tokenizer_object=core, bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT, pad_token=END_OF_TEXT,
        clean_up_tokenization_spaces=False)


def build_model(recipe, vocabulary, seed):
    """A Llama of the recipe's size with random weights.

    Weights start at a standard deviation of 1 / sqrt(width), and the rotary
    base is 100, not 10,000: texts are short.  Both let so small a model
    learn to copy within minutes.  (Llama, because ``AutoTokenizer`` gives a
    model of this type the tokenizer that was saved with it; for some other
    types it takes the type's own, which splits numbers in another way.)
    """
    torch.manual_seed(seed)
    if recipe.family == "t5":
        return T5ForConditionalGeneration(T5Config(
            vocab_size=vocabulary, d_model=recipe.width,
            d_kv=recipe.width // recipe.heads, d_ff=3 * recipe.width,
            num_layers=recipe.layers, num_heads=recipe.heads,
            dropout_rate=0.0, feed_forward_proj="gated-gelu",
            tie_word_embeddings=True, decoder_start_token_id=0,
            eos_token_id=0, pad_token_id=0))
    return LlamaForCausalLM(LlamaConfig(
        vocab_size=vocabulary, hidden_size=recipe.width,
        intermediate_size=3 * recipe.width,
        num_hidden_layers=recipe.layers, num_attention_heads=recipe.heads,
        num_key_value_heads=recipe.key_value_heads, rope_theta=100.0,
        max_position_embeddings=1024, tie_word_embeddings=True,
        attention_bias=True,
        initializer_range=recipe.width ** -0.5, bos_token_id=0,
        eos_token_id=0, pad_token_id=0))
