"""What the proofs of somebody else's cores share."""

import tomllib

import pytest

from qlif.cosim.configuration import Settings
from qlif.cosim.mapping.mapped import mapped_export
from qlif.cosim.mapping.read import read_map
from qlif.cosim.proof.foreign_update import prove_state


@pytest.fixture
def prove_core(tmp_path, yosys):
    """Prove a core, given its text and map, from the table of its registers; return the claims by their name."""

    def proved(verilog, core_map):
        (source,) = tomllib.loads(core_map)["sources"]
        (tmp_path / source).write_text(verilog)
        (tmp_path / "core.toml").write_text(core_map)
        found = read_map(tmp_path / "core.toml")
        export, _ = mapped_export(found, Settings.read("tiny-8").population(found.neurons))
        claims = prove_state(export, found.state.with_adapter(found), seconds=60)
        return {claim.claim: claim for claim in claims}

    return proved


@pytest.fixture
def all_proved():
    """Assert that no claim is refuted or unknown, and that some are among them."""

    def check(claims, *names):
        assert [claim for claim in claims.values() if claim.result != "proved"] == []
        assert set(names) <= claims.keys()

    return check
