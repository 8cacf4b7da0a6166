"""Which testbenches, claims and mutants are about which feature, as a CSV table."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qlif.cosim.coverage.report import COVERED, FUNCTIONAL, HOLE, Coverage
from qlif.model.exceptions import InputError


@dataclass(frozen=True)
class Feature:
    """Something that the hardware does.

    Attributes
    ----------
    name : str
    cases, claims : str
        Patterns of the coverage cases and of the claims that are about it.
    mutants : str
        Pattern of the port at which a bench sees a mutant or, where none does, of the net that it sits on.
    """

    name: str
    cases: str
    claims: str
    mutants: str


_UPDATE = "an update is the golden step|the golden model's|^so are those|^and those"

FEATURES = (
    Feature("run-time parameters", r"\bwritten\b(?! by a spike)|\bwrites?\b", "parameter", "parameters"),
    Feature("lanes", r"\blanes?\b", "lanes", "events_spike"),
    Feature(
        "held currents",
        r"\bheld current",
        "held current|the last current|a write waits|in the clock of a write|its command is taken",
        "currents_(neuron|word)|steps_(valid|ready)$",
    ),
    Feature("reset", "^reset ", "reset", r"^rst$"),
    Feature("spike trace", r"\btrace\b", f"{_UPDATE}|trace", "trace|decay"),
    Feature(
        "spikes and refractory period",
        "threshold|spike|refractory",
        f"{_UPDATE}|threshold|refractory|legal",
        "updates_spike|spiking|counted|refractory|above",
    ),
    Feature("rounding and overflow", r"\bsum\b|saturated|wrapped", _UPDATE, "integrated|total"),
    Feature(
        "integration",
        "rest:|rheobase|current$|the (high|low)est current|potential|lower bound",
        _UPDATE,
        "updates_potential|pipeline|currents_data",
    ),
    Feature("events", r"events in|neurons? .*spike", "event", "events_(neuron|step)|steps"),
    Feature(
        "handshakes and stalls",
        "stall|held up|pause|backed|runs empty|full speed",
        "offered|deadlock|handshake",
        "_(valid|ready)$|outlet",
    ),
    Feature(
        "order of updates and state memory",
        "runs empty|full speed",
        "order|state|random word|in flight",
        "updates_neuron|reading|writing|core",
    ),
)
"""A mutant is about the first one that matches, a case or a claim about each."""

COLUMNS = (
    "feature",
    "testbenches",
    "cases covered",
    "cases",
    "holes",
    "claims proved",
    "claims not proved",
    "mutants killed",
    "mutants equivalent",
    "mutants survived",
)
OTHER = "no feature"


def traceability(
    coverage: Coverage, claims: Sequence[Mapping[str, Any]], mutants: Sequence[Mapping[str, Any]]
) -> str:
    """Return the table as CSV: a line for each feature, and one for what is about none if there is any.

    Parameters
    ----------
    coverage : Coverage
    claims, mutants : sequence of mappings
        As `qlif prove` and `qlif mutate` write them.
    """
    items = [item for item in coverage.items if item.kind == FUNCTIONAL]
    benches = {case.name: case.reached for case in coverage.cases}
    claimed = list({claim["claim"]: claim for claim in claims}.values())
    of_mutant = [(mutant, feature_of_mutant(mutant)) for mutant in mutants]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    assigned: set[str] = set()
    for feature in (*FEATURES, None):
        cases = [item for item in items if _about(feature, "cases", item.name, assigned)]
        about = [claim for claim in claimed if _about(feature, "claims", claim["claim"], assigned)]
        assigned |= {item.name for item in cases} | {claim["claim"] for claim in about}
        seen = [mutant for mutant, of in of_mutant if of is feature]
        if feature is None and not (cases or about or seen):
            continue
        by_result = [
            [mutant["number"] for mutant in seen if mutant["result"] == result]
            for result in ("killed", "equivalent", "survived")
        ]
        table.writerow(
            [
                OTHER if feature is None else feature.name,
                _joined(dict.fromkeys(bench for item in cases for bench in benches[item.name])),
                sum(item.result == COVERED for item in cases),
                len(cases),
                _joined(item.name for item in cases if item.result == HOLE),
                _joined(claim["claim"] for claim in about if claim["result"] == "proved"),
                _joined(claim["claim"] for claim in about if claim["result"] != "proved"),
                *map(_joined, by_result),
            ]
        )
    return text.getvalue()


def feature_of_mutant(mutant: Mapping[str, Any]) -> Feature | None:
    """Return what a mutant is about: what it was seen to break, or else where it sits."""
    _, _, port = str(mutant["by"]).partition(": ")
    places = [port] if mutant["clock"] is not None else []
    for place in (*places, str(mutant["net"])):
        for feature in FEATURES:
            if re.search(feature.mutants, place):
                return feature
    return None


def read_results(option: str, path: Path, preset: str) -> list[dict[str, Any]]:
    """Read the claims of ``proof.json``, or the mutants of ``mutation.json``, of a preset.

    Raises
    ------
    InputError
        It can't be read, isn't such a file, or is of another preset.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{option}: {path} can't be read: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{option} must be a JSON file of qlif, not {path}") from None
    needed = {"--proof": {"claim", "result"}, "--mutation": {"number", "net", "result", "by", "clock"}}[
        option
    ]
    if isinstance(content, dict):
        rows, presets = content.get("list"), {content.get("preset")}
    else:
        rows = content
        presets = (
            {row.get("preset") for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
        )
    if not (isinstance(rows, list) and all(isinstance(row, dict) and needed <= row.keys() for row in rows)):
        what = {"--proof": "proof.json of qlif prove", "--mutation": "mutation.json of qlif mutate"}[option]
        raise InputError(f"{option} must be a {what}, not {path}")
    if preset not in presets:
        raise InputError(
            f"{option}: {path} is of {', '.join(map(str, sorted(presets, key=str)))}, not {preset}"
        )
    return [row for row in rows if row.get("preset", preset) == preset]


def _about(feature: Feature | None, kind: str, text: str, assigned: set[str]) -> bool:
    if feature is None:
        return text not in assigned
    return re.search(getattr(feature, kind), text) is not None


def _joined(parts: Iterable[Any]) -> str:
    return "; ".join(map(str, parts))
