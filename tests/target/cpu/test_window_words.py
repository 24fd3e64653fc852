import ctypes

import numpy as np

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
