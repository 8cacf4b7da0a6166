"""How a recording shows itself in a notebook: what it is, and who spiked when."""

import base64
import html
import io
from typing import TYPE_CHECKING

from qlif.model.plots.figures import DARK, LIGHT, Theme, raster_figure

if TYPE_CHECKING:
    from qlif.model.recording import Recording

_MOST_NEURONS, _MOST_UPDATES = 100, 500_000
"""So much is drawn; of more, the first."""

_DPI = 100


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
