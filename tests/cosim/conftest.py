"""What the co-simulation tests share."""

import pytest

from qlif.cosim import simulators
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
