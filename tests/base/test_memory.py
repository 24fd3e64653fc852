"""Where arrays lie."""

import numpy as np
import pytest

from nbgrad.base.memory import owner, reach


def test_views_lead_back_to_the_owner():
    a = np.zeros((4, 6))
    for view in (a, a[1:], a.T[::-1], np.lib.stride_tricks.as_strided(a, (3,), (8,)), a.reshape(-1)[::2].reshape(3, 4)):
        assert owner(view) is a


@pytest.mark.parametrize("view", [np.s_[:], np.s_[::-1, ::2], np.s_[1:2, ::-1], np.s_[0:0]])
def test_the_reach_of_strides_is_that_of_the_addresses(view):
    a = np.zeros((4, 6))[view]
    low, high = reach(a)
    start, bounds = a.__array_interface__["data"][0], np.lib.array_utils.byte_bounds(a) if a.size else (0, 0)
    assert (low, high) == ((0, 0) if not a.size else tuple((b - start) // 8 for b in bounds))
