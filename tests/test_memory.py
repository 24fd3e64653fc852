"""Who owns which memory: cases in which sharing it would make a gradient wrong without a word."""

import copy
import math

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, DtypeError, GradientError, ShapeError


@pytest.mark.parametrize("f", [lambda x: x.sum(), lambda x: x.mean() * x.size], ids=["sum", "mean"])
@pytest.mark.parametrize("shape", [(3,), (100000,), (1000, 30)])
def test_gradients_can_be_written(f, shape):
    g = ng.grad(f)(np.ones(shape))
    g *= 0.5
    g += 1.0
    np.testing.assert_allclose(g.numpy(), np.full(shape, 1.5), rtol=1e-12)


def test_gradients_of_several_arguments_and_seeds_have_memory_of_their_own():
    gs = ng.grad(lambda p: ((p[0] + p[1]) ** 2).sum())([np.ones(2), np.ones(2)])
    for g in gs:
        g *= 0.5
    np.testing.assert_array_equal([g.numpy() for g in gs], np.full((2, 2), 2.0))
    seed = ng.tensor(np.ones(3))
    (r,) = ng.vjp(lambda x: x + 0.0, np.ones(3))[1](seed)
    r += 1.0
    np.testing.assert_array_equal(seed.numpy(), np.ones(3))


def test_a_broadcast_view_is_not_written():
    with pytest.raises(GradientError, match="elements repeat"):
        y = ng.broadcast_to(ng.ones((1, 3)), (2, 3))
        y += np.arange(6.0).reshape(2, 3)


def test_a_backward_that_writes_into_its_g_harms_nobody():
    def backward(g, x):
        g *= 2.0 * x
        return g

    f = ng.op(lambda x: x * x, backward=backward, name="square")
    x, y = ng.tensor([1.0, 2.0], requires_grad=True), ng.tensor([1.0, 2.0], requires_grad=True)
    (f(x) + y).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2.0, 4.0])
    np.testing.assert_array_equal(y.grad.numpy(), [1.0, 1.0])


@pytest.mark.parametrize("f", [ng.sum, ng.tensor, ng.asarray, ng.max, ng.logsumexp], ids=lambda f: f.__name__)
def test_tensors_in_a_list_keep_their_history(f):
    ng.gradcheck(lambda x: f([x * 2.0, x]), 1.5)


def test_a_constructor_refuses_what_it_would_lose():
    x = ng.tensor(1.0, requires_grad=True)
    with pytest.raises(GradientError, match="history"):
        ng.Tensor([x * 2.0, x])
    y = ng.zeros(2)
    y[0:2] = [x, 2.0 * x]
    y.sum().backward()
    assert x.grad.item() == 3.0


def test_a_checkpoint_notices_a_write_to_what_it_captured():
    w, x = ng.tensor(3.0, requires_grad=True), ng.tensor(2.0, requires_grad=True)
    loss = ng.checkpoint(lambda x: x * w * w)(x)
    with ng.no_grad():
        w -= 1.0
    with pytest.raises(GradientError, match="written in place"):
        loss.backward()


def test_a_custom_rule_notices_a_write_to_its_residual():
    @ng.custom_vjp
    def square(x):
        return x * x

    square.defvjp(lambda x: (x * x, x), lambda x, g: (2.0 * x * g,))
    x = ng.tensor([1.0], requires_grad=True)
    y = x * 1.0
    z = square(y)
    with ng.no_grad():
        y += 5.0
    with pytest.raises(GradientError, match="residual"):
        z.sum().backward()


@pytest.mark.parametrize("f", [ng.checkpoint(lambda a: a[1:]), ng.checkpoint(lambda a: a)], ids=["view", "argument"])
def test_a_checkpoint_returns_memory_of_its_own(f):
    x = ng.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = x * 1.0
    z = f(y)
    z[0] = 7.0
    np.testing.assert_array_equal(y.detach().numpy(), [1.0, 2.0, 3.0])


