"""Compiled functions as ops: eager and in programs, forward and backward, to any order."""

import gc
import math
import subprocess
import sys
import threading
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit, prange

import nbgrad as ng
from nbgrad.base import tree
from nbgrad.base.errors import ArgumentError, DtypeError, ShapeError


@ng.op
@njit
def decay(x, rate):
    """A running mean, written as a loop: each element depends on all before it."""
    out = np.empty_like(x)
    state = 0.0
    for i in range(x.size):
        state = state + rate * (x[i] - state)
        out[i] = state * math.sin(state)
    return out


@ng.op
@njit
def pair(x, y):
    x[0] = x[0] * y[1]  # the caller's array stays as it is
    return x * y, (x * x).sum()


@ng.op
@njit
def moments(x, k):
    x[0] = x[0] * x[k]
    return x.mean(), x * x, k + 1


@ng.op
@njit
def checked(x, k):
    if x[0] > 5.0:
        raise ValueError("too large")
    if x[0] < -5.0:
        raise ValueError("too small", k)
    return x * 2.0


def same(f, *args):
    """Check that a function and the program made of it give the same bits."""
    compiled = ng.compile(f)
    for _ in range(2):
        one, other = ([np.asarray(v) for v in tree.flatten(h(*args))[0]] for h in (f, compiled))
        assert len(one) == len(other)
        for a, b in zip(one, other):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    return compiled


def test_a_compiled_function_is_an_op_with_its_backward_derived(rng):
    x = rng.normal(size=6)
    ng.gradcheck(decay, x, 0.3, order=2)
    gx, rate = ng.grad(lambda x, rate: (decay(x * 2.0, rate) ** 2).sum(), (0, 1))(x, 0.3)
    assert gx.shape == x.shape and rate.shape == ()


def test_several_results_and_arguments_that_are_written(rng):
    x, y = rng.normal(size=4), rng.normal(size=4)
    before = x.copy()
    for f in (lambda x, y: (lambda a, s: a.sum() * s)(*pair(x, y)), lambda x, y: pair(x, y)[0] * y, lambda x, y: pair(x, y)[1]):
        ng.gradcheck(f, x, y, order=2)
    np.testing.assert_array_equal(x, before)


@ng.op
@njit
def written(x, y):
    x[0] *= y[0]
    x += y
    return x


@ng.op
@njit
def views(x):
    y = x * x
    return x[1:], x, x[::-1], y, y


def test_results_and_arguments_that_share_memory(rng):
    x, y = rng.normal(size=4), rng.normal(size=4)
    ng.gradcheck(written, x, y, order=2)
    f = lambda x: (lambda a, b, c, d, e: a.sum() * (b * c * d).sum() + e.sum())(*views(x))
    ng.gradcheck(f, x, order=2)
    same(ng.value_and_grad(f), x)
    same(ng.value_and_grad(lambda x, y: (written(x, y) * x).sum(), (0, 1)), x, y)
    same(ng.grad(lambda x: written(x, x).sum()), x)
    w = ng.tensor(x.copy())

    @ng.compile
    def step(v):
        w[...] = written(w, v)

    step(y)
    np.testing.assert_array_equal(w.numpy(), written(x, y).numpy())


def test_results_that_are_integers_have_no_gradient(rng):
    x = rng.normal(size=4)
    f = lambda x: (lambda mean, squares, k: mean * squares.sum() * float(k.data))(*moments(x, 2))
    ng.gradcheck(f, x, order=2)
    assert moments(x, 2)[2].dtype == "int64" and int(moments(x, 2)[2]) == 3


def test_single_precision(rng):
    x = ng.tensor(rng.normal(size=5).astype("float32"), requires_grad=True)
    decay(x, np.float32(0.5)).sum().backward()
    assert x.grad.dtype == "float32"
    mean = moments(x.numpy(), 2)[0]
    assert mean.dtype == "float32"  # a number of Numba's, which gives Python's floats for any
    same(lambda x: moments(x, 2), x.numpy())


def test_results_may_be_nested_and_named():
    class Both(NamedTuple):
        total: float
        rest: tuple

    @ng.op
    @njit
    def nested(x):
        return Both(x.sum(), (x * 2.0, x * x))

    x = np.array([1.0, 2.0])
    total, (double, square) = nested(x)
    assert float(total) == 3.0 and double.tolist() == [2.0, 4.0] and square.tolist() == [1.0, 4.0]
    same(nested, x)
    f = lambda x: (lambda total, rest: total * (rest[0] * rest[1]).sum())(*nested(x))
    ng.gradcheck(f, x, order=2)
    same(ng.grad(f), x)


