import math

import numpy as np
import pytest
import scipy.spatial.distance as distance
import scipy.special as special

import nbgrad as ng

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5))


@pytest.mark.parametrize("axis", [-1, 0, (0, 2), None])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_softmax_and_log_softmax_equal_scipy(axis, dtype):
    x = X.astype(dtype)
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    for ours, theirs in ((ng.softmax, special.softmax), (ng.log_softmax, special.log_softmax)):
        out = ours(x, axis).numpy()
        assert out.dtype == dtype
        np.testing.assert_allclose(out, theirs(X, axis), rtol=10 * tolerance, atol=tolerance)


def test_softmax_of_large_numbers():
    np.testing.assert_array_equal(ng.softmax([1e4, 1e4, -1e4]).numpy(), [0.5, 0.5, 0.0])
    np.testing.assert_array_equal(ng.log_softmax([1e4, 0.0]).numpy(), [0.0, -1e4])
    np.testing.assert_allclose(ng.softmin([1.0, 2.0]).numpy(), special.softmax([-1.0, -2.0]))


def test_softmax_of_integers_and_of_nothing():
    assert ng.softmax([1, 2, 3]).dtype == np.float64
    assert ng.softmax(np.zeros((3, 0))).shape == (3, 0)


@pytest.mark.parametrize("f", [ng.softmax, ng.log_softmax, ng.softmin, ng.logsumexp, ng.var, ng.std, ng.norm])
def test_gradients_to_second_order(f):
    ng.gradcheck(lambda x: f(x, axis=-1) * f(x, axis=-1), X[0], order=2)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1, (0, 2)])
def test_logsumexp_equals_scipy(axis, keepdims):
    out = ng.logsumexp(X, axis, keepdims)
    expected = special.logsumexp(X, axis=axis, keepdims=keepdims)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-14)


def test_logsumexp_of_infinities_and_of_nothing():
    rows = np.array([[-np.inf, -np.inf], [np.inf, 1.0], [-np.inf, 2.0], [np.inf, -np.inf], [np.nan, 1.0]])
    with np.errstate(all="ignore"):
        expected = special.logsumexp(rows, axis=1)
    np.testing.assert_array_equal(ng.logsumexp(rows, 1).numpy(), expected)
    assert ng.logsumexp(np.zeros((0,))).item() == -np.inf


def test_logsumexp_gradient_of_a_row_of_minus_infinity_is_zero():
    x = ng.tensor([[-np.inf, -np.inf], [-np.inf, 2.0]], requires_grad=True)
    ng.logsumexp(x, 1).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0.0, 0.0], [0.0, 1.0]])


def test_logsumexp_gradient_of_infinity_goes_to_the_infinite_elements():
    x = ng.tensor([[np.inf, 1.0], [np.inf, np.inf], [0.0, 0.0]], requires_grad=True)
    ng.logsumexp(x, 1).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[1.0, 0.0], [0.5, 0.5], [0.5, 0.5]])


@pytest.mark.parametrize("f", [ng.logsumexp, ng.argmax, ng.argmin, ng.median])
def test_keepdims_that_is_no_bool_is_refused(f):
    for given in (np.float64, 1, None):
        with pytest.raises(ng.ArgumentError, match="keepdims is .*, not True or False\n.*test_composite.*\n  try"):
            f(X, 0, given)


@pytest.mark.parametrize("f", [ng.var, ng.std])
def test_a_dtype_where_numpy_has_it_is_refused(f):
    with pytest.raises(ng.ArgumentError, match="ddof is .*float64.*\n.*test_composite.*\n  try: ddof=1"):
        f(X, 0, np.float64)
    with pytest.raises(ng.ArgumentError, match="keepdims is 3"):
        f(X, 0, 0, 3)
    assert f(X, 0, np.int64(1)).shape == (4, 5)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int16", "uint16"])
def test_means_and_quotients_of_small_integers_are_float64(dtype):
    x = np.array([1, 0, 1]).astype(dtype)
    for ours, theirs in ((ng.mean, np.mean), (ng.var, np.var), (ng.std, np.std)):
        assert ours(x).dtype == theirs(x).dtype == "float64"
        assert ours(x).item() == pytest.approx(theirs(x), rel=1e-15)
    assert ng.div(x, ng.tensor(x + 1)).dtype == "float64"
    assert ng.sin(x).dtype == "float64"


