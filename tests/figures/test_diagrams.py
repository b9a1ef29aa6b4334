"""The diagrams: what they say, and that nothing overlaps or leaves them."""

from math import comb

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyBboxPatch

from helpers.figures import diagrams
from helpers.figures.style import png
from helpers.multitask import CODE, PLAN

ALL = {
    "ekt_loop": ("question", "few-shot", "teacher", "n programs", "judge",
                 "kept", "student"),
    "prompt_anatomy": ("exemplars", "question", "completion", "cut"),
    "loss_mask": ("-100", "prompt", "completion", "t + 1", "END"),
    "two_tasks": (CODE, PLAN, "body", "plan head", "LM head",
                  "loss on the plan", "loss on the code"),
    "bootstrap": ("resample 1", "with replacement", "middle 95 %"),
    "draws": ("n = 10", "c = 3", "k = 4", "one right", "binom"),
}


def drawn(name):
    figure = getattr(diagrams, name)()
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    texts = [(t.get_text(), t.get_window_extent(renderer))
             for t in figure.axes[0].texts if t.get_text().strip()]
    boxes = [patch.get_window_extent(renderer)
             for patch in figure.axes[0].patches
             if isinstance(patch, FancyBboxPatch)]
    return figure, texts, boxes


@pytest.mark.parametrize("name", ALL)
def test_a_diagram_says_its_parts_and_nothing_overlaps(name):
    figure, texts, boxes = drawn(name)
    assert figure.get_figwidth() == pytest.approx(6.6)
    said = "\n".join(text for text, _ in texts)
    for part in ALL[name]:
        assert part in said
    for at, (text, place) in enumerate(texts):
        assert place.x0 >= 0 and place.x1 <= figure.bbox.x1, text
        assert place.y0 >= 0 and place.y1 <= figure.bbox.y1, text
        for other, elsewhere in texts[at + 1:]:
            assert not place.padded(-1).overlaps(elsewhere), (text, other)
        for box in boxes:                  # wholly inside, or outside
            if place.padded(-1).overlaps(box):
                assert box.x0 <= place.x0 and place.x1 <= box.x1, text
                assert box.y0 <= place.y0 and place.y1 <= box.y1, text
    for at, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[at + 1:])
    for size in (t.get_fontsize() for t in figure.axes[0].texts):
        assert size >= 7.5


@pytest.mark.parametrize("numbers, says", [
    ({"n": 13}, "n is"), ({"n": "10"}, "n is"), ({"k": 0}, "k is"),
    ({"k": 10}, "k is"), ({"right": 7}, "right is"), ({"right": 0}, "right"),
    ({"right": 1.5}, "right is a whole number from 1 to 6")])
def test_draws_that_do_not_fit_are_refused(numbers, says):
    with pytest.raises(ValueError, match=says):
        diagrams.draws(**numbers)
    for odd in ({"resamples": 2}, {"resamples": None}, {"seed": -1}):
        with pytest.raises(ValueError, match="is a whole number from"):
            diagrams.bootstrap(**odd)


def test_the_numbers_of_the_diagrams_are_computed():
    assert png(diagrams.bootstrap(), "x") == png(diagrams.bootstrap(), "x")
    wider = " ".join(t.get_text() for t in diagrams.draws(
        8, 2, 3).axes[0].texts)
    without = comb(6, 3)
    assert f"{comb(8, 3)} choices of 3; {without} hold" in wider
    assert f"{100 * (1 - without / comb(8, 3)):.1f}" in wider
    figure = diagrams.bootstrap()
    mean = 100 * sum(diagrams.RIGHT) / len(diagrams.RIGHT)
    assert any(f"mean {mean:.1f} %" == t.get_text()
               for t in figure.axes[0].texts)
    assert sum(bar.get_height() for bar in figure.axes[1].patches) == 2000
