import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlif.model.exceptions import InputError
from qlif.model.inputs import stimuli
from qlif.model.inputs.stimuli import Constant, OrnsteinUhlenbeck, Poisson, Ramp, Sine, Step, make, parse

SIZE = {"timesteps": 50, "neurons": 3, "dt": 0.1}


def firing_rate(currents, dt):
    """Spikes per second and neuron of the default neuron: forward Euler, as in the numbers page."""
    potential = np.full(currents.shape[1], -62.0)
    held = np.zeros(currents.shape[1], int)
    spikes = 0
    for current in currents:
        step = dt / 10 * ((potential + 62) * (potential + 54) + current)
        potential = np.where(held == 0, potential + step, potential)
        fired = potential >= -52
        held = np.where(fired, 5, np.maximum(held - 1, 0))
        potential = np.where(fired, -62.0, potential)
        spikes += fired.sum()
    return spikes / (currents.size * dt / 1000)


@pytest.mark.parametrize("name", stimuli.STIMULI)
def test_a_default_stimulus_makes_the_default_neuron_fire(name):
    currents = make(name, timesteps=10_000, neurons=8, dt=0.1, seed=1)
    assert currents.shape == (10_000, 8)
    assert currents.dtype == np.float64
    assert currents.flags.c_contiguous
    assert 5 < firing_rate(currents, 0.1) < 100


@pytest.mark.parametrize("kind", stimuli.STIMULI.values())
def test_stimuli_are_frozen(kind):
    stimulus = kind()
    with pytest.raises(dataclasses.FrozenInstanceError):
        stimulus.spread = 1.0


def test_constant():
    np.testing.assert_array_equal(Constant(18.0).currents(**SIZE), np.full((50, 3), 18.0))


def test_stratified_currents_come_one_from_each_stratum_and_change_with_the_seed():
    first, second = (
        make("stratified:low=10,high=50", timesteps=3, neurons=40, dt=0.1, seed=s) for s in (1, 2)
    )
    assert np.array_equal(first[0], first[2])
    for currents in (first, second):
        assert np.floor(currents[0] - 10).tolist() == list(range(40))
    assert not np.any(first == second)
    with pytest.raises(InputError, match=r"high must be above low \(10.0 mV\), not 10.0 mV"):
        make("stratified:low=10,high=10", timesteps=1, neurons=1, dt=0.1)


def test_spread_multiplies_the_current_linearly_over_the_neurons():
    for stimulus in (Constant(), Step(), Ramp(), Sine()):
        plain = stimulus.currents(**SIZE)
        spread = dataclasses.replace(stimulus, spread=0.2).currents(**SIZE)
        np.testing.assert_allclose(spread, plain * [0.8, 1.0, 1.2])


def test_spread_leaves_a_single_neuron_alone():
    assert Constant(20.0, spread=0.5).currents(timesteps=1, neurons=1, dt=0.1) == 20.0


def test_step_is_a_pulse_from_onset_to_offset():
    currents = Step(1.0, 5.0, onset=0.3, offset=0.7).currents(timesteps=10, neurons=1, dt=0.1)
    np.testing.assert_array_equal(currents[:, 0], [1, 1, 1, 5, 5, 5, 5, 1, 1, 1])


def test_step_without_an_offset_lasts_to_the_end():
    currents = Step(1.0, 5.0, onset=0.7).currents(timesteps=10, neurons=1, dt=0.1)
    np.testing.assert_array_equal(currents[:, 0], [1] * 7 + [5] * 3)


def test_step_may_come_after_the_run():
    currents = Step(1.0, 5.0, onset=1e300, offset=1e308).currents(timesteps=4, neurons=1, dt=1e-20)
    np.testing.assert_array_equal(currents, np.ones((4, 1)))


def test_ramp_reaches_both_ends():
    currents = Ramp(2.0, 4.0).currents(timesteps=5, neurons=2, dt=1.0)
    np.testing.assert_array_equal(currents, np.outer([2, 2.5, 3, 3.5, 4], [1, 1]))


def test_sine():
    currents = Sine(1.0, 2.0, frequency=250.0, phase=math.pi / 2).currents(timesteps=5, neurons=1, dt=1.0)
    np.testing.assert_allclose(currents[:, 0], [3, 1, -1, 1, 3], atol=1e-12)


def test_sine_refuses_a_frequency_that_aliases():
    with pytest.raises(InputError) as error:
        Sine(frequency=5001.0).currents(**SIZE)
    assert str(error.value) == (
        "frequency must be from 0 to 5000 Hz, half a cycle in a timestep of 0.1 ms, not 5001"
    )


