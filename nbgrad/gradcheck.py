"""Gradients against finite differences, along random directions: the judge that shares no formula with the accused."""

import numpy as np

from .base import tree
from .base.dtypes import is_float
from .base.errors import GradientError, problem
from .eager import as_tensor
from .tensor import Tensor
from .transform import grad, jvp, value_and_grad


def gradcheck(f, *args, order=1, directions=3, eps=None, rtol=None, atol=None, seed=0, modes=("reverse", "forward")):
    """Compare derivatives of `f` with central differences.

    Parameters
    ----------
    f : callable
        Returns an array or a nested structure of arrays.
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
    run = _scalar_function(f, leaves, structure, checked, points, rng)
    single = any(p.dtype == np.float32 for p in points)
    eps = eps or (1e-2 if single else 1e-5)
    rtol = rtol or (2e-2 if single else 1e-5)
    atol = atol or (2e-3 if single else 1e-7)
    paths = [_path(args, i) for i in checked]
    _first(run, points, directions, eps, rtol, atol, rng, paths, modes)
    if order == 2:
        fixed = [rng.standard_normal(p.shape).astype(p.dtype) for p in points]

        def slope(*xs):
            gs = grad(run, tuple(range(len(xs))))(*xs)
            total = 0.0
            for g, v in zip(gs, fixed):
                total = total + (g * Tensor(v)).sum()
            return total

        _first(
            slope, points, directions, eps, rtol, max(atol, 1e-6), rng, [f"{p} (second order)" for p in paths], modes
        )
    return True


def _is_checked(v):
    return isinstance(v, (float, np.ndarray, np.floating, Tensor, list)) and is_float(
        np.asarray(getattr(v, "data", v)).dtype
    )


def _path(args, index):
    return tree.leaves_with_paths(list(args))[index][0]


def _scalar_function(f, leaves, structure, checked, points, rng):
    """Return a function of the checked arrays alone: a random projection of everything that `f` returns."""
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

    run(*[Tensor(p) for p in points])
    return run


def _first(run, points, directions, eps, rtol, atol, rng, paths, modes):
    value, grads = value_and_grad(run, tuple(range(len(points))))(*[Tensor(p) for p in points])
    grads = [g.detach().numpy() for g in grads]
    for g, p, path in zip(grads, points, paths):
        if g.shape != p.shape or g.dtype != p.dtype:
            raise problem(
                GradientError,
                f"gradcheck: the gradient of {path} is {g.dtype}{g.shape} and the argument {p.dtype}{p.shape}",
            )
    scale = abs(float(value)) * np.finfo(points[0].dtype).eps / eps * 10
    for _ in range(directions):
        for k, (p, path) in enumerate(zip(points, paths)):
            v = rng.standard_normal(p.shape).astype(p.dtype)
            want = _difference(run, points, k, v, eps)
            found = {"reverse": float(np.sum(grads[k].astype(float) * v))}
            if "forward" in modes:
                zeros = [np.zeros_like(q) for q in points]
                zeros[k] = v
                found["forward"] = float(jvp(run, tuple(Tensor(q) for q in points), tuple(Tensor(z) for z in zeros))[1])
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
        return (float(run(*map(Tensor, plus))) - float(run(*map(Tensor, minus)))) / (2 * h)

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
