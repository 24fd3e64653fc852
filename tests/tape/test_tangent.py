"""The tape forwards: tangents through every kind of op, against finite differences and against the backward."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError
from nbgrad.tape.tangent import push_forward
from nbgrad.tape.tape import Node

INDEX = np.array([2, 0, 2])
FUNCTIONS = {
    "elementwise": lambda x: ng.tanh(x) * ng.exp(x) / (x * x + 1.0),
    "several uses": lambda x: x * x + x,
    "broadcast": lambda x: x * x[:, :1] + x[0],
    "reduction": lambda x: x.sum(0) * x.mean(1)[:3].sum() + x.prod() + x.max(axis=1).sum(),
    "movement": lambda x: (x.T[::-1] * 2.0).reshape(-1)[3:] * x.ravel()[:-3],
    "matmul": lambda x: ng.matmul(x, x.T) @ x,
    "gather": lambda x: x[INDEX] * ng.take(x, INDEX, axis=1)[:, :1],
    "scatter": lambda x: ng.index_put(x, INDEX[:2], x[1] * 2.0),
    "sort": lambda x: ng.sort(x, axis=1) * x,
    "scan": lambda x: ng.cumsum(x, axis=0) * ng.cumprod(x, axis=1),
    "joining": lambda x: ng.concatenate([x, x * x], axis=0) * ng.pad(x, ((0, 3), (0, 0))),
    "window": lambda x: ng.conv1d(x[None], x[None, :, :2]) * ng.max_pool1d(x[None], 2)[0].sum(),
    "choice": lambda x: ng.where(x > 0.0, x * x, ng.sin(x)) + ng.maximum(x, 0.1) + ng.clip(x, -0.5, 0.5),
    "composite": lambda x: ng.softmax(x, axis=1) * ng.logsumexp(x, axis=0) + ng.var(x),
    "einsum": lambda x: ng.einsum("ij,kj->ik", x, x),
    "casts": lambda x: x.astype("float32").astype("float64") * x,
    "writes": lambda x: written(x),
}  # fmt: skip


def written(x):
    y = x * 1.0
    y[1:] += x[:-1] * x[0]
    y[0, 1] = x[2, 2]
    return y


@pytest.fixture
def point(rng):
    return rng.permutation(np.linspace(-1.4, 1.3, 12)).reshape(3, 4), rng.standard_normal((3, 4))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_tangents_are_the_finite_differences(name, point):
    f, (x, v) = FUNCTIONS[name], point
    out, tangent = ng.jvp(f, (x,), (v,))
    np.testing.assert_array_equal(out.numpy(), f(ng.tensor(x)).numpy())
    h = 1e-2 if name == "casts" else 1e-6
    want = (f(ng.tensor(x + h * v)).numpy() - f(ng.tensor(x - h * v)).numpy()) / (2 * h)
    rough = 1e-4 if name == "casts" else 1e-7
    np.testing.assert_allclose(tangent.numpy(), want, rtol=1e-5, atol=rough * 10)
    assert tangent.dtype == out.dtype


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_backward_is_the_transpose(name, point, rng):
    f, (x, v) = FUNCTIONS[name], point
    out, tangent = ng.jvp(f, (x,), (v,))
    u = rng.standard_normal(out.shape)
    (g,) = ng.vjp(f, x)[1](u)
    np.testing.assert_allclose((u * tangent.numpy()).sum(), (g.numpy() * v).sum(), rtol=1e-5 if name == "casts" else 1e-10)


@pytest.mark.parametrize("name", ["elementwise", "reduction", "matmul", "scan", "sort", "composite", "gather", "writes"])
def test_forward_over_forward_and_over_reverse(name, point):
    f, (x, v) = FUNCTIONS[name], point
    slope = lambda x: ng.jvp(lambda y: f(y).sum(), (x,), (v,))[1]
    second = ng.jvp(slope, (x,), (v,))[1].item()
    np.testing.assert_allclose(second, (ng.hvp(lambda y: f(y).sum(), (x,), (v,)).numpy() * v).sum(), rtol=1e-9)
    h = 1e-5
    want = (slope(ng.tensor(x + h * v)).item() - slope(ng.tensor(x - h * v)).item()) / (2 * h)
    np.testing.assert_allclose(second, want, rtol=1e-5, atol=1e-6)


def test_several_results_of_a_custom_rule():
    @ng.custom_vjp
    def polar(x, y):
        return x * y, x + y

    polar.defvjp(lambda x, y: (polar.fn(x, y), (x, y)), lambda kept, g: (g[0] * kept[1] + g[1], g[0] * kept[0] + g[1]))
    (a, b), (ta, tb) = ng.jvp(polar, (2.0, 3.0), (10.0, 100.0))
    assert (float(a), float(b), float(ta), float(tb)) == (6.0, 5.0, 230.0, 110.0)
    (a, b), (ta, tb) = ng.jvp(lambda x: polar(x, 1.0), (2.0,), (1.0,))
    assert (float(ta), float(tb)) == (1.0, 1.0)


def test_arguments_without_a_tangent_and_results_without_one():
    out, tangent = ng.jvp(lambda x, y: (x * 2.0, y * 3.0, 1.0), (1.0, 2.0), (1.0, 0.0))
    assert [float(t) for t in tangent] == [2.0, 0.0, 0.0]
    x, y = ng.tensor(1.0, requires_grad=True), ng.tensor(2.0, requires_grad=True)
    z = x * y
    leaf = lambda shape, dtype: ng.tensor(np.zeros(shape, dtype), requires_grad=True)
    assert push_forward([z.node, y.node], {x.node: ng.tensor(5.0)}, leaf)[1] is None
    assert push_forward([z.node], {x.node: ng.tensor(5.0)}, leaf)[0].item() == 10.0
    assert push_forward([None], {}, leaf) == [None]


def test_what_was_freed_is_told():
    x = ng.tensor([2.0], requires_grad=True)
    y = (x * x).sum()
    y.backward()
    with pytest.raises(GradientError, match="freed by an earlier backward"):
        push_forward([y.node], {x.node: ng.ones(1)}, lambda s, d: ng.zeros(s))


def test_nodes_before_the_start_are_not_passed():
    x = ng.tensor([2.0], requires_grad=True)
    y = x * 3.0
    z = y * y
    assert push_forward([z.node], {x.node: ng.ones(1)}, None, since=z.node.slot) == [None]
    np.testing.assert_array_equal(push_forward([z.node], {x.node: ng.ones(1)}, None)[0].numpy(), [36.0])
    assert isinstance(y.node, Node)


def test_a_tangent_has_the_dtype_and_shape_of_its_value(dtype):
    x = np.ones((2, 1), dtype)
    out, t = ng.jvp(lambda x: x * np.ones(3, dtype) + x.sum(), (x,), (x,))
    assert t.shape == out.shape == (2, 3)
    assert t.dtype == dtype
    np.testing.assert_array_equal(t.numpy(), np.full((2, 3), 3.0))
