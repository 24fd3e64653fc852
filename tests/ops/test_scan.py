"""Scans against NumPy and plain loops; gradients to second order, zeros included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.ops import scan


def close(got, want):
    got = got.detach().numpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-5 if want.dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_and_products(name, axis, rng):
    for dtype in ("float32", "float64", "int64", "int8", "uint8", "bool"):
        x = (rng.uniform(0.5, 2.5, (3, 4, 2)) * rng.choice([-1, 1], (3, 4, 2))).astype(dtype)
        close(getattr(ng, name)(ng.tensor(x), axis), getattr(np, name)(x, axis))
        close(getattr(ng, name)(ng.tensor(x.T), axis), getattr(np, name)(x.T, axis))
    close(getattr(ng, name)(ng.tensor(x), axis, dtype="float32"), getattr(np, name)(x, axis, dtype="float32"))
    y = rng.standard_normal((2, 3))
    y[0, 1] = 0.0
    assert ng.gradcheck(lambda y: getattr(ng, name)(y, None if axis is None else axis % 2) ** 2.0, y, order=2)


def test_reversed_sums(rng):
    x = rng.standard_normal((3, 4))
    close(ng.cumsum(x, 0, reverse=True), np.cumsum(x[::-1], 0)[::-1])
    assert ng.gradcheck(lambda x: ng.cumsum(x, 1, reverse=True) ** 2.0, x, order=2)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (0, 3), (1,), (1, 1)])
def test_small_arrays(shape):
    x = np.full(shape, 2.0)
    for axis in (None, *range(len(shape))):
        for name in ("cumsum", "cumprod"):
            close(getattr(ng, name)(x, axis), getattr(np, name)(x, axis))
        if shape or axis is None:
            close(ng.cummax(x, axis), np.maximum.accumulate(x.ravel() if axis is None else x, 0 if axis is None else axis))


@pytest.mark.parametrize("shape", [(70_000,), (3, 30_000), (40, 50, 30), (30_000, 3), (200, 700)])
def test_scans_in_many_tiles(shape, rng):
    x = rng.uniform(0.5, 1.0, shape)
    for axis in range(len(shape)):
        close(ng.cumsum(x, axis), np.cumsum(x, axis))
        close(ng.cummin(x, axis), np.minimum.accumulate(x, axis))
        a = np.ascontiguousarray(np.moveaxis(x, axis, 0))
        want = np.empty_like(a)
        state = np.zeros(a.shape[1:])
        for i in range(len(a)):
            state = want[i] = a[i] * state + 1.0
        close(ng.linear_recurrence(x, np.ones(()), axis), np.moveaxis(want, 0, axis))


def recurrence(a, b, reverse):
    """The definition, along axis 0."""
    out = np.array(b)
    order = range(len(b))[::-1] if reverse else range(len(b))
    for before, i in zip(order, order[1:]):
        out[i] = a[i] * out[before] + b[i]
    return out


@given(st.integers(0, 5), st.sampled_from([(), (1,), (3,)]), st.booleans(), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_linear_recurrence_is_its_definition(n, rest, reverse, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, n, *rest))
    close(ng.linear_recurrence(a, b, 0, reverse), recurrence(a, b, reverse))
    turned = ng.linear_recurrence(np.moveaxis(a, 0, -1), np.moveaxis(b, 0, -1), reverse=reverse)
    close(turned, np.moveaxis(recurrence(a, b, reverse), 0, -1))


@pytest.mark.parametrize("reverse", [False, True])
def test_gradient_of_linear_recurrence(reverse, rng):
    a, b = rng.standard_normal((2, 4, 3))
    a[1, 1] = 0.0
    for axis in (0, 1):
        assert ng.gradcheck(lambda a, b, axis=axis: ng.linear_recurrence(a, b, axis, reverse) ** 2.0, a, b, order=2)
    assert ng.gradcheck(lambda a, b: ng.linear_recurrence(a, b, 1, reverse) ** 2.0, a[0], b, order=2)


def test_the_first_factor_is_not_read():
    close(ng.linear_recurrence([np.nan, 2.0], [1.0, 3.0]), np.array([1.0, 5.0]))
    close(ng.linear_recurrence([2.0, np.inf], [1.0, 3.0], reverse=True), np.array([7.0, 3.0]))


@pytest.mark.parametrize("axis", [None, 0, 1])
@pytest.mark.parametrize(("name", "ref"), [("cummax", np.maximum), ("cummin", np.minimum)])
def test_running_extremes(name, ref, axis, rng):
    for dtype in ("float32", "int16", "bool"):
        x = (rng.standard_normal((4, 5)) * 3).astype(dtype)
        close(getattr(ng, name)(ng.tensor(x), axis), ref.accumulate(x.ravel() if axis is None else x, axis or 0))
    x = rng.standard_normal((4, 5))
    assert ng.gradcheck(lambda x: getattr(ng, name)(x, axis) ** 2.0, x, order=2)
    x[1, 2] = np.nan
    x[2, 0] = np.inf
    close(getattr(ng, name)(x, axis), ref.accumulate(x.ravel() if axis is None else x, axis or 0))


def test_ties_give_their_gradient_to_the_first():
    x = ng.tensor([1.0, 1.0, 2.0, 2.0], requires_grad=True)
    ng.cummax(x).sum().backward()
    assert x.grad.tolist() == [2.0, 0.0, 2.0, 0.0]


@pytest.mark.parametrize("axis", [(0,), (1,), (2,), (0, 2), (0, 1, 2), ()])
@pytest.mark.parametrize("zeros", [0, 1, 2])
def test_product_of_the_others(axis, zeros, rng):
    x = rng.standard_normal((2, 3, 2))
    x[0, :zeros, 0] = 0.0
    want = np.empty_like(x)
    for at in np.ndindex(x.shape):
        rest = x.copy()
        rest[at] = 1.0
        want[at] = np.prod(rest[tuple(slice(None) if a in axis else i for a, i in enumerate(at))])
    close(scan.prod_partial(ng.tensor(x), axis), want)
    assert ng.gradcheck(lambda x: scan.prod_partial(x, axis) ** 2.0, x, order=2)


def test_product_of_the_others_of_nothing():
    assert scan.prod_partial(ng.zeros((0, 2)), (0,)).shape == (0, 2)


def test_gradient_of_a_product_with_zeros(rng):
    for zeros in (0, 1, 2):
        x = rng.standard_normal((3, 4))
        x[:zeros, 1] = 0.0
        for axis in (None, 0, (0, 1)):
            assert ng.gradcheck(lambda x, axis=axis: ng.prod(x, axis=axis) ** 2.0, x, order=2)


@pytest.mark.parametrize(("call", "text"), [
    (lambda x: ng.cumsum(x, 2), "axis 2 is out of range"),
    (lambda x: ng.linear_recurrence(x, x[:, :2]), "do not broadcast"),
    (lambda x: scan.recurrence(x, x[:1], axis=0, reverse=False), r"a is \(2, 3\) and b is \(1, 3\)"),
])  # fmt: skip
def test_errors_of_scans_have_three_lines(call, text):
    with pytest.raises(ng.ShapeError, match=text) as caught:
        call(ng.zeros((2, 3)))
    assert len(str(caught.value).splitlines()) == 3
