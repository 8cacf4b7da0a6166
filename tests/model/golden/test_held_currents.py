"""The golden model with currents that are held, against a loop that holds them itself."""

import pickle

import numpy as np
import pytest

from qlif.model import QLIFPopulation
from qlif.model.exceptions import InputError
from qlif.model.golden.held_currents import CurrentWrite, changes
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise


def neurons(n: int = 5) -> FixedNeurons:
    return FixedNeurons(quantise(Parameters(n=n), preset("square-18")))


def test_a_run_is_that_of_the_last_words_written() -> None:
    random = np.random.default_rng(3)
    words = neurons().words.arithmetic.current
    writes = [
        CurrentWrite(int(step), int(random.integers(5)), int(random.integers(words.max_word)))
        for step in random.integers(0, 300, 80)
    ]
    held, expected = [0] * 5, np.empty((300, 5), dtype=np.int64)
    for step in range(300):
        for write in writes:
            if write.step == step:
                held[write.neuron] = write.word
        expected[step] = held
    streamed, holding = neurons(), neurons()
    spikes, kept = streamed.run_words(expected)
    room = holding.run_held(300, writes, ("potential",))
    assert spikes.any()
    assert np.array_equal(room.kept["potential"], kept["potential"])
    assert holding.held.tolist() == held
    # It goes on from there, after a reset and in a copy too.
    copy = pickle.loads(pickle.dumps(holding))
    copy.reset()
    streamed.reset()
    _, kept = streamed.run_words(np.tile(held, (50, 1)))
    assert np.array_equal(copy.run_held(50, keep=("potential",)).kept["potential"], kept["potential"])


def test_changes_are_the_fewest_writes() -> None:
    currents = np.array([[0, 3], [0, 3], [4, 3], [4, 0]])
    assert changes(currents) == [CurrentWrite(0, 1, 3), CurrentWrite(2, 0, 4), CurrentWrite(3, 1, 0)]
    assert changes(currents[:1], np.array([7, 3])) == [CurrentWrite(0, 0, 0)]


@pytest.mark.parametrize(
    ("write", "text"),
    [
        (CurrentWrite(0, 5, 1), "neuron must be below 5, not 5"),
        (CurrentWrite(0, -1, 1), "neuron must be"),
        (CurrentWrite(10, 0, 1), "step must be below the run's 10 timesteps, not 10"),
        (CurrentWrite(0, 0, 1 << 17), "the word of a current must be from -131072 to 131071"),
        (CurrentWrite(0, 0, True), "not True"),
    ],
)
def test_an_invalid_write_changes_nothing(write: CurrentWrite, text: str) -> None:
    holding = neurons()
    with pytest.raises(InputError, match=text):
        holding.run_held(10, [CurrentWrite(0, 0, 9000), write])
    assert not holding.held.any()
    assert np.array_equal(holding.state.potential, neurons().state.potential)


def test_a_population_holds_currents_in_mv() -> None:
    streamed, holding = (QLIFPopulation(shape=(2, 2), arithmetic="square-18") for _ in range(2))
    holding.hold(30.0)
    holding.hold(12.5, neuron=3)
    expected = streamed.run(np.tile([[30.0, 30.0], [30.0, 12.5]], (400, 1, 1)))
    got = holding.run_held(400)
    assert expected.spikes.any()
    assert np.array_equal(got.spikes, expected.spikes)
    assert np.array_equal(got.potentials, expected.potentials)
    holding.reset_state_variables()
    assert holding.run_held(400).spikes.sum() == expected.spikes.sum()


def test_what_can_not_be_held_is_refused() -> None:
    holding = QLIFPopulation(n=2, arithmetic="square-18")
    with pytest.raises(InputError, match="neuron must be below 2, not 2"):
        holding.hold(1.0, neuron=2)
    with pytest.raises(InputError, match=r"one number for a neuron, not of shape \(2,\)"):
        holding.hold([1.0, 2.0], neuron=0)
    with pytest.raises(InputError, match="inf"):
        holding.hold(np.inf, neuron=0)
    with pytest.raises(InputError, match="each of changes must be a CurrentWrite, not 3"):
        holding.run_held(4, [3])  # type: ignore[list-item]
    with pytest.raises(InputError, match="timesteps must be"):
        holding.run_held(0)
    with pytest.raises(InputError, match="held currents need a fixed-point population"):
        QLIFPopulation(n=2).hold(1.0)
