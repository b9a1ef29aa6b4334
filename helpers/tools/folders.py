"""Folders that are replaced as a whole, and only where they are ours."""

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from helpers.tools.arguments import see_that_it_is_a_path
from helpers.tools.files import (make_folder, saying_where, scratch_beside,
                                 write_text)


@contextmanager
def whole_folder(path, names=()):
    """A new folder that takes the place of ``path`` at the end.

    Replaced is what is empty, or holds the first of ``names`` and nothing
    but files of ``names``.  A kill leaves the new folder, the old one, or
    both beside ``path``.  Raises ``ValueError`` for a folder of others, a
    file, a link and no path, and ``OSError`` as :func:`whole_file`.
    """
    see_that_it_is_a_path(path)
    path = Path(os.path.abspath(path))
    if path.is_symlink() or path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file or a link, and a folder would "
                         f"take its place; choose another path")
    with saying_where(path):
        there = sorted(path.iterdir()) if path.exists() else []
        odd = [one.name for one in there
               if one.name not in names or not one.is_file()]
        if there and (odd or path / names[0] not in there):
            raise ValueError(
                f"{path} holds {(odd or [there[0].name])[0]}, which is no "
                f"part of what would take its place; choose a folder that is "
                f"new or empty")
        new, old = scratch_beside(path, "new"), scratch_beside(path, "old")
        make_folder(new)
        try:
            yield new
            try:
                if path.exists():
                    path.rename(old)
                new.rename(path)
            except BaseException:
                if old.exists() and not path.exists():
                    old.rename(path)
                raise
            shutil.rmtree(old, ignore_errors=True)
        finally:
            shutil.rmtree(new, ignore_errors=True)


def claim_folder(folder, command, known=None):
    """Put a mark into a folder whose files ``command`` makes and replaces.

    Raises ``ValueError`` for a folder that holds something and has no mark,
    unless ``known(folder)`` says that it is an older one of ours, and for a
    file; ``OSError`` where it cannot be written.
    """
    folder, mark = Path(folder), f".made-by-{command}"
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; name a folder")
    with saying_where(folder):
        if not (folder / mark).is_file() and folder.exists() and any(
                folder.iterdir()) and not (known and known(folder)):
            raise ValueError(
                f"{folder} holds files that are not of `python -m helpers "
                f"{command}`, and it might replace them; name a folder that "
                f"is new or empty")
        make_folder(folder)
    write_text(folder / mark, f"`python -m helpers {command}` made this "
               f"folder, and replaces what is in it.\n")
