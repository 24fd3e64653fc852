"""NumPy's functions that are one of several loops, by what they are given."""

import numpy as np
import pytest

import nbgrad as ng
from tests.ad.made import agrees, function, of
from tests.ad.plain import plain
from tests.ad.zoo import values

X = values(5)
FORMS = ["np.interp(x, np.arange(4), np.arange(4) * x[0])", "np.interp(x[0], np.arange(4), x[:4]) * x", "np.quantile(x, 0.3) * x",
         "np.percentile(x, 40.0) * x", "np.trapezoid(x) * x", "np.average(x) * x"]  # fmt: skip


@pytest.mark.parametrize("expression", [e for e in FORMS if "trapezoid" not in e or hasattr(np, "trapezoid")])
def test_values_and_gradients(expression):
    agrees(ng.value_and_grad, of(expression, "x"), (X,), (0,), rtol=1e-5)


def test_weights_have_gradients():
    f = function("def f(x, w):\n    return np.average(x, weights=w)\n", "f")
    w = values(5, seed=3)
    g_x, g_w = plain(ng.grad(f, (0, 1)), X, w)
    np.testing.assert_allclose(g_x, w / w.sum())
    np.testing.assert_allclose(g_w, (X - (X * w).sum() / w.sum()) / w.sum())
