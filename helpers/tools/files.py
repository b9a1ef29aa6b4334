"""Files: the old one or the new one after a kill; an error names its line.

Everything that is kept as a whole is written by :func:`whole_file`, and
records are kept as JSON lines: one dataclass a line, see :func:`write_rows`.
"""

import errno
import gzip
import json
import os
import re
import secrets
import shutil
import stat
import zlib
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import MISSING, asdict, fields
from pathlib import Path

from helpers.tools.arguments import (each_of, is_path,
                                     see_that_it_is_a_path)

# What json.dumps writes as a text or a number, and the beginning of one.
TEXT = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)')
NUMBER = re.compile(r"[-+.\w]+")
# How files begin that people have in the place of text.
NO_TEXTS = {
    b"PAR1": "a Parquet file", b"ARROW1": "an Arrow file",
    b"PK\3\4": "a zip archive or a workbook", b"BZh": "packed by bzip2",
    b"\x28\xb5\x2f\xfd": "packed by zstd", b"\xfd7zXZ": "packed by xz",
    b"\xff\xfe": "in UTF-16"}


# ------------------------------------------------------------- whole files

@contextmanager
def whole_file(path):
    """A new binary file that takes the place of ``path`` at the end.

    It is written beside ``path`` and renamed once it is on the disk, so a
    kill leaves the old file or the new one; an error leaves the old one and
    nothing else.  Two writers at a time do not disturb each other: the last
    one wins.  A link stays one, and the file that it leads to is written.
    Raises ``ValueError`` for what is no path, and ``OSError``, in a sentence,
    for what is no file, such as a device, and for a place that cannot be
    written.
    """
    see_that_it_is_a_path(path)
    wanted, path = Path(path), Path(os.path.realpath(path))
    with saying_where(wanted):
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise OSError(f"{wanted} is a device or a pipe, and a file would "
                          f"take its place; choose another path")
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.exists() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        make_folder(path.parent)
        new = scratch_beside(path, "new")
        with open(new, "xb") as file:
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                with suppress(OSError):      # a new file; a disk without modes
                    os.chmod(new, stat.S_IMODE(path.stat().st_mode))
                os.replace(new, path)
            finally:
                new.unlink(missing_ok=True)


