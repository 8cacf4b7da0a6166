"""How fast the golden model is in other languages. Processor time, and medians, for a machine that isn't quiet."""

import ctypes
import os
import shlex
import shutil
import statistics
import subprocess
import time

import numpy as np
import pytest

from qlif import hdl
from qlif.cosim.benchmark.compiled_c import CompiledC
from qlif.cosim.benchmark.work import Work
from qlif.cosim.bitslice.simulation import pointer
from qlif.cosim.golden import benches
from qlif.cosim.golden.languages import Language, golden_files
from qlif.cosim.simulator.c_compiler import FLAGS, compiled_library
from qlif.cosim.simulator.find import find
from qlif.model.golden.c_source import c_files
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise

ROUNDS = 7

LOOP = """
#include "qlif_golden.c"
static qlif_population population;
void run(const qlif_current_type *current, uint8_t *spike, long timesteps);
void run(const qlif_current_type *current, uint8_t *spike, long timesteps) {
    qlif_init(&population);
    for (long timestep = 0; timestep < timesteps; timestep++)
        qlif_step(&population, current + timestep * QLIF_NEURONS, spike);
}
const void *state(void);
const void *state(void) { return population.potential; }
"""


def seconds(run):
    """Return the processor time that a call takes."""
    begun = time.process_time()
    run()
    return time.process_time() - begun


@pytest.mark.slow
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_emitted_c_is_nearly_as_fast_as_c_by_hand(compiler, tmp_path, monkeypatch):
    if not all(map(shutil.which, ("gcc", compiler))):
        pytest.skip(f"gcc or {compiler} isn't installed")
    work = Work(10_000)
    for name, text in (c_files(work.words, "square-16") | {"loop.c": LOOP}).items():
        (tmp_path / name).write_text(text)
    by_hand = CompiledC(work, tmp_path)
    monkeypatch.setenv("CC", compiler)
    emitted = compiled_library(tmp_path / "loop.c", tmp_path / "loop.so", FLAGS)
    emitted.state.restype = ctypes.c_void_p
    spikes = np.zeros(work.n, dtype=np.uint8)
    currents = work.current_words

    def run():
        emitted.run(
            pointer(currents),
            pointer(spikes),
            ctypes.c_long(work.timesteps),
        )

    run()
    by_hand.run()
    kind = ctypes.c_int16 * work.n
    assert np.array_equal(kind.from_address(emitted.state()), by_hand.end()[0])
    ratios = [seconds(by_hand.run) / seconds(run) for _ in range(ROUNDS)]
    print(f"emitted C by {compiler} / C by hand: {statistics.median(ratios):.2f}")
    assert statistics.median(ratios) >= 0.8


@pytest.mark.slow
def test_the_bench_by_dpi_makes_five_million_updates_per_second(tmp_path):
    updates = 10_000_000
    simulator = find("verilator")
    extra = dict(simulator.environment)
    program = f"{extra['VERILATOR_ROOT']}/bin/verilator" if extra else "verilator"
    export = hdl.export(hdl.Core(quantise(Parameters(n=64), preset("square-16"))))
    files = golden_files(export.interface.core, [Language.C])[0]
    files |= {
        benches.DPI_BENCH_FILE: benches.dpi_bench(export.interface),
        "qlif_population.v": export.verilog,
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    header = files[benches.DPI_BENCH_FILE].splitlines()
    line = next(line for line in header if line.startswith("//   $ verilator"))
    build, run = (shlex.split(part) for part in line.removeprefix("//   $ ").split("&&"))
    subprocess.run(
        [program, *build[1:]], cwd=tmp_path, check=True, env=os.environ | extra, capture_output=True
    )

    def once():
        before = os.times().children_user
        done = subprocess.run([*run, f"+updates={updates}"], cwd=tmp_path, capture_output=True, text=True)
        assert "PASS" in done.stdout.splitlines()
        return updates / (os.times().children_user - before)

    rates = [once() for _ in range(5)]
    print(f"DPI bench: {statistics.median(rates) / 1e6:.1f} M updates/s of processor time")
    assert statistics.median(rates) >= 5e6
