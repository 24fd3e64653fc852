"""In-place writes: NumPy's numbers in the same memory, finite differences' gradients, and refusals that change nothing."""

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbgrad as ng
from nbgrad.base.errors import DtypeError, GradientError, ShapeError
from nbgrad.tensor import writes

IN_PLACE = ["iadd", "isub", "imul", "itruediv", "ifloordiv", "imod", "ipow"]


@pytest.mark.parametrize("name", IN_PLACE)
@pytest.mark.parametrize("tracked", [False, True])
def test_operators_write_numpys_numbers_into_the_same_memory(name, tracked, rng, dtype):
    f = getattr(operator, name)
    for other in (2, 1.5, rng.uniform(1, 2, 4).astype(dtype), rng.uniform(1, 2, (3, 1)), rng.uniform(1, 2, (3, 4)).astype("float32")):
        a = rng.uniform(1, 3, (3, 4)).astype(dtype)
        t = ng.tensor(a.copy(), requires_grad=tracked) * 1.0
        memory, want = t.numpy(), a.copy()
        want = f(want, other)
        got = f(t, ng.tensor(other) if isinstance(other, np.ndarray) else other)
        assert got is t
        assert t.numpy() is memory
        assert (t.dtype, t.requires_grad) == (dtype, tracked and name != "ifloordiv")
        np.testing.assert_allclose(memory, want, rtol=1e-6 if dtype == "float32" else 1e-14, atol=1e-6 if dtype == "float32" else 0)


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "ifloordiv", "iand", "ior", "ixor", "ilshift", "irshift"])
def test_operators_of_integers(name):
    f, a = getattr(operator, name), np.array([7, -3, 12])
    for other in (2, np.array([3, 5, 4]), np.array([3], "int8")):
        t, want = ng.tensor(a.copy()), a.copy()
        assert f(t, other) is t
        np.testing.assert_array_equal(t.numpy(), f(want, other))


def test_an_operand_that_overlaps_is_read_before_it_is_written():
    for move in (lambda v: v[::-1], lambda v: v, lambda v: v[:1], lambda v: v[-1]):
        a, t = np.arange(1.0, 6.0), ng.tensor(np.arange(1.0, 6.0))
        a += move(a)
        t += move(t)
        np.testing.assert_array_equal(t.numpy(), a)
    a, t = np.arange(6.0), ng.tensor(np.arange(6.0))
    a[1:] *= a[:-1]
    t[1:] *= t[:-1]
    np.testing.assert_array_equal(t.numpy(), a)
    a, t = np.arange(4.0).reshape(2, 2), ng.tensor(np.arange(4.0).reshape(2, 2))
    a -= a.T
    t -= t.T
    np.testing.assert_array_equal(t.numpy(), a)


def test_numbers_are_cast_to_the_dtype_that_is_there():
    t = ng.tensor(np.zeros(3, "float32"))
    t[0], t[1], t[2] = 1, np.float64(2.5), True
    t[1:] += ng.tensor([1.0, 1.0])
    assert t.dtype == "float32"
    np.testing.assert_array_equal(t.numpy(), np.array([1.0, 3.5, 2.0], "float32"))
    n = ng.tensor([1, 2, 3])
    n[0] = 7.9
    assert n.tolist() == [7, 2, 3]


