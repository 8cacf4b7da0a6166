"""Faults in the self-test: what its signature makes of each."""

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from qlif.cosim.mutation.faults import SELECTOR, MutatedNetlist
from qlif.cosim.mutation.player import play
from qlif.cosim.simulator import verilator_program
from qlif.cosim.simulator.find import Simulator
from qlif.hdl.interface import Interface
from qlif.hdl.ports import Port
from qlif.hdl.selftest.export import SELF_TEST_MODULE, export_self_test
from qlif.hdl.verilog import Export
from qlif.model.formats import UQ
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SIGNATURE_BITS, SelfTestPlan

PROGRAM = Path(__file__).with_name("play_selftest.cpp")

PASSED, SIGNATURE, STUCK = "passed", "signature", "stuck"
ENDS = (PASSED, SIGNATURE, STUCK)
"""How a self-test ends: with the golden model's signature, with another one, or never."""

TIMESTEPS = 4096
"""Each neuron is in each regime 16 times."""

CHECKPOINT = 64
"""Timesteps after which the signatures are compared: a wrong one stays wrong."""


class SelfTestPlayer:
    """A netlist with faults inside the self-test's gates, built together with the golden signatures.

    Parameters
    ----------
    netlist : MutatedNetlist
    interface : Interface
        Of the population.
    plan : SelfTestPlan
        Which self-test it is.
    simulator : Simulator
        Verilator.
    directory : Path
        Where everything is written.

    Raises
    ------
    SimulationError
        It can't be built.
    """

    def __init__(
        self,
        netlist: MutatedNetlist,
        interface: Interface,
        plan: SelfTestPlan,
        simulator: Simulator,
        directory: Path,
    ) -> None:
        numbers = UQ(len(netlist.mutants).bit_length(), 0)
        selector = Port(SELECTOR, "input", numbers, "number of the fault that is on")
        verilog = netlist.verilog.read_text(encoding="utf-8")
        planted = Export(verilog, replace(interface, signals=(*interface.signals, selector)))
        source, _ = export_self_test(planted, plan, handed_through=(SELECTOR,)).write(directory)
        self._golden = (directory / "golden.bin").resolve()
        _write_golden(self._golden, plan, interface)
        self._program = verilator_program.build(
            simulator, source, SELF_TEST_MODULE, PROGRAM, directory, lint=False
        )

    def run(self, numbers: Sequence[int], jobs: int) -> Generator[tuple[int, str]]:
        """Give each fault's number with how the self-test ends, as they come."""
        command = [str(self._program), str(TIMESTEPS), str(CHECKPOINT), str(self._golden)]
        with closing(play(command, numbers, jobs)) as answers:
            for number, end in answers:
                yield number, ENDS[end]


def _write_golden(path: Path, plan: SelfTestPlan, interface: Interface) -> None:
    """Write the signatures: of the updates at each checkpoint, and last of the events at the end."""
    golden = GoldenSelfTest(
        interface.words,
        plan,
        interface.lanes,
        step_bits=interface.core.step_bits,
        absent=interface.absent,
    )
    signatures = golden.signatures(range(CHECKPOINT, TIMESTEPS + 1, CHECKPOINT))
    low = (1 << SIGNATURE_BITS) - 1
    parts = [signature & low for signature in signatures] + [signatures[-1] >> SIGNATURE_BITS]
    np.array(parts, dtype="=u8").tofile(path)
