"""From kernels to their text and address."""

import ast
import inspect

import pytest

from nbgrad.base.errors import KernelError
from nbgrad.ops.table import table
from nbgrad.plan.plan import Kernel
from nbgrad.target.cpu import load
from nbgrad.target.cpu.kernels import LOOPS, WINDOWS, address, prepare, source


def test_names_say_loop_row_and_dtypes():
    assert Kernel("map", ("float32", "float32"), table["tanh"], ("11", False)).name == "map_tanh_float32"
    assert Kernel("map", ("float32", "bool"), table["isnan"]).name == "map_isnan_float32_bool"


def test_an_unknown_loop_is_refused():
    with pytest.raises(KernelError, match="no loop named 'nothing'"):
        source(Kernel("nothing", ("float32",)))


def test_a_source_is_a_whole_file_with_its_choices_as_constants():
    loops = {name: fn for name, (fn, _) in LOOPS.items() if list(inspect.signature(fn).parameters) == ["args", "tile"]}
    assert len(loops) > 15
    for name in loops:
        kernel = Kernel(name, ("float32", "int64", "float32", "float32"), None, ("a", 2, True))
        tree = ast.parse(source(kernel))
        (found,) = [n for n in tree.body if isinstance(n, ast.FunctionDef) and [ast.unparse(d) for d in n.decorator_list] == ["kernel"]]
        assert found.name == kernel.name
        constants = {ast.unparse(n.targets[0]): n.value for n in tree.body if isinstance(n, ast.Assign)}
        assert [ast.literal_eval(constants[f"S{i}"]) for i in range(3)] == ["a", 2, True]


def test_the_source_depends_on_the_kernel_alone():
    kernel = Kernel("map", ("float32", "float32"), table["tanh"], ("11", False))
    assert source(kernel) == source(Kernel(*kernel))
    texts = {source(kernel._replace(dtypes=(d, d), static=s)) for d in ("float32", "float64") for s in (("11", False), ("s1", False), ("11", True))}
    assert len(texts) == 6
    assert address(kernel) == address(Kernel(*kernel))


def test_kernels_that_will_be_asked_for_are_made_ready_together(monkeypatch):
    kernels = [Kernel("map", ("float32",) * 2, table[name], ("11", False)) for name in ("exp", "neg")]
    prepare([*kernels, Kernel(next(iter(WINDOWS)), ("float32",))])
    monkeypatch.setattr(load.build, "compiling", None)  # nothing is left to compile
    for kernel in kernels:
        assert address(kernel) == load.load(source(kernel), kernel.name)
