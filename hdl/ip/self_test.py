"""The shell's side of a self-test: how a program starts it, and what it reads of it."""

from amaranth.hdl import Cat, Module, Signal, Value

from qlif.hdl.ip.lite import LiteRegisters
from qlif.hdl.ip.registers import SIGNATURE_REGISTERS
from qlif.hdl.ports import SHARED_PORTS


class SelfTestControl:
    """Starts a run, and closes the streams for it.

    A start is a restart of the shell after which the run begins. The streams stay closed until the next restart, as
    the run leaves the neurons in some state of its own.

    Parameters
    ----------
    lite : LiteRegisters

    Attributes
    ----------
    ports : dict of str to Signal
        Those of the self-test that a population doesn't have.
    closed : Signal
        No current is taken, nor left out.
    """

    def __init__(self, lite: LiteRegisters) -> None:
        self.lite = lite
        self.ports = {port.name: Signal(port.width, name=f"test_{port.name}") for port in SHARED_PORTS}
        self.closed = Signal(name="closed")

    @property
    def start(self) -> Value:
        """A program starts a run in this clock."""
        return self.lite.values["selftest", "start"]

    def build(self, m: Module, restart: Value) -> None:
        """Add the gates; `restart` resets population and self-test in this clock."""
        values, ports = self.lite.values, self.ports
        pending, was_done = (Signal(name=f"test_{name}") for name in ("pending", "was_done"))
        done = values["selftest", "done"]
        m.d.sync += [
            pending.eq(self.start | (pending & ~restart)),
            # The clock after the reset, which is of the self-test too.
            ports["start"].eq(restart & pending),
            was_done.eq(done),
        ]
        with m.If(restart):
            m.d.sync += self.closed.eq(pending)
        m.d.comb += [
            ports["timesteps"].eq(values["selftest_length", "value"]),
            ports["stalls"].eq(values["selftest", "stalls"]),
            # Of this start: a run before it may be done.
            done.eq(self.closed & ports["done"] & ~pending),
            values["selftest", "running"].eq(pending | (self.closed & ~ports["done"])),
            values["selftest_timesteps", "value"].eq(ports["timestep"]),
            Cat(values[name, "value"] for name in SIGNATURE_REGISTERS).eq(ports["signature"]),
            self.lite.set_flags["flags", "selftest"].eq(done & ~was_done),
        ]
