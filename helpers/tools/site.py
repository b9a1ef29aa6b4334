"""The collection as a site: ``python -m helpers site``, or ``make site``.

Static pages from the committed outputs, by Sphinx and myst-nb: nothing is
executed, and no page asks another host for anything.
"""

import argparse
import importlib.util
import json
import os
import re
import shutil
import sys
from pathlib import Path

from helpers.profiles import ROOT
from helpers.tools.course import EVIDENCE, LESSONS, MORE
from helpers.tools.files import saying_where
from helpers.tools.folders import claim_folder
from helpers.tools.stamping import without_picture

FOLDER = "build/site"
# What the pages link to; the rest of the repository is not looked at.
ON_THE_SITE = ("README.md", "notebooks", "helpers", "data", "tests", "LICENSE",
               "pyproject.toml", "environment.yml", "Makefile")
HEAVY = shutil.ignore_patterns(
    "__pycache__", ".ipynb_checkpoints", "*.safetensors", "*.gz")
FENCED = re.compile(r"(?ms)(^```.*?^```)")
LINK = re.compile(r"(?<!!)\[([^\]\n]*)\]\((?!\w+:|#)([^)#\s]*[/.][^)#\s]*)"
                  r"(?:#[^)\s]*)?\)")
PACKAGES = ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx-mathjax-offline")
CONF = '''\
from helpers.tools.site import set_up as setup

project = "Reasoning distillation for code"
author = copyright = "the authors of the collection"
root_doc = "README"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx-mathjax-offline"]
include_patterns = ["README.md", "*/README.md", "data/**/README.md",
                    "notebooks/**", "api/**"]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "toc.not_included",
                     "mystnb.unknown_mime_type", "misc.highlighting_failure"]
autodoc_member_order = "bysource"
autodoc_mock_imports = ["google"]
autodoc_preserve_defaults = True        # as written, with no folder of ours
python_maximum_signature_line_length = 72
html_theme = "sphinx_book_theme"
html_title = project
html_static_path = ["looks"]
html_css_files = ["collection.css"]
html_favicon = "looks/icon.svg"         # else browsers ask for one in vain
html_context = {"default_mode": "auto"}
html_show_sourcelink = html_copy_source = False
html_show_search_summary = False        # needs a server, and not all have one
html_theme_options = {"use_download_button": False, "show_toc_level": 2,
                      "navbar_persistent": []}
'''
# 79 columns of code fit beside both bars; a long name or line never makes a
# page wider than a phone; what an output brings as HTML has its own colours.
CSS = """\
.bd-main .bd-content .bd-article-container pre { font-size: 0.78em; }
.bd-article { overflow-wrap: anywhere; }
.bd-article td:first-child { min-width: 6.5em; }
.bd-article dt.sig .pre, .bd-article code .pre { white-space: pre-wrap; }
.bd-article .cell_output pre, .bd-article .cell_output .output {
  overflow-x: auto; }
html[data-theme="dark"] .bd-content div.cell_output .text_html {
  background-color: transparent; padding: 0; }
"""
ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<circle cx="11" cy="16" r="10" fill="#0072b2"/>
<circle cx="25" cy="16" r="6" fill="#e69f00"/>
</svg>
"""


def set_up(app):
    """What Sphinx calls ``setup``."""
    app.connect("source-read", offline)
    # It copies files when all is done, and does not say that this is safe.
    app.extensions["sphinx-mathjax-offline"].parallel_read_safe = True
    return {"parallel_read_safe": True}


def offline(app, name, source):
    """Markdown of a page in which every link and picture is of this site.

    The picture that leads to Colab is of another host, and folders and what
    is heavy are no pages: words in the place of each.
    """
    folder = (Path(app.srcdir) / name).parent
    if not (Path(app.srcdir) / f"{name}.ipynb").exists():
        source[0] = _linked(source[0], folder)
        return
    notebook = json.loads(source[0])
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = _linked("".join(cell["source"]), folder)
    source[0] = json.dumps(notebook)


def _linked(markdown, folder):
    """``markdown`` without links to what is no file, seen from ``folder``."""
    parts = FENCED.split(without_picture(markdown))
    parts[::2] = [LINK.sub(lambda found: (
        found[0] if (folder / found[2]).is_file() else found[1]), part)
        for part in parts[::2]]
    return "".join(parts)


def toctree(caption, pages):
    """A table of contents that is seen at the side of every page."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "",
                      *pages, "```", ""])


