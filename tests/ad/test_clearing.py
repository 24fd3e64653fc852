"""Gradients are not cleared where what follows is written over them: never where somebody reads the zeros."""

import random

import numpy as np
import pytest
from numba import njit, prange

import nbgrad as ng
from nbgrad.base.errors import GradientError
from tests.ad.plain import close, copies, differences, loaded, text
from tests.ad.random_programs import function, plain_function
from tests.ad.zoo import values


def unfilled(shape, dtype):
    """Return an array that holds NaN: whoever reads it before it is written to is found out."""
    return np.full(shape, np.nan if np.dtype(dtype).kind == "f" else 7, dtype)


def plain(g, *args):
    """Return what a derivative returns, run as plain Python, its new arrays unfilled."""
    source = text(g, *args).replace("np.empty(", "unfilled(")
    return loaded(source, g.derivative.name, {"unfilled": unfilled})(*copies(args))


@njit
def rod(x, n, h):
    u, v = x.copy(), x.copy()
    for _ in range(n):
        for i in range(1, u.size - 1):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1])
        u, v = v, u
    return np.sum(u**2)


@njit(parallel=True)
def plate(x, n, h):
    u, v = x.copy(), x.copy()
    for _ in range(n):
        for i in prange(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                v[i, j] = u[i, j] + h * (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + 0.5 * u[i, j + 1] - 4 * u[i, j])
        u, v = v, u
    return np.sum(u**2)


@njit
def both_read(x, n, h):
    u, v = x.copy(), x.copy()
    for _ in range(n):
        for i in range(1, u.size - 1):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1])
        u, v = v, u
    return np.sum(u**2) + v[1] * v[0]


@njit
def block(x, n, h):
    u, v = x.copy(), x.copy()
    for _ in range(n):
        for i in range(1, u.shape[0] - 1):
            for j in range(1, u.shape[1] - 1):
                for k in range(1, u.shape[2] - 1):
                    v[i, j, k] = u[i, j, k] + h * (u[i - 1, j, k] + u[i + 1, j, k] - 3 * u[i, j - 1, k] + u[i, j, k + 1])
        u, v = v, u
    return np.sum(u**2)


@njit
def wave(x, n, h):
    old, u, new = x.copy(), x.copy(), x.copy()
    for _ in range(n):
        for i in range(1, u.size - 1):
            new[i] = 2 * u[i] - old[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1])
        old, u, new = u, new, old
    return np.sum(u**2) + np.sum(old)


@njit
def copied_back(x, n, h):
    u, v = x.copy(), np.zeros(x.size)
    for _ in range(n):
        for i in range(1, u.size - 1):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1])
        for i in range(1, u.size - 1):
            u[i] = v[i]
    return np.sum(u**2) + v[0]


@njit
def stages(x, n, h):
    y, k, m = x.copy(), np.empty(x.size), np.empty(x.size)
    last = x.size - 1
    for _ in range(n):
        k[0] = y[0] * y[0]
        for i in range(1, last):
            k[i] = y[i - 1] * y[i] - y[i + 1]
        k[last] = y[last]
        for i in range(x.size):
            m[i] = y[i] + h * k[i]
        for i in range(x.size):
            y[i] = 0.4 * y[i] + h * m[i]
    return np.sum(y) * y[0]


@njit
def shrinking(x, n, h):
    u, v = x.copy(), x.copy()
    for t in range(n):
        for i in range(1, u.size - 1 - t):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1])
        u, v = v, u
    return np.sum(u**2)


@njit
def around(x, n, h):
    u, v = x.copy(), x.copy()
    for _ in range(n):
        for i in range(u.size - 1):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1])
        u, v = v, u
    return np.sum(u**2)


@njit
def mirrored(x, n, h):
    u, v = x.copy(), x.copy()
    for _ in range(n):
        for i in range(1, u.size - 1):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1])
        v[0] = v[1]
        u, v = v, u
    return np.sum(u**2)


