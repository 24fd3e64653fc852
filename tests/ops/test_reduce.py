"""Reductions against NumPy: every set of axes, every dtype, layouts, empties, ties, NaN, and how accurate sums are."""

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, ShapeError

NUMBERS = ["sum", "mean", "prod", "max", "min", "ptp"]
TESTS = ["any", "all", "count_nonzero"]
ARGS = ["argmax", "argmin"]
SHAPE = (2, 3, 4)
AXES = [None, *(a for n in range(4) for a in itertools.combinations(range(3), n)), 0, -1, (-1, 0), (2, -3)]
EXACT = {"float32": 1e-6, "float64": 1e-14}


def numpys(name, a, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of empty means
        return getattr(np, name)(a, **more)


def numbers(rng, dtype, shape=SHAPE):
    """Return small numbers, zeros and ties among them, of any dtype."""
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    a = rng.integers(0 if dtype.startswith("u") else -3, 4, shape).astype(dtype)
    return a + np.asarray(0.5, dtype) if dtype.startswith("float") else a


@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", NUMBERS + TESTS)
def test_every_set_of_axes(name, axis, dtype, rng):
    a = numbers(rng, dtype)
    if name in TESTS:
        a[a < 0] = 0.0
    for keepdims in (False, True):
        got, want = getattr(ng, name)(a, axis=axis, keepdims=keepdims), getattr(np, name)(a, axis=axis, keepdims=keepdims)
        assert got.shape == np.shape(want)
        assert got.dtype == np.asarray(want).dtype
        np.testing.assert_allclose(got.numpy(), want, rtol=EXACT[dtype], atol=EXACT[dtype])


INTEGERS = [(name, kind) for name in NUMBERS + TESTS + ARGS for kind in ("bool", "int8", "uint16", "int64")]
INTEGERS.remove(("ptp", "bool"))  # NumPy has no difference of bools


INTEGER_AXES = (None, 0, 2)  # a loop each, the same one for all dtypes


def check_integers(name, kind, axes, rng):
    a = numbers(rng, kind)
    for axis in axes:
        got, want = getattr(ng, name)(a, axis=axis), getattr(np, name)(a, axis=axis)
        assert got.dtype == np.asarray(want).dtype, axis
        np.testing.assert_allclose(got.numpy().astype(float), np.asarray(want).astype(float), rtol=1e-6)


@pytest.mark.parametrize(("name", "kind"), INTEGERS)
def test_every_kind_of_integer(name, kind, rng):
    """Each row in each dtype along one of the axes, and all of them in turn."""
    check_integers(name, kind, [INTEGER_AXES[INTEGERS.index((name, kind)) % 3]], rng)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), INTEGERS)
def test_every_kind_of_integer_along_every_axis(name, kind, rng):
    check_integers(name, kind, INTEGER_AXES, rng)


LAYOUTS = {
    "transposed": lambda a: a.T,
    "reversed": lambda a: a[::-1, :, ::-1],
    "with gaps": lambda a: a[:, ::2, 1:],
    "permuted": lambda a: a.transpose(1, 2, 0),
    "repeated": lambda a: np.broadcast_to(a[:, :1], (2, 5, 4)),
    "column": lambda a: a[:, 1:2, :1],
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["sum", "max", "all", "argmin"])
def test_every_layout(name, layout, rng):
    a = LAYOUTS[layout](rng.permutation(24.0 * np.arange(24)).reshape(SHAPE) + 1.0)
    for axis in (None, 0, 1, 2):
        np.testing.assert_array_equal(getattr(ng, name)(a, axis).numpy(), getattr(np, name)(a, axis))
    if name not in ARGS:
        for axis in ((0, 1), (0, 2), (1, 2)):
            np.testing.assert_array_equal(getattr(ng, name)(a, axis).numpy(), getattr(np, name)(a, axis))


LONG = [((70_000,), (0,)), ((3, 70_000), (1,)), ((70_000, 3), (0,)), ((2, 40_000, 2), (1,)), ((40, 2000), (0,)), ((200_003,), (0,)), ((300, 300), (0, 1)), ((1, 1, 65_537), (2,)),
        ((3000, 1100), (0,)), ((17, 2, 2100), (0, 2))]  # fmt: skip


