"""Variables that hold one array after another: exchanged, replaced in loops and branches, known by two names."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import GradientError
from tests.ad.made import agrees, function
from tests.ad.plain import close, differences, plain

X = np.array([0.7, -1.2, 0.4, 1.1])

RIGHT = {
    "replaced": """
def f(x, n):
    for k in range(n):
        y = np.empty_like(x)
        for i in range(x.size):
            y[i] = x[i] * x[i - 1] + 0.1 * k
        x = y
    return np.sum(x)
""",
    "replaced_by_an_expression": """
def f(x, n):
    for _ in range(n):
        x = x + 0.1 * np.sin(x) * x[0]
    return x @ x
""",
    "the_last_two": """
def f(x, n):
    before = x
    for _ in range(n):
        after = np.cos(before) * x
        total = after + before
        before = x * total
        x = after
    return np.sum(x * before)
""",
    "exchanged_and_written": """
def f(x, n):
    u, v = x.copy(), np.zeros_like(x)
    for _ in range(n):
        for i in range(x.size):
            v[i] = v[i] * 0.5 + u[i] * u[(i + 1) % x.size]
        u, v = v, u
    return np.sum(u) + v[0] * u[1]
""",
    "three_in_a_ring": """
def f(x, n):
    a, b, c = x.copy(), x * x, np.ones_like(x)
    for _ in range(n):
        for i in range(x.size):
            c[i] = a[i] * b[i] - 0.2 * c[i]
        a, b, c = b, c, a
    return np.sum(a * c) + b[1]
""",
    "exchanged_in_a_branch": """
def f(x, n):
    u, v = x.copy(), x * 0.5
    for k in range(n):
        u[0] = u[0] * v[1]
        if u[0] * k < 0.3:
            u, v = v, u
        v[2] += u[2] * u[2]
    return np.sum(u * u) - v[2]
""",
    "replaced_in_a_branch": """
def f(x, n):
    y = x * x
    for k in range(n):
        if x[k] > 0.0:
            y = y * x[k]
        else:
            z = y + x
            y = z * z
    return np.sum(y)
""",
    "replaced_until_small": """
def f(x, n):
    while np.sum(x * x) > 0.1:
        x = x * 0.5 - 0.01 * x * x
    return np.sum(np.exp(x))
""",
    "written_before_it_is_given": """
def f(x, n):
    y = x
    for _ in range(n):
        y = y * x
        y[0] = 0.3 * x[1]
        y[1] *= x[0]
    return np.sum(y * y)
""",
    "no_turn": """
def f(x, n):
    y = x
    for _ in range(n - 3):
        y = np.sin(y)
    return np.sum(y * x)
""",
    "old_and_new": """
def f(x, n):
    total = 0.0
    for _ in range(n):
        old = x
        x = np.sin(x) + 0.5
        total += np.sum(old * x)
    return total
""",
    "matrix": """
def f(x, n):
    m = np.outer(x, x) + np.eye(x.size)
    for _ in range(n):
        m = m @ np.linalg.inv(m + np.eye(x.size))
    return np.sum(m)
""",
    "size_changes": """
def f(x, n):
    y = x
    for _ in range(n):
        y = np.concatenate((y, x[:1] * y[-1]))
    return np.sum(y * y)
""",
    "given_first_in_a_branch": """
def f(x, n):
    total = 0.0
    for k in range(n):
        if x[k] > 0.0:
            y = x * 2.0
        else:
            y = x * x
        total += np.sum(y) * y[0]
    return total
""",
    "two_names_without_writing": """
def f(x, n):
    y = x * 1.0
    z = y
    for k in range(n):
        z = z * x
        y = z
        if x[k] > 0.5:
            z = y + x
    return np.sum(z * y)
""",
    "exchanged_through_a_third": """
def f(x, n):
    u = x.copy()
    v = x * x
    for k in range(n):
        t = u
        u = v
        v = t
        v[k] += u[k] * 0.5
        t[0] = t[0] * 1.1
    return np.sum(u * v)
