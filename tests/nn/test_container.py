import copy
import pickle

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import nn


def test_sequential_calls_layers_in_order():
    model = nn.Sequential(lambda x: x + 1.0, lambda x: x * 3.0)
    assert model(ng.tensor([1.0])).item() == 6.0
    assert len(model) == 2
    assert len(list(model)) == 2
    assert model[:1](ng.tensor([1.0])).item() == 2.0
    assert nn.Sequential()(3) == 3


def test_names_of_layers():
    model = nn.Sequential(nn.Linear(2, 3), ng.relu, nn.Sequential(nn.Linear(3, 1, bias=False)))
    assert list(model.parameters()) == ["layers.0.weight", "layers.0.bias", "layers.2.layers.0.weight"]


def test_layers_that_are_ops_can_be_pickled_and_copied():
    model = nn.Sequential(nn.Linear(2, 3), ng.relu, ng.gelu)
    x = np.ones((1, 2), "float32")
    for other in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert other[1] is ng.relu
        np.testing.assert_array_equal(other(x).detach().numpy(), model(x).detach().numpy())


def test_a_list_is_no_layer():
    with pytest.raises(ng.ArgumentError, match="list is no layer"):
        nn.Sequential([nn.Linear(2, 2)])


def test_flatten():
    x = np.arange(24.0).reshape(2, 3, 4)
    np.testing.assert_array_equal(nn.Flatten()(ng.tensor(x)).numpy(), x.reshape(2, 12))
    np.testing.assert_array_equal(nn.Flatten(0)(ng.tensor(x)).numpy(), x.ravel())
    assert nn.Flatten()(ng.zeros((0, 3, 4))).shape == (0, 12)
