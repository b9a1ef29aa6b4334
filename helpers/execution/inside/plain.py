"""Values as plain data: text that any program may send and nobody fears.

What a function returns crosses the border between two processes as JSON, and
is built anew on the other side from Python's own types.  An object with
opinions of its own (a lying ``__eq__``, say) has no way to cross.
Used on both sides of ``helpers.execution``.
"""

import builtins
import json
import sys
from collections import (ChainMap, Counter, OrderedDict, UserDict, UserList,
                         UserString, defaultdict, deque, namedtuple)
from collections.abc import Coroutine
from itertools import islice
from types import CoroutineType, MappingProxyType

DEEPEST = 100              # levels of lists in lists that may cross
LONGEST = 640              # digits of an int that JSON may hold as a number:
                           # no limit of Python's on digits can be lower
VIEWS = {type({}.keys()): "keys", type({}.values()): "values",
         type({}.items()): "pairs"}
MAPPINGS = Counter, OrderedDict
WRAPPED = {UserDict: "data", UserList: "data", UserString: "data",
           ChainMap: "maps"}             # what they hold, by name
# What Python has one of: its own types, and two constants.
SINGLE = {value: name for name, value in vars(builtins).items()
          if type(value) is type or value in (..., NotImplemented)}
BY_NAME = {name: value for value, name in SINGLE.items()}
FACTORIES = {kind.__name__: kind for kind in (
    int, float, str, bool, list, tuple, dict, set)}    # of a defaultdict
TIMES = "date", "datetime", "time", "timedelta"


class Other:
    """Stands for a value that cannot cross: equal to nothing, not even to
    itself.  ``name``: the name of its class."""

    __hash__ = object.__hash__           # a set or a dictionary may hold it

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"<{self.name}>"

    def __eq__(self, other):
        return False

    def __getattr__(self, name):
        raise AttributeError(f"a {self.name} of the program cannot cross "
                             f"from one process to another, nor its {name}")


class Items(Other):
    """The same, for an object that gives items when asked for them."""

    def __init__(self, other, first, ended):
        super().__init__(other.name)
        self.first, self.ended = first, ended

    def __iter__(self):
        return _again(self.first, self.ended)


def pack(value, items=0):
    """A value as JSON text.

    None, bool, int, float, str, bytes, complex, Fraction, Decimal, what
    ``datetime`` has, list, tuple, dict, set and frozenset cross; subclasses
    (Counter, namedtuple) do as what they are built on; all else becomes
    :class:`Other`.  With ``items`` above 0 more crosses as what it is: a
    Counter, an OrderedDict, a defaultdict, a namedtuple, a bytearray, an
    array, a memoryview of bytes, a range, a view of a dictionary, a deque,
    what else ``collections`` has, a type of Python's own, an iterator as one
    over its first so many items, what else has items as an :class:`Other`
    with these, and a coroutine as one that gives what it gave.
    Raises ``RecursionError`` where lists are nested too deeply.
    """
    return json.dumps(_tagged(value, 0, items))


def unpack(text):
    """The value that a text of :func:`pack` stands for.

    Raises ``ValueError``, ``TypeError`` or ``RecursionError`` for any other
    text.
    """
    return _built(json.loads(text), 0)


def _tagged(value, depth, items=0):
    if depth > DEEPEST:
        raise RecursionError("nested too deeply to cross from one process "
                             "to another")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        value = int(value)
        if value.bit_length() < 3 * LONGEST:
            return value
        return {"int": hex(value)}       # no limit on digits, and faster
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return {"float": float.hex(value)}
    if isinstance(value, complex):
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if items and type(value) is bytearray:
        return {"bytearray": value.hex()}
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if items and type(value) is defaultdict and (
            value.default_factory in FACTORIES.values()):
        return {"defaultdict": [
            value.default_factory.__name__,
            [[_tagged(key, depth + 1, items), _tagged(item, depth + 1, items)]
             for key, item in dict.items(value)]]}
    if isinstance(value, dict):
        kind = type(value) if items and type(value) in MAPPINGS else dict
        return {kind.__name__: [[_tagged(key, depth + 1, items),
                                 _tagged(item, depth + 1, items)]
                                for key, item in kind.items(value)]}
    if items and isinstance(value, tuple) and _fields(value):
        return {"namedtuple": [type(value).__name__, _fields(value), [
            _tagged(item, depth + 1, items)
            for item in tuple.__iter__(value)]]}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            inside = [_tagged(item, depth + 1, items)
                      for item in kind.__iter__(value)]
            return inside if kind is list else {kind.__name__: inside}
    if type(value) is getattr(sys.modules.get("fractions"), "Fraction", None):
        return {"fraction": [hex(value.numerator), hex(value.denominator)]}
    if type(value) is getattr(sys.modules.get("decimal"), "Decimal", None):
        return {"decimal": str(value)}
    times = sys.modules.get("datetime")
    for name in TIMES if times else ():
        if type(value) is getattr(times, name, None):
            return {name: [value.days, value.seconds, value.microseconds]
                    if name == "timedelta" else
                    [value.isoformat(), getattr(value, "fold", 0)]}
    return items and _unrolled(value, depth, items) or {
        "other": type(value).__name__}


def _fields(value):
    """The names of the parts of a namedtuple; none where it is no such."""
    names = getattr(type(value), "_fields", None)
    if type(names) is not tuple or len(names) != tuple.__len__(value):
        return []
    return [name for name in names if type(name) is str]


