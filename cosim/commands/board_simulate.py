"""``qlif board simulate``: a board behind a pseudo-terminal."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from qlif.cosim.commands.board_options import DesignOptions
from qlif.cosim.commands.option_groups import command
from qlif.cosim.commands.options import NeuronOptions, StorageOptions
from qlif.cosim.terminal import Terminal, say_json
from qlif.model.exceptions import InputError


@dataclass(frozen=True, kw_only=True)
class SimulatedPortOptions:
    """Where its port is."""

    port: Annotated[
        Path | None,
        typer.Option("--port", help="Make a symbolic link to its serial port here, while it runs."),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print only one JSON value, the port.")] = False


@command()
def simulate(
    neuron: NeuronOptions, options: DesignOptions, storage: StorageOptions, place: SimulatedPortOptions
) -> None:
    """Simulate a whole board, UART pins included, until it is interrupted.

    It prints the serial port for `qlif board run --port`, and a line whenever its LEDs change.
    """
    from qlif.cosim.board import simulated
    from qlif.model.support.scratch import scratch

    if place.port is not None and os.path.lexists(place.port):
        raise InputError(f"--port {place.port} must not be there already")
    design = options.design(neuron, storage)
    terminal = Terminal(errors=place.as_json)
    with scratch() as work:
        program = simulated.build(design.verilog, work, cells=design.cells)
        with simulated.simulated(program, design.board, work) as board, _linked(place.port, board.port):
            port = board.port if place.port is None else str(place.port)
            say_json({"port": port}) if place.as_json else terminal.line(f"port: {port}")
            board.watch(lambda lit: terminal.line(f"LEDs: {', '.join(lit) or 'none'}"))


@contextmanager
def _linked(link: Path | None, port: str) -> Iterator[None]:
    """Keep a symbolic link to a port for the time of a block."""
    if link is None:
        yield
        return
    link.symlink_to(port)
    try:
        yield
    finally:
        link.unlink(missing_ok=True)
