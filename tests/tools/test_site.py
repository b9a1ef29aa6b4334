"""The site, built from the committed notebooks, in a real browser."""

import functools
import http.server
import importlib.util
import json
import subprocess
import sys
import threading
from html.parser import HTMLParser
from types import SimpleNamespace
from urllib.parse import unquote, urlsplit

import browser
import pytest

from contrast import WANTED, contrast
from helpers.profiles import ROOT
from helpers.tools import site
from helpers.tools.course import EVIDENCE, LESSONS, MORE

lacking = [name for name in site.PACKAGES
           if not importlib.util.find_spec(name)]
pytestmark = pytest.mark.skipif(
    bool(lacking or browser.missing()),
    reason=f"needs {', '.join(lacking)}: pip install '.[site]'" if lacking
    else browser.missing())
PAGES = [f"notebooks/{one.stem}.html" for one in (*LESSONS, *MORE, *EVIDENCE)]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The folder of the pages; building them says nothing on stderr."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "helpers", "site", "--folder", str(folder)],
        cwd=ROOT, text=True, capture_output=True)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return folder / "html"


@pytest.fixture(scope="module")
def host(pages):
    """The address of a server that has these pages."""
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=str(pages)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def tab():
    chromium = browser.Browser()
    yield chromium.page()
    chromium.close()


class Reader(HTMLParser):
    """What a page links to, shows, and can be linked to at."""

    def __init__(self, path):
        super().__init__()
        self.links, self.shown, self.places, self.mute = [], [], set(), []
        self.next = None
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self.places.add(told.get("id"))
        if tag == "a" and told.get("href"):
            self.links.append(told["href"])
            if "right-next" in (told.get("class") or ""):
                self.next = told["href"]
        source = told.get("src") or (tag == "link" and told.get("href"))
        if source and not source.startswith("data:"):
            self.shown.append(source)
        if tag == "img" and not (told.get("alt") or "").strip():
            self.mute.append(source)


def test_links_lead_somewhere_and_pictures_say_what_they_show(pages):
    read = {path: Reader(path) for path in pages.rglob("*.html")
            if "_static" not in path.parts}
    assert len(read) > len(PAGES)
    for path, page in read.items():
        here = path.relative_to(pages)
        assert not page.mute, f"{here}: no alt text for {page.mute}"
        for link in page.links + page.shown:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                # Readers may follow a link; nothing is fetched by itself.
                assert link in page.links, f"{here} shows {link}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if (
                parts.path) else path
            assert target.is_file(), f"{here} leads to {link}"
            if parts.fragment and target in read:
                assert unquote(parts.fragment) in read[target].places, (
                    f"{here} leads to {link}")


def test_next_leads_through_all_notebooks(pages):
    path, way = pages / "README.html", []
    while (following := Reader(path).next):
        path = (path.parent / following).resolve()
        way.append(str(path.relative_to(pages)))
    assert way[:len(PAGES)] == PAGES
    assert len(way) == len(set(way)) > len(PAGES)


def test_a_page_loads_and_fits_a_phone(pages, host, tab):
    tab.wide(375)
    for path in sorted(pages.rglob("*.html")):
        name = str(path.relative_to(pages))
        if name.startswith("_static") or name in ("genindex.html",
                                                  "py-modindex.html"):
            continue
        tab.goto(host + name)
        assert not tab.complaints, f"{name}: {tab.complaints}"
        assert all(address.startswith((host, "data:"))
                   for address in tab.requests), f"{name}: {tab.requests}"
        width = tab.run("document.documentElement.scrollWidth")
        assert width <= 375, f"{name} is {width} pixels wide"


def test_a_fold_opens_and_formulas_are_set(host, tab):
    tab.wide(1280)
    tab.goto(host + "notebooks/04_filtering_by_execution.html")
    fold = "document.querySelector('article details')"
    code = f"{fold}.innerText.length"
    before = tab.run(code)
    assert not tab.run(f"{fold}.open")
    tab.run(f"{fold}.querySelector('summary').click()")
    assert tab.run(f"{fold}.open") and tab.run(code) > before
    solution = ("[...document.querySelectorAll('article details')].filter("
                "one => one.innerText.startsWith('Solution'))")
    assert tab.run(f"{solution}.every(one => one.querySelector('.highlight'))")
    tab.goto(host + "notebooks/07_pass_at_k.html")
    tab.wait("document.querySelectorAll('mjx-container').length")
    assert all(address.startswith((host, "data:"))
               for address in tab.requests)


@pytest.mark.parametrize("from_disk", [False, True])
def test_search_finds_pass_at_k(pages, host, tab, from_disk):
    base = f"{pages.as_uri()}/" if from_disk else host
    tab.goto(f"{base}search.html?q=pass%40k")
    tab.wait("document.querySelectorAll('#search-results li').length > 3")
    assert "notebooks/07_pass_at_k.html" in tab.run(
        "document.querySelector('#search-results li a').href")
    assert not tab.complaints


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_can_be_read(host, tab, theme):
    """Code, tables, samples and tokens, in the colours that are computed."""
    tab.wide(1280)
    tab.prefer(theme)
    for name in ("02_asking_the_teacher", "05_training_a_student"):
        tab.goto(f"{host}notebooks/{name}.html")
        assert tab.run("document.documentElement.dataset.theme") == theme
        found = tab.colours(".highlight, .highlight span, .cell_output *, "
                            "article p, article td, article code")
        assert len(found) > 10
        poor = [one for one in found if contrast(one[1], one[2]) < WANTED]
        assert not poor, f"{name}, {theme}: {poor}"


def test_what_is_missing_is_said(monkeypatch, capsys):
    monkeypatch.setattr(site, "PACKAGES", ("sphinx", "no_such_package"))
    assert site.main([]) == 2
    said = capsys.readouterr().err
    assert "lacks no_such_package" in said and "make site" in said


def test_a_folder_of_others_is_left_as_it_is(tmp_path, capsys):
    for name in ("source", "html"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine").touch()
    before = sorted(tmp_path.rglob("*"))
    assert site.main(["--folder", str(tmp_path)]) == 2
    assert "new or empty" in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before


def test_links_to_what_is_no_page_become_words(tmp_path):
    """In Markdown alone: code that looks like a link stays as it is."""
    (tmp_path / "there.md").touch()
    (tmp_path / "folder").mkdir()
    app = SimpleNamespace(srcdir=str(tmp_path))
    text = ("[a](there.md#x), [b](folder/), [c](gone.gz), [d](#here), "
            "[e](https://e.org/x.y)\n```python\nf[i](a.b)\n```\n")
    wanted = text.replace("[b](folder/)", "b").replace("[c](gone.gz)", "c")
    (tmp_path / "book.ipynb").touch()
    book = json.dumps({"cells": [
        {"cell_type": "markdown", "source": text.splitlines(True)},
        {"cell_type": "code", "source": "f[i](a.b)"}]})
    pages = {"page": [text], "book": [book], "README": [
        (ROOT / "README.md").read_text("utf-8")]}
    for name, source in pages.items():
        site.offline(app, name, source)
    assert pages["page"] == [wanted]
    markdown, code = json.loads(pages["book"][0])["cells"]
    assert markdown["source"] == wanted and code["source"] == "f[i](a.b)"
    assert "badge.svg" not in pages["README"][0]
    assert "[Open notebook 00 in Colab](https://colab" in pages["README"][0]
