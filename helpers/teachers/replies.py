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
THINKING = r"((\w+:)?think(ing)?|thought|reasoning)"
OPENED = re.compile(
    rf"\s*(<{THINKING}>|\[THINK\]|◁think▷|<\|begin_of_thought\|>"
    r"|<\|START_THINKING\|>|<\|channel>thought|<\|channel\|>analysis)",
    re.IGNORECASE)
CLOSED = re.compile(
    rf".*(</{THINKING}>|\[/THINK\]|◁/think▷|<\|end_of_thought\|>"
    r"|<\|END_THINKING\|>|<channel\|>|<\|channel\|>final<\|message\|>)",
    re.DOTALL | re.IGNORECASE)
# Marks around what then follows.
AROUND = re.compile(
    r"\s*(<\|begin_of_solution\|>|<\|START_RESPONSE\|>|<answer>)\n?(.*?)"
    r"(<\|end_of_solution\|>|<\|END_RESPONSE\|>|</answer>|$)", re.DOTALL)
THOUGHTS = ("reasoning_content", "reasoning", "thinking")
# Servers' own words for how an answer ended, the first that fits: a failure
# that may pass, a filter, a refusal, and the two ends that we know.
ENDS = (
    ("filter", r"filter|safety|sensitive|toxic|recitation|prohibited|"
     r"blocklist|guardrail|moderat|spii|policy"),
    ("refusal", r"refus"),
    ("error", r"error|abort|cancel|time_?out|interrupt|overload|"
     r"insufficient_system|malformed"),
    ("length", r"length|max.*token|token.*limit|context_window|limit"),
    ("stop", r"stop|eos|end_turn|(?<!in)complete|finished|^end$|^done$"))


def ending(said):
    """What a server's word for an end means: a key of ``ENDS``, or None."""
    words = re.sub(r"[^a-z]+", "_", str(said or "").lower()).replace(
        "finish_reason", "")
    return next((kind for kind, pattern in ENDS if re.search(pattern, words)),
                None)


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
    if isinstance(answer, dict) and not answer.get("choices", True):
        raise Again("an answer without a text", code=200)
    try:
        found = [read_choice(choice, raw) for choice in answer["choices"]]
    except (KeyError, TypeError, AttributeError):
        raise Again("an answer that is no completion") from None
    if all(choice.passing for choice in found):
        raise Again(found[0].lost, code=500)
    return found


def read_choice(choice, raw):
    """A :class:`Choice` from the JSON of one.

    Raises ``KeyError``, ``TypeError`` or ``AttributeError`` for what is none.
    """
    end = ending(choice.get("finish_reason"))
    if choice.get("error") or end == "error":
        error = choice.get("error")
        words = error.get("message") if isinstance(error, dict) else (
            error or choice.get("finish_reason"))
        return Choice("", None, f"an answer that ends in an error "
                      f"({str(words or 'no reason given')[:200]})", True)
    if end == "filter":
        return Choice("", None, "a filter of the server cut it off")
    message = choice if raw else choice["message"]
    told = message["text"] if raw else message.get("content")
    if isinstance(told, dict):
        told = [told]
    if end == "refusal" or message.get("refusal") or isinstance(
            told, list) and any(isinstance(part, dict) and part.get("refusal")
                                for part in told):
        return Choice("", None, "the model refuses to answer")
    text, thought = without_thinking(joined(told))
    thought = thought or any(message.get(name) for name in THOUGHTS)
    if text.strip() or raw and told is not None and not thought:
        return Choice(text, end)
    if message.get("tool_calls") or message.get("function_call"):
        return Choice("", None, "the model calls a tool and says nothing")
    if end == "length" or thought:
        return Choice("", None, "all tokens went into thinking; raise "
                      "max_new_tokens, or ask the model to think less")
    if told is None or told == []:
        return Choice("", None, "an answer without a text")
    return Choice(text, end)             # a model that has nothing to say


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
                   if isinstance(part, str)
                   or part.get("type") in ("text", "output_text"))


def without_thinking(text):
    """(what follows the thinking, whether there was any)."""
    closed = CLOSED.match(text)
    rest = text[closed.end():] if closed else text
    if OPENED.match(rest):                # and no end of it
        return "", True
    if not closed:
        return text, False
    around = AROUND.match(rest)
    return (around[2] if around else rest.lstrip("\n")), True
