"""What turns hand on to one another is found, and no more is kept."""

import math

import numpy as np
import pytest
from numba import njit

from nbgrad import checkpointed
from nbgrad.ad.carried import Carried
from nbgrad.ad.reverse import prepared
from nbgrad.ad.statements import Loop, walk
from tests.ad.plain import lowered


def carried(f, *args):
    """Return the state of the checkpointed loop of a function."""
    made = prepared(lowered(f, *args))
    loop = next(s for s in walk(made.body) if isinstance(s, Loop) and s.checkpointed)
    return Carried(loop, made, made.roots)


@njit
def several(x, n):
    s, best, total, k = x[0], x[1], 0.0, 0
    work = np.empty_like(x)
    track = np.zeros(n)
    y, u = x.copy(), x.copy()
    for t in checkpointed(range(n)):
        for i in range(x.size):
            work[i] = math.sin(y[i])
        for i in range(x.size):
            y[i] += work[i] * s
        u = u * s
        track[t] = s
        total += s
        best = s * s
        k = 3 * k + 1
        s = math.sin(s) + u[k % 3]
    return s + total + best + np.sum(y) + np.sum(track)


def test_each_kind_of_state():
    found = carried(several, np.ones(4), 5)
    assert [c.name for c in found.cells] == ["k_", "s_"]
    assert [c.name for c in found.holders] == ["u_"]
    assert len(found.arrays) == 1
    assert {"track", "total_", "best_"} <= found.gone and not found.frozen
    assert not any(map(found.moves, found.arrays.values())) and all(map(found.given_before, [*found.cells, *found.holders]))


def test_what_is_written_afterwards_is_noticed():
    @njit
    def f(x, n):
        s = 1.0
        for i in checkpointed(range(n)):
            s = math.sin(s * x[i])
        x[0] = s
        return s * x[0]

    assert list(carried(f, np.ones(4), 4).frozen) == ["x"]


@pytest.mark.parametrize("shift", [0, 1])
def test_an_array_that_holds_every_turn(shift):
    @njit
    def f(x, n):
        y = np.zeros((n + 1, 2))
        for t in checkpointed(range(n)):
            for i in range(2):
                y[t + shift, i] = math.sin(y[t, i] + x)
        return np.sum(y)

    found = carried(f, 0.5, 3)
    assert found.moves(found.arrays["y"])


def test_variables_that_may_hold_one_array_meet():
    @njit
    def f(x, n):
        u, v = x.copy(), x.copy()
        for _ in checkpointed(range(n)):
            for i in range(x.size):
                v[i] = math.sin(u[i])
            u, v = v, u
        return u[0]

    found = carried(f, np.ones(3), 3)
    assert [{one.name, other.name} for one, other in found.meeting()] == [{"u_", "v_"}]
