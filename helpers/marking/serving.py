"""What runs in the process of an answer: it is loaded, then called.

Used by ``keeper.py``.  Nothing here is trusted: the answer may rewrite all
of it, and what it sends is read as plain data.  It never sees a check, an
expected value or another learner's answer.
"""

import builtins
import inspect
import io
import json
import os
import struct
import sys

from helpers.marking.crossing import (ArgumentReader, Packer, array_of,
                                      read_arrays)

FILE = "<answer>"
MOST_PRINTED = 20_000      # characters that are passed on


def write_message(place, message):
    """Write a message to a descriptor, with its length before it."""
    data = json.dumps(message).encode()
    data = memoryview(struct.pack("!Q", len(data)) + data)
    while data:
        data = data[os.write(place, data[:1 << 16]):]


def read_message(place):
    """The bytes of the next message.  Raises ``EOFError``."""
    def exactly(size):
        parts = bytearray()
        while len(parts) < size:
            part = os.read(place, min(size - len(parts), 1 << 16))
            if not part:
                raise EOFError("nobody is there any more")
            parts += part
        return bytes(parts)
    return exactly(struct.unpack("!Q", exactly(8))[0])


def serve_answer(place):
    """Answers messages until the other side goes."""
    served = ServedAnswer(place)
    while True:
        try:
            message = read_message(place)
        except EOFError:
            return
        sys.stdout = sys.stderr = printed = io.StringIO()
        try:
            said = served.said(message)
        except BaseException as error:
            said = error_as_data(error)
        said["printed"] = printed.getvalue()[:MOST_PRINTED]
        write_message(place, said)


class ServedAnswer:
    """An answer: its names, and what its calls have left to ask for."""

    def __init__(self, place):
        self.place = place
        self.answer = None
        self.graphs, self.modules = [], []

    def call(self, number):
        """A function of the check, by its number."""
        def asked(*arguments):
            packer = Packer()
            write_message(self.place, {"kind": "ask", "number": number,
                 "arguments": packer.pack(list(arguments)),
                 "outputs": [array_of(x) for x in packer.outputs]})
            kind, value = self.unpacked(read_message(self.place))
            if kind == "raise":
                raise as_error(*value)
            return value
        asked.__name__ = asked.__qualname__ = f"given_{number}"
        return asked

    def unpacked(self, data):
        """What was packed over there."""
        return ArgumentReader(data, self.call).load()

    def said(self, data):
        """The answer to one message."""
        reader = ArgumentReader(data, self.call)
        kind, *parts = reader.load()
        return getattr(self, kind)(reader, *parts)

    def load(self, reader, source, name, banned):
        """Runs the learner's cells; tells what ``name`` is now."""
        forget(banned)
        space = {"__name__": "__main__"}
        exec(compile(source, FILE, "exec"), space)
        if name not in space:
            raise NameError(f"name '{name}' is not defined")
        self.answer = answer = space[name]
        if callable(answer):
            return {"kind": "function", "name": str(getattr(
                answer, "__name__", name)), "parameters": parameters(answer)}
        return {"kind": "data"} | self.packed(answer)

    def apply(self, reader, arguments, named):
        """Calls the answer."""
        return self.applied(reader, self.answer, arguments, named)

    def forward(self, reader, number, method, weights, arguments, named):
        """Calls a method of a layer that the answer made, with weights."""
        import torch
        module = self.modules[number]
        mine = dict(module.named_parameters())
        with torch.no_grad():
            for (key, _, _), weight in zip(weights, read_arrays(
                    [part for _, part, _ in weights])):
                mine[key].copy_(weight)
        said = self.applied(reader, getattr(module, method), arguments, named,
                            [mine[key] for key, _, trained in weights
                             if trained])
        return said

    def applied(self, reader, function, arguments, named, more=()):
        before = [state_of(each) for each in arguments]
        value = function(*arguments, **named)
        said = self.packed(value, [*reader.leaves.values(), *more])
        said["changed"] = {
            str(i): after for i, (old, after) in enumerate(zip(
                before, map(state_of, arguments))) if old != after}
        return said

    def packed(self, value, leaves=()):
        """A value as part of a message; its graph is kept for gradients."""
        packer = Packer()
        item = packer.pack(value)
        begin = len(self.modules)
        self.modules += packer.modules
        self.graphs.append((packer.outputs, list(leaves)))
        return {"kind": "value", "value": item,
                "outputs": [array_of(x) for x in packer.outputs],
                "graph": len(self.graphs) - 1, "first": begin,
                "modules": [packer.state(x) for x in packer.modules]}

    def gradient(self, reader, graph, wanted):
        """The gradients of the leaves of an earlier call."""
        import torch
        outputs, leaves = self.graphs[graph]
        found = torch.autograd.grad(outputs, leaves, read_arrays(wanted),
                                    allow_unused=True, retain_graph=True)
        return {"kind": "gradients", "values": [
            None if each is None else array_of(each) for each in found]}


def state_of(value):
    """An argument as data, to see whether a call changed it."""
    packer = Packer(iterators=False)
    try:
        item = packer.pack(value)
        return {"value": item, "outputs": [array_of(x)
                                           for x in packer.outputs],
                "modules": [packer.state(x) for x in packer.modules]}
    except Exception:
        return None


def forget(banned):
    """Takes the collection's own answers out of all its modules."""
    for whole in banned:
        module, _, name = whole.rpartition(".")
        ours = getattr(sys.modules.get(module), name, None)

        def instead(*_, **__):
            raise NotImplementedError(
                f"{name} is the collection's own; the exercise is to write "
                f"it")
        for each in list(sys.modules.values()):
            for key, value in list(getattr(each, "__dict__", {}).items()):
                if ours is not None and value is ours:
                    setattr(each, key, instead)


def parameters(function):
    """The names of the parameters that may be given by position."""
    try:
        return [each.name for each in inspect.signature(
            function).parameters.values() if each.kind in (
                each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    except (TypeError, ValueError):
        return []


def error_as_data(error):
    """An exception as data: its names, its text, and the learner's line."""
    kind, line, step = type(error), 0, error.__traceback__
    while step:
        if step.tb_frame.f_code.co_filename == FILE:
            line = step.tb_lineno
        step = step.tb_next
    if isinstance(error, SyntaxError) and error.filename == FILE:
        line = error.lineno or 0
    base = next((each.__name__ for each in kind.__mro__ if getattr(
        builtins, each.__name__, None) is each), "Exception")
    try:
        text = str(error)[:2000]
    except Exception:
        text = ""
    return {"kind": "error", "name": kind.__name__, "base": base,
            "text": text, "line": line}


def as_error(name, base, text):
    """An exception of that name with that text, a child of Python's own."""
    parent = getattr(builtins, str(base), Exception)
    if not (isinstance(parent, type) and issubclass(parent, BaseException)):
        parent = Exception
    made = type(str(name)[:60], (parent,), {"__str__": lambda self: text})
    return made.__new__(made)
