"""What a run returns: arrays of its own, views of arguments, the arguments themselves, constants."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.compiling.making import array_at, view_at
from nbgrad.plan.calls import Ref
from nbgrad.plan.plan import Layout
from tests.compiling.test_compile import same

X = np.arange(24.0).reshape(2, 3, 4)


def calls(f, *arrays):
    """Return (arguments, results) of two calls of a compiled function, its results those of the function itself."""
    compiled, found = ng.compile(f), []
    for k in (1.0, -3.0):
        args = [ng.tensor((a * k).astype(a.dtype)) for a in arrays]
        out = compiled(*args)
        same(out, f(*[ng.tensor(a.numpy().copy()) for a in args]))
        found.append((args, out))
    return found


VIEWS = {
    "a slice": lambda x: x[1:, :2],
    "backwards": lambda x: x[::-1, :, ::-1],
    "backwards in steps": lambda x: x[:, ::-2],
    "turned": lambda x: x.T,
    "an element": lambda x: x[1, 2, 3],
    "with new axes": lambda x: x[:, None, 0],
    "reshaped": lambda x: x.reshape(6, 4),
    "repeated": lambda x: ng.broadcast_to(x[:, :1], x.shape),
    "nothing": lambda x: x[:0],
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_of_an_argument_are_views(name):
    for (x,), out in calls(VIEWS[name], X):
        want = VIEWS[name](x).numpy()
        assert out.shape == want.shape
        assert np.shares_memory(out.numpy(), x.numpy()) == np.shares_memory(want, x.numpy())
        if out.size:
            x[...] = 7.0
            assert (out.numpy() == 7.0).all(), "writes to the argument are seen through the view"


@pytest.mark.parametrize("layout", [lambda a: a[::-1], lambda a: a[:, ::-1, ::2], lambda a: a.T, lambda a: a[1:, 1:, 1:]])
@pytest.mark.parametrize("name", VIEWS)
def test_views_of_arguments_of_all_layouts(name, layout):
    f = VIEWS[name] if name != "reshaped" else lambda x: x.reshape(-1)
    compiled = ng.compile(f)
    for k in (1.0, 2.0):
        x = ng.tensor(layout(np.pad(X, 2, constant_values=99.0) * k))
        same(compiled(x), f(x))


def test_a_write_through_a_view_counts_as_one_to_the_argument():
    x = ng.tensor(np.ones(4))
    view = ng.compile(lambda x: x[1:3])(x)
    w = ng.tensor(np.ones(4), requires_grad=True)
    y = (w * x).sum()
    view[...] = 5.0
    with pytest.raises(ng.GradientError, match="written in place"):
        y.backward()


def test_an_argument_comes_back_as_itself():
    f = ng.compile(lambda x, y: [x, y * 1.5, x, y])
    for _ in range(3):
        x, y = ng.tensor(X), ng.tensor(X + 1.0)
        out = f(x, y)
        assert out[0] is x and out[2] is x and out[3] is y
        same(out[1], y * 1.5)


def test_a_written_argument_comes_back_as_itself():
    def f(x):
        x += 1.0
        return x, x[0]

    x = ng.tensor(X.copy())
    out, first = ng.compile(f)(x)
    assert out is x
    np.testing.assert_array_equal(x.numpy(), X + 1.0)
    assert np.shares_memory(first.numpy(), x.numpy())


def test_constants_are_copied_for_each_call():
    f = ng.compile(lambda x: [ng.tensor([1.0, 2.0]) * 1.0, ng.zeros(3), ng.tensor(np.arange(4.0))[::-1]])
    first = f(ng.tensor(1.0))
    for t in first:
        t[...] = 9.0
    assert [t.tolist() for t in f(ng.tensor(1.0))] == [[1.0, 2.0], [0.0, 0.0, 0.0], [3.0, 2.0, 1.0, 0.0]]


def test_what_a_function_makes_and_writes_is_new_at_each_call():
    def f(x):
        made, other = ng.zeros(4), ng.ones((2, 2))
        made[1:3] = x
        other *= made[1]
        return made, made[::-1], other.T, made * 2.0

    for (x,), out in calls(f, np.array([5.0, 6.0])):
        assert out[0].numpy()[1:3].tolist() == x.tolist()
        for t in out:
            t[...] = -1.0


def test_what_a_function_makes_and_writes_has_gradients():
    def f(x):
        made = ng.zeros(4)
        made[1:3] = x * x
        return made, made.sum()

    x = ng.tensor([5.0, 6.0])
    compiled = ng.compile(f)
    loss = lambda f: ng.grad(lambda x: (lambda a, b: (a * a).sum() + b)(*f(x)))
    for k in (1.0, 2.0):
        same(loss(compiled)(x * k), loss(f)(x * k), 1e-13)


def test_parts_of_one_value_share_its_memory_and_no_others():
    def f(x):
        y = ng.exp(x * 0.01)
        return y, y[0], y.T

    (_, first), (_, second) = calls(f, X)
    assert np.shares_memory(first[0].numpy(), first[1].numpy())
    assert np.shares_memory(first[0].numpy(), first[2].numpy())
    assert not np.shares_memory(first[0].numpy(), second[0].numpy())


def test_values_that_are_no_arrays_are_themselves():
    word = object()
    f = ng.compile(lambda x: {"x": x * 2.0, "word": word, "none": None, "n": 3})
    for _ in range(2):
        out = f(ng.tensor(1.0))
        assert (out["word"], out["none"], out["n"], out["x"].item()) == (word, None, 3, 2.0)


def test_views_by_refs():
    a = np.arange(12.0).reshape(3, 4)
    view = view_at(a, Ref(0, Layout((2, 2), (4, -2), "float64"), 8 * 6))
    np.testing.assert_array_equal(view, [[6.0, 4.0], [10.0, 8.0]])
    view[0, 0] = 99.0
    assert a[1, 2] == 99.0
    back = view_at(a[::-1], Ref(0, Layout((3, 4), (4, 1), "float64"), 0), 8 * 8)
    np.testing.assert_array_equal(back, a)


def test_an_array_keeps_its_owner():
    a = np.arange(4, dtype=np.int32)
    view = array_at(a.ctypes.data + 4, Layout((2,), (1,), "int32"), a)
    del a
    junk = [np.full(4, 7, np.int32) for _ in range(100)]
    assert view.tolist() == [1, 2]
    assert len(junk) == 100
