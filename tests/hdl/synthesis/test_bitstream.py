"""A bitstream is read back."""

import pytest

from qlif.hdl.synthesis import bitstream, yowasp
from qlif.hdl.synthesis.netlist import SynthesisError
from qlif.hdl.targets.catalogue import TARGETS


@pytest.mark.parametrize("name", ["ecp5", "up5k"])
def test_a_bitstream_that_changes_when_it_is_read_back_is_refused(name, tmp_path, monkeypatch):
    device = TARGETS[name]
    packer = device.packer
    packed, spoils = f"board.{packer.ending}", False

    def call(module, tool, arguments, directory):
        source, made = (directory / file for file in arguments[-2:])
        assert module == device.router and tool in (packer.tool, packer.unpacker)
        made.write_bytes(source.read_bytes() + (b"!" if spoils and tool == packer.tool else b""))

    monkeypatch.setattr(yowasp, "call", call)
    (tmp_path / packed).write_bytes(b"bits")
    assert bitstream.read_back(device, tmp_path, packed).read_bytes() == b"bits"
    spoils = True
    with pytest.raises(SynthesisError, match=f"{packed}, unpacked and packed again, has other bytes"):
        bitstream.read_back(device, tmp_path, packed)
