"""Arguments that are numbers or paths: what is none is refused in words."""

import numbers
import os

import numpy as np

EXACT = 2 ** 53            # from here on a float no longer counts one by one


def plain_number(name, value, whole, low=None, high=None):
    """``value`` as a number of Python's own, which JSON can hold.

    ``whole``: it counts something.  Raises ``ValueError``, which begins with
    ``name``, for what is no number, no whole one, or not from ``low`` to
    ``high``, both included.
    """
    wanted = numbers.Integral if whole else numbers.Real
    ends = ("" if low is None else f" from {low:,}" + (
        " on" if high is None else f" to {high:,}"))
    if isinstance(value, (bool, np.bool_)) or not isinstance(
            value, wanted) or not (
            (low is None or low <= value)            # nan is neither
            and (high is None or value <= high)):
        raise ValueError(f"{name} is a {'whole ' if whole else ''}number"
                         f"{ends}, not {excerpt(value)}")
    if type(value) is int:
        return value
    return int(value) if whole else float(value)


def counts(**given):
    """Raises ``ValueError`` unless each is a whole number from 1 on."""
    for name, value in given.items():
        plain_number(name, value, True, 1)


def limits(**given):
    """Raises ``ValueError`` unless each is a whole number from 1 on, or None.
    """
    counts(**{name: value for name, value in given.items()
              if value is not None})


def above_zero(name, value):
    """Raises ``ValueError`` unless it is a number above 0, and an end to it.
    """
    if not 0 < plain_number(name, value, False) < float("inf"):
        raise ValueError(f"{name} is above 0, not {value}")


def is_path(path):
    """Whether something may be the path of a file."""
    try:
        return (isinstance(path, (str, os.PathLike)) and path != ""
                and b"\0" not in os.fsencode(path))
    except (TypeError, UnicodeEncodeError):      # half a character, say
        return False


def see_that_it_is_a_path(path):
    """Raises ``ValueError`` for what cannot be the path of a file."""
    if not is_path(path):
        raise ValueError(f"{path!r:.60} is no path of a file; give a text, "
                         f"or a Path")


def each_of(what, things, kind="them"):
    """Things one by one.  Raises ``ValueError`` where that cannot be."""
    try:
        return iter(things)
    except TypeError:
        raise ValueError(f"{what} come as a list of {kind}, not "
                         f"{things!r:.60}") from None


def title_of(objective):
    """The title of a function, by which the trainings with it are known.

    Raises ``ValueError`` where it has none.
    """
    if not (callable(objective) and isinstance(
            getattr(objective, "title", None), str)):
        raise ValueError("an objective is a function with a title, by which "
                         "its checkpoints are told from others: "
                         "objective.title = 'my loss'")
    return objective.title


def excerpt(value):
    """The beginning of a value as Python writes it, on one line."""
    if isinstance(value, np.generic):
        value = value.item()
    try:
        return " ".join(repr(value).split())[:60]
    except Exception:                 # an integer of thousands of digits, say
        return f"something of type {type(value).__name__}"


def whole_numbers(name, value):
    """``value``, a number or many, as an array of int64.

    Raises ``ValueError``, which names the first that is no whole number.
    """
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"{name} must hold whole numbers, in rows of one "
                         f"length") from None
    items = array.ravel()
    if array.dtype.kind == "O":
        odd = [not isinstance(item, numbers.Integral)
               or isinstance(item, bool) for item in items]
    elif array.dtype.kind in "iuf":
        odd = ~np.isfinite(items) | (items != np.round(items))
    else:
        odd = np.ones(len(items), bool)
    if any(odd):
        raise ValueError(f"{name} must hold whole numbers, and it holds "
                         f"{excerpt(items[np.argmax(odd)])}")
    for item in items[(items >= EXACT) | (items <= -EXACT)][:1]:
        raise ValueError(f"{name} holds {excerpt(item)}, which is more than "
                         f"can be counted one by one")
    return array.astype(np.int64)


def as_table(scores):
    """``scores`` as an array (seeds, problems) of numbers, at least one.

    Raises ``ValueError`` for anything else.
    """
    try:
        table = np.asarray(scores, dtype=float)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise ValueError(f"scores are a table with a row per seed and a "
                         f"number per problem, not {excerpt(scores)}")
    return table
