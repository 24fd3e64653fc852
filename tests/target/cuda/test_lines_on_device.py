"""What users call of lines, channels, windows, scans and random numbers: the same values and gradients on a device."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.docs import rows
from nbgrad.target.cuda.plans import planners

pytestmark = pytest.mark.cuda
LABELS = np.array([0, 3, 1])
CALLS = {
    "softmax": (lambda x: ng.softmax(x, axis=0), (3, 5)),
    "log_softmax": (lambda x: ng.log_softmax(x, axis=-1), (3, 5)),
    "logsumexp": (lambda x: ng.logsumexp(x, axis=1), (3, 5)),
    "cross_entropy": (lambda x: ng.cross_entropy(x, ng.tensor(LABELS, device=x.device)), (3, 5)),
    "smoothed": (lambda x: ng.cross_entropy(x, ng.tensor(LABELS, device=x.device), label_smoothing=0.1), (3, 5)),
    "probabilities": (lambda x, t: ng.cross_entropy(x, ng.softmax(t, axis=-1)), (3, 5), (3, 5)),
    "layer_norm": (lambda x, w, b: ng.layer_norm(x, w, b), (4, 6), (6,), (6,)),
    "plain_layer_norm": (ng.layer_norm, (4, 6)),
    "rms_norm": (lambda x, w: ng.rms_norm(x, w), (4, 6), (6,)),
    "group_norm": (lambda x, w, b: ng.group_norm(x, 2, w, b), (2, 4, 3), (4,), (4,)),
    "tiles": (lambda x: ng.max_pool(x, 2), (1, 2, 4, 4)),
    "windows": (lambda x: ng.max_pool(x, 3, stride=1, padding=1), (1, 2, 4, 4)),
    "cumsum": (lambda x: ng.cumsum(x, axis=0), (4, 3)),
    "cumprod": (lambda x: ng.cumprod(x, axis=1), (3, 4)),
    "cummax": (lambda x: ng.cummax(x, axis=1), (3, 20)),
    "linear_recurrence": (lambda a, b: ng.linear_recurrence(a, b, reverse=True), (2, 20), (2, 20)),
}


def computed(call, arrays, device):
    """Return the result and the gradients of its squares."""
    tensors = [ng.tensor(a, requires_grad=True, device=device) for a in arrays]
    out = call(*tensors)
    (out * out).sum().backward()
    return [t.to("cpu").numpy() for t in (out.detach(), *[t.grad for t in tensors])]


@pytest.mark.parametrize("name", CALLS)
def test_values_and_gradients(name, rng):
    call, *shapes = CALLS[name]
    arrays = [rng.standard_normal(s) for s in shapes]
    for want, got in zip(computed(call, arrays, "cpu"), computed(call, arrays, "cuda"), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-11)


def test_batch_norm_trains_and_is_applied(rng):
    made, x = [], rng.standard_normal((6, 3, 4))
    for device in ("cpu", "cuda"):
        model = ng.nn.BatchNorm(3).to(device)
        model.train()
        trained = model(ng.tensor(x.astype("float32"), device=device))
        (trained * trained * trained).sum().backward()
        grads = [p.grad for p in model.parameters().values()]
        model.eval()
        made.append([t.to("cpu").numpy() for t in (trained.detach(), model(ng.tensor(x.astype("float32"), device=device)).detach(), *grads)])
    for want, got in zip(*made, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_every_primitive_of_these_families_is_planned_for_a_device():
    here = {"softmax", "softmax_grad", "log_softmax", "log_softmax_grad", "logsumexp", "logsumexp_grad", "class_entropy", "class_entropy_grad",
            "soft_entropy", "soft_entropy_grad", "standardize", "standardize_grad", "standardize_scaled", "standardize_scaled_grad",
            "batch_standardize", "batch_standardize_grad", "batch_rescale", "channel_sums", "pool_pick", "pool_unpick", "random_permutation",
            "running_sum", "recurrence", "running_arg"}  # fmt: skip
    as_on_the_cpu = {"pool_max", "random_bits", "random_float32", "random_float64", "random_integers"}
    assert here <= set(planners)
    assert not as_on_the_cpu & set(planners)
    assert here | as_on_the_cpu <= {op.name for op in rows()["primitive"]}
