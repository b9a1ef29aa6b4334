"""Functions: the program that is called.

Used by ``child.py``, in the forked process with the program; the other one,
with the tests that call it, has ``referee.py``.
"""

import json
import os
import sys
from collections import ChainMap, OrderedDict, UserDict, UserList, deque
from operator import is_
from time import monotonic

import plain
from border import Border
from reports import ASK, RESULT, describe, load, module

MOST_ITEMS = 100_000       # of an iterator that cross
QUICK = 0.002              # seconds in which some may cross together
HOLDERS = list, dict, set, bytearray     # what a call may change, and others
PARTED = list, tuple                     # what may hold these, and others
LACKING = "name", "path"     # of what is missing: see NameError, ImportError
WRAPPED = {UserList: "data", UserDict: "data", ChainMap: "maps"}


def messages():
    """Yields what arrives on the pipe ASK, a line at a time."""
    read, join, chunks = os.read, bytes.join, [b""]
    while True:
        while b"\n" not in chunks[-1]:
            chunk = read(ASK, 1 << 16)
            if not chunk:
                return
            chunks.append(chunk)
        line, _, rest = join(b"", chunks).partition(b"\n")
        chunks = [rest]
        yield json.loads(line)


def serve(program, preamble, setup, report):
    """Mode "calls": loads the program, then evaluates what it is asked.

    Yields reports: that it is loaded, then a value for each message, see
    :func:`answerer`.
    """
    namespace, run, given = module("solution"), load, {}
    said = answerer(namespace, report, asked := messages(), given)
    for text in (preamble, program, setup):
        failed = run(text, namespace, report)
        if failed:
            yield failed
            return
        if not given:
            given.update(namespace)
    yield report("ran", "loaded")
    for message in asked:
        yield said(message)


def answerer(namespace, report, asked, given):
    """A function that gives the report on a message; ``asked`` gives more.

    ``given``: what the names of a preamble stood for before the program.

    A message is ["eval", expression], ["call", name, arguments, named ones],
    ["apply", name, arguments, named ones, number of a Solution, what
    :func:`numbered` tells of the arguments], ["within", expression, values,
    {}, the names that get them, the same] or ["draw", number of an iterator,
    and what a :class:`border.Border` draws by].  "apply" and
    "within" send the value, the arguments as they are now, which of them the
    value is, what is told of all three, and those containers that were in
    the arguments and are no more.  For an item of an iterator of
    the tests it asks ["draw", number, as above], which is answered by ["item",
    whether there is one, item].  The text of an error is what
    :func:`error_told` tells.
    """
    encode, decode, any_error, shows = (plain.pack, plain.unpack,
                                        BaseException, describe)
    memory_error, evaluate, texts = MemoryError, eval, json.dumps
    told, solutions, write = error_told, {}, os.write
    join, number_all, over = rejoined, numbered, StopIteration
    following, iterator, pairs, clock, late = next, iter, zip, monotonic, {}
    nested = gives_items

    def draw(number, _, anew, some):
        write(RESULT, report("ran", "ask", texts(["draw", number, anew])))
        for message in asked:
            if message[0] == "item":
                more, item = message[1], decode(texts(message[2]), border)
                return ([item], False, None) if more else ([], True, item)
            write(RESULT, said(message))     # for which it calls us

    def drawn(number, sent, anew, some):
        held, items, begun = border.kept[number], [], clock()
        if anew:
            return [[border.keep(iterator(held))], False, None]
        if number in late:
            raise late.pop(number)
        sent = decode(texts(sent), border)
        try:
            items.append(following(held) if sent is None
                         else held.send(sent))
            some = 1 if some > 1 and nested(items[0]) else some
            while len(items) < some and clock() - begun < QUICK:
                items.append(following(held))
        except over as end:
            return [items, True, end.value]
        except any_error as error:
            if not items:
                raise
            late[number] = error         # when it is asked for
        return [items, False, None]

    def called(name, arguments, named, number=None):
        if number is not None and number not in solutions:
            solutions[number] = namespace["Solution"]()
        foreign = name not in namespace or (     # as heapq has a merge, too
            namespace[name] is given.get(name) and "Solution" in namespace)
        function = (
            getattr(solutions[number], name) if number is not None
            else getattr(namespace["Solution"](), name) if foreign
            else namespace[name])
        return function(*arguments, **named)

    def changed(kind, what, arguments, named, more, numbers):
        arguments, named = join(
            (decode(texts(arguments), border), decode(texts(named), border)),
            iterator(numbers), one := {})
        if kind == "within":
            namespace.update(pairs(more, arguments))
            value = evaluate(what, namespace)
        else:
            value = called(what, arguments, named, more)
        same = [i for i, each in enumerate(arguments)
                if each is value] or [None]
        value = None if same[0] is not None else value
        before = dict(one)
        numbers = number_all((arguments, named, value), one)
        told_of = {*numbers}
        left = tuple(each for number, each in before.items()
                     if number not in told_of)
        return [value, arguments, named, same[0],
                numbers + number_all(left, one), left]

    def said(message):
        kind, *what = message
        try:
            if kind == "eval":
                text = encode(evaluate(what[0], namespace), border)
            elif kind == "draw":
                text = encode(drawn(*what), border)
            elif kind == "call":         # a pair, whose value is plain
                name, arguments, named = what
                text = encode(called(name, decode(texts(arguments)),
                                     decode(texts(named))))
            else:
                text = encode(changed(*message), border)
            return report("ran", "plain", text)
        except memory_error:
            return report.out_of_memory
        except any_error as error:
            return report("error", "", told(error), shows(error))

    border = Border(draw, MOST_ITEMS)
    return said


