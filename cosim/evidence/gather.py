"""What each command found, as :class:`qlif.cosim.evidence.evidence.Evidence`."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from qlif.cosim.evidence.evidence import Check, Evidence, Status, Table
from qlif.cosim.foreign_views import origin_rows
from qlif.model.exceptions import DifferenceFound, QlifError

if TYPE_CHECKING:
    from qlif.cosim.coverage.report import Coverage
    from qlif.cosim.mutation.outcomes import Campaign
    from qlif.cosim.proof.claims import Claim
    from qlif.model.words import ExactValue


def of_cosim(facts: Mapping[str, Any], directory: Path) -> Evidence:
    """Return the evidence of a co-simulation, by its result and the folder that it ran in."""
    what = f"{facts['updates']:,} updates on the input {facts['input']}, seed {facts['seed']}"
    shown = (
        "simulator_version",
        "variant",
        "target",
        "gates",
        "verilog",
        "map",
        "lanes",
        "neurons",
        "timesteps",
    )
    rows = _named(facts, (*shown, "cycles", "latency")) | origin_rows(facts)
    first = facts["first_mismatch"]
    wrong = "" if first is None else f"{facts['mismatches']} mismatches; the first: {first['text']}"
    checks = [Check.of("bit-exact", not facts["mismatches"], wrong, "replay")]
    broken = "; ".join(rule["text"] for rule in facts["broken_rules"])
    checks.append(Check.of("stream rules", not broken, broken, "replay"))
    if facts["side_by_side_updates"] is not None:
        name = f"{facts['side_by_side_updates']:,} updates of instances side by side"
        text = facts["side_by_side_failure"] or ""
        checks.append(Check.of(name, not text, text, "gates"))
    checks += _cocotb(directory / "thorough" / "results.xml") if facts["thorough_tests"] else []
    checks += [Check.of(name, not text, text, "limits") for name, text in facts["limits"].items()]
    against_float = {
        "spikes, golden model": facts["spikes_golden"],
        "spikes, float64 Euler": facts["spikes_float"],
        "largest spike lag, timesteps": facts["max_spike_lag_steps"],
        "potential RMSE, mV": facts["rmse_mv"],
        "mean firing rate, Hz": facts["mean_rate_hz"],
    }
    return Evidence(
        command="cosim",
        subject=str(facts["preset"]),
        covers=(
            f"Compared bit for bit with the golden model: {_outputs(facts)} of {what}. Other inputs and states: "
            "qlif prove."
        ),
        checks=checks,
        facts=rows,
        tables=(
            _mismatch(first),
            Table("Against the float neuron", (), list(against_float.items())),
            _exact_values(facts["exact"]),
        ),
        pictures=_light(facts["pictures"]),
    )


def of_selftest(facts: Mapping[str, Any], failure: str, report: "Sequence[ExactValue]") -> Evidence:
    """Return the evidence of a self-test, by its result, and in words what is wrong."""
    rows = (
        "simulator_version",
        "variant",
        "verilog",
        "map",
        "neurons",
        "lanes",
        "timesteps",
        "clocks",
        "stalls",
    )
    signatures = ("signature", "expected_signature", "updates_per_s")
    return Evidence(
        command="selftest",
        subject=str(facts["preset"]),
        covers=(
            f"Compared with the golden model's: a signature of {_outputs(facts)} of {facts['updates']:,} updates, on "
            f"random currents of seed {facts['seed']}. A wrong output escapes it with probability 2^-128. "
            "Other inputs and states: qlif prove."
        ),
        checks=[Check.of("signature", facts["passed"], failure, seconds=facts["seconds"]["simulation"])],
        facts=_named(facts, (*rows, *signatures)) | origin_rows(facts),
        tables=(
            _mismatch(facts["first_mismatch"]),
            _exact_values([line.as_dict() for line in report]),
        ),
        pictures=_light(facts["pictures"]),
    )


def of_exhaust(facts: Mapping[str, Any]) -> Evidence:
    """Return the evidence of every pair, by its result."""
    difference = facts["first_difference"]
    text = "" if difference is None else f"gates and golden model differ: {difference}"
    which = "Every potential with every current" if facts["all"] else "A part of all potentials and currents"
    return Evidence(
        command="exhaust",
        subject=str(facts["preset"]),
        covers=(
            f"{which} went through the gates of one update, of ready and of refractory neurons. The trace and random "
            "words follow from the potential: not all were tried. Streams and memories: qlif prove, qlif cosim."
        ),
        checks=[Check.of("pairs", difference is None, text, seconds=facts["seconds"])],
        facts=_named(facts, ("variant", "gates", "updates_per_s")),
    )


def of_prove(
    claims: "Sequence[Claim]", origin: Mapping[str, Any] | None = None, pictures: Sequence[Path] = ()
) -> Evidence:
    """Return the evidence of a proof: which text of the user's it is about, and pictures of its counterexamples."""
    checks, rows = [], []
    for claim in claims:
        match claim.result:
            case "proved":
                status, text = Status.PASSED, ""
            case "refuted":
                status, text = Status.FAILED, claim.what or f"a counterexample: {claim.counterexample}"
            case _:
                status, text = Status.UNDECIDED, claim.why
        checks.append(Check(claim.claim, status, text, claim.preset, claim.seconds))
        rows.append((claim.preset, claim.claim, claim.result, claim.covers, round(claim.seconds, 1)))
    presets = ", ".join(dict.fromkeys(claim.preset for claim in claims))
    return Evidence(
        command="prove",
        subject=presets,
        covers=(
            "Each claim says what it covers: what is proved by induction holds for any number of updates, what is "
            "bounded for all runs of that length after a reset."
        ),
        checks=checks,
        facts=origin or {},
        tables=(Table("Claims", ("preset", "claim", "result", "covers", "seconds"), rows),),
        pictures=_light(pictures),
    )


