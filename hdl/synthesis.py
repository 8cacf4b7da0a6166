"""Area and speed of a population on an FPGA: Yosys, nextpnr, and the refusal of figures that mislead."""

import json
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from qlif.hdl import yowasp
from qlif.hdl.depths import Depth, place
from qlif.hdl.export import Export, export_population
from qlif.hdl.netlist import Netlist, worthless
from qlif.hdl.primitives import PORTABLE, Primitives, primitives
from qlif.hdl.self_test_export import export_self_test
from qlif.hdl.targets import Target, target
from qlif.hdl.wrapper import WRAPPER_MODULE, wrapped
from qlif.model.arithmetic import Currents, Form
from qlif.model.checks import whole
from qlif.model.errors import InputError
from qlif.model.files import write_text
from qlif.model.self_test import SelfTestPlan
from qlif.model.words import Words

REAL_TIME_DT = 1e-4
"""Timestep in seconds of the figure of neurons in real time: 0.1 ms."""

EBR_READ_BEFORE_WRITE_MHZ = 155
"""Fastest clock of an ECP5 block RAM in that mode, which nextpnr doesn't check."""

Progress = Callable[[str, float], None]
"""Called with what goes on and the fraction of it that is done."""


class SynthesisError(Exception):
    """The tools gave a result that can't be vouched for, or none; the text is one line."""


@dataclass(frozen=True)
class Fmax:
    """Fastest clock over several seeds of placement, MHz."""

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
    """What one population takes on one device, and how fast it is.

    Attributes
    ----------
    preset, target, device, package, variant : str
        What was built, and for what.
    neurons, lanes : int
        Neurons in the memory; pipelines side by side.
    lut, ff, dsp, ram : int
        Resources of the bare block: LUTs (a carry cell of ECP5 counts as two, a distributed RAM as
        six), flip-flops, DSP blocks, block RAMs.
    cells : dict of str to int
        Every cell of the bare block, by type.
    fmax_mhz : Fmax
        Of the block between registers.
    updates_per_s : float
        At the median clock; with fewer neurons than the loop is long, bubbles are counted.
    neurons_in_real_time : int
        So many neurons with a timestep of 0.1 ms keep up with time, by speed alone.
    latency : int
        Clocks from a current to its update.
    seeds : int
        How many placements.
    critical_path : tuple of str
        Of the seed nearest to the median: what is on it, in order, with the delay up to there.
    capped : bool
        nextpnr said more than can be claimed: `notes` says why.
    notes : tuple of str
        What a reader of the figures should know.
    tools : dict of str to str
        Versions.
    """

    preset: str
    target: str
    device: str
    package: str
    variant: str
    neurons: int
    lanes: int
    lut: int
    ff: int
    dsp: int
    ram: int
    cells: dict[str, int]
    fmax_mhz: Fmax
    updates_per_s: float
    neurons_in_real_time: int
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
            "fmax_mhz": vars(self.fmax_mhz),
            "critical_path": list(self.critical_path),
            "notes": list(self.notes),
        }


