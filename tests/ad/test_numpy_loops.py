"""NumPy's functions of arrays, inside derivatives: values against NumPy, gradients against finite differences."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import GradientError
from tests.ad.made import agrees, function, number, of
from tests.ad.plain import close, plain

rng = np.random.default_rng(3)
V, U, X = rng.normal(size=4), rng.normal(size=4), rng.normal(size=6)
M, N = rng.normal(size=(3, 4)), rng.normal(size=(2, 3))
T = rng.normal(size=(2, 3, 2))
GAPS = np.array([0.3, np.nan, -1.2, 2.0])
STEPS = np.array([-1.0, 0.0, 0.7, 2.0])

ARRAYS = [
    ("np.cumsum(a)", V), ("np.cumprod(a)", V), ("np.diff(a)", V), ("np.diff(a, 2)", X), ("np.diff(a)", M), ("np.sort(a)", V),
    ("a[np.argsort(a)]", V), ("np.roll(a, 2)", V), ("np.roll(a, -1)", V), ("np.repeat(a, 3)", V), ("np.diag(a)", V),
    ("np.diag(a, -1)", V), ("np.diag(a)", M), ("np.diag(a, 1)", M), ("np.tril(a)", M), ("np.triu(a, 1)", M),
    ("np.maximum(a, 0.1)", M), ("np.outer(a, a[:2])", V), ("np.kron(a, a)", V), ("np.kron(a, a[:2, :2])", M),
    ("np.convolve(a, a[:2])", X), ("np.correlate(a, a[:2])", X), ("np.cross(a[:3], a[1:])", V),
    ("np.interp(a, np.array([-2.0, -0.4, 0.6, 2.0]), np.array([1.0, 3.0, -1.0, 0.5]))", V), ("np.take(a, np.array([0, 2, 2]))", V),
    ("np.quantile(a, np.array([0.2, 0.7]))", V), ("a[::-1][1:]", V), ("np.exp(a) / np.sum(np.exp(a))", V), ("np.hypot(a, 2.0)", V),
    ("np.logaddexp(a, 0.3)", V),
]  # fmt: skip

NUMBERS = [
    ("np.ptp(a)", V), ("a[np.argmax(a)] * a[np.argmin(a)]", V), ("a.ptp()", V), ("np.trace(a)", M), ("np.trace(a, 1)", M),
    ("np.median(a)", V), ("np.median(a)", X[:5]), ("np.percentile(a, 30.0)", V), ("np.quantile(a, 0.8)", V), ("np.average(a)", V),
    ("np.average(a, None, a * a)", V), ("np.trapezoid(a)", V), ("np.trapezoid(a, np.cumsum(a * a))", V),
    ("np.interp(0.3, a, a * a)", STEPS), ("np.nansum(a)", GAPS), ("np.nanmean(a)", GAPS), ("np.nanvar(a)", GAPS),
    ("np.nanstd(a)", GAPS), ("np.nanprod(a)", GAPS), ("np.nanmax(a) * np.nanmin(a)", GAPS), ("a[0] if np.any(a > 1.5) else a[1]", V),
    ("a[0] if np.all(a < 9.0) else a[1]", V), ("np.count_nonzero(a) * a[0]", V), ("a[np.searchsorted(a, 0.5)] * 2.0", STEPS),
    ("a[np.searchsorted(a, 0.1, 'right')]", STEPS), ("np.dot(a, np.cumsum(a))", V), ("np.sum(a[a.shape[0] // 2:])", V),
]  # fmt: skip


def ids(cases):
    return [f"{e}-{a.ndim}d" for e, a in cases]


@pytest.mark.parametrize(("expression", "a"), ARRAYS, ids=ids(ARRAYS))
def test_arrays(expression, a):
    agrees(ng.value_and_grad, of(expression, "a"), (a,), (0,), 1e-5, 1e-6)


@pytest.mark.parametrize(("expression", "a"), NUMBERS, ids=ids(NUMBERS))
def test_numbers(expression, a):
    if ".ptp()" in expression:
        found, expected = (plain(ng.grad(number(e, "a")), a) for e in (expression, "np.ptp(a)"))
        assert close(found, expected)
    else:
        keep = np.isfinite(a)
        value, found = plain(ng.value_and_grad(number(expression, "a")), a)
        assert close(value, number(expression, "a").py_func(a), 1e-12)
        slopes = np.zeros(a.shape)
        for i in zip(*np.nonzero(keep)):
            up, down = a.copy(), a.copy()
            up[i] += 1e-6
            down[i] -= 1e-6
            f = number(expression, "a").py_func
            slopes[i] = (f(up) - f(down)) / 2e-6
        assert close(found, slopes, 1e-5, 1e-6)


@pytest.mark.parametrize("expression", ["np.cumsum(a)", "np.sort(a)", "np.kron(a, a)", "a - np.mean(a)", "np.diff(a)", "np.sum(a) * a"])
def test_single_precision(expression):
    a = V.astype(np.float32)
    found = plain(ng.grad(of(expression, "a")), a)
    assert found.dtype == np.float32
    assert close(found, plain(ng.grad(of(expression, "a")), a.astype(np.float64)), 1e-3, 1e-4)


@pytest.mark.parametrize("expression", ["np.sum(a, axis=0)", "np.diag(a)", "np.concatenate((a, a[:1]))", "np.ravel(a)", "a.cumsum()", "np.tril(a)"])
@pytest.mark.parametrize("layout", ["F", "strided"])
def test_layouts_do_not_matter(expression, layout):
    a = np.asfortranarray(M) if layout == "F" else np.repeat(M, 2, 1)[:, ::2]
    assert close(plain(ng.grad(of(expression, "a")), a), plain(ng.grad(of(expression, "a")), M.copy()), 1e-12)


def test_functions_of_integers_have_no_derivatives():
    f = function("def f(x, k):\n    c = np.cumsum(k)\n    return x[c[1]] * c[2] + np.max(k) * x[np.argmax(k)]\n", "f")
    agrees(ng.value_and_grad, f, (V, np.array([0, 2, 1])), (0,))


@pytest.mark.parametrize(
    ("expression", "what"),
    [("np.sum(np.sort(a))", "np.sort of an array of 2 axes"), ("np.sum(np.cumsum(a, 1))", "cumsum takes a"), ("np.max(np.unique(a))", "unique is not"),
     ("np.sum(a, axis=2)", "axis 2 of an array of 2 axes"), ("np.sum(np.where(a > 0.0)[0])", "np.where of one argument")],
)  # fmt: skip
def test_what_is_not_supported_is_refused_with_the_line(expression, what):
    with pytest.raises(GradientError, match=what) as error:
        plain(ng.grad(number(expression, "a")), M)
    assert "made" in str(error.value) and "return" in str(error.value)


def test_compiled():
    f = function("def f(a):\n    s = np.sort(a)\n    return np.sum(np.cumsum(s) * s) + np.median(a) + np.interp(0.1, s, a)\n", "f")
    assert close(ng.grad(f)(V), plain(ng.grad(f), V), 1e-12)
