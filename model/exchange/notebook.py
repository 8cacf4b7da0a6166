"""In a notebook: what a recording is and who spiked when, and how far something is that takes long."""

import base64
import html
import importlib
import io
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qlif.model.plots.figures import DARK, LIGHT, Theme, raster_figure
from qlif.model.support.progress import Progress, unwatched

if TYPE_CHECKING:
    from qlif.model.recording import Recording

_MOST_NEURONS, _MOST_UPDATES = 100, 500_000
"""So much is drawn; of more, the first."""

_DPI = 100

_PAUSE_S = 0.1
"""Between two updates of a bar, so that they don't hold up what they tell of."""


def as_html(recording: "Recording") -> str:
    """Return a table of facts with a raster, for light and dark pages."""
    rows = "".join(
        f"<tr><td>{html.escape(name)}</td><td>{html.escape(value)}</td></tr>"
        for name, value in recording.facts().items()
    )
    note = ", ".join(_left_out(recording))
    caption = f"<div>The picture shows {html.escape(note)}.</div>" if note else ""
    return f"<table>{rows}</table>{_picture(recording)}{caption}"


def _left_out(recording: "Recording") -> list[str]:
    neurons, timesteps = _shown(recording)
    found = []
    if neurons < recording.neurons:
        found.append(f"the first {neurons} neurons")
    if timesteps < recording.timesteps:
        found.append(f"the first {timesteps * recording.dt:g} ms")
    return found


def _shown(recording: "Recording") -> tuple[int, int]:
    neurons = min(recording.neurons, _MOST_NEURONS)
    return neurons, min(recording.timesteps, _MOST_UPDATES // neurons)


def _picture(recording: "Recording") -> str:
    neurons, timesteps = _shown(recording)
    spikes = recording.spikes[:timesteps].reshape(timesteps, -1)[:, :neurons]

    def drawn(theme: Theme) -> str:
        figure = raster_figure({"spikes": spikes}, dt=recording.dt, theme=theme)
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=_DPI)
        return f"data:image/png;base64,{base64.b64encode(image.getvalue()).decode()}"

    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{drawn(DARK)}">'
        f'<img alt="Spikes over time, and the mean rate" width="800" src="{drawn(LIGHT)}"></picture>'
    )


@dataclass(frozen=True)
class Bar:
    """How far something is."""

    what: str
    fraction: float

    def _repr_html_(self) -> str:
        return f'<progress max="1" value="{self.fraction:.4f}"></progress> {html.escape(self.what)}'

    def __repr__(self) -> str:
        """Return it in words, for what shows no HTML."""
        return f"{100 * self.fraction:.0f} % {self.what}"


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Show a progress bar in a notebook; yield the function that tells it how far something is.

    That is what :func:`qlif.model.studies.run.run_sweep` and others take as `progress`. Elsewhere nothing is shown.
    """
    ipython = sys.modules.get("IPython")  # which every notebook has imported
    if ipython is None or not hasattr(ipython.get_ipython(), "kernel"):
        yield unwatched
        return
    handle = importlib.import_module("IPython.display").display(Bar("", 0.0), display_id=True)
    shown = time.monotonic()

    def tell(what: str, fraction: float) -> None:
        nonlocal shown
        now = time.monotonic()
        if fraction >= 1 or now - shown >= _PAUSE_S:
            handle.update(Bar(what, fraction))
            shown = now

    yield tell
