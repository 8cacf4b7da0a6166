"""The tracked table of resources and Fmax of all cores: ``make synthesis-table``.

``rows.toml`` in a directory lists them; ``figures.csv`` and ``figures.md`` beside it have the results, together
with other projects' blocks from ``peers.csv``. A row whose Verilog and tools are unchanged isn't built again.
"""

import csv
import hashlib
import json
import tomllib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from qlif.cosim.terminal import progress_bar
from qlif.hdl.core import Core
from qlif.hdl.storage import place
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.netlist import SynthesisError
from qlif.hdl.synthesis.synthesise import Synthesis, synthesise
from qlif.hdl.target import RoutedTarget
from qlif.hdl.targets.catalogue import primitives, target
from qlif.hdl.verilog import export
from qlif.model.exceptions import InputError
from qlif.model.parameters import Parameters
from qlif.model.presets import preset
from qlif.model.quantisation import quantise
from qlif.model.studies import tables
from qlif.model.studies.named.substep import CURRENTS, DENSE, times_in_real_time
from qlif.model.support.files import write_text
from qlif.model.support.sources import code_of

COLUMNS = (
    "preset", "target", "variant", "neurons", "lanes", "trace", "phase_bits", "storage",
    "lut", "lut_pipeline", "lut_state_loop", "lut_streams", "lut_parameters", "ff", "dsp", "ram",
    "mhz_median", "mhz_min", "mhz_max", "capped", "seeds", "million_updates_per_s", "latency",
    "refused", "slowest_path_ends_at", "yosys", "nextpnr", "real_time_32_currents", "real_time_1000_currents",
)  # fmt: skip

REAL_TIME = {f"real_time_{len(currents)}_currents": currents for currents in (CURRENTS, DENSE)}
"""Currents by the columns of a core with phases that say how many times the neurons run in real time with them."""

AT_LEAST = ("mhz", "million_updates_per_s", *REAL_TIME)
"""Goals that are lower limits; the others are upper limits."""

INTRODUCTION = """# Synthesis figures

    make synthesis-table

generated this page and [figures.csv](figures.csv) from [rows.toml](rows.toml), with yosys {yosys} and
nextpnr {nextpnr}. [Synthesis](../synthesis.md) says how they are measured, and how far to trust them.
Fmax is the median over the seeds, with the lowest and highest. Core LUTs are those of the update pipeline and the
state loop without the streams, each mapped separately; such parts don't add up to the whole, which Yosys
simplifies across their boundaries. Storage is where all parameter words live. Every Fmax is from register to
register, with nothing else on the device. No Fmax is reported of a family that nextpnr doesn't time, or doesn't time
wholly; LUTs have four inputs but on xc7 and cyclonev, which have six.

A core with a phase may take a longer timestep. Real time is how many times the neurons one lane then serves in real
time, at an RMS interval error no worse than that of the same preset without a phase at 0.1 ms (`tau_m` 30 ms), over
{few} and over {many} constant currents ([study](../studies/substep.md#neurons-in-real-time)).

"""
COLUMN_TITLES = (
    "preset", "target", "variant", "neurons", "lanes", "trace", "phase bits", "storage",
    "LUT (core) / FF / DSP / RAM", "MHz", "M updates/s", "latency", "real time", "goal",
)  # fmt: skip

PEERS = """
## Other projects' blocks

Measured in the same flow from their published sources: the block between registers, median of 5 seeds (on ECP5
with nextpnr's default placer, not the static one). They compute other neurons, most of them in fewer bits: a point
of reference, not a contest.

"""


