"""The ports of the exported modules, grouped into streams, besides clock and reset."""

from dataclasses import dataclass
from typing import Any, Literal, assert_never

from qlif.hdl.core import Core, Feed
from qlif.model.formats import UQ, Format
from qlif.model.selftest.plan import SIGNATURE_BITS, TIMESTEP_BITS

Direction = Literal["input", "output"]


@dataclass(frozen=True)
class Port:
    """One port of a module.

    Attributes
    ----------
    name : str
    direction : {"input", "output"}
        As the module sees it.
    format : Format
        What its bits mean; a plain bit or index is ``UQ(width,0)``.
    meaning : str
        In words, for the header and the interface description.
    lanes : int
        How many such words stand side by side, the first lane's lowest.
    """

    name: str
    direction: Direction
    format: Format
    meaning: str
    lanes: int = 1

    @property
    def width(self) -> int:
        """Number of bits of the whole port."""
        return self.format.width * self.lanes

    @property
    def mask(self) -> int:
        """The word with all of the port's bits set."""
        return (1 << self.width) - 1

    def to_json(self) -> dict[str, Any]:
        """Return the port as it stands in ``interface.json``."""
        return {
            "name": self.name,
            "direction": self.direction,
            "width": self.width,
            "lanes": self.lanes,
            "signed": self.format.signed,
            "format": str(self.format),
            "meaning": self.meaning,
        }


@dataclass(frozen=True)
class Stream:
    """Ports that move a payload whenever `valid` and `ready` are both high at a rising edge of the clock.

    Attributes
    ----------
    name : str
        What the names of its ports begin with.
    role : {"sink", "source"}
        Whether the module takes from the stream or gives to it.
    valid, ready : Port
    payload : tuple of Port
        Each named ``STREAM_FIELD``.
    """

    name: str
    role: Literal["sink", "source"]
    valid: Port
    ready: Port
    payload: tuple[Port, ...]

    @property
    def ports(self) -> tuple[Port, ...]:
        """All of them, in the module's order."""
        return (self.valid, self.ready, *self.payload)

    @property
    def fields(self) -> dict[str, Port]:
        """The payload's ports by their names in the stream."""
        return {port.name.removeprefix(f"{self.name}_"): port for port in self.payload}

    @property
    def width(self) -> int:
        """Bits of the whole payload."""
        return sum(port.width for port in self.payload)

    def to_json(self) -> dict[str, Any]:
        """Return the stream as it stands in ``interface.json``, its ports by their names."""
        return {
            "name": self.name,
            "role": self.role,
            "valid": self.valid.name,
            "ready": self.ready.name,
            "payload": [port.name for port in self.payload],
        }


def population_streams(core: Core) -> tuple[Stream, ...]:
    """Return the streams of an exported population: with the clock and the reset, the port contract.

    With several lanes, words of one row of neurons stand side by side.
    """
    arithmetic, lanes = core.words.arithmetic, core.lanes
    bit, neuron, first = UQ(1, 0), UQ(core.neuron_bits, 0), " (that of the first lane)" if lanes > 1 else ""
    which = (Port("events_spike", "output", bit, "which lanes spiked", lanes),) if lanes > 1 else ()
    trace = Port("updates_trace", "output", arithmetic.trace, "spike trace after the timestep", lanes)
    kept = (trace,) if core.words.parameters.spike_trace else ()
    update_phase, event_phase = (
        _ports_of_phase(
            core, f"{stream}_phase", "output", "part of the timestep left over after a spike", lanes
        )
        for stream in ("updates", "events")
    )
    streams = [
        *_streams_of_currents(core),
        Stream(
            "updates",
            "source",
            Port("updates_valid", "output", bit, "an update is offered"),
            Port("updates_ready", "input", bit, "it is taken"),
            (
                Port("updates_neuron", "output", neuron, f"which neuron was updated{first}"),
                Port("updates_spike", "output", bit, "whether it spiked", lanes),
                Port(
                    "updates_potential",
                    "output",
                    arithmetic.potential,
                    "potential word after the timestep",
                    lanes,
                ),
                *kept,
                *update_phase,
            ),
        ),
        Stream(
            "events",
            "source",
            Port("events_valid", "output", bit, "a spike is offered"),
            Port("events_ready", "input", bit, "it is taken"),
            (
                Port("events_neuron", "output", neuron, f"which neuron spiked{first}"),
                *which,
                Port("events_step", "output", UQ(core.step_bits, 0), "in which timestep since reset"),
                *event_phase,
            ),
        ),
    ]
    left_out = {"updates": not core.streams.has_updates, "events": not core.streams.has_events}
    streams = [stream for stream in streams if not left_out.get(stream.name, False)]
    if core.runtime:
        streams.append(
            Stream(
                "parameters",
                "sink",
                Port("parameters_valid", "input", bit, "a write is offered"),
                Port("parameters_ready", "output", bit, "it is taken, between two timesteps"),
                (
                    Port("parameters_select", "input", core.select_format, "which parameter is written"),
                    Port("parameters_neuron", "input", neuron, "of which neuron, if each has its own"),
                    Port("parameters_word", "input", core.word_format, "its new word, in the low bits"),
                ),
            )
        )
    return tuple(streams)


