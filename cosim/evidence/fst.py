"""VCD waves as FST, which is a fifteenth of their size."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qlif.model.support.files import whole_file


def write_fst(vcd: Path, fst: Path) -> None:
    """Write the waves of a VCD file of Verilator or Icarus as FST.

    Raises
    ------
    ImportError
        The library pylibfst isn't installed.
    """
    from pylibfst import ffi, lib

    with vcd.open(encoding="latin-1") as lines, whole_file(fst) as temporary:
        writer = lib.fstWriterCreate(os.fsencode(temporary), 1)
        try:
            handles = _declare(lines, writer, lib, ffi)
            for line in lines:
                kind, rest = line[0], line[1:].rstrip()
                if kind == "#":
                    lib.fstWriterEmitTimeChange(writer, int(rest))
                elif kind in "br":
                    value, identifier = rest.split()
                    handle, width = handles[identifier]
                    lib.fstWriterEmitValueChange(writer, handle, _encoded(kind, value, width, ffi))
                elif kind in "01xz":
                    lib.fstWriterEmitValueChange(writer, handles[rest][0], kind.encode())
        finally:
            lib.fstWriterClose(writer)


def _declare(lines: Iterable[str], writer: Any, lib: Any, ffi: Any) -> dict[str, tuple[int, int]]:
    """Declare what a header declares; return handle and width of each identifier."""
    handles: dict[str, tuple[int, int]] = {}
    text = ""
    for line in lines:
        text += line
        if not line.rstrip().endswith("$end"):
            continue
        words, text = text.split()[:-1], ""
        match words:
            case ["$timescale", *unit]:
                lib.fstWriterSetTimescaleFromString(writer, "".join(unit).encode())
            case ["$scope", _, name]:
                lib.fstWriterSetScope(writer, lib.FST_ST_VCD_MODULE, name.encode(), ffi.NULL)
            case ["$upscope"]:
                lib.fstWriterSetUpscope(writer)
            case ["$var", kind, width, identifier, *name]:
                sort = {"real": lib.FST_VT_VCD_REAL, "reg": lib.FST_VT_VCD_REG}.get(kind, lib.FST_VT_VCD_WIRE)
                same = handles.get(identifier, (0, 0))[0]
                full = " ".join(name).encode()
                handle = lib.fstWriterCreateVar(writer, sort, lib.FST_VD_IMPLICIT, int(width), full, same)
                handles[identifier] = (handle, int(width))
            case ["$enddefinitions"]:
                break
    return handles


def _encoded(kind: str, value: str, width: int, ffi: Any) -> Any:
    """Return a value as the writer takes it: a double, or as many characters as there are bits."""
    if kind == "r":
        return ffi.new("double *", float(value))
    return value.rjust(width, value[0] if value[0] in "xz" else "0").encode()