def test_arguments_without_gradients_cost_none(rng):
    asked = []
    op = lambda x: decay(x, 0.3)
    x = rng.normal(size=3)
    ng.grad(lambda x: op(x).sum())(x)
    made = decay.op.pull.__self__
    asked = [wanted for wanted, _ in made.backs]
    assert (0,) in asked


def test_a_program_gives_the_same_bits(rng):
    x = rng.normal(size=50)
    loss = lambda x, rate: (decay(x * 2.0, rate) ** 2).sum()
    same(loss, x, np.array(0.3))
    same(ng.value_and_grad(loss, (0, 1)), x, np.array(0.3))
    same(lambda x: moments(x, 2), x)
    np.testing.assert_array_equal(x, x.copy())


def test_second_derivatives_in_programs(rng):
    x = rng.normal(size=4)
    loss = lambda x: (ng.grad(lambda y: (decay(y * y, 0.3) ** 2).sum())(x) ** 2).sum()
    same(ng.grad(loss), x)
    compiled = ng.compile(ng.hessian(lambda x: decay(x, 0.3).sum()))(x).numpy()
    np.testing.assert_allclose(compiled, ng.hessian(lambda x: decay(x, 0.3).sum())(x).numpy(), rtol=1e-12)
    ng.gradcheck(ng.grad(loss), x, modes=("reverse",))


def test_all_dtypes_and_layouts(rng):
    @ng.op
    @njit
    def many(m, flags, v):
        out = np.empty((m.shape[1], m.shape[0]), np.float32)
        count = 0
        for i in range(m.shape[0]):
            for j in range(m.shape[1]):
                out[j, i] = m[i, j] * (2.0 if flags[i] else 3.0)
                count += 1
        return out.T, count > 3, count, flags, v, m

    m, flags = rng.normal(size=(3, 4)).astype("float32"), np.array([True, False, True])
    same(many, m, flags, np.int8(3))
    same(many, np.asfortranarray(m), flags, np.array(3, np.uint16))
    same(many, np.repeat(m, 2, 1)[:, ::2], flags, 2.5)
    assert [a.shape for a in same(many, m[:0], flags[:0], 1)(m[:0], flags[:0], 1)] == [(0, 4), (), (), (0,), (), (0, 4)]


def test_new_shapes_make_a_new_record(rng):
    f = same(ng.grad(lambda x: decay(x, 0.3).sum()), rng.normal(size=5))
    for n in (7, 1, 0, 5):
        x = rng.normal(size=n)
        np.testing.assert_array_equal(f(x).numpy(), ng.grad(lambda x: decay(x, 0.3).sum())(x).numpy())
    assert "4 records" in repr(f)


@ng.op
@njit
def first(x, n):
    return x[:n] * 2.0


def test_shapes_that_follow_from_numbers():
    f = ng.compile(lambda x, n: first(x, n))
    for n in (2, 3, 0):
        assert f(np.ones(5), n).shape == (n,)
    count = ng.tensor(2)
    held = ng.compile(lambda x: first(x, count))
    assert held(np.ones(5)).shape == (2,)
    count[...] = 3
    assert held(np.ones(5)).shape == (3,)


def test_shapes_that_follow_from_values_are_refused():
    with pytest.raises(ArgumentError, match="as large as the values of n say(?s:.*)test_derived.py"):
        ng.compile(lambda x, n: first(x, n))(np.ones(5), np.array(3))

    @ng.op
    @njit
    def positive(x):
        count = 0
        for i in range(x.size):
            if x[i] > 0.0:
                count += 1
        return np.full(count, x[0])

    assert positive(np.array([1.0, -1.0])).tolist() == [1.0]
    with pytest.raises(ArgumentError, match="as large as the values of x say"):
        ng.compile(lambda x: positive(x * 1.5))(np.ones(5))


def test_a_result_of_another_shape_is_an_error(monkeypatch):
    made = first.op.pull.__self__
    monkeypatch.setattr(type(made), "shapes", lambda self, kinds, entry, tensors, arrays: ((4,),))
    f = ng.compile(lambda x, n: first(x, n) * 1.0)
    with pytest.raises(ShapeError, match=r"has shape \(3,\), and \(4,\) when(?s:.*)test_derived.py"):
        f(np.ones(5), np.array(3))
    assert f(np.ones(5), np.array(4)).tolist() == [2.0] * 4


