"""The command ``qlif``: its commands, and what an error says.

Exit codes: 0 good, 1 a mismatch or a failed check was found, 2 bad usage or input.
"""

import importlib.metadata
import os
import sys
import warnings
from typing import Annotated, Any

import typer

from qlif.cosim.benchmark.measure import Different
from qlif.cosim.commands import study
from qlif.cosim.commands.bench import bench
from qlif.cosim.commands.cosim import cosim
from qlif.cosim.commands.coverage import coverage
from qlif.cosim.commands.export import export
from qlif.cosim.commands.inputs import inputs
from qlif.cosim.commands.mutate import mutate
from qlif.cosim.commands.prove import prove
from qlif.cosim.commands.simulate import simulate
from qlif.cosim.commands.synth import synth
from qlif.cosim.proof.claims import Unproved
from qlif.cosim.simulator import design
from qlif.hdl.synthesis.netlist import SynthesisError
from qlif.model.exceptions import InputError, PrecisionWarning
from qlif.model.support import caches, process

app = typer.Typer(
    name="qlif",
    help="Quadratic leaky integrate-and-fire neurons: float reference, golden fixed-point model, hardware.",
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"qlif {importlib.metadata.version('qlif')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take the options that come before a command."""


def _add(function: Any, example: str) -> None:
    app.command(epilog=f"Example: qlif {example}")(function)


_add(simulate, "simulate --preset square-16 --input constant:amplitude=20 --fi-curve")
_add(cosim, "cosim --preset square-18 --neurons 64 --steps 2000 --input ou --seed 1")
_add(export, "export --preset square-18 --neurons 1024 --out rtl")
_add(synth, "synth --preset square-18 --target ecp5 --neurons 1024 --seeds 5")
_add(prove, "prove --preset square-18")
_add(mutate, "mutate --preset square-16 --count 1000")
_add(bench, "bench --rounds 15 --out build/bench")
_add(coverage, "coverage --preset square-16 --out build/coverage")
_add(inputs, "inputs")
app.add_typer(study.app, name="study", help="How many bits, which rounding and form, and what it costs.")


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    typer.echo(f"warning: {message}", err=True)


def main() -> None:
    """Run the command; the console script's entry point."""
    process.end_on_signals()
    caches.settle()
    os.environ["PYTHONSAFEPATH"] = "1"  # what other libraries start finds no module in the current directory
    warnings.simplefilter("always", PrecisionWarning)
    warnings.showwarning = _show_warning
    try:
        app()
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        typer.echo(f"error: {error.filename or 'a file'}: {error.strerror or error}", err=True)
        sys.exit(2)
    except MemoryError:
        typer.echo("error: not enough memory for that many neurons and steps", err=True)
        sys.exit(2)
    except (design.SimulationError, SynthesisError, Unproved, Different) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
