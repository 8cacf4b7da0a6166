"""The command ``qlif``: the table of its commands, and how errors are reported.

Nothing that computes is imported here: each command imports what it runs when it runs.
"""

import errno
import functools
import importlib
import logging
import os
import sys
import traceback
import warnings
from typing import Annotated, Any, NamedTuple

import typer
import typer.main

from qlif.cosim.commands.option_groups import Command, with_names
from qlif.cosim.terminal import say_error
from qlif.model.exceptions import (
    DamageWarning,
    DifferenceFound,
    InputError,
    PrecisionWarning,
    QlifError,
    show,
    visible,
)
from qlif.model.support import caches, process


class Entry(NamedTuple):
    """A command: its name, the module in ``cosim/commands`` with a function of that name, an example."""

    name: str
    module: str
    example: str


COMMANDS = (
    Entry("simulate", "simulate", "simulate --preset square-16 --input constant:amplitude=20 --fi-curve"),
    Entry("cosim", "cosim", "cosim --preset square-18 --neurons 64 --steps 2000 --input ou --seed 1"),
    Entry("selftest", "selftest", "selftest --preset square-18 --updates 100000000"),
    Entry("exhaust", "exhaust", "exhaust --preset square-16"),
    Entry("export", "export", "export --preset square-18 --neurons 1024 --out rtl"),
    Entry("synth", "synth", "synth --preset square-18 --target ecp5 --neurons 1024 --seeds 5"),
    Entry("prove", "prove", "prove --preset square-18"),
    Entry("mutate", "mutate", "mutate --preset square-16 --count 1000"),
    Entry("faults", "faults", "faults --preset square-18 --clocks 10000 --kinds flip-flops"),
    Entry("bench", "bench", "bench --rounds 15 --out build/bench"),
    Entry("coverage", "coverage", "coverage --preset square-16 --out build/coverage"),
    Entry("ranges", "ranges", "ranges --preset square-16 --input ou --seed 1"),
    Entry("inputs", "inputs", "inputs"),
    Entry("board build", "board_build", "board build --board icebreaker --neurons 256 --out build/board"),
    Entry("board program", "board_program", "board program --board icebreaker --out build/board"),
    Entry(
        "board run", "board_run", "board run --port /dev/ttyUSB1 --board icebreaker --neurons 256 --steps 200"
    ),
    Entry("board simulate", "board_simulate", "board simulate --board icebreaker --port build/tty"),
    Entry("study sweep", "study_sweep", "study sweep --word-bits 8..18 --rounding RND,SR --out build/sweep"),
    Entry(
        "study optimize", "study_optimize", "study optimize --max-lag-steps 1 --at 95% --out build/optimize"
    ),
    Entry(
        "study joint", "study_joint", "study joint --max-lag-steps 1 --at 95% --cost luts --out build/joint"
    ),
    Entry("study reproduce", "study_reproduce", "study reproduce isi --out build/isi"),
)
"""A new command is a file in ``cosim/commands`` and a line here."""

GROUPS = {
    "board": "A population on an FPGA board, real or simulated, compared with the golden model.",
    "study": "How many bits, which rounding and form, and at what cost.",
}

MOVED = {"--selftest": "qlif selftest"}
"""Options that became commands."""

EXIT_CODES = (
    "Exit codes: 0 success; 1 a mismatch was found, or a check failed; 2 invalid input; "
    "3 a tool failed (disk full, out of memory, a crash); 130 interrupted."
)

