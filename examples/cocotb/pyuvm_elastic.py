"""The same core under pyuvm: agents, a sequence, a scoreboard. `python run_elastic.py pyuvm_elastic` runs it.

The components of UVM are around the agents of qlif, which know the signals.
"""

from typing import Any

import cocotb
import numpy as np
import pyuvm
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles
from pyuvm import ConfigDB
from test_elastic import OUTPUTS, WORDS

from qlif.cosim.agents import CurrentSource, Field, Scoreboard, UpdateSink, constrained_random


class Currents(pyuvm.uvm_sequence_item):
    """Current words, one for each timestep."""

    def __init__(self, name: str, words: Any) -> None:
        super().__init__(name)
        self.words = words


class RandomCurrents(pyuvm.uvm_sequence):
    """A hundred items of constrained random currents."""

    async def body(self) -> None:
        """Play them."""
        random = np.random.default_rng(cocotb.RANDOM_SEED)
        for place in range(100):
            item = Currents(f"currents {place}", constrained_random(WORDS, 30, 1, random))
            await self.start_item(item)
            await self.finish_item(item)


class CurrentDriver(pyuvm.uvm_driver):
    """Sends items to the source."""

    def build_phase(self) -> None:
        """Find the source."""
        self.source = ConfigDB().get(self, "", "SOURCE")

    async def run_phase(self) -> None:
        """Send each item, and wait until the core has taken it."""
        while True:
            item = await self.seq_item_port.get_next_item()
            await self.source.send(item.words)
            await self.source.wait()
            self.seq_item_port.item_done()


class StreamMonitor(pyuvm.uvm_monitor):
    """Publishes what moves on a stream."""

    def __init__(self, name: str, parent: Any, agent: str) -> None:
        super().__init__(name, parent)
        self.agent = agent

    def build_phase(self) -> None:
        """Subscribe."""
        self.ap = pyuvm.uvm_analysis_port("ap", self)
        ConfigDB().get(self, "", self.agent).subscribe(self.ap.write)


class CurrentAgent(pyuvm.uvm_agent):
    """Drives and watches the currents."""

    def build_phase(self) -> None:
        """Make sequencer, driver and monitor."""
        self.sequencer = pyuvm.uvm_sequencer("sequencer", self)
        self.driver = CurrentDriver("driver", self)
        self.monitor = StreamMonitor("monitor", self, "SOURCE")

    def connect_phase(self) -> None:
        """Connect driver and sequencer."""
        self.driver.seq_item_port.connect(self.sequencer.seq_item_export)


class Forward(pyuvm.uvm_analysis_export):
    """Passes on what is published to a method of the scoreboard."""

    def __init__(self, name: str, parent: Any, method: Any) -> None:
        super().__init__(name, parent)
        self.write = method


class NeuronScoreboard(pyuvm.uvm_scoreboard):
    """Compares updates with the golden model, fed by two ports."""

    def build_phase(self) -> None:
        """Make the scoreboard of qlif; the core gives no events."""
        self.golden = Scoreboard(WORDS, expects=["updates"])
        self.currents = Forward("currents", self, self.golden.current)
        self.updates = Forward("updates", self, self.golden.update)

    def check_phase(self) -> None:
        """Fail on a mismatch, and on anything that didn't come."""
        self.golden.check()


class Environment(pyuvm.uvm_env):
    """An active agent, a monitor and the scoreboard."""

    def build_phase(self) -> None:
        """Make them."""
        self.currents = CurrentAgent("currents", self)
        self.updates = StreamMonitor("updates", self, "SINK")
        self.scoreboard = NeuronScoreboard("scoreboard", self)

    def connect_phase(self) -> None:
        """Feed the scoreboard."""
        self.currents.monitor.ap.connect(self.scoreboard.currents)
        self.updates.ap.connect(self.scoreboard.updates)


@pyuvm.test()
class RandomTest(pyuvm.uvm_test):
    """Random currents into the core, with back-pressure."""

    def build_phase(self) -> None:
        """Make the agents of the signals and the environment."""
        self.dut = dut = cocotb.top
        common = {"clock": dut.CLK, "reset": dut.SRST, "valid": "VLD", "ready": "RDY"}
        source = CurrentSource.from_prefix(dut, "S", WORDS, data=Field("DAT", align="left"), **common)
        sink = UpdateSink.from_prefix(dut, "M", WORDS, **OUTPUTS, **common)
        sink.set_pause_generator(np.random.default_rng(cocotb.RANDOM_SEED).random(100_000) < 0.3)
        ConfigDB().set(None, "*", "SOURCE", source)
        ConfigDB().set(None, "*", "SINK", sink)
        self.environment = Environment("environment", self)

    async def run_phase(self) -> None:
        """Reset the core and play the sequence."""
        self.raise_objection()
        dut = self.dut
        dut.CE.value = dut.SRST.value = 1
        Clock(dut.CLK, 2).start()
        await ClockCycles(dut.CLK, 2)
        dut.SRST.value = 0
        await RandomCurrents("random").start(self.environment.currents.sequencer)
        await ClockCycles(dut.CLK, 50)
        self.drop_objection()