def synthesise(
    words: Words,
    neurons: int,
    directory: Path,
    *,
    preset: str,
    target_name: str = "ecp5",
    variant: str = "portable",
    package: str | None = None,
    lanes: int = 1,
    depths: Mapping[str, str] = MappingProxyType({}),
    seeds: int = 5,
    selftest: bool = False,
    progress: Progress = lambda what, fraction: None,
) -> Synthesis:
    """Synthesise, place and route a population.

    The bare block gives the resources; the block between registers gives the speed.

    Parameters
    ----------
    words : Words
        The neuron.
    neurons : int
        How many.
    directory : Path
        Where the Verilog, the netlists and the tools' logs and reports are left.
    preset : str
        The configuration's name.
    target_name : str
        A name in :data:`qlif.hdl.targets.TARGETS`.
    variant : {"portable", "explicit"}
        Whether the tools infer the target's multipliers and block RAMs, or they are instantiated.
    package : str, optional
        One of the target's; its first if not given.
    lanes : int
        Pipelines side by side.
    depths : mapping of str to Depth, optional
        Which parameter words aren't constants in the gates.
    seeds : int
        How many placements; the figure is their median.
    selftest : bool
        With its self-test around it.
    progress : callable, optional

    Raises
    ------
    InputError
        The target, package or number of seeds isn't allowed; the population doesn't fit the device; a
        tool isn't installed.
    SynthesisError
        A tool failed, or the netlist isn't the circuit that was described.
    """
    device = target(target_name)
    # Before the export, which takes minutes for a memory that no device has.
    built_from = primitives(variant, device.name)
    check_fit(words, neurons, device, preset, lanes, place(words, depths), built_from)
    export = export_population(words, neurons, preset, lanes, depths, built_from)
    if selftest:
        export = export_self_test(export, SelfTestPlan.of(words))
    return measure(
        export, words, neurons, directory, device=device, package=package, seeds=seeds, progress=progress
    )


def measure(
    export: Export,
    words: Words,
    neurons: int,
    directory: Path,
    *,
    device: Target,
    package: str | None = None,
    seeds: int = 5,
    progress: Progress = lambda what, fraction: None,
) -> Synthesis:
    """Synthesise, place and route Verilog with a population's ports: see :func:`synthesise`."""
    package = device.package(package)
    whole("seeds", seeds)
    tools = {module: yowasp.version(module).split()[1] for module in (yowasp.YOSYS, device.router)}
    directory.mkdir(parents=True, exist_ok=True)
    module, ports = export.interface["module"], export.interface["ports"]
    lanes = export.interface["lanes"]
    depths, built_from = export.depths, export.primitives
    write_text(directory / "block.v", export.verilog)
    write_text(directory / "wrapper.v", wrapped(module, ports))

    try:
        progress("synthesising", 0.0)
        bare = mapped_netlist(directory, device, module, "block", ["block.v"], built_from)
        check_netlist(bare, words, neurons, device, lanes, depths, built_from)
        progress("synthesising between registers", 0.0)
        sources = ["block.v", "wrapper.v"]
        between = mapped_netlist(directory, device, WRAPPER_MODULE, "wrapper", sources, built_from)
        check_netlist(between, words, neurons, device, lanes, depths, built_from)
        reports = []
        for seed in range(1, seeds + 1):
            progress(f"placing and routing, seed {seed} of {seeds}", (seed - 1) / seeds)
            reports.append(_place_and_route(directory, device, package, seed))
    except yowasp.ToolError as error:
        raise SynthesisError(str(error)) from None

    clocks = [clock_of(report) for report in reports]
    limit, reason = limit_of(bare, device)
    fmax = Fmax.of(clocks, limit)
    capped = max(clocks) > limit
    bubbles = min(1.0, neurons / export.interface["neurons_for_full_speed"])
    updates_per_s = fmax.median * 1e6 * lanes * bubbles
    middle = reports[clocks.index(statistics.median_low(clocks))]
    notes = []
    if capped:
        notes.append(f"capped at {limit:g} MHz, nextpnr says {statistics.median(clocks):.0f}: {reason}")
    if bubbles < 1:
        notes.append(f"{neurons} neurons are fewer than the loop is long: the pipeline runs with bubbles")
    if carries := bare.counts["SB_CARRY"]:
        notes.append(f"{carries} carry cells beside the LUTs")
    return Synthesis(
        preset=export.interface["preset"],
        target=device.name,
        device=device.device,
        package=package,
        variant=built_from.variant,
        neurons=neurons,
        lanes=lanes,
        lut=bare.luts(device),
        ff=bare.flip_flops(device),
        dsp=bare.counts[device.multiplier],
        ram=bare.counts[device.memory],
        cells=dict(sorted(bare.counts.items())),
        fmax_mhz=fmax,
        updates_per_s=updates_per_s,
        neurons_in_real_time=int(updates_per_s * REAL_TIME_DT),
        latency=export.interface["latency"],
        seeds=seeds,
        critical_path=critical_path(middle),
        capped=capped,
        notes=tuple(notes),
        tools=tools,
    )


