"""``qlif board program``: the bitstream goes onto the board."""

import shutil

from qlif.cosim.commands.board_options import BoardOptions
from qlif.cosim.commands.option_groups import command
from qlif.cosim.commands.options import OutputOptions
from qlif.model.exceptions import InputError, ToolError

LOADER = "openFPGALoader"
SECONDS = 600.0


@command()
def program(options: BoardOptions, output: OutputOptions) -> None:
    """Configure a board with the bitstream that `qlif board build` made, by openFPGALoader."""
    from qlif.hdl.board.top import BOARD_TOP
    from qlif.model.support import process

    board = options.chosen()
    bitstream = output.out / "bitstream" / f"{BOARD_TOP}.{board.target.packer.ending}"
    if not bitstream.is_file():
        raise InputError(f"there is no {bitstream}: qlif board build --board {board.name} makes it")
    if shutil.which(LOADER) is None:
        raise ToolError(
            f"{LOADER} isn't installed: it must be on PATH (Debian: package openfpgaloader); "
            f"it would be called as {LOADER} -b {board.loader} {bitstream}"
        )
    log = output.out / "program.log"
    try:
        code = process.run(
            [LOADER, "-b", board.loader, str(bitstream)], what=LOADER, seconds=SECONDS, log=log
        ).code
    except process.TimedOut as error:
        raise ToolError(f"{error}; its log is {log}") from None
    if code:
        raise ToolError(f"{LOADER} failed with exit code {code}; its log is {log}")
    output.write_json("program.json", {"board": board.name, "file": str(bitstream)})
    if not output.as_json:
        output.terminal.line(f"{board.title} is configured with {bitstream}.")
