"""Resources and Fmax of a population on an FPGA: Yosys, nextpnr, and checks that refuse misleading figures."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qlif.hdl.core import Core
from qlif.hdl.interface import Interface
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.block import block
from qlif.hdl.synthesis.fit import check_fit, check_netlist
from qlif.hdl.synthesis.mapping import luts_by_part, mapped_netlist
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError
from qlif.hdl.synthesis.register_ring import WRAPPER_MODULE, wrapped
from qlif.hdl.synthesis.timing import check_registers, clock_of, critical_path, limit_of
from qlif.hdl.target import RoutedTarget, Target
from qlif.model.exceptions import InputError
from qlif.model.support.checks import whole
from qlif.model.support.files import write_text

REAL_TIME_DT = 1e-4
"""Timestep in seconds of the figure of neurons in real time: 0.1 ms."""

Progress = Callable[[str, float], None]
"""Called with the current step and the fraction done."""


@dataclass(frozen=True)
class Fmax:
    """Fmax over several placement seeds, MHz."""

    median: float
    min: float
    max: float

    @classmethod
    def of(cls, megahertz: list[float], limit: float) -> "Fmax":
        """Return the statistics of the seeds' figures, none above a limit."""
        held = [round(min(one, limit), 2) for one in megahertz]
        return cls(round(statistics.median(held), 2), min(held), max(held))


@dataclass(frozen=True)
class Synthesis:
    """Resources and speed of one population on one device.

    Attributes
    ----------
    preset, target, device, variant : str
        What was built, and for which device.
    package : str, optional
        The device's; None where it isn't placed.
    neurons, lanes : int
        Neurons in the memory; pipelines side by side.
    lut, ff, dsp, ram : int
        Resources of the bare block: LUTs (a carry cell of ECP5 counts as two, a distributed RAM as
        six), flip-flops, DSP blocks, block RAMs.
    cells : dict of str to int
        Every cell of the bare block, by type.
    lut_parts : dict of str to int
        LUTs of its parts, each mapped by itself: :func:`qlif.hdl.synthesis.mapping.luts_by_part`. With anything
        around it, none.
    fmax_mhz : Fmax, optional
        Of the block between registers, on an empty device; None where no tool times all of it: `notes` says why.
    updates_per_s : float, optional
        At the median Fmax; with fewer neurons than the loop is long, minus the bubbles.
    neurons_in_real_time : int, optional
        Number of neurons that run in real time with a timestep of 0.1 ms, by speed alone.
    latency : int
        Clocks from a current to its update.
    seeds : int
        Number of placement seeds; 0 where it isn't placed.
    critical_path : tuple of str
        Of the seed nearest to the median: what is on it, in order, with the delay up to there.
    capped : bool
        nextpnr reported more than can be claimed: `notes` says why.
    notes : tuple of str
        What a reader of the figures should know.
    tools : dict of str to str
        Versions.
    """

    preset: str
    target: str
    device: str
    package: str | None
    variant: str
    neurons: int
    lanes: int
    lut: int
    ff: int
    dsp: int
    ram: int
    cells: dict[str, int]
    lut_parts: dict[str, int]
    fmax_mhz: Fmax | None
    updates_per_s: float | None
    neurons_in_real_time: int | None
    latency: int
    seeds: int
    critical_path: tuple[str, ...]
    capped: bool
    notes: tuple[str, ...]
    tools: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """Return every figure by its name, ready for JSON."""
        return {
            **vars(self),
            "fmax_mhz": None if self.fmax_mhz is None else vars(self.fmax_mhz),
            "critical_path": list(self.critical_path),
            "notes": list(self.notes),
        }


