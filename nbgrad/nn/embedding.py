"""Embedding of integers as vectors."""

from ..ops.composite import embedding
from .init import normal, parameter
from .module import Module


class Embedding(Module):
    """A table of vectors, one per integer: (...) of int -> (..., size).

    Parameters
    ----------
    count : int
        Number of vectors; indices are 0..count-1.
    size : int
        Length of a vector.
    dtype : str
    init : function of (shape, dtype=), optional
        Standard normal when left out.

    Attributes
    ----------
    weight : Tensor (count, size)

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.Embedding(10, 4)(ng.tensor([[1, 2, 3]])).shape
    (1, 3, 4)
    """

    def __init__(self, count, size, dtype="float32", init=normal):
        self.weight = parameter(init((count, size), dtype=dtype))

    def forward(self, indices):
        return embedding(self.weight, indices)

    def options(self):
        return ", ".join(map(str, self.weight.shape))
