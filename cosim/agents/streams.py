"""The four streams of a population: their fields, and the transactions that a transfer is."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from qlif.cosim.agents.agent import Agent
from qlif.cosim.agents.bus import FieldRole
from qlif.cosim.agents.transactions import Event, Update, Write
from qlif.hdl.interface import Interface
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.formats import UQ, Format
from qlif.model.words import Words


def _number(words: Words) -> None:
    """Return no format: a plain number."""


def _phase(words: Words) -> Format | None:
    return words.formats.get("phase")


def _bit(words: Words) -> Format:
    return UQ(1, 0)


class CurrentStream(Agent[int]):
    """Currents into a core. Its field is ``data``; its transactions are current words."""

    stream = "currents"
    place = 0
    roles: ClassVar = {
        "data": FieldRole(lambda words: words.arithmetic.current, required=True, per_lane=True)
    }

    def decode(self, fields: Mapping[str, list[int]]) -> Iterable[int]:
        """Return the word of each lane."""
        return fields["data"]


class ParameterStream(Agent[Write]):
    """Writes of parameters. Its fields are ``select``, ``word``, and ``neuron`` if a neuron can have its own.

    Parameters
    ----------
    selects : mapping of str to int
        The value of ``select`` for each parameter of ``words.constants`` that can be written.
    per_neuron : iterable of str
        Those that each neuron has its own word of.
    *args, **options
        As :class:`Agent`.
    """

    stream = "parameters"
    place = 1
    roles: ClassVar = {
        "select": FieldRole(_number, required=True),
        "neuron": FieldRole(_number),
        "word": FieldRole(_number, required=True),
    }

    def __init__(
        self, *args: Any, selects: Mapping[str, int], per_neuron: Iterable[str] = (), **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self.selects, self.per_neuron = dict(selects), frozenset(per_neuron)
        for name in (*self.selects, *self.per_neuron):
            if name not in self.words.constants:
                raise InputError(unknown_name("parameter word", name, self.words.constants))
        self._names = {select: name for name, select in self.selects.items()}

    @classmethod
    def _of_interface(cls, interface: Interface) -> dict[str, Any]:
        runtime = interface.runtime
        return {
            "selects": {parameter.name: parameter.select for parameter in runtime},
            "per_neuron": [parameter.name for parameter in runtime if parameter.storage.is_per_neuron],
        }

    def decode(self, fields: Mapping[str, list[int]]) -> Iterable[Write]:
        """Return the write; none if it selects no parameter."""
        name = self._names.get(fields["select"][0])
        if name is None:
            self.log.warning("a write selects %d, which is no parameter", fields["select"][0])
            return []
        format = self.words.constants[name].format
        word = fields["word"][0] & (1 << format.width) - 1
        sign = 1 << format.width - 1 if format.signed else 0
        neuron = fields["neuron"][0] if name in self.per_neuron else None
        return [Write(name, (word ^ sign) - sign, neuron)]


class UpdateStream(Agent[Update]):
    """Updates from a core.

    Its fields are ``neuron``, ``spike``, ``potential``, ``trace``, ``refractory`` and ``phase``.
    """

    stream = "updates"
    place = 2
    roles: ClassVar = {
        "neuron": FieldRole(_number),
        "spike": FieldRole(_bit, per_lane=True),
        "potential": FieldRole(lambda words: words.arithmetic.potential, per_lane=True),
        "trace": FieldRole(lambda words: words.arithmetic.trace, per_lane=True),
        "refractory": FieldRole(lambda words: words.refractory, per_lane=True),
        "phase": FieldRole(_phase, per_lane=True),
    }

    def __init__(self, dut: Any, words: Words, **options: Any) -> None:
        told = [name for name, role in self.roles.items() if role.per_lane]
        if not any(name in options for name in told):
            raise InputError(
                f"{dut._path}: of the updates, at least one of {', '.join(told)} must be given; none is found"
            )
        super().__init__(dut, words, **options)

    def decode(self, fields: Mapping[str, list[int]]) -> Iterable[Update]:
        """Return the update of each lane."""
        for lane in range(self.lanes):
            update = {name: words[lane] for name, words in fields.items() if name != "neuron"}
            if "neuron" in fields:
                # The port tells the first lane's; the others follow it.
                update["neuron"] = fields["neuron"][0] + lane
            yield Update(**update)


class EventStream(Agent[Event]):
    """Spikes from a core. Its fields are ``neuron``, ``step`` and ``phase``, and ``spike`` with several lanes."""

    stream = "events"
    place = 3
    roles: ClassVar = {
        "neuron": FieldRole(_number),
        "spike": FieldRole(_bit, per_lane=True),
        "step": FieldRole(_number),
        "phase": FieldRole(_phase, per_lane=True),
    }

    def __init__(self, dut: Any, words: Words, **options: Any) -> None:
        if options.get("lanes", 1) != 1 and "spike" not in options:
            raise InputError(f"{dut._path}: with several lanes, the field spike of the events must be given")
        super().__init__(dut, words, **options)

    def decode(self, fields: Mapping[str, list[int]]) -> Iterable[Event]:
        """Return the event of each lane that spiked."""
        spiked = fields.get("spike", [1])
        step = fields["step"][0] if "step" in fields else None
        for lane, one in enumerate(spiked):
            if one:
                neuron = fields["neuron"][0] + lane if "neuron" in fields else None
                yield Event(neuron, step, fields["phase"][lane] if "phase" in fields else None)

    @property
    def step_bits(self) -> int | None:
        """Width of an event's timestep; None if it isn't told."""
        return self.bus.columns["step"].bits if "step" in self.bus.columns else None
