"""The address of the repository and its release tag, written everywhere.

Both are set in pyproject.toml: ``Repository`` below ``[project.urls]``, and
``version``, of which the tag is "v" and the version.  ``python -m helpers
stamp`` writes them into the first code cell of every notebook, which is the
same in all of them, and into the links to Colab.  Outputs stay as they are.
"""

import argparse
import copy
import posixpath
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import PurePosixPath
from string import Template

from helpers.profiles import ROOT
from helpers.tools.files import read_notebook, reading, write_all
from helpers.tools.cleaning import METADATA

PLACEHOLDER = "YOUR_ACCOUNT"          # the owner until somebody publishes
# Standard library only until the repository is found.
#
# It is looked for in the folder of the notebook and those above it, then
# where this Python looks (so an installed one is found, whatever else is
# named helpers), then beside the notebook, where git puts the release.  git
# asks nobody for a name or a password, neither in a terminal nor in a window:
# that is how it finds out about a repository that does not exist, and a
# kernel would wait forever.  Ours comes first on sys.path, once; a module
# ``helpers`` of somebody else that was imported before makes room for it.
CELL = Template('''\
# @title Set-up: run this cell; there is no need to read it.
import pathlib, subprocess, sys

# 1. The collection: in a folder above, installed, or fetched beside this.
NAME, TAG = "$name", "$tag"
URL = f"https://github.com/$owner/{NAME}"
fetched = pathlib.Path(f"{NAME}-{TAG}").absolute()
places = [*map(str, fetched.parents), *sys.path, str(fetched)]
found = [p for p in places if pathlib.Path(p, "helpers/session.py").exists()]
if not found:
    clone = f"git clone -q --depth 1 -b {TAG} {URL} {fetched.name}"
    failed, said = subprocess.getstatusoutput(
        "GIT_TERMINAL_PROMPT=0 GIT_ASKPASS= " + clone)
    assert not failed, $advice

# 2. Its package, before any other of that name.
root = found[0] if found else str(fetched)
sys.path[:] = dict.fromkeys([root, *sys.path])
if "helpers.session" not in sys.modules:
    sys.modules.pop("helpers", None)
from helpers.session import ROOT as root, get_profile, prepare

# 3. What is run: mini, or get_profile("colab", test_samples=50), say.
profile = get_profile()
prepare(profile)''')
ADVICE = 'f"check git, the network and {URL} at {TAG}: {said}"'
# Folded in JupyterLab, in Colab (which shows the title) and on the site.
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form",
          "tags": ["nbval-ignore-output", "hide-input"]}
UNPUBLISHED = '"never published: open this notebook in its collection"'
COLAB = "https://colab.research.google.com"
BADGE = re.compile(
    r"\[!\[([^\]]*)\]\([^)]*colab-badge\.svg\)\](\([^)]*\))")
WAY_ON = re.compile(r"\n*<!-- colab -->.*?<!-- /colab -->\n*", re.DOTALL)
LINKS = re.compile(r"(?<=<!-- colab -->\n).*?(?=<!-- /colab -->)", re.DOTALL)


@dataclass(frozen=True)
class Place:
    """Where the collection is published, and as which release."""

    owner: str
    name: str
    tag: str

    def link(self, stem):
        """Colab's address of the notebook ``stem`` at the tag."""
        return (f"{COLAB}/github/{self.owner}/{self.name}/blob/{self.tag}"
                f"/notebooks/{stem}.ipynb")

    def badge(self, stem):
        """The picture that leads to Colab, in Markdown."""
        return (f"[![Open notebook {number_of(stem)} in Colab]({COLAB}/assets/"
                f"colab-badge.svg)]({self.link(stem)})")

    def cell(self):
        """The first code cell of every notebook."""
        published = self.owner != PLACEHOLDER
        return CELL.substitute(
            vars(self), advice=ADVICE if published else UNPUBLISHED)


def without_picture(markdown):
    """``markdown`` with words in the place of the picture of another host.

    Offline a browser would show a broken picture.
    """
    return BADGE.sub(r"[\1]\2", markdown)


def number_of(stem):
    """The number of a notebook: "more/M4_x" -> "M4"."""
    return PurePosixPath(stem).name[:2]


def text_in(path):
    """The text of a file of the collection; raises as :func:`reading`."""
    with reading(path, "restore it, `git checkout` does, and run again"
                 ) as file:
        return file.read()


def read_place(root):
    """The :class:`Place` that ``pyproject.toml`` in ``root`` names.

    Raises ``ValueError`` where the address is not one of GitHub, which is
    where Colab opens notebooks from, and for a version that is none.
    """
    text = text_in(root / "pyproject.toml")
    try:
        project = tomllib.loads(text).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"pyproject.toml cannot be read: {error}") from None
    if "version" not in project:
        raise ValueError("pyproject.toml has no version below [project], and "
                         "the release tag is made from it")
    if not re.fullmatch(r"\w[\w.+-]*", str(project["version"])):
        raise ValueError(f"pyproject.toml gives {project['version']!r} as "
                         f"version; the release tag is made from it: letters, "
                         f"digits and dots")
    urls = project.get("urls", {})
    address = urls.get("Repository", "") if isinstance(urls, dict) else urls
    match = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)"
                         r"(?:\.git)?/?", str(address))
    if not match:
        raise ValueError(
            f"pyproject.toml gives {address!r} as Repository; Colab opens "
            f"notebooks of GitHub only: https://github.com/owner/name")
    return Place(*match.groups(), f"v{project['version']}")


