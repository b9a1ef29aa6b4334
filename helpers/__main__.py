"""The command line: ``python -m helpers COMMAND``, a module for each."""

import argparse
import importlib
import sys

COMMANDS = {
    "run": "helpers.tools.run",
    "workbooks": "helpers.tools.workbooks",
    "stamp": "helpers.tools.stamping",
    "rebuild-mini": "helpers.workshop.pretraining",
    "rivals": "helpers.workshop.campaign",
    "ship": "helpers.workshop.shipping",
}


def main(argv=None):
    """Hand ``argv`` to the module of its command; return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    parser = argparse.ArgumentParser(
        prog="python -m helpers", epilog="run: execute notebooks in order; "
        "workbooks: copy them to work/, to change and run there; "
        "stamp: write address and tag of pyproject.toml into them; "
        "rebuild-mini: make the mini world's data and models again; rivals: "
        "run the experiments of notebooks 03, 05 and 06; ship: copy the "
        "results of a run into data/mini/results/.  Each has a --help of "
        "its own.")
    parser.add_argument("command", choices=COMMANDS)
    chosen = parser.parse_args(argv[:1]).command
    return importlib.import_module(COMMANDS[chosen]).main(argv[1:]) or 0


if __name__ == "__main__":
    sys.exit(main())
