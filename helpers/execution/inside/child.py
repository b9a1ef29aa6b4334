"""What runs in the forked process: one program, and its result as a line.

Used by ``worker.py``.  Nothing here is trusted by anybody: the
program may rewrite all of it.  It is never told an expected answer, and what
it sends is compared elsewhere, as plain data.  Introduced in notebook 01,
section 3.
"""

import atexit
import builtins
import io
import json
import math
import os
import sys
import time

import plain
from audit import guard
from sums import arithmetic

RESULT, ASK = 3, 4         # the pipes to the worker and from it
MOST = 4096                # bytes of an answer; a longer one is a flood


def reporter(nonce):
    """A function that makes the line of a report; see
    ``supervision.read_report``."""
    encode, join = str.encode, str.join

    def report(status, kind="", value="", detail=""):
        fields = (nonce, status, kind, encode(value).hex(),
                  encode(detail[:200], "utf-8", "replace").hex())
        return encode(join(" ", fields) + "\n")

    return report


def describe(error, kind=type, any_error=BaseException,
             name_of=type.__dict__["__name__"].__get__):
    """An error in a few words, even one that lies or raises."""
    try:
        return f"{name_of(kind(error))}: {error}"
    except any_error:
        return name_of(kind(error))


def load(program, name, report, may_leave=False):
    """Runs a program as a new module: (its names, None or a report).

    ``may_leave``: that it ends by ``sys.exit(0)`` is no error.
    """
    namespace = vars(sys.modules.setdefault(name, type(sys)(name)))
    namespace["__builtins__"] = builtins
    memory_error, any_error = MemoryError, BaseException
    exit_error, is_a, kind = SystemExit, isinstance, type
    good = (type(None), int)
    out_of_memory = report("memory", detail="more memory than allowed")
    run, shows = exec, describe
    try:
        code = compile(program, "<program>", "exec", dont_inherit=True)
    except any_error as error:
        return namespace, report("unparsable", detail=kind(error).__name__)
    try:
        run(code, namespace)
    except memory_error:
        return namespace, out_of_memory
    except any_error as error:
        if may_leave and is_a(error, exit_error) and (
                kind(error.code) in good and not error.code):
            return namespace, None
        return namespace, report("error", detail=shows(error))
    return namespace, None


def answer_of(program, report):
    """Mode "answer": the program's global ``answer``, as type and text."""
    tell = told
    namespace, failed = load(program, "__main__", report)
    return failed or report(*tell(namespace))


def told(namespace, kind=type, get=dict.get, bits=int.bit_length, show=repr,
         name_of=type.__dict__["__name__"].__get__, encode=str.encode,
         size=len, missing=object(), integer=int, string=str,
         scalars=(int, float, bool)):
    """What there is to tell of an answer: status, kind, text, detail."""
    answer = get(namespace, "answer", missing)
    if answer is missing:
        return "error", "", "", "it ended without setting answer"
    exact = kind(answer)
    if exact is integer and bits(answer) > MOST:
        return "ran", "other", "", "answer is a giant int"
    if exact in scalars or answer is None:
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


def run_script(program, report):
    """Mode "stdio": as ``python program.py < input`` would run it."""
    out, last, modules = sys.stdout, atexit._run_exitfuncs, sys.modules
    any_error, shows = BaseException, describe
    _, failed = load(program, "__main__", report, may_leave=True)
    try:                                 # what the interpreter does at its
        if "threading" in modules:       # end: other threads, atexit, flush
            modules["threading"]._shutdown()
        last()
        sys.stdout.flush()
        if sys.stdout is not out:
            out.flush()
    except any_error as error:
        failed = failed or report("error", detail=shows(error))
    return failed or report("ran", "output")


def messages():
    """Yields what arrives on the pipe ASK, a line at a time."""
    read, join, buffer = os.read, bytes.join, b""
    while True:
        while b"\n" not in buffer:
            chunk = read(ASK, 1 << 16)
            if not chunk:
                return
            buffer = join(b"", (buffer, chunk))
        line, _, buffer = buffer.partition(b"\n")
        yield json.loads(line)


