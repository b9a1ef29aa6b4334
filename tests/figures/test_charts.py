"""Charts: what is drawn, and that nothing overlaps."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.text import Text

from contrast import THEMES, contrast, hard_to_read
from curves import three_curves
from helpers.figures import charts
from helpers.figures.charts import (funnel_figure, interval_figure,
                                    pass_at_k_figure,
                                    show_tokens)
from helpers.figures.style import (CYCLE, DASHES, GREY, INK, MARKERS, PAGE,
                                   colour_of, png)
from helpers.training import collate
from helpers.teachers.checkpoint import load_tokenizer


def texts(figure):
    return [t for t in figure.axes[0].texts if t.get_text()]


def test_curves_are_drawn_as_given_on_a_log_axis_in_percent():
    axes = pass_at_k_figure(three_curves()).axes[0]
    assert axes.get_xscale() == "log"
    assert len(axes.collections) == 3                   # the bands
    lines = [line for line in axes.lines if line.get_linestyle() != "None"]
    assert lines[0].get_ydata() == pytest.approx(
        100 * three_curves()["teacher"][1])
    assert axes.get_xlabel() and "%" in axes.get_ylabel()
    assert 99 < axes.get_ylim()[1] <= 103
    assert axes.get_ylim()[0] == 0


def test_colour_is_never_the_only_difference():
    looks = list(zip(CYCLE, DASHES, MARKERS))
    for column in zip(*looks):
        assert len(set(column)) == len(CYCLE)
    figure = pass_at_k_figure(three_curves())
    assert [t.get_text() for t in texts(figure)] == list(three_curves())


def test_labels_of_close_lines_do_not_overlap_or_leave_the_picture():
    figure = pass_at_k_figure(three_curves())
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = sorted((Text.get_window_extent(t, renderer)     # without the arrow
                    for t in texts(figure)), key=lambda box: box.y0)
    for below, above in zip(boxes, boxes[1:]):
        assert above.y0 >= below.y1 - 1
    assert max(box.x1 for box in boxes) <= figure.bbox.x1


def test_a_funnel_shows_each_stage_with_count_and_share():
    figure = funnel_figure([("sampled", 2000), ("right", 500), ("kept", 0)])
    assert [t.get_text().strip() for t in texts(figure)] == [
        "2,000 (100.0%)", "500 (25.0%)", "0 (0.0%)"]
    assert [bar.get_width() for bar in figure.axes[0].patches] == [
        2000, 500, 0]
    png(funnel_figure([("sampled", 0), ("kept", 0)]), "an empty funnel")


ROWS = {"EKT, the first": (0.124, 0.106, 0.142), "EKT": (0.087, 0.07, 0.1),
        "KD": (0.037, 0.027, 0.048)}


def parts(figure):
    """The bars and the dots of an interval figure, a line at 0 left out."""
    lines = [line for line in figure.axes[0].lines
             if list(line.get_xdata()) != [0, 0]]
    return lines[::2], lines[1::2]


def test_intervals_are_drawn_in_percent_from_top_to_bottom():
    axes = interval_figure(ROWS, "pass@100 (%)").axes[0]
    assert [t.get_text() for t in axes.get_yticklabels()] == list(ROWS)
    assert axes.get_ylim()[0] > axes.get_ylim()[1]        # first row on top
    bars, dots = parts(axes.figure)
    assert [list(bar.get_xdata()) for bar in bars] == [
        pytest.approx([100 * low, 100 * high])
        for _, low, high in ROWS.values()]
    assert [dot.get_xdata()[0] for dot in dots] == pytest.approx(
        [12.4, 8.7, 3.7])
    assert [dot.get_ydata()[0] for dot in dots] == list(axes.get_yticks())
    assert texts(axes.figure)[0].get_text() == "12.4 [10.6, 14.2]"
    assert axes.get_xlabel() == "pass@100 (%)" and axes.get_xlim()[0] >= 0


def test_differences_have_signs_and_a_line_at_zero():
    rows = {"up": (0.02, 0.01, 0.03), "down": (-0.5, -0.6, 0.04)}
    plain = interval_figure(rows, "points").axes[0]
    axes = interval_figure(rows, "points", zero=True).axes[0]
    assert len(axes.lines) == len(plain.lines) + 1
    assert list(axes.lines[-1].get_xdata()) == [0, 0]
    assert [t.get_text() for t in texts(axes.figure)] == [
        "+2.0 [+1.0, +3.0]", "-50.0 [-60.0, +4.0]"]
    assert axes.get_xlim()[0] < -60 and axes.get_xlim()[1] > 4


def test_groups_of_rows_differ_in_colour_marker_and_distance():
    figure = interval_figure(ROWS, "%", groups=["ekt", "ekt", "kd"])
    _, (first, second, third) = parts(figure)
    assert first.get_color() == second.get_color() != third.get_color()
    assert first.get_marker() == second.get_marker() != third.get_marker()
    one, two, three = figure.axes[0].get_yticks()
    assert three - two > two - one
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    for text in [*texts(figure), *figure.axes[0].get_yticklabels()]:
        box = text.get_window_extent(renderer)
        assert 0 <= box.x0 and box.x1 <= figure.bbox.x1


def test_groups_are_named_where_they_begin():
    figure = interval_figure(ROWS, "%", groups=["of EKT", "of EKT", "of KD"])
    assert [t.get_text() for t in texts(figure)][3:] == ["of EKT", "of KD"]
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    boxes = [t.get_window_extent(renderer) for t in [
        *texts(figure)[3:], *figure.axes[0].get_yticklabels()]]
    for at, one in enumerate(boxes):
        assert not any(one.overlaps(other) for other in boxes[at + 1:])
    # A name that repeats the only row's label would say nothing new.
    alone = interval_figure(ROWS, "%", groups=list(ROWS))
    assert len(texts(alone)) == len(ROWS)


def test_a_system_looks_alike_in_every_chart():
    curves = three_curves()
    lines = {"KD, the last": curves["teacher"], "EKT": curves["before"],
             "a stranger": curves["after"], "EKT, again": curves["after"]}
    drawn = [line for line in pass_at_k_figure(lines).axes[0].lines
             if line.get_linestyle() != "None"]
    assert [line.get_color() for line in drawn[:2]] == [
        colour_of("kd"), colour_of("ekt")]
    assert drawn[3].get_color() == colour_of("ekt") != drawn[2].get_color()
    assert len({line._unscaled_dash_pattern for line in drawn}) == 4
    _, dots = parts(interval_figure(ROWS, "%", groups=["all"] * 3))
    assert [dot.get_color() for dot in dots] == [
        colour_of("ekt"), colour_of("ekt"), colour_of("kd")]
    bars = charts.bars_figure(["one"], {"KD": [1], "EKT": [2]}, "", "")
    assert [to_hex(patch.get_facecolor()).upper()
            for patch in bars.axes[0].patches] == [
        colour_of("kd"), colour_of("ekt")]


def test_an_interval_figure_needs_a_row():
    with pytest.raises(ValueError, match="at least one row"):
        interval_figure({}, "pass@1 (%)")
    png(interval_figure({"one": (0, 0, 0)}, "pass@1 (%)"), "a single dot")


CURVE = ([1, 2], [0.1, 0.2], [0, 0.1], [0.2, 0.3])


@pytest.mark.parametrize("wrong", [
    None, 3, "abc", [], [[1, 2]], {}, {"a": None}, {"a": 3}, {"a": [1, "x"]},
    {"a": ["0.1", "0", "0.2"]}, {"a": [0.1, None, 0.2]}, {"a": [[1], [1, 2]]},
    {"a": CURVE[:3]}, {"a": (*CURVE[:3], [0.1])}, {"a": {0: (1, 2)}},
    {("a", "b"): (0, 1)}])
@pytest.mark.parametrize("draw, says", [
    (pass_at_k_figure, "curves are {label: .ks, mean, low, high"),
    (charts.budget_figure, "curves are {label: .tokens, mean, low, high"),
    (charts.dial_figure, "curves are {label: {share: .gain, low, high"),
    (funnel_figure, "rows are pairs .stage, count|rows come as a list"),
    (lambda wrong: charts.bars_figure(["x", "y", "z"], wrong, "", ""),
     "a table is {series: a number for each of 3 groups}"),
    (lambda wrong: interval_figure(wrong, ""),
     "rows are {label: .mean, low, high|at least one row"),
    (lambda wrong: charts.grid_figure(wrong, "a", "b", "", ""),
     "a table is {.row, column.: .mean, low, high")])
def test_what_cannot_be_drawn_is_told(draw, says, wrong):
    with pytest.raises(ValueError, match=says) as caught:
        draw(wrong)
    assert "\n" not in str(caught.value)


def test_numbers_of_numpy_can_be_drawn():
    arrays = tuple(map(np.array, CURVE))
    for curves in ({"a": arrays}, {"a": np.array(CURVE)},
                   {"a": (range(1, 3), *arrays[1:])}):
        pass_at_k_figure(curves)
        charts.budget_figure(curves)
    funnel_figure(iter([("a", np.int64(3)), ("b", 2)]))
    charts.bars_figure({"x": 0}, {"a": np.array([1])}, "", "")
    interval_figure({"a": np.array([1, 0, 2], np.float32)}, "",
                    groups=iter(["g"]))
    with pytest.raises(ValueError, match="groups are 1 names"):
        interval_figure({"a": (1, 0, 2)}, "", groups=["g", "h"])
    with pytest.raises(ValueError, match="line is a pair"):
        charts.dial_figure({"a": {0.5: (1, 0, 2)}}, 1.3)


def test_a_grid_prints_each_gain_and_is_bold_where_it_is_sure():
    table = {("a", 2): (0.05, 0.01, 0.09), ("a", 3): (-0.02, -0.05, 0.01)}
    axes = charts.grid_figure(table, ["a"], [2, 3], "steps",
                                    "").axes[0]
    found = {t.get_text(): t.get_fontweight() for t in axes.texts}
    assert found == {"+5.0\n[+1.0, +9.0]": "bold",
                     "-2.0\n[-5.0, +1.0]": "normal"}


def test_budgets_are_drawn_in_percent_and_differ_without_colour():
    curves = {name: ([40, 400], [a, 2 * a], [0, a], [a, 3 * a])
              for name, a in (("direct", 0.2), ("plan first", 0.3))}
    axes = charts.budget_figure(curves).axes[0]
    one, two = axes.lines[:2]
    assert list(one.get_ydata()) == [20, 40] and axes.get_xscale() == "log"
    assert one.get_marker() != two.get_marker()
    assert one.get_linestyle() != two.get_linestyle()
    assert [t.get_text() for t in axes.texts] == list(curves)


def test_tokens_can_be_read_in_both_themes(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", shown.append)
    tokenizer = load_tokenizer("data/mini/models/student")
    rows = [tokenizer(text)["input_ids"] for text in (
        "# How many?\nanswer = 1", "# None.\nanswer = 0\n")]
    show_tokens(tokenizer, *collate(
        [(ids, [-100] * 3 + ids[3:]) for ids in rows], 0))
    page = shown[0].data
    assert GREY in page and "<u" in page and "·" in page
    assert hard_to_read(page) == []
    for ink in (INK, GREY):
        assert contrast(ink, PAGE) >= 4.5


def test_a_colour_that_a_theme_swallows_is_noticed():
    faint = '<p><span style="color:#666666">seen only</span></p>'
    assert {behind for _, _, behind in hard_to_read(faint)} == set(THEMES[1:])
    assert hard_to_read('<p style="background-color:#ffffff">ours</p>')
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