def of_mutate(campaign: "Campaign") -> Evidence:
    """Return the evidence of a mutation campaign: a mutant that survives is a failure."""
    from qlif.cosim.mutation.mutant import MODES
    from qlif.cosim.mutation.outcomes import EQUIVALENT, KILLED, SURVIVED

    kinds = {KILLED: Status.PASSED, EQUIVALENT: Status.EXCLUDED, SURVIVED: Status.FAILED}
    checks = []
    for outcome in campaign.outcomes:
        mutant, status = outcome.mutant, kinds[outcome.result]
        name = f"{mutant.number}: bit {mutant.bit} of {mutant.port} of {mutant.cell} {MODES[mutant.mode]}"
        checks.append(Check(name, status, "" if status is Status.PASSED else outcome.by, mutant.net))
    results = (KILLED, EQUIVALENT, SURVIVED)
    nets = [(net, *(counts[result] for result in results)) for net, counts in campaign.by_net()]
    return Evidence(
        command="mutate",
        subject=campaign.preset,
        covers=(
            f"{len(checks):,} faults, drawn with seed {campaign.seed}, were planted one at a time; the "
            "testbenches and the self-test ran on each. Excluded are those that are proved to change nothing."
        ),
        checks=checks,
        facts={"self-test, timesteps": campaign.self_test_timesteps}
        | {"killed by the self-test alone": campaign.killed_by_self_test},
        tables=(Table("By net", ("net", *results), nets),),
    )


def of_faults(facts: Mapping[str, Any]) -> Evidence:
    """Return the evidence of a fault campaign: what upsets do is told, what is proved not to happen is checked."""
    names = list(next(iter(facts["outcomes"].values())))
    rows = [(kind, *counts.values()) for kind, counts in facts["outcomes"].items()]
    nets = [(net["kind"], net["net"], *(net[name] for name in names)) for net in facts["by_net"]]
    return Evidence(
        command="faults",
        subject=str(facts["preset"]),
        covers=(
            f"Each flip-flop and memory bit was inverted in each of {facts['clocks']:,} clocks after a reset, and "
            f"watched for {facts['watch']:,}; each net was stuck at 0 and at 1. One fault at a time, one stimulus "
            f"(seed {facts['seed']}), two values, no delays. What is in the table is told, not judged."
        ),
        checks=[
            Check.of(
                "upsets of the neurons' states do what is proved",
                not facts["broken"],
                "; ".join(facts["broken"][:3]),
                seconds=facts["seconds"],
            )
        ],
        facts=_named(facts, ("neurons", "clocks", "watch", "stalls", "seed", "recovered_after_updates")),
        tables=(Table("Outcomes", ("kind", *names), rows), Table("By net", ("kind", "net", *names), nets)),
        pictures=_light(facts["pictures"]),
    )


