"""Derivatives of `@njit` functions as users have them: compiled, called from Python and from compiled code."""

import math
import threading
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from nbgrad import kernel, source
from nbgrad.base.errors import ArgumentError, DtypeError, NbgradError, ShapeError
from nbgrad.loops import derivative

X = np.array([0.5, 1.5, 2.5])


@njit
def product(x):
    prod = 1.0
    for i in range(x.size):
        prod *= x[i]
    return prod


@njit
def cubic(x):
    return x * x * x + math.sin(x)


@njit
def table(m, v):
    s = 0.0
    for i in range(m.shape[0]):
        for j in range(m.shape[1]):
            s += m[i, j] * m[i, j] * v[j]
    return s


class Params(NamedTuple):
    rate: float
    weights: np.ndarray


@njit
def weighted(p, x):
    s = 0.0
    for i in range(x.size):
        s += p.weights[i] * x[i] * p.rate
    return s


@njit
def written(x, out):
    for i in range(x.size):
        out[i] = x[i] * x[i]
    x[0] = 7.0
    return out[0] * out[1] + x[0] * x[2]


def test_a_product_over_a_run_time_length():
    np.testing.assert_array_equal(ng.grad(product)(np.array([2.0, 2.0, 2.0])), [4.0, 4.0, 4.0])
    value, found = ng.value_and_grad(product)(X)
    assert value == product(X)
    np.testing.assert_allclose(found, product(X) / X)
    assert ng.grad(product)(np.zeros(0)).shape == (0,)


