"""cocotb testbench that replays an input block by block: Python wakes up once per hundreds of updates."""

import dataclasses
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import cocotb
import numpy as np
import numpy.typing as npt

from qlif.cosim.benches import block_wrapper
from qlif.cosim.benches.job import Job, write_progress, write_seconds
from qlif.cosim.benches.monitors import SURPLUS, Broken, Rule
from qlif.cosim.benches.port_words import bits_of, observed_of_bits
from qlif.cosim.benches.scoreboard import Observed, Scoreboard
from qlif.hdl.interface import Interface
from qlif.model.support.files import write_text

RESET_CLOCKS = 3
_UNKNOWN_AS_0 = str.maketrans("XZUW-", "00000")
_FOUND = {
    Rule.STABLE: "the payload changed before it was taken",
    Rule.KEPT: "valid went low before its payload was taken",
    Rule.UNPROMPTED: "valid came only after ready had risen",
    Rule.KNOWN: "unresolved bits in valid or the payload",
}


class BlockBench:
    """Plays currents into a population in blocks.

    Parameters
    ----------
    dut : handle
        The module of :func:`qlif.cosim.benches.block_wrapper.block_wrapper`.
    interface : Interface
        The population's.
    """

    def __init__(self, dut: Any, interface: Interface) -> None:
        self.dut, self.interface = dut, interface
        self.handles = {
            name: getattr(dut, name)
            for name in (
                "rst", "go", "probe", "rows", "currents", "sent", "last_clock",
                "update_count", "updates", "event_count", "events", "broken",
            )
        }  # fmt: skip
        self._finished = dut.finished.value_change
        self._go = 0

    async def play(
        self, currents: npt.NDArray[np.int64], progress: Callable[[float], None] = lambda fraction: None
    ) -> Observed:
        """Reset, offer current words without pause, and take everything that comes out at once.

        Then watch the first of them again, while outputs stall, as to how the streams are kept.
        """
        self.handles["probe"].value = 0
        observed = await self._play(currents, progress)
        rows = max(1, block_wrapper.ROWS // currents.shape[1]) if currents.ndim > 1 else len(currents)
        self.handles["probe"].value = 1
        again = await self._play(currents[:rows], lambda fraction: None)
        self.handles["probe"].value = 0
        return dataclasses.replace(observed, broken=again.broken)

    async def _play(self, currents: npt.NDArray[np.int64], progress: Callable[[float], None]) -> Observed:
        handles = self.handles
        handles["rst"].value = 1
        for _ in range(RESET_CLOCKS):
            await self._block(1)
        handles["rst"].value = 0
        (data,) = self.interface.currents.payload
        bits = bits_of(data, currents)
        updates: list[npt.NDArray[np.uint8]] = []
        events: list[npt.NDArray[np.uint8]] = []
        place = given = 0
        while True:
            block = bits[place : place + block_wrapper.ROWS]
            handles["currents"].value = int.from_bytes(
                np.packbits(block, bitorder="little").tobytes(), "little"
            )
            await self._block(len(block))
            moved = int(handles["sent"].value)
            place += moved
            updates.append(self._kept("updates", "update_count", self.interface.updates.width))
            events.append(self._kept("events", "event_count", self.interface.events.width))
            progress(place / len(bits))
            if not len(updates[-1]) and not moved:
                break
            given += len(updates[-1])
            if given > len(bits) + SURPLUS:
                break
        last = int(handles["last_clock"].value)
        got = observed_of_bits(self.interface, np.concatenate(updates), np.concatenate(events), last)
        return dataclasses.replace(got, broken=tuple(self._broken()))

    def _broken(self) -> Iterator[Broken]:
        """Give each rule that was broken since the simulation began."""
        clocks = int(self.handles["broken"].value)
        for place, (stream, rule) in enumerate(block_wrapper.WATCHED):
            if clock := clocks >> 32 * place & 0xFFFFFFFF:
                yield Broken.of(rule, stream, clock, _FOUND[rule])

    async def _block(self, rows: int) -> None:
        self.handles["rows"].value = rows
        self._go ^= 1
        self.handles["go"].value = self._go
        await self._finished

    def _kept(self, name: str, count_name: str, width: int) -> npt.NDArray[np.uint8]:
        """Return what was kept in the last block, (transfers, bits)."""
        count = int(self.handles[count_name].value)
        if not count:
            return np.zeros((0, width), dtype=np.uint8)
        # What is unknown has broken a rule, and counts as 0.
        bits_read = str(self.handles[name].value).upper().translate(_UNKNOWN_AS_0)
        value = int(bits_read, 2)
        length = -(-block_wrapper.PLACES * width // 8)
        bits = np.unpackbits(np.frombuffer(value.to_bytes(length, "little"), np.uint8), bitorder="little")
        return bits[: count * width].reshape(count, width)


@cocotb.test()
async def replay(dut: Any) -> None:
    """Replay the job's currents, keep what came out, and leave the verdict behind."""
    job, directory = Job.present()
    currents = job.replayed
    bench = BlockBench(dut, job.interface)
    begun = time.perf_counter()
    observed = await bench.play(currents, lambda done: write_progress(directory, done))
    write_seconds(directory, time.perf_counter() - begun)
    observed.save(directory / "observed.npz")
    verdict = Scoreboard(job.words, currents, absent=job.interface.absent).compare(observed)
    write_text(directory / "verdict.json", json.dumps(dataclasses.asdict(verdict)))
    verdict.judge("replay")
