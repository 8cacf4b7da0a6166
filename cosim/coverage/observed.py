"""What went through a population in a bench: its handshakes, and each update with what it was made of."""

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.port_words import fields_of
from qlif.cosim.mutation.recorded_benches import Stimulus
from qlif.hdl.interface import Interface
from qlif.model.golden import step
from qlif.model.golden.neurons import FixedNeurons
from qlif.model.golden.step import State
from qlif.model.random_words import RandomWords
from qlif.model.rounding import Rounding, Where
from qlif.model.words import Words

Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Stretch:
    """The clocks between two resets.

    Attributes
    ----------
    ports : dict of str to array of uint64, (clocks,)
        What stood on each port when the clock rose.
    reset_clocks : int
        How long the reset before it was.
    cut_off : bool
        Another reset ends it, not the bench.
    """

    ports: Mapping[str, npt.NDArray[np.uint64]]
    reset_clocks: int
    cut_off: bool

    def moved(self, stream: str) -> Bits:
        """Return in which clocks something was taken."""
        return self.high(f"{stream}_valid") & self.high(f"{stream}_ready")

    def stalled(self, stream: str) -> Bits:
        """Return in which clocks something was offered and not taken."""
        return self.high(f"{stream}_valid") & ~self.high(f"{stream}_ready")

    def high(self, port: str) -> Bits:
        """Return in which clocks a port was 1."""
        return self.ports[port].astype(np.bool_)


def stretches(stimulus: Stimulus) -> Iterator[Stretch]:
    """Give the stretches of a bench's run, in order; what is before its first reset is nobody's."""
    reset = stimulus.words["rst"].astype(np.bool_)
    edges = np.flatnonzero(np.diff(reset.astype(np.int8), prepend=0, append=0))
    begins = [int(edge) for edge in edges if edge < len(reset) and reset[edge]]
    for number, begin in enumerate(begins):
        end = begins[number + 1] if number + 1 < len(begins) else len(reset)
        length = int(np.argmin(reset[begin:end])) if not reset[begin:end].all() else end - begin
        ports = {name: words[begin + length : end] for name, words in stimulus.words.items()}
        yield Stretch(ports, length, number + 1 < len(begins))


@dataclass(frozen=True, eq=False)
class Updates:
    """Updates, each with what it was made of, as words.

    Attributes
    ----------
    neuron : array of int
        Whose they are.
    current, potential, refractory, trace, phase : array of int
        What went in; the phase is 0 where it has no bits.
    total : array of int
        The potential after integration, if the format had no end. Of a refractory neuron too, where nobody
        looks at it.
    floor, half_up, half_even : array of int
        The same with another rounding: down, to the nearest, to the nearest and even.
    next_potential, next_refractory, next_trace, next_phase, spike : array of int
        What came out.
    previous_current, previous_spike : array of int
        Of the same neuron's update before; 0 in the first timestep.
    """

    neuron: npt.NDArray[Any]
    current: npt.NDArray[Any]
    potential: npt.NDArray[Any]
    refractory: npt.NDArray[Any]
    trace: npt.NDArray[Any]
    phase: npt.NDArray[Any]
    total: npt.NDArray[Any]
    floor: npt.NDArray[Any]
    half_up: npt.NDArray[Any]
    half_even: npt.NDArray[Any]
    next_potential: npt.NDArray[Any]
    next_refractory: npt.NDArray[Any]
    next_trace: npt.NDArray[Any]
    next_phase: npt.NDArray[Any]
    spike: npt.NDArray[Any]
    previous_current: npt.NDArray[Any]
    previous_spike: npt.NDArray[Any]


def updates(stretch: Stretch, interface: Interface) -> Updates | None:
    """Return the updates of a stretch that came out, as the golden model makes them; None if there are none.

    The testbenches compare all outputs with the golden model, so this is what happened.
    """
    words, (port,) = interface.words, interface.currents.payload
    rows = stretch.ports[port.name][stretch.moved("currents")]
    if not len(rows):
        return None
    table = np.ascontiguousarray(rows.astype("<u8")).view(np.uint8).reshape(len(rows), -1)
    bits = np.unpackbits(table, axis=1, bitorder="little")[:, : port.width]
    (fields,) = fields_of(interface.currents, bits).values()
    taken = fields.ravel()
    neurons = words.parameters.n
    steps = len(taken) // neurons
    came = min(int(stretch.moved("updates").sum()) * interface.lanes, steps * neurons)
    if not came:
        return None
    currents = taken[: steps * neurons].reshape(steps, neurons)
    golden = FixedNeurons(words)
    first = golden.state
    spikes, after = golden.run_words(currents, State._fields)
    before = {
        name: np.concatenate([np.asarray(getattr(first, name)).reshape(1, -1), after[name][:-1]])
        for name in after
    }
    exact: type = np.int64 if words.largest_width < 63 else object
    random: Any = 0
    if words.arithmetic.random_bits:
        random = RandomWords(words.arithmetic.random_seed).take(currents.size).reshape(currents.shape)
    potential: Any = before["potential"].astype(exact)
    phase: Any = before["phase"].astype(exact)
    totals = sums(words, potential, phase, currents.astype(exact), random, np.where)
    nothing = np.zeros((1, neurons), dtype=np.int64)
    columns = {
        "neuron": np.broadcast_to(np.arange(neurons), currents.shape),
        "current": currents,
        **before,
        **totals,
        **{f"next_{name}": column for name, column in after.items()},
        "spike": spikes,
        "previous_current": np.concatenate([nothing, currents[:-1]]),
        "previous_spike": np.concatenate([nothing, spikes[:-1]]),
    }
    return Updates(
        **{name: np.asarray(column).ravel()[:came].astype(np.int64) for name, column in columns.items()}
    )


def sums(words: Words, potential: Any, phase: Any, current: Any, random: Any, where: Where) -> dict[str, Any]:
    """Return the potential after integration in a format without ends, by how it is rounded.

    The golden model's own, on any kind of integers: ``total`` with the rounding of `words`, ``floor``,
    ``half_up`` and ``half_even`` with another.
    """

    def rounded(**changes: Any) -> Any:
        one = dataclasses.replace(words, arithmetic=words.arithmetic.replace(**changes))
        return step.rounded_sum(one, one.values, potential, current, random, where, phase)

    others = {"floor": Rounding.TRN, "half_up": Rounding.RND, "half_even": Rounding.RND_CONV}
    return {"total": rounded()} | {
        name: rounded(rounding=rounding, random_bits=0) for name, rounding in others.items()
    }
