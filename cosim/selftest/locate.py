"""Replay of a stretch of a self-test, with every update compared and waves around the first wrong one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from qlif.cosim.benches.port_words import observed
from qlif.cosim.benches.scoreboard import Mismatch, Observed, Scoreboard, Verdict
from qlif.cosim.cosimulation import hardware_recording
from qlif.cosim.evidence.mismatch_figure import mismatch_figure
from qlif.cosim.simulator import verilator_program
from qlif.cosim.simulator.cocotb_design import SimulationError
from qlif.cosim.simulator.find import Simulator
from qlif.hdl.ports import Stream
from qlif.hdl.selftest.export import SELF_TEST_MODULE, export_self_test
from qlif.hdl.synthesis.gates import models_of
from qlif.hdl.verilog import Export
from qlif.model.plots.themes import save
from qlif.model.recording import Recording
from qlif.model.selftest.golden import GoldenSelfTest
from qlif.model.selftest.plan import SelfTestPlan
from qlif.model.support.files import whole_file, write_text
from qlif.model.support.progress import Progress

PROGRAM = Path(__file__).with_name("self_test.cpp")
MOST_CLOCKS_BEFORE = 10_000
"""Waves start two timesteps before the wrong update, but at most this many clocks before its input."""
CLOCKS_AFTER = 64

Transfers = list[list[int]]
"""Each with the clock in which it was, and the values of its ports."""


class Replay:
    """The same self-test, built to be observable.

    Parameters
    ----------
    words : Words
    plan : SelfTestPlan
    export : Export
        The population.
    simulator : Simulator
        Verilator.
    directory : Path
        Where the waves go.
    work : Path
        For temporary files.
    progress : callable
    timesteps : int
        How long it is.
    stalls : int
        In how many of 256 clocks each stream pauses.

    Attributes
    ----------
    pictures : list of Path
        The stretch around the first mismatch, once it is located.
    """

    def __init__(
        self,
        plan: SelfTestPlan,
        export: Export,
        simulator: Simulator,
        directory: Path,
        work: Path,
        progress: Progress,
        timesteps: int,
        stalls: int,
    ) -> None:
        self.words, self.plan, self.directory, self.work = export.interface.words, plan, directory, work
        self.timesteps, self.stalls = timesteps, stalls
        self.pictures: list[Path] = []
        self.interface = export.interface
        self.lanes, self.rows = self.interface.lanes, self.interface.rows
        self._progress = progress
        progress("building again, to look inside", 0.0)
        verilog = work / "observed.v"
        write_text(verilog, export_self_test(export, plan, observed=True).verilog)
        self._kept = {"update": self.interface.updates, "event": self.interface.events}
        header = "".join(_keeper(kind, stream) for kind, stream in self._kept.items())
        self._program = verilator_program.build(
            simulator,
            verilog,
            SELF_TEST_MODULE,
            PROGRAM,
            work,
            cells=models_of(export),
            waves=True,
            headers={"qlif_observed.h": header},
            defines=("QLIF_OBSERVED",),
        )

    def locate(self, first: int, last: int) -> tuple[Verdict, Path | None]:
        """Compare timesteps `first` to `last` in full; return the verdict, and waves around what is wrong."""
        self._progress("golden model up to the stretch", 0.3)
        step_bits, absent = self.interface.core.step_bits, self.interface.absent
        golden = GoldenSelfTest(self.words, self.plan, self.lanes, step_bits=step_bits, absent=absent)
        golden.advance(first)
        events = golden.events
        scoreboard = Scoreboard(
            self.words,
            golden.currents(last - first),
            first_step=first,
            neurons=golden.neurons,
            step_bits=step_bits,
            absent={*absent, "refractory"},
        )
        rows = scoreboard.spikes.reshape(-1, self.lanes)
        # At the end, one more than there should be is looked for.
        is_end = last == self.timesteps
        keep = (first * self.rows, len(rows) + is_end, events, int(rows.any(axis=1).sum()) + is_end)

        self._progress("hardware up to the stretch", 0.5)
        verdict, clock = self._compare(scoreboard, *self._run(last, keep, (0, 0), self.work / "empty.vcd"))
        if verdict.first is None:
            return verdict, None
        self._progress("once more, with waves", 0.8)
        before = self.interface.latency + min(2 * self.rows, MOST_CLOCKS_BEFORE)
        start = max(0, clock - before)
        with whole_file(self.directory / "waves.vcd") as path:
            seen = self._run(last, keep, (start, clock - start + CLOCKS_AFTER), path)
        again, _ = self._compare(scoreboard, *seen)
        if again != verdict:
            raise SimulationError(
                f"two runs of the same simulation differ: {verdict.first} and {again.first}"
            )
        self._draw(scoreboard, self._observed(*seen), verdict.first)
        return verdict, self.directory / "waves.vcd"

    def _draw(self, scoreboard: Scoreboard, seen: Observed, first: Mismatch) -> None:
        """Draw the stretch around the first mismatch."""
        words, states, currents = self.words, scoreboard.states, scoreboard.currents
        potential, trace = (np.asarray(states[name]).astype(np.int64) for name in ("potential", "trace"))
        in_mv, traces = words.potentials(potential), words.traces(trace)
        golden = Recording(words.parameters.dt, scoreboard.spikes, in_mv, traces, words, potential, trace)
        hardware = hardware_recording(words, seen, currents.shape, golden, self.interface.absent)
        begin = scoreboard.first_step
        draw = mismatch_figure(
            golden, hardware, words.currents(currents), first.neuron, first.step - begin, begin
        )
        self.pictures = save(draw, self.directory, "first-mismatch")

    def _observed(self, updates: Transfers, events: Transfers) -> Observed:
        """Return what came out, neuron by neuron."""
        up, event = ([row[1:] for row in transfers] for transfers in (updates, events))
        return observed(self.interface, up, event, len(updates))

    def _run(
        self, last: int, keep: Sequence[int], waves: tuple[int, int], path: Path
    ) -> tuple[Transfers, Transfers]:
        """Run from reset for `last` timesteps; return the recorded updates and events."""
        files = {kind: self.work / f"{kind}s" for kind in self._kept}
        numbers = [self.timesteps, last, self.stalls, *keep]
        arguments = [*map(str, numbers), *map(str, files.values()), *map(str, waves), str(path)]
        log = self.work / "log"
        with verilator_program.running(self._program, arguments, log) as process:
            code = verilator_program.wait(process, log, "the self-test's replay")
        if code:
            raise SimulationError(f"the self-test's replay ended with exit code {code}")
        return self._read("update", files["update"]), self._read("event", files["event"])

    def _read(self, kind: str, file: Path) -> Transfers:
        """Read what a run kept: 32 bits at a time, the lowest first."""
        lengths = [2, *(_words(port.width) for port in self._kept[kind].payload)]
        table = np.fromfile(file, dtype=np.uint32).reshape(-1, sum(lengths)).tolist()
        ends = np.cumsum(lengths).tolist()
        spans = list(zip([0, *ends[:-1]], ends, strict=True))
        return [
            [sum(word << 32 * place for place, word in enumerate(row[low:high])) for low, high in spans]
            for row in table
        ]

    def _compare(self, scoreboard: Scoreboard, updates: Transfers, events: Transfers) -> tuple[Verdict, int]:
        """Compare; return the verdict, and the clock in which the first difference could be seen."""
        verdict = scoreboard.compare(self._observed(updates, events))
        clocks = [row[0] for row in updates]
        row = len(clocks) - 1
        if verdict.first is not None:
            place = verdict.first.update - scoreboard.first_step * self.words.parameters.n
            row = min(place // self.lanes, row)
        return verdict, clocks[row] if clocks else 0


def _words(width: int) -> int:
    """Return how many words of 32 bits a port takes."""
    return -(-width // 32)


def _keeper(kind: str, stream: Stream) -> str:
    """Return the C++ function that writes one transfer of a stream."""
    values = ["(uint32_t)clock", "(uint32_t)(clock >> 32)"]
    for port in stream.payload:
        if port.width <= 32:
            values.append(f"top.{port.name}")
        elif port.width <= 64:
            values += [f"(uint32_t)top.{port.name}", f"(uint32_t)(top.{port.name} >> 32)"]
        else:
            values += [f"top.{port.name}[{place}]" for place in range(_words(port.width))]
    return f"""\
static void qlif_keep_{kind}(const Vqlif_self_test &top, uint64_t clock, std::FILE *file) {{
    const uint32_t transfer[] = {{{", ".join(values)}}};
    if (std::fwrite(transfer, sizeof transfer, 1, file) != 1) std::exit(2);
}}
"""
