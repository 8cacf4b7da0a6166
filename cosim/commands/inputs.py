"""``qlif inputs``: what currents there are."""

from dataclasses import dataclass
from typing import Annotated

import typer

from qlif.cosim.commands.declare import command
from qlif.cosim.terminal import say_json

RECORDINGS = (
    "FILE.npy, FILE.csv, FILE.wav: scale=1.0 (mV per unit), offset=0.0 (mV), gain_spread=0.0 (0 to 1), "
    "rate (Hz, not with .wav), resample=average (average, linear, none)"
)


@dataclass(frozen=True, kw_only=True)
class InputsOptions:
    """How the list is printed."""

    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of lines.")] = False


@command()
def inputs(options: InputsOptions) -> None:
    """List the inputs and their options."""
    from qlif.model.inputs import stimuli

    lines = [*map(stimuli.summary, stimuli.STIMULI), RECORDINGS]
    if options.as_json:
        say_json(lines)
        return
    for line in lines:
        typer.echo(line)
