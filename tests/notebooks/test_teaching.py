"""The lecturer's guide: minutes that add up, quotes that exist."""

import ast
import json
import re

import pytest

from helpers.profiles import ROOT
from helpers.tools.course import LESSONS, NOTEBOOKS, path_of
from helpers.tools.reading import doing_minutes, reading_minutes, sections

GUIDE = ROOT / "notebooks" / "teaching"
SLICE = re.compile(
    r"(\d\d|[EM]\d) (beginning|quiz|recap|whole|sections? (\d+)(?:-(\d+))?), "
    r"(read|done)")
NAMED = {"quiz": "Exit quiz", "recap": "Recap"}


def by_model(what):
    """Minutes of "04 sections 1-3, done"; None for what is no notebook's."""
    found = SLICE.fullmatch(what)
    if not found:
        assert not re.match(r"\d\d |[EM]\d ", what), f"cannot be read: {what}"
        return None
    number, which, low, high, how = found.groups()
    one, = (one for one in NOTEBOOKS if one.number == number)
    cells = json.loads(path_of(one).read_text("utf-8"))["cells"]
    heads = {}
    for part in sections(cells):
        head = re.match(r"## (?:(\d+)\.)?(.*)", "".join(part[0]["source"]))
        heads[int(head[1]) if head and head[1] else
              head[2].strip() if head else ""] = part
    names = list(heads)
    wanted = (names if which == "whole" else
              names[:names.index(1)] if which == "beginning" else
              [NAMED[which]] if which in NAMED else
              range(int(low), int(high or low) + 1))
    chosen = [cell for name in wanted for cell in heads[name]]
    return reading_minutes(chosen) + (how == "done") * doing_minutes(chosen)


def tables(page):
    """(heads, rows) of the tables whose first head is ``what``."""
    text = (GUIDE / page).read_text("utf-8")
    for block in re.findall(r"(?m)(?:^\|.*\n)+", text):
        heads, _, *rows = ([part.strip() for part in line.strip("|").split(
            "|")] for line in block.splitlines())
        yield heads, rows


PLANS = [(page, heads, rows) for page in ("lab.md", "lessons.md")
         for heads, rows in tables(page) if heads[0] == "what"]


@pytest.mark.parametrize("page, heads, rows", PLANS, ids=[
    f"{page}-{rows[0][0][:12]}" for page, _, rows in PLANS])
def test_a_plan_fits(page, heads, rows):
    """No row is shorter than the model says, and the sum is the head."""
    for row in rows[:-1]:
        minutes = by_model(row[0])
        for planned in row[1:]:
            if planned != "–" and minutes is not None:
                assert int(planned) >= round(minutes), (
                    f"{page}: {row[0]} takes {minutes:.1f} minutes by the "
                    f"model, and {planned} are planned")
    assert rows[-1][0] == "**in all**"
    for column, whole in enumerate(rows[-1][1:], 1):
        planned = [int(row[column]) for row in rows[:-1]
                   if row[column] != "–"]
        assert heads[column] == whole and sum(planned) == int(whole)
        assert min(planned) >= 1


def test_there_are_the_plans_that_are_promised():
    assert [int(heads[1]) for page, heads, _ in PLANS
            if page == "lab.md"] == [90, 360]
    lessons = [(heads, rows) for page, heads, rows in PLANS
               if page == "lessons.md"]
    assert [rows[0][0][:2] for _, rows in lessons] == [
        one.number for one in LESSONS]
    assert all(heads[1:] == ["50", "90"] for heads, _ in lessons)


def test_nine_weeks_name_every_notebook_once_and_their_minutes():
    (_, rows), = (found for found in tables("lab.md") if found[0][0] == "week")
    assert [row[1] for row in rows] == [one.number for one in LESSONS]
    named = []
    for *_, home, said in rows:
        minutes = [by_model(what) for what in home.split("; ")]
        named += [what[:2] for what in home.split("; ") if by_model(what)]
        assert int(said) >= sum(filter(None, minutes)) - 1, home
    assert sorted(named) == sorted(
        one.number for one in NOTEBOOKS if one not in LESSONS)


def test_what_comes_out_is_what_the_notebook_prints():
    text = (GUIDE / "lessons.md").read_text("utf-8")
    parts = re.split(r"(?m)^## (\d\d) .*", text)[1:]
    assert parts[::2] == [one.number for one in LESSONS]
    for one, part in zip(LESSONS, parts[1::2]):
        said, = re.findall(r"\*\*Comes out\.\*\* `([^`]+)`", part)
        cells = json.loads(path_of(one).read_text("utf-8"))["cells"]
        printed = "".join(
            "".join(output.get("text", "")) for cell in cells
            for output in cell.get("outputs", ()))
        assert f"you wrote no guess down; {said}\n" in printed, (
            f"lesson {one.number} does not print {said!r}")


def sentences():
    """Texts of helpers/ and of the first cell, "…" for what is put in."""
    sources = [path.read_text("utf-8")
               for path in (ROOT / "helpers").rglob("*.py")]
    first = json.loads(path_of(LESSONS[0]).read_text("utf-8"))
    sources += ["".join(cell["source"]) for cell in first["cells"]
                if cell["cell_type"] == "code"]
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.JoinedStr):
                yield "".join(part.value if isinstance(part, ast.Constant)
                              else "…" for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(
                    node.value, str):
                yield node.value


def test_the_faq_quotes_what_is_really_said():
    quoted = re.findall(r"(?m)^### `(.+)`$",
                        (GUIDE / "faq.md").read_text("utf-8"))
    assert len(quoted) == len(set(quoted)) >= 20
    texts = list(sentences())
    for quote in quoted:
        words = [re.escape(part) for part in quote.split("...")]
        pattern = re.compile(".*?".join(words), re.DOTALL)
        assert any(map(pattern.search, texts)), f"nothing says: {quote}"
