"""What came out of each program, kept by content: in a file, or for a while.

Used by ``helpers.execution``.
"""

import json
import os
import re
import stat
import threading
import warnings
from pathlib import Path

from helpers.execution.verdicts import check_outcome
from helpers.tools.arguments import is_path

try:
    import fcntl
except ImportError:        # Windows, where Runner says what to do
    fcntl = None

WINDOW = 5000              # outcomes kept in memory
# The beginning of a line, wherever a kill has cut it.
HEAD, REST = b'{"key": "', b'", "outcome": ['


def begins_line(data):
    """Are these bytes the beginning of a line of a cache of outcomes?"""
    rest = re.sub(rb"\A[0-9a-f]*", b"", data[len(HEAD):])
    return (HEAD.startswith(data[:len(HEAD)])
            and REST.startswith(rest[:len(REST)]))


class Outcomes:
    """A dictionary of outcomes by key that stays small in memory.

    With a ``path`` every outcome is a line of that JSONL file, and memory
    holds where; without one the last few thousand are kept.  Several
    processes may use one file.  Raises ``OSError`` for a place that cannot
    be written and ``ValueError`` for a corrupt line, which it names, and for
    a packed file; a last line cut short by a kill is removed, once all
    others are known to be lines of a cache and it the beginning of one.
    """

    def __init__(self, path=None):
        self.recent, self.places, self.file = {}, {}, None
        self.lock = threading.Lock()
        if path is None:
            return
        if not is_path(path):
            raise ValueError(f"cache is the path of a file, not {path!r:.40}")
        if Path(path).suffix == ".gz":
            raise ValueError(f"a cache grows line by line and cannot be "
                             f"packed; choose a name without .gz for it, "
                             f"not {Path(path).name}")
        try:
            self.file = open(path, "a+b", buffering=0)
        except OSError as error:
            raise OSError(f"cannot write the cache {path} "
                          f"({error.strerror}); choose another place"
                          ) from None
        if not stat.S_ISREG(os.fstat(self.file.fileno()).st_mode):
            self.close()                 # a device may never come to an end
            raise ValueError(f"cache is the path of a file, and {path} is a "
                             f"device or a pipe; choose another place")
        fcntl.flock(self.file, fcntl.LOCK_EX)
        self.file.seek(0)
        place = number = 0
        try:
            with open(self.file.fileno(), "rb", closefd=False) as lines:
                for number, line in enumerate(lines, 1):
                    if not line.endswith(b"\n"):
                        if not begins_line(line):
                            raise ValueError("not what a kill leaves")
                        self.file.truncate(place)
                        break
                    row = json.loads(line)
                    check_outcome(row["outcome"])
                    self.places[bytes.fromhex(row["key"])] = place
                    place += len(line)
        except (ValueError, KeyError, TypeError, RecursionError):
            self.close()
            raise ValueError(
                f"{Path(path)}, line {number} is not a line of this cache; "
                f"choose another file, or, if this one is a cache, delete "
                f"that line and run again") from None
        fcntl.flock(self.file, fcntl.LOCK_UN)

    def __contains__(self, key):
        return key in self.recent or key in self.places

    def __getitem__(self, key):
        """The outcome of a key.  Raises ``KeyError``."""
        if key in self.recent:
            return self.recent[key]
        place, line = self.places[key], b""
        while b"\n" not in line:
            chunk = os.pread(self.file.fileno(), 4096, place + len(line))
            if not chunk:
                raise KeyError(key)
            line += chunk
        return json.loads(line.partition(b"\n")[0])["outcome"]

    def put(self, outcomes):
        """Keeps some outcomes, given by key.

        One that is our failure is not kept on disk, so it is tried again.
        Where the disk is full, a warning says so once; judging goes on.
        """
        with self.lock:
            self._put(outcomes)

    def _put(self, outcomes):
        self.recent.update(outcomes)
        lines, places = b"", {}
        for key, outcome in outcomes.items():
            if outcome[0] != "infrastructure":
                places[key] = len(lines)
                lines += json.dumps({"key": key.hex(), "outcome": outcome}
                                    ).encode() + b"\n"
        if self.file and lines:
            try:
                fcntl.flock(self.file, fcntl.LOCK_EX)
                end = self.file.seek(0, os.SEEK_END)
                written = self.file.write(lines)
                if written < len(lines):
                    self.file.truncate(end)
                    raise OSError(28, "no space left on the device")
                self.places.update((key, end + place)
                                   for key, place in places.items())
                fcntl.flock(self.file, fcntl.LOCK_UN)
            except OSError as error:
                self.close()
                warnings.warn(f"cannot write the cache ({error.strerror}); "
                              f"verdicts from here on are right but not "
                              f"kept: make room and run again", stacklevel=3)
        while len(self.recent) > WINDOW:
            self.recent.pop(next(iter(self.recent)))

    def forget_failures(self):
        """Drops outcomes that were our failure: they are tried again."""
        with self.lock:
            self.recent = {key: outcome for key, outcome
                           in self.recent.items()
                           if outcome[0] != "infrastructure"}

    def close(self):
        """Closes the file; nothing more is kept in it."""
        if self.file:
            self.file.close()
            self.file = None
