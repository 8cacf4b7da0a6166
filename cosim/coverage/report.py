"""What the benches of a population reached, what can't be reached, and what is left."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from qlif.cosim.cosimulation import tests_of
from qlif.cosim.coverage import functional, structure
from qlif.cosim.coverage.foreign_unreachable import ForeignUnreachable
from qlif.cosim.coverage.functional import Case
from qlif.cosim.coverage.structure import FALLS, KINDS, RISES, Point
from qlif.cosim.coverage.unreachable import SECONDS, Bit, Unreachable, bit_claim, case_claim
from qlif.cosim.mapping.lines import Lines
from qlif.cosim.mutation import recorded_benches
from qlif.cosim.simulator.cocotb_design import COVERAGE_FILE
from qlif.cosim.simulator.find import Simulator
from qlif.hdl import probes
from qlif.hdl.verilog import Export
from qlif.model.exceptions import InputError, unknown_name
from qlif.model.studies import tables
from qlif.model.support.progress import Progress, unwatched

FUNCTIONAL = "case"
COVERED, UNREACHABLE, HOLE = "covered", "unreachable", "hole"
Prover = Unreachable | ForeignUnreachable


@dataclass(frozen=True)
class Item:
    """A case, line, branch or edge of a bit.

    Attributes
    ----------
    kind : {"case", "line", "branch", "toggle"}
    name : str
        Of somebody else's core in its own words: files, lines and signals are the user's.
    result : {"covered", "unreachable", "hole"}
        Reached by a bench; proved not to be reachable; neither.
    count : int
        How often all benches together reached it.
    by : str
        The claim that proves it unreachable, in words.
    point : Point, optional
        Where it is in the Verilog; a case is nowhere.
    place : str
        Where it is in somebody else's own files, as ``file:line``.
    """

    kind: str
    name: str
    result: str
    count: int
    by: str = ""
    point: Point | None = None
    place: str = ""

    @property
    def said(self) -> str:
        """What a reader is told: with the place, where the name doesn't say it."""
        return (
            self.name if not self.place or self.name.startswith(self.place) else f"{self.name} ({self.place})"
        )

    @property
    def file(self) -> str:
        """The user's file that it is in; empty if it is in none."""
        return self.place.rpartition(":")[0]

    @property
    def line(self) -> int:
        """Its line, in that file or in the exported Verilog; 1 of a case."""
        if self.file:
            return int(self.place.rpartition(":")[2])
        return 1 if self.point is None else max(1, self.point.line)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values."""
        facts = {"kind": self.kind, "name": self.name, "result": self.result, "count": self.count}
        return facts | {name: said for name, said in (("place", self.place), ("by", self.by)) if said}


@dataclass
class Coverage:
    """What was reached.

    Attributes
    ----------
    preset : str
    benches : list of str
    seeds : list of int
    module, source : str
        The Verilog's module, and its file.
    items : list of Item
    cases : list of Case
        The functional ones, with their benches.
    """

    preset: str
    benches: list[str]
    seeds: list[int]
    module: str = ""
    source: str = ""
    items: list[Item] = field(default_factory=list)
    cases: list[Case] = field(default_factory=list)

    @property
    def seeded(self) -> str:
        """The seeds, in words."""
        return f"seed{'s' if len(self.seeds) > 1 else ''} {', '.join(map(str, self.seeds))}"

    def count(self, kind: str, result: str | None = None) -> int:
        """Return how many there are of a kind, or of them with a result."""
        return sum(item.kind == kind and result in (None, item.result) for item in self.items)

    def having(self, result: str) -> Iterator[Item]:
        """Give the items with a result."""
        return (item for item in self.items if item.result == result)

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values; of what was covered only how much."""
        kinds = {
            kind: dict(zip(("all", COVERED, UNREACHABLE, HOLE), counts, strict=True))
            for kind, counts in summary(self).items()
        }
        return {
            "preset": self.preset,
            "benches": self.benches,
            "seed": self.seeds[0],
            "seeds": self.seeds,
            **kinds,
            "cases": [
                {"name": case.name, "count": case.count, "benches": dict(case.benches)} for case in self.cases
            ],
            "holes": [item.as_dict() for item in self.having(HOLE)],
            "unreachable": [item.as_dict() for item in self.having(UNREACHABLE)],
        }


