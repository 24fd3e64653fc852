"""The file that holds a derivative: readable Python that Numba compiles and keeps on disk."""

import ast
import hashlib
import inspect
import linecache
import sys
import types

from ...ad.streams import streamed
from ...ad.text import needed, row_text, written
from ...ops.table import Op
from ..cpu import engine, store

HEAD = '''\
"""{title}"""

import math

import numpy as np
from numba import njit, prange

'''
GROW = '''\
@njit
def grow(tape, size):
    """Return a tape with room for `size` numbers."""
    if size <= tape.size:
        return tape
    larger = np.empty(max(size, 2 * tape.size), tape.dtype)
    for i in range(tape.size):
        larger[i] = tape[i]
    return larger


'''
PLUS = '''\
def plus(total, x):
    """Return total + x, where many are added and their order does not matter."""
    return total + x


@intrinsic
def plus_in_any_order(context, total, x):
    def emit(context, builder, signature, args):
        return builder.fadd(*args, flags=("reassoc", "contract", "nsz"))

    return total(total, x), emit


@overload(plus, inline="always")
def _plus(total, x):
    return lambda total, x: plus_in_any_order(total, x)


'''
HELPER = '@njit(error_model="numpy")\n'


def text_of(function, title, options) -> str:
    """Return the text of the file of a function of `ad`."""
    body, rows = written(streamed(function))
    parts = [HEAD.format(title=title)]
    if "plus(" in body:
        parts[0] = parts[0].rstrip("\n") + "\nfrom numba.extending import intrinsic, overload\n\n\n"
    if "grow(" in body:
        parts.append(GROW)
    if "plus(" in body:
        parts.append(PLUS)
    parts += [HELPER + t + "\n\n\n" for t in _helpers(rows)]
    return "".join(parts) + f"@njit({options})\n{body}\n"


def _helpers(rows):
    """Return the texts of rows and of all that they call, callees first."""
    done: dict = {}

    def add(name, fn):
        if name in done:
            return
        if isinstance(fn, Op):
            for n, inner in needed(fn).items():
                add(n, inner)
            done[name] = row_text(fn)
        else:
            for n in ast.walk(ast.parse(inspect.getsource(fn))):
                inner = fn.__globals__.get(n.id) if isinstance(n, ast.Name) else None
                if isinstance(inner, types.FunctionType | Op) and inner is not fn:
                    add(n.id, inner)
                elif isinstance(inner, int | float | tuple) and n.id not in done:
                    done[n.id] = f"{n.id} = {inner!r}"
            done[name] = inspect.getsource(fn)

    for name, fn in rows.items():
        add(name, fn)
    return [t if t.startswith(("def", '"""')) else t for t in done.values()]


def classes(value) -> dict:
    """Return the classes of the namedtuples in a nested result, by name: the text needs them."""
    found: dict = {}
    for item in getattr(value, "items", ()):
        found |= classes(item)
    return found | ({value.cls.__name__: value.cls} if getattr(value, "cls", None) else {})


def loaded(text, name, known=None):
    """Return the function `name` of a text, written to the cache and compiled when it is first called.

    `known` are objects that the text names.
    """
    digest = hashlib.blake2b(f"{engine.fingerprint()}\n{text}".encode(), digest_size=16).hexdigest()
    file = f"{name[:80]}_{digest}.py"
    path = store.path(file)
    if not path.exists():
        path = store.write(file, text.encode())
    module = types.ModuleType(f"nbgrad_{name}_{digest}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # Numba looks there for the module of what it reads from its cache
    linecache.checkcache(str(path))
    vars(module).update(known or {})
    exec(compile(text, str(path), "exec"), vars(module))
    return getattr(module, name), path
