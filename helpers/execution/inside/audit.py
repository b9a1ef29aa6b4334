"""The audit hook: what a program may do through Python, and what ends it.

Used by ``child.py``, in the forked process.  It gives a clear
verdict ("blocked") on what programs of models do without thinking; whoever
gets around it meets the kernel, see ``isolation.py``.
"""

import errno
import gc
import os
import signal
import stat
import sys
from itertools import repeat

import _imp

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
WRITTEN = 64               # files that a program may open for writing
BY_NUMBER = repeat(None, 2 ** 40)        # an item less for each stream that a
                           # program opens on a descriptor
# First acts that end a program ("blocked"): other processes, the network,
# files, foreign code.  See the table of audit events in Python's manual.
FORBIDDEN = tuple("""
    os.chflags os.chmod os.chown os.exec os.fork os.kill os.link
    os.lockf os.mkdir os.posix_spawn os.rename os.rmdir os.setxattr
    os.removexattr os.spawn os.symlink os.system os.truncate os.utime
    cpython.PyInterpreterState_New ctypes. fcntl. ftplib. gc.get_ http.
    imaplib. mmap. poplib. pty. resource.prlimit signal.pthread_kill
    smtplib. socket. sqlite3. subprocess. sys._current_ sys.remote_exec
    syslog. urllib. webbrowser.""".split())
# What an act needs of its paths: something there, a folder, a folder around
# what it makes, which may not be there yet ("new").
# A program may not change it, so it is no dictionary.
NEEDS = (
    (("os.mkdir",), ("new",)), (("os.rename",), ("there", "around")),
    (("os.link",), ("there", "new")), (("os.symlink",), ("", "new")),
    (("os.chdir", "os.listdir", "os.rmdir", "os.scandir"), ("folder",)),
    (("os.chmod", "os.chown", "os.remove", "os.removexattr", "os.setxattr",
      "os.truncate", "os.utime"), ("there",)))
MET = (errno.ENOENT, errno.ENOTDIR, errno.EEXIST, errno.EISDIR,
       errno.ENAMETOOLONG)
DEVICES = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "/dev/null",
           "/dev/urandom")
HERE = os.path.dirname(os.path.abspath(__file__)) + "/"
TIME_ZONES = "/usr/share/zoneinfo/"
# What is installed beside the standard library.
OTHERS = "/site-packages", "/dist-packages"
# Modules in C with which code runs where no hook is: hooks are those of one
# interpreter, and from Python 3.13 on none hears of a new one.
HOOKLESS = frozenset("""
    _interpreters _xxsubinterpreters _testcapi _testinternalcapi
    _testlimitedcapi""".split())
# Modules in C that reach files and other programs without an audit event.
# Where the kernel keeps no files from a program, it cannot import them.
UNWATCHED = frozenset("""
    _ctypes _dbm _gdbm _multiprocessing _posixshmem _remote_debugging _ssl
    _testexternalinspection _tkinter nis ossaudiodev readline spwd""".split())
LOOSE = """
    mkfifo mknod memfd_create chroot setpriority unshare sendfile splice
    copy_file_range activate_stack_trampoline"""
# What reaches other processes without one, where the kernel does not mind.
REACHING = """
    pidfd_open pidfd_send_signal sched_setaffinity sched_setparam
    sched_setscheduler setns"""
# Variables by which libraries in C find code to load: OpenSSL, the C library.
GUIDES = b"OPENSSL_", b"GCONV_PATH", b"LOCPATH"
# From Python 3.13 on whoever sees the frame of a hook may change it.  Two
# call functions of a program while a hook runs: signals and the collector.
CHANGEABLE = sys.version_info >= (3, 13)
INTERRUPTS = ("alarm", "setitimer", "interrupt_main") if CHANGEABLE else ()


