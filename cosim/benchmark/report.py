"""A measurement as people and machines read it."""

from pathlib import Path
from typing import Any

from qlif.cosim.benchmark.chart import speed_figure
from qlif.cosim.benchmark.goals import GOALS, OTHERS, verdicts
from qlif.cosim.benchmark.machine import machine, versions
from qlif.cosim.benchmark.measure import Measured
from qlif.cosim.terminal import Terminal
from qlif.model.plots.themes import save
from qlif.model.studies.tables import markdown


def facts(measured: Measured, rounds: int) -> dict[str, Any]:
    """Return everything, ready for JSON.

    ``results`` are medians; ``ratios`` has an entry for each goal, None where a contender is missing.
    """
    return {
        "machine": machine(),
        "versions": versions(),
        "rounds": rounds,
        "results": [
            {
                "name": name,
                "n": n,
                "updates_per_s": measured.median(name, n),
                "lowest": min(speeds),
                "highest": max(speeds),
            }
            for (name, n), speeds in measured.speeds.items()
        ],
        "skipped": [vars(skipped) for skipped in measured.skipped],
        "ratios": {ratio.name: ratio.value(measured) for ratio in GOALS},
        "goals": verdicts(measured),
        "other_ratios": {ratio.name: ratio.value(measured) for ratio in OTHERS},
    }


def show(terminal: Terminal, content: dict[str, Any]) -> None:
    """Print tables, and what is missing."""
    speeds = [
        (
            line["name"],
            f"{line['n']:,}",
            *(f"{line[key] / 1e6:,.2f}" for key in ("updates_per_s", "lowest", "highest")),
        )
        for line in content["results"]
    ]
    columns = ("contender", "neurons", "median", "lowest", "highest")
    terminal.table(columns, speeds, "Million updates per second, medians", align="lrrrr", wrap=False)
    words = {True: "met", False: "not met", None: ""}
    ratios = [
        (line["name"], _times(line["ratio"]), _times(line["goal"]), words[line["met"]])
        for line in content["goals"]
    ]
    ratios += [(name, _times(ratio), "none", "") for name, ratio in content["other_ratios"].items()]
    terminal.table(("ratio", "is", "goal", ""), ratios, "Ratios", align="lrrl", wrap=False)
    reasons: dict[tuple[str, str], list[int]] = {}
    for line in content["skipped"]:
        reasons.setdefault((line["name"], line["reason"]), []).append(line["n"])
    for (name, reason), sizes in reasons.items():
        where = ", ".join(f"{n:,}" for n in sizes)
        terminal.line(f"Skipped: {name} ({where} neurons): {reason}")


def page(content: dict[str, Any]) -> str:
    """Return ratios, speeds and machine as Markdown: what docs/speed.md shows."""
    sizes = sorted({line["n"] for line in content["results"]})
    speeds: dict[str, dict[str, Any]] = {}
    for line in content["results"]:
        row = speeds.setdefault(line["name"], {"million updates/s": line["name"]})
        row[f"{line['n']:,}"] = f"{line['updates_per_s'] / 1e6:,.4g}"
    columns = ("million updates/s", *(f"{n:,}" for n in sizes))
    said = {True: "met", False: "**not met**", None: "not measured"}
    goals = [
        {
            "ratio": line["name"],
            "goal": f"≥ {line['goal']:g}",
            "is": _times(line["ratio"]),
            "": said[line["met"]],
        }
        for line in content["goals"]
    ]
    others = [{"ratio": name, "is": _times(ratio)} for name, ratio in content["other_ratios"].items()]
    known = [{"": name, "value": value} for name, value in (content["machine"] | content["versions"]).items()]
    tables = (goals, others, [{name: row.get(name) for name in columns} for row in speeds.values()], known)
    return "\n".join(markdown(rows) for rows in tables if rows)


def draw(measured: Measured, directory: Path) -> list[Path]:
    """Draw the chart; return its files."""
    return save(lambda theme: speed_figure(measured, theme), directory, "speed")


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
