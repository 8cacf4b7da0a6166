"""`Board`: which device it carries, and what its pins are connected to."""

from collections.abc import Mapping
from dataclasses import dataclass

from qlif.hdl.target import RoutedTarget


@dataclass(frozen=True, kw_only=True)
class Board:
    """A board with an FPGA, a clock, three LEDs, and a UART to the host.

    Attributes
    ----------
    name : str
    title : str
        As its maker calls it.
    target : RoutedTarget
    package : str
        The device's.
    clock_hz : int
        Frequency at its pin ``clk``; the whole design runs at it.
    baud : int
        Of the UART: `clock_hz` divided by a whole number.
    pins : mapping of str to str
        The package's pin of each of the design's: ``clk``, ``rx`` (from the host), ``tx``, ``led_running``,
        ``led_passed``, ``led_failed``.
    lit_by_low : frozenset of str
        Which of the LEDs ``running``, ``passed`` and ``failed`` are on while their pin is low.
    preset : str
        What is built if nothing else is asked for.
    loader : str
        The board, or what serves for it, in openFPGALoader.
    """

    name: str
    title: str
    target: RoutedTarget
    package: str
    clock_hz: int
    baud: int
    pins: Mapping[str, str]
    lit_by_low: frozenset[str] = frozenset()
    preset: str
    loader: str

    @property
    def divisor(self) -> int:
        """Clocks per bit of the UART."""
        return self.clock_hz // self.baud
