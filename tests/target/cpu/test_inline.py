"""Elementary functions as instructions: what is written is what is computed, in the widest vectors."""

from fractions import Fraction
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import pytest

from nbgrad.docs import kernels
from nbgrad.ops.table import table
from nbgrad.target.cpu import build
from nbgrad.target.cpu.kernels import source
from nbgrad.target.cpu.load import assembly, load
from nbgrad.target.cpu.native import call, make_program
from nbgrad.target.cpu.prelude import prelude

TEXT = (Path(build.__file__).with_name("inline.py")).read_text(encoding="utf-8")
KERNEL = """
@kernel
def tried(args, tile):
    for i in range(word(args, {count})):
        at{last}(args)[i] = tried_{dtype}({numbers})
"""


def run(body, *arrays):
    """Run a function written in the words of elementary functions, its parameters x, y, z as far as there are arrays."""
    dtype, last = arrays[0].dtype.name, len(arrays)
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    function = f'@inline("{dtype}")\ndef tried_{dtype}({", ".join("xyz"[:last])}):\n{lines}\n'
    numbers = ", ".join(f"at{i}(args)[i]" for i in range(last))
    text = KERNEL.format(count=last + 1, last=last, dtype=dtype, numbers=numbers)
    out = np.empty_like(arrays[0])
    address = load("\n".join([prelude((dtype,) * (last + 1)), TEXT, THIRD, function, text]), "tried")
    call(make_program(address, (out.size,), 1, last + 1), *arrays, out)
    return out


THIRD = '''
THIRD = 0.3333333333333333


@inline("float64")
def cube_float64(x):
    """A function that others call."""
    return x * x * x


@inline("float64")
def parts_float64(x):
    whole = floor(x)
    return whole, x - whole
'''


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arithmetic_rounds_at_each_step(rng, dtype):
    x, y, z = rng.uniform(-2, 2, (3, 1000)).astype(dtype)
    np.testing.assert_array_equal(run("return x * y + z", x, y, z), x * y + z)
    np.testing.assert_array_equal(
        run("return -x / y - 2 * THIRD", x, y, z), -x / y - np.dtype(dtype).type(2 * 0.3333333333333333)
    )


def test_fma_rounds_once(rng):
    x, y = rng.uniform(-2, 2, (2, 200))
    left = [float(Fraction(a) * Fraction(b) - Fraction(a * b)) for a, b in zip(x.tolist(), y.tolist())]
    np.testing.assert_array_equal(run("p = x * y\nreturn fma(x, y, -p)", x, y), left)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_and_integers_keep_their_width(rng, dtype):
    x = rng.uniform(0.5, 100.0, 1000).astype(dtype)
    low, high = (23, 8) if dtype == "float32" else (52, 11)
    bias = 2 ** (high - 1) - 1
    got = run(f"return to_float((shift_right(bits(x) << 1, {low + 1}) & {2**high - 1}) - {bias})", x)
    np.testing.assert_array_equal(got, np.floor(np.log2(x)))
    np.testing.assert_array_equal(run("return real(bits(x) ^ bits(-x) | bits(x))", x), -x)
    np.testing.assert_array_equal(run("return scale(x, to_int(x))", x), np.ldexp(x, x.astype(int)))


def test_choice_and_conditions():
    x = np.array([-2.0, -0.0, 0.0, 1.0, 3.0, np.nan])
    got = run("return select((x > 0.0) & (x < 2.0) | (x != x), 7.0, select(~(x >= 0.0), x, -1.0))", x)
    np.testing.assert_array_equal(got, [-2.0, -1.0, -1.0, 7.0, -1.0, 7.0])


def test_functions_call_functions_and_unpack(rng):
    x = rng.uniform(-5, 5, 100)
    whole, part = np.floor(x), x - np.floor(x)
    np.testing.assert_array_equal(
        run("a, b = parts_float64(x)\nreturn cube_float64(a) + b", x), whole * whole * whole + part
    )
    small = x.astype("float32")
    got = run("return narrow(cube_float64(wide(x)))", small)
    np.testing.assert_array_equal(got, (small.astype(float) * small * small).astype("float32"))


@pytest.mark.parametrize("body", ["if x > 0.0:\n    x = -x\nreturn x", "return x if x > 0.0 else -x", "y = x"])
def test_what_is_no_straight_line_is_refused(body):
    with pytest.raises(Exception, match="Numba cannot compile"):
        run(body, np.ones(1))


@pytest.mark.skipif(not llvm.get_host_cpu_features().get("avx512dq"), reason="needs AVX-512")
@pytest.mark.parametrize("name", ["exp", "log", "tanh", "erf", "sigmoid", "gelu_erf", "pow"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_loops_take_the_widest_vectors_and_call_nothing(name, dtype):
    kernel = kernels(table[name], dtype)["forward"]
    machine = assembly(source(kernel), kernel.name)
    assert machine.count("%zmm") > 20
    assert "call" not in machine
