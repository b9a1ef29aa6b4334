"""The worker: takes requests, has programs forked, says what came out.

Used by ``worker.py``, which becomes this process.  It reads requests from
standard input, one JSON line each, and answers each program with lines
``[status, kind, text, detail, seconds]``.  It is never told an expected
answer, so nobody finds one here, and it never forks: each page of memory
that it writes to would be copied for the program.
"""

import json
import os
import signal
import time

from reports import VALUE, as_file
from sums import may_be_sums
from supervision import (ForkServer, NobodyAsks, Run, cpu_seconds,
                         memory_kills, OUTPUT, read_report, SHORT, watch)

PACE = "for i in range(100000): pass\nanswer = 0"    # to time the machine
USUAL = 0.008              # CPU seconds of PACE on a machine of our time
PIPE = 1 << 12             # bytes that any new pipe takes at once
SLOWER = 4                 # a change of pace that spoils what was timed
TALKING = "calls", "tests"  # modes with questions and answers
AT_LEAST = 0.05            # seconds between two writes of answers


def begin(mode, program, limits, extra=None, text=b""):
    """Has a program forked, with ``text`` on its standard input: a
    :class:`Run`."""
    result, its_result = os.pipe()
    begun, its_begun = os.pipe()
    feed = output = None
    places = [its_result, its_begun]     # as 3 and 4 ...
    if mode == "stdio":
        its_feed, feed = os.pipe()
        output, its_output = os.pipe()
        places += its_feed, its_output
    elif mode in TALKING:                # ... where ASK comes before BEGUN
        its_feed, feed = os.pipe()
        places.insert(1, its_feed)
    seconds = limits["seconds"] * (1000 if mode in TALKING else 1)
    if feed is not None:
        os.set_blocking(feed, False)
        text = memoryview(text)[os.write(feed, text[:PIPE]):]
    SERVER.order(mode, BASE + (limits["mb"] << 20), int(seconds) + 2, program,
                 extra, places=places)   # a backstop; the worker is exact
    for place in places:
        os.close(place)
    run = Run(SERVER, NONCE, result, begun, feed, output, text,
              SHORT + {"answer": 0, "stdio": 0, "together": 2 * OUTPUT}.get(
                  mode, 2 * VALUE << 20))
    if mode == "stdio" and not text:
        run.close_feed()                 # the end of its input
    return run


def look(run, seconds):
    """What :func:`supervision.watch` sees; a slow machine has more time."""
    return watch(run, seconds * SCALE, REQUESTS.fileno())


def finish(run, data, late):
    """Takes a program down, and says what came out of it."""
    report = read_report(run, data)
    status, used = SERVER.end()
    code, used = os.waitstatus_to_exitcode(status), round(used, 6)
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


def write_down(program):
    """Puts a script where it may read itself; tracebacks and inspect do."""
    try:
        with open(os.path.join(SCRATCH, "program.py"), "wb") as file:
            file.write(as_file(program))
    except OSError:                      # then it has no file
        pass


def run_once(mode, program, limits, text=b""):
    """One program from fork to outcome, its output as the outcome's text."""
    if mode == "stdio":
        write_down(program)
    run = begin(mode, program, limits, text=text)
    outcome = finish(run, *look(run, limits["seconds"]))
    if outcome[1] == "output":
        outcome[2] = run.text.decode("utf-8", "replace")
    return excuse(outcome, limits)


def run_together(request):
    """The outcomes of programs that may share a process; None for others."""
    programs = request["programs"]
    outcomes = [None] * len(programs)
    likely = [i for i, program in enumerate(programs) if may_be_sums(program)]
    if len(likely) > 1:
        run = begin("together", [programs[i] for i in likely], request)
        outcome = finish(run, *look(run, request["seconds"]))
        if outcome[1] == "together":
            for i, outcome in zip(likely, json.loads(outcome[2])):
                outcomes[i] = outcome
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


def converse(request):
    """Relays between a program and the other side, a line each in turn."""
    mode, limits, (program,) = request["mode"], request, request.pop(
        "programs")
    run = begin(mode, program, limits, request)
    loaded = False
    while True:
        data, late = look(run, limits["seconds"])
        report = None if late else read_report(run, data)
        goes_on = report and (report[1] in ("loaded", "plain", "ask")
                              or loaded and mode == "calls"
                              and report[0] in ("error", "memory"))
        if not goes_on:
            return send(excuse(finish(run, data, late), limits))
        loaded = True
        report[1] = report[1] or "alive"
        send(report + [round(cpu_seconds(run), 6)])
        ANSWERS.flush()
        line = REQUESTS.readline()
        if not line.strip():             # no more questions
            return finish(run, data, late)
        run.pending = line.encode()


def send(outcome):
    """Answers with a line, at once if the last one was a while ago.

    Many lines at a time are less work for the other side.
    """
    global SENT
    ANSWERS.write(json.dumps(outcome) + "\n")
    if time.monotonic() - SENT > AT_LEAST:
        ANSWERS.flush()
        SENT = time.monotonic()


def serve(request):
    """Answers a request, a line for each program, input or question."""
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
        converse(request)
    ANSWERS.flush()


def main(pid, door, scratch, nonce):
    """Serves until nobody asks any more.

    ``pid`` and ``door``: the fork server and the socket to it.
    """
    global ANSWERS, BASE, KILLS, LAYERS, NONCE, PACE_AT_START, REQUESTS, SCALE
    global SCRATCH, SENT, SERVER
    REQUESTS, ANSWERS = os.fdopen(0), os.fdopen(1, "w")
    SCRATCH, NONCE, SENT, SCALE = scratch, nonce, 0.0, 1.0
    SERVER, KILLS = ForkServer(pid, door), memory_kills()
    LAYERS, BASE = SERVER.answer()       # its first word
    PACE_AT_START = pace({"mb": 256})
    SCALE = max(1.0, PACE_AT_START / USUAL)
    print(json.dumps(LAYERS), file=ANSWERS, flush=True)
    try:
        for line in REQUESTS:
            serve(json.loads(line))
    except NobodyAsks:
        SERVER.end()
    finally:
        clean()
