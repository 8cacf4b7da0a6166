"""f-I curves against the closed form, against recorded spikes, and where rounding stops the neuron."""

import numpy as np
import pytest

from qlif.model.exceptions import InputError
from qlif.model.metrics.fi_curve import fi_curve
from qlif.model.parameters import Parameters
from qlif.model.population import QLIFPopulation
from qlif.model.presets import preset
from qlif.model.theory.closed_form import firing_rate, interspike_interval

# The neuron of the measurements in numerics.md, section 5.
MEASURED = Parameters(n=1, tau_m=30.0, refrac_length=50, dt=0.1)
CURRENTS = [16.5, 17.0, 20.0, 30.0]


def isi_error_percent(curve):
    return 100 * (curve.mean_isi_ms / interspike_interval(curve.parameters, curve.currents) - 1)


def test_float_has_the_measured_integration_error():
    curve = fi_curve(MEASURED, CURRENTS)
    assert isi_error_percent(curve) == pytest.approx([0.09, 0.06, 0.14, 0.57], abs=0.005)
    assert not curve.silent.any()


def test_float_approaches_the_closed_form_as_dt_falls():
    """Forward Euler is of first order: a tenth of the step, a tenth of the error."""
    currents = [18.0, 30.0, 60.0]
    coarse = fi_curve(MEASURED, currents, duration_ms=200.0)
    fine = fi_curve(MEASURED.replace(dt=0.01, refrac_length=500), currents, duration_ms=200.0)
    assert fine.rates_hz == pytest.approx(firing_rate(MEASURED, currents), rel=2e-3)
    # An interval is a whole number of timesteps, so each error is known to one timestep only.
    resolution = 100 * (0.01 + 0.1 / 10) / fine.mean_isi_ms
    assert np.all(np.abs(isi_error_percent(fine) - isi_error_percent(coarse) / 10) < resolution)


def test_below_rheobase_nothing_fires_and_nothing_is_silent():
    curve = fi_curve(MEASURED, [-5.0, 10.0, 16.0])
    assert list(curve.rates_hz) == list(curve.closed_form_hz) == [0, 0, 0]
    assert not curve.silent.any()


def test_rounding_silences_points_near_rheobase():
    curve = fi_curve(MEASURED, [10.0, *CURRENTS], arithmetic="factored-16")
    assert list(curve.silent) == [False, True, False, False, False]  # 10 is below rheobase
    assert list(curve.rates_hz[:2]) == [0, 0]
    assert np.all(np.isinf(curve.mean_isi_ms[:2]))
    assert np.all(curve.rates_hz[2:] > 0)
    assert curve.closed_form_hz[1] == pytest.approx(7.94, abs=0.01)


def test_truncation_silences_more_and_is_late():
    curve = fi_curve(MEASURED, CURRENTS, arithmetic=preset("factored-16").replace(rounding="TRN"))
    assert list(curve.silent) == [True, True, False, False]
    assert np.all(isi_error_percent(curve)[2:] > 2)


def test_a_wide_word_fires_like_float():
    currents = [16.0, 18.0, 25.0]
    wide = fi_curve(MEASURED, currents, arithmetic="wide-32", duration_ms=300.0)
    assert wide.mean_isi_ms == pytest.approx(fi_curve(MEASURED, currents, duration_ms=300.0).mean_isi_ms)


@pytest.mark.parametrize("arithmetic", [None, "stochastic-12"])
def test_against_recorded_spikes(arithmetic, monkeypatch):
    """Also across the blocks in which the simulation is done."""
    monkeypatch.setattr("qlif.model.metrics.fi_curve._BLOCK", 700)
    currents = np.array([5.0, 17.0, 40.0])
    parameters = Parameters(n=7, shape=(7,), tau_m=20.0, R=1.5, refrac_length=12, spike_trace=True)
    curve = fi_curve(parameters, currents, arithmetic=arithmetic, duration_ms=250.0)
    population = QLIFPopulation(n=3, tau_m=20.0, R=1.5, refrac_length=12, arithmetic=arithmetic)
    times = population.run(np.tile(currents, (2500, 1))).spike_times
    expected = [np.diff(t).mean() if len(t) > 1 else np.inf for t in times]
    assert curve.mean_isi_ms == pytest.approx(expected)
    assert curve.rates_hz == pytest.approx([1000 / isi for isi in expected])
    assert list(curve.drives_mv) == [7.5, 25.5, 60.0]
    assert curve.rheobase_mv == 16.0


def test_one_spike_has_no_rate_and_is_not_silent():
    isi = float(interspike_interval(MEASURED, 20.0))
    curve = fi_curve(MEASURED, [20.0], duration_ms=1.5 * isi)
    assert curve.rates_hz[0] == 0
    assert not curve.silent[0]


def test_too_short_to_tell_is_not_silent():
    curve = fi_curve(MEASURED, [16.5], arithmetic="factored-16", duration_ms=150.0)
    assert curve.rates_hz[0] == 0
    assert not curve.silent[0]


def test_the_callers_array_is_not_kept():
    currents = np.array([20.0])
    curve = fi_curve(MEASURED, currents, duration_ms=1.0)
    currents[0] = 0
    assert curve.currents[0] == 20


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"currents": []}, "currents must be a list of at least one number, not of shape (0,)"),
        ({"currents": [[1.0]]}, "currents must be a list of at least one number, not of shape (1, 1)"),
        ({"currents": [1.0, np.nan]}, "currents must be finite, not nan at index 1"),
        ({"currents": "x"}, "currents must be a list of numbers, not 'x'"),
        ({"currents": [[1], [1, 2]]}, "currents must be a list of numbers, not [[1], [1, 2]]"),
        (
            {"duration_ms": 0.01},
            "duration_ms must be one timestep (0.1 ms) or more, and less than 2**31 of them, not 0.01",
        ),
        ({"duration_ms": 0.0}, "duration_ms must be greater than 0 ms, not 0.0"),
        ({"arithmetic": "factored-61"}, "unknown preset 'factored-61': did you mean 'factored-16'?"),
        (
            {"parameters": Parameters(n=2, R=[1.0, 2.0])},
            "R must be one number for an f-I curve, not one per neuron",
        ),
    ],
)
def test_refused(change, text):
    arguments = {"parameters": MEASURED, "currents": [20.0], **change}
    with pytest.raises(InputError) as caught:
        fi_curve(arguments.pop("parameters"), arguments.pop("currents"), **arguments)
    assert str(caught.value) == text
