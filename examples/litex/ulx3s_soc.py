"""A LiteX SoC on a ULX3S: a population on its bus, spoken to over the board's serial line.

    qlif export --preset square-16 --wrapper axi --neurons 8 --out rtl
    python ulx3s_soc.py rtl --out build

The population's registers are at `QLIF`. Currents are written to `population_current`, word by word, with bit 31 set
with a timestep's last; results are taken and counted. `--run` makes the bitstream, with Yosys,
nextpnr-ecp5 and ecppack from the path.
"""

import argparse
import importlib.util
from pathlib import Path

from litex.gen import LiteXModule
from litex.soc.integration.builder import Builder
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import stream
from litex.soc.interconnect.csr import CSRStatus, CSRStorage
from litex_boards.platforms import radiona_ulx3s
from migen import If
from migen.genlib.io import CRG

CLOCK_HZ = 25e6
QLIF = 0x3000_0000
WAITING = 64
"""Currents that wait until the population takes them."""


def exported(folder: Path):
    """Return the class `Qlif` that `qlif export` wrote."""
    spec = importlib.util.spec_from_file_location("qlif_axi_litex", folder.resolve() / "qlif_axi_litex.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Qlif


class Population(LiteXModule):
    """A population that takes its currents from a register, and counts its results."""

    def __init__(self, platform, folder):
        self.core = core = exported(folder)(platform)
        self.current = CSRStorage(32, description="A current word to be queued; bit 31: the timestep's last")
        self.room = CSRStatus(description="Whether a further current can be queued")
        self.updates = CSRStatus(32, description="Updates so far")

        width = len(core.currents.data)
        self.waiting = waiting = stream.SyncFIFO([("data", width)], WAITING)
        self.comb += [
            waiting.sink.valid.eq(self.current.re),
            waiting.sink.data.eq(self.current.storage),
            waiting.sink.last.eq(self.current.storage[31]),
            self.room.status.eq(waiting.sink.ready),
            waiting.source.connect(core.currents),
            core.updates.ready.eq(1),
            core.events.ready.eq(1),
        ]
        self.sync += If(core.updates.valid, self.updates.status.eq(self.updates.status + 1))


class SoC(SoCMini):
    """A bus, a serial line as its master, and the population."""

    def __init__(self, folder, baud_rate):
        platform = radiona_ulx3s.Platform(device="LFE5U-85F", toolchain="trellis")
        self.crg = CRG(platform.request("clk25"))
        SoCMini.__init__(self, platform, CLOCK_HZ, ident="qlif")
        self.add_uartbone(baudrate=baud_rate)
        self.population = Population(platform, folder)
        region = SoCRegion(origin=QLIF, size=0x100, cached=False)
        self.bus.add_slave("qlif", self.population.core.bus, region)


def main():
    """Build the SoC."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("export", type=Path, help="folder of `qlif export --wrapper axi`")
    parser.add_argument("--out", type=Path, default=Path("build"), help="where the gateware goes")
    parser.add_argument("--baud-rate", type=int, default=115200)
    parser.add_argument("--run", action="store_true", help="make the bitstream (Yosys, nextpnr, ecppack)")
    chosen = parser.parse_args()
    soc = SoC(chosen.export, chosen.baud_rate)
    Builder(soc, output_dir=str(chosen.out), csr_csv=str(chosen.out / "csr.csv")).build(
        build_name="ulx3s_qlif", run=chosen.run
    )


if __name__ == "__main__":
    main()
