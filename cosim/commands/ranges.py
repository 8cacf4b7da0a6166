"""``qlif ranges``: which signals come near their rails, how far they can come, and the integer bits that would do."""

from dataclasses import dataclass
from typing import Annotated

import typer

from qlif.cosim.commands.option_groups import Rule, command
from qlif.cosim.commands.options import InputOptions, NeuronOptions, is_random
from qlif.cosim.terminal import Terminal, say_json

BYTES_PER_UPDATE = 150
"""Every intermediate result of an update, as 64-bit words."""


@dataclass(frozen=True, kw_only=True)
class RangesOptions:
    """How the table is printed."""

    as_json: Annotated[bool, typer.Option("--json", help="Print only one JSON value.")] = False


@command(Rule("seed", lambda options: is_random(options.input), "a random --input"))
def ranges(neuron: NeuronOptions, source: InputOptions, options: RangesOptions) -> None:
    """Show how far each signal comes on an input, and how far it can come on any.

    Beside both are the integer bits that would do. The potential is in the unit of its word, as all signals are.
    """
    from qlif.cosim.ranges import ranges_of
    from qlif.model.quantisation import quantise

    configuration, currents = source.prepare(neuron.settings(), BYTES_PER_UPDATE)
    words = quantise(configuration.parameters, configuration.arithmetic)
    found = [one.as_dict() for one in ranges_of(words, currents)]
    if options.as_json:
        say_json({"preset": configuration.name, "input": source.input, "seed": source.seed, "signals": found})
        return
    columns = ("", "format", "seen", "used", "outside", "possible", "bits")
    rows = [
        (
            one["signal"],
            one["format"],
            "..".join(f"{end:.3g}" for end in one["seen"]),
            f"{100 * one['used']:.0f} %" + (" !" if one["near_rails"] else ""),
            one["outside"],
            "..".join(f"{end:.3g}" for end in one["possible"]),
            f"{one['integer_bits_seen']}, {one['integer_bits_possible']}",
        )
        for one in found
    ]
    terminal = Terminal()
    terminal.table(columns, rows, f"{configuration.name} on {source.input}", align="lllrrlr")
    terminal.line("bits: the integer bits that would do for what was seen, and for what is possible")
    terminal.line("!: near its rails, with 90 % or more of the format used, or outside, saturated or wrapped")