def expected_multipliers(
    words: Words,
    device: Target,
    lanes: int = 1,
    depths: Mapping[str, str] = MappingProxyType({}),
    built_from: Primitives = PORTABLE,
) -> int:
    """Return how many DSP blocks a population takes on a device, no more and no less.

    The square form has one product, of the potential with itself. The factored form has the product of
    its two factors, and that times the gain; raw currents have a product with the drive's gain, a trace
    has one with its decay. A constant that is a power of two is a shift and takes none; one that is
    written at run time counts with its whole width. Every lane has them all.
    """
    arithmetic, constants = words.arithmetic, words.constants

    def by_constant(width: int, name: str) -> int:
        word = constants[name].word
        if depths.get(name, Depth.GATES) != Depth.GATES or not isinstance(word, int):
            return built_from.multipliers_for(device, width, constants[name].format.width)
        # The constant's zeros are left out, at both ends.
        odd = word // (word & -word)
        return 0 if odd == 1 else built_from.multipliers_for(device, width, odd.bit_length())

    left, right = _factors(words)
    count = built_from.multipliers_for(device, left, right)
    if arithmetic.form is Form.FACTORED:
        count += by_constant(left + right, "gain")
    if arithmetic.currents is Currents.RAW:
        count += by_constant(arithmetic.current.width, "drive")
    if words.parameters.spike_trace:
        count += by_constant(arithmetic.trace.width, "decay")
    return count * lanes


