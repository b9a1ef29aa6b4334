"""What keeps a program in: namespaces, filters and limits of the kernel.

Used by ``worker.py`` (:func:`enter`, :func:`leave`) and by ``forkserver.py``.
Most of it is set up once and inherited, as a fork then costs nothing more;
each program adds what the process that forks it may not have itself.  Each
layer is tried at the start, and then tested from within (:func:`probe`);
what a system does not offer is missing, never pretended.
"""

import os
import resource
import signal
import struct
import sys
from resource import RLIMIT_AS, RLIMIT_CPU, setrlimit

DISK = 16                  # MiB of files that a program may write in all
FILES = 256                # and how many
# System calls that a program needs which computes and prints; all others
# look as if this kernel did not know them.
NEEDED = """
    read write readv writev pread64 pwrite64 close close_range lseek fstat
    stat lstat newfstatat statx access faccessat faccessat2 open openat
    openat2 getdents getdents64 readlink readlinkat getcwd fcntl dup dup2
    dup3 pipe pipe2 poll ppoll select pselect6 _newselect unlink unlinkat
    ftruncate fsync fadvise64 chdir umask
    mmap munmap mremap mprotect madvise brk
    rt_sigaction rt_sigprocmask rt_sigreturn rt_sigtimedwait sigaltstack
    restart_syscall setitimer getitimer alarm pause
    clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time
    times getrusage sysinfo uname getrandom sched_yield sched_getaffinity
    getpid getppid gettid getuid geteuid getgid getegid getpgrp getpgid
    getsid getrlimit setrlimit set_tid_address set_robust_list rseq futex
    futex_waitv membarrier exit exit_group""".split()
# Those that the fork server needs beside them.  Its filter permits both;
# a second one, that each program adds, takes these back.
FORKING = """
    clone clone3 fork vfork wait4 waitid kill setsid prctl seccomp recvmsg
    recvfrom sendto sendmsg""".split()
TERMINAL = (0x5401, 0x5413, 0x5421, 0x5450, 0x5451, 0x541B)  # what open() asks
ALLOW, UNKNOWN = 0x7fff0000, 0x00050000 | 38     # what a filter does: ENOSYS
EQUAL, MASKED = 4, 7                             # how it compares
LIBC = FILTER = None


def _succeeds(function, *args):
    return function(*args) == 0


def enter(scratch, hide=True):
    """Enters new namespaces, as far as this is allowed.

    Returns the names of the layers that are set up.  The next process that
    is forked is then the first of its own process namespace, and ``scratch``
    may be a small file system of its own.  ``hide``: what is installed
    beside the standard library is covered.
    """
    global LIBC
    try:
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        libc.unshare, libc.prctl         # macOS has neither: no layers
    except (ImportError, OSError, AttributeError):
        return []
    LIBC, layers = libc, []
    if hasattr(libc, "mallopt"):         # one heap, not 64 MiB a thread
        libc.mallopt(-8, 1)
    user, mount, network, process = 1 << 28, 1 << 17, 1 << 30, 1 << 29
    spaces = network | process | 1 << 27               # ... and ipc
    uid, gid = os.geteuid(), os.getegid()
    mapped = True
    if _succeeds(libc.unshare, user | spaces):
        layers = ["user namespace"]
        mapped = _map_user(uid, gid)
    if layers or _succeeds(libc.unshare, spaces):
        layers += ["network namespace", "process namespace"]
        options = f"size={DISK}m,nr_inodes={FILES},mode=700".encode()
        if (mapped and _succeeds(libc.unshare, mount)
                and _succeeds(libc.mount, None, b"/", None, 1 << 18 | 1 << 14,
                              None)
                and _succeeds(libc.mount, b"none", os.fsencode(scratch),
                              b"tmpfs", 2 | 4 | 8, options)):
            layers.append("private scratch")
            if hide:
                _hide_others(libc)
    libc.prctl(4, 0, 0, 0, 0)            # a program cannot trace us
    return layers


def leave(scratch):
    """Removes the folder, once all that used it has ended."""
    if LIBC is not None:
        LIBC.umount2(os.fsencode(scratch), 2)
    try:
        os.rmdir(scratch)
    except OSError:
        pass


