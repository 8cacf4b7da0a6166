"""`CoreMap`: which port of somebody else's module is what, as a map (TOML) says it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from qlif.model.formats import Format
from qlif.model.words import Words

if TYPE_CHECKING:
    from qlif.cosim.mapping.state import StateMap


class Contract(StrEnum):
    """How currents go in and updates come out."""

    STREAMS = "streams"
    """Valid and ready on both sides, as our own population."""
    PIPELINE = "pipeline"
    """State and current in, next state out, a fixed number of clocks later, one update per clock; no state inside."""
    STROBE = "strobe"
    """A start with the current, a done with the update."""


class Align(StrEnum):
    """Where a value stands in a port that is wider than its format."""

    RIGHT = "right"
    """At the lowest bit."""
    LEFT = "left"
    """At the highest bit, with zeros below."""


class Encoding(StrEnum):
    """How a signed value is written."""

    PLAIN = "plain"
    """As its format says: two's complement if it is signed."""
    OFFSET = "offset"
    """The lowest value as 0: two's complement with its highest bit inverted."""


class Active(StrEnum):
    """Which level of a bit means yes."""

    HIGH = "high"
    LOW = "low"


class Lasts(StrEnum):
    """How long a module's ``done`` is active."""

    CLOCK = "clock"
    """One clock for each update."""
    START = "start"
    """Until the next start."""


@dataclass(frozen=True)
class PortUse:
    """A port of the module in its role.

    Attributes
    ----------
    port : str
        Its name.
    format : Format, optional
        What its bits mean, if that isn't what the configuration says.
    align : Align
    encoding : Encoding
    active : Active
        Of a single bit.
    lasts : Lasts
        Of ``done``.
    """

    port: str
    format: Format | None = None
    align: Align = Align.RIGHT
    encoding: Encoding = Encoding.PLAIN
    active: Active = Active.HIGH
    lasts: Lasts = Lasts.CLOCK


@dataclass(frozen=True)
class Reset:
    """The module's reset.

    Attributes
    ----------
    port : str
    active : Active
    asynchronous : bool
        Whether it acts without a clock.
    """

    port: str
    active: Active = Active.HIGH
    asynchronous: bool = False


@dataclass(frozen=True)
class Role:
    """What a port can be.

    Attributes
    ----------
    direction : {"input", "output"}
        As the module sees it.
    required : bool
    meaning : str
    """

    direction: str
    required: bool
    meaning: str


OUTPUTS = ("spike", "potential", "trace", "refractory", "phase")
"""What of an update can be compared."""

PHASE_ROLES = ("phase", "phase_in", "event_phase")
"""Roles that there are only with `phase_bits`."""

_RESULTS = {
    "potential": Role("output", False, "potential after the update"),
    "spike": Role("output", False, "whether the neuron spiked"),
    "trace": Role("output", False, "spike trace after the update"),
    "refractory": Role("output", False, "timesteps that the neuron is still refractory"),
    "phase": Role("output", False, "part of the timestep left over after a spike"),
}
_INDEXED = {
    "neuron": Role("output", False, "number of the neuron that was updated"),
    "event": Role("output", False, "a spike is told"),
    "event_ready": Role("input", False, "it is taken"),
    "event_neuron": Role("output", False, "number of the neuron that spiked"),
    "event_step": Role("output", False, "timestep since reset in which it spiked"),
    "event_phase": Role("output", False, "part of that timestep left over after the spike"),
}


