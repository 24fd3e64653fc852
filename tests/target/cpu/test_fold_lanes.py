"""Numbers under Python's operators: the instructions that they build."""

import llvmlite.binding as llvm
import pytest
from llvmlite import ir
from numba import types

from nbgrad.target.cpu import fold_lanes
from nbgrad.target.cpu.fold_lanes import GROUP, Number, call, element_type, select

DTYPES = [types.float32, types.float64, types.int32, types.uint8]


def built(dtype, act, width=GROUP):
    """Return the checked text of a function that does `act` to two vectors."""
    kind = ir.VectorType(element_type(dtype), width)
    module = ir.Module()
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [kind, kind]), "f")
    builder = ir.IRBuilder(function.append_basic_block())
    act(*[Number(builder, x, dtype) for x in function.args])
    builder.ret_void()
    llvm.parse_assembly(str(module)).verify()
    return str(module)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_arithmetic_and_comparisons(dtype):
    text = built(dtype, lambda x, y: select((x + 1 > y) | (x != x), 2 - x * y, abs(y), dtype))
    assert "select" in text and "or <16 x i1>" in text


def test_a_comparison_is_signed_only_where_numbers_are():
    assert "icmp ult" in built(types.uint8, lambda x, y: x < y)
    assert "icmp slt" in built(types.int32, lambda x, y: x < y)


def test_nan_differs_from_itself():
    assert "fcmp une" in built(types.float32, lambda x, y: x != x)


@pytest.mark.parametrize(("dtype", "to", "act"), [(types.float32, types.float64, "fpext"), (types.int32, types.int64, "sext"),
                                                  (types.uint8, types.int64, "zext"), (types.boolean, types.int64, "zext"),
                                                  (types.int32, types.float64, "sitofp")], ids=str)  # fmt: skip
def test_casts(dtype, to, act):
    assert act in built(dtype, lambda x, y: x.cast(to))


def test_functions_of_llvm():
    assert "llvm.sqrt.v16f64" in built(types.float64, lambda x, y: call("sqrt", x))


def test_lanes_fill_whole_groups():
    assert fold_lanes.PASS % fold_lanes.LANES == fold_lanes.LANES % GROUP == fold_lanes.STRIP % GROUP == 0
