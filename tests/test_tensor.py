"""The tensor against NumPy: construction, operators, methods, indexing, in-place writes, protocols."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nbgrad as ng
from nbgrad.base.errors import DtypeError, GradientError, NbgradError, ShapeError


def test_an_array_is_used_without_a_copy():
    a = np.arange(6.0).reshape(2, 3)
    t = ng.tensor(a)
    assert t.numpy() is a
    t[0, 0] = 9.0
    assert a[0, 0] == 9.0
    assert np.shares_memory(ng.tensor(a[:, ::2]).numpy(), a)


@pytest.mark.parametrize(
    "dtype", ["bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64"]
)
def test_dtypes_are_kept(dtype):
    t = ng.tensor(np.ones(3, dtype))
    assert t.dtype == dtype
    assert (t.reshape(3, 1)).dtype == dtype


def test_python_numbers_are_numpys():
    assert ng.tensor([1.0, 2.0]).dtype == "float64"
    assert ng.tensor([1, 2]).dtype == "int64"
    assert ng.tensor(True).dtype == "bool"
    assert ng.tensor([1, 2], dtype="float32").dtype == "float32"
    assert ng.tensor([ng.tensor(1.0), 2.0]).shape == (2,)


@pytest.mark.parametrize("bad", [np.array([1j]), np.array(["a"]), np.array([None]), np.ones(2, "float16")])
def test_other_dtypes_are_refused(bad):
    with pytest.raises(DtypeError, match="try: "):
        ng.tensor(bad)


def test_ragged_lists_are_refused():
    with pytest.raises(ShapeError, match="different lengths"):
        ng.tensor([[1.0], [1.0, 2.0]])


def test_python_scalars_are_weak():
    x = ng.tensor(np.ones(2, "float32"))
    for y in (x + 1, x * 2.0, 2.0 / x, x**2, 1 - x, x // 2, x % 2):
        assert y.dtype == "float32"
    assert (ng.tensor([1, 2]) * 2.0).dtype == "float64"
    assert (ng.tensor([1, 2]) / 2).dtype == "float64"
    assert (ng.tensor(np.ones(2, "int8")) + 1).dtype == "int8"


BINARY = ["__add__", "__sub__", "__mul__", "__truediv__", "__floordiv__", "__mod__", "__pow__", "__lt__", "__le__", "__gt__", "__ge__",
          "__eq__", "__ne__", "__radd__", "__rsub__", "__rmul__", "__rtruediv__", "__rpow__"]  # fmt: skip


@pytest.mark.parametrize("name", BINARY)
def test_operators(name, rng):
    a, b = rng.uniform(0.5, 3, (3, 4)), rng.uniform(0.5, 3, (4,))
    for other in (b, 2.0, 2):
        got = getattr(ng.tensor(a), name)(ng.tensor(b) if other is b else other)
        np.testing.assert_allclose(got.numpy(), getattr(a, name)(other), rtol=1e-14)


def test_operators_with_arrays_on_the_left():
    t = ng.tensor([1.0, 2.0], requires_grad=True)
    a = np.array([3.0, 4.0])
    for got in (a * t, a + t, a - t, np.float64(2.0) * t):
        assert isinstance(got, ng.Tensor)
        assert got.requires_grad


def test_bit_operators():
    a, b = np.array([1, 2, 3]), np.array([3, 1, 2])
    for name in ("__and__", "__or__", "__xor__", "__lshift__", "__rshift__"):
        np.testing.assert_array_equal(getattr(ng.tensor(a), name)(ng.tensor(b)).numpy(), getattr(a, name)(b))
    np.testing.assert_array_equal((~ng.tensor([True, False])).numpy(), [False, True])
    np.testing.assert_array_equal((~ng.tensor(a)).numpy(), ~a)


METHODS = [
    ("sum", ()), ("sum", (0,)), ("mean", (1,)), ("prod", (0,)), ("max", ()), ("min", (1,)), ("argmax", ()), ("argmin", (1,)), ("var", ()),
    ("std", (0,)), ("cumsum", (1,)), ("cumprod", (0,)), ("any", ()), ("all", (0,)), ("reshape", (4, 3)), ("reshape", ((2, -1),)),
    ("transpose", ()), ("swapaxes", (0, 1)), ("squeeze", ()), ("ravel", ()), ("flatten", ()), ("repeat", (2, 1)), ("take", ([0, 2],)),
    ("diagonal", ()), ("trace", ()), ("argsort", ()), ("round", ()), ("round", (1,)), ("clip", (-0.5, 0.5)), ("tolist", ()), ("copy", ()),
    ("astype", ("float32",)), ("astype", ("int64",)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), METHODS, ids=lambda v: v if isinstance(v, str) else str(v))
def test_methods_of_ndarray(name, args, rng):
    a = rng.standard_normal((3, 4)) * 3
    got, want = getattr(ng.tensor(a), name)(*args), getattr(a, name)(*args)
    got = got if isinstance(got, list) else got.numpy()
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-12)


def test_attributes():
    t = ng.tensor(np.zeros((2, 3), "float32"))
    assert (t.shape, t.ndim, t.size, t.nbytes, t.itemsize, len(t)) == ((2, 3), 2, 6, 24, 4, 2)
    assert t.T.shape == (3, 2)
    assert t.mT.shape == (3, 2)
    assert t.device == "cpu"


def test_scalars_out():
    t = ng.tensor([[2.5]])
    assert float(t) == 2.5
    assert int(t) == 2
    assert bool(t)
    assert t.item() == 2.5
    assert [ng.tensor([1, 2, 3])[i].item() for i in range(3)] == [1, 2, 3]
    assert [1, 2, 3][ng.tensor(1)] == 2
    assert f"{ng.tensor(1.23456):.2f}" == "1.23"
    with pytest.raises(ShapeError, match="one element"):
        float(ng.tensor([1.0, 2.0]))
    with pytest.raises(ShapeError, match="any"):
        bool(ng.tensor([1.0, 2.0]))


def test_iteration_and_membership():
    t = ng.tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    rows = list(t)
    assert len(rows) == 3
    assert rows[1].requires_grad
    assert 5.0 in t
    with pytest.raises(TypeError):
        iter(ng.tensor(1.0))
    with pytest.raises(TypeError):
        len(ng.tensor(1.0))


def test_repr():
    assert repr(ng.tensor([1.0, 2.0])) == "tensor([1., 2.])"
    assert repr(ng.tensor(np.ones(1, "float32"))) == "tensor([1.], dtype=float32)"
    x = ng.tensor([1.0], requires_grad=True)
    assert repr(x) == "tensor([1.], requires_grad=True)"
    assert repr(x * 2.0) == "tensor([2.], made by mul)"
    assert "<table>" in ng.tensor(np.ones((20, 20)))._repr_html_()
    assert "<pre>" in ng.tensor(np.ones((2, 2, 2)))._repr_html_()
    assert "made by" in (x * 2.0)._repr_html_()


def index_strategy(shape):
    return hnp.basic_indices(shape, min_dims=0, allow_ellipsis=True, allow_newaxis=True)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_basic_indexing_is_numpys(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    index = data.draw(index_strategy(shape))
    a = np.arange(np.prod(shape), dtype=float).reshape(shape)
    x = ng.tensor(a.copy(), requires_grad=True)
    got = x[index]
    np.testing.assert_array_equal(got.detach().numpy(), a[index])
    got.sum().backward()
    want = np.zeros(shape)
    want[index] = 1.0
    np.testing.assert_array_equal(x.grad.numpy(), want)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_basic_assignment_is_numpys(data):
    shape = data.draw(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4))
    index = data.draw(index_strategy(shape))
    a = np.arange(np.prod(shape), dtype=float).reshape(shape)
    w = ng.tensor(a.copy(), requires_grad=True)
    v = ng.tensor(7.0, requires_grad=True)
    y = w * 2.0
    y[index] = v
    want = a * 2.0
    want[index] = 7.0
    np.testing.assert_array_equal(y.detach().numpy(), want)
    (y * ng.tensor(np.arange(y.size, dtype=float).reshape(shape))).sum().backward()
    weight = np.arange(y.size, dtype=float).reshape(shape)
    hit = np.zeros(shape)
    hit[index] = 1.0
    g = np.zeros(shape) if w.grad is None else w.grad.numpy()  # None: all of it was overwritten
    np.testing.assert_array_equal(g, 2.0 * weight * (1 - hit))
    if v.grad is not None:
        assert v.grad.item() == (weight * hit).sum()
    else:
        assert hit.sum() == 0


@pytest.mark.parametrize("index", [np.array([0, 2, 2]), [1, -1], (np.array([0, 1]), np.array([1, 2])), np.array([True, False, True]),
                                   (slice(None), [0, 2]), (None, [0, 1], slice(1)), (Ellipsis, np.array([[0, 1], [2, 3]]))])  # fmt: skip
def test_advanced_indexing_is_numpys(index, rng):
    a = rng.standard_normal((3, 4))
    np.testing.assert_array_equal(ng.tensor(a)[index].numpy(), a[index])
    ng.gradcheck(lambda x: x[index], a, directions=1)


def test_boolean_mask_assignment():
    x = ng.tensor([-1.0, 2.0, -3.0], requires_grad=True)
    y = x * 1.0
    y[y < 0] = 0.0
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 1.0, 0.0])


def test_augmented_assignment_of_an_element():
    x = ng.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1.0
    y[0] += x[1] * 10.0
    y[1:] *= 3.0
    np.testing.assert_array_equal(y.detach().numpy(), [21.0, 6.0, 9.0])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1.0, 13.0, 3.0])


def test_a_write_through_a_view_of_a_view():
    x = ng.tensor(np.ones((2, 3)), requires_grad=True)
    y = x * 1.0
    y[0][1] = 5.0
    row = y[1]
    row *= 2.0
    np.testing.assert_array_equal(y.detach().numpy(), [[1.0, 5.0, 1.0], [2.0, 2.0, 2.0]])
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[1.0, 0.0, 1.0], [2.0, 2.0, 2.0]])


def test_views_taken_before_a_write_see_it():
    x = ng.tensor(np.ones(4), requires_grad=True)
    y = x * 1.0
    view = y[1:3]
    y[1] = ng.tensor(0.0)
    y *= 3.0
    np.testing.assert_array_equal(view.detach().numpy(), [0.0, 3.0])
    view.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [0.0, 0.0, 3.0, 0.0])


def test_in_place_operators_write_the_same_memory():
    a = np.ones(3)
    t = ng.tensor(a)
    before = t
    t += 1.0
    t *= 2.0
    t -= 1.0
    t /= 3.0
    t **= 2.0
    assert t is before
    np.testing.assert_array_equal(a, np.ones(3))


def test_in_place_on_a_leaf_needs_no_grad():
    p = ng.tensor([1.0], requires_grad=True)
    with pytest.raises(GradientError, match="no_grad"):
        p += 1.0
    with pytest.raises(GradientError, match="no_grad"):
        p[0] = 2.0
    with ng.no_grad():
        p += 1.0
    assert p.item() == 2.0
    assert p.requires_grad
    assert p.is_leaf


def test_in_place_refuses_what_numpy_refuses():
    with pytest.raises(ShapeError, match="in place"):
        x = ng.tensor([1.0])
        x += ng.tensor([1.0, 2.0])
    with pytest.raises(DtypeError, match="in place"):
        x = ng.tensor([1])
        x += 0.5
    a = np.ones(2)
    a.flags.writeable = False
    with pytest.raises(NbgradError, match="read-only"):
        ng.tensor(a)[0] = 1.0


def test_overlapping_assignment():
    x = ng.tensor(np.arange(5.0))
    x[1:] = x[:-1]
    np.testing.assert_array_equal(x.numpy(), [0.0, 0.0, 1.0, 2.0, 3.0])


def test_requires_grad_is_of_leaves():
    x = ng.tensor([1.0])
    x.requires_grad = True
    y = x * 2.0
    with pytest.raises(GradientError, match="leaf"):
        y.requires_grad = False
    with pytest.raises(GradientError, match="leaf"):
        y.grad = ng.tensor([1.0])
    assert y.grad is None
    x.grad = np.array([3.0])
    assert x.grad.item() == 3.0
    x.zero_grad()
    assert x.grad is None
    with pytest.raises(ShapeError, match="gradient is"):
        x.grad = np.array([3.0, 4.0])


def test_numpy_functions_differentiate():
    x = ng.tensor([0.5, 1.0], requires_grad=True)
    (np.sin(x) * np.exp(x)).sum().backward()
    a = np.array([0.5, 1.0])
    np.testing.assert_allclose(x.grad.numpy(), (np.cos(a) + np.sin(a)) * np.exp(a), rtol=1e-12)
    y = np.concatenate([x, x])
    assert isinstance(y, ng.Tensor)
    assert y.requires_grad
    for got in (np.sum(x), np.mean(x, axis=0), np.stack([x, x]), np.where(a > 0.7, x, 0.0), np.clip(x, 0.0, 0.7), np.matmul(x, x), np.dot(x, x),
                np.add.reduce(x), np.maximum(x, 0.7), np.linalg.norm(x), np.transpose(x), np.reshape(x, (2, 1)), np.einsum("i,i->", x, x)):  # fmt: skip
        assert isinstance(got, ng.Tensor)
        assert got.requires_grad
    assert np.shape(x) == (2,)
    assert np.allclose(x, a)


def test_numpy_functions_without_a_counterpart_say_so():
    x = ng.tensor([0.5, 1.0], requires_grad=True)
    with pytest.raises(NbgradError, match="no counterpart"):
        np.fft.fft(x)
    with pytest.raises(NbgradError, match="loses it"):
        np.asarray(x * 2.0)
    assert np.asarray(x * 2.0 if False else x).tolist() == [0.5, 1.0]
    out = ng.zeros(2)
    assert np.add(x.detach(), 1.0, out=out) is out
    np.testing.assert_array_equal(out.numpy(), [1.5, 2.0])


def test_dlpack_both_ways():
    t = ng.tensor(np.arange(3.0))
    a = np.from_dlpack(t)
    assert np.shares_memory(a, t.numpy())
    back = ng.from_dlpack(a)
    assert np.shares_memory(back.numpy(), a)
    assert t.__dlpack_device__()[0] == 1


def test_pickle_and_copies():
    x = ng.tensor(np.ones((2, 2), "float32"), requires_grad=True)
    for y in (pickle.loads(pickle.dumps(x)), copy.deepcopy(x)):
        assert y.requires_grad
        assert y.dtype == "float32"
        np.testing.assert_array_equal(y.numpy(), x.numpy())
        assert not np.shares_memory(y.numpy(), x.numpy())
    with pytest.raises(GradientError, match="pickled"):
        pickle.dumps(x * 2.0)


@settings(max_examples=40, deadline=None)
@given(hnp.mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=4))
def test_broadcasting_is_numpys(shapes):
    a, b = (np.arange(np.prod(s), dtype=float).reshape(s) + 1 for s in shapes.input_shapes)
    np.testing.assert_array_equal((ng.tensor(a) * ng.tensor(b)).numpy(), a * b)


def test_shapes_that_do_not_fit_name_the_op_the_place_and_a_way_out():
    with pytest.raises(ShapeError) as caught:
        ng.tensor(np.ones(2)) + ng.tensor(np.ones(3))
    what, where, fix = str(caught.value).splitlines()
    assert "add" in what
    assert "(2,)" in what
    assert "test_tensor.py" in where
    assert fix.strip().startswith("try: ")
