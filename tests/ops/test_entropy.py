"""Rows for cross entropy: classes and probabilities, along any axis, their gradients to second order."""

import numpy as np
import pytest
import scipy.special as special

import nbgrad as ng


def losses(x, labels, weight, spread, axis):
    """Return one loss per sample, in float64."""
    logs = np.moveaxis(special.log_softmax(x.astype("float64"), axis), axis, -1)
    hard = -np.take_along_axis(logs, labels[..., None], -1)[..., 0] * weight[labels]
    return (1.0 - spread) * hard - spread * (logs * weight).mean(-1)


@pytest.mark.parametrize("spread", [0.0, 0.1])
@pytest.mark.parametrize(("shape", "axis"), [((64, 10), -1), ((7, 3000), 1), ((3, 5, 70), 1), ((9, 40), 0), ((4,), 0)])
def test_classes_equal_scipy(rng, dtype, shape, axis, spread):
    x = (2 * rng.standard_normal(shape)).astype(dtype)
    n = shape[axis]
    labels = rng.integers(0, n, np.delete(shape, axis))
    for weight in (None, rng.uniform(0.1, 2.0, n).astype(dtype)):
        want = losses(x, np.asarray(labels), np.ones(n) if weight is None else weight.astype("float64"), spread, axis)
        share = 1.0 if weight is None else weight[labels].astype("float64")
        options = {"axis": axis, "weight": weight, "label_smoothing": spread}
        tolerance = 2e-6 if dtype == "float32" else 1e-12
        got = ng.cross_entropy(x, labels, reduction="none", **options)
        assert got.dtype == dtype
        np.testing.assert_allclose(got.numpy(), want, rtol=tolerance)
        mean = want.sum() / np.broadcast_to(share, want.shape).sum()
        np.testing.assert_allclose(ng.cross_entropy(x, labels, **options).item(), mean, rtol=tolerance)
        np.testing.assert_allclose(ng.cross_entropy(x, labels, reduction="sum", **options).item(), want.sum(), rtol=tolerance)


@pytest.mark.parametrize("axis", [1, 0])
@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("ignore", [None, 1])
def test_derivatives_to_second_order(rng, axis, reduction, ignore):
    x, labels = rng.standard_normal((5, 5, 2)), rng.integers(0, 5, (5, 2))
    for options in ({}, {"label_smoothing": 0.2, "weight": rng.uniform(0.5, 2.0, 5)}):
        f = lambda x, o=options: ng.cross_entropy(x, labels, axis, reduction=reduction, ignore_index=ignore, **o) ** 2
        ng.gradcheck(f, x, order=2, directions=1)


def test_class_weights_have_gradients(rng):
    x, labels, weight = rng.standard_normal((6, 3)), rng.integers(0, 3, 6), rng.uniform(0.5, 2.0, 3)
    for options in ({}, {"label_smoothing": 0.2}, {"ignore_index": 1}):
        ng.gradcheck(lambda x, w, o=options: ng.cross_entropy(x, labels, weight=w, **o), x, weight)


@pytest.mark.parametrize("axis", [1, 0])
def test_log_probabilities(rng, axis):
    logp, labels = special.log_softmax(rng.standard_normal((4, 4)), axis), rng.integers(0, 4, 4)
    picked = -np.take_along_axis(logp, np.expand_dims(labels, axis), axis).squeeze(axis)
    np.testing.assert_allclose(ng.nll_loss(logp, labels, axis, reduction="none").numpy(), picked, rtol=1e-14)
    ng.gradcheck(lambda x: ng.nll_loss(x, labels, axis) ** 2, logp, order=2, directions=1)
    _, pull = ng.vjp(lambda x: ng.nll_loss(x, labels, axis, reduction="sum", ignore_index=int(labels[0])), logp)
    want = -np.moveaxis(np.eye(4)[labels] * (labels != labels[0])[:, None], 1, axis)
    np.testing.assert_array_equal(pull(1.0)[0].numpy(), want)


@pytest.mark.parametrize("axis", [-1, 1])
def test_probabilities_equal_scipy(rng, dtype, axis):
    x = rng.standard_normal((3, 6, 5)).astype(dtype)
    t = special.softmax(rng.standard_normal((3, 6, 5)), axis).astype(dtype)
    want = -(t.astype("float64") * special.log_softmax(x.astype("float64"), axis)).sum(axis)
    got = ng.cross_entropy(x, t, axis, reduction="none")
    np.testing.assert_allclose(got.numpy(), want, rtol=3e-6 if dtype == "float32" else 1e-13)


def test_derivatives_of_probabilities_to_second_order(rng):
    x, t = rng.standard_normal((4, 3)), rng.uniform(0.1, 1.0, (4, 3))
    ng.gradcheck(lambda x, t: ng.cross_entropy(x, t) ** 2, x, t, order=2, directions=1)
    ng.gradcheck(lambda x: ng.cross_entropy(x, t, 0, reduction="none") ** 2, x, order=2, directions=1)


def test_a_probability_of_zero_meets_a_masked_score():
    assert ng.cross_entropy([[-np.inf, 0.0]], [[0.0, 1.0]]).item() == 0.0


def test_large_scores_lose_nothing_in_the_gradient():
    x = ng.tensor(np.float32([[1e5, 1e5 + 1.0, 1e5 - 2.0]]), requires_grad=True)
    ng.cross_entropy(x, [1]).backward()
    want = special.softmax(x.numpy().astype("float64"), 1) - [[0.0, 1.0, 0.0]]
    np.testing.assert_allclose(x.grad.numpy(), want, rtol=1e-5)


def test_ignored_samples_get_a_gradient_of_zero():
    x = ng.tensor([[np.nan, 1.0], [2.0, 1.0]], requires_grad=True)
    ng.cross_entropy(x, [9, 0], ignore_index=9).backward()
    np.testing.assert_allclose(x.grad.numpy(), [[0.0, 0.0], special.softmax([2.0, 1.0]) - [1.0, 0.0]])


def test_wrong_labels_are_found_in_any_tile(rng):
    x, labels = np.zeros((9000, 4)), rng.integers(0, 4, 9000)
    labels[7000] = 4
    with pytest.raises(ng.IndexRangeError, match=r"labels\[7000\] is 4"):
        ng.cross_entropy(x, labels)
    with pytest.raises(ng.IndexRangeError, match=r"labels\[7000\] is 4"):
        ng.cross_entropy(np.ascontiguousarray(x.T), labels, axis=0)
    assert ng.cross_entropy(x, labels, ignore_index=4).item() == pytest.approx(np.log(4))


def test_no_samples():
    assert np.isnan(ng.cross_entropy(np.zeros((0, 3)), np.zeros(0, int)).item())
    assert ng.cross_entropy(np.zeros((0, 3)), np.zeros(0, int), reduction="sum").item() == 0.0
    assert ng.cross_entropy(np.zeros((0, 3)), np.zeros(0, int), reduction="none").shape == (0,)


def test_no_row_of_probabilities_is_kept():
    x = ng.tensor(np.zeros((8, 5)), requires_grad=True)
    kept = ng.cross_entropy(x, np.zeros(8, int)).node.kept
    assert {name: k.data.shape for name, k in kept.items() if name != "x"} == {
        "labels": (8,), "weight": (5,), "stats": (10,),
    }  # fmt: skip
