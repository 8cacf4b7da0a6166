"""What the bits on a population's ports mean: lanes side by side, two's complement."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.scoreboard import Observed

Bits = npt.NDArray[np.uint8]
"""(transfers, bits), each 0 or 1, the lowest first."""

UPDATE_PARTS = ("neuron", "spike", "potential", "trace")


def event_parts(lanes: int) -> tuple[str, ...]:
    """Return the parts of an event: with several lanes it says which of them spiked."""
    return ("neuron", "step") if lanes == 1 else ("neuron", "step", "spike")


def step_bits(interface: Mapping[str, Any]) -> int:
    """Return the width of an event's timestep."""
    (width,) = (int(port["width"]) for port in interface["ports"] if port["name"] == "events_step")
    return width


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
    ports = {port["name"]: port for port in interface["ports"]}

    def bits(stream: str, parts: Sequence[str], transfers: Sequence[Sequence[int]]) -> Bits:
        widths = [int(ports[f"{stream}_{part}"]["width"]) for part in parts]
        columns = [
            integer_bits([transfer[k] for transfer in transfers], width) for k, width in enumerate(widths)
        ]
        return np.concatenate(columns, axis=1)

    parts = event_parts(int(interface["lanes"]))
    return observed_of_bits(
        interface, bits("updates", UPDATE_PARTS, updates), bits("events", parts, events), cycles
    )


def observed_of_bits(interface: Mapping[str, Any], updates: Bits, events: Bits, cycles: int) -> Observed:
    """Return what came out, neuron by neuron, from transfers with their ports side by side."""
    lanes = int(interface["lanes"])
    ports = {port["name"]: port for port in interface["ports"]}
    first, *words = _split([ports[f"updates_{part}"] for part in UPDATE_PARTS], updates)
    # The port tells the first lane's neuron; the others follow it.
    neuron = (first + np.arange(lanes)).ravel()
    spike, potential, trace = (word.ravel() for word in words)
    event_neuron, step, *which = _split([ports[f"events_{part}"] for part in event_parts(lanes)], events)
    spiked = which[0] if which else np.ones((len(events), 1), dtype=np.int64)
    row, lane = np.nonzero(spiked)
    return Observed(neuron, spike, potential, trace, event_neuron[row, 0] + lane, step[row, 0], cycles)


def integer_bits(values: Sequence[int], width: int) -> Bits:
    """Return the bits of integers, the lowest first."""
    length = -(-width // 8)
    table = np.frombuffer(b"".join(value.to_bytes(length, "little") for value in values), dtype=np.uint8)
    return np.unpackbits(table.reshape(len(values), length), axis=1, bitorder="little")[:, :width]


def bits_of(port: Mapping[str, Any], currents: npt.NDArray[np.int64]) -> Bits:
    """Return currents as they stand on the port: a row of lanes in each, the first lowest."""
    width, lanes = port["width"] // port["lanes"], port["lanes"]
    words = currents.reshape(-1, lanes, 1).astype("<i8").view(np.uint8)
    bits = np.unpackbits(words, axis=2, bitorder="little")[:, :, :width]
    return bits.reshape(-1, width * lanes)


def _split(ports: Sequence[Mapping[str, Any]], bits: Bits) -> list[npt.NDArray[np.int64]]:
    """Return the words of each port, (transfers, lanes of the port)."""
    words, offset = [], 0
    for port in ports:
        width = port["width"] // port["lanes"]
        part = bits[:, offset : offset + port["width"]].reshape(len(bits), port["lanes"], width)
        table = np.zeros((len(bits), port["lanes"], 8), dtype=np.uint8)
        table[:, :, : -(-width // 8)] = np.packbits(part, axis=2, bitorder="little")
        word = table.view("<i8")[:, :, 0]
        sign = 1 << (width - 1) if port["signed"] else 0
        words.append((word ^ sign) - sign)
        offset += port["width"]
    return words


def packed_rows(port: Mapping[str, Any], currents: npt.NDArray[np.int64]) -> list[int]:
    """Return currents as they stand on the port: a row of lanes in each word, the first lowest."""
    width, count = port["width"] // port["lanes"], port["lanes"]
    lanes = (currents.reshape(-1, count) & ((1 << width) - 1)).tolist()
    return [sum(word << (lane * width) for lane, word in enumerate(row)) for row in lanes]
