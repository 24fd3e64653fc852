import numpy as np
import pytest
import scipy.special as special

import nbgrad as ng

RNG = np.random.default_rng(2)
LOGITS = RNG.normal(size=(6, 4))
LABELS = np.array([0, 3, 1, 1, 2, 3])
WEIGHT = np.array([0.5, 1.0, 2.0, 0.1])
REDUCTIONS = {"mean": np.mean, "sum": np.sum, "none": lambda x: x}


def cross_entropy_by_loop(logits, labels, weight=None, smoothing=0.0, ignore=None):
    """Return one loss per sample, and the weight of each."""
    classes = logits.shape[1]
    weight = np.ones(classes) if weight is None else weight
    losses, shares = [], []
    for z, y in zip(logits, labels):
        if y == ignore:
            losses.append(0.0)
            shares.append(0.0)
            continue
        p = special.softmax(z)
        hard = -weight[y] * np.log(p[y])
        even = -sum(weight[c] * np.log(p[c]) for c in range(classes)) / classes
        losses.append((1 - smoothing) * hard + smoothing * even)
        shares.append(weight[y])
    return np.array(losses), np.array(shares)


@pytest.mark.parametrize("ignore", [None, 1, -100])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_cross_entropy_of_classes(weight, smoothing, ignore):
    labels = np.where(LABELS == 2, -100, LABELS) if ignore == -100 else LABELS
    losses, shares = cross_entropy_by_loop(LOGITS, labels, weight, smoothing, ignore)
    options = {"weight": weight, "label_smoothing": smoothing, "ignore_index": ignore}
    np.testing.assert_allclose(
        ng.cross_entropy(LOGITS, labels, reduction="none", **options).numpy(), losses, rtol=1e-12
    )
    np.testing.assert_allclose(ng.cross_entropy(LOGITS, labels, reduction="sum", **options).item(), losses.sum())
    np.testing.assert_allclose(ng.cross_entropy(LOGITS, labels, **options).item(), losses.sum() / shares.sum())
    ng.gradcheck(lambda z: ng.cross_entropy(z, labels, **options), LOGITS)


def test_cross_entropy_along_another_axis():
    images = RNG.normal(size=(2, 4, 3, 5))
    labels = RNG.integers(0, 4, (2, 3, 5))
    flat = np.moveaxis(images, 1, -1).reshape(-1, 4)
    expected, _ = cross_entropy_by_loop(flat, labels.ravel())
    out = ng.cross_entropy(images, labels, axis=1, reduction="none")
    np.testing.assert_allclose(out.numpy().ravel(), expected, rtol=1e-12)
    weighted = ng.cross_entropy(images, labels, axis=1, weight=WEIGHT, reduction="none")
    np.testing.assert_allclose(weighted.numpy().ravel(), expected * WEIGHT[labels.ravel()], rtol=1e-12)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropy_of_probabilities(smoothing):
    p = special.softmax(RNG.normal(size=(6, 4)), 1)
    target = p * (1 - smoothing) + smoothing / 4
    expected = -(target * special.log_softmax(LOGITS, 1) * WEIGHT).sum(1)
    out = ng.cross_entropy(LOGITS, p, weight=WEIGHT, label_smoothing=smoothing, reduction="none")
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12)
    ng.gradcheck(lambda z, q: ng.cross_entropy(z, q, label_smoothing=smoothing), LOGITS, p)


def test_cross_entropy_gradient_is_softmax_minus_one_hot():
    z = ng.tensor(LOGITS.astype("float32"), requires_grad=True)
    ng.cross_entropy(z, LABELS, reduction="sum").backward()
    assert z.grad.dtype == np.float32
    np.testing.assert_allclose(z.grad.numpy(), special.softmax(LOGITS, 1) - np.eye(4)[LABELS], atol=1e-6)


def test_cross_entropy_of_large_and_masked_logits():
    assert ng.cross_entropy([[1e5, 0.0]], [0]).item() == 0.0
    z = ng.tensor([[-np.inf, 0.0, 0.0]], requires_grad=True)
    loss = ng.cross_entropy(z, [1])
    loss.backward()
    assert loss.item() == pytest.approx(np.log(2))
    np.testing.assert_allclose(z.grad.numpy(), [[0.0, -0.5, 0.5]])


def test_labels_out_of_range_say_where():
    with pytest.raises(ng.IndexRangeError, match=r"labels\[1\] is 4; classes are 0 to 3") as error:
        ng.cross_entropy(LOGITS[:2], np.array([0, 4]))
    lines = str(error.value).splitlines()
    assert len(lines) == 3
    assert "test_loss.py" in lines[1]
    assert lines[2].startswith("  try: ")
    with pytest.raises(ng.IndexRangeError, match="is -1"):
        ng.nll_loss(LOGITS[:2], np.array([0, -1]))


def test_labels_that_do_not_fit():
    with pytest.raises(ng.ShapeError, match=r"they must be \(6,\)"):
        ng.cross_entropy(LOGITS, LABELS[:3])
    with pytest.raises(ng.ShapeError, match="probabilities"):
        ng.cross_entropy(LOGITS, LOGITS[:, :2])
    with pytest.raises(ng.DtypeError, match="bool"):
        ng.cross_entropy(LOGITS, LABELS > 1)
    with pytest.raises(ng.ShapeError, match="class weights"):
        ng.cross_entropy(LOGITS, LABELS, weight=np.ones(3))
    with pytest.raises(ng.ArgumentError, match="label_smoothing"):
        ng.cross_entropy(LOGITS, LABELS, label_smoothing=1.5)
    with pytest.raises(ng.ArgumentError, match="'median'"):
        ng.cross_entropy(LOGITS, LABELS, reduction="median")


