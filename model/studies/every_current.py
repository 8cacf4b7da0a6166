"""First spikes under every current that a format has, each held constant: a maximum over these is no sample's.

Neurons go in blocks of neighbouring currents. A block is done when every neuron in it has its spikes or is at rest:
one whose whole state is the same after a timestep as before, under an input that stays, never moves again.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.model.arithmetic import Arithmetic
from qlif.model.exceptions import InputError
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.kernel.room import Room
from qlif.model.kernel.running import Rows
from qlif.model.metrics.first_spikes import Reals, place
from qlif.model.parameters import Parameters
from qlif.model.quantisation import quantise
from qlif.model.reference import FloatNeurons

Words = npt.NDArray[np.int64]

BLOCK = 8192
"""Neurons that are computed together."""

PIECE = 500
"""Timesteps between two looks at which neurons are done."""

WIDEST = 20
"""At most 2 to this power currents are tried: a million neurons."""


def of_arithmetic(
    neuron: Parameters, arithmetic: Arithmetic, words: Words, timesteps: int, count: int
) -> Reals:
    """Return the first spikes of the fixed-point neuron under current words, each held.

    Parameters
    ----------
    neuron : Parameters
        Every parameter a single number.
    arithmetic : Arithmetic
        Without stochastic rounding.
    words : array of int, (currents,)
        Rising, as :func:`every_word` gives them.
    timesteps : int
        Length of the run.
    count : int
        Spikes of each neuron.

    Returns
    -------
    ndarray of float64, (currents, count)
        As :func:`qlif.model.metrics.first_spikes.first_spikes` gives them.

    Raises
    ------
    InputError
        Stochastic rounding, or an arithmetic that can't hold the neuron.
    """
    if arithmetic.rounding.stochastic:
        raise InputError(
            f"rounding must not be {arithmetic.rounding} for every current: no figure would be a maximum"
        )
    keep = ("phase",) if arithmetic.phase_bits else ()
    one, parts = _blocks(neuron, words)
    neurons = FixedNeurons(quantise(one, arithmetic))

    def state() -> npt.NDArray[Any]:
        return np.array(neurons.state)

    blocks = []
    for part in parts:
        neurons.reset()
        piece = np.ascontiguousarray(np.broadcast_to(part, (PIECE, one.n)), dtype=neurons.current_type)
        run = functools.partial(neurons.run, keep=keep)
        blocks.append(_run(run, state, piece, timesteps, count, 1 << arithmetic.phase_bits))
    return np.concatenate(blocks)[: len(words)]


def of_euler(neuron: Parameters, currents: Reals, timesteps: int, count: int, phases: bool = False) -> Reals:
    """Return the first spikes of float64 Euler under currents, mV per unit of ``R``, each held.

    With `phases` it keeps what is left of a timestep after a spike. Otherwise as :func:`of_arithmetic`.
    """
    one, parts = _blocks(neuron, currents)
    neurons = FloatNeurons(one, substep=phases)

    def state() -> npt.NDArray[Any]:
        return np.array([neurons.v, neurons.refrac_count])

    blocks = []
    for part in parts:
        neurons.reset()
        piece = np.ascontiguousarray(np.broadcast_to(part, (PIECE, one.n)))
        run = functools.partial(neurons.run, keep=("phase",) if phases else ())
        blocks.append(_run(run, state, piece, timesteps, count, 1))
    return np.concatenate(blocks)[: len(currents)]


def every_word(neuron: Parameters, arithmetic: Arithmetic, low: float, high: float) -> Words:
    """Return all current words from one current to another, both included, mV per unit of ``R``.

    Raises
    ------
    InputError
        There are none, or more than 2 to the power of :data:`WIDEST`.
    """
    words = quantise(neuron.replace(n=1), arithmetic)
    format = arithmetic.current
    ends = words.currents(np.array([format.min_word, format.max_word]))
    step = (ends[1] - ends[0]) / (format.max_word - format.min_word)
    # Ends between two words are rounded inwards, but not by floating-point error.
    first = max(math.ceil(round((low - ends[0]) / step, 6)), 0)
    last = min(math.floor(round((high - ends[0]) / step, 6)), format.max_word - format.min_word)
    if not 0 < last - first + 1 <= 1 << WIDEST:
        raise InputError(
            f"there must be from 1 to 2**{WIDEST} currents to try each, not {max(0, last - first + 1)} as "
            f"{format} has from {low:g} to {high:g} mV"
        )
    return np.arange(first, last + 1) + format.min_word


def _blocks(neuron: Parameters, currents: npt.NDArray[Any]) -> tuple[Parameters, list[npt.NDArray[Any]]]:
    """Return the neurons of a block, and the currents of each; the last are filled up with the highest."""
    size = min(BLOCK, len(currents))
    filled = np.pad(currents, (0, -len(currents) % size), mode="edge")
    return neuron.replace(n=size, spike_trace=False), np.split(filled, len(filled) // size)


def _run(
    run: Callable[[Rows, int], Room | None],
    state: Callable[[], npt.NDArray[Any]],
    piece: npt.NDArray[Any],
    timesteps: int,
    count: int,
    units: int,
) -> Reals:
    """Advance a block until it is done, and return its first spikes."""
    neurons = piece.shape[1]
    times = np.full((neurons, count), float(timesteps))
    counts = np.zeros(neurons, dtype=np.int64)

    def advance(begin: int, length: int) -> npt.NDArray[np.int64]:
        room = run(lambda first, end: piece[: end - first], length)
        assert room is not None
        whose, steps, left = spikes_of(room, neurons, units)
        place(times, counts, whose, begin + steps - left)
        return whose

    begin = 0
    while begin < timesteps and np.any(counts < count):
        length = min(PIECE, timesteps - begin)
        if length > 1:
            advance(begin, length - 1)
        before = state()
        moved = np.zeros(neurons, dtype=np.bool_)
        moved[advance(begin + length - 1, 1)] = True
        moved |= np.any(state() != before, axis=0)
        if not np.any(moved & (counts < count)):
            break
        begin += length
    return times


def spikes_of(
    room: Room, neurons: int, units: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Reals]:
    """Return whose spikes there are, in which timesteps, and what was left of those, by neuron."""
    steps, places = np.nonzero(room.spikes)
    bits = np.unpackbits(
        np.ascontiguousarray(room.spikes[steps, places], dtype="<u8").view(np.uint8).reshape(-1, 8),
        axis=1,
        bitorder="little",
    )
    word, bit = np.nonzero(bits)
    whose, when = places[word] * 64 + bit, steps[word]
    order = np.lexsort((when, whose))
    whose, when = whose[order], when[order]
    phases = room.kept["phase"]
    left = phases[when, whose] / units if len(phases) else np.zeros(len(when))
    return whose, when, left
