"""The process that forks those in which answers live.

Started as ``python keeper.py ORDERS`` by ``helpers.marking.sandbox``.  It
enters namespaces, imports what answers may need, gives up its rights, and
then forks: an answer finds all of that in memory, and the folder with our
solutions, checks and hidden cases is closed to it.
"""

import importlib
import importlib.util
import json
import os
import socket
import sys

CPU_SECONDS = 20           # of one answer, in all its calls
MEMORY = 1 << 30           # bytes that it may add
# What the judge in notebook 01 needs, which starts a Python of its own.
STARTING = """
    execve arch_prctl setpgid getpgrp mkdir mkdirat rmdir rename renameat
    renameat2 chdir umask lchown chmod fchmod sched_setaffinity
    mlock""".split()
PROCESSES = 64             # at most, where an answer may start some


def isolation_of(root):
    """The module of the judge, loaded alone: nothing else is imported yet,
    as a process with threads cannot enter a namespace of its own."""
    path = os.path.join(root, "helpers/execution/inside/isolation.py")
    spec = importlib.util.spec_from_file_location("isolation", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(orders):
    """Enters the namespaces; the first process in them does the rest."""
    isolation = isolation_of(orders["root"])
    layers = isolation.enter(orders["scratch"], hide=False)
    pid = os.fork()
    if pid == 0:
        try:
            keep_forking(isolation, layers, orders)
        finally:
            os._exit(0)
    os.close(orders["control"])
    os.waitpid(pid, 0)
    isolation.leave(orders["scratch"])


def keep_forking(isolation, layers, orders):
    """Gets ready, tells which layers hold, and serves."""
    control = socket.socket(fileno=orders["control"])
    root, processes = orders["root"], orders["processes"]
    usual = [path for path in sys.path if path != os.path.dirname(
        os.path.abspath(__file__))]
    sys.path[:] = [root, *usual]
    for name in orders["modules"]:
        try:
            importlib.import_module(name)
        except ImportError:
            pass                          # the answer that needs it will say
    from helpers.marking import serving
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    os.setsid()
    os.chdir(orders["scratch"])
    sys.path[:] = usual
    base = memory_in_use()
    layers = layers + isolation.drop_rights(
        orders["scratch"], "process namespace" in layers,
        [path for path in usual if path and not (root + "/").startswith(
            path.rstrip("/") + "/")] + [os.path.join(sys.prefix,
                                                     "pyvenv.cfg"),
                                        os.path.join(root, "data")],
        starters() if processes else (), STARTING if processes else ())
    layers = [layer for layer in layers if layer not in leaks(
        isolation, orders)]
    # Without a namespace of its own, "all processes" would be the user's.
    orders["alone"] = "process namespace" in layers
    control.send(json.dumps(layers).encode())
    fork_answers(isolation, control, serving, base, orders)


def starters():
    """What may be started: this Python, and what loads it."""
    found = [sys.executable, os.path.realpath(sys.executable)]
    for folder in ("/lib64", "/lib", "/usr/lib"):
        if os.path.isdir(folder):
            found += [os.path.realpath(os.path.join(folder, name))
                      for name in os.listdir(folder)
                      if name.startswith("ld-linux")]
    return tuple(dict.fromkeys(found))


def leaks(isolation, orders):
    """The layers that an answer would get through all the same."""
    source, pipe = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if not orders["processes"]:
                isolation.confine()
            os.write(pipe, json.dumps(isolation.probe(
                orders["scratch"])).encode())
        finally:
            os._exit(0)
    os.close(pipe)
    possible = json.loads(os.read(source, 1 << 12) or b"[]")
    os.close(source)
    os.waitpid(pid, 0)
    layer = {"read files": "Landlock", "write files": "Landlock",
             "use the network": "network namespace",
             "start processes": "seccomp"}
    return {layer[act] for act in possible if not (
        orders["processes"] and act == "start processes")}


def fork_answers(isolation, control, serving, base, orders):
    """Forks a process for each socket that comes; ends those that are named.
    """
    while True:
        order, places, _, _ = socket.recv_fds(control, 64, 1)
        if not order:
            return
        if order == b"fork":
            pid = os.fork()
            if pid == 0:
                try:
                    control.close()
                    limit_answer(isolation, base, orders["processes"])
                    serving.serve_answer(places[0])
                finally:
                    os._exit(0)
            os.close(places[0])
            control.send(str(pid).encode())
        else:
            control.send(str(end_answer(int(order), orders)).encode())


def memory_in_use():
    """Bytes of address space of this process."""
    import resource
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return 8 << 30                    # torch with all its libraries


def limit_answer(isolation, base, processes):
    """The limits of an answer, in its own process."""
    import resource
    for what, most in ((resource.RLIMIT_FSIZE, 1 << 20),
                       (resource.RLIMIT_NOFILE, 64),
                       (resource.RLIMIT_CORE, 0),
                       (resource.RLIMIT_CPU, CPU_SECONDS),
                       (resource.RLIMIT_AS, base + MEMORY)):
        resource.setrlimit(what, (most, most))
    if processes:
        resource.setrlimit(resource.RLIMIT_NPROC, (PROCESSES, PROCESSES))
    else:
        isolation.confine()


def end_answer(pid, orders):
    """Ends an answer, and what it left behind: how it ended, as a number."""
    try:
        done, status = os.waitpid(pid, os.WNOHANG)
        if not done:
            os.kill(pid, 9)
            os.waitpid(pid, 0)
    except OSError:
        status = 0
    if orders["processes"] and orders["alone"]:
        try:
            os.kill(-1, 9)
            while True:
                os.waitpid(-1, 0)
        except OSError:
            pass
    for name in os.listdir(orders["scratch"]):
        try:
            os.remove(os.path.join(orders["scratch"], name))
        except OSError:
            pass
    return status


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
