"""``qlif study``: how many bits, which rounding, and what it costs."""

from collections.abc import Callable

import typer

from qlif.cosim.commands.study_optimize import optimize
from qlif.cosim.commands.study_reproduce import reproduce
from qlif.cosim.commands.study_sweep import sweep

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_EXAMPLES: dict[Callable[..., None], str] = {
    sweep: "study sweep --word-bits 8..18 --rounding RND,SR --rounding-seed 1..5 --out build/sweep",
    optimize: "study optimize --max-lag-steps 1 --out build/optimize",
    reproduce: "study reproduce isi --out build/isi",
}

for _function, _example in _EXAMPLES.items():
    app.command(epilog=f"Example: qlif {_example}")(_function)
