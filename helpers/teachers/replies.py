"""What an answer of a server holds: texts, thinking, and what is no text.

What is no text is never a sample: an error inside an answer, a filter, a
refusal, a call of a tool, a model whose tokens all went into thinking.  It
would be judged as a wrong program, and kept in a cache for good.
"""

import re
from dataclasses import dataclass

from helpers.teachers.failures import Again

# How reasoning models mark their thinking; the server may have taken the
# opening mark away, as some chat templates write it themselves.
OPENED = re.compile(r"\s*(<(\w+:)?think(ing)?>|\[THINK\]|◁think▷"
                    r"|<\|channel\|>analysis)")
CLOSED = re.compile(r".*(</(\w+:)?think(ing)?>|\[/THINK\]|◁/think▷"
                    r"|<\|channel\|>final<\|message\|>)", re.DOTALL)
THOUGHTS = ("reasoning_content", "reasoning", "thinking")
# Servers' own words for the two ends that we know.
KNOWN_ENDS = {
    "stop": "stop", "eos": "stop", "eos_token": "stop", "end_turn": "stop",
    "stop_sequence": "stop", "length": "length", "max_tokens": "length",
    "model_length": "length"}
FILTERED = {"content_filter", "safety", "recitation", "prohibited_content",
            "blocklist"}


@dataclass(frozen=True)
class Choice:
    """One choice of an answer.

    ``reason`` is "stop", "length", or None where the server does not say.
    ``lost`` says why it holds no text that could be a sample; ``passing``:
    whether asking again may help.
    """

    text: str
    reason: str | None = None
    lost: str = ""
    passing: bool = False


def choices_of(answer, raw):
    """The :class:`Choice` list of an ``answer``, the JSON of a server.

    ``raw``: an answer to a bare prompt, not to messages.  Raises ``Again``
    for what is no completion, and where no choice came through.
    """
    try:
        found = [read_choice(choice, raw) for choice in answer["choices"]]
    except (KeyError, TypeError, AttributeError):
        raise Again("an answer that is no completion") from None
    if not found:
        raise Again("an answer without a text")
    if all(choice.passing for choice in found):
        raise Again(found[0].lost)
    return found


def read_choice(choice, raw):
    """A :class:`Choice` from the JSON of one.

    Raises ``KeyError``, ``TypeError`` or ``AttributeError`` for what is none.
    """
    said = str(choice.get("finish_reason") or "").lower()
    if choice.get("error") or said == "error":
        error = choice.get("error")
        words = error.get("message") if isinstance(error, dict) else error
        return Choice("", None, f"an answer that ends in an error "
                      f"({str(words or 'no reason given')[:200]})", True)
    if said in FILTERED:
        return Choice("", None, "a filter of the server cut it off")
    message = choice if raw else choice["message"]
    told = message["text"] if raw else message.get("content")
    text, thought = without_thinking(joined(told))
    thought = thought or any(message.get(name) for name in THOUGHTS)
    reason = KNOWN_ENDS.get(said)
    if text.strip() or raw and told is not None and not thought:
        return Choice(text, reason)
    if message.get("refusal"):
        return Choice("", None, "the model refuses to answer")
    if message.get("tool_calls") or message.get("function_call"):
        return Choice("", None, "the model calls a tool and says nothing")
    if reason == "length" or thought:
        return Choice("", None, "all tokens went into thinking; raise "
                      "max_new_tokens, or ask the model to think less")
    if told is None:
        return Choice("", None, "an answer without a text")
    return Choice(text, reason)          # a model that has nothing to say


def joined(content):
    """A message's content as one text; the parts that are no text left out.

    Raises ``TypeError`` for anything but a text, a list of parts, or None.
    """
    if content is None or isinstance(content, str):
        return content or ""
    if not isinstance(content, list):
        raise TypeError(f"content is a {type(content).__name__}")
    return "".join(part if isinstance(part, str) else part.get("text") or ""
                   for part in content
                   if isinstance(part, str) or part.get("type") == "text")


def without_thinking(text):
    """(what follows the thinking, whether there was any)."""
    closed = CLOSED.match(text)
    rest = text[closed.end():] if closed else text
    if OPENED.match(rest):                # and no end of it
        return "", True
    return (rest.lstrip("\n"), True) if closed else (text, False)
