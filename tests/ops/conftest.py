"""What the tests of elementwise rows share: samples of a row's domain, and its formula against NumPy or SciPy."""

import inspect
import random

import numpy as np
import pytest

from nbgrad.ops.table import ZERO


def sample(op, count=25):
    """Return `count` tuples of plain numbers from the row's domain, away from its kinks."""
    draw = random.Random(op.name)
    points = []
    while len(points) < count:
        point = []
        for p, accepts in zip(op.params, op.accepts):
            lo, hi = op.domain[p] if isinstance(op.domain, dict) else op.domain
            number = draw.randint(lo, hi) if accepts == "integer" else draw.uniform(lo, hi)
            point.append(number > 0 if accepts == "bool" else number)
        if all(abs(point[0] - k) > 1e-3 for k in op.kinks):
            points.append(tuple(point))
    return points


def partials(op, point):
    """Return the partials of a row at a point, ZERO as 0."""
    if op.df is ZERO:
        return (0.0,) * len(point)
    known = {**dict(zip(op.params, point)), "out": op.forward(*point)}
    found = op.df(**{name: known[name] for name in inspect.signature(op.df).parameters})
    found = found if isinstance(found, tuple) else (found,)
    return tuple(0.0 if f is ZERO else f for f in found)


def slope_of_ref(op, point, i):
    """Return the central difference of the reference in argument `i`."""
    h = 1e-5 * max(1.0, abs(point[i]))
    up, down = ([*point[:i], point[i] + s, *point[i + 1 :]] for s in (h, -h))
    return float(op.ref(*up) - op.ref(*down)) / (2 * h)


def check_forward(op, rtol=1e-13):
    for point in sample(op):
        np.testing.assert_allclose(op.forward(*point), op.ref(*point), rtol=rtol, atol=1e-15, err_msg=str(point))


def check_partials(op):
    for point in sample(op):
        found = partials(op, point)
        assert len(found) == len(point)
        for i, p in enumerate(found):
            if type(point[i]) is float and op.params[i] != "n":
                wanted = slope_of_ref(op, point, i)
                np.testing.assert_allclose(p, wanted, rtol=2e-8, atol=2e-9, err_msg=f"{op.params[i]} of {point}")


@pytest.fixture
def check_row():
    """Return a function that holds a row's formula and partials against its reference, on plain numbers."""

    def check(op):
        check_forward(op)
        if op.returns is None and "integer" not in op.accepts:
            check_partials(op)

    return check


@pytest.fixture
def partials_of():
    """Return the function that evaluates the partials of a row at a point."""
    return lambda op, *point: partials(op, point)
