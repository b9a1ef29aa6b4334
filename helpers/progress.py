"""A progress bar in one line, which is gone when the work is done.

Below a cell the bar stands among what the cell prints: on stderr it would be
a red box.  Elsewhere it goes to stderr, so that what a script prints may be
piped.  It is text, since widgets break notebooks on GitHub.
"""

import sys

from tqdm import tqdm

_last = None                    # the newest bar


class Bar(tqdm):
    """A bar of tqdm, without the thread that wakes up others."""

    monitor_interval = 0        # it would draw a bar that was left open


def progress_bar(over=None, title="", *, total=None, done=0, unit=" steps",
                 shown=True):
    """A bar of ``total`` pieces of work, ``done`` of them before.

    ``over`` is what to iterate over, or None: then call ``update`` and use
    the bar in a ``with``, which closes it after errors and interrupts too.
    It appears after a second, so that what is quick shows none.  There is one
    bar at a time: what an interrupt left open, in a generator that nobody
    ends, is closed by the next.  Not ``shown``, it does nothing.
    """
    global _last
    if not shown:
        return Bar(over, total=total, initial=done, disable=True)
    if _last is not None:
        _last.close()
    notebook = _in_notebook()
    _last = Bar(over, desc=title, total=total, initial=done, unit=unit,
                file=sys.stdout if notebook else sys.stderr,
                # Always its own line, and never one that wraps.
                position=0, leave=False, delay=1,
                ncols=78 if notebook else None, dynamic_ncols=not notebook,
                # A file shows every bar below the one before it.
                mininterval=0.2 if notebook or sys.stderr.isatty() else 20,
                miniters=0)         # the clock alone says when to draw
    return _last


def _in_notebook():
    """Whether what is printed appears below a cell."""
    return type(sys.stdout).__module__.startswith("ipykernel.")