def test_other_data_under_a_tensor_is_seen():
    x = ng.tensor(np.arange(4.0))
    assert (x + x).shape == (4,)
    x.data = np.arange(2.0)
    np.testing.assert_array_equal((x + x).numpy(), [0.0, 2.0])
    x.data = np.arange(8.0)[::2]
    np.testing.assert_array_equal((x + x).numpy(), [0.0, 4.0, 8.0, 12.0])


def test_a_view_of_memory_that_was_overwritten_forgets():
    b, z = ng.zeros(3), ng.tensor(2.0, requires_grad=True)
    v = b[0]
    b[0] = z
    assert (v * 1.0).requires_grad
    b.fill(0.0)
    assert not (v * 3.0).requires_grad


def test_tensors_of_one_memory_count_writes_together():
    x, w = ng.tensor([1.0]), ng.tensor([2.0], requires_grad=True)
    again = ng.tensor(x)
    z = (w * x).sum()
    again *= 5.0
    with pytest.raises(GradientError, match="written in place"):
        z.backward()
    assert not np.shares_memory(copy.copy(x).numpy(), x.numpy())


def test_contexts_nest():
    c = ng.no_grad()
    with c, c:
        pass
    assert (ng.tensor(1.0, requires_grad=True) * 2.0).requires_grad


def test_one_argument_twice_is_refused():
    with pytest.raises(ArgumentError, match="twice"):
        ng.grad(lambda x, y: x * y, (0, -2))(2.0, 3.0)


def test_a_backward_of_the_wrong_shape_is_refused():
    f = ng.op(lambda x: x * 1.0, backward=lambda g, x: np.ones((4, 3)), name="wrong")
    with pytest.raises(GradientError, match="has shape"):
        f(ng.tensor(np.ones(3), requires_grad=True)).sum().backward()


def test_an_empty_target_still_checks_the_value():
    y = ng.zeros(3)
    with pytest.raises(ShapeError):
        y[0:0] = np.ones((7, 5))


def test_history_is_not_written_into_integers():
    y = ng.tensor([1, 2])
    with pytest.raises(DtypeError, match="history"):
        y[0] = ng.tensor(1.0, requires_grad=True) * 2.0


def test_a_formula_may_close_over_numbers():
    def scaled(a):
        @ng.op
        def f(x):
            return a * x * x

        return f

    np.testing.assert_array_equal(scaled(3.0)(np.ones(2)).numpy(), [3.0, 3.0])
    np.testing.assert_array_equal(scaled(5.0)(np.ones(2)).numpy(), [5.0, 5.0])
    ng.gradcheck(scaled(2.0), np.ones(2), order=2)


def test_keepdims_is_a_bool():
    with pytest.raises(ArgumentError, match="keepdims"):
        ng.sum(np.ones((2, 2)), 0, np.float64)


def test_integers_to_negative_powers_are_refused_every_time():
    x = ng.tensor([1, 2])
    np.testing.assert_array_equal((x**2).numpy(), [1, 4])
    for _ in range(2):
        with pytest.raises(ArgumentError, match="negative"):
            x**-1
    np.testing.assert_allclose((x.astype(float) ** -1).numpy(), [1.0, 0.5])


def test_plain_functions_of_numbers_are_refused_where_they_would_lose_a_gradient():
    with pytest.raises(GradientError, match="nbgrad.sin"):
        ng.grad(lambda x: math.sin(x) * x)(1.0)
    assert float(ng.grad(lambda x: x.item() * x)(2.0)) == 2.0
    x = ng.tensor(2.0, requires_grad=True)
    assert float(x * x) == 4.0
    for f in (lambda x: ng.linspace(0.0, x, 3).sum(), lambda x: ng.arange(0.0, x).sum()):
        with pytest.raises(GradientError, match="bound"):
            ng.grad(f)(3.0)
