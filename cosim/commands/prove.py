"""``qlif prove``: the exported Verilog is the golden model, for every input."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from qlif.cosim import simulators
from qlif.cosim.commands.options import (
    DEFAULT_NEURONS,
    PRESET_NAMES,
    LanesOption,
    MemoryOption,
    OutOption,
    ParamsOption,
    RegisterOption,
    progress_bar,
    with_depths,
)
from qlif.cosim.configuration import Configuration, Settings
from qlif.cosim.proof.claims import Claim
from qlif.cosim.proof.counterexample import lines, replay
from qlif.cosim.proof.foreign import foreign_tasks
from qlif.cosim.proof.prove import SECONDS
from qlif.cosim.proof.tasks import Task, tasks
from qlif.model.errors import InputError
from qlif.model.files import write_text
from qlif.model.presets import PRESETS
