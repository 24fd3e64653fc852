"""Elements, views and whole-array expressions: values and gradients."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError
from tests.ad.made import agrees, function, of
from tests.ad.plain import plain
from tests.ad.zoo import values

X, M = values(5), values(3, 4)
OF_VECTOR = ["x[1:4]", "x[::2]", "x[::-1]", "x[-3:]", "x[:-1] * x[1:]", "x[np.newaxis, :] * x[:, np.newaxis]", "x[...] + 1.0", "x[1:3][0] * x", "x[:1] * x",
             "x + x[2]", "2.0 - x", "-x / x[0]", "x ** 2 + x ** x", "np.where(x > 1.0, x, 2.0 * x)", "x[np.array([0, 3, 3])]", "x * (x > 1.0)", "np.sin(x)[1:] + np.cos(x[:4])"]  # fmt: skip
OF_MATRIX = ["m[1]", "m[:, 1]", "m[1:, ::2]", "m[-1, -2] * m", "m.T", "m * m[0]", "m - m[:, 2:3]", "m[..., 0]", "m[1:2] * m[:, 1:2]", "m[np.array([2, 0])]", "m.ravel()[2:9]", "m[0, 1:] * m[1, :3]"]  # fmt: skip


@pytest.mark.parametrize("expression", OF_VECTOR)
def test_vectors(expression):
    agrees(ng.value_and_grad, of(expression, "x"), (X,), (0,))


@pytest.mark.parametrize("expression", OF_MATRIX)
def test_matrices(expression):
    for m in (M, np.asfortranarray(M), np.repeat(M, 2, 1)[:, ::2]):
        agrees(ng.value_and_grad, of(expression, "m"), (m,), (0,))


WRITES = ["x[1:3] = 2.0 * y", "x[:] = y", "x += y", "x[::2] *= y", "x[1:] = x[:-1] * y", "x[:-1] += x[1:]", "x[0] = x[1] * y", "x[-1] /= y", "x[1] -= x[2] * y", "x **= 2",
          "x[:] = x[::-1]", "x[2] %= y", "v = x[1:]\n    v[0] *= y\n    x[1] += v[1]", "v = x.reshape((5, 1))\n    v[2, 0] = y"]  # fmt: skip


@pytest.mark.parametrize("write", WRITES)
def test_writing(write):
    f = function(f"def f(x, y):\n    {write}\n    return np.sum(x * x * x) * y\n", "f")
    agrees(ng.value_and_grad, f, (X, 1.3), (0, 1))


def test_extents_that_do_not_fit_are_an_error():
    f = function("def f(x, y):\n    return np.sum(x * y)\n", "f")
    with pytest.raises(ValueError, match="shapes"):
        plain(ng.grad(f), X, X[:3].copy())


@pytest.mark.parametrize(("expression", "says"), [("x[1.5]", "index"), ("x[0, 0, 0]", "ind"), ("x.nothing", "not supported"), ("x.tolist()", "not supported"), ("x and x", "truth")])
def test_what_is_refused(expression, says):
    with pytest.raises(GradientError, match=says):
        plain(ng.grad(of(expression, "x")), X)


def test_captured_arrays_are_constants():
    table = np.array([0.5, 1.5, 2.5, 3.5, 4.5])
    f = function("def f(x):\n    return np.sum(x * table)\n", "f", {"table": table})
    np.testing.assert_array_equal(plain(ng.grad(f), X), table)
    large = function("def f(x):\n    return np.sum(x * table)\n", "f", {"table": np.ones(5000)})
    with pytest.raises(GradientError, match="too large for a constant"):
        plain(ng.grad(large), X)
