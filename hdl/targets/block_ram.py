"""The models of block RAMs that stand on a common one."""

from pathlib import Path


def block_rams(file: str, *cells: str) -> dict[str, Path]:
    """Return cells with the file that has their models, and the module that these are made of with its own."""
    here = Path(__file__)
    return {"qlif_block_ram": here.with_name("block_ram.v"), **dict.fromkeys(cells, here.with_name(file))}
