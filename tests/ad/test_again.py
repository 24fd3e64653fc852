"""Loops that the way back runs again turn by turn."""

import numpy as np
import pytest
from numba import njit

import nbgrad as ng
from tests.ad.plain import close, differences, plain, text
from tests.ad.zoo import values


@njit
def likelihood(w, x, y):
    total = 0.0
    for i in range(x.shape[0]):
        z = 0.0
        for j in range(w.size):
            z += x[i, j] * w[j]
        total += np.log1p(np.exp(-y[i] * z))
    return total / x.shape[0]


@njit
def mixture(m, x):
    terms, centred = np.empty(m.shape[0]), np.empty(m.shape[1])
    total = 0.0
    for i in range(x.shape[0]):
        for k in range(m.shape[0]):
            s = 0.0
            for j in range(m.shape[1]):
                centred[j] = x[i, j] - m[k, j]
            for j in range(m.shape[1]):
                s += centred[j] * centred[j]
            terms[k] = -0.5 * s
        top = terms[0]
        for k in range(1, m.shape[0]):
            if terms[k] > top:
                top = terms[k]
        s = 0.0
        for k in range(m.shape[0]):
            s += np.exp(terms[k] - top)
        total += top + np.log(s)
    return total


LIKELIHOOD = (values(3), values(5, 3), np.array([1.0, -1.0, 1.0, 1.0, -1.0]))
MIXTURE = (values(3, 2), values(4, 2) + 0.3)


@pytest.mark.parametrize(("f", "args"), [(likelihood, LIKELIHOOD), (mixture, MIXTURE)], ids=["likelihood", "mixture"])
def test_turns_run_forward_and_back_at_once(f, args):
    both = ng.value_and_grad(f, tuple(range(len(args[:2]))))
    value, found = plain(both, *args)
    assert close(value, f.py_func(*args), 1e-12)
    assert close(found, tuple(differences(f.py_func, args, k) for k in range(2)), 1e-5, 1e-7)


def test_the_loop_is_written_once_and_keeps_nothing():
    source = text(ng.value_and_grad(likelihood), *LIKELIHOOD)
    assert source.count("log1p(") == 1  # forward and back in one loop: not once forward and once more on the way back
    assert "take(" not in source


def test_a_gradient_alone_does_not_compute_the_value():
    assert "log1p(" not in text(ng.grad(likelihood), *LIKELIHOOD)


def test_a_turn_that_reads_what_another_wrote_is_not_run_again():
    @njit
    def f(x):
        y = np.zeros(x.size + 1)
        for i in range(x.size):
            y[i + 1] = y[i] * x[i] + x[i]
        return y[x.size]

    x = values(5)
    assert close(plain(ng.grad(f), x), differences(f.py_func, (x,), 0))


def test_no_turns():
    args = (values(3), np.zeros((0, 3)), np.zeros(0))

    @njit
    def f(w, x, y):
        total = 1.5
        for i in range(x.shape[0]):
            total += w[0] * x[i, 0] * y[i]
        return total

    value, g = plain(ng.value_and_grad(f), *args)
    assert value == 1.5 and np.array_equal(g, np.zeros(3))
