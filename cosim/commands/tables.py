"""The table that several commands print."""

from qlif.cosim.terminal import Terminal
from qlif.model.words import ExactValue


def print_exact_values(terminal: Terminal, report: tuple[ExactValue, ...]) -> None:
    """Print the exact value of each parameter after rounding."""
    rows = []
    for line in report:
        word = line.stored.rpartition(" = ")[2].replace(" in ", " ")
        asked, exact = f"{line.asked:.8g}", f"{line.exact:.9g}"
        rows.append((line.name, asked, exact, line.unit, f"{line.relative_error:.0e}", word))
    terminal.table(
        ("parameter", "asked for", "exact", "unit", "error", "word"),
        rows,
        "Parameters as the hardware has them",
        align="lrrlrl",
        wrap=False,
    )