@pytest.mark.parametrize(("shape", "axis"), LONG, ids=str)
def test_long_axes_that_are_split(shape, axis, rng):
    a = rng.integers(-9, 10, shape)
    np.testing.assert_array_equal(ng.sum(a, axis).numpy(), a.sum(axis))
    np.testing.assert_array_equal(ng.sum(a.astype("float32"), axis).numpy(), a.sum(axis).astype("float32"))
    a[tuple(n // 2 for n in shape)] = 77
    np.testing.assert_array_equal(ng.max(a, axis).numpy(), a.max(axis))
    np.testing.assert_array_equal(ng.count_nonzero(a, axis).numpy(), np.count_nonzero(a, axis))
    np.testing.assert_array_equal(ng.any(a == 77, axis).numpy(), (a == 77).any(axis))
    np.testing.assert_array_equal(ng.all(a != 77, axis).numpy(), (a != 77).all(axis))
    if len(axis) == 1:
        np.testing.assert_array_equal(ng.argmax(a, axis[0]).numpy(), a.argmax(axis[0]))
    b = a[..., ::-1].astype("float64")
    np.testing.assert_allclose(ng.mean(b, axis).numpy(), b.mean(axis), rtol=1e-12)


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 4)], ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero", "argmax", "argmin", "ptp"])
def test_empty_arrays(name, shape):
    a = np.zeros(shape)
    for axis in (None, *range(len(shape))):
        try:
            want = numpys(name, a, axis=axis)
        except ValueError:
            with pytest.raises(ShapeError, match="nothing to choose from"):
                getattr(ng, name)(a, axis=axis)
            continue
        got = getattr(ng, name)(a, axis=axis)
        assert got.shape == np.shape(want)
        np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize("name", NUMBERS + TESTS + ARGS)
def test_one_number(name):
    for value in (3.5, 0.0, np.nan, 7, True):
        if name == "ptp" and value is True:
            continue
        a = np.asarray(value)
        for keepdims in (False, True):
            got, want = getattr(ng, name)(a, keepdims=keepdims), getattr(np, name)(a, keepdims=keepdims)
            assert got.shape == np.shape(want) == ()
            np.testing.assert_array_equal(got.numpy(), want)


@pytest.mark.parametrize("name", ["sum", "max", "argmax"])
def test_bad_axes(name):
    f = getattr(ng, name)
    for axis in (2, -3):
        with pytest.raises(ShapeError, match="out of range"):
            f(np.ones((2, 3)), axis=axis)
    with pytest.raises(ArgumentError, match="must be an integer"):
        f(np.ones((2, 3)), axis=0.5)
    if name != "argmax":
        with pytest.raises(ShapeError, match="twice"):
            f(np.ones((2, 3)), axis=(0, -2))


@pytest.mark.parametrize("place", [0, 3, 20, 39])
def test_nan_wins_wherever_it_stands(place, dtype):
    a = np.linspace(-1, 1, 80, dtype=dtype).reshape(2, 40)
    a[1, place] = np.nan
    for b in (a, a.T.copy().T, a[::-1, ::-1]):
        for name in NUMBERS:
            for axis in (None, 0, 1):
                np.testing.assert_array_equal(np.isnan(getattr(ng, name)(b, axis).numpy()), np.isnan(getattr(np, name)(b, axis)))
        for name in ARGS:
            for axis in (None, 0, 1):
                np.testing.assert_array_equal(getattr(ng, name)(b, axis).numpy(), getattr(np, name)(b, axis))
    assert ng.any(a).item() and ng.all(a).item()
    assert ng.count_nonzero(a).item() == np.count_nonzero(a)


def test_infinities(dtype):
    for values in ([np.inf, 1.0], [-np.inf, 1.0], [np.inf, -np.inf], [-np.inf, -np.inf]):
        a = np.array(values * 20, dtype)
        for name in ("sum", "mean", "max", "min"):
            with np.errstate(invalid="ignore"):
                want = getattr(np, name)(a)
            np.testing.assert_array_equal(getattr(ng, name)(a).numpy(), want)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([0.0, -0.0, 1.0, 2.0, -1.0, math.inf, -math.inf, math.nan]), min_size=1, max_size=40))
def test_the_first_of_ties_and_of_nans(values):
    a = np.array(values)
    assert ng.argmax(a).item() == np.argmax(a)
    assert ng.argmin(a).item() == np.argmin(a)
    assert ng.argmax(a[:, None], axis=0).item() == np.argmax(a)


