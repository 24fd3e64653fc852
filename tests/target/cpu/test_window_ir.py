import pytest

from nbgrad.target.cpu.window_ir import SUMS, Writer, symbol
from nbgrad.target.cpu.windows import INNER, inner_ir


@pytest.mark.parametrize(("dtype", "width", "lanes"), [("float32", 64, 16), ("float64", 32, 4), ("uint8", 16, 16)])
def test_vectors_are_as_wide_as_asked(dtype, width, lanes):
    assert Writer(dtype, width, 32).lanes == lanes


@pytest.mark.parametrize("name", sorted(INNER))
def test_every_loop_is_one_function_of_words(name):
    text = inner_ir(name, "float32", 32, 16)
    assert text.count("define ") == 1
    assert symbol(name, "float32") in text


def test_sums_leave_registers_for_the_operands():
    assert all(count < registers - 2 for registers, count in SUMS.items())


def test_rows_that_are_copied_are_asked_for_ahead():
    assert 'call void @"llvm.prefetch' in inner_ir("frame", "float32", 64, 32)
