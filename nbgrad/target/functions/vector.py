"""Elementary functions that LLVM can take several of at once: those of the kernels, under the names of `math`.

``from nbgrad.target.functions.vector import exp`` gives a function of numbers: in compiled code the straight-line function
of `ops.elementary` in the dtype of its argument, in Python what the row of the op table says. Within 2 ulp of `math`'s.
"""

import functools
import linecache
import math

from numba import types
from numba.extending import overload

from ...ops.elementary.bits import find
from ...ops.table import table
from ..cpu.emit import emit_inline

_declared: dict = {}


def __getattr__(name):
    if name.startswith("__") or find(name, "float64") is None:
        raise AttributeError(name)
    if name not in _declared:
        _declared[name] = _declare(name)
    return _declared[name]


def _declare(name):
    """Make the function of Python and of compiled code of one name."""
    row = table[name]
    params = ", ".join(row.params)
    scope = {"row": getattr(math, name, row.number)}
    exec(f"def {name}({params}):\n    return row({params})", scope)
    plain = scope[name]
    plain.__doc__ = row.__doc__
    exec(f"def choose({params}):\n    return pick(({params},))", scope)
    scope["pick"] = lambda kinds: _choice(name, row.params, kinds)
    overload(plain)(scope["choose"])
    return plain


def _choice(name, params, kinds):
    """Return the compiled form for Numba's types of the arguments."""
    if not all(isinstance(k, types.Float | types.Integer | types.Boolean) for k in kinds):
        return None
    dtype = "float32" if all(k == types.float32 for k in kinds) else "float64"
    scope = _compiled(name, dtype)
    args = ", ".join(p if k == getattr(types, dtype) else f"np.{dtype}({p})" for p, k in zip(params, kinds))
    made = dict(scope)
    exec(f"def {name}({', '.join(params)}):\n    return {name}_{dtype}({args})", made)
    return made[name]


@functools.cache
def _compiled(name, dtype):
    """Return a namespace that holds the function of kernels."""
    texts: dict = {}
    emit_inline(find(name, dtype), texts)
    scope: dict = {}
    source = "\n".join(["import numpy as np", *texts.values()]).replace(f'@inline("{dtype}")', f'@inline("{dtype}", alone=True)')
    path = f"<nbgrad {name}_{dtype}>"
    _remember(path, source)
    exec(compile(source, path, "exec"), scope)
    return scope


def _remember(path, source):
    """Let `inspect` find a text that is no file."""
    linecache.cache[path] = (len(source), None, source.splitlines(True), path)