def gives_items(item, fixed=tuple, has=hasattr, some=any):
    """Whether an item of an iterator, or a part of it, is one as well: then
    the next item may be its end, as with ``itertools.groupby``."""
    return some([has(type(part), "__next__") for part in (
        item if type(item) is fixed else (item,))])


def parts_of(value, known=isinstance, mapping=dict, ordered=OrderedDict,
             kinds=PARTED, wrapped=WRAPPED):
    """What a container holds, in the order in which it crosses."""
    if known(value, mapping):
        return (ordered if type(value) is ordered else mapping).values(value)
    for kind in kinds:
        if known(value, kind):
            return kind.__iter__(value)
    if type(value) is deque:
        return value
    if type(value) in wrapped:
        return [getattr(value, wrapped[type(value)])]
    return ()


def changes(value, known=isinstance, holders=HOLDERS, modules=sys.modules,
            get=getattr):
    """Whether it is what a call may change: a container, or an array."""
    kind = type(value)
    return known(value, holders) or kind is deque or kind in WRAPPED or (
        kind is get(modules.get("array"), "array", None))


def numbered(value, one):
    """A number for each container in a value, from the outside in; for a
    list that is there twice the same.

    ``one``: the containers by number that are known, to which it adds.
    """
    numbers, seen = [], {id(each): number for number, each in one.items()}

    def visit(value, depth=0, changes=changes, parts=parts_of):
        if depth > plain.DEEPEST:
            raise RecursionError("nested too deeply to cross")
        if changes(value):
            numbers.append(seen.setdefault(id(value), len(seen)))
            one.setdefault(numbers[-1], value)
        for part in parts(value):
            visit(part, depth + 1)

    visit(value)
    return numbers


def rejoined(value, numbers, one, known=isinstance, changes=changes,
             parts=parts_of, mapping=dict, fixed=tuple, following=next,
             wrapped=WRAPPED):
    """A value that crossed, its containers again those that they were.

    ``numbers``: an iterator over those of :func:`numbered`; ``one``: the
    containers by number, which get what there is now in their copies.
    """
    if not changes(value):
        if not known(value, fixed) or not value:
            return value
        held = [rejoined(part, numbers, one) for part in parts(value)]
        if all(map(is_, held, parts(value))):
            return value
        return getattr(value, "_make", fixed)(held)
    number = following(numbers)
    old = one.setdefault(number, value)
    if type(old) is not type(value):
        old = one[number] = value        # forged
    held = [rejoined(part, numbers, one) for part in parts(value)]
    if type(value) in wrapped:
        setattr(old, wrapped[type(value)], held[0])
        return old
    if known(value, mapping):
        held = mapping(zip(value, held))
    elif not held:                       # a set or a bytearray, or empty
        held = [*value] if known(value, (set, list, deque)) else value[:]
    if known(value, (set, mapping, deque)):
        old.clear()
        (old.extend if known(value, deque) else old.update)(held)
    else:
        old[:] = held
    return old


def line_told(error, kind=type, line_of=type.__dict__["__mro__"].__get__,
              name_of=type.__dict__["__qualname__"].__get__, texts=str):
    """The classes of an error, nearest first: [[module, name], ...]."""
    return [[texts(vars(each).get("__module__", "builtins")), name_of(each)]
            for each in line_of(kind(error))]


def fields_told(error, pack=plain.pack, unpack=json.loads, any_error=
                BaseException, kind=type, own="solution", get=getattr,
                line_of=type.__dict__["__mro__"].__get__):
    """The attributes of an error that cross: its own ones, those of classes
    of the program, and of those of Python what no argument tells."""
    told = {}
    names = [*vars(error), *LACKING]
    for each in line_of(kind(error)):
        if vars(each).get("__module__") == own:
            names += vars(each)
    for name in names:
        try:
            if name[:2] != "__" or name == "__notes__":
                text = pack(get(error, name))
                if '{"other": ' not in text:
                    told[name] = unpack(text)
        except any_error:
            pass
    return told


def error_told(error, pack=plain.pack, texts=json.dumps, any_error=
               BaseException, text=str, place=OSError.filename.__get__,
               known=isinstance, os_error=OSError, line=line_told,
               fields=fields_told):
    """An error as text: its classes, its message, its arguments, as far as
    they cross, and its attributes."""
    told = line(error)
    try:
        arguments = list(error.args)
        if known(error, os_error) and place(error) is not None:
            arguments.append(place(error))         # which is no argument
        return pack([told, text(error), arguments, texts(fields(error))])
    except any_error:
        return pack([told, None, [], "{}"])
