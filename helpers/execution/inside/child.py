"""What runs in the forked process: one program, and its result as a line.

Used by ``forkserver.py``.  Nothing here is trusted by anybody: the
program may rewrite all of it.  It is never told an expected answer, and what
it sends is compared elsewhere, as plain data.
"""

import builtins
import json
import sys
import time
from os import close, write
from sys import addaudithook

from _frozen_importlib_external import PathFinder

import habitat
from audit import HERE, guard
from calls import serve
from referee import examine
from reports import RESULT, compiled, describe, load, module, reporter
from script import (fault, leave_frames, name_modules, ready, run_here,
                    run_script)
from sums import arithmetic

HOOKS = []                 # the one that the next program gets
# Frames of ours above :func:`start`, below a function that is called.
ABOVE = 3
MOST = 4096                # bits of an answer; a longer one is a flood


def answer_of(program, report):
    """Mode "answer": the program's global ``answer``, as type and text."""
    tell = told
    namespace = module("__main__")
    failed = load(program, namespace, report)
    return failed or report(*tell(namespace))


def told(namespace, kind=type, get=dict.get, bits=int.bit_length, show=repr,
         name_of=type.__dict__["__name__"].__get__, encode=str.encode,
         size=len, missing=object(), integer=int, string=str,
         scalars=(int, float, bool), some=any):
    """What there is to tell of an answer: status, kind, text, detail."""
    answer = get(namespace, "answer", missing)
    if answer is missing:
        return "error", "", "", "it ended without setting answer"
    exact = kind(answer)
    if exact is integer and bits(answer) > MOST:
        return "ran", "other", "", "answer is a giant int"
    if answer is None or some([exact is each for each in scalars]):
        return "ran", name_of(exact), show(answer)
    if exact is string and size(answer) <= 200:
        return "ran", "str", encode(answer, "utf-8", "replace").decode()
    return "ran", "other", "", f"answer has type {name_of(exact)}"


def together(programs, report):
    """Mode "together": the outcomes of those programs that are sums.

    One after another in this process; null for a program that needs one of
    its own, also where anything unusual comes up.
    """
    outcomes = []
    for program in programs:
        namespace, begun = {"__builtins__": builtins}, time.thread_time()
        try:
            code = arithmetic(program)
            outcome = None
            if code:
                try:
                    exec(code, namespace)
                    outcome = [*told(namespace), "", ""][:4]
                except (ArithmeticError, TypeError, ValueError) as error:
                    outcome = ["error", "", "", describe(error)]
        except (SyntaxError, ValueError, MemoryError, RecursionError):
            outcome = None
        outcomes.append(outcome and outcome + [
            round(time.thread_time() - begun + 1e-6, 6)])
    return report("ran", "together", json.dumps(outcomes))


def get_ready(nonce, scratch):
    """What can be done before the fork, for all programs.

    What a program needs is run a few times: Python learns from what it has
    run, and would learn it anew in each fork.
    """
    global REPORT, SCRATCH
    REPORT, SCRATCH = reporter(nonce), scratch
    hook = guard(REPORT, scratch, RESULT)
    for i in range(20):
        sys.modules["__main__"] = type(sys)("__main__")
        program = f"answer = sum([{i}, 2])\nprint(answer)"
        answer_of(program, REPORT)
        code, _ = compiled(program, "program.py", REPORT)
        run_here(code)
        ready(code, lambda ran: fault(None, REPORT)).code
        for event, args in (
                ("compile", (program, "<program>")), ("exec", (None,)),
                ("import", ("math", None, None, None, None)),
                ("open", ("/dev/null", "r", 0))):
            hook(event, args)
    sys.stdout.flush()                   # or each program would print it
    HOOKS.append(hook)
    drop_abc()
    sys.modules["__main__"] = type(sys)("__main__")
    name_modules()
    for name, each in [*sys.modules.items()]:
        if (getattr(each, "__file__", None) or "").startswith(HERE):
            del sys.modules[name]        # a script may have one of its name


def drop_abc(modules=sys.modules):
    """A program has to import ``collections.abc`` to have it; but where no
    file has it, as from Python 3.14 on, ``collections`` brings it along."""
    package = modules["collections"]
    if PathFinder.find_spec("collections.abc", package.__path__):
        del modules["collections.abc"], package.abc


def start(mode, program, extra, begun):
    """Runs a program in a mode, writing its reports into the pipe RESULT.

    A byte in the pipe ``begun`` tells before that the program begins.
    """
    tell, report = write, REPORT
    addaudithook(HOOKS.pop())            # from here on no name leads to it
    if mode == "stdio":
        habitat.become_script(SCRATCH)
    tell(begun, b"b")                    # what ends from here on ends itself
    close(begun)
    if mode == "calls":
        leave_frames(ABOVE)
    if mode == "stdio":
        tell(RESULT, run_script(program, report))
    elif mode == "answer":
        tell(RESULT, answer_of(program, report))
    elif mode == "together":
        tell(RESULT, together(program, report))
    else:
        said = (serve(program, extra["preamble"], extra["setup"], report)
                if mode == "calls" else
                examine(program, extra["names"], extra["starter"],
                        extra["setup"], report))
        for line in said:
            tell(RESULT, line)