def test_sums_of_float32_are_no_worse_than_numpys(rng):
    for a in (rng.uniform(0, 1, 1_000_000), rng.standard_normal(1_000_000), np.full(1_000_000, 0.1), 1e4 + rng.uniform(0, 1, 1_000_000)):
        a = a.astype("float32")
        true = math.fsum(a.tolist())
        assert abs(ng.sum(a).item() - true) <= abs(float(np.sum(a)) - true) + abs(true) * 2**-24
        assert abs(ng.mean(a).item() * 1e6 - true) <= abs(float(np.mean(a)) * 1e6 - true) + abs(true) * 2**-23
        columns = a.reshape(100_000, 10)
        want = np.array([math.fsum(c.tolist()) for c in columns.T])
        bound = np.abs(columns.sum(0).astype(float) - want) + np.abs(want) * 2**-24
        assert (np.abs(ng.sum(columns, 0).numpy() - want) <= bound).all()


def test_sums_of_float64_are_good_to_the_last_digits(rng):
    for a in (rng.uniform(0, 1, 300_000), np.full(300_000, 0.1)):
        true = math.fsum(a)
        assert abs(ng.sum(a).item() - true) <= abs(true) * 2**-48


@pytest.mark.parametrize("axis", [None, 0, (0, 2), (1, 2), ()], ids=str)
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "ptp"])
def test_gradients_of_both_orders(name, axis, rng):
    x = rng.permutation(np.linspace(-1.5, 1.6, 24)).reshape(SHAPE)
    for keepdims in (False, True):
        ng.gradcheck(lambda x, k=keepdims: getattr(ng, name)(x, axis, k), x, order=2, directions=1, rtol=1e-4)


@pytest.mark.parametrize("zeros", [0, 1, 2, 3])
def test_gradient_of_a_product_with_zeros(zeros):
    a = np.array([2.0, -3.0, 0.5, 4.0])
    a[:zeros] = 0.0
    want = np.array([np.prod(np.delete(a, i)) for i in range(4)])
    np.testing.assert_allclose(ng.grad(ng.prod)(a).numpy(), want, rtol=1e-14)
    h = ng.hessian(ng.prod)(a).numpy()
    for i, j in itertools.product(range(4), repeat=2):
        np.testing.assert_allclose(h[i, j], 0.0 if i == j else np.prod(np.delete(a, [i, j])), rtol=1e-13)
    rows = np.stack([a, a[::-1]])
    np.testing.assert_allclose(ng.grad(lambda x: ng.prod(x, axis=1).sum())(rows).numpy(), np.stack([want, want[::-1]]), rtol=1e-14)


@pytest.mark.parametrize("name", ["max", "min"])
def test_ties_share_the_gradient_equally(name):
    sign = 1.0 if name == "max" else -1.0
    f = getattr(ng, name)
    np.testing.assert_array_equal(ng.grad(f)(sign * np.array([1.0, 3.0, 3.0, 2.0])).numpy(), [0.0, 0.5, 0.5, 0.0])
    a = sign * np.array([[1.0, 1.0], [0.0, 1.0]])
    np.testing.assert_array_equal(ng.grad(lambda x: f(x, axis=0).sum())(a).numpy(), [[1.0, 0.5], [0.0, 0.5]])
    np.testing.assert_allclose(ng.grad(f)(a).numpy(), np.array([[1, 1], [0, 1]]) / 3)
    np.testing.assert_array_equal(ng.grad(f)(np.zeros((2, 2))).numpy(), np.full((2, 2), 0.25))


def test_a_lane_of_nan_leaves_the_gradient_of_the_others_alone():
    a = np.array([[1.0, np.nan, 2.0], [1.0, 3.0, 2.0]])
    g = ng.grad(lambda x: ng.max(x, axis=1)[1])(a).numpy()
    np.testing.assert_array_equal(g[1], [0.0, 1.0, 0.0])
    g = ng.grad(lambda x: ng.where(np.array([False, True]), ng.sum(x, axis=1), 0.0).sum())(a).numpy()
    np.testing.assert_array_equal(g, [[0.0] * 3, [1.0] * 3])


def test_the_gradient_of_an_empty_reduction_is_empty():
    for f in (ng.sum, ng.mean, ng.prod):
        assert ng.grad(f)(np.zeros((0, 3))).shape == (0, 3)


def test_tests_and_indices_have_no_gradient():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    for name in TESTS + ARGS:
        assert not getattr(ng, name)(x).requires_grad
