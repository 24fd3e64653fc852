"""Gradients against finite differences, along random directions: the judge that shares no formula with the accused."""

import numpy as np

from .base import tree
from .base.dtypes import is_float
from .base.errors import GradientError, problem
from .eager import as_tensor
from .loops import is_compiled
from .tensor import Tensor
from .transform import grad, jvp, value_and_grad, vjp


def gradcheck(f, *args, order=1, directions=3, eps=None, rtol=None, atol=None, seed=0, modes=("reverse", "forward")):
    """Compare derivatives of `f` with central differences.

    Parameters
    ----------
    f : callable
        Returns an array or a nested structure of arrays; or an `@njit` function.
    *args
        Arguments; float arrays (or nested structures of them) are checked, the rest is passed on. Float64 is best.
    order : {1, 2}
        2 checks the gradient's own gradient as well.
    directions : int
        Random directions per order.
    eps, rtol, atol : float, optional
        Step, relative and absolute tolerance; chosen from the dtype when left out.
    modes : tuple of {"reverse", "forward"}

    Returns
    -------
    bool
        True.

    Raises
    ------
    GradientError
        Naming the argument, the element that is worst, both values, and their difference.

    Examples
    --------
    >>> gradcheck(lambda x: x * x, np.array([1.0, 2.0]))
    True
    """
    rng = np.random.default_rng(seed)
    leaves, structure = tree.flatten(list(args))
    checked = [i for i, v in enumerate(leaves) if _is_checked(v)]
    if not checked:
        raise problem(GradientError, "gradcheck: no argument is a float array", "float64 arrays")
    points = [np.array(as_tensor(leaves[i]).data) for i in checked]
    kind = Compiled if is_compiled(f) else OnTape
    run = kind(f, leaves, structure, checked, points, rng)
    single = any(p.dtype == np.float32 for p in points)
    eps = eps or (1e-2 if single else 1e-5)
    rtol = rtol or (2e-2 if single else 1e-5)
    atol = atol or (2e-3 if single else 1e-7)
    paths = [_path(args, i) for i in checked]
    _first(run, points, directions, eps, rtol, atol, rng, paths, modes)
    if order == 2 and is_compiled(f):
        numbers = tuple(i for i, a in enumerate(args) if any(map(_is_checked, tree.flatten([a])[0])))
        return gradcheck(grad(f, numbers), *args, directions=directions, eps=eps, rtol=rtol, atol=max(atol, 1e-6), seed=seed, modes=modes)
    if order == 2:
        run.slope(points, rng)
        _first(run, points, directions, eps, rtol, max(atol, 1e-6), rng, [f"{p} (second order)" for p in paths], modes)
    return True


def _is_checked(v):
    return isinstance(v, (float, np.ndarray, np.floating, Tensor, list)) and is_float(
        np.asarray(getattr(v, "data", v)).dtype
    )


def _path(args, index):
    return tree.leaves_with_paths(list(args))[index][0]


class OnTape:
    """A function of the checked arrays alone, a random projection of everything that `f` returns; and its derivatives."""

    def __init__(self, f, leaves, structure, checked, points, rng):
        self.scalar = _scalar_function(f, leaves, structure, checked, rng)
        self(*points)

    def __call__(self, *points):
        return float(self.scalar(*map(Tensor, points)))

    def slope(self, points, rng):
        """Become the projection of the gradient on fixed directions."""
        first, fixed = self.scalar, [Tensor(rng.standard_normal(p.shape).astype(p.dtype)) for p in points]

        def slope(*xs):
            total = 0.0
            for g, v in zip(grad(first, tuple(range(len(xs))))(*xs), fixed):
                total = total + (g * v).sum()
            return total

        self.scalar = slope

    def gradients(self, points):
        """Return the value and the gradient of each array."""
        value, grads = value_and_grad(self.scalar, tuple(range(len(points))))(*map(Tensor, points))
        return float(value), [g.detach().numpy() for g in grads]

    def along(self, points, tangents):
        """Return the derivative along a direction."""
        return float(jvp(self.scalar, tuple(map(Tensor, points)), tuple(map(Tensor, tangents)))[1])


