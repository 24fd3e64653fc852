import numpy as np
import pytest

import nbgrad as ng
from nbgrad import nn


def test_dropout_drops_and_scales_in_training_only(seeded):
    layer = nn.Dropout(0.25)
    x = np.ones((100, 100), "float32")
    out = layer(ng.tensor(x))
    assert out.dtype == np.float32
    assert set(np.unique(out.numpy())) == {np.float32(0.0), np.float32(1 / 0.75)}
    assert abs((out.numpy() == 0).mean() - 0.25) < 0.02
    t = ng.tensor(x)
    assert layer.eval()(t) is t


def test_a_seed_repeats_the_mask(seeded):
    layer, x = nn.Dropout(0.5), ng.ones(50)
    ng.random.seed(1)
    first, second = layer(x).numpy(), layer(x).numpy()
    ng.random.seed(1)
    np.testing.assert_array_equal(layer(x).numpy(), first)
    assert (first != second).any()


def test_the_gradient_passes_where_values_do(seeded):
    x = ng.tensor([np.inf] * 50, requires_grad=True)
    out = nn.Dropout(0.5)(x)
    out.backward(np.ones(50))
    np.testing.assert_array_equal(x.grad.numpy(), np.where(np.isinf(out.detach().numpy()), 2.0, 0.0))
    assert set(out.detach().numpy()) == {0.0, np.inf}


def test_nothing_and_everything():
    np.testing.assert_array_equal(nn.Dropout(1.0)(ng.ones(3)).numpy(), np.zeros(3))
    np.testing.assert_array_equal(nn.Dropout(0.0)(ng.ones(3)).numpy(), np.ones(3))
    with pytest.raises(ng.ArgumentError, match=r"p=1\.5"):
        nn.Dropout(1.5)
