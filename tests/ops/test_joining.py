"""Arrays joined, cut up and repeated, against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.ops.joining import TAKEN


def filled(shape, dtype="float64"):
    return (np.arange(np.prod(shape, dtype=int)) % 7).reshape(shape).astype(dtype)


def same(got, want):
    got = got.detach().numpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_concatenate(axis):
    x = filled((2, 3, 2))
    parts = [x, np.flip(x, 1), x.astype("float32")]
    same(ng.concatenate([ng.tensor(p) for p in parts], axis), np.concatenate(parts, axis))
    same(ng.stack([ng.tensor(p) for p in parts], axis), np.stack(parts, axis))


def test_concatenate_promotes_and_flattens():
    parts = [filled((2, 2), "int64"), filled((3,), "float32"), filled((0, 4), "bool")]
    same(ng.concatenate(parts, axis=None), np.concatenate(parts, axis=None))
    same(ng.concatenate([parts[2], filled((1, 4), "bool")]), np.concatenate([parts[2], filled((1, 4), "bool")]))
    same(ng.concatenate(ng.tensor(filled((2, 3)))), np.concatenate(filled((2, 3))))


def test_hstack_and_vstack():
    for parts in ([filled((2,)), filled((3,))], [filled((2, 1)), filled((2, 3))], [np.float64(1.0), filled((2,))]):
        same(ng.hstack(parts), np.hstack(parts))
    for parts in ([filled((2,)), filled((2,))], [filled((1, 3)), filled((3,))]):
        same(ng.vstack(parts), np.vstack(parts))


def test_gradients_of_joins(rng):
    a, b = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    assert ng.gradcheck(lambda a, b: ng.concatenate([a, b.T.reshape((2, 3))], 1) ** 2.0, a, b, order=2)
    assert ng.gradcheck(lambda a, b: ng.stack([a, a * b, b], -1) ** 2.0, a, b, order=2)


@given(st.integers(0, 9), st.data())
@settings(max_examples=60, deadline=None)
def test_splits(n, data):
    x = filled((n, 2))
    how = data.draw(st.one_of(st.integers(1, 5), st.lists(st.integers(-3, 12), max_size=4)))
    for got, want in zip(ng.array_split(ng.tensor(x), how), np.array_split(x, how), strict=True):
        same(got, want)
    if isinstance(how, int) and n % how:
        with pytest.raises(ng.ShapeError, match="does not divide"):
            ng.split(ng.tensor(x), how)
    else:
        for got, want in zip(ng.split(ng.tensor(x), how), np.split(x, how), strict=True):
            same(got, want)


def test_split_is_made_of_views_with_gradients(rng):
    x = rng.standard_normal((2, 5))
    parts = ng.split(ng.tensor(x), [2, 3], axis=1)
    assert all(np.shares_memory(p.numpy(), x) for p in parts)
    assert ng.gradcheck(lambda x: [p**2.0 for p in ng.array_split(x, 3, axis=1)], x, order=2)


@pytest.mark.parametrize("width", [0, 2, (1, 3), ((0, 1), (2, 0)), [[1], [2]]])
@pytest.mark.parametrize("mode", ["constant", *TAKEN])
def test_pad(width, mode):
    for dtype in ("float32", "int64"):
        x = filled((3, 4), dtype)
        same(ng.pad(ng.tensor(x), width, mode), np.pad(x, width, mode))


@pytest.mark.parametrize("values", [5, (1, 2), ((1, 2), (3, 4))])
def test_pad_with_constants(values):
    x = filled((3, 4), "float32").T
    same(ng.pad(ng.tensor(x), (1, 2), constant_values=values), np.pad(x, (1, 2), constant_values=values))


def test_pad_of_small_and_empty_arrays():
    for x in (filled((1, 2)), filled((2, 1))):
        for mode in TAKEN:
            same(ng.pad(x, 3, mode), np.pad(x, 3, mode))
    same(ng.pad(filled((0, 2)), 1), np.pad(filled((0, 2)), 1))


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_gradient_of_pad(mode, rng):
    assert ng.gradcheck(lambda x: ng.pad(x, ((1, 2), (0, 3)), mode) ** 2.0, rng.standard_normal((3, 4)), order=2)


@pytest.mark.parametrize("reps", [2, (2,), (2, 3), (2, 1, 2), (0, 2), ()])
def test_tile(reps):
    for x in (filled((2, 3)), filled((3,), "bool"), np.float64(2.0)):
        same(ng.tile(ng.tensor(x), reps), np.tile(x, reps))


@pytest.mark.parametrize(("repeats", "axis"), [(2, None), (3, 0), (0, 1), ([2, 0, 1], 1), ([3], -1), ([1, 2, 0, 1, 1, 2], None)])
def test_repeat(repeats, axis, rng):
    x = filled((2, 3), "float32")
    same(ng.repeat(ng.tensor(x), repeats, axis), np.repeat(x, repeats, axis))
    assert ng.gradcheck(lambda x: ng.repeat(x, repeats, axis) ** 2.0, rng.standard_normal((2, 3)), order=2)


def test_gradient_of_tile(rng):
    assert ng.gradcheck(lambda x: ng.tile(x, (2, 3)) ** 2.0, rng.standard_normal((2, 3)), order=2)


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda x: ng.concatenate([]), ng.ShapeError, "no arrays"),
    (lambda x: ng.concatenate([1.0, 2.0]), ng.ShapeError, "0-d"),
    (lambda x: ng.concatenate([x, x[0]]), ng.ShapeError, "array 1 is"),
    (lambda x: ng.stack([x, x[:1]]), ng.ShapeError, "are not one"),
    (lambda x: ng.array_split(x, 0), ng.ArgumentError, "indices_or_sections=0 is not 1 or more"),
    (lambda x: ng.split(x, "two"), ng.ArgumentError, "indices_or_sections must be an integer"),
    (lambda x: ng.split(x, [0.5]), ng.ArgumentError, "a place to cut must be an integer"),
    (lambda x: ng.concatenate(3), ng.ArgumentError, r"concatenate\(arrays\): 3 is no sequence"),
    (lambda x: ng.stack(ng.tensor(3.0)), ng.ArgumentError, "stack.* is no sequence"),
    (lambda x: ng.hstack(3), ng.ArgumentError, "hstack.* is no sequence"),
    (lambda x: ng.vstack(3), ng.ArgumentError, "vstack.* is no sequence"),
    (lambda x: ng.tile(x, -1), ng.ArgumentError, "reps=-1 is not 0 or more"),
    (lambda x: ng.tile(x, (1, 1.5)), ng.ArgumentError, "reps must be an integer, not 1.5"),
    (lambda x: ng.pad(x, 1, constant_values=ng.tensor(2.0, requires_grad=True)), ng.ArgumentError, "want a gradient"),
    (lambda x: ng.pad(x, 1, constant_values=(0, ng.tensor(2.0, requires_grad=True))), ng.ArgumentError, "want a gradient"),
    (lambda x: ng.pad(x, -1), ng.ArgumentError, "negative"),
    (lambda x: ng.pad(x, 1, "smooth"), ng.ArgumentError, "mode='smooth'"),
    (lambda x: ng.pad(x, ((1, 1),) * 3), ng.ArgumentError, "fits no array of 2 axes"),
    (lambda x: ng.pad(x, 1.5), ng.ArgumentError, "pad_width=1.5"),
    (lambda x: ng.pad(x[:0], 1, "edge"), ng.ArgumentError, "is empty"),
    (lambda x: ng.repeat(x, -1), ng.ArgumentError, "not negative"),
    (lambda x: ng.repeat(x, [1, 2], 1), ng.ArgumentError, "length 3"),
])  # fmt: skip
def test_errors_of_joins_have_three_lines(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call(ng.zeros((2, 3)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "test_joining.py" in lines[1]


def test_padding_with_a_constant_tensor():
    same(ng.pad([1.0], 1, constant_values=ng.tensor(2.0)), np.array([2.0, 1.0, 2.0]))
