"""Derivatives of ordinary Numba functions: compiled functions of the same arguments."""

import numpy as np

from .ad.derive import Derivative
from .base.errors import ArgumentError, DtypeError, ShapeError, problem
from .record import Shown
from .target.functions.kinds import kind_of
from .target.functions.made import compiled, is_compiled, made, source_path, type_of_unchanged


def derivative(kind, f, argnums=0, mode="auto"):
    """Return the compiled derivative of a compiled function; asked for again, it is the same one."""
    known = vars(f).setdefault("_derivatives", {})
    key = (kind, tuple(argnums) if isinstance(argnums, list) else argnums, mode)
    if key not in known:
        known[key] = made(Derivative(kind, f, argnums, mode))
    return known[key]


def directional(kind, f, primals, tangents):
    """Call a derivative along tangents: "jvp" or "hvp"."""
    if len(primals) != len(tangents):
        raise problem(ShapeError, f"{kind}: {len(tangents)} tangents for {len(primals)} arguments", "one tangent for each argument")
    made, rest = derivative(kind, f), _defaults(kind, f, primals)
    return made(*primals, *rest, *(_tangent(kind, x, t) for x, t in zip(primals, tangents)), *(0.0 for _ in rest))


def _defaults(kind, f, args):
    """Return the arguments that a call leaves out."""
    names, known = derivative(kind, f).derivative.base, (f.py_func.__defaults__ or ())
    missing = len(names) - len(args)
    if not 0 <= missing <= len(known):
        raise problem(ArgumentError, f"{kind}: {len(args)} arguments for {f.__name__}({', '.join(names)})", "one for each parameter")
    return known[len(known) - missing :]


def _tangent(kind, x, t):
    """Return a tangent as the compiled function takes it: of the dtype and the layout of its argument."""
    if isinstance(x, tuple):
        if not isinstance(t, tuple | list) or len(t) != len(x):
            raise problem(ShapeError, f"{kind}: the tangent of a tuple of {len(x)} has another structure", "a tuple of as many")
        parts = [_tangent(kind, a, b) for a, b in zip(x, t)]
        return type(x)(*parts) if hasattr(x, "_fields") else tuple(parts)
    if isinstance(x, np.ndarray):
        if x.dtype.kind != "f":
            return _still(kind, x, t, None)
        t = np.asarray(t, x.dtype)
        if t.shape != x.shape:
            raise problem(ShapeError, f"{kind}: a tangent has shape {t.shape} and its argument {x.shape}",
                          "tangents of the arguments' shapes")  # fmt: skip
        return np.asarray(t, order="C" if x.flags.c_contiguous else "F" if x.flags.f_contiguous else "K")
    return type(x)(t) if isinstance(x, float | np.floating) else _still(kind, x, t, 0.0)


def _still(kind, x, t, zero):
    """Return the tangent of an argument that is no float: zero."""
    if t is not None and np.any(t):
        raise problem(DtypeError, f"{kind}: an argument is {np.result_type(x)}, and tangents other than 0 are of floats",
                      "2.0 instead of 2, x.astype(float), or the tangent 0")  # fmt: skip
    return zero


def vjp(f, args, has_aux=False):
    """Return what `nbgrad.vjp` returns, of a compiled function."""
    back = derivative("pullback", f)
    if not args:
        return back
    names, before = back.derivative.base, [_own(a) for a in (*args, *_defaults("pullback", f, args))]
    out = f(*args)
    kinds = tuple(kind_of(back.typeof_pyval(a)) for a in before)

    def pull(g=None, **last):
        unknown = set(last) - set(names[: len(args)])
        if unknown:
            raise problem(ArgumentError, f"vjp: {f.__name__} has no argument {min(unknown)}", f"of {', '.join(names)}")
        last = {f"g_{n}": _gradient(before[names.index(n)], v) for n, v in last.items()}
        given = before if back.derivative.changed.get(kinds) == set() else [_own(a) for a in before]
        return back(*given, _gradient(out, (g, None) if has_aux else g), **last)[1][: len(args)]

    return (out[0], pull, out[1]) if has_aux else (out, pull)


def _own(x):
    """Return an argument with memory of its own."""
    if isinstance(x, tuple):
        return type(x)(*map(_own, x)) if hasattr(x, "_fields") else tuple(map(_own, x))
    return x.copy(order="K") if isinstance(x, np.ndarray) else x


