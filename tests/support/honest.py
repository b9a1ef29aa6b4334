"""Honest scripts that do things in an odd way: none may be judged wrong.

An entry of ``HONEST`` is (program, input): its text, and what it reads.
Whatever ``python program.py < input`` makes of it on a pipe, the judge has
to make of it too.  ``REFUSED`` holds the exceptions, with the verdict and a
word of its detail: what a judge of programs does not offer, by name.
"""

FAST_IO = '''
import os, sys
from io import BytesIO, IOBase
BUFSIZE = 8192


class FastIO(IOBase):
    newlines = 0

    def __init__(self, file):
        self._fd = file.fileno()
        self.buffer = BytesIO()
        self.writable = "x" in file.mode or "r" not in file.mode
        self.write = self.buffer.write if self.writable else None

    def read(self):
        while True:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, BUFSIZE))
            if not b:
                break
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines = 0
        return self.buffer.read()

    def readline(self):
        while self.newlines == 0:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, BUFSIZE))
            self.newlines = b.count(b"\\n") + (not b)
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines -= 1
        return self.buffer.readline()

    def flush(self):
        if self.writable:
            os.write(self._fd, self.buffer.getvalue())
            self.buffer.truncate(0), self.buffer.seek(0)


class IOWrapper(IOBase):
    def __init__(self, file):
        self.buffer = FastIO(file)
        self.flush = self.buffer.flush
        self.writable = self.buffer.writable
        self.write = lambda s: self.buffer.write(s.encode("ascii"))
        self.read = lambda: self.buffer.read().decode("ascii")
        self.readline = lambda: self.buffer.readline().decode("ascii")


sys.stdin, sys.stdout = IOWrapper(sys.stdin), IOWrapper(sys.stdout)
input = lambda: sys.stdin.readline().rstrip("\\r\\n")
'''
# What becomes of an act on what is not there, or is of another kind.
WITHOUT = '''
import os, shutil
from pathlib import Path
for act, *paths in ACTS:
    try:
        act(*paths)
        print("done")
    except OSError as error:
        print(type(error).__name__, error, error.filename, error.filename2)
'''
NUMBERS = "3 4\n5 6\n"

