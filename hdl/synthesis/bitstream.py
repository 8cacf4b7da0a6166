"""A board's design as a bitstream: mapped, placed at the board's pins, timed at its clock, packed."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from qlif.hdl.board.top import BOARD_TOP, BoardDesign
from qlif.hdl.synthesis import yowasp
from qlif.hdl.synthesis.fit import check_size, expected_multipliers
from qlif.hdl.synthesis.mapping import mapped_netlist
from qlif.hdl.synthesis.netlist import Netlist, SynthesisError
from qlif.hdl.synthesis.timing import check_registers, clock_of
from qlif.hdl.target import RoutedTarget
from qlif.model.support.files import write_text
from qlif.model.support.progress import Progress, unwatched

SEED = 1
"""Of the placement: the same bytes each time."""


@dataclass(frozen=True)
class Bitstream:
    """What a board is configured with.

    Attributes
    ----------
    file : Path
    sha256 : str
        Of its bytes.
    clock_mhz, fmax_mhz : float
        The board's clock, and the fastest that it could have.
    lut, ff, dsp, ram : int
        Resources of the whole design.
    """

    file: Path
    sha256: str
    clock_mhz: float
    fmax_mhz: float
    lut: int
    ff: int
    dsp: int
    ram: int


def bitstream(design: BoardDesign, directory: Path, *, progress: Progress = unwatched) -> Bitstream:
    """Make a board's bitstream.

    Parameters
    ----------
    design : BoardDesign
    directory : Path
        Where it goes, with the netlist and the tools' logs and reports.
    progress : callable, optional

    Raises
    ------
    InputError
        It doesn't fit the board's device, or a tool isn't installed.
    SynthesisError
        A tool failed, the netlist isn't the circuit that was described, it is too slow for the board's clock, or the
        bitstream can't be read back.
    """
    board = design.board
    device, packer = board.target, board.target.packer
    mhz = board.clock_hz / 1e6
    constraints, routed = f"board.{packer.constraints_option[2:]}", f"board.{packer.routed_option[2:]}"
    packed = f"{BOARD_TOP}.{packer.ending}"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / packed).unlink(missing_ok=True)
    write_text(directory / constraints, packer.constraints(mhz, board.pins))
    try:
        progress("synthesising", 0.0)
        netlist = board_netlist(design, directory)
        progress("placing and routing", 0.3)
        options = ["--json", "board.json", "--package", device.package(board.package), "--seed", str(SEED)]
        options += [packer.constraints_option, constraints, packer.routed_option, routed]
        # A clock that is missed is told with its figure, below.
        options += ["--freq", f"{mhz:g}", "--timing-allow-fail", "--report", "report.json", "--quiet"]
        yowasp.run(device.router, [*device.router_options, *options], directory, "board.nextpnr.log")
        fmax = clock_of(yowasp.read_json(directory / "report.json"))
        if fmax < mhz:
            raise SynthesisError(
                f"{board.title} has a clock of {mhz:g} MHz, but the design reaches {fmax:.1f} MHz"
            )
        progress("packing", 0.9)
        yowasp.call(device.router, packer.tool, [*packer.arguments, routed, packed], directory)
        read_back(device, directory, packed)
    except yowasp.ToolError as error:
        raise SynthesisError(str(error)) from None
    return Bitstream(
        directory / packed,
        hashlib.sha256((directory / packed).read_bytes()).hexdigest(),
        mhz,
        fmax,
        netlist.luts(device),
        netlist.flip_flops(device),
        netlist.multipliers(device),
        netlist.memories(device),
    )


def read_back(device: RoutedTarget, directory: Path, packed: str) -> Path:
    """Check that a bitstream, unpacked and packed again, has the same bytes; return the design in it.

    (It isn't compared with what nextpnr wrote: for ECP5 there are several names for the same bits.)

    Parameters
    ----------
    device : RoutedTarget
    directory : Path
        Where it is.
    packed : str
        Its name.

    Raises
    ------
    InputError
        A tool isn't installed.
    ToolError
        It can't be unpacked.
    SynthesisError
        It has other bytes then.
    """
    packer = device.packer
    unpacked, again = f"read-back.{packer.routed_option[2:]}", f"read-back.{packer.ending}"
    yowasp.call(device.router, packer.unpacker, [packed, unpacked], directory)
    yowasp.call(device.router, packer.tool, [*packer.arguments, unpacked, again], directory)
    if (directory / again).read_bytes() != (directory / packed).read_bytes():
        raise SynthesisError(f"{packed}, unpacked and packed again, has other bytes: {directory / again}")
    (directory / again).unlink()
    return directory / unpacked


def board_netlist(design: BoardDesign, directory: Path, then: str = "") -> Netlist:
    """Map a board's design to its device's cells; the netlist is also left as ``board.json``.

    Parameters
    ----------
    design : BoardDesign
    directory : Path
    then : str
        Further commands of Yosys on the netlist.

    Raises
    ------
    InputError
        It doesn't fit.
    ToolError
        Yosys failed, or the netlist isn't the circuit that was described.
    """
    device, core = design.board.target, design.interface.core
    write_text(directory / f"{BOARD_TOP}.v", design.verilog)
    sources = [f"{BOARD_TOP}.v"]
    netlist = mapped_netlist(directory, device, BOARD_TOP, "board", sources, core.primitives, then)
    check_size(netlist, device, f"{core.neurons} neurons with link and self-test")
    check_registers(netlist, device)
    if lost := netlist.lost_outputs():
        raise SynthesisError(f"the netlist lost its outputs {', '.join(lost)}")
    if (found := netlist.multipliers(device)) != (expected := expected_multipliers(core, device)):
        raise SynthesisError(f"the netlist has {found} {device.multiplier}, not the expected {expected}")
    return netlist
