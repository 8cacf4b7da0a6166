"""What the bits on a population's ports mean: lanes side by side, two's complement."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qlif.cosim.benches.scoreboard import Observed
from qlif.hdl.interface import Interface
from qlif.hdl.ports import Port, Stream

Bits = npt.NDArray[np.uint8]
"""(transfers, bits), each 0 or 1, the lowest first."""


def observed(
    interface: Interface, updates: Sequence[Sequence[int]], events: Sequence[Sequence[int]], cycles: int
) -> Observed:
    """Return what came out, neuron by neuron.

    Parameters
    ----------
    interface : Interface
        The population's.
    updates, events : sequence of sequence of int
        Transfers, each with the words of the stream's payload.
    cycles : int
        Clocks that it took.
    """

    def bits(stream: Stream, transfers: Sequence[Sequence[int]]) -> Bits:
        if not transfers:
            return np.zeros((0, stream.width), dtype=np.uint8)
        columns = [
            integer_bits([transfer[place] for transfer in transfers], port.width)
            for place, port in enumerate(stream.payload)
        ]
        return np.concatenate(columns, axis=1)

    streams = interface.core.streams
    if streams.has_updates:
        event_bits = bits(interface.events, events) if streams.has_events else None
        return observed_of_bits(interface, bits(interface.updates, updates), event_bits, cycles)
    first = np.array([neuron for (neuron,) in updates], dtype=np.int64).reshape(-1, 1)
    neuron = (first + np.arange(interface.lanes)).ravel()
    untold = np.zeros_like(neuron)
    event_neuron, event_step, event_phase = _events(interface, bits(interface.events, events))
    return Observed(neuron, untold, untold, untold, event_neuron, event_step, cycles, event_phase=event_phase)


def observed_of_bits(interface: Interface, updates: Bits, events: Bits | None, cycles: int) -> Observed:
    """Return what came out, neuron by neuron, from transfers with their ports side by side."""
    update = fields_of(interface.updates, updates)
    # The port tells the first lane's neuron; the others follow it.
    neuron = (update["neuron"] + np.arange(interface.lanes)).ravel()
    spike, potential = (update[name].ravel() for name in ("spike", "potential"))
    trace = update["trace"].ravel() if "trace" in update else np.zeros_like(potential)
    none = np.zeros(0, dtype=np.int64)
    event_neuron, event_step, event_phase = (
        (none, none, None) if events is None else _events(interface, events)
    )
    refractory, phase = (update[name].ravel() if name in update else None for name in ("refractory", "phase"))
    told = (event_neuron, event_step, cycles, refractory, phase, event_phase)
    return Observed(neuron, spike, potential, trace, *told)


def _events(
    interface: Interface, events: Bits
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64] | None]:
    """Return neuron, timestep and, where it has bits, phase of each spike."""
    event = fields_of(interface.events, events)
    spiked = event.get("spike", np.ones((len(events), 1), dtype=np.int64))
    row, lane = np.nonzero(spiked)
    phase = event["phase"][row, lane] if "phase" in event else None
    return event["neuron"][row, 0] + lane, event["step"][row, 0], phase


def integer_bits(values: Sequence[int], width: int) -> Bits:
    """Return the bits of integers, the lowest first."""
    length = -(-width // 8)
    table = np.frombuffer(b"".join(value.to_bytes(length, "little") for value in values), dtype=np.uint8)
    return np.unpackbits(table.reshape(len(values), length), axis=1, bitorder="little")[:, :width]


def bits_of(port: Port, currents: npt.NDArray[np.int64]) -> Bits:
    """Return currents as they stand on the port: a row of lanes in each, the first lowest."""
    words = currents.reshape(-1, port.lanes, 1).astype("<i8").view(np.uint8)
    bits = np.unpackbits(words, axis=2, bitorder="little")[:, :, : port.format.width]
    return bits.reshape(-1, port.width)


def fields_of(stream: Stream, bits: Bits) -> dict[str, npt.NDArray[np.int64]]:
    """Return the words of each port of a payload, (transfers, lanes of the port)."""
    words, offset = {}, 0
    for name, port in stream.fields.items():
        width = port.format.width
        part = bits[:, offset : offset + port.width].reshape(len(bits), port.lanes, width)
        table = np.zeros((len(bits), port.lanes, 8), dtype=np.uint8)
        table[:, :, : -(-width // 8)] = np.packbits(part, axis=2, bitorder="little")
        word = table.view("<i8")[:, :, 0]
        sign = 1 << (width - 1) if port.format.signed else 0
        words[name] = (word ^ sign) - sign
        offset += port.width
    return words


def packed_rows(port: Port, currents: npt.NDArray[np.int64]) -> list[int]:
    """Return currents as they stand on the port: a row of lanes in each word, the first lowest."""
    width = port.format.width
    lanes = (currents.reshape(-1, port.lanes) & ((1 << width) - 1)).tolist()
    return [sum(word << (lane * width) for lane, word in enumerate(row)) for row in lanes]