""",
    "the_old_one_written_to": """
def f(x, n):
    u = x.copy()
    s = 0.0
    for k in range(n):
        w = u
        u = u * 2.0
        w[k] = 0.0
        s += np.sum(w * u)
    return s + u[0]
""",
    "three_mixed": """
def f(x, n):
    a = x * x
    b = a
    c = b
    for k in range(n):
        a, b, c = b + c, a, b * x
    return np.sum(a + 2.0 * b + 3.0 * c)
""",
    "copied_and_written": """
def f(x, n):
    y = x * x
    for k in range(n):
        old = y
        y = y.copy()
        y[k] = old[k] * old[0] + x[k]
    return np.sum(y * x)
""",
    "replaced_until_a_break": """
def f(x, n):
    y = x * x
    k = 0
    while k < n:
        if y[k] > 0.3:
            y = y * 0.5
            if x[k] > 1.0:
                break
        y[k] += 0.1 * x[0]
        k += 1
    return np.sum(y * y)
""",
    "a_new_one_each_turn": """
def f(x, n):
    y = np.zeros(4)
    for k in range(n):
        z = np.zeros(4)
        z[k] = x[k] * x[k]
        y = y + z
        z = y
        z[0] += x[1]
    return np.sum(y * x)
""",
}

REFUSED = {
    "one_array_twice": """
def f(x, n):
    u, v = x, x
    for _ in range(n):
        v[0] = u[1] * u[0]
        u, v = v, u
    return np.sum(u) + v[0]
""",
    "a_view_written_to": """
def f(x, n):
    y = x[:2] if n > 1 else x[2:]
    y[0] *= 2.0
    return y[0] * x[0]
""",
    "perhaps_the_argument": """
def f(x, n):
    y = x
    if n > 1:
        y = x * 2.0
    y[0] = 3.0 * x[1]
    return x[0] * y[1] + y[0]
""",
    "one_array_by_two_names": """
def f(x, n):
    u = x.copy()
    v = u
    for k in range(n):
        u[k] = u[k] * x[0]
        v = v + u
    return np.sum(v)
""",
    "a_row_chosen": """
def f(x, n):
    u = np.zeros((3, x.size))
    row = u[0]
    for k in range(n):
        row = u[k % 3]
        row[0] += x[k] * x[0]
        row[1] += row[0]
    return np.sum(u * u) + row[1]
""",
    "given_away_and_written": """
def f(x, n):
    best = x
    for k in range(n):
        trial = best + 0.1 * np.sin(best)
        if np.sum(trial) > 0.5:
            best = trial
        trial[0] = trial[0] * 2.0
    return np.sum(best * x)
""",
}


@pytest.mark.parametrize("name", RIGHT)
def test_gradients_are_finite_differences(name):
    agrees(ng.value_and_grad, function(RIGHT[name], "f"), (X, 3), (0,), 1e-6, 1e-7)


@pytest.mark.parametrize("name", REFUSED)
def test_two_names_of_an_array_that_is_written_to_are_refused(name):
    with pytest.raises(GradientError, match="mean the same array"):
        plain(ng.grad(function(REFUSED[name], "f")), X.copy(), 3)


@pytest.mark.parametrize("name", ["replaced_by_an_expression", "exchanged_and_written", "replaced_in_a_branch"])
def test_second_derivatives(name):
    first = ng.grad(function(RIGHT[name], "f"))
    slope = function("def h(x, n):\n    g = first(x, n)\n    return g[0] * x[1] + g[2]\n", "h", {"first": first})

    def expected(x, n):
        g = plain(first, x, n)
        return g[0] * x[1] + g[2]

    assert close(plain(ng.grad(slope), X, 3), differences(expected, (X, 3), 0), 1e-5, 1e-6)


@pytest.mark.parametrize("name", ["exchanged_and_written", "size_changes"])
def test_compiled(name):
    f = function(RIGHT[name], "f")
    assert close(ng.grad(f)(X.copy(), 3), differences(f.py_func, (X, 3), 0), 1e-6, 1e-7)
