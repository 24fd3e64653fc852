import ctypes

import numpy as np
import pytest

import nbgrad as ng
from nbgrad.target.cpu import window_words
from nbgrad.target.cpu.words import Native


def test_arithmetic_of_words():
    functions = [window_words.modulo, window_words.least, window_words.largest]
    native = Native("test_window_words", functions, {})
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)
    modulo, least, largest = (kind(native.address(f.__name__)) for f in functions)
    for a, b in ((7, 3), (0, 5), (12, 4)):
        assert modulo(a, b) == a % b
    for a, b in ((-2, 3), (3, -2), (4, 4)):
        assert least(a, b) == min(a, b)
        assert largest(a, b) == max(a, b)


def test_a_word_is_read_by_its_number():
    block = np.array([5, -6, 7], np.int64)
    native = Native("test_word", [window_words.word], {})
    word = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64, ctypes.c_int64)(native.address("word"))
    assert [word(block.ctypes.data, i) for i in range(3)] == [5, -6, 7]


SEEN = []


@ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_int64)
def seen(block, tile):
    SEEN.append((tile, list((ctypes.c_int64 * 18).from_address(block))))


def finish_block(joined, channel, channels, place):
    """Return what `finish` tells a kernel of two operands about a box of a (2, 8, 4, 6, 10) result in blocks of 4 x 8."""
    words = np.zeros(120, np.int64)
    args = words[window_words.OPERANDS :]
    words[:2] = 1000, 5000
    args[[11, 12, window_words.PARTS]] = 2, 4, 1
    at = window_words.FIRST_PART + window_words.PART
    args[at : at + 9] = ctypes.cast(seen, ctypes.c_void_p).value, 2, joined, 1, 2, 2, 4, 6, 10
    args[at + 9 : at + 23] = 4, 1920, 240, 60, 10, 1, 1, 8, 0, 1, 0, 0, 0, 0
    native = Native("test_finish", [window_words.finish], {})
    SEEN.clear()
    ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 7)(native.address("finish"))(args.ctypes.data, 1, channel, channels, *place)
    return SEEN


def test_a_box_of_the_result_is_finished_by_one_call_of_the_kernel():
    [(tile, block)] = finish_block(0, 3, 2, (1, 1, 1))
    assert tile == 0
    # A position stands for 1 x 2 x 2 places: the box begins at 1, 2, 2 and ends with the plane, or after 4 x 8 places.
    assert block[:2] == [1000 + 4 * (1920 + 3 * 240 + 60 + 2 * 10 + 2), 5000 + 8 * 3]
    assert block[2:8] == [8, 8, 1, 2 * 1 * 4, 2 * 1 * 4, 3]  # length of a row, rows, axes outside of it
    assert block[8:10] == [1, 0]
    assert block[10:13] == [2, 1, 4]
    assert block[13:18] == [240, 60, 10, 1, 0]


def test_a_box_ends_where_the_result_ends():
    [(_, block)] = finish_block(0, 0, 8, (0, 2, 4))
    assert block[2] == 2
    assert block[10:13] == [8, 1, 2]


def test_axes_that_are_joined_are_one_row():
    for joined, row, outer in ((1, 32, [2, 1, 1]), (2, 32, [2, 1, 1]), (3, 64, [1, 1, 1])):
        [(_, block)] = finish_block(joined, 3, 2, (0, 0, 0))
        assert block[2] == row
        assert block[10:13] == outer


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16"])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 3), (4, 4), (5, 3), (7, 7), (2, 3, 3), (4, 4, 4)])
def test_planes_of_few_places_are_copied_beside_one_another(dtype, size):
    rng = np.random.default_rng(3)
    x, w = (rng.integers(-9, 9, s).astype(dtype) for s in ((3, 11, *size), (9, 11, *(3,) * len(size))))
    seen = np.lib.stride_tricks.sliding_window_view(np.pad(x, [(0, 0)] * 2 + [(1, 1)] * len(size)), w.shape[2:], range(2, x.ndim))
    cells = range(-len(size), 0)
    want = np.moveaxis(np.tensordot(seen, w, [(1, *cells), (1, *range(2, w.ndim))]), -1, 1)
    np.testing.assert_array_equal(ng.conv(ng.tensor(x), ng.tensor(w), padding=1).numpy(), want.astype(dtype))
