"""Files: the old one or the new one after a kill; an error names its line.

Everything that is kept as a whole is written by :func:`whole_file`, and
records are kept as JSON lines: one dataclass a line, see :func:`write_rows`.
"""

import gzip
import json
import os
import re
import secrets
import zlib
from contextlib import contextmanager
from dataclasses import MISSING, asdict, fields
from pathlib import Path

from helpers.tools.arguments import is_path

# What json.dumps writes as a text or a number, and the beginning of one.
TEXT = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)')
NUMBER = re.compile(r"[-+.\w]+")


# ------------------------------------------------------------- whole files

@contextmanager
def whole_file(path):
    """A new binary file that takes the place of ``path`` at the end.

    It is written beside ``path`` and renamed once it is on the disk, so a
    kill leaves the old file or the new one; an error leaves the old one and
    nothing else.  Two writers at a time do not disturb each other: the last
    one wins.  Raises ``OSError`` for what is no file, such as a device.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise OSError(f"{path} is a device or a pipe, and a file would take "
                      f"its place; choose another path")
    path.parent.mkdir(parents=True, exist_ok=True)
    # Hidden, so that what a kill leaves is not taken for a result.
    new = path.with_name(
        f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.new")
    try:
        with open(new, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    finally:
        new.unlink(missing_ok=True)


def write_text(path, text):
    """Write ``text`` so that a kill leaves the old file or the new one."""
    data = text.encode()
    with whole_file(path) as file:
        file.write(data)


@contextmanager
def reading(path, remedy):
    """The text file ``path``, plain or ``.gz``, open for reading.

    Raises, in one sentence that ends with ``remedy``, ``FileNotFoundError``
    where there is none, ``ValueError`` for a folder, a file that is not text
    in UTF-8, one that is not or not wholly gzip, and a device, which may have
    no end, and ``OSError`` for one that the disk does not give.
    """
    if not is_path(path):
        raise ValueError(f"{path!r:.60} is no path of a file; {remedy}")
    path = Path(path)
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        if path.is_char_device() or path.is_block_device():
            raise ValueError(f"{path} is a device, not a file; {remedy}")
        # Editors on Windows begin a file with a mark, which -sig passes over.
        with opened(path, "rt", encoding="utf-8-sig") as file:
            yield file
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {path}; {remedy}"
                                ) from None
    except IsADirectoryError:
        raise ValueError(f"{path} is a folder, not a file; {remedy}"
                         ) from None
    except UnicodeDecodeError as error:
        if error.object.startswith(b"\x1f\x8b"):
            raise ValueError(f"{path} is not text in UTF-8: it is packed by "
                             f"gzip, and not named .gz; {remedy}") from None
        raise ValueError(f"{path} is not text in UTF-8 ({error.reason} "
                         f"{error.object[error.start]:#04x}); {remedy}"
                         ) from None
    except (gzip.BadGzipFile, zlib.error):
        raise ValueError(f"{path} is named .gz and is not in that format, or "
                         f"is damaged; {remedy}") from None
    except EOFError:
        raise ValueError(f"{path} is cut short; {remedy}") from None
    except PermissionError:
        raise PermissionError(f"{path} may not be read; {remedy}") from None
    except OSError as error:
        raise type(error)(f"{path} cannot be read ({error.strerror}); "
                          f"{remedy}") from None


# -------------------------------------------------------------- JSON lines

def lines_of(rows):
    """The text of a file of JSON lines that holds ``rows``."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in rows)


def write_rows(path, rows):
    """Write dataclasses as JSON lines, all or nothing; ``.gz`` is packed.

    The same rows give the same bytes.  Raises ``TypeError`` for a value that
    JSON has no name for.
    """
    data = lines_of(rows).encode()
    if Path(path).suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    with whole_file(path) as file:
        file.write(data)


def read_rows(path, kind, wrong, remedy, check, unfinished=False):
    """The rows of a file of JSON lines, plain or ``.gz``, as ``kind``.

    ``kind`` is a dataclass; the types of its fields are checked.  ``wrong``
    is what is said of a line that is none, with places for {number} and
    {name}; behind it come the reason, the beginning of the line and
    ``remedy``.  ``check`` is what to do where the file itself cannot be
    read.  With ``unfinished`` the file grows by appending: it may be empty,
    and a last line that a kill left incomplete is passed over.  Raises
    ``ValueError``, and as :func:`reading`.
    """
    with reading(path, check) as file:
        *lines, last = file.read().split("\n")
    if last and not unfinished:
        lines.append(last)
    if not lines and not unfinished:
        raise ValueError(f"{path} is empty; {check}")

    def refuse(number, line, why):
        said = wrong.format(number=number, name=Path(path).name)
        raise ValueError(f"{said} ({why}): {line[:60]!r}; {remedy}") from None

    rows = []
    for number, line in enumerate(lines, start=1):
        try:
            rows.append(_row(kind, json.loads(line)))
        except RecursionError:
            refuse(number, line, "it is nested too deeply")
        except ValueError as error:
            refuse(number, line, getattr(error, "msg", error))
    if unfinished and not begins_row(kind, last):
        refuse(len(lines) + 1, last, "nor the beginning of one")
    return rows


def _row(kind, values):
    """The ``kind`` that these ``values`` are, if they fit its fields."""
    if not isinstance(values, dict):
        raise ValueError(f"a {type(values).__name__} in the place of an "
                         f"object")
    for field in fields(kind):
        name, wanted = field.name, field.type
        if name not in values:
            if field.default is MISSING:
                raise ValueError(f"{name} is missing")
            continue
        accepted = (int, float) if wanted is float else wanted
        value = values[name]
        if not isinstance(value, accepted) or (
                isinstance(value, bool) and wanted is not bool):
            raise ValueError(f"{name} is of type {type(value).__name__}, not "
                             f"{wanted.__name__}")
    try:
        return kind(**values)
    except TypeError:
        odd = values.keys() - {field.name for field in fields(kind)}
        raise ValueError(f"{min(odd)} is no field of it") from None


def begins_row(kind, text):
    """Is ``text`` the beginning of a line that :func:`write_rows` writes?

    The fields of ``kind`` are texts and numbers.
    """
    for number, field in enumerate(fields(kind)):
        head = (', "' if number else '{"') + field.name + '": '
        if len(text) <= len(head):
            return head.startswith(text)
        pattern = TEXT if field.type is str else NUMBER
        value = pattern.match(text, len(head))
        if not text.startswith(head) or value is None:
            return False
        text = text[value.end():]
    return text in ("", "}")