def check_fit(
    words: Words,
    neurons: int,
    device: Target,
    preset: str,
    lanes: int = 1,
    depths: Mapping[str, str] = MappingProxyType({}),
    built_from: Primitives = PORTABLE,
) -> None:
    """Refuse what a device can't hold, before any tool is run.

    Raises
    ------
    InputError
        The product of two variables doesn't fit one DSP block, there are too few DSP blocks, or the
        states need more block RAM than there is.
    """
    left, right = _factors(words)
    bits = device.multiplier_bits
    if max(left, right) > bits:
        raise InputError(
            f"{preset} multiplies {left} by {right} bits, but a multiplier of {device.name} takes "
            f"{bits} by {bits}"
        )
    multipliers = expected_multipliers(words, device, lanes, depths, built_from)
    if multipliers > device.multipliers:
        raise InputError(
            f"{preset} needs {multipliers} multipliers, but {device.name} has {device.multipliers}"
        )
    in_memory = (name for name, depth in depths.items() if depth == Depth.MEMORY)
    width = words.state_bits + sum(words.constants[name].format.width for name in in_memory)
    memories = -(-whole("neurons", neurons) * width // device.memory_bits)
    if memories > device.memories:
        raise InputError(
            f"{neurons} neurons of {width} bits need {memories} block RAMs or more, but {device.name} has "
            f"{device.memories}"
        )


def check_netlist(
    netlist: Netlist,
    words: Words,
    neurons: int,
    device: Target,
    lanes: int = 1,
    depths: Mapping[str, str] = MappingProxyType({}),
    built_from: Primitives = PORTABLE,
) -> None:
    """Refuse a netlist whose figures would be another circuit's.

    Raises
    ------
    InputError
        It is larger than the device.
    SynthesisError
        It lost outputs, its multipliers aren't those that were expected, or nextpnr would time them wrong.
    """
    constant = set() if words.parameters.spike_trace else {"updates_trace"}
    if neurons == lanes:
        constant |= {"updates_neuron", "events_neuron"}
    if lost := netlist.lost_outputs(constant):
        raise SynthesisError(f"the netlist lost its outputs {', '.join(lost)}")
    expected = expected_multipliers(words, device, lanes, depths, built_from)
    found = netlist.counts[device.multiplier]
    if found != expected:
        raise SynthesisError(f"the netlist has {found} {device.multiplier}, not the expected {expected}")
    if loose := netlist.unregistered_multipliers():
        raise SynthesisError(
            f"{loose} of {found} SB_MAC16 lack the registers that nextpnr takes for granted: "
            "the clock would be claimed too fast"
        )
    if (memories := netlist.counts[device.memory]) > device.memories:
        raise InputError(
            f"{neurons} neurons need {memories} block RAMs, but {device.name} has {device.memories}"
        )


def limit_of(netlist: Netlist, device: Target) -> tuple[float, str]:
    """Return the fastest clock that may be claimed for a netlist, MHz, and why."""
    limits = [device.limits[cell] for cell in device.limits if netlist.counts[cell]]
    if netlist.memory_writes_after_read():
        limits.append((EBR_READ_BEFORE_WRITE_MHZ, "block RAM that reads before it writes is slower"))
    return min(limits, default=(float("inf"), ""))


def clock_of(report: Mapping[str, Any]) -> float:
    """Return the fastest clock in nextpnr's report, MHz.

    Raises
    ------
    SynthesisError
        The report doesn't have exactly one clock.
    """
    clocks = report.get("fmax", {})
    if len(clocks) != 1:
        raise SynthesisError(f"nextpnr must report one clock, not {len(clocks)}")
    return float(next(iter(clocks.values()))["achieved"])


def critical_path(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what is on the slowest path between two registers, with the delay up to each, ns."""
    paths = [path for path in report["critical_paths"] if path["from"] == path["to"]]
    if not paths:
        return ()
    total, steps = 0.0, []
    for part in paths[0]["path"]:
        total += part["delay"]
        if part["type"] == "routing":
            steps.append(f"{total:.2f} {part['net']}")
        elif part["type"] == "setup":
            steps.append(f"{total:.2f} {part['to']['cell']}.{part['to']['port']}")
    return tuple(steps)


def _factors(words: Words) -> tuple[int, int]:
    """Return the widths of the two variables that are multiplied."""
    potential, constants = words.arithmetic.potential, words.constants
    if words.arithmetic.form is Form.SQUARE:
        return potential.width, potential.width
    return (
        (potential - constants["rest"].format).width,
        (potential - constants["critical"].format).width,
    )


def mapped_netlist(
    directory: Path,
    device: Target,
    module: str,
    name: str,
    sources: list[str],
    built_from: Primitives = PORTABLE,
    then: str = "",
) -> Netlist:
    """Map Verilog to a device's cells, and return the netlist, also left as ``name.json``.

    Parameters
    ----------
    directory : Path
        Where the sources are and everything is written.
    device : Target
    module : str
        The top module.
    name : str
        What the files that are written are called.
    sources : list of str
        Verilog files in `directory`.
    built_from : Primitives, optional
        What the core in them multiplies with.
    then : str
        Further commands of Yosys on the netlist.

    Raises
    ------
    ToolError
        Yosys failed.
    SynthesisError
        It dropped part of the circuit.
    """
    commands = device.script(module, instantiated=built_from.target is not None)
    script = f"{commands}; write_json {name}.json; {then}"
    log = yowasp.run(yowasp.YOSYS, ["-p", script, *sources], directory, f"{name}.yosys.log")
    if warnings := worthless(log):
        raise SynthesisError(f"Yosys dropped part of the circuit ({len(warnings)} warnings): {warnings[0]}")
    return Netlist(json.loads((directory / f"{name}.json").read_text(encoding="utf-8")), module)


def _place_and_route(directory: Path, device: Target, package: str, seed: int) -> Mapping[str, Any]:
    report = f"seed-{seed}.json"
    options = ["--json", "wrapper.json", "--package", package, "--seed", str(seed)]
    options += ["--freq", str(device.aim_mhz), "--timing-allow-fail", "--report", report, "--quiet"]
    yowasp.run(device.router, [*device.router_options, *options], directory, f"seed-{seed}.nextpnr.log")
    content: Mapping[str, Any] = json.loads((directory / report).read_text(encoding="utf-8"))
    return content