def drop_rights(scratch, alone, readable=None, runnable=(), calls=()):
    """Gives up what a process that forks programs does not need.

    ``alone``: it is the first of a process namespace.  ``readable``: paths
    that may be read, those of ``sys.path`` where nothing is said;
    ``runnable``: files that may be started, and ``calls``, by name, the
    system calls that this needs beside the usual ones.  Returns the names of
    the layers that hold from here on, for its programs too.
    """
    if LIBC is None:
        return []
    import ctypes
    layers = []
    LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)             # die with the worker
    LIBC.prctl(36, 1, 0, 0, 0)           # orphans of a program come to us
    if _succeeds(LIBC.prctl, 38, 1, 0, 0, 0) and _drop_privileges(ctypes):
        layers.append("no privileges")
        if _enter_landlock(scratch, sys.path if readable is None else
                           readable, runnable):
            layers.append("Landlock")
        if _enter_seccomp(ctypes, alone, calls):
            layers.append("seccomp")
    return layers


def _hide_others(libc):
    """Covers what is installed beside the standard library, or below other
    Pythons: rules of Landlock, which hold for all below, cannot leave it
    out."""
    others = [os.path.join("/usr/lib", name) for name in
              (os.listdir("/usr/lib") if os.path.isdir("/usr/lib") else ())
              if name.startswith("python")]
    for path in (*sys.path, *others):
        for name in ("site-packages", "dist-packages"):
            place = os.path.join(path, name)
            if os.path.isdir(place):
                libc.mount(b"none", os.fsencode(place), b"tmpfs",
                           1 | 2 | 4 | 8, b"size=4k,nr_inodes=2")