def origin(root):
    """The address on GitHub that git pushes ``root`` to, None without one."""
    try:
        said = subprocess.run(["git", "remote", "get-url", "origin"],
                              cwd=root, capture_output=True, text=True).stdout
    except OSError:                         # no git
        return None
    match = re.fullmatch(r"(?:(?:https|ssh|git)://(?:[^@/]*@)?|git@)"
                         r"github\.com(?::\d+)?[/:]"
                         r"([\w.-]+)/([\w.-]+?)(?:\.git)?/?", said.strip())
    return match and f"https://github.com/{match[1]}/{match[2]}"


def stamp_notebook(notebook, stem, place):
    """Write the badge and the first code cell into ``notebook``, in place.

    Raises ``ValueError`` where the first code cell is none that chooses a
    profile: it might be the author's own.
    """
    if not notebook.cells:
        raise ValueError(f"{stem} has no cells")
    head = notebook.cells[0]
    if BADGE.search(head.source):
        head.source = BADGE.sub(lambda _: place.badge(stem), head.source)
    else:
        title, _, rest = head.source.partition("\n")
        head.source = f"{title}\n\n{place.badge(stem)}\n{rest}"
    _add_way_on(notebook.cells[-1], stem, place)
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"
             and "guess" not in cell.metadata.get("tags", ())]
    first = codes[0] if codes else None
    if first is None or "get_profile(" not in first.source:
        raise ValueError(f"the first code cell of {stem} is not the one that "
                         f"chooses the profile; put one with `profile = "
                         f"get_profile()` before it")
    first.source = place.cell()
    first.metadata.update(copy.deepcopy(FOLDED))
    notebook.metadata.update(copy.deepcopy(METADATA))


def _add_way_on(cell, stem, place):
    """Colab knows no neighbours of a notebook: their addresses there."""
    if not cell.source.startswith("## Next"):
        return
    text = WAY_ON.sub("", cell.source)
    there = [posixpath.normpath(f"{posixpath.dirname(stem)}/{link}".strip("/"))
             for link in re.findall(r"\]\(([^):]+)\.ipynb\)", text)]
    links = ", ".join(f"[{number_of(one)}]({place.link(one)})"
                      for one in dict.fromkeys(there))
    cell.source = text + (f"\n\n<!-- colab -->\nOn Colab: {links}\n"
                          f"<!-- /colab -->" if links else "")


def stamped(root):
    """The texts that the notebooks and README.md should have: {path: text}.

    Nothing is written.  Raises ``ValueError`` as :func:`read_place` and
    :func:`stamp_notebook` do.
    """
    import nbformat

    place, texts, stems = read_place(root), {}, []
    for path in sorted((root / "notebooks").rglob("[0-9EM]*.ipynb")):
        inside = path.relative_to(root / "notebooks").with_suffix("")
        if ".ipynb_checkpoints" in inside.parts:
            continue
        stem = inside.as_posix()
        notebook = read_notebook(path)
        stamp_notebook(notebook, stem, place)
        texts[path] = nbformat.writes(notebook) + "\n"
        stems.append(stem)
    if not stems:
        raise ValueError("there are no notebooks in notebooks/")
    readme = root / "README.md"
    links = "\n".join(f"[{number_of(stem)}]({place.link(stem)})"
                      for stem in stems if "/" not in stem)
    block = f"{place.badge(stems[0])}\n{links}\n"
    texts[readme] = LINKS.sub(lambda _: block, text_in(readme))
    return texts


def main(argv=(), root=ROOT):
    """``python -m helpers stamp``; returns the exit code."""
    argparse.ArgumentParser(
        allow_abbrev=False,
        prog="python -m helpers stamp", epilog="Both are set in "
        "pyproject.toml: Repository below [project.urls], and version.",
        description="Write the address of the repository and its release tag "
        "into the first code cell of every notebook and into the links to "
        "Colab.  Outputs stay as they are.").parse_args(argv)
    try:
        texts = stamped(root)
        changed = [path for path, text in texts.items()
                   if path.read_text("utf-8") != text]
        write_all({path: texts[path] for path in changed})
        for path in changed:
            print(f"stamped {path.relative_to(root)}")
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    if not changed:
        print("all notebooks and README.md agree with pyproject.toml")
    if read_place(root).owner == PLACEHOLDER:
        address = origin(root) or "https://github.com/owner/name"
        print(f"the owner is still {PLACEHOLDER}: write Repository = "
              f'"{address}" into pyproject.toml and run `python -m helpers '
              f"stamp` again")
    return 0
