"""cuDNN, where it is installed: convolutions of floats and their adjoints, by algorithms whose results are the same from run to run.

float32 is multiplied as IEEE float32; where NBGRAD_CUDA_PRECISION says tf32 or bfloat16, tensor cores may round its factors to
TF32: cuDNN does not round float32 to bfloat16. Unlike cuBLAS's the workspace is asked for while a call is planned: it is
scratch of the plan.
"""

import ctypes
import functools

from ...plan.plan import Kernel, Step
from . import device, memory
from .libraries import LARGEST, SCALARS, Handle, precision, wanted

NAMES = ("libcudnn.so.9", "libcudnn.so.8", "cudnn64_9.dll", "cudnn64_8.dll")
KINDS = {"float32": 0, "float64": 1}  # CUDNN_DATA_FLOAT, CUDNN_DATA_DOUBLE
ROWS, CORRELATION = 0, 1  # CUDNN_TENSOR_NCHW, CUDNN_CROSS_CORRELATION
MATH = {"float32": 3, "tf32": 0, "bfloat16": 0, "float64": 3}  # CUDNN_FMA_MATH, CUDNN_DEFAULT_MATH (TF32 allowed)
ALGORITHM = 1  # of each the one that is deterministic and takes every shape: FWD_..._IMPLICIT_PRECOMP_GEMM, BWD_..._ALGO_1
FUNCTIONS = {"conv_output": "Forward", "conv_input_grad": "BackwardData", "conv_weight_grad": "BackwardFilter"}
PREFIX = "library_"  # of the loops that are its calls
DESCRIPTORS = ("Tensor", "Tensor", "Filter", "Convolution")

_pointer, _int, _size = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
SIGNATURES = {
    "cudnnCreate": [_pointer], "cudnnSetStream": [_pointer] * 2, "cudnnSetTensorNdDescriptor": [_pointer, _int, _int, _pointer, _pointer],
    "cudnnSetFilterNdDescriptor": [_pointer, _int, _int, _int, _pointer],
    "cudnnSetConvolutionNdDescriptor": [_pointer, _int, *[_pointer] * 3, _int, _int],
    "cudnnSetConvolutionGroupCount": [_pointer, _int], "cudnnSetConvolutionMathType": [_pointer, _int],
    **{f"cudnnCreate{d}Descriptor": [_pointer] for d in DESCRIPTORS}, **{f"cudnnDestroy{d}Descriptor": [_pointer] for d in DESCRIPTORS},
    **{f"cudnnGetConvolution{f}WorkspaceSize": [*[_pointer] * 5, _int, _pointer] for f in FUNCTIONS.values()},
    **{f"cudnnConvolution{f}": [*[_pointer] * 7, _int, _pointer, _size, *[_pointer] * 3] for f in FUNCTIONS.values()},
}  # fmt: skip


@functools.cache
def cudnn():
    """Return its functions; None where it is not wanted, or not installed."""
    return wanted("cudnn", NAMES, SIGNATURES)


@functools.cache
def handle(number) -> Handle:
    """Return the handle of a device, made when it is first asked for."""
    return Handle("cuDNN", cudnn(), "cudnnCreate", "cudnnSetStream")


def by_library(loop, layouts, attrs, pointers, scratch):
    """Return (step, bytes of its workspace) of a convolution; None where cuDNN cannot do it.

    Parameters
    ----------
    loop : str
        One of `FUNCTIONS`.
    layouts : tuple of Layout
        Of the input, the result and the weight, which lies row by row.
    pointers : tuple of int
        The buffers of what is read and of what is made.
    scratch : int
        The buffer of the workspace.
    """
    x, y, w = layouts
    if cudnn() is None or w.dtype not in KINDS or any(before != after for before, after in attrs["padding"]):
        return None
    if max(n * max(1, abs(s)) for a in (x, y) for n, s in zip(a.shape, a.strides)) > LARGEST or min(*x.strides, *y.strides) < 1:
        return None
    words = [x.ndim, *x.shape, *x.strides, *y.shape, *y.strides, *w.shape, *(before for before, _ in attrs["padding"])]
    words = (*words, *attrs["stride"], *attrs["dilation"], attrs["groups"])
    kernel = Kernel(PREFIX + loop, (w.dtype, w.dtype, w.dtype, "uint8"), None, (precision(w.dtype),))
    size, d = _size(), described(words, kernel)
    if d is None:
        return None
    with handle(device.selected()).on(0) as found:
        if found.status(f"cudnnGetConvolution{FUNCTIONS[loop]}WorkspaceSize", *d.order(loop), ALGORITHM, ctypes.addressof(size)):
            return None
    return Step(kernel, (*pointers, scratch), (size.value, *words), 1), max(1, size.value)