def _map_user(uid, gid):
    """Keeps the user's number in a new user namespace, if allowed."""
    try:
        for name, text in (("setgroups", "deny"), ("uid_map",
                           f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
        return True
    except OSError:
        return False


def _drop_privileges(ctypes):
    version = (ctypes.c_uint32 * 2)(0x20080522, 0)
    return _succeeds(LIBC.capset, ctypes.byref(version),
                     ctypes.byref((ctypes.c_uint32 * 6)()))


def _enter_landlock(scratch, readable, runnable):
    """A set of rules: libraries may be read, the scratch folder written.

    landlock(7): three system calls, the same numbers on every machine.
    """
    libc = LIBC
    version = libc.syscall(444, None, 0, 1)
    if version < 1:
        return False
    every = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    network = 3 if version >= 4 else 0           # no TCP, without exception
    scope = 3 if version >= 6 else 0             # no signals, no sockets
    rules = struct.pack("QQQ", every, network, scope)
    ruleset = libc.syscall(444, rules, len(rules), 0)
    if ruleset < 0:
        return False
    read = 1 << 2 | 1 << 3
    write = (read | 1 << 1 | 1 << 5 | 1 << 8 | 1 << 14) & every
    libraries = ("/lib", "/lib64", "/usr/lib", "/usr/lib64",
                 "/usr/share/zoneinfo", "/etc/ld.so.cache", "/dev/null",
                 "/dev/urandom")
    for path in (*readable, *runnable, *libraries, scratch):
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        allowed = write if path == scratch else read
        if not os.path.isdir(path):
            allowed = 1 << 2 | (1 << 1 if path == "/dev/null" else 0) | (
                path in runnable)
        libc.syscall(445, ruleset, 1, struct.pack("=Qi", allowed, place), 0)
        os.close(place)
    holds = _succeeds(libc.syscall, 446, ruleset, 0)
    os.close(ruleset)
    return holds


def _enter_seccomp(ctypes, alone, calls):
    """Puts the filter of the fork server in place, prepares the second one.

    The library libseccomp knows each processor's numbers; nearly every Linux
    has it.
    """
    global CODE, FILTER, PRCTL
    try:
        lib = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        return False
    if ctypes.sizeof(ctypes.c_void_p) != 8:        # _filter is for 64 bits
        return False
    first = _filter(ctypes, lib, UNKNOWN, ALLOW, [
        *[(name,) for name in (*NEEDED, *FORKING, *calls)],
        *[("ioctl", 1, EQUAL, what, 0) for what in TERMINAL],
        ("prlimit64", 0, EQUAL, 0, 0),             # its own limits
        *([("tgkill",)] if alone else [])])
    second = _filter(ctypes, lib, ALLOW, UNKNOWN, [
        *[(name,) for name in FORKING if name != "clone"],
        ("clone", 0, MASKED, 0x10000, 0)])         # all but threads
    from _ctypes import dlclose
    dlclose(lib._handle)                 # less to copy at each fork
    if first and second and _succeeds(LIBC.prctl, 22, 2, first[0], 0, 0):
        (FILTER, CODE), PRCTL = second, LIBC.prctl     # found only once
    return FILTER is not None


def _filter(ctypes, lib, otherwise, action, rules):
    """Compiles a filter of system calls: (what prctl takes, its code).

    ``action`` is for the calls of ``rules``, by name, if need be only with a
    value of an argument, ``otherwise`` for all others.  None where it fails.
    """
    number, void = ctypes.c_uint32, ctypes.c_void_p
    lib.seccomp_init.restype, lib.seccomp_init.argtypes = void, [number]
    lib.seccomp_rule_add_array.argtypes = [void, number, ctypes.c_int,
                                           number, void]
    lib.seccomp_attr_set.argtypes = [void, ctypes.c_int, number]
    lib.seccomp_export_bpf.argtypes = [void, ctypes.c_int]
    lib.seccomp_release.argtypes = [void]
    context, done = lib.seccomp_init(otherwise), True
    for name, *test in rules:
        call = lib.seccomp_syscall_resolve_name(name.encode())
        if call >= 0:                    # else not on this processor
            done = done and _succeeds(
                lib.seccomp_rule_add_array, context, action, call,
                len(test) // 4, struct.pack("IIQQ", *test) if test else None)
    lib.seccomp_attr_set(context, 8, 2)          # a tree, not a long list
    file = os.memfd_create("filter")
    done = done and _succeeds(lib.seccomp_export_bpf, context, file)
    lib.seccomp_release(context)
    size = os.lseek(file, 0, os.SEEK_CUR)
    code = ctypes.create_string_buffer(os.pread(file, size, 0), size)
    os.close(file)
    # The code has to stay where it is.
    return done and (ctypes.create_string_buffer(struct.pack(
        "HxxxxxxQ", size // 8, ctypes.addressof(code))), code) or None


def confine():
    """Takes from this process what only the fork server needs, for good.

    Ends it with 98 where the kernel refuses.
    """
    if FILTER is not None and PRCTL(22, 2, FILTER, 0, 0):
        os._exit(98)


def limit_forever():
    """Sets those limits that the fork server may have as well."""
    for what, most in ((resource.RLIMIT_FSIZE, 1 << 20),
                       (resource.RLIMIT_NOFILE, 32),
                       (resource.RLIMIT_CORE, 0)):
        _limit(what, most)


def limit(seconds, memory):
    """Sets a program's own limits: CPU seconds, bytes of memory."""
    _limit(RLIMIT_CPU, seconds)
    _limit(RLIMIT_AS, memory)
    if FILTER is None:                   # then nothing else stops a fork
        _limit(resource.RLIMIT_NPROC, 0)


def _limit(what, most):
    try:
        setrlimit(what, (most, most))
    except (ValueError, OSError):        # macOS knows no limit of AS
        pass


def probe(scratch):
    """What a confined program can do all the same: a list of acts.

    Called in a process of its own, after :func:`confine`, without the audit
    hook: the kernel alone has to hold.
    """
    import socket

    def connect():
        try:
            socket.create_connection(("127.0.0.1", 9), 0.2)
        except ConnectionRefusedError:
            pass                         # it got through to a machine

    def fork():
        if os.fork() == 0:
            os._exit(0)
        os.wait()

    def write():
        place = os.path.join(os.path.dirname(scratch), "probe")
        os.close(os.open(place, os.O_WRONLY | os.O_CREAT))
        os.remove(place)

    acts = {"read files": lambda: os.listdir("/"), "write files": write,
            "use the network": connect, "start processes": fork}
    done = []
    for name, act in acts.items():
        try:
            act()
            done.append(name)
        except OSError:
            pass
    return done
