"""Checkpoints: what is computed again, what is let go, and what stays the same."""

import gc
import weakref

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import GradientError


@pytest.fixture
def counted():
    """A block that counts its calls."""

    def block(x):
        block.calls += 1
        return ng.tanh(x * 1.5) + x

    block.calls = 0
    return block


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_each_block_is_computed_twice(counted, depth):
    def f(x):
        for _ in range(depth):
            x = ng.checkpoint(counted)(x)
        return x.sum()

    x = np.linspace(-1, 1, 7)
    g = ng.grad(f)(x)
    assert counted.calls == 2 * depth

    def plain(x):
        for _ in range(depth):
            x = counted(x)
        return x.sum()

    np.testing.assert_array_equal(g.numpy(), ng.grad(plain)(x).numpy())


def test_a_block_within_a_block_is_computed_three_times(counted):
    inner = ng.checkpoint(counted)
    g = ng.grad(ng.checkpoint(lambda x: inner(x).sum()))(np.ones(3))
    assert counted.calls == 3
    np.testing.assert_allclose(g.numpy(), ng.grad(lambda x: counted(x).sum())(np.ones(3)).numpy(), rtol=1e-14)


def test_nothing_is_computed_twice_where_no_gradient_is_wanted(counted):
    f = ng.checkpoint(counted)
    with ng.no_grad():
        assert not f(ng.tensor([1.0], requires_grad=True)).requires_grad
    assert not f(ng.ones(2)).requires_grad
    f(ng.tensor([1.0], requires_grad=True))
    assert counted.calls == 3


@pytest.mark.usefixtures("only_new_objects_are_collected")
def test_inner_values_are_let_go_at_once():
    inner = []

    def block(x):
        h = ng.exp(x)
        inner.append(weakref.ref(h.data))
        return ng.sin(h) * h

    x = ng.tensor(np.ones(1000), requires_grad=True)
    plain = block(x)
    gc.collect()
    assert inner[0]() is not None
    y = ng.checkpoint(block)(x)
    assert inner[1]() is None
    y.sum().backward()
    assert inner[2]() is None
    plain.sum().backward()
    assert inner[0]() is None
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.e * (np.sin(np.e) + np.e * np.cos(np.e)) * np.ones(1000), rtol=1e-12)


def test_a_long_chain_keeps_only_the_values_between_blocks():
    alive = []

    def block(x):
        for _ in range(10):
            x = ng.tanh(x)
            alive.append(weakref.ref(x.data))
        return x

    x = ng.tensor(np.ones(10), requires_grad=True)
    y = x
    for _ in range(5):
        y = ng.checkpoint(block)(y)
    assert sum(a() is not None for a in alive) == 5
    y.sum().backward()
    assert len(alive) == 100


def test_random_numbers_are_the_same_again_and_the_state_goes_on(seeded):
    drawn = []

    def noisy(x):
        noise = ng.random.normal(3, dtype="float64")
        drawn.append(noise.numpy().copy())
        return x * noise

    x = ng.tensor(np.ones(3), requires_grad=True)
    y = ng.checkpoint(noisy)(x)
    after = ng.random.get_state()
    y.sum().backward()
    np.testing.assert_array_equal(drawn[0], drawn[1])
    np.testing.assert_array_equal(x.grad.numpy(), drawn[0])
    assert ng.random.get_state() == after


def test_an_error_in_the_second_run_gives_the_random_state_back(seeded):
    runs = []

    def fails(x):
        runs.append(ng.random.uniform(2))
        if len(runs) > 1:
            raise ZeroDivisionError
        return x * x

    y = ng.checkpoint(fails)(ng.tensor([1.0], requires_grad=True))
    after = ng.random.get_state()
    with pytest.raises(ZeroDivisionError):
        y.sum().backward()
    assert ng.random.get_state() == after


def test_an_argument_that_was_written_since_is_noticed():
    x = ng.tensor([1.0, 2.0], requires_grad=True)
    h = x * 2.0
    y = ng.checkpoint(lambda v: v * v)(h).sum()
    h += 1.0
    with pytest.raises(GradientError, match="checkpoint: its backward reads an argument of shape"):
        y.backward()


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_write_to_what_a_block_reads_otherwise_is_noticed(depth):
    w, x = ng.tensor([1.0, 2.0], requires_grad=True) * 1.0, ng.tensor([1.0, 2.0], requires_grad=True)
    f = lambda v: v * w
    for _ in range(depth):
        f = ng.checkpoint(f)
    y = f(x).sum()
    w[0] = 3.0
    with pytest.raises(GradientError, match="checkpoint: its backward reads an argument of shape"):
        y.backward()


def test_constants_of_a_block_are_let_go_at_once():
    constants = []

    def block(x):
        constants.append(ng.exp(ng.ones(1000)))
        out = x * constants[-1]
        constants[-1] = weakref.ref(constants[-1].data)
        return out

    x = ng.tensor(np.ones(1000), requires_grad=True)
    y = ng.checkpoint(block)(x)
    assert constants[0]() is None
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.full(1000, np.e), rtol=1e-14)


def test_arguments_and_results_may_be_structures(rng):
    a, b = rng.standard_normal(3), rng.standard_normal(3)

    @ng.checkpoint
    def f(p, *, scale):
        return {"sum": p["a"] + p["b"][0], "product": (p["a"] * p["b"][0] * scale, 7.0)}

    def loss(p):
        out = f(p, scale=3.0)
        return (out["sum"] * out["product"][0]).sum() * out["product"][1]

    ng.gradcheck(loss, {"a": a, "b": [b]}, order=2, directions=1)


def test_forward_mode_and_jacobians_go_through(counted):
    f = ng.checkpoint(counted)
    x, v = np.linspace(-1, 1, 4), np.arange(4.0)
    want = ng.jacobian(counted)(x).numpy()
    np.testing.assert_allclose(ng.jacobian(f, mode="reverse")(x).numpy(), want, rtol=1e-13)
    np.testing.assert_allclose(ng.jacobian(f, mode="forward")(x).numpy(), want, rtol=1e-13)
    np.testing.assert_allclose(ng.jvp(f, (x,), (v,))[1].numpy(), want @ v, rtol=1e-13)


def test_a_kept_backward_can_be_walked_again(counted):
    x = ng.tensor([0.5], requires_grad=True)
    y = ng.checkpoint(counted)(x).sum()
    y.backward(keep=True)
    once = x.grad.item()
    y.backward()
    np.testing.assert_allclose(x.grad.item(), 2 * once, rtol=1e-15)
    assert counted.calls == 3
    with pytest.raises(GradientError, match="freed"):
        y.backward()


def test_the_name_and_the_doc_are_those_of_the_function():
    def named(x):
        """Its doc."""
        return x

    assert (ng.checkpoint(named).__name__, ng.checkpoint(named).__doc__) == ("named", "Its doc.")
