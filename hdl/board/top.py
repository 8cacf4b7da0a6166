"""The whole design of a board, from its pins to the population."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, ClockDomain, Elaboratable, Instance, Module, ResetInserter, Signal, Value
from amaranth.lib import wiring

from qlif.hdl.board.commands import Commands
from qlif.hdl.board.held import HeldCurrents
from qlif.hdl.board.link import Layout, identity
from qlif.hdl.board.uart import Receiver, Transmitter
from qlif.hdl.boards.board import Board
from qlif.hdl.core import Core
from qlif.hdl.interface import Interface
from qlif.hdl.ports import Stream
from qlif.hdl.selftest.export import export_self_test
from qlif.hdl.verilog import GENERATED, Export, commented, export
from qlif.hdl.verilog_text import verilog_text
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SIGNATURE_BITS, TIMESTEP_BITS, SelfTestPlan

BOARD_TOP = "qlif_board"
POWER_ON_CLOCKS = 256
"""Everything is held in reset for so long: block RAM of iCE40 can't be read at once."""
FIRST_UPDATES = 1 << 16
"""Of the self-test that runs at power-on."""


@dataclass(frozen=True)
class BoardDesign:
    """A design for a board.

    Attributes
    ----------
    verilog : str
        Its top module is :data:`BOARD_TOP`.
    board : Board
    interface : Interface
        The population's.
    plan : SelfTestPlan
        The stimulus of its self-test.
    """

    verilog: str
    board: Board
    interface: Interface
    plan: SelfTestPlan

    @property
    def cells(self) -> tuple[Path, ...]:
        """The files with the models of what it instantiates."""
        explicit = self.interface.core.primitives.target is not None
        return tuple(self.board.target.models.values()) if explicit else ()

    @property
    def layout(self) -> Layout:
        """How many bytes its words have in a frame."""
        return Layout.of(self.interface)

    @property
    def identity(self) -> bytes:
        """What it tells the host of its configuration."""
        return identity(self.interface, self.plan.seed)


