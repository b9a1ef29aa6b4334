"""The collection as a site: ``python -m helpers site``, or ``make site``.

Static pages from the committed outputs, by Sphinx and myst-nb: nothing is
executed, and no page asks another host for anything.
"""

import argparse
import importlib.util
import os
import re
import shutil
import sys
from pathlib import Path

from helpers.profiles import ROOT
from helpers.tools.course import EVIDENCE, LESSONS, MORE
from helpers.tools.stamping import BADGE

FOLDER = "build/site"
# What the pages link to; the rest of the repository is not looked at.
ON_THE_SITE = ("README.md", "notebooks", "helpers", "data", "tests", "LICENSE",
         "pyproject.toml", "environment.yml", "Makefile")
HEAVY = shutil.ignore_patterns(
    "__pycache__", ".ipynb_checkpoints", "*.safetensors", "*.gz")
PACKAGES = ("sphinx", "myst_nb", "sphinx_book_theme", "sphinx-mathjax-offline")
CONF = '''\
from helpers.tools.site import offline

project = "Reasoning distillation for code"
author = copyright = "the authors of the collection"
root_doc = "README"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx-mathjax-offline"]
include_patterns = ["README.md", "*/README.md", "data/**/README.md",
                    "notebooks/**", "api/**"]
nb_execution_mode = "off"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
# Links to folders and to the models' pages lead nowhere on purpose.
suppress_warnings = ["myst.header", "myst.xref_missing", "toc.not_included",
                     "mystnb.unknown_mime_type", "misc.highlighting_failure"]
autodoc_member_order = "bysource"
autodoc_mock_imports = ["google"]
html_theme = "sphinx_book_theme"
html_title = project
html_show_sourcelink = html_copy_source = False
html_theme_options = {"use_download_button": False, "show_toc_level": 2}


def setup(app):
    app.connect("source-read", offline)
'''


def offline(_, name, source):
    """The picture that leads to Colab is of another host: words instead."""
    source[0] = BADGE.sub(lambda found: re.sub(
        r"\[!\[([^\]]*)\]\([^)]*\)\]", r"[\1]", found[0]), source[0])


def toctree(caption, pages):
    """A table of contents that is seen at the side of every page."""
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "",
                      *pages, "```", ""])


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
    front = (root / "README.md").read_text("utf-8")
    (source / "README.md").write_text("\n\n".join([
        front, *(toctree(caption, [f"notebooks/{one.stem}" for one in listed])
                 for caption, listed in (("Lessons", LESSONS),
                                         ("Evidence", EVIDENCE),
                                         ("More depth", MORE))),
        toctree("About", ["notebooks/README", "notebooks/glossary",
                          *(f"notebooks/teaching/{path.stem}" for path in
                            sorted((root / "notebooks/teaching").glob("*.md"))
                            ), "helpers/README", "data/README",
                          "tests/README", "api/index"])]), "utf-8")
    names = []
    for path in sorted((root / "helpers").rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if not {"guard", "inside", "__init__", "__main__"} & set(parts):
            names.append(".".join(parts))
            (source / "api" / f"{names[-1]}.rst").write_text(
                f"{names[-1]}\n{'=' * len(names[-1])}\n\n"
                f".. automodule:: {names[-1]}\n   :members:\n", "utf-8")
    (source / "api" / "index.md").write_text(
        "# The package\n\n```{toctree}\n" + "\n".join(names) + "\n```\n",
        "utf-8")


def build(root, folder):
    """Write the site to ``folder``/html; the exit code of Sphinx."""
    from sphinx.cmd.build import build_main
    source = folder / "source"
    lay(root, source)
    return build_main(["-q", "-j", "2", "-d", str(folder / "cache"),
                       str(source), str(folder / "html")])


def main(argv=(), root=ROOT):
    """``python -m helpers site``; returns the exit code."""
    parser = argparse.ArgumentParser(
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
    code = build(root, options.folder.resolve())
    if not code:
        page = options.folder / "html" / "README.html"
        shutil.copyfile(page, page.with_name("index.html"))
        print(f"the site is in {os.path.relpath(options.folder, root)}/html/: "
              f"open index.html there")
    return code