@njit
def sometimes(x, n, h):
    u, v = x.copy(), x.copy()
    for t in range(n):
        for i in range(1, u.size - 1):
            v[i] = u[i] + h * (u[i - 1] - 2 * u[i] + u[i + 1])
        if t % 2 == 0:
            u, v = v, u
    return np.sum(u**2) + v[1]


LINES = (rod, wave, both_read, copied_back, stages, shrinking, around, mirrored, sometimes)


@pytest.mark.parametrize("f", LINES, ids=lambda f: f.py_func.__name__)
@pytest.mark.parametrize("size", [3, 4, 7])
@pytest.mark.parametrize("turns", [0, 1, 2, 5])
def test_loops_over_time(f, size, turns):
    args = (values(size, seed=size), turns, 0.2)
    assert close(plain(ng.grad(f, (0, 2)), *args), tuple(differences(f.py_func, args, k) for k in (0, 2)), 1e-6, 1e-7)


@pytest.mark.parametrize(("f", "shape"), [(plate, (5, 6)), (plate, (3, 3)), (plate, (4, 3)), (block, (4, 3, 5)), (block, (5, 4, 4))])
@pytest.mark.parametrize("turns", [0, 1, 4])
def test_loops_over_time_in_the_plane_and_in_space(f, shape, turns):
    args = (values(*shape), turns, 0.1)
    assert close(plain(ng.grad(f), *args), differences(f.py_func, args, 0), 1e-6, 1e-7)


def test_a_chain_of_one_has_one_place_for_both_ends():
    args = (values(1), 3, 0.2)
    assert close(plain(ng.grad(stages), *args), differences(stages.py_func, args, 0), 1e-6, 1e-7)


@pytest.mark.parametrize("f", [rod, plate, wave], ids=lambda f: f.py_func.__name__)
def test_compiled_as_plain(f):
    args = (values(6, 5) if f is plate else values(9), 5, 0.1)
    assert close(ng.grad(f)(*args), plain(ng.grad(f), *args), 1e-12, 1e-12)


def turns_of(f, *args):
    """Return the text of the loop over time on the way back: from its head to its end."""
    lines = text(ng.grad(f), *args).splitlines()
    first = max(k for k, line in enumerate(lines) if line.startswith("    for ") and ", -1, -1)" in line)
    end = next(k for k in range(first + 1, len(lines)) if not lines[k].startswith("        "))
    return lines[first:end]


def apart_in(lines):
    """Return the text of a turn for arrays that lie apart."""
    start = next(k for k, line in enumerate(lines) if "apart(" in line)
    return "\n".join(lines[start : lines.index("        else:")])


@pytest.mark.parametrize("f", [rod, plate, block], ids=lambda f: f.py_func.__name__)
def test_exchanged_arrays_are_written_over_and_not_cleared(f):
    middle, rim = apart_in(turns_of(f, values(*{plate: (5, 6), block: (4, 3, 5)}.get(f, (7,))), 3, 0.1)).split("part in range")
    assert "] = " in middle and "] = 0.0" not in middle
    assert rim.count("] = 0.0") == 1


def test_the_oldest_of_three_arrays_is_written_over():
    found = apart_in(turns_of(wave, values(7), 3, 0.1))
    assert "] = -g_" in found and "] = 0.0" not in found


def test_what_each_turn_fills_is_written_over_and_not_cleared():
    lines = [line.strip() for line in turns_of(stages, values(5), 3, 0.1)]
    assert any(line.startswith("g_t_2[") and "] = " in line for line in lines)
    assert not any(line.startswith("g_t_2[") and line.endswith("] = 0.0") for line in lines)
    assert sum(line.startswith("g_t_1[") and line.endswith("] = 0.0") for line in lines) == 2  # the two ends


def test_what_is_copied_back_is_written_over_and_not_cleared():
    lines = [line.strip() for line in turns_of(copied_back, values(6), 3, 0.1)]
    assert sum(line.endswith("] = 0.0") for line in lines) == 1  # at the rim


@pytest.mark.parametrize("f", [shrinking, mirrored, sometimes, both_read], ids=lambda f: f.py_func.__name__)
def test_zeros_stay_where_others_read_them(f):
    assert any(line.strip().endswith("] = 0.0") for line in turns_of(f, values(7), 3, 0.1))


