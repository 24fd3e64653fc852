"""One product of matrices, or a batch of them, as plans see it: where its factors lie, what becomes of the result."""

from math import prod
from typing import NamedTuple

from ..base.shapes import broadcast_shapes, collapse
from .epilogue import Epilogue
from .plan import Layout

NOTHING = Epilogue()


class Factor(NamedTuple):
    """Where a factor lies: its buffer, strides of its rows and columns, strides of the batch, where it starts."""

    buffer: int
    row: int
    column: int
    batch: tuple = ()
    start: int = 0


class Product(NamedTuple):
    """(m, k) @ (k, n) for every place of `batch`, into the rows of `out`.

    first : number of the first product among those of `out`;
    add : 1 to add to what `out` holds; epilogue and extras : what is done to it then, layouts of the arrays it takes.
    """

    m: int
    k: int
    n: int
    a: Factor
    b: Factor
    batch: tuple
    out: Layout
    add: int = 0
    epilogue: Epilogue = NOTHING
    extras: tuple = ()
    first: int = 0

    @property
    def count(self) -> int:
        """How many products there are."""
        return prod(self.batch)

    @property
    def work(self) -> int:
        """How many multiplications."""
        return self.count * self.m * self.n * self.k

    @property
    def batch_words(self) -> list:
        """The axes of the batch as words: their number, then length, stride in a, stride in b of each."""
        axes = zip(self.batch, self.a.batch, self.b.batch)
        return [len(self.batch), *(word for axis in axes for word in axis)]


def product_of(a, b, out, add=0, epilogue=NOTHING, extras=()) -> Product:
    """Return the product of two layouts (..., m, k) and (..., k, n).

    One right factor for a whole batch is one long product, where the rows of the left factors are evenly spaced.
    """
    (m, k), n = a.shape[-2:], b.shape[-1]
    shape = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    batch, a_batch, b_batch = collapse(shape, *(_batch_strides(x, len(shape)) for x in (a, b)))
    (a_row, a_column), (b_row, b_column) = a.strides[-2:], b.strides[-2:]
    if m == 1 and batch and not any(b_batch):
        a_row = a_batch[-1] if len(batch) == 1 else a_row
    if not any(b_batch) and len(batch) == 1 and a_batch[0] == m * a_row:
        m, batch, a_batch, b_batch = m * batch[0], (), (), ()
    # Strides along which there is one step are free: choose those that need no copy.
    b_column = 1 if n == 1 else b_column
    b_row = 1 if k == 1 else b_row
    left, right = Factor(0, a_row, a_column, a_batch), Factor(1, b_row, b_column, b_batch)
    return Product(m, k, n, left, right, batch, out, add, epilogue, extras)


def _batch_strides(x, ndim):
    missing = ndim - (x.ndim - 2)
    return (0,) * missing + tuple(0 if n == 1 else s for n, s in zip(x.shape[:-2], x.strides[:-2]))
