"""How a figure is shown and saved, and labels that find their place."""

import base64
import io

import matplotlib.image
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter

from curves import three_curves
from helpers.figures.charts import pass_at_k_figure
from helpers.figures.style import png, show, spread


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
    assert not list(tmp_path.iterdir())


def test_the_same_figure_is_the_same_file():
    assert png(pass_at_k_figure(three_curves()), "x") == png(
        pass_at_k_figure(three_curves()), "x")


def test_spread_keeps_order_and_leaves_alone_what_has_room():
    assert spread([0.0, 5.0, 9.0], 1) == pytest.approx([0, 5, 9])
    placed = spread([3.0, 2.9, 3.1, 3.0], 1)
    assert np.all(np.diff(np.sort(placed)) >= 0.99)
    assert placed[1] < placed[0] < placed[3] < placed[2]
