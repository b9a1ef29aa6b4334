"""A copy of the worker's modules with some lines changed, for tests."""

from helpers.profiles import ROOT

INSIDE = ROOT / "helpers" / "execution" / "inside"
FAMILY = sorted(path.name for path in INSIDE.glob("[a-z]*.py"))
NO_HOOK = {"child.py": [
    ("addaudithook(HOOKS.pop())", "pass")]}
NO_LANDLOCK = {"isolation.py": [("_succeeds(libc.syscall, 446, ruleset, 0)",
                                 "False")]}


def changed_worker(folder, changes):
    """Writes the modules into a folder: the path of the worker there.

    ``changes`` has for a file name the texts to replace, each of which has
    to be there once, and what replaces them.
    """
    for name in FAMILY:
        text = (INSIDE / name).read_text()
        for old, new in changes.get(name, ()):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        (folder / name).write_text(text)
    return folder / "worker.py"
