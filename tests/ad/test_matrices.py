"""Operations on whole arrays: their rules against finite differences, in every layout, in loops, and again."""

import numpy as np
import pytest

import nbgrad as ng
from nbgrad import GradientError
from nbgrad.ad.matrices import RULES
from nbgrad.loops import derivative
from tests.ad.made import agrees, function, number, of
from tests.ad.plain import close, differences, plain

rng = np.random.default_rng(7)
A = rng.normal(size=(3, 3)) + 3.0 * np.eye(3)
S = A @ A.T
W = rng.normal(size=(3, 4))
V, U, X = rng.normal(size=3), rng.normal(size=3), rng.normal(size=4)
B = rng.normal(size=(3, 2))
TALL = rng.normal(size=(5, 3))

CASES = [
    (number("a @ b", "a", "b"), (V, U)),
    (number("np.dot(a, b) + np.vdot(b, a)", "a", "b"), (V, U)),
    (of("a @ b", "a", "b"), (A, V)),
    (of("a @ b", "a", "b"), (V, A)),
    (of("a @ b", "a", "b"), (A, W)),
    (of("np.dot(a, b.T)", "a", "b"), (A, A)),
    (of("a @ a", "a"), (A,)),
    (of("a.T @ b", "a", "b"), (W, V)),
    (of("a.dot(b) - 2.0 * b", "a", "b"), (A, V)),
    (of("np.outer(a, b)", "a", "b"), (V, X)),
    (of("np.linalg.solve(a, b)", "a", "b"), (A, V)),
    (of("np.linalg.solve(a, b)", "a", "b"), (A, B)),
    (of("np.linalg.inv(a)", "a"), (A,)),
    (of("np.linalg.pinv(a)", "a"), (TALL,)),
    (of("np.linalg.pinv(a)", "a"), (TALL.T.copy(),)),
    (number("np.linalg.det(a)", "a"), (A,)),
    (number("np.linalg.slogdet(a)[1]", "a"), (A,)),
    (number("np.linalg.slogdet(a)[0] * a[0, 0]", "a"), (A,)),
    (of("np.linalg.cholesky(a)", "a"), (S,)),
    (of("np.linalg.cholesky(a @ a.T)", "a"), (A,)),
    (of("np.linalg.eigh(a)[0]", "a"), (S,)),
    (of("np.linalg.eigvalsh(a)", "a"), (S,)),
    (of("np.abs(np.linalg.eigh(a)[1])", "a"), (S,)),
    (of("np.linalg.lstsq(a, b)[0]", "a", "b"), (TALL, rng.normal(size=5))),
    (number("np.linalg.norm(a)", "a"), (W,)),
    (number("np.linalg.norm(a, 1) + np.linalg.norm(a, np.inf)", "a"), (W,)),
    (number("np.linalg.norm(a, 1) + np.linalg.norm(a, np.inf) + np.linalg.norm(a, 3) + np.linalg.norm(a, -np.inf)", "a"), (X,)),
    (of("a[::2] @ b", "a", "b"), (rng.normal(size=(5, 3)), V)),
    (of("np.linalg.solve(a[1:, 1:], b[:2])", "a", "b"), (A, V)),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CASES)))
def test_gradients_are_finite_differences(number):
    f, args = CASES[number]
    agrees(ng.value_and_grad, f, args, range(len(args)), 1e-5, 1e-6)


@pytest.mark.parametrize("layout", ["F", "strided"])
@pytest.mark.parametrize("expression", ["np.linalg.solve(a, b)", "a @ b", "np.linalg.inv(a) @ b", "np.linalg.cholesky(a @ a.T) @ b"])
def test_layouts_do_not_matter(expression, layout):
    a, b = (np.asfortranarray(A), V) if layout == "F" else (np.repeat(A, 2, 0)[::2], np.repeat(V, 3)[::3])
    f = of(expression, "a", "b")
    found = plain(ng.grad(f, (0, 1)), a, b)
    assert close(found, plain(ng.grad(f, (0, 1)), A.copy(), V.copy()), 1e-12)


