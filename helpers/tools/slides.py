"""Ten slides a lesson: ``python -m helpers slides``, or ``make slides``.

Made from the committed notebooks: title, goals, prediction, five sections with
what each shows best, recap, first question of the exit quiz.  reveal.js comes
from the npm registry once; the pages ask no other host for anything.
"""

import argparse
import html
import importlib.util
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from helpers.profiles import ROOT
from helpers.tools.course import LESSONS, path_of
from helpers.tools.files import read_notebook, saying_where, write_all
from helpers.tools.folders import claim_folder
from helpers.tools.reading import FOLD, sections

FOLDER = "build/slides"
SLIDES, SECTIONS = 10, 5
REVEAL = "reveal.js-6.0.2"
MATHJAX = "sphinx-mathjax-offline"          # its folder, and the package
PACKAGES = ("nbconvert", MATHJAX)
TALLEST, WIDEST = 12, 84                 # of code and print on a slide
FORMULA = re.compile(r"\$\$.+?\$\$", re.DOTALL)
EXERCISE = re.compile(r"\*\*(Exercise \d: [^*]+?)\.?\*\*")
TEMPLATE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="{reveal}/reset.css">
<link rel="stylesheet" href="{reveal}/reveal.css">
<link rel="stylesheet" href="{reveal}/theme/white.css">
<style>
.reveal {{ font-size: 28px; }}
.reveal h1, .reveal h2 {{ text-transform: none; font-size: 1.5em; }}
.reveal .slides section {{ text-align: left; }}
.reveal ul {{ display: block; }}
.reveal pre {{ font-size: 17px; line-height: 1.25; width: 100%;
  box-shadow: none; margin: 10px 0; white-space: pre-wrap; }}
