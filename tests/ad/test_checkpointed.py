"""Checkpointed loops: gradients as of the plain loop, in memory that grows with the logarithm of the number of turns."""

import math
import tracemalloc

import numpy as np
import pytest
from numba import njit, prange

import nbgrad as ng
from nbgrad import checkpointed
from nbgrad.base.errors import GradientError
from tests.ad.plain import close, copies, differences, loaded, plain, text
from tests.ad.zoo import values


@njit
def number(x, n, h):
    s = 1.0
    for i in checkpointed(range(n)):
        s = math.sin(s) * x[i % x.size] + h
    return s


@njit
def in_place(x, n, h):
    for _ in checkpointed(range(n)):
        for i in range(1, x.size):
            x[i] += h * x[i - 1] * x[i]
    return np.sum(x * x)


@njit
def work_array(x, n, h):
    v = np.empty_like(x)
    for _ in checkpointed(range(n)):
        for i in range(1, x.size - 1):
            v[i] = x[i] + h * (x[i - 1] - 2 * x[i] + x[i + 1]) * x[i]
        for i in range(1, x.size - 1):
            x[i] = v[i]
    return np.sum(x * x)


@njit
def exchanged(x, n, h):
    u, v = x.copy(), x.copy()
    for _ in checkpointed(range(n)):
        for i in range(1, u.size - 1):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1]) * u[i]
        u, v = v, u
    return np.sum(u * u) + v[1]


@njit
def new_arrays(x, n, h):
    u = x
    for _ in checkpointed(range(n)):
        u = u + h * np.sin(u) * u[0]
    return np.sum(u * u)


@njit
def step(u, h, out):
    for i in range(u.size):
        out[i] = u[i] + h * u[i - 1] * math.exp(-u[i])


@njit
def called(x, n, h):
    u, out = x.copy(), np.empty_like(x)
    loss = 0.0
    for t in ng.checkpointed(range(n)):
        step(u, h * (t + 1), out)
        u[:] = out
        loss += u[0] * u[1]
    return loss + np.sum(u)


@njit
def stepped(x, n, h):
    s, k = x[0], 0
    for i in checkpointed(range(2 * n, -n, -3)):
        s = s * math.cos(i * h) + x[k % x.size]
        k = k + 2 if s > 0.4 else k + 1
    return s * s


@njit
def flags(x, n, h):
    s, up = x[0], True
    for i in checkpointed(range(1, n + 1)):
        if up:
            s = s * (1.0 + h) + x[i % x.size] * s
        else:
            s = s * s * 0.1 + h
        up = s < 1.0
    return s


@njit
def inner_loops(x, n, h):
    s = x[0]
    for i in checkpointed(range(n)):
        for j in range(i):
            s = math.sin(s + x[j % x.size])
        t = s
        while t > 0.3:
            t = t * (0.4 + h)
        s = s + t * t
    return s


@njit
def left_early(x, n, h):
    s = x[0]
    for i in checkpointed(range(n)):
        s = s * (1.1 + h) + 0.1 * x[i % x.size] * s
        if s > 1.5:
            break
    return s * i if n > 0 else s


@njit
def returned_early(x, n, h):
    s = x[0]
    for i in checkpointed(range(n)):
        if i % 3 == 1:
            continue
        s = s * s + h + x[i % x.size] * 0.2
        if s > 0.9:
            return s * h
    return s


@njit
def in_a_branch(x, n, h):
    s = x[0]
    if h > 0.0:
        for i in checkpointed(range(n)):
            s = math.sin(s * x[i % x.size])
    else:
        s = s * s
    return s * h


@njit
def nested(x, n, h):
    s = x[0]
    for i in checkpointed(range(n)):
        t = s
        for j in checkpointed(range(i)):
            t = math.sin(t * x[j % x.size]) + h
            x[j % x.size] *= 1.0 + 0.1 * t
        s = s + 0.5 * t * t
    return s


@njit
def of_each_turn(x, n, h):
    total = 0.0
    for k in range(x.size):
        s = x[k]
        for _ in checkpointed(range(n)):
            s = math.sin(s) + h * x[k]
        total += s * s
    return total


