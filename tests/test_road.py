"""The native road does what the road in Python does: every result here is compared with NumPy, or with the slow methods."""

import gc
import operator
import sys
import threading
import weakref

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import road
from nbgrad.base.errors import AnomalyError, ArgumentError, GradientError, ShapeError
from nbgrad.road import ROAD

TIMES = 4  # the first call teaches, the next one is taught the node, later ones are native


def values(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype("float32")


OPERATORS = [operator.add, operator.sub, operator.mul, operator.truediv, operator.pow, operator.lt, operator.eq]


@pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.__name__)
@pytest.mark.parametrize("other", [2.5, 3, "array", "row"], ids=str)
def test_operators_are_numpys_each_time(op, other):
    a = values(3, 5)
    b = {"array": values(3, 5, seed=1), "row": values(5, seed=2)}.get(other, other)
    x, y = ng.tensor(a), b if isinstance(b, (int, float)) else ng.tensor(b)
    for _ in range(TIMES):
        for got, want in ((op(x, y), op(a, b)), (op(y, x), op(b, a))):
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got.numpy(), want, rtol=1e-6)


def test_rows_of_one_to_three_arguments():
    a, b, c = values(4), values(4, seed=1), values(4, seed=2)
    x, y, z = map(ng.tensor, (a, b, c))
    for _ in range(TIMES):
        np.testing.assert_array_equal((-x).numpy(), -a)
        np.testing.assert_array_equal(abs(x).numpy(), abs(a))
        np.testing.assert_array_equal(ng.maximum(x, y).numpy(), np.maximum(a, b))
        np.testing.assert_array_equal(ng.where(x > 1.0, y, z).numpy(), np.where(a > 1.0, b, c))


def test_calls_that_are_no_plain_ones_take_the_slow_road():
    x = ng.tensor(values(3))
    for _ in range(TIMES):
        np.testing.assert_array_equal(ng.add(x, y=x).numpy(), (x + x).numpy())
        with pytest.raises(ArgumentError, match=r"add\(x, y\)"):
            ng.add(x)
        with pytest.raises(ShapeError):
            x + ng.tensor(values(4))
        with pytest.raises(TypeError):
            x + "text"
        assert ng.add(1.0, 2.0) == 3.0


def test_a_number_is_itself_each_time():
    x = ng.tensor(values(3))
    for i in range(3000):  # more numbers than the road remembers, some at the same place
        number = i / 7
        np.testing.assert_array_equal((x * number).numpy(), x.numpy() * np.float32(number))
    np.testing.assert_array_equal((x * -0.0).numpy(), x.numpy() * np.float32(-0.0))
    assert np.signbit((x * -0.0).numpy()).all()
    assert not np.signbit((x * 0.0).numpy()).any()


@pytest.mark.parametrize("inputs", ["x", "y", "xy"])
def test_gradients_are_those_of_finite_differences(inputs):
    x = ng.tensor(values(3, 4).astype("float64"))
    y = ng.tensor(values(3, 4, seed=1).astype("float64"))

    def f(x, y):
        z = ng.tanh(x * y - 0.3) / (2.0 + y) - x
        return (z * z + x * z).sum()

    for _ in range(TIMES):
        assert ng.gradcheck(f, x, y)
    for t in (x, y):
        t.requires_grad = False
    given = {"x": x.copy(), "y": y.copy()}
    for name in inputs:
        given[name].requires_grad = True
    want = dict(zip("xy", ng.grad(f, argnums=(0, 1))(x, y)))
    for _ in range(TIMES):
        for name in inputs:
            given[name].grad = None
        f(**given).backward()
        for name in inputs:
            np.testing.assert_allclose(given[name].grad.numpy(), want[name].numpy(), rtol=1e-12)


def test_the_backward_can_be_kept_and_recorded():
    x = ng.tensor(values(3).astype("float64"), requires_grad=True)
    for _ in range(TIMES):
        y = (x * x * x).sum()
        x.grad = None
        y.backward(keep=True)
        y.backward()
        np.testing.assert_allclose(x.grad.numpy(), 6 * x.numpy() ** 2)
        with pytest.raises(GradientError, match="freed"):
            y.backward()
        second = ng.grad(lambda t: ng.grad(lambda u: (u * u * u).sum())(t).sum())(x)
        np.testing.assert_allclose(second.numpy(), 6 * x.numpy())


