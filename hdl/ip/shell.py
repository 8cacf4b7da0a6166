"""The AXI shell around an exported population."""

from typing import Any

import numpy as np
from amaranth.hdl import (
    Array,
    Cat,
    ClockDomain,
    ClockSignal,
    Const,
    Elaboratable,
    Instance,
    Module,
    Mux,
    ResetInserter,
    ResetSignal,
    Signal,
    Value,
)
from amaranth.lib.memory import Memory

from qlif.hdl.interface import Interface
from qlif.hdl.ip.lite import LiteRegisters
from qlif.hdl.ip.registers import register_map
from qlif.hdl.ip.self_test import SelfTestControl
from qlif.hdl.ip.shift_counter import not_before
from qlif.hdl.ip.spike_counter import SpikeCounter
from qlif.hdl.ip.streams import data_bits, packed, unpacked
from qlif.hdl.ip.timestep_end import TimestepEnd
from qlif.hdl.ports import SHARED_PORTS
from qlif.hdl.row_counters import equals
from qlif.hdl.storage import RuntimeParameter

SHELL_MODULE = "qlif_axi"
IN = "s_axis_currents"
"""What the names of the input stream's ports begin with; of results it is ``m_axis_updates``, ``m_axis_events``."""


class AxiShell(Elaboratable):
    """AXI4-Stream and AXI4-Lite around a population.

    TLAST has to come with the last row of a timestep. If it comes earlier, the rest of the timestep gets currents of
    0; if it is missing, what follows is left out, up to and with the next TLAST. So the next timestep begins where
    the source means it to. TLAST of the updates is that of the timestep; each event is a packet of its own.

    A restart is a reset of the neurons that breaks no handshake: no current is taken any more, and as soon as all
    results were taken, the population is reset for one clock. Parameters stay.

    Parameters
    ----------
    interface : Interface
        The population's.
    tested : Interface, optional
        Of the self-test that is around the population and lends its streams.

    Attributes
    ----------
    ports : tuple of Signal
        In the order of the module.
    lite : LiteRegisters
    """

    def __init__(self, interface: Interface, tested: Interface | None = None) -> None:
        self.interface, self.core = interface, interface.core
        self.registers = register_map(SHELL_MODULE, interface, tested is not None)
        self.lite = LiteRegisters(self.registers)
        self._module = (interface if tested is None else tested).module
        self._test = None if tested is None else SelfTestControl(self.lite)
        self._clock, self._resetn, self._irq = (Signal(name=name) for name in ("aclk", "aresetn", "irq"))
        self._streams: dict[str, dict[str, Signal]] = {}
        for stream in interface.streams:
            if stream.name == "parameters":
                continue
            name = IN if stream.role == "sink" else f"m_axis_{stream.name}"
            widths = {"tvalid": 1, "tready": 1, "tdata": data_bits(stream), "tlast": 1}
            self._streams[stream.name] = {
                part: Signal(width, name=f"{name}_{part}") for part, width in widths.items()
            }
        self._core = {port.name: Signal(port.width, name=f"core_{port.name}") for port in interface.ports}

    @property
    def ports(self) -> tuple[Signal, ...]:
        """Clock, reset, streams, registers, interrupt."""
        streams = [signal for parts in self._streams.values() for signal in parts.values()]
        return (self._clock, self._resetn, *streams, *self.lite.bus.values(), self._irq)

    @property
    def inputs(self) -> frozenset[str]:
        """The names of the ports that are driven from outside."""
        names = {"aclk", "aresetn"}
        for stream in self.interface.streams:
            if stream.name in self._streams:
                parts = ("tvalid", "tdata", "tlast") if stream.role == "sink" else ("tready",)
                names |= {self._streams[stream.name][part].name for part in parts}
        answers = {"awready", "wready", "bvalid", "bresp", "arready", "rvalid", "rdata", "rresp"}
        return frozenset(names | {one.name for name, one in self.lite.bus.items() if name not in answers})

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        domain: Any = ClockDomain("sync")
        m.domains.sync = domain
        m.d.comb += [domain.clk.eq(self._clock), domain.rst.eq(~self._resetn)]
        core, lite, test = self._core, self.lite, self._test
        restart = Signal()
        connections = {f"{port.direction[0]}_{port.name}": core[port.name] for port in self.interface.ports}
        if test is not None:
            connections |= {
                f"{port.direction[0]}_{port.name}": test.ports[port.name] for port in SHARED_PORTS
            }
        m.submodules.population = Instance(
            self._module, i_clk=ClockSignal(), i_rst=ResetSignal() | restart, **connections
        )
        restarting = lite.values["status", "restarting"]
        rows = TimestepEnd(self.interface.rows)
        m.submodules.rows = ResetInserter(restart)(rows)
        m.d.comb += rows.moved.eq(core["currents_valid"] & core["currents_ready"])
        mid, realigning = self._take(m, rows, restarting, restart)
        self._give(m)

        # Nothing is in flight if nothing has moved for longer than the longest way through.
        quiet = not_before(self.interface.latency + self.interface.queue_depth + 4)
        still = Signal(quiet.counter.bits, reset_less=True)
        idle = Signal(init=1)
        active, was_active = Signal(), Signal()
        results = [core[f"{name}_valid"] for name in ("updates", "events") if name in self._streams]
        m.d.comb += active.eq(Cat(rows.moved, *results).any())
        # The counter begins anew a clock after: whether a current is taken is known late.
        m.d.sync += [
            was_active.eq(active),
            still.eq(Mux(was_active, 0, quiet.counter.following(still))),
            idle.eq(~active & (idle | (quiet.seen(still) & ~was_active))),
        ]
        m.d.sync += [
            restarting.eq((restarting | lite.values["control", "restart"]) & ~restart),
            restart.eq(restarting & idle & ~restart),
        ]
        if test is not None:
            with m.If(test.start):
                m.d.sync += restarting.eq(1)
            test.build(m, restart)
        m.d.comb += [
            lite.values["status", "busy"].eq(~idle | mid),
            lite.values["status", "realigning"].eq(realigning),
        ]
        self._count(m, rows, restart)
        flags = [lite.values["flags", field.name] for field in self.registers["flags"].fields]
        enables = [lite.values["interrupt", field.name] for field in self.registers["interrupt"].fields]
        m.d.comb += self._irq.eq((Cat(flags) & Cat(enables)).any())
        if self.core.runtime:
            self._parameters(m)
        lite.build(m)
        return m

    def _take(self, m: Module, rows: TimestepEnd, restarting: Value, restart: Value) -> tuple[Value, Value]:
        """Take currents; return whether a timestep is under way, and whether they are led back to its end."""
        core, lite, given = self._core, self.lite, self._streams["currents"]
        (stream,) = (one for one in self.interface.streams if one.name == "currents")
        filling, dropping, mid = (Signal(name=name) for name in ("filling", "dropping", "mid"))
        between = Signal(init=1)
        is_open = Signal()
        is_shut, leaves_out = restarting, Value.cast(dropping)
        if self._test is not None:
            is_shut, leaves_out = restarting | self._test.closed, dropping & ~self._test.closed
        moved = core["currents_valid"] & core["currents_ready"]
        taken = given["tvalid"] & given["tready"]
        m.d.comb += [
            mid.eq(~between),
            is_open.eq((lite.values["control", "enable"] | mid) & ~is_shut & ~dropping),
            core["currents_valid"].eq((given["tvalid"] & is_open & ~filling) | (filling & ~restarting)),
            core["currents_data"].eq(Mux(filling, 0, unpacked(stream, given["tdata"]))),
            given["tready"].eq((core["currents_ready"] & is_open & ~filling) | leaves_out),
        ]
        early = taken & ~dropping & given["tlast"] & ~rows.last
        missing = taken & ~dropping & ~given["tlast"] & rows.last
        with m.If(moved):
            m.d.sync += [between.eq(rows.last), filling.eq((filling | given["tlast"]) & ~rows.last)]
        with m.If(missing):
            m.d.sync += dropping.eq(1)
        with m.If(leaves_out & given["tvalid"] & given["tlast"]):
            m.d.sync += dropping.eq(0)
        with m.If(restart):
            m.d.sync += [filling.eq(0), between.eq(1)]
        m.d.comb += [
            lite.set_flags["flags", "tlast_early"].eq(early),
            lite.set_flags["flags", "tlast_missing"].eq(missing),
            lite.set_flags["flags", "timestep"].eq(moved & rows.last),
        ]
        return mid, filling | dropping

    def _give(self, m: Module) -> None:
        """Give the results."""
        for stream in self.interface.streams:
            if stream.role == "source":
                given = self._streams[stream.name]
                last: Any = 1
                if stream.name == "updates":
                    last = equals(self._core["updates_neuron"], self.core.neurons - self.core.lanes)
                m.d.comb += [
                    given["tvalid"].eq(self._core[stream.valid.name]),
                    self._core[stream.ready.name].eq(given["tready"]),
                    given["tdata"].eq(packed(stream, self._core)),
                    given["tlast"].eq(last),
                ]

    def _count(self, m: Module, rows: TimestepEnd, restart: Value) -> None:
        """Count timesteps and spikes."""
        core, lite = self._core, self.lite
        timestep = lite.values["timestep", "value"]
        name = "events" if self.core.streams.has_events else "updates"
        taken = core[f"{name}_valid"] & core[f"{name}_ready"]
        counter = SpikeCounter(self.core.lanes)
        m.submodules.spike_counter = ResetInserter(restart)(counter)
        m.d.comb += [
            # A lone neuron's event is a spike.
            counter.spikes.eq(Mux(taken, core.get(f"{name}_spike", Const(1, 1)), 0)),
            lite.values["spikes", "value"].eq(counter.count),
            lite.set_flags["flags", "spike"].eq(counter.spikes.any()),
        ]
        if self.core.streams.has_events:
            m.d.comb += [timestep.eq(core["events_step"]), lite.settled.eq(counter.settled)]
            return
        # The population counts none: this is the timestep of the update that was taken last.
        begins = Signal()
        steps = SpikeCounter(1)
        m.submodules.step_counter = ResetInserter(restart)(steps)
        m.d.comb += [steps.spikes.eq(taken & begins), timestep.eq(steps.count)]
        with m.If(restart):
            m.d.sync += begins.eq(0)
        with m.Elif(taken):
            m.d.sync += begins.eq(self._streams["updates"]["tlast"])
        m.d.comb += lite.settled.eq(counter.settled & steps.settled)

    def _parameters(self, m: Module) -> None:
        """Hold a write until the population takes it; keep a copy of every word, to be read."""
        core, lite = self._core, self.lite
        select = lite.values["parameter_select", "value"]
        neuron = lite.values["parameter_neuron", "value"]
        writing = lite.values["status", "writing"]
        taken = writing & core["parameters_ready"]
        with m.If(taken):
            m.d.sync += writing.eq(0)
        with m.If(lite.port_write):
            m.d.sync += [writing.eq(1), core["parameters_word"].eq(lite.port_word)]
            m.d.sync += [core["parameters_select"].eq(select), core["parameters_neuron"].eq(neuron)]
        m.d.comb += [
            core["parameters_valid"].eq(writing),
            lite.port_open.eq(~writing & (select < len(self.core.runtime)) & (neuron < self.core.neurons)),
        ]
        copies = [self._copy(m, parameter, taken, neuron) for parameter in self.core.runtime]
        m.d.comb += lite.values["parameter_word", "value"].eq(Array(copies)[select])

    def _copy(self, m: Module, parameter: RuntimeParameter, taken: Value, neuron: Value) -> Value:
        """Return a parameter's word now: that of a neuron, if each has its own."""
        width, name = parameter.format.width, f"copy_{parameter.name}"
        chosen = taken & equals(self._core["parameters_select"], parameter.select)
        word = self._core["parameters_word"][:width]
        given = self.core.words.constants[parameter.name].word
        mask = (1 << width) - 1
        if not parameter.storage.is_per_neuron:
            register = Signal(width, init=int(given) & mask, reset_less=True, name=name)
            with m.If(chosen):
                m.d.sync += register.eq(word)
            return register
        words = [int(one) & mask for one in np.broadcast_to(given, self.core.neurons).ravel()]
        memory: Any = Memory(shape=width, depth=self.core.neurons, init=words)
        m.submodules[name] = memory
        write, read = memory.write_port(), memory.read_port()
        m.d.comb += [
            write.en.eq(chosen),
            write.addr.eq(self._core["parameters_neuron"]),
            write.data.eq(word),
            read.addr.eq(neuron),
            read.en.eq(1),
        ]
        return Value.cast(read.data)
