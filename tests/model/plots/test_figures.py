"""The figures: their axes say what they show, their artists hold the data, their files are reproducible."""

from itertools import pairwise

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_hex

from qlif.model.exceptions import InputError
from qlif.model.metrics.fi_curve import FICurve
from qlif.model.parameters import Parameters
from qlif.model.plots.data import MOST_POINTS, reduced, round_up
from qlif.model.plots.figures import (
    DARK,
    LIGHT,
    fi_figure,
    input_figure,
    potential_figure,
    raster_figure,
    save,
)
from qlif.model.plots.themes import drawn
from qlif.model.theory.closed_form import firing_rate

DT = 0.1
TIMES = np.arange(1, 201) * DT
RANDOM = np.random.default_rng(3)
POTENTIALS = RANDOM.uniform(-62, -52, (200, 2, 3))
SPIKES = RANDOM.random((200, 2, 3)) < 0.05
CURRENTS = RANDOM.normal(20, 3, (200, 2, 3))
NEURON = Parameters(n=1, tau_m=30.0, refrac_length=50, R=2.0)


def curve(currents, rates, silent=()):
    currents, rates = np.array(currents), np.array(rates, dtype=float)
    isi = np.full(len(rates), np.inf)
    np.divide(1000, rates, out=isi, where=rates > 0)
    return FICurve(NEURON, currents, rates, isi, rates > 0, np.isin(np.arange(len(rates)), silent))


def lines(axes):
    return {line.get_label(): line for line in axes.lines}


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def flat(array, neuron):
    return array.reshape(len(array), -1)[:, neuron]


def test_potentials_of_chosen_neurons():
    runs = {"float": POTENTIALS, "golden": POTENTIALS + 1, "hardware": POTENTIALS + 1}
    figure = potential_figure(runs, dt=DT, threshold=-52, spikes={"golden": SPIKES}, neurons=[4, 1])
    assert legend(figure) == ["float", "golden", "hardware"]
    assert len(figure.axes) == 2
    for axes, neuron in zip(figure.axes, (4, 1), strict=True):
        assert axes.get_ylabel() == f"neuron {neuron}\nv (mV)"
        for label, run in runs.items():
            assert np.array_equal(lines(axes)[label].get_xdata(), TIMES)
            assert np.array_equal(lines(axes)[label].get_ydata(), flat(run, neuron))
        assert np.array_equal(lines(axes)["spikes of golden"].get_xdata(), TIMES[flat(SPIKES, neuron)])
        assert "spikes of float" not in lines(axes)
        assert "threshold\n−52 mV" in [text.get_text() for text in axes.texts]
        assert any(list(line.get_ydata()) == [-52, -52] for line in axes.lines)
    assert figure.axes[-1].get_xlabel() == "time (ms)"


def test_coinciding_runs_remain_visible():
    """Each is drawn over the one before, and either thinner than it or with gaps."""
    runs = dict.fromkeys(("a", "b", "c", "d"), POTENTIALS)
    drawn = [lines(potential_figure(runs, dt=DT, threshold=-52).axes[0])[label] for label in runs]
    for below, above in pairwise(drawn):
        assert above.get_zorder() > below.get_zorder()
        assert above.get_linewidth() < below.get_linewidth() or above.is_dashed()
        assert above.get_color() != below.get_color()


def test_a_threshold_per_neuron():
    figure = potential_figure(
        {"float": POTENTIALS}, dt=DT, threshold=[[-52, -51, -50], [-49, -48, -47]], neurons=[5]
    )
    assert "threshold\n−47 mV" in [text.get_text() for text in figure.axes[0].texts]


