"""The words that find: every place of a run, every width and height of columns."""

import numpy as np
import pytest

import nbgrad as ng


@pytest.mark.parametrize("n", [1, 15, 16, 17, 64, 65, 300])
def test_every_place_of_a_run(n):
    a = np.zeros((n, n), "float32")
    np.fill_diagonal(a, 1.0)
    np.testing.assert_array_equal(ng.argmax(a, 1).numpy(), np.arange(n))
    a[np.arange(n) >= n // 2] = np.nan
    np.testing.assert_array_equal(ng.argmax(a, 1).numpy(), np.argmax(a, 1))


@pytest.mark.parametrize("height", [1, 2, 4, 5, 8, 33])
@pytest.mark.parametrize("width", [32, 33, 47, 4100])
def test_columns(height, width):
    a = np.random.default_rng(width).integers(-3, 4, (height, width)).astype("float32")
    np.testing.assert_array_equal(ng.argmax(a, 0).numpy(), a.argmax(0))
    np.testing.assert_array_equal(ng.argmin(a, 0).numpy(), a.argmin(0))