def _gradient(out, g):
    """Return the gradient of a result as Numba takes it: in the structure and the dtypes of the result; None for zero."""
    if g is None or out is None:
        return None
    if isinstance(out, tuple):
        if not isinstance(g, tuple | list) or len(g) != len(out):
            raise problem(ShapeError, f"vjp: the gradient of a tuple of {len(out)} has another structure",
                          "g of the structure of the result")  # fmt: skip
        return tuple(map(_gradient, out, g))
    kind = np.result_type(out)
    if kind.kind != "f":
        return None
    g = np.asarray(g, kind)
    if g.shape != np.shape(out):
        raise problem(ShapeError, f"vjp: a gradient has shape {g.shape} and the result {np.shape(out)}", "g of the shape of the result")
    return g if isinstance(out, np.ndarray) else g[()]


class Text(Shown):
    """Text of a derivative.

    Attributes
    ----------
    path : Path
        The file that holds it.
    """

    __slots__ = ("path",)


def kernel(f):
    """Compile a plain function of numbers and arrays with Numba, so that it has derivatives.

    The same as `numba.njit` without options; derivatives of it are compiled functions too.

    >>> @kernel
    ... def cube(x):
    ...     return x * x * x
    >>> cube(2.0)
    8.0
    """
    return compiled(f)


class Checkpointed:
    """The range of a loop of whose states a gradient keeps few: ``for i in checkpointed(range(n))``.

    A gradient of a loop over time keeps something of each turn, which may be more than the memory there is. Of a
    checkpointed loop in an `@njit` function it keeps what turns hand on to one another (variables, and arrays that they
    write in place) at no more than log2(n) + 1 turns at a time, and what one turn alone needs. The way back runs the turns
    between forward again: each turn about 1 + log2(n) / 2 times more than without.

    In Python, in compiled code and in forward mode it is the range itself. Loops in it need no mark. In a loop it needs that
    loop to be checkpointed too, or to have independent turns. After `break` or `return` the turns that are left do nothing,
    but are counted. A gradient of the gradient is right, and keeps everything.

    Parameters
    ----------
    turns : range
        Of any start, stop and step, written in the call.

    Returns
    -------
    range
        `turns`.

    Raises
    ------
    GradientError
        When the gradient is made: for a state that cannot be given back, or an array that holds every turn.
    ValueError
        By the gradient: where arrays that variables hold change their shape from turn to turn, or are one array that is
        written to.

    Examples
    --------
    >>> import numpy as np
    >>> from numba import njit
    >>> from nbgrad import checkpointed, grad
    >>> @njit
    ... def cooled(u, n):
    ...     for _ in checkpointed(range(n)):
    ...         for i in range(1, u.size):
    ...             u[i] += 0.25 * (u[i - 1] - u[i])
    ...     return u[-1]
    >>> grad(cooled)(np.ones(3), 1000).round(3)
    array([1., 0., 0.])
    """

    __nbgrad_checkpointed__ = True

    def __call__(self, turns):
        return turns

    @property
    def _numba_type_(self):
        return type_of_unchanged()


checkpointed = Checkpointed()


def source(f, *args) -> str:
    """Return the text of a derivative of an `@njit` function, as readable Python.

    Parameters
    ----------
    f : compiled function
        That `grad`, `value_and_grad`, `jvp`, `jacobian`... made of an `@njit` function.
    args
        Arguments of it: each set of argument types has a text of its own. None are needed once it was called.

    Returns
    -------
    str
        With an attribute `path`: the file that Numba compiled.

    Raises
    ------
    ArgumentError
        For a function that is no such derivative, or one that was never called when there are no arguments.

    >>> from numba import njit
    >>> @njit
    ... def product(x):
    ...     p = 1.0
    ...     for i in range(x.size):
    ...         p *= x[i]
    ...     return p
    >>> text = source(derivative("grad", product), np.ones(3))
    >>> "def grad_product(x):" in text, text.path.suffix
    (True, '.py')
    """
    if not hasattr(f, "derivative"):
        raise problem(ArgumentError, "source: not a derivative of an @njit function", "source(nbgrad.grad(f), x)")
    if args:
        types = tuple(f.typeof_pyval(a) for a in args)
    elif f.found:
        types = next(iter(f.found))
    else:
        raise problem(ArgumentError, f"source: {f.__name__} has a text for each set of argument types", "source(f, x), or a call before")
    text = Text(source_path(f, types).read_text(encoding="utf-8"))
    text.path = source_path(f, types)
    return text


__all__ = ["Checkpointed", "checkpointed", "derivative", "directional", "is_compiled", "kernel", "source", "vjp"]
