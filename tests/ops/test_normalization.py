import numpy as np
import pytest

import nbgrad as ng

RNG = np.random.default_rng(1)
X = RNG.normal(2.0, 3.0, size=(4, 6, 5))


def standardize(x, axes, eps):
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize("axes", [-1, (1, 2), (0,)])
def test_layer_norm_equals_its_formula(axes):
    np.testing.assert_allclose(ng.layer_norm(X, axes=axes, eps=1e-3).numpy(), standardize(X, axes, 1e-3), rtol=1e-12)


def test_layer_norm_scales_and_shifts():
    weight, bias = RNG.normal(size=(6, 5)), RNG.normal(size=(6, 5))
    expected = standardize(X, (1, 2), 1e-5) * weight + bias
    np.testing.assert_allclose(ng.layer_norm(X, weight, bias, axes=(-2, -1)).numpy(), expected, rtol=1e-12)
    ng.gradcheck(lambda x, w, b: ng.layer_norm(x, w, b, axes=(1, 2)), X, weight, bias)


def test_layer_norm_refuses_parameters_that_do_not_line_up():
    with pytest.raises(ng.ShapeError, match=r"weight is \(4,\)"):
        ng.layer_norm(X, np.ones(4))
    with pytest.raises(ng.ShapeError, match="not the last ones"):
        ng.layer_norm(X, np.ones(6), axes=1)


def test_rms_norm_equals_its_formula():
    weight = RNG.normal(size=5)
    expected = X / np.sqrt((X**2).mean(-1, keepdims=True) + 1e-6) * weight
    np.testing.assert_allclose(ng.rms_norm(X, weight).numpy(), expected, rtol=1e-12)
    ng.gradcheck(ng.rms_norm, X, weight)


@pytest.mark.parametrize("axis", [1, -1])
def test_batch_norm_equals_its_formula(axis):
    n = X.shape[axis]
    mean, var, weight, bias = RNG.normal(size=n), RNG.uniform(1, 2, n), RNG.normal(size=n), RNG.normal(size=n)
    moved = np.moveaxis(X, axis, -1)
    expected = np.moveaxis((moved - mean) / np.sqrt(var + 1e-5) * weight + bias, -1, axis)
    np.testing.assert_allclose(ng.batch_norm(X, mean, var, weight, bias, axis).numpy(), expected, rtol=1e-10)
    plain = np.moveaxis((moved - mean) / np.sqrt(var + 1e-5), -1, axis)
    np.testing.assert_allclose(ng.batch_norm(X, mean, var, axis=axis).numpy(), plain, rtol=1e-10)
    ng.gradcheck(lambda *a: ng.batch_norm(*a, axis=axis), X, mean, var, weight, bias)


def test_batch_norm_refuses_other_lengths():
    with pytest.raises(ng.ShapeError, match=r"var is \(5,\)"):
        ng.batch_norm(X, np.ones(6), np.ones(5))


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_group_norm_equals_its_formula(groups):
    weight, bias = RNG.normal(size=6), RNG.normal(size=6)
    parts = standardize(X.reshape(4, groups, -1), (2,), 1e-5).reshape(X.shape)
    expected = parts * weight[:, None] + bias[:, None]
    np.testing.assert_allclose(ng.group_norm(X, groups, weight, bias).numpy(), expected, rtol=1e-12)
    ng.gradcheck(lambda x, w, b: ng.group_norm(x, groups, w, b), X, weight, bias)


def test_group_norm_refuses_groups_that_do_not_divide():
    with pytest.raises(ng.ArgumentError, match="groups=4"):
        ng.group_norm(X, 4)


def test_float32_stays_float32():
    x = X.astype("float32")
    ones = np.ones(6, "float32")
    for out in (ng.layer_norm(x), ng.rms_norm(x), ng.group_norm(x, 2), ng.batch_norm(x, ones, ones, ones, ones)):
        assert out.dtype == np.float32