def test_a_window_is_said():
    runs, spikes = {"float": POTENTIALS}, {"float": SPIKES}
    for figure in (
        potential_figure(runs, dt=DT, threshold=-52, spikes=spikes, window_ms=5.0),
        raster_figure(spikes, dt=DT, window_ms=5.0),
        input_figure(CURRENTS, dt=DT, window_ms=5.0),
    ):
        assert figure.axes[-1].get_xlabel() == "time (ms), first 5 of 20 ms"
        assert figure.axes[0].get_xlim() == pytest.approx((0, 5))
        assert max(line.get_xdata()[-1] for axes in figure.axes for line in axes.lines) <= 5 + 1e-9
    assert potential_figure(runs, dt=DT, threshold=-52, window_ms=99.0).axes[-1].get_xlabel() == "time (ms)"


def test_long_lines_keep_their_extremes():
    line = RANDOM.normal(size=100_003)
    line[[17, 99_999]] = -50, 60
    times, values = reduced(np.arange(len(line)), line)
    assert len(values) <= MOST_POINTS + 2
    assert (values.min(), values.max()) == (-50, 60)
    assert np.all(np.diff(times) >= 0)
    assert np.array_equal(values, line[times])
    figure = potential_figure({"float": line[:, None]}, dt=DT, threshold=3)
    assert figure.axes[0].get_xlabel() == "time (ms), extremes of each 77 timesteps"


def test_raster_and_rate():
    other = np.roll(SPIKES, 1, axis=0)
    figure = raster_figure({"golden": SPIKES, "hardware": other}, dt=DT, bin_ms=3.0)
    golden, hardware, rate = figure.axes
    assert (golden.get_ylabel(), hardware.get_ylabel()) == ("golden\nneuron", "hardware\nneuron")
    assert rate.get_ylabel() == "mean rate (Hz)\nin 3 ms bins"
    for axes, label, spikes in ((golden, "golden", SPIKES), (hardware, "hardware", other)):
        steps, neurons = np.nonzero(spikes.reshape(200, 6))
        assert np.array_equal(lines(axes)[label].get_xdata(), TIMES[steps])
        assert np.array_equal(lines(axes)[label].get_ydata(), neurons)
    # 20 ms are six bins of 3 ms and one of 2 ms.
    counts = np.array([SPIKES[start : start + 30].sum() for start in range(0, 200, 30)])
    expected = counts / (np.array([3, 3, 3, 3, 3, 3, 2]) * 1e-3 * 6)
    assert lines(rate)["golden"].get_ydata()[:-1] == pytest.approx(expected)
    assert lines(rate)["golden"].get_xdata() == pytest.approx([0, 3, 6, 9, 12, 15, 18, 20])
    assert legend(figure) == ["golden", "hardware"]


def test_raster_without_spikes():
    figure = raster_figure({"golden": np.zeros((1, 1), dtype=bool)}, dt=DT)
    assert figure.axes[-1].get_ylim()[0] == 0
    assert not figure.legends


def test_many_spikes_become_an_image_in_an_svg():
    assert not lines(raster_figure({"golden": SPIKES}, dt=DT).axes[0])["golden"].get_rasterized()
    assert lines(raster_figure({"golden": np.ones((200, 6))}, dt=DT).axes[0])["golden"].get_rasterized()


def test_inputs_and_their_mean():
    figure = input_figure(CURRENTS, dt=DT, neurons=[5, 0])
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == ["neuron 5\nI (mV/R)", "neuron 0\nI (mV/R)", "mean of 6\nI (mV/R)"]
    assert np.array_equal(figure.axes[0].lines[0].get_ydata(), flat(CURRENTS, 5))
    assert figure.axes[2].lines[0].get_ydata() == pytest.approx(CURRENTS.mean(axis=(1, 2)))
    assert len(input_figure(CURRENTS[:, :1, 0], dt=DT).axes) == 1


