"""Axes moved without arithmetic, against NumPy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng

shapes = st.lists(st.integers(0, 4), max_size=4).map(tuple)
DTYPES = ("float32", "float64", "int64", "bool")


def filled(shape, dtype="float64"):
    return (np.arange(np.prod(shape, dtype=int)) % 7).reshape(shape).astype(dtype)


def same(got, want):
    got = got.detach().numpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)


CALLS = [
    ("reshape", ((4, 6),)), ("reshape", ((-1, 3),)), ("reshape", (24,)), ("reshape", ((2, 3, 4, 1),)),
    ("ravel", ()), ("transpose", ()), ("transpose", ((1, -1, 0),)), ("swapaxes", (0, -1)), ("moveaxis", (0, -1)),
    ("moveaxis", ((0, 1), (-1, 0))), ("broadcast_to", ((5, 2, 3, 4),)), ("expand_dims", (1,)), ("expand_dims", ((0, -1),)),
    ("flip", ()), ("flip", (1,)), ("flip", ((0, -1),)), ("fliplr", ()), ("flipud", ()), ("roll", (2,)), ("roll", (-5, 1)),
    ("roll", ((1, 2), (0, 2))), ("roll", (1, (0, 1))), ("roll", (3, (1, 1))), ("diagonal", ()), ("diagonal", (1, 0, 2)),
    ("diagonal", (-1, 2, 1)), ("diagonal", (9,)), ("trace", ()), ("trace", (1, 2, 0)), ("tril", ()), ("tril", (-1,)), ("triu", (1,)),
    ("triu", (-2,)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), CALLS, ids=lambda v: str(v))
def test_like_numpy(name, args):
    for dtype in DTYPES:
        x = filled((2, 3, 4), dtype)
        same(getattr(ng, name)(ng.tensor(x), *args), getattr(np, name)(x, *args))
    turned = filled((4, 3, 2)).T
    same(getattr(ng, name)(ng.tensor(turned), *args), getattr(np, name)(turned, *args))


@pytest.mark.parametrize(("name", "args"), CALLS, ids=lambda v: str(v))
def test_gradient(name, args, rng):
    x = rng.standard_normal((2, 3, 4))
    assert ng.gradcheck(lambda x: getattr(ng, name)(x, *args) ** 2.0, x, order=2)


@given(shapes, st.data())
@settings(max_examples=60, deadline=None)
def test_axes_of_any_shape(shape, data):
    x = filled(shape)
    order = data.draw(st.permutations(range(len(shape))))
    same(ng.permute(ng.tensor(x), order), x.transpose(order))
    same(ng.flip(ng.tensor(x)), np.flip(x))
    same(ng.squeeze(ng.tensor(x)), np.squeeze(x))
    same(ng.ravel(ng.tensor(x.transpose(order))), x.transpose(order).ravel())
    if len(shape) > 1:
        k = data.draw(st.integers(-5, 5))
        same(ng.diagonal(ng.tensor(x), k), np.diagonal(x, k))
        same(ng.roll(ng.tensor(x), k, 1), np.roll(x, k, 1))
        same(ng.tril(ng.tensor(x), k), np.tril(x, k))


def test_views_share_memory():
    x = filled((2, 3, 4))
    t = ng.tensor(x)
    for view in (ng.transpose(t), ng.flip(t, 0), ng.diagonal(t), ng.reshape(t, -1), ng.broadcast_to(t, (2, 2, 3, 4)), ng.squeeze(t[:1])):
        assert np.shares_memory(view.numpy(), x)
    assert not np.shares_memory(ng.flatten(t).numpy(), x)


def test_squeeze_of_named_axes():
    x = filled((1, 3, 1))
    same(ng.squeeze(ng.tensor(x), -1), np.squeeze(x, -1))
    same(ng.squeeze(ng.tensor(x), (0, 2)), np.squeeze(x, (0, 2)))
    with pytest.raises(ng.ShapeError, match="axis 1 of x"):
        ng.squeeze(ng.tensor(x), 1)


def test_diag_both_ways(rng):
    v, m = filled((3,), "float32"), filled((3, 4), "int64")
    for k in (-2, 0, 1):
        same(ng.diag(ng.tensor(v), k), np.diag(v, k))
        same(ng.diag(ng.tensor(m), k), np.diag(m, k))
    assert ng.gradcheck(lambda v: ng.diag(v, -1) ** 2.0, rng.standard_normal(3), order=2)
    with pytest.raises(ng.ShapeError, match="neither a vector nor a matrix"):
        ng.diag(ng.zeros((2, 2, 2)))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sparse", [False, True])
def test_meshgrid(indexing, sparse):
    xs = [filled((3,)), filled((2,)) + 5.0, filled((0,))]
    for count in (1, 2, 3):
        for got, want in zip(ng.meshgrid(*xs[:count], indexing=indexing, sparse=sparse), np.meshgrid(*xs[:count], indexing=indexing, sparse=sparse)):
            same(got, want)
    with pytest.raises(ng.ArgumentError, match="indexing"):
        ng.meshgrid(xs[0], indexing="ji")


def test_at_least():
    for x in (np.float64(3.0), filled((2,)), filled((2, 3))):
        same(ng.atleast_1d(ng.tensor(x)), np.atleast_1d(x))
        same(ng.atleast_2d(ng.tensor(x)), np.atleast_2d(x))
    assert [t.shape for t in ng.atleast_2d(1.0, [2.0, 3.0])] == [(1, 1), (1, 2)]


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda x: ng.reshape(x, (5, -1)), ng.ShapeError, "24 elements"),
    (lambda x: ng.transpose(x, (0, 1)), ng.ShapeError, "has 3 axes"),
    (lambda x: ng.transpose(x, (0, 1, 1)), ng.ShapeError, "one axis twice"),
    (lambda x: ng.swapaxes(x, 0, 3), ng.ShapeError, "axis 3 is out of range"),
    (lambda x: ng.moveaxis(x, (0, 1), 0), ng.ArgumentError, "2 axes to 1 places"),
    (lambda x: ng.broadcast_to(x, (2, 3, 5)), ng.ShapeError, "do not broadcast|does not broadcast"),
    (lambda x: ng.expand_dims(x, 5), ng.ShapeError, "axis 5"),
    (lambda x: ng.roll(x, (1, 2, 3), (0, 1)), ng.ArgumentError, "3 shifts for 2 axes"),
    (lambda x: ng.roll(x, 1.5), ng.ArgumentError, "shift must be an integer, not 1.5"),
    (lambda x: ng.roll(x, "a", 0), ng.ArgumentError, "shift must be an integer, not 'a'"),
    (lambda x: ng.reshape(x, (12.0, 2)), ng.ArgumentError, r"not \(12.0, 2\)"),
    (lambda x: ng.reshape(x, "a"), ng.ArgumentError, "not 'a'"),
    (lambda x: ng.reshape(x, None), ng.ArgumentError, "tuple of ints"),
    (lambda x: ng.broadcast_to(x, (2.0, 2, 3, 4)), ng.ArgumentError, "tuple of ints"),
    (lambda x: ng.diagonal(x[0, 0]), ng.ShapeError, "no planes"),
    (lambda x: ng.tril(x[0, 0, 0]), ng.ShapeError, "0-d"),
])  # fmt: skip
def test_errors_have_three_lines(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call(ng.zeros((2, 3, 4)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "test_movement.py" in lines[1]
    assert lines[2].startswith("  try: ")
