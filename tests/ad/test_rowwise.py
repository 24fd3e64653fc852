"""Rows one by one: where they are taken so, and their numbers against dense Jacobians; run as plain Python."""

import math
import random

import numpy as np
import pytest
from numba import njit

from nbgrad.loops import derivative
from tests.ad.plain import copies, plain, text
from tests.ad.random_programs import function
from tests.ad.test_compressed import numbers


@njit
def branches(x, w, a):
    y = np.empty(x.size)
    for i in range(x.size):
        t, s = x[i] * a, 1.0
        if t > 0.0:
            s += t * x[i - 1]
            if w[i] > 0.5:
                t = s * t
                s += np.exp(t) * w[i]
            else:
                t = t / (1.0 + x[i - 2] ** 2)
        else:
            t = np.sin(t) if w[i] > 1.0 else t * w[i]
        y[i] = s * t + a
    return y


@njit
def flat(x):
    y = np.zeros((x.size, 2))
    for i in range(x.size):
        y[i, 0] = math.sqrt(x[i] * x[i] + 0.1) * x[i - 1]
        y[i, -1] = max(x[i], x[i - 1]) + abs(x[i])
    return y


@njit
def steep(x):
    y = np.empty(x.size)
    for i in range(x.size):
        r = x[i] * x[i]
        if x[i] == 0.0:
            r = r * 2.0
        y[i] = x[i - 1] + np.sqrt(r)
    return y


@njit
def again(x, at):
    y, z = np.zeros(2 * x.size), np.empty(x.size)
    for i in range(x.size):
        t = x[i] * x[i]
        z[i] = t * x[at[i]] + x[at[i]]
        y[i] = t * 5.0
        y[i] = t * t
    return y, z


@njit
def alone(x, a):
    y = np.empty(2)
    y[0] = a * x[0] * x[-1]
    y[1] = a * a
    return y


@njit
def widened(x, w):
    y = np.empty(x.size, np.float64)
    for i in range(x.size):
        t = x[i] * w[i]
        y[i] = t * t + x[i - 1]
    return y


@njit
def many(x):
    y = np.empty(5 * x.size)
    for i in range(x.size):
        t = x[i] * x[i - 1]
        y[5 * i] = t
        y[5 * i + 1] = t * t
        y[5 * i + 2] = t * x[i]
        y[5 * i + 3] = t + 1.0
        y[5 * i + 4] = np.exp(t)
    return y


@njit
def carried(x):
    y, s = np.empty(x.size), 0.0
    for i in range(x.size):
        s = s * 0.5 + np.exp(x[i])
        y[i] = s * x[i]
    return y


@njit
def in_branch(x):
    y = np.zeros(x.size)
    for i in range(x.size):
        if x[i] > 0.0:
            y[i] = np.exp(x[i]) * x[i - 1]
    return y


@njit
def summed(x):
    y = np.zeros(x.size)
    for i in range(x.size):
        y[i] += np.exp(x[i])
        y[i - 1] += x[i] / 3.0
    return y


@njit
def read_back(x):
    y = np.zeros(x.size)
    for i in range(1, x.size):
        y[i] = y[i - 1] * 0.5 + np.exp(x[i])
    return y


X, W = np.array([0.3, -1.2, 0.9, 1.7, 0.0, -0.4]), np.array([0.2, 0.7, 2.0, 1.2, 0.4, 1.1])
BY_ROWS = {
    "branches": (branches, (X, W, 1.5), (0, 1, 2)),
    "flat": (flat, (X,), (0,)),
    "again": (again, (X, np.array([0, -1, 2, 1, 4, -3], np.int32)), (0,)),
    "alone": (alone, (X, 0.5), (1, 0)),
    "single": (branches, (X.astype(np.float32), W.astype(np.float32), np.float32(1.5)), (0, 1, 2)),
    "widened": (widened, (X.astype(np.float32), W), (0, 1)),
}
AT_ONCE = {
    "many": (many, (X,), (0,)),
    "carried": (carried, (X,), (0,)),
    "in_branch": (in_branch, (X,), (0,)),
    "summed": (summed, (X,), (0,)),
    "read_back": (read_back, (X,), (0,)),
}
CASES = BY_ROWS | AT_ONCE


