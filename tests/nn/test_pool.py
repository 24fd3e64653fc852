import numpy as np
import pytest

import nbgrad as ng
from nbgrad import nn

RNG = np.random.default_rng(5)


def windows(x, kernel, stride, padding, fill):
    """Yield (place, window) over the spatial axes of (n, c, ...)."""
    ndim = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * ndim, constant_values=fill)
    lengths = [(n - kernel) // stride + 1 for n in x.shape[2:]]
    for place in np.ndindex(*lengths):
        yield place, x[(slice(None), slice(None)) + tuple(slice(p * stride, p * stride + kernel) for p in place)]


@pytest.mark.parametrize(("kernel", "stride", "padding"), [(2, None, 0), (3, 2, 1), (3, 1, 0)])
@pytest.mark.parametrize("ndim", [1, 2, 3])
@pytest.mark.parametrize(("kind", "fold", "fill"), [("Max", np.max, -np.inf), ("Avg", np.mean, 0.0)])
def test_pooling_equals_loops(kind, fold, fill, ndim, kernel, stride, padding):
    x = RNG.normal(size=(2, 3, *(7, 6, 5)[:ndim]))
    out = getattr(nn, f"{kind}Pool{ndim}d")(kernel, stride, padding)(ng.tensor(x)).numpy()
    count = 0
    for place, window in windows(x, kernel, stride or kernel, padding, fill):
        np.testing.assert_allclose(
            out[(slice(None), slice(None), *place)], fold(window, axis=tuple(range(2, ndim + 2)))
        )
        count += 1
    assert count == np.prod(out.shape[2:])


@pytest.mark.parametrize("layer", [nn.MaxPool2d(3, 2, 1), nn.AvgPool2d(2), nn.GlobalAvgPool()])
def test_gradients(layer):
    ng.gradcheck(layer, RNG.normal(size=(2, 2, 6, 5)))


def test_global_average():
    x = RNG.normal(size=(2, 3, 4, 5))
    np.testing.assert_allclose(nn.GlobalAvgPool()(ng.tensor(x)).numpy(), x.mean((2, 3)), rtol=1e-13)


def test_options_are_shown_and_checked():
    assert repr(nn.MaxPool2d(3, stride=2)) == "MaxPool2d(3, stride=2, padding=0)"
    with pytest.raises(ng.ArgumentError, match="window"):
        nn.AvgPool2d((2, 2, 2))
