"""The table beside notebook 08 is what the run against servers wrote."""

import json

from helpers.tools.servers import (BESIDE, SERVERS, servers_table,
                                   write_servers)


def test_the_notebook_shows_what_was_tried(tmp_path):
    copy = tmp_path / "08.ipynb"
    copy.write_bytes(BESIDE.read_bytes())
    assert write_servers(copy) is False, "python tests/benchmarks/servers.py"
    rows = json.loads(SERVERS.read_text("utf-8"))
    assert len(rows) >= 3 and all(row["greedy"] == "6 of 6" for row in rows)
    more = [*rows, rows[0] | {"server": "Another", "version": "1"}]
    assert write_servers(copy, more) is True
    text = "".join(c for cell in json.loads(copy.read_text())["cells"]
                   for c in cell["source"])
    assert "\n".join(servers_table(more)) in text and "| Another 1 |" in text
    assert write_servers(copy) and copy.read_bytes() == BESIDE.read_bytes()
