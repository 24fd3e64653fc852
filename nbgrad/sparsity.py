"""Sparse Jacobians of compiled functions: which results depend on which arguments, and few runs for all of them.

The pattern is found by running the function on sets of arguments; columns that share no row are summed up in one run of
forward mode (or rows in one way back of reverse mode) and told apart afterwards.
"""

import functools

import numpy as np

from .base.errors import ArgumentError, ShapeError, problem
from .loops import derivative, is_compiled
from .target.functions.colouring import colouring
from .target.functions.kinds import kind_of

MODES = ("auto", "forward", "reverse")
WORD = 64  # arguments that one run tells apart
FEWEST = 8  # parts of a block, though more than a run tells apart: each pass over the blocks costs runs of its own
FEW = 4  # colours for which one run has room
DIRECT = 4  # runs for which blocks of arguments are not worth it


def sparsity(f, argnums=0):
    """Make a function that returns which numbers of the result of an `@njit` function depend on which of its arguments.

    It runs the function on sets of arguments, so it sees the way that the function takes with the given values: branches
    that it does not take, and elements that it does not index, are not in the pattern. On that way the pattern is safe:
    it holds every derivative that is not zero, and may hold some that are (``x * 0.0``).

    Parameters
    ----------
    f : compiled function
        Of floats and arrays of floats; of any results.
    argnums : int or tuple of int
        Arguments whose numbers are the columns, in order.

    Returns
    -------
    callable
        Of the arguments of `f`; returns a `scipy.sparse.csr_array` of bool, a row for each number that `f` returns.

    Raises
    ------
    ArgumentError
        For a function that is not compiled.

    >>> from numba import njit
    >>> @njit
    ... def slopes(x):
    ...     return x[1:] - x[:-1]
    >>> sparsity(slopes)(np.ones(4)).toarray().astype(int)
    array([[1, 1, 0, 0],
           [0, 1, 1, 0],
           [0, 0, 1, 1]])
    """
    _compiled(f, "sparsity")
    run = derivative("pattern", f, argnums)

    @functools.wraps(f.py_func)
    def wrapped(*args):
        return _detected(lambda bits: run(*args, bits), _count(args, run.derivative.wrt))

    return wrapped


def sparse_jacobian(f, argnums=0, pattern=None, mode="auto"):
    """Make a function that returns the Jacobian of an `@njit` function as a sparse matrix.

    Of a `grad` it is the Hessian: ``sparse_jacobian(grad(f))``.

    Parameters
    ----------
    f : compiled function
        Of floats and arrays of floats; of any results.
    argnums : int or tuple of int
        Arguments whose numbers are the columns, in order.
    pattern : sparse matrix, optional
        Where derivatives may be other than zero, of shape (numbers of the result, numbers of the arguments): what is
        stored counts. Without it the pattern is found (`sparsity`) at the first call, and again whenever it may have
        changed: for other shapes or other integers, and at each call of a function in which floats decide branches,
        indices or numbers of turns.
    mode : {"auto", "forward", "reverse"}
        Columns or rows at once; auto takes what needs fewer runs.

    Returns
    -------
    callable
        Of the arguments of `f`; returns a `scipy.sparse.csr_array` of shape (numbers of the result, numbers of the
        arguments).

    Raises
    ------
    ArgumentError
        For a function that is not compiled, or another mode. ShapeError when the pattern has another shape.

    >>> from numba import njit
    >>> @njit
    ... def f(x):
    ...     return x[1:] * x[:-1]
    >>> sparse_jacobian(f)(np.array([1.0, 2.0, 3.0])).toarray()
    array([[2., 1., 0.],
           [0., 3., 2.]])
    """
    _compiled(f, "sparse_jacobian")
    if mode not in MODES:
        raise problem(ArgumentError, f"sparse_jacobian: mode={mode!r} is unknown", f"one of {', '.join(map(repr, MODES))}")
    made = SparseJacobian(f, argnums, pattern, mode)

    @functools.wraps(f.py_func)
    def wrapped(*args):
        return made(*args)

    return wrapped


class SparseJacobian:
    """The Jacobian of one function: the pattern and the colours it was last evaluated with are kept."""

    def __init__(self, f, argnums, pattern, mode):
        self.find = sparsity(f, argnums)
        self.sets = derivative("pattern", f, argnums)
        self.runs = {way: derivative(way, f, argnums) for way in ("wide", "columns", "rows")}
        self.wrt, self.mode = self.sets.derivative.wrt, mode
        self.given = None if pattern is None else Compression(pattern, mode)
        self.known = (None, None)

    def __call__(self, *args):
        from scipy.sparse import csr_array

        way = self.given or self.compression(args)
        columns = _count(args, self.wrt)
        if way.shape[1] != columns:
            raise problem(ShapeError, f"sparse_jacobian: the pattern has {way.shape[1]} columns and the arguments {columns} numbers",
                          "a pattern of a row for each result and a column for each number of the arguments")  # fmt: skip
        data, rows = self.runs[way.run](*args, way.colours, way.count, way.indptr, way.which)
        if rows != way.shape[0]:
            found = f"the pattern has {way.shape[0]} rows and the function returns {rows} numbers"
            raise problem(ShapeError, f"sparse_jacobian: {found}", "a pattern of a row for each number of the result")
        out = csr_array((data, way.indices.copy(), way.indptr.copy()), shape=way.shape)  # theirs: eliminate_zeros writes into them
        out.has_canonical_format = True
        return out

    def compression(self, args):
        """Return the pattern and its colours, found anew where they may be others."""
        kinds = tuple(kind_of(self.sets.typeof_pyval(a)) for a in args)
        key = (kinds, tuple(map(_fixed, args)))
        if key != self.known[0] or self.sets.derivative.steered.get(kinds, True):
            before, way = self.known[1], self.find(*args)
            same = before is not None and way.shape == before.shape and np.array_equal(way.indptr, before.indptr)
            if not (same and np.array_equal(way.indices, before.indices)):
                self.known = (key, Compression(way, self.mode))
            else:
                self.known = (key, before)
        return self.known[1]


