"""Copies of the notebooks to work in: ``python -m helpers workbooks``.

A notebook that is opened and run is changed, and those in ``notebooks/`` are
the collection's own.  So ``make lab`` puts copies into ``work/``, which git
does not look at, and ``make reset NOTEBOOK=05`` puts a fresh one there.
Nothing that a learner has changed is overwritten.
"""

import argparse
import datetime
import hashlib
import json
import sys

from helpers import profiles
from helpers.tools.files import whole_file, write_text
from helpers.tools.run import select
from helpers.tools.stamping import without_picture

FOLDER = "work"
NOTE = ".copied.json"         # {name: SHA-256 of the copy as it was made}


def main(argv=None):
    """Make the copies that are missing, or fresh ones; the exit code."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers workbooks", description="Copy the notebooks "
        "to work/, where you can change and run them; what you have changed "
        "there is kept.")
    parser.add_argument("--reset", nargs="*", metavar="NOTEBOOK",
                        help="put a fresh copy of these there; yours is kept "
                        "under another name")
    options = parser.parse_args(argv)
    try:
        if options.reset is None:
            print(fill(profiles.ROOT))
        elif not options.reset:
            raise ValueError("say which notebook is to be fresh again: make "
                             "reset NOTEBOOK=05")
        else:
            for line in reset(profiles.ROOT, options.reset):
                print(line)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot read or write {error.filename or FOLDER + '/'} "
              f"({error.strerror}); see that {FOLDER}/ and the notebooks in "
              f"it are yours and that there is room, then try again"
              if error.strerror else error, file=sys.stderr)
        return 2
    return 0


def fill(root):
    """Copy the notebooks that ``work/`` lacks; a sentence of what was done.

    A copy that is as it was made follows the collection's notebook; any other
    is the learner's and stays, and so is a link to a notebook elsewhere.
    """
    folder, done = workplace(root), {"new": 0, "as they were": 0, "yours": 0}
    made = read_note(folder)
    for source in select([], root / "notebooks", everything=True):
        target, data = place_of(source, root, folder), copied(source)
        there, name = content(target), target.relative_to(folder).as_posix()
        if target.is_symlink():
            done["yours"] += 1
        elif there == data:
            done["as they were"] += 1
        elif there is None or made.get(name) == digest(there):
            done["new"] += 1
            put(folder, target, data, made)
        else:
            done["yours"] += 1
    counted = ", ".join(f"{count} {what}" for what, count in done.items()
                        if count)
    return (f"the notebooks to work in are in {FOLDER}/: {counted}. What you "
            f"change there stays; a fresh copy: make reset NOTEBOOK=05")


def reset(root, names):
    """Fresh copies of the notebooks ``names``; a sentence for each.

    What was there is kept beside it under a name with the date.  Raises
    ``ValueError`` where there is no such notebook.
    """
    folder = workplace(root)
    made = read_note(folder)
    for source in select(names, root / "notebooks"):
        target, data = place_of(source, root, folder), copied(source)
        name = target.relative_to(folder).as_posix()
        there = content(target)
        if there == data and not target.is_symlink():
            yield f"{FOLDER}/{name} is as it came"
            continue
        kept = ""
        if there is not None:
            yours = unused(target)
            target.rename(yours)
            kept = f"; yours is {FOLDER}/{yours.relative_to(folder)}"
        try:
            put(folder, target, data, made)
        except BaseException:
            if kept and content(target) is None:     # no room for a copy
                yours.rename(target)
            raise
        yield (f"{FOLDER}/{name} is fresh{kept}. If it is open, "
               f"close it and open it again")


def copied(source):
    """The bytes of the copy of a notebook: its own, made for a place offline.
    """
    return without_picture(source.read_text("utf-8")).encode()


def workplace(root):
    """The folder ``work/``.  Raises ``ValueError`` where it cannot be."""
    folder = root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot make the folder {FOLDER}/ in the "
                         f"repository ({error.strerror}); put away what is "
                         f"in its place") from None
    return folder


def place_of(source, root, folder):
    """Where the copy of a notebook is, in a folder like its own.

    Raises ``ValueError`` where that cannot be.
    """
    target = folder / source.relative_to(root / "notebooks")
    try:
        target.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise ValueError(f"cannot make the folder {FOLDER}/"
                         f"{target.parent.name} ({error.strerror}); put away "
                         f"what is in its place") from None
    return target


def content(target):
    """The bytes of ``target``, or None where there is nothing.

    Raises ``ValueError`` for a folder, and for a link that leads nowhere.
    """
    if target.is_dir() or target.is_symlink() and not target.exists():
        raise ValueError(f"{FOLDER}/{target.name} is a folder, or a link that "
                         f"leads nowhere, and no notebook; give it another "
                         f"name")
    return target.read_bytes() if target.exists() else None


def unused(target):
    """A path beside ``target`` with the date in it, where nothing is yet."""
    today, number = datetime.date.today().isoformat(), 1
    while True:
        more = f"-{number}" if number > 1 else ""
        path = target.with_name(f"{target.stem}.{today}{more}.ipynb")
        if not path.exists() and not path.is_symlink():
            return path
        number += 1


def put(folder, target, data, made):
    """Write a copy, and note what it is like."""
    made[target.relative_to(folder).as_posix()] = digest(data)
    # The note first: after a kill between the two, nothing that is not the
    # collection's own is taken for a copy of it.
    write_text(folder / NOTE, json.dumps(made, indent=1) + "\n")
    with whole_file(target) as file:
        file.write(data)


def read_note(folder):
    """What :func:`put` noted; where that cannot be read, nothing is ours."""
    try:
        made = json.loads((folder / NOTE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return made if isinstance(made, dict) else {}


def digest(data):
    return hashlib.sha256(data).hexdigest()