def _unrolled(value, depth, items):
    """What only gives items; None for all else."""
    kind = type(value)
    if kind is range:
        return {"range": [hex(each) for each in (
            value.start, value.stop, value.step)]}
    if kind in (type, type(...), type(NotImplemented)):
        return {"single": SINGLE[value]} if value in SINGLE else None
    if kind in WRAPPED:
        return {kind.__name__: _tagged(getattr(value, WRAPPED[kind]),
                                       depth + 1, items)}
    if kind is MappingProxyType:
        return {"mappingproxy": _tagged(dict(value), depth + 1, items)}
    if kind in VIEWS:
        return {VIEWS[kind]: [_tagged(each, depth + 1, items)
                              for each in value]}
    if kind is getattr(sys.modules.get("array"), "array", None):
        return {"array": [value.typecode, [_tagged(each, depth + 1)
                                           for each in value]]}
    if kind is memoryview and value.format == "B" and value.ndim == 1:
        return {"memoryview": value.hex()}
    if kind is deque:
        return {"deque": [[_tagged(each, depth + 1, items)
                           for each in value], value.maxlen]}
    if kind is CoroutineType:
        import asyncio
        return {"coroutine": _tagged(asyncio.run(value), depth + 1, items)}
    if hasattr(kind, "__next__"):
        first = [_tagged(each, depth + 1, items)
                 for each in islice(value, items)]
        return {"iterator": [first, len(first) < items]}
    if hasattr(kind, "__iter__"):
        try:
            first = [_tagged(each, depth + 1, items)
                     for each in islice(value, items)]
        except Exception:
            return None
        return {"items": [{"other": kind.__name__}, first,
                          len(first) < items]}
    return None


def _again(first, ended):
    """An iterator over items that have crossed."""
    yield from first
    if not ended:
        raise RuntimeError(f"no more than {len(first)} items of an iterator "
                           f"cross from one process to another")


class _Given(Coroutine):
    """A coroutine that has crossed; nobody minds if it is not awaited."""

    def __init__(self, value):
        self.value = value

    def send(self, _):
        raise StopIteration(self.value)

    def throw(self, kind, *_):
        raise kind

    def __await__(self):
        return self.value
        yield                            # what makes it an iterator


def _built(item, depth):
    if depth > DEEPEST + 1:
        raise RecursionError("nested too deeply to cross from one process "
                             "to another")
    if isinstance(item, list):
        return [_built(each, depth + 1) for each in item]
    if not isinstance(item, dict):
        return item
    (tag, inside), = item.items()
    if tag in ("tuple", "set", "frozenset"):
        kind = {"tuple": tuple, "set": set, "frozenset": frozenset}[tag]
        return kind(_built(each, depth + 1) for each in inside)
    if tag in ("dict", "Counter", "OrderedDict"):
        built = {_built(key, depth + 1): _built(each, depth + 1)
                 for key, each in inside}
        return {"dict": dict, "Counter": Counter,
                "OrderedDict": OrderedDict}[tag](built)
    if tag in TIMES:
        import datetime
        kind = getattr(datetime, tag)
        if tag == "timedelta":
            return kind(*inside)
        value = kind.fromisoformat(inside[0])
        return value.replace(fold=1) if inside[1] else value
    if tag in ("UserDict", "UserList", "UserString", "mappingproxy"):
        kind = {"UserDict": UserDict, "UserList": UserList, "UserString":
                UserString, "mappingproxy": MappingProxyType}[tag]
        return kind(_built(inside, depth + 1))
    if tag == "ChainMap":
        return ChainMap(*_built(inside, depth + 1))
    if tag == "namedtuple":
        return namedtuple(*inside[:2])(*_built(inside[2], depth))
    if tag == "coroutine":
        return _Given(_built(inside, depth + 1))
    if tag == "complex":
        return complex(*map(float.fromhex, inside))
    if tag in ("keys", "values", "pairs", "deque", "iterator", "items"):
        inside = _built(inside, depth)
        return {"keys": lambda: dict.fromkeys(inside).keys(),
                "values": lambda: dict(enumerate(inside)).values(),
                "pairs": lambda: dict(inside).items(),
                "items": lambda: Items(*inside),
                "deque": lambda: deque(*inside),
                "iterator": lambda: _again(*inside)}[tag]()
    if tag == "defaultdict":
        return defaultdict(FACTORIES[inside[0]], {
            _built(key, depth + 1): _built(each, depth + 1)
            for key, each in inside[1]})
    if tag == "array":
        from array import array
        return array(inside[0], _built(inside[1], depth + 1))
    if tag == "fraction":
        from fractions import Fraction
        return Fraction(*(int(each, 16) for each in inside))
    if tag == "decimal":
        from decimal import Decimal
        return Decimal(inside)
    return {"int": lambda: int(inside, 16),
            "range": lambda: range(*(int(each, 16) for each in inside)),
            "float": lambda: float.fromhex(inside),
            "bytes": lambda: bytes.fromhex(inside),
            "bytearray": lambda: bytearray.fromhex(inside),
            "memoryview": lambda: memoryview(bytes.fromhex(inside)),
            "single": lambda: BY_NAME[inside],
            "other": lambda: Other(inside)}[tag]()
