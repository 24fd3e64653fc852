"""Operations on whole arrays that stay calls of NumPy, each with the rules of its derivatives.

A rule is the text of a function as a user could write it. Backward, `into` is the gradient of one argument, which the rule
adds to; `g` is the gradient of the result `out`. Forward, `t` is the tangent of one argument, and the rule returns its part
of the tangent of the result. Both name the arguments that they read: those are kept for the way back.
"""

import inspect
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True, eq=False)
class Rule:
    """What is known of an operation on arrays.

    Attributes
    ----------
    name : str
    text : str
        How it is called: "{0}", "{1}" are its arguments.
    params : tuple of str
    vjp, jvp : dict of str to function
        For each argument that has a derivative.
    flat : bool
        Whether the derivative is zero: the result is piecewise constant.
    """

    name: str
    text: str
    params: tuple
    vjp: dict = field(default_factory=dict)
    jvp: dict = field(default_factory=dict)
    flat: bool = False

    def reads(self, param):
        """Return what the rule of a parameter reads of the way forward: parameters, and "out"."""
        return [n for n in inspect.signature(self.vjp[param]).parameters if n not in ("into", "g")]


# products: a vector has one axis, a matrix two


def dot11_to_a(into, b, g):
    into += g * b


def dot11_to_b(into, a, g):
    into += g * a


def dot21_to_a(into, b, g):
    into += np.outer(g, b)


def dot21_to_b(into, a, g):
    into += a.T @ g


def dot12_to_a(into, b, g):
    into += b @ g


def dot12_to_b(into, a, g):
    into += np.outer(a, g)


def dot22_to_a(into, b, g):
    into += g @ b.T


def dot22_to_b(into, a, g):
    into += a.T @ g


def dot_of_a(b, t):
    return t @ b


def dot_of_b(a, t):
    return a @ t


def copy_to_a(into, g):
    into += g


def copy_of_a(t):
    return np.copy(t)


# linear systems


def solve1_to_a(into, a, out, g):
    into -= np.outer(np.linalg.solve(a.T, g), out)


def solve2_to_a(into, a, out, g):
    into -= np.linalg.solve(a.T, g) @ out.T


def solve_to_b(into, a, g):
    into += np.linalg.solve(a.T, g)


def solve_of_a(a, out, t):
    return np.linalg.solve(a, -(t @ out))


def solve_of_b(a, t):
    return np.linalg.solve(a, t)


def inv_to_a(into, out, g):
    into -= out.T @ g @ out.T


def inv_of_a(out, t):
    return -(out @ t @ out)


def det_to_a(into, a, out, g):
    into += (g * out) * np.linalg.inv(a).T


def det_of_a(a, out, t):
    return out * np.trace(np.linalg.solve(a, t))


def logdet_to_a(into, a, g):
    into += g * np.linalg.inv(a).T


def logdet_of_a(a, t):
    return np.trace(np.linalg.solve(a, t))


def pinv_to_a(into, a, out, g):
    into -= out.T @ g @ out.T
    left, right = g.T @ (out @ out.T), (out.T @ out) @ g.T
    into += left - a @ (out @ left)
    into += right - (right @ out) @ a


def pinv_of_a(a, out, t):
    left, right = (out @ out.T) @ t.T, t.T @ (out.T @ out)
    return (left - (left @ a) @ out) + (right - out @ (a @ right)) - out @ t @ out


def lstsq_to_a(into, a, b, out, g):
    p = np.linalg.pinv(a)
    u = p.T @ g
    into -= np.outer(u, out)
    into += np.outer(b - a @ out, p @ u)


def lstsq_to_b(into, a, g):
    into += np.linalg.pinv(a).T @ g


def lstsq_of_a(a, b, out, t):
    p = np.linalg.pinv(a)
    return p @ (p.T @ (t.T @ (b - a @ out))) - p @ (t @ out)


def lstsq_of_b(a, t):
    return np.linalg.pinv(a) @ t


# factors of symmetric matrices: like LAPACK they read the lower triangle, so gradients of the upper one are zero


def cholesky_to_a(into, out, g):
    n = out.shape[0]
    p = out.T @ np.tril(g)
    for i in range(n):
        p[i, i] *= 0.5
        for j in range(i + 1, n):
            p[i, j] = 0.0
    half = np.linalg.solve(out.T, p)
    s = np.linalg.solve(out.T, half.T)
    for i in range(n):
        into[i, i] += s[i, i]
        for j in range(i):
            into[i, j] += s[i, j] + s[j, i]