app = typer.Typer(
    name="qlif",
    help="Quadratic leaky integrate-and-fire neurons: float reference, golden fixed-point model, hardware.",
    epilog=EXIT_CODES,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        import qlif

        typer.echo(f"qlif {qlif.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            help="Show which tools run, and where their logs are.",
        ),
    ] = 0,
) -> None:
    """Take the options that come before a command."""
    if verbose:
        handler = logging.StreamHandler()
        handler.setFormatter(_OneLine("%(name)s: %(message)s"))
        logger = logging.getLogger("qlif")
        logger.addHandler(handler)
        logger.setLevel(logging.INFO if verbose == 1 else logging.DEBUG)


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def _add_commands() -> None:
    groups = {name: typer.Typer(no_args_is_help=True, rich_markup_mode=None) for name in GROUPS}
    for entry in COMMANDS:
        group, _, name = entry.name.rpartition(" ")
        module = importlib.import_module(f"qlif.cosim.commands.{entry.module}")
        add = (groups[group] if group else app).command(
            name, cls=Command, epilog=f"Example: qlif {entry.example}"
        )
        add(getattr(module, name))
    for name, group_help in GROUPS.items():
        app.add_typer(groups[name], name=name, help=group_help)


_add_commands()


def main() -> None:
    """Run the command; the console script's entry point."""
    process.end_on_signals()
    caches.settle()
    os.environ["PYTHONSAFEPATH"] = "1"  # what other libraries start finds no module in the current directory
    for category in (PrecisionWarning, DamageWarning):
        warnings.simplefilter("always", category)
    warnings.showwarning = _show_warning
    sys.exit(run(sys.argv[1:]))


@functools.cache
def command_line() -> Any:
    """Return all commands with their options, made once: that takes as long as a short command."""
    return typer.main.get_command(app)


def run(arguments: list[str]) -> int:
    """Run a command; return its exit code (:data:`EXIT_CODES`)."""
    try:
        code = command_line()(arguments, prog_name="qlif", standalone_mode=False)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        return _unread()
    except process.Terminated:
        raise
    except SystemExit as error:
        # What typer makes of it.
        return _unread() if isinstance(error.__context__, BrokenPipeError) else 3
    except (KeyboardInterrupt, typer.Abort):
        return 130
    except typer.TyperException as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # whose message is the help
            typer.echo(str(error), err=True)
            return 2
        say_error(f"error: {_usage(error)}")
        return 2
    except Exception as error:
        return _failed(error)
    return code if isinstance(code, int) else 0


def _unread() -> int:
    """Exit silently when the reader has closed the pipe, with the code of a process that SIGPIPE ended."""
    # What is still in the buffer must not complain at the end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return 128 + 13


_TOOL_FAILED = {
    getattr(errno, name, None)  # not every system knows all
    for name in ("ENOSPC", "EDQUOT", "ENOMEM", "EIO", "EMFILE", "ENFILE", "EFBIG")
}


def _failed(error: Exception) -> int:
    """Print an error; return its exit code."""
    match error:
        case QlifError():
            say_error(f"error: {error}")
            return 1 if isinstance(error, DifferenceFound) else 2 if isinstance(error, InputError) else 3
        case OSError():
            where = "" if error.filename is None else f"{error.filename}: "
            say_error(f"error: {where}{error.strerror or error}")
            return 3 if error.errno in _TOOL_FAILED else 2
        case MemoryError():
            say_error("error: not enough memory for that many neurons and steps")
            return 3
        case _:
            traceback.print_exception(error)
            say_error("error: this is a bug in qlif, not in your input: please report it")
            return 3


def _usage(error: Any) -> str:
    """Return what is wrong with a command line: the option, its value and what is allowed."""
    parameter, context = getattr(error, "param", None), getattr(error, "ctx", None)
    details = getattr(error.__cause__, "errors", None)
    if parameter is not None and details is not None:
        first = details()[0]
        allowed = _ALLOWED.get(first["type"], first["msg"])
        return f"{parameter.opts[0]} must be {allowed}, not {show(first['input'])}"
    text = error.format_message().rstrip(".")
    if parameter is not None and parameter.help:
        text += f": {with_names(parameter.help)}".rstrip(".")
    if (option := getattr(error, "option_name", None)) in MOVED:
        return f"{option} is a command of its own: {MOVED[option]}"
    command = "qlif" if context is None else context.command_path
    return f"{text}; see {command} --help"


_ALLOWED = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a whole number of fewer digits",
    "float_parsing": "a number",
}
"""What pydantic's error types mean to a user."""


def _show_warning(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    say_error(f"warning: {message}")
