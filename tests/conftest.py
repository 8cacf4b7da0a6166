"""What every test may say of itself."""

import pytest


@pytest.hookimpl(tryfirst=True)  # before those that `-m` leaves out are left out
def pytest_collection_modifyitems(items):
    """Mark as slow what comes after the first few cases of a test with ``slow_beyond``."""
    cases = {}
    for item in items:
        few = item.get_closest_marker("slow_beyond")
        if few is None or item.get_closest_marker("slow"):
            continue
        test = (item.parent, item.function)
        cases[test] = cases.get(test, 0) + 1
        if cases[test] > few.args[0]:
            item.add_marker(pytest.mark.slow)
