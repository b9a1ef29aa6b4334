"""What sampling will take, before the first call: tokens, hours, money.

No model of a machine: it multiplies and divides what you tell it.  Whether it
told the truth is for a measured run to say; notebook 08 does one.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from helpers.teachers.endpoint import Endpoint
from helpers.tools.arguments import counts, each_of, excerpt, plain_number


@dataclass(frozen=True)
class Cost:
    """What a sampling takes.

    ``hours`` are on the clock, ``gpu_hours`` those of all GPUs together; both
    are None where no speed was given, and ``money`` is None without a price.
    """

    calls: int
    prompt_tokens: float
    new_tokens: float
    hours: float | None = None
    gpu_hours: float | None = None
    money: float | None = None


def estimate(problems, n, prompt_tokens, new_tokens, choices, speeds):
    """(tokens read, tokens written, seconds) of ``n`` completions a problem.

    ``prompt_tokens`` and ``new_tokens`` are *means*: of a prompt, and of a
    completion.  A call gives up to ``choices`` completions and reads its
    prompt once; ``speeds`` are tokens a second, (read, written).  Introduced
    in notebook 08.
    """
    calls = problems * math.ceil(n / choices)
    read, written = calls * prompt_tokens, problems * n * new_tokens
    return read, written, read / speeds[0] + written / speeds[1]


def cost_of(problems, n, prompt_tokens, new_tokens, choices=1, prices=None,
            speeds=None, gpus=1, gpu_hour=None):
    """The :class:`Cost` of ``n`` completions for each of ``problems``.

    The first five and ``speeds`` are those of :func:`estimate`, the speeds
    on one of ``gpus`` cards, each of which costs ``gpu_hour`` an hour; work
    is taken to split evenly.  ``prices`` are those of a million (prompt,
    new) tokens.  Raises ``ValueError`` for what is no number, counts below 1,
    negative numbers, speeds of 0, and for both kinds of price at once.
    Introduced in notebook 08.
    """
    pairs = [("prices", prices), ("speeds", speeds)]
    for name, pair in pairs:
        if pair is not None and not (isinstance(pair, (tuple, list))
                                     and len(pair) == 2):
            raise ValueError(f"{name} are a pair, of reading and of writing, "
                             f"not {excerpt(pair)}")
    for name, value in [
            ("problems", problems), ("n", n), ("choices", choices),
            ("gpus", gpus), ("prompt_tokens", prompt_tokens),
            ("new_tokens", new_tokens), ("gpu_hour", gpu_hour or 0),
            *((name, one) for name, pair in pairs for one in pair or ())]:
        if not math.isfinite(plain_number(name, value, False)):
            raise ValueError(f"{name} has an end, and is not {value}")
    if min(problems, n, choices, gpus) < 1:
        raise ValueError("problems, n, choices and gpus are at least 1")
    if min(prompt_tokens, new_tokens, *(prices or ()), gpu_hour or 0) < 0:
        raise ValueError("tokens and prices are not negative")
    if speeds and min(speeds) <= 0:
        raise ValueError("speeds are tokens a second, above 0")
    if prices and gpu_hour is not None:
        raise ValueError("either a server is paid by the token or a card by "
                         "the hour; leave out prices or gpu_hour")
    if gpu_hour is not None and not speeds:
        raise ValueError("a price by the hour needs speeds: tokens a second")
    calls = problems * math.ceil(n / choices)
    read, written, seconds = estimate(problems, n, prompt_tokens, new_tokens,
                                      choices, speeds or (math.inf,) * 2)
    hours = gpu_hours = money = None
    if speeds:
        gpu_hours = seconds / 3600
        hours = gpu_hours / gpus
    if prices:
        money = (read * prices[0] + written * prices[1]) / 1e6
    elif gpu_hour is not None:
        money = gpu_hours * gpu_hour
    return Cost(calls, read, written, hours, gpu_hours, money)


def speeds_of(runs):
    """(prompt, new) tokens a second that explain measured runs best.

    ``runs`` are (prompt tokens, new tokens, seconds), two at least and of
    different shape, as one that mostly reads and one that mostly writes:
    seconds = prompt / first + new / second, by least squares.  Raises
    ``ValueError`` where the runs do not tell the two apart.  Introduced in
    notebook 08.
    """
    runs = list(each_of("runs", runs, "(prompt tokens, new tokens, seconds)"))
    for run in runs:
        if not (isinstance(run, (tuple, list)) and len(run) == 3):
            raise ValueError(f"a run is (prompt tokens, new tokens, seconds), "
                             f"not {excerpt(run)}")
        for name, value in zip(("prompt tokens", "new tokens", "seconds"),
                               run):
            plain_number(name, value, False)
    aa = sum(a * a for a, _, _ in runs)
    ab = sum(a * b for a, b, _ in runs)
    bb = sum(b * b for _, b, _ in runs)
    at, bt = sum(a * t for a, _, t in runs), sum(b * t for _, b, t in runs)
    apart = aa * bb - ab * ab
    if apart > 1e-9 * aa * bb:
        per_prompt = (at * bb - bt * ab) / apart       # seconds a token
        per_new = (bt * aa - at * ab) / apart
        if per_prompt > 0 and per_new > 0:
            return 1 / per_prompt, 1 / per_new
    raise ValueError("these runs do not tell reading from writing; measure "
                     "one with long prompts and few new tokens, and one "
                     "with many")


def duration(hours):
    """``hours`` as one reads them: "40 s", "12 min", "3.5 h", "9 days".

    Introduced in notebook M7.
    """
    for size, unit, most in ((1 / 3600, "s", 1 / 60), (1 / 60, "min", 1),
                             (1, "h", 48)):
        if hours < most:
            return f"{hours / size:.3g} {unit}"
    return f"{hours / 24:,.3g} days" if hours < 24_000 else (
        f"{hours / 24:,.0f} days")


def cost_row(title, cost):
    """A :class:`Cost` as a row of a table: a dict of texts.

    What is not known is left out.  Introduced in notebook 08.
    """
    row = {"run": title, "calls": f"{cost.calls:,}",
           "M tokens read": f"{cost.prompt_tokens / 1e6:,.1f}",
           "M tokens written": f"{cost.new_tokens / 1e6:,.1f}"}
    if cost.hours is not None:
        row["time"] = duration(cost.hours)
    if cost.money is not None:
        row["dollars"] = f"{cost.money:,.2f}"
    return row


def show_cost(teacher, asked, max_new_tokens):
    """Print, in a line, what a lesson will ask of a teacher, at most.

    ``asked`` are pairs ({task_id: prompt}, n) of all its calls: ``n``
    completions of each prompt, of up to ``max_new_tokens`` tokens.  Nothing
    is asked for.  What a cache file holds is not asked again, so a second
    run costs less.  Introduced in notebook 02.
    """
    counts(max_new_tokens=max_new_tokens)
    asked = list(each_of("calls", asked, "({task_id: prompt}, n)"))
    for call in asked:
        if not (isinstance(call, (tuple, list)) and len(call) == 2
                and isinstance(call[0], Mapping)):
            raise ValueError(f"a call is ({{task_id: prompt}}, n), not "
                             f"{excerpt(call)}")
        plain_number("n", call[1], True, 0)
    asked = [(prompts, n) for prompts, n in asked if prompts and n]
    samples = sum(len(prompts) * n for prompts, n in asked)
    line = (f"cost: at most {samples:,} samples, "
            f"{samples * max_new_tokens:,} new tokens")
    if not isinstance(teacher, Endpoint):
        print(f"{line}; time and no money, as {teacher.name} is on this "
              f"machine")
        return
    read = sum(teacher.prompt_tokens(prompts, n) for prompts, n in asked)
    line += f", {read:,} tokens read"
    try:
        money = teacher.dollars(read, samples * max_new_tokens)
    except ValueError:
        print(f"{line}; what {teacher.serves} takes for them is not known "
              f"here: look it up and write it behind the address, as in "
              f"?price=0.5,1.5 (dollars a million tokens, read and written)")
        return
    print(f"{line}: ${money:,.2f} at most" if money else
          f"{line}; free of charge, by its price or as it is on "
          f"this machine")
