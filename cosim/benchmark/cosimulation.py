"""How fast the kinds of co-simulation are: the same population, one after another, in alternating rounds."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from qlif.cosim.benches.block_wrapper import BLOCK_MODULE, block_wrapper
from qlif.cosim.benches.inputs import constrained_random
from qlif.cosim.benches.job import Job, read_seconds
from qlif.cosim.benchmark.bit_sliced import ICARUS_UPDATES, IcarusLoop, SlicedLoop
from qlif.cosim.bitslice.netlist import export_netlist, slice_files
from qlif.cosim.configuration import Configuration
from qlif.cosim.cosimulation import BLOCK_BENCH, POPULATION_BENCH
from qlif.cosim.selftest.run import PROGRAM
from qlif.cosim.simulator import c_compiler, verilator_program
from qlif.cosim.simulator.cocotb_design import Design, SimulationError
from qlif.cosim.simulator.find import Simulator, SimulatorName, installed
from qlif.hdl.selftest.export import SELF_TEST_MODULE, export_self_test
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.gates import gate_netlist
from qlif.hdl.targets.catalogue import DEFAULT_TARGET
from qlif.hdl.verilog import POPULATION_MODULE, Export
from qlif.model.exceptions import InputError
from qlif.model.selftest.plan import SelfTestPlan
from qlif.model.support import process
from qlif.model.support.files import write_text
from qlif.model.support.progress import Progress, unwatched
from qlif.model.support.scratch import scratch

SELF_TEST, BLOCKS, PER_CYCLE, BARE_LOOP = (
    "self-test",
    "block-wise bench",
    "per-cycle bench",
    "bare Verilator loop",
)
SLICED, STALLED, SLICED_NETLIST, ICARUS_NETLIST = (
    "bit-sliced",
    "bit-sliced, own stalls",
    "bit-sliced netlist",
    "Icarus, netlist",
)
UPDATES = {
    SELF_TEST: 8_000_000,
    BLOCKS: 400_000,
    PER_CYCLE: 40_000,
    BARE_LOOP: 8_000_000,
    SLICED: 400_000_000,
    STALLED: 100_000_000,
    SLICED_NETLIST: 100_000_000,
    ICARUS_NETLIST: ICARUS_UPDATES,
}
"""In each round: about a second for each."""

BARE_PROGRAM = Path(__file__).with_name("bare_loop.cpp")


def measure_cosimulation(
    configuration: Configuration,
    simulator: Simulator,
    rounds: int = 5,
    progress: Progress = unwatched,
) -> dict[str, list[float]]:
    """Return the updates per second of each kind in each round; of those that this machine has the tools for.

    Building, starting the simulator and comparing with the golden model aren't in the time of a bench; the
    start of a program is. The benches check nothing meanwhile, and neither does the bare loop: they are
    as fast as they can be. The self-test's signature is made within its time.

    Parameters
    ----------
    configuration : Configuration
        One lane, without run-time parameters.
    simulator : Simulator
        Verilator.
    rounds : int
    progress : callable, optional

    Raises
    ------
    SimulationError
        Something can't be built or run.
    """
    words, export = configuration.words, configuration.export()
    neurons = words.parameters.n
    with scratch() as work:
        population, tested, blocks = (work / f"{name}.v" for name in ("population", "self_test", "blocks"))
        write_text(population, export.verilog)
        write_text(tested, export_self_test(export, SelfTestPlan.of(words)).verilog)
        write_text(blocks, block_wrapper(export.interface))
        progress("building", 0.0)
        fast = verilator_program.build(simulator, tested, SELF_TEST_MODULE, PROGRAM, work / SELF_TEST)
        bare = verilator_program.build(simulator, population, POPULATION_MODULE, BARE_PROGRAM, work / "bare")
        designs = {
            BLOCKS: Design(simulator, blocks, BLOCK_MODULE, work / "blocks", False, [population], None, True),
            PER_CYCLE: Design(simulator, population, POPULATION_MODULE, work / "cycles"),
        }
        steps = {name: updates // neurons for name, updates in UPDATES.items()}
        commands = {
            SELF_TEST: [str(fast), *[str(steps[SELF_TEST])] * 2, "0"],
            BARE_LOOP: [str(bare), str(steps[BARE_LOOP] * neurons)],
        }
        loops = _loops(export, work)
        benches = {BLOCKS: BLOCK_BENCH, PER_CYCLE: POPULATION_BENCH}
        for name in designs:
            currents = constrained_random(words, steps[name], neurons, np.random.default_rng(1))
            (work / name).mkdir(exist_ok=True)
            Job(words, export.interface, {}, currents).write(work / name)

        def once(name: str) -> float:
            """Run one kind; return its updates per second."""
            updates = steps[name] * neurons
            if name in loops:
                return loops[name].speed(updates)
            if name in designs:
                designs[name].run(benches[name], work / name, 1, ("replay",))
                return updates / read_seconds(work / name)
            begun = time.perf_counter()
            with process.running(commands[name]) as started:
                code = started.wait()
            if code:
                raise SimulationError(f"{name} ended with exit code {code}")
            return updates / (time.perf_counter() - begun)

        found: dict[str, list[float]] = {name: [] for name in (*commands, *designs, *loops)}
        for number in range(rounds):
            for name in found:
                progress(f"round {number + 1} of {rounds}: {name}", number / rounds)
                found[name].append(once(name))
        return found


def _loops(export: Export, work: Path) -> dict[str, SlicedLoop | IcarusLoop]:
    """Return what can be built here: instances side by side, of text and of mapped netlist; and Icarus."""
    try:
        yowasp.version(yowasp.YOSYS)
    except InputError:
        return {}
    netlist, interface = export_netlist(export), export.interface
    gates = gate_netlist(export, DEFAULT_TARGET, work / "gates")
    mapped = slice_files(gates.verilog, interface.module, gates.cells)
    made: dict[str, Callable[[], SlicedLoop | IcarusLoop]] = {
        SLICED: lambda: SlicedLoop(netlist, interface, in_step=True),
        STALLED: lambda: SlicedLoop(netlist, interface, in_step=False),
        SLICED_NETLIST: lambda: SlicedLoop(mapped, interface, in_step=True),
    }
    if c_compiler.compiler() is None:
        made.clear()
    if SimulatorName.ICARUS in installed():
        made[ICARUS_NETLIST] = lambda: IcarusLoop(gates, interface, work / "icarus")
    return {name: make() for name, make in made.items()}
