import numpy as np
import pytest

SHAPES = [(16, 32), (32, 16), (64, 32)]
DTYPES = ["float32", "float64", "int8", "int64"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [1, 2, 3])
def test_frame_puts_a_row_between_zeros(call, dtype, shape, step):
    x = np.arange(1, 120).astype(dtype)
    for first, last, n in ((0, 5, 5), (2, 9, 30), (7, 7, 20), (1, 34, 35)):
        out = np.full(200, 77, dtype)
        call("frame", dtype, shape, out, 3, 0, x, 4 - first * step, 0, step, first, last, n, 1)
        expected = np.zeros(n, dtype)
        expected[first:last] = x[4 : 4 + (last - first) * step : step]
        np.testing.assert_array_equal(out[3 : 3 + n], expected)
        assert (out[:3] == 77).all()
        assert (out[3 + n + shape[0] :] == 77).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("to_step", "step"), [(1, 1), (1, 2), (3, 1), (2, 4)])
@pytest.mark.parametrize("add", [0, 1])
def test_put_writes_or_adds_a_row_and_nothing_else(call, dtype, shape, to_step, step, add):
    x = np.arange(120).astype(dtype)
    for n in (1, 7, 16, 21):
        out = np.full(100, 3, dtype)
        call("put", dtype, shape, out, 5, 0, to_step, x, 2, 0, step, n, add, 1)
        expected = np.full(100, 3, dtype)
        expected[5 : 5 + n * to_step : to_step] = x[2 : 2 + n * step : step] + (3 if add else 0)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize(("first", "last", "n"), [(1, 20, 21), (0, 3, 5), (2, 34, 35), (0, 16, 16), (1, 1, 3)])
def test_lines_are_framed_and_put_one_after_the_other(call, dtype, shape, step, first, last, n):
    x, lines = np.arange(600).reshape(5, 120).astype(dtype), 4
    out = np.full(lines * n + 100, 77, dtype)
    call("frame", dtype, shape, out, 0, n, x, 7 - first * step, 120, step, first, last, n, lines)
    expected = np.zeros((lines, n), dtype)
    expected[:, first:last] = x[:lines, 7 : 7 + (last - first) * step : step]
    np.testing.assert_array_equal(out[: lines * n].reshape(lines, n), expected)
    assert (out[lines * n + shape[0] :] == 77).all()
    for add in (0, 1):
        result = np.full((5, 150), 3, dtype)
        call("put", dtype, shape, result, 2, 150, step, expected, 0, n, 1, n, add, lines)
        wanted = np.full((5, 150), 3, dtype)
        wanted[:lines, 2 : 2 + n * step : step] = expected + (3 if add else 0)
        np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_zero_and_clear_touch_nothing_else(call, dtype, shape):
    out = np.ones(60, dtype)
    call("zero", dtype, shape, out, 2, 37)
    assert out.sum() == 60 - 37
    assert out[1] == out[39] == 1
    out = np.ones((4, 9), dtype)
    call("clear", dtype, shape, out, 0, 9, 2, 7, 4, 0, 1)
    np.testing.assert_array_equal(out, np.tile(np.array([0, 0, 1, 1, 1, 1, 1, 0, 0], dtype), (4, 1)))
    out = np.ones((3, 20), dtype)
    call("clear", dtype, shape, out, 1, 5, 1, 5, 3, 20, 3)
    expected = np.ones((3, 20), dtype)
    expected[:, [1, 6, 11]] = 0
    np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("count", [1, 2, 5])
def test_parts_are_added_in_order(call, dtype, shape, count):
    x = np.random.default_rng(0).integers(0, 9, (count, 40)).astype(dtype)
    out = np.full(50, 7, dtype)
    call("add_parts", dtype, shape, out, 4, x, 1, 40, count, 35)
    np.testing.assert_array_equal(out[4:39], x[:, 1:36].sum(0).astype(dtype))
    assert (out[:4] == 7).all()
    assert (out[39:] == 7).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_turn_equals_the_transpose(call, dtype, shape):
    rng = np.random.default_rng(1)
    for rows, n in ((1, 1), (3, 40), (16, 16), (17, 5), (35, 33)):
        x, out = rng.integers(0, 99, (rows, n + 2)).astype(dtype), np.full((n, rows + 3), 55, dtype)
        call("turn", dtype, shape, out, 1, rows + 3, x, 2, n + 2, rows, n)
        np.testing.assert_array_equal(out[:, 1 : 1 + rows], x[:, 2:].T)
        assert (out[:, 0] == 55).all()
        assert (out[:, 1 + rows :] == 55).all()
