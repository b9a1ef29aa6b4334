"""Run the notebooks in order: ``python -m helpers run [NOTEBOOK ...]``."""

import argparse
import os
import shutil
import sys

from helpers import profiles
from helpers.tools import offline

PLATFORM = ("programs are run in processes of their own, which needs Linux or "
            "macOS; on Windows use WSL, or open the notebooks on Colab")


def main(argv=None):
    """Run the notebooks that ``argv`` names; return the exit code.

    0 all well, 1 a notebook failed, 2 the command cannot be carried out as
    given, 130 stopped.
    """
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers run", description="Execute notebooks in "
        "order; copies, figures and results go to runs/.")
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK",
                        help="a number such as 05 or E1, or a name; all "
                        "lessons if none")
    parser.add_argument("--all", action="store_true",
                        help="those of evidence/ and more/, too")
    parser.add_argument("--profile", help="mini (the default), colab or paper")
    parser.add_argument("--fresh", action="store_true",
                        help="first remove the results of this profile")
    parser.add_argument("--save", action="store_true",
                        help="write the outputs back into notebooks/")
    parser.add_argument("--offline", action="store_true",
                        help="refuse the network (mini always does)")
    options = parser.parse_args(argv)
    if os.name == "nt":
        return _refuse(PLATFORM)
    try:
        profile = profiles.get_profile(options.profile)
        paths = select(options.notebooks, profiles.ROOT / "notebooks",
                       options.all)
        see_that_they_are_ours(options.notebooks, paths)
        runs = profile.runs
    except (ValueError, OSError) as error:
        return _refuse(error)
    return run_notebooks(paths, profile, runs, options)


def _refuse(sentence):
    print(sentence, file=sys.stderr)
    return 2


def select(names, folder, everything=False):
    """The notebooks of ``folder`` that ``names`` choose, in order.

    A name is a number ("05", "E1"), a notebook's name with or without
    ``.ipynb``, or its path.  Without names these are the lessons, or
    ``everything``: the lessons, the evidence, and more.  Raises
    ``ValueError`` when there is no such notebook.
    """
    lessons = sorted(folder.glob("[0-9]*.ipynb"))
    found = lessons + [path for room in ("evidence", "more") for path in
                       sorted((folder / room).glob("[EM][0-9]*.ipynb"))]
    if not lessons:
        raise ValueError(f"there are no notebooks in {folder.name}/")
    chosen = set(() if names else found if everything else lessons)
    for name in names:
        stem = os.path.basename(name).removesuffix(".ipynb")
        number = stem.zfill(2) if stem.isdecimal() else stem.upper()
        match = [path for path in found
                 if stem == path.stem or number == path.stem.split("_")[0]]
        if not match:
            raise ValueError(f"there is no notebook {name!r}; choose from "
                             f"{', '.join(path.stem for path in found)}")
        chosen.update(match)
    return [path for path in found if path in chosen]


def see_that_they_are_ours(names, paths):
    """Raises ``ValueError`` for the path of a file that is none of ``paths``.

    A learner's copy in ``work/`` has the name of the notebook that would be
    run in its place.
    """
    for name in names:
        if name.endswith(".ipynb") and os.path.isfile(name) and not any(
                os.path.samefile(name, path) for path in paths):
            number = os.path.basename(name).partition("_")[0]
            raise ValueError(f"{name} is not in notebooks/, and only what is "
                             f"there is run: open that file with make lab, "
                             f"or run the collection's own ({number})")


def run_notebooks(paths, profile, runs, options):
    """Execute the notebooks ``paths`` one after the other; print the table.

    Returns the exit code.
    """
    from helpers.tools.kernel import NotebookFailed, Stopped
    from helpers.tools.processes import RunLock

    guarded = options.offline or profile.name == "mini"
    if guarded:
        offline.refuse_network()
    shown, code = [], 0
    try:
        with RunLock(runs) as lock:
            if options.fresh:
                remove_results(runs)
            for path in paths:
                shown.append(_one(path, profile, runs, options, guarded,
                                  lock.kernel_started))
    except (BlockingIOError, ValueError) as error:
        return _refuse(error)
    except OSError as error:
        return _refuse(f"the results could not be written: {error}")
    except (NotebookFailed, KeyboardInterrupt) as error:
        stopped = isinstance(error, (Stopped, KeyboardInterrupt))
        code = 130 if stopped else 1
        if getattr(error, "row", None):
            shown.append(error.row)
        failure = error
    _print_table(shown, runs)
    if code:
        _say_why(failure, code == 130, runs)
    return code


