"""Processes of a run: their memory, their end, and one run at a time."""

import fcntl
import json
import threading
import time

import psutil


def family(pid):
    """The process ``pid`` and its descendants, as ``psutil.Process``.

    Empty once it is gone.
    """
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.Error:
        return []


def end_processes(processes):
    """Kill ``processes``, and what they start meanwhile, and wait for them.

    They are stopped first, so that none of them can start another one unseen.
    """
    known = {process.pid: process for process in processes}
    fresh = list(known.values())
    while fresh:
        found = []
        for process in fresh:
            try:
                process.suspend()
                found += process.children(recursive=True)
            except psutil.Error:
                pass
        fresh = [child for child in found if child.pid not in known]
        known.update({child.pid: child for child in fresh})
    for process in known.values():
        try:
            process.kill()
        except psutil.Error:
            pass
    until = time.monotonic() + 5
    while any(map(_lives, known.values())) and time.monotonic() < until:
        time.sleep(0.02)


def _lives(process):
    """Whether it still runs; a zombie only waits for its parent's notice."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


class MemoryWatch(threading.Thread):
    """Peak resident memory, in MB, of a process and its descendants.

    Sampled five times a second until ``stop`` is called.  Pages that processes
    share count once for each.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.peak_mb, self._over = pid, 0.0, threading.Event()

    def run(self):
        while not self._over.wait(0.2):
            total = 0
            for process in family(self.pid):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    pass
            self.peak_mb = max(self.peak_mb, total / 1e6)

    def stop(self):
        """End the sampling."""
        self._over.set()


class RunLock:
    """Lets one run at a time write into the folder ``runs``.

    Raises ``BlockingIOError`` when another run is at work.  The lock goes with
    its process, however that ends; a kernel that a killed run left behind is
    ended here.
    """

    def __init__(self, runs):
        self.path = runs / ".lock"

    def __enter__(self):
        self._file = open(self.path, "a+", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            raise BlockingIOError(
                "another run is writing into this runs folder; wait for it "
                "or stop it with Ctrl-C") from None
        self._end_leftover()
        self._note({})
        return self

    def __exit__(self, *_):
        self._note({})
        self._file.close()

    def kernel_started(self, pid):
        """Note the kernel ``pid``."""
        created = psutil.Process(pid).create_time()
        self._note({"kernel": pid, "created": created})

    def _note(self, note):
        self._file.seek(0)
        self._file.truncate()
        self._file.write(json.dumps(note))
        self._file.flush()

    def _end_leftover(self):
        self._file.seek(0)
        try:
            note = json.loads(self._file.read() or "{}")
            process = psutil.Process(note["kernel"])
            if process.create_time() == note["created"]:
                end_processes(family(process.pid))
        except (ValueError, KeyError, TypeError, psutil.Error):
            pass
