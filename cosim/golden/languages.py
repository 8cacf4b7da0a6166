"""The languages that the golden model is written in."""

from collections.abc import Iterable
from enum import StrEnum
from typing import assert_never

from qlif.cosim.golden.dpi import dpi_files
from qlif.cosim.golden.systemverilog import SV_FILE, sv_text
from qlif.cosim.golden.vhdl import VHDL_FILE, vhdl_text
from qlif.hdl.core import Core
from qlif.model.exceptions import InputError
from qlif.model.golden.c_source import c_files


class Language(StrEnum):
    """What the golden model can be written in."""

    C = "c"
    """C99 for any number of neurons, and a DPI-C package over it."""
    SV = "sv"
    """A synthesizable function of SystemVerilog."""
    VHDL = "vhdl"
    """A synthesizable function of VHDL-2008."""


def golden_files(core: Core, languages: Iterable[Language]) -> tuple[dict[str, str], list[str]]:
    """Return the files by their names, and what no language of them can hold, in words."""
    files: dict[str, str] = {}
    refused = []
    runtime = [parameter.name for parameter in core.runtime]
    for language in languages:
        try:
            match language:
                case Language.C:
                    files |= c_files(core.words, core.name, runtime)
                    files |= dpi_files(core.words, core.name)
                case Language.SV:
                    files[SV_FILE] = sv_text(core.words, core.name, runtime)
                case Language.VHDL:
                    files[VHDL_FILE] = vhdl_text(core.words, core.name, runtime)
                case _:
                    assert_never(language)
        except InputError as error:
            refused.append(str(error))
    return files, refused