def make_folder(path):
    """A folder and those above it; raises ``OSError`` where they cannot be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:                  # a file, here or above
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)
                                 ) from None


def scratch_beside(path, end):
    """A path beside ``path`` that nobody has.

    Hidden, so that what a kill leaves is not taken for a result.
    """
    return path.with_name(
        f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.{end}")


@contextmanager
def saying_where(path):
    """What the disk says within the block, in a sentence about ``path``."""
    try:
        yield
    except Exception as error:
        found = of_the_disk(error)
        if found is None or not found.strerror:
            raise
        raise type(found)(
            f"cannot write {path} ({found.strerror}); what stood there is as "
            f"it was: make room, or choose a place that may be written, and "
            f"run again") from None


def of_the_disk(error):
    """The ``OSError`` that an error is, or stands for; None if it is none.

    torch raises its own in the place of one; safetensors tells its number.
    """
    if isinstance(error, shutil.Error):      # of each file that it copied
        number = re.search(r"\[Errno (\d+)\]", str(error))
        return number and OSError(int(number[1]), os.strerror(int(number[1])))
    if isinstance(error, OSError):
        return error
    if number := re.search(r"\(os error (\d+)\)", str(error)):
        return OSError(int(number[1]), os.strerror(int(number[1])))
    inner = error.__context__ if isinstance(error, RuntimeError) else None
    return inner if isinstance(inner, OSError) else None


class _Seen(Exception):
    """Nothing is to be written."""


def see_that_it_can_be_written(path, room=0):
    """Raises as :func:`whole_file` would, and leaves all as it is.

    ``room``: the bytes that are needed there.
    """
    see_that_it_is_a_path(path)
    missing = [folder for folder in Path(path).resolve().parents
               if not folder.exists()]
    try:
        with whole_file(path):
            if shutil.disk_usage(Path(path).resolve().parent).free < room:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise _Seen
    except _Seen:
        pass
    finally:
        for folder in missing:               # the deepest first
            with suppress(OSError):
                folder.rmdir()


def see_that_it_is(path, what, is_one):
    """Raises ``ValueError`` where ``path`` is a file, and none of ours.

    ``is_one(data)`` says so of its first line and a little more, in bytes; an
    empty file is anybody's.  ``what`` would take its place.
    """
    see_that_it_is_a_path(path)
    path = Path(path)
    if not path.is_file():
        return
    with saying_where(path):
        opened = gzip.open if path.suffix == ".gz" else open
        try:
            with opened(path, "rb") as file:
                data = file.readline() + file.read(99)
        except (gzip.BadGzipFile, zlib.error, EOFError):
            data = b"?"
        if path.stat().st_size and not is_one(
                data.removeprefix(b"\xef\xbb\xbf")):
            raise ValueError(f"{path} is there already, and is not {what}; "
                             f"choose another path, or put that file away")


def write_text(path, text):
    """Write ``text`` so that a kill leaves the old file or the new one.

    A line of JSON takes the place of one with the same first fields alone;
    raises ``ValueError`` for another file.
    """
    data = text.encode()
    if data.startswith(b'{"'):
        see_that_it_is(path, "a file of this kind", has_fields(
            first_fields(data.partition(b"\n")[0]) or []))
    with whole_file(path) as file:
        file.write(data)


def write_all(texts):
    """Write texts {path: text or bytes}: all files, or none of them."""
    with ExitStack() as files:
        for path, text in texts.items():
            file = files.enter_context(whole_file(path))
            file.write(text.encode() if isinstance(text, str) else text)
            file.flush()               # a full disk says so before the end
            os.fsync(file.fileno())


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
            how = ("twice, unpack it once" if path.suffix == ".gz"
                   else "and not named .gz")
            raise ValueError(f"{path} is not text in UTF-8: it is packed by "
                             f"gzip, {how}; {remedy}") from None
        for begins, kind in NO_TEXTS.items():
            if error.object.startswith(begins):
                raise ValueError(f"{path} is not text in UTF-8 but {kind}; "
                                 f"convert it to JSON lines, or {remedy}"
                                 ) from None
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
        raise type(error)(f"{path} cannot be read "
                          f"({error.strerror or error}); {remedy}") from None


def read_notebook(path):
    """The notebook in a file of the collection, as nbformat has it.

    Raises ``ValueError``, in one sentence that names the file, for what is
    none, such as one with marks of a merge, and as :func:`reading`.
    """
    import nbformat
    remedy = "restore it, `git checkout` does, and run again"
    with reading(path, remedy) as file:
        text = file.read()
    try:
        notebook = nbformat.reads(text, as_version=4)
        if not all(isinstance(cell.source, str) for cell in notebook.cells):
            raise ValueError("a cell has no source")
    except Exception as error:              # each version has its own
        said = str(error).partition("\n")[0][:60]
        raise ValueError(f"{path} is no notebook, or a damaged one ({said}); "
                         f"{remedy}") from None
    return notebook


# -------------------------------------------------------------- JSON lines

def lines_of(rows):
    """The text of a file of JSON lines that holds ``rows``."""
    return "".join(json.dumps(asdict(row)) + "\n" for row in rows)


def write_rows(path, rows, kind):
    """Write rows of ``kind`` as JSON lines, all or nothing; ``.gz`` is packed.

    ``kind`` is a dataclass.  The same rows give the same bytes.  Raises
    ``ValueError`` for what :func:`read_rows` would not read, and where
    another file stands.
    """
    name, rows = kind.__name__, list(each_of("rows", rows, kind.__name__))
    for number, row in enumerate(rows):
        if not isinstance(row, kind):
            raise ValueError(f"row {number} is no {name}: {row!r:.60}; "
                             f"nothing was written")
        try:
            _row(kind, asdict(row))
        except ValueError as error:
            raise ValueError(f"row {number} is no whole {name} ({error}); "
                             f"nothing was written") from None
    data = lines_of(rows).encode()
    wanted = [field.name for field in fields(kind)][:2] if rows else []
    see_that_it_is(path, "a file of this kind", has_fields(wanted))
    if Path(path).suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    with whole_file(path) as file:
        file.write(data)


def first_fields(line):
    """The first two fields of a line of JSON; None if it is no object."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return list(row)[:2] if isinstance(row, dict) else None


def has_fields(wanted):
    """Says of a line whether it begins with the fields ``wanted``."""
    def has_them(data):
        found = first_fields(data.partition(b"\n")[0])
        return found is not None and found[:len(wanted)] == wanted
    return has_them


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
    if unfinished and (whole := whole_row(kind, last)):
        return [*rows, whole]
    if unfinished and not begins_row(kind, last):
        refuse(len(lines) + 1, last, "nor the beginning of one")
    return rows


def whole_row(kind, line):
    """The ``kind`` that a last line is without its end; None if it is none.
    """
    try:
        return _row(kind, json.loads(line))
    except (ValueError, RecursionError):
        return None


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
