"""What a learner wrote, put to use; and what was guessed, put beside it."""

import contextlib
import functools
import inspect
import io
from collections.abc import Iterator

from helpers.checks.report import gave_iterator


_told = {}                    # {ours: what was said when it was taken}


def yours(mine, check, ours):
    """The function that the notebook goes on with, said in one line.

    That is ``mine``, the learner's, if ``check`` finds it right, else
    ``ours``, the collection's own: so a notebook runs to its end before the
    exercise is done.  The check prints its line first.  A cell that gave the
    learner's name to ``ours`` and is run again says again what it said.
    Where ``mine`` returned an iterator, and ``ours`` does not, what the
    notebook calls gives a list: its cells count and go through it twice.
    """
    if mine is ours and ours in _told:
        print(_told[ours], end="")
        return ours
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        right = check(mine)
    name = getattr(ours, "__name__", "it")
    print(f"from here on: your {name}" if right else
          f"from here on: the collection's {name}, until yours is right",
          file=said)
    print(said.getvalue(), end="")
    _told[ours] = said.getvalue()
    if not right:
        return ours
    if gave_iterator(mine) and not inspect.isgeneratorfunction(ours):
        return _listed(mine)
    return mine


def _listed(function):
    """``function`` with a list in the place of an iterator."""
    @functools.wraps(function)
    def listed(*arguments, **named):
        value = function(*arguments, **named)
        return list(value) if isinstance(value, Iterator) else value
    return listed


def guessed(my_guess, value, unit="%"):
    """Print what was guessed before, beside what came out.

    ``my_guess`` is None as long as nothing was written down; a ``value`` that
    is a float is shown with one decimal.
    """
    came_out = _in_words(value, unit)
    if my_guess is None or my_guess is ...:
        print(f"you wrote no guess down; it is {came_out}")
    else:
        print(f"you guessed {_in_words(my_guess, unit)}; it is {came_out}")


def _in_words(value, unit):
    text = f"{value:.1f}" if isinstance(value, float) else str(value)
    return f"{text}{'' if unit in ('', '%') else ' '}{unit}"