STREAMS = {
    "the template of Codeforces": (
        FAST_IO + "print(sum(map(int, input().split())))\n"
        "sys.stdout.flush()", NUMBERS),
    "the same, without a flush": (
        FAST_IO + "for _ in range(2): print(input())", NUMBERS),
    "a template that reads all": (
        FAST_IO + "print(sys.stdin.read().split())", NUMBERS),
    "bytes at once": (
        "import os, sys\nd = os.read(0, 1 << 16).split()\n"
        "sys.stdout.write(b' '.join(d).decode())", NUMBERS),
    "the size of the input": (
        "import os\nprint(os.fstat(0).st_size, len(os.read(0, 9)))", NUMBERS),
    "input as an iterator": (
        "import sys\ninput = iter(sys.stdin.buffer.read().decode()"
        ".split()).__next__\nprint(int(input()) + int(input()))", NUMBERS),
    "a bound readline": (
        "import sys\ninput = sys.stdin.readline\nprint(input().split())\n"
        "print(repr(input()), repr(input()))", NUMBERS),
    "the buffer, line by line": (
        "import sys\nfor line in sys.stdin.buffer: print(line)", NUMBERS),
    "the raw file below": (
        "import sys\nprint(sys.stdin.buffer.raw.read(3), "
        "sys.stdin.buffer.raw.name)", NUMBERS),
    "readinto": (
        "import sys\nb = bytearray(4)\nn = sys.stdin.buffer.readinto(b)\n"
        "print(n, b)", NUMBERS),
    "peek": ("import sys\nprint(sys.stdin.buffer.peek()[:3], input())",
             NUMBERS),
    "modes and names": (
        "import sys\nprint([(f.mode, f.name, f.encoding, f.isatty(), "
        "f.fileno(), f.seekable(), f.line_buffering) for f in "
        "(sys.stdin, sys.stdout)], sys.stdout.newlines)", ""),
    "errors of streams": (
        "import sys\nprint(sys.stdin.errors, sys.stdout.errors, "
        "sys.stderr.errors)", ""),
    "seek on a pipe": (
        "import sys\ntry:\n    sys.stdin.seek(0)\nexcept OSError as e:\n"
        "    print(type(e).__name__)", NUMBERS),
    "open(0)": ("print(open(0).read().split())", NUMBERS),
    "open(0, 'rb')": ("print(open(0, 'rb').readlines())", NUMBERS),
    "open('/dev/stdin')": (
        "for line in open('/dev/stdin'): print(line, end='')", NUMBERS),
    "open by the number's name": ("print(open('/dev/fd/0').read())", NUMBERS),
    "fdopen": (
        "import os\nwith os.fdopen(0) as f: print(f.readline())", NUMBERS),
    "fdopen for output": (
        "import os\nout = os.fdopen(1, 'w')\nprint(7, file=out)", ""),
    "a copy of the output": (
        "import os\nf = os.fdopen(os.dup(1), 'w')\nf.write('one')", ""),
    "open(1) left open": ("out = open(1, 'w')\nprint('left', file=out)", ""),
    "open(1) in a function": (
        "def f():\n    out = open(1, 'w', closefd=False)\n"
        "    print('left', file=out)\nf()\nprint('after')", ""),
    "open(1) kept by a module": (
        "import sys\nsys.kept = open(1, 'w')\nsys.kept.write('kept')", ""),
    "open(1) beside a function": (
        "out = open(1, 'w')\ndef f(): print('left', file=out)\nf()", ""),
    "open(1) as a default": (
        "def f(x, out=open(1, 'w')): out.write(x)\nf('left')", ""),
    "open(1) kept by another module": (
        "import random\nrandom.kept = open(1, 'w')\n"
        "random.kept.write('kept')", ""),
    "open(1) in a list of a module": (
        "import sys\nsys.kept = [open(1, 'w')]\nsys.kept[0].write('x')", ""),
    "open(1) in a module that it writes": (
        "open('h.py', 'w').write('out = open(1, \"w\")')\nimport h\n"
        "h.out.write('kept')", ""),
    "packed output, not closed": (
        "import bz2, sys\nf = bz2.BZ2File(sys.stdout.buffer, 'wb')\n"
        "f.write(b'x')", ""),
    "packed output as of 3.14, not closed": (
        "import sys\nfrom compression import zstd\n"
        "f = zstd.ZstdFile(sys.stdout.buffer, 'wb')\nf.write(b'x')", ""),
    "a new wrapper of the output": (
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, "
        "encoding='utf-8')\nprint('\\u00e9')", ""),
    "a new wrapper of the input": (
        "import io, sys\nsys.stdin = io.TextIOWrapper(sys.stdin.buffer, "
        "encoding='latin-1')\nprint(ascii(input()))", "\u00e9\n"),
    "detach": (
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.detach(), "
        "write_through=True)\nprint('x')", ""),
    "a buffer of its own, not flushed": (
        "from io import BufferedWriter\nimport sys\n"
        "out = BufferedWriter(sys.stdout.buffer.raw, 1 << 20)\n"
        "for line in sys.stdin.buffer: out.write(line)", NUMBERS),
    "the write of a buffer of its own": (
        "import io, sys\nwrite = io.BufferedWriter(sys.stdout.buffer.raw)"
        ".write\nwrite(b'3 4')", ""),
    "another stream of the same kind": (
        "import sys\nout = type(sys.stdout)(sys.stdout.buffer)\n"
        "print(input(), file=out)", NUMBERS),
    "another stream, in a function": (
        "import sys\ndef f():\n    def g(x, "
        "out=type(sys.stdout)(sys.stdout.buffer)): print(x, file=out)\n"
        "    return g\nf()(7)\ng = f()\ng(8)", ""),
    "a file and a buffer by their kinds": (
        "import sys\nb = sys.stdout.buffer\n"
        "out = type(b)(type(b.raw)(1, 'w'))\nout.write(b'x')", ""),
    "what was below the output": (
        "import sys\nout = sys.stdout.detach()\nsys.stdout = None\n"
        "out.write(b'x')", ""),
    "an output that does not know whether it is closed": (
        "import sys\nclass Out:\n    closed = property(lambda self: 1 / 0)\n"
        "    def write(self, s): sys.__stdout__.write(s)\n"
        "    def flush(self): pass\nsys.stdout = Out()\nprint('x')", ""),
    "an error output of its own": (
        "import sys\nclass Null:\n    def write(self, s): pass\n"
        "    def flush(self): pass\nsys.stderr = Null()\nprint('x')", ""),
    "an error output that cannot be flushed": (
        "import sys\nclass Null:\n    def write(self, s): pass\n"
        "sys.stderr = Null()\nprint('x')", ""),
    "a larger buffer": (
        "import io, sys\nsys.stdout = io.TextIOWrapper(io.BufferedWriter("
        "sys.stdout.buffer.raw, 1 << 20))\nprint('x' * 100000)", ""),
    "reconfigure": (
        "import sys\nsys.stdout.reconfigure(line_buffering=True, "
        "encoding='utf-8')\nsys.stdin.reconfigure(encoding='utf-8')\n"
        "print(input())", "\u00e9\n"),
    "unbuffered print": (
        "import functools\nprint = functools.partial(print, flush=True)\n"
        "print(1)\nprint(2)", ""),
    "StringIO first": (
        "import io, sys\nout, sys.stdout = sys.stdout, io.StringIO()\n"
        "print('kept')\nout.write(sys.stdout.getvalue())", ""),
    "StringIO for input": (
        "import io, sys\nsys.stdin = io.StringIO(sys.stdin.read())\n"
        "print(input(), input())", NUMBERS),
    "redirect_stdout": (
        "import contextlib, io\nwith contextlib.redirect_stdout("
        "io.StringIO()) as s: print(1)\nprint(len(s.getvalue()))", ""),
    "writelines": ("import sys\nsys.stdout.writelines(['a\\n', 'b'])", ""),
    "the error output": (
        "import sys\nprint('note', file=sys.stderr)\nprint(1)", ""),
    "errors to the output": (
        "import sys\nsys.stderr = sys.stdout\nprint('x', file=sys.stderr)",
        ""),
    "closed output": ("import sys\nprint(1)\nsys.stdout.close()", ""),
    "closed input": (
        "import sys\nsys.stdin.close()\ntry:\n    input()\n"
        "except ValueError: print('closed')", NUMBERS),
    "text and bytes": (
        "import sys\nprint('a', flush=True)\nsys.stdout.buffer.write(b'b')",
        ""),
    "no output at all": ("pass", NUMBERS),
    "nothing but an empty line": ("print()", ""),
    "no newline at the end": ("print(3, end='')", ""),
    "much output": ("print('x' * 1000 * 1000)", ""),
    "many small outputs": ("for i in range(50000): print(i)", ""),
    "half of the input read": ("print(input())", "x\n" * 100000),
    "a null byte": ("print('a\\0b', len(input()))", "\0\0\n"),
    "bytes that are no text": (
        "import sys\nsys.stdout.buffer.write(bytes(range(256)))", ""),
    "half a character out": ("print('\\udc80')", ""),
    "another half": (
        "try:\n    print('\\ud800', flush=True)\n"
        "except UnicodeEncodeError: print('no')", ""),
    "carriage returns": (
        "print(repr(input()), repr(input()))", "a\r\nb\r\n"),
    "a lone carriage return": ("print(ascii(open(0).read()))", "a\rb\r\nc"),
    "input after the end": (
        "try:\n    while True: print(input())\nexcept EOFError:\n"
        "    print('end')", NUMBERS),
    "no line end in the input": ("print(input() + input())", "a\nb"),
    "input with a prompt": ("print(input('n? '))", NUMBERS),
    "EOF by readline": (
        "import sys\nprint(repr(sys.stdin.readline()))", ""),
    "fileinput": (
        "import fileinput\nfor line in fileinput.input(): "
        "print(line.strip())", NUMBERS),
    "select on the input": (
        "import select\nprint(select.select([0], [], [], 1)[0])", NUMBERS),
    "its own descriptors": (
        "import os\nr, w = os.pipe()\nos.write(w, b'x')\n"
        "print(os.read(r, 1))", ""),
    "the output by its number": (
        "import os\nos.write(1, b'one\\n')\nprint('two')", ""),
    "dup2 and back": (
        "import os, sys\nkept = os.dup(1)\nnull = os.open(os.devnull, 1)\n"
        "os.dup2(null, 1)\nprint('x', flush=True)\nos.dup2(kept, 1)\n"
        "print('y')", ""),
}