class Compiled:
    """The same of an `@njit` function."""

    def __init__(self, f, leaves, structure, checked, points, rng):
        self.f, self.leaves, self.structure, self.checked = f, leaves, structure, checked
        outs, self.shape = tree.flatten(f(*self.given(points)))
        if not any(_is_checked(o) for o in outs):
            raise problem(GradientError, "gradcheck: the function returns no float")
        self.weights = [rng.uniform(0.5, 1.5, np.shape(o)).astype(np.result_type(o)) if _is_checked(o) else None for o in outs]

    def given(self, points, others=None):
        """Return the arguments, with memory of their own: the function may write into them."""
        values = [v.copy() if isinstance(v, np.ndarray) else v for v in (self.leaves if others is None else others)]
        for i, x in zip(self.checked, points):
            values[i] = np.array(x, order="K") if np.ndim(self.leaves[i]) else np.asarray(x)[()]
        return tree.unflatten(self.structure, values)

    def total(self, outs):
        return sum(float(np.sum(np.asarray(o, float) * w)) for o, w in zip(tree.flatten(outs)[0], self.weights) if w is not None)

    def __call__(self, *points):
        return self.total(self.f(*self.given(points)))

    def gradients(self, points):
        out, pull = vjp(self.f, *self.given(points))
        found = tree.flatten(list(pull(tree.unflatten(self.shape, self.weights))))[0]
        return self.total(out), [np.asarray(found[i]) for i in self.checked]

    def along(self, points, tangents):
        still = [np.zeros_like(v) if isinstance(v, np.ndarray) else 0 for v in self.leaves]
        return self.total(jvp(self.f, self.given(points), self.given(tangents, still))[1])


def _scalar_function(f, leaves, structure, checked, rng):
    """Return a function of the checked tensors alone: a random projection of everything that `f` returns."""
    weights: list = []

    def run(*xs):
        values = list(leaves)
        for i, x in zip(checked, xs):
            values[i] = x
        outs = [as_tensor(o) for o in tree.flatten(f(*tree.unflatten(structure, values)))[0]]
        outs = [o for o in outs if is_float(o.dtype)]
        if not outs:
            raise problem(GradientError, "gradcheck: the function returns no float array")
        if not weights:
            weights.extend(rng.uniform(0.5, 1.5, o.shape).astype(o.dtype) for o in outs)
        total = 0.0
        for o, w in zip(outs, weights):
            total = total + (o * Tensor(w)).sum()
        return total

    return run


def _first(run, points, directions, eps, rtol, atol, rng, paths, modes):
    value, grads = run.gradients(points)
    for g, p, path in zip(grads, points, paths):
        if g.shape != p.shape or g.dtype != p.dtype:
            raise problem(
                GradientError,
                f"gradcheck: the gradient of {path} is {g.dtype}{g.shape} and the argument {p.dtype}{p.shape}",
            )
    scale = abs(value) * np.finfo(points[0].dtype).eps / eps * 10
    for _ in range(directions):
        for k, (p, path) in enumerate(zip(points, paths)):
            v = rng.standard_normal(p.shape).astype(p.dtype)
            want = _difference(run, points, k, v, eps)
            found = {"reverse": float(np.sum(grads[k].astype(float) * v))}
            if "forward" in modes:
                zeros = [np.zeros_like(q) for q in points]
                zeros[k] = v
                found["forward"] = run.along(points, zeros)
            for mode in modes:
                bound = rtol * abs(want) + atol * max(1.0, float(np.linalg.norm(v))) + scale
                if not abs(found[mode] - want) <= bound:
                    raise _failure(run, points, k, path, mode, found[mode], want, grads[k], eps)


def _difference(run, points, k, v, eps):
    """Return the central difference along `v`, extrapolated once (error of fourth order)."""

    def central(h):
        plus, minus = list(points), list(points)
        plus[k] = (points[k] + h * v).astype(points[k].dtype)
        minus[k] = (points[k] - h * v).astype(points[k].dtype)
        return (run(*plus) - run(*minus)) / (2 * h)

    if points[k].dtype == np.float32:
        return central(eps)
    h = eps * 100
    return (4 * central(h / 2) - central(h)) / 3


def _failure(run, points, k, path, mode, found, want, g, eps):
    """Name the element that is furthest off, one by one."""
    worst = (0.0, (), 0.0, 0.0)
    for index in np.ndindex(points[k].shape):
        e = np.zeros_like(points[k])
        e[index] = 1
        d = _difference(run, points, k, e, eps)
        off = abs(d - g[index])
        if off > worst[0] or off != off:
            worst = (off, index, float(g[index]), d)
    what = f"gradcheck: {mode} derivative of argument {path} along a random direction is {found:.8g}, finite differences give {want:.8g}"
    if worst[1] or points[k].ndim == 0:
        what += f"; worst element {list(worst[1])}: gradient {worst[2]:.8g}, difference {worst[3]:.8g}, off by {worst[0]:.3g}"
    return problem(GradientError, what, "float64 arguments away from kinks; if it stays, the rule is wrong")
