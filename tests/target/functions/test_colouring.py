"""Colours: columns that share a row never have the same."""

import numpy as np
import pytest
from scipy.sparse import csr_array, diags_array, random_array

from nbgrad.target.functions.colouring import colouring


def check(pattern):
    colours, count = colouring(pattern)
    dense = pattern.toarray() != 0
    assert colours.shape == (pattern.shape[1],)
    assert count == (len(set(colours.tolist())) if colours.size else 0)
    for row in dense:
        inside = colours[row]
        assert len(set(inside.tolist())) == inside.size
    return count


@pytest.mark.parametrize("seed", range(5))
def test_random_patterns(seed):
    random = np.random.default_rng(seed)
    pattern = random_array((int(random.integers(1, 40)), int(random.integers(1, 40))), density=0.1, rng=random)
    assert check(pattern.tocsr()) >= (pattern.toarray() != 0).sum(axis=1).max()


def test_bands_need_as_many_as_they_are_wide():
    assert check(diags_array([1.0] * 5, offsets=range(-2, 3), shape=(50, 50)).tocsr()) == 5


def test_a_full_row_and_empty_ones():
    full = np.zeros((3, 6))
    full[1] = 1.0
    assert check(csr_array(full)) == 6
    assert check(csr_array((4, 5))) == 1
    assert check(csr_array((4, 0))) == 0
    assert check(csr_array((0, 3))) == 1


def test_stored_zeros_count():
    assert check(csr_array(np.ones((1, 2)))) == 2
    assert colouring(csr_array((np.zeros(2), [0, 1], [0, 2]), shape=(1, 2)))[1] == 2
