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
from io import IOBase
from types import CoroutineType, MappingProxyType

DEEPEST = 100              # levels of lists in lists that may cross
LONGEST = 640              # digits of an int that JSON may hold as a number:
                           # no limit of Python's on digits can be lower
VIEWS = {type({}.keys()): "keys", type({}.values()): "values",
         type({}.items()): "pairs"}
MAPPINGS = Counter, OrderedDict
BASE_KINDS = (int, str, float, list, tuple, dict, set, frozenset, bytes,
         bytearray, complex)             # whose subclasses cross as these
METHODS = frozenset().union(*map(dir, BASE_KINDS))
# What a class of namedtuples has beside its fields, however it is made.
OF_NAMEDTUPLES = {*vars(namedtuple("P", ())), "__dict__", "__annotations__",
                  "__orig_bases__", "__annotate__", "__annotate_func__",
                  "__annotations_cache__", "__static_attributes__",
                  "__firstlineno__"}
KNOWN = frozenset((*BASE_KINDS, *MAPPINGS, defaultdict))
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


def pack(value, border=None):
    """A value as JSON text.

    None, bool, int, float, str, bytes, complex, Fraction, Decimal, what
    ``datetime`` has, list, tuple, dict, set and frozenset cross; subclasses
    (Counter, namedtuple) do as what they are built on; all else becomes
    :class:`Other`.  With a ``border`` (see ``border.py``) more crosses as
    what it is: a Counter, an OrderedDict, a defaultdict, a namedtuple, a
    bytearray, an array, a memoryview of bytes, a range, a view of a
    dictionary, a deque, what else ``collections`` has, a type of Python's
    own, an iterator as one that asks for its items, what else has items as
    one that has them too, and a coroutine as one that gives what it gave;
    and other subclasses cross with their name.
    Raises ``RecursionError`` where lists are nested too deeply.
    """
    return json.dumps(_tagged(value, 0, border))


def unpack(text, border=None):
    """The value that a text of :func:`pack` stands for.

    Raises ``ValueError``, ``TypeError`` or ``RecursionError`` for any other
    text.
    """
    return _built(json.loads(text), 0, border)


def _tagged(value, depth, border=None):
    if depth > DEEPEST:
        raise RecursionError("nested too deeply to cross from one process "
                             "to another")
    if value is None or isinstance(value, bool):
        return value
    for kind in BASE_KINDS:
        if isinstance(value, kind):
            if border and type(value) not in KNOWN and not (
                    kind is tuple and _fields(value)):
                special = _special(value, depth, border)
                return special or {"as": [type(value).__name__, _of_base(
                    value, kind, depth, border)]}
            return _of_base(value, kind, depth, border)
    if type(value) is getattr(sys.modules.get("fractions"), "Fraction", None):
        return {"fraction": [hex(value.numerator), hex(value.denominator)]}
    if type(value) is getattr(sys.modules.get("decimal"), "Decimal", None):
        return {"decimal": str(value)}
    times = sys.modules.get("datetime")
    for name in TIMES if times else ():
        if type(value) is getattr(times, name, None):
            return _time(name, value, times, border)
    if border is None:
        return {"other": type(value).__name__}
    return _unrolled(value, depth, border) or {"other": _told(value, border)}


def _of_base(value, kind, depth, border):
    """A value of one of BASE_KINDS, or of a subclass of it, as that."""
    if kind is int:
        value = int(value)
        if value.bit_length() < 3 * LONGEST:
            return value
        return {"int": hex(value)}       # no limit on digits, and faster
    if kind is str:
        return str.__str__(value)
    if kind is float:
        return {"float": float.hex(value)}
    if kind is complex:
        return {"complex": [value.real.hex(), value.imag.hex()]}
    if kind in (bytes, bytearray):
        return {"bytearray" if border and kind is bytearray else "bytes":
                value.hex()}
    if kind is dict:
        if border and type(value) is defaultdict:
            factory = value.default_factory
            if factory is None or factory in FACTORIES.values():
                return {"defaultdict": [
                    factory and factory.__name__,
                    [[_tagged(key, depth + 1, border),
                      _tagged(item, depth + 1, border)]
                     for key, item in dict.items(value)]]}
        kind = type(value) if border and type(value) in MAPPINGS else dict
        packed = {kind.__name__: [[_tagged(key, depth + 1, border),
                                   _tagged(item, depth + 1, border)]
                                  for key, item in kind.items(value)]}
        return packed if not border or type(value) is not defaultdict else {
            "as": ["defaultdict", packed]}
    if border and kind is tuple and _fields(value):
        fields = _fields(value)
        packed = {"namedtuple": [type(value).__name__, fields, [
            _tagged(item, depth + 1, border)
            for item in tuple.__iter__(value)]]}
        own = vars(type(value)).keys() - OF_NAMEDTUPLES.union(fields)
        return {"as": [type(value).__name__, packed]} if own else packed
    inside = [_tagged(item, depth + 1, border)
              for item in kind.__iter__(value)]
    return inside if kind is list else {kind.__name__: inside}


def _special(value, depth, border):
    """A value of a subclass that Python itself has: a struct_time."""
    if type(value) is getattr(sys.modules.get("time"), "struct_time", None):
        return {"struct_time": [_tagged(each, depth + 1, border) for each in (
            *value, value.tm_zone, value.tm_gmtoff)]}
    return None


