"""``qlif inputs``: what currents there are."""

import typer

from qlif.model.inputs import stimuli


def inputs() -> None:
    """List the inputs and their options."""
    for name in stimuli.STIMULI:
        typer.echo(stimuli.summary(name))
    typer.echo(
        "FILE.npy, FILE.csv, FILE.wav: scale=1.0 (mV per unit), offset=0.0 (mV), gain_spread=0.0 (0 to 1), "
        "rate (Hz, not with .wav), resample=average (average, linear, none)"
    )
