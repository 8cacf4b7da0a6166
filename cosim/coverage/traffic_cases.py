"""The cases of handshakes and resets that benches have to lead a population into."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from qlif.cosim.coverage.observed import Bits, Stretch


@dataclass(frozen=True)
class TrafficCase:
    """A case of the handshakes between two resets.

    Attributes
    ----------
    name : str
    happened : callable
        Whether it happened in a stretch.
    """

    name: str
    happened: Callable[[Stretch], bool]


def traffic_cases(interval: int = 1, neurons: int = 2) -> Iterator[TrafficCase]:
    """Give the cases of handshakes and resets.

    Parameters
    ----------
    interval : int
        The fewest clocks from an update to the next.
    neurons : int
        A single one has no events in a row of clocks.
    """
    for stream in ("updates", "events"):
        yield TrafficCase(f"{stream} stalled", partial(_stalls, stream=stream, clocks=1))
        yield TrafficCase(f"{stream} stalled for 16 clocks", partial(_stalls, stream=stream, clocks=16))
    yield TrafficCase("currents held up", lambda s: bool(s.stalled("currents").any()))
    yield TrafficCase("currents pause", lambda s: _gap(s.moved("currents")))
    yield TrafficCase("the pipeline runs empty, and goes on", _ran_empty)
    yield TrafficCase(
        "both outputs stalled at once", lambda s: bool((s.stalled("updates") & s.stalled("events")).any())
    )
    yield TrafficCase(
        "updates flow while events stall", lambda s: bool((s.moved("updates") & s.stalled("events")).any())
    )
    yield TrafficCase(
        "events flow while updates stall", lambda s: bool((s.moved("events") & s.stalled("updates")).any())
    )
    if interval == 1:
        yield TrafficCase("updates at full speed for 16 clocks", lambda s: _longest(s.moved("updates")) >= 16)
    else:
        name = f"16 updates at full speed, one in {interval} clocks"
        yield TrafficCase(name, lambda s: _steady(s.moved("updates"), interval) >= 16)
    if neurons > 1:
        yield TrafficCase("events in 3 clocks in a row", lambda s: _longest(s.moved("events")) >= 3)
    yield TrafficCase("outputs stall until no more currents are taken", _backed_up)
    yield TrafficCase("reset of one clock", lambda s: s.reset_clocks == 1)
    yield TrafficCase("reset of several clocks", lambda s: s.reset_clocks > 1)
    yield TrafficCase("reset in mid-run, with updates in flight", lambda s: s.cut_off and _in_flight(s) > 0)
    for stream in ("updates", "events"):
        yield TrafficCase(f"reset while {stream} stall", partial(_reset_in_stall, stream=stream))
    yield TrafficCase(
        "reset at rest", lambda s: s.cut_off and len(s.moved("currents")) > 0 and _in_flight(s) == 0
    )


def _stalls(stretch: Stretch, stream: str, clocks: int) -> bool:
    return _longest(stretch.stalled(stream)) >= clocks


def _reset_in_stall(stretch: Stretch, stream: str) -> bool:
    return stretch.cut_off and _ends(stretch.stalled(stream))


def _longest(bits: Bits) -> int:
    """Return the most clocks in a row."""
    edges = np.flatnonzero(np.diff(bits.astype(np.int8), prepend=0, append=0))
    return int(np.max(edges[1::2] - edges[::2], initial=0))


def _steady(bits: Bits, interval: int) -> int:
    """Return the most clocks that follow one another in an interval."""
    return 1 + _longest(np.diff(np.flatnonzero(bits)) == interval)


def _gap(bits: Bits) -> bool:
    """Return whether there is a pause between two clocks."""
    return bool((np.diff(np.flatnonzero(bits)) > 1).any())


def _ran_empty(stretch: Stretch) -> bool:
    """Return whether currents were taken again after all that were taken before had left."""
    taken = stretch.moved("currents")
    inside: Any = np.cumsum(taken) - np.cumsum(stretch.moved("updates"))
    return bool((taken[1:] & (inside[:-1] == 0) & (np.cumsum(taken)[:-1] > 0)).any())


def _ends(bits: Bits) -> bool:
    return len(bits) > 0 and bool(bits[-1])


def _in_flight(stretch: Stretch) -> int:
    return int(stretch.moved("currents").sum()) - int(stretch.moved("updates").sum())


def _backed_up(stretch: Stretch) -> bool:
    held = stretch.stalled("updates") | stretch.stalled("events")
    return bool((held & stretch.stalled("currents")).any())
