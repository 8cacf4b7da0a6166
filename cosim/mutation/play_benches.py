"""Plays the benches' recorded clocks to many faults, at Verilator's own speed."""

from collections.abc import Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from qlif.cosim.mutation.player import play
from qlif.cosim.mutation.recorded_benches import Stimulus
from qlif.cosim.simulator import verilator_program
from qlif.cosim.simulator.find import Simulator
from qlif.hdl.interface import Interface

PROGRAM = Path(__file__).with_name("play_benches.cpp")
_WORD_BITS = 64


class Difference(NamedTuple):
    """Where a fault first shows.

    Attributes
    ----------
    bench : str
    clock : int
        Counted from the bench's start.
    output : str
        The port that isn't as recorded.
    """

    bench: str
    clock: int
    output: str


class Replay:
    """A netlist with faults, built together with what the benches drove and saw.

    Parameters
    ----------
    verilog : Path
        The netlist.
    interface : Interface
    stimuli : sequence of Stimulus
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
        verilog: Path,
        interface: Interface,
        stimuli: Sequence[Stimulus],
        simulator: Simulator,
        directory: Path,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._stimuli = stimuli
        self._ends = np.cumsum([stimulus.clocks for stimulus in stimuli])
        inputs = ["rst", *(port.name for port in interface.inputs)]
        self._outputs = [port.name for port in interface.outputs]
        self._record = (directory / "record.bin").resolve()
        resets = interface.mapped is None or interface.mapped.resets
        _write_record(self._record, stimuli, inputs, self._outputs, resets)
        self._program = verilator_program.build(
            simulator,
            verilog,
            interface.module,
            PROGRAM,
            directory,
            # A netlist that Yosys wrote; the text that it was made of has been through the lint.
            lint=False,
            headers={"ports.h": _header(interface.module, inputs, self._outputs)},
        )

    def run(self, numbers: Sequence[int], jobs: int) -> Generator[tuple[int, Difference | None]]:
        """Give each fault's number with where it first shows, as they come; None if it doesn't."""
        with closing(play([str(self._program), str(self._record)], numbers, jobs)) as answers:
            for number, clock, output in answers:
                yield number, self._difference(clock, output)

    def _difference(self, clock: int, output: int) -> Difference | None:
        if output < 0:
            return None
        bench = int(np.searchsorted(self._ends, clock, side="right"))
        start = int(self._ends[bench - 1]) if bench else 0
        return Difference(self._stimuli[bench].bench, clock - start, self._outputs[output])


def _header(module: str, inputs: Sequence[str], outputs: Sequence[str]) -> str:
    drives = "\n".join(f"    top.{name} = words[{place}];" for place, name in enumerate(inputs))
    checks = []
    for place, name in enumerate(outputs):
        stream = name.partition("_")[0]
        valid = f"{stream}_valid"
        shown = f"top.{valid} && " if valid in outputs and name != valid else ""
        checks.append(f"    if ({shown}top.{name} != words[{place}]) return {place};")
    return (
        f'#include "V{module}.h"\n\nusing Mutated = V{module};\n'
        f"constexpr int INPUTS = {len(inputs)}, OUTPUTS = {len(outputs)};\n\n"
        f"static void drive(Mutated& top, const Word* words) {{\n{drives}\n}}\n\n"
        f"static int differs(const Mutated& top, const Word* words) {{\n" + "\n".join(checks) + "\n"
        "    return -1;\n}\n"
    )


def _write_record(
    path: Path, stimuli: Sequence[Stimulus], inputs: Sequence[str], outputs: Sequence[str], resets: bool
) -> None:
    """Write what is played. Without a reset, a circuit that is switched on once for all benches would carry on."""
    blocks: list[npt.NDArray[np.uint64]] = []
    for stimulus in stimuli:
        columns = [stimulus.words[name] for name in (*inputs, *outputs)]
        reset = stimulus.words["rst"].astype(bool)
        # A bench looks at no output before its first reset, nor while it holds the reset.
        looks = np.logical_or.accumulate(reset) & ~reset
        flags = looks.astype(np.uint64)
        if not (resets and blocks):
            flags[0] |= np.uint64(2)
        blocks.append(np.column_stack([*columns, flags]))
    np.concatenate(blocks).astype("=u8").tofile(path)