ENDS = {
    "exit()": ("print(1)\nexit()", ""),
    "quit(0)": ("print(1)\nquit(0)", ""),
    "sys.exit(None)": ("import sys\nprint(1)\nsys.exit(None)", ""),
    "sys.exit(False)": ("import sys\nprint(1)\nsys.exit(False)", ""),
    "sys.exit(True)": ("import sys\nprint(1)\nsys.exit(True)", ""),
    "sys.exit(256)": ("import sys\nprint(1)\nsys.exit(256)", ""),
    "sys.exit(0.0)": ("import sys\nprint(1)\nsys.exit(0.0)", ""),
    "sys.exit('')": ("import sys\nprint(1)\nsys.exit('')", ""),
    "sys.exit of main's value": (
        "import sys\ndef main():\n    print(1)\n    return 0\n"
        "if __name__ == '__main__':\n    sys.exit(main())", ""),
    "an exit code that is an enumeration": (
        "import enum, sys\nclass E(enum.IntEnum):\n    OK = 0\n"
        "print(1)\nsys.exit(E.OK)", ""),
    "sys.exit of a giant": ("import sys\nprint(1)\nsys.exit(2 ** 70)", ""),
    "an exit code of its own class": (
        "import sys\nclass Code(int):\n    def __and__(*_): return 0\n"
        "print(1)\nsys.exit(Code(3))", ""),
    "raise SystemExit": ("print(1)\nraise SystemExit", ""),
    "exit in a finally": (
        "try:\n    1 / 0\nfinally:\n    print(1)\n    exit(0)", ""),
    "exit in a thread": (
        "import sys, threading\nt = threading.Thread(target=sys.exit, "
        "args=(3,))\nt.start()\nt.join()\nprint(1)", ""),
    "os._exit after a flush": (
        "import os\nprint(1, flush=True)\nos._exit(0)", ""),
    "os._exit without a flush": ("import os\nprint(1)\nos._exit(0)", ""),
    "an excepthook that leaves": (
        "import os, sys\ndef hook(*_):\n    print('late', flush=True)\n"
        "    os._exit(0)\nsys.excepthook = hook\n1 / 0", ""),
    "an excepthook that looks at the trace": (
        "import os, sys, traceback\ndef hook(kind, error, trace):\n"
        "    print([f.name for f in traceback.extract_tb(trace)], "
        "sys.exc_info()[0], flush=True)\n    os._exit(0)\n"
        "sys.excepthook = hook\n1 / 0", ""),
    "an excepthook that exits": (
        "import sys\ndef hook(*_):\n    print('bad input')\n"
        "    sys.exit()\nsys.excepthook = hook\nint('x')", ""),
    "an excepthook that exits badly": (
        "import sys\ndef hook(*_):\n    print('bad input')\n"
        "    sys.exit(3)\nsys.excepthook = hook\nint('x')", ""),
    "an excepthook that fails": (
        "import sys\nsys.excepthook = lambda *_: 1 / 0\nint('x')", ""),
    "an error": ("print(1)\n1 / 0", ""),
    "an error in a thread": (
        "import threading\nt = threading.Thread(target=lambda: 1 / 0)\n"
        "t.start()\nt.join()\nprint(1)", ""),
    "an interrupt": ("print(1)\nraise KeyboardInterrupt", ""),
    "a module of its own, with a name that the judge uses": (
        "with open('plain.py', 'w') as file:\n    file.write('x = 3')\n"
        "import plain\nprint(plain.x)\n"
        "for name in ('border', 'calls', 'audit', 'script', 'worker'):\n"
        "    try:\n        __import__(name)\n"
        "    except ImportError as error:\n        print(error)", ""),
    "atexit": (
        "import atexit\natexit.register(print, 'b')\n"
        "atexit.register(print, 'a')\nprint('first')", ""),
    "an error in atexit": (
        "import atexit\natexit.register(lambda: 1 / 0)\nprint(1)", ""),
    "exit in atexit": (
        "import atexit, sys\natexit.register(sys.exit, 5)\nprint(1)", ""),
    "atexit in a thread": (
        "import atexit, threading\ndef f():\n    atexit.register(print, 2)\n"
        "t = threading.Thread(target=f)\nt.start()\nt.join()\nprint(1)", ""),
    "__del__": (
        "class A:\n    def __del__(self):\n        print('gone')\n"
        "a = A()\nprint('here')", ""),
    "the order of __del__": (
        "class A:\n    def __init__(self, n): self.n = n\n"
        "    def __del__(self): print(self.n)\na, _b = A(1), A(2)\n"
        "c = [A(3), A(4)]\ndef f(): return a", ""),
    "the order of all that goes": (
        "import builtins, math, sys\nclass A:\n"
        "    def __init__(self, n): self.n = n\n"
        "    def __del__(self): print(self.n)\nclass B: x = A('class')\n"
        "def f(x=A('default')): pass\na, _b, d = A('a'), A('_b'), {1: A(1)}\n"
        "sys.x, math.x, builtins.x = A('sys'), A('math'), A('builtins')\n"
        "o = A('circle')\no.o = o", ""),
    "__del__ in a circle": (
        "class A:\n    def __del__(self):\n        print('gone')\n"
        "a = A()\na.a = a\nprint('here')", ""),
    "__del__ with a buffer": (
        "class Out:\n    def __init__(self): self.lines = []\n"
        "    def add(self, x): self.lines.append(str(x))\n"
        "    def __del__(self): print('\\n'.join(self.lines))\n"
        "out = Out()\nfor i in range(3): out.add(i)", ""),
    "__del__ of what builtins keep": (
        "import builtins\nclass A:\n    def __del__(self): print('gone')\n"
        "builtins.kept = A()", ""),
    "a __del__ that asks how late it is": (
        "import sys\nclass A:\n    def __del__(self):\n"
        "        print(sys.is_finalizing(), sys.meta_path)\n"
        "a = A()\nprint(1)", ""),
    "a __del__ that imports": (
        "class A:\n    def __del__(self):\n        import fractions\n"
        "        print(fractions.Fraction(1, 2))\na = A()\nprint(1)", ""),
    "a __del__ that opens": (
        "class A:\n    def __del__(self):\n"
        "        open(1, 'w', closefd=False).write('late')\n"
        "a = A()\nprint(1)", ""),
    "open(1) kept by a context": (
        "import contextvars\ndef f():\n    v = contextvars.ContextVar('v')"
        "\n    v.set(open(1, 'w'))\n    v.get().write('kept')\nf()", ""),
    "a generator at the end": (
        "def g():\n    try:\n        yield 1\n    finally:\n"
        "        print('closed')\nh = g()\nprint(next(h))", ""),
    "what may be collected": (
        "import gc\nprint(gc.isenabled())\ngc.disable()\n"
        "print(gc.isenabled())\ngc.enable()\nprint(gc.isenabled())", ""),
    "a context at the end": (
        "import contextlib\n@contextlib.contextmanager\ndef c():\n"
        "    yield 1\n    print('out')\nwith c() as x: print(x)", ""),
    "weakref.finalize": (
        "import weakref\nclass A: pass\na = A()\n"
        "weakref.finalize(a, print, 'final')\nprint(1)", ""),
    "an alarm while a thread ends": (
        "import signal, threading, time\nclass Late(Exception): pass\n"
        "def late(*_): raise Late\nsignal.signal(signal.SIGALRM, late)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.05)\n"
        "threading.Thread(target=time.sleep, args=(0.2,)).start()\nprint(1)",
        ""),
    "a thread that ends later": (
        "import threading, time\ndef f():\n    time.sleep(0.05)\n"
        "    print('late')\nthreading.Thread(target=f).start()\nprint(1)",
        ""),
    "a daemon": (
        "import threading, time\nthreading.Thread(target=time.sleep, "
        "args=(99,), daemon=True).start()\nprint(1)", ""),
    "unittest.main": (
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test(self):\n        print('ran')\n"
        "        self.assertEqual(1, 1)\nunittest.main()", ""),
    "unittest.main that fails": (
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test(self):\n        self.assertEqual(1, 2)\n"
        "unittest.main()", ""),
    "unittest.main under a name": (
        "import unittest\nclass T(unittest.TestCase):\n"
        "    def test(self): print(1)\nif __name__ == '__main__':\n"
        "    unittest.main(argv=['x'], exit=False)", ""),
    "doctest": (
        "def f(x):\n    '''\n    >>> f(1)\n    2\n    '''\n"
        "    return x + 1\nimport doctest\nprint(doctest.testmod())", ""),
    "SIGPIPE": (
        "import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "print(1)", ""),
    "an alarm": (
        "import signal\ndef late(*_):\n    print('alarm')\n"
        "    raise SystemExit\nsignal.signal(signal.SIGALRM, late)\n"
        "signal.setitimer(signal.ITIMER_REAL, 0.05)\nsignal.pause()", ""),
}

TEXTS = {
    "a byte order mark": ("\ufeffprint(1)", ""),
    "a byte order mark and a comment": (
        "\ufeff# coding: utf-8\nprint('\u00e9')", ""),
    "lines that end as on Windows": (
        "n = 1\r\nif n:\r\n    print('''a\r\nb''')\r\n", ""),
    "lines that end as they used to": ("print(1)\rprint(2)", ""),
    "no line end at its end": ("if 1:\n    print(1)\n    # end", ""),
    "an encoding": ("# -*- coding: latin-1 -*-\nprint('\u00e9')", ""),
    "another encoding": ("#!/usr/bin/python\n# vim: set fileencoding=cp1251"
                         " :\nprint('\u0436')", ""),
    "an encoding that nobody knows": ("# coding: foo\nprint(1)", ""),
    "an encoding with escapes": (
        "# coding: unicode_escape\nx = 1\\nprint(x)", ""),
    "another encoding with escapes": (
        "# coding: raw_unicode_escape\nprint('\u00e9', '\u0436')", ""),
    "an encoding that is no text": ("# coding: hex\nprint(1)", ""),
    "an encoding against the mark": (
        "\ufeff# coding: latin-1\nprint(1)", ""),
    "an encoding named too late": (
        "x = 1\n# coding: foo\nprint(x)", ""),
    "its own source in its encoding": (
        "#\n# coding: latin-1\nimport inspect\ndef f(): return '\u00e9'\n"
        "print(inspect.getsource(f), open(__file__, 'rb').read())", ""),
    "form feeds and tabs": ("\fif 1:\n\tprint(1)\n", ""),
    "names in other scripts": ("\u03c0 = 3\nprint(\u03c0)", ""),
    "a future import": (
        "from __future__ import annotations\ndef f(x: undefined): return x\n"
        "print(f(1))", ""),
    "a docstring": ("'''words'''\nprint(__doc__, __name__)", ""),
    "a return outside": ("print(1)\nreturn", ""),
    "not Python": ("print 1", ""),
    "its own frames alone": (
        "import inspect, sys, traceback\nprint(len(inspect.stack()), "
        "[f.name for f in traceback.extract_stack()], sys._getframe()"
        ".f_back)\ntry: sys._getframe(1)\nexcept ValueError as e:\n"
        "    print(e, e.__traceback__.tb_frame.f_back, e.__context__)\n"
        "def f(): return sys._getframe(1).f_code.co_name\nprint(f())", ""),
    "where a warning points to": (
        "import warnings\nwith warnings.catch_warnings(record=True) as w:\n"
        "    warnings.simplefilter('always')\n    for i in 1, 2, 3: "
        "warnings.warn('x', stacklevel=i)\n"
        "print([(x.filename[-10:], x.lineno) for x in w])", ""),
    "warnings": (
        "import warnings\nwarnings.warn('x', stacklevel=2)\n"
        "print(1 if 1 is 1 else 2)", ""),
    "global names": (
        "def f():\n    global n\n    n = n + 1\nn = 1\nf()\nprint(n, "
        "globals()['n'])", ""),
    "nonlocal names": (
        "def f():\n    n = 1\n    def g():\n        nonlocal n\n"
        "        n += 1\n    g()\n    return n\nprint(f())", ""),
    "exec and eval": (
        "exec('x = 3')\nprint(eval('x + 1'), locals()['x'])", ""),
    "the module of itself": (
        "import __main__, sys\nx = 5\nprint(__main__.x, "
        "sys.modules['__main__'] is __main__, vars() is globals())", ""),
    "annotations": ("x: int = 1\nprint(__annotations__)", ""),
    "no annotations": (
        "try: print(__annotations__)\nexcept NameError: print('none')", ""),
    "annotations as a function": (
        "x: int = 1\ny: 'z'\ntry: print(__annotate__(1))\n"
        "except NameError: print('none')\nprint(dir())", ""),
    "annotations of modules and classes": (
        "import inspect, __main__, typing\nx: int = 1\nclass A:\n"
        "    y: 'A'\nprint(__main__.__annotations__, A.__annotations__, "
        "inspect.get_annotations(__main__), typing.get_type_hints(A))", ""),
    "annotations read late, new in 3.14": (
        "import annotationlib as a\nclass A:\n    x: B\n"
        "def f(x: B, y: missing) -> A: pass\ntry: A.__annotations__\n"
        "except NameError as e: print(e)\nclass B: pass\n"
        "print(A.__annotations__, A.__annotate__(a.Format.VALUE), "
        "a.get_annotations(f, format=a.Format.STRING), [*vars(A)])\n"
        "if A: z: int\nimport __main__\nprint(__main__.__annotate__(1), "
        "__annotations__, __conditional_annotations__, dir(), "
        "[*vars(__main__)])", ""),
    "a class of its own module": (
        "class A: pass\nprint(A.__module__, A)", ""),
    "pickle": (
        "import pickle\nclass A: pass\n"
        "print(type(pickle.loads(pickle.dumps(A()))))", ""),
    "the builtins": (
        "import builtins\nprint(__builtins__ is builtins)", ""),
    "help": ("help(abs)", ""),
    "recursion to the last frame": (
        "def f(n): return n and 1 + f(n - 1)\nprint(f(998))\ntry: f(999)\n"
        "except RecursionError: print('no')", ""),
    "how deep it may call itself": (
        "n = 0\ndef f():\n    global n\n    n += 1\n    f()\ntry: f()\n"
        "except RecursionError: print(n)", ""),
    "recursion to a limit of its own": (
        "import sys\nsys.setrecursionlimit(90)\n"
        "def f(n): return n and 1 + f(n - 1)\nprint(f(88))\n"
        "sys.setrecursionlimit(2 ** 31 - 1)\n"
        "print(sys.getrecursionlimit())", ""),
    "deep recursion": (
        "import sys\nsys.setrecursionlimit(10 ** 6)\n"
        "def f(n): return n and 1 + f(n - 1)\nprint(f(20000))", ""),
    "deep recursion in a thread": (
        "import sys, threading\nsys.setrecursionlimit(10 ** 7)\n"
        "threading.stack_size(1 << 29)\n"
        "def f(n): return n and 1 + f(n - 1)\n"
        "t = threading.Thread(target=lambda: print(f(20000)))\n"
        "t.start()\nt.join()", ""),
    "a stack that is too small": (
        "import threading\ntry:\n    threading.stack_size(7)\n"
        "except ValueError: print('no')\nprint(threading.stack_size(), "
        "threading.stack_size(1 << 28), threading.stack_size())", ""),
    "a stack that is no number": (
        "import threading\nfor size in 1.5, 'a', None, 2 ** 70, -1, True:\n"
        "    try: print(threading.stack_size(size))\n"
        "    except Exception as e: print(type(e), e)", ""),
    "a larger main stack": (
        "import resource\nresource.setrlimit(resource.RLIMIT_STACK, "
        "(1 << 24, resource.getrlimit(resource.RLIMIT_STACK)[1]))\n"
        "print(1)", ""),
    "many threads": (
        "import threading\nc = []\nt = [threading.Thread(target=c.append, "
        "args=(i,)) for i in range(60)]\n[x.start() for x in t]\n"
        "[x.join() for x in t]\nprint(len(c))", ""),
    "threads that wait": (
        "import threading\nb = threading.Barrier(30)\nt = ["
        "threading.Thread(target=b.wait) for _ in range(30)]\n"
        "[x.start() for x in t]\n[x.join() for x in t]\nprint(b.n_waiting)",
        ""),
    "a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor as P\n"
        "with P() as p: print(list(p.map(abs, range(-3, 3))))", ""),
    "all that futures offer": (
        "from concurrent.futures import *\n"
        "with ThreadPoolExecutor() as p: print(p.submit(abs, -1).result(), "
        "ProcessPoolExecutor.__name__)", ""),
    "all that os offers": (
        "from os import *\nprint(read(0, 3), getcwd() == path.dirname("
        "path.abspath(__file__)))", NUMBERS),
    "queues": (
        "import queue, threading\nq = queue.Queue()\nthreading.Thread("
        "target=q.put, args=(3,)).start()\nprint(q.get())", ""),
    "asyncio": (
        "import asyncio\nasync def f(x):\n    await asyncio.sleep(0.01)\n"
        "    return x\nasync def main():\n    print(await asyncio.gather("
        "*map(f, range(3))))\nasyncio.run(main())", ""),
    "asyncio with threads": (
        "import asyncio\nasync def main():\n    print(await "
        "asyncio.to_thread(input))\n    loop = asyncio.get_running_loop()\n"
        "    print(await loop.run_in_executor(None, input))\n"
        "asyncio.run(main())", NUMBERS),
    "asyncio with an old loop": (
        "import asyncio\nloop = asyncio.new_event_loop()\n"
        "loop.call_later(0.01, loop.stop)\nloop.run_forever()\n"
        "loop.close()\nprint('done')", ""),
    "asyncio without a loop": (
        "import asyncio\ntry: print(asyncio.get_event_loop().is_running())\n"
        "except RuntimeError as e: print(e)", ""),
    "asyncio that reads": (
        "import asyncio, sys\nasync def main():\n"
        "    r = asyncio.StreamReader()\n"
        "    await asyncio.get_running_loop().connect_read_pipe(lambda: "
        "asyncio.StreamReaderProtocol(r), sys.stdin)\n"
        "    print(await r.readline())\nasyncio.run(main())", NUMBERS),
    "asyncio and a timeout": (
        "import asyncio\nasync def main():\n    try:\n"
        "        await asyncio.wait_for(asyncio.sleep(9), 0.02)\n"
        "    except asyncio.TimeoutError: print('late')\n"
        "asyncio.run(main())", ""),
    "its own file": (
        "import os, sys\nprint(open(__file__).read(), len(open(sys.argv[0])."
        "read()), os.path.basename(__file__), os.listdir('.'))", ""),
    "where it lies": (
        "import os, sys\nhere = os.path.dirname(os.path.abspath(__file__))\n"
        "print(here == os.getcwd() == sys.path[0], sys.orig_argv[1:])", ""),
    "its own source": (
        "import inspect, linecache, sys\ndef f(x):\n    return x + 1\n"
        "class A:\n    x = 1\nprint(inspect.getsource(f), "
        "inspect.getsource(A), inspect.getsource(sys.modules['__main__']), "
        "linecache.getline(__file__, 2), __loader__.get_source('__main__'))",
        ""),
    "the lines of a traceback": (
        "import traceback\ntry:\n    1 / 0\nexcept Exception as e:\n"
        "    print([f.line for f in traceback.extract_tb(e.__traceback__)])",
        ""),
    "a module that it writes": (
        "open('helper.py', 'w').write('x = 3')\nimport helper\n"
        "print(helper.x)", ""),
    "itself as a module": (
        "x = 1\nif __name__ == '__main__':\n    import program\n"
        "    print(program.x, program.__name__)", ""),
    "itself, run again": (
        "import runpy\nif __name__ == '__main__':\n"
        "    print(runpy.run_path(__file__, run_name='o')['__name__'])", ""),
    "a list of the library that starts a process to be read": (
        "import platform\nif platform.system() != 'Windows':\n"
        "    print(open(0).read())", NUMBERS),
    "a module that hides its names": (
        "import sys\nclass M(type(sys)):\n"
        "    __dict__ = property(lambda self: 1 / 0)\n"
        "sys.modules['m'] = M('m')\nprint(open(0).read())", NUMBERS),
    "a module of a list that never ends": (
        "import random\nclass Ones(list):\n    def __iter__(self):\n"
        "        while True: yield 1\nrandom.ones = Ones()\nprint(1)", ""),
    "all its names": ("print(dir(), __spec__, __cached__)", ""),
    "its names in order": ("x = 1\nprint(list(globals()))", ""),
    "all that is built in": (
        "import builtins\nprint(dir(builtins), copyright)", ""),
    "big integers": ("print(3 ** 20000 % 10 ** 50)", ""),
    "integers longer than usual": (
        "import sys\nsys.set_int_max_str_digits(0)\n"
        "print(len(str(10 ** 9999)))", ""),
    "decimals and fractions": (
        "from decimal import *\nfrom fractions import *\n"
        "getcontext().prec = 50\nprint(Decimal(2).sqrt(), Fraction(6, 4))",
        ""),
    "how processes would start": (
        "import multiprocessing\nprint(multiprocessing.get_start_method())",
        ""),
    "what Python 3.12 added": (
        "type A = int\ndef f[T](x: T) -> T: return x\n"
        "print(f(3), A, f'{'a'}')", ""),
    "what Python 3.14 added": (
        "from string.templatelib import Interpolation, Template\n"
        "x, n = 3, 2.5\ntry: print(t'{x}'.values, int('x'))\n"
        "except ValueError, TypeError: pass\n"
        "def show(t):\n    for part in t:\n        match part:\n"
        "            case Interpolation(v, e, c, s): print(v, e, c, s)\n"
        "            case str(): print(part)\n"
        "show(t'a{x!r:>4}b{n=:.2f}' + t'c')\n"
        "print(type(t''), Template.__module__)", ""),
    "what is on": (
        "import sys\nprint(sys._is_gil_enabled(), sys.flags.gil, "
        "sys.flags.thread_inherit_context, sys.flags.optimize, "
        "sys.flags.context_aware_warnings, sys._jit.is_enabled(), "
        "sys.is_remote_debug_enabled())", ""),
    "a return in a finally": (
        "import warnings\ndef f():\n    try: return 1\n"
        "    finally: return 2\nprint(f())\n"
        "with warnings.catch_warnings(record=True) as w:\n"
        "    warnings.simplefilter('always')\n"
        "    exec('for i in 1, 2:\\n try: i\\n finally: break')\n"
        "print([(str(x.message), x.lineno) for x in w])", ""),
    "a watch on its own lines": (
        "import sys\nwatch, seen = sys.monitoring, []\n"
        "watch.use_tool_id(3, 'x')\nwatch.register_callback(3, "
        "watch.events.LINE, lambda code, line: seen.append(line))\n"
        "def f():\n    a = 1\n    return a\nwatch.set_local_events("
        "3, f.__code__, watch.events.LINE)\nf()\nprint(seen)", ""),
    "lists in lists, too deep to print": (
        "a = b = []\nfor _ in range(100000): a = [a]\n"
        "for _ in range(500): b = [b]\nprint(len(repr(b)))\n"
        "try: repr(a)\nexcept RecursionError: print('no')", ""),
    "recursion through C": (
        "import functools, sys\nsys.setrecursionlimit(10 ** 6)\n"
        "@functools.cache\ndef f(n): return n and 1 + f(n - 1)\n"
        "print(f(400))\ntry: print(f(4000))\n"
        "except RecursionError: print('no')", ""),
    "a copy of a path, new in 3.14": (
        "from pathlib import Path\nprint(Path('program.py').copy('t')"
        ".read_text(), Path('t').info.is_file(), Path('no').info.exists())",
        ""),
    "dataclasses": (
        "from dataclasses import *\n@dataclass(order=True)\nclass P:\n"
        "    x: int\n    y: list = field(default_factory=list)\n"
        "print(sorted([P(2), P(1)]))", ""),
    "typing": (
        "from typing import *\nclass N(NamedTuple):\n    x: int = 1\n"
        "T = TypeVar('T')\ndef f(x: Optional[List[int]]) -> T: return x\n"
        "print(N(), get_type_hints(f))", ""),
    "heaps": ("import heapq, bisect\nh = [3, 1]\nheapq.heapify(h)\n"
              "bisect.insort(h, 2)\nprint(h)", ""),
    "random with a seed": (
        "import random\nrandom.seed(1)\nprint(random.random())", ""),
    "a cache": (
        "import functools\n@functools.lru_cache(None)\ndef f(n):\n"
        "    return n if n < 2 else f(n - 1) + f(n - 2)\nprint(f(90))", ""),
    "time zones": (
        "from datetime import *\nfrom zoneinfo import ZoneInfo\n"
        "print(datetime(2020, 7, 1, tzinfo=timezone.utc).astimezone("
        "ZoneInfo('Europe/Paris')))", ""),
    "a file of its own": (
        "open('t', 'w').write('7')\nprint(open('t').read())\nimport os\n"
        "print(os.path.exists('t'))\nos.remove('t')\n"
        "print(os.path.exists('input.txt'))", ""),
    "a file of another machine": (
        "import sys\nfor path in ('/home/me/in.txt', b'/no/in', "
        "'/dev/null/in', 'C:/in.txt', 'in.txt'):\n"
        "    try: sys.stdin = open(path)\n    except OSError as e: "
        "print(type(e).__name__, e)\nprint(input())", NUMBERS),
    "writing where no folder is": (
        WITHOUT.replace("ACTS", """[(open, p, m) for p in (
    "no/x", "/no/x", b"/no/x", "../no/x", "program.py/x", "")
    for m in ("w", "a", "x", "r+", "rb")]"""), ""),
    "acts on what is not there": (
        WITHOUT.replace("ACTS", """[(f, p) for f in (
    os.mkdir, os.rmdir, os.remove, os.unlink, os.listdir,
    os.scandir, os.chdir, os.utime, shutil.rmtree, lambda p: Path(p).touch(),
    lambda p: Path(p).unlink(missing_ok=True), lambda p: os.chmod(p, 1),
    lambda p: os.truncate(p, 0), lambda p: shutil.rmtree(p, True),
    lambda p: os.open(p, os.O_WRONLY | os.O_CREAT))
    for p in ("no/x", "/no/x", b"no/x", "program.py/x", "")]"""), ""),
    "acts on two paths": (
        WITHOUT.replace("ACTS", """[(f, *p) for f in (
    os.rename, os.replace, os.link, shutil.copy, shutil.move)
    for p in (("no", "b"), ("/no/x", "b"), ("program.py", "no/b"))]
open("a..b", "w").close()
print(sorted(os.listdir()))"""), ""),
    "a folder that is there already": (
        WITHOUT.replace("ACTS", """[(os.mkdir, "."), (os.mkdir, "/"),
    (os.mkdir, "program.py"), (os.symlink, "x", "program.py"), (open, "/"),
    (open, ".."), (os.rmdir, "program.py"), (os.chdir, "program.py")]
os.makedirs(".", exist_ok=True)
Path("/").mkdir(exist_ok=True)"""), ""),
    "a part of a package that it did not import": (
        "import collections\nprint(collections.abc.Sized)", ""),
    "a part of a package that it did import": (
        "import collections.abc\nprint(collections.abc.Sized)", ""),
    "the folder that it is in": (
        "import os, pathlib\nfor place in ('.', os.getcwd(), os.path.dirname("
        "os.path.abspath(__file__)), pathlib.Path(__file__).absolute()"
        ".parent, os.getcwdb()):\n    os.chdir(place)\n"
        "os.umask(os.umask(0o22))\n"
        "print(open('program.py').read()[:6], input())", NUMBERS),
    "files by their names": (
        "import glob\nopen('t.txt', 'w').close()\nprint(glob.glob('*'), "
        "glob.glob('*.md'))", ""),
    "arguments": ("import sys\nprint(sys.argv, sys.flags.optimize)", ""),
    "argparse": (
        "import argparse\np = argparse.ArgumentParser()\n"
        "p.add_argument('--n', type=int, default=3)\n"
        "print(p.parse_args().n)", ""),
    "logging": (
        "import logging, sys\nlogging.basicConfig(stream=sys.stdout, "
        "level=10, format='%(message)s')\nlogging.info('x')", ""),
    "a traceback on the output": (
        "import sys, traceback\ntry:\n    1 / 0\nexcept Exception:\n"
        "    traceback.print_exc(limit=0, file=sys.stdout)", ""),
    "a module of its own": (
        "import sys, types\nm = types.ModuleType('m')\n"
        "exec('x = 3', vars(m))\nsys.modules['m'] = m\nimport m as k\n"
        "print(k.x)", ""),
    "the command loop": (
        "import cmd\nclass C(cmd.Cmd):\n    use_rawinput = False\n"
        "    prompt = ''\n    def do_3(self, a): print('three', a)\n"
        "    def default(self, line): return True\nC().cmdloop()", NUMBERS),
    "a user's order": (
        "import functools\nprint(sorted('ba', key=functools.cmp_to_key("
        "lambda a, b: (a > b) - (a < b))))", ""),
    "match": ("match [1, 2]:\n    case [a, b]: print(a + b)", ""),
    "memory that is freed": (
        "for _ in range(5):\n    x = bytearray(10 ** 8)\nprint(len(x))", ""),
    "a trace": (
        "import sys\nc = []\nsys.settrace(lambda f, e, a: c.append(e))\n"
        "def f(): pass\nf()\nsys.settrace(None)\nprint(c)", ""),
    "an array": ("import array, struct\nprint(array.array('i', [1]), "
                 "struct.pack('<i', 7))", ""),
    "a thread's error hook": (
        "import threading\nthreading.excepthook = lambda a: print(a.exc_type)"
        "\nt = threading.Thread(target=lambda: 1 / 0)\nt.start()\nt.join()",
        ""),
}
HONEST = STREAMS | ENDS | TEXTS

