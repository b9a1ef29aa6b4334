"""How a figure is shown and saved, and labels that find their place."""

import base64
import io
import re

import matplotlib.image
import nbformat
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from nbconvert import HTMLExporter

from curves import three_curves
from helpers.figures.charts import pass_at_k_figure
from helpers.figures.style import (SYSTEM_LOOKS, colour_of, look_of, looks,
                                   png, show, spread, system_of, visible)
from helpers.profiles import ROOT
from helpers.studies import codeplan, ekt


def test_show_displays_one_png_with_its_alt_text_and_saves_it(
        tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    figure, path = pass_at_k_figure(three_curves()), tmp_path / "new" / "a.png"
    show(figure, alt="Three lines rise.", path=path)
    (picture,) = shown
    output, metadata = DisplayFormatter().format(picture)
    assert set(output) == {"image/png", "text/html", "text/plain"}
    assert output["text/plain"] == repr(picture) == "Three lines rise."
    assert metadata == {"image/png": {"alt": "Three lines rise."}}
    data = base64.b64decode(output["image/png"])
    assert path.read_bytes() == data
    pixels = matplotlib.image.imread(io.BytesIO(data))
    assert pixels.shape[1] > 600
    assert (pixels[[0, -1]] == 1).all()          # a page of its own, in white


def test_show_without_alt_text_is_refused(tmp_path):
    with pytest.raises(ValueError, match="needs an alt text"):
        show(pass_at_k_figure(three_curves()), "  ", tmp_path / "a.png")
    for figure, alt, says in (
            (None, "A line.", "a figure is what the charts"),
            (three_curves(), "A line.", "a figure is what the charts"),
            (pass_at_k_figure(three_curves()), None, "needs an alt text")):
        with pytest.raises(ValueError, match=says):
            show(figure, alt, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


def test_the_same_figure_is_the_same_file():
    assert png(pass_at_k_figure(three_curves()), "x") == png(
        pass_at_k_figure(three_curves()), "x")


def test_spread_keeps_order_and_leaves_alone_what_has_room():
    assert spread([0.0, 5.0, 9.0], 1) == pytest.approx([0, 5, 9])
    placed = spread([3.0, 2.9, 3.1, 3.0], 1)
    assert np.all(np.diff(np.sort(placed)) >= 0.99)
    assert placed[1] < placed[0] < placed[3] < placed[2]


# ---- alt texts ----

HOSTILE = 'Of "a" & <b>, 5 > 4:\n$x$ and \'quotes\'.'


def alts(page):
    """The alt texts of the pictures of an HTML page; each has one."""
    tags = re.findall(r"<img\b[^>]*>", page)
    assert all("alt=" in tag for tag in tags)
    return re.findall(r'<img\b[^>]*?alt="([^"]*)"', page)


def notebook_with(data, metadata):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(
        "show(figure)", outputs=[nbformat.v4.new_output(
            "display_data", data=data, metadata=metadata)])])


def test_alt_texts_arrive_in_the_page_of_nbconvert(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    show(pass_at_k_figure(three_curves()), alt=HOSTILE)
    output, metadata = DisplayFormatter().format(shown[0])
    page, _ = HTMLExporter().from_notebook_node(
        notebook_with(output, metadata))
    assert "No description" not in page
    (found,) = alts(page)
    for part in ("&quot;a&quot; &amp; &lt;b&gt;", "5 &gt; 4: $x$"):
        assert part.replace("&gt;", ">") in found.replace("&gt;", ">")
    # The picture is as large as it says, also where there is no HTML.
    assert output["image/png"] in output["text/html"]


def test_the_pictures_of_a_committed_notebook_have_alt_texts():
    path = min((path for path in (ROOT / "notebooks").glob("*.ipynb")
                if '"image/png": "' in path.read_text("utf-8")),
               key=lambda path: path.stat().st_size)
    page, _ = HTMLExporter().from_notebook_node(
        nbformat.read(path, as_version=4))
    # One is the badge's, at the top.
    assert "No description" not in page and len(alts(page)) > 1


# ---- one look for each system ----

def test_each_system_has_a_look_of_its_own():
    drawn = [look for _, look in SYSTEM_LOOKS.values()]
    assert len({look.marker for look in drawn}) == len(drawn)
    for system in SYSTEM_LOOKS:
        assert system_of(system) == system
    # Those that meet in one figure differ in colour and in dash.
    for together in (("EKT", "distillation", "expert iteration",
                      "fine-tuning", "unfiltered", "teacher",
                      "before training"),
                     ("two tasks", "fine-tuning", "plan first", "oracle",
                      "before training")):
        assert len({colour_of(name) for name in together}) == len(together)
        dashes = [look.dash for look in looks(together)]
        assert len(set(dashes)) == len(together)


@pytest.mark.parametrize("name, system", [
    ("ekt-weak-teacher", "EKT"), ("student after EKT", "EKT"),
    ("kd-exemplars", "distillation"), ("KD GPT-J → 1.3B", "distillation"),
    ("EKT − KD", "EKT"), ("expert-iteration", "expert iteration"),
    ("supervised", "fine-tuning"), ("fine-tuned, plan first", "fine-tuning"),
    ("ekt-codeplan", "two tasks"), ("with-question-1-layer", "two tasks"),
    ("teacher few-shot", "teacher"), ("few-shot 1.3B", "before training"),
    ("student zero-shot", "before training"), ("plan by oracle", "oracle"),
    ("a plan at random", "random"), ("backward-with-question", None),
    ("T = 0.2", None), ("market share", None)])
def test_a_name_belongs_to_its_system(name, system):
    assert system_of(name) == system
    if system is None:
        with pytest.raises(ValueError, match="names no system"):
            look_of(name)


def test_every_system_of_the_studies_has_a_colour():
    names = [*ekt.RIVALS, *codeplan.RIVALS]
    # A student with forward plans: the way of asking bears the same name.
    assert [name for name in names if not system_of(name)] == ["forward"]


# ---- what cannot be seen ----

def test_what_cannot_be_seen_is_spelled_out():
    assert visible("a\x1b[31m\u202eb\r\n\tc\udc80\x00") == (
        "a\\x1b[31m\\u202eb\n    c\\udc80\\x00")
    assert visible("naïve ≠ 3 ✓\n") == "naïve ≠ 3 ✓\n"
