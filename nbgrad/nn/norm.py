"""Layers that normalise, each with a learned scale and shift."""

from ..base.arguments import lengths
from ..base.errors import ArgumentError, ShapeError, problem
from ..ops.normalization import batch_norm, batch_standardized, group_norm, layer_norm, rms_norm
from ..tape.tape import no_grad
from .init import ones, parameter, zeros
from .module import Module


class LayerNorm(Module):
    """Normalise each sample over its last axes; see `ng.layer_norm`.

    Parameters
    ----------
    shape : int or tuple of int
        Lengths of the last axes.
    eps : float
        Added to the variance.
    bias : bool
        Learn a shift.
    dtype : str

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.LayerNorm(2, eps=0.0)(ng.tensor([[1.0, 3.0]], dtype="float32")).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(self, shape, eps=1e-5, bias=True, dtype="float32"):
        self.shape, self.eps = lengths(shape), eps
        self.weight = parameter(ones(self.shape, dtype))
        self.bias = parameter(zeros(self.shape, dtype)) if bias else None

    def forward(self, x):
        return layer_norm(x, self.weight, self.bias, tuple(range(-len(self.shape), 0)), self.eps)

    def options(self):
        return f"{self.shape}, eps={self.eps}"


class RMSNorm(Module):
    """Divide each sample by its root mean square over the last axes; see `ng.rms_norm`.

    Parameters
    ----------
    shape : int or tuple of int
        Lengths of the last axes.
    eps : float
        Added to the mean square.
    dtype : str

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.RMSNorm(2, eps=0.0)(ng.tensor([[3.0, -3.0]], dtype="float32")).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, shape, eps=1e-6, dtype="float32"):
        self.shape, self.eps = lengths(shape), eps
        self.weight = parameter(ones(self.shape, dtype))

    def forward(self, x):
        return rms_norm(x, self.weight, tuple(range(-len(self.shape), 0)), self.eps)

    def options(self):
        return f"{self.shape}, eps={self.eps}"


class GroupNorm(Module):
    """Normalise groups of channels of each sample; see `ng.group_norm`.

    Parameters
    ----------
    groups, channels : int
        `groups` divides `channels`.
    eps : float
        Added to the variance.
    dtype : str

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.GroupNorm(2, 4)(ng.ones((1, 4, 3, 3), dtype="float32")).shape
    (1, 4, 3, 3)
    """

    def __init__(self, groups, channels, eps=1e-5, dtype="float32"):
        if groups < 1 or channels % groups:
            raise problem(ArgumentError, f"GroupNorm: groups={groups} must divide channels={channels}", "groups=1")
        self.groups, self.channels, self.eps = groups, channels, eps
        self.weight, self.bias = parameter(ones(channels, dtype)), parameter(zeros(channels, dtype))

    def forward(self, x):
        return group_norm(x, self.groups, self.weight, self.bias, self.eps)

    def options(self):
        return f"{self.groups}, {self.channels}, eps={self.eps}"


class BatchNorm(Module):
    """Normalise each channel over the batch and all other axes (Ioffe and Szegedy 2015, arXiv:1502.03167).

    In training mode the statistics are those of the batch, and running ones learn from them:
    `running = (1 - momentum) running + momentum batch`, the variance unbiased. In evaluation mode the running ones are
    used.

    Parameters
    ----------
    channels : int
        Length of `axis`.
    momentum : float in [0, 1]
        Share of the new batch in the running statistics.
    eps : float
        Added to the variance.
    axis : int
        The channel axis: 1 for (n, c), (n, c, length) and (n, c, h, w).
    dtype : str

    Attributes
    ----------
    weight, bias : Tensor (channels,)
        Parameters.
    running_mean, running_var : Tensor (channels,)
        State.

    Raises
    ------
    ShapeError
        In training mode when a channel has one value only, whose variance means nothing.

    Examples
    --------
    >>> import nbgrad as ng
    >>> layer = ng.nn.BatchNorm(2)
    >>> y = layer(ng.tensor([[0.0, 10.0], [2.0, 30.0]], dtype="float32"))
    >>> y.round(3).tolist(), layer.running_mean.round(3).tolist()
    ([[-1.0, -1.0], [1.0, 1.0]], [0.10000000149011612, 2.0])
    """

    def __init__(self, channels, momentum=0.1, eps=1e-5, axis=1, dtype="float32"):
        if not 0.0 <= momentum <= 1.0:
            raise problem(ArgumentError, f"BatchNorm: momentum={momentum} is outside of [0, 1]", "momentum=0.1")
        self.momentum, self.eps, self.axis = momentum, eps, axis
        self.weight, self.bias = parameter(ones(channels, dtype)), parameter(zeros(channels, dtype))
        self.running_mean, self.running_var = zeros(channels, dtype), ones(channels, dtype)

    def forward(self, x):
        if not self.training:
            return batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.axis, self.eps)
        n = x.size // max(1, x.shape[self.axis])
        if n < 2:
            raise problem(
                ShapeError,
                f"BatchNorm in training mode: x is {x.shape}, one value per channel has no variance",
                "a larger batch, or model.eval()",
            )
        out, middle, spread = batch_standardized(x, self.weight, self.bias, self.axis, self.eps)
        self.learn(middle, spread * (n / (n - 1)))
        return out

    def learn(self, middle, spread):
        """Let the running statistics follow those of a batch."""
        with no_grad():
            self.running_mean += self.momentum * (middle.astype(self.running_mean.dtype) - self.running_mean)
            self.running_var += self.momentum * (spread.astype(self.running_var.dtype) - self.running_var)

    def options(self):
        return f"{self.weight.shape[0]}, momentum={self.momentum}, eps={self.eps}"