def _time(name, value, times, border):
    """What ``datetime`` has; a time zone as its name or its offset."""
    if name == "timedelta":
        return {name: [value.days, value.seconds, value.microseconds]}
    zone, fold = getattr(value, "tzinfo", None), getattr(value, "fold", 0)
    known = sys.modules.get("zoneinfo")
    if known and type(zone) is known.ZoneInfo and zone.key:
        return {name: [value.replace(tzinfo=None).isoformat(), fold,
                       zone.key]}
    packed = {name: [value.isoformat(), fold]}
    lost = zone is not None and not (
        type(zone) is times.timezone
        and zone.tzname(None) == times.timezone(
            zone.utcoffset(None)).tzname(None))
    return {"as": [type(zone).__name__, packed]} if border and lost else (
        packed)


def _told(value, border):
    """What the other side has to know of a value that cannot cross."""
    kind = type(value)
    truth = True
    if hasattr(kind, "__bool__") or hasattr(kind, "__len__"):
        try:
            truth = bool(value)
        except Exception:
            truth = None
    return [kind.__name__, border.keep(value), truth,
            kind.__eq__ is not object.__eq__]


def _fields(value):
    """The names of the parts of a namedtuple; none where it is no such."""
    names = getattr(type(value), "_fields", None)
    if type(names) is not tuple or len(names) != tuple.__len__(value):
        return []
    return [name for name in names if type(name) is str]


def _unrolled(value, depth, border):
    """What only gives items; None for all else."""
    kind = type(value)
    if id(value) in border.theirs:       # it goes back to where it is
        return {"held": border.theirs[id(value)]}
    if kind is range:
        return {"range": [hex(each) for each in (
            value.start, value.stop, value.step)]}
    if kind in (type, type(...), type(NotImplemented)):
        return {"single": SINGLE[value]} if value in SINGLE else None
    if kind in WRAPPED:
        return {kind.__name__: _tagged(getattr(value, WRAPPED[kind]),
                                       depth + 1, border)}
    if kind is MappingProxyType:
        return {"mappingproxy": _tagged(dict(value), depth + 1, border)}
    if kind in VIEWS:
        return {VIEWS[kind]: [_tagged(each, depth + 1, border)
                              for each in value]}
    if kind is getattr(sys.modules.get("array"), "array", None):
        return {"array": [value.typecode, [_tagged(each, depth + 1)
                                           for each in value]]}
    if kind is memoryview and value.format == "B" and value.ndim == 1 and (
            value.readonly or not border.changes):
        return {"memoryview": value.hex()}
    if kind is deque:
        return {"deque": [[_tagged(each, depth + 1, border)
                           for each in value], value.maxlen]}
    if kind is CoroutineType:
        import asyncio
        return {"coroutine": _tagged(asyncio.run(value), depth + 1, border)}
    if isinstance(value, IOBase):        # it has more than its lines
        return None
    if hasattr(kind, "__next__"):
        return {"iterator": [kind.__name__, border.keep(value)]}
    if hasattr(kind, "__iter__"):
        return {"items": _told(value, border)}
    return None


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


def _built(item, depth, border=None):
    if depth > DEEPEST + 1:
        raise RecursionError("nested too deeply to cross from one process "
                             "to another")
    if isinstance(item, list):
        return [_built(each, depth + 1, border) for each in item]
    if not isinstance(item, dict):
        return item
    (tag, inside), = item.items()
    if tag in ("tuple", "set", "frozenset"):
        kind = {"tuple": tuple, "set": set, "frozenset": frozenset}[tag]
        return kind(_built(each, depth + 1, border) for each in inside)
    if tag in ("dict", "Counter", "OrderedDict"):
        built = {_built(key, depth + 1, border):
                 _built(each, depth + 1, border) for key, each in inside}
        return {"dict": dict, "Counter": Counter,
                "OrderedDict": OrderedDict}[tag](built)
    if tag in TIMES:
        import datetime
        kind = getattr(datetime, tag)
        if tag == "timedelta":
            return kind(*inside)
        value = kind.fromisoformat(inside[0])
        if len(inside) > 2:
            import zoneinfo
            value = value.replace(tzinfo=zoneinfo.ZoneInfo(inside[2]))
        return value.replace(fold=1) if inside[1] else value
    if tag in ("UserDict", "UserList", "UserString", "mappingproxy"):
        kind = {"UserDict": UserDict, "UserList": UserList, "UserString":
                UserString, "mappingproxy": MappingProxyType}[tag]
        return kind(_built(inside, depth + 1, border))
    if tag == "ChainMap":
        return ChainMap(*_built(inside, depth + 1, border))
    if tag == "namedtuple":
        value = namedtuple(*inside[:2])(*_built(inside[2], depth, border))
        if any(callable(part) and name in METHODS
               for name, part in zip(value._fields, value)):
            raise ValueError("a method that is none")
        return value
    if tag == "coroutine":
        return _Given(_built(inside, depth + 1, border))
    if tag == "complex":
        return complex(*map(float.fromhex, inside))
    if tag == "as":
        return _built(inside[1], depth, border)
    if tag == "struct_time":
        import time
        return time.struct_time(_built(inside, depth, border))
    if tag in ("iterator", "held", "items") or tag == "other" and (
            type(inside) is list):
        return border.built(tag, inside)
    if tag in ("keys", "values", "pairs", "deque"):
        inside = _built(inside, depth, border)
        return {"keys": lambda: dict.fromkeys(inside).keys(),
                "values": lambda: dict(enumerate(inside)).values(),
                "pairs": lambda: dict(inside).items(),
                "deque": lambda: deque(*inside)}[tag]()
    if tag == "defaultdict":
        return defaultdict(inside[0] and FACTORIES[inside[0]], {
            _built(key, depth + 1, border): _built(each, depth + 1, border)
            for key, each in inside[1]})
    if tag == "array":
        from array import array
        return array(inside[0], _built(inside[1], depth + 1, border))
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
