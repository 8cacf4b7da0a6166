"""A mapped VHDL core behind the streams of a population, in Python: GHDL takes no Verilog adapter.

The testbenches see the same ports as those of the adapter that :mod:`qlif.cosim.mapping.adapter` writes, with the
same rules; ``docs/your-core.md`` has them.
"""

from collections import deque
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly, RisingEdge

from qlif.cosim.benches.job import Job
from qlif.cosim.mapping.core_map import Active, Align, Contract, Encoding, Lasts, PortUse
from qlif.cosim.mapping.port_formats import formats_of, word_of
from qlif.cosim.mapping.queue import EVENT_PLACES, PLACES
from qlif.cosim.mapping.read import read_map
from qlif.hdl.ports import Port
from qlif.model.formats import Format

MAP = "map"
"""The option of a job that names the map's file."""


class Known(int):
    """A word that is known, as cocotb's values say it."""

    is_resolvable = True


class _Handle:
    """What a testbench takes for a port of the adapter."""

    def __init__(self, streams: "VhdlStreams", port: Port) -> None:
        self._streams, self._name, self._mask = streams, port.name, port.mask

    @property
    def value(self) -> Any:
        found = self._streams.read(self._name)
        return Known(found & self._mask) if isinstance(found, int) else found

    @value.setter
    def value(self, word: int) -> None:
        self._streams.write(self._name, int(word))


class VhdlStreams:
    """The ports of the adapter, around a core that is simulated by itself.

    Parameters
    ----------
    dut : handle
        The core.
    job : Job
        With the map's file in its options.
    """

    def __init__(self, dut: Any, job: Job) -> None:
        self.map, self.core = read_map(Path(job.options[MAP])), job.interface.core
        self._log = dut._log
        self.clk = getattr(dut, self.map.clock)
        self._pins = {role: getattr(dut, use.port) for role, use in self.map.ports.items()}
        self._reset = None if self.map.reset is None else getattr(dut, self.map.reset.port)
        self._formats = formats_of(self.core)
        self._driven = {port.name: 0 for port in job.interface.inputs} | {"rst": 1}
        for port in job.interface.ports:
            setattr(self, port.name, _Handle(self, port))
        self.rst = _Handle(self, Port("rst", "input", job.interface.currents.valid.format, "reset"))
        self._clear()
        for name, value in self.map.constants.items():
            getattr(dut, name).value = word_of(value, self.core.words, name)
        if (enable := self.map.clock_enable) is not None:
            getattr(dut, enable.port).value = int(enable.active is Active.HIGH)
        cocotb.start_soon(self._follow())

    def _clear(self) -> None:
        self._updates: deque[dict[str, Any]] = deque()
        self._events: deque[tuple[int, int]] = deque()
        self._held = self._updated = self._over = 0
        self._since, self._waiting = self.map.interval or 0, False

    def write(self, name: str, word: int) -> None:
        """Drive a port of the adapter, and with it the core's."""
        self._driven[name] = word
        self._drive()

    def read(self, name: str) -> Any:
        """Return what a port of the adapter shows: a number, or what the core has where that is unknown."""
        stream, _, part = name.partition("_")
        if name == "currents_ready":
            accepted = self._pin("ready", 1)
            return accepted if not isinstance(accepted, int) else accepted & self._may_start
        if stream == "updates":
            if part == "valid":
                return 1 if self._updates else self._done()
            if part == "neuron":
                return self._updated % self.core.neurons
            return (self._updates[0] if self._updates else self._results()).get(part, 0)
        if part == "valid":
            return 1 if self._events else self._spiked()
        neuron, step = self._events[0] if self._events else divmod(self._over, self.core.neurons)[::-1]
        return neuron if part == "neuron" else step

    @property
    def _may_start(self) -> bool:
        if len(self._events) >= EVENT_PLACES // 4 or (self._reset is None and self._driven["rst"]):
            return False
        if "ready" in self._pins:
            return self._held < PLACES
        if self.map.interval is not None:
            return self._since >= self.map.interval and self._held < PLACES
        return self._held == 0

    def _drive(self) -> None:
        rst = self._driven["rst"]
        if self._reset is not None and self.map.reset is not None:
            self._reset.value = rst ^ (self.map.reset.active is Active.LOW)
        starts = self._driven["currents_valid"] & self._may_start
        self._pins["start"].value = starts ^ (self.map.ports["start"].active is Active.LOW)
        use, format = self.map.ports["current"], self._formats["current"]
        self._pins["current"].value = into(
            use, self._driven["currents_data"], format, len(self._pins["current"])
        )

    def _pin(self, role: str, otherwise: int) -> Any:
        """Return a bit of the core, in its active sense; the raw value if it is unknown."""
        if role not in self._pins:
            return otherwise
        found = self._pins[role].value
        if not found.is_resolvable:
            return found
        return int(found) ^ (self.map.ports[role].active is Active.LOW)

    def _done(self) -> Any:
        if self.map.ports["done"].lasts is Lasts.START and not self._waiting:
            return 0
        done = self._pin("done", 0)
        return done and None not in self._results().values() if isinstance(done, int) else done

    def _spiked(self) -> Any:
        """Return whether the update that is over spiked."""
        done = self._done()
        return done and self._pin("spike", 0) if isinstance(done, int) else done

    def _results(self) -> dict[str, Any]:
        """Return the words of the update that the core shows; None for one that the configuration can't hold."""
        found: dict[str, Any] = {"spike": self._pin("spike", 0)}
        for role in ("potential", "trace", "refractory", "phase"):
            if role in self._pins:
                shown, format = self._pins[role].value, self._formats[role]
                found[role] = shown
                if shown.is_resolvable:
                    word = int(shown.to_unsigned())
                    found[role] = out_of(self.map.ports[role], word, format, len(shown))
        return found

    async def _follow(self) -> None:
        """Keep what the adapter would keep, clock by clock."""
        while True:
            await FallingEdge(self.clk)
            await ReadOnly()
            ready = self.read("currents_ready")
            issue = bool(self._driven["currents_valid"] and ready == 1)
            done, spiked, results = self._done() == 1, self._spiked() == 1, self._results()
            taken = self.read("updates_valid") == 1 and bool(self._driven["updates_ready"])
            told = self.read("events_valid") == 1 and bool(self._driven["events_ready"])
            await RisingEdge(self.clk)
            if self._driven["rst"]:
                self._clear()
            else:
                if done:
                    self._updates.append(results)
                if spiked:
                    self._events.append(divmod(self._over, self.core.neurons)[::-1])
                if taken:
                    self._updates.popleft()
                if told:
                    self._events.popleft()
                self._held = max(0, self._held + issue - taken)
                self._over, self._updated = self._over + done, self._updated + taken
                self._since = 1 if issue else self._since + 1
                self._waiting = issue or (self._waiting and not done)
            self._drive()


