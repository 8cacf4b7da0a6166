"""What the bits on a population's ports mean: lanes side by side, two's complement."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.scoreboard import Observed

UPDATE_PARTS = ("neuron", "spike", "potential", "trace")


def event_parts(lanes: int) -> tuple[str, ...]:
    """Return the parts of an event: with several lanes it says which of them spiked."""
    return ("neuron", "step") if lanes == 1 else ("neuron", "step", "spike")


def observed(
    interface: Mapping[str, Any],
    updates: Sequence[Sequence[int]],
    events: Sequence[Sequence[int]],
    cycles: int,
) -> Observed:
    """Return what came out, neuron by neuron.

    Parameters
    ----------
    interface : mapping
        The population's ports, as in ``interface.json``.
    updates, events : sequence of sequence of int
        Transfers, each with the values of the ports :data:`UPDATE_PARTS` and :func:`event_parts`.
    cycles : int
        Clocks that it took.
    """
    lanes = int(interface["lanes"])
    ports = {port["name"]: port for port in interface["ports"]}
    first, *words = (
        lane_words(ports[f"updates_{part}"], [row[k] for row in updates])
        for k, part in enumerate(UPDATE_PARTS)
    )
    # The port tells the first lane's neuron; the others follow it.
    neuron = (first + np.arange(lanes)).ravel()
    spike, potential, trace = (word.ravel() for word in words)
    spiked = np.ones((len(events), 1), dtype=np.int64)
    if lanes > 1:
        spiked = lane_words(ports["events_spike"], [row[2] for row in events])
    row, lane = np.nonzero(spiked)
    parts = np.array([event[:2] for event in events], dtype=np.int64).reshape(-1, 2)
    return Observed(neuron, spike, potential, trace, parts[row, 0] + lane, parts[row, 1], cycles)


def lane_words(port: Mapping[str, Any], values: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return port values as the words that they mean, (transfers, lanes of the port)."""
    lanes = port["lanes"]
    width = port["width"] // lanes
    mask = (1 << width) - 1
    words = [[(value >> (lane * width)) & mask for lane in range(lanes)] for value in values]
    array = np.array(words, dtype=np.int64).reshape(-1, lanes)
    if not port["signed"]:
        return array
    sign = 1 << (width - 1)
    return np.asarray((array ^ sign) - sign)


def packed_rows(port: Mapping[str, Any], currents: npt.NDArray[np.int64]) -> list[int]:
    """Return currents as they stand on the port: a row of lanes in each word, the first lowest."""
    width, count = port["width"] // port["lanes"], port["lanes"]
    lanes = (currents.reshape(-1, count) & ((1 << width) - 1)).tolist()
    return [sum(word << (lane * width) for lane, word in enumerate(row)) for row in lanes]
