"""How long a notebook takes a person: reading it, and doing its exercises.

The model: 150 words a minute, a line of code 7 seconds, a printed line 3, a
figure a minute, and for an exercise what its difficulty says.  The rates are
assumptions, the same for all notebooks; nobody was timed.
"""

import re

A_MINUTE = 150                     # a minute
PER_CODE, PER_PRINTED, PER_FIGURE = 7, 3, 60        # seconds
EXERCISE = {1: 3, 2: 6, 3: 10, 4: 15, 5: 25}    # minutes, by difficulty
FOLD = re.compile(r"<details>.*?</details>", re.DOTALL)
DIFFICULTY = re.compile(
    r"\*Difficulty (\d) of 5, (core|extra)(?:, \d+ minutes)?\.\*")
SECTION = re.compile(r"^## ")


def reading_minutes(cells):
    """Minutes to read ``cells`` and their outputs; folds are not counted."""
    seconds = 0.0
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            seconds += 60 / A_MINUTE * count_words(FOLD.sub("", source))
            continue
        if "hide-input" not in cell.get("metadata", {}).get("tags", ()):
            seconds += PER_CODE * len([
                line for line in source.splitlines() if line.strip()])
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            printed = "".join(output.get("text", "")) or "".join(
                data.get("text/plain", "") if "text/html" in data else "")
            if "image/png" in data:
                seconds += PER_FIGURE
            else:
                seconds += PER_PRINTED * len(printed.splitlines())
    return seconds / 60


def doing_minutes(cells):
    """Minutes for the exercises that ``cells`` set."""
    return sum(EXERCISE[int(level)] for cell in cells
               if cell["cell_type"] == "markdown" for level, _ in
               DIFFICULTY.findall("".join(cell["source"])))


def count_words(text):
    """The words of a Markdown text; comments and fenced code do not count."""
    text = re.sub(r"```.*?```|<!--.*?-->", " ", text, flags=re.DOTALL)
    return len(re.sub(r"<[^>]+>|[|#*`-]+", " ", text).split())


def sections(cells):
    """The cells in lists, of which all but the first begin with a heading."""
    found = [[]]
    for cell in cells:
        if cell["cell_type"] == "markdown" and SECTION.match(
                "".join(cell["source"])):
            found.append([])
        found[-1].append(cell)
    return found