@pytest.mark.parametrize("expression", ["np.linalg.solve(a, b)", "a @ b", "np.linalg.inv(a) @ b", "np.linalg.cholesky(a @ a.T) @ b"])
def test_single_precision(expression):
    f = function(f"def f(a, b):\n    r = {expression}\n    return np.sum(r * r)\n", "f")
    args = A.astype(np.float32), V.astype(np.float32)
    found = plain(ng.grad(f, (0, 1)), *args)
    assert all(g.dtype == np.float32 for g in found)
    assert close(found, plain(ng.grad(f, (0, 1)), A, V), 2e-3, 1e-4)


LOOPS = {
    "power_iteration": """
def f(a, b):
    x = b
    for i in range(4):
        y = a @ x
        x = y / np.linalg.norm(y)
    return x @ (a @ x)
""",
    "matrix_changed_in_the_loop": """
def f(a, b):
    total = 0.0
    for i in range(3):
        x = np.linalg.solve(a, b)
        a[0, 1] += 0.1 * x[0]
        b[i] = x[i] * x[i]
        total += x.sum()
    return total
""",
    "result_written_over": """
def f(a, b):
    x = np.linalg.solve(a, b)
    y = a @ x
    x[0] = y[1] * x[0]
    b[1] = 0.0
    return (x * y).sum() + b.sum()
""",
    "row_by_row": """
def f(a, b):
    total = 0.0
    for i in range(a.shape[0]):
        total += np.dot(a[i], b) * np.linalg.norm(a[i])
    return total
""",
    "in_a_branch": """
def f(a, b):
    total = 0.0
    for i in range(3):
        if b[i] > 0.0:
            total += np.linalg.det(a) * b[i]
        else:
            total += (np.linalg.inv(a) @ b)[i]
    return total
""",
    "equal_products_are_two_arrays": """
def f(a, b):
    x = a @ b
    y = a @ b
    y[0] = 5.0
    return x.sum() + y @ y
""",
}


@pytest.mark.parametrize("name", LOOPS)
def test_in_loops_and_branches(name):
    f = function(LOOPS[name], "f")
    agrees(ng.value_and_grad, f, (A, np.array([0.5, -1.2, 0.8])), (0, 1), 1e-5, 1e-6)


@pytest.mark.parametrize("expression", ["np.linalg.solve(a, b)", "a @ b", "np.linalg.inv(a) @ b"])
def test_second_derivatives(expression):
    f = of(expression, "a", "b")
    first = ng.grad(f, 1)
    slope = function("def h(a, b):\n    return np.sum(first(a, b) * np.cos(b))\n", "h", {"first": first})
    expected = differences(lambda a, b: np.sum(plain(first, a, b) * np.cos(b)), (A, V), 0)
    assert close(plain(ng.grad(slope), A, V), expected, 1e-5, 1e-6)


def test_compiled():
    f = of("np.linalg.solve(a, b)", "a", "b")
    found = ng.grad(f, (0, 1))(A, V)
    assert close(found, tuple(differences(f.py_func, (A, V), k) for k in (0, 1)), 1e-5, 1e-6)


def test_what_has_no_derivative_is_refused():
    with pytest.raises(GradientError, match=r"np\.linalg\.norm of a matrix with ord=2"):
        ng.grad(number("np.linalg.norm(a, 2)", "a"))(A)
    with pytest.raises(GradientError, match="svd is not supported"):
        ng.grad(number("np.linalg.svd(a)[1][0]", "a"))(A)


def test_rules_name_what_they_are_given():
    for rule in RULES.values():
        assert set(rule.vjp) == set(rule.jvp) and set(rule.vjp) <= set(rule.params)
        for p in rule.vjp:
            assert set(rule.reads(p)) <= {*rule.params, "out"}


@pytest.mark.parametrize("number", range(len(CASES)))
def test_tangents_are_those_of_the_gradient(number):
    f, args = CASES[number]
    tangents = [np.random.default_rng(k).normal(size=a.shape) for k, a in enumerate(args)]
    _, t = plain(derivative("jvp", f), *args, *tangents)
    expected = sum(np.sum(g * v) for g, v in zip(plain(ng.grad(f, tuple(range(len(args)))), *args), tangents))
    assert close(t, expected, 1e-9, 1e-10)
