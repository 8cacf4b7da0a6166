"""Tidy tables, one row per result, as CSV and Parquet."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from qlif.model.support.files import whole_file, write_text
from qlif.model.support.optional import optional

Rows = Sequence[dict[str, Any]]


def write_csv(path: Path, rows: Rows) -> None:
    """Write rows with equal keys as CSV; None is empty, and floats have all their digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_text(path, text.getvalue())


def write_parquet(path: Path, rows: Rows) -> None:
    """Write rows with equal keys as Parquet; InputError if the extra ``study`` isn't installed."""
    pyarrow, parquet = check_parquet()
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    with whole_file(path) as temporary:
        parquet.write_table(pyarrow.table(columns), temporary)


def check_parquet() -> tuple[Any, Any]:
    """Return the library for Parquet files; InputError if it isn't there."""
    return optional("pyarrow", "study"), optional("pyarrow.parquet", "study")


def markdown(rows: Rows, digits: int = 4) -> str:
    """Return rows with equal keys as a table in Markdown."""

    def shown(value: object) -> str:
        if value is None:
            return ""
        return f"{value:.{digits}g}" if isinstance(value, float) else str(value)

    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([shown(row[name]) for name in names] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
