"""A board in Python, written from the page of the link alone, and a line that damages what it carries."""

import random
from zlib import crc32

import numpy as np
import pytest

from qlif.cosim.board.framing import Frame, FrameReader
from qlif.cosim.configuration import Settings
from qlif.hdl.board.link import Layout, identity
from qlif.model.golden.neurons import FixedNeurons


class Device:
    """The board's end: one population of the golden model, one lane.

    `fault`, if given, may change a record before it is sent; `restart_after` requests it forgets everything.
    """

    def __init__(self, interface, fault=lambda number, record: record, restart_after=None):
        self.interface, self.fault, self.restart_after = interface, fault, restart_after
        self.layout = Layout.of(interface)
        self.identity = identity(interface, 0)
        self.executed = []
        self.restart()

    def restart(self):
        self.reader, self.session, self.answer = FrameReader(), None, b""
        self.currents = np.zeros(self.interface.neurons, dtype=np.int64)
        self.reset()

    def reset(self):
        self.neurons, self.timestep, self.records, self.number = FixedNeurons(self.interface.words), 0, [], 0

    def take(self, data):
        """Return what the board says to bytes; those that come beside a request it doesn't hear."""
        frames = self.reader.feed(data)
        return self.answered(frames[0]) if frames else b""

    def pause(self):
        """Hear nothing for a while: what has begun isn't gone on with."""
        self.reader = FrameReader()

    def answered(self, frame):
        kind, payload = frame.kind, frame.payload
        if len(self.executed) == self.restart_after:
            self.restart()
        if kind != 1 and (
            self.session is None or frame.sequence not in (self.session, (self.session + 1) % 256)
        ):
            self.session = None
            return Frame(frame.sequence, kind | 0x80, bytes((3, 0))).encoded()
        if kind == 1 or frame.sequence != self.session:
            self.session = frame.sequence
            self.executed.append(kind)
            status, rest = self.execute(kind, payload)
            self.answer = Frame(frame.sequence, kind | 0x80, bytes((status, 0)) + rest).encoded()
        return self.answer

    def execute(self, kind, payload):
        layout = self.layout
        match kind:
            case 1:
                return 0, payload + self.identity
            case 2:
                self.reset()
            case 3:
                size = layout.neuron + layout.current
                for at in range(0, len(payload), size):
                    neuron = int.from_bytes(payload[at : at + layout.neuron], "little")
                    word = int.from_bytes(payload[at + layout.neuron : at + size], "little")
                    sign = 1 << 8 * layout.current - 1
                    self.currents[neuron] = (word ^ sign) - sign
            case 4:
                for _ in range(int.from_bytes(payload, "little")):
                    self.step()
            case 5:
                self.records = [record for record in self.records if payload[0] >> record[0] & 1]
                given = self.records[: payload[1]]
                del self.records[: payload[1]]
                return 0, b"".join(given)
            case _:
                return 2, b""
        return 0, b""

    def step(self):
        spikes, states = self.neurons.run_words(self.currents[np.newaxis])
        for neuron, spike in enumerate(spikes[0]):
            fields = {"neuron": neuron, "spike": int(spike)}
            fields |= {name: int(words[0][neuron]) for name, words in states.items()}
            self.records.append(self.record(0, self.interface.updates, fields))
            if spike:
                fields["step"] = self.timestep
                self.records.append(self.record(1, self.interface.events, fields))
        self.timestep += 1

    def record(self, tag, stream, fields):
        word, offset = 0, 0
        for name, port in stream.fields.items():
            word |= (fields[name] & port.mask) << offset
            offset += port.width
        self.number += 1
        return self.fault(self.number, bytes((tag,)) + word.to_bytes(self.layout.record - 1, "little"))


class Killed(Exception):
    """The host's end, in the middle of what it did."""


class Line:
    """A port to a device that damages bytes both ways; no time passes on it."""

    def __init__(
        self, device, seed=0, bit_errors=0.0, dropped=0.0, doubled=0.0, swapped=0.0, kill_after=None
    ):
        self.device, self.random = device, random.Random(seed)
        self.bit_errors, self.dropped, self.doubled, self.swapped = bit_errors, dropped, doubled, swapped
        self.kill_after, self.waiting, self.carried = kill_after, b"", 0

    def write(self, data):
        self.carried += 1
        if self.carried == self.kill_after:
            self.waiting += self.device.take(self.damaged(data[: self.random.randrange(len(data))]))
            raise Killed
        self.waiting += self.damaged(self.device.take(self.damaged(data)))

    def read(self, seconds):
        if not self.waiting:
            self.device.pause()
        size = self.random.randint(1, 64)
        data, self.waiting = self.waiting[:size], self.waiting[size:]
        return data

    def damaged(self, data):
        out = bytearray()
        for byte in data:
            for bit in range(8):
                byte ^= (self.random.random() < self.bit_errors) << bit
            out += bytes((byte,)) * (0 if self.random.random() < self.dropped else 1)
            out += bytes((byte,)) * (self.random.random() < self.doubled)
            if len(out) > 1 and self.random.random() < self.swapped:
                out[-2:] = out[-1], out[-2]
        return bytes(out)


@pytest.fixture(scope="session")
def population():
    """A small population: its interface, and current words for a short run in which neurons spike."""
    configuration = Settings.read("square-16").population(5)
    words = configuration.words
    currents = words.current_words(np.random.default_rng(3).normal(40, 30, (30, 5)).repeat(2, axis=0))
    return configuration.export().interface, currents


@pytest.fixture
def device(population):
    """Make a device."""
    return lambda **options: Device(population[0], **options)


@pytest.fixture
def line():
    """Make a line."""
    return Line


@pytest.fixture
def killed():
    """What is raised where a host is killed."""
    return Killed


@pytest.fixture
def checksum():
    """The CRC of the line."""
    return lambda data: crc32(data).to_bytes(4, "little")
