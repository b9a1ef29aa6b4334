"""What crosses the border between a learner's answer and its check.

The answer lives in a process of its own and is hostile until proven
otherwise; the check lives in ours.  From us to the answer go arguments, by
:func:`pack_arguments`: pickled, as nobody there has to fear us.  What comes
back is a line of JSON by :class:`Packer`, read by :class:`Reader`: numbers,
texts, containers, the records of the collection, arrays and tensors, each
built anew from its data.  All else becomes an object that is equal to nothing.
"""

import base64
import dataclasses
import io
import json
import pickle
import sys
from types import FunctionType

from helpers.execution.inside import plain

MOST_TAKEN = 10_001            # of an iterator that are taken
MOST_BYTES = 1 << 26           # bytes of a message
OUR_PACKAGE = "helpers."
CHECKS = "helpers.checks", "helpers.marking"      # not at hand over there


# ------------------------------------------------------ from us to the answer

class _ArgumentPickler(pickle.Pickler):
    """Leaves our functions here: over there each is a name to call."""

    def __init__(self, file, functions, leaves):
        super().__init__(file, protocol=5)
        self.functions, self.leaves = functions, leaves

    def persistent_id(self, value):
        """What stands for a function of a check, and for a tensor with a
        gradient, which the answer gets as a leaf of its own."""
        if _needs_gradient(value):
            self.leaves.append(value)
            return "leaf", len(self.leaves) - 1, _array(value.detach())
        if callable(value) and value is not _same and not isinstance(
                value, type) and not (
                _is_module(value)) and not _found_there(value) and (
                isinstance(value, FunctionType)
                or _called_in_checks(type(value))
                or hasattr(value, "__self__")):
            self.functions.append(value)
            return "function", len(self.functions) - 1
        return None

    def reducer_override(self, value):
        """A class that only the checks know is its parent over there."""
        if isinstance(value, type) and not _found_there(value):
            return _same, (value.__bases__[0],)
        return NotImplemented


def _same(value):
    return value


def _called_in_checks(kind):
    """Whether a check says what a call of such an object does."""
    return next(each.__module__ for each in kind.__mro__
                if "__call__" in vars(each)).startswith(CHECKS)


def _found_there(value):
    """Whether a function or class is found by its name, and not in checks."""
    module, name = (getattr(value, "__module__", None),
                    getattr(value, "__qualname__", ""))
    return (isinstance(module, str) and not module.startswith(CHECKS)
            and getattr(sys.modules.get(module), name, None) is value)


def pack_arguments(value, functions, leaves):
    """``value`` as bytes; what stays here is put into the two lists."""
    file = io.BytesIO()
    _ArgumentPickler(file, functions, leaves).dump(value)
    return file.getvalue()


class ArgumentReader(pickle.Unpickler):
    """Reads them over there; ``call`` makes a function from its number."""

    def __init__(self, data, call):
        super().__init__(io.BytesIO(data))
        self.call, self.leaves = call, {}

    def persistent_load(self, mark):
        """The stand-in of a function, or the tensor."""
        if mark[0] == "function":
            return self.call(mark[1])
        if mark[1] not in self.leaves:
            self.leaves[mark[1]] = _tensor(mark[2]).requires_grad_()
        return self.leaves[mark[1]].clone()


# ---------------------------------------------------------- arrays and tensors

def _torch():
    """torch, where somebody has imported it, else None."""
    return sys.modules.get("torch")


def _is_module(value):
    return _torch() is not None and isinstance(value, _torch().nn.Module)


def _needs_gradient(value):
    return (_torch() is not None and isinstance(value, _torch().Tensor)
            and value.requires_grad
            and not isinstance(value, _torch().nn.Parameter))


def _array(value):
    """A tensor or an array of numbers as [library, type, shape, data]."""
    import numpy as np
    library = "numpy"
    if not isinstance(value, (np.ndarray, np.generic)):
        library, value = "torch", value.detach().cpu()
        if value.dtype in (_torch().bfloat16, _torch().float16):
            value = value.float()
        value = value.numpy()
    return [library, value.dtype.str, list(value.shape),
            base64.b64encode(np.ascontiguousarray(value).tobytes()).decode()]


