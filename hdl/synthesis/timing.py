"""How fast a clock may be claimed: what nextpnr reports, and what it doesn't check."""

from collections.abc import Mapping
from typing import Any

from qlif.hdl.synthesis.netlist import Netlist, SynthesisError
from qlif.hdl.target import Target

EBR_READ_BEFORE_WRITE_MHZ = 155
"""Fastest clock of an ECP5 block RAM in that mode, which nextpnr doesn't check."""


def check_registers(netlist: Netlist) -> None:
    """Refuse a netlist with multipliers that nextpnr would time wrong.

    Raises
    ------
    SynthesisError
        There is one.
    """
    if loose := netlist.unregistered_multipliers():
        raise SynthesisError(
            f"{loose} of {netlist.counts['SB_MAC16']} SB_MAC16 lack the registers that nextpnr takes for "
            "granted: the clock would be claimed too fast (the explicit variant has them all)"
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
