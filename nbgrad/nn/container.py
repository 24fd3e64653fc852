"""Layers one after the other, and the reshaping between them."""

from math import prod

from ..base.errors import ArgumentError, problem
from .module import Module


class Sequential(Module):
    """Call layers in order, each on what the last one gave. Any function of one array is a layer.

    Parameters
    ----------
    *layers : callables

    Examples
    --------
    >>> import nbgrad as ng
    >>> model = ng.nn.Sequential(ng.nn.Linear(2, 8), ng.relu, ng.nn.Linear(8, 1))
    >>> model(ng.ones((5, 2), dtype="float32")).shape, len(model), model[0].weight.shape
    ((5, 1), 3, (8, 2))
    """

    def __init__(self, *layers):
        wrong = [layer for layer in layers if not callable(layer)]
        if wrong:
            raise problem(
                ArgumentError,
                f"Sequential: {type(wrong[0]).__name__} is no layer: it cannot be called",
                "Sequential(a, b), not Sequential([a, b])",
            )
        self.layers = list(layers)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x

    def __getitem__(self, i):
        return Sequential(*self.layers[i]) if isinstance(i, slice) else self.layers[i]

    def __len__(self):
        return len(self.layers)

    def __iter__(self):
        return iter(self.layers)


class Flatten(Module):
    """Join all axes from `start` on: (n, c, h, w) -> (n, c h w).

    Parameters
    ----------
    start : int
        First axis joined.

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.Flatten()(ng.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, start=1):
        self.start = start

    def forward(self, x):
        return x.reshape((*x.shape[: self.start], prod(x.shape[self.start :])))
