"""Values as plain data: text that any program may send and nobody fears.

What a function returns crosses the border between two processes as JSON, and
is built anew on the other side from Python's own types.  An object with
opinions of its own (a lying ``__eq__``, say) has no way to cross.
Used on both sides of ``helpers.execution``.  Introduced in notebook 01,
section 6.
"""

import json

DEEPEST = 100              # levels of lists in lists that may cross
LONGEST = 4300             # digits of an int that JSON may hold as a number


class Other:
    """Stands for a value that cannot cross: equal to nothing, not even to
    itself."""

    __hash__ = None

    def __eq__(self, other):
        return False


def encode(value):
    """A value as JSON text.

    None, bool, int, float, str, bytes, complex, list, tuple, dict, set and
    frozenset cross; their subclasses (Counter, namedtuple) do as what they
    are built on; all else becomes :class:`Other`.  Raises ``RecursionError``
    where lists are nested too deeply.  Introduced in notebook 01, section 6.
    """
    return json.dumps(_tagged(value, 0))


def decode(text):
    """The value that a text of :func:`encode` stands for.

    Raises ``ValueError``, ``TypeError`` or ``RecursionError`` for any other
    text.  Introduced in notebook 01, section 6.
    """
    return _built(json.loads(text), 0)


def _tagged(value, depth):
    if depth > DEEPEST:
        raise RecursionError("nested too deeply")
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
    if isinstance(value, (bytes, bytearray)):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"dict": [[_tagged(key, depth + 1), _tagged(item, depth + 1)]
                         for key, item in dict.items(value)]}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            items = [_tagged(item, depth + 1) for item in kind.__iter__(value)]
            return items if kind is list else {kind.__name__: items}
    return {"other": type(value).__name__}


def _built(item, depth):
    if depth > DEEPEST + 1:
        raise RecursionError("nested too deeply")
    if isinstance(item, list):
        return [_built(each, depth + 1) for each in item]
    if not isinstance(item, dict):
        return item
    (tag, inside), = item.items()
    if tag in ("tuple", "set", "frozenset"):
        kind = {"tuple": tuple, "set": set, "frozenset": frozenset}[tag]
        return kind(_built(each, depth + 1) for each in inside)
    if tag == "dict":
        return {_built(key, depth + 1): _built(each, depth + 1)
                for key, each in inside}
    if tag == "complex":
        return complex(*map(float.fromhex, inside))
    return {"int": lambda: int(inside, 16),
            "float": lambda: float.fromhex(inside),
            "bytes": lambda: bytes.fromhex(inside),
            "other": Other}[tag]()