def test_sums_into_a_new_array_need_no_zeros():
    squares = function("@njit\ndef f(x):\n    s = 0.0\n    for i in range(x.size):\n        s += x[i] * x[i]\n    return s\n", "squares")
    found = text(ng.grad(squares), values(4))
    assert "np.empty" in found and "np.zeros" not in found


def test_second_derivatives():
    args = (values(6), 3, 0.1)
    for f in (rod, stages, copied_back):
        slope = lambda x, f=f: differences(f.py_func, (x, *args[1:]), 0, 1e-4) @ np.arange(1.0, 7.0)
        found = ng.hvp(f, args, (np.arange(1.0, 7.0), 0, 0.0))[0]
        assert close(found, differences(slope, args[:1], 0, 1e-4), 1e-4, 1e-4)


RANGES = ("m", "1, m - 1", "1, m", "m - 1", "2, m - 2", "2, m", "t, m", "1, m - t")
PLACES = ("0", "1", "m - 1", "m - 2", "t")
NESTS = ("for i in range({r}):\n    {a}[i] = {b}[i] * {c}[i] * 0.3 + x[i]", "for i in range({r}):\n    {a}[i] = 0.4 * {b}[i]",
         "for i in range({r}):\n    {a}[i] += 0.2 * {b}[i]", "for i in range({r}):\n    {a}[i] = 0.0",
         "for i in range(1, m - 1):\n    {a}[i] = {b}[i] + h * ({b}[i - 1] - 2 * {b}[i] + {b}[i + 1])",
         "for i in range(1, m - 1):\n    {a}[i] += h * ({b}[i - 1] * {c}[i] + {b}[i + 1])",
         "for i in range(m - 1):\n    {a}[i] = h * {b}[i + 1] - {c}[i]", "{a}[{p}] = {b}[{q}] * 0.5", "{a}[{p}] = 0.0", "{a}[{p}] += {b}[{q}]",
         "for k in range(2):\n    for i in range({r}):\n        {a}[i] = 0.5 * {b}[i] + 0.1 * k",
         "if t % 2 == 0:\n    for i in range({r}):\n        {a}[i] = 0.5 * {b}[i]", "u, v = v, u", "u, v = v, u")  # fmt: skip


def steps(seed):
    """Return the text of a function that does a few random things to three arrays, again and again."""
    draw = random.Random(seed)
    exchanged = draw.random() < 0.5
    lines = []
    for _ in range(draw.randint(1, 5)):
        a, b, c = (draw.choice("uvw" if not exchanged else "uvuvw") for _ in "abc")
        nest = draw.choice(NESTS if exchanged else NESTS[:-2])
        lines += nest.format(a=a, b=b, c=c, r=draw.choice(RANGES), p=draw.choice(PLACES), q=draw.choice(PLACES)).splitlines()
    lines += ["u, v = v, u"] if exchanged and draw.random() < 0.7 else []
    made = draw.choice(("u, v, w = x.copy(), np.zeros(m), np.zeros(m)", "u, v, w = x.copy(), x.copy(), np.zeros(m)"))
    head = ["@njit", "def f(x, n, h):", "    m = x.size", f"    {made}", "    for t in range(n):"]
    return "\n".join([*head, *("        " + line for line in lines), f"    return np.sum(u * u) + {draw.choice(('0.0', 'v[1]', 'np.sum(w * v)'))}", ""])


def check_steps(seeds):
    checked = 0
    for seed in seeds:
        source, args = steps(seed), (values(4 + seed % 3, seed=seed), seed % 4, 0.3)
        f = function(source, f"steps_{seed}")
        try:
            found = plain(ng.grad(f), *args)
        except GradientError:
            continue
        assert close(found, differences(plain_function(source), args, 0), 1e-5, 1e-6), f"{seed}:\n{source}"
        checked += 1
    assert checked > 0.8 * len(seeds)


def test_random_steps():
    check_steps(range(80))


@pytest.mark.slow
def test_thousands_of_random_steps():
    check_steps(range(80, 4000))
