"""Convolution layers over 1, 2 or 3 spatial axes, channels first."""

from ..base.arguments import integer
from ..base.errors import ArgumentError, problem
from ..ops.sliding import spread
from ..ops.window import conv, conv_transpose
from .init import fan_in_uniform, fans, parameter, uniform
from .module import Module


class Convolution(Module):
    """Base of the convolutions: options, weight and bias. See `Conv2d` and `ConvTranspose2d`."""

    ndim = 0
    transposed = False

    def __init__(
        self,
        n_in,
        n_out,
        window,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        dtype="float32",
        init=fan_in_uniform,
    ):
        n_in, n_out, groups = (integer(*v) for v in ((n_in, "n_in", 0), (n_out, "n_out", 0), (groups, "groups")))
        if groups < 1 or n_in % groups or n_out % groups:
            raise problem(
                ArgumentError,
                f"{type(self).__name__}: groups={groups} must divide n_in={n_in} and n_out={n_out}",
                "groups=1",
            )
        self.window = spread(window, self.ndim, "window", 1)
        self.stride, self.dilation = spread(stride, self.ndim, "stride", 1), spread(dilation, self.ndim, "dilation", 1)
        self.padding = padding
        self.n_in, self.n_out, self.groups = n_in, n_out, groups
        first, second = (n_in, n_out) if self.transposed else (n_out, n_in)
        self.weight = parameter(init((first, second // groups, *self.window), dtype=dtype))
        bound = max(1, fans(self.weight.shape)[0]) ** -0.5
        self.bias = parameter(uniform(n_out, -bound, bound, dtype)) if bias else None

    def forward(self, x):
        return conv(x, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def options(self):
        named = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
        own = [f"{k}={short(getattr(self, k))}" for k, usual in named.items() if short(getattr(self, k)) != usual]
        return ", ".join([str(self.n_in), str(self.n_out), f"window={short(self.window)}", *own])


def short(value):
    """Return a tuple of equal entries as the one entry."""
    return value[0] if isinstance(value, tuple) and len(set(value)) == 1 else value


class Conv1d(Convolution):
    """Convolution of (n, n_in, length); parameters as `Conv2d`.

    >>> import nbgrad as ng
    >>> ng.nn.Conv1d(3, 8, 5, padding=2)(ng.ones((2, 3, 10), dtype="float32")).shape
    (2, 8, 10)
    """

    ndim = 1


class Conv2d(Convolution):
    """Convolution of images (n, n_in, height, width) -> (n, n_out, height', width').

    The output length is `(length + 2 padding - dilation (window - 1) - 1) // stride + 1` along each axis.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    window, stride, dilation : int or (int, int)
    padding : int, "valid", "same", (int, int), or pairs (before, after)
        As in `ng.conv2d`.
    groups : int
        Channel groups that do not see each other; `groups=n_in` is depthwise.
    bias : bool
    dtype : str
    init : function of (shape, dtype=), optional

    Attributes
    ----------
    weight : Tensor (n_out, n_in // groups, *window)
    bias : Tensor (n_out,) or None

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.Conv2d(3, 8, 3, stride=2, padding=1)(ng.ones((2, 3, 8, 8), dtype="float32")).shape
    (2, 8, 4, 4)
    """

    ndim = 2


class Conv3d(Convolution):
    """Convolution of volumes (n, n_in, depth, height, width); parameters as `Conv2d`.

    >>> import nbgrad as ng
    >>> ng.nn.Conv3d(1, 2, 3)(ng.ones((1, 1, 4, 4, 4), dtype="float32")).shape
    (1, 2, 2, 2, 2)
    """

    ndim = 3


class TransposedConvolution(Convolution):
    """Base of the transposed convolutions. See `ConvTranspose2d`."""

    transposed = True

    def __init__(
        self,
        n_in,
        n_out,
        window,
        stride=1,
        padding=0,
        output_padding=0,
        dilation=1,
        groups=1,
        bias=True,
        dtype="float32",
        init=fan_in_uniform,
    ):
        super().__init__(n_in, n_out, window, stride, padding, dilation, groups, bias, dtype, init)
        self.output_padding = spread(output_padding, self.ndim, "output_padding", 0)

    def forward(self, x):
        return conv_transpose(
            x, self.weight, self.bias, self.stride, self.padding, self.output_padding, self.dilation, self.groups
        )


class ConvTranspose1d(TransposedConvolution):
    """Transposed convolution of (n, n_in, length); parameters as `ConvTranspose2d`.

    >>> import nbgrad as ng
    >>> ng.nn.ConvTranspose1d(3, 8, 4, stride=2, padding=1)(ng.ones((2, 3, 5), dtype="float32")).shape
    (2, 8, 10)
    """

    ndim = 1


class ConvTranspose2d(TransposedConvolution):
    """The adjoint of a convolution with respect to its input: (n, n_in, h, w) -> (n, n_out, h', w').

    The output length is `(length - 1) stride - 2 padding + dilation (window - 1) + output_padding + 1` along each axis.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    window, stride, output_padding, dilation : int or (int, int)
    padding : int, "valid", "same", (int, int), or pairs (before, after)
        As in `ng.conv2d`.
    groups : int
    bias : bool
    dtype : str
    init : function of (shape, dtype=), optional

    Attributes
    ----------
    weight : Tensor (n_in, n_out // groups, *window)
    bias : Tensor (n_out,) or None

    Examples
    --------
    >>> import nbgrad as ng
    >>> ng.nn.ConvTranspose2d(3, 8, 4, stride=2, padding=1)(ng.ones((2, 3, 5, 5), dtype="float32")).shape
    (2, 8, 10, 10)
    """

    ndim = 2


class ConvTranspose3d(TransposedConvolution):
    """Transposed convolution of volumes (n, n_in, depth, height, width); parameters as `ConvTranspose2d`.

    >>> import nbgrad as ng
    >>> ng.nn.ConvTranspose3d(1, 2, 2, stride=2)(ng.ones((1, 1, 2, 2, 2), dtype="float32")).shape
    (1, 2, 4, 4, 4)
    """

    ndim = 3