def rooms(root):
    """{page: modules} of the package: a page a room, one a lesson module."""
    pages = {}
    for path in sorted((root / "helpers").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if not {"guard", "inside", "__init__", "__main__"} & set(parts):
            pages.setdefault(".".join(parts[:2]), []).append(".".join(parts))
    return pages


def lay(root, source):
    """The folder ``source`` with all that Sphinx reads."""
    shutil.rmtree(source, ignore_errors=True)
    (source / "api").mkdir(parents=True)
    for name in ON_THE_SITE:
        if (root / name).is_dir():
            shutil.copytree(root / name, source / name, ignore=HEAVY)
        elif (root / name).exists():
            shutil.copyfile(root / name, source / name)
    (source / "conf.py").write_text(CONF, "utf-8")
    (source / "looks").mkdir()
    (source / "looks" / "collection.css").write_text(CSS, "utf-8")
    (source / "looks" / "icon.svg").write_text(ICON, "utf-8")
    front = (root / "README.md").read_text("utf-8")
    guide = sorted((root / "notebooks/teaching").glob("*.md"),
                   key=lambda path: (path.stem != "README", path.stem))
    listed = {
        **{caption: [f"notebooks/{one.stem}" for one in notebooks]
           for caption, notebooks in (("Lessons", LESSONS),
                                      ("More depth", MORE),
                                      ("Evidence", EVIDENCE))},
        "Teaching": [f"notebooks/teaching/{path.stem}" for path in guide],
        "About": ["notebooks/README", "notebooks/glossary", "helpers/README",
                  "data/README", "tests/README", "api/index"]}
    (source / "README.md").write_text("\n\n".join([
        front, *(toctree(caption, pages)
                 for caption, pages in listed.items() if pages)]), "utf-8")
    pages = rooms(root)
    for page, modules in pages.items():
        parts = [_heading(page, "=")]
        for module in modules:
            if module != page:
                parts.append(_heading(module, "-"))
            parts.append(f".. automodule:: {module}\n   :members:\n")
        (source / "api" / f"{page}.rst").write_text("\n".join(parts), "utf-8")
    (source / "api" / "index.md").write_text(
        "# The package\n\n```{toctree}\n" + "\n".join(pages) + "\n```\n",
        "utf-8")


def _heading(text, line):
    return f"{text}\n{line * len(text)}\n"


def is_an_older_site(folder):
    """Was ``folder`` built before such folders had a mark?"""
    conf = folder / "source" / "conf.py"
    return conf.is_file() and conf.read_bytes().startswith(
        CONF.splitlines()[0].encode())


def build(root, folder):
    """Write the site to ``folder``/html; the exit code of Sphinx.

    Raises ``ValueError`` for a folder that holds something else, and
    ``OSError`` where it cannot be written.
    """
    claim_folder(folder, "site", is_an_older_site)
    source, pages = folder / "source", folder / "html"
    with saying_where(folder):
        lay(root, source)
    shutil.rmtree(pages, ignore_errors=True)    # no page of a former build
    from sphinx.cmd.build import build_main
    return build_main(["-q", "-E", "-j", "2", "-d", str(folder / "cache"),
                       str(source), str(pages)])


def main(argv=(), root=ROOT):
    """``python -m helpers site``; returns the exit code."""
    parser = argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers site", description=f"Build the collection as "
        f"static pages, from the committed outputs, into {FOLDER}/html; open "
        f"index.html there, or copy the folder to any web server.")
    parser.add_argument("--folder", type=Path, default=root / FOLDER)
    options = parser.parse_args(argv)
    lacking = [name for name in PACKAGES if not importlib.util.find_spec(name)]
    if lacking:
        print(f"this environment lacks {', '.join(lacking)}; use `make site`, "
              f"or pip install \".[site]\"", file=sys.stderr)
        return 2
    try:
        code = build(root, options.folder.resolve())
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not code:
        page = options.folder / "html" / "README.html"
        shutil.copyfile(page, page.with_name("index.html"))
        print(f"the site is in {os.path.relpath(options.folder, root)}/html/: "
              f"open index.html there")
    return code
