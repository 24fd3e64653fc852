"""Functions that call themselves: their gradients and tangents call themselves too."""

import math

import numpy as np
import pytest
from numba import njit, prange

import nbgrad as ng
from nbgrad import checkpointed
from nbgrad.ad.recursion import called, statements_of
from nbgrad.base.errors import GradientError
from tests.ad.plain import close, copies, differences, lowered, plain, text
from tests.ad.zoo import values


@njit
def power(x, n):
    if n == 0:
        return 1.0
    half = power(x, n // 2)
    return half * half * x if n % 2 else half * half


@njit
def tree(x):
    if x.size == 1:
        return math.sin(x[0])
    m = x.size // 2
    a, b = tree(x[:m]), tree(x[m:])
    return a * b + 0.3 * a


@njit
def between(x, low, high):
    if high - low == 1:
        return x[low] * x[low]
    m = (low + high) // 2
    return between(x, low, m) * 0.5 + math.sin(between(x, m, high))


@njit
def wave(t, p):
    return math.exp(p * t) * math.sin(3.0 * t)


@njit
def simpson(a, b, fa, fm, fb, p, eps, depth):
    m = 0.5 * (a + b)
    l, r = wave(0.5 * (a + m), p), wave(0.5 * (m + b), p)
    whole = (b - a) / 6.0 * (fa + 4.0 * fm + fb)
    left = (m - a) / 6.0 * (fa + 4.0 * l + fm)
    right = (b - m) / 6.0 * (fm + 4.0 * r + fb)
    if depth == 0 or abs(left + right - whole) < eps:
        return left + right
    return simpson(a, m, fa, l, fm, p, 0.5 * eps, depth - 1) + simpson(m, b, fm, r, fb, p, 0.5 * eps, depth - 1)


@njit
def integral(a, b, p):
    return simpson(a, b, wave(a, p), wave(0.5 * (a + b), p), wave(b, p), p, 1e-5, 12)


@njit
def gcd(a, b):
    return a if b == 0 else gcd(b, a % b)


@njit
def in_a_loop(x, n):
    s = 0.0
    for i in range(n):
        y = x * s
        y[0] += x[i % x.size]
        s += power(y[0], i) * between(y + 1.0, 0, y.size) / gcd(12, 3 * i)
        y[0] = s
    return s


@njit
def in_a_checkpointed_loop(x, n):
    u = x.copy()
    for _ in checkpointed(range(n)):
        s = tree(u)
        for i in range(u.size):
            u[i] = math.sin(u[i]) + s
    return np.sum(u)


@njit
def even(x, n):
    return x if n == 0 else odd_of(x, n)


@njit
def odd_of(x, n):
    if n < 0:
        return x
    return even_again(x * 0.9, n - 1) + x


@njit
def even_again(x, n):
    if n <= 0:
        return math.sin(x)
    return odd_of(x, n) * x


@njit
def rows(x, i):
    m = np.outer(x, x)
    return row_sums(m, i)


@njit
def row_sums(m, i):
    if i < 0:
        return 1.0
    w = m[i] * m[i]
    for _ in range(2):
        w[0] = math.sin(w[0]) * w[1]
    return np.sum(w) * row_sums(m, i - 1) + row_sums(m.T, i - 2)


CASES = [(power, (0.9, 11), (0,)), (power, (0.9, 0), (0,)), (tree, (values(1),), (0,)), (tree, (values(7),), (0,)),
         (between, (values(7), 0, 7), (0,)), (integral, (0.0, 2.0, 0.4), (0, 1, 2)), (in_a_loop, (values(3, low=0.2, high=0.8), 5), (0,)),
         (in_a_checkpointed_loop, (values(3), 6), (0,)), (even, (0.7, 5), (0,)), (rows, (values(3), 2), (0,))]  # fmt: skip


@pytest.mark.parametrize(("f", "args", "wrt"), CASES, ids=[f.__name__ for f, _, _ in CASES])
def test_gradients_and_tangents(f, args, wrt):
    value, found = plain(ng.value_and_grad(f, wrt), *args)
    slopes = tuple(differences(f.py_func, args, k) for k in wrt)
    assert close(value, f.py_func(*copies(args)), 1e-13)
    assert close(found, slopes, 1e-6, 1e-8)
    along = tuple(np.cos(a) if isinstance(a, np.ndarray) else 0.3 if isinstance(a, float) else 0 for a in args)
    tangents = along[: len(args)]
    expected = sum(np.sum(g * tangents[k]) for k, g in zip(wrt, found))
    assert close(plain(ng.loops.derivative("jvp", f), *args, *tangents)[1], expected, 1e-10)


@pytest.mark.parametrize(("f", "args", "wrt"), [CASES[0], CASES[3], CASES[6], CASES[8]], ids=["power", "tree", "in_a_loop", "even"])
def test_compiled(f, args, wrt):
    assert close(ng.value_and_grad(f, wrt)(*copies(args)), plain(ng.value_and_grad(f, wrt), *args), 1e-12)
    assert close(ng.grad(f)(*copies(args)), ng.vjp(f, *args)[1](1.0)[0], 1e-12)


def test_float32():
    x = values(5).astype(np.float32)
    found = plain(ng.grad(tree), x)
    assert found.dtype == np.float32 and close(found, differences(tree.py_func, (x.astype(float),), 0), 1e-4, 1e-5)
    assert ng.grad(tree)(x).dtype == np.float32


@pytest.mark.parametrize("mode", ["forward", "reverse"])
def test_jacobian(mode):
    @njit
    def f(x):
        out = np.empty(2)
        out[0], out[1] = tree(x), power(x[0], 5)
        return out

    x = values(3)
    expected = np.stack([differences(lambda v, k=k: f.py_func(v)[k], (x,), 0) for k in range(2)])
    assert close(plain(ng.jacobian(f, mode=mode), x), expected)


def test_in_a_loop_that_threads_share():
    @njit(parallel=True)
    def f(x, n):
        total = 0.0
        for i in prange(n):
            total += tree(x[i : i + 3]) * x[i]
        return total

    x = values(6)
    assert close(plain(ng.grad(f), x, 4), differences(f.py_func, (x, 4), 0))
    assert close(ng.grad(f)(x, 4), plain(ng.grad(f), x, 4), 1e-12)


def test_the_text_has_one_function_for_each():
    source = text(ng.grad(tree), values(3))
    assert [line.split("(")[0] for line in source.splitlines() if line.startswith("def ")] == ["def call_tree", "def pull_call_tree", "def grad_tree"]
    assert "cache=True" not in source  # Numba crashes when it loads what calls a function that calls itself
    found = called(lowered(in_a_loop, values(3), 3))
    assert set(found) == {"call_power", "call_between", "call_gcd"}
    routine = next(s.extra for s in lowered(tree, values(3)).body[-2].other if getattr(s, "op", "") == "call")
    assert statements_of(routine.derived("dual", (0,))).name == "dual_call_tree"


@njit
def pair(x, n):
    if n == 0:
        return x, x
    a, b = pair(x, n - 1)
    return a * b, a


@njit
def pair_of(x, n):
    return pair(x, n)[0]


@njit
def halved(x, n):
    if n > 0:
        x[n] = x[n] * 0.5 * halved(x, n - 1)
    return x[n]


@njit
def halved_copy(x, n):
    return halved(x.copy(), n)


@njit
def curved(x, n):
    g = slope(x, n)
    return g * g


slope = ng.grad(power)
REFUSED = [(pair_of, 0.5, "pair calls itself, and returns more than a number"), (halved_copy, values(4), "halved calls itself, and writes into its arguments"),
           (curved, 0.5, "no second derivative of curved: power calls itself")]  # fmt: skip


@pytest.mark.parametrize(("f", "x", "what"), REFUSED, ids=[f.__name__ for f, _, _ in REFUSED])
def test_refused(f, x, what):
    with pytest.raises(GradientError) as caught:
        ng.grad(f)(x, 3)
    assert what in str(caught.value) and len(str(caught.value).splitlines()) == 3


def test_second_derivatives_and_patterns_are_refused():
    for run in (lambda: ng.hvp(tree, (values(3),), (values(3),)), lambda: ng.sparse_jacobian(in_a_loop)(values(3), 3)):
        with pytest.raises(GradientError, match="calls itself"):
            run()
