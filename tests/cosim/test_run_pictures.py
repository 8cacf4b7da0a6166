"""What the figures of a run show."""

import numpy as np

from qlif.cosim.run_pictures import representative


def test_the_neurons_that_are_shown_have_the_lowest_the_median_and_the_highest_input():
    currents = np.array([[5.0, 1.0, 9.0, 3.0, 7.0], [5.0, 1.0, 9.0, 3.0, 7.0]])
    assert representative(currents, 3) == [1, 0, 2]
    assert representative(currents[:, :2], 3) == [1, 0]
    assert representative(np.zeros((4, 5)), 3) == [0, 2, 4]
