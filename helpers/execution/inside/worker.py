"""The other side of helpers.execution: a warm worker, one fork per program.

Started as ``python worker.py SCRATCH`` by ``helpers.execution.workers``,
never imported by it.  It reads requests from standard input, one JSON line
each, and answers each program with lines ``[status, kind, text, detail,
seconds]``.  It is never told an expected answer, so nobody finds one here.
"""

import gc
import json
import os
import resource
import signal
import sys

# The neighbours of this file, and then nothing of this folder any more.
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import audit
import child
import habitat
import isolation
import reports
import script
from supervision import (NobodyAsks, Run, cpu_seconds,
                         memory_kills, OUTPUT, read_report, SHORT, watch)
del sys.path[0]

PACE = "for i in range(100000): pass\nanswer = 0"    # to time the machine
USUAL = 0.008              # CPU seconds of PACE on a machine of our time
SLOWER = 4                 # a change of pace that spoils what was timed


def begin(mode, program, limits, extra=None, text=b""):
    """Forks a program, with ``text`` on its standard input: a :class:`Run`."""
    nonce = os.urandom(8).hex()
    result, its_result = os.pipe()
    begun, its_begun = os.pipe()
    its_feed, feed = os.pipe()
    output, its_output = os.pipe() if mode == "stdio" else (None, None)
    habitat.fit_stacks(limits["mb"])
    leave = os._exit                     # a program may replace that one
    pid = os.fork()
    if pid == 0:
        try:
            os.setsid()
            if isolation.LIBC and "process namespace" not in LAYERS:
                isolation.LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)
            if mode == "stdio":
                os.dup2(its_feed, 0)
                os.dup2(its_output, 1)
            os.dup2(its_result, reports.RESULT)
            os.dup2(its_feed, reports.ASK)
            os.dup2(its_begun, reports.BEGUN)
            talks = mode in ("calls", "tests")
            isolation.limit(limits["seconds"] * (1000 if talks else 1),
                            BASE + (limits["mb"] << 20))
            isolation.confine()
            os.closerange(reports.BEGUN + 1, 256)
            if not talks:
                os.close(reports.ASK)
            gc.enable()
            child.start(mode, program, extra, nonce, SCRATCH)
            leave(0)
        finally:
            leave(1)
    os.close(its_result)
    os.close(its_begun)
    os.close(its_feed)
    if output is not None:
        os.close(its_output)
    os.set_blocking(feed, False)
    run = Run(pid, nonce, result, begun, feed, output, text,
              SHORT if mode in ("answer", "stdio") else 2 * OUTPUT)
    if mode == "stdio" and not text:
        run.close_feed()                 # the end of its input
    return run


def sweep(pid):
    """Ends a program and all it left behind: (exit code, CPU seconds)."""
    alone = "process namespace" in LAYERS
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


def look(run, seconds):
    """What :func:`supervision.watch` sees; a slow machine has more time."""
    return watch(run, seconds * SCALE, REQUESTS.fileno())


def finish(run, data, late):
    """Takes a program down, and says what came out of it."""
    report = read_report(run, data)
    code, used = sweep(run.pid)
    run.close_feed()
    os.close(run.result)
    if run.output is not None:
        while chunk := os.read(run.output, 1 << 16):   # what the pipe holds
            run.text += chunk
        os.close(run.output)
    has_begun = os.read(run.begun, 1)
    os.close(run.begun)
    clean()
    if not has_begun:                    # whatever ended it, we have
        return ["infrastructure", "", "", "it ended before the program "
                "began", used]
    if late == "starved":
        return ["infrastructure", "", "", "it got no processor time", used]
    if late == "more output than allowed":
        return ["error", "", "", late, used]
    if report and not (late and report[0] == "ran"):
        if report[0] != "ran" or report[1] == "alive":
            report[1] = ""               # of a program that is not alive
        return report + [used]
    if late or code == -signal.SIGXCPU:
        return ["timeout", "", "", late or "more CPU time than allowed", used]
    if code == -signal.SIGKILL and memory_kills() > KILLS:
        return ["infrastructure", "", "", "this machine ran out of memory",
                used]
    if data:
        return ["error", "", "", "it wrote into the result channel", used]
    if run.output is not None and code == 0:     # os._exit(0) in a script
        return ["ran", "output", "", "", used]
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return ["error", "", "", f"it ended by itself with {how}", used]


def clean():
    """Removes the files that a program wrote; it cannot make folders."""
    for name in os.listdir(SCRATCH):
        try:
            os.remove(os.path.join(SCRATCH, name))
        except OSError:
            pass


def run_once(mode, program, limits, text=b""):
    """One program from fork to outcome, its output as the outcome's text."""
    run = begin(mode, program, limits, text=text)
    outcome = finish(run, *look(run, limits["seconds"]))
    if outcome[1] == "output":
        outcome[2] = run.text.decode("utf-8", "replace")
    return excuse(outcome, limits)