@njit
def one_after_another(x, n, h):
    for _ in checkpointed(range(n)):
        for j in range(x.size):
            x[j] = math.sin(x[j]) + h * x[j - 1]
    for j in range(x.size):
        x[j] *= x[j]
    for _ in checkpointed(range(n + 2)):
        for j in range(x.size):
            x[j] = math.cos(x[j]) * x[j - 1] + h
    return np.sum(x)


@njit
def written_afterwards(x, n, h):
    s = h
    for _ in checkpointed(range(n)):
        for j in range(x.size):
            s = math.sin(s + x[j]) * x[j]
    x[0] = s
    x[1] *= x[0]
    return np.sum(x * x) * s


@njit
def recorded(x, n, h):
    track, most = np.zeros((n, x.size)), np.zeros(2)
    s = h
    for i in checkpointed(range(n)):
        for j in range(x.size):
            s = math.sin(s + x[j]) * x[j]
            track[i, j] = s * x[j]
            most[i % 2] += s
    return np.sum(track * track) + most[0] * most[1] + s


@njit
def rows(x, n, h):
    y = np.outer(x, x)
    for _ in checkpointed(range(n)):
        for r in range(x.size):
            row = y[r]
            for i in range(1, x.size):
                row[i] += h * row[i - 1] * y[i, r]
    return np.sum(y)


@njit
def rare(x, n, h):
    s = x[0]
    for i in checkpointed(range(n)):
        if i % 3 == 0:
            c = s * x[1]
        if i % 3 == 2:
            s = s * c + h
    return s


@njit
def older(x, n, h):
    before, now = x[0], x[1]
    for _ in checkpointed(range(n)):
        before, now = now, now * (1.0 - h) + before * now
    return before * now


@njit
def by_another_name(x, n, h):
    a, b = np.arange(3), np.ones(3, np.int64)
    s = x[0]
    for i in checkpointed(range(n)):
        c = a if i % 3 == 0 else b
        if i % 2 == 0:
            c = b
        c[0] = (c[0] + a[1] + b[0]) % 5
        s = math.sin(s * c[0]) + h * a[0] * x[1]
    return s


@njit
def bent(u):
    s = 0.0
    for i in range(u.size - 1):
        s += (u[i + 1] - u[i] ** 2) ** 2
    return s


slope = ng.grad(bent)


@njit
def descent(x, n, h):
    u = x.copy()
    for _ in checkpointed(range(n)):
        u -= h * slope(u)
    return bent(u)


ALL = [number, in_place, work_array, exchanged, new_arrays, called, stepped, flags, inner_loops, left_early, returned_early,
       in_a_branch, nested, of_each_turn, one_after_another, written_afterwards, recorded, rows, rare, older, by_another_name, descent]  # fmt: skip


@pytest.mark.parametrize("f", ALL, ids=lambda f: f.__name__)
@pytest.mark.parametrize("n", [0, 1, 2, 3, 7, 8, 13])
def test_gradients(f, n):
    args = (values(4, low=0.2, high=0.8), n, 0.1)
    found = plain(ng.value_and_grad(f, (0, 2)), *args)
    assert close(found[0], f.py_func(*copies(args)), 1e-13)
    assert close(found[1], tuple(differences(f.py_func, args, k) for k in (0, 2)), 1e-6, 1e-8)


@pytest.mark.parametrize("f", ALL, ids=lambda f: f.__name__)
def test_compiled(f):
    args = (values(4, low=0.2, high=0.8), 9, 0.1)
    expected = plain(ng.value_and_grad(f, (0, 2)), *args)
    ours, primal = copies(args), copies(args)
    assert close(ng.value_and_grad(f, (0, 2))(*ours), expected, 1e-12)
    assert close(f(*primal), expected[0], 1e-12)
    assert close(ours[0], primal[0], 1e-12)  # what the function writes into its argument is there afterwards


def peak(g, *args):
    """Return the most bytes that a derivative needs at a time, run as plain Python."""
    run = loaded(text(g, *args), g.derivative.name)
    given = copies(args)
    tracemalloc.start()
    run(*given)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


@njit
def long_run(x, n):
    for _ in checkpointed(range(n)):
        for i in range(1, x.size):
            x[i] = math.sin(x[i]) * x[i - 1]
    return np.sum(x)


