"""Windows that slide over 1 to 3 spatial axes: convolution and its two adjoints.

`conv_output(x, w)`, `conv_input_grad(y, w)` and `conv_weight_grad(x, y)` are one trilinear form of an input, a weight
and an output, taken apart in three ways. Each is linear in both arguments and its gradients are the other two, so that
derivatives of any order are these rows again. Rows know channels first; other layouts are permuted views.
"""

from ..base.errors import ArgumentError, ShapeError, problem
from .movement import flip, permute, reshape
from .reduce import sum as sum_
from .sliding import adjoint_size, as_windows, positions, same_padding, spread
from .table import lift, primitive


@primitive(
    accepts="number", linear=("x", "w"),
    vjp={
        "x": lambda g, w, x_shape, stride, padding, dilation, groups: conv_input_grad(
            g, w, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        "w": lambda g, x, w_shape, stride, padding, dilation, groups: conv_weight_grad(
            x, g, window=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
    },
)  # fmt: skip
def conv_output(x, w, *, stride, padding, dilation, groups):
    """Convolution (no flip) of x (n, c, *size) with w (o, c / groups, *window): y (n, o, *positions)."""
    _check_channels("conv(x, w)", "x", x, w, groups, x.shape[1], w.shape[1] * groups)
    return x.shape[0], w.shape[0], *positions(x.shape[2:], w.shape[2:], stride, padding, dilation)


@primitive(
    accepts="number", linear=("y", "w"),
    vjp={
        "y": lambda g, w, stride, padding, dilation, groups: conv_output(
            g, w, stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        "w": lambda g, y, w_shape, stride, padding, dilation, groups: conv_weight_grad(
            g, y, window=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
    },
)  # fmt: skip
def conv_input_grad(y, w, *, size, stride, padding, dilation, groups):
    """Adjoint of conv_output in x: y (n, o, *positions), w (o, c / groups, *window) to x (n, c, *size)."""
    _check_channels("conv_transpose(x, w)", "x", y, w, groups, y.shape[1], w.shape[0])
    _check_positions("conv_input_grad(y, w)", y, positions(size, w.shape[2:], stride, padding, dilation))
    return y.shape[0], w.shape[1] * groups, *size


@primitive(
    accepts="number", linear=("x", "y"),
    vjp={
        "x": lambda g, y, x_shape, stride, padding, dilation, groups: conv_input_grad(
            y, g, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        "y": lambda g, x, stride, padding, dilation, groups: conv_output(
            x, g, stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
    },
)  # fmt: skip
def conv_weight_grad(x, y, *, window, stride, padding, dilation, groups):
    """Adjoint of conv_output in w: x (n, c, *size), y (n, o, *positions) to w (o, c / groups, *window)."""
    _check_positions("conv_weight_grad(x, y)", y, positions(x.shape[2:], window, stride, padding, dilation))
    return y.shape[1], x.shape[1] // groups, *window


@primitive(
    accepts="number",
    vjp={
        "x": lambda g, w, x_shape, stride, padding, dilation, groups: conv_input_grad(
            g, w, size=x_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        "w": lambda g, x, w_shape, stride, padding, dilation, groups: conv_weight_grad(
            x, g, window=w_shape[2:], stride=stride, padding=padding, dilation=dilation, groups=groups
        ),
        "b": lambda g: sum_(g, axis=(0, *range(2, g.ndim))),
    },
)  # fmt: skip
def conv_biased(x, w, b, *, stride, padding, dilation, groups):
    """conv_output(x, w) plus one number of b (o,) per output channel, added where the sums begin."""
    if b.shape != w.shape[:1]:
        raise problem(
            ShapeError, f"conv: b is {b.shape}; there are {w.shape[0]} output channels", f"b of shape ({w.shape[0]},)"
        )
    return conv_output.forward(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)


def _check_channels(what, name, x, w, groups, have, take):
    """Raise ShapeError when axes or channels of an argument do not fit the weight."""
    shown = f"{what}: {name} is {x.shape} and w is {w.shape}"
    if x.ndim != w.ndim or not 3 <= w.ndim <= 5:
        raise problem(
            ShapeError,
            f"{shown}; both have a batch (or out) axis, a channel axis, and 1 to 3 spatial axes",
            f"{name}[None] for one sample, {name}[:, None] for one channel",
        )
    if groups < 1 or w.shape[0] % groups:
        raise problem(
            ArgumentError, f"{shown}; groups={groups} does not divide the {w.shape[0]} out channels of w", "groups=1"
        )
    if have != take:
        fix = (
            f"groups={have // w.shape[1]}"
            if w.shape[1] and have % w.shape[1] == 0 and have
            else "w of shape (out, in / groups, *window)"
        )
        raise problem(ShapeError, f"{shown}; {name} has {have} channels and w takes {take} (groups={groups})", fix)


def _check_positions(what, y, expected):
    """Raise ShapeError when the output-side argument does not have the positions that the windows give."""
    if tuple(y.shape[2:]) != tuple(expected):
        raise problem(ShapeError, f"{what}: y is {y.shape}; the windows have {tuple(expected)} positions")


def conv(x, w, b=None, stride=1, padding=0, dilation=1, groups=1, layout=None):
    """Convolution as neural networks mean it (a correlation: the window is not flipped) over 1 to 3 spatial axes.

    Parameters
    ----------
    x : array (n, c, *size), or as `layout` says
    w : array (o, c / groups, *window)
        The same in every layout.
    b : array (o,), optional
        Added to each output channel.
    stride, dilation : int or tuple of int
        Steps between windows, and between the cells of a window; at least 1.
    padding : int, "valid", "same", tuple of int, or tuple of pairs
        Zeros around x: as many on each side, none, enough for ceil(size / stride) positions (the odd one at the end),
        per axis, or (before, after) per axis.
    groups : int
        Channel groups that do not see each other; c for a depthwise convolution.
    layout : str, optional
        Axes of x and of the result: "NCL", "NCHW", "NCDHW" (channels first, the default), "NLC", "NHWC", "NDHWC".

    Returns
    -------
    Tensor (n, o, *positions)
        positions = (size + padding - dilation * (window - 1) - 1) // stride + 1.

    Raises
    ------
    ShapeError
        For channels that do not fit, a window larger than the padded input.
    ArgumentError
        For options out of range.

    Examples
    --------
    >>> conv1d([[[1.0, 2.0, 3.0]]], [[[1.0, 10.0]]]).tolist()
    [[[21.0, 32.0]]]
    """
    x, w = lift(x), lift(w)
    options = as_windows(w.shape[2:], stride, dilation, groups)
    x = channels_first(x, layout, w.ndim)
    _check_channels("conv(x, w)", "x", x, w, groups, x.shape[1], w.shape[1] * groups)
    padding = same_padding(padding, x.shape[2:], w.shape[2:], options)
    if b is None:
        return channels_back(conv_output(x, w, padding=padding, **options), layout)
    return channels_back(conv_biased(x, w, lift(b), padding=padding, **options), layout)


def conv_transpose(x, w, b=None, stride=1, padding=0, output_padding=0, dilation=1, groups=1, layout=None):
    """The adjoint of `conv`, which takes an output back to the size of an input (a learnt upsampling).

    Parameters
    ----------
    x : array (n, c, *size), or as `layout` says
    w : array (c, o / groups, *window)
    b : array (o,), optional
    stride, padding, dilation, groups, layout
        Of the convolution it is the adjoint of; padding "same" gives size * stride.
    output_padding : int or tuple of int
        Cells added at the end of each axis, less than `stride`: which of the sizes that give `size` positions is meant.

    Returns
    -------
    Tensor (n, o, *sizes)
        sizes = (size - 1) * stride - padding + dilation * (window - 1) + output_padding + 1.

    Examples
    --------
    >>> conv_transpose1d([[[1.0, 2.0]]], [[[1.0, 10.0]]], stride=2).tolist()
    [[[1.0, 10.0, 2.0, 20.0]]]
    """
    x, w = lift(x), lift(w)
    options = as_windows(w.shape[2:], stride, dilation, groups)
    x = channels_first(x, layout, w.ndim)
    _check_channels("conv_transpose(x, w)", "x", x, w, groups, x.shape[1], w.shape[0])
    extra = spread(output_padding, w.ndim - 2, "output_padding", 0)
    if any(e >= s for e, s in zip(extra, options["stride"])):
        raise problem(
            ArgumentError,
            f"conv_transpose: output_padding={extra} must be less than stride={options['stride']}",
            "output_padding=0",
        )
    padding, size = adjoint_size(padding, x.shape[2:], w.shape[2:], options, extra)
    return channels_back(_biased(conv_input_grad(x, w, size=size, padding=padding, **options), b), layout)


def _biased(y, b):
    """Add one number per output channel."""
    if b is None:
        return y
    b = lift(b)
    if b.shape != y.shape[1:2]:
        raise problem(
            ShapeError, f"conv: b is {b.shape}; there are {y.shape[1]} output channels", f"b of shape ({y.shape[1]},)"
        )
    return y + reshape(b, (-1, *(1,) * (y.ndim - 2)))


def channels_first(x, layout, ndim):
    """Return a view of `x` with its channels after the batch."""
    if layout is not None and (layout not in LAYOUTS or LAYOUTS[layout] != ndim - 2):
        raise problem(
            ArgumentError,
            f"layout={layout!r} for {ndim - 2} spatial axes",
            f"one of {[k for k in LAYOUTS if LAYOUTS[k] == ndim - 2]}",
        )
    if layout is None or layout[-1] != "C" or x.ndim != ndim:
        return x
    return permute(x, axes=(0, ndim - 1, *range(1, ndim - 1)))


def channels_back(y, layout):
    """Return `y` as `layout` orders its axes."""
    return y if layout is None or layout[-1] != "C" else permute(y, axes=(0, *range(2, y.ndim), 1))


LAYOUTS = {"NCL": 1, "NCHW": 2, "NCDHW": 3, "NLC": 1, "NHWC": 2, "NDHWC": 3}


def convolve(a, v, mode="full"):
    """Discrete convolution of two vectors, as `numpy.convolve`.

    Parameters
    ----------
    a, v : array (n,), array (m,)
        Neither empty.
    mode : "full", "same" or "valid"
        All n + m - 1 sums; the middle max(n, m); those where the shorter lies within the longer.

    Examples
    --------
    >>> convolve([1.0, 2.0], [1.0, 10.0])
    tensor([ 1., 12., 20.])
    """
    a, v = lift(a), lift(v)
    if a.ndim != 1 or v.ndim != 1 or not a.size or not v.size:
        raise problem(
            ShapeError,
            f"convolve(a, v): a is {a.shape} and v is {v.shape}; both are vectors that are not empty",
            "x.ravel()",
        )
    if v.size > a.size:
        a, v = v, a
    k = v.size
    padding = {"full": (k - 1, k - 1), "same": (k // 2, (k - 1) // 2), "valid": (0, 0)}.get(mode)
    if padding is None:
        raise problem(ArgumentError, f"convolve: mode={mode!r}", 'mode="full", "same" or "valid"')
    y = conv_output(
        reshape(a, (1, 1, -1)), reshape(flip(v), (1, 1, -1)), stride=(1,), padding=(padding,), dilation=(1,), groups=1
    )
    return reshape(y, (y.size,))


def fixed_axes(function, ndim, kind):
    """Return `function` for one number of spatial axes, with its docs."""

    def fixed(x, *args, **kwargs):
        x = lift(x)
        if x.ndim != ndim + 2:
            raise problem(
                ShapeError,
                f"{fixed.__name__}: x is {x.shape}; it has a batch axis, a channel axis and {ndim} spatial axes",
                f"nbgrad.{function.__name__}{x.ndim - 2}d" if 3 <= x.ndim <= 5 else "x[None] for one sample",
            )
        return function(x, *args, **kwargs)

    fixed.__name__ = fixed.__qualname__ = f"{function.__name__}{ndim}d"
    fixed.__wrapped__ = function
    first = f"{kind} over {ndim} spatial {'axis' if ndim == 1 else 'axes'}."
    fixed.__doc__ = "\n".join([first, *(function.__doc__ or "").splitlines()[1:]])
    return fixed


conv1d, conv2d, conv3d = (fixed_axes(conv, n, "Convolution") for n in (1, 2, 3))
conv_transpose1d, conv_transpose2d, conv_transpose3d = (
    fixed_axes(conv_transpose, n, "Transposed convolution") for n in (1, 2, 3)
)
