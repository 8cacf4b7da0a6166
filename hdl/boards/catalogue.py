"""The boards: a new one is a file beside this one, and a line in :data:`BOARDS`."""

from types import MappingProxyType

from qlif.hdl.boards.board import Board
from qlif.hdl.boards.icebreaker import ICEBREAKER
from qlif.hdl.boards.ulx3s import ULX3S
from qlif.model.exceptions import InputError, unknown_name

BOARDS = MappingProxyType({board.name: board for board in (ULX3S, ICEBREAKER)})
"""Every board, by its name."""


def board(name: str) -> Board:
    """Return the board of a name.

    Raises
    ------
    InputError
        There is none; the text names the nearest one.
    """
    if name not in BOARDS:
        raise InputError(unknown_name("board", name, BOARDS))
    return BOARDS[name]