class Compression:
    """A pattern, the colours of its columns or rows, and the place of each of its numbers in its row of the compressed matrix."""

    def __init__(self, pattern, mode):
        pattern = pattern.tocsr(copy=True)
        pattern.sum_duplicates()
        small = np.int32 if max(*pattern.shape, pattern.nnz) <= np.iinfo(np.int32).max else np.int64  # half the memory to go through
        self.shape, self.indices, self.indptr = pattern.shape, pattern.indices.astype(small), pattern.indptr.astype(small)
        ways = {"forward": colouring(pattern)} if mode != "reverse" else {}
        if mode != "forward":
            ways["reverse"] = colouring(pattern.T.tocsr())
        self.mode = min(ways, key=lambda m: ways[m][1])
        colours, self.count = ways[self.mode]
        self.colours, forward = colours.astype(small), self.mode == "forward"
        self.run = ("wide" if self.count > FEW else "columns") if forward else "rows"
        self.which = self.colours[self.indices] if forward else self.indices


def _compiled(f, name):
    if not is_compiled(f):
        raise problem(ArgumentError, f"{name} takes an @njit function, not {type(f).__name__}", "@njit above the function")


def _count(args, wrt):
    """Return how many floats the arguments to differentiate hold."""
    return sum(_floats(args[i]) for i in wrt)


def _floats(x):
    if isinstance(x, tuple):
        return sum(map(_floats, x))
    if isinstance(x, np.ndarray):
        return x.size if x.dtype.kind == "f" else 0
    return 1 if isinstance(x, float | np.floating) else 0


def _fixed(x):
    """Return what of an argument decides a pattern in which floats decide nothing."""
    if isinstance(x, tuple):
        return tuple(map(_fixed, x))
    if isinstance(x, np.ndarray):
        return (x.shape, None if x.dtype.kind == "f" else x.tobytes())
    return None if isinstance(x, float | np.floating) else x


def _detected(run, count):
    """Return the pattern of a function of one integer for each of `count` arguments, which is run on their bits.

    Few arguments have a bit each. Many are first put together in blocks; then blocks that meet in no result share the
    bits of their parts, and so on until the parts are single arguments.
    """
    from scipy.sparse import csr_array

    size = 1 if count <= DIRECT * WORD else 1 << (-(-count // WORD) - 1).bit_length()
    entries = _direct(run, np.arange(count) // size, -(-count // size))
    rows = entries[2]
    while size > 1:
        blocks = csr_array((np.ones(len(entries[0]), bool), entries[:2]), shape=(rows, -(-count // size)))
        colours, number = colouring(blocks)
        parts = min(size, max(FEWEST, 1 << (WORD // max(number, 1)).bit_length() >> 1))
        entries = _parted(run, blocks, colours, number, count, size, parts)
        size //= parts
    found = csr_array((np.ones(len(entries[0]), bool), entries[:2]), shape=(rows, count))
    found.sort_indices()
    return found


def _words(run, slots, number):
    """Return the integers of all results for each 64 slots; arguments of one slot share a bit."""
    found = []
    for first in range(0, max(number, 1), WORD):
        inside = (slots >= first) & (slots < first + WORD)
        bits = np.where(inside, np.uint64(1) << (np.clip(slots - first, 0, WORD - 1)).astype(np.uint64), np.uint64(0))
        found.append(run(bits.astype(np.uint64)))
    return found


def _direct(run, slots, number):
    """Return (rows, slots) of what depends on what, and the number of rows."""
    rows, columns = [], []
    words = _words(run, slots, number)
    for k, word in enumerate(words):
        for bit in range(min(WORD, number - k * WORD)):
            hit = np.flatnonzero(word & np.uint64(1 << bit))
            rows.append(hit)
            columns.append(np.full(hit.size, k * WORD + bit))
    join = lambda parts: np.concatenate(parts) if parts else np.zeros(0, np.int64)
    return join(rows), join(columns), words[0].size


def _parted(run, blocks, colours, number, count, size, parts):
    """Return (rows, smaller blocks): each block of a pattern in parts, whose bits it shares with blocks of its colour."""
    place = np.arange(count)
    slots = colours[place // size] * parts + place % size // (size // parts)
    words = np.stack(_words(run, slots, number * parts))
    at = blocks.tocoo()
    rows, columns = [], []
    for part in range(parts):
        slot = colours[at.col] * parts + part
        hit = (words[slot // WORD, at.row] >> (slot % WORD).astype(np.uint64)) & np.uint64(1) != 0
        rows.append(at.row[hit])
        columns.append(at.col[hit] * parts + part)
    return np.concatenate(rows), np.concatenate(columns), blocks.shape[0]


__all__ = ["sparse_jacobian", "sparsity"]
