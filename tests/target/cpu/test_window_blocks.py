import numpy as np
import pytest

from nbgrad.target.cpu.window_ir import BLOCKS, ROWS

SHAPES = [(16, 32), (16, 16), (32, 16), (64, 32)]  # NEON, SSE, AVX2, AVX-512


def blocks(*dtypes):
    """Give the first dtype with every shape, and every dtype with one shape; the others, of the same text, are slow."""
    of = lambda dtype, shape: dtype == dtypes[0] or shape == SHAPES[2]
    found = [(dtype, shape) for dtype in dtypes for shape in SHAPES]
    return pytest.mark.parametrize(("dtype", "shape"), [pytest.param(*f, marks=() if of(*f) else pytest.mark.slow) for f in found])


def whole(rng, dtype, *shape):
    """Small whole numbers: every order of sums gives the same."""
    return rng.integers(-4, 5, shape).astype(dtype)


@blocks("float32", "float64", "int64", "int8")
def test_positions_equal_numpy(call, dtype, shape):
    rng = np.random.default_rng(0)
    for rows in ROWS:
        for height, k, n, add in ((rows, 7, 1, 0), (max(1, rows - 1), 5, 16, 0), (rows, 3, 77, 1), (1, 0, 300, 0)):
            a, b, before = whole(rng, dtype, 1 + k, rows), whole(rng, dtype, k * 5 + n + 9), whole(rng, dtype, rows, n + 3)
            table, c = np.array([5 * p for p in range(k)] or [0], np.int64), before.copy()
            call("positions", dtype, shape, a, rows, 0, b, 2, table, k, c, 0, n + 3, height, n, add, rows)
            parts = np.array([b[2 + 5 * p : 2 + 5 * p + n] for p in range(k)], dtype).reshape(k, n)
            expected = (before[:, :n] if add else a[0][:, None]) + a[1:].T @ parts
            np.testing.assert_array_equal(c[:height, :n], expected[:height].astype(dtype))
            np.testing.assert_array_equal(c[height:], before[height:])
            np.testing.assert_array_equal(c[:, n:], before[:, n:])


@blocks("float32", "float64", "int16")
def test_cells_equal_numpy(call, dtype, shape):
    rng = np.random.default_rng(1)
    for rows, _ in BLOCKS:
        for height, k, n, add in ((rows, 9, 64, 0), (1, 4, 5, 0), (rows - 1, 6, 33, 1), (rows, 2, 100, 1)):
            a, b, before = whole(rng, dtype, 100), whole(rng, dtype, k, n + 2), whole(rng, dtype, rows, n)
            places, steps = np.array([min(r, height - 1) * 3 for r in range(rows)]), rng.permutation(k).astype(np.int64)
            c = before.copy()
            call("cells", dtype, shape, a, 1, places, steps, k, b, n + 2, c, 0, n, height, n, add, rows)
            left = a[1 + places[:height, None] + steps]
            expected = left @ b[:, :n] + (before[:height] if add else 0)
            np.testing.assert_array_equal(c[:height], expected.astype(dtype))
            np.testing.assert_array_equal(c[height:], before[height:])


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize(("height", "count"), [(1, 1), (1, 9), (1, 12), (2, 10), (3, 4), (4, 5)])
def test_dots_equal_numpy(call, dtype, shape, height, count):
    rng = np.random.default_rng(2)
    for lines, n, add in ((1, 5, 0), (3, 16, 1), (4, 39, 0)):
        a, b, before = whole(rng, dtype, height, lines, n), whole(rng, dtype, 1000), whole(rng, dtype, height, count)
        table, c = 7 * np.arange(count), before.copy()
        call("dots", dtype, shape, a, 0, lines * n, n, b, 3, table, n + 2, lines, n, c, 0, count, height, count, add)
        seen = np.array([[b[3 + t + h * (n + 2) :][:n] for h in range(lines)] for t in table])
        expected = np.einsum("rhj,qhj->rq", a, seen) + (before if add else 0)
        np.testing.assert_array_equal(c, expected.astype(dtype))
