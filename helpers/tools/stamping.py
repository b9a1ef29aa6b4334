"""The address of the repository and its release tag, written everywhere.

Both are set in pyproject.toml: ``Repository`` below ``[project.urls]``, and
``version``, of which the tag is "v" and the version.  ``python -m helpers
stamp`` writes them into the first code cell of every notebook, which is the
same in all of them, and into the links to Colab.  Outputs stay as they are.
"""

import argparse
import re
import sys
import tomllib
from dataclasses import dataclass
from string import Template

from helpers.profiles import ROOT

# At most 15 lines, standard library only until the repository is found.
CELL = Template('''\
import os, subprocess, sys         # finds this collection, or clones it
NAME, TAG = "$name", "$tag"
ADDRESS = f"https://github.com/$owner/{NAME}"
for root in map(os.path.abspath, ("..", ".", "../../..", f"{NAME}-{TAG}")):
    if os.path.exists(f"{root}/notebooks/00_start_here.ipynb"): break
else:
    clone = f"git clone -q --depth 1 -b {TAG} {ADDRESS} {NAME}-{TAG}"
    failed, said = subprocess.getstatusoutput(clone)
    assert not failed, f"check git and the network: `{clone}` failed: {said}"
sys.path.insert(0, root)
other = getattr(sys.modules.get("helpers"), "__file__", root)
assert root in str(other), f"restart the session: {other} hides our helpers"
from helpers.session import get_profile, prepare
profile = get_profile()       # or get_profile("colab", test_samples=20)
prepare(profile)''')
COLAB = "https://colab.research.google.com"
BADGE = re.compile(r"\[!\[[^\]]*\]\([^)]*colab-badge\.svg\)\]\([^)]*\)")
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
        return (f"[![Open notebook {stem[:2]} in Colab]({COLAB}/assets/"
                f"colab-badge.svg)]({self.link(stem)})")


def read_place(root):
    """The :class:`Place` that ``pyproject.toml`` in ``root`` names.

    Raises ``ValueError`` where the address is not one of GitHub, which is
    where Colab opens notebooks from.
    """
    text = (root / "pyproject.toml").read_text("utf-8")
    project = tomllib.loads(text)["project"]
    address = project.get("urls", {}).get("Repository", "")
    match = re.fullmatch(r"https://github\.com/([\w.-]+)/([\w.-]+?)"
                         r"(?:\.git)?/?", address)
    if not match:
        raise ValueError(
            f"pyproject.toml gives {address!r} as Repository; Colab opens "
            f"notebooks of GitHub only: https://github.com/owner/name")
    return Place(*match.groups(), f"v{project['version']}")


def stamp_notebook(notebook, stem, place):
    """Write the badge and the first code cell into ``notebook``, in place.

    Raises ``ValueError`` where the first code cell is none that chooses a
    profile: it might be the author's own.
    """
    head = notebook.cells[0]
    if BADGE.search(head.source):
        head.source = BADGE.sub(lambda _: place.badge(stem), head.source)
    else:
        title, _, rest = head.source.partition("\n")
        head.source = f"{title}\n\n{place.badge(stem)}\n{rest}"
    first = next((cell for cell in notebook.cells
                  if cell.cell_type == "code"), None)
    if first is None or "get_profile(" not in first.source:
        raise ValueError(f"the first code cell of {stem} is not the one that "
                         f"chooses the profile; put one with `profile = "
                         f"get_profile()` before it")
    first.source = CELL.substitute(vars(place))


def stamped(root):
    """The texts that the notebooks and README.md should have: {path: text}.

    Nothing is written.  Raises ``ValueError`` as :func:`read_place` and
    :func:`stamp_notebook` do.
    """
    import nbformat

    place, texts, stems = read_place(root), {}, []
    for path in sorted((root / "notebooks").glob("[0-9]*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        stamp_notebook(notebook, path.stem, place)
        texts[path] = nbformat.writes(notebook) + "\n"
        stems.append(path.stem)
    readme = root / "README.md"
    links = "\n".join(f"[{stem[:2]}]({place.link(stem)})" for stem in stems)
    block = f"{place.badge(stems[0])}\n{links}\n"
    texts[readme] = LINKS.sub(lambda _: block, readme.read_text("utf-8"))
    return texts


def main(argv=None):
    """``python -m helpers stamp``; returns the exit code."""
    argparse.ArgumentParser(
        prog="python -m helpers stamp", description="Write the address and "
        "the tag of pyproject.toml into the notebooks and README.md."
    ).parse_args(argv)
    try:
        texts = stamped(ROOT)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    changed = [path for path, text in texts.items()
               if path.read_text("utf-8") != text]
    for path in changed:
        path.write_text(texts[path], "utf-8")
        print(f"stamped {path.relative_to(ROOT)}")
    if not changed:
        print("all notebooks and README.md agree with pyproject.toml")
    return 0
