"""``python -m helpers grade``: one submission, or a folder of them."""

import argparse
import csv
import io
import json
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from helpers.marking.exercises import all_exercises
from helpers.marking.marks import Marked, Marking
from helpers.marking.sandbox import NotIsolated
from helpers.tools.files import (see_that_it_can_be_written, see_that_it_is,
                                 whole_file)


def main(argv=()):
    """Mark what was handed in; returns the exit code."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers grade", description="Mark the exercises in "
        "a learner's notebook, or in all notebooks of a folder.  Answers run "
        "in processes of their own, without files, network or other "
        "processes; hidden cases are tried beside those of the checks.")
    parser.add_argument("path", type=Path, metavar="SUBMISSION.ipynb|FOLDER")
    parser.add_argument("--json", action="store_true",
                        help="print JSON in the place of text")
    parser.add_argument("--csv", type=Path, metavar="marks.csv",
                        help="write a table, a row for each submission")
    options = parser.parse_args(argv)
    paths = [options.path]
    if options.path.is_dir():
        paths = sorted(path for path in options.path.rglob("*.ipynb")
                       if ".ipynb_checkpoints" not in path.parts)
    if not paths or not options.path.exists():
        print(f"there is no notebook in {options.path}; give a submission, "
              f"or a folder of them", file=sys.stderr)
        return 2
    marked = []
    try:
        exercises = all_exercises()
        if options.csv:
            see_that_it_may_be_the_table(options.csv, paths)
        with Marking(exercises) as marking:
            for path in paths:
                marked.append(replace(one(marking, path),
                                      file=name_in_class(path, options.path)))
                if not options.json:
                    tell(marks_as_text(marked[-1]))
    except (NotIsolated, OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped: {len(marked)} of {len(paths)} submissions were "
              f"marked, and no table was written; the same command begins "
              f"with the first again", file=sys.stderr)
        return 130
    if options.json:
        rows = [as_data(each) for each in marked]
        tell(json.dumps(rows if options.path.is_dir() else rows[0],
                        indent=1, ensure_ascii=False))
    if options.csv:
        try:
            write_table(options.csv, marked, exercises)
        except OSError as error:
            print(f"{error}; the marks are above", file=sys.stderr)
            return 2
        if not options.json:             # whose reader wants JSON alone
            tell(f"written {options.csv}, a row for each of "
                 f"{len(marked)}")
    return 0


def tell(text):
    """Prints it; that nobody reads it any more stops no marking."""
    with suppress(BrokenPipeError):
        print(text, flush=True)


def name_in_class(path, given):
    """What a submission is called: by its folders, too, where a class has a
    folder for each learner, and in each a file of the same name."""
    return (path.relative_to(given).as_posix() if path != given
            else path.name)


def one(marking, path):
    """The ``Marked`` of a file; a fault of ours is told and stops nothing."""
    try:
        return marking.submission(path)
    except NotIsolated:
        raise
    except Exception as error:
        return Marked(path.name, refused=f"it could not be marked "
                      f"({type(error).__name__}: {error!s:.80}); look at it "
                      f"by hand")


def marks_as_text(marked):
    """What is printed of a submission."""
    if marked.refused:
        return f"{marked.file}: not marked: {marked.refused}"
    lines = [f"{marked.file}: notebook {marked.notebook}"]
    for mark in marked.marks:
        lines.append(f"  {mark.exercise} {mark.title} ({mark.importance}): "
                     f"{mark.points} of {mark.out_of}"
                     + (f"; {mark.told}" if mark.told else ""))
    lines.append("  core {} of {}, extra {} of {}".format(
        *marked.total("core"), *marked.total("extra")))
    lines += [f"  note: {told}" for told in marked.told]
    lines += [f"  for the teacher: {odd}" for odd in marked.odd]
    return "\n".join(lines)


def as_data(marked):
    """The same for JSON."""
    points, out_of = marked.total()
    return asdict(marked) | {"points": points, "out_of": out_of}


def see_that_it_may_be_the_table(table, submissions):
    """Raises ``ValueError`` for a file that is no table of marks, or is handed
    in, and ``OSError`` where none can be written."""
    if table.resolve() in [path.resolve() for path in submissions]:
        raise ValueError(f"{table} is a submission, and the table would take "
                         f"its place; choose another path")
    see_that_it_is(table, "a table of marks",
                   lambda data: data.startswith(b"file,notebook,"))
    see_that_it_can_be_written(table)


def write_table(path, marked, exercises):
    """Write a CSV with a row for each submission."""
    used = {each.notebook for each in marked}
    numbers = [exercise.number for number, some in exercises.items()
               if number in used for exercise in some]
    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(["file", "notebook", *numbers, "core", "extra",
                    "total", "out of", "remarks", "for the teacher"])
    for each in marked:
        points = {mark.exercise: mark.points for mark in each.marks}
        told = [f"{mark.exercise}: {mark.told}" for mark in each.marks
                if mark.told]
        total = ([each.total("core")[0], each.total("extra")[0],
                  *each.total()] if each.marks else [""] * 4)
        table.writerow(map(harmless, [
            each.file, each.notebook,
            *(points.get(number, "") for number in numbers), *total,
            "; ".join([each.refused, *each.told, *told]).strip("; "),
            "; ".join(each.odd)]))
    # A name of a file may hold half a character.
    data = text.getvalue().encode("utf-8", "backslashreplace")
    with whole_file(path) as file:
        file.write(data)


def harmless(value):
    """A value that no spreadsheet takes for a formula."""
    text = str(value)
    return "'" + text if text[:1] in "=+-@\t" and text[:1] else value
