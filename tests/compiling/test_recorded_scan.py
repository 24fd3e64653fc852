"""Scans and loops of a given length inside of compiled functions, against the same functions op by op."""

import threading

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.base.errors import ArgumentError, GradientError, IndexRangeError
from tests.compiling.test_compile import count, flat, same, values

N, T = 3, 5


def data(seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    x, h, w = rng.standard_normal((T, N)), rng.standard_normal(N), rng.standard_normal((N, N))
    return [ng.tensor(a.astype(dtype)) for a in (x, h, w)]


def check(f, *calls, rtol=1e-13):
    """Hold a compiled function against the function itself: each list of arguments twice, the first once more at the end."""
    compiled = ng.compile(f)
    for args in (*calls, calls[0]):
        for _ in range(2):
            same(compiled(*args), f(*args), rtol, 1e-14)
    return compiled


def through(f):
    """Return a function that gives what `f` does and the gradients of a projection of it."""

    def both(*args):
        def loss(*args):
            out = flat(f(*args))
            return sum([(ng.sin(v) * (i + 1)).sum() for i, v in enumerate(out) if v.dtype.kind == "f"]), out

        (_, out), gradients = ng.value_and_grad(loss, tuple(range(len(args))), has_aux=True)(*args)
        return out, gradients

    return both


def states(x, h, w, **options):
    step = lambda h, v: (lambda h: (h, h * 2.0))(ng.tanh(h @ w + v))
    last, ys = ng.scan(step, h, x, **options)
    return [last, ys]


def turned(x, h, w):
    last, ys = ng.scan(lambda h, v: (lambda h: (h, h.sum()))(ng.tanh(h @ w.T + v)), h, x)
    return [last, ys]


def swapped(x, h, w):
    (a, b), ys = ng.scan(lambda c, v: ((c[1], c[0] + v), c[0] * v), (h, h @ w), x)
    return [a, b, ys]


def kept(x, h, w):
    (a, b), ys = ng.scan(lambda c, v: ((c[0], c[1] * 0.5 + v), c[0] + c[1]), (h, h @ w), x)
    return [a, b, ys]


def integers(x, h, w):
    (c, n), ys = ng.scan(lambda c, v: ((c[0] * v, c[1] + 2), (c[1], v)), (h, 0), x)
    return [c, n, *ys]


def without_results(x, h, w):
    last, none = ng.scan(lambda h, v: (ng.sin(h @ w) + v, None), h, x)
    assert none is None
    return [last]


def unused_slices(x, h, w):
    last, ys = ng.scan(lambda h, v: (ng.sin(h @ w), h), h, x)
    return [last, ys]


def unread_carry(x, h, w):
    last, ys = ng.scan(lambda h, v: (v, v @ w), h, x)
    return [last, ys]


def nested(x, h, w):
    row = lambda h, v: ng.scan(lambda c, s: (ng.sin(c * s + v), c.sum()), h, v)
    last, ys = ng.scan(row, h, x @ w)
    return [last, ys]


def strided(x, h, w):
    last, ys = ng.scan(lambda h, v: (h * v, h + v), w.T[1], ng.flip(x, 0)[::2, ::-1])
    return [last, ys]


def transposed_slices(x, h, w):
    last, ys = ng.scan(lambda h, v: (h * 0.5 + v, h[:2]), x[:, 0], x.T)
    return [last, ys]


def constant_results(x, h, w):
    last, ys = ng.scan(lambda h, v: (h, (v, ng.ones(2))), h, x)
    return [last, *ys]


def counted(x, h, w):
    return [ng.fori_loop(1, 5, lambda i, c: c * x[i] + i * h, h)]


def no_slices(x, h, w):
    last, ys = ng.scan(lambda c, _: (ng.tanh(c @ w), c), h, None, length=4)
    return [last, ys]


def of_length_one(x, h, w):
    return states(x[:1], h, w)


def matrices(x, h, w):
    last, ys = ng.scan(lambda c, v: (ng.tanh(c @ w.T) * v, c.T), w, x)
    return [last, ys]


def without_elements(x, h, w):
    (a, b), ys = ng.scan(lambda c, v: ((c[0] * v[:0], c[1] + v), (c[0], v)), (h[:0], h), x)
    return [a, b, *ys]


def without_carries(x, h, w):
    return [ng.scan(lambda c, v: ((), ng.tanh(v @ w)), (), x)[1]]


def gradients_within(x, h, w):
    step = lambda c, v: (c - 0.1 * ng.grad(lambda c: (ng.sin(c @ w) * v).sum())(c), c.sum())
    return [*ng.scan(step, h, x)]


def parts_written(x, h, w):
    def step(c, v):
        c = c * 1.0
        c[0] = v[1]
        return c @ w, c

    return [*ng.scan(step, h, x)]


def indices(x, h, w):
    return [*ng.scan(lambda c, i: (c + w[i], ng.take(x, i, axis=0)), h, ng.tensor([0, 2, 1, 1]))]


def checkpoints_within(x, h, w):
    return [*ng.scan(lambda c, v: (lambda c: (c, c))(ng.checkpoint(lambda c: ng.tanh(c @ w) + v)(c)), h, x)]


def one_behind_another(x, h, w):
    last, ys = states(x, h, w)
    return [*ng.scan(lambda c, v: (c * v, c), last, ys, reverse=True)]


SCANS = [without_elements, without_carries, gradients_within, parts_written, indices, checkpoints_within, one_behind_another,
         states, turned, swapped, kept, integers, without_results, unused_slices, unread_carry, nested, strided,
         transposed_slices, constant_results, counted, no_slices, of_length_one, matrices]  # fmt: skip


@pytest.mark.parametrize("f", SCANS, ids=lambda f: f.__name__)
def test_values_are_those_of_eager_mode(f):
    compiled = check(f, data(), data(1))
    assert count(compiled) == 1


def turned_round(x, h, w):
    (a, b, c), ys = ng.scan(lambda c, v: ((c[1], c[2][::-1], c[0] * 1.5 + v), c[0]), (h, h @ w, h * 2.0), x)
    return [a, b, c, ys]


@pytest.mark.parametrize("f", [*SCANS, turned_round], ids=lambda f: f.__name__)
def test_carries_that_are_changed_in_place(f):
    """Without gradients there is one array for each carry, which every turn writes over."""
    with ng.no_grad():
        assert count(check(f, data(), data(1))) == 1


@pytest.mark.parametrize("f", SCANS, ids=lambda f: f.__name__)
def test_gradients_inside_are_those_of_eager_mode(f):
    check(through(f), data(), data(1), rtol=1e-11)


@pytest.mark.parametrize("f", SCANS, ids=lambda f: f.__name__)
def test_gradients_outside_are_those_of_eager_mode(f):
    compiled = ng.compile(f)
    for args in (data(), data(1), data()):
        same(through(compiled)(*args), through(f)(*args), 1e-11, 1e-14)


def test_backwards():
    f = lambda x, h, w: states(x, h, w, reverse=True)
    check(f, data(), data(1))
    check(through(f), data(), data(1), rtol=1e-11)


def test_single_precision():
    f = through(states)
    for got, want in zip(flat(values(ng.compile(f)(*data(0, "float32")))), flat(values(f(*data())))):
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=1e-3, atol=1e-4)