@njit
def kept_run(x, n):
    for _ in range(n):
        for i in range(1, x.size):
            x[i] = math.sin(x[i]) * x[i - 1]
    return np.sum(x)


def test_memory_grows_with_the_logarithm_of_the_number_of_turns():
    x = values(400)
    state = x.nbytes
    few, many = (peak(ng.grad(long_run), x, n) for n in (16, 128))
    assert many - few < 4 * state  # three places more
    assert many < (math.log2(128) + 1 + 8) * state
    assert peak(ng.grad(kept_run), x, 128) > 128 * state


def test_turns_are_run_as_often_as_halves_need():
    @njit
    def f(x, n):
        s = x
        for _ in checkpointed(range(n)):
            s = math.sin(s)
        return s

    n, runs = 256, []
    source = text(ng.grad(f), 0.5, n).replace("math.sin(", "counted(")
    run = loaded(source, "grad_f", {"counted": lambda v: runs.append(v) or math.sin(v)})
    assert run(0.5, n) == pytest.approx(differences(f.py_func, (0.5, n), 0))
    assert n * (1 + math.log2(n) / 2) < len(runs) <= n * (2 + math.log2(n) / 2)


def test_float32():
    x = values(4, low=0.2, high=0.8).astype(np.float32)
    for f in (number, work_array, exchanged):
        found = plain(ng.grad(f, (0, 2)), x, 6, np.float32(0.1))
        assert found[0].dtype == np.float32
        expected = tuple(differences(f.py_func, (x.astype(float), 6, 0.1), k) for k in (0, 2))
        assert close(found, expected, 1e-4, 1e-5)


@njit
def spread(x, n, h):
    u = x.copy()
    for _ in checkpointed(range(n)):
        for i in range(1, u.size):
            u[i] += h * u[i - 1] * u[i]
        x[0] = u[1]
    return u, u[1] * x[0]


def test_vjp_of_arrays():
    args = (values(3, low=0.2, high=0.8), 5, 0.1)
    for k in range(3):
        g = np.eye(3)[k]
        primal = copies(args)
        (out, extra), back = ng.vjp(spread, *primal)
        assert close((out, extra), spread.py_func(*copies(args)), 1e-13)
        found = back((g, 2.0))
        weighted = lambda *a, k=k: (lambda r: r[0][k] + 2.0 * r[1])(spread.py_func(*a))
        assert close(found[0], differences(weighted, args, 0), 1e-6, 1e-8)
        assert close(found[2], differences(weighted, args, 2), 1e-6, 1e-8)


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_jacobian(mode):
    @njit
    def f(x, n):
        u = x.copy()
        for _ in checkpointed(range(n)):
            for i in range(1, u.size):
                u[i] += 0.1 * u[i - 1] * u[i]
        return u

    x = values(3, low=0.2, high=0.8)
    expected = np.stack([differences(lambda v, n, k=k: f.py_func(v, n)[k], (x, 5), 0) for k in range(3)])
    assert close(plain(ng.jacobian(f, mode=mode), x, 5), expected, 1e-6, 1e-8)


@pytest.mark.parametrize("f", [number, in_place, exchanged, new_arrays], ids=lambda f: f.__name__)
def test_second_derivatives(f):
    slope = ng.grad(f)

    @njit
    def along(x, n, h):
        g = slope(x, n, h)
        return g[0] * 0.3 - g[1] * 0.2 + g[2] * 0.5

    args = (values(3, low=0.2, high=0.8), 5, 0.1)
    expected = differences(lambda x, n, h: plain(slope, x, n, h) @ [0.3, -0.2, 0.5], args, 0)
    assert close(plain(ng.grad(along), *args), expected, 1e-6, 1e-8)
    assert close(ng.hvp(f, copies(args), (np.array([0.3, -0.2, 0.5]), 0, 0.0))[0], expected, 1e-6, 1e-8)


