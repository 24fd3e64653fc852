"""Dropout."""

from .. import random
from ..base.errors import ArgumentError, problem
from ..ops.arithmetic import where
from .module import Module


class Dropout(Module):
    """In training mode, set each value to 0 with probability `p` and divide the others by `1 - p`.

    Srivastava et al. 2014 (jmlr.org/papers/v15/srivastava14a.html), inverted: nothing happens in evaluation mode.

    Parameters
    ----------
    p : float in [0, 1]

    Examples
    --------
    >>> import nbgrad as ng
    >>> sorted(set(ng.nn.Dropout(0.5)(ng.ones(100)).numpy().tolist()))
    [0.0, 2.0]
    """

    def __init__(self, p=0.5):
        if not 0.0 <= p <= 1.0:
            raise problem(ArgumentError, f"Dropout: p={p} is outside of [0, 1]", "p=0.5")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0.0:
            return x
        keep = random.bernoulli(1.0 - self.p, x.shape, device=x.device)
        # where, not a product: a dropped inf or NaN must be 0 as well. With p=1 nothing is kept, and nothing divided.
        return where(keep, x * (1.0 / (1.0 - self.p) if self.p < 1.0 else 0.0), 0.0)

    def options(self):
        return f"{self.p}"