@pytest.mark.parametrize(
    ("error", "call"),
    [
        (ShapeError, lambda t: operator.iadd(t, ng.ones((2, 3)))),
        (ShapeError, lambda t: operator.iadd(t, ng.ones(2))),
        (ShapeError, lambda t: operator.setitem(t, slice(0, 2), [1.0, 2.0, 3.0])),
        (ShapeError, lambda t: operator.setitem(t, Ellipsis, np.ones((2, 3)))),
        (DtypeError, lambda t: operator.itruediv(t.astype("int64"), 2)),
        (DtypeError, lambda t: operator.iadd(t.astype("int64"), ng.ones(3))),
        (DtypeError, lambda t: operator.iand(t, 1)),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(error, call):
    t = ng.tensor([1.0, 2.0, 3.0])
    with pytest.raises(error) as caught:
        call(t)
    assert len(str(caught.value).splitlines()) == 3
    assert t.tolist() == [1.0, 2.0, 3.0]
    assert writes(t) == [0]


def test_every_write_counts_one_version_for_all_views():
    t = ng.zeros(4)
    view = t[1:]
    t += 1.0
    view[0] = 5.0
    t.fill(2.0)
    t[[0, 1]] = 3.0
    t.sort()
    assert t.version is view.version
    assert writes(t) == [5]
    assert t.tolist() == [2.0, 2.0, 3.0, 3.0]
    empty = t[:0]
    empty[...] = 7.0
    assert t.tolist() == [2.0, 2.0, 3.0, 3.0]


def test_a_write_to_a_leaf_under_no_grad_is_noticed_by_what_was_recorded_before():
    w, x = ng.tensor([2.0], requires_grad=True), ng.tensor([3.0], requires_grad=True)
    z = (w * x).sum()
    with ng.no_grad():
        w -= 1.0
    with pytest.raises(GradientError, match=r"mul: its backward reads . of shape \(1,\), which was written in place 1 time"):
        z.backward()
    (w * x).sum().backward()
    assert x.grad.item() == 1.0


def scaled(y, x):
    y *= 3.0
    y /= 2.0
    y[2] *= -1.0
    return y * x


def shifted(y, x):
    y[1:] += x[:-1] * x[1:]
    y -= x[-1]
    return y


def overwritten(y, x):
    y[::2] = ng.sin(x[::2])
    return y


def through_two_views(y, x):
    view = y[1:]
    inner = view[::2]
    inner *= 2.0
    view += y[:-1]
    inner[0] = x[0]
    return view * y[:-1] + inner.sum()


def masked(y, x):
    y[y > 0.5] = x[0]
    return y


def gathered(y, x):
    y[[2, 0]] += x[[1, 1]]
    return y


def filled_and_sorted(y, x):
    y.sort()
    y[0].fill(x[3])
    return y


def mirrored(y, x):
    y -= y[::-1]
    y += y
    return y


STEPS = [scaled, shifted, overwritten, through_two_views, masked, gathered, filled_and_sorted, mirrored]


@pytest.mark.parametrize("step", STEPS, ids=lambda f: f.__name__)
def test_the_gradient_of_a_write_is_the_finite_difference(step, rng):
    def f(x):
        y = ng.tanh(x) * 1.5
        return step(y, x) * y.sum()

    ng.gradcheck(f, rng.permutation(np.linspace(-1.3, 1.1, 5)), order=2, directions=1, rtol=1e-4)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([scaled, shifted, overwritten, gathered, mirrored]), min_size=2, max_size=4))
def test_chains_of_writes(steps):
    def f(x):
        y = x * 1.0
        for step in steps:
            y = step(y, x)
        return ng.tanh(y).sum()

    ng.gradcheck(f, np.linspace(-0.9, 0.8, 4), directions=1, rtol=1e-4)


def test_a_product_in_place_overwrites_what_its_own_backward_reads():
    x = ng.tensor([2.0], requires_grad=True)
    y = x * 1.0
    y *= x
    with pytest.raises(GradientError, match=r"written in place 1 time.*\n.*, in test_a_product.*\n  try: write to a copy"):
        y.sum().backward()


def test_a_gradient_flows_to_what_was_written_and_not_to_what_it_replaced():
    x, v = ng.tensor([1.0, 2.0], requires_grad=True), ng.tensor(5.0, requires_grad=True)
    y = x * 3.0
    y[...] = v
    y.sum().backward()
    assert x.grad is None
    assert v.grad.item() == 2.0


def test_constants_become_tracked_by_a_tracked_write():
    buffer, x = ng.zeros((2, 2)), ng.tensor([1.0, 2.0], requires_grad=True)
    for i in range(2):
        buffer[i] = x * (i + 1.0)
    assert buffer.requires_grad
    buffer.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 3.0])


def test_out_of_a_ufunc_is_a_write():
    x, out = ng.tensor([1.0, 2.0], requires_grad=True), ng.zeros(2)
    np.multiply(x, 3.0, out=out)
    out.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [3.0, 3.0])
    leaf = ng.tensor([0.0, 0.0], requires_grad=True)
    with pytest.raises(GradientError, match="a leaf of shape"):
        np.multiply(x, 3.0, out=leaf)
