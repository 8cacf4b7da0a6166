"""Faults in the self-test, many side by side: what its signature makes of each."""

import ctypes
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.bitslice.netlist import slice_netlist
from qlif.cosim.bitslice.simulation import SliceProgram, aligned, pointer, port_places
from qlif.cosim.mutation.mutated_netlist import MutatedNetlist
from qlif.cosim.mutation.player import Player, Running
from qlif.hdl.interface import RESET, Interface
from qlif.hdl.ports import STALL_RATE_BITS, Port
from qlif.hdl.selftest.export import SELF_TEST_MODULE, export_self_test
from qlif.hdl.verilog import Export
from qlif.model.formats import UQ
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SIGNATURE_BITS, TIMESTEP_BITS, SelfTestPlan

PROGRAM = Path(__file__).with_name("play_selftest.c")

PASSED, SIGNATURE, STUCK = "passed", "signature", "stuck"
ENDS = (PASSED, SIGNATURE, STUCK)
"""How a self-test ends: with the golden model's signature, with another one, or never."""

TIMESTEPS = 4096
"""Each neuron is in each regime 16 times."""

CHECKPOINT_BITS = 6
CHECKPOINT = 1 << CHECKPOINT_BITS
"""Timesteps after which the signatures are compared: a wrong one stays wrong."""

PAUSES = (0, 64, 128, 240)
"""In so many of 256 clocks each stream pauses, for the timesteps between two checkpoints each.

Neither often nor seldom alone shows everything that waits.
"""

PATIENCE = 1 << 16
"""After so many clocks without a timestep, nothing more is to be expected."""


class SelfTestPlayer(Player):
    """A netlist with faults inside the self-test's gates, and the golden signatures.

    Parameters
    ----------
    netlist : MutatedNetlist
    interface : Interface
        Of the population.
    plan : SelfTestPlan
        Which self-test it is.

    Raises
    ------
    InputError
        There is no C compiler, or the netlist can't be sliced.
    """

    unseen = PASSED

    def __init__(self, netlist: MutatedNetlist, interface: Interface, plan: SelfTestPlan) -> None:
        verilog, masks = netlist.masked()
        ports = [Port(name, "input", UQ(width, 0), "masks") for name, width in masks.widths.items()]
        planted = Export(verilog, replace(interface, signals=(*interface.signals, *ports)))
        export = export_self_test(planted, plan, handed_through=tuple(masks.widths))
        sliced = slice_netlist(export.verilog, SELF_TEST_MODULE)
        (inputs, _), (outputs, count) = port_places(sliced.inputs), port_places(sliced.outputs)
        self._golden = _golden(plan, interface)
        self._pauses = np.array(PAUSES, dtype=np.uint8)
        macros = {
            "OUTPUTS": count,
            "STALLS": inputs["stalls"].start,
            "STALLS_BITS": STALL_RATE_BITS,
            "TIMESTEP_BITS": TIMESTEP_BITS,
            **{name.upper(): outputs[name].start for name in ("done", "timestep", "signature")},
        }
        further = "".join(f"#define {name} {value}\n" for name, value in macros.items())
        further += PROGRAM.read_text(encoding="utf-8")
        super().__init__(netlist.mutants, masks, SliceProgram(sliced, in_step=False, further=further))

    def _begin(self, running: Running) -> npt.NDArray[np.uint64]:
        """Reset for a few clocks, then start once; return room for what the run keeps."""
        program, simulation = self._program, running.simulation
        timesteps = program.inputs["timesteps"]
        bits = (TIMESTEPS >> np.arange(timesteps.stop - timesteps.start)) & 1
        running.inputs[timesteps] = (0 - bits.astype(np.uint64))[:, None]
        for port, clocks in ((RESET, 4), (None, 1), ("start", 1), (None, 2)):
            if port is not None:
                running.inputs[program.inputs[port]] = ~np.uint64(0)
            simulation.run(running.inputs[None], simulation.outputs(1), clocks)
            if port is not None:
                running.inputs[program.inputs[port]] = 0
        return aligned((-(-program.library.run_bytes() // 8),))

    def _advance(self, running: Running, more: Any, begin: int, end: int) -> int:
        left: int = self._program.library.play(
            *running.pointers(),
            pointer(more),
            ctypes.c_long(begin),
            ctypes.c_long(end),
            ctypes.c_uint64(TIMESTEPS),
            CHECKPOINT_BITS,
            pointer(self._pauses),
            (len(PAUSES) - 1).bit_length(),
            pointer(self._golden),
            ctypes.c_long(PATIENCE),
            *map(pointer, (running.open, running.found[0])),
        )
        return left

    def _finding(self, end: int, _: int) -> str:
        return ENDS[end]


def _golden(plan: SelfTestPlan, interface: Interface) -> npt.NDArray[np.uint64]:
    """Return the signatures: of the updates at each checkpoint, and last of the events at the end."""
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
    return np.array(parts, dtype=np.uint64)