def test_captured_leaves_get_gradients():
    x, h, w = data()
    w.requires_grad = True
    b = ng.tensor(np.linspace(0.0, 1.0, N), requires_grad=True)

    def step(x, h):
        last, ys = ng.scan(lambda c, v: (ng.tanh(c @ w.T + b * v), c), h, x)
        loss = (last * last).sum() + ys.sum()
        loss.backward()
        return loss

    def run(f):
        w.grad = b.grad = None
        loss = f(x, h)
        return loss, w.grad, b.grad

    compiled = ng.compile(step)
    for k in (1.0, 0.5):
        w.data[...] = k * data()[2].numpy()
        for _ in range(2):
            same(run(compiled), run(step), 1e-12, 1e-14)


def test_arguments_that_are_not_in_one_piece():
    x, h, w = data()
    view = lambda a: ng.tensor(np.repeat(a.numpy(), 2, -1)[..., ::2])
    back = lambda a: ng.tensor(a.numpy()[..., ::-1].copy()[..., ::-1])
    for change in (view, back):
        check(through(states), [change(x), change(h), ng.tensor(w.numpy().T.copy()).T], rtol=1e-11)


def test_noise_inside_is_refused():
    x, h, _ = data(0, "float32")
    drop = ng.nn.Dropout(0.5)
    f = lambda x, h: ng.scan(lambda c, v: (drop(c + v), None), h, x)[0]
    with pytest.raises(ArgumentError, match="every turn would draw the same"):
        ng.compile(f)(x, h)
    drop.eval()
    same(ng.compile(f)(x, h), f(x, h), 1e-6)


