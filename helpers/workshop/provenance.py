"""Where a result comes from: command, commit, versions, machine, date.

Runs note it down themselves (``ran``, :func:`provenance`).  Those made
before they did were given a ``ran`` afterwards: ``kept_in`` is the first
commit that holds this very result, ``date`` the day of that commit, and
``pinned`` the versions in its ``constraints-ci.txt``; their field ``from``
says that this was read off the history.  The machine is left out where
nothing in that commit tells it.
"""

import os
import platform
import subprocess
from datetime import date
from importlib.metadata import version

from helpers.profiles import ROOT

NOTED = ("torch", "transformers", "peft")


def provenance(command, how="", folders=("helpers", "data/mini")):
    """What the record of a result says of how it was made.

    ``command``: what was typed; ``how``: what else is to be known of the
    machine's use; ``folders``: as :func:`commit_now`.
    """
    return {"command": command, "commit": commit_now(folders),
            "python": platform.python_version(),
            **{package: version(package) for package in NOTED},
            "machine": ", ".join(filter(None, [
                f"{platform.system()} {platform.machine()}",
                f"{os.cpu_count()} cores", how, *cards()])),
            "date": f"{date.today():%d %B %Y}"}


def commit_now(folders=("helpers", "data/mini")):
    """The commit that is checked out, and whether ``folders`` differ from it.

    "no commit" where there is no history, in an archive, say.
    """
    def git(*words):
        return subprocess.run(["git", "-C", str(ROOT), *words], text=True,
                              capture_output=True).stdout.strip()
    try:
        head = git("rev-parse", "--short=10", "HEAD")
        changed = git("status", "--porcelain", "--", *folders)
    except OSError:                # there is no git
        head = ""
    return head + " and changes" * bool(changed) if head else "no commit"


def cards():
    """The names of the cards that runs are made on."""
    import torch
    return [torch.cuda.get_device_name(i)
            for i in range(torch.cuda.device_count())]