def test_a_write_between_forward_and_backward_is_found():
    for _ in range(TIMES):
        x = ng.tensor(values(3), requires_grad=True)
        c = ng.tensor(values(3, seed=1))
        y = x * c
        c += 1.0
        with pytest.raises(GradientError, match="written in place"):
            y.sum().backward()


def test_a_view_whose_base_was_written_has_the_new_history():
    for _ in range(TIMES):
        w = ng.tensor(values(4), requires_grad=True)
        x = ng.zeros(4, dtype="float32")
        view = x[1:3]
        view + 1.0
        x[:] = w * 2.0
        (view * 3.0).sum().backward()
        np.testing.assert_array_equal(w.grad.numpy(), [0, 6, 6, 0])


def test_no_grad_and_integers_are_not_recorded():
    x = ng.tensor(values(3), requires_grad=True)
    for _ in range(TIMES):
        with ng.no_grad():
            assert (x * 2.0).node is None
        assert (x > 1.0).node is None
        assert ng.floor(x).node is None
        assert (x * 2.0).node is not None


def test_every_node_says_the_users_line():
    x = ng.tensor(values(3), requires_grad=True)

    def inner(t):
        return t * 2.0

    line = sys._getframe().f_lineno + 2
    for _ in range(TIMES):
        y = x * 2.0
        assert y.node.where.endswith(f"test_road.py:{line}, in test_every_node_says_the_users_line")
        assert inner(x).node.where.endswith(f":{inner.__code__.co_firstlineno + 1}, in inner")
        z = ng.gelu(x)
        assert f":{line + 3}, in" in z.node.where


def test_what_watches_sees_every_op():
    x = ng.tensor([-1.0, 1.0])
    for _ in range(TIMES):
        ng.log(x)
        with ng.detect_anomaly(), pytest.raises(AnomalyError):
            ng.log(x)
        t = ng.tensor([1.0], requires_grad=True)
        with ng.Tape() as tape:
            t * t + t
        assert [n.op.name for n in tape.nodes] == ["mul", "add"]
    assert ROAD.watchers == 0


@pytest.mark.usefixtures("only_new_objects_are_collected")
def test_nothing_leaks():
    x, y = ng.tensor(values(8), requires_grad=True), ng.tensor(values(8, seed=1))

    def step():
        x.grad = None
        z = x
        for _ in range(20):
            z = ng.tanh(z * y + 0.5) - 1.0
        z.sum().backward()

    def counts():
        gc.collect()
        watched = (x, x.node, x.key, x.dtype, y, y.data, y.version, ng.tanh, step.__code__, road.NO_ATTRS)
        return [sys.getrefcount(o) for o in watched], len(gc.get_objects())

    for _ in range(10):
        step()
    before, objects = counts()
    nothing = sys.getrefcount(None)
    for _ in range(50):
        step()
    after, now = counts()
    assert before == after
    assert now - objects < 20
    assert abs(sys.getrefcount(None) - nothing) < 200 or sys.version_info >= (3, 12)


def test_a_result_is_freed_at_once():
    x = ng.tensor(np.ones(1000))
    for _ in range(TIMES):
        y = x * 2.0
        memory, tensor = weakref.ref(y.data), weakref.ref(y)
        del y
        assert memory() is tensor() is None


def test_threads_do_not_disturb_each_other():
    a = values(200, 300)
    failures = []

    def work(seed):
        rng = np.random.default_rng(seed)
        x = ng.tensor(a)
        for _ in range(60):
            number = float(rng.uniform())
            w = ng.tensor(np.full(3, number), requires_grad=True)
            if not np.array_equal((x * number + x).numpy(), a * np.float32(number) + a):
                failures.append(number)
            (w * w * number).sum().backward()
            if not np.allclose(w.grad.numpy(), 2 * number * number):
                failures.append(number)

    threads = [threading.Thread(target=work, args=(s,)) for s in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failures


def test_what_was_forgotten_is_learnt_again():
    x = ng.tensor(values(3))
    for _ in range(TIMES):
        x * 2.0
        ROAD.forget()
    np.testing.assert_array_equal((x * 2.0).numpy(), 2 * x.numpy())


def test_no_memory_is_an_error_of_python():
    x = ng.tensor(np.lib.stride_tricks.as_strided(np.zeros(1), (1 << 45,), (0,)))
    with pytest.raises(MemoryError):
        x + 1.0
