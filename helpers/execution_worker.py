"""The other side of helpers.execution: a warm worker, one fork per program.

Started as ``python execution_worker.py SCRATCH`` by
:class:`helpers.execution.Runner`, never imported by it.  It reads requests
from standard input, one JSON line ``[program, seconds, MiB]`` each, and
answers each with a line ``[status, type, text, detail, seconds]``.  It is
never told an expected answer, so nobody can find one here.
Introduced in notebook 01, section 3.
"""

import builtins
import gc
import json
import os
import resource
import select
import signal
import sys
import time

RESULT = 3                 # the child's end of the result pipe
MOST = 4096                # bytes of a result; a longer one is a flood
SAYS = ("ran", "error", "memory", "blocked", "unparsable")   # of itself
# First acts that end a program ("blocked"): other processes, the network,
# files, foreign code.  See the table of audit events in Python's manual.
FORBIDDEN = tuple("""
    os.chdir os.chflags os.chmod os.chown os.exec os.fork os.kill os.link
    os.lockf os.mkdir os.posix_spawn os.remove os.rename os.rmdir os.setxattr
    os.removexattr os.spawn os.symlink os.system os.truncate os.utime
    ctypes. fcntl. ftplib. gc.get_ glob. http. imaplib. mmap. poplib. pty.
    resource.setrlimit resource.prlimit shutil. signal.pthread_kill smtplib.
    socket. sqlite3. subprocess. sys._current_ syslog. tempfile. urllib.
    webbrowser.""".split())
DIE = []                   # how to tell a program to die with its worker


def isolate():
    """Enters new namespaces and gives up privileges, as far as allowed.

    Returns the names of the layers that are active.  From then on this
    process may be the first of its own process namespace.
    """
    try:
        import ctypes                    # macOS has no unshare: no layers
        libc = ctypes.CDLL(None)
        layers = []
        # user + network + ipc + process namespace, in one call
        if libc.unshare(0x10000000 | 0x40000000 | 0x08000000
                        | 0x20000000) == 0:
            layers = ["network namespace", "user namespace",
                      "process namespace"]
            inner = os.fork()
            if inner:                    # waits, so that the end is seen
                os.waitpid(inner, 0)
                os._exit(0)
            libc.prctl(1, signal.SIGKILL, 0, 0, 0)   # die with the outer one
        else:
            DIE.append(libc.prctl)       # then a program dies with us
        libc.prctl(36, 1, 0, 0, 0)       # orphans of a program come to us
        libc.prctl(4, 0, 0, 0, 0)        # a program cannot trace us
        none = (ctypes.c_uint32 * 6)()
        version = (ctypes.c_uint32 * 2)(0x20080522, 0)
        if (libc.prctl(38, 1, 0, 0, 0) == 0 and libc.capset(
                ctypes.byref(version), ctypes.byref(none)) == 0):
            layers.append("no privileges")
        return layers
    except (ImportError, OSError, AttributeError):
        return []


def guard(report, scratch, write=os.write, leave=os._exit, kind=type,
          text=str, raw=bytes, number=int, decode=os.fsdecode):
    """An audit hook that ends the program at its first forbidden act."""
    readable = tuple(sys.path) + (scratch,)
    writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    paths = ("open", "os.listdir", "os.scandir")

    def hook(event, args):
        if event in paths:
            path = args[0]
            if kind(path) is raw:
                path = decode(path)
            if path is None or kind(path) is number:
                return                   # an open descriptor, or "."
            if kind(path) is text and ".." not in path:
                if path[:1] not in ("/", ""):
                    return
                flags = args[2] if args[2:] else 0
                if path.startswith(scratch if flags and flags & writing
                                   else readable):
                    return
        elif not event.startswith(FORBIDDEN):
            return
        write(RESULT, report("blocked", "", "", event))
        leave(0)

    return hook


def run(program, nonce, scratch):
    """Runs a program here and returns the result as one line of bytes.

    What the program might overwrite (builtins, modules) is captured before
    it starts.  Plain data only: the answer's exact type and its text.
    """
    kind, get, encode, bits = type, dict.get, str.encode, int.bit_length
    name_of = type.__dict__["__name__"].__get__
    show, memory_error, any_error = repr, MemoryError, BaseException
    integer, string, missing = int, str, object()
    leave, size, scalars = str.join, len, (int, float, bool)

    def report(status, typename="", value="", detail=""):
        fields = (nonce, status, typename, encode(value).hex(),
                  encode(detail[:200], "utf-8", "replace").hex())
        return encode(leave(" ", fields) + "\n")

    out_of_memory = report("memory", detail="more memory than allowed")
    sys.addaudithook(guard(report, scratch))
    module = sys.modules["__main__"] = kind(sys)("__main__")
    namespace = module.__dict__
    namespace["__builtins__"] = builtins
    try:
        code = compile(program, "<program>", "exec", dont_inherit=True)
    except any_error as error:
        return report("unparsable", detail=name_of(kind(error)))
    try:
        exec(code, namespace)
        answer = get(namespace, "answer", missing)
    except memory_error:
        return out_of_memory
    except any_error as error:
        try:
            message = f"{name_of(kind(error))}: {error}"
        except any_error:
            message = name_of(kind(error))
        return report("error", detail=message)
    if answer is missing:
        return report("error", detail="it ended without setting answer")
    exact = kind(answer)
    if exact is integer and bits(answer) > MOST:
        return report("ran", "other", detail="answer is a giant int")
    if exact in scalars or answer is None:
        return report("ran", name_of(exact), show(answer))
    if exact is string and size(answer) <= 200:
        plain = encode(answer, "utf-8", "replace").decode()
        return report("ran", "str", plain)
    return report("ran", "other", detail=f"answer has type {name_of(exact)}")


