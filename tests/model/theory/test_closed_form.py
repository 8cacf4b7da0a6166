"""The closed form against a high-order solver of the membrane equation, and at its edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.theory.closed_form import firing_rate, interspike_interval, rheobase

# The closed form has no timestep that could be too coarse.
pytestmark = pytest.mark.filterwarnings("ignore::qlif.model.exceptions.PrecisionWarning")

# rest -62, crit -54: midpoint -58, h = 4, fixed points without input at -62 (stable) and -54.
DEFAULTS = Parameters(n=1, tau_m=30.0, refrac_length=0)


def solved(p, current, horizon):
    """Return the time from reset to threshold by the solver's event detection, inf if none comes in time."""

    def slope(_, v):
        return (p.a0 * (v - p.rest_pot) * (v - p.critical_pot) + p.R * current) / p.tau_m

    def crossing(_, v):
        return v[0] - p.threshold

    crossing.terminal, crossing.direction = True, 1
    run = solve_ivp(
        slope, (0, horizon), [p.reset_pot], method="DOP853", events=crossing, rtol=1e-12, atol=1e-12
    )
    return run.t_events[0][0] if len(run.t_events[0]) else math.inf


def test_agrees_with_the_solver():
    """150 random neurons, of every case: free, held at a fixed point, above and below it."""
    random = np.random.default_rng(20)
    kinds = {"free": 0, "above": 0, "below": 0, "never": 0}
    for _ in range(150):
        rest = random.uniform(-70, -60)
        critical = rest + random.uniform(2, 14)
        reset = random.uniform(rest - 8, critical + 3)
        p = Parameters(
            n=1,
            a0=random.uniform(0.2, 2),
            tau_m=random.uniform(15, 40),
            R=random.uniform(0.5, 2),
            rest_pot=rest,
            critical_pot=critical,
            reset_pot=reset,
            threshold=reset + random.uniform(0.5, 15),
            refrac_length=0,
        )
        current = p.a0 * ((critical - rest) / 2) ** 2 / p.R * random.uniform(-1, 3)
        interval = float(interspike_interval(p, current))
        expected = solved(p, current, horizon=500.0 if math.isinf(interval) else 2 * interval)
        assert interval == pytest.approx(expected, rel=1e-8)
        q = p.R * current / p.a0 - ((critical - rest) / 2) ** 2
        midpoint = (rest + critical) / 2
        if math.isinf(interval):
            kinds["never"] += 1
        elif q > 0:
            kinds["free"] += 1
        else:
            kinds["above" if reset > midpoint else "below"] += 1
    assert min(kinds.values()) >= 5, kinds


@settings(max_examples=150, deadline=None)
@given(
    st.floats(0.2, 2),
    st.floats(0.5, 14),
    st.floats(-8, 8),
    st.floats(0.5, 15),
    st.floats(-2, 4),
)
def test_is_the_integral_and_rheobase_divides(a0, distance, start, rise, push):
    """The interval is the integral of dt/dv where the current is above rheobase, and infinite elsewhere."""
    p = Parameters(
        n=1,
        a0=a0,
        tau_m=40.0,
        rest_pot=-60.0,
        critical_pot=-60.0 + distance,
        reset_pot=-60.0 + start,
        threshold=-60.0 + start + rise,
        refrac_length=0,
    )
    least = float(rheobase(p))
    for current in (least + 0.3 + abs(push), least - 0.3 - abs(push)):
        interval = float(interspike_interval(p, current))
        if current < least:
            assert interval == math.inf
            continue
        expected, _ = quad(
            lambda v, current=current: (
                p.tau_m / (p.a0 * (v - p.rest_pot) * (v - p.critical_pot) + p.R * current)
            ),
            p.reset_pot,
            p.threshold,
            points=[min(max(-60 + distance / 2, p.reset_pot), p.threshold)],
            epsabs=0,
            epsrel=1e-10,
        )
        assert interval == pytest.approx(expected, rel=1e-8)


def test_q_above_0():
    p = DEFAULTS
    # q = 20 - 16 = 4, x1 = -4, x2 = 6.
    expected = 30 / 2 * (math.atan(3) + math.atan(2))
    assert interspike_interval(p, 20.0) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("reset", "threshold", "expected"),
    [
        (-62, -52, math.inf),  # the fixed point lies between
        (-57, -52, 30 * (1 / 1 - 1 / 6)),  # both above it
        (-62, -59, 30 * (1 / -4 - 1 / -1)),  # both below it
        (-58, -52, math.inf),  # reset on it
        (-62, -58, math.inf),  # threshold on it
    ],
)
def test_q_0(reset, threshold, expected):
    p = DEFAULTS.replace(reset_pot=reset, threshold=threshold)
    assert interspike_interval(p, 16.0) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(
    ("reset", "threshold", "expected"),
    [
        (-62, -52, math.inf),  # it relaxes to the lower fixed point
        (-58, -52, math.inf),  # between the two
        (-55, -52, math.inf),  # reset on the upper one
        (-54, -52, 30 / 6 * math.log((3 * 7) / (9 * 1))),  # above the upper one: it fires
        (-65, -62, 30 / 6 * math.log((-7 * -4) / (-1 * -10))),  # x2 < -k: it rises through threshold
        (-65, -61, math.inf),  # threshold on the lower one
        (-65, -60, math.inf),  # threshold just above the lower one
    ],
)
def test_q_below_0(reset, threshold, expected):
    # With current 7: q = -9, k = 3, fixed points at -61 and -55.
    p = DEFAULTS.replace(reset_pot=reset, threshold=threshold)
    assert interspike_interval(p, 7.0) == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize(("reset", "threshold"), [(-57, -52), (-62, -59)])