def watch_alone():
    """Where nothing but the hook keeps files: hides what it cannot watch.

    Changes this process for good: what is hidden has to be imported before.
    It is no wall: who changes memory, by bytecode made by hand or by a class
    of ``ctypes`` that lives on in here, gets through.
    """
    global DENIED, ONLY_LOCK
    DENIED, ONLY_LOCK = HOOKLESS | UNWATCHED, True
    for name in [*UNWATCHED, "ctypes", "ctypes._endian"]:
        sys.modules.pop(name, None)
    once = {name: __import__(name) for name in sys.builtin_module_names
            if name not in DENIED}
    _imp.create_builtin = lambda spec: once[spec.name]     # or it were anew
    gone = {vars(module).pop(name, None)
            for name in (*LOOSE.split(), *REACHING.split(), *INTERRUPTS)
            for module in (*once.values(), os, signal)}
    os.supports_dir_fd -= gone           # which would lead to them
    os.__all__ = [name for name in os.__all__ if hasattr(os, name)]
    # What only wants it to be there finds it empty: concurrent.futures.
    sys.modules["_multiprocessing"] = type(sys)("_multiprocessing")
    if CHANGEABLE:
        once["_signal"].signal = signal.signal = set_signal
        gc.disable()                     # a program is told what it asked for
        asked = [True]
        gc.enable, gc.disable = (lambda: asked.append(True),
                                 lambda: asked.append(False))
        gc.isenabled = lambda: asked[-1]
    try:                                 # subprocess imports it
        import _posixsubprocess
    except ImportError:
        return
    DENIED |= {"_posixsubprocess"}       # a second time, and as it was
    _posixsubprocess.fork_exec = fork_instead


def fork_instead(*_, fork=os.fork):
    """What a new process begins with, as the hook hears of it."""
    fork()


def set_signal(signalnum, handler):
    """In the place of ``signal.signal``: a program handles no signal.

    That a signal does what it does, or nothing, is not set but let pass.
    Raises ``ValueError``, which asyncio takes for an answer.
    """
    if callable(handler):
        raise ValueError("not here: the judge cannot watch it")
    return signal.getsignal(signalnum)


DENIED, ONLY_LOCK = HOOKLESS, False


def allowed(event, args, own, alone, left=repeat(True, WRITTEN),
            libraries=tuple(path.rstrip("/") + "/"
                            for path in sys.path if path),
            by_number=BY_NUMBER, zones=TIME_ZONES, devices=DEVICES,
            others=OTHERS, here=HERE,
            kind=type, text=str, raw=bytes, number=int, decode=bytes.decode,
            status=os.stat, is_folder=stat.S_ISDIR, writing=WRITING,
            missing=FileNotFoundError, errors=(OSError, ValueError),
            following=next):
    """Whether a program may do something to a file.

    ``own`` is its own folder; ``alone``: nothing but the hook keeps files;
    ``left`` counts what it may still write, and cannot be turned back.
    """
    path = args[0]
    if kind(path) is raw:
        path = decode(path, "utf-8", "surrogateescape")
    if path is None or kind(path) is number:       # a descriptor, or "."
        following(by_number, None)
        return event not in ("os.remove", "os.chdir")
    if kind(path) is not text or not path or ".." in path.split("/"):
        return False
    if event == "os.chdir":              # it is there already
        return path in (".", own, own[:-1])
    if path in devices:
        return True
    if alone and event == "open" and args[1] is None and path[:1] != "/":
        return False                     # os.open, maybe in another folder
    if path.startswith(here):            # a warning shows a line of ours
        raise missing(2, "no such file in the judge")
    # Of what is opened in C the mode alone tells, and there is no number.
    writes = event == "open" and (
        kind(args[2]) is not number or args[2] & writing != 0
        or kind(args[1]) is text and args[1].strip("brtU") != "")
    if event == "os.remove":
        if kind(args[1]) is not number or args[1] != -1:
            return False                 # beside another open folder
        writes = True
    if writes:
        return following(left, False) and (path[:1] != "/"
                                           or path.startswith(own))
    if path[:1] != "/":
        return True
    for other in others:
        if other in path:
            return False
    if event == "open" and args[1] is None:
        try:                             # os.open: of a folder, one could go
            if is_folder(status(path).st_mode):        # on from there
                return False
        except errors:
            pass
    return (path + "/").startswith(libraries + (own, zones))