# The statistics below are of 200 neurons for 500 ms at fixed seeds. A bound is five standard errors
# of the estimator, computed from the correlation time; a right process fails it with odds of 1e-6.
NEURONS, TIMESTEPS, DT = 200, 5000, 0.1
DURATION = TIMESTEPS * DT


def standard_errors(tau):
    """Relative standard errors of the mean (in units of sd) and of the variance of an OU process.

    The mean of a run T averages T / (2 tau) independent values, the square, whose autocorrelation
    decays twice as fast, T / tau.
    """
    return math.sqrt(2 * tau / (DURATION * NEURONS)), math.sqrt(2 * tau / (DURATION * NEURONS))


@pytest.mark.parametrize("tau", [0.05, 3.0, 20.0])
def test_ou_has_its_mean_and_standard_deviation(tau):
    noise = OrnsteinUhlenbeck(mean=17.0, sd=6.0, tau=tau).currents(
        timesteps=TIMESTEPS, neurons=NEURONS, dt=DT, seed=11
    )
    # A correlation time below the timestep leaves white noise: a value per timestep.
    of_mean, of_variance = standard_errors(max(tau, DT))
    assert abs(noise.mean() - 17) / 6 < 5 * of_mean
    assert abs(np.mean((noise - 17) ** 2) / 36 - 1) < 5 * of_variance


@pytest.mark.parametrize("tau", [3.0, 20.0])
@pytest.mark.parametrize("lag", [0.1, 3.0, 10.0])
def test_ou_has_an_exponential_autocorrelation(tau, lag):
    noise = OrnsteinUhlenbeck(mean=0.0, sd=1.0, tau=tau).currents(
        timesteps=TIMESTEPS, neurons=NEURONS, dt=DT, seed=12
    )
    steps = round(lag / DT)
    correlation = np.mean(noise[steps:] * noise[:-steps])
    # The products of values at a lag vary no more than the squares do.
    _, of_variance = standard_errors(tau)
    assert abs(correlation - math.exp(-lag / tau)) < 5 * of_variance


def test_ou_starts_in_the_stationary_distribution():
    first = OrnsteinUhlenbeck(mean=0.0, sd=2.0, tau=5.0).currents(timesteps=1, neurons=5000, dt=DT, seed=3)
    assert abs(first.mean() / 2) < 5 / math.sqrt(5000)
    assert abs(np.mean((first / 2) ** 2) - 1) < 5 * math.sqrt(2 / 5000)


def test_ou_neurons_are_independent():
    noise = OrnsteinUhlenbeck(mean=0.0, sd=1.0, tau=1.0).currents(
        timesteps=TIMESTEPS, neurons=20, dt=DT, seed=4
    )
    between = np.corrcoef(noise.T)[~np.eye(20, dtype=bool)]
    # The product of two independent processes decorrelates at twice the rate: T / tau values.
    assert np.abs(between).max() < 5 / math.sqrt(DURATION / 1.0)


def test_ou_without_deviation_is_constant():
    np.testing.assert_array_equal(OrnsteinUhlenbeck(sd=0.0).currents(**SIZE), np.full((50, 3), 17.0))


@pytest.mark.parametrize("tau", [1e-320, 1e300])
def test_ou_takes_extreme_correlation_times(tau):
    assert np.all(np.isfinite(OrnsteinUhlenbeck(tau=tau).currents(**SIZE)))


def test_poisson_follows_campbells_theorem():
    rate, weight, tau = 400.0, 2.5, 4.0
    currents = Poisson(rate, weight, tau, offset=1.0).currents(
        timesteps=TIMESTEPS + 1000, neurons=NEURONS, dt=DT, seed=5
    )
    settled = currents[1000:] - 1  # 25 time constants
    mean, variance = rate / 1000 * weight * tau, rate / 1000 * weight**2 * tau / 2
    # Campbell is about continuous time: the mean here is larger by dt/(2 tau), the variance by dt/tau.
    of_mean, of_variance = standard_errors(tau)
    assert abs(settled.mean() - mean * (1 + DT / (2 * tau))) < 5 * of_mean * math.sqrt(variance)
    # Shot noise has the fourth cumulant rate weight^4 tau/4, which adds kurtosis to the Gaussian 2.
    kurtosis = rate / 1000 * weight**4 * tau / 4 / variance**2
    bound = 5 * of_variance * math.sqrt(1 + kurtosis / 2)
    assert abs(np.mean((settled - settled.mean()) ** 2) / (variance * (1 + DT / tau)) - 1) < bound
    assert settled.min() >= 0


