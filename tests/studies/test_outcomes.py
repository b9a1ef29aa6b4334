"""The table of both papers' claims says what the studies' own tables say."""

import re

import nbformat
import pytest

from helpers.problems import load_problems
from helpers.profiles import ROOT, get_profile
from helpers.studies import dial_results, outcomes

MINI = get_profile("mini")
ROWS = outcomes.outcome_rows(MINI, [
    p.difficulty for p in load_problems("mini-apps", "test")])


def printed(name):
    """The tables of a notebook, each a list of rows of cells."""
    path, = (ROOT / "notebooks").rglob(f"{name}_*.ipynb")
    for cell in nbformat.read(path, 4).cells:
        for output in cell.get("outputs", ()):
            html = output.get("data", {}).get("text/html", "")
            yield [[re.sub(r"<[^>]+>", "", cell).replace("&amp;", "&")
                    for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row,
                                           re.DOTALL)]
                   for row in re.findall(r"<tr.*?</tr>", html, re.DOTALL)]


def verdict(world, claim):
    row, = (row for row in ROWS if (row["world"], row["claim"])
            == (world, claim))
    return row["verdict"].split("; ")


def table_with(name, *heads):
    table, = (rows for rows in printed(name)
              if rows and {*heads} <= {*rows[0]})
    return [dict(zip(table[0], row, strict=True)) for row in table[1:]]


def test_ekt_s_verdicts_are_those_of_its_notebook():
    rows = table_with("E1", "claim", "at", "alone", "corrected")
    assert len(rows) == 25
    for row in rows:
        assert (f"{row['at']} {row['corrected']}"
                in verdict("mini-gsm", row["claim"]))
    assert sum(len(row["verdict"].split("; ")) for row in ROWS
               if row["world"] == "mini-gsm") == len(rows)


def test_codeplan_s_verdicts_are_those_of_its_notebook():
    rows = {row["claim"]: row for table in printed("E3") if table
            and "whose" in table[0] and "claim" in table[0]
            for row in (dict(zip(table[0], cells)) for cells in table[1:])}
    ours = [row for row in ROWS if row["world"] == "mini-apps"]
    assert len(ours) == 7
    for row in ours:
        said = rows[row["claim"]]
        assert said["whose"] == "paper"
        assert row["verdict"].split()[1] == said["all 20"]


@pytest.mark.parametrize("what", outcomes.ON_THE_DIAL)
def test_the_dial_s_verdicts_are_those_of_its_notebook(what):
    said = [f"dial {float(row['dial']):g} {row['ahead?']}"
            for row in table_with("M9", "what", "dial", "ahead?")
            if row["what"] == what]
    assert verdict("mini-apps-2", what) == said and len(said) == 3


def test_the_table_that_is_printed_is_of_today():
    rows = table_with("E3", "world", "claim", "verdict", "seeds", "bases")
    assert rows == [{key: str(value) for key, value in row.items()}
                    for row in ROWS]
    assert {row["bases"] for row in ROWS} == {1, len(dial_results.BASES)}
