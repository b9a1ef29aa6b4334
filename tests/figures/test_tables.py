"""Tables: the same cells as HTML and as text, whatever is in them."""

import re

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from contrast import hard_to_read
from helpers.figures.tables import Table, show_table

ROWS = [{"system": "EKT", "pass@1 (%)": 52.04, "n": 2044},
        {"system": "before", "pass@1 (%)": np.float32(7), "n": np.int64(3)}]


def test_text_is_aligned_and_numbers_stand_to_the_right(capsys):
    show_table(ROWS, caption="What came out")
    assert capsys.readouterr().out.splitlines() == [
        "What came out",
        "system  pass@1 (%)      n",
        "------  ----------  -----",
        "EKT           52.0  2,044",
        "before         7.0      3"]


def test_a_notebook_gets_html_and_the_text():
    output, _ = DisplayFormatter().format(Table(ROWS, caption="What < came"))
    assert output["text/plain"] == repr(Table(ROWS, caption="What < came"))
    page = output["text/html"]
    assert re.findall(r"<td[^>]*>(.*?)</td>", page) == [
        "EKT", "52.0", "2,044", "before", "7.0", "3"]
    assert re.findall(r"<th [^>]*text-align:(\w+)", page) == [
        "left", "right", "right"]
    assert "What &lt; came</caption>" in page
    assert hard_to_read(page) == []


@pytest.mark.parametrize("value, text", [
    (None, ""), (0.05, "0.1"), (-0.04, "0.0"), (True, "yes"), ("0.123",
    "0.123"), (float("nan"), "-"), (float("inf"), "inf"), (12345, "12,345"),
    (np.bool_(False), "no"), ("12 %", "12 %")])
def test_a_cell_says_what_its_value_is(value, text):
    assert Table([(value,)]).cells == [[text]]


def test_cells_are_text_and_never_markup_or_formulas():
    page = Table([("<script>alert(1)</script>", "costs $5 or $6\x1b[2J")],
                 ["<img src=x onerror=y>", "b"]).page()
    assert "<script" not in page and "<img" not in page
    assert "\x1b" not in page and "\\x1b[2J" in page
    assert "tex2jax_ignore" in page and "mathjax_ignore" in page


def test_long_text_wraps_and_keeps_all_words():
    words = [f"word{i}" for i in range(40)]
    table = Table([(" ".join(words), 1.0, " ".join(words)),
                   ("x" * 200, 2, "")],
                  ["a", "a long heading over a number", "b"])
    lines = repr(table).splitlines()
    assert max(map(len, lines)) <= 79
    said = repr(table).split()
    assert all(said.count(word) == 2 for word in words)
    assert repr(table).count("x") == 200


def test_columns_choose_order_and_headings():
    assert Table(ROWS, ["n", "system"]).cells == [
        ["2,044", "EKT"], ["3", "before"]]
    assert Table(ROWS[:1] + [{"n": 1, "more": 2}]).head == [
        "system", "pass@1 (%)", "n", "more"]
    assert Table([("a", 1)], align="rc").sides == ["r", "c"]
    assert Table([("日本", "x"), ("ab", "y")]).__repr__().splitlines() == [
        "日本  x", "ab    y"]
    assert "(no rows)" in repr(Table([], ["a", "b"]))
    assert "(no rows)" in Table([]).page()


@pytest.mark.parametrize("rows, how, error", [
    ([("a",), ("b", "c")], {}, ValueError),
    ([("a", "b")], {"columns": ["one"]}, ValueError),
    (ROWS, {"columns": ["speed"]}, ValueError),
    (ROWS, {"align": "lr"}, ValueError),
    (ROWS, {"align": "lrx"}, ValueError),
    (["ab", "cd"], {}, TypeError), ([{"a": 1}, (1,)], {}, TypeError),
    ([1, 2], {}, TypeError), (None, {}, ValueError), (3, {}, ValueError),
    (ROWS, {"columns": 3}, ValueError), (ROWS, {"align": 3}, ValueError),
    (ROWS, {"align": [["l"], "r", "r"]}, ValueError)])
def test_what_is_no_table_is_refused_in_a_sentence(rows, how, error):
    with pytest.raises(error, match="column|length|dict|align"):
        Table(rows, **how)