def test_poisson_events_add_their_weight_and_decay():
    currents = Poisson(rate=50.0, weight=2.0, tau=1.0).currents(timesteps=4000, neurons=1, dt=0.1, seed=2)
    added = currents[1:, 0] - currents[:-1, 0] * math.exp(-0.1)
    events = added / 2
    np.testing.assert_allclose(events, np.round(events), atol=1e-12)
    assert events.max() >= 1


def test_poisson_without_events_is_its_offset():
    np.testing.assert_array_equal(Poisson(rate=0.0, offset=3.0).currents(**SIZE), np.full((50, 3), 3.0))


def test_poisson_may_inhibit():
    assert Poisson(weight=-3.0).currents(**SIZE).max() <= 0


def test_poisson_refuses_a_rate_beyond_counting():
    with pytest.raises(InputError) as error:
        Poisson(rate=1e20).currents(**SIZE)
    assert str(error.value) == "rate must be from 0 to 1e+13 Hz at dt 0.1 ms, not 1e+20"


@pytest.mark.parametrize("kind", [OrnsteinUhlenbeck, Poisson])
class TestFrozenNoise:
    def test_the_same_seed_gives_the_same_bits(self, kind):
        first, second = (kind().currents(**SIZE, seed=7) for _ in range(2))
        assert first.tobytes() == second.tobytes()

    def test_another_seed_gives_other_noise(self, kind):
        assert np.any(kind().currents(**SIZE, seed=7) != kind().currents(**SIZE, seed=8))

    def test_every_neuron_has_its_own(self, kind):
        noise = kind().currents(timesteps=200, neurons=6, dt=0.1)
        assert len({column.tobytes() for column in noise.T}) == 6

    def test_shared_gives_all_the_sequence_of_the_first(self, kind):
        own, shared = kind().currents(**SIZE), kind(shared=True).currents(**SIZE)
        np.testing.assert_array_equal(shared, np.repeat(own[:, :1], 3, axis=1))

    def test_a_neuron_keeps_its_noise_in_a_larger_population_and_a_longer_run(self, kind):
        small, large = kind().currents(**SIZE), kind().currents(timesteps=80, neurons=9, dt=0.1)
        assert large[:50, :3].tobytes() == small.tobytes()


@pytest.mark.parametrize(
    ("text", "stimulus"),
    [
        ("ou", OrnsteinUhlenbeck()),
        ("ou:mean=18,sd=6,tau=3", OrnsteinUhlenbeck(mean=18.0, sd=6.0, tau=3.0)),
        ("ou:shared=true", OrnsteinUhlenbeck(shared=True)),
        ("ou:shared=False", OrnsteinUhlenbeck(shared=False)),
        (" ou : mean = 1e1 , sd=0", OrnsteinUhlenbeck(mean=10.0, sd=0.0)),
        ("constant:amplitude=-3", Constant(-3.0)),
        ("step:onset=5,offset=10", Step(onset=5.0, offset=10.0)),
        ("ramp:start=0,stop=40,spread=0.1", Ramp(0.0, 40.0, 0.1)),
        ("sine:frequency=40,phase=1.5", Sine(frequency=40.0, phase=1.5)),
        ("poisson:rate=50.5,weight=-2", Poisson(50.5, -2.0)),
    ],
)
def test_parse(text, stimulus):
    assert parse(text) == stimulus
    expected = stimulus.currents(**SIZE, seed=3)
    np.testing.assert_array_equal(make(text, **SIZE, seed=3), expected)


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=30) | st.from_regex(r"(ou|step|poisson):[a-z]{1,6}=[-.e0-9a-z]{1,5}", fullmatch=True))
def test_any_text_is_a_stimulus_or_a_one_line_error(text):
    try:
        parse(text)
    except InputError as error:
        assert "\n" not in str(error)