def board_design(core: Core, board: Board, seed: int = 0) -> BoardDesign:
    """Return the design of a population on a board.

    Parameters
    ----------
    core : Core
        With both streams of results.
    board : Board
    seed : int
        Of the self-test's stimulus.
    """
    population = export(core)
    interface = population.interface
    plan = SelfTestPlan.of(core.words, seed)
    tested = export_self_test(population, plan, shared=True)
    timesteps = -(-FIRST_UPDATES // core.neurons)
    golden = GoldenSelfTest(core.words, plan, core.lanes, step_bits=core.step_bits)
    top = BoardTop(tested, interface, board, identity(interface, seed), timesteps, golden.advance(timesteps))
    header = [
        f"{BOARD_TOP}: {core.name} on {board.title}, {core.neurons} neurons",
        "",
        f"{GENERATED} A UART of {board.baud} baud at a clock of {board.clock_hz} Hz; docs/board.md.",
    ]
    body = verilog_text(top, BOARD_TOP, top.pins)
    return BoardDesign(f"{commented(header)}\n{body}\n{tested.verilog}", board, interface, plan)


class BoardTop(Elaboratable):
    """Pins, power-on reset, link, held currents and the self-test with the population in it.

    Parameters
    ----------
    tested : Export
        The self-test, whose population is shared.
    interface : Interface
        The population's.
    board : Board
    identity : bytes
        What it tells of its configuration.
    timesteps, signature : int
        The self-test at power-on.

    Attributes
    ----------
    rx : In
        From the host.
    tx : Out
    led_running, led_passed, led_failed : Out
        What the population and its self-test do, and how the self-test ended; low is on where the board wants it.
    """

    def __init__(
        self,
        tested: Export,
        interface: Interface,
        board: Board,
        identity: bytes,
        timesteps: int,
        signature: int,
    ) -> None:
        self.tested, self.interface, self.board, self.identity = tested, interface, board, identity
        self.timesteps, self.signature = timesteps, signature
        self._domain: Any = ClockDomain("sync")
        self.rx, self.tx = Signal(name="rx", init=1), Signal(name="tx", init=1)
        self.leds = {name: Signal(name=f"led_{name}") for name in ("running", "passed", "failed")}

    @property
    def pins(self) -> list[Value]:
        """Every pin."""
        return [self._domain.clk, self.rx, self.tx, *self.leds.values()]

    def elaborate(self, platform: object) -> Module:
        """Build the gates."""
        m = Module()
        self._power_on(m)
        divisor = self.board.divisor
        m.submodules.receiver = receiver = Receiver(divisor)
        m.submodules.transmitter = transmitter = Transmitter(divisor)
        widths = self.interface.updates.width, self.interface.events.width
        core, layout = self.interface.core, Layout.of(self.interface)
        m.submodules.commands = commands = Commands(core, layout, self.identity, *widths)
        m.d.comb += [receiver.pin.eq(self.rx), self.tx.eq(transmitter.pin)]
        m.d.comb += [commands.data.eq(receiver.data), commands.valid.eq(receiver.valid)]
        wiring.connect(m, commands.bytes, transmitter.bytes)

        width = core.words.arithmetic.current.width
        held = HeldCurrents(core.rows, core.lanes, width)
        m.submodules.held = ResetInserter(commands.reset)(held)
        m.d.comb += [
            held.write.eq(commands.write_current),
            held.neuron.eq(commands.neuron),
            held.word.eq(commands.current),
            held.start.eq(commands.start_steps),
            held.timesteps.eq(commands.timesteps),
        ]
        ports = self._self_test(m, commands)
        m.d.comb += [
            ports["currents_valid"].eq(held.currents.valid),
            ports["currents_data"].eq(held.currents.payload),
            held.currents.ready.eq(ports["currents_ready"]),
        ]
        for stream, taken in (
            (self.interface.updates, commands.updates),
            (self.interface.events, commands.events),
        ):
            m.d.comb += [
                taken.valid.eq(ports[stream.valid.name]),
                taken.payload.eq(_payload(stream, ports)),
                ports[stream.ready.name].eq(taken.ready),
            ]
        if (writes := self.interface.parameters) is not None:
            m.d.comb += [
                ports[writes.valid.name].eq(commands.parameter_valid),
                commands.parameter_ready.eq(ports[writes.ready.name]),
                ports["parameters_select"].eq(commands.select),
                ports["parameters_neuron"].eq(commands.parameter_neuron),
                ports["parameters_word"].eq(commands.parameter),
            ]
        self._show(m, commands, ports, held.busy)
        return m

    def _power_on(self, m: Module) -> None:
        """Hold everything in reset after power-on."""
        power_on: Any = ClockDomain("power_on", reset_less=True)
        power_on.clk = self._domain.clk
        m.domains += [self._domain, power_on]
        count = Signal(range(POWER_ON_CLOCKS))
        m.d.comb += self._domain.rst.eq(count != POWER_ON_CLOCKS - 1)
        with m.If(self._domain.rst):
            m.d.power_on += count.eq(count + 1)

    def _self_test(self, m: Module, commands: Commands) -> dict[str, Signal]:
        """Put the self-test in, and start it at power-on and on command; return its ports."""
        tested = self.tested.interface
        ports = {port.name: Signal(port.width, name=f"test_{port.name}") for port in tested.ports}
        connections = {f"{port.direction[0]}_{port.name}": ports[port.name] for port in tested.ports}
        m.submodules.test = Instance(
            tested.module,
            i_clk=self._domain.clk,
            i_rst=self._domain.rst | commands.reset,
            **connections,
        )
        start = Signal(init=1)
        timesteps, stalls = Signal(TIMESTEP_BITS, init=self.timesteps), Signal.like(commands.stalls)
        self._expected = Signal(2 * SIGNATURE_BITS, init=self.signature)
        m.d.comb += [ports["start"].eq(start), ports["timesteps"].eq(timesteps), ports["stalls"].eq(stalls)]
        m.d.sync += start.eq(commands.start_test)
        with m.If(commands.start_test):
            m.d.sync += [
                timesteps.eq(commands.test_timesteps),
                stalls.eq(commands.stalls),
                self._expected.eq(commands.expected),
            ]
        m.d.comb += [commands.timestep.eq(ports["timestep"]), commands.result.eq(ports["signature"])]
        return ports

    def _show(self, m: Module, commands: Commands, ports: dict[str, Signal], stepping: Value) -> None:
        """Tell host and LEDs what is going on."""
        passed, failed = Signal(), Signal()
        is_right = ports["signature"] == self._expected
        m.d.sync += [passed.eq(ports["done"] & is_right), failed.eq(ports["done"] & ~is_right)]
        running = ports["running"]
        # In the order of State.
        m.d.comb += commands.state.eq(Cat(stepping, running, passed, failed))
        for name, is_on in (("running", stepping | running), ("passed", passed), ("failed", failed)):
            m.d.comb += self.leds[name].eq(~is_on if name in self.board.lit_by_low else is_on)


def _payload(stream: Stream, ports: dict[str, Signal]) -> Value:
    """Return a payload's ports side by side, the first lowest."""
    return Cat(ports[port.name] for port in stream.payload)
