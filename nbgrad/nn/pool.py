"""Pooling layers: windows to their largest value or their mean, channels first."""

from ..ops.pooling import avg_pool1d, avg_pool2d, avg_pool3d, max_pool1d, max_pool2d, max_pool3d
from ..ops.reduce import mean
from ..ops.sliding import spread
from .conv import short
from .module import Module


class Pooling(Module):
    """Base of the pooling layers. See `MaxPool2d`."""

    ndim = 0
    op = None

    def __init__(self, window, stride=None, padding=0):
        self.window = spread(window, self.ndim, "window", 1)
        self.stride = self.window if stride is None else spread(stride, self.ndim, "stride", 1)
        self.padding = padding

    def forward(self, x):
        return self.op(x, self.window, self.stride, self.padding)

    def options(self):
        return f"{short(self.window)}, stride={short(self.stride)}, padding={short(self.padding)}"


class MaxPool1d(Pooling):
    """Largest value of each window of (n, c, length); parameters as `MaxPool2d`.

    >>> import nbgrad as ng
    >>> ng.nn.MaxPool1d(2)(ng.tensor([[[1.0, 3.0, 2.0, 0.0]]])).numpy().ravel()
    array([3., 2.])
    """

    ndim, op = 1, staticmethod(max_pool1d)


class MaxPool2d(Pooling):
    """Largest value of each window of (n, c, h, w).

    Parameters
    ----------
    window : int or (int, int)
    stride : int or (int, int), optional
        As `window` when left out.
    padding : int, "valid", "same", (int, int), or pairs (before, after)
        At most half the window; what is padded is never the largest.

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.MaxPool2d(2)(ng.ones((1, 3, 8, 8))).shape
    (1, 3, 4, 4)
    """

    ndim, op = 2, staticmethod(max_pool2d)


class MaxPool3d(Pooling):
    """Largest value of each window of (n, c, d, h, w); parameters as `MaxPool2d`.

    >>> import nbgrad as ng
    >>> ng.nn.MaxPool3d(2)(ng.ones((1, 3, 4, 4, 4))).shape
    (1, 3, 2, 2, 2)
    """

    ndim, op = 3, staticmethod(max_pool3d)


class AvgPool1d(Pooling):
    """Mean of each window of (n, c, length), padding counted as zeros; parameters as `MaxPool2d`.

    >>> import nbgrad as ng
    >>> ng.nn.AvgPool1d(2)(ng.tensor([[[1.0, 3.0, 2.0, 0.0]]])).numpy().ravel()
    array([2., 1.])
    """

    ndim, op = 1, staticmethod(avg_pool1d)


class AvgPool2d(Pooling):
    """Mean of each window of (n, c, h, w), padding counted as zeros; parameters as `MaxPool2d`.

    >>> import nbgrad as ng
    >>> ng.nn.AvgPool2d(2)(ng.ones((1, 3, 8, 8))).shape
    (1, 3, 4, 4)
    """

    ndim, op = 2, staticmethod(avg_pool2d)


class AvgPool3d(Pooling):
    """Mean of each window of (n, c, d, h, w), padding counted as zeros; parameters as `MaxPool2d`.

    >>> import nbgrad as ng
    >>> ng.nn.AvgPool3d(2)(ng.ones((1, 3, 4, 4, 4))).shape
    (1, 3, 2, 2, 2)
    """

    ndim, op = 3, staticmethod(avg_pool3d)


class GlobalAvgPool(Module):
    """Mean over all spatial axes: (n, c, ...) -> (n, c).

    >>> import nbgrad as ng
    >>> ng.nn.GlobalAvgPool()(ng.ones((2, 3, 5, 5))).shape
    (2, 3)
    """

    def forward(self, x):
        return mean(x, tuple(range(2, x.ndim)))
