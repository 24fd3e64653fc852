"""Dense layers."""

from ..base.arguments import integer
from ..ops.matmul import linear
from .init import fan_in_uniform, parameter, uniform
from .module import Module


class Linear(Module):
    """`x @ weight.T + bias`: (..., n_in) -> (..., n_out).

    Parameters
    ----------
    n_in, n_out : int
    bias : bool
    dtype : str
    init : function of (shape, dtype=), optional
        First values of the weight; uniform in ±1/sqrt(n_in) when left out, which the bias always is.

    Attributes
    ----------
    weight : Tensor (n_out, n_in)
    bias : Tensor (n_out,) or None

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.Linear(3, 2)(ng.ones((4, 3), dtype="float32")).shape
    (4, 2)
    """

    def __init__(self, n_in, n_out, bias=True, dtype="float32", init=fan_in_uniform):
        n_in, n_out = integer(n_in, "n_in", 0), integer(n_out, "n_out", 0)
        self.weight = parameter(init((n_out, n_in), dtype=dtype))
        bound = max(1, n_in) ** -0.5
        self.bias = parameter(uniform(n_out, -bound, bound, dtype)) if bias else None

    def forward(self, x):
        return linear(x, self.weight, self.bias)

    def options(self):
        n_out, n_in = self.weight.shape
        return f"{n_in}, {n_out}"
