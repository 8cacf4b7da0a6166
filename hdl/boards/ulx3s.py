"""ULX3S with the LFE5U-85F."""

from qlif.hdl.boards.board import Board
from qlif.hdl.targets.ecp5 import ECP5

ULX3S = Board(
    name="ulx3s",
    title="ULX3S-85F",
    target=ECP5,
    package="CABGA381",
    clock_hz=25_000_000,
    baud=1_000_000,
    pins={
        "clk": "G2",
        "rx": "M1",
        "tx": "L4",
        "led_running": "B2",
        "led_passed": "C2",
        "led_failed": "C1",
    },
    preset="square-18",
    loader="ulx3s",
)
