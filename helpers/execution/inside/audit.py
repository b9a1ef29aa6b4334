"""The audit hook: what a program may do through Python, and what ends it.

Used by ``child.py``, in the forked process.  It gives a clear
verdict ("blocked") on what programs of models do without thinking; whoever
gets around it meets the kernel, see ``isolation.py``.  Introduced in
notebook 01, section 8.
"""

import os
import sys

WRITTEN = 64               # files that a program may open for writing
# First acts that end a program ("blocked"): other processes, the network,
# files, foreign code.  See the table of audit events in Python's manual.
FORBIDDEN = tuple("""
    os.chdir os.chflags os.chmod os.chown os.exec os.fork os.kill os.link
    os.lockf os.mkdir os.posix_spawn os.rename os.rmdir os.setxattr
    os.removexattr os.spawn os.symlink os.system os.truncate os.utime
    ctypes. fcntl. ftplib. gc.get_ glob. http. imaplib. mmap. poplib. pty.
    resource.prlimit shutil. signal.pthread_kill smtplib. socket. sqlite3.
    subprocess. sys._current_ syslog. tempfile. urllib. webbrowser.""".split())
DEVICES = ("/dev/stdin", "/dev/null", "/dev/urandom")


def guard(report, scratch, channel, write=os.write, leave=os._exit,
          kind=type, text=str, raw=bytes, number=int, decode=os.fsdecode):
    """An audit hook that ends the program at its first forbidden act."""
    readable = tuple(sys.path) + (scratch,)
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    paths = ("open", "os.listdir", "os.scandir", "os.remove")
    devices, left, forbidden = DEVICES, [WRITTEN], FORBIDDEN

    def hook(event, args):
        if event in paths:
            path = args[0]
            if kind(path) is raw:
                path = decode(path)
            if path is None or kind(path) is number or path in devices:
                return                   # an open descriptor, or "."
            if kind(path) is text and ".." not in path:
                changes = event == "os.remove" or (
                    event == "open" and args[2] and args[2] & writing)
                if changes:
                    left[0] -= 1
                inside = path[:1] != "/" or path.startswith(
                    scratch if changes else readable)
                if path and inside and left[0] >= 0:
                    return
        elif not event.startswith(forbidden):
            return
        write(channel, report("blocked", "", "", event))
        leave(0)

    return hook
