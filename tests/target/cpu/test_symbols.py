"""Undefined symbols of object files in each format."""

import llvmlite.binding as llvm
import pytest

from nbgrad.base.errors import KernelError
from nbgrad.target.cpu.engine import machine
from nbgrad.target.cpu.symbols import undefined_symbols

IR = """
@table = global [4 x double] zeroinitializer
declare double @a_function_with_a_long_name(double)
declare i64 @short(ptr)
define internal double @inner(double %x) noinline {
  %y = call double @a_function_with_a_long_name(double %x)
  ret double %y
}
define double @outer(double %x) {
  %n = call i64 @short(ptr @table)
  %y = call double @inner(double %x)
  ret double %y
}
"""


def emit(triple):
    machine()  # starts LLVM
    module = llvm.parse_assembly(f'target triple = "{triple}"\n{IR}')
    return llvm.Target.from_triple(triple).create_target_machine(opt=0).emit_object(module)


@pytest.mark.parametrize("system", ["unknown-linux-gnu", "apple-darwin", "pc-windows-msvc"])
def test_symbols_of_each_object_format(system):
    processor = llvm.get_process_triple().split("-")[0]
    found = set(undefined_symbols(emit(f"{processor}-{system}")))
    assert found - {"_fltused"} == {"a_function_with_a_long_name", "short"}


def test_functions_that_llvm_brings_in_are_found():
    declared = "declare float @llvm.exp.f32(float)\n"
    body = "define float @f(float %x) {\n  %y = call float @llvm.exp.f32(float %x)\n  ret float %y\n}"
    data = machine().emit_object(llvm.parse_assembly(declared + body))
    assert undefined_symbols(data) == ("expf",)


def test_another_format_is_refused():
    with pytest.raises(KernelError, match="object format"):
        undefined_symbols(b"\0asm and more")
