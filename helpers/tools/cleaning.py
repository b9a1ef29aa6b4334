"""Executed notebooks made fit to commit: outputs kept, noise dropped."""

import re
from pathlib import Path

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python",
                   "name": "python3"},
    "language_info": {"name": "python"},
    # Colab then opens the notebook with a GPU, where there is one to have.
    "accelerator": "GPU",
    "colab": {"gpuType": "T4"},
}
STAYING = ("tags", "jupyter", "cellView")          # of a cell's metadata
MARKER = "<!-- {0} -->.*?<!-- /{0} -->|TODO-{0}"
FIRST_CELLS = 4                        # cells among which the header table is


def time_in_words(seconds):
    """``seconds`` in words: "12 s", "1 min 10 s"."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def clean_notebook(notebook, root):
    """Drop from ``notebook`` what changes from one run to the next.

    That is progress bars, execution times, widget state and the path of
    ``root``; cell ids, tags, what is folded and all other outputs stay,
    warnings too.
    """
    notebook.metadata = type(notebook.metadata)(METADATA)
    for cell in notebook.cells:
        cell.metadata = type(cell.metadata)({
            name: cell.metadata[name] for name in STAYING
            if cell.metadata.get(name)})
        if cell.cell_type != "code":
            continue
        cell.outputs = [output for output in cell.outputs
                        if _clean(output, root).get("text", "-")]
    return notebook


def _clean(output, root):
    """``output`` without widgets, and with paths below ``root`` relative."""
    root, home = str(root), str(Path.home())
    names = [root + "/", root]
    if root.startswith(home + "/"):
        short = "~" + root.removeprefix(home)
        names += [short + "/", short]

    def relative(text):
        for name in names:
            text = text.replace(name, "" if name.endswith("/") else ".")
        return text

    for field in ("text", "evalue"):
        if field in output:
            output[field] = relative(output[field])
    if "text" in output:
        output.text = without_bars(output.text)
    if "traceback" in output:
        output.traceback = [relative(line) for line in output.traceback]
    for kind in list(output.get("data", {})):
        if "widget" in kind:
            del output.data[kind]
        elif kind.startswith("text/"):
            output.data[kind] = relative(output.data[kind])
    return output


def without_bars(text):
    """``text`` as a terminal shows it: what a bar wrote and took back is gone.
    """
    text = re.sub(r"[^\n]*\r(?=[^\r\n])", "", text)
    return re.sub(r"(?m)^[^\S\n]*\r+$", "", text)


def fill_header(notebook, row):
    """Write the measured time and memory of ``row`` into the header table.

    They go between the comments ``<!-- time -->`` and ``<!-- /time -->``, and
    likewise ``memory``, of the first cells; a new notebook may have
    ``TODO-time`` there.  Returns whether there was a place for both.
    """
    values = {"time": time_in_words(row.seconds),
              "memory": f"{max(10, round(row.peak_mb, -1)):.0f} MB"}
    found = set()
    for cell in notebook.cells[:FIRST_CELLS]:
        for name, value in values.items():
            if cell.cell_type == "markdown":
                text = f"<!-- {name} -->{value}<!-- /{name} -->"
                cell.source, count = re.subn(
                    MARKER.format(name), text, cell.source, flags=re.DOTALL)
                if count:
                    found.add(name)
    return found == set(values)