def test_fi_curve():
    figure = fi_figure(
        {"float": curve([5, 9, 12], [0, 14, 31]), "golden": curve([5, 8.5, 12], [0, 0, 30], silent=[1])}
    )
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("R·I (mV)", "firing rate (Hz)")
    assert legend(figure) == ["closed form", "rheobase 16 mV", "float", "golden", "golden, silent"]
    drawn = lines(axes)
    assert list(drawn["float"].get_xdata()) == [10, 18, 24]
    assert list(drawn["float"].get_ydata()) == [0, 14, 31]
    assert list(drawn["golden"].get_xdata()) == [10, 24]
    assert list(drawn["golden, silent"].get_xdata()) == [17]
    assert drawn["golden, silent"].get_marker() == "x"
    closed = drawn["closed form"]
    assert closed.get_ydata() == pytest.approx(firing_rate(NEURON, closed.get_xdata() / 2))
    assert (closed.get_xdata()[0], closed.get_xdata()[-1]) == (10, 24)


@pytest.mark.parametrize("currents", [[1.0, 2.0], [20.0], [8.0]])
def test_fi_curve_on_one_side_of_rheobase_or_of_one_point(currents):
    (axes,) = fi_figure({"float": curve(currents, np.zeros(len(currents)))}).axes
    closed = lines(axes)["closed form"].get_xdata()
    assert (closed[0], closed[-1]) == (2 * currents[0], 2 * currents[-1])


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_theme(theme):
    figure = input_figure(CURRENTS, dt=DT, theme=theme)
    assert to_hex(figure.get_facecolor()) == theme.background.lower()
    for axes in figure.axes:
        assert to_hex(axes.get_facecolor()) == theme.background.lower()
        assert to_hex(axes.yaxis.label.get_color()) == theme.text.lower()
    assert len(set(theme.series)) == len(theme.series)


def luminance(color):
    channels = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_texts_are_readable(theme):
    """A contrast of 7 is what WCAG 2 asks for at its highest level."""
    low, high = sorted((luminance(theme.background), luminance(theme.text)))
    assert (high + 0.05) / (low + 0.05) > 7


def test_files(tmp_path):
    def make(theme):
        return potential_figure({"a": POTENTIALS}, dt=DT, threshold=-52, neurons=[0], theme=theme)

    before = dict(mpl.rcParams)
    paths = save(make, tmp_path / "deep" / "one", "potential")
    assert [path.name for path in paths] == [
        "potential.png",
        "potential.svg",
        "potential-dark.png",
        "potential-dark.svg",
    ]
    # What the user has set elsewhere must not come through.
    with mpl.rc_context({"font.size": 30, "lines.marker": "o", "savefig.facecolor": "red"}):
        again = save(make, tmp_path / "two", "potential")
    for path, other in zip(paths, again, strict=True):
        assert path.read_bytes() == other.read_bytes()
        assert len(path.read_bytes()) > 1000
    assert paths[0].read_bytes() != paths[2].read_bytes()
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    assert dict(mpl.rcParams) == before


def test_the_layout_of_the_light_figure_is_that_of_the_dark_one(tmp_path):
    """It is solved for one of them, and is what would have been solved for the other."""
    runs = {"a": POTENTIALS, "b": POTENTIALS + 1}

    def make(theme):
        return potential_figure(runs, dt=DT, threshold=-52, spikes={"a": SPIKES}, neurons=[0, 1], theme=theme)

    paths = save(make, tmp_path, "potential")
    with mpl.style.context(["default", {"svg.hashsalt": "qlif"}]):
        alone = drawn(make(DARK), {})
    assert [path.read_bytes() for path in paths[2:]] == [alone["png"], alone["svg"]]


def test_a_figure_that_fails_leaves_no_file(tmp_path):
    def make(theme):
        return potential_figure({"a": POTENTIALS}, dt=DT, threshold=-52 if theme is LIGHT else np.nan)

    with pytest.raises(InputError):
        save(make, tmp_path, "potential")
    assert list(tmp_path.iterdir()) == []


def test_no_directory_for_the_files(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"^figure 'input' can't be written to .*file: "):
        save(lambda theme: input_figure([[1.0]], dt=DT, theme=theme), tmp_path / "file", "input")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b"])