def synthesise(
    core: Core,
    device: Target,
    directory: Path,
    *,
    package: str | None = None,
    seeds: int = 5,
    selftest: bool = False,
    axi: bool = False,
    progress: Progress = lambda what, fraction: None,
) -> Synthesis:
    """Synthesise a population; place and route it where nextpnr times the whole device.

    The bare block gives the resources; the block between registers gives the speed.

    Parameters
    ----------
    core : Core
        The population; in the explicit variant, with the device's cells.
    device : Target
        What it is built for.
    directory : Path
        Where the Verilog, the netlists and the tools' logs and reports are left.
    package : str, optional
        One of the target's, if that is placed; its first if not given.
    seeds : int
        Number of placement seeds; Fmax is their median.
    selftest : bool
        With its self-test around it.
    axi : bool
        With the AXI shell around it.
    progress : callable, optional

    Raises
    ------
    InputError
        The package or number of seeds isn't allowed; the population doesn't fit the device; a tool isn't
        installed.
    SynthesisError
        A tool failed, or the netlist isn't the circuit that was described.
    """
    # Before the export, which takes minutes for a memory that no device has.
    check_fit(core, device)
    made = block(core, selftest=selftest, axi=axi)
    routed = device if isinstance(device, RoutedTarget) else None
    if routed is None and package is not None:
        raise InputError(f"package requires a target that is placed and routed; {device.name} isn't")
    if routed is not None:
        package = routed.package(package)
    whole("seeds", seeds)
    modules = (yowasp.YOSYS,) if routed is None else (yowasp.YOSYS, routed.router)
    tools = {module: yowasp.version(module).split()[1] for module in modules}
    directory.mkdir(parents=True, exist_ok=True)
    interface, module, built_from = made.interface, made.module, core.primitives
    write_text(directory / "block.v", made.verilog)
    write_text(directory / "wrapper.v", wrapped(module, made.ports, made.clock, made.reset))

    try:
        progress("synthesising", 0.0)
        bare = mapped_netlist(directory, device, module, "block", ["block.v"], built_from)
        check_netlist(bare, core, device, made.constant)
        parts: dict[str, int] = {}
        if routed is None:
            return _figures(interface, device, bare, [], package=None, lut_parts=parts, tools=tools)
        check_registers(bare, routed)
        if made.is_bare:
            progress("synthesising the parts", 0.0)
            parts = luts_by_part(directory, device, module, built_from)
        progress("synthesising between registers", 0.0)
        sources = ["block.v", "wrapper.v"]
        between = mapped_netlist(directory, device, WRAPPER_MODULE, "wrapper", sources, built_from)
        check_netlist(between, core, device)
        check_registers(between, routed)
        reports = []
        for seed in range(1, seeds + 1):
            progress(f"placing and routing, seed {seed} of {seeds}", (seed - 1) / seeds)
            reports.append(_place_and_route(directory, routed, core.lanes, routed.package(package), seed))
    except yowasp.ToolError as error:
        raise SynthesisError(str(error)) from None

    return _figures(
        interface, device, bare, reports, package=routed.package(package), lut_parts=parts, tools=tools
    )


def _figures(
    interface: Interface,
    device: Target,
    bare: Netlist,
    reports: Sequence[Mapping[str, Any]],
    **known: Any,
) -> Synthesis:
    """Return what the netlist of the bare block and nextpnr's reports, one for each seed, tell."""
    core = interface.core
    bubbles = core.rows / interface.clocks_per_timestep
    notes, capped = [], False
    path: tuple[str, ...] = ()
    fmax = updates_per_s = None
    if isinstance(device, RoutedTarget):
        clocks = [clock_of(report) for report in reports]
        limit, reason = limit_of(bare, device)
        fmax = Fmax.of(clocks, limit)
        capped = max(clocks) > limit
        updates_per_s = fmax.median * 1e6 * core.lanes * bubbles
        path = critical_path(reports[clocks.index(statistics.median_low(clocks))])
        if capped:
            notes.append(f"capped at {limit:g} MHz, nextpnr says {statistics.median(clocks):.0f}: {reason}")
    else:
        notes.append(f"no Fmax: {device.untimed}")
    if core.swaps_banks:
        notes.append("the state is in single-port RAM: each timestep waits until the one before is written")
    elif bubbles < 1:
        notes.append(
            f"{core.neurons} neurons are fewer than the loop is long: the pipeline runs with bubbles"
        )
    if carries := bare.counts[device.carry]:
        notes.append(f"{carries} carry cells beside the LUTs")
    return Synthesis(
        preset=core.name,
        target=device.name,
        device=device.device,
        variant=core.primitives.variant,
        neurons=core.neurons,
        lanes=core.lanes,
        lut=bare.luts(device),
        ff=bare.flip_flops(device),
        dsp=bare.multipliers(device),
        ram=bare.memories(device),
        cells=dict(sorted(bare.counts.items())),
        fmax_mhz=fmax,
        updates_per_s=updates_per_s,
        neurons_in_real_time=None if updates_per_s is None else int(updates_per_s * REAL_TIME_DT),
        latency=interface.latency,
        seeds=len(reports),
        critical_path=path,
        capped=capped,
        notes=tuple(notes),
        **known,
    )


def _place_and_route(
    directory: Path, device: RoutedTarget, lanes: int, package: str, seed: int
) -> Mapping[str, Any]:
    report = f"seed-{seed}.json"
    options = ["--json", "wrapper.json", "--package", package, "--seed", str(seed)]
    options += ["--freq", str(device.aim_mhz), "--timing-allow-fail", "--report", report, "--quiet"]
    yowasp.run(device.router, [*device.placing(lanes), *options], directory, f"seed-{seed}.nextpnr.log")
    content: Mapping[str, Any] = yowasp.read_json(directory / report)
    return content
