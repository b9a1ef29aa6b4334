"""Inside a worker: these files import the standard library and each other.

``worker`` starts a program and reports; ``child`` is the forked process that
runs it, by ``reports``, ``script`` or ``calls``, in a ``habitat``, or tests
of it, by ``referee``; ``supervision`` watches it; ``isolation`` and ``audit``
keep it in; ``sums`` and ``plain`` are shortcuts and the form in which values
travel, ``border`` what stays.
"""