def run_together(request):
    """The outcomes of programs that may share a process; None for others."""
    programs = request["programs"]
    outcomes = [None] * len(programs)
    if len(programs) > 1:
        run = begin("together", programs, request)
        outcome = finish(run, *look(run, request["seconds"]))
        if outcome[1] == "together":
            outcomes = json.loads(outcome[2])
    return outcomes


def excuse(outcome, limits):
    """Turns a failure into "infrastructure" where this machine is to blame."""
    why = None
    if outcome[0] == "timeout" and pace(limits) > SLOWER * PACE_AT_START:
        why = "this machine has become much slower"
    elif outcome[0] == "error" and "private scratch" not in LAYERS:
        disk = os.statvfs(SCRATCH)
        if disk.f_bavail * disk.f_frsize < 1 << 20:
            why = "the disk is full"
    return ["infrastructure", "", "", why, outcome[4]] if why else outcome


def pace(limits):
    """CPU seconds of a fixed piece of work: how fast this machine is now."""
    patient, seconds = limits | {"seconds": 60}, []
    for _ in range(3):
        run = begin("answer", PACE, patient)
        seconds.append(finish(run, *look(run, 60))[4])
    return min(seconds)


def converse(request, send):
    """Relays between a program and the other side, a line each in turn."""
    mode, limits = request["mode"], request
    run = begin(mode, request["programs"][0], limits, request)
    loaded = False
    while True:
        data, late = look(run, limits["seconds"])
        report = None if late else read_report(run, data)
        goes_on = report and (report[1] in ("loaded", "plain", "ask")
                              or loaded and report[0] in ("error", "memory"))
        if not goes_on:
            return send(excuse(finish(run, data, late), limits))
        loaded = True
        report[1] = report[1] or "alive"
        send(report + [round(cpu_seconds(run.pid), 6)])
        line = REQUESTS.readline()
        if not line.strip():             # no more questions
            return finish(run, data, late)
        run.pending = line.encode()


def serve(request):
    """Answers a request, a line for each program, input or question."""
    def send(outcome):
        print(json.dumps(outcome), file=ANSWERS, flush=True)

    if request["mode"] == "answer":
        for program, outcome in zip(request["programs"],
                                    run_together(request)):
            send(outcome or run_once("answer", program, request))
    elif request["mode"] == "stdio":
        outcome = [""]
        for text in request["inputs"]:
            # Where it hangs once, it need not be waited for a second time.
            if outcome[0] in ("", "ran", "error"):
                outcome = run_once("stdio", request["programs"][0], request,
                                   text.encode("utf-8", "surrogateescape"))
            send(outcome)
    else:
        converse(request, send)


def layers_that_hold():
    """The layers that are set up and that a probe does not get through."""
    layers = isolation.enter(SCRATCH)
    while True:
        source, pipe = os.pipe()
        pid = os.fork()
        if pid == 0:
            isolation.limit(60, 1 << 40)
            isolation.confine()
            os.write(pipe, json.dumps(isolation.probe(SCRATCH)).encode())
            os._exit(0)
        os.close(pipe)
        possible = os.read(source, 1 << 16)
        os.close(source)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if code == 97:
            isolation.LANDLOCK = None
            layers.remove("Landlock")
        elif code == 98:
            isolation.FILTER = None
            layers.remove("seccomp")
        else:
            break
    leaks = {"read files": "Landlock", "write files": "Landlock",
             "use the network": "network namespace",
             "start processes": "seccomp"}
    broken = {leaks[act] for act in json.loads(possible or b"[]")}
    return [layer for layer in layers if layer not in broken]


def main():
    global ANSWERS, BASE, KILLS, LAYERS, PACE_AT_START, REQUESTS, SCALE
    global SCRATCH
    SCRATCH = sys.argv[1]
    os.environ.clear()
    sys.dont_write_bytecode = True
    # A program's descriptors are 0 to 4, its last sign of life before it
    # starts is 5; ours come after them.
    while (null := os.open(os.devnull, os.O_RDWR)) <= reports.BEGUN:
        pass
    REQUESTS, ANSWERS = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for place in (0, 1, 2):
        os.dup2(null, place)
    habitat.furnish()
    LAYERS, BASE, SCALE, KILLS = [], 0, 1.0, memory_kills()
    LAYERS = layers_that_hold()
    if "Landlock" not in LAYERS:
        audit.watch_alone()
    elif isolation.LIBC:
        script.PY_EXIT = isolation.PY_EXIT
    os.chdir(SCRATCH)
    # Python sets up its compiler at the first call: do it once, not per fork.
    exec(compile("warm = 1 / 2", "<program>", "exec"), {})
    gc.disable()
    gc.freeze()
    try:
        with open("/proc/self/statm") as file:
            BASE = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        pass
    PACE_AT_START = pace({"mb": 256})
    SCALE = max(1.0, PACE_AT_START / USUAL)
    print(json.dumps(LAYERS), file=ANSWERS, flush=True)
    try:
        for line in REQUESTS:
            serve(json.loads(line))
    except NobodyAsks as program:
        sweep(program.args[0])
    finally:
        clean()
        try:
            os.rmdir(SCRATCH)
        except OSError:                  # it is a mount, and ends with us
            pass


if __name__ == "__main__":
    main()
