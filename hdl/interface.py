"""`Interface`: everything a user of an exported module needs, as an object and as ``interface.json``.

The file's schema is described in ``docs/interface.md``.
"""

import dataclasses
import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, assert_never

import numpy as np

from qlif.hdl.core import Core, Feed, Streams
from qlif.hdl.ports import SELF_TEST_PORTS, Port, Stream, neuron_ports, population_streams
from qlif.hdl.primitives import PORTABLE, Primitives, Variant
from qlif.hdl.storage import RuntimeParameter, Storage
from qlif.model.arithmetic import OPTIONAL, Arithmetic
from qlif.model.exceptions import InputError, PrecisionWarning, show, unknown_name
from qlif.model.formats import Format
from qlif.model.parameters import Parameters
from qlif.model.quantisation import quantise
from qlif.model.support.checks import whole
from qlif.model.words import Words

SCHEMA = "qlif-interface"
VERSION = 2
"""Of the schema. Files of version 1 say neither."""

CLOCK, RESET = "clk", "rst"
"""The names of every module's clock and synchronous reset."""


EVENT_STREAM = "event stream"
"""What :attr:`Interface.absent` calls it where a population gives updates alone."""


class Kind(StrEnum):
    """What a module is."""

    POPULATION = "population"
    """Neurons, with streams in and out."""
    NEURON = "neuron"
    """The bare pipeline of one update."""
    SELF_TEST = "self-test"
    """A population inside the gates that test it."""


@dataclass(frozen=True)
class SelfTested:
    """The module inside a self-test.

    Attributes
    ----------
    module : str
    ports : tuple of Port
    stimulus_seed : int
    expected : tuple of (int, int), optional
        A number of timesteps, and the golden model's signature after them.
    """

    module: str
    ports: tuple[Port, ...]
    stimulus_seed: int
    expected: tuple[int, int] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return its entry in ``interface.json``."""
        expected = None
        if self.expected is not None:
            timesteps, signature = self.expected
            expected = {"timesteps": timesteps, "signature": f"{signature:032x}"}
        return {
            "module": self.module,
            "ports": [port.to_json() for port in self.ports],
            "stimulus_seed": self.stimulus_seed,
            "expected": expected,
        }


@dataclass(frozen=True)
class Mapped:
    """Somebody else's core behind an adapter.

    Attributes
    ----------
    module : str
        The core inside.
    absent : tuple of str
        What it doesn't tell, so that it can't be compared: of ``spike``, ``potential``, ``trace``, ``refractory``,
        ``phase``, ``events`` and ``event_phase``.
    resets : bool
        Whether it has a reset; without, it goes on from where it is.
    latency, interval : int, optional
        Clocks from a current to its update, and between two currents, that are claimed of it.
    """

    module: str
    absent: tuple[str, ...] = ()
    resets: bool = True
    latency: int | None = None
    interval: int | None = None

    def streams(self, core: Core) -> tuple[Stream, ...]:
        """Return the streams of its adapter: a population's, with the refractory counter and phases that it tells."""
        meaning = "timesteps that the neuron is still refractory"
        counter = Port("updates_refractory", "output", core.words.refractory, meaning)
        more = {"updates": () if "refractory" in self.absent else (counter,)}
        untold = {"phase": "updates_phase", "event_phase": "events_phase"}
        left_out = {port for name, port in untold.items() if name in self.absent}

        def told(stream: Stream) -> Stream:
            kept = tuple(port for port in stream.payload if port.name not in left_out)
            return dataclasses.replace(stream, payload=(*kept, *more.get(stream.name, ())))

        return tuple(map(told, population_streams(core)))

    def to_json(self) -> dict[str, Any]:
        """Return its entry in ``interface.json``."""
        return {**dataclasses.asdict(self), "absent": list(self.absent)}