.reveal .printed {{ border-left: 3px solid #888888; padding-left: 10px; }}
.reveal img {{ display: block; max-height: 430px; margin: 0 auto; }}
.reveal table {{ font-size: 24px; }}
.reveal .exercise {{ font-size: 22px; }}
{highlight}
</style>
<script>window.MathJax = {{tex: {{inlineMath: [["$", "$"]]}}}};</script>
<script defer src="mathjax/tex-chtml.js"></script>
</head>
<body><div class="reveal"><div class="slides">
{slides}
</div></div>
<script src="{reveal}/reveal.js"></script>
<script>Reveal.initialize({{hash: true, slideNumber: true, width: 1100,
  height: 700, transition: "none"}});</script>
</body>
</html>
"""


def deck(notebook):
    """The page of one lesson, HTML; ``notebook`` is as nbformat reads it."""
    from nbconvert.filters import Highlight2HTML
    from pygments.formatters import HtmlFormatter
    cells, colour = notebook["cells"], Highlight2HTML()
    parts = {_head(part[0]): part for part in sections(cells)[1:]}
    opening = "\n".join(cell["source"] for cell in sections(cells)[0])
    title = opening.splitlines()[0].lstrip("# ")
    goal = re.search(r"(?m)^\| goal \| (.+?) \|$", opening)
    time = re.search(r"<!-- minutes -->(.*?)<!-- /minutes -->", opening)
    before = "\n\n".join(cell["source"] for cell in cells
                         if cell["cell_type"] == "markdown")
    guess = re.search(r"\*\*Predict before you run\.\*\*(.+?)(?=\n\n|\n#|\Z)",
                      before, re.DOTALL)
    numbered = [head for head in parts if re.match(r"\d+\.", head)]
    shown = [_section(head, parts[head], colour)
             for head in _best(numbered, parts)]
    slides = [
        f"<h1>{html.escape(title)}</h1>\n" + _text("\n\n".join(
            found[1] for found in (goal, time) if found)),
        _slide("What you will be able to do", _text(_points(
            parts.get("What you will be able to do")))),
        _slide("Predict before you run", _text(guess[1] if guess else "")),
        *shown,
        _slide("Recap", _text(_points(parts.get("Recap")))),
        _slide("Exit quiz", _question(parts.get("Exit quiz", ())))]
    return TEMPLATE.format(
        title=html.escape(title), reveal=f"{REVEAL}/package/dist",
        highlight=HtmlFormatter().get_style_defs(".highlight"),
        slides="\n".join(f"<section>\n{slide}\n</section>"
                         for slide in slides))


def _head(cell):
    return cell["source"].splitlines()[0].lstrip("# ").strip()


def _slide(head, body):
    return f"<h2>{html.escape(head)}</h2>\n{body}"


def _text(markdown):
    """HTML of Markdown, in which links to files are plain words."""
    from nbconvert.filters import markdown2html
    words = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", markdown)
    return markdown2html(words)


def _points(part):
    """The list of a part, or its first paragraph, as Markdown."""
    text = part[0]["source"].partition("\n")[2] if part else ""
    found = re.search(r"(?m)^- (?:.+\n?)+", text)
    return found[0] if found else text.strip().partition("\n\n")[0]


def _question(part):
    """The first question that the quiz printed, without its answer line."""
    printed = "".join("".join(output.get("text", ""))
                      for cell in part for output in cell.get("outputs", ()))
    lines = printed.partition("\n\n")[0].splitlines()
    text = "\n".join(line for line in lines if "your answer" not in line)
    # A line that goes on is indented further than its beginning.
    parts = re.sub(r"\n +(?! |[a-d]\) )", " ", text).splitlines()
    return "\n".join(f"<p>{html.escape(one.strip())}</p>" for one in parts)


def _shows(cell):
    """(worth, what) a cell can show on a slide; 0 if nothing fits."""
    if cell["cell_type"] == "markdown":
        found = FORMULA.search(FOLD.sub("", cell["source"]))
        return (3, found[0]) if found else (0, None)
    lines = cell["source"].splitlines()
    best = (0, None)
    for output in cell.get("outputs", ()):
        data = output.get("data", {})
        printed = "".join(output.get("text", "")).splitlines()
        if "image/png" in data:
            best = max(best, (4, cell["id"]))
        elif ("text/html" in data and "<table" in "".join(data["text/html"])
              and len("".join(data["text/plain"]).splitlines()) <= TALLEST):
            best = max(best, (2.5, cell["id"]))
        elif (printed and len(lines) + len(printed) <= TALLEST + 6
              and len(lines) <= TALLEST
              and max(map(len, printed)) <= WIDEST
              and "yours(" not in cell["source"]):
            best = max(best, (2, cell["id"]))
    return best


def _best(numbered, parts):
    """Five of the numbered sections, in order: what they can show decides.

    The last one is always there: what came out over five seeds.
    """
    worth = {head: max(_shows(cell)[0] for cell in parts[head]) + 2.5 * any(
        EXERCISE.search(cell["source"]) for cell in parts[head]
        if cell["cell_type"] == "markdown") for head in numbered}
    chosen = sorted(numbered[:-1], key=lambda head: -worth[head])
    return [head for head in numbered
            if head in chosen[:SECTIONS - 1] or head == numbered[-1]]


def _section(head, part, colour):
    """A section's slide: its first sentences, and what it shows best."""
    text = re.sub(r"(?m)^\*About .*\*$", "", "\n".join(
        part[0]["source"].splitlines()[1:])).strip()
    first = EXERCISE.split(FOLD.sub("", text))[0].partition("\n\n")[0]
    sentences = re.split(r"(?<=[.?!])\s+(?=[A-Z*`])", " ".join(first.split()))
    said = ""
    for sentence in sentences:
        if said and len(said) + len(sentence) > 260:
            break
        said = re.sub(":$", ".", f"{said} {sentence}".strip())
    worth, what = max((_shows(cell) for cell in part),
                      key=lambda shown: shown[0])
    body = [_text(said)] if not FORMULA.search(said) else []
    for cell in part:
        if cell["cell_type"] == "markdown":
            if what and what in cell["source"]:
                body.append(f"<p>{html.escape(what)}</p>")
                break
        elif cell.get("id") == what:
            body += _outputs(cell, worth, colour)
            break
    tasks = [cell["source"][found.start():] for cell in part
             if cell["cell_type"] == "markdown"
             and (found := EXERCISE.search(cell["source"]))]
    # Beside what is shown there is room for the names alone.
    tasks = [f"**{EXERCISE.match(task)[1]}**" if what else FOLD.sub("", task)
             for task in tasks]
    body += [f'<div class="exercise">{_text(task)}</div>' for task in tasks]
    return _slide(head, "\n".join(body))


def _outputs(cell, worth, colour):
    """HTML of a code cell: figure or table alone, or code and its print."""
    if worth == 2:
        yield colour(cell["source"])
    for output in cell["outputs"]:
        data = output.get("data", {})
        if "image/png" in data and worth == 4:
            alt = html.escape("".join(data.get("text/plain", "")))
            picture = "".join(data["image/png"].split())
            yield f'<img alt="{alt}" src="data:image/png;base64,{picture}">'
            return
        if "text/html" in data and worth == 2.5:
            yield "".join(data["text/html"])
            return
        if output.get("text") and worth == 2:
            yield (f'<pre class="printed">'
                   f'{html.escape("".join(output["text"]).rstrip())}</pre>')


def fetch_reveal(folder):
    """The scripts of reveal.js in ``folder``, from the registry if need be.

    Raises ``ValueError`` in a sentence where npm is missing or fails.
    """
    target = folder / REVEAL
    if (target / "package" / "dist" / "reveal.js").exists():
        return
    name = REVEAL.replace("-", "@")
    if not shutil.which("npm"):
        raise ValueError("the slides need npm once, to fetch reveal.js: "
                         "install Node.js, and run this again")
    with tempfile.TemporaryDirectory() as scratch:
        try:
            subprocess.run(
                ["npm", "pack", name, "--pack-destination", scratch],
                check=True, capture_output=True, timeout=300)
            with tarfile.open(next(Path(scratch).glob("*.tgz"))) as file:
                file.extractall(target, filter="data")
        except subprocess.SubprocessError:
            raise ValueError(
                f"npm cannot fetch {name}; check the network, or unpack that "
                f"package as {target} by hand") from None


def main(argv=(), root=ROOT):
    """``python -m helpers slides``; returns the exit code."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers slides", description=f"Make {SLIDES} slides "
        f"of each lesson, from the committed outputs, in {FOLDER}; they are "
        f"shown by any browser, and printed with ?print-pdf behind the "
        f"address.")
    parser.add_argument("--folder", type=Path, default=root / FOLDER)
    options = parser.parse_args(argv)
    lacking = [name for name in PACKAGES if not importlib.util.find_spec(name)]
    if lacking:
        print(f"this environment lacks {', '.join(lacking)}; use `make "
              f"slides`, or pip install \".[site]\"", file=sys.stderr)
        return 2
    folder, pages, links = options.folder, {}, []
    try:
        claim_folder(folder, "slides", lambda it: (it / REVEAL).is_dir())
        with saying_where(folder):
            fetch_reveal(folder)
            found = importlib.util.find_spec(MATHJAX)
            shutil.copytree(Path(found.submodule_search_locations[0])
                            / "static" / "mathjax", folder / "mathjax",
                            dirs_exist_ok=True)
        for one in LESSONS:
            notebook = read_notebook(path_of(one, root))
            pages[folder / f"{one.number}.html"] = deck(notebook)
            links.append(f'<li><a href="{one.number}.html">{one.number} '
                         f'{html.escape(one.title)}</a></li>')
        pages[folder / "index.html"] = (
            '<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8">\n'
            f"<title>Slides</title>\n<ul>\n{chr(10).join(links)}\n</ul>\n"
            f"</html>\n")
        write_all(pages)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"the slides are in {options.folder}: open index.html there")
    return 0