def test_the_gradient_of_a_directional_derivative_is_checkpointed():
    along = ng.jvp(long_run)

    @njit
    def f(x, n, t):
        return along(x, n, t, 0)[1]

    args = (values(4), 7, values(4, seed=1))
    assert close(plain(ng.grad(f), *args), differences(lambda *a: plain(along, *a, 0)[1], args, 0))
    assert peak(ng.grad(f), values(300), 128, values(300)) < 60 * values(300).nbytes


def test_forward_mode_is_that_of_the_range():
    args = (values(4, low=0.2, high=0.8), 6, 0.1)
    _, t = ng.jvp(number, args, (np.ones(4), 0, 0.5))
    assert close(t, np.sum(differences(number.py_func, args, 0)) + 0.5 * differences(number.py_func, args, 2))


def test_threads_may_share_the_loop_around():
    @njit(parallel=True)
    def f(x, n):
        total = 0.0
        for k in prange(x.size):
            u = np.empty(3)
            u[:] = x[k]
            for _ in checkpointed(range(n)):
                for i in range(3):
                    u[i] = math.sin(u[i]) + 0.1 * u[i - 1]
            total += u[0] * u[1]
        return total

    args = (values(5), 6)
    expected = differences(f.py_func, args, 0)
    assert close(plain(ng.grad(f), *args), expected)
    assert close(ng.grad(f)(*args), expected)


def test_a_rule_of_the_users_inside():
    @ng.custom_vjp
    @njit
    def thrice(x):
        return 3.0 * x

    @njit
    def forward(x):
        return thrice(x), x

    @njit
    def backward(x, g):
        return (g * x,)

    thrice.defvjp(forward, backward)

    @njit
    def f(x, n):
        s = x
        for _ in checkpointed(range(n)):
            s = thrice(s)
        return s

    assert plain(ng.grad(f), 2.0, 3) == pytest.approx(2.0 * 6.0 * 18.0)


@njit
def every_turn(x, n):
    u = np.zeros((n + 1, x.size))
    u[0] = x
    for t in checkpointed(range(n)):
        for i in range(x.size):
            u[t + 1, i] = math.sin(u[t, i])
    return np.sum(u)


@njit
def around(x, n):
    s = x[0]
    for _ in range(n):
        for _ in checkpointed(range(n)):
            s = math.sin(s) * x[1]
    return s


@njit
def no_range(x, n):
    s = 0.0
    for v in checkpointed(x):
        s = math.sin(s + v)
    return s


@njit
def maybe(x, n):
    if n > 2:
        u = x.copy()
    for _ in checkpointed(range(n)):
        if n > 2:
            u = u * u
    return u[0]


REFUSED = [(every_turn, "u holds every turn of it"), (around, "it is in a loop that is not checkpointed"),
           (no_range, "checkpointed takes a range"), (maybe, "u may have no value before it")]  # fmt: skip


@pytest.mark.parametrize(("f", "what"), REFUSED, ids=[f.__name__ for f, _ in REFUSED])
def test_refused_with_the_line_of_the_loop(f, what):
    with pytest.raises(GradientError) as caught:
        ng.grad(f)(np.ones(3), 4)
    assert what in str(caught.value) and "checkpointed(" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


def test_arrays_that_become_one_or_change_their_shape_are_refused_when_it_runs():
    @njit
    def one(x, n):
        s, p, q = x[0], np.zeros(2, np.int64), np.ones(2, np.int64)
        for _ in checkpointed(range(n)):
            p[0] += q[0]
            p, q = q, p
            if n > 3:
                p = q
            s = math.sin(s + p[0] * x[1])
        return s

    @njit
    def longer(x, n):
        u = x.copy()
        for _ in checkpointed(range(n)):
            u = np.concatenate((u, u * u))
        return np.sum(u)

    for f, says in ((one, "share memory in a checkpointed loop"), (longer, "u changes its shape in a checkpointed loop")):
        with pytest.raises(ValueError, match=says):
            plain(ng.grad(f), np.ones(2), 6)


def test_in_python_and_in_compiled_code_it_is_the_range():
    assert checkpointed(range(3)) == range(3)
    assert number(np.ones(3), 5, 0.1) == pytest.approx(number.py_func(np.ones(3), 5, 0.1))
    assert "range(n)" in text(ng.jvp(number), np.ones(3), 5, 0.1, np.ones(3), 0, 0.1)
