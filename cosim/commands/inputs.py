"""``qlif inputs``: the available inputs."""

from dataclasses import dataclass
from typing import Annotated

import typer

from qlif.cosim.commands.option_groups import command
from qlif.cosim.terminal import say_json


@dataclass(frozen=True, kw_only=True)
class InputsOptions:
    """How the list is printed."""

    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON list of lines.")] = False


@command()
def inputs(options: InputsOptions) -> None:
    """List the inputs and their options."""
    from qlif.model.inputs import recordings, stimuli

    lines = [*map(stimuli.summary, stimuli.STIMULI), recordings.summary()]
    if options.as_json:
        say_json(lines)
        return
    for line in lines:
        typer.echo(line)