SUFFIXES = ".npy, .csv, .wav, .flac, .ogg, .aiff or .aif"
KNOWN = "constant, stratified, step, ramp, sine, ou, poisson, FILE" + SUFFIXES.replace(" or ", ", ").replace(
    ", ", ", FILE"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("oo", "unknown input 'oo': did you mean 'ou'?"),
        ("poison:rate=3", "unknown input 'poison': did you mean 'poisson'?"),
        ("", f"unknown input '': known are {KNOWN}"),
        ("zzz", f"unknown input 'zzz': known are {KNOWN}"),
        ("talk.mp3:scale=3", f"an input file must end in {SUFFIXES}, not 'talk.mp3'"),
        ("data/talk", f"an input file must end in {SUFFIXES}, not 'data/talk'"),
        (
            "a.wav,scale=3",
            "after a file name, options must follow a colon, file:option=value, not 'a.wav,scale=3'",
        ),
        ("ou:maen=3", "unknown option of ou 'maen': did you mean 'mean'?"),
        ("ou:q=3", "unknown option of ou 'q': known are mean, sd, tau, shared"),
        ("ou:", "an option must be written name=value, not ''"),
        ("ou:mean", "an option must be written name=value, not 'mean'"),
        ("ou:mean=", "an option must be written name=value, not 'mean='"),
        ("ou:=3", "an option must be written name=value, not '=3'"),
        ("ou:sd=3,,tau=1", "an option must be written name=value, not ''"),
        ("ou:sd=3,sd=4", "option 'sd' is given twice, as '3' and '4'"),
        ("ou:mean=much", "mean must be a number, not 'much'"),
        ("ou:mean=nan", "mean must be finite, not nan"),
        ("ou:mean=1e999", "mean must be finite, not inf"),
        ("ou:sd=-1", "sd must be 0 mV or more, not -1.0"),
        ("ou:tau=0", "tau must be greater than 0 ms, not 0.0"),
        ("ou:shared=2", "shared must be true or false, not '2'"),
        ("poisson:rate=-1", "rate must be 0 Hz or more, not -1.0"),
        ("poisson:tau=-2", "tau must be greater than 0 ms, not -2.0"),
        ("poisson:weight=inf", "weight must be finite, not inf"),
        ("sine:frequency=-1", "frequency must be 0 Hz or more, not -1.0"),
        ("constant:spread=1.5", "spread must be from 0 to 1, not 1.5"),
        ("step:onset=-1", "onset must be 0 ms or more, not -1.0"),
        ("step:onset=5,offset=4", "offset must be at or after onset (5.0 ms), not 4.0 ms"),
        (
            "constant:amplitude=1.7e308,spread=1",
            "Constant(amplitude=1.7e+308, spread=1.0) gives currents that aren't finite",
        ),
    ],
)
def test_errors_of_a_text(text, message):
    with pytest.raises(InputError) as error:
        make(text, **SIZE)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"timesteps": 0}, "timesteps must be a whole number, 1 or more, not 0"),
        ({"timesteps": 2.5}, "timesteps must be a whole number, 1 or more, not 2.5"),
        ({"timesteps": None}, "timesteps must be given for the input 'ou': only a file has its own"),
        ({"neurons": -1}, "neurons must be a whole number, 1 or more, not -1"),
        ({"neurons": True}, "neurons must be a whole number, 1 or more, not True"),
        ({"neurons": None}, "neurons must be given for the input 'ou': only a file has its own"),
        ({"dt": 0}, "dt must be greater than 0 ms, not 0.0"),
        ({"dt": math.nan}, "dt must be finite, not nan"),
        ({"dt": 10**400}, "dt must be finite, not inf"),
        ({"dt": "fast"}, "dt must be a number, not 'fast'"),
        ({"seed": -1}, "seed must be a whole number, 0 or more, not -1"),
        ({"timesteps": 10**30}, "an input of 1e+30 timesteps of 3 neurons takes about "),
        ({"timesteps": 10**17}, "an input of 1e+17 timesteps of 3 neurons takes about "),
    ],
)
def test_errors_of_the_common_arguments(change, message):
    with pytest.raises(InputError) as error:
        make("ou", **{**SIZE, **change})
    # What of the machine's memory is available isn't always the same.
    assert str(error.value).startswith(message) if message.endswith(" ") else str(error.value) == message


def test_fields_are_checked_when_a_stimulus_is_made():
    for wrong, message in [
        ({"mean": "1"}, "mean must be a number, not '1'"),
        ({"sd": True}, "sd must be a number, not True"),
        ({"tau": None}, "tau must be a number, not None"),
        ({"shared": 1}, "shared must be true or false, not 1"),
    ]:
        with pytest.raises(InputError) as error:
            OrnsteinUhlenbeck(**wrong)
        assert str(error.value) == message


def test_summary_lists_options_defaults_and_ranges():
    assert stimuli.summary("ou") == (
        "ou: mean=17.0 (mV), sd=8.0 (0 mV or more), tau=5.0 (greater than 0 ms), shared=false (true or false)"
    )
    assert "offset=none (0 ms or more), spread=0.0 (from 0 to 1)" in stimuli.summary("step")
    with pytest.raises(InputError, match=r"^unknown input 'uo'"):
        stimuli.summary("uo")