def _tensor(parts):
    """What :func:`_array` took apart.  Raises ``ValueError``."""
    import numpy as np
    library, kind, shape, data = parts
    kind = np.dtype(str(kind))
    if kind.kind not in "biufc":
        raise ValueError("no array of numbers")
    found = np.frombuffer(base64.b64decode(data), kind).reshape(
        [int(size) for size in shape]).copy()
    if library == "torch":
        return _torch().from_numpy(found)
    return found


# ------------------------------------------------------ from the answer to us

class Packer:
    """Values as JSON; ``outputs`` are the tensors that carry a gradient,
    ``modules`` the layers, and ``iterators`` says whether they are used up.
    """

    def __init__(self, iterators=True):
        self.outputs, self.modules = [], []
        self.iterators = iterators

    def pack(self, value, depth=0):
        """What :meth:`Reader.read` reads.  Raises ``RecursionError``."""
        if depth > plain.DEEPEST:
            raise RecursionError("nested too deeply")
        numpy, torch = sys.modules.get("numpy"), _torch()
        if torch is not None and isinstance(value, torch.Tensor):
            if value.requires_grad:
                self.outputs.append(value)
                return {"output": len(self.outputs) - 1}
            return {"array": _array(value)}
        if numpy is not None and isinstance(
                value, (numpy.ndarray, numpy.generic)) and (
                value.dtype.kind in "biufc"):
            return {"array": _array(value)}
        if _is_module(value):
            self.modules.append(value)
            return {"module": len(self.modules) - 1}
        kind = type(value)
        if dataclasses.is_dataclass(kind) and kind.__module__.startswith(
                OUR_PACKAGE):
            return {"record": [f"{kind.__module__}.{kind.__qualname__}", {
                field.name: self.pack(getattr(value, field.name), depth + 1)
                for field in dataclasses.fields(kind)}]}
        if isinstance(value, dict):
            return {"dict": [[self.pack(key, depth + 1),
                              self.pack(item, depth + 1)]
                             for key, item in dict.items(value)]}
        for each in (list, tuple, set, frozenset):
            if isinstance(value, each):
                return {each.__name__: [self.pack(item, depth + 1)
                                        for item in each.__iter__(value)]}
        if hasattr(kind, "__next__") and self.iterators:
            found = []
            for item in value:
                found.append(self.pack(item, depth + 1))
                if len(found) >= MOST_TAKEN:
                    break
            return {"iterator": found}
        return {"plain": json.loads(plain.pack(value))}

    def state(self, module):
        """The weights of a layer: [name, array, whether it is trained]."""
        return [[name, _array(weight.detach()), weight.requires_grad]
                for name, weight in module.named_parameters()]


def known_records():
    """{name: class} of the records that may be built here."""
    found = {}
    for name, module in list(sys.modules.items()):
        if name.startswith(OUR_PACKAGE) and not name.startswith(CHECKS):
            for value in vars(module).values():
                if isinstance(value, type) and dataclasses.is_dataclass(
                        value) and value.__module__ == name:
                    found[f"{name}.{value.__qualname__}"] = value
    return found


class Reader:
    """Builds values from what came; ``outputs`` and ``modules`` stand ready.

    Whatever is no text of a :class:`Packer` raises some ``Exception``.
    """

    def __init__(self, outputs=(), modules=()):
        self.outputs, self.modules = outputs, modules
        self.records = known_records()

    def read(self, item):
        """The value."""
        (tag, inside), = item.items()
        if tag in ("list", "tuple", "set", "frozenset"):
            return {"list": list, "tuple": tuple, "set": set,
                    "frozenset": frozenset}[tag](map(self.read, inside))
        if tag == "iterator":
            return (each for each in [self.read(part) for part in inside])
        if tag == "dict":
            return {self.read(key): self.read(value) for key, value in inside}
        if tag == "record":
            name, fields = inside
            return self.records[name](**{
                str(key): self.read(value) for key, value in fields.items()})
        if tag == "array":
            found = _tensor(inside)
            return found[()] if not getattr(found, "shape", 1) and (
                inside[0] == "numpy") else found
        if tag in ("output", "module"):
            return (self.outputs if tag == "output" else self.modules)[
                int(inside)]
        if tag == "plain":
            return plain.unpack(json.dumps(inside))
        raise ValueError(f"{tag!r:.20} is nothing that crosses")


def read_arrays(rows):
    """Tensors and arrays from their parts."""
    return [_tensor(row) for row in rows]


def array_of(value):
    """The parts of a tensor or array."""
    return _array(value)
