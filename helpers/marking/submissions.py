"""A learner's notebook: which one it is, and what was answered in it.

Nothing of it is run here.
"""

import ast
import builtins
import importlib
import re
import symtable
import textwrap
import warnings
from dataclasses import dataclass, field

import nbformat

from helpers.marking.exercises import (TAG, own_sources, plain_python,
                                       tree_of)

LARGEST_FILE = 50 << 20             # bytes of a notebook
# What no exercise needs, and who wants to deceive a check may use.
ODD = ("helpers.checks", "helpers.marking", "sys.modules", "gc", "ctypes",
       "inspect", "importlib", "__import__", "_getframe", "__globals__",
       "__subclasses__", "os._exit", "os.kill", "os.fork", "socket")


@dataclass(frozen=True)
class Found:
    """What was handed in for an exercise.

    ``source`` is the answer with all that it needs, "" where there is none;
    ``told`` are sentences for the learner, ``odd`` those for the teacher.
    """

    source: str
    told: tuple = ()
    odd: tuple = ()


@dataclass(frozen=True)
class Submission:
    """``answers`` has a ``Found`` for each exercise, by its number."""

    notebook: str
    answers: dict
    told: tuple = ()
    odd: tuple = field(default=())


def read_submission(path, exercises):
    """The ``Submission`` in a file; ``exercises`` as ``all_exercises`` has
    them.

    Raises ``ValueError``, in one sentence, for what is none.
    """
    cells = cells_of(path)
    number, told = which_notebook(cells, path.name, exercises)
    answers, odd = {}, []
    for exercise in exercises[number]:
        answers[exercise.number] = found = handed_in(
            exercise, cells, own_sources(number))
        odd += found.odd
    return Submission(number, answers, told, tuple(dict.fromkeys(odd)))


def cells_of(path):
    """The cells of a notebook.  Raises ``ValueError``."""
    try:
        if not path.is_file():
            raise ValueError("this is no file; give a notebook (.ipynb)")
        if path.stat().st_size > LARGEST_FILE:
            raise ValueError("the file is larger than 50 MB; clear its "
                             "outputs and hand it in again")
        text = path.read_text("utf-8-sig")
    except OSError as error:
        raise ValueError(f"the file cannot be read ({error.strerror})"
                         ) from None
    except UnicodeDecodeError:
        raise ValueError("the file is not text in UTF-8, so no notebook"
                         ) from None
    try:
        with warnings.catch_warnings():
            # Some old files need repair, of which nothing is said here.
            warnings.simplefilter("ignore")
            return nbformat.reads(text, as_version=4).cells
    except (nbformat.ValidationError, ValueError, KeyError, AttributeError,
            TypeError, RecursionError, nbformat.reader.NotJSONError) as error:
        raise ValueError(f"this is no notebook, or a damaged one "
                         f"({type(error).__name__}); save it in Jupyter and "
                         f"hand it in again") from None


def which_notebook(cells, name, exercises):
    """(number, sentences): by the ids of cells, else the title, else names.

    Raises ``ValueError`` where it is none of the collection.
    """
    ids = {cell.get("id") for cell in cells}
    shared = {number: len(ids & {one.cell for one in some} | ids & {
        one.call for one in some}) for number, some in exercises.items()}
    best = max(shared, key=shared.get)
    if shared[best]:
        return best, ()
    for cell in cells:
        title = re.match(r"# (\w+) ", str(cell.get("source", "")))
        if title and title[1] in exercises:
            return title[1], (f"the cells have lost their ids: this is taken "
                              f"for notebook {title[1]} by its title",)
    text = "\n".join(str(cell.get("source", "")) for cell in cells)
    for number, some in exercises.items():
        if any(one.check in text for one in some):
            return number, (f"the cells have lost their ids: this is taken "
                            f"for notebook {number} by its checks",)
    raise ValueError(f"{name} is no notebook of the collection with "
                     f"exercises: no cell, title or check of one is in it")


def defines(cell, name):
    """Whether a code cell gives the learner's ``name`` a value."""
    if cell.cell_type != "code":
        return False
    tree = tree_of(cell.source)
    if not tree.body:
        return bool(re.search(rf"(?m)^(?:(?:async )?def|class) {name}\b|"
                              rf"^{name} *=(?! *yours\()", cell.source))
    return any(name in names_bound(node) for node in tree.body
               if not _taken_over(node)
               and not isinstance(node, (ast.Import, ast.ImportFrom)))


def _taken_over(node):
    """``f = yours(f, check, ours)``: no answer."""
    return (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
            and getattr(node.value.func, "id", "") == "yours")


