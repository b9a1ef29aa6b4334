"""Tables: HTML in a notebook, the same table as aligned text elsewhere."""

import html
import math
import re
import textwrap
import unicodedata
from collections.abc import Mapping
from numbers import Integral, Real

from helpers.figures.style import FAINT, INK, NO_MATH, PAGE, visible
from helpers.tools.arguments import each_of

WIDTH = 79                     # columns of the text
NARROWEST = 8                  # of a column that is made to wrap
NUMERIC = re.compile(r"[-+−±]?\d[\d,.]*( ?%)?( ?\[.*\])?|[-–]"
                     r"|\[[-+−\d., ]+\]")         # an interval alone
SIDES = {"l": "left", "r": "right", "c": "center"}


def show_table(rows, columns=None, caption="", align=None):
    """Display ``rows`` as a table; as aligned text outside a notebook.

    ``rows``: dicts, or tuples of one length.  ``columns``: of dicts, the keys
    that are shown, by default all; of tuples, the headings, by default none.
    ``align``: a letter for each column, l, r or c, by default numbers to the
    right.  A float is written with one decimal (give it as text for more), a
    missing value as nothing.  The HTML is at most 900 pixels wide, the text
    79 columns where words can be broken.

    Raises ``ValueError`` where rows, columns and ``align`` differ in length,
    and ``TypeError`` for a row that is neither.
    """
    from IPython.display import display
    display(Table(rows, columns, caption, align))


class Table:
    """Rows as text, their columns' headings and sides."""

    def __init__(self, rows, columns=None, caption="", align=None):
        self.caption = visible(caption)
        self.head, values = _head_and_rows(rows, columns)
        self.cells = [[cell_text(value) for value in row] for row in values]
        width = len(self.head or (self.cells or [()])[0])
        self.sides = ([side_of([row[at] for row in self.cells])
                       for at in range(width)] if align is None else
                      list(align) if hasattr(align, "__iter__") else [align])
        if len(self.sides) != width or any(
                side not in [*SIDES] for side in self.sides):
            raise ValueError(f"align is one of l, r, c for each of {width} "
                             f"columns, not {align!r:.60}")

    def __repr__(self):
        lines = ([[*self.head]] if self.head else []) + self.cells
        if not self.sides:
            return self.caption or "(no rows)"
        widths = fitted(lines, self.sides)
        written = [line for row in lines
                   for line in written_row(row, widths, self.sides)]
        if self.head:
            rule = "  ".join("-" * width for width in widths)
            height = len(written_row(self.head, widths, self.sides))
            written.insert(height, rule)
        if not self.cells:
            written.append("(no rows)")
        caption = textwrap.wrap(self.caption, WIDTH)
        return "\n".join([*caption, *written])

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.page(), "text/plain": repr(self)}

    def page(self):
        """The table as HTML, on a page of its own."""
        colours = f"background-color:{PAGE}; color:{INK}"

        def row(cells, tag, line):
            scope = ' scope="col"' if tag == "th" else ""
            return (f'<tr style="{colours}; border-bottom:{line}">' + "".join(
                f'<{tag}{scope} style="text-align:{SIDES[side]}; '
                f'padding:3px 9px; vertical-align:top; '
                + ("white-space:nowrap" if side == "r" and tag == "td" else
                   "white-space:pre-wrap; overflow-wrap:break-word")
                + f'">{html.escape(cell)}</{tag}>'
                for cell, side in zip(cells, self.sides)) + "</tr>")
        parts = []
        if self.caption:
            parts.append(f'<caption style="{colours}; text-align:left; '
                         f'caption-side:top; padding:3px 9px">'
                         f'{html.escape(self.caption)}</caption>')
        if self.head:
            head = row(self.head, "th", f"2px solid {INK}")
            parts.append(f"<thead>{head}</thead>")
        body = [row(cells, "td", f"1px solid {FAINT}")
                for cells in self.cells]
        if not body:
            body = [f'<tr style="{colours}"><td colspan='
                    f'"{max(1, len(self.sides))}">(no rows)</td></tr>']
        parts.append("<tbody>" + "\n".join(body) + "</tbody>")
        inside = "\n".join(parts)
        return (f'<div class="{NO_MATH}" style="max-width:900px; '
                f'overflow-x:auto">\n<table style="{colours}; '
                f'border-collapse:collapse; margin:0">\n{inside}\n'
                f'</table>\n</div>')


