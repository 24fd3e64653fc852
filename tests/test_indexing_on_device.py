"""Indexing, sorting, joining and scattering as users call them: numbers, gradients and errors on a device are the CPU's."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import IndexRangeError

pytestmark = pytest.mark.cuda
X = np.random.default_rng(0).standard_normal((5, 4)).astype("float32")
I = np.array([0, 3, -1, 3])
FUNCTIONS = {
    "take": lambda x, i: ng.take(x, i, axis=1),
    "indexed": lambda x, i: x[i, 1:3],
    "two indices": lambda x, i: x[i, abs(i)],
    "mask": lambda x, i: x[x > 0],
    "slices": lambda x, i: x[::-2, 1:],
    "scatter_add": lambda x, i: ng.scatter_add(x, i, x[:4] * 2.0),
    "scatter": lambda x, i: ng.scatter(x, i, x[1:] * 2.0),
    "sort": lambda x, i: ng.sort(x, axis=0),
    "topk": lambda x, i: ng.topk(x, 2)[0],
    "median": lambda x, i: ng.median(x, axis=1),
    "concatenate": lambda x, i: ng.concatenate([x, x * 2.0], axis=1),
    "stack": lambda x, i: ng.stack([x, -x], axis=1),
    "pad": lambda x, i: ng.pad(x, ((1, 2), (0, 1))),
    "pad reflect": lambda x, i: ng.pad(x, 2, mode="reflect"),
    "repeat": lambda x, i: ng.repeat(x, 2, axis=0),
    "segment_sum": lambda x, i: ng.segment_sum(x[:4], abs(i), 6),
    "segment_mean": lambda x, i: ng.segment_mean(x[:4], abs(i)),
    "segment_max": lambda x, i: ng.segment_max(x[:4], abs(i)),
    "take_along_axis": lambda x, i: ng.take_along_axis(x, ng.argsort(x), -1),
    "add_along_axis": lambda x, i: ng.add_along_axis(x, ng.argsort(x), x * x),
}


def result(f, device):
    """Return (value, gradient of a sum of squares) on a device, as NumPy's."""
    x, i = ng.tensor(X, device=device, requires_grad=True), ng.tensor(I, device=device)
    out = f(x, i)
    assert out.device == ("cpu" if device == "cpu" else "cuda:0")
    (out * out).sum().backward()
    return out.numpy(), x.grad.numpy()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_and_gradients_are_the_cpu_s(name):
    for got, want in zip(result(FUNCTIONS[name], "cuda"), result(FUNCTIONS[name], "cpu")):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("f", [lambda i: ng.bincount(abs(i)), lambda i: ng.one_hot(abs(i), 5), lambda i: ng.searchsorted(ng.sort(i), i)])
def test_functions_of_integers(f):
    np.testing.assert_array_equal(f(ng.tensor(I, device="cuda")).numpy(), f(ng.tensor(I)).numpy())


WRONG = {
    "take": lambda x, i: ng.take(x, i, axis=1),
    "index": lambda x, i: x[i],
    "segments": lambda x, i: ng.segment_sum(x[:2], i, 3),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("bad", [9, -8])
def test_an_index_out_of_range_is_told_at_once(name, bad):
    texts = []
    for device in ("cuda", "cpu"):
        with pytest.raises(IndexRangeError, match=f"index {bad} ") as caught:
            WRONG[name](ng.tensor(X, device=device), ng.tensor([1, bad], device=device))
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert "test_indexing_on_device.py" in texts[0].splitlines()[1]


def test_programs_check_indices_that_are_new():
    run = ng.compile(lambda x, i: ng.segment_sum(ng.sort(x[i]), abs(i), 5).sum())
    for at in ([0, 3, 1], [4, 4, -4]):
        got = run(ng.tensor(X, device="cuda"), ng.tensor(at, device="cuda"))
        np.testing.assert_allclose(got.numpy(), X[at].sum(), rtol=1e-5)
    with pytest.raises(IndexRangeError, match="index 5"):
        run(ng.tensor(X, device="cuda"), ng.tensor([0, 5, 1], device="cuda")).item()
