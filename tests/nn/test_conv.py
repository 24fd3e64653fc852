import itertools

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import nn

RNG = np.random.default_rng(4)


def correlate(x, weight, bias, stride, padding, dilation, groups):
    """Return the convolution by loops over output positions."""
    ndim = x.ndim - 2
    x = np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * ndim)
    kernel = weight.shape[2:]
    lengths = [(n - dilation * (k - 1) - 1) // stride + 1 for n, k in zip(x.shape[2:], kernel)]
    out = np.zeros((x.shape[0], weight.shape[0], *lengths))
    n_in, n_out = x.shape[1] // groups, weight.shape[0] // groups
    for g, place in itertools.product(range(groups), np.ndindex(*lengths)):
        window = x[
            (slice(None), slice(g * n_in, (g + 1) * n_in))
            + tuple(slice(p * stride, p * stride + dilation * (k - 1) + 1, dilation) for p, k in zip(place, kernel))
        ]
        part = weight[g * n_out : (g + 1) * n_out]
        value = np.tensordot(window, part, (list(range(1, ndim + 2)), list(range(1, ndim + 2))))
        out[(slice(None), slice(g * n_out, (g + 1) * n_out), *place)] = value
    return out + bias.reshape((-1,) + (1,) * ndim)


@pytest.mark.parametrize(
    ("stride", "padding", "dilation", "groups"), [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 2, 2), (2, 1, 1, 4)]
)
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_convolution_equals_loops(ndim, stride, padding, dilation, groups):
    layer = getattr(nn, f"Conv{ndim}d")(4, 8, 3, stride, padding, dilation, groups, dtype="float64")
    x = RNG.normal(size=(2, 4, *(6, 7, 5)[:ndim]))
    weight, bias = layer.weight.numpy(), layer.bias.numpy()
    assert weight.shape == (8, 4 // groups, *(3,) * ndim)
    expected = correlate(x, weight, bias, stride, padding, dilation, groups)
    np.testing.assert_allclose(layer(ng.tensor(x)).detach().numpy(), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("stride", "padding", "output_padding", "groups"), [(1, 0, 0, 1), (2, 1, 1, 2)])
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_transposed_convolution_is_the_adjoint(ndim, stride, padding, output_padding, groups):
    layer = getattr(nn, f"ConvTranspose{ndim}d")(
        4, 6, 3, stride, padding, output_padding, groups=groups, bias=False, dtype="float64"
    )
    x = RNG.normal(size=(2, 4, *(4, 3, 2)[:ndim]))
    out = layer(ng.tensor(x)).detach().numpy()
    assert out.shape[2:] == tuple((n - 1) * stride - 2 * padding + 2 + output_padding + 1 for n in x.shape[2:])
    y = RNG.normal(size=out.shape)
    back = correlate(y, layer.weight.numpy(), np.zeros(4), stride, padding, 1, groups)
    np.testing.assert_allclose((out * y).sum(), (back * x).sum(), rtol=1e-10)


@pytest.mark.parametrize(
    "layer", [nn.Conv2d(2, 2, (3, 2), 2, 1, dtype="float64"), nn.ConvTranspose2d(2, 2, (3, 2), 2, dtype="float64")]
)
def test_gradients(layer):
    ng.gradcheck(lambda p, x: layer.apply(p, x), layer.parameters(), RNG.normal(size=(2, 2, 5, 4)))


def test_options_are_shown():
    assert repr(nn.Conv2d(3, 8, (3, 5), padding=1, groups=1, bias=False)).startswith(
        "Conv2d(3, 8, window=(3, 5), padding=1)"
    )


def test_wrong_options():
    with pytest.raises(ng.ArgumentError, match="groups=2"):
        nn.Conv2d(3, 8, 3, groups=2)
    with pytest.raises(ng.ArgumentError, match="stride"):
        nn.Conv2d(3, 8, 3, stride=(1, 2, 3))


def test_float32_stays_float32():
    assert nn.Conv1d(2, 3, 3)(ng.ones((1, 2, 5), dtype="float32")).dtype == np.float32
