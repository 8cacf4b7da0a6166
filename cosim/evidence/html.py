"""A report in one HTML file, which opens without a network."""

import base64
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import qlif
from qlif.cosim.evidence.evidence import Evidence, Status
from qlif.model.exceptions import visible

TEMPLATE = Path(__file__).with_name("report.html")
MOST_ROWS = 500
"""Rows of a table that a browser lays out without a wait; the JSON file has all."""


def html(evidence: Evidence) -> str:
    """Return the report: verdict and what it covers, tables, pictures for a light and a dark page.

    Every text is escaped by the template. Pictures are data URIs of ``<img>``, in which an SVG runs no script, and
    the page's own policy lets it load and run nothing.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, finalize=_shown, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        evidence=evidence,
        verdict="Failed" if not evidence.passed else "Passed" if evidence.checks else "Measured",
        version=qlif.__version__,
        counts={str(status): evidence.count(status) for status in Status if evidence.count(status)},
        pictures=[_picture(path, name) for path, name in _named(evidence.pictures)],
        most=MOST_ROWS,
        is_number=_is_number,
    )


def _named(pictures: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Give pictures with their names: the file's, and if several files have it the folder's too."""
    stems = [path.stem for path in pictures]
    for path in pictures:
        yield path, path.stem if stems.count(path.stem) == 1 else f"{path.parent.name}: {path.stem}"


def _shown(value: Any) -> Any:
    """Return what a value looks like; control characters and line breaks are spelled out."""
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: ""}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.6g}"
    # What the template escaped already is markup of its own.
    return value if hasattr(value, "__html__") else visible(str(value))


def _is_number(value: Any) -> bool:
    """Return whether a cell is aligned as a number."""
    if isinstance(value, bool):
        return False
    return isinstance(value, int | float) or re.fullmatch(r"-?[\d.,]+(e[+-]?\d+)?", str(value)) is not None


def _picture(path: Path, name: str) -> dict[str, str]:
    dark = path.with_name(f"{path.stem}-dark{path.suffix}")
    return {
        "name": name.replace("-", " "),
        "light": _data(path),
        "dark": _data(dark if dark.exists() else path),
    }


def _data(path: Path) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(path.read_bytes()).decode("ascii")