def into(use: PortUse, word: int, ours: Format, width: int) -> int:
    """Return a word of ours as it stands on an input of the core."""
    theirs = use.format or ours
    sign = 1 << (ours.width - 1) if ours.signed else 0
    value = ((word ^ sign) - sign) << (theirs.f_bits - ours.f_bits)
    if use.encoding is Encoding.OFFSET:
        value = (value & ((1 << theirs.width) - 1)) ^ 1 << (theirs.width - 1)
    if use.align is Align.LEFT:
        value <<= width - theirs.width
    return value & ((1 << width) - 1)


def out_of(use: PortUse, word: int, ours: Format, width: int) -> int | None:
    """Return a word of the core's output as one of ours; None if our format doesn't hold it."""
    theirs = use.format or ours
    word = word >> (width - theirs.width if use.align is Align.LEFT else 0) & ((1 << theirs.width) - 1)
    if use.encoding is Encoding.OFFSET:
        word ^= 1 << (theirs.width - 1)
    sign = 1 << (theirs.width - 1) if theirs.signed else 0
    value, more = (word ^ sign) - sign, theirs.f_bits - ours.f_bits
    if more > 0 and value & ((1 << more) - 1):
        return None
    value = value >> more if more > 0 else value << -more
    return value if ours.min_word <= value <= ours.max_word else None


def streams_of(dut: Any, job: Job) -> Any:
    """Return what has the ports of a population: the module itself, or a VHDL core's streams."""
    return VhdlStreams(dut, job) if MAP in job.options else dut


SUPPORTED = (Contract.STROBE,)
"""Contracts of cores that are simulated by themselves."""
