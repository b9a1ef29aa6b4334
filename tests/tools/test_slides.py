"""Ten slides a lesson, and what is on them."""

import re
import shutil

import browser
import nbformat
import pytest

from helpers.profiles import ROOT
from helpers.tools import slides
from helpers.tools.course import LESSONS, path_of

new = nbformat.v4
pytest.importorskip("nbconvert")
HEADS = re.compile(r"<section>\n<h[12]>(.*?)</h[12]>")


@pytest.mark.parametrize("one", LESSONS, ids=lambda one: one.number)
def test_ten_slides_of_a_lesson(one):
    page = slides.deck(nbformat.read(path_of(one), 4))
    heads = HEADS.findall(page)
    assert len(heads) == page.count("<section>") == slides.SLIDES
    assert heads[0].startswith(one.number)
    assert heads[1:3] == ["What you will be able to do",
                          "Predict before you run"]
    assert heads[-2:] == ["Recap", "Exit quiz"]
    assert heads[3:8] == sorted(heads[3:8]) and len(set(heads)) == 10
    for slide in page.split("<section>")[1:]:
        assert len(re.sub(r"<[^>]+>|\s", "", slide)) > 20
    assert not re.search(r'href="(?!https?:|reveal)[^"]*"', page)
    assert not re.search(r'src="https?:', page)
    assert len(re.findall(r"<img", page)) == len(
        re.findall(r'<img [^>]*alt="[^"]{20}', page))


def section(number, *cells):
    return [new.new_markdown_cell(f"## {number}. Head {number}\n\n"
                                  f"*About 3 minutes.*\n\nSentence {number}."
                                  f" It goes on:"), *cells]


def printing(text):
    return new.new_code_cell("print(1)", outputs=[
        new.new_output("stream", text=text)])


def test_what_shows_most_is_taken_and_a_long_print_is_not():
    picture = new.new_code_cell("draw()", outputs=[new.new_output(
        "display_data", {"image/png": "AAAA", "text/plain": "A figure."})])
    task = new.new_markdown_cell("**Exercise 1: count.** *Difficulty 1 of 5, "
                                 "core, 3 minutes.* Count `a < b`.\n<details>"
                                 "<summary>Solution</summary>\n\nsecret\n\n"
                                 "</details>")
    cells = [new.new_markdown_cell("# 99 Title\n\n| goal | to test |"),
             *section(1, printing("long\n" * 40)), *section(2, task),
             *section(3, printing("short <b>\n")),
             *section(4, printing("a\n"), picture),
             *section(5, new.new_markdown_cell("$$x^2$$")),
             *section(6, printing("wide" * 40)), *section(7)]
    page = slides.deck(new.new_notebook(cells=cells))
    assert [head[0] for head in HEADS.findall(page)[3:8]] == list("23457")
    assert 'alt="A figure."' in page and "$$x^2$$" in page
    assert "short &lt;b&gt;" in page and "draw()" not in page
    assert "Count <code>a &lt; b</code>" in page and "secret" not in page
    assert "Sentence 2. It goes on." in page


def test_without_npm_it_is_said_what_is_missing(tmp_path, monkeypatch,
                                                capsys):
    monkeypatch.setattr(slides, "PACKAGES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    assert slides.main(["--folder", str(tmp_path / "slides")]) == 2
    assert "need npm once" in capsys.readouterr().err


def test_a_registry_out_of_reach_is_one_sentence(tmp_path, monkeypatch):
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'a stack of errors' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="npm cannot fetch reveal.js@6.0.2"):
        slides.fetch_reveal(tmp_path / "slides")


def test_a_folder_of_others_is_left_as_it_is(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(slides, "PACKAGES", ())
    (tmp_path / "index.html").write_text("mine")
    assert slides.main(["--folder", str(tmp_path)]) == 2
    assert "new or empty" in capsys.readouterr().err
    assert (tmp_path / "index.html").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_the_slides_in_a_browser(tmp_path):
    """Each is shown, none is too tall, nothing comes from another host."""
    known = ROOT / slides.FOLDER / slides.REVEAL
    if lacking := browser.missing():
        pytest.skip(lacking)
    if not known.exists():
        pytest.skip("needs reveal.js: run `make slides` once, with a network")
    pytest.importorskip(slides.MATHJAX)
    shutil.copytree(known, tmp_path / slides.REVEAL)
    assert slides.main(["--folder", str(tmp_path)]) == 0
    chromium = browser.Browser()
    try:
        tab = chromium.page()
        tab.wide(1100, 700)
        for one in LESSONS:
            tab.goto((tmp_path / f"{one.number}.html").as_uri())
            tab.wait("window.Reveal && Reveal.isReady()")
            assert tab.run("Reveal.getTotalSlides()") == slides.SLIDES
            for i in range(slides.SLIDES):
                tab.run(f"Reveal.slide({i})")
                assert tab.run("Reveal.getCurrentSlide().scrollHeight") <= 700
            assert not tab.complaints
            assert all(address.startswith(("file:", "data:"))
                       for address in tab.requests)
    finally:
        chromium.close()