def test_a_name_that_is_a_path(name, tmp_path):
    with pytest.raises(InputError, match=r"^name must be a plain file name, not "):
        save(lambda theme: input_figure([[1.0]], dt=DT, theme=theme), tmp_path, name)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.003, 0.005), (1.0, 1.0), (1.1, 2.0), (7.0, 10.0), (250.0, 500.0)]
)
def test_round_up(value, expected):
    assert round_up(value) == pytest.approx(expected)


def potentials(curves=None, **changes):
    arguments = {"dt": DT, "threshold": -52, **changes}
    return potential_figure({"a": POTENTIALS} if curves is None else curves, **arguments)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: potentials({}), "curves must be 1 to 4 runs, not 0: more can't be told apart"),
        (
            lambda: raster_figure(dict.fromkeys("abcde", SPIKES), dt=DT),
            "rasters must be 1 to 4 runs, not 5: more can't be told apart",
        ),
        (
            lambda: potentials({"a": POTENTIALS, "b": POTENTIALS[:5]}),
            "curves of 'b' must be 200 timesteps of 6 neurons like 'a', not 5 of 6",
        ),
        (
            lambda: potentials({"a": [1.0]}),
            "curves of 'a' must be (timesteps, neurons), at least one of each, not (1,)",
        ),
        (lambda: potentials({"a": [["x"]]}), "curves of 'a' must be an array of numbers, not [['x']]"),
        (lambda: potentials({"a": [[1], [1, 2]]}), "curves of 'a' must be a regular array, not a ragged one"),
        (lambda: potentials({"a": [[np.inf]]}), "curves of 'a' must be finite, not inf"),
        (lambda: potentials(spikes={"b": SPIKES}), "spikes must be of the curves a, not of 'b'"),
        (
            lambda: potentials(spikes={"a": SPIKES[:, :1]}),
            "spikes of 'a' must be 200 timesteps of 6 neurons like the curves, not 200 of 3",
        ),
        (lambda: potentials(neurons=[6]), "neurons must be indices from 0 to 5, not [6]"),
        (lambda: potentials(neurons=[]), "neurons must be indices from 0 to 5, not []"),
        (lambda: potentials(neurons=[-1]), "neurons must be a whole number, 0 or more, not -1"),
        (lambda: potentials(threshold=[1, 2]), "threshold must be one finite number or 6, not [1, 2]"),
        (lambda: potentials(threshold="x"), "threshold must be one finite number or 6, not 'x'"),
        (lambda: potentials(dt=0), "dt must be greater than 0 ms, not 0.0"),
        (lambda: potentials(window_ms=-1.0), "window_ms must be greater than 0 ms, not -1.0"),
        (
            lambda: raster_figure({"a": SPIKES}, dt=DT, bin_ms=0.0),
            "bin_ms must be greater than 0 ms, not 0.0",
        ),
        (lambda: input_figure([[np.nan]], dt=DT), "currents must be finite, not nan"),
        (lambda: fi_figure({}), "curves must be 1 to 4 runs, not 0: more can't be told apart"),
    ],
)
def test_refused(call, text):
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == text


def test_fi_curves_of_different_neurons():
    one = curve([8.0, 9.0], [0, 10])
    other = FICurve(
        NEURON.replace(tau_m=20.0), one.currents, one.rates_hz, one.mean_isi_ms, one.fired, one.silent
    )
    with pytest.raises(InputError, match=r"^curves must be of one neuron, but 'b' has other parameters"):
        fi_figure({"a": one, "b": other})


def test_neurons_that_never_spike_leave_room_for_the_panels(tmp_path):
    """An empty row of marks once made the layout collapse, which matplotlib only warns about."""
    silent = np.zeros((70, 3), dtype=bool)
    potentials = np.full((70, 3), -60.0)

    def draw(theme):
        return potential_figure(
            {"a": potentials, "b": potentials},
            dt=0.1,
            threshold=-52.0,
            spikes={"a": silent, "b": silent},
            theme=theme,
        )

    assert len(save(draw, tmp_path, "silent")) == 4
