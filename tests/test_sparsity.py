"""Sparse Jacobians against dense ones; patterns of many arguments by blocks."""

import numpy as np
import pytest
from numba import njit
from scipy.sparse import csr_array, diags_array, eye_array, random_array

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, ShapeError
from nbgrad.sparsity import _detected


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (7, 10), (200, 300), (700, 1500), (50, 5000)])
@pytest.mark.parametrize("kind", ["random", "band", "arrow", "nothing"])
def test_patterns_are_found_by_blocks(shape, kind):
    m, n = shape
    random = np.random.default_rng(1)
    pattern = {"random": lambda: random_array(shape, density=min(1.0, 3.0 / n), rng=random).tocsr(),
               "band": lambda: diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=shape).tocsr() if min(shape) > 1 else csr_array(shape),
               "arrow": lambda: csr_array(np.vstack([np.ones((1, n)), np.eye(m, n)])[:m]), "nothing": lambda: csr_array(shape)}[kind]()  # fmt: skip
    runs = []

    def run(bits):
        runs.append(bits)
        out = np.zeros(m, np.uint64)
        at = pattern.tocoo()
        np.bitwise_or.at(out, at.row, bits[at.col])
        return out

    found = _detected(run, n)
    assert found.shape == shape and found.dtype == bool
    assert (found != (pattern != 0)).nnz == 0
    assert kind == "arrow" or len(runs) <= 12


@njit
def stencil(x, a):
    y = np.zeros_like(x)
    for i in range(1, x.size - 1):
        y[i] = a[0] * x[i - 1] * x[i] ** 2 - np.sin(x[i + 1])
    y[0], y[-1] = x[0] ** 2, x[-1] * a[1]
    return y


@njit
def rosenbrock(x):
    s = 0.0
    for i in range(x.size - 1):
        s += 100.0 * (x[i + 1] - x[i] ** 2) ** 2 + (1.0 - x[i]) ** 2
    return s


@njit
def chosen(x):
    y = np.zeros_like(x)
    for i in range(x.size):
        y[i] = x[0] * 2.0 if x[i] > 0.0 else x[i] * 3.0
    return y


@njit
def taken(x, index):
    return x[index] ** 2


@njit
def turns(x, w):
    y = np.empty(2 * w.size, w.dtype)
    for i in range(w.size):
        a = x[i] * x[i + 1] + x[i + 2] * x[i + 3]
        if a > 0.0:
            b = np.sqrt(a + w[i] * w[i])
            a *= b
        else:
            b = np.sin(x[i + 4]) * a
        y[2 * i] = a * x[i + 5]
        y[2 * i + 1] = b + w[i]
    return y


@njit
def around(x, at, w):
    y = np.empty((4, 4))
    for i in range(4):
        for j in range(4):
            y[i, j] = x[at[i], at[j]] * x[i - 1, j - 1] * x[-1, -2] * w[at[i]] + x[i, j] * w[-3] * w[j] * w[j - 2]
    return y


X, A = np.random.default_rng(0).normal(size=40), np.array([1.5, 0.5])


@pytest.fixture(scope="module")
def dense():
    return ng.jacobian(stencil)(X, A)


@pytest.mark.parametrize("mode", ["auto", "forward", "reverse"])
def test_sparse_is_dense(mode, dense):
    found = ng.sparse_jacobian(stencil, mode=mode)(X, A)
    assert isinstance(found, csr_array) and found.nnz == 40 * 3 - 4
    np.testing.assert_allclose(found.toarray(), dense, atol=1e-14)


def test_a_given_pattern_is_used_and_its_shape_is_checked(dense):
    pattern = diags_array([1.0] * 3, offsets=[-1, 0, 1], shape=(40, 40))
    np.testing.assert_allclose(ng.sparse_jacobian(stencil, pattern=pattern)(X, A).toarray(), dense, atol=1e-14)
    with pytest.raises(ShapeError, match="41 columns"):
        ng.sparse_jacobian(stencil, pattern=eye_array(40, 41))(X, A)
    with pytest.raises(ShapeError, match="39 rows"):
        ng.sparse_jacobian(stencil, pattern=eye_array(39, 40))(X, A)


def test_matrices_are_the_callers(dense):
    f = ng.sparse_jacobian(stencil)
    first = f(np.zeros(40), A)
    first.eliminate_zeros()
    assert first.nnz < f(X, A).nnz == 40 * 3 - 4
    np.testing.assert_allclose(f(X, A).toarray(), dense, atol=1e-14)


