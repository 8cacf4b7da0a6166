"""`Core`: the hardware to be built, as one checked object; gates, interface, proof and testbenches follow from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType
from typing import assert_never

from qlif.hdl.primitives import PORTABLE, Primitives
from qlif.hdl.storage import RuntimeParameter, Storage, place
from qlif.model.exceptions import InputError, show, unknown_name
from qlif.model.formats import UQ, Format
from qlif.model.words import Words

STEP_BITS = 32
"""Default width of the timestep in an event; it wraps."""

MOST_STEP_BITS = 63
LARGEST_POPULATION = 1 << 20
MOST_LANES = 128
"""The largest power of two of multipliers that a device of ours has; and the AXI shell tells them in a byte."""


class Streams(StrEnum):
    """Which streams of results a population has."""

    BOTH = "both"
    UPDATES = "updates"
    """Every update, without the timestep."""
    EVENTS = "events"
    """Spikes only: no potential and no trace leaves the population."""

    @property
    def has_updates(self) -> bool:
        """Whether every update is given."""
        return self is not Streams.EVENTS

    @property
    def has_events(self) -> bool:
        """Whether every spike is given, with its timestep."""
        return self is not Streams.UPDATES


class Feed(StrEnum):
    """How currents reach the neurons of a population."""

    STREAM = "stream"
    """A stream of current words: one for each update."""
    HELD = "held"
    """A memory of one current word per neuron, which holds until it is written; a command starts a timestep."""


@dataclass(frozen=True, eq=False)
class Core:
    """A population in hardware, to be built.

    Parameters
    ----------
    words : Words
        The neurons, and their number.
    lanes : int
        Number of pipelines side by side: a power of two that divides the number of neurons.
    storage : mapping of str to Storage
        Where each parameter word is stored; those not named are in the gates. The attribute names every word.
    primitives : Primitives
        Its multipliers and memories.
    step_bits : int
        Width of an event's timestep. With few bits, a short run reaches all carries.
    name : str
        Name of the configuration, for headers and reports.
    streams : Streams
        Which streams of results it has.
    feed : Feed
        How its currents reach it.

    Raises
    ------
    InputError
        One of these is invalid, or `storage` puts a parameter word where it can't be.
    """

    words: Words
    lanes: int = 1
    storage: Mapping[str, Storage] = field(default_factory=dict)
    primitives: Primitives = PORTABLE
    step_bits: int = STEP_BITS
    name: str = "unnamed"
    streams: Streams = Streams.BOTH
    feed: Feed = Feed.STREAM

    def __repr__(self) -> str:
        """Return what it is, in a line."""
        return (
            f"<Core {self.name}: {self.neurons} neurons, lanes {self.lanes}; {self.words.arithmetic.summary}>"
        )

    def __post_init__(self) -> None:
        if self.neurons > LARGEST_POPULATION:
            raise InputError(
                f"neurons must be a whole number from 1 to {LARGEST_POPULATION}, not {self.neurons}"
            )
        powers = [1 << exponent for exponent in range(MOST_LANES.bit_length())]
        if not _is_whole(self.lanes) or self.lanes not in powers:
            raise InputError(f"lanes must be a power of two from 1 to {MOST_LANES}, not {show(self.lanes)}")
        if self.neurons % self.lanes:
            raise InputError(f"neurons must be a multiple of the {self.lanes} lanes, not {self.neurons}")
        if not _is_whole(self.step_bits) or not 2 <= self.step_bits <= MOST_STEP_BITS:
            raise InputError(
                f"step_bits must be a whole number from 2 to {MOST_STEP_BITS}, not {show(self.step_bits)}"
            )
        if not isinstance(self.name, str) or not self.name.isprintable():
            raise InputError(f"name must be printable text in one line, not {show(self.name)}")
        if self.streams not in list(Streams):
            raise InputError(unknown_name("streams", str(self.streams), list(Streams)))
        if self.feed not in list(Feed):
            raise InputError(unknown_name("feed", str(self.feed), list(Feed)))
        object.__setattr__(self, "streams", Streams(self.streams))
        object.__setattr__(self, "feed", Feed(self.feed))
        object.__setattr__(self, "storage", MappingProxyType(place(self.words, self.storage)))

    def __reduce__(self) -> tuple[object, ...]:
        # A mapping that can't be written to can't be pickled either.
        given = (self.words, self.lanes, dict(self.storage), self.primitives, self.step_bits, self.name)
        return Core, (*given, self.streams, self.feed)

    @property
    def holds_currents(self) -> bool:
        """Whether its currents are in a memory, instead of coming as a stream."""
        match self.feed:
            case Feed.STREAM:
                return False
            case Feed.HELD:
                return True
            case unknown:
                assert_never(unknown)

    def require_stream(self, what: str) -> None:
        """Refuse a core that holds its currents where they have to come as a stream.

        Raises
        ------
        InputError
            Naming `what` needs that.
        """
        if self.holds_currents:
            raise InputError(f"{what} needs currents as a stream: feed must be stream, not {self.feed}")

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.words.parameters.n

    @property
    def rows(self) -> int:
        """Number of rows; a row is one neuron on each lane."""
        return self.neurons // self.lanes

    @property
    def swaps_banks(self) -> bool:
        """Whether its states are in two banks of memory, of which each timestep reads one and writes the other."""
        return self.primitives.swaps_banks(self.rows, self.words.state_bits * self.lanes)

    @property
    def cells(self) -> tuple[str, ...]:
        """The technology cells that are instantiated."""
        return (*self.primitives.cells, *(self.primitives.bank_cells if self.swaps_banks else ()))

    @property
    def waits_for_timesteps(self) -> bool:
        """Whether something waits for the end of a timestep."""
        return bool(self.runtime) or self.holds_currents or self.swaps_banks

    @property
    def counts_steps_serially(self) -> bool:
        """Whether a timestep has rows enough to find the next one's number bit by bit."""
        return self.rows >= self.step_bits + 2

    @property
    def neuron_bits(self) -> int:
        """Width of a neuron's number."""
        return max(1, (self.neurons - 1).bit_length())

    @property
    def row_bits(self) -> int:
        """Width of a row's number."""
        return max(1, (self.rows - 1).bit_length())

    @cached_property
    def runtime(self) -> tuple[RuntimeParameter, ...]:
        """The run-time parameters, numbered in the order of ``words.constants``."""
        changeable = [name for name, storage in self.storage.items() if storage.is_writable]
        return tuple(
            RuntimeParameter(name, select, self.storage[name], self.words.constants[name].format)
            for select, name in enumerate(changeable)
        )

    @property
    def select_format(self) -> Format:
        """Format of the port that selects the parameter to write."""
        return UQ(max(1, (len(self.runtime) - 1).bit_length()), 0)

    @property
    def word_format(self) -> Format:
        """Format of the port that carries a parameter's new word: as wide as the widest."""
        return UQ(max(parameter.format.width for parameter in self.runtime), 0)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
