"""What stands for cuBLAS where there is none: it computes in the memory of the simulator."""

import ctypes

import numpy as np


class StandIn:
    """What cuBLAS's documentation says of the functions that are called, with matrices column by column."""

    def __init__(self):
        self.called, self.status = [], 0

    def cublasCreate_v2(self, handle):  # noqa: N802
        ctypes.c_void_p.from_address(handle).value = 77
        return 0

    def cublasSetStream_v2(self, handle, stream):  # noqa: N802
        self.called.append(("stream", stream))
        return 0

    def cublasSetWorkspace_v2(self, handle, workspace, size):  # noqa: N802
        self.called.append(("workspace", size))
        return 0

    def cublasGemmStridedBatchedEx(  # noqa: N802
        self, handle, turned_a, turned_b, m, n, k, alpha, a, a_kind, lda, a_step, b, b_kind, ldb, b_step, beta, c, c_kind, ldc, c_step,
        count, compute, algorithm,
    ):  # fmt: skip
        assert handle.value == 77
        assert a_kind == b_kind == c_kind
        kind = {0: ctypes.c_float, 1: ctypes.c_double}[a_kind]
        self.called.append(("product", m, n, k, count, compute))
        shapes = ((k, m) if turned_a else (m, k), (n, k) if turned_b else (k, n), (m, n))
        if any(ld < max(1, rows) for ld, (rows, _) in zip((lda, ldb, ldc), shapes)):
            return 7

        def matrix(at, ld, shape):
            room = (kind * (ld * (shape[1] - 1) + shape[0])).from_address(at)
            size = ctypes.sizeof(kind)
            return np.ndarray(shape, kind, room, strides=(size, ld * size))

        number = lambda at: kind.from_address(at).value
        for i in range(count):
            at = [start + i * step * ctypes.sizeof(kind) for start, step in ((a, a_step), (b, b_step), (c, c_step))]
            x, y, z = (matrix(start, ld, shape) for start, ld, shape in zip(at, (lda, ldb, ldc), shapes))
            old = z * number(beta) if number(beta) else 0.0
            z[:] = number(alpha) * (x.T if turned_a else x) @ (y.T if turned_b else y) + old
        return self.status