def test_a_pattern_may_hold_numbers_twice_and_unsorted(dense):
    once = diags_array([1.0] * 3, offsets=[-1, 0, 1], shape=(40, 40)).tocsr()
    indices = np.concatenate([np.repeat(row[::-1], 2) for row in np.split(once.indices, once.indptr[1:-1])])
    twice = csr_array((np.ones(indices.size), indices, 2 * once.indptr), shape=(40, 40))
    found = ng.sparse_jacobian(stencil, pattern=twice)(X, A)
    np.testing.assert_array_equal(found.indices, once.indices)
    np.testing.assert_allclose(found.toarray(), dense, atol=1e-14)
    np.testing.assert_array_equal(twice.indices, indices)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_many_colours_in_the_innermost_loops(dtype):
    x, w = X.astype(dtype), np.linspace(-1.0, 2.0, 35).astype(dtype)
    found, expected = ng.sparse_jacobian(turns, (0, 1))(x, w), ng.jacobian(turns, (0, 1))(x, w)
    assert found.dtype == dtype
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(found.toarray(), np.concatenate(expected, 1), rtol=tolerance, atol=tolerance)
    for k, at in ((0, 7), (1, 30)):
        step = np.zeros(35 if k else 40)
        step[at] = 1e-6
        up, down = (turns(*(v.astype(float) + sign * step if i == k else v.astype(float) for i, v in enumerate((x, w)))) for sign in (1, -1))
        np.testing.assert_allclose(found.toarray()[:, at + 40 * k], (up - down) / 2e-6, atol=1e-8 if dtype == np.float64 else 1e-4)


@pytest.mark.parametrize("dtype", [np.int32, np.uint64, *(pytest.param(d, marks=pytest.mark.slow) for d in (np.uint8, np.int64))])
def test_indices_of_all_types_and_from_the_end(dtype):
    at = np.array([3, 0, 2, 1], dtype) if np.dtype(dtype).kind == "u" else np.array([3, -4, -2, 1], dtype)
    x = np.linspace(1.0, 2.0, 20).reshape(4, 5)
    found = ng.sparse_jacobian(around, (0, 2))(x, at, X)
    expected = ng.jacobian(around, (0, 2))(x, at, X)
    np.testing.assert_allclose(found.toarray(), np.concatenate([np.reshape(e, (16, -1)) for e in expected], 1), rtol=1e-14)


def test_the_hessian_of_a_gradient(dense):
    found = ng.sparse_jacobian(ng.grad(rosenbrock))(X)
    assert found.nnz == 40 * 3 - 2
    np.testing.assert_allclose(found.toarray(), ng.hessian(rosenbrock)(X), rtol=1e-12, atol=1e-12)


def test_a_pattern_that_floats_decide_is_found_at_each_call():
    f = ng.sparse_jacobian(chosen)
    for x in (np.array([1.0, 2.0, 3.0]), np.array([1.0, -2.0, 3.0]), np.array([-1.0, -2.0, -3.0])):
        np.testing.assert_allclose(f(x).toarray(), ng.jacobian(chosen)(x))


def test_other_integers_and_other_shapes_have_other_patterns():
    f, x = ng.sparse_jacobian(taken), np.array([1.0, 2.0, 3.0])
    for index in (np.array([0, 1]), np.array([2, 1]), np.array([2, 2, 2])):
        np.testing.assert_allclose(f(x, index).toarray(), np.eye(3)[index] * 2 * x)
    np.testing.assert_allclose(f(np.ones(4), index).toarray(), 2 * np.eye(4)[index])


def test_several_arguments_stand_side_by_side():
    found = ng.sparsity(stencil, (1, 0))(X[:4], A).toarray().astype(int)
    np.testing.assert_array_equal(found, [[0, 0, 1, 0, 0, 0], [1, 0, 1, 1, 1, 0], [1, 0, 0, 1, 1, 1], [0, 1, 0, 0, 0, 1]])


def test_what_is_no_compiled_function_or_no_mode_is_refused():
    with pytest.raises(ArgumentError, match="takes an @njit function"):
        ng.sparse_jacobian(lambda x: x)
    with pytest.raises(ArgumentError, match="takes an @njit function"):
        ng.sparsity(np.sin)
    with pytest.raises(ArgumentError, match="mode='rows'"):
        ng.sparse_jacobian(stencil, mode="rows")
