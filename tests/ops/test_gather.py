"""Reading and writing by index, against NumPy; sums over repeated indices; gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.ops import gather

WIDTHS = ("bool", "int8", "uint16", "float32", "float64")


def same(got, want):
    got = got.detach().numpy()
    assert got.dtype == want.dtype
    assert got.shape == want.shape
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("indices", [1, -1, [0, 1, 1], [[1, 0], [-2, 1]], np.zeros((0,), int), np.uint8([1])], ids=str)
def test_take(axis, indices, rng):
    for dtype in WIDTHS:
        x = (rng.standard_normal((2, 3, 2)) * 3).astype(dtype)
        same(gather.take(ng.tensor(x), indices, axis), np.take(x, indices, axis))
    same(gather.take(ng.tensor(x.T), ng.tensor(indices), axis), np.take(x.T, indices, axis))
    assert ng.gradcheck(lambda x: gather.take(x, indices, axis) ** 2.0, rng.standard_normal((2, 3, 2)), order=2)


@pytest.mark.parametrize("mode", ["wrap", "clip"])
def test_take_outside(mode, rng):
    x = rng.standard_normal((3, 2))
    indices = [5, -7, 2, 3, -1]
    same(gather.take(ng.tensor(x), indices, 0, mode), np.take(x, indices, 0, mode=mode))


def test_take_of_rows_longer_than_a_tile_and_many_short_ones(rng):
    x = rng.standard_normal((3, 40_001)).astype("float32")
    same(gather.take(ng.tensor(x), [2, 0], 0), x[[2, 0]])
    indices = rng.integers(-500, 500, 30_000)
    y = rng.standard_normal((2, 500, 3))
    same(gather.take(ng.tensor(y), indices, 1), y[:, indices])
    same(gather.take(ng.tensor(y[:, :, 0]), indices, 1), y[:, indices, 0])


def test_kernels_read_nothing_outside_when_indices_are_not_checked():
    for x, fill in ((np.ones((2, 2), "float32"), np.nan), (np.ones((2, 2), "float64"), np.nan), (np.ones((2, 2), "int32"), 0)):
        for row in (x, x[:, :1].copy()):
            got = gather.take_rows(ng.tensor(row), ng.tensor([1, 2, -3]), axis=0).numpy()
            np.testing.assert_array_equal(got[1:], np.full_like(got[1:], fill))
        each = gather.take_each(ng.tensor(x), ng.tensor([[0, 9]] * 2), axis=1).numpy()
        np.testing.assert_array_equal(each, np.array([[1, fill]] * 2, x.dtype))
        added = gather.scatter_sum(ng.tensor(x), ng.tensor([-1, 5]), axis=0, size=2).numpy()
        np.testing.assert_array_equal(added, [[0, 0], [1, 1]])


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_scatters_like_a_loop(data):
    shape = tuple(data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)))
    axis = data.draw(st.integers(0, len(shape) - 1))
    n = shape[axis]
    of = tuple(data.draw(st.lists(st.integers(0, 3), max_size=2)))
    indices = np.array(data.draw(st.lists(st.integers(-n, n - 1), min_size=int(np.prod(of)), max_size=int(np.prod(of)))), int).reshape(of)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    x = rng.integers(-9, 9, shape).astype("float32")
    v = rng.integers(-9, 9, shape[:axis] + of + shape[axis + 1 :]).astype("float32")
    index = (slice(None),) * axis + (indices,)
    added, put = x.copy(), x.copy()
    np.add.at(added, index, v)
    put[index] = v
    same(gather.scatter_add(ng.tensor(x), indices, v, axis), added)
    same(gather.scatter(ng.tensor(x), indices, v, axis), put)


@pytest.mark.parametrize("inner", [(), (70,), (5, 3)])
def test_large_scatters(inner, rng):
    x, indices = rng.integers(0, 9, (300, *inner)), rng.integers(-300, 300, 5_000)
    v = rng.integers(0, 9, (5_000, *inner))
    want = x.copy()
    np.add.at(want, indices, v)
    same(gather.scatter_add(ng.tensor(x), indices, v), want)
    want[indices] = v
    same(gather.scatter(ng.tensor(want * 0 + x), indices, v), np.where(np.isin(np.arange(300), indices % 300).reshape((-1,) + (1,) * len(inner)), want, x))


def test_order_of_sums_is_that_of_the_indices():
    v = np.array([1e8, 1.0, -1e8, 1.0], "float32")
    total = np.float32(0)
    for number in v:
        total = np.float32(total + number)
    same(gather.scatter_add(np.zeros(1, "float32"), [0, 0, 0, 0], v), np.array([total]))


@pytest.mark.parametrize(("size", "n", "inner"), [(300, 9000, 5), (30, 9000, 5), (3000, 2000, 40), (3000, 20_000, 1), (10, 50_000, 1)])
def test_sums_do_not_depend_on_the_number_of_threads(size, n, inner, rng):
    x, v, indices = np.zeros((size, inner), "float32"), rng.standard_normal((n, inner)).astype("float32"), rng.integers(0, size, n)
    before = ng.get_num_threads()
    try:
        found = []
        for threads in sorted({1, before}):
            ng.set_num_threads(threads)
            found.append(gather.scatter_add(ng.tensor(x), indices, v).numpy())
    finally:
        ng.set_num_threads(before)
    assert all(f.tobytes() == found[0].tobytes() for f in found)
    want = x.astype("float64")
    np.add.at(want, indices, v)
    np.testing.assert_allclose(found[0], want, rtol=1e-4, atol=1e-4)


def test_many_wrong_indices_are_found_too(rng):
    for dtype in ("int64", "int32", "uint16", "uint64"):
        indices = rng.integers(0, 1000, 40_000).astype(dtype)
        same(gather.take(np.arange(1000.0), indices), indices.astype("float64"))
        indices[33_333] = 1000
        with pytest.raises(ng.IndexRangeError, match=r"index 1000 \(at 33333\)"):
            gather.take(np.arange(1000.0), indices)
    indices = np.zeros(40_000, "uint64")
    indices[1] = 2**64 - 1
    with pytest.raises(ng.IndexRangeError, match=r"\(at 1\)"):
        gather.take(np.arange(1000.0), indices)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("indices", [[0, 2, 0], [[1, 1], [0, -1]], 1], ids=str)
def test_gradients_of_scatters(axis, indices, rng):
    x = rng.standard_normal((3, 3))
    v = rng.standard_normal(x.shape[:axis] + np.shape(indices) + x.shape[axis + 1 :])
    assert ng.gradcheck(lambda x, v: gather.scatter_add(x, indices, v, axis) ** 2.0, x, v, order=2)
    assert ng.gradcheck(lambda x, v: gather.scatter(x, indices, v, axis) ** 2.0, x, v, order=2)


def test_scatter_keeps_the_dtype_and_broadcasts():
    x = np.zeros((2, 3), "int32")
    same(gather.scatter(ng.tensor(x), [1], 2.7, 1), np.array([[0, 2, 0]] * 2, "int32"))
    same(gather.scatter_add(ng.tensor(x), [0, 0], 1), np.array([[2] * 3, [0] * 3], "int32"))
    same(gather.scatter_add(ng.tensor(x.astype("float32")), [0, 0], 0.5), np.array([[1] * 3, [0] * 3], "float32"))
    same(gather.scatter(ng.tensor([True, False]), [1], True), np.array([True, True]))
    with pytest.raises(ng.ShapeError, match=r"v is \(3, 3\)"):
        gather.scatter(ng.tensor(x), [1], np.zeros((3, 3)))


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_along_an_axis(axis, rng):
    for dtype in WIDTHS:
        x = (rng.standard_normal((3, 4, 2)) * 3).astype(dtype)
        indices = rng.integers(-2, 2, 7 if axis is None else x.shape)
        if axis is None:
            same(gather.take_along_axis(ng.tensor(x.ravel()), indices, 0), np.take_along_axis(x, indices, None))
        same(gather.take_along_axis(ng.tensor(x), indices, axis), np.take_along_axis(x, indices, axis))
    assert ng.gradcheck(lambda x: gather.take_along_axis(x, indices, axis) ** 2.0, rng.standard_normal((3, 4, 2)), order=2)


def test_along_an_axis_broadcasts(rng):
    x, indices = rng.standard_normal((1, 4, 3)), rng.integers(0, 4, (2, 5, 1))
    same(gather.take_along_axis(ng.tensor(x), indices, 1), np.take_along_axis(x, indices, 1))
    with pytest.raises(ng.ShapeError, match="same number of axes"):
        gather.take_along_axis(ng.tensor(x), indices[0], 1)
    with pytest.raises(ng.ShapeError, match="do not broadcast"):
        gather.take_along_axis(ng.tensor(x), rng.integers(0, 4, (2, 5, 2)), 1)


def test_along_an_axis_in_many_tiles(rng):
    x, indices = rng.standard_normal((40, 900)), rng.integers(-40, 40, (35, 900))
    same(gather.take_along_axis(ng.tensor(x), indices, 0), np.take_along_axis(x, indices, 0))
    want = np.zeros((40, 900))
    np.add.at(want, (indices, np.arange(900)), 1.0)
    same(gather.add_along_axis(np.zeros((40, 900)), indices, 1.0, 0), want)


@pytest.mark.parametrize("axis", [0, 1])
def test_add_along_an_axis(axis, rng):
    x, v = rng.standard_normal((2, 3)), rng.standard_normal((2, 3))
    indices = rng.integers(-2, 2, (2, 3))
    want = x.copy()
    np.add.at(want, (indices, np.arange(3)) if axis == 0 else (np.arange(2)[:, None], indices), v)
    np.testing.assert_allclose(gather.add_along_axis(ng.tensor(x), indices, v, axis).numpy(), want, rtol=1e-15)
    assert ng.gradcheck(lambda x, v: gather.add_along_axis(x, indices, v, axis) ** 2.0, x, v, order=2)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_one_hot(axis):
    indices = np.array([[2, 0, 1], [1, 1, 3]])
    got = gather.one_hot(indices, 4, axis=axis)
    same(got, np.moveaxis(np.eye(4, dtype="float32")[indices], -1, axis))
    for dtype in ("bool", "int8", "float64"):
        same(gather.one_hot(indices, 4, dtype, axis), np.moveaxis(np.eye(4, dtype=dtype)[indices], -1, axis))
    with pytest.raises(ng.NbgradError, match="index 4 .*out of range") as caught:
        gather.one_hot([0, 4], 4)
    assert isinstance(caught.value, IndexError)
    with pytest.raises(IndexError, match="index -1"):
        gather.one_hot([-1], 4)


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(side, rng):
    a = np.sort(rng.integers(0, 20, 30)).astype("float64")
    v = rng.integers(-2, 23, (3, 4)).astype("float64")
    for sorted_, wanted in ((a, v), (np.append(a, [np.inf, np.nan, np.nan]), np.append(v, [np.nan, np.inf])), (a[:0], v), (a.astype("int64"), v)):
        same(gather.searchsorted(ng.tensor(sorted_), wanted, side), np.searchsorted(sorted_, wanted, side))
    order = rng.permutation(30)
    same(gather.searchsorted(a[order], 7.0, side, np.argsort(a[order])), np.asarray(np.searchsorted(a, 7.0, side)))
    many = rng.standard_normal(40_000)
    same(gather.searchsorted(np.sort(many[:1000]), many, side), np.searchsorted(np.sort(many[:1000]), many, side))


@pytest.mark.parametrize(("call", "error", "text"), [
    (lambda x: gather.take(x, [0, 3], 1), IndexError, r"index 3 \(at 1\) is out of range for axis 1 of length 3"),
    (lambda x: gather.take(x, -7), IndexError, "index -7 is out of range for axis 0 of length 6"),
    (lambda x: gather.take(x[:0], 0, 0), IndexError, "of length 0"),
    (lambda x: gather.take(x, [0.0]), TypeError, "must be integers"),
    (lambda x: gather.take(x, [True]), TypeError, "must be integers"),
    (lambda x: gather.take(x, 0, mode="loop"), ValueError, "mode='loop'"),
    (lambda x: gather.take(x, 0, axis=2), ValueError, "axis 2 is out of range"),
    (lambda x: gather.scatter_add(x, [[0, 2]], 1.0), IndexError, r"index 2 \(at \(0, 1\)\)"),
    (lambda x: gather.take_along_axis(x, [[3]], 1), IndexError, "index 3"),
    (lambda x: gather.searchsorted(x, 0.0), ValueError, "a vector"),
    (lambda x: gather.searchsorted(x[0], 0.0, "middle"), ValueError, "side='middle'"),
    (lambda x: gather.one_hot([0], -1), ValueError, "num_classes=-1 is not 0 or more"),
    (lambda x: gather.one_hot([0], 1.5), ValueError, "num_classes must be an integer"),
])  # fmt: skip
def test_errors_of_gathers_have_three_lines(call, error, text):
    with pytest.raises(error, match=text) as caught:
        call(ng.zeros((2, 3)))
    assert isinstance(caught.value, ng.NbgradError)
    lines = str(caught.value).splitlines()
    assert len(lines) == 3
    assert "test_gather.py" in lines[1]


@pytest.mark.cuda
@pytest.mark.parametrize("call", [
    lambda x, i: x[i], lambda x, i: x[:, i], lambda x, i: x[i, i], lambda x, i: ng.take(x, i, 1), lambda x, i: ng.scatter(x, i, 2.0),
    lambda x, i: ng.scatter_add(x, i, np.ones((2, 3))), lambda x, i: ng.scan(lambda c, r: (c + r[i].sum(), None), 0.0, x)[0],
])  # fmt: skip
def test_indices_of_the_host_into_what_a_device_holds(call, rng):
    a, i = rng.standard_normal((3, 3)), np.array([0, 2])
    x, f = ng.tensor(a, device="cuda"), ng.compile(lambda x: call(x, i))
    np.testing.assert_allclose(call(x, i).numpy(), call(ng.tensor(a), i).numpy())
    np.testing.assert_allclose(f(x).numpy(), call(ng.tensor(a), i).numpy())
    i[0] = 1
    np.testing.assert_allclose(f(x).numpy(), call(ng.tensor(a), i).numpy())
    i[1] = 3
    with pytest.raises(IndexError, match="3 .at 1. is out of range"):
        f(x)