def directions(f, args, wrt):
    """Say whether tangents of a function have a loop over the directions."""
    at = np.zeros(1, np.int32)
    found = text(derivative("wide", f, wrt), *args, at, 9, at, at)
    assert "for column in" not in found
    return " == lane" in found or " == first" in found


@pytest.mark.parametrize("name", CASES)
def test_few_results_of_arguments_alone_are_taken_row_by_row(name):
    assert directions(*CASES[name]) is (name in AT_ONCE)


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_those_of_the_dense_matrix(name):
    f, args, wrt = CASES[name]
    blocks = plain(derivative("jacobian", f, wrt), *args)
    sizes = [np.size(args[i]) for i in wrt]
    parts = blocks if isinstance(f.py_func(*copies(args)), tuple) else (blocks,)
    dense = np.concatenate([np.concatenate([np.reshape(b, (-1, n)) for b, n in zip(row, sizes)], 1) for row in parts])
    single = args[0].dtype == np.float32
    np.testing.assert_allclose(numbers(f, args, "wide", 0, wrt), dense, rtol=2e-4 if single else 1e-12, atol=1e-5 if single else 1e-13)


def compiled(f, args, wrt):
    n, rows = sum(np.size(args[i]) for i in wrt), np.size(f.py_func(*args))
    data, found = derivative("wide", f, wrt)(*args, np.arange(n), n, n * np.arange(rows + 1), np.tile(np.arange(n), rows))
    assert found == rows
    return data.reshape(rows, n)


def test_a_steep_partial_does_not_reach_what_has_no_slope():
    found = compiled(steep, (X,), (0,))
    np.testing.assert_allclose(found, np.diag(np.sign(X)) + np.roll(np.eye(6), -1, 1))


def test_compiled_rows_are_those_of_plain_python():
    f, args, wrt = BY_ROWS["branches"]
    np.testing.assert_allclose(compiled(f, args, wrt), numbers(f, args, "wide", 0, wrt), rtol=1e-12, atol=1e-13)


def body(rng, depth, known):
    """Return lines that give values to the variables a, b, c, of numbers that all ways know."""
    lines = []
    for _ in range(rng.randint(2, 4)):
        u, v, out = rng.choice(known), rng.choice(known), rng.choice("abc")
        term = rng.choice([f"{u} * {v}", f"{u} - 0.5 * {v}", f"np.sin({u}) + {v}", f"{u} / (2.0 + {v} * {v})", f"max({u}, {v})",
                           f"np.sqrt({u} * {u} + 0.1)", f"({u} if {v} > 0.1 else {v} * 0.3)"])  # fmt: skip
        lines.append(f"{out} {rng.choice(['=', '=', '+='])} {term}")
        if depth and rng.random() < 0.5:
            lines += [f"if {u} > {v}:", *("    " + t for t in body(rng, depth - 1, known)),
                      "else:", *("    " + t for t in body(rng, depth - 1, known))]  # fmt: skip
    return lines


@pytest.mark.parametrize("seeds", [range(25), pytest.param(range(25, 80), marks=pytest.mark.slow)], ids=str)
def test_rows_of_random_stretches_are_those_of_the_dense_matrix(seeds):
    by_rows = 0
    for seed in seeds:
        rng = random.Random(seed)
        lines = [*body(rng, 2, ["a", "b", "c", "x[i]", "x[i - 1]", "w[i]", "s"]), "y[2 * i] = a * b", *body(rng, 1, ["a", "b", "c", "x[i]"])]
        turn = "\n".join("        " + t for t in ["a, b, c = x[i], w[i], 0.5", *lines, "y[2 * i + 1] = c + b * s"])
        source = f"@njit\ndef f(x, w, s):\n    y = np.empty(2 * x.size)\n    for i in range(x.size):\n{turn}\n    return y\n"
        f, args = function(source, f"rows_{seed}"), (X, W, 0.7)
        by_rows += not directions(f, args, (0, 1, 2))  # what does not change from turn to turn may be computed ahead
        dense = np.concatenate([np.reshape(b, (12, -1)) for b in plain(derivative("jacobian", f, (0, 1, 2)), *args)], 1)
        np.testing.assert_allclose(numbers(f, args, "wide", 0, (0, 1, 2)), dense, rtol=1e-9, atol=1e-11, err_msg=source)
    assert by_rows > 0.6 * len(seeds)
