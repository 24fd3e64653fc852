"""Rows for normalisations: accuracy where the mean is large, gradients of every kind, one pass for three gradients."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.ops.standardize import standardize_scaled, standardize_scaled_grad


def standard(x, axes, eps):
    x = x.astype("float64")
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


@pytest.mark.parametrize("n", [1, 3, 16, 100, 5000])
def test_rows_of_any_length(rng, dtype, n):
    x = rng.standard_normal((5, n)).astype(dtype)
    tolerance = 2e-6 if dtype == "float32" else 1e-13
    np.testing.assert_allclose(ng.layer_norm(x).numpy(), standard(x, -1, 1e-5), rtol=tolerance, atol=tolerance)
    mean = np.sqrt((x.astype("float64") ** 2).mean(-1, keepdims=True) + 1e-6)
    np.testing.assert_allclose(ng.rms_norm(x).numpy(), x / mean, rtol=tolerance)


def test_a_large_mean_costs_no_accuracy(rng):
    x = (rng.standard_normal((4, 3000)) + 1e4).astype("float32")
    want = standard(x, -1, 1e-5)
    np.testing.assert_allclose(ng.layer_norm(x).numpy(), want, rtol=1e-5, atol=2e-6)
    g = rng.standard_normal(x.shape)
    _, pull = ng.vjp(ng.layer_norm, x)
    _, exact = ng.vjp(ng.layer_norm, x.astype("float64"))
    np.testing.assert_allclose(pull(g.astype("float32"))[0].numpy(), exact(g)[0].numpy(), rtol=1e-4, atol=1e-5)


def test_equal_values_become_zero():
    np.testing.assert_allclose(ng.layer_norm(np.full((2, 100), 0.1, "float32")).numpy(), 0.0, atol=1e-6)


def test_huge_and_infinite_values():
    assert np.isfinite(ng.layer_norm(np.array([1e150, -1e150, 3e150])).numpy()).all()
    assert np.isnan(ng.layer_norm([[np.inf, 1.0], [1.0, np.nan]]).numpy()).all()


@pytest.mark.parametrize("axes", [-1, (0,), (1, 2), (0, 2)])
def test_derivatives_to_second_order(rng, axes):
    ng.gradcheck(lambda x: ng.layer_norm(x, axes=axes) ** 3, rng.standard_normal((3, 4, 5)), order=2, directions=1)
    ng.gradcheck(lambda x: ng.rms_norm(x, axes=axes) ** 3, rng.standard_normal((3, 4, 5)), order=2, directions=1)


def test_derivatives_in_all_arguments_to_second_order(rng):
    x, w, b = rng.standard_normal((6, 5)), rng.standard_normal(5), rng.standard_normal(5)
    ng.gradcheck(lambda *a: ng.layer_norm(*a) ** 3, x, w, b, order=2, directions=1)
    ng.gradcheck(lambda x, w: ng.rms_norm(x, w) ** 3, x, w, order=2, directions=1)
    ng.gradcheck(lambda x, w: ng.layer_norm(x, w) ** 2, x, w, order=2, directions=1)
    ng.gradcheck(lambda x, b: ng.layer_norm(x, None, b) ** 2, x, b, order=2, directions=1)


@pytest.mark.parametrize("shape", [(3, 6, 4), (3, 6), (2, 6, 2, 3)])
def test_groups_to_second_order(rng, shape):
    x, w, b = rng.standard_normal(shape), rng.standard_normal(6), rng.standard_normal(6)
    ng.gradcheck(lambda *a: ng.group_norm(a[0], 2, *a[1:]) ** 3, x, w, b, order=2, directions=1)
    ng.gradcheck(lambda x: ng.group_norm(x, 3) ** 3, x, order=2, directions=1)


@pytest.mark.parametrize("rows", [1, 40, 700])
def test_gradients_over_many_rows(rng, dtype, rows):
    x, g = (rng.standard_normal((rows, 90)).astype(dtype) for _ in range(2))
    w, b = (rng.standard_normal(90).astype(dtype) for _ in range(2))
    _, pull = ng.vjp(lambda *a: ng.layer_norm(*a), x, w, b)
    got = [v.numpy() for v in pull(g)]
    z, a = standard(x, -1, 1e-5), g.astype("float64") * w
    r = 1.0 / np.sqrt(x.astype("float64").var(-1, keepdims=True) + 1e-5)
    mean = lambda v: v.mean(-1, keepdims=True)
    want = [r * (a - mean(a) - z * mean(a * z)), (g * z).sum(0), g.astype("float64").sum(0)]
    tolerance = 2e-5 if dtype == "float32" else 1e-12
    for have, expected in zip(got, want):
        assert have.dtype == dtype
        np.testing.assert_allclose(have, expected, rtol=tolerance, atol=tolerance)


def test_three_gradients_come_from_one_node_and_one_pass(rng):
    x, w, b = (ng.tensor(rng.standard_normal(s), requires_grad=True) for s in ((4, 3), (3,), (3,)))
    out = ng.layer_norm(x, w, b)
    assert list(out.node.kept) == ["x", "weight"]
    with ng.Tape() as tape:
        out.backward(np.ones((4, 3)), create_graph=True)
    made = [n.op.name for n in tape.nodes]
    assert made.count("standardize_scaled_grad") == 1
    assert made.count("item") == 3


def test_results_do_not_depend_on_memory_order(rng):
    x = rng.standard_normal((30, 20))
    got = ng.layer_norm(np.asfortranarray(x)).numpy()
    np.testing.assert_array_equal(got, ng.layer_norm(x).numpy())


def test_empty_arrays_have_gradients_of_zero():
    w, b = (ng.tensor(np.ones(3), requires_grad=True) for _ in range(2))
    out = ng.layer_norm(np.zeros((0, 3)), w, b)
    assert out.shape == (0, 3)
    out.sum().backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.zeros(3))
    np.testing.assert_array_equal(b.grad.numpy(), np.zeros(3))
    assert ng.layer_norm(np.zeros((2, 0))).shape == (2, 0)


def test_arguments_that_do_not_line_up_are_refused_again_and_again():
    for _ in range(2):
        with pytest.raises(ng.ShapeError, match=r"rms_norm: weight is \(4,\)"):
            ng.rms_norm(np.zeros((2, 3)), np.ones(4))
        with pytest.raises(ng.ShapeError, match=r"group_norm: bias is \(3,\)"):
            ng.group_norm(np.zeros((2, 4, 3)), 2, None, np.ones(3))


def test_the_rows_say_what_they_are():
    assert standardize_scaled_grad.outputs == ("of_x", "of_weight", "of_bias")
    assert standardize_scaled.fixed(axis=1, groups=0, eps=1e-5, centered=True).constants["eps"] == 1e-5
