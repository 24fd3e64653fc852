import ctypes
import re

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nbgrad.plan.host import block_shape, get_host
from nbgrad.target.cpu.load import load_ir
from nbgrad.target.cpu.micro import load_micro, micro_assembly, micro_ir, micro_name

SHAPES = [(12, 2, 64), (6, 2, 32), (12, 2, 16), (6, 2, 16)]
KINDS = ["float32", "float64", "int64", "int16", "uint8"]
SIGNATURE = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * 14)


def micro(kind, shape):
    """The micro-kernel as a function of addresses and numbers."""
    name = micro_name(kind, *shape)
    return SIGNATURE(load_ir(micro_ir(kind, *shape), name, optimise=False))


def columns_of(kind, shape):
    return shape[1] * shape[2] // np.dtype(kind).itemsize


def laid_out(rng, rows, columns, kind, how):
    """A matrix, the array that holds it with room around, and where it starts there."""
    pitch, step = (columns + 3, 1) if how != "transposed" else (1, rows + 2)
    if how == "strided":
        pitch, step = 2 * columns + 1, 2
    size = 5 + (rows - 1) * pitch + (columns - 1) * step + 1 if rows and columns else 5
    whole = rng.integers(-4, 5, size).astype(kind)
    view = np.lib.stride_tricks.as_strided(whole[5:], (rows, columns), (pitch * whole.itemsize, step * whole.itemsize))
    return view, whole, (5, pitch, step)


def check(kind, shape, rows, columns, k, how, add):
    rng = np.random.default_rng(rows + 100 * columns)
    a, a_whole, (a0, a_row, a_step) = laid_out(rng, rows, k, kind, how)
    b, b_whole, (b0, b_step, _) = laid_out(rng, k, columns, kind, "padded")
    pitch = columns + 3
    c = rng.integers(-4, 5, 7 + (rows + 1) * pitch).astype(kind)
    expected = c.copy()
    inside = np.lib.stride_tricks.as_strided(expected[7:], (rows, columns), (pitch * c.itemsize, c.itemsize))
    inside[:] = a @ b + (inside if add else 0)
    micro(kind, shape)(a_whole.ctypes.data, a0, a_row, a_step, b_whole.ctypes.data, b0, b_step, k,
                       c.ctypes.data, 7, pitch, rows, columns, add)  # fmt: skip
    np.testing.assert_array_equal(c, expected)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_micro_equals_numpy_and_writes_nothing_else(shape, kind, data):
    draw = lambda least, most: data.draw(st.integers(least, most))
    rows, columns, k = draw(0, 30), draw(1, columns_of(kind, shape)), draw(0, 20)
    how = data.draw(st.sampled_from(["rows", "transposed", "strided"]))
    check(kind, shape, rows, columns, k, how, draw(0, 1))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_whole_blocks_of_every_height(shape, kind):
    for rows in range(shape[0] + 2):
        check(kind, shape, rows, columns_of(kind, shape), 9, "rows", rows % 2)


def test_infinities_and_nans_stay_in_their_row_and_column():
    a = np.array([[0.0, 1.0], [2.0, 0.0], [np.nan, 1.0]])
    b = np.array([[np.inf, 1.0, 2.0], [3.0, -np.inf, 4.0]])
    shape = block_shape("float64")
    c = np.zeros((3, 3))
    micro("float64", shape)(a.ctypes.data, 0, 2, 1, b.ctypes.data, 0, 3, 2, c.ctypes.data, 0, 3, 3, 3, 0)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(c, a @ b)


@pytest.mark.parametrize("shape", SHAPES)
def test_memory_past_the_columns_is_not_touched(shape):
    """The last rows of b and of c end where a page begins that may not be read."""
    mmap = pytest.importorskip("mmap")
    if not hasattr(mmap, "PROT_READ"):
        pytest.skip("needs the page protection of POSIX")
    libc, size = ctypes.CDLL(None), mmap.PAGESIZE
    blocks = [np.frombuffer(mmap.mmap(-1, 2 * size), np.float64) for _ in range(2)]
    walls = [ctypes.c_void_p(x.ctypes.data + size) for x in blocks]
    for wall in walls:
        assert libc.mprotect(wall, ctypes.c_size_t(size), 0) == 0
    try:
        for n in range(1, columns_of("float64", shape)):
            b, c = (x[size // 8 - 2 * n : size // 8] for x in blocks)
            b[:], a = 1.0, np.ones((2, 2))
            micro("float64", shape)(a.ctypes.data, 0, 2, 1, b.ctypes.data, 0, n, 2, c.ctypes.data, 0, n, 2, n, 0)
            np.testing.assert_array_equal(c, np.full(2 * n, 2.0))
    finally:
        for wall in walls:
            libc.mprotect(wall, ctypes.c_size_t(size), 3)


def fullest_loop(assembly, word):
    """The lines of the loop with the most multiply-adds."""
    blocks = [b.splitlines() for b in re.split(r"\n(?=\.?L?BB\w+:)", assembly) if word in b]
    return max(blocks, key=lambda lines: sum(word in line for line in lines))


def test_the_inner_loop_holds_all_sums_in_the_widest_registers():
    host = get_host()
    if host.vector_bytes < 32:
        pytest.skip("needs AVX")
    for dtype, suffix in (("float32", "ps"), ("float64", "pd")):
        lines = fullest_loop(micro_assembly(dtype, *block_shape(dtype)), f"vfmadd231{suffix}")
        wide = [line for line in lines if "vfmadd" in line and ("zmm" if host.vector_bytes == 64 else "ymm") in line]
        height, vectors, _ = block_shape(dtype)
        assert len(wide) == height * vectors
        assert not [line for line in lines if "mov" in line and "mm" in line and "rsp" in line]


@pytest.mark.parametrize(
    ("triple", "cpu", "shape", "word", "count"),
    [("x86_64-linux-gnu", "haswell", (6, 2, 32), "vfmadd", 12), ("aarch64-linux-gnu", "neoverse-n1", (12, 2, 16), "fmla", 24)],
)
def test_other_processors_keep_all_sums_in_registers(triple, cpu, shape, word, count):
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    try:
        machine = llvm.Target.from_triple(triple).create_target_machine(cpu=cpu, opt=3)
    except RuntimeError:
        pytest.skip(f"this LLVM knows no {triple}")
    for dtype in ("float32", "float64"):
        lines = fullest_loop(machine.emit_assembly(llvm.parse_assembly(micro_ir(dtype, *shape))), word)
        assert sum(word in line for line in lines) == count
        assert not [line for line in lines if "sp" in line]


def test_kernels_find_it_by_name():
    name = micro_name("float32", 6, 2, 32)
    assert load_micro(name) == load_ir(micro_ir("float32", 6, 2, 32), name, optimise=False)
