"""The terminal: everything printed goes through here."""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer

from qlif.model.exceptions import short, visible


def say_error(text: str) -> None:
    """Print a line to the standard error."""
    typer.echo(short(text), err=True)


class Terminal:
    """Prints tables and lines; nothing in a user's text acts as markup or control sequence.

    Parameters
    ----------
    errors : bool
        Print to the standard error, so that the standard output holds only JSON.
    """

    def __init__(self, errors: bool = False) -> None:
        from rich.console import Console

        self._console = Console(stderr=errors, markup=False, highlight=False, emoji=False)

    def line(self, text: str) -> None:
        """Print a line, which a narrow terminal may break."""
        self._console.print(visible(text), soft_wrap=True)

    def table(
        self,
        columns: Iterable[str],
        rows: Iterable[Iterable[object]],
        title: str | None = None,
        align: str = "",
        wrap: bool = True,
    ) -> None:
        """Print a table.

        Parameters
        ----------
        columns : iterable of str
            Their names; without any name there is no header.
        rows : iterable of iterables
            The cells.
        title : str, optional
        align : str
            A letter for each column, ``l`` for left or ``r`` for right; all left if not given.
        wrap : bool
            Whether a cell may take several lines.
        """
        from rich import box
        from rich.table import Table

        names = [visible(column) for column in columns]
        table = Table(
            title=None if title is None else visible(title),
            title_justify="left",
            show_header=any(names),
            box=box.SIMPLE_HEAD,
            padding=(0, 1) if wrap else (0, 1, 0, 0),
        )
        for name, letter in zip(names, align or "l" * len(names), strict=True):
            table.add_column(name, justify="right" if letter == "r" else "left", no_wrap=not wrap)
        for row in rows:
            table.add_row(*(visible(str(cell)) for cell in row))
        self._console.print(table)

    def facts(self, title: str, rows: Mapping[str, Any]) -> None:
        """Print names and values in two columns."""
        shown = [
            (name, f"{value:,}" if isinstance(value, int) else str(value)) for name, value in rows.items()
        ]
        self.table(("", ""), shown, title, align="lr")


def say_json(content: Any) -> None:
    """Print one JSON value on one line."""
    typer.echo(json.dumps(content))


@contextmanager
def progress_bar(quiet: bool) -> Iterator[Any]:
    """Show progress on a terminal; yield the function to report it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TimeElapsedColumn(),
    )
    if quiet or not console.is_terminal:
        # An older rich ends even a disabled bar with an empty line.
        yield lambda what, fraction: None
        return
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda what, fraction: bar.update(task, description=visible(what), completed=fraction)
