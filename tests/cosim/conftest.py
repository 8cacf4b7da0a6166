"""What the co-simulation tests share."""

import sys

import pytest

from qlif.cosim import cli, simulators
from qlif.model.errors import InputError


@pytest.fixture(params=simulators.SIMULATORS)
def simulator(request):
    """Each simulator of this machine; one that is missing is a skip with its reason."""
    try:
        return simulators.find(request.param)
    except InputError as error:
        pytest.skip(str(error))


@pytest.fixture
def quick_simulator():
    """The simulator that builds fastest, for tests that aren't about the simulator."""
    for name in reversed(simulators.SIMULATORS):
        try:
            return simulators.find(name)
        except InputError as error:
            reason = str(error)
    pytest.skip(reason)


@pytest.fixture
def qlif(tmp_path, monkeypatch, capsys):
    """Run the command in this process, in an empty directory; return (exit code, output, errors)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["qlif", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return run
