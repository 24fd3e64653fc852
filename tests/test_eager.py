"""The eager road: dtypes by NumPy's rules, layouts remembered, views, what is recorded and what is kept."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import nbgrad as ng
from nbgrad import eager, history, road
from nbgrad.base.dtypes import NAMES, float_of
from nbgrad.base.errors import DtypeError, GradientError, ShapeError
from nbgrad.docs import rows
from nbgrad.ops.table import MISSING, Op, elementwise, table

UFUNCS = [op for op in rows()["elementwise"] if isinstance(op.ref, np.ufunc) and len(op.params) == op.ref.nin and hasattr(np, op.ref.__name__)]
FLOATS_OF_INTEGERS = ("floor", "ceil", "trunc", "fmod", "reciprocal")  # NumPy leaves integers, or divides them as such


@pytest.mark.parametrize("row", UFUNCS, ids=lambda r: r.name)
def test_the_result_has_the_dtype_that_numpy_gives(row):
    kinds = [np.dtype(n) for n in NAMES if n != "bool"] + [int, float, bool]
    for given_kinds in itertools.product(kinds, repeat=len(row.params)):
        if all(isinstance(k, type) for k in given_kinds):
            continue
        args = [k(1) if isinstance(k, type) else np.ones(1, k) for k in given_kinds]
        try:
            with np.errstate(all="ignore"):
                want = row.ref(*args).dtype
        except TypeError:
            continue  # NumPy has none either: bit operations of floats
        _, got = eager.types_of(row, given_kinds)
        if row.name in FLOATS_OF_INTEGERS:
            want = float_of(want)
        elif want.kind == "f" and all(np.dtype(k).kind != "f" for k in given_kinds):
            want = np.dtype("float64")  # NumPy looks for the smallest float that holds the integers
        assert got == want, given_kinds


def test_bools_count_as_integers():
    for f in (ng.add, ng.mul, ng.sub, ng.floor_divide):
        assert f(ng.tensor([True]), ng.tensor([True])).dtype == "int64"
    assert ng.maximum(ng.tensor([True]), ng.tensor([False])).dtype == "bool"
    assert ng.div(ng.tensor([True]), ng.tensor([True])).dtype == "float64"
    assert ng.neg(ng.tensor([True])).item() == -1


def test_what_a_row_does_not_take_is_refused():
    with pytest.raises(DtypeError, match=r"bitwise_and\(x, y\): dtypes \(float64, int64\) where it takes integers or bools"):
        ng.bitwise_and(ng.ones(2), ng.tensor([1, 2]))
    with pytest.raises(DtypeError, match="where it takes integer indices"):
        table["take_rows"](ng.ones(3), ng.ones(1), axis=0)
    with pytest.raises(DtypeError, match="the scalar 300 does not fit int8"):
        ng.tensor(np.ones(2, "int8")) + 300
    with pytest.raises(DtypeError, match="the scalar -1 does not fit uint8"):
        ng.tensor(np.ones(2, "uint8")) * -1


def test_weak_scalars_of_each_kind_and_value():
    x = ng.tensor(np.array([1.0, -2.0], "float32"))
    for _ in range(2):  # computed, then remembered
        assert (x * 2).dtype == (x * 2.0).dtype == (x * True).dtype == "float32"
        assert (x * np.float64(2.0)).dtype == "float64"
        assert (x * np.float32(2.0)).dtype == "float32"
        np.testing.assert_array_equal((x * math.nan).numpy(), [np.nan, np.nan])
        np.testing.assert_array_equal(np.signbit((x * 0.0).numpy()), [False, True])
        np.testing.assert_array_equal(np.signbit((x * -0.0).numpy()), [True, False])
        np.testing.assert_array_equal((x + math.inf).numpy(), [np.inf, np.inf])
        np.testing.assert_array_equal((x == True).numpy(), [True, False])  # noqa: E712


def test_a_remembered_constant_is_nobodys_memory():
    x = ng.tensor(2.0)
    y = ng.maximum(x, 5.0)
    y[...] = 7.0
    assert ng.maximum(x, 5.0).item() == 5.0
    z = x * 0.0 + 3.0
    z += 1.0
    assert (x * 0.0 + 3.0).item() == 3.0


def test_a_layout_is_planned_once(rng):
    a, b = rng.standard_normal((3, 7)), rng.standard_normal(7)
    first = ng.logaddexp(ng.tensor(a), ng.tensor(b))
    known = dict(road.known)
    again = ng.logaddexp(ng.tensor(a.copy()), ng.tensor(b.copy()))
    assert road.known == known
    np.testing.assert_array_equal(first.numpy(), again.numpy())
    other = ng.logaddexp(ng.tensor(np.asfortranarray(a)), ng.tensor(b))
    assert len(road.known) > len(known)
    np.testing.assert_array_equal(first.numpy(), other.numpy())


def test_what_had_to_be_cast_is_cast_every_time():
    for value in (1, 2, 3):
        got = ng.tensor(np.full(3, value)) * ng.tensor(np.full(3, 0.5, "float32"))
        assert got.dtype == "float64"
        np.testing.assert_array_equal(got.numpy(), [value * 0.5] * 3)
        np.testing.assert_array_equal((ng.tensor([0.5]) + np.array([float(value)])).numpy(), [0.5 + value])


def test_the_memory_of_layouts_is_bounded(monkeypatch):
    keys = {("filler", i): -i for i in range(50_001)}
    monkeypatch.setattr(road, "_keys", keys)
    monkeypatch.setitem(road.known, "filler", None)
    old = ng.ones(4)
    for _ in range(2):
        np.testing.assert_array_equal((old + ng.ones(4)).numpy(), [2.0] * 4)
        np.testing.assert_array_equal((old + ng.ones((3, 4))).numpy(), [[2.0] * 4] * 3)
    assert len(keys) < 10
    assert "filler" not in road.known


@st.composite
def moves(draw):
    """A function made of a few movements, for arrays of two or more axes; the same text for NumPy and for nbgrad."""
    steps = []
    for _ in range(draw(st.integers(1, 4))):
        steps.append(
            draw(
                st.sampled_from(
                    [
                        lambda np, x: np.transpose(x),
                        lambda np, x: np.swapaxes(x, 0, -1),
                        lambda np, x: np.flip(x, 0),
                        lambda np, x: x[::-2] if x.shape[0] else x,
                        lambda np, x: x[1:, ..., ::-1],
                        lambda np, x: x[..., None],
                        lambda np, x: np.broadcast_to(x, (2, *x.shape)),
                        lambda np, x: np.moveaxis(x, 0, 1),
                        lambda np, x: np.reshape(x, (-1, 1) if x.size else x.shape),
                        lambda np, x: np.diagonal(x)[..., None],
                        lambda np, x: np.roll(x, 1, 0),
                        lambda np, x: np.expand_dims(x, 0),
                    ]
                )
            )
        )

    def apply(module, x):
        for step in steps:
            x = step(module, x)
        return x

    return apply


@settings(max_examples=80, deadline=None)
@given(hnp.array_shapes(min_dims=2, max_dims=3, max_side=4), moves())
def test_chains_of_views_are_numpys_and_so_is_their_gradient(shape, apply):
    a = np.arange(np.prod(shape), dtype=float).reshape(shape)
    x = ng.tensor(a.copy(), requires_grad=True)
    want, got = apply(np, a), apply(ng, x)
    assert got.shape == want.shape
    np.testing.assert_array_equal(got.detach().numpy(), want)
    np.testing.assert_array_equal((got * 2.0).detach().numpy(), want * 2.0)
    got.sum().backward()
    counts = np.bincount(want.reshape(-1).astype(int), minlength=a.size).reshape(shape)
    np.testing.assert_array_equal(x.grad.numpy(), counts)


def test_shapes_that_do_not_fit_are_told_by_the_names_of_the_parameters():
    with pytest.raises(ShapeError, match=r"^where\(condition, a, b\): condition is \(2,\), a is \(3,\), b is \(\); shapes"):
        ng.where(np.ones(2, bool), np.ones(3), 0.0)


def test_integers_are_not_recorded_and_floats_made_of_them_are_not_either():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    assert not (x > 1.0).requires_grad
    assert not ng.argmax(x).requires_grad
    assert not x.astype("int64").requires_grad
    assert not (x.astype("int64") * 1.5).requires_grad
    assert (x * (x > 1.0)).requires_grad
    assert not ng.floor(x).requires_grad
    assert not ng.sign(x).requires_grad


def test_only_inputs_that_want_a_gradient_are_on_the_tape():
    x, c = ng.tensor([1.0, 2.0], requires_grad=True), ng.tensor([3.0, 4.0])
    node = (c * x).node
    assert node.inputs == (None, x.node)
    assert set(node.kept) == {"x"}
    assert node.kept["x"].data is c.data
    assert set((x * x).node.kept) == {"x", "y"}
    assert set(ng.tanh(x).node.kept) == {"out"}
    assert (x + c).node.kept == {}
    with ng.no_grad():
        assert (x * c).node is None
        assert history.node_of(x) is None
    assert history.node_of(x) is x.node


def test_a_kept_result_does_not_hold_its_own_node():
    x = ng.tensor([0.5], requires_grad=True)
    y = ng.tanh(x)
    assert y.node.kept["out"].node is None
    np.testing.assert_allclose(ng.grad(ng.grad(lambda x: ng.tanh(x).sum()))(0.5).item(), -2 * math.tanh(0.5) * (1 - math.tanh(0.5) ** 2))


def test_a_missing_gradient_is_told_when_it_is_asked_for_and_not_before():
    @elementwise(df=lambda x, y: (MISSING("nobody has derived it"), x), register=False)
    def half_known(x, y):
        """A product."""
        return x * y

    a, b = ng.tensor([2.0], requires_grad=True), ng.tensor([3.0], requires_grad=True)
    out = half_known(a, b)
    assert out.item() == 6.0
    half_known(ng.tensor([2.0]), b).sum().backward()
    assert b.grad.item() == 2.0
    with pytest.raises(GradientError, match="half_known has no gradient in x: nobody has derived it"):
        out.sum().backward()


def test_a_write_through_a_view_of_memory_with_gaps_cannot_be_followed():
    base = ng.tensor(np.ones((4, 6))[:, ::2])
    base[1][...] = ng.tensor([1.0, 2.0, 3.0])  # nothing to follow
    np.testing.assert_array_equal(base.numpy()[1], [1.0, 2.0, 3.0])
    with pytest.raises(GradientError, match=r"memory with strides \(48, 16\) cannot be followed"):
        base[0][...] = ng.tensor([4.0, 5.0, 6.0], requires_grad=True) * 1.0
    np.testing.assert_array_equal(base.numpy()[0], [1.0, 1.0, 1.0])
    assert not base.requires_grad


def test_custom_calls_of_several_results():
    calls = []

    def pull(node, g):
        calls.append(sorted(g))
        return [g.get(0, 0.0) * 2.0 + g.get(1, 0.0) * 3.0]

    op = Op("two", "custom", ("x",), pull=pull)
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    a, b, count = eager.record_custom(op, [x.node], [x.numpy() * 2.0, x.numpy() * 3.0, np.array([7])], {})
    assert (a.requires_grad, b.requires_grad, count.requires_grad) == (True, True, False)
    (a + 10.0 * b).sum().backward(keep=True)
    np.testing.assert_array_equal(x.grad.numpy(), [32.0, 32.0])
    b.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [35.0, 35.0])
    assert calls == [[0, 1], [1]]
    with ng.no_grad():
        assert not eager.record_custom(op, [x.node], [x.numpy()], {})[0].requires_grad
    with pytest.raises(TypeError, match="not called through the table"):
        op(x)


def test_lists_and_numbers_are_lifted():
    assert eager.as_tensor([1, 2]).dtype == "int64"
    x = ng.ones(2)
    assert eager.as_tensor(x) is x
    a = np.ones(3, "float32")
    assert eager.as_tensor(a).numpy() is a
    assert isinstance(table["exp"]([0.0, 1.0]), ng.Tensor)


def test_reductions_of_integers_are_wide():
    for name, wide in (("uint8", "uint64"), ("bool", "int64")):
        x = ng.tensor(np.ones(3, name))
        assert ng.sum(x).dtype == ng.prod(x).dtype == wide
        assert ng.max(x).dtype == name
        assert ng.mean(x).dtype == np.mean(x.numpy()).dtype


@pytest.mark.parametrize("kind", ["elementwise", "reduction", "movement", "primitive"])
def test_there_is_a_runner_for_each_kind(kind):
    assert kind in eager.RUNNERS
    assert rows()[kind]


def test_a_reduction_that_is_known_still_looks_at_its_attributes():
    x = ng.tensor(np.arange(6.0).reshape(2, 3))
    for _ in range(2):  # the second time by what the first left
        np.testing.assert_array_equal(ng.sum(x, 1).numpy(), [3.0, 12.0])
        np.testing.assert_array_equal(ng.sum(x, (0, 1), keepdims=True).numpy(), [[15.0]])
        np.testing.assert_array_equal(ng.sum(x).numpy(), 15.0)
        for axis, keepdims in ((1.0, False), (1, 1), (2, False), ((0, 0), False)):
            with pytest.raises(ng.NbgradError):
                ng.sum(x, axis, keepdims=keepdims)
    y = ng.tensor(np.ones((2, 3)), requires_grad=True)
    for _ in range(2):
        y.grad = None
        ng.mean(y, 1).sum().backward()
        np.testing.assert_allclose(y.grad.numpy(), np.full((2, 3), 1 / 3))


@pytest.mark.cuda
def test_what_does_not_lie_row_by_row_is_viewed_on_a_device_as_well():
    x = ng.tensor(np.arange(24.0).reshape(2, 3, 4), device="cuda")
    part = x[:, :2]  # its last two axes are one without a copy, all three are not
    assert ng.reshape(part, (2, 8)).tolist() == ng.reshape(ng.tensor(part.numpy()), (2, 8)).tolist()
    assert ng.reshape(part, (16,)).tolist() == part.numpy().reshape(16).tolist()
    assert ng.permute(part, (2, 0, 1)).tolist() == part.numpy().transpose(2, 0, 1).tolist()
