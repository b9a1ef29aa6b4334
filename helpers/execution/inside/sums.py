"""Programs that do nothing but sums, told from all others.

Used by ``child.py``, in the forked process, and by ``serving.py``.
"""

import re

from _ast import PyCF_ONLY_AST

PURE = frozenset(("abs", "float", "int", "max", "min", "round"))
NO_SUM = re.compile(r"""^[^#\n]*[][{}:"'@]""", re.MULTILINE)


def may_be_sums(program):
    """Whether a program has no sign, outside of a comment, that sums never
    have: most others need not be read by :func:`arithmetic`."""
    return NO_SUM.search(program) is None


def arithmetic(program):
    """The code of a program that does nothing but sums, else None.

    Every line assigns to a name what numbers, names assigned before, signs
    and a few functions of numbers give.  Such a program has no way to touch
    anything but its own names, so many of them may share a process.
    """
    tree = compile(program, "<program>", "exec", PyCF_ONLY_AST,
                   dont_inherit=True)
    known = set()
    for line in tree.body:
        kind = type(line).__name__
        targets = line.targets if kind == "Assign" else (
            [line.target, line.target] if kind == "AugAssign" else [])
        names = [getattr(target, "id", None) for target in targets]
        if not names or None in names or names[1:] and names[0] not in known:
            return None
        todo = [line.value]
        while todo:
            node = todo.pop()
            kind = type(node).__name__
            if kind == "BinOp":
                todo += node.left, node.right
            elif kind == "UnaryOp":
                todo.append(node.operand)
            elif kind == "Call" and not node.keywords and getattr(
                    node.func, "id", "") in PURE.difference(known):
                todo += node.args
            elif not (kind == "Constant" and type(node.value) in (int, float)
                      or kind == "Name" and node.id in known):
                return None
        known.update(names)
    return compile(tree, "<program>", "exec", dont_inherit=True)
