"""iCEBreaker: its own two LEDs, and the red one of the part that breaks off."""

from qlif.hdl.boards.board import Board
from qlif.hdl.targets.up5k import UP5K

ICEBREAKER = Board(
    name="icebreaker",
    title="iCEBreaker",
    target=UP5K,
    package="sg48",
    clock_hz=12_000_000,
    baud=1_000_000,
    pins={
        "clk": "35",
        "rx": "6",
        "tx": "9",
        "led_running": "26",
        "led_passed": "37",
        "led_failed": "11",
    },
    lit_by_low=frozenset({"passed", "failed"}),
    preset="square-16",
    loader="ice40_generic",
)