# What a script may do elsewhere and not here: verdict, and a word of why.
REFUSED = {
    "another process": (
        "import subprocess\nprint(subprocess.run(['true']).returncode)",
        "blocked", "subprocess"),
    "a socket": ("import socket\nsocket.socketpair()\nprint(1)",
                 "error", "not implemented"),
    "events by epoll": (
        "import select\ne = select.epoll()\ne.register(0)\nprint(1)",
        "error", "not implemented"),
    "semaphores that processes share": (
        "from multiprocessing.pool import ThreadPool\n"
        "with ThreadPool(2) as p: print(p.map(abs, [-1, 2]))", "error",
        "PermissionError"),
    "a copy by the kernel": (
        "import os\nf = open('t', 'w+b')\nf.write(b'abc')\nf.flush()\n"
        "os.sendfile(1, f.fileno(), 0, 3)", "error", "not implemented"),
    "a file of the system": (
        "print(len(open('/etc/passwd').read()) > 0)", "blocked", "open"),
    "the output by its name": (
        "print(1, file=open('/dev/stdout', 'w'))", "blocked", "open"),
    "a temporary file": (
        "import tempfile\nprint(bool(tempfile.mkdtemp()))", "blocked",
        "open"),
    "a large file of its own": (
        "open('t', 'w').write('x' * (2 << 20))\nprint(1)", "error",
        "File too large"),
    "many open files": (
        "kept = [open(str(i), 'w') for i in range(40)]\nprint(1)", "error",
        "Too many open files"),
    "a folder": ("import os\nos.mkdir('t')\nprint(1)", "blocked", "mkdir"),
    "another name for a file of its own": (
        "import os\nos.rename('program.py', 't')\nprint(1)", "blocked",
        "rename"),
    "another time for a file of its own": (
        "import pathlib\npathlib.Path('program.py').touch()\nprint(1)",
        "blocked", "utime"),
    "another folder": ("import os\nos.chdir('..')\nprint(1)", "blocked",
                       "chdir"),
    "rights of a file of its own": (
        "import os\nos.chmod('program.py', 0o755)\nprint(1)", "blocked",
        "chmod"),
    "another name for no file": (
        "import os\nos.symlink('program.py', 't')\nprint(1)", "blocked",
        "symlink"),
    "a file of its own made shorter by its name": (
        "import os\nos.truncate('program.py', 1)\nprint(1)", "blocked",
        "truncate"),
    "a signal to itself by its number": (
        "import os, signal\nsignal.signal(signal.SIGUSR1, signal.SIG_IGN)\n"
        "os.kill(os.getpid(), signal.SIGUSR1)\nprint(1)", "blocked",
        "kill"),
    "a variable that libraries load code by": (
        "import os\nos.environ['OPENSSL_CONF'] = 'my.cnf'\nprint(1)",
        "blocked", "putenv"),
    "a map of memory": (
        "import mmap\nmmap.mmap(-1, 99)\nprint(1)", "blocked", "mmap"),
    "the error output by its name": (
        "print(1, file=open('/dev/stderr', 'w'))", "blocked", "open"),
    "the terminal": (
        "print(1, file=open('/dev/tty', 'w'))", "blocked", "open"),
    "a database of a file": (
        "import dbm.dumb\ndbm.dumb.open('t', 'n')\nprint(1)", "blocked",
        "chmod"),
    "a database": (
        "import sqlite3\nsqlite3.connect(':memory:')\nprint(1)", "blocked",
        "sqlite3"),
    "a module that is no part of Python": (
        "import numpy\nprint(1)", "error", "No module named 'numpy'"),
    # Not who runs it: some systems know root, and a nobody, without a file.
    "who else has an account": (
        "import pwd\nprint(pwd.getpwuid(1) and 1)", "error",
        "uid not found"),
    "the name of the machine": (
        "import socket\nprint(bool(socket.gethostname()))", "blocked",
        "gethostname"),
    "another interpreter": (
        "import _interpreters\nprint(_interpreters.create())",
        "error", "the judge cannot watch it"),
    "flags of a descriptor": (
        "import fcntl\nprint(fcntl.fcntl(0, fcntl.F_GETFD))", "blocked",
        "fcntl"),
    "all that a garbage collector knows": (
        "import gc\nprint(len(gc.get_objects()) > 9)", "blocked", "gc."),
    "the judge's own descriptors": (
        "import os\nos.closerange(3, 99)\nprint(1)", "error", "ended"),
    "more output than 4 MiB": (
        "print('x' * (5 << 20))", "error", "more output than allowed"),
    "a return outside of a function": (
        "print(1)\nreturn", "unparsable", "official scorer of APPS"),
}