def measure(
    export: Export,
    simulator: Simulator,
    directory: Path,
    *,
    benches: Sequence[str] = (),
    seeds: Sequence[int] = (0,),
    updates: int = recorded_benches.UPDATES,
    seconds: float = SECONDS,
    prove: bool = True,
    progress: Progress = unwatched,
) -> Coverage:
    """Run benches of a population, and return what they reached.

    Parameters
    ----------
    export : Export
        The population; of somebody else's core in its adapter, only the core counts.
    simulator : Simulator
        Verilator.
    directory : Path
        Where everything is written.
    benches : sequence of str
        Only these, of :func:`qlif.cosim.cosimulation.tests_of`; all if there are none.
    seeds : sequence of int
        Of the benches' random inputs and stalls; each bench runs with each of them.
    updates : int
        How many the random benches play.
    seconds : float
        The time that the solver may take for one question.
    prove : bool
        Whether what wasn't reached is put to the solver.
    progress : callable
        Called with what goes on and the fraction that is done.

    Raises
    ------
    InputError
        A bench that isn't there, or a tool that isn't installed.
    SimulationError
        A bench fails, or a build.
    Unproved
        The population isn't proved, so nothing can be said of what it can't do.
    """
    present, lines = tests_of(export.interface), Lines(export.verilog)
    # Verilator counts the lines of the text that it is given.
    export = replace(export, verilog=lines.plain)
    for bench in benches:
        if bench not in present:
            raise InputError(unknown_name("bench", bench, present))
    chosen = [bench for bench in present if bench in benches] or list(present)
    recorded = recorded_benches.record(
        export,
        simulator,
        directory,
        seeds=seeds,
        updates=updates,
        benches=chosen,
        coverage=True,
        progress=progress,
    )
    mapped = export.interface.mapped is not None
    instance = probes.CORE if mapped else ""
    reached = structure.merged(
        structure.read(stimulus.folder / COVERAGE_FILE, instance) for stimulus in recorded
    )
    module = export.interface.module
    coverage = Coverage(export.interface.name, chosen, list(seeds), module, f"{module}.v")
    coverage.cases = functional.covered(recorded, export.interface)
    missing = any(not count for count in reached.values()) or any(not case.count for case in coverage.cases)
    prover: Prover | None = None
    if prove and missing:
        progress("proving the population", 0.0)
        prover = ForeignUnreachable(export, seconds) if mapped else Unreachable(export, seconds)
    coverage.items = [
        *_of_cases(coverage.cases, prover),
        *_of_points(reached, prover, lines if mapped else None, progress),
    ]
    return coverage


def _of_cases(cases: Sequence[Case], prover: Prover | None) -> Iterator[Item]:
    for case in cases:
        result, by = COVERED if case.count else HOLE, ""
        if not case.count and prover is not None and case.update is not None and prover.case(case.update):
            result, by = UNREACHABLE, case_claim(case.update)
        yield Item(FUNCTIONAL, case.name, result, case.count, by)


def _of_points(
    reached: Counter[Point], prover: Prover | None, lines: Lines | None, progress: Progress
) -> Iterator[Item]:
    constants = {} if prover is None else _constants(reached, prover, progress)
    for point, count in sorted(reached.items()):
        result, by = COVERED if count else HOLE, ""
        if not count and point.kind == "toggle":
            if claim := constants.get((point.signal, point.bit)):
                result, by = UNREACHABLE, claim
        elif not count and prover is not None and (claim := prover.branch(point.line, point.what)):
            result, by = UNREACHABLE, claim
        name, place = point.name, ""
        if lines is not None:
            place = lines.place(point.line, point.signal.rpartition(".")[2])
            name, by = point.named(place, probes.CORE), by.removeprefix(f"{probes.CORE}.")
        yield Item(point.kind, name, result, count, by, point, place)


def _constants(reached: Counter[Point], prover: Prover, progress: Progress) -> dict[Bit, str]:
    """Return the bits that are proved never to change, of those whose edges weren't all seen, with the claim."""
    seen: dict[Bit, Counter[str]] = {}
    for point, count in reached.items():
        if point.kind == "toggle":
            seen.setdefault((point.signal, point.bit), Counter())[point.what] += count
    signals: dict[str, dict[Bit, Counter[str]]] = {}
    for bit, edges in seen.items():
        if not edges[RISES] or not edges[FALLS]:
            signals.setdefault(bit[0], {})[bit] = edges
    found: dict[Bit, str] = {}

    def prove(words: Mapping[Bit, int], begins_otherwise: bool = False) -> None:
        proved = prover.constant(words, begins_otherwise)
        found.update({bit: bit_claim(bit, words[bit], begins_otherwise) for bit in proved})

    for number, bits in enumerate(signals.values()):
        progress("proving that bits can't change", number / len(signals))
        # What an edge shows is tried first. But a register that begins with 1 has no edge to show for it, and
        # of words of more than 64 bits Verilator counts edges at its start that are none.
        for flipped in (0, 1):
            prove({bit: int(edges[RISES] > 0) ^ flipped for bit, edges in bits.items() if bit not in found})
        changed = {bit: edges for bit, edges in bits.items() if bit not in found and any(edges.values())}
        prove({bit: int(edges[RISES] > 0) for bit, edges in changed.items()}, begins_otherwise=True)
    return found


def markdown(coverage: Coverage) -> str:
    """Return a report of it."""
    titles = ("", "all", "covered", "proved unreachable", "holes")
    kinds = [dict(zip(titles, (kind, *counts), strict=True)) for kind, counts in summary(coverage).items()]
    results = {item.name: item.result for item in coverage.items if item.kind == FUNCTIONAL}
    cases = []
    for case in coverage.cases:
        what = ", ".join(case.reached) if case.count else results[case.name]
        cases.append({"case": case.name, "times": case.count, "benches": what})
    parts = (
        f"# Coverage of {coverage.preset}\n",
        f"Benches: {', '.join(coverage.benches)}; {coverage.seeded}.\n",
        tables.markdown(kinds),
        f"## Holes\n\n{_listed(coverage.having(HOLE))}",
        f"## Cases\n\n{tables.markdown(cases)}",
        f"## Proved unreachable\n\n{_listed(coverage.having(UNREACHABLE))}",
    )
    return "\n".join(parts)


def _listed(items: Iterator[Item]) -> str:
    return "".join(f"* {item.kind}: {item.said}\n" for item in items) or "None.\n"


def summary(coverage: Coverage) -> Mapping[str, list[int]]:
    """Return the counts of each kind: all, covered, unreachable, holes."""
    return {
        kind: [coverage.count(kind), *(coverage.count(kind, r) for r in (COVERED, UNREACHABLE, HOLE))]
        for kind in (FUNCTIONAL, *KINDS)
    }