def serve(program, preamble, setup, report):
    """Mode "calls": loads the program, then evaluates what it is asked.

    Yields reports: that it is loaded, then a value for each message, which
    is ["eval", expression] or ["call", name, arguments, named ones].
    """
    encode, decode, any_error, shows = (plain.encode, plain.decode,
                                        BaseException, describe)
    memory_error, evaluate, texts = MemoryError, eval, json.dumps
    for text in (preamble, program, setup):
        namespace, failed = load(text, "solution", report)
        if failed:
            yield failed
            return
    yield report("ran", "loaded")
    for message in messages():
        try:
            if message[0] == "eval":
                value = evaluate(message[1], namespace)
            else:
                name, arguments, named = message[1:]
                function = (namespace[name] if name in namespace else
                            getattr(namespace["Solution"](), name))
                value = function(*decode(texts(arguments)),
                                 **decode(texts(named)))
            said = report("ran", "plain", encode(value))
        except memory_error:
            said = report("memory", detail="more memory than allowed")
        except any_error as error:
            said = report("error", detail=shows(error))
        yield said


class NoValue(Exception):
    """The program under test gave no value; ``args``: status, detail."""


def examine(tests, names, starter, report):
    """Mode "tests": runs trusted tests, asking for the values of calls.

    This is the other process: it has the tests and not the program.  Yields
    a report for each question, and at the end one with a letter per test.
    """
    answers = messages()

    def ask(*message):
        os.write(RESULT, report("ran", "ask", json.dumps(message)))
        status, kind, text, detail, _ = next(answers)
        if status != "ran":
            raise NoValue(status, detail)
        return plain.decode(text)

    def proxy(name):
        return lambda *arguments, **named: ask(
            "call", name, json.loads(plain.encode(arguments)),
            json.loads(plain.encode(named)))

    namespace = {"__name__": "tests", "math": math, "sys": sys,
                 "evaluated": lambda source: ask("eval", source)}
    exec(starter, namespace)
    namespace.update((name, proxy(name)) for name in names)
    letters, first = "", ""
    for number, test in enumerate(tests, 1):
        why = ""
        try:
            exec(test, namespace)
            letters += "p"
        except NoValue as failure:
            letters += failure.args[0][0]
            why = failure.args[1]
        except AssertionError:
            letters, why = letters + "w", "not as expected"
        except Exception as error:
            letters, why = letters + "w", describe(error)
        if letters[-1] != "p" and not first:
            first = f"test {number}: {why}"
    yield report("ran", "end", letters, first)


def prepare():
    """What a program will find, made once and before it is forked."""
    sys.set_int_max_str_digits(0)        # answers have thousands of digits
    sys.argv = ["program.py"]
    builtins.exit = builtins.quit = sys.exit     # -S leaves them out
    source = io.BufferedReader(io.FileIO(0, closefd=False))
    target = io.BufferedWriter(io.FileIO(1, "w", closefd=False))
    sys.__stdin__ = sys.stdin = io.TextIOWrapper(
        source, "utf-8", "surrogateescape")
    sys.__stdout__ = sys.stdout = io.TextIOWrapper(
        target, "utf-8", "surrogateescape")


def start(mode, program, extra, nonce, scratch):
    """Runs a program in a mode, writing its reports into the pipe RESULT."""
    write, report = os.write, reporter(nonce)
    sys.addaudithook(guard(report, scratch, RESULT))
    sys.modules["__main__"] = type(sys)("__main__")
    if mode == "stdio":
        sys.modules["__main__"].__file__ = "program.py"
        write(RESULT, run_script(program, report))
    elif mode == "answer":
        write(RESULT, answer_of(program, report))
    elif mode == "together":
        write(RESULT, together(program, report))
    else:
        said = (serve(program, extra["preamble"], extra["setup"], report)
                if mode == "calls" else
                examine(program, extra["names"], extra["starter"], report))
        for line in said:
            write(RESULT, line)
