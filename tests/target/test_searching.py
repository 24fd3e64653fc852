"""Binary search."""

import numpy as np
import pytest

from nbgrad.target.searching import before


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("numbers", [[], [2.0], [-1.0, 0.0, 0.0, 0.0, 3.5, np.inf], [1.0, 2.0, np.nan, np.nan], [-np.inf, np.nan]])
def test_places_are_numpy_s(numbers, left):
    a = np.array([9.0, 9.0, *numbers, -9.0])
    for x in (-np.inf, -1.0, 0.0, 0.5, 2.0, 3.5, np.inf, np.nan):
        assert before(a, 2, len(numbers), x, left) == np.searchsorted(numbers, x, "left" if left else "right")
