"""The command line: ``python -m helpers COMMAND``, a module for each."""

import argparse
import importlib
import os
import signal
import sys
from contextlib import contextmanager

COMMANDS = {
    "run": "helpers.tools.run",
    "workbooks": "helpers.tools.workbooks",
    "stamp": "helpers.tools.stamping",
    "course": "helpers.tools.course",
    "site": "helpers.tools.site",
    "slides": "helpers.tools.slides",
    "quiz": "helpers.checks.bank",
    "grade": "helpers.marking.grading",
    "bundle": "helpers.marking.bundling",
    "rebuild-mini": "helpers.workshop.pretraining",
    "rivals": "helpers.workshop.campaign",
    "ship": "helpers.workshop.shipping",
    "record": "helpers.workshop.recorder",
}
REMEDY = ("use `make run`, which installs what is needed, and from then on "
          ".venv/bin/python -m helpers")
STOPPED = "stopped; run the same command again and it goes on from there"


def main(argv=None):
    """Hand ``argv`` to the module of its command; return the exit code.

    2 where this Python cannot carry it out or nobody takes what it says, 130
    where it was stopped.
    """
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers", epilog="run: execute notebooks in order; "
        "workbooks: copy them to work/, to change and run there; "
        "stamp: write address and tag of pyproject.toml into them; "
        "course: write the map, the tables and the minutes into them; "
        "site: build static pages of them; slides: ten slides a lesson; "
        "quiz: the quiz bank for Moodle, or to print; "
        "grade: mark the exercises in learners' notebooks; bundle: pack the "
        "collection for learners, teachers or nbgrader; "
        "rebuild-mini: make the mini world's data and models again; rivals: "
        "run the experiments that the notebooks show; ship: copy the "
        "results of a run into data/mini/results/; record: keep what a real "
        "teacher says, to replay it.  Each has a --help of "
        "its own.")
    parser.add_argument("command", choices=COMMANDS)
    chosen = parser.parse_args(argv[:1]).command
    if sys.version_info < (3, 11):
        return _refuse(f"Python 3.11 or newer is needed, and {sys.executable} "
                       f"is {sys.version.split()[0]}; {REMEDY}")
    try:
        with ended_by_a_signal():
            module = importlib.import_module(COMMANDS[chosen])
        code = module.main(argv[1:]) or 0
        sys.stdout.flush()
        return code
    except BrokenPipeError:              # `head`, say, has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2
    except ModuleNotFoundError as error:
        if COMMANDS[chosen].startswith(error.name or "?"):
            return _refuse(f"{chosen} is no part of this copy of the "
                           f"collection; the instructor's bundle has it")
        if (error.name or "helpers").split(".")[0] == "helpers":
            raise
        return _refuse(f"{sys.executable} lacks the package {error.name}; "
                       f"{REMEDY}")
    except KeyboardInterrupt:
        _refuse(STOPPED)
        return 130


@contextmanager
def ended_by_a_signal():
    """An interrupt within the block ends this process at once, in a sentence.

    In the midst of an import, libraries make other errors of it, or crash.
    """
    def end(*_):
        os.write(2, f"{STOPPED}\n".encode())
        os._exit(130)

    usual = signal.getsignal(signal.SIGINT)
    try:
        if usual is signal.default_int_handler:        # nohup has another
            signal.signal(signal.SIGINT, end)
    except ValueError:                                 # in a thread
        usual = None
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is end:
            signal.signal(signal.SIGINT, usual)


def _refuse(sentence):
    print(sentence, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