@dataclass(frozen=True, eq=False)
class Interface:
    """A module's ports and streams, its timing, and what its words mean.

    Attributes
    ----------
    core : Core
        What it was built from: neurons, lanes, storage of parameters, primitives.
    module : str
        Its name in the Verilog.
    kind : Kind
    latency : int
        Clocks from an input to its output.
    streams : tuple of Stream
    signals : tuple of Port
        The ports outside the streams.
    neurons_for_full_speed : int
        With fewer neurons there are bubbles; 1 where nothing is fed back.
    queue_depth : int
        Places in the output queue; 0 where there is none.
    tested : SelfTested, optional
        What a self-test is around.
    mapped : Mapped, optional
        What an adapter is around.

    Raises
    ------
    InputError
        A number of clocks, neurons or places is invalid.
    """

    core: Core
    module: str
    kind: Kind
    latency: int
    streams: tuple[Stream, ...] = ()
    signals: tuple[Port, ...] = ()
    neurons_for_full_speed: int = 1
    queue_depth: int = 0
    tested: SelfTested | None = field(default=None, kw_only=True)
    mapped: Mapped | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        whole("latency", self.latency, minimum=0)
        whole("neurons_for_full_speed", self.neurons_for_full_speed)
        whole("queue_depth", self.queue_depth, minimum=0)

    @property
    def name(self) -> str:
        """The configuration's name."""
        return self.core.name

    @property
    def words(self) -> Words:
        """The neurons."""
        return self.core.words

    @property
    def neurons(self) -> int:
        """Number of neurons."""
        return self.core.neurons

    @property
    def lanes(self) -> int:
        """Number of pipelines side by side."""
        return self.core.lanes

    @property
    def rows(self) -> int:
        """Rows of neurons that are updated one after another."""
        return self.core.rows

    @property
    def loop_latency(self) -> int:
        """Clocks between two updates of the same row, at least."""
        return self.neurons_for_full_speed // self.lanes

    @property
    def clocks_per_timestep(self) -> int:
        """Clocks from a timestep's first row to the next one's, if nothing stalls."""
        if self.core.swaps_banks:
            return self.rows + self.loop_latency + 1
        return max(self.rows, self.loop_latency)

    @property
    def runtime(self) -> tuple[RuntimeParameter, ...]:
        """The parameters that can be written at run time."""
        return self.core.runtime

    @property
    def ports(self) -> tuple[Port, ...]:
        """Every port besides the clock and the reset."""
        return (*(port for stream in self.streams for port in stream.ports), *self.signals)

    @property
    def inputs(self) -> tuple[Port, ...]:
        """The ports that are driven from outside."""
        return tuple(port for port in self.ports if port.direction == "input")

    @property
    def outputs(self) -> tuple[Port, ...]:
        """The ports that the module drives."""
        return tuple(port for port in self.ports if port.direction == "output")

    @property
    def currents(self) -> Stream:
        """The stream of currents."""
        return self._stream("currents")

    @property
    def updates(self) -> Stream:
        """The stream of updates, where `core.streams` has it."""
        return self._stream("updates")

    @property
    def events(self) -> Stream:
        """The stream of spikes, where `core.streams` has it."""
        return self._stream("events")

    @property
    def parameters(self) -> Stream | None:
        """The stream of writes of parameters; none if nothing can be written."""
        return self._stream("parameters") if self.runtime else None

    @property
    def absent(self) -> tuple[str, ...]:
        """What of the golden model's results isn't there to be compared."""
        if self.mapped is not None:
            return self.mapped.absent
        match self.core.streams:
            case Streams.BOTH:
                return ("refractory",)
            case Streams.UPDATES:
                return ("refractory", EVENT_STREAM)
            case Streams.EVENTS:
                return ("refractory", "spike", "potential", "trace", "phase")
            case never:
                assert_never(never)

    def port(self, name: str) -> Port:
        """Return the port of a name."""
        (port,) = (port for port in self.ports if port.name == name)
        return port

    def _stream(self, name: str) -> Stream:
        (stream,) = (stream for stream in self.streams if stream.name == name)
        return stream

    def timing(self) -> dict[str, int]:
        """Return the numbers of neurons and clocks that the module's kind has, by their names."""
        if self.kind is Kind.NEURON:
            return {"latency": self.latency}
        return {
            "neurons": self.neurons,
            "lanes": self.lanes,
            "latency": self.latency,
            "neurons_for_full_speed": self.neurons_for_full_speed,
            "queue_depth": self.queue_depth,
        }

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``interface.json``: mappings, lists, text and numbers."""
        words, built = self.words, self.core.primitives
        return {
            "schema": {"name": SCHEMA, "version": VERSION},
            "module": self.module,
            "kind": str(self.kind),
            "name": self.name,
            "clock": CLOCK,
            "reset": {"name": RESET, "synchronous": True, "active": "high"},
            **self.timing(),
            "step_bits": self.core.step_bits,
            "variant": built.variant,
            "target": built.target,
            "cells": list(self.core.cells),
            "ports": [port.to_json() for port in self.ports],
            "streams": [stream.to_json() for stream in self.streams],
            "runtime": [
                {
                    "name": parameter.name,
                    "select": parameter.select,
                    "storage": str(parameter.storage),
                    "format": str(parameter.format),
                }
                for parameter in self.runtime
            ],
            "arithmetic": words.arithmetic.as_dict(),
            "parameters": words.parameters.as_dict(),
            "coordinates": {
                "potential_mv": "word * 2**-f_bits / scale + origin",
                "origin": _plain(words.origin),
                "scale": _plain(words.scale),
                "current": "word * 2**-f_bits / current_scale",
                "current_scale": _plain(words.current_scale),
            },
            "constants": {
                name: {
                    "word": _plain(constant.word),
                    "format": str(constant.format),
                    "value": _plain(constant.value),
                    "storage": str(self.core.storage[name]),
                }
                for name, constant in words.constants.items()
            },
            "exact": [line.as_dict() for line in words.report],
            "self_test": None if self.tested is None else self.tested.to_json(),
            **({} if self.mapped is None else {"mapped": self.mapped.to_json()}),
        }

    def to_text(self) -> str:
        """Return the text of ``interface.json``."""
        return json.dumps(self.to_json(), indent=2) + "\n"

    @classmethod
    def read(cls, file: Path) -> "Interface":
        """Read an ``interface.json``.

        Raises
        ------
        InputError
            It can't be read, or isn't valid: see :meth:`from_json`.
        """
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise InputError(f"{file} can't be read: {error.strerror}") from None
        except (ValueError, RecursionError) as error:
            raise InputError(f"{file} must be a JSON file in UTF-8: {error}") from None
        return cls.from_json(content, str(file))

    @classmethod
    def from_json(cls, content: object, where: str = "interface.json") -> "Interface":
        """Return the interface of a file's content.

        Parameters
        ----------
        content : mapping
            As :meth:`to_json` gives it.
        where : str
            What the file is called in an error.

        Raises
        ------
        InputError
            It has another schema or version, lacks an entry, or contradicts itself.
        """
        entries = _Entries(content, where)
        if not entries.has("schema"):
            raise InputError(
                f"{where} has no schema, so it is of version 1 or not from qlif: export the module again "
                f"for {SCHEMA} {VERSION}"
            )
        schema = entries.inner("schema")
        name, version = schema.get("name", str), schema.get("version", int)
        if (name, version) != (SCHEMA, VERSION):
            raise InputError(
                f"{where} has the schema {show(name)} {version}: only {SCHEMA} {VERSION} can be read"
            )
        try:
            read = cls._read(entries)
        except _EntryError:
            raise
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
        _check_agrees(read, entries)
        return read

    @classmethod
    def _read(cls, entries: "_Entries") -> "Interface":
        kind = entries.choice("kind", Kind)
        constants = entries.inner("constants")
        core = Core(
            words=_words(entries),
            lanes=1 if kind is Kind.NEURON else entries.get("lanes", int),
            storage={name: constants.inner(name).choice("storage", Storage) for name in constants.names},
            primitives=_primitives(entries.get("variant", str), entries.optional("target", str) or ""),
            step_bits=entries.get("step_bits", int),
            name=entries.get("name", str),
            streams=_streams_of(entries),
            feed=_feed_of(entries),
        )
        ports = {port.name: port for port in map(_port, entries.each("ports"))}
        streams = tuple(_stream(one, ports) for one in entries.each("streams"))
        used = {port.name for stream in streams for port in stream.ports}
        tested = entries.inner("self_test") if kind is Kind.SELF_TEST else None
        return cls(
            core,
            entries.get("module", str),
            kind,
            entries.get("latency", int),
            streams,
            tuple(port for name, port in ports.items() if name not in used),
            1 if kind is Kind.NEURON else entries.get("neurons_for_full_speed", int),
            0 if kind is Kind.NEURON else entries.get("queue_depth", int),
            tested=None if tested is None else _tested(tested),
            mapped=_mapped(entries.inner("mapped")) if entries.has("mapped") else None,
        )


def _words(entries: "_Entries") -> Words:
    """Return the neurons: they follow from parameters and arithmetic alone."""
    parameters, arithmetic = entries.inner("parameters"), entries.inner("arithmetic")
    for part, known, optional in (
        (parameters, Parameters.names(), ()),
        (arithmetic, {one.name for one in dataclasses.fields(Arithmetic)}, OPTIONAL),
    ):
        for name in sorted(known.difference(optional)):
            part.require(name)
        for name in part.names:
            if name not in known:
                raise _EntryError(f"{part.where}: {unknown_name('entry', name, sorted(known))}")
    with warnings.catch_warnings():
        # It was told when the module was made.
        warnings.simplefilter("ignore", PrecisionWarning)
        return quantise(Parameters(**parameters.content), Arithmetic(**arithmetic.content))


def _primitives(variant: str, target: str) -> Primitives:
    match variant:
        case Variant.PORTABLE:
            return PORTABLE
        case _:
            # Here, since the families' files import Amaranth, and a simulator's process starts often.
            from qlif.hdl.targets.catalogue import primitives

            return primitives(variant, target)


def _streams_of(entries: "_Entries") -> Streams:
    """Return which streams of results a module has; a bare pipeline and a self-test have none to choose."""
    found = {one.get("name", str) for one in entries.each("streams")} & {"updates", "events"}
    if len(found) != 1:
        return Streams.BOTH
    return Streams(found.pop())


def _feed_of(entries: "_Entries") -> Feed:
    """Return how currents reach a module: only those that are held need a command for each timestep."""
    commanded = any(one.get("name", str) == "steps" for one in entries.each("streams"))
    return Feed.HELD if commanded else Feed.STREAM


def _port(entries: "_Entries") -> Port:
    direction = entries.get("direction", str)
    if direction not in ("input", "output"):
        raise _EntryError(f"{entries.where}: direction must be input or output, not {show(direction)}")
    return Port(
        entries.get("name", str),
        "input" if direction == "input" else "output",
        Format.parse(entries.get("format", str)),
        entries.get("meaning", str),
        entries.get("lanes", int),
    )


def _stream(entries: "_Entries", ports: Mapping[str, Port]) -> Stream:
    def port(name: object) -> Port:
        if not isinstance(name, str) or name not in ports:
            raise _EntryError(f"{entries.where}: {show(name)} is none of the ports")
        return ports[name]

    role = entries.get("role", str)
    if role not in ("sink", "source"):
        raise _EntryError(f"{entries.where}: role must be sink or source, not {show(role)}")
    return Stream(
        entries.get("name", str),
        "sink" if role == "sink" else "source",
        port(entries.get("valid", str)),
        port(entries.get("ready", str)),
        tuple(port(name) for name in entries.get("payload", list)),
    )


def _tested(entries: "_Entries") -> SelfTested:
    expected = None
    if entries.optional("expected", dict) is not None:
        told = entries.inner("expected")
        signature = told.get("signature", str)
        if not re.fullmatch(r"[0-9a-f]{32}", signature):
            raise _EntryError(f"{told.where}: signature must be 32 hexadecimal digits, not {show(signature)}")
        expected = told.get("timesteps", int), int(signature, 16)
    return SelfTested(
        entries.get("module", str),
        tuple(map(_port, entries.each("ports"))),
        entries.get("stimulus_seed", int),
        expected,
    )


def _mapped(entries: "_Entries") -> Mapped:
    return Mapped(
        entries.get("module", str),
        tuple(entries.get("absent", list)),
        entries.get("resets", bool),
        entries.optional("latency", int),
        entries.optional("interval", int),
    )


def _check_agrees(read: Interface, entries: "_Entries") -> None:
    """Refuse a file in which an entry is missing or contradicts the others."""
    for name, value in read.to_json().items():
        # As text, in which what isn't a number equals itself.
        if json.dumps(entries.require(name), sort_keys=True) != json.dumps(value, sort_keys=True):
            raise _EntryError(
                f"{entries.where}: {name} contradicts the parameters, the arithmetic or the ports"
            )
    streams = population_streams(read.core) if read.mapped is None else read.mapped.streams(read.core)
    match read.kind:
        case Kind.POPULATION:
            agrees = read.streams == streams
        case Kind.NEURON:
            agrees = read.signals == neuron_ports(read.core)
        case Kind.SELF_TEST:
            around = read.signals[: len(SELF_TEST_PORTS)] == SELF_TEST_PORTS
            inside = tuple(port for stream in streams for port in stream.ports)
            agrees = around and read.tested is not None and read.tested.ports == inside
        case _:
            assert_never(read.kind)
    if not agrees:
        raise _EntryError(f"{entries.where}: its ports aren't those of such a {read.kind}")


class _EntryError(InputError):
    """An error whose text says where already."""


T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class _Entries:
    """A mapping out of a file, whose entries are asked for by name and kind."""

    def __init__(self, content: object, where: str) -> None:
        if not isinstance(content, dict):
            raise _EntryError(f"{where} must be an object with names, not {show(content)}")
        self.content: dict[str, Any] = content
        self.where = where

    @property
    def names(self) -> list[str]:
        return list(self.content)

    def has(self, name: str) -> bool:
        return name in self.content

    def require(self, name: str) -> Any:
        if name not in self.content:
            raise _EntryError(f"{self.where} lacks {name}")
        return self.content[name]

    def get(self, name: str, kind: type[T]) -> T:
        value = self.require(name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            kinds = {
                str: "text",
                int: "a whole number",
                bool: "true or false",
                list: "a list",
                dict: "an object",
            }
            raise _EntryError(f"{self.where}: {name} must be {kinds[kind]}, not {show(value)}")
        return value

    def optional(self, name: str, kind: type[T]) -> T | None:
        return None if self.require(name) is None else self.get(name, kind)

    def choice(self, name: str, kind: type[E]) -> E:
        value = self.get(name, str)
        if value not in list(kind):
            raise _EntryError(f"{self.where}: {unknown_name(name, value, [str(one) for one in kind])}")
        return kind(value)

    def inner(self, name: str) -> "_Entries":
        return _Entries(self.require(name), f"{self.where}: {name}")

    def each(self, name: str) -> list["_Entries"]:
        return [
            _Entries(one, f"{self.where}: {name}[{place}]") for place, one in enumerate(self.get(name, list))
        ]


def _plain(value: Any) -> Any:
    """Return one value, or one per neuron as a list: ready for JSON."""
    return value.tolist() if isinstance(value, np.ndarray) else value