def loads(path, libraries=tuple(
            path.rstrip("/") + "/" for path in sys.path if path),
          others=OTHERS, kind=type, text=str):
    """Whether a module in C may come from there: from Python's own folders,
    or, where that is None, from Python itself.  It can do what no hook hears
    of, so none that a program brings along."""
    if path is None:
        return True
    if kind(path) is not text or ".." in path.split("/") or "\0" in path:
        return False
    for other in others:
        if other in path:
            return False
    return path.startswith(libraries)


def obstacle(path, need, status=os.stat, is_folder=stat.S_ISDIR,
             error=OSError, none=errno.ENOENT, there=errno.EEXIST,
             folder=errno.EISDIR):
    """What keeps everybody from an act on a path: an ``errno``, or None."""
    if not path:
        return none
    above, slash, _ = path.rstrip("/").rpartition("/")
    try:
        if need == "file" and is_folder(status(path).st_mode):
            return folder
        if need == "new":
            status(path)
            return there
    except error as why:
        if why.errno != none:
            return why.errno
    try:
        status({"there": path, "file": path, "folder": path + "/"}.get(
            need, above + slash or "."))
    except error as why:
        return why.errno
    return None


def tell_missing(event, args, needs=NEEDS, told=MET, lacks=obstacle,
                 kind=type, text=str, raw=bytes, number=int, pairs=zip,
                 decode=bytes.decode, creating=os.O_CREAT, error=OSError,
                 in_words=os.strerror):
    """Raises what a forbidden act meets outside of here as well: it needs
    what is not there, or would make what is.  Returns for all others."""
    need = ()
    for events, what in needs:
        if event in events:
            need = what
    if event == "open":
        makes = kind(args[2]) is number and args[2] & creating
        need = "around" if makes else "there" if args[1] is None else "file",
    for path, need_of in pairs(args, need):
        if kind(path) is raw:
            path = decode(path, "utf-8", "surrogateescape")
        if kind(path) is not text:
            return
        why = lacks(path, need_of) if need_of else None
        if why in told:
            names = args[:1] if need[1:] == () else (args[0], None, args[1])
            raise error(why, in_words(why),
                        *(names if event != "os.utime" else ()))


def guard(report, scratch, channel, leave=os._exit):
    """An audit hook that ends the program at its first forbidden act.

    What the hook goes by are arguments of it, and of exact types: an object
    of the program is never compared with anything, since it would run code
    of the program in here.  The rules are a copy that no module holds.  An
    error that they raise leads by its frames to them, which refuse to be
    changed, and to what a frame has by name: nothing that outlives it.
    """
    may = type(allowed)(allowed.__code__, allowed.__globals__, "allowed",
                        allowed.__defaults__)
    in_c = type(loads)(loads.__code__, loads.__globals__, "loads",
                       loads.__defaults__)

    def hook(event, args, own=scratch + "/", denied=DENIED,
             alone=ONLY_LOCK, forbidden=FORBIDDEN, guides=GUIDES,
             said=report("blocked")[:-1],
             may=may, in_c=in_c, tell=tell_missing,
             ours=(may, in_c, tell_missing, obstacle), channel=channel,
             write=os.write, leave=leave, kind=type, text=str, raw=bytes,
             unseen=ImportError):
        if event in ("open", "os.listdir", "os.scandir", "os.remove",
                     "os.chdir"):
            if may(event, args, own, alone):
                return
        elif event == "import":
            name = None
            if kind(args[0]) is text:    # C looks for "a_b" in place of "a-b"
                name = args[0].replace("-", "_").rpartition(".")[2]
                if name not in denied and in_c(args[1]):
                    return
            if name is None or name in denied and name != "_ctypes":
                raise unseen("not here: the judge cannot watch it")
        elif event == "os.putenv":
            if kind(args[0]) is raw and not args[0].startswith(guides):
                return
        elif event in ("object.__setattr__", "object.__delattr__"):
            for each in ours:
                if args[0] is each:
                    break
            else:
                return
        elif not event.startswith(forbidden):
            return
        tell(event, args)
        write(channel, said + event[:200].encode("utf-8", "replace").hex(
            ).encode() + b"\n")
        leave(0)

    return hook