def convolution(kernel):
    """Return what convolves by cuDNN: called with its words (behind an offset per operand), the flat operands and the stream."""
    loop, (zero, one) = kernel.loop.removeprefix(PREFIX), (ctypes.addressof(s) for s in SCALARS[kernel.dtypes[0]])
    size = ctypes.sizeof(SCALARS[kernel.dtypes[0]][0])

    def call(words, flats, stream):
        a, b, out = (memory.address_of(flat) + size * offset for flat, offset in zip(flats[:3], words))
        workspace = memory.address_of(flats[3]) + words[3]
        with handle(device.selected()).on(stream) as found:
            d = described(tuple(words[5:]), kernel)
            first, second, by, made = d.order(loop)
            found.call(
                f"cudnnConvolution{FUNCTIONS[loop]}", one, first, a, second, b, by, ALGORITHM, workspace, words[4], zero, made, out
            )

    return call


CALLS = {f"{PREFIX}{loop}": convolution for loop in FUNCTIONS}  # loop -> what makes the call of a kernel


class Described:
    """Descriptors of the arrays of a convolution and of its windows, for as long as this lives."""

    def __init__(self, found, words, kernel):
        self.functions, kind, ndim = found.functions, KINDS[kernel.dtypes[0]], words[0]
        lists, rest = [], list(words[1:])
        for count in (*[ndim] * 5, *[ndim - 2] * 3):
            lists.append(rest[:count])
            rest = rest[count:]
        x, x_steps, y, y_steps, w, padding, stride, dilation = (_planar(values, i) for i, values in enumerate(lists))
        self.made, count = [_pointer() for _ in DESCRIPTORS], len(x)
        for name, made in zip(DESCRIPTORS, self.made):
            found.checked(name, getattr(self.functions, f"cudnnCreate{name}Descriptor")(ctypes.addressof(made)))
        self.x, self.y, self.w, self.windows = self.made
        done = [
            self.functions.cudnnSetTensorNdDescriptor(self.x, kind, count, x, x_steps),
            self.functions.cudnnSetTensorNdDescriptor(self.y, kind, count, y, y_steps),
            self.functions.cudnnSetFilterNdDescriptor(self.w, kind, ROWS, count, w),
            self.functions.cudnnSetConvolutionNdDescriptor(self.windows, count - 2, padding, stride, dilation, CORRELATION, kind),
            self.functions.cudnnSetConvolutionGroupCount(self.windows, rest[0]),
            self.functions.cudnnSetConvolutionMathType(self.windows, MATH[kernel.static[0]]),
        ]
        self.refused = any(done)

    def order(self, loop) -> tuple:
        """Return the descriptors as the functions of a convolution take them: of both operands, the windows, the result."""
        x, y, w = self.x, self.y, self.w
        return {"conv_output": (x, w, self.windows, y), "conv_input_grad": (w, y, self.windows, x)}.get(loop, (x, y, self.windows, w))

    def __del__(self):
        for name, made in zip(DESCRIPTORS, self.made):
            getattr(self.functions, f"cudnnDestroy{name}Descriptor")(made)


@functools.lru_cache(4096)
def described(words, kernel) -> Described | None:
    """Return the descriptors of a convolution; None where cuDNN refuses one."""
    found = Described(handle(device.selected()), words, kernel)
    return None if found.refused else found


def _planar(values, number):
    """Return whole numbers of C, of a line as of a plane of one row: cuDNN knows planes and spaces."""
    if number < 5 and len(values) == 3:
        values = [*values[:2], values[1] if number in (1, 3) else 1, values[2]]
    elif number >= 5 and len(values) == 1:
        values = [0 if number == 5 else 1, *values]  # that row is not padded
    return (_int * len(values))(*values)
