"""What a server says of an error, out of all the forms in which servers do.
"""

import html
import json
import re

# Where servers put the words, the outermost first: OpenAI, Cloudflare,
# FastAPI, MiniMax, others.
INNER = ("error", "errors", "base_resp", "detail", "message", "status_msg",
         "msg")
TOLD_BY = ("code", "status", "status_code", "type", "param")
# What a word for the kind of an error means, as an HTTP status.
ERROR_KINDS = ((r"rate.?limit|resource.?exhausted|too.?many", 429),
         (r"insufficient|balance|payment|billing", 402),
         (r"overload|unavailable", 503),
         (r"authenticat|api.?key|unauthori[sz]ed", 401),
         (r"permission|forbidden", 403), (r"not.?found", 404),
         (r"invalid|validation|bad.?request|unsupported", 400))


def told_by(failure):
    """(words, {code, type, param as far as they are told}) of an error.

    ``failure`` is the JSON of an answer, or its text.
    """
    told = {}
    for _ in range(9):
        if isinstance(failure, list):
            if all(isinstance(one, dict) and "msg" in one for one in failure):
                return fields(failure, told)             # FastAPI's
            failure = failure[0]                         # Gemini's
        if not isinstance(failure, dict):
            break
        told.update({name: failure[name] for name in TOLD_BY
                     if isinstance(failure.get(name), (str, int))})
        raw = failure.get("metadata")                    # OpenRouter's
        raw = raw.get("raw") if isinstance(raw, dict) else None
        inner = next((failure[name] for name in INNER if failure.get(name)),
                     None)
        if raw and isinstance(inner, str):
            inner = f"{inner}: {told_by(json_or_text(raw))[0]}"
        if inner is None:
            failure = json.dumps(failure) if failure else ""
            break
        failure = inner
    return in_one_line(failure), told


def fields(listed, told):
    """As :func:`told_by`, of a list of fields and what is wrong with each."""
    places = [str((one.get("loc") or ["?"])[-1]) for one in listed]
    if places:
        told.setdefault("param", places[0])
    return in_one_line("; ".join(
        f"{place}: {one['msg']}" for place, one in zip(places, listed))), told


def json_or_text(raw):
    """``raw`` read as JSON, or as it is."""
    try:
        return json.loads(raw)
    except (TypeError, ValueError, RecursionError):
        return raw


def in_one_line(text):
    """A text without line breaks, and without the marks of HTML."""
    text = "" if text is None else str(text)
    if re.match(r"\s*<(!doctype|html|head|body)", text, re.IGNORECASE):
        text = re.sub(r"(?is)<(script|style|title).*?</\1>|<[^>]*>", " ", text)
        text = html.unescape(text)
    return " ".join(text.split())


def status_of(failure):
    """The HTTP status that an error within an answer stands for.

    500 where it does not say; 0 for an answer that is no error.
    """
    if isinstance(failure, list) and len(failure) == 1:
        failure = failure[0]
    if not isinstance(failure, dict) or not any(map(failure.get, INNER)):
        return 0
    if failure.get("choices") and not failure.get("error"):
        return 0
    _, told = told_by(failure)
    whole = failure.get("error")
    for code in (told.get("code"), told.get("status"), whole):
        if re.fullmatch(r"[45]\d\d", str(code)):
            return int(code)
    kind = " ".join(str(told.get(name)) for name in TOLD_BY)
    return next((code for words, code in ERROR_KINDS
                 if re.search(words, kind, re.IGNORECASE)), 500)
