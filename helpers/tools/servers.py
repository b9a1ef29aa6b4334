"""The servers that were tried, as a table beside notebook 08.

``tests/benchmarks/servers.py`` tries a server and notes what came out in
``data/servers.json``; ``write_servers`` puts that into the notebook.
"""

import json
import re

from helpers.profiles import ROOT
from helpers.tools.files import write_text

SERVERS = ROOT / "data" / "servers.json"
BESIDE = ROOT / "notebooks" / "08_past_one_machine.ipynb"
SERVERS_PLACE = re.compile(r"<!-- servers -->.*?<!-- /servers -->", re.DOTALL)
# Heading -> the entry of a row in the file.
HEADINGS = {"server": "server", "as here at T = 0": "greedy",
            "8 choices": "n", "8 at T = 0": "greedy_n",
            "seed repeats": "seed", "unknown model": "name",
            "long prompt": "long"}


def servers_table(rows):
    """Markdown lines of a table of ``rows``, the list in the file."""
    lines = ["| " + " | ".join(HEADINGS) + " |",
             "| " + " | ".join("---" for _ in HEADINGS) + " |"]
    for row in rows:
        told = row | {"server": f"{row['server']} {row['version']}"}
        lines.append("| " + " | ".join(
            str(told[entry]) for entry in HEADINGS.values()) + " |")
    return lines


def write_servers(notebook=BESIDE, rows=None):
    """Put the table into the file of a ``notebook``; whether it changed.

    ``rows``: by default what :data:`SERVERS` holds.
    """
    rows = json.loads(SERVERS.read_text("utf-8")) if rows is None else rows
    inside = "\n".join(["<!-- servers -->", *servers_table(rows),
                        "<!-- /servers -->"])
    text = notebook.read_text("utf-8")
    whole = json.loads(text)
    for cell in whole["cells"]:
        if cell["cell_type"] == "markdown":
            source = SERVERS_PLACE.sub(lambda _: inside,
                                       "".join(cell["source"]))
            cell["source"] = source.splitlines(keepends=True)
    new = json.dumps(whole, indent=1, ensure_ascii=False) + "\n"
    if new != text:
        write_text(notebook, new)
    return new != text