@pytest.mark.parametrize("ddof", [0, 1, 0.5])
@pytest.mark.parametrize("axis", [None, 1, (0, -1)])
def test_var_and_std_equal_numpy(axis, ddof):
    for ours, theirs in ((ng.var, np.var), (ng.std, np.std)):
        np.testing.assert_allclose(ours(X, axis, ddof).numpy(), theirs(X, axis, ddof=ddof), rtol=1e-13)
        assert ours(X, axis, ddof, True).shape == theirs(X, axis, keepdims=True).shape


def test_var_does_not_cancel():
    x = np.float32([1e4, 1e4 + 1, 1e4 + 2])
    assert ng.var(x).item() == pytest.approx(2 / 3, rel=1e-6)
    assert math.isnan(ng.var([1.0], ddof=1).item())


def test_std_gradient_of_equal_values_is_zero():
    x = ng.tensor([2.0, 2.0], requires_grad=True)
    ng.std(x).backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 0.0])


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, -1, -2.5, 0, np.inf, -np.inf])
def test_vector_norms_equal_numpy(ord):
    for axis in (0, -1):
        for keepdims in (False, True):
            expected = np.linalg.norm(X, ord, axis, keepdims)
            np.testing.assert_allclose(ng.norm(X, ord, axis, keepdims).numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(ng.norm(X[0, 0], ord).numpy(), np.linalg.norm(X[0, 0], ord), rtol=1e-13)


@pytest.mark.parametrize("ord", [None, "fro", 1, -1, np.inf, -np.inf])
@pytest.mark.parametrize("axis", [(0, 1), (2, 0), (-2, -1)])
def test_matrix_norms_equal_numpy(ord, axis):
    for keepdims in (False, True):
        np.testing.assert_allclose(ng.norm(X, ord, axis, keepdims).numpy(), np.linalg.norm(X, ord, axis, keepdims))
    np.testing.assert_allclose(ng.norm(X[0], ord).numpy(), np.linalg.norm(X[0], ord))


def test_norm_of_all_elements():
    assert ng.norm(X).item() == pytest.approx(np.linalg.norm(X.ravel()))


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, -1, np.inf])
def test_norm_gradient_at_zero_is_zero(ord):
    x = ng.tensor(np.zeros(3), requires_grad=True)
    ng.norm(x, ord).backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros(3))


@pytest.mark.parametrize("ord", [1, 2, 3, 1.5, 0.5, -1, np.inf])
def test_norm_gradient(ord):
    ng.gradcheck(lambda x: ng.norm(x, ord, axis=-1), X[0])


@pytest.mark.parametrize("ord", [1, np.inf, "fro"])
def test_matrix_norm_gradient(ord):
    apart = np.arange(1.0, 25.0).reshape(2, 3, 4) * np.where(X[:2, :3, :4] > 0, 1, -1)
    ng.gradcheck(lambda x: ng.norm(x, ord, axis=(-2, -1)), apart)


def test_norm_refuses_what_it_cannot_do():
    with pytest.raises(ng.ArgumentError, match="nuc") as error:
        ng.norm(X[0], "nuc")
    assert len(str(error.value).splitlines()) == 3
    with pytest.raises(ng.ArgumentError, match="matrix norms"):
        ng.norm(X[0], 2)
    with pytest.raises(ng.ArgumentError, match="no vector or matrix"):
        ng.norm(X, 1)


def test_cosine_similarity_equals_scipy():
    a, b = X[0], X[1]
    expected = [1.0 - distance.cosine(u, v) for u, v in zip(a, b)]
    np.testing.assert_allclose(ng.cosine_similarity(a, b).numpy(), expected, rtol=1e-13)
    np.testing.assert_allclose(ng.cosine_similarity(a.T, b.T, axis=0).numpy(), expected, rtol=1e-13)
    assert ng.cosine_similarity(np.zeros(3), np.ones(3)).item() == 0.0
    ng.gradcheck(ng.cosine_similarity, a, b)


def test_embedding_takes_rows_and_adds_gradients_of_repeats():
    weight = ng.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    out = ng.embedding(weight, np.array([[2, 0], [2, 2]]))
    np.testing.assert_array_equal(out.detach().numpy(), weight.numpy()[[[2, 0], [2, 2]]])
    out.sum().backward()
    np.testing.assert_array_equal(weight.grad.numpy(), [[1, 1], [0, 0], [3, 3]])


def test_float32_stays_float32():
    x = X.astype("float32")
    for out in (
        ng.logsumexp(x),
        ng.var(x, 0),
        ng.std(x),
        ng.norm(x),
        ng.norm(x, 3, 0),
        ng.norm(x, 0, 0),
        ng.cosine_similarity(x, x),
    ):
        assert out.dtype == np.float32
