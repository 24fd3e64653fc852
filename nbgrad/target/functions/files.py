"""The file that holds a derivative: readable Python that Numba compiles and keeps on disk."""

import ast
import functools
import hashlib
import inspect
import linecache
import re
import sys
import types
from pathlib import Path

import numpy as np

from ...ad.copying import taken, without
from ...ad.recursion import called
from ...ad.routine import Routine
from ...ad.streams import streamed
from ...ad.text import CALLED, VECTOR, WORDS, needed, row_text, written
from ...ops import elementary
from ...ops.table import Op
from ..cpu import engine, store

HEAD = '''\
"""{title}"""

import math

import numpy as np
from numba import njit, prange
'''
HELPER = '@njit(error_model="numpy")\n'


def text_of(function, title, options) -> str:
    """Return the text of the file of a function of `ad`; `options` gives Numba's, told whether there is a parallel loop."""
    *others, (body, rows) = map(_written, [*called(function).values(), function])
    rows = {n: fn for _, found in [*others, ("", rows)] for n, fn in found.items() if not isinstance(fn, Routine)}
    bodies = [text for text, _ in others]
    parts = [HEAD.format(title=title)]
    vectors = sorted(n for n, fn in rows.items() if fn is VECTOR)
    words = [n for n in sorted(CALLED) if any(re.search(rf"\b{n}\(", b) for b in [*bodies, body])]
    if words:
        parts.append(f"from nbgrad.target.functions.runtime import {', '.join(words)}\n")
    if vectors:
        parts.append(f"from nbgrad.target.functions.vector import {', '.join(vectors)}\n")
    rows = {n: fn for n, fn in rows.items() if fn is not VECTOR}
    parts.append("\n\n")
    parts += [HELPER + t + "\n\n\n" for t in _helpers(rows)]
    no_cache = ", cache=True" if bodies else ""  # Numba crashes when it loads what calls a function that calls itself
    return "".join(parts) + "\n\n".join(f"@njit({options('prange(' in b).removesuffix(no_cache)})\n{b}\n" for b in [*bodies, body])


def _written(function):
    """Return the text of one function and the rows that it calls."""
    streams = streamed(function)
    text, rows = written(streams)
    if taken(streams) & (WORDS | rows.keys()):  # the user's own names
        text, rows = written(without(streams, WORDS | rows.keys()))
    return text, rows


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
    return list(done.values())


def classes(value) -> dict:
    """Return the classes of the namedtuples in a nested result, by name: the text needs them."""
    found: dict = {}
    for item in getattr(value, "items", ()):
        found |= classes(item)
    return found | ({value.cls.__name__: value.cls} if getattr(value, "cls", None) else {})


@functools.cache
def stamp() -> str:
    """Return a hash of what texts import: they are compiled anew when it changes."""
    here = Path(__file__).parent  # by their paths: to import them is to import Numba, and this file is read without
    rows = sorted(Path(elementary.__file__).parent.glob("*.py"))
    names = ("calling.py", "runtime.py", "tapes.py", "vector.py")
    files = [*[here / n for n in names], here.parent / "cpu" / "inline.py", *rows]
    return hashlib.blake2b(b"".join(f.read_bytes() for f in files), digest_size=8).hexdigest()


@functools.cache
def writers() -> str:
    """Return a hash of all that has a say in what a text is: this Python, NumPy, and nbgrad's own rules and passes."""
    house = Path(__file__).parent.parent.parent
    folders = (house / "base", house / "ops", house / "ad", house / "target" / "functions")
    texts = [f.read_bytes() for folder in folders for f in sorted(folder.rglob("*.py"))]
    return hashlib.blake2b(b"\0".join([sys.version.encode(), np.__version__.encode(), *texts]), digest_size=8).hexdigest()


def file_name(text, name) -> str:
    """Return the name of the file of a text whose function is `name`."""
    digest = hashlib.blake2b(f"{engine.fingerprint()}\n{stamp()}\n{text}".encode(), digest_size=16).hexdigest()
    return f"{name[:80]}_{digest}.py"


def loaded(text, name, known=None):
    """Return the function `name` of a text, written to the cache and compiled when it is first called; and its path.

    `known` are objects that the text names.
    """
    file = file_name(text, name)
    path = store.path(file)
    if not store.holds(path, text.encode()):
        path = store.write(file, text.encode())
    module = types.ModuleType(f"nbgrad_{name}_{path.stem[-32:]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # Numba looks there for the module of what it reads from its cache
    linecache.checkcache(str(path))
    vars(module).update(known or {})
    exec(compile(text, str(path), "exec"), vars(module))
    made = getattr(module, name)
    _keep(made)
    return made, path


def _keep(made):
    """Let a function whose machine code Numba keeps on disk look for it without what only compiling needs."""
    from numba.core.caching import FunctionCache

    from .kept import Kept

    if isinstance(getattr(made, "_cache", None), FunctionCache):  # not where Numba's compiler is switched off
        made._cache = Kept(made.py_func)
