"""Fmax: what nextpnr reports, and what it doesn't check."""

from collections.abc import Mapping
from typing import Any

from qlif.hdl.synthesis.netlist import Netlist, SynthesisError
from qlif.hdl.target import RoutedTarget


def check_registers(netlist: Netlist, device: RoutedTarget) -> None:
    """Refuse a netlist with multipliers that nextpnr would time wrongly.

    Raises
    ------
    SynthesisError
        There is one.
    """
    if loose := sum(device.lacks_registers(cell) for cell in netlist.cells):
        multipliers = netlist.multipliers(device)
        raise SynthesisError(
            f"{loose} of {multipliers} {device.multiplier} lack the registers that nextpnr takes for "
            "granted: the clock would be claimed too fast (the explicit variant has them all)"
        )


def limit_of(netlist: Netlist, device: RoutedTarget) -> tuple[float, str]:
    """Return the upper limit of Fmax for a netlist, MHz, and why."""
    limits = [
        (limit.mhz, limit.reason)
        for limit in device.limits
        if any(cell["type"] == limit.cell and limit.applies(cell) for cell in netlist.cells)
    ]
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
