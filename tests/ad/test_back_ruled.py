"""The way back through functions with a rule: its text is the backward of the user."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import GradientError
from tests.ad.made import function
from tests.ad.plain import close, plain, text

X = np.array([0.5, -2.0])


def ruled(backward):
    f = ng.custom_vjp(function("def squares(x):\n    return x * x\n", "squares"))
    forward = function("def forward(x):\n    return x * x, x * 2.0\n", "forward")
    f.defvjp(forward, function(backward, "backward"))
    return function("def f(x):\n    return np.sum(squares(x))\n", "f", {"squares": f})


def test_the_backward_is_used():
    f = ruled("def backward(slope, g):\n    return np.cos(slope) * g\n")
    assert "cos" in text(ng.grad(f), X)
    assert close(plain(ng.grad(f), X), np.cos(2.0 * X))


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(GradientError, match="not like its argument"):
        plain(ng.grad(ruled("def backward(slope, g):\n    return (g[0],)\n")), X)
    with pytest.raises(ValueError, match="shapes do not fit"):
        plain(ng.grad(ruled("def backward(slope, g):\n    return (g[:1] * 1.0,)\n")), X)


def test_none_stands_for_zero():
    assert close(plain(ng.grad(ruled("def backward(slope, g):\n    return (None,)\n")), X), np.zeros(2))