def test_is_smooth_through_q_0(reset, threshold):
    p = DEFAULTS.replace(reset_pot=reset, threshold=threshold)
    at_0 = float(interspike_interval(p, 16.0))
    # Currents are spaced by 4e-15 here: q is as small as it can be.
    near = 16.0 + np.array([-1e-6, -1e-9, -1e-12, -4e-15, 4e-15, 1e-12, 1e-9, 1e-6])
    np.testing.assert_allclose(interspike_interval(p, near), at_0, rtol=2e-6)
    np.testing.assert_allclose(interspike_interval(p, near[1:-1]), at_0, rtol=2e-9)
    np.testing.assert_allclose(interspike_interval(p, near[2:-2]), at_0, rtol=1e-11)
    assert np.all(np.diff(interspike_interval(p, np.linspace(15.9, 16.1, 201))) < 0)


def test_diverges_as_pi_over_root_q():
    q = 2.0 ** -np.arange(10, 40)
    np.testing.assert_allclose(
        interspike_interval(DEFAULTS, 16 + q), 30 * (np.pi / np.sqrt(q) - 1 / 4 - 1 / 6), rtol=1e-4
    )


def test_reset_next_to_the_upper_fixed_point():
    """The escape time grows with the logarithm of the distance, which must survive rounding."""
    p = DEFAULTS.replace(reset_pot=-54.0)
    # At reset the slope is the current alone, and k = sqrt(16 - current) is a little less than x1 = 4.
    current = 2.0 ** -np.arange(4, 60)
    k = np.sqrt(16 - current)
    x1_minus_k = current / (4 + k)
    expected = 30 / (2 * k) * np.log((6 - k) * (4 + k) / ((6 + k) * x1_minus_k))
    np.testing.assert_allclose(interspike_interval(p, current), expected, rtol=1e-13)
    assert interspike_interval(p, 0.0) == np.inf


def test_includes_the_refractory_time():
    held = DEFAULTS.replace(refrac_length=50, dt=0.2)
    free = interspike_interval(DEFAULTS, [16.5, 20.0])
    np.testing.assert_allclose(interspike_interval(held, [16.5, 20.0]), free + 10.0, rtol=1e-15)
    assert firing_rate(held, 1e12) == pytest.approx(100.0, rel=1e-4)


def test_firing_rate_is_in_hertz():
    np.testing.assert_allclose(firing_rate(DEFAULTS, 20.0) * interspike_interval(DEFAULTS, 20.0), 1000.0)
    assert firing_rate(DEFAULTS, [16.0, 0.0, -5.0]).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 16.0),
        ({"a0": 0.5, "R": 2.0}, 4.0),
        ({"rest_pot": -64.0}, 25.0),
        ({"reset_pot": -55.0}, 7.0),  # above the midpoint: the leak at reset
        ({"threshold": -60.0}, 12.0),  # below the midpoint: the leak at threshold
        ({"reset_pot": -53.0}, -9.0),  # above critical_pot: fires without input
    ],
)
def test_rheobase(changes, expected):
    p = DEFAULTS.replace(**changes)
    least = rheobase(p)
    assert least.shape == () and least == pytest.approx(expected, rel=1e-14)
    below, at, above = interspike_interval(p, [expected - 1e-9, expected, expected + 1e-9])
    assert below == at == np.inf and above < np.inf


def test_broadcasts_currents_and_neurons():
    a0 = np.array([0.5, 1.0, 2.0])
    p = DEFAULTS.replace(n=3, a0=a0)
    currents = np.array([[17.0], [40.0]])
    table = interspike_interval(p, currents)
    assert table.shape == (2, 3)
    for row, current in enumerate(currents[:, 0]):
        for column, value in enumerate(a0):
            assert table[row, column] == interspike_interval(DEFAULTS.replace(a0=value), current)
    assert rheobase(p).tolist() == [8.0, 16.0, 32.0]
    assert interspike_interval(p, 40.0).shape == (3,)
    assert interspike_interval(DEFAULTS, 40.0).shape == ()
    assert interspike_interval(DEFAULTS, np.zeros((2, 5))).shape == (2, 5)
    assert interspike_interval(DEFAULTS, []).shape == (0,)


@pytest.mark.parametrize(
    ("current", "text"),
    [
        (np.inf, "current must be finite, not inf"),
        ([1.0, np.nan], "current must be finite, not [ 1. nan]"),
        ("ten", "current must be a number or an array, not 'ten'"),
        (1j, "current must be a number or an array, not 1j"),
        ([[1.0], [1.0, 2.0]], "current must be a number or an array, not [[1.0], [1.0, 2.0]]"),
        ([1.0, 2.0], "current must broadcast with the population's shape (3,), not be of shape (2,)"),
    ],
)
def test_unusable_currents(current, text):
    p = DEFAULTS.replace(n=3, a0=[1.0, 1.0, 1.0])
    for function in (interspike_interval, firing_rate):
        with pytest.raises(InputError) as caught:
            function(p, current)
        assert str(caught.value) == text
