"""What is refused of linear algebra, and what the types of its results are."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import GradientError
from nbgrad.ad.lower import lower
from nbgrad.ad.statements import Array, Scalar
from tests.ad.made import function, number, of
from tests.ad.plain import close, plain

A, V = np.array([[2.0, 1.0], [0.5, 3.0]]), np.array([1.0, -2.0])


@pytest.mark.parametrize(
    ("expression", "kind"),
    [("a @ b", Array("float64", 1)), ("b @ b", Scalar("float64")), ("np.linalg.inv(a)", Array("float64", 2, "F")),
     ("np.linalg.det(a)", Scalar("float64")), ("np.argsort(b)", Array("int64", 1)), ("np.linalg.eigvalsh(a)", Array("float64", 1))],
)  # fmt: skip
def test_types_of_results(expression, kind):
    f = lower(number(expression, "a", "b"), (Array("float64", 2), Array("float64", 1)))
    assert f.results.type == kind


@pytest.mark.parametrize(
    ("expression", "what"),
    [("np.sum(a @ np.array((1, 2)))", "int64"), ("np.sum(np.argsort(a))", "np.argsort of a matrix"), ("np.linalg.det(b)", "np.linalg.det of an array of 1"),
     ("np.sum(a @ b.astype(np.float32))", "float64 and float32"), ("np.linalg.norm(a, -2)", "ord=-2")],
)  # fmt: skip
def test_what_is_refused(expression, what):
    with pytest.raises(GradientError, match=what):
        plain(ng.grad(number(expression, "a", "b")), A, V)


def test_shapes_that_do_not_fit_are_found_when_it_runs():
    with pytest.raises(ValueError, match="shapes do not fit"):
        plain(ng.grad(of("a @ b", "a", "b")), A, np.ones(3))


def test_the_sign_of_a_determinant_is_flat():
    f = function("def f(a):\n    sign, log = np.linalg.slogdet(a)\n    return sign * log\n", "f")
    a = A[::-1].copy()
    assert close(plain(ng.grad(f), a), np.linalg.slogdet(a)[0] * np.linalg.inv(a).T)