def cholesky_of_a(out, t):
    n = out.shape[0]
    half = np.linalg.solve(out, np.tril(t) + np.tril(t, -1).T)
    p = np.linalg.solve(out, half.T)
    for i in range(n):
        p[i, i] *= 0.5
        for j in range(i + 1, n):
            p[i, j] = 0.0
    return out @ p


def eigenvalues_to_a(into, a, g):
    v = np.linalg.eigh(a)[1]
    n = v.shape[0]
    for i in range(n):
        for j in range(i + 1):
            for k in range(n):
                into[i, j] += (2.0 - (i == j)) * v[i, k] * g[k] * v[j, k]


def eigenvalues_of_a(a, t):
    v = np.linalg.eigh(a)[1]
    return np.diag(v.T @ (np.tril(t) + np.tril(t, -1).T) @ v)


def eigenvectors_to_a(into, a, out, g):
    w = np.linalg.eigh(a)[0]
    p = out.T @ g
    n = w.shape[0]
    for i in range(n):
        for j in range(n):
            if i == j or p[i, j] == 0.0:
                p[i, j] = 0.0
            else:
                p[i, j] = p[i, j] / (w[j] - w[i])
    s = out @ p @ out.T
    for i in range(n):
        into[i, i] += s[i, i]
        for j in range(i):
            into[i, j] += s[i, j] + s[j, i]


def eigenvectors_of_a(a, out, t):
    w = np.linalg.eigh(a)[0]
    p = out.T @ (np.tril(t) + np.tril(t, -1).T) @ out
    n = w.shape[0]
    for i in range(n):
        for j in range(n):
            if i == j or p[i, j] == 0.0:
                p[i, j] = 0.0
            else:
                p[i, j] = p[i, j] / (w[j] - w[i])
    return out @ p


AB = ("a", "b")
DOTS = {"a": dot_of_a, "b": dot_of_b}
RULES = {r.name: r for r in (
    Rule("dot11", "{0} @ {1}", AB, {"a": dot11_to_a, "b": dot11_to_b}, DOTS),
    Rule("dot21", "{0} @ {1}", AB, {"a": dot21_to_a, "b": dot21_to_b}, DOTS),
    Rule("dot12", "{0} @ {1}", AB, {"a": dot12_to_a, "b": dot12_to_b}, DOTS),
    Rule("dot22", "{0} @ {1}", AB, {"a": dot22_to_a, "b": dot22_to_b}, DOTS),
    Rule("copy", "np.copy({0})", ("a",), {"a": copy_to_a}, {"a": copy_of_a}),
    Rule("solve1", "np.linalg.solve({0}, {1})", AB, {"a": solve1_to_a, "b": solve_to_b}, {"a": solve_of_a, "b": solve_of_b}),
    Rule("solve2", "np.linalg.solve({0}, {1})", AB, {"a": solve2_to_a, "b": solve_to_b}, {"a": solve_of_a, "b": solve_of_b}),
    Rule("inv", "np.linalg.inv({0})", ("a",), {"a": inv_to_a}, {"a": inv_of_a}),
    Rule("pinv", "np.linalg.pinv({0})", ("a",), {"a": pinv_to_a}, {"a": pinv_of_a}),
    Rule("det", "np.linalg.det({0})", ("a",), {"a": det_to_a}, {"a": det_of_a}),
    Rule("sign of det", "np.linalg.slogdet({0})[0]", ("a",), flat=True),
    Rule("logdet", "np.linalg.slogdet({0})[1]", ("a",), {"a": logdet_to_a}, {"a": logdet_of_a}),
    Rule("cholesky", "np.linalg.cholesky({0})", ("a",), {"a": cholesky_to_a}, {"a": cholesky_of_a}),
    Rule("eigenvalues", "np.linalg.eigh({0})[0]", ("a",), {"a": eigenvalues_to_a}, {"a": eigenvalues_of_a}),
    Rule("eigenvectors", "np.linalg.eigh({0})[1]", ("a",), {"a": eigenvectors_to_a}, {"a": eigenvectors_of_a}),
    Rule("lstsq", "np.linalg.lstsq({0}, {1})[0]", AB, {"a": lstsq_to_a, "b": lstsq_to_b}, {"a": lstsq_of_a, "b": lstsq_of_b}),
    Rule("argsort", "np.argsort({0})", ("a",), flat=True),
    Rule("searchsorted", "np.searchsorted({0}, {1})", AB, flat=True),
    Rule("searchsorted right", "np.searchsorted({0}, {1}, 'right')", AB, flat=True),
)}  # fmt: skip