def test_errors_of_the_function_come_through(rng):
    f = ng.compile(ng.value_and_grad(lambda x: checked(x * 1.5, 3).sum()))
    for _ in range(2):
        assert float(f(np.ones(3))[0]) == 9.0
        for x, match in ((10.0, "too large"), (-10.0, r"\('too small', 3\)")):
            for call in (f, lambda x: checked(x, 3)):
                with pytest.raises(ValueError, match=match):
                    call(np.full(3, x))

    @ng.op
    @njit(boundscheck=True)
    def at(x, i):
        return x[i] * x

    f = ng.compile(lambda x, i: at(x, i).sum())
    assert float(f(np.ones(3), np.array(1))) == 3.0
    with pytest.raises(IndexError):
        f(np.ones(3), np.array(3))
    with pytest.raises(IndexError):
        ng.compile(lambda x, i: ng.scan(lambda c, k: (at(c, k), c), x, i)[0])(np.ones(3), np.array([0, 3]))


@ng.op
@njit
def shifted(x, k):
    out = np.zeros_like(x)
    for i in range(x.size):
        out[i] = x[i - k] * x[i - k]
    return out


def test_errors_of_a_backward_come_through():
    loss = lambda x: shifted(x * 1.5, 2).sum()
    turned = lambda x: ng.scan(lambda c, k: (shifted(c, k), c), x, np.array([0, 2]))[0].sum()
    for f in (loss, turned):
        for call in (ng.grad(f), ng.compile(ng.grad(f))):
            with pytest.raises(IndexError, match="computed in a loop is negative"):
                call(np.ones(3))
        x = ng.tensor(np.ones(3), requires_grad=True)
        value = ng.compile(f)(x)
        for _ in range(2):
            with pytest.raises(IndexError, match="computed in a loop is negative"):
                value.backward(keep=True)
        assert x.grad is None


def test_loops_of_programs(rng):
    x, xs = rng.normal(size=5), rng.normal(size=(4, 5))

    def turn(c, s):
        a, b = pair(c, s)
        c = decay(a, 0.4) + 0.1 * b
        return c, c * 2.0

    def scanned(x, xs, checkpoint=False):
        c, ys = ng.scan(turn, x, xs, checkpoint=checkpoint)
        return (c * c).sum() + ys.sum()

    again = lambda x, xs: scanned(x, xs, True)
    chosen = lambda x, xs: ng.cond(x[0] > 0.0, lambda x: decay(x, 0.2), lambda x: x * 2.0, x).sum()
    until = lambda x, xs: ng.while_loop(lambda c: (c * c).sum() < 50.0, lambda c: decay(c, 0.9) * 0.1 + c * 1.5, x).sum()
    for f in (scanned, again, chosen, until):
        g = ng.value_and_grad(f, (0, 1) if f in (scanned, again) else 0)
        for start in (x, -x):
            for a, b in zip(*[tree.flatten(h(start, xs))[0] for h in (g, ng.compile(g))]):
                np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
    second = ng.grad(lambda x: (ng.grad(scanned)(x, xs) ** 2).sum())
    np.testing.assert_allclose(ng.compile(second)(x).numpy(), second(x).numpy(), rtol=1e-10)


class Smooth(ng.nn.Module):
    """A layer around a derived op whose rates are learned."""

    def __init__(self):
        self.first, self.last = ng.nn.Linear(6, 5), ng.nn.Linear(5, 1)
        self.rates = ng.tensor(np.full(5, 0.5), requires_grad=True)

    def __call__(self, x):
        return self.last(rows(ng.tanh(self.first(x)), ng.sigmoid(self.rates)))


@ng.op
@njit
def rows(x, rate):
    out = np.empty_like(x)
    for i in range(x.shape[0]):
        state = 0.0
        for j in range(x.shape[1]):
            state = state + rate[j] * (x[i, j] - state)
            out[i, j] = state
    return out


def _trained(wrap):
    ng.random.seed(0)
    net = Smooth()
    adam = ng.optim.Adam(net, lr=0.01)
    x = np.random.default_rng(0).normal(size=(32, 6))
    y = np.sin(x.sum(1, keepdims=True))

    @wrap
    def step(x, y):
        adam.zero_grad()
        loss = ((net(x) - y) ** 2).mean()
        loss.backward()
        adam.step()
        return loss

    return [float(step(x[:n], y[:n])) for n in [32] * 20 + [7] * 3 + [32] * 5], net.rates.numpy()