def test_nll_loss_picks_log_probabilities():
    logp = special.log_softmax(LOGITS, 1)
    picked = -logp[np.arange(6), LABELS]
    assert ng.nll_loss(logp, LABELS).item() == pytest.approx(picked.mean())
    expected = (picked * WEIGHT[LABELS]).sum() / WEIGHT[LABELS].sum()
    assert ng.nll_loss(logp, LABELS, weight=WEIGHT).item() == pytest.approx(expected)


A, B = RNG.normal(size=(5, 3)), RNG.normal(size=(5, 3))
P, Q = RNG.uniform(0.05, 0.95, (5, 3)), RNG.uniform(0.05, 0.95, (5, 3))
PAIRS = {
    "mse_loss": (ng.mse_loss, lambda a, b: (a - b) ** 2, A, B),
    "l1_loss": (ng.l1_loss, lambda a, b: np.abs(a - b), A, B),
    "huber_loss": (lambda *a, **k: ng.huber_loss(*a, delta=0.7, **k), lambda a, b: special.huber(0.7, a - b), A, B),
    "smooth_l1_loss": (
        lambda *a, **k: ng.smooth_l1_loss(*a, beta=0.7, **k),
        lambda a, b: special.huber(0.7, a - b) / 0.7,
        A,
        B,
    ),
    "binary_cross_entropy": (
        ng.binary_cross_entropy,
        lambda p, t: -(special.xlogy(t, p) + special.xlog1py(1 - t, -p)),
        P,
        Q,
    ),
    "with_logits": (
        ng.binary_cross_entropy_with_logits,
        lambda z, t: -(t * special.log_expit(z) + (1 - t) * special.log_expit(-z)),
        A,
        Q,
    ),
    "kl_div": (ng.kl_div, lambda log_q, p: special.rel_entr(p, np.exp(log_q)), np.log(P), Q),
    "kl_div_log": (
        lambda *a, **k: ng.kl_div(*a, log_target=True, **k),
        lambda log_q, log_p: special.rel_entr(np.exp(log_p), np.exp(log_q)),
        np.log(P),
        np.log(Q),
    ),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_losses_of_pairs(name, reduction):
    loss, formula, a, b = PAIRS[name]
    out = loss(a, b, reduction=reduction)
    np.testing.assert_allclose(out.numpy(), REDUCTIONS[reduction](formula(a, b)), rtol=1e-12)
    assert loss(a.astype("float32"), b.astype("float32"), reduction=reduction).dtype == np.float32


@pytest.mark.parametrize("name", PAIRS)
def test_gradients_of_pairs(name):
    loss, _, a, b = PAIRS[name]
    ng.gradcheck(loss, a, b)


@pytest.mark.parametrize("name", PAIRS)
def test_pairs_must_have_one_shape(name):
    loss, _, a, b = PAIRS[name]
    with pytest.raises(ng.ShapeError, match="differ"):
        loss(a[:, :1], b)
    with pytest.raises(ng.ArgumentError, match="reduction"):
        loss(a, b, reduction="average")


def test_binary_cross_entropy_at_the_ends():
    np.testing.assert_array_equal(
        ng.binary_cross_entropy([0.0, 1.0], [1.0, 1.0], reduction="none").numpy(), [100.0, 0.0]
    )
    np.testing.assert_array_equal(
        ng.binary_cross_entropy_with_logits([1e4, -1e4], [0.0, 0.0], reduction="none").numpy(), [1e4, 0.0]
    )
    z = ng.tensor([800.0, -800.0, 0.0], requires_grad=True)
    ng.binary_cross_entropy_with_logits(z, [1.0, 1.0, 1.0], reduction="sum").backward()
    np.testing.assert_allclose(z.grad.numpy(), [0.0, -1.0, -0.5])


def test_positive_weight():
    expected = -(3.0 * Q * special.log_expit(A) + (1 - Q) * special.log_expit(-A))
    out = ng.binary_cross_entropy_with_logits(A, Q, pos_weight=np.full(3, 3.0), reduction="none")
    np.testing.assert_allclose(out.numpy(), expected, rtol=1e-12)


def test_kl_div_of_zero_probability_and_per_sample():
    log_q = np.log([[0.5, 0.5], [0.25, 0.75]])
    p = np.array([[1.0, 0.0], [0.5, 0.5]])
    expected = special.rel_entr(p, np.exp(log_q)).sum() / 2
    assert ng.kl_div(log_q, p, reduction="batchmean").item() == pytest.approx(expected)


def test_huber_needs_a_positive_delta():
    with pytest.raises(ng.ArgumentError, match="delta=0"):
        ng.huber_loss([1.0], [2.0], delta=0.0)


def test_integer_targets_take_the_dtype_of_the_prediction():
    assert ng.mse_loss(np.float32([1.0, 2.0]), [1, 3]).dtype == np.float32


@pytest.mark.parametrize("kind", ["int8", "uint8", "int32", "uint64"])
def test_labels_of_any_integer_dtype(kind):
    expected = ng.cross_entropy(LOGITS, LABELS).item()
    assert ng.cross_entropy(LOGITS, LABELS.astype(kind)).item() == expected
    assert ng.cross_entropy(LOGITS, LABELS.astype(kind), ignore_index=-100).item() == pytest.approx(expected)


def test_nothing_left_after_ignoring_is_nan():
    assert np.isnan(ng.cross_entropy(LOGITS, np.full(6, 7), ignore_index=7).item())
    assert ng.cross_entropy(LOGITS, np.full(6, 7), ignore_index=7, reduction="sum").item() == 0.0