@dataclass(frozen=True)
class Row:
    """One core that is measured; every parameter word is at `storage`."""

    preset: str
    target: str
    variant: str
    neurons: int
    seeds: int
    lanes: int = 1
    trace: bool = False
    phase_bits: int = 0
    storage: str = "gates"
    goal: Mapping[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What its directory is called."""
        more = "-trace" if self.trace else ""
        more += f"-phase-{self.phase_bits}" if self.phase_bits else ""
        return f"{self.preset}-{self.target}-{self.variant}-{self.lanes}{more}-{self.storage}"

    def core(self) -> Core:
        """Return the population as hardware."""
        arithmetic = preset(self.preset).replace(phase_bits=self.phase_bits)
        words = quantise(Parameters(n=self.neurons, spike_trace=self.trace), arithmetic)
        storage = place(words, dict.fromkeys(words.constants, self.storage))
        return Core(words, self.lanes, storage, primitives(self.variant, self.target), name=self.preset)

    def real_time(self) -> dict[str, float]:
        """Return what its phases are worth, over few and over many currents; nothing without any."""
        if not self.phase_bits:
            return {}
        return {
            name: round(times_in_real_time(preset(self.preset), self.phase_bits, currents), 2)
            for name, currents in REAL_TIME.items()
        }

    def misses(self, figures: Mapping[str, Any]) -> list[str]:
        """Return the goals that its figures miss."""
        got = {
            "mhz": figures.get("mhz_median", 0),
            "million_updates_per_s": figures.get("million_updates_per_s", 0),
            "core_lut": _core_luts(figures),
            **{name: figures[name] for name in ("lut", "dsp", "ram")},
            **{name: figures[name] for name in REAL_TIME if name in figures},
        }
        return [
            name
            for name, number in self.goal.items()
            if (got[name] < number if name in AT_LEAST else got[name] > number)
        ]


def measured(row: Row, work: Path) -> dict[str, Any]:
    """Return a row's figures, from its last run if nothing has changed since."""
    given = {name: value for name, value in asdict(row).items() if name in COLUMNS} | row.real_time()
    try:
        core, device = row.core(), target(row.target)
        digest = hashlib.sha256(export(core).verilog.encode()).hexdigest()
        router = (device.router,) if isinstance(device, RoutedTarget) else ()
        tools = [yowasp.version(module) for module in (yowasp.YOSYS, *router)]
        key = [digest, row.seeds, *tools, code_of("hdl/synthesis", "hdl/targets")["sources"]]
        known = work / row.name / "figures.json"
        if known.exists() and (content := json.loads(known.read_text()))["key"] == key:
            return {**given, **content["figures"]}
        figures = _figures(synthesise(core, device, work / row.name, seeds=row.seeds))
        write_text(known, json.dumps({"key": key, "figures": figures}))
    except (InputError, SynthesisError) as error:
        figures = {"refused": str(error)}
    return {**given, **figures}


def _figures(found: Synthesis) -> dict[str, Any]:
    figures = {
        "lut": found.lut,
        **{f"lut_{part.replace(' ', '_')}": luts for part, luts in found.lut_parts.items()},
        "ff": found.ff,
        "dsp": found.dsp,
        "ram": found.ram,
        "latency": found.latency,
        "yosys": found.tools[yowasp.YOSYS],
    }
    clock, updates_per_s = found.fmax_mhz, found.updates_per_s
    if clock is None or updates_per_s is None:
        return figures | {"seeds": 0}
    return figures | {
        "mhz_median": clock.median,
        "mhz_min": clock.min,
        "mhz_max": clock.max,
        "capped": found.capped,
        "million_updates_per_s": round(updates_per_s / 1e6, 1),
        "slowest_path_ends_at": found.critical_path[-1].split()[-1] if found.critical_path else "",
        "nextpnr": next(version for tool, version in found.tools.items() if tool != yowasp.YOSYS),
    }


def read_rows(file: Path) -> list[Row]:
    """Return the rows of a file; its top-level entries are defaults for every row."""
    content = tomllib.loads(file.read_text(encoding="utf-8"))
    rows = content.pop("rows")
    return [Row(**{**content, **row}) for row in rows]


def write_figures(path: Path, figures: list[dict[str, Any]]) -> None:
    """Write the figures as CSV; a row that was refused lacks most of them."""
    tables.write_csv(path, [dict.fromkeys(COLUMNS) | one for one in figures])


def page(rows: list[Row], figures: list[dict[str, Any]], peers: list[dict[str, str]]) -> str:
    """Return the page."""
    tools = next(one for one in figures if "nextpnr" in one)
    ours = [
        dict(zip(COLUMN_TITLES, _cells(row, one), strict=True))
        for row, one in zip(rows, figures, strict=True)
    ]
    theirs = [
        {
            "block": peer["block"],
            "neurons": peer["neurons"],
            "clocks per update": peer["cycles_per_update"],
            "ECP5 LUT / FF / DSP / RAM": " / ".join(
                peer[f"ecp5_{what}"] for what in ("lut", "ff", "dsp", "ram")
            ),
            "ECP5 MHz": peer["ecp5_mhz"],
            "M updates/s": peer["ecp5_million_updates_per_s"],
            "UP5K MHz": peer["up5k_mhz"],
        }
        for peer in peers
    ]
    introduction = INTRODUCTION.format(
        yosys=tools["yosys"], nextpnr=tools["nextpnr"], few=len(CURRENTS), many=len(DENSE)
    )
    return introduction + tables.markdown(ours) + PEERS + tables.markdown(theirs)


def _core_luts(figures: Mapping[str, Any]) -> int:
    """Return the LUTs of pipeline and state loop; 0 where the parts weren't mapped."""
    return int(figures.get("lut_pipeline", 0) + figures.get("lut_state_loop", 0))


def _cells(row: Row, figures: Mapping[str, Any]) -> list[str]:
    """Return what the page says of a row."""
    trace = "on" if row.trace else "off"
    head = [row.preset, row.target, row.variant, str(row.neurons), str(row.lanes), trace, str(row.phase_bits)]
    head.append(row.storage)
    if "refused" in figures:
        return [*head, f"refused: {figures['refused']}", "", "", "", "", ""]
    core = _core_luts(figures)
    parts = f" ({core})" if core else ""
    clock = speed = "not reported"
    if "mhz_median" in figures:
        clock = f"{figures['mhz_median']:g} [{figures['mhz_min']:g}..{figures['mhz_max']:g}]"
        clock += ", capped" if figures["capped"] else ""
        speed = f"{figures['million_updates_per_s']:g}"
    goal = ", ".join(f"{name.replace('_', ' ')} {number:g}" for name, number in row.goal.items())
    missed = ", ".join(row.misses(figures))
    return [
        *head,
        f"{figures['lut']}{parts} / {figures['ff']} / {figures['dsp']} / {figures['ram']}",
        clock,
        speed,
        str(figures["latency"]),
        " and ".join(f"{figures[name]:g}" for name in REAL_TIME if name in figures),
        goal and f"{goal}: {f'not reached ({missed})' if missed else 'reached'}",
    ]


def main(
    directory: Annotated[Path, typer.Argument(help="Where rows.toml and peers.csv are.")],
    work: Annotated[Path, typer.Option("--work", help="Where the tools work, and results are cached.")],
    jobs: Annotated[int, typer.Option("--jobs", help="Rows at a time.")] = 2,
) -> None:
    """Measure every row; write figures.csv and figures.md."""
    rows = read_rows(directory / "rows.toml")
    with progress_bar(quiet=False) as progress, ThreadPoolExecutor(jobs) as pool:
        pending = [pool.submit(measured, row, work) for row in rows]
        figures = []
        for number, (row, one) in enumerate(zip(rows, pending, strict=True)):
            progress(row.name, number / len(rows))
            figures.append(one.result())
    with (directory / "peers.csv").open(encoding="utf-8") as file:
        peers = list(csv.DictReader(file))
    write_figures(directory / "figures.csv", figures)
    write_text(directory / "figures.md", page(rows, figures, peers))


if __name__ == "__main__":
    typer.run(main)
