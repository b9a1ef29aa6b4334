"""Chat templates: one prompt, in the form that a model was trained to chat in.

Templates differ: some refuse a system message or drop it without a word,
some want a message as a list of parts, some write today's date, some let the
model think first.
"""

import datetime
import re
from itertools import product

from helpers.prompts import as_messages
from helpers.teachers.replies import OPENED

# Samples are kept by their prompts, which must be tomorrow what they are
# today.  The day is the one that Llama 3.1's template names by itself.
DAY = datetime.date(2024, 7, 26)
TODAY = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")
# Names by which templates ask whether to think; others do not look at them.
NO_THINKING = {"enable_thinking": False, "thinking": False,
               "reasoning_effort": "low"}
# In turn, as some refuse a word that they do not know.
SWITCHES = (NO_THINKING, {**NO_THINKING, "reasoning_effort": "none"}, {})


def forms_of(text):
    """A prompt as messages, in every form that a template may ask for.

    Best first: with a system message; all of it in the user's turn, for
    Gemma 1 and 2 or Mistral 0.1; and either with its text in a list of parts.
    """
    system, user = as_messages(text)
    merged = {**user, "content": f"{system['content']}\n\n{user['content']}"}
    plain = [[system, user], [merged]]
    return plain + [[{**message, "content": [
        {"type": "text", "text": message["content"]}]}
        for message in messages] for messages in plain]


def template_of(tokenizer):
    """The tokenizer's template for chatting, in which it is always that day.

    Raises ``ValueError`` where it has several and none of them by default.
    """
    return TODAY.sub(lambda call: repr(DAY.strftime(call[2])),
                     tokenizer.get_chat_template())


def thought_of(tokenizer):
    """The mark with which the template itself opens the model's thinking.

    Empty where it opens none; DeepSeek-R1's does, whatever it is asked.
    """
    end = in_template(tokenizer, "1").rstrip().rpartition("\n")[2]
    mark = OPENED.search(end)
    return mark[0] if mark and mark.end() == len(end) else ""


def in_template(tokenizer, text):
    """The prompt ``text`` in the tokenizer's chat template, as a text.

    The first form that says all; else one that holds at least ``text``.
    Raises ``ValueError`` where no form does.
    """
    role = as_messages(text)[0]["content"]
    second, error = None, None
    for switches, messages in product(SWITCHES, forms_of(text)):
        if second is not None and switches is not NO_THINKING:
            break
        try:
            found = tokenizer.apply_chat_template(
                messages, chat_template=template_of(tokenizer),
                tokenize=False, add_generation_prompt=True, **switches)
        except Exception as refused:    # jinja's, and what a template does
            error = error or refused
            continue
        if isinstance(messages[-1]["content"], list) and str(
                messages[-1]["content"]) in found:
            continue                    # as Python prints a list
        if text.strip() in found:
            if role in found:
                return found
            second = second or found
    if second is None:
        first = (str(error or "it leaves the prompt out").strip()
                 or type(error).__name__).splitlines()[0]
        raise ValueError(f"the chat template of this model takes neither a "
                         f"system's message nor a user's alone "
                         f"({first[:200]}); load the model with chat=False, "
                         f"or take another")
    return second
