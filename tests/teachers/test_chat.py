"""Chat templates of every kind in use, written as their models have them."""

import pytest

from helpers.prompts import ROLE
from helpers.sampling import sample
from helpers.teachers import checkpoint
from helpers.teachers.chat import in_template, thought_of
from helpers.teachers.checkpoint import (LanguageModel, load_model,
                                         load_tokenizer)

TEXT = "# Two and {'two': 2}?\n"
PART = "{{ '<|' + m['role'] + '|>' + m['content'] }}"
GO = "{% if add_generation_prompt %}<|assistant|>{% endif %}"
LOOP = "{% for m in messages %}" + PART + "{% endfor %}" + GO
TEMPLATES = {
    "plain": LOOP,
    # Gemma 1 and 2
    "refuses": "{% if messages[0]['role'] == 'system' %}{{ raise_exception("
               "'System role not supported') }}{% endif %}" + LOOP,
    # Mistral 0.1: who speaks must alternate, beginning with the user
    "alternates": "{% for m in messages %}{% if (m['role'] == 'user') != "
                  "(loop.index0 % 2 == 0) %}{{ raise_exception('roles must "
                  "alternate') }}{% endif %}" + PART + "{% endfor %}" + GO,
    "drops": "{% for m in messages if m['role'] != 'system' %}" + PART
             + "{% endfor %}" + GO,
    "parts only": "{% for m in messages %}{{ '<|' + m['role'] + '|>' }}"
                  "{% for part in m['content'] if part['type'] == 'text' %}"
                  "{{ part['text'] }}{% endfor %}{% endfor %}" + GO,
    "trims": LOOP.replace("m['content']", "m['content'] | trim"),
    "tools": "{% if tools %}TOOLS{% endif %}" + LOOP,
    "dated": "{% if not date_string is defined %}{% set date_string = "
             "strftime_now('%d %b %Y') %}{% endif %}{{ date_string }}" + LOOP,
    # Mistral Small 4 knows two efforts, others no switch at all
    "efforts": "{% if reasoning_effort is defined and reasoning_effort not in "
               "['none', 'high'] %}{{ raise_exception('none or high') }}"
               "{% endif %}" + LOOP,
    "no switch": "{% if enable_thinking is defined %}{{ raise_exception('what?"
                 "') }}{% endif %}" + LOOP,
    "dated by itself": "{{ strftime_now('%Y-%m-%d') }}" + LOOP,
    "thinks": LOOP + "{% if enable_thinking is defined and enable_thinking is"
              " false %}<think>\n\n</think>\n\n{% else %}<think>\n{% endif %}"}


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("data/mini/models/teacher")


@pytest.mark.parametrize("kind", TEMPLATES)
def test_all_is_said_once_whatever_the_template(kind, tokenizer):
    tokenizer.chat_template = TEMPLATES[kind]
    text = in_template(tokenizer, TEXT)
    assert text.count(ROLE) == 1 and text.count(TEXT.strip()) == 1
    assert text.index(ROLE) < text.index(TEXT.strip())
    assert text.partition("<think>")[0].endswith("<|assistant|>")
    alone = kind in ("refuses", "alternates", "drops")
    assert ("<|system|>" in text) == (not alone) and "TOOLS" not in text
    if kind.startswith("dated"):            # tomorrow as today
        assert text.startswith(("26 Jul 2024", "2024-07-26"))
    assert kind != "thinks" or text.endswith("</think>\n\n")


@pytest.mark.parametrize("template", [
    "{{ raise_exception('only\ntools') }}", "{{ nothing.at_all }}",
    "{{ 'Hello.' }}", "{% for %}", {"tools": "a", "search": "b"}])
def test_a_template_that_takes_no_prompt_is_one_sentence(template, tokenizer):
    tokenizer.chat_template = template
    with pytest.raises(ValueError, match="chat=False") as told:
        in_template(tokenizer, TEXT)
    assert "\n" not in str(told.value)


def test_thinking_that_a_template_opens_itself_is_known(tokenizer):
    for kind, mark in (("thinks", ""), ("plain", "")):
        tokenizer.chat_template = TEMPLATES[kind]
        assert thought_of(tokenizer) == mark
    tokenizer.chat_template = LOOP + "<think>\n"          # DeepSeek-R1
    assert thought_of(tokenizer) == "<think>"


def test_thinking_is_no_sample(tokenizer, monkeypatch, capsys):
    """A model that says what we have it say, as R1 does."""
    lm = load_model("data/mini/models/teacher")
    lm.tokenizer.chat_template = LOOP + "<think>\n"
    lm = LanguageModel("thinker", lm.model, lm.tokenizer, chat=True)
    said = iter([[("a\nanswer = 1\n", "b\n</think>\nanswer = 2\nc")],
                 [("a\nanswer = 1\n", "b")]])

    def complete(lm, ids, uniform, temperature, top_p, cut, mask):
        (first, rest), = next(said)
        assert cut(first)[1] == "length"          # goes on thinking
        return [cut(first + rest)]
    monkeypatch.setattr(checkpoint, "complete", complete)
    options = dict(n=1, max_new_tokens=9, progress=False)
    assert sample(lm, {"t": TEXT}, **options)[0].completion == "answer = 2\n"
    assert not capsys.readouterr().out
    assert sample(lm, {"t": TEXT}, **options)[0].completion == ""
    assert "went into thinking" in capsys.readouterr().out