def names_bound(node):
    """The names that a statement binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef,
                         ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0]
                for alias in node.names}
    targets = getattr(node, "targets", None) or [
        getattr(node, "target", None)]
    return {each.id for target in targets if target is not None
            for each in ast.walk(target) if isinstance(each, ast.Name)}


def handed_in(exercise, cells, as_it_came=()):
    """What was handed in for an exercise, wherever it stands.

    ``as_it_came``: sources of the notebook's cells, of which no other than
    the exercise's own can be an answer.
    """
    told, odd = [], []
    own = [cell for cell in cells if cell.get("id") == exercise.cell
           and cell.cell_type == "code"]
    call = [cell for cell in cells if cell.get("id") == exercise.call]
    stub = " ".join(exercise.stub.split())
    others = [cell for cell in cells if defines(cell, exercise.name)
              and cell not in own and cell not in call
              and cell.source not in as_it_came]
    worked = [cell for cell in others if " ".join(
        cell.source.split()) != stub]
    begun = own and " ".join(own[-1].source.split()) != stub and (
        defines(own[-1], exercise.name) or not worked)
    if begun:
        cell = own[-1]
        if worked:
            told.append(f"{exercise.name} is defined in another cell, too; "
                        f"that of the exercise counts")
    elif worked:
        tagged = [cell for cell in worked
                  if TAG in cell.metadata.get("tags", ())]
        cell = (tagged or worked)[-1]
        told.append(f"{exercise.name} was found in another cell than that "
                    f"of the exercise")
    elif own or others:
        return Found("", ("not begun: the cell is as it came",))
    else:
        return Found("", (f"no cell defines {exercise.name}",))
    if call and exercise.check not in call[-1].source:
        odd.append(f"{exercise.number}: the cell of the check was changed, "
                   f"which changes nothing here")
    before = cells[:cells.index(cell)]
    source = plain_python(cell.source)
    needed = support(source, [each.source for each in before
                              if each.cell_type == "code"])
    odd += suspicions(exercise, "\n".join([*needed, source]))
    whole = "\n".join([*needed, with_constants(source)])
    return Found(whole, tuple(told), tuple(odd))


def support(source, earlier):
    """Statements of earlier cells that an answer needs, in their order.

    Imports, functions, classes, and constants that no call computes; one
    that fails is left out, and the answer says what it lacks.
    """
    kept, known = [], []
    for text in earlier:
        for node in tree_of(text).body:
            simple = isinstance(node, ast.Assign) and not any(
                isinstance(each, ast.Call) for each in ast.walk(node))
            if simple or isinstance(node, (
                    ast.Import, ast.ImportFrom, ast.FunctionDef,
                    ast.ClassDef)):
                known.append((names_bound(node), node))
    wanted = names_missing(source)
    for names, node in reversed(known):
        if wanted & names:
            text = ast.unparse(node)
            wanted = (wanted - names) | names_missing(text)
            kept.append("try:\n" + textwrap.indent(with_constants(text), "  ")
                        + "\nexcept Exception:\n  pass")
    return kept[::-1]


def names_missing(source):
    """The names that a source reads and does not bind at its top level."""
    try:
        top = symtable.symtable(source, "answer", "exec")
    except (SyntaxError, ValueError, RecursionError):
        return set()
    read, tables = set(), [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        read |= {each.get_name() for each in table.get_symbols()
                 if each.is_referenced() and (
                     each.is_global() or table is top)}
    here = {each.get_name() for each in top.get_symbols()
            if each.is_assigned() or each.is_imported()}
    return read - here - set(vars(builtins))


def with_constants(source):
    """A source with the values that it imports from checks written out.

    Checks are not at hand where answers run; the data of an exercise is.
    """
    tree, lines = tree_of(source), source.splitlines()
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or not str(
                node.module).startswith("helpers.checks.notebook_"):
            continue
        texts = []
        for alias in node.names:
            try:
                value = getattr(importlib.import_module(node.module),
                                alias.name)
                texts.append(f"{alias.asname or alias.name} = {value!r}")
                same = ast.literal_eval(repr(value)) == value
            except (ImportError, AttributeError, ValueError, SyntaxError):
                same = False
            if not same:
                break
        else:
            lines[node.lineno - 1:node.end_lineno] = [
                "; ".join(texts)] + [""] * (node.end_lineno - node.lineno)
    return "\n".join(lines)


def suspicions(exercise, source):
    """What a teacher should look at in an answer, in sentences."""
    tree = tree_of(source)
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}"
                                     for alias in node.names)}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, (ast.Attribute, ast.Name)):
            names.add(ast.unparse(node))
    tail = exercise.ours.split(".")[-2:]
    odd = []
    if exercise.ours and any(
            name == exercise.ours or name.split(".")[-2:] == tail
            for name in names):
        odd.append(f"{exercise.number}: it takes the collection's own "
                   f"{tail[-1]} instead of writing it")
    found = [word for word in ODD if any(
        name == word or name.startswith(word + ".")
        or name.endswith("." + word) for name in names)]
    if found and not any(word in exercise.solution for word in found):
        odd.append(f"{exercise.number}: it uses {', '.join(found)}, which no "
                   f"answer needs")
    return odd
