"""Rows for batch normalisation: channels anywhere, chunks of a batch joined, gradients of every kind."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ops.channels import channel_sums
from nbgrad.ops.normalization import batch_standardized


def by_numpy(x, axis, eps, weight=1.0, bias=0.0):
    moved = np.moveaxis(x.astype("float64"), axis, -1)
    axes = tuple(range(x.ndim - 1))
    mean, var = moved.mean(axes), moved.var(axes)
    return np.moveaxis((moved - mean) / np.sqrt(var + eps) * weight + bias, -1, axis), mean, var


CASES = [((6, 4), 1), ((3000, 70), 1), ((5, 3, 7, 9), 1), ((70, 30, 40, 40), 1), ((4, 5, 6), -1), ((8, 3, 1), 1), ((3, 2, 5000), 1)]


@pytest.mark.parametrize(("shape", "axis"), CASES)
def test_batches_equal_numpy(rng, dtype, shape, axis):
    x = (rng.standard_normal(shape) + 3.0).astype(dtype)
    weight, bias = (rng.standard_normal(shape[axis]).astype(dtype) for _ in range(2))
    out, mean, var = batch_standardized(x, weight, bias, axis)
    expected = by_numpy(x, axis % x.ndim, 1e-5, weight, bias)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    assert out.dtype == dtype
    np.testing.assert_allclose(out.numpy(), expected[0], rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(mean.numpy(), expected[1], rtol=1e-6 if dtype == "float32" else 1e-13)
    np.testing.assert_allclose(var.numpy(), expected[2], rtol=1e-5 if dtype == "float32" else 1e-12)


@pytest.mark.parametrize("shape", [(4000, 3), (40, 3, 100)])
def test_a_large_mean_costs_no_accuracy(rng, shape):
    x = (rng.standard_normal(shape) + 1e4).astype("float32")
    out, _, var = batch_standardized(x)
    expected = by_numpy(x, 1, 1e-5)
    np.testing.assert_allclose(out.numpy(), expected[0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(var.numpy(), expected[2], rtol=1e-5)


@pytest.mark.parametrize(("shape", "axis"), CASES[:5])
def test_gradients_equal_their_formulas(rng, dtype, shape, axis):
    x, g = (rng.standard_normal(shape).astype(dtype) for _ in range(2))
    w, b = (rng.standard_normal(shape[axis]).astype(dtype) for _ in range(2))
    _, pull = ng.vjp(lambda x, w, b: batch_standardized(x, w, b, axis)[0], x, w, b)
    got = [v.numpy() for v in pull(g)]
    z, _, var = by_numpy(x, axis % x.ndim, 1e-5)
    last = lambda v: np.moveaxis(v.astype("float64"), axis, -1).reshape(-1, shape[axis])
    u, flat = last(g), last(z)
    of_x = w / np.sqrt(var + 1e-5) * (u - u.mean(0) - flat * (u * flat).mean(0))
    tolerance = 5e-5 if dtype == "float32" else 1e-11
    np.testing.assert_allclose(last(got[0]), of_x, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(got[1], (u * flat).sum(0), rtol=tolerance, atol=20 * tolerance)
    np.testing.assert_allclose(got[2], u.sum(0), rtol=tolerance, atol=20 * tolerance)


@pytest.mark.parametrize(("shape", "axis"), [((6, 3), 1), ((3, 2, 4), 1), ((3, 4, 2), -1)])
def test_derivatives_to_second_order(rng, shape, axis):
    n = shape[axis]
    x, w, b = rng.standard_normal(shape), rng.standard_normal(n), rng.standard_normal(n)
    ng.gradcheck(lambda *a: batch_standardized(*a, axis)[0] ** 3, x, w, b, order=2, directions=1)
    given = [rng.standard_normal(n), rng.uniform(0.5, 2.0, n), w, b]
    ng.gradcheck(lambda *a: ng.batch_norm(*a, axis=axis) ** 3, x, *given, order=2, directions=1)


def test_sums_of_channels_are_linear(rng):
    u, x, mean = rng.standard_normal((5, 3, 4)), rng.standard_normal((5, 3, 4)), rng.standard_normal(3)
    plain, along = channel_sums(u, x, mean, axis=1)
    np.testing.assert_allclose(plain.numpy(), u.sum((0, 2)), rtol=1e-13)
    np.testing.assert_allclose(along.numpy(), (u * (x - mean[:, None])).sum((0, 2)), rtol=1e-13)
    for i in (0, 1):
        ng.gradcheck(lambda *a, i=i: channel_sums(*a, axis=1)[i] ** 2, u, x, mean, order=2, directions=1)
    ng.gradcheck(lambda *a: channel_sums(*a, axis=1), u, x, mean, order=2, directions=1)


def test_frozen_statistics_ask_for_no_sums(rng):
    x = ng.tensor(rng.standard_normal((4, 3)), requires_grad=True)
    out = ng.batch_norm(x, np.zeros(3), np.ones(3))
    with ng.Tape() as tape:
        out.backward(np.ones((4, 3)), create_graph=True)
    assert "channel_sums" not in [n.op.name for n in tape.nodes]
    np.testing.assert_allclose(x.grad.detach().numpy(), np.full((4, 3), 1 / np.sqrt(1 + 1e-5)))


def test_empty_batches():
    w = ng.tensor(np.ones(3), requires_grad=True)
    out = ng.batch_norm(np.zeros((0, 3)), np.zeros(3), np.ones(3), w)
    assert out.shape == (0, 3)
    out.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.zeros(3))


def test_other_lengths_are_refused_again_and_again():
    for _ in range(2):
        with pytest.raises(ng.ShapeError, match=r"batch_norm: weight is \(2,\)"):
            batch_standardized(np.zeros((4, 3)), np.ones(2))