def _head_and_rows(rows, columns):
    """(the headings, the rows as lists of values), checked."""
    rows = list(each_of("rows", rows, "dicts or tuples"))
    if columns is not None:
        columns = list(each_of("columns", columns, "headings"))
    head = [visible(name) for name in columns or ()]
    if rows and all(isinstance(row, Mapping) for row in rows):
        keys = list(columns if columns is not None else
                    dict.fromkeys(key for row in rows for key in row))
        missing = [key for key in keys
                   if not any(key in row for row in rows)]
        if missing:
            raise ValueError(f"no row has the column {missing[0]!r:.60}; "
                             f"they have {sorted(map(str, rows[0]))}")
        return ([visible(key) for key in keys],
                [[row.get(key) for key in keys] for row in rows])
    values = []
    for row in rows:
        if isinstance(row, (str, bytes, Mapping)) or not hasattr(
                row, "__iter__"):
            raise TypeError(f"a row is a dict or a tuple, like the others, "
                            f"not {row!r:.60}")
        values.append(list(row))
    widths = {len(row) for row in values} | ({len(head)} if head else set())
    if len(widths) > 1:
        raise ValueError(f"rows and columns of one table are of one length, "
                         f"not of {sorted(widths)}")
    return head, values


def cell_text(value):
    """A cell's text: one decimal for a float, nothing for None."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()                  # a number of numpy or torch
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Integral):
        return f"{int(value):,}"
    if isinstance(value, Real):
        value = float(value)
        # Rounded first: no "-0.0".
        return f"{round(value, 1) + 0:,.1f}" if not math.isnan(value) else "-"
    return visible(value)


def side_of(cells):
    """ "r" for a column of numbers, "l" for any other."""
    filled = [cell for cell in cells if cell]
    return "r" if filled and all(map(NUMERIC.fullmatch, filled)) else "l"


def columns_of(text):
    """How many columns of a terminal ``text`` takes."""
    return sum(0 if unicodedata.combining(char) else
               2 if unicodedata.east_asian_width(char) in "WF" else 1
               for char in text)


def fitted(lines, sides):
    """The columns' widths: the widest give way, to WIDTH in all.

    Numbers stay whole (the heading above them does not), text may wrap.
    """
    every = [[max(map(columns_of, line[at].split("\n"))) for line in lines]
             for at in range(len(sides))]
    widths = [max(column) for column in every]
    least = [max(column[1:], default=1) if side == "r" else NARROWEST
             for column, side in zip(every, sides)]
    while sum(widths) + 2 * (len(widths) - 1) > WIDTH:
        soft = [at for at, width in enumerate(widths) if width > least[at]]
        if not soft:
            break
        widths[max(soft, key=lambda at: widths[at])] -= 1
    return widths


def written_row(cells, widths, sides):
    """A row's lines of text."""
    blocks = []
    for cell, width in zip(cells, widths):
        blocks.append([part for line in cell.split("\n")
                       for part in textwrap.wrap(
                           line, max(width, 1), break_on_hyphens=False,
                           replace_whitespace=False) or [""]])
    lines = []
    for at in range(max(map(len, blocks))):
        line = []
        for block, width, side in zip(blocks, widths, sides):
            part = block[at] if at < len(block) else ""
            room = max(0, width - columns_of(part))
            left = {"l": 0, "r": room, "c": room // 2}[side]
            line.append(" " * left + part + " " * (room - left))
        lines.append("  ".join(line).rstrip())
    return lines
