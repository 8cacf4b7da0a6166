"""What each package says is public is there, and is what the type checker sees."""

import importlib
import pkgutil
import subprocess
import sys

import pytest

PACKAGES = ("qlif", "qlif.model", "qlif.hdl", "qlif.cosim", "qlif.cosim.agents")


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_is_there(name):
    package = importlib.import_module(name)
    for public in package.__all__:
        assert getattr(package, public) is not None
        # A module of that name would take its place as soon as anything imports it.
        assert public not in {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert set(package.__all__) == set(dir(package))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_a_package_costs_nothing_until_a_name_is_used():
    heavy = ("amaranth", "cocotb", "matplotlib", "bitwuzla")
    code = f"import sys, qlif.hdl, qlif.cosim; print([m for m in {heavy!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
