"""Options that the commands of a board share."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from qlif.cosim.commands.options import DEFAULT_NEURONS, NeuronOptions, NeuronsOption, StorageOptions

if TYPE_CHECKING:
    from qlif.cosim.configuration import Settings
    from qlif.hdl.board.top import BoardDesign
    from qlif.hdl.boards.board import Board

BoardOption = Annotated[str, typer.Option("--board", help="One of {boards}.")]
DEFAULT_BOARD = "ulx3s"


@dataclass(frozen=True, kw_only=True)
class BoardOptions:
    """Which board."""

    board: BoardOption = DEFAULT_BOARD

    def chosen(self) -> "Board":
        """Return the board; InputError if there is none of that name."""
        from qlif.hdl.boards.catalogue import board

        return board(self.board)

    def settings(self, neuron: NeuronOptions, storage: StorageOptions) -> "Settings":
        """Return what is built: the board's preset, if no other is named."""
        is_open = neuron.preset is None and neuron.params is None
        return storage.of(neuron.settings(self.chosen().preset if is_open else None))


@dataclass(frozen=True, kw_only=True)
class DesignOptions(BoardOptions):
    """Which board, and how many neurons are on it."""

    neurons: NeuronsOption = DEFAULT_NEURONS

    def design(self, neuron: NeuronOptions, storage: StorageOptions) -> "BoardDesign":
        """Return the design; InputError if the population doesn't fit the board."""
        from qlif.hdl.board.top import board_design
        from qlif.hdl.synthesis.fit import check_fit

        # With all the registers of its cells, so that the tools time them as they are.
        board = self.chosen()
        core = (
            self.settings(neuron, storage).population(self.neurons).core(storage.lanes, board.target.explicit)
        )
        check_fit(core, board.target, "--board")
        return board_design(core, board)