def test_single_precision():
    found = ng.grad(product)(X.astype(np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, product(X) / X, rtol=1e-6)
    assert ng.grad(cubic)(np.float32(1.5)) == pytest.approx(3 * 1.5**2 + math.cos(1.5), rel=1e-6)


def test_gradients_are_called_from_compiled_code():
    slope = ng.grad(cubic)

    @njit
    def descent(x, n):
        for _ in range(n):
            x -= 0.1 * slope(x)
        return x

    x = 1.3
    for _ in range(5):
        x -= 0.1 * (3 * x * x + math.cos(x))
    assert descent(1.3, 5) == pytest.approx(x, rel=1e-12)


def test_gradients_of_gradients():
    assert ng.grad(ng.grad(cubic))(1.3) == pytest.approx(6 * 1.3 - math.sin(1.3), rel=1e-12)
    assert ng.grad(ng.grad(ng.grad(cubic)))(1.3) == pytest.approx(6 - math.cos(1.3), rel=1e-12)


def test_layouts():
    m, v = np.arange(1.0, 13.0).reshape(3, 4), np.array([1.0, 2.0, 3.0, 4.0])
    f = ng.grad(table, (0, 1))
    for given in (m, np.asfortranarray(m), np.repeat(m, 2, 0)[::2], m[:, ::-1][:, ::-1], np.repeat(m, 2, 1)[:, ::2]):
        found = f(given, v)
        np.testing.assert_allclose(found[0], 2.0 * m * v)
        np.testing.assert_allclose(found[1], (m * m).sum(0))


def test_arguments_by_position():
    m, v = np.ones((2, 3)), np.array([1.0, 2.0, 3.0])
    np.testing.assert_allclose(ng.grad(table, 1)(m, v), [2.0, 2.0, 2.0])
    np.testing.assert_allclose(ng.grad(table, -1)(m, v), [2.0, 2.0, 2.0])
    one, other = ng.grad(table, (1, 0))(m, v)
    assert one.shape == (3,) and other.shape == (2, 3)
    for wrong in (2, (0, 0), "x", 1.5):
        with pytest.raises(ArgumentError, match="argnums"):
            ng.grad(table, wrong)


def test_namedtuples_come_back_as_they_are():
    p = Params(0.5, X)
    found = ng.grad(weighted)(p, X)
    assert type(found) is Params
    assert found.rate == pytest.approx((X * X).sum())
    np.testing.assert_allclose(found.weights, 0.5 * X)


def test_arguments_written_in_place():
    x, out = X.copy(), np.ones(3)
    g_x, g_out = ng.grad(written, (0, 1))(x, out)
    np.testing.assert_allclose(g_x, [2 * 0.5 * 1.5**2, 0.5**2 * 2 * 1.5, 7.0])  # of the values at entry
    np.testing.assert_array_equal(g_out, [0.0, 0.0, 0.0])
    y = X.copy()
    ng.grad(product)(y)
    np.testing.assert_array_equal(y, X)


def test_directions_and_matrices():
    value, along = ng.jvp(product, (X,), (np.array([1.0, 0.0, 2.0]),))
    assert value == product(X) and along == pytest.approx(product(X) * (1 / 0.5 + 2 / 2.5))
    out, back = ng.vjp(product, X)
    np.testing.assert_allclose(back(2.0)[0] if isinstance(back(2.0), tuple) else back(2.0), 2.0 * product(X) / X)
    with pytest.raises(ShapeError, match="tangents"):
        ng.jvp(product, (X,), ())
    with pytest.raises(ShapeError, match="shape"):
        ng.jvp(product, (X,), (np.ones(2),))


def test_derivatives_are_made_once():
    assert derivative("grad", product, 0) is derivative("grad", product, 0)
    assert ng.grad(product) is not ng.grad(product, (0,))


def test_source_is_readable():
    text = source(ng.grad(product), X)
    assert text.startswith('"""grad of product (test_loops.py)."""')
    assert "prod" in text and "g_x" in text and "def grad_product(x):" in text
    compile(text, "<text>", "exec")
    with pytest.raises(ArgumentError, match="not a derivative"):
        source(product)
    with pytest.raises(ArgumentError, match="types"):
        source(ng.grad(written))


def test_source_names_its_file():
    text = source(ng.grad(product), X)
    assert text.path.read_text(encoding="utf-8") == text == repr(text)


def test_kernels_have_derivatives():
    @kernel
    def square(x):
        return x * x

    assert square(3.0) == 9.0 and ng.grad(square)(3.0) == 6.0


@pytest.mark.parametrize("wrong", ["abc", {"a": 1.0}, [1.0, 2.0], np.array(["a"]), np.ones(2, complex), 2, np.arange(3)], ids=repr)
def test_what_is_no_float_is_refused(wrong):
    with pytest.raises(NbgradError) as caught:
        ng.grad(product if isinstance(wrong, np.ndarray) else cubic)(wrong)
    assert isinstance(caught.value, DtypeError) and "try:" in str(caught.value)
    assert "at test_loops.py" in str(caught.value)


def test_integers_have_no_tangent_but_zero():
    assert ng.jvp(cubic, (2,), (0,))[1] == 0.0
    for x, t in ((2, 1), (np.arange(3), np.ones(3))):
        with pytest.raises(DtypeError, match="int64"):
            ng.jvp(product if np.ndim(x) else cubic, (x,), (t,))


def test_auxiliary_results_are_not_for_compiled_functions():
    for transform in (ng.grad, ng.value_and_grad):
        with pytest.raises(ArgumentError, match="has_aux"):
            transform(cubic, has_aux=True)


def test_threads_share_a_gradient():
    found = [None] * 4
    f = ng.grad(product)

    def work(k):
        found[k] = f(X * (k + 1))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for k in range(4):
        np.testing.assert_allclose(found[k], product(X * (k + 1)) / (X * (k + 1)))


@njit
def carried_over(x, y):
    for i in range(1, x.size):
        y[i] = x[i - 1] * 2 + y[i - 1]
    return y.sum()


def test_arguments_that_share_memory_with_one_that_is_written_are_refused():
    g, a = ng.grad(carried_over, (0, 1)), np.ones(8)
    expected = g(np.ones(4), np.ones(4))
    assert all(np.array_equal(one, two) for one, two in zip(g(a[:4], a[4:]), expected))
    for x, y in ((a[:4], a[:4]), (a[:4], a[2:6]), (a[3:7], a[:4])):
        with pytest.raises(ValueError, match="x and y share memory"):
            g(x, y)


def test_parameters_keep_their_names_whatever_the_text_says():
    @njit
    def scaled(x, max):
        for i in range(3):
            x = x * max + math.sin(x * i)
        return x

    g = ng.grad(scaled, (0, 1))
    assert g(0.5, max=2.0) == g(0.5, 2.0)
    assert g(0.5, max=2.0)[1] == pytest.approx((scaled(0.5, 2.0 + 1e-6) - scaled(0.5, 2.0 - 1e-6)) / 2e-6, rel=1e-6)
