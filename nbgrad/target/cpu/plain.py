"""A generated kernel as plain Python: run from the lines of its file, so that a debugger steps through them.

Slow, and the same numbers as the machine code but for the last bits of sums and of what it joins to `fma`.
"""

import ast
import functools
import math
from pathlib import Path

import numpy as np

from ...base.errors import KernelError, problem
from ...ops.elementary import bits
from .fold_text import FILES
from .kernels import source
from .load import source_path
from .plain_folds import WORDS

# What the first half of a file defines for the compiler; here it has other meanings, below.
HEAD = {"kernel", "helper", "word_type", "read", "word", "pointer", "pick", "apart", "settle", "stack"}


INSTRUCTIONS = ("inline.py", *FILES)  # texts that write instructions


@functools.cache
def _replaced() -> frozenset:
    """Return the names of the texts that write instructions."""
    texts = [Path(__file__).with_name(file).read_text(encoding="utf-8") for file in INSTRUCTIONS]
    return frozenset(HEAD | {n for text in texts for s in ast.parse(text).body for n in _names(s)})


def _names(statement) -> list:
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        return [statement.name]
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return [n.id for t in targets for n in (t.elts if isinstance(t, ast.Tuple) else [t]) if isinstance(n, ast.Name)]


def plain(kernel):
    """Return the function `(args, tile)` of a kernel; `args` is a list of flat arrays, then of the words behind them.

    Raises
    ------
    KernelError
        For kernels of instructions that only the compiler has, such as products of matrices.
    """
    text, name = source(kernel), kernel.name
    body = [s for s in ast.parse(text).body if not isinstance(s, (ast.Import, ast.ImportFrom)) and not _replaced() & set(_names(s))]
    space = dict(_words())
    try:
        exec(compile(ast.Module(body, []), str(source_path(text, name)), "exec"), space)
    except (NameError, AttributeError, TypeError) as error:
        raise _unable(name, error) from error
    return space[name]


def _unable(name, error):
    return problem(KernelError, f"{name} has no meaning in plain Python ({error})", "a kernel named map_..., reduce_... or map_reduce_...")


def run_plain(kernel, words, tiles, arrays):
    """Run all tiles of a kernel on flat arrays, which it reads and writes."""
    function = plain(kernel)
    args = [*[a.view(np.uint8) if a.dtype == bool else a for a in arrays], *map(int, words)]
    with np.errstate(all="ignore"):
        for tile in range(tiles):
            try:
                function(args, tile)
            except NameError as error:
                raise _unable(kernel.name, error) from error


def _words() -> dict:
    """Return what the words of a kernel mean here."""
    same = lambda f: f
    words = {n: f for n, f in vars(bits).items() if callable(f) and getattr(f, "__module__", None) == bits.__name__}
    return {
        **words, "math": math, "np": np, "kernel": same, "helper": same, "inline": lambda dtype: same, "types": _Types(),
        "word": lambda args, i: args[i], "pointer": lambda number, dtype: lambda args: args[number], "apart": _apart,
        "pick": lambda condition, a, b: a if condition else b, "stack": lambda dtype, count: lambda args: np.empty(count, dtype),
        "settle": lambda: None,
        **WORDS,
    }  # fmt: skip


class _Types:
    """Numba's types, which say nothing here."""

    def __getattr__(self, name):
        return name


def _apart(dtype):
    def put(p, i, value):
        p[i] = value

    return (lambda p, i: p[i]), put