def test_noise_may_be_slices(seeded):
    f = lambda x, h: ng.scan(lambda c, v: (c * v[1] + v[0], None), h, (x, ng.random.uniform(x.shape, dtype="float64")))[0]
    compiled, now = ng.compile(f), ng.random.get_state()
    got = [compiled(*data()[:2]) for _ in range(3)]
    ng.random.set_state(now)
    same(got, [f(*data()[:2]) for _ in range(3)], 1e-13)


def test_an_index_out_of_range_inside_raises():
    table = ng.tensor(np.arange(12.0).reshape(4, 3))
    f = lambda c, i: ng.scan(lambda c, i: (c + ng.take(table, i, axis=0), None), c, i)[0]
    compiled = ng.compile(f)
    c = ng.zeros(3)
    for good in ([0, 1, 3], [3, 3, 2]):
        same(compiled(c, ng.tensor(good)), f(c, ng.tensor(good)))
    for run in (f, compiled, ng.compile(lambda c, i: ng.scan(lambda c, k: (f(c, i), None), c, i)[0])):
        with pytest.raises(IndexRangeError, match="4"):
            run(c, ng.tensor([0, 4, 1]))
    same(compiled(c, ng.tensor([2, 1, 0])), f(c, ng.tensor([2, 1, 0])))


def test_what_the_backward_reads_must_not_be_written():
    x, h, w = data()
    w.requires_grad = True

    def f(x, h):
        loss = ng.scan(lambda c, v: (c * w[0] + v, None), h, x)[0].sum()
        with ng.no_grad():
            w[...] = 0.0
        loss.backward()

    with pytest.raises(GradientError, match="written in place after it was recorded"):
        ng.compile(f)(x, h)


def test_a_buffer_that_is_written_within():
    held = ng.zeros(N)

    def f(x, h):
        made = ng.zeros(N)

        def step(c, v):
            made[...] = made + c
            held[...] = held + v
            return c * v, made * 1.0

        last, ys = ng.scan(step, h, x)
        return last, ys, made

    x, h, _ = data()
    compiled = ng.compile(f)
    with ng.no_grad():
        for times in (1, 2, 3):
            got = values(list(compiled(x, h)))
            np.testing.assert_allclose(held.numpy(), times * x.numpy().sum(0), rtol=1e-13)
            before = held.numpy().copy()
            same(got, values(list(f(x, h))), 1e-13)
            held[...] = before


def test_several_threads():
    compiled, want = ng.compile(through(states)), [through(states)(*data(i)) for i in range(4)]
    got = [[] for _ in want]

    def run(i):
        args = data(i)
        for _ in range(20):
            got[i].append(compiled(*args))

    threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for results, right in zip(got, want):
        assert len(results) == 20
        for r in results:
            same(r, right, 1e-11, 1e-14)


def test_what_no_gradient_flows_to_is_not_kept():
    f = ng.compile(lambda h, w: ng.scan(lambda h, _: (ng.tanh(h @ w), None), h, None, length=1000)[0])
    x, h, w = data()
    same(f(h, w), f.f(h, w), 1e-12)
    assert f.latest.program.schedule.arena < 1000 * h.data.nbytes
    leaf = ng.tensor(h.numpy().copy(), requires_grad=True)
    assert f(leaf, w).requires_grad


def test_a_scan_is_one_call_forward_and_one_backward():
    schedule = ng.compile(through(states)).record(*data()).program.schedule
    names = [op.name for wave in schedule.waves for item in wave for op in item.work.ops]
    assert names.count("scan") == names.count("scan_back") == 1
