import numpy as np
import pytest

import nbgrad as ng
from nbgrad import nn


def test_embedding_looks_rows_up():
    layer = nn.Embedding(5, 3)
    indices = np.array([[0, 4], [4, 1]])
    np.testing.assert_array_equal(layer(indices).detach().numpy(), layer.weight.numpy()[indices])
    layer(indices).sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy()[:, 0], [1, 1, 0, 0, 2])


def test_an_index_out_of_range():
    with pytest.raises(ng.IndexRangeError, match="5"):
        nn.Embedding(5, 3)(np.array([5]))


def test_initial_values_and_dtype():
    layer = nn.Embedding(5, 3, dtype="float64", init=nn.init.zeros)
    assert layer.weight.dtype == np.float64
    assert not layer.weight.numpy().any()