def test_training_steps():
    (one, rates), (other, learned) = _trained(lambda f: f), _trained(ng.compile)
    np.testing.assert_allclose(one, other, rtol=1e-10)
    np.testing.assert_allclose(rates, learned, rtol=1e-10)
    assert one[-1] < one[0] and not np.allclose(rates, 0.5)


def test_a_program_keeps_going_after_an_error():
    w = ng.tensor(np.ones(3), requires_grad=True)
    adam = ng.optim.Adam([w], lr=0.1)

    @ng.compile
    def step(x):
        adam.zero_grad()
        loss = checked(x * w, 3).sum()
        loss.backward()
        adam.step()
        return loss

    step(np.ones(3))
    before = w.numpy().copy()
    with pytest.raises(ValueError, match="too large"):
        step(np.full(3, 10.0))
    np.testing.assert_array_equal(w.numpy(), before)
    assert float(step(np.ones(3))) < 6.0


@pytest.mark.usefixtures("only_new_objects_are_collected")
def test_programs_keep_the_functions_that_they_call():
    def made(k):
        @ng.op
        @njit
        def times(x):
            return x * k

        f = ng.compile(lambda x: times(x) * 1.5)
        f(np.ones(2))
        return f.latest

    runs = [made(float(k)) for k in range(3)]
    gc.collect()
    assert [run([ng.ones(2)]).tolist() for run in runs] == [[0.0] * 2, [1.5] * 2, [3.0] * 2]


def test_functions_with_threads_of_their_own(rng):
    @ng.op
    @njit(parallel=True)
    def sines(x):
        out = np.empty_like(x)
        for i in prange(x.size):
            out[i] = math.sin(x[i])
        return out

    x = rng.normal(size=10000)
    found = ng.compile(ng.grad(lambda x: (sines(x) + sines(x * 2.0)).sum()))(x)
    np.testing.assert_allclose(found.numpy(), np.cos(x) + 2.0 * np.cos(2.0 * x), rtol=1e-12)


def test_threads_share_a_program(rng):
    f, x, wrong = ng.compile(ng.grad(lambda x: pair(decay(x, 0.3), x)[0].sum())), rng.normal(size=5000), []
    expected = [f(x * (k + 1)).numpy().copy() for k in range(4)]

    def work(k):
        for _ in range(20):
            if not np.array_equal(f(x * (k + 1)).numpy(), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_functions_out_of_reach_are_refused():
    @ng.op
    @njit
    def listed(x):
        parts = []
        for i in range(x.size):
            parts.append(x[i])
        return np.array(parts)

    assert listed(np.ones(2)).tolist() == [1.0, 1.0]
    with pytest.raises(ArgumentError, match="a list is not supported"):
        ng.compile(lambda x: listed(x) * 1.0)(np.ones(2))
    @ng.op
    @njit
    def nothing(x):
        x[0] = 1.0

    for call in (nothing, ng.compile(nothing)):
        with pytest.raises(DtypeError, match="nothing returns None"):
            call(np.ones(2))
    with pytest.raises(ArgumentError, match="3 arguments given for"):
        decay(1.0, 2.0, 3.0)


SCRIPT = """
import numpy as np, nbgrad as ng
from numba import njit
from nbgrad.target.cpu.load import cache_info
from numba.core.runtime import rtsys

@ng.op
@njit
def f(x, k):
    return np.cumsum(x) * k

step = ng.compile(ng.grad(lambda x: (f(x, 3) ** 2).sum()))
print(step(np.ones(3)).tolist(), cache_info().compiled)
before = rtsys.get_allocation_stats()
for _ in range(50):
    step(np.ones(3))
after = rtsys.get_allocation_stats()
print(after.alloc - before.alloc == after.free - before.free > 0)
"""


def test_a_second_process_reads_kernels_and_nothing_leaks(tmp_path):
    env = {"NUMBA_NRT_STATS": "1", "NBGRAD_CACHE_DIR": str(tmp_path), "PATH": ""}
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    runs = [subprocess.run([sys.executable, script], env={**env, "PYTHONPATH": ":".join(filter(None, sys.path))},
                           capture_output=True, text=True, check=True).stdout.split("\n") for _ in range(2)]  # fmt: skip
    assert runs[0][0].split("]")[0] == runs[1][0].split("]")[0] == "[108.0, 90.0, 54.0"
    assert not runs[0][0].endswith(" 0") and runs[1][0].endswith(" 0")
    assert runs[0][1] == runs[1][1] == "True"
