"""The goals: ratios between contenders in one run."""

from dataclasses import dataclass
from typing import Any

from qlif.cosim.benchmark import golden
from qlif.cosim.benchmark.catalogue import (
    APYTYPES,
    C_BEYOND,
    C_BLOCKED,
    C_BLOCKED_BEYOND,
    C_WIDE,
    NUMPY,
    NUMPY_64,
    C,
)
from qlif.cosim.benchmark.cosimulation import (
    BARE_LOOP,
    ICARUS_NETLIST,
    PER_CYCLE,
    SELF_TEST,
    SLICED,
    SLICED_NETLIST,
    STALLED,
)
from qlif.cosim.benchmark.measure import COSIMULATION_NEURONS, Measured

IN_C, IN_C_BEYOND = (C, C_WIDE, C_BLOCKED), (C_BEYOND, C_BLOCKED_BEYOND)
"""Step by step and blocked over time: which is faster depends on the machine's caches."""

SMALL, MIDDLE, LARGE = 100, 10_000, 1_000_000


@dataclass(frozen=True)
class Ratio:
    """One contender's speed over another's.

    Attributes
    ----------
    name : str
    n : int
        Neurons of both.
    over : str
        The contender.
    under : tuple of str
        Its yardsticks: the fastest of those that were measured counts.
    goal : float, optional
        What it must be at least; none if it is there to be known.
    """

    name: str
    n: int
    over: str
    under: tuple[str, ...]
    goal: float | None = None

    def value(self, measured: Measured) -> float | None:
        """Return the ratio of medians; None if one of them wasn't measured."""
        over, found = measured.median(self.over, self.n), (measured.median(one, self.n) for one in self.under)
        under = [speed for speed in found if speed is not None]
        return None if over is None or not under else over / max(under)


GOALS = (
    Ratio("kernel / fastest C, 100", SMALL, golden.KERNEL, IN_C, 0.9),
    Ratio("kernel / fastest C, 10k", MIDDLE, golden.KERNEL, IN_C, 0.9),
    Ratio("kernel / fastest C, 1M", LARGE, golden.KERNEL, IN_C, 0.9),
    Ratio("kernel / fastest C, 100, input beyond the caches", SMALL, golden.BEYOND, IN_C_BEYOND, 0.9),
    Ratio("kernel / fastest C, 10k, input beyond the caches", MIDDLE, golden.BEYOND, IN_C_BEYOND, 0.9),
    Ratio("kernel / fastest C, 1M, input beyond the caches", LARGE, golden.BEYOND, IN_C_BEYOND, 0.9),
    Ratio("trace on / trace off, 10k", MIDDLE, golden.TRACED, (golden.KERNEL,), 0.5),
    Ratio("trace on / trace off, 1M", LARGE, golden.TRACED, (golden.KERNEL,), 0.5),
    Ratio("kernel / tight numpy, 10k", MIDDLE, golden.KERNEL, (NUMPY,), 20.0),
    Ratio("kernel / apytypes, 10k", MIDDLE, golden.KERNEL, (APYTYPES,), 300.0),
    Ratio("run() / tight numpy, 100", SMALL, golden.RUN, (NUMPY,), 50.0),
    Ratio("forward() / tight numpy, 100", SMALL, golden.FORWARD, (NUMPY,), 4.0),
    Ratio("self-test / per-cycle bench", COSIMULATION_NEURONS, SELF_TEST, (PER_CYCLE,), 100.0),
    Ratio("self-test / bare Verilator loop", COSIMULATION_NEURONS, SELF_TEST, (BARE_LOOP,), 0.25),
    Ratio("bit-sliced / bare Verilator loop", COSIMULATION_NEURONS, SLICED, (BARE_LOOP,), 20.0),
    Ratio("bit-sliced, own stalls / bare Verilator loop", COSIMULATION_NEURONS, STALLED, (BARE_LOOP,), 6.0),
    Ratio("bit-sliced netlist / Icarus", COSIMULATION_NEURONS, SLICED_NETLIST, (ICARUS_NETLIST,), 1000.0),
)

OTHERS = (
    Ratio("kernel / C, 100", SMALL, golden.KERNEL, (C,)),
    Ratio("kernel / C, 10k", MIDDLE, golden.KERNEL, (C,)),
    Ratio("kernel / C, 1M", LARGE, golden.KERNEL, (C,)),
    Ratio(
        "kernel on all cores / on one, 1M, input beyond the caches",
        LARGE,
        golden.ALL_CORES_BEYOND,
        (golden.BEYOND,),
    ),
    Ratio("kernel step by step / C, 1M", LARGE, golden.STEPWISE, (C,)),
    Ratio("kernel / tight numpy in int64, 10k", MIDDLE, golden.KERNEL, (NUMPY_64,)),
    Ratio("run() / tight numpy in int64, 100", SMALL, golden.RUN, (NUMPY_64,)),
    Ratio("forward() / tight numpy in int64, 100", SMALL, golden.FORWARD, (NUMPY_64,)),
)
"""Against stronger and weaker yardsticks, to know what the goals are worth."""


def verdicts(measured: Measured) -> list[dict[str, Any]]:
    """Return each goal with what was measured, ready for JSON; None where it wasn't."""
    found = []
    for ratio in GOALS:
        value = ratio.value(measured)
        met = None if value is None or ratio.goal is None else value >= ratio.goal
        found.append({"name": ratio.name, "goal": ratio.goal, "ratio": value, "met": met})
    return found
