"""cuBLAS, where it is installed: products of floats. Found when the first product is planned, called by its own C interface.

CuPy would bring it too, but refuses it while a stream is captured, and every launch of a compiled step is. float32 is
multiplied as IEEE float32, as NumPy and PyTorch do by default; NBGRAD_CUDA_PRECISION asks for tensor cores, which keep 10
(tf32) or 7 (bfloat16) of the 23 bits of a factor and sum in float32. Results are the same from run to run: every stream has a
workspace of its own.
"""

import ctypes
import functools

from ...base.memory import start_of
from . import device, memory
from .libraries import LARGEST, SCALARS, Handle, wanted

NAMES = ("libcublas.so.13", "libcublas.so.12", "libcublas.so.11", "cublas64_13.dll", "cublas64_12.dll", "cublas64_11.dll")
WORKSPACE = 32 << 20  # bytes: what cuBLAS recommends for an H100
OUTER = 16  # launches of a batch, at most, whose axes are not evenly spaced
KINDS = {"float32": 0, "float64": 1}  # CUDA_R_32F, CUDA_R_64F
COMPUTES = {"float32": 68, "tf32": 77, "bfloat16": 75, "float64": 70}  # CUBLAS_COMPUTE_32F, _32F_FAST_TF32, _32F_FAST_16BF, _64F
DEFAULT = -1  # CUBLAS_GEMM_DEFAULT: its own choice of an algorithm

_pointer, _int, _long = ctypes.c_void_p, ctypes.c_int, ctypes.c_longlong
_FACTOR = [_pointer, _int, _int, _long]  # where it lies, dtype, distance of columns, distance of matrices
SIGNATURES = {
    "cublasCreate_v2": [_pointer],
    "cublasSetStream_v2": [_pointer, _pointer],
    "cublasSetWorkspace_v2": [_pointer, _pointer, ctypes.c_size_t],
    "cublasGemmStridedBatchedEx": [_pointer, *[_int] * 5, _pointer, *_FACTOR, *_FACTOR, _pointer, *_FACTOR, *[_int] * 3],
}


@functools.cache
def cublas():
    """Return its functions; None where it is not wanted, or not installed."""
    return wanted("cublas", NAMES, SIGNATURES)


def product_words(p) -> tuple | None:
    """Return the words of a product for `call`; None where cuBLAS cannot do it: integers, strides without a unit, huge lengths.

    Its matrices lie column by column: rows of the result are columns of its transpose, right' @ left'.
    """
    if p.out.dtype not in KINDS or cublas() is None or max(p.m, p.n, p.k, p.count) > LARGEST:
        return None
    left, right = leading(p.a.row, p.a.column, p.m, p.k), leading(p.b.row, p.b.column, p.k, p.n)
    if left is None or right is None or max(left[1], right[1]) > LARGEST:
        return None
    c_steps, step = [], p.m * p.n
    for n in reversed(p.batch):
        c_steps, step = [step, *c_steps], step * n
    axes = sorted(zip(p.batch, p.a.batch, p.b.batch, c_steps), reverse=True)
    inner, outer = (axes[0], axes[1:]) if axes else ((1, 0, 0, 0), [])
    starts = [(0, 0, 0)]
    for n, *steps in outer:
        starts = [tuple([s + i * step for s, step in zip(start, steps)]) for start in starts for i in range(n)]
        if len(starts) > OUTER:
            return None
    if min(inner[1:3]) < 0:
        return None
    return (p.m, p.k, p.n, *left, *right, p.add, *inner, *[word for start in starts for word in start])


def apart(factors) -> tuple:
    """Return which factors are copied row by row, so that cuBLAS takes them: those with gaps, or whose lines overlap.

    That takes little beside a product with more than a few rows and columns. What a batch repeats is not written out.
    """
    if factors[0].dtype not in KINDS or cublas() is None:
        return ()
    return tuple(i for i, x in enumerate(factors) if leading(*x.strides[-2:], *x.shape[-2:]) is None and 0 not in x.strides[:-2])


def leading(row, column, rows, columns) -> tuple | None:
    """Return (1 if a matrix lies column by column, distance of its lines); None if its lines have gaps, or overlap.

    >>> leading(5, 1, 3, 4), leading(1, 3, 3, 4), leading(4, 2, 2, 2)
    ((0, 5), (1, 3), None)
    """
    if columns == 1 or column == 1:
        distance = row if rows > 1 else columns
        if distance >= columns:
            return 0, distance
    if rows == 1 or row == 1:
        distance = column if columns > 1 else rows
        if distance >= rows:
            return 1, distance
    return None


def product(kernel):
    """Return what multiplies by cuBLAS: called with its words (behind an offset per operand), the flat operands and the stream."""
    dtype, size = kernel.dtypes[2], 4 if kernel.dtypes[2] == "float32" else 8
    kind, compute = KINDS[dtype], COMPUTES[kernel.static[0]]
    zero, one = (ctypes.addressof(s) for s in SCALARS[dtype])

    def call(words, flats, stream):
        a, b, c = (memory.address_of(flat) + size * offset for flat, offset in zip(flats, words))
        m, k, n, a_turned, a_line, b_turned, b_line, add, count, a_step, b_step, c_step = words[3:15]
        with handle(device.selected()).on(stream) as found:
            for i in range(15, len(words), 3):
                right, left, to = b + size * words[i + 1], a + size * words[i], c + size * words[i + 2]
                found.call(
                    "cublasGemmStridedBatchedEx", b_turned, a_turned, n, m, k, one, right, kind, b_line, b_step,
                    left, kind, a_line, a_step, one if add else zero, to, kind, n, c_step, count, compute, DEFAULT,
                )  # fmt: skip

    return call


class Products(Handle):
    """The handle of cuBLAS: every stream has a workspace of its own, so that results do not depend on what else runs."""

    def __init__(self, number):
        super().__init__("cuBLAS", cublas(), "cublasCreate_v2", "cublasSetStream_v2")
        self.number, self.workspaces = number, {}

    def moved(self, stream):
        """Work in another stream from now on; to set it forgets the workspace."""
        super().moved(stream)
        if stream not in self.workspaces:
            self.workspaces[stream] = memory.pool(self.number).root(WORKSPACE)
        self.call("cublasSetWorkspace_v2", start_of(self.workspaces[stream]), WORKSPACE)


@functools.cache
def handle(number) -> Products:
    """Return the handle of a device, made when it is first asked for."""
    return Products(number)


CALLS = {"library_product": product}  # loop -> what makes the call of a kernel