def _one(path, profile, runs, options, guarded, started):
    """Execute one notebook, or find it finished; return its row."""
    from dataclasses import replace

    from helpers.tools import kernel, records

    key = records.notebook_key(path, profile.name, profiles.ROOT)
    rows = records.read_summary(runs)
    row = records.finished_row(rows, path.stem, key, runs)
    if row and not options.save:
        print(f"{path.stem}: finished before, nothing changed since")
        return row
    environment = {**os.environ, "PROFILE": profile.name}
    log = None
    if guarded:
        log = runs / "logs" / f"{path.stem}-refused.log"
        log.parent.mkdir(exist_ok=True)
        log.unlink(missing_ok=True)
        environment = offline.offline_environment(environment, log)
    target = runs / "notebooks" / path.name
    before, source = records.results_in(runs), path.read_bytes()
    print(f"{path.stem}: running", flush=True)
    try:
        row = kernel.execute_notebook(path, target, environment, guarded,
                                      log, started)
    except kernel.NotebookFailed as failure:
        records.write_row(runs, profile.name, records.with_results(
            failure.row, runs, before, rows))
        raise
    row = records.with_results(replace(row, key=key), runs, before, rows)
    records.write_row(runs, profile.name, row)
    if options.save:
        _save(path, target, row, source)
    return row


def _save(path, target, row, source):
    """Writes the outputs into a notebook that is as ``source`` had it."""
    import nbformat

    from helpers.tools import cleaning, records

    if path.read_bytes() != source:
        print(f"{path.stem}: it was changed while it ran, so that it stays "
              f"as it is now; run again to save its outputs")
        return
    notebook = cleaning.clean_notebook(nbformat.read(target, as_version=4),
                                       profiles.ROOT)
    if not cleaning.fill_header(notebook, row):
        print(f"{path.stem}: its header table has no place for time and "
              f"memory, they were left out")
    nbformat.validate(notebook)
    records.write_text(path, nbformat.writes(notebook) + "\n")


def remove_results(runs):
    """Empty the folder ``runs``, all but its lock, after saying so.

    The results of ``python -m helpers rivals`` stay: they take an hour and say
    themselves what they were made with.  So do those of changed profiles.
    """
    print(f"removing the notebooks' results in {_short(runs)}/", flush=True)
    others = sorted(runs.parent.glob(f"{runs.name}-*/settings.json"))
    if others:
        print("those of changed profiles stay: " + ", ".join(
            f"{_short(path.parent)}/" for path in others), flush=True)
    for entry in runs.iterdir():
        if entry.name == "results":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != ".lock":
            entry.unlink()


def _say_why(failure, stopped, runs):
    if not stopped and failure.cell:
        copy = _short(runs / "notebooks" / f"{failure.row.notebook}.ipynb")
        print(f"\nthe cell that failed (its traceback is in {copy}):\n\n"
              f"{failure.cell}\n", file=sys.stderr)
    print(str(failure) or "stopped", file=sys.stderr, flush=True)
    if stopped:
        print("what was computed is kept: run the same command again and it "
              "goes on from there", file=sys.stderr)


def _short(path):
    return os.path.relpath(path, profiles.ROOT)


def _print_table(rows, runs):
    """Print what each notebook took and found, and where its results are."""
    if not rows:
        return
    from helpers.tools.cleaning import time_in_words
    width = max(len(row.notebook) for row in rows)
    print(f"\n{'notebook':<{width}}  {'seconds':>7}  {'peak MB':>7}  "
          f"{'status':<7}  headline result")
    for row in rows:
        print(f"{row.notebook:<{width}}  {row.seconds:>7.1f}  "
              f"{row.peak_mb:>7.0f}  {row.status:<7}  {row.headline or '-'}")
    spent = sum(row.seconds for row in rows if row.status != "cached")
    print(f"\nthis run took {time_in_words(spent)}\n"
          f"executed copies  {_short(runs / 'notebooks')}/\n"
          f"figures          {_short(runs / 'figures')}/\n"
          f"results          {_short(runs)}/, "
          f"table in {_short(runs / 'summary.json')}", flush=True)
