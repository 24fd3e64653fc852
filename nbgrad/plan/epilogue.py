"""What is done to a product before it leaves the cache: rows of the op table applied to it and to further arrays."""

from typing import NamedTuple

# What an extra array has a number for: a column, a row, every place; or it is one number.
COLUMN, ROW, MATRIX, SCALAR = "column", "row", "matrix", "scalar"


class Epilogue(NamedTuple):
    """Elementwise rows applied in order, each to earlier values.

    Value 0 is the product, values 1 to e are the extra arrays, then the results of the rows; the last is what is kept.

    calls : tuple of (row, tuple of the values it takes, or numbers known while planning);
    extras : per extra array COLUMN, ROW, MATRIX or SCALAR.
    """

    calls: tuple = ()
    extras: tuple = ()

    @property
    def name(self) -> str:
        return "_".join(op.name for op, _ in self.calls)


def extra_words(epilogue, layouts) -> list:
    """Return the words that say where a kernel finds the extra arrays: strides over matrices and over rows."""
    words = []
    for kind, x in zip(epilogue.extras, layouts):
        if kind in (COLUMN, SCALAR):
            words += [0, 0]
        elif kind == ROW:
            words += [0, x.strides[-1] if x.shape[-1] > 1 else 1]
        else:
            shape = (1, *x.shape) if len(x.shape) < 2 else x.shape
            words += [shape[-1] * shape[-2], shape[-1]]
    return words
