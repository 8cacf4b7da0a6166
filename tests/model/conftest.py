"""What the tests of the model share."""

import pytest

from qlif.model.arithmetic import Arithmetic, Form
from qlif.model.formats import SQ, UQ


@pytest.fixture
def coarse_arithmetic():
    """Makes an arithmetic of so few bits that ties and both ends of the range are met again and again."""
    return _coarse_arithmetic


def _coarse_arithmetic(form, currents, rounding, overflow, **others):
    return Arithmetic(
        form=form,
        potential=SQ(7, 0) if form is Form.FACTORED else SQ(5, 1),
        current=SQ(6, -1),
        trace=UQ(1, 3),
        rounding=rounding,
        overflow=overflow,
        trace_overflow=overflow,
        currents=currents,
        coefficient_bits=3,
        **others,
    )
