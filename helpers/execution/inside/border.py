"""What does not cross the border between a program and its tests.

Used by ``calls.py`` and ``referee.py``, each in its own process: what cannot
cross as ``plain`` data stays where it is, and the other side has something
that stands for it.
"""

from functools import partial

from plain import Other

SINGLY, AT_ONCE = 64, 256  # items of an iterator that cross one by one, and
                           # then together


class Unknown(BaseException):
    """What a test asks of a value that did not cross, and only the process
    that has it could tell.  No test may catch it."""


class Absent(Other):
    """The same, where the other side keeps the value.

    ``truth``: whether it is true, None where it did not say; ``own``: it has
    its own way to be equal, which nobody believes.  What has none is equal
    to itself alone, as in Python.
    """

    __hash__ = object.__hash__

    def __init__(self, name, truth, own):
        super().__init__(name)
        self.truth, self.own = truth, own

    def __eq__(self, other):
        if self.own or isinstance(other, Absent) and other.own:
            raise Unknown(f"a {self.name} of the program cannot cross from "
                          f"one process to another to be compared")
        return NotImplemented

    def __bool__(self):
        if type(self.truth) is not bool:
            raise Unknown(f"a {self.name} of the program cannot cross from "
                          f"one process to another, and does not say whether "
                          f"it is true")
        return self.truth


class Items(Absent):
    """The same, for an object that gives items when asked for them."""

    def __init__(self, name, truth, own, again):
        super().__init__(name, truth, own)
        self.again = again

    def __iter__(self):
        return self.again()


class Drawn:
    """An iterator that is no generator over there."""

    def __init__(self, items):
        self.items = items

    def __iter__(self):
        return self

    def __next__(self):
        return next(self.items)


# Iterators that may be known by their class, over what they give.
ITERATORS = {"generator": iter, "map": partial(map, lambda item: item),
             "filter": partial(filter, lambda item: True)}


class Border:
    """What one of two processes keeps for the other: iterators, of which an
    item crosses at a time, and what cannot cross at all, to be passed back.

    ``draw(number, sent, anew, some)``: the next items of an iterator of the
    other side, at most so many, whether it ends with them, and its value
    then; ``anew`` makes one of what has items, which is the item.  ``most``:
    how many items of an iterator cross.  ``changes``: whether what crosses
    may be changed over there and has to come back so.
    """

    def __init__(self, draw, most, changes=False):
        self.draw, self.most, self.changes = draw, most, changes
        self.kept, self.numbers = [], {}
        self.theirs, self.by_number = {}, {}

    def keep(self, value):
        """The number of a value that stays here."""
        number = self.numbers.setdefault(id(value), len(self.kept))
        if number == len(self.kept):
            self.kept.append(value)
        return number

    def stand_in(self, value, number):
        """What stands here for a value of the other side: this one, if there
        is none yet, as one and the same value has one and the same."""
        value = self.by_number.setdefault(number, value)
        self.theirs[id(value)] = number
        return value

    def items(self, number, anew=False):
        """An iterator over the items of one of the other side, or ``anew``
        over those of what has items.

        They cross when they are asked for, as the next one may never come;
        only where so many were, some cross that may be wanted.
        """
        sent, count, ended = None, 0, False
        if anew:
            (number,), *_ = self.draw(number, None, True, 1)
        while count < self.most:
            items, ended, value = self.draw(
                number, sent, False, 1 if count < SINGLY else AT_ONCE)
            for item in items:
                if sent is not None and item is not items[0]:
                    raise RuntimeError("what is sent to an iterator comes "
                                       "too late for it")
                sent = yield item
            if ended:
                return value
            count += len(items)
        raise RuntimeError(f"no more than {self.most} items of an iterator "
                           f"cross from one process to another")

    def built(self, tag, inside):
        """What the other side keeps, or gives back, as it told of it."""
        if tag == "held":
            return self.kept[inside]
        if tag == "iterator":
            name, number = inside
            return self.stand_in(ITERATORS.get(name, Drawn)(
                self.items(number)), number)
        name, number, truth, own = inside
        if tag == "other":
            return self.stand_in(Absent(name, truth, own), number)
        return self.stand_in(Items(name, truth, own, partial(
            self.items, number, True)), number)