def of_coverage(measured: "Sequence[Coverage]") -> Evidence:
    """Return the evidence of the coverage of some configurations: a hole is a failure."""
    from qlif.cosim.coverage.report import COVERED, FUNCTIONAL, HOLE, UNREACHABLE, summary

    kinds = {COVERED: Status.PASSED, UNREACHABLE: Status.EXCLUDED, HOLE: Status.FAILED}
    columns = ("", "all", "covered", "unreachable", "holes")
    checks, tables = [], []
    for found in measured:
        for item in found.items:
            text = "no testbench reaches it" if item.result == HOLE else item.by
            checks.append(Check(item.name, kinds[item.result], text, f"{found.preset}.{item.kind}"))
        counts = [(kind, *counts) for kind, counts in summary(found).items()]
        results = {item.name: item.result for item in found.items if item.kind == FUNCTIONAL}
        cases = [
            (case.name, case.count, ", ".join(case.reached) if case.count else results[case.name])
            for case in found.cases
        ]
        excluded = [(item.kind, item.name, item.by) for item in found.having(UNREACHABLE)]
        tables += [
            Table(f"Coverage of {found.preset}", columns, counts),
            Table(f"Cases of {found.preset}", ("case", "times", "testbenches"), cases),
            Table(f"Unreachable of {found.preset}", ("kind", "name", "proved"), excluded),
        ]
    return Evidence(
        command="coverage",
        subject=", ".join(found.preset for found in measured),
        covers=(
            f"What the testbenches {', '.join(measured[0].benches)} reach with {measured[0].seeded}. Excluded is "
            "what is proved to be unreachable from reset, with any input."
        ),
        checks=checks,
        tables=tables,
    )


def of_study(
    name: str,
    question: str,
    findings: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    files: Sequence[Any],
    checks: Sequence[Check] = (),
) -> Evidence:
    """Return the evidence of a study: its findings, its table and its figures."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[row.get(column) for column in columns] for row in rows]
    return Evidence(
        command=f"study {name}",
        subject=question,
        covers="A study measures; it holds for the configurations and inputs of its table.",
        checks=checks,
        notes=findings,
        tables=(Table("Table", columns, cells),) if rows else (),
        pictures=_light(files),
    )


def of_error(command: str, error: QlifError) -> Evidence:
    """Return the evidence of a command that ended before it had all results."""
    status = Status.FAILED if isinstance(error, DifferenceFound) else Status.UNDECIDED
    return Evidence(
        command=command,
        subject="ended early",
        covers="Nothing: it ended before there was a result.",
        checks=[Check("ended with a result", status, str(error))],
    )


def _cocotb(results: Path) -> Iterator[Check]:
    """Give the tests of a results file that cocotb wrote."""
    for case in ElementTree.parse(results).iter("testcase"):
        failure = case.find("failure")
        if failure is None:
            failure = case.find("error")
        text = "" if failure is None else failure.get("message") or failure.get("error_msg") or "it failed"
        seconds = float(case.get("time", "0"))
        yield Check.of(case.get("name", ""), failure is None, text, "thorough", seconds)


def _named(facts: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return some of the facts, those that there are, with their names as words."""
    return {name.replace("_", " "): facts[name] for name in names if facts[name] is not None}


def _outputs(facts: Mapping[str, Any]) -> str:
    """Return which outputs were compared: some cores don't tell all."""
    return f"every output but {', '.join(facts['not_compared'])}" if facts["not_compared"] else "every output"


def _mismatch(first: Mapping[str, Any] | None) -> Table:
    rows = [] if first is None else [(name, first[name]) for name in first if name != "text"]
    return Table("First mismatch", (), rows)


def _exact_values(exact: Sequence[Mapping[str, Any]]) -> Table:
    columns = ("name", "asked", "exact", "unit", "relative_error", "stored")
    return Table(
        "Parameters asked for, and as the hardware has them",
        ("parameter", "asked for", "exact", "unit", "relative error", "stored as"),
        [[line[column] for column in columns] for line in exact],
    )


def _light(files: Sequence[Any]) -> list[Path]:
    """Return the SVG files for a light page out of all that figures were saved as."""
    return [path for path in map(Path, files) if path.suffix == ".svg" and not path.stem.endswith("-dark")]
