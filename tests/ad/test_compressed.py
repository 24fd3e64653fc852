"""Numbers of sparse Jacobians, all ways of them, against dense Jacobians; run as plain Python."""

import numpy as np
import pytest
from numba import njit

from nbgrad.base.errors import GradientError
from nbgrad.loops import derivative
from tests.ad.plain import copies, plain, text
from tests.ad.random_programs import arguments, function, program
from tests.ad.test_pattern import flat
from tests.ad.test_random_programs import expected
from tests.ad.test_wide import CASES
from tests.ad.test_zoo import NOT_YET
from tests.ad.zoo import CASES as ZOO

WAYS = ["wide", "columns", "rows"]


@njit
def residuals(x, a, n):
    y = np.zeros((x.size, 2))
    for i in range(x.size):
        for _ in range(n):
            y[i, 0] += a * x[i] ** 2
        y[i, 1] = x[i] * x[i - 1]
    return y


def numbers(f, args, way, count, wrt=0):
    """Return the Jacobian of a function as a matrix, from the numbers of a pattern that has all of them."""
    rows = sum(np.size(v) for v in _flat(f.py_func(*copies(args))))
    columns = sum(np.size(args[i]) for i in wrt) if isinstance(wrt, tuple) else np.size(args[wrt])
    forward = way != "rows"
    colours = np.arange(columns if forward else rows)
    starts, which = np.arange(rows + 1, dtype=np.int32) * columns, np.tile(np.arange(columns, dtype=np.int32), rows)
    data, found = plain(derivative(way, f, wrt), *args, colours, max(count, colours.size), starts, which)
    assert found == rows
    return data.reshape(rows, columns)


def _flat(v):
    return [x for i in v for x in _flat(i)] if isinstance(v, tuple) else [v]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_the_numbers_are_those_of_the_dense_matrix(name, way):
    f, args, wrt = CASES[name]
    blocks = plain(derivative("jacobian", f, wrt), *args)
    sizes = [np.size(args[i]) for i in wrt]
    parts = blocks if isinstance(f.py_func(*copies(args)), tuple) else (blocks,)
    dense = np.concatenate([np.concatenate([np.reshape(b, (-1, n)) for b, n in zip(row, sizes)], 1) for row in parts])
    found = numbers(f, args, way, 0, wrt)
    single = name == "single"
    assert found.dtype == dense.dtype
    np.testing.assert_allclose(found, dense, rtol=1e-4 if single else 1e-11, atol=1e-5 if single else 1e-12)


@pytest.mark.parametrize("name", [n for n in ZOO if n not in NOT_YET])
def test_the_numbers_of_the_zoo_are_those_of_gradients(name):
    c = ZOO[name]
    expected = plain(derivative("grad", c.fn, c.wrt), *c.args)
    expected = np.concatenate([flat(c.args[i], g) for i, g in zip(c.wrt, expected)])
    n = expected.size
    data, rows = plain(derivative("wide", c.fn, c.wrt), *c.args, np.arange(n), n, np.array([0, n]), np.arange(n))
    assert rows == 1
    rtol, atol = (2e-5, 1e-5) if name in ("single", "mixed") else (1e-9, 1e-11)
    np.testing.assert_allclose(data, expected, rtol, atol)


def test_the_numbers_of_random_programs_are_those_of_dual_numbers():
    checked = wide = 0
    for seed in range(60):
        source, args = program(seed), arguments(seed)
        with np.errstate(all="ignore"):
            known = expected(source, args)
            if known is None:
                continue
            gradient = np.concatenate([np.ravel(g) for g in known[1][:4]])
            n = gradient.size
            d, given = derivative("wide", function(source, f"sparse_{seed}"), (0, 1, 2, 3)), (np.arange(n), n, np.array([0, n]), np.arange(n))
            try:
                found, rows = plain(d, *args, *given)
            except GradientError:
                continue
        np.testing.assert_allclose(found, gradient, 1e-7, 1e-7, err_msg=source)
        assert rows == 1
        checked += 1
        wide += "for column in" not in text(d, *args, *given)
    assert checked > 40 and wide > 8


@pytest.mark.parametrize("way", WAYS)
def test_directions_of_one_colour_are_summed_up(way):
    x = np.array([0.3, 1.2, -0.7])
    whole = plain(derivative("jacobian", residuals, 0), x, 1.5, 2).reshape(6, 3)
    colours = np.array([0, 1, 1, 0, 2, 2]) if way == "rows" else np.array([0, 1, 0])
    members = (colours[:, None] == np.arange(3)).astype(float)
    sums = members.T @ whole if way == "rows" else whole @ members
    starts, which = 3 * np.arange(7), np.tile(np.arange(3), 6)
    found, rows = plain(derivative(way, residuals, 0), x, 1.5, 2, colours, 3, starts, which)
    expected = sums[colours] if way == "rows" else sums
    assert rows == 6
    np.testing.assert_allclose(found.reshape(6, 3), expected)


@pytest.mark.parametrize("way", WAYS)
def test_colours_are_one_for_each_column_or_row(way):
    starts = np.zeros(7, int)
    with pytest.raises(ValueError, match="shapes do not fit"):
        plain(derivative(way, residuals, 0), np.ones(3), 1.5, 2, np.zeros(7 if way == "rows" else 2, int), 1, starts, starts[:0])


def test_a_pattern_of_other_rows_is_noticed():
    starts = np.zeros(5, int)
    assert plain(derivative("wide", residuals, 0), np.ones(3), 1.5, 2, np.zeros(3, int), 1, starts, starts[:0])[1] == 6