def _streams_of_currents(core: Core) -> tuple[Stream, ...]:
    """Return the streams by which currents reach a population, and by which its timesteps start."""
    bit, word = UQ(1, 0), core.words.arithmetic.current
    match core.feed:
        case Feed.STREAM:
            data = Port("currents_data", "input", word, "current word of the next neuron", core.lanes)
            valid = Port("currents_valid", "input", bit, "currents are offered")
            return (
                Stream(
                    "currents",
                    "sink",
                    valid,
                    Port("currents_ready", "output", bit, "they are taken"),
                    (data,),
                ),
            )
        case Feed.HELD:
            neuron = Port("currents_neuron", "input", UQ(core.neuron_bits, 0), "whose current is written")
            new = Port("currents_word", "input", word, "the current word that it holds from then on")
            return (
                Stream(
                    "currents",
                    "sink",
                    Port("currents_valid", "input", bit, "a write is offered"),
                    Port("currents_ready", "output", bit, "it is taken, between two timesteps"),
                    (neuron, new),
                ),
                Stream(
                    "steps",
                    "sink",
                    Port("steps_valid", "input", bit, "a timestep is asked for"),
                    Port("steps_ready", "output", bit, "it starts, with what is held by now"),
                    (),
                ),
            )
        case unknown:
            assert_never(unknown)


def neuron_ports(core: Core) -> tuple[Port, ...]:
    """Return the ports of an exported neuron pipeline, besides the clock and the reset."""
    words = core.words
    arithmetic = words.arithmetic
    ports = [
        Port("potential_in", "input", arithmetic.potential, "potential word before the timestep"),
        Port("refractory_in", "input", words.refractory, "timesteps that the neuron is still refractory"),
        Port("trace_in", "input", arithmetic.trace, "spike trace before the timestep"),
        Port("current_in", "input", arithmetic.current, "current word"),
    ]
    if arithmetic.random_bits:
        ports.append(Port("random_in", "input", UQ(arithmetic.random_bits, 0), "random bits of the rounding"))
    ports += _ports_of_phase(core, "phase_in", "input", "part of a timestep by which its step is longer")
    for parameter in core.runtime:
        meaning = f"parameter word {parameter.name}, in a {parameter.storage}"
        ports.append(Port(f"constant_{parameter.name}_in", "input", parameter.format, meaning))
    return (
        *ports,
        Port("potential_out", "output", arithmetic.potential, "potential word after the timestep"),
        Port("refractory_out", "output", words.refractory, "refractory counter after the timestep"),
        Port("trace_out", "output", arithmetic.trace, "spike trace after the timestep"),
        Port("spike_out", "output", UQ(1, 0), "whether the neuron spiked"),
        *_ports_of_phase(core, "phase_out", "output", "part of the timestep left over after a spike"),
    )


def _ports_of_phase(
    core: Core, name: str, direction: Direction, meaning: str, lanes: int = 1
) -> tuple[Port, ...]:
    """Return the port of a phase, if it has bits."""
    bits = core.words.arithmetic.phase_bits
    return (Port(name, direction, UQ(0, bits), meaning, lanes),) if bits else ()


STALL_RATE_BITS = 8
"""Of the self-test: a stream pauses in so many of 256 clocks."""

SELF_TEST_PORTS = (
    Port("start", "input", UQ(1, 0), "starts a run unless one is under way"),
    Port("timesteps", "input", UQ(TIMESTEP_BITS, 0), "of the run; stays until done"),
    Port("stalls", "input", UQ(STALL_RATE_BITS, 0), "of 256 clocks in so many each stream pauses"),
    Port("done", "output", UQ(1, 0), "the run is over"),
    Port("timestep", "output", UQ(TIMESTEP_BITS, 0), "timesteps that are in the signature"),
    Port("signature", "output", UQ(2 * SIGNATURE_BITS, 0), "of the updates (low half) and of the events"),
)
"""The ports of an exported self-test that are always there."""

RUNNING_PORT = Port("running", "output", UQ(1, 0), "a run is in progress; else the streams are yours")
"""The one more port of a self-test whose population others use between its runs."""

SHARED_PORTS = (*SELF_TEST_PORTS, RUNNING_PORT)
"""All that such a self-test has beside the population's streams."""
