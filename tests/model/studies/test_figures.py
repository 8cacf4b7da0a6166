"""What the figures of the studies show: the same style for the same thing, and nothing left out."""

import itertools

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.plots.themes import DARK, LIGHT
from qlif.model.studies.figures import ZERO, Line, Panel, line_figure, styles_of


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_a_form_with_a_rounding_looks_the_same_whatever_is_beside_it(theme):
    alone = styles_of(["square SQ(5,7) SR"], theme)["square SQ(5,7) SR"]
    kinds = [f"{form} {rounding}" for rounding in ("TRN", "RND", "SR") for form in ("square", "factored")]
    together = styles_of(kinds, theme)
    assert together["square SR"] == alone
    assert together["factored RND"] == styles_of(["other", "factored"], theme)["factored"]
    assert len({color for color, _ in together.values()}) == len({one for _, one in together.values()}) == 6


def test_what_is_no_form_takes_what_is_left():
    labels = ["2 bits", "square RND", "square SQ(6,10) RND", "midpoint SQ(6,6) SR"]
    styles = styles_of(labels, LIGHT)
    assert styles["square RND"] == styles_of(["square RND"], LIGHT)["square RND"]
    assert len({color for color, _ in styles.values()}) == len({marker for _, marker in styles.values()}) == 4
    with pytest.raises(InputError, match="a figure shows 6 lines, not 7"):
        styles_of([str(number) for number in range(7)], LIGHT)


def lines_of(figure):
    return [one for axes in figure.axes for one in axes.get_lines()]


def test_zero_on_a_logarithmic_axis_is_a_hollow_marker_at_its_end():
    line = Line("square RND", [1, 2, 3], [0.1, 0.0, 10.0], ([0.05, 0.0, 9.0], [0.2, 0.3, 11.0]))
    figure = line_figure([Panel("error", [line], logarithmic=True)], "bits", LIGHT)
    (axes,) = figure.axes
    assert axes.get_yscale() == "log" and 0.005 < axes.get_ylim()[0] < 0.1
    (bars,) = axes.collections
    assert [np.ravel(one.vertices[:, 1]).tolist() for one in bars.get_paths()][:2] == [
        [0.05, 0.2],
        [0.1, 0.3],
    ]
    drawn, hollow = lines_of(figure)
    assert np.isnan(drawn.get_ydata()).tolist() == [False, True, False]
    assert hollow.get_xdata().tolist() == [2] and hollow.get_markerfacecolor() == "none"
    assert hollow.get_transform() == axes.get_xaxis_transform()
    assert hollow.get_markeredgecolor() == drawn.get_color() and hollow.get_marker() == drawn.get_marker()
    assert ZERO in [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    without = line_figure([Panel("error", [Line("square RND", [1], [1.0])], logarithmic=True)], "bits", LIGHT)
    assert ZERO not in [text.get_text() for legend in without.legends for text in legend.get_texts()]


def test_of_equal_lines_each_shows_behind_the_next():
    lines = [Line(label, [1, 2], [1.0, 2.0]) for label in ("square RND", "factored RND", "square SR")]
    drawn = lines_of(line_figure([Panel("error", lines)], "bits", LIGHT))
    assert len(drawn) == 3
    for first, second in itertools.pairwise(drawn):
        assert first.get_zorder() < second.get_zorder()
        assert (
            first.get_markersize() > second.get_markersize()
            and first.get_linewidth() > second.get_linewidth()
        )


def test_of_equal_silent_points_each_shows_behind_the_next_and_a_reference_is_before_all():
    labels = ("square RND", "factored RND", "square SR", "factored SR", "factored TRN", "square TRN")
    lines = [Line("closed form", [1, 2], [1.0, 2.0], plain=True)]
    lines += [Line(label, [1, 2], [np.nan, 2.0], silent=[True, False]) for label in labels]
    drawn = lines_of(line_figure([Panel("error", lines)], "bits", LIGHT))
    crosses = [one for one in drawn if one.get_marker() == "x"]
    assert len(crosses) == 6
    for first, second in itertools.pairwise(crosses):
        assert first.get_zorder() < second.get_zorder()
        assert first.get_markersize() > second.get_markersize() + 1
        assert first.get_markeredgewidth() > second.get_markeredgewidth()
    (reference,) = [one for one in drawn if one.get_label() == "closed form"]
    assert all(
        reference.get_zorder() > one.get_zorder() for one in drawn if one.get_marker() not in ("x", "None")
    )


def test_a_bar_of_no_length_at_zero_is_none():
    line = Line("square RND", [1, 2], [0.1, 0.0], ([0.05, 0.0], [0.2, 0.0]))
    (axes,) = line_figure([Panel("error", [line], logarithmic=True)], "bits", LIGHT).axes
    ends = [one.vertices[:, 1] for one in axes.collections[0].get_paths()]
    assert ends[0].tolist() == [0.05, 0.2] and (len(ends) == 1 or np.isnan(ends[1]).any())


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_labels_between_decades_can_be_read_on_their_page(theme):
    line = Line("a", [0.1, 0.2, 0.5], [0.15, 0.3, 0.9])
    figure = line_figure([Panel("ms", [line], logarithmic=True)], "ms", theme, logarithmic_x=True)
    figure.draw_without_rendering()
    (axes,) = figure.axes
    for axis in (axes.xaxis, axes.yaxis):
        labels = [label for label in axis.get_ticklabels(which="both") if label.get_text()]
        assert {"0.2", "0.5"} <= {label.get_text() for label in labels}
        assert {label.get_color() for label in labels} == {theme.text}