def child(program, seconds, memory, nonce, pipe, scratch):
    """What the forked process does: limits, run, report, end."""
    os.setsid()
    for prctl in DIE:
        prctl(1, signal.SIGKILL, 0, 0, 0)
    for standard in (0, 1, 2):
        os.dup2(NULL, standard)
    os.dup2(pipe, RESULT)                # last: NULL may have this number
    os.closerange(RESULT + 1, 64)
    cpu = int(seconds) + 2               # a backstop; the worker is exact
    for what, most in ((resource.RLIMIT_CPU, cpu),
                       (resource.RLIMIT_AS, BASE + (memory << 20)),
                       (resource.RLIMIT_FSIZE, 1 << 20),
                       (resource.RLIMIT_NOFILE, 32),
                       (resource.RLIMIT_CORE, 0),
                       (resource.RLIMIT_NPROC, 0)):
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):    # macOS knows no limit of AS
            pass
    gc.enable()
    write, leave = os.write, os._exit
    write(RESULT, run(program, nonce, scratch))
    leave(0)


def sweep(pid, alone):
    """Ends a program and all it left behind: (exit code, CPU seconds)."""
    code = seconds = None
    while True:
        try:
            if alone:
                os.kill(-1, signal.SIGKILL)      # all of this namespace
            elif code is None:
                os.kill(pid, signal.SIGKILL)
                os.killpg(pid, signal.SIGKILL)
            else:                        # orphans that changed their group
                with open(f"/proc/self/task/{os.getpid()}/children") as file:
                    for orphan in file.read().split():
                        os.kill(int(orphan), signal.SIGKILL)
        except OSError:                  # none left, or no such file here
            pass
        try:
            ended, status, used = os.wait4(-1, 0)
        except ChildProcessError:
            return code, seconds
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
            seconds = round(used.ru_utime + used.ru_stime, 6)


def cpu_seconds(pid, started):
    """CPU time that a process has used; wall time where unknown."""
    try:
        return time.clock_gettime((~pid << 3) | 2)     # Linux only
    except (OSError, OverflowError):
        return time.monotonic() - started


def judge(program, seconds, memory, scratch, alone):
    """Runs one program in a fork; ``[status, type, text, detail, s]``."""
    nonce = os.urandom(8).hex()
    source, pipe = os.pipe()
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        try:
            child(program, seconds, memory, nonce, pipe, scratch)
        finally:
            os._exit(1)
    os.close(pipe)
    data, late = b"", None
    patience = started + 4 * seconds + 1     # for a program that sleeps
    poll = select.poll()
    poll.register(source, select.POLLIN)
    poll.register(0, 0)                  # tells only that nobody asks more
    while len(data) < 4 * MOST and not data.endswith(b"\n"):
        left = min(seconds - cpu_seconds(pid, started),
                   patience - time.monotonic())
        if left <= 0:
            late = ("more CPU time than allowed" if time.monotonic()
                    < patience else "still waiting at the end")
            break
        ready = dict(poll.poll(left * 1000 + 1))
        if 0 in ready:
            sys.exit(sweep(pid, alone)[0])
        if ready:
            chunk = os.read(source, MOST)
            if not chunk:
                break
            data += chunk
    code, used = sweep(pid, alone)
    os.close(source)
    clean(scratch)
    fields = data.decode("ascii", "replace").split(" ")
    if len(fields) == 5 and fields[0] == nonce and fields[1] in SAYS:
        try:
            value, detail = (bytes.fromhex(field).decode()
                             for field in fields[3:])
            return [fields[1], fields[2], value, detail, used]
        except ValueError:
            pass
    if late or code == -signal.SIGXCPU:
        return ["timeout", "", "", late or "more CPU time than allowed", used]
    if data:
        return ["error", "", "", "it wrote into the result channel", used]
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return ["error", "", "", f"it ended by itself with {how}", used]


def clean(folder):
    """Removes the files that a program wrote; it cannot make folders."""
    for name in os.listdir(folder):
        try:
            os.remove(os.path.join(folder, name))
        except OSError:
            pass


def main(scratch):
    global NULL, BASE
    sys.dont_write_bytecode = True
    os.environ.clear()
    NULL, BASE = os.open(os.devnull, os.O_RDWR), 0
    layers = isolate()
    try:
        with open("/proc/self/statm") as file:
            BASE = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        pass
    os.chdir(scratch)
    # Python sets up its compiler at the first call: do it once, not per fork.
    exec(compile("warm = 1 / 2", "<program>", "exec"), {})
    gc.disable()
    gc.freeze()
    print(json.dumps(layers), flush=True)
    try:
        for line in sys.stdin:
            programs, seconds, memory = json.loads(line)
            for program in programs:
                print(json.dumps(judge(program, seconds, memory, scratch,
                                       "process namespace" in layers)),
                      flush=True)
    finally:                             # nobody asks any more
        clean(scratch)
        os.rmdir(scratch)


if __name__ == "__main__":
    main(sys.argv[1])