def roles(contract: Contract) -> dict[str, Role]:
    """Return the roles that ports of a module have under a contract, besides clock and reset."""
    inputs = {
        "current": Role("input", True, "the input current"),
        "random": Role("input", False, "the random bits of stochastic rounding, with the current"),
    }
    match contract:
        case Contract.STREAMS:
            return {
                **inputs,
                "current_valid": Role("input", True, "a current is offered"),
                "current_ready": Role("output", True, "it is taken"),
                "update_valid": Role("output", True, "an update is offered"),
                "update_ready": Role("input", True, "it is taken"),
                **_RESULTS,
                **_INDEXED,
            }
        case Contract.STROBE:
            return {
                **inputs,
                "start": Role("input", True, "an update begins, with the current"),
                "ready": Role("output", False, "a start is accepted; it is held until then"),
                "done": Role("output", True, "the update is there"),
                "taken": Role("input", False, "it is taken; done and the update are held until then"),
                **_RESULTS,
                **_INDEXED,
            }
        case Contract.PIPELINE:
            return {
                **inputs,
                "potential_in": Role("input", True, "potential before the update"),
                "refractory_in": Role(
                    "input", False, "timesteps that the neuron is still refractory, before"
                ),
                "trace_in": Role("input", False, "spike trace before the update"),
                "phase_in": Role("input", False, "part of a timestep by which the step is longer"),
                **_RESULTS,
                "potential": Role("output", True, "potential after the update"),
            }
        case _:
            assert_never(contract)


@dataclass(frozen=True, kw_only=True)
class CoreMap:
    """A module of somebody else's, and which of its ports is what.

    Attributes
    ----------
    module : str
    contract : Contract
    sources, includes : tuple of Path
        Files, and folders of included ones.
    defines : tuple of str
        Macros, as ``NAME`` or ``NAME=VALUE``.
    clock : str
    reset : Reset, optional
        None if it has none: it goes on from where it is.
    clock_enable : PortUse, optional
        It is held active.
    constants, parameters : mapping of str to (int or str)
        Values of inputs and of generics: a number, or the name of a parameter word of the configuration.
    ports : mapping of str to PortUse
        By their roles (:func:`roles`).
    neurons : int
        How many neurons are updated in turn.
    latency, interval : int, optional
        Clocks from a start to its update, and between two starts, that are claimed. A pipeline's latency is needed.
    waivers : tuple of str
        Names of Verilator's lint warnings that aren't shown.
    state : StateMap, optional
        Where it keeps a neuron's state, for the proof of any number of updates.
    where : str
        The map's file, as it reads in front of an error.
    file : Path, optional
        That file.
    """

    module: str
    contract: Contract
    clock: str
    ports: Mapping[str, PortUse]
    sources: tuple[Path, ...] = ()
    includes: tuple[Path, ...] = ()
    defines: tuple[str, ...] = ()
    reset: Reset | None = None
    clock_enable: PortUse | None = None
    constants: Mapping[str, int | str] = field(default_factory=dict)
    parameters: Mapping[str, int | str] = field(default_factory=dict)
    neurons: int = 1
    latency: int | None = None
    interval: int | None = None
    waivers: tuple[str, ...] = ()
    state: "StateMap | None" = None
    where: str = ""
    file: Path | None = None

    def role(self, name: str) -> PortUse | None:
        """Return the port in a role; None if there is none."""
        return self.ports.get(name)

    @property
    def used(self) -> dict[str, str]:
        """The direction of each port that the map names, as the module sees it."""
        known = roles(self.contract)
        found = {use.port: known[name].direction for name, use in self.ports.items()}
        found |= dict.fromkeys(self.constants, "input")
        found[self.clock] = "input"
        if self.reset is not None:
            found[self.reset.port] = "input"
        if self.clock_enable is not None:
            found[self.clock_enable.port] = "input"
        return found

    def absent(self, words: Words) -> tuple[str, ...]:
        """Return what isn't compared of a configuration, as the module doesn't tell it."""
        untold = [name for name in OUTPUTS if name not in self.ports]
        untold += [] if "event" in self.ports else ["events"]
        if not words.arithmetic.phase_bits:
            return tuple(name for name in untold if name != "phase")
        # Without events of its own they are made of the spikes, each with its update's phase.
        told = "event_phase" if "event" in self.ports else "phase"
        return (*untold, *([] if told in self.ports else ["event_phase"]))
